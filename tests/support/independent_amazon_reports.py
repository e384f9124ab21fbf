"""The independent Amazon's reports: asked for, made in a queue, and fetched as documents; with the returns of a seller who
ships. By the model of Reports 2021-06-30; what stands in the two reports of returns is in Amazon's pages on them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from flask import Response, request

from tests.support.independent import Json
from tests.support.independent_amazon import Refused, answer, now
from tests.support.independent_amazon_listings import time_of
from tests.support.independent_amazon_orders import Amazon
from tests.support.independent_amazon_types import FRANCE, GERMANY

XML, FLAT = "GET_XML_RETURNS_DATA_BY_RETURN_DATE", "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
COLUMNS = [
    "Order ID",
    "Order date",
    "Return request date",
    "Return request status",
    "Amazon RMA ID",
    "Merchant RMA ID",
    "Label type",
    "Label cost",
    "Currency code",
    "Return carrier",
    "Tracking ID",
    "Label to be paid by",
    "A-to-Z Claim",
    "Is prime",
    "ASIN",
    "Merchant SKU",
    "Item Name",
    "Return quantity",
    "Return Reason",
    "In policy",
    "Return type",
    "Resolution",
    "Invoice number",
    "Return delivery date",
    "Order Amount",
    "Order quantity",
    "SafeT Action reason",
    "SafeT claim id",
    "SafeT claim state",
    "SafeT claim creation time",
    "SafeT claim reimbursement amount",
    "Refunded Amount",
]
MOST_DAYS = 60


class Reporting(Amazon):
    """``back``: what buyers send back, in the fields of the XML report, its items a list; ``ends``: how the next reports
    end instead of DONE; ``charset``: of what is not packed; ``packed``: whether documents are."""

    def __init__(self, specs: Path, credentials: dict[str, str]) -> None:
        super().__init__(specs, credentials)
        self.back: list[Json] = []
        self.reports: dict[str, Json] = {}
        self.ends: list[str] = []
        self.packed = True
        self.charset = "UTF-8"
        self.headings = list(COLUMNS)
        self._worked: dict[str, int] = {}

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        reports = "/reports/2021-06-30"
        return [
            *super().routes(),
            (f"{reports}/reports", "POST", self._create_report),
            (f"{reports}/reports", "GET", self._list_reports),
            (f"{reports}/reports/<key>", "GET", self._report),
            (f"{reports}/documents/<key>", "GET", self._report_document),
            ("/presigned/report/<key>", "GET", self._fetch),
        ]

    def sends_back(self, order: str, *items: Json, asked: datetime, **given: Any) -> None:
        """``items`` with at least merchant_sku, return_quantity and return_reason_code."""
        named = [
            {"item_name": f"Tasse {one['merchant_sku']}", "asin": "B0AAAAAAAA", "in_policy": "Y"}
            | {"resolution": "StandardRefund", "category": "Kitchen", "refund_amount": "20.0"}
            | one
            for one in items
        ]
        moment = asked.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        label = {"currency_code": "EUR", "label_cost": "0.0", "label_type": "AmazonUnPaidLabel"}
        made: Json = {
            "item_details": named,
            "order_id": order,
            "order_date": moment,
            "amazon_rma_id": f"D{order}RRMA",
            "return_request_date": moment,
            "return_request_status": "Approved",
            "a_to_z_claim": "false",
            "is_prime": "N",
            "label_details": label,
            "label_to_be_paid_by": "Customer",
            "return_type": "C-Returns",
            "order_amount": "20.0",
            "order_quantity": "1",
        }
        self.back.append(made | given)

    # Reports.

    def _create_report(self) -> Response:
        body = request.get_json()
        if body["reportType"] not in (XML, FLAT):
            raise Refused(400, "InvalidInput", f"the report type {body['reportType']} is not known")
        if not set(body["marketplaceIds"]) <= {GERMANY, FRANCE}:
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.")
        first, last = (body.get(name, now()) for name in ("dataStartTime", "dataEndTime"))
        present = datetime.now(UTC) + timedelta(seconds=5)
        if not time_of(first) <= time_of(last) <= present:
            raise Refused(400, "InvalidInput", f"from {first} to {last}")
        if time_of(last) - time_of(first) > timedelta(days=MOST_DAYS):
            raise Refused(400, "InvalidInput", f"more than {MOST_DAYS} days")
        key = str(next(self.numbers))
        report = {"reportId": key, "reportType": body["reportType"], "marketplaceIds": body["marketplaceIds"]}
        report |= {"dataStartTime": first, "dataEndTime": last, "createdTime": now(), "processingStatus": "IN_QUEUE"}
        self.reports[key] = report
        return answer({"reportId": key}, 202)

    def _found(self, report: Json) -> list[Json]:
        first, last = time_of(report["dataStartTime"]), time_of(report["dataEndTime"])
        return [one for one in self.back if first <= time_of(one["return_request_date"]) <= last]

    def work(self) -> None:
        """Time goes by: queued, at work, done; cancelled "if there is no data to return"."""
        for key, report in self.reports.items():
            if report["processingStatus"] == "IN_QUEUE":
                report["processingStatus"] = "IN_PROGRESS"
            elif report["processingStatus"] == "IN_PROGRESS":
                end = "DONE" if self._found(report) else "CANCELLED"
                report["processingStatus"] = self.ends.pop(0) if self.ends else end
                report["processingEndTime"] = now()
                if report["processingStatus"] == "DONE":
                    report["reportDocumentId"] = f"amzn1.spdoc.1.4.eu.{key}"

    def asked_for_by_another(self, places: list[str], days: int) -> None:
        """Another program of the same seller has a report made, and it is there."""
        key, present = str(next(self.numbers)), datetime.now(UTC) + timedelta(seconds=2)
        report = {"reportId": key, "reportType": kind_of(self.reports), "marketplaceIds": places}
        report |= {"dataStartTime": _stamp(present - timedelta(days=days)), "dataEndTime": _stamp(present)}
        report |= {"createdTime": _stamp(present), "processingStatus": "DONE"}
        self.reports[key] = report | {"reportDocumentId": f"amzn1.spdoc.1.4.eu.{key}"}

    def _report(self, key: str) -> Response:
        if key not in self.reports:
            raise Refused(404, "NotFound", key)
        return answer(self.reports[key])

    def _list_reports(self) -> Response:
        types = request.args.get("reportTypes", "").split(",")
        statuses = request.args.get("processingStatuses")
        found = [one for one in self.reports.values() if one["reportType"] in types]
        found = [one for one in found if not statuses or one["processingStatus"] in statuses.split(",")]
        since = request.args.get("createdSince", "")
        found = [one for one in found if time_of(one["createdTime"]) >= time_of(since)]
        size = int(request.args.get("pageSize", 10))
        found.sort(key=lambda one: str(one["createdTime"]), reverse=True)
        return answer({"reports": found[:size]})

    # Documents.

    def _report_document(self, key: str) -> Response:
        report = self.reports.get(key.rpartition(".")[2], {})
        if report.get("reportDocumentId") != key:
            raise Refused(404, "NotFound", key)
        url = f"{request.host_url}presigned/report/{report['reportId']}?X-Amz-Expires=300&X-Amz-Signature={next(self.numbers)}"
        return answer({"reportDocumentId": key, "url": url} | ({"compressionAlgorithm": "GZIP"} if self.packed else {}))

    def _fetch(self, key: str) -> Response:
        """The text is in the charset its type names."""
        self._presigned()
        report = self.reports[key]
        found = self._found(report)
        text = _xml(found, self.charset) if report["reportType"] == XML else _flat(found, self.headings)
        content = text.encode(self.charset, "xmlcharrefreplace")
        kind = "text/xml" if report["reportType"] == XML else "text/plain"
        content = gzip.compress(content) if self.packed else content
        return Response(content, 200, content_type=f"{kind};charset={self.charset}")


def _xml(returns: list[Json], charset: str) -> str:
    """As Amazon sends it: one return for each RMA, its items in front, everything in one line."""

    def told(value: Any) -> str:
        if isinstance(value, dict):
            return "".join(f"<{name}>{told(part)}</{name}>" for name, part in value.items())
        return escape(str(value))

    parts = []
    for one in returns:
        items = "".join(f"<item_details>{told(item)}</item_details>" for item in one["item_details"])
        rest = told({name: part for name, part in one.items() if name != "item_details"})
        parts.append(f"<return_details>{items}{rest}</return_details>")
    return (
        f'<?xml version="1.0" encoding="{charset}"?><AmazonEnvelope xsi:noNamespaceSchemaLocation="amzn-envelope.xsd"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Header><DocumentVersion>1.0</DocumentVersion></Header>'
        f"<MessageType>MFNReturnsReport</MessageType><Message>{''.join(parts)}</Message></AmazonEnvelope>"
    )


def kind_of(reports: dict[str, Json]) -> str:
    return str(next(iter(reports.values()))["reportType"])


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _flat(returns: list[Json], headings: list[str]) -> str:
    rows = ["\t".join(headings)]
    for one in returns:
        days = [time_of(one[name]).strftime("%d-%b-%Y") for name in ("order_date", "return_request_date")]
        for item in one["item_details"]:
            given = {
                "Order ID": one["order_id"],
                "Order date": days[0],
                "Return request date": days[1],
                "Return request status": one["return_request_status"],
                "Amazon RMA ID": one["amazon_rma_id"],
                "Merchant RMA ID": " ",
                "Currency code": "EUR",
                "ASIN": item["asin"],
                "Merchant SKU": item["merchant_sku"],
                "Item Name": item["item_name"],
                "Return quantity": str(item["return_quantity"]),
                "Return Reason": item["return_reason_code"],
                "In policy": item["in_policy"],
                "Resolution": item["resolution"],
                "Order Amount": one["order_amount"],
                "Order quantity": one["order_quantity"],
                "Refunded Amount": item["refund_amount"],
            }
            rows.append("\t".join(given.get(name, "") for name in COLUMNS))
    return "\r\n".join(rows) + "\r\n"
