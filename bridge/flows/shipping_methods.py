"""Which of the store's shipping methods an order gets: the merchant's own table for the marketplace's methods first,
then what was chosen for the rest, then the store's usual. No amount follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Order
from bridge.flows import word_table
from bridge.flows.forms import FieldErrors
from bridge.flows.word_table import plain
from bridge.ports.manifest import FormField, Manifest

TABLE, REST = "shipping_methods", "shipping_method_rest"  # names of the settings
LONGEST, LONGEST_TITLE, SEEN = 100, 100, 100
IN_TABLE, AS_REST, USUAL = "table", "rest", "usual"

FIELDS = (
    FormField(
        name=TABLE,
        label="Shipping methods",
        kind="list",
        required=False,
        help="The marketplace's method and the store's, as method=code or method=code|name.",
    ),
    FormField(
        name=REST,
        label="Method of all other orders",
        required=False,
        help="As code or code|name. Left empty, orders carry the store's usual method.",
    ),
)


@dataclass(frozen=True)
class Line:
    """One line of the table. ``seen``: in how many orders."""

    name: str
    code: str = ""
    title: str = ""
    seen: int = 0


def chosen(settings: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The merchant's table: code and name, by the marketplace's method as it was written."""
    return {name: _read(method) for name, method in word_table.pairs(settings, TABLE).items() if _read(method)[0]}


def rest(settings: Mapping[str, Any]) -> tuple[str, str]:
    """What was chosen for all other orders: code and name, both empty where nothing was."""
    return _read(str(settings.get(REST) or ""))


def _read(method: str) -> tuple[str, str]:
    code, _, title = method.partition("|")
    return code.strip(), title.strip()


def choose(settings: Mapping[str, Any], method: str) -> dict[str, Any]:
    """``code`` and ``title`` of the store's method, with ``why`` and the marketplace's ``method``; no code where the
    store's usual is taken."""
    mine = {plain(name): mapped for name, mapped in chosen(settings).items()}
    code, title = mine.get(plain(method), ("", ""))
    why = IN_TABLE if code else AS_REST
    if not code:
        code, title = rest(settings)
    return {"code": code, "title": title, "why": why if code else USUAL, "method": method}


def choice(session: Session, order: Order) -> dict[str, Any]:
    """For an order whose creation begins: what is kept with it, whatever the settings become."""
    return choose(session.get_one(Connection, order.connection_id).settings, order.shipping_method)


def shown(order: Order, channel: Connection) -> dict[str, Any]:
    """What the order in the store carries, or is to carry; empty where it is older than this."""
    if order.store_method or order.store_state not in ("held", "ready"):
        return order.store_method
    return choose(channel.settings, order.shipping_method)


def lines(session: Session, row: Connection) -> list[Line]:
    """The table, with the methods of real orders that nobody has mapped first, the most frequent before the others."""
    mine, seen = chosen(row.settings), _seen(session, row)
    known, found = {plain(name) for name in mine}, {plain(line.name): line.seen for line in seen}
    kept = [Line(name, code, title, found.get(plain(name), 0)) for name, (code, title) in mine.items()]
    return [*(line for line in seen if plain(line.name) not in known), *kept]


def _seen(session: Session, row: Connection) -> list[Line]:
    query = (
        select(Order.shipping_method, func.count())
        .where(Order.connection_id == row.id, Order.shipping_method != "")
        .group_by(Order.shipping_method)
        .order_by(func.count().desc(), Order.shipping_method)
        .limit(SEEN)
    )
    return [Line(name, seen=count) for name, count in session.execute(query)]


def written(store: Manifest | None, methods: Iterable[tuple[str, str, str]]) -> list[str]:
    """The table as it is kept; a line without a code is none. Raises FieldErrors by the number of the line."""
    rows = [(name, _joined(code.strip(), title)) for name, code, title in methods]
    missing, twice = "Enter the marketplace's method.", "This method is in the table already."

    def check(method: str) -> dict[str, str]:
        wrong = _wrong(store, _read(method)[0])
        return {"store_code": wrong} if wrong else {}

    return word_table.written(rows, "method", missing, twice, check)


def written_rest(store: Manifest | None, code: str, title: str) -> str:
    """Raises FieldErrors."""
    if not code.strip():
        return ""
    if wrong := _wrong(store, code.strip()):
        raise FieldErrors({REST: wrong})
    return _joined(code.strip(), title)


def _wrong(store: Manifest | None, code: str) -> str:
    pattern = store.shipping_methods.code if store and store.shipping_methods else "[^=|,]{1,60}"
    if re.fullmatch(pattern, code) and code.isprintable():
        return ""
    return "Your store writes a shipping method in another way; the text above says how."


def _joined(code: str, title: str) -> str:
    words = " ".join("".join(" " if sign in "=|," else sign for sign in title).split())[:LONGEST_TITLE]
    return f"{code}|{words}" if code and words else code
