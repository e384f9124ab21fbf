"""What a marketplace takes of no product, until a person has changed something in the connection or over there.

One problem for each connection says how many wait, and why; none for each product. They stay as they are, are tried
again now and then, and at once when the connection is renewed (:func:`bridge.flows.push.wake`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, FacetRow, Listing, Problem
from bridge.flows import offered
from bridge.flows.sites import subject as of_listing
from bridge.flows.watched import Told, keep
from bridge.ports.channel import ItemResult
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.manifest import Manifest

KIND = "products_wait"
AGAIN = timedelta(hours=6)
TOO_LONG = 2000
FIX = (
    "Change it in the account’s settings or on the marketplace, as it says. What waits goes out by itself then: at "
    "once when the settings are saved, else within six hours."
)


def is_of_all(manifest: Manifest, said: BridgeError | ItemResult) -> bool:
    """Whether a refusal is about the connection and not about one item. A call that raises AskMerchant for all that it
    was given is; so is a result whose ``field`` names a setting or a credential."""
    if isinstance(said, AskMerchant):
        return True
    return bool(said.field) and said.field in {field.name for field in (*manifest.settings, *manifest.credentials)}


def words(message: str) -> str:
    """As it stands on what waits."""
    return f"For every product: {message}"[:TOO_LONG]


MARK = words("")  # what waits is known by it


def offers_wait(session: Session, channel: Connection, rows: Sequence[Listing], message: str, now: datetime) -> None:
    """Offers that cannot be made, or not be ended."""
    for row in rows:
        values = {"pending": True, "due_at": now + AGAIN, "error": words(message)}
        if row.offer_id is None:
            offered.told(session, row.id, {})
            values["state"] = "rejected"
        offered.release(session, row, **values)
    names = [of_listing(row.sku, channel, row.site) for row in rows]
    records.close_problems(session, now, "offer_refused", names)
    tell(session, channel, now)


def waited(error: str | None) -> bool:
    """Whether what has this error waits for the connection."""
    return bool(error and error.startswith(MARK))


def tell(session: Session, channel: Connection, now: datetime) -> None:
    """As it stands now."""
    session.flush()
    check(session, [channel], now)


def went_on(session: Session, channel: Connection, now: datetime) -> None:
    """Something went out that had been tried before: where products wait, these may have been the last of them."""
    told = (Problem.kind == KIND, Problem.subject == _subject(channel.id), Problem.closed_at.is_(None))
    if session.scalars(select(Problem.id).where(*told)).first() is not None:
        tell(session, channel, now)


def check(session: Session, rows: Sequence[Connection], now: datetime) -> None:
    """``rows``: the marketplaces that were looked at; what waits no more is told no more."""
    found = {_subject(row.id): told for row in rows if (told := _told(session, row)) is not None}
    looked_at = {_subject(row.id) for row in rows}
    keep(session, now, KIND, found, lambda subject: subject in looked_at)


def _told(session: Session, row: Connection) -> Told | None:
    """Products are counted, however many sites and values of each wait."""
    each = union(_offers(row.id), _updates(row.id)).subquery()
    query = select(each.c.error, func.count()).group_by(each.c.error).order_by(func.count().desc(), each.c.error)
    reasons = [(str(error).removeprefix(MARK), int(count)) for error, count in session.execute(query)]
    if not reasons:
        return None
    count = sum(units for _, units in reasons)
    why = "; ".join(f"{units}: {reason}" for reason, units in reasons) if len(reasons) > 1 else reasons[0][0]
    text = f"{count} products wait on {row.title}, for a reason that is none of their own: {why}"
    if count == 1:
        text = f"1 product waits on {row.title}, for a reason that is none of its own: {why}"
    return Told(text, FIX, row.id)


def _offers(connection_id: int) -> Select[str | None, int]:
    query = select(Listing.error, Listing.variant_id).where(Listing.connection_id == connection_id, Listing.pending)
    return query.where(Listing.error.startswith(MARK))


def _updates(connection_id: int) -> Select[str | None, int]:
    query = select(FacetRow.error, Listing.variant_id).join(Listing, Listing.id == FacetRow.listing_id)
    query = query.where(FacetRow.connection_id == connection_id, FacetRow.desired_version > FacetRow.acked_version)
    return query.where(FacetRow.error.startswith(MARK))


def _subject(connection_id: int) -> str:
    return f"connection {connection_id}"
