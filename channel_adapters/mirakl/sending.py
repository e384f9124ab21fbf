"""Our domain as what Mirakl takes: offers whole, files, cancellations, refunds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import MINOR_UNITS, Money
from bridge.domain.order import Parcel
from bridge.domain.reading import Json, amount, pairs, table, tables, text, whole
from bridge.domain.returns import ChannelRefund
from bridge.ports.channel import OfferDraft, PriceUpdate, StockUpdate
from bridge.ports.errors import RejectItem
from channel_adapters.mirakl.mapping import is_particular, origin_price, references
from channel_adapters.mirakl.platform import OF_THE_OFFER, Platform
from channel_adapters.mirakl.reading import csv_file

# What is written into a submission and an import's report has to stay readable.
LONGEST_SKU = 100
# Set for all offers, and differently for some.
OF_ALL = ("logistic_class", "product_tax_code")
KEPT_TEXTS = ("description", "internal_description", "price_additional_info", "product_tax_code")
KEPT_NUMBERS = ("min_quantity_alert", "min_order_quantity", "max_order_quantity", "package_quantity")


# Offers


def new_offer(draft: OfferDraft, settings: Mapping[str, Any], platform: Platform) -> Json:
    """An offer for a product the operator knows. Raises RejectItem naming the field."""
    conditions = pairs(settings.get("conditions")) or {"new": "11"}
    if not draft.gtin:
        raise RejectItem("Enter the product's GTIN in the store: the marketplace finds products by it.", field="gtin")
    if draft.condition not in conditions:
        known = ", ".join(conditions)
        text = f"Which code means {draft.condition!r} is not set (only {known}): see the setting conditions."
        raise RejectItem(text, field="condition")
    body: Json = {
        "shop_sku": sku(draft.sku),
        "product_id": draft.gtin,
        "product_id_type": settings.get("product_id_type") or "EAN",
        "state_code": conditions[draft.condition],
        "price": platform.price(draft.price).amount,
        "quantity": draft.stock,
        "update_delete": "update",
    }
    return body | wishes(settings, platform, draft.content, draft.handling_days)


def sku(given: str) -> str:
    if len(given) > LONGEST_SKU:
        raise RejectItem(f"SKUs of up to {LONGEST_SKU} characters are sent; {given[:30]}... is longer.", field="sku")
    return given


def wishes(
    settings: Mapping[str, Any], platform: Platform, content: OfferContent, handling_days: int | None = None
) -> Json:
    """What the merchant has set for all offers, and for this one. Raises RejectItem."""
    days = handling_days if handling_days is not None else whole(settings.get("leadtime_to_ship"))
    body: Json = {}
    if days is not None and platform.leadtime_allowed:
        body["leadtime_to_ship"] = days
    for name in OF_ALL:
        if chosen := text(content.attributes.get(OF_THE_OFFER + name)) or settings.get(name):
            body[name] = chosen
    if fields := pairs(settings.get("offer_fields")) | platform.own_values(content.attributes):
        body["offer_additional_fields"] = [
            {"code": code, "value": platform.field(code).value(value)} for code, value in fields.items()
        ]
    return body


def allowed(offer: Json, platform: Platform) -> Json:
    """Without the days to ship that an offer tells by the marketplace's own rule, where shops may not set them."""
    return {name: offer[name] for name in offer if name != "leadtime_to_ship" or platform.leadtime_allowed}


def same_offer(raw: Json, id_type: str) -> Json:
    """An offer as it was read (OF21), in the form in which it is written (OF24): "Offer fields that are not sent are
    reset to their default value" (specification), so all of them are. Raises RejectItem where something cannot be
    written back: prices for some customers or days."""
    price = origin_price(raw)
    if price is None:
        raise RejectItem("The marketplace does not tell the price of this offer.", field="price")
    known = references(raw)
    kind = id_type if id_type in known else next(iter(known), "SKU")
    body: Json = {
        "shop_sku": text(raw.get("shop_sku")),
        "product_id": known.get(kind) or text(raw.get("product_sku")),
        "product_id_type": kind,
        "state_code": text(raw.get("state_code")),
        "price": price,
        "quantity": whole(raw.get("quantity")) or 0,
        "update_delete": "update",
    }
    body |= {name: raw[name] for name in KEPT_TEXTS if text(raw.get(name))}
    body |= {name: raw[name] for name in KEPT_NUMBERS if whole(raw.get(name))}
    body |= _kept_terms(raw)
    if prices := _kept_prices(raw):
        body["all_prices"] = prices
    return body


