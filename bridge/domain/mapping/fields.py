"""The store's fields as text, and names compared as people write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.mapping.model import StoreField
from bridge.domain.measure import plain
from bridge.domain.money import Money
from bridge.domain.text import plain_text

Several = str | tuple[str, ...]


@lru_cache(maxsize=16384)
def fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def one_text(value: Several) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _amount(money: Money | None) -> str:
    return plain(money.quantised().amount) if money else ""


def _length(variant: StoreVariant, side: str) -> str:
    size = variant.dimensions
    amount: Decimal | None = getattr(size, side) if size else None
    return "" if size is None or amount is None else f"{plain(amount)} {size.unit}"


def _images(product: StoreProduct, variant: StoreVariant) -> tuple[str, ...]:
    own = ((variant.image,) if variant.image else ()) + variant.images
    return tuple(dict.fromkeys((*own, *product.images)))


FIELDS: Mapping[StoreField, Callable[[StoreProduct, StoreVariant], Several]] = {
    StoreField.TITLE: lambda product, variant: variant.title or product.title,
    StoreField.PRODUCT_TITLE: lambda product, variant: product.title,
    StoreField.DESCRIPTION: lambda product, variant: product.description,
    StoreField.DESCRIPTION_TEXT: lambda product, variant: plain_text(product.description),
    StoreField.BRAND: lambda product, variant: product.brand or "",
    StoreField.VENDOR: lambda product, variant: product.vendor or "",
    StoreField.SKU: lambda product, variant: variant.sku or "",
    StoreField.GTIN: lambda product, variant: variant.gtin or "",
    StoreField.PRICE: lambda product, variant: _amount(variant.price),
    StoreField.REGULAR_PRICE: lambda product, variant: _amount(variant.regular_price),
    StoreField.SALE_PRICE: lambda product, variant: _amount(variant.sale_price),
    StoreField.COST: lambda product, variant: _amount(variant.cost),
    StoreField.WEIGHT: lambda product, variant: variant.weight.text() if variant.weight else "",
    StoreField.LENGTH: lambda product, variant: _length(variant, "length"),
    StoreField.WIDTH: lambda product, variant: _length(variant, "width"),
    StoreField.HEIGHT: lambda product, variant: _length(variant, "height"),
    StoreField.TAGS: lambda product, variant: product.tags,
    StoreField.CATEGORY: lambda product, variant: product.categories[0] if product.categories else "",
    StoreField.CATEGORY_PATH: lambda product, variant: " > ".join(
        next(iter(product.category_paths), product.categories[:1])
    ),
    StoreField.IMAGE: lambda product, variant: next(iter(_images(product, variant)), ""),
    StoreField.IMAGES: _images,
    StoreField.LINK: lambda product, variant: product.link or "",
    StoreField.TAX_CLASS: lambda product, variant: product.tax_class or "",
    StoreField.ORIGIN: lambda product, variant: variant.origin or "",
    StoreField.PRODUCT_ID: lambda product, variant: product.external_id,
    StoreField.VARIANT_ID: lambda product, variant: variant.external_id,
}
FIELD_NAMES = frozenset(field.value for field in StoreField)
