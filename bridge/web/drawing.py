"""Forms drawn from pydantic models: what a field is decides its input, a ``kind`` decides which fields there are.

``drawn`` gives the parts of a form, ``gathered`` reads them back into data that the model validates. Words are looked
up in bridge/web/editor_words.py, by the model and the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bridge.domain.measure import UNITS
from bridge.domain.money import CURRENCIES, Money
from bridge.domain.rules.fields import ASKED, PRICED, PRICES, WRITTEN, Kind, kind_of
from bridge.domain.unfit import MISSING
from bridge.web import flat as f
from bridge.web.editor_words import KINDS, OPTIONS, label_of
from bridge.web.flat import Flat

Options = Sequence[tuple[str, str]]
Data = dict[str, Any]


@dataclass
class Input:
    """One input. ``type``: text, number, decimal, date, select, check or area (several lines)."""

    name: str
    label: str
    type: str
    value: str = ""
    options: Options = ()
    help: str = ""
    error: str = ""
    part: str = "input"


@dataclass
class OneOf:
    """One of several kinds, with the parts of the one that is chosen."""

    name: str
    label: str
    kind: str
    title: str
    kinds: Options
    parts: list[Part]
    error: str = ""
    part: str = "one"


@dataclass
class Several:
    """A list of such."""

    name: str
    label: str
    kinds: Options
    items: list[OneOf]
    error: str = ""
    part: str = "several"


@dataclass
class Pairs:
    """A table of two columns; ``options`` are what the second one may hold, where that is known."""

    name: str
    label: str
    rows: list[tuple[str, str]]
    options: Options = ()
    error: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    part: str = "pairs"


Part = Input | OneOf | Several | Pairs


@dataclass(frozen=True)
class Sheet:
    """What a form is drawn from: its fields, and what is wrong with them, by name. What the model does not say:
    ``currencies`` that come first; ``asked`` and ``written``, the fields of a product; ``names`` of attributes by the
    kind of source; ``allowed``, what the marketplace takes."""

    flat: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    currencies: tuple[str, ...] = ()
    asked: Options = ()
    written: Options = ()
    names: Mapping[str, Options] = field(default_factory=dict)
    allowed: Options = ()

    def money_options(self) -> Options:
        first = tuple(dict.fromkeys(self.currencies))
        return [(code, code) for code in (*first, *sorted(CURRENCIES - set(first)))]


def plain(annotation: Any) -> Any:
    """Without what is only said about it, and without None."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [plain(one) for one in get_args(annotation) if one is not NoneType]
        return rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007 made of what was found
    return annotation


def models(annotation: Any) -> dict[str, type[BaseModel]]:
    """The models a field may hold, by their kind; empty where it holds none that are told apart by a kind."""
    found: dict[str, type[BaseModel]] = {}
    kind = plain(annotation)
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for one in map(plain, parts):
        if isinstance(one, type) and issubclass(one, BaseModel) and "kind" in one.model_fields:
            found[str(one.model_fields["kind"].default)] = one
    return found


def title_of(model: type[BaseModel]) -> str:
    name = f"{model.__module__.rpartition('.')[2]}.{model.__name__}"
    return KINDS.get(name, model.__name__)


def kinds_of(annotation: Any) -> Options:
    return [(kind, title_of(model)) for kind, model in models(annotation).items()]


def fresh(annotation: Any, kind: str) -> Flat:
    """The fields of a new part of this kind, with their defaults."""
    model = models(annotation).get(kind)
    if model is None:
        return {}
    found: Flat = {"kind": kind}
    for name, info in model.model_fields.items():
        if not info.is_required() and name != "kind":
            found |= f.flat_of(info.get_default(call_default_factory=True), name)
    return found


def drawn(sheet: Sheet, model: type[BaseModel], path: str) -> list[Part]:
    """The parts of a model at ``path``."""
    parts: list[Part] = []
    for name, info in model.model_fields.items():
        if name != "kind":
            parts += _field(sheet, model, f"{path}.{name}" if path else name, name, info)
    return parts


def one_of(sheet: Sheet, annotation: Any, path: str, label: str = "") -> OneOf:
    known = models(annotation)
    kind = sheet.flat.get(f"{path}.kind", "")
    kind = kind if kind in known else next(iter(known))
    error = sheet.errors.get(path, "") or sheet.errors.get(f"{path}.kind", "")
    parts = drawn(replace(sheet, flat=_settled(sheet.flat, annotation, path, kind)), known[kind], path)
    return OneOf(path, label, kind, title_of(known[kind]), kinds_of(annotation), parts, error)


def _settled(form: Mapping[str, str], annotation: Any, path: str, kind: str) -> Mapping[str, str]:
    """A kind that has just been chosen in place of another begins with its defaults. (``of``: what was drawn last.)"""
    if form.get(f"{path}.of", kind) == kind and f"{path}.kind" in form:
        return form
    return {**form, **{f"{path}.{name}": text for name, text in fresh(annotation, kind).items() if name != "kind"}}


def _field(sheet: Sheet, model: type[BaseModel], path: str, name: str, info: FieldInfo) -> list[Part]:
    label, note = label_of(model, name)
    kind = plain(info.annotation)
    if kind is Money:
        return _money(sheet, path, label, note)
    if models(kind):
        return [one_of(sheet, kind, path, label)]
    if get_origin(kind) is tuple and models(get_args(kind)[0]):
        item = get_args(kind)[0]
        items = [one_of(sheet, item, f"{path}.{number}") for number in f.numbers(sheet.flat, path)]
        return [Several(path, label, kinds_of(item), items, sheet.errors.get(path, ""))]
    if get_origin(kind) is dict:
        return [_pairs(sheet, path, label)]
    found = _input(sheet, model, path, name, info, kind)
    found.label, found.help = label, note
    return [found]


