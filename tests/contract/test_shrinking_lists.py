"""Lists that shrink while they are read: what leaves them moves the rest up, past where a reader by offset goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import pytest

from bridge.bench._seed import ean13
from bridge.domain.listing import LiveOffer
from bridge.domain.order import CancelReason, OrderPhase, ParcelLine
from bridge.domain.values import Value
from bridge.flows import paging
from bridge.ports.adapter import Adapter
from bridge.ports.channel import OfferRef, OrderRef, Outcome, Page
from bridge.ports.manifest import Capability
from tests.contract.market import Market, pages, pages_while, short, soon
from tests.contract.suite import Bench, rule

V = TypeVar("V", bound=Value)
AT_ONCE, MOST = 120, 1200
LEAVE = 3


@pytest.fixture
def market(adapter: Adapter, serve: Callable[..., str]) -> Iterator[Market]:
    bench = Bench(adapter, serve(adapter.sandbox()))
    with bench.http:
        market = Market(bench)
        market.control("limits", {"share": None})
        yield market


def _first(read: Callable[[str | None], Page[V]]) -> Sequence[V]:
    """The first page that has anything on it."""
    return next((page for page in paging.pages(read) if page), ())


@rule("shrinking-lists", kind="channel", needs=Capability.SHIPMENTS)
def test_open_orders_that_are_done_meanwhile_hide_no_other(market: Market) -> None:
    placed, sku = set[str](), market.goods()
    while len(placed) < MOST and placed <= _names(_first(market.channel.list_open_orders)):
        placed |= _order(market, sku)
    done = set[str]()

    def handle(refs: Sequence[OrderRef]) -> None:
        for ref in refs[:LEAVE]:
            _handle(market, ref)
            done.add(short(ref.external_id))

    read = _names(pages_while(market.channel.list_open_orders, handle))
    assert len(done) == LEAVE
    assert placed - done <= read
    soon(lambda: not done & _names(pages(market.channel.list_open_orders)))


def _order(market: Market, sku: str) -> set[str]:
    """More orders, waited for until they are listed."""
    placed = {short(name) for name in market.buy_many(sku, AT_ONCE)}
    soon(lambda: placed <= _names(pages(market.channel.list_open_orders)))
    return placed


def _names(refs: Iterable[OrderRef]) -> set[str]:
    return {short(ref.external_id) for ref in refs}


def _handle(market: Market, ref: OrderRef) -> None:
    """Whatever takes an order off the list: declined, else cancelled, else shipped."""
    order = market.channel.fetch_order(ref.external_id)
    if order.phase is OrderPhase.AWAITING_ACCEPTANCE:
        results = [market.channel.accept_order(order, [line.external_id for line in order.lines])]
    elif Capability.CANCEL in market.bench.adapter.manifest.capabilities:
        results = [
            market.channel.cancel_line(ref.external_id, line.external_id, line.open, CancelReason.OUT_OF_STOCK)
            for line in order.lines
        ]
    else:
        lines = tuple(ParcelLine(external_id=line.external_id, quantity=line.open) for line in order.lines)
        results = [market.channel.confirm_shipment(order, market.parcel(order, *lines))]
    assert {market.outcome(result)[0] for result in results} == {Outcome.APPLIED}


def _offer(market: Market, first: int) -> set[str]:
    """More offers, waited for until they are listed."""
    numbers = range(first, first + AT_ONCE)
    bodies = [{"sku": f"S-{at:05d}", "ean": ean13(at), "stock": 5, "price": 10.95} for at in numbers]
    market.control("batch", {"path": "offers", "bodies": bodies})
    made = {str(body["sku"]) for body in bodies}
    soon(lambda: {offer.sku for offer in pages(market.channel.list_offers)} >= made)
    return made


@rule("shrinking-lists", kind="channel", needs=Capability.READ_BACK)
def test_offers_that_end_meanwhile_hide_no_other(market: Market) -> None:
    offered = set[str]()
    while len(offered) < MOST and offered <= {offer.sku for offer in _first(market.channel.list_offers)}:
        offered |= _offer(market, len(offered) + 1)
    ended = set[str]()

    def end(offers: Sequence[LiveOffer]) -> None:
        names = {offer.sku or "": offer for offer in offers}
        refs = [
            OfferRef(key=sku, site=offer.site, offer_id=offer.offer_id, sku=sku, gtin=offer.gtin or "")
            for sku, offer in list(names.items())[:LEAVE]
        ]
        for result in market.channel.end_offers(refs):
            assert market.outcome(result)[0] is Outcome.APPLIED
        ended.update(ref.sku for ref in refs)

    read = {offer.sku for offer in pages_while(market.channel.list_offers, end)}
    assert len(ended) == LEAVE
    assert offered - ended <= read
