"""The Selling Partner API over the wire: LWA tokens, regions, endpoints. JSON in, JSON out; nothing is understood."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from bridge.domain.reading import Json, lifetime, table, tables, text
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule, Said, Token, TokenSource

LISTINGS = "/listings/2021-08-01/items"
DEFINITIONS = "/definitions/2020-09-01/productTypes"
CATALOGUE = "/catalog/2022-04-01/items"
ORDERS = "/orders/2026-01-01/orders"
CONFIRM = "/orders/v0/orders/{}/shipmentConfirmation"
FEEDS = "/feeds/2021-06-30"
REPORTS = "/reports/2021-06-30"
JSON_LISTINGS_FEED = "JSON_LISTINGS_FEED"

AGENT = "Storebridge/0.1 (Language=Python)"
LARGEST_DOCUMENT = 128 * 1024 * 1024

RENEW = "Authorise the application again in Seller Central (Develop Apps) and enter the new refresh token here."
LATE = "Amazon's consent came too late (its code is good for five minutes) or was used before: ask for it again."
SECRET = "Amazon wants a new client secret every 180 days: make one in Seller Central (Develop Apps) and enter it here."  # noqa: S105
ROLE = "Give the application the role it needs in Seller Central (Develop Apps), then authorise it again."
OUTDATED = "Amazon no longer accepts this version of its API: update Storebridge."


def describe(response: Response) -> Said:
    """``{errors: [{code, message, details}]}``. An expired or revoked token is told apart from a missing role by words
    alone: both are 403 ("Access Denied, Unauthorized, Expired Token, or Invalid Signature")."""
    errors = tables(response.json, "errors")
    words = [text(item.get(name)) for item in errors[:5] for name in ("message", "details")]
    said = "; ".join(dict.fromkeys(word for word in words if word))
    code = text(errors[0].get("code")) if errors else ""
    about_token = "access token" in said.lower() or "expiredtoken" in f"{code}{said}".lower().replace(" ", "")
    return Said(said, None, "token" if about_token else code or None)


ERRORS = ErrorTable(
    rules={
        (403, "token"): Rule(Reauthorise, RENEW),
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, ROLE),
        413: RejectItem,
        415: Rule(AskMerchant, OUTDATED),
    },
    describe=describe,
)
TOKEN_ERRORS = ErrorTable(
    rules={
        (400, "invalid_client"): Rule(Reauthorise, SECRET),
        (401, "invalid_client"): Rule(Reauthorise, SECRET),
        400: Rule(Reauthorise, RENEW),
        401: Rule(Reauthorise, RENEW),
        403: Rule(Reauthorise, RENEW),
    }
)

# Documents lie in a storage of files, at addresses that hold for five minutes: whom those refuse asks for another.
DOCUMENT_ERRORS = ErrorTable(rules={400: RetryLater, 403: RetryLater})

# Of the exchange of a code for the first tokens.
CODE_ERRORS = ErrorTable(rules={**TOKEN_ERRORS.rules, (400, "invalid_grant"): Rule(AskMerchant, LATE)})


def access_token_header(request: httpx.Request) -> None:
    """Amazon wants the token in a header of its own."""
    request.headers["x-amz-access-token"] = request.headers.pop("Authorization", "").removeprefix("Bearer ")


class AmazonClient:
    """One method per operation; they are named as in the models."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self.seller_id = str(connection.credentials["seller_id"]).strip()
        self._base = connection.urls[str(connection.settings.get("region") or "eu")].rstrip("/")
        self._tokens = TokenSource(
            connection.key,
            self._fetch_token,
            self._transport.services.tokens,
            refresh=connection.credentials["refresh_token"],
            clock=connection.clock,
        )

    def _fetch_token(self, refresh: str | None) -> Token:
        given, asked_at = self._connection.credentials, self._connection.clock()
        answer = self._transport.request(
            "POST",
            self._connection.urls["login"].rstrip("/") + "/token",
            operation="token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": refresh or given["refresh_token"],
                "client_id": given["client_id"],
                "client_secret": given["client_secret"],
            },
            idempotent=True,
            write=False,
            errors=TOKEN_ERRORS,
        ).json
        token = _table(answer)
        if not token.get("access_token"):
            raise RetryLater("Amazon gave no access token; it is asked again.", developer=str(sorted(token)))
        return Token(
            str(token["access_token"]),
            asked_at + lifetime(token.get("expires_in"), 3600),
            text(token.get("refresh_token")) or None,
        )

    def _call(self, operation: str, method: str, path: str, **options: Any) -> Json:
        return _table(self._send(operation, method, path, **options).json)

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        **options: Any,
    ) -> Response:
        return self._transport.request(
            method,
            self._base + path,
            operation=operation,
            params={name: _listed(value) for name, value in (params or {}).items()},
            json=body,
            headers={"User-Agent": AGENT},
            bearer=self._tokens,
            auth=access_token_header,
            errors=ERRORS,
            **options,
        )

    # Account

    def participations(self) -> list[Json]:
        answer = self._call("getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations")
        return tables(answer, "payload")

    # Listings

    def search_listings(self, **params: Any) -> Json:
        return self._call("searchListingsItems", "GET", f"{LISTINGS}/{self.seller_id}", params=params)

    def listing(self, sku: str, sites: Sequence[str], included: Sequence[str]) -> Json:
        params = {"marketplaceIds": sites, "includedData": included}
        return self._call("getListingsItem", "GET", self._item(sku), params=params)

    def put_listing(self, sku: str, site: str, body: Json) -> Json:
        params = {"marketplaceIds": [site], "includedData": ["issues"]}
        return self._call("putListingsItem", "PUT", self._item(sku), params=params, body=body)

    def patch_listing(self, sku: str, sites: Sequence[str], body: Json) -> Json:
        """Absolute values: sending them twice does no harm."""
        params = {"marketplaceIds": sites, "includedData": ["issues"]}
        return self._call("patchListingsItem", "PATCH", self._item(sku), params=params, body=body, idempotent=True)

    def delete_listing(self, sku: str, site: str) -> Json:
        return self._call("deleteListingsItem", "DELETE", self._item(sku), params={"marketplaceIds": [site]})

    def _item(self, sku: str) -> str:
        return f"{LISTINGS}/{self.seller_id}/{quote(sku, safe='')}"

    def catalogue_items(self, numbers: Sequence[str], kind: str, site: str) -> list[Json]:
        params = {"identifiers": numbers, "identifiersType": kind, "marketplaceIds": [site]}
        params["includedData"] = ["identifiers", "summaries"]
        return tables(self._call("searchCatalogItems", "GET", CATALOGUE, params=params), "items")

    def product_types(self, site: str, *, item_name: str | None = None) -> list[Json]:
        params = {"marketplaceIds": [site], "itemName": item_name}
        return tables(self._call("searchDefinitionsProductTypes", "GET", DEFINITIONS, params=params), "productTypes")

    def definition(self, product_type: str, site: str, requirements: str) -> Json:
        params = {"marketplaceIds": [site], "requirements": requirements, "sellerId": self.seller_id}
        path = f"{DEFINITIONS}/{quote(product_type, safe='')}"
        return self._call("getDefinitionsProductType", "GET", path, params=params)

    def schema(self, url: str) -> Json:
        """A JSON Schema from the address a definition names: no token of ours is shown there."""
        return _table(self._transport.request("GET", url, operation="documents", errors=DOCUMENT_ERRORS).json)

    # Orders

    def orders(self, **params: Any) -> Json:
        return self._call("searchOrders", "GET", ORDERS, params=params)

    def order(self, order_id: str, included: Sequence[str]) -> Json:
        path = f"{ORDERS}/{quote(order_id, safe='')}"
        return table(self._call("getOrder", "GET", path, params={"includedData": included}), "order")

    def confirm_shipment(self, order_id: str, body: Json) -> None:
        """Repeating does no harm: a package is known by its reference."""
        path = CONFIRM.format(quote(order_id, safe=""))
        self._send("confirmShipment", "POST", path, body=body, idempotent=True)

    # Feeds

    def send_feed(
        self, kind: str, sites: Sequence[str], content: bytes, media: str, *, idempotent: bool = False
    ) -> str:
        """The number of the new feed; three calls, of which only the last makes anything happen."""
        place = self._call(
            "createFeedDocument", "POST", f"{FEEDS}/documents", body={"contentType": media}, idempotent=True
        )
        url, document = text(place.get("url")), text(place.get("feedDocumentId"))
        self._transport.request(
            "PUT",
            url,
            operation="documents",
            content=content,
            headers={"Content-Type": media},
            expect="any",
            errors=DOCUMENT_ERRORS,
        )
        operation = "createListingsFeed" if kind == JSON_LISTINGS_FEED else "createFeed"
        body = {"feedType": kind, "marketplaceIds": list(sites), "inputFeedDocumentId": document}
        answer = self._call(operation, "POST", f"{FEEDS}/feeds", body=body, idempotent=idempotent)
        return text(answer.get("feedId"))

    def feed(self, feed_id: str) -> Json:
        return self._call("getFeed", "GET", f"{FEEDS}/feeds/{quote(feed_id, safe='')}")

    def feeds(self, **params: Any) -> list[Json]:
        return tables(self._call("getFeeds", "GET", f"{FEEDS}/feeds", params=params), "feeds")

    def feed_document(self, document_id: str) -> bytes:
        path = f"{FEEDS}/documents/{quote(document_id, safe='')}"
        return self._document(self._call("getFeedDocument", "GET", path))

    # Reports

    def create_report(self, body: Json) -> str:
        """Repeating does no harm: it is one report more."""
        answer = self._call("createReport", "POST", f"{REPORTS}/reports", body=body, idempotent=True)
        return text(answer.get("reportId"))

    def reports(self, **params: Any) -> list[Json]:
        return tables(self._call("getReports", "GET", f"{REPORTS}/reports", params=params), "reports")

    def report_document(self, document_id: str) -> bytes:
        path = f"{REPORTS}/documents/{quote(document_id, safe='')}"
        return self._document(self._call("getReportDocument", "GET", path))

    def _document(self, place: Json) -> bytes:
        url = text(place.get("url"))
        limits: dict[str, Any] = {"expect": "bytes", "max_bytes": LARGEST_DOCUMENT}
        answer = self._transport.request("GET", url, operation="documents", errors=DOCUMENT_ERRORS, **limits)
        return _unzipped(answer.content) if text(place.get("compressionAlgorithm")) == "GZIP" else answer.content


def _unzipped(content: bytes) -> bytes:
    """Within the size we can hold. Where the wire has unzipped it already, as it came."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(content, LARGEST_DOCUMENT)
    except zlib.error as error:
        raise RetryLater("A document of Amazon is damaged; it is read again.", developer=str(error)) from error
    if reader.unconsumed_tail:
        raise RejectItem("A document of Amazon is too large to be read.", developer=f"{len(content)} bytes zipped")
    return plain


def _listed(value: Any) -> Any:
    """Lists in a query are separated by commas (``collectionFormat: csv``, the default of the models)."""
    return ",".join(str(item) for item in value) if isinstance(value, (list, tuple)) else value


def _table(answer: Any) -> Json:
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise RetryLater("Amazon answered with something unexpected; it is asked again.", developer=repr(answer)[:500])
    return answer
