"""The operator's catalogue: categories, attributes, values, known products, and what an import makes of a row."""

from __future__ import annotations

from flask import Response, request

from channel_adapters.mirakl.sandbox.gate import Problem, answer, words
from channel_adapters.mirakl.sandbox.market import Call, Document, Market

CATEGORIES = (
    ("HOME", "Home", ""),
    ("KITCHEN", "Kitchen", "HOME"),
    ("MUGS", "Mugs", "KITCHEN"),
    ("LAMPS", "Lamps", "HOME"),
)
LEAVES = ("MUGS", "LAMPS")
BANNED = "Banned"
COLOURS = (("BLU", "Blue"), ("RED", "Red"))
# code, label, type, requirement level, role, category
ATTRIBUTES = (
    ("category", "Category", "TEXT", "REQUIRED", "CATEGORY", ""),
    ("name", "Product name", "TEXT", "REQUIRED", "TITLE", ""),
    ("longDescription", "Description", "LONG_TEXT", "RECOMMENDED", "DESCRIPTION", ""),
    ("brandName", "Brand", "TEXT", "OPTIONAL", "BRAND", ""),
    ("ean", "EAN", "TEXT", "REQUIRED", "UNIQUE_IDENTIFIER", ""),
    ("shopSku", "Your SKU", "TEXT", "REQUIRED", "SHOP_SKU", ""),
    ("image1", "Main picture", "MEDIA", "OPTIONAL", "MAIN_IMAGE", ""),
    ("colour", "Colour", "LIST", "OPTIONAL", "", "MUGS"),
    ("volume", "Volume", "MEASUREMENT", "OPTIONAL", "", "MUGS"),
    ("care", "Care", "LIST_MULTIPLE_VALUES", "OPTIONAL", "", "MUGS"),
    ("watts", "Power", "DECIMAL", "OPTIONAL", "", "LAMPS"),
    ("oldField", "Not used any more", "TEXT", "DISABLED", "", ""),
)
PARAMETERS = {
    "colour": [{"name": "LIST_CODE", "value": "colours"}],
    "care": [{"name": "LIST_CODE", "value": "care"}],
    "volume": [{"name": "UNITS", "value": "ml,l"}],
    "image1": [{"name": "MAX_SIZE", "value": "2048"}],
}
VALIDATIONS = {"name": "MIN_LENGTH|3,MAX_LENGTH|120", "watts": "MIN|0,MAX|2000"}


def hierarchies(call: Call) -> Response:
    known = {code: (label, parent) for code, label, parent in CATEGORIES}
    if call.faulty("empty_list") is not None:
        known = {}
    found = [
        {"code": code, "label": label, "label_translations": [], "level": _level(code), "parent_code": parent}
        for code, (label, parent) in known.items()
    ]
    return answer({"hierarchies": found})


def _level(code: str) -> int:
    parents = {known: parent for known, _, parent in CATEGORIES}
    return 1 + (_level(parents[code]) if parents[code] else 0)


def attributes(_call: Call) -> Response:
    wanted = request.args.get("hierarchy")
    if wanted is not None and wanted not in [code for code, _, _ in CATEGORIES]:
        raise Problem(404, f"Hierarchy {wanted} not found.")
    found = [_attribute(*entry) for entry in ATTRIBUTES if wanted is None or entry[5] in ("", wanted)]
    return answer({"attributes": found})


def _attribute(code: str, label: str, kind: str, level: str, role: str, category: str) -> Document:
    body: Document = {"code": code, "label": label, "type": kind, "requirement_level": level, "variant": False}
    body |= {"description_translations": [], "label_translations": [{"locale": "en", "value": label}]}
    body |= {"required": level == "REQUIRED", "type_parameter": "", "type_parameters": PARAMETERS.get(code, [])}
    body["roles"] = [{"type": role, "parameters": []}] if role else []
    if category:
        body["hierarchy_code"] = category
    if code in VALIDATIONS:
        body["validations"] = VALIDATIONS[code]
    return body | ({"variant": True} if code == "colour" else {})


def values_lists(_call: Call) -> Response:
    care = (("DW", "Dishwasher"), ("HW", "By hand"))
    lists = {"colours": COLOURS, "care": care}
    wanted = request.args.get("code")
    found = [
        {
            "code": code,
            "label": code.title(),
            "label_translations": [],
            "values": [{"code": value, "label": name, "label_translations": []} for value, name in values],
        }
        for code, values in lists.items()
        if wanted in (None, code)
    ]
    return answer({"values_lists": found})


def products(call: Call) -> Response:
    found = []
    for reference in words("product_references")[:100]:
        kind, _, value = reference.partition("|")
        if kind in ("SKU", "SHOP_SKU"):
            raise Problem(400, f"{kind} is not a product reference type.")
        if (product := known_product(call.market, kind, value)) is not None:
            found.append(_product(product))
    return answer({"products": found, "total_count": len(found)})


def _product(product: Document) -> Document:
    labels = {code: label for code, label, _ in CATEGORIES}
    category = product["category"]
    body = {"category_code": category, "category_label": labels.get(category, category)}
    body |= {"product_id": product["ean"], "product_id_type": "EAN", "product_sku": product["product_sku"]}
    return body | {"product_title": product["title"]}


def known_product(market: Market, kind: str, value: str) -> Document | None:
    """The product under this number. Where the operator knows everything, it is made at the first question."""
    if kind != "EAN" or not value:
        return None
    found: Document | None = market.docs.get("products", value)
    if found is None and market.options.known_products == "all":
        found = add_product(market, value, {"title": f"Product {value}", "category": "MUGS"})
    return found


def add_product(market: Market, ean: str, more: Document) -> Document:
    number = f"MKP{market.docs.next_id('product', 100000001)}"
    product = {"ean": ean, "product_sku": number, "title": "", "category": "", "description": "", "brand": ""} | more
    market.docs.put("products", ean, product)
    return product


def row_fault(row: dict[str, str]) -> str:
    """What the conversion says of a row of a product file; "" when it is fine."""
    if row.get("category", "") not in LEAVES:
        return f"1001|Category unknown: '{row.get('category', '')}'"
    for code, label, _, level, _, _ in ATTRIBUTES:
        if level == "REQUIRED" and not row.get(code):
            return f"1000|The attribute '{code}' ({label}) is required"
    if row.get("colour") and row["colour"] not in [code for code, _ in COLOURS]:
        return f"2004|The attribute 'colour' has the unknown value '{row['colour']}'"
    return ""


def integrate(market: Market, row: dict[str, str]) -> None:
    names = {"title": "name", "category": "category", "description": "longDescription", "brand": "brandName"}
    given = {ours: row.get(theirs, "") for ours, theirs in names.items()}
    known = market.docs.get("products", row["ean"]) or add_product(market, row["ean"], {})
    market.docs.put("products", row["ean"], known | given | {"row": row})
