"""Sales to other EU countries on the page of prices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from sqlalchemy import select

from bridge.cli import cli
from bridge.db import crypto
from bridge.db.tables import Connection, Problem
from bridge.domain.money import Money
from bridge.domain.order import Address
from bridge.flows import turnover
from bridge.web import create_web
from tests.support.editing import Kiosk, text
from tests.support.lively import config

pytestmark = pytest.mark.timeout(240)
TOKEN = "a-token-of-the-merchants-own-program"


@pytest.fixture
def kiosk(database_url: str) -> Iterator[Kiosk]:
    kiosk = with_sales(Kiosk(database_url))
    yield kiosk
    kiosk.world.close()


def with_sales(kiosk: Kiosk) -> Kiosk:
    market = kiosk.world.markets[0]
    for country, price in (("DE", "7000.00"), ("FR", "1500.00")):
        key = market.buy(("LAMP", 1), price=price)
        order = market.orders[key]
        lines = tuple(line.model_copy(update={"tax": Money.zero("EUR")}) for line in order.lines)
        market.orders[key] = order.model_copy(update={"ship_to": Address(country=country), "lines": lines})
    kiosk.world.settle(600, step=100)
    turnover.count(kiosk.world.engine)
    return kiosk


def asked(kiosk: Kiosk, token: str = TOKEN) -> Any:
    client = create_web(kiosk.world.engine, config(page_token=TOKEN, is_loopback=False)).test_client()
    return client.get("/api/eu-sales", headers={"Authorization": f"Bearer {token}"})


def elsewhere(kiosk: Kiosk) -> None:
    with kiosk.world.db.write(1) as session:
        store = session.scalars(select(Connection).where(Connection.role == "platform")).one()
        store.info = {**store.info, "country": "CH"}


def open_problems(kiosk: Kiosk) -> int:
    return len(kiosk.rows(Problem, Problem.kind == turnover.KIND, Problem.closed_at.is_(None)))


def test_the_sums_are_shown_and_whoever_declares_the_vat_says_so(kiosk: Kiosk) -> None:
    page = text(kiosk.get("settings/prices"))
    assert "Near the threshold" in page
    assert "€8,500.00" in page
    assert "Germany €7,000.00" in page
    assert "France €1,500.00" in page
    assert "See the sums" in text(kiosk.get("problems"))
    assert open_problems(kiosk) == 1
    assert kiosk.post("settings/prices", "save_eu_sales", registered="yes").status_code == 303
    assert open_problems(kiosk) == 0
    assert kiosk.post("settings/prices", "save_eu_sales").status_code == 303
    assert open_problems(kiosk) == 1


@pytest.mark.both_databases
def test_a_shop_outside_the_union_sees_nothing_of_it(kiosk: Kiosk) -> None:
    elsewhere(kiosk)
    assert "other EU countries" not in text(kiosk.get("settings/prices"))


def test_programs_are_told_the_same(kiosk: Kiosk) -> None:
    assert asked(kiosk, "somebody else's").status_code == 401
    found, year = asked(kiosk).json["eu_sales"], kiosk.world.clock().year
    assert found["sums"] == [
        {"year": year, "country": "DE", "amount": "7000.00", "currency": "EUR"},
        {"year": year, "country": "FR", "amount": "1500.00", "currency": "EUR"},
    ]
    assert found["years"] == [
        {"year": year, "amount": "8500.00", "currency": "EUR"},
        {"year": year - 1, "amount": "0.00", "currency": "EUR"},
    ]
    assert (found["home"], found["state"], found["threshold"]["amount"]) == ("NL", "near", "10000.00")
    [problem] = kiosk.rows(Problem, Problem.kind == turnover.KIND)
    assert found["notice"] == problem.text
    kiosk.post("settings/prices", "save_eu_sales", registered="yes")
    declared = asked(kiosk).json["eu_sales"]
    assert (declared["registered"], declared["notice"]) == (True, "")
    elsewhere(kiosk)
    assert asked(kiosk).json == {"eu_sales": None}


def test_the_command_line_says_it_too(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    kiosk = Kiosk(f"sqlite:///{tmp_path / 'storebridge.db'}", key)
    kiosk.world.clock.now = datetime.now(UTC)  # the command's own clock
    with_sales(kiosk)
    ring = crypto.installed()
    environment = {"STOREBRIDGE_DATA_DIR": str(tmp_path), "STOREBRIDGE_KEYS": key, "DATABASE_URL": "", "REDIS_URL": ""}

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ("eu-sales", *arguments), env=environment)
        assert done.exit_code == 0, done.output
        crypto.install(ring)
        return str(done.output)

    with kiosk.world.db.read(1) as session:
        found = turnover.report(session, kiosk.world.clock())
    assert found is not None
    printed = json.loads(run("--json"))
    assert {**printed, "counted_at": None} == {**found, "counted_at": None}
    lines = [line.split() for line in run().splitlines()]
    assert [str(kiosk.world.clock().year), "DE", "7000.00", "EUR"] in lines
    assert [str(kiosk.world.clock().year), "together", "8500.00", "EUR"] in lines
    assert "register for the one-stop shop (OSS) before that" in run()
    elsewhere(kiosk)
    assert "in no EU country" in run()
    kiosk.world.close()
