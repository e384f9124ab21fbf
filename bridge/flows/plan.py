"""A change of settings: seen before it takes effect, applied by its number, undone in one step.

A plan names the state of the settings it was made against; when they have moved on since, it is refused. What reaches
further than the limits (bridge/domain/blast.py) is applied only with a word of confirmation.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Change, Connection, Document, PlanRow, Variant
from bridge.flows import documents, polls, rates
from bridge.flows.documents import CONNECTION, SHARED, Key, Wish
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.held import CONFIRMED
from bridge.flows.project import read_chunk
from bridge.flows.tally import KINDS, Tally
from bridge.flows.views import ChannelView, channel_views
from bridge.ports.errors import AskMerchant, BridgeError, NotFound

CHUNK = 500
EXAMPLES = 20
MOST_EXAMPLES = 200
Row = dict[str, Any]
log = logging.getLogger(__name__)


def make(
    engine: Engine,
    shop_id: int,
    wishes: Sequence[Wish],
    author: str,
    note: str = "",
    *,
    examples: int = EXAMPLES,
    undoes: int | None = None,
) -> Row:
    """Work out what these wishes would do and keep that as a plan; nothing takes effect.

    Raises FieldErrors naming what cannot work, NotFound for what is not this shop's, AskMerchant when nothing would
    be written.
    """
    with engine.db.read(shop_id) as session:
        state, known = documents.state(session), documents.active(session)
        good = documents.checked(session, wishes, known)
        if not good:
            raise AskMerchant("This changes nothing: the settings say so already.", field="changes")
        after = documents.overlaid(known, good)
        store = store_connection(session)
    _have_rates(engine, store, after)
    with engine.db.read(shop_id) as session:
        ids = _touched(session, good, (known, after))
        reaches = {view.id: view.reach for view in channel_views(engine, session, settings=known)}
        views = [view for view in channel_views(engine, session, settings=after) if view.id in ids]
    most = max(0, min(examples, MOST_EXAMPLES))
    tallies = {(view.id, view.site): Tally(view.id, view.title, reaches[view.id], most) for view in views}
    last = 0
    while views and (last := _count(engine, shop_id, views, tallies, last)):
        pass
    found = {"channels": [tally.as_json() for tally in tallies.values()], "connections": sorted(ids)}
    over = [item for tally in tallies.values() for item in tally.over()]
    now = engine.clock()
    row = {"state": state, "wish": [wish.as_json() for wish in good], "found": found, "over": over}
    plan_id = engine.db.transact(shop_id, _save, row, author, note, undoes, now)
    with engine.db.read(shop_id) as session:
        return read(session, plan_id)


def _have_rates(engine: Engine, store: Connection | None, settings: dict[Key, Row]) -> None:
    """A first conversion is worked out with today's rates. Without them the plan says which prices are not known."""
    if store is None or not rates.needed(settings):
        return
    try:
        rates.ensure(engine, store)
    except BridgeError as error:
        log.warning("planning without new exchange rates: %s", error)


def _touched(session: Session, wishes: Sequence[Wish], settings: Sequence[dict[Key, Row]]) -> set[int]:
    """Connections whose listings these wishes may change."""
    ids: set[int] = set()
    for wish in wishes:
        if wish.subject.startswith(CONNECTION):
            ids.add(int(wish.subject.removeprefix(CONNECTION)))
        elif wish.subject.startswith(SHARED):
            ids |= _users(wish.subject.removeprefix(SHARED), settings)
        else:
            ids |= set(session.scalars(select(Connection.id).where(Connection.role == "channel")))
    return ids


def _users(name: str, settings: Sequence[dict[Key, Row]]) -> set[int]:
    return {
        int(subject.removeprefix(CONNECTION))
        for known in settings
        for (subject, kind), content in known.items()
        if kind == "sharing" and name in content.get("uses", ())
    }


def _count(
    engine: Engine, shop_id: int, views: Sequence[ChannelView], tallies: dict[tuple[int, str], Tally], after: int
) -> int:
    """One chunk of variants; returns the last of them, 0 when there was none. Nothing of it is kept in memory."""
    with engine.db.read(shop_id) as session:
        ids = list(session.scalars(select(Variant.id).where(Variant.id > after).order_by(Variant.id).limit(CHUNK)))
        if not ids:
            return 0
        for view, variant, listing, facets, made, gone in read_chunk(session, views, ids, lock=False).outcomes(views):
            tally = tallies.get((view.id, view.site))
            if tally is not None:  # what a site shows that is not used any more ends whatever is planned
                tally.add(variant, listing, facets, made, gone)
    return ids[-1]


def _save(session: Session, row: Row, author: str, note: str, undoes: int | None, now: datetime) -> int:
    plan = PlanRow(**row, author=author[:100], note=note[:2000], undoes=undoes, created_at=now)
    session.add(plan)
    session.flush()
    return plan.id


