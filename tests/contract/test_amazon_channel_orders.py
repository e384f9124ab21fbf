"""The Amazon channel against its sandbox, over real HTTP: orders, shipments, cancellations, returns, refunds, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome, SubmissionState
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, RetryLater, SlowDown, UnknownOutcome
from channel_adapters.amazon import ADAPTER
from channel_adapters.amazon.sandbox import create_sandbox
from tests.support.amazon import AT_ONCE, DE, FR, Account, euro, parcel, status
from tests.support.serve import serve as serve_app

Open = Callable[..., Account]
SINCE = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    with serve_app(create_sandbox(**AT_ONCE)) as url:
        yield url


@pytest.fixture
def open_account(shared: str, serve: Callable[..., str]) -> Open:
    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        url = shared if sandbox is None else serve(create_sandbox(**AT_ONCE | sandbox))
        account = Account(url, **given)
        if sandbox is None:
            account.control("POST", "reset")
        account.list(stock=500)
        return account

    return open_account


# Reading


def test_orders_come_whole_in_pages(open_account: Open) -> None:
    account = open_account()
    placed = account.control("POST", "orders/bulk", {"count": 130, "skus": ["A-1"]})["order_ids"]
    first = account.channel.list_orders(SINCE, None)
    second = account.channel.list_orders(SINCE, first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (100, 30, None)
    assert {ref.external_id for ref in (*first.items, *second.items)} == set(placed)
    assert all(ref.order and ref.order.ship_to.city for ref in first.items)
    assert account.operations().count("getOrder") == 0
    opened = account.channel.list_open_orders(None)
    assert len(account.channel.list_open_orders(opened.next_cursor).items) == 30


def test_an_order_has_all_that_a_store_order_needs(open_account: Open) -> None:
    account = open_account()
    until = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
    order_id = account.order(quantity=3, discount=2.97, shipping=4.9, business=True, ship_by=until.isoformat())
    order = account.channel.fetch_order(order_id)
    line = order.lines[0]
    assert (order.phase, order.site, order.currency, order.total) == (OrderPhase.READY, DE, "EUR", euro("40.90"))
    assert (line.unit_price, line.total, line.discount, line.tax) == (
        euro("12.99"), euro("36.00"), euro("2.97"), euro("5.75"),
    )  # fmt: skip
    assert (order.shipping, order.shipping_tax) == (euro("4.90"), euro("0.78"))
    assert (line.quantity, line.open, line.ship_by, line.sku) == (3, 3, until, "A-1")
    assert (order.ship_to.company, order.ship_to.vat_number) == ("Beispiel GmbH", "DE999999999")
    assert order.ship_to.email.endswith("@marketplace.amazon.de")
    listed = account.channel.list_orders(SINCE, None).items[0]
    assert (listed.mark, listed.order) == (order.list_mark, order)


def test_in_the_us_the_tax_comes_on_top(open_account: Open) -> None:
    account = open_account()
    order = account.channel.fetch_order(account.order(quantity=2, shipping=10, tax="on_top"))
    assert (order.total, order.shipping, order.shipping_tax) == (euro("39.58"), euro("11.00"), euro("1.00"))
    assert (order.lines[0].total, order.lines[0].tax, order.lines[0].unit_price) == (
        euro("28.58"), euro("2.60"), euro("14.29"),
    )  # fmt: skip


def test_a_pending_order_is_told_and_then_released(open_account: Open) -> None:
    account = open_account()
    order_id = account.order(pending=True)
    pending = account.channel.fetch_order(order_id)
    assert (pending.phase, pending.ship_to.city, pending.lines[0].open) == (OrderPhase.PENDING, "", 1)
    account.control("POST", f"orders/{order_id}/release", {})
    ready = account.channel.fetch_order(order_id)
    assert (ready.phase, ready.ship_to.name) == (OrderPhase.READY, "Billie Müller")
    assert pending.list_mark != ready.list_mark


def test_orders_of_amazons_own_warehouse_are_left_alone_unless_wanted(open_account: Open) -> None:
    account = open_account()
    account.order(fulfilled_by="AMAZON", force=True)
    assert account.channel.list_orders(SINCE, None).items == ()
    wanting = Account(account.url, settings={"import_fba": True})
    found = wanting.channel.list_orders(SINCE, None).items[0].order
    assert found
    assert found.lines[0].fulfilled_by is FulfilledBy.CHANNEL


def test_only_the_marketplaces_in_use_are_asked_for(open_account: Open) -> None:
    account = open_account(settings={"sites": [FR]})
    account.order()
    french = account.order(site=FR)
    assert [ref.external_id for ref in account.channel.list_orders(SINCE, None).items] == [french]


def test_roles_that_are_missing_cost_data_and_not_orders(open_account: Open) -> None:
    account = open_account({"roles": ("RECIPIENT",)})
    account.order(business=True)
    order = account.channel.list_orders(SINCE, None).items[0].order
    assert order
    assert (order.ship_to.vat_number, order.ship_to.email, bool(order.ship_to.city)) == ("", "", True)
    asked = account.operations().count("searchOrders")
    account.channel.list_orders(SINCE, None)
    assert account.operations().count("searchOrders") == asked + 1
    without = open_account({"roles": ()})
    with pytest.raises(AskMerchant, match="role for RECIPIENT"):
        without.channel.list_orders(SINCE, None)


def test_a_dataset_amazon_stumbles_over_is_left_out(open_account: Open) -> None:
    account = open_account()
    account.order()
    refused = {"status": 400, "body": '{"errors": [{"code": "InvalidInput", "message": "includedData"}]}'}
    account.fault("error", "searchOrders", params=refused)
    assert len(account.channel.list_orders(SINCE, None).items) == 1
    assert account.operations().count("searchOrders") == 2


def test_data_that_was_refused_once_is_asked_for_again_after_an_hour(open_account: Open) -> None:
    account = open_account()
    account.order(business=True)

    def buyers() -> list[str]:
        return [ref.order.ship_to.vat_number for ref in account.channel.list_orders(SINCE, None).items if ref.order]

    refused = {"status": 403, "body": '{"errors": [{"code": "Unauthorized", "message": "Access is denied."}]}'}
    account.fault("error", "searchOrders", params=refused, times=2)
    assert [buyers(), buyers()] == [[""], [""]]
    now = datetime.now(UTC)
    account.channel.clock = lambda: now + timedelta(hours=1)
    assert all(buyers())


def test_what_is_in_a_report_is_not_written_down(open_account: Open) -> None:
    account = open_account({"zipped": False})
    order_id, _ = _shipped(account)
    account.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1", "reason": "SECRET-REASON"}]})
    account.channel.list_returns(None)
    assert account.channel.list_returns(None).items[0].lines[0].reason == "SECRET-REASON"
    written = "\n".join(exchange.as_text() for exchange in account.recorder.exchanges)
    assert "bytes of text/plain" in written
    assert "SECRET-REASON" not in written


def test_an_order_nobody_has_is_not_found(open_account: Open) -> None:
    with pytest.raises(NotFound):
        open_account().channel.fetch_order("303-0000000-0000000")


# Shipping


def test_parcels_by_line_and_quantity(open_account: Open) -> None:
    account = open_account()
    order_id = account.order(quantity=3)
    order = account.channel.fetch_order(order_id)
    line = order.lines[0].external_id
    assert account.channel.confirm_shipment(order, parcel(line, 2)).outcome is Outcome.APPLIED
    assert account.sold(order_id)["status"] == "PARTIALLY_SHIPPED"
    # The same parcel again changes its package; another one is another package.
    assert account.channel.confirm_shipment(order, parcel(line, 1)).outcome is Outcome.APPLIED
    assert account.channel.fetch_order(order_id).lines[0].shipped == 1
    account.channel.confirm_shipment(order, parcel(line, 2, "SB-2", account.channel.carrier_code("PostNL", "3S1")))
    sold = account.sold(order_id)
    assert (sold["status"], [item["carrier"] for item in sold["shipments"]]) == ("SHIPPED", ["DHL", "PostNL"])
    assert len({item["reference"] for item in sold["shipments"]}) == 2
    too_many = account.channel.confirm_shipment(order, parcel(line, 1, "SB-3"))
    assert (too_many.outcome, "left to ship" in too_many.message) == (Outcome.REJECTED, True)


def test_a_shipment_date_is_never_before_the_order_nor_in_the_future(open_account: Open) -> None:
    account = open_account()
    order = account.channel.fetch_order(account.order(quantity=2))
    line = order.lines[0].external_id
    for number, at in enumerate((datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))):
        given = parcel(line, 1, f"SB-{number}").model_copy(update={"shipped_at": at})
        assert account.channel.confirm_shipment(order, given).outcome is Outcome.APPLIED


def test_a_shipment_whose_answer_was_lost_is_sent_again_as_the_same_package(open_account: Open) -> None:
    account = open_account()
    order_id = account.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    account.fault("reset", "confirmShipment")
    account.channel.confirm_shipment(order, parcel(order.lines[0].external_id, 2))
    assert [item["lines"][0]["quantity"] for item in account.sold(order_id)["shipments"]] == [2]


def test_carriers_are_amazons_codes_or_their_names(open_account: Open) -> None:
    channel = open_account().channel
    codes = [channel.carrier_code(name, "") for name in ("dhl paket", "DHL", "Bote", "")]
    assert codes == ["DHL", "DHL", "Other: Bote", "Other: Other"]
    assert channel.carrier_code("?", "1Z12345E0205271688") == "UPS"


# Cancelling


def test_a_line_is_cancelled_by_feed_and_followed(open_account: Open) -> None:
    account = open_account({"feed_seconds": 0.3})
    order_id = account.order(quantity=2)
    line = account.channel.fetch_order(order_id).lines[0].external_id
    result = account.channel.cancel_line(order_id, line, 2, CancelReason.OUT_OF_STOCK)
    assert status(account, result)[0] is SubmissionState.PENDING
    found = [SubmissionState.PENDING]
    while found[-1] is SubmissionState.PENDING:
        found.append(status(account, result)[0])
    assert found[-1] is SubmissionState.DONE
    order = account.channel.fetch_order(order_id)
    assert (order.phase, order.lines[0].cancelled, order.lines[0].open) == (OrderPhase.READY, 2, 0)


def test_what_cannot_be_cancelled_says_why(open_account: Open) -> None:
    account = open_account()
    order_id = account.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    line = order.lines[0].external_id
    assert account.channel.cancel_line(order_id, line, 1, CancelReason.OTHER).field == "quantity"
    assert account.channel.cancel_line(order_id, "1", 1, CancelReason.OTHER).outcome is Outcome.MISSING
    account.fault("partial", "createFeed")
    refused = account.channel.cancel_line(order_id, line, 2, CancelReason.OTHER)
    assert status(account, refused) == (SubmissionState.FAILED, "This message was refused on request.")
    account.channel.confirm_shipment(order, parcel(line, 2))
    assert account.channel.cancel_line(order_id, line, 2, CancelReason.OTHER).outcome is Outcome.REJECTED


def test_a_buyers_request_is_seen_until_it_is_settled(open_account: Open) -> None:
    account = open_account()
    order_id = account.order()
    account.control("POST", f"orders/{order_id}/request-cancellation", {})
    order = account.channel.fetch_order(order_id)
    assert order.lines[0].cancellation_requested
    account.channel.confirm_shipment(order, parcel(order.lines[0].external_id))
    assert not account.channel.fetch_order(order_id).lines[0].cancellation_requested


def test_an_order_that_the_buyer_cancels_is_cancelled(open_account: Open) -> None:
    account = open_account()
    order_id = account.order(quantity=2)
    account.control("POST", f"orders/{order_id}/cancel", {})
    assert account.channel.fetch_order(order_id).lines[0].cancelled == 2


# Returns and refunds


def _shipped(account: Account, quantity: int = 2) -> tuple[str, str]:
    order_id = account.order(quantity=quantity, shipping=1)
    order = account.channel.fetch_order(order_id)
    account.channel.confirm_shipment(order, parcel(order.lines[0].external_id, quantity))
    return order_id, order.lines[0].external_id


def _money(line: str, amount: str = "12.99", shipping: str | None = None) -> ChannelRefund:
    costs = euro(shipping) if shipping else None
    return ChannelRefund(line_id=line, quantity=1, amount=euro(amount), shipping=costs, reason=RefundReason.RETURNED)


def test_returns_come_with_the_report_asked_for_before(open_account: Open) -> None:
    account = open_account()
    order_id, line = _shipped(account)
    account.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1", "quantity": 1}]})
    assert account.channel.list_returns(None).items == ()
    found = account.channel.list_returns(None).items[0]
    back = found.lines[0]
    assert (back.external_id, back.order_id, back.order_line_id) == (f"{found.external_id}:{line}", order_id, line)
    assert (back.sku, back.quantity, back.reason, back.handled) == ("A-1", 1, "AMZ-PG-APP-TOO-SMALL", False)
    assert account.channel.decide_return(back.external_id, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    refused = account.channel.decide_return(back.external_id, ReturnDecision.REFUSED, 1)
    assert (refused.outcome, "Seller Central" in refused.message) == (Outcome.REJECTED, True)
    account.channel.refund(order_id, [_money(line)], "R-1")
    account.channel.list_returns(None)
    assert account.channel.list_returns(None).items[0].lines[0].handled


def test_a_report_that_is_under_way_is_waited_for(open_account: Open) -> None:
    account = open_account({"report_seconds": 60})
    account.channel.list_returns(None)
    account.channel.list_returns(None)
    assert account.operations().count("createReport") == 1


def test_a_refund_is_sent_once_and_followed(open_account: Open) -> None:
    account = open_account()
    order_id, line = _shipped(account)
    result = account.channel.refund(order_id, [_money(line, shipping="1.00")], "R-1")
    assert status(account, result)[0] is SubmissionState.DONE
    again = account.channel.refund(order_id, [_money(line, shipping="1.00")], "R-1")
    assert status(account, again)[0] is SubmissionState.DONE
    refunds = account.sold(order_id)["refunds"]
    assert [(one["amounts"], one["reason"], one["ref"]) for one in refunds] == [
        ({"Principal": 12.99, "Shipping": 1.0}, "CustomerReturn", "R-1-1")
    ]
    too_much = account.channel.refund(order_id, [_money(line, "99.00")], "R-2")
    assert status(account, too_much) == (SubmissionState.FAILED, "The refund is larger than what was paid.")
    # What was refused may be tried again, and is another feed then.
    again = account.channel.refund(order_id, [_money(line, "5.00")], "R-2")
    assert (status(account, again)[0], again.submission == too_much.submission) == (SubmissionState.DONE, False)
    assert sum(sum(one["amounts"].values()) for one in account.sold(order_id)["refunds"]) == pytest.approx(18.99)


@pytest.mark.parametrize(
    ("tax", "whole", "parts"),
    [
        ("contained", "22.00", {"Principal": 20.0, "GiftWrap": 2.0, "Shipping": 4.0}),
        (
            "on_top",
            "24.20",
            {"Principal": 20.0, "Tax": 2.0, "GiftWrap": 2.0, "GiftWrapTax": 0.2, "Shipping": 4.0, "ShippingTax": 0.4},
        ),
    ],
)
def test_a_buyer_is_paid_back_in_the_parts_that_he_paid(
    open_account: Open, tax: str, whole: str, parts: dict[str, float]
) -> None:
    account = open_account()
    order_id = account.order(quantity=2, unit_price=10, shipping=4, gift_wrap=2, tax=tax, force=True)
    order = account.channel.fetch_order(order_id)
    assert (order.lines[0].total.text(), order.shipping is not None) == (f"{whole} EUR", True)
    wish = _money(order.lines[0].external_id, whole, shipping="4.40" if tax == "on_top" else "4.00")
    assert status(account, account.channel.refund(order_id, [wish], "R-1"))[0] is SubmissionState.DONE
    assert [one["amounts"] for one in account.sold(order_id)["refunds"]] == [parts]


def test_a_refund_whose_answer_was_lost_is_found_among_the_feeds(open_account: Open) -> None:
    account = open_account()
    order_id, line = _shipped(account)
    account.fault("reset", "createFeed")
    result = account.channel.refund(order_id, [_money(line)], "R-1")
    assert status(account, result)[0] is SubmissionState.DONE
    assert len(account.sold(order_id)["refunds"]) == 1


def test_a_refund_that_is_not_found_is_a_persons_to_decide(open_account: Open) -> None:
    account = open_account()
    order_id, line = _shipped(account)
    account.fault("error", "createFeed", params={"status": 500})
    with pytest.raises(UnknownOutcome, match="Seller Central"):
        account.channel.refund(order_id, [_money(line)], "R-1")
    assert account.sold(order_id)["refunds"] == []


def test_a_refund_waits_for_one_that_is_under_way(open_account: Open) -> None:
    account = open_account({"feed_seconds": 60})
    order_id, line = _shipped(account)
    account.channel.refund(order_id, [_money(line)], "R-1")
    other = Account(account.url).channel.refund(order_id, [_money(line)], "R-2")
    assert (other.outcome, "on its way" in other.message) == (Outcome.RETRY, True)


def test_a_feed_that_broke_off_may_have_paid_all_the_same(open_account: Open) -> None:
    account = open_account({"feed_breaks": True})
    order_id, line = _shipped(account)
    result = account.channel.refund(order_id, [_money(line)], "R-1")
    state, words = status(account, result)
    assert (state, "may have been done" in words) == (SubmissionState.GONE, True)
    assert len(account.sold(order_id)["refunds"]) == 1
    by_word = account.channel.refund(order_id, [_money(line)], "R-1")
    assert by_word.submission != result.submission


# Faults


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("error", {"status": 400, "body": '{"errors": [{"code": "InvalidInput", "message": "no"}]}'}, RejectItem),
        ("error", {"status": 403, "body": '{"errors": [{"code": "Unauthorized", "message": "denied"}]}'}, AskMerchant),
        ("error", {"status": 503}, RetryLater),
        ("throttle", {}, SlowDown),
        ("mutate", {"set": {"orders": "none"}}, None),
    ],
)
def test_every_refusal_becomes_what_to_do_next(
    open_account: Open, kind: str, params: dict[str, Any], expected: type[Exception] | None
) -> None:
    account = open_account()
    account.order()
    account.fault(kind, "searchOrders", times=None, params=params)
    if expected is None:
        assert account.channel.list_orders(SINCE, None).items == ()
        return
    with pytest.raises(expected):
        account.channel.list_orders(SINCE, None)


def test_unknown_words_and_fields_lose_no_order(open_account: Open) -> None:
    account = open_account()
    account.order()
    strange = {
        "orders.0.fulfillment.fulfillmentStatus": "TELEPORTED",
        "orders.0.fulfillment.fulfilledBy": "DRONE",
        "orders.0.orderItems.0.cancellation": {"cancellationRequest": {"requester": "MARS"}},
        "orders.0.orderItems.0.tax": None,
        "orders.0.moon_phase": {"full": True},
        "orders.0.recipient": None,
    }
    account.fault("mutate", "searchOrders", params={"set": strange})
    order = account.channel.list_orders(SINCE, None).items[0].order
    assert order
    assert (order.phase, order.lines[0].fulfilled_by) == (OrderPhase.PENDING, FulfilledBy.MERCHANT)
    assert (order.lines[0].cancellation_requested, order.raw["moon_phase"]) == (False, {"full": True})


def test_a_cancellation_whose_answer_was_lost_is_unknown(open_account: Open) -> None:
    account = open_account()
    order_id = account.order()
    line = account.channel.fetch_order(order_id).lines[0].external_id
    account.fault("reset", "createFeed")
    with pytest.raises(UnknownOutcome):
        account.channel.cancel_line(order_id, line, 1, CancelReason.OTHER)
    assert account.channel.fetch_order(order_id).lines[0].cancelled == 1


def test_a_report_with_entities_is_not_read(open_account: Open) -> None:
    account = open_account({"zipped": False})
    order_id = account.order()
    line = account.channel.fetch_order(order_id).lines[0].external_id
    result = account.channel.cancel_line(order_id, line, 1, CancelReason.OTHER)
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'
    account.fault("error", "download", params={"status": 200, "body": bomb, "content_type": "text/xml"})
    assert status(account, result)[0] is SubmissionState.PENDING
    assert status(account, result)[0] is SubmissionState.DONE


def test_state_survives_a_restart(tmp_path: Any, serve: Callable[..., str]) -> None:
    options = AT_ONCE | {"feed_seconds": 0.2, "accept_seconds": 0.2}
    first = Account(serve(create_sandbox(tmp_path / "state.db", **options)))
    first.list()
    order_id = first.order()
    line = first.channel.fetch_order(order_id).lines[0].external_id
    result = first.channel.cancel_line(order_id, line, 1, CancelReason.OTHER)
    second = Account(serve(create_sandbox(tmp_path / "state.db", **options)))
    while status(second, result)[0] is SubmissionState.PENDING:
        pass
    assert second.sold(order_id)["status"] == "CANCELLED"


# The door


def test_usage_plans_are_kept_and_told(open_account: Open) -> None:
    account = open_account({"limits": "published"})
    token = account.channel.client._tokens.current().access
    call = httpx.Client(base_url=account.url, headers={"x-amz-access-token": token})
    answers = [call.get("/listings/2021-08-01/items/A2SANDBOXSELLER", params={"marketplaceIds": DE}) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {answer.headers["x-amzn-RateLimit-Limit"] for answer in answers} == {"5"}
    assert "quota" in next(a for a in answers if a.status_code == 429).json()["errors"][0]["message"]
    assert call.get("/orders/2026-01-01/orders").json()["errors"][0]["code"] == "InvalidInput"
    assert call.get("/nowhere").status_code == 404
    stale = call.get("/sellers/v1/marketplaceParticipations", headers={"x-amz-access-token": "Atza|stolen"})
    assert (stale.status_code, stale.json()["errors"][0]["code"]) == (403, "Unauthorized")


def test_a_token_that_has_ended_is_told_apart(open_account: Open) -> None:
    account = open_account({"token_seconds": 0})
    form = {"grant_type": "refresh_token"} | {
        name: ADAPTER.sandbox_credentials[name] for name in ("client_id", "client_secret", "refresh_token")
    }
    token = httpx.post(f"{account.url}/auth/o2/token", data=form).json()["access_token"]
    answer = httpx.get(f"{account.url}/sellers/v1/marketplaceParticipations", headers={"x-amz-access-token": token})
    assert (answer.status_code, "expired" in answer.json()["errors"][0]["details"]) == (403, True)
    wrong = httpx.post(f"{account.url}/auth/o2/token", data=form | {"grant_type": "password"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "unsupported_grant_type")
