"""Their JSON to our domain and back. Pure: no I/O, no clock. Unknown fields are left alone, unknown words kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money, total
from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.reading import Json, moment, table, tables, text, texts, whole
from bridge.domain.returns import MarketplaceReturn, ReturnCause, ReturnLine
from bridge.domain.values import fingerprint
from bridge.ports.channel import OfferDraft, OrderRef, SaleStatus, SubmissionState, SubmissionStatus
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Site
from channel_adapters.kaufland.reading import cents, money
from channel_adapters.kaufland.vocabulary import (
    CANCELLED,
    CONDITIONS,
    FULFILLED_BY,
    HIGHEST_PRICE,
    OFFER_ATTRIBUTES,
    OPEN,
    REFUSED_VALUES,
    RETURN_CAUSES,
    RETURN_ON_ITS_WAY,
    RETURNS_DECIDED,
    SHIPPED,
    TO_SEND,
    UPDATE_STATES,
    VAT_INDICATORS,
)

# Times are told in seconds: what changes twice within one is seen only once that second is long over.
SETTLED = timedelta(seconds=30)


# Offers. An offer's id is ``de:123``: units are addressed by storefront and number.


def offer_id(site: str, unit_id: object) -> str:
    return f"{site}:{unit_id}"


def place_of(offer: str) -> tuple[str, str]:
    """Storefront and unit number. Raises RejectItem for an id that is not ours."""
    site, _, unit_id = offer.partition(":")
    if not site or not unit_id.isdigit():
        raise RejectItem(f"{offer!r} is no offer of Kaufland: storefront:number is expected.", field="offer_id")
    return site, unit_id


def unit_body(draft: OfferDraft, site: Site, settings: Mapping[str, Any]) -> Json:
    """A new unit. Raises RejectItem naming the field Kaufland would refuse."""
    if not draft.gtin or not draft.gtin.isdigit() or len(draft.gtin) not in (13, 14):
        words = "Kaufland sells by EAN only: enter the product's GTIN (13 or 14 digits) in the store."
        raise RejectItem(words, field="gtin")
    if draft.condition not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise RejectItem(f"Kaufland knows no condition {draft.condition!r} (only {known}).", field="condition")
    days = settings.get("handling_days", 1) if draft.handling_days is None else draft.handling_days
    body: Json = {"ean": draft.gtin, "id_offer": draft.sku, "condition": CONDITIONS[draft.condition]}
    body |= stock(draft.stock) | price(draft.price, site) | {"handling_time": whole(days) or 0}
    chosen = {
        "id_shipping_group": shipping_group(settings, site.code),
        "id_warehouse": whole(settings.get("warehouse") or None),
        "vat_indicator": _vat_indicator(settings),
    }
    return body | {name: value for name, value in chosen.items() if value is not None} | terms(draft.content)


def shipping_group(settings: Mapping[str, Any], site: str) -> int | None:
    """The setting holds ``de:123`` for each storefront that has one."""
    chosen = dict(str(item).split(":", 1) for item in settings.get("shipping_groups") or () if ":" in str(item))
    return whole(chosen.get(site))


def terms(content: OfferContent) -> Json:
    """What the merchant's attributes say of the offer itself, not of the product. Raises RejectItem."""
    vat, group = (content.attributes.get(name) for name in OFFER_ATTRIBUTES)
    if vat and vat not in VAT_INDICATORS:
        words = f"Kaufland knows no VAT indicator {vat!r} (only {', '.join(VAT_INDICATORS)})."
        raise RejectItem(words, field="vat_indicator")
    if group and whole(group) is None:
        raise RejectItem(f"{group!r} is no number of a shipping group.", field="id_shipping_group")
    return ({"vat_indicator": vat} if vat else {}) | ({"id_shipping_group": whole(group)} if group else {})


def _vat_indicator(settings: Mapping[str, Any]) -> str | None:
    word = settings.get("vat_indicator") or "highest"
    return None if word == "highest" else str(word)


def stock(units: int) -> Json:
    return {"amount": units}


def price(given: Money, site: Site) -> Json:
    if given.currency != site.currency:
        words = f"Kaufland sells in {site.currency} in {site.country}, this price is in {given.currency}."
        raise RejectItem(words, field="currency")
    amount = given.quantised()
    if not 0 < amount.amount <= HIGHEST_PRICE[site.currency]:
        most = HIGHEST_PRICE[site.currency]
        words = f"Kaufland accepts prices from 0.01 to {most} {site.currency}, not {given.text()}."
        raise RejectItem(words, field="price")
    return {"listing_price": cents(amount)}


