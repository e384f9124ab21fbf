"""The attribute set of the sandbox store: what is in it, and what a new product has to have."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox.catalogue import ATTRIBUTES, in_set
from platform_adapters.magento.sandbox.errors import MagentoError, no_entity
from platform_adapters.magento.sandbox.options import Options
from platform_adapters.magento.sandbox.shop import Doc

OF_EVERY_SET = ("sku", "name", "price", "status", "visibility", "weight")
ALWAYS = ("sku", "name", "price")


def sets(options: Options) -> list[Doc]:
    own = {"attribute_set_id": options.attribute_set, "attribute_set_name": "Shop"}
    return [{**own, "sort_order": 1, "entity_type_id": 4}]


def of_set(options: Options, key: str) -> list[Doc]:
    """As Magento lists them: whole, without pages."""
    if key != str(options.attribute_set):
        raise no_entity()
    return [_attribute(code, options) for code in (*OF_EVERY_SET, *in_set(options.ean))]


def refuse_incomplete(options: Options, given: Any) -> None:
    """A product that is made has a value for each attribute that is required, and a set that there is."""
    product = given if isinstance(given, dict) else {}
    if product.get("attribute_set_id") != options.attribute_set:
        raise MagentoError(400, "Invalid product data: %1", ["Invalid attribute set entity type"])
    own = {row["attribute_code"]: row["value"] for row in product.get("custom_attributes") or ()}
    for code in options.required:
        if not own.get(code):
            message = 'The "%1" attribute value is empty. Set the attribute and try again.'
            raise MagentoError(400, message, [code.title()])


def _attribute(code: str, options: Options) -> Doc:
    known = next((row for row in ATTRIBUTES if row["attribute_code"] == code), None)
    plain = {"attribute_code": code, "default_frontend_label": code.title(), "frontend_input": "text", "options": []}
    required = code in ALWAYS or code in options.required
    return {**(known or plain), "is_required": required, "is_user_defined": code not in OF_EVERY_SET, "apply_to": []}
