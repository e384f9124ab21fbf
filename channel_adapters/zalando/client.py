"""The zDirect API over the wire: tokens, media types, endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bridge.domain.reading import Json, lifetime, table, tables, text
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, NotJson, Response, Rule, Said, Token, TokenSource, basic_auth, describe

A = TypeVar("A")
R = TypeVar("R")
WORKERS = 4
JSON = "application/json"
# The Orders API speaks JSON:API, both ways; everything else plain JSON.
JSON_API = "application/vnd.api+json"
ORDERS_PER_PAGE = 200
RETURNS_PER_PAGE = 50
DELETIONS_PER_PAGE = 1000
ATTEMPTS_PER_PAGE = 1000
# Beside the requests, updates are counted: 2000 stock updates in 60 requests, 8000 price updates in 30 (API overviews).
STOCKS_PER_CALL = 2000 / 60
PRICES_PER_CALL = 8000 / 30

RENEW = "Copy client ID and client secret again from zDirect (Applications, your app, Credentials)."
PERMIT = (
    "Give the app in zDirect the access named in the instructions and put it into production mode; "
    "a new app is in sandbox mode."
)


def said(response: Response) -> Said:
    """JSON:API names the field by a pointer; the others are problems as everybody knows them."""
    usual = describe(response)
    try:
        errors = tables(response.json, "errors")
    except NotJson:
        return usual
    sources = [table(error, "source") for error in errors]
    fields = [text(source.get("parameter")) or text(source.get("pointer")) for source in sources]
    return usual._replace(field=next(filter(None, fields), usual.field))


ERRORS = ErrorTable(
    rules={
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, PERMIT),
        409: RejectItem,
    },
    describe=said,
)
TOKEN_ERRORS = ErrorTable(rules={status: Rule(Reauthorise, RENEW) for status in (400, 401, 403)})


class NoReport(RetryLater):
    """The product status report is not there. No sign that an article is not: that is never NotFound."""


class ZalandoClient:
    """One method per endpoint; most of them are one merchant's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._base = connection.urls["api"].rstrip("/")
        self._graphql = connection.urls["graphql"]
        vault = self._transport.services.tokens
        self._tokens = TokenSource(connection.key, self._fetch_token, vault, clock=connection.clock)

    def _fetch_token(self, _refresh: str | None) -> Token:
        """There are no refresh tokens: another one is asked for (auth.html)."""
        given, asked_at = self._connection.credentials, self._connection.clock()
        answer = self._transport.request(
            "POST",
            f"{self._base}/auth/token",
            operation="token",
            data={"grant_type": "client_credentials"},
            auth=basic_auth(given["client_id"], given["client_secret"]),
            idempotent=True,
            write=False,
            errors=TOKEN_ERRORS,
        ).json
        token = _table(answer)
        if not token.get("access_token"):
            raise RetryLater("Zalando gave no access token; it is asked again.", developer=str(sorted(token)))
        return Token(str(token["access_token"]), asked_at + lifetime(token.get("expires_in"), 7200))

    def each(self, function: Callable[[A], R], items: Sequence[A]) -> list[R | BridgeError]:
        """Several calls at once; an error stands in the place of its item."""
        return self._transport.each(function, items, WORKERS)

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        media: str = JSON,
        **options: Any,
    ) -> Response:
        headers = {"Accept": media} | ({"Content-Type": media} if body is not None else {})
        return self._transport.request(
            method,
            f"{self._base}{path}",
            operation=operation,
            json=body,
            headers=headers,
            bearer=self._tokens,
            errors=ERRORS,
            **options,
        )

    def _get(self, operation: str, path: str, **options: Any) -> Json:
        return _table(self._send(operation, "GET", path, **options).json)

    # The account

    def me(self) -> Json:
        return self._get("me", "/auth/me")

    def sales_channels(self, merchant: str) -> list[Json]:
        params = {"merchant_ids": merchant, "zalando_only": "true"}
        return tables(self._get("getSalesChannels", "/sales-channels", params=params), "items")

    def logistic_centers(self, merchant: str) -> list[Json]:
        return tables(self._get("getLogisticCenters", f"{_of(merchant)}/logistic-centers"), "items")

    # Products

    def knows(self, ean: str) -> bool:
        """Whether Zalando's catalogue has this EAN, whoever brought it there."""
        answer = self._send("lookUpProduct", "GET", f"/products/identifiers/{_part(ean)}", allow=(404,))
        return answer.ok and any(text(item.get("ean")) for item in tables(answer.json, "items"))

    def name_product(self, merchant: str, ean: str, identifiers: Json) -> None:
        path = f"{_of(merchant)}/products/identifiers/{_part(ean)}"
        self._send("putIdentifiers", "PUT", path, body=identifiers)

    def outlines(self, merchant: str) -> list[Json]:
        return tables(self._get("getOutlines", f"{_of(merchant)}/outlines"), "items")

    def outline(self, merchant: str, label: str) -> Json:
        """Described as a list of one (OutlinesPagedResponse); one by itself is taken as well."""
        answer = self._get("getOutline", f"{_of(merchant)}/outlines/{_part(label)}")
        return next(iter(tables(answer, "items")), answer if answer.get("label") else {})

    def attribute_type(self, merchant: str, label: str) -> Json:
        return self._get("getAttributeType", f"{_of(merchant)}/attribute-types/{_part(label)}")

    def attributes(self, merchant: str, label: str) -> list[Json]:
        path = f"{_of(merchant)}/attribute-types/{_part(label)}/attributes"
        return tables(self._get("getAttributes", path), "items")

    def submit(self, merchant: str, body: Json) -> tuple[bool, Json]:
        """Whether it was taken, and what was said about it. A whole product: sent twice it is the same."""
        path = f"{_of(merchant)}/product-submissions"
        answer = self._send("submitProduct", "POST", path, body=body, allow=(400,), idempotent=True, expect="any")
        return answer.ok, _lenient(answer)

    def report(self, query: str) -> Json:
        """The product status report; GraphQL answers 200 whatever happens. Raises NoReport."""
        response = self._transport.request(
            "POST",
            self._graphql,
            operation="queryReport",
            json={"query": query},
            bearer=self._tokens,
            errors=ERRORS,
            idempotent=True,
            write=False,
            allow=(404,),
        )
        if not response.ok:
            raise NoReport("Zalando's product status report is not to be reached; it is asked again.")
        answer = response.json
        found = table(answer, "data", "psr", "product_models")
        if not found:
            words = "; ".join(text(error.get("message")) for error in tables(answer, "errors"))
            raise RetryLater("Zalando gave no product status report; it is asked again.", developer=words[:500])
        return found

    # Stock and prices

    def set_stocks(self, merchant: str, items: Sequence[Json]) -> list[Json]:
        """At most 1000, none twice. Absolute values: sending them again does no harm."""
        cost = max(1.0, len(items) / STOCKS_PER_CALL)
        body = {"items": list(items)}
        answer = self._send("postStocks", "POST", f"{_of(merchant)}/stocks", body=body, idempotent=True, cost=cost)
        return tables(answer.json, "results")

    def set_prices(self, merchant: str, prices: Sequence[Json]) -> list[Json]:
        cost = max(1.0, len(prices) / PRICES_PER_CALL)
        body = {"product_prices": list(prices)}
        answer = self._send("postPrices", "POST", f"{_of(merchant)}/prices", body=body, idempotent=True, cost=cost)
        return tables(answer.json, "results")

    def price_attempts(self, merchant: str, query: Json, cursor: str | None) -> Json:
        """Raises NotFound where there is no price report."""
        path, params = f"{_of(merchant)}/price-attempts", {"cursor": cursor}
        body = query | {"page_size": ATTEMPTS_PER_PAGE}
        return _table(
            self._send(
                "getPriceAttempts", "POST", path, params=params, body=body, idempotent=True, write=False
            ).json
        )  # fmt: skip

    # Orders

    def orders(self, merchant: str, page: int, size: int, **filters: str | None) -> Json:
        """Newest change first: what changes meanwhile moves to pages that were read, and is read next time."""
        params: dict[str, Any] = {"include": "order_items,order_lines", "sort": "-modified_at"}
        params |= {"page[number]": page, "page[size]": size, **filters}
        return self._get("getOrders", f"{_of(merchant)}/orders", params=params, media=JSON_API)

    def order(self, merchant: str, order_id: str) -> Json:
        params = {"include": "order_items,order_lines"}
        return self._get("getOrder", _order(merchant, order_id), params=params, media=JSON_API)

    def order_items(self, merchant: str, order_id: str) -> Json:
        params = {"include": "order_lines"}
        return self._get("getOrderItems", f"{_order(merchant, order_id)}/items", params=params, media=JSON_API)

    def patch_order(self, merchant: str, order_id: str, attributes: Mapping[str, str]) -> None:
        """Absolute values; of tracking numbers the first one stays."""
        body = {"data": {"type": "Order", "id": order_id, "attributes": dict(attributes)}}
        path = _order(merchant, order_id)
        self._send("patchOrder", "PATCH", path, body=body, media=JSON_API, idempotent=True, expect="any")

    def order_line(self, merchant: str, order_id: str, item_id: str, line_id: str) -> Json:
        path = f"{_order(merchant, order_id)}/items/{_part(item_id)}/lines/{_part(line_id)}"
        return table(self._get("getOrderLine", path, media=JSON_API), "data")

    def patch_line(self, merchant: str, order_id: str, item_id: str, line_id: str, attributes: Json) -> Response | None:
        """A change of state, which is refused the second time (403, 409) and does no harm. None when it was done, else
        the refusal: 403 may also mean that the app may not do this at all."""
        body = {"data": {"type": "OrderLine", "id": line_id, "attributes": attributes}}
        path = f"{_order(merchant, order_id)}/items/{_part(item_id)}/lines/{_part(line_id)}"
        options: dict[str, Any] = {"allow": (403, 409), "expect": "any", "idempotent": True}
        answer = self._send("patchOrderLine", "PATCH", path, body=body, media=JSON_API, **options)
        return None if answer.ok else answer

    def shipments(self, merchant: str, order_id: str) -> list[Json]:
        path = f"{_order(merchant, order_id)}/shipments"
        return tables(self._get("getShipments", path, media=JSON_API), "shipments")

    def create_shipment(self, merchant: str, order_id: str, body: Json) -> str:
        """Not repeated by itself: each call makes one."""
        path = f"{_order(merchant, order_id)}/shipments"
        answer = self._send("createShipment", "POST", path, body=body, media=JSON_API)
        return text(_table(answer.json).get("shipment_id"))

    def patch_shipment(self, merchant: str, order_id: str, shipment_id: str, body: Json) -> None:
        path = f"{_order(merchant, order_id)}/shipments/{_part(shipment_id)}"
        self._send("patchShipment", "PATCH", path, body=body, media=JSON_API, idempotent=True, expect="any")

    def announced_returns(self, merchant: str, after: str, cursor: str | None) -> Json:
        params = {"after": after, "limit": RETURNS_PER_PAGE, "cursor": cursor}
        return self._get("getAnnouncedReturns", f"{_of(merchant)}/announced-returns", params=params, media=JSON_API)

    def deletion_requests(self, merchant: str, cursor: str | None) -> Json:
        """Of the last 30 days; plain JSON, unlike all else about orders."""
        params = {"limit": DELETIONS_PER_PAGE, "cursor": cursor}
        return self._get("getDeletionRequests", f"{_of(merchant)}/orders-deletion-requests", params=params)


def refusal(response: Response) -> str:
    """What a refused change of state says."""
    return said(response).message or f"Zalando refused it ({response.status})."


def at_most(items: Sequence[A], size: int) -> list[Sequence[A]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _of(merchant: str) -> str:
    return f"/merchants/{_part(merchant)}"


def _order(merchant: str, order_id: str) -> str:
    return f"{_of(merchant)}/orders/{_part(order_id)}"


def _part(value: str) -> str:
    return quote(value, safe="")


def _table(answer: Any) -> Json:
    if not isinstance(answer, dict):
        text_ = "Zalando answered with something unexpected; it is asked again."
        raise RetryLater(text_, developer=repr(answer)[:500])
    return answer


def _lenient(response: Response) -> Json:
    """A body that need not be there."""
    try:
        return table({"body": response.json}, "body")
    except NotJson:
        return {}
