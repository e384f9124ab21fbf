"""Every delivery recorded from a real store, bytes as they came, through the door with the real adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from bridge.db.tables import Delivery, Work
from bridge.flows.engine import Engine
from bridge.web import create_web
from platform_adapters.woocommerce.webhooks import WooDoor
from tests.support.engines import PUBLIC_ID, add_connection, add_shop, small_engine, store_adapter

FOLDER = Path(__file__).parents[1] / "fixtures" / "woocommerce"
RECORDED = sorted(path.stem for path in FOLDER.glob("*.json"))
CONFIG = SimpleNamespace(
    max_webhook_bytes=1_000_000, page_token="", is_loopback=True, port=8000, redis_url="", proxies=0
)
# What each of them asks to be read again; a variation's parent is read.
MARKED = {
    "order.created": ("orders", "store_order.read", "104"),
    "order.deleted": ("orders", "store_order.read", "79"),
    "order.updated": ("orders", "store_order.read", "104"),
    "order.updated.checkout-draft": None,
    "order.updated.refunded": ("orders", "store_order.read", "79"),
    "ping": None,
    "product.created": ("stock", "product.read", "173"),
    "product.created.variation": ("stock", "product.read", "173"),
    "product.deleted": ("stock", "product.read", "173"),
    "product.updated": ("stock", "product.read", "49"),
    "product.updated.variable": ("stock", "product.read", "173"),
    "product.updated.variation": ("stock", "product.read", "60"),
}


@pytest.fixture
def shop(database_url: str) -> Iterator[tuple[Engine, int, str]]:
    engine = small_engine(database_url, adapter=store_adapter(WooDoor()))
    shop_id = add_shop(engine)
    yield engine, shop_id, f"/hooks/{PUBLIC_ID}/{add_connection(engine, shop_id)}"
    engine.db.close()


def test_each_recording_is_known() -> None:
    assert sorted(MARKED) == RECORDED


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_delivery(shop: tuple[Engine, int, str], name: str) -> None:
    engine, shop_id, path = shop
    recorded = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    body = recorded["raw_body"].encode()
    client = create_web(engine, CONFIG).test_client()
    for _ in range(2):
        assert client.post(path, data=body, headers=recorded["headers"]).status_code == 200
    wanted = MARKED[name]
    with engine.db.read(shop_id) as session:
        kept = [(row.topic, row.seen, row.body) for row in session.scalars(select(Delivery))]
        work = [(row.lane, row.kind, row.key) for row in session.scalars(select(Work))]
    topic = recorded["headers"].get("X-WC-Webhook-Topic")
    assert kept == ([(topic, 2, recorded["raw_body"])] if wanted else [])
    assert work == ([wanted] if wanted else [])


@pytest.mark.parametrize("name", [name for name in RECORDED if name != "ping"])
def test_one_byte_changed_is_refused(shop: tuple[Engine, int, str], name: str) -> None:
    engine, shop_id, path = shop
    recorded = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    body = recorded["raw_body"].encode()
    client = create_web(engine, CONFIG).test_client()
    assert client.post(path, data=body.replace(b'"id":', b'"id": ', 1), headers=recorded["headers"]).status_code == 401
    with engine.db.read(shop_id) as session:
        assert not session.scalars(select(Delivery)).all()
