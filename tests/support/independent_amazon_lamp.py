"""A product type of the independent Amazon that uses all of what its meta-schema adds to JSON Schema 2019-09, and what
real types are full of: references, conditions, alternatives, values in parts.

https://developer-docs.amazon.com/sp-api/docs/product-type-definition-meta-schema-v1
"""

from __future__ import annotations

from tests.support.independent import Json
from tests.support.independent_amazon_types import FRANCE, GERMANY

PLACE: Json = {"$ref": "#/$defs/marketplace_id"}
LANGUAGE: Json = {"$ref": "#/$defs/language_tag"}


def lamp() -> Json:
    ids = "https://schemas.amazon.com/selling-partners/definitions/product-types"
    return {
        "$schema": f"{ids}/meta-schema/v1",
        "$id": f"{ids}/schema/v1/LAMP",
        "$comment": "Amazon product type definition",
        "$defs": {
            "marketplace_id": {
                "type": "string", "default": GERMANY, "editable": False, "hidden": True,
                "anyOf": [{"type": "string"}, {"type": "string", "enum": [GERMANY, FRANCE], "enumNames": ["DE", "FR"]}],
            },
            "language_tag": {
                "type": "string", "default": "de_DE", "editable": False, "hidden": True,
                "enum": ["de_DE"], "enumNames": ["Deutsch"],
            },
        },
        "type": "object",
        "required": ["item_name", "brand", "batteries_required", "supplier_declared_dg_hz_regulation", "voltage"],
        "properties": {
            "item_name": _values("Titel", {"type": "string", "minLength": 1, "maxLength": 200}, tagged=True),
            "brand": _values("Marke", {"type": "string", "maxLength": 100, "minUtf8ByteLength": 2}, tagged=True),
            "bullet_point": _values("Punkt", {"type": "string", "maxUtf8ByteLength": 20}, most=5, tagged=True),
            "condition_type": _values("Zustand", _words("new_new", "used_good")),
            "main_product_image_locator": _values("Bild", {"type": "string"}, name="media_location"),
            "batteries_required": _values(
                "Batterien nötig", {"type": "boolean", "enum": [False, True], "enumNames": ["Nein", "Ja"]}
            ),
            "batteries_included": _values("Batterien dabei", {"type": "boolean"}),
            "num_batteries": _values("Zahl der Batterien", {"type": "integer", "minimum": 1}),
            "supplier_declared_dg_hz_regulation": _values("Gefahrgut", _words("not_applicable", "ghs", "transportation")),
            "ghs": _values("GHS", {"type": "string"}),
            "hazmat": _values("UN-Nummer", {"type": "string", "pattern": r"^UN\d{4}$"}),
            "safety_data_sheet_url": _values("Datenblatt", {"type": "string"}, tagged=True),
            "care_text": _values("Pflege", {"type": "string", "pattern": r"^\p{L}.*$"}, tagged=True),
            "shade_color": _values("Farbe", {"anyOf": [{"type": "string"}, _words("rot", "blau")]}, most=2, tagged=True),
            "release_date": _values("Erschienen", {"oneOf": [{"type": "string", "format": "date"},
                                                             {"type": "string", "format": "date-time"}]}),
            "voltage": _measure("Spannung", "volts", minimum=0, multipleOf=0.01),
            "item_length_width": _parts("Maße", length="centimeters", width="centimeters"),
            "purchasable_offer": {"type": "array", "selectors": ["marketplace_id", "currency", "audience"]},
            "fulfillment_availability": {"type": "array", "selectors": ["fulfillment_channel_code"]},
            "externally_assigned_product_identifier": {"type": "array", "selectors": ["marketplace_id", "type"]},
            "product_description": _values("Text", {"type": "string", "maxLength": 2000}, tagged=True),
        },
        "allOf": [
            _when("batteries_required", True, ["batteries_included", "num_batteries"]),
            _when("supplier_declared_dg_hz_regulation", "ghs", ["ghs"], ["hazmat"]),
            {
                "if": {"not": {"anyOf": [_has("supplier_declared_dg_hz_regulation", "not_applicable")]}},
                "then": {"required": ["safety_data_sheet_url"]},
            },
            {"if": {"required": ["ghs"]}, "then": {"allOf": [{"required": ["safety_data_sheet_url"]}]}},
        ],
    }  # fmt: skip


def _values(title: str, value: Json, *, most: int = 1, tagged: bool = False, name: str = "value") -> Json:
    selectors = ["marketplace_id", *(["language_tag"] if tagged else [])]
    properties = {name: {"title": title, "editable": True, "hidden": False, **value}, "marketplace_id": PLACE}
    properties |= {"language_tag": LANGUAGE} if tagged else {}
    item: Json = {"type": "object", "required": [name, *selectors], "properties": properties}
    item["additionalProperties"] = False
    return {
        "title": title, "description": f"{title}, wie sie ist", "examples": ["x"], "type": "array", "minItems": 1,
        "minUniqueItems": 1, "maxUniqueItems": most, "selectors": selectors, "items": item,
    }  # fmt: skip


def _words(*words: str) -> Json:
    return {"type": "string", "enum": list(words), "enumNames": [word.title() for word in words]}


def _measure(title: str, unit: str, **number: float) -> Json:
    made = _values(title, {"type": "number", **number})
    made["items"]["properties"]["unit"] = _words(unit)
    made["items"]["required"].append("unit")
    return made


def _parts(title: str, **units: str) -> Json:
    made = _values(title, {})
    made["items"]["required"] = ["marketplace_id", *units]
    properties = made["items"]["properties"]
    del properties["value"]
    for name, unit in units.items():
        number = {"type": "number", "minimum": 0}
        properties[name] = {
            "type": "object", "required": ["value", "unit"], "additionalProperties": False,
            "properties": {"value": number, "unit": _words(unit)},
        }  # fmt: skip
    return made


def _has(name: str, value: object) -> Json:
    item = {"required": ["value"], "properties": {"value": {"enum": [value]}}}
    return {"required": [name], "properties": {name: {"contains": item}}}


def _when(name: str, value: object, then: list[str], otherwise: list[str] | None = None) -> Json:
    made: Json = {"if": _has(name, value), "then": {"required": then}}
    return made | ({"else": {"properties": dict.fromkeys(otherwise, False)}} if otherwise else {})
