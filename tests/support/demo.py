"""A marketplace in memory with what bol lacks: country sites, creation that takes its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.domain.listing import LiveOffer
from bridge.ports.channel import AccountInfo, ItemResult, OfferDraft, Outcome, SaleStatus
from bridge.ports.manifest import Capability, Manifest, Site
from tests.support.world import CHANNEL_CAPABILITIES, MemoryMarket

SITES = (
    Site(code="A1", country="DE", currency="EUR", language="de"),
    Site(code="B2", country="NL", currency="EUR", language="nl"),
    Site(code="C3", country="SE", currency="SEK", language="sv"),
)


def demo_manifest() -> Manifest:
    return Manifest(
        name="mem0", title="Demo", kind="channel", capabilities=(*CHANNEL_CAPABILITIES, Capability.CHECK),
        sites=SITES, concurrency=1, batch={"update_stock": 3}, policies={"return_response_hours": 48},
    )  # fmt: skip


@dataclass
class DemoMarket(MemoryMarket):
    """One account on three sites. The same offer id stands for the SKU on each of them, as on Amazon."""

    manifest: Manifest = field(default_factory=demo_manifest)
    account: AccountInfo = field(default_factory=lambda: AccountInfo(name="Toys"))

    def check(self) -> AccountInfo:
        self.faults.check_before("check")
        return self.account

    def shown(self, sku: str) -> dict[str, int | None]:
        """The quantity on each site."""
        return {offer.site: offer.stock for offer in self.offers.values() if offer.sku == sku}

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        results = []
        for draft in drafts:
            self._write("create_offers", f"{draft.sku} {draft.site}", draft.stock)
            self.offers[_place(draft.site, draft.sku)] = LiveOffer(
                offer_id=draft.sku, site=draft.site, sku=draft.sku, gtin=draft.gtin, stock=draft.stock, price=draft.price,
            )  # fmt: skip
            results.append(ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=draft.sku))
        self.faults.check_after("create_offers")
        return results

    def _key_of(self, site: str, offer_id: str) -> str:
        return _place(site, offer_id)

    def sale_status(self, offer_id: str) -> SaleStatus:
        return SaleStatus(offer_id=offer_id, for_sale=True)


def _place(site: str, offer_id: str) -> str:
    return f"{site}/{offer_id}"
