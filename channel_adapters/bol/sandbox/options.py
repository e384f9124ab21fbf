"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

OPERATOR_ID = "0c6573a2-a80c-48b7-a03e-d5939f1173fa"


@dataclass(frozen=True)
class Options:
    """``units_required``: content is taken by the letter of the specification, in which each value names its unit.

    ``limits``: "published" for bol's own, None for none, or calls per second (or [calls, seconds]) by operation.

    ``reset_as``: the unit of X-RateLimit-Reset is not documented, so a client has to live with each of them.
    """

    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    token_seconds: int = 299
    process_seconds: float = 2.0
    process_retention: float = 86400.0
    policy_seconds: float = 1.0
    content_seconds: float = 2.0
    units_required: bool = False
    limits: Literal["published"] | Mapping[str, float | Sequence[float]] | None = "published"
    reset_as: Literal["epoch_ms", "epoch", "delta"] = "epoch_ms"
    known_products: Literal["all", "none"] = "all"
    economic_operator_required: bool = True
    price_ceiling: float = 5000.0
    event_attempts: int = 10
    event_retry_seconds: float = 60.0
    retailer_id: int = 1234567
