"""Prices that a store keeps without VAT: as long as nobody has said what is to be added, they go out as they are, and
that is asked. Stores that tell what a shopper pays are not asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain.shaping import MarketSettings
from bridge.flows import documents
from bridge.flows.documents import SHOP, of_connection
from bridge.flows.engine import Engine
from bridge.flows.watched import Told, keep

KIND = "vat_unsaid"
SETTING = "vat_percent"  # of a store that keeps prices without VAT and tells no rates


def check(session: Session, engine: Engine, rows: Sequence[Connection], now: datetime) -> None:
    """A problem for each marketplace, closed once it is answered: a percentage in the store's settings, or whether VAT
    is in the prices in the marketplace's."""
    stores = [row for row in rows if row.role == "platform" and _is_open(engine, row)]
    found: dict[str, Told] = {}
    for row in rows if stores else ():
        if row.role == "channel" and _said(session, row.id) is None:
            text = (
                f"{stores[0].title} keeps its prices without VAT, and nobody has said yet what is to be added for "
                f"{row.title}: buyers there pay the price without VAT."
            )
            fix = "Say under Settings, Prices, whether the store’s prices have VAT in them; else the buyer’s is added."
            found[f"VAT on {row.title}"] = Told(text, fix, row.id, "warning")
    keep(session, now, KIND, found)


def _is_open(engine: Engine, row: Connection) -> bool:
    asks = any(setting.name == SETTING for setting in engine.manifest(row).settings)
    return asks and (row.info or {}).get("prices_include_tax") is False and not row.settings.get(SETTING)


def _said(session: Session, connection_id: int) -> bool | None:
    """The marketplace's own word, else the shop's."""
    for subject in (of_connection(connection_id), SHOP):
        row = documents.read(session, subject, "market")
        said = MarketSettings.model_validate(row.content).prices_include_tax if row else None
        if said is not None:
            return said
    return None
