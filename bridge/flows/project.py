"""Variant + settings + stock + checks -> its listing on each site as it should be, or the reasons why not.

Everything here is set-based: a chunk of variants costs a constant number of statements, whatever its size.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session

from bridge.db.session import core_execute
from bridge.db.tables import FacetRow, Listing, Order, Product, Reservation, Variant
from bridge.domain.bundles import NO_BUNDLES, BundleIndex, Component
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.checks import ImageFact
from bridge.domain.stock import Part
from bridge.flows import bundled, held, images
from bridge.flows.difference import Difference
from bridge.flows.pace import Paces, paces
from bridge.flows.shape import Asked, Item, Made, unusable
from bridge.flows.views import ChannelView, channel_views

__all__ = ["ChannelView", "channel_views", "project", "read_chunk", "reserved"]

_log = logging.getLogger(__name__)
Key = tuple[int, str, int]  # connection, site, variant
DELETED = "deleted in the store"
SITE_UNUSED = "this country site is not used any more"
OF_A_REHEARSAL = "a rehearsal's article is for sandboxes only"
REHEARSED = "REHEARSAL-"  # how the SKUs of a rehearsal's articles begin
# Variants that are shaped together: enough to repeat each step, few enough to stay in the processor's cache.
AT_ONCE = 32
_BROKEN = (ValueError, ArithmeticError, LookupError, TypeError)


@dataclass
class Sold:
    """Reserved units of a pool, with the orders that hold them."""

    units: int
    orders: list[str]


_NONE = Sold(0, [])
_NO_FACETS: dict[str, dict[str, Any]] = {}


def project(
    session: Session,
    views: Sequence[ChannelView],
    variant_ids: Sequence[int],
    now: datetime,
    event_at: datetime,
    *,
    confirmed: bool = False,
    left: Collection[str] = (),
    alone: bool = False,
) -> set[str]:
    """Bring listings and facets of these variants in line, and of the bundles that hold them; returns the lanes that
    now have something to send.

    ``confirmed``: a person has agreed to however far this reaches; else what reaches too far is held. ``left``: SKUs
    that these variants carry no more; ``alone``: the bundles have their own turn.
    """
    if not views or not variant_ids:
        return set()
    session.flush()
    if not alone:
        variant_ids = bundled.with_bundles(session, views[0].bundles, variant_ids, left)
    chunk = read_chunk(session, views, variant_ids, lock=True)
    change = Difference(now, event_at, confirmed=confirmed)
    for view, variant, listing, facets, made, gone in chunk.outcomes(views):
        change.compare(view, variant.id, listing, facets, made, bool(gone))
    lanes = change.write(session, views)
    if change.holding:
        held.tell(session, change.holding, now)
    return lanes


class VariantRow(NamedTuple):
    """A variant as it was last read, as far as listings are made of it."""

    id: int
    product_id: int
    sku: str | None
    gtin: str | None
    title: str
    pool: str
    data: dict[str, Any]
    deleted_at: datetime | None


Outcome = tuple[ChannelView, VariantRow, dict[str, Any] | None, dict[str, dict[str, Any]], Made, str]
# A variant, its listing as it is, what is to be made a listing of, why it is gone.
Place = tuple[VariantRow, dict[str, Any] | None, Item | Exception, str]


@dataclass
class Chunk:
    """Some variants with everything that is known of them."""

    rows: Sequence[Any]
    sold: dict[str, Sold]
    doubles: set[str]
    double_gtins: set[str]
    listings: dict[Key, dict[str, Any]]
    facets: dict[int, dict[str, dict[str, Any]]]
    paces: Paces | None
    pictures: dict[str, ImageFact]
    bundles: BundleIndex = NO_BUNDLES
    standing: dict[str, list[Variant]] = field(default_factory=dict)

    def outcomes(self, views: Sequence[ChannelView]) -> Iterator[Outcome]:
        """Each variant on each view: its listing and facets as they are, and as they should be; why it is gone."""
        products: dict[int, StoreProduct] = {}
        everywhere = [*views, *_left(views, self.listings)]
        for start in range(0, len(self.rows), AT_ONCE):
            rows = self.rows[start : start + AT_ONCE]
            items = [self._item(variant, data, products) for variant, data, _ in rows]
            for same in zip(*(self._on(view, rows, items) for view in everywhere), strict=True):
                yield from filter(None, same)

    def _on(self, view: ChannelView, rows: Sequence[Any], items: Sequence[Item | Exception]) -> list[Outcome | None]:
        """One view's, None for what is gone and was never there."""
        places = [self._place(view, variant, gone, item) for (variant, _, gone), item in zip(rows, items, strict=True)]
        made = iter(_made(view, [place for place in places if place], self.paces))
        return [place and self._outcome(view, place, next(made)) for place in places]

    def _place(self, view: ChannelView, variant: VariantRow, product_gone: Any, item: Item | Exception) -> Place | None:
        rehearsed = OF_A_REHEARSAL if (variant.sku or "").startswith(REHEARSED) and not view.sandbox else ""
        unused = rehearsed if view.used else SITE_UNUSED
        gone = unused if variant.deleted_at is None and product_gone is None else DELETED
        listing = self.listings.get((view.id, view.site, variant.id))
        return None if gone and listing is None else (variant, listing, item, gone)

    def _outcome(self, view: ChannelView, place: Place, made: Made) -> Outcome:
        variant, listing, _, gone = place
        facets = self.facets.get(listing["id"], _NO_FACETS) if listing else _NO_FACETS
        return view, variant, listing, facets, made, gone

    def _item(self, row: VariantRow, data: dict[str, Any], products: dict[int, StoreProduct]) -> Item | Exception:
        sold, number, sku, gtin = self.sold.get(row.pool, _NONE), row.product_id, row.sku or "", row.gtin
        try:
            product = products.get(number)
            if product is None:
                product = products[number] = StoreProduct.model_validate(data)
            variant = StoreVariant.model_validate(row.data)
            bundle = self.bundles.of(sku)
            parts = tuple(self._part(part) for part in bundle.components) if bundle is not None else ()
        except ValidationError as error:
            return error
        doubles = sku in self.doubles, gtin in self.double_gtins
        return Item(sku, gtin, variant, product, sold.units, sold.orders, *doubles, self.pictures, parts)

    def _part(self, part: Component) -> Part:
        rows = self.standing.get(part.sku, [])
        if len(rows) != 1:
            return Part(part.sku, part.quantity, None)
        sold, reading = self.sold.get(rows[0].pool, _NONE), StockReading.model_validate(rows[0].data["stock"])
        return Part(part.sku, part.quantity, reading, sold.units, tuple(sold.orders))


