"""Mirakl's adapter against a Mirakl that was written from its description by nobody who had seen the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, OrderPhase, Parcel, ParcelLine
from bridge.domain.returns import ChannelRefund, ReturnDecision
from bridge.ports.channel import OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import NotFound, SlowDown
from bridge.registry import discover
from tests.support.independent import Json, Refusal
from tests.support.independent_mirakl import Mirakl, mirakl
from tests.support.played import Clock, connecting, everything

CONTENT = OfferContent(title="A thing", description="Made of things")
EANS = [f"{number:013}" for number in range(4006381333931, 4006381333951)]
HOME: Json = {
    "firstname": "Ada", "lastname": "Byron", "street_1": "1 rue de la Paix", "street_2": "Bât. B", "zip_code": "75002",
    "city": "Paris", "country": "France", "country_iso_code": "FRA", "phone": "0612345678", "company": "ACME",
    "additional_info": "Ring twice",
}  # fmt: skip


@pytest.fixture(params=[True, False], ids=["nulls", "left out"])
def market(request: pytest.FixtureRequest, specs_dir: Path) -> Iterator[Mirakl]:
    key = str(discover().channels["mirakl"].sandbox_credentials["api_key"])
    made = mirakl(specs_dir, key=key, catalogue=set(EANS), spelled=request.param)
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Mirakl, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("mirakl", serve(market.app()), Clock()) as connect:
        yield connect


@pytest.fixture
def channel(connect: Callable[..., Any]) -> Any:
    return connect()


def euro(value: str) -> Money:
    return Money.of(value, "EUR")


def draft(sku: str, ean: str, stock: int = 5, price: str = "19.95") -> OfferDraft:
    return OfferDraft(key=sku, sku=sku, gtin=ean, stock=stock, price=euro(price), content=CONTENT)


def settled(market: Mirakl, channel: Any, results: list[Any]) -> dict[str, tuple[SubmissionState, str]]:
    """How each ended, by its key."""
    assert {result.outcome for result in results} == {Outcome.SUBMITTED}, results
    found: dict[str, Any] = {}
    for _ in range(market.pending + 2):
        found |= {status.submission: status for status in channel.follow([one.submission for one in results])}
    return {one.key: (found[one.submission].state, found[one.submission].message) for one in results}


def test_the_life_of_offers(market: Mirakl, channel: Any) -> None:
    assert channel.check().name == "Shop"
    skus = {"SKU-1": EANS[0], 'SKU;"ü" 2': EANS[1], "007": EANS[2]}
    made = settled(market, channel, channel.create_offers([draft(sku, ean) for sku, ean in skus.items()]))
    assert {state for state, _ in made.values()} == {SubmissionState.DONE}, made
    assert set(market.offers) == set(skus)
    updates = [StockUpdate(key=sku, offer_id=sku, sku=sku, gtin=ean, stock=7) for sku, ean in skus.items()]
    assert {state for state, _ in settled(market, channel, channel.update_stock(updates)).values()} == {
        SubmissionState.DONE
    }
    prices = [PriceUpdate(key=sku, offer_id=sku, sku=sku, gtin=ean, price=euro("9.90")) for sku, ean in skus.items()]
    assert {state for state, _ in settled(market, channel, channel.update_prices(prices)).values()} == {
        SubmissionState.DONE
    }
    live = {
        offer.sku: (offer.stock, offer.price, offer.gtin, offer.for_sale) for offer in everything(channel.list_offers)
    }
    assert live == {sku: (7, euro("9.90"), ean, True) for sku, ean in skus.items()}
    assert [offer.sku for offer in channel.find_offers([], [EANS[1]])] == ['SKU;"ü" 2']
    refs = [OfferRef(key=sku, offer_id=sku, sku=sku, gtin=ean) for sku, ean in skus.items()]
    assert {state for state, _ in settled(market, channel, channel.end_offers(refs)).values()} == {SubmissionState.DONE}
    assert market.offers == {}
    assert {one.outcome for one in channel.end_offers(refs)} == {Outcome.MISSING}


def test_each_line_of_an_import_has_its_own_end(market: Mirakl, channel: Any) -> None:
    """What is wrong stands in the reports, in any order, under columns that are not named for stock and prices."""
    drafts = [draft(f"SKU-{number}", ean) for number, ean in enumerate(EANS[:4])]
    market.says["SKU-2"] = 'Refused; "why"\nis not told'
    made = settled(market, channel, channel.create_offers(drafts))
    assert [state for state, _ in made.values()].count(SubmissionState.DONE) == 3
    assert made["SKU-2"] == (SubmissionState.FAILED, 'Refused; "why"\nis not told')
    market.says = {"SKU-1": "No; stock"}
    updates = [StockUpdate(key=one.sku, offer_id=one.sku, sku=one.sku, stock=3) for one in drafts]
    stock = settled(market, channel, channel.update_stock(updates))
    assert stock["SKU-0"][0] is stock["SKU-3"][0] is SubmissionState.DONE
    assert stock["SKU-1"] == (SubmissionState.FAILED, "No; stock")
    assert stock["SKU-2"] == (SubmissionState.FAILED, "The offer does not exist")
    prices = [PriceUpdate(key=one.sku, offer_id=one.sku, sku=one.sku, price=euro("7")) for one in drafts]
    priced = settled(market, channel, channel.update_prices(prices))
    assert priced["SKU-1"] == (SubmissionState.FAILED, "No; stock")
    assert priced["SKU-3"][0] is SubmissionState.DONE
    assert market.offers["SKU-3"]["price"] == 7
    assert market.offers["SKU-1"]["price"] == 19.95


def test_an_import_that_failed_tells_nothing_of_its_lines(market: Mirakl, channel: Any) -> None:
    settled(market, channel, channel.create_offers([draft("SKU-1", EANS[0])]))
    market.fails = ["FAILED"]
    made = settled(
        market, channel, channel.update_stock([StockUpdate(key="k", offer_id="SKU-1", sku="SKU-1", stock=1)])
    )
    assert made["k"][0] is SubmissionState.GONE


def test_a_limit_is_told_with_its_end(market: Mirakl, channel: Any) -> None:
    limit = Refusal(429, "too many requests in the last hour", headers={"Retry-After": "11"})
    market.trouble["OR11"] = [limit] * 9
    with pytest.raises(SlowDown) as slow:
        channel.fetch_order("1-A")
    assert slow.value.after == timedelta(seconds=11)


def sold(market: Mirakl, number: int = 1, state: str = "SHIPPING", **given: Any) -> str:
    order_id = f"{number}-A"
    lines = given.pop("lines", [{"sku": "SKU-1", "quantity": 3, "price_unit": 10}])
    market.sell(order_id, *lines, state=state, **{"address": HOME} | given)
    return order_id


def test_every_open_order_is_seen(market: Mirakl, channel: Any) -> None:
    """Also those that move up because others were shipped while the list was read."""
    for number in range(230):
        sold(market, number, at=datetime.now(UTC) - timedelta(days=1, minutes=-number))
    market.between = lambda: [market.move(f"{number}-A", "SHIPPED") for number in range(5)] and None
    seen = {ref.external_id for ref in everything(channel.list_open_orders)}
    assert {f"{number}-A" for number in range(5, 230)} <= seen


def test_changed_orders_are_seen(market: Mirakl, channel: Any) -> None:
    """Newly changed ones come between those of the list: it is ordered by when they were placed."""
    now = datetime.now(UTC)
    for number in range(130):
        sold(market, number, at=now - timedelta(hours=2, minutes=-number / 10))
    sold(market, 500, at=now - timedelta(days=9))
    seen = {ref.external_id for ref in everything(lambda cursor: channel.list_orders(now - timedelta(hours=3), cursor))}
    assert seen == {f"{number}-A" for number in range(130)}
    market.move("500-A", "CANCELED")
    seen = {ref.external_id for ref in everything(lambda cursor: channel.list_orders(now - timedelta(hours=3), cursor))}
    assert "500-A" in seen


TAXED: Json = {
    "taxes": [{"code": "V", "amount": 6.01, "rate": 20, "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT"}],
    "shipping_price": 5,
    "shipping_taxes": [{"code": "V", "amount": 1, "rate": 20, "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT"}],
}


@pytest.mark.parametrize("mode", ["TAX_INCLUDED", "TAX_EXCLUDED"])
def test_what_the_buyer_pays(market: Mirakl, channel: Any, mode: str) -> None:
    eco = [{"epr_category_code": "FR-DEEE", "producer_id": "P", "producer_id_owner": "SELLER", "unit_amount": 0.5}]
    first = {"sku": "SKU-1", "quantity": 3, "price_unit": 10.0, "eco_contributions": eco} | TAXED
    second = {"sku": "SKU-2", "quantity": 1, "price_unit": 7.5, "fees": [{"code": "F", "amount": 0.65}]}
    order = channel.fetch_order(sold(market, lines=[first, second], order_tax_mode=mode))
    more = (Decimal("6.01"), Decimal(1)) if mode == "TAX_EXCLUDED" else (Decimal(0), Decimal(0))
    one, two = order.lines
    assert (one.total.amount, one.tax) == (Decimal(30) + more[0], euro("6.01"))
    assert two.total.amount == Decimal("8.15")
    assert (order.shipping.amount, order.shipping_tax) == (Decimal(5) + more[1], euro("1"))
    assert order.total.amount == Decimal("43.15") + sum(more)
    address = order.ship_to
    assert (address.name, address.country, address.postcode) == ("Ada Byron", "FR", "75002")
    assert address.extra["note"] == "Ring twice"


def test_acceptance_line_by_line(market: Mirakl, channel: Any) -> None:
    lines = [{"sku": f"SKU-{number}", "quantity": 2, "price_unit": 10} for number in range(2)]
    order_id = sold(market, state="WAITING_ACCEPTANCE", lines=lines, shipping_pudo_id="PUDO-7")
    order = channel.fetch_order(order_id)
    assert order.phase is OrderPhase.AWAITING_ACCEPTANCE
    assert order.ship_to.street == ""
    result = channel.accept_order(order, [order.lines[1].external_id])
    assert result.outcome is Outcome.APPLIED, result
    waiting = channel.fetch_order(order_id)
    assert waiting.phase is OrderPhase.PENDING
    assert [line.open for line in waiting.lines] == [2, 0]
    assert channel.accept_order(order, [order.lines[1].external_id]).outcome is Outcome.APPLIED
    market.refused.clear()  # said twice, it is refused, and known to be done
    market.move(order_id, "SHIPPING")
    ready = channel.fetch_order(order_id)
    assert (ready.phase, ready.ship_to.city) == (OrderPhase.READY, "Paris")
    assert ready.ship_to.extra["pickup_point"] == "PUDO-7"


def ship(channel: Any, order_id: str, lines: dict[str, int], carrier: str = "DHL", tracking: str = "T1") -> Any:
    parts = tuple(ParcelLine(external_id=name, quantity=many) for name, many in lines.items())
    code = channel.carrier_code(carrier, tracking)
    parcel = Parcel(reference=f"P {tracking}", carrier=code, tracking=tracking, lines=parts)
    return channel.confirm_shipment(channel.fetch_order(order_id), parcel)


@pytest.mark.parametrize(("carrier", "told"), [("DHL", "carrier_code"), ("Poste Bleue", "carrier_name")])
def test_an_order_in_one_shipment(market: Mirakl, channel: Any, carrier: str, told: str) -> None:
    order_id = sold(market)
    assert ship(channel, order_id, {f"{order_id}-1": 2}, carrier).outcome is Outcome.REJECTED
    result = ship(channel, order_id, {f"{order_id}-1": 3}, carrier)
    assert result.outcome is Outcome.APPLIED, result
    assert market.orders[order_id]["state"] == "SHIPPED"
    assert market.orders[order_id]["tracking"] == {told: carrier, "tracking_number": "T1"}
    assert [line.open for line in channel.fetch_order(order_id).lines] == [0]


def test_an_order_in_several_shipments(market: Mirakl, connect: Callable[..., Any]) -> None:
    market.multi = True
    channel = connect()
    lines = [{"sku": f"SKU-{number}", "quantity": 3, "price_unit": 10} for number in range(2)]
    order_id = sold(market, lines=lines)
    assert ship(channel, order_id, {f"{order_id}-1": 2, f"{order_id}-2": 3}).outcome is Outcome.APPLIED
    assert [line.open for line in channel.fetch_order(order_id).lines] == [1, 0]
    over = ship(channel, order_id, {f"{order_id}-1": 2}, tracking="T2")
    assert over.outcome is Outcome.REJECTED
    assert ship(channel, order_id, {f"{order_id}-1": 1}, "Poste Bleue", "T3").outcome is Outcome.APPLIED
    assert market.orders[order_id]["state"] == "SHIPPED"
    assert [one["tracking"].get("carrier_name") for one in market.shipments.values()] == [None, "Poste Bleue"]


UNWORKED: Json = {
    "taxes": [{"code": "V", "amount": 1, "rate": 4, "tax_calculation_rule": "NONE"}], "shipping_price": 5,
    "shipping_taxes": [{"code": "V", "amount": 0.5, "rate": 10, "tax_calculation_rule": "NONE"}],
}  # fmt: skip


@pytest.mark.parametrize("mode", ["TAX_INCLUDED", "TAX_EXCLUDED"])
@pytest.mark.parametrize("taxes", [TAXED, UNWORKED], ids=["worked out", "to be told"])
def test_cancelling_unit_by_unit(market: Mirakl, channel: Any, mode: str, taxes: Json) -> None:
    """With the last unit nothing is left, of the price nor of the taxes."""
    order_id = sold(market, lines=[{"sku": "S", "quantity": 3, "price_unit": 10} | taxes], order_tax_mode=mode)
    key = f"{order_id}-1"
    for open_ in (2, 1, 0):
        result = channel.cancel_line(order_id, key, 1, CancelReason.OUT_OF_STOCK)
        assert result.outcome is Outcome.APPLIED, result
        assert [line.open for line in channel.fetch_order(order_id).lines] == [open_]
    told = market.lines(order_id)[key]["cancelations"]
    assert market.orders[order_id]["state"] == "CANCELED"
    assert gone(told, "amount") == Decimal(30)
    assert gone(told, "shipping_amount") == Decimal(5)
    for name in ("taxes", "shipping_taxes"):
        assert sum(gone(one[name], "amount") for one in told) == gone(taxes[name], "amount"), name


def gone(entries: list[Json], name: str) -> Decimal:
    return sum((Decimal(str(entry[name])) for entry in entries), Decimal(0))


@pytest.mark.parametrize("mode", ["TAX_INCLUDED", "TAX_EXCLUDED"])
@pytest.mark.parametrize("taxes", [TAXED, UNWORKED], ids=["worked out", "to be told"])
def test_refunds_to_the_cent(market: Mirakl, channel: Any, mode: str, taxes: Json) -> None:
    """Unit by unit what the buyer has paid, and each once."""
    line = {"sku": "S", "quantity": 3, "price_unit": 10, "fees": [{"code": "F", "amount": 0.65}]} | taxes
    order_id = sold(market, lines=[line], order_tax_mode=mode)
    ship(channel, order_id, {f"{order_id}-1": 3})
    order = channel.fetch_order(order_id)
    left, shipping = order.lines[0].total.amount, order.shipping
    parts = [(left / 3).quantize(Decimal("0.01"))] * 2
    parts.append(left - sum(parts))
    for number, part in enumerate(parts):
        wish = ChannelRefund(
            line_id=f"{order_id}-1", quantity=1, amount=Money(amount=part, currency="EUR"), alike=parts[:number].count(part),
            shipping=shipping if number == 2 else None, before=Money(amount=sum(parts[:number], Decimal(0)), currency="EUR"),
        )  # fmt: skip
        for _ in range(2):
            result = channel.refund(order_id, [wish], f"R{number}")
            assert result.outcome is Outcome.APPLIED, result
    told = market.lines(order_id)[f"{order_id}-1"]["refunds"]
    assert len(told) == 3
    assert gone(told, "amount") == Decimal(30)
    assert gone(told, "shipping_amount") == Decimal(5)
    assert sum(gone(one["fees"], "amount") for one in told) == Decimal("0.65")
    for name in ("taxes", "shipping_taxes"):
        assert sum(gone(one[name], "amount") for one in told) == gone(taxes[name], "amount"), name


def test_what_the_operator_did_to_an_order(market: Mirakl, channel: Any) -> None:
    """A cancellation's quantity is informative; an incident stops no parcel that has left."""
    lines = [{"sku": f"SKU-{number}", "quantity": 2, "price_unit": 10} for number in range(3)]
    order_id = sold(market, state="SHIPPED", lines=lines)
    first, second, third = market.lines(order_id).values()
    third["shipped_date"] = market.moment(market.now())
    entry = {"id": "1", "amount": 20, "quantity": 0, "created_date": market.moment(market.now()), "reason_code": "X"}
    first |= {"order_line_state": "CANCELED", "cancelations": [entry]}
    second["order_line_state"] = "INCIDENT_OPEN"
    third |= {"order_line_state": "REFUNDED"}
    order = channel.fetch_order(order_id)
    assert [(line.cancelled, line.shipped, line.open) for line in order.lines] == [(2, 0, 0), (0, 2, 0), (0, 2, 0)]
    with pytest.raises(NotFound):
        channel.fetch_order("404-A")


