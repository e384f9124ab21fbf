"""Stock that proves gone: sold on a marketplace, and not there. What of which order cannot be sent is found, and by the
merchant's policy for that marketplace asked about, cancelled, or kept as a backorder.

One reading of the store proves nothing (a feed that sets everything to 0 for a minute is common): a second one, some
time later, has to say the same. The newest orders go without.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, ParcelRow, Reservation, Variant
from bridge.db.work import Claim
from bridge.domain.bundles import TakenBy
from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase
from bridge.flows import cancellations, catalogue
from bridge.flows.engine import Engine

PROBLEM = "stock_gone"
SETTING = "no_stock"
ASK, CANCEL, BACKORDER = "ask", "cancel", "backorder"
BEING_READ = timedelta(seconds=5)
# Cancelled by itself at most, by marketplace and hour: beyond that something else is wrong, and a person looks.
BY_ITSELF = 5
_NEVER = ("skipped", "cancelled")
_SETTLED = ("failed", "overtaken")


def look_again(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``stock.gone``, key a pool of stock."""
    lanes = engine.db.transact(row.shop_id, _look, engine, row, claims[0], engine.clock())
    engine.ring(lanes)


def _look(session: Session, engine: Engine, row: Connection, claim: Claim, now: datetime) -> set[str]:
    query = select(Variant).where(Variant.pool == claim.key, Variant.deleted_at.is_(None)).order_by(Variant.id)
    variants = list(session.scalars(query))
    if variants and max(item.read_at for item in variants) < claim.first_marked_at + engine.second_look / 2:
        catalogue.mark_products(session, row.id, sorted({item.data["product_id"] for item in variants}), now)
        work.put_back(session, [claim], now + BEING_READ, "the store is read again")
        return {"stock"}
    lanes = _decide(session, claim.key, _missing(session, claim.key, variants), now)
    work.done(session, [claim], now)
    return lanes


def _missing(session: Session, pool: str, variants: Sequence[Variant]) -> int:
    """Units that are reserved and not there. What the store does not count, or sells without having it, is there."""
    counted = [item.on_hand for item in variants if item.on_hand is not None and not _sold_without(item)]
    if not counted:
        return 0
    query = select(func.sum(Reservation.quantity)).where(Reservation.pool == pool, Reservation.state != "released")
    return max(0, int(session.scalar(query) or 0) - max(counted))


def _sold_without(variant: Variant) -> bool:
    return bool(variant.data.get("stock", {}).get("backorders"))


@dataclass
class _Line:
    """An order line that may have to go without. ``open``: units that are not in a parcel yet; each takes ``per_unit``
    of the stock in question, a bundle more than one."""

    order: Order
    line: OrderLine
    open: int
    per_unit: int = 1
    known: list[Cancellation] = field(default_factory=list)

    @property
    def ours(self) -> Cancellation | None:
        return next((item for item in self.known if item.origin == "bridge"), None)

    @property
    def settled(self) -> int:
        """Units about which it is decided: being cancelled, cancelled and not back on the shelf, or kept."""
        coming = [item.quantity - self.line.cancelled for item in self.known if item.state in cancellations.UNDER_WAY]
        kept = [item.quantity - self.line.cancelled for item in self.known if item.state == "kept"]
        back = self.line.cancelled - self.line.restocked if self.order.store_state == "created" else 0
        return max([0, *coming]) + min(self.open, max([0, *kept])) + max(0, back)


