"""An offer that stands on a marketplace and the product it is, said by hand: on the page, by the JSON door, by a table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from bridge.cli import cli
from bridge.db import crypto
from bridge.db.tables import Connection, Listing, LooseOffer, OrderLine
from bridge.domain.listing import LiveOffer
from bridge.domain.money import Money
from bridge.flows import link_tables, linking, listing_view, matching, offered
from bridge.flows.forms import FieldErrors
from bridge.flows.linking import Offer
from bridge.ports.errors import AskMerchant, NotFound
from bridge.web import create_web
from tests.support.editing import Kiosk, text
from tests.support.lively import config
from tests.support.world import MemoryMarket, ean

pytestmark = pytest.mark.timeout(240)
CHANNEL = 2
TOKEN = "a-token-of-the-merchants-own-program"


@pytest.fixture
def kiosk(database_url: str) -> Iterator[Kiosk]:
    kiosk = with_strangers(Kiosk(database_url))
    yield kiosk
    kiosk.world.close()


def with_strangers(kiosk: Kiosk) -> Kiosk:
    """Two offers that are nobody's, and two products that are not offered."""
    world = kiosk.world
    for sku, stock in (("VASE", 7), ("BOWL", 4)):
        world.store.add(sku, stock)
        world.store.change(sku, gtin=None)
    market = world.markets[0]
    market.offers["X-1"] = LiveOffer(offer_id="X-1", sku="theirs-1", gtin=None, stock=1, title="Old Product VASE, blue")
    market.offers["X-2"] = LiveOffer(offer_id="X-2", sku="theirs-2", gtin=None, stock=1, title="Something else")
    world.settle(200, step=100)
    matching.again(world.engine, 1, CHANNEL)
    world.settle(200, step=100)
    return kiosk


def loose(kiosk: Kiosk) -> list[str]:
    with kiosk.world.db.read(1) as session:
        return [row["offer_id"] for row in linking.loose(session, CHANNEL, "", 0, 100)]


def of(kiosk: Kiosk, offer: str) -> Listing | None:
    found = kiosk.rows(Listing, Listing.offer_id == offer)
    return found[0] if found else None


def at(offer: str, site: str = "") -> Offer:
    return Offer(CHANNEL, site, offer)


@pytest.mark.both_databases
def test_an_offer_is_linked_on_the_page_and_explains_itself(kiosk: Kiosk) -> None:
    assert loose(kiosk) == ["X-1", "X-2"]
    page = text(kiosk.get("links"))
    assert "Old Product VASE, blue" in page
    assert "VASE Product VASE 2 of 4 words of the title" in page
    assert "2 of 2" not in page, "products that are offered there already are no candidates"
    assert kiosk.post("links", "link", on="2", offer="X-1", sku="VASE").status_code == 303
    kiosk.world.settle(200, step=100)
    listing = of(kiosk, "X-1")
    assert listing is not None
    assert (listing.sku, bool(listing.linked_by), loose(kiosk)) == ("VASE", True, ["X-2"])
    assert kiosk.world.markets[0].offers["X-1"].stock == 7, "its stock is the store's now"
    assert "linked by hand by" in text(kiosk.get("sku?sku=VASE"))
    with kiosk.world.db.read(1) as session:
        [row] = listing_view.explain(session, "VASE")
    assert row["linked"]["by"] == listing.linked_by
    assert row["why_not"] == [], "it has no EAN, and it is live all the same"
    assert "GTIN" in str(row["stays"])
    assert "Why it cannot be bought" not in text(kiosk.get("sku?sku=VASE"))
    matching.again(kiosk.world.engine, 1, CHANNEL)
    kiosk.world.settle(200, step=100)
    assert loose(kiosk) == ["X-2"], "compared again, it stays linked"
    assert "1 by hand" in text(kiosk.get("setup?step=match&connection=2"))
    assert kiosk.post("links", "unlink", on="2", offer="X-1").status_code == 303
    assert of(kiosk, "X-1") is None
    assert loose(kiosk) == ["X-1", "X-2"]


