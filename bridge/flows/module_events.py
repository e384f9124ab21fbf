"""What changed in a store, told by its module from an outbox: kept and marked in one transaction, then acknowledged.

Numbers come in any order and more than once; whatever they name is read again. A number that is missing has the store
read by time of modification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import ingest, work
from bridge.db.records import note
from bridge.db.tables import ModuleRow, Poll
from bridge.db.work import Mark
from bridge.domain.values import Value
from bridge.flows.engine import Engine
from bridge.flows.module_calls import ModuleCall, heard, once
from bridge.ports.errors import AskMerchant

MOST, MOST_MERGED = 100, 10_000
HIGHEST = 2**62
LONGEST = {"epoch": 40, "external_id": 100, "topic": 80}
# What finds changes that nobody told of.
CATCHING = ("poll.products", "poll.variants", "poll.store_orders")
APART = timedelta(seconds=60)
# kind: lane, kind of work, priority, whether it settles
KINDS: Mapping[str, tuple[str, str, int, bool]] = {
    "product": ("stock", "product.read", 3, True),
    "stock": ("stock", "product.read", 3, True),
    "pool": ("stock", "pool.read", 3, True),
    "order": ("orders", "store_order.read", 5, False),
}


class Event(Value):
    """One row of the outbox."""

    id: int
    kind: str
    external_id: str
    topic: str
    raw: dict[str, Any]


class Batch(Value):
    """Rows of the outbox called ``epoch``; ``merged`` are rows that newer ones stand for."""

    epoch: str
    events: tuple[Event, ...]
    merged: tuple[int, ...] = ()

    @property
    def numbers(self) -> set[int]:
        return {event.id for event in self.events} | set(self.merged)


def take(engine: Engine, call: ModuleCall) -> tuple[int, set[str]]:
    """The highest number taken, and the lanes to ring. Durable on return.

    Raises AskMerchant naming the field, Reauthorise where the call is a repeated one, NotFound.
    """
    batch = read_batch(call.content())
    now = engine.clock()

    def act(session: Session) -> set[str]:
        row = once(session, call)
        heard(row, now)
        ingest.keep_rows(session, [_delivery(call, batch.epoch, event, now) for event in batch.events])
        marks = [_mark(call.connection_id, event) for event in batch.events if event.kind in KINDS]
        work.mark(session, call.shop_id, marks, now)
        if missing := _note_numbers(row, batch, now):
            _catch_up(session, row, now, missing)
        return {mark.lane for mark in marks}

    return max(batch.numbers, default=0), engine.db.transact(call.shop_id, act)


def _mark(connection_id: int, event: Event) -> Mark:
    lane, kind, priority, settle = KINDS[event.kind]
    return Mark(connection_id, lane, kind, event.external_id, priority=priority, settle=settle)


def _delivery(call: ModuleCall, epoch: str, event: Event, now: datetime) -> dict[str, Any]:
    return {
        "shop_id": call.shop_id,
        "connection_id": call.connection_id,
        "topic": event.topic or event.kind,
        "external_id": event.external_id,
        "body_hash": hashlib.sha256(f"{epoch}\n{event.id}".encode()).hexdigest(),
        "body": event.raw,
        "received_at": now,
        "seen": 1,
        "last_seen_at": now,
    }


def _note_numbers(row: ModuleRow, batch: Batch, now: datetime) -> str:
    """Remember how far it came. Returns why the store has to be read, where it has to."""
    numbers = batch.numbers
    if not numbers:
        return ""
    highest, text = max(numbers), ""
    if row.last_event is None or row.epoch != batch.epoch:
        text = "its outbox was made anew" if row.last_event is not None else ""
        row.epoch, row.last_event = batch.epoch, highest
    else:
        missing = highest - row.last_event - sum(number > row.last_event for number in numbers)
        text = f"{missing} of its numbers up to {highest} did not come" if missing > 0 else ""
        row.last_event = max(row.last_event, highest)
    row.last_event_at = now
    return text


def _catch_up(session: Session, row: ModuleRow, now: datetime, missing: str) -> None:
    """At once, and no more than every APART: some databases leave a gap with each row."""
    at = max(now, row.gap_at + APART) if row.gap_at else now
    polls = session.scalars(select(Poll).where(Poll.connection_id == row.connection_id, Poll.flow.in_(CATCHING))).all()
    later = [poll for poll in polls if poll.next_at > at]
    if not later:
        return
    row.gap_at = at
    for poll in later:
        poll.next_at = at
    told = f"The store's module: {missing}; the store is asked for what changed."
    note(session, now, "gap", told, connection_id=row.connection_id)


def read_batch(content: Mapping[str, Any]) -> Batch:
    """Raises AskMerchant naming the field."""
    given = content.get("events")
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > MOST:
        raise AskMerchant(f"Send a list of at most {MOST} events.", field="events")
    merged = content.get("merged") or []
    if not isinstance(merged, Sequence) or isinstance(merged, str) or len(merged) > MOST_MERGED:
        raise AskMerchant(f"Send a list of at most {MOST_MERGED} numbers.", field="merged")
    return Batch(
        epoch=_text(content, "epoch", "epoch"),
        events=tuple(_event(item, f"events[{place}]") for place, item in enumerate(given)),
        merged=tuple(_number(item, "merged") for item in merged),
    )


def _event(item: Any, field: str) -> Event:
    if not isinstance(item, Mapping):
        raise AskMerchant("An event is an object.", field=field)
    kind = _text(item, "kind", f"{field}.kind")[:40]
    name = _text(item, "external_id", f"{field}.external_id")
    if kind in KINDS and not name:
        raise AskMerchant("An event names what it is about.", field=f"{field}.external_id")
    topic = _text(item, "topic", f"{field}.topic") or kind
    return Event(id=_number(item.get("id"), f"{field}.id"), kind=kind, external_id=name, topic=topic, raw=dict(item))


def _text(content: Mapping[str, Any], name: str, field: str) -> str:
    value = content.get(name)
    text = "" if value is None else str(value) if isinstance(value, (str, int)) else None
    longest = LONGEST.get(name, 80)
    if text is None or isinstance(value, bool) or len(text) > longest or not text.isprintable():
        raise AskMerchant(f"Send printable text of at most {longest} characters.", field=field)
    return text


def _number(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < HIGHEST:
        raise AskMerchant("Send a whole number above 0.", field=field)
    return value
