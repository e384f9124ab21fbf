"""Returns and feeds of the independent Amazon: reports made in a queue, in whatever words and letters they come, and what
becomes of each message of a feed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.order import CancelReason
from bridge.domain.returns import ChannelRefund, ReturnCause
from bridge.ports.channel import Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import AskMerchant, RetryLater, SlowDown
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_amazon_life import NOW, euro, put_on_sale, ref, settled, simple
from tests.support.independent_amazon_reports import Reporting
from tests.support.independent_amazon_types import FRANCE, GERMANY
from tests.support.played import everything

ADAPTER = discover().channels["amazon"]


@pytest.fixture
def amazon(specs_dir: Path) -> Reporting:
    return Reporting(specs_dir / "amazon", dict(ADAPTER.sandbox_credentials))


@pytest.fixture
def bench(amazon: Reporting, serve: Callable[..., str]) -> Bench:
    return Bench(ADAPTER, serve(amazon.app()))


def _returns(channel: Any, amazon: Reporting) -> dict[str, Any]:
    """As the engine asks, again and again; the report is at work meanwhile."""
    found: list[Any] = []
    for _ in range(4):
        found = everything(channel.list_returns)
        amazon.work()
    assert not amazon.refused, amazon.refused
    return {one.external_id: one for one in found}


def _one(sku: str, quantity: int = 1, reason: str = "AMZ-PG-APP-TOO-SMALL", **more: Any) -> Any:
    return {"merchant_sku": sku, "return_quantity": quantity, "return_reason_code": reason, **more}


@pytest.mark.parametrize("charset", ["UTF-8", "windows-1252"])
@pytest.mark.parametrize("packed", [True, False])
def test_what_buyers_send_back(amazon: Reporting, bench: Bench, charset: str, packed: bool) -> None:
    amazon.charset, amazon.packed = charset, packed
    asked = NOW - timedelta(days=3)
    large = _one("SKU-2", 2, "AMZ-PG-APP-TOO-LARGE", item_name="Tasse, weiß – groß")
    amazon.sends_back("1", _one("SKU-1"), large, asked=asked)
    amazon.sends_back("2", _one("SKU-1", refund_amount="0"), asked=asked, return_request_status="Pending")
    amazon.sends_back("3", _one("SKU-1"), asked=NOW - timedelta(days=70))
    found = _returns(bench.connect(), amazon)
    assert set(found) == {"D1RRMA", "D2RRMA"}
    first = {line.sku: line for line in found["D1RRMA"].lines}
    assert (first["SKU-1"].quantity, first["SKU-1"].cause) == (1, ReturnCause.TOO_SMALL)
    assert (first["SKU-2"].quantity, first["SKU-2"].title) == (2, "Tasse, weiß – groß")
    assert {line.order_id for line in first.values()} == {"1"}
    assert found["D1RRMA"].registered_at.date() == asked.date()
    assert not found["D2RRMA"].lines[0].handled


def test_headings_in_the_language_of_the_seller(amazon: Reporting, bench: Bench) -> None:
    """Amazon names the columns and their order; in which language they are headed it does not."""
    amazon.headings = [f"Spalte {number}" for number in range(len(amazon.headings))]
    amazon.sends_back("1", _one("SKU-1", 2), asked=NOW - timedelta(days=3))
    [line] = _returns(bench.connect(), amazon)["D1RRMA"].lines
    assert (line.order_id, line.sku, line.quantity) == ("1", "SKU-1", 2)


def test_columns_that_nobody_knows_are_not_taken_for_no_returns(amazon: Reporting, bench: Bench) -> None:
    amazon.headings = ["Bestellung", "Menge"]
    amazon.sends_back("1", _one("SKU-1", 2), asked=NOW - timedelta(days=3))
    with pytest.raises(AskMerchant, match="another form"):
        _returns(bench.connect(), amazon)


def test_no_returns_is_no_failure(amazon: Reporting, bench: Bench) -> None:
    """Amazon cancels a report "if there is no data to return"."""
    channel = bench.connect()
    assert _returns(channel, amazon) == {}
    assert {report["processingStatus"] for report in amazon.reports.values()} >= {"CANCELLED"}
    amazon.sends_back("1", _one("SKU-1"), asked=NOW - timedelta(hours=1))
    assert set(_returns(channel, amazon)) == {"D1RRMA"}


def test_a_report_that_breaks_off_is_asked_for_again(amazon: Reporting, bench: Bench) -> None:
    amazon.ends.append("FATAL")
    amazon.sends_back("1", _one("SKU-1"), asked=NOW - timedelta(hours=1))
    channel = bench.connect()
    _returns(channel, amazon)
    assert set(_returns(channel, amazon)) == {"D1RRMA"}


def test_the_report_of_another_program_is_not_ours(amazon: Reporting, bench: Bench) -> None:
    """It may be about one day, or one country."""
    channel = bench.connect()
    amazon.sends_back("1", _one("SKU-1"), asked=NOW - timedelta(days=9))
    amazon.sends_back("2", _one("SKU-1"), asked=NOW - timedelta(hours=2))
    assert set(_returns(channel, amazon)) == {"D1RRMA", "D2RRMA"}
    amazon.asked_for_by_another([GERMANY, FRANCE], days=1)
    amazon.asked_for_by_another([FRANCE], days=60)
    assert {one.external_id for one in everything(channel.list_returns)} == {"D1RRMA", "D2RRMA"}


def _stocked(channel: Any, amazon: Reporting, many: int = 51) -> list[Any]:
    for number in range(many):
        put_on_sale(amazon, f"SKU-{number}")
    found: list[Any] = channel.update_stock([StockUpdate(**ref(number), stock=7) for number in range(many)])
    return found


def test_a_feed_of_which_some_is_refused_and_some_is_warned_of(amazon: Reporting, bench: Bench) -> None:
    amazon.warned.add("SKU-2")
    channel = bench.connect()
    results = _stocked(channel, amazon)
    assert settled(channel, results) == [SubmissionState.DONE] * 51
    prices = [PriceUpdate(**ref(number), price=euro("9.95")) for number in range(51)]
    del amazon.items["SKU-3"]
    ends = settled(channel, channel.update_prices(prices))
    assert [number for number, end in enumerate(ends) if end is not SubmissionState.DONE] == [3]
    assert ends[3] is SubmissionState.FAILED


def test_a_feed_that_was_cancelled_did_nothing(amazon: Reporting, bench: Bench) -> None:
    channel = bench.connect()
    results = _stocked(channel, amazon)
    amazon.feeds[next(iter(amazon.feeds))]["processingStatus"] = "CANCELLED"
    assert set(settled(channel, results)) == {SubmissionState.FAILED}


def test_feeds_may_be_made_slowly_only(amazon: Reporting, bench: Bench) -> None:
    channel = bench.connect()
    for number in range(51):
        put_on_sale(amazon, f"SKU-{number}")
    amazon.slow["createFeed"] = 3
    with pytest.raises(SlowDown):
        channel.update_stock([StockUpdate(**ref(number), stock=7) for number in range(51)])
    assert not amazon.feeds


def test_an_address_that_was_good_for_five_minutes(amazon: Reporting, bench: Bench) -> None:
    """The storage answers 403, which says nothing of what the application may: another address is asked for."""
    amazon.expired = 1
    channel = bench.connect()
    with pytest.raises(RetryLater):
        _stocked(channel, amazon)
    assert not amazon.feeds
    results = _stocked(channel, amazon)
    amazon.expired = 1
    assert SubmissionState.FAILED not in settled(channel, results)
    amazon.sends_back("1", _one("SKU-1"), asked=NOW - timedelta(days=3))
    assert set(_returns(channel, amazon)) == {"D1RRMA"}
    amazon.expired = 1
    with pytest.raises(RetryLater):
        everything(channel.list_returns)


@pytest.mark.parametrize("number", [0, 1])
def test_a_cancellation_that_amazon_refuses(amazon: Reporting, bench: Bench, number: int) -> None:
    """The XML report names the message, or 0 where the feed as a whole was not understood."""
    amazon.refusing.append((number, "18028", "The order item has been shipped already."))
    amazon.sold(simple("1"))
    channel = bench.connect()
    asked = channel.cancel_line("1", "11", 1, CancelReason.OUT_OF_STOCK)
    assert asked.outcome is Outcome.SUBMITTED
    [end] = _ends(channel, asked)
    assert (end.state, end.message) == (SubmissionState.FAILED, "The order item has been shipped already.")


def test_a_refund_that_breaks_off_is_put_to_a_person(amazon: Reporting, bench: Bench) -> None:
    """ "Some, none, or all of the operations within the feed may have completed successfully": the model, of FATAL."""
    amazon.sold(simple("1"))
    channel = bench.connect()
    back = ChannelRefund(line_id="11", quantity=1, amount=euro("20.00"))
    paid = channel.refund("1", [back], "r-1")
    amazon.feeds[next(iter(amazon.feeds))]["processingStatus"] = "FATAL"
    [end] = _ends(channel, paid)
    assert end.state is SubmissionState.GONE


def test_a_role_that_is_lacking(amazon: Reporting, bench: Bench) -> None:
    """Without "Tax Invoicing" there are no VAT numbers; without an address nothing can be shipped, and that is said."""
    number = {"entityType": "BUYER", "taxRegistrationType": "VAT", "taxRegistrationNumber": "DE123"}
    amazon.sold(simple("1", tax={"taxRegistrations": [number]}))
    channel = bench.connect()
    amazon.withheld = {"TAX"}
    assert channel.fetch_order("1").ship_to.city == "Berlin"
    amazon.withheld = {"BUYER", "TAX"}
    assert channel.fetch_order("1").ship_to.city == "Berlin"
    amazon.withheld = {"RECIPIENT"}
    with pytest.raises(AskMerchant, match="role"):
        channel.fetch_order("1")


def test_a_refund_whose_answer_was_lost_is_paid_once(amazon: Reporting, bench: Bench) -> None:
    amazon.sold(simple("1"))
    channel = bench.connect()
    amazon.loses.append("createFeed")
    back = ChannelRefund(line_id="11", quantity=1, amount=euro("20.00"))
    paid = channel.refund("1", [back], "r-1")
    assert (paid.outcome, len(amazon.feeds)) == (Outcome.SUBMITTED, 1)
    assert channel.refund("1", [back], "r-1").submission.split("|")[4] == paid.submission.split("|")[4]
    assert _ends(channel, paid)[0].state is SubmissionState.DONE
    assert len(amazon.feeds) == 1


def _ends(channel: Any, asked: Any) -> list[Any]:
    for _ in range(4):
        found: list[Any] = channel.follow([asked.submission])
    return found
