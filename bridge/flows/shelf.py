"""Parts of a bundle that came back, put on the store's shelf one by one, each once.

A store takes absolute numbers: what was read and what is to be written are kept before the write. After a write whose
answer was lost the shelf tells which it was; where neither number stands there any more, a person is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, ReturnRow, Variant
from bridge.db.work import Claim
from bridge.flows import catalogue
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.ports.errors import AskMerchant, RejectItem
from bridge.ports.http import before_write, lane
from bridge.ports.platform import Platform

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
        variants = _variants(session, [part["sku"] for part in waiting])
    if platform_row is not None:
        with lane("shipments"), before_write(lambda: fence(engine, row, claim)):
            for part in waiting:
                _put(_Shelf(engine, platform_row, int(claim.key)), part, variants.get(part["sku"]))
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())
    engine.ring({"stock"})


def _variants(session: Session, skus: list[str]) -> dict[str, Variant]:
    """Those that mean one product."""
    query = select(Variant).where(Variant.sku.in_(skus), Variant.deleted_at.is_(None))
    found: dict[str, list[Variant]] = {}
    for variant in session.scalars(query):
        found.setdefault(str(variant.sku), []).append(variant)
    return {sku: rows[0] for sku, rows in found.items() if len(rows) == 1}


class _Shelf:
    """The store's, and what is noted of one return."""

    def __init__(self, engine: Engine, row: Connection, return_id: int) -> None:
        self.engine = engine
        self.row = row
        self.return_id = return_id

    @property
    def platform(self) -> Platform:
        return self.engine.platform(self.row)

    def units(self, variant: Variant) -> int | None:
        """As the store has them now; None where it does not count them, or does not have the product."""
        batch = self.platform.fetch_products([variant.data["product_id"]])
        stocks = [each.stock for product in batch.products for each in product.variants
                  if each.external_id == variant.external_id]  # fmt: skip
        return stocks[0].on_hand if stocks and stocks[0].managed else None

    def note(self, sku: str, variant: Variant | None = None, **values: Any) -> None:
        def act(session: Session) -> None:
            item = session.get_one(ReturnRow, self.return_id)
            item.parts = [{**part, **values} if part["sku"] == sku else part for part in item.parts]
            if variant is not None:
                catalogue.mark_products(session, self.row.id, [variant.data["product_id"]], self.engine.clock())

        self.engine.db.transact(self.row.shop_id, act)

    def ask(self, part: Mapping[str, Any], why: str) -> None:
        self.note(part["sku"], shelf="asked")
        self.engine.db.transact(self.row.shop_id, _ask, self.return_id, part, why, self.engine.clock())


def _put(shelf: _Shelf, part: Part, variant: Variant | None) -> None:
    if variant is None:
        return shelf.ask(part, f"the store has no single product {part['sku']}")
    here = shelf.units(variant)
    if here is None:
        return shelf.ask(part, "the store does not count its units")
    if part["shelf"] == "writing":
        if here == part["to"]:
            return shelf.note(part["sku"], variant, shelf="done")
        if here != part["found"]:
            return shelf.ask(part, "no answer came when it was written, and its number has changed since")
    target = here + int(part["units"])
    shelf.note(part["sku"], shelf="writing", found=here, to=target)
    step("return.shelf.announced")
    try:
        shelf.platform.set_stock(variant.data["product_id"], variant.external_id, target)
    except (AskMerchant, RejectItem) as error:
        return shelf.ask(part, error.merchant)
    step("return.shelf.sent")
    return shelf.note(part["sku"], variant, shelf="done")


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
