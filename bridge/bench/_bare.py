"""The yardstick of `ingest`: a bare Flask view that verifies, parses and durably inserts one row.

No encryption, no duplicates told apart, no work marked, no adapter: what anyone would write first. One commit for
each request on a connection of the thread's own; SQLite in WAL with full synchronous commits, as the bridge has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from socket import socket

import psycopg
from flask import Flask, Response, request
from sqlalchemy.engine import make_url

from bridge.bench._child import enter
from bridge.supervisor.servers import serve

Insert = Callable[[str, str], None]
TABLE = "CREATE TABLE IF NOT EXISTS bare_hooks (id {serial}, topic VARCHAR(80), body TEXT)"


def server(log: Path, url: str, secret: str, processes: int, threads: int, door: socket) -> None:
    """The same gunicorn as the bridge's own web server, with as many processes and threads."""
    enter(log)
    serve(lambda: create(url, secret.encode()), door.fileno(), processes=processes, threads=threads)


def create(url: str, secret: bytes) -> Flask:
    """The view at /hook."""
    insert = _sqlite(url) if url.startswith("sqlite") else _postgres(url)
    app = Flask("bare")

    @app.post("/hook")
    def hook() -> Response:
        body = request.get_data()
        wanted = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
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
        found: sqlite3.Connection = own.connection
        return found

    def insert(topic: str, body: str) -> None:
        connection().execute("INSERT INTO bare_hooks (topic, body) VALUES (?, ?)", (topic, body))

    connection().execute(TABLE.format(serial="INTEGER PRIMARY KEY"))
    return insert


def _postgres(url: str) -> Insert:
    own = threading.local()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def connection() -> psycopg.Connection:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(address, autocommit=True)
        found: psycopg.Connection = own.connection
        return found

    def insert(topic: str, body: str) -> None:
        connection().execute("INSERT INTO bare_hooks (topic, body) VALUES (%s, %s)", (topic, body))

    with psycopg.connect(address, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(1)")  # several processes start at once
        first.execute(TABLE.format(serial="BIGSERIAL PRIMARY KEY"))
    return insert
