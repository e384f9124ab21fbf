"""Deliveries as Shopify sends them, through the adapter's door; and the sandbox's own, from end to end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.platform import Hint, HintKind
from platform_adapters.shopify import ADAPTER
from platform_adapters.shopify.sandbox import SANDBOX_SECRET
from platform_adapters.shopify.webhooks import sign
from tests.support.shopify import Account, open_shop
from tests.support.woocommerce import open_receiver

SECRET = "shpss_of_the_app"


def read(topic: str, body: Any, *secrets: str, style: str = "X-Shopify-{}", signed: str | None = None) -> Hint:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Topic": topic, "Hmac-Sha256": signed or sign(raw, SECRET), "Webhook-Id": "b1946ac9", "Shop-Domain": "a"}
    headers = {style.format(name): value for name, value in given.items()}
    if style.islower():
        headers = {name.lower(): value for name, value in headers.items()}
    hint: Hint = ADAPTER.webhooks.read(headers, raw, secrets or (SECRET,))
    return hint


@pytest.mark.parametrize(
    ("topic", "body", "kind", "named"),
    [
        ("products/update", {"id": 7}, HintKind.PRODUCT, "7"),
        ("products/delete", {"id": 7}, HintKind.PRODUCT, "7"),
        ("inventory_levels/update", {"inventory_item_id": 8, "location_id": 1}, HintKind.STOCK, "8"),
        ("orders/updated", {"id": 9}, HintKind.ORDER, "9"),
        ("fulfillments/create", {"id": 1, "order_id": 9}, HintKind.ORDER, "9"),
        ("refunds/create", {"id": 2, "order_id": 9}, HintKind.ORDER, "9"),
        ("themes/publish", {"id": 3}, HintKind.NOTHING, "-"),
        ("app/uninstalled", {"id": 3}, HintKind.NOTHING, "-"),
    ],
)
@pytest.mark.parametrize("style", ["X-Shopify-{}", "shopify-{}"])
def test_what_each_topic_is_about_in_both_families_of_headers(
    topic: str, body: dict[str, int], kind: HintKind, named: str, style: str
) -> None:
    hint = read(topic, body, style=style)
    assert (hint.kind, hint.external_id, hint.topic) == (kind, named, topic)


@pytest.mark.parametrize(
    ("said", "units"), [({}, None), ({"available": None}, None), ({"available": 12}, 12), ({"available": -2}, 0)]
)
def test_a_level_says_what_is_left(said: dict[str, Any], units: int | None) -> None:
    assert read("inventory_levels/update", {"inventory_item_id": 8, **said}).units == units
    assert read("products/update", {"id": 7, **said}).units is None


def test_the_stores_own_name_of_a_delivery_is_kept() -> None:
    assert read("products/update", {"id": 7}).delivery == "b1946ac9"


def test_after_a_rotation_both_secrets_are_good_for_a_while() -> None:
    assert read("products/update", {"id": 7}, "the-new-one", SECRET).external_id == "7"
    with pytest.raises(Reauthorise):
        read("products/update", {"id": 7}, "the-new-one")


@pytest.mark.parametrize("signed", ["", "x", "aGVsbG8=", "ÿ"])
def test_a_bad_signature_is_refused(signed: str) -> None:
    raw = b'{"id": 7}'
    with pytest.raises(Reauthorise):
        ADAPTER.webhooks.read({"X-Shopify-Topic": "products/update", "X-Shopify-Hmac-Sha256": signed}, raw, [SECRET])
    with pytest.raises(Reauthorise):
        ADAPTER.webhooks.read({"X-Shopify-Topic": "products/update"}, raw, [SECRET, ""])


@pytest.mark.parametrize("body", [{}, {"id": "7"}, {"id": True}, {"id": -1}, [], None])
def test_signed_and_yet_no_sense(body: Any) -> None:
    with pytest.raises(AskMerchant) as refused:
        read("products/update", body)
    assert refused.value.field == "id"


def test_the_sandbox_tells_what_happens_signed_and_without_personal_data() -> None:
    with open_shop() as shop, open_receiver() as receiver:
        account = Account(shop)
        account.platform.ensure_webhooks(receiver.url, SANDBOX_SECRET)
        account.hands.create_product("A", "8719102443555", "Thing", "12.10", 10)
        order = shop.control("checkout", lines=[{"sku": "A", "quantity": 1}])["order"]
        shop.control("ship", order=order, tracking="X", carrier="DHL")
        assert shop.control("webhooks/flush")["idle"]
        hints = [ADAPTER.webhooks.read(item.headers, item.body, [SANDBOX_SECRET]) for item in receiver.got]
        topics = {hint.topic for hint in hints}
        assert {"products/create", "inventory_levels/update", "orders/updated", "fulfillments/create"} <= topics
        assert {hint.external_id for hint in hints if hint.kind is HintKind.ORDER} == {str(order)}
        assert len({hint.delivery for hint in hints}) == len(hints)
        assert not any(b"shopper.example" in item.body for item in receiver.got)


def test_the_sandbox_repeats_what_was_not_taken_with_the_same_name() -> None:
    with open_shop(retry=0.01) as shop, open_receiver() as receiver:
        receiver.statuses = [500, 401]
        account = Account(shop)
        account.platform.ensure_webhooks(receiver.url, SANDBOX_SECRET)
        account.hands.create_product("A", "8719102443555", "Thing", "12.10", 10)
        first, second, third = receiver.wait(3)[:3]
        assert first.body == second.body == third.body
        assert len({item.headers["X-Shopify-Webhook-Id"] for item in (first, second, third)}) == 1
