"""The columns of the feed, and what Miinto asks of each (Miinto Integration help, Product Data, as of June 2026)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bridge.domain.requirement import AttributeKind, AttributeRequirement, CategoryRequirements, Need
from bridge.domain.values import fingerprint

STYLE, SEASON = "c:style_id:string", "c:season_tag:string"
STOCK = "c:stock_level:integer"
LANGUAGES = ("DA", "SV", "NL", "NO", "EN", "DE", "PL", "IT", "FR", "ES", "FI")
BRAND_MOST, TEXT_MOST, SEASON_MOST = 149, 254, 8


# What stores call the two axes of fashion, in Miinto's languages: an option of such a name need not be mapped.
ALSO_CALLED = {
    "color": ("colour", "farve", "färg", "kleur", "farge", "farbe", "kolor", "colore", "couleur", "väri"),
    "size": ("størrelse", "storlek", "maat", "größe", "groesse", "rozmiar", "taglia", "taille", "talla", "koko"),
}


def retail(currency: str) -> str:
    return f"c:retail_price_{currency}:integer"


def discounted(currency: str) -> str:
    return f"c:discount_retail_price_{currency}:integer"


def title(language: str) -> str:
    return f"c:title_{language}:string"


def description(language: str) -> str:
    return f"c:description_{language}:string"


def header(currencies: Sequence[str]) -> list[str]:
    """In the order of Miinto's own example."""
    prices = [name for currency in currencies for name in (discounted(currency), retail(currency))]
    return [
        "id", "item_group_id", STYLE, "brand", "title", "color", "size", "image_link", "additional_image_link", STOCK,
        *prices, "material", "gtin", *map(title, LANGUAGES), "product_type", "gender", SEASON, "description",
        *map(description, LANGUAGES), "washing", "hs_code", "madein",
    ]  # fmt: skip


_JSON = 'A text, or a table of texts by language as JSON, like {"en_EN.utf8": "…", "da_DK.utf8": "…"}.'

_ATTRIBUTES = (
    AttributeRequirement(
        id="color", name="Colour", need=Need.REQUIRED, max_length=TEXT_MOST, axis=True,
        help="The brand's own colour, like Black/white or Multi-colour. It cannot change once Miinto has it.",
    ),
    AttributeRequirement(
        id="size", name="Size", need=Need.REQUIRED, max_length=TEXT_MOST, axis=True,
        help="As on the label, not converted. It cannot change once Miinto has it.",
    ),
    AttributeRequirement(id="material", name="Material", need=Need.REQUIRED, help=_JSON),
    AttributeRequirement(
        id="madein", name="Made in", need=Need.REQUIRED, pattern="^[A-Z]{2}$", help="The country, in two letters."
    ),
    AttributeRequirement(
        id=STYLE, name="Style", help="The designer's number of model and colour. Left empty: product and colour."
    ),
    AttributeRequirement(id="product_type", name="Product type", help="A path, like Shoes > Sneakers."),
    AttributeRequirement(
        id="gender", name="Gender", kind=AttributeKind.TEXT, pattern="^[MFU]$", help="M, F or U; not for children."
    ),
    AttributeRequirement(id=SEASON, name="Season", max_length=SEASON_MOST, help="Season and year, like SS23."),
    AttributeRequirement(id="washing", name="Washing", help=_JSON),
    AttributeRequirement(
        id="hs_code", name="HS code", pattern=r"^\d{4}\.\d{2}(\.\d{2}){0,2}$", help="With dots, like 4202.21.00.90."
    ),
    *(AttributeRequirement(id=title(language), name=f"Title ({language})") for language in LANGUAGES),
    *(AttributeRequirement(id=description(language), name=f"Description ({language})") for language in LANGUAGES),
)  # fmt: skip


def requirements(defaults: Collection[str]) -> CategoryRequirements:
    """Of every product; what has a default is not asked of each."""
    found = tuple(
        item.model_copy(update={"need": Need.OPTIONAL}) if item.id in defaults else item for item in _ATTRIBUTES
    )
    version = fingerprint([item.as_json() for item in found])
    return CategoryRequirements(category=None, version=version, attributes=found)
