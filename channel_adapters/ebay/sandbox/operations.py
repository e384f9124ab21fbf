"""The operations that this sandbox has, by their operationIds in eBay's descriptions."""

from __future__ import annotations

from typing import Any

from channel_adapters.ebay.sandbox import account, inventory, orders, postorder, push
from channel_adapters.ebay.sandbox.gate import Operation

INVENTORY = "/sell/inventory/v1"
ACCOUNT = "/sell/account/v1"
ORDERS = "/sell/fulfillment/v1/order"
TAXONOMY = "/commerce/taxonomy/v1"
NOTIFICATION = "/commerce/notification/v1"
POST_ORDER = "/post-order/v2"


def operations() -> tuple[Operation, ...]:
    return (*_account(), *_inventory(), *_taxonomy(), *_orders(), *_post_order(), *_push())


def _account() -> tuple[Operation, ...]:
    keys, standards = "/developer/key_management/v1/signing_key", "/sell/analytics/v1/seller_standards_profile"
    return (
        Operation("getUser", "GET", "/commerce/identity/v1/user/", account.user),
        Operation("getPrivileges", "GET", f"{ACCOUNT}/privilege", account.privileges),
        Operation("getFulfillmentPolicies", "GET", f"{ACCOUNT}/fulfillment_policy", account.policies),
        Operation("getPaymentPolicies", "GET", f"{ACCOUNT}/payment_policy", account.policies),
        Operation("getReturnPolicies", "GET", f"{ACCOUNT}/return_policy", account.policies),
        Operation("getInventoryLocations", "GET", f"{INVENTORY}/location", account.locations),
        Operation("findSellerStandardsProfiles", "GET", standards, account.standards),
        Operation("getSigningKeys", "GET", keys, account.signing_keys, token="app"),
    )


def _inventory() -> tuple[Operation, ...]:
    replace, change = "bulk_create_or_replace_inventory_item", "bulk_update_price_quantity"
    offer = f"{INVENTORY}/offer/<offer_id>"
    return (
        Operation("getInventoryItems", "GET", f"{INVENTORY}/inventory_item", inventory.items),
        Operation(
            "bulkGetInventoryItem", "POST", f"{INVENTORY}/bulk_get_inventory_item", inventory.items_of, inventory.Skus
        ),
        Operation(
            "bulkCreateOrReplaceInventoryItem",
            "POST",
            f"{INVENTORY}/{replace}",
            inventory.replace_items,
            inventory.Items,
            language=True,
        ),
        Operation("bulkUpdatePriceQuantity", "POST", f"{INVENTORY}/{change}", inventory.change, inventory.Changes),
        Operation("getOffers", "GET", f"{INVENTORY}/offer", inventory.offers),
        Operation("getOffer", "GET", offer, inventory.get),
        Operation(
            "bulkCreateOffer",
            "POST",
            f"{INVENTORY}/bulk_create_offer",
            inventory.create,
            inventory.Items,
            language=True,
        ),
        Operation("updateOffer", "PUT", offer, inventory.update, dict[str, Any], language=True),
        Operation(
            "bulkPublishOffer", "POST", f"{INVENTORY}/bulk_publish_offer", inventory.publish, inventory.OfferNumbers
        ),
        Operation("withdrawOffer", "POST", f"{offer}/withdraw", inventory.withdraw),
    )


def _taxonomy() -> tuple[Operation, ...]:
    tree = f"{TAXONOMY}/category_tree/<category_tree_id>"
    default, aspects = f"{TAXONOMY}/get_default_category_tree_id", f"{tree}/get_item_aspects_for_category"
    return (
        Operation("getDefaultCategoryTreeId", "GET", default, account.tree_id, token="app"),
        Operation("getCategoryTree", "GET", tree, account.tree, token="app"),
        Operation(
            "getCategorySuggestions", "GET", f"{tree}/get_category_suggestions", account.suggestions, token="app"
        ),
        Operation("getItemAspectsForCategory", "GET", aspects, account.aspects, token="app"),
    )


def _orders() -> tuple[Operation, ...]:
    order = f"{ORDERS}/<order_id>"
    parcels = f"{order}/shipping_fulfillment"
    return (
        Operation("getOrders", "GET", ORDERS, orders.listing),
        Operation("getOrder", "GET", order, orders.get),
        Operation("getShippingFulfillments", "GET", parcels, orders.parcels),
        Operation("createShippingFulfillment", "POST", parcels, orders.ship, orders.Shipment),
        Operation("issueRefund", "POST", f"{order}/issue_refund", orders.refund, orders.Refund, signed=True),
    )


def _post_order() -> tuple[Operation, ...]:
    cancel, back = f"{POST_ORDER}/cancellation/<cancel_id>", f"{POST_ORDER}/return/<return_id>"
    refund = postorder.ReturnRefund
    return (
        Operation(
            "createCancellation",
            "POST",
            f"{POST_ORDER}/cancellation",
            postorder.create,
            postorder.Cancellation,
            signed=True,
        ),
        Operation("approveCancellation", "POST", f"{cancel}/approve", postorder.approve, signed=True),
        Operation("rejectCancellation", "POST", f"{cancel}/reject", postorder.reject, postorder.Rejection),
        Operation("searchReturns", "GET", f"{POST_ORDER}/return/search", postorder.search),
        Operation("getReturn", "GET", back, postorder.get),
        Operation("decideReturn", "POST", f"{back}/decide", postorder.decide, postorder.Decision, signed=True),
        Operation("markReturnReceived", "POST", f"{back}/mark_as_received", postorder.receive, postorder.Received),
        Operation("issueReturnRefund", "POST", f"{back}/issue_refund", postorder.refund, refund, signed=True),
    )


def _push() -> tuple[Operation, ...]:
    places, subscriptions = f"{NOTIFICATION}/destination", f"{NOTIFICATION}/subscription"
    enable = f"{subscriptions}/<subscription_id>/enable"
    return (
        Operation("getPublicKey", "GET", f"{NOTIFICATION}/public_key/<public_key_id>", push.public_key, token="app"),
        Operation("getTopic", "GET", f"{NOTIFICATION}/topic/<topic_id>", push.topic, token="app"),
        Operation("updateConfig", "PUT", f"{NOTIFICATION}/config", push.set_config, push.Config, token="app"),
        Operation("getDestinations", "GET", places, push.destinations, token="app"),
        Operation("createDestination", "POST", places, push.create_destination, push.Destination, token="app"),
        Operation(
            "updateDestination",
            "PUT",
            f"{places}/<destination_id>",
            push.update_destination,
            push.Destination,
            token="app",
        ),
        Operation("getSubscriptions", "GET", subscriptions, push.subscriptions, token="any"),
        Operation("createSubscription", "POST", subscriptions, push.subscribe, push.Subscription, token="any"),
        Operation(
            "updateSubscription",
            "PUT",
            f"{subscriptions}/<subscription_id>",
            push.update_subscription,
            push.SubscriptionChange,
            token="any",
        ),
        Operation("enableSubscription", "POST", enable, push.enable, token="any"),
    )
