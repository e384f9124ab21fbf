"""Allegro's adapter against an Allegro that was written from its description by nobody who had seen the adapter."""

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
from bridge.domain.returns import ChannelRefund, ReturnDecision
from bridge.ports.channel import OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import NotFound, SlowDown
from tests.support.independent import Json, Refusal
from tests.support.independent_allegro import Allegro, number
from tests.support.independent_allegro_offers import zloty
from tests.support.played import Clock, connecting, everything, seller_at_allegro, unrefused

ADDRESS: Json = {
    "firstName": "Jan", "lastName": "Łęcki", "street": "Solidarności 60/2", "city": "Poznań", "zipCode": "60-166",
    "countryCode": "PL", "companyName": "", "phoneNumber": "+48500600700",
}  # fmt: skip
INVOICE: Json = {
    "required": True,
    "address": {
        "street": "Grunwaldzka 182", "city": "Poznań", "zipCode": "60-166", "countryCode": "PL",
        "company": {"name": "Firma sp. z o.o.", "ids": [{"type": "PL_NIP", "value": "5252674798"}],
                    "vatPayerStatus": "ACTIVE"},
    },
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Allegro]:
    with unrefused(seller_at_allegro(specs_dir, clock)) as market:
        yield market


@pytest.fixture
def connect(market: Allegro, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("allegro", serve(market.app()), clock) as connect:
        yield connect


@pytest.fixture
def channel(connect: Callable[..., Any]) -> Any:
    return connect()


def offer(market: Allegro, at: int, stock: int, price: str, status: str = "ACTIVE") -> Json:
    """An offer that is there."""
    made: Json = {
        "id": str(17_000_000_000 + at), "name": f"A thing {at}", "stock": {"available": stock, "unit": "UNIT"},
        "sellingMode": {"format": "BUY_NOW", "price": zloty(price)}, "external": {"id": f"SKU-{at}"},
        "publication": {"status": status}, "at": market.now() - timedelta(days=at), "additionalMarketplaces": {},
    }  # fmt: skip
    market.offers[made["id"]] = made
    return made


def ref(made: Json) -> Json:
    return {"key": made["id"], "site": "allegro-pl", "offer_id": made["id"], "sku": made["external"]["id"]}


def settle(market: Allegro, channel: Any, results: list[Any], clock: Clock) -> list[Any]:
    """Each as it ends."""
    states: dict[str, Any] = {item.key: item.outcome for item in results}
    waiting = {item.submission: item.key for item in results if item.outcome is Outcome.SUBMITTED}
    for _ in range(market.pending + 3):
        clock.ahead += timedelta(seconds=30)
        for status in channel.follow([*waiting]):
            if status.state is not SubmissionState.PENDING:
                states[waiting.pop(status.submission)] = status.state
    assert not waiting
    return [states[item.key] for item in results]


def test_stock_and_prices(market: Allegro, channel: Any, clock: Clock) -> None:
    """A command sets no stock of nothing, and what fails is told by offer, in any order."""
    one, two, three = (offer(market, at, 5, "19.99") for at in range(1, 4))
    market.fails[two["id"]] = {"code": "X", "message": "no", "userMessage": "Nie można zmienić oferty"}
    updates = [StockUpdate(**ref(made), stock=stock) for made, stock in ((one, 1200), (two, 7), (three, 0))]
    done = settle(market, channel, channel.update_stock(updates), clock)
    assert done[0] in (SubmissionState.DONE, Outcome.APPLIED), done
    assert done[1] in (SubmissionState.FAILED, Outcome.REJECTED), done
    assert done[2] in (SubmissionState.DONE, Outcome.APPLIED), done
    assert (one["stock"]["available"], two["stock"]["available"]) == (1200, 5)
    assert three["stock"]["available"] == 0 or three["publication"]["status"] == "ENDED"
    again = settle(market, channel, channel.update_stock([StockUpdate(**ref(three), stock=4)]), clock)
    assert again[0] in (SubmissionState.DONE, Outcome.APPLIED), again
    assert (three["stock"]["available"], three["publication"]["status"]) == (4, "ACTIVE")
    prices = [
        PriceUpdate(**ref(made), price=Money.of(price, "PLN")) for made, price in ((one, "20.1"), (three, "0.99"))
    ]
    assert {*settle(market, channel, channel.update_prices(prices), clock)} <= {SubmissionState.DONE, Outcome.APPLIED}
    assert (one["sellingMode"]["price"], three["sellingMode"]["price"]) == (zloty("20.10"), zloty("0.99"))


@pytest.mark.parametrize("later", [False, True])
def test_a_new_offer(market: Allegro, channel: Any, clock: Clock, *, later: bool) -> None:
    """Answered at once, or by an operation that is asked for."""
    market.later = later
    product = {"id": number(1), "name": "A thing of a name", "category": {"id": "257931"}, "parameters": []}
    market.catalogue["4006381333931"] = product
    content = OfferContent(title="A thing of a name", description="Made of things")
    draft = OfferDraft(
        key="k", site="allegro-pl", sku="SKU/ü 1", gtin="4006381333931", stock=3, price=Money.of("19.5", "PLN"),
        content=content,
    )  # fmt: skip
    [made] = channel.create_offers([draft])
    [state] = settle(market, channel, [made], clock)
    assert state in (SubmissionState.DONE, Outcome.APPLIED), made
    [known] = market.offers.values()
    assert (known["stock"]["available"], known["sellingMode"]["price"]) == (3, zloty("19.50"))
    assert (known["external"], known["publication"]["status"]) == ({"id": "SKU/ü 1"}, "ACTIVE")
    [found] = channel.find_offers(["SKU/ü 1"], [])
    assert (found.offer_id, found.stock) == (known["id"], 3)


def test_offers_are_read_back_and_ended(market: Allegro, channel: Any, clock: Clock) -> None:
    made = [offer(market, at, 5, "19.99") for at in range(1, 4)]
    assert channel.check().identity == "26453100"
    assert {item.offer_id for item in channel.find_offers(["SKU-2"], [])} == {made[1]["id"]}
    read = {item.offer_id: item for item in everything(channel.list_offers)}
    known = read[made[0]["id"]]
    assert (known.sku, known.stock, known.price, known.for_sale) == ("SKU-1", 5, Money.of("19.99", "PLN"), True)
    assert channel.sale_status(OfferRef(**ref(made[0]))).for_sale is True
    ended = settle(market, channel, channel.end_offers([OfferRef(**ref(made[0]))]), clock)
    assert ended[0] in (SubmissionState.DONE, Outcome.APPLIED)
    assert made[0]["publication"]["status"] == "ENDED"
    assert channel.sale_status(OfferRef(**ref(made[0]))).for_sale is False


@pytest.mark.parametrize("many", [1000, 1003])
def test_a_list_of_offers_ends(market: Allegro, channel: Any, many: int) -> None:
    for at in range(many):
        offer(market, at, 1, "10.00")
    assert len({item.offer_id for item in everything(channel.list_offers)}) == many


def sold(market: Allegro) -> str:
    """Two of a thing with a deposit, one with a service, and what takes a coupon."""
    lines: list[Json] = [
        {"quantity": 2, "price": zloty("12.34"), "originalPrice": zloty("13.00"), "deposit": {"price": zloty("0.50")},
         "discounts": [{"type": "COUPON"}], "tax": {"rate": "23.00", "subject": "GOODS", "exemption": None}},
        {"quantity": 1, "price": zloty("100.00"), "originalPrice": zloty("100.00"), "offer": {"id": "17000000002", "name": "B"},
         "selectedAdditionalServices": [
             {"definitionId": "GIFT_WRAP", "name": "Pakowanie", "price": zloty("5.55"), "quantity": 2}],
         "tax": {"rate": None, "subject": None, "exemption": None}},
    ]  # fmt: skip
    delivery: Json = {
        "address": ADDRESS, "method": {"id": "m", "name": "Paczkomat InPost"}, "cost": zloty("9.99"), "smart": False,
        "pickupPoint": {"id": "POZ08A", "name": "Paczkomat POZ08A", "description": "Stacja paliw BP",
                        "address": {"street": "Rubież 1", "zipCode": "61-612", "city": "Poznań", "countryCode": "PL"}},
        "time": {"dispatch": {"to": "2026-11-24T23:59:59.999+01:00"}},
    }  # fmt: skip
    placed = datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC)
    note = "Proszę o szybką wysyłkę"
    return market.sell(1, lines, placed, delivery=delivery, invoice=INVOICE, messageToSeller=note)


