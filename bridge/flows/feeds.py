"""The file a marketplace fetches from us: written whole from the stored targets, piece by piece, and put in the place
of the one before in one step.

What stands in a file that may be fetched is in flight until a fetch has acknowledged it (bridge/flows/fetching.py).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.orm import Session

from bridge.db import queue, records, work
from bridge.db.tables import Connection, FacetRow, FeedPart, FeedRow, Listing, Poll
from bridge.db.work import Claim, Mark
from bridge.flows import feed_address
from bridge.flows.engine import Engine
from bridge.flows.feed_items import Entry, Place, Refusal, items
from bridge.flows.outcome import alive, fence
from bridge.flows.sites import place, subject
from bridge.flows.steps import step
from bridge.ports.channel import FeedWriter
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Feed

CHUNK = 500
# Looked at again by then, should the marketplace never come.
AGAIN = timedelta(days=1)
# Of the time that writing takes, so much is left between two files: a large catalogue is not written without end.
REST = 5
UNFETCHED = "feed_unfetched"
LATE = "The marketplace takes this over only with a new product; what it has stays."


def run(engine: Engine, shop_id: int, connection_id: int, facet: str) -> bool:
    """What waits of this facet goes into the next file; False where it is told otherwise."""
    with engine.db.read(shop_id) as session:
        row = session.get(Connection, connection_id)
    if row is None or not engine.manifest(row).by_feed(facet):
        return False
    _take_all(engine, row, facet)
    return True


def _take_all(engine: Engine, row: Connection, facet: str) -> None:
    while engine.db.transact(row.shop_id, _take, row, facet, engine.clock()):
        step("feed.taken")
    engine.ring({"content"})


def _take(session: Session, row: Connection, facet: str, now: datetime) -> int:
    rows, token = queue.claim(session, row.id, facet, now, CHUNK)
    if rows:
        session.execute(
            update(FacetRow)
            .where(FacetRow.connection_id == row.id, FacetRow.lease_token == token)
            .values(leased_until=None, lease_token=None, due_at=now + AGAIN)
            .execution_options(synchronize_session=False)
        )
        ask(session, row, now)
    return len(rows)


def ask(session: Session, row: Connection, now: datetime) -> None:
    """Have the file written again: soon, but not without pause."""
    feed = feed_address.ensure(session, row, now)
    rest = timedelta(seconds=max(1.0, feed.seconds * REST))
    due = max(now, feed.made_at + rest) if feed.made_at else now
    work.mark(session, row.shop_id, [Mark(row.id, "content", "feed.write", "all", priority=2, due_at=due)], now)


def watch(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.feed``: the file is written anew, whatever was missed; and somebody should have fetched it."""
    engine.db.transact(row.shop_id, _watch, engine, row, claims, engine.clock())
    engine.ring({"content"})


def _watch(session: Session, engine: Engine, row: Connection, claims: list[Claim], now: datetime) -> None:
    ask(session, row, now)
    feed, manifest = feed_address.ensure(session, row, now), engine.manifest(row)
    often = timedelta(seconds=manifest.feed.fetched if manifest.feed else 3600)
    if feed.generation and now - (feed.fetched_at or feed.created_at) > 4 * often:
        since = f"since {feed.fetched_at:%d %b %Y %H:%M} UTC" if feed.fetched_at else "yet"
        records.open_problem(
            session,
            now,
            UNFETCHED,
            f"connection {row.id}",
            f"{row.title} has not fetched the product feed {since}: stock and prices there are not up to date.",
            f"Check that {manifest.title} knows the address of the feed (storebridge feeds) and can reach it.",
            connection_id=row.id,
        )
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.feed")).first()
    if poll is not None:
        poll.last_ok_at, poll.last_count, poll.error = now, feed.entries, None
    work.done(session, claims, now)


@dataclass
class _File:
    """A file as it grows."""

    feed_id: int
    generation: int
    began: datetime
    number: int = 0
    entries: int = 0
    left_out: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def part(self, text: str, awaited: Sequence[Any] = ()) -> FeedPart:
        body = text.encode()
        self.number, self.size = self.number + 1, self.size + len(body)
        self.digest.update(body)
        return FeedPart(
            feed_id=self.feed_id,
            generation=self.generation,
            number=self.number,
            body=zlib.compress(body),
            awaited=list(awaited),
        )