def unlinked(kiosk: Kiosk) -> MemoryMarket:
    """VASE could be offered, was linked to X-1 and is linked to it no more; the marketplace kept its own SKU of it."""
    world, market = kiosk.world, kiosk.world.markets[0]
    linking.link(world.engine, 1, at("X-1"), "VASE", "Ada")
    world.settle(300, step=100)
    market.offers["X-1"] = market.offers["X-1"].model_copy(update={"sku": "theirs-1"})
    market.writes.clear()
    assert kiosk.post("links", "unlink", on="2", offer="X-1").status_code == 303
    world.hint(world.store.change("VASE", gtin=ean(77)))
    world.settle(300, step=100)
    return market


def created(market: MemoryMarket) -> list[str]:
    return [sku for operation, sku, _ in market.writes if operation == "create_offers"]


def waiting(kiosk: Kiosk) -> list[str]:
    with kiosk.world.db.read(1) as session:
        return [row["sku"] for row in linking.unlinked(session, CHANNEL, 10)]


def test_what_is_unlinked_keeps_its_own_sku_and_nothing_is_offered_anew_unasked(kiosk: Kiosk) -> None:
    market = unlinked(kiosk)
    assert [(row.offer_id, row.sku, row.title) for row in kiosk.rows(LooseOffer)] == [
        ("X-1", "theirs-1", "Old Product VASE, blue"),
        ("X-2", "theirs-2", "Something else"),
    ]
    assert (market.writes, "X-1" in market.offers) == ([], True), "it stands there as it is"
    kiosk.world.hint(kiosk.world.store.set("VASE", 3))
    kiosk.world.hint(kiosk.world.store.change("VASE", price=Money.of("12.00", "EUR")))
    kiosk.world.settle(900, step=100)
    assert (created(market), waiting(kiosk), market.offers["X-1"].stock) == ([], ["VASE"], 7)
    page = text(kiosk.get("links"))
    assert "These products are not offered anew before the offers are compared again, or you say so" in page
    assert "VASE Product VASE" in page.split("Unlinked by hand")[-1]
    assert "It was unlinked from its offer by hand" in text(kiosk.get("sku?sku=VASE"))
    assert "VASE" in text(kiosk.get("listings?state=blocked"))
    assert "It was unlinked from its offer by hand" in text(kiosk.get("setup?step=match&connection=2"))
    linking.link(kiosk.world.engine, 1, at("X-1"), "VASE", "Ada")
    kiosk.world.settle(300, step=100)
    assert (waiting(kiosk), created(market), market.offers["X-1"].stock) == ([], [], 3), "linked again, at once"


def test_it_is_offered_anew_when_somebody_says_so(kiosk: Kiosk) -> None:
    market = unlinked(kiosk)
    for form in ({"sku": "LAMP"}, {"sku": "NOBODY"}, {"sku": "VASE", "site": "FR"}):
        assert kiosk.post("links", "anew", on="2", **form).status_code == 422
    assert kiosk.post("links", "anew", on="2", sku="VASE").status_code == 303
    kiosk.world.settle(300, step=100)
    assert (created(market), waiting(kiosk)) == (["VASE"], [])
    listing = next(row for row in kiosk.rows(Listing) if row.sku == "VASE")
    assert (listing.state, listing.linked_by, listing.linked_at) == ("live", None, None)
    assert loose(kiosk) == ["X-1", "X-2"]


def test_it_is_offered_anew_after_a_comparison_that_began_later(kiosk: Kiosk) -> None:
    market, world = unlinked(kiosk), kiosk.world
    [listing] = kiosk.rows(Listing, Listing.state == "unlinked")
    with world.db.write(1) as session:
        before = listing.linked_at - timedelta(seconds=1)
        assert linking.compared(session, CHANNEL, before, world.clock()) == 0, "it cannot know of it"
    matching.again(world.engine, 1, CHANNEL)
    world.settle(300, step=100)
    assert (created(market), waiting(kiosk), loose(kiosk)) == (["VASE"], [], ["X-1", "X-2"])


