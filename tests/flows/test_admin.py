"""Connecting and letting go: proved before saved, renewed without a second copy, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db import work
from bridge.db.tables import Connection, FacetRow, Listing, Order, Poll, Product, TokenRow, Variant, Work
from bridge.flows import admin, allowance
from bridge.flows.allowance import Allowance
from bridge.flows.engine import LANES, Engine
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant, Reauthorise, RetryLater
from tests.support.accounts import GOOD_KEY, Outside, accounts_engine
from tests.support.engines import Rung

STORE = {"url": "https://toys.example/", "key": GOOD_KEY}
MARKET = {"key": GOOD_KEY}


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def world(database_url: str, rung: Rung) -> Iterator[tuple[Engine, Outside]]:
    engine, outside = accounts_engine(database_url, rung)
    yield engine, outside
    engine.db.close()


@pytest.fixture
def engine(world: tuple[Engine, Outside]) -> Engine:
    return world[0]


@pytest.fixture
def outside(world: tuple[Engine, Outside]) -> Outside:
    return world[1]


@pytest.fixture
def shop(engine: Engine) -> admin.Named:
    return admin.ensure_shop(engine, "Toys")


def _store(engine: Engine, shop: admin.Named, **credentials: str) -> admin.Connected:
    return admin.connect(engine, shop.id, "platform", "woocommerce", None, {**STORE, **credentials}, {}, {})


def _market(engine: Engine, shop: admin.Named, settings: dict[str, Any] | None = None, **more: Any) -> admin.Connected:
    given = {"account": None, "credentials": MARKET, "urls": {}, **more}
    return admin.connect(
        engine, shop.id, "channel", "bol", given["account"], given["credentials"], settings or {}, given["urls"]
    )


def _rows(engine: Engine, shop: admin.Named, table: Any) -> list[Any]:
    with engine.db.read(shop.id) as session:
        return list(session.scalars(select(table).order_by(*table.__table__.primary_key)))


def test_a_shop_is_made_once(engine: Engine) -> None:
    first = admin.ensure_shop(engine, "Toys")
    assert admin.ensure_shop(engine, " Toys ") == first
    assert admin.shops(engine) == [first]


def test_a_store_is_connected_with_webhooks_and_questions(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    done = _store(engine, shop)
    (row,) = _rows(engine, shop, Connection)
    assert (done.account, done.created, done.title) == ("toys.example", True, "WooCommerce – Toys")
    assert (row.state, row.info["currency"], row.credentials["url"]) == ("active", "EUR", "https://toys.example")
    url = f"https://bridge.example/hooks/{shop.public_id}/{row.id}"
    assert outside.webhooks == {url: row.webhook_secrets[0]}
    assert int(row.webhook_secrets[0], 16)
    assert {poll.flow for poll in _rows(engine, shop, Poll)} >= {"poll.products", "poll.webhooks"}


def test_a_channel_is_projected_whole_and_imports_from_now(engine: Engine, shop: admin.Named, rung: Rung) -> None:
    _store(engine, shop)
    before = engine.clock().replace(microsecond=0).isoformat()
    done = _market(engine, shop, {"buffer": "3"})
    row = admin.get(engine, shop.id, done.id)
    assert row.account == "bol"
    assert row.settings["buffer"] == 3
    assert before <= row.settings["import_from"] <= engine.clock().isoformat()
    assert {(item.kind, item.key, item.lane) for item in _rows(engine, shop, Work)} == {
        ("project.connection", "all", "sweep"),
        ("follow", "all", "shipments"),
    }
    assert set(rung.lanes) == set(LANES)


def test_refused_credentials_leave_nothing(engine: Engine, shop: admin.Named) -> None:
    with pytest.raises(Reauthorise):
        _store(engine, shop, key="wrong")
    assert _rows(engine, shop, Connection) == []


def test_refused_new_credentials_leave_the_old_ones(engine: Engine, shop: admin.Named) -> None:
    done = _market(engine, shop)
    with pytest.raises(Reauthorise):
        _market(engine, shop, credentials={"key": "wrong"})
    (row,) = _rows(engine, shop, Connection)
    assert (row.id, row.credentials, row.state) == (done.id, MARKET, "active")


@pytest.mark.parametrize(
    ("credentials", "settings", "urls", "field", "text"),
    [
        ({}, {}, {}, "key", "API key is missing: enter key. Shown once under Settings > API."),
        ({"kye": "x", **MARKET}, {}, {}, "kye", "no field 'kye' here; the fields are: key."),
        ({"key": "a\nb"}, {}, {}, "key", "line break"),
        (MARKET, {"buffer": "many"}, {}, "buffer", "Safety buffer: must be a whole number."),
        (MARKET, {"buffer": "-1"}, {}, "buffer", "must be 0 or more"),
        (MARKET, {"untracked": "maybe"}, {}, "untracked", "must be one of: zero, fixed."),
        (MARKET, {"backorders": "perhaps"}, {}, "backorders", "must be yes or no"),
        (MARKET, {"import_from": "yesterday"}, {}, "import_from", "Import orders from: is no time; write it like"),
        (MARKET, {}, {"api": "bol.com"}, "api", "Address 'api': is no web address"),
        (MARKET, {}, {"aip": "https://x.example"}, "aip", "the fields are: api, login"),
    ],
)
def test_errors_name_the_field_and_the_fix(
    engine: Engine, shop: admin.Named, credentials: Any, settings: Any, urls: Any, field: str, text: str
) -> None:
    with pytest.raises(FieldErrors) as caught:
        _market(engine, shop, settings, credentials=credentials, urls=urls)
    assert caught.value.field == field
    assert text in caught.value.errors[field]
    assert _rows(engine, shop, Connection) == []


def test_a_secret_never_stands_in_an_error(engine: Engine, shop: admin.Named) -> None:
    with pytest.raises(FieldErrors) as caught:
        _market(engine, shop, credentials={"key": "s3cr3t\x00value"})
    assert "s3cr3t" not in str(caught.value)


def test_unknown_adapters_and_roles_are_named(engine: Engine, shop: admin.Named) -> None:
    with pytest.raises(AskMerchant, match="installed are: bol"):
        admin.connect(engine, shop.id, "channel", "bool", None, {}, {}, {})
    with pytest.raises(AskMerchant, match="platform"):
        admin.connect(engine, shop.id, "shop", "bol", None, {}, {}, {})
    with pytest.raises(AskMerchant, match="letters, digits"):
        _market(engine, shop, account="a:b")


@pytest.mark.parametrize("store_first", [True, False])
def test_currencies_must_agree(engine: Engine, shop: admin.Named, outside: Outside, store_first: bool) -> None:
    outside.currency = "USD"
    steps = [_store, _market] if store_first else [_market, _store]
    steps[0](engine, shop)
    with pytest.raises(AskMerchant, match=r"The store sells in USD and bol.com.* in EUR") as caught:
        steps[1](engine, shop)
    assert caught.value.field == "currency"
    assert len(_rows(engine, shop, Connection)) == 1


def test_a_shop_has_one_store(engine: Engine, shop: admin.Named) -> None:
    _store(engine, shop)
    with pytest.raises(AskMerchant, match="already has the store WooCommerce – Toys"):
        _store(engine, shop, url="https://other.example")


def test_connecting_again_renews(engine: Engine, shop: admin.Named, rung: Rung) -> None:
    done = _market(engine, shop, {"buffer": 2})
    before = admin.get(engine, shop.id, done.id)
    _park(engine, shop, done.id)
    _token(engine, shop, done.id)
    rung.lanes.clear()
    again = _market(engine, shop, credentials={})
    row = admin.get(engine, shop.id, done.id)
    assert (again.id, again.created) == (done.id, False)
    assert (row.state, row.credentials, row.settings) == ("active", MARKET, before.settings)
    assert {item.parked for item in _rows(engine, shop, Work)} == {False}
    assert _rows(engine, shop, TokenRow) == []
    assert rung.lanes


def _park(engine: Engine, shop: admin.Named, connection_id: int) -> None:
    now = engine.clock()
    with engine.db.write(shop.id) as session:
        session.get_one(Connection, connection_id).state = "needs_reauth"
        session.add(
            Work(connection_id=connection_id, lane="orders", kind="orders.pull", key="changes", due_at=now,
                 first_marked_at=now, parked=True, attempts=8)
        )  # fmt: skip


def _token(engine: Engine, shop: admin.Named, connection_id: int) -> None:
    with engine.db.write(shop.id) as session:
        session.add(TokenRow(connection_id=connection_id, token={"access": "old"}))


def test_webhooks_that_cannot_be_set_up_are_a_warning(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    outside.webhooks_work = False
    done = _store(engine, shop)
    assert done.webhooks is None
    assert "asking every few minutes" in done.warnings[0]
    assert admin.get(engine, shop.id, done.id).state == "active"


def test_a_new_secret_leaves_the_old_one_valid_for_a_day(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    done = _store(engine, shop)
    old = admin.get(engine, shop.id, done.id).webhook_secrets[0]
    admin.rotate_webhook_secret(engine, shop.id, done.id)
    row = admin.get(engine, shop.id, done.id)
    new = row.webhook_secrets[0]
    assert list(outside.webhooks.values()) == [new]
    assert admin.valid_secrets(row, engine.clock()) == [new, old]
    assert admin.valid_secrets(row, engine.clock() + timedelta(hours=25)) == [new]
    admin.rotate_webhook_secret(engine, shop.id, done.id)
    assert old not in admin.get(engine, shop.id, done.id).webhook_secrets
    _store(engine, shop)
    assert len(admin.valid_secrets(admin.get(engine, shop.id, done.id), engine.clock())) == 2


def test_pause_and_resume(engine: Engine, shop: admin.Named) -> None:
    done = _market(engine, shop)
    admin.pause(engine, shop.id, done.id)
    assert admin.get(engine, shop.id, done.id).state == "paused"
    admin.resume(engine, shop.id, done.id)
    assert admin.get(engine, shop.id, done.id).state == "active"
    with pytest.raises(AskMerchant, match="not paused but active"):
        admin.resume(engine, shop.id, done.id)
    with pytest.raises(AskMerchant, match="no connection 999"):
        admin.pause(engine, shop.id, 999)
    admin.pause(engine, shop.id)
    admin.resume(engine, shop.id)


def _listings(engine: Engine, shop: admin.Named, connection_id: int, skus: list[str]) -> None:
    now = engine.clock()
    with engine.db.write(shop.id) as session:
        product = Product(external_id="1")
        session.add(product)
        session.flush()
        for sku in skus:
            variant = Variant(product_id=product.id, external_id=sku, sku=sku, pool=sku, read_at=now)
            session.add(variant)
            session.flush()
            listing = Listing(connection_id=connection_id, variant_id=variant.id, sku=sku, offer_id=f"offer-{sku}",
                              state="live", due_at=now)  # fmt: skip
            session.add(listing)
            session.flush()
            session.add(
                FacetRow(listing_id=listing.id, connection_id=connection_id, facet="stock", desired={"quantity": 5},
                         desired_version=4, acked_version=4, acked_hash="x", desired_at=now, due_at=now)
            )  # fmt: skip


@pytest.mark.both_databases
def test_disconnect_takes_listings_to_zero(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    done = _market(engine, shop)
    _listings(engine, shop, done.id, ["A", "B", "C", "D"])
    outside.refuses, outside.busy = {"B"}, {"C"}
    assert admin.stakes(engine, shop.id, done.id).live_listings == 4
    left = admin.disconnect(engine, shop.id, done.id, zero_listings=True)
    assert outside.stock == {"A": 0, "C": 0, "D": 0}
    assert (left.zeroed, left.refused) == (3, ("B: no",))
    row = admin.get(engine, shop.id, done.id)
    assert (row.state, row.credentials) == ("disconnected", {})
    assert _rows(engine, shop, Poll) == _rows(engine, shop, Work) == []
    assert {facet.acked_version for facet in _rows(engine, shop, FacetRow)} == {0}
    with pytest.raises(AskMerchant, match="disconnected already"):
        admin.disconnect(engine, shop.id, done.id, zero_listings=False)


def test_disconnect_that_breaks_off_leaves_everything_as_it_was(
    engine: Engine, shop: admin.Named, outside: Outside
) -> None:
    done = _market(engine, shop)
    _listings(engine, shop, done.id, ["A"])
    outside.away = True
    with pytest.raises(RetryLater):
        admin.disconnect(engine, shop.id, done.id, zero_listings=True)
    row = admin.get(engine, shop.id, done.id)
    assert (row.state, row.credentials) == ("active", MARKET)
    assert _rows(engine, shop, Poll)


def test_disconnect_can_leave_listings_as_they_are(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    done = _market(engine, shop)
    _listings(engine, shop, done.id, ["A"])
    admin.disconnect(engine, shop.id, done.id, zero_listings=False)
    assert outside.stock == {}


def test_disconnect_of_a_store_removes_its_webhooks(engine: Engine, shop: admin.Named, outside: Outside) -> None:
    done = _store(engine, shop)
    assert admin.disconnect(engine, shop.id, done.id, zero_listings=True).webhooks_removed == 5
    assert outside.webhooks == {}
    again = _store(engine, shop)
    assert (again.id, again.created) == (done.id, False)


def test_disconnect_of_a_store_that_is_gone_says_what_stays(
    engine: Engine, shop: admin.Named, outside: Outside
) -> None:
    done = _store(engine, shop)
    outside.webhooks_work = False
    left = admin.disconnect(engine, shop.id, done.id, zero_listings=False)
    assert "remove them there" in left.warnings[0]
    assert admin.get(engine, shop.id, done.id).state == "disconnected"


@pytest.mark.both_databases
def test_orders_between_disconnect_and_reconnect_are_not_ours(engine: Engine, shop: admin.Named) -> None:
    done = _market(engine, shop, {"import_from": "2026-01-01"})
    assert admin.get(engine, shop.id, done.id).settings["import_from"] == "2026-01-01T00:00:00+00:00"
    admin.disconnect(engine, shop.id, done.id, zero_listings=False)
    left = engine.clock()
    _market(engine, shop)
    assert admin.get(engine, shop.id, done.id).created_at > left
    assert admin.get(engine, shop.id, done.id).settings["import_from"] > "2026-01-02"


def test_the_demo_is_connected_once_and_moves_with_its_sandboxes(engine: Engine, outside: Outside) -> None:
    shop = admin.ensure_demo(engine, "http://127.0.0.1:8101", {"bol": "http://127.0.0.1:8102"})
    rows = _rows(engine, shop, Connection)
    assert [(row.adapter, row.sandbox, row.state) for row in rows] == [
        ("woocommerce", True, "active"),
        ("bol", True, "active"),
    ]
    assert rows[1].urls == {"api": "http://127.0.0.1:8102/retailer", "login": "http://127.0.0.1:8102"}
    checks = len(outside.checked)
    assert admin.ensure_demo(engine, "http://127.0.0.1:8101", {"bol": "http://127.0.0.1:8102"}) == shop
    assert len(outside.checked) == checks
    admin.ensure_demo(engine, "http://127.0.0.1:9101", {"bol": "http://127.0.0.1:8102"})
    moved = _rows(engine, shop, Connection)
    assert [row.id for row in moved] == [row.id for row in rows]
    assert moved[0].credentials["url"] == "http://127.0.0.1:9101"


@pytest.mark.both_databases
def test_which_shop_and_connection_is_meant(engine: Engine) -> None:
    with pytest.raises(AskMerchant, match="no shop yet"):
        admin.pick_shop(engine, None)
    demo = admin.ensure_demo(engine, "http://127.0.0.1:8101", {"bol": "http://127.0.0.1:8102"})
    assert admin.pick_shop(engine, None) == demo
    mine = admin.pick_shop(engine, None, create=True)
    assert mine.name == "My shop"
    assert admin.pick_shop(engine, None) == demo, "nothing is connected to the new shop yet"
    now = engine.clock()
    given = {"role": "platform", "adapter": "store", "account": "mine", "title": "Mine", "credentials": {}}
    with engine.db.write(mine.id) as session:
        session.add(Connection(**given, webhook_secrets=[], state_since=now, created_at=now))
    assert admin.pick_shop(engine, None) == mine
    assert admin.pick_shop(engine, "Demo shop") == demo
    with pytest.raises(AskMerchant, match="no single shop 'x'; there are: 'Demo shop', 'My shop'"):
        admin.pick_shop(engine, "x")
    assert admin.pick_connection(engine, demo.id, "bol").adapter == "bol"
    with pytest.raises(AskMerchant, match="names no single connection"):
        admin.pick_connection(engine, demo.id, "amazon")
    assert _rows(engine, mine, Order) == []


@pytest.mark.both_databases
def test_nothing_is_done_for_a_connection_that_is_still_being_proved(
    engine: Engine, shop: admin.Named, outside: Outside
) -> None:
    seen: list[str] = []

    def look() -> None:
        (row,) = _rows(engine, shop, Connection)
        with engine.db.write(shop.id) as session:
            work.mark(session, shop.id, [work.Mark(row.id, "orders", "orders.pull", "changes")], engine.clock())
        with engine.db.read(None) as session:
            seen.extend([row.state, *work.pending_scopes(session, None, engine.clock())])
        raise RetryLater("The marketplace does not answer.")

    outside.on_check = look
    with pytest.raises(RetryLater):
        _market(engine, shop)
    assert seen == ["connecting"]
    assert _rows(engine, shop, Connection) == _rows(engine, shop, Work) == []


def test_the_same_account_connected_twice_at_once_is_one_connection(
    engine: Engine, shop: admin.Named, outside: Outside
) -> None:
    together = threading.Barrier(4, timeout=20)
    outside.on_check = together.wait
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: _market(engine, shop), range(4)))
    assert len({item.id for item in done}) == 1
    assert [item.created for item in done].count(True) == 1
    assert len(_rows(engine, shop, Connection)) == 1


@pytest.mark.both_databases
def test_a_shop_has_no_more_marketplaces_than_its_operator_allows_and_loses_none(
    engine: Engine, shop: admin.Named
) -> None:
    _store(engine, shop)
    first = _market(engine, shop, account="one")
    assert allowance.shown(engine, shop.id) is None
    found = allowance.limit(engine, shop.id, 1, "Acme, help@acme.example")
    assert found == Allowance(1, 1, "Acme, help@acme.example")
    with pytest.raises(AskMerchant, match=r"1 of the 1 marketplaces it may have.* ask Acme, help@acme.example"):
        _market(engine, shop, account="two")
    with engine.db.read(shop.id) as session:
        assert [row.account for row in session.scalars(select(Connection).where(Connection.role == "channel"))] == [
            "one"
        ], "nothing is left of the try"
    # What is there is renewed, paused and set going as ever, and goes on where the limit is lowered.
    assert _market(engine, shop, account="one").id == first.id
    admin.pause(engine, shop.id, first.id)
    allowance.limit(engine, shop.id, 0)
    admin.resume(engine, shop.id, first.id)
    with engine.db.read(shop.id) as session:
        assert session.get_one(Connection, first.id).state == "active"
    # One that was let go makes room, and does not come back without.
    admin.disconnect(engine, shop.id, first.id, zero_listings=False)
    assert allowance.shown(engine, shop.id) == Allowance(0, 0)
    with pytest.raises(AskMerchant, match="whoever runs Storebridge"):
        _market(engine, shop, account="one")
    assert allowance.limit(engine, shop.id, None) is None
    assert _market(engine, shop, account="one").account == "one"
    _market(engine, shop, account="two")


@pytest.mark.both_databases
def test_two_who_connect_the_last_one_at_the_same_time_get_one(engine: Engine, shop: admin.Named) -> None:
    allowance.limit(engine, shop.id, 1)
    start = threading.Barrier(2)

    def go(account: str) -> str:
        start.wait(30)
        try:
            return _market(engine, shop, account=account).account
        except AskMerchant:
            return ""

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(go, ("one", "two")))
    assert sorted(map(bool, done)) == [False, True]
    assert allowance.shown(engine, shop.id) == Allowance(1, 1)
