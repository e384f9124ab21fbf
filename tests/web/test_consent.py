"""An account that is opened by its seller's word in the browser: over real HTTP, from the form to the connection."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from bridge.db.tables import Connection
from bridge.flows import account_settings, admin, connecting, resting
from bridge.web import create_web
from channel_adapters.allegro.sandbox import create_sandbox
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.web.test_setting_up import Visitor


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[tuple[Stack, str]]:
    """A bridge, and Allegro."""
    with ExitStack() as exits:
        stack = Stack(tmp_path, database_url, exits)
        market = exits.enter_context(serve(create_sandbox(offer_seconds=0, command_seconds=0, base="allegro-pl")))
        known = (*stack.config.private_hosts, market.split("//")[1])
        stack.config = stack.config.model_copy(update={"private_hosts": known})
        stack.restart()
        exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
        yield stack, market


def _ask(visitor: Visitor, typed: dict[str, str]) -> str:
    """The address at which the seller is asked."""
    visitor.go("connect/allegro")
    assert "/authorised" in visitor.text, "what is to be registered is said"
    visitor.send("consent", **typed)
    found = re.search(r'href="([^"]*/auth/oauth/authorize[^"]*)"', visitor.page.text)
    assert found, visitor.text
    return html.unescape(found[1])


def _say_yes(address: str) -> httpx.Response:
    return httpx.get(address, follow_redirects=True, timeout=60, trust_env=False)


def test_an_account_is_opened_by_the_sellers_word(place: tuple[Stack, str]) -> None:
    stack, market = place
    allegro = stack.engine.channels["allegro"]
    credentials, urls = admin.sandbox_place(allegro, market)
    typed = {"client_id": credentials["client_id"], "client_secret": credentials["client_secret"]}
    typed |= {f"url_{name}": url for name, url in urls.items()}
    visitor = Visitor(f"http://127.0.0.1:{stack.port}")

    visitor.go("connect/allegro")
    assert "Client ID is missing" in visitor.send("consent", **{**typed, "client_id": ""})
    httpx.post(f"{market}/_sandbox/faults", json={"kind": "unauthorised", "operation": "authorize"}).raise_for_status()
    refused = _say_yes(_ask(visitor, typed))
    assert refused.status_code == 422
    assert "the consent was refused (access_denied)" in refused.text

    address = _ask(visitor, typed)
    number = re.search(r"consent=(\d+)", str(visitor.page.url))
    assert number
    assert typed["client_secret"] not in visitor.page.text
    other = admin.ensure_shop(stack.engine, "Other")
    assert (
        "/auth/oauth/authorize"
        not in visitor.http.get(f"/s/{other.public_id}/connect/allegro?consent={number[1]}").text
    )
    answer = _say_yes(address)
    assert answer.status_code == 200, answer.text
    assert "is connected" in answer.text
    (row,) = stack.rows(Connection)
    assert (row.state, row.settings["redirect_uri"]) == ("active", f"http://127.0.0.1:{stack.port}/authorised")
    assert row.credentials["refresh_token"] not in ("", credentials["refresh_token"])
    with stack.engine.db.read(stack.shop.id) as session:
        assert resting.in_setup(session) == [row.id], "nothing is sent before going live"

    again = visitor.http.get(answer.url.path, params=answer.url.params)
    assert again.status_code == 404, "a state is good once"
    late = _ask(visitor, typed)
    stack.clock.offset += 7200
    assert _say_yes(late).status_code == 404
    assert len(stack.rows(Connection, Connection.state == "active")) == 1


def test_settings_are_changed_without_showing_a_used_refresh_token_again(place: tuple[Stack, str]) -> None:
    """It is good once: shown again, the seller's consent would be lost."""
    stack, market = place
    allegro = stack.engine.channels["allegro"]
    credentials, urls = admin.sandbox_place(allegro, market)
    connected = admin.connect(
        stack.engine,
        stack.shop.id,
        "channel",
        "allegro",
        None,
        credentials,
        allegro.sandbox_settings,
        urls,
        sandbox=True,
    )
    for days in (2, 3):
        row = connecting.get(stack.engine, stack.shop.id, connected.id)
        seen, given = account_settings.version(row), {"handling_days": days}
        account_settings.edit(stack.engine, stack.shop.id, connected.id, ("handling_days",), given, seen, "Anna")
    row = connecting.get(stack.engine, stack.shop.id, connected.id)
    assert (row.state, row.settings["handling_days"]) == ("active", 3)
    assert stack.engine.channel(row).check().name
    shown = [call for call in httpx.get(f"{market}/_sandbox/requests", timeout=60).json() if "token" in call["path"]]
    used = [call["body"] for call in shown if credentials["refresh_token"] in call["body"]]
    assert len(used) == 1, used
