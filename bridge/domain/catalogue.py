"""The store's catalogue as the bridge sees it: products, their variants, and readings of their stock."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value


class StockReading(Value):
    """What the store says about the stock of one variant at one moment.

    ``pool`` names who holds the stock: variants of one pool share it (WooCommerce: stock kept on the parent).
    ``on_hand`` is None where the store does not count (``managed`` False).
    """

    pool: str
    managed: bool
    on_hand: int | None = None
    in_stock: bool = True
    backorders: bool = False


class StoreVariant(Value):
    """One thing that can be sold. ``external_id`` is the store's id of whatever carries the SKU."""

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


class StoreProduct(Value):
    """A product with all its variants; a simple product has exactly one."""

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
    modified_at: datetime | None = None
    variants: tuple[StoreVariant, ...] = ()
