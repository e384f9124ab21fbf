"""A8, A10 where nobody is awake: credentials that were refused by mistake are taken again without a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from bridge.domain.again import FIRST, LONGEST, Again, first
from bridge.flows import reviving
from bridge.flows.connecting import get
from tests.support.stack import Stack

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)


@pytest.mark.both_databases
def test_what_was_refused_by_mistake_is_caught_up_with_by_itself(stack: Stack) -> None:
    stack.product("A", 5)
    stack.settle(60)
    assert stack.shown("A") == 5
    stack.bol.fault("unauthorised", "*", times=None)
    stack.store.control("bulk", changes=[{"sku": "A", "stock": 2}])
    stack.settle(60)
    assert _state(stack) == "needs_reauth"
    order = stack.sells("A", 1)

    calls = len(stack.bol.control("GET", "requests?since=0"))
    assert reviving.try_again(stack.engine) == 0
    assert len(stack.bol.control("GET", "requests?since=0")) == calls, "it was asked before its time"
    stack.later(FIRST.total_seconds() + 1)
    assert reviving.try_again(stack.engine) == 0
    asked = len(stack.bol.control("GET", "requests?since=0")) - calls
    assert 0 < asked < 5, "one question, and no more than that"
    assert _state(stack) == "needs_reauth"

    stack.bol.http.delete("/_sandbox/faults")
    stack.later(2 * FIRST.total_seconds() + 1)
    assert reviving.try_again(stack.engine) == 1
    assert _state(stack) == "active"
    stack.settle(60)
    assert stack.problems() == {}
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == 1
    stack.check_invariants()


def test_a_store_that_refused_is_asked_again_too(stack: Stack) -> None:
    stack.product("A", 5)
    stack.settle(60)
    stack.store.fault("unauthorised", "*", times=None)
    order = stack.sells("A", 1)
    stack.settle(60)
    assert get(stack.engine, stack.shop.id, stack.store_id).state == "needs_reauth"
    httpx.delete(f"{stack.store.url}/_sandbox/faults").raise_for_status()
    stack.later(FIRST.total_seconds() + 1)
    assert reviving.try_again(stack.engine) == 1
    stack.settle(120)
    assert len(stack.orders_of(order)) == 1
    assert stack.problems() == {}


def test_who_refuses_is_asked_ever_more_rarely_and_an_early_relapse_does_not_begin_anew() -> None:
    again, now, gaps = first(NOW, None), NOW, []
    for _ in range(12):
        gaps.append(again.at - now)
        now = again.at
        again = again.refused(now)
    assert gaps[0] == FIRST
    assert gaps[-1] == LONGEST
    assert all(later >= sooner for sooner, later in pairwise(gaps))

    relapse = first(now + timedelta(minutes=10), again.let_in(now))
    assert relapse.gap == LONGEST.total_seconds()
    assert first(now + timedelta(days=3), again.let_in(now)) == Again(
        at=now + timedelta(days=3) + FIRST, gap=FIRST.total_seconds()
    )


def _state(stack: Stack) -> str:
    return get(stack.engine, stack.shop.id, stack.channel_id).state
