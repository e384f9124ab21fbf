"""Feeds 2021-06-30: documents, processing, and a report on each message."""

# ruff: noqa: N815  names as the models spell them
from __future__ import annotations

import base64
import gzip
import json
import uuid
from typing import Any, Literal
from xml.etree import ElementTree as ET

from flask import Response, request
from pydantic import Field, ValidationError

from channel_adapters.amazon.sandbox import checks, listings, orders
from channel_adapters.amazon.sandbox.gate import spend
from channel_adapters.amazon.sandbox.market import Call, Document, Market
from channel_adapters.amazon.sandbox.protocol import (
    Problem,
    Strict,
    answer,
    at_most,
    chosen,
    invalid,
    listed,
    moment,
    not_found,
    number,
    read_body,
    stamp,
)

LISTINGS_FEED = "JSON_LISTINGS_FEED"
CANCEL_FEED, REFUND_FEED = "POST_ORDER_ACKNOWLEDGEMENT_DATA", "POST_PAYMENT_ADJUSTMENT_DATA"
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
MOST_MESSAGES = 25000


class DocumentBody(Strict):
    contentType: str


class FeedBody(Strict):
    feedType: str
    marketplaceIds: list[str] = Field(min_length=1, max_length=25)
    inputFeedDocumentId: str
    feedOptions: dict[str, str] | None = None


class Message(Strict):
    messageId: int = Field(ge=1)
    sku: str = Field(min_length=1)
    operationType: Literal["UPDATE", "PARTIAL_UPDATE", "PATCH", "DELETE"]
    productType: str | None = None
    requirements: str | None = None
    attributes: dict[str, Any] | None = None
    patches: list[listings.Patch] | None = None


# Documents


def create_document(call: Call) -> Response:
    body = read_body(DocumentBody)
    key = f"amzn1.tortuga.4.eu.{uuid.uuid4()}"
    call.market.docs.put("documents", key, {"media": body.contentType, "content": None})
    return answer({"feedDocumentId": key, "url": f"{request.host_url}documents/{key}"}, 201)


def upload(call: Call) -> Response:
    document = call.market.docs.get("documents", call.path["document_id"])
    if document is None or request.headers.get("Content-Type") != document["media"]:
        return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403, content_type="application/xml")
    if request.headers.get("x-amz-access-token"):
        return Response("<Error><Code>InvalidArgument</Code></Error>", 400, content_type="application/xml")
    call.market.docs.put("documents", call.path["document_id"], document | {"content": _packed(request.get_data())})
    return Response(status=200)


def download(call: Call) -> Response:
    document = call.market.docs.get("documents", call.path["document_id"])
    if document is None or document["content"] is None:
        return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
    return Response(base64.b64decode(document["content"]), content_type=document["media"])


def keep(market: Market, content: bytes, media: str) -> str:
    """A document of Amazon's own, zipped where the options say so."""
    key = f"amzn1.tortuga.4.eu.{uuid.uuid4()}"
    zipped = market.options.zipped
    body = _packed(gzip.compress(content) if zipped else content)
    market.docs.put("documents", key, {"media": media, "content": body, "zipped": zipped})
    return key


def get_document(call: Call, name: str = "feedDocumentId") -> Response:
    key = call.path["document_id"]
    document = call.market.docs.get("documents", key)
    if document is None:
        raise not_found(f"Document {key}")
    zipped = {"compressionAlgorithm": "GZIP"} if document.get("zipped") else {}
    return answer({name: key, "url": f"{request.host_url}documents/{key}"} | zipped)


def _packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


# Feeds


def create_feed(call: Call) -> Response:
    body = read_body(FeedBody)
    spend(call.market, "createListingsFeed" if body.feedType == LISTINGS_FEED else "createFeed")
    document = call.market.docs.get("documents", body.inputFeedDocumentId)
    if document is None or document["content"] is None:
        raise invalid("inputFeedDocumentId: the document was not uploaded.")
    if body.feedType not in (LISTINGS_FEED, CANCEL_FEED, REFUND_FEED):
        raise invalid(f"feedType: {body.feedType} is not supported here.")
    key, now = str(call.market.docs.next_id("feed", 50001)), call.market.now()
    partial = call.faulty("partial")
    feed: Document = {
        "id": key,
        "type": body.feedType,
        "sites": body.marketplaceIds,
        "document": body.inputFeedDocumentId,
    }
    feed |= {"created": now, "due": now + call.market.options.feed_seconds, "status": "IN_QUEUE", "result": None}
    call.market.docs.put("feeds", key, feed | {"partial": partial, "lost": call.faulty("not_applied") is not None})
    if call.market.options.feed_seconds <= 0:
        process(call.market, key)
    else:
        call.market.schedule(feed["due"], "feeds", key)
    return answer({"feedId": key}, 202)


def get_feed(call: Call) -> Response:
    feed = call.market.docs.get("feeds", call.path["feed_id"])
    if feed is None:
        raise not_found(f"Feed {call.path['feed_id']}")
    return answer(_view(call.market, feed))


def get_feeds(call: Call) -> Response:
    types, states = listed("feedTypes"), chosen("processingStatuses", STATUSES)
    at_most(types, "feedTypes", 10)
    since, size = moment("createdSince"), number("pageSize", 10, 100)
    if not types:
        raise invalid("feedTypes or nextToken is required.")
    feeds = [_view(call.market, feed) for feed in reversed(call.market.docs.all("feeds").values())
             if feed["type"] in types and (since is None or feed["created"] >= since)]  # fmt: skip
    return answer({"feeds": [feed for feed in feeds if not states or feed["processingStatus"] in states][:size]})


