"""desired != acknowledged -> batches by lane, within the account's limits -> a result per item.

A facet is claimed by lease; claiming sets ``in_flight``. Right before the bytes go out the lease and the
version are read again: a value that was overtaken while waiting for the limit is not sent, the newer one is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import case, update
from sqlalchemy.orm import Session

from bridge.db import queue, records, work
from bridge.db.bulk import insert_rows
from bridge.db.queue import Ack
from bridge.db.session import Asks
from bridge.db.tables import Connection, FacetRow, Listing, Submission, Work
from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.flows import offered, standstill
from bridge.flows.advice import CORRECT_TO_SEND
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive, park_connection
from bridge.flows.sites import place, subject
from bridge.flows.steps import step
from bridge.metrics import observe_ack
from bridge.ports.channel import Channel, ContentUpdate, ItemResult, Outcome, PriceUpdate, StockUpdate
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RejectItem, SlowDown, Superseded
from bridge.ports.http import about, before_write, lane

LANE_OF = {Facet.STOCK: "stock", Facet.PRICE: "content", Facet.CONTENT: "content"}
OPERATION = {Facet.STOCK: "update_stock", Facet.PRICE: "update_prices", Facet.CONTENT: "update_content"}
FOLLOW_AFTER = timedelta(days=2, hours=1)  # following a submission gives up earlier and says what next
AGAIN, MOST_DOUBLED = timedelta(minutes=10), 5  # refused stock: 10, 20, 40 ... 320 minutes
GROUPS, MORE_GROUPS, QUICK = 2, 4, 0.5


@dataclass(frozen=True)
class Item:
    """One facet in hand."""

    id: int
    listing_id: int
    offer_id: str
    site: str
    sku: str
    gtin: str | None
    version: int
    token: str
    desired: dict[str, Any]
    attempts: int
    event_at: datetime | None


Sent: TypeAlias = "list[tuple[Item, ItemResult]] | BridgeError"


def pending_scopes(session: Asks, lane_name: str, now: datetime) -> list[tuple[int, int, str]]:
    """(shop, connection, facet) with something to send in this lane."""
    facets = [facet.value for facet, name in LANE_OF.items() if name == lane_name]
    return queue.scopes(session, facets, now)


def run(engine: Engine, shop_id: int, connection_id: int, facet: str, deadline: float) -> None:
    """Send what is pending for one connection and facet until nothing is left or time is up."""
    with engine.db.glance(shop_id) as session:
        row = work.connection(session, connection_id)
    if row is None:
        return
    channel, manifest = engine.channel(row), engine.manifest(row)
    size = manifest.batch_size(OPERATION[Facet(facet)])
    sender = _Sender(engine, row, channel, Facet(facet))
    with ThreadPoolExecutor(manifest.concurrency, thread_name_prefix=f"push-{row.adapter}") as pool:
        sender.pump(pool, size, size * manifest.concurrency, deadline)


def send_claimed(
    engine: Engine, row: Connection, facet: Facet, items: list[Item], committed: Callable[[], object]
) -> None:
    """Send what somebody has claimed already; ``committed`` returns when the claim has been, or never will be."""
    size = engine.manifest(row).batch_size(OPERATION[facet])
    _Sender(engine, row, engine.channel(row), facet, committed).send(items, size)


class _Sender:
    """Sends claimed facets of one connection and records what became of each."""

    def __init__(
        self,
        engine: Engine,
        row: Connection,
        channel: Channel,
        facet: Facet,
        committed: Callable[[], object] = lambda: None,
    ) -> None:
        self.engine = engine
        self.row = row
        self.channel = channel
        self.facet = facet
        self.manifest = engine.manifest(row)
        self._committed = committed

    def claim(self, limit: int) -> list[Item]:
        now = self.engine.clock()
        items = self.engine.db.transact(self.row.shop_id, self._claim, limit, now)
        step("push.claimed")
        return items

    def _claim(self, session: Session, limit: int, now: datetime) -> list[Item]:
        rows, token = queue.claim(session, self.row.id, self.facet.value, now, limit)
        return [item_of(row, token) for row in rows]

    def pump(self, pool: ThreadPoolExecutor, size: int, limit: int, deadline: float) -> None:
        """Claim, send and record until nothing is left or the connection wants to be left alone. Two groups are
        under way: while one is recorded the other is being sent. More where a group is gone in no time, so that nothing
        waits for the database; never many where the marketplace is slow, because what is more urgent may come."""
        under_way: deque[tuple[float, list[tuple[list[Item], Future[Sent]]]]] = deque()
        going = more = True
        groups = GROUPS
        while True:
            going = going and not self.engine.stopping.is_set() and time.monotonic() < deadline
            if going and more and len(under_way) < groups and (items := self.claim(limit)):
                more = len(items) == limit  # else whoever looks next finds what has fallen due since
                batches = [items[start : start + size] for start in range(0, len(items), size)]
                sending = [(batch, pool.submit(self._send, batch)) for batch in batches]
                under_way.append((time.monotonic(), sending))
            elif under_way:
                began, group = under_way.popleft()
                going = self._finish(group) and going
                groups = MORE_GROUPS if time.monotonic() - began < QUICK else GROUPS
            else:
                return

    def send(self, items: list[Item], size: int) -> None:
        """These, one batch after the other."""
        step("push.claimed")
        for start in range(0, len(items), size):
            batch = items[start : start + size]
            self._settle([(batch, self._send(batch))])

    def _finish(self, group: Sequence[tuple[list[Item], Future[Sent]]]) -> bool:
        """False when the connection wants to be left alone for a while."""
        return self._settle([(batch, sending.result()) for batch, sending in group])

    def _settle(self, group: Sequence[tuple[list[Item], Sent]]) -> bool:
        results: list[tuple[Item, ItemResult]] = []
        pause: BridgeError | None = None
        for batch, outcome in group:
            if isinstance(outcome, BridgeError):
                pause = outcome if not isinstance(outcome, Superseded) else pause
                self._failed(batch, outcome)
            else:
                results += outcome
        if results:
            self._record(results)
        return pause is None

    def _send(self, batch: list[Item]) -> Sent:
        current = batch
        with lane(LANE_OF[self.facet]), about(**({"sku": batch[0].sku} if len(batch) == 1 else {})):
            while current:
                try:
                    with before_write(partial(self._fence, current)):
                        answers = _CALLS[self.facet](self.channel, current)
                    step("push.sent")
                    return list(zip(current, answers, strict=True))
                except _Newer as newer:
                    current = newer.items
                except BridgeError as error:
                    return error
                except Exception as error:  # noqa: BLE001  # this batch is tried again later
                    return BridgeError("This update could not be sent.", developer=f"{type(error).__name__}: {error}")
        return []

    def _fence(self, items: Sequence[Item]) -> None:
        """Raises _Newer with what is still ours, in its newest version, when anything changed meanwhile."""
        self._committed()
        ids = {item.id: item for item in items}
        with self.engine.db.glance(self.row.shop_id) as session:
            rows = queue.held(session, list(ids))
        mine = [row for row in rows if row[1] == ids[row[0]].token]
        if len(mine) == len(items) and all(row[2] == ids[row[0]].version for row in mine):
            step("push.fenced")
            return
        raise _Newer([replace(ids[row[0]], version=row[2], desired=row[3]) for row in mine])

    def _failed(self, batch: Sequence[Item], error: BridgeError) -> None:
        self.engine.db.transact(self.row.shop_id, self._fail, batch, error, self.engine.clock())

    def _fail(self, session: Session, batch: Sequence[Item], error: BridgeError, now: datetime) -> None:
        if isinstance(error, Reauthorise):
            park_connection(session, self.row.id, error, now)
        if isinstance(error, (AskMerchant, RejectItem)) and standstill.is_of_all(self.manifest, error):
            for item in batch:
                self._waits(session, item, error.merchant, now)
            standstill.tell(session, self.row, now)
            return
        if isinstance(error, RejectItem):
            for item in batch:
                self._refuse(session, item, error.merchant, error.developer, now)
            return
        for item in batch:
            wait = _wait(error, item.attempts)
            _release(session, item, due_at=now + wait, attempts=item.attempts + 1, error=str(error)[:2000])

    def _record(self, results: Sequence[tuple[Item, ItemResult]]) -> None:
        now = self.engine.clock()
        self.engine.db.transact(self.row.shop_id, self._write, results, now)
        step("push.recorded")
        for item, result in results:
            if result.outcome is Outcome.APPLIED and item.event_at is not None:
                observe_ack(self.row.adapter, self.facet.value, (now - item.event_at).total_seconds())

    def _write(self, session: Session, results: Sequence[tuple[Item, ItemResult]], now: datetime) -> None:
        applied = [item for item, result in results if result.outcome is Outcome.APPLIED]
        queue.acknowledge(session, [Ack(item.id, item.token, item.version, item.desired) for item in applied], now)
        records.note_all(session, now, "acknowledged", [self._acknowledged(item, now) for item in applied])
        self._submitted(session, [one for one in results if one[1].outcome is Outcome.SUBMITTED], now)
        for item, result in results:
            if (record := _RECORD.get(result.outcome)) is not None:
                record(self, session, item, result, now)
        if any(standstill.is_of_all(self.manifest, result) for _, result in results):
            standstill.tell(session, self.row, now)
        elif any(item.attempts for item, _ in results):
            standstill.went_on(session, self.row, now)
        alive(session, self.row, now)
        if self.facet is Facet.STOCK:
            session.flush()
            queue.count_stock(session, self.row.id, len(applied), now)

    def _acknowledged(self, item: Item, now: datetime) -> records.Note:
        where = place(self.row, item.site)
        text = f"{self.facet.value} {shown(self.facet, item.desired)} acknowledged by {where}"
        return records.Note(text=text, sku=item.sku, connection_id=self.row.id, detail=self._measured(item, now))

    def applied(self, session: Session, item: Item, result: ItemResult, now: datetime) -> None:
        if item.attempts:
            about_it = subject(item.sku, self.row, item.site)
            records.close_problem(session, now, f"rejected.{self.facet.value}", about_it)

    def _measured(self, item: Item, now: datetime) -> dict[str, Any]:
        """What was acknowledged, and how many seconds after the event that asked for it."""
        seconds = round((now - item.event_at).total_seconds(), 3) if item.event_at is not None else None
        sent = {"desired": item.desired, "version": item.version} if self.facet != Facet.CONTENT else {}
        return {"facet": self.facet.value, "seconds": seconds, **sent}

    def _submitted(self, session: Session, taken: Sequence[tuple[Item, ItemResult]], now: datetime) -> None:
        """Thousands may be taken for later at once: they are written down together."""
        if not taken:
            return
        rows = [
            {
                "connection_id": self.row.id,
                "external_id": result.submission or f"facet-{item.id}-{item.version}",
                "kind": "facet",
                "subject_id": item.id,
                "version": item.version,
                "submitted_at": now,
                "next_check_at": now + timedelta(seconds=2),
            }
            for item, result in taken
        ]
        insert_rows(session, Submission, rows)
        queue.hand_over(session, [(item.id, item.token, item.version) for item, _ in taken], now + FOLLOW_AFTER)
        work.mark(session, item_shop(session), [work.Mark(self.row.id, "shipments", "follow", "all")], now)

    def rejected(self, session: Session, item: Item, result: ItemResult, now: datetime) -> None:
        if standstill.is_of_all(self.manifest, result):
            self._waits(session, item, result.message, now)
            return
        self._refuse(session, item, result.message, f"field {result.field}" if result.field else "", now)

    def _waits(self, session: Session, item: Item, message: str, now: datetime) -> None:
        """No matter of the item: it goes out once the connection is in order, and is tried ever more rarely."""
        due, error = _put_off(item, now + again_after(item.attempts)), standstill.words(message)
        _release(session, item, error=error, in_flight=False, due_at=due, attempts=item.attempts + 1)
        about_it = subject(item.sku, self.row, item.site)
        records.close_problem(session, now, f"rejected.{self.facet.value}", about_it)

    def _refuse(self, session: Session, item: Item, message: str, detail: str, now: datetime) -> None:
        """Not sent again unchanged; the next change of the value is. Stock is, ever more rarely: with the old number
        there, what is not here is sold."""
        after = refused_again(self.facet, item.attempts)
        put_off: dict[str, Any] = {"acked_version": item.version, "attempts": 1}
        if after is not None:
            put_off = {"due_at": _put_off(item, now + after), "attempts": item.attempts + 1}
        _release(session, item, error=message[:2000], in_flight=False, **put_off)
        records.open_problem(
            session,
            now,
            f"rejected.{self.facet.value}",
            subject(item.sku, self.row, item.site),
            f"{place(self.row, item.site)} refused the {self.facet.value} of {item.sku}: {message}",
            CORRECT_TO_SEND,
            connection_id=self.row.id,
            detail=detail,
        )

    def retry(self, session: Session, item: Item, result: ItemResult, now: datetime) -> None:
        _release(
            session,
            item,
            due_at=now + (result.after or work.backoff(item.attempts + 1)),
            attempts=item.attempts + 1,
            error=result.message[:2000],
        )

    def missing(self, session: Session, item: Item, result: ItemResult, now: datetime) -> None:
        """The offer is gone on the marketplace: it is looked up and made again if it is still wanted."""
        _release(session, item, acked_version=item.version, in_flight=False)
        offered.lost(session, item.listing_id, now)
        text = f"{place(self.row, item.site)} no longer knows the offer of {item.sku}; it is looked up and made again"
        records.note(session, now, "offer", text, connection_id=self.row.id, sku=item.sku)


_RECORD: dict[Outcome, Callable[[_Sender, Session, Item, ItemResult, datetime], None]] = {
    Outcome.APPLIED: _Sender.applied,
    Outcome.REJECTED: _Sender.rejected,
    Outcome.RETRY: _Sender.retry,
    Outcome.MISSING: _Sender.missing,
}


def refused_again(facet: str, attempts: int) -> timedelta | None:
    """When a value that was refused is sent once more, unchanged; None: never."""
    return again_after(attempts) if facet == Facet.STOCK else None


def again_after(attempts: int) -> timedelta:
    """Ever more rarely, to the longest."""
    factor: int = 2 ** min(attempts, MOST_DOUBLED)
    return AGAIN * factor


class _Newer(Superseded):
    """What is still ours of a batch, in its newest version."""

    def __init__(self, items: list[Item]) -> None:
        super().__init__("overtaken by a newer value")
        self.items = items


def wake(session: Session, connection_id: int, now: datetime) -> None:
    """A connection is back: what waited for it is due at once."""
    for table in (FacetRow, Listing, Work):
        session.execute(
            update(table)
            .where(table.connection_id == connection_id, table.due_at > now)
            .values(due_at=now, attempts=0)
            .execution_options(synchronize_session=False)
        )


def item_shop(session: Session) -> int:
    return int(session.info["shop_id"])


def item_of(row: Any, token: str) -> Item:
    """``row``: what bridge.db.queue has told of it."""
    return Item(
        row.id,
        row.listing_id,
        row.offer_id or "",
        row.site,
        row.sku,
        row.gtin,
        row.desired_version,
        token,
        row.desired,
        row.attempts,
        row.event_at,
    )


def _release(session: Session, item: Item, **values: Any) -> None:
    session.execute(
        update(FacetRow)
        .where(FacetRow.id == item.id, FacetRow.lease_token == item.token)
        .values(leased_until=None, lease_token=None, **values)
        .execution_options(synchronize_session=False)
    )


def _put_off(item: Item, until: datetime) -> Any:
    """Only the version that was sent: what has become the wish on the way is due as it was."""
    return case((FacetRow.desired_version == item.version, until), else_=FacetRow.due_at)


def _wait(error: BridgeError, attempts: int) -> timedelta:
    if isinstance(error, Superseded):
        return timedelta(0)
    after = getattr(error, "after", None)
    if isinstance(error, SlowDown) and after is not None:
        return timedelta(seconds=after.total_seconds())
    return work.backoff(attempts + 1)


def shown(facet: Facet, value: dict[str, Any]) -> str:
    if facet is Facet.STOCK:
        return str(value["quantity"])
    if facet is Facet.PRICE:
        return f"{value['amount']} {value['currency']}"
    return "text"


def _reference(item: Item) -> dict[str, Any]:
    names = {"offer_id": item.offer_id, "site": item.site, "sku": item.sku, "gtin": item.gtin}
    return {"key": str(item.id), **names}


def _stock(channel: Channel, items: Sequence[Item]) -> list[ItemResult]:
    return channel.update_stock([StockUpdate(**_reference(item), stock=item.desired["quantity"]) for item in items])


def _price(channel: Channel, items: Sequence[Item]) -> list[ItemResult]:
    wanted = [PriceUpdate(**_reference(item), price=Money.model_validate(item.desired)) for item in items]
    return channel.update_prices(wanted)


def _content(channel: Channel, items: Sequence[Item]) -> list[ItemResult]:
    wanted = [
        ContentUpdate(**{**_reference(item), "sku": item.desired["sku"]}, content=content_of(item.desired))
        for item in items
    ]
    return channel.update_content(wanted)


# What stands in the facet of the content and is no part of it.
_BESIDE = ("sku", "handling_days")


def content_of(value: dict[str, Any]) -> OfferContent:
    return OfferContent.model_validate({name: part for name, part in value.items() if name not in _BESIDE})


_CALLS: dict[Facet, Callable[[Channel, Sequence[Item]], list[ItemResult]]] = {
    Facet.STOCK: _stock,
    Facet.PRICE: _price,
    Facet.CONTENT: _content,
}
