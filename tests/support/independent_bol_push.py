"""What bol tells by itself, from the description of its Retailer API v10: subscriptions, and messages signed by one of its
keys over the bytes that go out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Response, request

from tests.support.independent import Independent, Json, Operation, Refusal


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class BolPush(Independent):
    """``keys``: numbers of those that are published now."""

    subscriptions: dict[str, Json] = field(default_factory=dict)
    keys: list[int] = field(default_factory=lambda: [0])

    def _later(self, operation: Operation, event: str, entity: str, act: Callable[[], str]) -> Response:
        raise NotImplementedError

    def _get_push_notification_subscriptions(self, operation: Operation) -> Response:
        found = [{"id": number} | item for number, item in self.subscriptions.items()]
        return self.json(operation, 200, {"subscriptions": found})

    def _post_push_notification_subscription(self, operation: Operation) -> Response:
        body, number = request.get_json(force=True), str(54_321 + len(self.subscriptions))
        self._sensible(body)

        def act() -> str:
            self.subscriptions[number] = {"enabled": True} | body
            return ""

        return self._later(operation, "CREATE_SUBSCRIPTION", number, act)

    def _put_push_notification_subscription(self, operation: Operation, number: str) -> Response:
        body = request.get_json(force=True)
        self._sensible(body)

        def act() -> str:
            if number not in self.subscriptions:
                return "no such subscription"
            self.subscriptions[number] = {"enabled": True} | body
            return ""

        return self._later(operation, "UPDATE_SUBSCRIPTION", number, act)

    def _sensible(self, body: Json) -> None:
        if body["subscriptionType"] == "WEBHOOK" and not body["url"].startswith("https://"):
            raise Refusal(400, "https", ["url: must begin with https"])
        if not body["resources"]:
            raise Refusal(400, "resources", ["resources: at least one"])

    def _get_subscription_keys(self, operation: Operation) -> Response:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        published = [
            {
                "id": str(number), "type": "RSA",
                "publicKey": base64.b64encode(
                    key(number).public_key().public_bytes(serialization.Encoding.DER, form)
                ).decode(),
            }
            for number in self.keys
        ]  # fmt: skip
        return self.json(operation, 200, {"signatureKeys": published})

    def pushed(self, resource: str, kind: str, number: str, by: int = 0) -> tuple[list[tuple[str, str]], bytes]:
        """A message as it goes out: headers and body."""
        event: Json = {"resource": resource, "type": kind, "resourceId": number}
        told: dict[str, Any] = {"retailerId": "10284", "timestamp": self.moment(self.now()), "event": event}
        body = json.dumps(told).encode()
        signed = base64.b64encode(key(by).sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
        return [("Signature", f'keyId={by}, algorithm="rsa-sha256", signature={signed}')], body
