"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IDENTIFIER = "sandbox-shop"
SECRET = "sandbox-password-of-miinto-admin"
SHOP = "1-m!i!s-528-1001"


@dataclass(frozen=True)
class Options:
    """``shops``: number with the name of its platform. ``channel_seconds``: how long a channel is good.
    ``fetch_seconds``: between two looks at the feed. ``mapped``: whether these shops are in the Product Centre.
    ``gentle``: a refused channel is told with status 200 and a failure, as one public client has met it, not with 401.
    """

    identifier: str = IDENTIFIER
    secret: str = SECRET
    shops: Mapping[str, str] = field(default_factory=lambda: {SHOP: "Platform-NL"})
    channel_seconds: float = 86400.0
    fetch_seconds: float = 0.3
    mapped: bool = True
    gentle: bool = False
