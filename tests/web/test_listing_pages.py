"""Many listings at once, the checks with where they are mended, and long work that says how far it has come."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from bridge.db.tables import Connection, FacetRow, Poll, RunRow, Work
from bridge.domain.money import Money
from bridge.flows import choosing, progress
from bridge.flows.progress import Run
from tests.support.editing import HERE, Kiosk, text

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def kiosk(database_url: str) -> Iterator[Kiosk]:
    kiosk = Kiosk(database_url)
    yield kiosk
    kiosk.world.close()


def ticks(page: str) -> dict[str, str]:
    """The number of each product's box, by SKU."""
    found = re.findall(r'name="product" value="(\d+)"><span class="sb-unseen">\S+ (\S+)</span>', page)
    return {sku: number for number, sku in found}


def shown(kiosk: Kiosk) -> dict[str | None, int | None]:
    return {offer.sku: offer.stock for offer in kiosk.world.markets[0].offers.values()}


def confirm(kiosk: Kiosk, response: object) -> str:
    """Apply the plan that a button has led to; returns what it said."""
    assert response.status_code == 303, text(response)  # type: ignore[attr-defined]
    place = response.headers["Location"].split("?")[0].lstrip("/")  # type: ignore[attr-defined]
    said = text(kiosk.get(place))
    assert kiosk.post(place, "apply", confirm="1").status_code == 303
    kiosk.world.settle(300, step=100)
    return said


@pytest.mark.both_databases
def test_products_are_left_out_and_taken_in_again_by_plans(kiosk: Kiosk) -> None:
    boxes = ticks(kiosk.get("listings").text)
    assert set(boxes) == {"MUG-1", "MUG-2", "LAMP"}
    assert kiosk.post("listings", "out", to="2").status_code == 422, "nothing is ticked"
    assert kiosk.post("listings", "out", to="9", product=boxes["LAMP"]).status_code == 404
    said = confirm(kiosk, kiosk.post("listings", "out", to="2", product=[boxes["MUG-1"], boxes["LAMP"]]))
    assert "2 taken off" in said
    assert set(shown(kiosk)) == {"MUG-2"}
    assert [rule["name"] for rule in kiosk.holds()[HERE, "rules"]["rules"]] == [choosing.RULE]
    out = text(kiosk.get("sku?sku=LAMP"))
    assert "Sell it here again" in out
    assert "Mend it here" in out, "the rule that keeps it out is one click away"
    assert "left out by a rule" in text(kiosk.get("checks?of=2"))
    confirm(kiosk, kiosk.post("sku", "in", to="2", sku="LAMP"))
    assert set(shown(kiosk)) == {"MUG-2", "LAMP"}
    assert kiosk.post("sku", "in", to="2", sku="LAMP").status_code == 422, "nobody left it out"
    confirm(kiosk, kiosk.post("listings", "in", to="2", all="yes", search="mug"))
    assert set(shown(kiosk)) == {"MUG-1", "MUG-2", "LAMP"}
    assert kiosk.holds()[HERE, "rules"]["rules"] == []
    assert "Safety buffer of LAMP" in kiosk.get(f"rule?of={HERE}&start=buffer-of&sku=LAMP").text


@pytest.mark.both_databases
def test_what_the_marketplace_changed_by_itself_is_sent_again_when_somebody_says_so(kiosk: Kiosk) -> None:
    [lamp] = [offer for offer in kiosk.world.markets[0].offers.values() if offer.sku == "LAMP"]
    kiosk.world.markets[0].offers[lamp.offer_id] = lamp.model_copy(update={"stock": 1})
    kiosk.world.settle(200, step=100)
    assert shown(kiosk)["LAMP"] == 1, "nothing changed here, so nothing is sent"
    assert kiosk.post("sku", "again", to="2", sku="LAMP").status_code == 303
    kiosk.world.settle(200, step=100)
    assert shown(kiosk)["LAMP"] == 9
    listed = kiosk.get("listings?download=csv&search=lamp")
    [line] = list(csv.DictReader(io.StringIO(listed.text.removeprefix("\ufeff"))))
    assert (line["sku"], line["state"], line["shown"]) == ("LAMP", "live", "9")
    kiosk.world.markets[0].offers[lamp.offer_id] = lamp.model_copy(update={"stock": 2})
    assert kiosk.post("checks", "start:listings.resend", of="2").status_code == 303
    assert "Begins soon" in text(kiosk.get("checks?of=2"))
    kiosk.world.settle(300, step=100)
    assert shown(kiosk)["LAMP"] == 9
    [run] = kiosk.rows(RunRow, RunRow.kind == progress.RESEND)
    assert (run.state, run.done, run.total) == ("done", 3, 3)
    assert kiosk.rows(FacetRow, FacetRow.desired_version > FacetRow.acked_version) == []
    assert kiosk.post("checks", "start:orders.pull", of="2").status_code == 404


