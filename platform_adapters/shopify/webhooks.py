"""What a store tells by itself: verified over the raw bytes, then read as a hint. No I/O.

The signature covers the body only, deliveries come more than once, in any order, and for four hours after the fact with
their first payload. That does no harm, since a hint only says what to read again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.platform import Hint, HintKind

# Topic: what it is about, and the field that names it.
LEVEL = "inventory_levels/update"
MOST_UNITS = 2**31 - 1
HIGHEST = 2**63 - 1
MEANING: Mapping[str, tuple[HintKind, str]] = {
    "products/create": (HintKind.PRODUCT, "id"),
    "products/update": (HintKind.PRODUCT, "id"),
    "products/delete": (HintKind.PRODUCT, "id"),
    LEVEL: (HintKind.STOCK, "inventory_item_id"),
    "inventory_levels/connect": (HintKind.STOCK, "inventory_item_id"),
    "inventory_levels/disconnect": (HintKind.STOCK, "inventory_item_id"),
    "orders/create": (HintKind.ORDER, "id"),
    "orders/updated": (HintKind.ORDER, "id"),
    "orders/cancelled": (HintKind.ORDER, "id"),
    "orders/edited": (HintKind.ORDER, "id"),
    "orders/fulfilled": (HintKind.ORDER, "id"),
    "orders/partially_fulfilled": (HintKind.ORDER, "id"),
    "orders/delete": (HintKind.ORDER, "id"),
    "fulfillments/create": (HintKind.ORDER, "order_id"),
    "fulfillments/update": (HintKind.ORDER, "order_id"),
    "refunds/create": (HintKind.ORDER, "order_id"),
}


class ShopifyDoor:
    """The WebhookDoor of Shopify."""

    def read(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Hint:
        named = Headers(headers)
        if not is_signed(body, named["hmac-sha256"], secrets):
            raise Reauthorise("The delivery is not signed with this app's secret.")
        return _hint(named["topic"], body, named["webhook-id"] or None)


class Headers:
    """By their name without its prefix: ``X-Shopify-Topic`` of webhooks and ``shopify-topic`` of events are one."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._found: dict[str, str] = {}
        for name, value in headers.items():
            plain = name.lower().removeprefix("x-")
            if plain.startswith("shopify-"):
                self._found.setdefault(plain.removeprefix("shopify-"), value)

    def __getitem__(self, name: str) -> str:
        return self._found.get(name, "").strip()


def sign(body: bytes, secret: str) -> str:
    """Base64 HMAC-SHA256 over the body as it came."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether any secret fits; each is tried, so that time tells nothing."""
    given = signature.encode("utf-8", "replace")
    fits = [hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets if secret]
    return any(fits)


def _hint(topic: str, body: bytes, delivery: str | None) -> Hint:
    if not topic:
        raise AskMerchant("The delivery has no topic.", field="X-Shopify-Topic")
    if topic not in MEANING:
        return Hint(kind=HintKind.NOTHING, topic=topic, external_id="-")
    kind, field = MEANING[topic]
    content = json.loads(body)
    units = _units(content) if topic == LEVEL else None
    return Hint(kind=kind, topic=topic, external_id=_number(content, field), delivery=delivery, units=units)


def _units(content: Any) -> int | None:
    """What is left at the location that it tells of: with other locations there is more."""
    value = content.get("available") if isinstance(content, dict) else None
    return min(max(0, value), MOST_UNITS) if isinstance(value, int) and not isinstance(value, bool) else None


def _number(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, dict) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= HIGHEST:
        raise AskMerchant(f"The delivery has no usable {name}.", field=name)
    return str(value)
