"""Rules that cannot work are refused when they are saved, with the field named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.domain.money import CURRENCIES, Money
from bridge.domain.pricing.exchange import NoRate
from bridge.domain.pricing.rounding import smallest
from bridge.domain.refusal import Refusal
from bridge.domain.rules import actions as a
from bridge.domain.rules import conditions as c
from bridge.domain.rules.fields import ATTRIBUTE, PRICES, WRITABLE, Kind, kind_of
from bridge.domain.rules.ruleset import Rule, RuleSet
from bridge.domain.rules.subject import RuleContext
from bridge.domain.unfit import begun, sentence

# Deeper than a person can follow.
DEEPEST = 6

_FITS = {
    c.TextIs: ("text", {Kind.TEXT, Kind.SET, Kind.ATTRIBUTE}),
    c.SetIs: ("text or several values", {Kind.TEXT, Kind.SET, Kind.ATTRIBUTE}),
    c.NumberIs: ("a number", {Kind.NUMBER, Kind.ATTRIBUTE}),
    c.MoneyIs: ("an amount of money", {Kind.MONEY}),
    c.DateIs: ("a date", {Kind.DATE, Kind.ATTRIBUTE}),
}


def read_rules(data: Any, context: RuleContext) -> tuple[RuleSet | None, tuple[Refusal, ...]]:
    """A rule set from plain JSON types, or everything that is wrong with it."""
    try:
        ruleset = RuleSet.model_validate(data)
    except ValidationError as error:
        return None, _refusals(error, data)
    refusals = refused_at_saving(ruleset, context)
    return (None if refusals else ruleset), refusals


def refused_at_saving(ruleset: RuleSet, context: RuleContext) -> tuple[Refusal, ...]:
    """What makes rules useless or impossible here; empty for rules that can be saved."""
    names = [rule.name for rule in ruleset.rules]
    found: list[Refusal] = []
    for number, rule in enumerate(ruleset.rules):
        path = f"rules.{number}"
        if names.index(rule.name) != number:
            found.append(Refusal(path=f"{path}.name", text=f"Another rule is called {rule.name!r} already."))
        found += (Refusal(path=at, text=text) for at, text in _rule(rule, path, context))
    return tuple(found)


Found = Iterator[tuple[str, str]]


def _rule(rule: Rule, path: str, context: RuleContext) -> Found:
    yield from _condition(rule.when, f"{path}.when", 1, context)
    for number, action in enumerate(rule.then):
        yield from _action(action, f"{path}.then.{number}", context)
    floors = [one.amount for one in rule.then if isinstance(one, a.Floor)]
    for number, action in enumerate(rule.then):
        if isinstance(action, a.Ceiling) and any(_above(floor, action.amount) for floor in floors):
            yield f"{path}.then.{number}.amount", "The ceiling is below the floor of the same rule."


def _above(floor: Money, ceiling: Money) -> bool:
    return floor.currency == ceiling.currency and floor.amount > ceiling.amount


def _condition(condition: c.Condition, path: str, depth: int, context: RuleContext) -> Found:
    if depth > DEEPEST:
        yield path, f"Conditions are nested more than {DEEPEST} deep."
    elif isinstance(condition, c.AllOf | c.AnyOf):
        for number, one in enumerate(condition.of):
            yield from _condition(one, f"{path}.of.{number}", depth + 1, context)
    elif isinstance(condition, c.NotThis):
        yield from _condition(condition.of, f"{path}.of", depth + 1, context)
    elif not isinstance(condition, c.Always):
        yield from _asked(condition, path)
        yield from _judged(condition, path, context)
        yield from _operand(condition, path, context)


def _asked(condition: c.TextIs | c.SetIs | c.NumberIs | c.MoneyIs | c.DateIs, path: str) -> Found:
    kind = kind_of(condition.field)
    wanted, kinds = _FITS[type(condition)]
    if kind is None:
        yield f"{path}.field", f"There is no field {condition.field!r}."
    elif kind not in kinds:
        yield f"{path}.field", f"{condition.field!r} is not {wanted}."


def _judged(condition: c.Condition, path: str, context: RuleContext) -> Found:
    """On a connection: a margin that could never be known. A shared rule set is checked where it is used."""
    margin = isinstance(condition, c.MoneyIs | c.NumberIs) and condition.field in ("margin", "margin_percent")
    if margin and context.channel and context.prices_include_tax and not context.home:
        yield f"{path}.field", "The margin cannot be known: say first in which country's VAT the store's prices are."


def _operand(condition: c.Condition, path: str, context: RuleContext) -> Found:
    match condition:
        case c.TextIs():
            if (condition.op is c.TextOp.EMPTY) == bool(condition.value):
                words = "takes no value" if condition.value else "needs a value"
                yield f"{path}.value", f"The operator {condition.op.value!r} {words}."
        case c.SetIs():
            yield from _set_operand(condition, path)
        case c.NumberIs():
            yield from _range(condition.op, condition.value, condition.upto, path)
        case c.MoneyIs():
            yield from _currency(condition.value.currency, f"{path}.value.currency", context)
            if condition.upto and condition.upto.currency != condition.value.currency:
                yield f"{path}.upto.currency", "Both ends are in one currency."
            else:
                upto = condition.upto.amount if condition.upto else None
                yield from _range(condition.op, condition.value.amount, upto, path)
        case c.DateIs():
            wanted = "days" if condition.op is c.DateOp.WITHIN else "day"
            if getattr(condition, wanted) is None:
                yield f"{path}.{wanted}", f"The operator {condition.op.value!r} needs it."


def _set_operand(condition: c.SetIs, path: str) -> Found:
    single = kind_of(condition.field) is Kind.TEXT
    if single and condition.op is c.SetOp.HAS_ALL and len(condition.values) > 1:
        yield f"{path}.op", f'{condition.field!r} has one value only; use "in".'
    if kind_of(condition.field) is Kind.SET and condition.op is c.SetOp.IN:
        yield f"{path}.op", f'{condition.field!r} has several values; use "has any" or "has all".'
    for number, value in enumerate(condition.values):
        if not value.strip():
            yield f"{path}.values.{number}", "An empty value fits nothing."


def _range(op: c.NumberOp, low: Any, high: Any, path: str) -> Found:
    if op is not c.NumberOp.BETWEEN:
        if high is not None:
            yield f"{path}.upto", f"The operator {op.value!r} takes no second value."
    elif high is None:
        yield f"{path}.upto", '"between" needs a second value.'
    elif high < low:
        yield f"{path}.upto", "The second value is below the first."


def _action(action: a.Action, path: str, context: RuleContext) -> Found:
    match action:
        case a.SetText():
            yield from _written(action.target, f"{path}.target")
            yield from _words(action, path)
        case a.ReplaceText():
            yield from _written(action.target, f"{path}.target")
        case a.SetPrice() | a.Floor() | a.Ceiling():
            yield from _currency(action.amount.currency, f"{path}.amount.currency", context)
            if action.amount.amount <= 0:
                yield f"{path}.amount.amount", "A price is more than 0."
        case a.PriceOf():
            yield from _priced(action.field, f"{path}.field")
        case a.AddToPrice():
            yield from _currency(action.amount.currency, f"{path}.amount.currency", context)
        case a.Convert():
            yield from _currency(action.currency, f"{path}.currency", context)
        case a.RoundToEnding() | a.RoundToStep():
            yield from _rounding(action, path, context.currency)
        case a.Vat():
            yield from _vat(action, path, context)
        case _:
            return


def _written(target: str, path: str) -> Found:
    if target not in WRITABLE and not (target.startswith(ATTRIBUTE) and len(target) > len(ATTRIBUTE)):
        yield path, f"{target!r} cannot be changed; what can: {', '.join(WRITABLE)}, {ATTRIBUTE}NAME."


def _priced(name: str, path: str) -> Found:
    if name not in PRICES and kind_of(name) is not Kind.ATTRIBUTE:
        yield path, f"{name!r} is no price; what is: {', '.join(PRICES)}, custom.NAME."


def _words(action: a.SetText, path: str) -> Found:
    if isinstance(action.words, a.TextOf):
        if not action.words.text and action.change is not a.TextChange.SET:
            yield f"{path}.words.text", "There is nothing to add."
        return
    kind = kind_of(action.words.field)
    if kind is None:
        yield f"{path}.words.field", f"There is no field {action.words.field!r}."
    elif kind not in (Kind.TEXT, Kind.SET, Kind.ATTRIBUTE):
        yield f"{path}.words.field", f"{action.words.field!r} is not text."


def _currency(currency: str, path: str, context: RuleContext) -> Found:
    if currency not in CURRENCIES:
        yield path, f"There is no currency {currency!r}."
        return
    if context.rates is None or context.currency is None:
        return
    try:
        context.rates.quote(context.currency, currency)
    except NoRate:
        yield path, f"There is no exchange rate for {currency}; fix one first."


def _rounding(action: a.RoundToEnding | a.RoundToStep, path: str, currency: str | None) -> Found:
    if isinstance(action, a.RoundToEnding) and action.ending >= action.every:
        yield f"{path}.ending", f"The ending is less than {action.every}."
    if currency is None:
        return
    for name in ("ending", "every", "step"):
        value = getattr(action, name, None)
        if value is not None and value % smallest(currency):
            yield f"{path}.{name}", f"{currency} has no smaller coin than {smallest(currency)}."


def _vat(action: a.Vat, path: str, context: RuleContext) -> Found:
    country = action.country or context.country
    if not country and context.channel:
        yield f"{path}.country", "The buyer's country is not set for this marketplace; name one."
    elif country and context.vat and country not in context.vat.countries:
        yield f"{path}.country", f"The VAT rates of {country} are not known."


def _refusals(error: ValidationError, data: Any) -> tuple[Refusal, ...]:
    """A list whose items are wrong counts as too short as well, which is no news."""
    found = [(item["type"], _refusal(item, data)) for item in error.errors()]
    return tuple(
        refusal
        for kind, refusal in found
        if kind != "too_short" or not any(other.path.startswith(f"{refusal.path}.") for _, other in found)
    )


def _refusal(error: ErrorDetails, data: Any) -> Refusal:
    path, text = _path(error["loc"], data), sentence(error)
    if error["type"].startswith("union_tag"):
        path = f"{path}.kind"
    return Refusal(path=path, text=begun(text))


def _path(location: tuple[int | str, ...], data: Any) -> str:
    """Where it is in ``data``: pydantic's own path also names the kind of each condition and action it enters."""
    parts: list[str] = []
    entered = False
    for part in location:
        if entered and isinstance(data, dict) and data.get("kind") == part:
            entered = False
            continue
        parts.append(str(part))
        known = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        data = data[part] if known else None
        entered = True
    return ".".join(parts)
