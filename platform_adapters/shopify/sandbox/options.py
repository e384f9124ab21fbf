"""How a sandbox store is set up: what a merchant or Shopify could have chosen differently."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

SANDBOX_TOKEN = "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"
SANDBOX_CLIENT = "5a17ab0c0de05a17ab0c0de05a17ab0c"
SANDBOX_SECRET = "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"
ALL_SCOPES = (
    "read_fulfillments", "read_inventory", "write_inventory", "read_locations", "read_products", "write_products",
    "read_orders", "write_orders", "write_merchant_managed_fulfillment_orders", "write_returns",
)  # fmt: skip


class Place(BaseModel):
    """A location of the store."""

    model_config = ConfigDict(extra="forbid")
    id: int
    name: str
    online: bool = True


class Options(BaseModel):
    """Options of :func:`create_sandbox`.

    ``token`` is that of a custom app; None: only an installed app gets in. ``bucket`` and ``restore`` are points and
    points per second. ``search_lag``: seconds for which lists with a filter do not show what has changed.
    ``bulk_seconds``: how long an export takes. ``cancel_seconds``: how long the store takes over a cancellation.
    ``delay``: between an event and its webhook; ``retry``: before the first repetition of one, doubling.
    ``closes_returns``: a return that is processed whole is closed by the store itself.
    ``lists_returned``: the refund of a return tells its units, and not the return alone.
    ``lets_open_go``: orders are deleted that are neither archived nor cancelled. ``https_only``: webhooks go to no
    other address. ``app_url``: where the installed app's own webhooks go, with ``app_topics`` as in its
    shopify.app.toml.
    """

    model_config = ConfigDict(extra="forbid")
    token: str | None = SANDBOX_TOKEN
    client_id: str = SANDBOX_CLIENT
    client_secret: str = SANDBOX_SECRET
    scopes: tuple[str, ...] = ALL_SCOPES
    name: str = "Sandbox Store"
    domain: str = "sandbox.myshopify.com"
    currency: str = "EUR"
    timezone: str = "Europe/Amsterdam"
    taxes_included: bool = True
    locations: list[Place] = Field(default_factory=lambda: [Place(id=101, name="Warehouse")])
    bucket: float = 2000
    restore: float = 100
    most: int = 1000
    search_lag: float = 0
    closes_returns: bool = True
    lists_returned: bool = True
    bulk_seconds: float = 0
    cancel_seconds: float = 0
    token_seconds: int = 3600
    delay: float = 0
    retry: float = 60
    app_url: str | None = None
    app_topics: tuple[str, ...] = ()
    development: bool = False
    lets_open_go: bool = True
    https_only: bool = False
