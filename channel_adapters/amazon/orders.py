"""Orders (2026-01-01) to our domain, and shipments (v0) back. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, Parcel, SoldLine
from bridge.domain.reading import Json, moment, table, tables, text, whole
from bridge.domain.returns import ChannelRefund
from bridge.domain.values import fingerprint
from bridge.ports.batch import told
from bridge.ports.channel import OrderRef
from bridge.ports.errors import RejectItem
from channel_adapters.amazon.reading import money, stamp
from channel_adapters.amazon.vocabulary import CUSTOMISED, DEMANDS, FULFILLED_BY, PHASES

OTHER = "Other: "


def order_ref(raw: Json, currencies: dict[str, str]) -> OrderRef:
    """A list tells the whole order: nothing has to be asked for again."""
    return OrderRef(
        external_id=text(raw.get("orderId")),
        changed_at=moment(raw.get("lastUpdatedTime")),
        mark=mark(raw),
        order=told(lambda: order(raw, currencies)),
    )


def order(raw: Json, currencies: dict[str, str]) -> MarketplaceOrder:
    """An order whole; ``currencies`` by marketplace, for orders that name no price yet. Raises RejectItem naming the
    field without which it cannot be handled."""
    placed = moment(raw.get("createdTime"))
    if not text(raw.get("orderId")):
        raise _unreadable(raw, "orderId")
    if placed is None:
        raise _unreadable(raw, "createdTime")
    site = text(table(raw, "salesChannel").get("marketplaceId"))
    currency = _currency(raw) or currencies.get(site)
    if currency is None:
        raise _unreadable(raw, "proceeds.grandTotal.currencyCode")
    sums = _proceeds(raw, currency)
    lines = tuple(_line(raw, item, number, sums[number]) for number, item in enumerate(tables(raw, "orderItems")))
    return MarketplaceOrder(
        external_id=text(raw.get("orderId")),
        placed_at=placed,
        changed_at=moment(raw.get("lastUpdatedTime")),
        list_mark=mark(raw),
        phase=PHASES.get(status(raw), OrderPhase.PENDING),
        site=site,
        currency=currency,
        lines=lines,
        shipping=total([*(item.shipping for item in sums), _tip(raw, sums, currency)], currency),
        shipping_tax=total([item.shipping_tax for item in sums], currency) if _tells_tax(raw) else None,
        tax_by_channel=any(_collected_by_amazon(item) for item in tables(raw, "orderItems")),
        shipping_method=text(table(raw, "fulfillment").get("fulfillmentServiceLevel")),
        ship_to=ship_to(raw),
        bill_to=_bill_to(raw),
        note=_note(raw),
        raw=raw,
    )


def status(raw: Json) -> str:
    return text(table(raw, "fulfillment").get("fulfillmentStatus"))


def mark(raw: Json) -> str:
    """The state of an order. The time of its last update alone would do, were it always told."""
    items = [
        [
            text(item.get("orderItemId")),
            text(item.get("quantityOrdered")),
            text(table(item, "fulfillment").get("quantityFulfilled")),
            text(table(item, "fulfillment").get("quantityUnfulfilled")),
            table(item, "cancellation"),
        ]
        for item in tables(raw, "orderItems")
    ]
    return fingerprint([text(raw.get("lastUpdatedTime")), status(raw), items])


def _currency(raw: Json) -> str | None:
    places = [table(raw, "proceeds").get("grandTotal")]
    for item in tables(raw, "orderItems"):
        places += [table(item, "proceeds").get("proceedsTotal"), table(item, "product", "price").get("unitPrice")]
    return next((found.currency for place in places if (found := money(place))), None)


class _Proceeds:
    """What the buyer pays for one item, taken apart.

    In Europe prices contain the tax and TAX tells how much of it; in the US it comes on top. Which of the two it is
    shows in the sum: ``proceedsTotal`` either is the other amounts, or these and the tax. ``added``: which of the two
    where an item has no sum.
    """

    def __init__(self, item: Json, currency: str, *, added: bool = False) -> None:
        self._parts = tables(table(item, "proceeds"), "breakdowns")
        self._zero = Money.zero(currency)
        tax, discount = self._sum("TAX"), self._sum("DISCOUNT")
        kinds = {text(part.get("type")) for part in self._parts} - {"TAX", "DISCOUNT"}
        gross = total([self._sum(kind) for kind in kinds], currency)
        without = gross - _positive(discount)
        told = money(table(item, "proceeds").get("proceedsTotal"))
        self.told = bool(self._parts) or told is not None
        guessed = without + tax if added else without
        self.total = told if told is not None and told.currency == currency else guessed
        self.on_top = bool(tax.amount) and self.total.amount == (without + tax).amount
        self.shipping_tax = self._detail("TAX", "SHIPPING")
        self.shipping = self._shipping()
        self.tax = tax - self.shipping_tax
        self.gift_wrap, self.gift_wrap_tax = self._sum("GIFT_WRAP"), self._detail("TAX", "GIFT_WRAP")
        self.discount = _positive(discount) - _positive(self._detail("DISCOUNT", "SHIPPING"))
        self.goods = self.total - self.shipping

    def _shipping(self) -> Money:
        plain = self._sum("SHIPPING") - _positive(self._detail("DISCOUNT", "SHIPPING"))
        return plain + self.shipping_tax if self.on_top else plain

    def unit_price(self, quantity: int, told: Money | None) -> Money:
        """With tax, before discounts."""
        if told is not None and not self.on_top:
            return told
        gross = self.goods + self.discount
        return Money(amount=gross.amount / Decimal(max(1, quantity)), currency=gross.currency).quantised()

    def _sum(self, kind: str) -> Money:
        found = [money(part.get("subtotal")) for part in self._parts if text(part.get("type")) == kind]
        return total([item for item in found if item and item.currency == self._zero.currency], self._zero.currency)

    def _detail(self, kind: str, subtype: str) -> Money:
        details = [
            money(detail.get("value"))
            for part in self._parts
            if text(part.get("type")) == kind
            for detail in tables(part, "detailedBreakdowns")
            if text(detail.get("subtype")) == subtype
        ]
        return total([item for item in details if item and item.currency == self._zero.currency], self._zero.currency)


def _proceeds(raw: Json, currency: str) -> list[_Proceeds]:
    """Of each item. Sums of items are not required: without them that of the order tells whether tax was added."""
    items = tables(raw, "orderItems")
    whole_order = money(table(raw, "proceeds").get("grandTotal"))
    plain, taxed = ([_Proceeds(item, currency, added=added) for item in items] for added in (False, True))
    sums = total([item.total for item in taxed], currency)
    return taxed if whole_order in (sums, sums + _tips(raw, currency)) else plain


def _tips(raw: Json, currency: str) -> Money:
    parts = [part for part in tables(table(raw, "proceeds"), "breakdowns") if text(part.get("type")) == "DELIVERY_TIP"]
    found = [amount for part in parts if (amount := money(part.get("subtotal"))) and amount.currency == currency]
    return total(found, currency)


def _tells_tax(raw: Json) -> bool:
    """Of no item: then how much is in the prices is not known, which is not the same as none. What Amazon collects
    itself is no part of the proceeds where it is not told."""
    items = tables(raw, "orderItems")
    kinds = [text(part.get("type")) for item in items for part in tables(table(item, "proceeds"), "breakdowns")]
    return "TAX" in kinds or any(map(_collected_by_amazon, items))


def _tip(raw: Json, sums: Sequence[_Proceeds], currency: str) -> Money:
    """For the delivery, and of no item; where it is in the sum of the order."""
    told, tip = money(table(raw, "proceeds").get("grandTotal")), _tips(raw, currency)
    items = total([item.total for item in sums], currency)
    counts = told is not None and told.currency == currency and told.amount == (items + tip).amount
    return tip if counts else Money.zero(currency)


def refund_parts(raw: Json, wish: ChannelRefund) -> list[tuple[str, Money]]:
    """What a buyer gets back of a line, in the parts that he paid: Amazon takes no more of any. A tax is one only where
    it came on top of the price; the price has the rest."""
    currency = wish.amount.currency
    known = zip(tables(raw, "orderItems"), _proceeds(raw, currency), strict=True)
    paid = next(
        (sums for item, sums in known if text(item.get("orderItemId")) == wish.line_id), _Proceeds({}, currency)
    )
    none = Money.zero(currency)
    shipping = wish.shipping or none
    before = wish.before or none

    def part(whole_part: Money) -> Money:
        return _of(whole_part, before + wish.amount, paid.goods) - _of(whole_part, before, paid.goods)

    wrap, wrap_tax = part(paid.gift_wrap), part(paid.gift_wrap_tax) if paid.on_top else none
    tax = part(paid.tax - paid.gift_wrap_tax) if paid.on_top else none
    shipping_tax = _of(paid.shipping_tax, shipping, paid.shipping) if paid.on_top else none
    beside = [("Tax", tax), ("GiftWrap", wrap), ("GiftWrapTax", wrap_tax)]
    beside += [("Shipping", shipping - shipping_tax), ("ShippingTax", shipping_tax)]
    principal = wish.amount.quantised() - wrap - tax - wrap_tax
    return [("Principal", principal), *((kind, part) for kind, part in beside if part.amount)]


def _of(part: Money, wished: Money, paid: Money) -> Money:
    """The share of a part in an amount that is wished back, of what was paid."""
    share = min(Decimal(1), wished.amount / paid.amount) if paid.amount > 0 else Decimal(0)
    return Money(amount=part.amount * share, currency=part.currency).quantised()


def _positive(amount: Money) -> Money:
    """Whether a discount is told with a sign is not written down."""
    return Money(amount=abs(amount.amount), currency=amount.currency)


def _line(raw: Json, item: Json, number: int, paid: _Proceeds) -> SoldLine:
    ordered = whole(item.get("quantityOrdered"))
    if ordered is None:
        raise _unreadable(raw, f"orderItems[{number}].quantityOrdered")
    product, currency = table(item, "product"), paid.total.currency
    price = money(table(product, "price").get("unitPrice"))
    quantity, gone, sent = _units(raw, item, ordered)
    full = paid.goods if paid.told else (price or Money.zero(currency)).times(quantity)
    fulfilled_by = text(table(raw, "fulfillment").get("fulfilledBy"))
    site = text(table(raw, "salesChannel").get("marketplaceId"))
    sku = text(product.get("sellerSku"))
    asked = text(table(item, "cancellation", "cancellationRequest").get("requester")) == "BUYER"
    return SoldLine(
        external_id=text(item.get("orderItemId")),
        offer_id=f"{site}/{sku}" if site and sku else None,
        sku=sku or None,
        title=text(product.get("title")),
        quantity=quantity,
        cancelled=gone,
        shipped=sent,
        unit_price=paid.unit_price(quantity, price) if paid.told else price or Money.zero(currency),
        total=full,
        tax=paid.tax if paid.told and _tells_tax(raw) else None,
        discount=paid.discount if paid.told else None,
        cancellation_requested=asked and quantity > gone + sent,
        fulfilled_by=FULFILLED_BY.get(fulfilled_by, FulfilledBy.MERCHANT),
        ship_by=_end(raw, "shipByWindow"),
    )


def _units(raw: Json, item: Json, ordered: int) -> tuple[int, int, int]:
    """Units sold, cancelled and shipped. Amazon may take cancelled units off what was ordered, down to none; where it
    tells no quantities, a cancellation that was executed and "all items have been shipped" say it."""
    quantity = max(1, ordered)
    told = table(item, "fulfillment")
    sent, left = whole(told.get("quantityFulfilled")), whole(told.get("quantityUnfulfilled"))
    ended = bool(table(item, "cancellation", "cancellationExecution"))
    if sent is None:
        sent = quantity if status(raw) == "SHIPPED" and not ended else 0
    if status(raw) == "CANCELLED" or ordered < 1 or (ended and left is None):
        return quantity, quantity - min(sent, quantity), min(sent, quantity)
    gone = 0 if left is None else max(0, quantity - sent - left)
    return quantity, gone, min(sent, quantity)


def _end(raw: Json, window: str) -> datetime | None:
    return moment(table(raw, "fulfillment", window).get("latestDateTime"))


def _collected_by_amazon(item: Json) -> bool:
    collections = tables(table(item, "tax"), "taxCollections")
    return any(text(part.get("model")) == "MARKETPLACE_FACILITATOR" for part in collections)


def ship_to(raw: Json) -> Address:
    buyer = table(raw, "buyer")
    found = _address(table(raw, "recipient", "deliveryAddress"))
    extra = {"purchase_order": text(buyer.get("buyerPurchaseOrderNumber"))} | {
        "address_type": text(table(raw, "recipient", "deliveryAddress").get("addressType"))
    }
    return found.model_copy(
        update={
            "email": text(buyer.get("buyerEmail")),
            "company": found.company or text(buyer.get("buyerCompanyName")),
            "vat_number": text(_registration(raw).get("taxRegistrationNumber")),
            "extra": {**found.extra, **{name: value for name, value in extra.items() if value}},
        }
    )


def _address(raw: Json) -> Address:
    """Amazon has a name in one piece and three lines; the first is the street, except where it is told apart."""
    first, _, last = text(raw.get("name")).rpartition(" ")
    parts = table(raw, "extendedFields")
    lines = [text(raw.get(f"addressLine{number}")) for number in (2, 3)]
    extra = {
        "district": text(raw.get("districtOrCounty")),
        "municipality": text(raw.get("municipality")),
        "neighborhood": text(parts.get("neighborhood")),
    }
    return Address(
        first_name=first,
        last_name=last,
        company=text(raw.get("companyName")),
        street=text(parts.get("streetName")) or text(raw.get("addressLine1")),
        house_number=text(parts.get("streetNumber")),
        addition=", ".join(line for line in lines if line),
        postcode=text(raw.get("postalCode")),
        city=text(raw.get("city")),
        region=text(raw.get("stateOrRegion")),
        country=text(raw.get("countryCode")),
        phone=text(raw.get("phone")),
        extra={name: value for name, value in extra.items() if value},
    )


def _registration(raw: Json) -> Json:
    found = tables(table(raw, "tax"), "taxRegistrations")
    return next((item for item in found if text(item.get("entityType")) == "BUYER"), {})


def _bill_to(raw: Json) -> Address | None:
    """Business buyers may tell where the invoice goes."""
    registration = _registration(raw)
    place = table(registration, "taxRegistrationAddress")
    if not place:
        return None
    found = _address(place)
    return found.model_copy(
        update={
            "company": text(registration.get("legalName")) or found.company,
            "vat_number": text(registration.get("taxRegistrationNumber")),
            "email": text(table(raw, "buyer").get("buyerEmail")),
        }
    )


def _note(raw: Json) -> str:
    """Where to leave the parcel, and what of each item whoever packs it has to know."""
    wish = table(raw, "recipient", "deliveryPreference")
    words = [text(wish.get("dropOffLocation")), text(wish.get("addressInstruction"))]
    words += [word for item in tables(raw, "orderItems") for word in _to_pack(item)]
    return "\n".join(dict.fromkeys(word for word in words if word))


def _to_pack(item: Json) -> list[str]:
    """Gift card and wrap the buyer paid for, what was made to his wish, and what the carrier must do or be told."""
    gift, shipping = table(item, "fulfillment", "packing", "giftOption"), table(item, "fulfillment", "shipping")
    wrap, ioss = text(gift.get("giftWrapLevel")), table(shipping, "internationalShipping").get("iossNumber")
    words = [text(gift.get("giftMessage")), f"Gift wrap: {wrap}" if wrap else ""]
    words += [CUSTOMISED] if text(table(item, "product", "customization").get("customizedUrl")) else []
    demands = table(shipping, "shippingConstraints")
    words += [said for name, said in DEMANDS.items() if text(demands.get(name)) == "MANDATORY"]
    return [*words, f"IOSS number for the carrier: {text(ioss)}" if text(ioss) else ""]


# Shipments


def package_reference(reference: str) -> str:
    """A positive number, as a string, that stays the same for the same parcel: confirming again changes the package
    instead of adding one."""
    return str(int.from_bytes(hashlib.sha256(reference.encode()).digest()[:4]) + 1)


def shipment_body(sold: MarketplaceOrder, parcel: Parcel, now: datetime) -> Json:
    """A package of an order. ``shipDate`` neither before the order nor in the future, which Amazon refuses."""
    at = max(sold.placed_at, min(parcel.shipped_at or now, now))
    detail: Json = {
        "packageReferenceId": package_reference(parcel.reference),
        "carrierCode": parcel.carrier,
        "trackingNumber": parcel.tracking,
        "shipDate": stamp(at),
        "orderItems": [{"orderItemId": line.external_id, "quantity": line.quantity} for line in parcel.lines],
    }
    if parcel.carrier.startswith(OTHER):
        detail |= {"carrierCode": "Other", "carrierName": parcel.carrier.removeprefix(OTHER)}
    return {"marketplaceId": sold.site, "packageDetail": detail}


def _unreadable(raw: Json, name: str) -> RejectItem:
    what = text(raw.get("orderId")) or "an order"
    words = f"Amazon's answer about {what} has no usable {name}. Handle it in Seller Central and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(sorted(raw))}")