def test_an_order_is_read_to_the_cent(market: Allegro, channel: Any) -> None:
    form_id = sold(market)
    for _ in range(3):  # in every form of a moment
        read = channel.fetch_order(form_id)
        assert (read.external_id, read.currency, read.phase, read.site) == (
            form_id, "PLN", OrderPhase.READY, "allegro-pl",
        )  # fmt: skip
        assert read.placed_at == datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC)
    assert market.orders[form_id]["summary"]["totalToPay"] == zloty("146.77")
    assert read.total == Money.of("146.77", "PLN")
    assert read.note == "Proszę o szybką wysyłkę"
    assert read.shipping == Money.of("9.99", "PLN")
    lines = {line.sku or line.offer_id: line for line in read.lines if "17000000" in (line.offer_id or "")}
    assert sum(line.quantity for line in lines.values()) == 3
    to = read.ship_to
    assert (to.first_name, to.last_name, to.postcode, to.city, to.country) == ("Jan", "Łęcki", "60-166", "Poznań", "PL")
    assert "POZ08A" in " ".join(to.for_delivery)
    assert (to.email, to.phone) == ("b+1@allegromail.pl", "+48500600700")
    assert read.bill_to.company == "Firma sp. z o.o."
    assert "5252674798" in read.bill_to.vat_number
    assert lines["SKU-1"].ship_by == datetime(2026, 11, 24, 22, 59, 59, 999000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "phase"),
    [("BOUGHT", OrderPhase.PENDING), ("FILLED_IN", OrderPhase.PENDING), ("READY_FOR_PROCESSING", OrderPhase.READY)],
)
def test_the_phase_of_an_order(market: Allegro, channel: Any, status: str, phase: OrderPhase) -> None:
    form_id = market.sell(2, [{}], market.now(), status=status)
    assert channel.fetch_order(form_id).phase is phase


