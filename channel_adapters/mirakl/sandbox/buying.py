"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.mirakl.sandbox.market import Document, Market
from channel_adapters.mirakl.sandbox.offers import inactivity, wire
from channel_adapters.mirakl.sandbox.people import PEOPLE


class WishLine(control.Asked):
    sku: str
    quantity: int = Field(default=1, ge=1)
    unit_price: float | None = None
    discount: float = 0
    fee: float = 0


class Wish(control.Wish[WishLine]):
    """An order as a buyer places it. ``buyer`` has the fields of a Mirakl address; ``force`` buys anything; ``state``
    leaves the order in that state."""

    pickup_point: str | None = None
    centre: str = "DEFAULT"
    shipping_price: float | None = None
    state: str | None = None


def place_order(market: Market, wish: Wish) -> Document:
    """One order for all lines of the wish, or NotForSale and no order at all. What is sold leaves the offer."""
    bought = [(line, _offer(market, line, wish.force)) for line in wish.lines]
    for line, offer in bought:
        if offer is not None and not wish.force:
            market.docs.put("offers", line.sku, offer | {"quantity": offer["quantity"] - line.quantity})
    number = market.docs.next_id("order", 10001)
    placed = wish.placed(market.now())
    key = f"SB{number}-A"
    lines = [_line(market, wish, f"{key}-{n}", *pair) for n, pair in enumerate(bought, 1)]
    order: Document = {"order_id": key, "commercial_id": f"SB{number}", "created": placed, "updated": placed}
    order |= {"lines": lines, "buyer": dict(PEOPLE[number % len(PEOPLE)]) | wish.buyer, "centre": wish.centre}
    order |= {"pickup_point": wish.pickup_point, "references": {}, "held": wish.state is not None}
    manual = market.options.acceptance == "NOT_AUTOMATIC"
    order["order_state"] = wish.state or ("WAITING_ACCEPTANCE" if manual else "WAITING_DEBIT")
    order["debit_due"] = market.now() + market.options.debit_seconds
    for item in lines:
        item["state"] = order["order_state"]
    market.docs.put("orders", key, order)
    return order


def _offer(market: Market, line: WishLine, force: bool) -> Document | None:
    offer: Document | None = market.docs.get("offers", line.sku)
    if force:
        return offer
    if offer is None:
        raise NotForSale(f"There is no offer for {line.sku}.", 404)
    if inactivity(market, offer):
        raise NotForSale(f"The offer for {line.sku} is not for sale.", 409)
    if offer["quantity"] < line.quantity:
        raise NotForSale(f"Of {line.sku} only {offer['quantity']} can be bought.", 409)
    return offer


def _line(market: Market, wish: Wish, key: str, line: WishLine, offer: Document | None) -> Document:
    """Prices are kept with their taxes, as buyers pay them."""
    shown = wire(market, offer) if offer else {}
    price = line.unit_price if line.unit_price is not None else float(shown.get("price", 9.99))
    shipping = market.options.shipping_price if wish.shipping_price is None else wish.shipping_price
    body: Document = {"key": key, "sku": line.sku, "quantity": line.quantity, "unit": price}
    body |= {"discount": line.discount, "fee": line.fee, "shipping": shipping}
    body |= {"offer_id": shown.get("offer_id", 0), "title": shown.get("product_title", f"Product {line.sku}")}
    body |= {"product_sku": shown.get("product_sku", ""), "category": shown.get("category_code", "")}
    return body | {"cancelations": [], "refunds": [], "shipped": 0, "shipped_at": None}
