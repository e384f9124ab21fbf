"""What of a mapping cannot work, found at saving: each fault names the place in the data as a form sent it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from bridge.domain.mapping.inherit import effective
from bridge.domain.mapping.model import (
    AttributeMap,
    Constant,
    Convert,
    Otherwise,
    Section,
    Source,
    StoreField,
    Template,
    ValueTable,
)
from bridge.domain.mapping.template import TemplateError, parse
from bridge.domain.mapping.walk import mentions, walk
from bridge.domain.measure import UnitError, factor, unit_of
from bridge.domain.refusal import Refusal
from bridge.domain.requirement import AttributeKind, AttributeRequirement, CategoryRequirements
from bridge.domain.unfit import begun, sentence
from bridge.domain.wording import quoted

_DEEPEST = 6
_TYPES = ("tuple[", "constrained-", "[key]")
_FIELDS = frozenset(field.value for field in StoreField)


def read_mapping(data: Any) -> tuple[AttributeMap | None, tuple[Refusal, ...]]:
    """A mapping out of a form's or a file's data; None with the faults where it is none."""
    try:
        return AttributeMap.model_validate(data), ()
    except ValidationError as error:
        return None, tuple(_fault(data, item) for item in error.errors())
    except RecursionError:
        return None, (Refusal(path="", text="Sources are nested too deeply."),)


def refused_at_saving(
    mapping: AttributeMap | Mapping[str, Any],
    requirements: CategoryRequirements | None = None,
    category: Sequence[str] = (),
) -> tuple[Refusal, ...]:
    """Everything that cannot work. With ``requirements`` of the category at ``category`` (a path), what holds there
    is compared with them too."""
    if not isinstance(mapping, AttributeMap):
        read, faults = read_mapping(mapping)
        return faults if read is None else refused_at_saving(read, requirements, category)
    found = list(_same_path(mapping))
    for number, section in enumerate(mapping.sections):
        for place, source in _sources(section, f"sections.{number}"):
            found += _of_source(place, source)
        found += _circles(mapping, section, f"sections.{number}")
    if requirements is not None:
        found += _against(mapping, requirements, tuple(category))
    return tuple(dict.fromkeys(found))


def _same_path(mapping: AttributeMap) -> Iterator[Refusal]:
    seen: set[tuple[str, ...]] = set()
    for number, section in enumerate(mapping.sections):
        if section.path in seen:
            yield Refusal(path=f"sections.{number}.path", text="There is another section for the same category.")
        seen.add(section.path)


def _sources(section: Section, place: str) -> Iterator[tuple[str, Source]]:
    for name, source in section.attributes.items():
        yield f"{place}.attributes.{name}", source
    for text, source in section.texts.items():
        yield f"{place}.texts.{text}", source
    for number, source in enumerate(section.bullets or ()):
        yield f"{place}.bullets.{number}", source


def _of_source(place: str, source: Source) -> Iterator[Refusal]:
    for inside, item in walk(source, place):
        if inside.count(".source") - place.count(".source") > _DEEPEST:
            yield Refusal(path=place, text=f"Sources are nested deeper than {_DEEPEST}.")
            return
        if isinstance(item, Template):
            yield from _of_template(f"{inside}.text", item)
        elif isinstance(item, Convert):
            yield from _of_units(inside, item)
        elif isinstance(item, ValueTable) and item.otherwise is Otherwise.DEFAULT and not item.default:
            yield Refusal(
                path=f"{inside}.default", text="Enter what is sent instead of a value that is not in the table."
            )


def _of_template(place: str, item: Template) -> Iterator[Refusal]:
    try:
        slots = list(parse(item.text).slots())
    except TemplateError as error:
        yield Refusal(path=place, text=f"The template cannot be read: {error}.")
        return
    for slot in slots:
        if slot.kind == "field" and slot.name.casefold() not in _FIELDS:
            yield Refusal(
                path=place, text=f"There is no store field {slot.name!r}. Known are: {', '.join(sorted(_FIELDS))}."
            )


def _of_units(place: str, item: Convert) -> Iterator[Refusal]:
    for name, unit in (("unit", item.unit), ("unit_if_none", item.unit_if_none)):
        try:
            if unit:
                unit_of(unit)
        except UnitError as error:
            yield Refusal(path=f"{place}.{name}", text=f"{error}.")
            return
    try:
        if item.unit_if_none:
            factor(item.unit_if_none, item.unit)
    except UnitError as error:
        yield Refusal(path=f"{place}.unit_if_none", text=f"{error}.")


def _circles(mapping: AttributeMap, section: Section, place: str) -> Iterator[Refusal]:
    """Attributes that read each other in a circle or read one that is not mapped, as it holds for this category."""
    whole = effective(mapping, section.path)
    reads = {name: mentions(source) for name, source in whole.attributes.items()}
    for where, source in _sources(section, place):
        for name in sorted(mentions(source) - set(reads)):
            yield Refusal(path=where, text=f"{name!r} is not mapped here, so nothing can be taken from it.")
    for name in section.attributes:
        circle = _circle(name, reads)
        if circle:
            yield Refusal(path=f"{place}.attributes.{name}", text=f"Goes round in a circle: {' -> '.join(circle)}.")


def _circle(start: str, reads: Mapping[str, frozenset[str]]) -> list[str]:
    """The way from an attribute back to itself, or nothing."""
    before: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        for other in sorted(reads.get(name, ())):
            if other == start:
                way = [name]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return [*reversed(way), start]
            if other not in before:
                before[other] = name
                waiting.append(other)
    return []


# Against what the marketplace asks.


def _against(mapping: AttributeMap, requirements: CategoryRequirements, path: tuple[str, ...]) -> Iterator[Refusal]:
    known = {item.id: item for item in requirements.attributes}
    for number, section in enumerate(mapping.sections):
        if path[: len(section.path)] != section.path:
            continue
        for name, source in section.attributes.items():
            place = f"sections.{number}.attributes.{name}"
            if name in known:
                yield from _of_attribute(place, source, known[name])
            elif section.path == path:
                # What is mapped for many categories need not exist in each of them.
                yield Refusal(path=place, text=f"The marketplace has no attribute {name!r} in this category.")


def _of_attribute(place: str, source: Source, wanted: AttributeRequirement) -> Iterator[Refusal]:
    for inside, item in _outermost(source, place):
        if isinstance(item, Constant):
            values = (item.value,) if isinstance(item.value, str) else item.value
            yield from (fault for value in values for fault in _value(f"{inside}.value", value, wanted))
        elif isinstance(item, ValueTable):
            for key, value in item.values.items():
                yield from _value(f"{inside}.values.{key}", value, wanted)
            if item.otherwise is Otherwise.DEFAULT and item.default:
                yield from _value(f"{inside}.default", item.default, wanted)
        elif isinstance(item, Convert):
            yield from _unit(inside, item, wanted)


def _outermost(source: Source, place: str) -> Iterator[tuple[str, Source]]:
    """The sources whose result is sent as it is; those inside a table or a conversion are still changed."""
    yield place, source
    for number, inner in enumerate(getattr(source, "sources", ())):
        yield from _outermost(inner, f"{place}.sources.{number}")


def _value(place: str, value: str, wanted: AttributeRequirement) -> Iterator[Refusal]:
    allowed = {item.value for item in wanted.allowed}
    if allowed and not wanted.open_list and value not in allowed:
        near = next(
            (
                item.value
                for item in wanted.allowed
                if value.casefold() in (item.value.casefold(), item.label.casefold())
            ),
            "",
        )
        hint = f" Did you mean {near!r}?" if near else f" Allowed are: {quoted(sorted(allowed))}."
        yield Refusal(path=place, text=f"{wanted.name} does not take {value!r}.{hint}")
    elif wanted.kind in (AttributeKind.NUMBER, AttributeKind.INTEGER) and not _is_number(value, wanted.kind):
        yield Refusal(path=place, text=f"{wanted.name} wants a {wanted.kind}, not {value!r}.")
    elif wanted.kind is AttributeKind.IMAGE and not value.startswith(("https://", "http://")):
        yield Refusal(path=place, text=f"{wanted.name} wants the address of a picture, not {value!r}.")
    elif wanted.max_length and len(value) > wanted.max_length:
        yield Refusal(path=place, text=f"{wanted.name} takes {wanted.max_length} characters; this has {len(value)}.")


def _is_number(value: str, kind: AttributeKind) -> bool:
    try:
        number = Decimal(value)
    except ArithmeticError:
        return False
    return number.is_finite() and (kind is AttributeKind.NUMBER or number == number.to_integral_value())


def _unit(place: str, item: Convert, wanted: AttributeRequirement) -> Iterator[Refusal]:
    if wanted.kind not in (AttributeKind.MEASURE, AttributeKind.NUMBER, AttributeKind.INTEGER, AttributeKind.TEXT):
        yield Refusal(path=place, text=f"{wanted.name} wants a {wanted.kind}, not a measure.")
    elif wanted.units and item.show_unit and item.unit not in wanted.units:
        yield Refusal(path=f"{place}.unit", text=f"{wanted.name} takes {quoted(wanted.units)}, not {item.unit!r}.")
    elif wanted.kind is AttributeKind.INTEGER and item.digits:
        yield Refusal(path=f"{place}.digits", text=f"{wanted.name} wants whole numbers: choose 0 digits.")


# pydantic's own faults, with places as a form knows them.


def _fault(data: Any, error: Any) -> Refusal:
    return Refusal(path=_place(data, error["loc"]), text=begun(sentence(error)))


def _place(data: Any, location: Sequence[str | int]) -> str:
    """pydantic names the kind of a source in between; a form does not."""
    words: list[str] = []
    here, is_new = data, True
    for step in location:
        is_tag = is_new and isinstance(here, dict) and step == here.get("kind")
        is_type = isinstance(step, str) and (step.startswith(_TYPES) or (isinstance(here, str) and step == "str"))
        if is_tag or is_type:
            is_new = False
            continue
        words.append(str(step))
        here, is_new = (here[step] if _has(here, step) else None), True
    return ".".join(words)


def _has(here: Any, step: str | int) -> bool:
    if isinstance(here, dict):
        return step in here
    return isinstance(here, list | tuple) and isinstance(step, int) and step < len(here)
