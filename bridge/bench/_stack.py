"""Storebridge as in production, in a folder and on a database of its own: started for one benchmark, ended after it."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import httpx

from bridge import app, config
from bridge.bench import _child, _postgres
from bridge.bench._child import Tune
from bridge.db import migrations
from bridge.flows import admin
from bridge.flows.engine import LANES, Engine
from bridge.supervisor.checks import listen
from bridge.supervisor.redis import Server

T = TypeVar("T")
HOST = _postgres.HOST
DATABASE = "sqlite (the default), postgres (a server of its own), or the address of an empty database."
END_WITHIN = 15.0


def wait_until(answer: Callable[[], T], seconds: float, what: str, every: float = 0.02) -> T:
    """The first true answer. Raises ClickException naming ``what`` when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (value := answer()):
        if time.monotonic() > deadline:
            raise click.ClickException(f"not within {seconds:g} s: {what}")
        time.sleep(every)
    return value


class Control:
    """The control surface of a sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/_sandbox/", timeout=120, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        return self._client.get(path, params=params).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._client.post(path, json=body).raise_for_status().json()

    def delete(self, path: str) -> None:
        self._client.delete(path).raise_for_status()

    def last_request(self) -> int:
        """The number of the newest request it has seen."""
        seen = self.get("requests", since=0)
        return int(seen[-1]["seq"]) if seen else 0

    def close(self) -> None:
        self._client.close()


class Stack:
    """The parts of one benchmark. Whatever was started is ended by ``close``, in the order last to first."""

    def __init__(self, database_url: str | None = None, tune: Tune | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="storebridge-bench-"))
        self.tune = tune or Tune()
        self._given = database_url
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_child.__name__])
        self._children: list[BaseProcess] = []
        self._started: dict[str, tuple[Any, ...]] = {}
        self._exit = ExitStack()
        self._exit.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._redis = Server(self.folder, self.folder / "redis.note")
        self._redis.start()
        self._exit.callback(self._redis.stop, 5.0)
        wait_until(self._redis.is_up, 10, "the queue server up")
        self._web = listen(HOST, 0, "the bench's own port")
        self._exit.callback(self._web.close)
        self._hosts: list[str] = []
        self._engine: Engine | None = None

    @property
    def redis_url(self) -> str:
        return self._redis.url

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._web.getsockname()[1]}"

    @property
    def config(self) -> config.Config:
        return config.load(
            {
                "data_dir": self.folder,
                "database_url": self._given or f"sqlite:///{self.folder / 'bench.db'}",
                "redis_url": self.redis_url,
                "keys": (),
                "port": self._web.getsockname()[1],
                "public_url": self.url,
                "private_hosts": tuple(self._hosts),
                "demo": False,
                "log_level": "warning",
            }
        )

    @property
    def engine(self) -> Engine:
        """An engine of this process over the same database, its tables made. Sandboxes are started before."""
        if self._engine is None:
            self._engine = app.bootstrap(self.config, registry=self.tune.registry())
            self._exit.callback(app.close, self._engine)
            migrations.upgrade(self._engine.db)
            if admin.shops(self._engine):
                raise click.ClickException("The database is not empty: give the benchmark one of its own.")
        return self._engine

    def sandbox(self, kind: str, name: str, options: Mapping[str, Any] | None = None) -> Control:
        """Start the sandbox of an adapter, its state in memory."""
        door = listen(HOST, 0, "the bench's own port")
        self._exit.callback(door.close)
        self._start(f"sandbox-{name}", _child.sandbox, kind, name, dict(options or {}), door)
        url = f"http://{HOST}:{door.getsockname()[1]}"
        self._hosts.append(urlsplit(url).netloc)
        control = Control(url)
        self._exit.callback(control.close)
        wait_until(lambda: _answers(f"{url}/_sandbox/faults"), 120, f"the sandbox of {name} up")
        return control

    def web(self) -> None:
        self._start("web", _child.web, self.config, self.tune, self._web)
        wait_until(lambda: _answers(f"{self.url}/hooks/x/1"), 120, "the web server up")

    def workers(self, lanes: Sequence[str] = LANES, counts: Mapping[str, int] | None = None) -> None:
        """RQ workers, one of each lane unless ``counts`` says otherwise, and a scheduler."""
        for lane in lanes:
            self.more_workers(lane, (counts or {}).get(lane, 1))
        self._start("scheduler", _child.scheduler, self.config, self.tune)

    def more_workers(self, lane: str, count: int) -> None:
        for _ in range(count):
            self._start(f"worker-{lane}-{len(self._children)}", _child.worker, self.config, self.tune, lane)

    def kill(self, name: str) -> None:
        """The first process that is called so, or begins so, dies at once (SIGKILL), and is started anew."""
        child = next(child for child in self._children if child.name.startswith(name))
        child.kill()
        child.join()
        self._children.remove(child)
        self._start(child.name, *self._started[child.name])

    def without_queue(self, seconds: float) -> None:
        """The queue server is away for so long, and comes back under its address."""
        self._redis.stop(5.0)
        time.sleep(seconds)
        self._redis.start()
        wait_until(self._redis.is_up, 10, "the queue server up")

    def memory(self) -> dict[str, int]:
        """Megabytes in memory of each process of ours by name, the sandboxes left out."""
        ours = [child for child in self._children if not child.name.startswith("sandbox-") and child.pid]
        return {child.name: _resident(child.pid or 0) for child in ours}

    def run(self, name: str, target: Callable[..., None], *args: Any) -> BaseProcess:
        """A process of the benchmark's own; ``target`` gets its log file first."""
        return self._start(name, target, *args)

    def connect(self, shop_id: int, role: str, name: str, control: Control, settings: Mapping[str, Any]) -> int:
        """Connect a sandbox as a merchant would. Returns the connection's number."""
        engine = self.engine
        adapter = engine.adapters(role)[name]
        credentials, urls = admin.sandbox_place(adapter, control.url)
        given = {**adapter.sandbox_settings, **settings}
        return admin.connect(engine, shop_id, role, name, None, credentials, given, urls, sandbox=True).id

    def logs(self) -> str:
        """What the processes wrote: warnings and worse."""
        texts = [(path.name, path.read_text(errors="replace").strip()) for path in sorted(self.folder.glob("*.log"))]
        return "\n".join(f"{name}: {text[-2000:]}" for name, text in texts if text)

    def close(self) -> None:
        for child in reversed(self._children):
            child.terminate()
        deadline = time.monotonic() + END_WITHIN
        for child in self._children:
            child.join(max(0.1, deadline - time.monotonic()))
            if child.is_alive():
                child.kill()
                child.join()
        self._exit.close()

    def _start(self, name: str, target: Callable[..., None], *args: Any) -> BaseProcess:
        child: BaseProcess = self._context.Process(target=target, args=(self.folder / f"{name}.log", *args), name=name)
        child.start()
        self._children.append(child)
        self._started[name] = (target, *args)
        return child


@contextmanager
def stack(database_url: str | None = None, tune: Tune | None = None) -> Iterator[Stack]:
    """``database_url``: None or ``sqlite`` (a file of its own), ``postgres`` (a server of its own), or an address."""
    with ExitStack() as exits:
        made = Stack(_postgres.address(database_url, exits), tune)
        try:
            yield made
        except click.ClickException as error:
            logs = made.logs()
            raise click.ClickException(f"{error.message}\n{logs}" if logs else error.message) from error
        finally:
            made.close()


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0  # it ended, or this is no Linux
    return pages * resource.getpagesize() // 1_000_000


def free_socket() -> socket.socket:
    return listen(HOST, 0, "the bench's own port")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False