@pytest.mark.both_databases
def test_filters_find_the_few_and_the_checks_say_where_they_are_mended(kiosk: Kiosk) -> None:
    kiosk.post("categories/choose", "choose", of="2", store="Mugs", target="11")
    kiosk.apply("categories", of="2")
    page = kiosk.get("checks?of=2")
    assert "Blocks" in text(page), text(page)
    assert "mapping/attribute?of=2&amp;name=colour" in page.text
    rule = re.search(r"reason=(\w+)", page.text)
    assert rule
    found = kiosk.get(f"listings?on=2&reason={rule[1]}")
    assert set(ticks(found.text)) == {"MUG-1", "MUG-2"}
    assert set(ticks(kiosk.get("listings?on=1").text)) == set()
    assert set(ticks(kiosk.get("listings?state=live").text)) == {"MUG-1", "MUG-2", "LAMP"}
    assert "Nothing here" in text(kiosk.get("listings?reason=%25"))


@pytest.mark.both_databases
def test_long_work_says_how_far_it_is_and_stops_where_that_does_no_harm(kiosk: Kiosk) -> None:
    engine = kiosk.world.engine
    with engine.db.read(1) as session:
        row = session.get_one(Connection, 2)
    run = Run(engine, row, [], progress.CHECK, 800, can_stop=True)
    assert run.went_on(500)
    page = kiosk.get("checks?of=2")
    assert "500 / 800" in text(page), "it is there after any reload"
    [known] = kiosk.rows(RunRow, RunRow.kind == progress.CHECK)
    assert "Every product is checked and compared" in text(kiosk.get(""))
    assert kiosk.post("checks", "stop", run=str(known.id), of="2").status_code == 303
    assert not run.went_on(300), "it is told to stop at its next step"
    run.end()
    [known] = kiosk.rows(RunRow, RunRow.kind == progress.CHECK)
    assert (known.state, known.done) == ("stopped", 800)
    firm = Run(engine, row, [], progress.CHECK, 800, can_stop=False)
    refused = kiosk.post("checks", "stop", run=str(known.id), of="2")
    assert refused.status_code == 422
    assert "puts a change into effect" in text(refused)
    assert firm.went_on(1)
    assert kiosk.post("checks", "start:project.connection", of="2").status_code == 303
    kiosk.world.settle(200, step=100)
    [known] = kiosk.rows(RunRow, RunRow.kind == progress.CHECK)
    assert (known.state, known.done, known.total, known.can_stop) == ("done", 3, 3, True)
    assert kiosk.rows(Work, Work.kind == progress.CHECK, Work.dirty_version > Work.done_version) == []
    assert kiosk.get("s/other/checks").status_code == 404


def test_the_first_reading_of_a_store_is_stopped_and_goes_on_by_a_word(kiosk: Kiosk) -> None:
    world = kiosk.world
    before = world.store.faults.before.setdefault("list_products", [])

    def stop() -> None:
        running = kiosk.rows(RunRow, RunRow.kind == progress.CATALOGUE, RunRow.state == "running")
        if not running:  # it is not the sweep that asks
            before.append(stop)
            return
        answer = kiosk.post("checks", "stop", run=str(running[0].id), of="1")
        assert answer.status_code == 303
        assert "checks" not in answer.headers["Location"], "a store's work is shown on the Overview"

    with world.db.write(1) as session:
        never = {"last_ok_at": None, "last_count": 0, "next_at": world.clock()}
        session.execute(update(Poll).where(Poll.flow == progress.CATALOGUE).values(never))
    before.append(stop)
    world.settle(200, step=100)
    assert "Read on" in text(kiosk.get(""))
    assert "Reading them was stopped before its end." in text(kiosk.get("setup?step=welcome"))
    assert kiosk.post("checks", "start:poll.catalogue", of="2").status_code == 404, "a marketplace has no catalogue"
    assert kiosk.post("checks", "start:poll.catalogue", of="1").status_code == 303
    world.settle(200, step=100)
    [run] = kiosk.rows(RunRow, RunRow.kind == progress.CATALOGUE)
    [poll] = kiosk.rows(Poll, Poll.flow == progress.CATALOGUE)
    assert (run.state, run.done, poll.last_ok_at is not None) == ("done", 3, True)
    assert "They are read and kept up to date." in text(kiosk.get("setup?step=welcome"))


def test_a_price_that_waits_is_told_with_why_and_what_to_do(kiosk: Kiosk) -> None:
    world = kiosk.world
    world.hint(world.store.change("MUG-1", price=Money.of("4.00", "EUR")))
    world.settle(60, step=30)
    page = text(kiosk.get("sku?sku=MUG-1"))
    assert "The price would become €4.00, which is -60.0 % against the €10.00 that is shown there." in page
    assert "More than 30 % is not sent without your word; the old price stays until then." in page
    assert "€4.00 waits for you" in page
    assert kiosk.post("plans", "confirm", connection="2").status_code == 303
    world.settle(60, step=30)
    page = text(kiosk.get("sku?sku=MUG-1"))
    assert "waits for you" not in page
    assert [
        offer.price.text() for offer in world.markets[0].offers.values() if offer.sku == "MUG-1" and offer.price
    ] == ["4.00 EUR"]


def test_why_price_and_texts_of_a_live_listing_stay_is_told(kiosk: Kiosk) -> None:
    world = kiosk.world
    world.hint(world.store.change("MUG-1", price=None, title="Another name"))
    world.settle(60, step=30)
    page = text(kiosk.get("sku?sku=MUG-1"))
    assert "Why its price and texts stay as they are there" in page
    assert "no price" in page.partition("Why its price and texts stay as they are there")[2]