def test_returns(market: Mirakl, channel: Any) -> None:
    order_id = sold(market, state="RECEIVED")
    keys = [market.send_back(order_id, (f"{order_id}-1", 1), state="IN_PROGRESS") for _ in range(130)]
    waiting = market.send_back(order_id, (f"{order_id}-1", 2))
    refused = market.send_back(order_id, (f"{order_id}-1", 2))
    found = {one.external_id: one for one in everything(channel.list_returns)}
    assert set(found) == {*keys, waiting, refused}
    assert found[waiting].lines[0].reason == "changed mind"
    for key, decision in ((keys[0], ReturnDecision.ACCEPTED), (waiting, ReturnDecision.ACCEPTED),
                          (refused, ReturnDecision.REFUSED), (keys[1], ReturnDecision.REFUSED)):  # fmt: skip
        [line] = found[key].lines
        result = channel.decide_return(line.external_id, decision, line.quantity)
        assert result.outcome is Outcome.APPLIED, result
    assert [market.returns[key]["state"] for key in (keys[0], waiting, refused, keys[1])] == [
        "RECEIVED", "RECEIVED", "REFUSED", "RECEIVED"]  # fmt: skip
    assert [market.returns[key]["return_lines"][0]["compliance"][0]["compliant"] for key in (waiting, keys[1])] == [
        True, False]  # fmt: skip
    handled = {one.external_id: one.lines[0].handled for one in everything(channel.list_returns)}
    assert handled[waiting]
    assert handled[refused]
    assert not handled[keys[2]]
