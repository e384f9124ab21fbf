"""A whole bridge over real HTTP: sandbox store and sandbox marketplace on sockets, an engine between them.

``Stack`` drains in this process, or in a child that may be killed (``worker``), with a clock that can be moved; real
processes with Redis are started by ``run``. ``check_invariants`` compares both sandboxes and the database.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bridge import app
from bridge.config import Config, load
from bridge.db.tables import (
    Base,
    FacetRow,
    Journal,
    Listing,
    Poll,
    Problem,
    Reservation,
    Submission,
    Variant,
    Work,
)
from bridge.flows import admin, parts, polls, table
from bridge.flows.engine import LANES, Engine
from bridge.flows.steps import KILL_AT
from bridge.ports.adapter import Adapter
from bridge.ports.manifest import Limit
from bridge.registry import Registry, discover
from channel_adapters.bol.sandbox import create_sandbox as create_bol
from platform_adapters.woocommerce.sandbox import SANDBOX_SECRET
from platform_adapters.woocommerce.sandbox import create_sandbox as create_store
from tests.support.bol import Seller
from tests.support.databases import make_tables
from tests.support.procs import Process, Procs, free_port, wait_until
from tests.support.serve import serve
from tests.support.woocommerce import Store
from tests.support.world import ean

PII = ("Willibrordus", "Zonneveldlaan", "willibrordus@example.org")
BOL_SECRET = "sandbox-secret"
STORE_PACE = {"poll_products": 2, "poll_variants": 5, "poll_catalogue": 50, "poll_store_orders": 2}
CHANNEL_PACE = {"poll_orders": 1, "poll_open_orders": 30, "poll_returns": 3, "poll_offers": 3600, "poll_status": 60}


class MovedClock:
    """The real time, moved by ``offset`` seconds."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)


