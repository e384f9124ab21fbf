"""Lists that shrink while they are read, of marketplaces that were written by nobody who had seen the adapters: each entry
that stays is read, whatever leaves the list before it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contract.market import pages_while
from tests.contract.test_independent_allegro import offer as allegro_offer
from tests.contract.test_independent_bol import line as bol_line
from tests.contract.test_independent_bol import order as bol_order
from tests.contract.test_independent_bol import returned as bol_returned
from tests.contract.test_independent_kaufland import draft as kaufland_draft
from tests.contract.test_independent_kaufland import euro
from tests.contract.test_independent_zalando import SOLD
from tests.support.independent_allegro import Allegro, number
from tests.support.independent_allegro_offers import zloty
from tests.support.independent_bol import Bol, bol
from tests.support.independent_ebay_life import draft as ebay_draft
from tests.support.independent_ebay_orders import Ebay
from tests.support.independent_kaufland import kaufland
from tests.support.independent_zalando import zalando
from tests.support.played import Clock, connecting, everything, given, seller_at_allegro

LEAVE = 3


@pytest.fixture
def connect(serve: Callable[..., str]) -> Iterator[Callable[[str, Any], Any]]:
    """The adapter's channel at a marketplace."""
    open_ones = []

    def connect(name: str, market: Any) -> Any:
        opened = connecting(name, serve(market.app()), Clock())
        open_ones.append(opened)
        return opened.__enter__()()

    yield connect
    for opened in open_ones:
        opened.__exit__(None, None, None)


def loses_nothing(
    read: Callable[[str | None], Any], name: Callable[[Any], str], leave: Callable[[str], object], everyone: set[str]
) -> None:
    gone: list[str] = []

    def happens(items: Sequence[Any]) -> None:
        gone.extend([name(item) for item in items][:LEAVE])
        for one in gone:
            leave(one)

    seen = {name(item) for item in pages_while(read, happens)}
    assert len(gone) == LEAVE
    assert everyone - {*gone} <= seen, sorted(everyone - {*gone} - seen)
    assert not {*gone} & {name(item) for item in everything(read)}


@pytest.fixture
def at_bol(specs_dir: Path) -> Bol:
    keys = given("bol")
    return bol(specs_dir / "bol", client=(keys["client_id"], keys["client_secret"]))


@pytest.mark.parametrize("count", [51, 100, 170])
def test_open_orders_of_bol(at_bol: Bol, connect: Callable[[str, Any], Any], count: int) -> None:
    for at in range(count):
        at_bol.sell(bol_order(f"N{at}", bol_line(str(at), 1, 5, 5)))

    def ship(order_id: str) -> None:
        at_bol.orders[order_id]["orderItems"][0]["quantityShipped"] = 1

    channel = connect("bol", at_bol)
    loses_nothing(channel.list_open_orders, _id, ship, {f"N{at}" for at in range(count)})


def test_bol_is_asked_once_where_all_orders_are_on_a_page(at_bol: Bol, connect: Callable[[str, Any], Any]) -> None:
    """And each page but the last twice where they are not: 3 pages are 5 calls."""
    channel = connect("bol", at_bol)
    for count, calls in ((49, 1), (120, 5)):
        for at in range(count):
            at_bol.sell(bol_order(f"N{at}", bol_line(str(at), 1, 5, 5)))
        at_bol.asked.clear()
        assert len({_id(ref) for ref in everything(channel.list_open_orders)}) == count
        assert at_bol.asked.count("get-orders") == calls


def test_changed_orders_of_bol(at_bol: Bol, connect: Callable[[str, Any], Any]) -> None:
    """The oldest change leaves a list of the last minutes as time goes by."""
    since = datetime.now(UTC) - timedelta(minutes=20)
    for at in range(120):
        at_bol.sell(bol_order(f"N{at}", bol_line(str(at), 1, 5, 5)))
    channel = connect("bol", at_bol)
    everyone = {f"N{at}" for at in range(120)}
    loses_nothing(lambda cursor: channel.list_orders(since, cursor), _id, at_bol.orders.pop, everyone)


def test_returns_of_bol(at_bol: Bol, connect: Callable[[str, Any], Any]) -> None:
    for at in range(120):
        at_bol.returns[str(at)] = bol_returned(str(at), str(1000 + at), 1)
    channel = connect("bol", at_bol)
    loses_nothing(channel.list_returns, _id, at_bol.returns.pop, {str(at) for at in range(120)})


