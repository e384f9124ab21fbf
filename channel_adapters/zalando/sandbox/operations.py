"""The operations of the zDirect APIs that this sandbox has. Limits: calls of a minute, as documented for production."""

from __future__ import annotations

from channel_adapters.zalando.sandbox import account, attributes, offers, orders, products, report, returns, shipments
from channel_adapters.zalando.sandbox.gate import Operation
from channel_adapters.zalando.sandbox.protocol import Errors, JsonApi

OF = "/merchants/<merchant>"
ORDER = f"{OF}/orders/<order_id>"
LINE = f"{ORDER}/items/<item_id>/lines/<line_id>"


def operations() -> tuple[Operation, ...]:
    return (*_account(), *_products(), *_offers(), *_orders())


def _account() -> tuple[Operation, ...]:
    return (
        Operation("me", "GET", "/auth/me", account.me),
        Operation("getSalesChannels", "GET", "/sales-channels", account.sales_channels, Errors()),
        Operation("getLogisticCenters", "GET", f"{OF}/logistic-centers", account.logistic_centers, limit=40),
    )


def _products() -> tuple[Operation, ...]:
    ean = "products/identifiers/<ean>"
    types = f"{OF}/attribute-types/<label>"
    second = 60
    return (
        Operation("lookUpProduct", "GET", f"/{ean}", products.look_up, limit=50 * second),
        Operation(
            "putIdentifiers", "PUT", f"{OF}/{ean}", products.associate, body=products.Identifiers, limit=50 * second
        ),
        Operation("getOutlines", "GET", f"{OF}/outlines", attributes.outlines, limit=1000),
        Operation("getOutline", "GET", f"{OF}/outlines/<label>", attributes.outline, limit=1000),
        Operation("getAttributeType", "GET", types, attributes.attribute_type, limit=1000),
        Operation("getAttributes", "GET", f"{types}/attributes", attributes.attributes, limit=1000),
        Operation(
            "submitProduct",
            "POST",
            f"{OF}/product-submissions",
            products.submit,
            body=products.Submission,
            limit=25 * second,
        ),
        Operation("queryReport", "POST", "/graphql", report.ask, body=report.Question, limit=240),
    )


def _offers() -> tuple[Operation, ...]:
    return (
        Operation("postStocks", "POST", f"{OF}/stocks", offers.set_stocks, body=offers.Stocks, limit=60),
        Operation("postPrices", "POST", f"{OF}/prices", offers.set_prices, body=offers.Prices, limit=30),
        Operation("getPriceAttempts", "POST", f"{OF}/price-attempts", offers.attempts, body=offers.Wanted, limit=60),
    )


def _orders() -> tuple[Operation, ...]:
    api = JsonApi()
    shipment = f"{ORDER}/shipments/<shipment_id>"
    return (
        Operation("getOrders", "GET", f"{OF}/orders", orders.listing, api, limit=40),
        Operation("getOrder", "GET", ORDER, orders.get, api),
        Operation("patchOrder", "PATCH", ORDER, orders.change, api, orders.OrderUpdate),
        Operation("getOrderItems", "GET", f"{ORDER}/items", orders.get_items, api),
        Operation("getOrderLine", "GET", LINE, orders.get_line, api),
        Operation("patchOrderLine", "PATCH", LINE, orders.move_line, api, orders.LineUpdate),
        Operation("getShipments", "GET", f"{ORDER}/shipments", shipments.listing, api),
        Operation("createShipment", "POST", f"{ORDER}/shipments", shipments.create, api, shipments.New),
        Operation("patchShipment", "PATCH", shipment, shipments.change, api, shipments.Change),
        Operation("getDeletionRequests", "GET", f"{OF}/orders-deletion-requests", returns.forgotten, limit=40),
        Operation("getAnnouncedReturns", "GET", f"{OF}/announced-returns", returns.listing, api),
    )
