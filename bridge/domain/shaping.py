"""The merchant's settings of one marketplace that are neither rules nor mappings: the market, fixed rates."""

from __future__ import annotations

from pydantic import Field

from bridge.domain.pricing.exchange import FixedRate
from bridge.domain.values import Value


class MarketSettings(Value):
    """Where the buyers are and what the prices contain.

    ``country`` and ``currency`` of the buyers; default: the marketplace's. ``home`` is the country whose VAT the
    store's prices contain; with ``prices_include_tax`` false they contain none, and the buyers' is added.
    """

    country: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        title="Buyers' country",
        description="Two letters, such as NL. Empty: the marketplace's own.",
    )
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        title="Currency there",
        description="Three letters, such as EUR. Empty: the marketplace's own.",
    )
    home: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        title="Country whose VAT your store's prices contain",
        description="Two letters. Empty: the country your store says it is in.",
    )
    prices_include_tax: bool | None = Field(
        default=None,
        title="Your store's prices contain VAT",
        description="No: they contain none, and the buyers' VAT is added.",
        json_schema_extra={"labels": {"true": "yes", "false": "no, add it"}},
    )


class FixedRates(Value):
    """Exchange rates by the merchant's word, before any table's."""

    fixed: tuple[FixedRate, ...] = ()
