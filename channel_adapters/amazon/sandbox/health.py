"""Account health as Amazon reports it, in the shape of accountHealthReport-2020-11-18.json: counted from the orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from channel_adapters.amazon.sandbox.market import DAY, Document, Market
from channel_adapters.amazon.sandbox.orders import items_of
from channel_adapters.amazon.sandbox.protocol import epoch

REPORT = "GET_V2_SELLER_PERFORMANCE_REPORT"
LISTING_LEVEL = (
    "listingPolicyViolations", "productAuthenticityCustomerComplaints", "productConditionCustomerComplaints",
    "productSafetyCustomerComplaints", "receivedIntellectualPropertyComplaints", "restrictedProductPolicyViolations",
    "suspectedIntellectualPropertyViolations", "foodAndProductSafetyIssues", "otherPolicyViolations",
    "documentRequests",
)  # fmt: skip


def report(market: Market, sites: list[str]) -> Document:
    mine = [site for site in sites if site in market.options.marketplaces]
    return {
        "accountStatuses": [{"marketplaceId": site, "status": "NORMAL"} for site in mine],
        "performanceMetrics": [_metrics(market, site) for site in mine],
    }


def _metrics(market: Market, site: str) -> Document:
    all_orders = [order for order in market.docs.all("orders").values() if _sold_on(order) == site]
    orders = [order for order in all_orders if order["raw"]["fulfillment"]["fulfilledBy"] == "MERCHANT"]
    packages = [package for order in orders for package in order["raw"]["packages"]]
    tracked = sum(bool(package["trackingNumber"]) for package in packages)
    late, cancelled = sum(map(_late, orders)), sum(map(_cancelled, orders))
    return {
        "marketplaceId": site,
        "orderDefectRate": {
            "mfn": _defects(market, "mfn", len(orders)),
            "afn": _defects(market, "afn", len(all_orders) - len(orders)),
        },
        "lateShipmentRate": _rate(market, 30, late, "lateShipmentCount", len(orders), "orderCount", 0.04),
        "preFulfillmentCancellationRate": _rate(
            market, 7, cancelled, "cancellationCount", len(orders), "orderCount", 0.025
        ),
        "validTrackingRate": _rate(
            market, 30, tracked, "validTrackingCount", len(packages), "shipmentCount", 0.95, "GREATER_THAN"
        ),
        "onTimeDeliveryRate": _rate(
            market, 30, tracked, "onTimeDeliveryCount", tracked, "shipmentCountWithValidTracking", 0.9, "GREATER_THAN"
        ),
        "unitOnTimeDeliveryRate": _rate(
            market, 30, 0, "unitOnTimeDeliveryCount", 0, "totalUnitCount", 0.9, "GREATER_THAN"
        ),
        "invoiceDefectRate": _rate(market, 7, 0, "", 0, "orderCount", 0.05)
        | {name: {"count": 0, "status": "NONE"} for name in ("invoiceDefect", "missingInvoice", "lateInvoice")},
        "warningStates": [],
        "accountHealthRating": {"accountHealthRatingStatus": "GREAT", "ahrStatus": "GREAT"} | _range(market, 180),
        **{name: _count(market) for name in LISTING_LEVEL},
    }


def _rate(
    market: Market, days: int, hits: int, hits_name: str, of: int, of_name: str, target: float, side: str = "LESS_THAN"
) -> Document:
    rate = hits / of if of else 0.0
    good = rate < target if side == "LESS_THAN" else rate >= target
    counts: dict[str, Any] = {of_name: of} | ({hits_name: hits} if hits_name else {})
    judged = {"status": ("GOOD" if good else "BAD") if of else "NONE", "rate": rate}
    return _range(market, days) | counts | judged | {"targetValue": target, "targetCondition": side}


def _defects(market: Market, kind: str, orders: int) -> Document:
    parts = {name: {"count": 0, "status": "NONE"} for name in ("claims", "chargebacks", "negativeFeedback")}
    parts["orderWithDefects"] = {"count": 0, "status": "GOOD"}
    return _rate(market, 60, 0, "", orders, "orderCount", 0.01) | parts | {"fulfillmentType": kind}


def _count(market: Market) -> Document:
    judged = {"defectsCount": 0, "status": "GOOD", "targetValue": 0, "targetCondition": "EQUALS"}
    return _range(market, 180) | judged


def _range(market: Market, days: int) -> Document:
    """From midnight to a minute before it, as Amazon's example has it."""
    end = market.now() // DAY * DAY
    told = {"reportingDateFrom": _minute(end - days * DAY), "reportingDateTo": _minute(end - 60)}
    return {"reportingDateRange": told}


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _sold_on(order: Document) -> str:
    return str(order["raw"]["salesChannel"]["marketplaceId"])


def _late(order: Document) -> bool:
    until = epoch("latestDateTime", order["raw"]["fulfillment"]["shipByWindow"]["latestDateTime"])
    return any(epoch("shipTime", package["shipTime"]) > until for package in order["raw"]["packages"])


def _cancelled(order: Document) -> bool:
    """By the seller."""
    told = [item.get("cancellation", {}).get("cancellationExecution", {}) for item in items_of(order)]
    return any(one.get("cancelledBy") == "MERCHANT" for one in told)
