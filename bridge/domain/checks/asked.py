"""Attributes against what a marketplace asks of a category: what is missing, and what is there and not accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from bridge.domain.listing import Finding
from bridge.domain.measure import UnitError, read_measure, unit_of
from bridge.domain.requirement import (
    AttributeKind,
    AttributeRequirement,
    CategoryRequirements,
    Given,
    Need,
)
from bridge.domain.wording import quoted

Attributes = Mapping[str, str | tuple[str, ...]]
Faults = Iterator[tuple[str, str, str]]
_FLAGS = {"true", "false", "yes", "no", "1", "0"}
_IN_STORE = "Enter it in the store, or map the attribute to a field that has it."
_IN_MAPPING = "Correct the value in the store, or translate it in the mapping of this attribute."


def missing(
    requirements: CategoryRequirements, attributes: Attributes, country: str | None = None
) -> tuple[Finding, ...]:
    """Everything the marketplace would refuse or wants in addition. ``country`` None: the rules of every country."""
    return Asked(requirements, country)(attributes)


class Asked:
    """The requirements of a category, prepared for many listings."""

    def __init__(self, requirements: CategoryRequirements, country: str | None = None) -> None:
        rules = [item for item in requirements.attributes if applies(item, country)]
        self._names = {item.id: item.name for item in requirements.attributes}
        self._rules = [(item, _checker(item)) for item in rules]

    def __call__(self, attributes: Attributes) -> tuple[Finding, ...]:
        found: list[Finding] = []
        for rule, check in self._rules:
            values = several(attributes.get(rule.id))
            if values:
                faults = [*_too_many(rule, values), *(fault for value in values for fault in check(value))]
                found += (_refused(rule, name, text, fix) for name, text, fix in dict.fromkeys(faults))
            elif rule.need is not Need.OPTIONAL or rule.required_if:
                found += self._absent(rule, attributes)
        return tuple(found)

    def _absent(self, rule: AttributeRequirement, attributes: Attributes) -> Iterator[Finding]:
        reason = next((given for given in rule.required_if if holds(given, attributes)), None)
        if rule.need is Need.REQUIRED:
            yield _finding(rule, "attribute_missing", True, f"{rule.name} is missing.")
        elif reason:
            other = self._names.get(reason.attribute, reason.attribute)
            because = f"{other} is {quoted(several(attributes.get(reason.attribute)), 1)}"
            yield _finding(rule, "attribute_missing", True, f"{rule.name} is missing; it is needed because {because}.")
        elif rule.need is Need.RECOMMENDED:
            yield _finding(
                rule, "attribute_recommended", False, f"{rule.name} is missing; the marketplace recommends it."
            )


def applies(rule: AttributeRequirement, country: str | None) -> bool:
    return country is None or not rule.countries or country in rule.countries


def holds(given: Given, attributes: Attributes) -> bool:
    values = several(attributes.get(given.attribute))
    return bool(values) if not given.values else any(value in given.values for value in values)


def several(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """One value or several as several; empty ones are none."""
    values = (value,) if isinstance(value, str) else value or ()
    return tuple(item for item in values if item.strip())


def _too_many(rule: AttributeRequirement, values: tuple[str, ...]) -> Faults:
    if len(values) > rule.max_values:
        text = f"{rule.name} takes {rule.max_values} value{'s' if rule.max_values > 1 else ''}, not {len(values)}."
        yield "attribute_too_many", text, "Leave the others out in the store or in the mapping."


def _checker(rule: AttributeRequirement) -> Callable[[str], Faults]:
    allowed = None if rule.open_list or not rule.allowed else {item.value for item in rule.allowed}
    labels = {word.casefold(): item.value for item in rule.allowed for word in (item.value, item.label) if word}
    pattern = _pattern(rule.pattern)

    def check(value: str) -> Faults:
        if allowed is not None:
            if value not in allowed:
                yield "attribute_not_allowed", *_not_allowed(rule, value, labels.get(value.casefold()), allowed)
            return
        yield from _OF_KIND.get(rule.kind, _anything)(rule, value)
        if rule.max_length is not None and len(value) > rule.max_length:
            text = f"{rule.name} takes {rule.max_length} characters; this has {len(value)}."
            yield "attribute_too_long", text, "Shorten it in the store or in the mapping."
        if pattern and not pattern.search(value):
            yield "attribute_form", f"{rule.name} does not take {value[:80]!r} in this form.", rule.help or _IN_MAPPING

    return check


def _pattern(regex: str | None) -> re.Pattern[str] | None:
    """Searched for, as in JSON Schema. A pattern in another dialect than Python's is left to the marketplace."""
    try:
        return re.compile(regex) if regex else None
    except re.error:
        return None


