"""Conditions as functions: made once, asked for every product.

A function answers True, False, or None for "not known", and then has noted what is missing. Groups follow Kleene:
"all" is false as soon as one is false, whatever is not known; "any" is true as soon as one is true; "not" of unknown
is unknown. What depends on the connection alone (channel, country, "always") is decided here and is no function.
"""

from __future__ import annotations

from bridge.domain.rules import conditions as c
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.quantities import date_judge, money_judge, number_judge, price_range
from bridge.domain.rules.state import Judge, State
from bridge.domain.rules.words import words_judge


def judge(condition: c.Condition, figures: Figures) -> Judge | bool:
    """Raises ValueError for a condition that ``saving`` refuses."""
    match condition:
        case c.Always():
            return True
        case c.AllOf():
            return _range(condition, figures) or _all([judge(one, figures) for one in condition.of])
        case c.AnyOf():
            return _any([judge(one, figures) for one in condition.of])
        case c.NotThis():
            return _not(judge(condition.of, figures))
        case c.TextIs() | c.SetIs():
            return words_judge(condition, figures)
        case c.NumberIs():
            return number_judge(condition, figures)
        case c.MoneyIs():
            return money_judge(condition, figures)
        case c.DateIs():
            return date_judge(condition, figures)


def _range(condition: c.AllOf, figures: Figures) -> Judge | None:
    """A lowest and a highest price: the most usual pair of conditions, asked as one."""
    match condition.of:
        case (c.MoneyIs(field="price") as low, c.MoneyIs(field="price") as high):
            apart = low.value.currency != high.value.currency or c.NumberOp.BETWEEN in (low.op, high.op)
            return None if apart else price_range(low, high, figures)
    return None


def _all(parts: list[Judge | bool]) -> Judge | bool:
    if False in parts:
        return False
    asked = tuple(part for part in parts if callable(part))
    if not asked:
        return True
    if len(asked) == 1:
        return asked[0]
    if len(asked) == 2:
        return _both(*asked)

    def every(state: State) -> bool | None:
        answer: bool | None = True
        for one in asked:
            found = one(state)
            if found is False:
                return False
            if found is None:
                answer = None
        return answer

    return every


def _both(one: Judge, other: Judge) -> Judge:
    """Most groups are of two, such as a lowest and a highest price."""

    def both(state: State) -> bool | None:
        first = one(state)
        if first is False:
            return False
        second = other(state)
        if second is False:
            return False
        return None if first is None or second is None else True

    return both


def _any(parts: list[Judge | bool]) -> Judge | bool:
    if True in parts:
        return True
    asked = tuple(part for part in parts if callable(part))
    if not asked:
        return False
    if len(asked) == 1:
        return asked[0]

    def some(state: State) -> bool | None:
        answer: bool | None = False
        for one in asked:
            found = one(state)
            if found:
                return True
            if found is None:
                answer = None
        return answer

    return some


def _not(part: Judge | bool) -> Judge | bool:
    if not callable(part):
        return not part

    def otherwise(state: State) -> bool | None:
        found = part(state)
        return None if found is None else not found

    return otherwise
