"""The Seller API over the wire: signatures and endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import httpx

from bridge.domain.reading import Json, following
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule
from channel_adapters.kaufland.signature import sign

A = TypeVar("A")
R = TypeVar("R")
WORKERS = 4
UNITS_PER_PAGE = 100
MOST_SETTINGS = 3000
# Mandatory; "the name of the software", or Inhouse_development (seller API documentation, headers).
USER_AGENT = "Storebridge"

RENEW = "Check client key and secret key (seller portal, API settings), and that this machine's clock is right."
ACTIVE = "Kaufland says that this seller account is not active: see the seller portal."
STOREFRONT = "Set this storefront up in the Kaufland seller portal, or take it out of the settings."


class AlreadyThere(RejectItem):
    """Something like it exists already."""


class NotPaid(RejectItem):
    """The buyer's payment has not arrived."""


_BY_TYPE: Mapping[str, type[BridgeError] | Rule] = {
    "/problems/invalid-credentials": Rule(Reauthorise, RENEW),
    "/problems/corrupted-signature": Rule(Reauthorise, RENEW),
    "/problems/missing-or-invalid-request-header": Rule(Reauthorise, RENEW),
    "/problems/inactive-account": Rule(AskMerchant, ACTIVE),
    "/problems/storefront-not-configured": Rule(AskMerchant, STOREFRONT),
    "/problems/already-exists": AlreadyThere,
    "/problems/order-units/missing-payment": NotPaid,
    "/problems/service-unavailable": RetryLater,
    **{
        f"/problems/{name}": RejectItem
        for name in (
            "duplicate-action",
            "action-not-allowed",
            "order-units/cancel-error",
            "order-units/cancel-not-possible",
            "order-units/cancel-not-allowed",
            "returns/unit-wrong-status",
            "tickets/finally-closed",
            "tickets/non-closable-by-seller",
            "insufficient-funds",
            "subscriptions/unverified-callback-url",
        )
    },
}
# The specification says what the types are, and for few of them with which status they come.
ERRORS = ErrorTable(
    rules={
        **{(status, name): rule for status in (400, 401, 403, 404, 409, 422) for name, rule in _BY_TYPE.items()},
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, "Check in the Kaufland seller portal what your account may do."),
    }
)


