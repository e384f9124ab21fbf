"""Our own figures on each marketplace account, beside the marketplace's: counted from our records over its periods,
held against its limits, forecast; and near a limit the buffer there rises, within the bounds the merchant set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, ParcelRow, Poll, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.domain.order import CancelReason, FulfilledBy
from bridge.domain.standing import Measure, ScoreLimit, Standing, extra, left_to
from bridge.domain.stock import Guard
from bridge.flows import account
from bridge.flows.engine import Engine
from bridge.flows.watched import Told, keep
from bridge.ports.manifest import Manifest

NEAR_KIND = "score_near"
# What no limit is named for is shown over this.
USUAL = 30
_OURS = ("store", "bridge")
_NOT_CANCELLED = ("asked", "kept", "withdrawn", "overtaken", "failed", "refused")
Count = Callable[[Session, int, datetime, datetime], tuple[int, int]]


def keep_standing(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.standing``."""
    engine.ring(engine.db.transact(row.shop_id, _keep, engine, row, claims, engine.clock()))


def _keep(session: Session, engine: Engine, row: Connection, claims: list[Claim], now: datetime) -> set[str]:
    found = figures(session, row.id, engine.manifest(row), now)
    mine = session.scalars(select(Connection).where(Connection.id == row.id).with_for_update()).one()
    near = _nearest(found)
    guard = _guard(mine, near)
    before = account.guard(mine)
    others = {name: value for name, value in (mine.info or {}).items() if name not in (account.STANDING, account.GUARD)}
    mine.info = {
        **others,
        account.STANDING: [item.as_json() for item in found],
        **({account.GUARD: guard.as_json()} if guard else {}),
    }
    _tell(session, mine, found, guard, now)
    changed = (before.units if before else 0) != (guard.units if guard else 0)
    if changed:
        units = guard.units if guard else 0
        text = (
            f"{mine.title}: {units} units are kept back on top of the buffer"
            if units
            else (f"{mine.title}: the buffer is as it was set again")
        )
        records.note(session, now, "score", text, connection_id=row.id)
        work.mark(session, row.shop_id, [Mark(row.id, "sweep", "project.connection", "all", priority=2)], now)
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.standing")).first()
    if poll is not None:
        poll.last_ok_at, poll.error = now, None
    work.done(session, claims, now)
    return {"sweep"} if changed else set()


def _nearest(found: list[Standing]) -> Standing | None:
    """Of the cancellations: the figure that is closest to its limit."""
    close = [item for item in found if item.measure is Measure.CANCELLED and item.near]
    return min(close, key=lambda item: item.left or 0, default=None)


def _guard(row: Connection, near: Standing | None) -> Guard | None:
    units = extra(int(row.settings.get(account.BOUND) or 0), near.left if near else None)
    return Guard(units=units, why=near.text) if units and near is not None else None


def _tell(session: Session, row: Connection, found: list[Standing], guard: Guard | None, now: datetime) -> None:
    """One problem for each limit that is near or passed."""
    told = {
        f"connection {row.id}: {item.measure} {item.period}": Told(
            f"{row.title}: {item.text}.", _fix(item, guard), row.id, "error" if item.over else "warning"
        )
        for item in found
        if item.near
    }
    prefix = f"connection {row.id}: "
    keep(session, now, NEAR_KIND, told, lambda subject: subject.startswith(prefix))


def _fix(item: Standing, guard: Guard | None) -> str:
    if item.measure is not Measure.CANCELLED:
        return "Handle what is due first: the pages Orders and Returns are sorted by what is urgent."
    if guard is not None:
        return f"{guard.units} units are kept back there on top of the buffer until it is over. Check your stock."
    return "Check your stock, or allow an extra buffer near the limit (the setting Most extra buffer near a limit)."


