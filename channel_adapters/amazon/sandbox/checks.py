"""What Amazon finds wrong at once: attributes held against the definition of their product type."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema import Draft201909Validator
from referencing import Registry

from channel_adapters.amazon.sandbox.definitions import TITLES, schema_of
from channel_adapters.amazon.sandbox.market import Document

GENERAL = "PRODUCT"
Values = list[Document]


def issues_of(product_type: str, site: str, attributes: Document, requirements: str) -> Values:
    """What Amazon finds at once."""
    if requirements == "LISTING_OFFER_ONLY":
        needed = ("merchant_suggested_asin", "condition_type", "purchasable_offer", "fulfillment_availability")
        return [_missing(name) for name in needed if name not in attributes]
    if product_type not in TITLES:
        return [issue("90000900", f"Product type {product_type} is unknown.", [], "INVALID_ATTRIBUTE")]
    return [_from(error) for error in _checker(product_type, site).iter_errors(_exact(attributes))]


def patch_issues(document: Document, sites: list[str], product_type: str, patches: list[Document]) -> Values:
    kinds = {document["sites"][site]["productType"] for site in sites if site in document["sites"]}
    if product_type not in kinds | {GENERAL}:
        return [issue("90000900", f"The listing is no {product_type}.", [], "INVALID_ATTRIBUTE")]
    known = sorted(kinds & set(TITLES))
    given = {patch["path"].removeprefix("/attributes/"): patch["value"] or [] for patch in patches}
    checker = _checker(known[0] if known else "HOME", sites[0], parts=True)
    return [_from(error) for error in checker.iter_errors(_exact(given))]


@cache
def _checker(product_type: str, site: str, *, parts: bool = False) -> Draft201909Validator:
    """``parts``: only of the attributes that are given."""
    schema = _exact(schema_of(product_type, site))
    kept = {"$defs": schema["$defs"], "properties": schema["properties"]} if parts else schema
    return Draft201909Validator(kept, registry=Registry())


def _from(error: Any) -> Document:
    missing = re.match(r"'(\w+)' is a required property", error.message)
    if missing and not error.absolute_path:
        return _missing(missing[1])
    names = [str(error.absolute_path[0])] if error.absolute_path else []
    return issue("90000900", error.message[:300], names, "INVALID_ATTRIBUTE")


def _exact(value: Any) -> Any:
    """Numbers as they were written: 99.95 is a multiple of 0.01."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def _missing(name: str) -> Document:
    return issue("90220", f"'{name}' is required but not supplied.", [name], "MISSING_ATTRIBUTE")


def issue(code: str, message: str, names: list[str], category: str, severity: str = "ERROR") -> Document:
    return {
        "code": code, "message": message, "severity": severity, "attributeNames": names, "categories": [category],
    }  # fmt: skip
