"""The independent Shopify whole: with bulk operations, and webhooks as it sends them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Response
from graphql import GraphQLSchema, build_client_schema, execute_sync, parse, validate

from tests.support.independent_shopify import Json, Rows, number
from tests.support.independent_shopify_returns import Returns
from tests.support.independent_shopify_search import Asked

AT_ONCE = 5  # bulk operations of an app and a shop (shopify.dev, since 2026-01)


class Shopify(Returns):
    """``bulk_ends``: what becomes of the next bulk operations, COMPLETED if nothing is said; ``bulk_polls``: how often
    one is asked about before it ends; ``base``: the address that files are at."""

    bulk_polls = 1
    base = ""

    def stand(self, base: str) -> None:
        self.base = base
        self.bulk_ends: list[str] = []
        self.files: dict[str, bytes] = {}

    # -- bulk operations --------------------------------------------------------------------------------------

    def do_bulkOperationRunQuery(self, query: str, groupObjects: bool = False) -> Json:
        faults = validate(self.schema, parse(query))
        if faults:
            self.refused += [fault.message for fault in faults]
            return self.wrong(["query"], f"Invalid bulk query: {faults[0].message}", "INVALID")
        running = [row for row in self.known("BulkOperation") if row["status"] in ("CREATED", "RUNNING")]
        if len(running) >= AT_ONCE:
            return self.wrong(None, "A bulk query operation for this app and shop is already in progress.",
                              "OPERATION_IN_PROGRESS")  # fmt: skip
        row = self.keep(
            "BulkOperation",
            {
                "query": query, "status": "CREATED", "errorCode": None, "completedAt": None, "objectCount": "0",
                "rootObjectCount": "0", "fileSize": None, "url": None, "partialDataUrl": None, "type": "QUERY",
                "polls": self.bulk_polls, "grouped": groupObjects,
            },
        )  # fmt: skip
        return {"bulkOperation": row, "userErrors": []}

    def root_bulkOperation(self, id: str) -> Json | None:
        row = self.get(id)
        if row is not None and row["status"] in ("CREATED", "RUNNING"):
            row["status"] = "RUNNING"
            if row["polls"] <= 0:
                self._end(row)
            row["polls"] -= 1
        return row

    def root_bulkOperations(self, **given: Any) -> Rows:
        for row in self.known("BulkOperation"):
            self.root_bulkOperation(row["id"])
            self.touch(row)
        return self.searched("BulkOperation", given, _bulk_asked, {"CREATED_AT": "createdAt"})

    def root_currentBulkOperation(self, **_: Any) -> Json | None:
        self.refused.append("currentBulkOperation is deprecated")
        return None

    def do_bulkOperationCancel(self, id: str) -> Json:
        row = self.get(id)
        if row is None:
            return self.wrong(["id"], "Bulk operation not found.")
        row["status"] = "CANCELED"
        return {"bulkOperation": row, "userErrors": []}

    def _end(self, row: Json) -> None:
        """The lines of children follow their parent's, elsewhere in the file unless they were asked to be grouped."""
        ends = self.bulk_ends.pop(0) if self.bulk_ends else "COMPLETED"
        lines = list(self._lines(row["query"]))
        roots = [line for line in lines if "__parentId" not in line]
        if not row["grouped"]:
            children = [line for line in lines if "__parentId" in line]
            random.Random(7).shuffle(children)
            lines = [*roots, *children]
        if ends != "COMPLETED":
            lines = lines[: len(lines) // 2]
        row["status"], row["completedAt"] = ends, self.stamp()
        row["objectCount"], row["rootObjectCount"] = str(len(lines)), str(len(roots))
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        address = None
        if body:
            name = f"bulk-{len(self.files)}.jsonl"
            self.files[name] = body
            address = f"{self.base}/files/{name}"
        if ends == "COMPLETED":
            row["url"], row["fileSize"] = address, str(len(body)) if body else None
        elif ends == "FAILED":
            row["partialDataUrl"], row["errorCode"] = address, "TIMEOUT"

    def _lines(self, query: str) -> Iterator[Json]:
        """Every connection is read to its end, whatever ``first`` says."""
        page = self.page
        self.page = lambda rows, given, name="": _whole(rows, name)  # type: ignore[method-assign]
        try:
            done = execute_sync(self.schema, parse(query), None, field_resolver=self._field,
                                type_resolver=lambda value, *_: value["__typename"])  # fmt: skip
        finally:
            self.page = page  # type: ignore[method-assign]
        assert not done.errors, done.errors
        for connection in (done.data or {}).values():
            yield from _flat(connection, None)

    def file(self, name: str) -> Response:
        return Response(self.files[name], mimetype="application/jsonl")

    # -- webhooks ---------------------------------------------------------------------------------------------

    def root_webhookSubscriptions(self, **given: Any) -> Rows:
        rows = self.known("WebhookSubscription")
        if topics := given.get("topics"):
            rows = [row for row in rows if row["topic"] in topics]
        if (uri := given.get("uri") or given.get("callbackUrl")) is not None:
            rows = [row for row in rows if row["uri"] == uri]
        return Rows(rows, lambda row: str(row["createdAt"]))

    def do_webhookSubscriptionCreate(self, topic: str, webhookSubscription: Json) -> Json:
        uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl")
        if any((row["topic"], row["uri"]) == (topic, uri) for row in self.known("WebhookSubscription")):
            told = "Address for this topic has already been taken"
            return self.wrong(["webhookSubscription", "callbackUrl"], told)
        row = self.keep(
            "WebhookSubscription",
            {
                "topic": topic, "uri": uri, "callbackUrl": uri, "format": webhookSubscription.get("format") or "JSON",
                "filter": webhookSubscription.get("filter") or "", "metafieldNamespaces": [], "metafields": [],
                "includeFields": webhookSubscription.get("includeFields") or [], "name": webhookSubscription.get("name"),
                "apiVersion": {"handle": self.version, "displayName": self.version, "supported": True},
                "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": uri},
            },
        )  # fmt: skip
        return {"webhookSubscription": row, "userErrors": []}

    def do_webhookSubscriptionUpdate(self, id: str, webhookSubscription: Json) -> Json:
        row = self.get(id)
        if row is None:
            return self.wrong(["id"], "Webhook subscription does not exist")
        row |= {key: value for key, value in webhookSubscription.items() if key in row}
        return {"webhookSubscription": row, "userErrors": []}

    def do_webhookSubscriptionDelete(self, id: str) -> Json:
        if self.tables.get("WebhookSubscription", {}).pop(id, None) is None:
            return self.wrong(["id"], "Webhook subscription does not exist")
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}

    def delivery(self, topic: str, body: Json, secret: str, *, events: bool = False) -> tuple[dict[str, str], bytes]:
        """Headers and body of a delivery: the family of X-Shopify names, or that of the newer events."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        signed = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
        told = {
            "Topic": topic, "Hmac-Sha256": signed, "Shop-Domain": self.shop["myshopifyDomain"], "API-Version": self.version,
            "Webhook-Id": str(uuid4()), "Triggered-At": self.now().isoformat().replace("+00:00", "Z"),
            "Event-Id": str(uuid4()), "Name": "",
        }  # fmt: skip
        family = {f"shopify-{name.lower()}" if events else f"X-Shopify-{name}": value for name, value in told.items()}
        return {"Content-Type": "application/json", **family}, raw


def _bulk_asked(row: Json) -> Asked:
    made = datetime.fromisoformat(row["createdAt"])
    return {"id": [number(row["id"])], "status": [row["status"]], "operation_type": [row["type"]], "created_at": [made]}


def _whole(rows: Any, name: str) -> Json:
    nodes = sorted(rows, key=rows.at) if getattr(rows, "at", None) else list(rows)
    info = {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None, "startCursor": None}
    edges = [{"node": node, "cursor": ""} for node in nodes]
    return {"nodes": nodes, "edges": edges, "pageInfo": info, "__typename": name}


def _flat(connection: Json, parent: str | None) -> Iterator[Json]:
    nodes = connection["nodes"] if "nodes" in connection else [edge["node"] for edge in connection["edges"]]
    for node in nodes:
        own = {key: value for key, value in node.items() if not _is_connection(value)}
        yield own | ({"__parentId": parent} if parent else {})
        yield from _inside(node, node.get("id") or parent)


def _inside(node: Json, parent: str | None) -> Iterator[Json]:
    for value in node.values():
        if _is_connection(value):
            yield from _flat(value, parent)


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and bool({"nodes", "edges"} & {*value})


@cache
def _official(file: Path) -> tuple[GraphQLSchema, list[Json]]:
    content = json.loads(gzip.decompress(file.read_bytes()))
    return build_client_schema(content["data"], assume_valid=True), content["offline_scopes"]["items"]


def shopify(
    folder: Path,
    *,
    token: str,
    now: Callable[[], datetime],
    version: str = "2026-10",
    currency: str = "EUR",
    **shop: Any,
) -> Shopify:
    schema, access = _official(folder / f"admin_{version}.json.gz")
    made = Shopify(schema, access, token=token, now=now)
    made.version = version
    made.furnish(currency=currency, **shop)
    made.stand("")
    return made
