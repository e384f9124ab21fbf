"""Their JSON to our domain. Pure: no I/O, no clock. Unknown fields are left alone, unknown words kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.domain.listing import LiveOffer
from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.reading import Json, amount, currency_code, moment, table, tables, text, whole
from bridge.domain.returns import MarketplaceReturn, ReturnCause, ReturnLine
from bridge.domain.values import fingerprint
from bridge.ports.channel import OrderRef, SaleStatus, ScoreFigure
from bridge.ports.errors import RejectItem
from channel_adapters.mirakl.countries import country
from channel_adapters.mirakl.platform import Platform
from channel_adapters.mirakl.vocabulary import (
    CANCELLED_LINES,
    FIXES,
    PHASES,
    RETURN_CAUSES,
    RETURNS_DECIDED,
    SHIPPED_LINES,
    SHIPPED_SHIPMENTS,
)

# "DEFAULT" is the seller itself; any other centre belongs to the operator.
OWN_CENTRE = ("", "DEFAULT")


# Offers


def live_offer(raw: Json, id_type: str) -> LiveOffer:
    """The shop's SKU is the offer's name in every import, so it is its id here too."""
    sku, currency = text(raw.get("shop_sku")), currency_code(raw.get("currency_iso_code"))
    price = origin_price(raw)
    return LiveOffer(
        offer_id=sku,
        sku=sku or None,
        gtin=references(raw).get(id_type),
        stock=whole(raw.get("quantity")),
        price=Money(amount=price, currency=currency) if price is not None and currency else None,
        title=text(raw.get("product_title")) or None,
        for_sale=raw.get("active") if isinstance(raw.get("active"), bool) else None,
    )


def origin_price(raw: Json) -> Decimal | None:
    """The price before discounts, which is the one we set. ``price`` alone may be a discounted one."""
    for entry in tables(raw, "all_prices"):
        if not is_particular(entry) and (found := amount(entry.get("unit_origin_price"))) is not None:
            return found
    discount = table(raw, "discount")
    return amount(discount.get("origin_price")) or amount(raw.get("price"))


def is_particular(entry: Json) -> bool:
    """Whether an entry of ``all_prices`` is for some channels, customers or days only."""
    context = table(entry, "context")
    return bool(text(entry.get("channel_code")) or any(context.get(name) for name in context))


def references(raw: Json) -> dict[str, str]:
    """The operator's numbers of the product, by their type."""
    found = tables(raw, "product_references")
    return {text(item.get("reference_type")): text(item.get("reference")) for item in found}


def sale_status(offer_id: str, raw: Json) -> SaleStatus:
    given = raw.get("inactivity_reasons")
    reasons = tuple(text(reason) for reason in given) if isinstance(given, list) else ()
    fixes = tuple(dict.fromkeys(FIXES[reason] for reason in reasons if reason in FIXES))
    active = raw.get("active")
    for_sale = active if isinstance(active, bool) else None
    return SaleStatus(offer_id=offer_id, for_sale=for_sale, reasons=reasons, fixes=fixes)


# Orders


def order_ref(raw: Json, order: MarketplaceOrder | None) -> OrderRef:
    changed = moment(raw.get("last_updated_date"))
    return OrderRef(external_id=text(raw.get("order_id")), changed_at=changed, mark=mark(raw), order=order)


def mark(raw: Json) -> str:
    """The state of an order as the list and the order itself both tell it."""
    lines = [
        [text(line.get(name)) for name in ("order_line_id", "order_line_state", "quantity", "last_updated_date")]
        + [len(tables(line, "refunds")), len(tables(line, "cancelations"))]
        for line in tables(raw, "order_lines")
    ]
    return fingerprint([text(raw.get("order_state")), text(raw.get("last_updated_date")), sorted(map(str, lines))])


