"""The one product type of the independent Amazon, and what is wrong with attributes by it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from jsonschema import Draft201909Validator

from tests.support.independent import Json

GERMANY, FRANCE = "A1PA6795UKMFR9", "A13V1IB3VIYZZH"


def issue(code: str, message: str, *attributes: str) -> Json:
    made = {"code": code, "message": message, "severity": "ERROR", "categories": ["INVALID_ATTRIBUTE"]}
    return made | {"attributeNames": list(attributes)}


def issues_of(body: Json, schemas: Mapping[str, str]) -> Iterator[Json]:
    schema = json.loads(schemas.get(body["productType"], schemas["MUG"]))
    if body.get("requirements") == "LISTING_OFFER_ONLY":
        schema["required"] = ["condition_type", "purchasable_offer", "fulfillment_availability"]
    if body["productType"] not in (*schemas, "PRODUCT"):
        yield issue("90000001", f"The product type {body['productType']} is not valid.", "productType")
    schema.get("properties", {}).pop("care_text", None)  # its pattern is none of Python's
    checker = Draft201909Validator(schema, format_checker=Draft201909Validator.FORMAT_CHECKER)
    for error in checker.iter_errors(body["attributes"]):
        name = str(next(iter(error.absolute_path), "")) or error.message.split("'")[1]
        yield issue("90220", error.message[:200], name)


def schema_text() -> str:
    """A product type: values of lists, each with its marketplace, as all of them have it."""

    def many(most: int, required: list[str], **fields: Json) -> Json:
        properties = {"marketplace_id": {"type": "string", "enum": [GERMANY, FRANCE]}, **fields}
        entry = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
        return {"type": "array", "minItems": 1, "maxItems": most, "items": entry}

    text = {"type": "string", "maxLength": 2000}
    tag = {"type": "string", "enum": ["de_DE", "fr_FR"]}
    titled = {"type": "string", "minLength": 1, "maxLength": 200}
    link = {"type": "string", "format": "uri"}
    number = {"type": "number", "minimum": 0.01, "multipleOf": 0.01}
    schedule = {"type": "array", "items": {"type": "object", "properties": {"value_with_tax": {"type": "number"}}}}
    price = {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {"schedule": schedule}}}
    kinds = {"type": "string", "enum": ["ean", "upc", "gtin"]}
    here = ["marketplace_id"]
    properties = {
        "item_name": many(2, ["value", "language_tag", *here], value=titled, language_tag=tag),
        "brand": many(2, ["value", *here], value=text, language_tag=tag),
        "product_description": many(2, ["value", *here], value=text, language_tag=tag),
        "bullet_point": many(20, ["value", *here], value=text, language_tag=tag),
        "condition_type": many(2, ["value"], value={"type": "string", "enum": ["new_new", "used_good"]}),
        "externally_assigned_product_identifier": many(2, ["type", "value"], type=kinds, value=text),
        "main_product_image_locator": many(2, ["media_location"], media_location=link),
        "color": many(2, ["value"], value=text, language_tag=tag),
        "purchasable_offer": many(
            4, ["currency", "our_price", *here], currency={"type": "string"}, audience=text, our_price=price
        ),
        "fulfillment_availability": {
            "type": "array",
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["fulfillment_channel_code"],
                "additionalProperties": False,
                "properties": {
                    "fulfillment_channel_code": {"type": "string", "enum": ["DEFAULT"]},
                    "quantity": {"type": "integer", "minimum": 0},
                    "lead_time_to_ship_max_days": {"type": "integer", "minimum": 0, "maximum": 30},
                },
            },
        },
        "item_weight": many(1, ["value", "unit"], value=number, unit={"type": "string", "enum": ["kilograms"]}),
    }
    required = ["item_name", "brand", "condition_type", "purchasable_offer", "main_product_image_locator"]
    return json.dumps(
        {
            "$schema": "https://schemas.amazon.com/selling-partners/definitions/product-types/meta-schema/v1",
            "$id": "https://schemas.amazon.com/selling-partners/definitions/product-types/schema/v1/MUG",
            "type": "object",
            "required": required,
            "properties": properties,
        }
    )
