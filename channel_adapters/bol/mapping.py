"""Their JSON to our domain and back. Pure: no I/O, no clock. Unknown fields are left alone, unknown words kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.domain.listing import LiveOffer
from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, Parcel, SoldLine
from bridge.domain.reading import Json, table, tables, text, whole
from bridge.domain.returns import MarketplaceReturn, ReturnDecision, ReturnLine, cause_in
from bridge.domain.values import fingerprint
from bridge.ports.channel import (
    ContentUpdate,
    OfferDraft,
    OrderRef,
    PushHint,
    SaleStatus,
    SubmissionState,
    SubmissionStatus,
)
from bridge.ports.errors import AskMerchant, RejectItem
from channel_adapters.bol.reading import CURRENCY, midnight, moment, money
from channel_adapters.bol.vocabulary import (
    CONDITIONS,
    COUNTRIES,
    EVENTS,
    FIXES,
    FULFILLED_BY,
    PROCESS_STATES,
    RETURN_CAUSES,
    RETURN_RESULTS,
    SAME_AS_BEFORE,
    TRACKING_OF,
    USUAL,
)

LOWEST_PRICE, HIGHEST_PRICE = 1, 9999


# Offers


def offer_body(draft: OfferDraft, settings: Mapping[str, Any], operator_id: str | None) -> Json:
    """A new offer. Raises RejectItem naming the field bol would refuse."""
    if not draft.gtin:
        raise RejectItem("bol.com sells by EAN only: enter the product's GTIN in the store.", field="gtin")
    if draft.condition not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise RejectItem(f"bol.com knows no condition {draft.condition!r} (only {known}).", field="condition")
    body: Json = {
        "ean": draft.gtin,
        "condition": CONDITIONS[draft.condition],
        "fulfilment": fulfilment(settings),
        "countryAvailabilities": [{"countryCode": code} for code in COUNTRIES[settings.get("countries", "NL and BE")]],
    }
    body |= stock(draft.sku, draft.stock) | price(draft.price)
    if title := draft.content.title.strip()[:500]:
        body["unknownProductTitle"] = title
    if operator_id:
        body["economicOperatorId"] = operator_id
    return body


def reference(sku: str) -> str:
    """Our SKU, by which orders are matched. bol keeps 100 characters."""
    if len(sku) > 100:
        raise RejectItem(f"bol.com keeps SKUs of up to 100 characters; {sku[:30]}... has {len(sku)}.", field="sku")
    return sku


def price(given: Money, before: Json | None = None) -> Json:
    """``before``: the offer as it is. Of its prices for more than one those below this one are kept; bol takes no
    others."""
    if given.currency != CURRENCY:
        raise AskMerchant(f"bol.com sells in {CURRENCY}, the store's prices are in {given.currency}.", field="currency")
    amount = given.quantised().amount
    if not LOWEST_PRICE <= amount <= HIGHEST_PRICE:
        words = f"bol.com accepts prices from {LOWEST_PRICE} to {HIGHEST_PRICE} EUR, not {given.text()}."
        raise RejectItem(words, field="price")
    kept = [
        {"quantity": count, "unitPrice": each.amount}
        for bundle in tables(table(before, "pricing"), "bundlePrices")
        if (count := whole(bundle.get("quantity")) or 1) > 1
        if (each := money(bundle.get("unitPrice"))) is not None and each.amount < amount
    ]
    return {"pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": amount}, *kept]}}


def fulfilment(settings: Mapping[str, Any]) -> Json:
    body: Json = {"method": "FBR", "schedule": settings.get("schedule") or "BOL_DELIVERY_PROMISE"}
    least, most = whole(settings.get("minimum_days")), whole(settings.get("maximum_days"))
    if body["schedule"] == "MY_DELIVERY_PROMISE" and least is not None and most is not None:
        body["deliveryPromise"] = {"minimumDaysToCustomer": least, "maximumDaysToCustomer": most}
    return body


def stock(sku: str, units: int) -> Json:
    """Absolute. ``managedByRetailer``: our number has its reservations taken off already, so bol must not do it again
    (of its own open orders it only counts those placed after this update). The reference keeps orders matched."""
    return {"stock": {"amount": units, "managedByRetailer": True}, "reference": reference(sku)}


def content_body(update: ContentUpdate, language: str) -> Json:
    """Raises RejectItem without a GTIN. A value has a unit only where its attribute has one (bol's demo pages; its
    specification demands one of each value, see ``with_units``)."""
    if not update.gtin:
        raise RejectItem("bol.com needs an EAN to take product content.", field="gtin")
    content = update.content
    named = {"EAN": update.gtin, "Name": content.title, "Description": content.description, "Brand": content.brand}
    values = {name: value for name, value in ({**named, **content.attributes}).items() if value}
    attributes = [{"id": name, "values": _values(value)} for name, value in values.items()]
    body: Json = {"language": language, "attributes": attributes[:150]}
    if content.images:
        # The labels depend on the product's class; FRONT exists for all of them.
        body["assets"] = [{"url": content.images[0], "labels": ["FRONT"]}]
    return body


def with_units(body: Json) -> Json:
    """The same content by the letter of the specification: each value names a unit, if an empty one."""
    attributes = [
        {**attribute, "values": [{**value, "unitId": ""} for value in attribute["values"]]}
        for attribute in body["attributes"]
    ]
    return {**body, "attributes": attributes}


def _values(value: str | tuple[str, ...]) -> list[Json]:
    return [{"value": part[:10000]} for part in (value if isinstance(value, tuple) else (value,))]


def live_offer(raw: Json) -> LiveOffer:
    amounts, prices = table(raw, "stock"), tables(table(raw, "pricing"), "bundlePrices")
    single = next((bundle for bundle in prices if whole(bundle.get("quantity")) == 1), {})
    return LiveOffer(
        offer_id=text(raw.get("offerId")),
        sku=text(raw.get("reference")) or None,
        gtin=text(raw.get("ean")) or None,
        stock=whole(amounts.get("amount")),
        price=money(single.get("unitPrice")),
        title=text(raw.get("unknownProductTitle")) or None,
        for_sale=for_sale(raw),
    )


def for_sale(raw: Json) -> bool | None:
    """On sale in at least one country; None where bol does not say."""
    told = [country.get("forSale") for country in tables(raw, "countryAvailabilities")]
    known = [value for value in told if isinstance(value, bool)]
    return any(known) if known else None


def sale_status(offer_id: str, offer: Json, reasons: Json) -> SaleStatus:
    """bol's reasons, each once. Off sale without a reason: its check has not run yet, so nothing is known."""
    found = [reason for country in tables(reasons, "countries") for reason in tables(country, "reasons")]
    texts = tuple(dict.fromkeys(_reason_text(reason) for reason in found))
    categories = dict.fromkeys(text(reason.get("category")) for reason in found)
    on_sale = for_sale(offer)
    return SaleStatus(
        offer_id=offer_id,
        for_sale=None if on_sale is False and not texts else on_sale,
        reasons=texts,
        fixes=tuple(FIXES[category] for category in categories if category in FIXES),
    )


