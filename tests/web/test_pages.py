"""The merchant's pages: who may see them, what they show, what their forms do, and that shops see nothing of each other."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bridge.db.tables import Cancellation, Connection, Order, OrderLine, Problem, Work
from tests.support.lively import HOST, PLACES, SETTING_PLACES, TOKEN, Browser, Lively, config


@pytest.fixture
def lively(database_url: str) -> Iterator[Lively]:
    lively = Lively(database_url)
    yield lively
    lively.close()


@pytest.fixture(scope="module")
def unchanged(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Lively]:
    """The same for all who only look."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'storebridge.db'}"
        if database_kind == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres_cluster").with_tables())
        lively = Lively(url)
        stack.callback(lively.close)
        yield lively


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


def text(response: Any) -> str:
    """What a person reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def test_every_page_shows_what_there_is(unchanged: Lively) -> None:
    browser = unchanged.browser()
    for path in (*PLACES, *unchanged.numbers()):
        response = browser.get(path)
        assert response.status_code == 200, path
        assert "<script" not in response.text
        assert "<b>product.read 1</b>" not in response.text, "text of the outside is escaped"
    overview = text(browser.get(""))
    assert "things need your attention" in overview
    assert "Market 0" in overview
    assert "Stock lowered" in overview
    assert "€20.00" in overview


def test_a_number_explains_itself(unchanged: Lively) -> None:
    shown = text(unchanged.browser().get("sku?sku=A"))
    order = unchanged.order(unchanged.held)
    assert (
        f"5 on hand in the store \N{MINUS SIGN} 2 reserved by {order.external_id} (2) \N{MINUS SIGN} 1 safety buffer = 2 to be shown"
        in shown
    )
    assert "2 , the same" in shown
    assert "Why it is not listed The GTIN 123" in text(unchanged.browser().get("sku?sku=C"))
    assert "no product with SKU 'nothing'" in text(unchanged.browser().get("sku?sku=nothing"))


def test_the_order_shows_its_journey(unchanged: Lively) -> None:
    browser = unchanged.browser()
    shown = text(browser.get(f"orders/{unchanged.order(unchanged.through).id}"))
    for word in ("3SBOL1", "done", "Closed", "imported from Market 0", "To decide"):
        assert word in shown
    waits = text(browser.get(f"orders/{unchanged.order(unchanged.held).id}"))
    assert "needs you" in waits
    assert "the store has no single product for OLD" in waits


@pytest.mark.both_databases
def test_links_are_relative_and_hold(unchanged: Lively) -> None:
    """So that the same fragment works under any prefix."""
    browser = unchanged.browser()
    followed = set()
    for base in ("", "s/shop/"):
        for path in (*PLACES, *unchanged.numbers()):
            here = f"/{base}{path}".split("?")[0]
            for link in re.findall(r'<a [^>]*href="([^"#]+)"', browser.get(base + path).text):
                address = html.unescape(link)
                if address.startswith("/s/"):
                    continue
                assert address.startswith((".", "http")), address
                target = re.sub(r"^\./", "", address)
                up = target.count("../")
                folder = here.rsplit("/", 1 + up)[0]
                full = f"{folder}/{target.replace('../', '')}".lstrip("/")
                assert full.startswith(base), (here, address)
                if full not in followed:
                    assert browser.get(full).status_code == 200, (here, address)
                    followed.add(full)


def test_money_and_times_are_told_in_the_shops_terms(lively: Lively) -> None:
    with lively.world.db.write(1) as session:
        session.get_one(Connection, 1).info = {"timezone": "Europe/Amsterdam"}
    shown = lively.browser().get("orders").text
    placed = lively.order(lively.through).placed_at
    assert f'<time datetime="{placed:%Y-%m-%d}T09:' in shown, "08 UTC is 09 in Amsterdam in winter"
    assert "(Europe/Amsterdam)" in shown
    assert "€20.00" in shown


def test_a_first_run_says_what_to_do(unchanged: Lively) -> None:
    other = unchanged.browser()
    assert "First your store, then a marketplace" in text(other.get("s/other/"))
    for path in PLACES:
        named = path.startswith(("rule?", "mapping/attribute"))  # of a marketplace, and there is none
        assert other.get(f"s/other/{path}").status_code == (404 if named else 200), path


def test_every_figure_leads_to_the_list_it_counts(lively: Lively) -> None:
    market, now = lively.world.markets[0], lively.world.clock()
    market.buy(("A", 1), ("NOT", 1))
    lively.settle(400)
    with lively.world.db.write(1) as session:
        problem = session.scalars(select(Problem).order_by(Problem.id)).first()
        assert problem is not None
        problem.closed_at = now
        order = session.get_one(Order, lively.order(lively.through).id)
        order.placed_at = now - timedelta(days=3)
        order.ship_by = order.shipped_at - timedelta(hours=1)
        session.get_one(OrderLine, lively.line(f"{lively.asking}-0").id).cancelled = 1
    browser = lively.browser()
    shown = browser.get("").text
    tiles = re.search(r'<dl class="sb-figures.*?</dl>', shown, re.DOTALL)
    assert tiles
    found = re.findall(r'href="([^"]+)">([^<]+)<span class="sb-unseen"> ([^<]+), ([^<]+)<', tiles[0])
    told = {(name, span): count for _, count, name, span in found}
    assert told == {
        ("orders", "today"): "3", ("orders", "in the last 7 days"): "4",
        ("units sold", "today"): "5", ("units sold", "in the last 7 days"): "7",
        ("orders with cancellations", "today"): "1", ("orders with cancellations", "in the last 7 days"): "1",
        ("orders not in the store", "today"): "2", ("orders not in the store", "in the last 7 days"): "2",
        ("orders shipped late", "today"): "0", ("orders shipped late", "in the last 7 days"): "1",
        ("stock updates sent", "today"): "4", ("stock updates sent", "in the last 7 days"): "4",
        ("problems solved", "today"): "1", ("problems solved", "in the last 7 days"): "1",
    }  # fmt: skip
    assert "€70.00" in text(browser.get(""))
    for address, count, name, _ in found:
        listed = browser.get(html.unescape(address).removeprefix("./")).text
        lists = {
            "orders": r'orders/(\d+)"><strong',
            "problems": '<article class="sb-problem',
            "activity": '<li class="sb-entry',
        }
        rows = lists[address.removeprefix("./").split("?")[0]]
        if name != "units sold":
            assert len(re.findall(rows, listed)) == int(count), address
    beside = re.search(r"<dt>Last 7 days</dt><dd>(.*?)</dd>", shown, re.DOTALL)
    assert beside
    assert "4 orders, 7 units, €70.00" in " ".join(re.sub(r"<[^>]+>", "", beside[1]).split())
    assert "show=late&amp;since=week&amp;on=2" in beside[1]


def test_without_a_sale_overview_says_so_and_before_a_marketplace_nothing(lively: Lively) -> None:
    assert "No orders in the last 7 days" not in text(lively.browser().get("s/other/"))
    lively.world.clock.advance(30 * 86400)
    assert "No orders in the last 7 days" in text(lively.browser().get(""))


def test_a_page_costs_the_same_however_much_there_is(lively: Lively) -> None:
    browser = lively.browser()
    paths = [*PLACES, *lively.numbers()[:1]]
    for path in paths:  # the first visit of all keeps its language, and what is known for good is asked for once
        browser.get(path)
    before = {path: lively.statements(lambda path=path: browser.get(path)) for path in paths}
    for number in range(8):
        lively.world.store.add(f"N{number}", 4)
        lively.world.markets[0].buy(("B", 1), ("A", 1))
        lively.world.markets[0].buy((f"X{number}", 1))
    lively.settle(400)
    after = {path: lively.statements(lambda path=path: browser.get(path)) for path in paths}
    assert after == before
    assert max(after.values()) < 60


@pytest.mark.both_databases
def test_lists_are_read_page_by_page(lively: Lively) -> None:
    for number in range(30):
        lively.world.markets[0].buy((f"X{number}", 1), key=f"o{number:02}")
        lively.world.store.add(f"P{number:02}", 1)
    lively.settle(400)
    browser = lively.browser()
    for path, pattern, expected in (
        ("orders", r'orders/(\d+)"><strong', 33),
        ("listings", r"<strong>([A-Z]\d*)</strong>", 33),
    ):
        seen: list[str] = []
        following: str | None = path
        while following:
            page = browser.get(following).text
            seen += re.findall(pattern, page)
            found = re.search(r'href="\./([^"]+)">(?:Older orders|More products)', page)
            following = html.unescape(found[1]) if found else None
        assert len(seen) == len(set(seen)) == expected


@pytest.mark.both_databases
def test_an_order_that_was_missed_is_imported_by_its_number(lively: Lively) -> None:
    browser, market = lively.browser(), lively.world.markets[0]
    key = market.buy(("A", 1), key="missed-1")
    hidden = market.orders.pop(key)  # no list tells of it
    lively.settle(60)
    page = browser.get("orders?search=missed-1")
    assert "Import order missed-1" in text(page)
    assert "Import order" not in text(browser.get("orders"))
    market.orders[key] = hidden
    answer = browser.post("orders", "fetch", connection="2", number="missed-1")
    assert answer.status_code == 303
    assert "It is looked up there" in text(browser.get(answer.headers["Location"].removeprefix("/")))
    lively.world.drain()
    assert lively.order("missed-1").ref == "mem0:missed-1"
    assert browser.post("orders", "fetch", connection="2", number=" ").status_code == 422
    assert browser.post("s/other/orders", "fetch", connection="2", number="missed-1").status_code == 404


# Who may come in


def test_without_a_token_only_this_machine_comes_in(unchanged: Lively) -> None:
    client = unchanged.app().test_client()
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert client.get("/", base_url=f"http://{host}").status_code == 200
    for host in ("evil.test:8000", "127.0.0.1:9", "127.0.0.1", "127.0.0.1.evil.test:8000"):
        assert client.get("/", base_url=f"http://{host}").status_code == 403, host
    assert client.get("/", base_url=HOST, environ_overrides={"REMOTE_ADDR": "10.0.0.9"}).status_code == 403
    assert client.get("/", base_url=HOST, headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 403
    closed = unchanged.app(is_loopback=False).test_client().get("/", base_url=HOST)
    assert closed.status_code == 403
    assert "STOREBRIDGE_PAGE_TOKEN" in closed.text


def test_with_a_token_everyone_is_asked_for_it(unchanged: Lively) -> None:
    client = unchanged.app(page_token=TOKEN, is_loopback=False).test_client()
    for path in ("/", "/orders", "/s/shop/", "/metrics"):
        refused = client.get(path)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        for bad in (basic("wrong"), basic(""), {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}):
            assert client.get(path, headers=bad).status_code == 401
        assert client.get(path, headers=basic(TOKEN)).status_code == 200
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_every_answer_keeps_others_out(unchanged: Lively) -> None:
    browser = unchanged.browser()
    for path in ("", "orders", "orders/999", "nothing"):
        headers = browser.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
    cookie = unchanged.browser().get("").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "forged",
    [
        {"token": ""},
        {"token": "gAAAAAforged"},
        {"headers": {"Origin": "http://evil.test"}},
        {"headers": {"Origin": "null"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
    ],
)
def test_a_form_of_another_site_does_nothing(unchanged: Lively, forged: dict[str, Any]) -> None:
    refused = unchanged.browser().post("", "pause", connection="2", **forged)
    assert refused.status_code == 403
    assert unchanged.read(Connection)[1].state == "active"


def test_a_form_is_good_for_its_visitor_and_its_day(lively: Lively) -> None:
    mine, theirs = lively.browser(), lively.browser()
    theirs.get("")
    token = mine.token()
    assert theirs.post("", "pause", connection="2", token=token).status_code == 403
    lively.world.clock.advance(timedelta(hours=20).total_seconds())
    assert mine.post("", "pause", connection="2", token=token).status_code == 303
    lively.world.clock.advance(timedelta(days=2).total_seconds())
    assert mine.post("", "resume", connection="2", token=token).status_code == 403


# One shop sees nothing of another


@pytest.mark.both_databases
def test_another_shops_numbers_lead_nowhere(unchanged: Lively) -> None:
    browser = unchanged.browser()
    for path in unchanged.numbers():
        assert browser.get(f"s/other/{path}").status_code == 404, path
    for path in PLACES:
        shown = browser.get(f"s/other/{path}").text
        for secret in (unchanged.through, unchanged.held, unchanged.back, "Product A", "Market 0", "3SBOL1"):
            assert secret not in shown, (path, secret)
    assert browser.get("s/nobody/").status_code == 404
    assert browser.get("s/other/activity?order=mem0:" + unchanged.held).text.count("sb-entry-what") == 0
    assert browser.get("s/other/activity?delivery=1").status_code == 200


def test_another_shops_things_cannot_be_changed(unchanged: Lively) -> None:
    browser = unchanged.browser()
    order, line = unchanged.order(unchanged.held), unchanged.line(f"{unchanged.held}-1")
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        (f"orders/{order.id}", "replay", {}),
        (f"orders/{order.id}", "accept", {}),
        (f"orders/{order.id}", "match", {"line": line.id, "sku": "A"}),
        ("returns", "decide", {"return": unchanged.returned().id, "result": "accepted", "quantity": 1}),
        ("problems", "retry", {"problem": unchanged.problem("parked.product.read").id}),
        ("problems", "close", {"problem": unchanged.problem("drift").id}),
        ("", "pause", {"connection": 2}),
    ]
    before = [(row.id, row.dirty_version) for row in unchanged.read(Work)]
    for path, do, form in attempts:
        refused = browser.post(f"s/other/{path}", do, **form)
        assert refused.status_code in (404, 422), (path, do)
    assert [(row.id, row.dirty_version) for row in unchanged.read(Work)] == before
    assert unchanged.returned().state == "open"
    assert unchanged.line(f"{unchanged.held}-1").variant_id is None
    assert unchanged.read(Connection)[1].state == "active"
    assert all(row.closed_at is None for row in unchanged.read(Problem, Problem.kind == "drift"))


# What the forms do


def test_a_connection_is_paused_and_resumed(lively: Lively) -> None:
    browser = lively.browser()
    done = browser.post("", "pause", connection="2")
    assert (done.status_code, done.headers["Location"]) == (303, "/?done=pause")
    assert lively.read(Connection)[1].state == "paused"
    assert "Resume" in text(browser.get("?done=pause"))
    assert browser.post("", "resume", connection="2").status_code == 303
    assert lively.read(Connection)[1].state == "active"
    refused = browser.post("", "resume", connection="2")
    assert refused.status_code == 422
    assert "not paused but active" in text(refused)


@pytest.mark.both_databases
def test_a_line_is_matched_and_the_order_goes_on(lively: Lively) -> None:
    browser, order = lively.browser(), lively.order(lively.held)
    line = lively.line(f"{lively.held}-1")
    wrong = browser.post(f"orders/{order.id}", "match", line=line.id, sku="NOPE")
    assert wrong.status_code == 422
    assert re.search(r'id="match-\d+" [^>]*value="NOPE"[^>]*aria-invalid="true"', wrong.text)
    assert "no product with SKU 'NOPE'" in text(wrong)
    assert browser.post(f"orders/{order.id}", "match", line=line.id, sku="C").status_code == 303
    lively.settle(120)
    assert lively.order(lively.held).store_state == "created"
    assert lively.read(Problem, Problem.kind == "order_held")[0].closed_at is not None


@pytest.mark.both_databases
def test_a_buyers_cancellation_is_accepted(lively: Lively) -> None:
    browser, order = lively.browser(), lively.order(lively.asking)
    assert "Accept the cancellation" in browser.get(f"orders/{order.id}").text
    assert browser.post(f"orders/{order.id}", "accept").status_code == 303
    lively.settle(400)
    assert [row.state for row in lively.read(Cancellation)] == ["done"]
    assert browser.post(f"orders/{order.id}", "accept").status_code == 422


@pytest.mark.both_databases
def test_a_return_is_decided(lively: Lively) -> None:
    browser, number = lively.browser(), lively.returned().id
    wrong = browser.post("returns", "decide", **{"return": number, "result": "accepted", "quantity": 3})
    assert wrong.status_code == 422
    assert "Give a quantity from 1 to 2." in text(wrong)
    assert browser.post("returns", "decide", **{"return": number, "result": "eaten", "quantity": 1}).status_code == 422
    good = {"return": number, "result": "accepted", "quantity": 1, "restock": "on"}
    assert browser.post("returns", "decide", **good).status_code == 303
    lively.settle(400)
    row = lively.returned()
    assert (row.decision, row.decided_quantity, row.state, row.store_state) == ("accepted", 1, "closed", "done")
    assert browser.post("returns", "decide", **good).status_code == 422


@pytest.mark.both_databases
def test_set_aside_work_is_taken_up_and_problems_are_put_away(lively: Lively) -> None:
    browser = lively.browser()
    lively.world.mark("stock", "product.read", "1")
    with lively.world.db.write(1) as session:
        row = session.query(Work).filter(Work.kind == "product.read", Work.key == "1").one()
        row.parked, row.attempts = True, 8
    parked, drift = lively.problem("parked.product.read").id, lively.problem("drift").id
    assert browser.post("problems", "retry", problem=parked).status_code == 303
    taken = lively.read(Work, Work.kind == "product.read", Work.key == "1")[0]
    assert (taken.parked, taken.attempts) == (False, 0)
    assert browser.post("problems", "close", problem=drift).status_code == 303
    assert lively.problem("drift").closed_at is not None
    assert browser.post("problems", "close", problem=parked).status_code == 422
    assert browser.post("problems", "retry", problem=drift).status_code == 422
    held = lively.problem("order_held").id
    assert browser.post("problems", "retry", problem=held).status_code == 303
    assert browser.post(f"orders/{lively.order(lively.held).id}", "replay").status_code == 303


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("", {"do": "explode"}, 422),
        ("", {"do": "pause"}, 422),
        ("", {"do": "pause", "connection": "two"}, 422),
        ("problems", {"do": "close", "problem": "9" * 30}, 422),
        ("problems", {"do": "close", "problem": "99999"}, 404),
        ("orders/99999", {"do": "replay"}, 404),
        ("orders", {"do": "replay"}, 422),
        ("returns", {"do": "decide", "return": "99999", "result": "accepted", "quantity": "1"}, 404),
    ],
)
def test_a_form_that_makes_no_sense_is_answered(
    unchanged: Lively, path: str, form: dict[str, str], status: int
) -> None:
    browser = unchanged.browser()
    response = browser.post(path, form["do"], **{name: value for name, value in form.items() if name != "do"})
    assert response.status_code == status
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("orders?before=yesterday&id=1", 400),
        ("orders?before=2026-11-23&id=1", 400),
        ("orders?before=2026-11-23&id=x", 400),
        ("orders?before=2026-11-23", 200),
        ("listings?after=x", 400),
        ("listings?state=unheard", 200),
        ("listings?search=%25_%5C", 200),
        ("sku?sku=" + "x" * 5000, 200),
        ("activity?delivery=-1", 400),
        ("activity?before=99999999999999999999", 400),
        ("orders/0", 404),
        ("orders/99999999999999999999999", 404),
        ("nothing", 404),
    ],
)
def test_an_address_that_makes_no_sense_is_answered(unchanged: Lively, path: str, status: int) -> None:
    response = unchanged.browser().get(path)
    assert response.status_code == status
    assert "Traceback" not in response.text


def test_a_form_that_is_too_long_is_refused(unchanged: Lively) -> None:
    assert unchanged.browser().post("", "pause", connection="1" * 100_000).status_code == 413


# When something breaks


def test_a_fault_of_ours_has_a_number_and_no_traceback(lively: Lively, caplog: pytest.LogCaptureFixture) -> None:
    browser = lively.browser()

    def broken() -> Any:
        raise RuntimeError("secret inner detail")

    lively.engine.clock = broken
    response = browser.get("orders?show=open")
    assert response.status_code == 500
    assert 'href="./orders?show=open"' in response.text, "the way to try it again"
    assert "secret inner detail" not in response.text
    assert response.headers["X-Request-Id"] in response.text


def test_a_database_that_is_away_is_said_plainly(unchanged: Lively, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT secret", {}, Exception("server at 10.0.0.1 is away"))

    monkeypatch.setattr(unchanged.engine.db, "read", away)
    response = unchanged.browser().get("orders")
    assert response.status_code == 503
    assert "10.0.0.1" not in response.text
    assert "The database does not answer" in response.text


def test_an_account_whose_adapter_is_not_installed_any_more_breaks_no_page(
    lively: Lively, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q6: a deployment has left a package out. Everything else is shown as before, and the account can be let go."""
    browser, gone = lively.browser(), lively.engine.channels["mem0"]
    monkeypatch.delitem(lively.engine.channels, "mem0")  # type: ignore[arg-type]
    order = lively.order(lively.through)
    broken = []
    for place in (*PLACES, *SETTING_PLACES, *lively.numbers(), f"orders/{order.id}"):
        status = browser.get(place).status_code
        if status >= 500 or (
            status == 404 and not place.startswith(("connect/", "accounts/2", "setup", "rule", "mapping"))
        ):
            broken.append((place, status))
    assert broken == []
    assert "mem0" in browser.get("accounts").text or "Market 0" in browser.get("accounts").text
    monkeypatch.setitem(lively.engine.channels, "mem0", gone)  # type: ignore[arg-type]
    assert browser.get("accounts/2").status_code == 200


# For machines


@pytest.mark.both_databases
def test_health_readiness_and_numbers(unchanged: Lively) -> None:
    client = unchanged.app().test_client()
    assert client.get("/healthz", base_url="http://probe:1").json == {"ok": True}
    ready = client.get("/readyz", base_url="http://probe:1")
    assert ready.status_code == 503
    assert ready.json == {"ok": False, "reasons": {"redis": "does not answer", "scheduler": "none runs"}}
    numbers = client.get("/metrics", base_url=HOST)
    assert 'storebridge_problems_open{severity="error"}' in numbers.text
    assert "storebridge_orders_open" in numbers.text
    assert client.get("/metrics", base_url="http://evil.test").status_code == 403


def test_no_shop_at_all_is_welcomed(tmp_path: Any) -> None:
    from bridge.web import create_web
    from tests.support.engines import small_engine

    engine = small_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    shown = Browser(create_web(engine, config())).get("")
    assert shown.status_code == 200
    assert "Begin the setup" in shown.text
    engine.db.close()
