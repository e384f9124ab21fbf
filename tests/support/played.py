"""What all tests of the independent marketplaces have in common: the hour, the connection, and lists read to their end."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bridge.ports.errors import RetryLater
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent import Independent
from tests.support.independent_allegro import Allegro, allegro
from tests.support.independent_shopify_store import Shopify, shopify

PAGES = 200
Played = TypeVar("Played", bound=Independent)


class Clock:
    """The hour both sides live in."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@contextmanager
def connecting(name: str, address: str, clock: Callable[[], datetime]) -> Iterator[Callable[..., Any]]:
    """``connect(**settings)``: the adapter's channel, or store, at this address."""
    found = discover()
    bench = Bench(found.channels.get(name) or found.platforms[name], address)

    def connect(**settings: Any) -> Any:
        return bench.adapter.connect(replace(bench.connection(settings), clock=clock))

    with bench.http:
        yield connect


def given(name: str) -> dict[str, str]:
    """The credentials that an adapter's own counterpart takes; the independent ones are made for the same."""
    return {key: str(value) for key, value in discover().channels[name].sandbox_credentials.items()}


def seller_at_allegro(specs: Path, clock: Callable[[], datetime], *, strict: bool = False) -> Allegro:
    keys = given("allegro")
    client = (keys["client_id"], keys["client_secret"])
    return allegro(specs / "allegro", now=clock, client=client, refresh=keys["refresh_token"], strict=strict)


@contextmanager
def store_at_shopify(
    specs: Path, clock: Callable[[], datetime], serve: Callable[..., str], **shop: Any
) -> Iterator[tuple[Shopify, Callable[..., Any]]]:
    """A Shopify, and ``connect(**settings)``. Nothing may be asked that Shopify would refuse, or that is not played."""
    token = str(discover().platforms["shopify"].sandbox_credentials["access_token"])
    market = shopify(specs / "shopify", token=token, now=clock, **shop)
    market.stand(serve(market.app()))
    with connecting("shopify", market.base, clock) as connect:
        yield market, connect
    assert not market.refused, "\n".join(market.refused)
    assert not market.lacking, "\n".join(market.lacking)


@contextmanager
def unrefused(market: Played) -> Iterator[Played]:
    """Whatever the marketplace is asked is as its description has it."""
    yield market
    assert not market.refused, "\n".join(market.refused)


def patiently(call: Callable[[], Any], wait: float = 0.0) -> Any:
    """The answer, once nobody asks for patience any more; ``wait`` seconds are waited each time."""
    for _ in range(PAGES):
        try:
            return call()
        except RetryLater:
            time.sleep(wait)
    raise AssertionError("no end")


def ebay_keys() -> tuple[tuple[str, str], str, Ed25519PublicKey]:
    """The seller's at an independent eBay: client, refresh token, and the key that goes with its signing key."""
    given = discover().channels["ebay"].sandbox_credentials
    words = "".join(line for line in str(given["signing_key"]).splitlines() if "-----" not in line)
    key = load_der_private_key(base64.b64decode(words), None)
    assert isinstance(key, Ed25519PrivateKey)
    client = (str(given["client_id"]), str(given["client_secret"]))
    return client, str(given["refresh_token"]), key.public_key()


def everything(ask: Callable[[str | None], Any]) -> list[Any]:
    """What all pages of a list have."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = ask(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("no end")
