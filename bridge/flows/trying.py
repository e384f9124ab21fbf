"""Test events: a store is asked to send one, and what has become of it is read from what arrived."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import Connection, Delivery, ModuleRow
from bridge.domain.values import Value
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.http.context import hurry
from bridge.ports.manifest import Feature, Manifest

TOPIC = "test"
LAST = "test_event"  # in the connection's info
SECONDS = 20.0  # a person waits
PATIENCE = timedelta(seconds=60)
SHOWN = timedelta(days=1)


class Trial(Value):
    """A test event that was asked for. ``trouble``: what keeps it from arriving, as far as it was told."""

    at: datetime
    by: str
    topic: str = TOPIC
    external_id: str
    trouble: str = ""


class Seen(Value):
    """What there is to be said of test events of a store. ``cannot``: why it sends none; ``last``: when its last event
    of any kind arrived; ``seconds`` from asking to arriving."""

    cannot: str = ""
    last: datetime | None = None
    state: Literal["none", "arrived", "waiting", "late", "refused"] = "none"
    trial: Trial | None = None
    seconds: float = 0


def lacks(session: Session, row: Connection, manifest: Manifest) -> Mapping[Feature, str]:
    """What this store has not, each with the reason."""
    alone = session.get(ModuleRow, row.id) is None
    return {**manifest.cannot, **(manifest.cannot_alone if alone else {})}


def send(engine: Engine, row: Connection, author: str) -> None:
    """Ask the store for one. What it answers is kept with it. Raises AskMerchant where it cannot be asked at all: such
    a store sends none, or the account is not at work."""
    if row.role != "platform":
        raise AskMerchant(f"{row.title} is no store.", field="connection")
    if row.state != "active":
        raise AskMerchant("This account is not at work now.", field="connection")
    with engine.db.read(row.shop_id) as session:
        reason = lacks(session, row, engine.manifest(row)).get(Feature.TEST_EVENT)
    if reason:
        raise AskMerchant(reason, field="connection")
    asked = Trial(at=engine.clock(), by=author, external_id=secrets.token_hex(8))
    engine.db.transact(row.shop_id, _keep, row.id, asked, noted=True)
    told = _asked(engine, row, asked)
    if told != asked:
        engine.db.transact(row.shop_id, _keep, row.id, told)


def _asked(engine: Engine, row: Connection, trial: Trial) -> Trial:
    try:
        with hurry(SECONDS):
            sent = engine.platform(row).send_test_event(trial.external_id)
    except BridgeError as error:
        return trial.model_copy(update={"trouble": error.merchant})
    said = f"The store could not send it and says: {sent.trouble} See that its server can reach this address."
    return trial.model_copy(update={**sent.model_dump(), "trouble": said if sent.trouble else ""})


def _keep(session: Session, connection_id: int, trial: Trial, *, noted: bool = False) -> None:
    mine = session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
    mine.info = {**(mine.info or {}), LAST: trial.as_json()}
    if noted:
        text = f"{mine.title}: a test event was asked for."
        note(session, trial.at, "change", text, connection_id=connection_id, detail={"marker": trial.external_id})


def shown(engine: Engine, session: Session, row: Connection) -> Seen:
    """For the account's page."""
    last = session.scalar(select(func.max(Delivery.last_seen_at)).where(Delivery.connection_id == row.id))
    reason = lacks(session, row, engine.manifest(row)).get(Feature.TEST_EVENT, "")
    known, now = (row.info or {}).get(LAST), engine.clock()
    trial = Trial.model_validate(known) if known else None
    if reason or trial is None or now - trial.at > SHOWN:
        return Seen(cannot=reason, last=last)
    seen = Seen(last=last, trial=trial)
    arrived = session.scalar(
        select(Delivery.received_at).where(
            Delivery.connection_id == row.id,
            Delivery.topic == trial.topic,
            Delivery.external_id == trial.external_id,
        )
    )
    if arrived is not None:
        seconds = max(0.0, (arrived - trial.at).total_seconds())
        return seen.model_copy(update={"state": "arrived", "seconds": seconds})
    if trial.trouble:
        return seen.model_copy(update={"state": "refused"})
    return seen.model_copy(update={"state": "waiting" if now - trial.at < PATIENCE else "late"})
