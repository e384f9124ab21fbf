"""An account that is opened by its seller's word in the browser: over real HTTP, from the form to the connection."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.db.tables import Connection
from bridge.flows import account_settings, admin, connecting, resting
from bridge.ports.adapter import Adapter, Consent
from bridge.registry import discover
from bridge.web import create_web
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.web.test_setting_up import Visitor

NAMES = sorted(item.name for item in discover().all() if isinstance(item.consent, Consent))
OTHER = "A2ANOTHERSELLER"
DAYS = ("token_made", "authorised_on")  # on which a consent was given


@dataclass
class Place:
    """A bridge, a marketplace with a consent, and a visitor's browser."""

    stack: Stack
    adapter: Adapter
    market: str
    visitor: Visitor = field(init=False)
    settings: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = Visitor(f"http://127.0.0.1:{self.stack.port}")
        address = {"address": f"http://127.0.0.1:{self.stack.port}/authorised"}
        self.settings = self.control("application", **address)["settings"]

    def control(self, path: str, **body: Any) -> Any:
        return httpx.post(f"{self.market}/_sandbox/{path}", json=body, timeout=60).raise_for_status().json()

    @property
    def name(self) -> str:
        return self.adapter.name

    @property
    def gives(self) -> tuple[str, ...]:
        assert isinstance(self.adapter.consent, Consent)
        return self.adapter.consent.gives

    @property
    def typed(self) -> dict[str, str]:
        credentials, urls = admin.sandbox_place(self.adapter, self.market)
        typed = {name: value for name, value in credentials.items() if name not in self.gives}
        return typed | {f"url_{name}": url for name, url in urls.items()} | self.settings

    def ask(self, **more: str) -> str:
        """The address at which the seller is asked."""
        self.visitor.go(f"connect/{self.name}")
        assert "/authorised" in self.visitor.text, "what is to be registered is said"
        self.visitor.send("consent", **{**self.typed, **more})
        return self.address()

    def address(self) -> str:
        found = re.search(r'href="([^"]*state=[^"]*)"', self.visitor.page.text)
        assert found, self.visitor.text
        return html.unescape(found[1])

    def say(self, address: str, word: str = "yes") -> httpx.Response:
        return httpx.get(f"{address}&answer={word}", follow_redirects=True, timeout=60, trust_env=False)

    def agreed(self, **more: str) -> Connection:
        """The connection that is the newest after the seller said yes."""
        answer = self.say(self.ask(**more))
        assert answer.status_code == 200, answer.text
        return self.rows()[-1]

    def rows(self) -> list[Connection]:
        live = (Connection.state == "active", Connection.adapter == self.name)
        return sorted(self.stack.rows(Connection, *live), key=lambda row: row.id)


