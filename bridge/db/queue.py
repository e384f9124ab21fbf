"""Facets that wait to be sent: found, claimed by lease, looked at again right before the bytes go out, acknowledged.

The statements are made once: making them costs more than running them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Integer, String, Table, and_, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from bridge.db import work
from bridge.db.resting import at_rest
from bridge.db.sent import QUARTER
from bridge.db.session import Asks, core_execute, core_execute_many, line
from bridge.db.tables import Connection, FacetRow, Listing, Shop, StockSent, UtcTime
from bridge.domain.values import fingerprint

_NOW = bindparam("now", type_=UtcTime())
_CONNECTION, _FACET = bindparam("connection_id", type_=Integer()), bindparam("facet", type_=String())
_FREE = or_(FacetRow.leased_until.is_(None), FacetRow.leased_until < _NOW)
_DUE = and_(FacetRow.desired_version > FacetRow.acked_version, FacetRow.due_at <= _NOW, _FREE)
# Of each connection that may be told something it is asked whether anything is due: how much there is costs nothing.
_ITS = and_(
    FacetRow.connection_id == Connection.id, FacetRow.facet == _FACET, FacetRow.priority.in_(work.PRIORITIES), _DUE
)
_SCOPES = (
    select(Connection.shop_id, Connection.id, _FACET.label("facet"))
    .join(Shop, Shop.id == Connection.shop_id)
    .where(Connection.state == "active", Shop.paused.is_(False), ~at_rest(Connection.id, _FACET))
    .where(select(FacetRow.id).where(_ITS).correlate(Connection).exists())
)
# Of a facet and its listing what sending it needs.
_TOLD = (
    FacetRow.id,
    FacetRow.listing_id,
    FacetRow.desired_version,
    FacetRow.desired,
    FacetRow.attempts,
    FacetRow.event_at,
    Listing.offer_id,
    Listing.site,
    Listing.sku,
    Listing.gtin,
)
_CLAIMABLE = (
    select(*_TOLD)
    .join(Listing, Listing.id == FacetRow.listing_id)
    .where(FacetRow.connection_id == _CONNECTION, FacetRow.facet == _FACET, _DUE, ~at_rest(_CONNECTION, _FACET))
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
# What has just changed, of few variants, where nothing else of the same marketplace is waiting to be sent.
_WAITING, _ITS_LISTING = aliased(FacetRow), aliased(Listing)
_LISTED = select(Listing.id).where(
    Listing.variant_id.in_(bindparam("variants", expanding=True)), Listing.offer_id.is_not(None)
)
_OTHERS = (
    select(_WAITING.id)
    .join(_ITS_LISTING, _ITS_LISTING.id == _WAITING.listing_id)
    .where(_WAITING.connection_id == FacetRow.connection_id, _WAITING.facet == FacetRow.facet)
    .where(_WAITING.desired_version > _WAITING.acked_version, _WAITING.due_at <= _NOW)
    .where(_WAITING.priority.in_(work.PRIORITIES))
    .where(or_(_WAITING.leased_until.is_(None), _WAITING.leased_until < _NOW))
    .where(_ITS_LISTING.offer_id.is_not(None), _WAITING.listing_id.not_in(_LISTED))
    .correlate(FacetRow)
    .exists()
)
_OPEN = (
    select(Connection.id)
    .join(Shop, Shop.id == Connection.shop_id)
    .where(Connection.state == "active", Shop.paused.is_(False))
)
_TAKE_AT_ONCE = (
    update(FacetRow)
    .where(FacetRow.facet == bindparam("which"), FacetRow.listing_id.in_(_LISTED), _DUE)
    .where(FacetRow.connection_id.in_(_OPEN), ~at_rest(FacetRow.connection_id, FacetRow.facet), ~_OTHERS)
    .values(
        leased_until=bindparam("until", type_=UtcTime()),
        lease_token=bindparam("token"),
        in_flight=True,
        sent_at=_NOW,
    )
    .returning(FacetRow.id)
    .execution_options(synchronize_session=False)
)
_TAKEN = (
    select(FacetRow.connection_id, *_TOLD)
    .join(Listing, Listing.id == FacetRow.listing_id)
    .where(FacetRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(FacetRow.priority, FacetRow.id)
)
_HELD = select(FacetRow.id, FacetRow.lease_token, FacetRow.desired_version, FacetRow.desired).where(
    FacetRow.id.in_(bindparam("ids", expanding=True))
)

_TABLE = cast(Table, FacetRow.__table__)
_ACK_TOKEN, _ACK_NOW = bindparam("ack_token", type_=String()), bindparam("ack_now", type_=UtcTime())
# A value that is wanted again meanwhile need not be sent again. One of which it was forgotten meanwhile that it was
# told (after a sale, bridge/flows/resend.py) has to be: what shows there may be the marketplace's own doing.
_STILL_WANTED = and_(
    _TABLE.c.desired_hash == bindparam("ack_digest"),
    or_(_TABLE.c.desired_version == bindparam("ack_version"), _TABLE.c.acked_hash != ""),
)
_ACKNOWLEDGED = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("ack_facet"), _TABLE.c.shop_id == bindparam("ack_shop"))
    .where(or_(_ACK_TOKEN.is_(None), _TABLE.c.lease_token == _ACK_TOKEN))
    .values(
        acked=bindparam("ack_value"),
        acked_hash=bindparam("ack_digest"),
        acked_version=case((_STILL_WANTED, _TABLE.c.desired_version), else_=bindparam("ack_version")),
        acked_at=_ACK_NOW,
        in_flight=False,
        attempts=0,
        error=None,
        leased_until=None,
        lease_token=None,
        due_at=_ACK_NOW,
        event_at=case((_STILL_WANTED, None), else_=_TABLE.c.event_at),
    )
)


_HANDED = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("hand_facet"), _TABLE.c.shop_id == bindparam("hand_shop"))
    .where(_TABLE.c.lease_token == bindparam("hand_token"))
    .values(
        leased_until=None,
        lease_token=None,
        # What has become the wish on the way is due as it was.
        due_at=case(
            (_TABLE.c.desired_version == bindparam("hand_version"), bindparam("hand_until", type_=UtcTime())),
            else_=_TABLE.c.due_at,
        ),
    )
)


def _counted(insert: Any) -> Any:
    more = {"count": StockSent.count + insert.excluded.count}
    return insert.on_conflict_do_update(index_elements=["shop_id", "quarter", "connection_id"], set_=more)


_COUNTED = {
    "sqlite": _counted(sqlite.insert(cast(Table, StockSent.__table__))),
    "postgresql": _counted(postgresql.insert(cast(Table, StockSent.__table__))),
}


def scopes(session: Asks, facets: Sequence[str], now: datetime) -> list[tuple[int, int, str]]:
    """(shop, connection, facet) with something due."""
    found: list[tuple[int, int, str]] = []
    for name in facets:
        found += [(row[0], row[1], row[2]) for row in core_execute(session, _SCOPES, {"now": now, "facet": name})]
    return found


def claim(session: Session, connection_id: int, facet: str, now: datetime, most: int) -> tuple[Sequence[Any], str]:
    """What is due with its listing, most urgent first, leased under the token that is returned beside it."""
    given = {"connection_id": connection_id, "facet": facet, "now": now, "most": most}
    rows = core_execute(session, _CLAIMABLE, given).all()
    token = secrets.token_hex(12)
    if rows:
        ids = [row.id for row in rows]
        core_execute(session, _TAKE, {"ids": ids, "until": now + work.LEASE, "token": token, "now": now})
    return rows, token


def claim_at_once(session: Session, variant_ids: Sequence[int], facet: str, now: datetime) -> tuple[Sequence[Any], str]:
    """What is due of these variants, with its connections' ids, leased as by :func:`claim`, in the transaction that
    has changed it. Nothing where other changes wait for the same marketplace: the most urgent goes first."""
    token = secrets.token_hex(12)
    given = {"variants": list(variant_ids), "which": facet, "now": now, "until": now + work.LEASE, "token": token}
    ids = list(core_execute(session, _TAKE_AT_ONCE, given).scalars())
    return (core_execute(session, _TAKEN, {"ids": ids}) if ids else []), token


def held(session: Asks, ids: Sequence[int]) -> Sequence[Any]:
    """Of each: (id, lease token, wanted version, wanted value), as it is at this moment."""
    return core_execute(session, _HELD, {"ids": list(ids)}).all()


class Ack(NamedTuple):
    """A version of a facet that the marketplace has; ``token`` None where nobody else can hold it."""

    facet_id: int
    token: str | None
    version: int
    value: dict[str, Any]


def acknowledge(session: Session, acks: Sequence[Ack], now: datetime) -> None:
    """The marketplace has these versions. Where the wish went elsewhere and came back meanwhile, nothing is left
    to send."""
    always = {"ack_shop": session.info["shop_id"], "ack_now": now}
    rows = [
        {"ack_facet": ack.facet_id, "ack_token": ack.token, "ack_value": ack.value, "ack_version": ack.version}
        | {"ack_digest": fingerprint(ack.value)}
        | always
        for ack in acks
    ]
    if rows:
        core_execute_many(line(session), _ACKNOWLEDGED, rows)


def hand_over(session: Session, taken: Sequence[tuple[int, str, int]], until: datetime) -> None:
    """The marketplace has taken these for later, as (facet, lease token, version): none is sent again before ``until``,
    unless its wish changes."""
    always = {"hand_shop": session.info["shop_id"], "hand_until": until}
    rows = [
        {"hand_facet": facet, "hand_token": token, "hand_version": version} | always for facet, token, version in taken
    ]
    if rows:
        core_execute_many(line(session), _HANDED, rows)


def count_stock(session: Session, connection_id: int, count: int, now: datetime) -> None:
    """The marketplace has accepted so many stock values. The last thing in a transaction: whoever accepts for the same
    connection waits for it to end, and must not be waited for in turn."""
    if not count:
        return
    wire = line(session)
    begun = datetime.fromtimestamp(now.timestamp() // QUARTER.total_seconds() * QUARTER.total_seconds(), UTC)
    row = {"shop_id": session.info["shop_id"], "quarter": begun, "connection_id": connection_id, "count": count}
    core_execute_many(wire, _COUNTED[wire.dialect.name], [row])
