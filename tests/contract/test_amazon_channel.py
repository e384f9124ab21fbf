"""The Amazon channel against its sandbox, over real HTTP: account, listings, what is accepted for later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.requirement import AttributeKind, Given, Need
from bridge.ports.channel import Channel, ContentUpdate, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, Superseded
from bridge.ports.http import HttpServices, before_write
from bridge.ports.manifest import Capability, Limit
from channel_adapters.amazon import ADAPTER
from channel_adapters.amazon.offers import PATCHES
from channel_adapters.amazon.sandbox import create_sandbox
from channel_adapters.amazon.sandbox.app import OPERATIONS
from tests.support.amazon import AT_ONCE, DE, EANS, FR, Account, draft, euro, ref, status, stock
from tests.support.serve import serve as serve_app

Open = Callable[..., Account]


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """One sandbox for all tests here that need no options of their own."""
    with serve_app(create_sandbox(**AT_ONCE)) as url:
        yield url


@pytest.fixture
def open_account(shared: str, serve: Callable[..., str]) -> Open:
    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        url = shared if sandbox is None else serve(create_sandbox(**AT_ONCE | sandbox))
        account = Account(url, **given)
        if sandbox is None:
            account.control("POST", "reset")
        return account

    return open_account


# The adapter as such


def test_the_adapter_is_a_channel_for_all_it_declares(open_account: Open) -> None:
    channel = open_account().channel
    promised = [name for name in vars(Channel) if not name.startswith("_")]
    lacking = {"push_hints", "ensure_push", "accept_order", "refuse_cancellation", "feed"}
    assert {name for name in promised if not hasattr(channel, name)} == lacking
    said = {*ADAPTER.manifest.capabilities, *ADAPTER.manifest.lacks}
    stores = {Capability.CATALOGUE, Capability.CREATE_ORDER, Capability.WEBHOOKS, Capability.STOCK_WRITE}
    assert said == {*Capability} - stores - {Capability.FEED}


def test_limits_are_for_operations_that_exist() -> None:
    known = {operation.name for operation in OPERATIONS} | {"token", "documents", "createListingsFeed"}
    assert set(ADAPTER.manifest.limits) <= known


# The account


def test_check_tells_the_marketplaces_and_when_the_secret_and_the_consent_end(open_account: Open) -> None:
    info = open_account(settings={"secret_made": "2026-11-01", "authorised_on": "2026-11-02"}).channel.check()
    assert (info.name, info.countries, info.sites) == ("Sandbox Store", ("DE", "FR"), (DE, FR))
    assert [item.at for item in info.expires] == [
        datetime(2027, 4, 30, tzinfo=UTC),
        datetime(2027, 11, 2, tzinfo=UTC),
    ]
    assert open_account().channel.check().expires == ()


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"client_secret": "wrong-secret-value"}, Reauthorise, "180 days"),
        ({"refresh_token": "Atzr|wrong-secret-value"}, Reauthorise, "refresh token"),
        ({"seller_id": "A2SOMEBODYELSE"}, AskMerchant, "seller"),
    ],
)
def test_check_says_what_is_wrong(
    open_account: Open, wrong: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        open_account(credentials=wrong).channel.check()
    assert "wrong-secret-value" not in str(caught.value)


def test_a_region_without_marketplaces_of_the_seller_is_a_wrong_setting(open_account: Open) -> None:
    with pytest.raises(AskMerchant, match="region 'na'") as caught:
        open_account(settings={"region": "na"}).channel.check()
    assert caught.value.field == "region"


def test_one_token_serves_many_calls_and_a_revoked_one_is_renewed_once(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.fault("unauthorised", "getMarketplaceParticipations")
    account.channel.check()
    assert account.operations().count("token") == 2


def test_eight_workers_refresh_once(open_account: Open) -> None:
    """One vault, as all workers of all machines share it; each worker has a token of its own that has ended."""
    first = open_account()
    services = HttpServices.build(allowed_hosts=[first.url.removeprefix("http://")])
    workers = [Account(first.url, services=services) for _ in range(8)]
    answers = first.transport.each(lambda worker: worker.channel.check().name, workers, workers=8)
    assert answers == ["Sandbox Store"] * 8
    assert first.operations().count("token") == 1
    first.fault("unauthorised", "getMarketplaceParticipations", times=8)
    first.transport.each(lambda worker: worker.channel.check().name, workers, workers=8)
    assert first.operations().count("token") == 2


# Listings


def test_a_listing_is_made_checked_followed_and_found(open_account: Open) -> None:
    account = open_account()
    result = account.channel.create_offers([draft(handling_days=3)])[0]
    assert (result.outcome, result.offer_id) == (Outcome.SUBMITTED, f"{DE}/A-1")
    assert status(account, result) == (SubmissionState.DONE, "")
    seen = account.shown()
    assert (seen["stock"], seen["price"], seen["title"], seen["live"]) == (5, 12.99, "A plain thing", True)
    assert (seen["handling_days"], seen["product_type"]) == (3, "HOME")
    for found in (account.channel.find_offers(["A-1"], []), account.channel.find_offers([], [EANS[0]])):
        assert [(offer.offer_id, offer.site, offer.stock, offer.gtin) for offer in found] == [
            (f"{DE}/A-1", DE, 5, EANS[0])
        ]
    assert account.channel.find_offers(["?"], [EANS[1]]) == []
    account.channel.create_offers([draft("U-1", "036000291452")])
    assert [offer.sku for offer in account.channel.find_offers([], ["036000291452", EANS[0]])] == ["U-1", "A-1"]


def test_what_amazon_would_refuse_is_refused_here_by_name(open_account: Open) -> None:
    account = open_account()
    cup = OfferContent(title="A mug", category="DRINKING_CUP", attributes={"number_of_items": "500"})
    drafts = [
        draft("A-1", content=cup),
        draft("B-1", None),
        draft("C-1", price=euro("12.99").model_copy(update={"currency": "USD"})),
        draft("D" * 41),
        draft("E-1", condition="chewed"),
        draft("F-1", content=OfferContent(title="x" * 201)),
        draft("G-1", content=OfferContent(title="A thing", category="SPOON")),
        draft("H-1", EANS[1]),
    ]
    results = account.channel.create_offers(drafts)
    assert [result.outcome.value for result in results] == [*["rejected"] * 7, "submitted"]
    assert [result.field for result in results[:7]] == [
        "material", "gtin", "currency", "sku", "condition", "item_name", "category",
    ]  # fmt: skip
    assert "material is required" in results[0].message
    assert account.operations().count("putListingsItem") == 1


def test_definitions_are_read_once_a_day_and_schemas_once_a_version(open_account: Open) -> None:
    now = [datetime.now(UTC)]
    account = open_account(clock=lambda: now[0])
    account.channel.create_offers([draft("A-1"), draft("A-2", EANS[1])])
    account.channel.create_offers([draft("A-3", EANS[2])])
    now[0] += timedelta(hours=25)
    account.channel.create_offers([draft("A-4", EANS[3])])
    seen = account.operations()
    assert seen.count("schema") <= 2  # two workers may have begun together
    assert 2 <= seen.count("getDefinitionsProductType") <= 3


def test_an_offer_alone_is_put_on_a_page_that_exists(open_account: Open) -> None:
    account = open_account(settings={"send_content": False})
    account.control("POST", "unknown-products", {"ean": EANS[1]})
    known, unknown = account.channel.create_offers([draft(), draft("B-1", EANS[1])])
    assert (known.outcome, unknown.outcome, unknown.field) == (Outcome.SUBMITTED, Outcome.REJECTED, "gtin")
    assert account.shown()["attributes"]["merchant_suggested_asin"][0]["value"] == "B026069334"
    assert "item_name" not in account.shown()["attributes"]
    content = ContentUpdate(content=OfferContent(title="Mine"), **ref().model_dump())
    assert account.channel.update_content([content])[0].outcome is Outcome.APPLIED


def test_a_create_whose_answer_was_lost_is_done_again_without_harm(open_account: Open) -> None:
    account = open_account()
    account.fault("reset", "putListingsItem", times=3)
    lost = account.channel.create_offers
    with pytest.raises(Exception, match="complete answer"):
        lost([draft()])
    assert [offer.sku for offer in account.channel.find_offers(["A-1"], [])] == ["A-1"]


def test_few_changes_go_one_by_one_and_are_seen_at_once(open_account: Open) -> None:
    account = open_account()
    account.list(handling_days=4)
    results = account.channel.update_stock([stock("A-1", 3, DE), stock("A-1", 2, FR)])
    price = PriceUpdate(price=euro("9.50"), **ref("A-1", FR).model_dump())
    priced = account.channel.update_prices([price])[0]
    assert [status(account, result)[0] for result in (results[1], priced)] == [SubmissionState.DONE] * 2
    # One quantity for all marketplaces, the least; the handling time beside it is left alone, and so is the other price.
    assert (results[0].outcome, "2 are shown" in results[0].message) == (Outcome.REJECTED, True)
    assert (account.shown()["stock"], account.shown()["handling_days"]) == (2, 4)
    assert (account.shown()["price"], account.shown(site=FR)["price"]) == (12.99, 9.5)
    assert account.operations().count("patchListingsItem") == 2


def test_many_changes_go_in_one_feed_with_a_result_for_each(open_account: Open) -> None:
    account = open_account()
    skus = [f"B-{number}" for number in range(PATCHES + 5)]
    for sku in skus:
        account.list(sku, stock=1)
    account.fault("partial", "createFeed", params={"keys": ["B-3", "B-7"]})
    results = account.channel.update_stock([*(stock(sku, 7) for sku in skus), stock("gone", 7)])
    states = account.channel.follow([result.submission or "" for result in results])
    wrong = {skus[3]: "on request", skus[7]: "on request", "gone": "not in the catalogue"}
    for sku, found in zip([*skus, "gone"], states, strict=True):
        assert found.state is (SubmissionState.FAILED if sku in wrong else SubmissionState.DONE), sku
        assert wrong.get(sku, "") in found.message
    assert (account.shown("B-4")["stock"], account.shown("B-3")["stock"]) == (7, 1)
    before = account.operations().count("getFeedDocument")
    account.channel.follow([result.submission or "" for result in results])
    assert (before, account.operations().count("getFeedDocument")) == (1, 1)


def test_a_feed_that_is_accepted_and_not_applied_is_found_out(open_account: Open) -> None:
    now = [datetime.now(UTC)]
    account = open_account(clock=lambda: now[0])
    skus = [f"B-{number}" for number in range(PATCHES + 1)]
    for sku in skus:
        account.list(sku, stock=1)
    account.fault("not_applied", "createFeed")
    result = account.channel.update_stock([stock(sku, 7) for sku in skus])[0]
    assert status(account, result)[0] is SubmissionState.PENDING
    now[0] += timedelta(hours=1)
    assert status(account, result) == (SubmissionState.GONE, "Amazon accepted the change and does not show it.")


def test_a_feed_that_cannot_be_processed_fails_for_all(open_account: Open) -> None:
    account = open_account()
    account.list()
    feed = account.channel.client.send_feed("JSON_LISTINGS_FEED", [DE], b"no feed", "application/json; charset=UTF-8")
    key = f"stock|{DE}|1|3|{feed}|1|A-1"
    found = account.channel.follow([key, "nonsense"])
    assert [item.state for item in found] == [SubmissionState.FAILED, SubmissionState.GONE]


def test_stock_of_amazons_own_warehouse_is_left_alone(open_account: Open) -> None:
    account = open_account()
    account.list(channel="AMAZON_EU", stock=0)
    assert account.channel.find_offers(["A-1"], [EANS[0]]) == []
    assert account.channel.list_offers(None).items == ()
    refused = account.channel.create_offers([draft()])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "sku")
    assert account.shown()["channels"] == ["AMAZON_EU"]


def test_content_replaces_what_is_given_and_is_followed(open_account: Open) -> None:
    account = open_account()
    account.list(product_type="DRINKING_CUP")
    given = {"material": ("Ceramic", "Glass"), "capacity": "0,3 litres", "is_dishwasher_safe": "yes"}
    content = OfferContent(title="A blue mug", brand="Potter", images=("https://a.example/1.jpg",), attributes=given)
    result = account.channel.update_content([ContentUpdate(content=content, **ref().model_dump())])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    shown = account.shown()
    assert (shown["title"], shown["stock"], shown["price"]) == ("A blue mug", 5, 12.99)
    assert [item["value"] for item in shown["attributes"]["material"]] == ["Ceramic", "Glass"]
    assert shown["attributes"]["capacity"] == [{"marketplace_id": DE, "value": 0.3, "unit": "liters"}]
    assert shown["attributes"]["is_dishwasher_safe"][0]["value"] is True
    assert shown["attributes"]["brand"][0] == {"marketplace_id": DE, "language_tag": "de_DE", "value": "Potter"}
    assert shown["attributes"]["main_product_image_locator"][0]["media_location"] == "https://a.example/1.jpg"


def test_what_amazon_finds_later_fails_with_its_words(open_account: Open) -> None:
    now = [datetime.now(UTC)]
    account = open_account(clock=lambda: now[0])
    result = account.channel.create_offers([draft()])[0]
    account.control(
        "POST", "issues", {"sku": "A-1", "message": "The main image has text.", "category": "INVALID_IMAGE"}
    )
    assert status(account, result)[0] is SubmissionState.PENDING
    now[0] += timedelta(minutes=2)
    assert status(account, result) == (SubmissionState.FAILED, "The main image has text.")
    found = account.channel.sale_status(ref())
    assert (found.for_sale, found.reasons) == (False, ("The main image has text.",))
    assert found.fixes == ("Replace the picture: white background, no text, at least 500 pixels.",)
    account.channel.update_stock([stock("A-1", 0)])
    account.control("POST", "issues", {"sku": "A-1", "message": ""})
    assert account.channel.sale_status(ref()).reasons == ("Sold out.",)


def test_accepted_is_not_done(open_account: Open) -> None:
    now = [datetime.now(UTC)]
    account = open_account({"accept_seconds": 60}, clock=lambda: now[0])
    result = account.channel.create_offers([draft()])[0]
    assert status(account, result)[0] is SubmissionState.PENDING
    assert account.channel.find_offers(["A-1"], []) == []
    now[0] += timedelta(hours=1)
    assert status(account, result) == (SubmissionState.GONE, "Amazon accepted the listing and does not show it.")


def test_an_offer_is_ended_on_one_marketplace_and_gone_when_it_is_gone(open_account: Open) -> None:
    account = open_account()
    account.list()
    assert account.channel.end_offers([ref()])[0].outcome is Outcome.APPLIED
    assert (account.shown(), account.shown(site=FR)["stock"]) == ({}, 5)
    assert account.channel.end_offers([ref()])[0].outcome is Outcome.MISSING
    assert account.channel.update_stock([stock("A-1", 1)])[0].outcome is Outcome.MISSING
    with pytest.raises(NotFound):
        account.channel.sale_status(ref())
    slow = open_account({"accept_seconds": 60})
    slow.list()
    assert slow.channel.end_offers([ref()])[0].outcome is Outcome.RETRY


def test_offers_are_read_back_page_by_page_and_marketplace_by_marketplace(open_account: Open) -> None:
    account = open_account()
    for number in range(25):
        account.list(f"S-{number}", stock=number)
    seen, cursor, asked = [], None, 0
    while True:
        page = account.channel.list_offers(cursor)
        seen += [(offer.site, offer.sku, offer.stock) for offer in page.items]
        asked, cursor = asked + 1, page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted((site, f"S-{number}", number) for site in (DE, FR) for number in range(25))
    assert asked == 4


def test_a_question_with_a_stuck_page_ends(open_account: Open) -> None:
    account = open_account()
    for number in range(25):
        account.list(f"S-{number}", EANS[0])
    account.fault("stuck_cursor", "searchListingsItems", times=None)
    assert len(account.channel.find_offers([], [EANS[0]])) == 40


def test_a_closed_fence_sends_nothing(open_account: Open) -> None:
    account = open_account()
    account.list()

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.update_stock([stock("A-1", 1)])
    assert account.shown()["stock"] == 5


@pytest.mark.parametrize("kind", ["reset", "html", "error"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    account.list()
    account.fault(kind, "patchListingsItem")
    assert status(account, account.channel.update_stock([stock("A-1", 1)])[0])[0] is SubmissionState.DONE
    assert account.shown()["stock"] == 1


def test_one_item_that_has_to_wait_harms_no_other(open_account: Open) -> None:
    account = open_account()
    account.list("A-1")
    account.list("A-2", EANS[1])
    account.fault("throttle", "patchListingsItem", after=1, params={"retry_after": 60})
    results = account.channel.update_stock([stock("A-1", 1), stock("A-2", 1)])
    assert sorted(result.outcome.value for result in results) == ["retry", "submitted"]
    assert [result.key for result in results] == [f"A-1 {DE}", f"A-2 {DE}"]


def test_a_site_the_engine_does_not_name_is_the_first_in_use(open_account: Open) -> None:
    account = open_account(settings={"sites": [FR]})
    assert account.channel.create_offers([draft(site="")])[0].offer_id == f"{FR}/A-1"
    update = StockUpdate(key="1", offer_id=f"{FR}/A-1", sku="A-1", stock=1)
    assert status(account, account.channel.update_stock([update])[0])[0] is SubmissionState.DONE


# Categories and requirements


def test_requirements_are_read_from_the_definition(open_account: Open) -> None:
    channel = open_account().channel
    assert [category.id for category in channel.list_categories()] == ["HOME", "DRINKING_CUP", "LUGGAGE", "SHIRT"]
    cup = {item.id: item for item in channel.requirements("DRINKING_CUP").attributes}
    assert (cup["material"].need, cup["material"].kind, cup["material"].open_list, cup["material"].max_values) == (
        Need.REQUIRED, AttributeKind.CHOICE, True, 3,
    )  # fmt: skip
    assert (cup["brand"].need, cup["brand"].max_length) == (Need.OPTIONAL, 100)
    assert (cup["capacity"].kind, cup["capacity"].units) == (AttributeKind.MEASURE, ("milliliters", "liters"))
    assert (cup["number_of_items"].kind, cup["number_of_items"].maximum) == (AttributeKind.INTEGER, 100)
    assert cup["is_dishwasher_safe"].need is Need.RECOMMENDED
    assert "depending on other attributes" in cup["is_dishwasher_safe"].help
    assert not {"purchasable_offer", "item_name", "bullet_point", "main_product_image_locator"} & set(cup)
    shirt = {item.id: item for item in channel.requirements("SHIRT").attributes}
    assert shirt["size"].required_if == (Given(attribute="variation_theme", values=("COLOR/SIZE",)),)
    assert (shirt["size"].axis, shirt["color"].axis, shirt["brand"].axis) == (True, True, False)
    luggage = {item.id: item for item in channel.requirements("LUGGAGE").attributes}
    assert {"item_dimensions.length", "item_dimensions.width"} <= set(luggage)
    with pytest.raises(NotFound):
        channel.requirements("SPOON")


# Limits


def test_the_rate_amazon_tells_is_obeyed(open_account: Open) -> None:
    """By the manifest the second question would have to wait for minutes; the answer says five a second."""
    limits = {
        "getMarketplaceParticipations": Limit(calls=1, seconds=600, source="slow"),
        "*": Limit(calls=99, seconds=1),
    }
    account = open_account({"limits": "raised"}, limits=limits)
    for _ in range(3):
        account.channel.check()
    assert account.operations().count("getMarketplaceParticipations") == 3
