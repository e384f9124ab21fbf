"""Bulk operations: a query without pages, run by the store in its own time, left as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphql import ExecutionResult, parse, validate

from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.store import Doc, Store, gid

AT_ONCE = 5
MOST_CONNECTIONS, MOST_DEPTH = 5, 2

Execute = Callable[[str, tuple[str, ...]], ExecutionResult]


class Bulk:
    """``execute`` runs a query as an export, ``base`` is the address files are fetched from. ``fails``: error code of
    those to come."""

    def __init__(self, store: Store, base: Callable[[], str]) -> None:
        self.store = store
        self.base = base
        self.execute: Execute
        self.schema: Any = None
        self.fails: list[str] = []

    def run(self, query: str, scopes: tuple[str, ...]) -> Doc | None:
        document = parse(query)
        if errors := validate(self.schema, document):
            raise Refusal(f"Invalid bulk query: {errors[0].message}", ["query"], "INVALID")
        _check(query)
        running = [row for row in self.store.all("bulk") if row["completed"] > self.store.now()]
        if len(running) >= AT_ONCE:
            raise Refusal("The maximum number of bulk operations is running.", None, "LIMIT_REACHED")
        now = self.store.now()
        doc: Doc = {"id": self.store.next_id("bulk"), "query": query, "created": now, "scopes": list(scopes)}
        doc |= {"completed": now + self.store.options.bulk_seconds, "error": self.fails.pop(0) if self.fails else None}
        doc["lines"] = self._lines(query, scopes)
        self.store.save("bulk", doc)
        return self.view(doc["id"])

    def view(self, key: int) -> Doc | None:
        doc = self.store.get("bulk", key)
        if doc is None:
            return None
        done = doc["completed"] <= self.store.now()
        show: Doc = {
            "id": gid("BulkOperation", key),
            "query": doc["query"],
            "errorCode": doc["error"] if done else None,
        }
        show |= {"status": ("FAILED" if doc["error"] else "COMPLETED") if done else "RUNNING"}
        show |= {
            "createdAt": self.store.iso(doc["created"]),
            "completedAt": self.store.iso(doc["completed"]) if done else None,
        }
        show["objectCount"] = str(len(doc["lines"]))
        address = f"{self.base()}/storage/bulk/{key}.jsonl" if done and doc["lines"] else None
        return show | {"url": None if doc["error"] else address, "partialDataUrl": address if doc["error"] else None}

    def content(self, key: int) -> str | None:
        doc = self.store.get("bulk", key)
        return None if doc is None else "".join(line + "\n" for line in doc["lines"])

    def _lines(self, query: str, scopes: tuple[str, ...]) -> list[str]:
        result = self.execute(query, scopes)
        if result.errors or result.data is None:
            raise Refusal(f"Invalid bulk query: {result.errors}", ["query"], "INVALID")
        lines: list[str] = []
        for value in result.data.values():
            _walk(value, None, lines)
        # Without grouping the children do not follow their parents: here they come before them, kind by kind.
        return sorted(lines, key=_kind_of)


def _walk(value: Any, parent: str | None, lines: list[str]) -> Any:
    """What is left of a value once its lists are lines of their own."""
    if isinstance(value, dict) and "edges" in value:
        for edge in value["edges"]:
            node = edge["node"]
            own = {name: _walk(inner, node.get("id"), lines) for name, inner in node.items()}
            row = {name: inner for name, inner in own.items() if inner is not _GONE}
            lines.append(json.dumps(row | ({"__parentId": parent} if parent else {})))
        return _GONE
    if isinstance(value, dict):
        own = {name: _walk(inner, parent, lines) for name, inner in value.items()}
        return {name: inner for name, inner in own.items() if inner is not _GONE}
    return value


def _kind_of(line: str) -> str:
    return str(json.loads(line)["id"]).split("/")[-2]


_GONE = object()


def _check(query: str) -> None:
    depth, deepest, count = 0, 0, 0
    for word in query.replace("{", " { ").replace("}", " } ").split():
        if word == "edges":
            count += 1
            depth += 1
            deepest = max(deepest, depth)
    if count > MOST_CONNECTIONS:
        raise Refusal("Bulk queries cannot contain more than 5 connections.", ["query"], "INVALID")
