"""A sale of something that is no product of the store: what becomes of its order is chosen on the page, and the order
then goes all its way, against a real sandbox store and a real sandbox marketplace."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.db.tables import Connection, Journal, Order
from bridge.ports.manifest import Feature
from bridge.web import create_web
from tests.support import desks
from tests.support.lively import Lively
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.web.test_setting_up import Visitor

REASON = "It knows products alone."


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as exits:
        stack = Stack(tmp_path, database_url, exits).connect()
        exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
        yield stack


@pytest.mark.both_databases
def test_chosen_on_the_page_the_order_goes_all_its_way(stack: Stack) -> None:
    visitor = Visitor(f"http://127.0.0.1:{stack.port}")
    visitor.go(f"settings/orders?connection={stack.channel_id}")
    visitor.send("save_orders", unmatched="create")
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert row.settings["unmatched"] == "create"
    told = stack.rows(Journal, Journal.text.like("%unmatched%"))
    assert [bool(line.author) for line in told] == [True]

    stack.bol.create(sku="UNHEARD-OF", stock=3)  # offered by other means than ours
    bought = stack.sells("UNHEARD-OF", 2)
    stack.settle(60)
    [order] = stack.orders_of(bought)
    [line] = order["line_items"]
    (known,) = stack.rows(Order)
    assert (line["product_id"], line["quantity"], order["total"]) == (0, 2, "20.00")
    visitor.go(f"orders/{known.id}")
    assert "with lines that are no product there" in visitor.text
    assert "No product there" in visitor.text
    stack.ships(order, "3SFREE1")
    stack.settle(120)
    assert stack.bol_order(bought)["lines"][0]["shipped"] == 2


@pytest.fixture
def lively(tmp_path: Path) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path / 'storebridge.db'}")
    yield lively
    lively.close()


def text(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_where_the_store_has_no_such_lines_the_page_says_why(lively: Lively) -> None:
    world = lively.world
    world.store.manifest = world.store.manifest.model_copy(update={"cannot": {Feature.FREE_LINES: REASON}})
    lively.engine = world.engine = world.new_engine()
    browser, path = lively.browser(), "settings/orders?connection=2"
    page = browser.get(path)
    assert re.search(r'<select [^>]*name="unmatched" disabled="disabled"', page.text)
    assert f"Not with your store: {REASON}" in text(page)
    version = re.search(r'name="version_orders" value="([^"]*)"', page.text)
    assert version is not None
    refused = browser.post(
        "settings/orders", "save_orders", connection=2, version_orders=version[1], unmatched="create"
    )
    assert (refused.status_code, REASON in text(refused)) == (422, True)
    assert "unmatched" not in lively.read(Connection, Connection.id == 2)[0].settings
    account = text(browser.get("accounts/1"))
    assert f"Order lines without a product {REASON}" in account


def test_whoever_may_only_look_changes_nothing(lively: Lively) -> None:
    form = {"connection": "2", "unmatched": "create", "do": "save_orders"}
    content = desks.asked("wordpress", "POST", "settings/orders", {}, form, ["view", "customers"])
    assert desks.Inside(lively).answer(content)["status"] == 403
    assert "unmatched" not in lively.read(Connection, Connection.id == 2)[0].settings
