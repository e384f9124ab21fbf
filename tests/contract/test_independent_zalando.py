"""Zalando's adapter against a Zalando that was written from what it publishes by nobody who had seen the adapter."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate
from bridge.ports.errors import NotFound, SlowDown
from bridge.registry import discover
from tests.support.independent import Json, Refusal
from tests.support.independent_zalando import GERMANY, POLAND, Zalando, zalando
from tests.support.played import Clock, connecting

CONTENT = OfferContent(title="A jacket", description="Made of wool")
EANS = [f"{number:013}" for number in range(9780679762881, 9780679762891)]
HOME: Json = {
    "first_name": "Joe", "last_name": "Smith", "address_line_1": "Charles Street 1337", "address_line_2": "Dallas Ranch",
    "zip_code": "10178", "city": "Berlin", "country_code": "DE", "address_type": "HOME_ADDRESS",
}  # fmt: skip
PICKUP: Json = {
    "first_name": "Joe", "last_name": "Smith", "address_line_1": "Packstation 145", "zip_code": "10178",
    "city": "Berlin", "country_code": "DE", "address_type": "PACK_STATION",
    "service_point_details": {"service_point_id": "145", "service_point_member_id": "123456789",
                              "service_point_name": "Packstation 145"},
}  # fmt: skip
SOLD: Json = {"shipping_address": HOME, "billing_address": HOME}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(clock: Clock) -> Iterator[Zalando]:
    given = discover().channels["zalando"].sandbox_credentials
    made = zalando(now=clock, client=(str(given["client_id"]), str(given["client_secret"])), catalogue=set(EANS))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Zalando, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("zalando", serve(market.app()), clock) as connect:
        yield connect


@pytest.fixture
def channel(connect: Callable[..., Any]) -> Any:
    return connect()


def created(channel: Any, eans: Iterable[str], site: str, price: Money) -> dict[str, str]:
    """The ids of offers, by EAN."""
    drafts = [
        OfferDraft(key=ean, site=site, sku=f"SKU {ean}", gtin=ean, stock=0, price=price, content=CONTENT)
        for ean in eans
    ]
    made = channel.create_offers(drafts)
    assert {item.outcome for item in made} == {Outcome.APPLIED}, made
    return {item.key: item.offer_id for item in made}


def stocked(channel: Any, units: dict[str, int], site: str = "de", currency: str = "EUR") -> list[Any]:
    ids = created(channel, units, site, Money.of("1", currency))
    updates = [
        StockUpdate(key=ean, site=site, offer_id=ids[ean], sku=f"SKU {ean}", gtin=ean, stock=many)
        for ean, many in units.items()
    ]
    found: list[Any] = channel.update_stock(updates)
    return found


def priced(channel: Any, prices: dict[str, str], site: str = "de", currency: str = "EUR") -> list[Any]:
    ids = created(channel, prices, site, Money.of("1", currency))
    updates = [
        PriceUpdate(key=ean, site=site, offer_id=ids[ean], sku=f"SKU {ean}", gtin=ean, price=Money.of(price, currency))
        for ean, price in prices.items()
    ]
    found: list[Any] = channel.update_prices(updates)
    return found


def test_an_offer_of_a_known_product(market: Zalando, channel: Any) -> None:
    assert channel.check().sites == ("de", "pl")
    draft = OfferDraft(
        key="k", site="de", sku="SKU 1", gtin=EANS[0], stock=4, price=Money.of("89.95", "EUR"), content=CONTENT
    )
    [made] = channel.create_offers([draft])
    assert made.outcome is Outcome.APPLIED, made
    assert market.identifiers[EANS[0]]["merchant_product_simple_id"] == "SKU 1"
    # Whatever of the offer is not told with it is named, to be told on its own.
    assert Facet.STOCK in made.unsent or market.stock == {(GERMANY, EANS[0]): 4}
    assert Facet.PRICE in made.unsent or (GERMANY, EANS[0]) in market.prices
    assert [
        item.outcome for item in channel.end_offers([OfferRef(key="k", site="de", offer_id=made.offer_id, sku="SKU 1")])
    ] == [Outcome.APPLIED]
    assert market.stock == {(GERMANY, EANS[0]): 0}


def test_each_result_is_given_to_its_own_item(market: Zalando, channel: Any) -> None:
    market.stock_says |= {
        EANS[1]: ("REJECTED", 101),
        EANS[2]: ("FAILED", 102),
        EANS[3]: ("ACCEPTED", 104),
        EANS[4]: ("NEW", 9),
    }
    results = {
        item.key: item.outcome for item in stocked(channel, {ean: number for number, ean in enumerate(EANS[:5])})
    }
    assert (results[EANS[0]], results[EANS[1]], results[EANS[2]]) == (Outcome.APPLIED, Outcome.REJECTED, Outcome.RETRY)
    assert results[EANS[3]] in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert results[EANS[4]] is Outcome.RETRY
    assert market.stock[GERMANY, EANS[3]] == 3

    market.price_says |= {
        EANS[1]: ("REJECTED", 106), EANS[2]: ("FAILED", 102), EANS[3]: ("ACCEPTED", 104), EANS[4]: ("NEW", 9),
        EANS[5]: ("PARTIALLY_ACCEPTED", 105), EANS[6]: ("REJECTED", 103),
    }  # fmt: skip
    told = {item.key: item.outcome for item in priced(channel, dict.fromkeys(EANS[:7], "19.90"))}
    assert told[EANS[0]] in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert (told[EANS[1]], told[EANS[6]]) == (Outcome.REJECTED, Outcome.REJECTED)
    assert (told[EANS[2]], told[EANS[4]]) == (Outcome.RETRY, Outcome.RETRY)  # an unlisted status is FAILED
    assert {told[EANS[3]], told[EANS[5]]} <= {Outcome.APPLIED, Outcome.SUBMITTED}
    assert market.prices[GERMANY, EANS[0]]["regular_price"] == {"amount": 19.9, "currency": "EUR"}


def test_two_countries_and_a_short_number(market: Zalando, channel: Any) -> None:
    upc = "036000291452"
    market.catalogue.add("0" + upc)
    assert [item.outcome for item in stocked(channel, {EANS[0]: 2, upc: 7})] == [Outcome.APPLIED] * 2
    stocked(channel, {EANS[0]: 5}, "pl", "PLN")
    assert market.stock == {(GERMANY, EANS[0]): 2, (POLAND, EANS[0]): 5, (GERMANY, "0" + upc): 7}
    [result] = priced(channel, {EANS[0]: "89.95"}, "pl", "PLN")
    assert result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
    assert market.prices[POLAND, EANS[0]]["regular_price"] == {"amount": 89.95, "currency": "PLN"}


def order_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


def test_an_order_is_read_to_the_cent(market: Zalando, channel: Any) -> None:
    placed, ends = datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC), "2026-11-22T09:12:32.169+00:00"
    sold: Json = {
        "shipping_address": PICKUP, "billing_address": HOME, "delivery_end_date": ends, "customer_email": "c@example.com",
        "customer_phone": {"number": "9876543210"}, "shipping_costs": {"amount": 4.9, "currency": "EUR"},
    }  # fmt: skip
    market.sell(order_id(1), {"SKU-1": [99.95, 99.95, 89.9], "SKU-2": [0.1]}, placed, **sold)
    [first, *_] = market.lines(order_id(1)).values()
    first["status"] = "canceled"
    for _ in range(3):
        read = channel.fetch_order(order_id(1))
        assert (read.external_id, read.placed_at, read.currency, read.phase, read.site) == (
            order_id(1), placed, "EUR", OrderPhase.READY, "de",
        )  # fmt: skip
    assert sum(line.quantity for line in read.lines) == 4
    assert sum(line.cancelled for line in read.lines) == 1
    assert sum(line.open for line in read.lines) == 3
    goods = sum((line.total.amount for line in read.lines), start=Money.of("0", "EUR").amount)
    assert goods == Money.of("289.90", "EUR").amount
    assert read.shipping == Money.of("4.90", "EUR")
    assert {line.sku for line in read.lines} == {"SKU-1", "SKU-2"}
    assert all(line.fulfilled_by is FulfilledBy.MERCHANT for line in read.lines)
    assert read.lines[0].ship_by == datetime(2026, 11, 22, 9, 12, 32, 169000, tzinfo=UTC)
    to = read.ship_to
    assert (to.first_name, to.last_name, to.postcode, to.city, to.country) == ("Joe", "Smith", "10178", "Berlin", "DE")
    carried = " ".join([to.street, to.house_number, to.addition, *to.for_delivery])
    assert all(word in carried for word in ("Packstation", "145", "123456789"))
    assert (read.bill_to.street + read.bill_to.house_number).replace(" ", "") == "CharlesStreet1337"
    assert "Dallas Ranch" in " ".join([read.bill_to.addition, *read.bill_to.for_delivery])
    assert (to.phone, to.email) == ("9876543210", "c@example.com")


@pytest.mark.parametrize(
    ("told", "phase"),
    [("initial", OrderPhase.PENDING), ("approved", OrderPhase.READY), ("fulfilled", OrderPhase.READY)],
)
def test_the_phase_of_an_order(market: Zalando, channel: Any, told: str, phase: OrderPhase) -> None:
    market.sell(order_id(2), {"SKU-1": [10]}, status=told, **SOLD)
    for line in market.lines(order_id(2)).values():
        line["status"] = {"initial": "initial", "approved": "reserved", "fulfilled": "returned"}[told]
    read = channel.fetch_order(order_id(2))
    assert read.phase is phase
    assert [(line.open, line.shipped) for line in read.lines] == [(0, 1) if told == "fulfilled" else (1, 0)]


def test_what_belongs_together_is_told_by_relationships(market: Zalando, channel: Any) -> None:
    """The ids among the attributes are optional; those of JSON:API are not."""
    market.bare = True
    market.sell(order_id(3), {"SKU-1": [10, 11], "SKU-2": [12]}, **SOLD)
    read = channel.fetch_order(order_id(3))
    assert sorted((line.sku, line.quantity) for line in read.lines) == [("SKU-1", 1), ("SKU-1", 1), ("SKU-2", 1)] or (
        sorted((line.sku, line.quantity) for line in read.lines) == [("SKU-1", 2), ("SKU-2", 1)]
    )
    assert read.total == Money.of("33", "EUR")


def listed(call: Callable[[str | None], Any]) -> list[str]:
    found, cursor = [], None
    while True:
        page = call(cursor)
        found += [item.external_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("linked", [True, False])
def test_every_order_is_in_the_lists(
    market: Zalando, connect: Callable[..., Any], clock: Clock, *, linked: bool
) -> None:
    market.linked = linked
    channel = connect()
    now = clock()
    assert listed(channel.list_open_orders) == []
    for number in range(200):
        market.sell(order_id(number), {"SKU-1": [10]}, now - timedelta(minutes=5), **SOLD)
    wanted = {order_id(number) for number in range(200)}
    market.sell(order_id(300), {"SKU-1": [10]}, now - timedelta(days=20), **SOLD)
    market.sell(order_id(301), {"SKU-1": [10]}, now - timedelta(minutes=3), **SOLD)
    for line in market.lines(order_id(301)).values():
        line["status"] = "canceled"
    market.sell(order_id(302), {"SKU-1": [10]}, now - timedelta(minutes=3), status="initial", **SOLD)
    market.sell(order_id(303), {"SKU-1": [10]}, now - timedelta(days=2), merchant_order_id="7", **SOLD)
    assert {*listed(channel.list_open_orders)} >= wanted | {order_id(300), order_id(302), order_id(303)}
    found = listed(partial(channel.list_orders, now - timedelta(hours=1)))
    assert {*found} >= wanted | {order_id(301), order_id(302)}
    assert not {order_id(300), order_id(303)} & {*found}


def test_an_order_that_is_paid_while_the_open_ones_are_read(market: Zalando, channel: Any) -> None:
    market.sell(order_id(1), {"SKU-1": [10]}, status="initial", **SOLD)
    first = channel.list_open_orders(None)
    del market.orders[order_id(1)]["attributes"]["status"]
    rest = listed(lambda cursor: channel.list_open_orders(cursor or first.next_cursor))
    assert order_id(1) in [*(item.external_id for item in first.items), *rest]


def confirm(channel: Any, number: int, tracking: str, parts: dict[str, int], reference: str) -> Any:
    lines = tuple(ParcelLine(external_id=name, quantity=many) for name, many in parts.items())
    parcel = Parcel(reference=reference, carrier=channel.carrier_code("DHL", tracking), tracking=tracking, lines=lines)
    return channel.confirm_shipment(channel.fetch_order(order_id(number)), parcel)


def ship(connect: Callable[[], Any], clock: Clock, number: int, tracking: str, parts: dict[str, int], name: str) -> Any:
    """As the engine does it: again, when it is told to come later, until there is an answer."""
    for _ in range(6):
        result = confirm(connect(), number, tracking, parts, name)
        if result.outcome is not Outcome.RETRY:
            break
        clock.ahead += result.after or timedelta(seconds=30)
    return result


def sold(market: Zalando, channel: Any, number: int, items: dict[str, list[float]]) -> list[Any]:
    market.sell(order_id(number), items, **SOLD)
    order = channel.fetch_order(order_id(number))
    told = channel.acknowledge_order(order, "WC #1001/ä")
    assert told is None or told.outcome is Outcome.APPLIED, told
    assert "1001" in market.orders[order_id(number)]["attributes"]["merchant_order_id"]
    lines: list[Any] = list(channel.fetch_order(order_id(number)).lines)
    return lines


def test_a_parcel_is_shipped_with_its_number_first(market: Zalando, connect: Callable[..., Any], clock: Clock) -> None:
    """Also where another process goes on with it."""
    channel = connect(return_tracking="same")
    lines = sold(market, channel, 5, {"SKU-1": [10, 10], "SKU-2": [5]})
    parts = {line.external_id: line.quantity for line in lines}
    result = ship(lambda: connect(return_tracking="same"), clock, 5, "JJD1", parts, "P1")
    assert result.outcome is Outcome.APPLIED, result
    told = market.orders[order_id(5)]["attributes"]
    assert (told["tracking_number"], told["return_tracking_number"]) == ("JJD1", "JJD1")
    assert {line["status"] for line in market.lines(order_id(5)).values()} == {"shipped"}
    assert market.raced == []
    assert [line.open for line in channel.fetch_order(order_id(5)).lines] == [0] * len(lines)
    again = ship(connect, clock, 5, "JJD1", parts, "P1")
    assert again.outcome is Outcome.APPLIED


def test_parcels_of_a_part(market: Zalando, connect: Callable[..., Any], clock: Clock) -> None:
    """An order has one number: the first stays."""
    channel = connect()
    lines = sold(market, channel, 6, {"SKU-1": [10, 10], "SKU-2": [5]})
    one = ship(connect, clock, 6, "JJD1", {lines[0].external_id: 1}, "P1")
    assert one.outcome is Outcome.APPLIED, one
    assert [line["status"] for line in market.lines(order_id(6)).values()].count("shipped") == 1
    left = {line.external_id: line.open for line in channel.fetch_order(order_id(6)).lines if line.open}
    assert sum(left.values()) == 2
    two = ship(connect, clock, 6, "JJD2", left, "P2")
    assert two.outcome is Outcome.APPLIED, two
    assert {line["status"] for line in market.lines(order_id(6)).values()} == {"shipped"}
    assert market.orders[order_id(6)]["attributes"]["tracking_number"] == "JJD1"
    assert market.raced == []


SPLIT: Json = {"split_shipments": True, "parcel_weight": 500}


def test_an_order_in_two_shipments(market: Zalando, connect: Callable[..., Any], clock: Clock) -> None:
    """Each with its own number, and nothing of it is told of the order as a whole: the two ways do not go together."""
    lines = sold(market, connect(), 6, {"SKU-1": [10, 10], "SKU-2": [5]})
    first, *rest = [line.external_id for line in lines]
    assert ship(lambda: connect(**SPLIT), clock, 6, "JJD1", {first: 1}, "P1").outcome is Outcome.APPLIED
    assert ship(lambda: connect(**SPLIT), clock, 6, "JJD2", dict.fromkeys(rest, 1), "P2").outcome is Outcome.APPLIED
    order = market.orders[order_id(6)]
    sent = {
        one.get("tracking_number"): [part["order_line_id"] for part in one["order_lines"]] for one in order["shipments"]
    }
    assert sent == {None: [], "JJD1": [first], "JJD2": rest}
    assert {line["status"] for line in market.lines(order_id(6)).values()} == {"shipped"}
    assert "tracking_number" not in order["attributes"]
    assert "patch-line" not in market.asked


def test_a_shipment_that_is_made_stays_one(market: Zalando, connect: Callable[..., Any], clock: Clock) -> None:
    """The rest of the order is cancelled between the shipment's two steps: it is all of the order now."""
    lines = sold(market, connect(), 6, {"SKU-1": [10, 10]})
    first, second = (line.external_id for line in lines)
    channel = connect(**SPLIT)
    begun = confirm(channel, 6, "JJD1", {first: 1}, "P1")
    assert begun.outcome is Outcome.RETRY
    market.lines(order_id(6))[second]["status"] = "canceled"
    assert ship(lambda: channel, clock, 6, "JJD1", {first: 1}, "P1").outcome is Outcome.APPLIED
    order = market.orders[order_id(6)]
    assert [one["status"] for one in order["shipments"]] == ["initial", "shipped"]
    assert "tracking_number" not in order["attributes"]
    assert "patch-line" not in market.asked


