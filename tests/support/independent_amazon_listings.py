"""The independent Amazon's listings, product types and feeds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, request
from jsonschema import Draft7Validator, Draft201909Validator

from tests.support.independent import Json
from tests.support.independent_amazon import Expired, Gate, Refused, answer, now
from tests.support.independent_amazon_types import FRANCE, GERMANY, issue, issues_of, schema_text

MOST_RESULTS = 1000
ADVICE = {"code": "18155", "severity": "WARNING", "message": "The title would be found more often if it were shorter."}
ENDED = ("FATAL", "CANCELLED")


class Listings(Gate):
    """Listings: what was sent by SKU, as attributes each with its marketplace. ``suppressed``: SKUs that were accepted
    and cannot be bought all the same; ``warned``: SKUs of which a feed says something that hinders nothing."""

    def __init__(self, specs: Path, credentials: dict[str, str]) -> None:
        super().__init__(specs, credentials)
        self.message = json.loads((specs / "schemas/feeds/listings-feed-schema-v2.json").read_text(encoding="utf-8"))
        about = specs / "schemas/feeds/listings-feed-processing-report-schema-v2.json"
        self.report = json.loads(about.read_text(encoding="utf-8"))
        self.schemas = {"MUG": schema_text()}
        self.items: dict[str, Json] = {}
        self.types: dict[str, str] = {}
        self.created: dict[str, str] = {}
        self.suppressed: set[str] = set()
        self.warned: set[str] = set()
        self.away: set[str] = set()  # marketplaces the seller has left
        self.documents: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.feeds: dict[str, Json] = {}
        self.polls: dict[str, int] = {}

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        listing, types = "/listings/2021-08-01/items/<seller>", "/definitions/2020-09-01/productTypes"
        feeds = "/feeds/2021-06-30"
        return [
            *super().routes(),
            ("/sellers/v1/marketplaceParticipations", "GET", self._participations),
            ("/catalog/2022-04-01/items", "GET", lambda: answer({"numberOfResults": 0, "items": []})),
            ("/listings/2021-08-01/restrictions", "GET", lambda: answer({"restrictions": []})),
            (types, "GET", self._types),
            (f"{types}/<kind>", "GET", self._type),
            ("/presigned/schema/<kind>", "GET", lambda kind: self._presigned() or Response(self.schemas[kind], 200)),
            (listing, "GET", self._search),
            (f"{listing}/<path:sku>", "GET", self._get),
            (f"{listing}/<path:sku>", "PUT", self._put),
            (f"{listing}/<path:sku>", "PATCH", self._patch),
            (f"{listing}/<path:sku>", "DELETE", self._delete),
            (f"{feeds}/documents", "POST", self._document),
            (f"{feeds}/documents/<key>", "GET", self._result),
            (f"{feeds}/feeds", "POST", self._create_feed),
            (f"{feeds}/feeds/<key>", "GET", self._feed),
            (f"{feeds}/feeds", "GET", self._feeds),
            ("/presigned/<key>", "PUT", self._upload),
            ("/presigned/<key>", "GET", lambda key: self._presigned() or Response(self.documents[key], 200)),
        ]

    def _participations(self) -> Response:
        def one(key: str, country: str, language: str) -> Json:
            place = {"id": key, "name": f"Amazon.{country.lower()}", "countryCode": country, "domainName": "www.amazon"}
            place |= {"defaultCurrencyCode": "EUR", "defaultLanguageCode": language}
            taking_part = {"isParticipating": key not in self.away, "hasSuspendedListings": False}
            return {"marketplace": place, "participation": taking_part, "storeName": "Kaolin"}

        return answer({"payload": [one(GERMANY, "DE", "de_DE"), one(FRANCE, "FR", "fr_FR")]})

    # Product types.

    def _types(self) -> Response:
        if "keywords" in request.args and "itemName" in request.args:
            raise Refused(400, "InvalidInput", "keywords and itemName exclude each other")
        places = request.args["marketplaceIds"].split(",")
        found = [{"name": kind, "displayName": kind.title(), "marketplaceIds": places} for kind in self.schemas]
        return answer({"productTypes": found, "productTypeVersion": "v1"})

    def _type(self, kind: str) -> Response:
        if kind not in self.schemas:
            raise Refused(404, "NotFound", kind)
        sum_ = base64.b64encode(hashlib.md5(self.schemas[kind].encode(), usedforsecurity=False).digest()).decode()
        link = {
            "link": {
                "resource": f"{request.host_url}presigned/schema/{kind}?X-Amz-Signature={next(self.numbers)}",
                "verb": "GET",
            }
        }
        return answer(
            {
                "schema": link | {"checksum": sum_},
                "requirements": request.args.get("requirements", "LISTING"),
                "requirementsEnforced": request.args.get("requirementsEnforced", "ENFORCED"),
                "propertyGroups": {"offer": {"title": "Offer", "propertyNames": ["purchasable_offer"]}},
                "locale": "de_DE",
                "marketplaceIds": request.args["marketplaceIds"].split(","),
                "productType": kind,
                "displayName": "Mug",
                "productTypeVersion": {"version": "v1", "latest": True},
            }
        )

    def _presigned(self) -> None:
        """A storage of files refuses who shows a token beside the signature in the address."""
        if "X-Amz-Signature" not in request.args or {"authorization", "x-amz-access-token"} & {
            name.lower() for name, _ in request.headers
        }:
            raise Refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        signature = request.args["X-Amz-Signature"]
        if self.expired and signature not in self.dead:
            self.expired -= 1
            self.dead.add(signature)
        if signature in self.dead:
            raise Expired

    # Listings.

    def _place(self, seller: str, sku: str = "x") -> str:
        if seller != self.given["seller_id"]:
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.")
        if not sku or len(sku) > 40:
            raise Refused(400, "InvalidInput", f"sku {sku}")
        return str(request.args["marketplaceIds"])

    def _put(self, seller: str, sku: str) -> Response:
        place, body = self._place(seller, sku), request.get_json()
        issues = list(issues_of(body, self.schemas))
        if not issues:
            kept = {
                name: [entry for entry in entries if entry.get("marketplace_id") not in (place, None)]
                for name, entries in self.items.get(sku, {}).items()
            }
            for name, entries in body["attributes"].items():
                kept[name] = [*kept.get(name, ()), *entries]
            self.items[sku] = {name: entries for name, entries in kept.items() if entries}
            self.types[sku] = body["productType"]
            self.created.setdefault(sku, now())
        return self._submitted(sku, issues)

    def _patch(self, seller: str, sku: str) -> Response:
        place, body = self._place(seller, sku), request.get_json()
        return self._submitted(sku, self.patched(sku, body["patches"], place))

    def patched(self, sku: str, patches: list[Json], place: str) -> list[Json]:
        """Top-level attributes; ``replace`` puts all of a value's fields in place of those that are there."""
        if sku not in self.items:
            return [issue("13013", f"This SKU is not in {place}.", "sku")]
        changed = {name: list(entries) for name, entries in self.items[sku].items()}
        for patch in patches:
            found = re.fullmatch(r"/attributes/(\w+)", patch["path"])
            if not found:
                return [issue("4000001", f"The path {patch['path']} is not supported.", "patches")]
            for entry in patch.get("value", ()):
                entries = changed.setdefault(found[1], [])
                known = [old for old in entries if _selected(old) == _selected(entry)]
                entries[:] = [old for old in entries if _selected(old) != _selected(entry)]
                if patch["op"] == "merge":
                    entries.append({**(known[0] if known else {}), **entry})
                elif patch["op"] != "delete":
                    entries.append(entry)
        whole = {"productType": self.types[sku], "attributes": changed}
        if issues := list(issues_of(whole, self.schemas)):
            return issues
        self.items[sku] = {name: entries for name, entries in changed.items() if entries}
        return []

    def _submitted(self, sku: str, issues: list[Json]) -> Response:
        """Refusals come with 200."""
        status = "INVALID" if issues else "ACCEPTED"
        return answer({"sku": sku, "status": status, "submissionId": str(next(self.numbers)), "issues": issues})

    def _delete(self, seller: str, sku: str) -> Response:
        place = self._place(seller, sku)
        for entries in self.items.get(sku, {}).values():
            entries[:] = [entry for entry in entries if entry.get("marketplace_id") != place]
        if not self.items.get(sku, {}).get("purchasable_offer"):
            self.items.pop(sku, None)
        return self._submitted(sku, [])

    def _get(self, seller: str, sku: str) -> Response:
        place = self._place(seller, sku)
        if sku not in self.items or not self.shown(sku, place):
            raise Refused(404, "NOT_FOUND", f"SKU '{sku}' not found in marketplace {place}")
        return answer(self._listing(sku, place))

    def _search(self, seller: str) -> Response:
        place = self._place(seller)
        wanted, kind = request.args.get("identifiers"), request.args.get("identifiersType")
        if bool(wanted) != bool(kind):
            raise Refused(400, "InvalidInput", "identifiers and identifiersType are required together")
        after = request.args.get("createdAfter", "")
        skus = [sku for sku in self.items if self.shown(sku, place) and time_of(self.created[sku]) >= time_of(after)]
        by_name = request.args.get("sortBy") == "sku"
        ascending = request.args.get("sortOrder", "DESC") == "ASC"
        skus.sort(key=lambda sku: sku if by_name else self.created[sku], reverse=not ascending)
        if wanted:
            skus = [sku for sku in skus if _named(sku, self.items[sku], str(kind)) in wanted.split(",")]
        size, start = int(request.args.get("pageSize", 10)), int(request.args.get("pageToken", "t0")[1:])
        body: Json = {
            "numberOfResults": len(skus),
            "items": [self._listing(x, place) for x in skus[start : start + size]],
        }
        if start + size < min(len(skus), MOST_RESULTS):
            body["pagination"] = {"nextToken": f"t{start + size}"}
        return answer(body)

    def shown(self, sku: str, place: str) -> tuple[int, str] | None:
        """What a buyer sees there: units and price."""
        offers = [one for one in self.items[sku].get("purchasable_offer", ()) if one["marketplace_id"] == place]
        if not offers:
            return None
        stock = self.items[sku].get("fulfillment_availability") or [{"quantity": 0}]
        price = offers[0]["our_price"][0]["schedule"][0]["value_with_tax"]
        return int(stock[0].get("quantity", 0)), f"{price:.2f}"

    def _listing(self, sku: str, place: str) -> Json:
        """Only the datasets that were asked for."""
        data = request.args.get("includedData", "summaries").split(",")
        stock, price = self.shown(sku, place) or (0, "0")
        ends = sku in self.suppressed or stock == 0
        summary = {
            "marketplaceId": place,
            "asin": f"B0{hashlib.sha256(sku.encode()).hexdigest()[:8].upper()}",
            "productType": self.types[sku],
            "conditionType": "new_new",
            "status": ["DISCOVERABLE"] if ends else ["BUYABLE", "DISCOVERABLE"],
            "itemName": next((entry["value"] for entry in self.items[sku].get("item_name", ())), ""),
            "createdDate": self.created[sku],
            "lastUpdatedDate": now(),
        }
        money = {"currencyCode": "EUR", "amount": price}
        image = issue("18320", "The main image is missing.", "main_product_image_locator")
        whole: Json = {
            "summaries": [summary],
            "attributes": self.items[sku],
            "issues": [image] if sku in self.suppressed else [],
            "offers": [{"marketplaceId": place, "offerType": "B2C", "price": money}],
            "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": stock}],
            "productTypes": [{"marketplaceId": place, "productType": self.types[sku]}],
        }
        return {"sku": sku} | {name: part for name, part in whole.items() if name in data}

    # Feeds.

    def _document(self) -> Response:
        key = f"amzn1.doc.{next(self.numbers)}"
        self.kinds[key] = request.get_json()["contentType"]
        url = f"{request.host_url}presigned/{key}?X-Amz-Signature={next(self.numbers)}"
        return answer({"feedDocumentId": key, "url": url}, 201)

    def _upload(self, key: str) -> Response:
        self._presigned()
        if request.headers.get("Content-Type", "") != self.kinds[key]:
            raise Refused(403, "SignatureDoesNotMatch", "the content type is not the one that was signed")
        self.documents[key] = request.data
        return Response(b"", 200)

    def _create_feed(self) -> Response:
        body = request.get_json()
        if body["inputFeedDocumentId"] not in self.documents:
            raise Refused(400, "InvalidInput", "the document was not uploaded")
        key = str(next(self.numbers))
        feed = {"feedId": key, "feedType": body["feedType"], "createdTime": now(), "processingStatus": "IN_QUEUE"}
        self.feeds[key] = feed | {"marketplaceIds": body["marketplaceIds"]}
        report = self.process(
            body["feedType"], key, self.documents[body["inputFeedDocumentId"]], body["marketplaceIds"]
        )
        self.documents[f"amzn1.result.{key}"] = report
        return answer({"feedId": key}, 202)

    def process(self, kind: str, key: str, content: bytes, places: list[str]) -> bytes:
        if kind != "JSON_LISTINGS_FEED":
            raise Refused(400, "InvalidInput", kind)
        feed = json.loads(content)
        faults = [error.message for error in Draft201909Validator(self.message).iter_errors(feed)]
        if faults or feed["header"]["sellerId"] != self.given["seller_id"]:
            self.refused.append(f"feed: {faults or feed['header']}")
            self.feeds[key]["processingStatus"] = "FATAL"
        issues, bad = [], 0
        for message in [] if faults else feed["messages"]:
            found = self._message(message, places)
            bad += bool(found)
            about = {"messageId": message["messageId"], "sku": message["sku"]}
            found = found or ([ADVICE] if message["sku"] in self.warned else [])
            issues += [about | {name: one[name] for name in ("code", "severity", "message")} for one in found]
        many = len(feed["messages"])
        grave = sum(one["severity"] == "ERROR" for one in issues)
        counts = {"errors": grave, "warnings": len(issues) - grave, "messagesProcessed": many}
        counts |= {"messagesAccepted": many - bad, "messagesInvalid": bad}
        header = {"sellerId": feed["header"]["sellerId"], "version": "2.0", "feedId": key}
        report = {"header": header, "issues": issues, "summary": counts}
        wrong = [error.message for error in Draft7Validator(self.report).iter_errors(report)]
        assert not wrong, wrong
        return json.dumps(report).encode()

    def _message(self, message: Json, places: list[str]) -> list[Json]:
        if message["operationType"] == "PATCH":
            return self.patched(message["sku"], message["patches"], places[0])
        if message["operationType"] == "PARTIAL_UPDATE":
            patches = [
                {"op": "replace", "path": f"/attributes/{name}", "value": value}
                for name, value in message["attributes"].items()
            ]
            return self.patched(message["sku"], patches, places[0])
        raise Refused(400, "InvalidInput", f"{message['operationType']} is not in this Amazon")

    def _feed(self, key: str) -> Response:
        """In the queue, then at work, then done."""
        if key not in self.feeds:
            raise Refused(404, "NotFound", key)
        feed, polled = self.feeds[key], self.polls.get(key, 0)
        self.polls[key] = polled + 1
        if feed["processingStatus"] not in ENDED:
            feed["processingStatus"] = ("IN_QUEUE", "IN_PROGRESS", "DONE")[min(polled, 2)]
        done = feed["processingStatus"] == "DONE"
        return answer(feed | ({"resultFeedDocumentId": f"amzn1.result.{key}"} if done else {}))

    def _feeds(self) -> Response:
        types, states = (request.args.get(name, "") for name in ("feedTypes", "processingStatuses"))
        since = time_of(request.args.get("createdSince", ""))
        found = [one for one in self.feeds.values() if one["feedType"] in types.split(",")]
        found = [one for one in found if time_of(one["createdTime"]) >= since]
        found = [one for one in found if not states or one["processingStatus"] in states.split(",")]
        return answer({"feeds": found[: int(request.args.get("pageSize", 10))]})

    def _result(self, key: str) -> Response:
        """Reports are packed, and say so."""
        packed = f"{key}.gz"
        self.documents[packed] = gzip.compress(self.documents[key])
        url = f"{request.host_url}presigned/{packed}?X-Amz-Signature={next(self.numbers)}"
        return answer({"feedDocumentId": key, "url": url, "compressionAlgorithm": "GZIP"})


def _selected(entry: Json) -> tuple[Any, ...]:
    """What tells the values of an attribute apart."""
    names = ("marketplace_id", "language_tag", "audience", "fulfillment_channel_code")
    return tuple(entry.get(name) or ("ALL" if name == "audience" else None) for name in names)


def _named(sku: str, attributes: Json, kind: str) -> str:
    if kind == "SKU":
        return sku
    given = attributes.get("externally_assigned_product_identifier") or [{}]
    return str(given[0].get("value", ""))


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