def order(raw: Json, platform: Platform, shipments: Sequence[Json] = ()) -> MarketplaceOrder:
    """An order whole. ``shipments`` are those of ST11, where the operator has several per order. Raises RejectItem
    naming the field without which it cannot be handled."""
    placed, order_id = moment(raw.get("created_date")), text(raw.get("order_id"))
    if placed is None:
        raise _unreadable(raw, "created_date")
    if not order_id:
        raise _unreadable(raw, "order_id")
    currency = currency_code(raw.get("currency_iso_code") or platform.currency)
    if not currency:
        raise _unreadable(raw, "currency_iso_code")
    gone = shipped_units(shipments)
    lines = tuple(_line(raw, item, currency, gone, number) for number, item in enumerate(tables(raw, "order_lines")))
    shipping, tax = _shipping(raw, currency)
    customer = table(raw, "customer")
    return MarketplaceOrder(
        external_id=order_id,
        placed_at=placed,
        changed_at=moment(raw.get("last_updated_date")),
        list_mark=mark(raw),
        phase=_phase(raw),
        currency=currency,
        lines=lines,
        shipping=shipping,
        shipping_tax=tax,
        tax_by_channel=platform.tax_by_operator,
        shipping_method=text(raw.get("shipping_type_label")) or text(raw.get("shipping_type_code")),
        ship_to=address(raw, table(customer, "shipping_address")),
        bill_to=address(raw, table(customer, "billing_address")) if table(customer, "billing_address") else None,
        raw=raw,
    )


def _phase(raw: Json) -> OrderPhase:
    """Paid on delivery or on a due date, an order waits for its debit after it was shipped."""
    if any(text(line.get("shipped_date")) for line in tables(raw, "order_lines")):
        return OrderPhase.READY
    return PHASES.get(text(raw.get("order_state")), OrderPhase.PENDING)


def _line(raw: Json, item: Json, currency: str, gone: Mapping[str, int], number: int) -> SoldLine:
    where = f"order_lines[{number}]"
    quantity = whole(item.get("quantity"))
    if not quantity or quantity < 1:
        raise _unreadable(raw, f"{where}.quantity")
    line_total, tax = _line_total(raw, item, currency)
    if line_total is None:
        raise _unreadable(raw, f"{where}.price")
    unit = _unit_price(raw, item, line_total, tax, quantity)
    off = unit.times(quantity) - line_total
    key, cancelled = text(item.get("order_line_id")), cancelled_units(item, quantity)
    centre = text(table(raw, "fulfillment", "center").get("code"))
    return SoldLine(
        external_id=key,
        offer_id=text(item.get("offer_sku")) or None,
        sku=text(item.get("offer_sku")) or None,
        title=text(item.get("product_title")),
        quantity=quantity,
        cancelled=cancelled,
        shipped=_shipped(raw, item, quantity - cancelled, gone.get(key, 0)),
        unit_price=unit,
        total=line_total,
        tax=tax,
        discount=off if off.amount > 0 else None,
        fulfilled_by=FulfilledBy.MERCHANT if centre in OWN_CENTRE else FulfilledBy.CHANNEL,
        ship_by=moment(raw.get("shipping_deadline")),
    )


def _line_total(raw: Json, item: Json, currency: str) -> tuple[Money | None, Money | None]:
    """What the buyer pays for the line without its shipping: price and fees, with the taxes; and those taxes."""
    price = amount(item.get("price"))
    if price is None:
        return None, None
    taxes, told = tax_sum(item, "taxes", currency)
    result = Money(amount=price, currency=currency) + _sum(tables(item, "fees"), currency)
    if _excludes_taxes(raw):
        result = result + taxes
    return result, taxes if told else None


def _unit_price(raw: Json, item: Json, line_total: Money, tax: Money | None, quantity: int) -> Money:
    """Before promotions, with taxes."""
    unit = amount(item.get("price_unit"))
    if unit is None:
        return Money(amount=line_total.amount / quantity, currency=line_total.currency).quantised()
    if _excludes_taxes(raw) and tax is not None:
        unit += tax.amount / quantity
        return Money(amount=unit, currency=line_total.currency).quantised()
    return Money(amount=unit, currency=line_total.currency)


