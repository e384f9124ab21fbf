"""A catalogue written straight into the database, for benchmarks whose subject begins behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows, update_rows
from bridge.db.tables import Connection, FacetRow, Listing, Product, Variant
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.money import Money
from bridge.flows import project
from bridge.flows.catalogue import TOGETHER
from bridge.flows.engine import Engine

CHUNK = 500
TEXT = "Made to be counted, compared and sent. " * 6


def ean13(number: int) -> str:
    digits = f"87{number:010d}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def sku(number: int) -> str:
    return f"BENCH-{number:06d}"


def variant(number: int, on_hand: int) -> StoreVariant:
    return StoreVariant(
        external_id=str(number),
        product_id=str(number),
        sku=sku(number),
        gtin=ean13(number),
        title=f"Benchmark product {number}",
        price=Money.of(f"{10 + number % 90}.95", "EUR"),
        stock=StockReading(pool=str(number), managed=True, on_hand=on_hand),
    )


def seed(engine: Engine, shop_id: int, count: int, on_hand: int) -> None:
    """``count`` products of one variant each, numbered from 1."""
    for start in range(1, count + 1, 5000):
        numbers = range(start, min(start + 5000, count + 1))
        engine.db.transact(shop_id, _insert, numbers, on_hand, engine.clock())


def _insert(session: Session, numbers: Sequence[int], on_hand: int, now: datetime) -> None:
    data = StoreProduct(external_id="1", title="Benchmark product", description=TEXT, brand="Bench").as_json()
    products = [
        {
            "external_id": str(number),
            "title": f"Benchmark product {number}",
            "data": {**data, "external_id": str(number), "title": f"Benchmark product {number}"},
            "snapshot_version": 1,
            "read_at": now,
        }
        for number in numbers
    ]
    insert_rows(session, Product, products)
    ids = _product_ids(session, numbers)
    template = variant(1, on_hand).as_json()
    insert_rows(session, Variant, [_variant_row(template, number, ids[number], on_hand, now) for number in numbers])


def _product_ids(session: Session, numbers: Sequence[int]) -> dict[int, int]:
    names = [str(number) for number in numbers]
    query = select(Product.external_id, Product.id).where(Product.external_id.in_(names))
    return {int(row[0]): row[1] for row in session.execute(query)}


def _variant_row(
    template: Mapping[str, Any], number: int, product_id: int, on_hand: int, now: datetime
) -> dict[str, Any]:
    name, gtin = str(number), ean13(number)
    data = {**template, "external_id": name, "product_id": name, "sku": sku(number), "gtin": gtin}
    data |= {"title": f"Benchmark product {number}", "stock": {**template["stock"], "pool": name}}
    return {
        "product_id": product_id,
        "external_id": name,
        "sku": sku(number),
        "gtin": gtin,
        "title": data["title"],
        "pool": name,
        "data": data,
        "on_hand": on_hand,
        "read_at": now,
    }


def project_all(engine: Engine, shop_id: int, event_at: datetime) -> None:
    """The listings of every variant on every channel of the shop, as the flows make them."""
    with engine.db.read(shop_id) as session:
        ids = list(session.scalars(select(Variant.id).order_by(Variant.id)))
    for chunk in _chunks(ids):
        engine.db.transact(shop_id, _project, engine, chunk, event_at)


def adopt(engine: Engine, shop_id: int, offers: Mapping[int, str]) -> None:
    """As if everything had been offered and acknowledged: ``offers`` are offer ids by variant number."""

    def act(session: Session) -> None:
        query = select(Listing.id, Variant.external_id).join(Variant, Variant.id == Listing.variant_id)
        rows = [
            {"id": row[0], "offer_id": offers[int(row[1])], "state": "live", "pending": False}
            for row in session.execute(query)
        ]
        update_rows(session, Listing, rows)
        values = {"acked": FacetRow.desired, "acked_hash": FacetRow.desired_hash}
        session.execute(
            update(FacetRow)
            .values(**values, acked_version=FacetRow.desired_version, in_flight=False)
            .execution_options(synchronize_session=False)
        )

    engine.db.transact(shop_id, act)


def change_stock(engine: Engine, shop_id: int, wanted: Mapping[int, int]) -> None:
    """New readings of stock, by variant number, followed through to what is to be sent; then the bell. In portions as
    readings are written, so that the workers get a word in."""
    for numbers in _chunks(sorted(wanted), TOGETHER):
        part = {str(number): wanted[number] for number in numbers}
        lanes = engine.db.transact(shop_id, _restock, engine, part)
        engine.ring(lanes)


def _restock(session: Session, engine: Engine, wanted: Mapping[str, int]) -> set[str]:
    found = session.scalars(select(Variant).where(Variant.external_id.in_(wanted))).all()
    for row in found:
        row.on_hand = wanted[row.external_id]
        row.data = {**row.data, "stock": {**row.data["stock"], "on_hand": row.on_hand}}
    session.flush()
    now = engine.clock()
    return project.project(session, project.channel_views(engine, session), [row.id for row in found], now, now)


def _project(session: Session, engine: Engine, ids: Sequence[int], event_at: datetime) -> set[str]:
    return project.project(session, project.channel_views(engine, session), ids, engine.clock(), event_at)


def unsent(engine: Engine, shop_id: int, facet: str = "stock") -> int:
    """How many listings still have a change of this facet to send."""
    with engine.db.read(shop_id) as session:
        return session.scalar(select(func.count()).select_from(pending(facet).subquery())) or 0


def pending(facet: str) -> Any:
    live = select(Listing.id).where(Listing.offer_id.is_not(None))
    query = select(FacetRow.id).where(FacetRow.facet == facet, FacetRow.desired_version > FacetRow.acked_version)
    return query.where(FacetRow.listing_id.in_(live))


def channel_rows(engine: Engine, shop_id: int) -> list[Connection]:
    with engine.db.read(shop_id) as session:
        return list(session.scalars(select(Connection).where(Connection.role == "channel").order_by(Connection.id)))


def _chunks(ids: Sequence[int], size: int = CHUNK) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
