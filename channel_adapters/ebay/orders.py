"""Orders of the Fulfillment API to our domain, and shipments back. Pure.

An order is cancelled whole or not at all. Which units of a line were shipped is told by its fulfilments alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, Parcel, SoldLine
from bridge.domain.reading import Json, table, tables, text, whole
from bridge.domain.values import fingerprint
from bridge.ports.batch import told
from bridge.ports.channel import OrderRef
from bridge.ports.errors import RejectItem
from channel_adapters.ebay.mapping import store_sku
from channel_adapters.ebay.reading import moment, money, stamp
from channel_adapters.ebay.vocabulary import (
    CANCELLED,
    FULFILLED,
    IN_PROGRESS,
    NONE_REQUESTED,
    NOT_STARTED,
    PAID_BACK,
    PHASES,
    REJECTED,
    REQUESTED,
    SHIPPED_BY_EBAY,
    WITH_TAX_NUMBERS,
)

BUYER = "buyer"


def mark(raw: Json) -> str:
    """The state of an order as far as both the list and the order itself tell it."""
    names = ("lastModifiedDate", "orderPaymentStatus", "orderFulfillmentStatus")
    states = [text(raw.get(name)) for name in names]
    return fingerprint([*states, text(table(raw, "cancelStatus").get("cancelState"))])


def order_ref(raw: Json) -> OrderRef:
    """The list tells the whole order, but for requests to cancel, what of it is in which parcel, and tax numbers."""
    order_id = text(raw.get("orderId"))
    complete = bool(order_id) and cancel_state(raw) == NONE_REQUESTED and shipping_state(raw) == NOT_STARTED
    complete = complete and not _has_tax_number(raw)
    changed = moment(raw.get("lastModifiedDate"))
    known = told(lambda: order(raw, ())) if complete else None
    return OrderRef(external_id=order_id, changed_at=changed, mark=mark(raw), order=known)


def _has_tax_number(raw: Json) -> bool:
    """ "The taxIdentifier container is only returned in getOrder", on these marketplaces (sell_fulfillment, Buyer)."""
    names = ("purchaseMarketplaceId", "listingMarketplaceId")
    return any(text(item.get(name)) in WITH_TAX_NUMBERS for item in tables(raw, "lineItems") for name in names)


def cancel_state(raw: Json) -> str:
    return text(table(raw, "cancelStatus").get("cancelState")) or NONE_REQUESTED


def shipping_state(raw: Json) -> str:
    return text(raw.get("orderFulfillmentStatus")) or NOT_STARTED


def ships_itself(raw: Json) -> bool:
    """Whether eBay ships all of it from a warehouse of its own."""
    kinds = [text(item.get("fulfillmentInstructionsType")) for item in tables(raw, "fulfillmentStartInstructions")]
    return bool(kinds) and all(kind == SHIPPED_BY_EBAY for kind in kinds)


def order(raw: Json, fulfilments: Sequence[Json]) -> MarketplaceOrder:
    """An order whole. ``fulfilments`` are the parcels that were confirmed; what they hold counts where the line is only
    shipped in part. Raises RejectItem naming the field without which it cannot be handled."""
    placed = moment(raw.get("creationDate"))
    if not text(raw.get("orderId")) or placed is None:
        raise _unreadable(raw, "creationDate" if text(raw.get("orderId")) else "orderId")
    currency = _currency(raw)
    items = tables(raw, "lineItems")
    shipped = shipped_units(fulfilments)
    shipping = total([_shipping(item, currency) for item in items], currency)
    lines = tuple(_line(raw, item, number, currency, shipped) for number, item in enumerate(items))
    lines = _adjusted(lines, _adjustment(raw, lines, shipping))
    taxed = any(_taxes(item, "ebayCollectAndRemitTaxes") for item in items)
    billing = table(raw, "buyer", "buyerRegistrationAddress")
    return MarketplaceOrder(
        external_id=text(raw.get("orderId")),
        placed_at=placed,
        changed_at=moment(raw.get("lastModifiedDate")),
        list_mark=mark(raw),
        phase=phase(raw),
        site=next((site_of(item) for item in items if site_of(item)), ""),
        currency=currency,
        lines=lines,
        shipping=shipping,
        tax_by_channel=raw.get("ebayCollectAndRemitTax") is True or taxed,
        shipping_method=_service(raw),
        ship_to=ship_to(raw),
        bill_to=_address(billing, raw) if table(billing, "contactAddress") else None,
        note=_note(raw),
        raw=raw,
    )


def _note(raw: Json) -> str:
    """The buyer's words, and the number of eBay's that customs want with a parcel whose tax eBay has collected."""
    taxes = [tax for item in tables(raw, "lineItems") for tax in tables(item, "ebayCollectAndRemitTaxes")]
    told = [(text(found.get("name")), text(found.get("value"))) for found in (table(t, "ebayReference") for t in taxes)]
    numbers = [f"{name} number for the carrier: {value}" for name, value in told if name and value]
    return "\n".join(dict.fromkeys(filter(None, [text(raw.get("buyerCheckoutNotes")), *numbers])))


def phase(raw: Json) -> OrderPhase:
    return PHASES.get(text(raw.get("orderPaymentStatus")), OrderPhase.PENDING)


def site_of(item: Json) -> str:
    """Where it is listed: a buyer may have found it on another marketplace."""
    return text(item.get("listingMarketplaceId")) or text(item.get("purchaseMarketplaceId"))


def _currency(raw: Json) -> str:
    for item in tables(raw, "lineItems"):
        if (cost := money(item.get("lineItemCost"))) is not None:
            return cost.currency
    raise _unreadable(raw, "lineItems[0].lineItemCost.currency")


def _adjustment(raw: Json, lines: Sequence[SoldLine], shipping: Money) -> Money:
    """What seller and buyer agreed on after the purchase. It stands in the sum of the order and in none of its lines,
    and how it is signed is not written down: it counts where it is what the sum lacks."""
    whole_order, told = (money(table(raw, "pricingSummary").get(name)) for name in ("total", "adjustment"))
    none = Money.zero(shipping.currency)
    if whole_order is None or told is None or {whole_order.currency, told.currency} != {shipping.currency}:
        return none
    gap = whole_order - shipping - total([line.total for line in lines], shipping.currency)
    return gap if gap.amount and abs(gap.amount) == abs(told.amount) else none


def _adjusted(lines: Sequence[SoldLine], by: Money) -> tuple[SoldLine, ...]:
    """Each line by its share, to the cent."""
    whole_price = sum((line.total.amount for line in lines), Decimal(0))
    if not by.amount or whole_price <= 0:
        return tuple(lines)
    changed, before, given = [], Decimal(0), Money.zero(by.currency)
    for line in lines:
        before += line.total.amount
        until = Money(amount=by.amount * before / whole_price, currency=by.currency).quantised()
        changed.append(line.model_copy(update={"total": line.total + until - given}))
        given = until
    return tuple(changed)


def shipped_units(fulfilments: Sequence[Json]) -> dict[str, int]:
    """Units of each line in parcels; a line without a number counts once (default of the description)."""
    units: dict[str, int] = {}
    for parcel in fulfilments:
        for item in tables(parcel, "lineItems"):
            key = text(item.get("lineItemId"))
            units[key] = units.get(key, 0) + (whole(item.get("quantity")) or 1)
    return units


def _line(raw: Json, item: Json, number: int, currency: str, shipped: dict[str, int]) -> SoldLine:
    where = f"lineItems[{number}]"
    key, quantity, cost = text(item.get("lineItemId")), whole(item.get("quantity")), money(item.get("lineItemCost"))
    if not key or not quantity or quantity < 1 or cost is None:
        name = "lineItemId" if not key else "lineItemCost" if cost is None else "quantity"
        raise _unreadable(raw, f"{where}.{name}")
    sent = shipped_of(item, key, quantity, shipped)
    paid = paid_for(item, currency) or cost
    reduced = money(item.get("discountedLineItemCost"))
    return SoldLine(
        external_id=key,
        sku=store_sku(text(item.get("sku")), site_of(item)) or None,
        title=text(item.get("title")),
        quantity=quantity,
        cancelled=quantity - sent if is_cancelled(raw, item, sent) else 0,
        shipped=sent,
        unit_price=Money(amount=cost.amount / quantity, currency=cost.currency).quantised(),
        total=paid,
        tax=_tax(item, currency),
        discount=cost - reduced if reduced is not None else None,
        cancellation_requested=bool(buyers_requests(raw)),
        fulfilled_by=FulfilledBy.CHANNEL if ships_itself(raw) else FulfilledBy.MERCHANT,
        ship_by=moment(table(item, "lineItemFulfillmentInstructions").get("shipByDate")),
    )


def shipped_of(item: Json, key: str, quantity: int, shipped: dict[str, int]) -> int:
    """A line that is fulfilled is so whole, whatever its parcels say."""
    status = text(item.get("lineItemFulfillmentStatus"))
    if status == FULFILLED:
        return quantity
    return min(quantity, shipped.get(key, 0)) if status != NOT_STARTED else 0


def is_cancelled(raw: Json, item: Json, sent: int) -> bool:
    """With the order, or by paying the line or the order back before any of it was shipped."""
    if cancel_state(raw) == CANCELLED:
        return True
    if sent == 0 and text(raw.get("orderPaymentStatus")) == PAID_BACK:
        return True
    cost = money(item.get("discountedLineItemCost")) or money(item.get("lineItemCost"))
    back = refunded(item)
    return sent == 0 and cost is not None and cost.amount > 0 and back >= cost.amount


def refunded(item: Json) -> Decimal:
    amounts = [given for refund in tables(item, "refunds") if (given := money(refund.get("amount"))) is not None]
    return sum((given.amount for given in amounts), Decimal(0))


def paid_for(item: Json, currency: str) -> Money | None:
    """What the buyer paid for the line without its delivery: ``total`` has discounts and taxes in it, those that eBay
    collects as well (with fieldGroups=TAX_BREAKDOWN)."""
    whole_line = money(item.get("total"))
    if whole_line is None or whole_line.currency != currency:
        return money(item.get("discountedLineItemCost"))
    left = whole_line - _shipping(item, currency)
    return left if left.amount >= 0 else whole_line


def collected(item: Json, currency: str) -> Money:
    """Taxes in what was paid for a line that eBay collects: the seller never has them, and pays none of them back."""
    whole_line = money(item.get("total"))
    told = whole_line is not None and whole_line.currency == currency
    found = [money(tax.get("amount")) for tax in tables(item, "ebayCollectAndRemitTaxes")] if told else []
    return total([tax for tax in found if tax is not None and tax.currency == currency], currency)


def sellers(item: Json, currency: str, *, with_delivery: bool) -> Money:
    """What of a line is the seller's to pay back and is not paid back yet."""
    paid = paid_for(item, currency) or money(item.get("lineItemCost")) or Money.zero(currency)
    left = paid - collected(item, currency)
    left = left + _delivery(item, currency) if with_delivery else left
    return Money(amount=max(Decimal(0), left.amount - refunded(item)), currency=currency)


