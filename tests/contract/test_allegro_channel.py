"""The Allegro channel against its sandbox, over real HTTP: consent, account, categories, offers, commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.order import CancelReason
from bridge.domain.requirement import AttributeKind, Given, Need
from bridge.ports.channel import Channel, ContentUpdate, OfferDraft, Outcome, SubmissionState
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, SlowDown
from bridge.ports.http import MemoryVault
from bridge.ports.manifest import Capability
from channel_adapters.allegro import ADAPTER
from channel_adapters.allegro.sandbox import create_sandbox
from channel_adapters.allegro.sandbox.account import PRODUCER, RATES
from channel_adapters.allegro.sandbox.operations import operations
from tests.support.allegro import (
    AT_ONCE,
    EANS,
    MUGS,
    TITLE,
    Account,
    Open,
    content,
    draft,
    money,
    opener,
    priced,
    stock,
)
from tests.support.serve import serve as serve_app

CZECH = {"reached": ["allegro-cz"]}


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """One sandbox for all tests that need no options; each starts it afresh."""
    with serve_app(create_sandbox(**AT_ONCE)) as url:
        yield url


@pytest.fixture
def open_account(shared: str, serve: Callable[..., str]) -> Open:
    of_its_own = opener(serve)

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        if sandbox is not None:
            return of_its_own(sandbox, **given)
        account = Account(shared, **given)
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
    known = {operation.name for operation in operations()} | {"token", "*"}
    assert set(ADAPTER.manifest.limits) <= known


# Consent


def test_a_refresh_token_is_used_once_and_the_next_one_is_kept_before_it_is_used(open_account: Open) -> None:
    account = open_account({"reuse_seconds": 0, "token_seconds": 1})
    vault = MemoryVault()
    services = replace(account.services, tokens=vault)
    first = Account(str(account.http.base_url), services=services)
    first.channel.check()
    kept = vault.load("1:1")
    assert kept is not None
    assert kept.refresh not in (None, ADAPTER.sandbox_credentials["refresh_token"])
    later = datetime.now(UTC) + timedelta(hours=1)
    second = Account(str(account.http.base_url), services=services, clock=lambda: later)
    second.channel.check()
    renewed = vault.load("1:1")
    assert renewed is not None
    assert renewed.refresh != kept.refresh
    with pytest.raises(Reauthorise, match="consent"):
        Account(str(account.http.base_url)).channel.check()


def test_an_answer_that_is_lost_does_not_lose_the_account(open_account: Open) -> None:
    account = open_account({})
    account.fault("reset", "token")
    assert account.channel.check().name
    assert [item["status"] for item in account.seen("token")] == [200, 200]


def test_what_is_wrong_with_the_consent_is_said(open_account: Open) -> None:
    account = open_account({"payments_allowed": False})
    with pytest.raises(Reauthorise, match="client secret"):
        Account(str(account.http.base_url), credentials={"client_secret": "another"}).channel.check()
    with pytest.raises(Reauthorise, match="consent"):
        Account(str(account.http.base_url), credentials={"refresh_token": "another"}).channel.check()
    with pytest.raises(AskMerchant, match="allegro:api:payments"):
        account.channel.check()
    account.offer()
    order_id, lines = account.order()
    assert account.channel.fetch_order(order_id).lines[0].cancelled == 0
    with pytest.raises(AskMerchant, match="permissions"):
        account.channel.cancel_line(order_id, lines[0], 1, CancelReason.OUT_OF_STOCK)


def test_every_request_names_the_application_and_asks_for_the_right_type(open_account: Open) -> None:
    account = open_account(settings={"app_name": "MugBridge", "app_page": "https://mugs.example/bridge"})
    account.channel.check()
    account.channel.list_returns(None)
    nameless = Account(str(account.http.base_url), settings={"app_page": "no page"})
    with pytest.raises(AskMerchant, match="User-Agent"):
        nameless.channel.check()


# The account


def test_check_finds_marketplaces_and_choices(open_account: Open) -> None:
    info = open_account(CZECH).channel.check()
    assert (info.name, info.countries) == ("sandbox_seller (Sandbox sp. z o.o.)", ("PL", "CZ"))
    assert info.sites == ("allegro-pl", "allegro-cz")
    assert [item.value for item in info.choices["shipping_rates"]] == [RATES]
    assert [item.value for item in info.choices["responsible_producer"]] == [PRODUCER]
    assert {name for name, found in info.choices.items() if not found} == set()
    assert info.details["base"] == "allegro-pl"


def test_what_is_not_there_spoils_nothing_it_only_adds_to(open_account: Open) -> None:
    account = open_account()
    gone = {"status": 404, "body": '{"errors": [{"code": "NotFoundException", "message": "Not found"}]}'}
    for operation in (
        "getPublicSeller*",
        "responsible*",
        "marketplacesGET",
        "getOrderEvents*",
        "getSale*",
        "getSeller*",
    ):
        account.fault("error", operation, times=None, params=gone)
    info = account.channel.check()
    assert (info.sites, info.choices["return_policy"], len(info.choices["shipping_rates"])) == (("allegro-pl",), (), 1)
    order_id, _ = account.order(force=True)
    since = datetime.now(UTC) - timedelta(minutes=5)
    page = account.channel.list_orders(since, None)
    assert ([ref.external_id for ref in page.items], page.next_cursor) == ([order_id], "events")
    assert account.channel.list_orders(since, "events").items == ()
    assert {item.name for item in account.channel.score()} == {"recommended"}
    described = content(category=MUGS, attributes={"248811": "Kubkowo"})
    assert account.channel.create_offers([draft(content=described)])[0].outcome is Outcome.APPLIED


def test_figures_are_shares_and_have_their_thresholds(open_account: Open) -> None:
    found = {item.name: item for item in open_account().channel.score()}
    assert str(found["quality"].value) == "0.8240"
    assert found["quality"].title == "Sales quality (VERY_GOOD)"
    assert str(found["ratings"].value) == "0.9600"
    assert (str(found["smart_recommendations"].value), str(found["smart_recommendations"].limit)) == ("98.5", "98")
    assert (str(found["recommended"].value), found["recommended"].good) == ("0.97", "above")


def test_carriers_are_theirs_by_id_or_name_and_others_keep_their_name(open_account: Open) -> None:
    channel = open_account().channel
    asked = ("dhl", "InPost", "Poczta Polska", "POCZTA_POLSKA", "Gołębie i Spółka", "", "other")
    codes = [channel.carrier_code(name, "1") for name in asked]
    assert codes[:4] == ["DHL", "INPOST", "POCZTA_POLSKA", "POCZTA_POLSKA"]
    assert codes[4:] == ["OTHER:Gołębie i Spółka", "OTHER", "OTHER:other"]


def test_categories_come_with_parents_first_and_their_parameters_are_requirements(open_account: Open) -> None:
    channel = open_account().channel
    found = list(channel.list_categories())
    seen: set[str | None] = {None}
    for item in found:
        assert item.parent in seen
        seen.add(item.id)
    mugs = next(item for item in found if item.id == MUGS)
    assert (mugs.path, mugs.leaf) == (("Dom i Ogród", "Wyposażenie", "Kubki i filiżanki"), True)
    asked = {item.id: item for item in channel.requirements(MUGS).attributes}
    assert (asked["248811"].kind, asked["248811"].open_list) == (AttributeKind.CHOICE, True)
    assert {asked[key].need for key in ("11323", "225693", "248811")} == {Need.OPTIONAL}  # filled by us
    assert (asked["17448"].kind, asked["17448"].units, asked["17448"].maximum) == (AttributeKind.MEASURE, ("ml",), 5000)
    assert asked["223330"].required_if == (Given(attribute="223329", values=("223329_2",)),)
    assert "depend on Kolor" in asked["223330"].help
    assert (asked["223329"].max_values, asked["130531"].kind) == (20, AttributeKind.TEXT)
    assert "from-to" in asked["130531"].help
    assert {"product_id", "safety_information"} <= {item.id for item in channel.requirements(None).attributes}
    with pytest.raises(NotFound):
        channel.requirements("999")


# New offers


def test_an_offer_stands_on_the_product_allegro_has(open_account: Open) -> None:
    account = open_account(
        settings={"shipping_rates": RATES, "handling_days": 6, "city": "Kraków", "province": "MALOPOLSKIE"}
    )
    made, empty = account.channel.create_offers([draft(), draft("A-0", EANS[1], stock=0)])
    assert (made.outcome, empty.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    shown = account.shown()
    assert (shown["title"], shown["stock"], shown["price"], shown["live"]) == (TITLE, 5, 49.99, True)
    assert shown["sent"]["delivery"] == {"handlingTime": "P7D", "shippingRates": {"id": RATES}}
    assert shown["sent"]["location"]["province"] == "MALOPOLSKIE"
    assert shown["parameters"] == [{"id": "11323", "valuesIds": ["11323_1"]}]
    assert (account.shown("A-0")["live"], account.shown("A-0")["stock"]) == (False, 0)
    found = {offer.sku: offer for offer in account.channel.find_offers(["A-1", "A-0", "B-1"], [])}
    assert {sku: (offer.offer_id, offer.stock) for sku, offer in found.items()} == {
        "A-1": (made.offer_id, 5),
        "A-0": (empty.offer_id, 0),
    }


def test_a_product_allegro_does_not_have_is_described(open_account: Open) -> None:
    account = open_account()
    account.control("POST", "products", {"gtin": EANS[1], "count": 0})
    attributes: dict[str, str | tuple[str, ...]] = {"248811": "Kubkowo", "17448": "300 ml", "130531": "-20-100"}
    described = draft(
        "A-2", EANS[1], content=content(category=MUGS, attributes=attributes, images=("https://x.example/a.jpg",))
    )
    assert account.channel.create_offers([described])[0].outcome is Outcome.APPLIED
    told = {item["id"]: item for item in account.shown("A-2")["sent"]["element"]["parameters"]}
    assert told == {
        "225693": {"id": "225693", "values": [EANS[1]]},
        "248811": {"id": "248811", "valuesIds": ["248811_1"]},
        "17448": {"id": "17448", "values": ["300"]},
    }
    unmapped, wrong, lacking = account.channel.create_offers(
        [
            draft("A-3", EANS[1]),
            draft("A-4", EANS[1], content=content(category=MUGS, attributes={"223329": "różowy"})),
            draft("A-5", EANS[1], content=content(category=MUGS)),
        ]
    )
    assert {item.outcome for item in (unmapped, wrong, lacking)} == {Outcome.REJECTED}
    assert (unmapped.field, wrong.field) == ("category", "223329")
    assert "różowy" in wrong.message
    assert "Marka is required" in lacking.message


def test_of_several_products_the_mapped_category_or_the_merchant_decides(open_account: Open) -> None:
    account = open_account()
    account.control("POST", "products", {"gtin": EANS[0], "count": 2})
    refused = account.channel.create_offers([draft(content=content(category=MUGS))])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "product_id")
    chosen = refused.message.partition(": ")[2].partition(" ")[0]
    named = content(attributes={"product_id": chosen, "11323": "Nowy"})
    assert account.channel.create_offers([draft(content=named)])[0].outcome is Outcome.APPLIED
    used = account.channel.create_offers([draft("A-2", EANS[1], condition="good")])[0]
    assert (used.outcome, used.field, "Używany" in used.message) == (Outcome.REJECTED, "11323", True)


def test_what_is_accepted_for_later_is_followed_to_its_end(open_account: Open) -> None:
    account = open_account({"offer_seconds": 0.2})
    account.control("POST", "refusals", {"reason": "The name has a word that is not allowed."})
    failed = account.channel.create_offers([draft()])[0]
    assert (failed.outcome, account.end_of(failed).state) == (Outcome.SUBMITTED, SubmissionState.PENDING)
    made = account.channel.create_offers([draft("A-2", EANS[1])])[0]
    status = _until_ended(account, failed)
    assert (status.state, "not allowed" in status.message) == (SubmissionState.FAILED, True)
    done = _until_ended(account, made)
    assert (done.state, done.entity_id) == (SubmissionState.DONE, made.offer_id)
    gone = account.channel.follow(["operation/none/7680001001", "bulk/none/1", "odd"])
    assert [item.state for item in gone] == [SubmissionState.GONE] * 3


def _until_ended(account: Account, result: Any) -> Any:
    for _ in range(500):
        status = account.end_of(result)
        if status.state is not SubmissionState.PENDING:
            break
    return status


def test_a_create_whose_answer_is_lost_is_looked_for(open_account: Open) -> None:
    account = open_account()
    account.fault("reset", "createProductOffers")
    lost = account.channel.create_offers([draft()])[0]
    assert (lost.outcome, len(account.seen("createProductOffers"))) == (Outcome.RETRY, 1)
    assert [offer.sku for offer in account.channel.find_offers(["A-1"], [])] == ["A-1"]


def test_an_ended_offer_is_taken_over_unless_there_is_a_better_one(open_account: Open) -> None:
    account = open_account()
    account.offer(status="ENDED")
    draft_offer = account.offer(status="INACTIVE", stock=0)
    assert [item.offer_id for item in account.channel.find_offers(["A-1"], [])] == [draft_offer.offer_id]
    live = account.offer()
    assert [item.offer_id for item in account.channel.find_offers(["A-1"], [])] == [live.offer_id]
    account.fault("stuck_cursor", "searchOffersUsingGET", times=2)
    first = account.channel.list_offers(None)
    assert first.next_cursor == "3"


# Marketplaces


def test_a_further_marketplace_gets_a_price_on_the_same_offer(open_account: Open) -> None:
    account = open_account(CZECH, settings={"sites": ["allegro-pl", "allegro-cz"]})
    abroad: OfferDraft = draft(site="allegro-cz", price=money("299.00", "CZK"))
    alone = Account(str(account.http.base_url), settings={"sites": ["allegro-cz"]}).channel.create_offers([abroad])[0]
    assert (alone.outcome, alone.field) == (Outcome.REJECTED, "sites")
    assert account.channel.create_offers([abroad])[0].outcome is Outcome.RETRY
    offer = account.channel.create_offers([draft()])[0].offer_id
    made = account.channel.create_offers([abroad])[0]
    assert (made.outcome, made.offer_id) == (Outcome.APPLIED, f"allegro-cz:{offer}")
    wrong = account.channel.create_offers([draft(site="allegro-cz"), draft(site="allegro-hu"), draft(site="ebay")])
    assert [item.field for item in wrong] == ["currency", "site", "site"]
    base, czech = account.channel.find_offers(["A-1"], [])
    assert (base.site, base.stock, czech.site, czech.stock) == ("allegro-pl", 5, "allegro-cz", None)
    assert czech.price == money("299.00", "CZK")
    reference = account.offer("unused").model_copy(update={"offer_id": f"allegro-cz:{offer}", "site": "allegro-cz"})
    changed = account.channel.update_prices([priced(reference, "310.00", "CZK"), priced(reference, "310.00")])
    assert (account.end_of(changed[0]).state, changed[1].field) == (SubmissionState.DONE, "currency")
    assert account.shown()["prices"] == {"allegro-cz": 310.0}
    assert account.channel.update_stock([stock(reference, 0)])[0].outcome is Outcome.APPLIED
    assert account.shown()["stock"] == 5
    assert account.channel.sale_status(reference).for_sale is True
    assert account.channel.end_offers([reference])[0].outcome is Outcome.RETRY
    account.channel.end_offers([reference.model_copy(update={"offer_id": offer})])
    assert account.channel.end_offers([reference])[0].outcome is Outcome.APPLIED


# Commands


def test_equal_values_share_a_command_and_the_rest_goes_in_bulk(open_account: Open) -> None:
    account = open_account()
    offers = [account.offer(f"A-{place}") for place in range(40)]
    updates = [stock(offer, 7 if place < 10 else place + 10) for place, offer in enumerate(offers)]
    results = account.channel.update_stock(updates)
    assert {account.end_of(item).state for item in results} == {SubmissionState.DONE}
    assert len(account.seen("quantityModificationCommandUsingPUT")) == 1
    assert len(account.seen("batchOfferModificationUsingPOST")) == 2
    assert [account.shown(update.sku)["stock"] for update in updates] == [update.stock for update in updates]
    prices = account.channel.update_prices([priced(offer, "12.5") for offer in offers])
    assert {account.end_of(item).state for item in prices} == {SubmissionState.DONE}
    assert len(account.seen("priceModificationCommandUsingPUT")) == 1


def test_each_offer_of_a_command_has_a_result_of_its_own(open_account: Open) -> None:
    account = open_account()
    offers = [account.offer(f"A-{place}") for place in range(3)]
    gone = offers[0].model_copy(update={"offer_id": "7689999999", "key": "gone"})
    odd = offers[0].model_copy(update={"offer_id": "odd", "key": "odd"})
    account.fault("partial", "batchOfferModificationUsingPOST", params={"keys": [offers[1].offer_id]})
    results = account.channel.update_stock([*(stock(offer, 9) for offer in offers), stock(gone, 1), stock(odd, 1)])
    assert [item.outcome for item in results[3:]] == [Outcome.MISSING, Outcome.MISSING]
    ends = [account.end_of(item) for item in results[:3]]
    assert [item.state.value for item in ends] == ["done", "failed", "done"]
    assert ends[1].message == "It did not work this time"
    zero = account.channel.update_prices([priced(offers[0], "0"), priced(offers[1], "9.999")])
    assert (zero[0].outcome, zero[0].field) == (Outcome.REJECTED, "price")
    assert account.end_of(zero[1]).state is SubmissionState.DONE
    assert account.shown("A-1")["price"] == 10.0


def test_a_command_whose_answer_is_lost_is_not_done_twice(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    account.fault("reset", "batchOfferModificationUsingPOST")
    result = account.channel.update_stock([stock(offer, 9)])[0]
    assert [item["status"] for item in account.seen("batchOfferModificationUsingPOST")] == [201, 409]
    assert account.end_of(result).state is SubmissionState.DONE
    account.fault("error", "batchOfferModificationUsingPOST", params={"status": 422, "body": "{}"})
    offers = [offer, account.offer("B-1")]
    taken_apart = account.channel.update_stock([stock(item, 3) for item in offers])
    assert {account.end_of(item).state for item in taken_apart} == {SubmissionState.DONE}
    account.fault("throttle", times=None, params={"retry_after": 30})
    with pytest.raises(SlowDown):
        account.channel.update_stock([stock(offer, 4)])


def test_nothing_left_ends_an_offer_and_the_next_quantity_brings_it_back(open_account: Open) -> None:
    account = open_account()
    offer, other = account.offer(), account.offer("B-1")
    assert account.channel.update_stock([stock(offer, 0)])[0].outcome is Outcome.APPLIED
    assert (account.shown()["live"], account.shown()["ended_by"]) == (False, "EMPTY_STOCK")
    status = account.channel.sale_status(offer)
    assert (status.for_sale, status.reasons) == (False, ("Nothing is in stock.",))
    price = account.channel.update_prices([priced(offer, "55.00")])[0]
    assert (price.outcome, account.shown()["live"]) == (Outcome.APPLIED, False)
    assert account.channel.update_stock([stock(offer, 4)])[0].outcome is Outcome.APPLIED
    assert (account.shown()["live"], account.shown()["stock"], account.shown()["price"]) == (True, 4, 55.0)
    account.fault("error", "editProductOffers", times=None, params={"status": 409, "body": "{}"})
    busy = account.channel.update_stock([stock(other, 0)])[0]
    assert account.end_of(busy).state is SubmissionState.DONE
    assert (account.shown("B-1")["live"], account.shown("B-1")["stock"]) == (False, 0)


def test_texts_are_edited_in_allegros_form_and_the_product_is_left_alone(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    told = content(
        title="Nowy kubek do kawy", description="Luzem<br>druga<div>trzecia</div><script>x</script><h3>Uwaga</h3>"
    )
    update = ContentUpdate(content=told, **offer.model_dump())
    assert account.channel.update_content([update])[0].outcome is Outcome.APPLIED
    shown = account.shown()
    assert shown["title"] == "Nowy kubek do kawy"
    said = shown["sent"]["description"]["sections"][0]["items"][0]["content"]
    assert said == "<p>Luzem</p><p>druga</p><p>trzecia</p><h2>Uwaga</h2>"
    assert "productSet" not in account.seen("editProductOffers")[0]["body"]
    short = ContentUpdate(content=content(title="Za krótki"), **offer.model_dump())
    refused = account.channel.update_content([short])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "name")
    silent = Account(str(account.http.base_url), settings={"send_content": False})
    assert silent.channel.update_content([update])[0].outcome is Outcome.APPLIED
    assert len(account.seen("editProductOffers")) == 2


def test_offers_are_ended_in_one_command_and_drafts_need_none(open_account: Open) -> None:
    account = open_account()
    offers = [account.offer("A-1"), account.offer("B-1"), account.offer("C-1", status="INACTIVE")]
    gone = offers[0].model_copy(update={"offer_id": "7689999999"})
    results = account.channel.end_offers([*offers, gone])
    assert [item.outcome.value for item in results] == ["submitted", "submitted", "applied", "missing"]
    assert len(account.seen("changePublicationStatusUsingPUT")) == 1
    assert [item.outcome for item in account.channel.end_offers(offers)] == [Outcome.APPLIED] * 3
    assert account.shown("A-1")["ended_by"] == "USER"
