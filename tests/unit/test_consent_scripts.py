"""The script that opens a marketplace's window is the same in both modules, and asks nobody for anything."""

from __future__ import annotations

from tests.support.admins import SCRIPTS


def test_both_modules_have_the_same_script() -> None:
    assert SCRIPTS["wordpress"] == SCRIPTS["magento"]


def test_it_asks_nobody() -> None:
    for word in ("fetch", "XMLHttpRequest", "sendBeacon", "WebSocket", "import", "postMessage"):
        assert word not in SCRIPTS["wordpress"], word
