"""A store and Miinto's sandbox with everything between them over real HTTP: the feed is fetched from our door, a transfer
becomes an order of the store, one that pays too little is asked about, one that is gone is let go."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bridge.db.tables import FeedRow, Order, Problem
from bridge.flows import attend
from bridge.rehearsal.story import Story, begin
from bridge.rehearsal.world import Plan, open_world

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A product of 8 is on show."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_world(Plan("woocommerce", "miinto", patience=120)) as world:
        world.connect_store()
        world.connect_channel()
        story = begin(world, threading.Event())
        world.store.create_product(story.sku, story.gtin, story.title, story.price, story.stock)
        story.until_offered("on show", stock=8, price=story.price, title=story.title)
        yield story


def sell(story: Story, price: float) -> str:
    body = {"lines": [{"sku": story.sku, "quantity": 1, "unit_price": price}], "transfer": True}
    answer = httpx.post(f"{story.world.market_url}/_sandbox/orders", json=body, trust_env=False, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["order_id"])


def rows(story: Story, table: Any) -> list[Any]:
    with story.world.engine.db.read(story.world.shop.id) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def states(story: Story) -> dict[str, tuple[str, str]]:
    return {row.external_id: (row.accept_state, row.store_state) for row in rows(story, Order)}


def until(story: Story, what: str, look: Callable[[], Any]) -> Any:
    return story.until(what, look, lambda: (states(story), story.world.troubles()))


def test_transfers_from_the_feed_to_the_store(story: Story) -> None:
    until(story, "the fetch is noted", lambda: rows(story, FeedRow)[0].fetched_at)
    taken = sell(story, 19.90)
    shop = taken.rpartition("/")[0]
    until(story, "accepted and in the store", lambda: ("", "created") in states(story).values())
    assert states(story) == {taken: ("done", "cancelled"), f"{shop}/500001": ("", "created")}
    story.until_offered("one less", stock=7)
    cheap = sell(story, 10.00)
    until(story, "asked about", lambda: states(story).get(cheap, ("",))[0] == "asked")
    [asked] = [row for row in rows(story, Problem) if row.kind == "acceptance_asked" and row.closed_at is None]
    assert f"{story.sku} is sold below 97 % of your price" in asked.text
    attend.decline_order(story.world.engine, story.world.shop.id, cheap)
    until(story, "declined", lambda: states(story)[cheap] == ("done", "cancelled"))
    gone = sell(story, 10.00)
    until(story, "asked about", lambda: states(story).get(gone, ("",))[0] == "asked")
    place = f"{story.world.market_url}/_sandbox/orders/{gone.rpartition('-')[2]}/withdraw"
    httpx.post(place, json={}, trust_env=False, timeout=30).raise_for_status()
    attend.accept_order(story.world.engine, story.world.shop.id, gone)
    until(story, "let go", lambda: states(story)[gone] == ("done", "cancelled"))
    story.until_offered("nothing is kept back", stock=7)
    open_ones = [row.kind for row in rows(story, Problem) if row.closed_at is None]
    assert open_ones == []
