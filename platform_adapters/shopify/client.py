"""The Admin API over the wire: one door for all documents, and the file a bulk operation leaves. JSON in, JSON out.

Every answer tells what the call cost and what is left of the app's bucket at this store; the shared transport keeps
that bucket for all workers. A refusal comes inside an answer of status 200 and is turned into an error there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.domain.reading import amount
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater, SlowDown
from bridge.ports.http import Budget, ErrorTable, NotJson, Response, Rule, Said, TokenSource
from platform_adapters.shopify.documents import API_VERSION, document
from platform_adapters.shopify.reading import Json, dicts, table, text
from platform_adapters.shopify.tokens import renewing

# Before the first answer of a kind has told: a mutation is 10 points, a query as much as its pages.
FIRST_COST = {"query": 100.0, "mutation": 10.0}
LOOKED_UP = ("orderCreate", "returnCreate", "returnProcess", "removeFromReturn")
BULK_BYTES = 512 * 1024 * 1024
BULK_SECONDS = 300.0

INSTALL = "Open the app in the store's admin once, or enter a new access token."
SCOPES = "Give the app the access scopes named in the instructions, and install it again."
NO_STORE = "Check the store's address: it ends in .myshopify.com."
UPGRADE = "This version of Storebridge speaks another language than the store; update it."


def _first(body: Any) -> Json:
    return next(iter(dicts(table(body).get("errors"))), {})


def _hidden(response: Response) -> Said | None:
    """GraphQL's own errors. A list means that nothing was done, or that the answer is not whole: none is believed. What
    was made is looked up, whatever else went wrong with the answer."""
    body = table(response.json)
    data = table(body.get("data"))
    if not body.get("errors"):
        return None if data else Said("the answer had no data", None, "NO_DATA")
    error = _first(body)
    if any(table(data.get(name)) for name in LOOKED_UP):
        return Said(text(error.get("message")), None, "HALF_DONE")
    code, words = text(table(error.get("extensions")).get("code")), text(error.get("message") or body["errors"])
    if not code and any(name in data for name in LOOKED_UP):
        # It was begun, and nobody says how it ended: what is refused before that has no data, or a code.
        return Said(words, None, "HALF_DONE")
    if not code and "custom id" in words.lower():
        code = "NO_DEFINITION"
    return Said(words, None, code)


def _describe(response: Response) -> Said:
    """Outside GraphQL errors are a text, or a table of texts."""
    body = response.json
    errors = body.get("errors") or body.get("error_description") or body.get("error")
    return Said(str(errors or ""), None, str(body.get("error") or "") or None)


ERRORS = ErrorTable(
    rules={
        (200, "THROTTLED"): SlowDown,
        (200, "ACCESS_DENIED"): Rule(AskMerchant, SCOPES),
        (200, "SHOP_INACTIVE"): Rule(AskMerchant, "The store is closed or frozen at Shopify."),
        (200, "INTERNAL_SERVER_ERROR"): RetryLater,
        (200, "TIMEOUT"): RetryLater,
        (200, "NO_DATA"): RetryLater,
        (200, "HALF_DONE"): RetryLater,
        (200, "MAX_COST_EXCEEDED"): Rule(RejectItem, UPGRADE),
        (200, "NO_DEFINITION"): NotFound,
        # What is no known code: the document does not fit the API, or a value in it does not.
        200: Rule(RejectItem, UPGRADE),
        401: Rule(Reauthorise, INSTALL),
        402: Rule(AskMerchant, "The store is frozen: its owner has to settle the bill at Shopify."),
        403: Rule(AskMerchant, SCOPES),
        404: Rule(AskMerchant, NO_STORE),
        423: Rule(AskMerchant, "The store is locked at Shopify."),
        # "Shopify Security Rejection": of the call, for a while, whatever it is about (shopify.dev, response codes).
        430: RetryLater,
        range(300, 400): Rule(AskMerchant, NO_STORE),
    },
    describe=_describe,
    hidden=_hidden,
    unsure=frozenset({200, *range(500, 600)}),
)


def read_budget(response: Response) -> Budget | None:
    """What ``extensions.cost`` tells. A refused call waits until the bucket holds what it asked for."""
    try:
        body = response.json
    except NotJson:
        return None
    cost = table(table(table(body).get("extensions")).get("cost"))
    status = cost.get("throttleStatus")
    if not isinstance(status, dict):
        return None
    size, left, rate = (float(amount(status.get(name)) or 0) for name in _THROTTLE)
    asked, spent = amount(cost.get("requestedQueryCost")), amount(cost.get("actualQueryCost"))
    wait = None
    if table(_first(body).get("extensions")).get("code") == "THROTTLED":
        wait = max(1.0, (float(asked or 0) - left) / rate) if rate > 0 else 1.0
    return Budget(size, rate, left, None if spent is None else float(spent), wait)


_THROTTLE = ("maximumAvailable", "currentlyAvailable", "restoreRate")


class ShopifyClient:
    """One store. Thread-safe; the costs it remembers only keep it from asking too early."""

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self.url = given["url"].rstrip("/")
        self.host = urlsplit(self.url).netloc
        self._endpoint = f"{self.url}/admin/api/{API_VERSION}/graphql.json"
        self._transport = connection.transport
        self._token = given.get("access_token") or ""
        self._bearer: TokenSource | None = None if self._token else renewing(connection)
        self._costs: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def is_installed(self) -> bool:
        """Whether the store is reached as the installed app, and not with a token that a person entered."""
        return not self._token

    def ask(self, name: str, size: float | None = None, **variables: Any) -> Json:
        """A query: repeated as often as need be. ``size`` is what it is thought to cost before that is known."""
        return self._send(name, document(name), variables, size or FIRST_COST["query"], repeatable=True, write=False)

    def tell(self, name: str, *, repeatable: bool = False, **variables: Any) -> Json:
        """A mutation. ``repeatable`` where the store itself sees to it that twice is once. Raises UnknownOutcome."""
        return self._send(name, document(name), variables, FIRST_COST["mutation"], repeatable=repeatable, write=True)

    def send(self, name: str, query: str, variables: Mapping[str, Any]) -> Json:
        """A document from elsewhere: a rehearsal's."""
        is_query = query.lstrip().startswith("query")
        cost = FIRST_COST["query" if is_query else "mutation"]
        return self._send(name, query, variables, cost, repeatable=is_query, write=not is_query)

    def download(self, url: str) -> bytes:
        """What a bulk operation has left, from a storage that is not the store: no token goes there."""
        answer = self._transport.request(
            "GET", url, operation="bulk.download", expect="bytes", cost=0, timeout=BULK_SECONDS, max_bytes=BULK_BYTES
        )
        return answer.content

    def _send(
        self, name: str, query: str, variables: Mapping[str, Any], cost: float, *, repeatable: bool, write: bool
    ) -> Json:
        body = {"variables": dict(variables), "query": query}
        answer = self._transport.request(
            "POST",
            self._endpoint,
            operation=name,
            json=body,
            idempotent=repeatable,
            write=write,
            cost=self._costs.get(name, cost),
            auth=self._authorise,
            bearer=self._bearer,
            errors=ERRORS,
            budget=read_budget,
        )
        self._learn(name, answer.json)
        return table(answer.json.get("data"))

    def _authorise(self, request: httpx.Request) -> None:
        """Shopify's own header, in place of the usual one."""
        renewed = request.headers.pop("Authorization", "").removeprefix("Bearer ")
        request.headers["X-Shopify-Access-Token"] = self._token or renewed

    def _learn(self, name: str, body: Json) -> None:
        cost = table(table(body.get("extensions")).get("cost"))
        if isinstance(asked := cost.get("requestedQueryCost"), int):
            with self._lock:
                self._costs[name] = float(asked)
