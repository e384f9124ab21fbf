"""From an answer to an error."""

from __future__ import annotations

import traceback

import pytest

from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RejectItem,
    RetryLater,
    SlowDown,
    UnknownOutcome,
)
from bridge.ports.http import (
    ErrorTable,
    HttpServices,
    MemoryRecorder,
    Rule,
    Said,
    Transport,
)
from bridge.ports.manifest import Limit
from tests.support.calls import SECRET, WIDE, get, post, transport
from tests.support.rogue import Caller, Rogue


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>Just a moment...</html>", "text/html"),
        (b"<!doctype html>", "application/json"),
        (b'<br /><b>Warning</b>: x in y.php{"id": 1}', "application/json; charset=UTF-8"),
        (b"{broken", "application/json"),
        (b"NaN", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"", "text/html"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_good_status_and_no_data(server: Rogue, shop: Transport, body: bytes, kind: str) -> None:
    url = server.answers("/x", 200, body, kind=kind)
    with pytest.raises(RetryLater, match=r"My shop: 127.0.0.1 answered with .* instead of data"):
        get(shop, url)
    with pytest.raises(UnknownOutcome):
        post(shop, url)
    asking = ErrorTable(page=Rule(AskMerchant, "Switch the maintenance mode off."))
    with pytest.raises(AskMerchant, match="Switch the maintenance mode off"):
        get(shop, url, errors=asking)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Rogue, shop: Transport, status: int) -> None:
    target = f"https://www.shop.example/x?consumer_secret={SECRET}"
    url = server.answers("/x", status, {}, Location=target)
    for method in ("GET", "POST"):
        with pytest.raises(AskMerchant, match=r"redirects to https://www\.shop\.example/x") as caught:
            shop.request(method, url, operation="read", json={} if method == "POST" else None)
        assert SECRET not in str(caught.value)
    assert server.methods == ["GET", "POST"]


def test_a_page_saying_404_is_no_proof_of_absence(server: Rogue, shop: Transport) -> None:
    page = server.answers("/page", 404, b"<html>not here</html>", kind="text/html")
    with pytest.raises(RetryLater):
        get(shop, page)
    with pytest.raises(RetryLater):
        get(shop, page, allow=(404,))
    with pytest.raises(NotFound):
        get(shop, server.answers("/data", 404, {"message": "Invalid ID."}))
    with pytest.raises(NotFound):
        get(shop, server.answers("/none", 410, None, kind=""))


@pytest.mark.parametrize("status", [403, 406])
def test_a_firewalls_page_is_no_word_about_rights(server: Rogue, status: int) -> None:
    """A17: the account is left alone for a while, longer each time; nobody is asked to mend a key that is right."""
    page = server.answers("/page", status, b"<html>Access denied</html>", kind="text/html")
    words = rf"a firewall before 127.0.0.1 turns our calls away \({status}\)"
    limits = {name: Limit(calls=100, seconds=11) for name in ("read", "write", "other", "picture")}
    shop = transport(**limits)
    for method in (get, post):
        for pattern in (words, "waiting"):  # then it is known
            with pytest.raises(SlowDown, match=pattern) as caught:
                method(shop, page, max_wait=0)
            assert caught.value.after is not None
    assert len(server.calls) == 2
    refused = AskMerchant if status == 403 else RejectItem
    with pytest.raises(refused, match="Their words"):
        shop.request("GET", server.answers("/data", status, {"message": "Their words."}), operation="other")
    with pytest.raises(refused):
        shop.request("GET", page, operation="picture", expect="bytes")
    shop.close()


