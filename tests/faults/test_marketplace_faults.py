"""A1 to A13: what a marketplace may do to us, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bridge import app
from bridge.db.tables import Connection, FacetRow, Listing, Order, Poll, Problem, Submission, Work
from bridge.flows import admin, replay
from bridge.ports.errors import BridgeError
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(120)


def listed(stack: Stack, **stock: int) -> Stack:
    for number, (sku, units) in enumerate(stock.items()):
        stack.product(sku, units, number + 1)
    stack.settle(40)
    assert {sku: stack.shown(sku) for sku in stock} == stock
    return stack


def sets(stack: Stack, sku: str, units: int) -> None:
    stack.store.control("bulk", changes=[{"sku": sku, "stock": units}])


def seen(stack: Stack) -> int:
    return max((item["seq"] for item in stack.bol.control("GET", "requests")), default=0)


def state_of(stack: Stack, connection_id: int) -> str:
    [row] = stack.rows(Connection, Connection.id == connection_id)
    return str(row.state)


@pytest.mark.parametrize(
    "wait", [None, "2", "date", "604800", "soon"], ids=["no header", "seconds", "HTTP date", "a week", "nonsense"]
)
def test_a1_429_is_obeyed_capped_and_holds_up_nobody_else(stack: Stack, wait: str | None) -> None:
    listed(stack, A=5)
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=6), usegmt=True) if wait == "date" else wait
    since = seen(stack)
    stack.bol.fault("throttle", "update-offer", params={} if header is None else {"retry_after": header})
    sets(stack, "A", 4)
    began = time.monotonic()
    stack.settle(20, 5)
    assert state_of(stack, stack.store_id) == state_of(stack, stack.channel_id) == "active"
    store_reads = time.monotonic() - began
    assert store_reads < 30, "the store waited for the marketplace"
    if wait == "604800":
        stack.later(3700)
        stack.restart()  # limits kept in this process only are forgotten; those of Redis are tested with the limiter
    else:
        time.sleep(6 if wait == "date" else 2)
    stack.settle(400, 50)
    assert stack.shown("A") == 4
    calls = stack.requests("update-offer", since)
    assert [item["status"] for item in calls if item["status"] == 429] == [429]
    if wait in ("2", "date"):
        assert calls[1]["at"] - calls[0]["at"] >= 0.9
    stack.check_invariants()


@pytest.mark.parametrize("kind", ["reset", "error", "html"])
def test_a3_a_lost_answer_to_a_create_makes_no_second_order(stack: Stack, kind: str) -> None:
    """``reset``: created, and the answer breaks off. ``error``, ``html``: who knows."""
    listed(stack, A=5)
    stack.store.fault(kind, "orders.create")
    order = stack.sells("A", 2)
    stack.settle(40)
    stack.settle(120)
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 3
    assert [row.store_state for row in stack.rows(Order)] == ["created"]
    stack.check_invariants()


def test_a3_a_lost_answer_to_a_shipment_confirms_once(stack: Stack) -> None:
    listed(stack, A=5)
    order = stack.sells("A", 2)
    stack.settle(20)
    stack.bol.fault("reset", "create-shipment")
    stack.ships(stack.orders_of(order)[0], "3SONCE")
    stack.settle(120)
    assert [part["tracking"] for part in stack.bol_order(order)["shipments"]] == ["3SONCE"]
    stack.check_invariants()


@pytest.mark.parametrize("kind", ["reset", "html", "slow", "error"])
def test_a4_broken_answers_pass_and_nothing_crashes(stack: Stack, kind: str) -> None:
    listed(stack, A=5)
    for operation in ("get-orders", "get-order", "update-offer"):
        stack.bol.fault(kind, operation, params={"seconds": 0.3} if kind == "slow" else {})
    order = stack.sells("A", 1)
    stack.settle(20)
    sets(stack, "A", 8)
    stack.settle(120)
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A")
    assert state_of(stack, stack.channel_id) == "active"
    stack.check_invariants()


def test_a4_a_redirect_is_not_followed_and_said(stack: Stack) -> None:
    listed(stack, A=5)
    stack.bol.fault("redirect", "get-order")
    order = stack.sells("A", 1)
    stack.settle(40)
    assert stack.orders_of(order) == []
    assert "redirect" in str(stack.problems())
    replay.replay(stack.engine, stack.shop.id, order, "bol")
    stack.settle(40)
    assert len(stack.orders_of(order)) == 1
    stack.check_invariants()


@pytest.mark.both_databases
def test_a5_three_of_many_are_refused_and_the_rest_go_on(stack: Stack) -> None:
    """bol takes one offer a call; three of twelve are refused for good."""
    for number in range(12):
        stack.product(f"P{number}", 3, number + 1)
    stack.settle(40)
    since = seen(stack)
    body = {"type": "https://api.bol.com/problems", "title": "Bad Request", "status": 400, "detail": "Price refused."}
    stack.bol.fault("error", "update-offer", times=3, params={"status": 400, "body": json.dumps(body)})
    for number in range(12):
        [row] = stack.store.get("products", sku=f"P{number}")
        stack.store.put(f"products/{row['id']}", {"regular_price": "11.00"})
    stack.settle(200)
    prices = [offer["price"] for offer in stack.bol.control("GET", "offers")]
    assert sorted(prices) == [10.0] * 3 + [11.0] * 9
    sent = stack.requests("update-offer", since)
    assert len([item for item in sent if item["status"] == 400]) == 3, "what was refused is not sent again unchanged"
    assert len([item for item in sent if item["status"] < 300]) == 9, "what was accepted is not sent again"
    told = [row for row in stack.rows(Problem) if row.kind == "rejected.price"]
    assert len(told) == 3
    assert [row.text for row in told if "Price refused" not in row.text] == []


@pytest.mark.both_databases
def test_stock_that_was_refused_by_mistake_is_told_again_without_a_change(stack: Stack) -> None:
    """What is refused is not sent again unchanged, but for stock: the old number would be sold."""
    listed(stack, A=5)
    body = {"type": "https://api.bol.com/problems", "title": "Bad Request", "status": 400, "detail": "Not today."}
    stack.bol.fault("error", "update-offer", times=2, params={"status": 400, "body": json.dumps(body)})
    since = seen(stack)
    sets(stack, "A", 2)
    stack.settle(60, 20)
    assert stack.shown("A") == 5
    assert "Not today" in stack.problems()["rejected.stock"]
    stack.settle(2400, 300)
    assert stack.shown("A") == 2
    assert [item["status"] for item in stack.requests("update-offer", since)] == [400, 400, 204]
    assert stack.problems() == {}
    stack.check_invariants()


def test_a_price_that_bol_does_not_take_is_not_even_sent(stack: Stack) -> None:
    listed(stack, A=3)
    since = seen(stack)
    [row] = stack.store.get("products", sku="A")
    stack.store.put(f"products/{row['id']}", {"regular_price": "10500.00"})
    stack.settle(200)
    assert stack.requests("update-offer", since) == []
    [listing] = stack.rows(Listing)
    assert [item["field"] for item in listing.findings if item["blocking"]] == ["price"]


@pytest.mark.both_databases
def test_a6_accepted_is_followed_until_it_is_refused(stack: Stack) -> None:
    listed(stack, A=5)
    order = stack.sells("A", 1)
    stack.settle(20)
    stack.bol.control("POST", "outcomes", {"status": "FAILURE", "error": "No such carrier"})
    stack.ships(stack.orders_of(order)[0], "3SLATER")
    stack.settle(400, 40)
    assert stack.bol_order(order)["status"] == "SHIPPED", "a failed submission is looked at and sent again"
    assert {row.state for row in stack.rows(Submission)} >= {"failed", "done"}
    stack.check_invariants()


def test_a8_a_refused_token_is_renewed_once_and_the_call_repeated(stack: Stack) -> None:
    listed(stack, A=5)
    since = seen(stack)
    stack.bol.fault("unauthorised", "update-offer")
    sets(stack, "A", 2)
    stack.settle(20)
    assert stack.shown("A") == 2
    assert len(stack.requests("token", since)) == 1
    assert state_of(stack, stack.channel_id) == "active"


def test_a8_a10_revoked_credentials_set_the_connection_aside_and_it_catches_up(stack: Stack) -> None:
    listed(stack, A=5)
    stack.bol.fault("unauthorised", "*", times=None)
    sets(stack, "A", 2)
    order = stack.sells("A", 1)
    since = seen(stack)
    stack.settle(60)
    assert state_of(stack, stack.channel_id) == "needs_reauth"
    assert seen(stack) - since < 20, "it goes on asking with credentials that are refused"
    assert "reauthorise" in stack.problems()
    since = seen(stack)
    stack.settle(200, 50)
    assert seen(stack) == since, "calls went on with credentials that are refused"
    stack.bol.http.delete("/_sandbox/faults")
    place = admin.sandbox_place(stack.engine.channels["bol"], str(stack.bol.http.base_url))
    admin.connect(stack.engine, stack.shop.id, "channel", "bol", None, place[0], {}, place[1])
    stack.settle(60)
    assert state_of(stack, stack.channel_id) == "active"
    assert stack.problems() == {}
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 1
    stack.check_invariants()


@pytest.mark.both_databases
def test_a9_eight_threads_refresh_one_token_once(shared: Stack) -> None:
    stack = shared
    since = seen(stack)
    engines = [stack.new_engine() for _ in range(4)]
    [row] = stack.rows(Connection, Connection.id == stack.channel_id)
    stack.later(90000)  # the token has run out
    failures: list[BridgeError] = []

    def ask(position: int) -> None:
        try:
            engines[position % 4].channel(row).list_open_orders(None)
        except BridgeError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(position,)) for position in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for engine in engines:
        app.close(engine)
    assert not failures
    assert len(stack.requests("token", since)) == 1
    assert len(stack.requests("get-orders", since)) == 8


def test_a11_what_is_sold_while_pages_are_read_is_neither_lost_nor_doubled(stack: Stack) -> None:
    listed(stack, A=200)
    ids = [stack.sells("A", 1) for _ in range(60)]  # more than a page
    [row] = stack.rows(Connection, Connection.id == stack.channel_id)
    channel = stack.engine.channel(row)
    original = type(channel).list_orders

    def moving(self: Any, since: datetime, cursor: str | None) -> Any:
        page = original(self, since, cursor)
        if cursor is None:
            ids.extend(stack.sells("A", 1) for _ in range(5))
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(channel), "list_orders", moving)
        stack.pull()
    stack.settle(40)
    made = [order for key in ids for order in stack.orders_of(key)]
    assert len(made) == len(ids)
    stack.check_invariants()


def test_a12_a_list_that_never_ends_is_left_and_told(stack: Stack) -> None:
    listed(stack, A=200)
    first = stack.bol.control("POST", "orders/bulk", {"count": 60, "skus": ["A"]})["order_ids"]  # more than a page
    stack.bol.fault("stuck_cursor", "get-orders", times=None)
    began = time.monotonic()
    stack.settle(40)
    assert time.monotonic() - began < 60
    assert len(stack.requests("get-orders")) < 60, "the same page was asked for again and again"
    stuck = stack.rows(Work, Work.kind == "orders.pull", Work.error.is_not(None))
    assert stuck, stack.troubles()
    assert "never ends" in (stuck[0].error or "")
    assert any(stack.orders_of(key) for key in first), "what the first page told is taken"
    stack.bol.http.delete("/_sandbox/faults")
    second = stack.sells("A", 1)
    stack.settle(400, 50)
    assert len(stack.orders_of(second)) == 1


DRIFT: list[tuple[str, dict[str, Any]]] = [
    ("an unknown field", {"neverSeen": {"deep": [1, 2]}}),
    (
        "an unknown enum",
        {"orderItems.0.fulfilment.method": "DRONE", "orderItems.0.fulfilment.distributionParty": "BOB"},
    ),
    ("a null", {"billingDetails": None, "orderItems.0.product.title": None}),
    ("a number as text", {"orderItems.0.quantity": "1", "orderItems.0.unitPrice": "10.00"}),
    ("nonsense", {"orderItems.0.unitPrice": "ten"}),
    ("no person", {"shipmentDetails": {}}),
    ("no lines", {"orderItems": []}),
    ("a line without its number", {"orderItems.0.orderItemId": None}),
]


@pytest.mark.both_databases
@pytest.mark.parametrize(("name", "change"), DRIFT, ids=[name for name, _ in DRIFT])
def test_a13_a_changed_answer_is_imported_or_set_aside_visibly(stack: Stack, name: str, change: dict[str, Any]) -> None:
    listed(stack, A=5)
    stack.bol.fault("mutate", "get-order", times=None, params={"set": change})
    order = stack.sells("A", 1)
    stack.settle(40)
    made = stack.orders_of(order)
    told = stack.problems()
    assert made or told, "neither imported nor told"
    if name in ("an unknown field", "a null", "a number as text"):
        assert len(made) == 1
    [row] = stack.rows(Order) or [None]
    if made and name == "an unknown field":
        assert row is not None
        assert row.raw["neverSeen"] == {"deep": [1, 2]}, "what we do not know is kept"
    stack.bol.http.delete("/_sandbox/faults")
    replay.replay(stack.engine, stack.shop.id, order, "bol")
    stack.settle(60)
    assert len(stack.orders_of(order)) == 1
    stack.check_secrecy()


@pytest.mark.both_databases
def test_a7_accepted_and_not_applied_is_found_by_reading_back(stack: Stack) -> None:
    listed(stack, A=5)
    stack.bol.fault("not_applied", "update-offer")
    sets(stack, "A", 2)
    stack.settle(40)
    assert stack.shown("A") == 5
    assert [row.acked["quantity"] for row in stack.rows(FacetRow, FacetRow.facet == "stock")] == [2]
    stack.later(120)
    with stack.engine.db.write(stack.shop.id) as session:
        for poll in session.query(Poll).filter(Poll.flow == "poll.offers"):
            poll.next_at = stack.clock()
    stack.settle(40)
    assert stack.shown("A") == 2
