"""Outlines, as Zalando calls what it asks of a kind of article, and the product that is submitted by one. Pure.

A product has three tiers: a model has configs (colours), a config has simples (sizes). An attribute belongs to the tier
whose types name it; ``color_code.primary`` is the variant ``primary`` of the type ``color_code``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.reading import Json, table, tables, text, texts
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    Category,
    CategoryRequirements,
    Need,
)
from bridge.domain.values import fingerprint
from channel_adapters.zalando.vocabulary import ATTRIBUTE_KINDS

TIERS = ("model", "config", "simple")
MODEL_ID, CONFIG_ID, SIMPLE_ID = (f"merchant_product_{tier}_id" for tier in TIERS)
IDS = (MODEL_ID, CONFIG_ID)
# What every product is sent with: no attributes to be mapped.
NAME, DESCRIPTION, MEDIA, EAN, BRAND = "name", "description", "media", "ean", "brand_code"
OF_THE_CONTENT = (NAME, DESCRIPTION, MEDIA, EAN)
MOST_VALUES = 500
MANY = 20


@dataclass(frozen=True)
class Type:
    """An attribute type. ``parts``: of a structured one, their types by label, and whether each may be missing."""

    label: str
    name: str = ""
    help: str = ""
    definition: str = "StringDefinition"
    many: bool = False
    by_label: bool = False
    parts: Mapping[str, tuple[Type, bool]] = field(default_factory=dict)
    values: Sequence[Json] = ()


def base_of(label: str) -> str:
    """The type itself, without the name of a variant of it."""
    return label.partition(".")[0]


def read_type(raw: Json, parts: Mapping[str, tuple[Type, bool]], values: Sequence[Json]) -> Type:
    return Type(
        label=text(raw.get("label")),
        name=word(raw.get("name")),
        help=word(raw.get("description")),
        definition=text(table(raw, "definition").get("type")) or "StringDefinition",
        many=text(raw.get("cardinality")) == "many",
        by_label=text(raw.get("usage")) == "reference_by_label",
        parts=parts,
        values=values,
    )


def part_labels(raw: Json) -> list[tuple[str, bool]]:
    """The parts of a structured type, and whether each is optional."""
    found = tables(raw, "definition", "types")
    return [(text(part.get("label")), part.get("optional") is True) for part in found if text(part.get("label"))]


def has_values(raw: Json) -> bool:
    return text(raw.get("usage")).startswith("reference")


def word(raw: Any) -> str:
    """One of the languages of a text: English before any other."""
    if not isinstance(raw, dict):
        return text(raw)
    first = next((name for name in raw if str(name).lower().startswith("en")), next(iter(raw), ""))
    return text(raw.get(first))


# What is asked for


def categories(outlines: Iterable[Json]) -> Iterator[Category]:
    for raw in outlines:
        if label := text(raw.get("label")):
            yield Category(id=label, path=(word(raw.get("name")) or label,), leaf=True)


def types_of(outline: Json) -> dict[str, tuple[str, bool]]:
    """Tier and whether it is mandatory, by attribute, in the order of the tiers."""
    found: dict[str, tuple[str, bool]] = {}
    for tier in TIERS:
        about = table(outline, "tiers", tier)
        for name, mandatory in (("mandatory_types", True), ("optional_types", False)):
            for label in texts(about, name):
                found.setdefault(label, (tier, mandatory))
    return found


def requirements(outline: Json, types: Mapping[str, Type], given: Iterable[str]) -> CategoryRequirements:
    """``given``: attributes that the settings fill for all products."""
    filled = set(given)
    asked = [
        _requirement(label, tier, mandatory and label not in filled and label != BRAND, outline, types[base_of(label)])
        for label, (tier, mandatory) in types_of(outline).items()
        if label not in OF_THE_CONTENT and base_of(label) in types
    ]
    return _of(text(outline.get("label")), (*GENERAL, *asked))


def general() -> CategoryRequirements:
    return _of(None, GENERAL)


def _of(category: str | None, attributes: Sequence[AttributeRequirement]) -> CategoryRequirements:
    version = fingerprint([item.as_json() for item in attributes])
    return CategoryRequirements(category=category, version=version, attributes=tuple(attributes))


GENERAL = (
    AttributeRequirement(
        id=MODEL_ID,
        name="Model ID",
        need=Need.RECOMMENDED,
        help="Your number of the article in all its colours and sizes: products with the same one are one article at "
        "Zalando. Left empty, each product is an article of its own.",
    ),
    AttributeRequirement(
        id=CONFIG_ID,
        name="Colour ID",
        need=Need.RECOMMENDED,
        help="Your number of the article in one colour, with all its sizes.",
    ),
)


def _requirement(label: str, tier: str, required: bool, outline: Json, about: Type) -> AttributeRequirement:
    allowed = _allowed(about, _restricted(outline, tier, label))
    kind = AttributeKind.CHOICE if allowed else ATTRIBUTE_KINDS.get(about.definition, AttributeKind.TEXT)
    hint = word(table(outline, "tiers", tier, "validation_hints", label).get("description"))
    help_ = [about.help, hint, _how(about)]
    if label == BRAND:
        help_.append("Left empty, the brand of the product is looked for by its name.")
    return AttributeRequirement(
        id=label,
        name=about.name or label,
        kind=kind,
        need=Need.REQUIRED if required else Need.RECOMMENDED if hint else Need.OPTIONAL,
        allowed=allowed[:MOST_VALUES],
        open_list=len(allowed) > MOST_VALUES,
        max_values=MANY if about.many else 1,
        axis=tier != "model",
        help=" ".join(filter(None, help_)),
    )


def _how(about: Type) -> str:
    if not about.parts:
        return ""
    names = ", ".join(f"{name}{' (optional)' if optional else ''}" for name, (_, optional) in about.parts.items())
    return f"Parts: {names}, written as part=value; part=value. A text without = is the first part."


def _restricted(outline: Json, tier: str, label: str) -> set[str] | None:
    """Of an outline only some values of a type may be taken, of all its variants or of one; None: all."""
    rules = tables(outline, "tiers", tier, "restricted_attributes")
    found = {text(table(rule, "type").get("label")): set(texts(rule, "values")) for rule in rules}
    return found.get(label, found.get(base_of(label)))


def _allowed(about: Type, only: set[str] | None) -> tuple[AllowedValue, ...]:
    found = (
        AllowedValue(value=text(raw.get("label")), label=label_of(raw)) for raw in about.values if raw.get("label")
    )
    return tuple(value for value in found if only is None or value.value in only)


def label_of(raw: Json) -> str:
    value = table(raw, "value")
    return word(value.get("localized")) or text(value.get("string")) or word(raw.get("name"))
