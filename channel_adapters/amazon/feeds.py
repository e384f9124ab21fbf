"""Feeds: the documents that are sent, and the reports on what became of each message. Pure.

JSON: https://github.com/amzn/selling-partner-api-models/tree/main/schemas/feeds. XML (cancellations, refunds): Amazon's
amzn-envelope.xsd with OrderAcknowledgement.xsd, OrderAdjustment.xsd and ProcessingReport.xsd.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from bridge.domain.money import Money
from bridge.domain.reading import Json, tables, text, whole
from bridge.domain.returns import ChannelRefund
from bridge.ports.errors import RetryLater
from channel_adapters.amazon.account import MANIFEST

Parts = Sequence[tuple[str, Money]]

JSON_MEDIA = "application/json; charset=UTF-8"
XML_MEDIA = "text/xml; charset=UTF-8"
CANCEL_FEED = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
REFUND_FEED = "POST_PAYMENT_ADJUSTMENT_DATA"

# What became of the messages of a feed: words by number for those that failed; 0 stands for the feed as a whole.
Failures = Mapping[int, str]


def listings_feed(seller_id: str, bodies: Sequence[tuple[str, Json]], encode: Callable[[Any], bytes]) -> bytes:
    """``bodies``: SKU and ``{productType, patches}``; they are numbered from 1 on."""
    messages = [
        {"messageId": number, "sku": sku, "operationType": "PATCH", **body}
        for number, (sku, body) in enumerate(bodies, start=1)
    ]
    return encode({"header": {"sellerId": seller_id, "version": "2.0", "issueLocale": "en_US"}, "messages": messages})


def failures(document: bytes) -> Failures:
    """By the processing report of a feed, JSON or XML. Raises RetryLater when it is neither."""
    words = document.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if words.startswith("{"):
        return _json_failures(words)
    return _xml_failures(document.strip())


def _json_failures(words: str) -> Failures:
    try:
        report = json.loads(words)
    except ValueError as error:
        raise _damaged(error) from error
    found: dict[int, list[str]] = {}
    for issue in tables(report, "issues"):
        if issue.get("severity") == "ERROR":
            found.setdefault(whole(issue.get("messageId")) or 0, []).append(text(issue.get("message")))
    return {number: "; ".join(parts[:3]) for number, parts in found.items()}


def _xml_failures(words: bytes) -> Failures:
    """In the encoding it declares. Entities are never read: a document that declares any is not Amazon's."""
    if b"<!DOCTYPE" in words or b"<!ENTITY" in words or b"\0" in words:
        raise _damaged(ValueError("it declares entities"))
    try:
        root = ET.fromstring(words)  # noqa: S314  without entities there is nothing to expand
    except ET.ParseError as error:
        raise _damaged(error) from error
    found: dict[int, str] = {}
    for result in root.iter("Result"):
        if (result.findtext("ResultCode") or "").strip() == "Error":
            found[whole(result.findtext("MessageID")) or 0] = (result.findtext("ResultDescription") or "").strip()
    return found


def _damaged(error: Exception) -> RetryLater:
    return RetryLater("Amazon's report on a feed cannot be read; it is asked for again.", developer=str(error)[:300])


# Orders


def cancellation(seller_id: str, order_id: str, line_id: str, code: str) -> bytes:
    """The whole of one line: an acknowledgement of failure is how a seller cancels."""
    envelope, message = _envelope(seller_id, "OrderAcknowledgement")
    body = ET.SubElement(message, "OrderAcknowledgement")
    _add(body, "AmazonOrderID", order_id)
    _add(body, "StatusCode", "Failure")
    item = ET.SubElement(body, "Item")
    _add(item, "AmazonOrderItemCode", line_id)
    _add(item, "CancelReason", code)
    return _document(envelope)


def refund(
    seller_id: str, order_id: str, lines: Sequence[ChannelRefund], ref: str, parts: Callable[[ChannelRefund], Parts]
) -> bytes:
    """Amounts are what the buyer gets back, in the ``parts`` that he paid. ``ref`` goes along as the merchant's own
    number."""
    envelope, message = _envelope(seller_id, "OrderAdjustment")
    body = ET.SubElement(message, "OrderAdjustment")
    _add(body, "AmazonOrderID", order_id)
    _add(body, "ActionType", "Refund")
    for number, line in enumerate(lines, start=1):
        item = ET.SubElement(body, "AdjustedItem")
        _add(item, "AmazonOrderItemCode", line.line_id)
        _add(item, "MerchantAdjustmentItemID", f"{ref}-{number}"[:40])
        _add(item, "AdjustmentReason", MANIFEST.refund_reasons.code(line.reason, line.code))
        prices = ET.SubElement(item, "ItemPriceAdjustments")
        for kind, part in parts(line):
            _component(prices, kind, part)
    return _document(envelope)


def _component(parent: ET.Element, kind: str, given: Money) -> None:
    component = ET.SubElement(parent, "Component")
    _add(component, "Type", kind)
    _add(component, "Amount", str(given.quantised().amount)).set("currency", given.currency)


def _envelope(seller_id: str, kind: str) -> tuple[ET.Element, ET.Element]:
    envelope = ET.Element("AmazonEnvelope")
    header = ET.SubElement(envelope, "Header")
    _add(header, "DocumentVersion", "1.01")
    _add(header, "MerchantIdentifier", seller_id)
    _add(envelope, "MessageType", kind)
    message = ET.SubElement(envelope, "Message")
    _add(message, "MessageID", "1")
    return envelope, message


def _add(parent: ET.Element, name: str, value: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = value
    return child


def _document(root: ET.Element) -> bytes:
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content
