"""Stored targets as the items of a feed: one variant with its offer on each site, in the order of the products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from bridge.db.tables import FacetRow, Hold, Listing, Product, Variant
from bridge.domain.listing import Facet
from bridge.domain.money import Money
from bridge.flows.push import content_of
from bridge.ports.channel import FeedItem, FeedOffer
from bridge.ports.manifest import Feed

Place = tuple[int, int]  # product, variant


@dataclass(frozen=True)
class Known:
    """What is said about a listing when it cannot stand in the file. ``troubled``: something is said already."""

    id: int
    sku: str
    site: str
    wanted: bool
    troubled: bool


@dataclass(frozen=True)
class Entry:
    """An item with the facets it was made of."""

    place: Place
    item: FeedItem
    listings: tuple[Known, ...]
    facets: tuple[tuple[Known, FacetRow], ...]

    def awaited(self, feed: Feed) -> Iterator[list[Any]]:
        """What a fetch of this item acknowledges: [facet, version], with the value where it is not the wish."""
        for listing, facet in self.facets:
            if facet.facet == Facet.STOCK and not listing.wanted and facet.acked != NOTHING:
                yield [facet.id, facet.desired_version, NOTHING]
            elif _is_new(facet) or (facet.facet in feed.updates and _differs(facet)):
                yield [facet.id, facet.desired_version]

    def late(self, feed: Feed) -> Iterator[tuple[int, int]]:
        """Changes that the marketplace does not take over any more."""
        for _, facet in self.facets:
            if facet.facet not in feed.updates and facet.acked_hash and facet.desired_version > facet.acked_version:
                yield facet.id, facet.desired_version


NOTHING = {"quantity": 0}


def _is_new(facet: FacetRow) -> bool:
    return not facet.acked_hash


def _differs(facet: FacetRow) -> bool:
    return facet.desired_version > facet.acked_version or facet.acked_hash != facet.desired_hash


@dataclass(frozen=True)
class Refusal:
    """Why an entry is not in the file (``out``), or not as it should be."""

    entry: Entry
    text: str
    field: str
    out: bool


def items(
    session: Session, connection_id: int, feed: Feed, after: Place, most: int
) -> tuple[list[Entry], Place | None]:
    """The next ``most`` variants behind ``after`` that are offered, without those that cannot be told yet; and the last
    place that was looked at, None at the end."""
    place = tuple_(Variant.product_id, Variant.id)
    query = (
        select(Variant.product_id, Variant.id, Product.external_id)
        .join(Product, Product.id == Variant.product_id)
        .where(place > tuple_(*after))
        .where(
            select(Listing.id)
            .where(Listing.variant_id == Variant.id, Listing.connection_id == connection_id)
            .where(Listing.offer_id.is_not(None))
            .exists()
        )
        .order_by(Variant.product_id, Variant.id)
        .limit(most)
    )
    rows = session.execute(query).all()
    listings = _listings(session, connection_id, [row[1] for row in rows])
    facets = _facets(session, [item.id for found in listings.values() for item in found], feed)
    rest = set(session.scalars(select(Hold.flow).where(Hold.connection_id == connection_id)))
    entries = [_entry((row[0], row[1]), row[2], listings.get(row[1], []), facets, rest) for row in rows]
    return [entry for entry in entries if entry is not None], (rows[-1][0], rows[-1][1]) if rows else None


def _listings(session: Session, connection_id: int, variants: Sequence[int]) -> dict[int, list[Listing]]:
    query = select(Listing).where(
        Listing.connection_id == connection_id, Listing.variant_id.in_(variants), Listing.offer_id.is_not(None)
    )
    found: dict[int, list[Listing]] = {}
    for row in session.scalars(query.order_by(Listing.id)):
        found.setdefault(row.variant_id, []).append(row)
    return found


def _facets(session: Session, listings: Sequence[int], feed: Feed) -> dict[int, dict[str, FacetRow]]:
    query = select(FacetRow).where(FacetRow.listing_id.in_(listings), FacetRow.facet.in_(feed.facets))
    found: dict[int, dict[str, FacetRow]] = {}
    for row in session.scalars(query):
        found.setdefault(row.listing_id, {})[row.facet] = row
    return found


def _entry(
    place: Place, group: str, listings: Sequence[Listing], facets: dict[int, dict[str, FacetRow]], rest: set[str]
) -> Entry | None:
    """``rest``: facets of which nothing goes out; they are told as they were told last."""
    offers: dict[str, FeedOffer] = {}
    known: list[Known] = []
    used: list[tuple[Known, FacetRow]] = []
    first = listings[0] if listings else None
    for row in listings:
        mine = facets.get(row.id, {})
        if not {Facet.STOCK, Facet.PRICE, Facet.CONTENT} <= set(mine):
            continue
        if any(name in rest and not facet.acked for name, facet in mine.items()):
            continue
        about = Known(row.id, row.sku, row.site, row.wanted, bool(row.error))
        offers[row.site] = _offer(row, mine, rest)
        known.append(about)
        used += [(about, facet) for name, facet in mine.items() if name not in rest]
    if first is None or not offers:
        return None
    # The id an item was first told under stays, also where its SKU changes.
    item = FeedItem(sku=first.offer_id or first.sku, gtin=first.gtin, group=group, offers=offers)
    return Entry(place, item, tuple(known), tuple(used))


def _offer(row: Listing, facets: dict[str, FacetRow], rest: set[str]) -> FeedOffer:
    told = {name: facet.acked if name in rest else facet.desired for name, facet in facets.items()}
    content = facets[Facet.CONTENT]
    return FeedOffer(
        stock=told[Facet.STOCK]["quantity"] if row.wanted or Facet.STOCK in rest else 0,
        price=Money.model_validate(told[Facet.PRICE]),
        content=content_of(told[Facet.CONTENT]),
        known=content_of(content.acked) if content.acked_hash else None,
        handling_days=told[Facet.CONTENT].get("handling_days"),
    )
