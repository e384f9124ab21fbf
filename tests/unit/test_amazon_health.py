"""Amazon's report on account health to figures: payload and parsed value as literals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.ports.errors import AskMerchant
from channel_adapters.amazon import health

Json = dict[str, Any]
DE, US, CA = "A1PA6795UKMFR9", "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
PLACES = {US: "US", CA: "CA"}
MONTH = {"reportingDateRange": {"reportingDateFrom": "2020-10-21T00:00Z", "reportingDateTo": "2020-11-19T23:59Z"}}
BELOW, ABOVE = {"targetCondition": "LESS_THAN"}, {"targetCondition": "GREATER_THAN"}
# The numbers of Amazon's example.
LATE = MONTH | BELOW | {"orderCount": 870669, "lateShipmentCount": 27896, "rate": 0.03203973037, "targetValue": 0.04}
TRACKED = MONTH | ABOVE | {"shipmentCount": 878443, "rate": 0.9529, "targetValue": 0.95, "status": "GOOD"}
DEFECTS = MONTH | BELOW | {"orderCount": 539000, "rate": 0.009, "targetValue": 0.01}
CANCELS = MONTH | BELOW | {"orderCount": 17197, "rate": 0.005, "targetValue": 0.01}
VIOLATIONS = MONTH | {"defectsCount": 86, "status": "BAD", "targetValue": 0, "targetCondition": "EQUALS"}


def read(*metrics: Json, places: dict[str, str] = PLACES, **more: Any) -> dict[str, Any]:
    document = json.dumps({"performanceMetrics": list(metrics), "accountStatuses": []} | more).encode()
    return {figure.name: figure for figure in health.figures(document, places)}


def test_a_rate_is_a_share_with_amazons_target_and_period() -> None:
    found = read({"marketplaceId": US, "lateShipmentRate": LATE, "validTrackingRate": TRACKED})
    late, tracked = found[f"late_shipments:{US}"], found[f"valid_tracking:{US}"]
    assert (late.title, late.value, late.limit, late.good) == (
        "Late shipments (US)", Decimal("0.0320"), Decimal("0.04"), "below",
    )  # fmt: skip
    assert (late.unit, late.period_days, late.at) == ("share", 30, datetime(2020, 11, 19, 23, 59, tzinfo=UTC))
    assert (tracked.value, tracked.limit, tracked.good) == (Decimal("0.9529"), Decimal("0.95"), "above")


def test_defects_of_ones_own_orders_and_of_fba_are_two() -> None:
    found = read({"marketplaceId": US, "orderDefectRate": {"mfn": DEFECTS, "afn": DEFECTS | {"rate": 0.02}}})
    assert found[f"order_defects:{US}"].value == Decimal("0.009")
    assert found[f"fba_order_defects:{US}"].value == Decimal("0.02")


@pytest.mark.parametrize("name", ["preFulfillmentCancellationRate", "prefulfillmentCancelRate"])
def test_both_names_of_a_metric_are_read(name: str) -> None:
    assert read({"marketplaceId": US, name: CANCELS})[f"cancelled:{US}"].value == Decimal("0.005")


@pytest.mark.parametrize("name", ["documentRequests", "documentRequest"])
def test_both_names_of_a_count_are_read(name: str) -> None:
    found = read({"marketplaceId": US, name: VIOLATIONS})[f"documents:{US}"]
    assert (found.value, found.limit, found.unit, found.good) == (86, 0, "", "below")


@pytest.mark.parametrize("name", ["warningStates", "warningState"])
def test_warnings_are_counted(name: str) -> None:
    states = [{"warningType": "spammingSellerMessaging", "status": word} for word in ("BAD", "GOOD", "NONE")]
    found = read({"marketplaceId": US, name: states})[f"warnings:{US}"]
    assert (found.value, found.limit) == (1, 0)
    assert read({"marketplaceId": US, name: []})[f"warnings:{US}"].value == 0


def test_how_the_account_stands_is_counted_over_the_countries() -> None:
    statuses = [{"marketplaceId": US, "status": "AT_RISK"}, {"marketplaceId": CA, "status": "SUSPENDED"}]
    found = read(accountStatuses=[*statuses, {"marketplaceId": DE, "status": "DEACTIVATED"}])
    assert (found["at_risk"].value, found["at_risk"].limit) == (2, 0)
    assert read(accountStatuses=[{"marketplaceId": US, "status": "NORMAL"}])["at_risk"].value == 0
    rated: list[Json] = [
        {"marketplaceId": US, "accountHealthRating": {"ahrStatus": "WARNED"}},
        {"marketplaceId": CA, "accountHealthRating": {"accountHealthRatingStatus": "GREAT"}},
    ]
    assert read(*(raw | {"warningStates": []} for raw in rated))["weak_rating"].value == 1


def test_of_nothing_measured_there_is_no_rate() -> None:
    nothing = {"orderCount": 0, "rate": 0.0, "status": "NONE"}
    assert read({"marketplaceId": US, "lateShipmentRate": LATE | nothing}) == {}
    assert read({"marketplaceId": US, "lateShipmentRate": LATE | {"rate": None}}) == {}
    assert read() == {}


def test_other_countries_and_new_metrics_are_left_out() -> None:
    late = {"lateShipmentRate": LATE}
    new = {"smileRate": LATE, "mood": "fine", "warnings": None}
    found = read({"marketplaceId": US} | late | new, {"marketplaceId": DE} | late, {"marketplaceId": None} | late)
    assert list(found) == [f"late_shipments:{US}"]


def test_a_target_of_a_new_kind_is_no_limit() -> None:
    found = read({"marketplaceId": US, "lateShipmentRate": LATE | {"targetCondition": "AROUND"}})
    assert (found[f"late_shipments:{US}"].limit, found[f"late_shipments:{US}"].good) == (None, "below")


@pytest.mark.parametrize("odd", [None, [], "x", 5, {"rate": "NaN"}, {"rate": True}, {"rate": {}}])
def test_odd_values_are_no_figures(odd: Any) -> None:
    known = {"lateShipmentRate": LATE}
    found = read(
        {"marketplaceId": US, "validTrackingRate": odd, "documentRequests": odd, "orderDefectRate": odd} | known
    )
    assert list(found) == [f"late_shipments:{US}"]
    dated = LATE | {"reportingDateRange": odd, "targetValue": odd}
    late = read({"marketplaceId": US, "lateShipmentRate": dated})[f"late_shipments:{US}"]
    assert (late.at, late.period_days) == (None, None)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff\xfe",
        b"<report/>",
        b"[]",
        b'{"performanceMetrics": null}',
        b'{"metrics": []}',
        b"[" * 100_000,
        json.dumps({"performanceMetrics": [{"marketplaceId": US, "late": 1}]}).encode(),
    ],
)
def test_a_document_of_another_form_is_for_a_person(document: bytes) -> None:
    with pytest.raises(AskMerchant, match="update Storebridge"):
        health.figures(document, PLACES)
