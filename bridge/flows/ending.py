"""A merchant's word that everything of their shop is to be deleted: now, or as soon as what is under way on the
marketplaces is over. It goes the way of a store's own request (bridge/flows/privacy.py): kept, done, told with a
report; accounts are let go first (bridge/flows/leaving.py)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, null, select
from sqlalchemy.orm import Session

from bridge.db import privacy as held
from bridge.db.records import note
from bridge.db.tables import Connection, Listing, Order, PrivacyRequest, RefundRow, ReturnRow, Shop
from bridge.flows import leaving, privacy
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.wish import CONNECTING, DISCONNECTED
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.manifest import Capability

ZERO, KEEP = "zero", "keep"  # what becomes of the listings
NOW, OVER = "now", "over"  # when
PLATFORM, TOPIC = "storebridge", "settings"
BROKEN_OFF = timedelta(minutes=15)  # one that is done now, and is not by then, is gone on with

log = logging.getLogger("storebridge.flows")


@dataclass(frozen=True)
class Matter:
    """Something under way that needs what would be deleted. ``what``: orders, returns or refunds; ``until``: the latest
    deadline among them, None where none is told."""

    what: str
    count: int
    until: datetime | None


@dataclass(frozen=True)
class Pending:
    """A deletion that waits for what is under way; at ``until`` it waits no longer."""

    number: int
    author: str
    asked_at: datetime
    until: datetime


@dataclass(frozen=True)
class Stakes:
    """What a person sees before they say yes."""

    held: Mapping[str, int]
    live_listings: int
    matters: Sequence[Matter]
    pending: Pending | None


def matters(session: Session) -> list[Matter]:
    """Orders that are neither shipped nor cancelled whole, returns without an end, refunds that are not paid."""
    open_orders = (Order.closed_at.is_(None), Order.store_state != "skipped")
    found = [
        ("orders", select(func.count(), func.max(Order.ship_by)).where(*open_orders)),
        ("returns", select(func.count(), func.max(ReturnRow.respond_by)).where(ReturnRow.closed_at.is_(None))),
        ("refunds", select(func.count(), null()).where(RefundRow.state.not_in(("done", "failed")))),
    ]
    told = [(what, *session.execute(query).one()) for what, query in found]
    return [Matter(what, count, until) for what, count, until in told if count]


def stakes(session: Session, shop_id: int) -> Stakes:
    live = select(func.count()).select_from(Listing).join(Connection, Connection.id == Listing.connection_id)
    live = live.where(Listing.offer_id.is_not(None), Connection.state != DISCONNECTED)
    return Stakes(
        held.counted(session, shop_id), session.scalar(live) or 0, matters(session), pending(session, shop_id)
    )


def pending(session: Session, shop_id: int) -> Pending | None:
    row = session.scalars(_waiting().where(PrivacyRequest.shop_id == shop_id)).first()
    return Pending(row.id, str(row.subject["author"]), row.received_at, row.due_at) if row is not None else None


def _waiting() -> Any:
    ours = (PrivacyRequest.kind == privacy.ERASE_SHOP, PrivacyRequest.done_at.is_(None))
    return select(PrivacyRequest).where(*ours).order_by(PrivacyRequest.id)


def ask(engine: Engine, shop_id: int, said: Mapping[str, str], author: str) -> dict[str, Any] | None:
    """``said``: ``name`` (that of the shop, typed as it is), ``listings`` (zero or keep) where some are live, ``when``
    (now or over) where something is under way. Returns the report; None while it waits.

    Raises FieldErrors, AskMerchant when it was asked before, and what a marketplace raises while its listings are set
    to 0: then nothing has been deleted.
    """
    with engine.db.read(shop_id) as session:
        name, at_stake = session.get_one(Shop, shop_id).name, stakes(session, shop_id)
    if at_stake.pending is not None:
        raise AskMerchant("The deletion was asked for already; it waits.", field="name")
    _refuse(name, at_stake, said)
    waits = bool(at_stake.matters) and said.get("when") == OVER
    subject = {"listings": said.get("listings") or KEEP, "when": OVER if waits else NOW, "author": author[:100]}
    number = engine.db.transact(None, _keep, shop_id, name, subject, engine.clock())
    if waits:
        text = f"everything of this shop is deleted when what is under way is over ({author})"
        engine.db.transact(shop_id, lambda session: note(session, engine.clock(), "privacy", text))
        return None
    try:
        return _do(engine, number)
    except BridgeError:
        engine.db.transact(None, _forget, number)
        raise


def _refuse(name: str, at_stake: Stakes, said: Mapping[str, str]) -> None:
    errors = {}
    if said.get("name", "").strip() != name:
        errors["name"] = f"Type the name of the shop as it stands here: {name}"
    if at_stake.live_listings and said.get("listings") not in (ZERO, KEEP):
        errors["listings"] = "Say what shall become of the listings."
    if at_stake.matters and said.get("when") not in (NOW, OVER):
        errors["when"] = "Say when: something is under way."
    if errors:
        raise FieldErrors(errors)


def _keep(session: Session, shop_id: int, name: str, subject: Mapping[str, str], now: datetime) -> int:
    row = PrivacyRequest(
        platform=PLATFORM,
        store=name,
        shop_id=shop_id,
        kind=privacy.ERASE_SHOP,
        topic=TOPIC,
        delivery=secrets.token_hex(16),
        subject=dict(subject),
        received_at=now,
        due_at=now + privacy.TIME,
        report={},
    )
    session.add(row)
    session.flush()
    return row.id


def _forget(session: Session, number: int) -> None:
    session.execute(delete(PrivacyRequest).where(PrivacyRequest.id == number, PrivacyRequest.done_at.is_(None)))


def take_back(engine: Engine, shop_id: int, author: str) -> None:
    """A deletion that waits is not wanted any more. Raises AskMerchant where none waits."""
    with engine.db.read(shop_id) as session:
        found = pending(session, shop_id)
    if found is None:
        raise AskMerchant("No deletion waits.", field="name")
    engine.db.transact(None, _forget, found.number)
    text = f"the deletion of everything is taken back ({author})"
    engine.db.transact(shop_id, lambda session: note(session, engine.clock(), "privacy", text))


def go_on(engine: Engine) -> None:
    """Do what waited and has nothing to wait for any more, and what broke off. One's trouble is not the others'."""
    with engine.db.read(None) as session:
        waiting = session.scalars(_waiting()).all()
    for row in waiting:
        if _is_time(engine, row):
            try:
                _do(engine, row.id, even_so=engine.clock() >= row.due_at)
            except BridgeError as error:
                log.warning("a shop that is to be deleted could not let go of its accounts yet: %s", error)


def _is_time(engine: Engine, request: PrivacyRequest) -> bool:
    now = engine.clock()
    if request.subject["when"] == NOW:
        return now >= request.received_at + BROKEN_OFF
    if now >= request.due_at:
        return True
    with engine.db.read(request.shop_id) as session:
        return not matters(session)


def _do(engine: Engine, number: int, *, even_so: bool = False) -> dict[str, Any]:
    """``even_so``: whatever a marketplace says of its listings, which then stay as they are."""
    with engine.db.read(None) as session:
        request = session.get_one(PrivacyRequest, number)
        shop_id, subject = int(request.shop_id or 0), dict(request.subject)
    with engine.db.read(shop_id) as session:
        left = matters(session)
        state = Connection.state.not_in((DISCONNECTED, CONNECTING))
        query = select(Connection).where(state).order_by(Connection.role, Connection.id)  # marketplaces first
        rows = list(session.scalars(query))
    told = [_let_go(engine, row, subject["listings"] == ZERO, even_so=even_so) for row in rows]
    erased = engine.db.transact(None, held.erase_shop, shop_id)
    now = engine.clock()
    report = {
        "shop": request.store,
        "asked_by": subject["author"],
        "asked_at": request.received_at.isoformat(),
        "done_at": now.isoformat(),
        "erased": erased,
        "accounts": told,
        "under_way": [
            {"what": item.what, "count": item.count, "until": item.until and item.until.isoformat()} for item in left
        ],
        "kept": kept(now),
    }
    privacy.close(engine, number, report, forget=True)
    return report


def _let_go(engine: Engine, row: Connection, zero: bool, *, even_so: bool) -> dict[str, Any]:
    if not engine.is_installed(row):
        return {"account": row.title, "told": "what it was connected with is not installed; nothing was told to it"}
    can = zero and row.role == "channel" and Capability.OFFERS in engine.manifest(row).capabilities
    try:
        done = leaving.disconnect(engine, row.shop_id, row.id, zero_listings=can)
    except BridgeError:
        if not even_so:
            raise
        done = leaving.disconnect(engine, row.shop_id, row.id, zero_listings=False)
    return {
        "account": done.title,
        "listings_set_to_0": done.zeroed,
        "still_shown": list(done.refused),
        "webhooks_removed": done.webhooks_removed,
        "warnings": list(done.warnings),
    }


def kept(now: datetime) -> list[dict[str, str]]:
    """What is not deleted, why, and until when."""
    return [
        {
            "what": "the record of this request: the shop's name, who asked, when, and the counts of this report",
            "why": "it proves that the deletion was done (GDPR, article 5, paragraph 2)",
            "until": (now + privacy.RECORD).date().isoformat(),
        },
        {
            "what": "orders, invoices and customers in your store, and at the marketplaces",
            "why": "they are kept there, by tax law and by the marketplaces' terms; Storebridge does not touch them",
            "until": "as your store and each marketplace say",
        },
        {
            "what": "copies of the database",
            "why": "whoever runs this Storebridge may have made them; they are not changed",
            "until": "they are overwritten",
        },
    ]