def product_data(gtin: str, content: OfferContent, settings: Mapping[str, Any]) -> Json:
    """Every attribute is a list of values. The merchant's own attributes, by Kaufland's names, go before ours."""
    named = {
        "title": content.title,
        "description": content.description,
        "manufacturer": content.brand,
        "category": content.category,
        "picture": content.images,
    }
    given = {**named, **content.attributes}
    about = {name: value for name, value in given.items() if value and name not in OFFER_ATTRIBUTES}
    attributes: Json = {name: _values(value) for name, value in about.items()}
    if contact := _safety_contact(settings):
        attributes["product_safety_contact"] = contact
    return {"ean": [gtin], "attributes": attributes}


def _values(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _safety_contact(settings: Mapping[str, Any]) -> Json | None:
    name, address = text(settings.get("safety_name")), text(settings.get("safety_address"))
    if not name or not address:
        return None
    email = text(settings.get("safety_email"))
    return {"name": name, "address": address} | ({"email_address": email} if email else {})


def live_offer(raw: Json, site: Site, asked: str | None = None) -> LiveOffer:
    """``asked`` is the GTIN it was found by; a product may have several."""
    product = table(raw, "product")
    gtins = [asked] if asked else texts(product, "eans")
    return LiveOffer(
        offer_id=offer_id(site.code, text(raw.get("id_unit"))),
        site=site.code,
        sku=text(raw.get("id_offer")) or None,
        gtin=gtins[0] if len(gtins) == 1 else None,
        stock=whole(raw.get("amount")),
        price=money(raw.get("listing_price"), text(raw.get("currency")) or site.currency),
        title=text(product.get("title")) or None,
        for_sale=for_sale(raw),
    )


def for_sale(raw: Json) -> bool | None:
    """None for a status we do not know."""
    known = {"AVAILABLE": (whole(raw.get("amount")) or 0) > 0, "ONHOLD": False, "INCOMPLETE": False}
    return known.get(text(raw.get("status")))


def sale_status(offer: str, raw: Json, about: Json) -> SaleStatus:
    """``about`` is the status of our own product data, empty where there is none."""
    status, reasons, fixes = text(raw.get("status")), [], []
    if status == "ONHOLD":
        reasons.append("The offer is put on hold.")
        fixes.append("Release it in the Kaufland seller portal.")
    elif status == "INCOMPLETE":
        reasons += data_problems(about) or ["Kaufland has not enough product data for it."]
        fixes.append("Complete title, description, picture, category and attributes in the store.")
    elif status == "AVAILABLE" and for_sale(raw) is False:
        reasons.append("Nothing is in stock.")
        fixes.append("Nothing to do when it is sold out; otherwise check the stock in the store.")
    return SaleStatus(offer_id=offer, for_sale=for_sale(raw), reasons=tuple(reasons), fixes=tuple(fixes))


def data_status(raw: Json, key: str) -> SubmissionStatus:
    """Done when all is taken, failed when any of it was refused, with the reasons. An unknown word is no end."""
    word, problems = text(raw.get("update_status")), data_problems(raw)
    state = UPDATE_STATES.get(word, SubmissionState.PENDING)
    if state is SubmissionState.PENDING:
        return SubmissionStatus(submission=key, state=state, message="" if word in UPDATE_STATES else word)
    if state is SubmissionState.FAILED and not problems:
        problems = [f"Kaufland says {word} without a reason; the product data has to be looked at in its portal"]
    failed = state is SubmissionState.FAILED or bool(problems)
    state = SubmissionState.FAILED if failed else SubmissionState.DONE
    product = text(raw.get("id_product")) or None
    return SubmissionStatus(submission=key, state=state, entity_id=product, message="; ".join(problems))


def data_problems(raw: Json) -> list[str]:
    """What Kaufland did not take of our product data or still lacks."""
    whys = [text(raw.get(name)) for name in ("update_fail_reason", "product_not_ready_reason")]
    found = [why for why in whys if why and why != "NOT_YET_PROCESSED"]
    for value in tables(raw, "attribute_values"):
        if text(value.get("state")) in REFUSED_VALUES:
            words = text(value.get("message")) or text(value.get("state")).lower()
            found.append(f"{text(value.get('attribute'))}: {words}")
    if missing := texts(raw, "missing_attributes"):
        found.append(f"missing: {', '.join(missing)}")
    if either := texts(raw, "min_one_missing_attributes"):
        found.append(f"at least one is missing of: {', '.join(either)}")
    return list(dict.fromkeys(found))


# Orders


def mark(changed: object, read_at: datetime) -> str:
    """The state of an order as far as both the list and the detail tell it: when one of its pieces changed last, with
    a question mark while that moment is too near to be the last word."""
    at = moment(changed)
    if at is None:
        return fingerprint([text(changed)])
    return at.isoformat() + ("?" if read_at - at < SETTLED else "")


def _latest(times: list[str]) -> str:
    """As it was told: the same moment has several spellings, by offset."""
    known = {at: told for told in times if (at := moment(told))}
    return known[max(known)] if known else max(times, default="")


def order_ref(raw: Json, read_at: datetime) -> OrderRef:
    changed = raw.get("ts_units_updated_iso")
    return OrderRef(external_id=text(raw.get("id_order")), changed_at=moment(changed), mark=mark(changed, read_at))


def refs_of_units(units: list[Json], read_at: datetime) -> tuple[OrderRef, ...]:
    """The orders of these pieces, each once."""
    times: dict[str, list[str]] = {}
    for unit in units:
        times.setdefault(text(unit.get("id_order")), []).append(text(unit.get("ts_updated_iso")))
    latest = {order_id: _latest(told) for order_id, told in times.items()}
    return tuple(
        OrderRef(external_id=order_id, changed_at=moment(changed), mark=mark(changed, read_at))
        for order_id, changed in latest.items()
    )


def order(raw: Json, read_at: datetime, *, accept: bool) -> MarketplaceOrder:
    """An order whole, each piece of it a line. ``accept``: open pieces are ours to accept, else they are waited for.
    Raises RejectItem naming the field without which it cannot be handled."""
    units = tables(raw, "order_units")
    times = [text(unit.get("ts_updated_iso")) for unit in units if unit.get("ts_updated_iso")]
    placed = moment(raw.get("ts_created_iso")) or min(filter(None, map(moment, times)), default=None)
    if not text(raw.get("id_order")) or placed is None:
        raise _unreadable(raw, "ts_created_iso" if text(raw.get("id_order")) else "id_order")
    currency = next((text(unit.get("currency")) for unit in units if text(unit.get("currency"))), "")
    if not currency:
        raise _unreadable(raw, "order_units[0].currency")
    changed = _latest(times)
    lines = tuple(_line(raw, unit, number, currency) for number, unit in enumerate(units))
    shipping, shipping_tax = _shipping(units, currency)
    billing = raw.get("billing_address")
    tickets = sorted({ticket for unit in units for ticket in cancel_tickets(unit)})
    return MarketplaceOrder(
        external_id=text(raw.get("id_order")),
        placed_at=placed,
        changed_at=moment(changed),
        list_mark="!".join([mark(changed, read_at), *tickets]),
        phase=phase([text(unit.get("status")) for unit in units], accept=accept),
        site=text(raw.get("storefront")),
        currency=currency,
        lines=lines,
        shipping=shipping,
        shipping_tax=shipping_tax,
        tax_by_channel=raw.get("is_marketplace_deemed_supplier") is True,
        ship_to=address(table(raw, "shipping_address"), raw),
        bill_to=address(billing, raw) if isinstance(billing, dict) else None,
        raw=raw,
    )


def phase(statuses: list[str], *, accept: bool) -> OrderPhase:
    """Nothing is shipped of an order while a piece of it is open, or in a state that we do not know."""
    known = SHIPPED | {OPEN, TO_SEND, CANCELLED}
    if any(status not in known for status in statuses):
        return OrderPhase.PENDING
    if OPEN in statuses:
        return OrderPhase.AWAITING_ACCEPTANCE if accept else OrderPhase.PENDING
    return OrderPhase.READY


def _line(raw: Json, unit: Json, number: int, currency: str) -> SoldLine:
    """One piece: Kaufland has a record of its own for each, with its own price, state, cancellation and return."""
    where, unit_price = f"order_units[{number}]", money(unit.get("price"), currency)
    if not text(unit.get("id_order_unit")):
        raise _unreadable(raw, f"{where}.id_order_unit")
    if unit_price is None:
        raise _unreadable(raw, f"{where}.price")
    product, status = table(unit, "product"), text(unit.get("status"))
    fulfilment = text(unit.get("fulfillment_type")) or text(raw.get("fulfillment_type"))
    gtins = texts(product, "eans")
    return SoldLine(
        external_id=text(unit.get("id_order_unit")),
        sku=text(unit.get("id_offer")) or None,
        gtin=gtins[0] if len(gtins) == 1 else None,
        title=text(product.get("title")),
        quantity=1,
        cancelled=int(status == CANCELLED),
        shipped=int(status in SHIPPED),
        unit_price=unit_price,
        total=unit_price,
        tax=tax_in(unit_price, unit.get("vat")),
        cancellation_requested=bool(cancel_tickets(unit)),
        fulfilled_by=FULFILLED_BY.get(fulfilment, FulfilledBy.MERCHANT),
        ship_by=moment(unit.get("delivery_time_expires_iso")),
    )


def tax_in(amount: Money, percent: object) -> Money | None:
    """The VAT contained in an amount, by its rate; None where no rate is told."""
    try:
        rate = Decimal(str(percent)) if percent is not None and not isinstance(percent, bool) else None
    except ArithmeticError:
        return None
    if rate is None or not rate.is_finite() or rate < 0:
        return None
    return Money(amount=amount.amount * rate / (100 + rate), currency=amount.currency).quantised()


def _shipping(units: list[Json], currency: str) -> tuple[Money | None, Money | None]:
    """The shipping costs of all pieces, and the VAT in them where every piece tells its rate."""
    rates = [(amount, unit.get("vat")) for unit in units if (amount := money(unit.get("shipping_rate"), currency))]
    if not rates:
        return None, None
    taxes = [tax_in(amount, vat) for amount, vat in rates]
    known = [tax for tax in taxes if tax is not None]
    whole_tax = total(known, currency) if len(known) == len(taxes) else None
    return total([amount for amount, _ in rates], currency), whole_tax


def cancel_tickets(unit: Json) -> list[str]:
    """Open tickets in which the buyer of this piece asks to cancel, and which wait for us."""
    return [
        text(ticket.get("id_ticket"))
        for ticket in tables(unit, "tickets")
        if text(ticket.get("topic")) == "order_cancel"
        and text(ticket.get("status")) == "opened"
        and ticket.get("is_seller_responsible") is not False
    ]


def address(raw: Json, order_raw: Json) -> Address:
    """What has no field of its own is kept by name."""
    pickup = table(table(order_raw, "delivery"), "pickup_location")
    extra = {
        "note": text(raw.get("additional_field")),
        "pickup_point": text(pickup.get("pickup_location_id")),
        "pickup_provider": text(pickup.get("provider")),
        "pickup_carrier": text(pickup.get("carrier")),
        "post_number": text(pickup.get("dhl_post_number")),
    }
    return Address(
        first_name=text(raw.get("first_name")),
        last_name=text(raw.get("last_name")),
        company=text(raw.get("company_name")),
        street=text(raw.get("street")),
        house_number=text(raw.get("house_number")),
        postcode=text(raw.get("postcode")),
        city=text(raw.get("city")),
        country=text(raw.get("country")).upper(),
        email=text(table(order_raw, "buyer").get("email")),
        phone=text(raw.get("phone")),
        extra={name: value for name, value in extra.items() if value},
    )


# Returns


def return_line(raw: Json, piece: Json) -> ReturnLine:
    """``piece`` is the order unit that comes back, empty where it was not asked for."""
    product, status = table(piece, "product"), text(raw.get("status"))
    gtins = texts(product, "eans")
    return ReturnLine(
        external_id=text(raw.get("id_return_unit")),
        order_id=text(piece.get("id_order")) or None,
        order_line_id=text(raw.get("id_order_unit")) or None,
        sku=text(piece.get("id_offer")) or None,
        gtin=gtins[0] if len(gtins) == 1 else None,
        title=text(product.get("title")),
        quantity=1,
        reason=text(raw.get("reason")),
        cause=RETURN_CAUSES.get(text(raw.get("reason")), ReturnCause.OTHER),
        comment=text(raw.get("note")),
        handled=status in RETURNS_DECIDED,
        received=status != RETURN_ON_ITS_WAY if status else None,
    )


def marketplace_returns(pairs: list[tuple[Json, Json]], seen_at: datetime) -> tuple[MarketplaceReturn, ...]:
    """Return units by return. ``seen_at`` stands in for a time of registration that is missing."""
    by_return: dict[str, list[tuple[Json, Json]]] = {}
    for raw, piece in pairs:
        by_return.setdefault(text(raw.get("id_return")), []).append((raw, piece))
    return tuple(
        MarketplaceReturn(
            external_id=return_id,
            registered_at=min(filter(None, (moment(raw.get("ts_created_iso")) for raw, _ in units)), default=seen_at),
            lines=tuple(return_line(raw, piece) for raw, piece in units),
            raw={"return_units": [raw for raw, _ in units]},
        )
        for return_id, units in by_return.items()
    )


def _unreadable(raw: Json, name: str) -> RejectItem:
    what = text(raw.get("id_order")) or "an order"
    words = f"Kaufland's answer about {what} has no usable {name}. Handle it in the seller portal and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(sorted(raw))}")
