"""Odd input at the doors of stores and marketplaces: signed rightly and absurd, never a crash, and nothing that was
acknowledged is lost."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bridge.db.tables import Delivery, Work
from bridge.flows.engine import Engine
from bridge.ports.channel import CALLBACK_URL
from bridge.ports.manifest import Capability
from bridge.web import create_web
from bridge.web.pushes import pushes
from channel_adapters.bol.push import Push as BolPush
from channel_adapters.ebay.push import Push as EbayPush
from channel_adapters.ebay.sandbox import push as ebay
from channel_adapters.kaufland import signature as kaufland
from channel_adapters.kaufland.push import Push as KauflandPush
from platform_adapters.shopify.webhooks import ShopifyDoor
from platform_adapters.woocommerce.webhooks import WooDoor
from tests.support.engines import PUBLIC_ID, add_connection, add_shop, sign, small_engine, store_adapter
from tests.support.lively import config
from tests.support.odd import bodies, spliced
from tests.support.world import Clock, World

pytestmark = pytest.mark.timeout(300)
REFUSED = {400, 401, 413, 415}
WOO_PRODUCT = {"id": 7, "type": "simple", "status": "publish", "stock_status": "instock", "stock_quantity": 3}
WOO_VARIATION = {
    "id": 8,
    "type": "variation",
    "parent_id": 7,
    "stock_quantity": 3,
    "date_modified_gmt": "2026-11-27T06:00:00",
}
WOO_ORDER = {"id": 9, "status": "processing", "line_items": [{"id": 1, "quantity": 2}]}
SHOPIFY_LEVEL = {"inventory_item_id": 7, "location_id": 1, "available": 3, "updated_at": "2026-11-27T06:00:00Z"}
SHOPIFY_FULFILLMENT = {"id": 1, "order_id": 9, "tracking_numbers": ["1Z"]}


class Door:
    """A store's webhooks, read by the adapter's own door. ``told`` is what was logged as a fault."""

    def __init__(self, url: str, reader: Any, names: tuple[str, str]) -> None:
        self.engine: Engine = small_engine(url, adapter=store_adapter(reader))
        self.shop_id = add_shop(self.engine)
        self.path = f"/hooks/{PUBLIC_ID}/{add_connection(self.engine, self.shop_id)}"
        self.client: FlaskClient = create_web(self.engine, config()).test_client()
        self.names = names

    def post(self, body: bytes, topic: str | None, **more: str) -> Any:
        signature, about = self.names
        headers = {signature: sign(body), **({} if topic is None else {about: topic}), **more}
        return self.client.post(self.path, data=body, headers=headers)

    def kept(self) -> list[tuple[str, str, bytes]]:
        """Topic, key of the work and body of what was kept since; then it is forgotten."""
        with self.engine.db.write(self.shop_id) as session:
            keys = {row.key for row in session.scalars(select(Work))}
            rows = list(session.scalars(select(Delivery)))
            found = [(row.topic, row.external_id, row.body.encode()) for row in rows]
            assert {row.external_id for row in rows} == keys, "what is kept has its work, and work its delivery"
            session.execute(delete(Delivery))
            session.execute(delete(Work))
        return found


WOO = ("X-WC-Webhook-Signature", "X-WC-Webhook-Topic")
SHOPIFY = ("X-Shopify-Hmac-Sha256", "X-Shopify-Topic")


@pytest.fixture
def open_door(database_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Any, tuple[str, str]], Door]]:
    opened: list[Door] = []

    def open_it(reader: Any, names: tuple[str, str]) -> Door:
        opened.append(Door(database_url, reader, names))
        return opened[-1]

    yield open_it
    for door in opened:
        door.engine.db.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("reader", "names", "topic", "good", "fields"),
    [
        (WooDoor(), WOO, "product.updated", WOO_PRODUCT, {"id"}),
        (WooDoor(), WOO, "product.updated", WOO_VARIATION, {"id", "parent_id"}),
        (WooDoor(), WOO, "product.deleted", {"id": 7}, {"id"}),
        (WooDoor(), WOO, "order.updated", WOO_ORDER, {"id"}),
        (ShopifyDoor(), SHOPIFY, "products/update", {"id": 7, "updated_at": "2026-11-27T06:00:00Z"}, {"id"}),
        (ShopifyDoor(), SHOPIFY, "inventory_levels/update", SHOPIFY_LEVEL, {"inventory_item_id"}),
        (ShopifyDoor(), SHOPIFY, "fulfillments/create", SHOPIFY_FULFILLMENT, {"order_id"}),
    ],
)
def test_whatever_stands_in_a_signed_delivery_it_is_kept_or_refused(
    open_door: Any, reader: Any, names: tuple[str, str], topic: str, good: Any, fields: set[str]
) -> None:
    """Every odd value in every place. One that the work does not hang on is no reason to refuse; of one that it hangs on
    the answer says the name."""
    door = open_door(reader, names)
    unnamed, wrong = [], []
    for what, body in spliced(good):
        answer = door.post(body, topic)
        kept = door.kept()
        if answer.status_code == 200:
            if [item[2] for item in kept] != [body]:
                wrong.append((what, "acknowledged and not kept"))
        elif answer.status_code != 400 or kept:
            wrong.append((what, answer.status_code))
        elif not any(f" {field}." in answer.text for field in fields) and "JSON" not in answer.text:
            unnamed.append((what, answer.text))
    assert (wrong, unnamed) == ([], [(what, text) for what, text in unnamed if "500 deep" in what])


@pytest.mark.parametrize(
    ("reader", "names", "topic"), [(WooDoor(), WOO, "product.updated"), (ShopifyDoor(), SHOPIFY, "products/update")]
)
def test_whatever_is_sent_for_a_body_it_is_kept_or_refused(
    open_door: Any, reader: Any, names: tuple[str, str], topic: str
) -> None:
    door = open_door(reader, names)
    for what, body in bodies({"id": 1}).items():
        answer = door.post(body, topic)
        kept = [item[2] for item in door.kept()]
        assert (answer.status_code, kept) in ((200, [body]), (400, [])), (what, answer.status_code, answer.text)
        forged = door.client.post(door.path, data=body, headers={names[0]: "Zm9yZ2Vk", names[1]: topic})
        assert (forged.status_code, door.kept()) == (401, []), what


ODD_TOPICS = (
    "", " ", ".", "product", "product.", ".updated", "Product.Updated", "product.updated\t", "products", "orders/", "/",
    "coupon.created", "x" * 81, "product." + "x" * 200, "product.caf\xe9", "product.\x80", "order.\u00ad", "product.updated,product.updated",
)  # fmt: skip


@pytest.mark.parametrize(("reader", "names"), [(WooDoor(), WOO), (ShopifyDoor(), SHOPIFY)])
def test_topics_and_headers_that_nobody_knows(open_door: Any, reader: Any, names: tuple[str, str]) -> None:
    door = open_door(reader, names)
    body = b'{"id":7}'
    for topic in (None, *ODD_TOPICS):
        answer = door.post(body, topic)
        assert answer.status_code in (200, 400), (topic, answer.status_code)
        assert all(kept == (topic, "7", body) for kept in door.kept())
    known = "product.updated" if names is WOO else "products/update"
    odd = {
        "Content-Type": "text/html; charset=utf-7",
        "X-Shopify-Webhook-Id": "\xe9" * 300,
        "X-Shopify-Triggered-At": "0001-01-01T00:00:00+23:59",
        "X-WC-Webhook-Id": "-1",
        "Accept-Charset": "*",
    }
    for name, value in odd.items():
        assert door.post(body, known, **{name: value}).status_code == 200, name
        assert [item[2] for item in door.kept()] == [body], name
    for coding, status in (("gzip", 415), ("GZIP", 415), ("identity", 200), ("", 415), ("gzip, identity", 415)):
        assert door.post(body, known, **{"Content-Encoding": coding}).status_code == status, coding
    door.kept()
    assert door.post(b'{"id":7,"x":"' + b"x" * 1_000_001 + b'"}', known).status_code == 413
    assert door.kept() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("reader", "names", "topics"),
    [
        (WooDoor(), WOO, ("product.updated", "product.deleted", "order.created", "coupon.x")),
        (ShopifyDoor(), SHOPIFY, ("products/update", "inventory_levels/update", "refunds/create", "themes/publish")),
    ],
)
def test_any_json_at_all(open_door: Any, reader: Any, names: tuple[str, str], topics: tuple[str, ...]) -> None:
    door = open_door(reader, names)
    fields = ("id", "parent_id", "order_id", "inventory_item_id", "type", "status", "stock_quantity", "available")
    things = st.dictionaries(st.sampled_from(fields), JSON, max_size=5)

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(things | JSON, st.sampled_from(topics), st.booleans())
    def tried(content: Any, topic: str, ascii_only: bool) -> None:
        body = json.dumps(content, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        assert door.post(body, topic).status_code in (200, 400)

    tried()
    door.kept()


# -- marketplaces ------------------------------------------------------------------------------------------------------

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DER = RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
EC = ebay.KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
KEYS = SimpleNamespace(
    signature_keys=lambda: [{"id": "0", "publicKey": base64.b64encode(DER).decode()}],
    public_key=lambda name: {"key": base64.b64encode(EC).decode()} if name == ebay.KEY_ID else {},
    order_unit=lambda unit: {"id_order": f"of-{unit}"},
)
PUSH_URL = "http://bridge.example/push/shop/2"


def bol_headers(body: bytes) -> dict[str, str]:
    signature = base64.b64encode(RSA.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
    return {"Signature": f'keyId=0, algorithm="rsa-sha256", signature={signature}'}


def ebay_headers(body: bytes) -> dict[str, str]:
    return {"X-EBAY-SIGNATURE": ebay.header(body)}


def kaufland_headers(body: bytes) -> dict[str, str]:
    signature = kaufland.sign("secret", "POST", PUSH_URL, body, "1411055926")
    return {"Shop-Signature": signature, "Shop-Timestamp": "1411055926"}


Signer = Callable[[bytes], dict[str, str]]
BOL = {"retailerId": "1", "timestamp": "2026-11-27T06:00:00Z",
       "event": {"resource": "ORDER", "type": "CREATED", "resourceId": "C1"}}  # fmt: skip
EBAY = {"metadata": {"topic": ebay.TOPIC, "schemaVersion": "1.0"},
        "notification": {"notificationId": "n-1", "data": {"order": {"orderId": "27-1"}}}}  # fmt: skip
KAUFLAND = {"id_message": "m1", "event_name": "order_new", "resource": "/orders/M1", "storefront": "de"}
KAUFLAND_UNIT = {**KAUFLAND, "event_name": "order_unit_status_changed", "resource": "/order-units/7/"}
KAUFLAND_OFFER = {**KAUFLAND, "event_name": "item_unit_available", "resource": "/units/7"}


class Market:
    """A marketplace's push door, read by its adapter's own push side."""

    def __init__(self, database_url: str, push: Any) -> None:
        self.world = World(database_url, markets=1)
        self.world.engine.public_url = "http://bridge.example"
        market = self.world.markets[0]
        more = (*market.manifest.capabilities, Capability.PUSH)
        market.manifest = market.manifest.model_copy(update={"capabilities": more})
        market.push_hints = push.hints  # type: ignore[attr-defined]
        self.world.engine = self.world.new_engine()
        self.world.engine.public_url = "http://bridge.example"
        self.app = Flask(__name__)
        self.app.register_blueprint(pushes(self.world.engine, 1_000_000))

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "/push/shop/2") -> Any:
        return self.app.test_client().post(
            path, data=body, headers={**headers, CALLBACK_URL: "https://forged.example/"}
        )

    def marked(self) -> set[str]:
        with self.world.db.write(1) as session:
            found = {row.key for row in session.scalars(select(Work).where(Work.kind == "orders.import"))}
            session.execute(delete(Work))
        return found


def push_sides() -> dict[str, Any]:
    clock = Clock()
    return {
        "bol": BolPush(KEYS, clock),  # type: ignore[arg-type]
        "ebay": EbayPush(KEYS, "secret", clock),  # type: ignore[arg-type]
        "kaufland": KauflandPush(KEYS, "secret"),  # type: ignore[arg-type]
    }


@pytest.fixture
def open_market(database_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], Market]]:
    opened: list[Market] = []

    def open_it(name: str) -> Market:
        opened.append(Market(database_url, push_sides()[name]))
        return opened[-1]

    yield open_it
    for market in opened:
        market.world.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


PUSHES: tuple[tuple[str, Signer, Any], ...] = (
    ("bol", bol_headers, BOL),
    ("ebay", ebay_headers, EBAY),
    ("kaufland", kaufland_headers, KAUFLAND),
    ("kaufland", kaufland_headers, KAUFLAND_UNIT),
    ("kaufland", kaufland_headers, KAUFLAND_OFFER),
)


@pytest.mark.both_databases
@pytest.mark.parametrize(("name", "headers", "good"), PUSHES)
def test_whatever_stands_in_a_genuine_push_message(open_market: Any, name: str, headers: Signer, good: Any) -> None:
    market = open_market(name)
    assert market.post(json.dumps(good).encode(), headers(json.dumps(good).encode())).status_code == 200
    for what, body in (*spliced(good), *bodies(good).items()):
        answer = market.post(body, headers(body))
        assert answer.status_code in (200, 400), (what, answer.status_code, answer.text)
        assert all(key.isprintable() and len(key) <= 100 for key in market.marked()), what


@pytest.mark.parametrize(("name", "headers", "good"), PUSHES[:3])
def test_a_push_message_that_is_not_genuine(open_market: Any, name: str, headers: Signer, good: Any) -> None:
    market = open_market(name)
    body = json.dumps(good).encode()
    [(header, value), *more] = headers(body).items()
    odd = (
        "", "?", "\xe9", "x" * 7000, '{"kid": 1}', "keyId=0", 'keyId=0, algorithm="rsa-sha256", signature=\xe9',
        f'keyId={"9" * 300}, algorithm="rsa-sha256", signature=AA==',
        *(base64.b64encode(text).decode() for text in (
            b"[]", b"null", b'{"kid": []}', b'{"kid": {"a": 1}}', b'{"kid": "\\ud800"}', b'{"kid": "\\u0000"}',
            b'{"kid": "a b"}', b'{"kid": "../x"}', b'{"kid": 1e999, "digest": 7}', b"[" * 5000, b"\xff\xfe",
            json.dumps({"kid": ebay.KEY_ID, "digest": "MD5", "signature": "AA=="}).encode(),
            json.dumps({"kid": ebay.KEY_ID, "digest": "SHA1", "signature": "\xe9"}).encode(),
        )),
    )  # fmt: skip
    for text in odd:
        answer = market.post(body, {header: text, **dict(more)})
        assert (answer.status_code, market.marked()) == (401, set()), (text[:80], answer.status_code, answer.text)
    assert market.post(body.replace(b"1", b"2"), {header: value, **dict(more)}).status_code == 401
    for path in (
        "/push/shop/99999999999999999999",
        "/push/shop/1000000000",
        "/push/sh%00op/2",
        "/push/%ff/2",
        "/push/shop/-1",
    ):
        assert market.post(body, {header: value}, path=path).status_code in (404, 410), path