def _reason_text(reason: Json) -> str:
    words = text(reason.get("description")) or text(reason.get("category"))
    missing = [text(attribute.get("name")) for attribute in tables(reason, "missingAttributes")]
    return f"{words}: {', '.join(missing)}" if missing else words


# Orders


def order_ref(raw: Json) -> OrderRef:
    changes = [moment(item.get("latestChangedDateTime")) for item in tables(raw, "orderItems")]
    known = [change for change in changes if change is not None]
    return OrderRef(external_id=text(raw.get("orderId")), changed_at=max(known, default=None), mark=mark(raw))


def mark(raw: Json) -> str:
    """The state of an order as far as both the list and the detail tell it."""
    names = ("orderItemId", "quantity", "quantityShipped", "quantityCancelled", "latestChangedDateTime")
    items = [[text(item.get(name)) for name in names] for item in tables(raw, "orderItems")]
    asked = [item.get("cancellationRequest") is True for item in tables(raw, "orderItems")]
    return fingerprint(sorted(zip(items, asked, strict=True)))


def order(raw: Json) -> MarketplaceOrder:
    """An order whole. Raises RejectItem naming the field without which it cannot be handled."""
    items = tables(raw, "orderItems")
    changes = [change for item in items if (change := moment(item.get("latestChangedDateTime")))]
    placed = moment(raw.get("orderPlacedDateTime")) or min(changes, default=None)
    if placed is None:
        raise _unreadable(raw, "orderPlacedDateTime")
    if not text(raw.get("orderId")):
        raise _unreadable(raw, "orderId")
    billing = raw.get("billingDetails")
    return MarketplaceOrder(
        external_id=text(raw.get("orderId")),
        placed_at=placed,
        changed_at=max(changes, default=None),
        list_mark=mark(raw),
        currency=CURRENCY,
        shipping_method=_delivery(items),
        lines=tuple(_line(raw, item, number) for number, item in enumerate(items)),
        ship_to=address(table(raw, "shipmentDetails")),
        bill_to=address(billing) if isinstance(billing, dict) else None,
        note=_note(items),
        raw=raw,
    )


