"""Telling of problems: what the outbox holds goes to e-mail and webhook, at its time, in order, until it has arrived.

An alert is noted as sent after it was: a crash in between sends it twice, under the same id, and never loses it.
Webhooks are signed as Standard Webhooks say: HMAC-SHA256 over ``id.timestamp.body``, with each secret that is valid
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import AlertRow, SendingRow, Shop
from bridge.domain.alerting import Alerting
from bridge.flows import alert_settings
from bridge.flows.admin import DEMO
from bridge.flows.alert_texts import Alert, Place, body, fit, message
from bridge.flows.engine import Engine
from bridge.flows.overview import zone
from bridge.flows.steps import step
from bridge.ports.errors import AskMerchant, BridgeError

log = logging.getLogger("storebridge.flows")
UNSENT = "alerts_unsent"
SPREAD, MAILED, POSTED = 500, 1000, 50
TELL_AFTER = 3  # attempts that failed before that is a problem of its own
# Seconds until the next attempt; after the last one, three days on, an alert is given up.
WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 86400)
TIMEOUT = 15.0


def send(engine: Engine, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Everything that is due now, of every shop; how many alerts were sent. ``goes_on`` is asked before each message:
    two that send at once would send out of order."""
    return sum(_of_shop(engine, shop_id, goes_on) for shop_id in _shops(engine) if goes_on())


def _shops(engine: Engine) -> list[int]:
    now = engine.clock()
    with engine.db.read(None) as session:
        fresh = select(AlertRow.shop_id).where(AlertRow.spread.is_(False))
        due = select(SendingRow.shop_id).where(SendingRow.state == "waiting", SendingRow.due_at <= now)
        return sorted(set(session.scalars(fresh.distinct())) | set(session.scalars(due.distinct())))


def _of_shop(engine: Engine, shop_id: int, goes_on: Callable[[], bool]) -> int:
    try:
        while engine.db.transact(shop_id, _spread, engine, shop_id) == SPREAD:
            continue
        return _mail(engine, shop_id) + _post(engine, shop_id, goes_on)
    except Exception:  # one shop's trouble is not the others'
        log.exception("alerts of shop %s broke off; they are sent again", shop_id)
        return 0


def _spread(session: Session, engine: Engine, shop_id: int) -> int:
    """Decide who is told of what is new, and when. What nobody wants to know is not kept for later."""
    rows = list(session.scalars(select(AlertRow).where(AlertRow.spread.is_(False)).order_by(AlertRow.id).limit(SPREAD)))
    settings, where = alert_settings.read(session), zone(session)
    demo = session.get_one(Shop, shop_id).name == DEMO
    ways = {
        "email": bool(alert_settings.receivers(engine, settings, demo=demo)),
        "webhook": bool(settings.webhook) and engine.outside is not None,
    }
    for row in rows:
        row.spread = True
        due = settings.due(row.severity, row.at, where)
        if due is not None and (settings.closed or row.event != "closed"):
            session.add_all(
                SendingRow(alert_id=row.id, route=way, due_at=due) for way, wanted in ways.items() if wanted
            )
    return len(rows)


def _due(session: Session, route: str, now: datetime, limit: int) -> list[tuple[SendingRow, AlertRow]]:
    """In the order of what happened; nothing while an earlier attempt waits for its next one."""
    waiting = (SendingRow.route == route, SendingRow.state == "waiting")
    resting = select(func.count()).where(*waiting, SendingRow.attempts > 0, SendingRow.due_at > now)
    if session.scalar(resting):
        return []
    query = select(SendingRow, AlertRow).join(AlertRow, AlertRow.id == SendingRow.alert_id)
    rows = session.execute(query.where(*waiting, SendingRow.due_at <= now).order_by(AlertRow.id).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _place(session: Session, engine: Engine, shop_id: int) -> Place:
    shop = session.get_one(Shop, shop_id)
    page = f"{engine.public_url.rstrip('/')}/s/{shop.public_id}/problems"
    code = alert_settings.language(session, shop_id, alert_settings.read(session))
    return Place(shop.public_id, shop.name, page, engine.words(code, zone(session)))


def _mail(engine: Engine, shop_id: int) -> int:
    with engine.db.read(shop_id) as session:
        settings, found = alert_settings.read(session), _due(session, "email", engine.clock(), MAILED)
        place, alerts = _place(session, engine, shop_id), fit(session, [row for _, row in found])
    if not found:
        return 0
    sendings = [sending for sending, _ in found]
    try:
        _send_mail(engine, settings, alerts, place)
    except BridgeError as error:
        _failed(engine, shop_id, "email", sendings, error)
        return 0
    step("alert.sent")
    _sent(engine, shop_id, "email", sendings)
    return len(sendings)


def _send_mail(engine: Engine, settings: Alerting, alerts: Sequence[Alert], place: Place) -> None:
    to = alert_settings.receivers(engine, settings, demo=place.shop == DEMO)
    if engine.mail is None or not to:
        raise AskMerchant("Nobody is named any more who gets alerts by e-mail.")
    engine.mail.send(message(alerts, place, settings.sender or engine.mail.sender, to))


def _post(engine: Engine, shop_id: int, goes_on: Callable[[], bool]) -> int:
    with engine.db.read(shop_id) as session:
        settings, found = alert_settings.read(session), _due(session, "webhook", engine.clock(), POSTED)
        place, alerts = _place(session, engine, shop_id), fit(session, [row for _, row in found])
        signing = alert_settings.valid_secrets(session, engine.clock())
    for number, (sending, alert) in enumerate(zip((item for item, _ in found), alerts, strict=True)):
        if not goes_on():
            return number
        try:
            _send_hook(engine, shop_id, settings.webhook, signing, alert.ref, body(alert, place))
        except BridgeError as error:
            _failed(engine, shop_id, "webhook", [sending], error)
            return number
        step("alert.sent")
        _sent(engine, shop_id, "webhook", [sending])
    return len(found)


def _send_hook(engine: Engine, shop_id: int, url: str, signing: Sequence[str], ref: str, content: bytes) -> None:
    """Any 2xx is an arrival. Private addresses and redirects are refused by the transport."""
    if engine.outside is None or not url or not signing:
        raise AskMerchant("No webhook is named any more that gets alerts.")
    at = int(engine.clock().timestamp())
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": ref,
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": " ".join(sign(secret, ref, at, content) for secret in signing),
    }
    transport = engine.outside(f"{shop_id}:0", "The alert webhook")
    try:
        transport.request(
            "POST", url, operation="alert", content=content, headers=headers, expect="bytes", write=False,
            idempotent=True, timeout=TIMEOUT, max_bytes=65536,
        )  # fmt: skip
    finally:
        transport.close()