def read(session: Session, plan_id: int) -> Row:
    """A plan as people read it. Raises NotFound."""
    row = session.scalars(select(PlanRow).where(PlanRow.id == plan_id)).first()
    if row is None:
        raise NotFound(f"There is no plan {plan_id}.")
    return _shown(row, documents.state(session))


def plans(session: Session, limit: int = 25, below: int | None = None) -> list[Row]:
    """The newest first, without their examples."""
    query = select(PlanRow).order_by(PlanRow.id.desc()).limit(limit)
    if below is not None:
        query = query.where(PlanRow.id < below)
    state = documents.state(session)
    return [_shown(row, state) | {"examples": []} for row in session.scalars(query)]


def _shown(row: PlanRow, state: int) -> Row:
    channels = row.found.get("channels", [])
    names = ("id", "state", "author", "note", "undoes", "created_at", "applied_at", "change", "over")
    status = "applied" if row.applied_at else "open" if row.state == state else "out of date"
    return {
        **{name: getattr(row, name) for name in names},
        "status": status,
        "changes": row.wish,
        "channels": channels,
        "total": {kind: sum(item[kind] for item in channels) for kind in KINDS},
        "needs_confirmation": bool(row.over),
    }


def apply(engine: Engine, shop_id: int, plan_id: int, author: str, *, confirm: bool = False) -> Row:
    """Put a plan into effect; returns the change it became.

    Raises NotFound; AskMerchant when it was applied before, when the settings have moved on since it was made, or
    when it reaches beyond the limits and ``confirm`` is not said.
    """
    now = engine.clock()
    try:
        number = engine.db.transact(shop_id, _apply, plan_id, author, confirm, now)
    except IntegrityError:
        raise AskMerchant("Somebody else changed the settings in this moment: plan again.", field="plan") from None
    engine.ring({"sweep"})
    with engine.db.read(shop_id) as session:
        return documents.changes(session, 1, number + 1)[0]


def _apply(session: Session, plan_id: int, author: str, confirm: bool, now: datetime) -> int:
    row = session.scalars(select(PlanRow).where(PlanRow.id == plan_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"There is no plan {plan_id}.")
    _refuse(row, documents.state(session), confirm)
    wishes = [Wish.model_validate(item) for item in row.wish]
    total = _shown(row, row.state)["total"]
    number = documents.write(
        session, wishes, now, author, row.note, undoes=row.undoes, confirmed=bool(row.over), summary=total
    )
    documents.settle_drafts(session, wishes)
    row.applied_at, row.change = now, number
    connections: Collection[int] = row.found["connections"]
    key = CONFIRMED if row.over else "all"
    marks = [work.Mark(item, "sweep", "project.connection", key, priority=2) for item in connections]
    work.mark(session, row.shop_id, marks, now)
    if any(wish.kind in ("category_mapping", "category_overrides") for wish in wishes):
        polls.due_now(session, connections, "poll.requirements", now)
    what = f"undid change {row.undoes}" if row.undoes else "changed the settings"
    detail = {"change": number, "plan": row.id, "documents": [[item.subject, item.kind] for item in wishes]}
    records.note(session, now, "settings", f"{author} {what} (version {number})", detail=detail)
    return number


def _refuse(row: PlanRow, state: int, confirm: bool) -> None:
    if row.applied_at is not None:
        raise AskMerchant(f"Plan {row.id} was applied already, as version {row.change}.", field="plan")
    if row.state != state:
        text = (
            f"Plan {row.id} was made against version {row.state} of the settings; they are at version {state} by now. "
            "Plan again, and look at what it would do now."
        )
        raise AskMerchant(text, field="plan")
    if row.over and not confirm:
        reasons = " ".join(item["text"] for item in row.over)
        raise AskMerchant(f"This reaches beyond your limits. {reasons} Confirm it if it is meant.", field="confirm")


def undo(
    engine: Engine,
    shop_id: int,
    author: str,
    *,
    number: int | None = None,
    connection_id: int | None = None,
    confirm: bool = False,
) -> Row:
    """Bring back what held before a change (the newest that is not undone, of one connection if said); returns the
    change this became. Raises NotFound and AskMerchant."""
    with engine.db.read(shop_id) as session:
        number = number if number is not None else _newest(session, connection_id)
        wishes = documents.before(session, number)
    plan = make(engine, shop_id, wishes, author, f"Undoes version {number}", undoes=number)
    return apply(engine, shop_id, plan["id"], author, confirm=confirm)


def _newest(session: Session, connection_id: int | None) -> int:
    query = select(Change.number).where(Change.undone_by.is_(None), Change.undoes.is_(None))
    if connection_id is not None:
        touched = select(Document.id).where(
            or_(Document.since == Change.number, Document.until == Change.number),
            Document.subject == documents.of_connection(connection_id),
        )
        query = query.where(touched.exists())
    number = session.scalar(query.order_by(Change.number.desc()).limit(1))
    if number is None:
        raise AskMerchant("There is no change to undo.", field="change")
    return number
