"""B1 to B6, W3, W5, W16, S4, Q4, Q5, Q8: what goes wrong in a shop's day, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
import requests
from sqlalchemy import update
from sqlalchemy.orm import Session

from bridge import app
from bridge.db import work
from bridge.db.tables import Connection, FacetRow, Listing, Order, Product, Variant, Work
from bridge.flows import polls, replay, table
from tests.faults.test_marketplace_faults import listed, seen, sets
from tests.support.procs import wait_until
from tests.support.stack import Stack, drain

pytestmark = pytest.mark.timeout(120)


def hint(stack: Stack, product: int | str, times: int = 1) -> None:
    mark = work.Mark(stack.store_id, "stock", "product.read", str(product), priority=3, settle=True)
    for _ in range(times):
        stack.engine.db.transact(stack.shop.id, work.mark, stack.shop.id, [mark], stack.clock())


def number_of(stack: Stack, sku: str) -> int:
    [row] = stack.store.get("products", sku=sku)
    return int(row["id"])


def test_b1_five_three_five_within_a_moment_ends_at_five(stack: Stack) -> None:
    listed(stack, A=5)
    number = number_of(stack, "A")
    for units in (3, 5):
        sets(stack, "A", units)
        hint(stack, number)
        if units == 3:
            stack.bol.fault("reset", "update-offer")  # 3 has arrived, and we do not know it
            stack.drain()
    stack.settle(400, 40)
    assert stack.shown("A") == 5
    [facet] = stack.rows(FacetRow, FacetRow.facet == "stock")
    assert (facet.acked["quantity"], facet.in_flight) == (5, False)
    stack.check_invariants()


def test_b3_what_is_imported_and_not_in_the_store_yet_is_not_sold_again(stack: Stack) -> None:
    listed(stack, A=5)
    stack.store.fault("error", "orders.*", times=None, status=503)
    order = stack.sells("A", 2)
    stack.settle(40)
    assert stack.orders_of(order) == []
    assert stack.store.stock("A") == 5
    assert stack.shown("A") == 3, "the order is reserved before the store has heard of it"
    requests.delete(f"{stack.store.url}/_sandbox/faults", timeout=10)
    wait_until(
        lambda: stack.settle(60, 30) or stack.orders_of(order), 90, "the order in the store"
    )  # the breaker's time is real
    stack.settle(60)
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 3
    stack.check_invariants()


def test_a_marketplace_that_counts_down_by_itself_is_told_again_though_the_target_is_the_same(stack: Stack) -> None:
    """Of 100 units 10 are shown. Two are sold: bol counts down to 8, and the target is 10 as before."""
    stack.engine.db.transact(stack.shop.id, capped, stack.channel_id, 10)
    stack.product("A", 100, 1)
    stack.settle(40)
    assert buyable(stack, "A") == 10
    order = stack.sells("A", 2)
    assert buyable(stack, "A") == 8
    stack.settle(60)
    assert len(stack.orders_of(order)) == 1
    assert buyable(stack, "A") == 10


def capped(session: Session, connection_id: int, units: int) -> None:
    row = session.get_one(Connection, connection_id)
    row.settings = {**row.settings, "cap": units}


def buyable(stack: Stack, sku: str) -> int:
    offer = stack.offer(sku)
    assert offer is not None
    return int(offer["sellable"])


def test_b4_cancelled_before_it_is_imported(stack: Stack) -> None:
    listed(stack, A=5)
    order = stack.sells("A", 2)
    stack.bol.control("POST", f"orders/{order}/expire", {})
    stack.settle(60)
    assert stack.orders_of(order) == []
    assert stack.shown("A") == 5
    assert stack.problems() == {}
    stack.check_invariants()


def test_b4_asked_after_it_is_shipped(stack: Stack) -> None:
    listed(stack, A=5)
    order = stack.sells("A", 2)
    stack.settle(20)
    stack.bol.control("POST", f"orders/{order}/request-cancellation", {})
    stack.ships(stack.orders_of(order)[0], "3SFASTER")
    stack.settle(120)
    sold = stack.bol_order(order)
    [line] = sold["lines"]
    in_store = stack.orders_of(order)[0]["status"]
    assert (line["shipped"], line["cancelled"]) in ((2, 0), (0, 2)), "half of each is the one thing that must not be"
    if line["cancelled"]:
        assert in_store == "completed", "what has left is not put back on the shelf"
        assert "shipped_cancelled" in stack.problems(), "the parcel is on its way: somebody has to be told"
    stack.check_invariants()


@pytest.mark.both_databases
def test_b4_one_of_two_lines_is_cancelled(stack: Stack) -> None:
    listed(stack, A=5, B=5)
    lines = [{"sku": sku, "quantity": 2, "unit_price": 10.0} for sku in ("A", "B")]
    order = str(stack.bol.control("POST", "orders", {"lines": lines})["order_id"])
    stack.settle(20)
    [line] = [line for line in stack.bol_order(order)["lines"] if line["sku"] == "B"]
    stack.bol.control("POST", f"orders/{order}/request-cancellation", {"line_id": line["line_id"]})
    stack.settle(120)
    [in_store] = stack.orders_of(order)
    assert in_store["status"] == "processing"
    refunds = stack.store.get(f"orders/{in_store['id']}/refunds")
    assert [part["quantity"] for refund in refunds for part in refund["line_items"]] == [-2]
    assert (stack.shown("A"), stack.shown("B")) == (stack.store.stock("A"), stack.store.stock("B")) == (3, 5)
    stack.ships(in_store, "3SREST")
    stack.settle(120)
    units = {line["sku"]: (line["shipped"], line["cancelled"]) for line in stack.bol_order(order)["lines"]}
    assert units == {"A": (2, 0), "B": (0, 2)}
    stack.check_invariants()


def test_b6_a_double_sku_is_named_and_nothing_is_published_on_a_guess(stack: Stack) -> None:
    listed(stack, A=5)
    stack.store.product("TWICE", 3, global_unique_id="8710000000903")
    second = stack.store.product("OTHER", 7, global_unique_id="8710000000910")
    stack.settle(20)
    [row] = stack.rows(Product, Product.external_id == str(second))
    mark = work.Mark(stack.channel_id, "sweep", "project.connection", "all")
    with stack.engine.db.write(stack.shop.id) as session:  # WooCommerce refuses it; imports by plugins do not
        session.execute(update(Variant).where(Variant.product_id == row.id).values(sku="TWICE"))
        work.mark(session, stack.shop.id, [mark], stack.clock())
    stack.drain()
    told = {row.sku: [item["rule"] for item in row.findings] for row in stack.rows(Listing)}
    assert "sku_double" in told["TWICE"]
    order = stack.sells("TWICE", 1)
    stack.pull()
    assert stack.orders_of(order) == []
    [held] = stack.rows(Order)
    assert held.store_state == "held"


def test_w3_w5_hints_in_any_order_and_a_day_late_change_nothing(stack: Stack) -> None:
    listed(stack, A=5)
    number = number_of(stack, "A")
    for units in (2, 3, 1):
        sets(stack, "A", units)
    since = seen(stack)
    for _ in range(3):
        hint(stack, number, 2)
        stack.settle(20)
    assert stack.shown("A") == 1
    stack.later(86400)
    hint(stack, number, 5)
    stack.settle(60)
    assert stack.shown("A") == 1
    assert [item["status"] for item in stack.requests("update-offer", since)] == [204] or len(
        stack.requests("update-offer", since)
    ) == 1


def test_w16_the_echo_of_our_own_order_has_no_effect(stack: Stack) -> None:
    listed(stack, A=5)
    order = stack.sells("A", 2)
    stack.settle(60)
    since = seen(stack)
    [in_store] = stack.orders_of(order)
    hint(stack, number_of(stack, "A"), 3)
    echo = work.Mark(stack.store_id, "orders", "store_order.read", str(in_store["id"]))
    stack.engine.db.transact(stack.shop.id, work.mark, stack.shop.id, [echo], stack.clock())
    before = stack.orders_of(order)
    stack.settle(40)
    writes = [
        item
        for item in stack.bol.control("GET", f"requests?since={since}")
        if item["method"] in ("PUT", "PATCH", "DELETE")
    ]
    assert writes == []
    assert stack.orders_of(order) == before


def test_s4_an_order_between_the_reading_and_the_watermark_is_found(stack: Stack) -> None:
    """The list is answered, then the order is placed, then the watermark is written: the next look goes back."""
    listed(stack, A=5)
    [row] = [row for row in stack.rows(table.Connection) if row.id == stack.channel_id]
    kind = type(stack.engine.channel(row))
    original = kind.list_orders
    late: list[str] = []

    def slow(self: Any, since: Any, cursor: str | None) -> Any:
        page = original(self, since, cursor)
        if not late:
            late.append(stack.sells("A", 1))
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "list_orders", slow)
        stack.pull()
    assert late
    stack.later(200)
    stack.settle(20)
    assert len(stack.orders_of(late[0])) == 1


def test_q4_a_worker_whose_lease_ran_out_writes_nothing_any_more(stack: Stack) -> None:
    """It is at work (the store is slow to look up), its lease runs out, another does the work; then it wakes up."""
    listed(stack, A=5)
    order = stack.sells("A", 2)
    polls.tick(stack.engine)
    stack.due_now()
    polls.tick(stack.engine)
    for _ in range(3):  # pulled and imported, not created
        for scope in table.scopes(stack.engine, "orders"):
            if not stack.rows(Work, Work.kind == "orders.create", Work.dirty_version > Work.done_version):
                table.run(stack.engine, scope, float("inf"))
                break
    [scope] = [scope for scope in table.scopes(stack.engine, "orders") if scope.connection_id == stack.store_id]
    _, claims = table._claim(stack.engine, scope)
    while claims and claims[0].kind != "orders.create":
        _, claims = table._claim(stack.engine, scope)
    [row] = [row for row in stack.rows(table.Connection) if row.id == stack.store_id]
    kind = type(stack.engine.platform(row))
    original = kind.create_order

    def overtaken(self: Any, draft: Any) -> Any:
        patch.undo()
        stack.later(60)
        other = stack.new_engine()
        Context().run(drain, other)  # what holds for our call is nothing to another process
        app.close(other)
        return original(self, draft)

    patch = pytest.MonkeyPatch()
    patch.setattr(kind, "create_order", overtaken)
    table.handle(stack.engine, row, claims)
    patch.undo()
    stack.settle(120)
    assert len(stack.orders_of(order)) == 1
    assert [item.store_state for item in stack.rows(Order)] == ["created"]
    stack.check_invariants()


def test_q5_a_poison_order_is_set_aside_and_the_others_flow(stack: Stack) -> None:
    listed(stack, A=9)
    bad, good = stack.sells("A", 1), stack.sells("A", 1)
    [row] = [row for row in stack.rows(table.Connection) if row.id == stack.channel_id]
    kind = type(stack.engine.channel(row))
    original: Callable[..., Any] = kind.fetch_order

    def poisoned(self: Any, key: str) -> Any:
        if key == bad:
            raise ZeroDivisionError("a fault of ours")
        return original(self, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "fetch_order", poisoned)
        stack.settle(2000, 200)
        later = stack.sells("A", 1)
        stack.settle(40)
    assert [len(stack.orders_of(key)) for key in (bad, good, later)] == [0, 1, 1]
    assert "ZeroDivisionError" in stack.problems()["parked.orders.import"]
    [parked] = stack.rows(Work, Work.parked.is_(True))
    assert parked.attempts >= work.PARK_AFTER
    replay.replay(stack.engine, stack.shop.id, bad, "bol")
    stack.settle(40)
    assert len(stack.orders_of(bad)) == 1
    assert "parked.orders.import" not in stack.problems()
    stack.check_invariants()


def test_q8_dirty_again_while_running_is_done_again(stack: Stack) -> None:
    listed(stack, A=5)
    number = number_of(stack, "A")
    [row] = [row for row in stack.rows(table.Connection) if row.id == stack.store_id]
    kind = type(stack.engine.platform(row))
    original = kind.fetch_products

    def changing(self: Any, ids: Any) -> Any:
        batch = original(self, ids)
        patch.undo()
        sets(stack, "A", 1)  # after it was read, before it is recorded
        hint(stack, number)
        return batch

    patch = pytest.MonkeyPatch()
    patch.setattr(kind, "fetch_products", changing)
    sets(stack, "A", 4)
    hint(stack, number)
    stack.drain()
    patch.undo()
    stack.clock.offset += 6
    stack.drain()
    assert stack.shown("A") == 1
