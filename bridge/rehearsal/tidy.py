"""Taking everything away from a real store that a rehearsal has made there, however it ended.

Nothing is believed of the answers that came: what there is gets looked up in the store, until a look finds nothing and
nothing can come any more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from bridge import app
from bridge.db.tables import Connection
from bridge.flows import admin
from bridge.ports.errors import BridgeError, RetryLater, UnknownOutcome
from bridge.ports.http import patience
from bridge.ports.manifest import Capability
from bridge.ports.platform import Trace
from bridge.rehearsal.world import World, hands_of

T = TypeVar("T")
INSIST = 90.0
AGAIN = 1.0
MOST = 3


def tidy(world: World, sku: str) -> list[str]:
    """What was removed and what stays, a sentence each. A sandbox is thrown away whole."""
    row = world.store_row()
    if not world.is_real or world.plan.keep or row is None:
        return []
    tidying = _Tidying(world, row, sku)
    tidying.attempt(tidying.remove_traces, tidying.traces_known)
    tidying.attempt(tidying.tell_kept, tidying.traces_known)
    tidying.attempt(tidying.remove_webhooks, lambda: f"webhooks to {tidying.hook_url}")
    return tidying.said


def insist(act: Callable[[], T], until: float) -> T:
    """A store in trouble is asked again, until a time of ``time.monotonic``."""
    while True:
        try:
            with patience(max(AGAIN, until - time.monotonic())):
                return act()
        except (RetryLater, UnknownOutcome):
            if time.monotonic() > until:
                raise
            time.sleep(AGAIN)


class _Tidying:
    def __init__(self, world: World, row: Connection, sku: str) -> None:
        self.world = world
        self.row = row
        self.engine = app.afterwards(world.engine)
        self.hands = hands_of(self.engine, row)
        self.hook_url = admin.hook_url(self.engine, row.shop_id, row.id)
        self.sku = sku
        self.until = time.monotonic() + INSIST
        self.said: list[str] = []
        self._orders: dict[str, str | None] = {}
        self._removed: Counter[Trace] = Counter()
        self._left: list[Trace] = []
        self._kept: dict[Trace, str] = {}

    def attempt(self, act: Callable[[], None], what: Callable[[], str]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one, the other is removed
            self._stays(what(), _words(error))

    def traces_known(self) -> str:
        """For a store that says nothing any more."""
        return ", ".join([*(f"order {number or ref}" for ref, number in self._orders.items()), f"product {self.sku}"])

    def remove_traces(self) -> None:
        try:
            while self._round() or self._more_may_come():
                time.sleep(AGAIN)
        finally:
            self.said += [f"Removed from the store: {trace}" for trace in self._removed if trace not in self._kept]
            for trace, why in self._kept.items():
                self._stays(str(trace), why)

    def tell_kept(self) -> None:
        """Each order that stays, as the store shows it now."""
        found = insist(lambda: self.hands.kept(list(self.world.orders())), self.until)
        self.said += [f"Stays in the store, which deletes no orders: {what}" for what in found]

    def remove_webhooks(self) -> None:
        if Capability.WEBHOOKS not in self.engine.manifest(self.row).capabilities:
            return
        platform, total = self.engine.platform(self.row), 0
        while removed := insist(lambda: platform.remove_webhooks(self.hook_url), self.until):
            total += removed
            if time.monotonic() > self.until:
                break
        if total:
            self.said.append(f"Removed from the store: {total} webhooks")

    def _round(self) -> bool:
        """Look, and remove what is there; whether another look is needed."""
        self._orders = self.world.orders()
        found = insist(lambda: self.hands.traces([self.sku], list(self._orders)), self.until)
        # An order that could not be deleted is not found by its product any more once that one is.
        todo = [trace for trace in dict.fromkeys([*self._left, *found]) if trace not in self._kept]
        self._left = [trace for trace in todo if not self._removes(trace)]
        return bool(todo)

    def _removes(self, trace: Trace) -> bool:
        """One try a round, so that a refusal holds up nothing else."""
        try:
            self.hands.remove(trace)
        except Exception as error:  # noqa: BLE001 - it is this one's result
            if not isinstance(error, RetryLater | UnknownOutcome) or time.monotonic() > self.until:
                self._kept[trace] = _words(error)
            return False
        self._removed[trace] += 1
        if self._removed[trace] == MOST:
            self._kept[trace] = f"the store has said {MOST} times that it is deleted, and still shows it"
        return True

    def _more_may_come(self) -> bool:
        return time.monotonic() < self.until and self.world.in_doubt(self.row)

    def _stays(self, what: str, why: str) -> None:
        self.said.append(f"Not removed from the store, please do it there: {what} ({why})")


def _words(error: Exception) -> str:
    return error.merchant if isinstance(error, BridgeError) else f"{type(error).__name__}: {error}"
