"""The Mirakl channel against an operator in miniature, over real HTTP: credentials, settings, categories, offers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.requirement import Need
from bridge.ports.adapter import Adapter
from bridge.ports.channel import Channel, ContentUpdate, OfferRef, Outcome, PriceUpdate, SubmissionState
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater, SlowDown, Superseded
from bridge.ports.http import HttpServices, before_write
from bridge.ports.manifest import Capability
from channel_adapters.mirakl import ADAPTER
from channel_adapters.mirakl.sandbox.operations import operations
from tests.support.mirakl import EANS, Shop, draft, euro, stock
from tests.support.offers import named

Open = Callable[..., Shop]
NOTHING_NEW = {"send_products": False}


# The adapter as such


def test_the_adapter_is_a_channel_and_says_what_it_lacks() -> None:
    channel: type[Channel] = ADAPTER.connect  # type: ignore[assignment]
    assert isinstance(ADAPTER, Adapter)
    promised = [name for name in vars(Channel) if not name.startswith("_") and name != "feed"]
    assert [name for name in promised if not hasattr(channel, name)] == []
    elsewhere = {"catalogue", "create_order", "webhooks", "stock_write", "feed"}  # of stores, and of those that fetch
    said = {str(name) for name in (*ADAPTER.manifest.capabilities, *ADAPTER.manifest.lacks)}
    assert said == {str(name) for name in Capability} - elsewhere


def test_limits_are_for_operations_of_the_specification() -> None:
    assert set(ADAPTER.manifest.limits) <= {operation.name for operation in operations()}


# Credentials and settings


def test_check_tells_the_shop_and_what_the_operator_has_set(open_shop: Open) -> None:
    shop = open_shop({"acceptance": "NOT_AUTOMATIC"}, credentials={"operator": "Worten"})
    info = shop.channel.check()
    assert (info.name, info.countries) == ("Sandbox shop", ("PT", "ES"))
    assert info.details["orders are accepted"] == "by you"
    assert [choice.value for choice in info.choices["conditions"]] == ["new=11", "new=10", "new=4"]
    assert info.choices["offer_fields"][0].label == "Delivery promise: list, optional, one of 24H, 48H"
    assert info.choices["offer_fields"][3].label == "Made of: multiple_values_list, optional, some of WOOD, CLAY"
    assert "15" in [choice.value for choice in info.choices["cancel_reasons"]]
    with pytest.raises(RejectItem, match="asked for"):
        shop.channel.ensure_push("https://x.example")
    assert shop.channel.refuse_cancellation("O", "O-1").outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({}, "offer_fields", r"delivery-promise \(Delivery promise: list, required, one of 24H, 48H\)"),
        ({"offer_fields": ["delivery-promise=72H"]}, "offer_fields", "must be one of 24H, 48H"),
        ({"offer_fields": ["delivery-promise=24H", "matter=WOOD|IRON"]}, "offer_fields", "one of WOOD, CLAY"),
        ({"offer_fields": ["delivery-promise=24H", "gone=1"]}, "offer_fields", "no field 'gone'"),
        ({"offer_fields": ["delivery-promise=24H", "origin=France"]}, "offer_fields", "must look like"),
        ({"offer_fields": ["delivery-promise=24H"], "conditions": ["new=99"]}, "conditions", "11 New"),
        ({"offer_fields": ["delivery-promise=24H"], "logistic_class": "L"}, "logistic_class", "S Small"),
    ],
)
def test_settings_that_the_operator_would_refuse_are_told_at_once(
    open_shop: Open, settings: dict[str, Any], field: str, words: str
) -> None:
    shop = open_shop({"required_fields": ["delivery-promise"]}, settings=settings)
    with pytest.raises(AskMerchant, match=words) as refused:
        shop.channel.check()
    assert refused.value.field == field


def test_keys_and_shops_that_are_refused(open_shop: Open) -> None:
    shop = open_shop()
    url = str(shop.http.base_url).rstrip("/")
    assert Shop(url, credentials={"shop_id": "2000"}).channel.check().name == "Sandbox shop"
    with pytest.raises(AskMerchant, match="shop ID"):
        Shop(url, credentials={"shop_id": "7"}).channel.check()
    with pytest.raises(Reauthorise, match="Generate a new API key") as refused:
        Shop(url, credentials={"api_key": "Bearer sandbox-mirakl-key"}).channel.check()
    assert "sandbox-mirakl-key" not in str(refused.value)


def test_eight_workers_read_the_operators_settings_once(open_shop: Open) -> None:
    shop = open_shop()
    url = str(shop.http.base_url).rstrip("/")
    services: HttpServices = shop.services
    workers = [Shop(url, services=services) for _ in range(8)]
    gate = threading.Barrier(8)

    def ask(worker: Shop) -> str:
        gate.wait()
        return worker.channel.carrier_code("d.h.l.", "JD1")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, workers)) == {"DHL"}
    assert shop.operations().count("A01") == 1
    later = Shop(url, services=services, clock=lambda: datetime.now(UTC) + timedelta(hours=25))
    assert later.channel.carrier_code("Unknown Express", "1") == "Unknown Express"
    assert shop.operations().count("A01") == 2


# Categories


def test_categories_and_what_they_ask_for(open_shop: Open) -> None:
    shop = open_shop()
    known = {category.id: category for category in shop.channel.list_categories()}
    assert (known["MUGS"].path, known["MUGS"].leaf, known["HOME"].leaf) == (("Home", "Kitchen", "Mugs"), True, False)
    mugs = {item.id: item for item in shop.channel.requirements("MUGS").attributes}
    assert (mugs["colour"].axis, [value.label for value in mugs["colour"].allowed]) == (True, ["Blue", "Red"])
    assert set(mugs) == {"colour", "volume", "care"}
    watts = next(item for item in shop.channel.requirements("LAMPS").attributes if item.id == "watts")
    assert (watts.need, watts.maximum) == (Need.OPTIONAL, 2000)
    assert "colour" not in {item.id for item in shop.channel.requirements(None).attributes}
    shop.channel.requirements("MUGS")
    assert (shop.operations().count("PM11"), shop.operations().count("VL11")) == (3, 1)
    with pytest.raises(NotFound):
        shop.channel.requirements("NOWHERE")


# Offers


def test_offers_are_created_in_one_list_and_followed_with_one_question(open_shop: Open) -> None:
    shop = open_shop({"required_fields": ["delivery-promise"]}, settings={"offer_fields": ["delivery-promise=24H"]})
    drafts = [draft("A-1"), draft("A-2", EANS[1], price=euro("0")), draft("A-3", EANS[2]), draft("A-4", None)]
    results = shop.channel.create_offers(drafts)
    assert [result.outcome.value for result in results] == ["submitted", "submitted", "submitted", "rejected"]
    assert (results[3].key, results[3].field) == ("key A-4", "gtin")
    answers = shop.channel.follow([result.submission or "" for result in results[:3]])
    assert [answer.state.value for answer in answers] == ["done", "failed", "done"]
    assert [answer.entity_id for answer in answers] == ["A-1", None, "A-3"]
    assert "price" in answers[1].message
    assert shop.operations().count("OF24") == shop.operations().count("OF02") == shop.operations().count("OF03") == 1
    shop.channel.follow([results[0].submission or ""])
    assert shop.operations().count("OF02") == 1
    assert (shop.shown()["stock"], shop.shown()["price"], shop.shown()["live"]) == (5, 12.99, True)
    assert shop.shown("A-3")["sent"]["offer_additional_fields"] == [{"code": "delivery-promise", "value": "24H"}]
    assert [offer.offer_id for offer in shop.channel.find_offers(["A-1", "?"], [EANS[2]])] == ["A-1", "A-3"]


def test_an_unknown_product_goes_to_the_catalogue_first(open_shop: Open) -> None:
    shop = open_shop({"known_products": "none"})
    content = OfferContent(title="A blue mug", category="MUGS", attributes={"colour": "BLU"})
    wrong = content.model_copy(update={"attributes": {"colour": "PINK"}})
    nowhere = content.model_copy(update={"category": None})
    banned = content.model_copy(update={"brand": "Banned"})
    drafts = [
        draft("A-1", content=content),
        draft("A-2", EANS[1], content=wrong),
        draft("A-3", EANS[2], content=nowhere),
        draft("A-4", EANS[3], content=banned),
    ]
    first, second, third, fourth = shop.channel.create_offers(drafts)
    assert shop.end_of(fourth) == (SubmissionState.FAILED, "operator: the brand Banned is not sold here")
    assert (third.outcome, third.field) == (Outcome.REJECTED, "category")
    # Gone is: look again, and make the offer now.
    assert shop.end_of(first) == (SubmissionState.GONE, "The marketplace has the product now; its offer is made next.")
    assert first.unsent == (Facet.CONTENT,)
    assert shop.end_of(second)[1].startswith("2004|The attribute 'colour'")
    assert shop.channel.find_offers(["A-1"], [EANS[0]]) == []
    again = shop.channel.create_offers(drafts[:1])[0]
    assert shop.end_of(again)[0] is SubmissionState.DONE
    assert (shop.shown()["title"], shop.operations().count("P41")) == ("A blue mug", 1)
    closed = open_shop({"known_products": "none"}, settings=NOTHING_NEW)
    assert closed.channel.create_offers([draft()])[0].outcome is Outcome.REJECTED


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("operation", ["PM11", "P41"])
def test_an_operator_that_takes_no_product_data_refuses_no_offer_of_what_it_knows(
    open_shop: Open, operation: str, status: int
) -> None:
    """What it does not know waits for it, or for the setting, and not for the product: the field says so."""
    shop = open_shop({"known_products": "none"})
    known, *unknown = EANS[:3]
    content = OfferContent(title="A blue mug", category="MUGS", attributes={"colour": "BLU"})
    shop.end_of(shop.channel.create_offers([draft("A-0", known, content=content)])[0])  # the product is there now
    shop.channel._offers._attributes.clear()  # type: ignore[attr-defined]
    before = shop.operations().count("PM11")
    shop.fault("error", operation, times=None, params={"status": status})
    drafts = [draft("A-1", known), *(draft(f"B-{n}", ean, content=content) for n, ean in enumerate(unknown))]
    made, *others = shop.channel.create_offers(drafts)
    assert shop.end_of(made)[0] is SubmissionState.DONE
    assert [(item.outcome, item.field) for item in others] == [(Outcome.REJECTED, "send_products")] * 2
    assert "takes no product data by its interface" in others[0].message
    assert shop.operations().count("PM11") - before <= 2, "it is not asked once more for each product"
    update = ContentUpdate(content=content, **OfferRef(key="k", offer_id="A-1", sku="A-1", gtin=known).model_dump())
    kept = shop.channel.update_content([update])[0]
    assert (kept.field, "stay as it has them" in kept.message) == ("send_products", True)


def test_products_wait_with_the_operator_and_say_so(open_shop: Open) -> None:
    shop = open_shop({"known_products": "none", "product_seconds": 0.4})
    made = shop.channel.create_offers([draft(content=OfferContent(title="A mug", category="MUGS"))])[0]
    states = set()
    for _ in range(400):
        answer = shop.channel.follow([made.submission or ""])[0]
        states.add((answer.state.value, answer.message))
        if answer.state is not SubmissionState.PENDING:
            break
    assert {state for state, _ in states} == {"pending", "gone"}


def test_stock_goes_in_one_file_and_each_line_has_its_end(open_shop: Open) -> None:
    shop = open_shop(settings={"warehouse": "W1"})
    offers = [shop.offer(f"A-{n}", ean=EANS[n]) for n in range(3)]
    gone = OfferRef(key="gone", offer_id="GONE", sku="GONE")
    results = shop.channel.update_stock([*(stock(offer, n) for n, offer in enumerate(offers)), stock(gone, 4)])
    ends = [shop.end_of(result) for result in results]
    assert [state.value for state, _ in ends] == ["done", "done", "done", "failed"]
    assert ends[3][1] == "The offer with sku 'GONE' does not exist"
    assert [shop.shown(f"A-{n}")["stock"] for n in range(3)] == [0, 1, 2]
    assert shop.operations().count("STO01") == shop.operations().count("STO02") == 1
    assert not shop.shown("A-0")["live"]
    assert shop.channel.sale_status(named("A-0")).reasons == ("ZERO_QUANTITY",)
    with pytest.raises(NotFound):
        shop.channel.sale_status(named("GONE"))


def test_prices_leave_the_others_and_are_told_together(open_shop: Open) -> None:
    shop = open_shop()
    channel_price = {"channel_code": "US", "unit_origin_price": 15}
    offers = [shop.offer(more={"all_prices": [channel_price]}), shop.offer("B-1", ean=EANS[1])]
    one, two = [PriceUpdate(price=euro("9.5"), **offer.model_dump()) for offer in offers]
    first = shop.channel.update_prices([one])[0]
    second, third = shop.channel.update_prices([two, two.model_copy(update={"key": "x", "offer_id": "GONE"})])
    names = [result.submission or "" for result in (first, second, third)]
    answers = shop.channel.follow(names)
    assert [answer.state.value for answer in answers] == ["done", "done", "failed"]
    assert shop.operations().count("PRI02") == 1
    assert shop.shown()["price"] == 9.5
    [kept] = shop.shown()["sent"]["all_prices"]
    assert (kept["unit_origin_price"], kept["context"]) == (15, {"channel_codes": ["US"]})
    with pytest.raises(AskMerchant) as refused:
        shop.channel.update_prices([one.model_copy(update={"price": euro("9").model_copy(update={"currency": "PLN"})})])
    assert refused.value.field == "currency"
    whole = open_shop({"price_decimals": 0})
    result = whole.channel.update_prices([PriceUpdate(price=euro("9.5"), **whole.offer(price=12).model_dump())])[0]
    assert (result.outcome, result.field) == (Outcome.REJECTED, "price")


def test_content_changes_the_catalogue_and_the_offer_keeps_what_it_has(open_shop: Open) -> None:
    """OF24 resets what it is not sent: all of the offer is sent again."""
    more = {
        "description": "Boxed",
        "logistic_class": "XL",
        "max_order_quantity": 3,
        "msrp": 20,
        "product_tax_code": "T",
    }
    more["all_prices"] = [{"channel_code": "US", "unit_origin_price": 15}]
    shop = open_shop(settings={"leadtime_to_ship": 5, "offer_fields": ["origin=FR", "matter=WOOD|CLAY"]})
    offer = shop.offer(more=more)
    content = OfferContent(title="A blue mug", brand="Potter", images=("https://s.example/1.jpg",))
    gone = ContentUpdate(key="gone", offer_id="GONE", sku="GONE", gtin=EANS[1], content=content)
    kept, missing = shop.channel.update_content([ContentUpdate(content=content, **offer.model_dump()), gone])
    assert missing.outcome is Outcome.MISSING
    assert shop.end_of(kept) == (SubmissionState.DONE, "")
    sent = shop.shown()["sent"]
    assert shop.shown()["title"] == "A blue mug"
    assert {name: sent[name] for name in more} == more
    assert (sent["leadtime_to_ship"], sent["quantity"], sent["price"]) == (5, 5, 12.99)
    matter = {"code": "matter", "value": ["WOOD", "CLAY"]}
    assert sent["offer_additional_fields"] == [{"code": "origin", "value": "FR"}, matter]
    again = shop.channel.update_content([ContentUpdate(content=content, **offer.model_dump())])[0]
    assert shop.end_of(again)[0] is SubmissionState.DONE
    assert shop.operations().count("OF24") == 1


def test_switched_off_no_product_data_is_sent(open_shop: Open) -> None:
    shop = open_shop(settings=NOTHING_NEW)
    update = ContentUpdate(content=OfferContent(title="A mug"), **shop.offer().model_dump())
    assert shop.channel.update_content([update])[0].outcome is Outcome.APPLIED
    assert {"P41", "OF24"} & set(shop.operations()) == set()


def test_offers_are_ended_and_what_is_gone_is_missing(open_shop: Open) -> None:
    shop = open_shop()
    context = {"customer_group_ids": ["G"]}
    offer = shop.offer(more={"all_prices": [{"unit_origin_price": 9, "context": context}]})
    ended, missing = shop.channel.end_offers([offer, OfferRef(key="gone", offer_id="GONE", sku="GONE")])
    assert shop.end_of(ended)[0] is SubmissionState.DONE
    assert (missing.outcome, shop.control("GET", "offers")) == (Outcome.MISSING, [])
    assert shop.channel.end_offers([offer])[0].outcome is Outcome.MISSING


def test_offers_are_read_back_in_pages_that_end(open_shop: Open) -> None:
    shop = open_shop()
    for number in range(120):
        shop.control("POST", "offers", {"sku": f"S-{number}", "ean": str(number), "stock": number, "price": 5})
    first = shop.channel.list_offers(None)
    second = shop.channel.list_offers(first.next_cursor)
    assert (len(first.items), second.next_cursor) == (100, None)
    assert list(dict.fromkeys(offer.stock for offer in (*first.items, *second.items))) == list(range(120))
    shop.fault("empty_list", "OF21")
    assert shop.channel.list_offers(None).items == ()


# Faults


def test_one_bad_line_harms_no_other(open_shop: Open) -> None:
    shop = open_shop()
    offers = [shop.offer(f"A-{n}", ean=EANS[n]) for n in range(4)]
    shop.fault("partial", "STO01", params={"every": 2})
    results = shop.channel.update_stock([stock(offer, 1) for offer in offers])
    ends = [shop.end_of(result)[0].value for result in results]
    assert ends == ["done", "failed", "done", "failed"]
    assert [shop.shown(f"A-{n}")["stock"] for n in range(4)] == [1, 5, 1, 5]


def test_a_file_that_fails_as_a_whole_is_looked_at_and_sent_again(open_shop: Open) -> None:
    """No line of it is known to be wrong: a refusal would leave the old stock on show until it changes again."""
    shop = open_shop()
    offer = shop.offer()
    shop.control("POST", "plans", {"kind": "stock", "reason": "The platform was stopped."})
    failed = shop.channel.update_stock([stock(offer, 1)])[0]
    state, _ = shop.end_of(failed)
    assert state is SubmissionState.GONE
    assert shop.end_of(shop.channel.update_stock([stock(offer, 1)])[0])[0] is SubmissionState.DONE


def test_lines_in_error_that_are_not_told_are_nobodys(open_shop: Open) -> None:
    shop = open_shop()
    result = shop.channel.update_stock([stock(shop.offer(), 1)])[0]
    told = {"has_error_report": False, "lines_in_error": 1, "status": "COMPLETE"}
    shop.fault("mutate", "STO02", params={"set": told})
    assert shop.end_of(result)[0] is SubmissionState.GONE


@pytest.mark.parametrize("kind", ["reset", "html", "error"])
def test_a_stock_file_is_sent_again_after_a_fault(open_shop: Open, kind: str) -> None:
    shop = open_shop()
    offer = shop.offer()
    shop.fault(kind, "STO01")
    assert shop.end_of(shop.channel.update_stock([stock(offer, 1)])[0])[0] is SubmissionState.DONE
    assert shop.shown()["stock"] == 1


def test_questions_that_may_not_be_asked_yet_leave_an_import_pending(open_shop: Open) -> None:
    shop = open_shop({"limits": {"STO02": [1, 60], "STO01": [2, 60]}})
    offer = shop.offer()
    first, second = (shop.channel.update_stock([stock(offer, n)])[0] for n in (1, 2))
    assert [answer.state.value for answer in shop.channel.follow(["12", "offer:9|A||1"])] == ["gone", "gone"]
    answers = shop.channel.follow([first.submission or "", second.submission or ""])
    assert [answer.state.value for answer in answers] == ["done", "pending"]
    with pytest.raises(SlowDown):
        shop.channel.update_stock([stock(offer, 3)])


def test_words_of_tomorrow_are_no_end(open_shop: Open) -> None:
    shop = open_shop()
    result = shop.channel.update_stock([stock(shop.offer(), 1)])[0]
    shop.fault("mutate", "STO02", params={"set": {"status": "ALMOST_DONE", "a_new_field": {"x": 1}}})
    assert shop.channel.follow([result.submission or ""])[0].state is SubmissionState.PENDING
    assert shop.end_of(result)[0] is SubmissionState.DONE
    for value in (None, 7, "x", {"a": 1}, [None, 3, "x"]):
        shop.fault("mutate", "OF21", params={"set": {"offers": value}})
        assert shop.channel.list_offers(None).items == ()


def test_a_closed_fence_sends_nothing(open_shop: Open) -> None:
    shop = open_shop()
    offer = shop.offer()

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        shop.channel.update_stock([stock(offer, 1)])
    assert shop.shown()["stock"] == 5


def test_nothing_is_created_twice_after_a_lost_answer(open_shop: Open) -> None:
    shop = open_shop({"import_seconds": 0.2})
    shop.fault("reset", "OF24")
    made = shop.channel.create_offers([draft()])[0]
    assert shop.end_of(made)[0] is SubmissionState.DONE
    assert (len(shop.control("GET", "offers")), shop.operations().count("OF24")) == (1, 2)
    shop.fault("reset", "OF24", times=None)
    with pytest.raises(RetryLater):
        shop.channel.create_offers([draft("B-1", EANS[1])])
    shop.heal()
    assert shop.end_of(shop.channel.create_offers([draft("B-1", EANS[1])])[0])[0] is SubmissionState.DONE
    assert len(shop.control("GET", "offers")) == 2
