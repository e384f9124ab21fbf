"""Parts of a bundle that came back, put on the store's shelf one by one, each once.

Parts that the store's number has never been without, because nobody had taken them off yet, are free again instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, Reservation, ReturnRow, Variant
from bridge.db.work import Claim
from bridge.flows import catalogue, part_units
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_shelf import BUSY, CHANGED, StoreShelf, single
from bridge.ports.errors import AskMerchant, RejectItem, RetryLater
from bridge.ports.http import before_write, lane

KIND = "return_shelf"
OPEN = ("wanted", "writing")
Part = dict[str, Any]


def put_back(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``return.shelf``, key our return id."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(ReturnRow, int(claim.key))
        platform_row = store_connection(session)
        waiting = [part for part in item.parts if part["shelf"] in OPEN] if item is not None else []
        variants = single(session, [part["sku"] for part in waiting])
    if platform_row is not None:
        with lane("shipments"), before_write(lambda: fence(engine, row, claim)):
            for part in waiting:
                _put(_Shelf(engine, platform_row, int(claim.key), part["sku"]), part, variants.get(part["sku"]))
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())
    engine.ring({"stock"})


class _Shelf(StoreShelf):
    """The store's, and what is noted of one part of one return."""

    def __init__(self, engine: Engine, row: Connection, return_id: int, sku: str) -> None:
        super().__init__(engine, row, f"return {return_id}")
        self.return_id = return_id
        self.sku = sku

    def note(self, variant: Variant | None = None, **values: Any) -> None:
        """``variant``: its number is settled: it is read again, and anybody may write it."""
        self.engine.db.transact(self.row.shop_id, self._note, variant, values)

    def _note(self, session: Session, variant: Variant | None, values: Mapping[str, Any]) -> None:
        item = session.get_one(ReturnRow, self.return_id)
        item.parts = [{**part, **values} if part["sku"] == self.sku else part for part in item.parts]
        if variant is not None:
            self.free(session, variant)
            catalogue.mark_products(session, self.row.id, [variant.data["product_id"]], self.engine.clock())

    def ask(self, part: Mapping[str, Any], why: str, variant: Variant | None = None) -> None:
        self.note(variant, shelf="asked")
        self.engine.db.transact(self.row.shop_id, _ask, self.return_id, part, why, self.engine.clock())

    def kept_back(self, part: Part, variant: Variant) -> bool:
        """Whether the store's number has never been without these units: then they are free again."""
        lanes = self.engine.db.transact(self.row.shop_id, self._release, part, variant)
        if lanes is None:
            return False
        self.engine.ring(lanes)
        return True

    def _release(self, session: Session, part: Part, variant: Variant) -> set[str] | None:
        item, now = session.get_one(ReturnRow, self.return_id), self.engine.clock()
        query = select(Reservation).where(
            Reservation.order_line_id == item.order_line_id,
            Reservation.variant_id == variant.id,
            Reservation.state == "waiting",
            Reservation.found.is_(None),
            Reservation.quantity >= part["units"],
        )
        held = session.scalars(query.with_for_update()).first()
        if held is None:
            return None
        held.quantity -= int(part["units"])
        if not held.quantity:
            held.state, held.released_at = "released", now
        self._note(session, None, {"shelf": "done"})
        session.flush()
        part_units.tell(session, session.get_one(Order, held.order_id), now)
        return catalogue.project_pools(self.engine, session, [held.pool], now, now)


def _put(shelf: _Shelf, part: Part, variant: Variant | None) -> None:
    if variant is None:
        return shelf.ask(part, f"the store has no single product {part['sku']}")
    if part["shelf"] == "wanted" and shelf.kept_back(part, variant):
        return None
    if not shelf.claim(variant):
        raise RetryLater(f"the stock of {part['sku']} is being written", after=BUSY)
    here = shelf.units(variant)
    if here is None:
        return shelf.ask(part, "the store does not count its units", variant)
    if part["shelf"] == "writing":
        if here == part["to"]:
            return shelf.note(variant, shelf="done")
        if here != part["found"]:
            return shelf.ask(part, CHANGED, variant)
    target = here + int(part["units"])
    shelf.note(shelf="writing", found=here, to=target)
    step("return.shelf.announced")
    try:
        shelf.write(variant, target)
    except (AskMerchant, RejectItem) as error:
        return shelf.ask(part, error.merchant, variant)
    step("return.shelf.sent")
    return shelf.note(variant, shelf="done")


def _ask(session: Session, return_id: int, part: Mapping[str, Any], why: str, now: datetime) -> None:
    item = session.get_one(ReturnRow, return_id)
    records.open_problem(
        session,
        now,
        KIND,
        f"return {item.external_id}/{part['sku']}",
        f"{part['units']} x {part['title'] or part['sku']} of return {item.external_id} are back and not on the shelf: "
        f"{why}.",
        "Add them to the stock in the store, then mark this as dealt with.",
        connection_id=item.connection_id,
        severity="warning",
    )
