"""Forms of one level: what a page draws for a manifest's fields and for a model's, and what a sent form says. Those of
several levels, of the editors, are drawn by bridge/web/drawing.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bridge.flows.account import choices as account_choices
from bridge.flows.documents import field_errors
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import BridgeError, Reauthorise
from bridge.ports.manifest import FormField
from bridge.web.asked import Form
from bridge.web.drawing import plain
from bridge.web.language import Name
from bridge.web.page import View

NONE = type(None)
TIME = ".time"  # behind the name of a moment, whose day stands under the name itself


@dataclass(frozen=True)
class Drawn:
    """One input. ``kind``: text, secret, url, number, decimal, flag, choice, list (of choices, or of words), date or
    moment (a day, and a time under its name with ``TIME``).
    ``choices`` are values with their labels; ``stored``: there is a secret that is not shown; ``locked``: why it cannot
    be changed."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    value: Any = ""
    error: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    stored: bool = False
    locked: str = ""


def of_fields(
    fields: Iterable[FormField],
    values: Mapping[str, Any],
    *,
    info: Mapping[str, Any] | None = None,
    renews: bool = False,
) -> list[Drawn]:
    """A manifest's fields. What can be chosen by ``info`` of the connection is called as the account calls it;
    ``renews``: what is left empty stays as it is."""
    theirs = account_choices(info)
    return [_of_field(item, values, Name if item.name in theirs else str, renews) for item in fields]


def _of_field(item: FormField, values: Mapping[str, Any], label: type[str], renews: bool) -> Drawn:
    known, secret = values.get(item.name, item.default), item.kind == "secret"
    bounds = (("min", item.minimum), ("max", item.maximum)) if item.kind == "number" else ()
    return Drawn(
        name=item.name,
        label=item.label,
        kind=item.kind,
        help=item.help,
        value="" if secret else _shown(item.kind, known),
        required=item.required and item.default is None and not (renews and item.name in values),
        choices=tuple((value, label(text)) for value, text in item.choices.items()),
        default="" if item.default is None or item.kind in ("list", "flag") else str(item.default),
        attributes={name: value for name, value in bounds if value is not None},
        stored=secret and item.name in values,
    )


