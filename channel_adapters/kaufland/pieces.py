"""What is done to order units. Each is a change of state: a second one is refused, so a refusal is held against the
state the unit is in, and one that is there already is a success."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from bridge.domain.money import Money
from bridge.domain.order import MarketplaceOrder, Parcel
from bridge.domain.reading import Json, table, tables, text
from bridge.domain.returns import ChannelRefund, RefundReason
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem, RetryLater, UnknownOutcome
from bridge.ports.manifest import RefundReasons
from channel_adapters.kaufland import vocabulary
from channel_adapters.kaufland.client import KauflandClient, NotPaid
from channel_adapters.kaufland.reading import cents

REFUSALS = (RejectItem, AskMerchant)
RETURN_TAKEN = ("return_accepted", "return_closed")
# "amount must be in Eurocents" (specification, RefundOrderUnit), and nothing on other currencies.
REFUND_CURRENCY = "EUR"


class Pieces:
    """The order units of one account."""

    def __init__(self, client: KauflandClient, reasons: RefundReasons) -> None:
        self._client = client
        self._reasons = reasons

    def accept(self, order: MarketplaceOrder, refused: Collection[str], no_stock: str) -> ItemResult:
        """Open pieces are marked as being fulfilled, those in ``refused`` are cancelled for the reason ``no_stock``."""
        waiting = [unit for unit in tables(order.raw, "order_units") if unit.get("status") == vocabulary.OPEN]

        def decide(unit_id: str) -> None:
            if unit_id in refused:
                self._cancel(unit_id, no_stock)
            else:
                self._move(unit_id, partial(self._client.fulfil, unit_id), vocabulary.ACCEPTED)

        return self._all(order.external_id, [text(unit.get("id_order_unit")) for unit in waiting], decide, "accepted")

    def ship(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        """One call for each piece: half of them sent is a failure, and what was sent is read back from their state.
        A piece that is sent already gets this parcel as a further one."""
        shipped = {line.external_id for line in order.lines if line.shipped}

        def send(unit_id: str) -> None:
            if unit_id in shipped:
                self._client.add_shipment(unit_id, parcel.tracking, parcel.carrier)
            else:
                act = partial(self._client.send, unit_id, parcel.tracking, parcel.carrier)
                self._move(unit_id, act, vocabulary.SHIPPED)

        return self._all(parcel.reference, [line.external_id for line in parcel.lines], send, "confirmed")

    def cancel(self, unit_id: str, code: str) -> ItemResult:
        return self._all(unit_id, [unit_id], lambda key: self._cancel(key, code), "cancelled")

    def _cancel(self, unit_id: str, code: str) -> None:
        self._move(unit_id, partial(self._client.cancel, unit_id, code), {vocabulary.CANCELLED})

    def _move(self, unit_id: str, act: Callable[[], None], reached: Collection[str]) -> None:
        try:
            act()
        except NotFound:
            raise
        except REFUSALS:
            if text(self._client.order_unit(unit_id).get("status")) not in reached:
                raise

    def _all(self, key: str, units: Sequence[str], act: Callable[[str], None], done: str) -> ItemResult:
        answers = self._client.each(act, units)
        faults = [
            (unit, answer) for unit, answer in zip(units, answers, strict=True) if isinstance(answer, BridgeError)
        ]
        if not faults:
            return ItemResult(key=key, outcome=Outcome.APPLIED)
        good = len(units) - len(faults)
        for _, fault in faults:
            if not isinstance(fault, (*REFUSALS, RetryLater)) or (isinstance(fault, RetryLater) and not good):
                raise fault
        words = "; ".join(f"{unit}: {fault.merchant}" for unit, fault in faults[:5])
        message = words if len(units) == 1 else f"{good} of {len(units)} pieces are {done}. {words}"
        return ItemResult(key=key, outcome=_outcome([fault for _, fault in faults]), message=message)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund]) -> ItemResult:
        """Kaufland keeps no reference of a refund and tells nowhere what was paid back: one whose answer was lost is
        put to a person (``refund_lookup`` in the manifest), and so is one of which a part was paid."""
        paid: list[str] = []
        for line in lines:
            try:
                self._refund(line)
            except (RejectItem, AskMerchant) as error:
                return _stopped(order_id, line, paid, error)
            except (UnknownOutcome, RetryLater) as error:
                if not paid:
                    raise
                return _stopped(order_id, line, paid, error)
            paid.append(line.line_id)
        return ItemResult(key=order_id, outcome=Outcome.APPLIED)

    def _refund(self, line: ChannelRefund) -> None:
        """In one call, so that no half of it can be paid. What comes back by an accepted return is paid by Kaufland."""
        amount, reason = line.amount, self._reasons.code(line.reason, line.code)
        if line.reason is RefundReason.RETURNED and self._is_taken_back(line.line_id):
            amount, reason = Money.zero(line.amount.currency), vocabulary.REFUND_SHIPPING
        amount = amount + line.shipping if line.shipping else amount
        if amount.currency != REFUND_CURRENCY:
            words = f"Kaufland takes refunds through its API in {REFUND_CURRENCY} only. Refund it in the seller portal."
            raise RejectItem(words, field="currency")
        if amount.amount > 0:
            self._client.refund(line.line_id, cents(amount), reason)

    def _is_taken_back(self, unit_id: str) -> bool:
        unit = self._client.order_unit(unit_id, "return_unit")
        return text(table(unit, "return_unit").get("status")) in RETURN_TAKEN


def _outcome(faults: Sequence[Any]) -> Outcome:
    """A fault for good decides; a payment that has not arrived may still do so."""
    if all(isinstance(fault, NotFound) for fault in faults):
        return Outcome.MISSING
    passing = all(isinstance(fault, (RetryLater, NotPaid)) for fault in faults)
    return Outcome.RETRY if passing else Outcome.REJECTED


def _stopped(order_id: str, line: ChannelRefund, paid: Sequence[str], error: BridgeError) -> ItemResult:
    words = error.merchant
    if isinstance(error, UnknownOutcome):
        words += f" Look in the seller portal whether piece {line.line_id} was refunded, and refund it there if not."
    if paid:
        words += f" Refunded before that: {', '.join(paid)}. Refund the rest in the seller portal."
    return ItemResult(key=order_id, outcome=Outcome.REJECTED, message=words, field=error.field)


class Tickets:
    """Buyers cannot cancel at Kaufland; they ask in a ticket, which is answered and closed."""

    def __init__(self, client: KauflandClient) -> None:
        self._client = client

    def refuse(self, ticket_ids: Collection[str], text: str) -> None:
        for ticket in ticket_ids:
            self._client.answer_ticket(ticket, text)
            self._client.close_ticket(ticket)

    def granted(self, order_raw: Json, ticket_ids: Collection[str], words: str) -> None:
        """Answer those in which nothing is left to decide. The cancellation stands whatever becomes of this."""
        waiting = {vocabulary.OPEN, vocabulary.TO_SEND}
        units = tables(order_raw, "order_units")
        for ticket in ticket_ids:
            about = [unit for unit in units if any(item.get("id_ticket") == ticket for item in tables(unit, "tickets"))]
            if not any(text(unit.get("status")) in waiting for unit in about):
                self.refuse([ticket], words)
