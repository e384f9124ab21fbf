"""Variant + settings + stock + checks -> its listing on each site as it should be, or the reasons why not.

Everything here is set-based: a chunk of variants costs a constant number of statements, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows, update_rows
from bridge.db.tables import Connection, FacetRow, Listing, Order, Product, Reservation, Variant
from bridge.domain import checks, stock
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.checks import Requirements
from bridge.domain.listing import DesiredOffer, Facet, OfferContent
from bridge.domain.stock import StockAnswer, StockPolicy
from bridge.domain.values import fingerprint
from bridge.flows.engine import Engine
from bridge.flows.sites import used_sites
from bridge.ports.manifest import Manifest

Key = tuple[int, str, int]  # connection, site, variant
DELETED = "deleted in the store"
SITE_UNUSED = "this country site is not used any more"


@dataclass(frozen=True)
class ChannelView:
    """What projecting needs to know of one site of a channel connection. ``used`` False: the merchant no longer
    sells there, and what is listed there ends."""

    id: int
    manifest: Manifest
    policy: StockPolicy
    needs: Requirements
    currency: str | None
    site: str = ""
    used: bool = True


def channel_views(engine: Engine, session: Session, only: int | None = None) -> list[ChannelView]:
    """The sites of the shop's channel connections, parked ones included: they are caught up when they come back."""
    query = select(Connection).where(
        Connection.role == "channel", Connection.state.not_in(("connecting", "disconnected"))
    )
    if only is not None:
        query = query.where(Connection.id == only)
    return [view for row in session.scalars(query.order_by(Connection.id)) for view in _views(engine, row)]


def _views(engine: Engine, row: Connection) -> list[ChannelView]:
    """One for each site that is used; one in all where an account is one site."""
    manifest = engine.manifest(row)
    names = StockPolicy.model_fields
    policy = StockPolicy.model_validate({name: row.settings[name] for name in names if name in row.settings})
    needs = Requirements(gtin=manifest.gtin_required, title_max=manifest.title_max)
    view = ChannelView(row.id, manifest, policy, needs, manifest.currency)
    sites = used_sites(manifest, row)
    return [replace(view, site=site.code, currency=site.currency) for site in sites] if sites else [view]


@dataclass
class _Sold:
    """Reserved units of a pool, with the orders that hold them."""

    units: int
    orders: list[str]


def project(
    session: Session, views: Sequence[ChannelView], variant_ids: Sequence[int], now: datetime, event_at: datetime
) -> set[str]:
    """Bring listings and facets of these variants in line; returns the lanes that now have something to send."""
    if not views or not variant_ids:
        return set()
    session.flush()
    # The lock makes two flows that touch the same variant (a reading, a sale) see each other's result in turn.
    rows = session.execute(
        select(Variant, Product.data, Product.deleted_at)
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.id.in_(variant_ids))
        .order_by(Variant.id)
        .with_for_update(of=Variant)
        .execution_options(populate_existing=True)
    ).all()
    sold = reserved(session, sorted({row[0].pool for row in rows}))
    doubles = _double_skus(session, {row[0].sku for row in rows if row[0].sku})
    known = _listings(session, [row[0].id for row in rows], sorted({view.id for view in views}))
    views = [*views, *_left(views, known)]
    facets = _facets(session, [item["id"] for item in known.values()])
    change = _Change(now, event_at)
    for variant, product_data, product_gone in rows:
        deleted = variant.deleted_at is not None or product_gone is not None
        for view in views:
            gone = DELETED if deleted else "" if view.used else SITE_UNUSED
            listing = known.get((view.id, view.site, variant.id))
            if gone and listing is None:
                continue
            offer, answer = _desired(variant, product_data, gone, view, sold, doubles)
            its_facets = facets.get(listing["id"], {}) if listing else {}
            change.compare(view, variant, listing, its_facets, offer, answer, bool(gone))
    return change.write(session)


def _left(views: Sequence[ChannelView], known: Iterable[Key]) -> list[ChannelView]:
    """The sites that have listings and are used no more."""
    used = {(view.id, view.site) for view in views}
    of_connection = {view.id: view for view in views}
    left = sorted({(connection, site) for connection, site, _ in known} - used)
    return [replace(of_connection[connection], site=site, used=False) for connection, site in left]


def reserved(session: Session, pools: Sequence[str]) -> dict[str, _Sold]:
    """Units sold on marketplaces that the store's stock does not show yet, by pool."""
    rows = session.execute(
        select(Reservation.pool, Reservation.quantity, Order.ref)
        .join(Order, Order.id == Reservation.order_id)
        .where(Reservation.pool.in_(pools), Reservation.state != "released")
        .order_by(Reservation.id)
    )
    sold: dict[str, _Sold] = {}
    for pool, quantity, ref in rows:
        entry = sold.setdefault(pool, _Sold(0, []))
        entry.units += quantity
        entry.orders.append(f"{ref} x{quantity}")
    return sold


