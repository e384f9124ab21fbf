"""What holds for every door at once: other shops' ids lead nowhere, no secret comes out again, nobody knocks without end,
and who changed what is on record."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Request
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.routing import Rule

from bridge import app as bootstrap
from bridge import config as configuration
from bridge.db.tables import Base, Connection, Journal, ModuleRow, Order, PlanRow
from bridge.flows import reconcile
from bridge.flows.activity import activity
from bridge.flows.engine import Engine
from bridge.ports.manifest import Limit
from bridge.web import create_web, entrance, places
from bridge.web.api_routes import ROUTES
from bridge.web.throttle import caller
from tests.support import desks
from tests.support.databases import make_tables
from tests.support.engines import add_connection, add_shop
from tests.support.lively import HOST, TOKEN, Browser, Lively

SEEDED, THEIRS = "seeded-secret-", "theirs.myshopify.com"


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """Who calls so often is let in all the same."""
    found = Lively(f"sqlite:///{tmp_path_factory.mktemp('safety') / 'storebridge.db'}")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("VISITS", "CHANGES"):
            patched.setattr(entrance, name, Limit(calls=1_000_000, seconds=60))
        yield found
    found.close()


def _rules(lively: Lively) -> list[Rule]:
    """Every route of a shop that is named in the address."""
    return [rule for rule in lively.app().url_map.iter_rules() if rule.rule.startswith("/s/<public_id>/")]


def _addresses(lively: Lively, rule: Rule) -> list[str]:
    """The rule's addresses in a shop, with ids of the first shop where it has any."""
    orders = [row.id for row in lively.read(Order)]
    plans = [row.id for row in lively.read(PlanRow)] or [1]
    given: dict[str, list[Any]] = {
        "connection": [1, 2], "plan": plans, "number": sorted({1, 2, *orders, *plans}), "kind": ["rules", "stock"], "name": ["mine"],
    }  # fmt: skip
    path = rule.rule.removeprefix("/s/<public_id>/")
    found = [path]
    for name in sorted(rule.arguments - {"public_id"}):
        values = given.get(name, [1, 2, 3])
        found = [re.sub(rf"<[^<>]*\b{name}>", str(value), one) for one in found for value in values]
    return found


def _of_shop(lively: Lively) -> str:
    """Everything the first shop has, in short."""
    digest = hashlib.sha256()
    with lively.world.db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if "shop_id" in table.c:
                digest.update(repr(connection.execute(table.select().where(table.c.shop_id == 1)).all()).encode())
    return digest.hexdigest()


def test_ids_of_another_shop_lead_nowhere_on_any_route(lively: Lively) -> None:
    browser = lively.browser()
    token = browser.client.get("/api/token", base_url=HOST).json["token"]  # type: ignore[index]
    before, walked = _of_shop(lively), 0
    for rule in _rules(lively):
        ids = re.findall(r"<int[^<>]*:\w+>", rule.rule)
        for address in _addresses(lively, rule):
            for method in sorted((rule.methods or set()) & {"GET", "PUT", "POST", "DELETE", "PATCH"}):
                headers = {"Accept": "text/html"} if method == "GET" else {"X-Csrf-Token": token}
                body = {} if method == "GET" or not rule.endpoint.startswith("api.") else {"json": {}}
                if method == "POST" and rule.endpoint.startswith("pages."):
                    body = {"data": {"csrf": token, "do": "nothing", **_everything(lively)}}
                answer = browser.client.open(
                    f"/s/other/{address}", method=method, base_url=HOST, headers=headers, **body
                )
                walked += 1
                if ids:
                    assert answer.status_code == 404, (method, address, answer.status_code)
                else:
                    assert answer.status_code < 500, (method, address, answer.status_code)
                assert lively.through not in answer.text
    assert walked > 2 * len(ROUTES)
    assert _of_shop(lively) == before


