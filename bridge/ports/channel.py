"""What a marketplace adapter promises. All calls are synchronous, go through the connection's transport, and
raise only errors of :mod:`bridge.ports.errors`.

Writing calls take a batch (at most ``manifest.batch_size(operation)`` items) and give one result per item,
in the same order; an exception means that nothing is known to have happened to any of them, except
UnknownOutcome, which means that all of them may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import Field

from bridge.domain.listing import Facet, LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.domain.values import Value
from bridge.ports.manifest import Manifest

T = TypeVar("T")

# The header in which push_hints finds the address a message was sent to, as it was given to ensure_push.
CALLBACK_URL = "Storebridge-Callback-Url"


class Outcome(StrEnum):
    """What became of one item of a batch."""

    APPLIED = "applied"  # done and confirmed by the answer
    SUBMITTED = "submitted"  # accepted for later: follow ``submission``
    REJECTED = "rejected"  # refused for good; ``message`` says why
    RETRY = "retry"  # not done, may work later
    MISSING = "missing"  # the offer, order or line does not exist there


class ItemResult(Value):
    """The result of one item. ``key`` is the item's own key as it was given; ``submission`` is unique to the item, also
    where one import took many; ``unsent``: what of a new offer still has to be sent on its own, because the marketplace
    takes it elsewhere (product content); ``field``: of the product, or the setting of the connection that has to be
    changed first: what waits for that is told as one problem, whatever the product is; ``after``: with RETRY, how long
    the marketplace wants to be given first;
    ``becomes``: the order it goes on as, where accepting makes another of it."""

    key: str
    outcome: Outcome
    offer_id: str | None = None
    submission: str | None = None
    message: str = ""
    field: str | None = None
    unsent: tuple[Facet, ...] = ()
    after: timedelta | None = None
    becomes: str | None = None


class OfferDraft(Value):
    """An offer to create. ``key`` identifies it in the result; ``sku`` is written as the offer's reference.
    ``site`` as in ``Manifest.sites``; ``handling_days`` until it is handed to the carrier, None = the setting."""

    key: str
    site: str = ""
    sku: str
    gtin: str | None
    stock: int = Field(ge=0)
    price: Money
    content: OfferContent
    condition: str = "new"
    handling_days: int | None = None


class OfferRef(Value):
    """An offer that exists. ``site`` as in ``Manifest.sites``."""

    key: str
    site: str = ""
    offer_id: str
    sku: str
    gtin: str | None = None


class StockUpdate(OfferRef):
    """An absolute quantity to publish."""

    stock: int = Field(ge=0)


class PriceUpdate(OfferRef):
    price: Money


class ContentUpdate(OfferRef):
    content: OfferContent


class OrderRef(Value):
    """An order in a list. ``mark`` changes whenever the order changed; ``order`` is the whole order
    where the list already tells everything."""

    external_id: str
    changed_at: datetime | None = None
    mark: str
    order: MarketplaceOrder | None = None


class Page(Value, Generic[T]):
    """A page of a list and the cursor of the next; ``next_cursor`` None at the end. ``again``: it has been read before,
    and is read on purpose once more."""

    items: tuple[T, ...]
    next_cursor: str | None = None
    again: bool = False


class SubmissionState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # no longer known: look at the thing itself


class SubmissionStatus(Value):
    """Where a submission stands. ``entity_id`` is what it made, where it made something."""

    submission: str
    state: SubmissionState
    entity_id: str | None = None
    message: str = ""


class SaleStatus(Value):
    """Whether an offer can be bought, and if not, why, in the marketplace's words with the fix in plain words."""

    offer_id: str
    for_sale: bool | None
    reasons: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


class Choice(Value):
    """One of the values a setting can have in this account."""

    value: str
    label: str


class Expiry(Value):
    """A credential that ends by itself. ``what`` and ``fix`` are for the merchant."""

    what: str
    at: datetime
    fix: str


class AccountInfo(Value):
    """What a check of the credentials found.

    ``identity``: who this is, by a number that stays when the name changes; empty where the marketplace tells none.
    ``sites``: codes of ``Manifest.sites`` that this account sells on; ``choices``: by name of a setting, what can be
    chosen there (locations, policies, shipping groups); ``expires``: what has to be renewed or rotated, and when.
    """

    name: str
    identity: str = ""
    countries: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    choices: dict[str, tuple[Choice, ...]] = Field(default_factory=dict)
    expires: tuple[Expiry, ...] = ()
    details: dict[str, Any] = Field(default_factory=dict)


class ScoreFigure(Value):
    """One of the marketplace's own figures on this seller. ``value`` and ``limit`` are shares of 1 where ``unit`` is
    "share", else in ``unit``; ``good`` says which side of the limit is the right one."""

    name: str
    title: str
    value: Decimal
    unit: str = "share"
    limit: Decimal | None = None
    good: Literal["below", "above"] = "below"
    period_days: int | None = None
    at: datetime | None = None


