"""Account health: the JSON of GET_V2_SELLER_PERFORMANCE_REPORT to figures on the seller. Pure.

Amazon's schema is accountHealthReport-2020-11-18.json, in schemas/reports of
https://github.com/amzn/selling-partner-api-models (read at bda7682a, 2026-11-27). Some metrics have other names in its
properties than in its examples: both are read. Rates are called percentages and are shares of 1: in the example 27,896
late of 870,669 orders are 0.03203973037.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.reading import Json, amount, moment, storable, table, tables, text
from bridge.ports.channel import ScoreFigure
from bridge.ports.errors import AskMerchant

REPORT = "GET_V2_SELLER_PERFORMANCE_REPORT"
EXACT = Decimal("0.0001")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rate:
    """``ways``: where it stands, the first that is there. ``of``: how many were measured; of none there is no rate."""

    name: str
    title: str
    of: str
    ways: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Count:
    """Cases that should not be."""

    name: str
    title: str
    ways: tuple[str, ...]


RATES = (
    Rate("order_defects", "Orders with defects ({country})", "orderCount", (("orderDefectRate", "mfn"),)),
    Rate("fba_order_defects", "Orders with defects, FBA ({country})", "orderCount", (("orderDefectRate", "afn"),)),
    Rate("late_shipments", "Late shipments ({country})", "orderCount", (("lateShipmentRate",),)),
    Rate("cancelled", "Cancelled before shipment ({country})", "orderCount",
         (("preFulfillmentCancellationRate",), ("prefulfillmentCancelRate",))),
    Rate("valid_tracking", "Parcels with valid tracking ({country})", "shipmentCount", (("validTrackingRate",),)),
    Rate("on_time", "Delivered on time ({country})", "shipmentCountWithValidTracking", (("onTimeDeliveryRate",),)),
    Rate("units_on_time", "Units delivered on time ({country})", "totalUnitCount", (("unitOnTimeDeliveryRate",),)),
    Rate("invoice_defects", "Invoices missing or late ({country})", "orderCount", (("invoiceDefectRate",),)),
)  # fmt: skip
COUNTS = (
    Count("listing_policy", "Violations of listing policies ({country})", ("listingPolicyViolations",)),
    Count("authenticity", "Complaints about authenticity ({country})", ("productAuthenticityCustomerComplaints",)),
    Count("condition", "Complaints about product condition ({country})", ("productConditionCustomerComplaints",)),
    Count("safety", "Complaints about product safety ({country})", ("productSafetyCustomerComplaints",)),
    Count("property_received", "Complaints about intellectual property ({country})",
          ("receivedIntellectualPropertyComplaints",)),
    Count("property_suspected", "Suspected violations of intellectual property ({country})",
          ("suspectedIntellectualPropertyViolations",)),
    Count("restricted", "Violations by restricted products ({country})", ("restrictedProductPolicyViolations",)),
    Count("food_safety", "Issues of food and product safety ({country})", ("foodAndProductSafetyIssues",)),
    Count("other_policy", "Violations of other policies ({country})", ("otherPolicyViolations",)),
    Count("documents", "Requests for documents ({country})", ("documentRequests", "documentRequest")),
)  # fmt: skip
WARNINGS = ("warningStates", "warningState")
KNOWN = frozenset(
    {*WARNINGS, *(way[0] for rate in RATES for way in rate.ways), *(way for count in COUNTS for way in count.ways)}
)
# On which side of the target it is good. EQUALS is used of counts that should be 0.
SIDES = {"LESS_THAN": "below", "EQUALS": "below", "GREATER_THAN": "above"}
STANDS_WELL = frozenset({"", "NORMAL"})
RATINGS, IS_WEAK = ("accountHealthRatingStatus", "ahrStatus"), "WARNED"


def figures(document: bytes, countries: Mapping[str, str]) -> list[ScoreFigure]:
    """What is told of the marketplaces in ``countries`` (names by code); of others and of new metrics nothing. Raises
    AskMerchant where the document has another form."""
    report = _read(document)
    told = [raw for raw in tables(report, "performanceMetrics") if text(raw.get("marketplaceId")) in countries]
    if told and not any(KNOWN & raw.keys() for raw in told):
        raise _unknown(f"metrics: {sorted({str(name)[:40] for raw in told for name in raw})[:20]}")
    found = [*_standing(report, told, countries)]
    for raw in told:
        site = text(raw.get("marketplaceId"))
        found += [*_rates(raw, site, countries[site]), *_counts(raw, site, countries[site])]
    return list({figure.name: figure for figure in found}.values())


def _read(document: bytes) -> Json:
    try:
        report = storable(json.loads(document.decode("utf-8-sig"), parse_float=Decimal))
    except (ValueError, RecursionError) as error:
        raise _unknown(str(error)) from error
    if not isinstance(table(report).get("performanceMetrics"), list):
        raise _unknown(f"fields: {sorted(str(name)[:40] for name in table(report))[:20]}")
    return table(report)


def _unknown(why: str) -> AskMerchant:
    words = "Amazon's report on account health has another form than Storebridge knows: update Storebridge."
    return AskMerchant(words, developer=why[:300])


def _standing(report: Json, told: list[Json], countries: Mapping[str, str]) -> Iterator[ScoreFigure]:
    """Of the account as a whole: in how many countries it is not as it should be."""
    known = [raw for raw in tables(report, "accountStatuses") if text(raw.get("marketplaceId")) in countries]
    if known:
        bad = sum(text(raw.get("status")) not in STANDS_WELL for raw in known)
        yield _whole("at_risk", "Countries in which the account is at risk or deactivated", bad, {})
    rated = [table(raw, "accountHealthRating") for raw in told if raw.get("accountHealthRating")]
    if rated:
        weak = sum(IS_WEAK in {text(item.get(name)) for name in RATINGS} for item in rated)
        yield _whole("weak_rating", "Countries with a weak account health rating", weak, rated[0])


def _rates(raw: Json, site: str, country: str) -> Iterator[ScoreFigure]:
    for rate in RATES:
        item = next((found for way in rate.ways if (found := table(raw, *way))), {})
        value = amount(item.get("rate"))
        if value is None or amount(item.get(rate.of)) == 0:
            continue
        side = SIDES.get(text(item.get("targetCondition")))
        yield ScoreFigure(
            name=f"{rate.name}:{site}",
            title=rate.title.format(country=country),
            value=value.quantize(EXACT),
            limit=amount(item.get("targetValue")) if side else None,
            good="above" if side == "above" else "below",
            **_period(item),
        )


def _counts(raw: Json, site: str, country: str) -> Iterator[ScoreFigure]:
    for count in COUNTS:
        item = next((found for way in count.ways if (found := table(raw, way))), {})
        value, limit = amount(item.get("defectsCount")), amount(item.get("targetValue"))
        if value is not None:
            yield _whole(f"{count.name}:{site}", count.title.format(country=country), value, item, limit)
    if any(isinstance(raw.get(name), list) for name in WARNINGS):
        bad = sum(text(item.get("status")) == "BAD" for name in WARNINGS for item in tables(raw, name))
        yield _whole(f"warnings:{site}", f"Warnings to the account ({country})", bad, {})


def _whole(name: str, title: str, value: Decimal | int, item: Json, limit: Decimal | None = Decimal(0)) -> ScoreFigure:
    return ScoreFigure(name=name, title=title, value=Decimal(value), unit="", limit=limit, **_period(item))


def _period(item: Json) -> dict[str, Any]:
    """``reportingDateTo`` is the last minute of the last day."""
    told = table(item, "reportingDateRange")
    begin, end = moment(told.get("reportingDateFrom")), moment(told.get("reportingDateTo"))
    days = round((end - begin) / DAY) if begin is not None and end is not None else 0
    return {"at": end, "period_days": days if days > 0 else None}
