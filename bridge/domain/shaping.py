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

    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    home: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    prices_include_tax: bool | None = None


class FixedRates(Value):
    """Exchange rates by the merchant's word, before any table's."""

    fixed: tuple[FixedRate, ...] = ()
