"""Held changes confirmed one by one: by the command line's flow, by the API and on the page; the others go on waiting."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import select

from bridge.db.tables import Journal
from bridge.domain.money import Money
from bridge.flows import held
from bridge.ports.errors import AskMerchant
from tests.support.demo import DEMO, Demo
from tests.support.lively import HOST


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    """Three products on two sites, whose prices were cut by half in the store."""
    world = Demo(database_url)
    world.market.asynchronous = False
    world.settings(sites=["A1", "B2"])
    for sku in ("A", "B", "C"):
        world.store.add(sku, 5)
    world.settle(120, step=60)
    for sku in ("A", "B", "C"):
        world.hint(world.store.change(sku, price=Money(amount=Decimal(5), currency="EUR")))
    world.settle(60, step=30)
    yield world
    world.close()


def prices(world: Demo, sku: str) -> dict[str, str]:
    return {offer.site: str(offer.price.amount) for offer in world.market.offers.values() if offer.sku == sku}


def waits(world: Demo) -> list[str]:
    with world.db.read(1) as session:
        return [f"{item['sku']} {item['site']}" for item in held.waiting(session, DEMO)]


def test_one_sku_one_site_one_listing(world: Demo) -> None:
    assert waits(world) == ["A A1", "A B2", "B A1", "B B2", "C A1", "C B2"]
    assert "6 price changes" in world.problems()["change_held"]
    assert held.confirm(world.engine, 1, DEMO, "Anna", held.Only(skus=("A",))) == 2
    assert "4 price changes" in world.problems()["change_held"], "said at once, not when it was sent"
    world.settle(60, step=30)
    assert (prices(world, "A"), prices(world, "B")) == ({"A1": "5.00", "B2": "5.00"}, {"A1": "10.00", "B2": "10.00"})
    assert held.confirm(world.engine, 1, DEMO, "Anna", held.Only(skus=("B", "C"), site="B2")) == 2
    world.settle(60, step=30)
    assert prices(world, "B") == {"A1": "10.00", "B2": "5.00"}
    assert waits(world) == ["B A1", "C A1"]
    for only in (held.Only(skus=("A",)), held.Only(listings=(999,)), held.Only(skus=("B",), site="B2")):
        with pytest.raises(AskMerchant, match="waits on Market 0"):
            held.confirm(world.engine, 1, DEMO, "Anna", only)
    with world.db.read(1) as session:
        said = list(session.scalars(select(Journal.text).where(Journal.kind == "confirmed")))
    assert said == ["Market 0: 2 held changes confirmed by Anna"] * 2


def test_on_the_page_and_by_the_api(world: Demo) -> None:
    browser = world.browser()
    page = browser.get("plans").text
    assert page.count("It is meant") == 6
    with world.db.read(1) as session:
        first, second = (item["listing"] for item in held.waiting(session, DEMO)[:2])
    given = {"connection": str(DEMO), "listing": str(first)}
    assert browser.post("plans", "confirm_one", **given).status_code == 303
    assert browser.post("plans", "confirm_one", **given).status_code == 422
    assert waits(world)[0] == "A B2"
    token = browser.client.get("/api/token", base_url=HOST).json["token"]
    path, headers = f"/api/connections/{DEMO}/confirm", {"X-Csrf-Token": token, "Origin": HOST}

    def confirm(**body: object) -> tuple[int, object]:
        answer = browser.client.post(path, base_url=HOST, json=body, headers=headers)
        return answer.status_code, answer.json

    assert confirm(listings=[second]) == (200, {"confirmed": 1})
    assert confirm(skus=["B"], site="A1") == (200, {"confirmed": 1})
    assert confirm(skus="B")[0] == 422
    assert confirm(listings=["1"])[0] == 422
    assert confirm(skus=["A"])[0] == 422
    world.settle(60, step=30)
    assert waits(world) == ["B B2", "C A1", "C B2"]
    assert confirm() == (200, {"confirmed": 3})
    world.settle(60, step=30)
    assert world.problems() == {}
    assert prices(world, "C") == {"A1": "5.00", "B2": "5.00"}


@pytest.mark.both_databases
def test_an_end_is_confirmed_alone(world: Demo) -> None:
    held.confirm(world.engine, 1, DEMO, "Anna")
    world.settle(60, step=30)
    for number in range(20):
        world.hint(world.store.add(f"P{number}", 3))
    world.settle(120, step=60)
    for number in range(9):
        world.hint(world.store.delete(f"P{number}"))
    world.settle(60, step=30)
    waiting = waits(world)
    sku = waiting[0].partition(" ")[0]
    assert len(waiting) > 2
    held.confirm(world.engine, 1, DEMO, "Anna", held.Only(skus=(sku,)))
    world.settle(60, step=30)
    assert world.market.shown(sku) == {}
    assert [item for item in waits(world) if item.startswith(f"{sku} ")] == []
    assert len(waits(world)) == len(waiting) - 2
