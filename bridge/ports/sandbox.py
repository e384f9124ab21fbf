"""The kit every sandbox is built from: state that can survive a restart, faults on request, a log of requests.

A sandbox is a Flask app that behaves like the outside system it stands for. The kit adds one control surface,
the same for all of them, under ``/_sandbox/``:

=======  ==============================  =========================================================================
method   path                            effect
=======  ==============================  =========================================================================
GET      /_sandbox/requests?since=N      requests seen: ``[{seq, at, op, method, path, status, body}]``, newest last
GET      /_sandbox/faults                faults in force
POST     /_sandbox/faults                add a :class:`Fault`
DELETE   /_sandbox/faults                remove all faults
GET      /_sandbox/limits                {documented: whether the system's documented limits are played here, share}
POST     /_sandbox/limits                {share}: this share of the documented limits holds from now on, null: none does
POST     /_sandbox/reset                 forget state, faults and the request log
POST     /_sandbox/batch                 many calls of one control path: {path, bodies} -> their answers, in order
=======  ==============================  =========================================================================

What every marketplace's sandbox has besides (place an order, list offers ...) is in bridge.ports.sandbox_control;
paths of its own are documented in its module.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import re
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Literal

from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FaultKind = Literal[
    "throttle",  # 429; params: retry_after (seconds or HTTP date, absent = no header)
    "error",  # 5xx; params: status (default 500), body, content_type
    "timeout_before_write",  # nothing is done, the answer never comes; params: seconds
    "timeout_after_write",  # the work is done, then the answer hangs; params: seconds
    "reset",  # the connection breaks in the middle of the body (after the work is done)
    "html",  # an HTML page with status 200
    "redirect",  # sent elsewhere, nothing is done; params: status (default 301), location
    "partial",  # part of a batch is refused; params: keys or every (each n-th item)
    "not_applied",  # accepted, and silently not applied
    "empty_list",  # lists answer as if there were nothing
    "stuck_cursor",  # paging never ends: the same page again and again
    "unauthorised",  # 401 as for an expired or revoked credential
    "slow",  # answers after params: seconds
    "drift",  # objects of the answer have a field more; params: words: true makes each status, type, reason a new word
    "mutate",  # params: set {path: value} merged into the JSON answer (schema drift: unknown enums, nulls ...)
]


# Fields whose values come from a list that may grow.
_WORD = re.compile(r"(?i:^|_)(status|state|type|reason|condition)$|(Status|State|Type|Reason|Condition)$")


class Fault(BaseModel):
    """One fault: which operations, what happens, how often.

    ``operation`` is a glob over the sandbox's operation names; ``times`` None means until removed; the first
    ``after`` matching requests are left alone.
    """

    model_config = ConfigDict(extra="forbid")
    operation: str = "*"
    kind: FaultKind
    times: int | None = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    params: dict[str, Any] = Field(default_factory=dict)


class Documents:
    """Named collections of JSON documents in memory, written through to a SQLite file when a path is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._collections: dict[str, dict[str, Any]] = {}
        self._changes: Counter[str] = Counter()
        self._kept: dict[tuple[str, Hashable], tuple[int, list[Any]]] = {}
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None) if path else None
        if self._file is not None:
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS docs (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
            )
            for kind, key, body in self._file.execute("SELECT kind, id, body FROM docs ORDER BY rowid"):
                self._collections.setdefault(kind, {})[key] = json.loads(body)

    def all(self, kind: str) -> dict[str, Any]:
        """The live collection, by id in order of creation. Hold ``lock`` while changing what is inside."""
        return self._collections.setdefault(kind, {})

    def get(self, kind: str, key: str) -> Any | None:
        return self.all(kind).get(key)

    def listed(self, kind: str, question: Hashable, make: Callable[[], list[Any]]) -> list[Any]:
        """What ``make`` makes of a collection for a question, made anew once the collection has changed: a long list is
        read in many pages, and would be sorted for each. Hold ``lock``."""
        changes, found = self._kept.get((kind, question), (-1, []))
        if changes != self._changes[kind]:
            found = make()
            self._kept[kind, question] = self._changes[kind], found
        return found

    def put(self, kind: str, key: str, document: Any) -> None:
        with self.lock:
            self._changes[kind] += 1
            self.all(kind)[key] = document
            if self._file is not None:
                self._file.execute(
                    "INSERT INTO docs VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                    (kind, key, json.dumps(document)),
                )

    def remove(self, kind: str, key: str) -> None:
        with self.lock:
            self._changes[kind] += 1
            self.all(kind).pop(key, None)
            if self._file is not None:
                self._file.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (kind, key))

    def next_id(self, name: str, start: int = 1) -> int:
        """A number that never repeats, also over restarts."""
        with self.lock:
            value = int(self.get("_sequence", name) or start - 1) + 1
            self.put("_sequence", name, value)
            return value

    def clear(self) -> None:
        with self.lock:
            self._kept.clear()
            self._collections.clear()
            if self._file is not None:
                self._file.execute("DELETE FROM docs")