def _note(items: list[Json]) -> str:
    """What the buyer chose beside the goods: services with them, and when they are delivered."""
    words: list[str] = []
    for item in items:
        terms = table(item, "fulfilment")
        services = [text(service.get("serviceType")) for service in tables(item, "additionalServices")]
        words += [f"Service bought with it: {_plain(name)}" for name in services if name]
        frame, day = text(terms.get("timeFrameType")), text(terms.get("exactDeliveryDate"))
        words += [f"Delivery: {_plain(frame)}"] if frame not in ("", USUAL) else []
        words += [f"Delivery on {day} exactly"] if day else []
    return "\n".join(dict.fromkeys(words))


def _plain(word: str) -> str:
    return word.replace("_", " ").lower()


def _delivery(items: Sequence[Json]) -> str:
    """The option that the buyer chose ("timeFrameType", retailer-v10.json, OrderFulfilment)."""
    told = (text(table(item, "fulfilment").get("timeFrameType")) for item in items)
    return next((word for word in told if word), "")


def _line(raw: Json, item: Json, number: int) -> SoldLine:
    where = f"orderItems[{number}]"
    quantity, unit_price = whole(item.get("quantity")), money(item.get("unitPrice"))
    if not quantity or quantity < 1:
        raise _unreadable(raw, f"{where}.quantity")
    if unit_price is None:
        raise _unreadable(raw, f"{where}.unitPrice")
    offer, product, terms = table(item, "offer"), table(item, "product"), table(item, "fulfilment")
    return SoldLine(
        external_id=text(item.get("orderItemId")),
        offer_id=text(offer.get("offerId")) or None,
        sku=text(offer.get("reference")) or None,
        gtin=text(product.get("ean")) or None,
        title=text(product.get("title")),
        quantity=quantity,
        cancelled=max(0, whole(item.get("quantityCancelled")) or 0),
        shipped=max(0, whole(item.get("quantityShipped")) or 0),
        unit_price=unit_price,
        total=money(item.get("totalPrice")) or unit_price.times(quantity) - _discounts(item),
        discount=_discounts(item) if tables(item, "discounts") else None,
        cancellation_requested=item.get("cancellationRequest") is True,
        fulfilled_by=FULFILLED_BY.get(text(terms.get("method")), FulfilledBy.MERCHANT),
        ship_by=midnight(terms.get("exactDeliveryDate")) or midnight(terms.get("latestDeliveryDate")),
        expires_at=midnight(terms.get("expiryDate")),
    )


def _discounts(item: Json) -> Money:
    """Of all units of the line together."""
    told = (money(discount.get("amount")) for discount in tables(item, "discounts"))
    return total([amount for amount in told if amount is not None], CURRENCY)


def address(raw: Json) -> Address:
    """What has no field of its own is kept by name."""
    extra = {
        "note": text(raw.get("extraAddressInformation")),
        "pickup_point": text(raw.get("pickupPointName")),
        "salutation": text(raw.get("salutation")),
        "language": text(raw.get("language")),
        "kvk_number": text(raw.get("kvkNumber")),
        "reference": text(raw.get("orderReference")),
    }
    return Address(
        first_name=text(raw.get("firstName")),
        last_name=text(raw.get("surname")),
        company=text(raw.get("company")),
        street=text(raw.get("streetName")),
        house_number=text(raw.get("houseNumber")),
        addition=text(raw.get("houseNumberExtension")),
        postcode=text(raw.get("zipCode")),
        city=text(raw.get("city")),
        country=text(raw.get("countryCode")),
        email=text(raw.get("email")),
        phone=text(raw.get("deliveryPhoneNumber")),
        vat_number=text(raw.get("vatNumber")),
        extra={name: value for name, value in extra.items() if value},
    )


def shipment_body(parcel: Parcel) -> Json:
    items = [{"orderItemId": line.external_id, "quantity": line.quantity} for line in parcel.lines]
    transport = {"transporterCode": parcel.carrier} | ({"trackAndTrace": parcel.tracking} if parcel.tracking else {})
    body: Json = {"orderItems": items, "transport": transport}
    if parcel.reference:
        body["shipmentReference"] = parcel.reference[:90]
    return body