Opens = Callable[..., Place]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Opens]:
    with ExitStack() as exits:

        def opened(name: str, **options: Any) -> Place:
            stack = Stack(tmp_path, database_url, exits)
            adapter = stack.engine.channels[name]
            market = exits.enter_context(serve(adapter.sandbox(**options)))
            known = (*stack.config.private_hosts, market.split("//")[1])
            stack.config = stack.config.model_copy(update={"private_hosts": known})
            stack.restart()
            exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
            return Place(stack, adapter, market)

        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_an_account_is_opened_by_the_sellers_word(name: str, opened: Opens) -> None:
    place = opened(name)
    visitor, stack, typed = place.visitor, place.stack, place.typed
    secret = next(item for item in place.adapter.manifest.credentials if item.name in typed and item.kind == "secret")
    visitor.go(f"connect/{name}")
    assert f"{secret.label} is missing" in visitor.send("consent", **{**typed, secret.name: ""})
    for needed in place.settings:
        visitor.go(f"connect/{name}")
        assert "is missing" in visitor.send("consent", **{**typed, needed: ""}), needed

    refused = place.say(place.ask(), "no")
    assert refused.status_code == 422
    assert "you did not agree" in refused.text

    address = place.ask()
    number = re.search(r"consent=(\d+)", str(visitor.page.url))
    assert number
    assert typed[secret.name] not in visitor.page.text
    other = admin.ensure_shop(stack.engine, "Other")
    assert (
        address.partition("?")[0]
        not in visitor.http.get(f"/s/{other.public_id}/connect/{name}?consent={number[1]}").text
    )
    answer = place.say(address)
    assert answer.status_code == 200, answer.text
    assert "is connected" in answer.text
    (row,) = place.rows()
    assert row.state == "active"
    assert all(row.credentials[field] for field in place.gives)
    assert row.credentials["refresh_token"] != place.adapter.sandbox_credentials["refresh_token"]
    with stack.engine.db.read(stack.shop.id) as session:
        assert resting.in_setup(session) == [row.id], "nothing is sent before going live"

    again = visitor.http.get(answer.url.path, params=answer.url.params)
    assert again.status_code == 404, "a state is good once"
    assert visitor.http.get("/authorised?state=guessed&code=guessed").status_code == 404
    late = place.ask()
    stack.clock.offset += 7200
    assert place.say(late).status_code == 404
    assert len(place.rows()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_same_account_is_renewed_and_another_is_added(name: str, opened: Opens) -> None:
    """Whoever signs in: without a name the account that is there is never replaced by another."""
    place = opened(name)
    first = place.agreed()
    renewed = place.say(place.ask())
    assert "was there already and is renewed" in renewed.text
    (row,) = place.rows()
    assert row.id == first.id
    assert row.credentials["refresh_token"] != first.credentials["refresh_token"]
    place.control("seller", id=OTHER)
    second = place.agreed()
    assert [row.id for row in place.rows()] == [first.id, second.id]
    assert second.account != first.account
    assert second.info["identity"] != first.info["identity"]
    assert place.rows()[0].credentials == row.credentials, "the first is as it was"
    with place.stack.engine.db.read(place.stack.shop.id) as session:
        assert second.id in resting.in_setup(session)


@pytest.mark.parametrize("name", NAMES)
def test_an_account_is_renewed_by_its_own_seller_alone(name: str, opened: Opens) -> None:
    place = opened(name)
    first, visitor = place.agreed(), place.visitor
    visitor.go(f"accounts/{first.id}")
    visitor.send("consent")
    place.control("seller", id=OTHER)
    refused = place.say(place.address())
    assert refused.status_code == 422
    assert "Nothing was changed" in refused.text
    assert [row.credentials for row in place.rows()] == [first.credentials]
    place.control("seller", id=first.info["identity"].rpartition(":")[2])
    visitor.go(f"accounts/{first.id}")
    visitor.send("consent")
    assert place.say(place.address()).status_code == 200
    (row,) = place.rows()
    assert row.credentials["refresh_token"] != first.credentials["refresh_token"]
    kept = {field: value for field, value in row.settings.items() if field not in DAYS}
    assert kept.items() <= first.settings.items(), "its settings stay"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_taken_is_not_asked_for(name: str, opened: Opens) -> None:
    place = opened(name)
    first = place.agreed()
    place.visitor.go(f"connect/{name}")
    assert "is connected already" in place.visitor.send("consent", **place.typed, account=first.account)


@pytest.mark.parametrize("name", NAMES)
def test_a_code_that_comes_late_says_so(name: str, opened: Opens) -> None:
    place = opened(name, code_seconds=0)
    late = place.say(place.ask())
    assert late.status_code == 422
    assert "too late" in late.text
    assert place.rows() == []


def test_while_an_answer_is_being_tried_the_page_goes_on_waiting(opened: Opens) -> None:
    place = opened("allegro")
    address, page = place.ask(), str(place.visitor.page.url)

    def look() -> str:
        return place.visitor.http.get(page, headers={"Accept": "text/html"}).text

    place.control("faults", kind="slow", operation="token", params={"seconds": 3})
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(place.say, address)
        seen = []
        while not said.done():
            seen.append(look())
        assert said.result().status_code == 200
    tried = [text for text in seen if "it is being tried" in text]
    assert tried
    assert all('data-consent="waits"' in text for text in tried), "the page that waits goes on waiting"
    assert not any("This question is over" in text for text in seen)
    assert "is connected." in look()


@pytest.mark.both_databases
def test_a_consent_of_another_region_says_which(opened: Opens) -> None:
    answer = (place := opened("amazon")).say(place.ask(region="na"))
    assert answer.status_code == 422
    assert "region" in answer.text
    assert place.rows() == []


def test_keys_of_another_environment_are_refused_before_anyone_is_sent(opened: Opens) -> None:
    place = opened("ebay")
    place.visitor.go("connect/ebay")
    said = place.visitor.send("consent", **{**place.typed, "client_id": "Me-App-SBX-0123", "client_secret": "SBX-01"})
    assert "sandbox keyset" in said


@pytest.mark.both_databases
def test_settings_are_changed_without_showing_a_used_refresh_token_again(opened: Opens) -> None:
    """It is good once: shown again, the seller's consent would be lost."""
    place = opened("allegro", offer_seconds=0, command_seconds=0, base="allegro-pl")
    stack, market, allegro = place.stack, place.market, place.adapter
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
