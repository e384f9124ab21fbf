"""No secret and no personal data leaves the transport."""

from __future__ import annotations

import base64
import json

import pytest

from bridge.ports.http import Redactor

SECRET = "cs_0123456789abcdef"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor([SECRET, "short"])


@pytest.mark.parametrize(
    "body",
    [
        {"consumer_secret": "x1"},
        {"data": [{"Client-Secret": "x1"}]},
        {"access_token": "x1", "refreshToken": "x1", "idToken": "x1", "token": "x1"},
        {"Authorization": "x1", "X-Api-Key": "x1", "set-cookie": "x1", "password": "x1"},
        {"oauth_signature": "x1", "oauth_nonce": "x1", "signature": "x1", "secret": "x1"},
        {"billing": {"first_name": "x1", "address_1": "x1", "phone": "x1", "email": "x1", "state": "x1"}},
        {"shipmentDetails": {"surname": "x1", "houseNumber": "x1", "extraAddressInformation": "x1"}},
        {"buyer": {"name": "x1", "tags": ["x1", "x1"], "address": {"zip": "x1", "anything": "x1"}}},
        {"customer_note": "x1", "customer_ip_address": "x1", "vatNumber": "x1", "iban": "x1"},
        {"deliveryPhoneNumber": "x1", "billing_email": "x1", "emailAddress": "x1"},
        {"meta_data": [{"id": 1, "key": "_billing_phone", "value": "x1"}, {"name": "E-mail", "value": "x1"}]},
        {"meta_data": [{"key": "consumer_secret", "value": {"deep": "x1"}}]},
        {"line": f"see {SECRET}"},
        {"line": "Bearer abc.def-ghi_jkl"},
        {"jwt-like": "eyJhbGciOi.eyJzdWIiOjF9.c2ln"},
        {"message": "invalid address jan.jansen+bol@example.com"},
    ],
)
def test_json_bodies(redactor: Redactor, body: object) -> None:
    text = redactor.body(json.dumps(body).encode(), "application/json")
    for private in ("x1", SECRET, "abc.def", "eyJ", "jansen"):
        assert private not in text
    json.loads(text)


def test_what_helps_is_still_there(redactor: Redactor) -> None:
    body = {
        "code": "woocommerce_rest_invalid",
        "orderId": "A-1",
        "shipping_lines": [{"method_title": "DHL", "total": "4.95"}],
        "billing": {"country": "NL", "city": ""},
        "name": "Blue mug",
        "tokenType": "Bearer",
        "email": None,
        "quantity": 3,
    }
    text = redactor.body(json.dumps(body).encode(), "application/json")
    assert json.loads(text) == body


@pytest.mark.parametrize(
    "text",
    [
        f"GET /x?consumer_secret={SECRET}&a=1",
        f"https://me:{SECRET}@shop.example/x",
        "Authorization: Basic Y2tfMTpjc18xMjM0",
        'error: token=x1x1x1, "first_name": "x1x1x1" and more',
        'error: {\\"client_secret\\": \\"x1x1x1\\"}',
        "a proxy wrote bEaReR x1x1x1x1 and BA\u017fIC x1x1x1x1",
        "mail to jan@example.com or jan%40example.com",
        "mail to jan%40example.com",
        "https://a.example/?oauth_token=x1x1x1#x1x1x1",
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_free_text(redactor: Redactor, text: str) -> None:
    masked = redactor.text(text)
    for private in ("x1x1x1", SECRET, "Y2tf", "jan", base64.b64encode(SECRET.encode()).decode()[:10]):
        assert private not in masked


def test_url_keeps_what_is_harmless(redactor: Redactor) -> None:
    url = "https://user:pw@shop.example:8443/wp-json/wc/v3/orders?modified_after=2026-11-23T12:00:00&code=ab&status[]=open"
    assert redactor.url(url) == (
        "https://shop.example:8443/wp-json/wc/v3/orders?modified_after=2026-11-23T12:00:00&code=***&status[]=open"
    )
    assert redactor.url("https://[broken") == "***"


def test_forms(redactor: Redactor) -> None:
    form = b"grant_type=refresh_token&refresh_token=x1&code=x1&client_secret=x1"
    text = redactor.body(form, "application/x-www-form-urlencoded")
    assert "x1" not in text
    assert text.startswith("grant_type=refresh_token&")


def test_excerpts_are_bounded_and_cheap(redactor: Redactor) -> None:
    many = json.dumps([{"sku": f"A-{n}", "email": "x1"} for n in range(10_000)]).encode()
    text = redactor.body(many, "application/json", limit=500)
    assert len(text) <= 503
    assert text.endswith("...")
    assert "x1" not in text


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (b"", "", ""),
        (b"\x89PNG\0\0", "image/png", "(6 bytes of image/png)"),
        (b"%PDF-1.7", "application/pdf", "(8 bytes of application/pdf)"),
        (b"[" * 900 + b"]" * 900, "application/json", None),
        (b"[" * 100_000, "application/json", None),
        (b"\xff\xfe{", "", None),
    ],
)
def test_odd_bodies(redactor: Redactor, content: bytes, kind: str, text: str | None) -> None:
    shown = redactor.body(content, kind)
    assert len(shown) < 2100
    assert text is None or shown == text


def test_learned_values_are_masked_and_bounded(redactor: Redactor) -> None:
    for number in range(200):
        redactor.learn(f"token-number-{number}")
    assert "token-number-199" not in redactor.text("have token-number-199 here")
    assert SECRET not in redactor.text(SECRET)
    redactor.learn("token-number-199")
    assert len(redactor._learned) <= 64


def test_short_values_do_not_mask_everything(redactor: Redactor) -> None:
    assert redactor.text("in short") == "in short"
