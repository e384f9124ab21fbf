"""The store's REST API over the wire: keys, signatures, endpoints. JSON in, JSON out; nothing is understood here.

``woocommerce.API`` builds the addresses, knows the verbs and signs; how it sends is replaced, because it follows
redirects (a POST becomes an empty GET), gives up after 5 seconds and takes any page for an answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from woocommerce import API
from woocommerce.oauth import OAuth

from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule, Said, basic_auth

Json = dict[str, Any]
PAGE = 100

NEW_KEY = (
    "Make a new key in WooCommerce (Settings, Advanced, REST API) with permissions Read/Write and enter it here; "
    "if the key is right, check the store's address, or have the key sent in the address."
)
PERMISSION = "Give the key Read/Write permissions and its user the role Administrator or Shop manager."
NO_API = "Check that WooCommerce is active, and that WordPress's permalinks are not set to Plain."
CLOCK = "The clocks of the store and of this server differ by more than 15 minutes: set them right."
GONE = ("product", "product_variation", "shop_order", "shop_webhook", "shop_order_refund")


def _describe(response: Response) -> Said:
    """WordPress's own error body: {code, message, data: {params}}."""
    body = response.json
    code, message = str(body.get("code", "")), str(body.get("message", ""))
    data = body.get("data")
    params = data.get("params") if isinstance(data, Mapping) else None
    if isinstance(params, Mapping) and params:
        name, words = next(iter(params.items()))
        return Said(str(words), str(name), code)
    return Said(message, None, _particular(code, message))


def _particular(code: str, message: str) -> str:
    """One code stands for many refusals of a key; the message tells them apart."""
    if code != "woocommerce_rest_authentication_error":
        return code
    for word in ("nonce", "timestamp", "permissions"):
        if word in message:
            return word
    return code


ERRORS = ErrorTable(
    rules={
        401: Rule(Reauthorise, NEW_KEY),
        (401, "nonce"): RetryLater,
        (401, "timestamp"): Rule(AskMerchant, CLOCK),
        (401, "permissions"): Rule(Reauthorise, PERMISSION),
        403: Rule(AskMerchant, PERMISSION),
        (404, "rest_no_route"): Rule(AskMerchant, NO_API),
        # A write to something unknown is a 400 in WordPress.
        **{(400, f"woocommerce_rest_{name}_invalid_id"): NotFound for name in GONE},
        # Refused with a 500 all the same: nothing was done, and repeating it is pointless.
        (500, "woocommerce_rest_cannot_create_order_refund"): RejectItem,
        range(300, 400): Rule(AskMerchant, "Enter the store's address exactly as it redirects to."),
    },
    describe=_describe,
)


class _Signature(OAuth):  # type: ignore[misc]
    """The package's OAuth 1.0a with the store's own encoding: the package leaves "/" alone and decodes values that
    look encoded, so that a SKU like A/1 is refused; and its 8-digit nonces meet again within days."""

    @staticmethod
    def normalize_parameters(params: Mapping[str, Any]) -> dict[str, str]:
        return {_twice(str(key)): _twice(str(value)) for key, value in params.items()}

    @staticmethod
    def generate_nonce() -> str:
        return secrets.token_hex(16)


@lru_cache(maxsize=500)
def _twice(text: str) -> str:
    return quote(quote(text, safe="~"), safe="~")


class StoreApi(API):  # type: ignore[misc]
    """``woocommerce.API`` whose requests go through the connection's transport. ``space`` is the namespace of the REST
    API that paths are below."""

    def __init__(self, connection: Connection, space: str = "wc/v3") -> None:
        given = connection.credentials
        in_address = bool(connection.settings.get("key_in_address"))
        super().__init__(
            given["url"], given["consumer_key"], given["consumer_secret"], query_string_auth=in_address, version=space
        )
        self._transport = connection.transport
        self._basic = basic_auth(given["consumer_key"], given["consumer_secret"])

    def _API__request(  # noqa: N802  the package's private name is what there is to override
        self, method: str, endpoint: str, data: Any, params: Mapping[str, Any] | None = None, **options: Any
    ) -> Response:
        url = self._API__get_url(endpoint)
        asked = {"params": params, "json": data, "auth": self._authorise, "errors": ERRORS, **options}
        return self._transport.request(method, url, **asked)

    def _authorise(self, request: httpx.Request) -> None:
        """Last of all and for each attempt anew: the store accepts a signature once."""
        if not self.is_ssl:
            signed = _Signature(str(request.url), self.consumer_key, self.consumer_secret, method=request.method)
            request.url = httpx.URL(signed.get_oauth_url())
        elif self.query_string_auth:
            keys = {"consumer_key": self.consumer_key, "consumer_secret": self.consumer_secret}
            request.url = request.url.copy_merge_params(keys)
        else:
            self._basic(request)


