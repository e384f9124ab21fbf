"""SQL for flows that rest (table ``holds``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, select

from bridge.db.shaping import Hold

# Orders and returns are read and units reserved whatever rests: what is sold must not be sold again elsewhere while
# nobody is to act on it. What was sent is followed to its end.
READING = ("orders.pull", "orders.import", "returns.pull", "follow", "parts.take")
# Kinds of work with a flow of their own; all others of a lane below rest with the flow of its name.
FLOWS: Mapping[str, str] = {
    "cancel.send": "cancellation",
    "cancel.refuse": "cancellation",
    "cancel.store": "cancellation",
    "refund.send": "refunds",
    "return.decide": "refunds",
    "return.end": "refunds",
    "return.note": "refunds",
    "return.refund": "refunds",
    "return.store": "refunds",
}
LANES = ("orders", "shipments")


def at_rest(connection_id: Any, flow: Any) -> Any:
    """Whether ``flow`` rests on a connection; both are columns or values."""
    return select(Hold.id).where(Hold.connection_id == connection_id, Hold.flow == flow).exists()


def work_rests(connection_id: Any, lane: Any, kind: Any) -> ColumnElement[bool]:
    """The same of work, by its columns."""
    flow = case(dict(FLOWS), value=kind, else_=lane)
    return and_(lane.in_(LANES), kind.not_in(READING), at_rest(connection_id, flow))