def _everything(lively: Lively) -> dict[str, str]:
    """Ids of the first shop for whatever a form may name."""
    return {
        "connection": "2", "problem": str(lively.problem("drift").id), "return": str(lively.returned().id), "quantity": "1",
        "result": "accepted", "listing": "1", "version": "1", "line": "1", "refund": "1", "sku": "A", "flow": "stock",
    }  # fmt: skip


def test_no_form_of_another_shop_reaches_this_one(lively: Lively) -> None:
    browser = lively.browser()
    token = browser.client.get("/api/token", base_url=HOST).json["token"]  # type: ignore[index]
    before, sent = _of_shop(lively), 0
    for page in places.PAGES:
        path = re.sub(r"<[^<>]+>", "1", page.path)
        for act in page.acts:
            form = {**_everything(lively), "csrf": token, "do": act}
            answer = browser.client.post(f"/s/other/{path}", base_url=HOST, data=form)
            assert answer.status_code < 500, (page.name, act)
            sent += 1
    assert sent > 10
    assert _of_shop(lively) == before


def test_no_change_is_made_without_the_proof_that_another_site_cannot_send(lively: Lively) -> None:
    """On its own the form's token, in Shopify the header with a session token; the modules' own tokens are theirs to check
    (tests/php). Every form and every change of the API there is."""
    browser, sent = lively.browser(), 0
    browser.get("")  # whoever is attacked has been here
    before = _of_shop(lively)
    for rule in _rules(lively):
        for address in _addresses(lively, rule)[:1] if rule.endpoint.startswith("api.") else ():
            for method in sorted((rule.methods or set()) & {"PUT", "POST", "DELETE", "PATCH"}):
                answer = browser.client.open(f"/s/shop/{address}", method=method, base_url=HOST, json={})
                assert answer.status_code == 403, (method, address, answer.status_code)
                sent += 1
    with desks.installed(lively):
        client = lively.app().test_client(use_cookies=False)
        proof = {"shop": desks.STORE, "id_token": desks.token()}
        for page in places.PAGES:
            path = re.sub(r"<[^<>]+>", "1", page.path)
            for act in page.acts:
                form = {**_everything(lively), "do": act}
                alone = browser.client.post(f"/{path}", base_url=HOST, data=form)
                inside = client.post(f"/apps/shopify/{path}", base_url=desks.BRIDGE, query_string=proof, data=form)
                assert (alone.status_code, inside.status_code) == (403, 401), (path, act)
                sent += 1
    assert sent > 60
    assert _of_shop(lively) == before


def test_other_doors_take_nothing_in_another_shops_name(lively: Lively) -> None:
    client = lively.app().test_client()
    for path in ("hooks/other/1", "push/other/2", "modules/other/1/events", "modules/other/1/gone", "feeds/other/2"):
        assert client.post(f"/{path}", data=b"{}").status_code in (404, 405, 410), path


def test_every_secret_that_is_saved_is_never_shown_again(lively: Lively) -> None:
    secrets = {name: f"{SEEDED}{name}" for name in ("key", "hook", "module", "retired")}
    with lively.world.db.write(1) as session:
        for row in session.scalars(select(Connection)):
            row.credentials = {**(row.credentials or {}), "client_secret": secrets["key"]}
            row.webhook_secrets = [secrets["hook"], secrets["retired"]]
        session.add(
            ModuleRow(
                connection_id=1,
                secrets=[secrets["module"]],
                made_at=lively.world.clock(),
                beat=0,
                health={},
                epoch="",
                version="",
            )
        )
    browser = lively.browser()
    token = browser.client.get("/api/token", base_url=HOST).json["token"]  # type: ignore[index]
    options: dict[str, Any] = {"base_url": HOST, "headers": {"X-Csrf-Token": token}}
    content = {"webhook": f"https://alerts.example/{SEEDED[:-1]}", "digest_hour": 9}
    made = browser.client.put("/api/alerts", json={"content": content}, **options).json["secret"]  # type: ignore[index]
    renewed = browser.client.post("/api/alerts/secret", json={}, **options).json["secret"]  # type: ignore[index]
    seen = 0
    for rule in _rules(lively):
        for address in _addresses(lively, rule):
            if "GET" in (rule.methods or set()):
                shown = browser.client.get(f"/s/shop/{address}", base_url=HOST, headers={"Accept": "text/html"}).text
                seen += 1
                assert not any(secret in shown for secret in (SEEDED, made, renewed)), address
    assert seen > len(places.PAGES)
    with lively.world.db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            kept = str(connection.execute(text(f"SELECT * FROM {table.name}")).all())
            assert not any(secret in kept for secret in (SEEDED, made, renewed)), table.name


