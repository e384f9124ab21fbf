"""How long a shop keeps what: the merchant may want less than the installation keeps, never more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import Shop
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors

KEY, RECORDS, BUYERS = "keeping", "records_days", "buyers_days"
# Fewer days than this, and what went wrong could no longer be found out.
FEWEST = {RECORDS: 7, BUYERS: 1}


class Kept(NamedTuple):
    """``records``: activity, messages, exchanges, closed problems. ``buyers``: names and addresses, from when an order
    is closed."""

    records: timedelta
    buyers: timedelta


def most(engine: Engine) -> dict[str, int]:
    """The installation's own, in days."""
    return {RECORDS: engine.retention.days, BUYERS: engine.buyers_kept.days}


def chosen(session: Session, shop_id: int) -> dict[str, int]:
    """What the merchant has set, in days."""
    found: dict[str, int] = ((session.get_one(Shop, shop_id).settings or {}).get(KEY)) or {}
    return found


def kept(engine: Engine, session: Session, shop_id: int) -> Kept:
    """What holds: the installation may have been given less since."""
    wanted = chosen(session, shop_id)
    days = {name: min(wanted.get(name, top), top) for name, top in most(engine).items()}
    return Kept(timedelta(days=days[RECORDS]), timedelta(days=days[BUYERS]))


def choose(engine: Engine, shop_id: int, wanted: dict[str, int | None], author: str) -> None:
    """Days by name; None: as long as the installation. What is too old then goes with the next clearing. Raises
    FieldErrors."""
    bounds = {name: (min(FEWEST[name], top), top) for name, top in most(engine).items()}
    errors = {
        name: f"Enter a whole number of days from {bounds[name][0]} to {bounds[name][1]}."
        for name, days in wanted.items()
        if days is not None and not bounds[name][0] <= days <= bounds[name][1]
    }
    if errors:
        raise FieldErrors(errors)

    def act(session: Session) -> None:
        row = session.scalars(select(Shop).where(Shop.id == shop_id).with_for_update()).one()
        days: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        row.settings = {**(row.settings or {}), KEY: days}
        told = ", ".join(f"{name.replace('_', ' ')} {days.get(name, 'as the installation')}" for name in FEWEST)
        note(session, engine.clock(), "settings", f"what is kept how long: {told} ({author})")

    engine.db.transact(shop_id, act)