def _left(views: Sequence[ChannelView], known: Iterable[Key]) -> list[ChannelView]:
    """The sites that have listings and are used no more."""
    used = {(view.id, view.site) for view in views}
    of_connection = {view.id: view for view in views}
    left = sorted({(connection, site) for connection, site, _ in known} - used)
    return [replace(of_connection[connection], site=site, used=False) for connection, site in left]


def _made(view: ChannelView, places: Sequence[Place], paces: Paces | None) -> list[Made]:
    """One product's bad data blocks that product alone."""
    try:
        return view.shape.offers([_asked(view, place, paces) for place in places])
    except _BROKEN:
        return [_alone(view, place, paces) for place in places]


def _alone(view: ChannelView, place: Place, paces: Paces | None) -> Made:
    try:
        return view.shape.offers([_asked(view, place, paces)])[0]
    except _BROKEN as error:
        row = place[0]
        _log.warning("variant %s cannot be shaped for connection %s: %r", row.id, view.id, error)
        return unusable(row.sku or "", row.gtin, row.title, error)


def _asked(view: ChannelView, place: Place, paces: Paces | None) -> Asked:
    variant, _, item, gone = place
    if isinstance(item, Exception):
        raise item
    return item, gone, paces.pace(view.id, variant.pool) if paces and view.shape.is_adaptive else None


def read_chunk(session: Session, views: Sequence[ChannelView], variant_ids: Sequence[int], *, lock: bool) -> Chunk:
    """``lock`` makes two flows that touch the same variant (a reading, a sale) see each other's result in turn."""
    found = core_execute(session, _VARIANTS_LOCKED if lock else _VARIANTS, {"ids": variant_ids})
    rows = [(VariantRow(*row[:-2]), *row[-2:]) for row in found]
    listings = _listings(session, [row[0].id for row in rows], sorted({view.id for view in views}))
    bundles = views[0].bundles if views else NO_BUNDLES
    standing = bundled.standing(session, bundles.parts_of({row[0].sku or "" for row in rows}))
    pools = sorted({row[0].pool for row in rows} | {row.pool for found in standing.values() for row in found})
    return Chunk(
        rows,
        reserved(session, pools),
        *_doubles(session, rows),
        listings,
        _facets(session, [item["id"] for item in listings.values()]),
        _paces(session, views, pools),
        images.facts(session, _addresses(rows)),
        bundles,
        standing,
    )