class Stack:
    """Sandboxes, database and an engine in this process. Nothing runs by itself until ``run`` is called."""

    def __init__(self, folder: Path, database_url: str, exits: ExitStack, redis_url: str = "", **bol: Any) -> None:
        self.folder, self.redis_url = folder, redis_url
        options = {
            "process_seconds": 0.0,
            "policy_seconds": 0.0,
            "content_seconds": 0.0,
            "limits": None,
            "token_seconds": 86400,
            **bol,
        }
        self.bol = Seller(exits.enter_context(serve(create_bol(**options))))
        exits.callback(self.bol.http.close)
        self.store = self._open_store(exits)
        self.port = free_port()
        self.env = {
            "STOREBRIDGE_DATA_DIR": str(folder / "data"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "STOREBRIDGE_PORT": str(self.port),
            "STOREBRIDGE_PRIVATE_HOSTS": f"127.0.0.1:{self.bol.http.base_url.port},{self.store.url.split('//')[1]},localhost",
            "STOREBRIDGE_DEMO": "0",
            "STOREBRIDGE_LOG_FORMAT": "json",
        }
        self.config: Config = load(
            {
                "data_dir": folder / "data",
                "database_url": database_url,
                "redis_url": redis_url,
                "port": self.port,
                "private_hosts": tuple(self.env["STOREBRIDGE_PRIVATE_HOSTS"].split(",")),
                "demo": False,
                "log_format": "json",
                **self._more(),
            }
        )
        self.clock = MovedClock()
        self.rung: set[str] = set()
        make_tables(database_url)
        self.engine = self.new_engine()
        exits.callback(lambda: app.close(self.engine))
        self.shop = admin.ensure_shop(self.engine, "Stack")
        self.store_id = self.channel_id = 0

    def _open_store(self, exits: ExitStack) -> Any:
        return Store(exits.enter_context(serve(create_store(None, delay=0.05))))

    def _more(self) -> dict[str, Any]:
        """Settings besides those that every stack has."""
        return {}

    def new_engine(self) -> Engine:
        ring: Callable[[Any], None] = self.rung.update
        return app.bootstrap(self.config, registry=unlimited(), clock=self.clock, ring=ring)

    def restart(self) -> None:
        """A fresh process: nothing in memory is kept."""
        app.close(self.engine)
        self.engine = self.new_engine()

    # connecting
    def connect(self) -> Stack:
        store = admin.sandbox_place(self.engine.platforms["woocommerce"], self.store.url)
        market = admin.sandbox_place(self.engine.channels["bol"], str(self.bol.http.base_url))
        make = admin.connect
        self.store_id = make(
            self.engine, self.shop.id, "platform", "woocommerce", None, store[0], STORE_PACE, store[1]
        ).id
        self.channel_id = make(self.engine, self.shop.id, "channel", "bol", None, market[0], CHANNEL_PACE, market[1]).id
        return self

    @property
    def hook_url(self) -> str:
        return admin.hook_url(self.engine, self.shop.id, self.store_id)

    # what people do
    def product(self, sku: str, stock: int, number: int | None = None, **more: Any) -> int:
        gtin = ean(number if number is not None else 1000 + sum(map(ord, sku)))
        return self.store.product(sku, stock, global_unique_id=gtin, **more)

    def sells(self, sku: str, quantity: int = 1, **more: Any) -> str:
        """A buyer with a name that must turn up nowhere."""
        body = {"lines": [{"sku": sku, "quantity": quantity, "unit_price": 10.0}], "force": True, **more}
        return str(self.bol.control("POST", "orders", body)["order_id"])

    def ships(self, order: dict[str, Any], tracking: str) -> None:
        self.store.control("ship", order=order["id"], tracking=tracking, carrier="PostNL", complete=True)

    # what is seen
    def orders_of(self, order_id: str) -> list[dict[str, Any]]:
        """Store orders made from a marketplace order, by what stands in them and not by what we believe."""
        return [order for order in self.store.look("orders") if order_id in json.dumps(order["meta_data"])]

    def offer(self, sku: str) -> dict[str, Any] | None:
        return next((offer for offer in self.bol.control("GET", "offers") if offer["sku"] == sku), None)

    def shown(self, sku: str) -> int | None:
        offer = self.offer(sku)
        return None if offer is None else int(offer["stock"])

    def bol_order(self, order_id: str) -> dict[str, Any]:
        found = next(order for order in self.bol.control("GET", "orders") if order["order_id"] == order_id)
        return dict(found)

    def rows(self, table_: type[Base], *where: Any) -> list[Any]:
        with self.engine.db.read(self.shop.id) as session:
            return list(session.scalars(select(table_).where(*where)))

    def problems(self) -> dict[str, str]:
        return {row.kind: f"{row.text} {row.detail}" for row in self.rows(Problem, Problem.closed_at.is_(None))}

    def requests(self, operation: str, since: int = 0) -> list[dict[str, Any]]:
        """Requests the marketplace has seen, by operation."""
        seen = self.bol.control("GET", f"requests?since={since}")
        return [item for item in seen if item["op"] == operation]

    # time and work, in this process
    def later(self, seconds: float) -> None:
        """Time passes, here and in the store."""
        self.clock.offset += seconds
        self.store.control("clock", advance=seconds)

    def drain(self, rounds: int = 60) -> None:
        drain(self.engine, rounds)

    def settle(self, seconds: int = 60, step: int = 20) -> None:
        """Let time pass with polls and jobs running."""
        for _ in range(0, seconds, step):
            polls.tick(self.engine)
            self.drain()
            self.later(step)
        polls.tick(self.engine)
        self.drain()

    def pull(self) -> None:
        """Ask for orders now."""
        self.due_now()
        polls.tick(self.engine)
        self.drain()

    def due_now(self) -> None:
        with self.engine.db.write(self.shop.id) as session:
            session.execute(update(Poll).values(next_at=self.clock()))

    # real processes
    def run(self, procs: Procs, **env: str) -> Process:
        """Everything as `storebridge run` starts it, over our Redis and database."""
        process = procs.start([_program(), "run", "--no-demo"], env=self.env | env)
        process.wait_for_port(self.port, 60)
        return process

    def start_worker(self, procs: Procs, **env: str) -> Process:
        return procs.start([_program(), "worker"], env=self.env | env)

    def wait(self, what: str, answer: Callable[[], Any], within: float = 60) -> Any:
        return wait_until(answer, within, lambda: f"{what}; {self.troubles()}")

    def troubles(self) -> str:
        pending = self.rows(Work, Work.dirty_version > Work.done_version)
        return f"problems {self.problems()}; work {[(w.kind, w.key, w.attempts, w.error, str(w.leased_until)) for w in pending]}"

    # what must hold
    def is_quiet(self) -> bool:
        """Nothing is under way that this bridge knows of (recurring questions aside)."""
        now = self.clock() + timedelta(seconds=30)
        with self.engine.db.read(self.shop.id) as session:
            counts = [
                select(func.count()).select_from(Work).where(
                    Work.dirty_version > Work.done_version, Work.parked.is_(False), Work.due_at < now,
                    Work.kind.not_like("poll.%"), Work.kind.not_in(("orders.pull", "returns.pull"))),
                select(func.count()).select_from(FacetRow).where(FacetRow.desired_version > FacetRow.acked_version),
                select(func.count()).select_from(Listing).where(Listing.pending),
                select(func.count()).select_from(Submission).where(Submission.state == "pending"),
                select(func.count()).select_from(Reservation).where(Reservation.state == "placed"),
            ]  # fmt: skip
            return not any(session.scalar(query) for query in counts)

    def check_invariants(self, *, ignore: set[str] | None = None) -> None:
        """Every marketplace order exactly once in the store, every parcel once on the marketplace, the last quantity
        sent is the target, nothing lost, no secret and no person where they do not belong."""
        ignored = ignore or set()
        in_store = self.store.look("orders")
        texts = [json.dumps(order["meta_data"]) for order in in_store if order["status"] != "trash"]
        for order in self.bol.control("GET", "orders"):
            if order["order_id"] in ignored:
                continue
            times = sum(order["order_id"] in text for text in texts)
            cancelled = all(line["cancelled"] >= line["quantity"] for line in order["lines"])
            assert times == 1 or (cancelled and times == 0), f"order {order['order_id']} is {times} times in the store"
            tracks = Counter(shipment["tracking"] for shipment in order["shipments"])
            assert max(tracks.values(), default=1) == 1, f"shipped twice: {tracks}"
        shelf = self.store.look("stock")
        with self.engine.db.read(self.shop.id) as session:
            bundles = {item.sku: item.components for item in parts.read(session).bundles}
        for offer in self.bol.control("GET", "offers"):
            taken = [(offer["sku"], 1), *((part.sku, part.quantity) for part in bundles.get(offer["sku"], ()))]
            there = {sku: (shelf.get(sku) or 0, self._held(sku), each) for sku, each in taken}
            least = min((on_hand - held) // each for on_hand, held, each in there.values())
            assert offer["stock"] == max(0, least), f"{offer['sku']}: {offer['stock']} shown, {there}"
        self.check_secrecy()

    def _held(self, sku: str) -> int:
        query = (
            select(func.coalesce(func.sum(Reservation.quantity), 0))
            .join(Variant, Variant.id == Reservation.variant_id)
            .where(Variant.sku == sku, Reservation.state != "released")
        )
        with self.engine.db.read(self.shop.id) as session:
            return int(session.scalar(query) or 0)

    def check_secrecy(self) -> None:
        """No credential and no buyer in logs, journal, problems, work rows or Redis."""
        secrets = (SANDBOX_SECRET, BOL_SECRET, *self._buyers())
        places = {"journal": self.rows(Journal), "problems": self.rows(Problem), "work": self.rows(Work)}
        texts = {name: "\n".join(_columns(row) for row in rows) for name, rows in places.items()}
        texts |= {path.name: path.read_text(errors="replace") for path in self.folder.rglob("*.log")}
        texts["redis"] = dump(self.redis_url) if self.redis_url else ""
        for place, text in texts.items():
            for secret in secrets:
                assert secret not in text, f"{secret!r} stands in {place}"

    def _buyers(self) -> set[str]:
        found: set[str] = set()
        for order in self.store.look("orders"):
            person = order["shipping"]
            found |= {person[key] for key in ("address_1", "last_name") if len(person[key]) > 6}
            found |= {order["billing"].get("email") or ""} - {""}
        return found


def unlimited() -> Registry:
    """The adapters without their limits: these count real seconds, and here a minute passes in a moment."""
    found = discover()
    channels = {name: _unlimited(item) for name, item in found.channels.items()}
    return replace(
        found, channels=channels, platforms={name: _unlimited(item) for name, item in found.platforms.items()}
    )


def _unlimited(adapter: Adapter) -> Adapter:
    """Said, since where nothing is said a careful choice of ours holds."""
    limits = {"*": Limit(calls=1e6, seconds=1, source="none")}
    return replace(adapter, manifest=adapter.manifest.model_copy(update={"limits": limits}))


def drain(engine: Engine, rounds: int = 60) -> None:
    """Do everything that is due now, most urgent lane first, in this thread."""
    for _ in range(rounds):
        lanes = table.lanes_with_work(engine)
        todo = [scope for lane in LANES if lane in lanes for scope in table.scopes(engine, lane)]
        if not todo:
            return
        for scope in todo:
            table.run(engine, scope, time.monotonic() + 30)
    raise AssertionError(f"never comes to rest: {todo}")


def dump(redis_url: str) -> str:
    """All there is in Redis, as text."""
    from redis import Redis

    readers: dict[bytes, Callable[[Any, bytes], Any]] = {
        b"string": lambda r, k: r.get(k), b"hash": lambda r, k: r.hgetall(k), b"list": lambda r, k: r.lrange(k, 0, -1),
        b"set": lambda r, k: r.smembers(k), b"zset": lambda r, k: r.zrange(k, 0, -1, withscores=True),
    }  # fmt: skip
    with Redis.from_url(redis_url) as client:
        return "\n".join(
            f"{key!r} {readers.get(kind, lambda r, k: '')(client, key)!r}"
            for key in client.scan_iter()
            if (kind := client.type(key))
        )


def _columns(row: Base) -> str:
    return " ".join(str(getattr(row, column.key)) for column in row.__table__.columns)


def _program() -> Path:
    return Path(sys.executable).parent / "storebridge"


@contextmanager
def open_stack(folder: Path, database_url: str, redis_url: str = "", **bol: Any) -> Iterator[Stack]:
    with ExitStack() as exits:
        yield Stack(folder, database_url, exits, redis_url, **bol)


class Worker:
    """Children that drain a stack and may be killed: forked from one process that has everything loaded."""

    def __init__(self, procs: Procs, stack: Stack) -> None:
        self._stack = stack
        self._orders = stack.folder / "orders.fifo"
        self._answers = stack.folder / "answers.fifo"
        for path in (self._orders, self._answers):
            os.mkfifo(path)
        args = [sys.executable, "-m", "tests.support.stack", str(self._orders), str(self._answers)]
        self._process = procs.start(args, env=stack.env, cwd=Path(__file__).parents[2])

    def drain(self, **env: str) -> int:
        """One child drains until nothing is left; its exit code (-9 when it was killed)."""
        with self._orders.open("w") as orders:
            orders.write(json.dumps({"offset": self._stack.clock.offset, "env": env}) + "\n")
        with self._answers.open() as answers:
            return int(answers.read())

    def killed_at(self, marks: Path) -> int:
        return self.drain(**{KILL_AT: str(marks)})


def _serve_children(orders: str, answers: str) -> None:
    discover()
    while True:
        with Path(orders).open() as source:
            wish = json.loads(source.read())
        child = os.fork()
        if child == 0:
            os.environ.update(wish["env"])
            _work(wish["offset"])
        _, status = os.waitpid(child, 0)
        with Path(answers).open("w") as target:
            target.write(str(os.waitstatus_to_exitcode(status)))


def _work(offset: float) -> None:
    code = 1
    try:
        engine = app.bootstrap(load({}), registry=unlimited(), clock=MovedClock(offset), ring=lambda lanes: None)
        polls.tick(engine)
        drain(engine)
        app.close(engine)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve_children(*sys.argv[1:])
