"""What was sold today and in the last seven days, on each marketplace and on all of them: by the store's own days, in
each currency by itself. What is counted here is listed by the same conditions (``which``, ``since``), so that a number
and its list agree.

Three statements, however many orders and connections a shop has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from bridge.db.tables import Order, OrderLine, Problem
from bridge.domain.money import Money

TODAY, WEEK = "today", "week"
DAYS: Mapping[str, int] = {TODAY: 1, WEEK: 7}
CANCELLED, FAILED, LATE = "cancelled", "failed", "late"
WHICH = (CANCELLED, FAILED, LATE)


@dataclass
class Figures:
    """Of the orders that were placed in one period: how many, the units that were not cancelled and what buyers pay for
    those (with VAT, without shipping), by currency; orders of which something was cancelled, that could not be created
    in the store, and that were or are shipped too late. ``solved``: problems that were closed in the period."""

    orders: int = 0
    units: int = 0
    sums: dict[str, Money] = field(default_factory=dict)
    cancelled: int = 0
    failed: int = 0
    late: int = 0
    solved: int = 0

    @property
    def sales(self) -> list[Money]:
        return [self.sums[currency] for currency in sorted(self.sums)]

    def sold(self, units: int, worth: Money) -> None:
        self.units += units
        if units:
            self.sums[worth.currency] = self.sums.get(worth.currency, Money.zero(worth.currency)) + worth


@dataclass
class Both:
    """The same of two periods, of which the second has the first in it."""

    today: Figures = field(default_factory=Figures)
    week: Figures = field(default_factory=Figures)

    @property
    def is_empty(self) -> bool:
        return not (self.week.orders or self.week.solved)

    def add(self, name: str, today: int, week: int) -> None:
        for figures, count in ((self.today, today), (self.week, week)):
            setattr(figures, name, getattr(figures, name) + count)


def begin(period: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of the period: of today, or of the day six days ago."""
    first = now.astimezone(zone).date() - timedelta(days=DAYS[period] - 1)
    return datetime.combine(first, time(), zone)


def which(name: str, now: datetime) -> ColumnElement[bool]:
    """The condition on orders of one of WHICH."""
    if name == CANCELLED:
        return select(OrderLine.id).where(OrderLine.order_id == Order.id, OrderLine.cancelled > 0).exists()
    if name == FAILED:
        return Order.store_state.in_(("held", "failed"))
    waits = and_(Order.shipped_at.is_(None), Order.closed_at.is_(None), Order.ship_by < now)
    return or_(Order.shipped_at > Order.ship_by, waits)


def counted(session: Session, now: datetime, zone: ZoneInfo) -> tuple[Both, dict[int, Both]]:
    """In all, and by connection. What closed of problems that are no connection's own is in the first only."""
    everything, single = Both(), defaultdict[int, Both](Both)
    today, week = begin(TODAY, now, zone), begin(WEEK, now, zone)
    for row in session.execute(_orders(now, today, week)):
        number, *counts = row
        for place, name in enumerate(("orders", *WHICH)):
            for both in (everything, single[number]):
                both.add(name, counts[2 * place], counts[2 * place + 1])
    for number, is_today, units, worth in _lines(session, today, week):
        for both in (everything, single[number]):
            both.week.sold(units, worth)
            if is_today:
                both.today.sold(units, worth)
    for number, closed_today, closed in session.execute(_solved(today, week)):
        for both in (everything, *([single[number]] if number is not None else ())):
            both.add("solved", closed_today, closed)
    return everything, dict(single)


def _orders(now: datetime, today: datetime, week: datetime) -> Any:
    """Each count of today's, then of the whole period's."""
    recent = Order.placed_at >= today
    counts: list[Any] = [func.count().filter(recent), func.count()]
    for name in WHICH:
        there = which(name, now)
        counts += [func.count().filter(recent, there), func.count().filter(there)]
    return select(Order.connection_id, *counts).where(Order.placed_at >= week).group_by(Order.connection_id)


def _lines(session: Session, today: datetime, week: datetime) -> list[tuple[int, bool, int, Money]]:
    """Lines that are alike are counted by the database and multiplied here: a sum there is not exact everywhere."""
    alike = (Order.connection_id, Order.currency, OrderLine.total, OrderLine.quantity, OrderLine.cancelled)
    query = (
        select(*alike, (Order.placed_at >= today).label("is_today"), func.count())
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.placed_at >= week)
        .group_by(*alike, "is_today")
    )
    return [
        (row[0], bool(row[5]), _left(row) * row[6], _worth(Money.of(row[2], row[1]), _left(row), row[3]).times(row[6]))
        for row in session.execute(query)
    ]


def _left(row: Any) -> int:
    return max(0, int(row[3]) - int(row[4]))


def _worth(whole: Money, units: int, of: int) -> Money:
    """The part of a line's total that ``units`` of it have."""
    if units == of:
        return whole
    return Money(amount=whole.amount * Decimal(units) / Decimal(of), currency=whole.currency).quantised()


def _solved(today: datetime, week: datetime) -> Any:
    return (
        select(Problem.connection_id, func.count().filter(Problem.closed_at >= today), func.count())
        .where(Problem.closed_at >= week)
        .group_by(Problem.connection_id)
    )
