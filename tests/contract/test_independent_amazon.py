"""The adapter against an Amazon that was written from the official models alone (tests/support/independent_amazon.py):
where it and its own sandbox had misread something alike, this Amazon would not agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund
from bridge.ports.channel import (
    ContentUpdate,
    OfferRef,
    Outcome,
    PriceUpdate,
    StockUpdate,
    SubmissionState,
)
from bridge.ports.errors import Reauthorise, RetryLater
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_amazon import Refused
from tests.support.independent_amazon_life import (
    NOW,
    draft,
    euro,
    item,
    money,
    ordered,
    put_on_sale,
    ref,
    settled,
    simple,
)
from tests.support.independent_amazon_orders import Amazon
from tests.support.independent_amazon_types import FRANCE, GERMANY
from tests.support.played import everything

BACK = {"Principal": "89.97", "Tax": "3.01", "Shipping": "10.00", "ShippingTax": "0.99"}
ADAPTER = discover().channels["amazon"]


@pytest.fixture
def amazon(specs_dir: Path) -> Amazon:
    return Amazon(specs_dir / "amazon", dict(ADAPTER.sandbox_credentials))


@pytest.fixture
def bench(amazon: Amazon, serve: Callable[..., str]) -> Bench:
    return Bench(ADAPTER, serve(amazon.app()))


def test_listings_from_their_first_day_to_their_last(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    assert set(channel.check().sites) == {GERMANY, FRANCE}
    made = [channel.create_offers([draft(number)])[0] for number in range(23)]
    assert {result.outcome for result in made} <= {Outcome.APPLIED, Outcome.SUBMITTED}, made
    assert set(settled(channel, made)) <= {SubmissionState.DONE, Outcome.APPLIED}
    assert [amazon.shown(f"SKU-{number}", GERMANY) for number in (0, 22)] == [(10, "20.00"), (32, "42.00")]
    live = {offer.sku: offer for offer in everything(channel.list_offers) if offer.site == GERMANY}
    assert len(live) == 23
    assert (live["SKU-7"].stock, live["SKU-7"].price, live["SKU-7"].for_sale) == (17, euro("27.00"), True)

    for entry in amazon.items.values():
        entry["fulfillment_availability"][0]["lead_time_to_ship_max_days"] = 3
    gone = PriceUpdate(**ref(99), price=euro("1.00"))
    prices = channel.update_prices([*(PriceUpdate(**ref(n, made[n]), price=euro("9.95")) for n in (0, 1)), gone])
    assert settled(channel, prices)[:2] == [SubmissionState.DONE] * 2
    assert settled(channel, prices)[2] in (SubmissionState.FAILED, Outcome.REJECTED, Outcome.MISSING)
    stock = channel.update_stock([StockUpdate(**ref(n, made[n]), stock=40 + n) for n in (0, 4)])
    assert settled(channel, stock) == [SubmissionState.DONE] * 2
    assert [amazon.shown(f"SKU-{n}", GERMANY) for n in (0, 1, 4)] == [(40, "9.95"), (11, "9.95"), (44, "24.00")]
    assert amazon.items["SKU-4"]["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 3

    amazon.suppressed.add("SKU-6")
    status = channel.sale_status(OfferRef(**ref(6, made[6])))
    assert (status.for_sale, len(status.reasons)) == (False, 1)
    [ended] = channel.end_offers([OfferRef(**ref(5, made[5]))])
    assert ended.outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert [offer.sku for offer in channel.find_offers(["SKU-5", "SKU-8"], [])] == ["SKU-8"]
    assert not amazon.refused


def test_many_at_once_go_by_feed_and_each_message_counts(amazon: Amazon, bench: Bench) -> None:
    """The document goes to a storage of files under the type it was announced with, and by the feed's own schema."""
    channel = bench.connect()
    for number in range(60):
        put_on_sale(amazon, f"SKU-{number}")
    updates = [StockUpdate(**ref(number), stock=100 + number) for number in (*range(60), 99)]
    results = channel.update_stock(updates)
    assert settled(channel, results) == [*[SubmissionState.DONE] * 60, SubmissionState.FAILED]
    assert [amazon.shown(f"SKU-{number}", GERMANY) for number in (0, 59)] == [(100, "5.00"), (159, "5.00")]
    assert [amazon.asked.count(name) for name in ("createFeedDocument", "createFeed", "patchListingsItem")] == [1, 1, 0]


