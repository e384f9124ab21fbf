"""Returns: the flat file of GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE to our domain. Pure.

Tab-separated with a line of headings; columns are found by heading, those that are not known are kept in ``raw``. In
another language than English they are found by their order, as Amazon lists them:
https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from bridge.domain.reading import whole
from bridge.domain.returns import MarketplaceReturn, ReturnLine, cause_in
from channel_adapters.amazon.vocabulary import CONDITION_OF_RETURN_DONE, RETURN_CAUSES

REPORT = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
# Days are told as 14-Jul-2025 by some marketplaces and as 2025-07-14 by others.
DAYS = ("%d-%b-%Y", "%Y-%m-%d")
COLUMNS = (
    "order id", "order date", "return request date", "return request status", "amazon rma id", "merchant rma id",
    "label type", "label cost", "currency code", "return carrier", "tracking id", "label to be paid by",
    "a-to-z claim", "is prime", "asin", "merchant sku", "item name", "return quantity", "return reason", "in policy",
    "return type", "resolution", "invoice number", "return delivery date", "order amount", "order quantity",
    "safet action reason", "safet claim id", "safet claim state", "safet claim creation time",
    "safet claim reimbursement amount", "refunded amount",
)  # fmt: skip

Row = Mapping[str, str]


def read(document: bytes, seen_at: datetime) -> list[MarketplaceReturn]:
    """One return per RMA and order, in the order of the file; ``seen_at`` stands in for a day that cannot be read.
    Raises ValueError where the document has another form."""
    groups: dict[str, list[Row]] = {}
    for row in _rows(document):
        if row.get("order id"):
            groups.setdefault(_number(row), []).append(row)
    return [_return(number, rows, seen_at) for number, rows in groups.items()]


def _rows(document: bytes) -> list[Row]:
    reader = csv.reader(io.StringIO(_decoded(document)), delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = _columns([_plain(heading) for heading in next(reader, ())])
    return [dict(zip(columns, (value.strip() for value in values), strict=False)) for values in reader]


def _columns(headings: Sequence[str]) -> Sequence[str]:
    if not any(headings) or "order id" in headings:
        return headings
    if len(headings) == len(COLUMNS):
        return COLUMNS
    raise ValueError(f"headings: {list(headings)}"[:300])


def _decoded(document: bytes) -> str:
    """No encoding is named with a report: what is no UTF-8 is of Europe's older kind."""
    try:
        return document.decode("utf-8-sig")
    except UnicodeDecodeError:
        return document.decode("cp1252", "replace")


def _plain(heading: str) -> str:
    return heading.strip().lower().replace("-", " ").replace("_", " ").replace("a to z", "a-to-z")


def _number(row: Row) -> str:
    return row.get("amazon rma id") or f"{row['order id']}:{row.get('return request date', '')}"


def _return(number: str, rows: list[Row], seen_at: datetime) -> MarketplaceReturn:
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(_item(row), []).append(row)
    lines = tuple(_line(f"{number}:{item}", same) for item, same in parts.items())
    registered = _day(rows[0].get("return request date", "")) or seen_at
    return MarketplaceReturn(external_id=number, registered_at=registered, lines=lines, raw={"rows": rows})


def _item(row: Row) -> str:
    return row.get("order item id") or row.get("merchant sku") or row.get("asin") or "1"


def _line(key: str, rows: list[Row]) -> ReturnLine:
    """Units of one item that come back for different reasons have a row for each; a row that is told twice is one."""
    row = rows[0]
    units = {part.get("return reason", ""): max(1, whole(part.get("return quantity")) or 1) for part in rows}
    return ReturnLine(
        external_id=key,
        order_id=row["order id"],
        order_line_id=row.get("order item id") or None,
        sku=row.get("merchant sku") or None,
        title=row.get("item name", ""),
        quantity=sum(units.values()),
        reason=", ".join(filter(None, units)),
        cause=cause_in(", ".join(units), RETURN_CAUSES),
        comment="; ".join(dict.fromkeys(filter(None, (part.get("customer comments", "") for part in rows)))),
        handled=all(map(_is_handled, rows)),
        received=True if all(part.get("return delivery date") for part in rows) else None,
    )


def _is_handled(row: Row) -> bool:
    return _is_refunded(row) or row.get("return request status", "").lower() in CONDITION_OF_RETURN_DONE


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
