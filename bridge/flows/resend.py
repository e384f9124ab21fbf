"""What a marketplace has changed by itself is told again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db.tables import FacetRow, Listing
from bridge.domain.listing import Facet


def stock_again(session: Session, connection_id: int, variant_ids: Collection[int], now: datetime) -> set[str]:
    """After a sale or a cancellation on a marketplace: it may have taken the units off its own offer, put them back or
    (when an order was refused) set it to nothing. Where what we want is what it was told last, nothing would be sent,
    so what it was told counts no longer. Gives the lanes that have something to do."""
    if not variant_ids:
        return set()
    listings = select(Listing.id).where(
        Listing.connection_id == connection_id, Listing.variant_id.in_(variant_ids), Listing.offer_id.is_not(None)
    )
    session.execute(
        update(FacetRow)
        .where(FacetRow.listing_id.in_(listings), FacetRow.facet == Facet.STOCK.value)
        .values(desired_version=FacetRow.desired_version + 1, acked_hash="", due_at=now)
        .execution_options(synchronize_session=False)
    )
    return {"stock"}
