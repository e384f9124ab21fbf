"""Checkout forms as orders, and refunds. Pure: unknown fields are left alone, unknown words kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.reading import Json, currency_code, moment, table, tables, text
from bridge.domain.values import fingerprint
from bridge.ports.channel import OrderRef, SubmissionState, SubmissionStatus
from bridge.ports.errors import RejectItem
from channel_adapters.allegro.reading import money, whole
from channel_adapters.allegro.vocabulary import (
    CANCELLED,
    CANCELLING,
    CASH_ON_DELIVERY,
    FULFILLED_BY,
    READY,
    REFUND_STATES,
    SHIPPED,
    VAT_IDS,
)

BUSINESS = "-business-"


def mark(raw: Json) -> str:
    """The state of an order as lists and details tell it alike."""
    fulfilment = table(raw, "fulfillment")
    summary = text(table(fulfilment, "shipmentSummary").get("lineItemsSent"))
    seen = [text(raw.get("revision")), text(raw.get("updatedAt")), text(raw.get("status"))]
    return fingerprint([*seen, text(fulfilment.get("status")), summary])


def order_ref(raw: Json) -> OrderRef:
    return OrderRef(external_id=text(raw.get("id")), changed_at=moment(raw.get("updatedAt")), mark=mark(raw))


def event_order(event: Json) -> str:
    """The order an event is about; what else it says may be older than the order is."""
    return text(table(event, "order", "checkoutForm").get("id"))


def site_of(raw: Json) -> str:
    """Business marketplaces follow the ordinary one of their country."""
    return text(table(raw, "marketplace").get("id")).replace(BUSINESS, "-")


def is_by_channel(raw: Json) -> bool:
    return FULFILLED_BY.get(text(table(raw, "fulfillment", "provider").get("id"))) is FulfilledBy.CHANNEL


def is_shipped(raw: Json) -> bool:
    return text(table(raw, "fulfillment").get("status")) in SHIPPED


def is_cancelled(raw: Json) -> bool:
    return CANCELLED in (text(raw.get("status")), text(table(raw, "fulfillment").get("status")))


def payment(raw: Json) -> str:
    """The payment that can be paid back; "" for cash on delivery and where nothing was paid."""
    found = table(raw, "payment")
    return "" if text(found.get("type")) == CASH_ON_DELIVERY else text(found.get("id"))


def order(raw: Json, shipments: Sequence[Json] = (), refunds: Sequence[Json] = ()) -> MarketplaceOrder:
    """An order whole. ``shipments`` are its parcels, where only some of it has been sent; ``refunds`` those of its
    payment. Raises RejectItem naming the field without which it cannot be handled."""
    items = tables(raw, "lineItems")
    key, placed = text(raw.get("id")), _placed(raw, items)
    currency = currency_code(table(raw, "summary", "totalToPay").get("currency")) or _currency(items)
    if placed is None:
        raise _unreadable(raw, "lineItems[0].boughtAt")
    for name, value in (("id", key), ("lineItems[0].price.currency", currency)):
        if not value:
            raise _unreadable(raw, name)
    taken = cancelled_units(refunds)
    lines = tuple(_line(raw, item, place, shipments, taken) for place, item in enumerate(items))
    delivery, invoice = table(raw, "delivery"), table(raw, "invoice")
    return MarketplaceOrder(
        external_id=key,
        placed_at=placed,
        changed_at=moment(raw.get("updatedAt")),
        list_mark=mark(raw),
        phase=OrderPhase.READY if text(raw.get("status")) in (READY, CANCELLED) else OrderPhase.PENDING,
        site=site_of(raw),
        currency=currency,
        lines=lines,
        shipping=money(delivery.get("cost")),
        # "Separate purchases paid for together get a new checkoutForm.id, the previous ones are removed; a lineItem.id
        # in several orders tells so" (order tutorial, FAQ; allegro-api issues 2829, 3284, 10406).
        takes_over=True,
        shipping_method=text(table(delivery, "method").get("name")),
        ship_to=ship_to(raw),
        bill_to=bill_to(raw) if table(invoice, "address") else None,
        note=text(raw.get("messageToSeller")),
        raw=raw,
    )


def _placed(raw: Json, items: Sequence[Json]) -> datetime | None:
    bought = [at for item in items if (at := moment(item.get("boughtAt")))]
    return min(bought, default=None) or moment(table(raw, "payment").get("finishedAt")) or moment(raw.get("updatedAt"))


def _currency(items: Sequence[Json]) -> str:
    return next((currency_code(table(item, "price").get("currency")) for item in items if table(item, "price")), "")


def cancelled_units(refunds: Sequence[Json]) -> dict[str, int]:
    """Units of each line that the seller cancelled: paid back as not available, or as cancelled by the buyer."""
    units: dict[str, int] = {}
    for refund in refunds:
        if text(refund.get("reason")) not in CANCELLING or is_refund_failed(refund):
            continue
        for item in tables(refund, "lineItems"):
            if text(item.get("type")) == "QUANTITY":
                key = text(item.get("id"))
                units[key] = units.get(key, 0) + (whole(item.get("quantity")) or 0)
    return units


def is_refund_failed(refund: Json) -> bool:
    return REFUND_STATES.get(text(refund.get("status"))) is SubmissionState.FAILED


def goods_back(refunds: Sequence[Json], line_id: str, each: Money) -> Money:
    """What was paid back of a line's price, by units and by amounts."""
    items = [item for refund in refunds for item in tables(refund, "lineItems") if text(item.get("id")) == line_id]
    units = sum(whole(item.get("quantity")) or 0 for item in items if text(item.get("type")) == "QUANTITY")
    return each.times(units) + _sum_of((item.get("value") for item in items), each.currency)


