"""W2, W4, W14: one event told several times, news in the wrong order, and a store that forgot to tell us at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bridge.db.tables import Connection, Delivery, Journal, Order, Poll, Work
from bridge.flows import polls
from bridge.web import create_web
from tests.faults.test_marketplace_faults import listed, sets
from tests.support.engines import signed
from tests.support.stack import Stack

pytestmark = [pytest.mark.both_databases, pytest.mark.timeout(120)]


class Door:
    """The web server's door for the stack's store, and deliveries as the store signs them."""

    def __init__(self, stack: Stack) -> None:
        self._client = create_web(stack.engine, stack.config).test_client()
        self._path = "/hooks/" + stack.hook_url.partition("/hooks/")[2]
        [row] = stack.rows(Connection, Connection.id == stack.store_id)
        self._secret = row.webhook_secrets[0]

    def __call__(self, topic: str, number: int, delivery: str, more: str = "") -> int:
        body = b'{"id":%d,"note":"%s"}' % (number, more.encode())
        headers = {**signed(body, topic, self._secret), "X-WC-Webhook-Delivery-ID": delivery}
        return int(self._client.post(self._path, data=body, headers=headers).status_code)


def reads(stack: Stack, kind: str, number: int) -> list[Any]:
    return stack.rows(Work, Work.kind == kind, Work.key == str(number))


def test_w2_one_event_by_three_subscriptions_is_one_thing_to_do(stack: Stack) -> None:
    listed(stack, A=5)
    door = Door(stack)
    number = int(stack.store.get("products", sku="A")[0]["id"])
    sets(stack, "A", 3)
    before = len(stack.rows(Journal, Journal.kind == "acknowledged"))
    topics = ("product.updated", "product.restored", "product.created")
    assert [door(topic, number, f"d{position}") for position, topic in enumerate(topics)] == [200] * 3
    assert len(stack.rows(Delivery, Delivery.external_id == str(number))) == 3
    assert len(reads(stack, "product.read", number)) == 1
    stack.settle(60, 20)
    assert stack.shown("A") == 3
    assert len(stack.rows(Journal, Journal.kind == "acknowledged")) == before + 1, "one effect"


def test_w4_news_of_an_order_before_the_news_that_it_is_there(stack: Stack) -> None:
    """Paid and changed before created; of an order of ours before our own call to make it was answered: one order."""
    listed(stack, A=5)
    door = Door(stack)
    order = stack.sells("A", 1)
    stack.store.fault("reset", "orders.create")  # made, and the answer is lost
    stack.pull()
    [made] = stack.orders_of(order)
    for position, topic in enumerate(("order.updated", "order.updated", "order.created")):
        assert door(topic, int(made["id"]), f"d{position}", more=str(position)) == 200
    assert len(reads(stack, "store_order.read", int(made["id"]))) == 1
    stack.drain()
    [row] = stack.rows(Order)
    assert (row.store_state, row.store_order_id) == ("created", str(made["id"])), "the hint is as good as the answer"
    stack.settle(120, 20)
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 4
    stack.check_invariants()


def test_w14_subscriptions_that_were_deleted_are_made_again_and_the_gap_is_read(stack: Stack) -> None:
    listed(stack, A=5)
    [audit] = stack.rows(Poll, Poll.flow == "poll.webhooks")
    assert audit.every <= 3600
    known = {hook["topic"] for hook in stack.store.get("webhooks", per_page=100)}
    for hook in stack.store.get("webhooks", per_page=100):
        stack.store.delete(f"webhooks/{hook['id']}", force=True)
    sets(stack, "A", 2)
    later = stack.clock() + timedelta(days=1)
    with stack.engine.db.write(stack.shop.id) as session:  # nothing but the audit is asked
        session.execute(update(Poll).values(next_at=later))
        session.execute(update(Poll).where(Poll.flow == "poll.webhooks").values(next_at=stack.clock()))
    polls.tick(stack.engine)
    stack.drain()
    stack.clock.offset += 6
    stack.drain()
    back = stack.store.get("webhooks", per_page=100)
    assert {hook["topic"] for hook in back} == known
    assert {hook["status"] for hook in back} == {"active"}
    assert stack.shown("A") == 2
    assert any("are back" in row.text for row in stack.rows(Journal, Journal.kind == "webhooks"))
