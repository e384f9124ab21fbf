"""Kaufland's adapter and what the independent Kaufland makes of product data, categories, accounts and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import (
    CALLBACK_URL,
    ContentUpdate,
    OfferDraft,
    Outcome,
    SubmissionState,
)
from bridge.ports.errors import NotFound, Reauthorise
from bridge.registry import discover
from tests.support.independent_kaufland import Kaufland, kaufland
from tests.support.independent_kaufland_catalogue import LEAF
from tests.support.played import Clock, connecting

EAN = "4006381333931"
URL = "https://bridge.example/push/shop-7/1"
CONTENT = OfferContent(
    title="Speaker",
    description="<p>Loud</p>",
    brand="Maker",
    category=str(LEAF),
    images=("https://shop.example/1.jpg",),
)


@pytest.fixture
def market(specs_dir: Path) -> Iterator[Kaufland]:
    given = discover().channels["kaufland"].sandbox_credentials
    made = kaufland(specs_dir / "kaufland", keys=(str(given["client_key"]), str(given["secret_key"])))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Kaufland, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("kaufland", serve(market.app()), Clock()) as connect:
        yield connect


def draft(site: str = "de", content: OfferContent = CONTENT, currency: str = "EUR") -> OfferDraft:
    price = Money.of("19.95", currency)
    return OfferDraft(key=f"{site}1", site=site, sku="SKU-1", gtin=EAN, stock=3, price=price, content=content)


def told(market: Kaufland, channel: Any, offer_id: str, content: OfferContent, site: str = "de") -> Any:
    """What became of product data."""
    update = ContentUpdate(key="k", site=site, offer_id=offer_id, sku="SKU-1", gtin=EAN, content=content)
    [result] = channel.update_content([update])
    assert result.outcome is Outcome.SUBMITTED, result
    for _ in range(market.working):
        assert channel.follow([result.submission])[0].state is SubmissionState.PENDING
    [status] = channel.follow([result.submission])
    return status


def test_product_data_is_followed_to_its_end(market: Kaufland, connect: Callable[..., Any]) -> None:
    market.working = 2
    channel = connect()
    [made] = channel.create_offers([draft()])
    assert made.unsent == (Facet.CONTENT,)
    lacks = told(market, channel, made.offer_id, CONTENT)
    assert lacks.state is SubmissionState.FAILED
    assert "colour" in lacks.message
    assert "power_input" in lacks.message
    whole = CONTENT.model_copy(update={"attributes": {"colour": ("rot", "gruen"), "power_input": "5"}})
    assert told(market, channel, made.offer_id, whole).state is SubmissionState.DONE
    given = market.products[EAN, "de-DE"]
    assert given["title"] == ["Speaker"]
    assert given["picture"] == ["https://shop.example/1.jpg"]
    assert given["colour"] == ["rot", "gruen"]
    market.product_says[EAN] = {
        "attribute_values": [
            {"attribute": "picture", "original_value": "1", "state": "DECLINED", "message": "Zu klein"},
            {"attribute": "title", "original_value": "Speaker", "state": "MODIFIED", "message": ""},
        ]
    }
    declined = told(market, channel, made.offer_id, whole)
    assert (declined.state, declined.message) == (SubmissionState.FAILED, "picture: Zu klein")


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_what_was_said_before(market: Kaufland, connect: Callable[..., Any], mode: str) -> None:
    channel = connect(content_mode=mode)
    [made] = channel.create_offers([draft()])
    market.products[EAN, "de-DE"] = {"title": ["Old"], "short_description": ["Kept or not"]}
    whole = CONTENT.model_copy(update={"attributes": {"colour": "rot", "power_input": "5"}})
    assert told(market, channel, made.offer_id, whole).state is SubmissionState.DONE
    assert ("short_description" in market.products[EAN, "de-DE"]) is (mode == "add")
    assert market.products[EAN, "de-DE"]["title"] == ["Speaker"]


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("only_existing", [False, True])
def test_a_product_that_kaufland_does_not_know(
    market: Kaufland, connect: Callable[..., Any], *, only_existing: bool, silent: bool
) -> None:
    """Its data goes first. Whether what is not there can be patched is not said: an update is what the call is named."""
    market.known, market.working, market.only_existing, market.silent = set(), 1, only_existing, silent
    channel, whole = connect(), CONTENT.model_copy(update={"attributes": {"colour": "rot", "power_input": "5"}})
    outcomes = [channel.create_offers([draft(content=whole)])[0].outcome for _ in range(4)]
    assert outcomes[-1] is Outcome.APPLIED, outcomes
    assert {*outcomes[:-1]} == {Outcome.RETRY}
    assert market.products[EAN, "de-DE"]["title"] == ["Speaker"]
    [unit] = market.units.values()
    assert told(market, channel, f"de:{unit['id_unit']}", whole).state is SubmissionState.DONE
    market.refused.clear()  # asked for before it was there


def test_each_storefront_in_its_language(market: Kaufland, connect: Callable[..., Any]) -> None:
    channel, czech = connect(), CONTENT.model_copy(update={"title": "Reproduktor", "category": None})
    made = channel.create_offers([draft(), draft("cz", czech, "CZK")])
    assert told(market, channel, made[1].offer_id, czech, "cz").state is SubmissionState.DONE
    assert market.products[EAN, "cs-CZ"]["title"] == ["Reproduktor"]
    assert (EAN, "de-DE") not in market.products


def test_categories_and_what_they_want(market: Kaufland, connect: Callable[..., Any]) -> None:
    market.shared[77] = [(f"Farbe {number}", f"c{number}") for number in range(250)]
    channel = connect()
    found = {item.id: item for item in channel.list_categories()}
    assert (found[str(LEAF)].leaf, found[str(LEAF)].path[-1], found["20"].leaf) == (True, "Bluetooth Speakers", False)
    asked = {item.id: item for item in channel.requirements(str(LEAF)).attributes}
    colour = asked["colour"]
    assert (colour.kind, colour.need, len(colour.allowed), colour.open_list) == (
        AttributeKind.CHOICE, Need.REQUIRED, 250, False,
    )  # fmt: skip
    assert colour.max_values > 1
    assert (asked["power_input"].need, asked["country_of_origin"].need) == (Need.REQUIRED, Need.OPTIONAL)
    with pytest.raises(NotFound):
        channel.requirements("404")
    market.refused.clear()


def test_all_shipping_groups_and_warehouses_can_be_chosen(market: Kaufland, connect: Callable[..., Any]) -> None:
    """Thirty on a page."""
    groups = {f"de:{market.group(f'G{number}')}" for number in range(45)} | {f"cz:{market.group('C', 'cz')}"}
    stores = {str(market.store(f"W{number}")) for number in range(31)}
    for totals in (True, False):
        market.totals = totals
        account = connect().check()
        assert {one.value for one in account.choices["shipping_groups"]} == groups
        assert {one.value for one in account.choices["warehouse"]} == stores


def test_what_offers_are_sent_from(market: Kaufland, connect: Callable[..., Any]) -> None:
    home, there, store = market.group("Paket"), market.group("Balík", "cz"), market.store("Lager")
    channel = connect(
        shipping_groups=[f"de:{home}", f"cz:{there}"], warehouse=str(store), vat_indicator="reduced_rate_1"
    )
    czech = draft("cz", CONTENT, "CZK")
    assert {item.outcome for item in channel.create_offers([draft(), czech])} == {Outcome.APPLIED}
    kept = {unit["storefront"]: unit for unit in market.units.values()}
    assert [(unit["id_shipping_group"], unit["id_warehouse"]) for unit in kept.values()] == [
        (home, store),
        (there, store),
    ]
    assert {unit["vat_indicator"] for unit in kept.values()} == {"reduced_rate_1"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"shipping_groups": ["de:404"]}, "shipping_groups"),
        ({"warehouse": "404"}, "warehouse"),
        ({"vat_indicator": "super_reduced_rate"}, "vat_indicator"),
    ],
)
def test_a_setting_that_no_longer_holds_is_named(
    market: Kaufland, connect: Callable[..., Any], settings: dict[str, Any], named: str
) -> None:
    """It is one problem, whatever the product."""
    [made] = connect(**settings).create_offers([draft()])
    assert (made.outcome, made.field) == (Outcome.REJECTED, named), made
    market.refused.clear()


@pytest.mark.parametrize("own", [{"vat_indicator": "zero_rate"}, {"id_shipping_group": "404"}])
def test_what_a_product_has_of_its_own_is_its_own_matter(
    market: Kaufland, connect: Callable[..., Any], own: dict[str, str]
) -> None:
    """Also where a setting goes by the same name: the other products do not wait for it."""
    channel, given = connect(), CONTENT.model_copy(update={"attributes": own})
    settings = {item.name for item in channel.manifest.settings}
    [made] = channel.create_offers([draft(content=given)])
    assert (made.outcome, made.field in settings) == (Outcome.REJECTED, False), made
    [there] = channel.create_offers([draft()])
    update = ContentUpdate(key="k", site="de", offer_id=there.offer_id, sku="SKU-1", gtin=EAN, content=given)
    [changed] = channel.update_content([update])
    assert (changed.outcome, changed.field in settings) == (Outcome.REJECTED, False), changed
    assert next(iter(own)) in (changed.field or "")
    market.refused.clear()


def test_messages_of_all_storefronts(market: Kaufland, connect: Callable[..., Any]) -> None:
    """More of them than a page of the list has."""
    market.places = ("de", "cz", "sk", "pl", "at", "fr", "it")
    channel = connect(fallback_email="ops@example.com")
    channel.ensure_push(URL)
    made = {number: dict(item) for number, item in market.subscriptions.items()}
    assert len(made) > 30
    assert {item["storefront"] for item in made.values()} == {*market.places}
    for totals in (True, False):
        market.totals = totals
        channel.ensure_push(URL)
        assert market.subscriptions == made
    market.refused.clear()


@pytest.mark.parametrize("new", ["https://bridge.example/push/shop-7/2", "https://moved.example/push/shop-7/1"])
def test_messages_follow_an_address_that_changed(market: Kaufland, connect: Callable[..., Any], new: str) -> None:
    """Kaufland has one subscription for an event of a storefront. Another program's stays what it is."""
    channel = connect(fallback_email="ops@example.com")
    channel.ensure_push(URL)
    foreign = next(iter(market.subscriptions.values()))
    foreign["callback_url"] = "https://other.example/push/shop-8/1"
    for _ in range(2):
        channel.ensure_push(new)
    places = [item["callback_url"] for item in market.subscriptions.values()]
    assert places.count(new) == len(places) - 1
    assert foreign["callback_url"] == "https://other.example/push/shop-8/1"
    market.refused.clear()


