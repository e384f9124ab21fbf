"""Demand for `oversell`: read from files, or a synthetic day that is the same for the same seed.

The synthetic day: SKUs with little stock (2 to 25 units, some 60), popularity by Zipf's law, four channels of which
the store takes 40 %, the hours of a day with an evening peak, orders of one unit, now and then two or three; and
six rushes of three minutes (an advertisement, a mention), a fifth of all wishes, in which a popular SKU sells on
all channels at once.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

STORE = "store"
CHANNELS = (STORE, "market-a", "market-b", "market-c")
SHARES = (40, 30, 20, 10)
# Relative demand by hour of the day.
HOURS = (4, 2, 1, 1, 1, 2, 4, 8, 12, 14, 15, 15, 16, 15, 14, 14, 15, 17, 20, 25, 28, 24, 15, 8)
DAY = 86400.0
RUSH = 180.0
MOST_ROWS = 200_000


@dataclass(frozen=True, order=True)
class Demand:
    """Somebody wants ``quantity`` units of ``sku`` on ``channel``, ``at`` seconds after the beginning."""

    at: float
    sku: str
    channel: str
    quantity: int


def synthetic(sales: int, skus: int, seed: int) -> tuple[list[Demand], dict[str, int]]:
    """A day of wishes, and the stock it begins with."""
    chance = random.Random(seed)
    names = [f"SKU-{number:03d}" for number in range(1, skus + 1)]
    stock = {name: chance.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 60)) for name in names}
    popularity = [1 / (rank + 1) for rank in range(skus)]
    chance.shuffle(popularity)
    rushes = [(chance.uniform(0.3, 0.9) * DAY, name) for name in chance.choices(names, popularity, k=6)]
    found = []
    for number in range(sales):
        if number % 5 == 0:
            start, sku = rushes[number // 5 % len(rushes)]
            at = start + chance.random() * RUSH
        else:
            hour = chance.choices(range(24), HOURS)[0]
            at, sku = (hour + chance.random()) * 3600, chance.choices(names, popularity)[0]
        channel = chance.choices(CHANNELS, SHARES)[0]
        found.append(Demand(round(at, 3), sku, channel, chance.choices((1, 2, 3), (85, 12, 3))[0]))
    return sorted(found), stock


def read_trace(path: Path, stock: Mapping[str, int]) -> list[Demand]:
    """Rows of time (seconds), sku, channel, quantity, under a header. Raises BadParameter naming line and field."""
    found = []
    for where, row in _rows(path, ("time", "sku", "channel", "quantity"), "--trace"):
        if row["sku"] not in stock:
            raise click.BadParameter(
                f"{where}, field sku: {row['sku']!r} is not in the stock file.", param_hint="--trace"
            )
        at = _number(where, row, "time", "--trace")
        found.append(Demand(at, row["sku"], row["channel"], int(_number(where, row, "quantity", "--trace", whole=1))))
    return sorted(found)


def read_stock(path: Path) -> dict[str, int]:
    """Rows of sku, quantity, under a header line. Raises BadParameter naming line and field."""
    found: dict[str, int] = {}
    for where, row in _rows(path, ("sku", "quantity"), "--stock"):
        if row["sku"] in found:
            raise click.BadParameter(f"{where}, field sku: {row['sku']!r} stands there twice.", param_hint="--stock")
        found[row["sku"]] = int(_number(where, row, "quantity", "--stock", whole=0))
    return found


def _rows(path: Path, fields: tuple[str, ...], option: str) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in fields if name not in (reader.fieldnames or ())]
            if missing:
                wanted = ",".join(fields)
                raise click.BadParameter(
                    f"{path}, line 1: no field {missing[0]}; it must be {wanted}.", param_hint=option
                )
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if reader.line_num > MOST_ROWS + 1:
                    raise click.BadParameter(f"{where}: more than {MOST_ROWS} rows.", param_hint=option)
                for name in fields:
                    if not (row.get(name) or "").strip():
                        raise click.BadParameter(f"{where}, field {name}: is empty.", param_hint=option)
                yield where, {name: row[name].strip() for name in fields}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise click.BadParameter(f"{path} cannot be read as CSV: {error}.", param_hint=option) from None


def _number(where: str, row: Mapping[str, str], field: str, option: str, whole: int | None = None) -> float:
    """A number from 0; a whole one from ``whole`` where that is given."""
    text = row[field]
    wanted = "a number of seconds from 0" if whole is None else f"a whole number from {whole}"
    try:
        value = float(text) if whole is None else float(int(text))
    except ValueError:
        value = -1.0
    if not (whole or 0) <= value < 1e9:
        raise click.BadParameter(f"{where}, field {field}: {text!r} is not {wanted}.", param_hint=option)
    return value
