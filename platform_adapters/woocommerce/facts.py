"""What must be known of a store to read its prices: asked once in a while, kept in memory to save calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bridge.domain.reading import currency_code
from bridge.ports.errors import RetryLater
from platform_adapters.woocommerce.client import WooClient
from platform_adapters.woocommerce.details import paths
from platform_adapters.woocommerce.reading import ShopFacts
from platform_adapters.woocommerce.taxes import Rates

KEEP = timedelta(minutes=30)


class TaxSettings(NamedTuple):
    """``based_on``: the address that decides, shipping, billing or base (the store's own)."""

    on: bool
    in_prices: bool
    based_on: str
    home: str


class Facts:
    """Thread-safe. A changed setting of the store is seen within KEEP."""

    def __init__(self, client: WooClient, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._gtin_fields = tuple(settings.get("gtin_fields") or ())
        self._cost_fields = tuple(settings.get("cost_fields") or ())
        self._clock = clock
        self._lock = threading.Lock()
        self._shop: tuple[datetime, ShopFacts] | None = None
        self._rates: tuple[datetime, Rates] | None = None
        self._taxes: tuple[datetime, TaxSettings] | None = None

    @property
    def shop(self) -> ShopFacts:
        with self._lock:
            if self._shop is None or self._shop[0] < self._clock():
                self._shop = (self._clock() + KEEP, self._read())
            return self._shop[1]

    @property
    def rates(self) -> Rates:
        """The store's tax rates."""
        if self._rates is None or self._rates[0] < self._clock():
            self._rates = (self._clock() + KEEP, Rates.read(self._client.tax_rates()))
        return self._rates[1]

    @property
    def taxes(self) -> TaxSettings:
        if self._taxes is None or self._taxes[0] < self._clock():
            ask = self._client.setting
            found = TaxSettings(
                on=ask("general", "calc_taxes") == "yes",
                in_prices=ask("tax", "prices_include_tax") == "yes",
                based_on=ask("tax", "tax_based_on") or "shipping",
                # A country, or country:state.
                home=ask("general", "default_country").partition(":")[0],
            )
            self._taxes = (self._clock() + KEEP, found)
        return self._taxes[1]

    def _read(self) -> ShopFacts:
        currency = currency_code(self._client.setting("general", "currency"))
        if not currency:
            raise RetryLater("WooCommerce: the store did not tell its currency; it is asked again.")
        facts = ShopFacts(
            currency=currency,
            gtin_fields=self._gtin_fields,
            cost_fields=self._cost_fields,
            weight_unit=self._client.product_setting("weight_unit") or "kg",
            size_unit=self._client.product_setting("dimension_unit") or "cm",
            categories=paths(self._client.categories()),
            admin=f"{self._client.url}/wp-admin/",
        )
        if not self.taxes.on or self.taxes.in_prices:
            return facts
        # Prices are kept without VAT: what a shopper at home pays is what a marketplace is told.
        return replace(facts, country=self.taxes.home, rates=self.rates)
