"""Units, as Kaufland calls offers: created, changed one by one or 150 at once, listed after a while, deleted."""

from __future__ import annotations

import json
from typing import Any, Literal

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox import products
from channel_adapters.kaufland.sandbox.account import group_id
from channel_adapters.kaufland.sandbox.market import CURRENCIES, Call, Document, Market, stamp
from channel_adapters.kaufland.sandbox.protocol import (
    Problem,
    answer,
    data,
    fulfilments,
    invalid,
    no_content,
    not_found,
    page,
    read_body,
    storefront,
)

MOST = 150
HIGHEST = {"EUR": 100_000_000, "CZK": 2_500_000_000, "PLN": 450_000_000}
CONDITIONS = Literal[
    "USED___ACCEPTABLE",
    "USED___VERY_GOOD",
    "USED___AS_NEW",
    "USED___GOOD",
    "NEW",
    "REFURBISHED___VERY_GOOD",
    "REFURBISHED___GOOD",
    "REFURBISHED___AS_NEW",
    "REFURBISHED___ACCEPTABLE",
]
VAT = Literal["standard_rate", "reduced_rate_1", "reduced_rate_2", "super_reduced_rate", "zero_rate"]


class UnitPatch(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    status: Literal["AVAILABLE", "ONHOLD"] | None = None
    amount: int | None = Field(default=None, ge=0)
    handling_time: int | None = Field(default=None, ge=0, le=100)
    listing_price: int | None = Field(default=None, ge=1)
    minimum_price: int | None = Field(default=None, ge=1)
    note: str | None = Field(default=None, max_length=250)
    id_shipping_group: int | None = None
    id_warehouse: int | None = None
    vat_indicator: VAT | None = None


class NewUnit(UnitPatch):
    status: None = None
    amount: int = Field(default=1, ge=0)
    handling_time: int = Field(ge=0, le=100)
    listing_price: int = Field(ge=1)
    id_offer: str = Field(min_length=1)
    ean: str | None = None
    id_product: int | None = None
    condition: CONDITIONS = "NEW"


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id_unit: int = Field(ge=1)
    unit_data: dict[str, Any]


def create(call: Call) -> Response:
    code, new = storefront(call), call.body
    ean = new.ean or products.ean_of(new.id_product)
    if ean is None or not ean.isdigit() or len(ean) not in (13, 14):
        raise invalid("ean", "13 or 14 digits are required")
    for unit in call.market.docs.all("units").values():
        if unit["id_offer"] == new.id_offer and unit["ean"] != ean:
            raise Problem(400, "validation-error", "Validation Failed", [("id_offer", "SKU already in use")])
        if unit["id_offer"] == new.id_offer and unit["storefront"] == code:
            raise Problem(400, "already-exists", "A unit with this id_offer exists", [("id_offer", "exists")])
    if not products.is_known(call.market, ean, code) and call.market.options.unknown_products == "refused":
        raise invalid("ean", "There is no product with this EAN")
    given = new.model_dump(exclude_none=True, exclude={"ean", "id_product"})
    unit = new_unit(call.market, code, ean, given)
    _require_price(unit, "listing_price")
    if call.faulty("not_applied") is None:
        call.market.docs.put("units", str(unit["id_unit"]), unit)
        call.market.emit("item_unit_new", f"/units/{unit['id_unit']}", code)
    return data(shown(call.market, unit))


def new_unit(market: Market, code: str, ean: str, given: Document) -> Document:
    number, now = market.docs.next_id("unit", 314567000001), market.now()
    defaults = {"condition": "NEW", "amount": 1, "handling_time": 1, "note": None, "minimum_price": None}
    defaults |= {"id_shipping_group": group_id(code), "id_warehouse": 8001, "vat_indicator": "standard_rate"}
    fixed = {"id_unit": number, "ean": ean, "storefront": code, "held": False, "created": now, "changed": now}
    return defaults | {"fulfillment_type": "fulfilled_by_merchant"} | given | fixed


def _require_price(unit: Document, field: str) -> None:
    highest = HIGHEST[CURRENCIES.get(unit["storefront"], "EUR")]
    if unit[field] > highest:
        raise invalid(field, f"at most {highest}")


def status_of(market: Market, unit: Document) -> str:
    if unit["held"]:
        return "ONHOLD"
    return "AVAILABLE" if products.is_known(market, unit["ean"], unit["storefront"]) else "INCOMPLETE"


def is_live(market: Market, unit: Document) -> bool:
    return status_of(market, unit) == "AVAILABLE" and unit["amount"] > 0


def shown(market: Market, unit: Document) -> Document:
    names = ("id_unit", "note", "condition", "listing_price", "id_offer", "id_shipping_group", "id_warehouse", "amount")
    body = {name: unit[name] for name in (*names, "handling_time", "storefront", "fulfillment_type", "vat_indicator")}
    body |= {"status": status_of(market, unit), "currency": CURRENCIES.get(unit["storefront"], "EUR")}
    body |= {"price": unit["listing_price"], "minimum_price": unit["minimum_price"] or unit["listing_price"]}
    body |= {"date_inserted_iso": stamp(unit["created"]), "date_lastchange_iso": stamp(unit["changed"])}
    body |= {"id_product": products.id_of(unit["ean"]), "shipping_rate": 399}
    return body | {"transport_time_min": 1, "transport_time_max": 3}


def _full(market: Market, unit: Document) -> Document:
    with_product = "products" in request.args.getlist("embedded")
    product = {"product": products.shown(market, unit["ean"], unit["storefront"])} if with_product else {}
    return shown(market, unit) | product


def _find(call: Call) -> Document:
    unit: Document | None = call.market.docs.get("units", call.path["id_unit"])
    if unit is None or unit["storefront"] != storefront(call):
        raise not_found("Unit")
    return unit


def get(call: Call) -> Response:
    return data(_full(call.market, _find(call)))


def listing(call: Call) -> Response:
    """A new unit is not shown at once."""
    code, args, now = storefront(call), request.args, call.market.now()
    wanted, kinds = {"id_offer": args.get("id_offer"), "ean": args.get("ean")}, fulfilments()
    found = [
        unit
        for unit in call.market.units_of(code)
        if unit["created"] + call.market.options.visible_seconds <= now
        and unit["fulfillment_type"] in kinds
        and all(value is None or unit[name] == value for name, value in wanted.items())
    ]
    return page(call, found, lambda unit: _full(call.market, unit))


def change(call: Call) -> Response:
    unit = _find(call)
    if call.faulty("not_applied") is None:
        _apply(call.market, unit, call.body)
    return data(_full(call.market, unit))


def _apply(market: Market, unit: Document, patch: UnitPatch) -> None:
    was_live = is_live(market, unit)
    given = patch.model_dump(exclude_none=True)
    if "status" in given:
        given["held"] = given.pop("status") == "ONHOLD"
    _require_price(unit | given, "listing_price")
    unit |= given | {"changed": market.now()}
    market.docs.put("units", str(unit["id_unit"]), unit)
    note_live(market, unit, was_live)


def note_live(market: Market, unit: Document, was_live: bool) -> None:
    if is_live(market, unit) != was_live:
        event = "item_unit_not_available" if was_live else "item_unit_available"
        market.emit(event, f"/units/{unit['id_unit']}", unit["storefront"])


def bulk(call: Call) -> Response:
    code, changes = storefront(call), call.body
    numbers = [change.id_unit for change in changes]
    if len(numbers) > MOST:
        raise Problem(400, "units/bulk-too-many-units", f"At most {MOST} units")
    if len(set(numbers)) < len(numbers):
        raise Problem(400, "units/bulk-duplicate-units", "A unit is named twice")
    ignored, refused = call.faulty("not_applied") is not None, call.faulty("partial")
    results = [
        _refusal(change, refused or {})
        if refused is not None and _is_hit(refused, place, change)
        else _bulk_item(call.market, code, change, ignored)
        for place, change in enumerate(changes, start=1)
    ]
    return answer({"data": results}, 207)


def _is_hit(params: Document, place: int, change: Change) -> bool:
    keys, every = params.get("keys"), int(params.get("every", 1))
    return change.id_unit in keys if keys is not None else place % every == 0


def _refusal(change: Change, params: Document) -> Document:
    status = int(params.get("status", 500))
    result: Document = {"id_unit": change.id_unit, "status_code": status, "message": "It did not work this time"}
    more: Document = {"key": "internal_error"} if status >= 500 else {"errors": []}
    return result | more


def _bulk_item(market: Market, code: str, change: Change, ignored: bool) -> Document:
    unit: Document | None = market.docs.get("units", str(change.id_unit))
    result: Document = {"id_unit": change.id_unit}
    if unit is None or unit["storefront"] != code:
        return result | {"status_code": 404, "message": "Unit not found", "errors": []}
    try:
        patch = read_patch(change.unit_data)
        if not ignored:
            _apply(market, unit, patch)
    except Problem as problem:
        errors = [{"field": name, "message": text} for name, text in problem.errors]
        return result | {"status_code": problem.status, "message": problem.message, "errors": errors}
    # A number of format double (specification, UnitsBulkUpdatedUnit).
    return result | {"status_code": 200.0, "unit": shown(market, unit)}


def read_patch(given: Document) -> UnitPatch:
    patch: UnitPatch = read_body(UnitPatch, json.dumps(given).encode())
    return patch


def delete(call: Call) -> Response:
    unit = _find(call)
    if call.faulty("not_applied") is None:
        call.market.docs.remove("units", str(unit["id_unit"]))
        call.market.emit("item_unit_deleted", f"/units/{unit['id_unit']}", unit["storefront"])
    return no_content()
