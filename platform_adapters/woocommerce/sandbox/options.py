"""How a sandbox store is set up: what a merchant or a host could have chosen differently."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SANDBOX_KEY = "ck_5a17ab0c0de05a17ab0c0de05a17ab0c0de05a17"
SANDBOX_SECRET = "cs_5a17ab0c0de05a17ab0c0de05a17ab0c0de05a17"


class ApiKey(BaseModel):
    """A REST key of a store user."""

    model_config = ConfigDict(extra="forbid")
    key: str
    secret: str
    permissions: Literal["read", "write", "read_write"] = "read_write"


class Options(BaseModel):
    """Options of :func:`create_sandbox`.

    ``tax_rates`` maps a tax class ("" is the standard class) to a percentage; empty means that taxes are off.
    ``latency`` adds seconds per request by operation ("orders.create"), else by kind ("get", "list", "put",
    "post", "order", "delete", "batch" per row, and "row" per row of a list); ``php_workers`` bounds how many
    requests run at once.
    ``statuses``: order statuses that plugins have added, each with its name.
    ``delay`` is the time between an event and its webhook; ``stale_cache`` lets deliveries of one queue run
    share the product they read first, as PHP's object cache does behind a slow receiver. ``module``: Storebridge's own
    plugin is installed. ``verify_callbacks``: certificates of those who are given keys by wc-auth.
    """

    model_config = ConfigDict(extra="forbid")
    keys: list[ApiKey] = Field(default_factory=lambda: [ApiKey(key=SANDBOX_KEY, secret=SANDBOX_SECRET)])
    trust_basic_over_http: bool = False
    trust_forwarded_proto: bool = False
    url: str | None = None
    site_name: str = "Sandbox Store"
    version: str = "10.5.0"
    wordpress_version: str = "6.8.7"
    currency: str = "EUR"
    currency_symbol: str = "\u20ac"
    timezone: str = "Europe/Berlin"
    price_decimals: int = 2
    prices_include_tax: bool = False
    tax_rates: dict[str, float] = Field(default_factory=dict)
    tax_label: str = "VAT"
    shipping_tax_class: str = "inherit"
    statuses: dict[str, str] = Field(default_factory=dict)
    fulfillments: bool = False
    shipment_tracking: bool = False
    ast: bool = False
    delay: float = 1.0
    cron: bool = True
    stale_cache: bool = False
    latency: dict[str, float] = Field(default_factory=dict)
    php_workers: int | None = Field(default=None, ge=1)
    module: bool = False
    verify_callbacks: bool = True

    @property
    def tax_classes(self) -> set[str]:
        """Slugs a line may name: WooCommerce installs two and the merchant may add more."""
        return {"reduced-rate", "zero-rate", *self.tax_rates} - {""}