def cancelled_with(raw: Json, item: Json, currency: str) -> dict[str, Money]:
    """What is paid back when a line is cancelled, by line: its price; with the last one, where nothing was sent, the
    delivery of all of them too."""
    items = tables(raw, "lineItems")
    others = [other for other in items if text(other.get("lineItemId")) != text(item.get("lineItemId"))]
    last = shipping_state(raw) == NOT_STARTED and all(is_cancelled(raw, other, 0) for other in others)
    parts = items if last else [item]
    back = {text(part.get("lineItemId")): sellers(part, currency, with_delivery=last) for part in parts}
    return {key: amount for key, amount in back.items() if amount.amount > 0}


def _costs(item: Json, currency: str, *names: str) -> Money:
    found = [part for name in names if (part := money(table(item, "deliveryCost").get(name))) is not None]
    return total([part for part in found if part.currency == currency], currency)


def _delivery(item: Json, currency: str) -> Money:
    """The seller's part. Discounts of an order are negative (pricingSummary); how that of a line is signed is not
    written down."""
    paid = _costs(item, currency, "shippingCost", "handlingCost")
    reduced = abs(_costs(item, currency, "discountAmount").amount)
    return Money(amount=max(Decimal(0), paid.amount - reduced), currency=currency)


def _shipping(item: Json, currency: str) -> Money:
    """With import charges of eBay's international programmes where they are in ``total``."""
    paid = _delivery(item, currency)
    with_charges = paid + _costs(item, currency, "importCharges", "shippingIntermediationFee")
    goods = money(item.get("discountedLineItemCost")) or money(item.get("lineItemCost"))
    whole_line = money(item.get("total"))
    if goods is None or whole_line is None or {goods.currency, whole_line.currency} != {currency}:
        return paid
    return with_charges if whole_line.amount >= (goods + with_charges).amount else paid