def sign(secret: str, ref: str, at: int, content: bytes) -> str:
    """``v1,`` and the signature in base64; ``at`` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b".".join((ref.encode(), str(at).encode(), content)), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _sent(engine: Engine, shop_id: int, route: str, sendings: Sequence[SendingRow]) -> None:
    def act(session: Session, now: datetime) -> None:
        ids = [row.id for row in sendings]
        told: Any = {"state": "sent", "sent_at": now, "error": None}
        session.execute(update(SendingRow).where(SendingRow.id.in_(ids)).values(**told))
        records.close_problem(session, now, UNSENT, route)

    engine.db.transact(shop_id, act, engine.clock())


def _failed(engine: Engine, shop_id: int, route: str, sendings: Sequence[SendingRow], error: BridgeError) -> None:
    """Later again, further and further apart. Alerts of one e-mail that failed before keep their own count."""
    tried = max(row.attempts for row in sendings) + 1
    log.warning("alerts of shop %s by %s: %s", shop_id, route, error)

    def act(session: Session, now: datetime) -> None:
        over = tried > len(WAITS)
        pause = timedelta(seconds=WAITS[min(tried, len(WAITS)) - 1])
        due = now + max(pause, getattr(error, "after", None) or pause)
        told: Any = {
            "state": "failed" if over else "waiting",
            "attempts": tried,
            "due_at": due,
            "error": error.merchant,
        }
        ids = [row.id for row in sendings]
        session.execute(update(SendingRow).where(SendingRow.id.in_(ids)).values(**told))
        if tried >= TELL_AFTER:
            name = "E-mail" if route == "email" else "The alert webhook"
            text = f"{name} does not take alerts: {error.merchant}"
            fix = "Mend it, then try it with a test on the page Alerts (or: storebridge alerts test)."
            records.open_problem(session, now, UNSENT, route, text, fix)

    engine.db.transact(shop_id, act, engine.clock())


def try_out(engine: Engine, shop_id: int) -> dict[str, str | None]:
    """Send a test now by every way that is set up: by way, None when it arrived, else why not. Raises AskMerchant
    where there is none."""
    now = engine.clock()
    with engine.db.read(shop_id) as session:
        settings, place = alert_settings.read(session), _place(session, engine, shop_id)
        signing = alert_settings.valid_secrets(session, now)
    text, fix = "This is a test: alerts arrive here.", "Nothing is to be done."
    alert = Alert(uuid.uuid4().hex, "opened", "test", "test", "warning", text, fix, "", now, now)
    results: dict[str, str | None] = {}
    if alert_settings.receivers(engine, settings, demo=place.shop == DEMO):
        results["email"] = _tried(lambda: _send_mail(engine, settings, [alert], place))
    if settings.webhook:
        content = body(alert, place).replace(b'"type":"problem.opened"', b'"type":"test"')
        results["webhook"] = _tried(lambda: _send_hook(engine, shop_id, settings.webhook, signing, alert.ref, content))
    if not results:
        raise AskMerchant(
            "Nobody is told yet. Name an e-mail address (the mail server is STOREBRIDGE_SMTP_HOST) or a webhook.",
            field="email",
        )
    return results


def _tried(act: Any) -> str | None:
    try:
        act()
    except BridgeError as error:
        return error.merchant
    return None
