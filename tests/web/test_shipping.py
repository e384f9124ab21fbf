"""The table of carriers is saved against a real sandbox: tried before it is kept, and not over somebody else's change."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.db.tables import Connection
from bridge.web import create_web
from tests.support.serve import serve
from tests.support.stack import Stack
from tests.web.test_setting_up import Visitor


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as exits:
        stack = Stack(tmp_path, database_url, exits).connect()
        exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
        yield stack


def test_the_table_is_kept_and_taken_back(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"settings/shipping?connection={stack.channel_id}"
    visitor.go(path)
    old = visitor.page
    visitor.send("save_carriers", **{"name.0": "Post NL", "code.0": "TNT", "rest": "OTHER"})
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert (row.settings["carriers"], row.settings["carrier_rest"]) == (["Post NL=TNT"], "OTHER")
    visitor.page = old
    assert "changed by" in visitor.send("save_carriers", **{"name.0": "Post NL", "code.0": "DHL"})
    visitor.go(path)
    visitor.send("save_carriers", **{"code.0": "", "rest": ""})
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert not row.settings.get("carriers")
    assert not row.settings.get("carrier_rest")


def test_the_shipping_methods_are_kept_and_held_against_the_store(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"settings/shipping?connection={stack.channel_id}"
    visitor.go(path)
    first = {"method.0": "Evening", "store_code.0": "flat_rate:3", "store_title.0": "By night", "rest_code": "dpd"}
    visitor.send("save_methods", **first)
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert row.settings["shipping_methods"] == ["Evening=flat_rate:3|By night"]
    assert row.settings["shipping_method_rest"] == "dpd"
    visitor.go(path)
    assert 'value="By night"' in visitor.page.text
    shown = visitor.send("save_methods", **{"store_code.0": "no method", "rest_code": ""})
    assert "in another way" in shown
    assert 'value="no method"' in visitor.page.text
    visitor.go(path)
    visitor.send("save_methods", **{"store_code.0": "", "rest_code": ""})
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert not row.settings.get("shipping_methods")
    assert not row.settings.get("shipping_method_rest")


def test_where_the_reasons_and_terms_were_read_is_for_developers(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"settings/returns?connection={stack.channel_id}"
    page = html.unescape(visitor.go(path))
    manifest = stack.engine.manifest(stack.rows(Connection, Connection.id == stack.channel_id)[0])
    sources = (manifest.cancel_reasons.source, manifest.policies.returns.source)
    assert all(sources)
    assert not [source for source in sources if source in page]
    assert "Read on 26 Nov 2026." in page


def test_the_reasons_of_cancellations_are_kept(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"settings/returns?connection={stack.channel_id}"
    visitor.go(path)
    assert "as usual: OUT_OF_STOCK" in visitor.page.text
    # Of rows below each other only the first shows what its fields are called, and these are each called something else.
    rows = visitor.page.text.split('class="sb-pair"')[1:]
    assert len(rows) > 1
    assert not [row for row in rows if 'name="told.' in row]
    given = {"told.damaged": "UNFINDABLE_ITEM", "word.0": "failed", "means.0": "price_error"}
    visitor.send("save_reasons", **given)
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert row.settings["cancel_reasons"] == ["damaged=UNFINDABLE_ITEM"]
    assert row.settings["store_reasons"] == ["failed=price_error"]
    visitor.go(path)
    shown = visitor.send("save_reasons", **{"told.damaged": "REQUESTED_BY_CUSTOMER"})
    assert "has to be true" in shown


def test_how_parcels_are_told_and_what_orders_are_called(stack: Stack) -> None:
    visitor = Visitor(f"http://127.0.0.1:{stack.port}")
    visitor.go(f"settings/shipping?connection={stack.channel_id}")
    visitor.send("save_shipping", parcels="whole")
    visitor.go(f"settings/orders?connection={stack.channel_id}")
    visitor.send("save_orders", order_label="M-{order}")
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    assert (row.settings["parcels"], row.settings["order_label"]) == ("whole", "M-{order}")
    visitor.go(f"settings/shipping?connection={stack.channel_id}")
    assert '<option value="whole" selected>' in visitor.page.text


def test_how_orders_are_called_is_shown_by_the_last_of_them(stack: Stack) -> None:
    visitor, path = Visitor(f"http://127.0.0.1:{stack.port}"), f"settings/orders?connection={stack.channel_id}"
    visitor.go(path)
    assert "Your last order" not in visitor.text
    stack.bol.create(sku="A-1", stock=3)
    bought = stack.sells("A-1")
    stack.settle(40)
    (row,) = stack.rows(Connection, Connection.id == stack.channel_id)
    visitor.go(path)
    name = f"{row.title} {bought}"
    assert f"Your last order {bought} is “{name}” in the store, paid by “{name}”." in visitor.text
    visitor.send("save_orders", order_label="M-{order}", payment_label="{marketplace}: {name}")
    visitor.go(path)
    assert f"Your last order {bought} is “M-{bought}” in the store, paid by “{row.title}: M-{bought}”." in visitor.text
    assert "60" in visitor.send("save_orders", payment_label="x" * 61) or visitor.page.status_code == 422
