"""Accounts and sandboxes, each test its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channel_adapters.bol.sandbox import create_sandbox
from channel_adapters.mirakl.sandbox import create_sandbox as mirakl_sandbox
from tests.contract.suite import keepers
from tests.support.bol import AT_ONCE, Seller
from tests.support.bol_channel import Account
from tests.support.mirakl import AT_ONCE as MIRAKL_AT_ONCE
from tests.support.mirakl import Shop


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of an adapter runs for every adapter that is installed and says it keeps the test's rule."""
    if "adapter" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("rule")
    adapters = keepers(mark.args[0] if mark else None, **(mark.kwargs if mark else {"kind": None, "needs": None}))
    metafunc.parametrize("adapter", adapters, ids=[adapter.name for adapter in adapters])


@pytest.fixture
def start(serve: Callable[..., str]) -> Callable[..., Seller]:
    """A seller at a bol sandbox in which everything happens at once and nothing is limited, unless said otherwise."""

    def start(state_path: Path | None = None, **options: Any) -> Seller:
        return Seller(serve(create_sandbox(state_path, **AT_ONCE | options)))

    return start


@pytest.fixture
def open_account(serve: Callable[..., str]) -> Callable[..., Account]:
    """An account at a bol sandbox of its own. ``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)

    return open_account


@pytest.fixture
def open_shop(serve: Callable[..., str]) -> Callable[..., Shop]:
    """A shop at a Mirakl operator of its own. ``sandbox`` has options of the operator, the rest are the connection's."""

    def open_shop(sandbox: dict[str, Any] | None = None, **given: Any) -> Shop:
        return Shop(serve(mirakl_sandbox(**MIRAKL_AT_ONCE | (sandbox or {}))), **given)

    return open_shop
