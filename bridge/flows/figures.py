"""What was sold today and in the last seven days, on each marketplace and on all of them: by the store's own days, in
each currency by itself. What is counted here is listed by the same conditions (``which``, ``since``), so that a number
and its list agree.

Four statements, however many orders and connections a shop has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bridge.db.tables import Journal, Order, OrderLine, Problem, StockSent
from bridge.domain.listing import Facet
from bridge.domain.money import Money

TODAY, WEEK = "today", "week"
DAYS: Mapping[str, int] = {TODAY: 1, WEEK: 7}
CANCELLED, FAILED, LATE = "cancelled", "failed", "late"
WHICH = (CANCELLED, FAILED, LATE)


@dataclass
class Figures:
    """Of the orders that were placed in one period: how many, the units that were not cancelled and what buyers pay for
    those (with VAT, without shipping), by currency; orders of which something was cancelled, that could not be created
    in the store, and that were or are shipped too late. ``solved``: problems that were closed in the period; ``sent``:
    stock values that marketplaces accepted in it."""

    orders: int = 0
    units: int = 0
    sums: dict[str, Money] = field(default_factory=dict)
    cancelled: int = 0
    failed: int = 0
    late: int = 0
    solved: int = 0
    sent: int = 0

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
        return not (self.week.orders or self.week.solved or self.week.sent)

    def add(self, name: str, count: int, *, is_today: bool) -> None:
        for figures in (self.week, *([self.today] if is_today else ())):
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


def accepted_stock() -> ColumnElement[bool]:
    """The condition on the activity of stock that a marketplace accepted."""
    return and_(Journal.kind == "acknowledged", Journal.detail["facet"].as_string() == Facet.STOCK.value)


def counted(session: Session, now: datetime, zone: ZoneInfo) -> tuple[Both, dict[int, Both]]:
    """In all, and by connection. What closed of problems that are no connection's own is in the first only."""
    everything, single = Both(), defaultdict[int, Both](Both)
    today, week = begin(TODAY, now, zone), begin(WEEK, now, zone)
    for number, is_today, *counts in session.execute(_orders(now, today, week)):
        for name, count in zip(("orders", *WHICH), counts, strict=True):
            for both in (everything, single[number]):
                both.add(name, count, is_today=is_today)
    for number, is_today, units, worth in _lines(session, today, week):
        for both in (everything, single[number]):
            both.week.sold(units, worth)
            if is_today:
                both.today.sold(units, worth)
    for name, query in (("solved", _solved(today, week)), ("sent", _sent(today, week))):
        for number, is_today, count in session.execute(query):
            for both in (everything, *([single[number]] if number is not None else ())):
                both.add(name, count, is_today=is_today)
    return everything, dict(single)


def _orders(now: datetime, today: datetime, week: datetime) -> Any:
    recent = _recent(today, week, *(case((which(name, now), 1), else_=0).label(name) for name in WHICH))
    counts = [func.count(), *(func.sum(recent.c[name]) for name in WHICH)]
    return select(*_places(recent), *counts).group_by(*_places(recent))


def _recent(today: datetime, week: datetime, *more: Any) -> Any:
    """The orders of the whole period: found first, or every order that there ever was is looked at."""
    columns = (Order.id, Order.connection_id, Order.currency, (Order.placed_at >= today).label("is_today"))
    return select(*columns, *more).where(Order.placed_at >= week).cte("recent").prefix_with("MATERIALIZED")


def _places(recent: Any) -> tuple[Any, Any]:
    return recent.c.connection_id, recent.c.is_today


def _lines(session: Session, today: datetime, week: datetime) -> list[tuple[int, bool, int, Money]]:
    """Lines that are alike are counted by the database and multiplied here: a sum there is not exact everywhere."""
    recent = _recent(today, week)
    line = (OrderLine.total, OrderLine.quantity, OrderLine.cancelled)
    alike = (recent.c.connection_id, recent.c.currency, *line, recent.c.is_today)
    query = select(*alike, func.count()).join(recent, recent.c.id == OrderLine.order_id).group_by(*alike)
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
        select(Problem.connection_id, (Problem.closed_at >= today).label("is_today"), func.count())
        .where(Problem.closed_at >= week)
        .group_by(Problem.connection_id, "is_today")
    )


def _sent(today: datetime, week: datetime) -> Any:
    is_today = (StockSent.quarter >= today).label("is_today")
    found = select(StockSent.connection_id, is_today, func.sum(StockSent.count)).where(StockSent.quarter >= week)
    return found.group_by(StockSent.connection_id, "is_today")
