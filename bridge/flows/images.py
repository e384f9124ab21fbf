"""What is known of the pictures of products: looked at once, and asked about again when it has grown old."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows, update_rows
from bridge.db.tables import Connection, ImageRow, Product, Variant
from bridge.domain.checks import ImageFact
from bridge.flows.engine import Engine
from bridge.flows.looking import Known, Looker, Seen

GOOD_FOR = timedelta(days=7)
# Somebody may be mending it right now.
BAD_FOR = timedelta(hours=1)
PASSING_FOR = timedelta(minutes=10)
PRODUCTS = 200
AT_ONCE = 100
_COLUMNS = ("id", "url_hash", "etag", "last_modified", "content_type", "width", "height", "size", "error", "due_at")


def facts(session: Session, urls: Iterable[str]) -> dict[str, ImageFact]:
    """By address, in one statement; addresses that were never looked at are left out."""
    known = _rows(session, list(urls))
    return {
        url: ImageFact(
            content_type=row["content_type"],
            width=row["width"],
            height=row["height"],
            size=row["size"],
            error=row["error"],
        )
        for url, row in known.items()
    }


def refresh(engine: Engine, store: Connection, urls: Sequence[str]) -> int:
    """Look at those of these addresses that are due, and keep what was found. Returns how many were."""
    looker, shop_id = _looker(engine, store), store.shop_id
    try:
        return sum(_look(engine, looker, shop_id, urls[at : at + AT_ONCE]) for at in range(0, len(urls), AT_ONCE))
    finally:
        looker.close()


def refresh_shop(engine: Engine, store: Connection) -> int:
    """Every picture of every product that is still there, some products at a time. Returns how many were looked at."""
    looker, shop_id = _looker(engine, store), store.shop_id
    after, count = 0, 0
    try:
        while not engine.stopping.is_set():
            with engine.db.read(shop_id) as session:
                last, urls = _of_products(session, after)
            if last is None:
                break
            after = last
            for start in range(0, len(urls), AT_ONCE):
                count += _look(engine, looker, shop_id, urls[start : start + AT_ONCE])
    finally:
        looker.close()
    return count


def _looker(engine: Engine, store: Connection) -> Looker:
    """With the installation's guard, and none of the hosts that a connection may call besides."""
    return Looker(engine.connection(store).transport.services)


def _of_products(session: Session, after: int) -> tuple[int | None, list[str]]:
    query = select(Product.id, Product.data).where(Product.id > after, Product.deleted_at.is_(None))
    rows = session.execute(query.order_by(Product.id).limit(PRODUCTS)).all()
    if not rows:
        return None, []
    ids = [row[0] for row in rows]
    variants = session.scalars(
        select(Variant.data).where(Variant.product_id.in_(ids), Variant.deleted_at.is_(None)).order_by(Variant.id)
    )
    found = [url for row in rows for url in row[1].get("images") or ()]
    for data in variants:
        found += [url for url in (data.get("image"), *(data.get("images") or ())) if url]
    return ids[-1], list(dict.fromkeys(found))


def _look(engine: Engine, looker: Looker, shop_id: int, urls: Sequence[str]) -> int:
    """The database is not held while the outside is asked."""
    now = engine.clock()
    with engine.db.read(shop_id) as session:
        rows = _rows(session, urls)
    due = [url for url in dict.fromkeys(urls) if url not in rows or rows[url]["due_at"] <= now]
    # A fault has no validators worth asking with.
    items = [
        Known(url, row["etag"], row["last_modified"]) if (row := rows.get(url)) and not row["error"] else Known(url)
        for url in due
    ]
    seen = looker.look(items)
    if seen:
        try:
            engine.db.transact(shop_id, _keep, seen, engine.clock())
        except IntegrityError:  # another process looked at the same picture meanwhile
            engine.db.transact(shop_id, _keep, seen, engine.clock())
    return len(seen)


def _keep(session: Session, seen: Sequence[Seen], now: datetime) -> None:
    known = _rows(session, [item.url for item in seen])
    fresh, changed = [], []
    for item in seen:
        row = known.get(item.url)
        values = _values(item, row, now)
        if row is None:
            fresh.append({"url_hash": _digest(item.url), "url": item.url, **values})
        else:
            changed.append({"id": row["id"], **values})
    insert_rows(session, ImageRow, fresh)
    update_rows(session, ImageRow, changed)


def _values(item: Seen, row: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """What was good before stays so through a passing fault."""
    if row is not None and (item.fact is None or (item.passing and not row["error"])):
        wait = PASSING_FOR if item.passing else GOOD_FOR
        kept = {name: row[name] for name in _COLUMNS if name not in ("id", "url_hash", "due_at")}
        return {**kept, "checked_at": now, "due_at": now + wait}
    fact = item.fact or ImageFact()
    wait = PASSING_FOR if item.passing else BAD_FOR if fact.error else GOOD_FOR
    return {
        "etag": item.etag,
        "last_modified": item.last_modified,
        **fact.as_json(),
        "checked_at": now,
        "due_at": now + wait,
    }


def _rows(session: Session, urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    by_digest = {_digest(url): url for url in urls}
    if not by_digest:
        return {}
    columns = (getattr(ImageRow, name) for name in _COLUMNS)
    found = session.execute(select(*columns).where(ImageRow.url_hash.in_(by_digest)))
    rows = (dict(zip(_COLUMNS, row, strict=True)) for row in found)
    return {by_digest[row["url_hash"]]: row for row in rows}


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
