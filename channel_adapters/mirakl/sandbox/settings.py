"""The operator's settings and the shop's account: PC01, A01 and the lists beside them."""

from __future__ import annotations

from flask import Response, request

from channel_adapters.mirakl.sandbox.gate import answer
from channel_adapters.mirakl.sandbox.market import Call, Document, Market, stamp

CARRIERS = (
    ("DHL", "DHL", "dhl"),
    ("UPS", "UPS", "ups"),
    ("COL", "Colissimo", "colissimo"),
    ("MRW", "Mondial Relay", "mondial-relay"),
)
STATES = (("11", "New"), ("10", "Refurbished"), ("4", "Used - acceptable condition"))
CLASSES = (("S", "Small", "Up to 2 kg"), ("XL", "Extra large", "Over 30 kg"))
REASONS = (
    ("1", "Item not received", "INCIDENT_OPEN", False),
    ("15", "Out of stock", "CANCELATION", True),
    ("34", "Cancelled by the customer", "CANCELATION", True),
    ("35", "Price error", "CANCELATION", True),
    ("36", "Other reason", "CANCELATION", True),
    ("19", "Item returned", "REFUND", True),
    ("20", "Item damaged", "REFUND", True),
    ("21", "Item not received", "REFUND", True),
    ("22", "Other", "REFUND", True),
    ("23", "Goodwill of the operator", "REFUND", False),
)


def _approval_rate(market: Market) -> float:
    decided = [order for order in market.docs.all("orders").values() if order.get("decided")]
    accepted = [order for order in decided if order["order_state"] != "REFUSED"]
    return len(accepted) / len(decided) if decided else 1


PERIODS = ("ALL_SINCE_BEGINNING", "LAST_MONTH", "LAST_THREE_MONTHS", "LAST_SIX_MONTHS", "LAST_YEAR")


def statistics(call: Call) -> Response:
    asked = request.args.get("periods", ",".join(PERIODS)).split(",")
    cancelled = [order for order in call.market.docs.all("orders").values() if order["order_state"] == "CANCELED"]
    orders = len(call.market.docs.all("orders"))
    rates = {"approval_rate": _approval_rate(call.market), "auto_refused_rate": 0, "late_shipment_rate": 0}
    rates |= {"cancelation_rate": len(cancelled) / orders if orders else 0, "incident_rate": 0, "refund_rate": 0}
    told = {name: [{"period": period, "value": rate} for period in asked] for name, rate in rates.items()}
    return answer(told | {"shop_id": call.market.options.shop_id})


def account(call: Call) -> Response:
    market, options = call.market, call.market.options
    orders = market.docs.all("orders").values()
    contact = {"city": "Paris", "country": "FRA", "email": "shop@example.com", "lastname": "Dupont", "street1": "1 Rue"}
    address = {"city": "Paris", "country_iso_code": "FRA", "street_1": "1 Rue"}
    created = stamp(1700000000)
    body: Document = {
        "shop_id": options.shop_id,
        "shop_name": options.shop_name,
        "shop_state": options.shop_state,
        "currency_iso_code": options.currency,
        "channels": ["WEBSITE_FR"],
        "domains": ["PRODUCT"],
        "date_created": created,
        "last_updated_date": created,
        "offers_count": len(market.docs.all("offers")),
        "orders_count": len(orders),
        "evaluations_count": 3,
        "approval_rate": _approval_rate(market),
        "approval_delay": 33,
        "order_messages_response_delay": 76,
        "grade": 4.5,
        "is_professional": True,
        "premium": False,
        "free_shipping": options.shipping_price == 0,
        "payment_method_mandatory": False,
        "payment_details": {"paid_balance": 0, "payable_balance": 0, "pending_balance": 0},
        "billing_info": {},
        "pro_details": {},
        "shipping": {"lead_time_to_ship": 2},
        "shipping_types": ["STD"],
        "shipping_zones": ["FR"],
        "shop_additional_fields": [],
        "contact_informations": contact,
        "default_billing_information": {"default_language": "fr_FR", "id": "1", "registration_address": address},
    }
    return answer(body)


