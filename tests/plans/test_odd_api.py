"""Odd input at the JSON door: every odd value in every field of every change. Never a fault of ours; what is refused says
which field."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.web import create_web, entrance
from bridge.web.api_links import ROUTES as LINKS
from bridge.web.api_routes import ROUTES, Route
from tests.support.editing import Kiosk
from tests.support.lively import TOKEN, config
from tests.support.odd import VALUES, bodies, spliced
from tests.unit.test_settings_examples import EXAMPLES

pytestmark = pytest.mark.timeout(300)
FINE = {200, 201, 403, 404, 409, 413, 422}
CHANGES = [route for route in (*ROUTES, *LINKS) if route.method != "GET"]
PLACES = {"connection": "2", "plan": "1", "name": "summer", "kind": "stock"}


@pytest.fixture
def client(
    database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """As many calls as one likes."""
    for limit in ("VISITS", "CHANGES"):
        monkeypatch.setattr(entrance, limit, getattr(entrance, limit).model_copy(update={"calls": 1_000_000}))
    kiosk = Kiosk(database_url)
    yield create_web(kiosk.world.engine, config(page_token=TOKEN, is_loopback=False)).test_client()
    kiosk.world.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def send(client: FlaskClient, method: str, path: str, body: bytes, kind: str = "application/json") -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return client.open(f"/api/{path}", method=method, data=body, headers=headers, content_type=kind)


def address(route: Route, **more: str) -> str:
    return re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda found: {**PLACES, **more}[found[1]], route.path)


def checked(answer: Any, what: str) -> None:
    assert answer.status_code in FINE, (what, answer.status_code, answer.text)
    assert answer.status_code != 422 or answer.json["errors"], (what, answer.text)
    assert not re.search("Input should|Field required|valid dictionary|Extra inputs", answer.text), (what, answer.text)


@pytest.mark.both_databases
def test_every_field_of_every_change(client: FlaskClient) -> None:
    for route in CHANGES:
        _every_field(client, route)


def _every_field(client: FlaskClient, route: Route) -> None:
    """The fields are those that the route itself names when it is sent another."""
    unknown = send(client, route.method, address(route), b'{"@": 1}')
    assert (unknown.status_code, "@" in unknown.json["errors"]) == (422, True), unknown.text
    named = unknown.json["errors"]["@"].split("the fields are: ")[1].rstrip(".")
    for field in [] if named == "none" else named.split(", "):
        for name, value in VALUES.items():
            answer = send(client, route.method, address(route), f'{{"{field}": {value}}}'.encode())
            checked(answer, f"{route.method} {route.path} {field}: {name}")
    for what, body in bodies({"note": "x"}).items():
        checked(send(client, route.method, address(route), body), f"{route.method} {route.path} {what}")


@pytest.mark.both_databases
def test_every_place_of_every_setting(client: FlaskClient) -> None:
    """Each place of the documented examples with some of the odd values, so that all of them come by in turn."""
    step = 0
    for kind, example in EXAMPLES:
        owner = "shop" if kind in ("bundles", "oss", "rates", "market") else "connections/2"
        for what, body in spliced({"content": json.loads(example), "examples": 0}):
            step += 1
            if step % 11 == 0 or "left out" in what:
                checked(send(client, "PUT", f"{owner}/{kind}", body), f"{kind} {what}")


@pytest.mark.both_databases
def test_names_and_numbers_in_the_address(client: FlaskClient) -> None:
    odd = ("", "0", "-1", "99999999999999999999999", "%00", "%ff", "%ed%a0%80", "\u0667", "..", "x" * 5000, "%E2%80%AE")
    for text in odd:
        for path in (
            f"connections/{text}/stock",
            f"connections/2/{text}",
            f"shared/{text}/rules",
            f"shop/{text}",
            f"plans/{text}",
        ):
            for method in ("GET", "PUT"):
                answer = send(client, method, path, b'{"content": {}}')
                assert answer.status_code in FINE | {308, 405}, (path, answer.status_code, answer.text)
        for query in (
            f"plans?below={text}",
            f"explain?sku={text}",
            f"activity?before={text}&order={text}",
            f"connections/2/links?after={text}&search={text}",
        ):
            answer = send(client, "GET", query, b"")
            assert answer.status_code in FINE, (query, answer.status_code, answer.text)


def test_headers_that_are_odd(client: FlaskClient) -> None:
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"):
        assert send(client, "PUT", "shop/oss", b"{}", kind).status_code in (403, 415), kind
    assert send(client, "PUT", "shop/oss", b"{}", "application/json; charset=utf-7").status_code == 422
    for token in ("", "Bearer", "Bearer \xe9", "Basic \xe9", "Basic ====", "Basic " + "A" * 5000, "Digest x", "bearer"):
        answer = client.get("/api/settings", headers={"Authorization": token})
        assert answer.status_code in (401, 429), (token, answer.status_code)
    for origin in ("http://[", "\xe9", "null", "http://evil.example", "//", "http://a:b:c"):
        answer = client.put("/api/shop/oss", data=b"{}", headers={"Authorization": f"Bearer {TOKEN}", "Origin": origin})
        assert answer.status_code == 403, (origin, answer.status_code)
