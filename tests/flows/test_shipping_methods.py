"""Which of the store's shipping methods an order gets, and the table in which a merchant says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.db.tables import Connection
from bridge.domain.order import ShippingMethod
from bridge.flows import order_view, shipping_methods
from bridge.flows.forms import FieldErrors
from bridge.ports.manifest import Manifest, ShippingMethods
from tests.support.world import World

STORE = Manifest(
    name="s",
    title="S",
    kind="platform",
    capabilities=(),
    shipping_methods=ShippingMethods(code="[a-z_]{1,60}(:[0-9]{1,10})?", help="As it is."),
)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("settings", "told", "code", "title", "why"),
    [
        ({}, "EVENING", "", "", "usual"),
        ({"shipping_methods": ["Evening =flat_rate:3|By night"]}, "EVENING", "flat_rate:3", "By night", "table"),
        ({"shipping_methods": ["a=b=flat_rate"]}, "a=b", "flat_rate", "", "table"),
        ({"shipping_methods": ["EVENING=flat_rate"], "shipping_method_rest": "dpd|DPD"}, "", "dpd", "DPD", "rest"),
        ({"shipping_methods": ["EVENING=flat_rate"]}, "SUNDAY", "", "", "usual"),
    ],
)
def test_the_merchants_table_counts_first(settings: dict[str, Any], told: str, code: str, title: str, why: str) -> None:
    found = shipping_methods.choose(settings, told)
    assert found == {"code": code, "title": title, "why": why, "method": told}


def test_the_table_is_kept_line_by_line() -> None:
    lines = [("Kurier, 24", "flat_rate:3", "A=B|C"), ("", "", ""), ("Left", "", "No code"), (" In  post", "dpd", "")]
    assert shipping_methods.written(STORE, lines) == ["Kurier 24=flat_rate:3|A B C", "In post=dpd"]
    assert shipping_methods.written_rest(STORE, " dpd ", " DPD ") == "dpd|DPD"
    assert shipping_methods.written_rest(STORE, "", "DPD") == ""
    with pytest.raises(FieldErrors) as wrong:
        shipping_methods.written(STORE, [("?", "dpd", ""), ("A", "Ü", ""), ("B", "dpd", ""), ("b ", "dpd", "")])
    assert set(wrong.value.errors) == {"method.0", "store_code.1", "method.3"}
    with pytest.raises(FieldErrors):
        shipping_methods.written_rest(STORE, "a,b", "")


@pytest.mark.both_databases
def test_an_order_carries_what_was_chosen_when_it_was_created(world: World) -> None:
    world.store.add("A", 9)
    world.settle(60, step=60)
    market = world.markets[0]

    def buy(told: str) -> str:
        key = market.buy(("A", 1))
        market.orders[key] = market.orders[key].model_copy(update={"shipping_method": told})
        world.settle(400)
        return key

    def choose(**settings: Any) -> None:
        def act(session: Any) -> None:
            row = session.get_one(Connection, 2)
            row.settings = {**row.settings, **settings}

        world.db.transact(1, act)

    plain = buy("Evening")
    choose(shipping_methods=["evening=dpd|DPD"], shipping_method_rest="flat_rate")
    mapped, other = buy("Evening"), buy("Sunday")
    choose(shipping_methods=[], shipping_method_rest="")
    drafts = {draft.external_id: draft for draft in world.store.drafts.values()}
    assert drafts[plain].shipping_method is None
    assert drafts[mapped].shipping_method == ShippingMethod(code="dpd", title="DPD")
    assert drafts[other].shipping_method == ShippingMethod(code="flat_rate")
    assert {draft.total.text() for draft in drafts.values()} == {"10.00 EUR"}
    with world.db.read(1) as session:
        row = session.get_one(Connection, 2)
        seen = shipping_methods.lines(session, row)
        ids = order_view.ids_of(session, [f"mem0:{key}" for key in (plain, mapped, other)])
        shown = [order_view.order(session, ids[f"mem0:{key}"]) for key in (plain, mapped, other)]
    assert [(line.name, line.seen) for line in seen] == [("Evening", 2), ("Sunday", 1)]
    why = [(order["store_method"]["why"], order["store_method"]["code"]) for order in shown if order]
    assert why == [("usual", ""), ("table", "dpd"), ("rest", "flat_rate")]
    assert [order["shipping_method"] for order in shown if order] == ["Evening", "Evening", "Sunday"]
