"""Actions as functions: made once, done to every product that the rule fits."""

from __future__ import annotations

from bridge.domain.rules import actions as a
from bridge.domain.rules import price_acts, text_acts
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.shaped import Traced
from bridge.domain.rules.state import Act, State


def act(action: a.Action, rule: str, figures: Figures) -> Act:  # noqa: PLR0911 one line for each kind of action
    match action:
        case a.Exclude():
            return _reason("excluded", rule, action.reason)
        case a.IncludeOnly():
            return lambda state: None
        case a.Hold():
            return _reason("held", rule, action.reason)
        case a.SetText():
            return text_acts.set_text(action, rule, figures)
        case a.ReplaceText():
            return text_acts.replace_text(action, rule)
        case a.PriceOf():
            return price_acts.price_of(action, rule, figures)
        case a.KeepBack():
            return _put("buffer", rule, action.buffer)
        case a.Cap():
            return _put("cap", rule, action.units)
        case a.HandlingTime():
            return _put("handling_days", rule, action.days)
        case _:
            return _price(action, rule, figures)


def _price(action: a.Action, rule: str, figures: Figures) -> Act:
    match action:
        case a.Markup():
            return price_acts.markup(action, rule, figures)
        case a.Margin():
            return price_acts.margin(action, rule, figures)
        case a.SetPrice():
            return price_acts.set_price(action, rule)
        case a.AddToPrice():
            return price_acts.add_to_price(action, rule, figures)
        case a.Convert():
            return price_acts.convert(action, rule, figures)
        case a.RoundToEnding() | a.RoundToStep():
            return price_acts.round_to(action, rule)
        case a.Vat():
            return price_acts.vat(action, rule, figures)
        case a.Floor() | a.Ceiling():
            return price_acts.bound(action, rule, figures)
    raise TypeError(f"no such action: {action!r}")


def excluding(action: a.IncludeOnly, rule: str) -> Act:
    """What "include only" does to those the condition does not fit."""
    return _reason("excluded", rule, action.reason)


def _reason(field: str, rule: str, reason: str) -> Act:
    """The first reason stays."""

    def say(state: State) -> None:
        if getattr(state, field) is None:
            setattr(state, field, reason)
            state.changes.append((field, rule, "", reason, ""))

    return say


def _put(field: str, rule: str, value: Traced) -> Act:
    def put(state: State) -> None:
        before = getattr(state, field)
        if before is None or before != value:
            setattr(state, field, value)
            state.changes.append((field, rule, before, value, ""))

    return put
