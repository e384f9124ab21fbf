"""The catalogue snapshot: products are re-read from the store, compared, and everything that follows is projected.

A reading is compared and swapped by ``snapshot_version``: two readings of one product can never overwrite each
other in the wrong order. Reservations are released by exactly those readings that began after the store order
was known to be placed: whichever of webhook, poll or response comes first, the units are counted once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, null, or_, select, union_all
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.bulk import update_rows
from bridge.db.session import Asks, core_execute
from bridge.db.tables import Connection, Order, OrderLine, Product, Reservation, Variant
from bridge.db.work import Claim, Mark
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.matching import LOOSELY
from bridge.domain.stock import countable
from bridge.flows import alike, at_once, progress, project, short
from bridge.flows.apart import together
from bridge.flows.engine import Engine
from bridge.flows.held import CONFIRMED
from bridge.flows.holding import held
from bridge.flows.outcome import alive
from bridge.flows.steps import step
from bridge.ports.http import lane
from bridge.ports.platform import ProductBatch

CHUNK = 500
TOGETHER = 20  # products written by one transaction: others want to write too
AT_ONCE = 4  # of so few products the new stock is claimed for sending where it is worked out
LATER = timedelta(seconds=5)
PATIENCE = 3  # tries together, before a store that fails at all of them is asked for each
# A store that takes its time is not kept busy with being read: what is due next gathers for twice as long.
QUICK, BREATH, LONGEST_BREATH = 0.05, 2.0, 0.5
# Made once: making these statements costs more than running them.
_IDS: Any = bindparam("ids", expanding=True)
_KNOWN = select(Product.external_id, Product.snapshot_version).where(Product.external_id.in_(_IDS))
_PLACED = (
    select(null(), Reservation.id)
    .join(Variant, Variant.id == Reservation.variant_id)
    .join(Product, Product.id == Variant.product_id)
    .where(Product.external_id.in_(_IDS), Reservation.state == "placed")
)
_TICKETS: Any = union_all(_KNOWN, _PLACED)
_PRODUCTS = (
    select(Product.id, Product.external_id, Product.snapshot_version, Product.deleted_at)
    .where(Product.external_id.in_(_IDS))
    .order_by(Product.id)
    .with_for_update()
)
_NAMES = (Variant.id, Variant.product_id, Variant.external_id, Variant.sku, Variant.gtin, Variant.pool)
_VARIANTS = select(*_NAMES, Variant.deleted_at).where(Variant.product_id.in_(_IDS))


@dataclass(frozen=True)
class _Before:
    """What was known when the reading began."""

    tickets: dict[str, int]
    placed: set[int]


def read_products(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``product.read``: read products from the store and bring everything in line with them."""
    with held(engine, row.shop_id, claims):
        together(engine, claims, lambda some: _read_together(engine, row, some), PATIENCE)


