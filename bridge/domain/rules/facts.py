"""What conditions ask of facts: of what is still as the store has it when they are asked (SKU, tags, stock; title and
brand where no mapping and no rule before writes them). It is answered once a variant, for every marketplace whose rules
ask the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from bridge.domain.rules import conditions as c
from bridge.domain.rules.fields import ATTRIBUTE, FIELDS, WRITABLE
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.judge import judge
from bridge.domain.rules.state import Judge, State
from bridge.domain.rules.subject import RuleContext

_SUBJECT = "subject."
ATTRIBUTES = "attributes"
# The step's number and what is known of it: True, False, or None for "not known".
Visit = tuple[int, bool | None]


class Parts(NamedTuple):
    """A condition as two: what is asked of the store's facts, and the ``rest``. ``either``: one of them is enough, else
    both have to hold. None: there is no such part."""

    facts: c.Condition | None
    rest: c.Condition | None
    either: bool = False


def parted(condition: c.Condition, written: Collection[str]) -> Parts:
    """``written``: fields that are not the store's any more (``attributes``: none of the attributes is)."""
    if _of_facts(condition, written):
        return Parts(condition, None)
    if isinstance(condition, c.AllOf | c.AnyOf):
        facts = tuple(one for one in condition.of if _of_facts(one, written))
        rest = tuple(one for one in condition.of if not _of_facts(one, written))
        if facts and rest:
            group = type(condition)
            return Parts(group(of=facts), group(of=rest), either=isinstance(condition, c.AnyOf))
    return Parts(None, condition)


def _of_facts(condition: c.Condition, written: Collection[str]) -> bool:
    match condition:
        case c.AllOf() | c.AnyOf():
            return all(_of_facts(one, written) for one in condition.of)
        case c.NotThis():
            return _of_facts(condition.of, written)
        case c.TextIs() | c.SetIs() | c.NumberIs() | c.DateIs():
            return _is_fact(condition.field, written)
        case _:  # what an amount of money is worth depends on the day's rates
            return False


def _is_fact(name: str, written: Collection[str]) -> bool:
    """Margins change with the price; marketplace and country are known before anything is asked."""
    if name.startswith(ATTRIBUTE):
        return name not in written and ATTRIBUTES not in written
    known = FIELDS.get(name)
    if known is None or known.path.startswith(_SUBJECT):
        return True
    return name in WRITABLE and name not in written


def fact_judge(condition: c.Condition, today: date) -> Judge:
    """The same one for the same condition, whoever asks."""
    return _judge(type(condition), condition.model_dump_json(), today)


@lru_cache(maxsize=10000)
def _judge(kind: type[c.AllOf], as_json: str, today: date) -> Judge:
    found = judge(kind.model_validate_json(as_json), Figures(RuleContext(today=today)))
    if isinstance(found, bool):
        return lambda state: found
    return found


class Facts:
    """What the steps of a rule set ask of the facts, one entry a step: the judge (None: nothing is asked), and whether
    a step that is answered with no has nothing more to do."""

    def __init__(self, asks: tuple[tuple[Judge | None, bool], ...]) -> None:
        self._asks = tuple((number, ask, ends) for number, (ask, ends) in enumerate(asks))

    def visits(self, state: State) -> tuple[Visit, ...]:
        """The steps that are not over with already, and what is known of each."""
        found = state.subject.known.get(self)
        if found is None:
            found = state.subject.known[self] = tuple(self._visits(state))
        return found

    def _visits(self, state: State) -> Iterator[Visit]:
        for number, ask, ends in self._asks:
            answer = True if ask is None else ask(state)
            if answer is not False or not ends:
                yield number, answer


@lru_cache(maxsize=1000)
def facts(asks: tuple[tuple[Judge | None, bool], ...]) -> Facts:
    """The same one for the same questions."""
    return Facts(asks)
