"""Zalando's products as it describes them: outlines, submissions, and prices that are judged a second time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import OfferDraft, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import AskMerchant
from bridge.registry import discover
from tests.contract.test_independent_zalando import SOLD
from tests.support.independent_zalando import GERMANY, MERCHANT, POLAND
from tests.support.independent_zalando_products import Products, products
from tests.support.played import Clock, connecting, everything

EANS = [f"{number:013}" for number in range(9780679762881, 9780679762891)]
NEW = "4006381333931"
ATTRIBUTES = {
    "merchant_product_model_id": "HEMD", "merchant_product_config_id": "HEMD-ROT", "size_group": "2EU0000M",
    "target_genders": ("target_gender_female", "target_gender_male"), "target_age_groups": "target_age_group_adult",
    "color_code.primary": "301", "season_code": "hw26", "size_codes": "2EU0000M", "washable": "true",
    "material.upper": ("material_code=cou; material_percentage=70", "material_code=wov; material_percentage=30"),
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(clock: Clock) -> Iterator[Products]:
    given = discover().channels["zalando"].sandbox_credentials
    made = products(now=clock, client=(str(given["client_id"]), str(given["client_secret"])), catalogue=set(EANS))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Products, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("zalando", serve(market.app()), clock) as connect:
        yield connect


@pytest.fixture
def channel(connect: Callable[..., Any]) -> Any:
    return connect(default_attributes=())


def _new(**attributes: Any) -> OfferDraft:
    content = OfferContent(
        title="Hemd Fjord", description="Aus Wolle", brand="Kaolin", category="shirt",
        images=("https://shop.example/1.jpg", "https://shop.example/2.jpg"),
        attributes={**ATTRIBUTES, **attributes},
    )  # fmt: skip
    return OfferDraft(
        key="k", site="de", sku="SKU-NEW", gtin=NEW, stock=4, price=Money.of("89.95", "EUR"), content=content
    )


def _priced(channel: Any, prices: dict[str, str], site: str = "de", currency: str = "EUR") -> list[Any]:
    drafts = [
        OfferDraft(key=ean, site=site, sku=f"SKU {ean}", gtin=ean, stock=0, price=Money.of("1", currency),
                   content=OfferContent(title="A shirt"))
        for ean in prices
    ]  # fmt: skip
    ids = {made.key: made.offer_id for made in channel.create_offers(drafts)}
    found: list[Any] = channel.update_prices(
        [
            PriceUpdate(key=ean, site=site, offer_id=ids[ean], sku=ean, gtin=ean, price=Money.of(price, currency))
            for ean, price in prices.items()
        ]
    )
    return found


def test_what_an_outline_asks_for(channel: Any) -> None:
    assert [one.id for one in channel.list_categories()] == ["shirt"]
    asked = {one.id: one for one in channel.requirements("shirt").attributes}
    assert asked["color_code.primary"].need is Need.REQUIRED
    assert [value.value for value in asked["color_code.primary"].allowed] == ["301", "302"]
    assert asked["target_genders"].max_values > 1
    assert asked["washable"].kind is AttributeKind.FLAG
    assert asked["season_code"].kind is AttributeKind.CHOICE
    assert {value.label for value in asked["pattern"].allowed} == {"uni"}


def test_an_article_that_zalando_has_not(market: Products, channel: Any) -> None:
    market.warns.append("size_group")
    [made] = channel.create_offers([_new()])
    assert made.outcome is Outcome.SUBMITTED, made
    assert "size_group is ignored" in made.message
    model = market.submitted["HEMD"]["product_model"]
    [config] = model["product_configs"]
    assert model["product_model_attributes"]["target_genders"] == ["target_gender_female", "target_gender_male"]
    assert config["product_config_attributes"]["color_code.primary"] == "301"
    assert config["product_config_attributes"]["material.upper"] == [
        {"material_code": "cou", "material_percentage": 70},
        {"material_code": "wov", "material_percentage": 30},
    ]
    assert config["product_config_attributes"]["washable"] is True
    [simple] = config["product_simples"]
    assert simple["product_simple_attributes"] == {"ean": NEW, "size_codes": {"size": "2EU0000M"}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"color_code.primary": "999"}, "color_code.primary"),
        ({"season_code": "hw99"}, "season_code"),
        ({"size_codes": ""}, "size_codes"),
        ({"material.upper": "material_percentage=70"}, "material.upper"),
    ],
)
def test_what_is_wrong_with_an_article_is_named(market: Products, channel: Any, given: Any, field: str) -> None:
    [made] = channel.create_offers([_new(**given)])
    assert (made.outcome, made.field) == (Outcome.REJECTED, field), made
    assert not market.submitted


def test_an_article_is_followed_until_it_is_there(market: Products, channel: Any) -> None:
    [made] = channel.create_offers([_new()])
    assert [one.state for one in channel.follow([made.submission])] == [SubmissionState.PENDING]
    market.catalogue.add(NEW)
    [there] = channel.follow([made.submission])
    assert (there.state, there.entity_id) == (SubmissionState.DONE, f"de:{NEW}")
    market.refused.clear()


def test_a_price_that_was_taken_is_refused_later(market: Products, channel: Any) -> None:
    """207 and ACCEPTED are the first validation only."""
    market.judged[EANS[1]] = ("REJECTED", "Regular price is too high")
    market.judged[EANS[2]] = ("AWAITING_ONBOARDING", "")
    market.judged[EANS[3]] = ("SCHEDULED", "")
    results = _priced(channel, dict.fromkeys(EANS[:4], "89.95"))
    assert [one.outcome for one in results] == [Outcome.SUBMITTED] * 4
    names = [one.submission for one in results]
    assert {one.state for one in channel.follow(names)} == {SubmissionState.PENDING}
    market.validate()
    ends = channel.follow(names)
    assert [one.state for one in ends] == [
        SubmissionState.DONE,
        SubmissionState.FAILED,
        SubmissionState.DONE,
        SubmissionState.PENDING,
    ]
    assert ends[1].message == "Regular price is too high"


def test_the_same_price_again_is_judged_anew(market: Products, channel: Any, clock: Clock) -> None:
    """What was refused a minute ago, for instance because its channel was not live, is on its way again."""
    market.judged[EANS[0]] = ("REJECTED", "The merchant is not live")
    [first] = _priced(channel, {EANS[0]: "89.95"})
    market.validate()
    assert channel.follow([first.submission])[0].state is SubmissionState.FAILED
    clock.ahead += timedelta(seconds=60)
    market.judged.clear()
    [second] = _priced(channel, {EANS[0]: "89.95"})
    assert channel.follow([second.submission])[0].state is SubmissionState.PENDING
    market.validate()
    assert channel.follow([second.submission])[0].state is SubmissionState.DONE


def test_prices_of_two_countries_are_told_apart(market: Products, channel: Any) -> None:
    market.judged[EANS[0]] = ("REJECTED", "Regular price is too low")
    [german] = _priced(channel, {EANS[0]: "8.95"})
    market.validate()
    market.judged.clear()
    [polish] = _priced(channel, {EANS[0]: "8.95"}, "pl", "PLN")
    market.validate()
    states = [one.state for one in channel.follow([german.submission, polish.submission])]
    assert states == [SubmissionState.FAILED, SubmissionState.DONE]
    assert {channel_id for channel_id, _ in market.prices} == {GERMANY, POLAND}


def test_more_attempts_than_one_page_has(market: Products, channel: Any, clock: Clock) -> None:
    [early] = _priced(channel, {EANS[0]: "5.00"})
    market.validate()
    item = market.attempts[0]["item"]
    for number in range(2500):
        price = {"regular_price": {"amount": 10 + number / 100, "currency": "EUR"}}
        market.attempts.insert(0, {"item": item | price, "at": clock(), "states": [("SUBMITTED", "")]})
    assert channel.follow([early.submission])[0].state is SubmissionState.DONE


def test_a_token_that_ends_between_two_pages(market: Products, channel: Any) -> None:
    for number in range(450):
        order = f"00000000-0000-4000-8000-{number:012}"
        market.sell(order, {"SKU-1": [10]}, **SOLD)
    market.uses = 2
    market.tokens.clear()
    found = {one.external_id for one in everything(channel.list_open_orders)}
    assert len(found) == 450


def test_several_merchants_of_one_app(market: Products, connect: Callable[..., Any]) -> None:
    """``bpids`` are the merchants an app may act for; which is meant is the seller's to say."""
    other = "11111111-174f-41be-8585-0ce49055874d"
    market.merchants = [other, MERCHANT]
    with pytest.raises(AskMerchant, match="several merchants") as asked:
        connect().check()
    assert asked.value.field == "merchant_id"
    known = connect(merchant_id=MERCHANT).check()
    assert [choice.value for choice in known.choices["merchant_id"]] == [other, MERCHANT]
    assert known.identity == MERCHANT
    with pytest.raises(AskMerchant, match="may not act"):
        connect(merchant_id="22222222-174f-41be-8585-0ce49055874d").check()


def test_each_pair_of_article_and_country_has_its_own_answer(market: Products, channel: Any) -> None:
    market.stock_says |= {EANS[1]: ("REJECTED", 101), EANS[2]: ("FAILED", 102), EANS[3]: ("ACCEPTED", 104)}
    updates = [
        StockUpdate(key=f"{ean}-{site}", site=site, offer_id=f"{site}:{ean}", sku=ean, gtin=ean, stock=3)
        for ean in EANS[:4]
        for site in ("de", "pl")
    ]
    told = {one.key: one.outcome for one in channel.update_stock(updates)}
    for site in ("de", "pl"):
        assert [told[f"{ean}-{site}"] for ean in EANS[:4]] == [
            Outcome.APPLIED, Outcome.REJECTED, Outcome.RETRY, Outcome.APPLIED,
        ]  # fmt: skip


def test_customers_who_want_to_be_forgotten(market: Products, channel: Any) -> None:
    assert list(channel.forgotten_orders()) == []
    market.forgotten = [f"00000000-0000-4000-8000-{number:012}" for number in range(2300)]
    assert list(channel.forgotten_orders()) == market.forgotten
