"""The marketplaces' door: a genuine message marks what it points at, everything else changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from bridge.db.tables import Connection, Work
from bridge.flows import pushed
from bridge.ports.channel import CALLBACK_URL, PushHint
from bridge.ports.errors import Reauthorise
from bridge.ports.manifest import Capability
from bridge.web.pushes import pushes
from tests.support.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=2)
    market = world.markets[0]
    market.manifest = market.manifest.model_copy(
        update={"capabilities": (*market.manifest.capabilities, Capability.PUSH)}
    )
    world.engine = world.new_engine()

    def hints(headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        if dict(headers).get("X-Sign") != "genuine":
            raise Reauthorise("The signature is wrong.")
        return [PushHint(kind="order", key=body.decode())]

    market.push_hints = hints  # type: ignore[attr-defined]
    yield world
    world.close()


def post(world: World, path: str, body: str, sign: str = "genuine") -> int:
    app = Flask(__name__)
    app.register_blueprint(pushes(world.engine, 1000))
    return app.test_client().post(path, data=body, headers={"X-Sign": sign}).status_code


def test_the_address_of_a_message_is_ours_to_say(world: World) -> None:
    """Some marketplaces sign it; what the sender says of it counts for nothing."""
    told: list[list[tuple[str, str]]] = []

    def hints(headers: Iterable[tuple[str, str]], _body: bytes) -> list[PushHint]:
        told.append([(name, value) for name, value in headers if name.lower() == CALLBACK_URL.lower()])
        return []

    world.markets[0].push_hints = hints  # type: ignore[attr-defined]
    app = Flask(__name__)
    app.register_blueprint(pushes(world.engine, 1000))
    answer = app.test_client().post("/push/shop/2", data="{}", headers={CALLBACK_URL: "https://forged.example/"})
    assert (answer.status_code, told) == (200, [[(CALLBACK_URL, f"{world.engine.public_url.rstrip('/')}/push/shop/2")]])


def test_the_page_can_say_where_messages_are_taken(world: World) -> None:
    with world.db.read(1) as session:
        told = pushed.addresses(world.engine, session)
    assert told == {2: f"{world.engine.public_url.rstrip('/')}/push/shop/2"}


def test_a_marketplace_that_asks_first_is_answered(world: World) -> None:
    app = Flask(__name__)
    app.register_blueprint(pushes(world.engine, 1000))
    asked = app.test_client().get
    assert asked("/push/shop/2?code=7").status_code == 405  # this one asks nothing

    def answer(url: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        return {"answer": f"{query['code']} {url}"} if "code" in query else None

    world.markets[0].push_challenge = answer  # type: ignore[attr-defined]
    expected = {"answer": f"7 {world.engine.public_url.rstrip('/')}/push/shop/2"}
    assert asked("/push/shop/2?code=7").get_json() == expected
    assert [asked(path).status_code for path in ("/push/shop/2", "/push/shop/1?code=7", "/push/other/2")] == [
        405,
        410,
        410,
    ]


def imports(world: World) -> list[str]:
    with world.db.read(1) as session:
        return list(session.scalars(select(Work.key).where(Work.kind == "orders.import")))


def test_a_pushed_order_is_imported_without_any_poll(world: World) -> None:
    world.store.add("A", 5)
    world.settle(120)
    key = world.markets[0].buy(("A", 2))
    assert post(world, "/push/shop/2", key) == 200
    assert "orders" in world.rung
    world.drain()
    assert [order.marketplace_ref for order in world.store.orders.values()] == [f"mem0:{key}"]
    assert world.markets[1].stock("A") == 3


def test_a_forged_message_marks_nothing(world: World) -> None:
    assert post(world, "/push/shop/2", "m1", sign="forged") == 401
    assert imports(world) == []


@pytest.mark.parametrize("path", ["/push/shop/1", "/push/shop/3", "/push/other/2", "/push/shop/99"])
def test_what_is_not_connected_or_never_pushes_is_gone(world: World, path: str) -> None:
    assert post(world, path, "m1") == 410
    assert imports(world) == []


def test_a_disconnected_marketplace_is_gone(world: World) -> None:
    with world.db.write(1) as session:
        session.get_one(Connection, 2).state = "disconnected"
    assert post(world, "/push/shop/2", "m1") == 410


def test_a_body_over_the_limit_is_refused(world: World) -> None:
    assert post(world, "/push/shop/2", "m" * 1001) == 413
    assert imports(world) == []


def test_a_compressed_body_is_refused(world: World) -> None:
    app = Flask(__name__)
    app.register_blueprint(pushes(world.engine, 1000))
    headers = {"X-Sign": "genuine", "Content-Encoding": "gzip"}
    assert app.test_client().post("/push/shop/2", data="m1", headers=headers).status_code == 415
    assert imports(world) == []
