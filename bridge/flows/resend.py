"""What a marketplace has changed by itself is told again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, FacetRow, Listing
from bridge.db.work import Claim
from bridge.domain.listing import Facet
from bridge.flows.engine import Engine
from bridge.flows.progress import Run
from bridge.ports.errors import AskMerchant

CHUNK = 500


def stock_again(session: Session, connection_id: int, variant_ids: Collection[int], now: datetime) -> set[str]:
    """After a sale or a cancellation on a marketplace: it may have taken the units off its own offer, put them back or
    (when an order was refused) set it to nothing. Where what we want is what it was told last, nothing would be sent,
    so what it was told counts no longer; also of an offer that sells before we have heard that it was made. Gives the
    lanes that have something to do."""
    if not variant_ids:
        return set()
    sold = select(Listing.id).where(Listing.connection_id == connection_id, Listing.variant_id.in_(variant_ids))
    live = FacetRow.listing_id.in_(sold.where(Listing.offer_id.is_not(None)))  # else it is due once it is live
    session.execute(
        update(FacetRow)
        .where(FacetRow.listing_id.in_(sold), FacetRow.facet == Facet.STOCK.value)
        .values(
            acked_hash="",
            desired_version=case((live, FacetRow.desired_version + 1), else_=FacetRow.desired_version),
            due_at=case((live, now), else_=FacetRow.due_at),
        )
        .execution_options(synchronize_session=False)
    )
    return {"stock"}


def again(session: Session, connection_id: int, listing_ids: Collection[int], now: datetime) -> int:
    """Have everything of these listings sent anew, whatever the marketplace was told last; one that it refused is
    offered again. Returns how many listings that is."""
    of_them = (Listing.connection_id == connection_id, Listing.id.in_(listing_ids))
    live = list(session.scalars(select(Listing.id).where(*of_them, Listing.offer_id.is_not(None))))
    session.execute(
        update(FacetRow)
        .where(FacetRow.listing_id.in_(live))
        .values(desired_version=FacetRow.desired_version + 1, acked_hash="", due_at=now, attempts=0)
        .execution_options(synchronize_session=False)
    )
    offered = (
        update(Listing)
        .where(*of_them, Listing.offer_id.is_(None), Listing.state == "rejected", Listing.wanted.is_(True))
        .values(state="new", pending=True, due_at=now, attempts=0, error=None, version=Listing.version + 1)
    )
    anew: Any = session.execute(offered.execution_options(synchronize_session=False))
    return len(live) + int(anew.rowcount)


def variants_again(engine: Engine, shop_id: int, connection_id: int, variant_ids: Collection[int]) -> int:
    """The same by products. Raises AskMerchant where there is nothing to send."""
    now = engine.clock()

    def act(session: Session) -> int:
        query = select(Listing.id).where(Listing.connection_id == connection_id, Listing.variant_id.in_(variant_ids))
        return again(session, connection_id, list(session.scalars(query)), now)

    count = engine.db.transact(shop_id, act)
    if not count:
        raise AskMerchant("None of these is listed there, so there is nothing to send again.", field="products")
    engine.ring({"stock", "content"})
    return count


def everything(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``listings.resend``: every listing of a connection, some at a time."""
    with engine.db.read(row.shop_id) as session:
        total = session.scalar(select(func.count()).select_from(Listing).where(Listing.connection_id == row.id)) or 0
    run = Run(engine, row, claims, "listings.resend", total, can_stop=True)
    after = 0
    while ids := engine.db.transact(row.shop_id, _some_again, row.id, after, engine.clock()):
        after = ids[-1]
        engine.ring({"stock", "content"})
        if not run.went_on(len(ids)):
            break
    run.end()


def _some_again(session: Session, connection_id: int, after: int, now: datetime) -> list[int]:
    query = select(Listing.id).where(Listing.connection_id == connection_id, Listing.id > after)
    ids = list(session.scalars(query.order_by(Listing.id).limit(CHUNK)))
    again(session, connection_id, ids, now)
    return ids
