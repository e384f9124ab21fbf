"""Buyers, and how their orders look in the API. A buyer's order is offered to a shop as a transfer, or is accepted
already (as a person does it in Miinto Admin)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.ports.sandbox_control import NotForSale, Wish, WishLine
from channel_adapters.miinto.sandbox.market import STOCK, Document, Market, stamp
from channel_adapters.miinto.sandbox.people import PEOPLE


class MiintoWish(Wish[WishLine]):
    """``transfer``: it has to be accepted first. ``unmapped``: the item has no id."""

    transfer: bool = False
    shop: str | None = None
    currency: str | None = None
    unmapped: bool = False


def place(market: Market, wish: MiintoWish) -> tuple[str, Document]:
    """The kind of what came of it, and itself. Raises NotForSale."""
    shop, currency = wish.shop or next(iter(market.options.shops)), wish.currency or "EUR"
    positions = [_position(market, wish, line, currency) for line in wish.lines]
    kind = "transfers" if wish.transfer else "orders"
    number, parent = market.docs.next_id(kind, 70001 if wish.transfer else 500001), market.docs.next_id("parent", 9001)
    sold: Document = {"id": number, "shop": shop, "created": wish.placed(market.now()), "currency": currency}
    sold |= {"positions": positions, "parent": parent, "buyer": PEOPLE[number % len(PEOPLE)] | wish.buyer}
    sold |= {"status": "pending" if wish.transfer else "accepted"}
    market.docs.put(kind, str(number), sold)
    for position in positions:
        if market.docs.get("items", position["sku"]) is not None:
            market.take_stock(position["sku"], position["quantity"])
    return kind, sold


def _item(market: Market, line: WishLine) -> Document | None:
    name, value = ("id", line.sku) if line.sku else ("gtin", line.ean)
    items: list[Document] = list(market.docs.all("items").values())
    return next((item for item in items if item["row"][name] == value), None)


def _position(market: Market, wish: MiintoWish, line: WishLine, currency: str) -> Document:
    item = _item(market, line)
    if item is None and not wish.force:
        raise NotForSale(f"There is no product {line.name}.", 404)
    if item is not None and not wish.force and int(item["row"][STOCK]) < line.quantity:
        raise NotForSale(f"Of {line.name} only {item['row'][STOCK]} can be bought.", 409)
    row = item["row"] if item else {}
    listed = int(row.get(f"c:retail_price_{currency}:integer") or 1000)
    price = int(Decimal(str(line.unit_price)).scaleb(2)) if line.unit_price is not None else listed
    known = {"miintoItemId": "" if wish.unmapped or item is None else item["miinto_id"]}
    told = {"gtin": row.get("gtin", line.ean or ""), "title": row.get("title", line.name), **known}
    position = {"id": market.docs.next_id("position", 1201), "quantity": line.quantity, "price": price, "item": told}
    return {**position, "sku": row.get("id", line.sku or "")}


def accepted_order(market: Market, transfer: Document, accepted: list[int]) -> Document:
    """What becomes of a transfer: an order of another number, with the positions that were accepted."""
    kept = [item for item in transfer["positions"] if item["id"] in accepted]
    order: Document = {**transfer, "id": market.docs.next_id("orders", 500001), "positions": kept, "status": "accepted"}
    market.docs.put("orders", str(order["id"]), order)
    return order


def _positions(sold: Document) -> list[Document]:
    return [{name: item[name] for name in ("id", "quantity", "price", "item")} for item in sold["positions"]]


def shown_transfer(sold: Document) -> Document:
    """The address comes with the order."""
    body = {"id": sold["id"], "status": sold["status"], "createdAt": stamp(sold["created"])}
    return body | {"currency": sold["currency"], "pendingPositions": _positions(sold)}


def shown_order(sold: Document) -> Document:
    buyer = sold["buyer"]
    contact = {"name": buyer["name"], "email": buyer["email"], "phone": buyer["phone"], "address": buyer["address"]}
    delivery = {"type": buyer["type"], "name": buyer["name"], "address": buyer["address"]}
    options = {"initial": {"providerId": "GLS"}, "override": {"providerId": ""}}
    body: dict[str, Any] = {"id": sold["id"], "status": sold["status"], "currency": sold["currency"]}
    body |= {"parentOrder": {"id": sold["parent"], "createdAt": stamp(sold["created"])}}
    body |= {"acceptedPositions": _positions(sold), "pendingPositions": [], "billingInformation": contact}
    return body | {"shippingInformation": {"deliveryAddress": delivery, "deliveryOptions": options}}
