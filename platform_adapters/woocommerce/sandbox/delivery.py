"""Delivering webhooks: one background runner, one request at a time, never a second try."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bridge.ports.sandbox import SandboxKit
from platform_adapters.woocommerce.sandbox import php
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.webhooks import Webhooks, sign

DELIVERY_TIMEOUT = 60
PING_TIMEOUT = 5
# A queue run works for at most this long; what it read stays in its object cache meanwhile.
RUN_SECONDS = 10.0
LOG_SIZE = 20000

Payload = Callable[[str, int], dict[str, Any] | None]


class Runner:
    """``payload(resource, id)`` builds the body at the moment of delivery; None when the object is gone."""

    def __init__(
        self, kit: SandboxKit, shop: Shop, webhooks: Webhooks, base: Callable[[], str], payload: Payload
    ) -> None:
        self.kit = kit
        self.shop = shop
        self.webhooks = webhooks
        self.base = base
        self.payload = payload
        self.cron = shop.options.cron
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_SIZE)
        self._bell = threading.Event()
        self._starting = threading.Lock()
        self._work = threading.Lock()
        self._thread: threading.Thread | None = None
        webhooks.wake = self.ring

    # -- from outside -----------------------------------------------------------------------------------------

    def ring(self) -> None:
        """There may be something to deliver: wake the runner, which begins with it and ends when nothing waits."""
        with self._starting:
            self._bell.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="wp-cron", daemon=True)
                self._thread.start()

    def set_cron(self, running: bool) -> None:
        self.cron = running
        self.ring()

    def flush(self, timeout: float = 60.0) -> int:
        """Deliver all that waits, now, whether cron runs or not; how many were delivered."""
        delivered, limit = 0, time.monotonic() + timeout
        while time.monotonic() < limit:
            done = self.run(float("inf"))
            delivered += done
            if done == 0:
                break
        return delivered

    def ping(self, hook: Doc) -> bool:
        """The unsigned form post at creation. Only exactly 200 ends it."""
        body = f"webhook_id={hook['id']}".encode()
        headers = self._common(hook["delivery_url"])
        headers += [("Connection", "close"), ("Content-Length", str(len(body)))]
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        started = time.time()
        status, fault = _post(hook["delivery_url"], headers, body, PING_TIMEOUT)
        self._note(hook, "ping", hook["id"], body, status, fault, started)
        if status == 200:
            with self.kit.transaction():
                self.webhooks.pinged(hook["id"])
        return status == 200

    # -- the queue --------------------------------------------------------------------------------------------

    def run(self, before: float | None = None) -> int:
        """One queue run: everything due (now, or ``before``), in order of what was scheduled first."""
        with self._work:
            cache: dict[tuple[str, int], dict[str, Any] | None] = {}
            started, delivered = time.monotonic(), 0
            while time.monotonic() - started < RUN_SECONDS:
                with self.kit.transaction():
                    waiting = self.webhooks.due(time.time() if before is None else before)
                    batch = sorted(waiting, key=lambda item: (int(item["due"]), item["id"]))
                if not batch:
                    break
                for item in batch:
                    self._deliver(item, cache)
                delivered += len(batch)
            return delivered

    def _loop(self) -> None:
        while (pause := self._pause()) is not None or not self._is_over():
            self._bell.wait(pause)
            self._bell.clear()
            if self.cron:
                self.run()

    def _pause(self) -> float | None:
        """Seconds until something may be due; None where nothing waits for its time."""
        with self.kit.transaction():
            due = self.webhooks.next_due()
        if due is None or not self.cron:
            return None
        return max(0.0, min(0.5, due - time.time()))

    def _is_over(self) -> bool:
        with self._starting:
            if self._bell.is_set():
                return False
            self._thread = None
            return True

    def _deliver(self, item: Doc, cache: dict[tuple[str, int], dict[str, Any] | None]) -> None:
        with self.kit.transaction():
            self.webhooks.begin(item)
            hook = self.shop.get("webhooks", item["webhook"])
            body = None if hook is None else self._body(hook, item["object"], cache)
        # A webhook that was switched off or removed meanwhile sends nothing.
        if hook is None or body is None or hook["status"] != "active":
            return
        started = time.time()
        status, fault = _post(hook["delivery_url"], self._headers(hook, body), body, DELIVERY_TIMEOUT)
        self._note(hook, hook["topic"], item["object"], body, status, fault, started)
        with self.kit.transaction():
            self.webhooks.record(hook["id"], success=200 <= status < 303)
            hook = self.shop.get("webhooks", hook["id"])
        if hook is not None and hook["pending_delivery"] and hook["status"] == "active":
            self.ping(hook)

    def _body(self, hook: Doc, number: int, cache: dict[tuple[str, int], dict[str, Any] | None]) -> bytes | None:
        resource, _, event = hook["topic"].partition(".")
        if event == "deleted":
            return php.encode({"id": number})
        key = (resource, number)
        if key not in cache or not self.shop.options.stale_cache:
            cache[key] = self.payload(resource, number)
        found = cache[key]
        return None if found is None else php.encode(found)

    def _headers(self, hook: Doc, body: bytes) -> list[tuple[str, str]]:
        resource, _, event = hook["topic"].partition(".")
        delivery_id = php.wp_hash(f"{hook['id']}{int(time.time())}")
        return [
            *self._common(hook["delivery_url"]),
            ("Content-Type", "application/json"),
            ("X-WC-Webhook-Source", f"{self.base()}/"),
            ("X-WC-Webhook-Topic", hook["topic"]),
            ("X-WC-Webhook-Resource", resource),
            ("X-WC-Webhook-Event", event),
            ("X-WC-Webhook-Signature", sign(body, hook["secret"])),
            ("X-WC-Webhook-ID", str(hook["id"])),
            ("X-WC-Webhook-Delivery-ID", delivery_id),
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
        ]

    def _common(self, url: str) -> list[tuple[str, str]]:
        options = self.shop.options
        agent = f"WooCommerce/{options.version} Hookshot (WordPress/{options.wordpress_version})"
        headers = [("Host", urlsplit(url).netloc), ("User-Agent", agent), ("Accept", "*/*")]
        return [*headers, ("Accept-Encoding", "deflate, gzip, br, zstd")]

    def _note(self, hook: Doc, topic: str, number: int, body: bytes, status: int, fault: str, started: float) -> None:
        entry = {"at": started, "webhook_id": hook["id"], "topic": topic, "object": number, "url": hook["delivery_url"]}
        entry |= {"status": status, "fault": fault, "seconds": round(time.time() - started, 4)}
        self.log.append(entry | {"body": body.decode("ascii")})


def _post(url: str, headers: list[tuple[str, str]], body: bytes, timeout: float) -> tuple[int, str]:
    """The status, redirects not followed; 0 and the reason when there was no answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.read(65536)
        return response.status, ""
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__}: {error}"
    finally:
        connection.close()
