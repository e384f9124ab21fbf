"""The store's catalogue as the bridge sees it: products, their variants, and readings of their stock."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bridge.domain.measure import Dimensions, Measure
from bridge.domain.money import Money
from bridge.domain.values import Value


class StockReading(Value):
    """What the store says about the stock of one variant at one moment.

    ``pool`` names who holds the stock: variants of one pool share it (WooCommerce: stock kept on the parent).
    ``on_hand`` is None where the store does not count (``managed`` False). ``locations``: the units at each location
    or source by its id, where the store tells them apart.
    """

    pool: str
    managed: bool
    on_hand: int | None = None
    in_stock: bool = True
    backorders: bool = False
    locations: dict[str, int] = Field(default_factory=dict)


class StoreVariant(Value):
    """One thing that can be sold. ``external_id`` is the store's id of whatever carries the SKU.

    ``price`` is what a shopper pays now; ``regular_price`` before a reduction and ``sale_price`` the reduced one, where
    the store has one. All include VAT; ``cost`` is what the merchant paid, without. ``gtin_kind``: EAN, UPC, ISBN ...
    where the store tells. ``origin``: country, ISO 3166 two letters. ``custom``: custom fields by name, own ones only.
    """

    external_id: str
    product_id: str
    sku: str | None = None
    gtin: str | None = None
    title: str
    options: dict[str, str] = Field(default_factory=dict)
    price: Money | None = None
    stock: StockReading
    image: str | None = None
    published: bool = True
    images: tuple[str, ...] = ()
    regular_price: Money | None = None
    sale_price: Money | None = None
    cost: Money | None = None
    weight: Measure | None = None
    dimensions: Dimensions | None = None
    gtin_kind: str | None = None
    origin: str | None = None
    custom: dict[str, str] = Field(default_factory=dict)


class StoreProduct(Value):
    """A product with all its variants; a simple product has exactly one.

    ``categories`` are names; ``category_paths`` the same from the root down where the store tells. ``vendor`` is whom
    the store names as maker or supplier, where that is not the brand. ``custom``: custom fields, meta or metafields
    (``namespace.key``) by name. ``image_sizes``: width and height in pixels by address, where the store knows them.
    ``edit_link``: where the merchant edits it.
    """

    external_id: str
    title: str
    description: str = ""
    brand: str | None = None
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    attributes: dict[str, str] = Field(default_factory=dict)
    tax_class: str | None = None
    published: bool = True
    link: str | None = None
    edit_link: str | None = None
    vendor: str | None = None
    category_paths: tuple[tuple[str, ...], ...] = ()
    custom: dict[str, str] = Field(default_factory=dict)
    image_sizes: dict[str, tuple[int, int]] = Field(default_factory=dict)
    modified_at: datetime | None = None
    variants: tuple[StoreVariant, ...] = ()