def deposit_back(refunds: Sequence[Json], line_id: str, currency: str) -> Money:
    items = [item for refund in refunds for item in tables(refund, "deposits")]
    return _sum_of((item.get("totalValue") for item in items if text(item.get("lineItemId")) == line_id), currency)


def services_back(refunds: Sequence[Json], currency: str) -> Money:
    """Of the whole order: Allegro does not tell of which line they were."""
    return _sum_of((table(refund, "additionalServices").get("value") for refund in refunds), currency)


def _sum_of(values: Iterable[Any], currency: str) -> Money:
    found = (money(value) for value in values)
    return total([part for part in found if part is not None and part.currency == currency], currency)


def _line(raw: Json, item: Json, place: int, shipments: Sequence[Json], taken: dict[str, int]) -> SoldLine:
    where, key, unit_price = f"lineItems[{place}]", text(item.get("id")), money(item.get("price"))
    count = whole(item.get("quantity"))
    if not key:
        raise _unreadable(raw, f"{where}.id")
    if unit_price is None:
        raise _unreadable(raw, f"{where}.price")
    if not count:
        raise _unreadable(raw, f"{where}.quantity")
    cancelled = min(count, taken.get(key, 0))
    shipped = count - cancelled if is_shipped(raw) else min(count - cancelled, parcels_of(key, shipments))
    offer = table(item, "offer")
    return SoldLine(
        external_id=key,
        offer_id=text(offer.get("id")) or None,
        sku=text(table(offer, "external").get("id")) or None,
        title=text(offer.get("name")),
        quantity=count,
        cancelled=count - shipped if is_cancelled(raw) else cancelled,
        shipped=shipped,
        unit_price=unit_price,
        total=line_total(item, unit_price, count),
        tax=tax_in(line_total(item, unit_price, count), table(item, "tax").get("rate")),
        discount=_discount(item, unit_price, count),
        fulfilled_by=FulfilledBy.CHANNEL if is_by_channel(raw) else FulfilledBy.MERCHANT,
        ship_by=moment(table(raw, "delivery", "time", "dispatch").get("to")),
    )


def parcels_of(line_id: str, shipments: Sequence[Json]) -> int:
    """Allegro keeps no quantities of a parcel: each that names the line has one unit of it at least."""
    return sum(any(text(item.get("id")) == line_id for item in tables(raw, "lineItems")) for raw in shipments)


def line_total(item: Json, unit_price: Money, quantity: int) -> Money:
    """With the services and the deposit that the buyer pays on top of the price."""
    currency = unit_price.currency
    return unit_price.times(quantity) + services(item, currency) + deposit(item, currency).times(quantity)


def services(item: Json, currency: str) -> Money:
    """Of all units of a line together."""
    found = [
        extra.times(whole(service.get("quantity")) or 1)
        for service in tables(item, "selectedAdditionalServices")
        if (extra := money(service.get("price"))) is not None and extra.currency == currency
    ]
    return total(found, currency)


