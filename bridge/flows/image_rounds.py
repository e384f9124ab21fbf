"""Going through the pictures of a shop, some at a time; what turns out to matter is projected again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Poll, Product, Variant
from bridge.db.work import Claim
from bridge.domain.checks import ImageFact
from bridge.domain.checks.images import faults_of
from bridge.domain.checks.limits import ImageLimit
from bridge.flows import images, project
from bridge.flows.engine import Engine
from bridge.flows.looking import Known

# Pictures looked at, and products gone through, in one round.
LOOKS = 200
PRODUCTS = 200
PAGES = 10
FLOW = "poll.images"


def refresh(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.images``: one round, from where the last one ended."""
    with engine.db.read(row.shop_id) as session:
        poll = session.scalars(_poll(row)).first()
        after = int(poll.cursor.get("after", 0)) if poll else 0
    reached, count, lanes = one_round(engine, row, after)
    engine.db.transact(row.shop_id, _finish, row, claims, reached or 0, count, engine.clock())
    engine.ring(lanes)


def refresh_shop(engine: Engine, row: Connection) -> int:
    """Round after round until every picture that was due has been looked at. Returns how many were."""
    after, total = 0, 0
    while not engine.stopping.is_set():
        reached, count, lanes = one_round(engine, row, after)
        engine.ring(lanes)
        total += count
        if reached is None:
            break
        after = reached
    return total


def one_round(engine: Engine, row: Connection, after: int) -> tuple[int | None, int, set[str]]:
    """The product it came to (None: the last one), how many pictures were looked at, and lanes that now have work."""
    now = engine.clock()
    with engine.db.read(row.shop_id) as session:
        limits = _limits(engine, session)
        products: dict[int, list[str]] = {}
        items: list[Known] = []
        reached: int | None = after
        for _ in range(PAGES if limits else 0):
            page = _page(session, reached or 0)
            products |= page
            items += images.due(session, (url for urls in page.values() for url in urls), now)
            reached = max(page) if len(page) == PRODUCTS else None
            if reached is None or len(items) >= LOOKS:
                break
        before = images.facts(session, [item.url for item in items])
    if not limits:
        return None, 0, set()
    images.look(engine, row, items)
    with engine.db.read(row.shop_id) as session:
        now_known = images.facts(session, [item.url for item in items])
    turned = {url for url, fact in now_known.items() if _turned(url, before.get(url), fact, limits)}
    touched = [key for key, urls in products.items() if not turned.isdisjoint(urls)]
    lanes: set[str] = engine.db.transact(row.shop_id, _project, engine, touched, engine.clock()) if touched else set()
    return reached, len(items), lanes


def _turned(url: str, before: ImageFact | None, after: ImageFact, limits: Iterable[ImageLimit]) -> bool:
    """Whether it can be used now where it could not before, or the other way round."""
    return any(list(faults_of(url, limit, before)) != list(faults_of(url, limit, after)) for limit in limits)


def _limits(engine: Engine, session: Session) -> list[ImageLimit]:
    """What the connected marketplaces demand of pictures."""
    query = select(Connection).where(
        Connection.role == "channel", Connection.state.not_in(("connecting", "disconnected"))
    )
    return [engine.manifest(row).checks.images for row in session.scalars(query) if engine.is_installed(row)]


def _page(session: Session, after: int) -> dict[int, list[str]]:
    """The next products that are still there, each with the addresses of its pictures."""
    query = select(Product.id, Product.data).where(Product.id > after, Product.deleted_at.is_(None))
    found = {
        key: list(data.get("images") or ()) for key, data in session.execute(query.order_by(Product.id).limit(PRODUCTS))
    }
    variants = select(Variant.product_id, Variant.data).where(
        Variant.product_id.in_(found), Variant.deleted_at.is_(None)
    )
    for key, data in session.execute(variants.order_by(Variant.id)):
        found[key] += [url for url in (data.get("image"), *(data.get("images") or ())) if url]
    return found


def _project(session: Session, engine: Engine, products: Collection[int], now: datetime) -> set[str]:
    query = select(Variant.id).where(Variant.product_id.in_(products), Variant.deleted_at.is_(None))
    ids = list(session.scalars(query.order_by(Variant.id)))
    return project.project(session, project.channel_views(engine, session), ids, now, now)


def _poll(row: Connection) -> Any:
    return select(Poll).where(Poll.connection_id == row.id, Poll.flow == FLOW)


def _finish(session: Session, row: Connection, claims: list[Claim], after: int, count: int, now: datetime) -> None:
    poll = session.scalars(_poll(row)).first()
    if poll is not None:
        poll.last_ok_at, poll.last_count, poll.error, poll.cursor = now, count, None, {"after": after}
    work.done(session, claims, now)
