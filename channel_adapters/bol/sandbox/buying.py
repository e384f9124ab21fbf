"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from typing import Any, Literal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.bol.sandbox.availability import corrected_stock, is_live, title_of
from channel_adapters.bol.sandbox.market import DAY, Document, Market, local_date, noon
from channel_adapters.bol.sandbox.offers import note_live
from channel_adapters.bol.sandbox.people import PEOPLE

ORDER_ID_SPACE = 36**9
DELIVERY_ONLY = ("pickupPointName", "deliveryPhoneNumber", "language")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class WishLine(control.WishLine):
    """What one buyer wants of one product, named by our SKU (the offer's reference) or by EAN."""

    discount: float = 0
    title: str | None = None


class Wish(control.Wish[WishLine]):
    """An order as a buyer places it. ``buyer`` has the fields of bol's shipmentDetails; ``force`` buys anything."""

    latest_delivery_date: str | None = None
    expiry_date: str | None = None
    fulfilment_method: Literal["FBR", "FBB"] = "FBR"


Bought = tuple[WishLine, Document | None]


def place_order(market: Market, wish: Wish) -> Document:
    """One order for all lines of the wish, or NotForSale and no order at all."""
    bought = [(line, _offer_for(market, line, wish.force)) for line in wish.lines]
    if not wish.force:
        _require_enough(market, bought)
    placed = wish.placed(market.now())
    items = [_item(market, wish, line, offer, placed) for line, offer in bought]
    order: Document = {"orderId": _order_id(market), "placed": placed, "items": items} | _buyer(market, wish.buyer)
    market.docs.put("orders", order["orderId"], order)
    market.index.add_order(order)
    schedule_expiry(market, order)
    for _, offer in bought:
        if offer is not None:
            note_live(market, offer)
    market.emit("ORDER", "ORDER_CREATED", order["orderId"])
    return order


def _offer_for(market: Market, line: WishLine, force: bool) -> Document | None:
    """The offer bought: by reference or EAN, one that is for sale before one that is not."""
    offers = market.docs.all("offers")
    if line.sku is not None:
        found = [offers[key] for key in market.index.offers_by_reference.get(line.sku, ())]
    else:
        found = [offers[key] for (ean, _), key in market.index.offer_by_product.items() if ean == line.ean]
    if not found and not force:
        raise NotForSale(f"There is no offer for {line.name}.", 404)
    return max(found, key=lambda offer: is_live(market, offer), default=None)


def _require_enough(market: Market, bought: list[Bought]) -> None:
    wanted: dict[str, int] = {}
    for line, offer in bought:
        if offer is None or not is_live(market, offer):
            raise NotForSale(f"The offer for {line.name} is not for sale.", 409)
        wanted[offer["offerId"]] = wanted.get(offer["offerId"], 0) + line.quantity
        left = corrected_stock(market, offer)
        if offer["fulfilment"]["method"] == "FBR" and wanted[offer["offerId"]] > left:
            raise NotForSale(f"Of {line.name} only {left} can be bought.", 409)


def _item(market: Market, wish: Wish, line: WishLine, offer: Document | None, placed: float) -> Document:
    item = _product(market, line, offer)
    item |= {"orderItemId": str(market.docs.next_id("order_item", 2012345678)), "quantity": line.quantity}
    item["discounts"] = [{"title": "Promotion", "amount": line.discount}] if line.discount else []
    item["commission"] = round(0.99 + 0.12 * item["unitPrice"] * line.quantity, 2)
    latest = wish.latest_delivery_date or local_date(placed + 2 * DAY)
    item |= {"method": wish.fulfilment_method, "latestDeliveryDate": latest}
    # "Not confirmed by the 3rd day after the promised date: the order expires" (bol, order documentation).
    item["expiryDate"] = wish.expiry_date or local_date(noon(latest) + 3 * DAY)
    item |= {"shipped": 0, "cancelled": 0, "cancellationRequest": False, "changed": placed}
    return item | {"bought": market.now(), "shippedAt": None, "handled": None}


def _product(market: Market, line: WishLine, offer: Document | None) -> Document:
    if offer is None:
        price = 9.99 if line.unit_price is None else line.unit_price
        item = {
            "offerId": None,
            "reference": line.sku,
            "ean": line.ean or "0000000000000",
            "unitPrice": price,
        }
        return item | {"title": line.title or f"Product {line.name}"}
    prices = offer["pricing"]["bundlePrices"]
    price = [bundle["unitPrice"] for bundle in prices if bundle["quantity"] <= line.quantity][-1]
    item = {"offerId": offer["offerId"], "reference": offer.get("reference"), "ean": offer["ean"]}
    item["unitPrice"] = price if line.unit_price is None else line.unit_price
    item["title"] = line.title or title_of(market, offer) or f"Product {line.name}"
    return item


def schedule_expiry(market: Market, order: Document) -> None:
    """Unhandled items expire when their expiry date is over."""
    for date in {item["expiryDate"] for item in order["items"] if not item["handled"]}:
        market.schedule(noon(date) + DAY / 2, "expiry", order["orderId"])


def _order_id(market: Market) -> str:
    """Ten letters and digits as bol's; a bijection of a counter, so never the same twice."""
    value = market.docs.next_id("order") * 2654435761 % ORDER_ID_SPACE
    text = ""
    for _ in range(9):
        value, digit = divmod(value, 36)
        text = DIGITS[digit] + text
    return "C" + text


def _buyer(market: Market, given: dict[str, Any]) -> Document:
    number = market.docs.next_id("buyer")
    person: dict[str, Any] = dict(PEOPLE[number % len(PEOPLE)])
    billing = person.pop("billing", {})
    relay = f"{number:x}.buyer@verkopen.bol.com"
    shipment = {"email": relay, "language": "nl"} | person | given
    bill = {name: value for name, value in shipment.items() if name not in DELIVERY_ONLY} | billing
    return {"shipmentDetails": shipment, "billingDetails": bill, "pickupPoint": "pickupPointName" in shipment}
