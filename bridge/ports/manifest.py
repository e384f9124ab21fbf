"""What an adapter says about itself, as data: forms, limits and policies are drawn from it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.domain.checks import Limits
from bridge.domain.deadlines import Term
from bridge.domain.listing import Facet
from bridge.domain.order import CancelReason
from bridge.domain.returns import RefundReason
from bridge.domain.standing import ScoreLimit


class Capability(StrEnum):
    """What an adapter can do. A declared capability is implemented, tested and documented."""

    CHECK = "check"
    OFFERS = "offers"
    CONTENT = "content"
    READ_BACK = "read_back"
    ORDERS = "orders"
    SHIPMENTS = "shipments"
    CANCEL = "cancel"
    RETURNS = "returns"
    PUSH = "push"
    SCORE = "score"
    FEED = "feed"
    CATEGORIES = "categories"
    REQUIREMENTS = "requirements"
    ACCEPT = "accept"
    ANSWER_CANCELLATION = "answer_cancellation"
    CATALOGUE = "catalogue"
    CREATE_ORDER = "create_order"
    REFUNDS = "refunds"
    WEBHOOKS = "webhooks"
    STOCK_WRITE = "stock_write"


class Feature(StrEnum):
    """What merchants look for in a store, and not every store has (``Manifest.cannot``)."""

    FREE_LINES = "free_lines"  # an order has lines without a product
    ORDER_TAGS = "order_tags"
    SHIPPED_STATUSES = "shipped_statuses"  # which of its own statuses mean that an order has left
    TEST_EVENT = "test_event"  # it sends a signed event that changes nothing


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FormField(Part):
    """One field of a settings or credentials form. ``kind`` secret is never shown again after saving.

    ``choices`` are values, each with what people call it; the code of a country, a language or a currency (``BE``,
    ``BE fr``, ``nl``, ``nl-BE``, ``EUR``) stands for its name in the language of the page. ``places``: the countries of
    a choice, where each is a marketplace of its own. A moment is kept in UTC (ISO 8601), and asked for in the store's
    time zone.
    """

    name: str
    label: str
    help: str = ""
    kind: Literal["text", "secret", "url", "number", "flag", "choice", "list", "date", "moment"] = "text"
    required: bool = True
    default: Any = None
    choices: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    places: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None


class Limit(Part):
    """At most ``calls`` per ``seconds`` for an operation of one account. ``source`` says where it is written."""

    calls: float = Field(gt=0)
    seconds: float = Field(gt=0)
    source: str = ""


class Site(Part):
    """One of the country sites a marketplace account can sell on. ``code`` is the marketplace's own id of it;
    ``language`` is an ISO 639 code; ``name`` is what people call it, where it is not its country."""

    code: str
    name: str = ""
    country: str = Field(pattern=r"^[A-Z]{2}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    language: str = ""


class Polling(Part):
    """How often to ask, in seconds, and how far to look back over the last cursor. ``shows_after``: how long a change
    may take to show in this list; what is younger is not held against it."""

    every: int
    overlap: int = 600
    shows_after: int = 60


class Feed(Part):
    """A file that the marketplace fetches from us by itself, always whole.

    ``file`` is its name in the address. ``facets``: what of a listing is told by it; ``updates``: those of them that
    are taken over whenever they change, the others only with a new product. ``every``: seconds between two files at
    most, while something changes; ``fetched``: seconds between two fetches, as the marketplace says; ``keep``: seconds
    that a product that has ended stays in it with no stock.
    """

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    media_type: str
    facets: tuple[Facet, ...] = tuple(Facet)
    updates: tuple[Facet, ...] = tuple(Facet)
    every: int = 300
    fetched: int = 3600
    keep: int = 0
    source: str = ""


class CancelReasons(Part):
    """The other side's own reasons of a cancellation. ``codes``: each with what people call it; ``tells``: what is told
    for each of ours, where the merchant has chosen nothing; ``reads``: what one of its words means, all others by the
    merchant's setting. ``costs``: what a cancellation costs the seller there; ``source``: where that was read.
    Empty: it takes no reason, or tells its reasons with the account."""

    codes: dict[str, str] = Field(default_factory=dict)
    tells: dict[CancelReason, str] = Field(default_factory=dict)
    reads: dict[str, CancelReason] = Field(default_factory=dict)
    costs: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.codes and set(self.tells) != set(CancelReason):
            raise ValueError("cancel_reasons.tells: one code for each of our reasons")
        if unknown := set(self.tells.values()) - set(self.codes):
            raise ValueError(f"cancel_reasons.tells: {sorted(unknown)} is no code")
        return self

    def code(self, reason: CancelReason, chosen: str = "") -> str:
        """What is told: the merchant's choice, else the default."""
        return chosen or self.tells.get(reason, "")


