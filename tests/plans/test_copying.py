"""An attribute mapping copied to another marketplace, or from one category to others of the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.db.tables import RequirementRow
from bridge.domain.requirement import AttributeRequirement, Category, CategoryRequirements
from bridge.flows import copying, documents, needs, plan
from bridge.flows.documents import Wish, of_connection
from bridge.ports.errors import AskMerchant
from bridge.web import create_web
from tests.support.lively import HOST, Browser, config
from tests.support.world import World

ONE, OTHER = 2, 3
COLOUR = {"kind": "attribute", "name": "Farbe"}
MUGS = ["Kitchen", "Mugs"]
MAPPING: dict[str, Any] = {
    "sections": [
        {"attributes": {"Colour": COLOUR, "Rare": {"kind": "constant", "value": "x"}}},
        {"path": MUGS, "attributes": {"Handle": {"kind": "custom", "name": "handle"}}},
    ]
}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Two marketplaces; the other calls the colour by another id, and knows nothing of what is rare."""
    world = World(database_url, markets=2)
    world.store.add("A", 5)
    world.settle(60, step=60)
    attributes = tuple(AttributeRequirement(id=key, name=name) for key, name in (("c1", "Colour"), ("h1", "Grip")))
    asked = CategoryRequirements(category=None, version="1", attributes=attributes)
    with world.db.write(1) as session:
        now = world.clock()
        session.add(
            RequirementRow(
                connection_id=OTHER, category="", version="1", content=asked.as_json(), fetched_at=now, changed_at=now
            )
        )
        tree = [
            Category(id=str(n), path=tuple(path), leaf=n > 1)
            for n, path in enumerate((["Kitchen"], MUGS, [*MUGS, "Big"], [*MUGS, "Small"]))
        ]
        needs.keep_tree(session, ONE, [item.as_json() for item in tree], now)
    applied(world, ONE, MAPPING)
    yield world
    world.close()


def applied(world: World, connection: int, content: dict[str, Any] | Wish) -> None:
    wish = (
        content
        if isinstance(content, Wish)
        else Wish(subject=of_connection(connection), kind=copying.KIND, content=content)
    )
    made = plan.make(world.engine, 1, [wish], "Anna")
    plan.apply(world.engine, 1, made["id"], "Anna", confirm=True)


def mapped(world: World, connection: int) -> dict[str, Any]:
    """Attributes by path."""
    with world.db.read(1) as session:
        row = documents.read(session, of_connection(connection), copying.KIND)
    sections = row.content["sections"] if row else []
    return {" > ".join(section.get("path", ())): section.get("attributes", {}) for section in sections}


def test_to_another_marketplace_by_id_name_or_the_merchants_word(world: World) -> None:
    with world.db.read(1) as session:
        done = copying.to_connection(session, ONE, OTHER, {"Handle": "h1"})
    assert done.left_out == ("Rare",)
    applied(world, OTHER, done.wish)
    assert mapped(world, OTHER)[""] == {"c1": COLOUR}
    assert list(mapped(world, OTHER)["Kitchen > Mugs"]) == ["h1"]
    assert sorted(mapped(world, ONE)[""]) == ["Colour", "Rare"], "what it was copied from stays as it was"


def test_what_the_other_maps_itself_stays_unless_it_is_replaced(world: World) -> None:
    own = {"kind": "custom", "name": "their_colour"}
    applied(world, OTHER, {"sections": [{"attributes": {"c1": own, "h1": own}}]})
    with world.db.read(1) as session:
        kept = copying.to_connection(session, ONE, OTHER)
        replaced = copying.to_connection(session, ONE, OTHER, replace=True)
    applied(world, OTHER, kept.wish)
    assert mapped(world, OTHER)[""] == {"c1": own, "h1": own}
    applied(world, OTHER, replaced.wish)
    assert mapped(world, OTHER)[""] == {"c1": COLOUR}


def test_to_the_children_of_a_category_or_to_those_named(world: World) -> None:
    with world.db.read(1) as session:
        done = copying.to_categories(session, ONE, MUGS)
        named = copying.to_categories(session, ONE, MUGS, [["Garden"]])
    applied(world, ONE, done.wish)
    assert sorted(mapped(world, ONE)["Kitchen > Mugs > Big"]) == ["Colour", "Handle", "Rare"]
    assert sorted(mapped(world, ONE)) == ["", "Kitchen > Mugs", "Kitchen > Mugs > Big", "Kitchen > Mugs > Small"]
    assert [section["path"] for section in (named.wish.content or {})["sections"]] == [[], ["Garden"], MUGS]


def test_what_cannot_be_copied_is_said(world: World) -> None:
    with world.db.read(1) as session:
        for source, target, text in ((OTHER, ONE, "no attribute mapping"), (ONE, ONE, "another marketplace")):
            with pytest.raises(AskMerchant, match=text):
                copying.to_connection(session, source, target)
        with pytest.raises(AskMerchant, match="No category below Garden"):
            copying.to_categories(session, ONE, ["Garden"])
    applied(world, OTHER, {"sections": [{"attributes": {"c1": COLOUR}}]})
    with world.db.read(1) as session, pytest.raises(AskMerchant, match="not known yet"):
        copying.to_connection(session, OTHER, ONE)


def test_by_the_api(world: World) -> None:
    browser = Browser(create_web(world.engine, config()))
    token = browser.client.get("/api/token", base_url=HOST).json["token"]

    def copy(connection: int, **body: Any) -> Any:
        headers = {"X-Csrf-Token": token, "Origin": HOST}
        return browser.client.post(
            f"/api/connections/{connection}/mapping/copy", base_url=HOST, json=body, headers=headers
        )

    made = copy(OTHER, **{"from": ONE, "as": {"Rare": "h1"}, "note": "as at the other"})
    assert (made.status_code, made.json["left_out"]) == (201, ["Handle"])
    assert made.json["note"] == "as at the other"
    assert copy(ONE, category=MUGS, into=[["Garden"]]).status_code == 201
    for body in ({}, {"from": ONE, "category": MUGS}, {"from": ONE, "as": ["c1"]}, {"category": MUGS, "into": ["x"]}):
        assert copy(OTHER, **body).status_code == 422, body
    assert copy(OTHER, **{"from": 99}).status_code == 404
