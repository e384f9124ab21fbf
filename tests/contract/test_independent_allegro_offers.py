"""Allegro's adapter and what the independent Allegro wants of an offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import ContentUpdate, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import RetryLater
from tests.support.independent import Json
from tests.support.independent_allegro import Allegro, number
from tests.support.independent_allegro_catalogue import LAMPS, SHOES
from tests.support.independent_allegro_offers import zloty
from tests.support.played import Clock, connecting, everything, seller_at_allegro, unrefused

EAN = "4006381333931"
PLACE = {"city": "Poznań", "postcode": "60-166", "country": "PL", "province": "WIELKOPOLSKIE"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Allegro]:
    with unrefused(seller_at_allegro(specs_dir, clock, strict=True)) as market:
        yield market


@pytest.fixture
def connect(market: Allegro, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("allegro", serve(market.app()), clock) as connect:
        yield connect


@pytest.fixture
def settings(market: Allegro) -> dict[str, Any]:
    """Everything an offer needs, as it is set up in the account."""
    return PLACE | {
        "shipping_rates": market.rate("Paczkomaty", "allegro-pl", "allegro-cz"),
        "return_policy": market.policy("14 dni"), "implied_warranty": market.set_up(market.implied, "Reklamacje"),
        "warranty": market.set_up(market.warranties, "Gwarancja"),
        "responsible_producer": market.set_up(market.producers, "Maker"),
        "responsible_person": market.set_up(market.persons, "Someone"), "safety_text": "Nie wkładać do ust",
    }  # fmt: skip


def content(**given: Any) -> OfferContent:
    told: Json = {
        "title": "Solidne buty do biegania", "brand": "Maker", "category": SHOES,
        "images": ("https://shop.example/1.jpg",),
        "description": "Loose text<h2>Title</h2><div>A <strong>block</strong><br>more</div><script>x</script>",
        "attributes": {
            "223333": "12.5", "223334": "36-44", "224017": "AB-1", "225693": ("225693_1", "225693_2"),
            "250000": "250000_1",
        },
    }  # fmt: skip
    return OfferContent(**(told | given))


def draft(gtin: str | None = EAN, **given: Any) -> OfferDraft:
    price = Money.of("199.9", "PLN")
    told = {"key": "k", "site": "allegro-pl", "sku": "SKU-1", "stock": 3, "price": price, "content": content()}
    return OfferDraft(**(told | {"gtin": gtin} | given))


def known(market: Allegro, category: str = SHOES) -> Json:
    """A product of the catalogue with this GTIN."""
    brand = {"id": "248811", "valuesIds": ["248811_1"]}
    product = {"id": number(1), "name": "Buty", "category": {"id": category}}
    market.catalogue[EAN] = product | {"parameters": [brand] if category == SHOES else []}
    return market.catalogue[EAN]


def ends(market: Allegro, channel: Any, result: Any, clock: Clock) -> Any:
    """How it ended: a state and why."""
    if result.outcome is not Outcome.SUBMITTED:
        return result.outcome, result.message
    for _ in range(market.pending + 3):
        clock.ahead += timedelta(seconds=30)
        [status] = channel.follow([result.submission])
        if status.state is not SubmissionState.PENDING:
            return status.state, status.message
    raise AssertionError("no end")


WELL = (SubmissionState.DONE, Outcome.APPLIED)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("there", [False, True], ids=["described", "of the catalogue"])
def test_a_whole_offer(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock, *, later: bool, there: bool
) -> None:
    """With its parameters of every kind: a choice, several, a range, numbers, what depends on another."""
    market.later = later
    if there:
        known(market)
    channel = connect(**settings)
    [made] = channel.create_offers([draft()])
    assert ends(market, channel, made, clock)[0] in WELL, made
    [offer] = market.offers.values()
    given = offer["given"]
    assert given["delivery"]["shippingRates"] == {"id": settings["shipping_rates"]}
    told = {one["id"]: one for one in given["productSet"][0]["product"].get("parameters", [])}
    if not there:
        assert told["223334"]["rangeValue"] == {"from": "36", "to": "44"}
        assert told["225693"]["valuesIds"] == ["225693_1", "225693_2"]
        assert told["225694"]["values"] == [EAN]
    assert {"id": "11323", "valuesIds": ["11323_1"]} in given["parameters"]


def test_a_product_that_is_named_has_its_own_category(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock
) -> None:
    """Whatever the mapped one wants, or where none is mapped."""
    product = known(market)
    for number_, category in enumerate((None, LAMPS)):
        named = content(category=category, attributes={"product_id": product["id"]})
        channel = connect(**settings)
        [made] = channel.create_offers([draft(content=named, sku=f"SKU-{number_}")])
        assert ends(market, channel, made, clock)[0] in WELL, made


@pytest.mark.parametrize("later", [False, True])
def test_texts_are_changed(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock, *, later: bool
) -> None:
    """A list that is sent replaces the one that was there; what it does not name is gone."""
    known(market)
    channel = connect(**settings)
    channel.create_offers([draft()])
    [offer] = market.offers.values()
    market.later, market.busy = later, 99
    used = content(title="Lepsze buty do biegania", attributes={"226000": "Ślady noszenia"})
    update = ContentUpdate(key="k", site="allegro-pl", offer_id=offer["id"], sku="SKU-1", gtin=EAN, content=used)
    with pytest.raises(RetryLater):
        channel.update_content([update])
    market.busy = 0
    [result] = channel.update_content([update])
    assert ends(market, channel, result, clock)[0] in WELL, result
    assert offer["name"] == "Lepsze buty do biegania"
    kept = {one["id"]: one for one in offer["given"]["parameters"]}
    assert kept["11323"]["valuesIds"] == ["11323_1"]
    assert kept["226000"]["values"] == ["Ślady noszenia"]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"250000": "250000_2"}, "depends on"),
        ({"223333": "200"}, "out of bounds"),
        ({"224017": "A" * 11}, "too long"),
        ({"999": "x"}, "999"),
    ],
)
def test_what_is_wrong_with_parameters_is_said(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock, attributes: Json, words: str
) -> None:
    channel = connect(**settings)
    [made] = channel.create_offers([draft(content=content(attributes=attributes))])
    state, message = ends(market, channel, made, clock)
    assert state is Outcome.REJECTED
    assert words in message
    assert not market.offers


@pytest.mark.parametrize(
    "name",
    ["shipping_rates", "return_policy", "implied_warranty", "warranty", "responsible_producer", "responsible_person"],
)
def test_a_setting_that_no_longer_holds_is_named(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock, name: str
) -> None:
    """It is one problem, whatever the product; what a product has of its own is its own."""
    known(market)
    [made] = connect(**settings | {name: number(404)}).create_offers([draft()])
    assert (made.outcome, made.field) == (Outcome.REJECTED, name), made
    own = content(attributes={name: number(404)})
    [own_made] = connect(**settings).create_offers([draft(content=own)])
    assert (own_made.outcome, own_made.field == name) == (Outcome.REJECTED, False), own_made


def test_an_operation_that_ends_badly(
    market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock
) -> None:
    market.later, market.ends = True, ["name|Nazwa zawiera niedozwolone znaki"]
    channel = connect(**settings)
    [made] = channel.create_offers([draft()])
    assert ends(market, channel, made, clock) == (SubmissionState.FAILED, "Nazwa zawiera niedozwolone znaki") or (
        "Nazwa zawiera niedozwolone znaki" in ends(market, channel, made, clock)[1]
    )


def test_what_can_be_chosen(market: Allegro, connect: Callable[..., Any], settings: Json) -> None:
    """Conditions of One Fulfillment are for Allegro's own stock, and are refused for anything else."""
    market.rate("One", "allegro-pl", isFulfillment=True)
    market.policy("One", fulfilment=True)
    account = connect().check()
    assert {*account.sites} == {"allegro-pl", "allegro-cz"}
    for name in ("shipping_rates", "return_policy", "implied_warranty", "warranty"):
        assert [one.value for one in account.choices[name]] == [settings[name]], name
    assert [one.value for one in account.choices["responsible_producer"]] == [settings["responsible_producer"]]


