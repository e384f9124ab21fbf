"""The transport: one per account connection and process."""

from __future__ import annotations

import base64
import contextvars
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from bridge.ports.errors import BridgeError, SlowDown
from bridge.ports.http import context
from bridge.ports.http.call import REPEATABLE, SAFE, Auth, Call, Expect, body_of, with_params
from bridge.ports.http.exchange import Exchange
from bridge.ports.http.hints import rate_hint, retry_after
from bridge.ports.http.redact import Redactor
from bridge.ports.http.response import Response
from bridge.ports.http.services import HttpServices
from bridge.ports.http.table import ErrorTable
from bridge.ports.http.tokens import Token, TokenSource
from bridge.ports.http.verdict import Verdict, on_answer, on_fault
from bridge.ports.http.wire import WireFault, send
from bridge.ports.manifest import Limit

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

DEFAULT_LIMIT = Limit(calls=10, seconds=1, source="no limit is declared")
DEFAULT_TIMEOUT = 60.0
DEFAULT_MAX_BYTES = 32 * 1024 * 1024
CONNECT_TIMEOUT = 5.0
RETRIES = 2


def basic_auth(user: str, password: str) -> Auth:
    """For ``auth=``: HTTP Basic."""
    value = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def authorise(request: httpx.Request) -> None:
        request.headers["Authorization"] = value

    return authorise


class _Failure(Exception):
    """One attempt failed; the loop decides whether there is another."""

    def __init__(self, verdict: Verdict, developer: str) -> None:
        super().__init__(developer)
        self.verdict = verdict
        self.developer = developer


