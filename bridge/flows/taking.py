"""Components of a sold bundle, taken off the store's stock by us where the merchant wants that, each once; and put back
when the sale is cancelled.

The store order exists by then, and the components are reserved until a reading shows them off. What does not go by
itself is put to a person, and stays reserved until then.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Order, OrderLine, Reservation, Variant
from bridge.db.work import Claim
from bridge.domain.bundles import TakenBy
from bridge.flows import catalogue, part_units
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_shelf import BUSY, CHANGED, StoreShelf
from bridge.ports.errors import AskMerchant, RejectItem, RetryLater
from bridge.ports.http import before_write, lane


def follow(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``parts.take``, key our order id: the store's stock of components follows what of the order is left."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        platform_row = store_connection(session)
        query = select(Reservation.id).where(
            Reservation.order_id == int(claim.key), Reservation.taken_by == TakenBy.BRIDGE.value
        )
        ids = list(session.scalars(query.order_by(Reservation.id)))
    if platform_row is not None:
        with lane("shipments"), before_write(lambda: fence(engine, row, claim)):
            for number in ids:
                _Taker(engine, platform_row, number).run()
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())
    engine.ring({"stock"})


class _Taker(StoreShelf):
    """One component of one line."""

    def __init__(self, engine: Engine, row: Connection, number: int) -> None:
        super().__init__(engine, row, f"reservation {number}")
        self.number = number

    def run(self) -> None:
        while (found := self._look()) is not None:
            variant, units = found
            if not self.claim(variant):
                raise RetryLater(f"the stock of {variant.sku} is being written", after=BUSY)
            self._move(variant, units)

    def _look(self) -> tuple[Variant, int] | None:
        """Units to take off (below 0: to put back), 0 where nobody knows what became of a write; None: all is done."""
        with self.engine.db.read(self.row.shop_id) as session:
            held, variant, line = session.execute(
                select(Reservation, Variant, OrderLine)
                .join(Variant, Variant.id == Reservation.variant_id)
                .join(OrderLine, OrderLine.id == Reservation.order_line_id)
                .where(Reservation.id == self.number)
            ).one()
        if held.taken_by != TakenBy.BRIDGE.value:
            return None
        units = held.quantity if held.state == "waiting" else -part_units.too_many(held, line)
        return (variant, units) if units or held.found is not None else None

    def _move(self, variant: Variant, units: int) -> None:
        here = self.units(variant)
        if here is None:
            return self._ask(variant, "the store does not count its units")
        known = self._announced()
        if known is not None:
            found, target = known
            if here == target:
                return self._noted(variant, found - target)
            if here != found:
                return self._ask(variant, CHANGED)
            self._noted(None, 0)
            return None
        target = here - units
        self._announce(here, target)
        step("parts.take.announced")
        try:
            self.write(variant, target)
        except (AskMerchant, RejectItem) as error:
            return self._ask(variant, error.merchant)
        step("parts.take.sent")
        return self._noted(variant, units)

    def _announced(self) -> tuple[int, int] | None:
        with self.engine.db.read(self.row.shop_id) as session:
            held = session.get_one(Reservation, self.number)
        return (held.found, held.target) if held.found is not None and held.target is not None else None

    def _announce(self, here: int, target: int) -> None:
        def act(session: Session) -> None:
            held = session.get_one(Reservation, self.number, with_for_update=True)
            held.found, held.target = here, target

        self.engine.db.transact(self.row.shop_id, act)

    def _noted(self, variant: Variant | None, units: int) -> None:
        """``units`` are off the store's number now; ``variant`` None: it proved that nothing was written."""

        def act(session: Session) -> None:
            now = self.engine.clock()
            held = session.get_one(Reservation, self.number, with_for_update=True)
            held.found, held.target, held.taken = None, None, held.taken + units
            if held.state == "waiting" and held.taken:
                held.state, held.placed_at = "placed", now
            if variant is not None:
                self.free(session, variant)
                catalogue.mark_products(session, self.row.id, [variant.data["product_id"]], now)

        self.engine.db.transact(self.row.shop_id, act)

    def _ask(self, variant: Variant, why: str) -> None:
        """From here on a person takes this component off, or puts it back."""

        def act(session: Session) -> None:
            now = self.engine.clock()
            held = session.get_one(Reservation, self.number, with_for_update=True)
            held.found, held.target, held.taken_by = None, None, TakenBy.PERSON.value
            self.free(session, variant)
            session.flush()
            order = session.get_one(Order, held.order_id)
            lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)))
            part_units.follow(session, order, lines, now, why)
            catalogue.mark_products(session, self.row.id, [variant.data["product_id"]], now)

        self.engine.db.transact(self.row.shop_id, act)
