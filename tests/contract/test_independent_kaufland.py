"""Kaufland's adapter against a Kaufland that was written from its description by nobody who had seen the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import CALLBACK_URL, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate
from bridge.ports.errors import NotFound, Reauthorise, SlowDown
from bridge.registry import discover
from tests.support.independent import Json, Refusal
from tests.support.independent_kaufland import Kaufland, kaufland
from tests.support.played import Clock, connecting, everything

CONTENT = OfferContent(title="A thing", description="Made of things")
EAN, OTHER = "4006381333931", "8711577236533"
HOME: Json = {
    "first_name": "Zoë", "last_name": "Müller", "company_name": None, "street": "Test Ln.", "house_number": "1 a",
    "postcode": "01234", "additional_field": "c/o Smith", "city": "Köln", "phone": "+491234567", "country": "DE",
}  # fmt: skip
BILL = HOME | {"company_name": "Smith Holding GmbH", "house_number": "2", "phone": None, "additional_field": None}
BUYER: Json = {"id_buyer": 21631426, "email": "buyer@dev.com"}
SOLD: Json = {"shipping_address": HOME, "billing_address": BILL, "buyer": BUYER}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Kaufland]:
    given = discover().channels["kaufland"].sandbox_credentials
    made = kaufland(specs_dir / "kaufland", now=clock, keys=(str(given["client_key"]), str(given["secret_key"])))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Kaufland, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("kaufland", serve(market.app()), clock) as connect:
        yield connect


@pytest.fixture
def channel(connect: Callable[..., Any]) -> Any:
    return connect()


def draft(sku: str, ean: str, stock: int, price: Money, site: str = "de") -> OfferDraft:
    return OfferDraft(key=f"{site}{sku}", site=site, sku=sku, gtin=ean, stock=stock, price=price, content=CONTENT)


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def test_the_life_of_an_offer(market: Kaufland, channel: Any) -> None:
    market.hidden = timedelta(minutes=5)
    assert {*channel.check().sites} == {"de", "cz"}
    drafts = [
        draft("SKU-1", EAN, 5, euro("19.95")),
        draft("SKU/ü & 2+", OTHER, 0, euro("9999")),
        draft("SKU-1", EAN, 2, Money.of("499.5", "CZK"), "cz"),
    ]
    first, second, czech = made = channel.create_offers(drafts)
    assert [one.outcome for one in made] == [Outcome.APPLIED] * 3, made
    told = {unit["id_offer"]: unit for unit in market.units.values() if unit["storefront"] == "de"}
    assert (told["SKU-1"]["listing_price"], told["SKU-1"]["amount"], told["SKU-1"]["ean"]) == (1995, 5, EAN)
    assert told["SKU/ü & 2+"]["amount"] == 0
    [there] = [unit for unit in market.units.values() if unit["storefront"] == "cz"]
    assert (there["listing_price"], there["amount"]) == (49950, 2)
    again = channel.create_offers(drafts[:1])
    assert again[0].outcome is not Outcome.APPLIED or again[0].offer_id == first.offer_id
    assert len(market.units) == 3
    market.hidden = timedelta(0)
    found = channel.find_offers(["SKU/ü & 2+"], [])
    assert {offer.offer_id for offer in found} == {second.offer_id}
    assert {offer.site for offer in channel.find_offers(["SKU-1"], [])} == {"de", "cz"}
    assert {offer.offer_id for offer in channel.find_offers([], [OTHER])} == {second.offer_id}

    one = {"key": "1", "site": "de", "offer_id": first.offer_id, "sku": "SKU-1", "gtin": EAN}
    two = {"key": "2", "site": "de", "offer_id": second.offer_id, "sku": "SKU/ü & 2+", "gtin": OTHER}
    three = {"key": "3", "site": "cz", "offer_id": czech.offer_id, "sku": "SKU-1", "gtin": EAN}
    changes = [StockUpdate(**two, stock=7), StockUpdate(**three, stock=0), StockUpdate(**one, stock=1200)]
    results = channel.update_stock(changes)
    assert [(item.key, item.outcome) for item in results] == [(key, Outcome.APPLIED) for key in "231"]
    assert sorted(unit["amount"] for unit in market.units.values()) == [0, 7, 1200]
    prices = channel.update_prices([
        PriceUpdate(**three, price=Money.of("500.1", "CZK")), PriceUpdate(**one, price=euro("20.10")),
        PriceUpdate(**two, price=euro("0.01")),
    ])  # fmt: skip
    assert [(item.key, item.outcome) for item in prices] == [(key, Outcome.APPLIED) for key in "312"]
    read = {(offer.site, offer.sku): offer for offer in everything(channel.list_offers)}
    assert {place: (offer.stock, offer.price) for place, offer in read.items()} == {
        ("de", "SKU-1"): (1200, euro("20.10")), ("de", "SKU/ü & 2+"): (7, euro("0.01")),
        ("cz", "SKU-1"): (0, Money.of("500.10", "CZK")),
    }  # fmt: skip
    assert channel.sale_status(OfferRef(**one)).for_sale is True
    assert channel.sale_status(OfferRef(**three)).for_sale is False

    assert channel.end_offers([OfferRef(**one), OfferRef(**three)])[0].outcome is Outcome.APPLIED
    assert channel.update_stock([StockUpdate(**one, stock=3)])[0].outcome is Outcome.MISSING
    assert channel.end_offers([OfferRef(**one)])[0].outcome in (Outcome.APPLIED, Outcome.MISSING)
    with pytest.raises(NotFound):
        channel.sale_status(OfferRef(**one))
    assert {offer.sku for offer in everything(channel.list_offers)} == {"SKU/ü & 2+"}
    market.refused.clear()  # what is gone was asked for on purpose


def test_a_bulk_of_which_parts_fail(market: Kaufland, channel: Any) -> None:
    """The answers come in an order of their own and in three shapes."""
    made = channel.create_offers([draft(f"SKU-{number}", EAN, 1, euro("10")) for number in range(5)])
    updates = [
        StockUpdate(key=str(number), site="de", offer_id=item.offer_id, sku=f"SKU-{number}", stock=9)
        for number, item in enumerate(made)
    ]
    ids = [*market.units]
    errors = [{"field": "amount", "message": "amount must not be negative"}]
    market.bulk_says = {
        ids[1]: {"status_code": 400, "message": "wrong value", "errors": errors},
        ids[2]: {"status_code": 500.0, "key": "internal", "message": "Internal error"},
        ids[3]: {"status_code": 404, "message": "Unit not found", "errors": []},
    }
    results = channel.update_stock(updates)
    assert [item.key for item in results] == ["0", "1", "2", "3", "4"]
    assert [item.outcome for item in results] == [
        Outcome.APPLIED, Outcome.REJECTED, Outcome.RETRY, Outcome.MISSING, Outcome.APPLIED,
    ]  # fmt: skip
    assert "amount must not be negative" in results[1].message


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("many", [100, 200, 205])
def test_a_list_of_offers_ends(market: Kaufland, channel: Any, many: int, *, totals: bool) -> None:
    market.totals = totals
    channel.create_offers([draft("SKU-0", EAN, 1, euro("10"))])
    [(number, known)] = market.units.items()
    for more in range(1, many):
        market.units[number + more] = known | {"id_unit": number + more, "id_offer": f"SKU-{more}"}
    found = everything(channel.list_offers)
    assert len({offer.offer_id for offer in found}) == many


def test_an_order_is_read_to_the_cent(market: Kaufland, channel: Any) -> None:
    placed, ends = datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC), "2026-11-24T23:59:59+01:00"
    units: list[Json] = [
        {"price": 1999, "shipping_rate": 390, "delivery_time_expires_iso": ends},
        {"price": 1999, "status": "cancelled", "cancel_reason": "NoInventory"},
        {"price": 1, "id_offer": "SKU-2", "vat": 7.0, "status": "sent", "shipping_rate": 1},
        {
            "price": 50,
            "id_offer": None,
            "vat": None,
            "product": None,
            "unit_condition": None,
            "delivery_time_min": None,
        },
    ]
    ids = market.sell("MB7UWLD", units, placed, **SOLD)
    for _ in range(3):  # in every form of a moment
        read = channel.fetch_order("MB7UWLD")
        assert (read.external_id, read.placed_at, read.currency, read.phase, read.site) == (
            "MB7UWLD", placed, "EUR", OrderPhase.READY, "de",
        )  # fmt: skip
    assert read.total + Money.zero("EUR") == euro("44.40")
    assert read.shipping == euro("3.91")
    by = {line.external_id: line for line in read.lines}
    assert sum(line.quantity for line in read.lines) == 4
    assert (sum(line.cancelled for line in read.lines), sum(line.shipped for line in read.lines)) == (1, 1)
    first = by[str(ids[0])]
    assert (first.sku, first.gtin, first.title) == ("SKU-1", EAN, "A thing")
    assert (first.ship_by or first.expires_at) == datetime(2026, 11, 24, 22, 59, 59, tzinfo=UTC)
    assert first.tax == euro("3.19")
    assert by[str(ids[3])].sku is None
    to, bill = read.ship_to, read.bill_to
    assert (to.first_name, to.last_name, to.street, to.house_number) == ("Zoë", "Müller", "Test Ln.", "1 a")
    assert (to.postcode, to.city, to.country, to.phone) == ("01234", "Köln", "DE", "+491234567")
    assert (to.email, to.company) == ("buyer@dev.com", "")
    assert "c/o Smith" in [to.addition, *to.for_delivery]
    assert (bill.company, bill.house_number) == ("Smith Holding GmbH", "2")


def test_a_pickup_point(market: Kaufland, channel: Any) -> None:
    place: Json = {
        "pickup_location_id": "260", "provider": "DHL", "carrier": "DHL", "services": "",
        "dhl_post_number": "999999999999",
    }  # fmt: skip
    market.sell("A1", [{}], market.now(), delivery=place, **SOLD)
    carried = " ".join([channel.fetch_order("A1").ship_to.addition, *channel.fetch_order("A1").ship_to.for_delivery])
    assert "260" in carried
    assert "999999999999" in carried


def test_an_order_that_kaufland_sells_itself(market: Kaufland, channel: Any) -> None:
    market.sell("A1", [{}], market.now(), is_marketplace_deemed_supplier=True, storefront="pl", **SOLD)
    read = channel.fetch_order("A1")
    assert read.tax_by_channel
    assert (read.currency, read.site) == ("PLN", "pl")


def test_an_order_without_people(market: Kaufland, channel: Any) -> None:
    """Address and buyer may be null."""
    market.sell("A1", [{"status": "open"}], market.now())
    assert channel.fetch_order("A1").phase in (OrderPhase.AWAITING_ACCEPTANCE, OrderPhase.PENDING)


def listed(call: Callable[[str | None], Any]) -> set[str]:
    return {item.external_id for item in everything(call)}


@pytest.mark.parametrize("totals", [True, False])
def test_every_order_is_in_the_lists(market: Kaufland, channel: Any, clock: Clock, *, totals: bool) -> None:
    market.totals = totals
    now = clock()
    assert listed(channel.list_open_orders) == set()
    for number in range(200):
        market.sell(f"N{number}", [{}], now - timedelta(minutes=5, seconds=number % 7), **SOLD)
    market.sell("OLD", [{}], now - timedelta(days=40), **SOLD)
    market.sell("OPEN", [{"status": "open"}], now - timedelta(days=3), **SOLD)
    market.sell("MIXED", [{"status": "sent"}, {}], now - timedelta(days=3), **SOLD)
    [gone] = market.sell("GONE", [{"status": "cancelled"}], now - timedelta(days=3), **SOLD)
    market.sold[gone]["updated"] = now - timedelta(minutes=1)
    market.sell("DONE", [{"status": "sent"}], now - timedelta(days=3), **SOLD)
    new = {f"N{number}" for number in range(200)}
    assert listed(channel.list_open_orders) == new | {"OLD", "OPEN", "MIXED"}
    found = listed(partial(channel.list_orders, now - timedelta(hours=1)))
    assert found >= new | {"GONE"}
    assert not {"OLD", "DONE"} & found


def test_orders_that_move_while_the_pages_are_read(market: Kaufland, channel: Any, clock: Clock) -> None:
    """What is shipped leaves the list, and what stands after it moves up."""
    now = clock()
    for number in range(250):
        market.sell(f"N{number}", [{}], now - timedelta(minutes=5, seconds=number), **SOLD)

    def ship() -> None:
        waiting = [number for number, unit in market.sold.items() if unit["status"] == "need_to_be_sent"]
        for number in waiting[:3]:
            market.sold[number] |= {"status": "sent", "updated": clock()}

    market.between = ship
    stayed = listed(channel.list_open_orders)
    left = {unit["id_order"] for unit in market.sold.values() if unit["status"] == "need_to_be_sent"}
    assert left <= stayed, left - stayed


def test_accepting(market: Kaufland, channel: Any) -> None:
    ids = market.sell("A1", [{"status": "open"}] * 3, market.now(), **SOLD)
    order = channel.fetch_order("A1")
    assert order.phase is OrderPhase.AWAITING_ACCEPTANCE
    assert channel.accept_order(order, [str(ids[1])]).outcome is Outcome.APPLIED
    assert [unit["status"] for unit in market.of("A1")] == ["need_to_be_sent", "cancelled", "need_to_be_sent"]
    assert channel.accept_order(order, [str(ids[1])]).outcome is Outcome.APPLIED
    assert channel.fetch_order("A1").phase is OrderPhase.READY


def confirm(channel: Any, number: str, lines: dict[int, int], tracking: str, reference: str = "P1") -> Any:
    """As the engine does it: the order is read again, and what is sent already is left out."""
    order = channel.fetch_order(number)
    left = {line.external_id for line in order.lines if line.open}
    parts = tuple(ParcelLine(external_id=str(name), quantity=many) for name, many in lines.items() if str(name) in left)
    carrier = channel.carrier_code("DHL", tracking)
    parcel = Parcel(reference=reference, carrier=carrier, tracking=tracking, lines=parts)
    return channel.confirm_shipment(order, parcel)


def test_parcels(market: Kaufland, channel: Any) -> None:
    one, two, three = market.sell("A1", [{}, {}, {}], market.now(), **SOLD)
    assert confirm(channel, "A1", {one: 1}, "JJD1").outcome is Outcome.APPLIED
    assert market.parcels == {one: [("DHL", "JJD1")]}
    market.trouble["SendOrderUnit"] = [None, *[Refusal(500, "/problems/server-error")] * 9]
    half = confirm(channel, "A1", {two: 1, three: 1}, "JJD2", "P2")
    assert half.outcome is Outcome.RETRY, half
    market.trouble.clear()
    assert confirm(channel, "A1", {two: 1, three: 1}, "JJD2", "P2").outcome is Outcome.APPLIED
    assert market.parcels == {one: [("DHL", "JJD1")], two: [("DHL", "JJD2")], three: [("DHL", "JJD2")]}
    assert [line.open for line in channel.fetch_order("A1").lines] == [0, 0, 0]
    assert channel.carrier_code("GLS", "1") == "GLS"
    assert channel.carrier_code("Nobody knows", "1") == "Other"


def test_what_was_cancelled_meanwhile_is_not_shipped(market: Kaufland, channel: Any) -> None:
    one, two = market.sell("A1", [{}, {}], market.now(), **SOLD)
    order = channel.fetch_order("A1")
    market.sold[one]["status"] = "cancelled"
    parts = tuple(ParcelLine(external_id=str(name), quantity=1) for name in (one, two))
    result = channel.confirm_shipment(order, Parcel(reference="P1", carrier="DHL", tracking="JJD1", lines=parts))
    assert result.outcome is Outcome.REJECTED
    assert market.sold[two]["status"] == "sent"


def test_cancelling(market: Kaufland, channel: Any) -> None:
    one, two = market.sell("A1", [{}, {}], market.now(), **SOLD)
    assert channel.cancel_line("A1", str(one), 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    assert (market.sold[one]["status"], market.sold[one]["cancel_reason"]) == ("cancelled", "NoInventory")
    assert channel.cancel_line("A1", str(one), 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.APPLIED
    market.sold[two]["status"] = "sent"
    assert channel.cancel_line("A1", str(two), 1, CancelReason.OUT_OF_STOCK).outcome is Outcome.REJECTED


def test_refunds(market: Kaufland, channel: Any) -> None:
    one, two = market.sell("A1", [{"price": 1999, "status": "sent"}] * 2, market.now(), **SOLD)
    lines = [
        ChannelRefund(line_id=str(one), quantity=1, amount=euro("19.99"), reason=RefundReason.RETURNED),
        ChannelRefund(line_id=str(two), quantity=1, amount=euro("0.29"), reason=RefundReason.DAMAGED),
    ]
    result = channel.refund("A1", lines, "R1")
    assert result.outcome is Outcome.APPLIED, result
    assert market.refunds == [(one, 1999, "other_refund"), (two, 29, "delivery_damage")]


@pytest.mark.parametrize("totals", [True, False])
def test_returns(market: Kaufland, channel: Any, clock: Clock, *, totals: bool) -> None:
    market.totals = totals
    back: dict[int, int] = {}
    for number in range(105):
        ids = market.sell(f"A{number}", [{"status": "sent"}, {"status": "sent"}], clock() - timedelta(days=3), **SOLD)
        at = clock() - timedelta(hours=1, minutes=number)
        units = market.give_back({ids[0]: {"note": "Zu groß"}, ids[1]: {"status": "need_to_be_returned"}}, at)
        back |= dict(zip(units, ids, strict=True))
    found = everything(channel.list_returns)
    lines = {line.external_id: line for item in found for line in item.lines}
    assert {*lines} == {str(number) for number in back}
    arrived, coming = (lines[str(number)] for number in [*back][:2])
    assert (arrived.order_id, arrived.order_line_id, arrived.quantity) == ("A0", str(back[int(arrived.external_id)]), 1)
    assert (arrived.reason, arrived.comment, arrived.handled) == ("wrong_size", "Zu groß", False)
    assert (arrived.received, coming.received) == (True, False)
    assert channel.decide_return(arrived.external_id, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert market.back[int(arrived.external_id)]["status"] == "return_accepted"
    assert channel.decide_return(arrived.external_id, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    third = [*back][2]
    refused = channel.decide_return(str(third), ReturnDecision.REFUSED, 1, "Getragen & beschädigt")
    assert refused.outcome is Outcome.APPLIED, refused
    assert market.messages == [(third, "return_rejected", "Getragen & beschädigt")]
    after = {line.external_id: line for item in everything(channel.list_returns) for line in item.lines}
    assert all(after[str(number)].handled for number in (int(arrived.external_id), third) if str(number) in after)


def test_a_buyer_who_asks_to_cancel(market: Kaufland, channel: Any, clock: Clock) -> None:
    one, two = market.sell("A1", [{}, {}], clock(), **SOLD)
    market.ask("0011234567", "order_cancel", [one], clock())
    asked = {line.external_id: line.cancellation_requested for line in channel.fetch_order("A1").lines}
    assert asked == {str(one): True, str(two): False}
    market.sold[one]["updated"] = market.sold[two]["updated"] = clock() - timedelta(days=2)
    assert "A1" in listed(partial(channel.list_orders, clock() - timedelta(hours=1)))
    assert channel.refuse_cancellation("A1", str(one)).outcome is Outcome.APPLIED
    assert market.tickets[0]["status"] == "seller_closed"
    assert len(market.messages) == 1
    assert not any(line.cancellation_requested for line in channel.fetch_order("A1").lines)


def test_messages(market: Kaufland, connect: Callable[..., Any]) -> None:
    channel, url = connect(fallback_email="ops@example.com"), "https://bridge.example/push/kaufland/ü?a=1"
    channel.ensure_push(url)
    asked = len(market.subscriptions)
    assert asked > 0
    next(iter(market.subscriptions.values()))["is_active"] = False
    channel.ensure_push(url)
    assert len(market.subscriptions) == asked
    assert all(item["is_active"] and item["callback_url"] == url for item in market.subscriptions.values())
    event = {"event_name": "order_new", "id_message": "m1", "resource": "/orders/MB7UWLD/", "storefront": "de"}
    headers, body = market.pushed(url, event)
    [hint] = channel.push_hints([*headers, (CALLBACK_URL, url)], body)
    assert (hint.kind, hint.key) == ("order", "MB7UWLD")
    with pytest.raises(Reauthorise):
        channel.push_hints([*headers, (CALLBACK_URL, url)], body + b" ")


def test_a_limit_that_is_reached(market: Kaufland, channel: Any) -> None:
    market.sell("A1", [{}], market.now(), **SOLD)
    market.trouble["GetOrder"] = [Refusal(429, "Too many requests", headers={"Retry-After": "7"})] * 9
    with pytest.raises(SlowDown) as slow:
        channel.fetch_order("A1")
    assert slow.value.after is not None
    assert slow.value.after.total_seconds() >= 7


def test_an_order_that_is_none(market: Kaufland, channel: Any) -> None:
    with pytest.raises(NotFound):
        channel.fetch_order("UNKNOWN")
    market.refused.clear()


def test_an_order_is_as_new_as_its_latest_piece(market: Kaufland, channel: Any, clock: Clock) -> None:
    """Whatever the offset in which a moment is told; the list and the order tell the same."""
    then = (clock() - timedelta(days=2)).replace(microsecond=0)
    ids = market.sell("A1", [{}, {}, {}], then, **SOLD)
    for minutes, number in enumerate(ids):
        market.sold[number]["updated"] = then + timedelta(minutes=minutes)
    for _ in range(3):
        market.moment(then)  # each time another piece is the one in another offset
        read = channel.fetch_order("A1")
        [listed_one] = everything(channel.list_open_orders)
        assert read.changed_at == listed_one.changed_at == then + timedelta(minutes=2)
        assert read.list_mark == listed_one.mark


def test_whose_order_it_is_to_ship(market: Kaufland, connect: Callable[..., Any], clock: Clock) -> None:
    market.sell("A1", [{}], clock(), fulfillment_type="fulfilled_by_kaufland", **SOLD)
    assert listed(connect().list_open_orders) == set()
    read = connect(import_fbk=True).fetch_order("A1")
    assert [line.fulfilled_by for line in read.lines] == [FulfilledBy.CHANNEL]
    assert listed(partial(connect(import_fbk=True).list_orders, clock() - timedelta(hours=1))) == {"A1"}
