"""How the bol sandbox behaves: stock, processes, limits, faults, events. Over real HTTP."""

from __future__ import annotations

import base64
import functools
import json
import operator
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request

from channel_adapters.bol.sandbox import create_sandbox
from tests.support.bol import EANS, Seller, offer

Start = Callable[..., Seller]
AT_ONCE: dict[str, Any] = {"process_seconds": 0, "policy_seconds": 0, "content_seconds": 0, "limits": None}


@pytest.fixture
def start(serve: Callable[..., str]) -> Start:
    """A seller at a sandbox in which everything happens at once and nothing is limited, unless said otherwise."""

    def start(state_path: Path | None = None, **options: Any) -> Seller:
        return Seller(serve(create_sandbox(state_path, **AT_ONCE | options)))

    return start


def until(condition: Callable[[], Any], seconds: float = 5) -> Any:
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)
    return found


def shown(seller: Seller, sku: str = "A-1") -> dict[str, Any]:
    return next(item for item in seller.control("GET", "offers") if item["sku"] == sku)


def shipment(line: str, quantity: int | None = None, carrier: str = "TNT") -> dict[str, Any]:
    item = {"orderItemId": line} | ({"quantity": quantity} if quantity else {})
    return {"orderItems": [item], "transport": {"transporterCode": carrier, "trackAndTrace": "3SBOL1"}}


def cancellation(line: str) -> dict[str, Any]:
    return {"orderItems": [{"orderItemId": line, "reasonCode": "OUT_OF_STOCK"}]}


# Tokens


def test_a_token_expires(start: Start) -> None:
    seller = start(token_seconds=1)
    assert seller.renew()["expires_in"] == 1
    assert seller.call("GET", "/retailer/orders").status_code == 200
    time.sleep(1.1)
    assert seller.call("GET", "/retailer/orders").status_code == 401
    seller.renew()
    assert seller.call("GET", "/retailer/orders").status_code == 200


@pytest.mark.parametrize(
    ("auth", "query", "status", "error"),
    [
        (("sandbox-client", "wrong"), "grant_type=client_credentials", 401, "invalid_client"),
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        (("sandbox-client", "sandbox-secret"), "grant_type=password", 400, "unsupported_grant_type"),
    ],
)
def test_token_refused(start: Start, auth: Any, query: str, status: int, error: str) -> None:
    answer = start().http.post(f"/token?{query}", auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


# Offers and their stock


def test_with_managed_stock_only_orders_after_the_last_update_count(start: Start) -> None:
    seller = start()
    made = seller.create(stock=5)
    seller.order(quantity=2)
    assert shown(seller)["sellable"] == 3
    seller.call("PATCH", f"/retailer/offers/{made}", {"stock": {"amount": 4}})
    assert shown(seller)["sellable"] == 4


def test_with_stock_corrected_by_bol_all_open_orders_count(start: Start) -> None:
    seller = start()
    body = offer(stock=5) | {"stock": {"amount": 5, "managedByRetailer": False}}
    made = seller.call("POST", "/retailer/offers", body).json()["offerId"]
    _, line = seller.order(quantity=2)
    seller.call("PATCH", f"/retailer/offers/{made}", {"stock": {"amount": 5}})
    assert shown(seller)["sellable"] == 3
    seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))
    assert shown(seller)["sellable"] == 3
    seller.call("PATCH", f"/retailer/offers/{made}", {"stock": {"amount": 3}})
    assert shown(seller)["sellable"] == 3


def test_a_cancelled_item_can_be_bought_again(start: Start) -> None:
    seller = start()
    seller.create(stock=1)
    _, line = seller.order()
    assert (shown(seller)["sellable"], shown(seller)["reasons"]) == (0, ["4003-3"])
    seller.finish(seller.call("PUT", "/retailer/orders/cancellation", cancellation(line)))
    assert (shown(seller)["sellable"], shown(seller)["live"]) == (1, True)


def test_nobody_buys_more_than_there_is(start: Start) -> None:
    seller = start()
    seller.create(stock=3)
    wish = {"lines": [{"sku": "A-1", "quantity": 2}, {"sku": "A-1", "quantity": 2}]}
    assert seller.http.post("/_sandbox/orders", json=wish).status_code == 409
    assert seller.http.post("/_sandbox/orders", json={"lines": [{"sku": "B"}]}).status_code == 404
    assert seller.http.post("/_sandbox/orders", json=wish | {"force": True}).status_code == 201
    assert shown(seller)["sellable"] == 0


