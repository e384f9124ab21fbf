"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.kaufland.sandbox.market import DAY, Document, Market
from channel_adapters.kaufland.sandbox.people import PEOPLE
from channel_adapters.kaufland.sandbox.products import title_of
from channel_adapters.kaufland.sandbox.units import is_live, note_live

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class WishLine(control.WishLine):
    """What one buyer wants of one product. ``unit_price`` and ``shipping`` in the storefront's currency."""

    shipping: float = 0
    vat: float | None = 19.0


class Wish(control.Wish[WishLine]):
    """An order as a buyer places it. ``buyer`` has the fields of the shipping address; ``force`` buys anything."""

    storefront: str | None = None
    status: Literal["open", "need_to_be_sent"] | None = None
    paid: bool = True
    fulfillment_type: Literal["fulfilled_by_merchant", "fulfilled_by_kaufland"] = "fulfilled_by_merchant"
    deemed_supplier: bool = False
    pickup: bool = False


def place_order(market: Market, wish: Wish) -> Document:
    """One order for all lines of the wish, one piece for each unit bought; or NotForSale and no order at all."""
    bought = [(line, _offer_for(market, wish, line)) for line in wish.lines]
    code = wish.storefront or next((unit["storefront"] for _, unit in bought if unit), "de")
    now = market.now()
    placed = wish.placed(now)
    order: Document = {"id": _order_id(market), "storefront": code, "created": placed, "paid": wish.paid}
    order |= {"deemed": wish.deemed_supplier, "fulfillment_type": wish.fulfillment_type} | _buyer(market, wish)
    order["pieces"] = [
        _piece(market, wish, order, line, unit)["key"] for line, unit in bought for _ in range(line.quantity)
    ]
    market.docs.put("orders", order["id"], order)
    for line, unit in bought:
        _take(market, unit, line.quantity)
    market.emit("order_new", f"/orders/{order['id']}", code)
    return order


def _offer_for(market: Market, wish: Wish, line: WishLine) -> Document | None:
    """The offer bought, one that is for sale before one that is not."""
    name, value = ("id_offer", line.sku) if line.sku else ("ean", line.ean)
    units: list[Document] = [unit for unit in market.docs.all("units").values() if unit[name] == value]
    found = [unit for unit in units if wish.storefront in (None, unit["storefront"])]
    best = max(found, key=lambda unit: is_live(market, unit), default=None)
    if wish.force:
        return best
    if best is None:
        raise NotForSale(f"There is no offer for {value}.", 404)
    if not is_live(market, best) or best["amount"] < line.quantity:
        raise NotForSale(f"Of {value} only {best['amount']} can be bought.", 409)
    return best


def _take(market: Market, unit: Document | None, quantity: int) -> None:
    if unit is not None:
        was_live = is_live(market, unit)
        unit |= {"amount": max(0, unit["amount"] - quantity)}
        market.docs.put("units", str(unit["id_unit"]), unit)
        note_live(market, unit, was_live)


def _piece(market: Market, wish: Wish, order: Document, line: WishLine, unit: Document | None) -> Document:
    number = market.docs.next_id("piece", 314568000001)
    price = int(Decimal(str(line.unit_price)).scaleb(2)) if line.unit_price is not None else None
    ean = unit["ean"] if unit else line.ean or "4009750243800"
    piece: Document = {"key": str(number), "order": order["id"], "storefront": order["storefront"], "ean": ean}
    piece |= {"id_offer": unit["id_offer"] if unit else line.sku, "title": title_of(market, ean, order["storefront"])}
    piece |= {"price": price if price is not None else unit["listing_price"] if unit else 999, "vat": line.vat}
    piece |= {"shipping_rate": int(Decimal(str(line.shipping)).scaleb(2)), "note": unit["note"] if unit else None}
    piece |= {"condition": unit["condition"] if unit else "NEW", "status": wish.status or market.options.first_status}
    piece |= {"created": order["created"], "updated": max(order["created"], 0), "cancel_reason": None, "received": None}
    piece |= {"expires": order["created"] + 4 * DAY, "fulfillment_type": wish.fulfillment_type}
    piece |= {"shipments": [], "refunds": []}
    market.docs.put("pieces", piece["key"], piece)
    return piece


def _order_id(market: Market) -> str:
    """Seven letters and digits, never the same twice."""
    value = market.docs.next_id("order") * 48271 % (24**5)
    text = ""
    for _ in range(5):
        value, digit = divmod(value, 24)
        text = LETTERS[digit] + text
    return f"M{text}1"


def _buyer(market: Market, wish: Wish) -> Document:
    number = market.docs.next_id("buyer")
    address = PEOPLE[number % len(PEOPLE)] | wish.buyer
    place = {"pickup_location_id": "DE-4711", "provider": "DHL", "carrier": "DHL", "services": "packstation"}
    pickup = place | {"dhl_post_number": "12345678"} if wish.pickup else None
    buyer = {"id_buyer": 7000 + number, "email": f"{number:x}.buyer@marketplace.kaufland.example"}
    return {"buyer": buyer, "shipping": address, "billing": address, "pickup": pickup}
