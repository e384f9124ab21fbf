"""Product data per EAN and language, judged after a while; and the products that come of it."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox.market import LOCALES, Call, Document, Market
from channel_adapters.kaufland.sandbox.protocol import NothingThere, answer, choice, data, invalid, page, storefront

REQUIRED = ("title", "description", "picture")
OFFSET = 10**15


class ProductData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ean: list[str] = Field(min_length=1)
    attributes: dict[str, Any]


def id_of(ean: str) -> int:
    return OFFSET + int(ean)


def ean_of(product_id: int | None) -> str | None:
    return None if product_id is None else str(product_id - OFFSET).rjust(13, "0")


def key_of(ean: str, locale: str) -> str:
    return f"{ean}/{locale}"


def _lacking(market: Market, ean: str, locale: str) -> list[str]:
    """What the control surface has set to be missing, until it is sent."""
    known = market.docs.get("lacking", key_of(ean, locale))
    return list(known["missing"]) if known else []


def attributes_of(market: Market, ean: str, code: str) -> Document:
    stored = market.docs.get("product_data", key_of(ean, LOCALES[code]))
    return dict(stored["live"]) if stored else {}


def needed(market: Market, ean: str, locale: str) -> list[str]:
    """What has to come from us: all of it, or what other sellers have left out."""
    return [*(REQUIRED if market.options.known_products == "none" else ()), *_lacking(market, ean, locale)]


def is_known(market: Market, ean: str, code: str) -> bool:
    live = attributes_of(market, ean, code)
    return all(live.get(name) for name in needed(market, ean, LOCALES[code]))


def title_of(market: Market, ean: str, code: str) -> str:
    return str((attributes_of(market, ean, code).get("title") or [f"Product {ean}"])[0])


def shown(market: Market, ean: str, code: str) -> Document:
    live = attributes_of(market, ean, code)
    body = {"id_product": id_of(ean), "storefront": code, "title": title_of(market, ean, code), "eans": [ean]}
    body |= {"id_category": 30021, "main_picture": str((live.get("picture") or [""])[0])}
    body |= {
        "manufacturer": str((live.get("manufacturer") or [""])[0]),
        "url": f"https://www.kaufland.de/product/{ean}",
    }
    extra = {"dangerous_goods_li_shipping": None, "danger_label_9A": None}
    return body | {"age_rating": 0, "is_valid": is_known(market, ean, code)} | extra


# The operations


def _locale() -> str:
    given = choice("locale", tuple(LOCALES.values()))
    if given is None:
        raise invalid("locale", "locale is required")
    return given


def _ean(text: str) -> str:
    if not text.isdigit() or not 13 <= len(text) <= 15:
        raise invalid("ean", "13, 14 or 15 digits are required")
    return text


def replace(call: Call) -> Response:
    return _take(call, keep=False)


def add(call: Call) -> Response:
    return _take(call, keep=True)


def _take(call: Call, *, keep: bool) -> Response:
    """Accepted at once, judged later."""
    market, locale = call.market, _locale()
    ean = _ean(call.body.ean[0])
    ignored = call.faulty("not_applied") is not None
    known = market.docs.get("product_data", key_of(ean, locale)) or {"given": {}, "live": {}}
    given = {**(known["given"] if keep else {}), **call.body.attributes}
    if not ignored:
        due = market.now() + market.options.data_seconds
        document = {"given": given, "live": known["live"], "due": due, "status": "PENDING"}
        market.docs.put("product_data", key_of(ean, locale), document)
        market.schedule(due, "product_data", key_of(ean, locale))
        market.settle()
    return answer({"data": {}})


def judge(market: Market, key: str) -> None:
    document = market.docs.get("product_data", key)
    if document is None or document["status"] != "PENDING" or document["due"] > market.now():
        return
    good = {name: value for name, value in document["given"].items() if _fault(name, value) is None}
    document |= {"status": "SUCCESS", "live": good}
    if not good.get("title"):
        document |= {"status": "FAIL", "live": {}}
    market.docs.put("product_data", key, document)


def _fault(name: str, value: Any) -> str | None:
    """An address of a picture has to be one; a width has to be a number."""
    values = value if isinstance(value, list) else [value]
    if name == "picture" and not all(str(item).startswith(("http://", "https://", "{")) for item in values):
        return "The picture cannot be loaded"
    if name == "width" and not all(str(item).replace(".", "").isdigit() for item in values):
        return "The value is not a number"
    return None


def schedule_judgements(market: Market) -> None:
    for key, document in market.docs.all("product_data").items():
        if document["status"] == "PENDING":
            market.schedule(document["due"], "product_data", key)


def status(call: Call) -> Response:
    ean, locale = _ean(call.path["ean"]), _locale()
    document = call.market.docs.get("product_data", key_of(ean, locale))
    if document is None:
        raise NothingThere("Product data")
    missing = [name for name in needed(call.market, ean, locale) if not document["given"].get(name)]
    ready, failed = document["status"] == "SUCCESS" and not missing, document["status"] == "FAIL"
    why = "MISSING_ATTRIBUTES" if missing else "NOT_YET_PROCESSED" if document["status"] == "PENDING" else None
    body = {"product_ready": ready, "update_status": document["status"], "id_product": id_of(ean) if ready else None}
    body |= {"product_not_ready_reason": why, "update_fail_reason": "NOT_ENOUGH_DATA" if failed else None}
    body |= {"attribute_values": [_value(*item) for item in document["given"].items()] or None}
    if document["status"] == "PENDING":
        body |= {"attribute_values": None}
        missing = []
    return data(body | {"missing_attributes": missing or None, "min_one_missing_attributes": None})


def _value(name: str, value: Any) -> Document:
    fault = _fault(name, value)
    state = "DECLINED" if fault else "ACCEPTED"
    original = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return {"attribute": name, "original_value": original, "state": state, "message": fault or ""}


def get(call: Call) -> Response:
    ean = _ean(call.path["ean"])
    document = call.market.docs.get("product_data", key_of(ean, _locale()))
    if document is None:
        raise NothingThere("Product data")
    return data({"ean": [ean], "attributes": document["given"]})


def by_ean(call: Call) -> Response:
    code, ean = storefront(call), _ean(call.path["ean"])
    if not is_known(call.market, ean, code):
        raise NothingThere("Product")
    return data(shown(call.market, ean, code))


# Categories and attributes


def _attribute(number: int, name: str, title: str, kind: str, **more: Any) -> Document:
    body = {"id": number, "name": name, "title": title, "type": kind, "is_multiple": False, "is_sharedset": False}
    return body | {"explanation": f"About {title.lower()}", "seller_instructions": "Please be exact"} | more


ATTRIBUTES = (
    _attribute(21, "manufacturer", "Manufacturer", "Company", is_sharedset=True),
    _attribute(31, "title", "Title", "ShortText"),
    _attribute(45, "colour", "Colour", "ShortText", is_sharedset=True, is_multiple=True),
    _attribute(46, "width", "Width", "Number"),
)
SHARED = {21: [f"Company {n}" for n in range(1200)], 45: ["Schwarz", "Braun", "Rot", "Hellbraun", "Dunkelbraun"]}
# number, parent, name, required and optional attributes
CATEGORIES = (
    (1, 1, "root", (), ()),
    (30001, 1, "kitchen", (), ()),
    (30021, 30001, "mugs", ("title", "colour"), ("width", "manufacturer")),
    (30022, 30001, "plates", ("title",), ("colour",)),
    (40001, 1, "garden", ("title",), ()),
)


def _category(number: int, parent: int, name: str) -> Document:
    depth = {1: 0, 30001: 1, 40001: 1}.get(number, 2)
    body = {"id_category": number, "id_parent_category": parent, "name": name, "level": depth, "url": f"/{name}/"}
    body |= {"title_singular": name.title(), "title_plural": name.title(), "shipping_category": "D"}
    return body | {"variable_fee": 13.5, "fixed_fee": 0, "vat": 19}


def tree(call: Call) -> Response:
    storefront(call)
    return data(_branch(*CATEGORIES[0][:3]))


def _branch(number: int, parent: int, name: str) -> Document:
    children = [_branch(*item[:3]) for item in CATEGORIES if item[1] == number and item[0] != number]
    return _category(number, parent, name) | {"children": children}


def category(call: Call) -> Response:
    storefront(call)
    found = next((item for item in CATEGORIES if str(item[0]) == call.path["id_category"]), None)
    if found is None:
        raise NothingThere("Category")
    leaf = not any(item[1] == found[0] and item[0] != found[0] for item in CATEGORIES)
    body = _category(*found[:3]) | {"is_leaf": leaf}
    wanted = [part for value in request.args.getlist("embedded") for part in value.split(",")]
    for name, names in (("required_attributes", found[3]), ("optional_attributes", found[4])):
        if name in wanted:
            body[name] = [item for item in ATTRIBUTES if item["name"] in names]
    return data(body)


def attributes(call: Call) -> Response:
    storefront(call)
    return page(call, list(ATTRIBUTES), lambda item: item)


def shared_set(call: Call) -> Response:
    number = call.path["id_attribute"]
    values = SHARED.get(int(number), []) if number.isdigit() else []
    wanted = request.args.get("q", "").lower()
    found: list[Document] = [{"label": value, "value": value} for value in values if wanted in value.lower()]
    return page(call, found, lambda item: item)
