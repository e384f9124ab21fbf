"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

GERMANY, FRANCE = "A1PA6795UKMFR9", "A13V1IB3VIYZZH"


@dataclass(frozen=True)
class Options:
    """``limits``: "published" for the rates of Amazon's models; "raised" for an account to which Amazon has granted
    more where the models have minutes between two calls (told in the rate header); None for none, or calls per
    second (or [calls, seconds]) by operation.

    ``marketplaces``: where the seller takes part. ``roles``: datasets of orders the application may see, None for all.
    ``insights``: whether it may ask for account health. ``report_end``: how reports end. ``feed_breaks``: feeds of
    orders break off, after what they are about was done.
    """

    seller_id: str = "A2SANDBOXSELLER"
    client_id: str = "amzn1.application-oa2-client.sandbox"
    client_secret: str = "amzn1.oa2-cs.v1.sandbox-secret"
    refresh_token: str = "Atzr|sandbox-refresh-token"
    application_id: str = "amzn1.sp.solution.sandbox"
    token_seconds: int = 3600
    code_seconds: float = 300.0
    accept_seconds: float = 1.0
    feed_seconds: float = 2.0
    feed_breaks: bool = False
    report_seconds: float = 1.0
    report_end: Literal["DONE", "CANCELLED", "FATAL"] = "DONE"
    limits: Literal["published", "raised"] | Mapping[str, float | Sequence[float]] | None = "raised"
    marketplaces: tuple[str, ...] = (GERMANY, FRANCE)
    roles: tuple[str, ...] | None = None
    insights: bool = True
    search_cap: int = 1000
    zipped: bool = True