def test_many_buyers_at_once_never_oversell(start: Start) -> None:
    seller = start()
    seller.create(stock=10)
    wish = {"lines": [{"sku": "A-1", "quantity": 1}]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: seller.http.post("/_sandbox/orders", json=wish).status_code, range(40)))
    assert (answers.count(201), answers.count(409)) == (10, 30)


def test_the_policy_check_comes_later(start: Start) -> None:
    seller = start(policy_seconds=0.3)
    seller.create()
    assert not shown(seller)["live"]
    until(lambda: shown(seller)["live"])


def test_missing_content_keeps_an_offer_offline_until_it_is_sent(start: Start) -> None:
    seller = start()
    seller.control("POST", "products", {"ean": EANS[0], "missing": ["Name"]})
    made = seller.create()
    reasons = seller.call("GET", f"/retailer/offers/{made}/not-for-sale-reasons").json()["countries"][0]["reasons"]
    assert reasons[0]["missingAttributes"] == [{"name": "Name"}]
    values = {"EAN": EANS[0], "Name": "Mug, blue", "Description": "For coffee.", "Brand": "Potter"}
    attributes = [{"id": name, "values": [{"value": value}]} for name, value in values.items()]
    seller.finish(seller.call("POST", "/retailer/content/products", {"language": "nl", "attributes": attributes}))
    until(lambda: shown(seller)["live"])
    assert shown(seller)["title"] == "Mug, blue"


def test_a_wrong_ean_is_declined_in_the_upload_report(start: Start) -> None:
    seller = start()
    attributes = [{"id": "EAN", "values": [{"value": "8718526069335"}]}, {"id": "Name", "values": [{"value": "Mug"}]}]
    content = {"language": "nl", "attributes": attributes}
    upload = seller.finish(seller.call("POST", "/retailer/content/products", content))["entityId"]
    report = seller.call("GET", f"/retailer/content/upload-report/{upload}").json()
    assert [(item["status"], item["subStatus"]) for item in report["attributes"]] == [
        ("DECLINED", "VALIDATION_FAILED_INVALID_EAN"),
        ("DECLINED", "MATCH_TO_PRODUCT_FAILED"),
    ]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"ean": "8718526069335"}, ["ean"]),
        ({"pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": 0.5}]}}, ["pricing.bundlePrices[0].unitPrice"]),
        ({"pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": "9.99"}]}}, ["pricing.bundlePrices[0].unitPrice"]),
        ({"stock": {"amount": -1}}, ["stock.amount", "stock.managedByRetailer"]),
        ({"reference": "x" * 101}, ["reference"]),
        ({"condition": {"category": "SECONDHAND"}}, ["condition"]),
    ],
)
def test_a_bad_offer_is_refused_by_field(start: Start, change: dict[str, Any], names: list[str]) -> None:
    answer = start().call("POST", "/retailer/offers", offer() | change)
    assert answer.status_code == 400
    assert [violation["name"] for violation in answer.json()["violations"]] == names


def test_an_isbn_becomes_an_ean(start: Start) -> None:
    seller = start()
    seller.create(ean="0306406152")
    assert shown(seller)["ean"] == "9780306406157"


def test_offer_pages_survive_deletions_in_between(start: Start) -> None:
    seller = start()
    ids = [seller.create(ean=ean, sku=f"A-{n}") for n, ean in enumerate(EANS)]
    first = seller.call("GET", "/retailer/offers", params={"page-size": 2}).json()
    seller.call("DELETE", f"/retailer/offers/{ids[1]}")
    rest = seller.call("GET", "/retailer/offers", params={"page-size": 9, "cursor": first["page"]["nextCursor"]}).json()
    assert [item["offerId"] for item in rest["offers"]] == ids[2:]
    assert "nextCursor" not in rest["page"]


# Orders


def ids_of(answer: httpx.Response) -> list[str]:
    return [order["orderId"] for order in answer.json().get("orders", [])]


def test_the_order_list_filters(start: Start) -> None:
    seller = start()
    seller.create(stock=10)
    open_id, _ = seller.order()
    shipped_id, line = seller.order()
    seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))
    platform_id, _ = seller.order(fulfilment_method="FBB")
    listed = {
        "default": ids_of(seller.call("GET", "/retailer/orders")),
        "SHIPPED": ids_of(seller.call("GET", "/retailer/orders", params={"status": "SHIPPED"})),
        "ALL": ids_of(seller.call("GET", "/retailer/orders", params={"status": "ALL", "fulfilment-method": "ALL"})),
    }
    assert listed == {"default": [open_id], "SHIPPED": [shipped_id], "ALL": [platform_id, shipped_id, open_id]}


