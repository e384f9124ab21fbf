"""Orders with a line that has no product in the store: they wait until it is matched, or, by the merchant's word, come
all the same, with that line as the marketplace tells it and without stock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Order, OrderLine
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.ports.manifest import Feature, FormField

SETTING, HOLD, CREATE = "unmatched", "hold", "create"
KIND = "line_unlinked"
BEGUN = ("creating", "unknown", "created")  # what the store's order has is settled
FIELD = FormField(
    name=SETTING,
    label="When something sold is no product of your store",
    help="Its order waits until it is matched (the default), or comes all the same: that line as the marketplace tells "
    "it, without stock, and a problem until it is matched.",
    kind="choice",
    required=False,
    choices={HOLD: "wait until it is matched", CREATE: "create it, that line without stock"},
)


def lacking(engine: Engine, session: Session) -> str:
    """Why the store's orders have no line without a product; empty where they do."""
    store = store_connection(session)
    return engine.manifest(store).cannot.get(Feature.FREE_LINES, "") if store is not None else ""


def wanted(engine: Engine, session: Session, channel: Connection) -> bool:
    """Whether orders of this marketplace come with such lines."""
    return channel.settings.get(SETTING) == CREATE and not lacking(engine, session)


def settle(order: Order, left: Sequence[OrderLine], *, create: bool) -> list[OrderLine]:
    """Says of each line that is left how the store is to have it, until its order is begun there. Returns those that
    the order waits for."""
    if order.store_state not in BEGUN:
        for line in left:
            line.without_product = create and line.variant_id is None
    return [line for line in left if line.variant_id is None and not line.without_product]


def tell(session: Session, order: Order, lines: Iterable[OrderLine], store_number: str, now: datetime) -> None:
    """The store's order is made: what of it has no product stays a problem until it is matched, or dealt with."""
    names = ", ".join(_name(line) for line in _open(lines))
    if not names:
        return
    records.open_problem(
        session,
        now,
        KIND,
        order.ref,
        f"Order {order.external_id} is in the store as {store_number} with lines that are no product there: {names}.",
        "Match the line on the order's page. No stock was taken for it: lower that of its product in the store "
        "yourself.",
        severity="warning",
        connection_id=order.connection_id,
    )


def follow(session: Session, order: Order, lines: Sequence[OrderLine], now: datetime) -> None:
    """The problem is over with the last such line that was matched or cancelled."""
    if any(line.without_product for line in lines) and not _open(lines):
        records.close_problem(session, now, KIND, order.ref)


def _open(lines: Iterable[OrderLine]) -> list[OrderLine]:
    return [
        line for line in lines if line.without_product and line.variant_id is None and line.quantity > line.cancelled
    ]


def _name(line: OrderLine) -> str:
    return line.sku or line.gtin or line.title or line.external_id