def figures(session: Session, connection_id: int, manifest: Manifest, now: datetime) -> list[Standing]:
    """For each limit of the marketplace, and each measure without one."""
    country = manifest.countries[0] if manifest.countries else None
    limits = manifest.policies.score
    limited = [_against(session, connection_id, limit, country, now) for limit in limits]
    rest = [item for item in Measure if item not in {limit.measure for limit in limits}]
    return [*limited, *(_plain(session, connection_id, measure, now) for measure in rest)]


def _against(session: Session, connection_id: int, rule: ScoreLimit, country: str | None, now: datetime) -> Standing:
    bad, of = _COUNTS[rule.measure](session, connection_id, rule.begins(now, country), now)
    left = left_to(rule.limit, rule.least, bad, of)
    return Standing(
        measure=rule.measure, bad=bad, of=of, period=rule.period, limit=rule.limit, least=rule.least, left=left
    )


def _plain(session: Session, connection_id: int, measure: Measure, now: datetime) -> Standing:
    bad, of = _COUNTS[measure](session, connection_id, now - timedelta(days=USUAL), now)
    return Standing(measure=measure, bad=bad, of=of, period=f"in {USUAL} days")


def _cancelled(session: Session, connection_id: int, since: datetime, _now: datetime) -> tuple[int, int]:
    """Lines cancelled in the store or by us, but for those the buyer asked for; and those that the marketplace let
    expire; of orders placed in the period."""
    lines = (
        select(func.count(OrderLine.id))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.connection_id == connection_id, Order.placed_at >= since)
        .where(OrderLine.fulfilled_by == FulfilledBy.MERCHANT.value)
    )
    by_us = select(Cancellation.order_line_id).where(
        Cancellation.connection_id == connection_id,
        Cancellation.origin.in_(_OURS),
        Cancellation.reason != CancelReason.BUYER_REQUEST.value,
        Cancellation.state.not_in(_NOT_CANCELLED),
    )
    asked = select(Cancellation.order_line_id).where(Cancellation.origin == "buyer")
    expired = and_(
        OrderLine.cancelled > 0, Order.expires_at.is_not(None), Order.closed_at >= Order.expires_at,
        OrderLine.id.not_in(asked),
    )  # fmt: skip
    bad = session.scalar(lines.where(or_(OrderLine.id.in_(by_us), expired))) or 0
    return int(bad), int(session.scalar(lines) or 0)


def _late(session: Session, connection_id: int, since: datetime, now: datetime) -> tuple[int, int]:
    due = select(func.count(Order.id)).where(
        Order.connection_id == connection_id, Order.ship_by >= since, Order.ship_by <= now,
        Order.channel_state != "cancelled", Order.store_state != "skipped",
    )  # fmt: skip
    late = due.where(or_(Order.confirmed_at.is_(None), Order.confirmed_at > Order.ship_by))
    return int(session.scalar(late) or 0), int(session.scalar(due) or 0)


def _untracked(session: Session, connection_id: int, since: datetime, _now: datetime) -> tuple[int, int]:
    sent = select(func.count(ParcelRow.id)).where(
        ParcelRow.connection_id == connection_id, ParcelRow.state != "dropped", ParcelRow.shipped_at >= since
    )
    return int(session.scalar(sent.where(ParcelRow.number == "")) or 0), int(session.scalar(sent) or 0)


def _returns_late(session: Session, connection_id: int, since: datetime, now: datetime) -> tuple[int, int]:
    over = select(func.count(ReturnRow.id)).where(
        ReturnRow.connection_id == connection_id, ReturnRow.respond_by >= since, ReturnRow.respond_by <= now
    )
    late = over.where(or_(ReturnRow.closed_at.is_(None), ReturnRow.closed_at > ReturnRow.respond_by))
    return int(session.scalar(late) or 0), int(session.scalar(over) or 0)


_COUNTS: Mapping[Measure, Count] = {
    Measure.CANCELLED: _cancelled,
    Measure.LATE: _late,
    Measure.UNTRACKED: _untracked,
    Measure.RETURNS_LATE: _returns_late,
}
