"""Conditions on numbers, amounts of money and days: what is missing or cannot be read is not known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

from bridge.domain.money import Money
from bridge.domain.rules import conditions as c
from bridge.domain.rules.fields import FIELDS, Kind, attribute_source, kind_of
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.state import Judge, State

Test = Callable[[Any], bool]


def _compare(op: c.NumberOp, low: Decimal, high: Decimal | None) -> Test:
    if op is c.NumberOp.BETWEEN:
        return lambda value: high is not None and low <= value <= high
    # The other way round: "value < low" is asked of low.
    tests: dict[c.NumberOp, Test] = {
        c.NumberOp.EQUAL: low.__eq__,
        c.NumberOp.LESS: low.__gt__,
        c.NumberOp.AT_MOST: low.__ge__,
        c.NumberOp.MORE: low.__lt__,
        c.NumberOp.AT_LEAST: low.__le__,
    }
    return tests[op]


def number_judge(condition: c.NumberIs, figures: Figures) -> Judge:
    name, test = condition.field, _compare(condition.op, condition.value, condition.upto)
    if name == "margin_percent":
        return _known(figures.margin_percent, test)
    if kind_of(name) is Kind.ATTRIBUTE:
        return _known(_reader(name, _as_number), test)
    if kind_of(name) is not Kind.NUMBER:
        raise ValueError(f"{name} is not a number")
    return _present(name, test)


def money_judge(condition: c.MoneyIs, figures: Figures) -> Judge:
    currency = condition.value.currency
    high = figures.converted(condition.upto, currency) if condition.upto else None
    test = _compare(condition.op, condition.value.amount, high)
    if kind_of(condition.field) is not Kind.MONEY:
        raise ValueError(f"{condition.field} is not an amount of money")

    if condition.field == "price":
        return _of_price(test, figures, currency)
    read = _AMOUNTS.get(condition.field)
    return _of_amount(read, condition.field, test, figures, currency) if read else _of_margin(test, figures, currency)


Amounts = Callable[[State], tuple[Decimal | None, str]]


def _of_amount(read: Amounts, field: str, test: Test, figures: Figures, currency: str) -> Judge:
    missing = field.replace("_", " ")

    def ask(state: State) -> bool | None:
        amount, base = read(state)
        if amount is None:
            state.lacks(missing)
            return None
        return _in_currency(state, amount, base, currency, test, figures)

    return ask


def price_range(low: c.MoneyIs, high: c.MoneyIs, figures: Figures) -> Judge:
    """Both of the price, in one currency."""
    one, other = (_compare(each.op, each.value.amount, None) for each in (low, high))
    return _of_price(lambda amount: one(amount) and other(amount), figures, low.value.currency)


def _of_price(test: Test, figures: Figures, currency: str) -> Judge:
    def ask(state: State) -> bool | None:
        amount = state.amount
        if amount is None:
            state.lacks("price")
            return None
        if state.currency == currency:
            return test(amount)
        return _in_currency(state, amount, state.currency, currency, test, figures)

    return ask


def _of_margin(test: Test, figures: Figures, currency: str) -> Judge:
    def ask(state: State) -> bool | None:
        amount = figures.margin(state)
        return None if amount is None else _in_currency(state, amount, state.currency, currency, test, figures)

    return ask


def _in_currency(state: State, amount: Decimal, base: str, currency: str, test: Test, figures: Figures) -> bool | None:
    if base == currency:
        return test(amount)
    found = figures.exchanged(amount, base, currency)
    if found is None:
        state.lacks(f"exchange rate {base} to {currency}")
        return None
    return test(found)


def _of(money: Money | None) -> tuple[Decimal | None, str]:
    return (money.amount, money.currency) if money else (None, "")


_AMOUNTS: dict[str, Amounts] = {
    "store_price": lambda state: _of(state.subject.price),
    "regular_price": lambda state: _of(state.subject.regular_price),
    "cost": lambda state: _of(state.subject.cost),
}


def date_judge(condition: c.DateIs, figures: Figures) -> Judge:
    name, test = condition.field, _date_test(condition, figures.context.today)
    if kind_of(name) is Kind.ATTRIBUTE:
        return _known(_reader(name, _as_date), test)
    if kind_of(name) is not Kind.DATE:
        raise ValueError(f"{name} is not a date")
    return _present(name, test)


def _date_test(condition: c.DateIs, today: date) -> Test:
    day, days = condition.day, condition.days
    if condition.op is c.DateOp.WITHIN and days is not None:
        return lambda value: abs((value - today).days) <= days
    if day is None or condition.op is c.DateOp.WITHIN:
        raise ValueError("A date condition needs a day, or a number of days.")
    if condition.op is c.DateOp.BEFORE:
        return lambda value: value < day
    return lambda value: value > day


def _known(read: Callable[[State], Any], test: Test) -> Judge:
    def ask(state: State) -> bool | None:
        value = read(state)
        return None if value is None else test(value)

    return ask


def _present(name: str, test: Test) -> Judge:
    """Of a field that may be missing."""
    read = attrgetter(FIELDS[name].path)

    def ask(state: State) -> bool | None:
        value = read(state)
        if value is None:
            state.lacks(name)
            return None
        return test(value)

    return ask


def _reader(name: str, parse: Callable[[str], Any]) -> Callable[[State], Any]:
    """An attribute read as something else than text; not known when it is missing or cannot be read so."""
    path, key = attribute_source(name)
    read = attrgetter(path)

    def value(state: State) -> Any:
        text = read(state).get(key, "")
        found = parse(text.strip()) if isinstance(text, str) else None
        if found is None:
            state.lacks(key)
        return found

    return value


def _as_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
