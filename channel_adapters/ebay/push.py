"""Push messages: the challenge that opens an address, their signature, what they point at, and the subscription."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.reading import Json, table, tables, text
from bridge.ports.channel import PushHint
from bridge.ports.errors import NotFound, Reauthorise, RejectItem
from channel_adapters.ebay import signature
from channel_adapters.ebay.client import EbayClient
from channel_adapters.ebay.vocabulary import ORDER_TOPIC

# "Should be cached for a temporary, but reasonable, amount of time (e.g. one hour)" (getPublicKey).
KEEP = timedelta(hours=1)
MOST_KEYS = 100
NAME = "Storebridge"


class Push:
    """The push side of one account. Keys are kept for an hour, unknown ones too: a forged name costs one call."""

    def __init__(self, client: EbayClient, secret: str, clock: Callable[[], datetime], token: str = "") -> None:
        self._client = client
        self._secret = secret
        self._token = token
        self._clock = clock
        self._keys: dict[str, tuple[datetime, str]] = {}

    def token(self, url: str) -> str:
        """The verification token of an address: the seller's own, else 64 of the 32 to 80 characters that eBay allows,
        always the same."""
        if self._token:
            return self._token
        return hmac.new(self._secret.encode(), f"ebay notifications {url}".encode(), hashlib.sha256).hexdigest()

    def challenge(self, url: str, query: Mapping[str, str]) -> Json | None:
        code = query.get("challenge_code", "")
        if not code:
            return None
        return {"challengeResponse": signature.challenge_response(code, self.token(url), url)}

    def hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        header = next((value for name, value in headers if name.lower() == "x-ebay-signature"), "")
        parts = signature.parts_of(header)
        key = self._key(parts.get("kid", ""))
        if not key or not signature.is_genuine(parts, body, key):
            raise Reauthorise("A message in eBay's name has no valid signature; it is not believed.")
        return _hints(body)

    def _key(self, key_id: str) -> str:
        """Empty for one that eBay does not know."""
        now, known = self._clock(), self._keys.get(key_id)
        if not key_id:
            return ""
        if known is None or now - known[0] > KEEP:
            if len(self._keys) >= MOST_KEYS:
                self._keys.clear()
            known = self._keys[key_id] = (now, self._ask(key_id))
        return known[1]

    def _ask(self, key_id: str) -> str:
        try:
            return text(self._client.public_key(key_id).get("key"))
        except RejectItem:  # not found, or not even a name
            return ""

    def ensure(self, url: str, email: str) -> None:
        """An address of ours, and a subscription to sold orders. A topic this application may not have is left alone:
        polling sees everything as well."""
        try:
            topic = self._client.topic(ORDER_TOPIC)
        except NotFound:
            return
        payload = next((item for item in tables(topic, "supportedPayloads") if item.get("deprecated") is not True), {})
        if not payload:
            return
        app = text(topic.get("scope")) == "APPLICATION"
        self._subscribe(self._destination(url, email), payload, app=app)

    def _destination(self, url: str, email: str) -> str:
        wanted = {"endpoint": url, "verificationToken": self.token(url)}
        body: Json = {"name": NAME, "status": "ENABLED", "deliveryConfig": wanted}
        known = self._ours(url)
        if not known:
            self._client.set_alert_email(email)
            self._client.create_destination(body)
            known = self._ours(url)
        elif text(known.get("status")) != "ENABLED":
            self._client.update_destination(text(known.get("destinationId")), body)
        return text(known.get("destinationId"))

    def _ours(self, url: str) -> Json:
        found = self._client.destinations()
        return next((item for item in found if text(table(item, "deliveryConfig").get("endpoint")) == url), {})

    def _subscribe(self, destination: str, payload: Json, *, app: bool) -> None:
        known = [item for item in self._client.subscriptions(app=app) if text(item.get("topicId")) == ORDER_TOPIC]
        mine = next((item for item in known if text(item.get("destinationId")) == destination), None)
        if mine is not None:
            if text(mine.get("status")) != "ENABLED":
                self._client.enable_subscription(text(mine.get("subscriptionId")), app=app)
        elif not known and destination:
            formats = payload.get("format")
            given = {"format": "JSON" if isinstance(formats, list) else text(formats) or "JSON"}
            given |= {"schemaVersion": text(payload.get("schemaVersion"))}
            given |= {"deliveryProtocol": text(payload.get("deliveryProtocol")) or "HTTPS"}
            body = {"topicId": ORDER_TOPIC, "status": "ENABLED", "payload": given, "destinationId": destination}
            self._client.subscribe(body, app=app)


def _hints(body: bytes) -> list[PushHint]:
    """Orders alone are of interest; what else comes is answered well and left."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RejectItem("A message of eBay is no JSON.", developer=repr(body[:200])) from error
    if text(table(message, "metadata").get("topic")) != ORDER_TOPIC:
        return []
    notification = table(message, "notification")
    data = table(notification, "data")
    order_id = text(table(data, "order").get("orderId")) or text(data.get("orderId"))
    if not order_id:
        return []
    return [PushHint(kind="order", key=order_id, delivery_id=text(notification.get("notificationId")) or None)]