def deposit(item: Json, currency: str) -> Money:
    """On the packaging, of one unit."""
    found = money(table(item, "deposit").get("price"))
    return found if found is not None and found.currency == currency else Money.zero(currency)


def _discount(item: Json, unit_price: Money, quantity: int) -> Money | None:
    before = money(item.get("originalPrice"))
    if before is None or before.currency != unit_price.currency or before.amount <= unit_price.amount:
        return None
    return (before - unit_price).times(quantity)


def tax_in(amount: Money, percent: Any) -> Money | None:
    """The VAT contained in an amount, by its rate; None where no rate is told."""
    try:
        rate = Decimal(text(percent)) if text(percent) else None
    except ArithmeticError:
        return None
    if rate is None or not rate.is_finite() or rate < 0:
        return None
    return Money(amount=amount.amount * rate / (100 + rate), currency=amount.currency).quantised()


def ship_to(raw: Json) -> Address:
    """Where the parcel goes: the buyer's address, with the pick-up point it is left at. Before the form is filled in
    there is only the buyer."""
    buyer, delivery = table(raw, "buyer"), table(raw, "delivery")
    place, point = table(delivery, "address"), table(delivery, "pickupPoint")
    home = table(buyer, "address")
    extra = {
        "delivery_method": text(table(delivery, "method").get("name")),
        "pickup_point": text(point.get("id")),
        "pickup_name": " ".join(filter(None, (text(point.get("name")), text(point.get("description"))))),
        "pickup_address": _one_line(table(point, "address")),
        "login": text(buyer.get("login")),
    }
    return Address(
        first_name=text(place.get("firstName")) or text(buyer.get("firstName")),
        last_name=text(place.get("lastName")) or text(buyer.get("lastName")),
        company=text(place.get("companyName")) or ("" if place else text(buyer.get("companyName"))),
        street=text(place.get("street")) or text(home.get("street")),
        postcode=text(place.get("zipCode")) or text(home.get("postCode")),
        city=text(place.get("city")) or text(home.get("city")),
        country=(text(place.get("countryCode")) or text(home.get("countryCode"))).upper(),
        email=text(buyer.get("email")),
        phone=text(place.get("phoneNumber")) or text(buyer.get("phoneNumber")),
        extra={name: value for name, value in extra.items() if value},
    )


def _one_line(place: Json) -> str:
    names = ("street", "zipCode", "city", "countryCode")
    return ", ".join(filter(None, (text(place.get(name)) for name in names)))


def bill_to(raw: Json) -> Address:
    buyer, place = table(raw, "buyer"), table(raw, "invoice", "address")
    company, person = table(place, "company"), table(place, "naturalPerson")
    numbers = {text(item.get("type")): text(item.get("value")) for item in tables(company, "ids")}
    vat = next((numbers[kind] for kind in VAT_IDS if numbers.get(kind)), text(company.get("taxId")))
    extra = {f"tax_id_{kind.lower()}": value for kind, value in numbers.items() if value and kind}
    return Address(
        first_name=text(person.get("firstName")) or ("" if company else text(buyer.get("firstName"))),
        last_name=text(person.get("lastName")) or ("" if company else text(buyer.get("lastName"))),
        company=text(company.get("name")),
        street=text(place.get("street")),
        postcode=text(place.get("zipCode")),
        city=text(place.get("city")),
        country=text(place.get("countryCode")).upper(),
        email=text(buyer.get("email")),
        phone=text(buyer.get("phoneNumber")),
        vat_number=vat,
        extra=extra,
    )


def refund_status(submission: str, found: Sequence[Json]) -> SubmissionStatus:
    """Where a refund stands, by its own number. An unknown word is no end."""
    if not found:
        return SubmissionStatus(
            submission=submission, state=SubmissionState.GONE, message="Allegro has no such refund."
        )
    word = text(found[0].get("status"))
    state = REFUND_STATES.get(word, SubmissionState.PENDING)
    failed = state is SubmissionState.FAILED
    message = f"Allegro says {word}: look at the refund in My Allegro." if failed else ""
    return SubmissionStatus(submission=submission, state=state, message=message)


def _unreadable(raw: Json, name: str) -> RejectItem:
    what = text(raw.get("id")) or "an order"
    words = f"Allegro's answer about {what} has no usable {name}. Handle it in My Allegro and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(sorted(raw))}")