def test_an_offer_that_was_linked_stays_when_its_product_gets_an_ean(kiosk: Kiosk) -> None:
    world, market = kiosk.world, kiosk.world.markets[0]
    linking.link(world.engine, 1, at("X-1"), "VASE", "Ada")
    world.settle(300, step=100)
    market.writes.clear()
    world.hint(world.store.change("VASE", gtin=ean(77)))
    world.settle(300, step=100)
    assert {operation for operation, _, _ in market.writes} <= {"update_stock", "update_prices", "update_content"}
    listing = of(kiosk, "X-1")
    assert listing is not None
    assert (listing.sku, listing.state, bool(listing.linked_by)) == ("VASE", "live", True)


@pytest.mark.both_databases
def test_whoever_was_about_to_end_it_is_stopped(kiosk: Kiosk) -> None:
    world = kiosk.world
    linking.link(world.engine, 1, at("X-1"), "VASE", "Ada")
    world.settle(300, step=100)
    listing = of(kiosk, "X-1")
    assert listing is not None
    with world.db.write(1) as session:
        row = session.get_one(Listing, listing.id)
        row.lease_token, row.leased_until = "held", world.clock() + timedelta(minutes=1)
    linking.unlink(world.engine, 1, at("X-1"))
    with world.db.write(1) as session:
        row = session.get_one(Listing, listing.id)
        assert row.lease_token is None
        offered.lost(session, listing.id, world.clock())
        session.refresh(row)
        assert row.state == "unlinked", "an answer that is about the offer it had"


def buy(kiosk: Kiosk, sku: str, units: int) -> str:
    """Of the offer X-1, whatever the SKU."""
    market = kiosk.world.markets[0]
    order = market.buy((sku, units))
    market.alter(order, f"{order}-0", offer_id="X-1")
    return order


def test_orders_for_the_offer_go_to_the_product(kiosk: Kiosk) -> None:
    """Also the one that came before anybody said so, and whatever SKU the marketplace names."""
    first = buy(kiosk, "theirs-1", 2)
    kiosk.world.settle(900, step=100)
    assert not [draft for ref, draft in kiosk.world.store.drafts.items() if first in ref]
    linking.link(kiosk.world.engine, 1, at("X-1"), "VASE", "Ada")
    kiosk.world.settle(900, step=100)
    assert kiosk.world.store.stock("VASE") == 5
    buy(kiosk, "MUG-1", 1)
    kiosk.world.settle(900, step=100)
    assert kiosk.world.store.stock("VASE") == 4, "what a person said goes before a SKU"
    assert all(line.variant_id for line in kiosk.rows(OrderLine))


def test_what_cannot_be_is_refused_and_changes_nothing(kiosk: Kiosk) -> None:
    engine = kiosk.world.engine
    taken = next(row.offer_id for row in kiosk.rows(Listing) if row.sku == "LAMP")
    for offer, sku, words in (
        (at("X-1"), "NOBODY", "no product with SKU"),
        (at("X-1"), "", "Enter the SKU"),
        (at("X-1"), "LAMP", "already"),
        (at(str(taken)), "VASE", "is LAMP already"),
        (at("X-9"), "VASE", "No offer X-9"),
        (at("X-1", "NL"), "VASE", "not looked after"),
    ):
        with pytest.raises(AskMerchant, match=words):
            linking.link(engine, 1, offer, sku, "Ada")
    with pytest.raises(NotFound):
        linking.link(engine, 1, Offer(1, "", "X-1"), "VASE", "Ada")
    with pytest.raises(AskMerchant, match="not linked by hand"):
        linking.unlink(engine, 1, at(str(taken)))
    assert loose(kiosk) == ["X-1", "X-2"]
    assert kiosk.post("links", "link", on="2", offer="X-1", sku="NOBODY").status_code == 422


