"""A store that keeps its prices without VAT and tells no rates: nobody's prices go out so without being asked."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Problem
from bridge.flows import plan, vat_asked
from bridge.flows.documents import Wish, of_connection
from bridge.flows.watching import Watching
from bridge.ports.manifest import FormField
from tests.support.world import World

pytestmark = [pytest.mark.timeout(120), pytest.mark.both_databases]


def asked(world: World) -> list[str]:
    Watching(world.engine).look()
    with world.db.read(1) as session:
        query = select(Problem).where(Problem.kind == vat_asked.KIND, Problem.closed_at.is_(None))
        return [row.subject for row in session.scalars(query.order_by(Problem.id))]


def test_it_is_asked_for_each_marketplace_until_it_is_answered(database_url: str) -> None:
    world = World(database_url, markets=2)
    with world.db.write(1) as session:
        store = session.get_one(Connection, 1)
        store.info = {**store.info, "prices_include_tax": False}
    assert asked(world) == [], "this store tells what a shopper pays"
    percent = FormField(name=vat_asked.SETTING, label="VAT on top", kind="text", required=False)
    world.store.manifest = world.store.manifest.model_copy(update={"settings": (percent,)})
    world.engine = world.new_engine()
    assert asked(world) == ["VAT on Market 0", "VAT on Market 1"]
    wish = Wish(subject=of_connection(2), kind="market", content={"prices_include_tax": False})
    plan.apply(world.engine, 1, plan.make(world.engine, 1, [wish], "Anna")["id"], "Anna", confirm=True)
    assert asked(world) == ["VAT on Market 1"]
    with world.db.write(1) as session:
        store = session.get_one(Connection, 1)
        store.settings = {**store.settings, vat_asked.SETTING: "21"}
    assert asked(world) == [], "the store's own percentage is an answer for all"
    world.close()
