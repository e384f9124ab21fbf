"""The account: its storefronts, locales, shipping groups, warehouses; and the carriers everyone has."""

from __future__ import annotations

from flask import Response

from channel_adapters.kaufland.sandbox.market import CURRENCIES, LOCALES, Call, Document
from channel_adapters.kaufland.sandbox.protocol import STOREFRONTS, choice, data, page, storefront

# The first three and the last two are in the documentation; the rest are made up in its manner.
CARRIERS = ("DHL", "DPD", "Deutsche Post", "GLS", "Hermes", "UPS", "PostNL", "Other", "Other Hauler")
RATES = {"standard_rate": 19.0, "reduced_rate_1": 7.0, "zero_rate": 0.0}


def ping(_call: Call) -> Response:
    return data({"message": "OK"})


def storefronts(call: Call) -> Response:
    return data(list(call.market.options.storefronts))


def locales(_call: Call) -> Response:
    return data(list(LOCALES.values()))


def vat_indicators(call: Call) -> Response:
    wanted = choice("storefront", STOREFRONTS)
    rates = [{"vat_indicator": name, "value": value} for name, value in RATES.items()]
    codes = [wanted] if wanted else call.market.options.storefronts
    return data([{"storefront": code, "vat_rates": rates} for code in codes])


def carriers(_call: Call) -> Response:
    return data({"carriers": [{"name": name, "isHauler": "Hauler" in name} for name in CARRIERS]})


def group_id(code: str) -> int:
    return 9000 + STOREFRONTS.index(code)


def shipping_groups(call: Call) -> Response:
    code = storefront(call)
    option = {"name": "default", "cost_first": 399, "cost_next": 0, "cost_max": 399, "cost_free": 5000}
    option |= {"cut_off_time": "14:00", "transport_time_min": 1, "transport_time_max": 3}
    group: Document = {"id_shipping_group": group_id(code), "storefront": code, "currency": CURRENCIES.get(code, "EUR")}
    group |= {"name": "Parcel", "type": "PACKAGE", "is_default": True}
    group["regions"] = [{"countries": [code.upper()], "shipping_options": [option]}]
    return page(call, [group], lambda item: item, most=30)


def warehouses(call: Call) -> Response:
    address = {"street": "Musterstraße", "house_number": "1", "postcode": "12345", "city": "Musterstadt"}
    warehouse = {"id_warehouse": 8001, "name": "Main", "is_default": True, "type": "normal"}
    shown = warehouse | {"address": address | {"country": "DE", "phone": None}}
    return page(call, [shown], lambda item: item, most=30)
