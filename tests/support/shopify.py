"""A sandbox Shopify store on a real socket, and the store's Platform over the real transport to it."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from graphql import GraphQLSchema, build_client_schema

from bridge.ports.adapter import Connection
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from platform_adapters.shopify import ADAPTER
from platform_adapters.shopify.platform import ShopifyPlatform
from platform_adapters.shopify.rehearsal import ShopifyRehearsal
from platform_adapters.shopify.sandbox import SANDBOX_SECRET, SANDBOX_TOKEN, create_sandbox
from tests.support.serve import serve

VERSIONS = ("2026-07", "2026-10")


def utc_now() -> datetime:
    return datetime.now(UTC)


@cache
def official(folder: Path, version: str) -> tuple[GraphQLSchema, list[dict[str, Any]]]:
    """Shopify's schema, and the scopes its types and fields need."""
    content = json.loads(gzip.decompress((folder / "shopify" / f"admin_{version}.json.gz").read_bytes()))
    return build_client_schema(content["data"], assume_valid=True), content["offline_scopes"]["items"]


class Shop:
    """The sandbox as a merchant sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def control(self, name: str, **body: Any) -> Any:
        answer = self._client.post(f"/_sandbox/{name}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def look(self, name: str) -> Any:
        return self._client.get(f"/_sandbox/{name}").json()

    def fault(self, kind: str, operation: str = "*", times: int | None = 1, **params: Any) -> None:
        self.control("faults", kind=kind, operation=operation, times=times, params=params)

    def heal(self) -> None:
        self._client.delete("/_sandbox/faults")

    def graphql(
        self, query: str, token: str = SANDBOX_TOKEN, version: str = "2026-10", **variables: Any
    ) -> httpx.Response:
        body = {"query": query, "variables": variables}
        headers = {"X-Shopify-Access-Token": token}
        return self._client.post(f"/admin/api/{version}/graphql.json", json=body, headers=headers)

    def grant(self, **body: Any) -> httpx.Response:
        return self._client.post("/admin/oauth/access_token", json=body)

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """Variables of the requests of one kind, oldest first."""
        rows = [row for row in self.look("requests") if row["op"] == operation]
        return [json.loads(row["body"])["variables"] for row in rows]

    def order(self, external_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in self.look("orders") if str(row["id"]) == external_id)
        return found


@contextlib.contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    with serve(create_sandbox(**options)) as url:
        yield Shop(url)


class Account:
    """The store's Platform, and all that was exchanged. ``pause`` hears how long it would have waited."""

    def __init__(
        self,
        shop: Shop,
        *,
        settings: dict[str, Any] | None = None,
        credentials: dict[str, str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        services: HttpServices | None = None,
    ) -> None:
        self.shop = shop
        self.recorder = MemoryRecorder()
        host = shop.url.removeprefix("http://")
        self.services = services or HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        given = {"url": shop.url, "access_token": SANDBOX_TOKEN, "client_secret": SANDBOX_SECRET}
        defaults = {item.name: item.default for item in ADAPTER.manifest.settings}
        manifest = ADAPTER.manifest
        self.transport = Transport(
            account="1:1", title="Shopify", services=self.services, limits=manifest.limits, secrets=[SANDBOX_TOKEN]
        )
        self.connection = Connection(
            key="1:1",
            account="shop",
            credentials=given if credentials is None else {"url": shop.url, **credentials},
            settings={**defaults, **(settings or {})},
            urls={},
            transport=self.transport,
            clock=clock,
        )
        self.platform = ShopifyPlatform(self.connection)
        self.hands = ShopifyRehearsal(self.connection)

    def operations(self) -> list[str]:
        """What was called since the last look."""
        found = [exchange.operation for exchange in self.recorder.exchanges]
        self.recorder.exchanges.clear()
        return found
