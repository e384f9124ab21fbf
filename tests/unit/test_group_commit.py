"""Group commit: one committer at a time, everyone served, a fault stays with whom it belongs to."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from bridge.db.group import GroupCommit


def _together(group: GroupCommit[int], items: Sequence[int]) -> dict[int, BaseException | None]:
    """Each item from a thread of its own; what each of them got."""
    got: dict[int, BaseException | None] = {}

    def one(item: int) -> None:
        try:
            group(item)
            got[item] = None
        except Exception as error:  # noqa: BLE001 - whatever it got
            got[item] = error

    threads = [threading.Thread(target=one, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return got


def test_everyone_is_served_by_few_commits() -> None:
    batches: list[list[int]] = []
    inside = threading.Semaphore(1)

    def commit(items: Sequence[int]) -> None:
        assert inside.acquire(blocking=False), "two commits at a time"
        time.sleep(0.01)
        batches.append(list(items))
        inside.release()

    got = _together(GroupCommit(commit, most=50), range(100))
    assert got == dict.fromkeys(range(100))
    assert sorted(item for batch in batches for item in batch) == list(range(100))
    assert len(batches) < 50
    assert max(len(batch) for batch in batches) <= 50


def test_nobody_is_told_before_it_is_kept() -> None:
    kept: list[int] = []

    def commit(items: Sequence[int]) -> None:
        time.sleep(0.002)
        kept.extend(items)

    group = GroupCommit(commit, most=7)
    lost: list[int] = []

    def many(first: int) -> None:
        for item in range(first, first + 20):
            group(item)
            if item not in kept:
                lost.append(item)

    threads = [threading.Thread(target=many, args=(first,)) for first in range(0, 400, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not lost
    assert sorted(kept) == list(range(400))


def test_alone_nobody_waits() -> None:
    group: GroupCommit[int] = GroupCommit(lambda items: None, patience=5)
    started = time.monotonic()
    for item in range(20):
        group(item)
    assert time.monotonic() - started < 1


def test_after_a_crowd_the_waiting_ends() -> None:
    group: GroupCommit[int] = GroupCommit(lambda items: time.sleep(0.01), patience=0.05)
    _together(group, range(10))
    for item in range(10):
        group(item)
    started = time.monotonic()
    group(1)
    assert time.monotonic() - started < 0.04


def test_one_bad_item_spoils_nothing_for_the_others() -> None:
    kept: set[int] = set()

    def commit(items: Sequence[int]) -> None:
        time.sleep(0.005)
        if 13 in items:
            raise IntegrityError("INSERT", {}, ValueError("no such connection"))
        kept.update(items)

    got = _together(GroupCommit(commit), range(40))
    assert isinstance(got.pop(13), IntegrityError)
    assert set(got.values()) == {None}
    assert kept == set(range(40)) - {13}


def test_a_fault_of_the_database_reaches_everyone_and_then_it_goes_on() -> None:
    down = True

    def commit(items: Sequence[int]) -> None:
        time.sleep(0.005)
        if down:
            raise OperationalError("INSERT", {}, OSError("gone"))

    group = GroupCommit(commit)
    got = _together(group, range(20))
    assert all(isinstance(error, OperationalError) for error in got.values())
    assert len(got) == 20
    down = False
    assert _together(group, range(20)) == dict.fromkeys(range(20))


def test_a_leader_that_is_interrupted_leaves_nobody_waiting() -> None:
    def commit(items: Sequence[int]) -> None:
        time.sleep(0.005)
        if 0 in items:
            raise KeyboardInterrupt

    group = GroupCommit(commit)
    with pytest.raises(KeyboardInterrupt):
        group(0)
    assert _together(group, range(1, 20)) == dict.fromkeys(range(1, 20))
