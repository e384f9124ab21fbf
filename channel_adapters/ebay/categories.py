"""Categories and their item specifics (aspects), in our words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.domain.reading import Json, table, tables, text, texts, whole
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    Category,
    CategoryRequirements,
    Given,
    Need,
)
from bridge.domain.values import fingerprint
from channel_adapters.ebay.vocabulary import ASPECT_KINDS, BRAND_ASPECTS, NEEDS

# "Up to 30 values can be supplied for aspects that accept multiple values" (itemToAspectCardinality).
MANY = 30

GENERAL = (
    AttributeRequirement(id="mpn", name="Manufacturer part number (MPN)", max_length=65),
    AttributeRequirement(id="epid", name="eBay product ID (ePID)", help="The product in eBay's own catalogue."),
    AttributeRequirement(id="conditionDescription", name="Description of the condition", max_length=1000),
)


def categories(tree: Json) -> Iterator[Category]:
    """Parents before children. The root is the marketplace itself and no category."""
    stack: list[tuple[Json, str | None, tuple[str, ...]]] = [
        (child, None, ()) for child in reversed(_children(table(tree, "rootCategoryNode")))
    ]
    while stack:
        node, parent, above = stack.pop()
        about = table(node, "category")
        key = text(about.get("categoryId"))
        path = (*above, text(about.get("categoryName")) or key)
        children = _children(node)
        leaf = node.get("leafCategoryTreeNode") is True or not children
        yield Category(id=key, parent=parent, path=path, leaf=leaf)
        stack += [(child, key, path) for child in reversed(children)]


def _children(node: Json) -> list[Json]:
    found = tables(node, "childCategoryTreeNodes")
    return [child for child in found if text(table(child, "category").get("categoryId"))]


def requirements(category: str | None, aspects: Sequence[Json], language: str) -> CategoryRequirements:
    found = tuple(_requirement(aspect, language) for aspect in aspects if text(aspect.get("localizedAspectName")))
    attributes = found if category is not None else GENERAL
    version = fingerprint([item.as_json() for item in attributes])
    return CategoryRequirements(category=category, version=version, attributes=attributes)


def _requirement(raw: Json, language: str) -> AttributeRequirement:
    name, bounds = text(raw.get("localizedAspectName")), table(raw, "aspectConstraint")
    allowed = tuple(_allowed(tables(raw, "aspectValues")))
    closed = text(bounds.get("aspectMode")) == "SELECTION_ONLY"
    kind = AttributeKind.CHOICE if allowed else ASPECT_KINDS.get(text(bounds.get("aspectDataType")), AttributeKind.TEXT)
    return AttributeRequirement(
        id=name,
        name=name,
        kind=kind,
        need=_need(name, bounds, language),
        required_if=(),
        allowed=allowed,
        open_list=bool(allowed) and not closed,
        max_length=whole(bounds.get("aspectMaxLength")),
        max_values=MANY if text(bounds.get("itemToAspectCardinality")) == "MULTI" else 1,
        axis=bounds.get("aspectEnabledForVariations") is True,
        help=_help(raw, bounds),
    )


def _allowed(values: Sequence[Json]) -> Iterator[AllowedValue]:
    for value in values:
        if word := text(value.get("localizedValue")):
            yield AllowedValue(value=word)


def _need(name: str, bounds: Json, language: str) -> Need:
    """The brand is filled from the product's own, so never missing for want of an attribute."""
    if name == BRAND_ASPECTS.get(language):
        return Need.OPTIONAL
    if bounds.get("aspectRequired") is True:
        return Need.REQUIRED
    return NEEDS.get(text(bounds.get("aspectUsage")), Need.OPTIONAL)


def _help(raw: Json, bounds: Json) -> str:
    """When it will be required, its format, and on what other item specific its values depend."""
    parts = []
    if date := text(bounds.get("expectedRequiredByDate")):
        parts.append(f"Expected to be required from {date[:10]} on.")
    if form := text(bounds.get("aspectFormat")):
        parts.append(f"Format: {form}.")
    masters = sorted({given.attribute for given in _masters(tables(raw, "aspectValues"))})
    if masters:
        parts.append(f"Which values are taken depends on: {', '.join(masters)}.")
    return " ".join(parts)


def _masters(values: Sequence[Json]) -> Iterator[Given]:
    for value in values:
        for bound in tables(value, "valueConstraints"):
            if name := text(bound.get("applicableForLocalizedAspectName")):
                yield Given(attribute=name, values=tuple(texts(bound, "applicableForLocalizedAspectValues")))