def cancellation_body(line_id: str, code: str) -> Json:
    return {"orderItems": [{"orderItemId": line_id, "reasonCode": code}]}


def carrier_code(carriers: Mapping[str, str], carrier: str, tracking: str) -> str:
    """By the carrier's name, which may be bol's own code; else by the look of the number; else OTHER."""
    name = re.sub(r"[^a-z0-9]", "", carrier.lower())
    if carrier.strip().upper() in carriers.values():
        return carrier.strip().upper()
    if name in carriers:
        return carriers[name]
    number = re.sub(r"\s", "", tracking.upper())
    return next((code for shape, code in TRACKING_OF if re.fullmatch(shape, number)), "OTHER")


# Returns


def marketplace_return(raw: Json, seen_at: datetime) -> MarketplaceReturn:
    """``seen_at`` stands in for a time of registration that is missing."""
    registered = moment(raw.get("registrationDateTime")) or seen_at
    lines = tuple(_return_line(item) for item in tables(raw, "returnItems"))
    return MarketplaceReturn(external_id=text(raw.get("returnId")), registered_at=registered, lines=lines, raw=raw)


def _return_line(item: Json) -> ReturnLine:
    reason = table(item, "returnReason")
    words = (text(reason.get("mainReason")), text(reason.get("detailedReason")))
    return ReturnLine(
        external_id=text(item.get("rmaId")),
        order_id=text(item.get("orderId")) or None,
        gtin=text(item.get("ean")) or None,
        title=text(item.get("title")),
        quantity=max(1, whole(item.get("expectedQuantity")) or 1),
        reason=": ".join(dict.fromkeys(word for word in words if word)),
        cause=cause_in(" ".join(words), RETURN_CAUSES),
        comment=text(reason.get("customerComments")),
        handled=item.get("handled") is True,
    )


def decision_body(decision: ReturnDecision, quantity: int) -> Json:
    return {"handlingResult": RETURN_RESULTS[decision], "quantityReturned": quantity}


# Submissions and events


def submission(raw: Json, key: str) -> SubmissionStatus:
    """A process status under the name it is known by here. A word we do not know is not an end."""
    word = text(raw.get("status"))
    state = PROCESS_STATES.get(word, SubmissionState.PENDING)
    message = text(raw.get("errorMessage")) or ("" if word in ("PENDING", "SUCCESS") else f"bol.com says {word}")
    entity = text(raw.get("entityId")) or None
    return SubmissionStatus(submission=key, state=state, entity_id=entity, message=message)


def upload_status(raw: Json, key: str) -> SubmissionStatus:
    """An upload report: done when all of it is judged, failed when any of it was declined, with the reasons. All of the
    content is sent each time: what bol has already is declined as well, and is no fault."""
    parts = [*tables(raw, "attributes"), *tables(raw, "assets")]
    news = (part for part in parts if text(part.get("subStatus")) not in SAME_AS_BEFORE)
    declined = [_declined(part) for part in news if part.get("status") == "DECLINED"]
    upload_id = text(raw.get("uploadId")) or None
    if raw.get("status") != "COMPLETED":
        return SubmissionStatus(submission=key, state=SubmissionState.PENDING, entity_id=upload_id)
    state = SubmissionState.FAILED if declined else SubmissionState.DONE
    return SubmissionStatus(submission=key, state=state, entity_id=upload_id, message="; ".join(declined))


def _declined(part: Json) -> str:
    name = text(part.get("id")) or text(part.get("url"))
    return f"{name}: {text(part.get('subStatusDescription')) or text(part.get('subStatus')) or 'declined'}"


def push_hint(raw: Json) -> PushHint | None:
    """What an event points at; None for what is of no interest (shipments in transit, competitors' offers, tests)."""
    event = table(raw, "event")
    resource = text(event.get("resource")).removesuffix("S_FOR_SALE").removesuffix("_FOR_SALE").removesuffix("_NOT")
    kind = EVENTS.get("OFFER" if resource.startswith("OFFER") else resource)
    key = text(event.get("resourceId"))
    if kind is None or not key:
        return None
    told = [text(event.get(name)) for name in ("resource", "type", "resourceId")]
    return PushHint(kind=kind, key=key, delivery_id=":".join([*told, text(raw.get("timestamp"))]))


def _unreadable(raw: Json, name: str) -> RejectItem:
    what = text(raw.get("orderId")) or "an order"
    known: Iterable[str] = sorted(raw)
    words = f"bol.com's answer about {what} has no usable {name}. Handle it in the partner platform and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(known)}")
