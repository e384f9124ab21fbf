"""The buyers: they place orders, ask to cancel, and send back. Only the control surface lets them in."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import NotForSale, epoch
from channel_adapters.amazon.sandbox import listings
from channel_adapters.amazon.sandbox.market import DAY, Document, Market
from channel_adapters.amazon.sandbox.orders import items_of, left_of, touch
from channel_adapters.amazon.sandbox.people import PEOPLE
from channel_adapters.amazon.sandbox.protocol import stamp

NAMES = {"A1PA6795UKMFR9": "Amazon.de", "A13V1IB3VIYZZH": "Amazon.fr", "ATVPDKIKX0DER": "Amazon.com"}


class WishLine(control.WishLine):
    """What one buyer wants of one SKU. ``discount`` and ``shipping`` are for the whole line."""

    discount: float = 0
    shipping: float = 0
    gift_wrap: float = 0
    title: str | None = None


class Wish(control.Wish[WishLine]):
    """An order as a buyer places it. ``buyer`` has fields of deliveryAddress; ``tax``: contained in the price as in
    Europe, or on top as in the US; ``pending`` until released; ``force`` buys anything."""

    site: str | None = None
    currency: str = "EUR"
    ship_by: datetime | None = None
    fulfilled_by: Literal["MERCHANT", "AMAZON"] = "MERCHANT"
    tax: Literal["contained", "on_top"] = "contained"
    business: bool = False
    pending: bool = False


def place_order(market: Market, wish: Wish) -> Document:
    """One order for all lines of the wish, or NotForSale and no order at all."""
    site = wish.site or _site(market, wish)
    bought = [(line, _listing(market, line, site, wish.force)) for line in wish.lines]
    placed = wish.placed(market.now())
    raw = _head(market, wish, site, placed)
    raw["orderItems"] = [_item(market, wish, line, listing, site) for line, listing in bought]
    paid = sum(float(item["proceeds"]["proceedsTotal"]["amount"]) for item in raw["orderItems"])
    raw["proceeds"] = {"grandTotal": _money(paid, wish.currency)}
    order: Document = {"raw": raw, "created": placed, "updated": placed, "pending": wish.pending, "refunds": []}
    market.docs.put("orders", raw["orderId"], order)
    for line, listing in bought:
        if listing is not None and wish.fulfilled_by == "MERCHANT":
            listings.take(market, listing, line.quantity)
    return order


def _site(market: Market, wish: Wish) -> str:
    """Where nothing is said: the first of the seller's marketplaces that shows what is bought."""
    shown = {site for line in wish.lines for listing in _named(market, line) for site in listing["shown_sites"]}
    return next((site for site in market.options.marketplaces if site in shown), market.options.marketplaces[0])


def _named(market: Market, line: WishLine) -> list[Document]:
    return [doc for doc in market.docs.all("listings").values() if line.name == doc["sku"] or (
        line.ean and line.ean in listings.identifiers_of(doc, "EAN"))]  # fmt: skip


def _listing(market: Market, line: WishLine, site: str, force: bool) -> Document | None:
    name, found = line.name, _named(market, line)
    if not found:
        if force:
            return None
        raise NotForSale(f"There is no listing for {name}.", 404)
    if not force and not listings.buyable(found[0], site):
        raise NotForSale(f"The listing of {name} cannot be bought.", 409)
    if not force and line.quantity > listings.quantity_of(found[0]):
        raise NotForSale(f"Of {name} only {listings.quantity_of(found[0])} can be bought.", 409)
    listing: Document = found[0]
    return listing