def _excludes_taxes(raw: Json) -> bool:
    return raw.get("order_tax_mode") == "TAX_EXCLUDED"


def tax_sum(item: Json, name: str, currency: str) -> tuple[Money, bool]:
    """The sum of these taxes, and whether any was told."""
    entries = tables(item, name)
    return _sum(entries, currency), bool(entries)


def _sum(entries: Iterable[Json], currency: str) -> Money:
    found = [amount(entry.get("amount")) for entry in entries]
    return total((Money(amount=value, currency=currency) for value in found if value is not None), currency)


def _shipping(raw: Json, currency: str) -> tuple[Money | None, Money | None]:
    """Shipping of all lines with its taxes; and those taxes."""
    parts, taxes, told = [], [], False
    for item in tables(raw, "order_lines"):
        price, (tax, known) = amount(item.get("shipping_price")), tax_sum(item, "shipping_taxes", currency)
        parts.append(Money(amount=price or Decimal(0), currency=currency))
        taxes.append(tax)
        told = told or known
    cost, tax = total(parts, currency), total(taxes, currency)
    if _excludes_taxes(raw):
        cost = cost + tax
    return (cost if cost.amount else None), (tax if told and cost.amount else None)


def cancelled_units(item: Json, quantity: int) -> int:
    """A line that was refused, or refunded before anything was shipped, is cancelled whole. The quantity of a
    cancellation is "informative" (specification) and sums up to the line at most."""
    state = text(item.get("order_line_state"))
    if state in CANCELLED_LINES or (state == "REFUNDED" and not text(item.get("shipped_date"))):
        return quantity
    return min(quantity, sum(max(0, whole(entry.get("quantity")) or 0) for entry in tables(item, "cancelations")))


def _shipped(raw: Json, item: Json, most: int, parcelled: int) -> int:
    """Units gone out: by the line's state or its order's where they tell (an incident hides the line's), else by the
    shipments made of it so far."""
    states = {text(item.get("order_line_state")), text(raw.get("order_state"))}
    if states & set(SHIPPED_LINES) or text(item.get("shipped_date")):
        return most
    return min(most, parcelled)


def shipped_units(shipments: Iterable[Json]) -> dict[str, int]:
    """Units gone out by order line, of ST11's shipments."""
    units: dict[str, int] = {}
    for shipment in shipments:
        if text(shipment.get("status")) not in SHIPPED_SHIPMENTS:
            continue
        for line in tables(shipment, "shipment_lines"):
            key = text(line.get("order_line_id"))
            units[key] = units.get(key, 0) + (whole(line.get("quantity")) or 0)
    return units


def address(raw: Json, given: Json) -> Address:
    """What has no field of its own is kept by name. Empty before acceptance, where the operator hides it."""
    organisation = table(raw, "customer", "organization")
    extra = {
        "company_2": text(given.get("company_2")),
        "note": text(given.get("additional_info")),
        "salutation": text(given.get("civility")),
        "pickup_point": text(raw.get("shipping_pudo_id")),
        "shipping_method": text(raw.get("shipping_type_label")) or text(raw.get("shipping_type_code")),
        "customer_order": text(raw.get("commercial_id")),
        "channel": text(table(raw, "channel").get("code")),
        "reference": text(table(raw, "references").get("order_reference_for_customer")),
        "phone_2": text(given.get("phone_secondary")),
    }
    return Address(
        first_name=text(given.get("firstname")),
        last_name=text(given.get("lastname")),
        company=text(given.get("company")),
        street=text(given.get("street_1")),
        addition=text(given.get("street_2")),
        postcode=text(given.get("zip_code")),
        city=text(given.get("city")),
        region=text(given.get("state")),
        country=country(text(given.get("country_iso_code"))) or text(given.get("country")),
        email=text(raw.get("customer_notification_email")),
        phone=text(given.get("phone")),
        vat_number=text(organisation.get("tax_identification_number")),
        extra={name: value for name, value in extra.items() if value},
    )


