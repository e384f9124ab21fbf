"""Offers: made in one request, edited in parts, both perhaps only later; listed and read."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Response, request

from channel_adapters.allegro.sandbox import account, catalogue
from channel_adapters.allegro.sandbox.market import CURRENCIES, Call, Document, Market, new_id, stamp
from channel_adapters.allegro.sandbox.protocol import (
    Problem,
    Refused,
    answer,
    error,
    not_found,
    number,
    page,
    several,
)

STATUSES = ("INACTIVE", "ACTIVE", "ACTIVATING", "ENDED")
TIMES = ("PT0S", "PT24H", "P2D", "P3D", "P4D", "P5D", "P7D", "P10D", "P14D", "P21D", "P30D", "P60D")
BLOCKS = re.compile(r"(?:<(h1|h2|p|ul|ol)>(?:(?!</?\1>).)*</\1>)*", re.DOTALL)
TAGS = {"h1", "h2", "p", "ul", "ol", "li", "b"}
FIRST = 7680001001
# Fields of an offer that are kept as they came.
KEPT = ("delivery", "afterSalesServices", "payments", "location", "taxSettings", "language", "images", "description")


def create(call: Call) -> Response:
    market, body = call.market, call.body
    offer: Document = {"id": str(market.docs.next_id("offer", FIRST)), "created": market.now(), "additional": {}}
    offer |= {"status": "INACTIVE", "endedBy": None, "endedAt": None, "parameters": [], "external": None, "gtin": None}
    faults = _take(market, offer, body, new=True)
    if faults:
        raise Refused(faults)
    wanted = (body.get("publication") or {}).get("status", "INACTIVE")
    if call.faulty("not_applied") is not None:
        return answer(shown(market, offer), 201)
    offer["status"] = "ACTIVATING" if wanted == "ACTIVE" else "INACTIVE"
    market.docs.put("offers", offer["id"], offer)
    return _later(call, offer, {"status": wanted}, done=201)


def edit(call: Call) -> Response:
    market, offer = call.market, find(call)
    if any(item["offer"] == offer["id"] and not item["done"] for item in market.docs.all("operations").values()):
        words = "Previous edition of the offer is still being processed"
        raise Problem(409, "OfferConflictException", words)
    changed = dict(offer)
    if faults := _take(market, changed, call.body, new=False):
        raise Refused(faults)
    wanted = (call.body.get("publication") or {}).get("status")
    if call.faulty("not_applied") is not None:
        return answer(shown(market, offer))
    # What else happens to the offer before this is done (a command for its stock) stays.
    changes = {name: value for name, value in changed.items() if name not in offer or offer[name] != value}
    return _later(call, offer, changes | ({"status": wanted} if wanted else {}), done=200)


def _later(call: Call, offer: Document, changes: Document, *, done: int) -> Response:
    """At once, or by an operation that can be asked for."""
    market = call.market
    plan = market.docs.get("plans", "refusal")
    if market.options.offer_seconds <= 0 and plan is None:
        apply(market, offer, changes)
        return answer(shown(market, offer), done)
    key, due = new_id(), market.now() + market.options.offer_seconds
    operation = {"id": key, "offer": offer["id"], "due": due, "changes": changes, "done": False, "errors": []}
    operation |= {"started": market.now(), "refusal": plan}
    market.docs.remove("plans", "refusal")
    market.docs.put("operations", key, operation)
    market.schedule(due, "operation", key)
    place = f"{request.host_url.rstrip('/')}/sale/product-offers/{offer['id']}/operations/{key}"
    return answer(shown(market, offer), 202, headers={"Location": place, "Retry-after": "1"})


def finish(market: Market, key: str) -> None:
    operation = market.docs.all("operations")[key]
    offer = market.docs.all("offers")[operation["offer"]]
    if operation["refusal"]:
        operation["errors"] = [error("ProductValidationException", operation["refusal"], "productSet")]
        if offer["status"] == "ACTIVATING":
            market.docs.put("offers", offer["id"], offer | {"status": "INACTIVE"})
    else:
        apply(market, offer, operation["changes"])
    market.docs.put("operations", key, operation | {"done": True})


def pending(market: Market) -> None:
    for key, operation in market.docs.all("operations").items():
        if not operation["done"]:
            market.schedule(operation["due"], "operation", key)


def apply(market: Market, offer: Document, changes: Document) -> None:
    offer |= changes
    if offer["status"] in ("ACTIVE", "ACTIVATING") and offer["stock"] == 0:
        end(market, offer, "EMPTY_STOCK")
    market.docs.put("offers", offer["id"], offer)


def end(market: Market, offer: Document, by: str) -> None:
    offer |= {"status": "ENDED", "endedBy": by, "endedAt": stamp(market.now())}
    market.docs.put("offers", offer["id"], offer)


def operation(call: Call) -> Response:
    found = call.market.docs.get("operations", call.path["operation_id"])
    if found is None or found["offer"] != call.path["offer_id"]:
        raise not_found("Operation")
    if not found["done"]:
        told = {"id": found["id"], "status": "IN_PROGRESS", "startedAt": stamp(found["started"])}
        return answer({"offer": {"id": found["offer"]}, "operation": told}, 202)
    if found["errors"]:
        raise Refused(found["errors"])
    place = f"{request.host_url.rstrip('/')}/sale/product-offers/{found['offer']}"
    return Response(status=303, headers={"Location": place})


# What is refused


def _take(market: Market, offer: Document, body: Document, *, new: bool) -> list[Document]:
    """Write ``body`` into ``offer``; what is wrong with it."""
    faults = [*_product(market, offer, body, new=new), *_figures(market, offer, body, new=new), *_texts(offer, body)]
    faults += _terms(body)
    wanted = (body.get("publication") or {}).get("status")
    if wanted not in (None, *STATUSES):
        faults.append(error("VALIDATION_ERROR", f"{wanted} is no status", "publication.status"))
    if wanted == "ACTIVE" and not offer.get("stock"):
        faults.append(error("StockTooLow", "An offer can be active with a stock above 0 only", "stock.available"))
    for name in KEPT:
        if name in body:
            offer[name] = body[name]
    if "external" in body:
        offer["external"] = body["external"]["id"] if body["external"] else None
        if offer["external"] and len(offer["external"]) > 100:
            faults.append(error("VALIDATION_ERROR", "at most 100 characters", "external.id"))
    return faults


def _product(market: Market, offer: Document, body: Document, *, new: bool) -> list[Document]:
    elements = body.get("productSet") or []
    if not elements:
        return [error("ProductSetMissing", "productSet is required", "productSet")] if new else _parameters(offer, body)
    given = elements[0].get("product") or {}
    found, faults = _named(market, given) if given.get("id") else (None, _described(given))
    if found is not None:
        offer |= {"product": found["id"], "category": found["category"], "gtin": found.get("gtin")}
        offer["name"] = found["name"]
    elif not faults:
        gtins = [item["values"][0] for item in given.get("parameters", []) if item["id"] == "225693"]
        made = {"id": new_id(), "name": given["name"], "category": given["category"]["id"]}
        catalogue.remember(market, made | {"gtin": gtins[0] if gtins else None})
        offer |= {"product": made["id"], "category": made["category"], "gtin": gtins[0] if gtins else None}
        offer |= {"name": made["name"], "images": given.get("images", [])}
    offer["element"] = {name: value for name, value in elements[0].items() if name != "product"}
    offer["element"]["parameters"] = given.get("parameters", [])
    faults += _safety(elements[0])
    return faults or _parameters(offer, body)


def _named(market: Market, given: Document) -> tuple[Document | None, list[Document]]:
    kind = given.get("idType")
    found = catalogue.known(market, given["id"]) if kind == "GTIN" else []
    if kind is None and (product := catalogue.by_id(market, given["id"])) is not None:
        found = [product]
    if not found:
        words = f"Product {given['id']} not found"
        return None, [error("ProductNotFoundException", words, "productSet[0].product.id")]
    if len(found) > 1:
        ids = ",".join(item["id"] for item in found)
        words = "Several products have this GTIN"
        return None, [error("MultipleProductsFoundException", words, "productSet[0].product.id", foundProductsIds=ids)]
    return found[0], []


def _described(given: Document) -> list[Document]:
    faults, category = [], (given.get("category") or {}).get("id", "")
    if not given.get("name"):
        faults.append(error("VALIDATION_ERROR", "The name is missing", "productSet[0].product.name"))
    if not catalogue.is_leaf(category):
        words = f"Category {category or 'none'} does not exist"
        faults.append(error("CATEGORY_NOT_EXISTS", words, "productSet[0].product.category.id"))
    named = {item.get("id") for item in given.get("parameters", [])}
    for item in catalogue.parameters_of(category):
        if item["requiredForProduct"] and item["id"] not in named:
            words = f"Parameter {item['name']} is required for the product"
            faults.append(error("MissingRequiredParameters", words, "productSet[0].product.parameters"))
    return faults + _values(given.get("parameters", []), category, product=True)


def _parameters(offer: Document, body: Document) -> list[Document]:
    """Of the offer: an edit replaces them all."""
    if "parameters" in body:
        offer["parameters"] = body["parameters"]
    named = {item.get("id") for item in offer["parameters"]}
    category = offer.get("category", "")
    missing = [
        error("MissingRequiredParameters", f"Parameter {item['name']} is required", "parameters")
        for item in catalogue.parameters_of(category)
        if item["required"] and item["id"] not in named
    ]
    return missing + _values(offer["parameters"], category, product=False)


def _values(given: list[Document], category: str, *, product: bool) -> list[Document]:
    known = {item["id"]: item for item in catalogue.parameters_of(category)}
    faults = []
    for item in given:
        definition = known.get(str(item.get("id")))
        if definition is None or definition["options"]["describesProduct"] is not product:
            faults.append(error("ParameterNotAllowed", f"Parameter {item.get('id')} is not allowed here", "parameters"))
            continue
        ids = {entry["id"] for entry in definition.get("dictionary", [])}
        wrong = [value for value in item.get("valuesIds") or [] if value not in ids]
        ranged = definition["restrictions"].get("range") is True
        if wrong or (ranged and not item.get("rangeValue")):
            words = f"{definition['name']}: {wrong or 'a range'} is expected otherwise"
            more = {"parameterId": str(item["id"]), "parameterName": definition["name"]}
            faults.append(error("InvalidDictionaryParameter", words, "parameters", **more))
    return faults


def _safety(element: Document) -> list[Document]:
    faults = []
    producer, person = element.get("responsibleProducer"), element.get("responsiblePerson")
    if producer and producer.get("id") != account.PRODUCER:
        faults.append(error("ResponsibleProducerNotFound", "Unknown producer", "productSet[0].responsibleProducer"))
    if person and person.get("id") != account.PERSON:
        faults.append(error("ResponsiblePersonNotFound", "Unknown person", "productSet[0].responsiblePerson"))
    return faults


def _figures(market: Market, offer: Document, body: Document, *, new: bool) -> list[Document]:
    faults, stock = [], body.get("stock")
    if new and stock is None:
        faults.append(error("VALIDATION_ERROR", "stock is required", "stock"))
    if stock is not None:
        units = stock.get("available", 0)
        if not isinstance(units, int) or units < 0:
            faults.append(error("VALIDATION_ERROR", "a whole number is expected", "stock.available"))
        offer["stock"] = units
    given = (body.get("sellingMode") or {}).get("price")
    if new and given is None:
        faults.append(error("VALIDATION_ERROR", "the price is required", "sellingMode.price"))
    if given is not None:
        faults += price_faults(given, market.currency, "sellingMode.price")
        offer["price"] = given
    for code, told in (body.get("additionalMarketplaces") or {}).items():
        wanted = (told.get("sellingMode") or {}).get("price")
        if code not in account.reached(market) or code == market.options.base or wanted is None:
            faults.append(error("MarketplaceNotAllowed", f"{code} is not possible", f"additionalMarketplaces.{code}"))
            continue
        faults += price_faults(wanted, CURRENCIES[code], f"additionalMarketplaces.{code}.sellingMode.price")
        offer["additional"] = {**offer["additional"], code: wanted}
    return faults


def price_faults(given: Any, currency: str, path: str) -> list[Document]:
    amount = given.get("amount") if isinstance(given, dict) else None
    if not isinstance(amount, str) or not re.fullmatch(r"\d+(?:\.\d{1,2})?", amount) or float(amount) <= 0:
        return [error("VALIDATION_ERROR", "amount is no price of at most two decimals", f"{path}.amount")]
    if given.get("currency") != currency:
        return [error("VALIDATION_ERROR", f"the currency is {currency}", f"{path}.currency")]
    return []


def _texts(offer: Document, body: Document) -> list[Document]:
    faults = []
    if "name" in body:
        name = str(body["name"])
        if not 12 <= len(name) <= 75 or len(name.split()) < 3:
            faults.append(error("VALIDATION_ERROR", "12 to 75 characters and three words are expected", "name"))
        offer["name"] = name
    sections = (body.get("description") or {}).get("sections", [])
    for item in (item for section in sections for item in section["items"] if item["type"] == "TEXT"):
        said, tags = item.get("content", ""), set(re.findall(r"</?([a-z0-9]+)", item.get("content", "")))
        if not BLOCKS.fullmatch(said) or tags - TAGS or len(said.encode()) > 40000:
            faults.append(error("DescriptionException", "The description is not in the demanded form", "description"))
    return faults


def _terms(body: Document) -> list[Document]:
    faults, delivery = [], body.get("delivery") or {}
    if delivery.get("handlingTime", "PT24H") not in TIMES:
        faults.append(error("VALIDATION_ERROR", "unknown handling time", "delivery.handlingTime"))
    services = body.get("afterSalesServices") or {}
    known = {"returnPolicy": account.POLICY, "impliedWarranty": account.IMPLIED_WARRANTY, "warranty": account.WARRANTY}
    asked = {
        f"afterSalesServices.{name}": (services.get(name) or {}).get("id", key) == key for name, key in known.items()
    }
    asked["delivery.shippingRates"] = (delivery.get("shippingRates") or {}).get("id", account.RATES) == account.RATES
    faults += [error("NotFound", f"{path} does not exist", path) for path, good in asked.items() if not good]
    place = body.get("location") or {}
    if place.get("countryCode") == "PL" and not place.get("province"):
        faults.append(error("VALIDATION_ERROR", "province is required in Poland", "location.province"))
    return faults


# Reading


def find(call: Call) -> Document:
    offer: Document | None = call.market.docs.get("offers", call.path["offer_id"])
    if offer is None:
        raise not_found("Offer")
    return offer


def get(call: Call) -> Response:
    return answer(shown(call.market, find(call)))


def shown(market: Market, offer: Document) -> Document:
    """SaleProductOfferResponseV1."""
    product = {"id": offer["product"], "publication": {"status": "LISTED"}, "parameters": []}
    element: Document = {"quantity": {"value": 1}, "product": product}
    body: Document = {"id": offer["id"], "name": offer["name"], "category": {"id": offer["category"]}}
    body |= {"productSet": [element], "external": {"id": offer["external"]} if offer["external"] else None}
    body |= {"stock": {"available": offer["stock"], "unit": "UNIT"}, "parameters": _with_values(offer["parameters"])}
    body |= {"sellingMode": {"format": "BUY_NOW", "price": offer["price"]}}
    body |= {"publication": _publication(market, offer), "validation": {"errors": [], "warnings": []}}
    body["additionalMarketplaces"] = {
        code: {
            "sellingMode": {"format": "BUY_NOW", "price": price},
            "publication": {"state": "APPROVED", "refusalReasons": []},
        }
        for code, price in offer["additional"].items()
    }
    body |= {"images": offer.get("images") or [], "createdAt": stamp(offer["created"])}
    body |= {name: offer[name] for name in ("description", "delivery", "language", "location") if offer.get(name)}
    return {name: value for name, value in body.items() if value is not None}


def _with_values(parameters: list[Document]) -> list[Document]:
    return [{"values": [], "valuesIds": None, **item} for item in parameters]


def _publication(market: Market, offer: Document) -> Document:
    places = {"base": {"id": market.options.base}, "additional": [{"id": code} for code in offer["additional"]]}
    body: Document = {"status": offer["status"], "republish": False, "marketplaces": places}
    return body | ({"endedBy": offer["endedBy"]} if offer["endedBy"] else {})


def listing(call: Call) -> Response:
    market = call.market
    ids, references = several("offer.id"), several("external.id", most=100)
    statuses = several("publication.status", STATUSES)
    number("offset", 0, 0, 9999999)
    found = [
        offer
        for offer in market.docs.all("offers").values()
        if (not ids or offer["id"] in ids)
        and (not references or offer["external"] in references)
        and (not statuses or offer["status"] in statuses)
    ]
    part = page(call, found, most=1000, default=20)
    total = 10**6 if market.kit.faults.take(call.operation, "stuck_cursor") else len(found)
    return answer({"offers": [_row(market, offer) for offer in part], "count": len(part), "totalCount": total})


def _row(market: Market, offer: Document) -> Document:
    """OfferListingDto."""
    publication: Document = {"status": offer["status"], "startedAt": stamp(offer["created"])}
    publication |= {"marketplaces": _publication(market, offer)["marketplaces"]}
    publication |= {"endedAt": offer["endedAt"]} if offer["endedAt"] else {}
    body: Document = {"id": offer["id"], "name": offer["name"], "category": {"id": offer["category"]}}
    body |= {"sellingMode": {"format": "BUY_NOW", "price": offer["price"]}, "publication": publication}
    body |= {"stock": {"available": offer["stock"], "sold": 0}, "isFulfillment": False}
    body |= {"external": {"id": offer["external"]}} if offer["external"] else {}
    body["additionalMarketplaces"] = {
        code: {"publication": {"state": "APPROVED"}, "sellingMode": {"price": price}, "stock": {"sold": 0}}
        for code, price in offer["additional"].items()
    }
    return body


def existing(market: Market, sku: str, gtin: str, stock: int, price: str, **more: Any) -> Document:
    """One that the seller made elsewhere."""
    found = catalogue.known(market, gtin)
    product = found[0] if found else {"id": str(uuid.uuid4()), "category": catalogue.MUGS, "name": f"Produkt {gtin}"}
    offer: Document = {"id": str(market.docs.next_id("offer", FIRST)), "created": market.now(), "external": sku}
    offer |= {"status": "ACTIVE", "endedBy": None, "endedAt": None, "gtin": gtin, "product": product["id"]}
    offer |= {"category": product["category"], "name": product["name"], "stock": stock, "additional": {}}
    offer |= {"price": {"amount": price, "currency": market.currency}}
    offer |= {"parameters": [{"id": "11323", "valuesIds": ["11323_1"]}]} | more
    market.docs.put("offers", offer["id"], offer)
    return offer
