"""Getting going: five steps from nothing connected to live. How far a shop has come is kept with the shop, so that it
is the same after a reload, on another device and for another person. Nothing is sent before the last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import Connection, Shop
from bridge.flows import resting
from bridge.flows.draft import store_connection
from bridge.flows.engine import LANES, Engine
from bridge.ports.errors import AskMerchant, NotFound

KEY = "setup"
STEPS = ("welcome", "connect", "match", "rules", "live")
BY_HAND = ("welcome", "match", "rules")  # a person says that these are done; the others are seen


@dataclass(frozen=True)
class Progress:
    """``connection``: the marketplace that is being set up, else the newest; ``done`` are the steps that are, in
    order. ``begun``: somebody has opened the setup; ``dismissed``: and wants it out of sight. ``waiting``: all
    marketplaces that are not live yet."""

    done: tuple[str, ...]
    connection: int | None
    begun: bool
    dismissed: bool
    waiting: tuple[int, ...] = ()

    @property
    def next(self) -> str:
        """The first step that is not done; the last one where all are."""
        return next((step for step in STEPS if step not in self.done), STEPS[-1])

    @property
    def complete(self) -> bool:
        return len(self.done) == len(STEPS)

    @property
    def shown(self) -> bool:
        """Whether Overview speaks of it: a shop that never needed it is left in peace."""
        return not self.dismissed and (self.begun or self.connection is None)


def progress(session: Session, shop_id: int, connection_id: int | None = None) -> Progress:
    """How far it is; for one marketplace, else for the newest that is not live. Raises NotFound for another shop's."""
    kept, waiting = _kept(session, shop_id), resting.in_setup(session)
    number = _meant(session, waiting, connection_id)
    live = number is not None and number not in waiting
    said = {**kept.get("shop", {}), **kept.get("channels", {}).get(str(number), {})}
    found = {
        "welcome": "welcome" in said or live,
        "connect": number is not None,
        "match": number is not None and ("match" in said or live),
        "rules": number is not None and ("rules" in said or live),
        "live": live,
    }
    done = tuple(step for step in STEPS if found[step])
    return Progress(done, number, bool(kept), bool(kept.get("dismissed")), tuple(waiting))


def _kept(session: Session, shop_id: int) -> dict[str, Any]:
    return dict((session.get_one(Shop, shop_id).settings or {}).get(KEY) or {})


def _meant(session: Session, waiting: Sequence[int], connection_id: int | None) -> int | None:
    query = select(Connection.id).where(
        Connection.role == "channel", Connection.state.not_in(("connecting", "disconnected"))
    )
    known = list(session.scalars(query.order_by(Connection.id.desc())))
    if connection_id is not None:
        if connection_id not in known:
            raise NotFound("There is no such marketplace connection.")
        return connection_id
    return next(iter([*(number for number in waiting if number in known), *known]), None)


def say_done(engine: Engine, shop_id: int, step: str, author: str, connection_id: int | None = None) -> None:
    """A person has looked at a step and goes on."""
    if step not in BY_HAND:
        raise AskMerchant("This step is done by doing it.", field="step")
    now = engine.clock()

    def act(session: Session) -> None:
        if step == "welcome" and store_connection(session) is None:
            raise AskMerchant("Connect your store first: everything that is sold comes from it.", field="store")
        number = None if step == "welcome" else _meant(session, resting.in_setup(session), connection_id)
        if step != "welcome" and number is None:
            raise AskMerchant("Connect a marketplace first.", field="step")
        kept = _locked(session, shop_id)
        place = kept.setdefault("shop", {}) if number is None else _of_channel(kept, number)
        place[step] = {"by": author[:100], "at": now.isoformat()}
        _keep(session, shop_id, kept)
        note(session, now, "setup", f"setup: {step} is done ({author})", connection_id=number)

    engine.db.transact(shop_id, act)


def begin(engine: Engine, shop_id: int) -> None:
    """From now on Overview speaks of the setup until it is put away."""
    _set_dismissed(engine, shop_id, dismissed=False)


def dismiss(engine: Engine, shop_id: int) -> None:
    _set_dismissed(engine, shop_id, dismissed=True)


def _set_dismissed(engine: Engine, shop_id: int, *, dismissed: bool) -> None:
    def act(session: Session) -> None:
        kept = _locked(session, shop_id)
        kept["dismissed"] = dismissed
        _keep(session, shop_id, kept)

    engine.db.transact(shop_id, act)


def go_live(engine: Engine, shop_id: int, connection_id: int, flows: Sequence[str], author: str) -> None:
    """Start sending: these flows; the others rest until somebody sets them going. Raises NotFound and AskMerchant."""
    now = engine.clock()

    def act(session: Session) -> None:
        state = progress(session, shop_id, connection_id)
        if "live" in state.done:
            raise AskMerchant("This marketplace is live already.", field="connection")
        missing = next((step for step in STEPS if step not in state.done), "live")
        if missing != "live":
            raise AskMerchant(f"Finish step {STEPS.index(missing) + 1} first.", field="step")
        if store_connection(session) is None:
            raise AskMerchant("Connect your store first: there is nothing to sell without one.", field="step")
        if resting.in_test(session):
            raise AskMerchant("Test mode is on: switch it off under Settings first.", field="flows")
        if not flows:
            raise AskMerchant("Switch on at least one of them, or stay as you are: nothing is sent.", field="flows")
        resting.check(flows)
        resting.end_setup(session, connection_id, flows, author, now)
        note(session, now, "setup", f"live: {', '.join(flows)} ({author})", connection_id=connection_id)

    engine.db.transact(shop_id, act)
    engine.ring(LANES)


def _locked(session: Session, shop_id: int) -> dict[str, Any]:
    row = session.scalars(select(Shop).where(Shop.id == shop_id).with_for_update()).one()
    return dict((row.settings or {}).get(KEY) or {})


def _of_channel(kept: dict[str, Any], number: int) -> dict[str, Any]:
    channels: dict[str, Any] = kept.setdefault("channels", {})
    place: dict[str, Any] = channels.setdefault(str(number), {})
    return place


def _keep(session: Session, shop_id: int, kept: dict[str, Any]) -> None:
    row = session.get_one(Shop, shop_id)
    row.settings = {**(row.settings or {}), KEY: kept}
