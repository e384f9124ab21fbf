"""What must be known of a store to read its prices: asked once in a while, kept in memory to save calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from platform_adapters.woocommerce.client import WooClient
from platform_adapters.woocommerce.mapping import ShopFacts
from platform_adapters.woocommerce.taxes import Rates

KEEP = timedelta(minutes=30)


class Facts:
    """Thread-safe. A changed setting of the store is seen within KEEP."""

    def __init__(self, client: WooClient, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._gtin_fields = tuple(settings.get("gtin_fields") or ())
        self._clock = clock
        self._lock = threading.Lock()
        self._shop: tuple[datetime, ShopFacts] | None = None
        self._rates: tuple[datetime, Rates] | None = None
        self._taxes: tuple[datetime, bool, bool] | None = None

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
    def taxes_on(self) -> bool:
        return self._tax_settings()[1]

    @property
    def prices_include_tax(self) -> bool:
        return self._tax_settings()[2]

    def _tax_settings(self) -> tuple[datetime, bool, bool]:
        known = self._taxes
        if known is None or known[0] < self._clock():
            on = self._client.setting("general", "calc_taxes") == "yes"
            included = self._client.setting("tax", "prices_include_tax") == "yes"
            known = self._taxes = (self._clock() + KEEP, on, included)
        return known

    def _read(self) -> ShopFacts:
        currency = self._client.setting("general", "currency") or "EUR"
        if not self.taxes_on or self.prices_include_tax:
            return ShopFacts(currency, gtin_fields=self._gtin_fields)
        # Prices are kept without VAT: what a shopper at home pays is what a marketplace is told.
        country = self._client.setting("general", "default_country").partition(":")[0]
        return ShopFacts(currency, country, self.rates, self._gtin_fields)
