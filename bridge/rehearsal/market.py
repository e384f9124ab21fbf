"""The buyer's side of a sandbox marketplace: the control surface that all channel sandboxes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import httpx

from bridge.rehearsal.report import Failed

Document = dict[str, Any]


class Market:
    """Places orders, asks for cancellations, sends things back, and looks at what is on show."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=f"{base_url}/_sandbox/", timeout=30, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def offer(self, sku: str) -> Document | None:
        return next((offer for offer in self.offers() if offer["sku"] == sku), None)

    def offers(self) -> list[Document]:
        return cast("list[Document]", self._call("GET", "offers"))

    def buy(self, sku: str, quantity: int, unit_price: str, *, force: bool = False) -> str:
        """The id of the order a buyer has placed; ``force``: as if the number had not arrived in time."""
        line = {"sku": sku, "quantity": quantity, "unit_price": float(unit_price)}
        return str(self._call("POST", "orders", {"lines": [line], "force": force})["order_id"])

    def fault(self, kind: str) -> None:
        """From now on every call of ours meets this."""
        self._call("POST", "faults", {"kind": kind, "times": None})

    def mend(self) -> None:
        self._call("DELETE", "faults")

    def new_credentials(self) -> dict[str, str]:
        """Where consent is given anew for each connection; else nothing, and the old ones go on."""
        response = self._client.post("consent", json={})
        return {} if response.status_code == httpx.codes.NOT_FOUND else cast("dict[str, str]", response.json())

    def fetch_from(self, url: str) -> None:
        """Where the marketplace fetches our feed, as the merchant tells it by hand."""
        self._call("POST", "feed", {"url": url})

    def orders(self) -> list[Document]:
        return cast("list[Document]", self._call("GET", "orders"))

    def order(self, order_id: str) -> Document:
        found = next((order for order in self.orders() if order["order_id"] == order_id), None)
        if found is None:
            raise Failed(f"the marketplace has no order {order_id}")
        return found

    def ask_to_cancel(self, order_id: str) -> None:
        self._call("POST", f"orders/{order_id}/request-cancellation", {})

    def send_back(self, order_id: str, sku: str, quantity: int) -> str:
        body = {"order_id": order_id, "lines": [{"sku": sku, "quantity": quantity}]}
        return str(self._call("POST", "returns", body)["return_id"])

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = self._client.request(method, path, json=body)
        if response.is_error:
            raise Failed(
                f"the sandbox marketplace refused {method} {path}: {response.status_code} {response.text[:300]}"
            )
        return response.json()


def units(order: Document, name: str, sku: str) -> int:
    """Units of a SKU in an order, by name: quantity, shipped or cancelled."""
    lines: Sequence[Document] = order["lines"]
    return sum(int(line[name]) for line in lines if line["sku"] == sku)
