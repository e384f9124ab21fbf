"""What is on Amazon: product types and their demands, listings found by name or read one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bridge.domain.listing import LiveOffer
from bridge.domain.reading import Json, table, tables, text
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.ports.channel import OfferRef, Page, SaleStatus
from bridge.ports.errors import NotFound
from bridge.ports.manifest import Site
from channel_adapters.amazon import cursors, mapping
from channel_adapters.amazon.account import Account

IDENTIFIERS = 20
PAGE = 20
SHOWN = ("summaries", "offers", "fulfillmentAvailability", "attributes", "issues")


class LookSide(Account):
    """Reading what is there."""

    def list_categories(self) -> Iterable[Category]:
        return mapping.categories(self.client.product_types(self.sites()[0].code))

    def requirements(self, category: str | None) -> CategoryRequirements:
        """Without a category Amazon asks for nothing but what every offer has."""
        if category is None:
            return CategoryRequirements(category=None, version="1")
        filled = {"country_of_origin"} if self.settings.get("country_of_origin") else set[str]()
        return self.definition(category, self.sites()[0]).requirements(frozenset(filled))

    # Looking

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """By SKU and by each kind of GTIN, on every marketplace in use. What Amazon ships itself is not ours to take
        over."""
        found: dict[str, LiveOffer] = {}
        named: dict[str, list[str]] = {"SKU": list(dict.fromkeys(skus))}
        for gtin in dict.fromkeys(gtins):
            named.setdefault(mapping.gtin_kind(gtin).upper(), []).append(gtin)
        for site in self.sites():
            for kind, wanted in named.items():
                for raw in self._looked_up(kind, wanted, [site.code]):
                    offer = mapping.live_offer(raw, site)
                    if offer is not None and not mapping.is_amazons(raw):
                        found[offer.offer_id] = offer
        return list(found.values())

    def _looked_up(self, kind: str, wanted: Sequence[str], sites: Sequence[str]) -> list[Json]:
        """Listings by identifier, 20 to a question. An SKU with a comma cannot be asked for in a list."""
        plain = [name for name in wanted if name and "," not in name]
        found: list[Json] = []
        for start in range(0, len(plain), IDENTIFIERS):
            found += self._searched(sites, identifiers=plain[start : start + IDENTIFIERS], identifiersType=kind)
        if kind == "SKU":
            found += [raw for name in wanted if "," in name if (raw := self._listing(name, sites)) is not None]
        return found

    def _searched(self, sites: Sequence[str], **filters: Any) -> list[Json]:
        """All pages of a narrow question; a token that repeats ends it."""
        found: list[Json] = []
        tokens: set[str] = set()
        token: str | None = None
        while True:
            answer = self.client.search_listings(
                marketplaceIds=sites, includedData=SHOWN, pageSize=PAGE, pageToken=token, **filters
            )
            found += tables(answer, "items")
            token = text(table(answer, "pagination").get("nextToken")) or None
            if token is None or token in tokens:
                return found
            tokens.add(token)

    def _listing(self, sku: str, sites: Sequence[str]) -> Json | None:
        try:
            return self.client.listing(sku, sites, SHOWN)
        except NotFound:
            return None

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        """Marketplace by marketplace, oldest first. After 1,000 the question begins anew where it stood."""
        sites = self.sites()
        place, since, count, token = cursors.read(cursor)
        site = sites[min(place, len(sites) - 1)]
        answer = self.client.search_listings(
            marketplaceIds=[site.code],
            includedData=SHOWN,
            pageSize=PAGE,
            pageToken=token,
            sortBy="createdDate",
            sortOrder="ASC",
            createdAfter=since,
        )
        raws = tables(answer, "items")
        offers = [offer for raw in raws if not mapping.is_amazons(raw) and (offer := mapping.live_offer(raw, site))]
        after = text(table(answer, "pagination").get("nextToken")) or None
        following = cursors.following(place, since, count + len(raws), after, _created(raws, site), len(sites))
        on = bool(raws) or place + 1 < len(sites) or after not in (None, token)
        return Page(items=tuple(offers), next_cursor=following if on else None)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        site, sku = mapping.read_offer_id(offer.offer_id)
        raw = self.client.listing(sku, [site], SHOWN)
        if mapping.live_offer(raw, self.site(site)) is None:
            raise NotFound(f"Amazon does not have {sku} on this marketplace.")
        return mapping.sale_status(raw, site, offer.offer_id)


def _created(raws: Sequence[Json], site: Site) -> str | None:
    """When the youngest of these was made."""
    dates = [text(mapping.summary_of(raw, site.code).get("createdDate")) for raw in raws]
    return max((date for date in dates if date), default=None)
