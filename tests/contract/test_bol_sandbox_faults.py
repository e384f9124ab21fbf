"""How the bol sandbox behaves: budgets, faults, state over restarts, events. Over real HTTP."""

from __future__ import annotations

import base64
import json
import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request

from tests.support.bol import Seller, ids_of, offer, shipment, shown, until

Start = Callable[..., Seller]


# Budgets


def test_a_spent_budget_is_told_and_filled_again(start: Start) -> None:
    seller = start(limits={"update-offer": 3}, reset_as="delta")
    path = f"/retailer/offers/{seller.create()}"
    answers = [seller.call("PATCH", path, {"stock": {"amount": n}}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
    told = [answer.headers["x-ratelimit-remaining"] for answer in answers]
    assert (told, answers[3].headers["retry-after"]) == (["2", "1", "0", "0"], "1")
    time.sleep(1.05)
    assert seller.call("PATCH", path, {"stock": {"amount": 9}}).status_code == 204


def test_the_published_budgets_are_a_public_file(start: Start) -> None:
    rules = start(limits="published").http.get("/retailer/public/ratelimits").json()
    expected = {"path": "/retailer/orders", "methods": "GET, OPTIONS, HEAD", "maxCapacity": "25"}
    assert expected | {"timeToLive": "1", "timeUnit": "MINUTES"} in rules


# Faults


def test_fault_not_applied(start: Start) -> None:
    seller = start()
    path = f"/retailer/offers/{seller.create()}"
    order_id, line = seller.order()
    seller.fault("not_applied", "update-offer")
    assert seller.call("PATCH", path, {"stock": {"amount": 1}}).status_code == 204
    assert shown(seller)["stock"] == 5
    seller.fault("not_applied", "create-shipment")
    assert seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))["status"] == "SUCCESS"
    assert seller.lines(order_id)[0]["shipped"] == 0


def test_fault_timeout_after_write_leaves_the_work_done(start: Start) -> None:
    seller = start()
    seller.fault("timeout_after_write", "create-offer", params={"seconds": 0.5})
    with pytest.raises(httpx.ReadTimeout):
        seller.call("POST", "/retailer/offers", offer(), timeout=0.1)
    assert seller.call("POST", "/retailer/offers", offer()).status_code == 409


def test_fault_reset_breaks_the_body_after_the_work(start: Start) -> None:
    seller = start()
    seller.fault("reset", "create-offer")
    with pytest.raises(httpx.RemoteProtocolError):
        seller.call("POST", "/retailer/offers", offer())
    assert shown(seller)["stock"] == 5


def test_fault_empty_list(start: Start) -> None:
    seller = start()
    seller.create()
    seller.order()
    seller.fault("empty_list", times=None)
    assert seller.call("GET", "/retailer/orders").json() == {}
    assert seller.call("GET", "/retailer/offers").json()["offers"] == []


def test_fault_stuck_cursor(start: Start) -> None:
    seller = start()
    seller.create(stock=10)
    order_id, _ = seller.order()
    seller.fault("stuck_cursor", times=None)
    pages = [ids_of(seller.call("GET", "/retailer/orders", params={"page": page})) for page in (1, 2, 99)]
    assert pages == [[order_id]] * 3
    cursor = seller.call("GET", "/retailer/offers").json()["page"]["nextCursor"]
    assert seller.call("GET", "/retailer/offers", params={"cursor": cursor}).json()["page"]["nextCursor"] == cursor


def test_fault_partial_leaves_statuses_out(start: Start) -> None:
    seller = start()
    seller.create()
    _, line = seller.order()
    ids = [seller.call("POST", "/retailer/shipments", shipment(line)).json()["processStatusId"] for _ in range(4)]
    query = {"processStatusQueries": [{"processStatusId": key} for key in ids]}
    seller.fault("partial", "get-process-status-bulk", params={"every": 2})
    found = seller.call("POST", "/shared/process-status", query).json()["processStatuses"]
    assert [status["processStatusId"] for status in found] == [ids[0], ids[2]]


def test_fault_unauthorised_also_refuses_new_tokens(start: Start) -> None:
    seller = start()
    seller.renew()
    seller.fault("unauthorised", times=None)
    assert seller.call("GET", "/retailer/orders").status_code == 401
    assert seller.http.post("/token", auth=("sandbox-client", "sandbox-secret")).status_code == 401


def test_fault_mutate_changes_the_answer(start: Start) -> None:
    seller = start()
    made = seller.create()
    changes = {"stock.amount": "5", "condition.category": "NEARLY_NEW"}
    seller.fault("mutate", "get-offer", params={"set": changes})
    body = seller.call("GET", f"/retailer/offers/{made}").json()
    assert (body["stock"]["amount"], body["condition"]["category"]) == ("5", "NEARLY_NEW")


@pytest.mark.parametrize(
    ("kind", "params", "status", "media"),
    [
        ("throttle", {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 429, "application/vnd.retailer.v10+json"),
        ("error", {"status": 503, "body": "<h1>sorry</h1>", "content_type": "text/html"}, 503, "text/html"),
        ("html", {}, 200, "text/html"),
        ("timeout_before_write", {"seconds": 0}, 504, "text/html"),
        ("slow", {"seconds": 0}, 200, "application/vnd.retailer.v10+json"),
    ],
)
def test_faults_of_the_kit(start: Start, kind: str, params: dict[str, Any], status: int, media: str) -> None:
    seller = start()
    seller.fault(kind, "get-orders", params=params)
    answer = seller.call("GET", "/retailer/orders")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, media)
    assert seller.call("GET", "/retailer/orders").json() == {}


