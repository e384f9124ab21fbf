"""Installed as an app: signing in from the store's admin, the first visit, removal and return, and the store's webhooks."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from bridge import app as bootstrap
from bridge.db.tables import Connection, Delivery, Order, Problem, Shop, TokenRow, Work
from bridge.flows import installing, privacy
from bridge.ports.http import patience
from platform_adapters.shopify.sandbox import SANDBOX_CLIENT, SANDBOX_SECRET
from tests.support.store_app import BEFORE, HOME, STORE, Place, open_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as found:
        yield found


class TestSignIn:
    def test_the_first_visit_connects_the_store_and_the_next_one_finds_it(self, place: Place) -> None:
        first = place.open(place.session_token())
        assert (first.status_code, "Sandbox Store" in first.text) == (200, True)
        row = place.row()
        assert (row.account, row.state, row.credentials) == (STORE, "active", {"url": f"https://{STORE}"})
        assert place.open(place.session_token()).status_code == 200
        assert place.web.get(HOME, headers={"Authorization": f"Bearer {place.session_token()}"}).status_code == 200
        assert len(place.grants()) == 1
        assert (place.count(Shop), place.count(TokenRow)) == (1, 1)

    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": 1},
            {"nbf": 9999999999},
            {"aud": "another-app"},
            {"dest": "https://other.myshopify.com"},
            {"iss": "https://evil.example/admin", "dest": "https://evil.example"},
        ],
    )
    def test_a_token_that_is_not_right_is_none(self, place: Place, claims: dict[str, Any]) -> None:
        answer = place.web.get(HOME, headers={"Authorization": f"Bearer {place.session_token(**claims)}"})
        assert answer.status_code == 401
        assert answer.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
        assert place.count(Connection) == 0

    def test_a_token_signed_by_somebody_else(self, place: Place) -> None:
        head, body, _ = place.session_token().split(".")
        assert place.web.get(HOME, headers={"Authorization": f"Bearer {head}.{body}.AAAA"}).status_code == 401

    def test_a_page_without_a_token_is_sent_to_get_one(self, place: Place) -> None:
        answer = place.open()
        assert answer.status_code == 302
        target = urlsplit(answer.headers["Location"])
        back = parse_qs(target.query)["shopify-reload"][0]
        assert (target.path, urlsplit(back).path, "id_token" in back) == ("/apps/shopify/bounce", HOME, False)
        bounce = place.web.get(answer.headers["Location"])
        assert "app-bridge.js" in bounce.text
        assert f'content="{SANDBOX_CLIENT}"' in bounce.text
        # The admin's script comes first of all.
        assert bounce.text.index("app-bridge.js") < bounce.text.index("<title>")

    def test_what_cannot_be_shown_is_a_page_in_the_admins_language_and_a_line_for_its_script(
        self, place: Place
    ) -> None:
        place.control("faults", kind="error", params={"status": 503}, times=None)
        with patience(0.1):
            page = place.open(place.session_token(), locale="de")
            bearer = {"Authorization": f"Bearer {place.session_token()}", "Accept-Language": "de-AT, en;q=0.5"}
            line = place.web.get(HOME, headers={**bearer, "Accept": "text/html"})
        assert (page.status_code, page.mimetype) == (503, "text/html")
        assert '<s-page heading="Derzeit nicht verfügbar"' in page.text
        assert "Noch einmal versuchen" in page.text
        assert page.headers["X-Request-Id"] in page.text
        assert (line.status_code, line.mimetype) == (503, "text/plain")
        assert line.text.startswith("Shopify: sandbox.myshopify.com hat selbst eine Störung (503). Versuchen Sie"), (
            line.text
        )
        nobody = place.web.get(f"{HOME}bounce?locale=nl")
        assert (nobody.status_code, '<html lang="nl">' in nobody.text) == (400, True)

    def test_an_address_that_is_signed_wrongly_is_not_believed(self, place: Place) -> None:
        answer = place.open(place.session_token(), hmac="00", timestamp="1")
        assert answer.status_code == 302
        assert place.count(Connection) == 0

    def test_only_the_stores_own_admin_may_frame_it(self, place: Place) -> None:
        frames = f"frame-ancestors https://{STORE} https://admin.shopify.com;"
        for answer in (place.open(), place.open(place.session_token()), place.web.get(f"{HOME}bounce?shop={STORE}")):
            assert frames in answer.headers["Content-Security-Policy"]
            assert "*" not in answer.headers["Content-Security-Policy"]
            assert "Set-Cookie" not in answer.headers
        for odd in ("evil.example", "evil.example/.myshopify.com", "a.myshopify.com.evil.example", "*"):
            answer = place.web.get(HOME, query_string={"shop": odd})
            assert answer.status_code == 401
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    def test_a_token_that_ran_out_on_the_way_is_asked_for_again(self, place: Place) -> None:
        token = place.session_token()
        place.control("clock", advance=120)
        answer = place.open(token)
        assert answer.status_code == 503
        assert place.count(Shop) == 0

    def test_without_keys_there_is_no_app(self, place: Place) -> None:
        place.engine.apps = {}
        assert place.open(place.session_token()).status_code == 404
        assert place.tell("products/update", {"id": 1}) == 404


class TestTokens:
    def test_renewed_when_it_ends_by_the_refresh_token_of_its_own(self, place: Place) -> None:
        place.open(place.session_token())
        place.shift = timedelta(hours=2)
        place.control("clock", advance=7200)
        platform = place.engine.platform(place.row())
        platform.list_products(None, None)
        platform.list_products(None, None)
        assert place.grants()[1:] == ["refresh_token"]

    def test_eight_workers_renew_it_once(self, place: Place) -> None:
        place.open(place.session_token())
        place.shift = timedelta(hours=2)
        place.control("clock", advance=7200)
        row = place.row()
        adapter = place.engine.adapter(row)
        workers = [adapter.connect(place.engine.connection(row)) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            pages = list(pool.map(lambda platform: platform.list_products(None, None), workers))
        assert [page.items for page in pages] == [()] * 8
        assert place.grants().count("refresh_token") == 1

    def test_idle_stores_are_renewed_weekly(self, place: Place) -> None:
        place.open(place.session_token())
        with place.engine.db.write(None) as session:
            session.execute(update(Connection).values(state="paused"))
        assert installing.keep_alive(place.engine) == 0
        for week in range(1, 15):  # longer than a refresh token lives
            place.shift = timedelta(days=8 * week)
            place.control("clock", advance=8 * 86400)
            assert installing.keep_alive(place.engine) == 1
        assert place.grants().count("refresh_token") == 14

    def test_no_token_is_shown_anywhere(self, place: Place) -> None:
        page = place.open(place.session_token()).text
        bootstrap.flush(place.engine)
        with place.engine.db.read(None) as session:
            journal = repr(list(session.connection().exec_driver_sql("SELECT text, detail FROM journal")))
        for secret in ("shpat_", "shprt_", SANDBOX_SECRET):
            assert secret not in page + journal


class TestComingAndGoing:
    def test_removed_forgotten_and_installed_again(self, place: Place) -> None:
        place.open(place.session_token())
        place.control("uninstall")
        assert place.tell("app/uninstalled", {"id": 1}) == 200
        row = place.row()
        assert (row.state, row.credentials) == ("disconnected", {})
        assert place.count(TokenRow) == 0
        with place.engine.db.read(None) as session:
            assert session.scalars(select(Problem.kind)).all() == ["store_left"]
        place.control("install")
        assert place.open(place.session_token()).status_code == 200
        assert (place.row().state, place.count(Shop)) == ("active", 1)
        with place.engine.db.read(None) as session:
            assert session.scalars(select(Problem).where(Problem.closed_at.is_(None))).all() == []
        # Told again hours later, with the first payload.
        assert place.tell("app/uninstalled", {"id": 1}) == 200
        assert place.row().state == "active"

    def test_a_store_that_does_not_answer_is_not_let_go(self, place: Place) -> None:
        place.open(place.session_token())
        place.control("faults", kind="error", params={"status": 503}, times=None)
        with patience(0.1):
            assert place.tell("app/uninstalled", {"id": 1}) == 503
        assert place.row().state == "active"


class TestHooks:
    def test_a_hint_is_kept_once_under_its_own_name(self, place: Place) -> None:
        place.open(place.session_token())
        for name, body in (("one", {"id": 7}), ("one", {"id": 7}), ("two", {"id": 7})):
            assert place.tell("products/update", body, name=name) == 200
        assert place.count(Delivery) == 2
        with place.engine.db.read(None) as session:
            kinds = session.scalars(select(Work.kind).where(Work.key == "7")).all()
        assert kinds == ["product.read"]

    def test_signatures(self, place: Place) -> None:
        assert place.tell("products/update", {"id": 7}, secret="guessed") == 401
        assert place.tell("shop/redact", {"shop_domain": STORE}, secret="") == 401
        assert place.tell("products/update", {"id": 7}, secret=BEFORE) == 200

    def test_a_store_nobody_knows_and_a_body_that_makes_no_sense(self, place: Place) -> None:
        assert place.tell("products/update", {"id": 7}, store="unknown.myshopify.com") == 200
        assert place.tell("products/update", {"no": "id"}) == 400
        assert place.tell("products/update", {"id": 7}, store="evil.example") == 400
        assert place.count(Delivery) == 0


BUYER = {"ship_to": {"first_name": "Ada", "city": "Utrecht"}, "bill_to": None, "note": ""}


def sell(place: Place, *store_ids: str) -> None:
    """Orders that were made in the store."""
    row = place.row()
    now = place.engine.clock()
    with place.engine.db.write(row.shop_id) as session:
        for key in store_ids:
            session.add(
                Order(
                    connection_id=row.id,
                    external_id=f"M{key}",
                    ref=f"bol:M{key}",
                    currency="EUR",
                    total="12.10",
                    buyer=BUYER,
                    raw={"street": "Domplein"},
                    placed_at=now,
                    imported_at=now,
                    store_order_id=key,
                    store_number=f"#{key}",
                )
            )


def orders(place: Place) -> dict[str | None, Order]:
    with place.engine.db.read(None) as session:
        return {row.store_order_id: row for row in session.scalars(select(Order))}


class TestPrivacy:
    def test_a_buyer_asks_what_is_held(self, place: Place) -> None:
        place.open(place.session_token())
        sell(place, "1", "2")
        body = {"shop_domain": STORE, "customer": {"id": 5, "email": "ada@example.com"}, "orders_requested": [1]}
        assert place.tell("customers/data_request", body) == 200
        [told] = privacy.requests(place.engine)
        report = privacy.request(place.engine, told["id"])["report"]
        assert (told["kind"], told["done_at"] is not None) == ("export", True)
        [order] = report["orders"]
        assert (order["order"], order["buyer"]["ship_to"]["first_name"]) == ("bol:M1", "Ada")
        with place.engine.db.read(None) as session:
            assert f"storebridge privacy {told['id']}" in session.scalars(select(Problem.fix)).one()

    def test_a_buyer_is_erased_for_good_and_only_this_one(self, place: Place) -> None:
        place.open(place.session_token())
        sell(place, "1", "2")
        place.tell("orders/updated", {"id": 1, "email": "ada@example.com"})
        body = {"shop_domain": STORE, "customer": {"id": 5}, "orders_to_redact": [1]}
        for _ in range(2):
            assert place.tell("customers/redact", body, name="r") == 200
        found = orders(place)
        assert (found["1"].buyer, found["1"].raw, found["1"].total) == ({}, {}, "12.10")
        assert found["2"].buyer == BUYER
        assert place.count(Delivery) == 0
        [told] = privacy.requests(place.engine)
        assert privacy.request(place.engine, told["id"])["report"]["erased"] == {
            "orders": 1,
            "returns": 0,
            "deliveries": 1,
        }

    def test_a_store_that_left_is_erased_whole_and_the_report_stays(self, place: Place) -> None:
        place.open(place.session_token())
        sell(place, "1")
        place.control("uninstall")
        place.tell("app/uninstalled", {"id": 1})
        assert place.tell("shop/redact", {"shop_domain": STORE}) == 200
        assert [place.count(table) for table in (Shop, Connection, Order, TokenRow)] == [0, 0, 0, 0]
        [told] = privacy.requests(place.engine)
        erased = privacy.request(place.engine, told["id"])["report"]["erased"]
        assert {name: erased[name] for name in ("orders", "accounts", "shops")} == {
            "orders": 1,
            "accounts": 1,
            "shops": 1,
        }

    def test_a_store_that_came_back_is_not(self, place: Place) -> None:
        place.open(place.session_token())
        sell(place, "1")
        assert place.tell("shop/redact", {"shop_domain": STORE}) == 200
        assert orders(place)["1"].buyer == BUYER

    def test_a_store_nobody_knows_has_a_report_too(self, place: Place) -> None:
        assert place.tell("customers/redact", {"shop_domain": "nobody.myshopify.com", "orders_to_redact": [1]}) == 200
        assert place.tell("customers/redact", {"orders_to_redact": [1]}) == 400
        [told] = privacy.requests(place.engine)
        assert privacy.request(place.engine, told["id"])["report"]["found"] == 0


def test_the_app_file_says_what_shopify_has_to_know(place: Place) -> None:
    app = place.engine.platforms["shopify"].app
    assert app is not None
    told = tomllib.loads(app.files("abc", "https://bridge.example/")["shopify.app.toml"])
    assert (told["client_id"], told["application_url"]) == ("abc", "https://bridge.example/apps/shopify/")
    assert (told["embedded"], told["access_scopes"]["use_legacy_install_flow"]) == (True, False)
    least = "read_fulfillments,read_inventory,read_locations,read_products,write_orders"
    assert told["access_scopes"]["scopes"] == f"{least},write_returns"
    assert told["access_scopes"]["optional_scopes"] == ["write_inventory"]
    assert told["webhooks"]["api_version"] == "2026-10"
    rows = told["webhooks"]["subscriptions"]
    assert {row["uri"] for row in rows} == {"https://bridge.example/apps/shopify/hooks"}
    topics = [topic for row in rows for topic in row.get("topics", ())]
    assert len(topics) == len(set(topics)) == 11
    compliance = [topic for row in rows for topic in row.get("compliance_topics", ())]
    assert compliance == ["customers/data_request", "customers/redact", "shop/redact"]
