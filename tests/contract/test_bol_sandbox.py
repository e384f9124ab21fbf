"""How the bol sandbox behaves: tokens, offers and their stock, orders. Over real HTTP."""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.bol import EANS, Seller, cancellation, ids_of, offer, shipment, shown, until

Start = Callable[..., Seller]


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


def test_content_that_is_there_already_is_declined(start: Start) -> None:
    seller = start()
    values = {"EAN": EANS[0], "Name": "A thing"}
    content = {
        "language": "nl",
        "attributes": [{"id": name, "values": [{"value": text, "unitId": ""}]} for name, text in values.items()],
    }
    content["assets"] = [{"url": "https://shop.example/1.jpg", "labels": ["FRONT"]}]
    seen = []
    for _ in range(2):
        upload = seller.finish(seller.call("POST", "/retailer/content/products", content))["entityId"]
        report = seller.call("GET", f"/retailer/content/upload-report/{upload}").json()
        seen.append([(item["status"], item.get("subStatus")) for item in [*report["attributes"], *report["assets"]]])
    same = ("DECLINED", "IDENTICAL_VALUE_AS_BEFORE")
    assert seen == [[("PUBLISHED", None)] * 3, [same, same, ("DECLINED", "IMAGE_FLAGGED_AS_DUPLICATE")]]


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
