"""Attribute mapping as data: what a marketplace attribute is filled from. A form can draw it; nothing is executed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bridge.domain.values import Value

Name = Annotated[str, Field(min_length=1, max_length=200)]
Path = tuple[Annotated[str, Field(min_length=1, max_length=300)], ...]


class StoreField(StrEnum):
    """What every store tells of a product. Prices are the bare amount; weight and sizes carry the store's unit."""

    TITLE = "title"
    PRODUCT_TITLE = "product_title"
    DESCRIPTION = "description"
    DESCRIPTION_TEXT = "description_text"
    BRAND = "brand"
    VENDOR = "vendor"
    SKU = "sku"
    GTIN = "gtin"
    PRICE = "price"
    REGULAR_PRICE = "regular_price"
    SALE_PRICE = "sale_price"
    COST = "cost"
    WEIGHT = "weight"
    LENGTH = "length"
    WIDTH = "width"
    HEIGHT = "height"
    TAGS = "tags"
    CATEGORY = "category"
    CATEGORY_PATH = "category_path"
    IMAGE = "image"
    IMAGES = "images"
    LINK = "link"
    TAX_CLASS = "tax_class"
    ORIGIN = "origin"
    PRODUCT_ID = "product_id"
    VARIANT_ID = "variant_id"


class FromField(Value):
    """A field of the store."""

    kind: Literal["field"] = "field"
    field: StoreField


class FromOption(Value):
    """What tells variants apart: size, colour. Names are compared without regard to case."""

    kind: Literal["option"] = "option"
    name: Name


class FromAttribute(Value):
    """An attribute of the product, or an option of the variant, by name."""

    kind: Literal["attribute"] = "attribute"
    name: Name


class FromCustom(Value):
    """A custom field, meta or metafield (``namespace.key``); the variant's own before the product's."""

    kind: Literal["custom"] = "custom"
    name: Name


class FromMapped(Value):
    """What another attribute of this mapping came to."""

    kind: Literal["mapped"] = "mapped"
    attribute: Name


class Constant(Value):
    kind: Literal["constant"] = "constant"
    value: Annotated[str, Field(max_length=10_000)] | tuple[Annotated[str, Field(max_length=10_000)], ...]


class Nothing(Value):
    """Nothing is sent, also where the category above would send something."""

    kind: Literal["nothing"] = "nothing"


class Template(Value):
    """Text with names in braces, ``{brand} {title} {option:Size}``; what is missing goes with its separator.

    A bare name is a store field, or else an attribute or option; ``option:``, ``attribute:``, ``custom:``, ``field:``
    and ``mapped:`` say which. ``{{`` is a brace. ``maximum``: characters, cut at a word.
    """

    kind: Literal["template"] = "template"
    text: Annotated[str, Field(min_length=1, max_length=5000)]
    maximum: Annotated[int, Field(ge=1)] | None = None


class FirstOf(Value):
    """The first of these that has a value."""

    kind: Literal["first"] = "first"
    sources: tuple[Source, ...] = Field(min_length=1, max_length=20)


class Otherwise(StrEnum):
    """What becomes of a value that is not in the table: sent as it is, replaced by the default, left out, or left out
    with a finding."""

    KEEP = "keep"
    DEFAULT = "default"
    EMPTY = "empty"
    FINDING = "finding"


class ValueTable(Value):
    """The store's words to the marketplace's. Compared without regard to case and spaces around."""

    kind: Literal["table"] = "table"
    source: Source
    values: dict[str, str] = Field(default_factory=dict, max_length=20_000)
    otherwise: Otherwise = Otherwise.FINDING
    default: str = ""


class Convert(Value):
    """A measure in another unit. ``unit_if_none`` is the unit of a bare number; ``digits`` after the point, half up;
    ``show_unit``: ``250 g`` instead of ``250``."""

    kind: Literal["convert"] = "convert"
    source: Source
    unit: Name
    unit_if_none: str = ""
    digits: Annotated[int, Field(ge=0, le=9)] = 2
    show_unit: bool = True


class Split(Value):
    """Several values out of one text."""

    kind: Literal["split"] = "split"
    source: Source
    separator: Annotated[str, Field(min_length=1, max_length=10)] = ","


Source = Annotated[
    FromField
    | FromOption
    | FromAttribute
    | FromCustom
    | FromMapped
    | Constant
    | Nothing
    | Template
    | FirstOf
    | ValueTable
    | Convert
    | Split,
    Field(discriminator="kind"),
]
Text = Literal["title", "description", "brand"]


class Section(Value):
    """What holds for one category of the marketplace and all below it; an empty ``path`` is every category.

    ``attributes`` by the marketplace's id; ``texts`` replace the store's own title, description and brand; ``bullets``
    None inherits those of the category above.
    """

    path: Path = ()
    attributes: dict[Name, Source] = Field(default_factory=dict)
    texts: dict[Text, Source] = Field(default_factory=dict)
    bullets: tuple[Source, ...] | None = None


class AttributeMap(Value):
    """The mapping of one connection: one section a category, no two of the same path."""

    sections: tuple[Section, ...] = ()


for _model in (FirstOf, ValueTable, Convert, Split):
    _model.model_rebuild()
