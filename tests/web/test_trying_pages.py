"""Who may ask a store for a test event, on its account's page and under Diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.db.tables import Connection
from bridge.flows import trying
from tests.support import desks
from tests.support.lively import Lively

ASK = "Send a test event"


@pytest.fixture
def lively(tmp_path: Path) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path / 'storebridge.db'}")
    yield lively
    lively.close()


@pytest.mark.parametrize("page", ["accounts", "settings/diagnostics"])
def test_who_may_only_look_and_other_shops_ask_for_none(lively: Lively, page: str) -> None:
    inside = desks.Inside(lively)
    path = f"accounts/{inside.connection}" if page == "accounts" else page
    looked = inside.answer(desks.asked("wordpress", "GET", path, {}, {}, ["view"]))
    assert "Test event" in looked["html"]
    assert ASK not in looked["html"]
    refused = inside.answer(desks.asked("wordpress", "POST", path, {}, {"do": "send_test"}, ["view", "customers"]))
    assert refused["status"] == 403
    browser = lively.browser()
    assert browser.post(f"s/other/{path}", "send_test").status_code == 404
    assert browser.post(path, "send_test", token="forged").status_code == 403
    assert lively.read(Connection)[0].info.get(trying.LAST) is None
    if page == "accounts":
        assert "is no store" in browser.post("accounts/2", "send_test").text
    assert browser.post(path, "send_test").status_code == 303
    assert lively.read(Connection)[0].info[trying.LAST]["by"]
