"""Categories and notifications of the independent eBay: the application's own token, packed trees, and messages whose
signature is eBay's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import ContentUpdate, Outcome
from bridge.ports.errors import NotFound, Reauthorise
from tests.support.independent import Json
from tests.support.independent_ebay_ground import Ground
from tests.support.independent_ebay_life import draft, simple
from tests.support.played import Clock, connecting, ebay_keys

URL = "https://bridge.example/hooks/ebay/1"
TOPIC = "ORDER_CONFIRMATION"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ebay(specs_dir: Path) -> Ground:
    made = Ground(specs_dir / "ebay", *ebay_keys())
    made.topics = {f"T{number}": "public" for number in range(30)} | {TOPIC: "sell.fulfillment"}
    return made


@pytest.fixture
def connect(ebay: Ground, clock: Clock, serve: Callable[..., str]) -> Any:
    with connecting("ebay", serve(ebay.app()), clock) as connect:

        def connected(**settings: Any) -> Any:
            channel = connect(**settings)
            ebay.asks = lambda endpoint, code: channel.push_challenge(endpoint, {"challenge_code": code})
            return channel

        yield connected


def _aspect(name: str, *values: Any, **bounds: Any) -> Json:
    given = {"aspectDataType": "STRING", "aspectMode": "FREE_TEXT", "aspectRequired": False, "aspectUsage": "OPTIONAL"}
    given |= {"itemToAspectCardinality": "SINGLE", "aspectEnabledForVariations": False}
    told = [value if isinstance(value, dict) else {"localizedValue": value} for value in values]
    return {"localizedAspectName": name, "aspectConstraint": given | bounds, "aspectValues": told}


def test_the_tree_and_what_a_category_asks_for(ebay: Ground, connect: Callable[..., Any]) -> None:
    tied = {"applicableForLocalizedAspectName": "Marke", "applicableForLocalizedAspectValues": ["Kaolin"]}
    ebay.aspects["20625"] = [
        _aspect("Marke", "Kaolin", aspectRequired=True, aspectUsage="RECOMMENDED"),
        _aspect(
            "Farbe", "Rot", "Blau", aspectRequired=True, aspectMode="SELECTION_ONLY", aspectEnabledForVariations=True
        ),
        _aspect("Muster", "Punkte", itemToAspectCardinality="MULTI", aspectUsage="RECOMMENDED"),
        _aspect("Serie", {"localizedValue": "Fjord", "valueConstraints": [tied]}, aspectMode="SELECTION_ONLY"),
        _aspect("Volumen", aspectDataType="NUMBER", aspectFormat="double", aspectMaxLength=10),
        _aspect("Jahr", aspectDataType="DATE", aspectFormat="YYYY", expectedRequiredByDate="2027-01-01T00:00:00.000Z"),
    ]
    channel = connect()
    found = {one.id: one for one in channel.list_categories()}
    assert found["20625"].path == ("Möbel & Wohnen", "Kochen & Genießen", "Tassen")
    assert [found[key].leaf for key in ("20625", "177017", "12")] == [True, True, False]
    asked = {one.id: one for one in channel.requirements("20625").attributes}
    assert (asked["Farbe"].need, asked["Farbe"].open_list, asked["Farbe"].axis) == (Need.REQUIRED, False, True)
    assert (asked["Muster"].need, asked["Muster"].max_values, asked["Muster"].open_list) == (Need.RECOMMENDED, 30, True)
    assert (asked["Volumen"].kind, asked["Volumen"].max_length) == (AttributeKind.NUMBER, 10)
    assert "2027-01-01" in asked["Jahr"].help
    assert "Marke" in asked["Serie"].help
    assert channel.requirements("177017").attributes == ()
    with pytest.raises(NotFound):
        channel.requirements("12")


def test_a_category_for_a_product_that_has_none(ebay: Ground, connect: Callable[..., Any]) -> None:
    channel, given = connect(), draft(1)
    content = given.content.model_copy(update={"category": None, "title": "Tasse & Untertasse, 50 % günstiger?"})
    [made] = channel.create_offers([given.model_copy(update={"content": content})])
    assert made.outcome is Outcome.APPLIED, made
    assert [offer["categoryId"] for offer in ebay.offers.values()] == ["20625"]
    unknown = content.model_copy(update={"title": "Ding"})
    [made] = channel.create_offers([draft(2).model_copy(update={"content": unknown})])
    assert (made.outcome, made.field) == (Outcome.REJECTED, "category")


def test_each_marketplace_has_categories_of_its_own(ebay: Ground, connect: Callable[..., Any]) -> None:
    """A category that was mapped is one of the main marketplace: elsewhere eBay's own suggestion is taken."""
    ebay.markets.add("EBAY_AT")
    channel = connect(sites=("EBAY_DE", "EBAY_AT"))
    made = channel.create_offers([draft(1), draft(1, key="at", site="EBAY_AT")])
    assert [one.outcome for one in made] == [Outcome.APPLIED, Outcome.APPLIED], made
    assert {offer["marketplaceId"]: offer["categoryId"] for offer in ebay.offers.values()} == {
        "EBAY_DE": "20625",
        "EBAY_AT": "99625",
    }
    words = draft(1, site="EBAY_AT").content.model_copy(update={"title": "Tasse, groß"})
    update = ContentUpdate(key="at", site="EBAY_AT", offer_id=str(made[1].offer_id), sku="SKU-1", content=words)
    assert channel.update_content([update])[0].outcome is Outcome.APPLIED
    assert {offer["categoryId"] for offer in ebay.offers.values()} == {"20625", "99625"}


