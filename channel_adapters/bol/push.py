"""Push messages: their signature, what they point at, and the subscription that brings them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from bridge.ports.channel import PushHint
from bridge.ports.errors import Reauthorise, RejectItem
from channel_adapters.bol import mapping, signature
from channel_adapters.bol.client import BolClient, Json

RESOURCES = ["PROCESS_STATUS", "ORDER", "OFFER_FOR_SALE", "OFFER_NOT_FOR_SALE"]
# The keys may be asked for 10 times an hour.
ASK_AGAIN_AFTER = timedelta(minutes=10)


class Push:
    """The push side of one account. Keys are kept; a message signed with an unknown one makes us ask again."""

    def __init__(self, client: BolClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._keys: dict[str, str] = {}
        self._asked_at: datetime | None = None

    def hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        header = next((value for name, value in headers if name.lower() == "signature"), "")
        key = self._key(signature.parts_of(header).get("keyId", ""))
        if key is None or not signature.is_genuine(header, body, key):
            raise Reauthorise("A message in bol.com's name has no valid signature; it is not believed.")
        hint = mapping.push_hint(_read(body))
        return [hint] if hint else []

    def _key(self, key_id: str) -> str | None:
        now = self._clock()
        if key_id not in self._keys and (self._asked_at is None or now - self._asked_at > ASK_AGAIN_AFTER):
            self._asked_at = now
            found = self._client.signature_keys()
            self._keys = {str(item.get("id")): str(item.get("publicKey")) for item in found}
        return self._keys.get(key_id)

    def ensure(self, url: str) -> None:
        wanted: Json = {"resources": RESOURCES, "url": url, "subscriptionType": "WEBHOOK", "enabled": True}
        known = next((item for item in self._client.subscriptions() if item.get("url") == url), None)
        if known is None:
            self._client.subscribe(wanted)
        elif known.get("enabled") is False or set(known.get("resources") or ()) != set(RESOURCES):
            self._client.change_subscription(str(known.get("id")), wanted)


def _read(body: bytes) -> Json:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RejectItem("A message of bol.com is no JSON.", developer=repr(body[:200])) from error
    return message if isinstance(message, dict) else {}
