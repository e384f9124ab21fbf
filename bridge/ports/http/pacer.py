"""When a call may go out: tokens of its bucket, the breaker, and what the other side said about waiting."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

from bridge.ports.errors import SlowDown
from bridge.ports.http import context
from bridge.ports.http.call import Call
from bridge.ports.http.hints import Budget, rate_hint, retry_after, told_rate
from bridge.ports.http.limiter import SHORT_WINDOW
from bridge.ports.http.response import Response
from bridge.ports.http.services import HttpServices
from bridge.ports.manifest import Limit

# A call of no lane was made because a person asked for it just now: nobody repeats it for them.
GOES_ON, BY_HAND = "It goes on by itself.", "This was not done: try again after that."
DEFAULT_LIMIT = Limit(calls=10, seconds=1, source="ours, where the manifest has none")


class Pacer:
    """For one account. A call is admitted, and then either sent and noted, or given back."""

    def __init__(self, account: str, title: str, limits: Mapping[str, Limit], services: HttpServices) -> None:
        self._account = account
        self._title = title
        self._limits = dict(limits)
        self._services = services
        self._rates: dict[str, float] = {}
        self._told: dict[str, Limit] = {}

    def admit(self, call: Call, patience_ends: float) -> None:
        """Wait for the call's turn, at most until ``patience_ends`` (monotonic). Raises SlowDown."""
        self._take(call, patience_ends)
        if (wait := self._services.breaker.wait(self._account)) > 0:
            self.refund(call)
            raise self._slow_down(wait, "it does not answer properly at the moment")

    def give_back(self, call: Call) -> None:
        """The admitted call was not sent."""
        self.refund(call)
        self._services.breaker.release(self._account)

    def refund(self, call: Call) -> None:
        self._services.limiter.refund(*self._bucket(call), call.cost)

    def answered(self, call: Call, response: Response) -> float | None:
        """Take in what an answer says; returns the seconds it asks the caller to wait.

        A 429, or a firewall's page, blocks the bucket for all workers. One that names no time doubles its wait with
        each in a row.
        """
        self._learn(call, response)
        now, cap = self._services.clock(), self._services.retry_after_cap
        breaker, limiter = self._services.breaker, self._services.limiter
        (breaker.failed if response.status >= 500 else breaker.succeeded)(self._account)
        wait = retry_after(response.headers, now, cap)
        hint = rate_hint(response.headers, now, cap)
        if response.ok and (budget := call.budget(response) if call.budget else None) is not None:
            self._observe(call, budget)
            return budget.wait
        key, limit = self._bucket(call)
        if response.status == 429 or (call.expect == "json" and response.is_barred):
            if wait is None and hint is not None and hint.remaining < 1:
                wait = hint.reset
            return limiter.block(key, limit, wait)
        if hint is not None:
            # "One second" may be any part of it: in a window of seconds that would double every wait.
            vague = not hint.exact and limit.seconds <= SHORT_WINDOW
            limiter.observe(key, limit, hint.remaining, None if vague else hint.reset)
        return wait if response.status >= 400 else None

    def _observe(self, call: Call, budget: Budget) -> None:
        """The bucket as the other side keeps it: its size and rate, and what this call did not need after all."""
        if budget.size > 0 and budget.rate > 0:
            told = Limit(calls=budget.size, seconds=budget.size / budget.rate, source="told with each answer")
            is_news = self._told.get(self._name(call)) != told
            self._told[self._name(call)] = told
            if is_news:  # a larger bucket than was thought is as full as it is said to be
                self._services.limiter.refund(*self._bucket(call), max(0.0, budget.left))
        key, limit = self._bucket(call)
        if budget.spent is not None and budget.spent < call.cost:
            self._services.limiter.refund(key, limit, call.cost - budget.spent)
        self._services.limiter.observe(key, limit, max(0.0, budget.left), None)

    def unanswered(self, call: Call, *, sent: bool) -> None:
        """No whole answer came."""
        self._services.breaker.failed(self._account)
        if not sent:
            self.refund(call)

    def _take(self, call: Call, patience_ends: float) -> None:
        key, limit = self._bucket(call)
        reserve = context.RESERVES.get(context.current_lane(), 0.0)
        limiter = self._services.limiter
        while True:
            left = max(0.0, patience_ends - time.monotonic())
            grant = limiter.take(key, limit, call.cost, reserve=reserve, patience=left)
            if not grant.granted and grant.wait > left:
                raise self._slow_down(grant.wait, "so as not to call more often than allowed")
            try:
                if grant.wait > 0:
                    self._services.sleep(grant.wait)
            except SlowDown:  # the process is asked to end
                if grant.granted:
                    limiter.refund(key, limit, call.cost)
                raise
            if grant.granted and (grant.wait == 0 or not limiter.blocked(key, limit)):
                return
            if grant.granted:  # another worker was refused meanwhile
                limiter.refund(key, limit, call.cost)

    def _bucket(self, call: Call) -> tuple[str, Limit]:
        """The bucket of this operation: its own, or the one that all others share where the manifest has "*". Its size
        is the manifest's, its rate what the account was told to have."""
        name = self._name(call)
        limit = self._told.get(name) or self._limits.get(name, DEFAULT_LIMIT)
        if (rate := self._rates.get(name)) is not None:
            limit = limit.model_copy(update={"seconds": limit.calls / rate})
        return f"{self._account}:{name}", limit

    def _name(self, call: Call) -> str:
        return call.operation if call.operation in self._limits or "*" not in self._limits else "*"

    def _learn(self, call: Call, response: Response) -> None:
        """Only for an operation of its own: a bucket shared by several has no one rate."""
        if call.operation in self._limits and (rate := told_rate(response.headers)) is not None:
            self._rates[call.operation] = rate

    def _slow_down(self, wait: float, why: str) -> SlowDown:
        after = GOES_ON if context.current_lane() else BY_HAND
        text = f"{self._title}: waiting {max(1.0, wait):.0f} s, {why}. {after}"
        return SlowDown(text, after=timedelta(seconds=wait))
