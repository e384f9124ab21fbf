"""The fields a rule can ask about or change: their kind, and how a person calls them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

# "attributes.colour" is the attribute or option "colour", "custom.lining" the custom field or metafield "lining".
ATTRIBUTE = "attributes."
CUSTOM = "custom."


class Kind(StrEnum):
    """What a field holds. ``ATTRIBUTE`` is text that may be read as a number or as a date (2026-11-26)."""

    TEXT = "text"
    SET = "set"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    ATTRIBUTE = "attribute"


class Field(NamedTuple):
    """One field. ``path`` is where the working copy has it; a ``fixed`` one is the same for all of a connection."""

    kind: Kind
    label: str
    path: str
    fixed: bool = False


# Title, brand, price and margin are as the rules before have left them; store_price is the store's own.
FIELDS: dict[str, Field] = {
    "sku": Field(Kind.TEXT, "SKU", "subject.sku"),
    "gtin": Field(Kind.TEXT, "GTIN", "subject.gtin"),
    "product_id": Field(Kind.TEXT, "Product id in the store", "subject.product_id"),
    "tax_class": Field(Kind.TEXT, "Tax class", "subject.tax_class"),
    "title": Field(Kind.TEXT, "Title", "title"),
    "description": Field(Kind.TEXT, "Description", "description"),
    "brand": Field(Kind.TEXT, "Brand", "brand"),
    "vendor": Field(Kind.TEXT, "Vendor", "subject.vendor"),
    "origin": Field(Kind.TEXT, "Country of origin", "subject.origin"),
    "channel": Field(Kind.TEXT, "Marketplace", "channel", fixed=True),
    "country": Field(Kind.TEXT, "Buyer's country", "country", fixed=True),
    "categories": Field(Kind.SET, "Store categories", "subject.categories"),
    "tags": Field(Kind.SET, "Tags", "subject.tags"),
    "stock": Field(Kind.NUMBER, "Units on hand in the store", "subject.stock"),
    "weight": Field(Kind.NUMBER, "Weight in kilograms", "subject.weight"),
    "images": Field(Kind.NUMBER, "Number of images", "subject.images"),
    "margin_percent": Field(Kind.NUMBER, "Margin in percent of the price without VAT", "margin_percent"),
    "price": Field(Kind.MONEY, "Price", "price"),
    "store_price": Field(Kind.MONEY, "Price in the store", "subject.price"),
    "regular_price": Field(Kind.MONEY, "Price before a reduction", "subject.regular_price"),
    "cost": Field(Kind.MONEY, "Cost", "subject.cost"),
    "margin": Field(Kind.MONEY, "Margin: price without VAT, less cost", "margin"),
    "modified": Field(Kind.DATE, "Last changed in the store", "subject.modified"),
}

# What an action can write.
WRITABLE = ("title", "description", "brand", "bullets")

ASKED = {"anyOf": [{"enum": sorted(FIELDS)}, {"pattern": r"^(attributes|custom)\..+"}]}
# What a price can be taken from: prices as a buyer of the store pays them, and words that are an amount.
PRICES = ("store_price", "regular_price")
PRICED = {"anyOf": [{"enum": list(PRICES)}, {"pattern": r"^(attributes|custom)\..+"}]}
WRITTEN = {"anyOf": [{"enum": list(WRITABLE)}, {"pattern": r"^attributes\..+"}]}


def kind_of(name: str) -> Kind | None:
    """The kind of a field, None for one that does not exist."""
    for prefix in (ATTRIBUTE, CUSTOM):
        if name.startswith(prefix):
            return Kind.ATTRIBUTE if len(name) > len(prefix) else None
    field = FIELDS.get(name)
    return field.kind if field else None


def attribute_source(name: str) -> tuple[str, str]:
    """Where the working copy has the values of this kind of attribute, and the attribute's own name there."""
    if name.startswith(CUSTOM):
        return "subject.custom", name.removeprefix(CUSTOM)
    return "attributes", name.removeprefix(ATTRIBUTE)
