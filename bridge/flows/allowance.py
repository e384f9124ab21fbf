"""How many marketplaces a shop may have, where whoever runs the bridge for it has said so. It holds for what is not
connected yet: nothing that sells is ended, paused or slowed down by it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import Connection, Shop
from bridge.flows.engine import Engine
from bridge.flows.wish import CONNECTING, DISCONNECTED
from bridge.ports.errors import AskMerchant

KEY = "allowance"  # in the shop's settings
OPERATOR = "whoever runs Storebridge for you"


@dataclass(frozen=True)
class Allowance:
    """``most`` and ``used`` in marketplaces; ``ask``: who can raise it, as the operator calls them."""

    most: int
    used: int
    ask: str = ""

    @property
    def is_reached(self) -> bool:
        return self.used >= self.most

    @property
    def text(self) -> str:
        whom = self.ask or OPERATOR
        return (
            f"This shop has {self.used} of the {self.most} marketplaces it may have. What is connected goes on as it "
            f"is; for more, ask {whom}."
        )


def of(session: Session, shop_id: int) -> Allowance | None:
    """None where nobody has limited it."""
    return _of(session, session.get_one(Shop, shop_id))


def shown(engine: Engine, shop_id: int) -> Allowance | None:
    with engine.db.read(shop_id) as session:
        return of(session, shop_id)


def limit(engine: Engine, shop_id: int, most: int | None, ask: str = "") -> Allowance | None:
    """``most`` None: no limit any more. One below what is connected already ends nothing."""
    if most is not None and most < 0:
        raise AskMerchant("Enter a whole number.", field="marketplaces")

    def act(session: Session) -> Allowance | None:
        row = _locked(session, shop_id)
        kept = {name: value for name, value in (row.settings or {}).items() if name != KEY}
        row.settings = kept if most is None else {**kept, KEY: {"marketplaces": most, "ask": ask.strip()[:200]}}
        told = "no limit of marketplaces" if most is None else f"at most {most} marketplaces"
        note(session, engine.clock(), "settings", told)
        return _of(session, row)

    return engine.db.transact(shop_id, act)


def take_one(session: Session, shop_id: int) -> None:
    """Another marketplace is about to be connected. Raises AskMerchant where there may be no more; two who do so at
    the same time go one after the other."""
    found = _of(session, _locked(session, shop_id))
    if found is not None and found.is_reached:
        raise AskMerchant(found.text)


def _locked(session: Session, shop_id: int) -> Shop:
    return session.scalars(select(Shop).where(Shop.id == shop_id).with_for_update()).one()


def _of(session: Session, row: Shop) -> Allowance | None:
    kept = (row.settings or {}).get(KEY)
    if not kept:
        return None
    there = Connection.state.not_in((CONNECTING, DISCONNECTED))
    used = select(func.count()).where(Connection.shop_id == row.id, Connection.role == "channel", there)
    return Allowance(kept["marketplaces"], session.scalar(used) or 0, kept["ask"])
