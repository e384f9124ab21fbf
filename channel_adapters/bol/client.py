"""The Retailer API over the wire: tokens, media types, endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.reading import lifetime, table, whole
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule, Token, TokenSource, basic_auth

Json = dict[str, Any]

# bol tells versions apart by media type alone: offers are v11 since January 2026, all else is v10.
MOST_PAGES = 100
V10 = "application/vnd.retailer.v10+json"
V11 = "application/vnd.retailer.v11+json"
ECONOMIC_OPERATOR = "application/vnd.economic-operator.v1+json"

RENEW = "Make new API credentials in the bol partner platform (Settings, Services) and enter them here."
OUTDATED = "bol no longer accepts this version of its API: update Storebridge."

ERRORS = ErrorTable(
    rules={
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, "Give the API credentials all permissions in the bol partner platform."),
        406: Rule(AskMerchant, OUTDATED),
        415: Rule(AskMerchant, OUTDATED),
    }
)
TOKEN_ERRORS = ErrorTable(rules={status: Rule(Reauthorise, RENEW) for status in (400, 401, 403)})


class BolClient:
    """One method per endpoint; operations are named by the operationIds of the specification."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._bases = {name: connection.urls[name].rstrip("/") for name in ("retailer", "shared")}
        vault = self._transport.services.tokens
        self._tokens = TokenSource(connection.key, self._fetch_token, vault, clock=connection.clock)

    def _fetch_token(self, refresh: str | None) -> Token:
        given, asked_at = self._connection.credentials, self._connection.clock()
        answer = self._transport.request(
            "POST",
            self._connection.urls["login"].rstrip("/") + "/token",
            operation="token",
            params={"grant_type": "client_credentials"},
            auth=basic_auth(given["client_id"], given["client_secret"]),
            idempotent=True,
            write=False,
            errors=TOKEN_ERRORS,
        ).json
        token = _table(answer)
        if not token.get("access_token"):
            raise RetryLater("bol.com gave no access token; it is asked again.", developer=str(sorted(token)))
        # Lifetimes of 299 and of 600 seconds have been seen; what the answer says counts.
        return Token(str(token["access_token"]), asked_at + lifetime(token.get("expires_in"), 299))

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        media: str = V10,
        **options: Any,
    ) -> Json:
        return _table(self._send(operation, method, path, params=params, body=body, media=media, **options).json)

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        media: str = V10,
        language: str = "",
        **options: Any,
    ) -> Response:
        headers = {"Accept": media} | ({"Content-Type": media} if body is not None else {})
        headers |= {"Accept-Language": language} if language else {}
        return self._transport.request(
            method,
            self._url(path),
            operation=operation,
            params=params,
            json=body,
            headers=headers,
            bearer=self._tokens,
            errors=ERRORS,
            **options,
        )

    def _url(self, path: str) -> str:
        """``path`` as in the specification; what stands for /retailer and /shared is a matter of the environment."""
        _, area, rest = path.split("/", 2)
        return f"{self._bases[area]}/{rest}"

    def retailer(self) -> Json:
        return self._call("get-retailer-information", "GET", "/retailer/retailers/current")

    def economic_operators(self) -> list[Json]:
        """All pages. What a page tells of their number is described elsewhere, so the last one brings nothing new."""
        found: dict[str, Json] = {}
        for page in range(1, MOST_PAGES):
            params = {"page": page} if page > 1 else None
            answer = self._operators_page(params)
            new = [item for item in listed(answer, "operators") if str(item.get("id")) not in found]
            found |= {str(item.get("id")): item for item in new}
            if not new or len(new) < (whole(table(answer, "page").get("pageSize")) or 0):
                break
        return list(found.values())

    def _operators_page(self, params: Json | None) -> Json:
        path = "/retailer/economic-operators"
        return self._call("get-all-economic-operators", "GET", path, params=params, media=ECONOMIC_OPERATOR)

    def offers(self, **filters: Any) -> Json:
        params = {name.replace("_", "-"): value for name, value in filters.items()}
        return self._call("get-offers", "GET", "/retailer/offers", params=params, media=V11)

    def offer(self, offer_id: str) -> Json:
        return self._call("get-offer", "GET", f"/retailer/offers/{offer_id}", media=V11)

    def not_for_sale_reasons(self, offer_id: str) -> Json:
        path = f"/retailer/offers/{offer_id}/not-for-sale-reasons"
        return self._call("get-not-for-sale-reasons", "GET", path, media=V11)

    def create_offer(self, body: Json) -> Json | None:
        """None when this EAN is offered already in this condition (409)."""
        answer = self._send("create-offer", "POST", "/retailer/offers", body=body, media=V11, allow=(409,))
        return None if answer.status == 409 else _table(answer.json)

    def update_offer(self, offer_id: str, body: Json) -> None:
        """Absolute values: sending them twice does no harm."""
        self._call("update-offer", "PATCH", f"/retailer/offers/{offer_id}", body=body, media=V11, idempotent=True)

    def delete_offer(self, offer_id: str) -> None:
        self._call("delete-offer", "DELETE", f"/retailer/offers/{offer_id}", media=V11)

    def categories(self, language: str) -> list[Json]:
        path = "/retailer/products/categories"
        return listed(self._call("get-product-categories", "GET", path, language=language), "categories")

    def send_content(self, body: Json) -> Json:
        path = "/retailer/content/products"
        return self._call("post-product-content", "POST", path, body=body, idempotent=True)

    def upload_report(self, upload_id: str) -> Json:
        return self._call("get-upload-report", "GET", f"/retailer/content/upload-report/{upload_id}")

    def orders(self, **filters: Any) -> list[Json]:
        """A page of reduced orders; bol leaves an empty list out altogether."""
        params = {name.replace("_", "-"): value for name, value in filters.items()}
        return listed(self._call("get-orders", "GET", "/retailer/orders", params=params), "orders")

    def order(self, order_id: str) -> Json:
        return self._call("get-order", "GET", f"/retailer/orders/{order_id}")

    def cancel(self, body: Json) -> Json:
        """Not repeated by itself: a second one of the same item ends in FAILURE and says nothing."""
        path = "/retailer/orders/cancellation"
        return self._call("cancel-order-item", "PUT", path, body=body, idempotent=False)

    def ship(self, body: Json) -> Json:
        return self._call("create-shipment", "POST", "/retailer/shipments", body=body)

    def returns(self, **filters: Any) -> list[Json]:
        params = {name.replace("_", "-"): value for name, value in filters.items()}
        return listed(self._call("get-returns", "GET", "/retailer/returns", params=params), "returns")

    def handle_return(self, rma_id: str, body: Json) -> Json:
        return self._call("handle-return", "PUT", f"/retailer/returns/{rma_id}", body=body)

    def process_statuses(self, ids: Sequence[str]) -> list[Json]:
        """At most 1000 ids. Those that bol no longer knows are left out."""
        body = {"processStatusQueries": [{"processStatusId": key} for key in ids]}
        operation, path = "get-process-status-bulk", "/shared/process-status"
        answer = self._call(operation, "POST", path, body=body, idempotent=True, write=False)
        return listed(answer, "processStatuses")

    def performance(self, name: str, year: int, week: int) -> Json:
        """One service norm in a week of ISO 8601, which writes it with two digits."""
        path, params = "/retailer/insights/performance/indicator", {"name": name, "year": year, "week": f"{week:02}"}
        return self._call("get-performance-indicators", "GET", path, params=params)

    def signature_keys(self) -> list[Json]:
        path = "/retailer/subscriptions/signature-keys"
        return listed(self._call("get-subscription-keys", "GET", path), "signatureKeys")

    def subscriptions(self) -> list[Json]:
        return listed(self._call("subscriptions", "GET", "/retailer/subscriptions"), "subscriptions")

    def subscribe(self, body: Json) -> Json:
        return self._call("subscriptions", "POST", "/retailer/subscriptions", body=body)

    def change_subscription(self, key: str, body: Json) -> Json:
        return self._call("subscriptions", "PUT", f"/retailer/subscriptions/{key}", body=body)


def _table(answer: Any) -> Json:
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise RetryLater("bol.com answered with something unexpected; it is asked again.", developer=repr(answer)[:500])
    return answer


def listed(answer: Json, name: str) -> list[Json]:
    """The list under ``name``, without entries that are no objects."""
    found = answer.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
