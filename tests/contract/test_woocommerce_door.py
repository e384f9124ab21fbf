"""Deliveries of a real store, bytes as recorded, through the adapter's door."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise
from bridge.ports.platform import Hint, HintKind
from platform_adapters.woocommerce import ADAPTER
from tests.support.woocommerce import FIXTURES, recorded

SECRET = "whsec_test"
EXPECTED = {
    "order.created": (HintKind.ORDER, "104"),
    "order.deleted": (HintKind.ORDER, "79"),
    "order.updated": (HintKind.ORDER, "104"),
    "order.updated.checkout-draft": (HintKind.NOTHING, "87"),
    "order.updated.refunded": (HintKind.ORDER, "79"),
    "ping": (HintKind.NOTHING, "31"),
    "product.created": (HintKind.PRODUCT, "173"),
    "product.created.variation": (HintKind.PRODUCT, "173"),
    "product.deleted": (HintKind.PRODUCT, "173"),
    "product.updated": (HintKind.PRODUCT, "49"),
    "product.updated.variable": (HintKind.PRODUCT, "173"),
    "product.updated.variation": (HintKind.PRODUCT, "60"),
}


def read(delivery: dict[str, Any], *secrets: str) -> Hint:
    headers, body = delivery["headers"], delivery["raw_body"].encode()
    hint: Hint = ADAPTER.webhooks.read(headers, body, secrets or (SECRET,))
    return hint


def signed(body: bytes, topic: str = "product.updated", secret: str = SECRET) -> dict[str, str]:
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": digest}


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.json")))
def test_each_recorded_delivery(name: str) -> None:
    delivery = recorded(name)
    hint = read(delivery)
    assert (hint.kind, hint.external_id) == EXPECTED[name]
    assert hint.topic == delivery["headers"].get("X-WC-Webhook-Topic", "ping")
    assert hint.accept_status == 200


# What each says is left: 0 for what is sold out, a draft or deleted; nothing where it does not count.
UNITS = {
    "product.created": None,
    "product.created.variation": None,
    "product.deleted": 0,
    "product.updated": 1,
    "product.updated.variable": 0,
    "product.updated.variation": 8,
}


@pytest.mark.parametrize("name", sorted(UNITS))
def test_what_a_delivery_says_is_left(name: str) -> None:
    assert read(recorded(name)).units == UNITS[name]


@pytest.mark.parametrize(
    ("said", "units"),
    [("-3", 0), ("2.5", 2), ("1e300", 2**31 - 1), ("null", None), ('"7"', None), ("true", None), ("[]", None)],
)
def test_whatever_is_said_to_be_left_is_no_fault(said: str, units: int | None) -> None:
    body = f'{{"id": 7, "stock_quantity": {said}}}'.encode()
    assert ADAPTER.webhooks.read(signed(body), body, [SECRET]).units == units


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"ping"}))
def test_one_changed_byte_is_refused(name: str) -> None:
    delivery = recorded(name)
    raw = delivery["raw_body"]
    for at in (0, len(raw) // 2, len(raw) - 1):
        changed = delivery | {"raw_body": raw[:at] + ("x" if raw[at] != "x" else "y") + raw[at + 1 :]}
        with pytest.raises(Reauthorise):
            read(changed)


def test_secrets_rotate() -> None:
    delivery = recorded("product.updated")
    assert read(delivery, "new", SECRET).external_id == "49"
    with pytest.raises(Reauthorise):
        read(delivery, "new", "newer")
    with pytest.raises(Reauthorise):
        ADAPTER.webhooks.read(delivery["headers"], delivery["raw_body"].encode(), [])


@pytest.mark.parametrize("signature", ["", "zZe9", "not base64 ä€", "\udcff", "A" * 10_000])
def test_a_forged_signature_is_refused_quietly(signature: str) -> None:
    headers = recorded("product.updated")["headers"] | {"X-WC-Webhook-Signature": signature}
    with pytest.raises(Reauthorise):
        ADAPTER.webhooks.read(headers, recorded("product.updated")["raw_body"].encode(), [SECRET])


@pytest.mark.parametrize("body", [b"", b"webhook_id=", b"webhook_id=x", b"webhook_id=1&x=2", b"{}"])
def test_what_only_looks_like_a_ping_is_refused(body: bytes) -> None:
    with pytest.raises(Reauthorise):
        ADAPTER.webhooks.read({}, body, [SECRET])


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"id": null}', b'{"id": "7"}', b'{"id": true}', b'{"id": -1}', b"{}"]
)
def test_signed_nonsense_names_the_field(body: bytes) -> None:
    with pytest.raises(AskMerchant) as error:
        ADAPTER.webhooks.read(signed(body), body, [SECRET])
    assert error.value.field == "id"


def test_a_variation_without_its_parent_names_the_field() -> None:
    body = b'{"id": 7, "type": "variation"}'
    with pytest.raises(AskMerchant) as error:
        ADAPTER.webhooks.read(signed(body), body, [SECRET])
    assert error.value.field == "parent_id"


def test_other_topics_are_of_no_interest_and_none_is_an_error() -> None:
    body = b'{"id": 7}'
    for topic in ("coupon.created", "customer.updated", "action.woocommerce_x"):
        assert ADAPTER.webhooks.read(signed(body, topic), body, [SECRET]).kind is HintKind.NOTHING
    with pytest.raises(AskMerchant) as error:
        ADAPTER.webhooks.read(signed(body, ""), body, [SECRET])
    assert error.value.field == "X-WC-Webhook-Topic"


def test_signed_bytes_that_are_no_json() -> None:
    for body in (b"{", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises((BridgeError, ValueError, RecursionError)):
            ADAPTER.webhooks.read(signed(body), body, [SECRET])


def test_headers_in_any_capitalisation() -> None:
    delivery = recorded("product.updated")
    lower = {name.lower(): value for name, value in delivery["headers"].items()}
    assert read(delivery | {"headers": lower}).external_id == "49"
