"""The Mirakl channel against an operator in miniature, over real HTTP: orders, refunds, returns, the seller's score."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.order import CancelReason, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome
from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RetryLater,
    SlowDown,
    UnknownOutcome,
)
from tests.support.mirakl import EANS, Shop, euro, parcel

Open = Callable[..., Shop]
MANUAL = {"acceptance": "NOT_AUTOMATIC"}


def since(minutes: int = 10) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


# Reading


def test_orders_changed_of_late_are_listed_whole_in_pages(open_shop: Open) -> None:
    shop = open_shop({"multi_shipment": False})
    assert shop.channel.list_orders(since(), None).items == ()
    bulk = {"count": 120, "skus": ["A-1"], "force": True}
    placed = shop.control("POST", "orders/bulk", bulk)["order_ids"]
    old = shop.order(force=True, placed_at=since(600).isoformat(), state="CLOSED")[0]
    first = shop.channel.list_orders(since(), None)
    second = shop.channel.list_orders(since(), first.next_cursor)
    assert (len(first.items), second.next_cursor) == (100, None)
    assert list(dict.fromkeys(ref.external_id for ref in (*first.items, *second.items))) == placed
    assert {ref.order.phase for ref in first.items if ref.order} == {OrderPhase.READY}
    assert old not in placed
    assert len(shop.channel.list_open_orders(None).items) == 100
    shop.fault("stuck_cursor", "OR11", times=None)
    stuck = shop.channel.list_orders(since(), first.next_cursor)
    assert (len(stuck.items), stuck.next_cursor) == (100, None)


def test_while_parts_may_have_left_the_list_does_not_tell_all(open_shop: Open) -> None:
    shop = open_shop()
    shop.offer()
    order_id, line = shop.order(quantity=3)
    ref = shop.channel.list_open_orders(None).items[0]
    order = shop.channel.fetch_order(order_id)
    assert (ref.order, ref.mark) == (None, order.list_mark)
    assert shop.channel.confirm_shipment(order, parcel(line, 2)).outcome is Outcome.APPLIED
    again = shop.channel.fetch_order(order_id)
    assert (again.lines[0].shipped, again.lines[0].open) == (2, 1)
    assert shop.channel.confirm_shipment(again, parcel(line, 1)).outcome is Outcome.APPLIED
    listed = shop.channel.list_orders(since(), None).items[0]
    assert listed.order is not None
    assert (listed.order.lines[0].shipped, listed.mark != ref.mark) == (3, True)
    assert shop.channel.list_open_orders(None).items == ()
    with pytest.raises(NotFound):
        shop.channel.fetch_order("NONE")


@pytest.mark.parametrize("mode", ["TAX_INCLUDED", "TAX_EXCLUDED"])
def test_the_buyers_money_is_the_same_in_every_tax_mode(open_shop: Open, mode: str) -> None:
    """Asked for with taxes, whatever the platform's own mode is."""
    shop = open_shop({"tax_mode": mode, "shipping_price": 4.95})
    shop.offer(price=10.33)
    order_id, _ = shop.order(quantity=3, line={"discount": 1.5, "fee": 0.4}, pickup_point="P-7")
    order = shop.channel.fetch_order(order_id)
    line = order.lines[0]
    assert (line.unit_price, line.total, order.shipping, order.total) == (
        euro("10.33"),
        euro("29.89"),
        euro("4.95"),
        euro("34.84"),
    )
    assert (line.tax, order.shipping_tax) == (euro("5.12"), euro("0.86"))
    assert (order.ship_to.country, order.ship_to.extra["pickup_point"]) == ("PL", "P-7")
    assert line.ship_by is not None


# Acceptance


def test_an_order_is_accepted_by_line_and_its_address_comes_after(open_shop: Open) -> None:
    shop = open_shop(MANUAL)
    for number in range(2):
        shop.offer(f"A-{number}", ean=EANS[number])
    lines = [{"sku": "A-0", "quantity": 1}, {"sku": "A-1", "quantity": 2}]
    order_id = shop.control("POST", "orders", {"lines": lines})["order_id"]
    order = shop.channel.fetch_order(order_id)
    assert (order.phase, order.ship_to.street) == (OrderPhase.AWAITING_ACCEPTANCE, "")
    assert shop.channel.accept_order(order, [order.lines[1].external_id]).outcome is Outcome.APPLIED
    accepted = shop.channel.fetch_order(order_id)
    assert (accepted.phase, [line.cancelled for line in accepted.lines]) == (OrderPhase.READY, [0, 2])
    assert accepted.ship_to.street
    assert shop.channel.accept_order(order, []).outcome is Outcome.APPLIED
    assert shop.operations().count("OR21") == 2
    declined, _ = shop.order("A-0")
    order = shop.channel.fetch_order(declined)
    assert shop.channel.accept_order(order, [order.lines[0].external_id]).outcome is Outcome.APPLIED
    assert shop.channel.fetch_order(declined).lines[0].open == 0
    figures = {figure.name: figure for figure in shop.channel.score()}
    assert (figures["approval_rate"].value, figures["approval_rate"].good) == (Decimal("0.5"), "above")
    assert figures["approval_delay"].unit == "seconds"


