"""Reports 2021-06-30, of which there are two: the flat file of returns, and account health."""

# ruff: noqa: N815  names as the models spell them
from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import Response
from pydantic import Field

from channel_adapters.amazon.sandbox import health
from channel_adapters.amazon.sandbox.feeds import STATUSES, get_document, keep
from channel_adapters.amazon.sandbox.market import DAY, Call, Document, Market
from channel_adapters.amazon.sandbox.orders import refunds_of
from channel_adapters.amazon.sandbox.protocol import (
    Strict,
    answer,
    at_most,
    chosen,
    denied,
    epoch,
    invalid,
    listed,
    moment,
    not_found,
    number,
    read_body,
    stamp,
)

RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
COLUMNS = (
    "Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "Merchant RMA ID",
    "Label type", "Label cost", "Currency code", "Return carrier", "Tracking ID", "Label to be paid by", "A-to-Z Claim",
    "Is prime", "ASIN", "Merchant SKU", "Item Name", "Return quantity", "Return Reason", "In policy", "Return type",
    "Resolution", "Invoice number", "Return delivery date", "Order Amount", "Order quantity", "SafeT Action reason",
    "SafeT claim id", "SafeT claim state", "SafeT claim creation time", "SafeT claim reimbursement amount",
    "Refunded Amount", "Order Item ID",
)  # fmt: skip


class ReportBody(Strict):
    reportType: str
    marketplaceIds: list[str] = Field(min_length=1, max_length=25)
    dataStartTime: str | None = None
    dataEndTime: str | None = None
    reportOptions: dict[str, str] | None = None


def create_report(call: Call) -> Response:
    body, market = read_body(ReportBody), call.market
    if body.reportType not in (RETURNS, health.REPORT):
        raise invalid(f"reportType: {body.reportType} is not supported here.")
    if body.reportType == health.REPORT and not market.options.insights:
        raise denied("The application has no role for this report.")
    now = market.now()
    start = epoch("dataStartTime", body.dataStartTime) if body.dataStartTime else now
    if now - start > 60 * DAY + 60:
        raise invalid("dataStartTime: at most 60 days.")
    key = str(market.docs.next_id("report", 60001))
    report: Document = {"id": key, "type": body.reportType, "sites": body.marketplaceIds, "since": start}
    report |= {"created": now, "due": now + market.options.report_seconds, "status": "IN_QUEUE", "document": None}
    market.docs.put("reports", key, report)
    if market.options.report_seconds <= 0:
        finish(market, key)
    else:
        market.schedule(report["due"], "reports", key)
    return answer({"reportId": key}, 202)


def finish(market: Market, key: str) -> None:
    report = market.docs.get("reports", key)
    if report is None or report["status"] != "IN_QUEUE":
        return
    status = market.options.report_end
    document = _file(market, report) if status == "DONE" else None
    market.docs.put("reports", key, report | {"status": status, "document": document, "due": None})


def _file(market: Market, report: Document) -> str:
    if report["type"] == health.REPORT:
        return keep(market, json.dumps(health.report(market, report["sites"])).encode(), "application/json")
    return keep(market, returns_file(market, report).encode(), "text/plain; charset=UTF-8")


def get_reports(call: Call) -> Response:
    types, states = listed("reportTypes"), chosen("processingStatuses", STATUSES)
    at_most(types, "reportTypes", 10)
    since, size = moment("createdSince"), number("pageSize", 10, 100)
    if not types:
        raise invalid("reportTypes or nextToken is required.")
    found = [_view(item) for item in reversed(call.market.docs.all("reports").values())
             if item["type"] in types and (since is None or item["created"] >= since)]  # fmt: skip
    if call.faulty("empty_list") is not None:
        found = []
    return answer({"reports": [item for item in found if not states or item["processingStatus"] in states][:size]})


def get_report(call: Call) -> Response:
    report = call.market.docs.get("reports", call.path["report_id"])
    if report is None:
        raise not_found(f"Report {call.path['report_id']}")
    return answer(_view(report))


def _view(report: Document) -> Document:
    body = {"reportId": report["id"], "reportType": report["type"], "marketplaceIds": report["sites"]}
    body |= {"dataStartTime": stamp(report["since"]), "dataEndTime": stamp(report["created"])}
    body |= {"createdTime": stamp(report["created"]), "processingStatus": report["status"]}
    return body | ({"reportDocumentId": report["document"]} if report["document"] else {})


def get_report_document(call: Call) -> Response:
    return get_document(call, "reportDocumentId")


# The file


def returns_file(market: Market, report: Document) -> str:
    rows = [
        _row(market, document, line)
        for document in market.docs.all("returns").values()
        if document["registered"] >= report["since"]
        for line in document["lines"]
    ]
    return "\n".join("\t".join(row) for row in [COLUMNS, *rows]) + "\n"


def _row(market: Market, document: Document, line: Document) -> tuple[str, ...]:
    order: Document = market.docs.get("orders", document["order_id"]) or {}
    refunded = sum(sum(entry["amounts"].values()) for entry in refunds_of(order, document, line))
    values: dict[str, Any] = {
        "Order ID": document["order_id"],
        "Order date": _day(order["created"]),
        "Return request date": _day(document["registered"]),
        "Return request status": "Completed" if refunded else "Approved",
        "Amazon RMA ID": document["return_id"],
        "Currency code": "EUR",
        "Return carrier": "DHL",
        "Tracking ID": f"00340{document['return_id'][1:-3]:0>15}",
        "A-to-Z Claim": "N",
        "Is prime": "N",
        "ASIN": line["asin"],
        "Merchant SKU": line["sku"],
        "Item Name": line["title"],
        "Return quantity": line["quantity"],
        "Return Reason": line["reason"],
        "In policy": "Y",
        "Return type": "C-Returns",
        "Resolution": "StandardRefund",
        "Order quantity": line["ordered"],
        "Refunded Amount": f"{refunded:.2f}" if refunded else "",
        "Order Item ID": line["line_id"],
    }
    return tuple(str(values.get(column, "")) for column in COLUMNS)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d-%b-%Y")