def test_cancelling(market: Zalando, channel: Any) -> None:
    lines = sold(market, channel, 7, {"SKU-1": [10, 10, 10]})
    first = lines[0]
    result = channel.cancel_line(order_id(7), first.external_id, 1, CancelReason.OUT_OF_STOCK)
    assert result.outcome is Outcome.APPLIED, result
    assert [line["status"] for line in market.lines(order_id(7)).values()].count("canceled") == 1
    assert sum(line.open for line in channel.fetch_order(order_id(7)).lines) == 2
    missing = channel.cancel_line(order_id(7), str(uuid.uuid4()), 1, CancelReason.OUT_OF_STOCK)
    assert missing.outcome in (Outcome.MISSING, Outcome.REJECTED)


def test_what_zalando_cancelled_meanwhile_is_not_shipped(market: Zalando, channel: Any, clock: Clock) -> None:
    """It is told, and what of the parcel was told of is read from the order."""
    first, second = (line.external_id for line in sold(market, channel, 8, {"SKU-1": [10, 10]}))
    assert confirm(channel, 8, "JJD1", {first: 1, second: 1}, "P1").outcome is Outcome.RETRY
    market.lines(order_id(8))[first]["status"] = "canceled"
    result = ship(lambda: channel, clock, 8, "JJD1", {first: 1, second: 1}, "P1")
    assert result.outcome is Outcome.REJECTED
    assert first in result.message
    read = {
        line.external_id: (line.open, line.shipped, line.cancelled) for line in channel.fetch_order(order_id(8)).lines
    }
    assert read == {first: (0, 0, 1), second: (0, 1, 0)}