class KauflandClient:
    """One method per endpoint; operations are named by the operationIds of the specification."""

    def __init__(self, connection: Connection) -> None:
        self._transport = connection.transport
        self._credentials = connection.credentials
        self._clock = connection.clock
        self._base = connection.urls["api"].rstrip("/")

    def each(self, function: Callable[[A], R], items: Sequence[A]) -> list[R | BridgeError]:
        """Several calls at once; an error stands in the place of its item."""
        return self._transport.each(function, items, WORKERS)

    def _sign(self, request: httpx.Request) -> None:
        """Last of all: what is signed is what goes out."""
        url = request.url
        wire = f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"
        timestamp = str(int(self._clock().timestamp()))
        secret = self._credentials["secret_key"]
        request.headers["Shop-Client-Key"] = self._credentials["client_key"]
        request.headers["Shop-Timestamp"] = timestamp
        request.headers["Shop-Signature"] = sign(secret, request.method, wire, request.content, timestamp)

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        **options: Any,
    ) -> Json:
        """The whole answer; empty where there is nothing to say (204)."""
        answer = self._send(operation, method, path, params=params, body=body, **options)
        return _table(answer.json) if answer.content.strip() else {}

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        **options: Any,
    ) -> Response:
        """Lists in ``params`` are repeated, as the specification's arrays are (explode)."""
        return self._transport.request(
            method,
            f"{self._base}{path}",
            operation=operation,
            params=params,
            json=body,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            auth=self._sign,
            errors=ERRORS,
            **options,
        )

    def _data(self, operation: str, method: str, path: str, **options: Any) -> Json:
        data = self._call(operation, method, path, **options).get("data")
        return data if isinstance(data, dict) else {}

    def _page(
        self, operation: str, path: str, limit: int, offset: int, *, shrinks: bool = False, **params: Any
    ) -> tuple[list[Json], int | None]:
        """A page, and the offset of the next one. A page without entries is the last, whatever the total says.
        ``shrinks``: entries leave the list while its pages are read."""
        answer = self._call(operation, "GET", path, params={**params, "limit": limit, "offset": offset})
        found = listed(answer, "data")
        pagination = answer.get("pagination")
        total = pagination.get("total") if isinstance(pagination, dict) else None
        raw = answer.get("data")
        count = len(raw) if isinstance(raw, list) else 0
        more = count > 0 and (offset + count < total if isinstance(total, int) else count >= limit)
        after = following(offset, count) if shrinks else offset + count
        return found, after if more else None

    # The account

    def storefronts(self) -> list[str]:
        found = self._call("GetAllStorefronts", "GET", "/info/storefront").get("data")
        return [str(code) for code in found] if isinstance(found, list) else []

    def shipping_groups(self, site: str) -> list[Json]:
        return self._all("getShippingGroups", "/shipping-groups", storefront=site)

    def warehouses(self) -> list[Json]:
        return self._all("getWarehouses", "/warehouses")

    def _all(self, operation: str, path: str, **params: Any) -> list[Json]:
        """All pages of a list of the seller's own settings, thirty on each."""
        found: list[Json] = []
        offset: int | None = 0
        while offset is not None and offset < MOST_SETTINGS:
            page, offset = self._page(operation, path, 30, offset, **params)
            found += page
        return found

    def carriers(self) -> list[Json]:
        return listed(self._data("GetCarriers", "GET", "/carriers"), "carriers")

    # Units

    def units(self, site: str, offset: int = 0, **filters: Any) -> tuple[list[Json], int | None]:
        """With their products, which know EAN and title."""
        about = {"storefront": site, "embedded": "products", **filters}
        return self._page("getUnits", "/units", UNITS_PER_PAGE, offset, shrinks=True, **about)

    def unit_count(self, site: str) -> int | None:
        answer = self._call("getUnits", "GET", "/units", params={"storefront": site, "limit": 1})
        pagination = answer.get("pagination")
        total = pagination.get("total") if isinstance(pagination, dict) else None
        return total if isinstance(total, int) else None

    def unit(self, site: str, unit_id: str) -> Json:
        params = {"storefront": site, "embedded": "products"}
        return self._data("getUnit", "GET", f"/units/{unit_id}", params=params)

    def create_unit(self, site: str, body: Json) -> Json:
        return self._data("createUnit", "POST", "/units", params={"storefront": site}, body=body)

    def update_units(self, site: str, changes: Sequence[Json]) -> list[Json]:
        """At most 150, none twice. Absolute values: sending them again does no harm."""
        params = {"storefront": site}
        answer = self._call(
            "bulkUpdateUnits", "POST", "/units/bulk", params=params, body=list(changes), idempotent=True
        )
        return listed(answer, "data")

    def delete_unit(self, site: str, unit_id: str) -> None:
        self._call("deleteUnit", "DELETE", f"/units/{unit_id}", params={"storefront": site})

    # Products

    def add_product_data(self, locale: str, body: Json) -> None:
        params = {"locale": locale}
        self._call("UpdateProductData", "PATCH", "/product-data", params=params, body=body, idempotent=True)

    def replace_product_data(self, locale: str, body: Json) -> None:
        self._call("CreateProductData", "PUT", "/product-data", params={"locale": locale}, body=body)

    def product_data_status(self, ean: str, locale: str) -> Json:
        path = f"/product-data/status/{ean}"
        return self._data("GetProductDataStatus", "GET", path, params={"locale": locale})

    def product(self, site: str, ean: str) -> Json:
        """Raises NotFound for a product that nobody has described yet."""
        return self._data("GetProductByEan", "GET", f"/products/ean/{ean}", params={"storefront": site})

    def category_tree(self, site: str) -> Json:
        return self._data("GetCategoryTree", "GET", "/categories/tree", params={"storefront": site})

    def category(self, site: str, category_id: str) -> Json:
        params = {"storefront": site, "embedded": ["required_attributes", "optional_attributes"]}
        return self._data("GetCategory", "GET", f"/categories/{category_id}", params=params)

    def shared_set(self, attribute_id: str, locale: str, offset: int) -> tuple[list[Json], int | None]:
        path = f"/attributes/{attribute_id}/shared-set"
        return self._page("GetSharedSetListBySearchAndAttributeId", path, 100, offset, locale=locale)

    # Orders

    def orders(self, site: str, offset: int, **filters: Any) -> tuple[list[Json], int | None]:
        return self._page("GetOrders", "/orders", 100, offset, shrinks=True, storefront=site, **filters)

    def order(self, order_id: str) -> Json:
        return self._data("GetOrder", "GET", f"/orders/{order_id}", params={"embedded": "delivery"})

    def order_units(self, site: str, offset: int, **filters: Any) -> tuple[list[Json], int | None]:
        return self._page("GetOrderUnits", "/order-units", 100, offset, shrinks=True, storefront=site, **filters)

    def order_unit(self, unit_id: str, *embedded: str) -> Json:
        params = {"embedded": list(embedded)} if embedded else None
        return self._data("GetOrderUnit", "GET", f"/order-units/{unit_id}", params=params)

    def fulfil(self, unit_id: str) -> None:
        """A change of state, like ``send`` and ``cancel``: a second one is refused and does no harm."""
        self._call("FulfilOrderUnit", "PATCH", f"/order-units/{unit_id}/fulfil", idempotent=True)

    def send(self, unit_id: str, tracking: str, carrier: str) -> None:
        body = {"tracking_numbers": tracking, "carrier_code": carrier}
        self._call("SendOrderUnit", "PATCH", f"/order-units/{unit_id}/send", body=body, idempotent=True)

    def add_shipment(self, unit_id: str, tracking: str, carrier: str) -> None:
        shipment = {"tracking_number": tracking, "carrier_code": carrier}
        body = {"id_order_unit": int(unit_id), "shipment_information": shipment}
        self._call("AddShipment", "POST", "/shipments", body=body)

    def cancel(self, unit_id: str, reason: str) -> None:
        body = {"reason": reason}
        self._call("CancelOrderUnit", "PATCH", f"/order-units/{unit_id}/cancel", body=body, idempotent=True)

    def refund(self, unit_id: str, cents: int, reason: str) -> None:
        """Never repeated by itself: each call pays."""
        body = {"amount": cents, "reason": reason}
        self._call("RefundOrderUnit", "PATCH", f"/order-units/{unit_id}/refund", body=body, idempotent=False)

    def tickets(self, offset: int, **filters: Any) -> tuple[list[Json], int | None]:
        return self._page("GetTickets", "/tickets", 30, offset, shrinks=True, **filters)

    def ticket(self, ticket_id: str) -> Json:
        return self._data("GetTicket", "GET", f"/tickets/{ticket_id}", params={"embedded": "order_units"})

    def answer_ticket(self, ticket_id: str, text: str) -> None:
        """Its answer is a 201 without a body."""
        path = f"/tickets/{ticket_id}/messages"
        self._send("CreateTicketMessage", "POST", path, body={"text": text}, expect="any")

    def close_ticket(self, ticket_id: str) -> None:
        self._call("CloseTicket", "PATCH", f"/tickets/{ticket_id}/close", idempotent=True)

    # Returns

    def return_units(self, site: str, offset: int, **filters: Any) -> tuple[list[Json], int | None]:
        return self._page("GetReturnUnits", "/return-units", 100, offset, shrinks=True, storefront=site, **filters)

    def return_unit(self, unit_id: str) -> Json:
        return self._data("GetReturnUnit", "GET", f"/return-units/{unit_id}", params={"embedded": "order_unit"})

    def accept_return(self, unit_id: str) -> None:
        self._call("AcceptReturnUnit", "PATCH", f"/return-units/{unit_id}/accept", idempotent=True)

    def reject_return(self, unit_id: str, message: str) -> None:
        body = {"message": message}
        self._call("RejectReturnUnit", "PATCH", f"/return-units/{unit_id}/reject", body=body, idempotent=True)

    def clarify_return(self, unit_id: str, message: str) -> None:
        body = {"message": message}
        self._call("ClarifyReturnUnit", "PATCH", f"/return-units/{unit_id}/clarify", body=body, idempotent=True)

    def repair_return(self, unit_id: str) -> None:
        self._call("RepairReturnUnit", "PATCH", f"/return-units/{unit_id}/repair", idempotent=True)

    # Push

    def subscriptions(self, offset: int) -> tuple[list[Json], int | None]:
        return self._page("GetSubscriptions", "/subscriptions", 30, offset)

    def subscribe(self, site: str, body: Json) -> Json:
        return self._data("AddSubscription", "POST", "/subscriptions", params={"storefront": site}, body=body)

    def change_subscription(self, key: str, body: Json) -> None:
        self._call("UpdateSubscription", "PATCH", f"/subscriptions/{key}", body=body, idempotent=True)


def wire_time(at: datetime) -> str:
    """``YYYY-MM-ddTHH:mm:ssZ``."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _table(answer: Any) -> Json:
    if not isinstance(answer, dict):
        text = "Kaufland answered with something unexpected; it is asked again."
        raise RetryLater(text, developer=repr(answer)[:500])
    return answer


def listed(answer: Json, name: str) -> list[Json]:
    """The list under ``name``, without entries that are no objects."""
    found = answer.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
