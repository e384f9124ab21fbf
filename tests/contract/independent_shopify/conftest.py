"""The independent Shopify, a connection to it, and a product of two variants in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.independent_shopify import Json
from tests.support.independent_shopify_store import Shopify
from tests.support.played import Clock, store_at_shopify

Connect = Callable[..., Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def at_shopify(specs_dir: Path, clock: Clock, serve: Callable[..., str]) -> Iterator[tuple[Shopify, Connect]]:
    with store_at_shopify(specs_dir, clock, serve) as both:
        yield both


@pytest.fixture
def market(at_shopify: tuple[Shopify, Connect]) -> Shopify:
    return at_shopify[0]


@pytest.fixture
def connect(at_shopify: tuple[Shopify, Connect]) -> Connect:
    return at_shopify[1]


@pytest.fixture
def store(connect: Connect) -> Any:
    made = connect()
    made.check()
    return made


@pytest.fixture
def product(market: Shopify) -> Json:
    return market.product("Boot", variants=[{"sku": "A", "stock": 10}, {"sku": "B", "stock": 10}])
