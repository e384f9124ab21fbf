"""``userErrors``: refusals inside an answer that is none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem, RetryLater, SlowDown
from platform_adapters.shopify.reading import Json, dicts, table, text
from platform_adapters.shopify.scopes import ALL_ORDERS

# What a development or trial store says to a sixth order within a minute; it has no code of its own.
TOO_MANY = "too many attempts"
# Of a key under which another body was told, or an attempt failed: a new one is wanted (shopify.dev, implementing
# idempotency). refundCreate's refusals have no codes.
KEY_SPENT = ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
KEY_WORDS = "idempotency key"
BUSY_WORDS = "currently in progress"
# What to do next, by code. What is not here is refused for good.
CODES: Mapping[str, type[BridgeError]] = {
    "INTERNAL_ERROR": RetryLater,
    "IDEMPOTENCY_CONCURRENT_REQUEST": RetryLater,
    "NOT_FOUND": NotFound,
    "SHOP_DORMANT": AskMerchant,
    "INVALID_LOCATION": AskMerchant,
    "NO_REFUND_PERMISSION": AskMerchant,
    "MISSING_PERMISSION": AskMerchant,
    "FEATURE_NOT_ENABLED": AskMerchant,
    "FULFILLMENT_SERVICE_INVALID": AskMerchant,
}


def no_order(number: str) -> NoReturn:
    """Deleted, or too old to be shown to an app without that scope (shopify.dev, access scopes)."""
    raise NotFound(
        f"The store has no order {number}, or does not show it: those of more than 60 days need the access scope "
        f"{ALL_ORDERS}.",
        field="external_id",
    )


def errors_of(payload: Any) -> list[Json]:
    found = table(payload)
    return dicts(found.get("userErrors")) + dicts(found.get("orderCancelUserErrors"))


def codes(payload: Any) -> set[str]:
    return {text(error.get("code")) for error in errors_of(payload)}


def is_spent(payload: Any) -> bool:
    """Whether it was refused for its idempotency key."""
    return any(
        text(error.get("code")) in KEY_SPENT or KEY_WORDS in text(error.get("message")).lower()
        for error in errors_of(payload)
    )


def refuse(payload: Any, *, busy: Collection[str] = (), what: str = "Shopify") -> Json:
    """The payload, when nothing in it was refused. Raises the error its first refusal stands for; ``busy`` are codes
    that mean: later."""
    found = errors_of(payload)
    if not found:
        return table(payload)
    first = found[0]
    code, field = text(first.get("code")), ".".join(text(part) for part in first.get("field") or ())
    words = f"{what}: {text(first.get('message')).rstrip('.') or code or 'refused'}."
    developer = f"{code} {field}".strip()
    if code in busy:
        raise SlowDown(words, developer=developer, after=timedelta(seconds=10))
    if TOO_MANY in words.lower():
        raise SlowDown(words, developer=developer, after=timedelta(seconds=20))
    kind = CODES.get(code, RetryLater if BUSY_WORDS in words.lower() else RejectItem)
    if issubclass(kind, RetryLater):
        raise kind(words, developer=developer)
    raise kind(words, developer=developer, field=field or None)
