"""What an account says about itself: where it sells, what can be chosen, what expires, how it scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.records import close_problems
from bridge.db.tables import Connection, Poll, Problem
from bridge.db.work import Claim, Mark
from bridge.domain.safety import Safe
from bridge.domain.standing import Standing
from bridge.domain.stock import Guard
from bridge.flows import forgetting
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive
from bridge.flows.sites import NAMES, site_names
from bridge.ports.channel import AccountInfo, Choice, Expiry, ScoreFigure
from bridge.ports.http import lane
from bridge.ports.manifest import FormField
from bridge.ports.platform import StoreInfo

EXPIRING = "expiring"
SCORE = "score"
STANDING, SAFE, GUARD = "standing", "safe", "guard"  # what we know of it ourselves, in its info
BOUND = "score_buffer"  # the setting: the most units that are kept back near a limit
MATCH = "match"  # how the account's own offers were matched (bridge/flows/matching.py)
CHANGED = "changed"  # by whom the connection was changed last, and when
WARN, URGENT = timedelta(days=30), timedelta(days=7)


def check(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.check``: the account is asked again what connecting asked, and who wants to be forgotten.
    Refused credentials are told by the error."""
    with lane("sweep"):
        info = engine.check(row)
        engine.db.transact(row.shop_id, _checked, engine, row, info, engine.clock())
        forgetting.as_asked(engine, row)
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())


def _checked(
    session: Session,
    engine: Engine,
    row: Connection,
    info: AccountInfo | StoreInfo,
    now: datetime,
) -> None:
    mine = session.scalars(select(Connection).where(Connection.id == row.id).with_for_update()).one()
    before = (mine.info or {}).get("sites")
    names = site_names(engine.manifest(row))
    found = info.as_json()
    mine.info = {**(mine.info or {}), **found, **({NAMES: names} if names else {})}
    if names and before != found["sites"]:
        work.mark(session, row.shop_id, [Mark(row.id, "sweep", "project.connection", "all")], now)
    tell_expiries(session, mine, now)
    _answered(session, row, "poll.check", now)


def _asked(session: Session, row: Connection, flow: str, claims: list[Claim], now: datetime) -> None:
    _answered(session, row, flow, now)
    work.done(session, claims, now)


def _answered(session: Session, row: Connection, flow: str, now: datetime) -> None:
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == flow)).first()
    if poll is not None:
        poll.last_ok_at, poll.error = now, None
    alive(session, row, now)


def expiries(row: Connection) -> list[Expiry]:
    """What has to be renewed, soonest first."""
    found = [Expiry.model_validate(item) for item in (row.info or {}).get("expires", [])]
    return sorted(found, key=lambda item: item.at)


def tell_expiries(session: Session, row: Connection, now: datetime) -> None:
    """A problem for what ends soon; closed when it is renewed."""
    near = {f"connection {row.id}: {item.what}": item for item in expiries(row) if item.at - now <= WARN}
    open_ones = select(Problem.subject).where(
        Problem.kind == EXPIRING, Problem.connection_id == row.id, Problem.closed_at.is_(None)
    )
    close_problems(session, now, EXPIRING, [name for name in session.scalars(open_ones) if name not in near])
    for name, item in near.items():
        severity = "error" if item.at - now <= URGENT else "warning"
        text = f"{row.title}: {ends(item, now)}."
        records.open_problem(session, now, EXPIRING, name, text, item.fix, connection_id=row.id, severity=severity)


def ends(item: Expiry, now: datetime) -> str:
    days = (item.at - now).days
    when = f"in {days} days" if days > 1 else "within a day" if item.at > now else "already"
    return f"{item.what} ends on {item.at:%d %b %Y} ({when})"


def keep_score(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.score``: the marketplace's own figures on this seller, as they are shown."""
    with lane("sweep"):
        figures = [figure.as_json() for figure in engine.channel(row).score()]

    def act(session: Session, now: datetime) -> None:
        mine = session.scalars(select(Connection).where(Connection.id == row.id).with_for_update()).one()
        mine.info = {**(mine.info or {}), SCORE: figures}
        _asked(session, row, "poll.score", claims, now)

    engine.db.transact(row.shop_id, act, engine.clock())


def score(row: Connection) -> list[ScoreFigure]:
    """The figures as they were last told."""
    return [ScoreFigure.model_validate(item) for item in (row.info or {}).get(SCORE, [])]


def standing(row: Connection) -> list[Standing]:
    """Our own figures, as they were last counted (bridge/flows/standing.py)."""
    return [Standing.model_validate(item) for item in (row.info or {}).get(STANDING, [])]


def safe(row: Connection) -> Safe | None:
    """Whether its listings are held back while the store is away (bridge/flows/safety.py)."""
    known = (row.info or {}).get(SAFE)
    return Safe.model_validate(known) if known else None


def guard(row: Connection) -> Guard | None:
    """What is kept back on top of its buffer, near a limit of the marketplace."""
    known = (row.info or {}).get(GUARD)
    return Guard.model_validate(known) if known else None


def within(figure: ScoreFigure) -> bool:
    """On the right side of the limit, or there is none."""
    if figure.limit is None:
        return True
    return figure.value <= figure.limit if figure.good == "below" else figure.value >= figure.limit


def figure_text(figure: ScoreFigure) -> str:
    """As a person reads it: ``Late shipments: 1.2 % (at most 4 %)``."""
    bound = "at most" if figure.good == "below" else "at least"
    limit = f" ({bound} {_quantity(figure, figure.limit)})" if figure.limit is not None else ""
    return f"{figure.title}: {_quantity(figure, figure.value)}{limit}"


def figure_parts(figure: ScoreFigure) -> dict[str, Any]:
    """The same for a page, which writes numbers in its own language; ``limit`` None where there is none."""
    factor, unit = (100, "%") if figure.unit == "share" else (1, figure.unit)
    limit = figure.limit * factor if figure.limit is not None else None
    return {"title": figure.title, "value": figure.value * factor, "limit": limit, "unit": unit, "side": figure.good}


def _quantity(figure: ScoreFigure, value: Decimal) -> str:
    number, unit = (value * 100, "%") if figure.unit == "share" else (value, figure.unit)
    return f"{number.normalize():f} {unit}".rstrip()


def choices(info: Mapping[str, Any] | None) -> dict[str, tuple[Choice, ...]]:
    """By name of a setting, what can be chosen in this account."""
    found = (info or {}).get("choices") or {}
    return {name: tuple(Choice.model_validate(item) for item in items) for name, items in found.items()}


def with_choices(fields: tuple[FormField, ...], info: Mapping[str, Any] | None) -> tuple[FormField, ...]:
    """Settings whose values the account knows, drawn as a choice (a list stays a list, of these)."""
    known = choices(info)
    return tuple(_offered(field, known[field.name]) if known.get(field.name) else field for field in fields)


def _offered(field: FormField, known: tuple[Choice, ...]) -> FormField:
    kind = "list" if field.kind == "list" else "choice"
    return field.model_copy(update={"kind": kind, "choices": {item.value: item.label for item in known}})
