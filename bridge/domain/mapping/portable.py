"""A mapping as a file: JSON whole, CSV for a spreadsheet. What is written is read back the same.

CSV has the columns category, attribute, source, value, to. Simple sources are one row (``field`` ``title``,
``constant`` ``Blue``); a value table is a row with its source and one row ``entry`` for each pair; everything else is
``json`` with the source as JSON. Attributes beginning with ``@`` are texts (``@title``) and bullets (``@bullet 1``).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bridge.domain.mapping.model import AttributeMap, Section, Source, ValueTable
from bridge.domain.mapping.refuse import read_mapping
from bridge.domain.refusal import Refusal

COLUMNS = ("category", "attribute", "source", "value", "to")
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SIMPLE = {"field": "field", "option": "name", "attribute": "name", "custom": "name", "mapped": "attribute"}
_BULLET = "@bullet "
MOST_ROWS = 200_000


def to_json(mapping: AttributeMap) -> str:
    return json.dumps(mapping.as_json(), ensure_ascii=False, indent=2)


def from_json(text: str) -> tuple[AttributeMap | None, tuple[Refusal, ...]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, (Refusal(path="", text=f"The file is not JSON: {error}."),)
    return read_mapping(data)


def to_csv(mapping: AttributeMap) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for section in mapping.sections:
        for row in _rows(section):
            writer.writerow([guarded(cell) for cell in (_path_text(section.path), *row)])
    return out.getvalue()


def from_csv(text: str) -> tuple[AttributeMap | None, tuple[Refusal, ...]]:
    """The mapping, or the faults with the number of the row (the heading is row 1)."""
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except csv.Error as error:
        return None, (Refusal(path="", text=f"The file is not CSV: {error}."),)
    if not rows or tuple(cell.strip().lower() for cell in rows[0]) != COLUMNS:
        return None, (Refusal(path="row 1", text=f"The first row has to be: {', '.join(COLUMNS)}."),)
    if len(rows) > MOST_ROWS:
        return None, (Refusal(path="", text=f"The file has more than {MOST_ROWS} rows."),)
    reader = _Reader()
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            reader.row(number, row)
    if reader.faults:
        return None, tuple(reader.faults)
    return read_mapping(reader.data())


def guarded(cell: str) -> str:
    """No spreadsheet takes it for a formula; a quotation mark in front shows that it was guarded."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def unguarded(cell: str) -> str:
    return cell.removeprefix("'")


def _rows(section: Section) -> Iterator[tuple[str, str, str, str]]:
    named = [(_escaped(name), source) for name, source in section.attributes.items()]
    named += [(f"@{name}", source) for name, source in section.texts.items()]
    if section.bullets == ():
        yield ("@bullets", "none", "", "")
    named += [(f"{_BULLET}{number}", source) for number, source in enumerate(section.bullets or (), start=1)]
    if not named and section.bullets is None:
        yield ("", "none", "", "")
    for name, source in named:
        yield from ((name, *cells) for cells in _cells(source))


def _escaped(name: str) -> str:
    """An attribute of the marketplace may begin with @ as well; then it has two."""
    return f"@{name}" if name.startswith("@") else name


def _cells(source: Source) -> Iterator[tuple[str, str, str]]:
    data = source.as_json()
    kind = data.pop("kind")
    if kind in _SIMPLE:
        yield (kind, data[_SIMPLE[kind]], "")
    elif kind == "nothing" or (kind == "constant" and isinstance(data["value"], str)):
        yield (kind, data.get("value", ""), "")
    elif kind == "template" and data["maximum"] is None:
        yield (kind, data["text"], "")
    elif isinstance(source, ValueTable):
        values = data.pop("values")
        yield ("table", _compact({"kind": kind, **data}), "")
        yield from (("entry", key, value) for key, value in values.items())
    else:
        yield ("json", _compact({"kind": kind, **data}), "")


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class _Reader:
    """Rows to the data of a mapping."""

    def __init__(self) -> None:
        self.faults: list[Refusal] = []
        self._sections: dict[tuple[str, ...], dict[str, Any]] = {}
        self._open: tuple[dict[str, Any], tuple[str, str]] | None = None

    def row(self, number: int, row: Sequence[str]) -> None:
        cells = [unguarded(cell) for cell in row] + [""] * (len(COLUMNS) - len(row))
        category, attribute, kind, value, to = cells[: len(COLUMNS)]
        section = self._section(_path(category))
        kind = kind.strip().lower()
        if not attribute and kind == "none":
            return
        if kind == "entry":
            self._entry(number, (category, attribute), value, to)
            return
        if attribute == "@bullets" and kind == "none":
            section["bullets"] = []
            return
        source = self._source(number, kind, value)
        if source is not None:
            self._open = (source, (category, attribute)) if kind == "table" else None
            self._put(number, section, attribute, source)

    def data(self) -> dict[str, Any]:
        return {"sections": list(self._sections.values())}

    def _section(self, path: tuple[str, ...]) -> dict[str, Any]:
        empty: dict[str, Any] = {"path": list(path), "attributes": {}, "texts": {}, "bullets": None}
        return self._sections.setdefault(path, empty)

    def _source(self, number: int, kind: str, value: str) -> dict[str, Any] | None:
        if kind in _SIMPLE:
            return {"kind": kind, _SIMPLE[kind]: value}
        if kind in ("constant", "template", "nothing"):
            return {"kind": kind, **{"constant": {"value": value}, "template": {"text": value}}.get(kind, {})}
        if kind not in ("table", "json"):
            known = ", ".join([*_SIMPLE, "constant", "template", "nothing", "table", "entry", "json"])
            self._refuse(number, "source", f"{kind!r} is no kind of source. Known are: {known}.")
            return None
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._refuse(number, "value", "This has to be a source as JSON.")
            return None
        return {**found, "kind": "table", "values": {}} if kind == "table" else found

    def _entry(self, number: int, owner: tuple[str, str], value: str, to: str) -> None:
        if self._open is None or self._open[1] != owner:
            self._refuse(number, "source", "An entry stands below its table, with the same category and attribute.")
            return
        self._open[0]["values"][value] = to

    def _put(self, number: int, section: dict[str, Any], attribute: str, source: dict[str, Any]) -> None:
        if attribute.startswith(_BULLET):
            section["bullets"] = [*(section["bullets"] or []), source]
            return
        is_text = attribute.startswith("@") and not attribute.startswith("@@")
        group = section["texts"] if is_text else section["attributes"]
        name = attribute.removeprefix("@") if attribute.startswith("@") else attribute
        if name in group:
            self._refuse(number, "attribute", f"{attribute!r} is there twice in this category.")
        group[name] = source

    def _refuse(self, number: int, column: str, text: str) -> None:
        self.faults.append(Refusal(path=f"row {number}, {column}", text=text))


def _path_text(path: Iterable[str]) -> str:
    """``Home > Garden``; a > or \\ in a name is written with a \\ in front."""
    return " > ".join(name.replace("\\", "\\\\").replace(">", "\\>") for name in path)


def _path(text: str) -> tuple[str, ...]:
    names, name, is_escaped = [], "", False
    for sign in text:
        if is_escaped or sign not in ("\\", ">"):
            name, is_escaped = name + sign, False
        elif sign == "\\":
            is_escaped = True
        else:
            names.append(name.strip())
            name = ""
    names.append(name.strip())
    return tuple(names) if any(names) else ()