def test_what_a_category_wants(market: Allegro, connect: Callable[..., Any]) -> None:
    channel = connect()
    found = {item.id: item for item in channel.list_categories()}
    assert (found[SHOES].leaf, found[SHOES].path) == (True, ("Odzież", "Buty"))
    asked = {item.id: item for item in channel.requirements(SHOES).attributes}
    assert asked["223334"].kind is AttributeKind.TEXT  # a range
    assert (asked["223333"].kind, asked["223333"].maximum) == (AttributeKind.NUMBER, 100)
    assert [one.value for one in asked["225693"].allowed] == ["225693_1", "225693_2"]
    assert asked["225693"].max_values > 1
    assert asked["248811"].open_list
    assert asked["226000"].need is Need.OPTIONAL
    assert [(one.attribute, one.values) for one in asked["226000"].required_if] == [("11323", ("11323_2",))]


def test_the_end_of_many_offers(market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock) -> None:
    """By commands under numbers of our own, each offer with its own end."""
    market.strict = False
    channel = connect(**settings)
    for at in range(30):
        channel.create_offers([draft(sku=f"SKU-{at}", key=str(at))])
    ids = [*market.offers]
    market.fails[ids[3]] = {"code": "X", "message": "no", "userMessage": "Oferta ma oferty kupujących"}
    refs = [OfferRef(key=one, site="allegro-pl", offer_id=one, sku="S") for one in [*ids, "404"]]
    results = channel.end_offers(refs)
    assert results[-1].outcome is Outcome.MISSING
    states = {one.key: ends(market, channel, one, clock) for one in results[:-1]}
    assert states.pop(ids[3]) == (SubmissionState.FAILED, "Oferta ma oferty kupujących")
    assert {state for state, _ in states.values()} == {SubmissionState.DONE}
    assert [one for one in ids if market.offers[one]["publication"]["status"] == "ACTIVE"] == [ids[3]]


