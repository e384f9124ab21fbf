"""What the store's products have: the names of their options, attributes and custom fields, and the values of one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Product, Variant
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.flows.effect import some

LOOKED_AT = 400
MOST_NAMES = 200
MOST_VALUES = 200


@dataclass(frozen=True)
class Names:
    """Each in the order of how many products have it, the most first."""

    options: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()


def of_products(session: Session) -> Names:
    options: Counter[str] = Counter()
    attributes: Counter[str] = Counter()
    custom: Counter[str] = Counter()
    for product, variant in products(session):
        options.update(variant.options.keys())
        attributes.update({*variant.options, *product.attributes})
        custom.update({*variant.custom, *product.custom})
    return Names(*(tuple(name for name, _ in found.most_common(MOST_NAMES)) for found in (options, attributes, custom)))


def products(session: Session, most: int = LOOKED_AT) -> list[tuple[StoreProduct, StoreVariant]]:
    """Some of them, spread over the catalogue."""
    query = (
        select(Product.data, Variant.data)
        .join(Variant, Variant.product_id == Product.id)
        .where(Variant.id.in_(some(session, most)))
        .order_by(Variant.id)
    )
    found: list[tuple[StoreProduct, StoreVariant]] = []
    for product, variant in session.execute(query):
        try:
            found.append((StoreProduct.model_validate(product), StoreVariant.model_validate(variant)))
        except ValueError:  # bad data of one product is told on its own page
            continue
    return found