def test_an_operator_that_wants_all_lines_or_none(open_shop: Open) -> None:
    shop = open_shop(MANUAL | {"partial_acceptance": False})
    shop.offer()
    lines = [{"sku": "A-1"}, {"sku": "A-1"}]
    order_id = shop.control("POST", "orders", {"lines": lines})["order_id"]
    order = shop.channel.fetch_order(order_id)
    result = shop.channel.accept_order(order, [order.lines[0].external_id])
    assert (result.outcome, "Partial acceptance is disabled" in result.message) == (Outcome.REJECTED, True)
    part = shop.channel.cancel_line(order_id, order.lines[0].external_id, 1, CancelReason.OTHER)
    assert (part.outcome, "not accepted yet" in part.message) == (Outcome.REJECTED, True)
    alone, line = shop.order()
    assert shop.channel.cancel_line(alone, line, 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    assert shop.placed(alone)["status"] == "REFUSED"


def test_an_order_is_not_paid_yet(open_shop: Open) -> None:
    shop = open_shop({"debit_seconds": 60})
    shop.offer()
    order_id, _ = shop.order()
    assert shop.channel.fetch_order(order_id).phase is OrderPhase.PENDING
    shop.control("POST", f"orders/{order_id}/state", {"state": "ON_A_STATE_OF_TOMORROW"})
    assert shop.channel.fetch_order(order_id).phase is OrderPhase.PENDING


def test_the_stores_number_goes_along_where_it_is_wanted(open_shop: Open) -> None:
    shop, silent = open_shop(settings={"send_order_number": True}), open_shop()
    order = shop.channel.fetch_order(shop.order(force=True)[0])
    done = shop.channel.acknowledge_order(order, "1001")
    assert done is not None
    assert done.outcome is Outcome.APPLIED
    assert shop.placed(order.external_id)["references"] == {"order_reference_for_seller": "1001"}
    gone = shop.channel.acknowledge_order(order.model_copy(update={"external_id": "GONE-A"}), "1001")
    assert gone is not None
    assert gone.outcome is Outcome.REJECTED
    assert silent.channel.acknowledge_order(order, "1001") is None


# Shipments


def test_a_shipment_without_an_answer_is_in_doubt_and_seen_in_the_order(open_shop: Open) -> None:
    shop = open_shop()
    order_id, line = shop.order(quantity=2, force=True)
    order = shop.channel.fetch_order(order_id)
    shop.fault("reset", "ST01")
    with pytest.raises(UnknownOutcome):
        shop.channel.confirm_shipment(order, parcel(line))
    assert shop.channel.fetch_order(order_id).lines[0].shipped == 1
    shop.fault("partial", "ST01")
    refused = shop.channel.confirm_shipment(order, parcel(line))
    assert (refused.outcome, refused.message) == (Outcome.REJECTED, "The shipment was refused.")
    too_many = shop.channel.confirm_shipment(order, parcel(line, 2))
    assert (too_many.outcome, shop.placed(order_id)["shipments"]) == (
        Outcome.REJECTED,
        [{"carrier": "DHL", "tracking": "JD0123", "lines": [{"line_id": line, "quantity": 1}]}],
    )


def test_where_orders_are_shipped_whole_a_part_is_refused_with_the_reason(open_shop: Open) -> None:
    shop = open_shop({"multi_shipment": False})
    order_id, line = shop.order(quantity=2, force=True)
    order = shop.channel.fetch_order(order_id)
    part = shop.channel.confirm_shipment(order, parcel(line))
    assert (part.outcome, part.field, "one shipment for a whole order" in part.message) == (
        Outcome.REJECTED,
        "lines",
        True,
    )
    shop.fault("reset", "OR24")
    assert shop.channel.confirm_shipment(order, parcel(line, 2, "Rare Couriers")).outcome is Outcome.APPLIED
    assert shop.channel.fetch_order(order_id).lines[0].shipped == 2
    assert shop.placed(order_id)["shipments"][0]["carrier"] == "Rare Couriers"
    lost = shop.channel.fetch_order(shop.order(force=True, state="WAITING_DEBIT")[0])
    assert shop.channel.confirm_shipment(lost, parcel(lost.lines[0].external_id)).outcome is Outcome.REJECTED


def test_carriers_are_the_operators_where_it_has_them(open_shop: Open) -> None:
    shop = open_shop({"own_carriers": False})
    assert [shop.channel.carrier_code(name, "1") for name in ("Colissimo", "mondial relay", "d h l", "")] == [
        "COL",
        "MRW",
        "DHL",
        "other",
    ]
    order_id, line = shop.order(force=True)
    refused = shop.channel.confirm_shipment(shop.channel.fetch_order(order_id), parcel(line, 1, "Rare Couriers"))
    assert (refused.outcome, refused.field, "Colissimo" in refused.message) == (Outcome.REJECTED, "carrier", True)


def test_several_parcels_of_several_lines(open_shop: Open) -> None:
    shop = open_shop()
    lines = [{"sku": "A-1", "quantity": 2}, {"sku": "B-1", "quantity": 1}]
    order_id = shop.control("POST", "orders", {"lines": lines, "force": True})["order_id"]
    order = shop.channel.fetch_order(order_id)
    first = ParcelLine(external_id=f"{order_id}-1", quantity=1)
    rest = (first, ParcelLine(external_id=f"{order_id}-2", quantity=1))
    for number, content in enumerate(((first,), rest)):
        sent = Parcel(reference=f"SB-{number}", carrier="UPS", tracking=f"1Z{number}", lines=content)
        assert shop.channel.confirm_shipment(order, sent).outcome is Outcome.APPLIED
    assert shop.placed(order_id)["status"] == "SHIPPED"
    assert [part["tracking"] for part in shop.placed(order_id)["shipments"]] == ["1Z0", "1Z1"]


# Cancellations and refunds


@pytest.mark.parametrize("rule", ["PROPORTIONAL_TO_AMOUNT", "NONE"])
def test_a_line_is_cancelled_in_parts(open_shop: Open, rule: str) -> None:
    shop = open_shop({"shipping_price": 5, "tax_rule": rule})
    order_id, line = shop.order(quantity=3, force=True, line={"unit_price": 10})
    assert shop.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    assert shop.channel.fetch_order(order_id).lines[0].cancelled == 1
    assert shop.channel.cancel_line(order_id, "GONE-A-1", 1, CancelReason.OTHER).outcome is Outcome.MISSING
    assert shop.channel.cancel_line(order_id, line, 2, CancelReason.BUYER_REQUEST).outcome is Outcome.APPLIED
    assert shop.channel.fetch_order(order_id).lines[0].open == 0
    assert shop.placed(order_id)["status"] == "CANCELED"
    [sold] = shop.channel.fetch_order(order_id).raw["order_lines"]
    for name in ("taxes", "shipping_taxes"):
        gone = sum(tax["amount"] for entry in sold["cancelations"] for tax in entry[name])
        assert abs(gone - sold[name][0]["amount"]) <= (0 if rule == "NONE" else Decimal("0.01"))
    late = shop.channel.cancel_line(order_id, line, 1, CancelReason.OTHER)
    assert (late.outcome, "refund it" in late.message) == (Outcome.REJECTED, True)


def test_without_reasons_for_shops_only_whole_orders_are_cancelled(open_shop: Open) -> None:
    shop = open_shop({"cancel_reasons": False})
    order_id, line = shop.order(quantity=2, force=True)
    part = shop.channel.cancel_line(order_id, line, 1, CancelReason.OTHER)
    assert (part.outcome, part.field) == (Outcome.REJECTED, "quantity")
    assert shop.channel.cancel_line(order_id, line, 2, CancelReason.OTHER).outcome is Outcome.APPLIED
    assert (shop.placed(order_id)["status"], shop.operations().count("OR29")) == ("CANCELED", 1)


def test_a_cancellation_without_an_answer_is_in_doubt(open_shop: Open) -> None:
    shop = open_shop()
    order_id, line = shop.order(quantity=2, force=True)
    shop.fault("reset", "OR30")
    with pytest.raises(UnknownOutcome):
        shop.channel.cancel_line(order_id, line, 1, CancelReason.DAMAGED)
    assert shop.channel.fetch_order(order_id).lines[0].cancelled == 1


def test_the_operator_cancels_for_the_buyer(open_shop: Open) -> None:
    shop = open_shop()
    order_id, _ = shop.order(quantity=2, force=True)
    shop.control("POST", f"orders/{order_id}/request-cancellation")
    order = shop.channel.fetch_order(order_id)
    assert (order.lines[0].cancelled, order.lines[0].cancellation_requested) == (2, False)


def test_money_is_paid_back_once(open_shop: Open) -> None:
    shop = open_shop({"tax_rule": "NONE"})  # the code comes with the wish
    order_id, line = shop.order(quantity=2, force=True, line={"unit_price": 10})
    wish = ChannelRefund(line_id=line, quantity=1, amount=euro("9.99"), reason=RefundReason.DAMAGED, code="20")
    shop.fault("reset", "OR28")
    with pytest.raises(UnknownOutcome):
        shop.channel.refund(order_id, [wish], "r1")
    assert shop.channel.refund(order_id, [wish], "r1").outcome is Outcome.APPLIED
    paid = shop.placed(order_id)["lines"][0]["refunds"]
    assert [(entry["amount"], entry["quantity"], entry["reason_code"]) for entry in paid] == [(9.99, 1, "20")]
    assert paid[0]["taxes"] == [{"code": "VAT", "amount": 1.73}]
    other = wish.model_copy(update={"amount": euro("2")})
    assert shop.channel.refund(order_id, [wish, other], "r2").outcome is Outcome.APPLIED
    assert len(shop.placed(order_id)["lines"][0]["refunds"]) == 2
    too_much = shop.channel.refund(order_id, [wish.model_copy(update={"amount": euro("50")})], "r3")
    assert too_much.outcome is Outcome.REJECTED
    unknown = shop.channel.refund(order_id, [wish.model_copy(update={"line_id": "X"})], "r4")
    assert unknown.outcome is Outcome.MISSING


def test_fees_are_given_back_as_fees_and_the_price_as_price(open_shop: Open) -> None:
    """A buyer's 20.51 are 20.00 for two units and 0.51 of a fee: Mirakl takes no more of either than there is."""
    shop = open_shop()
    order_id, line = shop.order(quantity=2, force=True, line={"unit_price": 10, "fee": 0.51})
    wish = ChannelRefund(line_id=line, quantity=1, amount=euro("10.26"), reason=RefundReason.RETURNED)
    assert shop.channel.refund(order_id, [wish], "r1").outcome is Outcome.APPLIED
    assert shop.channel.refund(order_id, [wish], "r1").outcome is Outcome.APPLIED
    rest = wish.model_copy(update={"amount": euro("10.25")})
    assert shop.channel.refund(order_id, [rest], "r2").outcome is Outcome.APPLIED
    paid = shop.placed(order_id)["lines"][0]["refunds"]
    assert [(entry["amount"], entry["fees"][0]["amount"]) for entry in paid] == [(10.0, 0.26), (10.0, 0.25)]
    order_id, line = shop.order(quantity=2, force=True, line={"unit_price": 10, "fee": 0.51})
    for _ in range(2):
        assert shop.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    gone = shop.channel.fetch_order(order_id).raw["order_lines"][0]["cancelations"]
    assert [str(entry["fees"][0]["amount"]) for entry in gone] == ["0.26", "0.25"]


# Returns


def returned(shop: Shop) -> tuple[str, str]:
    """A shipped order of two units, one of which comes back; return id and the id of its line."""
    order_id, line = shop.order(quantity=2, force=True)
    shop.channel.confirm_shipment(shop.channel.fetch_order(order_id), parcel(line, 2))
    lines = [{"sku": "A-1", "quantity": 1, "reason": "RETURN_DEFECTIVE_ITEM"}]
    made = shop.control("POST", "returns", {"order_id": order_id, "lines": lines})["return_id"]
    return made, f"{made}/{line}"


def state_of(shop: Shop, return_id: str) -> tuple[str, list[Any]]:
    found = next(item for item in shop.control("GET", "returns") if item["return_id"] == return_id)
    return found["state"], [line["compliance"] for line in found["lines"]]


@pytest.mark.parametrize("requests", [True, False])
def test_a_return_is_accepted_received_and_in_order(open_shop: Open, requests: bool) -> None:
    shop = open_shop({"return_requests": requests})
    return_id, line = returned(shop)
    page = shop.channel.list_returns(None)
    announced = page.items[0].lines[0]
    assert (announced.external_id, announced.reason, announced.handled) == (line, "defective item", False)
    assert shop.channel.decide_return(line, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert state_of(shop, return_id) == ("RECEIVED", [[{"compliant": True}]])
    assert shop.channel.list_returns(None).items[0].lines[0].handled
    assert shop.channel.decide_return(line, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED


def test_a_return_is_refused_before_or_after_the_goods_are_back(open_shop: Open) -> None:
    shop = open_shop(settings={"return_fault": "RETURN_NON_COMPLIANT_DAMAGED_PRODUCT"})
    return_id, line = returned(shop)
    assert shop.channel.decide_return(line, ReturnDecision.REFUSED, 1).outcome is Outcome.APPLIED
    assert state_of(shop, return_id)[0] == "REFUSED"
    done = shop.channel.list_returns("done/")
    assert (done.items[0].lines[0].handled, done.next_cursor) == (True, None)
    back = open_shop({"return_requests": False}, settings={"return_fault": "RETURN_NON_COMPLIANT_DAMAGED_PRODUCT"})
    return_id, line = returned(back)
    assert back.channel.decide_return(line, ReturnDecision.REFUSED, 1).outcome is Outcome.APPLIED
    reason = "RETURN_NON_COMPLIANT_DAMAGED_PRODUCT"
    assert state_of(back, return_id)[1] == [[{"compliant": False, "non_compliance_reason_code": reason}]]


def test_what_a_return_cannot_become_is_said(open_shop: Open) -> None:
    shop = open_shop()
    return_id, line = returned(shop)
    for decision, quantity, field in (
        (ReturnDecision.REPLACED, 1, "decision"),
        (ReturnDecision.ACCEPTED, 2, "quantity"),
    ):
        result = shop.channel.decide_return(line, decision, quantity)
        assert (result.outcome, result.field) == (Outcome.REJECTED, field)
    assert shop.channel.decide_return("gone/1", ReturnDecision.ACCEPTED, 1).outcome is Outcome.MISSING
    shop.fault("partial", "RT21")
    refused = shop.channel.decide_return(line, ReturnDecision.ACCEPTED, 1)
    assert (refused.outcome, refused.message) == (Outcome.REJECTED, "The return was refused.")
    shop.fault("reset", "RT25")
    assert shop.channel.decide_return(line, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert state_of(shop, return_id) == ("RECEIVED", [[{"compliant": True}]])
    assert open_shop({"returns": False}).channel.list_returns(None).items == ()


# Faults on reading


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("html", {}, RetryLater),
        ("error", {"status": 503}, RetryLater),
        ("error", {"status": 403, "body": "{}"}, AskMerchant),
        ("error", {"status": 200, "body": "[]"}, RetryLater),
        ("error", {"status": 200, "body": "[["}, RetryLater),
        ("throttle", {"retry_after": 30}, SlowDown),
        ("unauthorised", {}, Reauthorise),
        ("redirect", {}, AskMerchant),
    ],
)
def test_faults_have_their_type(open_shop: Open, kind: str, params: dict[str, Any], error: type[BridgeError]) -> None:
    shop = open_shop()
    shop.fault(kind, "OR11", times=None, params=params)
    with pytest.raises(error) as caught:
        shop.channel.list_open_orders(None)
    assert caught.value.merchant


def test_an_order_that_is_unreadable_is_not_passed_over(open_shop: Open) -> None:
    shop = open_shop({"multi_shipment": False})
    shop.order(force=True)
    shop.fault("mutate", "OR11", params={"set": {"orders.0.order_lines.0.price": None}})
    ref = shop.channel.list_open_orders(None).items[0]
    assert (bool(ref.external_id), ref.order) == (True, None)
    shop.fault("mutate", "OR11", params={"set": {"orders.0.order_id": None}})
    with pytest.raises(RetryLater):
        shop.channel.list_open_orders(None)
    for value in (None, 7, "x", {"a": 1}, [None, 3, "x"]):
        shop.fault("mutate", "OR11", params={"set": {"orders": value}})
        assert shop.channel.list_open_orders(None).items == ()


def test_no_secret_and_no_buyer_in_the_log(open_shop: Open) -> None:
    shop = open_shop()
    buyer = {"firstname": "Zsuzsanna", "lastname": "Unverwechselbar", "phone": "0612345678"}
    shop.channel.fetch_order(shop.order(force=True, buyer=buyer)[0])
    text = repr(shop.recorder.exchanges)
    for secret in ("sandbox-mirakl-key", "Unverwechselbar", "0612345678"):
        assert secret not in text
