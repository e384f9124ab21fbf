"""Cancellations by the seller, and refunds: what is paid back, and what becomes of the order."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import NamedTuple

from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text
from bridge.domain.returns import ChannelRefund
from bridge.ports.channel import ItemResult, Outcome, SubmissionState
from bridge.ports.errors import BridgeError, NotFound, RejectItem
from channel_adapters.allegro import forms, surcharges, vocabulary
from channel_adapters.allegro.account import MANIFEST, Account
from channel_adapters.allegro.orders import Orders, refused
from channel_adapters.allegro.reading import money, price, some, whole
from channel_adapters.allegro.vocabulary import READY, SENT

# So long the lines of an order that is cancelled whole may come apart.
TOGETHER = timedelta(minutes=10)
# Numbers of our commands are made from what they are about: the same again is the same command.
NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "https://allegro.pl/storebridge")


def command_id(*about: object) -> str:
    return str(uuid.uuid5(NAMES, ":".join(map(str, about))))


class Refunds:
    """``_asked``: lines of orders paid on delivery that are to be cancelled, with the moment they were asked for."""

    def __init__(self, account: Account, orders: Orders) -> None:
        self._account = account
        self._client = account.client
        self._orders = orders
        self._asked: dict[str, dict[str, tuple[int, datetime]]] = {}

    def cancel(self, order_id: str, line_id: str, units: int, code: str) -> ItemResult:
        """Allegro has no cancellation of a line: its units are paid back as not available, and an order of which
        nothing is left is marked as cancelled."""
        try:
            return self._cancel(order_id, line_id, units, code)
        except RejectItem as error:
            return refused(line_id, error)

    def _cancel(self, order_id: str, line_id: str, units: int, code: str) -> ItemResult:
        raw = self._client.order(order_id)
        items = {text(item.get("id")): whole(item.get("quantity")) or 0 for item in tables(raw, "lineItems")}
        if line_id not in items:
            raise NotFound(f"Order {order_id} has no line {line_id}.")
        if forms.is_cancelled(raw):
            return ItemResult(key=line_id, outcome=Outcome.APPLIED)
        if forms.is_shipped(raw):
            raise RejectItem("The order is marked as sent at Allegro: wait for the return, or refund it.")
        if text(raw.get("status")) != READY:
            raise RejectItem("The buyer has not paid yet. Allegro cancels the order by itself when that stays so.")
        earlier = self._client.refunds(order__id=order_id) if forms.payment(raw) else []
        gone = forms.cancelled_units(earlier)
        left = {key: count - gone.get(key, 0) for key, count in items.items()}
        taken = min(units, left[line_id])
        if not forms.payment(raw):
            return self._cancel_unpaid(raw, line_id, taken, left)
        rest = {key: count - (taken if key == line_id else 0) for key, count in left.items()}
        result = ItemResult(key=line_id, outcome=Outcome.APPLIED)
        if taken > 0:
            body = _refund_of(raw, command_id(order_id, line_id, gone.get(line_id, 0), taken))
            body |= {"reason": code}
            item = next(item for item in tables(raw, "lineItems") if text(item.get("id")) == line_id)
            body |= _parts([_units_of(item, taken, left[line_id])])
            body |= {} if any(rest.values()) else _delivery(money(table(raw, "delivery").get("cost")))
            body |= {} if any(rest.values()) else surcharges.on_top(raw, body, earlier)
            result = self._ask(line_id, body)
            other = surcharges.instead(raw, body, earlier, lines=False) if surcharges.has_any(raw) else body
            if result.outcome is Outcome.REJECTED and other != body:
                command = command_id(order_id, line_id, gone.get(line_id, 0), taken, "surcharges")
                result = self._ask(line_id, other | {"commandId": command})
        if result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED):
            result = self._afterwards(result, raw, line_id, taken, rest)
        return result

    def _cancel_unpaid(self, raw: Json, line_id: str, units: int, left: Mapping[str, int]) -> ItemResult:
        """Cash on delivery: nothing is paid back, and only the whole order can be marked. Lines are asked for one by
        one, so each waits for the others; one that waits for long was meant alone, which Allegro has no way for."""
        order_id, now = text(raw.get("id")), self._account.clock()
        asked = self._asked.setdefault(order_id, {})
        since = asked.get(line_id, (0, now))[1]
        asked[line_id] = (units, since)
        if all(count <= asked.get(key, (0, now))[0] for key, count in left.items()):
            self._orders.set_status(order_id, vocabulary.CANCELLED, raw)
            del self._asked[order_id]
            return ItemResult(key=line_id, outcome=Outcome.APPLIED)
        words = "The order is paid on delivery: Allegro lets only all of it be cancelled."
        if now - since > TOGETHER:
            del asked[line_id]
            raise RejectItem(f"{words} Agree with the buyer.")
        return ItemResult(key=line_id, outcome=Outcome.RETRY, message=f"{words} It waits for the other lines.")

    def _afterwards(
        self, result: ItemResult, raw: Json, line_id: str, units: int, rest: Mapping[str, int]
    ) -> ItemResult:
        """The money is on its way: what else belongs to it does not undo that."""
        notes: list[str] = []
        try:
            if not any(rest.values()):
                self._orders.set_status(text(raw.get("id")), vocabulary.CANCELLED, raw)
            elif self._is_sent(text(raw.get("id")), rest):
                self._orders.set_status(text(raw.get("id")), SENT, raw)
            if self._account.settings.get("claim_commission") is True and units > 0:
                self._claim(raw, line_id, units)
        except BridgeError as error:
            notes.append(f"Refunded, but: {error.merchant}")
        return result.model_copy(update={"message": " ".join(filter(None, (result.message, *notes)))})

    def _is_sent(self, order_id: str, rest: Mapping[str, int]) -> bool:
        """Whether all that is left has its parcels already."""
        shipments = some(lambda: self._client.shipments(order_id))
        return all(count <= forms.parcels_of(key, shipments) for key, count in rest.items())

    def _claim(self, raw: Json, line_id: str, units: int) -> None:
        """Once for a line: Allegro makes some claims by itself."""
        item = next(item for item in tables(raw, "lineItems") if text(item.get("id")) == line_id)
        known = self._client.claims(text(table(item, "offer").get("id")))
        if not any(text(table(claim, "lineItem").get("id")) == line_id for claim in known):
            self._client.claim(line_id, units)

    def refund(self, order_id: str, lines: Sequence[ChannelRefund], ref: str) -> ItemResult:
        """One refund for all lines, under a number made of ``ref``: Allegro answers the same number with the same
        refund."""
        try:
            raw = self._client.order(order_id)
            if not forms.payment(raw):
                words = "The buyer has paid on delivery: pay back by bank transfer, the account is in the return."
                raise RejectItem(words)
            return self._pay_back(raw, [line for line in lines if line.amount.amount > 0], lines, ref)
        except RejectItem as error:
            return refused(order_id, error)

    def _pay_back(
        self, raw: Json, goods: Sequence[ChannelRefund], lines: Sequence[ChannelRefund], ref: str
    ) -> ItemResult:
        """As what the buyer paid. Where Allegro does not take that, and something was paid beside the price, as what is
        left of it after earlier refunds: another command, because a refused one stays refused."""
        about = {"reason": MANIFEST.refund_reasons.code(lines[0].reason, lines[0].code)}
        shipping = [line.shipping for line in lines if line.shipping is not None]
        about |= _delivery(reduce(add, shipping)) if shipping else {}
        whole_ = _refund_of(raw, command_id("refund", ref)) | about | _parts([_paid_back(raw, line) for line in goods])
        key = text(raw.get("id"))
        result = self._ask(key, whole_)
        has_beside = any(_has_beside(raw, line) for line in goods)
        if result.outcome is not Outcome.REJECTED or not (has_beside or surcharges.has_any(raw)):
            return result
        earlier = self._client.refunds(order__id=key)
        if has_beside:
            parts = _of_what_is_left(raw, goods, earlier)
            return self._ask(key, _refund_of(raw, command_id("refund", ref, "left")) | about | _parts(parts))
        # Asked for again even where nothing can be shared out: it may have been paid under this number already.
        other = surcharges.instead(raw, whole_, earlier, lines=True)
        return self._ask(key, other | {"commandId": command_id("refund", ref, "surcharges")})

    def _ask(self, key: str, body: Json) -> ItemResult:
        try:
            return _refunded(key, self._client.refund(body))
        except RejectItem as error:
            return refused(key, error)


def _refund_of(raw: Json, command: str) -> Json:
    return {"payment": {"id": forms.payment(raw)}, "order": {"id": text(raw.get("id"))}, "commandId": command}


def _delivery(cost: Money | None) -> Json:
    return {"delivery": {"value": price(cost)}} if cost is not None and cost.amount > 0 else {}


class _Part(NamedTuple):
    """What is paid back of a line: of its price, of the deposit on its packaging, of the services bought with it."""

    line_id: str
    goods: Json
    deposit: Money
    services: Money


def _parts(parts: Sequence[_Part]) -> Json:
    """Allegro takes each apart, and no more of any than the buyer has paid for it."""
    body: Json = {"lineItems": [part.goods for part in parts if part.goods]}
    deposits = [
        {"lineItemId": part.line_id, "totalValue": price(part.deposit)} for part in parts if part.deposit.amount > 0
    ]
    services = [part.services for part in parts if part.services.amount > 0]
    body |= {"deposits": deposits} if deposits else {}
    return body | ({"additionalServices": {"value": price(reduce(add, services))}} if services else {})


def _units_of(item: Json, units: int, left: int) -> _Part:
    """Whole units, with their share of what was paid beside the price; the last ones take what is left of it."""
    key, count = text(item.get("id")), whole(item.get("quantity")) or units
    currency = text(table(item, "price").get("currency"))
    bought = forms.services(item, currency)
    after, before = _share(bought, count - left + units, count), _share(bought, count - left, count)
    goods = {"id": key, "type": "QUANTITY", "quantity": units}
    return _Part(key, goods, forms.deposit(item, currency).times(units), after - before)


def _share(whole_: Money, units: int, count: int) -> Money:
    return Money(amount=whole_.amount * units / count, currency=whole_.currency).quantised()


def _paid_back(raw: Json, line: ChannelRefund) -> _Part:
    """Whole units at their price by quantity, which ends what can be paid back of them; anything else by amount, of the
    price first."""
    item = next((item for item in tables(raw, "lineItems") if text(item.get("id")) == line.line_id), None)
    if item is None:
        raise NotFound(f"The order has no line {line.line_id}.")
    each = money(item.get("price"))
    if each is not None and each.currency != line.amount.currency:
        words = f"The buyer paid in {each.currency}, the refund is in {line.amount.currency}."
        raise RejectItem(words, field="currency")
    none, amount = Money.zero(line.amount.currency), line.amount.quantised()
    count = whole(item.get("quantity")) or 1
    if each is None:
        return _Part(line.line_id, _amount_of(line, amount), none, none)
    units = {"id": line.line_id, "type": "QUANTITY", "quantity": line.quantity}
    if line.quantity and each.times(line.quantity).quantised() == amount:
        return _Part(line.line_id, units, none, none)
    beside = forms.deposit(item, each.currency).times(line.quantity)
    if line.quantity and _share(forms.line_total(item, each, count), line.quantity, count) == amount:
        return _Part(line.line_id, units, beside, amount - each.times(line.quantity) - beside)
    goods = min(amount, each.times(count).quantised(), key=lambda money_: money_.amount)
    rest = amount - goods
    deposit = min(rest, forms.deposit(item, each.currency).times(count), key=lambda money_: money_.amount)
    return _Part(line.line_id, _amount_of(line, goods), deposit, rest - deposit)


def _item(raw: Json, line: ChannelRefund) -> Json:
    return next((item for item in tables(raw, "lineItems") if text(item.get("id")) == line.line_id), {})


def _has_beside(raw: Json, line: ChannelRefund) -> bool:
    item, currency = _item(raw, line), line.amount.currency
    return (forms.deposit(item, currency) + forms.services(item, currency)).amount > 0


def _of_what_is_left(raw: Json, lines: Sequence[ChannelRefund], earlier: Sequence[Json]) -> list[_Part]:
    """By amounts: of each line's price first, then of its deposit, then of the services of the whole order. What is in
    none of them any more is asked for as price, so that Allegro says so."""
    currency = lines[0].amount.currency
    counted = [refund for refund in earlier if not forms.is_refund_failed(refund)]
    items = tables(raw, "lineItems")
    bought = reduce(add, (forms.services(item, currency) for item in items), Money.zero(currency))
    services = bought - forms.services_back(counted, currency)
    parts = []
    for line in lines:
        item, rest = _item(raw, line), line.amount.quantised()
        each, count = money(item.get("price")) or Money.zero(currency), whole(item.get("quantity")) or 1
        goods = _least(rest, each.times(count) - forms.goods_back(counted, line.line_id, each))
        deposits = forms.deposit(item, currency).times(count) - forms.deposit_back(counted, line.line_id, currency)
        deposit = _least(rest - goods, deposits)
        extra = _least(rest - goods - deposit, services)
        services, goods = services - extra, rest - deposit - extra
        parts.append(_Part(line.line_id, _amount_of(line, goods) if goods.amount > 0 else {}, deposit, extra))
    return parts


def _least(wanted: Money, left: Money) -> Money:
    return Money(amount=max(left.amount * 0, min(wanted.amount, left.amount)), currency=wanted.currency).quantised()


def _amount_of(line: ChannelRefund, amount: Money) -> Json:
    return {"id": line.line_id, "type": "AMOUNT", "value": price(amount)}


def _refunded(key: str, answer: Json) -> ItemResult:
    number = text(answer.get("id"))
    status = forms.refund_status(number, [answer])
    if status.state is SubmissionState.DONE:
        return ItemResult(key=key, outcome=Outcome.APPLIED)
    if status.state is SubmissionState.FAILED:
        return ItemResult(key=key, outcome=Outcome.REJECTED, message=status.message)
    return ItemResult(key=key, outcome=Outcome.SUBMITTED, submission=f"refund/{number}" if number else None)
