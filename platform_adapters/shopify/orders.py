"""Orders both ways: a draft as the store is to create it, a store order in our words. Pure.

The store takes an order as it is told: it computes no taxes, no discounts and no shipping. Prices are given for one
unit, so a line whose total does not divide is rounded up, and a discount over the whole order takes the cents back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from bridge.domain.money import MINOR_UNITS, Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreLine, StoreOrder, StoreOrderStatus, Tracking
from bridge.domain.reading import currency_code, moment
from bridge.ports.errors import RejectItem
from bridge.ports.platform import OrderMark, order_total
from platform_adapters.shopify.reading import (
    Json,
    attributes,
    dicts,
    gid,
    money,
    nodes,
    number,
    settled,
    table,
    text,
)

# Keys that begin with _ are left out of what a buyer is shown.
ORDER_KEY, LINE_KEY = "_storebridge_order", "_storebridge_line"
LABEL_KEY, PLACED_KEY, VAT_KEY = "Marketplace order", "Placed", "VAT number"
# Reserved for this app, and unique: the store itself refuses a second order with the same value.
REF_FIELD = {"namespace": "$app", "key": "order_ref", "type": "id"}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
COUNTRY = re.compile(r"[A-Z]{2}")
PROVINCE = re.compile(r"[A-Z0-9]{1,3}")
TAG = 40
DONE = "FULFILLED"
GIVEN_BACK = ("REFUNDED", "VOIDED")


def order_input(draft: OrderDraft, settings: Mapping[str, Any]) -> Json:
    """The order to create, with its reference where the store looks it up, where it is unique, and where it is read."""
    lines = [_line(line, draft) for line in draft.lines]
    named = {LABEL_KEY: draft.label, PLACED_KEY: draft.placed_at.isoformat(), ORDER_KEY: draft.ref}
    if draft.bill_to.vat_number:
        named[VAT_KEY] = draft.bill_to.vat_number
    body: Json = {"currency": draft.currency, "presentmentCurrency": draft.currency, "lineItems": lines}
    body |= {"taxesIncluded": True, "financialStatus": "PAID", "processedAt": draft.placed_at.isoformat()}
    body |= {"sourceIdentifier": draft.ref, "poNumber": draft.external_id[:100], "note": draft.note or None}
    body |= {"metafields": [REF_FIELD | {"value": draft.ref}], "tags": _tags(draft, settings)}
    body |= {"customAttributes": [{"key": key, "value": value} for key, value in named.items()]}
    body |= homes(draft)
    body |= {"name": draft.external_id if settings.get("order_name") == "marketplace" else None}
    body |= _shipping(draft) | _rounding(draft) | _customer(draft, settings)
    payment = {
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": draft.payment_text or draft.channel,
        "amountSet": bag(draft.total),
    }
    return {key: value for key, value in (body | {"transactions": [payment]}).items() if value is not None}


def _tags(draft: OrderDraft, settings: Mapping[str, Any]) -> list[str]:
    wanted = [draft.channel, *(settings.get("order_tags") or ())]
    return list(dict.fromkeys(text(tag).replace(",", " ")[:TAG] for tag in wanted if text(tag)))


def _line(line: DraftLine, draft: OrderDraft) -> Json:
    body: Json = _product(line) | {"title": line.title, "sku": line.sku}
    body |= {"quantity": line.quantity, "priceSet": bag(unit_price(line)), "requiresShipping": True}
    body |= {"properties": [{"name": LINE_KEY, "value": line.ref}]}
    return body | _taxes(line.total, line.tax, draft)


def _product(line: DraftLine) -> Json:
    """Nothing: the store then makes a custom line of it, which is shipped and refunded like any other."""
    if line.variant_id is None:
        return {}
    if not line.variant_id.isdigit():
        raise RejectItem(f"{line.sku or line.title} has no usable variant id in the store.", field="variant_id")
    return {"variantId": gid("ProductVariant", line.variant_id)}


def _taxes(total: Money, tax: Money | None, draft: OrderDraft) -> Json:
    """The VAT in an amount as the marketplace tells it, and whether it is the marketplace that pays it."""
    if tax is None:
        return {"taxable": False} if draft.tax_by_channel else {}
    net = (total - tax).amount
    rate = (tax.amount / net).quantize(Decimal("0.0001")) if net > 0 else Decimal(0)
    line = {"title": "VAT", "rate": str(rate), "priceSet": bag(tax), "channelLiable": draft.tax_by_channel}
    return {"taxLines": [line]}


def _shipping(draft: OrderDraft) -> Json:
    if draft.shipping is None and draft.shipping_method is None:
        return {}
    title, code = f"Shipping {draft.channel}", draft.channel
    if draft.shipping_method is not None:
        title, code = draft.shipping_method.name, draft.shipping_method.code
    price = draft.shipping or Money.zero(draft.currency)
    line: Json = {"title": title, "code": code, "source": "Storebridge", "priceSet": bag(price)}
    taxes = _taxes(price, draft.shipping_tax, draft)
    return {"shippingLines": [line | ({"taxLines": taxes["taxLines"]} if "taxLines" in taxes else {})]}


def unit_price(line: DraftLine) -> Money:
    """What a unit costs, rounded up to the currency's precision."""
    step = Decimal(1).scaleb(-MINOR_UNITS.get(line.total.currency, 2))
    each = (line.total.quantised().amount / line.quantity).quantize(step, rounding=ROUND_CEILING)
    return Money(amount=each, currency=line.total.currency)


