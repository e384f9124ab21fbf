"""The other half of Amazon as its models have it: orders of 2026-01-01, and shipments confirmed by v0."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Response, request

from tests.support.independent import Json
from tests.support.independent_amazon import Refused, answer, now
from tests.support.independent_amazon_listings import Listings, time_of

# What an order has without being asked for it is what the model requires; the rest belongs to a dataset.
DATASETS = {
    "BUYER": ("buyer",),
    "RECIPIENT": ("recipient",),
    "PROCEEDS": ("proceeds",),
    "EXPENSE": ("expense",),
    "PROMOTION": ("promotion",),
    "CANCELLATION": ("cancellation",),
    "FULFILLMENT": ("fulfillment",),
    "PACKAGES": ("packages",),
    "TAX": ("tax",),
    "PAYMENT": ("payment",),
    "FULFILLMENT_ORDERS": ("fulfillmentOrders",),
}
REPORT = """<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope><Header><DocumentVersion>1.02</DocumentVersion></Header>
<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID><ProcessingReport><StatusCode>Complete
</StatusCode><ProcessingSummary><MessagesProcessed>1</MessagesProcessed><MessagesSuccessful>1</MessagesSuccessful>
<MessagesWithError>0</MessagesWithError></ProcessingSummary></ProcessingReport></Message></AmazonEnvelope>"""
ERROR = (
    "<Result><MessageID>{number}</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>{code}</ResultMessageCode>"
    "<ResultDescription>{words}</ResultDescription></Result></ProcessingReport>"
)
RESERVED = {name for names in DATASETS.values() for name in names}


class Amazon(Listings):
    def __init__(self, specs: Path, credentials: dict[str, str]) -> None:
        super().__init__(specs, credentials)
        self.orders: dict[str, Json] = {}
        self.feeds_seen: list[tuple[str, bytes]] = []
        self.refusing: list[tuple[int, str, str]] = []  # of the next XML feeds: message (0: the feed), code and words
        self.after_a_page: Callable[[Amazon], None] = lambda _: None
        self.withheld: set[str] = set()  # datasets for which the application has no role
        self._pages: dict[str, tuple[list[str], int]] = {}

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        orders = "/orders/2026-01-01/orders"
        return [
            *super().routes(),
            (orders, "GET", self._list),
            (f"{orders}/<order>", "GET", lambda order: answer({"order": self._told(self._known(order))})),
            ("/orders/v0/orders/<order>/shipmentConfirmation", "POST", self._ship),
        ]

    def sold(self, order: Json) -> None:
        model = next(model for model in self.models if "SearchOrdersResponse" in model.spec["definitions"])
        faults = model.faults(model.spec["definitions"]["Order"], order)
        assert not faults, faults
        self.orders[order["orderId"]] = order

    def _list(self) -> Response:
        given = request.args
        if ("createdAfter" in given) == ("lastUpdatedAfter" in given):
            raise Refused(400, "InvalidInput", "exactly one of createdAfter and lastUpdatedAfter")
        name, other = ("created", "lastUpdated") if "createdAfter" in given else ("lastUpdated", "created")
        if f"{other}Before" in given:
            raise Refused(400, "InvalidInput", f"{other}Before beside {name}After")
        after, before = given[f"{name}After"], given.get(f"{name}Before")
        latest = datetime.now(UTC) - timedelta(minutes=2)
        if before and not time_of(after) <= time_of(before) <= latest:
            raise Refused(400, "InvalidInput", f"{name}Before {before}")
        size = int(given.get("maxResultsPerPage", 100))
        if not 1 <= size <= 100:
            raise Refused(400, "InvalidInput", f"maxResultsPerPage {size}")
        token = given.get("paginationToken")
        if token and token not in self._pages:
            raise Refused(400, "InvalidInput", "paginationToken")
        field = "createdTime" if name == "created" else "lastUpdatedTime"
        matching, start = self._pages[token] if token else (self._matching(field, time_of(after), before), 0)
        page, rest = matching[start : start + size], matching[start + size :]
        body: Json = {"orders": [self._told(self.orders[order]) for order in page], f"{name}Before": before or now()}
        if rest:
            token = f"next-{next(self.numbers)}=="
            self._pages[token] = (matching, start + size)
            body["pagination"] = {"nextToken": token}
        self.after_a_page(self)
        return answer(body)

    def forget_pages(self) -> None:
        """Tokens of pages have ended."""
        self._pages.clear()

    def _matching(self, field: str, after: datetime, before: str | None) -> list[str]:
        statuses, by = request.args.get("fulfillmentStatuses"), request.args.get("fulfilledBy")
        places = request.args.get("marketplaceIds")
        found = []
        for key, order in sorted(self.orders.items(), key=lambda item: str(item[1][field])):
            fulfilment = order["fulfillment"]
            wanted = time_of(order[field]) >= after and (not before or time_of(order[field]) <= time_of(before))
            wanted = wanted and (not statuses or fulfilment["fulfillmentStatus"] in statuses.split(","))
            wanted = wanted and (not by or fulfilment["fulfilledBy"] in by.split(","))
            if wanted and (not places or order["salesChannel"]["marketplaceId"] in places.split(",")):
                found.append(key)
        return found

    def _known(self, order: str) -> Json:
        if order not in self.orders:
            raise Refused(404, "NotFound", order)
        return self.orders[order]

    def _told(self, order: Json) -> Json:
        """With the datasets that were asked for."""
        asked = [name for name in request.args.get("includedData", "").split(",") if name]
        if self.withheld & set(asked):
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.")
        kept = {name for dataset in asked for name in DATASETS[dataset]}
        whole = _without(deepcopy(order), RESERVED - kept)
        return whole | {"orderItems": [_without(item, RESERVED - kept) for item in whole["orderItems"]]}

    # Shipments.

    def _ship(self, order: str) -> Response:
        known, body = self._known(order), request.get_json()
        package = body["packageDetail"]
        if body["marketplaceId"] != known["salesChannel"]["marketplaceId"]:
            raise Refused(400, "InvalidInput", "marketplaceId")
        if not re.fullmatch(r"[1-9]\d*", package["packageReferenceId"]):
            raise Refused(400, "InvalidInput", "packageReferenceId: only positive numeric values")
        if package["carrierCode"] == "Other" and not package.get("carrierName"):
            raise Refused(400, "InvalidInput", "carrierName is required when carrierCode is Other")
        if time_of(package["shipDate"]) < time_of(known["createdTime"]) or not package["trackingNumber"]:
            raise Refused(400, "InvalidInput", "shipDate before the order, or no trackingNumber")
        packages = [
            one for one in known.get("packages", []) if one["packageReferenceId"] != package["packageReferenceId"]
        ]
        inside = [{"orderItemId": one["orderItemId"], "quantity": one["quantity"]} for one in package["orderItems"]]
        made = {"packageReferenceId": package["packageReferenceId"], "packageItems": inside}
        made |= {"carrier": package.get("carrierName") or package["carrierCode"], "shipTime": package["shipDate"]}
        made |= {"trackingNumber": package["trackingNumber"], "packageStatus": {"status": "SHIPPED"}}
        self._count(known, [*packages, made])
        return Response(b"", 204)

    def _count(self, order: Json, packages: list[Json]) -> None:
        left_over = 0
        counted = {}
        for item in order["orderItems"]:
            key, bought = item["orderItemId"], item["quantityOrdered"]
            rows = [row for one in packages for row in one["packageItems"]]
            sent = sum(row["quantity"] for row in rows if row["orderItemId"] == key)
            if sent > bought or {row["orderItemId"] for row in rows} - {x["orderItemId"] for x in order["orderItems"]}:
                raise Refused(400, "InvalidInput", f"{sent} of {bought} units of {key}")
            counted[key] = {"quantityFulfilled": sent, "quantityUnfulfilled": bought - sent}
            left_over += bought - sent
        for item in order["orderItems"]:
            item["fulfillment"] = item.get("fulfillment", {}) | counted[item["orderItemId"]]
        order["packages"] = packages
        order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left_over else "SHIPPED"
        order["lastUpdatedTime"] = now()

    # Feeds that are no listings: what is in them has no description among the models.

    def process(self, kind: str, key: str, content: bytes, places: list[str]) -> bytes:
        if kind == "JSON_LISTINGS_FEED":
            return super().process(kind, key, content, places)
        self.feeds_seen.append((kind, content))
        if not self.refusing:
            return REPORT.encode()
        number, code, words = self.refusing.pop(0)
        report = REPORT.replace("<MessagesSuccessful>1", "<MessagesSuccessful>0")
        report = report.replace("<MessagesWithError>0", "<MessagesWithError>1")
        return report.replace("</ProcessingReport>", ERROR.format(number=number, code=code, words=words)).encode()


def _without(part: Json, names: set[str]) -> Json:
    return {name: value for name, value in part.items() if name not in names}
