"""An isolated world for one rehearsal: its own folder, database, keys and web server, sandboxes over real HTTP, and
the production drains and scheduler in threads. Nothing of the bridge that runs here otherwise is touched.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import httpx
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge import app, config
from bridge.config import ConfigError
from bridge.db import migrations
from bridge.db.tables import Connection, Journal, Order, Poll, Problem, Work
from bridge.flows import admin, feed_address
from bridge.flows.engine import LANES, Engine
from bridge.flows.watching import Watching
from bridge.jobs.drain import Drainer
from bridge.jobs.schedule import EVERY, Scheduler
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, UnknownOutcome
from bridge.ports.manifest import Limit
from bridge.ports.platform import Platform, StoreRehearsal
from bridge.registry import discover
from bridge.rehearsal.market import Market
from bridge.rehearsal.servers import HOST, Door, Wsgi, serving
from bridge.supervisor.redis import Server
from bridge.web import create_web

# Questions are asked often, so that a store that cannot reach us with webhooks is still followed in seconds.
STORE_PACE = {"poll_products": 2, "poll_variants": 10, "poll_catalogue": 5, "poll_store_orders": 2}
CHANNEL_PACE = {"poll_orders": 1, "poll_open_orders": 30, "poll_returns": 5, "poll_offers": 30, "poll_status": 5}
SWEEPS, WEBHOOKS = ("poll.catalogue", "poll.variants"), "poll.webhooks"
DRAIN_SECONDS = 30.0
# A call may take 60 s, and none is begun again once the engine is stopping.
ENDING = 90.0
FAR = timedelta(days=365)
SELDOM = 180
SECOND_LOOK = timedelta(seconds=2)


@dataclass(frozen=True)
class Plan:
    """What is rehearsed. ``store`` are the credentials of a real store; None: a sandbox, which has the store's plugin
    or module where ``module`` says so (a real one has it or not). ``settings`` are those of the store's connection."""

    platform: str
    channel: str
    store: Mapping[str, str] | None = None
    database_url: str | None = None
    keep: bool = False
    patience: float = 60.0
    log_level: str = "error"
    module: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """``start`` sets the lanes going; ``store_id`` and ``channel_id`` are connections, once they are made."""

    plan: Plan
    engine: Engine
    shop: admin.Named
    market: Market
    market_url: str
    store_url: str | None
    folder: Path
    store_id: int = 0
    channel_id: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def is_real(self) -> bool:
        return self.store_url is None

    @property
    def platform(self) -> Platform:
        return self.engine.platform(self.row(self.store_id))

    @cached_property
    def store(self) -> StoreRehearsal:
        """The merchant's hands in the store."""
        return hands_of(self.engine, self.row(self.store_id))

    def row(self, connection_id: int) -> Connection:
        return admin.get(self.engine, self.shop.id, connection_id)

    def store_row(self) -> Connection | None:
        """The store's connection, also where making it has failed half way."""
        with self.engine.db.read(self.shop.id) as session:
            return session.scalars(select(Connection).where(Connection.role == "platform")).first()

    def orders(self) -> dict[str, str | None]:
        """Number in the store, where there is one, by the reference that a store order of ours carries."""
        with self.engine.db.read(self.shop.id) as session:
            return {row.ref: row.store_number for row in session.scalars(select(Order))}

    def connect_store(self) -> admin.Connected:
        adapter = self.engine.platforms[self.plan.platform]
        credentials: dict[str, Any] = dict(self.plan.store or {})
        urls: dict[str, str] = {}
        if self.store_url is not None:
            credentials, urls = admin.sandbox_place(adapter, self.store_url)
        make = partial(admin.connect, self.engine, self.shop.id, "platform", adapter.name, None)
        done = make(credentials, {**STORE_PACE, **self.plan.settings}, urls, sandbox=not self.is_real)
        self.store_id = done.id
        if self.is_real:
            self._leave_the_rest_alone(*((WEBHOOKS,) if done.webhooks is None else ()))
        self._start()
        return done

    def connect_channel(self) -> admin.Connected:
        adapter = self.engine.channels[self.plan.channel]
        credentials, urls = admin.sandbox_place(adapter, self.market_url)
        # The sandbox numbers its orders anew each time, and a store that keeps them knows those of the last rehearsal.
        account = f"{adapter.name}-{secrets.token_hex(3)}" if self.is_real else None
        make = partial(admin.connect, self.engine, self.shop.id, "channel", adapter.name, account)
        done = make(credentials, {**adapter.sandbox_settings, **CHANNEL_PACE}, urls, sandbox=True)
        self.channel_id = done.id
        if adapter.manifest.feed is not None:
            with self.engine.db.read(self.shop.id) as session:
                self.market.fetch_from(feed_address.shown(self.engine, session)[done.id]["address"])
        return done

    def set_channel(self, **settings: str) -> None:
        """The merchant changes settings of the marketplace."""

        def act(session: Session) -> None:
            row = session.get_one(Connection, self.channel_id)
            row.settings = {**row.settings, **settings}

        self.engine.db.transact(self.shop.id, act)

    def reconnect_channel(self) -> None:
        """The merchant enters the credentials again, new ones where they are good for one use."""
        row, given = self.row(self.channel_id), self.market.new_credentials()
        admin.connect(self.engine, self.shop.id, "channel", row.adapter, row.account, given, {}, {}, sandbox=True)

    def break_store(self) -> None:
        """The sandbox store answers everything with 503 from now on."""
        fault = {"kind": "error", "times": None, "params": {"status": 503}}
        httpx.post(f"{self.store_url}/_sandbox/faults", json=fault, timeout=30, trust_env=False).raise_for_status()

    def mend_store(self) -> None:
        httpx.delete(f"{self.store_url}/_sandbox/faults", timeout=30, trust_env=False).raise_for_status()

    def watch(self) -> bool:
        """One look of the watch, which runs beside the scheduler in production. True, once it has looked."""
        Watching(self.engine).look()
        return True

    def _leave_the_rest_alone(self, *flows: str) -> None:
        """A real store's other products are none of the rehearsal's business: no full sweep. Nor of ``flows``: webhooks
        that it would not send to this machine are not asked for again and again."""
        later = self.engine.clock() + FAR
        query = update(Poll).where(Poll.flow.in_((*SWEEPS, *flows))).values(next_at=later)
        self.engine.db.transact(self.shop.id, lambda session: session.execute(query))

    def _start(self) -> None:
        drainer = Drainer.of(self.engine)
        scheduler = Scheduler(self.engine)
        jobs = [(f"lane-{lane}", partial(self._drain, drainer, lane)) for lane in LANES]
        for name, job in [*jobs, ("scheduler", partial(self._schedule, scheduler))]:
            thread = threading.Thread(target=job, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _drain(self, drainer: Drainer, lane: str) -> None:
        while not self.engine.stopping.is_set():
            drainer.drain(lane, seconds=DRAIN_SECONDS, idle=DRAIN_SECONDS)

    def _schedule(self, scheduler: Scheduler) -> None:
        while not self.engine.stopping.is_set():
            scheduler.try_round()
            self.engine.stopping.wait(EVERY)
        scheduler.resign()

    def stop(self) -> None:
        """Wait until what runs has come to its end: no worker makes anything in the store from here on."""
        self.engine.stopping.set()
        for thread in self._threads:
            thread.join(ENDING)
        Drainer.of(self.engine).close(ENDING)
        app.flush(self.engine)

    def in_doubt(self, row: Connection) -> bool:
        """Whether the store may yet make something: a worker did not end, or a call was not answered lately."""
        if not Drainer.of(self.engine).close(0):
            return True
        since = self.engine.clock() - self.engine.create_patience
        lately = select(Journal.id).where(Journal.connection_id == row.id, Journal.at > since)
        unanswered = lately.where(Journal.text.contains(f": {UnknownOutcome.__name__}: "))
        with self.engine.db.read(self.shop.id) as session:
            return session.scalars(unanswered).first() is not None

    def troubles(self) -> str:
        """What the engine itself has to say: for a step that failed."""
        with self.engine.db.read(self.shop.id) as session:
            problems = session.scalars(select(Problem).where(Problem.closed_at.is_(None)).order_by(Problem.id)).all()
            rows = session.scalars(select(Connection).where(Connection.state != "active")).all()
            stuck = session.scalars(select(Work).where(Work.dirty_version > Work.done_version, Work.attempts > 0)).all()
        said = [f"{problem.text} {problem.detail}".strip() for problem in problems[:5]]
        said += [f"{item.kind} {item.key} failed {item.attempts} times: {item.error}" for item in stuck[:5]]
        said += [f"{row.title} is {row.state}: {row.state_reason}" for row in rows]
        return " | ".join(said)


def hands_of(engine: Engine, row: Connection) -> StoreRehearsal:
    adapter = engine.adapter(row)
    if adapter.rehearsal is None:
        raise AskMerchant(f"{adapter.manifest.title} cannot be rehearsed: its adapter does not act as the merchant.")
    return cast(StoreRehearsal, adapter.rehearsal(engine.connection(row)))


@contextmanager
def open_world(plan: Plan) -> Iterator[World]:
    """The world of one rehearsal; at its end nothing is left of it, unless the plan says ``keep``.

    Raises AskMerchant when an adapter is not there or the database is not empty.
    """
    if plan.module and plan.store:
        text = "A real store has its plugin or module, or has it not; --module is for the sandbox."
        raise AskMerchant(text, field="module")
    found = discover()
    store, channel = _adapter(found.platforms, plan.platform), _adapter(found.channels, plan.channel)
    registry = replace(found, channels={**found.channels, channel.name: _not_seldom(channel)})
    folder = Path(tempfile.mkdtemp(prefix="storebridge-rehearsal-"))
    with ExitStack() as stack:
        if not plan.keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        web, market = stack.enter_context(serving()), stack.enter_context(serving(_sandbox(channel, folder)))
        shop = None if plan.store else stack.enter_context(serving(_sandbox(store, folder, **_options(plan, store))))
        _start_redis(stack, folder)
        settings = _settings(plan, folder, web, [door for door in (market, shop) if door])
        engine = app.bootstrap(settings, registry=registry, ring=lambda lanes: None)
        engine.second_look = SECOND_LOOK
        stack.callback(app.close, engine)
        _make_tables(engine)
        Drainer.of(engine)  # from here on a webhook's ring is heard by the lanes of this process
        web.app = create_web(engine, settings)
        control = stack.enter_context(closing(Market(market.url)))
        owner = admin.ensure_shop(engine, "Rehearsal")
        world = World(plan, engine, owner, control, market.url, shop.url if shop else None, folder)
        stack.callback(world.stop)
        yield world


def _start_redis(stack: ExitStack, folder: Path) -> None:
    """Limits are kept where they are kept in production. Where no server can be had, in this process."""
    with suppress(ConfigError):
        server = Server(folder, folder / app.REDIS_NOTE)
        server.start()
        stack.callback(server.stop, 5)
        for _ in range(100):
            if server.is_up():
                return
            time.sleep(0.05)


def _adapter(known: Mapping[str, Adapter], name: str) -> Adapter:
    if name not in known:
        raise AskMerchant(f"There is no adapter {name!r} of this kind; there are: {', '.join(known) or 'none'}.")
    return known[name]


def _options(plan: Plan, adapter: Adapter) -> dict[str, bool]:
    if plan.module and adapter.package is None:
        raise AskMerchant(f"{adapter.manifest.title} has no plugin or module to rehearse with.", field="module")
    return {"module": True} if plan.module else {}


def _not_seldom(channel: Adapter) -> Adapter:
    """Where the account may ask for orders only every few minutes, its sandbox's own (raised) limits hold alone."""
    orders = channel.manifest.polling.get("orders")
    if orders is None or orders.every < SELDOM or channel.sandbox_limits is not None:
        return channel
    return replace(channel, sandbox_limits={"*": Limit(calls=5, seconds=1, source="ours: nobody stands behind it")})


def _sandbox(adapter: Adapter, folder: Path, **options: bool) -> Wsgi:
    return adapter.sandbox(folder / f"{adapter.name}.sandbox.db", **options)


def _settings(plan: Plan, folder: Path, web: Door, sandboxes: Iterable[Door]) -> config.Config:
    """Of the environment only the hosts that may be private count: all else is this world's own."""
    allowed = config.load().private_hosts
    return config.load(
        {
            "data_dir": folder,
            "database_url": plan.database_url or f"sqlite:///{folder / 'rehearsal.db'}",
            "redis_url": "",
            "keys": (),
            "port": web.port,
            "public_url": web.url,
            "private_hosts": (*allowed, *(f"{HOST}:{door.port}" for door in sandboxes)),
            "demo": False,
            "log_level": plan.log_level,
        }
    )


def _make_tables(engine: Engine) -> None:
    if migrations.current(engine.db) is not None:
        raise AskMerchant("This database is not empty: give the rehearsal one of its own.", field="database")
    migrations.upgrade(engine.db)