def _bought(order: str, number: str = "n-1") -> Json:
    data = {"orderId": order, "lineItems": [{"lineItemId": "1"}]}
    told = {"notificationId": number, "eventDate": "2026-11-01T00:00:00.000Z", "publishAttemptCount": 1, "data": data}
    return {"metadata": {"topic": TOPIC, "schemaVersion": "1.0", "deprecated": False}, "notification": told}


def test_a_subscription_that_stays(ebay: Ground, connect: Callable[..., Any]) -> None:
    channel = connect(alert_email="shop@example.com")
    channel.ensure_push(URL)
    channel.ensure_push(URL)
    [destination], [subscription] = ebay.destinations.values(), ebay.subscriptions.values()
    assert (destination["deliveryConfig"]["endpoint"], subscription["topicId"]) == (URL, TOPIC)
    destination["status"], subscription["status"] = "MARKED_DOWN", "DISABLED"
    channel.ensure_push(URL)
    assert [one["status"] for found in (ebay.destinations, ebay.subscriptions) for one in found.values()] == [
        "ENABLED",
        "ENABLED",
    ]


def test_a_subscription_among_many(ebay: Ground, connect: Callable[..., Any]) -> None:
    """Lists come in pages of at most 100."""
    about = {"verificationToken": "v" * 32}
    for number in range(120):
        place = {"endpoint": f"https://other.example/{number}", **about}
        given = {"name": "other", "status": "ENABLED", "deliveryConfig": place}
        ebay.destinations[f"o{number}"] = {"destinationId": f"o{number}", **given}
        ebay.subscriptions[f"x{number}"] = {
            "subscriptionId": f"x{number}",
            "topicId": f"T{number}",
            "status": "ENABLED",
        }
    channel = connect(alert_email="shop@example.com")
    channel.ensure_push(URL)
    channel.ensure_push(URL)
    assert len([one for one in ebay.destinations.values() if one["deliveryConfig"]["endpoint"] == URL]) == 1
    assert [one["status"] for one in ebay.subscriptions.values() if one["topicId"] == TOPIC] == ["ENABLED"]


def test_a_server_that_moved_takes_its_subscription_along(ebay: Ground, connect: Callable[..., Any]) -> None:
    """A topic has one subscription, and the old address answers no more."""
    channel = connect(alert_email="shop@example.com")
    channel.ensure_push("https://old.example/hooks/ebay/1")
    channel.ensure_push(URL)
    [subscription] = ebay.subscriptions.values()
    assert ebay.destinations[subscription["destinationId"]]["deliveryConfig"]["endpoint"] == URL


