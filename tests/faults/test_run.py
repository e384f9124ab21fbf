"""``storebridge run`` as a person meets it: starts, serves, survives, ends, and says in one sentence what is wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from bridge.config import LANES, Config
from bridge.db.session import Database
from bridge.jobs import health
from tests.support.procs import Process, Procs, accepts, free_port, free_ports, wait_until

STOREBRIDGE = Path(sys.executable).with_name("storebridge")
pytestmark = pytest.mark.both_databases
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Bridge:
    """One installation in a folder with spaces in its name."""

    def __init__(self, procs: Procs, folder: Path) -> None:
        self.procs = procs
        self.folder = folder / "a shop's bridge"
        self.folder.mkdir()
        self.port = free_ports(3)  # the bridge's own, and those of two sandboxes
        self.environment = {
            "STOREBRIDGE_PORT": str(self.port),
            "STOREBRIDGE_DEMO_PORT": str(self.port + 1),
            "STOREBRIDGE_LOG_FORMAT": "json",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }

    def start(self, *options: str, **environment: str) -> Process:
        process = self.procs.start(
            [STOREBRIDGE, "run", *options], env={**self.environment, **environment}, cwd=self.folder
        )
        process.wait_for_line("Storebridge is running", within=60)
        return process

    def refuse(self, *options: str, **environment: str) -> str:
        """What ``run`` says before it ends with 2."""
        environment = {**os.environ, **self.environment, **environment}
        command = [STOREBRIDGE, "run", *options]
        ended = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 2, ended.stdout + ended.stderr
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        [sentence] = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
        assert sentence.startswith("storebridge: ")
        return sentence

    @property
    def redis_url(self) -> str:
        return (self.folder / "var" / "redis.url").read_text().strip()

    def health(self, url: str | None = None) -> health.Health:
        config = Config(data_dir=self.folder / "var", database_url=url or "")
        with closing(Database(config.effective_database_url)) as db:
            return health.check(db, self.redis_url)

    def pid(self, name: str) -> int:
        """The process that ``ps`` shows under this name."""
        return wait_until(lambda: self._pids(name), 10, f"a process {name}")[0]

    def _pids(self, name: str) -> list[int]:
        return [pid for pid in self.procs.alive() if Path(f"/proc/{pid}/comm").read_text().strip() == name[:15]]


@pytest.fixture
def bridge(procs: Procs, tmp_path: Path) -> Bridge:
    return Bridge(procs, tmp_path)


def status(port: int, path: str = "/hooks/x/1") -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def is_whole(bridge: Bridge) -> bool:
    found = bridge.health()
    return found.ok and set(found.workers) == set(LANES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_everything_and_leaves_nothing(bridge: Bridge, number: signal.Signals) -> None:
    process = bridge.start("--no-demo")
    assert status(bridge.port) == 200
    wait_until(lambda: is_whole(bridge), 20, lambda: f"{bridge.health()}\n{process.output}")
    process.send(number)
    assert process.wait(within=10) == 0
    bridge.procs.assert_no_leftovers(within=1)
    assert "Traceback" not in process.output
    assert not accepts(bridge.port)


def test_the_second_start_keeps_everything(bridge: Bridge) -> None:
    first = bridge.start("--no-demo")
    keys = (bridge.folder / "var" / "keys").read_text()
    with Redis.from_url(bridge.redis_url) as redis:
        redis.set("kept", "yes")
    time.sleep(1.2)  # the queue server writes every second
    assert first.terminate() == 0
    began = time.monotonic()
    second = bridge.start("--no-demo")
    assert time.monotonic() - began < 20  # 5 s where nothing else runs
    assert (bridge.folder / "var" / "keys").read_text() == keys
    assert (bridge.folder / "var" / "keys").stat().st_mode & 0o077 == 0
    with Redis.from_url(bridge.redis_url) as redis:
        assert redis.get("kept") == b"yes"
    assert second.terminate() == 0


def test_kill_9_leaves_nothing_and_the_next_start_works(bridge: Bridge) -> None:
    process = bridge.start("--no-demo")
    process.kill()
    bridge.procs.assert_no_leftovers(within=15)
    again = bridge.start("--no-demo")
    wait_until(lambda: is_whole(bridge), 20, lambda: again.output)
    assert again.terminate() == 0


def test_whoever_is_killed_is_started_again(bridge: Bridge) -> None:
    process = bridge.start("--no-demo")
    wait_until(lambda: is_whole(bridge), 20, lambda: process.output)
    queue_server = next(pid for pid, command in bridge.procs.alive().items() if "-server" in command)
    for pid in (bridge.pid("sb worker stock 1"), bridge.pid("sb web"), bridge.pid("sb scheduler"), queue_server):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: process.output.count("is started again") >= 4, 20, lambda: process.output)
    wait_until(lambda: is_whole(bridge), 30, lambda: f"{bridge.health()}\n{process.output}")
    assert status(bridge.port) == 200
    assert process.terminate() == 0
    bridge.procs.assert_no_leftovers(within=1)


def test_uses_the_database_and_redis_it_is_given(bridge: Bridge, bare_database_url: str, redis_url: str) -> None:
    process = bridge.start("--no-demo", DATABASE_URL=bare_database_url, REDIS_URL=redis_url)
    assert status(bridge.port) == 200
    assert not (bridge.folder / "var" / "redis").exists()
    assert not (bridge.folder / "var" / "storebridge.db").exists()
    assert "-server" not in " ".join(bridge.procs.alive().values())

    def everyone() -> bool:
        with closing(Database(Config(database_url=bare_database_url).effective_database_url)) as db:
            return health.check(db, redis_url).ok

    wait_until(everyone, 20, lambda: process.output)
    assert process.terminate() == 0
    bridge.procs.assert_no_leftovers(within=1)


def test_without_a_store_a_demonstration_fills_and_connects_itself(bridge: Bridge) -> None:
    process = bridge.start()
    url = Config(data_dir=bridge.folder / "var").effective_database_url
    with closing(Database(url)) as db:

        def live() -> int:
            with db.engine.connect() as connection:
                query = "SELECT count(*) FROM listings WHERE state = 'live'"
                return int(connection.exec_driver_sql(query).scalar_one())

        wait_until(live, 60, lambda: process.output)
        assert process.terminate(within=10) == 0  # in the middle of everything
        bridge.procs.assert_no_leftovers(within=1)
        before = live()
        again = bridge.start()
        wait_until(lambda: live() > before or live() > 300, 60, lambda: again.output)

        def count(table: str) -> int:
            with db.engine.connect() as connection:
                return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

        # What was being read when the first life ended is read again: in parts, and none twice.
        wait_until(lambda: count("products") >= 200, 60, lambda: f"{count('products')} products; {again.output}")
        assert (count("products"), count("connections")) == (200, 2)
    assert again.terminate(within=10) == 0
    assert "Traceback" not in process.output + again.output


def test_a_leftover_queue_server_is_ended(bridge: Bridge) -> None:
    """Where the system cannot end it with its parent."""
    process = bridge.start("--no-demo")
    url = bridge.redis_url
    note = bridge.folder / "var" / "redis.url"
    assert process.terminate() == 0
    from tests.support.redis_server import find_binary

    port, password = url.rpartition(":")[2].partition("/")[0], url.split(":")[2].partition("@")[0]
    leftover = bridge.procs.start([find_binary(), "--port", port, "--requirepass", password, "--save", ""])
    leftover.wait_for_port(int(port))
    note.write_text(url)
    again = bridge.start("--no-demo")
    assert leftover.wait(within=5) == 0
    assert again.terminate() == 0


def test_unreadable_data_of_the_queue_server_is_set_aside(bridge: Bridge) -> None:
    process = bridge.start("--no-demo")
    assert process.terminate() == 0
    for path in (bridge.folder / "var" / "redis" / "appendonlydir").iterdir():
        path.write_text("this is no log\n" * 20)
    again = bridge.start("--no-demo")
    wait_until(lambda: is_whole(bridge), 30, lambda: again.output)
    assert again.terminate() == 0


class TestRefusals:
    def test_a_taken_port(self, bridge: Bridge) -> None:
        with socket.create_server(("127.0.0.1", bridge.port)):
            sentence = bridge.refuse()
        assert f"127.0.0.1:{bridge.port} is taken" in sentence
        assert "--port" in sentence

    def test_a_taken_sandbox_port(self, bridge: Bridge) -> None:
        with socket.create_server(("127.0.0.1", int(bridge.environment["STOREBRIDGE_DEMO_PORT"]))):
            assert "STOREBRIDGE_DEMO_PORT" in bridge.refuse()
        bridge.procs.assert_no_leftovers()

    def test_an_unwritable_folder(self, bridge: Bridge) -> None:
        (bridge.folder / "file").touch()
        sentence = bridge.refuse("--data-dir", str(bridge.folder / "file" / "var"))
        assert "cannot be written" in sentence
        assert "STOREBRIDGE_DATA_DIR" in sentence

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://user:hunter22@host/name",
            "not a url",
            "sqlite:///:memory:",
            "sqlite:////no/such/folder/file.db",
            "postgresql://user:hunter22@127.0.0.1:1/name",
            "postgresql://user:hunter22@127.0.0.1:1/name?wrong_option=1",
            "postgresql://user:hunter22@127.0.0.1:port/name",
        ],
    )
    def test_a_wrong_database_url(self, bridge: Bridge, url: str) -> None:
        sentence = bridge.refuse(DATABASE_URL=url)
        assert "DATABASE_URL" in sentence
        assert "hunter22" not in sentence

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("STOREBRIDGE_PORT", "http"),
            ("STOREBRIDGE_HOST", "no.such.host.invalid"),
            ("STOREBRIDGE_KEYS", "short"),
            ("STOREBRIDGE_WORKERS", "stock=many"),
            ("REDIS_URL", "http://127.0.0.1"),
        ],
    )
    def test_a_wrong_setting_is_named(self, bridge: Bridge, name: str, value: str) -> None:
        assert name in bridge.refuse(**{name: value})

    def test_a_second_bridge_in_the_same_folder(self, bridge: Bridge) -> None:
        process = bridge.start("--no-demo")
        sentence = bridge.refuse("--port", str(free_port()))
        assert "runs in" in sentence
        assert str(process.pid) in sentence
        assert process.terminate() == 0

    def test_a_database_of_a_newer_version(self, bridge: Bridge) -> None:
        process = bridge.start("--no-demo")
        assert process.terminate() == 0
        url = Config(data_dir=bridge.folder / "var").effective_database_url
        with closing(Database(url)) as db, db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert "newer version" in bridge.refuse("--no-demo")


class TestWorkersBesideOthers:
    @pytest.fixture
    def environment(self, bare_database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
        return {
            "DATABASE_URL": bare_database_url,
            "REDIS_URL": redis_url,
            "STOREBRIDGE_DATA_DIR": str(tmp_path / "var"),
        }

    @on_sqlite
    def test_they_want_a_migrated_database(self, procs: Procs, environment: dict[str, str]) -> None:
        process = procs.start([STOREBRIDGE, "worker"], env=environment)
        assert process.wait() == 2
        assert "storebridge migrate" in process.output

    def test_they_work_beside_and_end_in_order(
        self, procs: Procs, environment: dict[str, str], bare_database_url: str, redis_url: str
    ) -> None:
        assert procs.start([STOREBRIDGE, "migrate"], env=environment).wait(30) == 0
        process = procs.start([STOREBRIDGE, "worker", "stock", "orders"], env=environment)

        def workers() -> Iterator[str]:
            with closing(Database(Config(database_url=bare_database_url).effective_database_url)) as db:
                yield from health.check(db, redis_url).workers

        wait_until(lambda: set(workers()) == {"stock", "orders"}, 20, lambda: process.output)
        assert process.terminate() == 0
        procs.assert_no_leftovers(within=1)

    @on_sqlite
    def test_they_want_a_redis(self, procs: Procs, environment: dict[str, str]) -> None:
        process = procs.start([STOREBRIDGE, "worker"], env={**environment, "REDIS_URL": ""})
        assert process.wait() == 2
        assert "REDIS_URL" in process.output
