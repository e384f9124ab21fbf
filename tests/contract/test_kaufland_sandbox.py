"""How the Kaufland sandbox behaves: its door, its budget, its states over restarts, its messages. Over real HTTP."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from channel_adapters.kaufland.sandbox import create_sandbox
from channel_adapters.kaufland.sandbox.options import SECRET_KEY
from channel_adapters.kaufland.signature import is_genuine
from tests.support.kaufland import AT_ONCE, EANS, Listener, Seller, Serve, unit, wait_for


def start(serve: Serve, state_path: Path | None = None, **options: Any) -> Seller:
    return Seller(serve(create_sandbox(state_path, **AT_ONCE | options)))


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Shop-Signature": "0" * 64}, "corrupted-signature"),
        ({"Shop-Signature": ""}, "missing-or-invalid-request-header"),
        ({"User-Agent": ""}, "missing-or-invalid-request-header"),
        ({"Shop-Client-Key": "x"}, "invalid-credentials"),
        ({"Shop-Timestamp": -400}, "missing-or-invalid-request-header"),
        ({"Shop-Timestamp": -100}, "corrupted-signature"),
    ],
)
def test_the_door(serve: Serve, headers: dict[str, Any], kind: str) -> None:
    """A number is a time, in seconds from now."""
    given = {
        name: str(int(time.time()) + value) if isinstance(value, int) else value for name, value in headers.items()
    }
    answer = start(serve).call("GET", "/status/ping", headers=given)
    assert (answer.status_code, answer.json()["type"]) == (401, f"/problems/{kind}")


def test_the_url_is_signed_as_it_is_on_the_wire(serve: Serve) -> None:
    seller = start(serve)
    seller.create(sku="A/1 ü")
    for query in ("id_offer=A%2F1%20%C3%BC", "id_offer=A/1+%C3%BC"):
        answer = seller.call("GET", f"/units?storefront=de&{query}")
        assert [item["id_offer"] for item in answer.json()["data"]] == ["A/1 ü"]
    assert Seller(str(seller.http.base_url), secret="other").call("GET", "/status/ping").status_code == 401


def test_the_budget_is_shared_by_all_endpoints(serve: Serve) -> None:
    seller = start(serve, limit=4)
    paths = ("/status/ping", "/info/storefront", "/carriers") * 5
    statuses = [seller.call("GET", path).status_code for path in paths]
    assert set(statuses) == {200, 429}


def test_state_survives_a_restart(serve: Serve, tmp_path: Path) -> None:
    seller = start(serve, tmp_path / "kaufland.db", data_seconds=0.2)
    seller.create()
    order_id, _ = seller.order(quantity=2)
    seller.call("PUT", "/product-data?locale=de-DE", {"ean": [EANS[0]], "attributes": {"title": ["New"]}})
    again = start(serve, tmp_path / "kaufland.db")
    assert again.states(order_id) == ["need_to_be_sent"] * 2
    assert again.control("GET", "offers")[0]["stock"] == 3
    wait_for(lambda: again.control("GET", "offers")[0]["title"] == "New")
    again.control("POST", "reset")
    assert again.control("GET", "offers") == again.control("GET", "orders") == []


def test_what_is_sold_is_no_longer_there(serve: Serve) -> None:
    seller = start(serve)
    seller.create(amount=2)
    seller.order(quantity=2)
    for wish, status in (({"sku": "A-1"}, 409), ({"sku": "?"}, 404)):
        assert seller.http.post("/_sandbox/orders", json={"lines": [wish]}).status_code == status
    order_id, _ = seller.order(force=True)
    assert (len(seller.control("GET", "orders")), seller.shown(order_id)["status"]) == (2, "OPEN")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("orders", {"lines": []}),
        ("orders", {"lines": [{"quantity": 1}]}),
        ("orders", {"lines": [{"sku": "A", "colour": "red"}]}),
        ("returns", {"order_id": "?", "lines": []}),
        ("offers", {"sku": "A"}),
        ("products", {"ean": "1", "locale": "xx"}),
    ],
)
def test_a_bad_control_request_is_refused(serve: Serve, path: str, body: dict[str, Any]) -> None:
    assert start(serve).http.post(f"/_sandbox/{path}", json=body).status_code == 400


def test_what_the_catalogue_lacks_makes_offers_incomplete(serve: Serve) -> None:
    seller = start(serve)
    seller.create()
    seller.control("POST", "products", {"ean": EANS[0], "missing": ["colour"]})
    assert (seller.control("GET", "offers")[0]["live"], seller.control("GET", "offers")[0]["reasons"]) == (
        False,
        ["INCOMPLETE"],
    )
    seller.call(
        "PATCH", "/product-data?locale=de-DE", {"ean": [EANS[0]], "attributes": {"title": ["M"], "colour": ["x"]}}
    )
    assert seller.control("GET", "offers")[0]["live"]


def test_faults_of_lists_and_writes(serve: Serve) -> None:
    seller = start(serve)
    made = seller.create()
    seller.fault("not_applied", "deleteUnit")
    assert seller.call("DELETE", f"/units/{made}?storefront=de").status_code == 204
    seller.fault("empty_list", "getUnits")
    totals = [seller.call("GET", "/units?storefront=de").json()["pagination"]["total"] for _ in range(2)]
    assert totals == [0, 1]
    seller.fault("stuck_cursor", "getUnits", times=None)
    pages = [seller.call("GET", f"/units?storefront=de&offset={n}").json()["data"][0]["id_unit"] for n in (0, 30)]
    assert pages == [made, made]


def test_requests_are_logged_by_operation(serve: Serve) -> None:
    seller = start(serve)
    seller.create()
    logged = seller.control("GET", "requests")
    assert [(entry["op"], entry["status"]) for entry in logged] == [("createUnit", 200)]
    assert json.loads(logged[0]["body"]) == unit()


def test_messages_are_signed_with_the_sellers_secret_and_repeated(serve: Serve) -> None:
    seller, listener = start(serve, event_attempts=3, event_retry_seconds=0.05), Listener(serve)
    body = {"callback_url": listener.url, "fallback_email": "a@b.example", "event_name": "order_new"}
    made = seller.call("POST", "/subscriptions?storefront=de", body).json()["data"]["id_subscription"]
    seller.create()
    listener.status = 500
    order_id, _ = seller.order()
    wait_for(lambda: len(listener.got) == 4)
    headers, message = dict(listener.got[1][0]), listener.got[1][1]
    told = json.loads(message)
    assert (told["event_name"], told["resource"], told["storefront"]) == ("order_new", f"/orders/{order_id}", "de")
    signature, timestamp = headers["Shop-Signature"], headers["Shop-Timestamp"]
    assert is_genuine(signature, SECRET_KEY, "POST", listener.url, message, timestamp)
    assert {got[1] for got in listener.got[1:]} == {message}
    wait_for(lambda: not seller.call("GET", f"/subscriptions/{made}").json()["data"]["is_active"])


def test_paths_outside_of_the_api(serve: Serve) -> None:
    seller = start(serve)
    answers = [seller.call("GET", "/nothing"), seller.call("DELETE", "/status/ping")]
    assert [answer.status_code for answer in answers] == [404, 405]
    assert all(isinstance(answer, httpx.Response) and answer.json()["errors"] == [] for answer in answers)
