"""A rule in words, as the list of rules tells it."""

from __future__ import annotations

from typing import Any

from bridge.domain.buffers import AdaptiveBuffer, FixedBuffer, PercentBuffer
from bridge.domain.money import Money
from bridge.domain.rules import Rule, actions
from bridge.domain.rules import conditions as c
from bridge.domain.rules.fields import Kind, kind_of
from bridge.web.drawing import title_of
from bridge.web.editor_words import MODES, OPERATORS, OPTIONS, WRITTEN
from bridge.web.rule_form import label_of

FEW = 3
Line = dict[str, Any]


def said(rule: Any) -> Line:
    """``asks``: the conditions as lines with their depth, empty where every product is meant; ``does``: the actions."""
    known = Rule.model_validate(rule)
    asks = [] if isinstance(known.when, c.Always) else list(_condition(known.when, 0))
    return {"enabled": known.enabled, "asks": asks, "does": [_action(one) for one in known.then]}


def _condition(when: c.Condition, depth: int) -> list[Line]:
    match when:
        case c.AllOf() | c.AnyOf():
            return _group(when.kind, when.of, depth)
        case c.NotThis(of=c.AnyOf(of=parts)):
            return _group("none", parts, depth)
        case c.NotThis():
            return _group("none", (when.of,), depth)
        case c.Always():
            return []
        case _:
            return [{"depth": depth, "mode": "", **_row(when)}]


def _group(mode: str, parts: tuple[c.Condition, ...], depth: int) -> list[Line]:
    head = {"depth": depth, "mode": MODES[mode]}
    return [head, *(line for part in parts for line in _condition(part, depth + 1))]


def _row(row: c.TextIs | c.NumberIs | c.MoneyIs | c.SetIs | c.DateIs) -> Line:
    operators = dict(OPERATORS[kind_of(row.field) or Kind.TEXT])
    return {
        "field": label_of(row.field),
        "op": operators.get(f"{row.kind}:{row.op.value}", row.op.value),
        "value": _value(row),
    }


def _value(row: c.TextIs | c.NumberIs | c.MoneyIs | c.SetIs | c.DateIs) -> str:
    match row:
        case c.MoneyIs():
            return " – ".join(one.text() for one in (row.value, row.upto) if one)
        case c.NumberIs():
            return " – ".join(f"{one:f}" for one in (row.value, row.upto) if one is not None)
        case c.SetIs():
            more = f" … ({len(row.values)})" if len(row.values) > FEW else ""
            return ", ".join(row.values[:FEW]) + more
        case c.DateIs():
            return row.day.isoformat() if row.day else str(row.days)
        case _:
            return f"“{row.value}”" if row.value else ""


def _action(act: actions.Action) -> Line:
    return {"title": title_of(type(act)), "value": _detail(act)}


def _detail(act: actions.Action) -> str:
    match act:
        case actions.SetText():
            words = f"“{act.words.text}”" if isinstance(act.words, actions.TextOf) else label_of(act.words.field)
            return f"{_written(act.target)} {OPTIONS[f'TextChange.{act.change.value}']} {words}"
        case actions.ReplaceText():
            return f"{_written(act.target)}: “{act.find}” → “{act.put}”"
        case actions.Markup() | actions.Margin():
            return f"{act.percent:f} %"
        case actions.KeepBack():
            return _buffer(act)
        case _:
            return _first(act)


def _first(act: actions.Action) -> str:
    """The one value that most actions have."""
    for name in ("reason", "amount", "currency", "country", "units", "days", "ending", "step"):
        value = getattr(act, name, None)
        if value is not None:
            return value.text() if isinstance(value, Money) else str(value)
    return ""


def _written(target: str) -> str:
    return WRITTEN.get(target) or label_of(target)


def _buffer(act: actions.KeepBack) -> str:
    match act.buffer:
        case FixedBuffer():
            return str(act.buffer.units)
        case PercentBuffer():
            return f"{act.buffer.percent} %"
        case AdaptiveBuffer():
            return f"{act.buffer.risk * 100:.3g} %"
