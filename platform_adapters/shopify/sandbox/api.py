"""The store's two doors: GraphQL, with its costs and its bucket, and the grants of access tokens."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any

from flask import Flask, Response, request
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
)

from bridge.ports.sandbox import SandboxKit
from platform_adapters.shopify.sandbox.cost import Price, spent
from platform_adapters.shopify.sandbox.oauth import BadGrant, Tokens
from platform_adapters.shopify.sandbox.schema import Context, Root, official
from platform_adapters.shopify.sandbox.store import Doc, Store

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST = 200


class Bucket:
    """Points of one app at one store: full at first, refilled all the time."""

    def __init__(self, size: float, rate: float) -> None:
        self.size = size
        self.rate = rate
        self._left = size
        self._at = time.monotonic()
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        with self._lock:
            self._refill()
            return self._left

    def take(self, points: float) -> bool:
        with self._lock:
            self._refill()
            if points > self._left:
                return False
            self._left -= points
            return True

    def give(self, points: float) -> None:
        with self._lock:
            self._left = min(self.size, self._left + points)

    def drain(self, left: float) -> None:
        with self._lock:
            self._refill()
            self._left = left

    def _refill(self) -> None:
        now = time.monotonic()
        self._left, self._at = min(self.size, self._left + (now - self._at) * self.rate), now

    def status(self) -> Doc:
        return {"maximumAvailable": self.size, "currentlyAvailable": int(self.left), "restoreRate": self.rate}


class Api:
    def __init__(self, app: Flask, kit: SandboxKit, store: Store, root: Root, tokens: Tokens, bucket: Bucket) -> None:
        self.kit = kit
        self.store = store
        self.root = root
        self.tokens = tokens
        self.bucket = bucket
        app.post("/admin/api/<version>/graphql.json")(self.graphql)
        app.post("/admin/oauth/access_token")(self.access_token)
        app.get("/storage/bulk/<int:key>.jsonl")(self.file)

    def graphql(self, version: str) -> Response:
        body = request.get_json(silent=True)
        text = body.get("query") if isinstance(body, dict) else None
        name = _operation(str(text or ""))
        return self.kit.respond(name, lambda: self._graphql(name, version, body), throttled=_too_many)

    def _graphql(self, name: str, version: str, body: Any) -> Response:
        scopes = self.tokens.scopes(request.headers.get("X-Shopify-Access-Token", ""))
        if scopes is None or self.kit.faults.take(name, "unauthorised"):
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return _json({"errors": text}, 401)
        if not re.fullmatch(r"\d{4}-\d{2}", version) or not isinstance(body, dict):
            return _json({"errors": "Not Found"}, 404)
        try:
            document = parse(str(body.get("query") or ""))
        except GraphQLSyntaxError as error:
            return _json({"errors": [{"message": error.message}]})
        if errors := validate(official(), document):
            return _json({"errors": [_error(error) for error in errors]})
        return self._priced(name, document, body.get("variables") or {}, scopes)

    def _priced(self, name: str, document: DocumentNode, variables: Doc, scopes: tuple[str, ...]) -> Response:
        operation = next(item for item in document.definitions if isinstance(item, OperationDefinitionNode))
        asked = Price(official(), document, variables).of(operation)
        if asked > self.store.options.most:
            text = f"Query cost is {asked}, which exceeds the single query max cost limit ({self.store.options.most})."
            return self._answer({"errors": [_plain(text, "MAX_COST_EXCEEDED")]}, asked, None)
        if not self.bucket.take(asked):
            return self._answer({"errors": [_plain("Throttled", "THROTTLED")]}, asked, None)
        result = self._execute(name, document, variables, scopes)
        cost = spent(result.data, is_mutation=operation.operation.value == "mutation")
        self.bucket.give(max(0, asked - cost))
        answer: Doc = {"data": result.data}
        if result.errors:
            answer["errors"] = [_error(error) for error in result.errors]
        return self._answer(answer, asked, cost)

    def _execute(self, name: str, document: DocumentNode, variables: Doc, scopes: tuple[str, ...]) -> ExecutionResult:
        take = self.kit.faults.take
        with self.kit.transaction():
            self.store.dry = take(name, "not_applied") is not None
            try:
                empty, stuck = (take(name, kind) is not None for kind in ("empty_list", "stuck_cursor"))
                context = Context(scopes, variables, empty=empty, stuck=stuck)
                return execute_sync(official(), document, self.root, context, variables)
            finally:
                self.store.dry = False

    def export(self, query: str, scopes: tuple[str, ...]) -> ExecutionResult:
        return execute_sync(official(), parse(query), self.root, Context(scopes, bulk=True))

    def _answer(self, body: Doc, asked: int, cost: int | None) -> Response:
        status = {"requestedQueryCost": asked, "actualQueryCost": cost, "throttleStatus": self.bucket.status()}
        return _json(body | {"extensions": {"cost": status}})

    def access_token(self) -> Response:
        return self.kit.respond("access_token", self._access_token, throttled=_too_many)

    def _access_token(self) -> Response:
        try:
            with self.kit.transaction():
                return _json(self.tokens.grant(request.get_json(silent=True) or {}))
        except BadGrant as error:
            return _json({"error": error.code, "error_description": error.code.replace("_", " ")}, error.status)

    def file(self, key: int) -> Response:
        return self.kit.respond("bulk.download", lambda: self._file(key), throttled=_too_many)

    def _file(self, key: int) -> Response:
        """At Shopify another host: whoever brings an access token here gives it away."""
        if "X-Shopify-Access-Token" in request.headers or "Authorization" in request.headers:
            return Response("Bad request", 400, content_type="text/plain")
        content = self.root.exports.content(key)
        if content is None:
            return Response("Not found", 404, content_type="text/plain")
        return Response(content, content_type="application/jsonl")


def _operation(text: str) -> str:
    """``query ProductsById`` is products_by_id, as our documents are called."""
    found = re.search(r"(?:query|mutation)\s+(\w+)", text)
    return _CAPITAL.sub("_", found[1]).lower() if found else "graphql"


def _plain(text: str, code: str) -> Doc:
    return {"message": text, "extensions": {"code": code}}


def _error(error: GraphQLError) -> Doc:
    shown: Doc = {"message": error.message[:_LONGEST]}
    if error.path:
        shown["path"] = error.path
    return shown | ({"extensions": error.extensions} if error.extensions else {})


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json; charset=utf-8")


def _too_many() -> Response:
    return _json({"errors": "Exceeded 2 calls per second for api client."}, 429)