def _double_skus(session: Session, skus: set[str]) -> set[str]:
    rows = session.execute(
        select(Variant.sku)
        .where(Variant.sku.in_(skus), Variant.deleted_at.is_(None))
        .group_by(Variant.sku)
        .having(func.count() > 1)
    )
    return {str(row[0]) for row in rows}


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
)


def _listings(session: Session, variant_ids: Sequence[int], connection_ids: Sequence[int]) -> dict[Key, dict[str, Any]]:
    query = select(*(getattr(Listing, name) for name in _LISTING)).where(
        Listing.variant_id.in_(variant_ids), Listing.connection_id.in_(connection_ids)
    )
    rows = [dict(zip(_LISTING, row, strict=True)) for row in session.execute(query)]
    return {(row["connection_id"], row["site"], row["variant_id"]): row for row in rows}


def _facets(session: Session, listing_ids: Sequence[int]) -> dict[int, dict[str, dict[str, Any]]]:
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for start in range(0, len(listing_ids), 5000):
        chunk = listing_ids[start : start + 5000]
        query = select(*(getattr(FacetRow, name) for name in _FACET)).where(FacetRow.listing_id.in_(chunk))
        for row in session.execute(query):
            entry = dict(zip(_FACET, row, strict=True))
            found.setdefault(entry["listing_id"], {})[entry["facet"]] = entry
    return found


def _desired(
    row: Variant, product_data: dict[str, Any], gone: str, view: ChannelView, sold: dict[str, _Sold], doubles: set[str]
) -> tuple[DesiredOffer, dict[str, Any]]:
    variant = StoreVariant.model_validate(row.data)
    product = StoreProduct.model_validate(product_data)
    units = sold.get(row.pool, _Sold(0, []))
    answer = stock.publishable(variant.stock, units.units, view.policy, view.manifest.max_quantity)
    hidden = not (variant.published and product.published)
    if gone or hidden:
        reason = gone or "not published in the store"
        answer = StockAnswer(**{**answer.as_json(), "quantity": 0, "reason": reason})
    price = variant.price.quantised() if variant.price else None
    found = (
        *checks.findings(variant, view.needs, price.text() if price else None),
        *checks.double_sku(row.sku, doubles),
    )
    if hidden:
        found = (*found, checks.unpublished())
    if price and view.currency and price.currency != view.currency:
        found = (*found, checks.wrong_currency(price.currency, view.currency))
    offer = DesiredOffer(
        sku=row.sku or "",
        gtin=row.gtin,
        stock=answer.quantity,
        price=price,
        content=_content(product, variant, view),
        findings=found,
    )
    return offer, {**answer.as_json(), "orders": units.orders}


def _content(product: StoreProduct, variant: StoreVariant, view: ChannelView) -> OfferContent:
    title = variant.title or product.title
    if view.manifest.title_max is not None:
        title = title[: view.manifest.title_max]
    images = ((variant.image,) if variant.image else ()) + product.images
    return OfferContent(
        title=title,
        description=product.description,
        brand=product.brand,
        images=tuple(dict.fromkeys(images)),
        attributes={**product.attributes, **variant.options},
    )


