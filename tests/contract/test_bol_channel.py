"""The bol channel against the bol sandbox, over the real transport and real HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, Parcel, ParcelLine
from bridge.domain.returns import ReturnDecision
from bridge.ports.adapter import Adapter
from bridge.ports.channel import (
    Channel,
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    PriceUpdate,
    PushHint,
    StockUpdate,
    SubmissionState,
)
from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RetryLater,
    SlowDown,
    Superseded,
    UnknownOutcome,
)
from bridge.ports.http import before_write
from bridge.ports.manifest import Capability
from channel_adapters.bol import ADAPTER
from channel_adapters.bol.sandbox import create_sandbox
from channel_adapters.bol.sandbox.operations import operations
from tests.support.bol import EANS
from tests.support.bol_channel import Account

Open = Callable[..., Account]
AT_ONCE: dict[str, Any] = {"process_seconds": 0, "policy_seconds": 0, "content_seconds": 0, "limits": None}


@pytest.fixture
def open_account(serve: Callable[..., str]) -> Open:
    """An account at a sandbox of its own. ``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)

    return open_account


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    price = Money(amount=Decimal("12.99"), currency="EUR")
    given = {"key": f"key {sku}", "price": price, "content": OfferContent(title="A mug")} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def create(account: Account, **given: Any) -> OfferRef:
    result = account.channel.create_offers([draft(**given)])[0]
    assert result.outcome is Outcome.APPLIED
    assert result.offer_id
    gtin = given.get("gtin", EANS[0])
    return OfferRef(key="1", offer_id=result.offer_id, sku=given.get("sku", "A-1"), gtin=gtin)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def at_sandbox(account: Account) -> dict[str, Any]:
    found: list[dict[str, Any]] = account.seller.control("GET", "offers")
    return found[0]


def parcel(line: str, quantity: int = 1, carrier: str = "TNT") -> Parcel:
    lines = (ParcelLine(external_id=line, quantity=quantity),)
    return Parcel(reference="SB-1", carrier=carrier, tracking="3SBOL1", lines=lines)


def status(account: Account, result: ItemResult) -> tuple[SubmissionState, str]:
    assert result.outcome is Outcome.SUBMITTED
    found = account.channel.follow([result.submission or ""])[0]
    return found.state, found.message


# The adapter as such


def test_the_adapter_is_a_channel() -> None:
    channel: type[Channel] = ADAPTER.connect  # type: ignore[assignment]
    missing = [name for name in vars(Channel) if not name.startswith("_") and not hasattr(channel, name)]
    assert isinstance(ADAPTER, Adapter)
    assert missing == []


def test_limits_are_for_operations_of_the_specification() -> None:
    known = {operation.name for operation in operations()} | {"token", "subscriptions"}
    assert set(ADAPTER.manifest.limits) <= known
    assert all(limit.source for limit in ADAPTER.manifest.limits.values())


def test_every_capability_is_there_or_said_to_lack() -> None:
    channel = {"check", "offers", "content", "read_back", "orders", "shipments", "cancel", "returns", "push", "score"}
    said = {str(name) for name in (*ADAPTER.manifest.capabilities, *ADAPTER.manifest.lacks)}
    assert said == channel
    assert Capability.SCORE in ADAPTER.manifest.lacks


# Credentials


def test_check_tells_whose_account_it_is(open_account: Open) -> None:
    info = open_account().channel.check()
    assert (info.name, info.countries) == ("Sandbox", ("NL", "BE"))


def test_check_refuses_wrong_credentials(open_account: Open) -> None:
    account = open_account(credentials={"client_id": "sandbox-client", "client_secret": "wrong-secret-value"})
    with pytest.raises(Reauthorise, match="partner platform") as caught:
        account.channel.check()
    assert "wrong-secret-value" not in str(caught.value)


