"""Sales to other EU countries on the page of prices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Problem
from bridge.domain.money import Money
from bridge.domain.order import Address
from bridge.flows import turnover
from tests.support.editing import Kiosk, text

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def kiosk(database_url: str) -> Iterator[Kiosk]:
    kiosk = Kiosk(database_url)
    market = kiosk.world.markets[0]
    for country, price in (("DE", "7000.00"), ("FR", "1500.00")):
        key = market.buy(("LAMP", 1), price=price)
        order = market.orders[key]
        lines = tuple(line.model_copy(update={"tax": Money.zero("EUR")}) for line in order.lines)
        market.orders[key] = order.model_copy(update={"ship_to": Address(country=country), "lines": lines})
    kiosk.world.settle(600, step=100)
    turnover.count(kiosk.world.engine)
    yield kiosk
    kiosk.world.close()


def open_problems(kiosk: Kiosk) -> int:
    return len(kiosk.rows(Problem, Problem.kind == turnover.KIND, Problem.closed_at.is_(None)))


def test_the_sums_are_shown_and_whoever_declares_the_vat_says_so(kiosk: Kiosk) -> None:
    page = text(kiosk.get("settings/prices"))
    assert "Near the threshold" in page
    assert "€8,500.00" in page
    assert "DE €7,000.00" in page
    assert "FR €1,500.00" in page
    assert "See the sums" in text(kiosk.get("problems"))
    assert open_problems(kiosk) == 1
    assert kiosk.post("settings/prices", "save_eu_sales", registered="yes").status_code == 303
    assert open_problems(kiosk) == 0
    assert kiosk.post("settings/prices", "save_eu_sales").status_code == 303
    assert open_problems(kiosk) == 1


def test_a_shop_outside_the_union_sees_nothing_of_it(kiosk: Kiosk) -> None:
    with kiosk.world.db.write(1) as session:
        store = session.scalars(select(Connection).where(Connection.role == "platform")).one()
        store.info = {**store.info, "country": "CH"}
    assert "other EU countries" not in text(kiosk.get("settings/prices"))