def csv(*rows: str) -> bytes:
    return "\n".join(("channel,site,offer,marketplace sku,sku", *rows)).encode()


def report(kiosk: Kiosk, *rows: str) -> link_tables.Report:
    with kiosk.world.db.read(1) as session:
        return link_tables.planned(session, link_tables.read(csv(*rows)))


def account(kiosk: Kiosk) -> str:
    with kiosk.world.db.read(1) as session:
        return session.get_one(Connection, CHANNEL).account


def test_a_table_says_what_it_would_do_before_it_does_it(kiosk: Kiosk) -> None:
    name = account(kiosk)
    written = kiosk.get("links?download=csv").text.removeprefix("\ufeff")
    assert f"{name},,X-1,theirs-1," in written.splitlines()
    rows = (f"{name},,X-1,,VASE", f"{name},,,theirs-2,BOWL")
    sent = kiosk.post("links", "upload", on="2", file=(io.BytesIO(csv(*rows)), "links.csv"))
    assert "2 to link, 0 to unlink, 0 as they are, 0 wrong. Nothing has been changed yet." in text(sent)
    assert loose(kiosk) == ["X-1", "X-2"]
    assert kiosk.press("links", _report_form(sent), "confirm").status_code == 303
    assert loose(kiosk) == []
    again = report(kiosk, *rows[:1], f"{name},,X-2,,BOWL")
    assert [found.what for found in again.rows] == ["same", "same"]
    whole = kiosk.get("links?download=csv").text.encode()
    with kiosk.world.db.read(1) as session:
        kept = link_tables.planned(session, link_tables.read(whole))
    assert {found.what for found in kept.rows} == {"same"}, "what was written is read back the same"
    swapped = (f"{name},,X-1,,", f"{name},,X-2,,")
    link_tables.apply(kiosk.world.engine, 1, csv(*swapped), "Ada")
    assert loose(kiosk) == ["X-1", "X-2"]


def _report_form(response: Any) -> Any:
    class Part:
        text = response.text.split('id="report"')[1].split("</form>")[0] + "</form>"

    return Part


@pytest.mark.both_databases
def test_a_wrong_row_names_row_and_column_and_nothing_is_changed(kiosk: Kiosk) -> None:
    name = account(kiosk)
    lamp = next(row.offer_id for row in kiosk.rows(Listing) if row.sku == "LAMP")
    rows = (
        f"{name},,X-1,,VASE",
        f"{name},,X-1,,BOWL",
        "nowhere,,X-2,,BOWL",
        f"{name},FR,X-2,,BOWL",
        f"{name},,X-7,,BOWL",
        f"{name},,,theirs-7,BOWL",
        f"{name},,X-2,,NOBODY",
        f"{name},,{lamp},,",
    )
    found = report(kiosk, *rows).of("wrong")
    told = [(one.row.number, one.column) for one in found]
    assert told == [
        (3, "offer"),
        (4, "channel"),
        (5, "site"),
        (6, "offer"),
        (7, "marketplace sku"),
        (8, "sku"),
        (9, "sku"),
    ]
    with pytest.raises(FieldErrors, match="Row 3, offer"):
        link_tables.apply(kiosk.world.engine, 1, csv(*rows), "Ada")
    assert loose(kiosk) == ["X-1", "X-2"]
    for content, words in (
        (b"a,b\n1,2", "missing: channel, sku, offer"),
        (b"\xff\xfe", "UTF-8"),
        (b"channel,offer,sku\n1,2,3,4", "Row 2 has more columns"),
        (b"channel,offer,sku\n" + b"1,2,3\n" * (link_tables.MOST_ROWS + 1), "more than"),
        (b"x" * (link_tables.MOST_BYTES + 1), "larger than 1 MB"),
    ):
        with pytest.raises(FieldErrors) as caught:
            link_tables.read(content)
        assert words in caught.value.errors["file"]


