"""What all sides of the channel share: the client, the marketplaces in use, carriers and parameters once read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.reading import Json, table, tables, text
from bridge.ports.adapter import Connection
from bridge.ports.channel import AccountInfo, Choice
from bridge.ports.errors import AskMerchant, RejectItem
from bridge.ports.manifest import Site, load_manifest
from channel_adapters.allegro.client import AllegroClient
from channel_adapters.allegro.reading import some
from channel_adapters.allegro.vocabulary import LANGUAGES

MANIFEST = load_manifest(Path(__file__).parent)
SITES: Mapping[str, Site] = {site.code: site for site in MANIFEST.sites}
OTHER = "OTHER"
# Parameters change now and then (GET /sale/category-parameters-scheduled-changes announces it months before).
FRESH = timedelta(hours=12)
LONGEST_CARRIER = 30


class Account:
    """One seller. The base marketplace of a seller's offers never changes; the others are added to them."""

    def __init__(self, connection: Connection) -> None:
        self.client = AllegroClient(connection)
        self.settings = connection.settings
        self.clock: Callable[[], datetime] = connection.clock
        self._me: Json = {}
        self._carriers: dict[str, str] | None = None
        self._parameters: dict[str, tuple[datetime, list[Json]]] = {}

    def check(self) -> AccountInfo:
        self._me = self.client.me()
        base, rates = self.base(), self.client.shipping_rates()
        known = [text(item.get("id")) for item in some(self.client.marketplaces)] or list(SITES)
        reached = {text(place.get("id")) for rate in rates for place in tables(rate, "marketplaces")}
        sites = (base, *(site for site in MANIFEST.sites if site != base and site.code in reached & set(known)))
        self._require_permissions()
        company = text(table(self._me, "company").get("name"))
        return AccountInfo(
            identity=text(self._me.get("id")),
            name=" ".join(filter(None, (text(self._me.get("login")), f"({company})" if company else ""))),
            countries=tuple(site.country for site in sites),
            sites=tuple(site.code for site in sites),
            choices=self._choices(rates),
            details={"base": base.code, "marketplaces": known, "features": self._me.get("features") or []},
        )

    def _require_permissions(self) -> None:
        """What the consent leaves out is said now, by name, and not with the first order."""
        asked: tuple[tuple[str, Callable[[], object]], ...] = (
            ("allegro:api:sale:offers", lambda: self.client.offers(1)),
            ("allegro:api:orders", lambda: self.client.orders(limit=1)),
            ("allegro:api:payments", lambda: some(lambda: self.client.refunds(limit=1))),
        )
        for scope, ask in asked:
            try:
                ask()
            except AskMerchant as error:
                words = (
                    f"Allegro: the consent does not cover {scope}. Ask the seller for it again, with this permission."
                )
                raise AskMerchant(words, field="refresh_token", developer=error.developer) from error

    def _choices(self, rates: list[Json]) -> dict[str, tuple[Choice, ...]]:
        own = [rate for rate in rates if table(rate, "features").get("isFulfillment") is not True]
        policies = [item for item in some(self.client.return_policies) if item.get("isFulfillment") is not True]
        return {
            "shipping_rates": _named(own),
            "return_policy": _named(policies),
            "implied_warranty": _named(some(self.client.implied_warranties)),
            "warranty": _named(some(self.client.warranties)),
            "responsible_producer": _named(some(self.client.responsible_producers)),
            "responsible_person": _named(some(self.client.responsible_persons)),
        }

    def user_id(self) -> str:
        self._me = self._me or self.client.me()
        return text(self._me.get("id"))

    def base(self) -> Site:
        """Where this seller is registered. Raises AskMerchant when we do not know that marketplace."""
        self._me = self._me or self.client.me()
        code = text(table(self._me, "baseMarketplace").get("id"))
        if code not in SITES:
            raise AskMerchant(
                f"Allegro: accounts of {code or 'no marketplace'} cannot be connected yet.", field="sites"
            )
        return SITES[code]

    def sites(self) -> tuple[Site, ...]:
        """The base marketplace first, then those the merchant chose beside it."""
        base, chosen = self.base(), self.settings.get("sites") or ()
        return (base, *(site for site in MANIFEST.sites if site != base and site.code in chosen))

    def site(self, code: str) -> Site:
        """A draft without a site belongs to the base marketplace. Raises RejectItem."""
        if not code:
            return self.base()
        if code not in SITES:
            raise RejectItem(f"Allegro has no marketplace {code!r} that we know.", field="site")
        return SITES[code]

    def language(self, site: Site) -> str:
        return LANGUAGES[site.language]

    def parameters(self, category: str) -> list[Json]:
        """Of a category, in the language of the base marketplace. Raises NotFound."""
        kept = self._parameters.get(category)
        if kept is not None and self.clock() - kept[0] < FRESH:
            return kept[1]
        found = self.client.parameters(category, self.language(self.base()))
        self._parameters[category] = (self.clock(), found)
        return found

    def carrier(self, name: str) -> str:
        """Allegro's id of a carrier by its id or its name; unknown ones as OTHER with the name they have here."""
        if self._carriers is None:
            found = [(text(item.get("id")), text(item.get("name"))) for item in self.client.carriers()]
            self._carriers = {_plain(word): key for key, title in found for word in (title, key) if key and word}
        known = self._carriers.get(_plain(MANIFEST.carriers.get(_plain(name), name)))
        if known is not None and known != OTHER:
            return known
        return f"{OTHER}:{name.strip()[:LONGEST_CARRIER]}" if name.strip() else OTHER


def setting(settings: Mapping[str, Any], name: str) -> str:
    return text(settings.get(name))


def _named(items: list[Json]) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=text(item.get("id")), label=text(item.get("name")) or text(item.get("id")))
        for item in items
        if text(item.get("id"))
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
