"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CLIENT_KEY = "5a6d0b0c8f7e4f0fa1c2b3d4e5f60718"
# As long as a real one, and plainly none.
SECRET_KEY = "sandbox-secret-" + "5" * 49


@dataclass(frozen=True)
class Options:
    """``limit``: calls per second over all endpoints, None for none. ``visible_seconds``: until a new unit is listed.
    ``unknown_products``: what becomes of a unit for an EAN without product data. ``first_status``: of new order units.
    """

    client_key: str = CLIENT_KEY
    secret_key: str = SECRET_KEY
    storefronts: Sequence[str] = ("de", "at")
    limit: int | None = 111
    data_seconds: float = 2.0
    visible_seconds: float = 2.0
    known_products: Literal["all", "none"] = "all"
    unknown_products: Literal["incomplete", "refused"] = "incomplete"
    first_status: Literal["open", "need_to_be_sent"] = "open"
    event_attempts: int = 10
    event_retry_seconds: float = 60.0
