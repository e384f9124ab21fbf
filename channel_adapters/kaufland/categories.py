"""Categories and what they ask for, in our words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bridge.domain.reading import Json, tables, text
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    Category,
    CategoryRequirements,
    Need,
)
from bridge.domain.values import fingerprint
from channel_adapters.kaufland.vocabulary import ATTRIBUTE_KINDS, VAT_INDICATORS

# Values of an attribute that are read, a hundred a call; manufacturers alone are tens of thousands.
MOST_VALUES = 500
MANY = 20

# What the engine sends of its own accord, and checks by the manifest's limits: no attributes to be mapped.
OF_THE_CONTENT = ("title", "description", "picture", "category", "ean")
# Filled with the brand, so never missing for want of an attribute.
OF_THE_BRAND = "manufacturer"

# What can be said of every product, whatever its category: it is about the offer.
GENERAL = (
    AttributeRequirement(
        id="vat_indicator",
        name="VAT",
        kind=AttributeKind.CHOICE,
        allowed=tuple(AllowedValue(value=word) for word in VAT_INDICATORS),
        help="For products with another rate than the setting says.",
    ),
    AttributeRequirement(
        id="id_shipping_group",
        name="Shipping group",
        kind=AttributeKind.INTEGER,
        help="The number of a shipping group, for products that need another one than the setting says.",
    ),
)

Values = tuple[Sequence[Json], bool]


def categories(tree: Json) -> Iterator[Category]:
    """Parents before children. The root is the shop itself and no category."""
    stack: list[tuple[Json, str | None, tuple[str, ...]]] = [(child, None, ()) for child in reversed(_children(tree))]
    while stack:
        node, parent, above = stack.pop()
        key = text(node.get("id_category"))
        path = (*above, text(node.get("title_plural")) or text(node.get("name")) or key)
        children = _children(node)
        yield Category(id=key, parent=parent, path=path, leaf=not children)
        stack += [(child, key, path) for child in reversed(children)]


def _children(node: Json) -> list[Json]:
    return [child for child in tables(node, "children") if text(child.get("id_category"))]


def sets_of(category: Json) -> list[str]:
    """Ids of the attributes that have a list of values."""
    return [text(item.get("id")) for item, _ in _attributes(category) if item.get("is_sharedset") is True]


def _attributes(category: Json) -> list[tuple[Json, Need]]:
    named = (("required_attributes", Need.REQUIRED), ("optional_attributes", Need.OPTIONAL))
    found: dict[str, tuple[Json, Need]] = {}
    for name, need in named:
        for item in tables(category, name):
            known = Need.OPTIONAL if item.get("name") == OF_THE_BRAND else need
            found.setdefault(text(item.get("name")), (item, known))
    return [pair for name, pair in found.items() if name and name not in OF_THE_CONTENT]


def category_requirements(key: str, category: Json, values: Mapping[str, Values]) -> CategoryRequirements:
    """``values`` of the attributes that have a list of them, by id, and whether the list is complete."""
    found = tuple(_requirement(item, need, values.get(text(item.get("id")))) for item, need in _attributes(category))
    return _of(key, found)


def general_requirements() -> CategoryRequirements:
    return _of(None, GENERAL)


def _of(key: str | None, attributes: tuple[AttributeRequirement, ...]) -> CategoryRequirements:
    version = fingerprint([item.as_json() for item in attributes])
    return CategoryRequirements(category=key, version=version, attributes=attributes)


def _requirement(raw: Json, need: Need, values: Values | None) -> AttributeRequirement:
    """Product data names attributes by ``name``, not by number."""
    listed, complete = values if values is not None else ((), True)
    allowed = tuple(
        AllowedValue(value=text(item.get("value")), label=text(item.get("label")))
        for item in listed
        if item.get("value")
    )
    kind = AttributeKind.CHOICE if allowed else ATTRIBUTE_KINDS.get(text(raw.get("type")), AttributeKind.TEXT)
    words = (text(raw.get("explanation")), text(raw.get("seller_instructions")))
    return AttributeRequirement(
        id=text(raw.get("name")),
        name=text(raw.get("title")) or text(raw.get("name")),
        kind=kind,
        need=need,
        allowed=allowed,
        open_list=bool(allowed) and not complete,
        max_values=MANY if raw.get("is_multiple") is True else 1,
        help=" ".join(word for word in words if word),
    )
