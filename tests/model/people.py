"""The model where the store takes nothing off for a bundle: a person does, and says so, or puts back what was cancelled."""

from __future__ import annotations

import re
from collections import defaultdict

from sqlalchemy import select

from bridge.db.tables import Order, Problem, Reservation, Variant
from bridge.flows import attend, part_units
from tests.model.machine import Machine


class ByHand(Machine):
    """Does what the problems of orders say, and nothing else."""

    def __init__(self) -> None:
        super().__init__(taken_by="person")

    def takes_off(self, position: int = 0) -> bool:
        """Whether there was anything to take off."""
        waiting = self._waiting()
        if not waiting:
            return False
        ref = sorted(waiting)[position % len(waiting)]
        for sku, units in waiting[ref]:
            self._put(sku, -units)
        part_units.taken_off(self.world.engine, 1, ref)
        return True

    def puts_back(self) -> bool:
        """Whether there was anything to put back."""
        with self.world.db.read(1) as session:
            query = select(Problem).where(Problem.kind == part_units.PUT_BACK, Problem.closed_at.is_(None))
            found = session.scalars(query).all()
        for problem in found:
            for units, sku in re.findall(r"(\d+) x (\w+)", problem.text):
                self._put(sku, int(units))
            attend.close(self.world.engine, 1, problem.id)
        return bool(found)

    def everything_is_dealt_with(self) -> None:
        while self.takes_off() or self.puts_back():
            self._settle()

    def _put(self, sku: str, units: int) -> None:
        self._tell("product", self.store.set(sku, self.store.stock(sku) + units))

    def _waiting(self) -> dict[str, list[tuple[str, int]]]:
        query = (
            select(Order.ref, Variant.sku, Reservation.quantity)
            .join(Reservation, Reservation.order_id == Order.id)
            .join(Variant, Variant.id == Reservation.variant_id)
            .where(Reservation.state == "waiting")
        )
        found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)  # by order
        with self.world.db.read(1) as session:
            for ref, sku, units in session.execute(query):
                found[ref].append((sku or "", units))
        return found
