"""Files of category pairs and of a marketplace's categories, read with errors that name line and column."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from bridge.domain.categories import LANGUAGES, split_path

KEY = "shopify_id"
TARGET = "google_en"


@dataclass(frozen=True)
class Pair:
    """One category under its names, and the category it was mapped to by people."""

    key: str
    paths: dict[str, str]  # language -> path
    target: str
    line: int


def read_targets(file: Path) -> list[str]:
    """One path in each line; empty lines and lines that begin with # are left out."""
    lines = enumerate(_text(file).splitlines(), 1)
    paths = [(number, line.strip()) for number, line in lines if line.strip() and not line.startswith("#")]
    for number, path in paths:
        if not split_path(path) or any(not name.strip() for name in path.split(">")):
            raise _wrong(file, number, None, f"{path!r} is no path of the form A > B > C")
    if not paths:
        raise click.ClickException(f"{file}: there is no category in this file.")
    return [path for _, path in paths]


def read_pairs(file: Path, targets: Iterable[str] | None = None) -> list[Pair]:
    """The pairs; ``targets``, where given, must have each pair's target."""
    reader = csv.reader(_text(file).splitlines(), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(file, head)
        known = None if targets is None else set(targets)
        pairs = [_pair(file, reader.line_num, head, cells, known) for cells in reader if any(cells)]
    except csv.Error as error:
        raise _wrong(file, reader.line_num, None, f"this is no CSV ({error})") from None
    if not pairs:
        raise click.ClickException(f"{file}: there is no pair in this file.")
    _check_keys(file, pairs)
    return pairs


def held_out(pair: Pair, share: float) -> bool:
    """Whether a pair belongs to the part that is judged: by its key alone, so that it is the same each time."""
    return share_of(pair.key) < share


def share_of(key: str) -> float:
    """A number from 0 to 1 that depends on nothing but ``key``."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32


def _check_head(file: Path, head: list[str]) -> None:
    for column in (KEY, "en", TARGET):
        if column not in head:
            raise _wrong(file, 1, column, "this column is missing")
    for column in head:
        if head.count(column) > 1:
            raise _wrong(file, 1, column, "this column occurs twice")


def _pair(file: Path, line: int, head: list[str], cells: list[str], known: set[str] | None) -> Pair:
    if len(cells) != len(head):
        raise _wrong(file, line, None, f"there are {len(cells)} columns instead of {len(head)}")
    row = {column: cell.strip() for column, cell in zip(head, cells, strict=True)}
    languages = [language for language in LANGUAGES if language in row]
    for column in (KEY, TARGET, *languages):
        if not row[column] or (column != KEY and not split_path(row[column])):
            raise _wrong(file, line, column, "this is empty")
    if known is not None and row[TARGET] not in known:
        raise _wrong(file, line, TARGET, f"{row[TARGET]!r} is not among the marketplace's categories")
    return Pair(row[KEY], {language: row[language] for language in languages}, row[TARGET], line)


def _check_keys(file: Path, pairs: list[Pair]) -> None:
    seen: dict[str, int] = {}
    for pair in pairs:
        if pair.key in seen:
            raise _wrong(file, pair.line, KEY, f"{pair.key!r} stands in line {seen[pair.key]} already")
        seen[pair.key] = pair.line


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _wrong(file, line, None, "this is not UTF-8") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}.") from None


def _wrong(file: Path, line: int, column: str | None, what: str) -> click.ClickException:
    place = f"line {line}" + (f", column {column}" if column else "")
    return click.ClickException(f"{file}, {place}: {what}.")
