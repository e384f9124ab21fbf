"""The REST door: addresses with a scope, who may call, lists, faults on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from flask import Flask, Response, jsonify, request

from bridge.ports.sandbox import SandboxKit
from platform_adapters.magento.sandbox import search
from platform_adapters.magento.sandbox.auth import Auth
from platform_adapters.magento.sandbox.errors import MagentoError, no_route, unauthorised
from platform_adapters.magento.sandbox.options import Options
from platform_adapters.magento.sandbox.shop import VIEW

METHODS = ["GET", "POST", "PUT", "DELETE"]
SCOPES = (VIEW, "all")


class Call(NamedTuple):
    """``scope`` is the store code of the address, None without one; ``path`` the parts that a route leaves open."""

    scope: str | None
    path: tuple[str, ...]
    body: Any


class Route(NamedTuple):
    """``pattern`` with * for the parts that are left open; ``resource`` is what a consumer needs for it."""

    method: str
    pattern: tuple[str, ...]
    operation: str
    resource: str
    act: Callable[[Call], Any]


class Api:
    def __init__(self, app: Flask, kit: SandboxKit, options: Options, clock: Callable[[], float]) -> None:
        self.kit = kit
        self.routes: list[Route] = []
        self.auth = Auth(options, clock)
        app.add_url_rule("/rest/<path:_rest>", "rest", self._view, methods=METHODS)

    def add(self, method: str, pattern: str, operation: str, resource: str, act: Callable[[Call], Any]) -> None:
        self.routes.append(Route(method, tuple(pattern.split("/")), operation, resource, act))

    def listing(self, rows: Sequence[dict[str, Any]], fields: Iterable[str], operation: str, *, strict: int) -> Any:
        """A list as asked for. ``strict``: the status for a field that it does not have."""
        if not any(name.startswith("searchCriteria") for name in request.args):
            raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": "searchCriteria"})
        stuck = self.kit.faults.take(operation, "stuck_cursor") is not None
        shown = [] if self.kit.faults.take(operation, "empty_list") else rows
        try:
            return search.answer(shown, request.args, fields, stuck=stuck)
        except search.UnknownField as error:
            if strict == 400:
                message = 'The "%1" attribute name is invalid. Reset the name and try again.'
                raise MagentoError(400, message, [str(error)]) from None
            message = "Internal Error. Details are available in Magento log file. Report ID: webapi-6b03f1188deef"
            raise MagentoError(500, message) from None

    def _view(self, _rest: str) -> Response:
        raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path)
        path = raw.partition("?")[0].removeprefix("/rest/").rstrip("/").split("/")
        scope = path.pop(0) if path[0] in SCOPES else None
        route, open_ = self._find([unquote(part) for part in path[1:]]) if path[0] == "V1" else (None, ())
        operation = route.operation if route else "no_route"
        return self.kit.respond(operation, lambda: self._answer(raw, route, scope, open_), throttled=_throttled)

    def _find(self, parts: list[str]) -> tuple[Route | None, tuple[str, ...]]:
        for route in self.routes:
            if route.method != request.method or len(route.pattern) != len(parts):
                continue
            pairs = list(zip(route.pattern, parts, strict=True))
            if all(wanted in ("*", given) for wanted, given in pairs):
                return route, tuple(given for wanted, given in pairs if wanted == "*")
        return None, ()

    def _answer(self, raw: str, route: Route | None, scope: str | None, path: tuple[str, ...]) -> Response:
        try:
            if route is None:
                raise no_route()
            if self.kit.faults.take(route.operation, "unauthorised"):
                raise unauthorised(route.resource)
            self.auth.check(raw.partition("?")[0] + _query(raw), route.resource)
            with self.kit.transaction():
                return jsonify(route.act(Call(scope, path, request.get_json(silent=True) or {})))
        except MagentoError as error:
            return error.response()


def _query(raw: str) -> str:
    _, mark, query = raw.partition("?")
    return mark + query


def _throttled() -> Response:
    """Magento has no limit of its own; what stands before it has."""
    return Response("<html><body>429 Too Many Requests</body></html>", 429, content_type="text/html")
