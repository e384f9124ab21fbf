"""Odd input at the doors of the app and of the modules inside stores: signed rightly and absurd, never a crash, and
nothing that was acknowledged is lost."""

from __future__ import annotations

import importlib
import json
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from bridge.db.tables import Connection, Delivery, Journal, ModuleRow, PrivacyRequest, Work
from platform_adapters.shopify.sandbox import SANDBOX_SECRET
from platform_adapters.shopify.webhooks import sign
from tests.support import modules, store_app
from tests.support.odd import bodies, spliced
from tests.support.store_app import HOME, STORE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _no_fault_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


# -- the app of Shopify ------------------------------------------------------------------------------------------------


@pytest.fixture
def shopify(database_url: str, tmp_path: Path) -> Iterator[store_app.Place]:
    with store_app.open_place(tmp_path, database_url=database_url) as place:
        assert place.open(place.session_token()).status_code == 200
        yield place


def tell(place: store_app.Place, topic: str, body: bytes, **more: str) -> Any:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": sign(body, SANDBOX_SECRET),
        "X-Shopify-Shop-Domain": STORE,
        "X-Shopify-Webhook-Id": secrets.token_hex(4),
    }
    return place.web.post(f"{HOME}hooks", data=body, headers=headers | more)


def requests(place: store_app.Place) -> list[PrivacyRequest]:
    """What was kept since; then it is forgotten."""
    with place.engine.db.write(None) as session:
        found = list(session.scalars(select(PrivacyRequest)))
        session.expunge_all()
        session.execute(delete(PrivacyRequest))
    return found


BUYER = {"id": 191, "email": "ada@example.com", "phone": "555"}
EXPORT = {
    "shop_id": 1,
    "shop_domain": STORE,
    "orders_requested": [299, 280],
    "customer": BUYER,
    "data_request": {"id": 9},
}
ERASE = {"shop_id": 1, "shop_domain": STORE, "orders_to_redact": [299], "customer": BUYER}
SHOP = {"shop_id": 1, "shop_domain": STORE}
COMPLIANCE = (("customers/data_request", EXPORT), ("customers/redact", ERASE), ("shop/redact", SHOP))


@pytest.mark.both_databases
@pytest.mark.parametrize(("topic", "good"), COMPLIANCE)
def test_a_request_about_personal_data_is_kept_or_refused(shopify: store_app.Place, topic: str, good: Any) -> None:
    """Every odd value in every place, and whole bodies that are none; an order that is named is not left out."""
    named = [name for name in good if name.startswith("orders_")]
    for what, body in (*spliced(good), *bodies(good).items()):
        answer, kept = tell(shopify, topic, body), requests(shopify)
        if answer.status_code == 400:
            assert kept == [], what
            continue
        assert (answer.status_code, len(kept)) == (200, 1), (what, answer.text)
        content = json.loads(body)
        meant = [str(item) for name in named for item in content.get(name) or ()]
        assert (kept[0].store, kept[0].done_at is not None) == (STORE, True), what
        if topic == "customers/data_request":  # of the others it is forgotten what they were about
            assert kept[0].subject["orders"] == meant, what


def test_a_field_that_is_wrong_is_named(shopify: store_app.Place) -> None:
    for field, value in (
        ("orders_requested", 7),
        ("orders_requested", ["x"]),
        ("shop_domain", 7),
        ("shop_domain", "evil.example"),
    ):
        answer = tell(shopify, "customers/data_request", json.dumps({**EXPORT, field: value}).encode())
        assert (answer.status_code, field in answer.text or "names no store" in answer.text) == (400, True), answer.text


