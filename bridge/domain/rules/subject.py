"""What rules are applied to, and what is the same for all products of a connection while they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.measure import Measure, UnitError, convert
from bridge.domain.money import Money
from bridge.domain.pricing.exchange import Rates
from bridge.domain.pricing.vat import TaxClasses, VatTable

Attributes = Mapping[str, str | tuple[str, ...]]


@dataclass(slots=True)
class Subject:
    """One variant with what it has from its product, as the store says it. Text that is missing is empty; what is
    None is not known. ``cost`` is without VAT, the other prices as the store has them; ``stock`` in units, ``weight``
    in kilograms; ``modified`` is a day in UTC. ``categories`` are names, and paths such as ``Home > Lamps`` where the
    store has them."""

    sku: str = ""
    gtin: str = ""
    product_id: str = ""
    title: str = ""
    description: str = ""
    bullets: tuple[str, ...] = ()
    brand: str = ""
    vendor: str = ""
    origin: str = ""
    attributes: Attributes = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: int = 0
    price: Money | None = None
    regular_price: Money | None = None
    cost: Money | None = None
    stock: int | None = None
    weight: Decimal | None = None
    tax_class: str = ""
    modified: date | None = None
    # What has been found out about it, for other marketplaces with the same rules (bridge/domain/rules/facts.py).
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


def subject_of(product: StoreProduct, variant: StoreVariant) -> Subject:
    """A variant of the store's catalogue; what the variant says goes before what the product says under that name."""
    paths, own = product.category_paths, variant.stock
    return Subject(
        sku=variant.sku or "",
        gtin=variant.gtin or "",
        product_id=variant.product_id,
        title=variant.title or product.title,
        description=product.description,
        brand=product.brand or "",
        vendor=product.vendor or "",
        origin=variant.origin or "",
        attributes={**product.attributes, **variant.options} if variant.options else product.attributes,
        custom={**product.custom, **variant.custom} if variant.custom else product.custom,
        categories=(*product.categories, *(" > ".join(path) for path in paths)) if paths else product.categories,
        tags=product.tags,
        images=_images(product, variant),
        price=variant.price,
        regular_price=variant.regular_price,
        cost=variant.cost,
        stock=own.on_hand if own.managed else None,
        weight=_kilograms(variant.weight) if variant.weight else None,
        tax_class=product.tax_class or "",
        modified=product.modified_at.astimezone(UTC).date() if product.modified_at else None,
    )


def _images(product: StoreProduct, variant: StoreVariant) -> int:
    if not variant.image and not variant.images:
        return len(set(product.images))
    images = {*product.images, *variant.images}
    if variant.image:
        images.add(variant.image)
    return len(images)


def _kilograms(weight: Measure) -> Decimal | None:
    """None for a unit nobody knows."""
    try:
        return convert(weight.amount, weight.unit, "kg")
    except UnitError:
        return None


@dataclass(frozen=True)
class RuleContext:
    """The connection, the day and the tables.

    ``country`` is the buyers', ``home`` the one whose VAT the store's prices contain (``prices_include_tax``).
    Without ``home`` it is not known how much VAT that is: margins are unknown and VAT cannot be exchanged.
    ``currency`` is what the channel sells in.
    """

    today: date
    channel: str = ""
    country: str | None = None
    currency: str | None = None
    home: str | None = None
    prices_include_tax: bool = True
    rates: Rates | None = field(default=None, hash=False)
    vat: VatTable | None = None
    tax_classes: TaxClasses = field(default_factory=TaxClasses, hash=False)
