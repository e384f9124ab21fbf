"""Amazon's account health against its sandbox, over real HTTP: a report that is asked for, waited for and read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.order import CancelReason
from bridge.ports.channel import ScoreFigure
from bridge.ports.errors import AskMerchant, RetryLater, SlowDown
from channel_adapters.amazon.sandbox import create_sandbox
from tests.support.amazon import AT_ONCE, DE, FR, Account, parcel

Serve = Callable[..., str]


def opened(serve: Serve, sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
    return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)


def told(account: Account) -> dict[str, ScoreFigure]:
    """The figures, after the report was asked for."""
    with pytest.raises(SlowDown):
        account.channel.score()
    return {figure.name: figure for figure in account.channel.score()}


def test_what_happened_is_told_per_country_with_amazons_targets(serve: Serve) -> None:
    account = opened(serve)
    for sold in ("shipped", "cancelled"):
        order = account.channel.fetch_order(account.order(force=True))
        line = order.lines[0].external_id
        if sold == "shipped":
            account.channel.confirm_shipment(order, parcel(line))
        else:
            account.channel.cancel_line(order.external_id, line, 1, CancelReason.OUT_OF_STOCK)
    found = told(account)
    cancelled, tracking = found[f"cancelled:{DE}"], found[f"valid_tracking:{DE}"]
    assert (cancelled.title, cancelled.value, cancelled.limit, cancelled.good, cancelled.period_days) == (
        "Cancelled before shipment (DE)", Decimal("0.5"), Decimal("0.025"), "below", 7,
    )  # fmt: skip
    assert (tracking.value, tracking.limit, tracking.good) == (1, Decimal("0.95"), "above")
    assert (found[f"listing_policy:{FR}"].value, found["at_risk"].value, found["weak_rating"].value) == (0, 0, 0)
    # Nothing was sold there, and nothing by FBA.
    assert not {f"cancelled:{FR}", f"fba_order_defects:{DE}", f"units_on_time:{DE}"} & set(found)


def test_a_report_answers_for_a_day_whichever_worker_asks(serve: Serve) -> None:
    now = [datetime.now(UTC)]
    first = opened(serve, clock=lambda: now[0])
    figures = told(first)
    second = Account(first.url, clock=lambda: now[0])
    assert {figure.name for figure in second.channel.score()} == set(figures)
    assert first.operations().count("createReport") == 1
    now[0] += timedelta(hours=23)
    with pytest.raises(SlowDown) as wait:
        second.channel.score()
    assert wait.value.after == timedelta(minutes=2)
    assert first.operations().count("createReport") == 2


def test_a_report_under_way_is_waited_for_and_asked_for_anew_when_it_is_stuck(serve: Serve) -> None:
    now = [datetime.now(UTC)]
    account = opened(serve, {"report_seconds": 60}, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(SlowDown):
            account.channel.score()
    assert account.operations().count("createReport") == 1
    now[0] += timedelta(hours=3)
    with pytest.raises(SlowDown):
        account.channel.score()
    assert account.operations().count("createReport") == 2


def test_a_report_that_amazon_cancels_has_nothing_to_tell(serve: Serve) -> None:
    account = opened(serve, {"report_end": "CANCELLED"})
    assert told(account) == {}
    assert account.operations().count("createReport") == 1


def test_a_report_that_fails_is_asked_for_again_after_a_while(serve: Serve) -> None:
    now = [datetime.now(UTC)]
    account = opened(serve, {"report_end": "FATAL"}, clock=lambda: now[0])
    with pytest.raises(SlowDown):
        account.channel.score()
    now[0] += timedelta(minutes=1)
    for _ in range(2):
        with pytest.raises(RetryLater, match="could not make its report") as failed:
            account.channel.score()
        assert not isinstance(failed.value, SlowDown)
        assert timedelta(minutes=50) < (failed.value.after or timedelta(0)) <= timedelta(hours=1)
    assert account.operations().count("createReport") == 1
    now[0] += timedelta(hours=1)
    with pytest.raises(SlowDown):
        account.channel.score()
    assert account.operations().count("createReport") == 2


def test_a_word_added_later_is_waited_for(serve: Serve) -> None:
    account = opened(serve)
    told(account)
    account.fault("drift", "getReports", params={"words": True})
    with pytest.raises(SlowDown):
        account.channel.score()
    assert account.operations().count("createReport") == 1


def test_a_report_of_fewer_countries_is_not_taken_for_all(serve: Serve) -> None:
    one = opened(serve, settings={"sites": [DE]})
    assert {name.partition(":")[2] for name in told(one)} == {DE, ""}
    both = Account(one.url, settings={"sites": [DE, FR]})
    assert {name.partition(":")[2] for name in told(both)} == {DE, FR, ""}
    # One of more countries is, for those that are sold in.
    assert {figure.name.partition(":")[2] for figure in one.channel.score()} == {DE, ""}
    assert one.operations().count("createReport") == 2


def test_the_role_that_is_missing_is_named(serve: Serve) -> None:
    with pytest.raises(AskMerchant, match="Selling Partner Insights") as refused:
        opened(serve, {"insights": False}).channel.score()
    assert "Develop Apps" in refused.value.merchant


@pytest.mark.parametrize("body", ["{}", "<html></html>", '{"performanceMetrics": {}}'])
def test_a_document_of_another_form_is_told(serve: Serve, body: str) -> None:
    account = opened(serve, {"zipped": False})
    told(account)
    account.fault("error", "download", params={"status": 200, "body": body, "content_type": "application/json"})
    with pytest.raises(AskMerchant, match="update Storebridge"):
        account.channel.score()
    assert account.channel.score()


@pytest.mark.parametrize("operation", ["getReports", "createReport"])
def test_amazons_own_limits_only_let_it_wait(serve: Serve, operation: str) -> None:
    account = opened(serve)
    account.fault("throttle", operation, times=None, params={"retry_after": 60})
    with pytest.raises(SlowDown):
        account.channel.score()
