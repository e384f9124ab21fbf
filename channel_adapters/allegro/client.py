"""The REST API over the wire: OAuth, media types, endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from bridge.domain.reading import Json, following, lifetime, table, tables, text
from bridge.ports.adapter import Connection
from bridge.ports.errors import BridgeError, RetryLater
from bridge.ports.http import ErrorTable, Response, Token, TokenSource, basic_auth
from channel_adapters.allegro.refusals import (
    COMMAND_ERRORS,
    EDIT_ERRORS,
    FORM_ERRORS,
    FULFILMENT_ERRORS,
    TOKEN_ERRORS,
    Taken,
    with_ours,
)

A = TypeVar("A")
R = TypeVar("R")

PUBLIC = "application/vnd.allegro.public.v1+json"
# Resources that are still called beta refuse the public type with 406.
BETA = "application/vnd.allegro.beta.v1+json"
WORKERS = 4
TASKS_PER_PAGE, LAST_OFFSET = 1000, 999
# Where applications are registered, until whoever runs this one names a page of their own.
APPLICATIONS = "https://apps.developer.allegro.pl/"


def agent(name: str, page: str) -> str:
    """The form Allegro demands since July 2026: ``RegisteredAppName/1.2.3 (+https://info-page)``."""
    try:
        number = version("storebridge")
    except PackageNotFoundError:
        number = "0.0.0"
    return f"{name or 'Storebridge'}/{number} (+{page or APPLICATIONS})"


class AllegroClient:
    """One method per endpoint; operations are named by the operationIds of the specification."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._base = connection.urls["api"].rstrip("/")
        settings = connection.settings
        self._agent = agent(text(settings.get("app_name")), text(settings.get("app_page")))
        self._tokens = TokenSource(
            connection.key,
            self._fetch_token,
            self._transport.services.tokens,
            refresh=connection.credentials["refresh_token"],
            clock=connection.clock,
        )

    def each(self, function: Callable[[A], R], items: Sequence[A]) -> list[R | BridgeError]:
        """Several calls at once; an error stands in the place of its item."""
        return self._transport.each(function, items, WORKERS)

    def _fetch_token(self, refresh: str | None) -> Token:
        """A refresh token is good for one use. Asked again at once when the answer is lost, Allegro gives the pair
        again (for about a minute: allegro-api issues 5003, 6733, 9045)."""
        given, asked_at = self._connection.credentials, self._connection.clock()
        form = {"grant_type": "refresh_token", "refresh_token": refresh or given["refresh_token"]}
        if redirect := text(self._connection.settings.get("redirect_uri")):
            form["redirect_uri"] = redirect
        answer = self._transport.request(
            "POST",
            self._connection.urls["auth"].rstrip("/") + "/token",
            operation="token",
            data=form,
            headers={"User-Agent": self._agent},
            auth=basic_auth(given["client_id"], given["client_secret"]),
            idempotent=True,
            write=False,
            errors=TOKEN_ERRORS,
        ).json
        token = table(answer)
        if not token.get("access_token"):
            raise RetryLater("Allegro gave no access token; it is asked again.", developer=str(sorted(token)))
        return Token(
            text(token["access_token"]),
            asked_at + lifetime(token.get("expires_in"), 3600),
            text(token.get("refresh_token")) or None,
        )

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        media: str = PUBLIC,
        accept: str = "",
        language: str = "en-US",
        errors: ErrorTable | None = None,
        **options: Any,
    ) -> Response:
        """Lists in ``params`` are repeated, as the specification's arrays are (explode)."""
        headers = {"Accept": accept or media, "Accept-Language": language, "User-Agent": self._agent}
        if body is not None:
            headers["Content-Type"] = media
        return self._transport.request(
            method,
            self._base + path,
            operation=operation,
            params=params,
            json=body,
            headers=headers,
            bearer=self._tokens,
            errors=with_ours(errors),
            **options,
        )

    def _get(self, operation: str, path: str, **options: Any) -> Json:
        return _object(self._send(operation, "GET", path, **options))

    # The account

    def me(self) -> Json:
        return self._get("meGET", "/me")

    def marketplaces(self) -> list[Json]:
        return tables(self._get("marketplacesGET", "/marketplaces"), "marketplaces")

    def shipping_rates(self) -> list[Json]:
        return tables(self._get("getListOfShippingRatestUsingGET", "/sale/shipping-rates"), "shippingRates")

    def return_policies(self) -> list[Json]:
        return self._conditions("getPublicSellerListingUsingGET_1", "return-policies", "returnPolicies")

    def implied_warranties(self) -> list[Json]:
        return self._conditions("getPublicSellerListingUsingGET", "implied-warranties", "impliedWarranties")

    def warranties(self) -> list[Json]:
        return self._conditions("getPublicSellerListingUsingGET_2", "warranties", "warranties")

    def _conditions(self, operation: str, kind: str, name: str) -> list[Json]:
        """ "limit: 60": there are no more than these."""
        path = f"/after-sales-service-conditions/{kind}"
        return tables(self._get(operation, path, params={"limit": 60}), name)

    def responsible_producers(self) -> list[Json]:
        answer = self._get("responsibleProducersGET", "/sale/responsible-producers", params={"limit": 1000})
        return tables(answer, "responsibleProducers")

    def responsible_persons(self) -> list[Json]:
        answer = self._get("responsiblePersonsGET", "/sale/responsible-persons", params={"limit": 1000})
        return tables(answer, "responsiblePersons")

    def carriers(self) -> list[Json]:
        return tables(self._get("getOrdersCarriersUsingGET", "/order/carriers"), "carriers")

    def quality(self) -> list[Json]:
        return tables(self._get("getSaleQualityUsingGET", "/sale/quality"), "quality")

    def smart(self, site: str) -> Json:
        return self._get("getSellerSmartClassificationGET", "/sale/smart", params={"marketplaceId": site})

    def ratings(self, user_id: str) -> Json:
        return self._get("getUserSummaryUsingGET", f"/users/{quote(user_id, safe='')}/ratings-summary")

    # Categories and products

    def categories(self, parent: str | None, language: str) -> list[Json]:
        params = {"parent.id": parent} if parent else None
        answer = self._get("getCategoriesUsingGET", "/sale/categories", params=params, language=language)
        return tables(answer, "categories")

    def parameters(self, category: str, language: str) -> list[Json]:
        path = f"/sale/categories/{quote(category, safe='')}/parameters"
        return tables(self._get("getFlatParametersUsingGET_2", path, language=language), "parameters")

    def products(self, gtin: str) -> list[Json]:
        """All that have this GTIN: a page is enough, more than a few would be a fault in itself."""
        params = {"phrase": gtin, "mode": "GTIN"}
        return tables(self._get("getSaleProducts", "/sale/products", params=params), "products")

    def product(self, product_id: str) -> Json:
        return self._get("getSaleProduct", f"/sale/products/{quote(product_id, safe='')}")

    # Offers

    def offers(self, limit: int, offset: int = 0, **filters: Any) -> tuple[list[Json], int | None]:
        """A page, and the offset of the next one; an empty page is the last, whatever the total says."""
        params = {**{name.replace("__", "."): value for name, value in filters.items()}, "limit": limit}
        answer = self._get("searchOffersUsingGET", "/sale/offers", params={**params, "offset": offset})
        found, total = tables(answer, "offers"), answer.get("totalCount")
        more = bool(found) and (offset + len(found) < total if isinstance(total, int) else len(found) >= limit)
        return found, following(offset, len(found)) if more else None

    def offer(self, offer_id: str) -> Json:
        return self._get("getProductOffer", f"/sale/product-offers/{quote(offer_id, safe='')}")

    def create_offer(self, body: Json) -> Response:
        """201, or 202 with the address of the operation. Not to be repeated blindly."""
        return self._send("createProductOffers", "POST", "/sale/product-offers", body=body)

    def edit_offer(self, offer_id: str, body: Json) -> Response:
        """200, or 202 with the address of the operation. Absolute values: repeating does no harm."""
        path = f"/sale/product-offers/{quote(offer_id, safe='')}"
        return self._send("editProductOffers", "PATCH", path, body=body, errors=EDIT_ERRORS, idempotent=True)

    def operation(self, offer_id: str, operation_id: str) -> Response:
        """202 while it runs, 303 when it is through, and the refusal of a create or an edit otherwise."""
        path = f"/sale/product-offers/{quote(offer_id, safe='')}/operations/{quote(operation_id, safe='')}"
        return self._send("getProductOfferProcessingStatus", "GET", path, allow=(303,), expect="any")

    # Commands: their number is ours, so that one whose answer was lost is known again and never done twice

    def change_many(self, command_id: str, modifications: Sequence[Json]) -> None:
        """Up to 25 changes, each with its own value."""
        body = {"commandId": command_id, "modifications": list(modifications)}
        path = "/sale/offer-bulk-modification-commands"
        self._command("batchOfferModificationUsingPOST", "POST", path, body, len(modifications), media=BETA)

    def change_quantity(self, command_id: str, body: Json, count: int) -> None:
        path = f"/sale/offer-quantity-change-commands/{command_id}"
        self._command("quantityModificationCommandUsingPUT", "PUT", path, body, count)

    def change_price(self, command_id: str, body: Json, count: int) -> None:
        path = f"/sale/offer-price-change-commands/{command_id}"
        self._command("priceModificationCommandUsingPUT", "PUT", path, body, count)

    def change_publication(self, command_id: str, body: Json, count: int) -> None:
        path = f"/sale/offer-publication-commands/{command_id}"
        self._command("changePublicationStatusUsingPUT", "PUT", path, body, count)

    def _command(
        self, operation: str, method: str, path: str, body: Json, changes: int, *, media: str = PUBLIC
    ) -> None:
        options: Json = {"errors": COMMAND_ERRORS, "idempotent": True, "cost": float(changes)}
        try:
            self._send(operation, method, path, body=body, media=media, **options)
        except Taken:
            return  # our own, from the attempt before

    def tasks(self, operation: str, kind: str, command_id: str, offset: int) -> list[Json]:
        params = {"limit": TASKS_PER_PAGE, "offset": offset}
        path = f"/sale/offer-{kind}-commands/{quote(command_id, safe='')}/tasks"
        return tables(self._get(operation, path, params=params), "tasks")

    # Orders

    def event_stats(self) -> Json:
        return table(self._get("getOrderEventsStatisticsUsingGET", "/order/event-stats"), "latestEvent")

    def events(self, after: str, limit: int) -> list[Json]:
        """From the oldest one when ``after`` is empty."""
        params = {"from": after or None, "limit": limit}
        return tables(self._get("getOrderEventsUsingGET", "/order/events", params=params), "events")

    def orders(self, **params: Any) -> list[Json]:
        given = {name.replace("__", "."): value for name, value in params.items()}
        return tables(self._get("getListOfOrdersUsingGET", "/order/checkout-forms", params=given), "checkoutForms")

    def order(self, order_id: str) -> Json:
        """ "422: order id is malformed UUID": such an order does not exist either."""
        return self._get("getOrdersDetailsUsingGET", self._form(order_id), errors=FORM_ERRORS)

    def shipments(self, order_id: str) -> list[Json]:
        path = f"{self._form(order_id)}/shipments"
        return tables(self._get("getOrderShipmentsUsingGET", path), "shipments")

    def add_shipment(self, order_id: str, body: Json) -> None:
        self._send("createOrderShipmentsUsingPOST", "POST", f"{self._form(order_id)}/shipments", body=body)

    def set_status(self, order_id: str, status: str, revision: str) -> None:
        """Raises Outdated when the order is not in ``revision`` any more."""
        params = {"checkoutForm.revision": revision or None}
        path, body = f"{self._form(order_id)}/fulfillment", {"status": status}
        options: Json = {"errors": FULFILMENT_ERRORS, "expect": "any"}
        self._send("setOrderFulfillmentUsingPUT", "PUT", path, params=params, body=body, **options)

    def _form(self, order_id: str) -> str:
        return f"/order/checkout-forms/{quote(order_id, safe='')}"

    # Money

    def refund(self, body: Json) -> Json:
        """ "commandId: Command UUID. If empty, idempotency will not be supported": with it, repeating does no harm."""
        return _object(self._send("initiateRefund", "POST", "/payments/refunds", body=body, idempotent=True))

    def refunds(self, **params: Any) -> list[Json]:
        given = {name.replace("__", "."): value for name, value in params.items()}
        return tables(self._get("getRefundedPayments", "/payments/refunds", params={"limit": 100, **given}), "refunds")

    def claims(self, offer_id: str) -> list[Json]:
        params = {"lineItem.offer.id": offer_id, "limit": 100}
        return tables(self._get("getRefundApplications", "/order/refund-claims", params=params), "refundClaims")

    def claim(self, line_id: str, quantity: int) -> None:
        body = {"lineItem": {"id": line_id}, "quantity": quantity}
        self._send("createRefundApplication", "POST", "/order/refund-claims", body=body)

    # Returns

    def returns(self, limit: int, offset: int, **params: Any) -> tuple[list[Json], int | None]:
        given = {name.replace("__", "."): value for name, value in params.items()}
        asked = {**given, "limit": limit, "offset": offset}
        answer = self._get("getCustomerReturns", "/order/customer-returns", params=asked, media=BETA)
        found = tables(answer, "customerReturns")
        return found, following(offset, len(found)) if len(found) >= limit else None

    def customer_return(self, return_id: str) -> Json:
        path = f"/order/customer-returns/{quote(return_id, safe='')}"
        return self._get("getCustomerReturnById", path, media=BETA)

    def reject_return(self, return_id: str, rejection: Json) -> None:
        """A second one is refused, so repeating does no harm."""
        path = f"/order/customer-returns/{quote(return_id, safe='')}/rejection"
        options: Json = {"body": {"rejection": rejection}, "media": BETA, "idempotent": True}
        self._send("rejectCustomerReturnRefund", "POST", path, **options)


def operation_of(response: Response) -> tuple[str, str] | None:
    """Offer and operation out of ``Location: /sale/product-offers/{offerId}/operations/{operationId}``."""
    parts = urlsplit(response.headers.get("location", "")).path.strip("/").split("/")
    if len(parts) >= 4 and parts[-2] == "operations":
        return parts[-3], parts[-1]
    return None


def _object(response: Response) -> Json:
    answer = response.json if response.content.strip() else {}
    if not isinstance(answer, dict):
        words = "Allegro answered with something unexpected; it is asked again."
        raise RetryLater(words, developer=repr(answer)[:500])
    return answer
