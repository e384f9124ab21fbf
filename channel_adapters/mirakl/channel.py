"""A shop on a Mirakl marketplace as a Channel: what the contract asks, handed to those who know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.domain.listing import LiveOffer
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, pairs, text
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.ports.adapter import Connection
from bridge.ports.channel import (
    AccountInfo,
    Choice,
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
    ScoreFigure,
    StockUpdate,
    SubmissionStatus,
)
from bridge.ports.errors import AskMerchant, NotFound, RejectItem
from bridge.ports.manifest import load_manifest
from channel_adapters.mirakl import catalogue, mapping
from channel_adapters.mirakl.client import MiraklClient
from channel_adapters.mirakl.known import Settings
from channel_adapters.mirakl.offers import Offers
from channel_adapters.mirakl.operators import operators, with_operators
from channel_adapters.mirakl.orders import Orders
from channel_adapters.mirakl.platform import Platform
from channel_adapters.mirakl.submissions import Submissions

MANIFEST = with_operators(load_manifest(Path(__file__).parent))
DEFAULT_CONDITIONS = next(item.default for item in MANIFEST.settings if item.name == "conditions")
NO_PUSH = "Mirakl sends sellers no messages; orders are asked for."


class MiraklChannel:
    """One shop on one marketplace."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = MiraklClient(connection)
        vault = connection.transport.services.tokens
        self._known = Settings(connection.key, self._client, vault, connection.clock)
        self._settings = connection.settings
        self._clock = connection.clock
        self._offers = Offers(self._client, self._known, connection.settings, connection.clock)
        self._orders = Orders(self._client, self._known, connection.settings, connection.clock)
        self._submissions = Submissions(self._client)

    def check(self) -> AccountInfo:
        """Also holds the settings against what this operator demands. Raises AskMerchant naming the setting."""
        known = self._known.fresh()
        states, classes = self._client.offer_states(), self._client.logistic_classes()
        self._check_fields(known)
        conditions = self._settings.get("conditions")
        if (
            list(conditions or ()) != DEFAULT_CONDITIONS
        ):  # nobody chose the default: offers that need another are told so
            self._check_codes("conditions", set(pairs(conditions).values()), states)
        self._check_codes("logistic_class", {str(self._settings.get("logistic_class") or "")} - {""}, classes)
        choices = {
            "conditions": tuple(Choice(value=f"new={code}", label=label) for code, label in _coded(states)),
            "logistic_class": tuple(Choice(value=code, label=label) for code, label in _coded(classes)),
            "offer_fields": tuple(Choice(value=f"{field.code}=", label=field.words()) for field in known.fields),
            "cancel_reasons": _reasons(known, "CANCELATION"),
            "refund_reasons": _reasons(known, "REFUND"),
        }
        operator = operators().get(str(self._connection.credentials.get("operator") or ""))
        return AccountInfo(
            name=known.shop_name or "Mirakl",
            countries=operator.countries if operator else (),
            choices={name: found for name, found in choices.items() if found},
            details=_details(known),
        )

    def _check_fields(self, known: Platform) -> None:
        """What the operator demands of every offer is given, and lists have one of their values."""
        given = pairs(self._settings.get("offer_fields"))
        missing = [field for field in known.fields if field.required and not given.get(field.code)]
        if missing:
            names = ", ".join(f"{field.code} ({field.words()})" for field in missing)
            raise _unset("offer_fields", f"the marketplace demands a value of every offer for: {names}")
        codes = {field.code for field in known.fields}
        for code, value in given.items():
            if code not in codes:
                raise _unset("offer_fields", f"the marketplace has no field {code!r} for offers")
            if fault := known.field(code).fault(value):
                raise _unset("offer_fields", fault)

    def _check_codes(self, setting: str, given: set[str], known: Sequence[Json]) -> None:
        """A code that the operator does not have. Where it lists none, nothing can be held against it."""
        there = dict(_coded(known))
        if there and (wrong := sorted(given - set(there))):
            names = ", ".join(f"{code} {label}" for code, label in there.items())
            raise _unset(setting, f"the marketplace has no code {wrong[0]!r}; its codes are {names}")

    # Categories

    def list_categories(self) -> Iterator[Category]:
        return catalogue.categories(self._client.hierarchies())

    def requirements(self, category: str | None) -> CategoryRequirements:
        """Without the attributes that take what every product is sent with (category, title, GTIN, SKU ...)."""
        try:
            attributes = self._offers.attributes(category)
        except NotFound:
            raise
        except RejectItem as error:
            raise NotFound(error.merchant, developer=error.developer, field="category") from error
        taken = catalogue.Columns(attributes, self._settings).by_source.values()
        asked = [raw for raw in attributes if text(raw.get("code")) not in taken]
        fields = self._known.current().fields if category is None else ()
        return catalogue.requirements(category, asked, self._offers.lists(), fields)

    # Offers

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        return self._offers.find(skus, gtins)

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return self._offers.create(drafts)

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return self._offers.update_stock(updates)

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        return self._offers.update_prices(updates)

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return self._offers.update_content(updates)

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self._offers.end(offers)

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
        """The store's number as the seller's reference, where the merchant wants it."""
        return self._orders.acknowledge(order, store_number)

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        return self._orders.accept(order, refused)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return self._orders.confirm(order, parcel)

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        return self._orders.cancel(order_id, line_id, quantity, reason, code)

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        """There are no requests to refuse."""
        return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=MANIFEST_LACKS["answer_cancellation"])

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        return self._orders.refund(order_id, lines)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        """The operator's code, else the name as it is: as a carrier that is not registered."""
        wanted = _plain(carrier)
        for known in self._known.current().carriers:
            if wanted and wanted in (_plain(known.code), _plain(known.label), _plain(known.standard)):
                return known.code
        return carrier.strip() or "other"

    # Returns and score

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        return self._orders.returns(cursor)

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        return self._orders.decide_return(line_id, decision, quantity)

    def score(self) -> Sequence[ScoreFigure]:
        return mapping.score(self._client.account(), self._client.statistics(), self._clock())

    # There is no push

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        raise RejectItem(NO_PUSH)

    def ensure_push(self, url: str) -> None:
        raise RejectItem(NO_PUSH)


MANIFEST_LACKS = {str(name): reason for name, reason in MANIFEST.lacks.items()}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _coded(raws: Iterable[Json]) -> list[tuple[str, str]]:
    return [(text(raw.get("code")), text(raw.get("label"))) for raw in raws if text(raw.get("code"))]


def _reasons(known: Platform, kind: str) -> tuple[Choice, ...]:
    return tuple(Choice(value=reason.code, label=reason.label) for reason in known.reasons if reason.kind == kind)


def _unset(setting: str, words: str) -> AskMerchant:
    return AskMerchant(f"Mirakl: {words}. Set it in {setting}.", field=setting)


def _details(known: Platform) -> dict[str, Any]:
    """What the operator has set, as far as the merchant notices it."""
    return {
        "shop": known.shop_id,
        "state": known.shop_state,
        "currency": known.currency,
        "channels": list(known.channels),
        "orders are accepted": "by you" if known.manual_acceptance else "by themselves",
        "several parcels per order": known.multi_shipment,
        "returns": known.returns,
        "carriers": [carrier.label for carrier in known.carriers],
    }
