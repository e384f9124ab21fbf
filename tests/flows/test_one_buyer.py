"""What is held about one buyer is told whole and erased whole, by any order of theirs or by their e-mail address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.fernet import Fernet
from sqlalchemy import select

from bridge.db.tables import Journal, Order
from bridge.flows import one_buyer
from bridge.ports.errors import AskMerchant
from tests.support.command import storebridge
from tests.support.world import World

ADA, BOB = "ada@mail.example", "bob@mail.example"
KEY = Fernet.generate_key().decode()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Ada has bought on both marketplaces, written differently, and Bob once; all of it is shipped."""
    world = World(database_url, key=KEY)
    world.store.add("A", 50)
    world.settle(120)
    for number, mail in ((0, ADA), (1, ADA.title()), (0, BOB)):
        bought(world, number, mail)
        world.settle(400, step=100)
        ship(world)
    yield world
    world.close()


def bought(world: World, number: int, mail: str) -> str:
    market = world.markets[number]
    key = market.buy(("A", 1))
    order = market.orders[key]
    market.orders[key] = order.model_copy(update={"ship_to": order.ship_to.model_copy(update={"email": mail})})
    return key


def ship(world: World) -> None:
    order = list(world.store.orders)[-1]
    world.store.ship(order, f"3S{order}")
    world.hint_order(order)
    world.settle(400, step=100)


def orders(world: World) -> list[Order]:
    with world.db.read(1) as session:
        return list(session.scalars(select(Order).order_by(Order.id)))


@pytest.mark.parametrize("by", ["mail", "order"])
def test_all_orders_of_the_buyer_are_told_and_of_nobody_else(world: World, by: str) -> None:
    first, second, _ = orders(world)
    told = one_buyer.held(world.engine, 1, ADA.upper() if by == "mail" else second.ref)
    assert [item["order"] for item in told] == [first.ref, second.ref]
    assert {item["buyer"]["ship_to"]["email"].lower() for item in told} == {ADA}
    assert all(item["lines"] for item in told)


def test_what_was_said_of_a_return_is_told_with_its_order(world: World) -> None:
    world.markets[0].announce_return(orders(world)[0].external_id, 1)
    world.settle(4000, step=1000)
    assert [len(item["returns_as_told"]) for item in one_buyer.held(world.engine, 1, ADA)] == [1, 0]


def test_what_is_erased_stays_so_and_what_was_sold_stays(world: World) -> None:
    before = [(order.total, order.store_order_id) for order in orders(world)]
    assert one_buyer.erase(world.engine, 1, ADA)["orders"] == 2
    world.settle(4000, step=1000)
    assert [bool(order.buyer) for order in orders(world)] == [False, False, True]
    assert [(order.total, order.store_order_id) for order in orders(world)] == before
    with world.db.read(1) as session:
        lines = session.scalars(select(Journal.text).where(Journal.kind == "privacy")).all()
    assert lines == ["what was held about a buyer of 2 orders is erased"]
    for asked in (ADA, orders(world)[0].ref):
        with pytest.raises(AskMerchant, match="Nothing is held"):
            one_buyer.held(world.engine, 1, asked)


def test_an_order_under_way_keeps_its_address(world: World) -> None:
    key = bought(world, 0, BOB)
    world.settle(400, step=100)
    with pytest.raises(AskMerchant, match=f"still under way and needs its address: .*{key}"):
        one_buyer.erase(world.engine, 1, BOB)
    assert all(order.buyer for order in orders(world))
    ship(world)
    assert one_buyer.erase(world.engine, 1, key)["orders"] == 2


@pytest.mark.both_databases
def test_at_the_command_line(world: World, tmp_path: Path) -> None:
    environment = {"STOREBRIDGE_DATA_DIR": str(tmp_path), "DATABASE_URL": world.db.url, "STOREBRIDGE_KEYS": KEY}
    told = json.loads(storebridge(environment, "privacy", "--buyer", BOB).stdout)
    assert [item["buyer"]["ship_to"]["email"] for item in told["orders"]] == [BOB]
    assert "--buyer" in refused(storebridge(environment, "privacy", "--erase"))
    erased = json.loads(storebridge(environment, "privacy", "--buyer", BOB, "--erase").stdout)
    assert erased["erased"]["orders"] == 1
    assert "Nothing is held" in refused(storebridge(environment, "privacy", "--buyer", BOB))


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    return result.output