class Faults:
    """The faults in force. ``take`` consumes one use of the first fault that matches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault.model_copy())

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.model_dump() for fault in self._faults]

    def take(self, operation: str, *kinds: FaultKind) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.kind not in kinds or not fnmatch.fnmatch(operation, fault.operation):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None


class Share(BaseModel):
    """How much of the documented limits is to hold: 1 all, 0.1 a tenth, None nothing."""

    model_config = ConfigDict(extra="forbid")
    share: float | None = Field(gt=0)


class Limits:
    """What holds of the limits. Until a share was asked for, what the sandbox's options say."""

    def __init__(self) -> None:
        self.documented = False
        self._asked: Share | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the documented limits count, instead of those of the options."""
        return self._asked is not None

    @property
    def share(self) -> float | None:
        return 1.0 if self._asked is None else self._asked.share

    def ask(self, share: Share | None) -> None:
        self._asked = share

    def calls(self, own: float | None, documented: float) -> float | None:
        """How many calls of a window are served. None: any number. ``own``: as the sandbox's options have it."""
        if self._asked is None:
            return own
        return None if self._asked.share is None else documented * self._asked.share


class SandboxKit:
    """State, faults and request log of one sandbox, and the wrapper its views go through."""

    def __init__(self, app: Flask, state_path: Path | None = None, *, log_size: int = 20000) -> None:
        self.app = app
        self.docs = Documents(state_path)
        self.faults = Faults()
        self.limits = Limits()
        self.on_reset: list[Callable[[], None]] = []
        self._log: deque[dict[str, Any]] = deque(maxlen=log_size)
        self._seq = 0
        self._log_lock = threading.Lock()
        app.extensions["sandbox"] = self
        self._add_control_routes()
        self._add_limit_routes()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Documents]:
        """Hold the state still while a view reads and changes it."""
        with self.docs.lock:
            yield self.docs

    def respond(self, operation: str, view: Callable[[], Response], *, throttled: Callable[[], Response]) -> Response:
        """Run ``view`` for ``operation`` under the faults in force and log the request.

        ``throttled`` builds the system's own 429 answer; the kit adds Retry-After where the fault asks for it.
        """
        request.get_data(cache=True)  # a view that reads a form would leave nothing of it for the log
        response = self._under_faults(operation, view, throttled)
        self._remember(operation, response.status_code)
        return response

    def _under_faults(
        self, operation: str, view: Callable[[], Response], throttled: Callable[[], Response]
    ) -> Response:
        if fault := self.faults.take(operation, "throttle"):
            response = throttled()
            response.headers.pop("Retry-After", None)
            if (wait := fault.params.get("retry_after")) is not None:
                response.headers["Retry-After"] = str(wait)
            return response
        if fault := self.faults.take(operation, "error"):
            kind = fault.params.get("content_type", "application/json")
            return Response(fault.params.get("body", "{}"), fault.params.get("status", 500), content_type=kind)
        if fault := self.faults.take(operation, "timeout_before_write"):
            time.sleep(float(fault.params.get("seconds", 5)))
            return Response("", 504)
        if fault := self.faults.take(operation, "slow"):
            time.sleep(float(fault.params.get("seconds", 1)))
        if self.faults.take(operation, "html"):
            return Response("<html><body>Just a moment...</body></html>", 200, content_type="text/html")
        if fault := self.faults.take(operation, "redirect"):
            location = fault.params.get("location", f"https://www.{request.host}{request.full_path.rstrip('?')}")
            return Response("", fault.params.get("status", 301), headers={"Location": location})
        return self._after_view(operation, view())

    def _after_view(self, operation: str, response: Response) -> Response:
        if fault := self.faults.take(operation, "timeout_after_write"):
            time.sleep(float(fault.params.get("seconds", 5)))
        if fault := self.faults.take(operation, "mutate"):
            body = response.get_json(silent=True)
            response.set_data(json.dumps(_merged(body, fault.params.get("set", {}))))
        if fault := self.faults.take(operation, "drift"):
            response = _drifted(response, words=bool(fault.params.get("words")))
        if self.faults.take(operation, "reset"):
            return _broken(response)
        return response

    def _remember(self, operation: str, status: int) -> None:
        with self._log_lock:
            self._seq += 1
            body = request.get_data(cache=True, as_text=True)[:20000]
            entry = {"seq": self._seq, "at": time.time(), "op": operation, "method": request.method}
            self._log.append(entry | {"path": request.full_path.rstrip("?"), "status": status, "body": body})

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        with self._log_lock:
            return [entry for entry in self._log if entry["seq"] > since]

    def _add_control_routes(self) -> None:
        app = self.app

        @app.get("/_sandbox/requests")
        def sandbox_requests() -> Response:
            return jsonify(self.requests(request.args.get("since", 0, type=int)))

        @app.get("/_sandbox/faults")
        def sandbox_faults() -> Response:
            return jsonify(self.faults.listing())

        @app.post("/_sandbox/faults")
        def sandbox_add_fault() -> tuple[Response, int]:
            try:
                self.faults.add(Fault.model_validate_json(request.get_data()))
            except ValidationError as error:
                return Response(error.json(), 400, content_type="application/json"), 400
            return jsonify(ok=True), 201

        @app.delete("/_sandbox/faults")
        def sandbox_clear_faults() -> Response:
            self.faults.clear()
            return jsonify(ok=True)

        @app.post("/_sandbox/reset")
        def sandbox_reset() -> Response:
            self.docs.clear()
            self.faults.clear()
            self.limits.ask(None)
            with self._log_lock:
                self._log.clear()
            for hook in self.on_reset:
                hook()
            return jsonify(ok=True)

        @app.post("/_sandbox/batch")
        def sandbox_batch() -> Response:
            asked = request.get_json()
            client = app.test_client()
            return jsonify([client.post(f"/_sandbox/{asked['path']}", json=body).json for body in asked["bodies"]])

    def _add_limit_routes(self) -> None:
        app = self.app

        @app.get("/_sandbox/limits")
        def sandbox_limits() -> Response:
            return jsonify(documented=self.limits.documented, share=self.limits.share)

        @app.post("/_sandbox/limits")
        def sandbox_share_of_limits() -> Response:
            try:
                self.limits.ask(Share.model_validate_json(request.get_data()))
            except ValidationError as error:
                return Response(error.json(), 400, content_type="application/json")
            return sandbox_limits()


