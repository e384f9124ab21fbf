"""Product types: made by hand in the shape of Amazon's (2019-09 schema, selectors, enumNames, conditions), with few
attributes each. They are no copies: Amazon's own have hundreds of attributes and change with the country.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

from channel_adapters.amazon.sandbox.market import Call
from channel_adapters.amazon.sandbox.protocol import answer, chosen, invalid, listed, not_found

Schema = dict[str, Any]
LANGUAGES = {"A1PA6795UKMFR9": "de_DE", "A13V1IB3VIYZZH": "fr_FR", "A1F83G8C2ARO7P": "en_GB", "ATVPDKIKX0DER": "en_US"}
TITLES = {"HOME": "Home", "DRINKING_CUP": "Drinking Cup", "LUGGAGE": "Luggage", "SHIRT": "Shirt"}
WORDS = {
    "mug": "DRINKING_CUP",
    "cup": "DRINKING_CUP",
    "becher": "DRINKING_CUP",
    "suitcase": "LUGGAGE",
    "shirt": "SHIRT",
}
# What is asked for of every product; the rest by type.
REQUIRED = ["item_name", "brand", "product_description", "bullet_point"]
OFFER = ["condition_type", "purchasable_offer", "fulfillment_availability"]
MORE_REQUIRED = {"DRINKING_CUP": ["material"], "LUGGAGE": ["color", "item_weight"], "SHIRT": ["color"]}
MOST = ("ENFORCED", "NOT_ENFORCED")


def search_types(call: Call) -> Response:
    sites = listed("marketplaceIds")
    if not sites:
        raise invalid("marketplaceIds is required.")
    if call.faulty("empty_list") is not None:
        return answer({"productTypes": [], "productTypeVersion": "1"})
    title = request.args.get("itemName")
    wanted = [word.lower() for word in listed("keywords")]
    names = [_recommended(title)] if title else [name for name in TITLES if _asked(name, wanted)]
    types = [{"name": name, "displayName": TITLES[name], "marketplaceIds": sites} for name in names]
    return answer({"productTypes": types, "productTypeVersion": "1"})


def _recommended(title: str) -> str:
    words = title.lower().replace("-", " ").split()
    return next((WORDS[word] for word in words if word in WORDS), "HOME")


def _asked(name: str, words: list[str]) -> bool:
    return not words or any(word in name.lower() for word in words)


def get_type(call: Call) -> Response:
    name, sites = call.path["product_type"], listed("marketplaceIds")
    if not sites:
        raise invalid("marketplaceIds is required.")
    requirements = (chosen("requirements", ("LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY")) or ["LISTING"])[0]
    if name not in TITLES:
        raise not_found(f"Product type {name}")
    checksum = checksum_of(name, sites[0])
    link = f"{request.host_url}schemas/{name}/{sites[0]}"
    body = {
        "metaSchema": {"link": {"resource": f"{request.host_url}schemas/meta/v1", "verb": "GET"}, "checksum": "1"},
        "schema": {"link": {"resource": link, "verb": "GET"}, "checksum": checksum},
        "requirements": requirements,
        "requirementsEnforced": MOST[0],
        "propertyGroups": {"product_identity": {"title": "Product Identity", "propertyNames": ["item_name", "brand"]}},
        "locale": LANGUAGES.get(sites[0], "en_US"),
        "marketplaceIds": sites[:1],
        "productType": name,
        "displayName": TITLES[name],
        "productTypeVersion": {"version": f"v-{checksum[:8]}", "latest": True, "releaseCandidate": False},
    }
    return answer(body)


def get_schema(call: Call) -> Response:
    if call.path["product_type"] not in TITLES:
        raise not_found("Schema")
    return answer(schema_of(call.path["product_type"], call.path["site"]))


def checksum_of(name: str, site: str) -> str:
    return hashlib.md5(json.dumps(schema_of(name, site)).encode(), usedforsecurity=False).hexdigest()


def schema_of(name: str, site: str) -> Schema:
    language = LANGUAGES.get(site, "en_US")
    properties = _common() | _of_type(name)
    return {
        "$schema": "https://schemas.amazon.com/selling-partners/definitions/product-types/meta-schema/v1",
        "$id": f"https://schemas.amazon.com/selling-partners/definitions/product-types/schema/v1/{name}",
        "$comment": "Made by hand for the sandbox.",
        "$defs": {"marketplace_id": _fixed(site), "language_tag": _fixed(language)},
        "type": "object",
        "required": [*REQUIRED, *MORE_REQUIRED.get(name, []), *OFFER],
        "properties": properties,
        "allOf": _conditions(name),
    }


def _fixed(value: str) -> Schema:
    alternatives = [{"type": "string"}, {"type": "string", "enum": [value], "enumNames": [value]}]
    return {"default": value, "editable": False, "hidden": True, "type": "string", "anyOf": alternatives}


def attribute(title: str, value: Schema, *, most: int = 1, language: bool = False, **more: Schema) -> Schema:
    properties: Schema = {"marketplace_id": {"$ref": "#/$defs/marketplace_id"}}
    if language:
        properties["language_tag"] = {"$ref": "#/$defs/language_tag"}
    properties |= {"value": {"title": title, **value}, **more}
    required = ["value", *(["language_tag"] if language else []), *more]
    return _array(title, properties, required, ["marketplace_id", *(["language_tag"] if language else [])], most)


def _array(title: str, properties: Schema, required: list[str], selectors: list[str], most: int = 1) -> Schema:
    items = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
    body: Schema = {"title": title, "description": f"{title} of the product.", "type": "array", "minItems": 1}
    return body | {"minUniqueItems": 1, "maxUniqueItems": most, "selectors": selectors, "items": items}


def words(longest: int, **more: Any) -> Schema:
    return {"type": "string", "maxLength": longest, **more}


def choice(*pairs: str, open_list: bool = False) -> Schema:
    values, names = [pair.partition("=")[0] for pair in pairs], [pair.partition("=")[2] or pair for pair in pairs]
    closed: Schema = {"type": "string", "enum": values, "enumNames": names}
    return {"type": "string", "anyOf": [{"type": "string"}, closed]} if open_list else closed


def _picture(title: str) -> Schema:
    properties = {"marketplace_id": {"$ref": "#/$defs/marketplace_id"}, "media_location": {"type": "string"}}
    return _array(title, properties, ["media_location"], ["marketplace_id"])


def _common() -> Schema:
    site = {"marketplace_id": {"$ref": "#/$defs/marketplace_id"}}
    yes = {"type": "boolean", "enum": [True, False], "enumNames": ["Yes", "No"]}
    code = {"type": choice("ean=EAN", "gtin=GTIN", "upc=UPC"), "value": {"type": "string"}}
    asin = {"type": "string", "minLength": 10, "maxLength": 10, "maxUtf8ByteLength": 40}
    return {
        "item_name": attribute("Title", words(200), language=True),
        "brand": attribute("Brand", words(100), language=True),
        "product_description": attribute("Description", words(2000), language=True),
        "bullet_point": attribute("Bullet Point", words(700), most=10, language=True),
        "externally_assigned_product_identifier": _array(
            "External Product ID", site | code, ["type", "value"], ["marketplace_id", "type"]
        ),
        "merchant_suggested_asin": attribute("Merchant Suggested ASIN", asin),
        "supplier_declared_has_product_identifier_exemption": attribute("Product ID Exemption", yes),
        "condition_type": attribute("Condition", choice("new_new=New", "used_good=Used - Good")),
        "country_of_origin": attribute("Country of Origin", choice("DE=Germany", "NL=Netherlands", "CN=China")),
        "main_product_image_locator": _picture("Main Image"),
        "other_product_image_locator_1": _picture("Other Image 1"),
        "other_product_image_locator_2": _picture("Other Image 2"),
        "list_price": attribute(
            "List Price", {"type": "number", "minimum": 0, "multipleOf": 0.01}, currency={"type": "string"}
        ),
        "fulfillment_availability": _availability(),
        "purchasable_offer": _offer(site),
    }


def _availability() -> Schema:
    properties: Schema = {
        "fulfillment_channel_code": choice("AMAZON_EU", "DEFAULT"),
        "quantity": {"type": "integer", "minimum": 0},
        "lead_time_to_ship_max_days": {"type": "integer", "minimum": 0, "maximum": 30},
    }
    return _array("Availability", properties, ["fulfillment_channel_code"], ["fulfillment_channel_code"])


def _offer(site: Schema) -> Schema:
    price = {"type": "object", "required": ["value_with_tax"], "additionalProperties": False}
    price["properties"] = {"value_with_tax": {"type": "number"}}
    plan = {"type": "array", "minItems": 1, "items": price}
    ours = {"type": "object", "required": ["schedule"], "properties": {"schedule": plan}, "additionalProperties": False}
    properties = site | {
        "currency": {"type": "string"},
        "audience": choice("ALL=Sell on Amazon", "B2B=Amazon Business"),
        "our_price": {"type": "array", "minItems": 1, "items": ours},
    }
    return _array("Offer", properties, [], ["marketplace_id", "currency", "audience"])


def _of_type(name: str) -> Schema:
    measure = {"type": "number", "minimum": 0}
    weight = attribute("Item Weight", measure, unit=choice("grams=Grams", "kilograms=Kilograms"))
    color = attribute("Color", words(1000, anyOf=choice("Blue", "Red", open_list=True)["anyOf"]), language=True)
    material = attribute("Material", choice("Ceramic", "Glass", "Metal", open_list=True), most=3, language=True)
    lengths = {"type": "object", "required": ["unit", "value"], "additionalProperties": False}
    lengths["properties"] = {"value": measure, "unit": choice("centimeters=Centimetres", "inches=Inches")}
    sides = {"marketplace_id": {"$ref": "#/$defs/marketplace_id"}, "length": lengths, "width": lengths}
    themes = _array("Variation Theme", {"name": choice("COLOR", "COLOR/SIZE")}, ["name"], ["marketplace_id"])
    themes["items"]["properties"]["marketplace_id"] = {"$ref": "#/$defs/marketplace_id"}
    by_type: dict[str, Schema] = {
        "HOME": {},
        "DRINKING_CUP": {
            "material": material,
            "capacity": attribute("Capacity", measure, unit=choice("milliliters=Millilitres", "liters=Litres")),
            "is_dishwasher_safe": attribute("Dishwasher Safe", {"type": "boolean"}),
            "number_of_items": attribute("Number of Items", {"type": "integer", "minimum": 1, "maximum": 100}),
        },
        "LUGGAGE": {
            "color": color,
            "item_weight": weight,
            "item_dimensions": _array("Item Dimensions", sides, [], ["marketplace_id"]),
        },
        "SHIRT": {"color": color, "size": attribute("Size", words(50), language=True), "variation_theme": themes},
    }  # fmt: skip
    return by_type[name]


def _conditions(name: str) -> list[Schema]:
    exempt = {"required": ["supplier_declared_has_product_identifier_exemption"]}
    either = [{"required": ["externally_assigned_product_identifier"]}, {"required": ["merchant_suggested_asin"]}]
    rules: list[Schema] = [{"if": {"not": exempt}, "then": {"anyOf": either}}]
    if name == "SHIRT":
        theme = {"properties": {"name": {"enum": ["COLOR/SIZE"]}}, "required": ["name"]}
        given = {"properties": {"variation_theme": {"contains": theme}}, "required": ["variation_theme"]}
        rules.append({"if": given, "then": {"required": ["size"]}})
    if name == "DRINKING_CUP":
        rules.append(
            {"if": {"required": ["number_of_items", "capacity"]}, "then": {"required": ["is_dishwasher_safe"]}}
        )
    return rules
