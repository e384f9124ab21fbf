"""The editors on the page, without a script: rules, attributes and categories, from the form to the marketplace."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest

from bridge.db.tables import DraftRow
from bridge.flows import listing_view
from tests.support.editing import HERE, Kiosk, fields, text
from tests.support.lively import HOST

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def kiosk(database_url: str) -> Iterator[Kiosk]:
    kiosk = Kiosk(database_url)
    yield kiosk
    kiosk.world.close()


def test_a_rule_is_put_together_shown_on_real_products_kept_planned_and_applied(kiosk: Kiosk) -> None:
    assert "No rule yet" in text(kiosk.get("rules"))
    path = f"rule?of={HERE}"
    page = kiosk.press(path, kiosk.get(path), "condition:when", **{"when.new": "stock"})
    page = kiosk.press(path, page, "group:when")
    page = kiosk.press(path, page, "condition:when.1", **{"when.1.new": "sku"})
    page = kiosk.press(path, page, "condition:when.1", **{"when.1.new": "tags"})
    page = kiosk.press(path, page, "remove:when.1.1")
    page = kiosk.press(path, page, "action", **{"then.new": "buffer"})
    page = kiosk.press(path, page, "action", **{"then.new": "markup"})
    page = kiosk.press(path, page, "up:then.1")
    assert fields(page)["then.0.kind"] == "markup"
    page = kiosk.press(path, page, "effect", name="Some", **{"when.0.value": "x", "then.0.percent": "10"})
    assert page.status_code == 200
    assert 'id="when.0.value-note"' in page.text, "the error stands next to its field"
    assert "Enter something here." in text(page)
    changed = {"when.0.op": "number:<", "when.0.value": "10", "when.1.0.op": "set:in", "then.1.buffer.units": "1"}
    page = kiosk.press(path, page, "effect", **changed)
    assert 'id="when.1.0.value-note"' in page.text, "the operator changed, and its operand is missing"
    page = kiosk.press(path, page, "effect", **{"when.1.0.value": "MUG-1\nlamp"})
    shown = text(page)
    assert "2 of 3 fit" in shown
    assert "stock 9 → 8" in shown
    assert "price €10.00 → €11.00" in shown
    assert kiosk.rows(DraftRow) == [], "looking keeps nothing"
    assert kiosk.press(path, page, "save").status_code == 303
    listed = text(kiosk.get(f"rules?of={HERE}"))
    assert "A draft is open." in listed
    assert "Units on hand in the store is less than 10" in listed
    assert kiosk.holds() == {}, "nothing moves unplanned"
    assert "Rules (Market 0)" in text(kiosk.apply("rules", of=HERE))
    assert kiosk.holds()[HERE, "rules"]["rules"][0]["when"]["of"][1]["values"] == ["MUG-1", "lamp"]
    assert {offer.sku: offer.stock for offer in kiosk.world.markets[0].offers.values()} == {
        "MUG-1": 8,
        "MUG-2": 9,
        "LAMP": 8,
    }
    assert kiosk.rows(DraftRow) == []
    again = kiosk.get(f"rule?of={HERE}&rule=0")
    assert fields(again)["when.1.value"] == "MUG-1\nlamp"
    assert kiosk.press(path, again, "save").status_code == 303
    assert kiosk.rows(DraftRow) == [], "what says the same is no draft"


@pytest.mark.both_databases
def test_the_order_of_rules_shared_lists_and_drafts_that_were_overtaken(kiosk: Kiosk) -> None:
    for start in ("brand", "buffer", "margin", "pounds"):
        path = f"rule?of={HERE}&start={start}"
        page = kiosk.get(path)
        assert "of 3 fit" in text(page), start
        assert kiosk.press(path, page, "save").status_code == 303
    assert kiosk.post("rules", "up", of=HERE, rule="1", was="Safety buffer").status_code == 303
    assert kiosk.post("rules", "off", of=HERE, rule="3", was="Pounds for the UK").status_code == 303
    moved = kiosk.post("rules", "down", of=HERE, rule="1", was="Safety buffer")
    assert moved.status_code == 422, "somebody else has moved it"
    kiosk.post("rules", "remove", of=HERE, rule="2", was="Enough margin")
    kiosk.apply("rules", of=HERE)
    rules = kiosk.holds()[HERE, "rules"]["rules"]
    assert [(rule["name"], rule["enabled"]) for rule in rules] == [
        ("Safety buffer", True), ("Brand in front", True), ("Pounds for the UK", False)]  # fmt: skip
    shared = "rule?of=shared:Season&start=margin"
    assert kiosk.press(shared, kiosk.get(shared), "save").status_code == 303
    kiosk.apply("rules", of="shared:Season")
    assert kiosk.post("rules", "share", of=HERE, uses="Nothing").status_code == 422
    assert kiosk.post("rules", "share", of=HERE, uses="Season").status_code == 303
    kiosk.apply("rules", of=HERE)
    assert kiosk.holds()[HERE, "sharing"] == {"uses": ["Season"]}
    kiosk.post("rules", "on", of=HERE, rule="2", was="Pounds for the UK")
    assert kiosk.post("plans", "undo", version="1", confirm="1").status_code == 303
    stale = text(kiosk.get(f"rules?of={HERE}"))
    assert "What holds has been changed since this draft was begun" in stale
    assert kiosk.post("rules", "discard", of=HERE).status_code == 303
    assert "No rule yet" in text(kiosk.get(f"rules?of={HERE}"))
    assert kiosk.get("rules?of=connection:1").status_code == 404, "a store has no rules"
    assert kiosk.get(f"s/other/rules?of={HERE}").status_code == 404


def test_attributes_are_filled_by_a_table_of_the_stores_own_values(kiosk: Kiosk) -> None:
    place = {"of": "2", "category": "11"}
    kiosk.post("categories/choose", "choose", of="2", store="Mugs", target="11")
    kiosk.apply("categories", of="2")
    shown = kiosk.get("mapping?of=2&category=11")
    assert "1 required attribute is filled from nowhere." in text(shown)
    assert shown.text.index("Colour") < shown.text.index("Material"), "what is required comes first"
    path = "mapping/attribute?of=2&category=11&name=colour"
    page = kiosk.press(path, kiosk.get(path), "choose", **{"source.kind": "table"})
    page = kiosk.press(path, page, "choose", **{"source.source.kind": "attribute"})
    assert "Farbe" in fields(page)["source.source.name"]
    page = kiosk.press(path, page, "values:source.values")
    found = fields(page)
    assert [found[f"source.values.{row}.key"] for row in (0, 1)] == ["Marine", "rouge"]
    page = kiosk.press(path, page, "effect", **{"source.values.0.to": "BLAU"})
    assert "Colour does not take 'BLAU'" in text(page)
    page = kiosk.press(path, page, "effect", **{"source.values.0.to": "BLUE"})
    assert re.search(
        r"1 of 2 get a value .* MUG-1 Product MUG-1 BLUE MUG-2 Product MUG-2 nothing 'rouge' is not", text(page)
    )
    assert kiosk.press(path, page, "save", **{"source.values.1.to": "RED"}).status_code == 303
    title = "mapping/attribute?of=2&category=&name=%40title"
    page = kiosk.press(title, kiosk.get(title), "choose", **{"source.kind": "template"})
    page = kiosk.press(title, page, "effect", **{"source.text": "{brand"})
    assert 'id="source.text-note"' in page.text
    page = kiosk.press(title, page, "effect", **{"source.text": "{brand} {title}"})
    assert "3 of 3 get a value" in text(page)
    assert kiosk.press(title, page, "save").status_code == 303
    kiosk.apply("mapping", **place)
    with kiosk.world.db.read(1) as session:
        [mug] = listing_view.explain(session, "MUG-2")
    assert mug["facets"]["content"]["desired"]["attributes"] == {"colour": "RED"}
    assert mug["facets"]["content"]["desired"]["title"] == "Acme Product MUG-2"
    down = kiosk.get("mapping?of=2&download=csv")
    assert down.headers["Content-Disposition"].startswith("attachment")
    changed = down.text.replace("RED", "BLUE").encode()
    upload = {**place, "csrf": kiosk.token, "do": "upload"}

    def send(content: bytes, name: str = "m.csv") -> int:
        form = {**upload, "file": (io.BytesIO(content), name)}
        return kiosk.browser.client.post("/mapping", base_url=HOST, data=form, headers={"Origin": HOST}).status_code

    assert send(b"nonsense") == 422
    assert send(changed) == 303
    assert "A draft is open." in text(kiosk.get("mapping?of=2"))
    assert kiosk.post("mapping", "copy-into", **place, into="12").status_code == 303
    [draft] = kiosk.rows(DraftRow)
    assert [section["path"] for section in draft.content["sections"]] == [
        [], ["Home", "Cups & mugs"], ["Home", "Lighting"]]  # fmt: skip


def test_categories_are_accepted_one_by_one_or_in_bulk_but_never_unseen(kiosk: Kiosk) -> None:
    assert kiosk.post("categories", "suggest", of="2").status_code == 303
    page = kiosk.get("categories?of=2&search=Mugs")
    assert "%" in text(page)
    [shown] = re.findall(r'name="shown" value="([^"]+)"', page.text)
    assert len(shown.split(",")) == 1, "what the search leaves out is not on the page"
    assert kiosk.post("categories", "above", of="2", above="100", shown=shown).status_code == 422
    assert kiosk.post("categories", "above", of="2", above="1", shown=shown).status_code == 303
    [draft] = kiosk.rows(DraftRow)
    assert draft.content == {"entries": {"Mugs": "11"}}
    assert kiosk.post("categories/choose", "choose", of="2", store="Lamps", target="1").status_code == 404, "no leaf"
    found = kiosk.get("categories/choose?of=2&store=Lamps&search=light")
    assert "Home > Lighting" in text(found)
    assert kiosk.post("categories/choose", "choose", of="2", store="Lamps", target="12").status_code == 303
    assert kiosk.post("categories", "product", of="2", product="MUG-2").headers["Location"].count("product=") == 1
    mug = kiosk.world.store.by_sku("MUG-2").product_id
    assert kiosk.post("categories/choose", "choose", of="2", product=mug, target="13").status_code == 303
    kiosk.apply("categories", of="2")
    assert kiosk.holds()[HERE, "category_overrides"] == {"products": {mug: "13"}}
    assert "2 / 2 categories mapped, 3 / 3 products" in text(kiosk.get("categories?of=2"))
    with kiosk.world.db.read(1) as session:
        made = {sku: listing_view.explain(session, sku)[0] for sku in ("MUG-1", "MUG-2", "LAMP")}
    assert made["LAMP"]["facets"]["content"]["desired"]["category"] == "12"
    assert made["MUG-2"]["facets"]["content"]["desired"]["category"] == "13"
    assert "colour" in [said["field"] for said in made["MUG-1"]["stays"]], "asked for in that category"
    assert made["MUG-1"]["why_not"] == [], "it is live all the same"
