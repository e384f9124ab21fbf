"""Miinto's JSON as ours, and back. Pure; unknown fields stay in ``raw``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.domain.order import Address, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.reading import Json, moment, table, tables, text
from bridge.ports.errors import RejectItem
from channel_adapters.miinto.reading import money, whole, words

TRANSFER = "transfer-"
DECLINED = "declined"

# The countries of the shops that are known by name ("Platform-NL"), and what they sell in.
CURRENCIES: Mapping[str, str] = {
    "DK": "DKK",
    "SE": "SEK",
    "NO": "NOK",
    "PL": "PLN",
    "GB": "GBP",
    "CN": "CNY",
    **dict.fromkeys(("NL", "BE", "DE", "FI", "FR", "ES", "IT"), "EUR"),
}


class Known(NamedTuple):
    """What an item of Miinto is in our feed: its ``id`` and GTIN there."""

    sku: str
    gtin: str


def known_items(rows: list[list[str]]) -> dict[str, Known]:
    """The product map by Miinto's own item id."""
    return {row[3]: Known(row[1], row[2]) for row in rows if row[3] and row[1]}


def order_id(shop: str, number: str, *, transfer: bool = False) -> str:
    """``shop/number``: an order is asked for under its shop. A transfer becomes an order of another number."""
    return f"{shop}/{TRANSFER if transfer else ''}{number}"


def split_id(external_id: str) -> tuple[str, str, bool]:
    """Shop, number, and whether it is a transfer."""
    shop, _, number = external_id.rpartition("/")
    return shop, number.removeprefix(TRANSFER), number.startswith(TRANSFER)


def transfer(
    raw: Json, shop: str, country: str, items: Mapping[str, Known], now: datetime, minutes: int | None
) -> MarketplaceOrder:
    """An order that is offered to the shop: it has to be accepted, line by line. ``minutes``: how long there is for it,
    where the merchant knows."""
    currency = _currency(raw, country)
    placed = _placed(raw) or now
    return MarketplaceOrder(
        external_id=order_id(shop, text(raw.get("id")), transfer=True),
        placed_at=placed,
        phase=OrderPhase.AWAITING_ACCEPTANCE,
        site=currency,
        accept_by=placed + timedelta(minutes=minutes) if minutes else None,
        currency=currency,
        shipping_method=_delivery(raw),
        lines=_lines(raw, "pendingPositions", currency, items),
        ship_to=_ship_to(raw),
        bill_to=_bill_to(raw),
        raw=raw,
    )


def order(raw: Json, shop: str, country: str, items: Mapping[str, Known], now: datetime) -> MarketplaceOrder:
    currency = _currency(raw, country)
    lines = _lines(raw, "acceptedPositions", currency, items)
    if text(raw.get("status")) == DECLINED:
        lines = tuple(line.model_copy(update={"cancelled": line.quantity}) for line in lines)
    number = text(table(raw, "parentOrder").get("id"))
    return MarketplaceOrder(
        external_id=order_id(shop, text(raw.get("id"))),
        placed_at=_placed(raw) or now,
        site=currency,
        currency=currency,
        shipping_method=_delivery(raw),
        lines=lines,
        ship_to=_ship_to(raw),
        bill_to=_bill_to(raw),
        note=f"Miinto order {number}" if number else "",
        raw=raw,
    )


def _placed(raw: Json) -> datetime | None:
    return moment(table(raw, "parentOrder").get("createdAt")) or moment(raw.get("createdAt"))


def _currency(raw: Json, country: str) -> str:
    """As told, else that of the shop's country."""
    return text(raw.get("currency")).upper() or CURRENCIES.get(country, "EUR")


def _lines(raw: Json, name: str, currency: str, items: Mapping[str, Known]) -> tuple[SoldLine, ...]:
    """Raises RejectItem naming the field without which a position cannot be handled: none is left out of an order."""
    found = enumerate(tables(raw, name))
    return tuple(_line(part, f"{name}[{place}]", text(raw.get("id")), currency, items) for place, part in found)


def _line(raw: Json, where: str, number: str, currency: str, items: Mapping[str, Known]) -> SoldLine:
    """``price`` is read as that of one unit: the one public client that makes orders of it does so."""
    key, price = text(raw.get("id")), money(raw.get("price"), currency)
    if not key or price is None:
        field = f"{where}.price" if key else f"{where}.id"
        what = number or "an order"
        said = f"Miinto's answer about {what} has no usable {field}. Handle it in Miinto and tell us."
        raise RejectItem(said, field=field)
    item = table(raw, "item")
    # Which field of the item carries Miinto's id is not published: any that the product map knows is it.
    known = next((items[word] for word in words(item) if word in items), None)
    quantity = max(1, whole(raw.get("quantity"), 1))
    return SoldLine(
        external_id=key,
        offer_id=known.sku if known else None,
        sku=known.sku if known else None,
        gtin=text(item.get("gtin")) or (known.gtin if known else None) or None,
        title=text(item.get("title") or item.get("name")),
        quantity=quantity,
        unit_price=price,
        total=price.times(quantity),
    )


def _ship_to(raw: Json) -> Address:
    delivery, (kind, provider) = _delivery_address(raw), _sent_by(raw)
    extra = {"delivery_type": kind, "provider": provider}
    bill = table(raw, "billingInformation")
    return _address(delivery, bill, {name: value for name, value in extra.items() if value})


def _delivery_address(raw: Json) -> Json:
    """Newer answers have the address under ``deliveryAddress``, older ones beside it."""
    shipping = table(raw, "shippingInformation")
    return table(shipping, "deliveryAddress") or shipping


def _sent_by(raw: Json) -> tuple[str, str]:
    """The kind of delivery and who brings it."""
    options = table(table(raw, "shippingInformation"), "deliveryOptions")
    provider = text(table(options, "override").get("providerId")) or text(table(options, "initial").get("providerId"))
    return text(_delivery_address(raw).get("type")), provider


def _delivery(raw: Json) -> str:
    return " ".join(word for word in _sent_by(raw) if word)


def _bill_to(raw: Json) -> Address | None:
    bill = table(raw, "billingInformation")
    return _address(bill, bill, {}) if bill else None


def _address(who: Json, other: Json, extra: dict[str, str]) -> Address:
    """A name is one text: the first word is taken for the first name."""
    place = table(who, "address")
    first, _, last = text(who.get("name")).partition(" ")
    country = text(place.get("countryCode")) or text(place.get("country"))
    if len(country) != 2:
        extra = {**extra, "country": country} if country else extra
        country = ""
    return Address(
        first_name=first,
        last_name=last.strip(),
        street=text(place.get("street")),
        postcode=text(place.get("postcode")),
        city=text(place.get("city")),
        country=country.upper(),
        email=text(who.get("email")) or text(other.get("email")),
        phone=text(who.get("phone")) or text(other.get("phone")),
        extra=extra,
    )
