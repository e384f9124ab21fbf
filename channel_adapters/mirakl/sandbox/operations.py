"""The operations of the specification, by operationId: where each is, who answers it, what it takes."""

from __future__ import annotations

from pydantic import BaseModel

from channel_adapters.mirakl.sandbox import catalogue, imports, offers, orders, requests, returns, settings
from channel_adapters.mirakl.sandbox.gate import Operation
from channel_adapters.mirakl.sandbox.market import Handler

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("A01", "GET /api/account", settings.account),
    ("A21", "GET /api/account/statistics", settings.statistics),
    ("PC01", "GET /api/platform/configuration", settings.configuration),
    ("AF01", "GET /api/additional_fields", settings.additional_fields),
    ("OF61", "GET /api/offers/states", settings.offer_states),
    ("SH21", "GET /api/shipping/carriers", settings.carriers),
    ("SH31", "GET /api/shipping/logistic_classes", settings.logistic_classes),
    ("RE01", "GET /api/reasons", settings.reasons),
    ("H11", "GET /api/hierarchies", catalogue.hierarchies),
    ("PM11", "GET /api/products/attributes", catalogue.attributes),
    ("VL11", "GET /api/values_lists", catalogue.values_lists),
    ("P31", "GET /api/products", catalogue.products),
    ("P41", "POST /api/products/imports", imports.import_products),
    ("P42", "GET /api/products/imports/<import>", imports.product_status),
    ("P44", "GET /api/products/imports/<import>/error_report", imports.product_report),
    ("P47", "GET /api/products/imports/<import>/transformation_error_report", imports.transformation_report),
    ("OF21", "GET /api/offers", offers.list_offers),
    ("OF22", "GET /api/offers/<offer>", offers.get_offer),
    ("OF24", "POST /api/offers", imports.import_offers),
    ("OF02", "GET /api/offers/imports/<import>", imports.offer_status),
    ("OF03", "GET /api/offers/imports/<import>/error_report", imports.offer_report),
    ("STO01", "POST /api/offers/stock/imports", imports.import_stock),
    ("STO02", "GET /api/offers/stock/imports/<import_id>/status", imports.stock_status),
    ("STO03", "GET /api/offers/stock/imports/<import_id>/error_report", imports.stock_report),
    ("PRI01", "POST /api/offers/pricing/imports", imports.import_prices),
    ("PRI02", "GET /api/offers/pricing/imports", imports.price_imports),
    ("PRI03", "GET /api/offers/pricing/imports/<import_id>/error_report", imports.price_report),
    ("OR11", "GET /api/orders", orders.list_orders),
    ("OR04", "PUT /api/orders", orders.refer),
    ("OR21", "PUT /api/orders/<order_id>/accept", orders.accept),
    ("OR23", "PUT /api/orders/<order_id>/tracking", orders.track),
    ("OR24", "PUT /api/orders/<order_id>/ship", orders.ship),
    ("OR28", "PUT /api/orders/refund", orders.refund),
    ("OR29", "PUT /api/orders/<order_id>/cancel", orders.cancel_order),
    ("OR30", "PUT /api/orders/cancel", orders.cancel),
    ("ST01", "POST /api/shipments", orders.create_shipments),
    ("ST11", "GET /api/shipments", orders.list_shipments),
    ("RT11", "GET /api/returns", returns.list_returns),
    ("RT21", "PUT /api/returns/accept", returns.accept),
    ("RT25", "PUT /api/returns/receive", returns.receive),
    ("RT26", "PUT /api/returns/compliance", returns.judge),
)
BODIES: dict[str, type[BaseModel]] = {
    "OF24": requests.Offers,
    "OR04": requests.OrderPatches,
    "OR21": requests.Acceptance,
    "OR23": requests.Tracking,
    "OR28": requests.Refunds,
    "OR30": requests.Cancellations,
    "ST01": requests.Shipments,
    "RT21": requests.ReturnDecisions,
    "RT25": requests.ReturnIds,
    "RT26": requests.ReturnCompliances,
}


def operations() -> tuple[Operation, ...]:
    split = ((name, route.partition(" "), handler) for name, route, handler in ROUTES)
    return tuple(Operation(name, route[0], route[2], handler, BODIES.get(name)) for name, route, handler in split)
