"""The operations of the specification that this sandbox has, by their operationIds."""

from __future__ import annotations

from channel_adapters.kaufland.sandbox import account, orders, products, push, returns, tickets, units
from channel_adapters.kaufland.sandbox.gate import Operation


def operations() -> tuple[Operation, ...]:
    return (*_account(), *_units(), *_products(), *_orders(), *_returns(), *_push())


def _account() -> tuple[Operation, ...]:
    return (
        Operation("Ping", "GET", "/status/ping", account.ping),
        Operation("GetAllStorefronts", "GET", "/info/storefront", account.storefronts),
        Operation("GetAllLocales", "GET", "/info/locale", account.locales),
        Operation("GetVatIndicators", "GET", "/info/vat-indicators", account.vat_indicators),
        Operation("GetCarriers", "GET", "/carriers", account.carriers),
        Operation("getShippingGroups", "GET", "/shipping-groups", account.shipping_groups),
        Operation("getWarehouses", "GET", "/warehouses", account.warehouses),
    )


def _units() -> tuple[Operation, ...]:
    return (
        Operation("getUnits", "GET", "/units", units.listing),
        Operation("createUnit", "POST", "/units", units.create, units.NewUnit),
        Operation("bulkUpdateUnits", "POST", "/units/bulk", units.bulk, list[units.Change]),
        Operation("getUnit", "GET", "/units/<id_unit>", units.get),
        Operation("patchUnit", "PATCH", "/units/<id_unit>", units.change, units.UnitPatch),
        Operation("deleteUnit", "DELETE", "/units/<id_unit>", units.delete),
    )


def _products() -> tuple[Operation, ...]:
    shared = "/attributes/<id_attribute>/shared-set"
    return (
        Operation("CreateProductData", "PUT", "/product-data", products.replace, products.ProductData),
        Operation("UpdateProductData", "PATCH", "/product-data", products.add, products.ProductData),
        Operation("GetProductData", "GET", "/product-data/<ean>", products.get),
        Operation("GetProductDataStatus", "GET", "/product-data/status/<ean>", products.status),
        Operation("GetProductByEan", "GET", "/products/ean/<ean>", products.by_ean),
        Operation("GetCategoryTree", "GET", "/categories/tree", products.tree),
        Operation("GetCategory", "GET", "/categories/<id_category>", products.category),
        Operation("GetAttributeList", "GET", "/attributes", products.attributes),
        Operation("GetSharedSetListBySearchAndAttributeId", "GET", shared, products.shared_set),
    )


def _orders() -> tuple[Operation, ...]:
    unit = "/order-units/<id_order_unit>"
    return (
        Operation("GetOrders", "GET", "/orders", orders.listing),
        Operation("GetOrder", "GET", "/orders/<id_order>", orders.get),
        Operation("GetOrderUnits", "GET", "/order-units", orders.units),
        Operation("GetOrderUnit", "GET", unit, orders.unit),
        Operation("FulfilOrderUnit", "PATCH", f"{unit}/fulfil", orders.fulfil),
        Operation("SendOrderUnit", "PATCH", f"{unit}/send", orders.send, orders.Sending),
        Operation("CancelOrderUnit", "PATCH", f"{unit}/cancel", orders.cancel, orders.Cancelling),
        Operation("RefundOrderUnit", "PATCH", f"{unit}/refund", orders.refund, orders.Refunding),
        Operation("AddShipment", "POST", "/shipments", orders.add_shipment, orders.Shipment),
        Operation("GetTickets", "GET", "/tickets", tickets.listing),
        Operation("GetTicket", "GET", "/tickets/<id_ticket>", orders.ticket),
        Operation("CreateTicketMessage", "POST", "/tickets/<id_ticket>/messages", tickets.answer, tickets.Message),
        Operation("CloseTicket", "PATCH", "/tickets/<id_ticket>/close", tickets.close),
    )


def _returns() -> tuple[Operation, ...]:
    unit = "/return-units/<id_return_unit>"
    return (
        Operation("GetReturns", "GET", "/returns", returns.listing),
        Operation("GetReturn", "GET", "/returns/<id_return>", returns.get),
        Operation("GetReturnUnits", "GET", "/return-units", returns.units),
        Operation("GetReturnUnit", "GET", unit, returns.unit),
        Operation("AcceptReturnUnit", "PATCH", f"{unit}/accept", returns.accept),
        Operation("RejectReturnUnit", "PATCH", f"{unit}/reject", returns.reject, returns.Told),
        Operation("ClarifyReturnUnit", "PATCH", f"{unit}/clarify", returns.clarify, returns.Told),
        Operation("RepairReturnUnit", "PATCH", f"{unit}/repair", returns.repair),
    )


def _push() -> tuple[Operation, ...]:
    path = "/subscriptions/<id_subscription>"
    return (
        Operation("GetSubscriptions", "GET", "/subscriptions", push.listing),
        Operation("AddSubscription", "POST", "/subscriptions", push.create, push.Wanted),
        Operation("GetSubscription", "GET", path, push.get),
        Operation("UpdateSubscription", "PATCH", path, push.change, push.Changed),
        Operation("DeleteSubscription", "DELETE", path, push.delete),
    )