def announce(market: Zalando, number: int, order: str, lines: dict[str, str], at: datetime) -> None:
    items = market.orders[order]["items"]
    of = {line: item for item, told in items.items() for line in told["lines"]}
    told = [{"order_line_id": line, "order_item_id": of[line], "return_reason": why} for line, why in lines.items()]
    market.announced.append(
        {
            "announced_return_id": str(uuid.UUID(int=10_000 + number)), "sales_channel_id": GERMANY, "at": at,
            "return_tracking_number": f"R{number}", "type": "ZALANDO_ONLINE_CREATED",
            "orders": [{"order_id": order, "order_number": "1040970000502251", "order_lines": told}],
        }
    )  # fmt: skip


def every_return(channel: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = channel.list_returns(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_returns(market: Zalando, channel: Any, clock: Clock) -> None:
    """The last page names another, which is empty."""
    now = clock()
    for number in range(120):
        market.sell(order_id(number), {"SKU-1": [10, 10]}, status="fulfilled", merchant_order_id="7", **SOLD)
        lines = market.lines(order_id(number))
        for line in lines.values():
            line["status"] = "shipped"
        announce(
            market,
            number,
            order_id(number),
            dict.fromkeys(lines, "TOO_LARGE"),
            now - timedelta(hours=1, minutes=number),
        )
    found = every_return(channel)
    assert len({item.external_id for item in found}) == 120
    first = next(item for item in found if any(line.order_id == order_id(0) for line in item.lines))
    assert abs(first.registered_at - (now - timedelta(hours=1))) < timedelta(seconds=1)
    assert sum(line.quantity for line in first.lines) == 2
    assert {line.reason for line in first.lines} == {"TOO_LARGE"}
    [decided, *_] = first.lines
    result = channel.decide_return(decided.external_id, ReturnDecision.ACCEPTED, 1)
    assert result.outcome is Outcome.APPLIED, result
    states = [line["status"] for line in market.lines(order_id(0)).values()]
    assert sorted(states) == ["returned", "shipped"]
    again = channel.decide_return(decided.external_id, ReturnDecision.ACCEPTED, 1)
    assert again.outcome in (Outcome.APPLIED, Outcome.REJECTED, Outcome.MISSING)


def test_a_token_that_ends_and_a_limit_that_is_reached(market: Zalando, channel: Any) -> None:
    with pytest.raises(NotFound):
        channel.fetch_order(order_id(9))
    market.refused.clear()
    market.sell(order_id(9), {"SKU-1": [10]}, **SOLD)
    market.uses = 3
    market.tokens.clear()
    for _ in range(4):
        assert channel.fetch_order(order_id(9)).external_id == order_id(9)
    limit = {"Retry-After": "7", "X-Rate-Limit": "2000"}
    market.trouble["order"] = [Refusal(429, "Too many requests", headers=limit)] * 9
    with pytest.raises(SlowDown) as slow:
        channel.fetch_order(order_id(9))
    assert slow.value.after is not None
    assert slow.value.after.total_seconds() >= 7
