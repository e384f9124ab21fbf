"""The eBay channel against its sandbox, over real HTTP: orders, shipments, cancellations, refunds, returns."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome, SubmissionState
from bridge.ports.errors import NotFound, RetryLater, Superseded, UnknownOutcome
from bridge.ports.http import before_write
from tests.support.ebay import Account, Open, Serve, all_pages, euro, opener, parcel


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


@pytest.fixture
def account(open_account: Open) -> Account:
    """With two offers."""
    made = open_account()
    made.offer(stock=500)
    made.offer("B-1", stock=500, price=5)
    return made


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=10)


def changed(account: Account, since: datetime | None = None) -> list[str]:
    return [ref.external_id for ref in all_pages(lambda cursor: account.channel.list_orders(since or lately(), cursor))]


def waiting(account: Account) -> list[str]:
    return [ref.external_id for ref in all_pages(account.channel.list_open_orders)]


def ask(account: Account, order_id: str) -> str:
    return str(account.control("POST", f"orders/{order_id}/request-cancellation", {})["cancel_id"])


def back(line: str, amount: str = "3.00", **more: object) -> ChannelRefund:
    return ChannelRefund(line_id=line, quantity=1, amount=euro(amount), reason=RefundReason.DAMAGED).model_copy(
        update=more
    )


# Lists


def test_orders_by_their_last_change_in_pages(account: Account) -> None:
    assert changed(account) == waiting(account) == []
    many = account.control("POST", "orders/bulk", {"count": 205, "skus": ["A-1", "B-1"], "force": True})["order_ids"]
    old = account.order(placed_at=(datetime.now(UTC) - timedelta(days=3)).isoformat())[0]
    assert set(changed(account)) == set(many)
    assert set(changed(account, datetime.now(UTC) - timedelta(days=4))) == {*many, old}
    assert len(set(waiting(account))) == 206
    asked = [entry["path"] for entry in account.sent("getOrders")]
    assert all("fieldGroups=TAX_BREAKDOWN" in path and "[" not in path for path in asked)
    assert any("lastmodifieddate%3A%5B" in path and "creationdate" not in path for path in asked)
    assert {path.rpartition("offset=")[2].partition("&")[0] for path in asked} == {"0", "175"}


def test_a_list_tells_what_it_knows_whole_and_leaves_the_rest_to_the_order(account: Account) -> None:
    plain, asked, partly = (account.order(quantity=2)[0] for _ in range(3))
    ask(account, asked)
    line = account.channel.fetch_order(partly).lines[0].external_id
    account.channel.confirm_shipment(account.channel.fetch_order(partly), parcel(line))
    refs = {ref.external_id: ref for ref in account.channel.list_orders(lately(), None).items}
    assert [refs[key].order is not None for key in (plain, asked, partly)] == [True, False, False]
    for key, ref in refs.items():
        assert ref.mark == account.channel.fetch_order(key).list_mark
    assert [line.cancellation_requested for line in account.channel.fetch_order(asked).lines] == [True]
    assert [line.shipped for line in account.channel.fetch_order(partly).lines] == [1]


def test_lists_end_whatever_the_other_side_says(account: Account) -> None:
    account.order()
    account.fault("stuck_cursor", "getOrders", times=3)
    page = account.channel.list_open_orders(None)
    assert page.next_cursor == "1"
    assert account.channel.list_open_orders(page.next_cursor).next_cursor == "2"  # the engine stops at the same page
    account.fault("mutate", "getOrders", params={"set": {"orders": []}})
    assert account.channel.list_open_orders("5").next_cursor is None
    account.fault("mutate", "getOrders", params={"set": {"orders.0.orderId": None}})
    with pytest.raises(RetryLater):
        account.channel.list_open_orders(None)


def test_what_ebay_ships_itself_is_left_alone_unless_wanted(account: Account) -> None:
    order_id, _ = account.order(by_ebay=True)
    assert (changed(account), waiting(account)) == ([], [])
    both = Account(account.url, settings={"import_fbe": True})
    assert changed(both) == [order_id]
    order = both.channel.fetch_order(order_id)
    assert (order.lines[0].fulfilled_by, order.ship_to.name) == (FulfilledBy.CHANNEL, "")


# One order


def test_an_order_in_full(account: Account) -> None:
    line = {"unit_price": 19.99, "shipping": 4.99, "discount": 2}
    order_id, key = account.order(quantity=2, line=line, more_lines=[{"sku": "B-1", "shipping": 1}], note="Ring twice")
    order = account.channel.fetch_order(order_id)
    first, second = order.lines
    assert (first.external_id, first.sku, first.quantity, first.open) == (key, "A-1", 2, 2)
    assert (first.unit_price.text(), first.total.text(), first.discount) == ("19.99 EUR", "37.98 EUR", euro("2.00"))
    assert (second.total.text(), order.shipping, order.total.text()) == ("5.00 EUR", euro("5.99"), "48.97 EUR")
    assert (order.site, order.phase, order.note) == ("EBAY_DE", OrderPhase.READY, "Ring twice")
    assert (order.ship_to.first_name, order.ship_to.last_name) == ("Jürgen", "Müller-Lüdenscheidt")
    assert (order.ship_to.street, order.ship_to.country) == ("An der alten Bahn 112", "DE")
    assert (first.ship_by or lately()) > datetime.now(UTC) + timedelta(days=1)
    assert order.bill_to is not None
    assert account.channel.acknowledge_order(order, "1001") is None
    with pytest.raises(NotFound):
        account.channel.fetch_order("NONE")


def test_taxes_that_ebay_collects_and_its_shipping_centre(account: Account) -> None:
    order_id, _ = account.order(line={"unit_price": 10, "shipping": 5, "tax": 3}, tax_by_ebay=True, hub=True)
    order = account.channel.fetch_order(order_id)
    assert (order.tax_by_channel, order.total.text()) == (True, "18.00 EUR")
    assert (order.lines[0].total, order.lines[0].tax) == (euro("13.00"), euro("3.00"))
    assert (order.ship_to.name, order.ship_to.extra["reference"]) == ("eBay Hub", "REF-1")
    assert order.shipping_method == order.ship_to.extra["service"] != ""
    assert "Dresden" in order.ship_to.extra["final_destination"]


def test_an_unpaid_order_is_kept_back_until_it_is_paid(account: Account) -> None:
    order_id, _ = account.order(paid=False)
    before = account.channel.fetch_order(order_id)
    account.control("POST", f"orders/{order_id}/pay", {})
    after = account.channel.fetch_order(order_id)
    assert (before.phase, after.phase, before.list_mark != after.list_mark) == (
        OrderPhase.PENDING,
        OrderPhase.READY,
        True,
    )


def test_an_order_of_another_marketplace_has_the_stores_sku(account: Account) -> None:
    account.offer("A-1_EBAY_FR", site="EBAY_FR")
    order_id, _ = account.order("A-1_EBAY_FR")
    order = account.channel.fetch_order(order_id)
    assert (order.site, order.lines[0].sku) == ("EBAY_FR", "A-1")


# Shipments


def test_parts_of_lines_in_several_parcels(account: Account) -> None:
    order_id, key = account.order(quantity=3, more_lines=[{"sku": "B-1"}])
    other = account.placed(order_id)["lines"][1]["line_id"]
    at = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
    order = account.channel.fetch_order(order_id)
    assert (
        account.channel.confirm_shipment(order, parcel(key, shipped_at=at, tracking="JD 01-23")).outcome.value
        == "applied"
    )
    order = account.channel.fetch_order(order_id)
    assert [(line.shipped, line.open) for line in order.lines] == [(1, 2), (0, 1)]
    rest = parcel(key, quantity=2, tracking="JD0456", carrier="Hermes")
    assert account.channel.confirm_shipment(order, rest).outcome is Outcome.APPLIED
    assert [line.shipped for line in account.channel.fetch_order(order_id).lines] == [3, 0]
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(other, tracking="JD0789"))
    shipments = account.placed(order_id)["shipments"]
    assert [(item["carrier"], item["tracking"]) for item in shipments] == [
        ("DHL", "JD0123"),
        ("Hermes", "JD0456"),
        ("DHL", "JD0789"),
    ]
    assert '"shippedDate":"2026-11-26T12:30:00.000Z"' in account.sent("createShippingFulfillment")[0]["body"]
    assert (waiting(account), changed(account)) == ([], [order_id])


def test_a_parcel_is_not_confirmed_twice(account: Account) -> None:
    order_id, key = account.order(quantity=2)
    account.fault("reset", "createShippingFulfillment")
    with pytest.raises(UnknownOutcome):
        account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key))
    order = account.channel.fetch_order(order_id)
    assert account.channel.confirm_shipment(order, parcel(key)).outcome is Outcome.APPLIED
    assert len(account.placed(order_id)["shipments"]) == 1
    account.fault("html", "createShippingFulfillment")
    with pytest.raises(UnknownOutcome):
        account.channel.confirm_shipment(order, parcel(key, tracking="JD0456"))


def test_shipments_that_are_refused(account: Account) -> None:
    order_id, key = account.order()
    order = account.channel.fetch_order(order_id)
    for wrong in (parcel(key, quantity=2), parcel("99")):
        result = account.channel.confirm_shipment(order, wrong)
        assert (result.outcome, "eBay" in result.message) == (Outcome.REJECTED, True)
    gone = order.model_copy(update={"external_id": "99-99999-99999"})
    assert account.channel.confirm_shipment(gone, parcel(key)).outcome is Outcome.MISSING

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.confirm_shipment(order, parcel(key))
    assert account.placed(order_id)["shipments"] == []


def test_carriers_by_ebays_codes(account: Account) -> None:
    given = ["dhl", "DHL Paket", "dpd", "deutsche post", "Hermes", "Fahrradkurier Nord", ""]
    codes = [account.channel.carrier_code(name, "1") for name in given]
    assert codes == ["DHL", "DHL", "DPD", "DeutschePost", "Hermes", "FahrradkurierNord", "Other"]


# Cancellations


def test_an_order_is_cancelled_and_followed_to_the_end(open_account: Open) -> None:
    account = open_account({"cancel_seconds": 0.3})
    account.offer()
    order_id, key = account.order(quantity=2)
    result = account.channel.cancel_line(order_id, key, 2, CancelReason.OUT_OF_STOCK)
    assert account.channel.follow([result.submission or ""])[0].state is SubmissionState.PENDING
    assert account.end_of(result)[0] is SubmissionState.DONE
    assert [line.cancelled for line in account.channel.fetch_order(order_id).lines] == [2]
    body = account.sent("createCancellation")[0]["body"]
    assert ("OUT_OF_STOCK_OR_CANNOT_FULFILL" in body, "buyerPaidDate" in body) == (True, True)
    assert account.channel.cancel_line(order_id, key, 2, CancelReason.OTHER).outcome is Outcome.APPLIED
    assert waiting(account) == []


def test_what_cannot_be_cancelled(account: Account) -> None:
    order_id, key = account.order(quantity=2)
    half = account.channel.cancel_line(order_id, key, 1, CancelReason.OUT_OF_STOCK)
    assert (half.outcome, "whole orders only" in half.message) == (Outcome.REJECTED, True)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key, quantity=2))
    sent = account.channel.cancel_line(order_id, key, 2, CancelReason.OTHER)
    assert (sent.outcome, "LINEITEM_SHIPPED" in sent.message) == (Outcome.REJECTED, True)
    assert account.channel.cancel_line(order_id, "9", 1, CancelReason.OTHER).outcome is Outcome.MISSING


def test_one_line_of_several_is_paid_back(account: Account) -> None:
    order_id, key = account.order(line={"unit_price": 10, "shipping": 3}, more_lines=[{"sku": "B-1"}])
    result = account.channel.cancel_line(order_id, key, 1, CancelReason.OUT_OF_STOCK)
    assert account.end_of(result)[0] is SubmissionState.DONE
    first, second = account.channel.fetch_order(order_id).lines
    assert (first.cancelled, second.cancelled, first.open) == (1, 0, 0)
    body = account.sent("issueRefund")[0]["body"]
    assert ('"SELLER_CANCEL"' in body, '"value":"10.00"' in body) == (True, True)


def test_with_the_last_line_the_delivery_of_all_is_paid_back(account: Account) -> None:
    lines = [{"sku": "B-1", "unit_price": 5, "shipping": 1}]
    order_id, key = account.order(line={"unit_price": 10, "shipping": 3}, more_lines=lines)
    paid = account.channel.fetch_order(order_id).total
    for line in (key, account.placed(order_id)["lines"][1]["line_id"]):
        account.end_of(account.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK))
    refunds = account.placed(order_id)["refunds"]
    assert sum(Decimal(item["amount"]) for item in refunds) == paid.amount == 19
    assert [line.cancelled for line in account.channel.fetch_order(order_id).lines] == [1, 1]


def test_a_buyers_wish_is_granted_or_refused_with_the_parcel_that_is_on_its_way(account: Account) -> None:
    granted, line = account.order(quantity=2)
    ask(account, granted)
    result = account.channel.cancel_line(granted, line, 1, CancelReason.BUYER_REQUEST)
    assert account.end_of(result)[0] is SubmissionState.DONE
    assert [item.cancelled for item in account.channel.fetch_order(granted).lines] == [2]
    refused, line = account.order()
    ask(account, refused)
    account.channel.confirm_shipment(account.channel.fetch_order(refused), parcel(line))
    for _ in range(2):  # for each of its lines
        assert account.channel.refuse_cancellation(refused, line).outcome is Outcome.APPLIED
    bodies = [entry["body"] for entry in account.sent("rejectCancellation")]
    assert (len(bodies), '"trackingNumber":"JD0123"' in bodies[0]) == (1, True)
    assert [item.cancellation_requested for item in account.channel.fetch_order(refused).lines] == [False]
    empty, line = account.order()
    ask(account, empty)
    assert account.channel.refuse_cancellation(empty, line).outcome is Outcome.APPLIED
    assert account.sent("rejectCancellation")[-1]["body"] == "{}"


def test_while_an_order_is_being_cancelled_nothing_else_of_it_is_paid_back(open_account: Open) -> None:
    account = open_account({"cancel_seconds": 60})
    account.offer()
    account.offer("B-1")
    granted, first = account.order(more_lines=[{"sku": "B-1"}])
    ask(account, granted)
    second = account.placed(granted)["lines"][1]["line_id"]
    results = [account.channel.cancel_line(granted, line, 1, CancelReason.BUYER_REQUEST) for line in (first, second)]
    assert results[0].submission == results[1].submission is not None
    assert account.sent("issueRefund") == []
    mine, line = account.order()
    account.fault("reset", "createCancellation")
    with pytest.raises(UnknownOutcome):
        account.channel.cancel_line(mine, line, 1, CancelReason.OUT_OF_STOCK)
    again = account.channel.cancel_line(mine, line, 1, CancelReason.OUT_OF_STOCK)
    assert (again.outcome, len(account.sent("createCancellation"))) == (Outcome.SUBMITTED, 1)


def test_the_merchant_cancels_what_the_buyer_has_asked_to_cancel(account: Account) -> None:
    order_id, line = account.order()
    ask(account, order_id)
    result = account.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert account.end_of(result)[0] is SubmissionState.DONE
    assert (len(account.sent("approveCancellation")), account.sent("createCancellation")) == (1, [])


def test_without_a_signature_the_merchant_is_told_what_is_missing(account: Account) -> None:
    unsigned = Account(account.url, credentials={"signing_key": "", "signing_jwe": ""})
    order_id, key = account.order()
    for result in (
        unsigned.channel.cancel_line(order_id, key, 1, CancelReason.OTHER),
        unsigned.channel.refund(order_id, [back(key)], "r-1"),
    ):
        assert (result.outcome, "signing key" in result.message) == (Outcome.REJECTED, True)
    elsewhere = Account(account.url, credentials={"signing_key": "not a key"})
    result = elsewhere.channel.refund(order_id, [back(key)], "r-1")
    assert (result.outcome, result.field) == (Outcome.REJECTED, "signing_key")


def test_sellers_elsewhere_need_no_signature(open_account: Open) -> None:
    account = open_account({"signatures": False}, credentials={"signing_key": "", "signing_jwe": ""})
    account.offer()
    order_id, key = account.order()
    assert account.end_of(account.channel.cancel_line(order_id, key, 1, CancelReason.OTHER))[0] is SubmissionState.DONE


# Refunds


def test_a_refund_is_followed_until_it_is_paid(open_account: Open) -> None:
    account = open_account({"refund_seconds": 0.3})
    account.offer()
    order_id, key = account.order(quantity=2)
    result = account.channel.refund(order_id, [back(key, shipping=euro("1"))], "r-1")
    assert account.channel.follow([result.submission or ""])[0].state is SubmissionState.PENDING
    assert account.end_of(result)[0] is SubmissionState.DONE
    assert [item["amount"] for item in account.placed(order_id)["refunds"]] == ["4.00"]
    body = account.sent("issueRefund")[0]["body"]
    assert ('"orderLevelRefundAmount"' in body, "ITEM_NOT_AS_DESCRIBED" in body) == (True, True)


def test_a_refund_that_fails_is_told_and_may_be_tried_again(open_account: Open) -> None:
    account = open_account({"refund_seconds": 60})
    account.offer()
    order_id, key = account.order()
    result = account.channel.refund(order_id, [back(key)], "r-1")
    account.control("POST", f"orders/{order_id}/fail-refunds", {})
    assert account.end_of(result)[0] is SubmissionState.FAILED
    assert account.channel.refund(order_id, [back(key)], "r-1").outcome is Outcome.SUBMITTED


def test_a_refund_in_doubt_is_not_sent_again_but_by_a_persons_word(account: Account) -> None:
    order_id, key = account.order(line={"unit_price": 20}, more_lines=[{"sku": "B-1"}])
    assert account.channel.manifest.refund_lookup is False
    for fault, params in (("reset", {}), ("timeout_before_write", {"seconds": 0})):
        account.fault(fault, "issueRefund", params=params)
        with pytest.raises(UnknownOutcome):
            account.channel.refund(order_id, [back(key)], "first")
    assert len(account.sent("issueRefund")) == 2
    assert account.end_of(account.channel.refund(order_id, [back(key)], "first"))[0] is SubmissionState.DONE
    assert [Decimal(item["amount"]) for item in account.placed(order_id)["refunds"]] == [3, 3]
    too_much = account.channel.refund(order_id, [back(key, "40.00")], "second")
    assert (too_much.outcome, "exceeds" in too_much.message) == (Outcome.REJECTED, True)


def test_taxes_that_ebay_collects_are_paid_back_by_ebay(account: Account) -> None:
    line = {"unit_price": 10, "shipping": 5, "tax": 3}
    one, key = account.order(quantity=2, line=line, tax_by_ebay=True)
    paid = account.channel.fetch_order(one).lines[0].total
    account.end_of(account.channel.refund(one, [back(key, str(paid.amount), shipping=euro("5"))], "r-1"))
    assert [item["amount"] for item in account.placed(one)["refunds"]] == ["25.00"]
    several, key = account.order(line=line, more_lines=[{"sku": "B-1"}], tax_by_ebay=True)
    account.end_of(account.channel.refund(several, [back(key, "6.50")], "r-2"))
    result = account.channel.cancel_line(several, key, 1, CancelReason.OUT_OF_STOCK)
    assert account.end_of(result)[0] is SubmissionState.DONE
    assert [Decimal(item["amount"]) for item in account.placed(several)["refunds"]] == [5, 5]
    assert [line.cancelled for line in account.channel.fetch_order(several).lines] == [1, 0]


def test_a_refund_waits_for_the_one_before_it(open_account: Open) -> None:
    account = open_account({"refund_seconds": 60})
    account.offer()
    account.offer("B-1")
    order_id, key = account.order(more_lines=[{"sku": "B-1"}])
    other = account.placed(order_id)["lines"][1]["line_id"]
    account.channel.refund(order_id, [back(key)], "r-1")
    with pytest.raises(RetryLater, match="previous refund"):
        account.channel.refund(order_id, [back(other)], "r-2")
    with pytest.raises(RetryLater):
        account.channel.cancel_line(order_id, other, 1, CancelReason.OUT_OF_STOCK)


# Returns


def test_returns_with_the_line_they_are_of(account: Account) -> None:
    order_id, key = account.order(quantity=3)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key, quantity=3))
    reason = {"line": {"reason": "DEFECTIVE_ITEM"}}
    first = account.send_back(order_id, quantity=2, status="RETURN_REQUESTED", comment="Too blue", **reason)
    account.send_back(order_id)
    asked, arrived = all_pages(account.channel.list_returns)
    line = asked.lines[0]
    assert (asked.external_id, line.order_id, line.order_line_id, line.sku) == (first, order_id, key, "A-1")
    assert (line.quantity, line.reason, line.comment) == (2, "DEFECTIVE_ITEM", "Too blue")
    assert (line.received, line.handled, (line.respond_by or lately()) > datetime.now(UTC)) == (None, False, True)
    assert arrived.lines[0].received is True


@pytest.mark.parametrize(
    ("status", "after"), [("RETURN_REQUESTED", "READY_FOR_SHIPPING"), ("ITEM_SHIPPED", "ITEM_DELIVERED")]
)
def test_an_accepted_return_is_paid_inside_of_itself(account: Account, status: str, after: str) -> None:
    order_id, key = account.order(quantity=2, line={"unit_price": 20})
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key, quantity=2))
    key_of_return = account.send_back(order_id, status=status)
    assert account.channel.decide_return(key_of_return, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert account.control("GET", "returns")[0]["status"] == after
    refund = back(key, "20.00", reason=RefundReason.RETURNED, shipping=euro("2.00"))
    assert account.channel.refund(order_id, [refund], "r-1").outcome is Outcome.APPLIED
    assert [Decimal(item["amount"]) for item in account.placed(order_id)["refunds"]] == [22]
    assert next(all_pages(account.channel.list_returns)).lines[0].handled is True
    assert account.channel.decide_return(key_of_return, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED


def test_a_refund_inside_a_return_that_ebay_could_not_pay_is_none(account: Account) -> None:
    order_id, key = account.order(line={"unit_price": 20})
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key))
    account.send_back(order_id, status="ITEM_DELIVERED")
    account.fault("mutate", "issueReturnRefund", params={"set": {"refundStatus": "FAILED"}})
    result = account.channel.refund(order_id, [back(key, "20.00", reason=RefundReason.RETURNED)], "r-1")
    assert (result.outcome, "Seller Hub, Payments" in result.message) == (Outcome.REJECTED, True)


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [(400, 34916, "pay it back there"), (409, 34927, "press Try again"), (400, 34920, "late")],
)
def test_a_refund_that_ebay_does_not_pay_says_what_to_do(account: Account, status: int, code: int, advice: str) -> None:
    order_id, key = account.order()
    body = {"errors": [{"errorId": code, "category": "BUSINESS", "message": "No."}]}
    account.fault("error", "issueRefund", params={"status": status, "body": json.dumps(body)})
    result = account.channel.refund(order_id, [back(key)], "r-1")
    assert (result.outcome, advice in result.message) == (Outcome.REJECTED, True)


def test_a_return_is_refused_in_the_marketplaces_language(account: Account) -> None:
    order_id, key = account.order(quantity=2)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(key, quantity=2))
    wanted, arrived = account.send_back(order_id, status="RETURN_REQUESTED"), account.send_back(order_id)
    for _ in range(2):
        assert account.channel.decide_return(wanted, ReturnDecision.REFUSED, 1).outcome is Outcome.APPLIED
    assert "leider nicht angenommen" in account.sent("decideReturn")[0]["body"]
    late = account.channel.decide_return(arrived, ReturnDecision.KEPT_BY_BUYER, 1)
    assert (late.outcome, "not possible" in late.message) == (Outcome.REJECTED, True)
    replaced = account.channel.decide_return(arrived, ReturnDecision.REPLACED, 1)
    assert (replaced.outcome, "Seller Hub" in replaced.message) == (Outcome.REJECTED, True)
    assert account.channel.decide_return("9", ReturnDecision.REFUSED, 1).outcome is Outcome.MISSING


def test_what_is_followed_and_no_longer_there_is_gone(account: Account) -> None:
    states = account.channel.follow(["nonsense", "cancel/99-1-1/5", "refund/99-1-1/5"])
    assert [status.state for status in states] == [SubmissionState.GONE] * 3
