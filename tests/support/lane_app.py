"""A worker or a scheduler over work that only takes time: ``python -m tests.support.lane_app ROLE DB REDIS LOG``.

The key of a work row says how long it takes (``a:2.5``). Every step is written to LOG: ``began a:2.5 PID``,
``done a:2.5 PID``, ``lost a:2.5 PID`` (the lease was gone), ``back a:2.5 PID`` (handed back at SIGTERM).
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography.fernet import Fernet
from sqlalchemy.orm import Session

from bridge import log
from bridge.config import database_url
from bridge.db import crypto, work
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop
from bridge.db.work import Claim, Mark
from bridge.flows.engine import Engine
from bridge.jobs.doorbell import Doorbell
from bridge.jobs.schedule import Scheduler
from bridge.jobs.worker import WorkerProcess
from tests.support.procs import Process, Procs

ROOT = Path(__file__).parents[2]
LANE = "orders"
Scope = tuple[int, int, str]


class TimedTable:
    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path

    def scopes(self, engine: Engine, lane: str) -> list[Scope]:
        with engine.db.read(None) as session:
            return work.pending_scopes(session, lane, engine.clock())

    def next_due(self, engine: Engine, lane: str) -> datetime | None:
        with engine.db.read(None) as session:
            return work.next_due(session, lane, engine.clock() + timedelta(seconds=2))

    def lanes_with_work(self, engine: Engine) -> set[str]:
        return {LANE} if self.scopes(engine, LANE) else set()

    def tick(self, engine: Engine) -> set[str]:
        return set()

    def catch_up(self, engine: Engine) -> None:
        """Nothing is ever asked here."""

    def run(self, engine: Engine, scope: Scope, deadline: float) -> None:
        shop_id, connection_id, lane = scope
        while not engine.stopping.is_set():
            claims = engine.db.transact(
                shop_id, lambda session: work.claim(session, lane, connection_id, engine.clock(), 1)
            )
            if not claims:
                return
            self._do(engine, claims[0])

    def _do(self, engine: Engine, claim: Claim) -> None:
        self._note("began", claim)
        if engine.stopping.wait(float(claim.key.split(":")[1])):
            engine.db.transact(claim.shop_id, lambda session: work.put_back(session, [claim], engine.clock()))
            self._note("back", claim)
            return

        def finish(session: Session) -> bool:
            mine = bool(work.still_mine(session, [claim]))
            work.done(session, [claim], engine.clock())
            return mine

        mine = engine.db.transact(claim.shop_id, finish)
        self._note("done" if mine else "lost", claim)

    def _note(self, what: str, claim: Claim) -> None:
        import os

        with self._log_path.open("a") as file:
            file.write(f"{what} {claim.key} {os.getpid()} {time.time():.4f}\n")


class Lane:
    """The test's side: marks work, starts and stops processes, reads the log."""

    def __init__(self, procs: Procs, url: str, redis_url: str, folder: Path) -> None:
        self.procs = procs
        self.url = url
        self.redis_url = redis_url
        self.log_path = folder / "lane.log"
        self.log_path.touch()
        self.engine = make_engine(url, redis_url)
        now = self.engine.clock()
        with self.engine.db.write(None) as session:
            session.add(Shop(id=1, public_id="shop", name="Shop", created_at=now))
            session.flush()
            session.add(Connection(id=1, shop_id=1, role="channel", adapter="bol", account="bol", title="bol",
                                   credentials={}, state_since=now, created_at=now))  # fmt: skip

    def close(self) -> None:
        self.engine.db.close()

    def start(self, role: str) -> Process:
        command = [sys.executable, "-m", "tests.support.lane_app", role, self.url, self.redis_url, str(self.log_path)]
        return self.procs.start(command, cwd=ROOT)

    def mark(self, *keys: str, ring: bool = True) -> None:
        now = self.engine.clock()
        marks = [Mark(1, LANE, "timed", key) for key in keys]
        self.engine.db.transact(1, lambda session: work.mark(session, 1, marks, now))
        if ring:
            self.engine.ring([LANE])

    def notes(self, what: str) -> list[str]:
        """Keys of the log's lines that begin with ``what``."""
        lines = [line.split() for line in self.log_path.read_text().splitlines()]
        return [line[1] for line in lines if line[0] == what]


def make_engine(url: str, redis_url: str) -> Engine:
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    return Engine(db=Database(database_url(url)), platforms={}, channels={}, make_transport=cast(Any, None),
                  clock=lambda: datetime.now(UTC), ring=Doorbell(redis_url).ring)  # fmt: skip


def main() -> None:
    role, url, redis_url, log_path = sys.argv[1:]
    log.configure("json", "info")
    engine, table = make_engine(url, redis_url), TimedTable(Path(log_path))
    if role == "worker":
        WorkerProcess(engine, LANE, redis_url, cast(Any, table)).run()
    else:
        Scheduler(engine, table, table).run()


if __name__ == "__main__":
    main()
