"""The Kaufland channel against its sandbox, over real HTTP: credentials, categories, offers, product data, push."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import (
    CALLBACK_URL,
    Channel,
    ContentUpdate,
    OfferRef,
    Outcome,
    PriceUpdate,
    SubmissionState,
)
from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RejectItem,
    RetryLater,
    SlowDown,
    Superseded,
    UnknownOutcome,
)
from bridge.ports.http import before_write
from bridge.ports.manifest import Capability
from channel_adapters.kaufland import ADAPTER
from channel_adapters.kaufland.sandbox.options import CLIENT_KEY, SECRET_KEY
from channel_adapters.kaufland.signature import sign
from tests.support.kaufland import (
    EANS,
    Account,
    Listener,
    Open,
    Serve,
    all_pages,
    at_sandbox,
    create,
    draft,
    faulty,
    opener,
    stock,
)


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


# The adapter as such


def test_every_capability_is_there_or_said_to_lack() -> None:
    ours = {Capability.CATALOGUE, Capability.CREATE_ORDER, Capability.WEBHOOKS, Capability.STOCK_WRITE}
    fetched = {Capability.FEED}
    manifest = ADAPTER.manifest
    assert {*manifest.capabilities, *manifest.lacks} == set(Capability) - ours - fetched
    promised = [name for name in vars(Channel) if not name.startswith("_")]
    assert {name for name in promised if not hasattr(ADAPTER.connect, name)} == {"feed", "score"}


# Credentials


def test_check_tells_storefronts_and_what_can_be_chosen(open_account: Open) -> None:
    info = open_account().channel.check()
    assert (info.name, info.countries, info.sites) == (f"Seller {CLIENT_KEY[:6]}", ("DE", "AT"), ("de", "at"))
    assert [choice.value for choice in info.choices["shipping_groups"]] == ["de:9000", "at:9004"]
    assert [choice.label for choice in info.choices["warehouse"]] == ["Main"]


@pytest.mark.parametrize("wrong", [{"secret_key": "wrong-secret-value"}, {"client_key": "unknown"}])
def test_check_refuses_wrong_credentials(open_account: Open, wrong: dict[str, str]) -> None:
    with pytest.raises(Reauthorise, match="API settings") as caught:
        open_account(credentials=wrong).channel.check()
    assert "wrong-secret-value" not in str(caught.value)


def test_a_clock_that_is_wrong_is_named(open_account: Open) -> None:
    behind = open_account(clock=lambda: datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(Reauthorise, match="clock"):
        behind.channel.check()


def test_an_account_without_storefronts_cannot_be_connected(open_account: Open) -> None:
    with pytest.raises(AskMerchant, match="storefront"):
        open_account({"storefronts": ()}).channel.check()


def test_storefronts_we_do_not_know_are_left_out(open_account: Open) -> None:
    info = open_account({"storefronts": ("de", "es")}).channel.check()
    assert (info.sites, info.details["storefronts"]) == (("de",), ["de", "es"])


# Categories


def test_categories_and_what_they_ask_for(open_account: Open) -> None:
    channel = open_account().channel
    found = {item.id: item for item in channel.list_categories()}
    assert (found["30021"].path, found["30021"].leaf, found["30001"].leaf) == (("Kitchen", "Mugs"), True, False)
    asked = {item.id: item for item in channel.requirements("30021").attributes}
    assert (asked["colour"].need, asked["colour"].kind) == (Need.REQUIRED, AttributeKind.CHOICE)
    assert (len(asked["colour"].allowed), asked["colour"].open_list) == (5, False)
    assert (len(asked["manufacturer"].allowed), asked["manufacturer"].open_list) == (500, True)
    assert {item.need for item in channel.requirements(None).attributes} == {Need.OPTIONAL}
    for unknown in ("99", "mugs"):
        with pytest.raises(NotFound):
            channel.requirements(unknown)


# Offers


def test_an_offer_is_created_and_found_on_its_storefront(open_account: Open) -> None:
    account = open_account()
    offer, other = create(account), create(account, site="at", stock=7)
    assert at_sandbox(account, offer) | {"sku": "A-1", "stock": 5, "price": 12.99, "live": True} == at_sandbox(
        account, offer
    )
    by_sku, by_gtin = account.channel.find_offers(["A-1"], []), account.channel.find_offers([], [EANS[0]])
    assert {found.offer_id for found in by_sku} == {found.offer_id for found in by_gtin}
    assert {(found.site, found.offer_id, found.stock) for found in by_sku} == {
        ("de", offer.offer_id, 5),
        ("at", other.offer_id, 7),
    }
    assert account.channel.find_offers(["?"], [EANS[1]]) == []


def test_many_names_are_looked_up_in_the_whole_list_where_that_is_shorter(open_account: Open) -> None:
    account = open_account(settings={"sites": ["de"]})
    for number in range(3):
        account.seller.control("POST", "offers", {"sku": f"S-{number}", "ean": EANS[number], "stock": 1, "price": 5})
    asked = account.channel.find_offers(["S-0", *(f"X-{number}" for number in range(40))], [EANS[2]])
    assert {(offer.sku, offer.gtin) for offer in asked} == {("S-0", EANS[0]), ("S-2", EANS[2])}
    assert account.operations() == ["getUnits", "getUnits"]
    account.seller.fault("mutate", "getUnits", params={"set": {"pagination.total": 100000}})
    assert len(account.channel.find_offers(["S-0"], [EANS[2]])) == 2
    assert account.operations().count("getUnits") == 5


def test_the_setting_says_where_to_sell(open_account: Open) -> None:
    account = open_account(settings={"sites": ["at"]})
    offer = create(account, site="")
    assert at_sandbox(account, offer)["storefront"] == "at"
    refused = account.channel.create_offers([draft("B-1", EANS[1], site="de")])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "site")


def test_content_is_sent_after_the_offer_unless_switched_off(open_account: Open) -> None:
    sends, keeps = open_account(), open_account(settings={"send_content": False})
    assert sends.channel.create_offers([draft()])[0].unsent == (Facet.CONTENT,)
    assert keeps.channel.create_offers([draft()])[0].unsent == ()


def test_one_bad_draft_harms_no_other(open_account: Open) -> None:
    account = open_account()
    koruna = Money(amount=Decimal(1), currency="CZK")
    drafts = [draft(), draft("B-1", None), draft("C-1", EANS[1], price=koruna), draft("D-1", EANS[2])]
    results = account.channel.create_offers(drafts)
    assert [result.outcome.value for result in results] == ["applied", "rejected", "rejected", "applied"]
    assert [result.key for result in results] == ["key A-1", "key B-1", "key C-1", "key D-1"]
    assert (results[1].field, results[2].field) == ("gtin", "currency")


def test_a_create_whose_answer_was_lost_is_found_again(open_account: Open) -> None:
    account = open_account()
    account.seller.fault("reset", "createUnit")
    with pytest.raises(UnknownOutcome):
        account.channel.create_offers([draft()])
    assert [offer.sku for offer in account.channel.find_offers(["A-1"], [])] == ["A-1"]
    again = account.channel.create_offers([draft(stock=2, price=Money(amount=Decimal(20), currency="EUR"))])[0]
    assert again.outcome is Outcome.APPLIED
    shown = account.seller.control("GET", "offers")
    assert [(item["stock"], item["price"]) for item in shown] == [(2, 20)]


def test_an_offer_that_is_not_shown_yet_is_asked_for_later(open_account: Open) -> None:
    account = open_account({"visible_seconds": 600})
    create(account)
    assert account.channel.find_offers(["A-1"], []) == []
    again = account.channel.create_offers([draft()])[0]
    assert (again.outcome, "minutes" in again.message) == (Outcome.RETRY, True)


def test_a_sku_belongs_to_one_ean(open_account: Open) -> None:
    account = open_account()
    create(account)
    result = account.channel.create_offers([draft("A-1", EANS[1], site="at")])[0]
    assert (result.outcome, result.field) == (Outcome.REJECTED, "id_offer")


def test_a_product_kaufland_does_not_know_is_introduced_first(open_account: Open) -> None:
    account = open_account({"known_products": "none", "unknown_products": "refused"})
    whole = OfferContent(title="A mug", description="Blue.", images=("https://a.example/1.jpg",))
    first = account.channel.create_offers([draft(content=whole)])[0]
    assert (first.outcome, account.seller.control("GET", "offers")) == (Outcome.RETRY, [])
    assert account.channel.create_offers([draft(content=whole)])[0].outcome is Outcome.APPLIED
    account.channel.create_offers([draft("B-1", EANS[1])])
    refused = account.channel.create_offers([draft("B-1", EANS[1])])[0]
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "content")
    assert "missing: description, picture" in refused.message
    silent = Account(str(account.seller.http.base_url).rstrip("/"), settings={"send_content": False})
    assert silent.channel.create_offers([draft("C-1", EANS[2])])[0].field == "send_content"


def test_stock_price_and_end(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    price = Money(amount=Decimal("9.5"), currency="EUR")
    assert account.channel.update_stock([stock(offer, 0)])[0].outcome is Outcome.APPLIED
    assert account.channel.update_prices([PriceUpdate(price=price, **offer.model_dump())])[0].outcome is Outcome.APPLIED
    assert (at_sandbox(account, offer)["stock"], at_sandbox(account, offer)["price"]) == (0, 9.5)
    assert account.channel.end_offers([offer])[0].outcome is Outcome.APPLIED
    assert account.seller.control("GET", "offers") == []
    assert account.channel.end_offers([offer])[0].outcome is Outcome.MISSING
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.MISSING
    with pytest.raises(NotFound):
        account.channel.sale_status(offer)


def test_a_large_batch_goes_by_storefront_at_most_150_and_none_twice(open_account: Open) -> None:
    account = open_account()
    refs: list[OfferRef] = []
    for number in range(160):
        site = "at" if number % 4 == 0 else "de"
        made = {"sku": f"S-{number}", "ean": f"40000000{number:05d}", "stock": 0, "price": 5, "storefront": site}
        offer_id = account.seller.control("POST", "offers", made)["offer_id"]
        refs.append(OfferRef(key=f"k{number}", site=site, offer_id=offer_id, sku=f"S-{number}"))
    updates = [stock(ref, number) for number, ref in enumerate(refs)]
    updates += [stock(refs[1], 500), stock(refs[2].model_copy(update={"offer_id": "nonsense"}), 1)]
    results = account.channel.update_stock(updates)
    assert [result.key for result in results] == [update.key for update in updates]
    assert [result.outcome for result in results] == [Outcome.APPLIED] * 161 + [Outcome.MISSING]
    shown = {item["sku"]: item["stock"] for item in account.seller.control("GET", "offers")}
    assert shown == {f"S-{number}": number for number in range(160)} | {"S-1": 500}
    sent = [json.loads(call["body"]) for call in account.seller.control("GET", "requests")]
    assert [len(body) for body in sent] == [40, 120, 1]
    listed = {offer.offer_id: offer.stock for offer in all_pages(account.channel.list_offers)}
    assert (len(listed), {*listed.values()} >= {0, 500}) == (160, True)


def test_part_of_a_batch_is_refused(open_account: Open) -> None:
    account = open_account()
    offers = [create(account, sku=f"S-{number}", gtin=EANS[number]) for number in range(4)]
    for status, outcome in ((500, Outcome.RETRY), (400, Outcome.REJECTED), (404, Outcome.MISSING)):
        account.seller.fault("partial", "bulkUpdateUnits", params={"every": 2, "status": status})
        results = account.channel.update_stock([stock(offer, status) for offer in offers])
        assert [result.outcome for result in results] == [Outcome.APPLIED, outcome, Outcome.APPLIED, outcome]
        assert [at_sandbox(account, offer)["stock"] == status for offer in offers] == [True, False, True, False]


def test_an_item_that_the_answer_leaves_out_is_sent_again_later(open_account: Open) -> None:
    account = open_account()
    offers = [create(account, sku=f"S-{number}", gtin=EANS[number]) for number in range(2)]
    account.seller.fault("mutate", "bulkUpdateUnits", params={"set": {"data.0": {"id_unit": 1, "status_code": "x"}}})
    results = account.channel.update_stock([stock(offer, 1) for offer in offers])
    assert [result.outcome for result in results] == [Outcome.RETRY, Outcome.APPLIED]


def test_a_price_in_another_currency_is_that_items_result(open_account: Open) -> None:
    account = open_account()
    good, bad = create(account), create(account, sku="B-1", gtin=EANS[1])
    prices = [
        PriceUpdate(price=Money(amount=Decimal(3), currency=currency), **offer.model_dump())
        for currency, offer in (("PLN", bad), ("EUR", good))
    ]
    results = account.channel.update_prices(prices)
    assert [(result.outcome, result.field) for result in results] == [
        (Outcome.REJECTED, "currency"),
        (Outcome.APPLIED, None),
    ]
    assert (at_sandbox(account, good)["price"], at_sandbox(account, bad)["price"]) == (3, 12.99)


@pytest.mark.parametrize("kind", ["reset", "html", "error", "throttle"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    offer = create(account)
    account.seller.fault(kind, "bulkUpdateUnits")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert at_sandbox(account, offer)["stock"] == 1


def test_a_closed_fence_sends_nothing(open_account: Open) -> None:
    account = open_account()
    offer = create(account)

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.update_stock([stock(offer, 1)])
    with before_write(closed), pytest.raises(Superseded):
        account.channel.end_offers([offer])
    assert at_sandbox(account, offer)["stock"] == 5


def test_what_was_not_applied_shows_when_it_is_read_back(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    account.seller.fault("not_applied", "bulkUpdateUnits")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert [(item.offer_id, item.stock, item.gtin) for item in all_pages(account.channel.list_offers)] == [
        (offer.offer_id, 5, EANS[0])
    ]


def test_lists_end_whatever_the_other_side_says(open_account: Open) -> None:
    account = open_account()
    create(account)
    with faulty(account.seller, "stuck_cursor", "getUnits"):
        page = account.channel.list_offers(None)
        assert (len(page.items), page.next_cursor) == (1, "units/de/1")
    account.seller.fault("mutate", "getUnits", params={"set": {"data": None, "pagination.total": 900}})
    assert account.channel.list_offers(None).next_cursor == "units/at/0"
    account.seller.fault("mutate", "getUnits", params={"set": {"pagination": None}})
    assert len(account.channel.list_offers(None).items) == 1


def test_why_an_offer_is_offline(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    offer = create(account)
    found = account.channel.sale_status(offer)
    assert (found.for_sale, found.reasons) == (False, ("Kaufland has not enough product data for it.",))
    account.channel.update_content([content(offer)])
    assert account.channel.sale_status(offer).reasons == ("MISSING_ATTRIBUTES", "missing: picture")
    account.channel.update_content([content(offer, images=("https://a.example/1.jpg",))])
    assert account.channel.sale_status(offer).for_sale is True
    account.seller.call("PATCH", f"/units/{offer.offer_id.partition(':')[2]}?storefront=de", {"status": "ONHOLD"})
    assert account.channel.sale_status(offer).reasons == ("The offer is put on hold.",)


# Product data


def content(offer: OfferRef, **more: Any) -> ContentUpdate:
    given = {"title": "A blue mug", "description": "For coffee.", "brand": "Potter"} | more
    return ContentUpdate(content=OfferContent(**given), **offer.model_dump())


def test_product_data_is_followed_until_it_is_judged(open_account: Open) -> None:
    account = open_account({"data_seconds": 600})
    offer = create(account)
    result = account.channel.update_content([content(offer)])[0]
    assert result.outcome is Outcome.SUBMITTED
    assert account.channel.follow([result.submission or ""])[0].state is SubmissionState.PENDING
    quick = open_account()
    offer = create(quick)
    results = [
        quick.channel.update_content([content(offer, **more)])[0] for more in ({}, {"attributes": {"width": "x"}})
    ]
    assert results[0].submission != results[1].submission
    assert (at_sandbox(quick, offer)["title"], quick.operations().count("UpdateProductData")) == ("A blue mug", 2)
    last, unknown, nonsense = quick.channel.follow([results[1].submission or "", f"{EANS[3]}/de-DE/1", "?"])
    assert (last.state, last.message) == (SubmissionState.FAILED, "width: The value is not a number")
    assert (unknown.state, nonsense.state) == (SubmissionState.GONE, SubmissionState.GONE)


def test_product_data_goes_to_the_language_of_the_storefront(open_account: Open) -> None:
    account = open_account()
    german, austrian = create(account), create(account, site="at")
    account.channel.update_content([content(german), content(austrian, title="Ein Häferl")])
    assert [at_sandbox(account, offer)["title"] for offer in (german, austrian)] == ["A blue mug", "Ein Häferl"]


def test_replacing_and_adding(open_account: Open) -> None:
    adds, replaces = open_account(), open_account(settings={"content_mode": "replace"})
    for account, kept in ((adds, True), (replaces, False)):
        offer = create(account)
        old = {"ean": [EANS[0]], "attributes": {"title": ["Old"], "colour": ["Rot"]}}
        account.seller.call("PUT", "/product-data?locale=de-DE", old)
        account.channel.update_content([content(offer)])
        stored = account.seller.call("GET", f"/product-data/{EANS[0]}?locale=de-DE").json()["data"]["attributes"]
        assert (stored["title"], "colour" in stored) == (["A blue mug"], kept)


def test_attributes_of_the_offer_go_to_the_offer(open_account: Open) -> None:
    account = open_account()
    reduced = {"vat_indicator": "reduced_rate_1", "colour": "Rot"}
    offer = create(account, content=OfferContent(title="A book", attributes=reduced))
    path = f"/units/{offer.offer_id.partition(':')[2]}?storefront=de"
    assert account.seller.call("GET", path).json()["data"]["vat_indicator"] == "reduced_rate_1"
    changed = {"vat_indicator": "zero_rate", "id_shipping_group": "77", "colour": "Rot"}
    assert account.channel.update_content([content(offer, attributes=changed)])[0].outcome is Outcome.SUBMITTED
    unit = account.seller.call("GET", path).json()["data"]
    assert (unit["vat_indicator"], unit["id_shipping_group"]) == ("zero_rate", 77)
    sent = account.seller.call("GET", f"/product-data/{EANS[0]}?locale=de-DE").json()["data"]["attributes"]
    assert set(sent) == {"title", "description", "manufacturer", "colour"}
    for wrong, field in (({"vat_indicator": "19"}, "vat_indicator"), ({"id_shipping_group": "x"}, "id_shipping_group")):
        assert account.channel.update_content([content(offer, attributes=wrong)])[0].field == field
    account.channel.end_offers([offer])
    assert account.channel.update_content([content(offer, attributes=changed)])[0].outcome is Outcome.MISSING


def test_product_data_needs_an_ean_and_can_be_switched_off(open_account: Open) -> None:
    account, silent = open_account(), open_account(settings={"send_content": False})
    offer = create(account).model_copy(update={"gtin": None})
    assert account.channel.update_content([content(offer)])[0].field == "gtin"
    assert silent.channel.update_content([content(create(silent))])[0].outcome is Outcome.APPLIED
    assert "UpdateProductData" not in silent.operations()


# Faults


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("html", {}, RetryLater),
        ("error", {"status": 503}, RetryLater),
        ("error", {"status": 403, "body": "{}"}, AskMerchant),
        ("error", {"status": 200, "body": "[]"}, RetryLater),
        ("error", {"status": 200, "body": "[["}, RetryLater),
        ("throttle", {}, SlowDown),
        ("throttle", {"retry_after": 30}, SlowDown),
        ("unauthorised", {}, Reauthorise),
        ("error", {"status": 401, "body": '{"type": "/problems/inactive-account", "message": "m"}'}, AskMerchant),
        ("error", {"status": 403, "body": '{"type": "/problems/storefront-not-configured"}'}, AskMerchant),
        ("error", {"status": 418, "body": '{"type": "/problems/teapot", "message": "m", "errors": 7}'}, RejectItem),
    ],
)
def test_faults_have_their_type(
    open_account: Open, kind: str, params: dict[str, Any], error: type[BridgeError]
) -> None:
    account = open_account(settings={"sites": ["de"]})
    with faulty(account.seller, kind, params=params), pytest.raises(error) as caught:
        account.channel.list_offers(None)
    assert "Kaufland" in str(caught.value)


def test_no_secret_and_no_signature_in_the_log(open_account: Open) -> None:
    account = open_account()
    create(account)
    account.seller.order(buyer={"last_name": "Unverwechselbar"})
    list(all_pages(account.channel.list_open_orders))
    text = repr(account.recorder.exchanges)
    assert "GetOrderUnits" in text
    assert not any(word in text for word in (SECRET_KEY, "Unverwechselbar", "marketplace.kaufland.example"))


# Push


def test_without_an_address_for_failures_nothing_is_subscribed(open_account: Open) -> None:
    account = open_account()
    account.channel.ensure_push("http://127.0.0.1:9/hook")
    assert account.operations() == []


def test_subscriptions_for_each_storefront_and_event_come_back(open_account: Open, serve: Serve) -> None:
    account, listener = open_account(settings={"fallback_email": "it@shop.example"}), Listener(serve)
    account.channel.ensure_push(listener.url)
    made = account.seller.call("GET", "/subscriptions?limit=30").json()["data"]
    assert len(made) == 12
    assert {item["storefront"] for item in made} == {"de", "at"}
    assert len(listener.got) == 12
    account.seller.call("PATCH", f"/subscriptions/{made[0]['id_subscription']}", {"is_active": False})
    account.seller.call("DELETE", f"/subscriptions/{made[1]['id_subscription']}")
    account.channel.ensure_push(listener.url)
    again = account.seller.call("GET", "/subscriptions").json()["data"]
    assert (len(again), all(item["is_active"] for item in again)) == (12, True)


def test_an_event_that_another_program_listens_to_is_left_to_it(open_account: Open, serve: Serve) -> None:
    account, ours, theirs = open_account(settings={"fallback_email": "a@b.example"}), Listener(serve), Listener(serve)
    body = {"callback_url": theirs.url, "fallback_email": "c@d.example", "event_name": "order_new"}
    account.seller.call("POST", "/subscriptions?storefront=de", body)
    account.channel.ensure_push(ours.url)
    urls = [item["callback_url"] for item in account.seller.call("GET", "/subscriptions").json()["data"]]
    assert (urls.count(ours.url), urls.count(theirs.url)) == (11, 1)


def test_an_address_that_does_not_answer_is_refused(open_account: Open, serve: Serve) -> None:
    account = open_account(settings={"fallback_email": "it@shop.example"})
    with pytest.raises(RejectItem, match="callback URL"):
        account.channel.ensure_push(Listener(serve, status=500).url)


def test_genuine_events_become_hints(open_account: Open, serve: Serve) -> None:
    account, listener = open_account(settings={"fallback_email": "a@b.example", "sites": ["de"]}), Listener(serve)
    account.channel.ensure_push(listener.url)
    offer = create(account, stock=1)
    order_id, (piece,) = account.seller.order()
    hint = account.channel.push_hints(*listener.event("order_new"))[0]
    assert (hint.kind, hint.key, bool(hint.delivery_id)) == ("order", order_id, True)
    assert account.channel.push_hints(*listener.event("item_unit_not_available"))[0].key == offer.offer_id
    account.seller.call("PATCH", f"/order-units/{piece}/cancel", {"reason": "NoInventory"})
    changed = account.channel.push_hints(*listener.event("order_unit_status_changed"))[0]
    assert (changed.kind, changed.key) == ("order", order_id)
    headers, body = listener.event("order_new")
    for wrong in (body + b" ", body.replace(b"order_new", b"order_nex")):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(headers, wrong)
    elsewhere = [(name, value) for name, value in headers if name != CALLBACK_URL]
    with pytest.raises(Reauthorise):
        account.channel.push_hints([*elsewhere, (CALLBACK_URL, "https://other.example/hook")], body)


@pytest.mark.parametrize(
    ("message", "hints"),
    [
        (b"{}", []),
        (b"verify", []),
        (b'{"event_name": "category_changed", "resource": "/categories/1"}', []),
        (b'{"event_name": "order_new", "resource": ""}', []),
        (b'{"event_name": "order_unit_status_changed", "resource": "/order-units/9/"}', []),
        (
            b'{"event_name": "item_unit_available", "resource": "/units/7", "storefront": "at"}',
            [("offer", "at:7", "at")],
        ),
        (
            b'{"event_name": "return_new", "resource": "https://x/v2/returns/41?a=b", "storefront": "at"}',
            [("return", "41", "")],
        ),
    ],
)
def test_what_a_message_points_at(open_account: Open, message: bytes, hints: list[Any]) -> None:
    account, url = open_account(), "https://shop.example/push/1/2"
    signed = sign(SECRET_KEY, "POST", url, message, "1411055926")
    headers = [("shop-signature", signed), ("SHOP-TIMESTAMP", "1411055926"), (CALLBACK_URL, url)]
    assert [(hint.kind, hint.key, hint.site) for hint in account.channel.push_hints(headers, message)] == hints


def test_an_event_without_a_signature_is_not_believed(open_account: Open) -> None:
    account = open_account()
    body = b'{"event_name": "order_new", "resource": "/orders/M1", "storefront": "de"}'
    for headers in ([], [("Shop-Signature", "nonsense ü"), (CALLBACK_URL, "https://a.example/")]):
        with pytest.raises(Reauthorise):
            account.channel.push_hints(headers, body)
    assert account.channel.push_hints([(CALLBACK_URL, "https://a.example/")], b"{}") == []


# What is unknown


def test_unknown_words_and_missing_fields_stop_nothing(open_account: Open) -> None:
    account = open_account(settings={"sites": ["de"]})
    offer = create(account)
    for name in ("data.0.product", "data.0.amount", "data.0.currency", "data.0.id_offer", "data.0.listing_price"):
        account.seller.fault("mutate", "getUnits", params={"set": {name: None}})
        assert [item.offer_id for item in account.channel.list_offers(None).items] == [offer.offer_id]
    account.seller.fault("mutate", "getUnit", params={"set": {"data.status": "IN_REVIEW"}})
    assert account.channel.sale_status(offer).for_sale is None
    account.seller.fault("mutate", "getUnits", params={"set": {"data": [None, 7, "x"]}})
    assert account.channel.list_offers(None).items == ()
