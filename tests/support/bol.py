"""A seller's hand-made calls to the bol sandbox, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from channel_adapters.bol.sandbox import OPERATOR_ID
from tests.support.connected import Check, Hand

V10 = "application/vnd.retailer.v10+json"
V10_PDF = "application/vnd.retailer.v10+pdf"
V11 = "application/vnd.retailer.v11+json"
ECONOMIC_OPERATOR = "application/vnd.economic-operator.v1+json"

EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")

AT_ONCE: dict[str, Any] = {"process_seconds": 0, "policy_seconds": 0, "content_seconds": 0, "limits": None}


def offer(ean: str = EANS[0], sku: str = "A-1", stock: int = 5, price: float = 12.99, **more: Any) -> dict[str, Any]:
    body = {
        "ean": ean,
        "condition": {"category": "NEW"},
        "reference": sku,
        "economicOperatorId": OPERATOR_ID,
        "pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": price}]},
        "stock": {"amount": stock, "managedByRetailer": True},
        "fulfilment": {"method": "FBR", "schedule": "BOL_DELIVERY_PROMISE"},
    }
    return body | more


class Seller(Hand):
    """Knows the media type of each path and keeps a token. ``check`` sees every exchange."""

    def __init__(self, base_url: str, check: Check | None = None) -> None:
        super().__init__(base_url)
        self.check = check
        self.token = ""

    def renew(self) -> dict[str, Any]:
        answer = self.http.post("/token?grant_type=client_credentials", auth=("sandbox-client", "sandbox-secret"))
        self.token = answer.json()["access_token"]
        return dict(answer.json())

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if not self.token:
            self.renew()
        media = V10
        if path.startswith("/retailer/offers"):
            media = V11
        elif path.startswith("/retailer/economic-operator"):
            media = ECONOMIC_OPERATOR
        headers = {"Authorization": f"Bearer {self.token}", "Accept": media}
        if body is not None:
            headers["Content-Type"] = "application/json" if (method, path) == ("POST", "/retailer/returns") else media
        headers |= options.pop("headers", {})
        response = self.http.request(method, path, json=body, headers=headers, **options)
        if self.check:
            self.check(response.request, response)
        return response

    def create(self, **given: Any) -> str:
        """A new offer; its id."""
        return str(self.call("POST", "/retailer/offers", offer(**given)).json()["offerId"])

    def order(self, sku: str = "A-1", quantity: int = 1, **more: Any) -> tuple[str, str]:
        """A buyer orders; order id and the id of its first item."""
        placed = self.control("POST", "orders", {"lines": [{"sku": sku, "quantity": quantity}], **more})
        return placed["order_id"], self.lines(placed["order_id"])[0]["line_id"]

    def lines(self, order_id: str) -> list[dict[str, Any]]:
        found = next(order for order in self.control("GET", "orders") if order["order_id"] == order_id)
        return list(found["lines"])

    def finish(self, response: httpx.Response) -> dict[str, Any]:
        """The process status that a 202 ends in."""
        assert response.status_code == 202, response.text
        path = f"/shared/process-status/{response.json()['processStatusId']}"
        for _ in range(200):
            status = dict(self.call("GET", path).json())
            if status["status"] != "PENDING":
                return status
            time.sleep(0.02)
        raise AssertionError(f"still pending: {status}")


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


def ids_of(answer: httpx.Response) -> list[str]:
    return [order["orderId"] for order in answer.json().get("orders", [])]
