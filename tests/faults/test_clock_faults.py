"""Q10: the clock is set back or forward by an hour, with work under way, leases held and questions put off."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db import leases, vault
from bridge.db.tables import Poll, Work
from bridge.flows import polls
from bridge.jobs.schedule import HOLD, LEASE
from bridge.ports.errors import RetryLater
from bridge.ports.http import Token
from tests.support.world import Died, MemoryMarket, World

HOUR = 3600


class HonestMarket(MemoryMarket):
    """It tells only of orders that changed since, by a clock of its own that is always right."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.placed: dict[str, datetime] = {}
        self.wrong = timedelta(0)

    def buy(self, *lines: tuple[str, int], **given: Any) -> str:
        key = super().buy(*lines, **given)
        self.placed[key] = self.clock() - self.wrong
        self.orders[key] = self.orders[key].model_copy(update={"placed_at": self.placed[key]})
        return key

    def list_orders(self, since: datetime, cursor: str | None) -> Any:
        super().list_orders(since, cursor)
        return self._refs(order for key, order in self.orders.items() if self.placed[key] >= since)

    def list_open_orders(self, cursor: str | None) -> Any:
        return self._refs([])


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1, market=HonestMarket)
    world.store.add("A", 9)
    world.settle(900, step=60)
    yield world
    world.close()


def shift(world: World, hours: float) -> None:
    """This machine's clock jumps; the marketplace's does not."""
    world.clock.advance(hours * HOUR)
    market = world.markets[0]
    assert isinstance(market, HonestMarket)
    market.wrong += timedelta(hours=hours)


@pytest.mark.both_databases
def test_set_back_nothing_waits_for_the_hour_to_pass_again(world: World) -> None:
    """A worker died with a lease in its hand, a question was just asked, a try was put off: then it is an hour earlier."""
    market = world.markets[0]
    world.hint(world.store.set("A", 5))
    market.faults.before["update_stock"] = [Died()]  # type: ignore[list-item]
    with pytest.raises(Died):
        world.drain()
    market.faults.before["list_orders"] = [RetryLater("away")]
    world.mark("orders", "orders.pull", "changes", connection=2)
    world.drain()
    shift(world, -1)
    key = market.buy(("A", 2))
    world.settle(330, step=30)
    assert len(world.store.orders) == 1, "an order is imported and made within a round of the questions"
    assert market.stock("A") == world.store.stock("A") == 3
    assert key in str(next(iter(world.store.orders.values())).marketplace_ref)
    with world.db.read(1) as session:
        now = world.clock()
        assert all(poll.next_at <= now + timedelta(seconds=1.2 * poll.every) for poll in session.scalars(select(Poll)))
        assert not [row.kind for row in session.scalars(select(Work)) if row.leased_until and row.leased_until > now]


def test_set_back_a_process_that_begins_afterwards_sees_it_too(world: World) -> None:
    world.settle(60, step=30)
    shift(world, -1)
    world.engine = world.new_engine()
    world.hint(world.store.set("A", 4))
    world.markets[0].buy(("A", 1))
    world.settle(330, step=30)
    assert (len(world.store.orders), world.markets[0].stock("A")) == (1, 3)


def test_what_was_sold_while_the_clock_was_an_hour_ahead_is_found_when_it_is_right_again(world: World) -> None:
    shift(world, 1)
    world.settle(660, step=60)
    world.markets[0].buy(("A", 1))
    world.settle(660, step=60)
    assert world.store.orders == {}, "asked for from an hour ahead on, the marketplace tells of nothing"
    shift(world, -1)
    world.settle(330, step=30)
    assert len(world.store.orders) == 1
    assert world.markets[0].stock("A") == world.store.stock("A") == 8


def test_small_corrections_change_nothing(world: World) -> None:
    polls.tick(world.engine)
    world.drain()
    with world.db.read(1) as session:
        before = {poll.flow: poll.next_at for poll in session.scalars(select(Poll))}
    world.clock.advance(-20)
    polls.tick(world.engine)
    with world.db.read(1) as session:
        assert {poll.flow: poll.next_at for poll in session.scalars(select(Poll))} == before


def test_a_leadership_given_by_a_clock_that_was_ahead_keeps_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder was killed, and by the clock that is right it would hold it for an hour."""
    right = leases.database_time
    monkeypatch.setattr(leases, "database_time", lambda session: right(session) + timedelta(hours=1))
    assert leases.acquire(world.db, LEASE, "killed", HOLD)
    monkeypatch.undo()
    assert leases.acquire(world.db, LEASE, "next", HOLD)
    assert not leases.acquire(world.db, LEASE, "third", HOLD), "one that is held rightly is held"


def test_a_token_renewed_after_the_clock_went_back_is_kept(world: World) -> None:
    """The old one was thought to last an hour longer than the new one: without it, the refresh token that goes with the
    new one, good for one use, would be lost, and with it the account."""
    numbers, now = itertools.count(1), world.clock()
    kept = vault.DatabaseVault(world.db)
    ahead = Token(f"access-{next(numbers)}", now + timedelta(hours=2), "refresh-1")
    kept.save("1:2", ahead)
    renewed = Token(f"access-{next(numbers)}", now + timedelta(hours=1), "refresh-2")
    kept.save("1:2", renewed, ahead)
    assert kept.load("1:2") == renewed
    late = Token("access-of-a-worker-thought-dead", now + timedelta(minutes=50), "refresh-0")
    kept.save("1:2", late, ahead)
    assert kept.load("1:2") == renewed, "what came after is not undone"
