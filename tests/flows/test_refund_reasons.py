"""Why something was refunded in the store, as the marketplace is told it; and the tables in which a merchant says so."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Journal
from bridge.domain.returns import RefundLine, RefundReason
from bridge.flows import refund_reasons
from bridge.flows.forms import FieldErrors
from bridge.ports.manifest import RefundReasons
from tests.support import desks
from tests.support.demo import DEMO, Demo
from tests.support.lively import Lively

THEIRS = RefundReasons(
    codes={"BACK": "sent back", "BAD": "not as described", "ELSE": "another reason"},
    tells={**dict.fromkeys(RefundReason, "ELSE"), RefundReason.RETURNED: "BACK", RefundReason.DAMAGED: "BAD"},
    source="the test",
)


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    world.market.manifest = world.market.manifest.model_copy(update={"refund_reasons": THEIRS})
    world.engine = world.new_engine()
    world.store.add("A", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def choose(world: Demo, **settings: Any) -> None:
    with world.db.write(1) as session:
        row = session.get_one(Connection, DEMO)
        row.settings = {**row.settings, **settings}


def refunded(world: Demo, reason: str) -> tuple[RefundReason, str]:
    """What the marketplace was told of a refund in the store with this text."""
    world.markets[0].buy(("A", 1))
    world.clock.advance(330)
    world.settle(30)
    store_id = list(world.store.orders)[-1]
    world.store.ship(store_id, f"3S{store_id}")
    world.hint_order(store_id)
    world.settle(90, step=30)
    line = world.store.orders[store_id].lines[0].external_id
    part = RefundLine(store_line_id=line, quantity=1, restock=False)
    world.store.refund_lines(store_id, [part], reason, f"by hand {store_id}")
    world.hint_order(store_id)
    world.settle(90, step=45)
    told = list(world.market.refunds.values())[-1]
    return told.reason, told.code


def test_without_a_table_it_is_another_reason(world: Demo) -> None:
    assert refunded(world, "Broken in the box") == (RefundReason.OTHER, "")


@pytest.mark.both_databases
def test_the_stores_words_and_the_marketplaces_codes_are_the_merchants(world: Demo) -> None:
    words = ["broken=damaged", "broken promise=goodwill", "late=not_received"]
    choose(
        world, refund_words=words, refund_reasons=["damaged=BAD", "not_received=BAD"], store_refund_reason="goodwill"
    )
    assert refunded(world, "It was BROKEN in the box") == (RefundReason.DAMAGED, "BAD")
    assert refunded(world, "A broken promise") == (RefundReason.GOODWILL, "")
    assert refunded(world, "") == (RefundReason.GOODWILL, "")


def test_the_tables_are_kept_line_by_line() -> None:
    words = [("Broken,  box", "damaged"), ("", ""), ("Late", "no reason of ours")]
    assert refund_reasons.written_words(words) == ["Broken box=damaged"]
    assert refund_reasons.written(THEIRS.codes, {"damaged": "BAD", "other": ""}) == ["damaged=BAD"]
    with pytest.raises(FieldErrors) as wrong:
        refund_reasons.written(THEIRS.codes, {"damaged": "NONE"})
    assert set(wrong.value.errors) == {"refund.damaged"}
    with pytest.raises(FieldErrors) as twice:
        refund_reasons.written_words([("Late", "other"), ("late!", "other")])
    assert set(twice.value.errors) == {"refund_word.1"}


def test_they_are_shown_saved_and_on_record(world: Demo) -> None:
    browser, path = world.browser(), f"settings/returns?connection={DEMO}"
    page = browser.get(path).text
    assert "as usual: BAD" in page
    version = re.search(r'name="version_refunds" value="([^"]*)"', page)
    assert version is not None
    form = {"connection": DEMO, "version_refunds": version[1], "refund.goodwill": "BACK", "rest": "goodwill",
            "refund_word.0": "Broken", "refund_means.0": "damaged"}  # fmt: skip
    wrong = browser.post("settings/returns", "save_refunds", **{**form, "refund.other": "NONE"})
    assert (wrong.status_code, "Choose one of the reasons that are offered." in wrong.text) == (422, True)
    assert browser.post("settings/returns", "save_refunds", **form).status_code == 303
    with world.db.read(1) as session:
        kept = session.get_one(Connection, DEMO).settings
        told = session.scalars(select(Journal).where(Journal.text.like("%refund_reasons%"))).all()
    assert (kept["refund_reasons"], kept["refund_words"]) == (["goodwill=BACK"], ["Broken=damaged"])
    assert kept["store_refund_reason"] == "goodwill"
    assert [bool(row.author) for row in told] == [True]
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", browser.get(path).text)).split())
    assert "“Broken” in your refund means: damaged or defective." in shown
    stale = browser.post("settings/returns", "save_refunds", **form)
    assert (stale.status_code, "changed by" in stale.text) == (422, True)


def test_whoever_may_only_look_changes_nothing(tmp_path: Path) -> None:
    lively = Lively(f"sqlite:///{tmp_path / 'storebridge.db'}")
    form = {"do": "save_refunds", "connection": "2", "rest": "goodwill"}
    content = desks.asked("wordpress", "POST", "settings/returns", {}, form, ["view", "customers"])
    assert desks.Inside(lively).answer(content)["status"] == 403
    assert refund_reasons.REST not in lively.read(Connection, Connection.id == 2)[0].settings
    lively.close()