class Listing(NamedTuple):
    """One page. ``total`` over all pages; None where a cache has dropped the header."""

    rows: list[Json]
    total: int | None


class WooClient:
    """One method per endpoint. Lists of values go as a comma-separated text: that is how they can be signed."""

    def __init__(self, connection: Connection) -> None:
        self._api = StoreApi(connection)
        self._transport = connection.transport
        self.url = connection.credentials["url"].rstrip("/")

    # -- the store --------------------------------------------------------------------------------------------

    def index(self) -> Json:
        """What the store tells everyone; empty where a security plugin has closed it."""
        url = f"{self.url}/wp-json/"
        answer = self._transport.request("GET", url, operation="system.index", allow=(401, 403, 404), errors=ERRORS)
        return answer.json if answer.ok and isinstance(answer.json, dict) else {}

    def setting(self, group: str, name: str) -> str:
        answer = self._api.get(f"settings/{group}/woocommerce_{name}", operation="settings.get")
        return str(table(answer).get("value", ""))

    def product_setting(self, name: str) -> str:
        """Empty where the store has no such setting."""
        path = f"settings/products/woocommerce_{name}"
        answer = self._api.get(path, operation="settings.get", allow=(404,))
        return str(table(answer).get("value", "")) if answer.ok else ""

    def categories(self) -> list[Json]:
        rows: list[Json] = []
        for page in range(1, 51):
            found = self._list("products/categories", "categories.list", {"page": page, "_fields": "id,name,parent"})
            rows += found.rows
            if len(found.rows) < PAGE:
                break
        return rows

    def environment(self) -> Json:
        """Versions; empty where the key's user may not see them."""
        fields = {"_fields": "environment"}
        answer = self._api.get("system_status", params=fields, operation="system.status", allow=(403, 404))
        found = table(answer).get("environment") if answer.ok else None
        return found if isinstance(found, dict) else {}

    def order_statuses(self) -> list[Json]:
        """``slug`` and ``name`` of each, those of plugins among them; empty where the key's user may not see reports
        (WC_REST_Report_Orders_Totals_Controller, since 3.5)."""
        fields = {"_fields": "slug,name"}
        answer = self._api.get(
            "reports/orders/totals", params=fields, operation="orders.statuses", allow=(401, 403, 404)
        )
        rows = answer.json if answer.ok and isinstance(answer.json, list) else []
        return [row for row in rows if isinstance(row, dict)]

    def prove_writing(self) -> None:
        """An empty batch changes nothing and needs the permission to write."""
        self._api.post("products/batch", {}, operation="products.batch", idempotent=True)

    def tax_rates(self) -> list[Json]:
        rows: list[Json] = []
        for page in range(1, 21):
            found = self._list("taxes", "taxes.list", {"page": page})
            rows += found.rows
            if len(found.rows) < PAGE:
                break
        return rows

    # -- the catalogue ----------------------------------------------------------------------------------------

    def products(self, **filters: Any) -> Listing:
        return self._list("products", "products.list", filters)

    def product(self, number: str) -> Json:
        return named(self._api.get(f"products/{number}", operation="products.get"))

    def all_variations(self, **filters: Any) -> Listing | None:
        """Variations of all products; None before WooCommerce 10.3, which has no such route."""
        answer = self._get("variations", "variations.all", filters, allow=(404,))
        return _listing(answer) if answer.ok else None

    def variations(self, product: str, **filters: Any) -> Listing:
        return self._list(f"products/{product}/variations", "variations.list", filters)

    def variation(self, product: str, number: str) -> Json:
        return named(self._api.get(f"products/{product}/variations/{number}", operation="variations.get"))

    def write_product(self, number: str, body: Json) -> Json:
        return table(self._api.put(f"products/{number}", body, operation="products.update"))

    def write_variation(self, product: str, number: str, body: Json) -> Json:
        path = f"products/{product}/variations/{number}"
        return table(self._api.put(path, body, operation="variations.update"))

    def create_product(self, body: Json) -> Json:
        return table(self._api.post("products", body, operation="products.create"))

    def delete_product(self, number: str) -> None:
        self._api.delete(f"products/{number}", params={"force": "true"}, operation="products.delete")

    # -- orders -----------------------------------------------------------------------------------------------

    def orders(self, **filters: Any) -> Listing:
        return self._list("orders", "orders.list", filters)

    def order(self, number: str) -> Json:
        return named(self._api.get(f"orders/{number}", operation="orders.get"))

    def create_order(self, body: Json) -> Json:
        """No idempotency key exists: what happened to a lost answer has to be looked up."""
        return table(self._api.post("orders", body, operation="orders.create"))

    def update_order(self, number: str, body: Json) -> Json:
        return named(self._api.put(f"orders/{number}", body, operation="orders.update"))

    def delete_order(self, number: str, *, force: bool) -> None:
        params = {"force": "true"} if force else None
        self._api.delete(f"orders/{number}", params=params, operation="orders.delete")

    def notes(self, number: str) -> list[Json]:
        return rows_of(self._api.get(f"orders/{number}/notes", operation="orders.notes").json)

    def note(self, number: str, text: str) -> None:
        self._api.post(f"orders/{number}/notes", {"note": text}, operation="orders.note")

    def refunds(self, number: str) -> list[Json]:
        return self._list(f"orders/{number}/refunds", "refunds.list", {}).rows

    def refund(self, number: str, body: Json) -> Json:
        return table(self._api.post(f"orders/{number}/refunds", body, operation="orders.refund"))

    def fulfillments(self, number: str) -> list[Json] | None:
        """None where the feature is off: then there is no such route."""
        path = f"orders/{number}/fulfillments"
        answer = self._api.get(path, operation="fulfillments.list", allow=(404,))
        if not answer.ok:
            return None
        return fulfillment_rows(answer.json)

    # -- webhooks ---------------------------------------------------------------------------------------------

    def webhooks(self) -> list[Json]:
        rows: list[Json] = []
        for page in range(1, 11):
            found = self._list("webhooks", "webhooks.list", {"page": page})
            rows += found.rows
            if len(found.rows) < PAGE:
                break
        return rows

    def change_webhooks(self, body: Json) -> Json:
        """Create, update and delete in one call; each row can fail alone. Repeated, it would create twice."""
        return table(self._api.post("webhooks/batch", body, operation="webhooks.batch"))

    def _list(self, path: str, operation: str, filters: Mapping[str, Any]) -> Listing:
        return _listing(self._get(path, operation, filters))

    def _get(self, path: str, operation: str, filters: Mapping[str, Any], **options: Any) -> Response:
        params = {"per_page": PAGE, **{name: _text(value) for name, value in filters.items() if value is not None}}
        answer: Response = self._api.get(path, params=params, operation=operation, **options)
        return answer


