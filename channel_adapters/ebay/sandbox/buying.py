"""The buyers: they place orders. Only the control surface lets them in."""

from __future__ import annotations

from decimal import Decimal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale
from channel_adapters.ebay.sandbox.inventory import sold
from channel_adapters.ebay.sandbox.market import Document, Market, currency_of
from channel_adapters.ebay.sandbox.people import PEOPLE


class WishLine(control.WishLine):
    """What one buyer wants of one product, in the marketplace's currency; ``discount`` and ``tax`` of the line."""

    shipping: float = 0
    discount: float = 0
    tax: float = 0


class Wish(control.Wish[WishLine]):
    """An order as a buyer places it. ``tax_by_ebay``: eBay collects the tax, on top. ``by_ebay``: eBay ships it.
    ``hub``: it goes to eBay's shipping centre."""

    site: str | None = None
    note: str = ""
    paid: bool = True
    tax_by_ebay: bool = False
    by_ebay: bool = False
    hub: bool = False


def place_order(market: Market, wish: Wish) -> Document:
    """One order for all lines of the wish, or NotForSale and no order at all."""
    bought = [(line, _offer_for(market, wish, line)) for line in wish.lines]
    site = wish.site or next((offer["body"]["marketplaceId"] for _, offer in bought if offer), market.options.home)
    number = market.docs.next_id("order", 1)
    placed = wish.placed(market.now())
    person = PEOPLE[number % len(PEOPLE)] | wish.buyer
    order: Document = {"id": f"{number:02d}-{10000 + number}-{65872 + number}", "site": site, "created": placed}
    order |= {"changed": placed, "paid": wish.paid, "note": wish.note, "currency": currency_of(site)}
    order |= {"parcels": [], "refunds": [], "cancelled": None, "instruction": _instruction(wish, person)}
    order["buyer"] = {"username": f"buyer_{number}", "buyerRegistrationAddress": person}
    order["lines"] = [_line(market, wish, line, offer) for line, offer in bought]
    market.put("orders", order["id"], order)
    for line, offer in bought:
        if offer is not None:
            sold(market, offer, line.quantity)
    market.emit(order)
    return order


def _offer_for(market: Market, wish: Wish, line: WishLine) -> Document | None:
    named = market.offers_of(line.sku) if line.sku else market.offers_by_ean(line.ean or "")
    found = [offer for offer in named if wish.site in (None, offer["body"]["marketplaceId"])]
    best = max(found, key=market.is_live, default=None)
    if wish.force:
        return best
    if best is None:
        raise NotForSale(f"There is no offer for {line.name}.", 404)
    if not market.is_live(best) or market.shown(best) < line.quantity:
        raise NotForSale(f"Of {line.name} only {market.shown(best)} can be bought.", 409)
    return best


def _line(market: Market, wish: Wish, line: WishLine, offer: Document | None) -> Document:
    price = Decimal(str(line.unit_price)) if line.unit_price is not None else None
    if price is None:
        price = Decimal(offer["body"]["pricingSummary"]["price"]["value"]) if offer else Decimal("9.99")
    sku = offer["body"]["sku"] if offer else line.name
    product = (market.docs.get("items", sku) or {}).get("product", {})
    body: Document = {"id": str(market.docs.next_id("line", 10084048110913)), "sku": sku}
    body |= {"listing": offer["listing"] if offer else "1", "title": product.get("title", sku)}
    body |= {"quantity": line.quantity, "cost": str(price * line.quantity), "shipping": str(line.shipping)}
    return body | {"discount": str(line.discount), "tax": str(line.tax), "tax_by_ebay": wish.tax_by_ebay}


def _instruction(wish: Wish, person: Document) -> Document:
    if wish.by_ebay:
        return {"fulfillmentInstructionsType": "FULFILLED_BY_EBAY"}
    step: Document = {"shippingServiceCode": "DE_DHLPaket", "shippingCarrierCode": "DHL", "shipTo": person}
    body: Document = {"fulfillmentInstructionsType": "SHIP_TO", "ebaySupportedFulfillment": wish.hub}
    if wish.hub:
        hub = {"addressLine1": "Hub 1", "city": "Bremen", "postalCode": "28197", "countryCode": "DE"}
        step |= {"shipTo": {"fullName": "eBay Hub", "contactAddress": hub}, "shipToReferenceId": "REF-1"}
        body["finalDestinationAddress"] = person["contactAddress"]
    return body | {"shippingStep": step}
