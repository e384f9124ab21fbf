"""What all sides of the channel share: the client, the marketplaces in use, and definitions once read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.reading import table, text
from bridge.ports.adapter import Connection
from bridge.ports.batch import one_by_one
from bridge.ports.channel import ItemResult
from bridge.ports.errors import AskMerchant, RejectItem
from bridge.ports.http import Transport
from bridge.ports.manifest import Site, load_manifest
from channel_adapters.amazon import mapping
from channel_adapters.amazon.client import AmazonClient
from channel_adapters.amazon.schemas import Definition
from channel_adapters.amazon.vocabulary import REGION_OF_COUNTRY

MANIFEST = load_manifest(Path(__file__).parent)
SITES: Mapping[str, Site] = {site.code: site for site in MANIFEST.sites}
CURRENCIES = {site.code: site.currency for site in MANIFEST.sites}
# Definitions change now and then; Amazon wants them to be kept.
FRESH = timedelta(hours=24)
WORKERS = 4


class Account:
    """One seller account of one region."""

    def __init__(self, connection: Connection) -> None:
        self.client = AmazonClient(connection)
        self.settings = connection.settings
        self.clock: Callable[[], datetime] = connection.clock
        self.transport: Transport = connection.transport
        self.region = str(connection.settings.get("region") or "eu")
        self._found: tuple[Site, ...] = ()
        self._definitions: dict[tuple[str, str, str], tuple[datetime, Definition]] = {}
        self._recommended: dict[tuple[str, str], str] = {}
        # Feeds of refunds by our reference, as long as Amazon has not refused them.
        self._refunds: dict[str, str] = {}

    def in_region(self) -> list[Site]:
        return [site for site in MANIFEST.sites if REGION_OF_COUNTRY.get(site.country, "eu") == self.region]

    def sites(self) -> tuple[Site, ...]:
        """The marketplaces in use: those of the setting, else those the seller takes part in. Raises AskMerchant."""
        chosen = self.settings.get("sites") or ()
        wanted = tuple(site for site in self.in_region() if site.code in chosen)
        if not wanted and not self._found:
            info = mapping.account(self.client.participations(), self.in_region())
            self._found = tuple(SITES[code] for code in info.sites)
        if not (wanted or self._found):
            words = f"This account sells on none of Amazon's marketplaces of the region {self.region!r}."
            raise AskMerchant(words, field="region")
        return wanted or self._found

    def site(self, code: str) -> Site:
        """The marketplace of an item; where the engine names none, the first in use."""
        if not code:
            return self.sites()[0]
        if code not in SITES:
            raise RejectItem(f"Amazon has no marketplace {code!r}.", field="site")
        return SITES[code]

    def definition(self, product_type: str, site: Site, requirements: str = "LISTING") -> Definition:
        """Kept for a day, and for good while its checksum stays. Raises NotFound for a type Amazon does not have."""
        key, now = (product_type, site.code, requirements), self.clock()
        known = self._definitions.get(key)
        if known is None or now - known[0] > FRESH:
            self._definitions[key] = (now, self._read_definition(product_type, site, requirements, known))
        return self._definitions[key][1]

    def _read_definition(
        self, product_type: str, site: Site, requirements: str, known: tuple[datetime, Definition] | None
    ) -> Definition:
        raw = self.client.definition(product_type, site.code, requirements)
        version = text(table(raw, "productTypeVersion").get("version"))
        version = text(table(raw, "schema").get("checksum")) or version
        if known is not None and version and known[1].version == version:
            return known[1]
        schema = self.client.schema(text(table(raw, "schema", "link").get("resource")))
        return Definition(
            product_type=product_type, site=site.code, version=version or _checksum(schema), schema=schema
        )

    def recommended_type(self, title: str, site: Site) -> str:
        """The product type for a title: the setting, else Amazon's own first recommendation. Raises RejectItem."""
        if fixed := str(self.settings.get("product_type") or "").strip():
            return fixed
        key = (site.code, title)
        if key not in self._recommended:
            found = [text(item.get("name")) for item in self.client.product_types(site.code, item_name=title)]
            if not any(found):
                words = f"Amazon recommends no product type for {title!r}: map the product's category."
                raise RejectItem(words, field="category")
            self._recommended[key] = next(name for name in found if name)
        return self._recommended[key]

    def each(self, items: Sequence[Any], act: Callable[[Any], ItemResult]) -> list[ItemResult]:
        """See :func:`one_by_one`."""
        return one_by_one(self.transport, items, act, WORKERS)


def _checksum(schema: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(schema).encode()).hexdigest()[:32]
