"""The operations of the specification that this sandbox has, by their operationIds."""

from __future__ import annotations

from channel_adapters.allegro.sandbox import account, aftersales, catalogue, commands, offers, orders
from channel_adapters.allegro.sandbox.gate import Operation
from channel_adapters.allegro.sandbox.protocol import BETA

AFTER_SALES = "/after-sales-service-conditions"


def operations() -> tuple[Operation, ...]:
    return (*_account(), *_catalogue(), *_offers(), *_commands(), *_orders(), *_aftersales())


def _account() -> tuple[Operation, ...]:
    return (
        Operation("meGET", "GET", "/me", account.me),
        Operation("marketplacesGET", "GET", "/marketplaces", account.marketplaces),
        Operation("getListOfShippingRatestUsingGET", "GET", "/sale/shipping-rates", account.shipping_rates),
        Operation("getPublicSellerListingUsingGET_1", "GET", f"{AFTER_SALES}/return-policies", account.return_policies),
        Operation(
            "getPublicSellerListingUsingGET", "GET", f"{AFTER_SALES}/implied-warranties", account.implied_warranties
        ),
        Operation("getPublicSellerListingUsingGET_2", "GET", f"{AFTER_SALES}/warranties", account.warranties),
        Operation("responsibleProducersGET", "GET", "/sale/responsible-producers", account.responsible_producers),
        Operation("responsiblePersonsGET", "GET", "/sale/responsible-persons", account.responsible_persons),
        Operation("getOrdersCarriersUsingGET", "GET", "/order/carriers", account.carriers),
        Operation("getSaleQualityUsingGET", "GET", "/sale/quality", account.quality),
        Operation("getSellerSmartClassificationGET", "GET", "/sale/smart", account.smart),
        Operation("getUserSummaryUsingGET", "GET", "/users/<user_id>/ratings-summary", account.ratings),
    )


def _catalogue() -> tuple[Operation, ...]:
    path = "/sale/categories/<category_id>/parameters"
    return (
        Operation("getCategoriesUsingGET", "GET", "/sale/categories", catalogue.children),
        Operation("getFlatParametersUsingGET_2", "GET", path, catalogue.parameters),
        Operation("getSaleProducts", "GET", "/sale/products", catalogue.products),
        Operation("getSaleProduct", "GET", "/sale/products/<product_id>", catalogue.product),
    )


def _offers() -> tuple[Operation, ...]:
    one = "/sale/product-offers/<offer_id>"
    status = f"{one}/operations/<operation_id>"
    return (
        Operation("searchOffersUsingGET", "GET", "/sale/offers", offers.listing),
        Operation("createProductOffers", "POST", "/sale/product-offers", offers.create, body=True),
        Operation("getProductOffer", "GET", one, offers.get),
        Operation("editProductOffers", "PATCH", one, offers.edit, body=True),
        Operation("getProductOfferProcessingStatus", "GET", status, offers.operation),
    )


def _commands() -> tuple[Operation, ...]:
    bulk, quantity = "/sale/offer-bulk-modification-commands", "/sale/offer-quantity-change-commands/<command_id>"
    price = "/sale/offer-price-change-commands/<command_id>"
    publication = "/sale/offer-publication-commands/<command_id>"
    one, tasks = commands.summary_of, commands.tasks_of
    return (
        Operation("batchOfferModificationUsingPOST", "POST", bulk, commands.bulk, body=True, media=BETA),
        Operation("batchOfferModificationCommandStatusUsingGET", "GET", f"{bulk}/<command_id>", one("bulk")),
        Operation(
            "batchOfferModificationCommandTaskStatusesUsingGET", "GET", f"{bulk}/<command_id>/tasks", tasks("bulk")
        ),
        Operation("quantityModificationCommandUsingPUT", "PUT", quantity, commands.quantity, body=True),
        Operation("getQuantityModificationCommandStatusUsingGET", "GET", quantity, one("quantity")),
        Operation("getQuantityModificationCommandTasksStatusesUsingGET", "GET", f"{quantity}/tasks", tasks("quantity")),
        Operation("priceModificationCommandUsingPUT", "PUT", price, commands.price, body=True),
        Operation("getPriceModificationCommandStatusUsingGET", "GET", price, one("price")),
        Operation("getPriceModificationCommandTasksStatusesUsingGET", "GET", f"{price}/tasks", tasks("price")),
        Operation("changePublicationStatusUsingPUT", "PUT", publication, commands.publication, body=True),
        Operation("getPublicationReportUsingGET", "GET", publication, one("publication")),
        Operation("getPublicationTasksUsingGET", "GET", f"{publication}/tasks", tasks("publication")),
    )


def _orders() -> tuple[Operation, ...]:
    one = "/order/checkout-forms/<order_id>"
    return (
        Operation("getOrderEventsUsingGET", "GET", "/order/events", orders.events),
        Operation("getOrderEventsStatisticsUsingGET", "GET", "/order/event-stats", orders.event_stats),
        Operation("getListOfOrdersUsingGET", "GET", "/order/checkout-forms", orders.listing),
        Operation("getOrdersDetailsUsingGET", "GET", one, orders.get),
        Operation("getOrderShipmentsUsingGET", "GET", f"{one}/shipments", orders.shipments),
        Operation("createOrderShipmentsUsingPOST", "POST", f"{one}/shipments", orders.add_shipment, body=True),
        Operation("setOrderFulfillmentUsingPUT", "PUT", f"{one}/fulfillment", orders.fulfil, body=True),
    )


def _aftersales() -> tuple[Operation, ...]:
    back = "/order/customer-returns/<return_id>"
    reject = f"{back}/rejection"
    return (
        Operation("initiateRefund", "POST", "/payments/refunds", aftersales.refund, body=True),
        Operation("getRefundedPayments", "GET", "/payments/refunds", aftersales.refunds),
        Operation("createRefundApplication", "POST", "/order/refund-claims", aftersales.claim, body=True),
        Operation("getRefundApplications", "GET", "/order/refund-claims", aftersales.claims),
        Operation("getCustomerReturns", "GET", "/order/customer-returns", aftersales.returns, media=BETA),
        Operation("getCustomerReturnById", "GET", back, aftersales.customer_return, media=BETA),
        Operation("rejectCustomerReturnRefund", "POST", reject, aftersales.reject, body=True, media=BETA),
    )
