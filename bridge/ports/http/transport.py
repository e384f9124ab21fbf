"""The transport: one per account connection and process."""

from __future__ import annotations

import contextvars
import logging
import random
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import httpx

from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.http import context
from bridge.ports.http.call import REPEATABLE, SAFE, Auth, Call, Expect, ReadBudget, outgoing, with_params
from bridge.ports.http.exchange import Exchange
from bridge.ports.http.guard import Guard, check_url
from bridge.ports.http.network import GuardedTransport
from bridge.ports.http.pacer import Pacer
from bridge.ports.http.redact import Redactor
from bridge.ports.http.response import Response
from bridge.ports.http.services import HttpServices
from bridge.ports.http.table import ErrorTable, Tables
from bridge.ports.http.token_source import TokenSource
from bridge.ports.http.tokens import Token
from bridge.ports.http.verdict import Verdict, on_answer, on_fault
from bridge.ports.http.wire import ODD_HEADER, Wire, WireFault
from bridge.ports.manifest import Limit

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

DEFAULT_TIMEOUT = 60.0
DEFAULT_MAX_BYTES = 32 * 1024 * 1024
RETRIES = 2
KEPT = 64 * 1024  # bytes that wait to be told in the log


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
        self._errors = errors
        self._pacer = Pacer(account, self.title, limits or {}, services)
        guard = Guard(services.guard_policy, frozenset(trusted_hosts))
        self._wire = Wire(lambda: wire or GuardedTransport(guard, services.ssl_context()))
        weakref.finalize(self, self._wire.close).atexit = False

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
        budget: ReadBudget | None = None,
    ) -> Response:
        """Make one call and return its answer: a 2xx (or a status in ``allow``), with JSON if so expected.

        ``operation`` names the limit and stands in the log. ``idempotent`` (default: GET, HEAD, PUT, DELETE)
        says that repeating does no harm. ``write`` (default: all but GET and HEAD) says that ``before_write``
        applies. ``cost`` is in calls; ``timeout`` in seconds for one attempt, and no further one begins after
        it; ``max_wait`` in seconds for the limiter. ``auth`` may change the request last, to sign it.
        ``errors`` is asked before the transport's own table. ``budget`` reads what an answer's body says of the
        account's bucket, where calls differ in cost. Raises errors of bridge.ports.errors.
        """
        method = method.upper()
        with self._sendable():
            sent, payload = outgoing(json, content, data, headers, expect)
        call = Call(
            method=method,
            url=self._target(url, params),
            operation=operation,
            headers=sent,
            content=payload,
            idempotent=method in REPEATABLE if idempotent is None else idempotent,
            write=method not in SAFE if write is None else write,
            expect=expect,
            cost=cost,
            timeout=context.in_time(timeout or DEFAULT_TIMEOUT),
            max_bytes=max_bytes or DEFAULT_MAX_BYTES,
            max_wait=context.current_patience() if max_wait is None else max_wait,
            allow=allow,
            tables=Tables(errors, self._errors),
            auth=auth,
            bearer=bearer,
            budget=budget,
        )
        return self._run(call)

    def each(self, function: Callable[[T], R], items: Sequence[T], workers: int = 4) -> list[R | BridgeError]:
        """``function`` of every item, ``workers`` at a time, in the order of the items. A BridgeError stands in
        the place of the item it happened to; lane, subject and check of the caller apply."""

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
        """``check`` runs right before each write inside; see :func:`bridge.ports.http.before_write`."""
        return context.before_write(check)

    def close(self) -> None:
        """Close the connections. The transport opens new ones when it is used again."""
        self._wire.close()

    def _target(self, url: str, params: Mapping[str, Any] | None) -> httpx.URL:
        try:
            target = with_params(url, params)
            check_url(target)
        except (AskMerchant, httpx.InvalidURL, ValueError) as error:
            why = error.merchant if isinstance(error, AskMerchant) else f"{url} is not a valid address."
            raise AskMerchant(f"{self.title}: {self.redactor.words(why)}", developer=type(error).__name__) from None
        return target

    def _run(self, call: Call) -> Response:
        """Attempts until one succeeds or another makes no sense."""
        started, attempt, renewed = time.monotonic(), 1, False
        token = call.bearer.current() if call.bearer else None
        while True:
            try:
                return self._attempt(call, token, attempt, started + call.max_wait)
            except _Failure as failure:
                verdict = failure.verdict
                if verdict.renew and call.bearer and token and not renewed:
                    token, renewed = call.bearer.renew(token), True
                    continue
                pause = _pause(verdict, attempt, call, time.monotonic() - started)
                if pause is None:
                    raise verdict.to_error(failure.developer) from failure.__cause__
            self.services.sleep(pause)
            attempt += 1

    def _attempt(self, call: Call, token: Token | None, attempt: int, patience_ends: float) -> Response:
        request = self._build(call, token)
        self._pacer.admit(call, patience_ends)
        self._last_check(call)
        at, began, fault = self.services.clock(), time.monotonic(), None
        response: Response | None = None
        try:
            response = self._wire.send(request, call.timeout, call.max_bytes)
            verdict = on_answer(call, self.title, response, self._pacer.answered(call, response))
        except WireFault as error:
            fault, response = error, error.response
            verdict = on_fault(call, self.title, error, self._note_fault(call, error))
        seconds = time.monotonic() - began
        told = partial(
            self._exchange, call, request, response, at=at, seconds=seconds, attempt=attempt,
            subject=context.current_subject(), lane=context.current_lane(),
        )  # fmt: skip
        if verdict is None and response is not None:
            self._note(told, len(response.content) + len(call.content))
            return response
        raise self._failure(told(), verdict, fault) from fault

    def _build(self, call: Call, token: Token | None) -> httpx.Request:
        request = self._wire.build(call)
        with self._sendable():
            if token:
                self.redactor.learn(token.access)
                request.headers["Authorization"] = f"Bearer {token.access}"
            if call.auth:
                call.auth(request)
        return request

    @contextmanager
    def _sendable(self) -> Iterator[None]:
        """Credentials with characters that no header can have are the merchant's to mend."""
        try:
            yield
        except UnicodeError:  # its text shows the value
            raise AskMerchant(f"{self.title}: {ODD_HEADER}") from None

    def _last_check(self, call: Call) -> None:
        """The caller's own check; when it raises, nothing is sent and nothing is spent."""
        check = context.current_check()
        if check is None or not call.write:
            return
        try:
            check()
        except BaseException:
            self._pacer.give_back(call)
            raise

    def _note_fault(self, call: Call, fault: WireFault) -> float | None:
        """Tell the pacer; returns the seconds that what came of the answer asks us to wait."""
        if fault.response is not None:
            return self._pacer.answered(call, fault.response)
        if fault.refusal:
            self._pacer.give_back(call)
        else:
            self._pacer.unanswered(call, sent=fault.sent)
        return None

    def _exchange(
        self,
        call: Call,
        request: httpx.Request,
        response: Response | None,
        *,
        at: datetime,
        seconds: float,
        attempt: int,
        subject: Mapping[str, str],
        lane: str,
    ) -> Exchange:
        sent_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Exchange(
            account=self.account,
            operation=call.operation,
            at=at,
            seconds=seconds,
            method=call.method,
            url=self.redactor.url(str(request.url)),
            status=response.status if response else None,
            request_excerpt=self.redactor.body(call.content, sent_type),
            response_excerpt=self._excerpt(call, response) if response else "",
            subject=subject,
            lane=lane,
            attempt=attempt,
            cost=call.cost,
        )

    def _excerpt(self, call: Call, response: Response) -> str:
        """Documents (``expect="bytes"``: reports, labels, pictures) are told by their size: what is in them has no
        names by which it could be masked."""
        if call.expect == "bytes" and response.ok:
            return f"({len(response.content)} bytes of {response.media_type or 'data'})"
        return self.redactor.body(response.content, response.media_type, parsed=response.known_json)

    def _failure(self, exchange: Exchange, verdict: Verdict | None, fault: WireFault | None) -> _Failure:
        verdict = verdict or Verdict(AskMerchant, f"{self.title}: the answer could not be read.")
        verdict = replace(verdict, merchant=self.redactor.words(verdict.merchant))
        reason = self.redactor.text(fault.reason) if fault else ""
        exchange = replace(exchange, error=f"{verdict.error.__name__}: {reason or verdict.merchant}")
        self._record(exchange)
        return _Failure(verdict, "; ".join(filter(None, (exchange.as_text(), reason))))

    def _note(self, told: Callable[[], Exchange], size: int) -> None:
        """What went well is put in words when the caller has gone on, unless a large body would be kept for that."""
        if size > KEPT:
            self._record(told())
            return
        try:
            self.services.recorder.later(told)
        except Exception:
            log.exception("an exchange of %s could not be recorded", self.account)

    def _record(self, exchange: Exchange) -> None:
        try:
            self.services.recorder.record(exchange)
        except Exception:  # whatever ails the log must not harm the work
            log.exception("an exchange of %s could not be recorded", self.account)


def _pause(verdict: Verdict, attempt: int, call: Call, elapsed: float) -> float | None:
    """Seconds until the next attempt; None when there is none."""
    if not verdict.repeatable or attempt > RETRIES or elapsed >= call.timeout:
        return None
    if verdict.pause is not None:
        return verdict.pause if verdict.pause <= call.max_wait - elapsed else None
    return random.uniform(0.5, 1.0) * 0.5 * 3.0 ** (attempt - 1)
