"""The yardstick for the webhook door: a bare Flask view that verifies, parses and durably inserts one row.

No encryption, no duplicates, no work marked, no adapter: what anyone would write first. One commit for each
request, on a connection of the thread's own; SQLite in WAL with full synchronous commits, as the bridge runs it.

    DATABASE_URL=sqlite:////tmp/reference.db gunicorn --threads 8 'tests.bench.reference_ingest:create()'
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
from flask import Flask, Response, request
from sqlalchemy.engine import make_url

SECRET = b"whsec_test"
_TABLE = "CREATE TABLE IF NOT EXISTS hooks (id {serial}, topic VARCHAR(80), body TEXT)"
Insert = Callable[[str, str], None]


def create(url: str | None = None) -> Flask:
    """The view at /hook over an SQLite or PostgreSQL database (default: DATABASE_URL)."""
    url = url or os.environ["DATABASE_URL"]
    insert = _sqlite(url) if url.startswith("sqlite") else _postgres(url)
    app = Flask("reference")

    @app.post("/hook")
    def hook() -> Response:
        body = request.get_data()
        wanted = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(wanted, request.headers.get("X-WC-Webhook-Signature", "")):
            return Response(status=401)
        json.loads(body)
        insert(request.headers.get("X-WC-Webhook-Topic", ""), body.decode())
        return Response(status=200)

    return app


def _sqlite(url: str) -> Insert:
    own = threading.local()
    path = make_url(url).database or ""

    def connection() -> sqlite3.Connection:
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            own.connection.execute("PRAGMA journal_mode=WAL")
            own.connection.execute("PRAGMA synchronous=FULL")
        return own.connection  # type: ignore[no-any-return]

    def insert(topic: str, body: str) -> None:
        connection().execute("INSERT INTO hooks (topic, body) VALUES (?, ?)", (topic, body))

    connection().execute(_TABLE.format(serial="INTEGER PRIMARY KEY"))
    return insert


def _postgres(url: str) -> Insert:
    own = threading.local()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def connection() -> psycopg.Connection:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(address, autocommit=True)
        return own.connection  # type: ignore[no-any-return]

    def insert(topic: str, body: str) -> None:
        connection().execute("INSERT INTO hooks (topic, body) VALUES (%s, %s)", (topic, body))

    # Several processes start at once, and IF NOT EXISTS is no lock.
    with psycopg.connect(address, autocommit=True) as first, suppress(psycopg.errors.UniqueViolation):
        first.execute(_TABLE.format(serial="BIGSERIAL PRIMARY KEY"))
    return insert