def _merged(body: Any, changes: dict[str, Any]) -> Any:
    """``body`` with each dotted path of ``changes`` set (list positions as numbers)."""
    for path, value in changes.items():
        *parents, last = path.split(".")
        target = body
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        if isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value
    return body


def _drifted(response: Response, *, words: bool) -> Response:
    """As after a release on the other side. A token's answer stays as it is: it is no part of what is sold."""
    body = response.get_json(silent=True)
    if body is not None and "access_token" not in body:
        response.set_data(json.dumps(_with_more(body, words=words)))
    return response


def _with_more(value: Any, *, words: bool, name: str = "") -> Any:
    if isinstance(value, dict):
        known = {key: _with_more(item, words=words, name=key) for key, item in value.items()}
        is_map = known and all(isinstance(item, dict) for item in known.values())  # its keys are names, not fields
        return known if is_map else known | {"addedLater": {"a": [1]}}
    if isinstance(value, list):
        return [_with_more(item, words=words, name=name) for item in value]
    return "SOMETHING_NEW" if words and isinstance(value, str) and _WORD.search(name) else value


def _broken(response: Response) -> Response:
    """The first half of the body under the full Content-Length, then a broken connection."""
    data = response.get_data()

    def half() -> Iterator[bytes]:
        yield data[: max(1, len(data) // 2)]
        raise ConnectionResetError("sandbox fault: reset")

    broken = Response(half(), response.status_code, direct_passthrough=True)
    for name, value in response.headers:
        if name.lower() not in ("content-length", "transfer-encoding"):
            broken.headers[name] = value
    broken.headers["Content-Length"] = str(max(len(data), 2))
    return broken
