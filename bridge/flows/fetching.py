"""The marketplace fetches its file. A fetch that took all of it acknowledges what stood in it: that it was handed over,
no more. What the marketplace does with it shows only where it tells (``sale_status``, read-back)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.queue import Ack, acknowledge, count_stock
from bridge.db.tables import Connection, FacetRow, FeedPart, FeedRow, Listing
from bridge.domain.listing import Facet
from bridge.domain.values import fingerprint
from bridge.flows import feed_address
from bridge.flows.engine import Engine
from bridge.flows.feeds import UNFETCHED
from bridge.flows.sites import place
from bridge.metrics import observe_ack
from bridge.ports.errors import NotFound, RetryLater

GONE = ("connecting", "disconnected")
# Of more changes than this a fetch is told as one line of the journal.
ONE_BY_ONE = 1000


@dataclass(frozen=True)
class File:
    """The file that is served now."""

    shop_id: int
    connection_id: int
    feed_id: int
    generation: int
    media_type: str
    size: int
    digest: str
    made_at: datetime


def find(engine: Engine, secret: str, name: str) -> File:
    """Raises NotFound (no such address), RetryLater (the first file is being written)."""
    with engine.db.read(None) as session:
        query = select(FeedRow, Connection).join(Connection, Connection.id == FeedRow.connection_id)
        found = session.execute(query.where(FeedRow.secret_hash == feed_address.hashed(secret))).first()
    if found is None:
        raise NotFound("There is no such feed.")
    feed, row = found
    described = engine.channels[row.adapter].manifest.feed if row.adapter in engine.channels else None
    if described is None or described.file != name or row.state in GONE:
        raise NotFound("There is no such feed.")
    if not feed.generation or feed.made_at is None:
        raise RetryLater("The feed is being written.")
    return File(
        row.shop_id,
        row.id,
        feed.id,
        feed.generation,
        described.media_type,
        feed.size,
        feed.digest,
        feed.made_at,
    )


def content(engine: Engine, file: File) -> Iterator[bytes]:
    """The file piece by piece. Raises RetryLater when it was replaced twice meanwhile: what was read so far is not
    whole then."""
    query = select(FeedPart.number).where(FeedPart.feed_id == file.feed_id, FeedPart.generation == file.generation)
    with engine.db.read(file.shop_id) as session:
        numbers = list(session.scalars(query.order_by(FeedPart.number)))
    sent = 0
    for number in numbers:
        with engine.db.read(file.shop_id) as session:
            part = session.scalars(
                select(FeedPart.body).where(
                    FeedPart.feed_id == file.feed_id,
                    FeedPart.generation == file.generation,
                    FeedPart.number == number,
                )
            ).first()
        if part is None:
            break
        body = zlib.decompress(part)
        sent += len(body)
        if body:
            yield body
    if sent != file.size:
        raise RetryLater("The feed was replaced while it was being fetched.")


def fetched(engine: Engine, file: File) -> None:
    """The whole file was handed over."""
    acks = engine.db.transact(file.shop_id, _fetched, file, engine.clock())
    for adapter, facet, seconds in acks:
        observe_ack(adapter, facet, seconds)
    engine.ring({"stock", "content"})


def _fetched(session: Session, file: File, now: datetime) -> list[tuple[str, str, float]]:
    feed = session.get_one(FeedRow, file.feed_id)
    feed.fetched_at, feed.fetched, feed.fetches = now, max(feed.fetched, file.generation), feed.fetches + 1
    row = session.get_one(Connection, file.connection_id)
    query = select(FeedPart).where(FeedPart.feed_id == feed.id, FeedPart.generation == file.generation)
    awaited = [item for part in session.scalars(query.order_by(FeedPart.number)) for item in _take(part)]
    told = {item[0]: item for item in awaited}
    found: list[tuple[str, str, float]] = []
    stock = 0
    for start in range(0, len(awaited), 500):
        ids = [item[0] for item in awaited[start : start + 500]]
        facets = list(session.scalars(select(FacetRow).where(FacetRow.id.in_(ids)).with_for_update()))
        current = [facet for facet in facets if told[facet.id][1] == facet.desired_version]
        wished = [facet for facet in current if len(told[facet.id]) == 2]
        found += _acknowledge(session, row, wished, len(awaited), now)
        stock += sum(facet.facet == Facet.STOCK for facet in wished)
        for facet in (facet for facet in current if len(told[facet.id]) > 2):
            _told(session, facet, told[facet.id][2], now)
    records.close_problem(session, now, UNFETCHED, f"connection {row.id}")
    if awaited:
        text = f"{row.title} fetched the feed of {file.made_at:%H:%M:%S} UTC: {len(found)} changes handed over"
        records.note(session, now, "feed", text, connection_id=row.id)
    session.flush()
    count_stock(session, row.id, stock, now)
    return found


def _take(part: FeedPart) -> list[list[Any]]:
    """What this part acknowledges, once."""
    awaited, part.awaited = part.awaited, []
    return list(awaited)


def _acknowledge(
    session: Session, row: Connection, facets: list[FacetRow], many: int, now: datetime
) -> list[tuple[str, str, float]]:
    waits = [(row.adapter, item.facet, (now - item.event_at).total_seconds()) for item in facets if item.event_at]
    if many <= ONE_BY_ONE:
        _journal(session, row, facets, now)
    acknowledge(session, [Ack(item.id, None, item.desired_version, item.desired) for item in facets], now)
    return waits


def _journal(session: Session, row: Connection, facets: list[FacetRow], now: datetime) -> None:
    query = select(Listing.id, Listing.sku, Listing.site).where(Listing.id.in_([item.listing_id for item in facets]))
    names = {found[0]: (found[1], found[2]) for found in session.execute(query)}
    for item in facets:
        sku, site = names[item.listing_id]
        seconds = round((now - item.event_at).total_seconds(), 3) if item.event_at else None
        text = f"{item.facet} fetched by {place(row, site)} with the feed"
        detail = {"facet": item.facet, "seconds": seconds, "version": item.desired_version}
        records.note(session, now, "acknowledged", text, connection_id=row.id, sku=sku, detail=detail)


def _told(session: Session, facet: FacetRow, value: dict[str, object], now: datetime) -> None:
    """Another value than the wish was told: a product that is being taken off has no stock."""
    session.execute(
        update(FacetRow)
        .where(FacetRow.id == facet.id)
        .values(
            acked=value,
            acked_hash=fingerprint(value),
            acked_version=facet.desired_version,
            acked_at=now,
            in_flight=False,
            event_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Listing)
        .where(Listing.id == facet.listing_id, Listing.pending)
        .values(due_at=now, attempts=0)
        .execution_options(synchronize_session=False)
    )
