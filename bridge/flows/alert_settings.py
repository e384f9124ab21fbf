"""How a shop is told of problems: read, changed, shown; and the secrets its webhooks are signed with."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import AlertingRow, SendingRow
from bridge.domain.alerting import Alerting
from bridge.flows import audit, spoken
from bridge.flows.documents import field_errors
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.overview import zone
from bridge.ports.errors import AskMerchant

OVERLAP = timedelta(hours=24)
UTC = ZoneInfo("UTC")
ROUTES = ("email", "webhook")
# Of these the journal says only that they changed: people's addresses, and addresses that are as good as a key.
PRIVATE = ("email", "sender", "webhook")
LABELS: Mapping[str, str] = {
    "language": "Language of e-mails",
    "email": "E-mail to",
    "sender": "E-mail from",
    "webhook": "Webhook",
    "error": "Failures are told",
    "warning": "Warnings are told",
    "closed": "Tell when a problem is over, too",
    "digest_hour": "Hour of the daily digest",
    "quiet_from": "Quiet from",
    "quiet_until": "Quiet until",
    "quiet": "Quiet hours hold for",
}


def read(session: Session) -> Alerting:
    """What holds for the session's shop; the defaults where nothing was set."""
    row = session.scalars(select(AlertingRow)).first()
    return Alerting.model_validate(row.content) if row is not None else Alerting()


def valid_secrets(session: Session, now: datetime) -> list[str]:
    """What a webhook is signed with now, the newest first."""
    row = session.scalars(select(AlertingRow)).first()
    known: Sequence[Mapping[str, Any]] = (row.secrets or []) if row is not None else []
    return [str(item["secret"]) for item in known if not item["until"] or now < datetime.fromisoformat(item["until"])]


def language(session: Session, shop_id: int, settings: Alerting) -> str:
    """The code of that which the shop is written to in."""
    return settings.language or spoken.seen(session, shop_id)


def receivers(engine: Engine, settings: Alerting, *, demo: bool) -> tuple[str, ...]:
    """Who gets e-mail: nobody without a mail server, and of the demonstration only whom it names itself."""
    if engine.mail is None:
        return ()
    return settings.email or (() if demo else tuple(engine.mail.receivers))


def put(engine: Engine, shop_id: int, content: Mapping[str, Any], author: str) -> dict[str, Any]:
    """Set all of it anew; what is left out gets its default. Where a webhook is named for the first time its secret
    is in the answer, once. Raises FieldErrors."""
    settings = _read(engine, content)

    def act(session: Session) -> str | None:
        now = engine.clock()
        row = _row(session, now)
        before = Alerting.model_validate(row.content).model_dump(mode="json")
        changed = audit.changes(before, settings.model_dump(mode="json"), PRIVATE)
        row.content, row.changed_at = settings.model_dump(mode="json"), now
        told = f" ({audit.words(changed)})" if changed else ""
        note(session, now, "alerts", f"alerts set by {author}{told}", detail={"changed": changed})
        if not settings.webhook or row.secrets:
            return None
        row.secrets = [{"secret": _new_secret(), "until": ""}]
        return str(row.secrets[0]["secret"])

    made = engine.db.transact(shop_id, act)
    return {**shown(engine, shop_id), **({"secret": made} if made else {})}


def _read(engine: Engine, content: Mapping[str, Any]) -> Alerting:
    try:
        settings = Alerting.model_validate(content)
    except ValidationError as error:
        raise FieldErrors({name: _told(name, text) for name, text in field_errors(error).items()}) from None
    if settings.language and engine.words(settings.language, UTC).code != settings.language:
        raise FieldErrors({"language": _told("language", "Nothing is written in this language here.")})
    return settings


def _told(path: str, text: str) -> str:
    """With the name that the field has on the page."""
    label = LABELS.get(path.partition(".")[0])
    return f"“{label}” is not right: {text}" if label else text


def renew_secret(engine: Engine, shop_id: int, author: str) -> dict[str, Any]:
    """A new secret, told once. For a day more webhooks are signed with the one before as well."""

    def act(session: Session) -> str:
        now = engine.clock()
        row = _row(session, now)
        if not Alerting.model_validate(row.content).webhook:
            raise AskMerchant("Name the webhook first; it gets a secret then.", field="webhook")
        old = [{**item, "until": (now + OVERLAP).isoformat()} for item in (row.secrets or [])[:1]]
        row.secrets, row.changed_at = [{"secret": _new_secret(), "until": ""}, *old], now
        note(session, now, "alerts", f"new secret of the alert webhook by {author}; the old one signs for a day more")
        return str(row.secrets[0]["secret"])

    return {"secret": engine.db.transact(shop_id, act)}


def _row(session: Session, now: datetime) -> AlertingRow:
    row = session.scalars(select(AlertingRow).with_for_update()).first()
    if row is None:
        row = AlertingRow(content={}, secrets=[], changed_at=now)
        session.add(row)
        session.flush()
    return row


def _new_secret() -> str:
    """As Standard Webhooks write it: 24 to 64 random bytes in base64 after ``whsec_``."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def shown(engine: Engine, shop_id: int) -> dict[str, Any]:
    """The settings, by which ways they reach somebody, and what waits or failed on each."""
    with engine.db.read(shop_id) as session:
        settings = read(session)
        counts = select(SendingRow.route, SendingRow.state, func.count(), func.max(SendingRow.sent_at))
        found = session.execute(counts.group_by(SendingRow.route, SendingRow.state)).all()
        errors = select(SendingRow.route, SendingRow.error).where(
            SendingRow.state == "waiting", SendingRow.attempts > 0
        )
        faults = {row[0]: row[1] for row in session.execute(errors.order_by(SendingRow.id.desc()))}
        where, seen = zone(session).key, spoken.seen(session, shop_id)
        row = session.scalars(select(AlertingRow)).first()
        old = [item["until"] for item in (row.secrets or [] if row else []) if item["until"]]
    ways = {
        route: {
            **{state: next((row[2] for row in found if row[:2] == (route, state)), 0) for state in _STATES},
            "last_sent_at": next((row[3] for row in found if row[:2] == (route, "sent")), None),
            "error": faults.get(route),
        }
        for route in ROUTES
    }
    mail = engine.mail
    return {
        "settings": settings.model_dump(mode="json"),
        "time_zone": where,
        "language_seen": seen,
        "old_secret_until": next((at for text in old if (at := datetime.fromisoformat(text)) > engine.clock()), None),
        "mail_server": mail.host if mail else None,
        "default_receivers": list(mail.receivers) if mail else [],
        "ways": ways,
    }


_STATES = ("waiting", "sent", "failed")
