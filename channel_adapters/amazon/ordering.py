"""The buying side of the channel: orders, shipments, cancellations, returns, refunds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bridge.domain.order import CancelReason, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, moment, table, tables, text, texts
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.ports.channel import ItemResult, OrderRef, Outcome, Page
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, RetryLater, UnknownOutcome
from channel_adapters.amazon import feeds, mapping, orders, returns
from channel_adapters.amazon.account import CURRENCIES, MANIFEST, Account
from channel_adapters.amazon.reading import stamp
from channel_adapters.amazon.submissions import Submission
from channel_adapters.amazon.vocabulary import OPEN_STATUSES, PROCESSING

PAGE = 100
# What the roles of the application allow is told by a refusal: without "Tax Invoicing (Restricted)" and the like an
# order still has all it needs to be shipped. Without an address it has not, so RECIPIENT is never given up.
NEEDED = ("RECIPIENT", "PROCEEDS", "FULFILLMENT", "CANCELLATION", "PACKAGES")
DATASETS = ((*NEEDED, "BUYER", "TAX"), (*NEEDED, "BUYER"), NEEDED)
# An order may be open for long: pre-orders, made to order.
OPEN_FOR = timedelta(days=90)
# Up to 60 days in one report.
RETURNS_SINCE = timedelta(days=60)
# A report asked for by the question before.
REPORT_LASTS = timedelta(hours=12)
SKEW = timedelta(minutes=2)
# A refusal may have been about something else, and a role may be given later: then all data is asked for again.
LESS_DATA = timedelta(hours=1)


class OrderSide(Account):
    """Everything about orders."""

    _datasets: tuple[str, ...]
    _less_since: datetime | None

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """Whole orders, 100 to a page. The token of a page only goes with the same question."""
        return self._order_page(cursor, lastUpdatedAfter=stamp(since))

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        """By creation: getting lost between two updates has been reported (selling-partner-api-models #3945)."""
        begin, _, token = (cursor or "").partition("|")
        created = begin or stamp(self.clock() - OPEN_FOR)
        page = self._order_page(token or None, createdAfter=created, fulfillmentStatuses=OPEN_STATUSES)
        return page.model_copy(update={"next_cursor": f"{created}|{page.next_cursor}"}) if page.next_cursor else page

    def _order_page(self, cursor: str | None, **filters: Any) -> Page[OrderRef]:
        def ask(data: tuple[str, ...]) -> Json:
            return self.client.orders(
                marketplaceIds=[site.code for site in self.sites()],
                fulfilledBy=None if self.settings.get("import_fba") else ["MERCHANT"],
                maxResultsPerPage=PAGE,
                paginationToken=cursor,
                includedData=data,
                **filters,
            )

        answer = self._with_data(ask) if cursor is None else self._next_page(ask)
        refs = tuple(orders.order_ref(raw, CURRENCIES) for raw in tables(answer, "orders"))
        return Page(items=refs, next_cursor=text(table(answer, "pagination").get("nextToken")) or None)

    def _next_page(self, ask: Callable[[tuple[str, ...]], Json]) -> Json:
        """The token of a page goes with the same question, for 24 hours: one that is refused ends this reading."""
        try:
            return ask(self._datasets)
        except RejectItem as error:
            words = "Amazon no longer knows this page of the orders: the list is read again from its beginning."
            raise RetryLater(words, developer=error.developer) from error

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        return orders.order(self._with_data(lambda data: self.client.order(external_id, data)), CURRENCIES)

    def _with_data(self, ask: Callable[[tuple[str, ...]], Json]) -> Json:
        """With as much data as the application's roles allow; what works is kept for a while. A 400 may be about the
        datasets too (selling-partner-api-models #5365): then only the least is asked for."""
        if self._less_since is not None and self.clock() - self._less_since >= LESS_DATA:
            self._datasets, self._less_since = DATASETS[0], None
        left = list(DATASETS[DATASETS.index(self._datasets) :])
        while True:
            data = left.pop(0)
            try:
                answer = ask(data)
            except NotFound:
                raise
            except (AskMerchant, RejectItem) as error:
                if not left:
                    raise
                left = left[-1:] if isinstance(error, RejectItem) else left
            else:
                if data != self._datasets:
                    self._datasets, self._less_since = data, self.clock()
                return answer

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """Amazon wants none."""
        return None

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        body = orders.shipment_body(order, parcel, self.clock())
        body["marketplaceId"] = body["marketplaceId"] or self.site("").code
        try:
            self.client.confirm_shipment(order.external_id, body)
        except NotFound as error:
            return ItemResult(key=parcel.reference, outcome=Outcome.MISSING, message=error.merchant)
        except RejectItem as error:
            return ItemResult(key=parcel.reference, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        return mapping.carrier_code(MANIFEST.carriers, carrier, tracking)

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        """Amazon cancels all that is open of a line, never a part of it."""
        order = self.fetch_order(order_id)
        line = next((line for line in order.lines if line.external_id == line_id), None)
        if line is None:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message="Amazon does not know this order line.")
        if quantity < line.open or line.shipped:
            words = (
                f"Amazon can only cancel a whole line of which nothing is shipped, not {quantity} of {line.quantity}."
            )
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=words, field="quantity")
        content = feeds.cancellation(
            self.client.seller_id, order_id, line_id, MANIFEST.cancel_reasons.code(reason, code)
        )
        feed = self.client.send_feed(feeds.CANCEL_FEED, [order.site], content, feeds.XML_MEDIA)
        return self._message(line_id, feed)

    def _message(self, key: str, feed: str) -> ItemResult:
        if not feed:
            return ItemResult(key=key, outcome=Outcome.RETRY, message="Amazon did not name the feed.")
        sent = Submission("message", self.clock(), feed=feed, message=1)
        return ItemResult(key=key, outcome=Outcome.SUBMITTED, submission=str(sent))

    # Returns and refunds

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """Amazon tells returns by report only: the latest that is ready is read, and the next one asked for."""
        now = self.clock()
        sites = [site.code for site in self.sites()]
        found = self.client.reports(reportTypes=[returns.REPORT], createdSince=stamp(now - REPORT_LASTS), pageSize=100)
        known = [raw for raw in found if _covers(raw, sites, now - RETURNS_SINCE + REPORT_LASTS)]
        waiting = [raw for raw in known if PROCESSING.get(text(raw.get("processingStatus"))) == "pending"]
        if not waiting:
            self.client.create_report(
                {
                    "reportType": returns.REPORT,
                    "dataStartTime": stamp(now - RETURNS_SINCE),
                    "dataEndTime": stamp(now),
                    "marketplaceIds": sites,
                }
            )
        document = _latest(known)
        return Page(items=tuple(self._returns_in(document, now) if document else ()))

    def _returns_in(self, document: str, now: datetime) -> list[MarketplaceReturn]:
        try:
            return returns.read(self.client.report_document(document), now)
        except ValueError as error:
            words = "Amazon's report on returns has another form than Storebridge knows: update Storebridge."
            raise AskMerchant(words, developer=str(error)) from error

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        """Amazon is told by the refund. What ends without one is decided in Seller Central."""
        if decision in (ReturnDecision.ACCEPTED, ReturnDecision.KEPT_BY_BUYER):
            return ItemResult(key=line_id, outcome=Outcome.APPLIED)
        words = "Amazon takes this decision in Seller Central only (Orders, Manage Returns): decide it there."
        return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=words)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        """One feed for one refund. Amazon keeps no number of ours, so a refund whose answer was lost is looked for
        among the feeds; where that does not tell, a person has to: money is never sent twice on a guess."""
        if known := self._refunds.get(ref):
            return self._message(ref, known)
        if self._refund_feeds(self.clock() - timedelta(hours=1), open_only=True):
            words = "Another refund is still on its way to Amazon; this one goes after it."
            return ItemResult(key=ref, outcome=Outcome.RETRY, message=words)
        order = self.fetch_order(order_id)
        parts = partial(orders.refund_parts, order.raw)
        content = feeds.refund(self.client.seller_id, order_id, lines, ref, parts)
        began, site = self.clock(), order.site or self.site("").code
        try:
            feed = self.client.send_feed(feeds.REFUND_FEED, [site], content, feeds.XML_MEDIA)
        except UnknownOutcome as error:
            feed = self._lost_refund(began, order_id, error)
        self._refunds[ref] = feed
        return self._message(ref, feed)

    def _lost_refund(self, began: datetime, order_id: str, error: UnknownOutcome) -> str:
        found = self._refund_feeds(began - SKEW, open_only=False)
        if len(found) != 1:
            words = (
                f"Whether the refund of order {order_id} reached Amazon is not known. "
                "Look at the order in Seller Central and refund it there if it is missing."
            )
            raise UnknownOutcome(words, developer=error.developer) from error
        return text(found[0].get("feedId"))

    def _refund_feeds(self, since: datetime, *, open_only: bool) -> list[Json]:
        states = ["IN_QUEUE", "IN_PROGRESS"] if open_only else None
        found = self.client.feeds(
            feedTypes=[feeds.REFUND_FEED], createdSince=stamp(since), processingStatuses=states, pageSize=10
        )
        known = set(self._refunds.values())
        return [raw for raw in found if text(raw.get("feedId")) not in known]


def _covers(report: Json, sites: Sequence[str], since: datetime) -> bool:
    """Another program of the seller may have asked for one country or a few days; what names neither is ours."""
    begins = moment(report.get("dataStartTime"))
    return set(sites) <= set(texts(report, "marketplaceIds") or sites) and (begins is None or begins <= since)


def _latest(reports: Sequence[Mapping[str, Any]]) -> str | None:
    """The document of the youngest report that is ready."""
    ready = [raw for raw in reports if raw.get("processingStatus") == "DONE" and raw.get("reportDocumentId")]
    newest = max(
        ready, key=lambda raw: (moment(raw.get("createdTime")) is not None, text(raw.get("createdTime"))), default=None
    )
    return text(newest.get("reportDocumentId")) if newest else None
