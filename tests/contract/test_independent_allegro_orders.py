"""Allegro's adapter and what the independent Allegro tells of orders: its journal, parcels, refunds and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import CancelReason, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome
from bridge.ports.errors import Reauthorise
from tests.support.independent import Refusal
from tests.support.independent_allegro import Allegro, number
from tests.support.independent_allegro_offers import zloty
from tests.support.played import Clock, connecting, everything, seller_at_allegro, unrefused


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Allegro]:
    with unrefused(seller_at_allegro(specs_dir, clock, strict=True)) as market:
        yield market


@pytest.fixture
def connect(market: Allegro, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("allegro", serve(market.app()), clock) as connect:
        yield connect


def seen(channel: Any, clock: Clock) -> set[str]:
    since = clock() - timedelta(minutes=10)
    return {item.external_id for item in everything(partial(channel.list_orders, since))}


def test_the_journal_tells_what_no_time_tells(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    """The seller's own status moves no time of change. Events come twice, and in no order of time."""
    channel, old = connect(), clock() - timedelta(days=2)
    forms = [market.sell(at, [{}], old) for at in range(3)]
    market.happens(forms[0], "BOUGHT")
    assert seen(channel, clock) == set()
    for kind in ("BUYER_CANCELLED", "FULFILLMENT_STATUS_CHANGED", "READY_FOR_PROCESSING", "READY_FOR_PROCESSING"):
        market.happens(forms[1], kind)
    assert forms[1] in seen(channel, clock)
    assert forms[1] not in seen(channel, clock)  # told once
    for at in range(2_300):
        market.happens(forms[at % 2], "FILLED_IN")
    market.happens(forms[2], "AUTO_CANCELLED")
    assert {*forms} <= seen(channel, clock)