def _rounding(draft: OrderDraft) -> Json:
    """The cents by which rounded-up lines exceed their totals, as the one discount an order can have."""
    excess = Money.zero(draft.currency)
    for line in draft.lines:
        excess = excess + unit_price(line).times(line.quantity) - line.total.quantised()
    if not excess.amount:
        return {}
    return {"discountCode": {"itemFixedDiscountCode": {"code": "ROUNDING", "amountSet": bag(excess)}}}


def _customer(draft: OrderDraft, settings: Mapping[str, Any]) -> Json:
    buyer = draft.bill_to
    if not settings.get("buyer_email") or not EMAIL.fullmatch(buyer.email):
        return {}
    person = {"email": buyer.email, "firstName": buyer.first_name, "lastName": buyer.last_name}
    return {"email": buyer.email, "customer": {"toUpsert": person}}


def bag(amount: Money) -> Json:
    """Both sides alike: an order comes in one currency."""
    side = {"amount": str(amount.quantised().amount), "currencyCode": amount.currency}
    return {"shopMoney": side, "presentmentMoney": side}


def homes(draft: OrderDraft, *, coded: bool = True) -> Json:
    """``coded``: provinces by their codes, as far as they are any."""
    return {
        "shippingAddress": address(draft.ship_to, coded=coded),
        "billingAddress": address(draft.bill_to, coded=coded),
    }


def address(given: Address, *, coded: bool = True) -> Json:
    """Two lines for the street; what has no field of its own goes into the second."""
    street = " ".join(part for part in (given.street, given.house_number, given.addition) if part)
    region, country = given.region.strip().upper(), given.country.strip().upper()
    coded = coded and bool(PROVINCE.fullmatch(region))
    second = ", ".join([*given.for_delivery, *([given.region] if region and not coded else [])])
    body = {"firstName": given.first_name, "lastName": given.last_name, "company": given.company}
    body |= {"address1": street, "address2": second, "city": given.city, "zip": given.postcode}
    body |= {"phone": given.phone[:100], "provinceCode": region if coded else ""}
    body |= {"countryCode": country if COUNTRY.fullmatch(country) else ""}
    return {key: value for key, value in body.items() if value}