def test_an_order_that_the_buyer_cancelled(market: Allegro, channel: Any) -> None:
    form_id = market.sell(2, [{"quantity": 3}], market.now(), status="CANCELLED")
    assert [(line.open, line.cancelled) for line in channel.fetch_order(form_id).lines] == [(0, 3)]


def test_a_quantity_is_a_number(market: Allegro, channel: Any) -> None:
    """As the description has it: of the type number."""
    form_id = market.sell(3, [{"quantity": 2.0, "price": zloty("1.10")}], market.now())
    [line] = channel.fetch_order(form_id).lines
    assert (line.quantity, line.total) == (2, Money.of("2.20", "PLN"))


def test_an_order_that_is_paid_on_delivery(market: Allegro, channel: Any) -> None:
    """Nothing was paid, so nothing is paid back: it is cancelled as a whole."""
    form_id = market.sell(4, [{"quantity": 2}], market.now())
    market.orders[form_id]["payment"] = {"id": number(9), "type": "CASH_ON_DELIVERY", "provider": "OFFLINE"}
    [line] = channel.fetch_order(form_id).lines
    assert channel.fetch_order(form_id).phase is OrderPhase.READY
    done = channel.cancel_line(form_id, line.external_id, 2, CancelReason.OUT_OF_STOCK)
    assert done.outcome is Outcome.APPLIED, done
    assert market.refunds == []
    assert market.orders[form_id]["fulfillment"]["status"] == "CANCELLED"


def listed(call: Callable[[str | None], Any]) -> set[str]:
    return {item.external_id for item in everything(call)}


def test_every_order_is_in_the_lists(market: Allegro, channel: Any, clock: Clock) -> None:
    now = clock()
    assert listed(channel.list_open_orders) == set()
    new = {market.sell(at, [{}], now - timedelta(minutes=5, seconds=at % 7)) for at in range(200)}
    old = market.sell(300, [{}], now - timedelta(days=40))
    working = market.sell(301, [{}], now - timedelta(days=3), fulfillment={"status": "PROCESSING"})
    done = market.sell(303, [{}], now - timedelta(days=3), fulfillment={"status": "SENT"})
    gone = market.sell(304, [{}], now - timedelta(days=3), status="CANCELLED")
    market.orders[gone]["updated"] = now - timedelta(minutes=1)
    assert listed(channel.list_open_orders) >= new | {old, working}
    found = listed(partial(channel.list_orders, now - timedelta(hours=1)))
    assert found >= new | {gone}
    assert not {old, done} & found