def test_more_listings_than_one_question_gives(amazon: Amazon, bench: Bench) -> None:
    """A search ends after 1,000 results, however many there are."""
    for number in range(1030):
        put_on_sale(amazon, f"S-{number}", number // 3)
    channel = bench.connect()
    assert len({offer.sku for offer in everything(channel.list_offers)}) == 1030
    some = [f"S-{number}" for number in range(45)]
    assert sorted(offer.sku for offer in channel.find_offers(some, [])) == sorted(some)


def test_an_sku_with_a_comma_is_found_and_takes_no_other_along(amazon: Amazon, bench: Bench) -> None:
    for sku in ("A,1", "A", "1"):
        put_on_sale(amazon, sku)
    assert {offer.sku for offer in bench.connect().find_offers(["A,1"], [])} == {"A,1"}


@pytest.mark.parametrize("sku", ["A/1", "A 1#%?", "Größe ä&=+"])
def test_an_sku_may_be_any_text(amazon: Amazon, bench: Bench, sku: str) -> None:
    channel = bench.connect()
    put_on_sale(amazon, sku)
    [live] = everything(channel.list_offers)
    offer = {"key": "k", "site": GERMANY, "offer_id": live.offer_id, "sku": sku}
    assert settled(channel, channel.update_stock([StockUpdate(**offer, stock=4)])) == [SubmissionState.DONE]
    assert amazon.shown(sku, GERMANY) == (4, "5.00")
    assert channel.sale_status(OfferRef(**offer)).for_sale
    assert [found.sku for found in channel.find_offers([sku], [])] == [sku]


def test_new_words_leave_stock_and_price_alone(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    channel.create_offers([draft(0)])
    content = draft(0).content.model_copy(update={"title": "Becher", "bullets": ("neu",)})
    [done] = channel.update_content([ContentUpdate(**ref(0), content=content)])
    assert set(settled(channel, [done])) <= {SubmissionState.DONE, Outcome.APPLIED}, done
    about = amazon.items["SKU-0"]
    assert [entry["value"] for entry in about["item_name"]] == ["Becher"]
    assert [entry["value"] for entry in about["bullet_point"]] == ["neu"]
    assert amazon.shown("SKU-0", GERMANY) == (10, "20.00")


def test_two_countries_and_one_sku(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    content = draft(1).content.model_copy(update={"title": "Mug"})
    for made in (draft(1), draft(1, site=FRANCE, price=euro("25.00"), content=content)):
        [result] = channel.create_offers([made])
        assert result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED), result
    price = PriceUpdate(**ref(1, site=FRANCE), price=euro("26.50"))
    assert settled(channel, channel.update_prices([price])) == [SubmissionState.DONE]
    assert [amazon.shown("SKU-1", place) for place in (GERMANY, FRANCE)] == [(11, "21.00"), (11, "26.50")]
    assert channel.end_offers([OfferRef(**ref(1, site=FRANCE))])[0].outcome is not Outcome.REJECTED
    assert amazon.shown("SKU-1", GERMANY) == (11, "21.00")


def test_a_listing_that_lacks_something_is_refused_by_name(amazon: Amazon, bench: Bench) -> None:
    bare = draft(1).content.model_copy(update={"images": ()})
    [bad] = bench.connect().create_offers([draft(1, content=bare)])
    assert bad.outcome is Outcome.REJECTED
    assert "image" in bad.message.lower()


def test_the_models_own_sums(amazon: Amazon, bench: Bench) -> None:
    """As in the example of getOrder: three units for 89.97, delivery for 10.00, and 4.00 of taxes on top of both."""
    parts = [("ITEM", "89.97"), ("SHIPPING", "10.00"), ("TAX", "4.00")]
    sold = item("11", "SKU-1", 3, parts, "103.97", TAX=[("ITEM", "3.00"), ("SHIPPING", "1.00")])
    sold["product"]["price"] = {"unitPrice": money("29.99")}
    amazon.sold(ordered("1", [sold], "103.97"))
    channel = bench.connect()
    for order in (channel.fetch_order("1"), _listed(channel)["1"].order):
        assert order.total == euro("103.97")
        assert (order.lines[0].total, order.lines[0].tax) == (euro("92.97"), euro("3.00"))
        assert (order.shipping, order.shipping_tax) == (euro("11.00"), euro("1.00"))
        assert order.lines[0].unit_price == euro("30.99")
        assert (order.phase, order.site) == (OrderPhase.READY, GERMANY)
        assert order.lines[0].ship_by.strftime("%H:%M:%S") == "22:59:59"
        assert (order.ship_to.name, order.ship_to.postcode) == ("Mara Keller", "10115")


def test_money_back_unit_by_unit_in_the_parts_that_were_paid(amazon: Amazon, bench: Bench) -> None:
    """The buyer gets what the unit had cost, tax included, and after the last one nothing of it is left."""
    parts = [("ITEM", "89.97"), ("SHIPPING", "10.00"), ("TAX", "4.00")]
    taxes = [("ITEM", "3.01"), ("SHIPPING", "0.99")]
    amazon.sold(ordered("1", [item("11", "SKU-1", 3, parts, "103.97", TAX=taxes)], "103.97"))
    channel = bench.connect()
    order = channel.fetch_order("1")
    assert (order.lines[0].total, order.shipping) == (euro("92.98"), euro("10.99"))
    before = euro("0")
    for number, back in enumerate(("30.99", "30.99", "31.00")):
        shipping = order.shipping if number == 2 else None
        wish = ChannelRefund(line_id="11", quantity=1, amount=euro(back), shipping=shipping, before=before)
        done = channel.refund("1", [wish], f"r{number}")
        assert settled(channel, [done]) == [SubmissionState.DONE], done
        before = before + euro(back)
    kinds = [kind for kind, _ in amazon.feeds_seen]
    assert kinds == ["POST_PAYMENT_ADJUSTMENT_DATA"] * 3
    paid: dict[str, Decimal] = {}
    for _, document in amazon.feeds_seen:
        for part in ET.fromstring(document).iter("Component"):
            name, value = part.findtext("Type") or "", Decimal(part.findtext("Amount") or "0")
            paid[name] = paid.get(name, Decimal(0)) + value
    assert paid == {name: Decimal(value) for name, value in BACK.items()}


@pytest.mark.parametrize(("on_top", "goods"), [(True, "92.97"), (False, "89.97")])
def test_where_an_item_has_no_sum_the_orders_tells(amazon: Amazon, bench: Bench, on_top: bool, goods: str) -> None:
    """No sum is required of an item, and whether its prices hold the tax shows in a sum alone."""
    parts = [("ITEM", "89.97"), ("SHIPPING", "10.00"), ("TAX", "4.00")]
    sold = item("11", "SKU-1", 3, parts, "0", TAX=[("ITEM", "3.00"), ("SHIPPING", "1.00")])
    del sold["proceeds"]["proceedsTotal"]
    whole = "103.97" if on_top else "99.97"
    amazon.sold(ordered("1", [sold], whole))
    order = bench.connect().fetch_order("1")
    assert order.total == euro(whole)
    assert (order.lines[0].total, order.lines[0].tax, order.shipping_tax) == (euro(goods), euro("3.00"), euro("1.00"))


@pytest.mark.parametrize("sign", ["", "-"])
def test_discounts_of_goods_and_delivery(amazon: Amazon, bench: Bench, sign: str) -> None:
    """How a discount is signed is not written down: the total of the item tells."""
    parts = [("ITEM", "60.00"), ("SHIPPING", "4.90"), ("TAX", "9.10"), ("DISCOUNT", f"{sign}7.90")]
    taxes, discounts = [("ITEM", "8.62"), ("SHIPPING", "0.48")], [("ITEM", f"{sign}6.00"), ("SHIPPING", f"{sign}1.90")]
    sold = item("11", "SKU-1", 3, parts, "66.10", TAX=taxes, DISCOUNT=discounts)
    other = item("12", "SKU-2", 1, [("ITEM", "12.50")], "12.50")
    amazon.sold(ordered("1", [sold, other], "78.60"))
    order = bench.connect().fetch_order("1")
    assert order.total == euro("78.60")
    assert [line.total for line in order.lines] == [euro("62.62"), euro("12.50")]
    assert order.shipping == euro("3.48")


def test_a_tip_and_gift_wrap(amazon: Amazon, bench: Bench) -> None:
    """As in the example of searchOrders: the tip stands in the sum of the order and in none of its items."""
    sold = item("11", "SKU-1", 1, [("ITEM", "20.00"), ("GIFT_WRAP", "3.00")], "23.00")
    order = ordered("1", [sold], "28.00")
    tip = {"type": "DELIVERY_TIP", "status": "FINALIZED", "subtotal": money("5.00")}
    order["proceeds"]["breakdowns"] = [{"type": "ITEM", "subtotal": money("20.00")}, tip]
    amazon.sold(order)
    assert bench.connect().fetch_order("1").total == euro("28.00")


def test_what_amazon_collects(amazon: Amazon, bench: Bench) -> None:
    parts = [("ITEM", "40.00"), ("TAX", "8.00")]
    by_amazon = {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon"}]}
    amazon.sold(ordered("1", [item("11", "SKU-1", 1, parts, "48.00", TAX=[("ITEM", "8.00")], tax=by_amazon)], "48.00"))
    order = bench.connect().fetch_order("1")
    assert (order.tax_by_channel, order.total, order.lines[0].tax) == (True, euro("48.00"), euro("8.00"))


def _listed(channel: Any) -> dict[str, Any]:
    since = NOW - timedelta(hours=1)
    return {found.external_id: found for found in everything(lambda cursor: channel.list_orders(since, cursor))}


def test_parcels_until_all_has_gone(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    items = [item("11", "SKU-1", 3, [("ITEM", "60.00")], "60.00"), item("12", "SKU-2", 1, [("ITEM", "9.00")], "9.00")]
    amazon.sold(ordered("1", items, "69.00"))
    parcels = [("p1", "Packeta Local", "Z1", {"11": 2}), ("p2", "DHL", "00340434161094000001", {"11": 1, "12": 1})]
    for name, carrier, tracking, inside in parcels:
        rows = tuple(ParcelLine(external_id=number, quantity=units) for number, units in inside.items())
        code = channel.carrier_code(carrier, tracking)
        parcel = Parcel(reference=name, carrier=code, tracking=tracking, lines=rows, shipped_at=datetime.now(UTC))
        for _ in range(2):  # said twice, told once
            done = channel.confirm_shipment(channel.fetch_order("1"), parcel)
            assert done.outcome in (Outcome.APPLIED, Outcome.SUBMITTED), (done, amazon.refused)
    packages = amazon.orders["1"]["packages"]
    assert [one["trackingNumber"] for one in packages] == ["Z1", "00340434161094000001"]
    order = channel.fetch_order("1")
    assert [line.shipped for line in order.lines] == [3, 1]
    assert amazon.orders["1"]["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


def test_a_line_is_cancelled_by_feed(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    amazon.sold(simple("1"))
    done = channel.cancel_line("1", "11", 1, CancelReason.OUT_OF_STOCK)
    assert settled(channel, [done]) == [SubmissionState.DONE]
    [(kind, document)] = amazon.feeds_seen
    told = {part.tag: part.text for part in ET.fromstring(document).iter()}
    assert (kind, told["StatusCode"]) == ("POST_ORDER_ACKNOWLEDGEMENT_DATA", "Failure")
    assert (told["AmazonOrderID"], told["AmazonOrderItemCode"]) == ("1", "11")


def test_only_where_the_seller_takes_part(amazon: Amazon, bench: Bench) -> None:
    amazon.away.add(FRANCE)
    assert list(bench.connect().check().sites) == [GERMANY]


def test_a_feed_that_breaks_off_fails_what_it_carried(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    for number in range(51):
        put_on_sale(amazon, f"SKU-{number}")
    results = channel.update_stock([StockUpdate(**ref(number), stock=7) for number in range(51)])
    amazon.feeds[next(iter(amazon.feeds))]["processingStatus"] = "FATAL"
    assert SubmissionState.PENDING not in settled(channel, results)


def test_what_waits_what_is_cancelled_and_what_amazon_ships(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect(settings={"import_fba": True})
    asked = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "ordered by mistake"}}
    wish = item("21", "SKU-1", 2, [("ITEM", "40.00")], "40.00", cancellation=asked)
    for order in (simple("1"), ordered("2", [wish], "40.00"), simple("3"), simple("4"), simple("5")):
        amazon.sold(order)
    amazon.orders["1"]["fulfillment"]["fulfillmentStatus"] = "PENDING"
    del amazon.orders["1"]["recipient"], amazon.orders["1"]["proceeds"], amazon.orders["1"]["orderItems"][0]["proceeds"]
    amazon.orders["3"]["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
    amazon.orders["3"]["orderItems"][0]["fulfillment"] = {"quantityFulfilled": 0, "quantityUnfulfilled": 0}
    amazon.orders["4"]["fulfillment"] = {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"}
    listed = _listed(channel)
    assert set(listed) == {"1", "2", "3", "4", "5"}
    orders = {number: channel.fetch_order(number) for number in ("2", "3", "4", "5")}
    assert [orders[number].lines[0].cancellation_requested for number in ("2", "5")] == [True, False]
    assert (orders["3"].lines[0].quantity, orders["3"].lines[0].cancelled, orders["3"].lines[0].open) == (1, 1, 0)
    assert orders["4"].lines[0].fulfilled_by is FulfilledBy.CHANNEL
    waiting = {found.external_id for found in everything(channel.list_open_orders)}
    assert waiting == {"1", "2", "4", "5"}
    pending = channel.fetch_order("1")
    assert pending.phase is OrderPhase.PENDING
    assert pending.lines[0].open == 1


def test_every_order_is_listed_however_many_pages(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    for number in range(205):
        amazon.sold(simple(str(1000 + number), days_ago=number / 24))
    since = NOW - timedelta(days=7)
    found = [ref.external_id for ref in everything(lambda cursor: channel.list_orders(since, cursor))]
    assert set(found) == {str(1000 + number) for number in range(168)}
    assert {ref.external_id for ref in everything(channel.list_open_orders)} >= {str(1000 + n) for n in range(168)}
    assert not amazon.refused


def test_a_token_that_ends_and_a_marketplace_that_is_busy(amazon: Amazon, bench: Bench) -> None:
    channel = bench.connect()
    number = {"entityType": "BUYER", "taxRegistrationType": "VAT", "taxRegistrationNumber": "DE123"}
    amazon.sold(simple("1", tax={"taxRegistrations": [number]}))
    assert channel.fetch_order("1").total == euro("20")
    amazon.tokens.clear()
    assert channel.fetch_order("1").total == euro("20")
    # "Possible reasons include Access Denied, Unauthorized, Expired Token": the models, of 403.
    amazon.trouble.append(Refused(403, "ExpiredToken", "The token included in the request is expired"))
    assert channel.fetch_order("1").ship_to.vat_number == "DE123"
    amazon.trouble += [
        Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource."),
        Refused(503, "InternalFailure", "We encountered an internal error. Please try again."),
    ]
    assert channel.fetch_order("1").total == euro("20")
    assert not amazon.trouble
    amazon.given["refresh_token"] = "revoked"
    amazon.tokens.clear()
    with pytest.raises(Reauthorise):
        channel.fetch_order("1")


@pytest.mark.parametrize("told", ["zero", "nothing"])
def test_a_replacement_costs_nothing_and_is_shipped(amazon: Amazon, bench: Bench, told: str) -> None:
    """What the buyer gets instead of a parcel that was lost: another order, whose proceeds are none."""
    free = item("91", "SKU-1", 1, [("ITEM", "0.00")], "0.00")
    order = ordered(
        "9", [free], "0.00", associatedOrders=[{"orderId": "1", "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    )
    if told == "nothing":
        del order["proceeds"], order["orderItems"][0]["proceeds"]
    amazon.sold(order)
    channel = bench.connect()
    assert "9" in _listed(channel)
    read = channel.fetch_order("9")
    assert (read.total, read.lines[0].open, read.phase) == (euro("0"), 1, OrderPhase.READY)
    rows = (ParcelLine(external_id="91", quantity=1),)
    parcel = Parcel(reference="p1", carrier="DHL", tracking="JJD0001", lines=rows, shipped_at=datetime.now(UTC))
    assert channel.confirm_shipment(read, parcel).outcome is Outcome.APPLIED


@pytest.mark.parametrize("name", ["list_orders", "list_open_orders"])
def test_a_page_that_amazon_has_forgotten_begins_the_list_anew(amazon: Amazon, bench: Bench, name: str) -> None:
    """Tokens of pages hold for a while: the orders are no reason to bother anybody, and no less is asked of them."""
    channel = bench.connect()
    for number in range(150):
        amazon.sold(simple(str(1000 + number), days_ago=number / 200))
    amazon.after_a_page = lambda market: market.forget_pages()

    def read(cursor: str | None) -> Any:
        return channel.list_open_orders(cursor) if name == "list_open_orders" else channel.list_orders(since, cursor)

    since = NOW - timedelta(days=7)
    with pytest.raises(RetryLater):
        everything(read)
    asked = amazon.asked.count("searchOrders")
    amazon.after_a_page = lambda _: None
    assert len(everything(read)) == 150
    assert (asked, amazon.asked.count("searchOrders")) == (2, 4)