@pytest.mark.parametrize(
    "topic", ["products/update", "orders/updated", "app/uninstalled", "themes/publish", "caf\xe9", ""]
)
def test_what_the_app_is_told_is_kept_or_refused(shopify: store_app.Place, topic: str) -> None:
    good = {"id": 7, "updated_at": "2026-11-27T06:00:00Z"}
    for what, body in (*spliced(good), *bodies(good).items()):
        answer = tell(shopify, topic, body)
        with shopify.engine.db.write(1) as session:
            kept = [row.body.encode() for row in session.scalars(select(Delivery))]
            session.execute(delete(Delivery))
        expected = [body] if answer.status_code == 200 and topic in ("products/update", "orders/updated") else []
        assert (answer.status_code in (200, 400), kept) == (True, expected), (what, answer.status_code, answer.text)
    assert tell(shopify, topic, b"{}", **{"Content-Encoding": "gzip"}).status_code == 415
    assert tell(shopify, topic, b"{}", **{"X-Shopify-Hmac-Sha256": "\xe9"}).status_code == 401
    assert tell(shopify, topic, b" " * 2_000_000).status_code == 413
    for domain in ("", "\xe9", "x" * 300, "[::1]", "http://[", "sandbox.myshopify.com.evil.example"):
        answer = tell(shopify, "products/update", b'{"id":7}', **{"X-Shopify-Shop-Domain": domain})
        assert answer.status_code == 400, domain


# -- modules -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many calls as one likes."""
    door = importlib.import_module("bridge.web.modules")  # in the package this name is the function
    for limit in ("ASKS", "ASKS_OF_STORE", "ALL_ASKS", "CALLS"):
        monkeypatch.setattr(door, limit, getattr(door, limit).model_copy(update={"calls": 100_000}))


@pytest.fixture
def joined(database_url: str, tmp_path: Path, _unhurried: None) -> Iterator[modules.Place]:
    with modules.open_place(tmp_path, database_url) as place:
        place.connect()
        yield place


EVENTS = {
    "epoch": "one",
    "events": [
        {"id": 11, "kind": "product", "external_id": "75", "topic": "product.updated", "at": "2026-11-26T20:00:00Z", "x": [1]},
        {"id": 12, "kind": "order", "external_id": 76, "topic": ""},
    ],
    "merged": [9, 10],
}  # fmt: skip
BEAT = {
    "version": "1.2.0", "platform_version": "10.5", "php": "8.2", "outbox": {"depth": 3, "oldest_at": "2026-11-26T20:00:00Z"},
    "cron": {"healthy": True, "last_run": "2026-11-26T20:00:00Z", "note": "fine"},
}  # fmt: skip
PAGE = {
    "frame": {"skin": "wordpress", "path_name": "sb", "fixed": {"page": "storebridge"}, "csrf": {"name": "n", "value": "v"}, "style": ""},
    "user": {"name": "Anna", "id": 1}, "can": ["look", "change"], "locale": "nl_NL", "method": "GET", "path": "orders",
    "query": {"show": "open"}, "form": {"do": "x"}, "files": {"file": {"name": "a", "type": "b", "base64": "AA=="}},
}  # fmt: skip


def is_named(answer: Any) -> bool:
    """``field: what to do``."""
    field, colon, text = answer.text.partition(": ")
    return bool(colon and text.strip()) and " " not in field


def test_events_are_all_kept_or_all_refused(joined: modules.Place) -> None:
    for what, body in (*spliced(EVENTS), *bodies(EVENTS).items()):
        answer = joined.tell("events", body)
        with joined.engine.db.write(joined.row().shop_id) as session:
            kept = list(session.scalars(select(Delivery)))
            keys = {
                row.key for row in session.scalars(select(Work).where(Work.key.in_([row.external_id for row in kept])))
            }
            session.execute(delete(Delivery))
            for module in session.scalars(select(ModuleRow)):
                module.last_event = None
        if answer.status_code == 400:
            assert (kept, is_named(answer)) == ([], True), (what, answer.text)
            continue
        assert answer.status_code == 200, (what, answer.status_code, answer.text)
        sent = json.loads(body)["events"]
        assert [row.body for row in kept] == sent, what
        assert {row.external_id for row in kept if row.body.get("kind") in ("product", "order")} <= keys, what


def test_the_same_event_twice_in_one_message_is_one(joined: modules.Place) -> None:
    event = EVENTS["events"][0]  # type: ignore[index]
    assert joined.tell("events", {**EVENTS, "events": [event, event, event]}).status_code == 200
    assert [row.seen for row in joined.rows(Delivery)] == [3]


