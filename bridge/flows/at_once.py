"""New stock of few products goes out from where it was worked out, without another hop (docs/decisions/0002)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Self

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


class Ahead:
    """Gets ready what a transaction has claimed while it is being committed: the call is made up and its turn at the
    limit is waited for. Nothing goes out before the transaction has ended; the fence then asks whether it is ours, so
    that what was rolled back is not sent. Each parcel in a thread of its own, where a lane is being drained; else
    afterwards, here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._left: list[Parcel] = []
        self._ended = threading.Event()

    def begin(self, parcels: Sequence[Parcel]) -> None:
        """The last thing in the transaction, again where that is repeated."""
        self._left = [parcel for parcel in parcels if not self._begun(parcel)]

    def _begun(self, parcel: Parcel) -> bool:
        beside, act = self._engine.beside, partial(_send, self._engine, parcel, self._ended.wait)
        return beside is not None and beside(LANE_OF[Facet.STOCK], act)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._ended.set()
        for parcel in self._left if error is None else ():
            _send(self._engine, parcel, self._ended.wait)


def _send(engine: Engine, parcel: Parcel, committed: Callable[[], object]) -> None:
    """Never raises: what goes wrong is done again when the leases run out."""
    try:
        send_claimed(engine, parcel.row, Facet.STOCK, parcel.items, committed)
    except Exception:
        log.exception("what was to be sent at once broke off; its leases run out and it is sent again")
