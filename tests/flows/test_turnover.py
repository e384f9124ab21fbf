"""Sales to consumers in other EU countries: counted from the orders, told near the threshold and above it, over a
year's end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.db import privacy
from bridge.db.tables import Connection, Order, OrderLine, Problem, RateDay, RefundRow, ReturnRow, Turnover
from bridge.domain.money import Money
from bridge.domain.order import Address
from bridge.flows import documents, turnover
from bridge.flows.chores import chores
from bridge.flows.documents import SHOP, Wish
from tests.support.world import World

pytestmark = [pytest.mark.timeout(180), pytest.mark.both_databases]


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    world.store.add("A", 900)
    with world.db.write(1) as session:
        store = session.get_one(Connection, 1)
        store.info = {**store.info, "country": "NL", "timezone": "Europe/Amsterdam"}
    world.settle(60, step=60)
    yield world
    world.close()


def sell(world: World, gross: str, country: str = "DE", tax: str | None = "0.00", units: int = 1, **values: Any) -> str:
    market = world.markets[0]
    key = market.buy(("A", units), price=gross)
    address = values.pop("ship_to", Address(first_name="Ada", city="There", country=country))
    currency = values.get("currency", "EUR")
    lines = tuple(
        line.model_copy(update={
            "tax": Money.of(tax, currency) if tax is not None else None,
            "unit_price": Money.of(gross, currency), "total": Money.of(gross, currency).times(units),
        })
        for line in market.orders[key].lines
    )  # fmt: skip
    market.orders[key] = market.orders[key].model_copy(update={"ship_to": address, "lines": lines, **values})
    return key


def counted(world: World) -> dict[tuple[int, str], str]:
    world.settle(400, step=100)
    chores(world.engine)
    with world.db.read(1) as session:
        return {(row.year, row.country): row.amount for row in session.scalars(select(Turnover))}


def told(world: World) -> list[tuple[str, str]]:
    with world.db.read(1) as session:
        query = select(Problem).where(Problem.kind == turnover.KIND, Problem.closed_at.is_(None))
        return [(row.severity, row.text) for row in session.scalars(query)]


def year(world: World) -> int:
    return world.clock().year


def test_what_counts_and_what_does_not(world: World) -> None:
    sell(world, "119.00", "DE", tax="19.00")
    sell(world, "121.00", "BE", tax=None)
    sell(world, "124.00", "EL", tax="24.00", units=1)
    sell(world, "500.00", "NL")
    sell(world, "500.00", "CH")
    sell(world, "500.00", "")
    sell(world, "500.00", "DE", tax_by_channel=True)
    sell(world, "500.00", ship_to=Address(country="DE", vat_number="DE123456789"))
    sell(world, "500.00", bill_to=Address(country="DE", vat_number="DE123456789"))
    now = year(world)
    assert counted(world) == {(now, "DE"): "100.00", (now, "BE"): "100.00", (now, "GR"): "100.00"}
    assert told(world) == []


def test_the_sum_follows_the_orders(world: World) -> None:
    """However often it is counted, and whatever becomes of them."""
    key, now = sell(world, "100.00", units=4), year(world)
    assert counted(world) == {(now, "DE"): "400.00"}
    assert counted(world) == {(now, "DE"): "400.00"}
    world.markets[0].alter(key, f"{key}-0", cancelled=1)
    assert counted(world) == {(now, "DE"): "300.00"}
    with world.db.write(1) as session:
        line = session.scalars(select(OrderLine)).one()
        rma = ReturnRow(
            connection_id=2, external_id="R", return_id="R", order_line_id=line.id, quantity=1, state="confirmed",
            decision="accepted", raw={}, registered_at=world.clock(),
        )  # fmt: skip
        session.add(rma)
    assert counted(world) == {(now, "DE"): "200.00"}
    with world.db.write(1) as session:
        refund = RefundRow(
            connection_id=2, order_id=line.order_id, order_line_id=line.id, ref="x", quantity=1, amount="60.00",
            reason="returned", state="done", created_at=world.clock(),
        )  # fmt: skip
        session.add(refund)
    assert counted(world) == {(now, "DE"): "240.00"}, "what was paid back says more than the units that came"
    world.markets[0].alter(key, f"{key}-0", cancelled=4)
    assert counted(world) == {}


def test_erased_buyers_count_and_old_orders_are_looked_at_once(world: World) -> None:
    sell(world, "100.00")
    now = year(world)
    assert counted(world) == {(now, "DE"): "100.00"}
    with world.db.write(1) as session:
        session.execute(update(Order).values(consumer_in=None))
    assert counted(world) == {(now, "DE"): "100.00"}
    with world.db.write(1) as session:
        privacy.erase_buyers(session, list(session.scalars(select(Order))), 1, world.clock())
    assert counted(world) == {(now, "DE"): "100.00"}
    with world.db.read(1) as session:
        order = session.scalars(select(Order)).one()
        assert (order.buyer, order.consumer_in) == ({}, "DE")


def test_by_the_rate_of_the_day(world: World) -> None:
    today = world.clock().date()
    with world.db.write(None) as session:
        for day, rate in (("2000-01-03", "5"), (today.isoformat(), "4"), ("2999-01-01", "2")):
            session.add(RateDay(source="x", day=day, base="EUR", rates={"PLN": rate}, fetched_at=world.clock()))
    sell(world, "400.00", "PL", currency="PLN")
    assert counted(world) == {(today.year, "PL"): "100.00"}


def test_near_over_and_over_a_years_end(world: World) -> None:
    sell(world, "7999.00")
    counted(world)
    assert told(world) == []
    last = sell(world, "1.00")
    counted(world)
    [(severity, text)] = told(world)
    assert severity == "warning"
    assert "8000.00 EUR this year" in text
    world.markets[0].alter(last, f"{last}-0", cancelled=1)
    counted(world)
    assert told(world) == [], "the sum has fallen"
    sell(world, "2001.00", "FR")
    counted(world)
    assert told(world) == [("warning", told(world)[0][1])]
    assert "10000.00 EUR this year" in told(world)[0][1], "the threshold itself is not above it"
    over = sell(world, "0.01", "FR")
    counted(world)
    assert [severity for severity, _ in told(world)] == ["error"]
    now = year(world)
    # Half an hour before and after midnight in Amsterdam.
    world.clock.now = datetime(now, 12, 31, 22, 30, tzinfo=UTC)
    chores(world.engine)
    assert "have passed 10000.00 EUR this year" in told(world)[0][1]
    world.clock.now = datetime(now, 12, 31, 23, 30, tzinfo=UTC)
    chores(world.engine)
    [(severity, text)] = told(world)
    assert severity == "warning"
    assert "last year" in text
    world.markets[0].alter(over, f"{over}-0", cancelled=1)
    counted(world)
    assert told(world) == [], "last year was not above it after all, and this year is new"
    sell(world, "9000.00", "FR")
    assert counted(world)[now + 1, "FR"] == "9000.00"
    assert len(told(world)) == 1
    world.clock.now = datetime(now + 2, 1, 2, tzinfo=UTC)
    chores(world.engine)
    assert told(world) == []


def test_who_declares_it_already_is_not_told_and_nobody_outside_the_union(world: World) -> None:
    sell(world, "20000.00")
    counted(world)
    assert len(told(world)) == 1
    wish = Wish(subject=SHOP, kind=turnover.SETTINGS, content={"registered": True})
    with world.db.write(1) as session:
        documents.write(session, [wish], world.clock(), "Ada", "OSS")
    chores(world.engine)
    assert told(world) == []
    with world.db.write(1) as session:
        store = session.get_one(Connection, 1)
        store.info = {**store.info, "country": "CH"}
    assert counted(world) == {}
    with world.db.read(1) as session:
        assert turnover.shown(session, world.clock()) is None


def test_shipping_counts_while_anything_is_left(world: World) -> None:
    key, now = sell(world, "100.00", shipping=Money(amount=Decimal("11.90"), currency="EUR"),
                    shipping_tax=Money(amount=Decimal("1.90"), currency="EUR")), year(world)  # fmt: skip
    assert counted(world) == {(now, "DE"): "110.00"}
    world.markets[0].alter(key, f"{key}-0", cancelled=1)
    assert counted(world) == {}
