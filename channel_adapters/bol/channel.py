"""bol.com as a Channel: what the contract asks, in calls of the client and words of the mapping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.reading import to_and_fro
from bridge.domain.requirement import Category
from bridge.domain.returns import MarketplaceReturn, ReturnDecision
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
    SubmissionState,
    SubmissionStatus,
)
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, RetryLater
from bridge.ports.manifest import load_manifest
from channel_adapters.bol import mapping, standards, tree
from channel_adapters.bol.client import BolClient, Json, listed
from channel_adapters.bol.push import Push
from channel_adapters.bol.reading import AMSTERDAM

MANIFEST = load_manifest(Path(__file__).parent)

PAGE = 50
OFFER_PAGE = 100
EANS_PER_QUESTION = 50
STATUSES_PER_QUESTION = 1000
LONGEST_INTERVAL = 60
# "Up to 3 months of history is supported" (specification, latest-change-date).
HISTORY = timedelta(days=89)
ASK_AGAIN_AFTER = timedelta(minutes=10)
# A content submission goes on after its process: its upload report is followed too.
CONTENT = "content:"

# What bol names of a new offer, and the setting that says it of all of them.
OF_THE_SETTINGS = {
    "economicOperatorId": "economic_operator",
    "deliveryPromise": "minimum_days",
    "schedule": "schedule",
    "countryAvailabilities": "countries",
}

Item = TypeVar("Item", OfferDraft, OfferRef, StockUpdate, PriceUpdate, ContentUpdate)


class BolChannel:
    """One seller account."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = BolClient(connection)
        self._settings = connection.settings
        self._clock = connection.clock
        self._operator: str | None = None
        self._operator_asked: datetime | None = None
        self.push = Push(self._client, connection.clock)

    def check(self) -> AccountInfo:
        found = self._client.retailer()
        operators = self._operators()
        self._operator, self._operator_asked = _only(operators), self._clock()
        details = {"retailer": found.get("retailerId"), "economic_operator": self._operator_id() or "none found"}
        name = str(found.get("displayName") or found.get("companyName") or "bol.com")
        chosen = tuple(Choice(value=str(item["id"]), label=str(item.get("name") or item["id"])) for item in operators)
        choices = {"economic_operator": chosen} if chosen else {}
        return AccountInfo(name=name, countries=MANIFEST.countries, choices=choices, details=details)

    def list_categories(self) -> Iterable[Category]:
        language = tree.LANGUAGES.get(str(self._settings.get("language")), "nl")
        return tree.categories(self._client.categories(language))

    # Offers

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        found: dict[str, LiveOffer] = {}
        for start in range(0, len(gtins), EANS_PER_QUESTION):
            for offer in self._all_offers(eans=list(gtins[start : start + EANS_PER_QUESTION])):
                found[offer.offer_id] = offer
        for sku in dict.fromkeys(skus):
            if not any(offer.sku == sku for offer in found.values()):
                found |= {offer.offer_id: offer for offer in self._all_offers(reference=sku)}
        return list(found.values())

    def _all_offers(self, **filters: object) -> list[LiveOffer]:
        """All pages of a narrow question; a cursor that repeats ends it."""
        offers: list[LiveOffer] = []
        cursors: set[str | None] = set()
        cursor: str | None = None
        while cursor not in cursors:
            cursors.add(cursor)
            page = self._offer_page(cursor, **filters)
            offers += page.items
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        return offers

    def _offer_page(self, cursor: str | None, **filters: object) -> Page[LiveOffer]:
        answer = self._client.offers(page_size=OFFER_PAGE, cursor=cursor, **filters)
        items = tuple(mapping.live_offer(raw) for raw in listed(answer, "offers") if raw.get("offerId"))
        paging = answer.get("page")
        after = paging.get("nextCursor") if isinstance(paging, dict) else None
        return Page(items=items, next_cursor=str(after) if after and items else None)

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        return self._offer_page(cursor)

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return _each(drafts, self._create)

    def _create(self, draft: OfferDraft) -> ItemResult:
        body = mapping.offer_body(draft, self._settings, self._operator_id())
        try:
            answer = self._client.create_offer(body)
        except RejectItem as error:
            named = next((name for part, name in OF_THE_SETTINGS.items() if part in (error.field or "")), error.field)
            raise RejectItem(error.merchant, developer=error.developer, field=named) from error
        if answer is None:
            return self._already_there(draft)
        offer_id = answer.get("offerId")
        if not offer_id:
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message="bol.com did not name the new offer.")
        return ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=str(offer_id), unsent=self._unsent())

    def _unsent(self) -> tuple[Facet, ...]:
        """An offer takes a title only for a product bol does not know; content goes its own way."""
        return (Facet.CONTENT,) if self._settings.get("send_content", True) else ()

    def _already_there(self, draft: OfferDraft) -> ItemResult:
        """The EAN is offered already. Under our own reference it is ours, from a create whose answer was lost."""
        offers = self.find_offers([], [draft.gtin or ""])
        mine = next((offer for offer in offers if offer.sku == draft.sku), None)
        if mine is not None:
            self._client.update_offer(mine.offer_id, mapping.price(draft.price) | mapping.stock(draft.sku, draft.stock))
            return ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=mine.offer_id, unsent=self._unsent())
        others = ", ".join(offer.sku or "no reference" for offer in offers) or "another condition"
        text = f"EAN {draft.gtin} is offered on bol.com already, under {others}. One EAN can be offered once."
        return ItemResult(key=draft.key, outcome=Outcome.REJECTED, message=text, field="gtin")

    def _operator_id(self) -> str | None:
        """The setting, else the only valid operator there is. Two of them are a choice that is not ours."""
        if chosen := self._settings.get("economic_operator"):
            return str(chosen)
        now = self._clock()
        if self._operator is None and (self._operator_asked is None or now - self._operator_asked > ASK_AGAIN_AFTER):
            self._operator, self._operator_asked = _only(self._operators()), now
        return self._operator

    def _operators(self) -> list[Json]:
        """Those that are valid."""
        try:
            found = self._client.economic_operators()
        except (AskMerchant, RejectItem):  # without it offers are created all the same, and stay offline with a reason
            return []
        return [item for item in found if item.get("id") and item.get("status", "VALID") == "VALID"]

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return _each(updates, lambda update: self._update(update, mapping.stock(update.sku, update.stock)))

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        """Prices for several at once are the merchant's own, and stay: an update replaces all prices there are."""
        known: dict[str, Json] = {}
        for start in range(0, len(updates), OFFER_PAGE):
            ids = [update.offer_id for update in updates[start : start + OFFER_PAGE]]
            answer = self._client.offers(page_size=OFFER_PAGE, offer_ids=ids)
            known |= {str(raw.get("offerId")): raw for raw in listed(answer, "offers")}
        return _each(
            updates, lambda update: self._update(update, mapping.price(update.price, known.get(update.offer_id)))
        )

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return _each(updates, self._content)

    def _content(self, update: ContentUpdate) -> ItemResult:
        if not self._settings.get("send_content", True):
            return self._update(update, {"unknownProductTitle": update.content.title[:500]})
        body = mapping.content_body(update, str(self._settings.get("language") or "nl"))
        try:
            accepted = self._client.send_content(body)
        except RejectItem as refused:
            if "unitId" not in f"{refused.field} {refused.merchant}":
                raise
            accepted = self._client.send_content(mapping.with_units(body))
        return _submitted(update.key, accepted, CONTENT)

    def _update(self, item: OfferRef, body: Json) -> ItemResult:
        self._client.update_offer(item.offer_id, body)
        return ItemResult(key=item.key, outcome=Outcome.APPLIED, offer_id=item.offer_id)

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return _each(offers, self._end)

    def _end(self, offer: OfferRef) -> ItemResult:
        self._client.delete_offer(offer.offer_id)
        return ItemResult(key=offer.key, outcome=Outcome.APPLIED, offer_id=offer.offer_id)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        raw = self._client.offer(offer.offer_id)
        if mapping.for_sale(raw):
            return SaleStatus(offer_id=offer.offer_id, for_sale=True)
        return mapping.sale_status(offer.offer_id, raw, self._client.not_for_sale_reasons(offer.offer_id))

    # Orders

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """bol looks back an hour at most by minutes, and three months by whole days: a long gap is read day by day. It
        does not say whether a date is that day alone, nor where its days begin: those of UTC begin and end later."""
        kind, value, page = _read_cursor(cursor) if cursor else (*self._first(since), 1)
        filters = {"change_interval_minute": value} if kind == "minutes" else {"latest_change_date": value}
        refs = self._order_page(page, status="ALL", **filters)
        if (after := to_and_fro(page, is_last=len(refs) < PAGE)) is not None:
            return Page(items=refs, next_cursor=f"{kind}/{value}/{after}", again=page < 0)
        tomorrow = date.fromisoformat(value) + timedelta(days=1) if kind == "day" else None
        on = f"day/{tomorrow.isoformat()}/1" if tomorrow is not None and tomorrow <= self._today() else None
        return Page(items=refs, next_cursor=on, again=page < 0)

    def _first(self, since: datetime) -> tuple[str, str]:
        minutes = math.ceil((self._clock() - since).total_seconds() / 60) + 1
        if minutes <= LONGEST_INTERVAL:
            return "minutes", str(max(1, minutes))
        oldest = max(since, self._clock() - HISTORY)
        return "day", oldest.astimezone(UTC).date().isoformat()

    def _today(self) -> date:
        return self._clock().astimezone(AMSTERDAM).date()

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        page = int(cursor or 1)
        refs = self._order_page(page, status="OPEN")
        after = to_and_fro(page, is_last=len(refs) < PAGE)
        return Page(items=refs, next_cursor=None if after is None else str(after), again=page < 0)

    def _order_page(self, page: int, **filters: str) -> tuple[OrderRef, ...]:
        """The defaults of the API (only FBR, only OPEN) are never relied on."""
        method = "ALL" if self._settings.get("import_fbb") else "FBR"
        raws = self._client.orders(page=abs(page), fulfilment_method=method, **filters)
        refs = [mapping.order_ref(raw) for raw in raws]
        if any(not ref.external_id for ref in refs):
            raise RetryLater("bol.com lists an order without its number; the list is read again.")
        return tuple(refs)

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        return mapping.order(self._client.order(external_id))

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """bol wants none."""
        return None

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return _submitted(parcel.reference, self._client.ship(mapping.shipment_body(parcel)))

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        """bol cancels all that is open of a line, never a part of it."""
        lines = self.fetch_order(order_id).lines
        line = next((line for line in lines if line.external_id == line_id), None)
        if line is None:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message="bol.com does not know this order line.")
        if quantity < line.open:
            text = f"bol.com can only cancel all {line.open} open units of a line, not {quantity} of them."
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=text, field="quantity")
        return _submitted(
            line_id, self._client.cancel(mapping.cancellation_body(line_id, MANIFEST.cancel_reasons.code(reason, code)))
        )

    # Returns

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """All that are open, oldest first; then the latest page of those handled, newest first."""
        kind, _, number = (cursor or "open/1").partition("/")
        page, handled = int(number), "true" if kind == "handled" else "false"
        method = None if self._settings.get("import_fbb") else "FBR"
        found = self._client.returns(page=abs(page), handled=handled, fulfilment_method=method)
        further = to_and_fro(page, is_last=len(found) < PAGE)
        after = None if kind == "handled" else "handled/1" if further is None else f"open/{further}"
        items = tuple(mapping.marketplace_return(raw, self._clock()) for raw in found)
        return Page(items=items, next_cursor=after, again=page < 0)

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        return _submitted(line_id, self._client.handle_return(line_id, mapping.decision_body(decision, quantity)))

    # Submissions

    def score(self) -> Sequence[ScoreFigure]:
        """bol's service norms of this week, each asked for by itself."""
        now = self._clock()
        year, week, _ = now.astimezone(AMSTERDAM).isocalendar()
        found = (standards.figure(name, self._client.performance(name, year, week), now) for name in standards.TITLES)
        return [figure for figure in found if figure is not None]

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        found: dict[str, Json] = {}
        ids = [key.removeprefix(CONTENT) for key in submissions]
        for start in range(0, len(ids), STATUSES_PER_QUESTION):
            for raw in self._client.process_statuses(ids[start : start + STATUSES_PER_QUESTION]):
                found[str(raw.get("processStatusId"))] = raw
        return [self._status(key, found.get(key.removeprefix(CONTENT))) for key in submissions]

    def _status(self, key: str, raw: Json | None) -> SubmissionStatus:
        if raw is None:
            text = "bol.com no longer knows this submission."
            return SubmissionStatus(submission=key, state=SubmissionState.GONE, message=text)
        status = mapping.submission(raw, key)
        if not key.startswith(CONTENT) or status.state is not SubmissionState.DONE or status.entity_id is None:
            return status
        try:
            return mapping.upload_status(self._client.upload_report(status.entity_id), key)
        except NotFound as error:
            return SubmissionStatus(submission=key, state=SubmissionState.GONE, message=error.merchant)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        return mapping.carrier_code(MANIFEST.carriers, carrier, tracking)

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        return self.push.hints(headers, body)

    def ensure_push(self, url: str) -> None:
        """Subscribe ``url``, or switch its subscription on again: bol switches off what failed for ten minutes."""
        self.push.ensure(url)


def _only(operators: Sequence[Json]) -> str | None:
    return str(operators[0]["id"]) if len(operators) == 1 else None


def _read_cursor(cursor: str) -> tuple[str, str, int]:
    kind, value, page = cursor.split("/")
    return kind, value, int(page)


def _each(items: Sequence[Item], act: Callable[[Item], ItemResult]) -> list[ItemResult]:
    """One call per item: bol has no bulk writes. What is refused is that item's result; anything else stops here,
    which does no harm, as every value sent is absolute."""
    return [_result(item, act) for item in items]


def _result(item: Item, act: Callable[[Item], ItemResult]) -> ItemResult:
    try:
        return act(item)
    except NotFound as error:
        return ItemResult(key=item.key, outcome=Outcome.MISSING, message=error.merchant)
    except RejectItem as error:
        return ItemResult(key=item.key, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)


def _submitted(key: str, accepted: Json, prefix: str = "") -> ItemResult:
    """A 202 is a submission to follow, not a success."""
    number = accepted.get("processStatusId")
    if not number:
        return ItemResult(key=key, outcome=Outcome.RETRY, message="bol.com did not name the submission.")
    return ItemResult(key=key, outcome=Outcome.SUBMITTED, submission=f"{prefix}{number}")
