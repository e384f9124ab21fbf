"""bol's adapter and what the independent bol tells by itself, of whom it knows, and of limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason
from bridge.ports.channel import CALLBACK_URL, OfferDraft, Outcome
from bridge.ports.errors import Reauthorise, SlowDown
from bridge.registry import discover
from tests.support.independent import Refusal
from tests.support.independent_bol import Bol, bol
from tests.support.played import Clock, connecting

URL = "https://bridge.example/push/shop-7/3"
HOME = {
    "salutation": "UNKNOWN", "firstName": "A", "surname": "B", "streetName": "C", "houseNumber": "1", "city": "D",
    "zipCode": "1111ZZ", "countryCode": "NL",
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Bol]:
    given = discover().channels["bol"].sandbox_credentials
    made = bol(specs_dir / "bol", client=(str(given["client_id"]), str(given["client_secret"])), now=clock)
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Bol, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("bol", serve(market.app()), clock) as connect:
        yield connect


def settle(market: Bol, channel: Any) -> None:
    for _ in range(market.pending + 1):
        channel.follow([*market.processes])


def test_one_subscription_that_stays(market: Bol, connect: Callable[..., Any]) -> None:
    """It is made later than it was asked for, and switched off by bol where messages were not taken."""
    channel = connect()
    market.subscriptions["1"] = {
        "resources": ["SHIPMENT"], "url": "projects/x/topics/y", "subscriptionType": "GCP_PUBSUB", "enabled": True,
    }  # fmt: skip
    for _ in range(3):
        channel.ensure_push(URL)
        settle(market, channel)
    [ours] = [item for item in market.subscriptions.values() if item["url"] == URL]
    assert (ours["subscriptionType"], ours["enabled"]) == ("WEBHOOK", True)
    assert {"PROCESS_STATUS", "ORDER"} <= {*ours["resources"]}
    ours |= {"enabled": False, "resources": ["ORDER"]}
    channel.ensure_push(URL)
    settle(market, channel)
    [ours] = [item for item in market.subscriptions.values() if item["url"] == URL]
    assert (ours["enabled"], len(market.subscriptions)) == (True, 2)
    assert "PROCESS_STATUS" in ours["resources"]
    assert market.subscriptions["1"]["resources"] == ["SHIPMENT"]


@pytest.mark.parametrize(
    ("resource", "kind", "hinted"),
    [
        ("ORDER", "ORDER_CREATED", "order"),
        ("ORDER", "ORDER_ITEM_CANCELLATION_REQUEST", "order"),
        ("PROCESS_STATUS", "SUCCESS", "submission"),
        ("OFFERS", "NOT_FOR_SALE", "offer"),
        ("OFFER_FOR_SALE", "OFFER_FOR_SALE", "offer"),
        ("SHIPMENT", "UPDATE_TRANSPORT_EVENT", ""),
        ("TEST", "TEST", ""),
    ],
)
def test_messages_are_hints(market: Bol, connect: Callable[..., Any], resource: str, kind: str, hinted: str) -> None:
    channel = connect()
    headers, body = market.pushed(resource, kind, "1234567")
    hints = channel.push_hints([*headers, (CALLBACK_URL, URL)], body)
    assert [(hint.kind, hint.key) for hint in hints] == ([(hinted, "1234567")] if hinted else [])
    for wrong, said in (
        ([], body),
        (headers, body + b" "),
        ([("Signature", headers[0][1].replace("=0,", "=9,"))], body),
    ):
        with pytest.raises(Reauthorise):
            channel.push_hints([*wrong, (CALLBACK_URL, URL)], said)


def test_keys_change(market: Bol, connect: Callable[..., Any], clock: Clock) -> None:
    """They may be asked for ten times an hour: a message with a key nobody knows asks for none but now and then."""
    channel = connect()
    channel.push_hints(*market.pushed("ORDER", "ORDER_CREATED", "1"))
    for _ in range(20):
        with pytest.raises(Reauthorise):
            channel.push_hints(*market.pushed("ORDER", "ORDER_CREATED", "1", by=7))
    assert market.asked.count("get-subscription-keys") == 1
    market.keys = [1, 2]
    clock.ahead += timedelta(minutes=11)
    [hint] = channel.push_hints(*market.pushed("ORDER", "ORDER_CREATED", "2", by=2))
    assert hint.key == "2"
    assert market.asked.count("get-subscription-keys") <= 3


def operator(number: int) -> str:
    return str(UUID(int=number))


def draft(ean: str) -> OfferDraft:
    content = OfferContent(title="A thing", description="Made of things")
    return OfferDraft(key=ean, sku=ean, gtin=ean, stock=1, price=Money.of("10", "EUR"), content=content)


def test_all_economic_operators_can_be_chosen(market: Bol, connect: Callable[..., Any]) -> None:
    """On several pages. Of several that are valid none is taken by itself."""
    market.operators = [(f"M{number}", "VALID" if number in (3, 28) else "PENDING") for number in range(60)]
    channel = connect()
    account = channel.check()
    assert [(one.value, one.label) for one in account.choices["economic_operator"]] == [
        (operator(3), "M3"), (operator(28), "M28"),
    ]  # fmt: skip
    [made] = channel.create_offers([draft("4006381333931")])
    assert "economicOperatorId" not in market.offers[made.offer_id]
    [chosen] = connect(economic_operator=operator(28)).create_offers([draft("8711577236533")])
    assert market.offers[chosen.offer_id]["economicOperatorId"] == operator(28)


def test_an_operator_that_is_gone_is_named(market: Bol, connect: Callable[..., Any]) -> None:
    """It is one problem, whatever the product."""
    [made] = connect(economic_operator=operator(404)).create_offers([draft("4006381333931")])
    assert (made.outcome, made.field) == (Outcome.REJECTED, "economic_operator"), made
    market.refused.clear()


@pytest.mark.parametrize("many", [1, 25, 26])
def test_the_only_valid_operator_is_taken(market: Bol, connect: Callable[..., Any], many: int) -> None:
    market.operators = [("M", "PENDING")] * (many - 1) + [("Last", "VALID")]
    [made] = connect().create_offers([draft("4006381333931")])
    assert market.offers[made.offer_id]["economicOperatorId"] == operator(many - 1)


def test_every_reason_of_a_cancellation_is_known(market: Bol, connect: Callable[..., Any]) -> None:
    """Whichever the merchant has chosen."""
    channel = connect()
    for number, code in enumerate(channel.manifest.cancel_reasons.codes):
        item = {
            "orderItemId": str(number), "cancellationRequest": False, "quantity": 1, "quantityShipped": 0,
            "quantityCancelled": 0, "unitPrice": 5, "totalPrice": 5, "product": {"ean": "4006381333931", "title": "A"},
            "fulfilment": {"method": "FBR", "timeFrameType": "REGULAR"}, "commission": 1,
            "offer": None, "discounts": [],
        }  # fmt: skip
        people = {"shipmentDetails": HOME, "billingDetails": None, "pickupPoint": False}
        market.sell({"orderId": f"A{number}", "orderItems": [item]} | people, market.now())
        done = channel.cancel_line(f"A{number}", str(number), 1, CancelReason.OTHER, code)
        assert done.outcome is Outcome.SUBMITTED, done
    settle(market, channel)
    assert [code for _, code in market.cancelled] == [*channel.manifest.cancel_reasons.codes]


@pytest.mark.parametrize("headers", [{"Retry-After": "7"}, {"X-RateLimit-Reset": "7", "X-RateLimit-Remaining": "0"}])
def test_limits_however_they_are_told(market: Bol, connect: Callable[..., Any], headers: dict[str, str]) -> None:
    market.trouble["get-orders"] = [Refusal(429, "Too many requests", headers=headers)] * 9
    with pytest.raises(SlowDown):
        connect().list_open_orders(None)
