"""Read back and compare: catalogue, orders, offers and webhooks on both sides. Drift is found, not assumed away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.bulk import update_rows
from bridge.db.sent import KEPT as SENT_KEPT
from bridge.db.tables import (
    AlertRow,
    Connection,
    Delivery,
    FacetRow,
    Journal,
    Listing,
    Order,
    PlanRow,
    Poll,
    Problem,
    Product,
    ProofRow,
    Shop,
    StockSent,
    Variant,
)
from bridge.db.work import Claim, Mark
from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.money import Money
from bridge.domain.values import fingerprint
from bridge.flows import audit, catalogue, forgetting, keeping, offered, progress
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive
from bridge.flows.paging import offer_pages, pages
from bridge.flows.sites import place, subject
from bridge.ports.channel import OfferRef, Page, SaleStatus
from bridge.ports.errors import NotFound
from bridge.ports.http import lane
from bridge.ports.platform import OrderMark, ProductRef

OVERLAP = timedelta(minutes=10)
SHOWS_AFTER = timedelta(seconds=60)
DRIFT_LIMIT = 3
STATUS_BATCH = 25
STATUS_EVERY = timedelta(hours=6)
STATUS_SOON = timedelta(minutes=10)


def _poll(session: Session, row: Connection, flow: str) -> Poll | None:
    return session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == flow)).first()


def _since(engine: Engine, row: Connection, flow: str) -> datetime:
    with engine.db.read(row.shop_id) as session:
        poll = _poll(session, row, flow)
    text = poll.cursor.get("since") if poll is not None else None
    return (datetime.fromisoformat(text) if text else row.created_at) - OVERLAP


def _finish(engine: Engine, row: Connection, claims: list[Claim], flow: str, started: datetime, found: int) -> None:
    def act(session: Session) -> None:
        now = engine.clock()
        poll = _poll(session, row, flow)
        if poll is not None:
            poll.cursor, poll.last_ok_at, poll.last_count, poll.error = {"since": started.isoformat()}, now, found, None
        alive(session, row, now)
        work.done(session, claims, now)

    engine.db.transact(row.shop_id, act)


def poll_products(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.products``: what changed since the last look, with overlap. Webhooks may all be lost."""
    started, platform = engine.clock(), engine.platform(row)
    since = _since(engine, row, "poll.products")
    _marks(engine, row, claims, "poll.products", started, lambda cursor: platform.list_products(since, cursor))


