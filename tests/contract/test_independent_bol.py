"""bol's adapter against a bol that was written from its descriptions by nobody who had seen the adapter or its sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import BridgeError, NotFound, SlowDown
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent import Json, Refusal
from tests.support.independent_bol import Bol, bol

CONTENT = OfferContent(title="A thing", description="Made of things")
EAN, OTHER = "4006381333931", "8711577236533"


@pytest.fixture
def market(specs_dir: Path) -> Iterator[Bol]:
    adapter = discover().channels["bol"]
    credentials = {name: str(value) for name, value in adapter.sandbox_credentials.items()}
    made = bol(specs_dir / "bol", client=(credentials["client_id"], credentials["client_secret"]))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def bench(market: Bol, serve: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(discover().channels["bol"], serve(market.app()))
    with made.http:
        yield made


@pytest.fixture
def channel(bench: Bench) -> Any:
    return bench.connect()


def draft(sku: str, ean: str, stock: int, price: str) -> OfferDraft:
    return OfferDraft(key=sku, sku=sku, gtin=ean, stock=stock, price=Money.of(price, "EUR"), content=CONTENT)


def line(number: str, many: int, price: float, total: float, **given: Any) -> Json:
    fulfilment = {"method": "FBR", "distributionParty": "RETAILER", "timeFrameType": "REGULAR"}
    dates = {"latestDeliveryDate": "2026-12-02", "expiryDate": "2026-12-05"}
    return {
        "orderItemId": number,
        "cancellationRequest": False,
        "fulfilment": fulfilment | dates,
        "offer": {"offerId": None, "reference": "SKU-1"},
        "product": {"ean": EAN, "title": "A thing"},
        "quantity": many,
        "quantityShipped": 0,
        "quantityCancelled": 0,
        "unitPrice": price,
        "totalPrice": total,
        "discounts": [],
        "commission": 1.5,
    } | given


HOME = {
    "salutation": "FEMALE", "firstName": "Billie", "surname": "Jansen", "streetName": "Dorpstraat", "houseNumber": "1",
    "houseNumberExtension": "B", "extraAddressInformation": "Apartment", "zipCode": "1111ZZ", "city": "Utrecht",
    "countryCode": "NL", "email": "billie@verkopen.bol.com", "language": "nl", "deliveryPhoneNumber": "012123456",
}  # fmt: skip
PICKUP = HOME | {"pickupPointName": "Albert Heijn: UTRECHT", "company": None}
BILL = {name: HOME[name] for name in HOME if name not in ("language", "deliveryPhoneNumber")} | {
    "company": "Jansen BV", "vatNumber": "NL999999999B99", "kvkNumber": "99887766", "orderReference": "PO 7",
}  # fmt: skip


def order(number: str, *lines: Json, **given: Any) -> Json:
    return {
        "orderId": number, "pickupPoint": False, "shipmentDetails": HOME, "billingDetails": BILL,
        "orderItems": list(lines),
    } | given  # fmt: skip


def settled(market: Bol, channel: Any, result: Any) -> SubmissionState:
    assert result.outcome is Outcome.SUBMITTED, result
    for _ in range(market.pending + 1):
        [status] = channel.follow([result.submission])
        if status.state is not SubmissionState.PENDING:
            break
    return SubmissionState(status.state)


def ship(channel: Any, number: str, lines: dict[str, int], reference: str = "P1", tracking: str = "3SBOL1") -> Any:
    parts = tuple(ParcelLine(external_id=name, quantity=many) for name, many in lines.items())
    carrier = channel.carrier_code("PostNL", tracking)
    parcel = Parcel(reference=reference, carrier=carrier, tracking=tracking, lines=parts)
    return channel.confirm_shipment(channel.fetch_order(number), parcel)


def test_the_life_of_an_offer(market: Bol, channel: Any) -> None:
    assert channel.check().name in ("RETAILER123", "Fietsentuin")
    first, second = channel.create_offers([draft("SKU-1", EAN, 5, "19.95"), draft("SKU/ü 2", OTHER, 0, "9999")])
    assert (first.outcome, second.outcome) == (Outcome.APPLIED, Outcome.APPLIED), (first, second)
    known = market.offers[first.offer_id]
    assert (known["ean"], known["reference"], known["stock"]["amount"]) == (EAN, "SKU-1", 5)
    assert known["pricing"]["bundlePrices"] == [{"quantity": 1, "unitPrice": 19.95}]

    [again] = channel.create_offers([draft("SKU-1", EAN, 5, "19.95")])
    assert again.outcome is not Outcome.APPLIED or again.offer_id == first.offer_id
    assert len(market.offers) == 2
    assert {offer.offer_id for offer in channel.find_offers(["SKU-1"], [])} == {first.offer_id}
    assert {offer.offer_id for offer in channel.find_offers(["unknown"], [OTHER])} == {second.offer_id}

    ref = {"key": "k", "offer_id": first.offer_id, "sku": "SKU-1", "gtin": EAN}
    assert channel.update_stock([StockUpdate(**ref, stock=1200)])[0].outcome is Outcome.APPLIED
    assert market.offers[first.offer_id]["stock"]["amount"] == 1200
    assert channel.update_prices([PriceUpdate(**ref, price=Money.of("20.10", "EUR"))])[0].outcome is Outcome.APPLIED
    assert market.offers[first.offer_id]["pricing"]["bundlePrices"] == [{"quantity": 1, "unitPrice": 20.1}]
    offer = next(offer for offer in read_back(channel) if offer.offer_id == first.offer_id)
    assert (offer.sku, offer.gtin, offer.stock, offer.price) == ("SKU-1", EAN, 1200, Money.of("20.10", "EUR"))
    assert channel.sale_status(OfferRef(**ref)).for_sale is True
    sold_out = channel.sale_status(OfferRef(key="k", offer_id=second.offer_id, sku="SKU/ü 2"))
    assert sold_out.for_sale is False
    assert "Out of stock" in " ".join(sold_out.reasons)

    assert channel.end_offers([OfferRef(**ref)])[0].outcome is Outcome.APPLIED
    assert channel.update_stock([StockUpdate(**ref, stock=3)])[0].outcome is Outcome.MISSING
    assert channel.end_offers([OfferRef(**ref)])[0].outcome in (Outcome.APPLIED, Outcome.MISSING)
    with pytest.raises(NotFound):
        channel.sale_status(OfferRef(**ref))
    market.refused.clear()  # what is gone was asked for on purpose


def read_back(channel: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = channel.list_offers(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_stock_read_back_is_what_was_published_whatever_is_on_order(market: Bol, channel: Any) -> None:
    """``amount`` is what the seller said, ``correctedStock`` what bol has left of it."""
    [made] = channel.create_offers([draft("SKU-1", EAN, 5, "19.95")])
    item = line("1", 2, 19.95, 39.9, offer={"offerId": made.offer_id, "reference": "SKU-1"})
    market.sell(order("A1", item), market.now() + timedelta(seconds=1))
    [offer] = read_back(channel)
    assert offer.stock == 5


def test_a_list_of_offers_ends(market: Bol, channel: Any) -> None:
    channel.create_offers([draft("SKU-0", EAN, 1, "10")])
    [known] = market.offers.values()
    for number in range(1, 200):
        offer_id = f"6ff736b5-cdd0-4150-8c67-{number:012}"
        market.offers[offer_id] = known | {"offerId": offer_id, "ean": f"{number:013}", "reference": f"SKU-{number}"}
    found = read_back(channel)
    assert len(found) == 200 == len({offer.offer_id for offer in found})


def test_an_order_is_read_to_the_cent(market: Bol, channel: Any) -> None:
    reduced = line("11", 10, 12.99, 118.91, discounts=[{"title": "x + y", "amount": 10.99}])
    fbb = line("12", 1, 0.1, 0.1, offer=None, fulfilment={"method": "FBB", "timeFrameType": "REGULAR"})
    exact = line("13", 3, 29.95, 89.85, fulfilment={
        "method": "FBR", "timeFrameType": "APPOINTMENT", "exactDeliveryDate": "2026-12-24", "latestDeliveryDate": None,
    }, cancellationRequest=True, quantityShipped=1, quantityCancelled=1)  # fmt: skip
    placed = datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC)
    market.sell(order("A2", reduced, fbb, exact, pickupPoint=True, shipmentDetails=PICKUP), placed)
    for _ in range(3):  # in every form of a moment
        read = channel.fetch_order("A2")
        assert (read.external_id, read.placed_at, read.currency, read.phase) == ("A2", placed, "EUR", OrderPhase.READY)
    first, second, third = read.lines
    assert (first.total, first.unit_price, first.quantity) == (Money.of("118.91", "EUR"), Money.of("12.99", "EUR"), 10)
    assert first.discount == Money.of("10.99", "EUR")
    assert (first.sku, first.gtin, first.title, first.fulfilled_by) == ("SKU-1", EAN, "A thing", FulfilledBy.MERCHANT)
    assert (second.fulfilled_by, second.sku, second.total) == (FulfilledBy.CHANNEL, None, Money.of("0.10", "EUR"))
    assert (third.open, third.shipped, third.cancelled, third.cancellation_requested) == (1, 1, 1, True)
    assert read.total == Money.of("208.86", "EUR")
    dutch = ZoneInfo("Europe/Amsterdam")
    assert first.ship_by is None or first.ship_by.astimezone(dutch).date().isoformat() <= "2026-12-02"
    assert first.expires_at.astimezone(dutch).date().isoformat() <= "2026-12-05"
    assert third.ship_by.astimezone(dutch).date().isoformat() <= "2026-12-24"
    to = read.ship_to
    assert (to.first_name, to.last_name, to.street, to.house_number) == ("Billie", "Jansen", "Dorpstraat", "1")
    assert (to.postcode, to.city, to.country, to.email) == ("1111ZZ", "Utrecht", "NL", "billie@verkopen.bol.com")
    assert (to.phone, to.company) == ("012123456", "")
    assert "B" in to.addition
    assert {"Albert Heijn: UTRECHT", "Apartment"} <= {*to.for_delivery, to.addition} or "Apartment" in to.addition
    assert "Albert Heijn: UTRECHT" in to.for_delivery
    assert (read.bill_to.company, read.bill_to.vat_number) == ("Jansen BV", "NL999999999B99")
    assert "PO 7" in read.bill_to.for_delivery
    assert "99887766" in read.bill_to.extra.values()


def test_what_may_be_missing_is_missing(market: Bol, channel: Any) -> None:
    bare = {name: HOME[name] for name in
            ("salutation", "firstName", "surname", "streetName", "houseNumber", "zipCode", "city", "countryCode")}  # fmt: skip
    item = line("1", 1, 5, 5, offer=None, fulfilment={"method": "FBR", "timeFrameType": "REGULAR"})
    market.sell(order("A3", item, shipmentDetails=bare, billingDetails=None))
    read = channel.fetch_order("A3")
    assert read.total == Money.of("5", "EUR")
    assert (read.lines[0].sku, read.lines[0].gtin) == (None, EAN)
    assert (read.lines[0].ship_by, read.lines[0].expires_at) == (None, None)
    assert read.ship_to.last_name == "Jansen"


def listed(call: Callable[[str | None], Any]) -> list[str]:
    found, cursor = [], None
    while True:
        page = call(cursor)
        found += [item.external_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("on_day", [True, False])
def test_every_order_is_in_the_lists(market: Bol, bench: Bench, *, on_day: bool) -> None:
    """Fifty on a page; the page after the last is empty, and its list is left out. Whether a date asks for the changes of
    that day or since that day is not said."""
    channel, own = bench.connect({"import_fbb": True}), bench.connect()
    market.on_day = on_day
    now = market.now()
    assert listed(channel.list_open_orders) == []
    for number in range(100):
        market.sell(order(f"N{number}", line(f"{number}", 1, 5, 5)), now - timedelta(minutes=5))
    market.sell(order("OLD", line("900", 1, 5, 5)), now - timedelta(days=20))
    market.sell(order("SHIPPED", line("901", 1, 5, 5, quantityShipped=1)), now - timedelta(minutes=3))
    market.sell(order("CANCELLED", line("902", 1, 5, 5, quantityCancelled=1)), now - timedelta(minutes=3))
    both = line("903", 1, 5, 5, fulfilment={"method": "FBB", "timeFrameType": "REGULAR"})
    market.sell(order("FBB", both), now - timedelta(minutes=2))
    wanted = {f"N{number}" for number in range(100)}
    assert {*listed(own.list_open_orders)} == wanted | {"OLD"}
    assert {*listed(channel.list_open_orders)} >= wanted | {"OLD"}
    assert {"SHIPPED", "CANCELLED"}.isdisjoint(listed(channel.list_open_orders))
    for back in (timedelta(minutes=10), timedelta(minutes=59), timedelta(hours=3), timedelta(days=3)):
        found = listed(partial(channel.list_orders, now - back))
        assert {*found} >= wanted | {"SHIPPED", "CANCELLED", "FBB"}, back


def test_orders_handled_days_ago_are_found_after_an_absence(market: Bol, channel: Any) -> None:
    now = market.now()
    market.sell(order("GONE", line("901", 1, 5, 5, quantityCancelled=1)), now - timedelta(days=5))
    assert "GONE" in listed(lambda cursor: channel.list_orders(now - timedelta(days=7), cursor))


def test_the_mark_of_an_order_changes_with_it(market: Bol, channel: Any) -> None:
    market.sell(order("A4", line("1", 2, 5, 10), line("2", 1, 5, 5)))
    marks = set()
    for change in ({}, {"cancellationRequest": True}, {"quantityShipped": 1}, {"quantityCancelled": 1}):
        item = market.orders["A4"]["orderItems"][0]
        item |= change
        item["changed"] = market.now()
        for _ in range(3):
            [ref] = channel.list_orders(market.now() - timedelta(minutes=30), None).items
            marks.add(ref.mark)
            assert channel.fetch_order("A4").list_mark in ("", ref.mark)
    assert len(marks) == 4


def test_parcels_of_a_part_are_counted(market: Bol, channel: Any) -> None:
    market.sell(order("A5", line("51", 3, 5, 15), line("52", 1, 7, 7)))
    assert settled(market, channel, ship(channel, "A5", {"51": 2}, "P1", "T1")) is SubmissionState.DONE
    assert [(item.open, item.shipped) for item in channel.fetch_order("A5").lines] == [(1, 2), (1, 0)]
    assert settled(market, channel, ship(channel, "A5", {"51": 1, "52": 1}, "P2", "T2")) is SubmissionState.DONE
    assert [item.open for item in channel.fetch_order("A5").lines] == [0, 0]
    sent = [(one["lines"], one["transport"]["trackAndTrace"], one["shipmentReference"]) for one in market.shipments]
    assert sent == [({"51": 2}, "T1", "P1"), ({"51": 1, "52": 1}, "T2", "P2")]
    assert market.shipments[0]["transport"]["transporterCode"] == "TNT"  # PostNL's code there


def test_a_parcel_of_what_was_shipped_fails(market: Bol, channel: Any) -> None:
    market.sell(order("A6", line("61", 3, 5, 15)))
    assert settled(market, channel, ship(channel, "A6", {"61": 3})) is SubmissionState.DONE
    assert settled(market, channel, ship(channel, "A6", {"61": 3})) is SubmissionState.FAILED
    assert market.orders["A6"]["orderItems"][0]["quantityShipped"] == 3


def test_a_long_reference_and_no_tracking(market: Bol, channel: Any) -> None:
    market.sell(order("A7", line("71", 1, 5, 5)))
    assert settled(market, channel, ship(channel, "A7", {"71": 1}, "R" * 120, "")) is SubmissionState.DONE


def test_cancelling(market: Bol, channel: Any) -> None:
    market.sell(order("A8", line("81", 2, 5, 10), line("82", 1, 5, 5, cancellationRequest=True), line("83", 1, 5, 5)))
    assert (
        settled(market, channel, channel.cancel_line("A8", "81", 2, CancelReason.OUT_OF_STOCK)) is SubmissionState.DONE
    )
    granted = channel.cancel_line("A8", "82", 1, CancelReason.BUYER_REQUEST)
    assert settled(market, channel, granted) is SubmissionState.DONE
    assert market.cancelled == [("81", "OUT_OF_STOCK"), ("82", "REQUESTED_BY_CUSTOMER")]
    assert [item.open for item in channel.fetch_order("A8").lines] == [0, 0, 1]
    for reason in CancelReason:
        market.sell(order(f"R{reason}", line(f"r{reason}", 1, 5, 5)))
        result = channel.cancel_line(f"R{reason}", f"r{reason}", 1, reason)
        assert settled(market, channel, result) is SubmissionState.DONE


def test_a_part_of_a_line_is_not_cancelled_as_the_whole(market: Bol, channel: Any) -> None:
    """The request knows no quantity: what is open of the item goes."""
    market.sell(order("A9", line("91", 3, 5, 15)))
    try:
        result = channel.cancel_line("A9", "91", 1, CancelReason.OUT_OF_STOCK)
    except BridgeError:
        result = None
    if result is not None and result.outcome is Outcome.SUBMITTED:
        settled(market, channel, result)
    assert market.orders["A9"]["orderItems"][0]["quantityCancelled"] == 0


def test_how_a_process_ends(market: Bol, channel: Any) -> None:
    market.pending = 3
    market.sell(order("B1", *(line(f"b{number}", 1, 5, 5) for number in range(4))))
    waiting = ship(channel, "B1", {"b0": 1})
    assert channel.follow([waiting.submission])[0].state is SubmissionState.PENDING
    assert settled(market, channel, waiting) is SubmissionState.DONE
    market.ends["CREATE_SHIPMENT"] = "FAILURE"
    assert settled(market, channel, ship(channel, "B1", {"b1": 1}, "P2")) is SubmissionState.FAILED
    market.ends["CREATE_SHIPMENT"] = "TIMEOUT"
    late = settled(market, channel, ship(channel, "B1", {"b2": 1}, "P3"))
    assert late in (SubmissionState.FAILED, SubmissionState.GONE)
    market.forget.update(market.processes)
    assert channel.follow([waiting.submission])[0].state is SubmissionState.GONE
    many = [f"{number}" for number in range(1500)]
    assert {status.state for status in channel.follow(many)} == {SubmissionState.GONE}
    assert channel.follow([]) == []


def returned(number: str, rma: str, many: int, **given: Any) -> Json:
    item = {
        "rmaId": rma, "orderId": "A1", "ean": EAN, "title": "A thing", "expectedQuantity": many, "handled": False,
        "returnReason": {"mainReason": "Niet naar verwachting", "detailedReason": None, "customerComments": "Too blue"},
        "processingResults": [],
    } | given  # fmt: skip
    return {
        "returnId": number, "registrationDateTime": "2026-11-14T11:06:48.423+01:00", "fulfilmentMethod": "FBR",
        "returnItems": [item],
    }  # fmt: skip


def test_returns(market: Bol, channel: Any) -> None:
    market.returns["1"] = returned("1", "31234567", 3)
    market.returns["2"] = returned("2", "31234568", 1)
    market.returns["3"] = returned("3", "31234569", 1, handled=True)
    read = {item.external_id: item for item in channel.list_returns(None).items}
    first = read["1"]
    assert first.registered_at == datetime(2026, 11, 14, 10, 6, 48, 423000, tzinfo=UTC)
    [item] = first.lines
    assert (item.external_id, item.order_id, item.gtin, item.quantity) == ("31234567", "A1", EAN, 3)
    assert (item.handled, item.comment) == (False, "Too blue")
    assert "Niet naar verwachting" in item.reason
    wanted = {
        ReturnDecision.ACCEPTED: "RETURN_RECEIVED",
        ReturnDecision.REFUSED: "RETURN_DOES_NOT_MEET_CONDITIONS",
        ReturnDecision.REPLACED: "EXCHANGE_PRODUCT",
        ReturnDecision.REPAIRED: "REPAIR_PRODUCT",
        ReturnDecision.KEPT_BY_BUYER: "CUSTOMER_KEEPS_PRODUCT_PAID",
    }
    for number, (decision, word) in enumerate(wanted.items()):
        rma = str(500 + number)
        market.returns[rma] = returned(rma, rma, 2)
        assert settled(market, channel, channel.decide_return(rma, decision, 2)) is SubmissionState.DONE
        [result] = market.returns[rma]["returnItems"][0]["processingResults"]
        assert (result["handlingResult"], result["quantity"]) == (word, 2)
    assert (
        settled(market, channel, channel.decide_return("31234567", ReturnDecision.ACCEPTED, 1)) is SubmissionState.DONE
    )
    part = [item for one in every_return(channel) for item in one.lines if item.external_id == "31234567"]
    assert [(item.quantity, item.handled) for item in part] == [(3, False)]


def every_return(channel: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = channel.list_returns(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_all_returns_are_listed(market: Bol, channel: Any) -> None:
    for number in range(100):
        market.returns[str(number)] = returned(str(number), str(1000 + number), 1, handled=number % 2 == 0)
    found = [item.external_id for item in every_return(channel)]
    assert {str(number) for number in range(1, 100, 2)} <= {*found}
    assert max(map(found.count, {*found})) <= 2, "each page but the last is read on the way there and on the way back"


def test_a_token_that_ends_and_a_limit_that_is_reached(market: Bol, channel: Any) -> None:
    market.sell(order("C1", line("1", 1, 5, 5)))
    market.uses = 2
    market.tokens.clear()
    for _ in range(5):
        assert channel.fetch_order("C1").external_id == "C1"
    limit = {"Retry-After": "7", "X-RateLimit-Limit": "25", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}
    market.trouble["get-order"] = [Refusal(429, "Too many requests", headers=limit)] * 9
    with pytest.raises(SlowDown) as slow:
        channel.fetch_order("C1")
    assert slow.value.after is not None
    assert slow.value.after.total_seconds() >= 7


def test_a_limit_in_the_middle_of_a_batch(market: Bol, bench: Bench) -> None:
    """All of it is said again once the wait is over, and nothing is there twice."""
    drafts = [draft(f"SKU-{number}", f"{number:013}", 1, "10") for number in range(3)]
    limit = Refusal(429, "Too many requests", headers={"Retry-After": "7"})
    market.trouble["create-offer"] = [None, limit]
    with pytest.raises(SlowDown):
        bench.connect().create_offers(drafts)
    bench.services = None
    made = bench.connect().create_offers(drafts)
    assert [market.offers[item.offer_id]["reference"] for item in made] == ["SKU-0", "SKU-1", "SKU-2"]
    updates = [StockUpdate(key=item.key, offer_id=item.offer_id, sku=item.key, stock=9) for item in made]
    market.trouble["update-offer"] = [None, limit]
    with pytest.raises(SlowDown):
        bench.connect().update_stock(updates)
    bench.services = None
    assert [item.outcome for item in bench.connect().update_stock(updates)] == [Outcome.APPLIED] * 3
    assert [offer["stock"]["amount"] for offer in market.offers.values()] == [9, 9, 9]


def test_prices_for_several_stay(market: Bol, channel: Any) -> None:
    [made] = channel.create_offers([draft("SKU-1", EAN, 5, "20")])
    prices = [{"quantity": 1, "unitPrice": 20}, {"quantity": 2, "unitPrice": 19}, {"quantity": 4, "unitPrice": 15}]
    market.offers[made.offer_id]["pricing"] = {"bundlePrices": prices}
    update = PriceUpdate(key="k", offer_id=made.offer_id, sku="SKU-1", price=Money.of("18.50", "EUR"))
    assert channel.update_prices([update])[0].outcome is Outcome.APPLIED
    kept = market.offers[made.offer_id]["pricing"]["bundlePrices"]
    assert kept == [{"quantity": 1, "unitPrice": 18.5}, {"quantity": 4, "unitPrice": 15}]


def test_an_offer_that_tells_the_least_is_read(market: Bol, channel: Any) -> None:
    [made] = channel.create_offers([draft("SKU-1", EAN, 5, "20")])
    for name in ("reference", "stock", "unknownProductTitle", "economicOperatorId"):
        market.offers[made.offer_id].pop(name, None)
    [offer] = read_back(channel)
    assert (offer.offer_id, offer.sku, offer.stock, offer.price) == (made.offer_id, None, None, Money.of("20", "EUR"))