# Returns


def marketplace_return(raw: Json, seen_at: datetime) -> MarketplaceReturn:
    """``seen_at`` stands in for a time of registration that is missing. A line is named return/order line: requests
    are decided per return, goods per line."""
    return_id = text(raw.get("id"))
    lines = tuple(_return_line(raw, return_id, item) for item in tables(raw, "return_lines"))
    registered = moment(raw.get("date_created")) or seen_at
    return MarketplaceReturn(external_id=return_id, registered_at=registered, lines=lines, raw=raw)


def _return_line(raw: Json, return_id: str, item: Json) -> ReturnLine:
    line, state = text(item.get("order_line_id")), text(raw.get("state"))
    reason = text(item.get("reason_code")) or text(raw.get("reason_code"))
    return ReturnLine(
        external_id=f"{return_id}/{line}",
        order_id=text(raw.get("order_id")) or None,
        order_line_id=line or None,
        quantity=max(1, whole(item.get("quantity")) or 1),
        reason=reason.removeprefix("RETURN_").replace("_", " ").lower(),
        cause=RETURN_CAUSES.get(reason, ReturnCause.OTHER),
        comment=text(raw.get("description")),
        handled=state in RETURNS_DECIDED or bool(tables(item, "compliance")),
        received=state in ("RECEIVED", "CLOSED"),
    )


# The seller's score


# A21, each beside the orders or order lines of the time. A rate of returns says more of the goods than of the seller.
RATES = (
    ("approval_rate", "Orders accepted", "above"),
    ("auto_refused_rate", "Orders not answered in time", "below"),
    ("cancelation_rate", "Order lines with a cancellation", "below"),
    ("late_shipment_rate", "Orders shipped late", "below"),
    ("incident_rate", "Order lines with an incident", "below"),
    ("refund_rate", "Order lines with a refund", "below"),
)
MONTH, MONTH_DAYS = "LAST_MONTH", 30


def score(account: Json, statistics: Json, at: datetime) -> list[ScoreFigure]:
    """A21's rates of the last month and A01's own figures on the shop. Operators set limits of their own, which the API
    does not tell."""
    rates = [(_of_month(statistics, name), name, title, good) for name, title, good in RATES]
    found = [
        ScoreFigure.model_validate(_figure(name, title, value, "share", good, at) | {"period_days": MONTH_DAYS})
        for value, name, title, good in rates
        if value is not None
    ]
    figures = (
        ("approval_rate", "Orders accepted", "share", "above"),
        ("grade", "Grade given by buyers", "of 5", "above"),
        ("approval_delay", "Time to accept an order", "seconds", "below"),
        ("order_messages_response_delay", "Time to answer a message", "seconds", "below"),
    )
    told = {figure.name for figure in found}
    own = [(amount(account.get(name)), name, title, unit, good) for name, title, unit, good in figures]
    return found + [
        ScoreFigure.model_validate(_figure(name, title, value, unit, good, at))
        for value, name, title, unit, good in own
        if value is not None and name not in told
    ]


def _of_month(statistics: Json, name: str) -> Decimal | None:
    return next((amount(one.get("value")) for one in tables(statistics, name) if one.get("period") == MONTH), None)


def _figure(name: str, title: str, value: Decimal, unit: str, good: str, at: datetime) -> dict[str, Any]:
    return {"name": name, "title": title, "value": value, "unit": unit, "good": good, "at": at}


def _unreadable(raw: Json, name: str) -> RejectItem:
    what = text(raw.get("order_id")) or "an order"
    words = f"Mirakl's answer about {what} has no usable {name}. Handle it in the back office and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(sorted(raw))}")
