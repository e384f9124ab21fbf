"""SQL for flows that rest (table ``holds``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bridge.db.shaping import Hold


def at_rest(connection_id: Any, flow: Any) -> Any:
    """Whether ``flow`` rests on a connection; both are columns or values."""
    return select(Hold.id).where(Hold.connection_id == connection_id, Hold.flow == flow).exists()
