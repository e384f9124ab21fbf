"""Push messages: their signature, what they point at, and the subscriptions that bring them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from bridge.domain.reading import Json, text
from bridge.ports.channel import CALLBACK_URL, PushHint
from bridge.ports.errors import NotFound, Reauthorise, RejectItem
from channel_adapters.kaufland import mapping, signature
from channel_adapters.kaufland.client import AlreadyThere, KauflandClient
from channel_adapters.kaufland.vocabulary import EVENTS

NUMBER = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Push:
    """The push side of one account."""

    def __init__(self, client: KauflandClient, secret: str) -> None:
        self._client = client
        self._secret = secret

    def hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        """A message is signed like a request, over the address we gave. What names no event (the call that verifies the
        address, whose form is not documented) points at nothing, and is not asked for a signature it may not have."""
        given = {name.lower(): value for name, value in headers}
        message = _read(body)
        if self._is_genuine(given, body):
            return self._hint(message)
        if "shop-signature" in given or message.get("event_name"):
            raise Reauthorise("A message in Kaufland's name has no valid signature; it is not believed.")
        return []

    def _is_genuine(self, given: dict[str, str], body: bytes) -> bool:
        url, timestamp = given.get(CALLBACK_URL.lower(), ""), given.get("shop-timestamp", "")
        return signature.is_genuine(given.get("shop-signature", ""), self._secret, "POST", url, body, timestamp)

    def _hint(self, message: Json) -> list[PushHint]:
        kind = EVENTS.get(text(message.get("event_name")))
        key = text(message.get("resource")).partition("?")[0].rstrip("/").rpartition("/")[2]
        if kind is None or not key:
            return []
        if not NUMBER.fullmatch(key):
            raise RejectItem("A message of Kaufland names nothing usable.", field="resource")
        site = text(message.get("storefront")) if kind == "offer" else ""
        if kind == "offer":
            key = mapping.offer_id(site, key)
        elif kind == "order_unit":
            return self._order_of(key, message)
        return [PushHint(kind=kind, key=key, site=site, delivery_id=text(message.get("id_message")) or None)]

    def _order_of(self, unit_id: str, message: Json) -> list[PushHint]:
        try:
            order_id = text(self._client.order_unit(unit_id).get("id_order"))
        except NotFound:
            return []
        hint = PushHint(kind="order", key=order_id, delivery_id=text(message.get("id_message")) or None)
        return [hint] if order_id else []

    def ensure(self, url: str, sites: Sequence[str], email: str) -> None:
        """One subscription for each storefront and event; those that were switched off are switched on again, and those
        that went to an earlier address of ours come to this one."""
        known = {(text(item.get("storefront")), text(item.get("event_name"))): item for item in self._ours(url)}
        for site in sites:
            for event in EVENTS:
                found = known.get((site, event))
                if found is None:
                    self._subscribe(site, {"callback_url": url, "fallback_email": email, "event_name": event})
                elif found.get("callback_url") != url or found.get("is_active") is False:
                    self._renew(found, url)

    def _renew(self, known: Json, url: str) -> None:
        """An address is verified whenever it is named, so it is not named without need."""
        moved = {"callback_url": url} if known.get("callback_url") != url else {}
        self._client.change_subscription(text(known.get("id_subscription")), moved | {"is_active": True})

    def _subscribe(self, site: str, body: Json) -> None:
        """An event that another program listens to already is left to it: polling sees everything as well."""
        with suppress(AlreadyThere):
            self._client.subscribe(site, body)

    def _ours(self, url: str) -> list[Json]:
        found: list[Json] = []
        offset: int | None = 0
        while offset is not None:
            page, offset = self._client.subscriptions(offset)
            found += [item for item in page if _is_ours(text(item.get("callback_url")), url)]
        return sorted(found, key=lambda item: item.get("callback_url") == url)


def _is_ours(known: str, url: str) -> bool:
    """Also what was ours: before the shop was reached at this host, or by this connection."""
    return known == url or (_shop(known) == _shop(url) != "")


def _shop(url: str) -> str:
    """``/push/shop`` of ``https://host/push/shop/connection``."""
    path = urlsplit(url).path.rpartition("/")[0]
    return path if path.count("/") >= 2 else ""


def _read(body: bytes) -> Json:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