def test_units_of_kaufland(specs_dir: Path, connect: Callable[[str, Any], Any]) -> None:
    keys = given("kaufland")
    market = kaufland(specs_dir / "kaufland", keys=(keys["client_key"], keys["secret_key"]))
    market.hidden = timedelta(0)
    channel = connect("kaufland", market)
    channel.create_offers([kaufland_draft("SKU-0", "4006381333931", 5, euro("9"))])
    [(first, unit)] = market.units.items()
    for at in range(1, 250):
        market.units[first + at] = {**unit, "id_unit": first + at, "id_offer": f"SKU-{at}"}

    def end(sku: str) -> None:
        del market.units[next(key for key, unit in market.units.items() if unit["id_offer"] == sku)]

    loses_nothing(channel.list_offers, _sku, end, {f"SKU-{at}" for at in range(250)})


@pytest.fixture
def at_allegro(specs_dir: Path) -> Allegro:
    return seller_at_allegro(specs_dir, Clock())


def test_offers_of_allegro(at_allegro: Allegro, connect: Callable[[str, Any], Any]) -> None:
    for at in range(1100):
        allegro_offer(at_allegro, at, 5, "10.00")

    def end(sku: str) -> None:
        del at_allegro.offers[next(key for key, one in at_allegro.offers.items() if one["external"]["id"] == sku)]

    channel = connect("allegro", at_allegro)
    loses_nothing(channel.list_offers, _sku, end, {f"SKU-{at}" for at in range(1100)})


def test_returns_of_allegro(at_allegro: Allegro, connect: Callable[[str, Any], Any]) -> None:
    now = datetime.now(UTC)
    for at in range(150):
        form = at_allegro.sell(at, [{}], now - timedelta(days=3), fulfillment={"status": "SENT"})
        item = {
            "offerId": "17000000001", "quantity": 1, "name": "A thing", "price": zloty("10.00"),
            "url": "https://allegro.pl/1", "reason": {"type": "DAMAGED", "userComment": "Zbite"},
        }  # fmt: skip
        at_allegro.returned.append({
            "id": number(10_000 + at), "orderId": form, "referenceNumber": f"R{at}", "items": [item], "parcels": [],
            "status": "DELIVERED", "marketplaceId": "allegro-pl", "at": now - timedelta(hours=1, minutes=at),
            "isFulfillment": False, "buyer": {"email": "b+1@allegromail.pl", "login": "buyer"},
        })  # fmt: skip

    def forget(key: str) -> None:
        at_allegro.returned = [one for one in at_allegro.returned if one["id"] != key]

    channel = connect("allegro", at_allegro)
    loses_nothing(channel.list_returns, _id, forget, {number(10_000 + at) for at in range(150)})


def test_inventory_of_ebay(specs_dir: Path, connect: Callable[[str, Any], Any]) -> None:
    keys = given("ebay")
    key = Ed25519PrivateKey.generate().public_key()  # nothing here is signed
    market = Ebay(specs_dir / "ebay", (keys["client_id"], keys["client_secret"]), keys["refresh_token"], key)
    channel = connect("ebay", market)
    for start in range(0, 225, 25):
        channel.create_offers([ebay_draft(at) for at in range(start, start + 25)])

    def end(sku: str) -> None:
        del market.items[sku]

    loses_nothing(channel.list_offers, _sku, end, {f"SKU-{at}" for at in range(225)})


def test_open_orders_of_zalando(connect: Callable[[str, Any], Any]) -> None:
    keys = given("zalando")
    market = zalando(client=(keys["client_id"], keys["client_secret"]), catalogue=set())
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(at))) for at in range(450)]
    for at, key in enumerate(ids):
        market.sell(key, {"SKU-1": [10]}, datetime.now(UTC) - timedelta(minutes=at), **SOLD)

    def ship(key: str) -> None:
        for line in market.lines(key).values():
            line["status"] = "shipped"

    channel = connect("zalando", market)
    loses_nothing(channel.list_open_orders, _id, ship, {*ids})


def _id(item: Any) -> str:
    return str(item.external_id)


def _sku(offer: Any) -> str:
    return str(offer.sku)