def test_the_order_list_by_change(start: Start) -> None:
    seller = start()
    seller.create(stock=10)
    old_id, line = seller.order(placed_at="2026-01-05T12:00:00+01:00", expiry_date="2099-01-01")
    recent = {"change-interval-minute": 5}
    assert ids_of(seller.call("GET", "/retailer/orders", params=recent)) == []
    seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))
    assert ids_of(seller.call("GET", "/retailer/orders", params=recent | {"status": "ALL"})) == [old_id]
    too_long = seller.call("GET", "/retailer/orders", params={"change-interval-minute": 61})
    assert (too_long.status_code, too_long.json()["violations"][0]["name"]) == (400, "change-interval-minute")


def test_an_empty_list_is_left_out(start: Start) -> None:
    assert start().call("GET", "/retailer/orders").json() == {}


def test_order_pages_are_of_fifty(start: Start) -> None:
    seller = start()
    seller.create(stock=1000)
    placed = seller.control("POST", "orders/bulk", {"count": 120, "skus": ["A-1"], "seed": 7})["order_ids"]
    pages = [ids_of(seller.call("GET", "/retailer/orders", params={"page": page})) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [50, 50, 20, 0]
    assert sorted(functools.reduce(operator.iadd, pages, [])) == sorted(placed)


def test_partial_shipments_add_up(start: Start) -> None:
    seller = start()
    seller.create(stock=5)
    order_id, line = seller.order(quantity=3)
    for quantity, status in ((2, "SUCCESS"), (2, "FAILURE"), (None, "SUCCESS"), (None, "FAILURE")):
        done = seller.finish(seller.call("POST", "/retailer/shipments", shipment(line, quantity)))
        assert done["status"] == status
    assert seller.lines(order_id)[0]["shipped"] == 3
    refused = seller.finish(seller.call("PUT", "/retailer/orders/cancellation", cancellation(line)))
    assert refused["errorMessage"] == f"Order item {line} has been handled already."


def test_two_requests_for_the_same_item_are_both_accepted_and_one_fails(start: Start) -> None:
    seller = start(process_seconds=0.2)
    seller.create()
    _, line = seller.order()
    accepted = [seller.call("POST", "/retailer/shipments", shipment(line)) for _ in range(2)]
    assert [answer.json()["status"] for answer in accepted] == ["PENDING", "PENDING"]
    assert "entityId" not in accepted[0].json()
    assert [seller.finish(answer)["status"] for answer in accepted] == ["SUCCESS", "FAILURE"]


def test_an_unknown_transporter_fails_later(start: Start) -> None:
    seller = start()
    seller.create()
    _, line = seller.order()
    done = seller.finish(seller.call("POST", "/retailer/shipments", shipment(line, carrier="PostNL")))
    assert (done["status"], done["errorMessage"]) == ("FAILURE", "Transporter code PostNL is unknown.")


def test_an_expired_order_is_cancelled(start: Start) -> None:
    seller = start()
    seller.create()
    forced, _ = seller.order()
    seller.control("POST", f"orders/{forced}/expire")
    overdue, _ = seller.order(placed_at="2026-01-05T12:00:00+01:00")
    for order_id in (forced, overdue):
        assert seller.lines(order_id)[0] | {"cancelled": 1, "expired": True} == seller.lines(order_id)[0]


def test_a_process_status_vanishes(start: Start) -> None:
    seller = start(process_retention=0.2)
    seller.create()
    _, line = seller.order()
    done = seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))
    path = f"/shared/process-status/{done['processStatusId']}"
    until(lambda: seller.call("GET", path).status_code == 404)


def test_an_outcome_can_be_planned(start: Start) -> None:
    seller = start()
    seller.create()
    order_id, line = seller.order()
    seller.control("POST", "outcomes", {"event_type": "CREATE_SHIPMENT", "status": "TIMEOUT", "error": "too slow"})
    done = seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))
    assert (done["status"], done["errorMessage"], seller.lines(order_id)[0]["shipped"]) == ("TIMEOUT", "too slow", 0)
    assert seller.finish(seller.call("POST", "/retailer/shipments", shipment(line)))["status"] == "SUCCESS"


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
