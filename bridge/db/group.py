"""Many callers, one commit: whoever arrives while a commit is under way waits, and the first of those waiting
commits for all of them. No thread of its own, so nothing to start after a fork and nothing to stop.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

T = TypeVar("T")
BATCH = 64
PATIENCE = 0.001


class _Turn(Generic[T]):
    """One item waiting for a commit. ``woken`` is let go when it is done, or, with a ``group`` to lead, to lead it."""

    __slots__ = ("error", "group", "item", "woken")

    def __init__(self, item: T) -> None:
        self.item = item
        self.group: list[_Turn[T]] | None = None
        self.error: BaseException | None = None
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupCommit(Generic[T]):
    """``commit`` gets all items that wait, up to ``most`` at once, and is run by one thread at a time.

    Under load a leader waits up to ``patience`` seconds for as many as came last time: those just served are
    about to come again, and half a group at each commit would cost twice the commits. Alone, nobody waits.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None], most: int = BATCH, patience: float = PATIENCE) -> None:
        self._commit = commit
        self._most = most
        self._patience = patience
        self._busy = False
        self._lock = threading.Lock()
        self._full = threading.Condition(self._lock)
        self._waiting: deque[_Turn[T]] = deque()
        self._expected = 1

    def __call__(self, item: T) -> None:
        """Returns when ``item`` is committed; raises what its commit raised."""
        turn = _Turn(item)
        with self._lock:
            if not self._busy:
                self._busy = True
                turn.group = [turn]
            else:
                self._waiting.append(turn)
                if len(self._waiting) + 1 >= self._expected:
                    self._full.notify()
        if turn.group is None:
            turn.woken.acquire()
        if turn.group is not None:
            self._lead(turn.group)
        if turn.error is not None:
            raise turn.error

    def _lead(self, group: list[_Turn[T]]) -> None:
        """Commit for everyone waiting. Our own turn is the first of the group."""
        try:
            self._gather(group)
            self._settle(group)
        except BaseException as error:
            for turn in group:
                turn.error = turn.error or error
            raise
        finally:
            self._hand_over()
            for turn in islice(group, 1, None):
                turn.woken.release()

    def _gather(self, group: list[_Turn[T]]) -> None:
        with self._lock:
            self._full.wait_for(lambda: len(self._waiting) + 1 >= self._expected, self._patience)
            group += [self._waiting.popleft() for _ in range(min(self._most - 1, len(self._waiting)))]
            # Falls by one a round when fewer come, so that a quiet time ends the waiting.
            self._expected = max(len(group), self._expected - 1)

    def _settle(self, turns: Sequence[_Turn[T]]) -> None:
        """One transaction for all; where an item spoils it for the others, one for each."""
        try:
            self._commit([turn.item for turn in turns])
        except (IntegrityError, DataError) as error:
            if len(turns) == 1:
                turns[0].error = error
                return
            for turn in turns:
                self._settle([turn])
        except Exception as error:  # noqa: BLE001 - each waiting request must get the fault as its own
            for turn in turns:
                turn.error = error

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                first = self._waiting.popleft()
                first.group = [first]
                first.woken.release()
            else:
                self._busy = False
