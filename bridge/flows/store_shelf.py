"""The store's shelf, where we write on it: absolute numbers, one writer of a product at a time.

What is read and what is to be written are kept before the write. After a write whose answer was lost the shelf tells
which it was; where neither number stands there any more, a person is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Variant
from bridge.flows.engine import Engine
from bridge.ports.platform import Platform

BUSY = timedelta(seconds=2)
CHANGED = "no answer came when it was written, and its number has changed since"


class StoreShelf:
    """``who`` writes: the same again after its process has died, so that it finds its own claim."""

    def __init__(self, engine: Engine, row: Connection, who: str) -> None:
        self.engine = engine
        self.row = row
        self.who = who

    @property
    def platform(self) -> Platform:
        return self.engine.platform(self.row)

    def claim(self, variant: Variant) -> bool:
        """False while somebody else writes its number: two who read the same would both write from it."""

        def act(session: Session) -> bool:
            free = update(Variant).where(
                Variant.id == variant.id, or_(Variant.writer.is_(None), Variant.writer == self.who)
            )
            query = free.values(writer=self.who).returning(Variant.id).execution_options(synchronize_session=False)
            return session.scalar(query) is not None

        return self.engine.db.transact(self.row.shop_id, act)

    def free(self, session: Session, variant: Variant) -> None:
        """Together with what is noted of the outcome."""
        mine = update(Variant).where(Variant.id == variant.id, Variant.writer == self.who)
        session.execute(mine.values(writer=None).execution_options(synchronize_session=False))

    def units(self, variant: Variant) -> int | None:
        """As the store has them now; None where it does not count them, or does not have the product."""
        batch = self.platform.fetch_products([variant.data["product_id"]])
        stocks = [each.stock for product in batch.products for each in product.variants
                  if each.external_id == variant.external_id]  # fmt: skip
        return stocks[0].on_hand if stocks and stocks[0].managed else None

    def write(self, variant: Variant, target: int) -> None:
        """Raises AskMerchant and RejectItem where the store does not take it."""
        self.platform.set_stock(variant.data["product_id"], variant.external_id, target)


def single(session: Session, skus: Sequence[str]) -> dict[str, Variant]:
    """Those that mean one product."""
    query = select(Variant).where(Variant.sku.in_(skus), Variant.deleted_at.is_(None))
    found: dict[str, list[Variant]] = {}
    for variant in session.scalars(query):
        found.setdefault(str(variant.sku), []).append(variant)
    return {sku: rows[0] for sku, rows in found.items() if len(rows) == 1}
