"""Webhooks: of this store and of the installed app, signed, delivered at least once, repeated for hours."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

import httpx

from platform_adapters.shopify.documents import API_VERSION
from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.store import Doc, Store, gid
from platform_adapters.shopify.webhooks import sign

TIMEOUT = httpx.Timeout(5.0, connect=1.0)
TRIES = 9  # once, and eight repetitions
APP = 0  # in place of a subscription's number


class Webhooks:
    """Subscriptions, what waits to be delivered, and one thread that delivers it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.log: deque[Doc] = deque(maxlen=5000)
        self._waiting: list[Doc] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = 0
        store.listener = self.fire

    # -- subscriptions ----------------------------------------------------------------------------------------

    def create(self, topic: str, given: Mapping[str, Any]) -> Doc:
        uri = str(given.get("uri") or given.get("callbackUrl") or "")
        if not uri.startswith("http"):
            raise Refusal("Address is invalid", ["webhookSubscription", "callbackUrl"])
        if self.store.options.https_only and not uri.startswith("https:"):
            raise Refusal("Address protocol http:// is not supported", ["webhookSubscription", "callbackUrl"])
        known = self.store.all("webhooks")
        if any(row["topic"] == topic and row["uri"] == uri for row in known):
            raise Refusal("Address for this topic has already been taken", ["webhookSubscription", "callbackUrl"])
        doc = {"id": self.store.next_id("webhook"), "topic": topic, "uri": uri, "failures": 0}
        doc["fields"] = list(given.get("includeFields") or ())
        self.store.save("webhooks", doc)
        return doc

    def delete(self, key: int) -> None:
        if self.store.get("webhooks", key) is None:
            raise Refusal("Webhook subscription does not exist", ["id"])
        self.store.remove("webhooks", key)

    def view(self, doc: Doc) -> Doc:
        show = {"id": gid("WebhookSubscription", doc["id"]), "topic": doc["topic"], "uri": doc["uri"], "name": None}
        return show | {"includeFields": doc["fields"]}

    # -- deliveries -------------------------------------------------------------------------------------------

    def fire(self, topic: str, body: Doc) -> None:
        """Something happened: one delivery for each subscription, all with the payload of this moment."""
        name, event = topic.replace("/", "_").upper(), str(uuid.uuid4())
        for doc in self.store.all("webhooks"):
            if doc["topic"] == name:
                chosen = {key: value for key, value in body.items() if not doc["fields"] or key in doc["fields"]}
                self._queue(topic, chosen, doc["uri"], doc["id"], event)
        options = self.store.options
        if options.app_url and topic in options.app_topics:
            self._queue(topic, body, options.app_url, APP, event)

    def _queue(self, topic: str, body: Doc, uri: str, subscription: int, event: str) -> None:
        item: Doc = {"topic": topic, "body": json.dumps(body).encode(), "uri": uri, "subscription": subscription}
        item |= {"id": str(uuid.uuid4()), "event": event, "at": self.store.now(), "tries": 0}
        with self._wake:
            self._waiting.append(item | {"due": time.monotonic() + self.store.options.delay})
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shopify-webhooks", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                item = self._next()
                self._busy += 1
            try:
                self._deliver(item)
            finally:
                with self._wake:
                    self._busy -= 1
                    self._wake.notify_all()

    def _next(self) -> Doc:
        """Waits for what is due. Called with the condition held."""
        while True:
            now = time.monotonic()
            due = [item for item in self._waiting if item["due"] <= now]
            if due:
                self._waiting.remove(due[0])
                return due[0]
            soonest = min((item["due"] for item in self._waiting), default=None)
            self._wake.wait(None if soonest is None else soonest - now)

    def _deliver(self, item: Doc) -> None:
        item["tries"] += 1
        status = self._post(item)
        entry = {name: item[name] for name in ("topic", "uri", "id", "tries")}
        self.log.append(entry | {"status": status, "body": item["body"].decode()})
        with self.store.docs.lock:
            self._count(item, ok=200 <= status < 300)
        if not 200 <= status < 300 and item["tries"] < TRIES and status != 410:
            pause = self.store.options.retry * 2 ** (item["tries"] - 1)
            with self._wake:
                self._waiting.append(item | {"due": time.monotonic() + pause})

    def _post(self, item: Doc) -> int:
        try:
            return httpx.post(
                item["uri"], content=item["body"], headers=self.headers(item), timeout=TIMEOUT, trust_env=False
            ).status_code
        except httpx.HTTPError:
            return 0

    def headers(self, item: Doc) -> dict[str, str]:
        options = self.store.options
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": item["topic"],
            "X-Shopify-Hmac-Sha256": sign(item["body"], options.client_secret),
            "X-Shopify-Shop-Domain": options.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": item["id"],
            "X-Shopify-Event-Id": item["event"],
            "X-Shopify-Triggered-At": str(self.store.iso(item["at"])),
        }

    def _count(self, item: Doc, *, ok: bool) -> None:
        """A subscription of a store is deleted after eight failures in a row; the app's own stay."""
        doc = self.store.get("webhooks", item["subscription"])
        if doc is None:
            return
        doc["failures"] = 0 if ok else doc["failures"] + 1
        if doc["failures"] >= TRIES - 1:
            self.store.remove("webhooks", doc["id"])
        else:
            self.store.save("webhooks", doc)

    def idle(self, timeout: float = 10.0) -> bool:
        """Whether everything that was due has been delivered."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._busy and not self._due(), timeout)

    def _due(self) -> bool:
        return any(item["due"] <= time.monotonic() and item["tries"] == 0 for item in self._waiting)

    def send(self, topic: str, body: Doc) -> None:
        """To the app itself, whatever it has subscribed to: the compliance topics."""
        if self.store.options.app_url:
            self._queue(topic, body, self.store.options.app_url, APP, str(uuid.uuid4()))

    def forget(self) -> None:
        with self._wake:
            self._waiting.clear()
            self.log.clear()