class Transport:
    """All calls of one account. Thread-safe.

    ``account`` is the key of limits, tokens and log; ``title`` stands in texts for merchants. ``limits`` are
    those of the manifest, by operation, "*" for all others. ``trusted_hosts`` (``host`` or ``host:port``) are
    the adapter's own, which no merchant can change: the guard lets them pass. ``secrets`` are values to mask
    wherever they turn up. ``wire`` replaces the network in tests (httpx.WSGITransport, httpx.MockTransport).
    """

    def __init__(
        self,
        *,
        account: str,
        services: HttpServices,
        limits: Mapping[str, Limit] | None = None,
        errors: ErrorTable | None = None,
        trusted_hosts: Iterable[str] = (),
        secrets: Iterable[str] = (),
        title: str | None = None,
        wire: httpx.BaseTransport | None = None,
    ) -> None:
        self.account = account
        self.title = title or account
        self.services = services
        self.redactor = Redactor(secrets)
        self._limits = dict(limits or {})
        self._errors = errors
        self._trusted = frozenset(host.lower() for host in trusted_hosts)
        self._client = httpx.Client(
            transport=wire or httpx.HTTPTransport(trust_env=False),
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "storebridge", "Accept-Encoding": "gzip, deflate"},
        )

    def request(  # noqa: PLR0913  a call has many sides; all but three have a default
        self,
        method: str,
        url: str,
        *,
        operation: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: bytes | str | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        write: bool | None = None,
        expect: Expect = "json",
        cost: float = 1.0,
        timeout: float | None = None,
        auth: Auth | None = None,
        bearer: TokenSource | None = None,
        errors: ErrorTable | None = None,
        allow: Collection[int] = (),
        max_bytes: int | None = None,
        max_wait: float | None = None,
    ) -> Response:
        """Make one call and return its answer: a 2xx (or a status in ``allow``), with JSON if so expected.

        ``operation`` names the limit and stands in the log. ``idempotent`` (default: GET, HEAD, PUT, DELETE)
        says that repeating does no harm. ``write`` (default: all but GET, HEAD) says that ``before_write``
        applies. ``cost`` is in calls, ``timeout`` in seconds for each attempt, ``max_wait`` in seconds for the
        limiter. ``errors`` is asked before the transport's own table. Raises errors of bridge.ports.errors.
        """
        method = method.upper()
        payload, content_type = body_of(json, content, data)
        sent = httpx.Headers(dict(headers or {}))
        if content_type:
            sent.setdefault("Content-Type", content_type)
        sent.setdefault("Accept", "application/json" if expect == "json" else "*/*")
        call = Call(
            method=method,
            url=with_params(url, params),
            operation=operation,
            headers=sent,
            content=payload,
            idempotent=method in REPEATABLE if idempotent is None else idempotent,
            write=method not in SAFE if write is None else write,
            expect=expect,
            cost=cost,
            timeout=timeout or DEFAULT_TIMEOUT,
            max_bytes=max_bytes or DEFAULT_MAX_BYTES,
            max_wait=context.current_patience() if max_wait is None else max_wait,
            allow=allow,
            tables=tuple(table for table in (errors, self._errors) if table),
            auth=auth,
            bearer=bearer,
        )
        return self._run(call)

    def each(self, function: Callable[[T], R], items: Sequence[T], workers: int = 4) -> list[R | BridgeError]:
        """``function`` of every item, some at a time, in the order of the items. A BridgeError stands in the
        place of the item it happened to; lane, subject and check of the caller apply."""

        def one(item: T) -> R | BridgeError:
            try:
                return function(item)
            except BridgeError as error:
                return error

        if len(items) < 2 or workers < 2:
            return [one(item) for item in items]
        with ThreadPoolExecutor(min(workers, len(items)), thread_name_prefix=self.account) as pool:
            jobs = [pool.submit(contextvars.copy_context().run, one, item) for item in items]
            return [job.result() for job in jobs]

    def before_write(self, check: Callable[[], None]) -> AbstractContextManager[None]:
        """``check`` runs right before each write inside goes out; see :func:`bridge.ports.http.before_write`."""
        return context.before_write(check)

    def close(self) -> None:
        self._client.close()

    def _run(self, call: Call) -> Response:
        started, attempt, renewed = time.monotonic(), 0, False
        token = call.bearer.current() if call.bearer else None
        while True:
            attempt += 1
            try:
                return self._attempt(call, token, attempt)
            except _Failure as failure:
                verdict = failure.verdict
                if verdict.renew and call.bearer and token and not renewed:
                    token, renewed, attempt = call.bearer.renew(token), True, attempt - 1
                    continue
                pause = self._pause(verdict, attempt, time.monotonic() - started, call)
                if pause is None:
                    raise verdict.to_error(failure.developer) from failure.__cause__
                self.services.sleep(pause)

    def _pause(self, verdict: Verdict, attempt: int, elapsed: float, call: Call) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        if not verdict.repeatable or attempt > RETRIES or elapsed >= call.timeout:
            return None
        if issubclass(verdict.error, SlowDown):
            return 0.0 if (verdict.pause or 0.0) <= call.max_wait else None
        return random.uniform(0.5, 1.0) * 0.5 * 3.0 ** (attempt - 1)

    def _attempt(self, call: Call, token: Token | None, attempt: int) -> Response:
        self._pace(call)
        self._last_check(call)
        request = self._build(call, token)
        at, started = self.services.clock(), time.monotonic()
        response, fault, verdict = None, None, None
        try:
            response = send(self._client, request, seconds=call.timeout, max_bytes=call.max_bytes)
        except WireFault as error:
            response, fault = error.response, error
            verdict = on_fault(call, self.title, error)
        else:
            verdict = on_answer(call, self.title, response, self._told(call, response))
        exchange = Exchange(
            account=self.account,
            operation=call.operation,
            at=at,
            seconds=time.monotonic() - started,
            method=call.method,
            url=self.redactor.url(str(request.url)),
            status=response.status if response else None,
            request_excerpt=self.redactor.body(call.content, request.headers.get("content-type", "")),
            response_excerpt=self.redactor.body(response.content, response.media_type) if response else "",
            subject=context.current_subject(),
            lane=context.current_lane(),
            attempt=attempt,
        )
        self._note(call, response, fault)
        if verdict is None and response is not None:
            self._record(exchange)
            return response
        raise self._failure(exchange, verdict, fault) from fault

    def _failure(self, exchange: Exchange, verdict: Verdict | None, fault: WireFault | None) -> _Failure:
        assert verdict is not None  # noqa: S101  for mypy: no answer always has a verdict
        verdict = replace(verdict, merchant=self.redactor.text(verdict.merchant))
        reason = self.redactor.text(fault.reason) if fault else verdict.merchant
        exchange = replace(exchange, error=f"{verdict.error.__name__}: {reason}")
        self._record(exchange)
        return _Failure(verdict, exchange.as_text() + (f"; {reason}" if fault else ""))

    def _record(self, exchange: Exchange) -> None:
        try:
            self.services.recorder.record(exchange)
        except Exception:  # the log must not harm the work
            log.exception("exchange of %s could not be recorded", self.account)

    def _build(self, call: Call, token: Token | None) -> httpx.Request:
        timeout = httpx.Timeout(call.timeout, connect=min(CONNECT_TIMEOUT, call.timeout))
        request = self._client.build_request(
            call.method, call.url, content=call.content or None, headers=call.headers, timeout=timeout
        )
        if token:
            self.redactor.learn(token.access)
            request.headers["Authorization"] = f"Bearer {token.access}"
        if call.auth:
            call.auth(request)
        return request

    def _bucket(self, call: Call) -> tuple[str, Limit]:
        """The bucket of this operation: its own, or the one all others share where the manifest has one."""
        name = call.operation if call.operation in self._limits or "*" not in self._limits else "*"
        return f"{self.account}:{name}", self._limits.get(name, DEFAULT_LIMIT)

    def _pace(self, call: Call) -> None:
        """Wait for tokens. Raises SlowDown when that would take longer than the caller has patience."""
        key, limit = self._bucket(call)
        reserve = context.RESERVES.get(context.current_lane(), 0.0)
        patience_ends = time.monotonic() + call.max_wait
        while True:
            left = patience_ends - time.monotonic()
            grant = self.services.limiter.take(key, limit, call.cost, reserve=reserve, patience=left)
            if not grant.granted and grant.wait > left:
                raise self._slow_down(grant.wait)
            if grant.wait > 0:
                self.services.sleep(grant.wait)
            if grant.granted and (grant.wait == 0 or not self.services.limiter.blocked(key)):
                break
            if grant.granted:
                self.services.limiter.refund(key, limit, call.cost)
        if (wait := self.services.breaker.wait(self.account)) > 0:
            self.services.limiter.refund(key, limit, call.cost)
            raise self._slow_down(wait)

    def _last_check(self, call: Call) -> None:
        check = context.current_check()
        if check is None or not call.write:
            return
        try:
            check()
        except BaseException:
            key, limit = self._bucket(call)
            self.services.limiter.refund(key, limit, call.cost)
            self.services.breaker.release(self.account)
            raise

    def _slow_down(self, wait: float) -> SlowDown:
        text = f"{self.title}: waiting {wait:.0f} s, so as not to call more often than allowed. It goes on by itself."
        return SlowDown(text, after=timedelta(seconds=wait))

    def _told(self, call: Call, response: Response) -> float | None:
        """Seconds the answer asks us to wait; a 429 blocks this operation for everyone."""
        key, limit = self._bucket(call)
        cap = self.services.retry_after_cap
        wait = retry_after(response.headers, self.services.clock(), cap)
        if response.status == 429:
            return self.services.limiter.block(key, limit, wait)
        if hint := rate_hint(response.headers, self.services.clock(), cap):
            self.services.limiter.observe(key, limit, hint.remaining, hint.reset)
        return wait if response.status >= 400 else None

    def _note(self, call: Call, response: Response | None, fault: WireFault | None) -> None:
        """Tell breaker and limiter how it went."""
        if fault or (response and response.status >= 500):
            self.services.breaker.failed(self.account)
        else:
            self.services.breaker.succeeded(self.account)
        if fault and not fault.sent:
            key, limit = self._bucket(call)
            self.services.limiter.refund(key, limit, call.cost)
