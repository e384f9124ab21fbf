"""New stock of few products goes out from where it was worked out, without another hop (docs/decisions/0002)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bridge.db import queue, work
from bridge.db.tables import Connection
from bridge.domain.listing import Facet
from bridge.flows.engine import Engine
from bridge.flows.push import LANE_OF, Item, item_of, send_claimed

log = logging.getLogger("storebridge.flows")


@dataclass(frozen=True)
class Parcel:
    """What was claimed of one connection by the transaction that changed it."""

    row: Connection
    items: list[Item]


def claim(session: Session, variant_ids: Sequence[int], now: datetime) -> list[Parcel]:
    """The stock of these variants, for each marketplace that nothing else waits for."""
    rows, token = queue.claim_at_once(session, variant_ids, Facet.STOCK.value, now)
    connections = work.connections(session, {row.connection_id for row in rows}) if rows else {}
    parcels = {number: Parcel(row, []) for number, row in connections.items()}
    for row in rows:
        parcels[row.connection_id].items.append(item_of(row, token))
    return list(parcels.values())


def send(engine: Engine, parcels: Sequence[Parcel]) -> None:
    """Each in a thread of its own, where a lane is being drained; else here."""
    for parcel in parcels:
        if engine.beside is None:
            _send(engine, parcel)
        else:
            engine.beside(LANE_OF[Facet.STOCK], partial(_send, engine, parcel))


def _send(engine: Engine, parcel: Parcel) -> None:
    """Never raises: what goes wrong is done again when the leases run out."""
    try:
        send_claimed(engine, parcel.row, Facet.STOCK, parcel.items)
    except Exception:
        log.exception("what was to be sent at once broke off; its leases run out and it is sent again")
