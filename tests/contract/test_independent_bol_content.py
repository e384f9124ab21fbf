"""bol's adapter and what the independent bol makes of texts, pictures, and of days and weeks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.listing import OfferContent
from bridge.ports.channel import ContentUpdate, Outcome, SubmissionState
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_bol import Bol, bol

EAN = "4006381333931"
ORDER = {
    "orderId": "A1", "pickupPoint": False,
    "orderItems": [{
        "orderItemId": "1", "cancellationRequest": False, "fulfilment": {"method": "FBR", "timeFrameType": "REGULAR"},
        "product": {"ean": EAN, "title": "A thing"}, "quantity": 1, "quantityShipped": 0, "quantityCancelled": 1,
    }],
}  # fmt: skip
JANUARY = datetime(2026, 1, 28, 12, tzinfo=UTC)


@pytest.fixture
def market(specs_dir: Path) -> Iterator[Bol]:
    given = discover().channels["bol"].sandbox_credentials
    made = bol(specs_dir / "bol", client=(str(given["client_id"]), str(given["client_secret"])))
    yield made
    # Units are tried without first: the pages of the demo have none, the description wants one of each value.
    assert not [words for words in made.refused if "'unitId' is a required property" not in words]


@pytest.fixture
def bench(market: Bol, serve: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(discover().channels["bol"], serve(market.app()))
    with made.http:
        yield made


def told(market: Bol, channel: Any, **given: Any) -> Any:
    content = OfferContent(**({"title": "A thing", "description": "Made of things", "brand": "Maker"} | given))
    update = ContentUpdate(key="k", offer_id="6ff736b5-cdd0-4150-8c67-78269ee986f5", sku="S", gtin=EAN, content=content)
    [result] = channel.update_content([update])
    assert result.outcome is Outcome.SUBMITTED, result
    for _ in range(market.pending + 1):
        [status] = channel.follow([result.submission])
    return status


def test_what_is_the_same_as_before_is_no_refusal(market: Bol, bench: Bench) -> None:
    """All of the content is sent whenever any of it changed."""
    channel = bench.connect()
    first = {"images": ("https://shop.example/1.jpg",)}
    assert told(market, channel, **first).state is SubmissionState.DONE
    assert told(market, channel, **first, title="A better thing").state is SubmissionState.DONE
    assert told(market, channel, **first, title="A better thing").state is SubmissionState.DONE
    assert market.told[EAN]["Name"][0]["value"] == "A better thing"
    newest = list(market.uploads.values())[-1]
    assert {part["status"] for part in newest["attributes"]} == {"DECLINED"}


def test_what_is_declined_beside_it_is_told(market: Bol, bench: Bench) -> None:
    channel = bench.connect()
    told(market, channel)
    told(market, channel, title="<b>")
    report = list(market.uploads.values())[-1]
    name = next(part for part in report["attributes"] if part["id"] == "Name")
    name |= {"status": "DECLINED", "subStatus": "VALIDATION_FAILED_INVALID_TEXT", "subStatusDescription": "No tags."}
    last = next(key for key, one in market.processes.items() if one["entity"] == report["uploadId"])
    [status] = channel.follow([f"content:{last}"])
    assert status.state is SubmissionState.FAILED
    assert status.message == "Name: No tags."


def test_the_figures_of_a_week_early_in_the_year(market: Bol, bench: Bench) -> None:
    market.scores |= {
        "CANCELLATIONS": ("<=", 0.02, "PERCENTAGE", 0.031),
        "FULFILMENT": (">=", 0.93, "PERCENTAGE", 0.95),
        "REVIEWS": (">=", 8.0, "AVERAGE", 8.7),
    }
    channel = bench.adapter.connect(replace(bench.connection(), clock=lambda: JANUARY))
    figures = {item.name: (item.value, item.limit, item.good, item.unit) for item in channel.score()}
    assert figures == {
        "cancellations": (Decimal("0.0310"), Decimal("0.02"), "below", "share"),
        "fulfilment": (Decimal("0.9500"), Decimal("0.93"), "above", "share"),
        "reviews": (Decimal("8.7000"), Decimal("8.0"), "above", "of 10"),
    }
    assert {*market.weeks} == {("2026", "05")}


@pytest.mark.parametrize("days", [UTC, ZoneInfo("Europe/Amsterdam")])
@pytest.mark.parametrize("on_day", [True, False])
def test_wherever_its_days_begin_nothing_is_missed(market: Bol, bench: Bench, days: tzinfo, *, on_day: bool) -> None:
    """In July a day in Amsterdam begins at ten in the evening of the one before."""
    market.days, market.on_day = days, on_day
    handled = datetime(2026, 7, 20, 22, 30, tzinfo=UTC)
    market.now = lambda: handled + timedelta(hours=8)
    market.sell(ORDER, handled)
    channel = bench.adapter.connect(replace(bench.connection(), clock=market.now))
    found, cursor = [], None
    while True:
        page = channel.list_orders(handled - timedelta(minutes=15), cursor)
        found += [item.external_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert "A1" in found