def test_who_changed_what_is_on_record_and_kept(lively: Lively) -> None:
    browser = lively.browser(page_token=TOKEN, is_loopback=False)
    basic = {"Authorization": "Basic " + base64.b64encode(f"Zoë:{TOKEN}".encode()).decode()}
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("", headers=basic).text)
    assert csrf
    for form in ({"do": "pause", "connection": "2"}, {"do": "resume", "connection": "2"}):
        answer = browser.client.post("/", base_url=HOST, data={**form, "csrf": csrf[1]}, headers=basic)
        assert answer.status_code == 303
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    planned = browser.client.put(
        "/api/connections/2/stock", base_url=HOST, json={"content": {"buffer": 2}}, headers=bearer
    )
    assert planned.status_code == 201
    with lively.world.db.read(1) as session:
        found = [(row["author"], row["text"]) for row in activity(session, by_people=True)]
    assert ("Zoë", "Market 0: paused") in found
    assert ("Zoë", "Market 0: resumed") in found
    assert found[0] == ("the API", "PUT connections/2/stock by the API")
    assert "by Zoë" in re.sub(r"<[^>]+>", "", browser.get("activity?show=people", headers=basic).text)
    told = browser.client.get("/api/activity?by=people", base_url=HOST, headers=bearer).json["activity"]  # type: ignore[index]
    assert {row["author"] for row in told} >= {"Zoë", "the API"}
    assert len(told) < len(browser.client.get("/api/activity", base_url=HOST, headers=bearer).json["activity"])  # type: ignore[index]
    assert browser.client.get("/api/activity?by=nobody", base_url=HOST, headers=bearer).status_code == 422


def test_the_record_of_changes_is_kept_longer_than_the_journal(lively: Lively) -> None:
    now = lively.world.clock()
    for days, author in ((100, None), (100, "Zoë"), (800, "Zoë")):
        with lively.world.db.write(1) as session:
            session.add(Journal(at=now - timedelta(days=days), kind="change", text=f"{days}", author=author))
    with lively.world.db.read(1) as session:
        row = session.get_one(Connection, 1)
    reconcile.retire(lively.engine, row, [])
    kept = [
        (row.text, row.author)
        for row in lively.read(Journal, Journal.kind == "change", Journal.text.in_(("100", "800")))
    ]
    assert kept == [("100", "Zoë")]


