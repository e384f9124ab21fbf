"""Two outlines with their attribute types, as the Product Attributes API describes them."""

from __future__ import annotations

from typing import Any

from flask import Response

from channel_adapters.zalando.sandbox.market import Call, Document
from channel_adapters.zalando.sandbox.protocol import Refused, answer


def _type(label: str, name: str, definition: str = "StringDefinition", **more: Any) -> Document:
    base = {"label": label, "name": {"en": name, "de": name}, "description": {"en": f"{name} of the article."}}
    base |= {"cardinality": "one", "usage": "literal", "type_variants": []}
    return base | {"definition": {"type": definition} | more.pop("parts", {})} | more


def _parts(*labels: str, optional: tuple[str, ...] = ()) -> Document:
    return {"types": [{"label": label, "optional": label in optional} for label in (*labels, *optional)]}


REFERENCE = {"usage": "reference_by_label"}
PRIMARY = [{"label": "primary", "name": {"en": "Primary"}}, {"label": "secondary", "name": {"en": "Secondary"}}]
TYPES = {
    item["label"]: item
    for item in (
        _type("name", "Name"),
        _type("description", "Description", "LocalizedStringDefinition"),
        _type("brand_code", "Brand", **REFERENCE),
        _type("size_group", "Size group", "StructuredDefinition", parts=_parts("size")),
        _type("target_genders", "Target genders", **REFERENCE, cardinality="many"),
        _type("target_age_groups", "Target age groups", **REFERENCE, cardinality="many"),
        _type("color_code", "Colour", **REFERENCE, type_variants=PRIMARY),
        _type("season_code", "Season", **REFERENCE),
        _type("supplier_color", "Colour in your words"),
        _type(
            "material",
            "Material",
            "StructuredDefinition",
            parts=_parts("material_code", "material_percentage"),
            cardinality="many",
            type_variants=[{"label": "upper_material", "name": {"en": "Upper material"}}],
        ),
        _type("material_code", "Material", **REFERENCE),
        _type("material_percentage", "Percent", "DecimalDefinition"),
        _type("waterproof", "Waterproof", "BooleanDefinition"),
        _type("heel_height", "Heel height", "IntegerDefinition"),
        _type("size_codes", "Size", "StructuredDefinition", parts=_parts("size", optional=("length",))),
        _type("size", "Size"),
        _type("length", "Length"),
        _type("ean", "EAN"),
        _type(
            "media",
            "Pictures",
            "StructuredDefinition",
            parts=_parts("media_path", "media_sort_key"),
            cardinality="many",
        ),
        _type("media_path", "Address"),
        _type("media_sort_key", "Position", "IntegerDefinition"),
    )
}


def _values(*pairs: tuple[str, str]) -> list[Document]:
    return [{"label": label, "name": {"en-gb": label}, "value": {"localized": {"en": word}}} for label, word in pairs]


ATTRIBUTES = {
    "brand_code": [
        {"label": label, "name": {"en": name}, "value": {"string": name}}
        for label, name in (("BR1", "House Brand"), ("BR2", "Potter & Sons"))
    ],
    "target_genders": _values(
        ("target_gender_all", "All"), ("target_gender_female", "Female"), ("target_gender_male", "Male")
    ),
    "target_age_groups": _values(("target_age_group_adult", "Adult"), ("target_age_group_kid", "Kid")),
    "color_code": _values(("802", "Black"), ("001", "White"), ("401", "Red"), ("505", "Blue")),
    "season_code": _values(("season_all", "All seasons"), ("ss26", "Spring/Summer 2026")),
    "material_code": _values(("le", "Leather"), ("co", "Cotton"), ("pl", "Polyester")),
}
MODEL = ["name", "brand_code", "size_group", "target_genders", "target_age_groups"]


def _tier(mandatory: list[str], optional: list[str] | None = None, **more: Any) -> Document:
    return {"mandatory_types": mandatory, "optional_types": optional or [], "restricted_attributes": [], **more}


def _outline(label: str, name: str, config: Document) -> Document:
    simple = _tier(["ean", "size_codes"])
    tiers = {"model": _tier(MODEL), "config": config, "simple": simple}
    return {"label": label, "name": {"en": name, "de": name}, "description": {"en": name}, "tiers": tiers}


HINT = {
    "material.upper_material": {
        "related_types": None,
        "description": {"en": "Please specify the material of the upper."},
        "hint_type": "mandatory_if_applicable",
    }
}
ONLY = [{"type": {"label": "color_code.primary", "version": "1.0.0"}, "values": ["802", "001", "505"]}]
OUTLINES = {
    "accessory": _outline(
        "accessory",
        "Accessory",
        _tier(["color_code.primary", "season_code"], ["description", "media", "supplier_color", "waterproof"]),
    ),
    "shoe": _outline(
        "shoe",
        "Shoe",
        _tier(
            ["color_code.primary", "season_code", "media", "description"],
            ["material.upper_material", "heel_height", "waterproof", "color_code.secondary"],
            restricted_attributes=ONLY,
            validation_hints=HINT,
        ),
    ),
}


def outlines(_call: Call) -> Response:
    return answer({"items": list(OUTLINES.values())})


def outline(call: Call) -> Response:
    return answer({"items": [_found(OUTLINES, call.path["label"])]})


def attribute_type(call: Call) -> Response:
    return answer(_found(TYPES, call.path["label"]))


def attributes(call: Call) -> Response:
    label = call.path["label"]
    _found(TYPES, label)
    return answer({"items": ATTRIBUTES.get(label, [])})


def _found(known: dict[str, Document], label: str) -> Document:
    if label not in known:
        raise Refused(404, "Not Found", f"{label} was not found")
    return known[label]
