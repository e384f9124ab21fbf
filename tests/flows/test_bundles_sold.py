"""Bundles follow their scarcest component, and a sale of one reserves what it is made of, until the store's own stock has
it off: by the store itself, by a person, or by us."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select

from bridge.cli import cli
from bridge.db.tables import FacetRow, Listing, Order, Problem, Reservation, ReturnRow, Variant
from bridge.domain.order import CancelReason
from bridge.domain.returns import RefundLine
from bridge.flows import acceptance, attend, listing_view, order_view, part_units, plan, project, table
from bridge.flows.documents import SHOP, Wish
from bridge.flows.forms import FieldErrors
from bridge.flows.table import Scope
from bridge.ports.errors import AskMerchant, RetryLater
from bridge.web import create_web
from tests.support.lively import Browser, config
from tests.support.world import Died, World, time_out

CUPS, POT = {"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}
PERSON, STORE, BRIDGE = "person", "store", "bridge"


def bundle(sku: str, *parts: dict[str, Any], taken_by: str = PERSON) -> dict[str, Any]:
    return {"sku": sku, "components": list(parts), "taken_by": taken_by}


def holds(world: World, *bundles: dict[str, Any]) -> None:
    """As a plan that was looked at and applied."""
    wish = Wish(subject=SHOP, kind="bundles", content={"bundles": list(bundles)})
    made = plan.make(world.engine, 1, [wish], "tests")
    plan.apply(world.engine, 1, made["id"], "tests", confirm=True)
    world.drain()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    for market in world.markets:
        market.asynchronous = False
    for sku, units in (("CUP", 9), ("POT", 5), ("LID", 3)):
        world.store.add(sku, units)
    world.store.add("SET", 0, managed=False)
    world.store.add("DUO", 0, managed=False)
    world.settle(60, step=60)
    yield world
    world.close()


def shown(world: World, market: int = 0) -> dict[str, int | None]:
    return {sku: world.markets[market].stock(sku) for sku in ("CUP", "POT", "SET", "DUO")}


def held(world: World) -> list[tuple[str, int, str]]:
    with world.db.read(1) as session:
        query = select(Variant.sku, Reservation.quantity, Reservation.state).join(
            Variant, Variant.id == Reservation.variant_id
        )
        return [(sku, units, state) for sku, units, state in session.execute(query.order_by(Reservation.id))]


def problems(world: World) -> dict[str, str]:
    with world.db.read(1) as session:
        return {row.kind: row.text for row in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}


def sale(world: World, *lines: tuple[str, int], market: int = 0) -> str:
    """Bought and imported; the store has not been asked yet."""
    world.store.faults.before["create_order"] = [RetryLater("away")] * 50
    key = world.markets[market].buy(*lines)
    world.mark("orders", "orders.pull", "changes", connection=2 + market)
    world.drain()
    world.store.faults.before.clear()
    return key


def in_store(world: World) -> str:
    """The store makes the newest order; the rest of what follows is done."""
    world.clock.advance(60)
    world.settle(120)
    return list(world.store.orders)[-1]


def test_a_bundle_shows_what_its_scarcest_part_allows(world: World) -> None:
    assert shown(world) == {"CUP": 9, "POT": 5, "SET": 0, "DUO": 0}
    holds(world, bundle("SET", CUPS, POT), bundle("DUO", CUPS))
    assert shown(world) == shown(world, 1) == {"CUP": 9, "POT": 5, "SET": 4, "DUO": 4}
    world.hint(world.store.set("POT", 3))
    world.settle(30)
    assert shown(world) == shown(world, 1) == {"CUP": 9, "POT": 3, "SET": 3, "DUO": 4}
    world.hint(world.store.set("POT", 0))
    world.settle(30)
    assert shown(world) == {"CUP": 9, "POT": 0, "SET": 0, "DUO": 4}


@pytest.mark.both_databases
def test_a_part_that_goes_or_is_renamed_leaves_nothing_to_sell(world: World) -> None:
    holds(world, bundle("SET", CUPS, POT), bundle("DUO", CUPS))
    world.hint(world.store.change("POT", sku="JUG"))
    world.settle(30)
    assert shown(world)["SET"] == 0
    with world.db.read(1) as session:
        row = listing_view.explain(session, "SET", "mem0")[0]
    assert "no single product POT" in row["warnings"][0]["text"]
    world.hint(world.store.change("JUG", sku="POT"))
    world.settle(30)
    assert shown(world)["SET"] == 4
    world.hint(world.store.delete("CUP"))
    world.settle(30)
    assert (shown(world)["SET"], shown(world)["DUO"]) == (0, 0)


def test_what_the_store_counts_of_the_bundle_itself_is_one_more_limit(world: World) -> None:
    world.hint(world.store.add("BOX", 2))
    world.settle(60)
    holds(world, bundle("BOX", CUPS))
    assert world.markets[0].stock("BOX") == 2
    world.hint(world.store.set("CUP", 3))
    world.settle(30)
    assert world.markets[0].stock("BOX") == 1


@pytest.mark.parametrize("taken_by", [PERSON, STORE, BRIDGE])
def test_a_sale_lowers_everything_that_shares_a_part_before_the_store_is_asked(world: World, taken_by: str) -> None:
    holds(world, bundle("SET", CUPS, POT, taken_by=taken_by), bundle("DUO", CUPS))
    sale(world, ("SET", 2))
    assert not world.store.orders
    assert held(world) == [("SET", 2, "open"), ("CUP", 4, "open"), ("POT", 2, "open")]
    assert shown(world) == shown(world, 1) == {"CUP": 5, "POT": 3, "SET": 2, "DUO": 2}
    sale(world, ("CUP", 2), market=1)
    assert not world.store.orders
    assert shown(world) == shown(world, 1) == {"CUP": 3, "POT": 3, "SET": 1, "DUO": 1}


def test_sales_and_readings_at_the_same_time_leave_no_old_number(world: World) -> None:
    """Each of them knows only one part; the number of the bundle is that of all of them."""
    holds(world, bundle("SET", CUPS, POT), bundle("DUO", CUPS))
    world.store.faults.before["create_order"] = [RetryLater("away")] * 1000
    for units in (40, 60, 50):
        world.hint(world.store.set("CUP", units))
        world.hint(world.store.set("POT", units - 15))
        world.clock.advance(60)
        for market in (0, 1):
            for sku in ("CUP", "POT", "SET", "DUO"):
                key = world.markets[market].buy((sku, 1))
                world.mark("orders", "orders.import", key, connection=2 + market)
        scopes = [Scope(1, 1, "stock", "work"), Scope(1, 2, "orders", "work"), Scope(1, 3, "orders", "work")]
        with ThreadPoolExecutor(len(scopes)) as pool:
            list(pool.map(lambda scope: table.run(world.engine, scope, time.monotonic() + 30), scopes))
        assert wanted(world) == {sku: {count} for sku, count in known(world).items()}


def known(world: World) -> dict[str, int]:
    """By what the database has of the parts."""
    with world.db.read(1) as session:
        there = {sku: on_hand or 0 for sku, on_hand in session.execute(select(Variant.sku, Variant.on_hand))}
    for sku, units, state in held(world):
        there[sku] -= units * (state != "released")
    return {
        "CUP": there["CUP"],
        "POT": there["POT"],
        "SET": min(there["CUP"] // 2, there["POT"]),
        "DUO": there["CUP"] // 2,
    }


def wanted(world: World) -> dict[str, set[int]]:
    """What is to be shown, on any marketplace."""
    found: dict[str, set[int]] = {}
    with world.db.read(1) as session:
        query = select(Listing.sku, FacetRow.desired).join(Listing).where(FacetRow.facet == "stock")
        for sku, desired in session.execute(query):
            found.setdefault(sku, set()).add(desired["quantity"])
    found.pop("LID")
    return found


def test_a_store_that_takes_parts_off_is_waited_for_like_any_sale(world: World) -> None:
    world.store.made_of = {"SET": {"CUP": 2, "POT": 1}}
    holds(world, bundle("SET", CUPS, POT, taken_by=STORE))
    sale(world, ("SET", 2))
    in_store(world)
    assert (world.store.stock("CUP"), world.store.stock("POT"), world.store.stock_writes) == (5, 3, 0)
    assert {state for _, _, state in held(world)} == {"released"}
    assert shown(world) == shown(world, 1) == {"CUP": 5, "POT": 3, "SET": 2, "DUO": 0}
    assert problems(world) == {}


@pytest.mark.both_databases
def test_without_anybody_the_parts_stay_kept_back_until_a_person_says_so(world: World) -> None:
    holds(world, bundle("SET", CUPS, POT))
    key = sale(world, ("SET", 2))
    in_store(world)
    assert (world.store.stock("CUP"), world.store.stock_writes) == (9, 0)
    assert held(world) == [("SET", 2, "released"), ("CUP", 4, "waiting"), ("POT", 2, "waiting")]
    assert shown(world) == {"CUP": 5, "POT": 3, "SET": 2, "DUO": 0}
    assert "4 x CUP, 2 x POT" in problems(world)["bundle_parts"]
    browser = Browser(create_web(world.engine, config()))
    with world.db.read(1) as session:
        number = session.scalars(select(Order.id)).one()
    assert "4 kept back until they are off" in browser.get(f"orders/{number}").text
    world.store.set("CUP", 5)  # by hand; for a moment it is counted twice, and never too high
    world.store.set("POT", 3)
    assert browser.post(f"orders/{number}", "parts_off").status_code == 303
    world.settle(60)
    assert {state for _, _, state in held(world)} == {"released"}
    assert shown(world) == shown(world, 1) == {"CUP": 5, "POT": 3, "SET": 2, "DUO": 0}
    assert problems(world) == {}
    with pytest.raises(AskMerchant, match="No parts"):
        part_units.taken_off(world.engine, 1, key)


def test_we_take_parts_off_where_the_merchant_wants_it(world: World) -> None:
    holds(world, bundle("SET", CUPS, POT, taken_by=BRIDGE))
    sale(world, ("SET", 2))
    in_store(world)
    assert (world.store.stock("CUP"), world.store.stock("POT"), world.store.stock_writes) == (5, 3, 2)
    assert {state for _, _, state in held(world)} == {"released"}
    assert shown(world) == shown(world, 1) == {"CUP": 5, "POT": 3, "SET": 2, "DUO": 0}
    assert problems(world) == {}


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("error", [time_out, lambda: RetryLater("away"), Died])
def test_a_write_that_breaks_off_takes_nothing_off_twice(world: World, point: str, error: Any) -> None:
    holds(world, bundle("SET", CUPS, POT, taken_by=BRIDGE))
    sale(world, ("SET", 2))
    getattr(world.store.faults, point)["set_stock"] = [error()]
    for _ in range(2):
        try:
            in_store(world)
        except Died:
            world.engine = world.new_engine()
        assert shown(world)["CUP"] in (1, 5)  # counted twice for a moment at most, never too high
    world.settle(600, step=60)
    assert (world.store.stock("CUP"), world.store.stock("POT")) == (5, 3)
    assert {state for _, _, state in held(world)} == {"released"}
    assert problems(world) == {}


@pytest.mark.both_databases
def test_a_number_that_moved_while_the_answer_was_lost_is_asked_about(world: World) -> None:
    holds(world, bundle("SET", CUPS, taken_by=BRIDGE))
    sale(world, ("SET", 2))
    world.store.faults.after["set_stock"] = [_moves(world, 4)]
    in_store(world)
    world.settle(600, step=60)
    assert "its number has changed since" in problems(world)["bundle_parts"]
    assert ("CUP", 4, "waiting") in held(world)
    assert shown(world)["CUP"] == 0  # perhaps it is counted twice: never too high
    part_units.taken_off(world.engine, 1, next(iter(world.markets[0].orders)))
    world.settle(60)
    assert (shown(world)["CUP"], problems(world)) == (4, {})


def _moves(world: World, units: int) -> Any:
    def act() -> None:
        world.store.set("CUP", units)
        raise time_out()

    return act


def test_two_who_take_the_same_part_off_do_it_one_after_the_other(world: World) -> None:
    holds(world, bundle("SET", CUPS, taken_by=BRIDGE))
    sale(world, ("SET", 1))
    sale(world, ("SET", 1), market=1)
    other = Scope(1, 3, "shipments", "work")
    world.store.faults.before["set_stock"] = [lambda: table.run(world.engine, other, float("inf"))]
    in_store(world)
    assert (world.store.stock("CUP"), world.store.stock_writes) == (5, 2)
    assert shown(world) == shown(world, 1) == {"CUP": 5, "POT": 5, "SET": 2, "DUO": 0}


def test_an_order_to_accept_is_covered_by_its_parts(world: World) -> None:
    holds(world, bundle("SET", CUPS, POT))
    sale(world, ("SET", 2))
    for cups, covered in ((9, True), (3, False), (4, True)):
        world.hint(world.store.set("CUP", cups))
        world.settle(30)
        with world.db.read(1) as session:
            left = acceptance.uncovered(world.engine, session, session.scalars(select(Order)).one())
        assert (left == []) is covered


def test_where_writing_is_switched_off_a_person_is_asked(world: World) -> None:
    holds(world, bundle("SET", CUPS, taken_by=BRIDGE))
    sale(world, ("SET", 1))
    world.store.faults.before["set_stock"] = [AskMerchant("Writing stock into the store is switched off.")]
    in_store(world)
    assert "switched off" in problems(world)["bundle_parts"]
    assert (world.store.stock("CUP"), shown(world)["CUP"]) == (9, 7)


@pytest.mark.parametrize("taken_by", [PERSON, STORE, BRIDGE])
def test_a_cancelled_bundle_gives_its_parts_back_once(world: World, taken_by: str) -> None:
    if taken_by == STORE:
        world.store.made_of = {"SET": {"CUP": 2, "POT": 1}}
    holds(world, bundle("SET", CUPS, POT, taken_by=taken_by), bundle("DUO", CUPS))
    before = shown(world)
    key = sale(world, ("SET", 2))
    world.markets[0].alter(key, f"{key}-0", cancelled=1)  # before the store has heard of it
    world.mark("orders", "orders.import", key, connection=2)
    world.drain()
    assert [units for _, units, _ in held(world)] == [1, 2, 1]
    in_store(world)
    assert shown(world)["CUP"] == 7
    attend.cancel_order(world.engine, 1, key, CancelReason.OTHER.value)
    world.settle(300)
    assert shown(world) == shown(world, 1) == before
    assert (world.store.stock("CUP"), world.store.stock("POT")) == (9, 5)
    assert {state for _, _, state in held(world)} == {"released"}
    assert problems(world) == {}


@pytest.mark.parametrize("taken_by", [PERSON, BRIDGE])
def test_what_is_cancelled_while_the_store_makes_the_order_is_not_taken_off(world: World, taken_by: str) -> None:
    holds(world, bundle("SET", CUPS, taken_by=taken_by))
    key = world.markets[0].buy(("SET", 2))
    world.store.faults.before["create_order"] = [time_out()]
    world.mark("orders", "orders.pull", "changes", connection=2)
    world.drain()
    world.markets[0].alter(key, f"{key}-0", cancelled=1)
    world.mark("orders", "orders.import", key, connection=2)
    world.drain()
    assert held(world) == [("SET", 2, "open"), ("CUP", 4, "open")]  # perhaps the store is making it whole
    in_store(world)
    assert shown(world)["CUP"] == shown(world, 1)["CUP"] == 7
    assert world.store.stock("CUP") == (9 if taken_by == PERSON else 7)
    assert ("2 x CUP" in problems(world).get("bundle_parts", "")) is (taken_by == PERSON)


@pytest.mark.both_databases
def test_what_a_person_took_off_is_asked_back_when_it_is_cancelled(world: World) -> None:
    holds(world, bundle("SET", CUPS))
    key = sale(world, ("SET", 2))
    in_store(world)
    world.store.set("CUP", 5)
    part_units.taken_off(world.engine, 1, key)
    world.settle(60)
    attend.cancel_order(world.engine, 1, key, CancelReason.OTHER.value, quantity=1)
    world.settle(300)
    assert "2 x CUP" in problems(world)["bundle_parts_back"]
    attend.cancel_order(world.engine, 1, key, CancelReason.OTHER.value)
    world.settle(300)
    with world.db.read(1) as session:
        told = [row for row in session.scalars(select(Problem)) if row.kind == "bundle_parts_back"]
    assert ["2 x CUP" in row.text for row in told] == [True, True]


@pytest.mark.both_databases
@pytest.mark.parametrize("taken_by", [PERSON, BRIDGE])
def test_a_store_that_cancels_frees_the_parts_at_once(world: World, taken_by: str) -> None:
    holds(world, bundle("SET", CUPS, POT, taken_by=taken_by))
    sale(world, ("SET", 2))
    store_id = in_store(world)
    world.store.cancel_order(store_id, "by hand")
    world.hint_order(store_id)
    world.settle(600, step=60)
    assert shown(world) == shown(world, 1) == {"CUP": 9, "POT": 5, "SET": 4, "DUO": 0}
    assert (world.store.stock("CUP"), problems(world)) == (9, {})


def test_a_bundle_is_shipped_in_part_line_by_line(world: World) -> None:
    holds(world, bundle("SET", CUPS, taken_by=BRIDGE))
    key = sale(world, ("SET", 2))
    store_id = in_store(world)
    line = world.store.orders[store_id].lines[0].external_id
    world.store.ship(store_id, "3S1", {line: 1}, complete=False)
    world.hint_order(store_id)
    world.settle(60)
    assert [part.quantity for parcel in world.markets[0].parcels[key] for part in parcel.lines] == [1]
    part = RefundLine(store_line_id=line, quantity=1)
    world.store.refund_lines(store_id, [part], "by hand", "hand")
    attend.cancel_order(world.engine, 1, key, CancelReason.OTHER.value, quantity=1)
    world.settle(300)
    assert (world.store.stock("CUP"), shown(world)["CUP"]) == (7, 7)


@pytest.mark.both_databases
@pytest.mark.parametrize("taken_by", [PERSON, STORE, BRIDGE])
def test_a_whole_bundle_that_comes_back_puts_its_parts_on_the_shelf_once(world: World, taken_by: str) -> None:
    if taken_by == STORE:
        world.store.made_of = {"SET": {"CUP": 2, "POT": 1}}
    holds(world, bundle("SET", CUPS, POT, taken_by=taken_by))
    before = shown(world)
    key = sale(world, ("SET", 2))
    store_id = in_store(world)
    world.store.ship(store_id, "3S1")
    world.hint_order(store_id)
    world.settle(60)
    back = world.markets[0].announce_return(key, 1)
    world.mark("shipments", "returns.pull", "all", connection=2)
    world.drain()
    attend.decide_return(world.engine, 1, back, "accepted", condition="as_new")
    world.settle(300)
    assert shown(world) == {**before, "CUP": before["CUP"] - 2, "POT": before["POT"] - 1, "SET": 3}  # type: ignore[operator]
    with world.db.read(1) as session:
        [row] = session.scalars(select(ReturnRow))
    assert (row.state, {part["shelf"] for part in row.parts}) == ("closed", set() if taken_by == STORE else {"done"})
    if taken_by == PERSON:
        assert world.store.stock("CUP") == 9
        assert "2 x CUP, 1 x POT" in problems(world)["bundle_parts"]  # of the other one
    else:
        assert (world.store.stock("CUP"), problems(world)) == (7, {})


@pytest.mark.both_databases
def test_parts_that_prove_gone_are_asked_about_in_bundles(world: World) -> None:
    holds(world, bundle("SET", CUPS))
    sale(world, ("SET", 2))
    world.hint(world.store.set("CUP", 3))
    world.settle(300)
    with world.db.read(1) as session:
        told = session.scalars(select(Problem).where(Problem.kind == "stock_gone")).one()
    assert told.text.startswith("1 of SET")
    world.hint(world.store.set("CUP", 4))
    world.settle(300)
    assert "stock_gone" not in problems(world)


def test_what_is_refused(world: World) -> None:
    for made, path, why in (
        (
            bundle("SET", {"sku": "MUG", "quantity": 1}),
            "bundles.bundles.0.components.0.sku",
            "no product with the SKU MUG",
        ),
        (bundle("BAG", CUPS), "bundles.bundles.0.sku", "no product with the SKU BAG"),
        (bundle("SET", {"sku": "SET", "quantity": 1}), "bundles.bundles.0", "contains itself"),
        (bundle("SET", CUPS, CUPS), "bundles.bundles.0", "names a component twice"),
    ):
        with pytest.raises(FieldErrors) as refused:
            holds(world, made)
        assert why in refused.value.errors[path]
    with pytest.raises(FieldErrors) as refused:
        holds(world, bundle("SET", {"sku": "DUO", "quantity": 1}), bundle("DUO", {"sku": "SET", "quantity": 1}))
    assert "is a component of another bundle" in refused.value.errors["bundles"]
    with pytest.raises(FieldErrors) as refused:
        holds(world, bundle("SET", CUPS), bundle("SET", POT))
    assert "given twice" in refused.value.errors["bundles"]
    world.hint(world.store.add("CUP", 1))
    world.settle(60)
    with pytest.raises(FieldErrors) as refused:
        holds(world, bundle("SET", CUPS))
    assert "several products" in refused.value.errors["bundles.bundles.0.components.0.sku"]


@pytest.mark.both_databases
def test_a_change_of_bundles_is_a_plan_and_can_be_undone(world: World) -> None:
    wish = Wish(subject=SHOP, kind="bundles", content={"bundles": [bundle("SET", CUPS, POT)]})
    made = plan.make(world.engine, 1, [wish], "tests")
    assert made["total"]["changed"] == 2
    assert shown(world)["SET"] == 0
    plan.apply(world.engine, 1, made["id"], "tests")
    world.drain()
    assert shown(world)["SET"] == 4
    plan.undo(world.engine, 1, "tests")
    world.drain()
    assert shown(world)["SET"] == 0


@pytest.mark.both_databases
def test_on_the_page_a_bundle_that_moves_numbers_is_looked_at_first(world: World) -> None:
    browser = Browser(create_web(world.engine, config()))
    wrong = browser.post("settings/returns", "save_bundles", bundles="SET = 2 x MUG", version="0")
    assert "no product with the SKU MUG" in wrong.text
    saved = browser.post("settings/returns", "save_bundles", bundles="SET = 2 x CUP, POT; store", version="0")
    assert "/plans/" in saved.headers["Location"]
    assert shown(world)["SET"] == 0
    number = saved.headers["Location"].rpartition("/")[2].partition("?")[0]
    browser.post(f"plans/{number}", "apply")
    world.drain()
    assert shown(world)["SET"] == 4
    assert "SET = 2 x CUP, 1 x POT; store" in browser.get("settings/returns").text


@pytest.mark.both_databases
def test_the_number_of_a_bundle_explains_itself(world: World) -> None:
    holds(world, bundle("SET", CUPS, POT))
    key = sale(world, ("CUP", 4), market=1)
    with world.db.read(1) as session:
        [row] = listing_view.explain(session, "SET", "mem0")
        assert order_view.ids_of(session, [f"mem1:{key}"])
    assert row["sum"] == "2 to be put together \N{MINUS SIGN} 0 buffer = 2"
    assert (row["bundle"]["units"], row["bundle"]["scarcest"]) == (2, "CUP")
    cups, pot = row["bundle"]["parts"]
    assert cups["orders"] == [{"ref": f"mem1:{key}", "quantity": 4}]
    assert [cups[name] for name in ("on_hand", "reserved", "available", "each", "enough_for")] == [9, 4, 5, 2, 2]
    assert [pot[name] for name in ("on_hand", "reserved", "available", "each", "enough_for")] == [5, 0, 5, 1, 5]
    page = Browser(create_web(world.engine, config())).get("sku?sku=SET").text
    assert "What it is made of" in page
    assert "scarcest" in page
    assert f">{key}</a> (4)<" in page


@pytest.mark.both_databases
def test_bundles_cost_a_constant_number_of_statements_and_none_where_there_are_none(world: World) -> None:
    seen: list[str] = []
    event.listen(world.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: seen.append(statement))

    def cost(skus: tuple[str, ...]) -> int:
        def act(session: Any) -> None:
            ids = session.scalars(select(Variant.id).where(Variant.sku.in_(skus))).all()
            views = project.channel_views(world.engine, session)
            seen.clear()
            project.project(session, views, ids, world.clock(), world.clock())

        world.db.transact(1, act)
        return len(seen)

    few, many = cost(("CUP",)), cost(("CUP", "POT", "LID", "SET", "DUO"))
    assert few == many
    holds(world, bundle("SET", CUPS, POT), bundle("DUO", CUPS))
    world.drain()
    first, second = cost(("CUP",)), cost(("CUP", "POT", "LID", "SET", "DUO"))
    assert first == second == few + 3


def test_on_the_command_line(world: World) -> None:
    help_text = CliRunner().invoke(cli, ["parts-off", "--help"]).output
    assert "Say that the parts of bundles are off the store's stock." in help_text
