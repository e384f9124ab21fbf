"""Reading what may be missing, null or of another type than the specification says; and CSV, both ways."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

# "Csv format: "offer-sku";"quantity";"warehouse-code";"update-delete"" (specification, STO01, PRI01).
SEMICOLON = ";"
DELIMITERS = {"COMMA": ",", "SEMICOLON": SEMICOLON}


def stamp(moment: datetime) -> str:
    """As Mirakl wants it: UTC with a Z, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = SEMICOLON) -> bytes:
    """UTF-8 without a mark, every field quoted, lines ended by a line feed."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def read_csv(content: str) -> list[dict[str, str]]:
    """Rows by column name in lower case. The delimiter is the one the heading has most of: reports of an operator
    come in the one it has set."""
    content = content.removeprefix("\ufeff")
    heading = content.partition("\n")[0]
    delimiter = max((";", ",", "\t"), key=heading.count)
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    names = [name.strip().lower() for name in next(reader, [])]
    return [dict(zip(names, row, strict=False)) for row in reader if any(row)]
