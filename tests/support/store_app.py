"""The bridge with the keys of an app, and one Shopify store that has installed it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bridge import app as bootstrap
from bridge import config
from bridge.db.tables import Connection
from bridge.flows.engine import Engine
from bridge.web import create_web
from platform_adapters.shopify.sandbox import SANDBOX_CLIENT, SANDBOX_SECRET, create_sandbox
from platform_adapters.shopify.webhooks import sign
from tests.support.databases import make_tables

STORE = "sandbox.myshopify.com"
HOME = "/apps/shopify/"
BEFORE = "shpss_the_secret_before_the_last_rotation"


@dataclass
class Place:
    """The bridge with the keys of an app, and one store that has installed it."""

    engine: Engine
    web: FlaskClient
    store: FlaskClient
    shift: timedelta = field(default_factory=timedelta)

    def session_token(self, **claims: Any) -> str:
        found: str = self.store.post("/_sandbox/session-token", json={"claims": claims}).json["token"]  # type: ignore[index]
        return found

    def control(self, name: str, **body: Any) -> Any:
        return self.store.post(f"/_sandbox/{name}", json=body).json

    def grants(self) -> list[str]:
        rows = self.store.get("/_sandbox/requests").json or []
        return [json.loads(row["body"])["grant_type"] for row in rows if row["op"] == "access_token"]

    def open(self, token: str | None = None, **query: str) -> Any:
        given = {"shop": STORE, "host": "aG9zdA", "embedded": "1", **query}
        if token is not None:
            given["id_token"] = token
        return self.web.get(HOME, query_string=given)

    def tell(
        self, topic: str, body: Any, *, secret: str = SANDBOX_SECRET, name: str = "one", store: str = STORE
    ) -> int:
        raw = json.dumps(body).encode()
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": sign(raw, secret), "X-Shopify-Shop-Domain": store}
        return self.web.post(f"{HOME}hooks", data=raw, headers=headers | {"X-Shopify-Webhook-Id": name}).status_code

    def row(self) -> Connection:
        with self.engine.db.read(None) as session:
            return session.scalars(select(Connection)).one()

    def count(self, table: Any) -> int:
        with self.engine.db.read(None) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@contextmanager
def open_place(folder: Path, **more: Any) -> Iterator[Place]:
    sandbox = create_sandbox(token=None, retry=3600)
    given = {"data_dir": folder, "shopify_client_id": SANDBOX_CLIENT, "shopify_client_secret": SANDBOX_SECRET}
    settings = config.load(
        {**given, "shopify_old_client_secret": BEFORE, "public_url": "https://bridge.example", "demo": False, **more}
    )
    found: list[Place] = []
    clock = lambda: datetime.now(UTC) + (found[0].shift if found else timedelta())  # noqa: E731
    make_tables(settings.effective_database_url)
    engine = bootstrap.bootstrap(settings, ring=lambda lanes: None, wire=httpx.WSGITransport(sandbox), clock=clock)
    found.append(Place(engine, create_web(engine, settings).test_client(), sandbox.test_client()))
    found[0].control("install")
    try:
        yield found[0]
    finally:
        bootstrap.close(engine)
