"""Orders and returns: read, accepted, shipped, cancelled, refunded, decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.order import CancelReason, MarketplaceOrder, OrderPhase, Parcel
from bridge.domain.reading import Json, tables, text
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnDecision
from bridge.ports.batch import told
from bridge.ports.channel import ItemResult, OrderRef, Outcome, Page
from bridge.ports.errors import NotFound, RejectItem, RetryLater
from channel_adapters.mirakl import mapping, sending
from channel_adapters.mirakl.client import MiraklClient
from channel_adapters.mirakl.known import Settings
from channel_adapters.mirakl.offers import next_offset
from channel_adapters.mirakl.platform import Platform
from channel_adapters.mirakl.reading import stamp
from channel_adapters.mirakl.vocabulary import OPEN_STATES, RETURNS_DECIDED, RETURNS_TO_DECIDE

# How far back decided returns are listed.
OF_LATE = timedelta(days=30)
DONE = Outcome.APPLIED


class Orders:
    def __init__(
        self, client: MiraklClient, known: Settings, settings: Mapping[str, Any], clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._known = known
        self._settings = settings
        self._clock = clock

    # Reading

    def changed(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """ "Mirakl will subtract a time delta" from the date (specification): orders come again, never too few."""
        return self._page(cursor, start_update_date=stamp(since))

    def open(self, cursor: str | None) -> Page[OrderRef]:
        return self._page(cursor, order_state_codes=",".join(OPEN_STATES))

    def _page(self, cursor: str | None, **filters: str) -> Page[OrderRef]:
        start = int(cursor or 0)
        answer = self._client.orders(offset=start, **filters)
        raws = tables(answer, "orders")
        if any(not text(raw.get("order_id")) for raw in raws):
            raise RetryLater("Mirakl lists an order without its number; the list is read again.")
        platform = self._known.current() if raws else None
        refs = tuple(mapping.order_ref(raw, _whole(raw, platform)) for raw in raws)
        return Page(items=refs, next_cursor=next_offset(answer, start, len(raws)))

    def fetch(self, order_id: str) -> MarketplaceOrder:
        raw = self._raw(order_id)
        return mapping.order(raw, self._known.current(), self._shipments(raw))

    def _raw(self, order_id: str) -> Json:
        raw = self._client.order(order_id)
        if raw is None:
            raise NotFound(f"Mirakl: there is no order {order_id}.")
        return raw

    def _shipments(self, raw: Json) -> list[Json]:
        """Only an order that is being shipped has parts that are gone and parts that are not."""
        if not self._known.current().multi_shipment or raw.get("order_state") != "SHIPPING":
            return []
        return self._client.shipments(text(raw.get("order_id")))

    # Deciding

    def acknowledge(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        if not self._settings.get("send_order_number") or not store_number:
            return None
        answer = self._client.refer(order.external_id, store_number)
        errors = [
            text(error.get("message")) for item in tables(answer, "updated_orders") for error in tables(item, "errors")
        ]
        if errors:
            return ItemResult(key=order.external_id, outcome=Outcome.REJECTED, message="; ".join(errors))
        return ItemResult(key=order.external_id, outcome=DONE)

    def accept(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        """A decision for every line, as Mirakl wants it. One that was made already is done."""
        lines = [{"id": line.external_id, "accepted": line.external_id not in refused} for line in order.lines]
        try:
            self._client.accept(order.external_id, lines)
        except RejectItem as error:
            current = self.fetch(order.external_id)
            if current.phase is OrderPhase.AWAITING_ACCEPTANCE:
                return _refused(order.external_id, error)
        return ItemResult(key=order.external_id, outcome=DONE)

    def confirm(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        platform = self._known.current()
        try:
            details = sending.tracking(platform, parcel.carrier, parcel.tracking)
            if platform.multi_shipment:
                return self._ship_part(order, parcel, details)
            return self._ship_whole(order, parcel, details)
        except RejectItem as error:
            return _refused(parcel.reference, error)

    def _ship_part(self, order: MarketplaceOrder, parcel: Parcel, details: Json) -> ItemResult:
        answer = self._client.create_shipment(sending.shipment(order.external_id, parcel, details))
        if tables(answer, "shipment_success"):
            return ItemResult(key=parcel.reference, outcome=DONE)
        errors = [text(error.get("message")) for error in tables(answer, "shipment_errors")]
        message = "; ".join(filter(None, errors)) or "The marketplace did not take the shipment."
        return ItemResult(key=parcel.reference, outcome=Outcome.REJECTED, message=message)

    def _ship_whole(self, order: MarketplaceOrder, parcel: Parcel, details: Json) -> ItemResult:
        """Tracking first, then shipped: the second ends what the first may change."""
        packed = {line.external_id: line.quantity for line in parcel.lines}
        if any(packed.get(line.external_id, 0) < line.open for line in order.lines):
            words = "This marketplace takes one shipment for a whole order; this parcel holds a part of it."
            fix = "Send the rest along, or confirm the order in the back office when all of it has left."
            raise RejectItem(f"{words} {fix}", field="lines")
        self._client.track(order.external_id, details)
        try:
            self._client.ship(order.external_id)
        except RejectItem:  # in the state it is in; shipped already, by a call whose answer was lost?
            if any(line.open for line in self.fetch(order.external_id).lines):
                raise
        return ItemResult(key=parcel.reference, outcome=DONE)

    def cancel(self, order_id: str, line_id: str, quantity: int, reason: CancelReason, chosen: str) -> ItemResult:
        raw = self._raw(order_id)
        current = mapping.order(raw, self._known.current(), self._shipments(raw))
        line = next((line for line in current.lines if line.external_id == line_id), None)
        item = next((item for item in tables(raw, "order_lines") if item.get("order_line_id") == line_id), None)
        if line is None or item is None:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message="Mirakl does not know this order line.")
        if current.phase is OrderPhase.AWAITING_ACCEPTANCE:
            return self._refuse_line(current, line_id, quantity)
        if raw.get("can_cancel") is False:
            text_ = "The marketplace does not let this order be cancelled any more; refund it, or ask the marketplace."
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=text_)
        try:
            self._cancel(current, item, min(quantity, line.open), reason, chosen)
        except RejectItem as error:
            return _refused(line_id, error)
        return ItemResult(key=line_id, outcome=DONE)

    def _cancel(self, order: MarketplaceOrder, item: Json, units: int, reason: CancelReason, chosen: str) -> None:
        """By line, with a reason. Where the operator gives shops none, only an order as a whole can be cancelled."""
        code = self._known.current().cancel_reason(reason, {reason.value: chosen} if chosen else {})
        line = next(line for line in order.lines if line.external_id == item.get("order_line_id"))
        if code is not None:
            left = line.quantity - line.cancelled
            self._client.cancel(sending.cancellation(item, units, left, code, order.currency))
        elif units == line.open == sum(each.quantity - each.cancelled for each in order.lines):
            self._client.cancel_order(order.external_id)
        else:
            raise RejectItem("This marketplace lets shops cancel whole orders only.", field="quantity")

    def _refuse_line(self, order: MarketplaceOrder, line_id: str, quantity: int) -> ItemResult:
        """Before acceptance a cancellation is a refusal, which is one decision for all lines."""
        if len(order.lines) == 1 and quantity >= order.lines[0].quantity:
            return self.accept(order, [line_id]).model_copy(update={"key": line_id})
        text_ = "The order is not accepted yet: accept it, or refuse lines of it, instead of cancelling a part."
        return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=text_)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund]) -> ItemResult:
        """Mirakl keeps no reference of ours: what a line was paid back already in this quantity and these amounts is
        not paid again."""
        raw = self._raw(order_id)
        items = {text(item.get("order_line_id")): item for item in tables(raw, "order_lines")}
        if unknown := [line.line_id for line in lines if line.line_id not in items]:
            text_ = f"Mirakl does not know the order line {unknown[0]}."
            return ItemResult(key=order_id, outcome=Outcome.MISSING, message=text_)
        platform = self._known.current()
        wanted = [
            sending.refund(items[line.line_id], line, platform.refund_reason(line.reason, line.code))
            for line in lines
            if not sending.is_paid_back(items[line.line_id], line)
        ]
        try:
            if wanted:
                self._client.refund(wanted)
        except RejectItem as error:
            return _refused(order_id, error)
        return ItemResult(key=order_id, outcome=DONE)

    # Returns

    def returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """Those to be decided; then those decided of late. Nothing where the operator has no returns."""
        if not self._known.current().returns:
            return Page(items=())
        kind, _, token = (cursor or "open/").partition("/")
        filters: dict[str, Any] = {"return_state": list(RETURNS_TO_DECIDE)}
        if kind == "done":
            late = stamp(self._clock() - OF_LATE)
            filters = {"return_state": list(RETURNS_DECIDED), "return_last_updated_from": late}
        answer = self._client.returns(**filters, page_token=token or None)
        raws, after = tables(answer, "data"), text(answer.get("next_page_token"))
        items = tuple(mapping.marketplace_return(raw, self._clock()) for raw in raws)
        follows = f"{kind}/{after}" if after and raws else "done/" if kind == "open" else None
        return Page(items=items, next_cursor=follows)

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        """Up to three calls, one after the other. One that is refused because an earlier one, whose answer was lost,
        has done it already is no refusal: the return is read again and goes on from where it is."""
        return_id, _, order_line = line_id.partition("/")
        raw, line = self._return(return_id, order_line)
        while raw is not None and line is not None:
            try:
                _decidable(decision, quantity, line)
                self._decide(raw, line, decision is ReturnDecision.ACCEPTED)
            except RejectItem as error:
                before = raw.get("state")
                raw, line = self._return(return_id, order_line)
                if raw is not None and raw.get("state") == before:
                    return _refused(line_id, error)
            else:
                return ItemResult(key=line_id, outcome=DONE)
        return ItemResult(key=line_id, outcome=Outcome.MISSING, message="Mirakl does not know this return.")

    def _return(self, return_id: str, order_line: str) -> tuple[Json | None, Json | None]:
        raw = next(iter(tables(self._client.returns(return_id=[return_id]), "data")), None)
        lines = tables(raw, "return_lines")
        return raw, next((item for item in lines if item.get("order_line_id") == order_line), None)

    def _decide(self, raw: Json, line: Json, accepted: bool) -> None:
        """A request is accepted or refused; goods are received and then found in order or not."""
        return_id, state = text(raw.get("id")), text(raw.get("state"))
        if state in RETURNS_DECIDED or tables(line, "compliance"):
            return None
        if state == "WAITING_ACCEPTANCE" and not accepted:
            reason = self._settings.get("return_rejection") or "RETURN_REJECTION_NOT_ELIGIBLE"
            body = {"id": return_id, "accepted": False, "rejection_reason_code": reason}
            return _require(self._client.accept_return(body))
        if state == "WAITING_ACCEPTANCE":
            _require(self._client.accept_return({"id": return_id, "accepted": True}))
        if state != "RECEIVED":
            _require(self._client.receive_return(return_id))
        verdict: Json = {"order_line_id": line["order_line_id"], "compliant": accepted}
        if not accepted:
            verdict["non_compliance_reason_code"] = self._settings.get("return_fault") or "RETURN_NON_COMPLIANT_OTHER"
        return _require(self._client.judge_return({"id": return_id, "return_lines": [verdict]}))


def _whole(raw: Json, platform: Platform | None) -> MarketplaceOrder | None:
    """The order where the list tells all of it: not while parts of it may be shipped, and not when it is unreadable
    (reading it alone says why)."""
    if platform is None or (platform.multi_shipment and raw.get("order_state") == "SHIPPING"):
        return None
    return told(lambda: mapping.order(raw, platform))


def _decidable(decision: ReturnDecision, quantity: int, line: Json) -> None:
    if decision not in (ReturnDecision.ACCEPTED, ReturnDecision.REFUSED):
        words = (
            "Mirakl knows accepted and refused returns only; replacements and repairs are agreed in the back office."
        )
        raise RejectItem(words, field="decision")
    if quantity != (line.get("quantity") or quantity):
        raise RejectItem(f"Mirakl decides on all {line.get('quantity')} units of a line at once.", field="quantity")


def _require(answer: Json) -> None:
    """These calls answer 200 and say in the body what was refused."""
    if errors := tables(answer, "return_errors"):
        words = "; ".join(filter(None, (text(error.get("message")) for error in errors)))
        raise RejectItem(words or "The marketplace refused the decision.")


def _refused(key: str, error: RejectItem) -> ItemResult:
    outcome = Outcome.MISSING if isinstance(error, NotFound) else Outcome.REJECTED
    return ItemResult(key=key, outcome=outcome, message=error.merchant, field=error.field)
