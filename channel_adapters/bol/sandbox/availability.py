"""Why an offer is not for sale. bol checks its policy a while after each change; stock and hold count at once."""

from __future__ import annotations

from typing import Any

from channel_adapters.bol.sandbox.market import Document, Market

CONTENT = ("CONTENT", "4004-2", "For this product essential product information is missing")
PRICE = ("PRICE", "4000-1", "Price too high")
STOCK = ("STOCK", "4003-3", "Out of stock or remaining stock is reserved for pending orders.")
ON_HOLD = ("ON_HOLD", "4003-1", "The seller has not marked the offer for-sale")
OPERATOR = ("ASSORTMENT_POLICY", "3001-99", "Offline due to incomplete economic operator")

# What a product that is new to bol needs before it is shown.
REQUIRED = ("Name", "Description", "Brand")

Reason = dict[str, Any]


def corrected_stock(market: Market, offer: Document) -> int:
    """What can still be bought: the amount given, less the orders that count.

    The specification: with managedByRetailer true only orders placed after the last offer update count, with
    false all open orders do; and correctedStock accounts for open and processed orders, so a unit shipped
    after the last update stays subtracted.
    """
    sold = sum(_counts(item, offer) for item in _items(market, offer))
    return max(0, int(offer["stock"]["amount"]) - sold)


def _items(market: Market, offer: Document) -> list[Document]:
    found = []
    item_ids = market.index.items_of_offer.get(offer["offerId"], set())
    for item_id in list(item_ids):
        order = market.docs.all("orders")[market.index.order_of_item[item_id]]
        item = next(item for item in order["items"] if item["orderItemId"] == item_id)
        if item["handled"] and item["handled"] <= offer["updated"]:
            item_ids.discard(item_id)
        elif item["method"] == "FBR":
            found.append(item)
    return found


def _counts(item: Document, offer: Document) -> int:
    if offer["stock"]["managedByRetailer"]:
        return item["quantity"] - item["cancelled"] if item["bought"] > offer["updated"] else 0
    shipped = item["shipped"] if (item["shippedAt"] or 0) > offer["updated"] else 0
    return int(open_units(item) + shipped)


def open_units(item: Document) -> int:
    return int(item["quantity"] - item["shipped"] - item["cancelled"])


def checked(market: Market, offer: Document) -> bool:
    """Has the policy check of the last change run?"""
    return bool(offer["checkDue"] <= market.now())


def is_live(market: Market, offer: Document) -> bool:
    return not offer["fresh"] and not reasons(market, offer)


def reasons(market: Market, offer: Document) -> list[Reason]:
    """The reasons in force: those of the last policy check, and what counts at once."""
    found = list(offer["verdict"])
    if offer["onHold"]:
        found.append(_reason(ON_HOLD))
    if offer["fulfilment"]["method"] == "FBR" and corrected_stock(market, offer) == 0:
        found.append(_reason(STOCK))
    return found


def verdict(market: Market, offer: Document) -> list[Reason]:
    """The policy check itself."""
    found = []
    if missing := missing_content(market, offer["ean"]):
        found.append(_reason(CONTENT) | {"missingAttributes": [{"name": name} for name in missing]})
    if offer["pricing"]["bundlePrices"][0]["unitPrice"] > market.options.price_ceiling:
        found.append(_reason(PRICE))
    operator = market.docs.get("operators", offer.get("economicOperatorId") or "")
    if market.options.economic_operator_required and (operator is None or operator["status"] != "VALID"):
        found.append(_reason(OPERATOR))
    return found


def missing_content(market: Market, ean: str) -> list[str]:
    product = market.docs.get("catalogue", ean)
    if product is not None:
        return list(product["missing"])
    return [] if market.options.known_products == "all" else list(REQUIRED)


def is_known(market: Market, ean: str) -> bool:
    """Whether bol has the product in its catalogue: then it does not keep a title of ours."""
    return market.options.known_products == "all" or market.docs.get("catalogue", ean) is not None


def title_of(market: Market, offer: Document) -> str | None:
    """What the buyer reads: the name in the catalogue, else the seller's title for an unknown product."""
    product = market.docs.get("catalogue", offer["ean"]) or {"attributes": {}}
    name = product["attributes"].get("Name")
    return name[0]["value"] if name else offer.get("unknownProductTitle")


def _reason(parts: tuple[str, str, str]) -> Reason:
    return dict(zip(("category", "code", "description"), parts, strict=True))
