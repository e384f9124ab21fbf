"""Product content v10: accepted, then judged attribute by attribute in an upload report."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Response
from stdnum import ean as ean_number

from channel_adapters.bol.sandbox.availability import missing_content
from channel_adapters.bol.sandbox.market import Call, Document, Market
from channel_adapters.bol.sandbox.offers import recheck_product
from channel_adapters.bol.sandbox.processes import accept
from channel_adapters.bol.sandbox.protocol import answer, bad_request, not_found

NUMERIC = {"Width", "Height", "Length", "Depth", "Weight", "Diameter"}
UNITS = {"mm", "cm", "m", "g", "kg", "unece.unit.MMT", "unece.unit.CMT", "unece.unit.KGM", "unece.unit.GRM"}

TEXTS = {
    "VALIDATION_FAILED_INVALID_EAN": "The provided EAN is not correct.",
    "VALIDATION_FAILED_INVALID_NUMBER": "The numeric value is incorrect.",
    "VALIDATION_FAILED_INVALID_UNIT": "The unit is not allowed for this attribute.",
    "VALIDATION_FAILED_INVALID_TEXT": "The text contains characters that are not allowed.",
    "MATCH_TO_PRODUCT_FAILED": "The content could not be matched to a product.",
    "NOT_VALID_FOR_IMPORT": "The URL of the asset is not valid.",
    "DOWNLOAD_FAILED_404": "Failed to download.",
    "IDENTICAL_VALUE_AS_BEFORE": "The value is the same as before.",
    "IMAGE_FLAGGED_AS_DUPLICATE": "The image is there already.",
}


def post_product_content(call: Call) -> Response:
    content = call.body.wire()
    values = (value for attribute in content["attributes"] for value in attribute["values"])
    if call.market.options.units_required and any("unitId" not in value for value in values):
        raise bad_request("attributes[0].values[0].unitId", "must not be null")
    ean = next(item for item in content["attributes"] if item["id"] == "EAN")["values"][0]["value"]
    return accept(call, "CREATE_PRODUCT_CONTENT", ean, {"ean": ean, "content": content})


def start_report(market: Market, payload: Document) -> str:
    """The work of the process: its entity is the upload, which is judged later still."""
    content, upload_id = payload["content"], str(uuid.uuid4())
    due = market.now() + market.options.content_seconds
    report = {"uploadId": upload_id, "ean": payload["ean"], "due": due, "content": content, "done": False}
    market.docs.put("reports", upload_id, report)
    market.schedule(due, "content", upload_id)
    return upload_id


def schedule_reports(market: Market) -> None:
    for report in market.docs.all("reports").values():
        if not report["done"]:
            market.schedule(report["due"], "content", report["uploadId"])


def finish_report(market: Market, upload_id: str) -> None:
    report = market.docs.get("reports", upload_id)
    if report is None or report["done"]:
        return
    report["done"] = True
    market.docs.put("reports", upload_id, report)
    if ean_number.is_valid(report["ean"]):
        _publish(market, report)


def _publish(market: Market, report: Document) -> None:
    """The catalogue takes over what was not declined; what is then still missing keeps the offers offline."""
    product = market.docs.get("catalogue", report["ean"]) or {"ean": report["ean"], "attributes": {}}
    missing = missing_content(market, report["ean"])
    attributes, images = report["content"]["attributes"], report["content"].get("assets") or []
    pictures = product.get("pictures", [])
    report["same"] = [item["id"] for item in attributes if product["attributes"].get(item["id"]) == item["values"]]
    report["same"] += [item["url"] for item in images if item["url"] in pictures]
    product["pictures"] = list(dict.fromkeys([*pictures, *(item["url"] for item in images)]))
    market.docs.put("reports", report["uploadId"], report)
    for attribute in attributes:
        if _fault(attribute) is None:
            product["attributes"][attribute["id"]] = attribute["values"]
    product["missing"] = [name for name in missing if name not in product["attributes"]]
    market.docs.put("catalogue", report["ean"], product)
    recheck_product(market, report["ean"])


def get_upload_report(call: Call) -> Response:
    report = call.market.docs.get("reports", call.path["upload-id"])
    if report is None:
        raise not_found("Upload report")
    content, judged = report["content"], report["done"]
    matched = ean_number.is_valid(report["ean"])
    body: dict[str, Any] = {"uploadId": report["uploadId"], "language": content["language"]}
    body["status"] = "COMPLETED" if judged else "IN_PROGRESS"
    same = report.get("same", [])
    body["attributes"] = [
        item | (SAME_VALUE if item["id"] in same else _attribute_verdict(item, judged, matched))
        for item in content["attributes"]
    ]
    body["assets"] = [
        item | (SAME_IMAGE if item["url"] in same else _asset_verdict(item["url"], judged, matched))
        for item in content.get("assets") or []
    ]
    return answer(body)


def _attribute_verdict(attribute: Document, judged: bool, matched: bool) -> Document:
    if not judged:
        return {"status": "IN_PROGRESS"}
    fault = _fault(attribute)
    if fault is None and not matched:
        fault = "MATCH_TO_PRODUCT_FAILED"
    return _verdict(fault)


def _asset_verdict(url: str, judged: bool, matched: bool) -> Document:
    if not judged:
        return {"status": "IN_PROGRESS"}
    fault = None if matched else "MATCH_TO_PRODUCT_FAILED"
    if not re.match(r"https?://[^/\s]+/\S*$", url):
        fault = "NOT_VALID_FOR_IMPORT"
    elif "404" in url:
        fault = "DOWNLOAD_FAILED_404"
    return _verdict(fault)


def _verdict(fault: str | None) -> Document:
    if fault is None:
        return {"status": "PUBLISHED"}
    return {"status": "DECLINED", "subStatus": fault, "subStatusDescription": TEXTS[fault]}


SAME_VALUE, SAME_IMAGE = _verdict("IDENTICAL_VALUE_AS_BEFORE"), _verdict("IMAGE_FLAGGED_AS_DUPLICATE")


def _fault(attribute: Document) -> str | None:
    """A miniature of bol's data model: enough to be refused for each kind of reason."""
    name, values = attribute["id"], attribute["values"]
    texts = [value["value"] for value in values]
    if name == "EAN":
        return None if ean_number.is_valid(texts[0]) else "VALIDATION_FAILED_INVALID_EAN"
    if name in NUMERIC and not all(re.fullmatch(r"-?\d+([.,]\d+)?", text) for text in texts):
        return "VALIDATION_FAILED_INVALID_NUMBER"
    if any(value.get("unitId") and value["unitId"] not in UNITS for value in values):
        return "VALIDATION_FAILED_INVALID_UNIT"
    if any("<script" in text.lower() for text in texts):
        return "VALIDATION_FAILED_INVALID_TEXT"
    return None


def get_catalog_product(call: Call) -> Response:
    product = call.market.docs.get("catalogue", call.path["ean"])
    if product is None:
        raise not_found("Product")
    attributes = [{"id": name, "values": values} for name, values in product["attributes"].items()]
    missing = product["missing"]
    brand = product["attributes"].get("Brand")
    parties = [{"name": brand[0]["value"], "type": "Brand", "role": "BRAND"}] if brand else []
    body = {
        "published": not missing,
        "gpc": {"chunkId": "30005965"},
        "enrichment": {"status": int(not missing)},
    }
    return answer(body | {"attributes": attributes, "parties": parties})
