"""Setting up: a new marketplace rests until it goes live, its offers are matched, and five steps are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.db.tables import Connection
from bridge.flows import account_settings, admin, excluding, matching, preview, pricing_preset, setup
from bridge.ports.errors import AskMerchant, NotFound
from tests.support.stack import Stack


class Held(Stack):
    """Its marketplace is connected as the page does it, and not live yet."""

    def connect_held(self) -> int:
        store = admin.sandbox_place(self.engine.platforms["woocommerce"], self.store.url)
        market = admin.sandbox_place(self.engine.channels["bol"], str(self.bol.http.base_url))
        admin.connect(self.engine, self.shop.id, "platform", "woocommerce", None, store[0], {}, store[1])
        asked = admin.Given("", market[0], {}, market[1], admin.Manner(held=True, author="Anna"))
        done = admin.attach(self.engine, self.shop.id, "channel", "bol", asked)
        return done.id

    def progress(self) -> setup.Progress:
        with self.engine.db.read(self.shop.id) as session:
            return setup.progress(session, self.shop.id)


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Held]:
    with ExitStack() as exits:
        yield Held(tmp_path, database_url, exits)


def test_steps_come_in_their_order(stack: Held) -> None:
    assert stack.progress().next == "welcome"
    assert stack.progress().shown
    with pytest.raises(AskMerchant, match="store first"):
        setup.say_done(stack.engine, stack.shop.id, "welcome", "Anna")
    number = stack.connect_held()
    with pytest.raises(AskMerchant, match="step 1 first"):
        setup.go_live(stack.engine, stack.shop.id, number, ("stock",), "Anna")
    setup.say_done(stack.engine, stack.shop.id, "welcome", "Anna")
    setup.say_done(stack.engine, stack.shop.id, "match", "Anna")
    assert stack.progress().done == ("welcome", "connect", "match")
    stack.restart()
    assert stack.progress().next == "rules", "kept with the shop"
    setup.dismiss(stack.engine, stack.shop.id)
    assert not stack.progress().shown
    with pytest.raises(NotFound), stack.engine.db.read(stack.shop.id) as session:
        setup.progress(session, stack.shop.id, 999)


@pytest.mark.both_databases
def test_a_preview_says_what_would_be_sent(stack: Held) -> None:
    for sku, units in (("A", 5), ("B", 9)):
        stack.product(sku, units, regular_price="20.00")
    number = stack.connect_held()
    stack.settle(40)
    preset = pricing_preset.Preset.model_validate({"markup": "10", "plus": "1", "ending": "0.99"})
    with stack.engine.db.read(stack.shop.id) as session:
        wishes = [pricing_preset.wish(session, number, preset, "EUR"), excluding.wish(session, number, ["B"])]
        plain = {row["sku"]: row for row in preview.preview(stack.engine, session, number)}
        priced = {row["sku"]: row for row in preview.preview(stack.engine, session, number, wishes[:1])}
        left_out = {row["sku"]: row for row in preview.preview(stack.engine, session, number, wishes[1:])}
    assert (plain["A"]["quantity"], plain["A"]["price"]) == (5, {"amount": "20.00", "currency": "EUR"})
    assert priced["A"]["price"] == {"amount": "22.99", "currency": "EUR"}
    assert "excluded by hand" in left_out["B"]["why_not"]
    assert left_out["A"]["why_not"] == ""


@pytest.mark.both_databases
def test_products_are_excluded_and_taken_in_again(stack: Held) -> None:
    stack.product("A", 5)
    stack.product("B", 9)
    number = stack.connect_held()
    stack.settle(40)
    excluding.exclude(stack.engine, stack.shop.id, number, ["A"], [], "Anna")
    with stack.engine.db.read(stack.shop.id) as session:
        assert excluding.excluded(session, number) == ("A",)
        found = matching.shown(session, session.get_one(Connection, number))
    assert (found["ready"], found["excluded"]) == (1, 1), "at once, for the page that follows"
    with pytest.raises(AskMerchant, match="no product with SKU nothing"):
        excluding.exclude(stack.engine, stack.shop.id, number, ["nothing"], [], "Anna")
    excluding.exclude(stack.engine, stack.shop.id, number, [], ["a"], "Anna")
    with stack.engine.db.read(stack.shop.id) as session:
        assert excluding.excluded(session, number) == ()
        found = matching.shown(session, session.get_one(Connection, number))
    assert (found["ready"], found["excluded"]) == (2, 0)


def test_settings_are_saved_whole_and_not_over_anothers(stack: Held) -> None:
    number = stack.connect_held()
    row = admin.get(stack.engine, stack.shop.id, number)
    seen, since = account_settings.version(row), row.settings["import_from"]
    admin.pause(stack.engine, stack.shop.id, number)
    given = {"acceptance": "ask"}
    account_settings.edit(stack.engine, stack.shop.id, number, account_settings.ORDERS, given, seen, "Anna")
    row = admin.get(stack.engine, stack.shop.id, number)
    assert (row.settings["acceptance"], row.settings["import_from"], row.state) == ("ask", since, "paused")
    with pytest.raises(AskMerchant, match="changed by Anna meanwhile"):
        account_settings.edit(stack.engine, stack.shop.id, number, account_settings.ORDERS, {}, seen, "Ben")
    account_settings.edit(
        stack.engine, stack.shop.id, number, account_settings.ORDERS, {}, account_settings.version(row), "Ben"
    )
    assert "acceptance" not in admin.get(stack.engine, stack.shop.id, number).settings


def test_a_setting_that_an_adapter_has_no_more_stands_in_nobodys_way(stack: Held) -> None:
    number = stack.connect_held()
    with stack.engine.db.write(stack.shop.id) as session:
        row = session.get_one(Connection, number)
        row.settings = {**row.settings, "of_an_older_version": ["x"], "buffer": 2}
    seen = account_settings.version(admin.get(stack.engine, stack.shop.id, number))
    given = {"acceptance": "ask"}
    account_settings.edit(stack.engine, stack.shop.id, number, account_settings.ORDERS, given, seen, "Anna")
    settings = admin.get(stack.engine, stack.shop.id, number).settings
    assert (settings["acceptance"], settings["buffer"]) == ("ask", 2)
    assert "of_an_older_version" not in settings
