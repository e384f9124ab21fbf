"""The Zalando channel against its sandbox, over real HTTP: orders, shipments in two steps, cancellations, returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import OrderRef, Outcome
from bridge.ports.errors import AskMerchant, NotFound, RetryLater, SlowDown
from bridge.ports.http.context import hurry
from tests.support.zalando import EANS, Account, Open, Serve, all_pages, faulty, opener, parcel


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


@pytest.fixture
def account(open_account: Open) -> Account:
    """With something to sell."""
    found = open_account()
    found.partner.has()
    return found


def refs(account: Account, since: timedelta = timedelta(minutes=10)) -> list[OrderRef]:
    begin = datetime.now(UTC) - since
    return list(all_pages(lambda cursor: account.channel.list_orders(begin, cursor)))


def changed(account: Account, since: timedelta = timedelta(minutes=10)) -> list[str]:
    return [ref.external_id for ref in refs(account, since)]


def waiting(account: Account) -> list[str]:
    return [ref.external_id for ref in all_pages(account.channel.list_open_orders)]


# Lists


def test_orders_come_whole_by_their_last_change(account: Account) -> None:
    assert changed(account) == waiting(account) == []
    placed = [account.partner.order(quantity=2)[0] for _ in range(3)]
    assert changed(account) == placed[::-1]
    whole = next(ref.order for ref in refs(account) if ref.external_id == placed[0])
    assert whole == account.channel.fetch_order(placed[0])
    assert "getOrders" in account.operations()
    account.channel.cancel_line(placed[0], whole.lines[0].external_id if whole else "", 1, CancelReason.OTHER)
    assert changed(account)[0] == placed[0]


def test_many_orders_in_pages(account: Account) -> None:
    account.partner.control("POST", "orders/bulk", {"count": 205, "skus": ["A-1"], "force": True})
    assert len(set(changed(account))) == 205
    assert account.operations().count("getOrders") == 2
    unpaid, _ = account.partner.order(status="initial", force=True)
    assert len(set(waiting(account))) == 206
    with faulty(account.partner, "stuck_cursor", "getOrders"):
        first = account.channel.list_orders(datetime.now(UTC) - timedelta(hours=1), None)
        assert (len(first.items), first.next_cursor) == (200, "all/175/200")
    with faulty(account.partner, "empty_list", "getOrders"):
        assert (changed(account), waiting(account)) == ([], [])
    account.partner.fault("mutate", "getOrders", params={"set": {"links": {"self": "x"}}})
    assert unpaid in changed(account)
    told = {"links": None, "meta": {"number_of_results": 9}, "data": [{"id": "1"}]}
    account.partner.fault("mutate", "getOrders", params={"set": told})
    assert account.channel.list_orders(datetime.now(UTC), None).next_cursor == "all/1/25"


def test_what_zalando_ships_itself_is_left_alone_unless_wanted(open_account: Open) -> None:
    for wanted, count in ((False, 0), (True, 1)):
        account = open_account(settings={"import_zfs": wanted})
        account.partner.has()
        order_id, lines = account.partner.order(order_type="ZalandoFulfilled")
        assert (len(changed(account)), len(waiting(account))) == (count, count)
    order = account.channel.fetch_order(order_id)
    assert [line.fulfilled_by for line in order.lines] == [FulfilledBy.CHANNEL]
    assert account.channel.acknowledge_order(order, "1001") is None
    assert account.channel.confirm_shipment(order, parcel(*lines)).outcome is Outcome.MISSING


def test_an_order_without_its_number_is_not_passed_over(account: Account) -> None:
    account.partner.order()
    account.partner.fault("mutate", "getOrders", params={"set": {"data.0": {"attributes": {}}}})
    with pytest.raises(RetryLater):
        changed(account)
    assert len(changed(account)) == 1


# One order


def test_an_order_in_full(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=2, shipping=4.99)
    order = account.channel.fetch_order(order_id)
    assert [(line.external_id, line.quantity, line.sku) for line in order.lines] == [(line, 1, "A-1") for line in lines]
    assert (order.total.text(), order.site, order.phase) == ("30.97 EUR", "de", OrderPhase.READY)
    assert order.lines[0].ship_by is not None
    assert account.partner.shown(order_id)["number"] in order.note
    with pytest.raises(NotFound):
        account.channel.fetch_order("00000000-0000-4000-8000-000000000000")


def test_lines_that_are_not_included_are_asked_for(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=2)
    whole = account.channel.fetch_order(order_id)
    account.partner.fault("mutate", "getOrder", params={"set": {"included": None}})
    assert account.channel.fetch_order(order_id).lines == whole.lines
    account.partner.fault("mutate", "getOrders", params={"set": {"included": []}})
    assert [ref.order for ref in refs(account)] == [None]
    assert [line.external_id for line in whole.lines] == lines


def test_an_unpaid_order_waits_and_may_fall_away(account: Account) -> None:
    order_id, _ = account.partner.order(status="initial")
    assert account.channel.fetch_order(order_id).phase is OrderPhase.PENDING
    account.partner.control("POST", f"orders/{order_id}/pay")
    assert account.channel.fetch_order(order_id).phase is OrderPhase.READY
    other, _ = account.partner.order(status="initial")
    account.partner.control("POST", f"orders/{other}/fail")
    assert [line.cancelled for line in account.channel.fetch_order(other).lines] == [1]


def test_an_order_is_exported_under_the_stores_number_in_letters_and_digits(account: Account) -> None:
    order_id, _ = account.partner.order()
    for _ in range(2):
        told = account.channel.acknowledge_order(account.channel.fetch_order(order_id), "#1001-B")
        assert told is not None
        assert told.outcome is Outcome.APPLIED
    shown = account.partner.shown(order_id)
    assert (shown["exported"], shown["merchant_order_id"]) == (True, "1001B")
    assert account.operations().count("patchOrder") == 1
    odd = account.channel.acknowledge_order(account.channel.fetch_order(order_id), "##")
    assert odd is not None
    assert odd.outcome is Outcome.REJECTED


def test_that_it_is_exported_is_no_change_of_the_order(account: Account) -> None:
    order_id, _ = account.partner.order()
    before = account.channel.fetch_order(order_id)
    account.channel.acknowledge_order(before, "1001")
    assert account.channel.fetch_order(order_id).list_mark == before.list_mark


# Shipments


def test_the_tracking_number_is_told_well_before_the_status(open_account: Open) -> None:
    account = open_account({"apart_seconds": 3600})
    account.partner.has()
    order_id, lines = account.partner.order(quantity=2)
    first = account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    assert (first.outcome, first.after) == (Outcome.RETRY, timedelta(seconds=6))
    assert account.partner.states(order_id) == ["reserved"] * 2
    early = account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    assert early.outcome is Outcome.RETRY
    assert early.after is not None
    assert early.after <= timedelta(seconds=6)
    account.ahead += timedelta(seconds=6)
    done = account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    assert (done.outcome, account.partner.states(order_id)) == (Outcome.APPLIED, ["shipped"] * 2)
    # By its own clock an hour has not passed there: the sandbox shows what comes of statuses that are told too soon.
    assert [item["tracking"] for item in account.partner.shown(order_id)["shipments"]] == [""]


def test_after_a_restart_the_order_itself_says_how_long_ago_it_was(account: Account) -> None:
    order_id, lines = account.partner.order()
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    url = str(account.partner.http.base_url).rstrip("/")
    fresh = Account(url)
    assert fresh.channel.confirm_shipment(fresh.channel.fetch_order(order_id), parcel(*lines)).outcome is Outcome.RETRY
    later = Account(url)
    later.ahead = timedelta(minutes=1)
    told = later.channel.confirm_shipment(later.channel.fetch_order(order_id), parcel(*lines))
    assert (told.outcome, account.partner.states(order_id)) == (Outcome.APPLIED, ["shipped"])
    assert account.partner.shown(order_id)["shipments"][0]["tracking"] == "0034123"


def test_a_number_that_does_not_show_yet_is_not_told_again(account: Account) -> None:
    order_id, lines = account.partner.order()
    with faulty(account.partner, "mutate", "getOrder", params={"set": {"data.attributes.tracking_number": None}}):
        assert account.ship(order_id, parcel(*lines)).outcome is Outcome.APPLIED
    assert account.operations().count("patchOrder") == 1
    assert account.partner.states(order_id) == ["shipped"]


def test_units_in_two_parcels_and_the_first_number_stays(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=3)
    assert account.ship(order_id, parcel(lines[0], tracking="1")).outcome is Outcome.APPLIED
    assert [line.shipped for line in account.channel.fetch_order(order_id).lines] == [1, 0, 0]
    account.ahead += timedelta(minutes=1)
    second = parcel(*lines[1:], tracking="2", reference="SB-2")
    assert account.channel.confirm_shipment(account.channel.fetch_order(order_id), second).outcome is Outcome.APPLIED
    assert account.partner.states(order_id) == ["shipped"] * 3
    assert account.operations().count("patchOrder") == 1


def test_an_order_that_is_split_has_a_number_for_each_parcel(open_account: Open) -> None:
    settings = {
        "split_shipments": True,
        "parcel_weight": 800,
        "logistic_center": "57be9d4a-28d6-4b83-94de-b784899cabc9",
    }
    account = open_account(settings=settings | {"return_tracking": "same"})
    account.partner.has()
    order_id, lines = account.partner.order(quantity=3)
    assert account.ship(order_id, parcel(lines[0], tracking="1")).outcome is Outcome.APPLIED
    second = parcel(*lines[1:], tracking="2", reference="SB-2")
    assert account.ship(order_id, second).outcome is Outcome.APPLIED
    assert account.ship(order_id, second).outcome is Outcome.APPLIED
    sent = [(item["tracking"], len(item["lines"])) for item in account.partner.shown(order_id)["shipments"]]
    assert sent == [("1", 1), ("2", 2)]
    assert (account.operations().count("createShipment"), "patchOrder" in account.operations()) == (2, False)
    bare = open_account(settings={"split_shipments": True})
    bare.partner.has()
    other, units = bare.partner.order(quantity=2)
    refused = bare.ship(other, parcel(units[0]))
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "parcel_weight")
    assert bare.ship(other, parcel(*units)).outcome is Outcome.APPLIED


def test_where_it_is_sent_from_and_the_return_label(open_account: Open) -> None:
    center = "57be9d4a-28d6-4b83-94de-b784899cabc9"
    account = open_account(settings={"logistic_center": center, "return_tracking": "same"})
    account.partner.has()
    order_id, lines = account.partner.order()
    account.ship(order_id, parcel(*lines))
    shown = account.partner.shown(order_id)
    assert (shown["lines"][0]["center"], shown["return_tracking_number"]) == (center, "0034123")


def test_sent_already_is_a_success_and_cancelled_is_not(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=3)
    assert account.ship(order_id, parcel(lines[0])).outcome is Outcome.APPLIED
    account.ahead += timedelta(minutes=1)
    before = account.channel.fetch_order(order_id)
    account.partner.control("POST", f"orders/{order_id}/request-cancellation", {"line_id": lines[1]})
    result = account.channel.confirm_shipment(before, parcel(*lines))
    assert (result.outcome, "2 of 3 units" in result.message) == (Outcome.REJECTED, True)
    assert account.partner.states(order_id) == ["shipped", "canceled", "shipped"]
    assert account.channel.confirm_shipment(before, parcel(lines[2])).outcome is Outcome.APPLIED


def test_trouble_in_the_middle_is_tried_again(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=4)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    account.ahead += timedelta(seconds=6)
    order = account.channel.fetch_order(order_id)
    with faulty(account.partner, "throttle", "patchOrderLine", after=2, params={"retry_after": 60}):
        result = account.channel.confirm_shipment(order, parcel(*lines))
    assert result.outcome is Outcome.RETRY
    assert sorted(account.partner.states(order_id)) == ["reserved", "reserved", "shipped", "shipped"]
    later = Account(str(account.partner.http.base_url).rstrip("/"))
    later.ahead = timedelta(minutes=1)
    assert later.channel.confirm_shipment(order, parcel(*lines)).outcome is Outcome.APPLIED
    assert account.partner.states(order_id) == ["shipped"] * 4


def test_nothing_sent_is_the_error_itself(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    with faulty(account.partner, "throttle", "patchOrder", params={"retry_after": 30}), pytest.raises(SlowDown):
        account.channel.confirm_shipment(order, parcel(*lines))
    account = Account(str(account.partner.http.base_url).rstrip("/"))
    account.channel.confirm_shipment(order, parcel(*lines))
    account.ahead += timedelta(seconds=6)
    order = account.channel.fetch_order(order_id)
    with faulty(account.partner, "error", "patchOrderLine", params={"status": 403}), pytest.raises(AskMerchant):
        account.channel.confirm_shipment(order, parcel(*lines))
    assert account.partner.states(order_id) == ["reserved"] * 2


def test_a_lost_answer_is_looked_up(account: Account) -> None:
    order_id, lines = account.partner.order()
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*lines))
    account.ahead += timedelta(seconds=6)
    order = account.channel.fetch_order(order_id)
    account.partner.fault("timeout_after_write", "patchOrderLine", params={"seconds": 4})
    with hurry(1.5), pytest.raises(RetryLater):
        account.channel.confirm_shipment(order, parcel(*lines))
    assert account.channel.confirm_shipment(order, parcel(*lines)).outcome is Outcome.APPLIED
    assert account.partner.states(order_id) == ["shipped"]


def test_a_parcel_of_lines_that_are_not_there(account: Account) -> None:
    order_id, _ = account.partner.order()
    assert account.ship(order_id, parcel("x")).outcome is Outcome.MISSING
    assert account.channel.carrier_code("DHL Paket", "1") == "DHL Paket"
    assert [account.channel.carrier_code(name, "1") for name in ("Hermes ", "")] == ["Hermes", "other"]


# Cancellations


def test_a_unit_is_cancelled_once(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=2)
    for _ in range(2):
        assert account.channel.cancel_line(order_id, lines[0], 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    assert [line.cancelled for line in account.channel.fetch_order(order_id).lines] == [1, 0]
    assert account.operations().count("patchOrderLine") == 1
    assert account.channel.cancel_line(order_id, "9", 1, CancelReason.OTHER).outcome is Outcome.MISSING


def test_what_is_sent_cannot_be_cancelled(account: Account) -> None:
    order_id, lines = account.partner.order()
    account.ship(order_id, parcel(*lines))
    result = account.channel.cancel_line(order_id, lines[0], 1, CancelReason.OTHER)
    assert (result.outcome, "shipped" in result.message) == (Outcome.REJECTED, True)


def test_a_buyer_cancels_at_zalando_until_it_is_shipped(account: Account) -> None:
    order_id, _ = account.partner.order(quantity=2)
    mark = account.channel.fetch_order(order_id).list_mark
    account.partner.control("POST", f"orders/{order_id}/request-cancellation", {})
    order = account.channel.fetch_order(order_id)
    assert ([line.cancelled for line in order.lines], order.list_mark == mark) == ([1, 1], False)


# Returns


def test_a_return_is_announced_and_received(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=3)
    account.ship(order_id, parcel(*lines))
    wanted = [{"line_id": lines[0], "reason": "TOO_SMALL"}, {"line_id": lines[1], "reason": "no idea"}]
    account.partner.control("POST", "returns", {"order_id": order_id, "lines": wanted})
    (back,) = all_pages(account.channel.list_returns)
    assert max(len(line.external_id) for line in back.lines) <= 100  # what is kept of it
    assert [(line.order_line_id, line.sku, line.reason, line.handled) for line in back.lines] == [
        (lines[0], "A-1", "TOO_SMALL", False),
        (lines[1], "A-1", "no idea", False),
    ]
    for _ in range(2):
        for line in back.lines:
            taken = account.channel.decide_return(line.external_id, ReturnDecision.ACCEPTED, 1)
            assert taken.outcome is Outcome.APPLIED
    shown = account.partner.shown(order_id)["lines"]
    assert [(line["status"], line["reason"]) for line in shown] == [("returned", 3), ("returned", 0), ("shipped", None)]
    (again,) = all_pages(account.channel.list_returns)
    assert [(line.handled, line.received) for line in again.lines] == [(True, True)] * 2


def test_returns_that_cannot_be(account: Account) -> None:
    order_id, lines = account.partner.order(quantity=2)
    key = f"{order_id}/{lines[0]}/2"
    assert account.channel.decide_return(key, ReturnDecision.ACCEPTED, 1).outcome is Outcome.REJECTED
    assert account.channel.decide_return("x", ReturnDecision.ACCEPTED, 1).outcome is Outcome.MISSING
    account.ship(order_id, parcel(*lines))
    refused = account.channel.decide_return(key, ReturnDecision.REFUSED, 1)
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "decision")
    assert account.partner.states(order_id) == ["shipped"] * 2


def test_returns_in_pages_and_orders_that_are_back_are_read_once(account: Account) -> None:
    account.partner.has("B-1", EANS[1])
    order_id, lines = account.partner.order(quantity=2)
    account.ship(order_id, parcel(*lines))
    for line in lines:
        account.partner.control("POST", "returns", {"order_id": order_id, "lines": [{"line_id": line}]})
    found = list(all_pages(account.channel.list_returns))
    assert len(found) == 2
    for back in found:
        account.channel.decide_return(back.lines[0].external_id, ReturnDecision.ACCEPTED, 1)
    list(all_pages(account.channel.list_returns))
    reads = account.operations().count("getOrder")
    list(all_pages(account.channel.list_returns))
    assert account.operations().count("getOrder") == reads
    with faulty(account.partner, "stuck_cursor", "getAnnouncedReturns"):
        first = account.channel.list_returns(None)
        assert account.channel.list_returns(first.next_cursor).next_cursor is None
