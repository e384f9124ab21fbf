"""Subscriptions, and the messages they bring: signed with the seller's own secret, from a thread of their own."""

from __future__ import annotations

import functools
import json
import queue
import threading
from typing import Any, Literal

import httpx
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox.market import Call, Document, Market
from channel_adapters.kaufland.sandbox.protocol import (
    STOREFRONTS,
    Problem,
    choice,
    data,
    no_content,
    not_found,
    page,
    storefront,
)
from channel_adapters.kaufland.signature import sign

WELCOME = (200, 201, 202, 204)
Event = Literal[
    "order_new",
    "order_unit_new",
    "order_unit_status_changed",
    "item_changed",
    "category_changed",
    "return_new",
    "return_status_changed",
    "return_unit_status_changed",
    "item_unit_new",
    "item_unit_changed",
    "item_unit_deleted",
    "item_unit_out_of_stock",
    "item_unit_not_available",
    "item_unit_available",
]


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    callback_url: str = Field(min_length=1, max_length=255)
    fallback_email: str = Field(min_length=3)
    event_name: Event


class Changed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    callback_url: str | None = Field(default=None, min_length=1, max_length=255)
    fallback_email: str | None = None
    event_name: Event | None = None
    is_active: bool | None = None


def listing(call: Call) -> Response:
    code = choice("storefront", STOREFRONTS)
    found = call.market.docs.all("subscriptions").values()
    return page(call, [item for item in found if code in (None, item["storefront"])], lambda item: item, most=30)


def create(call: Call) -> Response:
    market, code, wanted = call.market, storefront(call), call.body
    for known in market.docs.all("subscriptions").values():
        if (known["storefront"], known["event_name"]) == (code, wanted.event_name):
            raise Problem(400, "already-exists", "There is a subscription for this event")
    _verify(market, wanted.callback_url)
    number = market.docs.next_id("subscription", 11011)
    body = {"id_subscription": number, "is_active": True, "storefront": code} | wanted.model_dump()
    market.docs.put("subscriptions", str(number), body)
    return data(body, 201)


def _verify(market: Market, url: str) -> None:
    """The address has to answer well. What Kaufland sends to find out is not documented: here it is a signed message
    without an event."""
    try:
        good = _post(market, url, b"{}") in WELCOME
    except httpx.HTTPError:
        good = False
    if not good:
        raise Problem(400, "subscriptions/unverified-callback-url", "The callback URL could not be verified")


@functools.cache
def _client() -> httpx.Client:
    """One for all: making it takes a while."""
    return httpx.Client(timeout=15, trust_env=False)


def _post(market: Market, url: str, body: bytes) -> int:
    timestamp = str(int(market.now()))
    headers = {"Content-Type": "application/json", "Shop-Timestamp": timestamp}
    headers["Shop-Signature"] = sign(market.options.secret_key, "POST", url, body, timestamp)
    return _client().post(url, content=body, headers=headers).status_code


def _find(call: Call) -> Document:
    found: Document | None = call.market.docs.get("subscriptions", call.path["id_subscription"])
    if found is None:
        raise not_found("Subscription")
    return found


def get(call: Call) -> Response:
    return data(_find(call))


def change(call: Call) -> Response:
    known, given = _find(call), call.body.model_dump(exclude_none=True)
    if given.get("callback_url", known["callback_url"]) != known["callback_url"]:
        _verify(call.market, given["callback_url"])
    known |= given
    call.market.docs.put("subscriptions", str(known["id_subscription"]), known)
    return data(known)


def delete(call: Call) -> Response:
    call.market.docs.remove("subscriptions", str(_find(call)["id_subscription"]))
    return no_content()


class Pusher:
    """Sends events: at least once, some attempts, then the subscription is switched off."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._queue: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
        self._started = False
        market.actions["redeliver"] = self._redeliver
        market.emit = self.emit
        market.rebuilders.append(self._resume)

    def _resume(self) -> None:
        for key, later in self._market.docs.all("deliveries").items():
            self._market.schedule(later["due"], "redeliver", key)
        if self._market.docs.all("subscriptions"):
            self._start()

    def emit(self, event: str, resource: str, code: str) -> None:
        for item in self._market.docs.all("subscriptions").values():
            if item["is_active"] and (item["event_name"], item["storefront"]) == (event, code):
                number = self._market.docs.next_id("message")
                body: dict[str, Any] = {"event_name": event, "id_message": f"m-{number}", "resource": resource}
                self._start()
                content = json.dumps(body | {"storefront": code}).encode()
                self._queue.put((str(item["id_subscription"]), content, 1))

    def _start(self) -> None:
        """The threads begin with the first subscriber; one delivers, one lets time pass between requests."""
        if not self._started:
            self._started = True
            for job in (self._deliver_all, self._tick):
                threading.Thread(target=job, daemon=True).start()

    def _tick(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.1):
            with self._market.kit.transaction():
                self._market.settle()

    def _deliver_all(self) -> None:
        while True:
            self._deliver(*self._queue.get())

    def _deliver(self, key: str, body: bytes, attempt: int) -> None:
        with self._market.kit.transaction() as docs:
            item = docs.get("subscriptions", key)
        if item is None or not item["is_active"]:
            return
        try:
            accepted = _post(self._market, item["callback_url"], body) in WELCOME
        except httpx.HTTPError:
            accepted = False
        if not accepted:
            self._failed(item, body, attempt)

    def _failed(self, item: Document, body: bytes, attempt: int) -> None:
        options, key = self._market.options, str(item["id_subscription"])
        with self._market.kit.transaction() as docs:
            if attempt >= options.event_attempts:
                docs.put("subscriptions", key, item | {"is_active": False})
                return
            due, number = self._market.now() + options.event_retry_seconds, str(docs.next_id("delivery"))
            later = {"subscription": key, "body": body.decode(), "attempt": attempt + 1, "due": due}
            docs.put("deliveries", number, later)
            self._market.schedule(due, "redeliver", number)

    def _redeliver(self, number: str) -> None:
        later = self._market.docs.get("deliveries", number)
        if later is not None:
            self._market.docs.remove("deliveries", number)
            self._queue.put((later["subscription"], later["body"].encode(), later["attempt"]))
