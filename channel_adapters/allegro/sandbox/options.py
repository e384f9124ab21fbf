"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CLIENT_ID = "5b0b0c8f7e4f0fa1c2b3d4e5f6071829"
CLIENT_SECRET = "sandbox-client-secret"
REFRESH_TOKEN = "sandbox-refresh-token"


@dataclass(frozen=True)
class Options:
    """``base``: where the seller is registered; ``reached``: where the seller's shipping rates go. ``limit``: calls a
    minute, None for none. ``offer_seconds``: until a create or an edit is through, 0 for at once (201, 200).
    ``auto_sent``: a tracking number for every line marks the order as sent."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    refresh_token: str = REFRESH_TOKEN
    base: Literal["allegro-pl", "allegro-cz", "allegro-sk", "allegro-hu"] = "allegro-sk"
    reached: Sequence[str] = ()
    token_seconds: int = 43199
    code_seconds: float = 60.0
    reuse_seconds: float = 60.0
    limit: int | None = 9000
    offer_seconds: float = 0.5
    command_seconds: float = 0.5
    refund_seconds: float = 0.5
    known_products: Literal["all", "none"] = "all"
    auto_sent: bool = False
    payments_allowed: bool = True
