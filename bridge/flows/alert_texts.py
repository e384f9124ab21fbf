"""What an alert says, as an e-mail and as a webhook's body. Nothing secret, and nothing of a buyer, is in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bridge.db.tables import AlertRow, Connection, Order, OrderLine, ReturnRow
from bridge.ports.http import Redactor
from bridge.ports.http.excerpt import MASK
from bridge.ports.words import Words

MOST = 50  # alerts that one e-mail spells out
LONGEST = 1000
EVENTS = {"opened": "New", "worse": "Worse", "closed": "Over"}
HEADS = {
    ("opened", "error"): "New failure",
    ("opened", "warning"): "New warning",
    ("worse", "error"): "Worse: failure",
    ("worse", "warning"): "Worse: warning",
    ("closed", "error"): "Failure is over",
    ("closed", "warning"): "Warning is over",
}
# Kinds whose text quotes what a buyer wrote: what is told instead.
QUOTING = {"return_open": "A return is announced and waits for your decision."}


class Alert(NamedTuple):
    """One alert, fit to leave the house."""

    ref: str
    event: str
    kind: str
    subject: str
    severity: str
    text: str
    fix: str
    connection: str
    opened_at: datetime
    at: datetime


class Place(NamedTuple):
    """Whose alerts they are, where they are to be seen, and in which language and by which clock they are written."""

    shop_id: str
    shop: str
    page: str
    words: Words


def fit(session: Session, rows: Sequence[AlertRow]) -> list[Alert]:
    """Without e-mail addresses, secrets, and whatever is known of the buyer of the order that each is about."""
    titles = {row[0]: row[1] for row in session.execute(select(Connection.id, Connection.title))}
    buyers = _buyers(session, rows)
    return [_fit(row, titles.get(row.connection_id or 0, ""), buyers) for row in rows]


def _fit(row: AlertRow, title: str, buyers: Mapping[str, list[str]]) -> Alert:
    known = [word for name in _names(row) for word in buyers.get(name, ())]

    def clean(text: str) -> str:
        for word in known:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", MASK, text, flags=re.IGNORECASE)
        return " ".join(Redactor().text(text).split())[:LONGEST]

    text = QUOTING.get(row.kind, row.text)
    return Alert(
        row.ref, row.event, row.kind, clean(row.subject), row.severity, clean(text), clean(row.fix), title,
        row.opened_at, row.at,
    )  # fmt: skip


def _names(row: AlertRow) -> tuple[str, str]:
    """By which an order or a return may be meant: ``bol:A1``, ``orders.create A1``, ``return R1``."""
    return row.subject, row.subject.rpartition(" ")[2].rpartition(":")[2]


def _buyers(session: Session, rows: Sequence[AlertRow]) -> dict[str, list[str]]:
    """By those names, the words that belong to the buyer, the longest first."""
    names = {name for row in rows for name in _names(row) if name}
    found: dict[str, list[str]] = {}
    orders = select(Order).where(or_(Order.ref.in_(names), Order.external_id.in_(names)))
    for order in session.scalars(orders):
        found[order.ref] = found[order.external_id] = _words(order.buyer)
    backs = (
        select(ReturnRow.external_id, Order)
        .join(OrderLine, OrderLine.id == ReturnRow.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(ReturnRow.external_id.in_(names))
    )
    for external_id, order in session.execute(backs):
        found[external_id] = _words(order.buyer)
    return found


def _words(buyer: Any) -> list[str]:
    whole = {text.strip() for text in _texts(buyer)}
    parts = {part for text in whole for part in re.split(r"[\s,;]+", text)}
    return sorted((word for word in whole | parts if len(word) >= 3), key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def body(alert: Alert, place: Place) -> bytes:
    """The webhook's body, the same to the byte each time it is sent."""
    names = ("kind", "subject", "severity", "text", "fix", "connection")
    problem = {**{name: getattr(alert, name) for name in names}, "opened_at": alert.opened_at.isoformat()}
    content = {
        "id": alert.ref,
        "type": f"problem.{alert.event}",
        "at": alert.at.isoformat(),
        "shop": {"id": place.shop_id, "name": place.shop},
        "problem": problem,
        "page": place.page,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def message(alerts: Sequence[Alert], place: Place, sender: str, receivers: Iterable[str]) -> EmailMessage:
    """One e-mail for all of them. Its Message-ID is the same when the same alerts are sent again."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, ", ".join(receivers)
    mail["Subject"] = f"[Storebridge] {_line(place.shop, 60)}: {_subject(alerts, place.words)}"
    mail["Date"] = alerts[-1].at
    mail["Message-ID"] = f"<{alerts[0].ref}.{len(alerts)}.{alerts[-1].ref}@storebridge>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Storebridge-Alerts"] = str(len(alerts))
    mail.set_content(_text(alerts, place))
    mail["Content-Language"] = place.words.code
    return mail


def _subject(alerts: Sequence[Alert], words: Words) -> str:
    if len(alerts) == 1:
        over = f"{words.gettext(EVENTS['closed'])}: " if alerts[0].event == "closed" else ""
        return over + _line(words.said(alerts[0].text), 100)
    count = Counter(alert.event for alert in alerts)
    return ", ".join(f"{words.gettext(word)}: {count[event]}" for event, word in EVENTS.items() if count[event])


def _line(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."


def _text(alerts: Sequence[Alert], place: Place) -> str:
    words = place.words
    lines = [line for alert in alerts[:MOST] for line in _told(alert, place)]
    if rest := Counter(words.problem(alert.kind) for alert in alerts[MOST:]):
        lines += [words.gettext("And more:"), *(f"  {kind}: {count}" for kind, count in rest.most_common()), ""]
    lines.append(f"{words.gettext('All of them:')} {place.page}")
    lines.append(words.gettext("Who is told, and when: the page Alerts, or storebridge alerts."))
    return "\n".join(lines)


def _told(alert: Alert, place: Place) -> list[str]:
    words, where = place.words, f" ({alert.connection})" if alert.connection else ""
    head = HEADS[alert.event, "warning" if alert.severity == "warning" else "error"]
    lines = [f"{words.gettext(head)}{where}: {words.said(alert.text)}"]
    if alert.fix and alert.event != "closed":
        lines.append(f"  {words.gettext('What to do:')} {words.said(alert.fix)}")
    lines.append(f"  {words.moment(alert.at)} [{alert.ref}]")
    return [*lines, ""]