def fulfillment_rows(body: Any) -> list[Json]:
    """A bare list in the source of 2026; early versions had it under a name."""
    return rows_of(body.get("fulfillments") if isinstance(body, dict) else body)


def rows_of(body: Any) -> list[Json]:
    """The rows of a list, each with its id. Raises RetryLater when it is none."""
    if not isinstance(body, list) or not all(isinstance(row, dict) and row.get("id") for row in body):
        raise _unexpected(body)
    return body


def _listing(answer: Response) -> Listing:
    total = answer.headers.get("X-WP-Total", "")
    return Listing(rows_of(answer.json), int(total) if total.isdigit() else None)


def table(answer: Response) -> Json:
    """The object in an answer. PHP writes an empty one as []."""
    body = answer.json
    if body in (None, []):
        return {}
    if not isinstance(body, dict):
        raise _unexpected(body)
    return body


def named(answer: Response) -> Json:
    """One thing with its id. Raises RetryLater for an answer that is none."""
    found = table(answer)
    if not found.get("id"):
        raise _unexpected(found)
    return found


def _unexpected(body: Any) -> RetryLater:
    shape = sorted(body) if isinstance(body, dict) else type(body).__name__
    return RetryLater("The store answered with something unexpected; it is asked again.", developer=str(shape)[:500])


def _text(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return ",".join(str(item) for item in value)
