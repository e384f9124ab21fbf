"""Settings, accounts and setup: they show what there is, change what they say, say who did, and keep shops apart."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from bridge.db.tables import Change, Connection, Document, DraftRow, Hold, Poll, Shop
from bridge.flows import resting, rule_starts
from bridge.flows.finding import Finding, State
from bridge.web import settings
from tests.support.lively import SETTING_PLACES, Browser, Lively


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('settings') / 'storebridge.db'}")
    yield lively
    lively.close()


def text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def version(browser: Browser, path: str, name: str) -> str:
    found = re.search(rf'name="version_{name}" value="([^"]*)"', browser.get(path).text)
    assert found
    return found[1]


def test_every_page_is_there_for_both_shops_and_shows_only_its_own(lively: Lively) -> None:
    browser = lively.browser()
    for path in SETTING_PLACES:
        assert browser.get(path).status_code == 200, path
        theirs = browser.get(f"s/other/{path}")
        assert theirs.status_code == (404 if path.startswith("accounts/") else 200), path
        assert "mem0:" not in theirs.text
    for path in ("setup?connection=2", "settings/stock?connection=2", "matches/2"):
        assert browser.get(path).status_code == 200, path
        assert browser.get(f"s/other/{path}").status_code == 404, path
    assert browser.get("connect/nobody").status_code == 404


def test_another_shops_accounts_cannot_be_changed(lively: Lively) -> None:
    browser = lively.browser()
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("accounts/2", "pause", {}),
        ("accounts/2", "rest", {"flow": "stock"}),
        ("accounts/2", "let_go", {"listings": "keep", "sure": "yes"}),
        ("accounts/2", "renew", {"key": "x"}),
        ("settings", "rest", {"connection": 2, "flow": "stock"}),
        ("settings/stock", "save_stock", {"connection": 2, "buffer": 5, "version_stock": "0"}),
        ("setup", "live", {"connection": 2, "flows": "stock"}),
        ("setup", "exclude", {"connection": 2, "skus": "A"}),
    ]
    for path, do, form in attempts:
        assert browser.post(f"s/other/{path}", do, **form).status_code == 404, (path, do)
    assert [row.state for row in lively.read(Connection)] == ["active", "active"]
    assert not lively.read(Hold)
    assert not lively.read(Change)


def test_what_moves_listings_is_a_plan_first_and_not_over_anothers(lively: Lively) -> None:
    browser = lively.browser()
    seen = version(browser, "settings/stock?connection=2", "stock")
    form = {"connection": 2, "buffer": 3, "untracked": "zero", "untracked_quantity": 1, "version_stock": seen}
    wrong = browser.post("settings/stock", "save_stock", **{**form, "buffer": -1})
    assert wrong.status_code == 422
    assert re.search(r'id="stock-buffer" [^>]*value="-1"[^>]*aria-invalid="true"', wrong.text)
    made = browser.post("settings/stock", "save_stock", **form)
    plan = re.search(r"/plans/(\d+)", made.headers["Location"])
    assert plan, "it would move a live listing"
    assert "2 → 0" in text(browser.get(f"plans/{plan[1]}")) or "stock" in text(browser.get(f"plans/{plan[1]}"))
    assert browser.post(f"plans/{plan[1]}", "apply").status_code == 303
    refused = browser.post("settings/stock", "save_stock", **{**form, "buffer": 4})
    assert refused.status_code == 422
    assert "changed by admin meanwhile" in text(refused)
    assert 'value="3"' in browser.get("settings/stock").text
    assert "changed the settings" in text(browser.get("settings")), "who changed what"


def test_a_buffer_in_percent_and_the_price_before_a_reduction(lively: Lively) -> None:
    browser = lively.browser()
    path = "settings/stock?connection=2"
    form = {"connection": 2, "buffer": 140, "buffer_kind": "percent", "untracked": "zero", "untracked_quantity": 1}
    wrong = browser.post("settings/stock", "save_stock", **form, version_stock=version(browser, path, "stock"))
    assert wrong.status_code == 422
    assert re.search(r'id="stock-buffer" [^>]*value="140"[^>]*aria-invalid="true"', wrong.text), "beside its field"
    made = browser.post(
        "settings/stock", "save_stock", **{**form, "buffer": 50, "least": 1},
        version_stock=version(browser, path, "stock"),
    )  # fmt: skip
    plan = re.search(r"/plans/(\d+)", made.headers["Location"])
    assert plan
    assert browser.post(f"plans/{plan[1]}", "apply").status_code == 303
    [held] = lively.read(Document, Document.kind == "stock", Document.until.is_(None))
    assert (held.content["keep"], held.content["least"]) == ({"kind": "percent", "percent": 50}, 1)
    shown = browser.get(path).text
    assert re.search(r'id="stock-buffer" [^>]*value="50"', shown)
    assert '<option value="percent" selected>' in shown
    path = "settings/prices?connection=2"
    saved = browser.post(
        "settings/prices", "save_price", connection=2, price_base="regular_price", price_ending="none",
        version_price=version(browser, path, "price"),
    )  # fmt: skip
    assert saved.status_code == 303, text(saved)
    if plan := re.search(r"/plans/(\d+)", saved.headers["Location"]):
        assert browser.post(f"plans/{plan[1]}", "apply").status_code == 303
    [rules] = lively.read(Document, Document.kind == "rules", Document.until.is_(None))
    assert rules.content["rules"][0]["then"] == [{"kind": "price_of", "field": "regular_price"}]
    assert '<option value="regular_price" selected>' in browser.get(path).text


def test_the_merchants_own_products_are_the_example_and_a_name_without_the_number_is_refused(lively: Lively) -> None:
    browser = lively.browser()
    path = "settings/orders?connection=2"
    form = {"connection": 2, "order_label": "no number", "version_orders": version(browser, path, "orders")}
    assert browser.post("settings/orders", "save_orders", **form).status_code == 422
    for page in ("settings/stock?connection=2", "settings/prices?connection=2"):
        assert "With your products, as it is set now" in text(browser.get(page))
        assert "<strong>A</strong>" in browser.get(page).text


def test_orders_are_imported_from_a_day_and_a_time_of_the_stores_clock(lively: Lively) -> None:
    """What is saved, tests/web/test_setting_up.py looks at, where there is an account to check."""
    browser, path = lively.browser(), "settings/orders"
    with lively.world.db.write(1) as session:
        store, market = session.get_one(Connection, 1), session.get_one(Connection, 2)
        store.info = {**store.info, "timezone": "Europe/Amsterdam"}
        market.settings = {**market.settings, "import_from": "2026-07-01T06:30:00+00:00"}
    shown = browser.get(f"{path}?connection=2")
    assert "In the time zone of your store: Europe/Amsterdam." in text(shown)
    assert re.search(r'name="import_from" type="date" value="2026-07-01"', shown.text)
    assert re.search(r'name="import_from.time" type="time" value="08:30"', shown.text), "summer there"
    for day, time in (("soon", ""), ("", "08:30"), ("2026-02-30", "08:30"), ("2026-02-03", "25:00")):
        seen = version(browser, f"{path}?connection=2", "orders")
        form = {"connection": 2, "version_orders": seen, "import_from": day, "import_from.time": time}
        wrong = browser.post(path, "save_orders", **form)
        assert wrong.status_code == 422, (day, time)
        assert "Import orders from: is no time; write it like 2026-11-01" in text(wrong)
        assert re.search(r'name="import_from" [^>]*aria-invalid="true"', wrong.text)
        assert f'value="{day}"' in wrong.text, "as it was typed"
        assert f'value="{time}"' in wrong.text


def test_flows_rest_one_by_one_and_all_in_test_mode(lively: Lively) -> None:
    browser = lively.browser()
    assert browser.post("accounts/2", "rest", flow="content").status_code == 303
    assert browser.post("settings", "test_on").status_code == 303
    assert {row.flow for row in lively.read(Hold)} == set(resting.FLOWS)
    assert "Test mode is on" in text(browser.get("settings"))
    assert "Test mode is on" in text(browser.get(""))
    assert browser.post("settings", "test_off").status_code == 303
    assert [row.flow for row in lively.read(Hold)] == ["content"], "what rested before rests on"
    assert browser.post("settings", "go_on", connection=2, flow="content").status_code == 303
    assert browser.post("settings", "pause").status_code == 303
    with lively.world.db.read(1) as session:
        assert session.get_one(Shop, 1).paused
    assert browser.post("settings", "resume").status_code == 303


def test_maintenance_of_the_store_begins_and_ends_on_the_page(lively: Lively) -> None:
    browser = lively.browser()
    wrong = browser.post("settings", "maintain", minutes="soon")
    assert (wrong.status_code, "Enter a whole number." in text(wrong)) == (422, True)
    assert "at least one minute" in text(browser.post("settings", "maintain", minutes="0"))
    assert browser.post("settings", "maintain", minutes="30").status_code == 303
    assert "Under maintenance until" in text(browser.get("settings"))
    assert browser.post("settings", "maintained").status_code == 303
    assert browser.post("settings", "maintain", minutes="").status_code == 303
    assert "Under maintenance since" in text(browser.get("settings"))
    assert browser.post("settings", "maintained").status_code == 303
    assert "Under maintenance" not in text(browser.get("settings"))
    assert browser.post("settings", "maintained").status_code == 422


def test_flows_rest_from_the_overview_too(lively: Lively) -> None:
    browser = lively.browser()
    with lively.world.db.write(1) as session:
        session.execute(delete(Hold))
    assert browser.post("", "rest", connection=2, flow="price").status_code == 303
    assert "What is sent: Prices at rest" in text(browser.get(""))
    assert browser.post("", "go_on", connection=2, flow="price").status_code == 303
    assert "at rest" not in text(browser.get(""))
    assert browser.post("", "pause", connection="all").status_code == 303
    assert "Resume everything" in text(browser.get("orders"))
    assert browser.post("", "resume", connection="all").status_code == 303
    assert "Resume everything" not in text(browser.get("orders"))


def test_diagnostics_can_be_copied_and_hold_no_secret(lively: Lively) -> None:
    shown = text(lively.browser().get("settings/diagnostics?run=now"))
    assert '"connections"' in shown
    assert '"credentials"' not in shown
    assert "Without credentials" in shown
    file = lively.browser().get("settings/diagnostics?run=file")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert [item["name"] for item in json.loads(file.text)["checks"]] == ["machine"]
    assert '"connections"' in file.text
    assert '"credentials"' not in file.text


def test_diagnostics_tell_the_worst_first_and_fold_away_what_is_in_order(
    lively: Lively, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [
        Finding("database", State.OK, "answers"),
        Finding("problems", State.WARN, "2 open", "See: storebridge problems"),
        Finding("redis", State.FAIL, "does not answer", "Start it."),
    ]
    monkeypatch.setattr(settings, "_examined", lambda _view: findings)
    shown = lively.browser().get("settings/diagnostics?run=now").text
    open_, folded = shown.split("In order: ", 1)
    assert open_.index("Broken") < open_.index("Worth a look")
    assert re.search(r'href="[^"]*problems"', open_.split('class="sb-checks"')[1])
    assert "In order</span>" not in open_
    assert "Broken" not in folded.split("</details>")[0]


def test_the_table_of_carriers_shows_unknown_names_first_and_refuses_doubles(lively: Lively) -> None:
    browser, path = lively.browser(), "settings/shipping"
    shown = browser.get(f"{path}?connection=2")
    assert "1 carrier of your parcels is in no table" in text(shown)
    assert re.search(r'name="name\.0"[^>]*value="PostNL"', shown.text)
    seen = version(browser, f"{path}?connection=2", "carriers")
    form = {"connection": 2, "version_carriers": seen, "name.0": "PostNL", "code.0": "TNT", "rest": "OTHER"}
    wrong = browser.post(path, "save_carriers", **{**form, "name.1": "post nl", "code.1": "X"})
    assert wrong.status_code == 422
    assert "in the table already" in text(wrong)
    assert browser.post("s/other/settings/shipping", "save_carriers", **form).status_code == 404


def test_the_rules_page_costs_the_same_with_many_rules(lively: Lively) -> None:
    browser, path = lively.browser(), "rules?of=shared:S1"
    rule = rule_starts.rule("margin", ("EUR",), "")
    costs = []
    for lists, rules in ((1, 1), (12, 8)):

        def act(session: Any, lists: int = lists, rules: int = rules) -> None:
            session.execute(delete(DraftRow))
            for number in range(lists):
                row = DraftRow(subject=f"shared:S{number + 1}", kind="rules", version=0)
                row.content = {"rules": [{**rule, "name": f"Rule {turn}"} for turn in range(rules)]}
                row.author, row.at = "Anna", lively.world.clock()
                session.add(row)

        lively.world.db.transact(1, act)
        shown = browser.get(path)
        assert (shown.status_code, text(shown).count("Rule ") >= rules) == (200, True)
        costs.append(lively.statements(lambda: browser.get(path)))
    assert costs[0] == costs[1]
    assert costs[0] < 30


def test_letting_go_is_asked_twice(lively: Lively) -> None:
    browser = lively.browser()
    asked = browser.post("accounts/2", "let_go")
    assert asked.status_code == 422
    assert "Say what shall become of the listings" in text(asked)
    assert "Tick the box" in text(asked)
    assert browser.post("accounts/2", "let_go", listings="zero", sure="yes").status_code == 303
    assert lively.read(Connection)[1].state == "disconnected"
    assert all(offer.stock == 0 for offer in lively.world.markets[0].offers.values())
    assert "This account was let go" in text(browser.get("accounts/2"))


def test_the_webhooks_of_a_store_are_looked_at_when_somebody_asks(lively: Lively) -> None:
    browser = lively.browser()
    [before] = lively.read(Poll, Poll.connection_id == 1, Poll.flow == "poll.webhooks")
    assert "Check the webhooks now" in text(browser.get("accounts/1"))
    asked = lively.world.clock()
    assert browser.post("accounts/1", "check_webhooks").status_code == 303
    assert "made again where they are missing" in text(browser.get("accounts/1?done=check_webhooks"))
    lively.world.drain()
    [after] = lively.read(Poll, Poll.connection_id == 1, Poll.flow == "poll.webhooks")
    assert after.last_ok_at > asked > before.last_ok_at
    assert "Check the webhooks now" not in text(browser.get("accounts/2"))
    assert "has no webhooks to look after" in text(browser.post("accounts/2", "check_webhooks"))
