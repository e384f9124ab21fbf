"""The way every REST request goes: fault, worker, key, body, lock, view, answer."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Response, g, request

from bridge.ports.sandbox import SandboxKit
from platform_adapters.woocommerce.sandbox import php
from platform_adapters.woocommerce.sandbox.auth import Door
from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_param
from platform_adapters.woocommerce.sandbox.listing import Reply, listing, narrowed
from platform_adapters.woocommerce.sandbox.options import Options
from platform_adapters.woocommerce.sandbox.schema import body_of
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

View = Callable[..., Any]
ROOT = "/wp-json/wc/v3"
BATCH_LIMIT = 100
KINDS = {"update": "put", "create": "post"}


class Api:
    """Registers routes. A view gets its ids and returns a body, or (body, status), or (body, status, headers)."""

    def __init__(self, app: Flask, kit: SandboxKit, shop: Shop, options: Options) -> None:
        self.app = app
        self.kit = kit
        self.shop = shop
        self.options = options
        self.door = Door(options)
        self.afterwards: list[Callable[[], object]] = []
        self._workers = threading.BoundedSemaphore(options.php_workers) if options.php_workers else None
        self._home = (options.url or "http://localhost").rstrip("/")
        self._called = "", ""

    def base(self) -> str:
        """The store's address: as set, else as it was last called."""
        return self._home

    def learn(self, address: str) -> None:
        """How the store was just called."""
        self._home = address.rstrip("/")

    def route(self, rule: str, operation: str, view: View, *methods: str, public: bool = False) -> None:
        """``rule`` below /wp-json/wc/v3, or absolute when it begins with /wp-json."""
        path = rule if rule.startswith("/wp-json") else ROOT + rule

        def endpoint(**ids: Any) -> Response:
            called = request.scheme, request.host
            if self.options.url is None and called != self._called:
                self._called = called
                self.learn(request.host_url)

            def answer() -> Response:
                return self._answer(operation, view, ids, public)

            return self.kit.respond(operation, answer, throttled=too_many)

        name = f"{operation}:{path}:{','.join(methods)}"
        self.app.add_url_rule(path, name, endpoint, methods=list(methods), strict_slashes=False)

    def listing(self, operation: str, rows: list[Doc], view: Callable[[Doc], Doc]) -> Reply:
        reply = listing(self.kit.faults, operation, rows, view)
        g.row_seconds = self.options.latency.get("row", 0) * len(reply[0])
        return reply

    def body(self) -> dict[str, Any]:
        """The JSON body; form fields are taken as WordPress takes them."""
        data = request.get_data(cache=True)
        if not data:
            return dict(request.form)
        try:
            return body_of(json.loads(data))
        except ValueError as error:
            raise WooError("rest_invalid_json", "Invalid JSON body passed.", 400, json_error_code=4) from error

    def force(self) -> bool:
        return request.args.get("force", "").lower() in ("true", "1")

    def batch(self, operation: str, **actions: Callable[[Any], Doc]) -> Doc | list[Doc]:
        """``create``, ``update`` and ``delete`` rows; each can fail alone, under HTTP 200. Of nothing PHP makes []."""
        body = self.body()
        rows = {name: body.get(name) or [] for name in ("create", "update", "delete")}
        total = sum(len(items) for items in rows.values())
        if total > BATCH_LIMIT:
            text = f"Unable to accept more than {BATCH_LIMIT} items for this request."
            raise WooError("woocommerce_rest_request_entity_too_large", text, 413)
        refuse = self._refusals(operation)
        answer: Doc = {}
        for name, items in rows.items():
            if items:
                answer[name] = [self._row(actions[name], item, refuse) for item in items]
        g.row_seconds = self.options.latency.get("batch", 0) * total
        return answer or []

    def _row(self, action: Callable[[Any], Doc], item: Any, refuse: Callable[[Any], bool]) -> Doc:
        number = item.get("id", 0) if isinstance(item, dict) else item
        try:
            if refuse(number):
                raise invalid_param("id", "Refused by the sandbox.")
            return action(item)
        except WooError as error:
            return {"id": number, "error": error.body()}

    def _refusals(self, operation: str) -> Callable[[Any], bool]:
        """The fault "partial": rows named by ``keys``, or each ``every``-th."""
        fault = self.kit.faults.take(operation, "partial")
        if fault is None:
            return lambda _: False
        keys, every, seen = {str(key) for key in fault.params.get("keys", [])}, fault.params.get("every", 2), [0]

        def refuse(number: Any) -> bool:
            seen[0] += 1
            return str(number) in keys if keys else seen[0] % int(every) == 0

        return refuse

    def _answer(self, operation: str, view: View, ids: dict[str, Any], public: bool) -> Response:
        try:
            if self.kit.faults.take(operation, "unauthorised"):
                raise WooError("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", 401)
            if not public:
                self.door.authenticate(request)
            with self._worker(operation):
                reply = self._inside(operation, view, ids)
                if seconds := g.get("row_seconds", 0):
                    time.sleep(seconds)
        except WooError as error:
            return _response(error.body(), error.status, {})
        body, status, headers = reply if isinstance(reply, tuple) and len(reply) == 3 else (*_pair(reply), {})
        return _response(narrowed(body), status, headers)

    def _inside(self, operation: str, view: View, ids: dict[str, Any]) -> Any:
        with self.kit.transaction():
            self.shop.dry = self.kit.faults.take(operation, "not_applied") is not None
            try:
                reply = view(**ids)
                after, self.afterwards = self.afterwards, []
            finally:
                self.shop.dry = False
        # Outside the lock: the receiver of a ping may call back.
        for action in after:
            action()
        return reply

    @contextlib.contextmanager
    def _worker(self, operation: str) -> Iterator[None]:
        """One PHP process for as long as the request takes."""
        with self._workers or contextlib.nullcontext():
            if seconds := _latency(self.options.latency, operation):
                time.sleep(seconds)
            yield


def _latency(table: dict[str, float], operation: str) -> float:
    if not table:
        return 0.0
    resource, _, verb = operation.rpartition(".")
    kind = "order" if operation == "orders.create" else KINDS.get(verb, verb)
    return table.get(operation, table.get(kind, table.get(resource, 0.0))) if kind != "batch" else 0.0


def _pair(reply: Any) -> tuple[Any, int]:
    return (reply[0], reply[1]) if isinstance(reply, tuple) else (reply, 200)


def _response(body: Any, status: int, headers: dict[str, str]) -> Response:
    response = Response(php.encode(body), status, content_type="application/json; charset=UTF-8")
    response.headers.update(headers)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def too_many() -> Response:
    """The store itself has no limit; the host's firewall in front of it has, and answers in HTML."""
    page = "<html><head><title>429 Too Many Requests</title></head><body></body></html>"
    return Response(page, 429, content_type="text/html")
