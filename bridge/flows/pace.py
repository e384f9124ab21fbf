"""How fast each pool of stock sells on each marketplace, and how soon each marketplace hears: for adaptive buffers.

Set-based: a chunk of pools costs two statements. What the web shop itself sells is not known here; an adaptive buffer
takes it as a share of what the marketplaces sell (``AdaptiveBuffer.store_share``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Journal, Order, OrderLine, Variant
from bridge.domain.buffers import Demand, Pace, combined, recent_demand
from bridge.domain.listing import Facet

WATCHED = timedelta(days=28)
MEASURED = 5000
# Below this many acknowledgements a 99th percentile is the slowest of a few.
ENOUGH = 100
_NONE = Demand(orders=0, units=0, hours=0)


@dataclass(frozen=True)
class Paces:
    """``sold``: demand by pool and connection; ``hours``: how long each connection has been watched; ``latencies`` in
    seconds by connection, those that are measured."""

    sold: Mapping[str, Mapping[int, Demand]]
    hours: Mapping[int, float]
    latencies: Mapping[int, float]

    def pace(self, connection_id: int, pool: str) -> Pace:
        """What an adaptive buffer of this connection needs to know of the pool."""
        sold = self.sold.get(pool, {})
        places = {
            number: sold.get(number, Demand(orders=0, units=0, hours=hours)) for number, hours in self.hours.items()
        }
        here = places.pop(connection_id, _NONE)
        others = combined([(demand, 1.0) for demand in places.values()])
        return Pace(demand=others, here=here, latency_seconds=self.latencies.get(connection_id))


def paces(session: Session, pools: Collection[str], now: datetime, latencies: Mapping[int, float]) -> Paces:
    """For these pools, over the last four weeks. ``latencies`` change slowly: read them once for many chunks."""
    hours = _watched(session, now)
    sales: dict[str, dict[int, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    query = (
        select(Variant.pool, Order.connection_id, Order.placed_at, OrderLine.quantity)
        .join(OrderLine, OrderLine.variant_id == Variant.id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Variant.pool.in_(pools), Order.placed_at > now - WATCHED)
    )
    for pool, connection_id, placed_at, quantity in session.execute(query):
        ago = max(0.0, (now - placed_at).total_seconds() / 3600)
        sales[pool][connection_id].append((ago, quantity))
    sold = {
        pool: {number: recent_demand(found, hours[number]) for number, found in by.items() if number in hours}
        for pool, by in sales.items()
    }
    return Paces(sold, {number: recent_demand((), watched).hours for number, watched in hours.items()}, latencies)


def latencies(session: Session) -> dict[int, float]:
    """The 99th percentile of the seconds from an event to the acknowledged stock, by connection: of the newest
    acknowledgements, and only where there are enough of them."""
    query = (
        select(Journal.connection_id, Journal.detail)
        .where(Journal.kind == "acknowledged")
        .order_by(Journal.id.desc())
        .limit(MEASURED)
    )
    measured: dict[int, list[float]] = defaultdict(list)
    for connection_id, detail in session.execute(query):
        seconds = detail.get("seconds")
        if connection_id is not None and detail.get("facet") == Facet.STOCK and isinstance(seconds, int | float):
            measured[connection_id].append(float(seconds))
    return {number: _p99(values) for number, values in measured.items() if len(values) >= ENOUGH}


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def _watched(session: Session, now: datetime) -> dict[int, float]:
    """Hours since orders are imported from each marketplace, four weeks at most."""
    query = select(Connection.id, Connection.created_at, Connection.settings).where(Connection.role == "channel")
    return {
        number: max(0.0, (now - max(_since(created, settings), now - WATCHED)).total_seconds() / 3600)
        for number, created, settings in session.execute(query)
    }


def _since(created: datetime, settings: Mapping[str, object]) -> datetime:
    text = settings.get("import_from")
    if not isinstance(text, str):
        return created
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