class RefundReasons(Part):
    """A marketplace's own reasons of a refund. ``codes``: each with what people call it; ``tells``: what is told for
    each of ours, where the merchant has chosen nothing; ``source``: where that was read. Empty: it takes no reason, or
    tells its reasons with the account."""

    codes: dict[str, str] = Field(default_factory=dict)
    tells: dict[RefundReason, str] = Field(default_factory=dict)
    source: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.codes and set(self.tells) != set(RefundReason):
            raise ValueError("refund_reasons.tells: one code for each of our reasons")
        if unknown := set(self.tells.values()) - set(self.codes):
            raise ValueError(f"refund_reasons.tells: {sorted(unknown)} is no code")
        return self

    def code(self, reason: RefundReason, chosen: str = "") -> str:
        """What is told: the merchant's choice, else the default."""
        return chosen or self.tells.get(reason, "")


class ShippingMethods(Part):
    """How a store names its shipping methods in an order. ``code``: a pattern that every code fits; ``help``: what it
    is, for people; ``known``: those that such a store has from the beginning."""

    code: str
    help: str
    known: tuple[str, ...] = ()


class PaymentText(Part):
    """What a store's order shows as the way of paying. ``usual``: the text where the merchant has chosen none, with
    {marketplace}, {order} and {name} (of the order in the store); empty: the store's own. ``note``: for people."""

    usual: str = ""
    note: str = ""


_WAY_BACK: Mapping[str, str] = {
    "by the seller": "the seller pays the way back",
    "by the buyer": "the buyer pays the way back",
    "by the buyer, unless defective": "the buyer pays the way back, unless the goods are defective",
    "by the marketplace": "the marketplace pays the way back",
    "by whom the seller's policy says": "your own policy says who pays the way back",
}


class ReturnTerms(Part):
    """What a marketplace asks of returns, with where it says so and when that was read.

    ``window_days``: how long the buyer may announce one; ``longer`` where a category has more. ``respond``: decide or
    answer, from the announcement; ``refund``: money back, from ``refund_from``. ``shipping``: who pays the way back.
    ``partial``: what can be paid back for a piece of which a part came back. None and empty: it does not say, or the
    seller's own settings there do.
    """

    window_days: int | None = Field(default=None, ge=1)
    longer: dict[str, int] = Field(default_factory=dict)
    respond: Term | None = None
    refund: Term | None = None
    refund_from: Literal["announced", "received"] = "received"
    shipping: Literal[
        "",
        "by the seller",
        "by the buyer",
        "by the buyer, unless defective",
        "by the marketplace",
        "by whom the seller's policy says",
    ] = ""
    penalty: str = ""
    partial: Literal["whole pieces", "any amount"] = "whole pieces"
    source: str = ""
    read_on: date | None = None

    @property
    def sentences(self) -> list[str]:
        """For people."""
        found = [f"the buyer has {self.window_days} days"] if self.window_days else []
        found += [f"{days} days for {name}" for name, days in self.longer.items()]
        found += [f"decide within {self.respond.text}"] if self.respond else []
        if self.refund and self.refund_from == "announced":
            found.append(f"pay back within {self.refund.text} of the announcement")
        elif self.refund:
            found.append(f"pay back within {self.refund.text} of the return's arrival")
        found += [_WAY_BACK[self.shipping]] if self.shipping else []
        found += ["a part of a piece can be paid back"] if self.partial == "any amount" else []
        return found + ([f"a breach costs {self.penalty}"] if self.penalty else [])

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        said = self.model_dump(exclude={"source", "read_on"}, exclude_defaults=True)
        if said and not (self.source and self.read_on):
            raise ValueError("returns: source and read_on say where and when these terms were read")
        return self


