"""The operations of the specification, by operationId: where each is, who answers it, what it takes and gives."""

from __future__ import annotations

from pydantic import BaseModel

from channel_adapters.bol.sandbox import (
    content,
    labels,
    offers,
    orders,
    processes,
    push,
    reference,
    requests,
    returns,
    shipments,
    subscriptions,
)
from channel_adapters.bol.sandbox.gate import Operation
from channel_adapters.bol.sandbox.market import Handler
from channel_adapters.bol.sandbox.protocol import ECONOMIC_OPERATOR, JSON, V10, V10_PDF, V11

PUSH = "/retailer/subscriptions"

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("get-offers", "GET /retailer/offers", offers.get_offers),
    ("create-offer", "POST /retailer/offers", offers.create_offer),
    ("get-offer", "GET /retailer/offers/<offer_id>", offers.get_offer),
    ("update-offer", "PATCH /retailer/offers/<offer_id>", offers.update_offer),
    ("delete-offer", "DELETE /retailer/offers/<offer_id>", offers.delete_offer),
    (
        "get-not-for-sale-reasons",
        "GET /retailer/offers/<offer_id>/not-for-sale-reasons",
        offers.get_not_for_sale_reasons,
    ),
    ("post-product-content", "POST /retailer/content/products", content.post_product_content),
    ("get-upload-report", "GET /retailer/content/upload-report/<upload_id>", content.get_upload_report),
    ("get-catalog-product", "GET /retailer/content/catalog-products/<ean>", content.get_catalog_product),
    ("get-product-categories", "GET /retailer/products/categories", reference.get_categories),
    ("get-orders", "GET /retailer/orders", orders.get_orders),
    ("get-order", "GET /retailer/orders/<order_id>", orders.get_order),
    ("cancel-order-item", "PUT /retailer/orders/cancellation", orders.cancel_order_item),
    ("get-shipments", "GET /retailer/shipments", shipments.get_shipments),
    ("create-shipment", "POST /retailer/shipments", shipments.create_shipment),
    ("get-shipment", "GET /retailer/shipments/<shipment_id>", shipments.get_shipment),
    (
        "add-transport-information-by-transport-id",
        "PUT /retailer/transports/<transport_id>",
        shipments.add_transport_information,
    ),
    ("get-delivery-options", "POST /retailer/shipping-labels/delivery-options", labels.get_delivery_options),
    ("post-shipping-label", "POST /retailer/shipping-labels", labels.post_shipping_label),
    ("get-shipping-label", "GET /retailer/shipping-labels/<shipping_label_id>", labels.get_shipping_label),
    ("get-returns", "GET /retailer/returns", returns.get_returns),
    ("get-return", "GET /retailer/returns/<return_id>", returns.get_return),
    ("create-return", "POST /retailer/returns", returns.create_return),
    ("handle-return", "PUT /retailer/returns/<rma_id>", returns.handle_return),
    ("get-push-notification-subscriptions", f"GET {PUSH}", subscriptions.get_subscriptions),
    ("get-push-notification-subscription", f"GET {PUSH}/<subscription_id>", subscriptions.get_subscription),
    ("post-push-notification-subscription", f"POST {PUSH}", subscriptions.post_subscription),
    ("put-push-notification-subscription", f"PUT {PUSH}/<subscription_id>", subscriptions.put_subscription),
    (
        "delete-push-notification-subscription",
        f"DELETE {PUSH}/<subscription_id>",
        subscriptions.delete_subscription,
    ),
    ("get-subscription-keys", f"GET {PUSH}/signature-keys", push.get_keys),
    ("post-test-push-notification", f"POST {PUSH}/test/<subscription_id>", subscriptions.post_test),
    ("get-all-economic-operators", "GET /retailer/economic-operators", reference.get_operators),
    ("get-single-economic-operator", "GET /retailer/economic-operator/<id>", reference.get_operator),
    ("create-economic-operator", "POST /retailer/economic-operator", reference.create_operator),
    ("update-economic-operator", "PUT /retailer/economic-operator/<id>", reference.update_operator),
    ("delete-economic-operator", "DELETE /retailer/economic-operator/<id>", reference.delete_operator),
    ("get-retailer-information", "GET /retailer/retailers/<retailer_id>", reference.get_retailer),
    ("get-performance-indicators", "GET /retailer/insights/performance/indicator", reference.get_performance),
    ("get-rate-limits", "GET /retailer/public/ratelimits", reference.get_rate_limits),
    ("get-process-status", "GET /shared/process-status/<process_status_id>", processes.get_process_status),
    ("get-process-status-bulk", "POST /shared/process-status", processes.get_process_status_bulk),
    ("get-process-status-entity-id", "GET /shared/process-status", processes.get_process_status_entity_id),
)

BODIES: dict[str, type[BaseModel]] = {
    "create-offer": requests.CreateOffer,
    "update-offer": requests.PatchOffer,
    "post-product-content": requests.ProductContent,
    "cancel-order-item": requests.Cancellation,
    "create-shipment": requests.Shipment,
    "add-transport-information-by-transport-id": requests.ChangeTransport,
    "get-delivery-options": requests.LabelItems,
    "post-shipping-label": requests.LabelOrder,
    "create-return": requests.CreateReturn,
    "handle-return": requests.HandleReturn,
    "post-push-notification-subscription": requests.Subscription,
    "put-push-notification-subscription": requests.Subscription,
    "create-economic-operator": requests.EconomicOperator,
    "update-economic-operator": requests.EconomicOperator,
    "get-process-status-bulk": requests.ProcessQueries,
}

# By the start of the path, or by the operation where it differs from its neighbours.
MEDIA = {"/retailer/offers": V11, "/retailer/economic-operator": ECONOMIC_OPERATOR}
ACCEPTS = {"get-shipping-label": V10_PDF, "get-rate-limits": JSON}
# A quirk of the specification: this one body is plain JSON.
CONTENT_TYPES = {"create-return": JSON}


def operations() -> tuple[Operation, ...]:
    return tuple(_operation(name, route, handler) for name, route, handler in ROUTES)


def _operation(name: str, route: str, handler: Handler) -> Operation:
    method, _, path = route.partition(" ")
    media = next((media for start, media in MEDIA.items() if path.startswith(start)), V10)
    return Operation(
        name,
        method,
        path,
        handler,
        accept=ACCEPTS.get(name, media),
        body=BODIES.get(name),
        content_type=CONTENT_TYPES.get(name, media),
        open=name == "get-rate-limits",
    )