def test_one_token_serves_many_calls_and_a_revoked_one_is_renewed_once(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.seller.fault("unauthorised", "get-retailer-information")
    account.channel.check()
    assert account.operations().count("token") == 2


def test_revoked_credentials_stop_it(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.seller.fault("unauthorised", times=None)
    with pytest.raises(Reauthorise):
        account.channel.list_open_orders(None)


def test_a_short_token_is_renewed_in_time(open_account: Open) -> None:
    account = open_account({"token_seconds": 31})
    account.channel.check()
    assert account.operations().count("token") == 1


# Offers


def test_an_offer_is_created_and_found(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    assert at_sandbox(account) | {"offer_id": offer.offer_id, "sku": "A-1", "stock": 5, "live": True} == at_sandbox(
        account
    )
    by_sku, by_gtin = account.channel.find_offers(["A-1"], []), account.channel.find_offers(["?"], [EANS[0]])
    assert [found.offer_id for found in by_sku] == [found.offer_id for found in by_gtin] == [offer.offer_id]
    assert account.channel.find_offers(["?"], [EANS[1]]) == []


def test_content_of_a_new_offer_is_still_to_be_sent_unless_switched_off(open_account: Open) -> None:
    sends, keeps = open_account(), open_account(settings={"send_content": False})
    assert sends.channel.create_offers([draft()])[0].unsent == (Facet.CONTENT,)
    assert keeps.channel.create_offers([draft()])[0].unsent == ()


def test_a_create_whose_answer_was_lost_is_found_again(open_account: Open) -> None:
    account = open_account()
    account.seller.fault("reset", "create-offer")
    with pytest.raises(UnknownOutcome):
        account.channel.create_offers([draft()])
    assert [offer.sku for offer in account.channel.find_offers(["A-1"], [])] == ["A-1"]


def test_a_repeated_create_takes_over_its_own_offer(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    again = account.channel.create_offers([draft(stock=2, price=Money(amount=Decimal(20), currency="EUR"))])[0]
    assert (again.outcome, again.offer_id) == (Outcome.APPLIED, offer.offer_id)
    assert (at_sandbox(account)["stock"], at_sandbox(account)["price"]) == (2, 20)


def test_an_ean_that_is_offered_under_another_reference_is_refused(open_account: Open) -> None:
    account = open_account()
    create(account)
    result = account.channel.create_offers([draft(sku="B-1")])[0]
    assert (result.outcome, result.field) == (Outcome.REJECTED, "gtin")
    assert "under A-1" in result.message
    assert at_sandbox(account)["sku"] == "A-1"


def test_one_bad_draft_harms_no_other(open_account: Open) -> None:
    account = open_account()
    bad = draft("B-1", "8718526069335")
    results = account.channel.create_offers([draft(), bad, draft("C-1", None), draft("D-1", EANS[1])])
    assert [result.outcome.value for result in results] == ["applied", "rejected", "rejected", "applied"]
    assert [result.key for result in results] == ["key A-1", "key B-1", "key C-1", "key D-1"]
    assert (results[1].field, results[2].field) == ("ean", "gtin")


def test_stock_price_and_end(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    price = Money(amount=Decimal("9.5"), currency="EUR")
    account.channel.update_stock([stock(offer, 0)])
    account.channel.update_prices([PriceUpdate(price=price, **offer.model_dump())])
    assert (at_sandbox(account)["stock"], at_sandbox(account)["price"]) == (0, 9.5)
    assert account.channel.end_offers([offer])[0].outcome is Outcome.APPLIED
    assert account.seller.control("GET", "offers") == []


def test_an_offer_that_is_gone_is_missing(open_account: Open) -> None:
    account = open_account()
    gone = create(account)
    account.channel.end_offers([gone])
    assert account.channel.update_stock([stock(gone, 1)])[0].outcome is Outcome.MISSING
    assert account.channel.end_offers([gone])[0].outcome is Outcome.MISSING
    with pytest.raises(NotFound):
        account.channel.sale_status(gone.offer_id)


@pytest.mark.parametrize("kind", ["reset", "html", "error"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    offer = create(account)
    account.seller.fault(kind, "update-offer")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert at_sandbox(account)["stock"] == 1


def test_a_closed_fence_sends_nothing(open_account: Open) -> None:
    account = open_account()
    offer = create(account)

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.update_stock([stock(offer, 1)])
    assert at_sandbox(account)["stock"] == 5


def test_offers_are_read_back_in_pages(open_account: Open) -> None:
    account = open_account()
    for number in range(130):
        body = f"871{number:09d}"
        digits = [int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)]
        ean = body + str(-sum(digits) % 10)
        account.seller.control("POST", "offers", {"sku": f"S-{number}", "ean": ean, "stock": number, "price": 5})
    first = account.channel.list_offers(None)
    second = account.channel.list_offers(first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (100, 30, None)
    assert [offer.stock for offer in (*first.items, *second.items)] == list(range(130))


def test_a_question_with_a_stuck_cursor_ends(open_account: Open) -> None:
    account = open_account()
    create(account)
    account.seller.fault("stuck_cursor", "get-offers", times=None)
    assert {offer.sku for offer in account.channel.find_offers(["A-1"], [])} == {"A-1"}


def test_why_an_offer_is_offline(open_account: Open) -> None:
    account = open_account({"price_ceiling": 10})
    found = account.channel.sale_status(create(account).offer_id)
    assert (found.for_sale, found.reasons) == (False, ("Price too high",))
    assert found.fixes == ("Lower the price: bol takes offers offline that are far above the market.",)


def test_before_its_check_nothing_is_known(open_account: Open) -> None:
    account = open_account({"policy_seconds": 60})
    assert account.channel.sale_status(create(account).offer_id).for_sale is None


def test_the_only_valid_operator_is_taken_two_are_a_choice(open_account: Open) -> None:
    account = open_account()
    address = {"street": "A", "houseNumber": "1", "postalCode": "1234AB", "city": "Utrecht", "country": "NL"}
    contact = {"emailAddress": "a@b.example", "phoneNumber": "+31201234567"}
    second = {"name": "Second", "address": address, "contactInformation": contact}
    made = account.seller.call("POST", "/retailer/economic-operator", second).json()["id"]
    create(account)
    assert at_sandbox(account)["reasons"] == ["3001-99"]
    chosen = Account(str(account.seller.http.base_url).rstrip("/"), settings={"economic_operator": made})
    assert chosen.channel.create_offers([draft("B-1", EANS[1])])[0].outcome is Outcome.APPLIED
    assert account.seller.control("GET", "offers")[1]["live"]


# Content


def content(offer: OfferRef, **more: Any) -> ContentUpdate:
    given = {"title": "A blue mug", "description": "For coffee.", "brand": "Potter"} | more
    return ContentUpdate(content=OfferContent(**given), **offer.model_dump())


def test_content_is_followed_until_it_is_published(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    offer = create(account)
    assert not at_sandbox(account)["live"]
    result = account.channel.update_content([content(offer)])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    assert (at_sandbox(account)["live"], at_sandbox(account)["title"]) == (True, "A blue mug")


def test_content_of_a_known_product_may_be_incomplete(open_account: Open) -> None:
    account = open_account()
    result = account.channel.update_content([content(create(account), description="", brand=None)])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    assert at_sandbox(account)["live"]


def test_declined_content_comes_back_with_the_reason(open_account: Open) -> None:
    account = open_account()
    result = account.channel.update_content([content(create(account), attributes={"Width": "wide"})])[0]
    assert status(account, result) == (SubmissionState.FAILED, "Width: The numeric value is incorrect.")


def test_content_in_progress_is_pending(open_account: Open) -> None:
    account = open_account({"content_seconds": 60})
    result = account.channel.update_content([content(create(account))])[0]
    assert status(account, result)[0] is SubmissionState.PENDING


def test_switched_off_the_title_goes_with_the_offer(open_account: Open) -> None:
    account = open_account({"known_products": "none"}, settings={"send_content": False})
    result = account.channel.update_content([content(create(account))])[0]
    assert (result.outcome, at_sandbox(account)["title"]) == (Outcome.APPLIED, "A blue mug")


# Orders


def test_orders_changed_of_late(open_account: Open) -> None:
    account = open_account()
    create(account, stock=200)
    since = datetime.now(UTC) - timedelta(minutes=10)
    assert account.channel.list_orders(since, None).items == ()
    placed = account.seller.control("POST", "orders/bulk", {"count": 60, "skus": ["A-1"]})["order_ids"]
    first = account.channel.list_orders(since, None)
    second = account.channel.list_orders(since, first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (50, 10, None)
    assert {ref.external_id for ref in (*first.items, *second.items)} == set(placed)


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


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(250):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


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
    assert set(PushHint.model_fields) == {"kind", "key", "delivery_id"}
