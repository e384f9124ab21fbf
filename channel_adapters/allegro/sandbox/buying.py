"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.allegro.sandbox import offers, orders
from channel_adapters.allegro.sandbox.market import CURRENCIES, DAY, LANGUAGES, Document, Market, new_id, stamp

PEOPLE: tuple[Document, ...] = (
    {"firstName": "Anna", "lastName": "Kowalska", "street": "Prosta 1/2", "zipCode": "00-999", "city": "Warszawa"},
    {"firstName": "Zdeněk", "lastName": "Dvořák", "street": "Dlouhá třída 12", "zipCode": "110 00", "city": "Praha"},
    {"firstName": "Ľubica", "lastName": "Šťastná", "street": "Hlavná 7", "zipCode": "811 01", "city": "Bratislava"},
)


class WishLine(control.WishLine):
    """``original_price`` before discounts; ``service`` and ``deposit`` are paid on top, for each unit."""

    original_price: float | None = None
    service: float | None = None
    deposit: float | None = None
    tax_rate: str | None = "23.00"


class Wish(control.Wish[WishLine]):
    """``buyer`` has the fields of the delivery address."""

    marketplace: str | None = None
    status: Literal["BOUGHT", "FILLED_IN", "READY_FOR_PROCESSING"] = "READY_FOR_PROCESSING"
    payment: Literal["ONLINE", "CASH_ON_DELIVERY"] = "ONLINE"
    provider: Literal["SELLER", "ALLEGRO"] = "SELLER"
    invoice: Document | None = None
    pickup: bool = False
    message: str | None = None
    delivery_cost: float = 0


def place_order(market: Market, wish: Wish) -> Document:
    """One checkout form for all lines of the wish; or NotForSale and no order at all. What is sold leaves the offer."""
    bought = [(line, _offer_for(market, line, force=wish.force)) for line in wish.lines]
    place = wish.marketplace or market.options.base
    currency = CURRENCIES[place.replace("-business-", "-")]
    placed = wish.placed(market.now())
    order: Document = {"id": new_id(), "marketplace": place, "currency": currency, "created": placed}
    order |= {"updated": placed, "revision": 1, "status": wish.status, "fulfillment": "NEW", "provider": wish.provider}
    order |= {"payment": {"id": new_id(), "type": wish.payment}, "shipments": [], "note": wish.message}
    order |= {"cost": _amount(wish.delivery_cost, currency), "invoice": wish.invoice, "pickup": wish.pickup}
    order |= _buyer(market, wish, place)
    order["lines"] = [_line(line, offer, placed, order) for line, offer in bought]
    market.docs.put("orders", order["id"], order)
    for line, offer in bought:
        if offer is not None:
            offers.apply(market, offer, {"stock": max(0, offer["stock"] - line.quantity)})
    orders.emit(market, order, wish.status)
    return order


def _amount(value: float, currency: str) -> Document:
    return {"amount": str(Decimal(str(value)).quantize(Decimal("0.01"))), "currency": currency}


def _offer_for(market: Market, line: WishLine, *, force: bool) -> Document | None:
    """The offer bought, one that is on sale before one that is not."""
    name, value = ("external", line.sku) if line.sku else ("gtin", line.ean)
    found: list[Document] = [offer for offer in market.docs.all("offers").values() if offer[name] == value]
    best = max(found, key=lambda offer: offer["status"] == "ACTIVE", default=None)
    if force:
        return best
    if best is None:
        raise NotForSale(f"There is no offer for {value}.", 404)
    if best["status"] != "ACTIVE" or best["stock"] < line.quantity:
        raise NotForSale(f"Of {value} only {best['stock']} can be bought ({best['status']}).", 409)
    return best


def _line(line: WishLine, offer: Document | None, placed: float, order: Document) -> Document:
    currency = order["currency"]
    known = offer["additional"].get(order["marketplace"], offer["price"]) if offer else _amount(9.99, currency)
    price = _amount(line.unit_price, currency) if line.unit_price is not None else known
    before = _amount(line.original_price, currency) if line.original_price is not None else price
    named: Document = {"id": offer["id"] if offer else "7680000000", "name": offer["name"] if offer else "Produkt"}
    reference = offer["external"] if offer else line.sku
    named |= {"external": {"id": reference}} if reference else {}
    body: Document = {"id": new_id(), "offer": named, "quantity": line.quantity, "originalPrice": before}
    body |= {"price": price, "boughtAt": stamp(placed), "reconciliation": None, "selectedAdditionalServices": []}
    body["discounts"] = [{"type": "COUPON"}] if before != price else []
    if line.service is not None:
        service = {"definitionId": "CARRY_IN", "name": "Wniesienie", "price": _amount(line.service, currency)}
        body["selectedAdditionalServices"] = [service | {"quantity": line.quantity}]
    if line.deposit is not None:
        body["deposit"] = {"price": _amount(line.deposit, currency)}
    if line.tax_rate is not None:
        body["tax"] = {"rate": line.tax_rate, "subject": "GOODS", "exemption": None}
    return {name: value for name, value in body.items() if value is not None}


def _buyer(market: Market, wish: Wish, place: str) -> Document:
    turn = market.docs.next_id("buyer")
    country = place.rsplit("-", 1)[-1].upper()
    address = PEOPLE[turn % len(PEOPLE)] | {"countryCode": country, "phoneNumber": "+48 600 100 200"} | wish.buyer
    names = {name: address[name] for name in ("firstName", "lastName")}
    home = {"street": address["street"], "city": address["city"], "postCode": address["zipCode"]}
    buyer: Document = {"id": str(5000 + turn), "email": f"{turn:x}+buyer@user.allegromail.example", "guest": False}
    buyer |= {"login": f"buyer_{turn}", "phoneNumber": address["phoneNumber"], **names}
    buyer |= {"address": home | {"countryCode": address["countryCode"]}}
    language = LANGUAGES[place.replace("-business-", "-")]
    return {"buyer": buyer | {"preferences": {"language": language}}, "address": address}


def dispatch_times(order: Document) -> Document:
    ready, due = order["created"], order["created"] + DAY
    window: Document = {"from": stamp(ready + 2 * DAY), "to": stamp(ready + 3 * DAY)}
    return window | {"dispatch": {"from": stamp(ready), "to": stamp(due)}}
