"""What all sides of the channel share: the client, the marketplaces in use, business policies and locations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.reading import Json, text
from bridge.ports.adapter import Connection
from bridge.ports.batch import one_by_one
from bridge.ports.channel import Choice, ItemResult
from bridge.ports.errors import RejectItem
from bridge.ports.http import Transport
from bridge.ports.manifest import Site, load_manifest
from channel_adapters.ebay.client import EbayClient
from channel_adapters.ebay.vocabulary import LOCALES

MANIFEST = load_manifest(Path(__file__).parent)
SITES: Mapping[str, Site] = {site.code: site for site in MANIFEST.sites}
KINDS = ("fulfillment", "payment", "return")
# Policies and locations change rarely, and each new offer names them.
FRESH = timedelta(hours=1)
WORKERS = 4


class Account:
    """One seller account with all its marketplaces."""

    def __init__(self, connection: Connection) -> None:
        self.client = EbayClient(connection)
        self.key = connection.key
        self.credentials = connection.credentials
        self.settings = connection.settings
        self.clock: Callable[[], datetime] = connection.clock
        self.transport: Transport = connection.transport
        self._policies: dict[str, tuple[datetime, dict[str, list[Json]]]] = {}
        self._locations: tuple[datetime, list[Json]] | None = None
        self._home = ""

    # Marketplaces

    def wanted(self) -> tuple[Site, ...]:
        """Those of the setting, else all that this adapter knows."""
        chosen = self.settings.get("sites") or ()
        return tuple(site for site in MANIFEST.sites if site.code in chosen) or MANIFEST.sites

    def site(self, code: str) -> Site:
        """The marketplace of an item; where the engine names none, the main one. Raises RejectItem."""
        code = code or self.home()
        if code not in SITES:
            raise RejectItem(f"eBay has no marketplace {code!r} that is known here.", field="site")
        return SITES[code]

    def home(self) -> str:
        """The marketplace where the store's SKUs are used as they are."""
        if not self._home:
            chosen = text(self.settings.get("main_site"))
            self._home = chosen or text(self.client.user().get("registrationMarketplaceId"))
            if self._home not in SITES:
                self._home = self.wanted()[0].code
        return self._home

    def locale(self, site: Site) -> str:
        chosen = dict(str(item).split(":", 1) for item in self.settings.get("locales") or () if ":" in str(item))
        return chosen.get(site.code) or LOCALES[site.code]

    # Business policies and locations

    def policies(self, site: str) -> dict[str, list[Json]]:
        """All policies on a marketplace, by kind; kept for an hour."""
        now, known = self.clock(), self._policies.get(site)
        if known is None or now - known[0] > FRESH:
            known = self._policies[site] = (now, self._all_policies(site))
        return known[1]

    def _all_policies(self, site: str) -> dict[str, list[Json]]:
        """Where there is none of the first kind nothing can be sold, and the others are not asked for."""
        first = self._read_policies(KINDS[0], site)
        return {KINDS[0]: first} | {kind: self._read_policies(kind, site) if first else [] for kind in KINDS[1:]}

    def _read_policies(self, kind: str, site: str) -> list[Json]:
        """A marketplace the account may not sell on is refused, and has none."""
        try:
            return self.client.policies(kind, site)
        except RejectItem:
            return []

    def policy(self, kind: str, site: Site) -> str:
        """The chosen policy, or the only one there is. Raises RejectItem naming the setting."""
        setting = f"{kind}_policies"
        chosen = dict(str(item).split(":", 1) for item in self.settings.get(setting) or () if ":" in str(item))
        if site.code in chosen:
            return chosen[site.code].split(" ")[0]
        found = [text(item.get(f"{kind}PolicyId")) for item in self.policies(site.code)[kind]]
        if len(found) == 1:
            return found[0]
        what = f"has {len(found)} {kind} policies" if found else f"has no {kind} policy"
        fix = "choose one in the settings" if found else "make one in eBay's Seller Hub (Business policies)"
        raise RejectItem(f"Your account {what} on {site.code}: {fix}.", field=setting)

    def locations(self) -> list[Json]:
        """Those that are enabled; kept for an hour."""
        now = self.clock()
        if self._locations is None or now - self._locations[0] > FRESH:
            found = self.client.locations()
            self._locations = (now, [item for item in found if text(item.get("merchantLocationStatus")) != "DISABLED"])
        return self._locations[1]

    def location(self) -> str:
        """The chosen location, or the only one there is. Raises RejectItem."""
        if chosen := text(self.settings.get("location")):
            return chosen
        found = [text(item.get("merchantLocationKey")) for item in self.locations()]
        if len(found) == 1:
            return found[0]
        what = f"has {len(found)} inventory locations: choose one in the settings" if found else "has no location yet"
        fix = "" if found else ": make one with the Inventory API (createInventoryLocation) or have your agency do it"
        raise RejectItem(f"Your eBay account {what}{fix}.", field="location")

    def choices(self, sites: Sequence[Site]) -> dict[str, tuple[Choice, ...]]:
        """What can be chosen in the settings."""
        found: dict[str, tuple[Choice, ...]] = {}
        for kind in KINDS:
            found[f"{kind}_policies"] = tuple(
                Choice(
                    value=f"{site.code}:{text(item.get(f'{kind}PolicyId'))}",
                    label=f"{site.country}: {text(item.get('name'))}",
                )
                for site in sites
                for item in self.policies(site.code)[kind]
            )
        found["location"] = tuple(
            Choice(value=text(item.get("merchantLocationKey")), label=text(item.get("name")) or "location")
            for item in self.locations()
        )
        return found

    # Batches

    def each(self, items: Sequence[Any], act: Callable[[Any], ItemResult]) -> list[ItemResult]:
        """See :func:`one_by_one`."""
        return one_by_one(self.transport, items, act, WORKERS)
