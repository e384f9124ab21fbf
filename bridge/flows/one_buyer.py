"""What is held about one buyer, told or erased on the merchant's word: by an order of theirs, or an e-mail address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import privacy
from bridge.db.records import note
from bridge.db.tables import Order
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.order_view import find_order
from bridge.ports.errors import AskMerchant

CHUNK = 500
ADDRESSES = ("ship_to", "bill_to")


def held(engine: Engine, shop_id: int, asked: str) -> list[dict[str, Any]]:
    """Everything about the buyer of this order or with this address, order by order, to be handed on.

    Raises AskMerchant where nothing is held.
    """

    with engine.db.read(shop_id) as session:
        orders = _orders(session, asked)
        found = privacy.held(session, orders)
    text = f"what is held about a buyer of {len(orders)} orders was told"
    engine.db.transact(shop_id, lambda session: note(session, engine.clock(), "privacy", text))
    return found


def erase(engine: Engine, shop_id: int, asked: str) -> dict[str, int]:
    """The same is gone for good; what was sold, and for how much, stays. Returns what was erased.

    Raises AskMerchant where nothing is held, and while an order is under way: a parcel needs its address.
    """

    with engine.db.read(shop_id) as session:
        orders = _orders(session, asked)
    names = ", ".join(order.ref for order in orders if order.closed_at is None)
    if names:
        raise AskMerchant(f"An order of this buyer is still under way and needs its address: {names}.", field="buyer")
    return engine.db.transact(shop_id, _erase, [order.id for order in orders], engine.clock())


def _erase(session: Session, ids: list[int], now: datetime) -> dict[str, int]:
    orders = session.scalars(select(Order).where(Order.id.in_(ids), Order.erased_at.is_(None)).order_by(Order.id)).all()
    store = store_connection(session)
    told = privacy.erase_buyers(session, orders, store.id if store is not None else 0, now)
    note(session, now, "privacy", f"what was held about a buyer of {len(orders)} orders is erased", detail=told)
    return told


def _orders(session: Session, asked: str) -> list[Order]:
    """Those of which something is held. An e-mail address is all of a buyer that stays the same from order to order."""
    order = None if "@" in asked else find_order(session, asked)
    mails = {asked.strip().casefold()} if order is None else _mails(order)
    found = [row for row in _kept(session) if _mails(row) & mails or (order is not None and row.id == order.id)]
    if not found:
        raise AskMerchant("Nothing is held about this buyer.", field="buyer")
    return found


def _kept(session: Session) -> Iterator[Order]:
    """Addresses are encrypted, so that each has to be looked at: never while others wait to write."""
    after = 0
    query = select(Order).where(Order.erased_at.is_(None)).order_by(Order.id).limit(CHUNK)
    while rows := session.scalars(query.where(Order.id > after)).all():
        yield from rows
        after = rows[-1].id


def _mails(order: Order) -> set[str]:
    known = ((order.buyer.get(name) or {}).get("email") or "" for name in ADDRESSES)
    return {mail.strip().casefold() for mail in known} - {""}
