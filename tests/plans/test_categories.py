"""Categories suggested, looked at, accepted and published; requirements that change and what they break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bridge.db.tables import FacetRow, Listing, Problem, RequirementRow
from bridge.domain.requirement import AttributeRequirement, Category, CategoryRequirements, Need
from bridge.flows import needs, plan, sorting
from bridge.flows.documents import Wish, of_connection
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.manifest import Capability, Manifest
from tests.support.world import CHANNEL_CAPABILITIES, MemoryMarket, World

MORE = (Capability.CATEGORIES, Capability.REQUIREMENTS)
TREE = [
    Category(id="1", path=("Home",), leaf=False),
    Category(id="11", parent="1", path=("Home", "Mugs"), leaf=True),
    Category(id="12", parent="1", path=("Home", "Lamps"), leaf=True),
    Category(id="2", path=("Garden",), leaf=False),
    Category(id="21", parent="2", path=("Garden", "Chairs"), leaf=True),
]


class SortedMarket(MemoryMarket):
    """A marketplace with a tree, and with attributes that it asks of mugs."""

    asks: Sequence[AttributeRequirement] = ()
    without: frozenset[str] = frozenset()

    def list_categories(self) -> Iterator[Category]:
        yield from TREE

    def requirements(self, category: str | None) -> CategoryRequirements:
        if category in self.without:
            raise NotFound("no such category")
        asked = self.asks if category == "11" else ()
        return CategoryRequirements(category=category, version=str(len(asked)), attributes=tuple(asked))


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    manifest = Manifest(
        name="sorted", title="Sorted", kind="channel", capabilities=(*CHANNEL_CAPABILITIES, *MORE), concurrency=1
    )
    world.markets[0] = SortedMarket(world.clock, manifest)
    world.engine = world.new_engine()
    for sku, path in (("MUG", ("Kitchen", "Mugs")), ("CUP", ("Kitchen", "Mugs", "Cups")), ("LAMP", ("Lamps",))):
        key = world.store.add(sku, 5)
        product = world.store.products[key]
        world.store.products[key] = product.model_copy(update={"categories": (path[-1],), "category_paths": (path,)})
    world.settle(120)
    yield world
    world.close()


def rows(world: World, table: Any, *where: Any) -> list[Any]:
    from sqlalchemy import select

    with world.db.read(1) as session:
        return list(session.scalars(select(table).where(*where).order_by(table.id)))


def accept(world: World, ids: Any = None, above: Any = None) -> dict[str, Any]:
    with world.db.read(1) as session:
        wish = sorting.accepted(session, 2, ids, above)
    return plan.make(world.engine, 1, [wish], "Anna")


def categories(world: World) -> dict[str, str | None]:
    facets = {row.listing_id: row.desired["category"] for row in rows(world, FacetRow, FacetRow.facet == "content")}
    return {row.sku: facets[row.id] for row in rows(world, Listing)}


def test_categories_are_suggested_accepted_and_inherited(world: World) -> None:
    shown = sorting.suggest(world.engine, 1, 2)
    first = {row["path"]: row for row in shown if row["place"] == 0}
    assert first["Kitchen > Mugs"]["target"] == "11"
    assert first["Kitchen > Mugs"]["reason"]
    assert set(categories(world).values()) == {None}, "nothing is mapped by itself"
    with pytest.raises(FieldErrors, match="no suggestion 9999"):
        accept(world, ids=[9999])
    for wrong in (-1, 2, "x", True):
        with pytest.raises(FieldErrors):
            accept(world, above=wrong)
    with pytest.raises(AskMerchant, match="No suggestion is meant"):
        accept(world, above=1)
    made = accept(world, ids=[first["Kitchen > Mugs"]["id"]])
    assert made["channels"][0]["fields"] == {"category": 2}, "the cups inherit from the mugs"
    plan.apply(world.engine, 1, made["id"], "Anna")
    world.settle(60)
    assert categories(world) == {"MUG": "11", "CUP": "11", "LAMP": None}
    overrides = Wish(subject=of_connection(2), kind="category_overrides", content={"products": {"2": "21"}})
    made = plan.make(world.engine, 1, [overrides], "Anna")
    plan.apply(world.engine, 1, made["id"], "Anna")
    world.settle(60)
    assert categories(world) == {"MUG": "11", "CUP": "21", "LAMP": None}
    left = {row["path"] for row in sorting.suggest(world.engine, 1, 2)}
    assert left <= {"Lamps"}, "what is mapped is not asked about again"


@pytest.mark.both_databases
def test_what_a_marketplace_asks_is_remembered_and_what_breaks_is_named(world: World) -> None:
    market = world.markets[0]
    assert isinstance(market, SortedMarket)
    mapping = Wish(
        subject=of_connection(2), kind="category_mapping", content={"entries": {"Kitchen": "11", "Lamps": "12"}}
    )
    plan.apply(world.engine, 1, plan.make(world.engine, 1, [mapping], "Anna")["id"], "Anna")
    world.settle(60)
    world.mark("sweep", "poll.requirements", "all", connection=2)
    world.drain()
    assert [(row.category, row.version) for row in rows(world, RequirementRow)] == [("", "0"), ("11", "0"), ("12", "0")]
    assert rows(world, Problem) == []
    market.asks = (AttributeRequirement(id="Material", name="Material", need=Need.REQUIRED),)
    world.mark("sweep", "poll.requirements", "all", connection=2)
    world.drain()
    [problem] = rows(world, Problem, Problem.kind == needs.KIND)
    assert "changed what it asks of category 11, and 2 listings are no longer right" in problem.text
    assert "Material" in problem.text
    assert problem.detail == "CUP, MUG"
    found = {row.sku: [item["rule"] for item in row.findings] for row in rows(world, Listing)}
    assert found["LAMP"] == []
    assert found["MUG"] != []
    market.without = frozenset({"12"})
    world.mark("sweep", "poll.requirements", "all", connection=2)
    world.drain()
    assert [row.kind for row in rows(world, Problem) if row.kind == "category_gone"] == ["category_gone"]