def sweep_catalogue(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.catalogue``: every product; those that are known here and nowhere to be seen are read again."""
    started, platform = engine.clock(), engine.platform(row)
    with engine.db.read(row.shop_id) as session:
        poll = _poll(session, row, "poll.catalogue")
    before = poll.last_count if poll is not None and poll.last_ok_at is not None else None
    run = progress.Run(engine, row, claims, progress.CATALOGUE, before or None, can_stop=True)
    seen = _marks(engine, row, claims, None, started, lambda cursor: platform.list_products(None, cursor), run=run)
    if seen is None:
        run.end()
        return
    engine.db.transact(row.shop_id, _mark_unseen, row, seen, engine.clock())
    engine.ring({"stock"})
    _finish(engine, row, claims, "poll.catalogue", started, len(seen))
    engine.db.transact(row.shop_id, progress.ended, row.id, progress.CATALOGUE, engine.clock())


def sweep_variants(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.variants``: changes of variants that do not show on their product."""
    started, platform = engine.clock(), engine.platform(row)
    _marks(engine, row, claims, "poll.variants", started, platform.list_variants, variants=True)


def _marks(
    engine: Engine,
    row: Connection,
    claims: list[Claim],
    flow: str | None,
    started: datetime,
    read: Callable[[str | None], Page[ProductRef]],
    *,
    variants: bool = False,
    run: progress.Run | None = None,
) -> set[str] | None:
    """Walk a list and have those read again whose mark is not the one last seen. Returns all ids seen; None where
    somebody stopped it."""
    seen: set[str] = set()
    found = 0
    with lane("sweep"):
        for page in pages(read):
            changed = engine.db.transact(row.shop_id, _mark_changed, engine, row, page, variants, engine.clock())
            seen.update(ref.external_id for ref in page)
            found += changed
            goes_on = _goes_on(engine, row, claims, run, len(page))
            if changed:
                engine.ring({"stock"})
            if not goes_on:
                return None
    if flow is not None:
        _finish(engine, row, claims, flow, started, found)
    return seen


def _goes_on(engine: Engine, row: Connection, claims: list[Claim], run: progress.Run | None, more: int) -> bool:
    if run is not None:
        return run.went_on(more)
    engine.db.transact(row.shop_id, work.renew, claims, engine.clock())
    return True


def _mark_changed(
    session: Session, engine: Engine, row: Connection, refs: Sequence[ProductRef], variants: bool, now: datetime
) -> int:
    """Products nobody knows yet are taken as the list has brought them, if it has; all others are read."""
    known = _variant_marks(session, refs) if variants else _product_marks(session, refs)
    changed = {ref.external_id: ref for ref in refs if known.get(_key(ref, variants), "") != ref.mark}
    whole = [ref.product for ref in changed.values() if ref.product and ref.external_id not in known]
    taken = catalogue.take_in(engine, session, row, whole, now) if whole else set()
    fresh = sorted(changed.keys() - taken)
    marks = [Mark(row.id, "stock", "product.read", key, priority=work.LOOKED_FOR) for key in fresh]
    work.mark(session, row.shop_id, marks, now)
    if variants:
        _remember_variants(session, refs)
    else:
        _remember_products(session, list(changed.values()))
    return len(changed)


def _key(ref: ProductRef, variants: bool) -> str:
    return (ref.variant_id or ref.external_id) if variants else ref.external_id


def _product_marks(session: Session, refs: Sequence[ProductRef]) -> dict[str, str]:
    query = select(Product.external_id, Product.mark).where(Product.external_id.in_([ref.external_id for ref in refs]))
    return {item[0]: item[1] or "" for item in session.execute(query)}


def _variant_marks(session: Session, refs: Sequence[ProductRef]) -> dict[str, str]:
    ids = [ref.variant_id or ref.external_id for ref in refs]
    query = select(Variant.external_id, Variant.mark).where(Variant.external_id.in_(ids))
    return {item[0]: item[1] or "" for item in session.execute(query)}


def _remember_products(session: Session, refs: Sequence[ProductRef]) -> None:
    """From here on the work row is what remembers the change; the mark only keeps the next look from repeating it."""
    by_id = {ref.external_id: ref.mark for ref in refs}
    query = select(Product.id, Product.external_id).where(Product.external_id.in_(by_id))
    update_rows(session, Product, [{"id": item[0], "mark": by_id[item[1]]} for item in session.execute(query)])


def _remember_variants(session: Session, refs: Sequence[ProductRef]) -> None:
    by_id = {ref.variant_id or ref.external_id: ref.mark for ref in refs}
    query = select(Variant.id, Variant.external_id).where(Variant.external_id.in_(by_id))
    update_rows(session, Variant, [{"id": item[0], "mark": by_id[item[1]]} for item in session.execute(query)])


def _mark_unseen(session: Session, row: Connection, seen: set[str], now: datetime) -> None:
    known = session.scalars(select(Product.external_id).where(Product.deleted_at.is_(None)))
    marks = [Mark(row.id, "stock", "product.read", key, priority=3) for key in known if key not in seen]
    work.mark(session, row.shop_id, marks, now)


def poll_store_orders(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.store_orders``: what the merchant did with our orders, should every webhook be lost."""
    started, platform = engine.clock(), engine.platform(row)
    since = _since(engine, row, "poll.store_orders")
    found = 0
    with lane("orders"):
        for page in pages(lambda cursor: platform.list_orders(since, cursor)):
            found += engine.db.transact(row.shop_id, _mark_orders, row, page, engine.clock())
    _finish(engine, row, claims, "poll.store_orders", started, found)
    if found:
        engine.ring({"orders"})


def _mark_orders(session: Session, row: Connection, refs: Sequence[OrderMark], now: datetime) -> int:
    ids = {ref.external_id: ref for ref in refs}
    ours = {ref.marketplace_ref: ref for ref in refs if ref.marketplace_ref}
    query = select(Order).where(Order.store_order_id.in_(ids) | Order.ref.in_(ours))
    changed: list[Mark] = []
    for order in session.scalars(query):
        ref = ids.get(order.store_order_id or "-") or ours.get(order.ref)
        if ref is not None and order.store_mark != ref.mark:
            order.store_mark = ref.mark
            changed.append(Mark(row.id, "orders", "store_order.read", ref.external_id, priority=4))
    work.mark(session, row.shop_id, changed, now)
    return len(changed)


def audit_webhooks(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.webhooks``: created again when lost, switched on again when switched off; the gap is read."""
    started = engine.clock()
    with engine.db.read(row.shop_id) as session:
        public_id = session.get_one(Shop, row.shop_id).public_id
    secrets_ = list(row.webhook_secrets or [])
    if not secrets_:
        _finish(engine, row, claims, "poll.webhooks", started, 0)
        return
    url = f"{engine.public_url.rstrip('/')}/hooks/{public_id}/{row.id}"
    with lane("sweep"):
        audit = engine.platform(row).ensure_webhooks(url, secrets_[0])

    def act(session: Session) -> None:
        now = engine.clock()
        if audit.mended:
            text = f"webhooks of {row.title} were lost or switched off and are back: {', '.join(audit.mended)}"
            records.note(session, now, "webhooks", text, connection_id=row.id)
            marks = [
                Mark(row.id, "sweep", kind, "all") for kind in ("poll.products", "poll.variants", "poll.store_orders")
            ]
            work.mark(session, row.shop_id, marks, now)

    engine.db.transact(row.shop_id, act)
    _finish(engine, row, claims, "poll.webhooks", started, len(audit.mended))


def read_back(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.offers``: what the marketplace shows against what it acknowledged."""
    started, channel = engine.clock(), engine.channel(row)
    polling = engine.manifest(row).polling.get("offers")
    before = started - (timedelta(seconds=polling.shows_after) if polling else SHOWS_AFTER)
    drift = 0
    run = progress.Run(engine, row, claims, progress.READ_BACK, _live(engine, row), can_stop=True)
    with lane("sweep"):
        for page in offer_pages(channel.list_offers):
            drift += engine.db.transact(row.shop_id, _compare, row, page, before, engine.clock())
            if not run.went_on(len(page)):
                run.end()
                return
    _finish(engine, row, claims, "poll.offers", started, drift)
    engine.db.transact(row.shop_id, progress.ended, row.id, progress.READ_BACK, engine.clock())
    if drift:
        engine.ring({"stock", "content"})


def _live(engine: Engine, row: Connection) -> int:
    query = select(func.count()).select_from(Listing)
    with engine.db.read(row.shop_id) as session:
        return session.scalar(query.where(Listing.connection_id == row.id, Listing.offer_id.is_not(None))) or 0


def _compare(session: Session, row: Connection, page: Sequence[LiveOffer], before: datetime, now: datetime) -> int:
    offers = {(offer.site, offer.offer_id): offer for offer in page}
    query = (
        select(FacetRow, Listing)
        .join(Listing, Listing.id == FacetRow.listing_id)
        .where(Listing.connection_id == row.id, Listing.offer_id.in_([number for _, number in offers]))
        .where(FacetRow.facet.in_([Facet.STOCK.value, Facet.PRICE.value]))
    )
    drift = 0
    differs: dict[int, bool] = {}
    for facet, listing in session.execute(query).all():
        offer = offers.get((listing.site, listing.offer_id or ""))
        live = _live_value(facet.facet, offer) if offer is not None else None
        if live is None or not _settled(facet, before):
            continue
        same = fingerprint(live) == facet.acked_hash
        differs[listing.id] = differs.get(listing.id, False) or not same
        if not same:
            drift += 1
            _drifted(session, row, facet, listing, live, now)
    _mended(session, row, [number for number, wrong in differs.items() if not wrong], now)
    return drift


def _mended(session: Session, row: Connection, listings: Sequence[int], now: datetime) -> None:
    """What was left to a person is as it should be again."""
    query = select(Listing).where(Listing.id.in_(listings), Listing.drift_count > DRIFT_LIMIT)
    for listing in session.scalars(query):
        listing.drift_count = 0
        records.close_problem(session, now, "drift", subject(listing.sku, row, listing.site))


def _live_value(facet: str, offer: LiveOffer) -> dict[str, object] | None:
    if facet == Facet.STOCK:
        return None if offer.stock is None else {"quantity": offer.stock}
    return None if offer.price is None else Money.quantised(offer.price).as_json()


def _settled(facet: FacetRow, before: datetime) -> bool:
    """Only what was acknowledged long enough ago to show, and is not being changed, can have drifted."""
    idle = facet.desired_version == facet.acked_version and not facet.in_flight and bool(facet.acked_hash)
    return idle and facet.acked_at is not None and facet.acked_at < before


def _drifted(
    session: Session, row: Connection, facet: FacetRow, listing: Listing, live: dict[str, object], now: datetime
) -> None:
    """Sent again once; the same drift again and again is a person's business, not an endless loop."""
    listing.drift_count += 1
    where = subject(listing.sku, row, listing.site)
    text = f"{where}: {facet.facet} is {live} there, {facet.acked} was acknowledged"
    records.note(session, now, "drift", text, connection_id=row.id, sku=listing.sku)
    if listing.drift_count > DRIFT_LIMIT:
        records.open_problem(
            session,
            now,
            "drift",
            where,
            text,
            "Look for a second program or a person that changes this offer; it is not corrected again by itself.",
            connection_id=row.id,
        )
        return
    facet.desired_version += 1
    facet.acked, facet.acked_hash = live, fingerprint(live)
    facet.due_at, facet.event_at = now, now


def read_status(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.status``: whether our offers can be bought, and in the merchant's words why not."""
    started, channel = engine.clock(), engine.channel(row)
    with engine.db.read(row.shop_id) as session:
        query = select(Listing).where(
            Listing.connection_id == row.id, Listing.state == "live", Listing.status_due_at <= started
        )
        due = list(session.scalars(query.order_by(Listing.status_due_at).limit(STATUS_BATCH)))
    for listing in due:
        with lane("sweep"):
            try:
                status = channel.sale_status(_ref(listing))
            except NotFound:
                engine.db.transact(row.shop_id, offered.lost, listing.id, engine.clock())
                continue
        engine.db.transact(row.shop_id, _status, row, listing.id, status, engine.clock())
    _finish(engine, row, claims, "poll.status", started, len(due))


def _ref(listing: Listing) -> OfferRef:
    key, offer_id = str(listing.id), listing.offer_id or ""
    return OfferRef(key=key, site=listing.site, offer_id=offer_id, sku=listing.sku, gtin=listing.gtin)


def _status(session: Session, row: Connection, listing_id: int, status: SaleStatus, now: datetime) -> None:
    listing = session.get_one(Listing, listing_id)
    listing.for_sale, listing.sale_reasons = status.for_sale, list(status.reasons)
    listing.status_due_at = now + (STATUS_EVERY if status.for_sale else STATUS_SOON)
    where = subject(listing.sku, row, listing.site)
    if status.for_sale is False and status.reasons and not _sold_out(session, listing_id):
        fix = " ".join(dict.fromkeys(status.fixes)) or "See the marketplace's own page for this offer."
        text = f"{listing.sku} cannot be bought on {place(row, listing.site)}: {'; '.join(status.reasons)}"
        records.open_problem(session, now, "not_for_sale", where, text, fix, connection_id=row.id, severity="warning")
    else:
        records.close_problem(session, now, "not_for_sale", where)


def _sold_out(session: Session, listing_id: int) -> bool:
    """We show zero ourselves: that nobody can buy it is as it should be."""
    query = select(FacetRow.acked).where(FacetRow.listing_id == listing_id, FacetRow.facet == Facet.STOCK.value)
    acked = session.scalar(query)
    return acked is not None and acked.get("quantity") == 0


_AGEING: tuple[tuple[Any, Any], ...] = (
    (Delivery, Delivery.last_seen_at),
    (Problem, Problem.closed_at),
    (PlanRow, PlanRow.created_at),
    (AlertRow, AlertRow.at),
    (ProofRow, ProofRow.proved_at),
)


def _ageing(limit: datetime, of_people: datetime) -> list[tuple[Any, ColumnElement[bool]]]:
    """What is too old, by table. Who changed what is kept longer than the rest of the journal."""
    found = [(table, column < limit) for table, column in _AGEING]
    theirs = and_(Journal.author.is_not(None), Journal.at < of_people)
    return [*found, (Journal, or_(and_(Journal.author.is_(None), Journal.at < limit), theirs))]


def retire(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.retention``: what is too old goes: journal, deliveries, plans, alerts, closed problems; and what
    is held about buyers."""
    started = engine.clock()

    def act(session: Session) -> int:
        limit = started - keeping.kept(engine, session, row.shop_id).records
        removed = 0
        for table, old in [*_ageing(limit, started - audit.KEPT), (StockSent, StockSent.quarter < started - SENT_KEPT)]:
            result = session.execute(delete(table).where(old).execution_options(synchronize_session=False))
            removed += result.rowcount  # type: ignore[attr-defined]
        return removed

    removed = engine.db.transact(row.shop_id, act)
    removed += forgetting.forget(engine, row.shop_id)
    _finish(engine, row, claims, "poll.retention", started, removed)
