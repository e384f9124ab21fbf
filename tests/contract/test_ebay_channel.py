"""The eBay channel against its sandbox, over real HTTP: the account, offers, categories, push."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.adapter import Adapter
from bridge.ports.channel import Challenged, Channel, ContentUpdate, Outcome, PriceUpdate
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RetryLater, SlowDown, Superseded, UnknownOutcome
from bridge.ports.http import before_write, lane
from bridge.ports.manifest import Capability
from channel_adapters.ebay import ADAPTER
from channel_adapters.ebay.sandbox.operations import operations
from channel_adapters.ebay.sandbox.push import header
from tests.support.ebay import EANS, Account, Listener, Open, Serve, all_pages, draft, euro, opener, stock, wait_for
from tests.support.offers import named


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


def listed(account: Account) -> list[tuple[str, int]]:
    return [(offer["sku"], offer["stock"]) for offer in account.control("GET", "offers")]


# The adapter as such, and the account


def test_the_adapter_is_a_channel_and_says_what_it_lacks() -> None:
    channel: type[Channel] = ADAPTER.connect  # type: ignore[assignment]
    assert isinstance(ADAPTER, Adapter)
    missing = [name for name in vars(Channel) if not name.startswith("_") and not hasattr(channel, name)]
    assert missing == ["accept_order", "feed"]
    of_others = {"catalogue", "create_order", "webhooks", "stock_write", "feed"}
    said = {str(name) for name in (*ADAPTER.manifest.capabilities, *ADAPTER.manifest.lacks)}
    assert said == {str(name) for name in Capability} - of_others
    named = set(ADAPTER.manifest.limits) - {"*", "revisions"}
    assert named <= {operation.name for operation in operations()}


def test_the_account_with_all_that_offers_will_need(open_account: Open) -> None:
    account = open_account({"policies": 2, "locations": 2}, settings={"token_made": "2026-01-10"})
    info = account.channel.check()
    assert (info.name, info.sites, info.countries) == ("sandbox_seller", ("EBAY_DE", "EBAY_FR"), ("DE", "FR"))
    counts = {name: len(found) for name, found in info.choices.items()}
    assert counts == {"fulfillment_policies": 4, "payment_policies": 4, "return_policies": 4, "location": 2}
    assert info.choices["payment_policies"][0].value.startswith("EBAY_DE:6")
    token, key = info.expires
    assert (token.what, token.at.date().isoformat()) == ("Refresh token", "2027-07-04")
    assert key.what == "Signing key"
    assert key.at > datetime.now(UTC) + timedelta(days=1000)
    assert isinstance(account.channel, Challenged)
    assert account.operations().count("getFulfillmentPolicies") == len(ADAPTER.manifest.sites)


def test_every_location_may_be_chosen_however_many_there_are(open_account: Open) -> None:
    account = open_account({"locations": 230})
    chosen = account.channel.check().choices["location"]
    assert len({choice.value for choice in chosen}) == 230
    assert account.operations().count("getInventoryLocations") == 3


def test_an_account_without_business_policies_cannot_sell(open_account: Open) -> None:
    with pytest.raises(AskMerchant, match="business policies"):
        open_account({"sites": ()}).channel.check()


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"refresh_token": "revoked"}])
def test_refused_credentials(open_account: Open, wrong: dict[str, str]) -> None:
    with pytest.raises(Reauthorise):
        open_account(credentials=wrong).channel.list_offers(None)


def test_a_token_that_ran_out_is_renewed(open_account: Open) -> None:
    account = open_account()
    account.channel.list_offers(None)
    account.fault("unauthorised", "getInventoryItems")
    account.channel.list_offers(None)
    assert account.operations().count("token") == 2


def test_several_policies_or_locations_are_asked_about(open_account: Open) -> None:
    account = open_account({"policies": 2, "locations": 2})
    refused = account.channel.create_offers([draft()])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "location")
    settings: dict[str, Any] = {"location": "warehouse2"}
    account = open_account({"policies": 2, "locations": 2}, settings=settings)
    refused = account.channel.create_offers([draft()])[0]
    assert (refused.field, "2 fulfillment policies" in refused.message) == ("fulfillment_policies", True)
    found = account.channel.check().choices
    settings |= {name: [found[name][1].value] for name in found if name != "location"}
    chosen = Account(account.url, settings=settings)
    assert chosen.channel.create_offers([draft()])[0].outcome is Outcome.APPLIED
    offer = account.shown()["offer"]
    assert offer["listingPolicies"] == {
        "fulfillmentPolicyId": "6000000001",
        "paymentPolicyId": "6000001001",
        "returnPolicyId": "6000002001",
    }
    assert offer["merchantLocationKey"] == "warehouse2"


# Making offers


def test_item_offer_and_publication_each_in_one_call_for_all(open_account: Open) -> None:
    account = open_account()
    drafts = [draft(f"A-{number}", EANS[number]) for number in range(4)]
    results = account.channel.create_offers(drafts)
    assert [result.outcome for result in results] == [Outcome.APPLIED] * 4
    assert all((result.offer_id or "").endswith(f":A-{number}") for number, result in enumerate(results))
    assert listed(account) == [(f"A-{number}", 5) for number in range(4)]
    bulk = [name for name in account.operations() if name.startswith("bulk")]
    assert bulk == ["bulkGetInventoryItem", "bulkCreateOrReplaceInventoryItem", "bulkCreateOffer", "bulkPublishOffer"]
    shown = account.shown("A-3")
    assert (shown["item"]["product"]["isbn"], shown["item"]["locale"]) == ([EANS[3]], "de_DE")
    assert shown["offer"]["pricingSummary"]["price"] == {"value": "12.99", "currency": "EUR"}
    assert (shown["offer"]["availableQuantity"], shown["offer"]["categoryId"]) == (5, "99")


def test_one_bad_draft_harms_no_other(open_account: Open) -> None:
    account = open_account({"catalogue": "none"})
    good = OfferContent(title="A mug", images=("https://shop.example/1.jpg",))
    koruna = Money(amount=Decimal(1), currency="CZK")
    drafts = [
        draft("OK-1", content=good),
        draft("NO-PICTURE"),
        draft("LONG", content=OfferContent(title="x" * 81)),
        draft("PRICE", price=koruna),
        draft("X" * 51),
        draft("SITE", site="EBAY_XX"),
        draft("COND", condition="broken"),
        draft("CAT", content=good.model_copy(update={"category": "11450"})),
        draft("ASPECT", content=good.model_copy(update={"category": "15687"})),
        draft("NOTHING", stock=0),
        draft("OK-2", content=good.model_copy(update={"category": "20627"})),
    ]
    results = account.channel.create_offers(drafts)
    assert [result.key for result in results] == [each.key for each in drafts]
    rejected = {result.key: result.field for result in results if result.outcome is Outcome.REJECTED}
    assert rejected == {
        "key NO-PICTURE": None,
        "key LONG": "title",
        "key PRICE": "currency",
        "key " + "X" * 51: "sku",
        "key SITE": "site",
        "key COND": "condition",
        "key CAT": None,
        "key ASPECT": "Marke",
    }
    assert (results[9].outcome, "nothing in stock" in results[9].message) == (Outcome.RETRY, True)
    assert [name for name, _ in listed(account)] == ["OK-1", "OK-2"]


def test_each_marketplace_has_a_sku_of_its_own_and_its_language(open_account: Open) -> None:
    account = open_account()
    german, french = account.channel.create_offers([draft(), draft(key="fr", site="EBAY_FR")])
    assert [name for name, _ in listed(account)] == ["A-1", "A-1_EBAY_FR"]
    languages = [entry["body"] for entry in account.sent("bulkCreateOffer")]
    assert len(languages) == 2  # one call for each language
    assert account.shown("A-1_EBAY_FR")["item"]["locale"] == "fr_FR"
    found = account.channel.find_offers(["A-1"], [EANS[0]])
    assert {(offer.site, offer.offer_id, offer.sku) for offer in found} == {
        ("EBAY_DE", german.offer_id, "A-1"),
        ("EBAY_FR", french.offer_id, "A-1"),
    }
    listed_there = {
        (offer.site, offer.sku, offer.gtin, offer.title) for offer in all_pages(account.channel.list_offers)
    }
    assert listed_there == {("EBAY_DE", "A-1", EANS[0], "A mug"), ("EBAY_FR", "A-1", EANS[0], "A mug")}


def test_a_sku_that_another_marketplace_has_already(open_account: Open) -> None:
    account = open_account()
    account.offer("A-1", site="EBAY_FR")
    assert account.channel.create_offers([draft()])[0].outcome is Outcome.APPLIED
    assert [name for name, _ in listed(account)] == ["A-1", "A-1_EBAY_DE"]
    assert {(offer.site, offer.sku) for offer in account.channel.find_offers(["A-1"], [])} == {("EBAY_FR", "A-1")}


def test_the_main_marketplace_and_languages_are_settings(open_account: Open) -> None:
    settings = {"main_site": "EBAY_FR", "sites": ["EBAY_DE", "EBAY_FR"], "locales": ["EBAY_FR:fr-CA"]}
    account = open_account(settings=settings)
    account.channel.create_offers([draft(), draft(key="fr", site="EBAY_FR")])
    assert {name for name, _ in listed(account)} == {"A-1", "A-1_EBAY_DE"}
    assert account.shown("A-1")["item"]["locale"] == "fr_CA"
    assert "getUser" not in account.operations()


def test_a_refused_publication_leaves_an_offer_that_the_next_attempt_completes(open_account: Open) -> None:
    account = open_account({"catalogue": "none"})
    refused = account.channel.create_offers([draft()])[0]
    assert (refused.outcome, "pictures" in refused.message) == (Outcome.REJECTED, True)
    assert account.channel.find_offers(["A-1"], []) == []
    whole = OfferContent(title="A better mug", images=("https://shop.example/1.jpg",))
    made = account.channel.create_offers([draft(content=whole, price=euro("15"), stock=2)])[0]
    assert made.outcome is Outcome.APPLIED
    shown = account.shown()
    assert (shown["title"], shown["price"], shown["stock"]) == ("A better mug", 15, 2)
    assert account.operations().count("updateOffer") == 1


@pytest.mark.parametrize("operation", ["bulkCreateOffer", "bulkPublishOffer"])
def test_an_answer_that_was_lost_makes_nothing_twice(open_account: Open, operation: str) -> None:
    account = open_account()
    account.fault("reset", operation)
    with pytest.raises(UnknownOutcome):
        account.channel.create_offers([draft()])
    found = [offer.sku for offer in account.channel.find_offers(["A-1"], [])]
    assert found == (["A-1"] if operation == "bulkPublishOffer" else [])
    made = account.channel.create_offers([draft(stock=3)])[0]
    assert (made.outcome, listed(account)) == (Outcome.APPLIED, [("A-1", 3)])


def test_what_an_item_has_from_elsewhere_stays(open_account: Open) -> None:
    package = {"packageWeightAndSize": {"weight": {"value": 1.5, "unit": "KILOGRAM"}}}
    account = open_account()
    offer = account.offer(more=package, product={"aspects": {"Material": ["Ton"]}, "videoIds": ["v-1"]})
    content = OfferContent(title="Better", brand="Potter", attributes={"Farbe": ("Blau", "Rot"), "mpn": "M-1"})
    update = ContentUpdate(content=content, **offer.model_dump())
    assert account.channel.update_content([update])[0].outcome is Outcome.APPLIED
    shown = account.shown()
    product = shown["item"]["product"]
    assert product["aspects"] == {"Material": ["Ton"], "Marke": ["Potter"], "Farbe": ["Blau", "Rot"]}
    assert (product["videoIds"], product["mpn"], product["title"]) == (["v-1"], "M-1", "Better")
    assert shown["item"]["packageWeightAndSize"] == package["packageWeightAndSize"]
    assert (shown["stock"], shown["price"], shown["offer"]["listingDescription"]) == (5, 12.99, "Better")
    assert shown["offer"]["merchantLocationKey"] == "warehouse1"


def test_content_of_what_is_gone_and_content_switched_off(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    gone = offer.model_copy(update={"key": "gone", "offer_id": "1:GONE"})
    updates = [ContentUpdate(content=OfferContent(title="New"), **each.model_dump()) for each in (gone, offer)]
    results = account.channel.update_content(updates)
    assert [result.outcome for result in results] == [Outcome.MISSING, Outcome.APPLIED]
    silent = Account(account.url, settings={"send_content": False})
    assert silent.channel.update_content(updates)[1].outcome is Outcome.APPLIED
    assert silent.operations() == []


# Stock and price


def test_stock_is_set_on_item_and_offer(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    assert account.channel.update_stock([stock(offer, 9)])[0].outcome is Outcome.APPLIED
    shown = account.shown()
    quantity = shown["item"]["availability"]["shipToLocationAvailability"]["quantity"]
    assert (quantity, shown["offer"]["availableQuantity"], shown["stock"]) == (9, 9, 9)
    price = PriceUpdate(price=euro("9.5"), **offer.model_dump())
    wrong = price.model_copy(update={"price": Money(amount=Decimal(3), currency="PLN"), "key": "wrong"})
    results = account.channel.update_prices([wrong, price])
    assert [(result.outcome, result.field) for result in results] == [
        (Outcome.REJECTED, "currency"),
        (Outcome.APPLIED, None),
    ]
    assert (account.shown()["price"], account.shown()["stock"]) == (9.5, 9)


def test_a_batch_goes_in_one_call_with_a_result_per_item(open_account: Open) -> None:
    account = open_account()
    offers = [account.offer(f"S-{number}") for number in range(4)]
    gone = offers[0].model_copy(update={"key": "gone", "offer_id": "1:GONE"})
    odd = offers[0].model_copy(update={"key": "odd", "offer_id": "nonsense"})
    for status, outcome in ((500, Outcome.RETRY), (400, Outcome.REJECTED), (404, Outcome.MISSING)):
        account.fault("partial", "bulkUpdatePriceQuantity", params={"every": 2, "status": status})
        updates = [stock(offer, status) for offer in (*offers, gone, odd)]
        results = account.channel.update_stock(updates)
        assert [result.outcome for result in results] == [
            Outcome.APPLIED,
            outcome,
            Outcome.APPLIED,
            outcome,
            Outcome.MISSING,
            Outcome.REJECTED,
        ]
        assert [units == status for _, units in listed(account)] == [True, False, True, False]
    assert account.operations().count("bulkUpdatePriceQuantity") == 3


@pytest.mark.parametrize("settings", [{}, {"skus_per_call": 2}])
def test_where_ebay_takes_one_sku_in_a_call_each_has_its_own(open_account: Open, settings: dict[str, Any]) -> None:
    """Its description says 25 in one place and one in another."""
    account = open_account({"most_skus": 1}, settings=settings)
    offers = [account.offer(f"S-{number}") for number in range(3)]
    results = account.channel.update_stock([stock(offer, 7) for offer in offers])
    assert [result.outcome for result in results] == [Outcome.APPLIED] * 3
    account.channel.update_stock([stock(offer, 8) for offer in offers])
    calls = [entry["status"] for entry in account.sent("bulkUpdatePriceQuantity")]
    assert calls.count(200) == 6
    assert calls[-3:] == [200, 200, 200]  # what was learnt is not tried again
    assert listed(account) == [(f"S-{number}", 8) for number in range(3)]


def test_a_listing_is_changed_at_most_250_times_a_day_and_stock_goes_first(open_account: Open) -> None:
    account = open_account()
    offer, other = account.offer(), account.offer("B-1")
    price = PriceUpdate(price=euro("9.50"), **offer.model_dump())
    with lane("stock"):
        for number in range(100):
            assert account.channel.update_stock([stock(offer, number)])[0].outcome is Outcome.APPLIED
    with lane("content"):
        refused = account.channel.update_prices([price])[0]
        assert (refused.outcome, "250" in refused.message) == (Outcome.RETRY, True)
        assert timedelta(0) < (refused.after or timedelta(0)) < timedelta(hours=2)
        update = ContentUpdate(content=OfferContent(title="New"), **offer.model_dump())
        assert account.channel.update_content([update])[0].outcome is Outcome.RETRY
    with lane("stock"):
        results = [account.channel.update_stock([stock(offer, number)])[0].outcome for number in range(30)]
        assert results == [Outcome.APPLIED] * 25 + [Outcome.RETRY] * 5
        assert account.channel.update_stock([stock(other, 1)])[0].outcome is Outcome.APPLIED
    assert account.shown()["revisions"] == 125


def test_a_call_that_was_not_sent_costs_no_revision(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()

    def closed() -> None:
        raise Superseded("lost")

    for _ in range(130):
        with before_write(closed), pytest.raises(Superseded):
            account.channel.update_stock([stock(offer, 1)])
    with before_write(closed), pytest.raises(Superseded):
        account.channel.end_offers([offer])
    assert account.channel.update_stock([stock(offer, 2)])[0].outcome is Outcome.APPLIED


def test_what_ebay_itself_counts_as_too_often_is_that_items_result(open_account: Open) -> None:
    account = open_account({"revisions": 1})
    offer = account.offer()
    account.channel.update_stock([stock(offer, 1)])
    result = account.channel.update_stock([stock(offer, 2)])[0]
    assert (result.outcome, "too often" in result.message) == (Outcome.RETRY, True)


@pytest.mark.parametrize("kind", ["reset", "html", "error", "throttle"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    offer = account.offer()
    account.fault(kind, "bulkUpdatePriceQuantity")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert account.shown()["stock"] == 1


def test_trouble_with_the_whole_batch_is_the_error_itself(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    account.fault("throttle", "*", times=None, params={"retry_after": 60})
    with pytest.raises(SlowDown):
        account.channel.update_stock([stock(offer, 1)])
    with pytest.raises(SlowDown):
        account.channel.create_offers([draft()])
    account.heal()
    account.fault("mutate", "getOrders", params={"set": {"orders": [{}]}})
    later = Account(account.url)
    with pytest.raises(RetryLater):
        later.channel.list_open_orders(None)


# Ending and looking


def test_an_offer_ends_and_comes_back_under_its_number(open_account: Open) -> None:
    account = open_account()
    made = account.channel.create_offers([draft()])[0]
    offer = account.channel.find_offers(["A-1"], [])[0]
    ref = stock(account.offer("Z-1"), 0).model_copy(update={"key": "k", "offer_id": offer.offer_id, "sku": "A-1"})
    assert [result.outcome for result in account.channel.end_offers([ref])] == [Outcome.APPLIED]
    assert [result.outcome for result in account.channel.end_offers([ref])] == [Outcome.MISSING]
    assert account.channel.find_offers(["A-1"], []) == []
    assert account.channel.update_stock([ref])[0].outcome is Outcome.MISSING
    status = account.channel.sale_status(offer)
    assert (status.for_sale, status.reasons) == (False, ("The listing has ended.",))
    again = account.channel.create_offers([draft(stock=2)])[0]
    assert (again.offer_id, account.shown()["stock"]) == (made.offer_id, 2)
    with pytest.raises(NotFound):
        account.channel.sale_status(named("1:GONE"))


def test_why_an_offer_cannot_be_bought(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    assert account.channel.sale_status(offer).for_sale is True
    account.channel.update_stock([stock(offer, 0)])
    sold_out = account.channel.sale_status(offer)
    assert (sold_out.for_sale, sold_out.reasons) == (False, ("Nothing is in stock.",))
    assert account.channel.find_offers(["A-1"], [])[0].stock == 0
    account.control("POST", f"offers/{offer.offer_id}/hold", {"held": True})
    held = account.channel.sale_status(offer)
    assert (held.for_sale, "on hold" in held.reasons[0]) == (False, True)


def test_the_inventory_is_walked_page_by_page(open_account: Open) -> None:
    account = open_account()
    for number in range(205):
        account.offer(f"S-{number:03d}", stock=number)
    found = list(all_pages(account.channel.list_offers))
    assert {offer.sku: offer.stock for offer in found} == {f"S-{number:03d}": number for number in range(205)}
    pages = [entry["path"].partition("?")[2] for entry in account.sent("getInventoryItems")]
    assert pages == ["limit=200&offset=0", "limit=175&offset=1"]  # pages are counted, not items


def test_what_was_not_applied_shows_when_it_is_read_back(open_account: Open) -> None:
    account = open_account()
    offer = account.offer()
    account.fault("not_applied", "bulkUpdatePriceQuantity")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert [(item.offer_id, item.stock) for item in all_pages(account.channel.list_offers)] == [(offer.offer_id, 5)]


# Categories and what they ask for


def test_categories_and_item_specifics(open_account: Open) -> None:
    account = open_account()
    tree = {found.id: found for found in account.channel.list_categories()}
    assert tree["20627"].path == ("Möbel & Wohnen", "Küche", "Tassen & Becher")
    assert (tree["20627"].leaf, tree["20625"].leaf, tree["99"].parent) == (True, False, None)
    found = {item.id: item for item in account.channel.requirements("15687").attributes}
    brand, size, colour = found["Marke"], found["Größe"], found["Farbe"]
    assert (brand.need, size.need, colour.need) == (Need.OPTIONAL, Need.REQUIRED, Need.RECOMMENDED)
    assert (size.kind, size.open_list, size.axis, [value.value for value in size.allowed]) == (
        AttributeKind.CHOICE,
        False,
        True,
        ["S", "M", "L"],
    )
    assert (colour.open_list, colour.max_values, brand.max_length) == (True, 30, 65)
    assert (found["Erscheinungsdatum"].kind, "YYYYMMDD" in found["Erscheinungsdatum"].help) == (
        AttributeKind.DATE,
        True,
    )
    assert "mpn" in {item.id for item in account.channel.requirements(None).attributes}
    for unknown in ("11450", "nonsense"):
        with pytest.raises(NotFound):
            account.channel.requirements(unknown)


def test_a_category_for_products_without_one(open_account: Open) -> None:
    account = open_account()
    mug = OfferContent(title="Blaue Tasse")
    account.channel.create_offers([draft(content=mug)])
    assert account.shown()["offer"]["categoryId"] == "20627"
    fixed = open_account(settings={"default_category": "99"})
    fixed.channel.create_offers([draft(content=mug)])
    assert (fixed.shown()["offer"]["categoryId"], "getCategorySuggestions" in fixed.operations()) == ("99", False)


def test_the_sellers_own_figures(open_account: Open) -> None:
    rate, count = open_account().channel.score()
    assert (rate.name, rate.value, rate.limit, rate.unit) == (
        "DEFECTIVE_TRANSACTION_RATE",
        Decimal("0.0042"),
        Decimal("0.02"),
        "share",
    )
    assert (count.title, count.value, count.limit) == ("Cases closed without seller resolution", 0, None)


# Push


def test_an_address_is_proved_and_a_sold_order_is_told(open_account: Open, serve: Serve) -> None:
    account = open_account(settings={"alert_email": "shop@shop.example"})
    listener = Listener(serve, account.channel.push_challenge)
    for _ in range(2):
        account.channel.ensure_push(listener.url)
    assert [item["topicId"] for item in account.control("GET", "subscriptions")] == ["ORDER_CONFIRMATION"]
    account.offer()
    order_id, _ = account.order()
    headers, body = wait_for(lambda: listener.got)[0]
    hint = account.channel.push_hints(headers, body)[0]
    assert (hint.kind, hint.key, hint.delivery_id) == ("order", order_id, "n-1")
    spaced = json.dumps(json.loads(body), indent=1).encode()
    compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert account.channel.push_hints([("x-ebay-signature", header(compact))], spaced)[0].key == order_id
    assert account.operations().count("getPublicKey") == 1
    for forged_headers, forged in (
        (headers, body.replace(order_id.encode(), b"99")),
        ([], body),
        ([("X-EBAY-SIGNATURE", "?")], body),
    ):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(forged_headers, forged)


def test_what_was_switched_off_is_switched_on_again(open_account: Open, serve: Serve) -> None:
    account = open_account(settings={"alert_email": "shop@shop.example"})
    listener = Listener(serve, account.channel.push_challenge)
    account.channel.ensure_push(listener.url)
    for kind in ("subscriptions", "destinations"):
        account.control("POST", f"switch-off/{kind}", {})
    account.channel.ensure_push(listener.url)
    assert account.control("GET", "subscriptions")[0]["status"] == "ENABLED"
    assert account.sent("updateDestination")[0]["status"] == 204


def test_without_email_or_topic_nothing_is_asked_for(open_account: Open) -> None:
    silent = open_account()
    silent.channel.ensure_push("https://shop.example/hook")
    assert silent.operations() == []
    account = open_account({"order_topic": False}, settings={"alert_email": "shop@shop.example"})
    account.channel.ensure_push("https://shop.example/hook")
    assert account.operations() == ["token", "getTopic"]
    assert account.channel.push_challenge("https://shop.example/hook", {}) is None


def test_a_token_of_the_sellers_own_answers_the_developer_portal(open_account: Open) -> None:
    token = "of-our-own-choice_0123456789-0123456789"
    account = open_account(settings={"verification_token": token})
    url = "https://shop.example/hook"
    answer = account.channel.push_challenge(url, {"challenge_code": "a1"})
    assert answer == {"challengeResponse": hashlib.sha256(f"a1{token}{url}".encode()).hexdigest()}
    assert account.operations() == []


def test_a_forged_key_name_costs_one_call(open_account: Open) -> None:
    account = open_account()
    body = b'{"metadata": {"topic": "ORDER_CONFIRMATION"}}'
    made_up = json.dumps({"alg": "ECDSA", "kid": "no-such-key", "signature": "MA==", "digest": "SHA1"})
    forged = [("X-EBAY-SIGNATURE", base64.b64encode(made_up.encode()).decode())]
    for _ in range(5):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(forged, body)
    assert account.operations().count("getPublicKey") == 1