# State


def test_state_survives_a_restart(start: Start, tmp_path: Path) -> None:
    seller = start(tmp_path / "bol.db", process_seconds=0.3)
    seller.create()
    order_id, line = seller.order()
    seller.call("POST", "/retailer/shipments", shipment(line))
    again = start(tmp_path / "bol.db", process_seconds=0.3)
    again.token = seller.token
    until(lambda: again.lines(order_id)[0]["shipped"] == 1)
    assert again.call("POST", "/retailer/offers", offer()).status_code == 409
    again.control("POST", "reset")
    assert again.control("GET", "offers") == []


def test_requests_are_logged_by_operation(start: Start) -> None:
    seller = start()
    seller.create()
    logged = seller.control("GET", "requests")
    assert [(entry["op"], entry["status"]) for entry in logged] == [("token", 200), ("create-offer", 201)]
    assert json.loads(logged[1]["body"])["reference"] == "A-1"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("orders", {"lines": []}),
        ("orders", {"lines": [{"quantity": 1}]}),
        ("orders", {"lines": [{"sku": "A", "colour": "red"}]}),
        ("orders/bulk", {"count": 0, "skus": ["A"]}),
        ("outcomes", {"status": "PERHAPS"}),
    ],
)
def test_a_bad_control_request_is_refused(start: Start, path: str, body: dict[str, Any]) -> None:
    assert start().http.post(f"/_sandbox/{path}", json=body).status_code == 400


# Events


class Listener:
    """A subscriber's own web server. Answers with ``status`` and keeps what came."""

    def __init__(self, serve: Callable[..., str]) -> None:
        self.status = 204
        self.got: queue.Queue[tuple[str, bytes]] = queue.Queue()
        app = Flask("listener")

        @app.post("/hook")
        def hook() -> tuple[str, int]:
            self.got.put((request.headers["Signature"], request.get_data()))
            return "", self.status

        self.url = serve(app) + "/hook"

    def next(self) -> tuple[dict[str, Any], str, bytes]:
        signature, body = self.got.get(timeout=5)
        return json.loads(body)["event"], signature, body


def subscribe(seller: Seller, url: str, *resources: str) -> str:
    body = {"resources": list(resources), "url": url, "subscriptionType": "WEBHOOK"}
    return str(seller.finish(seller.call("POST", "/retailer/subscriptions", body))["entityId"])


def public_key(seller: Seller) -> rsa.RSAPublicKey:
    keys = seller.call("GET", "/retailer/subscriptions/signature-keys").json()["signatureKeys"]
    key = serialization.load_der_public_key(base64.b64decode(keys[0]["publicKey"]))
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def test_events_are_signed(start: Start, serve: Callable[..., str]) -> None:
    seller, listener = start(), Listener(serve)
    subscribe(seller, listener.url, "ORDER")
    seller.create()
    order_id, _ = seller.order()
    event, signature, body = listener.next()
    assert event == {"resource": "ORDER", "type": "ORDER_CREATED", "resourceId": order_id}
    key_id, algorithm, value = (part.partition("=")[2] for part in signature.split(", "))
    assert (key_id, algorithm) == ("0", '"rsa-sha256"')
    public_key(seller).verify(base64.b64decode(value), body, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public_key(seller).verify(base64.b64decode(value), body + b" ", padding.PKCS1v15(), hashes.SHA256())


def test_events_come_without_further_requests(start: Start, serve: Callable[..., str]) -> None:
    seller, listener = start(process_seconds=0.1), Listener(serve)
    subscribe(seller, listener.url, "PROCESS_STATUS")
    seller.create()
    _, line = seller.order()
    wanted = seller.call("POST", "/retailer/shipments", shipment(line)).json()["processStatusId"]
    events = [listener.next()[0] for _ in range(2)]
    assert {"resource": "PROCESS_STATUS", "type": "SUCCESS", "resourceId": wanted} in events


def test_a_subscription_that_fails_is_switched_off(start: Start, serve: Callable[..., str]) -> None:
    seller, listener = start(event_attempts=3, event_retry_seconds=0.05), Listener(serve)
    listener.status = 500
    made = subscribe(seller, listener.url, "ORDER")
    seller.create()
    seller.order()
    bodies = {listener.next()[2] for _ in range(3)}
    assert len(bodies) == 1
    until(lambda: not seller.call("GET", f"/retailer/subscriptions/{made}").json()["enabled"])


def test_an_offer_going_off_sale_is_an_event(start: Start, serve: Callable[..., str]) -> None:
    seller, listener = start(), Listener(serve)
    subscribe(seller, listener.url, "OFFER_FOR_SALE", "OFFER_NOT_FOR_SALE")
    made = seller.create(stock=1)
    seller.order()
    assert [listener.next()[0]["type"] for _ in range(2)] == ["FOR_SALE", "NOT_FOR_SALE"]
    assert made
