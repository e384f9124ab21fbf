"""In which language a shop is written to: as the merchant has set it, else as its pages were last used."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Shop
from bridge.flows.engine import Engine

KEY = "language"  # in the shop's settings
ENGLISH = "en"


def seen(session: Session, shop_id: int) -> str:
    """The code of the language that its pages were last used in; English before anybody did."""
    return str((session.get_one(Shop, shop_id).settings or {}).get(KEY) or ENGLISH)


def remember(engine: Engine, shop_id: int, code: str) -> None:
    """Its pages are used in this language."""

    def act(session: Session) -> None:
        row = session.scalars(select(Shop).where(Shop.id == shop_id).with_for_update()).one()
        row.settings = {**(row.settings or {}), KEY: code}

    engine.db.transact(shop_id, act)