class _Change:
    """Collects what differs and writes it in a constant number of statements."""

    def __init__(self, now: datetime, event_at: datetime) -> None:
        self.now = now
        self.event_at = event_at
        self.new_listings: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self.listings: list[dict[str, Any]] = []
        self.facets: list[dict[str, Any]] = []
        self.new_facets: list[dict[str, Any]] = []
        self.lanes: set[str] = set()

    def compare(
        self,
        view: ChannelView,
        variant: Variant,
        listing: dict[str, Any] | None,
        facets: dict[str, dict[str, Any]],
        offer: DesiredOffer,
        explain: dict[str, Any],
        gone: bool,
    ) -> None:
        values = desired_values(offer)
        if listing is None:
            self._new(view, variant, offer, values, explain)
            return
        self._listing(listing, offer, gone)
        live = listing["offer_id"] is not None
        for name, value in values.items():
            if name != Facet.STOCK and (offer.blocked or gone):
                continue  # a live offer keeps its last good price and content; its stock is always kept right
            self._facet(listing, facets.get(name), name, value, explain if name == Facet.STOCK else {}, live)

    def _new(
        self, view: ChannelView, variant: Variant, offer: DesiredOffer, values: dict[str, Any], explain: dict[str, Any]
    ) -> None:
        ready = not offer.blocked
        listing = {
            "connection_id": view.id,
            "variant_id": variant.id,
            "site": view.site,
            "sku": offer.sku,
            "gtin": offer.gtin,
            "wanted": True,
            "state": "new" if ready else "blocked",
            "pending": ready,
            "version": 1,
            "due_at": self.now,
            "attempts": 0,
            "findings": [item.as_json() for item in offer.findings],
            "sale_reasons": [],
            "drift_count": 0,
            "event_at": self.event_at,
        }
        facets = [
            self._facet_row(view.id, name, value, explain if name == Facet.STOCK else {})
            for name, value in values.items()
        ]
        self.new_listings.append((listing, facets))
        if ready:
            self.lanes.add("content")

    def _facet_row(
        self, connection_id: int, name: str, value: dict[str, Any], explain: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "connection_id": connection_id,
            "facet": name,
            "desired": value,
            "desired_hash": fingerprint(value),
            "desired_version": 1,
            "acked_version": 1,
            "desired_at": self.now,
            "explain": explain,
            "priority": 2,
            "acked": {},
            "acked_hash": "",
            "in_flight": False,
            "due_at": self.now,
            "attempts": 0,
        }

    def _listing(self, listing: dict[str, Any], offer: DesiredOffer, gone: bool) -> None:
        found = [item.as_json() for item in offer.findings]
        live = listing["offer_id"] is not None
        replace = live and not offer.blocked and bool(offer.gtin) and listing["gtin"] != offer.gtin
        pending = (live and (gone or replace)) or (not live and not gone and not offer.blocked)
        state = _state(listing["state"], live, gone, offer.blocked)
        same = (listing["wanted"], listing["pending"], listing["findings"], listing["state"], listing["sku"])
        if same == (not gone, pending, found, state, offer.sku):
            return
        self.listings.append(
            {
                "id": listing["id"],
                "wanted": not gone,
                "pending": pending,
                "findings": found,
                "state": state,
                "sku": offer.sku,
                "version": listing["version"] + 1,
                "due_at": self.now,
                "attempts": 0,
                "event_at": self.event_at,
            }
        )
        if pending:
            self.lanes.add("stock" if live else "content")

    def _facet(
        self,
        listing: dict[str, Any],
        row: dict[str, Any] | None,
        name: str,
        value: dict[str, Any],
        explain: dict[str, Any],
        live: bool,
    ) -> None:
        if row is None:
            self.new_facets.append(
                {"listing_id": listing["id"], **self._facet_row(listing["connection_id"], name, value, explain)}
            )
            return
        digest = fingerprint(value)
        if row["desired_hash"] == digest:
            if explain and explain != row["explain"]:
                self.facets.append(self._kept(row, explain))
            return
        version = row["desired_version"] + 1
        settled = not live or (digest == row["acked_hash"] and not row["in_flight"])
        waiting = row["desired_version"] > row["acked_version"]
        self.facets.append(
            {
                "id": row["id"],
                "desired": value,
                "desired_hash": digest,
                "desired_version": version,
                "desired_at": self.now,
                "acked_version": version if settled else row["acked_version"],
                "explain": explain,
                "due_at": self.now,
                "priority": _priority(name, value, row["acked"]),
                "attempts": 0,
                "event_at": row["event_at"] if waiting and row["event_at"] else self.event_at,
            }
        )
        if not settled:
            self.lanes.add("stock" if name == Facet.STOCK else "content")

    def _kept(self, row: dict[str, Any], explain: dict[str, Any]) -> dict[str, Any]:
        """The number stays, its explanation changed (an order moved from reserved to taken off the shelf)."""
        return {
            "id": row["id"],
            "desired": row["desired"],
            "desired_hash": row["desired_hash"],
            "desired_version": row["desired_version"],
            "desired_at": self.now,
            "acked_version": row["acked_version"],
            "explain": explain,
            "due_at": self.now,
            "priority": row["priority"],
            "attempts": 0,
            "event_at": row["event_at"],
        }

    def write(self, session: Session) -> set[str]:
        update_rows(session, Listing, self.listings)
        update_rows(session, FacetRow, self.facets)
        insert_rows(session, FacetRow, self.new_facets)
        if self.new_listings:
            self._insert(session)
        return self.lanes

    def _insert(self, session: Session) -> None:
        insert_rows(session, Listing, [listing for listing, _ in self.new_listings])
        variants = [listing["variant_id"] for listing, _ in self.new_listings]
        query = select(Listing.id, Listing.connection_id, Listing.site, Listing.variant_id)
        found = session.execute(query.where(Listing.variant_id.in_(variants)))
        ids = {(row[1], row[2], row[3]): row[0] for row in found}
        rows = [
            {"listing_id": ids[(listing["connection_id"], listing["site"], listing["variant_id"])], **facet}
            for listing, facets in self.new_listings
            for facet in facets
        ]
        insert_rows(session, FacetRow, rows)


def desired_values(offer: DesiredOffer) -> dict[str, dict[str, Any]]:
    """The facets of an offer as they are stored, compared and sent."""
    values: dict[str, dict[str, Any]] = {
        Facet.STOCK: {"quantity": offer.stock},
        Facet.CONTENT: {"sku": offer.sku, **offer.content.as_json()},
    }
    if offer.price is not None:
        values[Facet.PRICE] = offer.price.as_json()
    return values


def _state(state: str, live: bool, gone: bool, blocked: bool) -> str:
    if gone:
        return "ending" if live else "ended"
    if blocked and not live:
        return "blocked"
    if state in ("blocked", "ended", "rejected") and not live:
        return "new"
    return "live" if live and state == "ending" else state  # wanted again before its end went out


def _priority(name: str, value: dict[str, Any], acked: dict[str, Any]) -> int:
    if name != Facet.STOCK:
        return 3 if name == Facet.PRICE else 4
    return stock.urgency(value["quantity"], acked.get("quantity"))