def order(raw: Json, admin: str) -> StoreOrder:
    """A store order whole. Under ``units`` of each fulfilment and refund stand its lines, and under ``returned``
    what returns gave back; these are read apart."""
    found, currency = number(raw.get("id")), text(raw.get("currencyCode")) or "EUR"
    told, refunded = table(table(raw.get("totalPriceSet")).get("presentmentMoney")), money(raw.get("totalRefundedSet"))
    currency = currency_code(told.get("currencyCode")) or currency
    given_back, words, more = _units(raw.get("refunds")), refund_words(raw), _returned(raw)
    for line, units in _edited_out(raw, given_back).items():
        more[line] = more.get(line, 0) + units
    return StoreOrder(
        external_id=found,
        number=text(raw.get("name")) or found,
        status=status(raw),
        raw_status=raw_status(raw),
        currency=currency,
        total=Money.of(order_total(told.get("amount"), text(raw.get("name")) or found), currency),
        marketplace_ref=marketplace_ref(raw),
        lines=tuple(_store_line(line, given_back, more, words) for line in nodes(raw.get("lineItems"))),
        parcels=parcels(raw),
        refunded=refunded if refunded and refunded.amount else None,
        modified_at=moment(raw.get("updatedAt")),
        link=f"{admin}/orders/{found}",
        cancel_reason=text(raw.get("cancelReason")),
    )


def status(raw: Json) -> StoreOrderStatus:
    financial, fulfilment = raw.get("displayFinancialStatus"), raw.get("displayFulfillmentStatus")
    if raw.get("cancelledAt"):
        return StoreOrderStatus.CANCELLED
    if fulfilment == DONE:
        return StoreOrderStatus.COMPLETED
    if financial in GIVEN_BACK:
        return StoreOrderStatus.REFUNDED
    if financial in ("PENDING", "AUTHORIZED"):
        return StoreOrderStatus.PENDING
    return StoreOrderStatus.ON_HOLD if fulfilment == "ON_HOLD" else StoreOrderStatus.PROCESSING


def raw_status(raw: Json) -> str:
    if raw.get("cancelledAt"):
        return "cancelled"
    parts = (text(raw.get("displayFinancialStatus")), text(raw.get("displayFulfillmentStatus")))
    return ", ".join(part.lower().replace("_", " ") for part in parts if part)


def order_mark(raw: Json, now: datetime) -> OrderMark:
    return OrderMark(
        external_id=number(raw.get("id")),
        modified_at=moment(raw.get("updatedAt")),
        mark=settled(raw.get("updatedAt"), now),
        marketplace_ref=marketplace_ref(raw),
    )


def marketplace_ref(raw: Json) -> str | None:
    return attributes(raw.get("customAttributes")).get(ORDER_KEY) or None


def refund_words(raw: Json) -> dict[str, str]:
    """By line, what somebody wrote into its newest refund; ours, which end in a reference of the order, are not
    asked."""
    found: dict[str, str] = {}
    ours = f"[{marketplace_ref(raw)}/"
    for refund in sorted(dicts(raw.get("refunds")), key=lambda row: int(number(row.get("id")) or 0)):
        note = text(refund.get("note"))
        if ours not in note:
            found |= dict.fromkeys(_lines(refund), note)
    return found


def _returned(raw: Json) -> dict[str, int]:
    """Units by line that returns gave back and no refund tells. Refunds of returns that stores have sent list their
    units (``restock_type`` return, beside the return's id); Shopify promises it nowhere, and none counts twice."""
    returned = table(raw.get("returned"))
    theirs = set(returned.get("refunds") or ())
    told = _units([row for row in dicts(raw.get("refunds")) if row.get("id") in theirs])
    return {line: max(0, units - told.get(line, 0)) for line, units in table(returned.get("units")).items()}


