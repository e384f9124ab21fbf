"""The WooCommerce sandbox against what was measured on a real store: webhooks, their order, loss and staleness."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.procs import wait_until
from tests.support.woocommerce import Receiver, Store, open_receiver, open_store, recorded

SECRET = "whsec_test"
PRODUCTS = ("product.created", "product.updated", "product.deleted", "product.restored")
ORDERS = ("order.created", "order.updated", "order.deleted", "order.restored")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as found:
        yield found


@pytest.fixture
def store() -> Iterator[Store]:
    """With a delay that lets a test finish its changes before anything is delivered."""
    with open_store(delay=30) as found:
        yield found


def listen(store: Store, receiver: Receiver, *topics: str) -> list[int]:
    """Webhooks for these topics; their pings are forgotten."""
    numbers = [subscribe(store, receiver, topic)["id"] for topic in topics or (*PRODUCTS, *ORDERS)]
    receiver.got.clear()
    return numbers


def subscribe(store: Store, receiver: Receiver, topic: str) -> dict[str, Any]:
    body = {"name": topic, "topic": topic, "delivery_url": receiver.url, "secret": SECRET}
    found: dict[str, Any] = store.post("webhooks", body)
    return found


def delivered(store: Store, receiver: Receiver) -> list[tuple[str, int]]:
    """Topic and object of what is delivered now, in order."""
    receiver.got.clear()
    store.control("webhooks/flush")
    return [(delivery.topic, delivery.json()["id"]) for delivery in receiver.got]


def test_the_runner_ends_when_nothing_waits_and_the_next_event_starts_it_again(receiver: Receiver) -> None:
    others = set(threading.enumerate())

    def running() -> bool:
        return any(thread.name == "wp-cron" for thread in set(threading.enumerate()) - others)

    with open_store(delay=0.05) as store:
        subscribe(store, receiver, "product.created")
        for sku in ("A", "B"):
            receiver.got.clear()
            store.product(sku, 5)
            assert receiver.wait(1)[0].json()["sku"] == sku
            wait_until(lambda: not running(), 10, "the runner ends")


class TestPing:
    def test_at_creation_as_a_form_without_signature(self, store: Store, receiver: Receiver) -> None:
        hook = subscribe(store, receiver, "product.updated")
        ping = receiver.wait(1)[0]
        assert ping.body == f"webhook_id={hook['id']}".encode()
        assert list(ping.headers) == list(recorded("ping")["headers"])
        assert ping.headers["Content-Type"] == "application/x-www-form-urlencoded"

    @pytest.mark.parametrize(("status", "pings"), [(200, 0), (204, 1), (500, 1)])
    def test_is_repeated_after_deliveries_until_exactly_200(
        self, store: Store, receiver: Receiver, status: int, pings: int
    ) -> None:
        receiver.statuses = [status, 200]
        assert subscribe(store, receiver, "product.created")["status"] == "active"
        store.product("A")
        receiver.got.clear()
        store.control("webhooks/flush")
        assert receiver.topics() == ["product.created", *["ping"] * pings]


class TestBytes:
    def test_headers_signature_and_body(self, store: Store, receiver: Receiver) -> None:
        listen(store, receiver, "product.updated")
        number = store.product("A")
        store.put(f"products/{number}", {"name": "Größe / 40 €"})
        store.control("webhooks/flush")
        delivery = receiver.got[0]
        assert list(delivery.headers) == list(recorded("product.updated")["headers"])
        digest = hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).digest()
        assert delivery.headers["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()
        assert rb'"name":"Gr\u00f6\u00dfe \/ 40 \u20ac"' in delivery.body
        assert delivery.headers["X-WC-Webhook-Source"] == f"{store.url}/"
        assert delivery.json() == store.get(f"products/{number}")

    def test_a_deletion_is_an_id(self, store: Store, receiver: Receiver) -> None:
        listen(store, receiver, "product.deleted")
        number = store.product("A")
        store.delete(f"products/{number}")
        store.control("webhooks/flush")
        assert receiver.got[0].body == json.dumps({"id": number}, separators=(",", ":")).encode()


class TestTopics:
    def test_of_an_order_over_rest(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        listen(store, receiver)
        order = store.order((number, 1))["id"]
        expected = [("order.created", order), ("order.updated", order), ("product.updated", number)]
        assert delivered(store, receiver) == expected
        assert receiver.got[0].body == receiver.got[1].body

    def test_of_a_shopper(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        listen(store, receiver)
        order = store.control("checkout", lines=[{"sku": "A"}])["order"]
        expected = [("order.updated", order), ("order.created", order), ("product.updated", number)]
        assert delivered(store, receiver) == expected

    def test_of_an_opened_checkout(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        listen(store, receiver)
        order = store.control("checkout", lines=[{"sku": "A"}], draft_only=True)["order"]
        assert delivered(store, receiver) == [("order.updated", order)]
        assert receiver.got[0].json()["status"] == "checkout-draft"
        store.control("checkout", order=order)
        expected = [("order.updated", order), ("order.created", order), ("product.updated", number)]
        assert delivered(store, receiver) == expected

    def test_any_save_counts_even_an_empty_one(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        listen(store, receiver)
        store.put(f"products/{number}", {})
        assert delivered(store, receiver) == [("product.updated", number)]

    def test_of_a_variation_is_its_own_object(self, store: Store, receiver: Receiver) -> None:
        parent = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
        listen(store, receiver)
        child = store.post(f"products/{parent}/variations", {"regular_price": "9.00"})["id"]
        assert delivered(store, receiver) == [("product.created", child)]
        store.put(f"products/{parent}/variations/{child}", {"regular_price": "8.00"})
        assert delivered(store, receiver) == [("product.updated", child)]
        body = receiver.got[0].json()
        assert (body["type"], body["parent_id"]) == ("variation", parent)
        store.delete(f"products/{parent}")
        assert delivered(store, receiver) == [("product.deleted", parent), ("product.deleted", child)]

    def test_deleting_for_good_and_restoring(self, store: Store, receiver: Receiver) -> None:
        first, second = store.product("A"), store.product("B")
        listen(store, receiver)
        store.delete(f"products/{first}", force="true")
        store.delete(f"products/{second}")
        assert delivered(store, receiver) == [("product.deleted", second)]
        store.put(f"products/{second}", {"status": "publish"})
        assert delivered(store, receiver) == [("product.updated", second)]

    def test_of_cancelling_and_refunding(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        order = store.order((number, 2))
        listen(store, receiver)
        rows = [{"id": order["line_items"][0]["id"], "quantity": 1}]
        store.post(f"orders/{order['id']}/refunds", {"amount": "1.00", "api_refund": False, "line_items": rows})
        both = {("order.updated", order["id"]), ("product.updated", number)}
        assert set(delivered(store, receiver)) == both
        store.put(f"orders/{order['id']}", {"status": "cancelled"})
        assert set(delivered(store, receiver)) == both
        store.delete(f"orders/{order['id']}")
        assert delivered(store, receiver) == [("order.deleted", order["id"])]

    def test_of_many_changes_in_the_admin(self, store: Store, receiver: Receiver) -> None:
        numbers = [store.product(sku) for sku in "ABC"]
        listen(store, receiver)
        changes = [{"sku": sku, "stock": 5} for sku in "ABCX"]
        assert store.control("bulk", changes=changes) == {"changed": 3, "missing": ["X"]}
        assert delivered(store, receiver) == [("product.updated", number) for number in numbers]


class TestTiming:
    def test_fast_changes_make_one_delivery_of_the_final_state(self, receiver: Receiver) -> None:
        with open_store(delay=0.5) as store:
            number = store.product("A")
            listen(store, receiver, "product.updated")
            for stock in (1, 2, 3):
                store.put(f"products/{number}", {"stock_quantity": stock})
            receiver.wait(1)
            time.sleep(0.7)
            assert [delivery.json()["stock_quantity"] for delivery in receiver.got] == [3]

    def test_a_change_during_a_delivery_queues_another(self, receiver: Receiver) -> None:
        with open_store(delay=0) as store:
            number = store.product("A")
            listen(store, receiver, "product.updated")
            receiver.pause = 0.3
            for stock in (1, 2, 3):
                store.put(f"products/{number}", {"stock_quantity": stock})
                time.sleep(0.1)
            receiver.wait(2)
            assert receiver.got[-1].json()["stock_quantity"] == 3

    def test_a_slow_receiver_is_told_old_news(self, receiver: Receiver) -> None:
        with open_store(delay=0, stale_cache=True) as store:
            number = store.product("A")
            listen(store, receiver, "product.updated")
            receiver.pause = 0.3
            store.put(f"products/{number}", {"stock_quantity": 1})
            time.sleep(0.1)
            store.put(f"products/{number}", {"stock_quantity": 2})
            told = [delivery.json()["stock_quantity"] for delivery in receiver.wait(2)]
            assert told == [1, 1]
            assert store.stock("A") == 2

    def test_without_cron_nothing_is_delivered(self, receiver: Receiver) -> None:
        with open_store(delay=0, cron=False) as store:
            number = store.product("A")
            listen(store, receiver, "product.updated")
            store.put(f"products/{number}", {})
            time.sleep(0.3)
            assert receiver.got == []
            store.control("cron", running=True)
            assert receiver.wait(1)[0].json()["id"] == number

    def test_what_waits_outlives_the_process(self, receiver: Receiver, tmp_path: Any) -> None:
        with open_store(tmp_path / "s.db", delay=0, cron=False) as store:
            number = store.product("A")
            listen(store, receiver, "product.updated")
            store.put(f"products/{number}", {})
        with open_store(tmp_path / "s.db", delay=0):
            assert receiver.wait(1)[0].json()["id"] == number


class TestFailures:
    def change(self, store: Store, number: int, times: int) -> None:
        for _ in range(times):
            store.put(f"products/{number}", {})
            store.control("webhooks/flush")

    def status(self, store: Store, hook: int) -> str:
        found: str = store.get(f"webhooks/{hook}")["status"]
        return found

    def test_the_seventh_in_a_row_switches_off_and_nothing_is_sent_twice(
        self, store: Store, receiver: Receiver
    ) -> None:
        number = store.product("A")
        (hook,) = listen(store, receiver, "product.updated")
        receiver.status = 500
        self.change(store, number, 6)
        assert (len(receiver.got), self.status(store, hook)) == (6, "active")
        self.change(store, number, 1)
        assert (len(receiver.got), self.status(store, hook)) == (7, "disabled")
        self.change(store, number, 1)
        assert len(receiver.got) == 7

    def test_switching_on_again_does_not_reset_the_counter(self, store: Store, receiver: Receiver) -> None:
        number = store.product("A")
        (hook,) = listen(store, receiver, "product.updated")
        receiver.status = 410
        self.change(store, number, 7)
        assert store.put(f"webhooks/{hook}", {"status": "active"})["status"] == "active"
        self.change(store, number, 1)
        assert self.status(store, hook) == "disabled"
        receiver.status = 200
        store.put(f"webhooks/{hook}", {"status": "active"})
        self.change(store, number, 1)
        receiver.status = 500
        self.change(store, number, 6)
        assert self.status(store, hook) == "active"

    @pytest.mark.parametrize(("status", "success"), [(200, True), (204, True), (302, True), (303, False), (404, False)])
    def test_what_counts_as_success(self, store: Store, receiver: Receiver, status: int, success: bool) -> None:
        number = store.product("A")
        (hook,) = listen(store, receiver, "product.updated")
        receiver.status = status
        self.change(store, number, 7)
        assert self.status(store, hook) == ("active" if success else "disabled")

    def test_a_refused_connection_counts_too(self, store: Store) -> None:
        number = store.product("A")
        body = {"topic": "product.updated", "delivery_url": "http://127.0.0.1:9/", "secret": SECRET}
        hook = store.post("webhooks", body)["id"]
        self.change(store, number, 7)
        assert self.status(store, hook) == "disabled"
        assert store.look("deliveries")[-1]["status"] == 0


class TestRoutes:
    def test_validation(self, store: Store) -> None:
        for body in ({"topic": "nonsense", "delivery_url": "http://x.example/"}, {"topic": "order.created"}):
            assert store.api.post("webhooks", body).status_code == 400
        made = store.post("webhooks", {"topic": "action.woocommerce_x", "delivery_url": "http://127.0.0.1:9/"})
        assert "secret" not in made
        assert store.api.delete(f"webhooks/{made['id']}").status_code == 501

    def test_batch(self, store: Store, receiver: Receiver) -> None:
        body = {"topic": "order.created", "delivery_url": receiver.url}
        made = store.post("webhooks/batch", {"create": [body, body]}, 200)["create"]
        assert len(receiver.wait(2)) == 2
        done = {"update": [{"id": made[0]["id"], "status": "paused"}], "delete": [made[1]["id"]]}
        store.post("webhooks/batch", done, 200)
        assert [(row["id"], row["status"]) for row in store.get("webhooks")] == [(made[0]["id"], "paused")]
        assert store.get("webhooks", status="active") == []