def test_characters_that_cannot_be_kept_are_replaced(server: Rogue, shop: Transport) -> None:
    """NUL is valid JSON and no text of PostgreSQL's; half of a pair of UTF-16 is no text at all."""
    body = rb'{"a\u0000": ["x\uD800y", "\ud83d\ude00", "\\u0000 is spelt out", {"b": "\uDFFF"}], "n": 1}'
    found = get(shop, server.answers("/x", 200, body, kind="application/json"))
    assert found == {"a\ufffd": ["x\ufffdy", "\U0001f600", "\\u0000 is spelt out", {"b": "\ufffd"}], "n": 1}
    assert "\x00" not in str(found)
    str(found).encode()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RejectItem),
        (401, Reauthorise),
        (402, AskMerchant),
        (403, AskMerchant),
        (404, NotFound),
        (409, RejectItem),
        (418, RejectItem),
        (422, RejectItem),
        (423, RetryLater),
        (429, SlowDown),
        (451, AskMerchant),
        (500, RetryLater),
        (599, RetryLater),
    ],
)
def test_default_table(server: Rogue, shop: Transport, status: int, error: type[BridgeError]) -> None:
    with pytest.raises(error) as caught:
        get(shop, server.answers("/x", status, {"message": "Their words."}, Retry_After="99"))
    assert caught.value.merchant.startswith(f"My shop: Their words ({status})")
    assert f"GET {server.url}/x -> {status}" in caught.value.developer


def test_tables(server: Rogue, recorder: MemoryRecorder) -> None:
    own = ErrorTable(
        rules={(400, "dup"): NotFound, 400: AskMerchant, range(440, 450): Rule(RejectItem, "Choose another SKU.")},
        describe=lambda answer: Said(answer.json["words"], "sku", answer.json.get("kind")),
    )
    services = HttpServices.build(recorder=recorder, allowed_hosts=["127.0.0.1"])
    shop = Transport(account="1:7", services=services, limits=WIDE, errors=own)
    with pytest.raises(NotFound, match="1:7: Twice"):
        get(shop, server.answers("/a", 400, {"words": "Twice", "kind": "dup"}))
    with pytest.raises(AskMerchant):
        get(shop, server.answers("/b", 400, {"words": "Other"}))
    with pytest.raises(RejectItem, match=r"Bad \(444\). Choose another SKU.") as caught:
        get(shop, server.answers("/c", 444, {"words": "Bad"}))
    assert caught.value.field == "sku"
    with pytest.raises(RejectItem, match="Default words"):  # the describer stumbles
        get(shop, server.answers("/d", 422, {"message": "Default words"}))
    with pytest.raises(Reauthorise):
        get(shop, server.answers("/e", 400, {"words": ""}), errors=ErrorTable(rules={400: Reauthorise}))
    shop.close()


@pytest.mark.parametrize(
    ("body", "message", "field"),
    [
        (
            {"detail": "Bad Request", "violations": [{"name": "ean", "reason": "is wrong"}]},
            "Bad Request; is wrong",
            "ean",
        ),
        ({"code": "x", "message": "Invalid SKU.", "data": {}}, "Invalid SKU", None),
        ({"errors": [{"code": "1", "message": "a"}, {"message": "b", "field": "price"}]}, "a; b", "price"),
        ([{"message": "a"}], "a", None),
        ({"error": "invalid_grant", "error_description": "expired"}, "expired", None),
        ({"error": {"message": "deep"}}, "deep", None),
        ({"errors": ["plain"]}, "plain", None),
        ({"title": "Only a title"}, "Only a title", None),
        ("text", "read was refused", None),
        (None, "read was refused", None),
    ],
)
def test_the_words_of_usual_bodies(
    server: Rogue, shop: Transport, body: object, message: str, field: str | None
) -> None:
    with pytest.raises(RejectItem) as caught:
        get(shop, server.answers("/x", 400, body))
    assert caught.value.merchant.startswith(f"My shop: {message} (400).")
    assert caught.value.field == field


def test_a_refusal_whose_body_is_lost_is_a_refusal(server: Rogue, shop: Transport) -> None:
    def lost(caller: Caller) -> None:
        caller.raw(b"HTTP/1.1 422 X\r\nContent-Length: 100\r\n\r\n{")
        caller.reset()

    with pytest.raises(RejectItem):
        post(shop, server.on("/x", lost))


def test_credentials_with_line_breaks(server: Rogue, shop: Transport) -> None:
    for value in ("hush\nhush", "schlüssel\u2028"):
        with pytest.raises(AskMerchant, match="characters that cannot be sent") as caught:
            get(shop, server.answers("/x", 200, {}), headers={"X-Key": value})
        assert value not in "".join(traceback.format_exception(caught.value))
        assert repr(value)[1:-1] not in "".join(traceback.format_exception(caught.value))
    assert server.calls == []