def _kept_terms(raw: Json) -> Json:
    body: Json = {}
    for theirs, ours in (("available_start_date", "available_started"), ("available_end_date", "available_ended")):
        if text(raw.get(theirs)):
            body[ours] = raw[theirs]
    if (days := whole(raw.get("leadtime_to_ship"))) is not None:
        body["leadtime_to_ship"] = days
    if code := text(table(raw, "logistic_class").get("code")):
        body["logistic_class"] = code
    if raw.get("allow_quote_requests") is True:
        body["allow_quote_requests"] = True
    if (msrp := amount(raw.get("msrp"))) is not None:
        body["msrp"] = msrp
    for name in ("offer_additional_fields", "eco_contributions"):
        if entries := tables(raw, name):
            body[name] = [{part: entry[part] for part in entry if entry[part] is not None} for entry in entries]
    if discount := _kept_discount(table(raw, "discount")):
        body["discount"] = discount
    return body


def _kept_discount(raw: Json) -> Json:
    kept: Json = {name: raw[name] for name in ("start_date", "end_date") if text(raw.get(name))}
    if entries := [entry for entry in tables(raw, "ranges") if (whole(entry.get("quantity_threshold")) or 0) > 1]:
        kept["ranges"] = entries
    elif (price := amount(raw.get("discount_price"))) is not None:
        kept["price"] = price
    return kept if "price" in kept or "ranges" in kept else {}


def _kept_prices(raw: Json) -> list[Json]:
    """Prices of channels, and price steps. Only they are sent: the plain price stands in ``price``."""
    kept: list[Json] = []
    for entry in tables(raw, "all_prices"):
        context = table(entry, "context")
        if any(context.get(name) for name in context if name != "channel_codes"):
            text_ = "This offer has prices for some customers or days, which an update here would delete."
            raise RejectItem(f"{text_} Change it in the marketplace's back office.", field="price")
        steps = [step for step in tables(entry, "volume_prices") if (whole(step.get("quantity_threshold")) or 0) > 1]
        if is_particular(entry) or steps:
            channel = text(entry.get("channel_code")) or next(iter(context.get("channel_codes") or ()), None)
            kept.append(_kept_price(entry, channel, steps))
    return kept


def _kept_price(entry: Json, channel: str | None, steps: Sequence[Json]) -> Json:
    names = ("unit_origin_price", "unit_discount_price", "discount_start_date", "discount_end_date")
    body: Json = {"channel_code": channel} if channel else {}
    body |= {name: entry[name] for name in names if entry.get(name) is not None}
    if steps:
        wanted = ("quantity_threshold", "unit_origin_price", "unit_discount_price")
        body["volume_prices"] = [{name: step[name] for name in wanted if step.get(name) is not None} for step in steps]
    return body


# Files


def stock_file(updates: Sequence[StockUpdate], warehouse: str) -> bytes:
    rows = [(update.offer_id, update.stock, warehouse, "") for update in updates]
    return csv_file(("offer-sku", "quantity", "warehouse-code", "update-delete"), rows)


def price_of(update: PriceUpdate, platform: Platform) -> Money:
    return platform.price(update.price)


# Orders


def tracking(platform: Platform, carrier: str, number: str) -> Json:
    """A registered carrier by its code, any other by its name. Raises RejectItem where only registered ones may be."""
    if any(known.code == carrier for known in platform.carriers):
        return {"carrier_code": carrier, "tracking_number": number}
    if not platform.own_carriers:
        known_ones = ", ".join(known.label for known in platform.carriers)
        text_ = f"The marketplace takes its own carriers only, not {carrier!r}: {known_ones}."
        raise RejectItem(text_, field="carrier")
    return {"carrier_name": carrier, "tracking_number": number}


def shipment(order_id: str, parcel: Parcel, details: Json) -> Json:
    lines = [{"order_line_id": line.external_id, "quantity": line.quantity} for line in parcel.lines]
    return {"order_id": order_id, "shipment_lines": lines, "shipped": True, "tracking": details}


def cancellation(line: Json, units: int, left: int, reason: str, currency: str) -> Json:
    """``units`` of a line of which ``left`` are not cancelled yet. With the last of them what is left of the shipping
    goes too. Amounts include taxes; fees are told apart from the price."""
    rest = left_of(line, "price", "amount", currency)
    shipping = left_of(line, "shipping_price", "shipping_amount", currency)
    whole_line = units >= left
    body: Json = {
        "order_line_id": text(line.get("order_line_id")),
        "quantity": units,
        "amount": rest if whole_line else _part(rest, Decimal(units) / left, currency),
        "shipping_amount": shipping if whole_line else Decimal(0),
        "reason_code": reason,
        "currency_iso_code": currency,
    }
    part = Decimal(1) if whole_line else Decimal(units) / left
    fees = {code: _part(fee, part, currency) for code, fee in fees_left(line, currency).items()}
    return body | _fees(fees) | _taxes(line, part, Decimal(1) if whole_line else Decimal(0), currency)