def test_who_tries_tokens_is_not_looked_at_for_a_while(lively: Lively) -> None:
    client = lively.app(page_token=TOKEN, is_loopback=False).test_client()

    def ask(token: str, address: str = "192.0.2.1") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get(
            "/api/token", base_url=HOST, headers=headers, environ_overrides={"REMOTE_ADDR": address}
        ).status_code

    statuses = [ask("wrong-token-number-x") for _ in range(25)]
    assert (statuses[:20], statuses[-1]) == ([401] * 20, 429)
    assert (ask(TOKEN), ask(TOKEN, "192.0.2.2")) == (429, 200)
    assert client.get("/", base_url=HOST, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 429


@pytest.mark.parametrize(
    ("name", "method", "address"), [("VISITS", "GET", "192.0.2.7"), ("CHANGES", "PUT", "192.0.2.8")]
)
def test_who_asks_or_changes_too_often_waits(
    lively: Lively, monkeypatch: pytest.MonkeyPatch, name: str, method: str, address: str
) -> None:
    monkeypatch.setattr(entrance, name, Limit(calls=3, seconds=60))
    client = lively.app(page_token=TOKEN, is_loopback=False).test_client()

    def ask(address: str) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        peer = {"REMOTE_ADDR": address}
        return client.open(
            "/api/connections/2/stock", method=method, base_url=HOST, headers=headers, json={}, environ_overrides=peer
        )

    answers = [ask(address) for _ in range(5)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert ask(f"{address}9").status_code != 429, "others go on"


def test_a_visitor_without_a_token_is_asked_for_it_however_often(lively: Lively) -> None:
    browser = Browser(lively.app(page_token=TOKEN, is_loopback=False))
    assert {browser.get("").status_code for _ in range(40)} == {401}


@pytest.mark.parametrize("frame", ["wordpress", "magento", "shopify"])
def test_ids_of_another_shop_lead_nowhere_inside_an_admin(lively: Lively, frame: str) -> None:
    """Every page and every form there is, asked for from inside another store's admin."""
    buffer, browser = {"content": {"buffer": 2}}, lively.browser()
    token = {"X-Csrf-Token": browser.client.get("/api/token", base_url=HOST).json["token"]}  # type: ignore[index]
    planned = browser.client.put("/api/connections/2/stock", base_url=HOST, json=buffer, headers=token)
    assert planned.status_code == 201
    with _inside(lively, frame) as ask:
        before, walked = _of_shop(lively), 0
        for page in places.PAGES:
            for path in _filled(lively, page.path):
                for act in (None, *page.acts):
                    status, shown = ask(path, act and {**_everything(lively), "do": act})
                    assert status == 404 if "<int" in page.path else status < 500, (frame, path, act, status)
                    assert lively.through not in shown, (frame, path, act)
                    walked += 1
        assert walked > 2 * len(places.PAGES)
        assert _of_shop(lively) == before


def _filled(lively: Lively, path: str) -> list[str]:
    """A page's addresses, with ids of the first shop that are nothing's in the other one."""
    ids, own = (
        {row.id for table in (Connection, Order, PlanRow) for row in lively.read(table, shop_id=shop_id)}
        for shop_id in (1, lively.other)
    )
    rule = next(rule for rule in _rules(lively) if rule.rule == f"/s/<public_id>/{path}")
    given = {name: sorted(ids - own) if f":{name}>" in path else ["mem0"] for name in rule.arguments - {"public_id"}}
    found = [path]
    for name, values in given.items():
        found = [re.sub(rf"<[^<>]*\b{name}>", str(value), one) for one in found for value in values]
    return found


@contextmanager
def _inside(lively: Lively, frame: str) -> Iterator[Any]:
    """The admin of the other shop's store: ``ask(path, form)`` gives a status and what is shown."""
    adapter = "shopify" if frame == "shopify" else "memstore"
    number = add_connection(
        lively.engine, lively.other, "platform", adapter=adapter, account=THEIRS,
        credentials={"access_token": "shpat_y"}, settings={},
    )  # fmt: skip
    with lively.world.db.write(lively.other) as session:
        session.add(ModuleRow(connection_id=number, secrets=[desks.MODULE_SECRET], made_at=lively.world.clock()))
    try:
        if frame != "shopify":
            module = desks.Inside(lively, frame)
            module.connection = number

            def ask(path: str, form: dict[str, str] | None) -> tuple[int, str]:
                told = desks.asked(
                    frame, "POST" if form else "GET", path, {}, form or {}, ["view", "change", "customers"]
                )
                answer = module.post(told, shop="other")
                assert answer.status_code == 200, answer.text
                return answer.json["status"], answer.json["html"] or ""

            yield ask
        else:
            with desks.installed(lively):
                client = lively.app().test_client(use_cookies=False)
                theirs = desks.token(dest=f"https://{THEIRS}", iss=f"https://{THEIRS}/admin")

                def ask(path: str, form: dict[str, str] | None) -> tuple[int, str]:
                    answer = client.open(
                        f"/apps/shopify/{path}", method="POST" if form else "GET", base_url=desks.BRIDGE, data=form,
                        headers={"Authorization": f"Bearer {theirs}"},
                    )  # fmt: skip
                    return answer.status_code, answer.text

                yield ask
    finally:
        with lively.world.db.write(lively.other) as session:
            session.delete(session.get_one(ModuleRow, number))
            session.flush()
            session.delete(session.get_one(Connection, number))


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "counted"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", 0, "192.0.2.1"),  # anybody can say that
        ("192.0.2.1", "203.0.113.9, 198.51.100.7", 1, "198.51.100.7"),
        ("192.0.2.1", "203.0.113.9, 198.51.100.7", 2, "203.0.113.9"),
        ("192.0.2.1", "198.51.100.7", 5, "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", 0, "198.51.100.7"),
        ("127.0.0.1", "", 0, "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "nonsense", 1, "unknown"),
    ],
)
def test_whose_calls_are_counted(peer: str, forwarded: str, proxies: int, counted: str) -> None:
    given = Request({"REMOTE_ADDR": peer, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})})
    assert caller(given, proxies) == counted