def _edited_out(raw: Json, refunded: Mapping[str, int]) -> dict[str, int]:
    """Units by line that somebody took out of the order by editing it: no refund tells them. Once there are returns,
    units that are in one may be missing too, and only what is neither sent, to be sent nor refunded is counted."""
    if not raw.get("edited") or raw.get("cancelledAt"):
        return {}
    lines = {number(line.get("id")): line for line in nodes(raw.get("lineItems"))}
    if raw.get("returnStatus") == "NO_RETURN":
        here = {key: _whole(line.get("currentQuantity")) + refunded.get(key, 0) for key, line in lines.items()}
    else:
        sent = _units([item for item in dicts(raw.get("fulfillments")) if item.get("status") != "CANCELLED"])
        unsent = _refunded_as(raw, ("CANCEL", "NO_RESTOCK"))
        here = {
            key: _whole(line.get("unfulfilledQuantity")) + sent.get(key, 0) + unsent.get(key, 0)
            for key, line in lines.items()
        }
    return {key: max(0, _whole(line.get("quantity")) - here[key]) for key, line in lines.items()}


def _refunded_as(raw: Json, kinds: Collection[str]) -> dict[str, int]:
    rows = (row for refund in dicts(raw.get("refunds")) for row in dicts(refund.get("units")))
    return _lines({"units": [row for row in rows if row.get("restockType") in kinds]})


def _store_line(raw: Json, refunded: Mapping[str, int], more: Mapping[str, int], words: Mapping[str, str]) -> StoreLine:
    """``more``: units that are gone without a refund that tells them."""
    found, quantity = number(raw.get("id")), _whole(raw.get("quantity"))
    back = refunded.get(found, 0)
    return StoreLine(
        external_id=found,
        variant_id=number(table(raw.get("variant")).get("id")),
        sku=text(raw.get("sku")) or None,
        quantity=quantity,
        # Claimed in full when it was made (DECREMENT_IGNORING_POLICY).
        reduced=quantity,
        refunded=back + min(more.get(found, 0), max(0, quantity - back)),
        refund_reason=words.get(found, ""),
        ref=attributes(raw.get("customAttributes")).get(LINE_KEY) or None,
    )


def parcels(raw: Json) -> tuple[Tracking, ...]:
    """A parcel for each tracking number."""
    found: list[Tracking] = []
    for item in dicts(raw.get("fulfillments")):
        if item.get("status") not in ("SUCCESS", "OPEN", "PENDING"):
            continue
        shipped, reference = moment(item.get("createdAt")), number(item.get("id"))
        infos = dicts(item.get("trackingInfo")) or [{}]
        for place, (info, units) in enumerate(zip(infos, _shares(_lines(item), len(infos)), strict=True)):
            found.append(
                Tracking(
                    ref=f"fulfillment:{reference}" + (f":{place}" if place else ""),
                    carrier=text(info.get("company")),
                    number=text(info.get("number")),
                    url=text(info.get("url")),
                    shipped_at=shipped,
                    lines=units,
                )
            )
    return tuple(parcel for parcel in found if parcel.lines)


def _shares(units: Mapping[str, int], count: int) -> list[dict[str, int]]:
    """A fulfilment with several numbers does not say what is in which: each further one has one unit, as long as the
    first has any left, and whoever bought can follow them all."""
    first, further = dict(units), []
    for _ in range(1, count):
        line = next((line for line in reversed(first) if sum(first.values()) > 1), None)
        further.append({line: 1} if line else {})
        if line:
            first[line] -= 1
            first = {key: left for key, left in first.items() if left}
    return [first, *further]


def _lines(holder: Json) -> dict[str, int]:
    units: dict[str, int] = {}
    for row in dicts(holder.get("units")):
        line = number(table(row.get("lineItem")).get("id"))
        units[line] = units.get(line, 0) + _whole(row.get("quantity"))
    return {line: count for line, count in units.items() if count > 0}


def _units(holders: Any) -> dict[str, int]:
    units: dict[str, int] = {}
    for holder in dicts(holders):
        for line, count in _lines(holder).items():
            units[line] = units.get(line, 0) + count
    return units


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
