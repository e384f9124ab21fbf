"""Rates of sale from imported orders, latency from acknowledgements, and the buffer that follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bridge.db.tables import Journal, Order, OrderLine, Product, Variant
from bridge.domain.buffers import AdaptiveBuffer, Demand, kept_back
from bridge.flows.engine import Engine
from bridge.flows.pace import latencies, paces
from tests.support.engines import add_connection, add_shop, small_engine

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = small_engine(database_url)
    yield engine
    engine.db.close()


def _variant(session: Session, pool: str) -> int:
    product = Product(external_id=pool, title=pool, data={}, snapshot_version=1, read_at=NOW)
    session.add(product)
    session.flush()
    variant = Variant(product_id=product.id, external_id=pool, pool=pool, data={}, read_at=NOW)
    session.add(variant)
    session.flush()
    return variant.id


def _order(session: Session, connection_id: int, variant_id: int, units: int, **ago: Any) -> None:
    placed = NOW - timedelta(**ago)
    name = f"{connection_id}-{variant_id}-{placed.isoformat()}"
    order = Order(
        connection_id=connection_id,
        external_id=name,
        ref=name,
        currency="EUR",
        total="1",
        buyer={},
        raw={},
        placed_at=placed,
        imported_at=placed,
    )
    session.add(order)
    session.flush()
    session.add(
        OrderLine(order_id=order.id, external_id="1", quantity=units, unit_price="1", total="1", variant_id=variant_id)
    )


def _heard(session: Session, connection_id: int, facet: str, seconds: float | None) -> None:
    session.add(
        Journal(
            at=NOW,
            connection_id=connection_id,
            kind="acknowledged",
            text="",
            detail={"facet": facet, "seconds": seconds},
        )
    )


def test_the_buffer_follows_sales_elsewhere_and_the_channels_own_latency(engine: Engine) -> None:
    shop = add_shop(engine)
    bol, amazon, new = (
        add_connection(engine, shop, "channel", account=name, created_at=created)
        for name, created in (
            ("bol", NOW - timedelta(days=90)),
            ("amazon", NOW - timedelta(days=90)),
            ("new", NOW - timedelta(hours=6)),
        )
    )
    with engine.db.write(shop) as session:
        fast, slow = _variant(session, "fast"), _variant(session, "slow")
        for minutes in range(0, 60 * 24 * 7, 3):
            _order(session, amazon, fast, 1, minutes=minutes)
        _order(session, bol, fast, 2, days=7)
        _order(session, amazon, slow, 5, days=40)
        for number in range(200):
            _heard(session, bol, "stock", 10 + number / 2)
            _heard(session, bol, "price", 9999)
        _heard(session, bol, "stock", None)
        for _ in range(20):
            _heard(session, amazon, "stock", 3)
    with engine.db.read(shop) as session:
        measured = latencies(session)
        found = paces(session, ["fast", "slow"], NOW, measured)
    assert measured == {bol: 109.0}  # 198 of 200 are below; amazon has too few
    pace = found.pace(bol, "fast")
    assert pace.here.orders == pytest.approx(0.5)
    assert pace.here.units == pytest.approx(1)
    assert 10 < pace.demand.units / pace.demand.hours < 21  # twenty an hour this week, nothing in the three before
    assert found.pace(new, "fast").latency_seconds is None
    quiet = found.pace(bol, "slow")
    assert (quiet.demand.orders, quiet.here) == (0, Demand(orders=0, units=0, hours=found.hours[bol]))
    assert found.hours[new] < 6 < found.hours[bol]
    cautious = AdaptiveBuffer(risk=0.01, store_share=0)
    assert kept_back(cautious, 50, pace)[0] >= 2
    assert kept_back(cautious, 50, quiet)[0] == 0
    assert kept_back(cautious, 50, found.pace(amazon, "fast")) == (3, "this channel's latency is not measured yet")


def test_a_shop_that_sold_nothing_yet(engine: Engine) -> None:
    shop = add_shop(engine)
    bol = add_connection(engine, shop, "channel", settings={"import_from": "2026-11-26T10:00:00"})
    with engine.db.read(shop) as session:
        found = paces(session, ["any"], NOW, latencies(session))
    pace = found.pace(bol, "any")
    assert (pace.demand.orders, pace.here.orders, pace.latency_seconds) == (0, 0, None)
    assert 1.9 < pace.here.hours < 2
