"""The adapter against an eBay that was written from the official descriptions alone (tests/support/independent_ebay.py):
where it and its own sandbox had misread something alike, this eBay would not agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import CancelReason, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund, RefundReason
from bridge.ports.channel import (
    ContentUpdate,
    OfferRef,
    OrderRef,
    Outcome,
    PriceUpdate,
    StockUpdate,
    SubmissionState,
)
from bridge.ports.errors import Reauthorise, RetryLater
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_ebay import answer
from tests.support.independent_ebay_life import NOW, amount, draft, euro, line, ordered, ref, simple
from tests.support.independent_ebay_orders import Ebay
from tests.support.played import ebay_keys, everything

ADAPTER = discover().channels["ebay"]


@pytest.fixture
def ebay(specs_dir: Path) -> Ebay:
    return Ebay(specs_dir / "ebay", *ebay_keys())


@pytest.fixture
def bench(ebay: Ebay, serve: Callable[..., str]) -> Bench:
    return Bench(ADAPTER, serve(ebay.app()))


def test_listings_from_their_first_day_to_their_last(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    known = channel.check()
    assert "EBAY_DE" in known.sites
    offered = [choice.value for name in ("return_policies", "location") for choice in known.choices[name]]
    assert offered == ["EBAY_DE:return-EBAY_DE", "berlin"]
    drafts = [draft(number) for number in range(30)]
    made = [*channel.create_offers(drafts[:25]), *channel.create_offers(drafts[25:])]
    assert {result.outcome for result in made} <= {Outcome.APPLIED, Outcome.SUBMITTED}, made
    assert [ebay.shown(f"SKU-{number}") for number in (0, 29)] == [(10, "20.00"), (39, "49.00")]
    assert ebay.items["SKU-3"]["product"]["aspects"]["Farbe"] == ["rot", "blau"]
    live = {offer.sku: offer for offer in everything(channel.list_offers)}
    assert len(live) == 30
    assert (live["SKU-7"].stock, live["SKU-7"].price) == (17, euro("27.00"))
    ids = {offer.sku: offer.offer_id for offer in live.values()}

    ebay.misfits.add(next(offer for offer, about in ebay.offers.items() if about["sku"] == "SKU-2"))
    prices = channel.update_prices([PriceUpdate(**ref(n, ids[f"SKU-{n}"]), price=euro("9.95")) for n in range(5)])
    assert [result.outcome for result in prices] == [
        Outcome.REJECTED if n == 2 else Outcome.APPLIED for n in range(5)
    ], prices
    stock = channel.update_stock([StockUpdate(**ref(n, ids[f"SKU-{n}"]), stock=40 + n) for n in (0, 4)])
    assert [result.outcome for result in stock] == [Outcome.APPLIED, Outcome.APPLIED]
    assert [ebay.shown(f"SKU-{n}") for n in (0, 2, 4)] == [(40, "9.95"), (12, "22.00"), (44, "9.95")]

    [ended] = channel.end_offers([OfferRef(**ref(5, ids["SKU-5"]))])
    assert ended.outcome is Outcome.APPLIED
    assert not [o for o in ebay.offers.values() if o["sku"] == "SKU-5" and o["status"] == "PUBLISHED"]
    assert [o.sku for o in channel.find_offers(["SKU-5"], [])] == []
    [again] = channel.create_offers([draft(5, stock=3, price=euro("8.00"))])
    assert (again.outcome, again.offer_id, ebay.shown("SKU-5")) == (Outcome.APPLIED, ids["SKU-5"], (3, "8.00"))
    [found] = channel.find_offers(["SKU-6", "SKU-none"], [])
    assert (found.sku, found.stock) == ("SKU-6", 16)


@pytest.mark.parametrize("sku", ["A/1", "A 1#%?", "Größe ä&=+", "A,1;2:3"])
def test_an_sku_may_be_any_text(ebay: Ebay, bench: Bench, sku: str) -> None:
    channel = bench.connect()
    [made] = channel.create_offers([draft(0, sku=sku)])
    assert made.outcome is Outcome.APPLIED, made
    offer = {"key": "k", "site": "EBAY_DE", "offer_id": made.offer_id, "sku": sku}
    assert channel.update_stock([StockUpdate(**offer, stock=4)])[0].outcome is Outcome.APPLIED
    assert ebay.shown(sku) == (4, "20.00")
    assert [found.sku for found in channel.find_offers([sku], [])] == [sku]
    assert channel.end_offers([OfferRef(**offer)])[0].outcome is Outcome.APPLIED


@pytest.mark.parametrize("one_sku", [True, False])
def test_many_prices_whatever_a_call_takes(ebay: Ebay, bench: Bench, one_sku: bool) -> None:
    """The description says 25 SKUs in one place and one in another; answers come in no order that was promised."""
    channel = bench.connect()
    ebay.one_sku = one_sku
    made = [*channel.create_offers([draft(n) for n in range(25)]), *channel.create_offers([draft(25)])]
    ebay.misfits.add(str(made[3].offer_id).partition(":")[0])
    wanted = [PriceUpdate(**ref(n, one.offer_id), price=euro(f"{n + 1}.95")) for n, one in enumerate(made)]
    done = [one.outcome for part in (wanted[:25], wanted[25:]) for one in channel.update_prices(part)]
    assert done == [Outcome.REJECTED if n == 3 else Outcome.APPLIED for n in range(26)]
    assert [ebay.shown(f"SKU-{n}")[1] for n in (0, 3, 24, 25)] == ["1.95", "23.00", "25.95", "26.95"]
    assert ebay.seen.count("POST /sell/inventory/v1/bulk_update_price_quantity") == (27 if one_sku else 2)


def test_new_words_leave_stock_and_price_alone(ebay: Ebay, bench: Bench) -> None:
    """Items and offers are replaced whole: what is not sent again is gone."""
    channel = bench.connect()
    [made] = channel.create_offers([draft(0)])
    [offer] = ebay.offers.values()
    offer |= {"storeCategoryNames": ["/Tassen"], "quantityLimitPerBuyer": 4}
    before = {name: part for name, part in offer.items() if name not in ("listingDescription", "categoryId")}
    ebay.items["SKU-0"]["packageWeightAndSize"] = {"weight": {"value": 1.2, "unit": "KILOGRAM"}}
    content = draft(0).content.model_copy(update={"title": "Becher", "description": "<p>Neu</p>", "category": "9"})
    [done] = channel.update_content([ContentUpdate(**ref(0, made.offer_id), content=content)])
    assert done.outcome is Outcome.APPLIED, done
    [offer] = ebay.offers.values()
    assert {name: offer.get(name) for name in before} == before
    assert (offer["categoryId"], offer["listingDescription"]) == ("9", "<p>Neu</p>")
    item = ebay.items["SKU-0"]
    assert (item["product"]["title"], ebay.shown("SKU-0")) == ("Becher", (10, "20.00"))
    assert item["packageWeightAndSize"] == {"weight": {"value": 1.2, "unit": "KILOGRAM"}}
    assert channel.sale_status(OfferRef(**ref(0, made.offer_id))).for_sale


def test_what_was_bought_is_not_for_sale_any_more(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    channel.create_offers([draft(1)])
    [offer] = ebay.offers.values()
    sold = line("11", "SKU-1", 4, "84.0", "0.0", "84.0", legacyItemId=offer["listing"]["listingId"])
    summary = {"priceSubtotal": amount("84.0"), "deliveryCost": amount("0.0"), "total": amount("84.0")}
    ebay.sold(ordered("1", [sold], summary))
    [live] = everything(channel.list_offers)
    assert (live.stock, ebay.shown("SKU-1")) == (7, (7, "21.00"))


def test_a_listing_that_lacks_something_names_it_and_the_others_go_out(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    bare = draft(1).content.model_copy(update={"images": ()})
    good, bad = channel.create_offers([draft(0), draft(1, content=bare)])
    assert good.outcome is Outcome.APPLIED
    assert bad.outcome is Outcome.REJECTED
    assert bad.message


@pytest.mark.parametrize("sign", ["", "-"])
def test_amounts_to_the_cent(ebay: Ebay, bench: Bench, sign: str) -> None:
    """Prices before discounts, the part of the discount, and delivery before its own discount are told apart. Discounts
    of the order are said to be negative, of those of a line nothing is said."""
    promoted = {
        "discountedLineItemCost": amount("54.0"),
        "appliedPromotions": [{"promotionId": "p", "discountAmount": amount("6.0")}],
        "deliveryCost": {"shippingCost": amount("4.9"), "discountAmount": amount(f"{sign}1.9")},
    }
    lines = [
        line("11", "SKU-1", 3, "60.0", "4.9", "57.0", **promoted),
        line("12", "SKU-2", 1, "12.5", "2.5", "15.0"),
    ]
    summary = {
        "priceSubtotal": amount("72.5"),
        "priceDiscount": amount("-6.0"),
        "deliveryCost": amount("7.4"),
        "deliveryDiscount": amount("-1.9"),
        "total": amount("72.0"),
    }
    ebay.sold(ordered("1", lines, summary))
    order = bench.connect().fetch_order("1")
    assert order.total == euro("72.00")
    first = order.lines[0]
    assert (first.unit_price, first.total, first.discount) == (
        euro("20"),
        euro("54"),
        euro("6"),
    )
    assert (order.lines[1].total, order.shipping) == (euro("12.5"), euro("5.5"))
    assert (order.phase, order.site, order.shipping_method) == (OrderPhase.READY, "EBAY_DE", "DE_DHLPaket")
    assert (order.ship_to.name, order.ship_to.postcode, order.ship_to.country) == ("Mara Keller", "10115", "DE")
    due = order.lines[0].ship_by
    assert due is not None
    assert abs(due - NOW - timedelta(days=2)) < timedelta(milliseconds=1)


@pytest.mark.parametrize("sold", [("40.0", "4.0", "44.0", "8.36", "52.36"), ("9.99", "0.0", "9.99", "1.6", "11.59")])
def test_what_ebay_collects_and_remits(ebay: Ebay, bench: Bench, sold: tuple[str, ...]) -> None:
    """The totals of an order hold eBay's own tax only when they are asked for with TAX_BREAKDOWN."""
    _sell_taxed(ebay, sold)
    channel = bench.connect()
    for order in (channel.fetch_order("1"), channel.list_orders(NOW - timedelta(hours=1), None).items[0].order):
        assert order.tax_by_channel
        assert order.total == euro(sold[4])