def _tax(item: Json, currency: str) -> Money | None:
    """What is told, once: a tax that eBay collects stands in both lists."""
    by_ebay = [money(tax.get("amount")) for tax in _taxes(item, "ebayCollectAndRemitTaxes")]
    found = [tax for tax in by_ebay or [money(tax.get("amount")) for tax in _taxes(item, "taxes")] if tax is not None]
    return total(found, currency) if found and all(tax.currency == currency for tax in found) else None


def _taxes(item: Json, name: str) -> list[Json]:
    """Without fees, such as ELECTRONIC_RECYCLING_FEE: "if the order has fees, a breakdown of the fees is also provided"
    (Tax, taxType)."""
    return [tax for tax in tables(item, name) if not text(tax.get("taxType")).endswith("_FEE")]


# Requests to cancel, which only the order itself tells


def buyers_requests(raw: Json) -> list[Json]:
    """Those that wait for the seller's answer."""
    requests = tables(table(raw, "cancelStatus"), "cancelRequests")
    return [
        request
        for request in requests
        if text(request.get("cancelRequestState")) == REQUESTED
        and text(request.get("cancelInitiator")).lower() in (BUYER, "")
    ]


def cancellation_under_way(raw: Json) -> str:
    """The number of the one that is through on all sides and not done yet: it takes the whole order with it, and no
    other is taken beside it."""
    requests = tables(table(raw, "cancelStatus"), "cancelRequests") if cancel_state(raw) == IN_PROGRESS else []
    alive = [request for request in requests if text(request.get("cancelRequestState")) != REJECTED]
    return text(alive[-1].get("cancelRequestId")) if alive and not buyers_requests(raw) else ""