def _shown(kind: str, value: Any) -> Any:
    if kind == "list":
        return [str(part) for part in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
    if kind == "flag":
        return bool(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def again(
    items: Iterable[Drawn], sent: Mapping[str, Sequence[str]], errors: Mapping[str, str], prefix: str = ""
) -> list[Drawn]:
    """As they were typed, each with what is wrong (``errors`` by ``prefix`` and name). A secret is not shown."""
    return [
        replace(
            item,
            value="" if item.kind == "secret" else _typed(item.kind, item.name, sent),
            error=errors.get(prefix + item.name, ""),
        )
        for item in items
    ]


def said(kinds: Mapping[str, str], sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a form says, by name: ``kinds`` are the fields that were shown, ``sent`` every value of each field. An empty
    text is left out, a flag that is off is said."""
    found = {name: _typed(kind, name, sent) for name, kind in kinds.items()}
    return {name: value for name, value in found.items() if value not in ("", [])}


def _typed(kind: str, name: str, sent: Mapping[str, Sequence[str]]) -> Any:
    values = sent.get(name, ())
    if kind == "moment":
        day, time = (next(iter(sent.get(one, ())), "").strip() for one in (name, name + TIME))
        return f"{day}T{time}" if time else day
    if kind == "flag":
        return bool(values)
    if kind == "list":
        return [part.strip() for value in values for part in value.split(",") if part.strip()]
    return values[0].strip() if values else ""


# Models


def of_model(
    model: type[BaseModel],
    content: Mapping[str, Any],
    only: Sequence[str] = (),
) -> list[Drawn]:
    """The plain fields of a model, in its order or that of ``only``, with its titles and descriptions. What has parts
    of its own is left out: it has an editor."""
    found = []
    for name in only or model.model_fields:
        info = model.model_fields[name]
        plain = _plain(info)
        if plain is None:
            continue
        kind, choices = plain
        found.append(
            Drawn(
                name=name,
                label=info.title or name.replace("_", " ").capitalize(),
                kind=kind,
                help=info.description or "",
                value=_shown(kind, content.get(name, info.default)),
                choices=choices,
                default="" if kind in ("flag", "list") else _shown(kind, info.default),
                attributes=_bounds(info) if kind in ("number", "decimal") else {},
            )
        )
    return found


def _plain(info: FieldInfo) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The kind of input, with its choices; None for what has parts of its own."""
    kind, can_be_none = plain(info.annotation), info.default is None
    labels = (info.json_schema_extra or {}).get("labels", {}) if isinstance(info.json_schema_extra, dict) else {}
    if kind is bool and can_be_none:
        return "choice", tuple((value, str(_label(labels, value))) for value in ("true", "false"))
    if get_origin(kind) is Literal:
        return "choice", tuple((str(item), str(_label(labels, str(item)))) for item in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "choice", tuple((item.value, str(_label(labels, item.value))) for item in kind)
    if get_origin(kind) is tuple and plain(get_args(kind)[0]) is str:
        return "list", ()
    simple = {bool: "flag", int: "number", Decimal: "decimal", str: "text"}
    return (simple[kind], ()) if kind in simple else None


def _label(labels: Any, value: str) -> Any:
    return labels.get(value, value.replace("_", " ")) if isinstance(labels, dict) else value


def _bounds(info: FieldInfo) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in info.metadata:
        for bound, name in (("ge", "min"), ("gt", "min"), ("le", "max"), ("lt", "max")):
            if getattr(item, bound, None) is not None:
                found[name] = getattr(item, bound)
    return found


def read_model(
    model: type[BaseModel], known: Mapping[str, Any], sent: Mapping[str, Sequence[str]], only: Sequence[str] = ()
) -> dict[str, Any]:
    """What a form drawn by ``of_model`` says, over what the form does not show. Raises FieldErrors by the name of the
    field."""
    kinds = {item.name: item.kind for item in of_model(model, {}, only)}
    told = said(kinds, sent)
    content = {**{name: value for name, value in known.items() if name not in kinds}, **told}
    try:
        return model.model_validate(content).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise FieldErrors(field_errors(error)) from None


# Between a page and these


def every(form: Form) -> dict[str, list[str]]:
    """Each field with all its values."""
    return {name: form.all(name) for name in form}


def errors_of(error: BridgeError | None) -> Mapping[str, str]:
    """What is wrong, by field."""
    if isinstance(error, FieldErrors):
        return error.errors
    return {error.field: error.merchant} if error is not None and error.field else {}


def shown(items: Iterable[Drawn], view: View, dos: Sequence[str], prefix: str = "") -> list[Drawn]:
    """As they are; or as they were typed, where the form of one of these actions is shown once more."""
    if view.form is None or view.form.do not in dos:
        return list(items)
    return again(items, every(view.form), errors_of(view.error), prefix)


LOOK = (
    "These credentials do not work. Look whether they were copied whole, belong to this account and have not expired."
)


def refused(items: Sequence[Drawn], error: BridgeError | None) -> list[Drawn]:
    """Credentials. Which of them was wrong nobody says: it stands beside the first secret, which is typed anew."""
    if error is None or not is_told(items, error):
        return list(items)
    secret = next(item for item in items if item.kind == "secret")
    return [replace(item, error=f"{LOOK} {error.merchant}") if item is secret else item for item in items]


def is_told(items: Sequence[Drawn], error: BridgeError | None) -> bool:
    """Whether ``refused`` tells of it, so that nobody else has to."""
    return isinstance(error, Reauthorise) and any(item.kind == "secret" for item in items)


def typed(items: Iterable[Drawn], form: Form) -> dict[str, object]:
    """What was typed into these."""
    return said({item.name: item.kind for item in items}, every(form))