def _money(sheet: Sheet, path: str, label: str, note: str) -> list[Part]:
    amount, currency = f"{path}.amount", f"{path}.currency"
    error = sheet.errors.get(amount, "") or sheet.errors.get(path, "")
    return [
        Input(amount, label, "decimal", sheet.flat.get(amount, ""), help=note, error=error),
        Input(
            currency,
            OPTIONS["currency"],
            "select",
            sheet.flat.get(currency, ""),
            sheet.money_options(),
            error=sheet.errors.get(currency, ""),
        ),
    ]


def _pairs(sheet: Sheet, path: str, label: str) -> Pairs:
    rows = [
        (sheet.flat.get(f"{path}.{number}.key", ""), sheet.flat.get(f"{path}.{number}.to", ""))
        for number in f.numbers(sheet.flat, path)
    ]
    start = f"{path}."
    errors = {name.removeprefix(start): text for name, text in sheet.errors.items() if name.startswith(start)}
    return Pairs(path, label, rows, sheet.allowed, sheet.errors.get(path, ""), errors)


def _input(sheet: Sheet, model: type[BaseModel], path: str, name: str, info: FieldInfo, kind: Any) -> Input:
    value, error = sheet.flat.get(path, ""), sheet.errors.get(path, "")
    options = _options(sheet, model, name, info, kind)
    if options is not None:
        given = [*options] if info.is_required() or value else [("", "–"), *options]
        if value and value not in [one for one, _ in given]:
            given.append((value, value))
        return Input(path, "", "select", value, given, error=error)
    if kind is bool:
        return Input(path, "", "check", value, error=error)
    several = get_origin(kind) in (tuple, Union, UnionType)
    type_ = "area" if several else "number" if kind is int else "decimal" if kind in (Decimal, float) else "text"
    return Input(path, "", type_, value, error=error)


def _options(sheet: Sheet, model: type[BaseModel], name: str, info: FieldInfo, kind: Any) -> Options | None:
    extra: Any = info.json_schema_extra
    if extra == ASKED:
        return sheet.asked
    if extra == PRICED:
        return [pair for pair in sheet.asked if pair[0] in PRICES or kind_of(pair[0]) is Kind.ATTRIBUTE]
    if extra == WRITTEN:
        return sheet.written
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [(one.value, OPTIONS.get(f"{kind.__name__}.{one.value}", one.value.replace("_", " "))) for one in kind]
    if get_origin(kind) is Literal:
        return [(str(one), str(one)) for one in get_args(kind)]
    return _by_name(sheet, model, name)


def _by_name(sheet: Sheet, model: type[BaseModel], name: str) -> Options | None:
    if name == "currency":
        return sheet.money_options()
    if name in ("unit", "unit_if_none"):
        return [(unit, unit) for units in UNITS.values() for unit in units]
    source = str(model.model_fields["kind"].default) if "kind" in model.model_fields else ""
    if source in sheet.names and name in ("name", "attribute"):
        return sheet.names[source] or None
    if source == "constant" and sheet.allowed:
        return sheet.allowed
    return None


def gathered(model: type[BaseModel], flat: Mapping[str, str], path: str) -> Data:
    """The data of a model out of a form. What is left empty is left to its default."""
    found: Data = {}
    for name, info in model.model_fields.items():
        at = f"{path}.{name}" if path else name
        if name == "kind":
            found[name] = flat.get(at, info.default)
            continue
        value = _gather(info.annotation, flat, at)
        if value is not None and not (value in ("", [], {}) and not info.is_required()):
            found[name] = value
    return found


def gathered_one(annotation: Any, flat: Mapping[str, str], path: str) -> Data:
    known = models(annotation)
    kind = flat.get(f"{path}.kind", "") or next(iter(known))
    if kind not in known:
        return {"kind": kind}
    return {**gathered(known[kind], _settled(flat, annotation, path, kind), path), "kind": kind}


def _gather(annotation: Any, flat: Mapping[str, str], path: str) -> Any:
    kind = plain(annotation)
    if kind is Money:
        amount = flat.get(f"{path}.amount", "").strip()
        return {"amount": amount, "currency": flat.get(f"{path}.currency", "")} if amount else ""
    if models(kind):
        return gathered_one(kind, flat, path)
    if get_origin(kind) is tuple and models(get_args(kind)[0]):
        return [gathered_one(get_args(kind)[0], flat, f"{path}.{number}") for number in f.numbers(flat, path)]
    if get_origin(kind) is tuple:
        return lines(flat.get(path, ""))
    if get_origin(kind) is dict:
        rows = (
            (flat.get(f"{path}.{n}.key", "").strip(), flat.get(f"{path}.{n}.to", "").strip())
            for n in f.numbers(flat, path)
        )
        return {key: to for key, to in rows if key and to}
    if kind is bool:
        return path in flat
    if get_origin(kind) in (Union, UnionType):  # one text or several
        several = lines(flat.get(path, ""))
        return several if len(several) > 1 else "".join(several)
    value = flat.get(path, "")
    return value.replace(",", ".").strip() if kind in (Decimal, float) else value


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def told(errors: Mapping[str, str], flat: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, in words of a form: a field that is simply empty is said to be so."""
    return {name: OPTIONS["empty"] if _is_empty(name, text, flat) else text for name, text in errors.items()}


def _is_empty(name: str, text: str, form: Mapping[str, str]) -> bool:
    return text == MISSING or (name in form and not form[name].strip() and not name.endswith(".upto"))
