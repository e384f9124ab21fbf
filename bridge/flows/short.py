"""Whether stock holds what is reserved of it: looked at after each reading and each sale, and looked at again where it
does not (bridge/flows/gone.py)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.session import core_execute
from bridge.db.tables import Cancellation, Reservation, Variant
from bridge.db.work import Mark
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine

KIND = "stock.gone"
# Made once: making these statements costs more than running them.
_POOLS: Any = bindparam("pools", expanding=True)
_HELD = select(func.coalesce(func.sum(Reservation.quantity), 0)).where(
    Reservation.shop_id == Variant.shop_id, Reservation.pool == Variant.pool, Reservation.state != "released"
)
_SHORT = select(Variant.pool).where(
    Variant.pool.in_(_POOLS), Variant.deleted_at.is_(None), Variant.on_hand < _HELD.correlate(Variant).scalar_subquery()
)
_ASKED = (
    select(Variant.pool)
    .join(Reservation, Reservation.variant_id == Variant.id)
    .join(Cancellation, Cancellation.order_line_id == Reservation.order_line_id)
    .where(Variant.pool.in_(_POOLS), Cancellation.origin == "bridge", Cancellation.state == "asked")
)
_EITHER = union_all(_SHORT, _ASKED)


def watch(engine: Engine, session: Session, pools: Collection[str], now: datetime) -> set[str]:
    """After a reading or a sale: pools that do not hold what is reserved of them, or about which a question is open,
    are looked at again later. Returns the lanes that then have something to do."""
    found = set(core_execute(session, _EITHER, {"pools": list(pools)}).scalars()) if pools else set()
    platform = store_connection(session) if found else None
    if platform is None:
        return set()
    due = now + engine.second_look
    work.mark(session, platform.shop_id, [Mark(platform.id, "orders", KIND, pool, 1, due) for pool in found], now)
    return {"orders"}