def _read_together(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    ids = [claim.key for claim in claims]
    with engine.db.glance(row.shop_id) as session:
        before = _before(session, ids)
    began = time.monotonic()
    with lane("stock"):
        batch = engine.platform(row).fetch_products(ids)
    seconds = time.monotonic() - began
    step("product.read.fetched")
    for start in range(0, len(claims), TOGETHER):
        now = engine.clock()
        part = claims[start : start + TOGETHER]
        with at_once.Ahead(engine) as ahead:
            lanes = engine.db.transact(row.shop_id, _record, engine, row, part, batch, before, now, ahead)
            step("product.read.recorded")
        if lanes:
            engine.ring(lanes)
    if seconds > QUICK:
        engine.stopping.wait(min(BREATH * seconds, LONGEST_BREATH))


def read_pools(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``pool.read``: the store names only who holds the stock; the products of that pool are read. One that
    nobody knows belongs to a product that is still to be read, which brings its stock along."""
    pools = [claim.key for claim in claims]
    query = select(Product.external_id).join(Variant, Variant.product_id == Product.id).where(Variant.pool.in_(pools))

    def act(session: Session) -> None:
        now = engine.clock()
        mark_products(session, row.id, sorted(set(session.scalars(query))), now)
        work.done(session, claims, now)

    engine.db.transact(row.shop_id, act)
    engine.ring({"stock"})


def _before(session: Asks, ids: Sequence[str]) -> _Before:
    rows = core_execute(session, _TICKETS, {"ids": ids}).all()
    tickets = {row[0]: row[1] for row in rows if row[0] is not None}
    return _Before(tickets, {row[1] for row in rows if row[0] is None})


def _record(
    session: Session,
    engine: Engine,
    row: Connection,
    claims: list[Claim],
    batch: ProductBatch,
    before: _Before,
    now: datetime,
    ahead: at_once.Ahead,
) -> set[str]:
    mine = work.still_mine(session, claims)
    by_key = {claim.key: claim for claim in claims if claim.id in mine}
    writer = _Snapshot(session, now, before, list(by_key))
    for product in batch.products:
        if product.external_id in by_key:
            writer.apply(product)
    for external_id in batch.missing:
        if external_id in by_key:
            writer.gone(external_id)
    writer.finish()
    event_at = min((claim.first_marked_at for claim in by_key.values()), default=now)
    views = project.channel_views(engine, session)
    lanes = project.project(session, views, writer.touched, now, event_at, left=writer.left)
    parcels: list[at_once.Parcel] = []
    if "stock" in lanes and len(claims) <= AT_ONCE and engine.beside is not None:
        parcels = at_once.claim(session, writer.touched, now)
    lanes |= _rematch(session, writer.new_skus, now)
    lanes |= short.watch(engine, session, writer.pools, now)
    if batch.parents:
        mark_products(session, row.id, batch.parents, now)
        lanes.add("stock")
    work.put_back(session, [by_key[key] for key in writer.overtaken], now)
    later = {key for key in batch.later if key in by_key}
    work.put_back(session, [by_key[key] for key in later], now + LATER, "the store wants fewer calls")
    work.done(session, [claim for key, claim in by_key.items() if key not in writer.overtaken | later], now)
    alive(session, row, now)
    ahead.begin(parcels)
    return lanes


def take_in(
    engine: Engine, session: Session, row: Connection, products: Sequence[StoreProduct], now: datetime
) -> set[str]:
    """Products that nobody knows yet, as a list has brought them along. Returns the ids that need no reading."""
    ids = [product.external_id for product in products]
    writer = _Snapshot(session, now, _Before({}, set()), ids)
    for product in products:
        writer.apply(product)
    writer.finish()
    project.project(session, project.channel_views(engine, session), writer.touched, now, now, left=writer.left)
    _rematch(session, writer.new_skus, now)
    alive(session, row, now)
    return set(ids) - writer.overtaken


class _Known(NamedTuple):
    """A product as the readings before have left it."""

    id: int
    external_id: str
    snapshot_version: int
    deleted_at: datetime | None


class _Snapshot:
    """Writes readings of products; collects the variants that must be projected."""

    def __init__(self, session: Session, now: datetime, before: _Before, ids: Sequence[str]) -> None:
        self.session = session
        self.now = now
        self.before = before
        self.new_skus: set[str] = set()
        self.left: set[str] = set()
        self.overtaken: set[str] = set()
        self.pools: set[str] = set()
        self._new: list[Variant] = []
        self._changes = _Changes()
        self._products = {row.external_id: _Known(*row) for row in core_execute(session, _PRODUCTS, {"ids": ids})}
        self._known: defaultdict[int, list[Any]] = defaultdict(list)
        owners = [row.id for row in self._products.values()]
        for variant in core_execute(session, _VARIANTS, {"ids": owners}) if owners else ():
            self._known[variant.product_id].append(variant)

    @property
    def touched(self) -> list[int]:
        """The variants that must be projected, once everything is finished."""
        return sorted(self._changes.variants | {row.id for row in self._new})

    def apply(self, product: StoreProduct) -> None:
        row = self._product(product.external_id)
        if row is None:
            return
        data = product.model_copy(update={"variants": ()}).as_json()
        self._written(row, title=product.title, data=data, deleted_at=None)
        known = {item.external_id: item for item in self._known[row.id]}
        for variant in product.variants:
            self._variant(row.id, known.pop(variant.external_id, None), variant)
        for left in known.values():
            self._drop(left)

    def gone(self, external_id: str) -> None:
        row = self._product(external_id, create=False)
        if row is None or row.deleted_at is not None:
            return
        self._written(row, deleted_at=self.now)
        for variant in self._known[row.id]:
            self._drop(variant)

    def finish(self) -> None:
        """Write it, and release: units of store orders that were placed before this reading began are now in the
        store's own number."""
        self._changes.write(self.session)
        if self.before.placed:
            query = select(Reservation).where(Reservation.id.in_(self.before.placed), Reservation.state == "placed")
            for held in self.session.scalars(query):
                if held.pool in self.pools:
                    held.state, held.released_at = "released", self.now
        self.session.flush()

    def _product(self, external_id: str, *, create: bool = True) -> _Known | None:
        row = self._products.get(external_id)
        expected = self.before.tickets.get(external_id)
        if row is None and expected is None:
            return self._added(external_id) if create else None
        if row is None or row.snapshot_version != expected:
            self.overtaken.add(external_id)  # somebody else's reading came in between: read again
            return None
        return row

    def _added(self, external_id: str) -> _Known:
        row = Product(external_id=external_id, title="", data={}, snapshot_version=0)
        self.session.add(row)
        self.session.flush()
        self.session.expunge(row)  # what follows is written by column
        return _Known(row.id, external_id, 0, None)

    def _written(self, row: _Known, **values: Any) -> None:
        version = row.snapshot_version + 1
        self._products[row.external_id] = row._replace(snapshot_version=version)
        self._changes.product(row.id, snapshot_version=version, read_at=self.now, **values)

    def _variant(self, product_id: int, row: Any, variant: StoreVariant) -> None:
        self.pools.add(variant.stock.pool)
        if variant.sku and (row is None or row.sku != variant.sku or row.gtin != variant.gtin):
            self.new_skus.add(variant.sku)
        if row is not None and row.sku and row.sku != variant.sku:
            self.left.add(row.sku)
        names = {"sku": variant.sku, "gtin": variant.gtin, "pool": variant.stock.pool}
        values: dict[str, Any] = {
            "title": variant.title,
            "on_hand": countable(variant.stock),
            "data": variant.as_json(),
        }
        values |= {"deleted_at": None, "read_at": self.now}
        if row is None:
            new = Variant(product_id=product_id, external_id=variant.external_id, **names, **values)
            self.session.add(new)
            self._new.append(new)
            return
        same = all(getattr(row, name) == value for name, value in names.items())
        self._changes.variant(row.id, **values, **({} if same else names))

    def _drop(self, row: Any) -> None:
        self._changes.variant(row.id, deleted_at=row.deleted_at or self.now)


class _Changes:
    """Of products and variants that are there: written together, those of the same columns by one statement. What
    variants are found by is written only where it is another: each of these columns is an index more to write."""

    def __init__(self) -> None:
        self.variants: set[int] = set()
        self._products: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        self._variants: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)

    def product(self, number: int, **values: Any) -> None:
        self._products[tuple(values)].append({"id": number, **values})

    def variant(self, number: int, **values: Any) -> None:
        self.variants.add(number)
        self._variants[tuple(values)].append({"id": number, **values})

    def write(self, session: Session) -> None:
        for rows in self._products.values():
            update_rows(session, Product, rows)
        for rows in self._variants.values():
            update_rows(session, Variant, rows)


def _rematch(session: Session, skus: Iterable[str], now: datetime) -> set[str]:
    """Orders that wait for one of these products, or came without it, get another chance."""
    names = sorted(set(skus))
    if not names:
        return set()
    gtins = select(Variant.gtin).where(Variant.sku.in_(names), Variant.gtin.is_not(None))
    query = (
        select(Order.connection_id, Order.external_id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(
            or_(Order.store_state == "held", Order.accept_state.in_(("wanted", "asked")), OrderLine.without_product),
            OrderLine.variant_id.is_(None),
        )
        .where(alike.named(OrderLine.sku, LOOSELY, names) | OrderLine.gtin.in_(gtins))
        .distinct()
    )
    marks = [Mark(row[0], "orders", "orders.import", row[1], priority=2) for row in session.execute(query)]
    work.mark(session, session.info["shop_id"], marks, now)
    return {"orders"} if marks else set()


def project_connection(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``project.connection``: the full compare of every variant with one connection, in chunks. The key
    ``confirmed``: a person has agreed to however far it reaches; ``check``: somebody only wants to look, and may
    stop it."""
    confirmed = any(claim.key == CONFIRMED for claim in claims)
    with engine.db.read(row.shop_id) as session:
        total = session.scalar(select(func.count()).select_from(Variant)) or 0
    can_stop = all(claim.key == progress.STARTED[progress.CHECK] for claim in claims)
    run = progress.Run(engine, row, claims, progress.CHECK, total, can_stop=can_stop)
    after = 0
    while (found := engine.db.transact(row.shop_id, _project_chunk, engine, row.id, after, confirmed)).ids:
        after = found.ids[-1]
        if found.lanes:
            engine.ring(found.lanes)
        if not run.went_on(len(found.ids)):
            break
    run.end()


class _Chunk(NamedTuple):
    ids: list[int]
    lanes: set[str]


def _project_chunk(session: Session, engine: Engine, connection_id: int, after: int, confirmed: bool) -> _Chunk:
    query = select(Variant.id).where(Variant.id > after).order_by(Variant.id).limit(CHUNK)
    ids = list(session.scalars(query))
    if not ids:
        return _Chunk(ids, set())
    now = engine.clock()
    views = project.channel_views(engine, session, connection_id)
    return _Chunk(ids, project.project(session, views, ids, now, now, confirmed=confirmed, alone=True))


def mark_products(session: Session, connection_id: int, external_ids: Iterable[str], now: datetime) -> None:
    """Have these products read again, soon."""
    marks = [Mark(connection_id, "stock", "product.read", key, priority=4) for key in external_ids]
    work.mark(session, session.info["shop_id"], marks, now)


def project_pools(
    engine: Engine, session: Session, pools: Sequence[str], now: datetime, event_at: datetime
) -> set[str]:
    """Every listing that shares stock with these pools, on every channel, at once."""
    ids = list(session.scalars(select(Variant.id).where(Variant.pool.in_(pools))))
    return project.project(session, project.channel_views(engine, session), ids, now, event_at)


def release_order(session: Session, order_id: int, now: datetime) -> list[str]:
    """Give back what an order had reserved (it was cancelled before the store took it off). Returns the pools."""
    query = select(Reservation).where(Reservation.order_id == order_id, Reservation.state != "released")
    held = list(session.scalars(query))
    for item in held:
        item.state, item.released_at = "released", now
    session.flush()
    return [item.pool for item in held]


def products_of_order(session: Session, order_id: int) -> list[str]:
    """The store's product ids of an order's lines, and of what they are made of."""
    sold = select(OrderLine.variant_id).where(OrderLine.order_id == order_id)
    held = select(Reservation.variant_id).where(Reservation.order_id == order_id)
    query = select(Product.external_id).join(Variant, Variant.product_id == Product.id)
    return sorted(set(session.scalars(query.where(Variant.id.in_(sold.union(held))))))