def _sell_taxed(ebay: Ebay, sold: tuple[str, ...]) -> None:
    cost, shipping, net, tax, paid = sold
    collected = {"taxType": "VAT", "amount": amount(tax), "collectionMethod": "NET"}
    bare = line("11", "SKU-1", 2, cost, shipping, net, ebayCollectAndRemitTaxes=[collected])
    summary = {"priceSubtotal": amount(cost), "deliveryCost": amount(shipping), "total": amount(net)}
    whole = {
        "lineItems": [bare | {"total": amount(paid), "taxes": [{"taxType": "VAT", "amount": amount(tax)}]}],
        "pricingSummary": summary | {"tax": amount(tax), "total": amount(paid)},
    }
    ebay.sold(ordered("1", [bare], summary, ebayCollectAndRemitTax=True), with_taxes=whole)


def test_parcels_until_all_has_gone(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    lines = [line("11", "SKU-1", 3, "60.0", "0.0", "60.0"), line("12", "SKU-2", 1, "12.0", "0.0", "12.0")]
    summary = {"priceSubtotal": amount("72.0"), "deliveryCost": amount("0.0"), "total": amount("72.0")}
    ebay.sold(ordered("1", lines, summary))
    code = channel.carrier_code("DHL", "JJD 0001-2")
    parcels = [("p1", "JJD 0001-2", {"11": 2}), ("p2", "00340434161094000001", {"11": 1, "12": 1})]
    for name, tracking, inside in parcels:
        rows = tuple(ParcelLine(external_id=number, quantity=units) for number, units in inside.items())
        parcel = Parcel(reference=name, carrier=code, tracking=tracking, lines=rows, shipped_at=datetime.now(UTC))
        for _ in range(2):  # said twice, told once
            done = channel.confirm_shipment(channel.fetch_order("1"), parcel)
            assert done.outcome is Outcome.APPLIED, done
    assert [p["shipmentTrackingNumber"] for p in ebay.parcels["1"]] == ["JJD00012", "00340434161094000001"]
    assert ebay.orders["1"]["orderFulfillmentStatus"] == "FULFILLED"
    assert [item.shipped for item in channel.fetch_order("1").lines] == [3, 1]


def test_money_back_line_by_line(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    lines = [line("11", "SKU-1", 2, "40.0", "5.0", "45.0"), line("12", "SKU-2", 1, "12.0", "0.0", "12.0")]
    summary = {"priceSubtotal": amount("52.0"), "deliveryCost": amount("5.0"), "total": amount("57.0")}
    ebay.sold(ordered("1", lines, summary))
    back = ChannelRefund(line_id="11", quantity=1, amount=euro("20.00"), shipping=euro("2.50"))
    paid = channel.refund("1", [back], "r1")
    assert (paid.outcome, channel.follow([paid.submission])[0].state) == (Outcome.SUBMITTED, SubmissionState.PENDING)
    other = ChannelRefund(line_id="12", quantity=1, amount=euro("12"), reason=RefundReason.DAMAGED)
    with pytest.raises(RetryLater):  # 34922: the first is being paid still
        channel.refund("1", [other], "r2")
    ebay.settle_refunds("1")
    assert channel.follow([paid.submission])[0].state is SubmissionState.DONE
    assert channel.refund("1", [other], "r2").outcome is Outcome.SUBMITTED
    amounts = [item["amount"]["value"] for item in ebay.orders["1"]["paymentSummary"]["refunds"]]
    assert [Money.of(value, "EUR") for value in amounts] == [euro("22.50"), euro("12.00")]
    ebay.settle_refunds("1")
    far_too_much = ChannelRefund(line_id="11", quantity=1, amount=euro("30"), reason=RefundReason.GOODWILL)
    assert channel.refund("1", [far_too_much], "r3").outcome is Outcome.REJECTED


def test_ebay_pays_its_own_tax_back_itself(ebay: Ebay, bench: Bench) -> None:
    """The seller's refund is what the seller had: without the tax that eBay collects."""
    channel = bench.connect()
    _sell_taxed(ebay, ("40.0", "4.0", "44.0", "8.36", "52.36"))
    order = channel.fetch_order("1")
    back = ChannelRefund(line_id="11", quantity=2, amount=order.lines[0].total, shipping=order.shipping)
    assert channel.refund("1", [back], "r1").outcome is Outcome.SUBMITTED
    [paid] = ebay.orders["1"]["paymentSummary"]["refunds"]
    assert Money.of(paid["amount"]["value"], "EUR") == euro("44.00")


def test_both_lines_of_an_order_cancelled_one_after_the_other(ebay: Ebay, bench: Bench) -> None:
    """eBay cancels orders, not lines: each is paid back, the delivery with the last, and not one cent is kept."""
    channel = bench.connect()
    lines = [line("11", "SKU-1", 2, "40.0", "5.0", "45.0"), line("12", "SKU-2", 1, "12.0", "1.0", "13.0")]
    summary = {"priceSubtotal": amount("52.0"), "deliveryCost": amount("6.0"), "total": amount("58.0")}
    ebay.sold(ordered("1", lines, summary))
    assert channel.cancel_line("1", "11", 2, CancelReason.OUT_OF_STOCK).outcome is Outcome.SUBMITTED
    ebay.settle_refunds("1")
    assert [item.cancelled for item in channel.fetch_order("1").lines] == [2, 0]
    assert channel.cancel_line("1", "12", 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.SUBMITTED
    ebay.settle_refunds("1")
    assert [item.cancelled for item in channel.fetch_order("1").lines] == [2, 1]
    paid = [Money.of(one["amount"]["value"], "EUR") for one in ebay.orders["1"]["paymentSummary"]["refunds"]]
    assert (paid[0], paid[0] + paid[1]) == (euro("40"), euro("58"))


def test_a_parcel_for_ebays_international_shipping_carries_its_number(ebay: Ebay, bench: Bench) -> None:
    order = simple("1")
    [step] = order["fulfillmentStartInstructions"]
    step["shippingStep"]["shipToReferenceId"] = "GSP-77"
    home = {"addressLine1": "1 Main St", "city": "Boston", "postalCode": "02108", "countryCode": "US"}
    step |= {"ebaySupportedFulfillment": True, "finalDestinationAddress": home}
    ebay.sold(order)
    to = bench.connect().fetch_order("1").ship_to
    assert (to.country, to.extra["reference"]) == ("DE", "GSP-77")
    assert "GSP-77" in to.for_delivery


def test_a_fee_that_is_no_tax(ebay: Ebay, bench: Bench) -> None:
    """With TAX_BREAKDOWN, "if the order has fees, a breakdown of the fees is also provided" beside the taxes."""
    taxes = [{"taxType": "STATE_SALES_TAX", "amount": amount("1.60")}]
    taxes += [{"taxType": "ELECTRONIC_RECYCLING_FEE", "amount": amount("3.0")}]
    sold = line("11", "SKU-1", 1, "20.0", "0.0", "24.6", taxes=taxes)
    summary = {"priceSubtotal": amount("20.0"), "tax": amount("1.6"), "fee": amount("3.0"), "total": amount("24.6")}
    ebay.sold(ordered("1", [sold], summary))
    order = bench.connect().fetch_order("1")
    assert (order.total, order.lines[0].tax) == (euro("24.60"), euro("1.60"))


def test_a_wish_to_cancel_is_seen_only_in_the_order_itself(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    for number in ("1", "2", "3"):
        ebay.sold(simple(number))
    ebay.ask_to_cancel("1", "901")
    ebay.ask_to_cancel("2", "902")
    refs = {item.external_id: item for item in everything(lambda cursor: channel.list_orders(NOW, cursor))}
    assert {"1", "2"} <= set(refs)
    wishes = [_seen(channel, refs.get(number), number).lines[0].cancellation_requested for number in ("1", "2", "3")]
    assert wishes == [True, True, False]
    assert channel.cancel_line("1", "11", 1, CancelReason.BUYER_REQUEST).outcome is Outcome.SUBMITTED
    assert channel.refuse_cancellation("2", "21").outcome is Outcome.APPLIED
    assert ebay.answered == [("901", "approve"), ("902", "reject")]
    assert channel.cancel_line("3", "31", 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.SUBMITTED
    assert [channel.fetch_order(number).lines[0].cancelled for number in ("1", "2", "3")] == [1, 0, 1]


def _seen(channel: Any, told: OrderRef | None, number: str) -> Any:
    """As the engine learns of an order: whole from the list where that told it whole, else asked for."""
    return told.order if told and told.order else channel.fetch_order(number)


def test_every_order_is_listed_however_many_pages(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    for number in range(205):
        ebay.sold(simple(str(1000 + number), days_ago=number / 24))
    since = NOW - timedelta(days=3)
    found = {item.external_id for item in everything(lambda cursor: channel.list_orders(since, cursor))}
    assert found == {str(1000 + number) for number in range(72)}
    found = {item.external_id for item in everything(channel.list_open_orders)}
    assert found == {str(1000 + number) for number in range(205)}


def test_what_leaves_the_open_orders_while_they_are_read_hides_no_other(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    for number in range(205):
        ebay.sold(simple(str(1000 + number), days_ago=number / 24))

    def ship_the_oldest(market: Ebay) -> None:
        for number in ("1204", "1203"):
            market.orders[number]["orderFulfillmentStatus"] = "FULFILLED"

    ebay.after_a_page = ship_the_oldest
    found = {item.external_id for item in everything(channel.list_open_orders)}
    assert found == {str(1000 + number) for number in range(205)}
    assert len(ebay.pages) == 2


def test_orders_are_not_asked_for_beyond_the_two_years_that_ebay_tells(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    ebay.sold(simple("1", days_ago=700))
    found = everything(lambda cursor: channel.list_orders(NOW - timedelta(days=900), cursor))
    assert [item.external_id for item in found] == ["1"]


def test_a_token_that_ends_and_a_marketplace_that_is_busy(ebay: Ebay, bench: Bench) -> None:
    channel = bench.connect()
    ebay.sold(simple("1"))
    assert channel.fetch_order("1").total == euro("20")
    ebay.tokens.clear()
    assert channel.fetch_order("1").total == euro("20")
    busy = {"errorId": 2001, "domain": "ACCESS", "category": "REQUEST", "message": "Too many requests."}
    trouble = {"errorId": 30500, "domain": "API_FULFILLMENT", "category": "APPLICATION", "message": "System error"}
    ebay.faults += [answer({"errors": [busy]}, 429, **{"Retry-After": "0"}), answer({"errors": [trouble]}, 500)]
    assert channel.fetch_order("1").total == euro("20")
    assert not ebay.faults
    ebay.refresh_token = "revoked"
    ebay.tokens.clear()
    with pytest.raises(Reauthorise):
        channel.fetch_order("1")
