"""What the store tells of a product beside its offer: weight, size, cost, custom fields, where its categories stand.
Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.domain.measure import Dimensions, Measure
from bridge.domain.money import Money
from platform_adapters.woocommerce.reading import Json, ShopFacts, dicts, meta, name_of, text

# Page builders and SEO plugins keep whole pages in custom fields.
_LONGEST, _MOST = 500, 150
# WordPress's own, and what changes with every save.
_INTERNAL = ("_edit_", "_wp_", "_oembed_", "_elementor_", "_et_", "_wc_average_", "_wc_review_", "_transient")


def weight(raw: Json, facts: ShopFacts) -> Measure | None:
    amount = _number(raw.get("weight"))
    return Measure(amount=amount, unit=facts.weight_unit) if amount else None


def dimensions(raw: Json, facts: ShopFacts) -> Dimensions | None:
    sides = raw.get("dimensions")
    if not isinstance(sides, dict):
        return None
    found = {name: _number(sides.get(name)) or None for name in ("length", "width", "height")}
    return Dimensions(**found, unit=facts.size_unit) if any(found.values()) else None


def cost(raw: Json, parent: Json | None, facts: ShopFacts) -> Money | None:
    """What one unit costs the merchant: the store's own field (cost of goods sold, absent while that feature is off;
    ``total_value`` has the product's part in it), else the first plugin's field that is filled."""
    own = raw.get("cost_of_goods_sold")
    amounts: list[Any] = [own.get("total_value")] if isinstance(own, dict) else []
    for source in (raw, parent or {}):
        amounts += [meta(source, name) for name in facts.cost_fields]
    found = next((amount for value in amounts if (amount := _number(value))), None)
    return Money.of(found, facts.currency) if found and found > 0 else None


def custom_fields(raw: Json) -> dict[str, str]:
    """Short custom fields by name; of several of one name the last, as WordPress shows it."""
    found: dict[str, str] = {}
    for row in dicts(raw.get("meta_data")):
        name, value = text(row.get("key")), _plain(row.get("value"))
        if name and value and len(value) <= _LONGEST and not name.startswith(_INTERNAL) and len(found) < _MOST:
            found[name] = value
    return found


def category_paths(raw: Json, facts: ShopFacts) -> tuple[tuple[str, ...], ...]:
    """From the root down; a category that is too new to be known stands alone."""
    items = dicts(raw.get("categories"))
    return tuple(facts.categories.get(_id(item), (name_of(item),)) for item in items if name_of(item))


def paths(rows: Iterable[Json]) -> dict[int, tuple[str, ...]]:
    """Of /products/categories: the names from the root down, by id. A circle ends where it began."""
    names = {_id(row): name_of(row) for row in rows}
    parents = {_id(row): _id({"id": row.get("parent")}) for row in rows}
    found: dict[int, tuple[str, ...]] = {}
    for number in names:
        path: list[int] = []
        here = number
        while here in names and here not in path:
            path.append(here)
            here = parents.get(here, 0)
        found[number] = tuple(names[step] for step in reversed(path))
    return found


def edit_link(raw: Json, facts: ShopFacts) -> str | None:
    return f"{facts.admin}post.php?post={raw['id']}&action=edit" if facts.admin else None


def _id(item: Json) -> int:
    number = text(item.get("id"))
    return int(number) if number.isdigit() else 0


def _number(value: Any) -> Decimal | None:
    try:
        found = Decimal(text(value).replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def _plain(value: Any) -> str:
    """Texts, numbers and lists of them; anything deeper is a plugin's own business."""
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        return text(value)
    if isinstance(value, list) and all(isinstance(item, str | int | Decimal) for item in value):
        return ", ".join(text(item) for item in value)
    return ""
