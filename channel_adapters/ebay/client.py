"""eBay's APIs, one method per operation, named as in eBay's descriptions. JSON in, JSON out; nothing is understood."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, quote, urlsplit

from bridge.domain.reading import Json, table, tables, text
from channel_adapters.ebay.wire import POST_ORDER, Wire

INVENTORY = "/sell/inventory/v1"
ORDERS = "/sell/fulfillment/v1/order"
ACCOUNT = "/sell/account/v1"
TAXONOMY = "/commerce/taxonomy/v1"
NOTIFICATION = "/commerce/notification/v1"
# Publishing makes eBay check pictures and policies: it takes a while for many.
PATIENT = 120.0
LARGE = 128 * 1024 * 1024
# What the buyer paid with the taxes that eBay collects is told only with this.
WITH_TAXES = {"fieldGroups": "TAX_BREAKDOWN"}


class EbayClient(Wire):
    """The operations."""

    # Account

    def user(self) -> Json:
        return self.call("getUser", "GET", "/commerce/identity/v1/user/", host="apiz")

    def privileges(self) -> Json:
        return self.call("getPrivileges", "GET", f"{ACCOUNT}/privilege")

    def policies(self, kind: str, site: str) -> list[Json]:
        """``kind``: fulfillment, payment or return."""
        operation = {"fulfillment": "getFulfillmentPolicies", "payment": "getPaymentPolicies"}
        answer = self.call(
            operation.get(kind, "getReturnPolicies"),
            "GET",
            f"{ACCOUNT}/{kind}_policy",
            params={"marketplace_id": site},
        )
        return tables(answer, f"{kind}Policies")

    def locations(self) -> list[Json]:
        return self._all("getInventoryLocations", f"{INVENTORY}/location", "locations", by="offset")

    def signing_keys(self) -> list[Json]:
        path = "/developer/key_management/v1/signing_key"
        return tables(self.call("getSigningKeys", "GET", path, host="apiz", app=True), "signingKeys")

    def standards(self) -> list[Json]:
        path = "/sell/analytics/v1/seller_standards_profile"
        return tables(self.call("findSellerStandardsProfiles", "GET", path), "standardsProfiles")

    # Inventory

    def items(self, page: int, limit: int) -> Json:
        """A page of the account's inventory; ``offset`` is the number of the page, not of an item."""
        params = {"limit": limit, "offset": page}
        return self.call("getInventoryItems", "GET", f"{INVENTORY}/inventory_item", params=params)

    def items_of(self, skus: Sequence[str]) -> list[Json]:
        """At most 25, with a status each."""
        body = {"requests": [{"sku": sku} for sku in skus]}
        path = f"{INVENTORY}/bulk_get_inventory_item"
        answer = self.call("bulkGetInventoryItem", "POST", path, body=body, idempotent=True, write=False)
        return tables(answer, "responses")

    def replace_items(self, bodies: Sequence[Json], locale: str) -> list[Json]:
        """At most 25, none twice; each is replaced whole."""
        path = f"{INVENTORY}/bulk_create_or_replace_inventory_item"
        answer = self.call(
            "bulkCreateOrReplaceInventoryItem",
            "POST",
            path,
            body={"requests": list(bodies)},
            locale=locale,
            idempotent=True,
        )
        return tables(answer, "responses")

    def update_price_quantity(self, requests: Sequence[Json]) -> list[Json]:
        """Absolute values: sending them again does no harm."""
        path = f"{INVENTORY}/bulk_update_price_quantity"
        body = {"requests": list(requests)}
        return tables(self.call("bulkUpdatePriceQuantity", "POST", path, body=body, idempotent=True), "responses")

    def offers_of(self, sku: str) -> list[Json]:
        """Raises NotFound where there is none."""
        params = {"sku": sku, "format": "FIXED_PRICE"}
        return tables(self.call("getOffers", "GET", f"{INVENTORY}/offer", params=params), "offers")

    def offer(self, offer_id: str) -> Json:
        return self.call("getOffer", "GET", f"{INVENTORY}/offer/{quote(offer_id, safe='')}")

    def create_offers(self, bodies: Sequence[Json], locale: str) -> list[Json]:
        """At most 25. Repeating is refused offer by offer and does no harm."""
        path = f"{INVENTORY}/bulk_create_offer"
        body = {"requests": list(bodies)}
        return tables(self.call("bulkCreateOffer", "POST", path, body=body, locale=locale), "responses")

    def update_offer(self, offer_id: str, body: Json, locale: str) -> None:
        path = f"{INVENTORY}/offer/{quote(offer_id, safe='')}"
        self.act("updateOffer", "PUT", path, body=body, locale=locale, timeout=PATIENT)

    def publish(self, offer_ids: Sequence[str]) -> list[Json]:
        body = {"requests": [{"offerId": offer_id} for offer_id in offer_ids]}
        path = f"{INVENTORY}/bulk_publish_offer"
        return tables(self.call("bulkPublishOffer", "POST", path, body=body, timeout=PATIENT), "responses")

    def withdraw(self, offer_id: str) -> None:
        """A second time it is refused, and does no harm."""
        path = f"{INVENTORY}/offer/{quote(offer_id, safe='')}/withdraw"
        self.act("withdrawOffer", "POST", path, idempotent=True)

    # Taxonomy, with the application's own token

    def tree_id(self, site: str) -> str:
        path, params = f"{TAXONOMY}/get_default_category_tree_id", {"marketplace_id": site}
        return text(self.call("getDefaultCategoryTreeId", "GET", path, params=params, app=True).get("categoryTreeId"))

    def tree(self, tree_id: str) -> Json:
        path = f"{TAXONOMY}/category_tree/{quote(tree_id, safe='')}"
        return self.call("getCategoryTree", "GET", path, app=True, max_bytes=LARGE, timeout=PATIENT)

    def suggestions(self, tree_id: str, words: str) -> list[Json]:
        path = f"{TAXONOMY}/category_tree/{quote(tree_id, safe='')}/get_category_suggestions"
        answer = self.call("getCategorySuggestions", "GET", path, params={"q": words}, app=True)
        return tables(answer, "categorySuggestions")

    def aspects(self, tree_id: str, category: str) -> list[Json]:
        path = f"{TAXONOMY}/category_tree/{quote(tree_id, safe='')}/get_item_aspects_for_category"
        params = {"category_id": category}
        return tables(self.call("getItemAspectsForCategory", "GET", path, params=params, app=True), "aspects")

    # Orders

    def orders(self, filters: str, offset: int, limit: int) -> Json:
        params = {"filter": filters, "limit": limit, "offset": offset} | WITH_TAXES
        return self.call("getOrders", "GET", ORDERS, params=params)

    def orders_by_id(self, ids: Sequence[str]) -> list[Json]:
        """At most 50."""
        params = {"orderIds": ",".join(ids)} | WITH_TAXES
        return tables(self.call("getOrders", "GET", ORDERS, params=params), "orders")

    def order(self, order_id: str) -> Json:
        """The only call that tells requests to cancel."""
        return self.call("getOrder", "GET", f"{ORDERS}/{quote(order_id, safe='')}", params=WITH_TAXES)

    def fulfilments(self, order_id: str) -> list[Json]:
        path = f"{ORDERS}/{quote(order_id, safe='')}/shipping_fulfillment"
        return tables(self.call("getShippingFulfillments", "GET", path), "fulfillments")

    def ship(self, order_id: str, body: Json) -> None:
        """Never repeated by itself: each call is a parcel more."""
        path = f"{ORDERS}/{quote(order_id, safe='')}/shipping_fulfillment"
        self.act("createShippingFulfillment", "POST", path, body=body)

    def refund(self, order_id: str, body: Json) -> Json:
        """Never repeated by itself: each call pays."""
        path = f"{ORDERS}/{quote(order_id, safe='')}/issue_refund"
        return self.call("issueRefund", "POST", path, body=body, signed=True)

    # The Post-Order API: cancellations and returns

    def create_cancellation(self, body: Json) -> Json:
        """Never repeated by itself: the order tells whether it was done."""
        return self.call("createCancellation", "POST", f"{POST_ORDER}/cancellation", body=body, signed=True)

    def approve_cancellation(self, cancel_id: str) -> None:
        """Without a body, as the next one wants at least an empty one. A second time they are refused."""
        path = f"{POST_ORDER}/cancellation/{quote(cancel_id, safe='')}/approve"
        self.act("approveCancellation", "POST", path, signed=True)

    def reject_cancellation(self, cancel_id: str, body: Json) -> None:
        path = f"{POST_ORDER}/cancellation/{quote(cancel_id, safe='')}/reject"
        self.act("rejectCancellation", "POST", path, body=body)

    def returns(self, limit: int, **filters: str) -> Json:
        params = {"role": "SELLER", "limit": limit, **filters}
        return self.call("searchReturns", "GET", f"{POST_ORDER}/return/search", params=params)

    def return_summary(self, return_id: str) -> Json:
        path, params = f"{POST_ORDER}/return/{quote(return_id, safe='')}", {"fieldgroups": "SUMMARY"}
        answer = self.call("getReturn", "GET", path, params=params)
        return table(answer, "summary") or answer

    def decide_return(self, return_id: str, body: Json) -> None:
        path = f"{POST_ORDER}/return/{quote(return_id, safe='')}/decide"
        self.act("decideReturn", "POST", path, body=body, signed=True)

    def receive_return(self, return_id: str) -> None:
        path = f"{POST_ORDER}/return/{quote(return_id, safe='')}/mark_as_received"
        self.act("markReturnReceived", "POST", path, body={})

    def refund_return(self, return_id: str, body: Json) -> Json:
        """Never repeated by itself: each call pays."""
        path = f"{POST_ORDER}/return/{quote(return_id, safe='')}/issue_refund"
        return self.call("issueReturnRefund", "POST", path, body=body, signed=True)

    # Notifications: addresses belong to the application, subscriptions to a topic to the seller or the application

    def public_key(self, key_id: str) -> Json:
        path = f"{NOTIFICATION}/public_key/{quote(key_id, safe='')}"
        return self.call("getPublicKey", "GET", path, app=True)

    def topic(self, topic: str) -> Json:
        return self.call("getTopic", "GET", f"{NOTIFICATION}/topic/{topic}", app=True)

    def set_alert_email(self, email: str) -> None:
        self.act("updateConfig", "PUT", f"{NOTIFICATION}/config", body={"alertEmail": email}, app=True)

    def destinations(self) -> list[Json]:
        return self._all("getDestinations", f"{NOTIFICATION}/destination", "destinations", app=True)

    def _all(
        self, operation: str, path: str, name: str, *, by: str = "continuation_token", app: bool = False
    ) -> list[Json]:
        """To the end of the list. Whether an offset counts entries or pages differs between eBay's lists: the next page
        is the one whose ``by`` the address in ``next`` has. One that comes again ends the list too."""
        found: list[Json] = []
        asked: list[str | None] = [None]
        while True:
            answer = self.call(operation, "GET", path, params={"limit": 100, by: asked[-1]}, app=app)
            found += tables(answer, name)
            after = next(iter(parse_qs(urlsplit(text(answer.get("next"))).query).get(by, ())), None)
            if after is None or after in asked:
                return found
            asked.append(after)

    def create_destination(self, body: Json) -> None:
        self.act("createDestination", "POST", f"{NOTIFICATION}/destination", body=body, app=True)

    def update_destination(self, key: str, body: Json) -> None:
        self.act("updateDestination", "PUT", f"{NOTIFICATION}/destination/{quote(key, safe='')}", body=body, app=True)

    def subscriptions(self, *, app: bool) -> list[Json]:
        return self._all("getSubscriptions", f"{NOTIFICATION}/subscription", "subscriptions", app=app)

    def subscribe(self, body: Json, *, app: bool) -> None:
        self.act("createSubscription", "POST", f"{NOTIFICATION}/subscription", body=body, app=app)

    def update_subscription(self, key: str, body: Json, *, app: bool) -> None:
        path = f"{NOTIFICATION}/subscription/{quote(key, safe='')}"
        self.act("updateSubscription", "PUT", path, body=body, app=app)

    def enable_subscription(self, key: str, *, app: bool) -> None:
        path = f"{NOTIFICATION}/subscription/{quote(key, safe='')}/enable"
        self.act("enableSubscription", "POST", path, app=app)
