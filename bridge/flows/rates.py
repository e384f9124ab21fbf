"""Exchange rates: the European Central Bank's table of each working day, the last known one otherwise.

The ECB publishes units of each currency for one euro at about 16:00 CET on working days:
https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, Poll, RateDay
from bridge.db.work import Claim
from bridge.domain.pricing.exchange import Rates
from bridge.domain.shaping import FixedRates
from bridge.domain.values import Value
from bridge.flows import documents
from bridge.flows.documents import Key
from bridge.flows.engine import Engine
from bridge.flows.price_tables import seed_rates
from bridge.ports.errors import RetryLater
from bridge.ports.http import lane

SOURCE = "European Central Bank"
MAX_BYTES = 256 * 1024


class Published(Value):
    """One day's table as it was published: units of each currency for one euro."""

    day: date
    rates: dict[str, Decimal]


def parse(content: bytes) -> Published:
    """Raises ValueError for anything that is not one day's table; entities and document types are refused."""
    reader = _Reader()
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {error}") from error
    if reader.day is None or not reader.rates:
        raise ValueError("no day or no rate in it")
    return Published(day=reader.day, rates=reader.rates)


class _Reader:
    def __init__(self) -> None:
        self.day: date | None = None
        self.rates: dict[str, Decimal] = {}
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def _refuse(self, *_arguments: Any) -> None:
        raise ValueError("it declares entities or a document type")

    def _start(self, _name: str, attributes: dict[str, str]) -> None:
        if "time" in attributes:
            if self.day is not None:
                raise ValueError("more than one day in it")
            self.day = date.fromisoformat(attributes["time"])
        if "currency" in attributes:
            self.rates[_currency(attributes["currency"])] = _rate(attributes.get("rate", ""))


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isupper()):
        raise ValueError(f"{text[:20]!r} is no currency")
    return text


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:20]!r} is no rate") from error
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"{text[:20]!r} is no rate")
    return rate


def refresh(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.rates``: today's table, once for all shops, where a shop needs one. Raises RetryLater when it
    cannot be had; the last known one goes on being used, and shows its age."""
    with engine.db.read(row.shop_id) as session:
        wanted = needed(documents.active(session)) or foreign(session)
    if wanted:
        ensure(engine, row)
    engine.db.transact(row.shop_id, _refreshed, row, claims, engine.clock())


def needed(settings: Mapping[Key, Any]) -> bool:
    """Whether any rule or market asks for another currency than the store's: nobody else is asked for rates."""
    rules = json.dumps([content for (_, kind), content in settings.items() if kind == "rules"])
    return '"convert"' in rules or any(
        kind == "market" and "currency" in content for (_, kind), content in settings.items()
    )


def foreign(session: Session) -> bool:
    """Whether anything is sold in another currency than EUR, in which sales to other EU countries are counted."""
    return session.scalars(select(Order.id).where(Order.currency != "EUR").limit(1)).first() is not None


def ensure(engine: Engine, row: Connection) -> None:
    """Have today's table, asked for by way of a connection of the shop. Raises RetryLater."""
    now = engine.clock()
    with engine.db.read(None) as session:
        last = _last(session)
    if engine.rates_url and (last is None or last.fetched_at.date() < now.date()):
        published = _fetch(engine, row)
        engine.db.transact(None, _keep, published, now)


def _fetch(engine: Engine, row: Connection) -> Published:
    transport = engine.make_transport(row, engine.adapter(row))
    with lane("sweep"):
        answer = transport.request(
            "GET", engine.rates_url, operation="exchange_rates", expect="bytes", max_bytes=MAX_BYTES
        )
    try:
        return parse(answer.content)
    except ValueError as error:
        text = "The exchange rates of today could not be read; the last known ones are used."
        raise RetryLater(text, developer=str(error)) from error


def _keep(session: Session, published: Published, now: datetime) -> None:
    day = published.day.isoformat()
    query = select(RateDay).where(RateDay.source == SOURCE, RateDay.day == day).with_for_update()
    row = session.scalars(query).first()
    if row is None:
        row = RateDay(source=SOURCE, day=day, base="EUR")
        session.add(row)
    row.rates = {currency: str(rate) for currency, rate in sorted(published.rates.items())}
    row.fetched_at = now


def _refreshed(session: Session, row: Connection, claims: list[Claim], now: datetime) -> None:
    """Prices that rest on a rate are worked out anew when there is a new day's table."""
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.rates")).first()
    last = _last(session)
    if poll is not None and last is not None and poll.cursor.get("day") != last.day:
        poll.cursor = {"day": last.day}
        channels = select(Connection.id).where(Connection.role == "channel", Connection.state != "disconnected")
        marks = [work.Mark(item, "sweep", "project.connection", "all") for item in session.scalars(channels)]
        work.mark(session, row.shop_id, marks, now)
        records.note(session, now, "rates", f"exchange rates of {last.day} from the {last.source}")
    if poll is not None:
        poll.last_ok_at, poll.error = now, None
    work.done(session, claims, now)


def _last(session: Session) -> RateDay | None:
    return session.scalars(select(RateDay).order_by(RateDay.day.desc(), RateDay.id.desc()).limit(1)).first()


def table(session: Session, fixed: dict[str, Any]) -> Rates:
    """The newest table (before the first one, that of the package) under what the merchant has fixed."""
    own = FixedRates.model_validate(fixed).fixed
    row = _last(session)
    if row is None:
        return seed_rates().model_copy(update={"fixed": own})
    return Rates(base=row.base, day=date.fromisoformat(row.day), source=row.source, rates=row.rates, fixed=own)


def shown(session: Session, today: date, fixed: dict[str, Any]) -> dict[str, Any]:
    """The table in use with its age in days, for people."""
    row, used = _last(session), table(session, fixed)
    return {
        "base": used.base,
        "day": used.day.isoformat(),
        "age_days": max(0, (today - used.day).days),
        "source": used.source,
        "fetched_at": row.fetched_at if row else None,
        "rates": {currency: str(rate) for currency, rate in used.rates.items()},
        "fixed": fixed.get("fixed", []),
    }
