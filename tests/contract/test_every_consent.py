"""A seller's consent in the browser, for every adapter that has one: each against its own sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bridge.ports.adapter import Adapter, Connection, Consent
from bridge.ports.errors import AskMerchant, Reauthorise
from tests.contract.suite import Bench, rule

BACK = "https://bridge.example/authorised"
STATE = "a-state-that-nobody-can-know"


@dataclass
class Desk:
    """An application that is registered at its sandbox, and the browser of a seller."""

    bench: Bench
    consent: Consent
    settings: dict[str, Any]

    @property
    def connection(self) -> Connection:
        gives = dict.fromkeys(self.consent.gives, "")
        return self.bench.connection(self.settings, **{**gives, **self.keys})

    @property
    def keys(self) -> dict[str, str]:
        """What a person types: all but what the consent gives."""
        given = self.bench.adapter.sandbox_credentials
        return {name: value for name, value in given.items() if name not in self.consent.gives}

    def ask(self, word: str = "yes") -> dict[str, str]:
        """What the seller's browser brings back."""
        address = self.consent.address(self.connection, STATE, BACK)
        with httpx.Client(timeout=60, trust_env=False) as browser:
            page = browser.get(address)
            assert page.status_code == 200, page.text
            assert "text/html" in page.headers["Content-Type"]
            answer = browser.get(f"{address}&answer={word}")
        assert answer.headers["Location"].startswith(f"{BACK}?"), answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.fixture
def desk(adapter: Adapter, serve: Callable[..., str]) -> Iterator[Desk]:
    yield from _desk(adapter, serve)


@pytest.fixture
def hasty(adapter: Adapter, serve: Callable[..., str]) -> Iterator[Desk]:
    """One at which every code comes too late."""
    yield from _desk(adapter, serve, code_seconds=0)


def _desk(adapter: Adapter, serve: Callable[..., str], **options: Any) -> Iterator[Desk]:
    assert isinstance(adapter.consent, Consent), "it says it has a consent"
    bench = Bench(adapter, serve(adapter.sandbox(**options)))
    with bench.http:
        told = bench.http.post(f"{bench.url}/_sandbox/application", json={"address": BACK})
        yield Desk(bench, adapter.consent, told.raise_for_status().json()["settings"])


@rule("consent", "channel")
def test_the_sellers_word_opens_the_account(desk: Desk) -> None:
    consent, fields = desk.consent, {item.name: item for item in desk.bench.adapter.manifest.credentials}
    known = {item.name for item in desk.bench.adapter.manifest.settings}
    assert set(consent.gives) <= set(fields)
    assert set(consent.needs) <= known
    answer = desk.ask()
    assert answer["state"] == STATE
    granted = consent.redeem(desk.connection, answer, BACK)
    assert set(granted.credentials) == set(consent.gives)
    assert set(granted.settings) <= known
    assert not any(
        value in repr(granted) for name, value in granted.credentials.items() if fields[name].kind == "secret"
    )
    settings = {**desk.settings, **granted.settings}
    info = desk.bench.connect(settings, **{**desk.keys, **granted.credentials}).check()
    assert info.name
    assert info.identity, "an account that is opened in the browser has to be known again"


@rule("consent", "channel")
def test_the_account_is_known_again_and_another_is_told_apart(desk: Desk) -> None:
    seen = []
    for seller in ("", "", "A2ANOTHERSELLER"):
        if seller:
            desk.bench.http.post(f"{desk.bench.url}/_sandbox/seller", json={"id": seller}).raise_for_status()
        granted = desk.consent.redeem(desk.connection, desk.ask(), BACK)
        settings = {**desk.settings, **granted.settings}
        desk.bench.services = None  # a token of before says nothing of these
        seen.append(desk.bench.connect(settings, **{**desk.keys, **granted.credentials}).check().identity)
    assert seen[0] == seen[1] != seen[2]


@rule("consent", "channel")
def test_a_code_is_good_once(desk: Desk) -> None:
    answer = desk.ask()
    desk.consent.redeem(desk.connection, answer, BACK)
    with pytest.raises(AskMerchant, match="ask for it again") as refused:
        desk.consent.redeem(desk.connection, answer, BACK)
    assert desk.bench.adapter.manifest.title in refused.value.merchant


@rule("consent", "channel")
def test_a_code_that_comes_late_says_so(hasty: Desk) -> None:
    with pytest.raises(AskMerchant, match="too late"):
        hasty.consent.redeem(hasty.connection, hasty.ask(), BACK)


@rule("consent", "channel")
def test_a_no_brings_no_code(desk: Desk) -> None:
    answer = desk.ask("no")
    assert (answer["state"], answer["error"]) == (STATE, "access_denied")
    assert desk.consent.code not in answer


@rule("consent", "channel")
def test_keys_of_another_application_are_named(desk: Desk) -> None:
    """The page of the marketplace shows nothing of it: only the exchange asks for the secret."""
    answer = desk.ask()
    secret = next(
        item.name
        for item in desk.bench.adapter.manifest.credentials
        if item.kind == "secret" and item.required and item.name not in desk.consent.gives
    )
    wrong = desk.bench.connection(
        desk.settings, **{**dict.fromkeys(desk.consent.gives, ""), **desk.keys, secret: "wrong-one"}
    )
    with pytest.raises((Reauthorise, AskMerchant)) as refused:
        desk.consent.redeem(wrong, answer, BACK)
    assert "wrong-one" not in refused.value.merchant + refused.value.developer


@rule("consent", "channel")
def test_nothing_of_it_is_written_down(desk: Desk) -> None:
    answer = desk.ask()
    granted = desk.consent.redeem(desk.connection, answer, BACK)
    written = "\n".join(exchange.as_text() for exchange in desk.bench.recorder.exchanges)
    fields = {item.name: item for item in desk.bench.adapter.manifest.credentials}
    secrets = [value for name, value in granted.credentials.items() if fields[name].kind == "secret"]
    assert written
    assert [value for value in (*secrets, answer[desk.consent.code]) if value in written] == []