@pytest.mark.parametrize(
    ("event", "resource", "kind", "key"),
    [
        ("order_new", "/orders/MB7UWLD/", "order", "MB7UWLD"),
        ("return_new", "/returns/12/", "return", "12"),
        ("item_unit_available", "/units/7896580917/", "offer", "de:7896580917"),
    ],
)
def test_messages_are_hints(
    market: Kaufland, connect: Callable[..., Any], event: str, resource: str, kind: str, key: str
) -> None:
    channel = connect()
    body = {"event_name": event, "id_message": "m1", "resource": resource, "storefront": "de"}
    headers, raw = market.pushed(URL, body)
    [hint] = channel.push_hints([*headers, (CALLBACK_URL, URL)], raw)
    assert (hint.kind, hint.key, hint.delivery_id) == (kind, key, "m1")
    for wrong in ([], [(name, "0" * 64) for name, _ in headers], headers[1:]):
        with pytest.raises(Reauthorise):
            channel.push_hints([*wrong, (CALLBACK_URL, URL)], raw)
    with pytest.raises(Reauthorise):
        channel.push_hints([*headers, (CALLBACK_URL, URL + "?x=1")], raw)


def test_a_message_about_a_piece_is_one_about_its_order(market: Kaufland, connect: Callable[..., Any]) -> None:
    [piece] = market.sell("MB7UWLD", [{}], market.now())
    body = {"event_name": "order_unit_status_changed", "id_message": "m2", "resource": f"/order-units/{piece}/"}
    headers, raw = market.pushed(URL, body | {"storefront": "de"})
    [hint] = connect().push_hints([*headers, (CALLBACK_URL, URL)], raw)
    assert (hint.kind, hint.key) == ("order", "MB7UWLD")
