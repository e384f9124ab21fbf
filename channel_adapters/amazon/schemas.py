"""Product type definitions: JSON Schemas with words of Amazon's own, as requirements, as a check, and as a shape.

Amazon's meta-schema is JSON Schema 2019-09 and adds ``selectors`` (what tells the values of an attribute apart),
``maxUniqueItems`` (values for equal selectors), ``maxUtf8ByteLength`` and ``minUtf8ByteLength``:
https://developer-docs.amazon.com/sp-api/docs/product-type-definition-meta-schema-v1. Pure; nothing is fetched: a
reference to the outside is an error of the schema, not a reason to call it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from jsonschema import Draft201909Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from bridge.domain.reading import Json, table, tables, text, texts, whole
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    CategoryRequirements,
    Given,
    Need,
)

# What an offer is made of is sent from stock, price and GTIN, not from mapped attributes.
OURS = frozenset({
    "purchasable_offer", "fulfillment_availability", "condition_type", "externally_assigned_product_identifier",
    "merchant_suggested_asin", "skip_offer",
})  # fmt: skip
# What the engine sends of its own accord: no attributes to be mapped. The brand is sent too, so it is never missing.
SENT = frozenset({"item_name", "product_description", "bullet_point", "main_product_image_locator"})
PICTURE = "other_product_image_locator"
SELECTORS = frozenset({"marketplace_id", "language_tag"})
KINDS = {"boolean": AttributeKind.FLAG, "integer": AttributeKind.INTEGER, "number": AttributeKind.NUMBER}
MISSING = re.compile(r"'(\w+)' is a required property")
MAYBE = "Amazon may ask for it, depending on other attributes."


def _max_unique(checker: Any, limit: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not checker.is_type(instance, "array"):
        return
    names = schema.get("selectors") or ()
    groups = Counter(json.dumps([item.get(name) for name in names]) for item in instance if isinstance(item, dict))
    if groups and max(groups.values()) > limit:
        yield ValidationError(f"at most {limit} values are allowed")


def _max_bytes(_checker: Any, limit: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and len(instance.encode()) > limit:
        yield ValidationError(f"{instance[:30]!r}... is longer than {limit} bytes")


def _min_bytes(_checker: Any, limit: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and len(instance.encode()) < limit:
        yield ValidationError(f"{instance[:30]!r} is shorter than {limit} bytes")


def _pattern(_checker: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Patterns are ECMA-262's: what only that knows (``\\p{L}``) is left to Amazon."""
    try:
        fits = not isinstance(instance, str) or re.search(pattern, instance)
    except re.error:
        return
    if not fits:
        yield ValidationError(f"{instance[:60]!r} does not match {pattern!r}")


CHECKER: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft201909Validator,
    {
        "maxUniqueItems": _max_unique,
        "maxUtf8ByteLength": _max_bytes,
        "minUtf8ByteLength": _min_bytes,
        "pattern": _pattern,
    },
)
# A date is one of two forms (``oneOf``), which only their formats tell apart.
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Definition:
    """A product type on one marketplace. ``version`` changes whenever the schema does."""

    product_type: str
    site: str
    version: str
    schema: Json

    @cached_property
    def properties(self) -> Json:
        return table(self.schema, "properties")

    @property
    def language(self) -> str:
        """The language tag of this marketplace, as the schema says; "" where it does not."""
        return text(table(self.schema, "$defs", "language_tag").get("default"))

    def requirements(self, filled: frozenset[str] = frozenset()) -> CategoryRequirements:
        """Everything a product of this type can be asked for, but for what is sent anyway. ``filled`` are attributes
        that a setting has a value for."""
        conditions = _conditions(self.schema)
        axes = _axes(self.properties)
        required = [name for name in texts(self.schema, "required") if name not in filled | {"brand"}]
        found: list[AttributeRequirement] = []
        for name, about in self.properties.items():
            if name not in OURS | SENT and not name.startswith(PICTURE) and isinstance(about, dict):
                found += _requirements(name, about, required, conditions, name in axes)
        return CategoryRequirements(category=self.product_type, version=self.version, attributes=tuple(found))

    def shaped(self, name: str, values: tuple[str, ...], language: str) -> tuple[str, list[Json]]:
        """The attribute that ``name`` is (a part of) and its values as this schema wants them."""
        attribute, _, part = name.partition(".")
        items = table(self.properties, attribute, "items", "properties")
        tags = {"marketplace_id": self.site, "language_tag": language}
        return attribute, [_tagged(_shape(items, part, value, tags), items, tags) for value in values]

    def longest(self, name: str) -> int | None:
        """Characters that a value of this attribute may have, where the schema says so."""
        return whole(table(self.properties, name, "items", "properties", "value").get("maxLength"))

    def faults(self, attributes: Json, *, whole_item: bool) -> list[tuple[str, str]]:
        """What is wrong, as (attribute, words), worst first. Not ``whole_item``: only what is given is looked at."""
        schema = self.schema if whole_item else self._parts()
        found = CHECKER(schema, registry=Registry(), format_checker=FORMATS).iter_errors(attributes)
        return list(dict.fromkeys(_fault(error, attributes) for error in found))

    def _parts(self) -> Json:
        """The schema without what it says of attributes that are not there."""
        kept: Json = {name: self.schema[name] for name in ("$defs", "properties") if name in self.schema}
        return {"type": "object", **kept}


