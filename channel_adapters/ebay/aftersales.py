"""What comes after a sale: cancellations both ways, refunds, returns, and following them to their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bridge.domain.order import CancelReason
from bridge.domain.reading import Json, table, tables, text, whole
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, RefundReason, ReturnDecision
from bridge.ports.channel import ItemResult, Outcome, Page, SubmissionState, SubmissionStatus
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem
from channel_adapters.ebay import orders, returns, vocabulary
from channel_adapters.ebay.account import MANIFEST, SITES, WORKERS, Account
from channel_adapters.ebay.reading import money, stamp
from channel_adapters.ebay.returns import Submission

PAGE = 200
ORDERS = 50
# A search without an end goes forward for 90 days, and returns older than that are over.
LOOK_BACK = timedelta(days=89)
REFUSALS = (RejectItem, AskMerchant)
IN_PARTS = "eBay cancels whole orders only. Ship what you have, or pay the missing units back in eBay's Seller Hub."
NOT_PAID = "eBay could not pay the refund: see Seller Hub, Payments."
NO_REPLACEMENT = "eBay takes no replacement or repair through its API: answer this return in eBay's Seller Hub."


class AftersalesSide(Account):
    """Cancellations, refunds and returns."""

    # Cancellations

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        """eBay cancels orders, not lines. A buyer's request is granted with the order; an order of one line is
        cancelled; a line of several is paid back for that reason, which is what eBay has for it."""
        raw = self.client.order(order_id)
        items = tables(raw, "lineItems")
        item = next((item for item in items if text(item.get("lineItemId")) == line_id), None)
        if item is None:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message="The order has no such line.")
        if orders.is_cancelled(raw, item, 0):
            return ItemResult(key=line_id, outcome=Outcome.APPLIED)
        try:
            return self._cancel(raw, item, quantity, reason, code)
        except REFUSALS as error:
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)

    def _cancel(self, raw: Json, item: Json, quantity: int, reason: CancelReason, code: str) -> ItemResult:
        line_id, order_id = text(item.get("lineItemId")), text(raw.get("orderId"))
        asked = [text(request.get("cancelRequestId")) for request in orders.buyers_requests(raw)]
        all_of_it = len(tables(raw, "lineItems")) == 1 and quantity >= (whole(item.get("quantity")) or 1)
        if asked and (all_of_it or reason is CancelReason.BUYER_REQUEST):
            self.client.approve_cancellation(asked[0])
            return _submitted(line_id, Submission("cancel", order_id, asked[0]))
        if not asked and (under_way := orders.cancellation_under_way(raw)):
            return _submitted(line_id, Submission("cancel", order_id, under_way))
        if quantity < (whole(item.get("quantity")) or 1):
            raise RejectItem(IN_PARTS)
        if len(tables(raw, "lineItems")) > 1:
            return self._pay_line_back(raw, item, by_buyer=reason is CancelReason.BUYER_REQUEST)
        answer = self.client.create_cancellation(returns.cancellation(raw, MANIFEST.cancel_reasons.code(reason, code)))
        cancel_id = text(answer.get("cancelId"))
        if not cancel_id:
            why = text(table(answer, "orderEligibilityResult").get("failureReason"))
            raise RejectItem(f"eBay does not let this order be cancelled ({why or 'no reason given'}).")
        return _submitted(line_id, Submission("cancel", order_id, cancel_id))

    def _pay_line_back(self, raw: Json, item: Json, *, by_buyer: bool) -> ItemResult:
        line_id, order_id = text(item.get("lineItemId")), text(raw.get("orderId"))
        cost = money(item.get("lineItemCost"))
        if cost is None:
            raise RejectItem("eBay does not tell what was paid for this line.", field="lineItemCost")
        back = orders.cancelled_with(raw, item, cost.currency)
        if not back:
            raise RejectItem(IN_PARTS)
        answer = self.client.refund(order_id, returns.cancelling_refund(back, by_buyer=by_buyer))
        return _paid(line_id, order_id, answer)

    def refuse_cancellation(self, order_id: str, line_id: str) -> ItemResult:
        """It is the whole order's request; for its other lines it is answered already."""
        raw = self.client.order(order_id)
        try:
            for request in orders.buyers_requests(raw):
                started = orders.shipping_state(raw) != vocabulary.NOT_STARTED
                parcels = self.client.fulfilments(order_id) if started else []
                self.client.reject_cancellation(text(request.get("cancelRequestId")), returns.refusal(parcels))
        except REFUSALS as error:
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=line_id, outcome=Outcome.APPLIED)

    # Refunds

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        """What came back is paid inside its return, which closes with that. eBay keeps no reference of a refund: it is
        called once, and one in doubt is put to a person (``refund_lookup`` in the manifest)."""
        raw = self.client.order(order_id)
        lines = [returns.without_tax(raw, line) for line in lines]
        try:
            if back := self._open_return(raw, lines):
                return self._pay_inside(back, order_id, lines)
            return _paid(order_id, order_id, self.client.refund(order_id, returns.refund(raw, lines, ref)))
        except REFUSALS as error:
            return ItemResult(key=order_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)

    def _pay_inside(self, back: str, order_id: str, lines: Sequence[ChannelRefund]) -> ItemResult:
        status = text(self.client.refund_return(back, returns.return_refund(lines)).get("refundStatus"))
        if status == "FAILED":
            raise RejectItem(NOT_PAID)
        if status == "SUCCESS":
            return ItemResult(key=order_id, outcome=Outcome.APPLIED)
        return _submitted(order_id, Submission("return", order_id, back))

    def _open_return(self, order: Json, lines: Sequence[ChannelRefund]) -> str:
        """Of what came back, which is one line. While a return is open, eBay refunds inside of it only (34916)."""
        wanted = {line.line_id for line in lines}
        if lines[0].reason is not RefundReason.RETURNED or len(wanted) > 1:
            return ""
        found = tables(self.client.returns(PAGE, order_id=text(order.get("orderId"))), "members")
        for raw in found:
            closed = vocabulary.RETURN_CLOSED & {text(raw.get("state")), text(raw.get("status"))}
            if not closed and text(returns.sold_line(raw, order).get("lineItemId")) in wanted:
                return text(raw.get("returnId"))
        return ""

    # Returns

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """Those of the last months, open and closed, each with its order. What ``offset`` counts is not documented, so
        the next page begins with the moment the last one ended at."""
        since = cursor or (self.clock() - LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        answer = self.client.returns(PAGE, creation_date_range_from=since, sort="+FILING_DATE")
        found = tables(answer, "members")
        sold = self._orders_of(found)
        items = tuple(
            returns.marketplace_return(raw, sold.get(text(raw.get("orderId")), {}), self.clock()) for raw in found
        )
        last = max((stamp(item.registered_at) for item in items), default="")
        more = len(found) >= PAGE and last > since
        return Page(items=items, next_cursor=last if more else None)

    def _orders_of(self, found: Sequence[Json]) -> dict[str, Json]:
        ids = list(dict.fromkeys(text(raw.get("orderId")) for raw in found if text(raw.get("orderId"))))
        parts = [ids[start : start + ORDERS] for start in range(0, len(ids), ORDERS)]
        return {text(raw.get("orderId")): raw for part in parts for raw in self.client.orders_by_id(part)}

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        """Accepting approves a request that waits for it, or says that the goods are here; the money follows as a
        refund inside the return."""
        try:
            self._decide(line_id, decision, note)
        except NotFound as error:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message=error.merchant)
        except REFUSALS as error:
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=line_id, outcome=Outcome.APPLIED)

    def _decide(self, return_id: str, decision: ReturnDecision, note: str) -> None:
        word = vocabulary.RETURN_DECISIONS.get(decision)
        if word is None:
            raise RejectItem(NO_REPLACEMENT)
        raw = self.client.return_summary(return_id)
        options = returns.options(raw)
        if word == "APPROVE":
            if vocabulary.MAY_APPROVE in options:
                self.client.decide_return(return_id, returns.decision(word, "", ""))
            elif vocabulary.MAY_RECEIVE in options:
                self.client.receive_return(return_id)
            return
        if vocabulary.RETURN_CLOSED & {text(raw.get("state")), text(raw.get("status"))}:
            return
        language = SITES[self.home()].language
        self.client.decide_return(return_id, returns.decision(word, note or returns.REFUSED_WORDS[language], language))

    # Following

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        """By the order, which tells all but refunds inside a return."""
        answers = self.transport.each(self._follow, submissions, WORKERS)
        for answer in answers:
            if isinstance(answer, BridgeError):
                raise answer
        return [answer for answer in answers if isinstance(answer, SubmissionStatus)]

    def _follow(self, submission: str) -> SubmissionStatus:
        given = Submission.read(submission)
        gone = SubmissionStatus(submission=submission, state=SubmissionState.GONE)
        if given is None:
            return gone
        try:
            if given.kind == "return":
                return returns.return_status(given, self.client.return_summary(given.key))
            raw = self.client.order(given.order_id)
        except NotFound:
            return gone
        return returns.cancel_status(given, raw) if given.kind == "cancel" else returns.refund_status(given, raw)


def _submitted(key: str, submission: Submission) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.SUBMITTED, submission=str(submission))


def _paid(key: str, order_id: str, answer: Json) -> ItemResult:
    """Paid later: the order says when."""
    refund_id, status = text(answer.get("refundId")), text(answer.get("refundStatus"))
    if status == "FAILED" or not refund_id:
        raise RejectItem(NOT_PAID)
    return _submitted(key, Submission("refund", order_id, refund_id))
