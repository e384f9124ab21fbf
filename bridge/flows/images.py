"""What is known of the pictures of products: looked at once, and asked about again when it has grown old."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows, update_rows
from bridge.db.session import core_execute
from bridge.db.tables import Connection, ImageRow
from bridge.domain.checks import ImageFact
from bridge.flows.engine import Engine
from bridge.flows.looking import Known, Looker, Seen

GOOD_FOR = timedelta(days=7)
# Somebody may be mending it right now.
BAD_FOR = timedelta(hours=1)
PASSING_FOR = timedelta(minutes=10)
_AT_ONCE = 5000
_COLUMNS = ("id", "url_hash", "etag", "last_modified", "content_type", "width", "height", "size", "error", "due_at")
_KNOWN = select(*(getattr(ImageRow, name) for name in _COLUMNS)).where(
    ImageRow.url_hash.in_(bindparam("digests", expanding=True))
)


def facts(session: Session, urls: Iterable[str]) -> dict[str, ImageFact]:
    """By address, in one statement for 5,000; addresses that were never looked at are left out."""
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


def due(session: Session, urls: Iterable[str], now: datetime) -> list[Known]:
    """Those of these addresses that are to be looked at, each once."""
    wanted = [url for url in dict.fromkeys(urls) if not _leads_nowhere(url)]
    rows = _rows(session, wanted)
    # A fault has no validators worth asking with.
    return [
        Known(url, row["etag"], row["last_modified"]) if (row := rows.get(url)) and not row["error"] else Known(url)
        for url in wanted
        if url not in rows or rows[url]["due_at"] <= now
    ]


def look(engine: Engine, store: Connection, items: Sequence[Known]) -> list[Seen]:
    """Look at them, with the installation's guard and none of the hosts that a connection may call besides, and keep
    what was found. The database is not held meanwhile."""
    if not items:
        return []
    looker = Looker(engine.connection(store).transport.services)
    try:
        seen = looker.look(items)
    finally:
        looker.close()
    try:
        engine.db.transact(store.shop_id, _keep, seen, engine.clock())
    except IntegrityError:  # another process looked at the same picture meanwhile
        engine.db.transact(store.shop_id, _keep, seen, engine.clock())
    return seen


def _leads_nowhere(url: str) -> bool:
    """Names that are kept for examples (RFC 2606) are those of the demonstration."""
    host = urlsplit(url).hostname or "" if "://" in url else ""
    return host.endswith((".example", ".invalid"))


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
        **fact._asdict(),
        "checked_at": now,
        "due_at": now + wait,
    }


def _rows(session: Session, urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    by_digest = {_digest(url): url for url in urls}
    digests = list(by_digest)
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(digests), _AT_ONCE):
        given = {"digests": digests[at : at + _AT_ONCE]}
        rows = (dict(zip(_COLUMNS, row, strict=True)) for row in core_execute(session, _KNOWN, given))
        found |= {by_digest[row["url_hash"]]: row for row in rows}
    return found


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
