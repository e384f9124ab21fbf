"""The bol channel against its sandbox, over real HTTP: orders, returns, faults, push."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request

from bridge.domain.order import CancelReason
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import (
    Outcome,
    PushHint,
    SubmissionState,
)
from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RetryLater,
    SlowDown,
    UnknownOutcome,
)
from channel_adapters.bol import standards
from tests.support.bol import EANS
from tests.support.bol_channel import Account, at_sandbox, create, draft, parcel, status, wait_for

Open = Callable[..., Account]


# Orders


def test_orders_changed_of_late(open_account: Open) -> None:
    account = open_account()
    create(account, stock=200)
    since = datetime.now(UTC) - timedelta(minutes=10)
    assert account.channel.list_orders(since, None).items == ()
    placed = account.seller.control("POST", "orders/bulk", {"count": 60, "skus": ["A-1"]})["order_ids"]
    first = account.channel.list_orders(since, None)
    second = account.channel.list_orders(since, first.next_cursor)
    again = account.channel.list_orders(since, second.next_cursor)
    assert (len(first.items), len(second.items), again.next_cursor) == (50, 10, None)
    assert {ref.external_id for ref in (*first.items, *second.items)} == set(placed)
    assert (first.again, second.again, again.again, again.items) == (False, False, True, first.items)


def test_handled_orders_are_listed_as_changed_and_not_as_open(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order()
    order = account.channel.fetch_order(order_id)
    assert account.channel.list_open_orders(None).items[0].mark == order.list_mark
    status(account, account.channel.confirm_shipment(order, parcel(line)))
    assert account.channel.list_open_orders(None).items == ()
    listed = account.channel.list_orders(datetime.now(UTC) - timedelta(minutes=5), None).items[0]
    assert listed.mark != order.list_mark
    assert listed.mark == account.channel.fetch_order(order_id).list_mark


def test_a_long_gap_is_read_day_by_day(open_account: Open) -> None:
    account = open_account()
    create(account)
    days = [datetime.now(UTC) - timedelta(days=ago) for ago in (4, 2, 0)]
    placed = [account.seller.order(placed_at=day.isoformat())[0] for day in days]
    since, cursor, found, asked = days[0] - timedelta(hours=1), None, [], 0
    while True:
        page = account.channel.list_orders(since, cursor)
        found += [ref.external_id for ref in page.items]
        asked += 1
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert sorted(found) == sorted(placed)
    assert asked in (5, 6)


def test_no_gap_is_too_long(open_account: Open) -> None:
    account = open_account()
    page = account.channel.list_orders(datetime.now(UTC) - timedelta(days=400), None)
    assert page.next_cursor is not None
    assert date.fromisoformat(page.next_cursor.split("/")[1]) > date.today() - timedelta(days=90)  # noqa: DTZ011


def test_orders_of_bols_own_warehouse_are_left_alone_unless_wanted(open_account: Open) -> None:
    account, both = open_account(), open_account(settings={"import_fbb": True})
    for each in (account, both):
        create(each)
        each.seller.order(fulfilment_method="FBB")
    assert account.channel.list_open_orders(None).items == ()
    assert len(both.channel.list_open_orders(None).items) == 1


def test_an_order_in_full(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order(quantity=2)
    order = account.channel.fetch_order(order_id)
    assert (order.external_id, order.lines[0].external_id, order.lines[0].sku) == (order_id, line, "A-1")
    assert (order.total.text(), order.lines[0].open) == ("25.98 EUR", 2)
    assert account.channel.acknowledge_order(order, "1001") is None
    with pytest.raises(NotFound):
        account.channel.fetch_order("NONE")


def test_a_partial_shipment_and_what_is_left(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order(quantity=3)
    order = account.channel.fetch_order(order_id)
    assert status(account, account.channel.confirm_shipment(order, parcel(line, 2)))[0] is SubmissionState.DONE
    assert status(account, account.channel.confirm_shipment(order, parcel(line, 2)))[0] is SubmissionState.FAILED
    assert account.channel.fetch_order(order_id).lines[0].open == 1
    shipped = account.seller.control("GET", "orders")[0]["shipments"]
    assert shipped == [
        {"carrier": "TNT", "tracking": "3SBOL1", "reference": "SB-1", "lines": [{"line_id": line, "quantity": 2}]}
    ]


def test_a_shipment_without_an_answer_is_in_doubt(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order()
    account.seller.fault("reset", "create-shipment")
    with pytest.raises(UnknownOutcome):
        account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(line))
    assert account.channel.fetch_order(order_id).lines[0].shipped == 1


def test_a_shipment_is_pending_then_gone(open_account: Open) -> None:
    account = open_account({"process_seconds": 60})
    create(account)
    order_id, line = account.seller.order()
    result = account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(line))
    assert status(account, result)[0] is SubmissionState.PENDING
    answers = account.channel.follow(["1", result.submission or "", "content:2"])
    assert [answer.state.value for answer in answers] == ["gone", "pending", "gone"]


def test_a_line_is_cancelled_whole_or_not_at_all(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order(quantity=2)
    account.seller.control("POST", f"orders/{order_id}/request-cancellation", {})
    assert account.channel.fetch_order(order_id).lines[0].cancellation_requested
    part = account.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK)
    assert (part.outcome, part.field) == (Outcome.REJECTED, "quantity")
    assert account.channel.cancel_line(order_id, "9", 1, CancelReason.OTHER).outcome is Outcome.MISSING
    whole = account.channel.cancel_line(order_id, line, 2, CancelReason.BUYER_REQUEST)
    assert status(account, whole)[0] is SubmissionState.DONE
    assert account.channel.fetch_order(order_id).lines[0].cancelled == 2


# Returns


def test_a_return_is_decided(open_account: Open) -> None:
    account = open_account()
    create(account)
    order_id, line = account.seller.order(quantity=2)
    status(account, account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(line, 2)))
    lines = [{"sku": "A-1", "quantity": 2, "reason": "Te klein"}]
    account.seller.control("POST", "returns", {"order_id": order_id, "lines": lines})
    page = account.channel.list_returns(None)
    announced = page.items[0].lines[0]
    assert (announced.order_id, announced.gtin, announced.quantity) == (order_id, EANS[0], 2)
    assert (announced.reason, announced.handled) == ("Te klein", False)
    result = account.channel.decide_return(announced.external_id, ReturnDecision.ACCEPTED, 2)
    assert status(account, result)[0] is SubmissionState.DONE
    assert account.channel.list_returns(None).items == ()
    handled = account.channel.list_returns("handled/1")
    assert (handled.items[0].lines[0].handled, handled.next_cursor) == (True, None)


# Service norms


def test_the_service_norms_of_the_week(open_account: Open) -> None:
    account = open_account()
    create(account)
    for _ in range(4):
        placed = account.seller.order()
    order_id, line = placed
    status(account, account.channel.cancel_line(order_id, line, 1, CancelReason.OUT_OF_STOCK))
    figures = {item.name: item for item in account.channel.score()}
    cancelled = figures["cancellations"]
    assert (cancelled.value, cancelled.limit, cancelled.good) == (Decimal("0.25"), Decimal("0.02"), "below")
    assert (figures["reviews"].unit, figures["fulfilment"].good) == ("of 10", "above")
    assert account.operations().count("get-performance-indicators") == len(figures)


def test_a_week_without_a_score_has_no_figure() -> None:
    norm = {"condition": "<=", "value": 0.02}
    answer = {"performanceIndicators": [{"name": "RETURNS", "type": "PERCENTAGE", "details": {"norm": norm}}]}
    now = datetime.now(UTC)
    assert standards.figure("RETURNS", answer, now) is None
    assert standards.figure("REVIEWS", answer, now) is None
    assert standards.figure("REVIEWS", {"performanceIndicators": "none"}, now) is None


# Faults on reading


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("html", {}, RetryLater),
        ("error", {"status": 503}, RetryLater),
        ("error", {"status": 403, "body": "{}"}, AskMerchant),
        ("error", {"status": 406, "body": "{}"}, AskMerchant),
        ("error", {"status": 200, "body": "[]"}, RetryLater),
        ("error", {"status": 200, "body": "[["}, RetryLater),
        ("throttle", {"retry_after": 30}, SlowDown),
    ],
)
def test_faults_have_their_type(
    open_account: Open, kind: str, params: dict[str, Any], error: type[BridgeError]
) -> None:
    account = open_account()
    account.seller.fault(kind, "get-orders", times=None, params=params)
    with pytest.raises(error) as caught:
        account.channel.list_open_orders(None)
    assert caught.value.merchant


@pytest.mark.parametrize("value", [None, 7, "x", {"a": 1}, [None, 3, "x"]])
def test_a_list_that_is_none_is_empty(open_account: Open, value: Any) -> None:
    account = open_account()
    create(account)
    account.seller.order()
    account.seller.fault("mutate", "get-orders", params={"set": {"orders": value}})
    assert account.channel.list_open_orders(None).items == ()


def test_an_order_without_its_number_is_not_passed_over(open_account: Open) -> None:
    account = open_account()
    create(account)
    account.seller.order()
    account.seller.fault("mutate", "get-orders", params={"set": {"orders.0.orderId": None}})
    with pytest.raises(RetryLater):
        account.channel.list_open_orders(None)


def test_without_the_right_to_see_operators_offers_are_created_all_the_same(open_account: Open) -> None:
    account = open_account()
    account.seller.fault("error", "get-all-economic-operators", times=None, params={"status": 403})
    results = account.channel.create_offers([draft(), draft("B-1", EANS[1])])
    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED]
    assert account.operations().count("get-all-economic-operators") == 1
    assert at_sandbox(account)["reasons"] == ["3001-99"]


def test_no_secret_and_no_buyer_in_the_log(open_account: Open) -> None:
    account = open_account()
    create(account)
    buyer = {"firstName": "Zsuzsanna", "surname": "Unverwechselbar", "email": "zsu@verkopen.bol.com"}
    order_id, _ = account.seller.order(buyer=buyer)
    account.channel.fetch_order(order_id)
    token = account.transport.services.tokens.load("1:1")
    text = repr(account.recorder.exchanges)
    assert token is not None
    for secret in ("sandbox-secret", "Unverwechselbar", "zsu@verkopen.bol.com", token.access):
        assert secret not in text


# Push


class Listener:
    """Our own web door, as bol sees it."""

    def __init__(self, serve: Callable[..., str]) -> None:
        self.got: list[tuple[list[tuple[str, str]], bytes]] = []
        app = Flask("listener")

        @app.post("/hook")
        def hook() -> tuple[str, int]:
            self.got.append((list(request.headers.items()), request.get_data()))
            return "", 204

        self.url = serve(app) + "/hook"


def test_a_genuine_event_becomes_a_hint(open_account: Open, serve: Callable[..., str]) -> None:
    account, listener = open_account(), Listener(serve)
    account.channel.ensure_push(listener.url)
    create(account)
    order_id, _ = account.seller.order()
    headers, body = wait_for(lambda: next((got for got in listener.got if b"ORDER_CREATED" in got[1]), None))
    hints = account.channel.push_hints(headers, body)
    assert [(hint.kind, hint.key) for hint in hints] == [("order", order_id)]
    for wrong in (body + b" ", body.replace(b"ORDER_CREATED", b"ORDER_CREATEX")):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(headers, wrong)


def test_the_keys_are_asked_for_once(open_account: Open) -> None:
    account = open_account()
    body = json.dumps({"event": {"resource": "ORDER", "type": "X", "resourceId": "C1"}}).encode()
    forged = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = base64.b64encode(forged.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
    headers = [[("Signature", f'keyId={key}, algorithm="rsa-sha256", signature={signed}')] for key in ("0", "1", "2")]
    for each in (*headers, [("Signature", "nonsense ü")], [("Signature", 'keyId=0, algorithm="none"')], []):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(each, body)
    assert account.operations().count("get-subscription-keys") == 1


def test_a_lost_or_disabled_subscription_comes_back(open_account: Open) -> None:
    account = open_account()
    url = "http://127.0.0.1:9/hook"
    account.channel.ensure_push(url)
    account.channel.ensure_push(url)
    made = account.seller.call("GET", "/retailer/subscriptions").json()["subscriptions"]
    assert [item["enabled"] for item in made] == [True]
    path = f"/retailer/subscriptions/{made[0]['id']}"
    body = {name: made[0][name] for name in ("resources", "url", "subscriptionType")}
    account.seller.finish(account.seller.call("PUT", path, body | {"enabled": False}))
    account.channel.ensure_push(url)
    wait_for(lambda: account.seller.call("GET", path).json()["enabled"])


def test_a_hint_is_a_pointer_only() -> None:
    assert set(PushHint.model_fields) == {"kind", "key", "site", "delivery_id"}
