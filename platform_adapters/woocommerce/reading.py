"""Values of doubtful type out of the store's JSON, and what must be known of the store to read its products."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_adapters.woocommerce.taxes import NO_RATES, Rates

Json = dict[str, Any]


@dataclass(frozen=True)
class ShopFacts:
    """``rates`` add VAT where prices are kept without; ``categories`` are paths from the root down, by id; ``admin`` is
    the address of the store's own pages."""

    currency: str
    country: str = ""
    rates: Rates = NO_RATES
    gtin_fields: tuple[str, ...] = ()
    cost_fields: tuple[str, ...] = ()
    weight_unit: str = "kg"
    size_unit: str = "cm"
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    admin: str = ""


def meta(raw: Json, key: str) -> Any:
    """The value of a custom field; None where there is none."""
    rows = raw.get("meta_data")
    found = (row for row in rows if isinstance(row, dict) and row.get("key") == key) if isinstance(rows, list) else ()
    return next((row.get("value") for row in found), None)


def dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def name_of(item: Json) -> str:
    """Names of categories, tags and the like. WordPress keeps them as HTML ("Auto &amp; Motor")."""
    return html.unescape(text(item.get("name")))