@pytest.mark.parametrize("lists", ["open", "changed"])
def test_orders_that_move_while_the_pages_are_read(market: Allegro, channel: Any, clock: Clock, lists: str) -> None:
    now = clock()
    forms = [market.sell(at, [{}], now - timedelta(hours=1, seconds=at)) for at in range(250)]
    turns = iter(range(100))

    def move() -> None:
        for _ in range(3):
            form = market.orders[forms[-1 - next(turns)]]
            form["fulfillment"] = {"status": "SENT"}
            form["updated"] = clock()

    market.between = move
    if lists == "open":
        found = listed(channel.list_open_orders)
        left = {one for one in forms if market.orders[one]["fulfillment"]["status"] == "NEW"}
    else:
        found, left = listed(partial(channel.list_orders, now - timedelta(hours=3))), {*forms}
    assert left <= found, len(left - found)


def confirm(channel: Any, form_id: str, lines: dict[str, int], tracking: str, reference: str = "P1") -> Any:
    parts = tuple(ParcelLine(external_id=name, quantity=many) for name, many in lines.items())
    carrier = channel.carrier_code("InPost", tracking)
    parcel = Parcel(reference=reference, carrier=carrier, tracking=tracking, lines=parts)
    order = channel.fetch_order(form_id)  # Allegro keeps no quantities: all units of a line go in one parcel here
    read = [line.model_copy(update={"shipped": line.quantity if line.shipped else 0}) for line in order.lines]
    return channel.confirm_shipment(order.model_copy(update={"lines": tuple(read)}), parcel)


def paid(market: Allegro, channel: Any, result: Any) -> Any:
    """What becomes of a refund: it is taken at once and carried out later."""
    assert result.outcome is Outcome.SUBMITTED, result
    [before] = channel.follow([result.submission])
    assert before.state is SubmissionState.PENDING
    market.refunds[-1]["told"]["status"] = "SUCCESS"
    [after] = channel.follow([result.submission])
    return after.state


def test_parcels(market: Allegro, channel: Any) -> None:
    form_id = market.sell(5, [{"quantity": 2}, {"quantity": 1}], market.now())
    one, two = (item["id"] for item in market.orders[form_id]["lineItems"])
    told = channel.acknowledge_order(channel.fetch_order(form_id), "WC 1001")
    assert told is None or told.outcome is Outcome.APPLIED
    assert market.orders[form_id]["fulfillment"]["status"] == "PROCESSING"
    assert confirm(channel, form_id, {one: 2}, "6201").outcome is Outcome.APPLIED
    assert [(item["carrierId"], item["waybill"], item["lineItems"]) for item in market.parcels[form_id]] == [
        ("INPOST", "6201", [{"id": one}])
    ]
    assert market.orders[form_id]["fulfillment"]["status"] != "SENT"
    assert confirm(channel, form_id, {two: 1}, "6202", "P2").outcome is Outcome.APPLIED
    assert market.orders[form_id]["fulfillment"]["status"] == "SENT"
    assert [line.open for line in channel.fetch_order(form_id).lines][:2] == [0, 0]
    assert confirm(channel, form_id, {two: 1}, "6202", "P2").outcome is Outcome.APPLIED
    assert len(market.parcels[form_id]) == 2


def test_refunds(market: Allegro, channel: Any) -> None:
    form_id = sold(market)
    one, two = (item["id"] for item in market.orders[form_id]["lineItems"])
    back = [ChannelRefund(line_id=one, quantity=1, amount=Money.of("12.34", "PLN"))]
    result = channel.refund(form_id, back, "R1")
    assert channel.refund(form_id, back, "R1").outcome in (Outcome.SUBMITTED, Outcome.APPLIED)
    assert len(market.refunds) == 1
    assert paid(market, channel, result) is SubmissionState.DONE
    part = [ChannelRefund(line_id=two, quantity=0, amount=Money.of("0.29", "PLN"), shipping=Money.of("9.99", "PLN"))]
    assert paid(market, channel, channel.refund(form_id, part, "R2")) is SubmissionState.DONE
    assert [str(item["sum"]) for item in market.refunds] == ["12.34", "10.28"]