def _paces(session: Session, views: Sequence[ChannelView], pools: Sequence[str]) -> Paces | None:
    """How fast these sell, where a buffer asks for it."""
    asking = [view for view in views if view.shape.is_adaptive]
    return paces(session, pools, asking[0].now(), asking[0].latencies) if asking else None


def _addresses(rows: Sequence[Any]) -> set[str]:
    """Of all pictures of these variants and their products."""
    found: set[str] = set()
    for variant, data, _ in rows:
        found.update(data.get("images") or (), variant.data.get("images") or ())
        found.update(filter(None, (variant.data.get("image"),)))
    return found


def reserved(session: Session, pools: Sequence[str]) -> dict[str, Sold]:
    """Units sold on marketplaces that the store's stock does not show yet, by pool."""
    rows = core_execute(session, _RESERVED, {"ids": pools})
    sold: dict[str, Sold] = {}
    for pool, quantity, ref in rows:
        entry = sold.setdefault(pool, Sold(0, []))
        entry.units += quantity
        entry.orders.append(f"{ref} x{quantity}")
    return sold


def _doubles(session: Session, rows: Sequence[Any]) -> tuple[set[str], set[str]]:
    """Which of their SKUs, and which of their GTINs, several products have."""
    given = {name: sorted({getattr(row[0], name) or "" for row in rows} - {""}) for name in ("sku", "gtin")}
    found = core_execute(session, _DOUBLE, given).all() if any(given.values()) else []
    skus, gtins = ({str(row.value) for row in found if row.name == name} for name in given)
    return skus, gtins


_LISTING = (
    "id",
    "connection_id",
    "variant_id",
    "site",
    "sku",
    "gtin",
    "offer_id",
    "wanted",
    "state",
    "pending",
    "version",
    "findings",
    "end_hold",
)
_FACET = (
    "id",
    "listing_id",
    "facet",
    "desired",
    "desired_hash",
    "desired_version",
    "acked",
    "acked_hash",
    "acked_version",
    "in_flight",
    "priority",
    "event_at",
    "explain",
    "held_hash",
    "approved_hash",
)


# Made once: making these statements costs more than running them.
_IDS: Any = bindparam("ids", expanding=True)
_VARIANTS = (
    select(*(getattr(Variant, name) for name in VariantRow._fields), Product.data, Product.deleted_at)
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.id.in_(_IDS))
    .order_by(Variant.id)
)
_VARIANTS_LOCKED = _VARIANTS.with_for_update(of=Variant)
_RESERVED = (
    select(Reservation.pool, Reservation.quantity, Order.ref)
    .join(Order, Order.id == Reservation.order_id)
    .where(Reservation.pool.in_(_IDS), Reservation.state != "released")
    .order_by(Reservation.id)
)
_DOUBLE = union_all(
    *(
        select(literal(column.key).label("name"), column.label("value"))
        .where(column.in_(bindparam(column.key, expanding=True)), Variant.deleted_at.is_(None))
        .group_by(column)
        .having(func.count() > 1)
        for column in (Variant.sku, Variant.gtin)
    )
)
_LISTINGS = select(*(getattr(Listing, name) for name in _LISTING)).where(
    Listing.variant_id.in_(_IDS), Listing.connection_id.in_(bindparam("connections", expanding=True))
)
_FACETS = select(*(getattr(FacetRow, name) for name in _FACET)).where(FacetRow.listing_id.in_(_IDS))


def _listings(session: Session, variant_ids: Sequence[int], connection_ids: Sequence[int]) -> dict[Key, dict[str, Any]]:
    found = core_execute(session, _LISTINGS, {"ids": variant_ids, "connections": connection_ids})
    rows = [dict(zip(_LISTING, row, strict=True)) for row in found]
    return {(row["connection_id"], row["site"], row["variant_id"]): row for row in rows}


def _facets(session: Session, listing_ids: Sequence[int]) -> dict[int, dict[str, dict[str, Any]]]:
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for start in range(0, len(listing_ids), 5000):
        for row in core_execute(session, _FACETS, {"ids": listing_ids[start : start + 5000]}):
            entry = dict(zip(_FACET, row, strict=True))
            found.setdefault(entry["listing_id"], {})[entry["facet"]] = entry
    return found
