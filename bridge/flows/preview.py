"""What would be sent of a few real products, by settings that are not saved yet. Nothing is kept, nothing sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Listing, Variant
from bridge.flows import documents
from bridge.flows.documents import Wish
from bridge.flows.engine import Engine
from bridge.flows.project import VariantRow, read_chunk
from bridge.flows.shape import Made
from bridge.flows.views import channel_views

SAMPLE = 5


def preview(
    engine: Engine, session: Session, connection_id: int, wishes: Sequence[Wish] = (), count: int = SAMPLE
) -> list[dict[str, Any]]:
    """One row for each of ``count`` products and each site used. Raises FieldErrors naming what cannot work."""
    known = documents.active(session)
    after = documents.overlaid(known, documents.checked(session, wishes, known))
    views = channel_views(engine, session, connection_id, settings=after)
    ids = sample(session, connection_id, count)
    if not views or not ids:
        return []
    chunk = read_chunk(session, views, ids, lock=False)
    return [
        _row(view.title, variant, facets, made)
        for view, variant, _, facets, made, gone in chunk.outcomes(views)
        if not gone
    ]


def sample(session: Session, connection_id: int, count: int) -> list[int]:
    """Products that can be sold there, those with stock first; others only where there are too few of them."""
    ready = select(Listing.id).where(
        Listing.connection_id == connection_id,
        Listing.variant_id == Variant.id,
        Listing.wanted,
        Listing.state.not_in(("blocked", "rejected", "ended")),
    )
    fair = select(Variant.id).where(Variant.deleted_at.is_(None), Variant.sku.is_not(None)).order_by(Variant.id)
    found = list(session.scalars(fair.where(ready.exists(), Variant.on_hand > 0).limit(count)))
    if len(found) < count:
        found += session.scalars(fair.where(Variant.id.not_in(found)).limit(count - len(found)))
    return sorted(found)


def _row(place: str, variant: VariantRow, facets: Mapping[str, Any], made: Made) -> dict[str, Any]:
    offer, answer = made.offer, made.answer
    return {
        "sku": variant.sku,
        "title": variant.title,
        "place": place,
        "on_hand": answer["on_hand"],
        "reserved": answer["reserved"],
        "buffer": answer["buffer"],
        "quantity": answer["quantity"],
        "reason": answer["reason"],
        "store_price": variant.data.get("price"),
        "price": offer.price.quantised().as_json() if offer.price else None,
        "why_not": made.unwanted or "; ".join(item.text for item in offer.findings if item.blocking),
        "shown": {name: facet["acked"] for name, facet in facets.items() if facet["acked"]},
    }
