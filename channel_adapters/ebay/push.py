"""Push messages: the challenge that opens an address, their signature, what they point at, and the subscription."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bridge.domain.reading import Json, table, tables, text
from bridge.ports.channel import PushHint
from bridge.ports.errors import NotFound, Reauthorise, RejectItem
from channel_adapters.ebay import signature
from channel_adapters.ebay.client import EbayClient
from channel_adapters.ebay.vocabulary import DELETION_TOPIC, ORDER_TOPIC

# "Should be cached for a temporary, but reasonable, amount of time (e.g. one hour)" (getPublicKey).
KEEP = timedelta(hours=1)
# A new key may sign before it can be asked for: eBay is asked again soon, and by forged names seldom.
KEEP_UNKNOWN = timedelta(minutes=5)
MOST_KEYS = 100
NAME = "Storebridge"


class Push:
    """The push side of one account. Keys are kept, and for a while names of none: a forged one costs one call."""

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
        if known is None or now - known[0] > (KEEP if known[1] else KEEP_UNKNOWN):
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
        with suppress(NotFound):
            self._subscribe(self._destination(url, email), url, payload, app=app)

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
        return next((item for item in found if _address(item) == url), {})

    def _subscribe(self, destination: str, url: str, payload: Json, *, app: bool) -> None:
        """A topic has one subscription: one that goes where this server was before is taken along, one of another
        program is left alone."""
        known = [item for item in self._client.subscriptions(app=app) if text(item.get("topicId")) == ORDER_TOPIC]
        mine = next((item for item in known if text(item.get("destinationId")) == destination), None)
        if mine is not None:
            if text(mine.get("status")) != "ENABLED":
                self._client.enable_subscription(text(mine.get("subscriptionId")), app=app)
            return
        body: Json = {"status": "ENABLED", "payload": _payload(payload), "destinationId": destination}
        if not destination:
            return
        if not known:
            self._client.subscribe({"topicId": ORDER_TOPIC, **body}, app=app)
        elif (moved := self._left_behind(known, url)) is not None:
            self._client.update_subscription(moved, body, app=app)

    def _left_behind(self, known: Sequence[Json], url: str) -> str | None:
        """The subscription whose address is ours but for the server's name."""
        before = {text(item.get("destinationId")) for item in self._client.destinations() if _was_ours(item, url)}
        found = (text(item.get("subscriptionId")) for item in known if text(item.get("destinationId")) in before)
        return next(found, None)


def _address(destination: Json) -> str:
    return text(table(destination, "deliveryConfig").get("endpoint"))


def _was_ours(destination: Json, url: str) -> bool:
    return text(destination.get("name")) == NAME and urlsplit(_address(destination)).path == urlsplit(url).path


def _payload(supported: Json) -> Json:
    formats = supported.get("format")
    given = {"format": "JSON" if isinstance(formats, list) else text(formats) or "JSON"}
    given |= {"schemaVersion": text(supported.get("schemaVersion"))}
    return given | {"deliveryProtocol": text(supported.get("deliveryProtocol")) or "HTTPS"}


def buyer_mark(name: str) -> str:
    """Who it is, for whoever knows the name already."""
    return hashlib.sha256(f"ebay buyer {name.casefold()}".encode()).hexdigest()


def _hints(body: bytes) -> list[PushHint]:
    """Orders, and who has closed the account (under the number as well as the name, as orders have either); what else
    comes is answered well and left."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RejectItem("A message of eBay is no JSON.", developer=repr(body[:200])) from error
    topic, notification = text(table(message, "metadata").get("topic")), table(message, "notification")
    data = table(notification, "data")
    if topic == DELETION_TOPIC:
        names = filter(None, (text(data.get(name)) for name in ("userId", "username")))
        return [PushHint(kind="buyer", key=buyer_mark(name)) for name in dict.fromkeys(names)]
    if topic != ORDER_TOPIC:
        return []
    order_id = text(table(data, "order").get("orderId")) or text(data.get("orderId"))
    if not order_id:
        return []
    return [PushHint(kind="order", key=order_id, delivery_id=text(notification.get("notificationId")) or None)]