def test_a_whole_order_is_paid_back_with_deposits_and_services(market: Allegro, channel: Any) -> None:
    """All that was paid, and each part of it where the description has a place for it."""
    form_id = sold(market)
    read = channel.fetch_order(form_id)
    back = [ChannelRefund(line_id=line.external_id, quantity=line.quantity, amount=line.total) for line in read.lines]
    back[0] = back[0].model_copy(update={"shipping": read.shipping})
    assert paid(market, channel, channel.refund(form_id, back, "R1")) is SubmissionState.DONE
    [refund] = market.refunds
    assert str(refund["sum"]) == "146.77"
    [first, _] = market.orders[form_id]["lineItems"]
    assert refund["told"]["deposits"] == [{"lineItemId": first["id"], "totalValue": zloty("1.00")}]
    assert refund["told"]["additionalServices"] == {"value": zloty("11.10")}
    assert refund["told"]["delivery"] == {"value": zloty("9.99")}


def test_cancelling_the_only_line(market: Allegro, channel: Any) -> None:
    form_id = market.sell(7, [{"quantity": 2, "price": zloty("10.01")}], market.now())
    [line] = market.orders[form_id]["lineItems"]
    result = channel.cancel_line(form_id, line["id"], 2, CancelReason.OUT_OF_STOCK)
    assert paid(market, channel, result) is SubmissionState.DONE
    assert market.orders[form_id]["fulfillment"]["status"] == "CANCELLED"
    assert [str(item["sum"]) for item in market.refunds] == ["20.02"]
    assert [(line.open, line.cancelled) for line in channel.fetch_order(form_id).lines] == [(0, 2)]


def test_returns(market: Allegro, channel: Any, clock: Clock) -> None:
    for at in range(105):
        form_id = market.sell(at, [{"quantity": 2}], clock() - timedelta(days=3), fulfillment={"status": "SENT"})
        item = {
            "offerId": "17000000001", "quantity": 1, "name": "A thing", "price": zloty("10.00"),
            "url": "https://allegro.pl/1", "reason": {"type": "DAMAGED", "userComment": "Zbite"},
        }  # fmt: skip
        market.returned.append({
            "id": number(10_000 + at), "orderId": form_id, "referenceNumber": f"R{at}", "items": [item], "parcels": [],
            "status": "DELIVERED", "marketplaceId": "allegro-pl", "at": clock() - timedelta(hours=1, minutes=at),
            "isFulfillment": False, "buyer": {"email": "b+1@allegromail.pl", "login": "buyer"},
        })  # fmt: skip
    found = {item.external_id: item for item in everything(channel.list_returns)}
    assert len(found) == 105
    [line] = found[number(10_000)].lines
    assert (line.order_id, line.quantity, line.reason, line.comment) == (number(0), 1, "DAMAGED", "Zbite")
    assert (line.order_line_id, line.received, line.handled) == (number(0), True, False)
    refused = channel.decide_return(line.external_id, ReturnDecision.REFUSED, 1, "Używane & zbite")
    assert refused.outcome is Outcome.APPLIED, refused
    assert market.returned[0]["rejection"] == {"code": "REFUND_REJECTED", "reason": "Używane & zbite"}


def test_a_token_that_ends_and_a_limit_that_is_reached(market: Allegro, channel: Any) -> None:
    form_id = market.sell(9, [{}], market.now())
    market.uses = 1
    market.tokens.clear()
    for _ in range(4):
        assert channel.fetch_order(form_id).external_id == form_id
    with pytest.raises(NotFound):
        channel.fetch_order(number(404))
    market.refused.clear()
    market.trouble["getOrdersDetailsUsingGET"] = [Refusal(429, "TooManyRequests", headers={"Retry-After": "7"})] * 9
    with pytest.raises(SlowDown) as slow:
        channel.fetch_order(form_id)
    assert slow.value.after is not None
    assert slow.value.after.total_seconds() >= 7


def test_what_allegro_ships_itself(market: Allegro, connect: Callable[..., Any], clock: Clock) -> None:
    fulfilment = {"status": "NEW", "provider": {"id": "ALLEGRO"}}
    form_id = market.sell(10, [{}], clock(), fulfillment=fulfilment)
    assert listed(connect().list_open_orders) == set()
    read = connect(import_one_fulfilment=True).fetch_order(form_id)
    assert {line.fulfilled_by for line in read.lines} == {FulfilledBy.CHANNEL}
