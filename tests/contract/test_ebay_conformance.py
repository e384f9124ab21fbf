"""Every request of the eBay adapter and every answer of its sandbox, held against eBay's own descriptions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.order import CancelReason
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import ContentUpdate, Outcome, PriceUpdate, SubmissionState
from bridge.ports.errors import NotFound, Reauthorise, SlowDown
from channel_adapters.ebay.sandbox.operations import operations
from tests.support.ebay import EANS, Account, Listener, draft, euro, opener, parcel, stock
from tests.support.ebay_spec import NO_DESCRIPTION, WHERE_AT_HAND, EbaySpecification
from tests.support.offers import named
from tests.support.openapi import Exchange

NAMES = {operation.name for operation in operations()}
UNDESCRIBED = {item.name for item in operations() if item.path.startswith((*NO_DESCRIPTION, *WHERE_AT_HAND))}
CONTACT = {
    "safety_name": "Beispiel GmbH",
    "safety_street": "Musterallee 1",
    "safety_postcode": "12345",
    "safety_city": "Musterstadt",
    "safety_country": "DE",
    "safety_email": "safety@shop.example",
}


@pytest.fixture(scope="module")
def spec(specs_dir: Path) -> EbaySpecification:
    return EbaySpecification(specs_dir / "ebay", NAMES)


class Recorded:
    """Accounts whose exchanges are all checked."""

    def __init__(self, spec: EbaySpecification, serve: Callable[..., str]) -> None:
        self._spec = spec
        self.serve = serve
        self.exchanges: list[Exchange] = []
        self.done: set[str] = set()

    def account(self, sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return opener(self.serve)(sandbox, check=self.check, **given)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._spec.check(request, response))

    def finish(self, account: Account) -> None:
        """Which operations succeeded, by the sandbox's own log."""
        seen = account.control("GET", "requests")
        self.done |= {entry["op"] for entry in seen if 200 <= entry["status"] < 300}


@pytest.fixture
def recorded(spec: EbaySpecification, serve: Callable[..., str]) -> Recorded:
    return Recorded(spec, serve)


def the_account(recorded: Recorded) -> Account:
    account = recorded.account(settings={"token_made": "2026-01-01"})
    assert len(account.channel.check().expires) == 2
    assert len(list(account.channel.list_categories())) == 6
    account.channel.requirements("15687")
    with pytest.raises(NotFound):
        account.channel.requirements("11450")
    assert account.channel.score()
    return account


def offers(recorded: Recorded) -> Account:
    account = recorded.account(settings={"vat_percent": 19, **CONTACT})
    whole = OfferContent(
        title="A mug",
        description="<p>Blue</p>",
        brand="Potter",
        images=("https://shop.example/1.jpg",),
        attributes={"Farbe": ("Blau", "Rot"), "mpn": "M-1", "conditionDescription": "As new"},
    )
    drafts = [draft(content=whole, condition="as_new"), draft("A-2", EANS[3]), draft("A-3", "012345678905")]
    drafts += [draft("A-4", None), draft("A-1", site="EBAY_FR", key="fr")]
    made = account.channel.create_offers(drafts)
    assert [result.outcome.value for result in made] == ["applied", "applied", "applied", "rejected", "applied"]
    again = account.channel.create_offers([draft("A-4", EANS[1])])[0]
    assert again.outcome is Outcome.APPLIED
    account.channel.find_offers(["A-1", "B-1"], [])
    assert len(account.channel.list_offers(None).items) == 5
    account.channel.sale_status(named(made[0].offer_id or ""))
    offer = account.offer("E-1", more={"packageWeightAndSize": {"weight": {"value": 1.5, "unit": "KILOGRAM"}}})
    update = ContentUpdate(content=whole.model_copy(update={"category": "20627"}), **offer.model_dump())
    assert account.channel.update_content([update])[0].outcome is Outcome.APPLIED
    account.channel.end_offers([offer, offer])
    return account


def stock_and_prices(recorded: Recorded) -> Account:
    account = recorded.account()
    offer = account.offer()
    gone = offer.model_copy(update={"key": "gone", "offer_id": "1:GONE"})
    results = account.channel.update_stock([stock(offer, 3), stock(gone, 3)])
    price = {"price": euro("9.90")}
    results += account.channel.update_prices([PriceUpdate(**each.model_dump(), **price) for each in (offer, gone)])
    assert [result.outcome.value for result in results] == ["applied", "missing", "applied", "missing"]
    return account


def orders(recorded: Recorded) -> Account:
    account = recorded.account()
    account.offer(stock=50)
    account.offer("B-1", stock=50)
    line = {"unit_price": 10, "shipping": 4.99, "discount": 2, "tax": 3}
    order_id, key = account.order(
        quantity=3, line=line, more_lines=[{"sku": "B-1"}], hub=True, note="Ring twice", tax_by_ebay=True
    )
    account.channel.list_orders(datetime.now(UTC) - timedelta(minutes=5), None)
    account.channel.list_open_orders(None)
    order = account.channel.fetch_order(order_id)
    now = datetime.now(UTC)
    for number, units in (("JD-01 23", 1), ("JD-01 23", 1), ("JD0456", 1), ("JD0789", 9)):
        account.channel.confirm_shipment(order, parcel(key, quantity=units, tracking=number, shipped_at=now))
        order = account.channel.fetch_order(order_id)
    assert [line.shipped for line in order.lines] == [2, 0]
    refund = ChannelRefund(line_id=key, quantity=1, amount=euro("9"), shipping=euro("1"), reason=RefundReason.DAMAGED)
    assert account.end_of(account.channel.refund(order_id, [refund], "r-1"))[0] is SubmissionState.DONE
    single, only_line = account.order(by_ebay=True)
    refund = refund.model_copy(update={"line_id": only_line, "amount": euro("1")})
    account.channel.refund(single, [refund], "r-2")
    assert account.channel.fetch_order(single).total.amount > 0
    return account


