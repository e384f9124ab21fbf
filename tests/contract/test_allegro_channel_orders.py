"""The Allegro channel against its sandbox, over real HTTP: orders, parcels, cancellations, refunds, returns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.order import CancelReason, FulfilledBy, MarketplaceOrder, OrderPhase
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome, SubmissionState
from bridge.ports.errors import NotFound, UnknownOutcome
from channel_adapters.allegro.sandbox import create_sandbox
from tests.support.allegro import AT_ONCE, Account, money, parcel
from tests.support.serve import serve as serve_app


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    with serve_app(create_sandbox(**AT_ONCE)) as url:
        yield url


@pytest.fixture
def account(shared: str) -> Account:
    """Two offers with plenty of both."""
    account = Account(shared)
    account.control("POST", "reset")
    account.offer("A-1", stock=500)
    account.offer("B-1", stock=500, price=20)
    return account


def since(minutes: int = 10) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def all_changed(account: Account, minutes: int = 10) -> list[str]:
    """Everything a poll reads, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = account.channel.list_orders(since(minutes), cursor)
        found += [ref.external_id for ref in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


# Reading


def test_orders_are_read_by_the_time_of_their_change_and_none_is_missed(account: Account) -> None:
    bulk = account.control("POST", "orders/bulk", {"count": 230, "skus": ["A-1"], "force": True})["order_ids"]
    old, _ = account.order(placed_at=since(600).isoformat())
    first = account.channel.list_orders(since(), None)
    for order_id in bulk[:50]:  # what changes while it is read moves to the end of the list
        account.control("POST", f"orders/{order_id}/touch")
    found = [ref.external_id for ref in first.items]
    cursor = first.next_cursor
    while cursor is not None:
        page = account.channel.list_orders(since(), cursor)
        found += [ref.external_id for ref in page.items]
        cursor = page.next_cursor
    assert set(found) == set(bulk)
    assert old not in found
    assert old in all_changed(account, 700)


def test_the_journal_tells_what_the_list_does_not(account: Account) -> None:
    order_id, _ = account.order(placed_at=since(600).isoformat())
    assert all_changed(account) == []  # the journal begins here
    account.control("POST", f"orders/{order_id}/status", {"status": "SENT"})
    account.control("POST", f"orders/{order_id}/status", {"status": "PICKED_UP"})
    page = account.channel.list_orders(since(), account.channel.list_orders(since(), None).next_cursor)
    [ref] = page.items
    order = account.channel.fetch_order(order_id)
    assert (ref.external_id, order.lines[0].open, ref.mark != order.list_mark) == (order_id, 0, True)
    assert all_changed(account) == []
    new, _ = account.order()
    assert all_changed(account) == [new]  # in the list, so its event is no news


def test_marks_change_with_the_order_and_only_then(account: Account) -> None:
    order_id, _ = account.order()
    marks = [account.channel.list_orders(since(), None).items[0].mark for _ in range(2)]
    assert marks == [account.channel.fetch_order(order_id).list_mark] * 2
    account.control("POST", f"orders/{order_id}/touch")
    touched = account.channel.list_orders(since(), None).items[0].mark
    account.control("POST", f"orders/{order_id}/status", {"status": "PROCESSING"})
    assert len({*marks, touched, account.channel.list_orders(since(), None).items[0].mark}) == 3


def test_an_order_is_whole_to_the_grosz(account: Account) -> None:
    company = {"name": "Firma", "ids": [{"type": "PL_NIP", "value": "5252674798"}], "vatPayerStatus": "ACTIVE"}
    place = {"street": "Polna 3", "city": "Poznań", "zipCode": "60-166", "countryCode": "PL", "company": company}
    bill = {"required": True, "address": place}
    line = {"unit_price": 33.33, "original_price": 40, "service": 5, "deposit": 0.5, "tax_rate": "23.00"}
    more = {"delivery_cost": 9.99, "pickup": True, "message": "Proszę zapakować.", "marketplace": "allegro-business-cz"}
    order_id, _ = account.order("A-1", quantity=3, line=line, invoice=bill, **more)
    order = account.channel.fetch_order(order_id)
    [sold] = order.lines
    assert (order.phase, order.site, order.currency) == (OrderPhase.READY, "allegro-cz", "CZK")
    assert (sold.unit_price, sold.total) == (money("33.33", "CZK"), money("116.49", "CZK"))
    assert (sold.discount, sold.tax) == (money("20.01", "CZK"), money("21.78", "CZK"))
    assert order.total == money(order.raw["summary"]["totalToPay"]["amount"], "CZK")
    assert (sold.sku, sold.fulfilled_by, sold.ship_by is not None) == ("A-1", FulfilledBy.MERCHANT, True)
    assert order.shipping_method == order.ship_to.extra["delivery_method"] != ""
    assert (order.note, order.ship_to.extra["pickup_point"]) == ("Proszę zapakować.", "POZ08A")
    assert order.bill_to is not None
    assert (order.bill_to.company, order.bill_to.vat_number, order.bill_to.city) == ("Firma", "5252674798", "Poznań")
    assert order.ship_to.email.endswith("@user.allegromail.example")
    for unknown in ("00000000-0000-4000-8000-000000000000", "odd/../id"):
        with pytest.raises(NotFound):
            account.channel.fetch_order(unknown)


def test_unpaid_orders_wait_and_cancelled_ones_say_so(account: Account) -> None:
    bought, _ = account.order(status="BOUGHT")
    filled, lines = account.order(status="FILLED_IN")
    assert {account.channel.fetch_order(key).phase for key in (bought, filled)} == {OrderPhase.PENDING}
    early = account.channel.cancel_line(filled, lines[0], 1, CancelReason.OUT_OF_STOCK)
    assert (early.outcome, "not paid" in early.message) == (Outcome.REJECTED, True)
    assert account.channel.list_open_orders(None).items == ()
    account.control("POST", f"orders/{filled}/pay")
    assert account.channel.fetch_order(filled).phase is OrderPhase.READY
    account.control("POST", f"orders/{filled}/request-cancellation")
    order = account.channel.fetch_order(filled)
    assert (order.lines[0].cancelled, order.lines[0].open) == (1, 0)


def test_purchases_paid_for_together_are_one_new_order_with_the_same_lines(account: Account) -> None:
    all_changed(account)
    keys = [account.order(status=status)[0] for status in ("BOUGHT", "FILLED_IN")]
    unpaid = [account.channel.fetch_order(key).lines[0].external_id for key in keys]
    joined = account.control("POST", "orders/join", {"order_ids": keys})["order_id"]
    assert set(all_changed(account)) == {joined, *keys}  # the journal still tells of those that are gone
    order = account.channel.fetch_order(joined)
    assert ([line.external_id for line in order.lines], order.takes_over) == (unpaid, True)
    for key in keys:
        with pytest.raises(NotFound):
            account.channel.fetch_order(key)


def test_open_orders_are_those_not_sent_in_any_of_the_sellers_states(account: Account) -> None:
    keys = [account.order()[0] for _ in range(4)]
    for key, status in zip(keys, ("PROCESSING", "SUSPENDED", "SENT", "CANCELLED"), strict=True):
        account.control("POST", f"orders/{key}/status", {"status": status})
    keys.append(account.order()[0])
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = account.channel.list_open_orders(cursor)
        found |= {ref.external_id for ref in page.items}
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == {keys[0], keys[1], keys[4]}


def test_orders_of_one_fulfillment_are_left_alone_or_shown(account: Account) -> None:
    order_id, _ = account.order(provider="ALLEGRO")
    assert all_changed(account) == []
    with pytest.raises(NotFound, match="settings"):
        account.channel.fetch_order(order_id)
    showing = Account(str(account.http.base_url), settings={"import_one_fulfilment": True})
    assert all_changed(showing) == [order_id]
    order = showing.channel.fetch_order(order_id)
    assert order.lines[0].fulfilled_by is FulfilledBy.CHANNEL
    assert showing.channel.acknowledge_order(order, "1") is None


# The seller's status and parcels


def test_a_new_order_is_marked_as_being_processed_in_the_revision_that_was_read(account: Account) -> None:
    order_id, _ = account.order()
    order = account.channel.fetch_order(order_id)
    account.control("POST", f"orders/{order_id}/touch")
    result = account.channel.acknowledge_order(order, "1001")
    assert result is not None
    assert (result.outcome, account.placed(order_id)["fulfilment"]) == (Outcome.APPLIED, "PROCESSING")
    assert [item["status"] for item in account.seen("setOrderFulfillmentUsingPUT")] == [409, 204]
    assert account.channel.acknowledge_order(account.channel.fetch_order(order_id), "1001") is None
    account.control("POST", f"orders/{order_id}/touch")
    account.control("POST", f"orders/{order_id}/status", {"status": "SUSPENDED"})
    assert account.channel.acknowledge_order(order, "1001") is not None
    assert account.placed(order_id)["fulfilment"] == "SUSPENDED"


def test_parcels_are_confirmed_line_by_line_and_the_last_one_sends_the_order(account: Account) -> None:
    order_id, (first, second) = account.order("A-1", "B-1")
    order = account.channel.fetch_order(order_id)
    assert account.channel.confirm_shipment(order, parcel([(first, 1)], "P-1")).outcome is Outcome.APPLIED
    order = account.channel.fetch_order(order_id)
    assert [(line.shipped, line.open) for line in order.lines] == [(1, 0), (0, 1)]
    assert account.placed(order_id)["fulfilment"] == "NEW"
    code = account.channel.carrier_code("Gołębie", "P-2")
    assert account.channel.confirm_shipment(order, parcel([(second, 1)], "P-2", code)).outcome is Outcome.APPLIED
    placed = account.placed(order_id)
    assert placed["fulfilment"] == "SENT"
    assert [(item["carrier"], item["tracking"]) for item in placed["shipments"]] == [("DHL", "P-1"), ("Gołębie", "P-2")]


def test_units_of_one_line_in_several_parcels_are_known_by_what_was_confirmed(account: Account) -> None:
    order_id, (line,) = account.order(quantity=5)
    order = account.channel.fetch_order(order_id)
    assert account.channel.confirm_shipment(order, parcel([(line, 3)], "P-1")).outcome is Outcome.APPLIED
    order = account.channel.fetch_order(order_id)
    assert (order.lines[0].shipped, account.placed(order_id)["fulfilment"]) == (1, "NEW")
    told = order.lines[0].model_copy(update={"shipped": 3})  # as the engine knows it
    order = order.model_copy(update={"lines": (told,)})
    assert account.channel.confirm_shipment(order, parcel([(line, 2)], "P-2")).outcome is Outcome.APPLIED
    assert account.placed(order_id)["fulfilment"] == "SENT"
    assert account.channel.fetch_order(order_id).lines[0].shipped == 5


def test_a_parcel_whose_answer_is_lost_is_not_added_twice(account: Account) -> None:
    order_id, (line,) = account.order()
    order: MarketplaceOrder = account.channel.fetch_order(order_id)
    account.fault("reset", "createOrderShipmentsUsingPOST")
    with pytest.raises(UnknownOutcome):
        account.channel.confirm_shipment(order, parcel([(line, 1)]))
    assert account.channel.confirm_shipment(order, parcel([(line, 1)])).outcome is Outcome.APPLIED
    placed = account.placed(order_id)
    assert (len(placed["shipments"]), placed["fulfilment"]) == (1, "SENT")
    long = account.channel.confirm_shipment(order, parcel([(line, 1)], "X" * 65))
    assert (long.outcome, long.field) == (Outcome.REJECTED, "tracking")
    other = account.channel.confirm_shipment(order, parcel([("00000000-0000-4000-8000-000000000000", 1)], "P-9"))
    assert other.outcome is Outcome.REJECTED
    gone = order.model_copy(update={"external_id": "00000000-0000-4000-8000-000000000000"})
    assert account.channel.confirm_shipment(gone, parcel([(line, 1)])).outcome is Outcome.MISSING


# Cancellations and refunds


def test_a_cancellation_pays_back_and_the_last_one_marks_the_order(account: Account) -> None:
    order_id, (first, second) = account.order("A-1", "B-1", quantity=2, delivery_cost=9.99)
    result = account.channel.cancel_line(order_id, first, 1, CancelReason.OUT_OF_STOCK)
    assert account.end_of(result).state is SubmissionState.DONE
    assert [line.cancelled for line in account.channel.fetch_order(order_id).lines] == [1, 0]
    account.channel.cancel_line(order_id, second, 2, CancelReason.BUYER_REQUEST)
    assert account.placed(order_id)["fulfilment"] == "NEW"
    account.channel.cancel_line(order_id, first, 1, CancelReason.OUT_OF_STOCK)
    placed = account.placed(order_id)
    assert placed["fulfilment"] == "CANCELLED"
    paid = [(item["reason"], item["total"]["amount"], item["delivery"] is not None) for item in placed["refunds"]]
    assert paid == [
        ("PRODUCT_NOT_AVAILABLE", "49.99", False),
        ("CANCELLED_BY_BUYER", "40.00", False),
        ("PRODUCT_NOT_AVAILABLE", "59.98", True),
    ]
    assert [line.open for line in account.channel.fetch_order(order_id).lines] == [0, 0]
    assert account.channel.cancel_line(order_id, first, 1, CancelReason.OTHER).outcome is Outcome.APPLIED
    assert len(account.placed(order_id)["refunds"]) == 3
    assert account.channel.cancel_line(order_id, "none", 1, CancelReason.OTHER).outcome is Outcome.MISSING


def test_what_is_left_after_a_cancellation_may_be_sent_already(account: Account) -> None:
    order_id, (first, second) = account.order("A-1", "B-1")
    order = account.channel.fetch_order(order_id)
    account.channel.confirm_shipment(order, parcel([(first, 1)]))
    account.channel.cancel_line(order_id, second, 1, CancelReason.OUT_OF_STOCK)
    assert account.placed(order_id)["fulfilment"] == "SENT"
    order = account.channel.fetch_order(order_id)
    assert [(line.shipped, line.open) for line in order.lines] == [(1, 0), (0, 0)]


def test_a_cancellation_whose_answer_is_lost_pays_once(account: Account) -> None:
    order_id, (line,) = account.order(quantity=2)
    account.fault("reset", "initiateRefund")
    result = account.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert (len(account.placed(order_id)["refunds"]), len(account.seen("initiateRefund"))) == (1, 2)


def test_what_is_paid_on_delivery_is_cancelled_whole_or_not_at_all(account: Account) -> None:
    order_id, (line,) = account.order(quantity=2, payment="CASH_ON_DELIVERY")
    now = [datetime.now(UTC)]
    patient = Account(str(account.http.base_url), clock=lambda: now[0])
    assert patient.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.RETRY
    now[0] += timedelta(minutes=11)
    part = patient.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert (part.outcome, account.placed(order_id)["fulfilment"]) == (Outcome.REJECTED, "NEW")
    assert patient.channel.cancel_line(order_id, line, 2, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    assert (account.placed(order_id)["fulfilment"], account.placed(order_id)["refunds"]) == ("CANCELLED", [])
    back = ChannelRefund(line_id=line, quantity=1, amount=money("49.99"))
    assert "bank transfer" in account.channel.refund(order_id, [back], "r-1").message
    both, lines = account.order("A-1", "B-1", payment="CASH_ON_DELIVERY")
    results = [
        account.channel.cancel_line(both, key, 1, CancelReason.OUT_OF_STOCK).outcome for key in (*lines, lines[0])
    ]
    assert results == [Outcome.RETRY, Outcome.APPLIED, Outcome.APPLIED]
    sent, (other,) = account.order()
    account.control("POST", f"orders/{sent}/status", {"status": "SENT"})
    late = account.channel.cancel_line(sent, other, 1, CancelReason.OUT_OF_STOCK)
    assert (late.outcome, "sent" in late.message) == (Outcome.REJECTED, True)


def test_the_commission_is_claimed_back_once_where_the_merchant_wants_it(account: Account) -> None:
    claiming = Account(str(account.http.base_url), settings={"claim_commission": True})
    order_id, (line,) = account.order(quantity=2)
    for _ in range(2):
        claiming.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert account.placed(order_id)["lines"][0]["claims"] == 1
    order_id, (line,) = account.order()
    account.fault("error", "createRefundApplication", params={"status": 422, "body": "{}"})
    result = claiming.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert (account.placed(order_id)["fulfilment"], "Refunded, but" in result.message) == ("CANCELLED", True)


def test_a_refund_is_paid_once_under_its_reference(account: Account) -> None:
    order_id, (line,) = account.order(quantity=3, delivery_cost=9.99)
    whole = ChannelRefund(line_id=line, quantity=2, amount=money("99.98"), shipping=money("9.99"))
    result = account.channel.refund(order_id, [whole], "SB-refund-1")
    assert account.end_of(result).state is SubmissionState.DONE
    assert account.channel.refund(order_id, [whole], "SB-refund-1").outcome is Outcome.APPLIED
    part = ChannelRefund(
        line_id=line, quantity=1, amount=money("10.00"), reason=RefundReason.GOODWILL, code="COMPLAINT"
    )
    account.channel.refund(order_id, [part], "SB-refund-2")
    paid = account.placed(order_id)["refunds"]
    assert [(item["reason"], item["total"]["amount"]) for item in paid] == [
        ("REFUND", "109.97"),
        ("COMPLAINT", "10.00"),
    ]
    assert [item["lineItems"][0]["type"] for item in paid] == ["QUANTITY", "AMOUNT"]
    assert account.channel.fetch_order(order_id).lines[0].cancelled == 0
    wrong = part.model_copy(update={"amount": money("10.00", "EUR")})
    assert account.channel.refund(order_id, [wrong], "SB-refund-3").field == "currency"
    many = whole.model_copy(update={"quantity": 3, "amount": money("149.97")})
    assert account.channel.refund(order_id, [many], "SB-refund-4").outcome is Outcome.REJECTED


def test_what_was_paid_beside_the_price_is_given_back_as_what_it_was(account: Account) -> None:
    """Three units at 10.00, each with a deposit of 0.50 and a service of 5.00: 46.50, of which Allegro takes no more
    back as price than the price."""
    paid_for = {"unit_price": 10, "service": 5, "deposit": 0.5}
    order_id, (line,) = account.order(quantity=3, line=paid_for)
    assert account.channel.fetch_order(order_id).lines[0].total == money("46.50")
    one = ChannelRefund(line_id=line, quantity=1, amount=money("15.50"))
    for number in range(3):
        account.end_of(account.channel.refund(order_id, [one], f"R-{number}"))
    first, _, _ = account.placed(order_id)["refunds"]
    assert (first["lineItems"][0]["type"], first["total"]["amount"]) == ("QUANTITY", "15.50")
    assert (first["deposits"][0]["totalValue"]["amount"], first["additionalServices"]["value"]["amount"]) == (
        "0.50",
        "5.00",
    )
    order_id, (line,) = account.order(quantity=3, line=paid_for)
    amount = ChannelRefund(line_id=line, quantity=0, amount=money("31.00"), reason=RefundReason.GOODWILL)
    account.end_of(account.channel.refund(order_id, [amount], "R-amount"))
    [part] = account.placed(order_id)["refunds"]
    assert (part["lineItems"][0]["value"]["amount"], part["deposits"][0]["totalValue"]["amount"]) == ("30.00", "1.00")
    order_id, (line,) = account.order(quantity=3, line=paid_for)
    for units in (1, 2):
        account.end_of(account.channel.cancel_line(order_id, line, units, CancelReason.OUT_OF_STOCK))
    assert sum(float(item["total"]["amount"]) for item in account.placed(order_id)["refunds"]) == 46.5


def test_an_amount_after_earlier_refunds_is_of_what_is_left(account: Account) -> None:
    paid_for = {"unit_price": 10, "service": 5, "deposit": 0.5}
    order_id, (line,) = account.order(quantity=3, line=paid_for)
    one = ChannelRefund(line_id=line, quantity=1, amount=money("15.50"))
    account.end_of(account.channel.refund(order_id, [one], "R-1"))
    some = ChannelRefund(line_id=line, quantity=0, amount=money("20.00"), reason=RefundReason.GOODWILL)
    account.end_of(account.channel.refund(order_id, [some], "R-2"))
    rest = some.model_copy(update={"amount": money("11.00")})
    account.end_of(account.channel.refund(order_id, [rest], "R-3"))
    assert account.channel.refund(order_id, [rest], "R-3").outcome is Outcome.APPLIED
    last = account.placed(order_id)["refunds"][-1]
    assert len(account.placed(order_id)["refunds"]) == 3
    assert (last["lineItems"], last["deposits"][0]["totalValue"]["amount"]) == ([], "1.00")
    assert (last["additionalServices"]["value"]["amount"], last["total"]["amount"]) == ("10.00", "11.00")
    more = account.channel.refund(order_id, [some], "R-4")
    assert (more.outcome, len(account.placed(order_id)["refunds"])) == (Outcome.REJECTED, 3)


# Returns


def test_returns_come_with_their_order_lines_and_end_with_the_refund(account: Account) -> None:
    order_id, (first, second) = account.order("A-1", "B-1", quantity=2)
    lines = [{"sku": "A-1", "quantity": 2, "reason": "DAMAGED"}, {"sku": "B-1", "quantity": 1}]
    on_its_way = {"order_id": order_id, "lines": lines, "status": "IN_TRANSIT"}
    account.control("POST", "returns", on_its_way)
    [back] = account.channel.list_returns(None).items
    assert [(line.order_line_id, line.sku, line.quantity) for line in back.lines] == [
        (first, "A-1", 2),
        (second, "B-1", 1),
    ]
    assert (back.lines[0].reason, back.lines[0].received, back.lines[0].handled) == ("DAMAGED", False, False)
    many = account.channel.decide_return(back.lines[0].external_id, ReturnDecision.REFUSED, 1)
    assert (many.outcome, "whole return" in many.message) == (Outcome.REJECTED, True)
    assert (
        account.channel.decide_return(back.lines[0].external_id, ReturnDecision.ACCEPTED, 2).outcome is Outcome.APPLIED
    )
    refund = ChannelRefund(line_id=first, quantity=2, amount=money("99.98"))
    account.end_of(account.channel.refund(order_id, [refund], "ref"))
    assert account.channel.list_returns(None).items[0].lines[0].handled


@pytest.mark.parametrize(
    ("decision", "code", "words"),
    [
        (ReturnDecision.REFUSED, "REFUND_REJECTED", "Nie przyjmiemy."),
        (ReturnDecision.KEPT_BY_BUYER, "REFUND_REJECTED", "Zgodnie z ustaleniami"),
        (ReturnDecision.REPLACED, "NEW_ITEM_SENT", ""),
        (ReturnDecision.REPAIRED, "ITEM_FIXED", ""),
    ],
)
def test_what_is_not_paid_back_is_refused_in_allegros_word(
    account: Account, decision: ReturnDecision, code: str, words: str
) -> None:
    order_id, _ = account.order()
    account.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1"}]})
    own = Account(str(account.http.base_url), settings={"return_refusal": "Nie przyjmiemy."})
    key = own.channel.list_returns(None).items[0].lines[0].external_id
    for _ in range(2):
        assert own.channel.decide_return(key, decision, 1).outcome is Outcome.APPLIED
    [shown] = account.control("GET", "returns")
    assert (shown["rejection"]["code"], shown["rejection"]["reason"].startswith(words)) == (code, True)
    assert own.channel.list_returns(None).items[0].lines[0].handled
    assert own.channel.decide_return("none:1", decision, 1).outcome is Outcome.MISSING
