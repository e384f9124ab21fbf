"""Kaufland as a Channel: what the contract asks, in calls of the client and words of the mapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from bridge.domain.listing import LiveOffer
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, table, tables, text
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.ports.adapter import Connection
from bridge.ports.batch import told
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
    StockUpdate,
    SubmissionStatus,
)
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RetryLater
from bridge.ports.manifest import Site, load_manifest
from channel_adapters.kaufland import categories, mapping, vocabulary
from channel_adapters.kaufland.client import KauflandClient, wire_time
from channel_adapters.kaufland.offers import Offers
from channel_adapters.kaufland.pieces import REFUSALS, Pieces, Tickets
from channel_adapters.kaufland.push import Push

MANIFEST = load_manifest(Path(__file__).parent)
SITES = {site.code: site for site in MANIFEST.sites}
OTHER = "Other"

T = TypeVar("T")


class KauflandChannel:
    """One seller account with its storefronts."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = KauflandClient(connection)
        self._settings = connection.settings
        self._clock = connection.clock
        self._key = connection.credentials["client_key"]
        self._found: tuple[Site, ...] = ()
        self._carriers: dict[str, str] | None = None
        self._pieces = Pieces(self._client, MANIFEST.refund_reasons)
        self._tickets = Tickets(self._client)
        self._offers = Offers(self._client, connection, self._sites)
        self.push = Push(self._client, connection.credentials["secret_key"])

    def check(self) -> AccountInfo:
        codes = self._client.storefronts()
        self._found = tuple(SITES[code] for code in codes if code in SITES)
        if not self._found:
            raise AskMerchant("Kaufland: this account has no storefront yet. Set one up in the seller portal.")
        return AccountInfo(
            name=f"Seller {self._key[:6]}",
            countries=tuple(site.country for site in self._found),
            sites=tuple(site.code for site in self._found),
            choices={"shipping_groups": self._shipping_groups(), "warehouse": self._warehouses()},
            details={"storefronts": codes},
        )

    def _shipping_groups(self) -> tuple[Choice, ...]:
        return tuple(
            Choice(value=f"{site.code}:{group.get('id_shipping_group')}", label=f"{site.country}: {group.get('name')}")
            for site in self._found
            for group in self._client.shipping_groups(site.code)
        )

    def _warehouses(self) -> tuple[Choice, ...]:
        found = self._client.warehouses()
        return tuple(Choice(value=text(item.get("id_warehouse")), label=text(item.get("name"))) for item in found)

    def _sites(self) -> tuple[Site, ...]:
        """Those chosen, else those of the account."""
        chosen = tuple(site for site in MANIFEST.sites if site.code in (self._settings.get("sites") or ()))
        if not chosen and not self._found:
            self._found = tuple(SITES[code] for code in self._client.storefronts() if code in SITES)
        return chosen or self._found

    # Categories

    def list_categories(self) -> Iterator[Category]:
        sites = self._sites()
        return categories.categories(self._client.category_tree(sites[0].code)) if sites else iter(())

    def requirements(self, category: str | None) -> CategoryRequirements:
        if category is None:
            return categories.general_requirements()
        if not category.isdigit():
            raise NotFound(f"Kaufland has no category {category!r}.", field="category")
        site = (self._sites() or MANIFEST.sites)[0].code
        raw = self._client.category(site, category)
        sets = categories.sets_of(raw)
        answers = self._client.each(lambda key: self._values(key, vocabulary.LOCALES[site]), sets)
        values = {key: answer for key, answer in zip(sets, answers, strict=True) if not isinstance(answer, BridgeError)}
        if fault := next((answer for answer in answers if isinstance(answer, BridgeError)), None):
            raise fault
        return categories.category_requirements(category, raw, values)

    def _values(self, attribute_id: str, locale: str) -> categories.Values:
        found: list[Json] = []
        offset: int | None = 0
        while offset is not None and offset < categories.MOST_VALUES:
            page, offset = self._client.shared_set(attribute_id, locale, offset)
            found += page
        return found, offset is None

    # Offers

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        return self._offers.find(skus, gtins)

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return self._offers.create(drafts)

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return self._offers.change([(update, mapping.stock(update.stock)) for update in updates])

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        return self._offers.reprice(updates)

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return self._offers.describe(updates)

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self._offers.end(offers)

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        def read(_stage: str, site: str, offset: int) -> tuple[tuple[LiveOffer, ...], int | None]:
            units, after = self._client.units(site, offset)
            return tuple(mapping.live_offer(raw, SITES[site]) for raw in units if raw.get("id_unit")), after

        return self._walk(cursor, ("units",), read)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        return self._offers.sale_status(offer.offer_id)

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        return self._offers.follow(submissions)

    # Orders

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """Orders whose pieces changed, then those whose buyers asked to cancel: a ticket does not change an order."""

        def read(stage: str, site: str, offset: int) -> tuple[tuple[OrderRef, ...], int | None]:
            if stage == "tickets":
                return self._asked_to_cancel(site, since, offset)
            filters = {"ts_units_updated_from_iso": wire_time(since), "fulfillment_type": self._fulfilment()}
            orders, after = self._client.orders(site, offset, **filters)
            return _numbered(tuple(mapping.order_ref(raw, self._clock()) for raw in orders)), after

        return self._walk(cursor, ("orders", "tickets"), read)

    def _asked_to_cancel(self, site: str, since: datetime, offset: int) -> tuple[tuple[OrderRef, ...], int | None]:
        filters = {"status": "opened", "topic": "order_cancel", "ts_updated_from_iso": wire_time(since)}
        tickets, after = self._client.tickets(offset, storefront=site, **filters)
        found: dict[str, OrderRef] = {}
        for ticket in tickets:
            for unit in tables(self._client.ticket(text(ticket.get("id_ticket"))), "order_units"):
                order_id = text(unit.get("id_order"))
                if order_id and order_id not in found:
                    order = told(partial(self.fetch_order, order_id))
                    mark = order.list_mark if order else f"ticket {ticket.get('id_ticket')}"
                    found[order_id] = OrderRef(external_id=order_id, mark=mark, order=order)
        return tuple(found.values()), after

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        def read(_stage: str, site: str, offset: int) -> tuple[tuple[OrderRef, ...], int | None]:
            filters = {"status": [vocabulary.OPEN, vocabulary.TO_SEND], "fulfillment_type": self._fulfilment()}
            units, after = self._client.order_units(site, offset, **filters)
            return _numbered(mapping.refs_of_units(units, self._clock())), after

        return self._walk(cursor, ("units",), read)

    def _fulfilment(self) -> list[str]:
        """The defaults of the API are never relied on."""
        return list(vocabulary.FULFILLED_BY) if self._settings.get("import_fbk") else ["fulfilled_by_merchant"]

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        accept = self._settings.get("open_orders", "accept") == "accept"
        return mapping.order(self._client.order(external_id), self._clock(), accept=accept)

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """Kaufland wants none."""
        return None

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        no_stock = MANIFEST.cancel_reasons.code(CancelReason.OUT_OF_STOCK)
        return self._pieces.accept(order, set(refused), no_stock)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return self._pieces.ship(order, parcel)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        """By the carrier's name, in Kaufland's own spelling of the day; without a number only "Other" is taken."""
        if not tracking.strip():
            return OTHER
        if self._carriers is None:
            names = [text(item.get("name")) for item in self._client.carriers()]
            self._carriers = {_plain(name): name for name in names if name}
        name = MANIFEST.carriers.get(_plain(carrier), carrier)
        return self._carriers.get(_plain(name), OTHER)

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        """A line is one piece, so there is no part of it."""
        result = self._pieces.cancel(line_id, MANIFEST.cancel_reasons.code(reason, code))
        if result.outcome is not Outcome.APPLIED or reason is not CancelReason.BUYER_REQUEST:
            return result
        try:
            order = self._client.order(order_id)
            self._tickets.granted(
                order, _asked(order, line_id), self._words("", vocabulary.CANCELLATION_GRANTED, order)
            )
        except BridgeError as error:
            return result.model_copy(update={"message": f"Cancelled, but the ticket is not answered: {error.merchant}"})
        return result

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        order = self._client.order(order_id)
        words = self._words("cancellation_refusal", vocabulary.CANCELLATION_REFUSED, order)
        try:
            self._tickets.refuse(_asked(order, line_id), words)
        except REFUSALS as error:
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=line_id, outcome=Outcome.APPLIED)

    def _words(self, setting: str, texts: dict[str, str], raw: Json) -> str:
        """The merchant's own words, else ours in the language of the storefront."""
        site = SITES.get(text(raw.get("storefront")), MANIFEST.sites[0])
        return str(self._settings.get(setting) or texts[site.language])

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        return self._pieces.refund(order_id, lines)

    # Returns

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """All that have to be decided, each with its piece; then the latest page of those decided."""

        def read(stage: str, site: str, offset: int) -> tuple[tuple[MarketplaceReturn, ...], int | None]:
            is_open = stage == "open"
            status = vocabulary.RETURNS_OPEN if is_open else vocabulary.RETURNS_DECIDED
            filters = {"status": list(status), "fulfillment_type": self._fulfilment(), "sort": "ts_updated:desc"}
            units, after = self._client.return_units(site, offset, **filters)
            pieces = self._pieces_of(units) if is_open else [{}] * len(units)
            pairs = list(zip(units, pieces, strict=True))
            return mapping.marketplace_returns(pairs, self._clock()), after if is_open else None

        return self._walk(cursor, ("open", "decided"), read)

    def _pieces_of(self, units: Sequence[Json]) -> list[Json]:
        answers = self._client.each(self._client.return_unit, [text(unit.get("id_return_unit")) for unit in units])
        if fault := next((answer for answer in answers if isinstance(answer, BridgeError)), None):
            raise fault
        return [table(answer, "order_unit") for answer in answers if isinstance(answer, dict)]

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        """Kaufland refunds what is accepted by itself. It has no word for a replacement or for a piece the buyer keeps:
        the first is told to the buyer in a clarification, the second is a refusal with these words."""
        try:
            self._decide(line_id, decision, note)
        except NotFound as error:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message=error.merchant)
        except REFUSALS as error:
            if self._decided_as(line_id) == _RESULTS[decision]:
                return ItemResult(key=line_id, outcome=Outcome.APPLIED)
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=line_id, outcome=Outcome.APPLIED)

    def _decide(self, line_id: str, decision: ReturnDecision, note: str) -> None:
        if decision is ReturnDecision.ACCEPTED:
            return self._client.accept_return(line_id)
        if decision is ReturnDecision.REPAIRED:
            return self._client.repair_return(line_id)
        raw = self._client.return_unit(line_id)
        if decision is ReturnDecision.REPLACED:
            return self._client.clarify_return(line_id, self._words("", vocabulary.RETURN_REPLACED, raw))
        if decision is ReturnDecision.KEPT_BY_BUYER:
            return self._client.reject_return(line_id, self._words("", vocabulary.RETURN_KEPT, raw))
        words = note or self._words("return_refusal", vocabulary.RETURN_REFUSED, raw)
        return self._client.reject_return(line_id, words)

    def _decided_as(self, line_id: str) -> str:
        return text(self._client.return_unit(line_id).get("status"))

    # Push

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        return self.push.hints(headers, body)

    def ensure_push(self, url: str) -> None:
        """Nothing without the e-mail that Kaufland wants to have: polling sees everything as well."""
        if email := self._settings.get("fallback_email"):
            self.push.ensure(url, [site.code for site in self._sites()], str(email))

    def _walk(
        self,
        cursor: str | None,
        stages: Sequence[str],
        read: Callable[[str, str, int], tuple[tuple[T, ...], int | None]],
    ) -> Page[T]:
        """A page of a list that is read stage by stage, and in each from storefront to storefront."""
        places = [(stage, site.code) for stage in stages for site in self._sites()]
        if not places:
            return Page(items=())
        stage, site, start = cursor.split("/") if cursor else (*places[0], "0")
        items, after = read(stage, site, int(start))
        if after is not None:
            return Page(items=items, next_cursor=f"{stage}/{site}/{after}")
        left = places[places.index((stage, site)) + 1 :] if (stage, site) in places else []
        return Page(items=items, next_cursor=f"{left[0][0]}/{left[0][1]}/0" if left else None)


_RESULTS = {
    ReturnDecision.ACCEPTED: "return_accepted",
    ReturnDecision.REPAIRED: "return_in_repair",
    ReturnDecision.REPLACED: "return_in_clarification",
    ReturnDecision.KEPT_BY_BUYER: "return_rejected",
    ReturnDecision.REFUSED: "return_rejected",
}


def _numbered(refs: tuple[OrderRef, ...]) -> tuple[OrderRef, ...]:
    if any(not ref.external_id for ref in refs):
        raise RetryLater("Kaufland lists an order without its number; the list is read again.")
    return refs


def _asked(order: Json, line_id: str) -> list[str]:
    """Open tickets in which the buyer of this piece asks to cancel."""
    units = tables(order, "order_units")
    unit = next((unit for unit in units if text(unit.get("id_order_unit")) == line_id), None)
    return mapping.cancel_tickets(unit) if unit else []


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
