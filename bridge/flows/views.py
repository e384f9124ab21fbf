"""What projecting needs to know of each marketplace connection, compiled once per state of its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, func, select
from sqlalchemy.orm import Session

from bridge.db.session import core_execute
from bridge.db.tables import Change, Connection, RateDay, RequirementRow
from bridge.domain.blast import Reach
from bridge.domain.bundles import NO_BUNDLES, BundleIndex, Bundles
from bridge.domain.pricing.exchange import Rates
from bridge.domain.safety import Away
from bridge.domain.stock import StockPolicy
from bridge.flows import account, documents, needs, rates
from bridge.flows.documents import SHARED, SHOP, Key, of_connection
from bridge.flows.engine import Engine
from bridge.flows.pace import latencies
from bridge.flows.price_tables import vat_table
from bridge.flows.shape import Basis, Shape
from bridge.flows.sites import place, used_sites

# Made once: making these statements costs more than running them.
_SHOP = bindparam("shop", type_=Integer())
_TOLD = ("id", "shop_id", "role", "adapter", "title", "settings", "info", "sandbox")
_THERE = (
    select(*(getattr(Connection, name) for name in _TOLD))
    .where(Connection.state.not_in(("connecting", "disconnected")))
    .order_by(Connection.id)
)
_STATE = select(
    *(
        part.scalar_subquery()
        for part in (
            select(func.max(Change.number)).where(Change.shop_id == _SHOP),
            select(func.max(RequirementRow.changed_at)).where(RequirementRow.shop_id == _SHOP),
            select(func.count(RequirementRow.id)).where(RequirementRow.shop_id == _SHOP),
            select(func.max(RateDay.fetched_at)),
        )
    )
)


@dataclass(frozen=True)
class ChannelView:
    """One site of a marketplace connection as projecting sees it. ``used`` False: the merchant no longer sells there,
    and what is listed there ends. ``frozen``: quantities may only fall, prices and texts rest. ``sandbox``: nobody
    buys there. ``bundles``: of the shop."""

    id: int
    title: str
    reach: Reach
    shape: Shape
    now: Callable[[], datetime]
    site: str = ""
    used: bool = True
    latencies: Mapping[int, float] = field(default_factory=dict)
    frozen: bool = False
    sandbox: bool = False
    bundles: BundleIndex = NO_BUNDLES


def channel_views(
    engine: Engine, session: Session, only: int | None = None, settings: Mapping[Key, dict[str, Any]] | None = None
) -> list[ChannelView]:
    """The sites of the shop's channel connections, parked ones included: they are caught up when they come back. One
    whose adapter is not installed (any more) stands in nobody's way.

    ``settings``: as if these documents held; default: those that do.
    """
    there = core_execute(session, _THERE)
    rows = [row for row in there if row.role == "channel" and only in (None, row.id) and row.adapter in engine.channels]
    store = next((dict(row.info or {}) for row in there if row.role == "platform"), {})
    if settings is not None:
        return _views(engine, session, rows, settings, store)
    return _remembered(engine, session, rows, store)


def _remembered(engine: Engine, session: Session, rows: list[Any], store: Mapping[str, Any]) -> list[ChannelView]:
    """Views are made again when the settings or the connection changed. The documents are read only then."""
    stamp = (engine.clock().date(), *_state(session), store)
    stamps = {row.id: repr((stamp, row.title, row.settings, row.info, row.sandbox)) for row in rows}
    known = {row.id: engine.compiled.get((row.shop_id, row.id)) for row in rows}
    if all((found := known[row.id]) is not None and found[0] == stamps[row.id] for row in rows):
        return [view for row in rows for view in known[row.id][1]]  # type: ignore[index]
    views = _views(engine, session, rows, documents.active(session), store)
    for row in rows:
        engine.compiled[row.shop_id, row.id] = (stamps[row.id], [view for view in views if view.id == row.id])
    return views


def _state(session: Session) -> tuple[Any, ...]:
    """What else views are made of, in one statement: settings, requirements, exchange rates."""
    return tuple(core_execute(session, _STATE, {"shop": session.info["shop_id"]}).one())


def _views(
    engine: Engine,
    session: Session,
    rows: list[Any],
    settings: Mapping[Key, dict[str, Any]],
    store: Mapping[str, Any],
) -> list[ChannelView]:
    table = rates.table(session, settings.get((SHOP, "rates"), {}))
    bundles = BundleIndex(Bundles.model_validate(settings.get((SHOP, "bundles"), {})))
    views = [
        replace(view, bundles=bundles)
        for row in rows
        for view in _sites(engine, session, row, of(row.id, settings), table, store)
    ]
    if not any(view.shape.is_adaptive for view in views):
        return views
    measured = latencies(session)
    return [replace(view, latencies=measured) for view in views]


def _sites(
    engine: Engine,
    session: Session,
    row: Any,
    own: Mapping[str, Any],
    table: Rates | None,
    store: Mapping[str, Any],
) -> list[ChannelView]:
    """One view for each site that is used; one in all where an account is one site."""
    manifest, safe = engine.manifest(row), account.safe(row)
    basis = Basis(
        manifest=manifest,
        currency=manifest.currency,
        country=manifest.countries[0] if manifest.countries else None,
        settings=own,
        today=engine.clock().date(),
        base={name: row.settings[name] for name in StockPolicy.model_fields if name in row.settings},
        store=store,
        categories=_category_paths(session, row.id) if own.get("attribute_mapping") else {},
        rates=table,
        requirements=needs.known(session, row.id),
        connection=row.settings,
        state=documents.state(session),
        vat=vat_table(),
        safe=safe,
        guard=account.guard(row),
    )
    reach = Reach.model_validate(own.get("reach", {}))
    sites, frozen = used_sites(manifest, row), safe is not None and safe.mode is Away.FREEZE
    whole = ChannelView(row.id, row.title, reach, Shape(basis), engine.clock, frozen=frozen, sandbox=bool(row.sandbox))
    if not sites:
        return [whole]
    bases = [replace(basis, currency=site.currency, country=site.country) for site in sites]
    return [
        replace(whole, title=place(row, site.code), shape=Shape(own_basis), site=site.code)
        for site, own_basis in zip(sites, bases, strict=True)
    ]


def _category_paths(session: Session, connection_id: int) -> dict[str, tuple[str, ...]]:
    return {item.id: item.path for item in needs.tree(session, connection_id)}


def of(connection_id: int, settings: Mapping[Key, dict[str, Any]]) -> dict[str, Any]:
    """The documents that hold for a connection, by kind: the shop's, under its own; ``shared`` are the rule sets it
    uses besides its own rules, in order."""
    subject = of_connection(connection_id)
    found: dict[str, Any] = {kind: content for (owner, kind), content in settings.items() if owner == SHOP}
    found |= {kind: content for (owner, kind), content in settings.items() if owner == subject}
    uses = found.get("sharing", {}).get("uses", ())
    found["shared"] = [settings[key] for name in uses if (key := (f"{SHARED}{name}", "rules")) in settings]
    return found
