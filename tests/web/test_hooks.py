"""The webhook door over real databases: what is kept, what is refused, what the sender sees."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from bridge.db.tables import Connection, Delivery, Work
from bridge.flows import intake
from bridge.flows.engine import Engine
from bridge.web import create_web
from tests.support.engines import PUBLIC_ID, SECRET, Rung, add_connection, add_shop, signed, small_engine
from tests.support.procs import wait_until

pytestmark = pytest.mark.both_databases
CONFIG = SimpleNamespace(
    max_webhook_bytes=1_000_000, page_token="", is_loopback=True, port=8000, redis_url="", proxies=0
)
PRODUCT = b'{"id":61,"name":"Variable shirt","stock_quantity":5}'


@dataclass
class Door:
    engine: Engine
    app: Flask
    rung: Rung
    shop_id: int
    connection_id: int

    @property
    def path(self) -> str:
        return f"/hooks/{PUBLIC_ID}/{self.connection_id}"

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def post(self, body: bytes = PRODUCT, headers: dict[str, str] | None = None, path: str | None = None) -> Any:
        return self.client.post(path or self.path, data=body, headers=signed(body) if headers is None else headers)

    def deliveries(self) -> list[Delivery]:
        with self.engine.db.read(self.shop_id) as session:
            rows = list(session.scalars(select(Delivery).order_by(Delivery.id)))
            session.expunge_all()
            return rows

    def work(self) -> list[Work]:
        with self.engine.db.read(self.shop_id) as session:
            rows = list(session.scalars(select(Work).order_by(Work.id)))
            session.expunge_all()
            return rows


@pytest.fixture
def door(database_url: str) -> Iterator[Door]:
    rung = Rung()
    engine = small_engine(database_url, rung)
    shop_id = add_shop(engine)
    connection_id = add_connection(engine, shop_id)
    yield Door(engine, create_web(engine, CONFIG), rung, shop_id, connection_id)
    engine.db.close()


def test_a_delivery_is_kept_marked_and_rung(door: Door) -> None:
    assert door.post().status_code == 200
    [kept] = door.deliveries()
    assert (kept.topic, kept.external_id, kept.seen, kept.body) == ("product.updated", "61", 1, PRODUCT.decode())
    [work] = door.work()
    assert (work.lane, work.kind, work.key, work.priority) == ("stock", "product.read", "61", 3)
    wait_until(lambda: door.rung.lanes == ["stock"], 5, "rung")


def test_an_order_is_marked_in_its_lane(door: Door) -> None:
    body = b'{"id":79}'
    assert door.post(body, signed(body, "order.deleted")).status_code == 200
    [work] = door.work()
    assert (work.lane, work.kind, work.key) == ("orders", "store_order.read", "79")


def test_the_body_is_unreadable_in_the_database(door: Door) -> None:
    door.post()
    with door.engine.db.engine.connect() as connection:
        stored = connection.scalar(text("SELECT body FROM deliveries"))
    assert "shirt" not in stored


def test_the_same_again_counts_up_and_marks_again(door: Door) -> None:
    for _ in range(3):
        assert door.post().status_code == 200
    assert [row.seen for row in door.deliveries()] == [3]
    assert [row.dirty_version for row in door.work()] == [3]


def test_a_hundred_at_once_are_one_row_and_one_thing_to_do(door: Door, serve: Callable[..., str]) -> None:
    url = serve(door.app) + door.path
    statuses: list[int] = []

    def post_some() -> None:
        with httpx.Client() as client:
            statuses.extend(client.post(url, content=PRODUCT, headers=signed(PRODUCT)).status_code for _ in range(10))

    threads = [threading.Thread(target=post_some) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
    assert [row.seen for row in door.deliveries()] == [100]
    assert [row.done_version for row in door.work()] == [0]


def test_many_different_at_once_are_all_kept(door: Door, serve: Callable[..., str]) -> None:
    url = serve(door.app) + door.path

    def post_some(first: int) -> None:
        with httpx.Client() as client:
            for number in range(first, first + 20):
                body = json.dumps({"id": number % 30}).encode() + b" " * number
                assert client.post(url, content=body, headers=signed(body)).status_code == 200

    threads = [threading.Thread(target=post_some, args=(first,)) for first in range(0, 160, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(door.deliveries()) == 160
    assert len(door.work()) == 30


def test_the_unsigned_ping_gets_exactly_200_and_no_row(door: Door) -> None:
    response = door.post(b"webhook_id=31", {"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == 200
    assert not door.deliveries()
    assert not door.work()


def test_what_is_of_no_interest_makes_no_work(door: Door) -> None:
    body = b'{"id":5}'
    assert door.post(body, signed(body, "coupon.updated")).status_code == 200
    assert not door.work()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-WC-Webhook-Signature": ""},
        {"X-WC-Webhook-Signature": "not base64 at all"},
        {"X-WC-Webhook-Signature": "caf\xe9"},
        signed(PRODUCT, secret="another"),
        signed(PRODUCT + b" "),
        signed(b""),
    ],
)
@pytest.mark.parametrize("body", [PRODUCT, b"webhook_id=31 or so"])
def test_a_forged_delivery_is_refused_without_a_trace(door: Door, headers: dict[str, str], body: bytes) -> None:
    response = door.post(body, headers)
    assert response.status_code == 401
    assert "Traceback" not in response.text
    assert not door.deliveries()
    assert not door.work()


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"{"])
def test_an_empty_or_broken_unsigned_body_is_refused(door: Door, body: bytes) -> None:
    assert door.post(body, {}).status_code == 401
    assert not door.deliveries()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name":"no id"}',
        b'{"id":""}',
        b'{"id":"' + b"9" * 101 + b'"}',
        b'{"id":"\\u0000"}',
        b'{"id":"\\ud800"}',
        b'{"id":1,"name":"caf\xe9"}',
        b'{"id":1,"x":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_signed_delivery_that_makes_no_sense_is_400(door: Door, body: bytes) -> None:
    response = door.post(body)
    assert response.status_code == 400, response.text
    assert "Traceback" not in response.text
    assert not door.deliveries()


def test_brackets_inside_texts_are_no_depth(door: Door) -> None:
    body = json.dumps({"id": 1, "name": "[{" * 500 + '\\"'}).encode()
    assert door.post(body).status_code == 200


@pytest.mark.parametrize("size", [1_000_001, 10_000_000])
def test_a_long_body_is_413(door: Door, size: int) -> None:
    body = b'{"id":1,"x":"' + b"x" * size + b'"}'
    assert door.post(body).status_code == 413
    assert not door.deliveries()


def test_a_compressed_body_is_refused(door: Door) -> None:
    assert door.post(PRODUCT, {**signed(PRODUCT), "Content-Encoding": "gzip"}).status_code == 415
    assert not door.deliveries()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_probe_gets_200(door: Door, method: str) -> None:
    assert door.client.open(door.path, method=method).status_code == 200


@pytest.mark.parametrize("path", ["/hooks/somebody/{id}", "/hooks/" + PUBLIC_ID + "/999999"])
def test_an_unknown_shop_is_410(door: Door, path: str) -> None:
    assert door.post(path=path.format(id=door.connection_id)).status_code == 410
    assert not door.deliveries()


def test_a_connection_of_another_shop_is_410(door: Door) -> None:
    other = add_shop(door.engine, "other")
    assert door.post(path=f"/hooks/other/{door.connection_id}").status_code == 410
    add_connection(door.engine, other)
    assert not door.work()


def test_a_disconnect_takes_effect_soon(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "REMEMBER", 0.05)
    assert door.post().status_code == 200
    _change(door, state="disconnected")
    wait_until(lambda: door.post().status_code == 410, 2, "410")


def test_a_removed_connection_within_the_memory_is_410_and_no_row(door: Door) -> None:
    assert door.post().status_code == 200
    with door.engine.db.write(door.shop_id) as session:
        session.delete(session.get_one(Connection, door.connection_id))
    assert door.post().status_code == 410
    assert not door.deliveries()
    assert not door.work()


def test_both_secrets_during_rotation_then_only_the_new(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "REMEMBER", 0.0)
    soon = (door.engine.clock() + timedelta(hours=1)).isoformat()
    _change(door, webhook_secrets=["new", SECRET], info={"retired_secret_until": soon})
    assert [door.post(PRODUCT, signed(PRODUCT, secret=key)).status_code for key in ("new", SECRET, "3rd")] == [
        200,
        200,
        401,
    ]
    past = (door.engine.clock() - timedelta(hours=1)).isoformat()
    _change(door, info={"retired_secret_until": past})
    assert [door.post(PRODUCT, signed(PRODUCT, secret=key)).status_code for key in ("new", SECRET)] == [200, 401]


def _change(door: Door, **values: Any) -> None:
    with door.engine.db.write(door.shop_id) as session:
        row = session.get_one(Connection, door.connection_id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize("warm", [True, False])
def test_without_a_database_the_sender_sees_a_failure(door: Door, warm: bool) -> None:
    if warm:
        assert door.post().status_code == 200
    with door.engine.db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE work RENAME TO work_away"))
        connection.execute(text("ALTER TABLE connections RENAME TO connections_away"))
    body = b'{"id":62}'
    response = door.post(body)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    with door.engine.db.engine.connect() as connection:
        kept = connection.scalar(select(func.count()).select_from(Delivery).where(Delivery.external_id == "62"))
    assert kept == 0


def test_without_a_doorbell_it_is_kept_and_quick(database_url: str) -> None:
    hanging = threading.Event()

    def ring(_lanes: object) -> None:
        hanging.wait(5)
        raise ConnectionError("no Redis")

    engine = small_engine(database_url, ring)
    shop_id = add_shop(engine)
    path = f"/hooks/{PUBLIC_ID}/{add_connection(engine, shop_id)}"
    client = create_web(engine, CONFIG).test_client()
    bodies = [b'{"id":%d}' % number for number in range(5)]
    started = engine.clock()
    assert [client.post(path, data=body, headers=signed(body)).status_code for body in bodies] == [200] * 5
    assert engine.clock() - started < timedelta(seconds=2)
    hanging.set()
    with engine.db.read(shop_id) as session:
        assert session.scalar(select(func.count()).select_from(Work)) == 5
    engine.db.close()


def test_two_shops_in_one_commit_keep_their_own(door: Door, serve: Callable[..., str]) -> None:
    other = add_shop(door.engine, "other")
    second = add_connection(door.engine, other)
    base = serve(door.app)

    def post_some(path: str) -> None:
        with httpx.Client() as client:
            for number in range(20):
                body = b'{"id":%d}' % number
                assert client.post(base + path, content=body, headers=signed(body)).status_code == 200

    threads = [threading.Thread(target=post_some, args=(path,)) for path in (door.path, f"/hooks/other/{second}") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with door.engine.db.read(other) as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 20
        assert {row.connection_id for row in session.scalars(select(Work))} == {second}
    assert len(door.work()) == 20
