"""What a marketplace takes of no product is one problem of the account, and nothing of what waits is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from bridge.db.tables import Connection, Listing, Problem, Work
from bridge.domain.money import Money
from bridge.flows import attend, listing_view, standstill
from bridge.flows.connecting import start_work
from bridge.flows.watching import Watching
from bridge.ports.channel import ItemResult, OfferDraft, Outcome
from bridge.ports.errors import AskMerchant, SlowDown
from tests.support.demo import Demo

pytestmark = pytest.mark.both_databases

RIGHT = "Ask the marketplace to give your user this right."


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.settings(sites=["A1"])
    yield world
    world.close()


def problems(world: Demo, kind: str = "") -> list[tuple[str, str, str]]:
    with world.db.read(1) as session:
        rows = session.scalars(select(Problem).where(Problem.closed_at.is_(None)).order_by(Problem.id))
        return [(row.kind, row.subject, row.text) for row in rows if row.kind.startswith(kind)]


def renewed(world: Demo) -> None:
    """The merchant saves the account's settings once more."""
    with world.db.write(1) as session:
        row = session.scalars(select(Connection).where(Connection.role == "channel")).one()
        start_work(session, world.engine, row, world.clock(), fresh=False)


def refused(*_: Any, **__: Any) -> Any:
    raise AskMerchant(f"Market 0: refused. {RIGHT}")


def stock_in(world: Demo, *skus: str) -> None:
    for sku in skus:
        world.store.add(sku, 3)
    world.settle(90, step=30)


def test_offers_that_the_account_may_not_make_are_one_problem(world: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.market, "create_offers", refused)
    stock_in(world, "A", "B", "C")
    [(kind, subject, text)] = problems(world)
    assert (kind, subject) == (standstill.KIND, "connection 2")
    assert text.startswith("3 products wait on Market 0, for a reason that is none of their own: ")
    assert text.endswith(RIGHT)
    with world.db.read(1) as session:
        [row] = listing_view.explain(session, "A")
    assert row["why_not"] == [{"text": f"For every product: Market 0: refused. {RIGHT}", "fix": standstill.FIX}]
    monkeypatch.undo()
    renewed(world)
    world.settle(90, step=30)
    assert (world.listings(), problems(world)) == ({"A A1": "live", "B A1": "live", "C A1": "live"}, [])


def test_they_are_tried_again_by_themselves(world: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.market, "create_offers", refused)
    stock_in(world, "A", "B")
    monkeypatch.undo()
    world.settle(6 * 3600 + 60, step=1800)
    assert set(world.listings().values()) == {"live"}
    Watching(world.engine).look()
    assert problems(world) == []


def test_a_refusal_that_names_a_setting_waits_for_it_and_another_does_not(
    world: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of four are no matter of the product; the fourth is wrong by itself."""
    setting = world.engine.channels["mem0"].manifest.settings[0].name

    def create(drafts: list[OfferDraft]) -> list[ItemResult]:
        no = Outcome.REJECTED
        return [
            ItemResult(key=item.key, outcome=no, message="The price is too high.", field="price")
            if item.sku == "DEAR"
            else ItemResult(key=item.key, outcome=no, message="Choose a location.", field=setting)
            for item in drafts
        ]

    monkeypatch.setattr(world.market, "create_offers", create)
    stock_in(world, "A", "B", "C", "DEAR")
    assert {(kind, subject) for kind, subject, _ in problems(world)} == {
        (standstill.KIND, "connection 2"),
        ("offer_refused", "DEAR on Market 0 A1"),
    }
    assert "3 products wait" in {kind: text for kind, _, text in problems(world)}[standstill.KIND]


def test_changes_that_may_not_be_sent_are_one_problem_and_go_out_later(
    world: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock_in(world, "A", "B", "C")
    monkeypatch.setattr(world.market, "update_stock", refused)
    monkeypatch.setattr(world.market, "update_prices", refused)
    for sku in ("A", "B", "C"):
        world.hint(world.store.change(sku, price=Money.of("11.00", "EUR")))
        world.hint(world.store.set(sku, 2))
    world.settle(90, step=30)
    [(kind, _, text)] = problems(world)
    assert kind == standstill.KIND
    assert text.startswith("3 products wait on Market 0, ")
    monkeypatch.undo()
    renewed(world)
    world.settle(90, step=30)
    assert {offer.sku: (offer.stock, offer.price.amount) for offer in world.market.offers.values()} == {
        sku: (2, Money.of("11.00", "EUR").amount) for sku in ("A", "B", "C")
    }
    Watching(world.engine).look()
    assert problems(world) == []


def test_products_that_may_not_be_read_are_one_problem_of_the_store(
    world: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock_in(world, "A", "B", "C")
    monkeypatch.setattr(world.store, "fetch_products", refused)
    for sku in ("A", "B", "C"):
        world.hint(world.store.set(sku, 2))
    world.settle(60, step=30)
    [(kind, subject, text)] = problems(world, "parked.")
    assert (kind, subject) == ("parked.product.read", "connection 1")
    assert "3 products cannot be read" in text
    monkeypatch.undo()
    with world.db.read(1) as session:
        number = session.scalars(select(Problem.id).where(Problem.closed_at.is_(None))).one()
    attend.retry(world.engine, 1, number)
    world.settle(60, step=30)
    assert problems(world, "parked.") == []
    with world.db.read(1) as session:
        undone = select(Work.id).where(Work.kind == "product.read", Work.dirty_version > Work.done_version)
        assert session.scalars(undone).all() == []
        assert session.scalars(select(Listing.error).where(Listing.error.is_not(None))).all() == []


def test_where_nothing_waits_a_retry_costs_no_look_at_everything(world: Demo) -> None:
    stock_in(world, "A")
    world.market.faults.before["update_stock"] = [SlowDown("not so fast", after=timedelta(seconds=1))]
    asked: list[str] = []

    def hear(_line: Any, _cursor: Any, text: str, *_: object) -> None:
        asked.append(text)

    event.listen(world.db.engine, "before_cursor_execute", hear)
    world.store.set("A", 2)
    world.hint(world.store.by_sku("A").product_id)
    world.settle(90, step=30)
    event.remove(world.db.engine, "before_cursor_execute", hear)
    assert world.market.stock("A") == 2
    assert not any("UNION" in text and "listings.error" in text for text in asked)
