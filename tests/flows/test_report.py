"""The validation report: every listing as it would be sent, and no more memory for many than for few."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import event, func, select

from bridge.cli import cli
from bridge.db.bulk import insert_rows
from bridge.db.tables import Connection, ImageRow, Listing, Product, Variant
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.checks import Limits
from bridge.domain.money import Money
from bridge.flows import report
from bridge.ports.errors import AskMerchant
from tests.support.world import World, ean

LIMITS = {"title": {"maximum": 12, "forbidden": ["url"]}, "brand": "recommended", "images": {"min_width": 100}}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=2)
    market = world.markets[0]
    market.manifest = market.manifest.model_copy(update={"checks": Limits.model_validate(LIMITS)})
    world.engine = replace(world.new_engine(), make_transport=world.engine.make_transport)
    yield world
    world.close()


def shelf(world: World, first: int, count: int) -> None:
    """Products as they were read, without asking a store for them."""
    now = world.clock()
    keys = [str(number) for number in range(first, first + count)]
    common = {"snapshot_version": 1, "read_at": now}
    with world.db.write(1) as session:
        products = [
            StoreProduct(
                external_id=key,
                title=f"Product {key}",
                description="<p>x</p>" * 50,
                images=(f"https://shop.example/{key}.jpg",),
            )
            for key in keys
        ]
        insert_rows(
            session,
            Product,
            [
                {"external_id": item.external_id, "title": item.title, "data": item.as_json(), **common}
                for item in products
            ],
        )
        ids = dict(session.execute(select(Product.external_id, Product.id)).all())
        reading = StockReading(pool="1", managed=False)
        variants = [
            StoreVariant(
                external_id=key,
                product_id=key,
                sku=f"S{key}",
                gtin=ean(int(key)),
                title="A mug",
                price=Money.of("5", "EUR"),
                stock=reading,
            )
            for key in keys
        ]
        insert_rows(session, Variant, [
            {"external_id": item.external_id, "product_id": ids[item.external_id], "sku": item.sku, "gtin": item.gtin, "title": item.title,
             "pool": item.external_id, "data": item.as_json(), "read_at": now} for item in variants
        ])  # fmt: skip


def told(world: World, number: int = 0, **more: object) -> dict[str, object]:
    with world.db.read(1) as session:
        row = report.marketplaces(session, f"mem{number}")[0]
    return report.report(world.engine, row, **more)  # type: ignore[arg-type]


@pytest.mark.both_databases
def test_every_listing_is_ready_or_says_what_it_lacks(world: World) -> None:
    world.store.add("OK", 1, gtin="4006381333931")
    for sku, title in (("LONG", "A very long title of a mug"), ("URL", "www.x.nl")):
        world.store.change(world.store.by_sku(world.store.add(sku, 1) and sku).sku or "", title=title)
    world.store.add("BAD", 1, gtin="123")
    world.store.add("TWIN", 1, gtin="4006381333931")
    for key, product in world.store.products.items():
        if product.variants[0].sku != "OK":
            world.store.products[key] = product.model_copy(
                update={"brand": "Acme", "edit_link": f"https://shop.example/{key}"}
            )
    world.settle(60, step=60)
    lines: dict[str, report.Line] = {}
    found = told(world, each=lambda line: lines.update({line.sku: line}))
    assert {sku: str(line.state) for sku, line in lines.items()} == {
        "OK": "blocked", "LONG": "warnings", "URL": "warnings", "BAD": "blocked", "TWIN": "blocked",
    }  # fmt: skip
    assert {key: found[key] for key in ("listings", "ready", "warnings", "blocked", "excluded")} == {
        "listings": 5, "ready": 0, "warnings": 2, "blocked": 3, "excluded": 0,
    }  # fmt: skip
    rules = {rule["rule"]: rule for rule in found["rules"]}  # type: ignore[attr-defined]
    assert {name: (rule["blocking"], rule["warnings"]) for name, rule in rules.items()} == {
        "gtin_double": (2, 0), "gtin": (1, 0), "brand_missing": (0, 1), "title_long": (0, 1), "forbidden_content": (0, 1),
    }  # fmt: skip
    assert rules["title_long"]["examples"][0] == {
        "sku": "LONG", "title": "A very long title of a mug", "site": "", "text": "The title has 26 characters; the marketplace takes 12, so it is cut.",
        "link": lines["LONG"].findings[0].link,
    }  # fmt: skip
    assert rules["title_long"]["examples"][0]["link"].startswith("https://shop.example/")
    # The same is stored with each listing, and the other marketplace, which demands nothing of all this, is told apart.
    with world.db.read(1) as session:
        stored = session.scalars(
            select(Listing.findings).where(Listing.sku == "LONG").order_by(Listing.connection_id)
        ).all()
    assert [[item["rule"] for item in findings] for findings in stored] == [["title_long"], []]
    assert told(world, 1)["warnings"] == 0


@pytest.mark.both_databases
def test_it_knows_what_became_of_pictures_and_changes_nothing(world: World) -> None:
    shelf(world, 1, 1)
    now = world.clock()
    url = "https://shop.example/1.jpg"
    from bridge.flows.images import _digest

    with world.db.write(1) as session:
        row = {
            "url_hash": _digest(url),
            "url": url,
            "content_type": "image/png",
            "width": 9,
            "height": 9,
            "error": "",
            "checked_at": now,
            "due_at": now,
        }
        insert_rows(session, ImageRow, [row])
    assert [rule["rule"] for rule in told(world)["rules"]] == ["brand_missing", "image_small"]  # type: ignore[attr-defined]
    with world.db.read(1) as session:
        assert session.scalar(select(func.count()).select_from(Listing)) == 0


@pytest.mark.both_databases
def test_one_products_bad_data_blocks_that_product_alone(world: World) -> None:
    shelf(world, 1, 70)
    with world.db.write(1) as session:
        broken = session.scalars(select(Variant).where(Variant.sku == "S40")).one()
        broken.data = {**broken.data, "price": {"amount": "a lot", "currency": "EUR"}}
    for number in (0, 1):
        lines: list[report.Line] = []
        told(world, number, each=lines.append)
        assert [line.sku for line in lines] == [f"S{number}" for number in range(1, 71)]
        assert [line.sku for line in lines if any(item.rule == "bad_data" for item in line.findings)] == ["S40"]


def test_memory_and_statements_of_a_chunk_do_not_grow_with_the_number_of_products(world: World) -> None:
    statements: list[str] = []
    event.listen(world.db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    def measured(expected: int) -> tuple[int, int]:
        statements.clear()
        tracemalloc.start()
        assert told(world)["listings"] == expected
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return len(statements), peak

    shelf(world, 1, report.CHUNK)
    told(world)
    few, small = measured(report.CHUNK)
    shelf(world, 10_000, 2 * report.CHUNK)
    many, large = measured(3 * report.CHUNK)
    # Two chunks more, each with the same statements however many are still to come.
    assert (many - few) % 2 == 0
    assert (many - few) // 2 <= 15
    assert large < 1.5 * small


def test_a_marketplace_nobody_knows_is_said(world: World) -> None:
    with world.db.read(1) as session, pytest.raises(AskMerchant, match="mem0, mem1"):
        report.marketplaces(session, "ebay")


def test_the_command_says_it_and_prints_json(tmp_path: Path) -> None:
    """Over an installation as it is: nothing but the database and the key."""
    key = Fernet.generate_key().decode()
    world = World(f"sqlite:///{tmp_path / 'storebridge.db'}", markets=1, key=key)
    shelf(world, 1, 2)
    with world.db.write(1) as session:
        session.scalars(select(Connection).where(Connection.role == "channel")).one().adapter = "bol"
        spoilt = session.scalars(select(Variant).where(Variant.sku == "S2")).one()
        spoilt.gtin, spoilt.data = "123", {**spoilt.data, "gtin": "123"}
    world.close()
    environment = {"STOREBRIDGE_DATA_DIR": str(tmp_path), "STOREBRIDGE_KEYS": key, "DATABASE_URL": "", "REDIS_URL": ""}

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["check", "--shop", "Shop", *arguments], env=environment)

    shown = run("--channel", "mem0", "--list", "--images")
    assert shown.exit_code == 0, shown.output
    assert "0 pictures were looked at." in shown.output
    assert "Market 0: 2 listings, 1 ready, 0 with warnings, 1 blocked" in shown.output
    assert "S2 on Market 0: blocked\n  blocks: The GTIN 123 has the wrong length. Enter the EAN" in shown.output
    [found] = json.loads(run("-C", "bol", "--json").output)
    assert (found["ready"], found["blocked"], found["rules"][0]["examples"][0]["sku"]) == (1, 1, "S2")
    rows = [json.loads(line) for line in run("--json", "--list").output.splitlines()]
    assert [row.get("sku") for row in rows] == ["S2", None]
    unknown = run("-C", "x")
    assert unknown.exit_code == 2
    assert "--channel: There is no marketplace 'x'" in unknown.output