def _decide(session: Session, pool: str, missing: int, now: datetime) -> set[str]:
    found = _lines(session, pool)
    left = missing - sum(item.settled * item.per_unit for item in found)
    doubtful = _doubtful(session, pool)
    lanes: set[str] = set()
    for item in found:
        row = item.ours
        free = item.open - max(0, min(item.settled, item.open))
        wanted = -(-left // item.per_unit)
        units = min(free, wanted) if row is None or row.state not in _SETTLED else 0
        if units > 0:
            lanes |= _go_without(session, item, units, doubtful, now)
            left -= units * item.per_unit
        elif row is not None and row.state == "asked" and not _short_elsewhere(session, item.line, pool):
            row.state, row.done_at = "withdrawn", now
            cancellations.close_questions(session, item.order, now)
    return lanes


def _lines(session: Session, pool: str) -> list[_Line]:
    """Of open orders, the newest first."""
    takes = (
        select(Reservation.order_line_id, func.sum(Reservation.per_unit).label("units"))
        .join(Variant, Variant.id == Reservation.variant_id)
        .where(Variant.pool == pool)
        .group_by(Reservation.order_line_id)
        .subquery()
    )
    query = (
        select(Order, OrderLine, takes.c.units)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(takes, takes.c.order_line_id == OrderLine.id)
        .where(OrderLine.fulfilled_by == FulfilledBy.MERCHANT.value)
        .where(Order.phase == OrderPhase.READY.value, Order.store_state.not_in(_NEVER))
        .where(OrderLine.quantity > OrderLine.shipped, Order.closed_at.is_(None))
        .order_by(Order.placed_at.desc(), Order.id.desc(), OrderLine.id.desc())
    )
    rows = [(order, line, int(units)) for order, line, units in session.execute(query)]
    parcelled = _parcelled(session, [order.id for order, _, _ in rows])
    known: defaultdict[int, list[Cancellation]] = defaultdict(list)
    ids = [line.id for _, line, _ in rows]
    for item in session.scalars(select(Cancellation).where(Cancellation.order_line_id.in_(ids))):
        known[item.order_line_id].append(item)
    return [_Line(order, line, _open(line, parcelled[order.id]), units, known[line.id]) for order, line, units in rows]


def _short_elsewhere(session: Session, line: OrderLine, pool: str) -> bool:
    """Whether another product that this line takes is missing: then the question stays."""
    query = select(Variant).join(Reservation, Reservation.variant_id == Variant.id)
    query = query.where(Reservation.order_line_id == line.id, Variant.pool != pool, Variant.deleted_at.is_(None))
    return any(_missing(session, variant.pool, [variant]) for variant in session.scalars(query))


def _doubtful(session: Session, pool: str) -> bool:
    """Whether parts of bundles wait for a person's word that they are off the stock: perhaps they are, and nothing is
    missing."""
    query = select(Reservation.id).where(Reservation.pool == pool, Reservation.state == "waiting")
    return session.scalar(query.where(Reservation.taken_by == TakenBy.PERSON.value).limit(1)) is not None


def _open(line: OrderLine, parcelled: Counter[str]) -> int:
    return max(0, line.quantity - line.cancelled - max(line.shipped, parcelled[line.external_id]))


def _parcelled(session: Session, order_ids: Collection[int]) -> defaultdict[int, Counter[str]]:
    """Units that have left the store, by order and line."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    query = select(ParcelRow).where(ParcelRow.order_id.in_(order_ids), ParcelRow.state != "dropped")
    for row in session.scalars(query):
        found[row.order_id].update(row.lines)
    return found


def _go_without(session: Session, item: _Line, units: int, doubtful: bool, now: datetime) -> set[str]:
    channel = session.get_one(Connection, item.order.connection_id)
    policy = channel.settings.get(SETTING, ASK)
    if policy == CANCEL and (doubtful or _many(session, channel, now)):
        policy = ASK
    state = {CANCEL: "wanted", BACKORDER: "kept"}.get(policy, "asked")
    total = item.line.cancelled + units
    if item.ours is not None and (item.ours.state, item.ours.quantity) == (state, total):
        return set()
    row = cancellations.by_us(session, item.order, item.line, total, CancelReason.OUT_OF_STOCK, state, now)
    what = f"{units} of {item.line.title or item.line.sku}"
    done = {"wanted": "cancelled on the marketplace", "kept": "kept as a backorder"}.get(state, "the merchant is asked")
    text = f"{what} proves to be gone: {done}"
    records.note(session, now, "cancellation", text, order=item.order.ref, sku=item.line.sku, connection_id=channel.id)
    if state == "asked":
        _tell(session, item, what, now)
        return set()
    cancellations.close_questions(session, item.order, now)  # it may have been one until now
    return cancellations.queue_sending(session, row, now) if state == "wanted" else set()


def _many(session: Session, channel: Connection, now: datetime) -> bool:
    query = select(func.count()).where(
        Cancellation.connection_id == channel.id,
        Cancellation.origin == "bridge",
        Cancellation.reason == CancelReason.OUT_OF_STOCK.value,
        Cancellation.state.not_in(("asked", "kept", "withdrawn")),
        Cancellation.created_at > now - timedelta(hours=1),
    )
    return int(session.scalar(query) or 0) >= BY_ITSELF


def _tell(session: Session, item: _Line, what: str, now: datetime) -> None:
    order = item.order
    until = f" It has to be shipped before {order.ship_by:%d %b %Y %H:%M} UTC." if order.ship_by else ""
    records.open_problem(
        session,
        now,
        PROBLEM,
        order.ref,
        f"{what} of order {order.external_id} is sold and not in stock.{until}",
        "On the order's page: cancel it, soon, because a late cancellation is worse than a prompt one; or keep it as a "
        "backorder. With stock back in the store this closes by itself.",
        connection_id=order.connection_id,
    )
