"""A marketplace changes what it asks: what became stricter, and which listings that breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from bridge.domain.checks.asked import Asked, Attributes
from bridge.domain.listing import Finding
from bridge.domain.requirement import AttributeRequirement, CategoryRequirements, Need
from bridge.domain.values import Value
from bridge.domain.wording import quoted

Key = TypeVar("Key")
_STRICTNESS = {Need.OPTIONAL: 0, Need.RECOMMENDED: 1, Need.REQUIRED: 2}


class Turn(StrEnum):
    """What happened to an attribute. ``TIGHTENED``: something that was accepted may be refused now."""

    ADDED = "added"
    REMOVED = "removed"
    TIGHTENED = "tightened"
    LOOSENED = "loosened"


class Difference(Value):
    attribute: str
    turn: Turn
    text: str


class RequirementChange(Value):
    """From one version of a category's requirements to the next. Empty ``differences``: only words changed."""

    old: CategoryRequirements
    new: CategoryRequirements
    differences: tuple[Difference, ...] = ()

    @property
    def stricter(self) -> tuple[Difference, ...]:
        """What can break a listing: tightened ones, and new ones that are needed."""
        return tuple(item for item in self.differences if item.turn is Turn.TIGHTENED or self._is_needed(item))

    def _is_needed(self, item: Difference) -> bool:
        rule = next((rule for rule in self.new.attributes if rule.id == item.attribute), None)
        return item.turn is Turn.ADDED and rule is not None and (rule.need is Need.REQUIRED or bool(rule.required_if))


def changed(old: CategoryRequirements, new: CategoryRequirements) -> RequirementChange:
    """What was added, removed, tightened or loosened, attribute by attribute."""
    before = {rule.id: rule for rule in old.attributes}
    after = {rule.id: rule for rule in new.attributes}
    found = [
        Difference(attribute=name, turn=Turn.ADDED, text=f"{rule.name} is new ({rule.need}).")
        for name, rule in after.items()
        if name not in before
    ]
    for name, rule in before.items():
        if name not in after:
            found.append(Difference(attribute=name, turn=Turn.REMOVED, text=f"{rule.name} is no longer asked for."))
        else:
            found += _differences(rule, after[name])
    return RequirementChange(old=old, new=new, differences=tuple(found))


def broken_by(
    change: RequirementChange, listings: Iterable[tuple[Key, Attributes]], country: str | None = None
) -> Iterator[tuple[Key, tuple[Finding, ...]]]:
    """Of these listings (a key, and its attributes as they are sent), those that were right before and are not now."""
    touched = {item.attribute for item in change.stricter}
    before, after = Asked(_only(change.old, touched), country), Asked(_only(change.new, touched), country)
    for key, attributes in listings:
        had = {(finding.rule, finding.field) for finding in before(attributes) if finding.blocking}
        found = tuple(item for item in after(attributes) if item.blocking and (item.rule, item.field) not in had)
        if found:
            yield key, found


def _only(requirements: CategoryRequirements, names: set[str]) -> CategoryRequirements:
    kept = tuple(rule for rule in requirements.attributes if rule.id in names)
    return requirements.model_copy(update={"attributes": kept})


def _differences(old: AttributeRequirement, new: AttributeRequirement) -> Iterator[Difference]:
    for is_tighter, text in _steps(old, new):
        yield Difference(
            attribute=new.id, turn=Turn.TIGHTENED if is_tighter else Turn.LOOSENED, text=f"{new.name} {text}."
        )


def _steps(old: AttributeRequirement, new: AttributeRequirement) -> Iterator[tuple[bool, str]]:
    if old.need is not new.need:
        yield _STRICTNESS[new.need] > _STRICTNESS[old.need], f"is {new.need} now, it was {old.need}"
    if more := [given.attribute for given in new.required_if if given not in old.required_if]:
        yield True, f"is needed now depending on {quoted(more)}"
    if fewer := [given.attribute for given in old.required_if if given not in new.required_if]:
        yield False, f"no longer depends on {quoted(fewer)}"
    if old.kind is not new.kind:
        yield True, f"wants a {new.kind} now, it was a {old.kind}"
    yield from _lists(old, new)
    yield from _limit("a minimum of", old.minimum, new.minimum, higher_is_tighter=True)
    yield from _limit("a maximum of", old.maximum, new.maximum)
    yield from _limit("a length of at most", old.max_length, new.max_length)
    if old.max_values != new.max_values:
        yield new.max_values < old.max_values, f"takes {new.max_values} values now, it was {old.max_values}"
    if old.pattern != new.pattern:
        yield new.pattern is not None, "has another form now" if new.pattern else "may have any form now"
    yield from _places(old, new)


def _lists(old: AttributeRequirement, new: AttributeRequirement) -> Iterator[tuple[bool, str]]:
    had, has = {item.value for item in old.allowed}, {item.value for item in new.allowed}
    was_closed, is_closed = bool(had) and not old.open_list, bool(has) and not new.open_list
    if is_closed and not was_closed:
        yield True, "takes only values of a list now"
    elif was_closed and not is_closed:
        yield False, "takes any value now"
    if is_closed and (gone := sorted(had - has)):
        yield True, f"no longer takes {quoted(gone)}"
    if was_closed and is_closed and (more := sorted(has - had)):
        yield False, f"takes {quoted(more)} too"
    if new.units and (gone := sorted(set(old.units) - set(new.units))):
        yield True, f"no longer takes the unit {quoted(gone)}"


def _limit(
    words: str, old: Decimal | int | None, new: Decimal | int | None, *, higher_is_tighter: bool = False
) -> Iterator[tuple[bool, str]]:
    if old == new:
        return
    if new is None:
        yield False, f"no longer has {words} {old}"
    elif old is None:
        yield True, f"has {words} {new} now"
    else:
        yield (new > old) == higher_is_tighter, f"has {words} {new} now, it was {old}"


def _places(old: AttributeRequirement, new: AttributeRequirement) -> Iterator[tuple[bool, str]]:
    had, has = set(old.countries), set(new.countries)
    if had == has:
        return
    if had and (not has or has - had):
        yield True, f"is asked for in {'every country' if not has else quoted(sorted(has - had))} now"
    if has and (not had or had - has):
        yield False, f"is asked for only in {quoted(sorted(has))} now"