def cancel_request(raw: Json, cancel_id: str) -> Json:
    requests = tables(table(raw, "cancelStatus"), "cancelRequests")
    return next((item for item in requests if text(item.get("cancelRequestId")) == cancel_id), {})


# Addresses


def ship_to(raw: Json) -> Address:
    """Where the parcel goes: with eBay's international programmes to their hub, the buyer's own address beside it."""
    found = Address()
    for instruction in tables(raw, "fulfillmentStartInstructions"):
        step = table(instruction, "shippingStep")
        if table(step, "shipTo"):
            found = _address(table(step, "shipTo"), raw)
            return found.model_copy(update={"extra": {**found.extra, **_programme(instruction, step)}})
    return found


def _service(raw: Json) -> str:
    """The shipping service that the buyer chose."""
    steps = (table(item, "shippingStep") for item in tables(raw, "fulfillmentStartInstructions"))
    return next((code for step in steps if (code := text(step.get("shippingServiceCode")))), "")


def _programme(instruction: Json, step: Json) -> dict[str, str]:
    final = table(instruction, "finalDestinationAddress")
    names = ("addressLine1", "addressLine2", "postalCode", "city", "stateOrProvince", "countryCode")
    extra = {
        "reference": text(step.get("shipToReferenceId")),
        "final_destination": ", ".join(part for name in names if (part := text(final.get(name)))),
        "service": text(step.get("shippingServiceCode")),
    }
    return {name: value for name, value in extra.items() if value}


def _address(contact: Json, raw: Json) -> Address:
    """eBay has a name in one piece and two lines of street."""
    first, _, last = text(contact.get("fullName")).rpartition(" ")
    place, buyer = table(contact, "contactAddress"), table(raw, "buyer")
    username = text(buyer.get("username"))
    return Address(
        first_name=first,
        last_name=last,
        company=text(contact.get("companyName")),
        street=text(place.get("addressLine1")),
        addition=text(place.get("addressLine2")),
        postcode=text(place.get("postalCode")),
        city=text(place.get("city")),
        region=text(place.get("stateOrProvince")) or text(place.get("county")),
        country=text(place.get("countryCode")),
        email=text(contact.get("email")),
        phone=text(table(contact, "primaryPhone").get("phoneNumber")),
        vat_number=text(table(buyer, "taxIdentifier").get("taxpayerId")),
        extra={"ebay_user": username} if username else {},
    )


# Shipments


def tracking_number(given: str) -> str:
    """ "Only alphanumeric characters are supported; spaces, hyphens and all other special characters are not." """
    return re.sub(r"[^A-Za-z0-9]", "", given)


def shipment(parcel: Parcel) -> Json:
    """Carrier and number go together, or not at all."""
    lines = [{"lineItemId": line.external_id, "quantity": line.quantity} for line in parcel.lines]
    body: Json = {"lineItems": lines}
    if parcel.shipped_at is not None:
        body["shippedDate"] = stamp(parcel.shipped_at)
    number = tracking_number(parcel.tracking)
    return body | ({"shippingCarrierCode": parcel.carrier, "trackingNumber": number} if number else {})


def is_there(fulfilments: Sequence[Json], parcel: Parcel) -> bool:
    """Whether one of these is this parcel: the same number with the same units."""
    number = tracking_number(parcel.tracking)
    wanted = {line.external_id: line.quantity for line in parcel.lines}
    return bool(number) and any(
        text(item.get("shipmentTrackingNumber")) == number and shipped_units([item]) == wanted for item in fulfilments
    )


def is_open(raw: Json) -> bool:
    return shipping_state(raw) in (NOT_STARTED, IN_PROGRESS) and cancel_state(raw) != CANCELLED


def _unreadable(raw: Json, name: str) -> RejectItem:
    order_id = text(raw.get("orderId")) or "without a number"
    return RejectItem(f"Order {order_id} of eBay has no usable {name}.", field=name)
