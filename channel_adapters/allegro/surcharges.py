"""What the buyer paid afterwards: other payments of the same order, which the amount of the first does not contain
(allegro-api issue 1103). A refund names each by its own payment (specification, InitializeRefund.surcharges). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.money import Money, total
from bridge.domain.reading import Json, table, tables, text
from channel_adapters.allegro import forms
from channel_adapters.allegro.reading import money, price, whole
from channel_adapters.allegro.vocabulary import CASH_ON_DELIVERY


def on_top(raw: Json, body: Json, earlier: Sequence[Json]) -> Json:
    """For a refund after which nothing of the order is left: of the surcharges, what the buyer has paid beyond it."""
    currency = _currency(raw)
    left = _left(raw, earlier, currency)
    beyond = _first_left(raw, earlier, currency) + _sum(left, currency) - _worth(raw, body, currency)
    return _taken(left, beyond)


def instead(raw: Json, body: Json, earlier: Sequence[Json], *, lines: bool) -> Json:
    """The same money, of which the surcharges pay what is not left in the first payment: of the delivery, and where
    ``lines`` may be paid back by amount, of them. As it was where that does not come out even. What the first payment
    bears of an order with surcharges is documented nowhere: this is for what was refused."""
    currency = _currency(raw)
    left = _left(raw, earlier, currency)
    over = _worth(raw, body, currency) - _first_left(raw, earlier, currency)
    if over.amount <= 0 or _sum(left, currency).amount < over.amount:
        return body
    cost = _of(table(body, "delivery").get("value"), currency)
    cut = _least(over, cost)
    rest, kept = over - cut, {name: value for name, value in body.items() if name != "delivery"}
    kept |= {"delivery": {"value": price(cost - cut)}} if (cost - cut).amount > 0 else {}
    if rest.amount > 0 and lines:
        kept["lineItems"], rest = _cut(raw, tables(body, "lineItems"), rest)
    return body if rest.amount > 0 else kept | _taken(left, over)


def _cut(raw: Json, parts: Sequence[Json], over: Money) -> tuple[list[Json], Money]:
    """By amount, and so much less; what could not be cut."""
    found: list[Json] = []
    for part in parts:
        value = _of_line(raw, part, over.currency)
        cut = _least(over, value)
        over = over - cut
        if (value - cut).amount > 0:
            found.append({"id": part["id"], "type": "AMOUNT", "value": price(value - cut)})
    return found, over


def _taken(left: Sequence[tuple[str, Money]], amount: Money) -> Json:
    found: list[Json] = []
    for key, there in left:
        part = _least(amount, there)
        amount = amount - part
        if part.amount > 0:
            found.append({"id": key, "value": price(part)})
    return {"surcharges": found} if found else {}


def has_any(raw: Json) -> bool:
    return bool(_left(raw, (), _currency(raw)))


def _left(raw: Json, earlier: Sequence[Json], currency: str) -> list[tuple[str, Money]]:
    """By payment, what was not paid back of it."""
    given = [item for refund in _counted(earlier) for item in tables(refund, "surcharges")]
    found = []
    for paid in tables(raw, "surcharges"):
        key = text(paid.get("id"))
        back = [_of(item.get("value"), currency) for item in given if text(item.get("id")) == key]
        there = _of(paid.get("paidAmount"), currency) - total(back, currency)
        if key and there.amount > 0 and text(paid.get("type")) != CASH_ON_DELIVERY:
            found.append((key, there))
    return found


def _first_left(raw: Json, earlier: Sequence[Json], currency: str) -> Money:
    left = _of(table(raw, "payment").get("paidAmount"), currency)
    for refund in _counted(earlier):
        others = total([_of(item.get("value"), currency) for item in tables(refund, "surcharges")], currency)
        left = left - (_of(refund.get("totalValue"), currency) - others)
    return Money.zero(currency) if left.amount < 0 else left


def _worth(raw: Json, body: Json, currency: str) -> Money:
    parts = [_of_line(raw, part, currency) for part in tables(body, "lineItems")]
    parts += [_of(part.get("totalValue"), currency) for part in tables(body, "deposits")]
    parts += [_of(table(body, name).get("value"), currency) for name in ("delivery", "additionalServices")]
    return total(parts, currency)


def _of_line(raw: Json, part: Json, currency: str) -> Money:
    items = (item for item in tables(raw, "lineItems") if text(item.get("id")) == text(part.get("id")))
    if text(part.get("type")) != "QUANTITY":
        return _of(part.get("value"), currency)
    each = _of(next(items, {}).get("price"), currency)
    return each.times(whole(part.get("quantity")) or 0).quantised()


def _counted(refunds: Sequence[Json]) -> list[Json]:
    return [refund for refund in refunds if not forms.is_refund_failed(refund)]


def _currency(raw: Json) -> str:
    return text(table(raw, "payment", "paidAmount").get("currency"))


def _of(value: object, currency: str) -> Money:
    found = money(value)
    return found if found is not None and found.currency == currency else Money.zero(currency)


def _sum(parts: Sequence[tuple[str, Money]], currency: str) -> Money:
    return total([amount for _, amount in parts], currency)


def _least(one: Money, other: Money) -> Money:
    return one if one.amount < other.amount else other
