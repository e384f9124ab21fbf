"""Allegro as a Channel: what the contract asks, in calls of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.domain.listing import LiveOffer
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.reading import text
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
    Page,
    PriceUpdate,
    SaleStatus,
    ScoreFigure,
    StockUpdate,
    SubmissionStatus,
)
from bridge.ports.errors import BridgeError
from channel_adapters.allegro import categories, figures, following
from channel_adapters.allegro.account import MANIFEST, Account
from channel_adapters.allegro.offers import Offers
from channel_adapters.allegro.orders import Orders
from channel_adapters.allegro.reading import one, some
from channel_adapters.allegro.refunds import Refunds
from channel_adapters.allegro.returns import Returns


class AllegroChannel:
    """One seller account with its marketplaces."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)
        self._client = self._account.client
        self._offers = Offers(self._account)
        self._orders = Orders(self._account)
        self._refunds = Refunds(self._account, self._orders)
        self._returns = Returns(self._account)

    def check(self) -> AccountInfo:
        return self._account.check()

    # Categories

    def list_categories(self) -> Iterator[Category]:
        """Level by level, as they come: Allegro tells the children of one category at a time."""
        language = self._account.language(self._account.base())
        level: list[Category | None] = [None]
        while level:
            below = self._client.each(lambda above: self._children(above, language), level)
            if fault := next((answer for answer in below if isinstance(answer, BridgeError)), None):
                raise fault
            found = [item for answer in below if isinstance(answer, list) for item in answer]
            yield from found
            level = [item for item in found if not item.leaf]

    def _children(self, above: Category | None, language: str) -> list[Category]:
        raws = self._client.categories(above.id if above else None, language)
        return [categories.category(raw, above) for raw in raws if text(raw.get("id"))]

    def requirements(self, category: str | None) -> CategoryRequirements:
        if category is None:
            return categories.general_requirements()
        return categories.category_requirements(category, self._account.parameters(category))

    # Offers

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """By reference only: Allegro does not list offers by GTIN."""
        return self._offers.find(skus)

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return self._offers.create(drafts)

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return self._offers.restock(updates)

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        return self._offers.reprice(updates)

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return self._offers.describe(updates)

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self._offers.end(offers)

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        items, after = self._offers.page(int(cursor or 0))
        return Page(items=items, next_cursor=None if after is None else str(after))

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        return self._offers.sale_status(offer)

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        return following.follow(self._client, submissions)

    # Orders

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        return self._orders.changed(since, cursor)

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        return self._orders.open(cursor)

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        return self._orders.fetch(external_id)

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        return self._orders.acknowledge(order)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return self._orders.ship(order, parcel)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        return self._account.carrier(carrier)

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        return self._refunds.cancel(order_id, line_id, quantity, MANIFEST.cancel_reasons.code(reason, code))

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        return self._refunds.refund(order_id, lines, ref)

    # Returns and figures

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        return self._returns.page(cursor)

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        return self._returns.decide(line_id, decision, note)

    def score(self) -> Sequence[ScoreFigure]:
        base, user = self._account.base().code, self._account.user_id()
        quality = some(self._client.quality)
        smart = one(lambda: self._client.smart(base))
        return figures.figures(quality, smart, one(lambda: self._client.ratings(user)))
