"""Changes that reach too far wait for a person: counted, told as one problem per marketplace, released by its word.

Whatever brought them about, a mass edit in the store as well as a setting: the value that waits stands beside the one
that is live, and what is live stays as it is. Stock is never held: it must be right whatever else waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, FacetRow, Listing
from bridge.domain.blast import Reach, moved_percent
from bridge.domain.money import Money
from bridge.flows import documents
from bridge.flows.documents import SHOP, of_connection
from bridge.flows.engine import Engine
from bridge.flows.views import ChannelView
from bridge.ports.errors import AskMerchant, NotFound

KIND = "change_held"
# A price that waits for a word, and one that has it and is on its way.
_PRICE_WAITS = FacetRow.held_hash.is_not(None) & (
    FacetRow.approved_hash.is_(None) | (FacetRow.approved_hash != FacetRow.held_hash)
)
EXAMPLES = 5
EVERYTHING = 1_000_000
CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Only:
    """Some of what waits on a marketplace: by SKU, on one site or all (None), or by the number of the listing."""

    skus: tuple[str, ...] = ()
    listings: tuple[int, ...] = ()
    site: str | None = None

    def means(self, item: Mapping[str, Any]) -> bool:
        named = not (self.skus or self.listings) or item["sku"] in self.skus or item["listing"] in self.listings
        return named and self.site in (None, item["site"])


def too_many_end(session: Session, view: ChannelView, fresh: int, now: datetime) -> bool:
    """Whether ``fresh`` more endings, with those of the last while and those that wait, are more than may be."""
    since = now - timedelta(minutes=view.reach.within_minutes)
    lately = (Listing.wanted.is_(False)) & (Listing.event_at >= since) & (Listing.end_hold != "approved")
    waiting = Listing.end_hold == "held"
    query = select(
        func.count().filter(or_(lately, waiting)), func.count().filter(or_(Listing.offer_id.is_not(None), lately))
    ).where(Listing.connection_id == view.id)
    ended, live = session.execute(query).one()
    return view.reach.ends_too_many(int(ended) + fresh, int(live))


def reach(session: Session, connection_id: int) -> Reach:
    """What may go unasked on this marketplace: its own limits, else the shop's."""
    row = documents.read(session, of_connection(connection_id), "reach") or documents.read(session, SHOP, "reach")
    return Reach.model_validate(row.content if row else {})


def subject(connection_id: int) -> str:
    return f"connection {connection_id}"


def tell(session: Session, connection_ids: Collection[int], now: datetime) -> None:
    """One problem per marketplace, as long as anything of it waits."""
    prices = select(FacetRow.connection_id, func.count()).where(_PRICE_WAITS)
    ends = select(Listing.connection_id, func.count()).where(Listing.end_hold == "held")
    moved = _counts(session, prices.where(FacetRow.connection_id.in_(connection_ids)).group_by(FacetRow.connection_id))
    ended = _counts(session, ends.where(Listing.connection_id.in_(connection_ids)).group_by(Listing.connection_id))
    titles = select(Connection.id, Connection.title).where(Connection.id.in_(connection_ids))
    for connection_id, title in session.execute(titles).all():
        counts = (moved.get(connection_id, 0), ended.get(connection_id, 0))
        if not any(counts):
            records.close_problem(session, now, KIND, subject(connection_id))
            continue
        _open(session, connection_id, str(title), counts, now)


def _counts(session: Session, query: Any) -> dict[int, int]:
    return {int(row[0]): int(row[1]) for row in session.execute(query)}


def _open(session: Session, connection_id: int, title: str, counts: tuple[int, int], now: datetime) -> None:
    moved, ended = counts
    parts = [f"{moved} price change{'s' * (moved != 1)}"] * bool(moved)
    parts += [f"the end of {ended} listing{'s' * (ended != 1)}"] * bool(ended)
    shown = waiting(session, connection_id, EXAMPLES)
    records.open_problem(
        session,
        now,
        KIND,
        subject(connection_id),
        f"Waiting for you on {title}: {' and '.join(parts)}. It reaches beyond your limits; what is live stays.",
        f"If they are meant, confirm them: all here, or one by one under Plans (storebridge confirm {connection_id}; "
        "--sku means one); if not, correct them in the store.",
        connection_id=connection_id,
        detail="\n".join(item["text"] for item in shown),
        severity="warning",
    )


def waiting(session: Session, connection_id: int, limit: int = 50) -> list[dict[str, Any]]:
    """What waits, with a line for people: prices first, then endings."""
    prices = (
        select(Listing.id, Listing.sku, Listing.site, FacetRow.acked, FacetRow.held)
        .join(Listing, Listing.id == FacetRow.listing_id)
        .where(FacetRow.connection_id == connection_id, _PRICE_WAITS)
        .order_by(FacetRow.id)
        .limit(limit)
    )
    found = [
        {"listing": number, "site": site, **_price(sku, acked, held)}
        for number, sku, site, acked, held in session.execute(prices)
    ]
    ends = select(Listing.id, Listing.sku, Listing.site)
    ends = ends.where(Listing.connection_id == connection_id, Listing.end_hold == "held")
    rows = session.execute(ends.order_by(Listing.id).limit(limit - len(found)))
    return found + [
        {"listing": number, "site": site, "sku": sku, "field": "listing", "text": f"{sku}: would end"}
        for number, sku, site in rows
    ]


def _price(sku: str, acked: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    old, new = Money.model_validate(acked), Money.model_validate(held["value"])
    percent = moved_percent(old, new)
    text = f"{sku}: {old.text()} -> {new.text()}" + (f" ({percent:+} %)" if percent is not None else "")
    return {"sku": sku, "field": "price", "old": old.text(), "new": new.text(), "text": text}


def confirm(engine: Engine, shop_id: int, connection_id: int, author: str, only: Only | None = None) -> int:
    """Release what waits on a connection now, or ``only`` some of it; returns how much it was. Raises NotFound,
    AskMerchant."""
    now = engine.clock()
    count = engine.db.transact(shop_id, _confirm, connection_id, author, only, now)
    engine.ring({"sweep"})
    return count


def _confirm(session: Session, connection_id: int, author: str, only: Only | None, now: datetime) -> int:
    row = session.scalars(
        select(Connection).where(Connection.id == connection_id, Connection.role == "channel")
    ).first()
    if row is None:
        raise NotFound("There is no such marketplace connection.")
    prices = update(FacetRow).where(FacetRow.connection_id == row.id, _PRICE_WAITS)
    prices = prices.values(approved_hash=FacetRow.held_hash)
    ends = update(Listing).where(Listing.connection_id == row.id, Listing.end_hold == "held")
    if only is not None:
        meant = [item["listing"] for item in waiting(session, row.id, EVERYTHING) if only.means(item)]
        prices, ends = prices.where(FacetRow.listing_id.in_(meant)), ends.where(Listing.id.in_(meant))
    count = 0
    for statement in (prices, ends.values(end_hold="approved")):
        result = session.execute(statement.execution_options(synchronize_session=False))
        count += int(result.rowcount)  # type: ignore[attr-defined]
    if not count:
        what = f"Nothing of {', '.join(only.skus) or 'that'}" if only else "Nothing"
        raise AskMerchant(f"{what} waits on {row.title}.", field="connection")
    work.mark(session, row.shop_id, [work.Mark(row.id, "sweep", "project.connection", "all", priority=2)], now)
    text = f"{row.title}: {count} held change{'s' * (count != 1)} confirmed by {author}"
    records.note(session, now, "confirmed", text, connection_id=row.id)
    session.flush()
    tell(session, [row.id], now)
    return count
