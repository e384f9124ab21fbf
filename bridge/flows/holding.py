"""Keeping a lease while one call to the outside takes its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from bridge.db import work
from bridge.db.work import Claim
from bridge.flows.engine import Engine

EVERY = work.LEASE.total_seconds() / 3


@contextmanager
def held(engine: Engine, shop_id: int, claims: Sequence[Claim]) -> Iterator[None]:
    """The claims stay ours for as long as this lasts. Whether they still are is asked when the result is written, as
    always: a renewal that fails is no fault here."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(EVERY):
            try:
                engine.db.take(shop_id, work.renew, claims, engine.clock())
            except SQLAlchemyError:
                continue

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
