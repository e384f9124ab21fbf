"""Letting a connection go: what it shows is taken down where the merchant wants that, webhooks are removed,
credentials are forgotten. Orders and the journal stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.orm import Session

from bridge.db.records import close_problem, note, open_problem
from bridge.db.tables import Connection, FacetRow, Listing, ModuleRow, NonceRow, Order, Poll, Problem, TokenRow, Work
from bridge.domain.listing import Facet
from bridge.flows import module_health
from bridge.flows.connecting import get, hook_url
from bridge.flows.engine import Engine
from bridge.flows.wish import DISCONNECTED, LEFT
from bridge.ports.channel import ItemResult, Outcome, StockUpdate
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.http import patience
from bridge.ports.manifest import Capability

ROUNDS = 3
PATIENCE = 120.0  # a person waits for this, and every listing counts
SETTLE_ROUNDS, SETTLE_PAUSE = 50, 0.2
# Problems that are over when nothing more is asked of a connection, sent to it or tried; those of a kind begin so.
OVER = (
    "reauthorise", "products_wait", "expiring", "silence", "stale", "stock_stuck", "ship_by", "feed_unfetched",
    "change_held",
    "vat_unsaid", "score_near", "drift", "not_for_sale", "offer_refused", "requirements_changed", "category_gone",
    "orders_incomplete", *module_health.KINDS,
)  # fmt: skip
OVER_TOO = ("parked.", "rejected.")
_TAKEN_DOWN = (Outcome.APPLIED, Outcome.SUBMITTED, Outcome.MISSING)


@dataclass(frozen=True)
class Disconnected:
    """What was done. ``refused`` names listings that still show their last quantity, with the reason."""

    title: str
    zeroed: int = 0
    refused: tuple[str, ...] = ()
    webhooks_removed: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stakes:
    """What stands on a connection: asked before it is let go."""

    title: str
    role: str
    live_listings: int
    open_orders: int


def stakes(engine: Engine, shop_id: int, connection_id: int) -> Stakes:
    row = get(engine, shop_id, connection_id)
    with engine.db.read(shop_id) as session:
        live = session.scalar(select(func.count()).select_from(Listing).where(_live(row.id)))
        orders = session.scalar(
            select(func.count()).select_from(Order).where(Order.connection_id == row.id, Order.closed_at.is_(None))
        )
    return Stakes(row.title, row.role, int(live or 0), int(orders or 0))


def _live(connection_id: int) -> ColumnElement[bool]:
    return and_(Listing.connection_id == connection_id, Listing.offer_id.is_not(None))


def disconnect(engine: Engine, shop_id: int, connection_id: int, *, zero_listings: bool) -> Disconnected:
    """Let it go. With ``zero_listings`` every live listing shows 0 first, and what the marketplace refuses is
    named. Raises AskMerchant when it is gone already, and what the marketplace raises while listings are zeroed:
    then nothing has been disconnected."""
    row = get(engine, shop_id, connection_id)
    if row.state == DISCONNECTED:
        raise AskMerchant(f"{row.title} is disconnected already.", field="connection")
    zeroed, refused = _zero(engine, row) if zero_listings and row.role == "channel" else (0, ())
    removed, warnings = _remove_webhooks(engine, row)
    now = engine.clock()
    engine.db.transact(shop_id, _let_go, connection_id, now)
    return Disconnected(row.title, zeroed, refused, removed, warnings)


def _zero(engine: Engine, row: Connection) -> tuple[int, tuple[str, ...]]:
    """Nothing else goes out meanwhile: the connection is paused, and again as it was when this breaks off."""
    _set_state(engine, row, "paused", "being disconnected")
    try:
        _settle_down(engine, row)
        return _send_zeros(engine, row)
    except BaseException:
        _set_state(engine, row, row.state, row.state_reason)
        raise


def _set_state(engine: Engine, row: Connection, state: str, reason: str) -> None:
    now = engine.clock()

    def act(session: Session) -> None:
        mine = session.get_one(Connection, row.id)
        mine.state, mine.state_reason, mine.state_since = state, reason, now

    engine.db.transact(row.shop_id, act)


def _send_zeros(engine: Engine, row: Connection) -> tuple[int, tuple[str, ...]]:
    manifest, channel = engine.manifest(row), engine.channel(row)
    waiting = list(_updates(engine, row))
    zeroed = 0
    refused: dict[str, str] = {}

    def send(batch: Sequence[StockUpdate]) -> list[tuple[StockUpdate, ItemResult]]:
        with patience(PATIENCE):
            return list(zip(batch, channel.update_stock(batch), strict=True))

    with ThreadPoolExecutor(manifest.concurrency, thread_name_prefix="zero") as pool:
        for _ in range(ROUNDS):
            batches = _batches(waiting, manifest.batch_size("update_stock"))
            results = [pair for part in pool.map(send, batches) for pair in part]
            zeroed += sum(result.outcome in _TAKEN_DOWN for _, result in results)
            refused |= {item.sku: result.message for item, result in results if result.outcome is Outcome.REJECTED}
            waiting = [item for item, result in results if result.outcome is Outcome.RETRY]
            if not waiting:
                break
    refused |= {item.sku: "not applied in time" for item in waiting}
    return zeroed, tuple(f"{sku}: {reason}" for sku, reason in refused.items())


def _settle_down(engine: Engine, row: Connection) -> None:
    """Wait for what is on its way, so that it cannot arrive after our zero."""
    on_its_way = select(func.count()).where(FacetRow.connection_id == row.id, FacetRow.leased_until > engine.clock())
    for _ in range(SETTLE_ROUNDS):
        with engine.db.read(row.shop_id) as session:
            if not session.scalar(on_its_way):
                return
        engine.stopping.wait(SETTLE_PAUSE)


def _updates(engine: Engine, row: Connection) -> Iterator[StockUpdate]:
    with engine.db.read(row.shop_id) as session:
        listings = session.scalars(select(Listing).where(_live(row.id)).order_by(Listing.id)).all()
    for listing in listings:
        yield StockUpdate(
            key=str(listing.id),
            site=listing.site,
            offer_id=str(listing.offer_id),
            sku=listing.sku,
            gtin=listing.gtin,
            stock=0,
        )


def _batches(items: Sequence[StockUpdate], size: int) -> Iterator[Sequence[StockUpdate]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _remove_webhooks(engine: Engine, row: Connection) -> tuple[int, tuple[str, ...]]:
    """A store that no longer answers cannot hold anyone back; its webhooks are named instead."""
    if row.role != "platform" or Capability.WEBHOOKS not in engine.manifest(row).capabilities:
        return 0, ()
    url = hook_url(engine, row.shop_id, row.id)
    try:
        return engine.platform(row).remove_webhooks(url), ()
    except BridgeError as error:
        return 0, (f"The store's webhooks to {url} could not be removed, remove them there: {error.merchant}",)


def left(engine: Engine, row: Connection, how: str = "removed") -> None:
    """The store has removed or disconnected the app (``how``): nothing of it can be reached any more, and its secrets
    are forgotten. Listings stay as they are, for the merchant to decide about."""
    now = engine.clock()

    def act(session: Session) -> None:
        _let_go(session, row.id, now)
        text = f"{row.title} has {how} Storebridge. Marketplaces go on showing the last quantities."
        fix = "Install or connect it again in the store, or disconnect the marketplaces with their listings set to 0."
        open_problem(session, now, "store_left", f"connection {row.id}", text, fix, connection_id=row.id)

    engine.db.transact(row.shop_id, act)


def _let_go(session: Session, connection_id: int, now: datetime) -> None:
    row = session.get_one(Connection, connection_id)
    row.state, row.state_reason, row.state_since = DISCONNECTED, "disconnected by the merchant", now
    address = (row.credentials or {}).get("url")
    row.info = {**(row.info or {}), **({LEFT: {"url": address}} if address else {})}
    row.credentials, row.webhook_secrets = {}, []
    for table in (Poll, Work, TokenRow, ModuleRow, NonceRow):
        session.execute(delete(table).where(table.connection_id == connection_id))
    # Whatever is shown there from now on is not ours to know: on reconnecting, every quantity is sent again.
    session.execute(
        update(FacetRow)
        .where(
            FacetRow.facet == Facet.STOCK.value, FacetRow.listing_id.in_(select(Listing.id).where(_live(connection_id)))
        )
        .values(acked_version=0, acked_hash="", acked={})
        .execution_options(synchronize_session=False)
    )
    _close_problems(session, connection_id, now)
    note(session, now, "connect", f"{row.title}: disconnected", connection_id=connection_id)


def _close_problems(session: Session, connection_id: int, now: datetime) -> None:
    """Nothing of it is asked, sent or tried any more. What a person still has to do there stays: orders, returns."""
    mine = select(Problem).where(Problem.connection_id == connection_id, Problem.closed_at.is_(None))
    for row in session.scalars(mine).all():
        if row.kind in OVER or row.kind.startswith(OVER_TOO):
            close_problem(session, now, row.kind, row.subject)