def _view(market: Market, feed: Document) -> Document:
    running = feed["status"] == "IN_QUEUE" and market.now() > feed["created"] + market.options.feed_seconds / 2
    body = {"feedId": feed["id"], "feedType": feed["type"], "marketplaceIds": feed["sites"]}
    body |= {"createdTime": stamp(feed["created"]), "processingStatus": "IN_PROGRESS" if running else feed["status"]}
    if feed["status"] in ("DONE", "FATAL"):
        body |= {
            "processingStartTime": stamp(feed["created"]),
            "processingEndTime": stamp(feed["due"] or feed["ended"]),
        }
    if feed["result"]:
        body["resultFeedDocumentId"] = feed["result"]
    return body


def process(market: Market, key: str) -> None:
    """The work of a feed, message by message. A feed that is no feed at all is FATAL."""
    feed = market.docs.get("feeds", key)
    if feed is None or feed["status"] != "IN_QUEUE":
        return
    content = base64.b64decode(market.docs.get("documents", feed["document"])["content"])  # type: ignore[index]
    try:
        report, media = (
            (_listings(market, feed, content), "application/json") if feed["type"] == LISTINGS_FEED
            else (_envelope(market, feed, content), "text/xml")
        )  # fmt: skip
        feed |= {"status": "DONE", "result": keep(market, report, media)}
        if market.options.feed_breaks and feed["type"] != LISTINGS_FEED:
            feed |= {"status": "FATAL", "result": None}
    except (ValueError, ET.ParseError, Problem):
        feed["status"] = "FATAL"
    feed |= {"due": None, "ended": market.now()}
    market.docs.put("feeds", key, feed)


# JSON_LISTINGS_FEED


def _listings(market: Market, feed: Document, content: bytes) -> bytes:
    body = json.loads(content)
    if body["header"]["sellerId"] != market.seller or len(body["messages"]) > MOST_MESSAGES:
        raise invalid("header.sellerId")
    issues: list[Document] = []
    refused: set[int] = set()
    for place, raw in enumerate(body["messages"], start=1):
        found = _planned(feed, place, raw) or _message(market, feed, raw)
        issues += [_issue(raw, item) for item in found]
        refused |= {place} if found else set()
    total = len(body["messages"])
    summary = {"errors": len(issues), "warnings": 0, "messagesProcessed": total}
    summary |= {"messagesAccepted": total - len(refused), "messagesInvalid": len(refused)}
    header = {"sellerId": market.seller, "version": "2.0", "feedId": feed["id"]}
    return json.dumps({"header": header, "issues": issues, "summary": summary}).encode()


def _planned(feed: Document, place: int, raw: Document) -> list[Document]:
    """The fault ``partial``: these messages are refused."""
    plan = feed["partial"]
    if plan is None or not (raw.get("sku") in plan.get("keys", ()) or ("every" in plan and place % plan["every"] == 0)):
        return []
    return [{"code": "8541", "message": "This message was refused on request.", "attributeNames": []}]


def _message(market: Market, feed: Document, raw: Document) -> list[Document]:
    try:
        message = Message.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        return [{"code": "4000001", "message": str(error.errors(include_url=False)[0]["msg"]), "attributeNames": []}]
    document = market.docs.get("listings", message.sku)
    if document is None or not set(feed["sites"]) & set(document["sites"]):
        return [{"code": "13013", "message": f"SKU {message.sku} is not in the catalogue.", "attributeNames": []}]
    patches = [patch.model_dump() for patch in message.patches or ()]
    issues = checks.patch_issues(document, feed["sites"], message.productType or "", patches)
    if not issues and not feed["lost"]:
        listings.apply_patches(market, document, patches)
    return issues


def _issue(raw: Document, item: Document) -> Document:
    body = {"messageId": raw["messageId"], "sku": raw["sku"], "code": item["code"], "severity": "ERROR"}
    names = {"attributeName": item["attributeNames"][0]} if item["attributeNames"] else {}
    return body | {"message": item["message"]} | names


# XML


def _envelope(market: Market, feed: Document, content: bytes) -> bytes:
    root = ET.fromstring(content.decode())  # noqa: S314  what our own tests have sent
    report = ET.Element("AmazonEnvelope")
    body = ET.SubElement(ET.SubElement(report, "Message"), "ProcessingReport")
    ET.SubElement(body, "DocumentTransactionID").text = feed["id"]
    ET.SubElement(body, "StatusCode").text = "Complete"
    act = orders.cancel if feed["type"] == CANCEL_FEED else orders.refund
    for number_, message in enumerate(root.iter("Message"), start=1):
        words = "This message was refused on request." if feed["partial"] is not None else None
        words = words or (None if feed["lost"] else act(market, message))
        if words:
            result = ET.SubElement(body, "Result")
            named = {"MessageID": str(number_), "ResultCode": "Error", "ResultMessageCode": "18028"}
            for name, value in (named | {"ResultDescription": words}).items():
                ET.SubElement(result, name).text = value
    answered: bytes = ET.tostring(report, encoding="utf-8", xml_declaration=True)
    return answered
