"""A rule as a flat form, and back: conditions as groups of rows, actions as their models say.

A group has a ``mode`` (all, any or none of its parts), a row a ``field``, an operator ``op`` such as ``money:<`` and
the operands it takes. The rule ``not`` is a group of mode none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.rules import Rule
from bridge.domain.rules import conditions as c
from bridge.domain.rules.actions import Action
from bridge.domain.rules.fields import FIELDS, Kind, kind_of
from bridge.web import drawing, flat
from bridge.web.drawing import Data, Input, OneOf, Options, Sheet
from bridge.web.editor_words import MODES, N_, OPERATORS, OPTIONS
from bridge.web.flat import Flat

WHEN, THEN = "when", "then"


@dataclass
class Row:
    """One condition."""

    name: str
    label: str
    inputs: list[Input]
    error: str = ""


@dataclass
class Group:
    """Several conditions, and groups inside."""

    name: str
    mode: str
    parts: list[Row | Group]
    depth: int
    error: str = ""
    is_group: bool = True


@dataclass
class Read:
    """The data of a rule, and which field of the form each place in it came from."""

    data: Data
    places: dict[str, str] = field(default_factory=dict)

    def errors(self, found: Mapping[str, str]) -> dict[str, str]:
        """What is wrong, by the names of the form."""
        return {self._name(path): text for path, text in found.items()}

    def _name(self, path: str) -> str:
        if path in self.places:
            return self.places[path]
        head = path
        while "." in head:
            head = head.rpartition(".")[0]
            if head in self.places:
                return self.places[head]
        return path


def of_rule(rule: Data) -> Flat:
    """The form of a rule that there is."""
    known = Rule.model_validate(rule)
    found = {"name": known.name} | {name: "1" for name in ("enabled", "stop", "hold_unknown") if getattr(known, name)}
    return {**found, **_group_of(known.when, WHEN), **flat.flat_of(known.then, THEN)}


def _group_of(when: c.Condition, path: str) -> Flat:
    """A condition as a group, whatever it is."""
    match when:
        case c.Always():
            return {f"{path}.mode": "all"}
        case c.AllOf() | c.AnyOf():
            return {f"{path}.mode": when.kind, **_parts_of(when.of, path)}
        case c.NotThis(of=c.AnyOf(of=parts)):
            return {f"{path}.mode": "none", **_parts_of(parts, path)}
        case c.NotThis():
            return {f"{path}.mode": "none", **_parts_of((when.of,), path)}
        case _:
            return {f"{path}.mode": "all", **_parts_of((when,), path)}


def _parts_of(parts: tuple[c.Condition, ...], path: str) -> Flat:
    found: Flat = {}
    for number, one in enumerate(parts):
        at = f"{path}.{number}"
        is_row = isinstance(one, c.TextIs | c.NumberIs | c.MoneyIs | c.SetIs | c.DateIs)
        found |= _row_of(one, at) if is_row else _group_of(one, at)
    return found


def _row_of(row: Any, path: str) -> Flat:
    found = {f"{path}.field": row.field, f"{path}.op": f"{row.kind}:{row.op.value}"}
    match row:
        case c.MoneyIs():
            found |= {f"{path}.value": f"{row.value.amount:f}", f"{path}.currency": row.value.currency}
            found |= {f"{path}.upto": f"{row.upto.amount:f}"} if row.upto else {}
        case c.SetIs():
            found[f"{path}.value"] = "\n".join(row.values)
        case c.DateIs():
            found |= flat.flat_of(row.day, f"{path}.day") | flat.flat_of(row.days, f"{path}.days")
        case c.TextIs():
            found |= {f"{path}.value": row.value} | flat.flat_of(row.exact_case, f"{path}.exact")
        case c.NumberIs():
            found |= flat.flat_of(row.value, f"{path}.value") | flat.flat_of(row.upto, f"{path}.upto")
    return found


# Read back.


def read(form: Mapping[str, str]) -> Read:
    """The rule that the form describes."""
    result = Read({"name": form.get("name", "").strip()})
    result.data |= {"enabled": "enabled" in form, "stop": "stop" in form, "hold_unknown": "hold_unknown" in form}
    result.data["when"] = _read_group(result, form, WHEN, WHEN) or {"kind": "always"}
    result.data["then"] = [
        drawing.gathered_one(Action, form, f"{THEN}.{number}") for number in flat.numbers(form, THEN)
    ]
    for place, number in enumerate(flat.numbers(form, THEN)):
        if place != number:
            names = (name for name in form if name.startswith(f"{THEN}.{number}."))
            result.places |= {f"{THEN}.{place}{name.removeprefix(f'{THEN}.{number}')}": name for name in names}
    return result


def _read_group(result: Read, form: Mapping[str, str], name: str, path: str) -> Data | None:
    mode = form.get(f"{name}.mode", "all")
    names = [f"{name}.{number}" for number in flat.numbers(form, name)]
    names = [one for one in names if f"{one}.field" in form or flat.numbers(form, one)]
    result.places[path] = name
    if not names:
        return None
    inside = f"{path}.of" if mode == "none" else path
    if len(names) == 1:
        only = _read_part(result, form, names[0], inside)
        return {"kind": "not", "of": only} if only and mode == "none" else only
    kind = "all" if mode == "all" else "any"
    parts = [_read_part(result, form, one, f"{inside}.of.{place}") for place, one in enumerate(names)]
    whole = {"kind": kind, "of": [one for one in parts if one]}
    return {"kind": "not", "of": whole} if mode == "none" else whole


def _read_part(result: Read, form: Mapping[str, str], name: str, path: str) -> Data | None:
    if f"{name}.mode" in form:
        return _read_group(result, form, name, path)
    result.places[path] = name
    return _read_row(result, form, name, path)


def _read_row(result: Read, form: Mapping[str, str], name: str, path: str) -> Data:
    own = flat.part(form, name)
    kind, _, op = own.get("op", "").partition(":")
    data: Data = {"kind": kind, "field": own.get("field", ""), "op": op}
    value, upto = own.get("value", "").strip(), own.get("upto", "").strip()
    places = dict.fromkeys(("value", "value.amount", "values"), "value") | {"upto": "upto", "upto.amount": "upto"}
    places |= {"value.currency": "currency", "upto.currency": "currency", "day": "day", "days": "days", "op": "op"}
    result.places |= {f"{path}.{inside}": f"{name}.{field}" for inside, field in places.items()}
    match kind:
        case "money":
            data["value"] = {"amount": _number(value), "currency": own.get("currency", "")}
            if op == "between" and upto:
                data["upto"] = {"amount": _number(upto), "currency": own.get("currency", "")}
        case "number":
            data |= {"value": _number(value)} | ({"upto": _number(upto)} if op == "between" and upto else {})
        case "set":
            data["values"] = drawing.lines(own.get("value", ""))
        case "date":
            data |= {key: own[key] for key in ("days" if op == "within" else "day",) if own.get(key)}
        case _:
            data |= {"value": "" if op == "empty" else value} | ({"exact_case": True} if "exact" in own else {})
    return data


def _number(text: str) -> str:
    return text.replace(",", ".")


# Drawn.


def conditions(sheet: Sheet) -> Group:
    return _group(sheet, WHEN, 1)


def _group(sheet: Sheet, name: str, depth: int) -> Group:
    mode = sheet.flat.get(f"{name}.mode", "all")
    parts: list[Row | Group] = []
    for number in flat.numbers(sheet.flat, name):
        at = f"{name}.{number}"
        parts.append(_group(sheet, at, depth + 1) if f"{at}.mode" in sheet.flat else _row(sheet, at))
    return Group(name, mode if mode in MODES else "all", parts, depth, sheet.errors.get(name, ""))


def _row(sheet: Sheet, name: str) -> Row:
    own = flat.part(sheet.flat, name)
    asked = own.get("field", "")
    operators = OPERATORS[kind_of(asked) or Kind.TEXT]
    op = own.get("op", "") if own.get("op") in [code for code, _ in operators] else operators[0][0]

    def one(key: str, label: str, type_: str, options: Options = (), note: str = "") -> Input:
        error = sheet.errors.get(f"{name}.{key}", "")
        return Input(f"{name}.{key}", label, type_, own.get(key, ""), options, note, error)

    how = Input(f"{name}.op", N_("Compared"), "select", op, operators, error=sheet.errors.get(f"{name}.op", ""))
    inputs = [how, *_operands(op, one, sheet.money_options())]
    return Row(name, label_of(asked), inputs, sheet.errors.get(name, "") or sheet.errors.get(f"{name}.field", ""))


def _operands(op: str, one: Any, currencies: Options) -> list[Input]:
    kind, _, how = op.partition(":")
    if how == "empty":
        return []
    if kind == "date":
        return [one("days", N_("Days"), "number")] if how == "within" else [one("day", N_("Day"), "date")]
    if kind == "set":
        return [one("value", N_("Values"), "area", note=N_("One on each line."))]
    if kind == "text":
        return [one("value", N_("Value"), "text"), one("exact", N_("Capitals count"), "check")]
    found = [one("value", N_("Value"), "decimal")]
    found += [one("upto", N_("And"), "decimal")] if how == "between" else []
    return [*found, one("currency", OPTIONS["currency"], "select", currencies)] if kind == "money" else found


def label_of(asked: str) -> str:
    """A field as a person calls it; attributes and custom fields by their own names."""
    if asked in FIELDS:
        return FIELDS[asked].label
    return asked.partition(".")[2] or asked


def actions(sheet: Sheet) -> list[OneOf]:
    return [drawing.one_of(sheet, Action, f"{THEN}.{number}") for number in flat.numbers(sheet.flat, THEN)]


def edited(form: Flat, do: str, place: str, currency: str) -> Flat:
    """What a button does to the form: ``condition`` and ``group`` add to the group at ``place``, ``action`` to the
    list, ``remove``, ``up`` and ``down`` say where."""
    match do:
        case "condition":
            asked = form.get(f"{place}.new", "")
            kind = kind_of(asked)
            if kind is None:
                return form
            row = {"field": asked, "op": OPERATORS[kind][0][0]} | ({"currency": currency} if kind is Kind.MONEY else {})
            return flat.added(form, place, row)
        case "group":
            return flat.added(form, place, {"mode": "any"})
        case "action":
            found = drawing.fresh(Action, form.get(f"{THEN}.new", ""))
            return flat.added(form, THEN, _with_currency(found, currency)) if found else form
        case "remove":
            return flat.without(form, place)
        case "up" | "down":
            return flat.swapped(form, place, -1 if do == "up" else 1)
        case _:
            return form


def _with_currency(found: Flat, currency: str) -> Flat:
    money = found["kind"] in ("set_price", "add_to_price", "floor", "ceiling")
    return found | {"amount.amount": "", "amount.currency": currency} if money else found
