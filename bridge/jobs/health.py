"""Whether the machinery runs: for /readyz and `storebridge doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.db import leases
from bridge.db.session import Database
from bridge.flows.engine import LANES
from bridge.jobs.queues import life_key, open_queue, quick_redis
from bridge.jobs.schedule import LEASE


@dataclass(frozen=True)
class Health:
    """``database`` and ``redis`` are empty when they answer, else say what is wrong. ``workers`` and ``queued`` are
    by lane; ``scheduler`` says whether one leads."""

    database: str
    redis: str
    scheduler: bool = False
    workers: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.database and not self.redis and self.scheduler and all(self.workers.get(x) for x in LANES)


def check(db: Database, redis_url: str | None, seconds: float = 1.0) -> Health:
    """Ask everyone. Never raises."""
    database, scheduler = _database(db)
    redis, workers, queued = _redis(redis_url, seconds) if redis_url else ("REDIS_URL is not set", {}, {})
    return Health(database, redis, scheduler, workers, queued)


def _database(db: Database) -> tuple[str, bool]:
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return "", leases.held_for(db, LEASE) is not None
    except SQLAlchemyError as error:
        return _short(error), False


def _redis(url: str, seconds: float) -> tuple[str, dict[str, int], dict[str, int]]:
    try:
        with quick_redis(url, seconds) as client:
            alive = [key.decode().split(":")[2] for key in client.scan_iter(life_key("*", "*"), count=1000)]
            found = Counter(lane for lane in alive if lane in LANES)
            queued = {lane: open_queue(lane, client).count for lane in LANES}
        return "", dict(found), queued
    except (RedisError, OSError) as error:
        return _short(error), {}, {}


def _short(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0][:300]
