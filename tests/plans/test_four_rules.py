"""The four rules of the brief: less than 15 euro margin is excluded, the brand stands in front of every title, the UK pays
pounds, five units are kept back. From the plan to what is published, explained, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bridge.db.tables import Document, Listing
from bridge.flows import listing_view, plan
from bridge.flows.documents import Wish, of_connection
from bridge.ports.channel import ItemResult, OfferDraft
from bridge.ports.manifest import Manifest
from tests.plans.test_api import RULES, ecb
from tests.support.stack import Stack
from tests.support.world import CHANNEL_CAPABILITIES, MemoryMarket, World

pytestmark = pytest.mark.timeout(120)
MARKET = {"home": "NL", "prices_include_tax": True}


class Remembering(MemoryMarket):
    """Keeps the drafts it was given."""

    drafts: tuple[OfferDraft, ...] = ()

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        self.drafts = (*self.drafts, *drafts)
        return super().create_offers(drafts)


def wishes(connection_id: int, **kinds: Any) -> list[Wish]:
    return [Wish(subject=of_connection(connection_id), kind=kind, content=content) for kind, content in kinds.items()]


def priced(stack: Stack, sku: str, number: int, price: str, cost: str) -> None:
    brand = [{"name": "Brand", "options": ["Acme"], "visible": True}]
    meta = [{"key": "cost", "value": cost}]
    stack.product(sku, 9, number, regular_price=price, attributes=brand, meta_data=meta)


def test_the_four_rules_from_plan_to_marketplace_and_back(stack: Stack) -> None:
    with stack.engine.db.write(stack.shop.id) as session:
        from bridge.db.tables import Connection

        store = session.get_one(Connection, stack.store_id)
        store.settings = {**store.settings, "cost_fields": ["cost"]}
    priced(stack, "GOOD", 1, "121.00", "60.00")  # 100.00 without VAT: 40.00 margin
    priced(stack, "POOR", 2, "24.20", "10.00")  # 20.00 without VAT: 10.00 margin
    stack.settle(40)
    assert (stack.shown("GOOD"), stack.shown("POOR")) == (9, 9)
    made = plan.make(stack.engine, stack.shop.id, wishes(stack.channel_id, rules=RULES, market=MARKET), "Anna")
    assert {kind: count for kind, count in made["total"].items() if count} == {"changed": 1, "ended": 1}
    examples = {item["sku"]: item for item in made["channels"][0]["examples"]}
    assert examples["POOR"]["why"] == "less than 15 euro margin"
    changes = {item["field"]: (item["old"], item["new"]) for item in examples["GOOD"]["changes"]}
    assert changes["stock"] == (9, 4)
    assert changes["title"] == ("Product GOOD", "Acme Product GOOD")
    change = plan.apply(stack.engine, stack.shop.id, made["id"], "Anna")
    stack.settle(40)
    assert (stack.shown("GOOD"), stack.offer("POOR")) == (4, None)
    with stack.engine.db.read(stack.shop.id) as session:
        [good], [poor] = (listing_view.explain(session, sku) for sku in ("GOOD", "POOR"))
    ways = {step["field"]: listing_view.step_text(step) for facet in good["facets"].values() for step in facet["steps"]}
    assert ways["title"] == "Brand in front: Product GOOD -> Acme Product GOOD"
    assert ways["price"] == "store: 121.00 EUR"
    assert ways["buffer"].startswith("Safety")
    assert good["facets"]["content"]["acked"]["title"] == "Acme Product GOOD"
    assert poor["why_not"][0]["text"] == "Not sold here, by a rule: less than 15 euro margin"
    plan.undo(stack.engine, stack.shop.id, "Anna", number=change["number"])
    stack.settle(60)
    assert (stack.shown("GOOD"), stack.shown("POOR")) == (9, 9)
    assert stack.rows(Document, Document.until.is_(None)) == []
    assert {row.state for row in stack.rows(Listing)} == {"live"}


@pytest.mark.both_databases
def test_the_uk_pays_pounds_at_the_banks_rate_of_the_day(database_url: str, serve: Callable[..., str]) -> None:
    """On a marketplace in memory: none of the sandboxes sells in the UK. The rates come over real HTTP."""
    from bridge.app import Transports
    from bridge.ports.http import HttpServices

    world = World(database_url, markets=1)
    world.markets[0] = market = Remembering(world.clock)
    uk = Manifest(name="memuk", title="UK", kind="channel", countries=("GB",), currency="GBP",
                  capabilities=CHANNEL_CAPABILITIES, concurrency=1)  # fmt: skip
    world.markets[0].manifest = uk
    world.engine = world.new_engine()
    asked = ecb(world.engine, serve)
    services = HttpServices.build(allowed_hosts=[world.engine.rates_url.split("/")[2]], clock=world.clock)
    world.engine.make_transport = Transports(services)
    world.store.add("A", 9, price="10.00")
    world.settle(60)
    assert world.markets[0].offers == {}, "euros cannot be sent to a market in pounds"
    slow = {"name": "Slow", "then": [{"kind": "handling", "days": 3}]}
    made = plan.make(world.engine, 1, wishes(2, rules={"rules": [RULES["rules"][2], slow]}), "Anna")
    assert made["total"]["unblocked"] == 1
    assert asked == ["daily"]
    plan.apply(world.engine, 1, made["id"], "Anna")
    world.settle(120)
    [offer] = world.markets[0].offers.values()
    assert offer.price is not None
    assert offer.price.text() == "8.00 GBP"
    with world.db.read(1) as session:
        [told] = listing_view.explain(session, "A")
    assert [draft.handling_days for draft in market.drafts] == [3]
    world.hint(world.store.change("A", title="Renamed"))
    world.settle(60)
    assert [offer.title for offer in market.offers.values()] == ["Renamed"]
    [store, rule] = told["facets"]["price"]["steps"]
    assert store["after"] == "10.00 EUR"
    assert (rule["by"], rule["after"]) == ("Pounds for the UK", "8.000 GBP")
    assert "European Central Bank" in rule["note"]
    assert asked == ["daily"], "once a day for all"
    world.close()
