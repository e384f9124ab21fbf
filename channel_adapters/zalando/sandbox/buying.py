"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from typing import Any, Literal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.zalando.sandbox.market import CHANNELS, NUMBERS, Document, Market, pair
from channel_adapters.zalando.sandbox.people import PEOPLE

DAY = 86400.0


class Wish(control.Wish[control.WishLine]):
    """``country``: of the sales channel; ``status``: of the new order. ``buyer`` has the fields of an address."""

    country: str | None = None
    status: Literal["initial", "approved"] | None = None
    order_type: Literal["PartnerFulfilled", "ZalandoFulfilled"] = "PartnerFulfilled"
    shipping: float | None = None


def place_order(market: Market, wish: Wish) -> Document:
    """One item for each line of the wish, one line for each unit; or NotForSale and no order at all."""
    bought = [(line, *_article(market, wish, line)) for line in wish.lines]
    code = bought[0][1]
    now = market.now()
    status = wish.status or market.options.first_status
    order = _head(market, wish, code) | {"status": status, "created": wish.placed(now), "modified": now}
    order["items"] = [_item(market, order, line, ean) for line, _, ean in bought]
    order["shipments"] = [_default_shipment(market, order)]
    market.docs.put("orders", order["key"], order)
    for line, _, ean in bought:
        _take(market, CHANNELS[code][2], ean, line.quantity)
    return order


def _article(market: Market, wish: Wish, line: control.WishLine) -> tuple[str, str]:
    """Country and EAN of what is bought: where it is for sale before where it is not."""
    articles = market.docs.all("articles").values()
    ean = next((item["ean"] for item in articles if line.sku and item["simple"] == line.sku), line.ean)
    codes = [wish.country] if wish.country else [*market.options.countries]
    if wish.force:
        return codes[0], ean or "4006381333931"
    if ean is None:
        raise NotForSale(f"There is no article {line.name}.", 404)
    found = [code for code in codes if market.is_for_sale(CHANNELS[code][2], ean)]
    if not found:
        raise NotForSale(f"{line.name} cannot be bought.", 409)
    if (left := market.stock_of(CHANNELS[found[0]][2], ean)) < line.quantity:
        raise NotForSale(f"Of {line.name} only {left} can be bought.", 409)
    return found[0], ean


def _take(market: Market, channel: str, ean: str, quantity: int) -> None:
    key = pair(channel, ean)
    if (stock := market.docs.get("stocks", key)) is not None:
        market.docs.put("stocks", key, stock | {"quantity": max(0, stock["quantity"] - quantity)})


def _head(market: Market, wish: Wish, code: str) -> Document:
    number = market.docs.next_id("order", 10101000000001)
    address: dict[str, Any] = {**PEOPLE[number % len(PEOPLE)], **wish.buyer}
    return {
        "key": market.new_uuid("order"),
        "number": str(number),
        "channel": CHANNELS[code][2],
        "type": wish.order_type,
        "address": address,
        "email": f"{number:x}.buyer@example.com",
        "shipping": wish.shipping,
        "exported": False,
        "merchant_order_id": None,
        "tracking_number": None,
        "return_tracking_number": None,
        "tracked_at": None,
    }


def _item(market: Market, order: Document, line: control.WishLine, ean: str) -> Document:
    article = market.article(ean) or {}
    price = market.price_of(order["channel"], ean) or {}
    known = (price.get("promotional") or price.get("regular") or {"amount": 19.95})["amount"]
    paid = known if line.unit_price is None else line.unit_price
    unit = {"price": paid, "status": "initial" if order["status"] == "initial" else "reserved"}
    lines = [_line(market, unit) for _ in range(line.quantity)]
    name = article.get("simple") or line.sku or ean
    return {"key": market.new_uuid("item"), "ean": ean, "sku": name, "name": article.get("name", ""), "lines": lines}


def _line(market: Market, unit: Document) -> Document:
    return unit | {"key": market.new_uuid("line"), "reason": None, "center": None, "tracked": False}


def _default_shipment(market: Market, order: Document) -> Document:
    """Every order has one shipment with all of its lines, until others are made."""
    lines = [line["key"] for item in order["items"] for line in item["lines"]]
    return {"key": market.new_uuid("shipment"), "lines": lines, "status": "initial", "made": False, "at": market.now()}


def currency_of(order: Document) -> str:
    return CHANNELS[NUMBERS[order["channel"]]][1]
