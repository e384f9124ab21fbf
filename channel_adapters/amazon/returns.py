"""Returns: the flat file of GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE to our domain. Pure.

Tab-separated with a line of headings; columns are found by heading, those that are not known are kept in ``raw``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from bridge.domain.reading import whole
from bridge.domain.returns import MarketplaceReturn, ReturnLine
from channel_adapters.amazon.vocabulary import CONDITION_OF_RETURN_DONE

REPORT = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
# Days are told as 14-Jul-2025 by some marketplaces and as 2025-07-14 by others.
DAYS = ("%d-%b-%Y", "%Y-%m-%d")

Row = Mapping[str, str]


def read(document: bytes, seen_at: datetime) -> list[MarketplaceReturn]:
    """One return per RMA and order, in the order of the file; ``seen_at`` stands in for a day that cannot be read."""
    groups: dict[str, list[Row]] = {}
    for row in _rows(document):
        if row.get("order id"):
            groups.setdefault(_number(row), []).append(row)
    return [_return(number, rows, seen_at) for number, rows in groups.items()]


def _rows(document: bytes) -> list[Row]:
    words = document.decode("utf-8-sig", "replace")
    reader = csv.DictReader(io.StringIO(words), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [{_plain(name): (value or "").strip() for name, value in row.items() if isinstance(name, str)
             and not isinstance(value, list)} for row in reader]  # fmt: skip


def _plain(heading: str) -> str:
    return heading.strip().lower().replace("-", " ").replace("_", " ").replace("a to z", "a-to-z")


def _number(row: Row) -> str:
    return row.get("amazon rma id") or f"{row['order id']}:{row.get('return request date', '')}"


def _return(number: str, rows: list[Row], seen_at: datetime) -> MarketplaceReturn:
    lines = tuple(_line(number, row) for row in rows)
    registered = _day(rows[0].get("return request date", "")) or seen_at
    return MarketplaceReturn(external_id=number, registered_at=registered, lines=lines, raw={"rows": rows})


def _line(number: str, row: Row) -> ReturnLine:
    item = row.get("order item id") or row.get("merchant sku") or row.get("asin") or "1"
    return ReturnLine(
        external_id=f"{number}:{item}",
        order_id=row["order id"],
        order_line_id=row.get("order item id") or None,
        sku=row.get("merchant sku") or None,
        title=row.get("item name", ""),
        quantity=max(1, whole(row.get("return quantity")) or 1),
        reason=row.get("return reason", ""),
        comment=row.get("customer comments", ""),
        handled=_is_refunded(row) or row.get("return request status", "").lower() in CONDITION_OF_RETURN_DONE,
        received=True if row.get("return delivery date") else None,
    )


def _is_refunded(row: Row) -> bool:
    try:
        return Decimal(row.get("refunded amount") or "0") > 0
    except InvalidOperation:
        return False


def _day(words: str) -> datetime | None:
    for form in DAYS:
        try:
            return datetime.strptime(words[:11].strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
