"""What became of an offer that was to be made: live, refused, or accepted for later and still on its way.

A marketplace may take minutes or days to make an offer. Meanwhile its listing is ``submitted``, nothing is made again,
and what it was told stands in the facets as if acknowledged, so that only what changed since is sent when it is live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, FacetRow, Listing, Submission
from bridge.domain.listing import Facet
from bridge.domain.values import fingerprint
from bridge.flows.advice import CORRECT_TO_OFFER
from bridge.flows.sites import place, subject
from bridge.flows.submit import submit

STATUS_AFTER = timedelta(seconds=60)
# Made, says the marketplace, and not to be found yet: so long it is looked for before it is made again.
SHOWS_UP = timedelta(hours=6)
# Accepted for later, and there is nothing to follow: so long it is looked for.
UNTOLD = timedelta(days=2)
# Taken from its offer by hand: that offer stands there still, so nothing is offered anew unasked.
UNLINKED = "unlinked"


def release(session: Session, row: Listing, **values: Any) -> None:
    """Record and let go; nothing happens when the lease of ``row`` was lost meanwhile."""
    session.execute(
        update(Listing)
        .where(Listing.id == row.id, Listing.lease_token.is_not_distinct_from(row.lease_token))
        .values(leased_until=None, lease_token=None, **values)
        .execution_options(synchronize_session=False)
    )


def told(session: Session, listing_id: int, values: Mapping[str, dict[str, Any]], *, keep: bool = False) -> None:
    """What of the facets the marketplace has. ``keep``: what is not among ``values`` is as it was told before."""
    for facet in session.scalars(select(FacetRow).where(FacetRow.listing_id == listing_id)):
        value = values.get(facet.facet)
        if value is not None or not keep:
            facet.acked, facet.acked_hash = value or {}, fingerprint(value) if value else ""
    session.flush()


def live(session: Session, channel: Connection, row: Listing, offer_id: str, gtin: str | None, now: datetime) -> None:
    """It exists, and everything is sent that it was not told. One that is not wanted any more ends at once."""
    release(
        session,
        row,
        offer_id=offer_id,
        gtin=gtin,
        state=case((Listing.wanted, "live"), else_="ending"),
        pending=Listing.wanted.is_(False),
        due_at=now,
        error=None,
        attempts=0,
        status_due_at=now + STATUS_AFTER,
        linked_by=None,
        linked_at=None,
    )
    for facet in session.scalars(select(FacetRow).where(FacetRow.listing_id == row.id)):
        if facet.acked_hash == facet.desired_hash:
            facet.acked_version, facet.acked_at, facet.in_flight = facet.desired_version, now, False
            continue
        facet.desired_version += 1
        facet.due_at = now
        facet.priority = 1 if facet.facet == Facet.STOCK else facet.priority
    records.close_problem(session, now, "offer_refused", subject(row.sku, channel, row.site))


def refused(
    session: Session, channel: Connection, row: Listing, message: str, field: str | None, now: datetime
) -> None:
    told(session, row.id, {})
    release(session, row, state="rejected", pending=False, error=message[:2000])
    records.open_problem(
        session,
        now,
        "offer_refused",
        subject(row.sku, channel, row.site),
        f"{place(channel, row.site)} refused the listing of {row.sku}: {message}",
        CORRECT_TO_OFFER,
        connection_id=channel.id,
        detail=f"field {field}" if field else "",
    )


def submitted(
    session: Session, channel: Connection, row: Listing, gtin: str | None, submission: str | None, now: datetime
) -> None:
    """Accepted for later: followed to its end, or looked for where there is nothing to follow."""
    values: dict[str, Any] = {"gtin": gtin, "attempts": 0, "error": None}
    if submission:
        submit(session, channel, "offer", row.id, submission, now)
        release(session, row, state="submitted", pending=False, **values)
        return
    name = f"offer-{row.id}-{now.timestamp():.6f}"
    session.add(
        Submission(
            connection_id=channel.id, external_id=name, kind="offer", subject_id=row.id, state="untold",
            submitted_at=now, next_check_at=now + UNTOLD,
        )
    )  # fmt: skip
    release(session, row, state="unknown", due_at=now + work.backoff(5), **values)


def ended(
    session: Session, channel: Connection, item: Submission, good: bool, entity: str | None, message: str, now: datetime
) -> None:
    """The submission that was to make an offer has ended (or is no longer known: then the offer is looked for)."""
    row = session.get(Listing, item.subject_id)
    if row is None or row.offer_id is not None:
        return
    if good and entity:
        live(session, channel, row, entity, row.gtin, now)
        text = f"offer of {row.sku} on {place(channel, row.site)} created as {entity}"
        records.note(session, now, "offer", text, connection_id=channel.id, sku=row.sku)
    elif item.state == "failed":
        refused(session, channel, row, message, None, now)
    else:
        if not good:
            told(session, row.id, {})
        item.next_check_at = now + SHOWS_UP if good else now
        release(session, row, state="unknown", pending=True, due_at=now, attempts=0, error=message[:2000])


def _nothing_told(session: Session, listing_id: int) -> None:
    session.execute(
        update(FacetRow)
        .where(FacetRow.listing_id == listing_id)
        .values(acked={}, acked_hash="")
        .execution_options(synchronize_session=False)
    )


def lost(session: Session, listing_id: int, now: datetime) -> None:
    """It is looked up, and made again when it is still wanted; the new one is told everything. Not where somebody has
    unlinked it meanwhile."""
    _nothing_told(session, listing_id)
    session.execute(
        update(Listing)
        .where(Listing.id == listing_id, Listing.state != UNLINKED)
        .values(
            offer_id=None,
            linked_by=None,
            linked_at=None,
            state=case((Listing.wanted, "new"), else_="ended"),
            pending=Listing.wanted,
            due_at=now,
            version=Listing.version + 1,
        )
        .execution_options(synchronize_session=False)
    )


def unlinked(session: Session, listing_id: int, now: datetime) -> None:
    """It stays without an offer until offers have been compared anew, or a person asks (:func:`anew`). Whoever is
    about to send something for it loses its lease."""
    _nothing_told(session, listing_id)
    session.execute(
        update(Listing)
        .where(Listing.id == listing_id)
        .values(
            offer_id=None,
            linked_by=None,
            linked_at=now,
            state=UNLINKED,
            pending=False,
            leased_until=None,
            lease_token=None,
            version=Listing.version + 1,
        )
        .execution_options(synchronize_session=False)
    )


def anew(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    """Those of ``which`` that were unlinked are looked for there, and offered where they are wanted and not found.
    Returns how many they are."""
    result: Any = session.execute(
        update(Listing)
        .where(which, Listing.state == UNLINKED)
        .values(
            state="new", pending=Listing.wanted, linked_at=None, due_at=now, attempts=0, version=Listing.version + 1
        )
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def to_make(session: Session, rows: Sequence[Listing], now: datetime) -> list[Listing]:
    """Of listings that were looked up and not found: those to make now. Not while one may be on its way, and not
    when it is no longer wanted or something blocks it."""
    query = select(Submission.subject_id, Submission.state).where(
        Submission.kind == "offer",
        Submission.subject_id.in_([row.id for row in rows]),
        (Submission.state == "pending") | (Submission.next_check_at > now),
    )
    on_its_way = {found[0]: found[1] for found in session.execute(query)}
    fresh = []
    for row in rows:
        blocked = any(item.get("blocking") for item in row.findings)
        if on_its_way.get(row.id) == "pending":
            release(session, row, state="submitted", pending=False)
        elif row.id in on_its_way:
            wait = work.backoff(row.attempts + 4)
            release(session, row, state="unknown", due_at=now + wait, attempts=row.attempts + 1)
        elif not row.wanted or blocked:
            release(session, row, state="blocked" if row.wanted else "ended", pending=False, attempts=0)
        else:
            fresh.append(row)
    return fresh
