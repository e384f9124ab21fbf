"""Values of doubtful type out of the store's JSON, and what must be known of the store to read its products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from bridge.domain.reading import amount
from platform_adapters.magento.taxes import NO_VAT, Vat

Json = dict[str, Any]


class Attribute(NamedTuple):
    """An attribute with a list of values; ``options`` are their labels by id."""

    code: str
    label: str
    options: Mapping[str, str]


class Reports(NamedTuple):
    """What the store's own reports over all websites are in. ``rate``: what one unit of the website's base currency is
    in it, 0 where the store has no rate: such orders are not in these reports."""

    currency: str
    rate: Decimal


@dataclass(frozen=True)
class ShopFacts:
    """``view`` is the store view that is read and that orders belong to; ``stock_id`` the stock its website sells from,
    None where the store has no Multi Source Inventory. ``attributes`` by id, ``categories`` are paths by id; ``rates``
    from the base currency to those that are allowed in the view, 0 where the store has none."""

    currency: str
    view: str = "default"
    view_id: int = 1
    website: str = "base"
    website_id: int = 1
    name: str = ""
    timezone: str = "UTC"
    weight_unit: str = "kg"
    link_base: str = ""
    media_base: str = ""
    stock_id: int | None = None
    vat: Vat = NO_VAT
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gtin_attributes: tuple[str, ...] = ()
    brand_attributes: tuple[str, ...] = ()
    cost_attribute: str = "cost"
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def by_code(self, code: str) -> Attribute | None:
        return next((item for item in self.attributes.values() if item.code == code), None)


def dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def table(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def number(value: Any) -> int:
    """An id; 0 where there is none."""
    found = text(value)
    return int(found) if found.isdigit() else 0


def whole(value: Any) -> int:
    """Units. Half a piece is not sold; what is no number is none."""
    found = amount(value)
    return int(found.to_integral_value(rounding=ROUND_FLOOR)) if found is not None else 0


def custom(raw: Json) -> dict[str, Any]:
    """Custom attributes by code."""
    return {text(row.get("attribute_code")): row.get("value") for row in dicts(raw.get("custom_attributes"))}


def extension(raw: Json, name: str) -> Any:
    return table(raw.get("extension_attributes")).get(name)
