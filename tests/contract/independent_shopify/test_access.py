"""What an app may at the independent Shopify: tokens that end, scopes that were given, orders that are too old to be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.returns import RefundLine, ReturnNotice
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_shopify import Json
from tests.support.independent_shopify_sold import draft, fetch, key, line
from tests.support.independent_shopify_store import Shopify
from tests.support.played import Clock, everything, patiently, store_at_shopify

Connect = Callable[..., Any]
LEAST = {"read_products", "read_inventory", "read_locations", "read_fulfillments", "write_orders"}


def test_tokens_of_an_installed_app_end_and_are_renewed(market: Shopify, clock: Clock, product: Json) -> None:
    adapter = discover().platforms["shopify"]
    assert adapter.app is not None
    market.client = ("client", "secret")
    bench = Bench(adapter, market.base)
    given = bench.connection(access_token="", client_id="client", client_secret="secret")
    with bench.http:
        connection = replace(given, clock=clock)
        adapter.app.grant(connection, "header.payload.signature")
        store = adapter.connect(connection)

        def is_read() -> bool:
            return len(store.fetch_products([product["legacyResourceId"]]).products) == 1

        assert is_read()
        first = {*market.tokens}
        clock.ahead += timedelta(hours=2)
        assert is_read()
        assert len({*market.tokens} - first) == 1, "renewed once"
        for token in market.tokens:
            market.tokens[token] = clock()  # taken away before its time
        assert is_read()
        market.refresh.clear()
        for token in market.tokens:
            market.tokens[token] = clock()
        with pytest.raises(Reauthorise):
            is_read()


def test_the_least_scopes_are_enough(market: Shopify, connect: Connect, product: Json) -> None:
    market.scopes = set(LEAST)
    store = connect()
    store.check()
    assert everything(lambda at: store.list_products(None, at))
    assert everything(store.list_variants)
    one, two = product["variants"]
    made = store.create_order(draft("O-1", line("L-1", one, 2, "20.00"), line("L-2", two, 1, "5.00"), shipping="3.99"))
    order = market.tables["Order"][f"gid://shopify/Order/{made.external_id}"]
    market.sent(order, {order["lines"][0]["id"]: 1}, company="PostNL", number="3S1")
    assert [parcel.number for parcel in fetch(store, order).parcels] == ["3S1"]
    back = RefundLine(store_line_id=key(order["lines"][0]), quantity=1)
    store.refund_lines(made.external_id, [back], "back", "ref-1")
    store.add_note(made.external_id, "seen")
    assert {*store.find_orders(["bol-1:O-1"])} == {"bol-1:O-1"}
    assert everything(lambda at: store.list_orders(market.now() - timedelta(hours=1), at))
    other = store.create_order(draft("O-2", line("L-1", two, 1, "5.00")))
    assert patiently(lambda: store.cancel_order(other.external_id, "cancelled")).external_id == other.external_id
    assert store.ensure_webhooks("https://bridge.example/hooks/shop/1", "secret").active


@pytest.mark.parametrize("lacking", sorted(LEAST))
def test_a_scope_that_is_lacking_is_named(market: Shopify, connect: Connect, lacking: str) -> None:
    market.scopes = LEAST - {lacking}
    with pytest.raises(AskMerchant) as caught:
        connect().check()
    assert lacking in caught.value.merchant


def test_an_order_that_is_too_old_to_be_shown(market: Shopify, connect: Connect, clock: Clock, product: Json) -> None:
    store = connect()
    store.check()
    made = store.create_order(draft("O-1", line("L-1", product["variants"][0], 2, "20.00")))
    order = market.tables["Order"][f"gid://shopify/Order/{made.external_id}"]
    market.sent(order, {order["lines"][0]["id"]: 2}, number="3S1")
    clock.ahead += timedelta(days=61)
    assert store.fetch_orders([made.external_id]) == []
    back = RefundLine(store_line_id=key(order["lines"][0]), quantity=1)
    notice = ReturnNotice(
        ref="bol-1:O-1/return/1", store_line_id=back.store_line_id, quantity=1, requested_at=market.now()
    )
    for ask in (
        lambda: store.refund_lines(made.external_id, [back], "back", "ref-1"),
        lambda: store.accept_return(made.external_id, "", back, "back", "ref-2"),
        lambda: store.add_note(made.external_id, "seen"),
        lambda: store.announce_return(made.external_id, notice),
    ):
        with pytest.raises(NotFound) as caught:
            ask()
        assert "read_all_orders" in caught.value.merchant, "what would show it is said"
    market.scopes.add("read_all_orders")
    assert [item.refunded for item in store.refund_lines(made.external_id, [back], "back", "ref-1").lines] == [1]


def test_a_store_that_answers_in_the_version_before(specs_dir: Path, clock: Clock, serve: Callable[..., str]) -> None:
    """As it does for documents of a version that it does not serve (shopify.dev, API versioning)."""
    with store_at_shopify(specs_dir, clock, serve, version="2026-07") as (market, connect):
        store = connect()
        store.check()
        one = market.product("Boot", variants=[{"sku": "A", "stock": 10}])["variants"][0]
        made = store.create_order(draft("O-1", line("L-1", one, 3, "30.00", "5.21"), shipping="3.99"))
        order = market.tables["Order"][f"gid://shopify/Order/{made.external_id}"]
        market.sent(order, {order["lines"][0]["id"]: 3}, company="PostNL", number="3S1")
        notice = ReturnNotice(
            ref="bol-1:O-1/return/1", store_line_id=key(order["lines"][0]), quantity=2, requested_at=market.now()
        )
        kept = store.announce_return(made.external_id, notice)
        back = RefundLine(store_line_id=notice.store_line_id, quantity=2)
        found = store.accept_return(made.external_id, kept.external_id, back, "accepted", notice.ref)
        assert ([item.refunded for item in found.lines], market.given_back(order)) == ([2], Decimal("20.00"))


def test_a_location_that_was_renamed_stops_no_order(
    market: Shopify, connect: Connect, clock: Clock, product: Json
) -> None:
    """How much is there is not known; what is sold, sent and cancelled goes on."""
    store = connect(locations=["place 1"])
    store.check()
    market.places[0]["name"] = "Warehouse"
    clock.ahead += timedelta(hours=1)
    with pytest.raises(AskMerchant):
        store.fetch_products([product["legacyResourceId"]])
    made = store.create_order(draft("O-1", line("L-1", product["variants"][0], 2, "20.00")))
    assert {*store.find_orders(["bol-1:O-1"])} == {"bol-1:O-1"}
    order = market.tables["Order"][f"gid://shopify/Order/{made.external_id}"]
    back = RefundLine(store_line_id=key(order["lines"][0]), quantity=1, cancelled=True)
    assert [item.refunded for item in store.refund_lines(made.external_id, [back], "back", "ref-1").lines] == [1]
    market.sent(order, {order["lines"][0]["id"]: 1}, number="3S1")
    assert len(fetch(store, order).parcels) == 1
