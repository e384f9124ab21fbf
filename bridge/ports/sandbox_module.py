"""The module inside a sandbox store, as far as it is the same on every platform (docs/store-modules.md).

A sandbox with a module derives nothing: it notes changes with :meth:`SandboxModule.note`, answers its store's own
routes with :meth:`health` and :meth:`prove`, and adds the control paths with :func:`add_module_controls`. What waits is
sent by a runner of its own once the module is connected; ``flush`` sends at once.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
from flask import Flask, Response, jsonify, request

from bridge.domain import signed
from bridge.ports.sandbox import SandboxKit

Json = dict[str, Any]
CODE_SECONDS = 600.0
BATCH = 100
PAUSE = 0.2
STATE, OUTBOX = "module", "module_outbox"


class Told(NamedTuple):
    """What the bridge answered. ``genuine``: a 200 that is signed."""

    status: int
    body: Json
    text: str
    genuine: bool


class About(NamedTuple):
    """What the module says of itself and of its store, which is at ``store_url`` with its API at ``api_url``."""

    platform: str
    version: str
    platform_version: str
    user: str = "anna"
    locale: str = "nl_NL"


class SandboxModule:
    """``addresses`` gives store_url and api_url. ``begin`` starts the platform's own activation at the bridge's address
    and names it; None where there is none. ``clock_shift`` seconds ahead of the real time, as the store's clock is."""

    def __init__(
        self,
        kit: SandboxKit,
        about: About,
        addresses: Callable[[], tuple[str, str]],
        begin: Callable[[str], str] | None = None,
        clock_shift: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.kit = kit
        self.about = about
        self.addresses = addresses
        self.begin = begin
        self._shift = clock_shift
        self._http = httpx.Client(trust_env=False, timeout=30, follow_redirects=False)
        self._sending = threading.Lock()
        self._bell = threading.Event()
        self._runner: threading.Thread | None = None

    # -- inside the store -------------------------------------------------------------------------------------

    def note(self, kind: str, external_id: object, topic: str) -> None:
        """A row of the outbox, in the transaction of the change."""
        key = self.kit.docs.next_id(OUTBOX)
        row = {"id": key, "kind": kind, "external_id": str(external_id), "topic": topic, "at": _said(self._now())}
        self.kit.docs.put(OUTBOX, str(key), row)
        self._bell.set()

    def health(self) -> Json:
        rows, now = self._waiting(), self._now()
        last = self.kit.docs.get("_sequence", OUTBOX)
        outbox = {"depth": len(rows), "oldest_at": rows[0]["at"] if rows else None, "last_id": int(last or 0)}
        cron = {"last_run": _said(now), "healthy": True, "note": ""}
        own = {"version": self.about.version, "platform_version": self.about.platform_version, "php": "8.2.20"}
        return {**own, "epoch": self._epoch(), "outbox": outbox, "cron": cron}

    def prove(self, code: str, challenge: str) -> Json | None:
        """None for a code that is not the one, was used, or is too old. Each code is looked at once."""
        with self.kit.transaction():
            state = self._state()
            known, until = str(state.get("code") or ""), float(state.get("code_until") or 0)
            if not known or not hmac.compare_digest(known.encode(), code.encode()):
                return None
            self._save(code="", code_until=0)
            if until < time.time() + self._shift():
                return None
            return {"challenge": challenge, "store_url": self.addresses()[0], "secret": state["secret"]}

    # -- to the bridge ----------------------------------------------------------------------------------------

    def connect(self, bridge: str, install_key: str = "") -> Told:
        """The merchant's one click."""
        store_url, api_url = self.addresses()
        code = secrets.token_hex(32)
        until = time.time() + self._shift() + CODE_SECONDS
        self._save(secret=secrets.token_hex(32), code=code, code_until=until, bridge=bridge.rstrip("/"))
        activation = self.begin(bridge.rstrip("/")) if self.begin else ""
        body = {"platform": self.about.platform, "store_url": store_url, "api_url": api_url, "code": code}
        body |= {"version": self.about.version, "platform_version": self.about.platform_version}
        body |= {"user": self.about.user, "locale": self.about.locale}
        body |= {"install_key": install_key, "activation": activation}
        answer = self._http.post(f"{bridge.rstrip('/')}/modules/connect", json=body)
        told = Told(answer.status_code, _table(answer), answer.text, genuine=answer.status_code == 200)
        self._save(last_status=told.status)
        if told.genuine:
            self._save(shop=told.body["shop"], connection=told.body["connection"])
            self._start()
        return told

    def tell(self, act: str, body: Json) -> Told:
        """One signed call."""
        with self.kit.transaction():
            state = dict(self._state())
        raw = json.dumps(body, ensure_ascii=False).encode()
        mark = signed.sign(state["secret"], act, raw, self._now(), secrets.token_hex(16))
        headers = {"Content-Type": "application/json", signed.HEADER: str(mark)}
        address = f"{state['bridge']}/modules/{state['shop']}/{state['connection']}/{act}"
        answer = self._http.post(address, content=raw, headers=headers)
        told = Told(answer.status_code, _table(answer), answer.text, self._genuine(answer, act, state, mark.nonce))
        self._save(last_status=told.status)
        if told.status == 410:
            self._save(shop="", connection="")
        return told

    def flush(self) -> Json:
        """Send what waits, a batch at a time, and a heartbeat."""
        sent = 0
        with self._sending:
            while self.is_connected and (batch := self._batch()):
                told = self.tell("events", {"epoch": self._epoch(), **batch})
                if not told.genuine:
                    break
                with self.kit.transaction():
                    for key in (*(row["id"] for row in batch["events"]), *batch["merged"]):
                        self.kit.docs.remove(OUTBOX, str(key))
                sent += len(batch["events"])
            if self.is_connected:
                self.tell("heartbeat", self.health())
            return {"sent": sent, "left": len(self._waiting())}

    @property
    def is_connected(self) -> bool:
        with self.kit.transaction():
            return bool(self._state().get("connection"))

    def status(self) -> Json:
        with self.kit.transaction():
            found = {"connected": self.is_connected, "version": self.about.version, "epoch": self._epoch()}
            return {**found, "outbox": len(self._waiting()), "last_status": self._state().get("last_status")}

    # -- inside -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._runner is None:
            self._runner = threading.Thread(target=self._run, name="store-cron", daemon=True)
            self._runner.start()
        self._bell.set()

    def _run(self) -> None:
        """The store's cron, at a sandbox's pace."""
        while True:
            self._bell.wait()
            self._bell.clear()
            time.sleep(PAUSE)
            try:
                self.flush()
            except httpx.HTTPError:
                time.sleep(1)
                self._bell.set()

    def _batch(self) -> Json:
        """The newest row of each object, and the numbers that these stand for. Empty when nothing waits."""
        stand_for: dict[tuple[str, str], list[Json]] = {}
        for row in self._waiting():
            key = row["kind"], row["external_id"]
            stand_for[key] = [*stand_for.pop(key, []), row]
        chosen = list(stand_for.values())[:BATCH]
        merged = [row["id"] for rows in chosen for row in rows[:-1]]
        return {"events": [rows[-1] for rows in chosen], "merged": merged} if chosen else {}

    def _waiting(self) -> list[Json]:
        with self.kit.transaction() as docs:
            return list(docs.all(OUTBOX).values())

    def _genuine(self, answer: httpx.Response, act: str, state: Json, nonce: str) -> bool:
        if answer.status_code != 200:
            return False
        try:
            found = signed.verify(
                answer.headers.get(signed.HEADER),
                signed.answer_act(act),
                answer.content,
                [state["secret"]],
                self._now(),
            )
        except signed.BadSignature:
            return False
        return found.nonce == nonce

    def _epoch(self) -> str:
        with self.kit.transaction():
            if not self._state().get("epoch"):
                self._save(epoch=secrets.token_hex(8))
            return str(self._state()["epoch"])

    def _state(self) -> Json:
        return self.kit.docs.get(STATE, "state") or {}

    def _save(self, **more: Any) -> None:
        with self.kit.transaction() as docs:
            docs.put(STATE, "state", {**self._state(), **more})

    def _now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._shift(), UTC)


def add_module_controls(app: Flask, module: SandboxModule, page: Callable[[Json], Json]) -> None:
    """The control paths of docs/store-modules.md. ``page`` makes the body of act ``page`` out of what is asked."""

    def connect() -> Response:
        asked = request.get_json()
        told = module.connect(asked["bridge"], asked.get("install_key", ""))
        return jsonify({"status": told.status, "text": "" if told.genuine else told.text, **told.body})

    def flush() -> Response:
        return jsonify(module.flush())

    def printed() -> Response:
        told = module.tell("page", page(request.get_json()))
        return jsonify({"status": told.status, "genuine": told.genuine, "page": told.body, "text": told.text})

    def status() -> Response:
        return jsonify(module.status())

    app.post("/_sandbox/module/connect")(connect)
    app.post("/_sandbox/module/flush")(flush)
    app.post("/_sandbox/module/page")(printed)
    app.get("/_sandbox/module")(status)


def _table(answer: httpx.Response) -> Json:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