def configuration(call: Call) -> Response:
    options = call.market.options
    off = {"mandatory": False}
    features: Document = {
        "catalog": {
            "allow_shop_contribution_to_all_channels": True,
            "exclude_invalid_products": True,
            "list_of_multiple_values_separator": "|",
            "product_acceptance_by_channel": False,
            "product_data_validation_by_channel": False,
            "product_import_only_on_leaf": True,
        },
        "circular_economy_data_collection": False,
        "competitive_pricing_tool": False,
        "direct_payment_customer_store": {"activated": False, "refund_cancel_authorized": False},
        "disable_seller_alternative_carrier": not options.own_carriers,
        "dropship": {},
        "kyc_status_per_seller": False,
        "lead_time_to_ship_by_sellers_enabled": "YES",
        "multi_currency": False,
        "multi_payout_psp_per_seller": False,
        "no_reply_needed": False,
        "offer_prices_decimals": str(options.price_decimals),
        "operator_csv_delimiter": options.delimiter,
        "order_conditions": {
            "lead_time_to_ship": True,
            "maximum_order_quantity": True,
            "minimum_order_quantity": True,
            "package_order_quantity": True,
        },
        "order_tax_mode": options.tax_mode,
        "order_workflows": {
            "no_customer_payment_confirmation": False,
            "order_acceptance": options.acceptance,
            "pause_debit_workflow": False,
            "pay_on_due_date": False,
            "pay_on_shipment": False,
            "sellers_edit_shipping_origin": False,
            "shipping_and_billing_details_before_acceptance": options.addresses_before_acceptance,
        },
        "payment_confirmation": False,
        "pricing": {
            "channel_pricing": "SINGLE",
            "discount_period_required": False,
            "discount_price_creation_in_the_past_blocked": False,
            "scheduled_pricing": False,
            "volume_discount": False,
            "volume_pricing": True,
        },
        "product_data_validation_by_channel": False,
        "promotion": {"cart_promotion_campaign": False, "discount_campaign": False, "seller_promotion": True},
        "returns": {"drop_ship": False, "marketplace": options.returns, "one_creditor": False},
        "shipment": {"multi_part_item_shipment": False, "multi_shipment": options.multi_shipment},
        "shop_tax_options": {"local_tax_number": off, "tax_identification_number": off},
        "tax_collection": {"activated": "NO", "product_tax_code_mandatory": False, "tax_collection_by_operator": False},
        "tax_id_number": off,
        "warehouses": {"geolocation": False, "restricted_countries": []},
    }
    return answer({"features": features, "modules": _modules()} | _names())


def _modules() -> Document:
    names = (
        ("mirakl_catalog_integrator", True),
        ("mirakl_catalog_manager", True),
        ("mirakl_catalog_transformer", False),
        ("mirakl_platform_services", False),
        ("offer_management", True),
        ("order_management", True),
        ("promotions", True),
        ("quotes", False),
    )
    provider = {"avalara": False, "vertex": False}
    return dict(names) | {"tax_manager": {"activated": False, "tax_provider": provider}}


def _names() -> Document:
    model = {"drop_ship": False, "marketplace": True, "one_creditor": False}
    platform = {"customer_model": {"b2b": False, "b2c": True}, "platform_model": model}
    platform["enhanced_seller_invoicing"] = {"enabled": False}
    names = {"platform_name": "Sandbox", "tenant_name": "sandbox", "timezone": "Europe/Paris"}
    return {"platform_configuration": platform, **names}


def additional_fields(call: Call) -> Response:
    wanted = request.args.get("entities", "OFFER,SHOP,ORDER,ORDER_LINE").split(",")
    found = [field for field in offer_fields(call.market) if field["entity"] in wanted]
    return answer({"additional_fields": found, "total_count": len(found)})


def offer_fields(market: Market) -> list[Document]:
    required = market.options.required_fields
    fields: list[Document] = [
        {"code": "delivery-promise", "label": "Delivery promise", "type": "LIST", "accepted_values": ["24H", "48H"]},
        {"code": "origin", "label": "Made in", "type": "REGEX", "regex": "[A-Z]{2}"},
        {"code": "ecotax", "label": "Eco tax", "type": "NUMERIC"},
        {"code": "matter", "label": "Made of", "type": "MULTIPLE_VALUES_LIST", "accepted_values": ["WOOD", "CLAY"]},
    ]
    return [
        field | {"entity": "OFFER", "editable": True, "required": field["code"] in required, "description": ""}
        for field in fields
    ]


def offer_states(_call: Call) -> Response:
    found = [{"code": code, "label": label} for code, label in STATES]
    return answer({"offer_states": found, "total_count": len(found)})


def logistic_classes(_call: Call) -> Response:
    names = ("code", "label", "description")
    return answer({"logistic_classes": [dict(zip(names, entry, strict=True)) for entry in CLASSES]})


def carriers(_call: Call) -> Response:
    names = ("code", "label", "standard_code")
    return answer({"carriers": [dict(zip(names, entry, strict=True)) for entry in CARRIERS]})


def reasons(call: Call) -> Response:
    names = ("code", "label", "type", "is_shop_right")
    found = [dict(zip(names, entry, strict=True)) for entry in REASONS]
    if not call.market.options.cancel_reasons:
        found = [reason for reason in found if reason["type"] != "CANCELATION"]
    return answer({"reasons": found, "total_count": len(found)})
