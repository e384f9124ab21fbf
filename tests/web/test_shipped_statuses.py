"""Which of the store's statuses mean that an order has left: offered as the store has them, chosen on the page of its
account, and then told to the marketplace; against a real sandbox store and a real sandbox marketplace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.db.tables import Connection, Journal, Order
from bridge.web import create_web
from platform_adapters.woocommerce.sandbox import create_sandbox as create_store
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.support.woocommerce import Store
from tests.web.test_setting_up import Visitor


class Plugged(Stack):
    """A plugin of the store has added two statuses."""

    def _open_store(self, exits: ExitStack) -> Any:
        options = {"statuses": {"shipped": "Versendet", "picked": "Kommissioniert"}}
        return Store(exits.enter_context(serve(create_store(None, delay=0.05, **options))))


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as exits:
        stack = Plugged(tmp_path, database_url, exits).connect()
        exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
        yield stack


def test_what_is_chosen_there_confirms_the_shipment(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"accounts/{stack.store_id}"
    visitor.go(path)
    for name in ("Completed", "Versendet", "Kommissioniert"):
        assert name in visitor.text
    assert "Processing" not in visitor.text, "a new order would have left"
    stack.bol.create(sku="SB-1", stock=3)
    stack.product("SB-1", 5)
    bought = stack.sells("SB-1")
    stack.settle(60)
    [order] = stack.orders_of(bought)
    stack.store.control("ship", order=order["id"], tracking="3SOWN1", carrier="PostNL", source="meta", complete=False)
    stack.store.put(f"orders/{order['id']}", {"status": "shipped"})
    stack.settle(60)
    assert stack.bol_order(bought)["shipments"] == [], "not yet: it has a status that means nothing here"
    visitor.go(path)
    visitor.send("save_own", shipped_statuses="shipped")
    (row,) = stack.rows(Connection, Connection.id == stack.store_id)
    assert row.settings["shipped_statuses"] == ["shipped"]
    told = stack.rows(Journal, Journal.text.like("%shipped_statuses%"))
    assert [bool(line.author) for line in told] == [True]
    stack.store.put(f"orders/{order['id']}", {"customer_note": "now"})
    stack.settle(120)
    assert [item["tracking"] for item in stack.bol_order(bought)["shipments"]] == ["3SOWN1"]
    (known,) = stack.rows(Order)
    assert known.confirmed_at is not None
