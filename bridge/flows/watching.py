"""The watch over all shops: what is wrong becomes a problem, what is over closes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Shop
from bridge.flows import module_health, quiet, safety, standstill, urgent, vat_asked, watched
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability

log = logging.getLogger("storebridge.flows")


@dataclass
class Watching:
    """One per process; it remembers the rhythm of each channel. ``folder``: the data folder, where it is here."""

    engine: Engine
    folder: Path | None = None
    rhythms: quiet.Known = field(default_factory=dict)

    def look(self) -> None:
        """Each shop in a transaction of its own; one shop's trouble is not the others'."""
        with self.engine.db.read(None) as session:
            shops = list(session.scalars(select(Shop.id).order_by(Shop.id)))
        for shop_id in shops:
            try:
                self.engine.ring(self.engine.db.transact(shop_id, self._look, shop_id))
            except Exception:
                log.exception("the watch over shop %s broke off", shop_id)

    def _look(self, session: Session, shop_id: int) -> set[str]:
        now = self.engine.clock()
        paused = session.get_one(Shop, shop_id).paused
        query = select(Connection).where(Connection.state == "active").order_by(Connection.id)
        there = [] if paused else list(session.scalars(query))
        rows = [row for row in there if self.engine.is_installed(row)]
        watched.check_adapters(session, [row for row in there if row not in rows], now)
        watched.check(session, rows, now)
        module_health.check(session, self.engine, rows, now)
        vat_asked.check(session, self.engine, rows, now)
        standstill.check(session, [row for row in rows if row.role == "channel"], now)
        selling = [row for row in rows if row.role == "channel" and self._sells(row)]
        quiet.check(session, selling, now, self.rhythms)
        if self.folder is not None:
            watched.check_disk(session, now, self.folder)
        watched.check_database(session, now)
        urgent.raise_priority(session, now)
        return set() if paused else safety.check(session, self.engine, shop_id, now)

    def _sells(self, row: Connection) -> bool:
        return Capability.ORDERS in self.engine.manifest(row).capabilities