@pytest.fixture
def everywhere(tmp_path: Path) -> Iterator[tuple[Engine, FlaskClient]]:
    """A shop with an account on every platform and marketplace there is, each with a secret in every field for one; whoever
    is asked there refuses it."""
    settings = configuration.load({"data_dir": tmp_path, "demo": False})
    wire = httpx.MockTransport(lambda _: httpx.Response(401, json={"error": "no"}))
    make_tables(settings.effective_database_url)
    engine = bootstrap.bootstrap(settings, ring=lambda lanes: None, wire=wire)
    shop_id = add_shop(engine)
    for adapter in (*engine.platforms.values(), *engine.channels.values()):
        given = {item.name: f"{SEEDED}{item.name}" for item in adapter.manifest.credentials if item.kind == "secret"}
        url = {item.name: "https://shop.example" for item in adapter.manifest.credentials if item.kind == "url"}
        role, name = adapter.manifest.kind, adapter.name
        add_connection(engine, shop_id, role, adapter=name, account=name, credentials={**url, **given}, settings={})
    yield engine, create_web(engine, settings).test_client()
    bootstrap.close(engine)


def test_no_form_of_any_adapter_shows_a_secret_that_is_saved_or_was_typed(
    everywhere: tuple[Engine, FlaskClient],
) -> None:
    engine, client = everywhere
    with engine.db.read(1) as session:
        rows = {row.adapter: row.id for row in session.scalars(select(Connection))}
    asked = 0
    for name, number in rows.items():
        for path, do in ((f"accounts/{number}", "renew"), (f"connect/{name}", "connect")):
            form = client.get(f"/{path}", base_url=HOST, headers={"Accept": "text/html"})
            assert form.status_code == 200, path
            secrets = re.findall(r'<input[^>]*type="password"[^>]*>', form.text)
            fields = [found[1] for item in secrets if (found := re.search(r'name="([^"]+)"', item))]
            asked += len(fields)
            inputs = re.findall(r'<input[^>]*type="(?:text|url|number|password)"[^>]*>', form.text)
            for item in inputs:
                kept_by_browser = "new-password" if item in secrets else "off"
                assert f'autocomplete="{kept_by_browser}"' in item, "no browser fills in what it knows of the admin"
            csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
            assert csrf
            typed = dict.fromkeys(fields, "typed-secret-of-a-person")
            answer = client.post(f"/{path}", base_url=HOST, data={**typed, "do": do, "csrf": csrf[1]})
            for shown in (form.text, answer.text):
                assert SEEDED not in shown, path
                assert "typed-secret" not in shown, path
    assert asked > len(rows)
    with engine.db.read(1) as session:
        kept = [row.credentials for row in session.scalars(select(Connection))]
    assert "typed-secret" not in str(kept)
