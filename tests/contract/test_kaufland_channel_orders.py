"""The Kaufland channel against its sandbox, over real HTTP: orders, shipments, cancellations, refunds, returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import CancelReason, OrderPhase
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome
from bridge.ports.errors import NotFound, RetryLater, SlowDown, Superseded, UnknownOutcome
from bridge.ports.http import before_write
from bridge.ports.http.context import hurry
from tests.support.kaufland import EANS, Account, Open, Serve, all_pages, create, faulty, opener, parcel, wait_for


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=10)


def changed(account: Account, since: datetime | None = None) -> list[str]:
    return [ref.external_id for ref in all_pages(lambda cursor: account.channel.list_orders(since or lately(), cursor))]


def waiting(account: Account) -> list[str]:
    return [ref.external_id for ref in all_pages(account.channel.list_open_orders)]


def request_cancellation(account: Account, order_id: str, line: str | None = None) -> str:
    body = {"line_id": line} if line else {}
    return str(account.seller.control("POST", f"orders/{order_id}/request-cancellation", body)["ticket"])


def ticket(account: Account) -> dict[str, Any]:
    return dict(account.seller.control("GET", "tickets")[0])


# Lists


def test_orders_of_all_storefronts_in_pages(open_account: Open) -> None:
    account = open_account()
    create(account, stock=200)
    create(account, site="at", stock=200)
    assert changed(account) == waiting(account) == []
    placed = [account.seller.order(storefront=("de", "at")[number % 2])[0] for number in range(4)]
    many = [account.seller.order(quantity=25)[0] for _ in range(5)]
    old = account.seller.order(placed_at=(datetime.now(UTC) - timedelta(days=3)).isoformat())[0]
    assert sorted(changed(account)) == sorted([*placed, *many])
    assert sorted(changed(account, datetime.now(UTC) - timedelta(days=4))) == sorted([*placed, *many, old])
    pages = [account.channel.list_open_orders(cursor) for cursor in (None, "units/de/75", "units/at/0")]
    assert [page.next_cursor for page in pages] == ["units/de/75", "units/at/0", None]
    assert set(waiting(account)) == {*placed, *many, old}


def test_a_sold_order_is_listed_as_changed_and_no_longer_as_open(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    assert next(all_pages(account.channel.list_open_orders)).mark == order.list_mark
    assert account.channel.confirm_shipment(order, parcel(*pieces)).outcome is Outcome.APPLIED
    assert (waiting(account), changed(account)) == ([], [order_id])


def test_a_wish_to_cancel_is_news_although_the_order_did_not_change(open_account: Open) -> None:
    account = open_account(settings={"sites": ["de"]})
    create(account)
    placed = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    order_id, _ = account.seller.order(placed_at=placed)
    assert changed(account) == []
    request_cancellation(account, order_id)
    ref = next(all_pages(lambda cursor: account.channel.list_orders(lately(), cursor)))
    assert (ref.external_id, ref.order is not None) == (order_id, True)
    assert ref.mark == account.channel.fetch_order(order_id).list_mark


def test_what_kaufland_ships_itself_is_left_alone_unless_wanted(open_account: Open) -> None:
    account, both = open_account(), open_account(settings={"import_fbk": True})
    for each in (account, both):
        create(each)
        each.seller.order(fulfillment_type="fulfilled_by_kaufland")
    assert (changed(account), waiting(account)) == ([], [])
    assert (len(changed(both)), len(waiting(both))) == (1, 1)


def test_an_order_without_its_number_is_not_passed_over(open_account: Open) -> None:
    account = open_account()
    create(account)
    account.seller.order()
    for operation, read in (("GetOrders", changed), ("GetOrderUnits", waiting)):
        account.seller.fault("mutate", operation, params={"set": {"data.0.id_order": None}})
        with pytest.raises(RetryLater):
            read(account)


# One order


def test_an_order_in_full(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(
        quantity=2, line={"unit_price": 19.99, "shipping": 3.99}, deemed_supplier=True, pickup=True
    )
    order = account.channel.fetch_order(order_id)
    assert [line.external_id for line in order.lines] == pieces
    assert [(line.sku, line.gtin, line.quantity, line.open) for line in order.lines] == [("A-1", EANS[0], 1, 1)] * 2
    assert (order.total.text(), order.site, order.tax_by_channel) == ("47.96 EUR", "de", True)
    assert order.ship_to.extra["pickup_point"] == "DE-4711"
    assert account.channel.acknowledge_order(order, "1001") is None
    with pytest.raises(NotFound):
        account.channel.fetch_order("NONE")


def test_money_is_in_the_currency_of_the_storefront(open_account: Open) -> None:
    account = open_account({"storefronts": ("cz",)})
    price = Money(amount=Decimal("249.90"), currency="CZK")
    create(account, site="cz", price=price)
    order_id, _ = account.seller.order()
    assert account.channel.fetch_order(order_id).total == price


# Acceptance


def test_open_pieces_are_accepted_but_for_those_refused(open_account: Open) -> None:
    account = open_account({"first_status": "open"})
    create(account)
    order_id, pieces = account.seller.order(quantity=3)
    order = account.channel.fetch_order(order_id)
    assert order.phase is OrderPhase.AWAITING_ACCEPTANCE
    assert account.channel.accept_order(order, [pieces[1]]).outcome is Outcome.APPLIED
    assert account.seller.states(order_id) == ["need_to_be_sent", "cancelled", "need_to_be_sent"]
    assert account.channel.accept_order(order, [pieces[1]]).outcome is Outcome.APPLIED
    assert account.channel.fetch_order(order_id).phase is OrderPhase.READY


def test_a_whole_order_is_declined(open_account: Open) -> None:
    account = open_account({"first_status": "open"})
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    account.channel.accept_order(account.channel.fetch_order(order_id), pieces)
    assert [line["cancel_reason"] for line in account.seller.shown(order_id)["lines"]] == ["NoInventory"] * 2


def test_an_order_that_is_not_paid_is_accepted_later(open_account: Open) -> None:
    account = open_account({"first_status": "open"})
    create(account)
    order_id, _ = account.seller.order(paid=False)
    order = account.channel.fetch_order(order_id)
    assert account.channel.accept_order(order, []).outcome is Outcome.RETRY
    account.seller.control("POST", f"orders/{order_id}/pay", {})
    assert account.channel.accept_order(order, []).outcome is Outcome.APPLIED


# Shipments


def test_pieces_are_sent_one_by_one(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=3)
    order = account.channel.fetch_order(order_id)
    assert account.channel.confirm_shipment(order, parcel(*pieces[:2])).outcome is Outcome.APPLIED
    assert [line.shipped for line in account.channel.fetch_order(order_id).lines] == [1, 1, 0]
    assert account.operations().count("SendOrderUnit") == 2
    assert account.seller.shown(order_id)["shipments"] == [
        {"carrier": "DHL", "tracking": "0034123", "lines": [{"line_id": piece, "quantity": 1}]} for piece in pieces[:2]
    ]


def test_sent_already_is_a_success(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    for _ in range(2):
        assert account.channel.confirm_shipment(order, parcel(*pieces)).outcome is Outcome.APPLIED
    assert len(account.seller.shown(order_id)["shipments"]) == 2


def test_half_sent_is_failed_and_the_rest_can_be_sent(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=3)
    order = account.channel.fetch_order(order_id)
    account.seller.call("PATCH", f"/order-units/{pieces[1]}/cancel", {"reason": "NoInventory"})
    result = account.channel.confirm_shipment(order, parcel(*pieces))
    assert (result.outcome, "2 of 3 pieces are confirmed" in result.message) == (Outcome.REJECTED, True)
    assert pieces[1] in result.message
    assert [line.shipped for line in account.channel.fetch_order(order_id).lines] == [1, 0, 1]


def test_trouble_in_the_middle_is_tried_again(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=4)
    order = account.channel.fetch_order(order_id)
    with faulty(account.seller, "throttle", "SendOrderUnit", after=2, params={"retry_after": 60}):
        result = account.channel.confirm_shipment(order, parcel(*pieces))
    assert (result.outcome, sorted(account.seller.states(order_id))) == (
        Outcome.RETRY,
        ["need_to_be_sent", "need_to_be_sent", "sent", "sent"],
    )
    later = Account(str(account.seller.http.base_url).rstrip("/"))
    assert later.channel.confirm_shipment(order, parcel(*pieces)).outcome is Outcome.APPLIED
    assert account.seller.states(order_id) == ["sent"] * 4
    assert len(account.seller.shown(order_id)["shipments"]) == 4


def test_nothing_sent_is_the_error_itself(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    order = account.channel.fetch_order(order_id)

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.confirm_shipment(order, parcel(*pieces))
    with faulty(account.seller, "throttle", "SendOrderUnit", params={"retry_after": 30}), pytest.raises(SlowDown):
        account.channel.confirm_shipment(order, parcel(*pieces))
    assert account.seller.states(order_id) == ["need_to_be_sent"] * 2


def test_a_lost_answer_is_looked_up(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order()
    order = account.channel.fetch_order(order_id)
    account.seller.fault("timeout_after_write", "SendOrderUnit", params={"seconds": 4})
    with hurry(1.5), pytest.raises(RetryLater):
        account.channel.confirm_shipment(order, parcel(*pieces))
    wait_for(lambda: account.seller.states(order_id) == ["sent"])
    assert account.channel.confirm_shipment(order, parcel(*pieces)).outcome is Outcome.APPLIED
    assert len(account.seller.shown(order_id)["shipments"]) == 1


@pytest.mark.parametrize("kind", ["html", "error"])
def test_a_fault_that_passes_is_not_noticed(open_account: Open, kind: str) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    account.seller.fault(kind, "SendOrderUnit")
    result = account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*pieces))
    assert (result.outcome, account.seller.states(order_id)) == (Outcome.APPLIED, ["sent", "sent"])


def test_a_piece_in_several_parcels(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order()
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*pieces, tracking="0034123,0034124"))
    further = parcel(*pieces, carrier="GLS", tracking="55")
    result = account.channel.confirm_shipment(account.channel.fetch_order(order_id), further)
    assert result.outcome is Outcome.APPLIED
    sent = [(item["carrier"], item["tracking"]) for item in account.seller.shown(order_id)["shipments"]]
    assert sent == [("DHL", "0034123"), ("DHL", "0034124"), ("GLS", "55")]


def test_carriers_in_kauflands_own_spelling(open_account: Open) -> None:
    channel = open_account().channel
    given = ["dhl", "DHL Paket", "dpd", "deutsche post", "hermes", "postnl", "Fahrradkurier", "other hauler", ""]
    expected = ["DHL", "DHL", "DPD", "Deutsche Post", "Hermes", "PostNL", "Other", "Other Hauler", "Other"]
    assert [channel.carrier_code(carrier, "1") for carrier in given] == expected
    assert channel.carrier_code("DHL", " ") == "Other"
    account = open_account()
    account.seller.fault("mutate", "GetCarriers", params={"set": {"data.carriers": [{"name": "DHL Paket"}, {}, None]}})
    assert [account.channel.carrier_code(name, "1") for name in ("DHL", "Dhl-Paket")] == ["Other", "Other"]


# Cancellations


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (CancelReason.OUT_OF_STOCK, "NoInventory"),
        (CancelReason.BUYER_REQUEST, "BuyerCancelled"),
        (CancelReason.PRICE_ERROR, "WrongPrice"),
        (CancelReason.CANNOT_SHIP_IN_TIME, "DelayedInventory"),
        (CancelReason.OTHER, "GeneralAdjustment"),
    ],
)
@pytest.mark.parametrize("chosen", ["", "WrongCatalogData"])
def test_a_piece_is_cancelled_with_its_reason(open_account: Open, reason: CancelReason, word: str, chosen: str) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    for _ in range(2):
        assert account.channel.cancel_line(order_id, pieces[0], 1, reason, chosen).outcome is Outcome.APPLIED
    assert [line.cancelled for line in account.channel.fetch_order(order_id).lines] == [1, 0]
    assert account.seller.shown(order_id)["lines"][0]["cancel_reason"] == (chosen or word)


def test_what_is_sent_cannot_be_cancelled(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order()
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*pieces))
    result = account.channel.cancel_line(order_id, pieces[0], 1, CancelReason.OTHER)
    assert (result.outcome, "sent" in result.message) == (Outcome.REJECTED, True)
    assert account.channel.cancel_line(order_id, "9", 1, CancelReason.OTHER).outcome is Outcome.MISSING


def test_a_granted_wish_is_answered_when_all_of_it_is_done(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order(quantity=2)
    request_cancellation(account, order_id)
    assert [line.cancellation_requested for line in account.channel.fetch_order(order_id).lines] == [True, True]
    account.channel.cancel_line(order_id, pieces[0], 1, CancelReason.BUYER_REQUEST)
    assert ticket(account)["status"] == "opened"
    account.channel.cancel_line(order_id, pieces[1], 1, CancelReason.BUYER_REQUEST)
    assert (ticket(account)["status"], ticket(account)["messages"][1:]) == (
        "seller_closed",
        ["Ihre Bestellung wurde wie gewünscht storniert."],
    )


def test_a_cancellation_stands_although_its_ticket_cannot_be_answered(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, pieces = account.seller.order()
    request_cancellation(account, order_id)
    account.seller.fault("error", "CloseTicket", params={"status": 403})
    result = account.channel.cancel_line(order_id, pieces[0], 1, CancelReason.BUYER_REQUEST)
    assert (result.outcome, "ticket is not answered" in result.message) == (Outcome.APPLIED, True)
    assert account.seller.states(order_id) == ["cancelled"]


def test_a_wish_to_cancel_is_refused_with_words(open_account: Open) -> None:
    account, own = open_account(), open_account(settings={"cancellation_refusal": "Sorry, gone."})
    for each, words in ((account, "Ihre Bestellung wird bereits bearbeitet"), (own, "Sorry, gone.")):
        create(each)
        order_id, pieces = each.seller.order(quantity=2)
        request_cancellation(each, order_id, pieces[1])
        for _ in range(2):
            assert each.channel.refuse_cancellation(order_id, pieces[1]).outcome is Outcome.APPLIED
        assert (ticket(each)["status"], len(ticket(each)["messages"])) == ("seller_closed", 2)
        assert ticket(each)["messages"][1].startswith(words)
        assert not any(line.cancellation_requested for line in each.channel.fetch_order(order_id).lines)
        assert each.seller.states(order_id) == ["need_to_be_sent"] * 2


# Refunds


def refund(line: str, amount: str, **given: Any) -> ChannelRefund:
    money = Money(amount=Decimal(amount), currency=given.pop("currency", "EUR"))
    return ChannelRefund(line_id=line, quantity=1, amount=money, reason=RefundReason.DAMAGED, **given)


def sold(account: Account, quantity: int = 1) -> tuple[str, list[str]]:
    """An order of which everything is sent, at 12.99 a piece and 4.00 for its shipping."""
    create(account)
    order_id, pieces = account.seller.order(quantity=quantity, line={"shipping": 4})
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*pieces))
    return order_id, pieces


def paid(account: Account, order_id: str) -> list[list[tuple[int, str]]]:
    lines = account.seller.shown(order_id)["lines"]
    return [[(item["amount"], item["reason"]) for item in line["refunds"]] for line in lines]


def test_a_refund_in_cents_with_its_part_of_the_shipping(open_account: Open) -> None:
    account = open_account()
    order_id, pieces = sold(account, 2)
    shipping = Money(amount=Decimal("1.01"), currency="EUR")
    refunds = [refund(pieces[0], "3.50"), refund(pieces[1], "2.00", shipping=shipping)]
    assert account.channel.refund(order_id, refunds, "ref-1").outcome is Outcome.APPLIED
    assert paid(account, order_id) == [[(350, "delivery_damage")], [(301, "delivery_damage")]]


@pytest.mark.parametrize("kind", ["timeout_after_write", "html", "error"])
def test_a_refund_without_an_answer_is_never_sent_again(open_account: Open, kind: str) -> None:
    account = open_account()
    order_id, pieces = sold(account)
    account.seller.fault(kind, "RefundOrderUnit", params={"seconds": 4} if kind.startswith("timeout") else {})
    with hurry(1.5 if kind.startswith("timeout") else 60), pytest.raises(UnknownOutcome):
        account.channel.refund(order_id, [refund(pieces[0], "3")], "ref-1")
    assert account.operations().count("RefundOrderUnit") == 1
    if kind.startswith("timeout"):
        wait_for(lambda: paid(account, order_id) == [[(300, "delivery_damage")]])


def test_a_refund_that_stops_half_way_says_what_was_paid(open_account: Open) -> None:
    account = open_account()
    order_id, pieces = sold(account, 2)
    result = account.channel.refund(order_id, [refund(pieces[0], "3"), refund(pieces[1], "99")], "ref-1")
    assert (result.outcome, f"Refunded before that: {pieces[0]}" in result.message) == (Outcome.REJECTED, True)
    account.seller.fault("throttle", "RefundOrderUnit", times=None, after=1, params={"retry_after": 60})
    again = account.channel.refund(order_id, [refund(pieces[0], "1"), refund(pieces[1], "1")], "ref-2")
    assert (again.outcome, paid(account, order_id)) == (
        Outcome.REJECTED,
        [[(300, "delivery_damage"), (100, "delivery_damage")], []],
    )
    with pytest.raises(SlowDown):
        account.channel.refund(order_id, [refund(pieces[1], "1")], "ref-3")


def test_refunds_are_in_euro_only(open_account: Open) -> None:
    account = open_account()
    order_id, pieces = sold(account)
    result = account.channel.refund(order_id, [refund(pieces[0], "3", currency="CZK")], "ref-1")
    assert (result.outcome, result.field, paid(account, order_id)) == (Outcome.REJECTED, "currency", [[]])


def test_an_accepted_return_is_paid_by_kaufland_and_not_by_us(open_account: Open) -> None:
    account = open_account()
    order_id, pieces = sold(account)
    account.seller.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1"}]})
    unit = next(all_pages(account.channel.list_returns)).lines[0]
    account.channel.decide_return(unit.external_id, ReturnDecision.ACCEPTED, 1)
    money, shipping = Money(amount=Decimal("12.99"), currency="EUR"), Money(amount=Decimal(4), currency="EUR")
    back = ChannelRefund(line_id=pieces[0], quantity=1, amount=money, shipping=shipping)
    assert account.channel.refund(order_id, [back], "ref-1").outcome is Outcome.APPLIED
    assert paid(account, order_id) == [[(1299, "return"), (400, "refund_postage_fee")]]


# Returns


def returned(account: Account, *, arrived: bool = True, quantity: int = 1) -> tuple[str, list[str], str]:
    order_id, pieces = sold(account, quantity)
    lines = [{"line_id": piece, "reason": "defect"} for piece in pieces]
    body = {"order_id": order_id, "lines": lines, "arrived": arrived}
    return order_id, pieces, str(account.seller.control("POST", "returns", body)["return_id"])


def test_a_return_is_announced_with_its_pieces(open_account: Open) -> None:
    account = open_account()
    order_id, pieces, return_id = returned(account, arrived=False, quantity=2)
    found = list(all_pages(account.channel.list_returns))
    assert [(back.external_id, len(back.lines)) for back in found] == [(return_id, 2)]
    assert {(line.order_id, line.order_line_id, line.sku, line.reason) for line in found[0].lines} == {
        (order_id, piece, "A-1", "defect") for piece in pieces
    }
    assert {(line.handled, line.received) for line in found[0].lines} == {(False, False)}
    account.seller.control("POST", f"returns/{return_id}/arrive", {})
    assert next(all_pages(account.channel.list_returns)).lines[0].received is True


@pytest.mark.parametrize(
    ("decision", "state", "words"),
    [
        (ReturnDecision.ACCEPTED, "return_accepted", None),
        (ReturnDecision.REFUSED, "return_rejected", "Ihre Rücksendung kann leider nicht angenommen werden."),
        (ReturnDecision.REPAIRED, "return_in_repair", None),
        (
            ReturnDecision.REPLACED,
            "return_in_clarification",
            "Ihre Rücksendung ist angekommen, wir senden Ihnen Ersatz.",
        ),
        (ReturnDecision.KEPT_BY_BUYER, "return_rejected", "Wie vereinbart behalten Sie den Artikel."),
    ],
)
def test_a_return_is_decided(open_account: Open, decision: ReturnDecision, state: str, words: str | None) -> None:
    account = open_account()
    returned(account)
    line = next(all_pages(account.channel.list_returns)).lines[0].external_id
    for _ in range(2):
        assert account.channel.decide_return(line, decision, 1).outcome is Outcome.APPLIED
    assert account.seller.control("GET", "returns")[0]["lines"][0]["status"] == state
    tickets = account.seller.control("GET", "tickets")
    assert [item["messages"] for item in tickets] == ([[words]] if words else [])
    decided = next(all_pages(account.channel.list_returns)).lines[0]
    assert decided.handled is (decision is not ReturnDecision.REPLACED)


def test_a_return_that_has_not_arrived_cannot_be_decided(open_account: Open) -> None:
    account = open_account()
    returned(account, arrived=False)
    line = next(all_pages(account.channel.list_returns)).lines[0].external_id
    result = account.channel.decide_return(line, ReturnDecision.ACCEPTED, 1)
    assert (result.outcome, "need_to_be_returned" in result.message) == (Outcome.REJECTED, True)
    assert account.channel.decide_return("9", ReturnDecision.ACCEPTED, 1).outcome is Outcome.MISSING


def test_a_decision_whose_answer_was_lost_is_looked_up(open_account: Open) -> None:
    account = open_account()
    order_id, _, _ = returned(account)
    line = next(all_pages(account.channel.list_returns)).lines[0].external_id
    account.seller.fault("timeout_after_write", "AcceptReturnUnit", params={"seconds": 4})
    with hurry(1.5), pytest.raises(RetryLater):
        account.channel.decide_return(line, ReturnDecision.ACCEPTED, 1)
    wait_for(lambda: paid(account, order_id) == [[(1299, "return")]])
    assert account.channel.decide_return(line, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert paid(account, order_id) == [[(1299, "return")]]


def test_trouble_while_a_return_is_read_is_not_an_empty_list(open_account: Open) -> None:
    account = open_account()
    returned(account)
    with faulty(account.seller, "error", "GetReturnUnit"), pytest.raises(RetryLater):
        account.channel.list_returns(None)


def test_an_unknown_state_stops_nothing(open_account: Open) -> None:
    account = open_account()
    order_id, _ = sold(account)
    changes = {"data.order_units.0.status": "under_review", "data.order_units.0.vat": "x", "data.shipping_address": 7}
    account.seller.fault("mutate", "GetOrder", params={"set": changes})
    order = account.channel.fetch_order(order_id)
    assert (order.phase, order.lines[0].open, order.raw["shipping_address"]) == (OrderPhase.PENDING, 1, 7)
