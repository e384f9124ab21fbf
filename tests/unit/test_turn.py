"""Writers of one SQLite file take turns over processes, and a dead one holds nobody up."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bridge.db.session import Asks, Database, line
from bridge.db.turn import Turn
from tests.support.procs import wait_until

HOLD = """
import sys
from pathlib import Path
from bridge.db.turn import Turn
with Turn(Path(sys.argv[1])).taken():
    print("mine", flush=True)
    sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    return process


def _take(turn: Turn) -> threading.Event:
    taken = threading.Event()

    def act() -> None:
        with turn.taken():
            taken.set()

    threading.Thread(target=act, daemon=True).start()
    return taken


def test_one_at_a_time_over_processes(tmp_path: Path) -> None:
    holder = _holder(tmp_path / "turn")
    taken = _take(Turn(tmp_path / "turn"))
    assert not taken.wait(0.3)
    holder.communicate("")
    assert taken.wait(30)


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    holder = _holder(tmp_path / "turn")
    taken = _take(Turn(tmp_path / "turn"))
    holder.kill()
    holder.communicate()
    assert taken.wait(30)


def test_it_is_let_go_when_a_transaction_fails(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'x.db'}")
    for _ in range(2):
        with pytest.raises(OperationalError, match="nowhere"):
            db.transact(None, lambda session: session.execute(text("select nothing from nowhere")))
    db.transact(None, lambda session: session.execute(text("create table t (n integer)")))
    db.close()


def test_without_its_folder_the_database_says_what_is_wrong(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'gone' / 'x.db'}")
    with pytest.raises(OperationalError):
        db.transact(None, lambda session: session.execute(text("select 1")))


def test_a_webhook_does_not_wait_for_all_that_queue(tmp_path: Path) -> None:
    """The kernel wakes who waits and does not hand the lock over: under load one more may come between now and then."""
    first, second = Turn(tmp_path / "turn"), Turn(tmp_path / "turn")
    holder = _holder(tmp_path / "turn")
    order: list[str] = []

    def act(name: str, turn: Turn, first: bool) -> threading.Thread:
        def take() -> None:
            with turn.taken(first=first):
                order.append(name)
                time.sleep(0.02)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        return thread

    threads = [act(f"worker {number}", first, False) for number in range(8)]
    wait_until(lambda: _waiting(tmp_path / "turn-queue") == 1, 30, "a worker that queues")
    threads.append(act("door", second, True))
    wait_until(lambda: _waiting(tmp_path / "turn") == 1, 30, "the door, for the turn itself")
    holder.communicate("")
    for thread in threads:
        thread.join(30)
    assert order.index("door") <= len(threads) / 2, order


def _waiting(path: Path) -> int:
    """How many wait for the lock on this file (``->`` in /proc/locks, see proc_locks(5))."""
    file = f":{path.stat().st_ino} "
    return sum("->" in held and file in held for held in Path("/proc/locks").read_text().splitlines())


def test_only_leases_are_committed_without_waiting_for_the_disk(database_url: str) -> None:
    durably = "" if database_url.startswith("sqlite") else "?options=-csynchronous_commit%3Don"
    db = Database(database_url + durably)
    ask = text("PRAGMA synchronous" if db.is_sqlite else "SHOW synchronous_commit")

    def asked(asks: Asks) -> str:
        return str(line(asks).scalar(ask))

    durable, light = ("2", "1") if db.is_sqlite else ("on", "off")
    for _ in range(3):
        assert db.take(None, asked) == light
        assert db.transact(None, asked) == durable
    with db.read(None) as session:
        assert asked(session) == durable
    db.close()
