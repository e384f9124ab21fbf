"""What must be known of a store to read it: asked once in a while, kept in memory to save calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.reading import amount
from bridge.ports.errors import AskMerchant
from platform_adapters.shopify import mapping
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.mapping import ShopFacts
from platform_adapters.shopify.reading import Json, dicts, number, table, text, walk
from platform_adapters.shopify.scopes import WISHED_SCOPES, missing

KEEP = timedelta(minutes=30)
# While somebody is to mend what is wrong there.
SOON = timedelta(minutes=1)


class Facts:
    """Thread-safe. A changed setting of the store is seen within KEEP."""

    def __init__(self, client: ShopifyClient, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self.wanted = tuple(text(name) for name in settings.get("locations") or ())
        self._vat = amount(settings.get("vat_percent")) or Decimal(0)
        self._clock = clock
        self._lock = threading.Lock()
        self._shop: tuple[datetime, ShopFacts] | None = None

    @property
    def shop(self) -> ShopFacts:
        with self._lock:
            if self._shop is None or self._shop[0] < self._clock():
                found = self._read()
                self._shop = (self._clock() + (SOON if found.lost else KEEP), found)
            return self._shop[1]

    @property
    def selling(self) -> ShopFacts:
        """For what is on the shelves. Raises AskMerchant where a chosen location has gone: what it holds is not
        nothing."""
        found = self.shop
        demand_locations(found.lost)
        return found

    def forget(self) -> None:
        with self._lock:
            self._shop = None

    def locations(self) -> list[Json]:
        """All, those too that are closed."""

        def ask(cursor: str | None) -> Any:
            return self._client.ask("locations", 102, after=cursor).get("locations")

        return walk(ask(None), ask)

    def _read(self) -> ShopFacts:
        data = self._client.ask("shop", 5)
        shop = table(data.get("shop"))
        known = self.locations()
        rows = mapping.active(known)
        return ShopFacts(
            currency=text(shop.get("currencyCode")) or "EUR",
            admin=admin_url(text(shop.get("myshopifyDomain")) or self._client.host),
            chosen=mapping.locations(rows, self.wanted),
            places=tuple(number(row.get("id")) for row in rows),
            vat=Decimal(0) if shop.get("taxesIncluded") else self._vat,
            keeps_returns=not missing(granted(data), WISHED_SCOPES),
            lost=tuple(mapping.renamed(known, self.wanted)),
        )


def demand_locations(lost: Sequence[str]) -> None:
    if lost:
        raise AskMerchant(f"The store has no location {', '.join(lost)}.", field="locations")


def granted(data: Json) -> list[str]:
    """The access scopes of the app, as the store tells them."""
    return [text(row.get("handle")) for row in dicts(table(data.get("currentAppInstallation")).get("accessScopes"))]


def admin_url(domain: str) -> str:
    """Where the merchant's own pages of this store are."""
    name, _, rest = domain.partition(".")
    return f"https://admin.shopify.com/store/{name}" if rest == "myshopify.com" else f"https://{domain}/admin"