def cancellations(recorded: Recorded) -> Account:
    account = recorded.account()
    account.offer(stock=50)
    mine, line = account.order()
    assert account.end_of(account.channel.cancel_line(mine, line, 1, CancelReason.OUT_OF_STOCK))[0].value == "done"
    asked, line = account.order()
    account.control("POST", f"orders/{asked}/request-cancellation", {})
    assert account.end_of(account.channel.cancel_line(asked, line, 1, CancelReason.BUYER_REQUEST))[0].value == "done"
    refused, line = account.order()
    account.control("POST", f"orders/{refused}/request-cancellation", {})
    account.channel.confirm_shipment(account.channel.fetch_order(refused), parcel(line))
    assert account.channel.refuse_cancellation(refused, line).outcome is Outcome.APPLIED
    partly, line = account.order(more_lines=[{"sku": "A-1"}])
    assert account.end_of(account.channel.cancel_line(partly, line, 1, CancelReason.OTHER))[0].value == "done"
    return account


def returns(recorded: Recorded) -> Account:
    account = recorded.account()
    account.offer(stock=50)
    order_id, line = account.order(quantity=3)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(line, quantity=3))
    for status, decision in (
        ("RETURN_REQUESTED", ReturnDecision.ACCEPTED),
        ("ITEM_SHIPPED", ReturnDecision.ACCEPTED),
        ("RETURN_REQUESTED", ReturnDecision.REFUSED),
    ):
        key = account.send_back(order_id, status=status, comment="Too large")
        assert account.channel.list_returns(None).items[-1].external_id == key
        assert account.channel.decide_return(key, decision, 1).outcome is Outcome.APPLIED
        if decision is ReturnDecision.ACCEPTED:
            refund = ChannelRefund(line_id=line, quantity=1, amount=euro("1.50"), shipping=euro("0.50"))
            assert account.channel.refund(order_id, [refund], f"ref {key}").outcome is Outcome.APPLIED
    return account


def push(recorded: Recorded) -> Account:
    account = recorded.account(settings={"alert_email": "shop@shop.example"})
    listener = Listener(recorded.serve, account.channel.push_challenge)
    account.channel.ensure_push(listener.url)
    for kind in ("subscriptions", "destinations"):
        account.control("POST", f"switch-off/{kind}", {})
    account.channel.ensure_push(listener.url)
    account.channel.ensure_push(Listener(recorded.serve, account.channel.push_challenge).url)  # the server has moved
    with pytest.raises(Reauthorise):
        account.channel.push_hints([("X-EBAY-SIGNATURE", "e30=")], b"{}")
    account.channel.push._key("9936261a-7d7b-4621-a0f1-96ccb428af49")
    return account


def refusals_at_the_door(recorded: Recorded) -> Account:
    account = recorded.account()
    account.channel.check()
    for kind, error in (("unauthorised", Reauthorise), ("throttle", SlowDown)):
        account.fault(kind, times=None, params={"retry_after": 60})
        with pytest.raises(error):
            account.channel.list_offers(None)
        account.heal()
    return account


SCENARIOS: tuple[Callable[[Recorded], Account], ...] = (
    the_account,
    offers,
    stock_and_prices,
    orders,
    cancellations,
    returns,
    push,
    refusals_at_the_door,
)


def test_requests_and_answers_are_as_described(recorded: Recorded) -> None:
    """All scenarios in one: each is checked, and together they use every operation of the sandbox."""
    for scenario in SCENARIOS:
        recorded.finish(scenario(recorded))
    assert [str(exchange) for exchange in recorded.exchanges if exchange.faults] == []
    assert NAMES - recorded.done == set()


def test_the_sandbox_serves_only_what_is_described(spec: EbaySpecification) -> None:
    assert NAMES - spec.operations() - UNDESCRIBED == set()


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(spec: EbaySpecification) -> None:
    base = "https://api.ebay.com/sell/inventory/v1/bulk_update_price_quantity"
    headers = {"Content-Type": "application/json"}
    wrong = httpx.Request("POST", base, json={"requests": [{"sku": "A", "quantity": 7}]}, headers=headers)
    assert "'quantity' was unexpected" in spec.check(wrong, httpx.Response(200, json={"responses": []})).faults[0]
    asked = httpx.Request("GET", "https://api.ebay.com/sell/fulfillment/v1/order/1")
    answer = httpx.Response(200, json={"orderId": 7, "legacyOrderId": "7"})
    assert "7 is not of type 'string'" in spec.check(asked, answer).faults[0]
    nowhere = httpx.Request("GET", "https://api.ebay.com/sell/inventory/v2/offer")
    assert spec.check(nowhere, httpx.Response(200, json={})).faults == ["no such API in the descriptions"]