def _not_allowed(rule: AttributeRequirement, value: str, near: str | None, allowed: set[str]) -> tuple[str, str]:
    text = f"{rule.name} does not take {value[:80]!r}."
    if near is not None:
        return text, f"Send {near!r} instead: add it to the value table of this attribute."
    return text, f"Choose one of {quoted(sorted(allowed))} in the value table of this attribute."


def _anything(_rule: AttributeRequirement, _value: str) -> Faults:
    yield from ()


def _number(rule: AttributeRequirement, value: str) -> Faults:
    amount = _decimal(value)
    if amount is None:
        yield "attribute_type", f"{rule.name} wants a number, not {value[:80]!r}.", _IN_MAPPING
        return
    if rule.kind is AttributeKind.INTEGER and amount != amount.to_integral_value():
        yield "attribute_type", f"{rule.name} wants a whole number, not {value}.", _IN_MAPPING
    yield from _bounds(rule, amount, value)


def _bounds(rule: AttributeRequirement, amount: Decimal, shown: str) -> Faults:
    if rule.minimum is not None and amount < rule.minimum:
        yield "attribute_bounds", f"{rule.name} has to be at least {rule.minimum}, not {shown}.", _IN_MAPPING
    if rule.maximum is not None and amount > rule.maximum:
        yield "attribute_bounds", f"{rule.name} may be at most {rule.maximum}, not {shown}.", _IN_MAPPING


def _measure(rule: AttributeRequirement, value: str) -> Faults:
    measure = read_measure(value)
    if measure is None:
        yield "attribute_type", f"{rule.name} wants a number with its unit, not {value[:80]!r}.", _IN_MAPPING
        return
    if rule.units and not _is_unit(measure.unit, rule.units):
        fix = "Convert it in the mapping of this attribute."
        yield "attribute_unit", f"{rule.name} takes {quoted(rule.units)}, not {measure.unit!r}.", fix
    yield from _bounds(rule, measure.amount, value)


def _is_unit(unit: str, units: tuple[str, ...]) -> bool:
    """The very word, or another of the same unit."""
    return unit in units or _unit(unit) in {_unit(item) for item in units}


def _unit(word: str) -> str:
    try:
        return unit_of(word)
    except UnitError:
        return word.casefold()


def _flag(rule: AttributeRequirement, value: str) -> Faults:
    if value.casefold() not in _FLAGS:
        yield "attribute_type", f"{rule.name} wants yes or no, not {value[:80]!r}.", _IN_MAPPING


def _date(rule: AttributeRequirement, value: str) -> Faults:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        yield "attribute_type", f"{rule.name} wants a date like 2026-12-31, not {value[:80]!r}.", _IN_MAPPING


def _image(rule: AttributeRequirement, value: str) -> Faults:
    if not value.startswith(("https://", "http://")):
        yield "attribute_type", f"{rule.name} wants the address of a picture, not {value[:80]!r}.", _IN_MAPPING


_OF_KIND: Mapping[AttributeKind, Callable[[AttributeRequirement, str], Faults]] = {
    AttributeKind.NUMBER: _number,
    AttributeKind.INTEGER: _number,
    AttributeKind.MEASURE: _measure,
    AttributeKind.FLAG: _flag,
    AttributeKind.DATE: _date,
    AttributeKind.IMAGE: _image,
}


def _decimal(value: str) -> Decimal | None:
    try:
        found = Decimal(value.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _refused(rule: AttributeRequirement, name: str, text: str, fix: str) -> Finding:
    return Finding(rule=name, field=rule.id, blocking=True, text=text, fix=fix)


def _finding(rule: AttributeRequirement, name: str, blocking: bool, text: str) -> Finding:
    return Finding(rule=name, field=rule.id, blocking=blocking, text=text, fix=rule.help or _IN_STORE)
