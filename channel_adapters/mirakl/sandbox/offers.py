"""Offers: what an import makes of a line, and how they are read."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from channel_adapters.mirakl.sandbox import settings
from channel_adapters.mirakl.sandbox.catalogue import CATEGORIES, known_product
from channel_adapters.mirakl.sandbox.gate import Problem, answer, page_of
from channel_adapters.mirakl.sandbox.market import Call, Document, Market, stamp

DAY = 86400.0
DEFAULTS: Document = {"description": "", "min_quantity_alert": 0, "min_order_quantity": 1, "max_order_quantity": 0}
SENT_BACK = (
    "internal_description",
    "price_additional_info",
    "product_tax_code",
    "allow_quote_requests",
    "msrp",
    "offer_additional_fields",
    "eco_contributions",
)


def sku_of(row: dict[str, Any]) -> str:
    return str(row.get("offer-sku") or row.get("shop_sku") or row.get("sku") or row.get("shopSku") or "")


def take_offer(market: Market, row: dict[str, Any]) -> str:
    """One line of OF24: the offer whole. What is not in it is gone."""
    known: Document | None = market.docs.get("offers", row["shop_sku"])
    if row["update_delete"] == "delete":
        market.docs.remove("offers", row["shop_sku"])
        return "" if known else "The offer does not exist"
    if fault := _offer_fault(market, row, known):
        return fault
    number = known["offer_id"] if known else market.docs.next_id("offer", 3001)
    market.docs.put("offers", row["shop_sku"], {"quantity": 0} | row | {"offer_id": number})
    return ""


def _offer_fault(market: Market, row: dict[str, Any], known: Document | None) -> str:
    product = _product(market, row)
    if product is None:
        return "The product does not exist"
    if known and (own := _product(market, known)) and own["ean"] != product["ean"]:
        return "The product linked to the new offer is different from the existing offer"
    if row["state_code"] not in [code for code, _ in settings.STATES]:
        return f"The state '{row['state_code']}' does not exist"
    if row["price"] <= 0 or round(row["price"], market.options.price_decimals) != row["price"]:
        return f"The price '{row['price']}' is not valid"
    given = {field["code"] for field in row.get("offer_additional_fields", []) if field.get("value") not in (None, "")}
    missing = [code for code in market.options.required_fields if code not in given]
    return f"The additional field '{missing[0]}' is required" if missing else ""


def _product(market: Market, offer: Document) -> Document | None:
    if offer["product_id_type"] == "SKU":
        products = market.docs.all("products").values()
        return next((product for product in products if product["product_sku"] == offer["product_id"]), None)
    return known_product(market, offer["product_id_type"], offer["product_id"])


def take_stock(market: Market, row: dict[str, Any]) -> str:
    offer: Document | None = market.docs.get("offers", row["offer-sku"])
    if offer is None:
        return f"The offer with sku '{row['offer-sku']}' does not exist"
    if not str(row["quantity"]).isdigit():
        return f"The quantity '{row['quantity']}' is not valid"
    market.docs.put("offers", offer["shop_sku"], offer | {"quantity": int(row["quantity"])})
    return ""


def take_price(market: Market, row: dict[str, Any]) -> str:
    """All prices of the offer are replaced: by the plain one, which comes first, and the others that follow it."""
    offer: Document | None = market.docs.get("offers", row["offer-sku"])
    if offer is None:
        return f"The offer with sku '{row['offer-sku']}' does not exist"
    try:
        price = float(row["price"])
    except ValueError:
        return f"The price '{row['price']}' is not valid"
    if price <= 0 or round(price, market.options.price_decimals) != price:
        return f"The price '{row['price']}' is not valid"
    context = _whom(row)
    if context:
        offer = offer | {"all_prices": [*offer.get("all_prices", []), _priced(row, price) | {"context": context}]}
    else:
        kept = {name: value for name, value in offer.items() if name not in ("all_prices", "discount")}
        plain = _priced(row, price)
        steps = {"all_prices": [plain]} if plain.get("volume_prices") else {}
        offer = kept | {"price": price} | steps | _discounted(plain)
    market.docs.put("offers", offer["shop_sku"], offer)
    return ""


def _whom(row: dict[str, Any]) -> Document:
    """Of which channels and customers a price is, and when."""
    lists = {"channels": "channel_codes", "customer-organization-ids": "customer_organization_ids"}
    lists |= {"customer-group-ids": "customer_group_ids"}
    found: Document = {theirs: row[name].split("|") for name, theirs in lists.items() if row.get(name)}
    return found | {name.replace("-", "_"): row[name] for name in ("start-date", "end-date") if row.get(name)}


def _priced(row: dict[str, Any], price: float) -> Document:
    body: Document = {"unit_origin_price": price}
    if row.get("discount-price"):
        body["unit_discount_price"] = float(row["discount-price"])
    for name in ("discount-start-date", "discount-end-date"):
        body |= {name.replace("-", "_"): row[name]} if row.get(name) else {}
    steps = [part.split("|") for part in (row.get("price-ranges") or "").split(",") if part]
    told = [{"quantity_threshold": int(many), "unit_origin_price": float(each)} for many, each in steps if many != "1"]
    return body | ({"volume_prices": told} if told else {})


def _discounted(plain: Document) -> Document:
    if "unit_discount_price" not in plain:
        return {}
    dates = {name: plain[f"discount_{name}"] for name in ("start_date", "end_date") if f"discount_{name}" in plain}
    return {"discount": {"price": plain["unit_discount_price"]} | dates}


# Reading


def list_offers(call: Call) -> Response:
    found = list(call.market.docs.all("offers").values())
    if sku := request.args.get("sku"):
        found = [offer for offer in found if offer["shop_sku"] == sku]
    if number := request.args.get("product_id"):
        found = [offer for offer in found if (_product(call.market, offer) or {}).get("product_sku") == number]
    shown = page_of(call, found)
    return answer({"offers": [wire(call.market, offer) for offer in shown], "total_count": len(found)})


def get_offer(call: Call) -> Response:
    for offer in call.market.docs.all("offers").values():
        if str(offer["offer_id"]) == call.path["offer"]:
            return answer(wire(call.market, offer))
    raise Problem(404, f"Offer {call.path['offer']} not found.")


def inactivity(market: Market, offer: Document) -> list[str]:
    reasons = [] if market.options.shop_state == "OPEN" else ["SHOP_NOT_OPEN"]
    return reasons + (["ZERO_QUANTITY"] if offer["quantity"] <= 0 else [])


def wire(market: Market, offer: Document) -> Document:
    """As OF21 and OF22 tell it: other names than OF24 takes, and only what is there."""
    product = _product(market, offer) or {"product_sku": "", "title": "", "category": "", "ean": ""}
    labels = {code: label for code, label, _ in CATEGORIES}
    reasons = inactivity(market, offer)
    body: Document = DEFAULTS | {name: offer[name] for name in DEFAULTS if name in offer}
    body |= {name: offer[name] for name in SENT_BACK if name in offer}
    body |= {name: offer[name] for name in ("offer_id", "shop_sku", "state_code", "quantity", "price")}
    body |= {"active": not reasons, "inactivity_reasons": reasons, "channels": ["WEBSITE_FR"]}
    body |= {"currency_iso_code": market.options.currency, "fulfillment": {"center": {"code": "DEFAULT"}}}
    body |= {"category_code": product["category"], "category_label": labels.get(product["category"], "")}
    body |= {"product_sku": product["product_sku"], "product_title": product["title"]}
    body["product_references"] = [{"reference": product["ean"], "reference_type": "EAN"}]
    body |= {"leadtime_to_ship": offer.get("leadtime_to_ship", 2), "package_quantity": offer.get("package_quantity", 1)}
    code = offer.get("logistic_class") or "S"
    body["logistic_class"] = {
        "code": code,
        "label": {c: label for c, label, _ in settings.CLASSES}.get(code, code),
    }
    for theirs, ours in (("available_start_date", "available_started"), ("available_end_date", "available_ended")):
        if offer.get(ours):
            body[theirs] = offer[ours]
    shipping = market.options.shipping_price
    body |= {"min_shipping_price": shipping, "min_shipping_price_additional": 0, "min_shipping_type": "STD"}
    body |= {"min_shipping_zone": "FR", "shipping_deadline": stamp(market.now() + 2 * DAY)}
    if discount := offer.get("discount"):
        body["discount"] = {"origin_price": offer["price"], "discount_price": discount.get("price", offer["price"])}
        body["discount"] |= {
            name: discount[name] for name in ("start_date", "end_date", "ranges") if discount.get(name)
        }
        body["price"] = discount.get("price", offer["price"])
    return body | {"all_prices": [_plain_price(offer), *map(_channel_price, offer.get("all_prices", []))]}


def _plain_price(offer: Document) -> Document:
    now = (offer.get("discount") or {}).get("price", offer["price"])
    step = {"quantity_threshold": 1, "price": now, "unit_origin_price": offer["price"], "unit_discount_price": now}
    return {"price": now, "unit_origin_price": offer["price"], "volume_prices": [step]}


def _channel_price(given: Document) -> Document:
    origin = given.get("unit_origin_price", 0)
    now = given.get("unit_discount_price", origin)
    steps = [{"quantity_threshold": 1, "unit_origin_price": origin}, *given.get("volume_prices", [])]
    body: Document = {"price": now, "unit_origin_price": origin}
    body |= {name: given[name] for name in ("unit_discount_price", "discount_start_date") if name in given}
    body["volume_prices"] = [
        {"price": step["unit_origin_price"], "unit_discount_price": step["unit_origin_price"]} | step for step in steps
    ]
    if channel := given.get("channel_code"):
        body |= {"channel_code": channel, "context": {"channel_codes": [channel]}}
    return body | ({"context": given["context"]} if "context" in given else {})
