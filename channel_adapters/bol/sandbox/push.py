"""Events sent to subscribers, signed, from a thread of their own."""

from __future__ import annotations

import base64
import functools
import json
import queue
import threading
from typing import Any, cast

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Response

from channel_adapters.bol.sandbox.market import Call, Document, Market, stamp
from channel_adapters.bol.sandbox.protocol import answer
from channel_adapters.bol.sandbox.subscriptions import require

KEY_ID = "0"


@functools.cache
def _new_key() -> bytes:
    """One key per process is enough, and making it takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, plain)


def _key(market: Market) -> rsa.RSAPrivateKey:
    pem = market.docs.get("keys", KEY_ID)
    if pem is None:
        pem = _new_key().decode()
        market.docs.put("keys", KEY_ID, pem)
    return cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(pem.encode(), password=None))


def get_keys(call: Call) -> Response:
    public = _key(call.market).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    text = base64.b64encode(public.public_bytes(serialization.Encoding.DER, form)).decode()
    return answer({"signatureKeys": [{"id": KEY_ID, "type": "RSA", "publicKey": text}]})


class Pusher:
    """Sends events: at least once, in any order, ten attempts, then the subscription is switched off."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._queue: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
        self._threads: list[threading.Thread] = []
        market.actions["redeliver"] = self._redeliver
        market.emit = self.emit
        market.rebuilders.append(self._resume)

    def _resume(self) -> None:
        for key, later in self._market.docs.all("deliveries").items():
            self._market.schedule(later["due"], "redeliver", key)
        if self._subscribers():
            self._start()

    def _subscribers(self) -> list[Document]:
        found = self._market.docs.all("subscriptions").values()
        return [item for item in found if item["subscriptionType"] == "WEBHOOK" and item.get("enabled", True)]

    def emit(self, resource: str, kind: str, resource_id: str) -> None:
        for subscription in self._subscribers():
            if resource in subscription["resources"]:
                self._send(subscription["id"], resource, kind, resource_id)

    def send_test(self, market: Market, key: str) -> str:
        self._send(require(market, key)["id"], "TEST", "TEST", key)
        return key

    def _send(self, subscription_id: str, resource: str, kind: str, resource_id: str) -> None:
        event = {"resource": resource, "type": kind, "resourceId": resource_id}
        head: dict[str, Any] = {
            "retailerId": self._market.options.retailer_id,
            "timestamp": stamp(self._market.now()),
        }
        self._start()
        self._queue.put((subscription_id, json.dumps(head | {"event": event}).encode(), 1))

    def _start(self) -> None:
        """The threads begin with the first subscriber; one delivers, one lets time pass between requests."""
        if not self._threads:
            self._threads = [threading.Thread(target=job, daemon=True) for job in (self._deliver_all, self._tick)]
            for thread in self._threads:
                thread.start()

    def _tick(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.1):
            with self._market.kit.transaction():
                self._market.settle()

    def _deliver_all(self) -> None:
        with httpx.Client(timeout=10) as client:
            while True:
                self._deliver(client, *self._queue.get())

    def _deliver(self, client: httpx.Client, subscription_id: str, body: bytes, attempt: int) -> None:
        with self._market.kit.transaction() as docs:
            subscription, key = docs.get("subscriptions", subscription_id), _key(self._market)
        if subscription is None or not subscription.get("enabled", True):
            return
        signature = base64.b64encode(key.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
        headers = {"Content-Type": "application/json"}
        headers["Signature"] = f'keyId={KEY_ID}, algorithm="rsa-sha256", signature={signature}'
        try:
            accepted = client.post(subscription["url"], content=body, headers=headers).is_success
        except httpx.HTTPError:
            accepted = False
        if not accepted:
            self._failed(subscription, body, attempt)

    def _failed(self, subscription: Document, body: bytes, attempt: int) -> None:
        options = self._market.options
        with self._market.kit.transaction() as docs:
            if attempt >= options.event_attempts:
                docs.put("subscriptions", subscription["id"], subscription | {"enabled": False})
                return
            due = self._market.now() + options.event_retry_seconds
            key = str(docs.next_id("delivery"))
            later = {
                "subscription": subscription["id"],
                "body": body.decode(),
                "attempt": attempt + 1,
                "due": due,
            }
            docs.put("deliveries", key, later)
            self._market.schedule(due, "redeliver", key)

    def _redeliver(self, key: str) -> None:
        later = self._market.docs.get("deliveries", key)
        if later is not None:
            self._market.docs.remove("deliveries", key)
            self._queue.put((later["subscription"], later["body"].encode(), later["attempt"]))