def left_of(line: Json, price: str, name: str, currency: str) -> Decimal:
    """What is left of an amount of a line after its cancellations and refunds."""
    gone = sum((amount(entry.get(name)) or Decimal(0) for entry in _undone(line)), Decimal(0))
    return max(Decimal(0), _round((amount(line.get(price)) or Decimal(0)) - gone, currency))


def _undone(line: Json) -> list[Json]:
    return [*tables(line, "cancelations"), *tables(line, "refunds")]


def fees_left(line: Json, currency: str) -> dict[str, Decimal]:
    """By code, what is left of the fees on a line after its cancellations and refunds."""
    return _parts_left(line, "fees", tables(line, "fees"), currency)


def _parts_left(line: Json, name: str, parts: Sequence[Json], currency: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in parts:
        code = text(part.get("code"))
        found[code] = found.get(code, Decimal(0)) + (amount(part.get("amount")) or 0)
    for entry in _undone(line):
        for part in tables(entry, name):
            if (code := text(part.get("code"))) in found:
                found[code] -= amount(part.get("amount")) or 0
    return {code: _round(left, currency) for code, left in found.items() if left > 0}


def _fees(parts: Mapping[str, Decimal]) -> Json:
    wanted = [{"code": code, "amount": part} for code, part in parts.items() if part > 0]
    return {"fees": wanted} if wanted else {}


def _paid_parts(line: Json, wished: Decimal, currency: str) -> tuple[Decimal, dict[str, Decimal]]:
    """What the buyer is paid back of a line, in the two parts that he paid: of its price, and of its fees by code.
    Mirakl takes no more of either than there is left."""
    price, fees = left_of(line, "price", "amount", currency), fees_left(line, currency)
    everything = price + sum(fees.values())
    if not fees or everything <= 0:
        return wished, {}
    parts = {code: _part(left, wished / everything, currency) for code, left in fees.items()}
    of_price = wished - sum(parts.values())
    for code, left in fees.items():  # the cent by which rounding has left too much for the price
        over = min(max(Decimal(0), of_price - price), left - parts[code])
        parts[code], of_price = parts[code] + over, of_price - over
    return of_price, parts


def refund(line: Json, wish: ChannelRefund, reason: str) -> Json:
    currency = wish.amount.currency
    of_price, fees = _paid_parts(line, wish.amount.quantised().amount, currency)
    shipping = wish.shipping.quantised().amount if wish.shipping else Decimal(0)
    body: Json = {
        "order_line_id": wish.line_id,
        "quantity": wish.quantity,
        "amount": of_price,
        "shipping_amount": shipping,
        "reason_code": reason,
        "currency_iso_code": currency,
    }
    price = left_of(line, "price", "amount", currency)
    freight = left_of(line, "shipping_price", "shipping_amount", currency)
    shares = (of_price / price if price else Decimal(0), shipping / freight if freight else Decimal(0))
    return body | _fees(fees) | _taxes(line, *shares, currency)


def is_paid_back(line: Json, wish: ChannelRefund) -> bool:
    """Whether the line has this refund already, beside those that are like it: Mirakl keeps no reference of ours, so it
    is known by quantity and amount, as ``alike`` counts them."""
    wanted = (wish.quantity, wish.amount.quantised().amount)
    found = [(whole(entry.get("quantity")) or 0, _given_back(entry)) for entry in tables(line, "refunds")]
    return found.count(wanted) > wish.alike


def _given_back(entry: Json) -> Decimal:
    """Of price and fees."""
    return sum((amount(part.get("amount")) or Decimal(0) for part in (entry, *tables(entry, "fees"))), Decimal(0))


def _taxes(line: Json, share: Decimal, shipping_share: Decimal, currency: str) -> Json:
    """Of what is left of them, the taxes that Mirakl does not compute by itself (``tax_calculation_rule``)."""
    body: Json = {}
    for name, part in (("taxes", share), ("shipping_taxes", shipping_share)):
        entries = [tax for tax in tables(line, name) if tax.get("tax_calculation_rule") != "PROPORTIONAL_TO_AMOUNT"]
        told = [tax for tax in entries if amount(tax.get("amount")) is not None]
        left = _parts_left(line, name, told, currency)
        codes = dict.fromkeys(text(tax.get("code")) for tax in told)
        if wanted := [{"code": code, "amount": _part(left.get(code, Decimal(0)), part, currency)} for code in codes]:
            body[name] = wanted
    return body


def _part(value: Decimal, share: Decimal, currency: str) -> Decimal:
    return _round(value * min(Decimal(1), share), currency)


def _round(value: Decimal, currency: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2)), rounding=ROUND_HALF_UP)
