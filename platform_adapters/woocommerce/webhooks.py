"""What a store tells by itself: verified over the raw bytes, then read as a hint. No I/O.

The signature covers the body only: neither the topic nor the time is signed, and nothing keeps a delivery from
being replayed. That does no harm, since a hint only says what to read again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.platform import Hint, HintKind

PING = re.compile(rb"webhook_id=\d{1,19}")
# What a shopper does at the checkout page before there is an order.
DRAFTS = ("checkout-draft", "auto-draft")
MOST_UNITS = 2**31 - 1
HIGHEST = 2**63 - 1


class WooDoor:
    """The WebhookDoor of WooCommerce."""

    def read(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Hint:
        named = {name.lower(): value for name, value in headers.items()}
        signature = named.get("x-wc-webhook-signature", "")
        if not signature and PING.fullmatch(body.strip()):
            # Sent at creation, unsigned; anything but exactly 200 has it repeated after every delivery.
            return Hint(kind=HintKind.NOTHING, topic="ping", external_id=body.strip().decode()[11:])
        if not is_signed(body, signature, secrets):
            raise Reauthorise("The delivery is not signed with this connection's secret.")
        return _hint(named.get("x-wc-webhook-topic", ""), body)


def sign(body: bytes, secret: str) -> str:
    """Base64 HMAC-SHA256. Our secrets are hex, so WordPress's decoding of &amp; and its like does not matter."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether any secret fits; each is tried, so that time tells nothing."""
    given = signature.encode("utf-8", "replace")
    fits = [hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets]
    return any(fits)


def _hint(topic: str, body: bytes) -> Hint:
    resource, _, event = topic.partition(".")
    if not topic:
        raise AskMerchant("The delivery has no topic.", field="X-WC-Webhook-Topic")
    if resource not in ("product", "order"):
        return Hint(kind=HintKind.NOTHING, topic=topic, external_id="-")
    content = json.loads(body)
    number = _number(content, "id")
    if resource == "order":
        kind = HintKind.NOTHING if content.get("status") in DRAFTS else HintKind.ORDER
        return Hint(kind=kind, topic=topic, external_id=number)
    # A variation comes as its own object. Deleted, it is only an id, and its product is found by reading it.
    is_variation = content.get("type") == "variation" and event != "deleted"
    external_id = _number(content, "parent_id") if is_variation else number
    return Hint(kind=HintKind.PRODUCT, topic=topic, external_id=external_id, units=_units(content, event))


def _units(content: dict[str, Any], event: str) -> int | None:
    """What is left to be sold of it. A variable product says nothing of its variations."""
    off = content.get("status", "publish") != "publish" or content.get("stock_status") == "outofstock"
    if off or event == "deleted":
        return 0
    quantity = content.get("stock_quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int | float) or content.get("type") == "variable":
        return None
    if isinstance(quantity, float) and not math.isfinite(quantity):
        return None
    return max(0, int(min(quantity, MOST_UNITS)))


def _number(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, dict) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= HIGHEST:
        raise AskMerchant(f"The delivery has no usable {name}.", field=name)
    return str(value)
