"""One browser for each module of tests; nothing but what a test answers can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_browser(browser: Any) -> Iterator[Callable[..., Any]]:
    """``open_browser(width=..., scripts=...)``: a context of its own, which is closed after the test."""
    opened: list[Any] = []

    def make(width: int = 1280, *, scripts: bool = True) -> Any:
        opened.append(browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts))
        return opened[-1]

    yield make
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def broken_rules() -> Callable[..., list[str]]:
    """``broken_rules(page)``: what axe-core finds wrong by WCAG 2.1 AA, by rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    def run(page: Any, within: str | None = None) -> list[str]:
        found = Axe().run(page, context=within, options=WCAG).response["violations"]
        return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]

    return run