class PushHint(Value):
    """What a push message of the marketplace points at: ``kind`` order, submission, offer, return, or buyer, who wants
    to be forgotten (``key``: as in KnowsBuyers). ``site`` of an offer as in ``Manifest.sites``; "" means wherever there
    is an offer of this id."""

    kind: str
    key: str
    site: str = ""
    delivery_id: str | None = None


class FeedOffer(Value):
    """One listing as it should stand in a feed. ``price`` includes VAT; ``known``: the content of the first file with
    it that was fetched, None while none was."""

    stock: int = Field(ge=0)
    price: Money
    content: OfferContent
    known: OfferContent | None = None
    handling_days: int | None = None


class FeedItem(Value):
    """One variant in a feed, with its offer on each site (``Manifest.sites``, "" where there are none). ``group`` is
    the store's product; variants of one product follow each other."""

    sku: str
    gtin: str | None
    group: str
    offers: dict[str, FeedOffer] = Field(min_length=1)


class FeedEntry(Value):
    """What stands in the file for an item. ``warning``: what of it is not as it should be, for the merchant."""

    text: str
    warning: str = ""


class FeedWriter(Protocol):
    """Writes one file from its head to its tail; may remember what it has written already."""

    def head(self) -> str: ...

    def entry(self, item: FeedItem) -> FeedEntry:
        """Raises RejectItem, naming the field, when the item cannot stand in the file."""
        ...

    def tail(self) -> str: ...


class Channel(Protocol):
    """A marketplace account."""

    manifest: Manifest

    def check(self) -> AccountInfo:
        """Prove that the credentials work. Raises Reauthorise or AskMerchant."""
        ...

    def list_categories(self) -> Iterable[Category]:
        """All categories, parents before their children. May be long: read it as it comes."""
        ...

    def requirements(self, category: str | None) -> CategoryRequirements:
        """The attributes of a category, or of every product for None. Raises NotFound for an unknown category."""
        ...

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """Offers that exist under any of these references or GTINs: asked before a create is repeated."""
        ...

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]: ...

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]: ...

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]: ...

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]: ...

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]: ...

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        """All offers of the account, for read-back."""
        ...

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        """Whether it can be bought on its site. Raises NotFound."""
        ...

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """Orders changed since ``since``, handled ones included. The engine asks with overlap."""
        ...

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        """All orders the merchant still has to handle: the completeness sweep."""
        ...

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        """The order whole. Raises NotFound."""
        ...

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """Tell the marketplace that the order is in the store, under this number; None where it does not want to know.
        Called once the store has it, where the manifest says ``acknowledge``; said twice it does no harm."""
        ...

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        """Accept an order that is AWAITING_ACCEPTANCE, but for the lines ``refused`` (their ids); all of them refused
        declines it."""
        ...

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult: ...

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        """``code``: the marketplace's own, where the merchant has chosen one for this reason; else its manifest's."""
        ...

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        """Decline a buyer's request to cancel; ``cancel_line`` with BUYER_REQUEST grants it."""
        ...

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        """Pay back, where the seller has to. Safe to repeat: ``ref`` is unique for the refund, and what was paid back
        under it already (or, where the marketplace keeps no reference, for that line and quantity) is looked up.
        Where that cannot be (``Manifest.refund_lookup``) it is called once and, after UnknownOutcome, only by the
        word of a person."""
        ...

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """Returns that still have to be decided, and those decided of late."""
        ...

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        """``note``: why it is refused, in the merchant's words, for marketplaces that tell the buyer."""
        ...

    def score(self) -> Sequence[ScoreFigure]:
        """The marketplace's own figures on this seller. Raises SlowDown while it works them out: it is asked again, and
        what was told before stays."""
        ...

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        """Where these submissions stand; unknown ones come back as GONE."""
        ...

    def carrier_code(self, carrier: str, tracking: str) -> str:
        """The marketplace's code for a carrier as the store names it; its code for "other" when unknown."""
        ...

    def feed(self) -> FeedWriter:
        """A writer for one file. The engine calls it wherever something changed, keeps the file and serves it."""
        ...

    def ensure_push(self, url: str) -> None:
        """Have push messages sent to ``url``: subscribe, or switch on again. Called hourly where PUSH is declared."""
        ...

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        """Verify and read a push message; ``headers`` as they came, and CALLBACK_URL. Raises Reauthorise when the
        signature is wrong."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """A channel whose marketplace tells which buyers want to be forgotten."""

    def forgotten_orders(self) -> Iterable[str]:
        """Orders, by their ids, of buyers who asked for it of late; each is told again for weeks. Asked daily, with
        the account."""
        ...


@runtime_checkable
class KnowsBuyers(Protocol):
    """A channel whose marketplace tells by messages which buyers want to be forgotten."""

    def buyers_in(self, raw: Mapping[str, Any]) -> Iterable[str]:
        """Fingerprints of who bought, of an order as it was told (``MarketplaceOrder.raw``)."""
        ...


@runtime_checkable
class Challenged(Protocol):
    """A channel whose marketplace asks a push address a question (GET) before it sends messages there."""

    def push_challenge(self, url: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """The answer, as JSON; None for a question that is none. ``url`` as it was given to ensure_push."""
        ...