def write(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``feed.write``: the whole file; the one before is served until this one is complete."""
    manifest = engine.manifest(row)
    if manifest.feed is None:
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    file = engine.db.transact(row.shop_id, _begin, row, engine.clock())
    writer = engine.channel(row).feed()
    _keep(engine, row, file.part(writer.head()))
    seen: Place = (0, 0)
    while True:
        with engine.db.read(row.shop_id) as session:
            found, after = items(session, row.id, manifest.feed, seen, CHUNK)
        if after is None:
            break
        seen = after
        _write_part(engine, row, manifest.feed, file, writer, found)
        engine.db.transact(row.shop_id, work.renew, claims, engine.clock())
        step("feed.part")
    _keep(engine, row, file.part(writer.tail()))
    fence(engine, row, claims[0])
    engine.db.transact(row.shop_id, _end, row, file, claims, engine.clock())
    step("feed.written")


def _begin(session: Session, row: Connection, now: datetime) -> _File:
    """What an earlier try has left is removed."""
    feed = feed_address.ensure(session, row, now)
    feed.latest += 1
    session.execute(delete(FeedPart).where(FeedPart.feed_id == feed.id, FeedPart.generation > feed.generation))
    return _File(feed.id, feed.latest, now)


def _keep(engine: Engine, row: Connection, part: FeedPart) -> None:
    values = {name: getattr(part, name) for name in ("feed_id", "generation", "number", "body", "awaited")}
    engine.db.transact(row.shop_id, lambda session: session.add(FeedPart(**values)))


def _write_part(
    engine: Engine, row: Connection, feed: Feed, file: _File, writer: FeedWriter, found: Sequence[Entry]
) -> None:
    texts: list[str] = []
    awaited: list[list[Any]] = []
    refusals: list[Refusal] = []
    good: list[Entry] = []
    for entry in found:
        try:
            written = writer.entry(entry.item)
        except RejectItem as error:
            refusals.append(Refusal(entry, error.merchant, error.field or "", out=True))
            continue
        texts.append(written.text)
        awaited += entry.awaited(feed)
        if written.warning:
            refusals.append(Refusal(entry, written.warning, "", out=False))
        else:
            good.append(entry)
    file.entries, file.left_out = file.entries + len(texts), file.left_out + sum(item.out for item in refusals)
    part = file.part("".join(texts), awaited)
    values = {name: getattr(part, name) for name in ("feed_id", "generation", "number", "body", "awaited")}
    late = [number for entry in found for number in entry.late(feed)]

    def act(session: Session) -> None:
        now = engine.clock()
        session.add(FeedPart(**values))
        _in_flight(session, [(item[0], item[1]) for item in awaited], now)
        _settle(session, late)
        _tell(session, row, refusals, good, now)

    engine.db.transact(row.shop_id, act)


def _in_flight(session: Session, awaited: Sequence[tuple[int, int]], now: datetime) -> None:
    """From here on these values may be fetched. One that was overtaken since it was read is sent again in any case,
    also where the wish went back to what was acknowledged."""
    if not awaited:
        return
    table = cast(Table, FacetRow.__table__)
    this: Any = bindparam("this_facet")
    version: Any = bindparam("this_version")
    mine = (table.c.id == this) & (table.c.shop_id == session.info["shop_id"])
    rows = [{"this_facet": facet, "this_version": number} for facet, number in awaited]
    same = update(table).where(mine, table.c.desired_version == version)
    session.execute(same.values(in_flight=True, sent_at=now, due_at=now + AGAIN), rows)
    overtaken = update(table).where(
        mine, table.c.desired_version > version, table.c.acked_version >= table.c.desired_version
    )
    session.execute(overtaken.values(in_flight=True, acked_version=table.c.desired_version - 1, due_at=now), rows)


def _settle(session: Session, late: Sequence[tuple[int, int]]) -> None:
    for facet, version in late:
        session.execute(
            update(FacetRow)
            .where(FacetRow.id == facet, FacetRow.desired_version == version)
            .values(acked_version=version, in_flight=False, error=LATE)
            .execution_options(synchronize_session=False)
        )


def _tell(session: Session, row: Connection, refusals: Sequence[Refusal], good: Sequence[Entry], now: datetime) -> None:
    for refusal in refusals:
        for listing in refusal.entry.listings:
            where = subject(listing.sku, row, listing.site)
            out = "is not in the feed of" if refusal.out else "is in the feed with what it was, for"
            records.open_problem(
                session,
                now,
                "rejected.content",
                where,
                f"{listing.sku} {out} {place(row, listing.site)}: {refusal.text}",
                "Correct the product in the store, or the mapping of its attributes; the feed follows by itself.",
                connection_id=row.id,
                detail=f"field {refusal.field}" if refusal.field else "",
            )
            _mark_error(session, listing.id, refusal.text)
    mended = [listing for entry in good for listing in entry.listings if listing.troubled]
    if mended:
        subjects = [subject(listing.sku, row, listing.site) for listing in mended]
        records.close_problems(session, now, "rejected.content", subjects)
        for listing in mended:
            _mark_error(session, listing.id, None)


def _mark_error(session: Session, listing_id: int, text: str | None) -> None:
    session.execute(
        update(Listing)
        .where(Listing.id == listing_id)
        .values(error=text and text[:2000])
        .execution_options(synchronize_session=False)
    )


def _end(session: Session, row: Connection, file: _File, claims: list[Claim], now: datetime) -> None:
    """One step: from here on this file is served. The one before stays for whoever is fetching it."""
    feed = session.get_one(FeedRow, file.feed_id)
    before, feed.generation = feed.generation, file.generation
    keep = (before, file.generation)
    session.execute(delete(FeedPart).where(FeedPart.feed_id == feed.id, FeedPart.generation.not_in(keep)))
    feed.made_at, feed.seconds = now, (now - file.began).total_seconds()
    feed.entries, feed.left_out, feed.size = file.entries, file.left_out, file.size
    feed.digest = file.digest.hexdigest()
    text = f"feed written: {file.entries} products" + (f", {file.left_out} left out" if file.left_out else "")
    if file.generation == 1 or file.left_out:
        records.note(session, now, "feed", text, connection_id=row.id)
    alive(session, row, now)
    work.done(session, claims, now)
