"""A price file in which the price of an offer changes and its other prices stay. Pure.

"The import mode is delete and replace: any existing price that is not submitted will be deleted" (PRI01).
So discounts, prices by quantity, and those of channels, customers and days are sent along as they were read (OF21).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bridge.domain.money import Money
from bridge.domain.reading import Json, amount, moment, table, tables, text, whole
from channel_adapters.mirakl.mapping import is_particular
from channel_adapters.mirakl.reading import csv_file

COLUMNS = ("offer-sku", "price", "discount-price", "discount-start-date", "discount-end-date")
# "Use additional columns" (specification, PRI01), where the operator has such prices.
STEPS = ("price-ranges", "discount-ranges")
OF_WHOM = {
    "channels": "channel_codes",
    "customer-organization-ids": "customer_organization_ids",
    "customer-group-ids": "customer_group_ids",
}
WHEN = {"start-date": "start_date", "end-date": "end_date"}
MORE = (*STEPS, *OF_WHOM, *WHEN)
# "50 prices can be created for an offer".
MOST = 50

Row = Mapping[str, str]


def price_file(rows: Sequence[Row]) -> bytes:
    columns = [*COLUMNS, *(name for name in MORE if any(row.get(name) for row in rows))]
    return csv_file(columns, [[row.get(name, "") for name in columns] for row in rows])


def has_others(raw: Json) -> bool:
    """Whether an offer has more than one plain price."""
    entries = [*tables(raw, "all_prices"), _plain(raw)]
    return any(is_particular(entry) or _steps(entry) or _less(entry) for entry in entries)


def rows_of(sku: str, price: Money, raw: Json | None, now: datetime) -> list[Row]:
    """``raw``: the offer as it is, None where nothing is known of it. A discount and steps that are no longer below the
    price go with it."""
    entries = tables(raw, "all_prices")
    default = [entry for entry in entries if not is_particular(entry)]
    discount = next(filter(None, (_discount(entry, price.amount, now) for entry in (*default, _plain(raw)))), {})
    steps = [step for entry in default for step in _steps(entry) if (_origin(step) or price.amount) < price.amount]
    first = {"offer-sku": sku, "price": f"{price.amount:f}"} | discount | _ranges(price.amount, discount, steps)
    others = (_other(sku, entry, now) for entry in entries if is_particular(entry))
    return [first, *filter(None, others)][:MOST]


def _plain(raw: Json | None) -> Json:
    """The discount of an offer in the form of a price."""
    told = table(raw, "discount")
    dates = {f"discount_{name}": told.get(name) for name in ("start_date", "end_date")}
    return {"unit_discount_price": told.get("discount_price"), **dates}


def _other(sku: str, entry: Json, now: datetime) -> Row | None:
    """One of a channel, of customers, of some days; None once these are over."""
    context, price = table(entry, "context"), _origin(entry)
    end = moment(context.get("end_date"))
    if price is None or (end is not None and end < now):
        return None
    whom = {name: _joined(context.get(theirs)) for name, theirs in OF_WHOM.items()}
    whom["channels"] = whom["channels"] or text(entry.get("channel_code"))
    when = {name: text(context.get(theirs)) for name, theirs in WHEN.items()}
    discount = _discount(entry, price, now)
    plain = {"offer-sku": sku, "price": f"{price:f}"}
    return plain | discount | _ranges(price, discount, _steps(entry)) | whom | when


def _joined(given: object) -> str:
    return "|".join(map(text, given)) if isinstance(given, list) else ""


def _origin(entry: Json) -> Decimal | None:
    return amount(entry.get("unit_origin_price"))


def _less(entry: Json) -> Decimal | None:
    """Its discounted price; where there is none, it may be told as the price itself."""
    less, origin = amount(entry.get("unit_discount_price")), _origin(entry)
    return None if less is None or (origin is not None and less >= origin) else less


def _discount(entry: Json, price: Decimal, now: datetime) -> dict[str, str]:
    less, end = _less(entry), moment(entry.get("discount_end_date"))
    if less is None or less >= price or (end is not None and end < now):
        return {}
    dates = {f"discount-{name}-date": text(entry.get(f"discount_{name}_date")) for name in ("start", "end")}
    return {"discount-price": f"{less:f}", **dates}


def _steps(entry: Json) -> list[Json]:
    return [step for step in tables(entry, "volume_prices") if (whole(step.get("quantity_threshold")) or 0) > 1]


def _ranges(price: Decimal, discount: Mapping[str, str], steps: Iterable[Json]) -> dict[str, str]:
    """``1|20,10|15``: from how many on, and at what price for each."""
    given = [(whole(step.get("quantity_threshold")), _origin(step), _less(step)) for step in steps]
    prices = [f"{many}|{each:f}" for many, each, _ in given if each is not None]
    if not prices:
        return {}
    less = [f"{many}|{each:f}" for many, _, each in given if each is not None] if discount else []
    ranges = {"price-ranges": ",".join([f"1|{price:f}", *prices])}
    return ranges | ({"discount-ranges": ",".join([f"1|{discount['discount-price']}", *less])} if less else {})
