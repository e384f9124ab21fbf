"""Zalando's partner program as a Channel: what the contract asks, handed to those who know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bridge.domain.listing import LiveOffer
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.ports.adapter import Connection
from bridge.ports.channel import (
    AccountInfo,
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    OrderRef,
    Outcome,
    Page,
    PriceUpdate,
    PushHint,
    SaleStatus,
    StockUpdate,
    SubmissionStatus,
)
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Capability, load_manifest
from channel_adapters.zalando import outlines
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.catalogue import Catalogue
from channel_adapters.zalando.client import ZalandoClient
from channel_adapters.zalando.offers import Offers
from channel_adapters.zalando.orders import Orders
from channel_adapters.zalando.submissions import Submissions
from channel_adapters.zalando.telling import Telling

MANIFEST = load_manifest(Path(__file__).parent)
SITES = {site.code: site for site in MANIFEST.sites}
# Zalando knows parcels by their number alone; the carriers are agreed on with it for the whole account.
OTHER = "other"


class ZalandoChannel:
    """One merchant with its sales channels."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        client = ZalandoClient(connection)
        settings, clock = connection.settings, connection.clock
        self._account = Account(client, SITES, settings, clock)
        self._catalogue = Catalogue(client, self._account, clock)
        self._offers = Offers(client, self._account, self._catalogue, settings, clock)
        self._telling = Telling(client, self._account, clock)
        self._orders = Orders(client, self._account, settings, clock)
        self._submissions = Submissions(client, self._account, clock)

    def check(self) -> AccountInfo:
        return self._account.check()

    # Categories

    def list_categories(self) -> Iterator[Category]:
        return outlines.categories(self._catalogue.outlines())

    def requirements(self, category: str | None) -> CategoryRequirements:
        if category is None:
            return outlines.general()
        outline = self._catalogue.outline(category)
        return outlines.requirements(outline, self._catalogue.types(outline), self._offers.defaults)

    # Offers

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        return self._offers.find(skus, gtins)

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return self._offers.create(drafts)

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return self._telling.restock(updates)

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        return self._telling.reprice(updates)

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return self._offers.describe(updates)

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self._telling.end(offers)

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        return self._offers.page(cursor)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        return self._offers.status(offer.offer_id)

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        return self._submissions.follow(submissions)

    # Orders

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        return self._orders.changed(since, cursor)

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        return self._orders.open(cursor)

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        return self._orders.fetch(external_id)

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        return self._orders.acknowledge(order, store_number)

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        return _lacking(order.external_id, Capability.ACCEPT)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return self._orders.ship(order, parcel)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        """Not told to Zalando; for the records."""
        name = carrier.strip()
        return MANIFEST.carriers.get(re.sub(r"[^a-z0-9]", "", name.lower()), name) or OTHER

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        return self._orders.cancel(order_id, line_id, reason)

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        return _lacking(line_id, Capability.ANSWER_CANCELLATION)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        return _lacking(order_id, Capability.REFUNDS)

    def forgotten_orders(self) -> Iterator[str]:
        return self._orders.forgotten()

    # Returns

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        return self._orders.returns(cursor)

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        return self._orders.receive(line_id, decision)

    # There is no push

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        raise RejectItem(MANIFEST.lacks[Capability.PUSH])

    def ensure_push(self, url: str) -> None:
        raise RejectItem(MANIFEST.lacks[Capability.PUSH])


def _lacking(key: str, capability: Capability) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.REJECTED, message=MANIFEST.lacks[capability])