def _fault(error: ValidationError, attributes: Json) -> tuple[str, str]:
    if error.schema is False:  # of which no path is told
        name = next((name for name, given in attributes.items() if given is error.instance), "")
        return name, f"{name} does not go with the other values"
    inner = best_match([error]) if error.context else error
    attribute = str(error.absolute_path[0]) if error.absolute_path else ""
    if not attribute and (missing := MISSING.match(error.message)):
        return missing[1], f"{missing[1]} is required but not supplied"
    return attribute, (inner or error).message[:300]


# Requirements


def _requirements(
    name: str, about: Json, required: list[str], conditions: Mapping[str, list[Given] | None], axis: bool
) -> Iterator[AttributeRequirement]:
    items = table(about, "items", "properties")
    parts = {"": items} if _is_plain(items) else _parts_of(items)
    for part, where in parts.items():
        value = table(where, "value") or table(where, "media_location") or table(where, "name")
        given = conditions.get(name, [])
        yield AttributeRequirement(
            id=f"{name}.{part}" if part else name,
            name=" ".join(filter(None, (text(about.get("title")) or name, part.replace("_", " ")))),
            kind=_kind(where, value),
            need=Need.REQUIRED if name in required else Need.RECOMMENDED if given is None else Need.OPTIONAL,
            required_if=tuple(given or ()),
            allowed=_allowed(value),
            open_list=bool(value.get("anyOf")) and not value.get("enum"),
            units=tuple(item.value for item in _allowed(table(where, "unit"))),
            minimum=_number(value.get("minimum")),
            maximum=_number(value.get("maximum")),
            max_length=whole(value.get("maxLength")),
            pattern=text(value.get("pattern")) or None,
            max_values=max(1, whole(about.get("maxUniqueItems")) or 1),
            axis=axis,
            help=" ".join(filter(None, (text(about.get("description")), MAYBE if given is None else ""))),
        )


def _is_plain(items: Json) -> bool:
    return any(name in items for name in ("value", "media_location")) or not _parts_of(items)


def _parts_of(items: Json) -> dict[str, Json]:
    """The parts of an attribute like item_dimensions: each a value of its own."""
    found = {name: table(about, "properties") or table(about, "items", "properties") for name, about in items.items()}
    return {name: part for name, part in found.items() if name not in SELECTORS and "value" in part}


def _kind(where: Json, value: Json) -> AttributeKind:
    if "media_location" in where:
        return AttributeKind.IMAGE
    if "unit" in where:
        return AttributeKind.MEASURE
    kind = KINDS.get(text(value.get("type")))
    if kind is not None:
        return kind
    if _allowed(value):
        return AttributeKind.CHOICE
    formats = {text(item.get("format")) for item in (value, *tables(value, "oneOf"))}
    return AttributeKind.DATE if formats & {"date", "date-time"} else AttributeKind.TEXT


def _allowed(value: Json) -> tuple[AllowedValue, ...]:
    """``enum`` with ``enumNames``, in the schema itself or in one of its alternatives."""
    for place in (value, *tables(value, "anyOf"), *tables(value, "oneOf")):
        words, names = place.get("enum"), place.get("enumNames")
        if isinstance(words, list) and place.get("type") != "boolean":
            labels = names if isinstance(names, list) and len(names) == len(words) else words
            return tuple(AllowedValue(value=str(w), label=str(n)) for w, n in zip(words, labels, strict=True))
    return ()


def _number(value: Any) -> Decimal | None:
    try:
        return None if value is None or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None


