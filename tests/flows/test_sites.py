"""One account on several country sites: a listing on each, with its own offer, stock, price and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, select, update

from bridge.db.tables import Connection, FacetRow, Listing, Problem, Variant
from bridge.domain.money import Money
from bridge.flows import connecting, listing_view, overview, project, pushed
from bridge.flows.forms import FieldErrors, read
from bridge.flows.sites import site_field
from bridge.ports.channel import AccountInfo, PushHint
from bridge.ports.manifest import Polling
from tests.support.demo import DEMO, Demo
from tests.support.world import time_out

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.store.add("A", 5)
    world.store.add("B", 2)
    yield world
    world.close()


def test_a_variant_is_listed_on_every_site_in_its_currency(world: Demo) -> None:
    world.settle(60, step=60)
    assert world.market.shown("A") == {"A1": 5, "B2": 5}
    assert world.listings() == {"A A1": "live", "A B2": "live", "A C3": "blocked",
                                "B A1": "live", "B B2": "live", "B C3": "blocked"}  # fmt: skip
    with world.db.read(1) as session:
        rows = listing_view.explain(session, "A")
        assert [(row["site"], row["published"]) for row in rows] == [("A1", 5), ("B2", 5), ("C3", None)]
        assert "SEK" in rows[2]["why_not"][0]["text"]
    world.market.buy(("A", 2))
    world.store.change("B", price=Money.of("12.00", "EUR"))
    world.settle(330, step=165)
    assert world.market.shown("A") == {"A1": 3, "B2": 3}
    assert {offer.price.text() for offer in world.market.offers.values() if offer.sku == "B"} == {"12.00 EUR"}


def test_removing_a_site_ends_its_listings_and_adding_one_makes_them(world: Demo) -> None:
    world.settle(60, step=60)
    world.use("A1")
    assert world.market.shown("A") == {"A1": 5}
    assert world.listings()["A B2"] == "ended"
    assert [key for operation, key, _ in world.market.writes if operation == "end_offers"] == ["A", "B"]
    world.store.set("A", 4)
    world.settle(120, step=60)
    assert world.market.shown("A") == {"A1": 4}
    world.use("A1", "B2")
    assert world.market.shown("A") == {"A1": 4, "B2": 4}
    assert world.listings()["A B2"] == "live"


def test_what_the_account_sells_on_is_the_default(world: Demo) -> None:
    world.market.account = AccountInfo(name="Toys", sites=("B2",))
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {}, {})
    world.settle(60, step=60)
    assert world.market.shown("A") == {"B2": 5}
    with world.db.read(1) as session:
        row = session.get_one(Connection, DEMO)
        assert world.engine.connection(row).settings["sites"] == ["B2"]
        assert [item["site"] for item in listing_view.explain(session, "A")] == ["NL"]
        shown = next(item for item in overview.connections(session, world.clock()) if item["id"] == DEMO)
        assert shown["sites"] == [{"name": "NL", "listings": 2}]


def test_a_site_removed_while_its_offer_is_being_made_does_not_stay_behind(world: Demo) -> None:
    def removed() -> None:
        with world.db.write(1) as session:
            session.get_one(Connection, DEMO).settings = {"sites": ["A1"]}
        project_all(world)

    world.market.faults.after["create_offers"] = [removed]
    world.settle(120, step=60)
    assert set(world.market.shown("A")) | set(world.market.shown("B")) == {"A1"}
    assert {state for key, state in world.listings().items() if key.endswith("B2")} == {"ended"}


def project_all(world: Demo) -> None:
    def act(session: Any) -> None:
        ids = list(session.scalars(select(Variant.id)))
        now = world.clock()
        project.project(session, project.channel_views(world.engine, session), ids, now, now)

    world.db.transact(1, act)


def test_an_offer_is_found_again_on_its_own_site(world: Demo) -> None:
    world.use("A1", "B2")
    world.market.faults.after["create_offers"] = [time_out()]
    world.settle(120, step=60)
    created = [key for operation, key, _ in world.market.writes if operation == "create_offers"]
    assert sorted(created) == sorted(set(created))
    assert world.market.shown("A") == {"A1": 5, "B2": 5}


def test_drift_is_seen_and_told_by_site(world: Demo) -> None:
    world.use("A1", "B2")
    world.settle(120, step=60)
    for _ in range(4):
        world.market.offers["B2/A"] = world.market.offers["B2/A"].model_copy(update={"stock": 9})
        world.clock.advance(70)
        world.mark("sweep", "poll.offers", "all", connection=DEMO)
        world.drain()
    with world.db.read(1) as session:
        [problem] = session.scalars(select(Problem).where(Problem.kind == "drift"))
        assert problem.subject == "A on Demo \N{EN DASH} Toys NL"
        drifted = session.scalars(select(Listing).where(Listing.drift_count > 0)).all()
        assert [row.site for row in drifted] == ["B2"]
    assert world.market.shown("A")["A1"] == 5


def test_what_shows_late_is_no_drift_while_it_is_young(world: Demo) -> None:
    late = {"polling": {"offers": Polling(every=60, shows_after=3600)}}
    world.market.manifest = world.market.manifest.model_copy(update=late)
    world.engine = world.new_engine()
    world.use("A1")
    world.settle(120, step=60)
    for seconds, shown in ((70, 9), (3600, 5)):
        world.market.offers["A1/A"] = world.market.offers["A1/A"].model_copy(update={"stock": 9})
        world.clock.advance(seconds)
        world.mark("sweep", "poll.offers", "all", connection=DEMO)
        world.drain()
        assert world.market.shown("A") == {"A1": shown}


def test_whether_it_can_be_bought_is_asked_and_told_by_site(world: Demo) -> None:
    world.use("A1", "B2")
    world.settle(120, step=60)
    world.market.stopped["B2/A"] = "No picture."
    _hint(world, "A", "B2")
    assert world.market.asked == ["B2/A"]
    with world.db.read(1) as session:
        [problem] = session.scalars(select(Problem).where(Problem.kind == "not_for_sale"))
        assert problem.subject == "A on Demo \N{EN DASH} Toys NL"
        rows = session.scalars(select(Listing).where(Listing.sku == "A", Listing.state == "live"))
        assert {row.site: row.for_sale for row in rows} == {"A1": True, "B2": False}
    _hint(world, "A", "")
    assert world.market.asked == ["A1/A", "B2/A"]


def _hint(world: Demo, offer_id: str, site: str) -> None:
    """The marketplace tells that something is the matter with an offer."""
    world.mark("sweep", "poll.status", "all", connection=DEMO)
    world.drain()
    world.market.asked.clear()
    world.market.hints = [PushHint(kind="offer", key=offer_id, site=site)]
    pushed.receive(world.engine, "shop", DEMO, [], b"")
    world.drain()
    world.market.asked.sort()


def test_a_chunk_costs_the_same_statements_however_many_variants_and_sites(world: Demo) -> None:
    world.settle(60, step=60)
    seen: list[str] = []
    event.listen(world.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: seen.append(statement))

    def cost() -> int:
        with world.db.write(1) as session:
            session.execute(update(FacetRow).values(desired_hash=""))
        seen.clear()
        project_all(world)
        return len(seen)

    few = cost()
    for number in range(30):
        world.store.add(f"M{number}", 3)
    world.settle(120, step=120)
    assert cost() == few


def test_sites_that_do_not_exist_are_refused_by_name(world: Demo) -> None:
    fields = site_field(world.market.manifest)
    assert (fields[0].kind, tuple(fields[0].choices)) == ("list", ("A1", "B2", "C3"))
    assert read(fields, {"sites": "B2, A1,B2"}) == {"sites": ["B2", "A1"]}
    with pytest.raises(FieldErrors, match="Country sites: XX is not among the choices: A1, B2, C3"):
        read(fields, {"sites": "A1,XX"})
