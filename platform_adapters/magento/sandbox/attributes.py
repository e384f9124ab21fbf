"""The attribute set of the sandbox store: what is in it, and what a new product has to have."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox.catalogue import ATTRIBUTES, in_set
from platform_adapters.magento.sandbox.errors import MagentoError
from platform_adapters.magento.sandbox.options import Options
from platform_adapters.magento.sandbox.shop import Doc

OF_EVERY_SET = ("sku", "name", "price", "status", "visibility", "weight")
OF_OTHER_KINDS = {"links_purchased_separately": "downloadable", "links_title": "downloadable"}
ALWAYS = ("sku", "name", "price", *OF_OTHER_KINDS)
FILTERED_BY = ("attribute_id", "attribute_code", "frontend_input", "attribute_set_id")


def sets(options: Options) -> list[Doc]:
    own = {"attribute_set_id": options.attribute_set, "attribute_set_name": "Shop"}
    return [{**own, "sort_order": 1, "entity_type_id": 4}]


def all_of(options: Options) -> list[Doc]:
    """Each with the set that it is in, by which a list of attributes can be filtered."""
    codes = (*OF_EVERY_SET, *OF_OTHER_KINDS, *in_set(options.ean))
    return [_attribute(code, options) | {"attribute_set_id": options.attribute_set} for code in codes]


def refuse_incomplete(options: Options, given: Any) -> None:
    """A product that is made has a value for each attribute that is required, and a set that there is."""
    product = given if isinstance(given, dict) else {}
    if product.get("attribute_set_id") != options.attribute_set:
        raise MagentoError(400, "Invalid product data: %1", ["Invalid attribute set entity type"])
    own = {row["attribute_code"]: row["value"] for row in product.get("custom_attributes") or ()}
    if not str(own.get("links_purchased_separately", 0)).isdigit():
        message = (
            'Error occurred during "custom_attributes" processing. Attribute "%1" has invalid value. The "%2" value\'s '
            'type is invalid. The "int" type was expected. Verify and try again.'
        )
        raise MagentoError(400, message, ["links_purchased_separately", own["links_purchased_separately"]])
    for code in options.required:
        if not own.get(code):
            message = 'The "%1" attribute value is empty. Set the attribute and try again.'
            raise MagentoError(400, message, [code.title()])


def _attribute(code: str, options: Options) -> Doc:
    known = next((row for row in ATTRIBUTES if row["attribute_code"] == code), None)
    kind = OF_OTHER_KINDS.get(code)
    plain: Doc = {"attribute_code": code, "default_frontend_label": code.title(), "options": []}
    plain |= {"attribute_id": 73 + len(code), "frontend_input": None if kind else "text"}
    required = code in ALWAYS or code in options.required
    shipped = code in OF_EVERY_SET or kind is not None
    about = {"is_required": required, "is_user_defined": not shipped, "apply_to": [kind] if kind else []}
    return {**(known or plain), **about}