def test_an_offer_sold_out_and_back(market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock) -> None:
    """Nothing ends it; the next quantity puts it on sale again, also while an earlier change is not through."""
    known(market)
    channel = connect(**settings)
    channel.create_offers([draft()])
    [offer] = market.offers.values()
    where = {"key": "k", "site": "allegro-pl", "offer_id": offer["id"], "sku": "SKU-1"}
    for busy, stock in ((0, 0), (0, 4), (9, 0), (0, 5)):
        market.busy = busy
        [result] = channel.update_stock([StockUpdate(**where, stock=stock)])
        assert ends(market, channel, result, clock)[0] in WELL, result
        status = "ACTIVE" if stock else "ENDED"
        assert offer["publication"]["status"] == status
    assert offer["stock"]["available"] == 5


def there(market: Allegro, at: int) -> Json:
    """An offer on sale on two marketplaces."""
    made: Json = {
        "id": str(17_000_000_000 + at), "name": f"A thing {at}", "stock": {"available": 5, "unit": "UNIT"},
        "sellingMode": {"format": "BUY_NOW", "price": zloty("19.99")}, "external": {"id": f"SKU-{at}"},
        "publication": {"status": "ACTIVE"}, "at": market.now() - timedelta(days=at),
        "additionalMarketplaces": {"allegro-cz": {"sellingMode": {"price": zloty("120.00", "CZK")}}},
    }  # fmt: skip
    market.offers[made["id"]] = made
    return made


def test_what_many_offers_get_alike(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    """In commands of a thousand, and what fails of them is told by offer."""
    made = [there(market, at) for at in range(1_006)]
    market.fails[made[7]["id"]] = {"code": "X", "message": "no", "userMessage": "Oferta zablokowana"}
    channel = connect(sites=["allegro-pl", "allegro-cz"])
    base = [
        {"key": one["id"], "site": "allegro-pl", "offer_id": one["id"], "sku": one["external"]["id"]} for one in made
    ]
    for updates in (
        channel.update_stock([StockUpdate(**one, stock=9) for one in base]),
        channel.update_prices([PriceUpdate(**one, price=Money.of("25", "PLN")) for one in base[:40]]),
    ):
        states = {one.key: state for one, state in zip(updates, followed(market, channel, updates, clock), strict=True)}
        assert states.pop(made[7]["id"]) == (SubmissionState.FAILED, "Oferta zablokowana")
        assert {state for state, _ in states.values()} == {SubmissionState.DONE}
    assert [one["stock"]["available"] for one in made].count(9) == 1_005
    assert made[0]["sellingMode"]["price"] == zloty("25.00")
    abroad = [one | {"site": "allegro-cz", "offer_id": f"allegro-cz:{one['offer_id']}"} for one in base[:8]]
    results = channel.update_prices([PriceUpdate(**one, price=Money.of("149.5", "CZK")) for one in abroad])
    assert [state for state, _ in followed(market, channel, results, clock)].count(SubmissionState.DONE) == 7
    assert made[0]["additionalMarketplaces"]["allegro-cz"]["sellingMode"]["price"] == zloty("149.50", "CZK")
    assert made[0]["sellingMode"]["price"] == zloty("25.00")


def followed(market: Allegro, channel: Any, results: list[Any], clock: Clock) -> list[Any]:
    """How each ended, all asked for together."""
    found: dict[str, Any] = {}
    for _ in range(market.pending + 3):
        clock.ahead += timedelta(seconds=30)
        found |= {one.submission: one for one in channel.follow([item.submission for item in results])}
        if all(one.state is not SubmissionState.PENDING for one in found.values()):
            break
    return [(found[item.submission].state, found[item.submission].message) for item in results]


def test_a_further_marketplace(market: Allegro, connect: Callable[..., Any], settings: Json, clock: Clock) -> None:
    """It follows the first one, in its own currency."""
    known(market)
    channel = connect(**settings, sites=["allegro-pl", "allegro-cz"])
    czech = draft(site="allegro-cz", key="cz", price=Money.of("990", "CZK"))
    assert channel.create_offers([czech])[0].outcome is Outcome.RETRY
    assert channel.create_offers([draft()])[0].outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
    [made] = channel.create_offers([czech])
    assert ends(market, channel, made, clock)[0] in WELL, made
    [offer] = market.offers.values()
    assert offer["additionalMarketplaces"]["allegro-cz"]["sellingMode"]["price"] == zloty("990.00", "CZK")
    read = {one.site: one.price for one in everything(channel.list_offers)}
    assert read == {"allegro-pl": Money.of("199.90", "PLN"), "allegro-cz": Money.of("990", "CZK")}
    wrong = channel.create_offers([czech.model_copy(update={"price": Money.of("990", "PLN")})])
    assert wrong[0].outcome is Outcome.REJECTED
