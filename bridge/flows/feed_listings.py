"""Existence by feed: what is wanted stands in the file, what has ended leaves it, after a while without stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, FacetRow, Listing, Variant
from bridge.domain.listing import Facet
from bridge.flows import feeds, offered
from bridge.flows.feed_items import NOTHING
from bridge.flows.sites import subject
from bridge.ports.manifest import Feed

LOOK_AGAIN = timedelta(minutes=30)


def enrol(session: Session, row: Connection, listings: Sequence[Listing], now: datetime) -> None:
    """These stand in the next file, under their SKU."""
    for listing in offered.to_make(session, listings, now):
        gtin = session.scalar(select(Variant.gtin).where(Variant.id == listing.variant_id))
        offered.told(session, listing.id, {})
        offered.live(session, row, listing, listing.sku, gtin, now)
        text = f"{subject(listing.sku, row, listing.site)} goes into the feed"
        records.note(session, now, "offer", text, connection_id=row.id, sku=listing.sku)
    feeds.ask(session, row, now)


def leave(session: Session, row: Connection, feed: Feed, listings: Sequence[Listing], now: datetime) -> None:
    """What is not wanted leaves the file once the marketplace was told that there is none of it, ``feed.keep`` seconds
    ago or more."""
    for listing in listings:
        if listing.wanted:  # only its GTIN changed: a row of the file like any other change
            gtin = session.scalar(select(Variant.gtin).where(Variant.id == listing.variant_id))
            offered.release(session, listing, gtin=gtin, pending=False, state="live", attempts=0)
            continue
        query = select(FacetRow).where(FacetRow.listing_id == listing.id, FacetRow.facet == Facet.STOCK.value)
        stock = session.scalars(query).first()
        told_at = stock.acked_at if stock is not None and stock.acked == NOTHING else None
        leaves = now if stock is None else told_at + timedelta(seconds=feed.keep) if told_at else None
        if leaves is not None and leaves <= now:
            _left(session, row, listing, now)
        else:
            offered.release(session, listing, due_at=leaves or now + LOOK_AGAIN)
    feeds.ask(session, row, now)


def _left(session: Session, row: Connection, listing: Listing, now: datetime) -> None:
    offered.release(session, listing, offer_id=None, state="ended", pending=False, attempts=0, error=None)
    session.execute(
        update(FacetRow)
        .where(FacetRow.listing_id == listing.id)
        .values(acked_version=FacetRow.desired_version, acked={}, acked_hash="", in_flight=False)
        .execution_options(synchronize_session=False)
    )
    text = f"{subject(listing.sku, row, listing.site)} has left the feed"
    records.note(session, now, "offer", text, connection_id=row.id, sku=listing.sku)