def _head(market: Market, wish: Wish, site: str, placed: float) -> Document:
    number = market.docs.next_id("order")
    person = dict(PEOPLE[number % len(PEOPLE)]) | wish.buyer
    until = epoch(wish.ship_by) if wish.ship_by else placed + 2 * DAY
    status = "PENDING" if wish.pending else "UNSHIPPED"
    raw: Document = {
        "orderId": f"303-{number * 2654435761 % 10**7:07d}-{number:07d}",
        "createdTime": stamp(placed),
        "lastUpdatedTime": stamp(placed),
        "programs": ["AMAZON_BUSINESS"] if wish.business else [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": site, "marketplaceName": NAMES.get(site, "Amazon")},
        "fulfillment": {
            "fulfillmentStatus": status,
            "fulfilledBy": wish.fulfilled_by,
            "fulfillmentServiceLevel": "STANDARD",
            "shipByWindow": {"earliestDateTime": stamp(placed), "latestDateTime": stamp(until)},
            "deliverByWindow": {"earliestDateTime": stamp(until), "latestDateTime": stamp(until + 3 * DAY)},
        },
        "packages": [],
    }
    if wish.pending:
        return raw
    raw["buyer"] = {"buyerName": person["name"], "buyerEmail": f"{number:x}buyer@marketplace.amazon.de"}
    raw["recipient"] = {"deliveryAddress": person}
    if wish.business:
        raw["buyer"] |= {"buyerCompanyName": "Beispiel GmbH", "buyerPurchaseOrderNumber": "PO-2041"}
        registration = {"entityType": "BUYER", "legalName": "Beispiel GmbH", "taxRegistrationType": "VAT"}
        raw["tax"] = {"taxRegistrations": [registration | {"taxRegistrationNumber": "DE999999999"}]}
    return raw


def _item(market: Market, wish: Wish, line: WishLine, listing: Document | None, site: str) -> Document:
    known = listings.price_of(listing, site) if listing else None
    price = line.unit_price if line.unit_price is not None else known[0] if known else 9.99
    title = line.title or (listings.title_of(listing, site) if listing else f"Product {line.sku or line.ean}")
    sku = listing["sku"] if listing else line.sku
    item: Document = {
        "orderItemId": str(market.docs.next_id("order_item", 20276543210987)),
        "quantityOrdered": line.quantity,
        "product": {
            "asin": listing["sites"][site]["asin"] if listing and site in listing["sites"] else "B000000000",
            "title": title,
            "sellerSku": sku or "unknown",
            "price": {"unitPrice": _money(price, wish.currency)},
        },
        "proceeds": _proceeds(wish, line, price),
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": line.quantity},
        "tax": {"taxCollections": []},
    }
    return item


def _proceeds(wish: Wish, line: WishLine, price: float) -> Document:
    """The breakdowns as the models have them: the total is their sum, with the tax only where it comes on top."""
    goods, currency = price * line.quantity, wish.currency
    parts: list[Document] = [{"type": "ITEM", "subtotal": _money(goods, currency)}]
    if line.shipping:
        parts.append({"type": "SHIPPING", "subtotal": _money(line.shipping, currency)})
    if line.gift_wrap:
        parts.append({"type": "GIFT_WRAP", "subtotal": _money(line.gift_wrap, currency)})
    if line.discount:
        detail = [{"subtype": "ITEM", "value": _money(line.discount, currency)}]
        parts.append({"type": "DISCOUNT", "subtotal": _money(line.discount, currency), "detailedBreakdowns": detail})
    rate = 0.19 / 1.19 if wish.tax == "contained" else 0.10
    taxes = {"ITEM": round((goods - line.discount) * rate, 2), "SHIPPING": round(line.shipping * rate, 2)}
    taxes["GIFT_WRAP"] = round(line.gift_wrap * rate, 2)
    details = [{"subtype": name, "value": _money(amount, currency)} for name, amount in taxes.items() if amount]
    tax = sum(taxes.values())
    parts.append({"type": "TAX", "subtotal": _money(tax, currency), "detailedBreakdowns": details})
    paid = goods + line.shipping + line.gift_wrap - line.discount + (tax if wish.tax == "on_top" else 0)
    return {"proceedsTotal": _money(paid, currency), "breakdowns": parts}


def _money(amount: float, currency: str) -> Document:
    return {"amount": f"{amount:.2f}", "currencyCode": currency}


def release(market: Market, order: Document) -> None:
    """The payment went through: now there is an address, and the order may be shipped."""
    order["pending"] = False
    number = market.docs.next_id("released")
    order["raw"] |= {
        "buyer": {"buyerName": "Billie Müller", "buyerEmail": f"r{number:x}@marketplace.amazon.de"},
        "recipient": {"deliveryAddress": dict(PEOPLE[0])},
    }
    touch(market, order)


def ask_to_cancel(market: Market, order: Document, line_id: str | None) -> list[str]:
    """The buyer asks; nothing is decided by that."""
    open_items = [item for item in items_of(order) if left_of(item) and line_id in (None, item["orderItemId"])]
    for item in open_items:
        request = {"requester": "BUYER", "cancelReason": "I no longer need it"}
        item["cancellation"] = item.get("cancellation", {}) | {"cancellationRequest": request}
    touch(market, order)
    return [item["orderItemId"] for item in open_items]