def _axes(properties: Json) -> set[str]:
    """Attributes in which the variants of a product may differ: themes are names joined by "/"."""
    themes = _allowed(table(properties, "variation_theme", "items", "properties", "name"))
    return {part.lower() for theme in themes for part in theme.value.split("/")}


def _conditions(schema: Json) -> dict[str, list[Given] | None]:
    """By attribute: when it is required too. None where Amazon's condition is more than one attribute's value."""
    found: dict[str, list[Given] | None] = {}
    for rule in tables(schema, "allOf"):
        given = _given(rule.get("if"))
        for name in texts(rule.get("then"), "required"):
            known = found.get(name, [])
            found[name] = None if given is None or known is None else [*known, *given]
    return found


def _given(condition: Any) -> list[Given] | None:
    """A condition as "this attribute has one of these values", alternatives as several; None when it is not that."""
    if not isinstance(condition, dict) or set(condition) - {"required", "properties", "allOf", "anyOf", "type"}:
        return None
    if alternatives := tables(condition, "anyOf"):
        parts = [_given(part) for part in alternatives]
        good = len(condition) == 1 and all(part is not None for part in parts)
        return [given for part in parts for given in part or ()] if good else None
    named: dict[str, tuple[str, ...]] = {}
    for part in (condition, *tables(condition, "allOf")):
        if set(part) - {"required", "properties", "allOf", "type"}:
            return None
        named |= {name: named.get(name, ()) for name in texts(part, "required")}
        for name, about in table(part, "properties").items():
            named[name] = _values(about)
    single = [Given(attribute=name, values=values) for name, values in named.items()]
    return single if len(single) == 1 else None


def _values(about: Any) -> tuple[str, ...]:
    """The values in ``{contains|items: {properties: {value: {enum | const}}}}``."""
    item = table(about, "contains") or table(about, "items")
    for value in table(item, "properties").values():
        if isinstance(value, dict):
            words = value.get("enum") or ([value["const"]] if "const" in value else [])
            return tuple(_word(word) for word in words)
    return ()


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Shapes


def _tagged(value: Json, about: Json, tags: Mapping[str, str]) -> Json:
    """With marketplace and language, where they belong to the value."""
    return value | {tag: tags[tag] for tag in tags if tag in about}


def _shape(items: Json, part: str, value: str, tags: Mapping[str, str]) -> Json:
    if value[:1] in "[{" and (whole_value := _json(value)) is not None:
        return whole_value
    if not part:
        return _single(items, value)
    about = table(items, part)
    properties = _parts_of(items).get(part, {})
    inner = _tagged(_single(properties, value), properties, tags)
    return {part: [inner] if text(about.get("type")) == "array" else inner}


def _json(value: str) -> Json | None:
    try:
        read = json.loads(value, parse_float=Decimal)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _single(items: Json, value: str) -> Json:
    if "media_location" in items:
        return {"media_location": value}
    if "unit" in items:
        number, _, unit = value.strip().partition(" ")
        return {"value": _typed(table(items, "value"), number), "unit": _unit(table(items, "unit"), unit)}
    if "value" not in items and "name" in items:
        return {"name": value}
    return {"value": _typed(table(items, "value"), value)}


def _unit(about: Json, given: str) -> str:
    """Amazon's word for a unit, which may be given by its label or in other letters."""
    wanted = given.strip().lower()
    return next((item.value for item in _allowed(about) if wanted in (item.value.lower(), item.label.lower())), given)


def _typed(about: Json, value: str) -> Any:
    kind = text(about.get("type"))
    if kind == "boolean":
        return _flag(about, value)
    if kind in ("integer", "number"):
        number = _number(value.strip().replace(",", "."))
        if number is not None and number.is_finite():
            return int(number) if number == number.to_integral_value() else number
    return next((item.value for item in _allowed(about) if value.strip() == item.label), value)


def _flag(about: Json, value: str) -> Any:
    """Also by Amazon's word for it in the language of the marketplace (``enumNames``)."""
    word, words, names = value.strip().lower(), about.get("enum"), about.get("enumNames")
    if word in ("true", "false", "yes", "no", "1", "0"):
        return word in ("true", "yes", "1")
    pairs = zip(words, names, strict=False) if isinstance(words, list) and isinstance(names, list) else ()
    return next((known for known, name in pairs if text(name).lower() == word), value)


def first(faults: Iterable[tuple[str, str]], most: int = 3) -> str:
    return "; ".join(f"{name}: {words}" if name not in words else words for name, words in list(faults)[:most])
