"""The Zalando channel against its sandbox, over real HTTP: credentials, outlines, articles, stock, prices, report."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import Channel, ContentUpdate, Outcome, SubmissionState, SubmissionStatus
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater, Superseded
from bridge.ports.http import before_write
from bridge.ports.manifest import Capability
from channel_adapters.zalando import ADAPTER
from channel_adapters.zalando.sandbox.options import MERCHANT
from channel_adapters.zalando.submissions import ARTICLE, submission
from tests.support.zalando import (
    EANS,
    OUTLINED,
    Account,
    Open,
    Serve,
    all_pages,
    draft,
    faulty,
    opener,
    price,
    ref,
    stock,
)

OTHER = "7f0e3b5c-1d2a-4b6c-8e9f-0a1b2c3d4e5f"


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


def followed(account: Account, name: str | None) -> SubmissionStatus:
    return account.channel.follow([name or ""])[0]


# The adapter as such


def test_every_capability_is_there_or_said_to_lack() -> None:
    ours = {Capability.CATALOGUE, Capability.CREATE_ORDER, Capability.WEBHOOKS, Capability.STOCK_WRITE}
    fetched = {Capability.FEED}
    manifest = ADAPTER.manifest
    assert {*manifest.capabilities, *manifest.lacks} == set(Capability) - ours - fetched
    promised = [name for name in vars(Channel) if not name.startswith("_")]
    assert {name for name in promised if not hasattr(ADAPTER.connect, name)} == {"feed", "score"}


def test_what_zalando_does_not_have_is_refused_in_words(open_account: Open) -> None:
    channel = open_account().channel
    assert channel.refund("o", [], "r").message == ADAPTER.manifest.lacks[Capability.REFUNDS]
    assert channel.refuse_cancellation("o", "l").outcome is Outcome.REJECTED
    for ask in (lambda: channel.ensure_push("https://x.example"), lambda: channel.push_hints([], b"")):
        with pytest.raises(RejectItem, match="no messages"):
            ask()


# Credentials


def test_check_tells_the_merchant_and_where_it_sells(open_account: Open) -> None:
    info = open_account({"countries": ("de", "uk"), "not_live": ("pl",)}).channel.check()
    assert (info.name, info.countries, info.sites) == (f"Merchant {MERCHANT[:8]}", ("DE", "GB"), ("de", "gb"))
    assert [choice.value for choice in info.choices["merchant_id"]] == [MERCHANT]
    assert [choice.label for choice in info.choices["logistic_center"]] == ["Main"]
    assert info.details["not live"] == ["pl"]


@pytest.mark.parametrize("wrong", [{"client_secret": "wrong-secret-value"}, {"client_id": "unknown"}])
def test_check_refuses_wrong_credentials(open_account: Open, wrong: dict[str, str]) -> None:
    with pytest.raises(Reauthorise, match="zDirect") as caught:
        open_account(credentials=wrong).channel.check()
    assert "wrong-secret-value" not in str(caught.value)


def test_an_app_for_several_merchants_needs_to_be_told_which(open_account: Open) -> None:
    both = {"merchants": (MERCHANT, OTHER)}
    with pytest.raises(AskMerchant, match="several merchants") as caught:
        open_account(both).channel.check()
    assert caught.value.field == "merchant_id"
    with pytest.raises(AskMerchant, match="may not act"):
        open_account(settings={"merchant_id": OTHER}).channel.check()
    chosen = open_account(both, settings={"merchant_id": OTHER})
    assert chosen.channel.check().details["merchant"] == OTHER
    with pytest.raises(AskMerchant, match="no merchant"):
        open_account({"merchants": ()}).channel.check()
    with pytest.raises(AskMerchant, match="no sales channel"):
        open_account({"countries": (), "not_live": ()}).channel.check()


def test_an_app_without_rights_is_told_what_to_do(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.partner.fault("error", "getOrders", params={"status": 403})
    with pytest.raises(AskMerchant, match="production mode"):
        account.channel.list_orders(account.now(), None)


def test_a_token_is_taken_anew_when_it_ends(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.channel.list_orders(account.now(), None)
    assert account.operations().count("token") == 1
    account.ahead += timedelta(hours=2)
    account.channel.list_orders(account.now(), None)
    assert account.operations().count("token") == 2


# Outlines


def test_outlines_and_what_they_ask_for(open_account: Open) -> None:
    account = open_account(settings=OUTLINED)
    assert [(item.id, item.path, item.leaf) for item in account.channel.list_categories()] == [
        ("accessory", ("Accessory",), True),
        ("shoe", ("Shoe",), True),
    ]
    asked = {item.id: item for item in account.channel.requirements("shoe").attributes}
    assert set(asked) & {"name", "description", "media", "ean"} == set()
    colour = asked["color_code.primary"]
    assert (colour.kind, colour.need, colour.axis) == (AttributeKind.CHOICE, Need.OPTIONAL, True)
    assert [value.value for value in colour.allowed] == ["802", "001", "505"]
    assert len(asked["color_code.secondary"].allowed) == 4
    assert (asked["material.upper_material"].need, asked["heel_height"].kind) == (
        Need.RECOMMENDED,
        AttributeKind.INTEGER,
    )
    assert "material_percentage" in asked["material.upper_material"].help
    assert asked["target_genders"].max_values > 1
    bare = {item.id: item for item in open_account().channel.requirements("accessory").attributes}
    assert bare["color_code.primary"].need is Need.REQUIRED
    assert [item.id for item in account.channel.requirements(None).attributes] == list(asked)[:2]
    with pytest.raises(NotFound):
        account.channel.requirements("hat")


def test_attribute_types_are_read_once_an_hour(open_account: Open) -> None:
    account = open_account()
    account.channel.requirements("shoe")
    read = account.operations().count("getAttributeType")
    account.channel.requirements("shoe")
    assert account.operations().count("getAttributeType") == read
    account.ahead += timedelta(hours=2)
    account.channel.requirements("accessory")
    assert account.operations().count("getAttributeType") > read


# Articles


def test_an_article_zalando_knows_is_named_and_offered(open_account: Open) -> None:
    account = open_account()
    result = account.channel.create_offers([draft(), draft(site="fr", key="second")])
    assert [(item.outcome, item.offer_id, item.unsent) for item in result] == [
        (Outcome.APPLIED, f"{site}:{EANS[0]}", (Facet.STOCK, Facet.PRICE)) for site in ("de", "fr")
    ]
    assert account.operations().count("putIdentifiers") == 1
    account.channel.update_stock([stock(ref(), 5)])
    sent = account.channel.update_prices([price(ref(), "12.99")])[0]
    assert (sent.outcome, followed(account, sent.submission).state) == (Outcome.SUBMITTED, SubmissionState.DONE)
    shown = account.partner.offer()
    assert (shown["sku"], shown["stock"], shown["price"], shown["live"]) == ("A-1", 5, 12.99, True)
    found = account.channel.find_offers(["A-1"], [EANS[0]])
    assert [(item.offer_id, item.sku, item.stock, str(item.price and item.price.amount)) for item in found] == [
        (f"de:{EANS[0]}", "A-1", 5, "12.99")
    ]


def test_identifiers_are_told_together_for_what_is_left_out_is_forgotten(open_account: Open) -> None:
    account = open_account()
    attributes = {"merchant_product_model_id": "M-1", "merchant_product_config_id": "M-1-black"}
    account.channel.create_offers([draft(content=OfferContent(title="A belt", attributes=attributes))])
    account.channel.update_stock([stock(ref(), 1)])
    assert (account.partner.offer()["model"], account.partner.offer()["config"]) == ("M-1", "M-1-black")
    silent = open_account(settings={"send_identifiers": False})
    assert silent.channel.create_offers([draft()])[0].outcome is Outcome.APPLIED
    assert "putIdentifiers" not in silent.operations()


def test_an_article_that_is_known_and_not_to_be_named_is_introduced(open_account: Open) -> None:
    for settings, outcome in ((OUTLINED, Outcome.SUBMITTED), ({}, Outcome.REJECTED)):
        account = open_account(settings=settings)
        account.partner.fault("error", "putIdentifiers", params={"status": 404})
        assert account.channel.create_offers([draft()])[0].outcome is outcome


def test_without_the_right_to_look_nothing_is_refused_for_good(open_account: Open) -> None:
    account = open_account()
    account.partner.fault("error", "getSalesChannels", params={"status": 403})
    with pytest.raises(AskMerchant):
        account.channel.create_offers([draft()])
    assert account.channel.create_offers([draft()])[0].outcome is Outcome.APPLIED


def test_one_bad_draft_harms_no_other(open_account: Open) -> None:
    account = open_account()
    account.partner.has("B-1", EANS[4])
    drafts = [
        draft(),
        draft("?", None, key="no ean"),
        draft("?", "123", key="no gtin"),
        draft("C-1", EANS[1], price=price(ref(), "1", "PLN").price, key="currency"),
        draft("D-1", EANS[2], condition="used", key="used"),
        draft("E-1", EANS[3], site="es", key="elsewhere"),
        draft("B-1", EANS[2], key="taken"),
        draft("F-1", "0036000291452"[1:], key="upc"),
    ]
    results = account.channel.create_offers(drafts)
    assert [(item.key, item.outcome.value, item.field) for item in results] == [
        ("key A-1", "applied", None),
        ("no ean", "rejected", "gtin"),
        ("no gtin", "rejected", "gtin"),
        ("currency", "rejected", "currency"),
        ("used", "rejected", "condition"),
        ("elsewhere", "rejected", "site"),
        ("taken", "rejected", None),
        ("upc", "applied", None),
    ]
    assert results[-1].offer_id == "de:0036000291452"


def test_a_new_article_is_introduced_and_followed_until_it_is_judged(open_account: Open) -> None:
    account = open_account({"known_products": "none", "article_seconds": 3600}, settings=OUTLINED)
    result = account.channel.create_offers([draft()])[0]
    assert (result.outcome, result.unsent) == (Outcome.SUBMITTED, (Facet.STOCK, Facet.PRICE))
    assert followed(account, result.submission).state is SubmissionState.PENDING
    early = account.channel.update_stock([stock(ref(), 3)])[0]
    assert (early.outcome, "onboarded" in early.message) == (Outcome.APPLIED, True)
    sent = json.loads(next(x["body"] for x in account.partner.control("GET", "requests") if x["op"] == "submitProduct"))
    model = sent["product_model"]
    assert (sent["outline"], model["product_model_attributes"]["name"]) == ("accessory", "A belt")
    assert model["product_model_attributes"]["brand_code"] == "BR1"
    assert model["product_model_attributes"]["size_group"] == {"size": "3MSTD000"}
    config = model["product_configs"][0]
    assert config["product_config_attributes"]["description"] == {"en": "Of leather."}
    assert config["product_simples"][0] == {
        "merchant_product_simple_id": "A-1",
        "product_simple_attributes": {"ean": EANS[0], "size_codes": {"size": "One Size"}},
    }


@pytest.mark.parametrize(
    ("verdict", "state", "entity"),
    [("accepted", SubmissionState.DONE, f"de:{EANS[0]}"), ("refused", SubmissionState.FAILED, None)],
)
def test_the_verdict_on_a_new_article(open_account: Open, verdict: str, state: SubmissionState, entity: Any) -> None:
    account = open_account({"known_products": "none", "verdict": verdict}, settings=OUTLINED)
    result = account.channel.create_offers([draft()])[0]
    status = followed(account, result.submission)
    assert (status.state, status.entity_id) == (state, entity)


def test_sizes_of_one_model_are_submitted_together(open_account: Open) -> None:
    account = open_account({"known_products": "none"}, settings=OUTLINED)

    def size(number: int, colour: str, size_: str) -> Any:
        attributes = {
            "merchant_product_model_id": "M-1",
            "merchant_product_config_id": f"M-1-{colour}",
            "color_code.primary": colour,
            "size_codes": size_,
            "target_genders": "target_gender_female|target_gender_male",
        }
        content = OfferContent(title="A belt", attributes=attributes)
        return draft(f"S-{number}", EANS[number], content=content)

    drafts = [size(0, "802", "S"), size(1, "802", "M"), size(2, "401", "S")]
    results = account.channel.create_offers(drafts)
    assert [item.outcome for item in results] == [Outcome.SUBMITTED] * 3
    assert account.operations().count("submitProduct") == 1
    sent = json.loads(next(x["body"] for x in account.partner.control("GET", "requests") if x["op"] == "submitProduct"))
    shape = {
        config["merchant_product_config_id"]: [item["merchant_product_simple_id"] for item in config["product_simples"]]
        for config in sent["product_model"]["product_configs"]
    }
    assert shape == {"M-1-802": ["S-0", "S-1"], "M-1-401": ["S-2"]}
    assert sent["product_model"]["product_model_attributes"]["target_genders"] == [
        "target_gender_female",
        "target_gender_male",
    ]


def test_what_zalando_refuses_of_an_article_names_the_attribute(open_account: Open) -> None:
    account = open_account({"known_products": "none"}, settings=OUTLINED)
    missing = open_account({"known_products": "none"}, settings={"default_outline": "shoe"})
    assert missing.channel.create_offers([draft()])[0].field == "size_group"
    wrong = OfferContent(title="A belt", attributes={"season_code": "ss99"})
    result = account.channel.create_offers([draft(content=wrong)])[0]
    assert (result.outcome, result.field) == (Outcome.REJECTED, "season_code")
    assert "ss99" in result.message
    bare = open_account({"known_products": "none"}).channel.create_offers([draft()])[0]
    assert (bare.outcome, bare.field) == (Outcome.REJECTED, "category")


def test_content_of_an_article_and_what_would_make_it_better(open_account: Open) -> None:
    account = open_account(settings=OUTLINED)
    pictures = ("https://a.example/1.jpg", "https://a.example/2.jpg")
    content = OfferContent(title="A shoe", description="Red.", images=pictures, category="shoe")
    sent = account.channel.update_content([ContentUpdate(content=content, **ref().model_dump())])[0]
    assert (sent.outcome, "material of the upper" in sent.message) == (Outcome.SUBMITTED, True)
    assert followed(account, sent.submission).state is SubmissionState.DONE
    account.channel.update_stock([stock(ref(), 1)])
    assert account.partner.offer()["title"] == "A shoe"
    keeps = open_account()
    plain = ContentUpdate(content=OfferContent(title="A shoe"), **ref().model_dump())
    kept = keeps.channel.update_content([plain])[0]
    assert (kept.outcome, "submitProduct" in keeps.operations()) == (Outcome.APPLIED, False)


# Stock


def test_a_large_batch_goes_a_thousand_at_a_time_and_none_twice(open_account: Open) -> None:
    account = open_account()
    eans = [_ean(number) for number in range(700)]
    updates = [stock(ref(ean, site), 3) for ean in eans for site in ("de", "fr")]
    updates += [stock(ref(eans[0]), 9), stock(ref(eans[0]).model_copy(update={"offer_id": "nonsense"}), 1)]
    results = account.channel.update_stock(updates)
    assert [result.key for result in results] == [update.key for update in updates]
    assert [result.outcome for result in results] == [Outcome.APPLIED] * 1401 + [Outcome.MISSING]
    assert account.operations().count("postStocks") == 3
    account.partner.has("A-1", eans[1], stock=0)
    account.channel.create_offers([draft("S-0", eans[0])])
    assert [account.partner.offer(site, eans[0])["stock"] for site in ("de", "fr")] == [9, 3]


def _ean(number: int) -> str:
    body = f"40{number:010d}"
    return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)


def test_part_of_a_batch_is_refused_and_an_item_left_out_is_sent_again(open_account: Open) -> None:
    account = open_account()
    offers = [ref(ean) for ean in EANS[:4]]
    account.partner.fault("partial", "postStocks", params={"every": 2})
    results = account.channel.update_stock([stock(offer, 7) for offer in offers])
    assert [item.outcome.value for item in results] == ["applied", "rejected", "applied", "rejected"]
    account.partner.fault("mutate", "postStocks", params={"set": {"results.1": None}})
    results = account.channel.update_stock([stock(offer, 7) for offer in offers[:2]])
    assert [item.outcome for item in results] == [Outcome.APPLIED, Outcome.RETRY]
    account.partner.fault("mutate", "postStocks", params={"set": {"results.0.result.status": "WHATEVER"}})
    assert account.channel.update_stock([stock(offers[0], 7)])[0].outcome is Outcome.RETRY


def test_an_end_is_a_stock_of_none(open_account: Open) -> None:
    account = open_account()
    account.partner.has()
    assert account.channel.end_offers([ref()])[0].outcome is Outcome.APPLIED
    assert (account.partner.offer()["stock"], account.partner.offer()["live"]) == (0, False)
    status = account.channel.sale_status(ref())
    assert (status.for_sale, "Nothing is in stock." in status.reasons) == (False, True)


@pytest.mark.parametrize("kind", ["reset", "html", "error"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    account.partner.has()
    account.partner.fault(kind, "postStocks")
    assert account.channel.update_stock([stock(ref(), 1)])[0].outcome is Outcome.APPLIED
    assert account.partner.offer()["stock"] == 1


def test_a_closed_fence_sends_nothing(open_account: Open) -> None:
    account = open_account()
    account.partner.has()

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.update_stock([stock(ref(), 1)])
    assert account.partner.offer()["stock"] == 50


# Prices


def test_a_price_is_accepted_first_and_judged_later(open_account: Open) -> None:
    account = open_account({"price_seconds": 3600})
    sent = account.channel.update_prices([price(ref(), "12.99")])[0]
    assert followed(account, sent.submission).state is SubmissionState.PENDING
    again = account.channel.update_prices([price(ref(), "13.99")])[0]
    first, second = account.channel.follow([sent.submission or "", again.submission or ""])
    assert (first.state, "another price" in first.message) == (SubmissionState.FAILED, True)
    assert second.state is SubmissionState.PENDING


def test_a_suspicious_price_is_held_back(open_account: Open) -> None:
    account = open_account()
    account.partner.has()
    sent = account.channel.update_prices([price(ref(), "999")])[0]
    status = followed(account, sent.submission)
    assert (sent.outcome, status.state) == (Outcome.SUBMITTED, SubmissionState.FAILED)
    assert "much higher" in status.message
    assert "zDirect" in status.message
    assert account.partner.offer()["price"] == 12.99
    low = account.channel.update_prices([price(ref(), "11.50")])[0]
    assert [item.state for item in account.channel.follow([sent.submission or "", low.submission or ""])] == [
        SubmissionState.FAILED,
        SubmissionState.DONE,
    ]


def test_prices_that_cannot_be_are_that_items_result(open_account: Open) -> None:
    account = open_account()
    wanted = [price(ref(EANS[0]), "1", "PLN"), price(ref(EANS[1]), "0"), price(ref(EANS[2]), "5")]
    results = account.channel.update_prices(wanted)
    assert [(item.outcome.value, item.field) for item in results] == [
        ("rejected", "currency"),
        ("rejected", "price"),
        ("submitted", None),
    ]
    account.partner.fault("partial", "postPrices")
    assert account.channel.update_prices([price(ref(), "5")])[0].outcome is Outcome.REJECTED


def test_a_price_for_an_article_that_is_not_there_yet_is_kept_by_zalando(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    sent = account.channel.update_prices([price(ref(), "5")])[0]
    assert (sent.outcome, "onboarded" in sent.message) == (Outcome.APPLIED, True)


def test_without_a_price_report_the_first_word_is_the_last(open_account: Open) -> None:
    account = open_account({"price_seconds": 3600})
    sent = account.channel.update_prices([price(ref(), "5")])[0]
    account.partner.fault("error", "getPriceAttempts", params={"status": 404})
    assert followed(account, sent.submission).state is SubmissionState.DONE


def test_many_articles_are_followed_in_turns(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    names = [submission(ARTICLE, "de", _ean(number), account.now()) for number in range(45)]
    assert {item.state for item in account.channel.follow(names)} == {SubmissionState.PENDING}
    assert account.operations().count("lookUpProduct") == 40
    account.channel.follow(names)
    asked = [x["path"] for x in account.partner.control("GET", "requests") if x["op"] == "lookUpProduct"]
    assert {path.rpartition("/")[2] for path in asked} == {_ean(number) for number in range(45)}


def test_names_of_submissions_that_are_not_ours_are_gone(open_account: Open) -> None:
    found = open_account().channel.follow(["", "x|y", "price|de|1|x|y"])
    assert [item.state for item in found] == [SubmissionState.GONE] * 3


# Read back


def test_offers_are_read_back_in_pages(open_account: Open) -> None:
    account = open_account()
    for number in range(51):
        account.partner.has(f"S-{number}", _ean(number), stock=number)
    account.partner.has("S-0", _ean(0), stock=1, country="fr")
    listed = list(all_pages(account.channel.list_offers))
    assert len(listed) == 52
    assert {item.site for item in listed} == {"de", "fr"}
    assert account.operations().count("queryReport") == 2
    only = open_account(settings={"sites": ["fr"]})
    only.partner.has()
    assert list(all_pages(only.channel.list_offers)) == []
    with faulty(account.partner, "stuck_cursor", "queryReport"):
        first = account.channel.list_offers(None)
        assert account.channel.list_offers(first.next_cursor).next_cursor is None


def test_why_an_offer_cannot_be_bought(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    account.partner.has()
    assert account.channel.sale_status(ref()).for_sale is True
    waits = account.channel.sale_status(ref(site="fr"))
    assert (waits.for_sale, len(waits.reasons)) == (None, 1)
    with pytest.raises(NotFound):
        account.channel.sale_status(ref(EANS[1]))
    for odd in ("x", "de:", "de:abc"):
        with pytest.raises(RejectItem):
            account.channel.sale_status(ref().model_copy(update={"offer_id": odd}))


def test_without_a_report_nothing_is_taken_for_gone(open_account: Open) -> None:
    account = open_account()
    account.partner.has()
    with faulty(account.partner, "error", "queryReport", params={"status": 404}):
        assert account.channel.find_offers(["A-1"], [EANS[0]]) == []
        assert account.channel.sale_status(ref()).for_sale is None
        with pytest.raises(RetryLater):
            account.channel.list_offers(None)
        assert account.channel.create_offers([draft()])[0].outcome is Outcome.APPLIED


def test_a_report_that_cannot_be_made_is_asked_for_again(open_account: Open) -> None:
    account = open_account()
    account.partner.fault("mutate", "queryReport", params={"set": {"data": None, "errors": [{"message": "busy"}]}})
    with pytest.raises(RetryLater) as caught:
        account.channel.list_offers(None)
    assert "busy" in caught.value.developer