@pytest.mark.both_databases
def test_the_json_door_links_too(kiosk: Kiosk) -> None:
    client = create_web(kiosk.world.engine, config(page_token=TOKEN, is_loopback=False)).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}

    def ask(method: str, path: str, **body: Any) -> Any:
        answer = client.open(f"/api/{path}", method=method, headers=headers, json=body or None)
        return answer.status_code, answer.json

    status, found = ask("GET", "connections/2/links")
    assert (status, [row["offer_id"] for row in found["loose"]], found["linked"]) == (200, ["X-1", "X-2"], [])
    assert found["loose"][0]["candidates"][0]["sku"] == "VASE"
    assert ask("POST", "connections/2/links", offer="X-1", sku="VASE")[0] == 200
    assert ask("POST", "connections/2/links", offer="X-2", sku="VASE")[0] == 422
    assert ask("GET", "connections/2/links")[1]["linked"][0]["sku"] == "VASE"
    assert ask("POST", "connections/2/unlink", offer="X-1")[0] == 200
    assert [row["sku"] for row in ask("GET", "connections/2/links")[1]["unlinked"]] == ["VASE"]
    assert ask("POST", "connections/2/offer", sku="BOWL")[0] == 422
    assert ask("POST", "connections/2/offer", sku="VASE")[0] == 200
    assert ask("GET", "connections/2/links")[1]["unlinked"] == []
    written = ask("GET", "links")[1]["table"]
    status, report_ = ask("PUT", "links", table=written.replace("X-1,theirs-1,", "X-1,theirs-1,VASE"))
    assert (status, report_["done"], report_["link"]) == (200, False, 1)
    assert of(kiosk, "X-1") is None
    assert ask("PUT", "links", table=written.replace("X-1,theirs-1,", "X-1,theirs-1,VASE"), confirm=True)[1]["done"]
    assert of(kiosk, "X-1") is not None


def test_at_the_command_line(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    kiosk = with_strangers(Kiosk(f"sqlite:///{tmp_path / 'storebridge.db'}", key))
    ring = crypto.installed()
    environment = {"STOREBRIDGE_DATA_DIR": str(tmp_path), "STOREBRIDGE_KEYS": key, "DATABASE_URL": "", "REDIS_URL": ""}

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, arguments, env=environment)
        assert done.exit_code == code, done.output
        return str(done.output)

    assert "VASE (2 of 4 words of the title)" in run("links", "show")
    assert "linked by hand" in run("links", "set", "X-1", "VASE")
    assert "already" in run("links", "set", "X-2", "VASE", code=2)
    assert "X-1  is VASE: linked by" in run("links", "show")
    assert "linked by hand by" in run("explain", "VASE")
    file = tmp_path / "links.csv"
    run("links", "download", str(file))
    assert "X-1,theirs-1,VASE" in file.read_text()
    file.write_text("channel,site,offer,sku\n2,,X-1,\n2,,X-8,BOWL\n")
    assert "offer   No offer X-8 was found there." in run("links", "upload", str(file))
    assert "Row 3, offer" in run("links", "upload", str(file), "--confirm", code=2)
    file.write_text("channel,site,offer,sku\n2,,X-2,BOWL\n")
    assert "Nothing has been changed yet" in run("links", "upload", str(file))
    assert "Done." in run("links", "upload", str(file), "--confirm")
    assert "no longer VASE" in run("links", "remove", "X-1")
    assert "VASE  was unlinked on" in run("links", "show")
    assert "was not unlinked" in run("links", "offer", "BOWL", code=2)
    assert "VASE is offered anew" in run("links", "offer", "VASE")
    assert "was unlinked" not in run("links", "show")
    crypto.install(ring)
    assert loose(kiosk) == ["X-1"]
    kiosk.world.close()
