"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CLIENT_ID = "b3f0a6c1e2d94c7fa1b2c3d4e5f60718"
# As long as a real one, and plainly none.
CLIENT_SECRET = "sandbox-secret-5a5a-5a5a-5a5a5a5a5a5a"
MERCHANT = "26caa95a-174f-41be-8585-0ce49055874d"
OUTLINE = "accessory"
# What the outline asks for and a plain article does not say.
DEFAULT_ATTRIBUTES = (
    "brand_code=BR1",
    "size_group=3MSTD000",
    "target_genders=target_gender_all",
    "target_age_groups=target_age_group_adult",
    "color_code.primary=802",
    "season_code=season_all",
    "size_codes=One Size",
)


@dataclass(frozen=True)
class Options:
    """``countries``: live sales channels; ``not_live``: those under contract that are not yet. ``price_seconds``: until
    a price is validated for the second time. ``article_seconds``: until a new article is judged, by ``verdict``.
    ``report_seconds``: until the status report has an article. ``apart_seconds``: closer together than this, tracking
    number and status are taken in in the wrong order. ``limits``: the calls and updates of a minute are counted."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    merchants: Sequence[str] = (MERCHANT,)
    countries: Sequence[str] = ("de", "fr")
    not_live: Sequence[str] = ("pl",)
    token_seconds: int = 7200
    limits: bool = True
    known_products: Literal["all", "none"] = "all"
    price_seconds: float = 1.0
    article_seconds: float = 2.0
    report_seconds: float = 1.0
    apart_seconds: float = 5.0
    verdict: Literal["accepted", "refused"] = "accepted"
    first_status: Literal["initial", "approved"] = "approved"
    phone: bool = True
