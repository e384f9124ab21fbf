"""What goes out and what comes back."""

from __future__ import annotations

import gzip
import json
import zlib
from decimal import Decimal

import httpx
import pytest

from bridge.ports.http import (
    Transport,
    basic_auth,
)
from tests.support.calls import get, post
from tests.support.rogue import Rogue


def test_a_call(server: Rogue, shop: Transport) -> None:
    url = server.answers("/orders", 200, b'{"price": 12.10, "n": 3}')
    answer = shop.request(
        "GET", url + "?page=2", operation="read", params={"status": "open", "no": None, "ids": [1, 2]}
    )
    assert answer.json == {"price": Decimal("12.10"), "n": 3}
    assert answer.headers["CONTENT-TYPE"] == "application/json"
    assert server.calls[0].path == "/orders?page=2&status=open&ids=1&ids=2"
    sent = server.calls[0].headers
    assert (sent["accept"], sent["accept-encoding"]) == ("application/json", "gzip, deflate")
    assert "cookie" not in sent


def test_bodies(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 200, {})
    post(shop, url, json={"price": Decimal("12.90"), "n": Decimal(3), "t": "é"})
    post(shop, url, json=None, data={"a": ["1", "2"], "b": "x y"})
    post(shop, url, json=None, content="raw", headers={"Content-Type": "text/csv"})
    assert [call.body for call in server.calls] == ['{"price":12.9,"n":3,"t":"é"}'.encode(), b"a=1&a=2&b=x+y", b"raw"]
    assert [call.headers["content-type"] for call in server.calls] == [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/csv",
    ]
    with pytest.raises(ValueError, match="one of"):
        post(shop, url, data={"a": 1})


def test_one_connection_for_many_calls(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 200, {})
    for _ in range(5):
        get(shop, url)
    assert server.connections == 1


def test_cookies_are_not_kept(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 200, {}, Set_Cookie="session=abc; Path=/")
    get(shop, url)
    get(shop, url)
    assert "cookie" not in server.calls[1].headers


def test_no_proxy_from_the_environment(server: Rogue, shop: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert get(shop, server.answers("/x", 200, {})) == {}


def test_auth_signs_last(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 200, {})
    get(shop, url, auth=basic_auth("ck", "cs"))
    assert server.calls[0].headers["authorization"] == "Basic Y2s6Y3M="

    def sign(request: httpx.Request) -> None:
        request.url = request.url.copy_merge_params({"signature": str(len(request.content))})

    post(shop, url, auth=sign)
    assert server.calls[1].path == "/x?signature=7"


@pytest.mark.parametrize("status", [202, 204, 304])
def test_empty_where_there_is_nothing_to_say(server: Rogue, shop: Transport, status: int) -> None:
    assert get(shop, server.answers("/x", status, None, kind="")) is None


def test_allowed_statuses_come_back(server: Rogue, shop: Transport) -> None:
    answer = shop.request("POST", server.answers("/x", 409, {"code": "twice"}), operation="write", allow=(409,))
    assert (answer.status, answer.ok, answer.json) == (409, False, {"code": "twice"})


def test_bytes(server: Rogue, shop: Transport) -> None:
    url = server.answers("/label.pdf", 200, b"%PDF", kind="application/pdf")
    assert shop.request("GET", url, operation="label", expect="bytes").content == b"%PDF"
    page = server.answers("/page", 200, "é".encode("latin-1"), kind="text/html; charset=latin-1")
    assert shop.request("GET", page, operation="page", expect="any").text == "é"


def test_packed_answers(server: Rogue, shop: Transport) -> None:
    body = json.dumps({"a": "x" * 5000}).encode()
    bare = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "Deflate": bare.compress(body) + bare.flush(),
        "identity": body,
    }
    for encoding, data in packed.items():
        assert get(shop, server.answers("/x", 200, data, Content_Encoding=encoding)) == {"a": "x" * 5000}
