"""Miinto's adapter against a Miinto that was written from what is documented by nobody who had seen the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import OrderPhase
from bridge.ports.channel import Outcome
from bridge.ports.errors import NotFound, Reauthorise, SlowDown
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent import Refusal
from tests.support.independent_miinto import SHOPS, Miinto, feed_faults, miinto
from tests.support.miinto import GTINS, content, item
from tests.support.played import everything

SHOP = SHOPS["IT"]


@pytest.fixture
def market() -> Iterator[Miinto]:
    given = discover().channels["miinto"].sandbox_credentials
    made = miinto(client=(str(given["identifier"]), str(given["secret"])))
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def bench(market: Miinto, serve: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(discover().channels["miinto"], serve(market.app()))
    with made.http:
        yield made


@pytest.fixture
def channel(bench: Bench) -> Any:
    return bench.connect()


def seen(channel: Any) -> set[str]:
    since = datetime.now(UTC) - timedelta(hours=1)
    return {ref.external_id.rpartition("/")[2] for ref in everything(lambda cursor: channel.list_orders(since, cursor))}


def test_a_transfer_is_answered_line_by_line(market: Miinto, channel: Any) -> None:
    market.maps = [["G", "SKU-1", GTINS[0], "900"]]
    market.offer(7, (GTINS[0], 2, 4995), (GTINS[1], 1, 100))
    market.offer(8, (GTINS[2], 1, 19900), shop=SHOPS["PL"])
    refs = everything(lambda cursor: channel.list_orders(datetime.now(UTC) - timedelta(hours=1), cursor))
    orders = {ref.external_id.rpartition("-")[2]: channel.fetch_order(ref.external_id) for ref in refs}
    order = orders["7"]
    assert order.phase is OrderPhase.AWAITING_ACCEPTANCE
    assert [(line.gtin, line.quantity, line.unit_price, line.total.amount) for line in order.lines] == [
        (GTINS[0], 2, Money.of("49.95", "EUR"), Decimal("99.90")), (GTINS[1], 1, Money.of("1", "EUR"), Decimal(1)),
    ]  # fmt: skip
    assert orders["8"].lines[0].total == Money.of("199", "PLN")
    result = channel.accept_order(order, [order.lines[1].external_id])
    assert result.outcome is Outcome.APPLIED, result
    assert market.answered[7] == ([70], [71])
    accepted = channel.fetch_order(result.becomes)
    assert (accepted.phase, len(accepted.lines)) == (OrderPhase.READY, 1)
    address = accepted.ship_to
    assert (address.name, address.city, address.country) == ("Anna Maria Rossi", "Milano", "IT")
    declined = channel.accept_order(orders["8"], [orders["8"].lines[0].external_id])
    assert (declined.outcome, declined.becomes) == (Outcome.APPLIED, None)
    assert seen(channel) == {"5007"}
    with pytest.raises(NotFound):
        channel.fetch_order(order.external_id)


def test_every_transfer_and_order_is_seen(market: Miinto, channel: Any) -> None:
    """Also those that move up because others were answered while the list was read."""
    for number in range(1, 131):
        market.offer(number, (GTINS[0], 1, 100))
        market.order(900 + number, market.transfers[number]["positions"])
    market.between.extend(range(126, 131))
    found = seen(channel)
    assert {f"transfer-{number}" for number in range(1, 126)} <= found
    assert {str(900 + number) for number in range(1, 131)} <= found
    market.between.extend(range(121, 126))
    assert channel.fetch_order(f"{SHOP}/transfer-71").lines[0].quantity == 1


def test_a_channel_that_ends_and_a_limit(market: Miinto, channel: Any) -> None:
    market.order(1, [{"id": 1, "quantity": 1, "price": 100, "item": {"gtin": GTINS[0]}}])
    market.uses = 2
    for _ in range(5):
        assert channel.fetch_order(f"{SHOP}/1").lines[0].total == Money.of("1", "EUR")
    market.trouble["GetOrder"] = [Refusal(429, "too many", headers={"Retry-After": "9"})] * 9
    with pytest.raises(SlowDown):
        channel.fetch_order(f"{SHOP}/1")


def test_a_wrong_secret(bench: Bench) -> None:
    with pytest.raises(Reauthorise):
        bench.connect(secret="wrong").check()


def test_the_feed(bench: Bench) -> None:
    writer = bench.connect({"sites": ["EUR"]}).feed()
    named = content(title='Chain "bag"', description='Two lines\nand a tab\there, "quoted"')
    items = [item(), item("A-2", GTINS[1], group="78", stock=0, price="9999.9", content=named)]
    entries = [writer.entry(each) for each in items]
    text = writer.head() + "".join(entry.text for entry in entries) + writer.tail()
    assert feed_faults(text, "EUR") == []
    assert [entry.warning for entry in entries] == ["", ""]