def test_the_subscription_of_another_program_is_left_alone(ebay: Ground, connect: Callable[..., Any]) -> None:
    place = {"endpoint": "https://other.example/1", "verificationToken": "v" * 32}
    ebay.destinations["o"] = {"destinationId": "o", "name": "other", "status": "ENABLED", "deliveryConfig": place}
    ebay.subscriptions["x"] = {"subscriptionId": "x", "topicId": TOPIC, "destinationId": "o", "status": "ENABLED"}
    connect(alert_email="shop@example.com").ensure_push(URL)
    assert ebay.subscriptions["x"]["destinationId"] == "o"


@pytest.mark.parametrize("lacking", ["scope", "topic"])
def test_a_topic_this_application_may_not_have(ebay: Ground, connect: Callable[..., Any], lacking: str) -> None:
    if lacking == "scope":
        ebay.not_ours.add(TOPIC)
    else:
        del ebay.topics[TOPIC]
    connect(alert_email="shop@example.com").ensure_push(URL)
    assert not ebay.subscriptions


def test_messages_are_believed_by_their_signature(ebay: Ground, connect: Callable[..., Any], clock: Clock) -> None:
    channel = connect()
    headers, body = ebay.signed("key-1", _bought("20-1 ä"))
    assert [(hint.kind, hint.key, hint.delivery_id) for hint in channel.push_hints(headers, body)] == [
        ("order", "20-1 ä", "n-1")
    ]
    for number in range(5):
        channel.push_hints(*ebay.signed("key-1", _bought(f"20-{number}")))
    assert ebay.seen.count("GET /commerce/notification/v1/public_key/key-1") == 1
    with pytest.raises(Reauthorise):
        channel.push_hints(headers, body.replace(b"20-1", b"20-2"))
    assert channel.push_hints(*ebay.signed("key-2", _bought("20-9")))[0].key == "20-9"
    clock.ahead = timedelta(hours=2)
    channel.push_hints(*ebay.signed("key-1", _bought("20-10")))
    assert ebay.seen.count("GET /commerce/notification/v1/public_key/key-1") == 2
    with pytest.raises(Reauthorise):
        channel.push_hints([], body)


def test_a_key_that_is_there_a_moment_later_is_believed_then(
    ebay: Ground, connect: Callable[..., Any], clock: Clock
) -> None:
    """A new key may sign before it can be asked for."""
    channel = connect()
    headers, body = ebay.signed("key-9", _bought("20-1"))
    later = ebay.signing.pop("key-9")
    with pytest.raises(Reauthorise):
        channel.push_hints(headers, body)
    ebay.signing["key-9"] = later
    clock.ahead = timedelta(minutes=10)
    assert channel.push_hints(headers, body)[0].key == "20-1"


def test_a_forged_name_of_a_key_asks_ebay_once(ebay: Ground, connect: Callable[..., Any]) -> None:
    channel = connect()
    told = {"alg": "ecdsa", "kid": "../../sell/x", "signature": "AA==", "digest": "SHA1"}
    header = [("X-EBAY-SIGNATURE", base64.b64encode(json.dumps(told).encode()).decode())]
    for _ in range(3):
        with pytest.raises(Reauthorise):
            channel.push_hints(header, b"{}")
    asked = [path for path in ebay.seen if "token" not in path]
    assert len(asked) <= 1, asked


def test_who_has_closed_the_account_is_known_in_the_orders(ebay: Ground, connect: Callable[..., Any]) -> None:
    """By name or by number, as the order has it; in no letter of either."""
    channel = connect()
    data = {"username": "Mara", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2PrBmdj6wVnY"}
    told = {"notificationId": "n-7", "eventDate": "2026-11-01T00:00:00.000Z", "publishAttemptCount": 1, "data": data}
    metadata = {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0", "deprecated": False}
    hints = channel.push_hints(*ebay.signed("key-1", {"metadata": metadata, "notification": told}))
    assert {hint.kind for hint in hints} == {"buyer"}
    keys = {hint.key for hint in hints}
    ebay.sold(simple("1"))
    assert set(channel.buyers_in(channel.fetch_order("1").raw)) < keys
    assert set(channel.buyers_in({"buyer": {"username": "ma8vp1jySJC"}})) < keys
    assert not set(channel.buyers_in({"buyer": {"username": "other"}})) & keys
    assert not any("mara" in key or "ma8vp1" in key for key in keys)
