"""What a person typed, held against the fields an adapter asks for. Errors name the field and the fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from bridge.domain.reading import moment
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import FormField

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


class FieldErrors(AskMerchant):
    """Several fields at once: ``errors`` by field name. ``field`` is the first of them."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()), field=next(iter(errors)))
        self.errors = dict(errors)


def read(
    fields: Iterable[FormField],
    given: Mapping[str, Any],
    known: Mapping[str, Any] | None = None,
    zone: tzinfo | None = None,
) -> dict[str, Any]:
    """The values of these fields, in their own types; a moment that names no time zone is one of ``zone`` (UTC).

    A field left out or empty keeps its ``known`` value (a secret is never shown again, so a form leaves it
    empty), else it is left to its default. Raises FieldErrors.
    """
    by_name, known = {field.name: field for field in fields}, known or {}
    errors = {name: _unknown(name, by_name) for name in given if name not in by_name}
    values: dict[str, Any] = {}
    for name, field in by_name.items():
        try:
            value = _value(field, given.get(name))
            if field.kind == "moment" and value is not None:
                value = _moment(value, known.get(name), zone or UTC)
        except ValueError as error:
            errors[name] = f"{field.label}: {error}"
            continue
        value = known.get(name) if value is None else value
        if value is not None:
            values[name] = value
        elif field.required and field.default is None:
            errors[name] = _missing(field)
    if errors:
        raise FieldErrors(errors)
    return values


def read_all(
    *parts: tuple[Iterable[FormField], Mapping[str, Any], Mapping[str, Any] | None], zone: tzinfo | None = None
) -> list[dict[str, Any]]:
    """Several forms at once: what is wrong in any of them is said together. Raises FieldErrors."""
    values: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    for fields, given, known in parts:
        try:
            values.append(read(fields, given, known, zone))
        except FieldErrors as error:
            errors |= error.errors
    if errors:
        raise FieldErrors(errors)
    return values


def _unknown(name: str, fields: Mapping[str, FormField]) -> str:
    names = ", ".join(fields) or "none"
    return f"There is no field {name!r} here; the fields are: {names}."


def _missing(field: FormField) -> str:
    return f"{field.label} is missing: enter {field.name}." + (f" {field.help}" if field.help else "")


def _value(field: FormField, raw: Any) -> Any:
    """None when nothing was given. Raises ValueError with the fix."""
    if isinstance(raw, str):
        raw = raw.strip()
    if raw is None or (raw == "" and field.kind != "list"):
        return None
    return _KINDS[field.kind](field, raw)


def _text(field: FormField, raw: Any) -> str:
    text = str(raw)
    if any(ord(char) < 32 for char in text):
        raise ValueError("holds a line break or a control character; enter it again.")
    if field.pattern and not re.fullmatch(field.pattern, text):
        # The value itself stays out of the message: it may be half of a secret.
        raise ValueError(f"does not have the expected form ({field.help or field.pattern}).")
    return text


def _url(field: FormField, raw: Any) -> str:
    text = _text(field, raw).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no web address; enter it whole, like https://shop.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be the plain address, without name, password, ? or #.")
    return text


def _number(field: FormField, raw: Any) -> int:
    try:
        number = int(str(raw))
    except ValueError:
        raise ValueError("must be a whole number.") from None
    if field.minimum is not None and number < field.minimum:
        raise ValueError(f"must be {field.minimum} or more.")
    if field.maximum is not None and number > field.maximum:
        raise ValueError(f"must be {field.maximum} or less.")
    return number


def _flag(_field: FormField, raw: Any) -> bool:
    word = str(raw).lower()
    if word not in TRUE | FALSE:
        raise ValueError("must be yes or no.")
    return word in TRUE


def _choice(field: FormField, raw: Any) -> str:
    text = _text(field, raw)
    if text not in field.choices:
        raise ValueError(f"must be one of: {', '.join(field.choices)}.")
    return text


def _list(field: FormField, raw: Any) -> list[str]:
    items = raw.split(",") if isinstance(raw, str) else [str(item) for item in raw]
    words = list(dict.fromkeys(_text(field, item.strip()) for item in items if item.strip()))
    if unknown := [word for word in words if field.choices and word not in field.choices]:
        raise ValueError(f"{', '.join(unknown)} is not among the choices: {', '.join(field.choices)}.")
    return words


def _date(_field: FormField, raw: Any) -> str:
    try:
        return date.fromisoformat(str(raw)).isoformat()
    except ValueError:
        raise ValueError("is no day; write it like 2026-11-01.") from None


def _moment(text: str, known: Any, zone: tzinfo) -> str:
    """In UTC. In the hour that comes twice a year, what is known stays where it was not changed."""
    found, kept = moment(text, zone), moment(known)
    if found is None:
        raise ValueError("is no time; write it like 2026-11-01 or 2026-11-01T12:00, in the store's time zone.")
    same = kept is not None and _local(kept, zone) == _local(found, zone)
    return (kept if kept is not None and same else found).isoformat()


def _local(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


_KINDS: Mapping[str, Any] = {
    "text": _text,
    "secret": _text,
    "url": _url,
    "number": _number,
    "flag": _flag,
    "choice": _choice,
    "list": _list,
    "date": _date,
    "moment": _text,
}