class Policies(Part):
    """The marketplace's own rules, as data with their source. ``acceptance_price``: orders for less than this
    percentage of our own price are asked about and not accepted by themselves. ``score``: what the account is measured
    by, each with where and when it was read."""

    returns: ReturnTerms = ReturnTerms()
    score: tuple[ScoreLimit, ...] = ()
    cancellation_limit: str = ""
    personal_data_days: int | None = None
    acceptance_price: int | None = None
    source: str = ""


class Manifest(Part):
    """One adapter, described. Raises pydantic.ValidationError naming the field when a file is wrong.

    ``sites``: the country sites one account can sell on, each with listings of its own; which of them a connection
    uses is its setting ``sites``. Empty where an account is one site. ``checks``: what is demanded of a listing
    (bridge/domain/checks/limits.py); ``title_max`` and ``checks.title.maximum`` are one thing, either is enough.
    ``refund_lookup`` False: nothing there tells whether a refund of ours was paid, so one in doubt is put to a person.
    ``acknowledge``: it wants to be told that an order is in the store. ``webhook_secret``: the credential a store signs
    its webhooks with, where it takes none of ours. ``shipping_methods``: how a store names them.
    ``cannot``: what a store has not, each with the reason, for people. ``cannot_alone``: what it has not without our
    module in it.
    ``works_within``: seconds in which it may still carry out what it was told and gave no answer to.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    kind: Literal["platform", "channel"]
    countries: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    currency: str | None = None
    base_url: str = ""
    urls: dict[str, str] = Field(default_factory=dict)
    capabilities: tuple[Capability, ...]
    lacks: dict[Capability, str] = Field(default_factory=dict)
    cannot: dict[Feature, str] = Field(default_factory=dict)
    cannot_alone: dict[Feature, str] = Field(default_factory=dict)
    credentials: tuple[FormField, ...] = ()
    settings: tuple[FormField, ...] = ()
    webhook_secret: str = ""
    shipping_methods: ShippingMethods | None = None
    payment_text: PaymentText = PaymentText()
    cancel_reasons: CancelReasons = CancelReasons()
    refund_reasons: RefundReasons = RefundReasons()
    limits: dict[str, Limit] = Field(default_factory=dict)
    batch: dict[str, int] = Field(default_factory=dict)
    concurrency: int = Field(default=4, ge=1, le=64)
    polling: dict[str, Polling] = Field(default_factory=dict)
    max_quantity: int | None = None
    title_max: int | None = None
    gtin_required: bool = True
    carriers: dict[str, str] = Field(default_factory=dict)
    tracking_required: bool = True
    acknowledge: bool = False
    policies: Policies = Policies()
    checks: Limits = Limits()
    feed: Feed | None = None
    refund_lookup: bool = True
    works_within: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _feed_is_described(self) -> Manifest:
        if (Capability.FEED in self.capabilities) != (self.feed is not None):
            raise ValueError("the capability feed and the table [feed] belong together")
        return self

    def by_feed(self, facet: Facet | str) -> bool:
        """Whether this facet is told by the feed."""
        return self.feed is not None and facet in self.feed.facets

    @model_validator(mode="before")
    @classmethod
    def _one_title_limit(cls, data: dict[str, Any]) -> dict[str, Any]:
        checks = data.get("checks") or {}
        if not isinstance(checks, dict):
            return data
        title = checks.get("title") or {}
        outer, inner = data.get("title_max"), title.get("maximum")
        if outer is not None and inner is not None and outer != inner:
            raise ValueError(f"title_max is {outer} and checks.title.maximum is {inner}")
        longest = inner if outer is None else outer
        if longest is None:
            return data
        title = {"need": "required", **title, "maximum": longest}
        return {**data, "title_max": longest, "checks": {**checks, "title": title}}

    def batch_size(self, operation: str) -> int:
        """Items per call; 1 where the channel has no bulk call."""
        return self.batch.get(operation, 1)


def load_manifest(folder: Path) -> Manifest:
    """The manifest.toml of an adapter folder."""
    return Manifest.model_validate(tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8")))
