"""What the migrations make is what the tables say."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import bindparam, inspect, text
from sqlalchemy.exc import IntegrityError

from bridge.config import database_url as with_driver
from bridge.db import migrations
from bridge.db.base import Json
from bridge.db.session import Database
from bridge.db.tables import Base
from bridge.flows import carriers


@pytest.fixture
def db(bare_database_url: str) -> Iterator[Database]:
    database = Database(with_driver(bare_database_url))
    yield database
    database.close()


def test_upgrade_gives_exactly_the_tables(db: Database) -> None:
    assert migrations.current(db) is None
    assert migrations.upgrade(db) is None
    assert migrations.is_current(db)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_indexes_are_those_of_the_tables(db: Database) -> None:
    migrations.upgrade(db)
    made = inspect(db.engine)
    for table in Base.metadata.sorted_tables:
        names = {index["name"] for index in made.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= names


def test_partial_indexes_are_partial(db: Database) -> None:
    migrations.upgrade(db)
    query = "SELECT indexdef FROM pg_indexes" if not db.is_sqlite else "SELECT sql FROM sqlite_master"
    with db.engine.connect() as connection:
        statements = [str(row[0]) for row in connection.execute(text(query))]
    for table in Base.metadata.sorted_tables:
        for index in table.indexes:
            if index.dialect_options["sqlite"]["where"] is not None:
                [statement] = [item for item in statements if f" {index.name} " in item]
                assert "WHERE" in statement


def test_downgrade_takes_everything_away_and_up_again(db: Database) -> None:
    migrations.upgrade(db)
    migrations.downgrade(db, "base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(db)
    assert migrations.is_current(db)


def test_upgrade_twice_changes_nothing_and_two_at_once_are_one(db: Database) -> None:
    errors: list[Exception] = []

    def upgrade() -> None:
        try:
            migrations.upgrade(db)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert migrations.upgrade(db) == migrations.head()


def test_a_newer_database_is_refused_and_left_alone(db: Database) -> None:
    migrations.upgrade(db)
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrations.NewerDatabase, match="9999"):
        migrations.upgrade(db)


def test_live_data_goes_up_and_down(db: Database) -> None:
    migrations.upgrade(db, "0002")
    at = "2026-11-23 08:00:00+00:00"
    rows = (
        f"INSERT INTO shops (id, public_id, name, created_at, paused, settings) VALUES (1, 's', 'S', '{at}', false, '{{}}')",
        (
            "INSERT INTO connections (id, shop_id, role, adapter, account, title, credentials, webhook_secrets, settings, urls,"
            " info, state, state_reason, state_since, created_at, sandbox) VALUES (1, 1, 'channel', 'x', 'x', 'X', '', '',"
            f" '{{}}', '{{}}', '{{}}', 'active', '', '{at}', '{at}', false)"
        ),
        "INSERT INTO products (id, shop_id, external_id, title, data, snapshot_version) VALUES (1, 1, '1', '', '{}', 0)",
        (
            "INSERT INTO variants (id, shop_id, product_id, external_id, title, pool, data, read_at)"
            f" VALUES (1, 1, 1, '1', '', '1', '{{}}', '{at}')"
        ),
        _listing(1, at),
        (
            "INSERT INTO orders (id, shop_id, connection_id, external_id, ref, fingerprint, currency, total, buyer, raw,"
            " placed_at, imported_at, channel_state, store_state) VALUES (1, 1, 1, 'o', 'x:o', '', 'EUR', '1.00', '', '',"
            f" '{at}', '{at}', 'open', 'ready')"
        ),
        (
            "INSERT INTO facets (id, shop_id, listing_id, connection_id, facet, desired, desired_hash, desired_version,"
            " desired_at, explain, priority, acked, acked_hash, acked_version, in_flight, due_at, attempts)"
            f" VALUES (1, 1, 1, 1, 'stock', '{{}}', '', 1, '{at}', '{{}}', 2, '{{}}', '', 1, false, '{at}', 0)"
        ),
    )
    with db.engine.begin() as connection:
        for row in rows:
            connection.execute(text(row))
    migrations.upgrade(db)
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT id, sku, site FROM listings")).all() == [(1, "A", "")]
        order = connection.execute(text("SELECT phase, accept_state, tax_by_channel, site FROM orders")).one()
        assert (order[0], order[1], bool(order[2]), order[3]) == ("ready", "", False, "")
        connection.execute(text(_listing(2, at, "DE")))
    migrations.downgrade(db, "0002")
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT id, sku FROM listings")).all() == [(1, "A")]
        assert connection.execute(text("SELECT count(*) FROM facets")).scalar() == 1
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(text(_listing(2, at)))
    migrations.upgrade(db)
    assert migrations.is_current(db)


def test_codes_that_amazon_was_told_of_carriers_stay_with_the_account(db: Database) -> None:
    migrations.upgrade(db, "0019")
    at = "2026-11-23 08:00:00+00:00"
    settings = (
        {"carrier_codes": ["Post NL=PostNL", "gls = GLS", "broken", "=X"], "carriers": ["GLS=MINE"], "region": "eu"},
        {"carrier_codes": [], "region": "eu"},
        {"carriers": ["DHL=DHL"]},
    )
    with db.engine.begin() as connection:
        shop = f"INSERT INTO shops (id, public_id, name, created_at, paused, settings) VALUES (1, 's', 'S', '{at}', false, '{{}}')"
        connection.execute(text(shop))
        for number, content in enumerate(settings, 1):
            connection.execute(
                text(
                    "INSERT INTO connections (id, shop_id, role, adapter, account, title, credentials, webhook_secrets, settings,"
                    " urls, info, state, state_reason, state_since, created_at, sandbox) VALUES (:id, 1, 'channel', 'amazon', :account,"
                    f" 'X', '', '', :settings, '{{}}', '{{}}', 'active', '', '{at}', '{at}', false)"
                ).bindparams(bindparam("settings", type_=Json)),
                {"id": number, "account": f"amazon-{number}", "settings": content},
            )
    migrations.upgrade(db)
    with db.engine.begin() as connection:
        query = text("SELECT settings FROM connections ORDER BY id").columns(settings=Json)
        found = list(connection.execute(query).scalars())
    assert found == [
        {"carriers": ["GLS=MINE", "Post NL=PostNL"], "region": "eu"},
        {"region": "eu"},
        {"carriers": ["DHL=DHL"]},
    ]
    assert carriers.chosen(found[0]) == {"GLS": "MINE", "Post NL": "PostNL"}


def test_reservations_of_bundles_go_up_and_down(db: Database) -> None:
    migrations.upgrade(db, "0020")
    at = "2026-11-23 08:00:00+00:00"
    rows = [
        f"INSERT INTO shops (id, public_id, name, created_at, paused, settings) VALUES (1, 's', 'S', '{at}', false, '{{}}')",
        (
            "INSERT INTO connections (id, shop_id, role, adapter, account, title, credentials, webhook_secrets, settings, urls,"
            " info, state, state_reason, state_since, created_at, sandbox) VALUES (1, 1, 'channel', 'x', 'x', 'X', '', '',"
            f" '{{}}', '{{}}', '{{}}', 'active', '', '{at}', '{at}', false)"
        ),
        "INSERT INTO products (id, shop_id, external_id, title, data, snapshot_version) VALUES (1, 1, '1', '', '{}', 0)",
        *(
            "INSERT INTO variants (id, shop_id, product_id, external_id, title, pool, data, read_at)"
            f" VALUES ({number}, 1, 1, '{number}', '', '{number}', '{{}}', '{at}')"
            for number in (1, 2)
        ),
        (
            "INSERT INTO orders (id, shop_id, connection_id, external_id, ref, fingerprint, currency, total, buyer, raw,"
            " placed_at, imported_at, channel_state, store_state, phase, accept_state, accept_rounds, tax_by_channel, site)"
            f" VALUES (1, 1, 1, 'o', 'x:o', '', 'EUR', '1.00', '', '', '{at}', '{at}', 'open', 'ready', 'ready', '', 0, false, '')"
        ),
        (
            "INSERT INTO order_lines (id, shop_id, order_id, external_id, title, quantity, cancelled, shipped, unit_price,"
            " total, fulfilled_by, cancellation_requested, variant_id, restocked)"
            " VALUES (1, 1, 1, 'l', '', 2, 0, 0, '1.00', '2.00', 'merchant', false, 1, 0)"
        ),
        _reservation(1, 1, 2, at),
    ]
    with db.engine.begin() as connection:
        for row in rows:
            connection.execute(text(row))
    migrations.upgrade(db)
    with db.engine.begin() as connection:
        known = connection.execute(text("SELECT quantity, per_unit, taken_by, taken, found FROM reservations")).all()
        assert [tuple(row) for row in known] == [(2, 1, "store", 0, None)]
        connection.execute(text(_reservation(2, 2, 4, at)))
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(text(_reservation(3, 2, 4, at)))
    migrations.downgrade(db, "0020")
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT id, variant_id, quantity FROM reservations")).all() == [(1, 1, 2)]
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(text(_reservation(3, 2, 4, at)))
    migrations.upgrade(db)
    assert migrations.is_current(db)


def test_what_rested_with_orders_or_with_all_rests_on(db: Database) -> None:
    migrations.upgrade(db, "0021")
    at = "2026-11-23 08:00:00+00:00"
    held = [(1, "orders", "Stocktaking"), (1, "price", ""), (2, "orders", "test mode"), (2, "stock", "test mode")]
    with db.engine.begin() as connection:
        shop = f"INSERT INTO shops (id, public_id, name, created_at, paused, settings) VALUES (1, 's', 'S', '{at}', false, '{{}}')"
        connection.execute(text(shop))
        for number in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO connections (id, shop_id, role, adapter, account, title, credentials, webhook_secrets, settings,"
                    f" urls, info, state, state_reason, state_since, created_at, sandbox) VALUES ({number}, 1, 'channel', 'x',"
                    f" 'x{number}', 'X', '', '', '{{}}', '{{}}', '{{}}', 'active', '', '{at}', '{at}', false)"
                )
            )
        for number, flow, reason in held:
            connection.execute(
                text(
                    "INSERT INTO holds (shop_id, connection_id, flow, reason, author, since)"
                    f" VALUES (1, {number}, '{flow}', '{reason}', 'Anna', '{at}')"
                )
            )
    migrations.upgrade(db)
    with db.engine.begin() as connection:
        found = {tuple(row) for row in connection.execute(text("SELECT connection_id, flow, reason FROM holds"))}
    rest = {(2, flow, "test mode") for flow in ("cancellation", "shipments", "refunds")}
    assert found == {*held, (1, "cancellation", "Stocktaking"), *rest}
    migrations.downgrade(db, "0021")
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM holds")).scalar() == len(held)


def _reservation(number: int, variant: int, units: int, at: str) -> str:
    return (
        "INSERT INTO reservations (id, shop_id, order_id, order_line_id, variant_id, pool, quantity, state, created_at)"
        f" VALUES ({number}, 1, 1, 1, {variant}, '{variant}', {units}, 'open', '{at}')"
    )


def _listing(number: int, at: str, site: str = "") -> str:
    name, value = ("site, ", f"'{site}', ") if site else ("", "")
    return (
        f"INSERT INTO listings ({name}id, shop_id, connection_id, variant_id, sku, wanted, state, pending, version, findings,"
        f" sale_reasons, due_at, attempts, drift_count) VALUES ({value}{number}, 1, 1, 1, 'A', true, 'live', false, 1, '[]',"
        f" '[]', '{at}', 0, 0)"
    )