def test_heartbeats_are_kept_or_refused_by_name(joined: modules.Place) -> None:
    for what, body in (*spliced(BEAT), *bodies(BEAT).items()):
        answer = joined.tell("heartbeat", body)
        assert answer.status_code in (200, 400, 413), (what, answer.status_code, answer.text)
        assert answer.status_code != 400 or is_named(answer), (what, answer.text)


def test_pages_are_shown_or_refused_by_name(joined: modules.Place) -> None:
    for what, body in (*spliced(PAGE), *bodies(PAGE).items()):
        answer = joined.tell("page", body)
        assert answer.status_code in (200, 400), (what, answer.status_code, answer.text)
        assert answer.status_code == 200 or is_named(answer), (what, answer.text)
        assert answer.status_code == 400 or answer.json["status"] < 500, (what, answer.json)


def test_whoever_says_that_it_is_gone_is_let_go_or_refused(joined: modules.Place) -> None:
    good = {"reason": "removed", "user": "anna"}
    for what, body in (*spliced(good), *bodies(good).items()):
        answer = joined.tell("gone", body)
        state = joined.row().state
        assert (answer.status_code, state) in ((200, "disconnected"), (400, "active"), (413, "active")), (
            what,
            answer.text,
        )
        if answer.status_code == 200:
            [*_, told] = [row for row in joined.rows(Journal, Journal.id) if row.author]
            assert told.author.isprintable(), what
            joined.connect()


ASKED = {
    "platform": "woocommerce", "store_url": modules.URL, "api_url": f"{modules.URL}/wp-json/", "code": "0" * 64, "version": "1.2.0",
    "platform_version": "10.5", "user": "anna", "locale": "nl_NL", "activation": "", "install_key": "",
}  # fmt: skip


@pytest.mark.usefixtures("_unhurried")
def test_whoever_asks_to_be_connected_is_refused_by_name(database_url: str, tmp_path: Path) -> None:
    with modules.open_place(tmp_path, database_url) as place:
        for what, body in (*spliced(ASKED), *bodies(ASKED).items()):
            answer = place.web.post("/modules/connect", data=body, content_type="application/json")
            assert answer.status_code in (400, 403, 413, 502), (what, answer.status_code, answer.text)
        odd = (
            {},
            {"consumer_key": "\x00"},
            {"\x00": "a"},
            {"consumer_key": "k", "base": "\u202e"},
            {"consumer_key": "\U0001f600"},
        )
        for form in odd:
            answer = place.web.post("/modules/activate/woocommerce", data=form)
            assert answer.status_code in (200, 400), (form, answer.status_code)
        assert place.web.post("/modules/activate/%00", data={}).status_code == 400
        assert place.count(Connection) == 0


def test_signatures_and_addresses_that_are_odd(joined: modules.Place) -> None:
    good, body = joined.headers("events", b"{}"), b"{}"
    [(header, value), *_] = good.items()
    odd = (
        "",
        "t=1",
        "t=1,n=2,v1=3",
        value.upper(),
        f"{value},{value}x",
        "\xe9" * 100,
        "t=" + "9" * 400,
    )
    for number, text in enumerate(odd):
        answer = joined.web.post(
            joined.at + "events",
            data=body,
            headers={header: text},
            environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"},
        )
        assert answer.status_code == 401, (text, answer.status_code)
    for number, path in enumerate(
        ("/modules/sh%00op/1/events", "/modules/%ff/1/events", "/modules/x/999999999999/events", "/modules/x/-1/events")
    ):
        answer = joined.web.post(
            path, data=body, headers=good, environ_overrides={"REMOTE_ADDR": f"192.0.2.{number + 50}"}
        )
        assert answer.status_code in (404, 410), (path, answer.status_code)
    assert (
        joined.web.post(joined.at + "events", data=body, headers={**good, "Content-Encoding": "gzip"}).status_code
        == 415
    )
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-7",
        "",
    ):
        headers = joined.headers("heartbeat", b"{}") | {"Content-Type": kind}
        assert joined.web.post(joined.at + "heartbeat", data=b"{}", headers=headers).status_code == 200, kind
