"""A store connected by a click in its own admin, without a plugin: its server posts the keys, over real HTTP and TLS."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bridge.db.tables import Connection, Journal
from bridge.web import create_web
from platform_adapters.woocommerce.sandbox import create_sandbox
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.web.test_setting_up import Visitor


@dataclass
class Place:
    """A bridge with a certificate, a store that trusts it, and a browser."""

    stack: Stack
    store: str
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = Visitor(self.stack.engine.public_url)

    def ask(self, url: str = "") -> str:
        self.visitor.go("connect/woocommerce")
        return self.visitor.send("consent", url=url or self.store)

    def address(self) -> str:
        """Where the merchant is sent."""
        found = re.search(r'href="([^"]*/wc-auth/v1/authorize[^"]*)"', self.visitor.page.text)
        assert found, self.visitor.text
        return html.unescape(found[1])

    def say(self, address: str, word: str = "Approve") -> httpx.Response:
        with httpx.Client(follow_redirects=True, timeout=90, trust_env=False, verify=False) as browser:
            page = browser.get(address)
            link = re.search(rf"href='([^']*)'>{word}", page.text)
            assert link, page.text
            return browser.get(page.url.join(html.unescape(link[1])))

    def post(self, state: str, **more: Any) -> httpx.Response:
        """As anybody could who guesses the address."""
        body = {"key_id": 1, "user_id": state, "key_permissions": "read_write"}
        body |= {"consumer_key": "ck_guessed0000", "consumer_secret": "cs_guessed0000", **more}
        address = f"{self.stack.engine.public_url}/authorised/woocommerce"
        return httpx.post(address, json=body, timeout=60, trust_env=False, verify=False)

    def stores(self) -> list[Connection]:
        return self.stack.rows(Connection, Connection.state == "active")


Opens = Callable[..., Place]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Opens]:
    with ExitStack() as exits:

        def opened(*, tls: bool = True, **options: Any) -> Place:
            stack = Stack(tmp_path, database_url, exits)
            store = exits.enter_context(serve(create_sandbox(None, delay=0.05, verify_callbacks=False, **options)))
            own: dict[str, Any] = {"private_hosts": (*stack.config.private_hosts, store.split("//")[1])}
            own["public_url"] = f"http{'s' if tls else ''}://127.0.0.1:{stack.port}"
            stack.config = stack.config.model_copy(update=own)
            stack.restart()
            exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port, tls=tls))
            return Place(stack, store)

        yield opened


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["user_id"][0]


def test_a_store_is_connected_by_a_click_in_its_admin(opened: Opens) -> None:
    place = opened()
    place.ask()
    address = place.address()
    asked = parse_qs(urlsplit(address).query)
    assert (asked["scope"], asked["callback_url"]) == (
        ["read_write"],
        [f"{place.stack.engine.public_url}/authorised/woocommerce"],
    )
    assert place.stores() == []
    answer = place.say(address)
    assert (answer.status_code, "is connected" in answer.text) == (200, True), answer.text
    (row,) = place.stores()
    assert (row.credentials["url"], row.credentials["consumer_key"][:3]) == (place.store, "ck_")
    assert place.stack.engine.platform(row).check().name == "Sandbox Store"
    assert [item.author for item in place.stack.rows(Journal, Journal.kind == "connect")] != [None]
    again = httpx.get(answer.url, verify=False, timeout=60, trust_env=False)
    assert again.status_code == 200, "the page may be reloaded: it connects nothing"

    state = state_of(address)
    assert place.post(state).status_code == 404, "other keys for a state that was used"
    keys = {name: row.credentials[name] for name in ("consumer_key", "consumer_secret")}
    assert place.post(state, **keys).status_code == 200, "the same keys once more are the same connection"
    assert [found.id for found in place.stores()] == [row.id]
    assert place.stores()[0].credentials == row.credentials


def test_whoever_has_no_state_is_refused(opened: Opens) -> None:
    place = opened()
    place.ask()
    assert place.post("guessed").status_code == 404
    assert place.post(state_of(place.address()), key_permissions="read").status_code == 422
    late = place.address()
    place.stack.clock.offset += 7200
    assert place.post(state_of(late)).status_code == 404, "too late"
    refused = place.say(late)
    assert refused.status_code == 401, "and the store says so: it could not hand its key over"
    assert place.stores() == []


@pytest.mark.both_databases
def test_keys_that_do_not_work_are_not_kept_and_the_browser_hears_why(opened: Opens) -> None:
    place = opened()
    place.ask()
    state = state_of(place.address())
    assert place.post(state).status_code == 422
    told = httpx.get(
        f"{place.stack.engine.public_url}/authorised",
        params={"state": state, "success": "1"},
        verify=False,
        timeout=60,
        trust_env=False,
    )
    assert told.status_code == 422
    assert "agreed, but it is not connected" in told.text
    assert place.stores() == []
    assert place.post(state).status_code == 404, "a state is good once"


def test_a_no_and_keys_that_never_come_are_told_apart(opened: Opens) -> None:
    place = opened()
    place.ask()
    first = place.address()
    assert (
        "keys have not arrived"
        in httpx.get(
            f"{place.stack.engine.public_url}/authorised",
            params={"state": state_of(first), "success": "1"},
            verify=False,
            timeout=60,
            trust_env=False,
        ).text
    )
    refused = place.say(first, "Deny")
    assert refused.status_code == 422
    assert "you did not agree" in refused.text
    assert place.post(state_of(first)).status_code == 404


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "only 80 and 443 are allowed"),
        ("http://10.0.0.1", "private network"),
        ("shop", "is no web address"),
    ],
)
def test_nobody_is_sent_where_the_bridge_may_not_call(opened: Opens, url: str, words: str) -> None:
    place = opened()
    assert words in place.ask(url)
    assert "/wc-auth/" not in place.visitor.page.text
    assert place.stack.rows(Connection) == []


def test_what_is_no_store_is_said_before_anyone_is_sent(opened: Opens) -> None:
    place = opened()
    market = str(place.stack.bol.http.base_url).rstrip("/")
    assert "WooCommerce" in place.ask(market)
    assert "/wc-auth/" not in place.visitor.page.text


def test_without_https_it_says_why(opened: Opens) -> None:
    place = opened(tls=False)
    assert "https addresses only" in place.ask()


def test_a_second_store_is_refused_before_anyone_is_sent(opened: Opens) -> None:
    place = opened()
    place.ask()
    place.say(place.address())
    other = place.stack.store.url.replace("127.0.0.1", "localhost")
    place.visitor.go("connect/woocommerce")
    assert "already has the store" in place.visitor.send("consent", url=other)


def test_a_store_gets_new_keys_the_same_way(opened: Opens) -> None:
    place = opened()
    place.ask()
    place.say(place.address())
    (first,) = place.stores()
    place.visitor.go(f"accounts/{first.id}")
    place.visitor.send("consent")
    assert place.say(place.address()).status_code == 200
    (row,) = place.stores()
    assert row.id == first.id
    assert row.credentials["consumer_key"] != first.credentials["consumer_key"]
