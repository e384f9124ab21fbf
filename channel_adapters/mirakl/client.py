"""The seller API over the wire: the key, the shop, the endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from bridge.domain.reading import Json, tables
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule
from channel_adapters.mirakl.operators import base_url

RENEW = "Generate a new API key in the marketplace's back office (My user settings, API key) and enter it here."
ERRORS = ErrorTable(
    rules={
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, "Ask the marketplace to give your user this right, or check the shop ID."),
    }
)
PAGE = 100
CSV = "text/csv"
FILE = "application/octet-stream"


class MiraklClient:
    """One method per endpoint; operations are named by the operationIds of the specification.

    Imports carry absolute values and are keyed by the shop's SKU, so that sending one twice does no harm.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._base = base_url(connection.credentials)

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Response:
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        if shop := self._connection.credentials.get("shop_id"):
            asked["shop_id"] = shop
        if locale := self._connection.settings.get("locale"):
            asked["locale"] = locale
        return self._transport.request(
            method,
            f"{self._base}/api{path}",
            operation=operation,
            params=asked,
            auth=self._authorise,
            errors=ERRORS,
            **options,
        )

    def _authorise(self, request: httpx.Request) -> None:
        """The bare key: no scheme before it (specification, securitySchemes)."""
        request.headers["Authorization"] = self._connection.credentials["api_key"]

    def _get(self, operation: str, path: str, **options: Any) -> Json:
        return _table(self._send(operation, "GET", path, **options).json)

    def _upload(self, operation: str, path: str, content: bytes, fields: Mapping[str, str] | None = None) -> str:
        """A file of an import; the import's number, "" when it is not named."""
        kind, body = multipart(content, fields or {})
        headers = {"Content-Type": kind}
        answer = self._send(operation, "POST", path, content=body, headers=headers, idempotent=True)
        return _import_id(_table(answer.json))

    def _report(self, operation: str, path: str, kind: str) -> str:
        return self._send(operation, "GET", path, headers={"Accept": kind}, expect="any", max_wait=0).text

    # The operator and the shop

    def account(self) -> Json:
        return self._get("A01", "/account")

    def statistics(self) -> Json:
        """Of the last month. Empty where the operator does not show them to shops."""
        try:
            return self._get("A21", "/account/statistics", params={"periods": "LAST_MONTH"})
        except (AskMerchant, RejectItem):
            return {}

    def configuration(self) -> Json:
        return self._get("PC01", "/platform/configuration")

    def additional_fields(self) -> list[Json]:
        return tables(self._get("AF01", "/additional_fields", params={"entities": "OFFER"}), "additional_fields")

    def offer_states(self) -> list[Json]:
        return tables(self._get("OF61", "/offers/states", params={"active": "true"}), "offer_states")

    def logistic_classes(self) -> list[Json]:
        return tables(self._get("SH31", "/shipping/logistic_classes"), "logistic_classes")

    def carriers(self) -> list[Json]:
        return tables(self._get("SH21", "/shipping/carriers"), "carriers")

    def reasons(self) -> list[Json]:
        return tables(self._get("RE01", "/reasons"), "reasons")

    # The catalogue

    def hierarchies(self) -> list[Json]:
        return tables(self._get("H11", "/hierarchies"), "hierarchies")

    def attributes(self, hierarchy: str | None) -> list[Json]:
        return tables(self._get("PM11", "/products/attributes", params={"hierarchy": hierarchy}), "attributes")

    def values_lists(self) -> list[Json]:
        return tables(self._get("VL11", "/values_lists"), "values_lists")

    def products(self, references: Sequence[str]) -> list[Json]:
        """Known products under ``EAN|123`` references, at most 100."""
        return tables(self._get("P31", "/products", params={"product_references": ",".join(references)}), "products")

    def import_products(self, content: bytes) -> str:
        """In the operator's own columns, which PM11 tells."""
        return self._upload("P41", "/products/imports", content, {"operator_format": "true"})

    def product_import(self, key: str) -> Json:
        return self._get("P42", f"/products/imports/{key}", max_wait=0)

    def product_errors(self, key: str) -> str:
        return self._report("P44", f"/products/imports/{key}/error_report", FILE)

    def transformation_errors(self, key: str) -> str:
        return self._report("P47", f"/products/imports/{key}/transformation_error_report", FILE)

    # Offers

    def offers(self, **filters: Any) -> Json:
        """A page of offers, or those of a ``sku`` or a ``product_id`` (the operator's own product SKU)."""
        return self._get("OF21", "/offers", params={"max": PAGE, **filters})

    def send_offers(self, offers: Sequence[Json]) -> str:
        body = {"offers": list(offers)}
        return _import_id(_table(self._send("OF24", "POST", "/offers", json=body, idempotent=True).json))

    def offer_import(self, key: str) -> Json:
        return self._get("OF02", f"/offers/imports/{key}", max_wait=0)

    def offer_errors(self, key: str) -> str:
        return self._report("OF03", f"/offers/imports/{key}/error_report", FILE)

    def import_stock(self, content: bytes) -> str:
        return self._upload("STO01", "/offers/stock/imports", content)

    def stock_import(self, key: str) -> Json:
        return self._get("STO02", f"/offers/stock/imports/{key}/status", max_wait=0)

    def stock_errors(self, key: str) -> str:
        return self._report("STO03", f"/offers/stock/imports/{key}/error_report", CSV)

    def import_prices(self, content: bytes) -> str:
        return self._upload("PRI01", "/offers/pricing/imports", content)

    def price_imports(self, keys: Sequence[str]) -> list[Json]:
        return tables(
            self._get("PRI02", "/offers/pricing/imports", params={"import_id": list(keys)}, max_wait=0), "data"
        )

    def price_errors(self, key: str) -> str:
        return self._report("PRI03", f"/offers/pricing/imports/{key}/error_report", CSV)

    # Orders

    def orders(self, **filters: Any) -> Json:
        """A page of orders, always with taxes in the prices: the platform's own mode is never relied on."""
        return self._get("OR11", "/orders", params={"max": PAGE, "order_tax_mode": "TAX_INCLUDED", **filters})

    def order(self, order_id: str) -> Json | None:
        """OR12 is deprecated: the list is asked for this one."""
        found = tables(self.orders(order_ids=order_id), "orders")
        return next((raw for raw in found if raw.get("order_id") == order_id), None)

    def refer(self, order_id: str, number: str) -> Json:
        body = {"orders": [{"order_id": order_id, "references": {"order_reference_for_seller": number}}]}
        return _table(self._send("OR04", "PUT", "/orders", json=body).json)

    def accept(self, order_id: str, lines: Sequence[Json]) -> None:
        self._send("OR21", "PUT", f"/orders/{order_id}/accept", json={"order_lines": list(lines)})

    def track(self, order_id: str, tracking: Json) -> None:
        self._send("OR23", "PUT", f"/orders/{order_id}/tracking", json=tracking)

    def ship(self, order_id: str) -> None:
        self._send("OR24", "PUT", f"/orders/{order_id}/ship")

    def create_shipment(self, shipment: Json) -> Json:
        """Not repeated by itself: a second one would ship the units twice."""
        return _table(self._send("ST01", "POST", "/shipments", json={"shipments": [shipment]}).json)

    def shipments(self, order_id: str) -> list[Json]:
        return tables(self._get("ST11", "/shipments", params={"order_id": [order_id], "limit": PAGE}), "data")

    def cancel(self, cancellation: Json) -> None:
        """Not repeated by itself: a second one would cancel more."""
        body = {"cancelations": [cancellation], "order_tax_mode": "TAX_INCLUDED"}
        self._send("OR30", "PUT", "/orders/cancel", json=body, idempotent=False)

    def cancel_order(self, order_id: str) -> None:
        self._send("OR29", "PUT", f"/orders/{order_id}/cancel", idempotent=False)

    def refund(self, refunds: Sequence[Json]) -> Json:
        """Not repeated by itself: a second one would pay twice."""
        body = {"refunds": list(refunds), "order_tax_mode": "TAX_INCLUDED"}
        return _table(self._send("OR28", "PUT", "/orders/refund", json=body, idempotent=False).json)

    # Returns

    def returns(self, **filters: Any) -> Json:
        return self._get("RT11", "/returns", params={"limit": PAGE, **filters})

    def accept_return(self, body: Json) -> Json:
        return _table(self._send("RT21", "PUT", "/returns/accept", json={"returns": [body]}).json)

    def receive_return(self, return_id: str) -> Json:
        return _table(self._send("RT25", "PUT", "/returns/receive", json={"returns": [{"id": return_id}]}).json)

    def judge_return(self, body: Json) -> Json:
        return _table(self._send("RT26", "PUT", "/returns/compliance", json={"returns": [body]}).json)


def multipart(content: bytes, fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Content type and body of a form with one file."""
    mark = f"storebridge-{secrets.token_hex(16)}"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="import.csv"\r\n'
    parts += [head.encode(), b"Content-Type: text/csv; charset=utf-8\r\n\r\n", content, f"\r\n--{mark}--\r\n".encode()]
    return f"multipart/form-data; boundary={mark}", b"".join(parts)


def _import_id(answer: Json) -> str:
    """``importId`` is how PRI01 named it once (specification, deprecated)."""
    return str(answer.get("import_id") or answer.get("importId") or "")


def _table(answer: Any) -> Json:
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise RetryLater("Mirakl answered with something unexpected; it is asked again.", developer=repr(answer)[:500])
    return answer
