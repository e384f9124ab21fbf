"""A marketplace in memory with what bol lacks: country sites, offers that take their time, orders to accept, refunds
that the seller pays, answers to cancellations, a score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from bridge.db.tables import Connection, Listing, Order, Problem
from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.order import Address, MarketplaceOrder, OrderPhase
from bridge.domain.returns import ChannelRefund
from bridge.flows import connecting
from bridge.ports.channel import (
    AccountInfo,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    PushHint,
    SaleStatus,
    ScoreFigure,
    SubmissionStatus,
)
from bridge.ports.manifest import Capability, FormField, Manifest, Site
from bridge.web import create_web
from tests.support.lively import Browser, config
from tests.support.world import CHANNEL_CAPABILITIES, RETURNS, MemoryMarket, World

DEMO = 2  # the connection of the marketplace

SITES = (
    Site(code="A1", country="DE", currency="EUR", language="de"),
    Site(code="B2", country="NL", currency="EUR", language="nl"),
    Site(code="C3", country="SE", currency="SEK", language="sv"),
)
MORE = (
    Capability.CHECK,
    Capability.ACCEPT,
    Capability.REFUNDS,
    Capability.ANSWER_CANCELLATION,
    Capability.SCORE,
    Capability.PUSH,
)
LOCATION = FormField(name="location", label="Location", help="Where parcels leave from.", required=False)


def demo_manifest() -> Manifest:
    return Manifest(
        name="mem0", title="Demo", kind="channel", capabilities=(*CHANNEL_CAPABILITIES, *MORE),
        sites=SITES, concurrency=1, settings=(LOCATION,), batch={"update_stock": 3}, policies=RETURNS,
    )  # fmt: skip


@dataclass
class DemoMarket(MemoryMarket):
    """One account on three sites. The same offer id stands for the SKU on each of them, as on Amazon."""

    manifest: Manifest = field(default_factory=demo_manifest)
    account: AccountInfo = field(default_factory=lambda: AccountInfo(name="Toys"))
    slow: bool = False  # offers are made later: what it answers is a submission
    refuses_acceptance: bool = False
    tells_offer: bool = True  # ... whose end names the offer
    entities: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, ChannelRefund] = field(default_factory=dict)
    figures: tuple[ScoreFigure, ...] = ()
    # Offers that cannot be bought and why, and which were asked about: as site/offer.
    stopped: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hints: list[PushHint] = field(default_factory=list)

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
            if self.slow:
                key = self._later(partial(self._make, draft))
                self.entities[key] = draft.sku
                answer = ItemResult(key=draft.key, outcome=Outcome.SUBMITTED, submission=key, unsent=(Facet.CONTENT,))
            else:
                self._make(draft)
                answer = ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=draft.sku)
            results.append(answer)
        self.faults.check_after("create_offers")
        return results

    def _make(self, draft: OfferDraft) -> bool:
        """A second offer for the same SKU on a site would be the seller's loss: here it is refused."""
        place = _place(draft.site, draft.sku)
        if place in self.offers or draft.price.amount > 1000:
            return False
        self.offers[place] = LiveOffer(
            offer_id=draft.sku, site=draft.site, sku=draft.sku, gtin=draft.gtin, stock=draft.stock, price=draft.price,
        )  # fmt: skip
        return True

    def update_content(self, updates: Sequence[Any]) -> list[ItemResult]:
        """The SKU is the name of the offer, and stays."""
        return [self._update("update_content", item, item.content, title=item.content.title) for item in updates]

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        known = super().follow(submissions)
        return [
            item.model_copy(update={"entity_id": self.entities.get(item.submission) if self.tells_offer else None})
            for item in known
        ]

    def await_acceptance(self, key: str, hours: int = 24) -> str:
        """The buyer's address comes only when the seller has accepted."""
        order = self.orders[key]
        change = {"phase": OrderPhase.AWAITING_ACCEPTANCE, "ship_to": Address(country="NL"), "site": "B2"}
        self.orders[key] = order.model_copy(update={**change, "accept_by": self.clock() + timedelta(hours=hours)})
        self.entities[key] = order.ship_to.model_dump_json()
        return key

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        self._write("accept_order", order.external_id, list(refused))

        def apply() -> bool:
            if self.refuses_acceptance:
                return False
            for line in self.orders[order.external_id].lines:
                if line.external_id in refused:
                    self.alter(order.external_id, line.external_id, cancelled=line.quantity)
            address = Address.model_validate_json(self.entities[order.external_id])
            change = {"phase": OrderPhase.READY, "ship_to": address}
            self.orders[order.external_id] = self.orders[order.external_id].model_copy(update=change)
            return True

        return self._answer("accept_order", order.external_id, apply)

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        self._write("refuse_cancellation", order_id, line_id)

        def apply() -> bool:
            self.alter(order_id, line_id, cancellation_requested=False)
            return True

        return self._answer("refuse_cancellation", order_id, apply)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        self._write("refund", order_id, ref)

        def apply() -> bool:
            self.refunds.setdefault(ref, lines[0])
            return True

        return self._answer("refund", order_id, apply)

    def score(self) -> Sequence[ScoreFigure]:
        return self.figures

    def push_hints(self, _headers: Iterable[tuple[str, str]], _body: bytes) -> list[PushHint]:
        return self.hints

    def ensure_push(self, _url: str) -> None:
        pass

    def _key_of(self, site: str, offer_id: str) -> str:
        return _place(site, offer_id)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        reason = self.stopped.get(_place(offer.site, offer.offer_id))
        self.asked.append(_place(offer.site, offer.offer_id))
        return SaleStatus(offer_id=offer.offer_id, for_sale=reason is None, reasons=(reason,) if reason else ())


def _place(site: str, offer_id: str) -> str:
    return f"{site}/{offer_id}"


class Demo(World):
    """A store, and one account on a marketplace with sites in DE, NL (both EUR) and SE (SEK)."""

    def __init__(self, url: str) -> None:
        super().__init__(url, markets=1, market=DemoMarket)
        self.market: Any = self.markets[0]

    def use(self, *sites: str) -> None:
        """The merchant chooses the sites anew, as ``storebridge connect demo -s sites=…`` does."""
        connecting.connect(self.engine, 1, "channel", "mem0", "mem0", {}, {"sites": list(sites)}, {})
        self.drain()

    def listings(self) -> dict[str, str]:
        with self.db.read(1) as session:
            return {f"{row.sku} {row.site}": row.state for row in session.scalars(select(Listing).order_by(Listing.id))}

    def problems(self) -> dict[str, str]:
        with self.db.read(1) as session:
            return {p.kind: p.text for p in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}

    def browser(self) -> Browser:
        return Browser(create_web(self.engine, config()))

    def order(self) -> Order:
        with self.db.read(1) as session:
            return session.scalars(select(Order)).one()

    def newest(self) -> Order:
        with self.db.read(1) as session:
            return session.scalars(select(Order).order_by(Order.id.desc())).first()  # type: ignore[return-value]

    def wrote(self, operation: str) -> list[Any]:
        return [value for name, _, value in self.market.writes if name == operation]

    def settings(self, **values: Any) -> None:
        with self.db.write(1) as session:
            session.get_one(Connection, DEMO).settings = values