def test_a_journal_that_has_forgotten(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    """Sixty days are kept: what was read last is not there any more."""
    channel = connect()
    form = market.sell(1, [{}], clock() - timedelta(days=2))
    market.happens(form, "BOUGHT")
    seen(channel, clock)
    market.journal.clear()
    market.happens(form, "BUYER_CANCELLED", 9_000_000)
    assert form in seen(channel, clock)


def test_a_status_that_meets_a_change(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    channel = connect()
    form = market.sell(1, [{}], clock())
    order = channel.fetch_order(form)
    market.orders[form]["revision"] = "r2"
    assert channel.acknowledge_order(order, "WC 1").outcome is Outcome.APPLIED
    assert market.orders[form]["fulfillment"]["status"] == "PROCESSING"
    gone = market.sell(2, [{}], clock())
    before = channel.fetch_order(gone)
    market.orders[gone] |= {"revision": "r2", "status": "CANCELLED"}
    told = channel.acknowledge_order(before, "WC 2")
    assert told is None or told.outcome in (Outcome.APPLIED, Outcome.REJECTED)
    assert market.orders[gone]["fulfillment"]["status"] == "NEW"


def ship(channel: Any, form: str, lines: dict[str, int], carrier: str, tracking: str) -> Any:
    parts = tuple(ParcelLine(external_id=name, quantity=many) for name, many in lines.items())
    parcel = Parcel(reference=tracking, carrier=channel.carrier_code(carrier, tracking), tracking=tracking, lines=parts)
    return channel.confirm_shipment(channel.fetch_order(form), parcel)


def test_several_parcels_of_one_line(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    channel = connect()
    form = market.sell(1, [{"quantity": 3}, {}], clock())
    one, two = (item["id"] for item in market.orders[form]["lineItems"])
    assert ship(channel, form, {one: 1}, "InPost", "W1").outcome is Outcome.APPLIED
    assert (
        ship(channel, form, {one: 1, two: 1}, "Posta Obca sp. z o.o. i wspólnicy SKA", "W2").outcome is Outcome.APPLIED
    )
    first, second = market.parcels[form]
    assert (first["carrierId"], second["carrierId"]) == ("INPOST", "OTHER")
    assert second["carrierName"] == "Posta Obca sp. z o.o. i wspólnicy SKA"[:30]
    used = Refusal(409, "WAYBILL_LIMIT_EXCEEDED", ["Numer został użyty zbyt wiele razy"])
    market.trouble["createOrderShipmentsUsingPOST"] = [used] * 9
    result = ship(channel, form, {one: 1}, "InPost", "W3")
    assert result.outcome is Outcome.REJECTED, result
    assert "zbyt wiele razy" in result.message


@pytest.mark.parametrize(
    ("reason", "word"),
    [(RefundReason.RETURNED, "REFUND"), (RefundReason.DAMAGED, "COMPLAINT"), (RefundReason.GOODWILL, "REFUND")],
)
def test_the_reason_of_a_refund(
    market: Allegro, connect: Callable[..., Any], clock: Clock, reason: RefundReason, word: str
) -> None:
    channel, form = connect(), market.sell(1, [{}], clock())
    [line] = market.orders[form]["lineItems"]
    wish = ChannelRefund(line_id=line["id"], quantity=1, amount=Money.of("10", "PLN"), reason=reason)
    assert channel.refund(form, [wish], "R1").outcome is Outcome.SUBMITTED
    assert market.refunds[0]["told"]["reason"] == word


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (ReturnDecision.REFUSED, "REFUND_REJECTED"),
        (ReturnDecision.REPLACED, "NEW_ITEM_SENT"),
        (ReturnDecision.REPAIRED, "ITEM_FIXED"),
    ],
)
def test_how_a_return_is_decided(
    market: Allegro, connect: Callable[..., Any], clock: Clock, decision: ReturnDecision, code: str
) -> None:
    form = market.sell(1, [{}], clock(), fulfillment={"status": "SENT"})
    item = {"offerId": "17000000001", "quantity": 1, "name": "A", "reason": {"type": "NONE"}, "url": "https://a"}
    market.returned.append({
        "id": number(7), "orderId": form, "referenceNumber": "R", "items": [item], "parcels": [], "status": "DELIVERED",
        "marketplaceId": "allegro-pl", "at": clock(), "isFulfillment": False, "buyer": {"email": "a@b.pl", "login": "b"},
    })  # fmt: skip
    channel = connect()
    [found] = everything(channel.list_returns)
    done = channel.decide_return(found.lines[0].external_id, decision, 1, "Ż" * 300)
    assert done.outcome is Outcome.APPLIED, done
    assert market.returned[0]["rejection"]["code"] == code
    assert len(market.returned[0]["rejection"]["reason"]) <= 250
    assert channel.decide_return(found.lines[0].external_id, decision, 1).outcome is Outcome.APPLIED


def test_one_token_for_two(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    """A refresh token is good for one use; what another renewed is taken."""
    form = market.sell(1, [{}], clock())
    one, two = connect(), connect()
    for _ in range(3):
        market.tokens.clear()
        assert one.fetch_order(form).external_id == two.fetch_order(form).external_id == form
    market.tokens.clear()
    market.refresh = "used by somebody else"
    for channel in (one, two):
        with pytest.raises(Reauthorise):
            channel.fetch_order(form)


def test_what_was_paid_afterwards_and_who_gets_the_invoice(
    market: Allegro, connect: Callable[..., Any], clock: Clock
) -> None:
    """A surcharge is another payment of the same order, not more to be paid; an invoice may be a person's."""
    person = {
        "required": True, "dueDate": None, "features": [],
        "address": {
            "street": "Grunwaldzka 182", "city": "Poznań", "zipCode": "60-166", "countryCode": "PL",
            "naturalPerson": {"firstName": "Anna", "lastName": "Nowak"},
        },
    }  # fmt: skip
    del person["dueDate"]
    surcharge = {
        "id": number(77), "type": "ONLINE", "provider": "P24", "finishedAt": market.moment(clock()), "paidAmount": zloty("4.00"),
    }  # fmt: skip
    form = market.sell(1, [{"quantity": 2}], clock(), invoice=person, surcharges=[surcharge])
    order = connect().fetch_order(form)
    assert order.total == Money.of("20", "PLN")
    assert (order.bill_to.first_name, order.bill_to.last_name, order.bill_to.city) == ("Anna", "Nowak", "Poznań")


@pytest.mark.parametrize("kind", ["EXTENDED_TERM", "SPLIT_PAYMENT", "WIRE_TRANSFER"])
def test_however_it_is_paid(market: Allegro, connect: Callable[..., Any], clock: Clock, kind: str) -> None:
    form = market.sell(1, [{}], clock())
    market.orders[form]["payment"] |= {"type": kind, "provider": "EPT" if kind == "EXTENDED_TERM" else "AF"}
    channel = connect()
    [line] = channel.fetch_order(form).lines
    assert line.open == 1
    wish = ChannelRefund(line_id=line.external_id, quantity=1, amount=Money.of("10", "PLN"))
    assert channel.refund(form, [wish], "R1").outcome is Outcome.SUBMITTED


def later(market: Allegro, at: int, amount: str, paid_at: Any) -> dict[str, Any]:
    """What the buyer paid afterwards."""
    paid = {"type": "ONLINE", "provider": "P24", "finishedAt": market.moment(paid_at), "paidAmount": zloty(amount)}
    return {"id": number(at), **paid}


def given(market: Allegro) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each refund, all of it and what it takes of surcharges."""
    return [
        (
            one["told"]["totalValue"]["amount"],
            [(part["id"], part["value"]["amount"]) for part in one["told"].get("surcharges", [])],
        )
        for one in market.refunds
    ]


def test_who_cancels_all_of_an_order_pays_back_what_was_paid_afterwards(
    market: Allegro, connect: Callable[..., Any], clock: Clock
) -> None:
    """With the last line, and no cent twice."""
    paid = [later(market, 77, "4.00", clock()), later(market, 78, "1.50", clock())]
    form = market.sell(1, [{"quantity": 2}, {}], clock(), surcharges=paid)
    channel = connect()
    one, two = (item["id"] for item in market.orders[form]["lineItems"])
    for line, units in ((one, 2), (two, 1), (two, 1)):
        done = channel.cancel_line(form, line, units, CancelReason.OUT_OF_STOCK)
        assert done.outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert given(market) == [("20.00", []), ("15.50", [(number(77), "4.00"), (number(78), "1.50")])]


def test_a_delivery_that_was_paid_for_afterwards_is_paid_back_from_there(
    market: Allegro, connect: Callable[..., Any], clock: Clock
) -> None:
    form = market.sell(
        1, [{}], clock(), delivery={"cost": zloty("14.00")}, surcharges=[later(market, 77, "4.00", clock())]
    )
    market.orders[form]["payment"]["paidAmount"] = zloty("20.00")  # the price, and 10.00 of the delivery
    [line] = market.orders[form]["lineItems"]
    done = connect().cancel_line(form, line["id"], 1, CancelReason.OUT_OF_STOCK)
    assert done.outcome is Outcome.SUBMITTED, done
    assert given(market) == [("24.00", [(number(77), "4.00")])]
    assert market.refunds[0]["told"]["lineItems"] == [{"id": line["id"], "type": "QUANTITY", "quantity": 1}]


def test_a_return_is_paid_back_from_what_was_paid_afterwards_where_the_first_payment_is_short(
    market: Allegro, connect: Callable[..., Any], clock: Clock
) -> None:
    """The same again under the same number is the same refund."""
    form = market.sell(1, [{"quantity": 2}], clock(), surcharges=[later(market, 77, "4.00", clock())])
    market.orders[form]["payment"]["paidAmount"] = zloty("16.00")
    channel = connect()
    [line] = channel.fetch_order(form).lines
    wish = ChannelRefund(line_id=line.external_id, quantity=2, amount=Money.of("20", "PLN"))
    for _ in range(2):
        assert channel.refund(form, [wish], "R1").outcome is Outcome.SUBMITTED
        assert given(market) == [("20.00", [(number(77), "4.00")])]
    assert channel.refund(form, [wish], "R2").outcome is Outcome.REJECTED
