"""Facets that wait to be sent: found, claimed by lease, and looked at again right before the bytes go out.

The statements are made once: making them costs more than running them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.resting import at_rest
from bridge.db.tables import Connection, FacetRow, Listing, Shop, UtcTime

_NOW = bindparam("now", type_=UtcTime())
_FREE = or_(FacetRow.leased_until.is_(None), FacetRow.leased_until < _NOW)
_ALLOWED = ~at_rest(FacetRow.connection_id, FacetRow.facet)
_DUE = and_(FacetRow.desired_version > FacetRow.acked_version, FacetRow.due_at <= _NOW, _FREE, _ALLOWED)
_SCOPES = (
    select(FacetRow.shop_id, FacetRow.connection_id, FacetRow.facet)
    .join(Connection, Connection.id == FacetRow.connection_id)
    .join(Shop, Shop.id == FacetRow.shop_id)
    .where(FacetRow.facet.in_(bindparam("facets", expanding=True)), _DUE)
    .where(Connection.state == "active", Shop.paused.is_(False))
    .group_by(FacetRow.shop_id, FacetRow.connection_id, FacetRow.facet)
)
_CLAIMABLE = (
    select(FacetRow, Listing)
    .join(Listing, Listing.id == FacetRow.listing_id)
    .where(FacetRow.connection_id == bindparam("connection_id"), FacetRow.facet == bindparam("facet"), _DUE)
    .where(Listing.offer_id.is_not(None))
    .order_by(FacetRow.priority, FacetRow.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=FacetRow)
)
_TAKE = (
    update(FacetRow)
    .where(FacetRow.id.in_(bindparam("ids", expanding=True)))
    .values(
        leased_until=bindparam("until", type_=UtcTime()),
        lease_token=bindparam("token"),
        in_flight=True,
        sent_at=_NOW,
    )
    .execution_options(synchronize_session=False)
)
_HELD = select(FacetRow.id, FacetRow.lease_token, FacetRow.desired_version, FacetRow.desired).where(
    FacetRow.id.in_(bindparam("ids", expanding=True))
)


def scopes(session: Session, facets: Sequence[str], now: datetime) -> list[tuple[int, int, str]]:
    """(shop, connection, facet) with something due."""
    return [(row[0], row[1], row[2]) for row in session.execute(_SCOPES, {"now": now, "facets": list(facets)})]


def claim(
    session: Session, connection_id: int, facet: str, now: datetime, most: int
) -> tuple[Sequence[tuple[FacetRow, Listing]], str]:
    """What is due with its listing, most urgent first, leased under the token that is returned beside it."""
    given = {"connection_id": connection_id, "facet": facet, "now": now, "most": most}
    rows = [(row[0], row[1]) for row in session.execute(_CLAIMABLE, given)]
    token = secrets.token_hex(12)
    if rows:
        ids = [row.id for row, _ in rows]
        session.execute(_TAKE, {"ids": ids, "until": now + work.LEASE, "token": token, "now": now})
    return rows, token


def held(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    """Of each: (id, lease token, wanted version, wanted value), as it is at this moment."""
    return session.execute(_HELD, {"ids": list(ids)}).all()
