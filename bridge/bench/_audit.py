"""What must hold when everything has come to rest, judged by the books of the sandboxes and not by what we believe."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from redis import Redis
from sqlalchemy import func, select

from bridge.bench._chaos import Done, marketplace_ref
from bridge.bench._markets import STORE, Markets
from bridge.db.tables import Journal, Order, Problem, Reservation, Variant, Work
from bridge.flows import admin
from bridge.ports.adapter import Adapter

Orders = Mapping[str, Sequence[Mapping[str, Any]]]
NAMELESS = 6
WRONGS = ("lost", "doubled", "wrong amounts", "parcels not told or told twice", "wrong quantities")


class Audit:
    """``differences`` is empty when every order is in the store exactly once and to the cent, every parcel was told
    once, and every marketplace shows what there is."""

    def __init__(self, world: Markets, done: Done) -> None:
        self.world, self.done = world, done

    def differences(self) -> dict[str, list[str]]:
        """By what is wrong, a sentence for each case."""
        in_store: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for order in self.world.store.get("orders"):
            if order["status"] != "trash" and (ref := marketplace_ref(order)):
                in_store[ref].append(order)
        doubled = (f"order {ref} is {len(ones)} times in the store" for ref, ones in in_store.items() if ones[1:])
        wrong = (
            self._lost(in_store), doubled, self._wrong_amounts(in_store), self._parcels(in_store), self._quantities()
        )  # fmt: skip
        found = {what: list(cases) for what, cases in zip(WRONGS, wrong, strict=True)}
        return {what: cases for what, cases in found.items() if cases}

    def _lost(self, in_store: Orders) -> Iterator[str]:
        for name, market in self.world.markets.items():
            for order in market.control.get("orders"):
                if order["order_id"] not in in_store and not _is_cancelled(order):
                    yield f"order {order['order_id']} of {name} ({order['status']}) is not in the store"

    def _wrong_amounts(self, in_store: Orders) -> Iterator[str]:
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            said = {row.external_id: Decimal(row.total) for row in session.scalars(select(Order))}
        for ref, orders in in_store.items():
            for order in orders:
                if ref not in said:
                    yield f"order {ref} is in the store and not known here"
                elif Decimal(order["total"]) != said[ref]:
                    yield f"order {ref}: {order['total']} in the store, {said[ref]} on the marketplace"

    def _parcels(self, in_store: Orders) -> Iterator[str]:
        orders = {o["order_id"]: o for market in self.world.markets.values() for o in market.control.get("orders")}
        told = {
            ref: Counter(json.dumps(parcel, sort_keys=True) for parcel in order["shipments"])
            for ref, order in orders.items()
        }
        numbers = {order["id"]: ref for ref, ones in in_store.items() for order in ones}
        asked = self._asked("shipped_cancelled")
        for store_order, tracking in self.done.shipped.items():
            ref = numbers.get(store_order, "")
            times = [count for parcel, count in told.get(ref, Counter()).items() if tracking in parcel]
            if not times and _is_cancelled(orders[ref]) and any(ref in subject for subject in asked):
                continue  # the buyer was faster: the merchant is told to stop the parcel
            if not times:
                yield f"order {ref} was shipped with {tracking}, and its marketplace was not told"
            elif max(times) > 1:
                yield f"order {ref}: {tracking} was told {max(times)} times"

    def _quantities(self) -> Iterator[str]:
        shelf, held = self.world.store.get("stock"), self._held()
        for name, market in self.world.markets.items():
            for offer in market.control.get("offers"):
                sku = offer["sku"]
                if sku not in self.world.skus:
                    continue
                meant = max(0, int(shelf.get(sku) or 0) - held.get(sku, 0))
                if offer["stock"] != meant:
                    yield f"{sku} on {name}: {offer['stock']} shown, {meant} meant"

    def _held(self) -> dict[str, int]:
        query = (
            select(Variant.sku, func.sum(Reservation.quantity))
            .join(Variant, Variant.id == Reservation.variant_id)
            .where(Reservation.state != "released")
            .group_by(Variant.sku)
        )
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            return {sku: int(count) for sku, count in session.execute(query).all() if sku}

    def _asked(self, kind: str) -> list[str]:
        """What the open problems of a kind are about."""
        query = select(Problem.subject).where(Problem.kind == kind, Problem.closed_at.is_(None))
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            return list(session.scalars(query))

    def problems(self) -> dict[str, int]:
        """Open problems by kind."""
        query = select(Problem.kind, func.count()).where(Problem.closed_at.is_(None)).group_by(Problem.kind)
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            return {kind: int(count) for kind, count in session.execute(query).all()}

    def leaks(self) -> dict[str, int]:
        """Where a credential or a buyer can be read, and how many of them."""
        wanted = self._secrets() | self._buyers()
        found = {place: sum(secret in text for secret in wanted) for place, text in self._places()}
        return {place: count for place, count in found.items() if count}

    def _places(self) -> Iterator[tuple[str, str]]:
        for path in self.world.parts.folder.rglob("*.log"):
            if not path.name.startswith("sandbox-"):
                yield path.name, path.read_text(errors="replace")
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            for table in (Journal, Problem, Work):
                rows = session.scalars(select(table))
                yield table.__tablename__, "\n".join(_columns(row) for row in rows)
        with Redis.from_url(self.world.parts.redis_url) as redis:
            yield "the queue", "\n".join(_everything(redis))

    def _secrets(self) -> set[str]:
        engine = self.world.parts.engine
        pairs = [(engine.platforms[STORE], self.world.store.url)]
        pairs += [(engine.channels[name], market.control.url) for name, market in self.world.markets.items()]
        return {secret for adapter, url in pairs for secret in _secret_values(adapter, url)}

    def _buyers(self) -> set[str]:
        found: set[str] = set()
        for order in self.world.store.get("orders"):
            person = order["shipping"]
            found |= {person[key] for key in ("address_1", "last_name") if len(person[key]) > NAMELESS}
            found |= {order["billing"].get("email") or ""} - {""}
        return found


def _secret_values(adapter: Adapter, url: str) -> set[str]:
    given, _ = admin.sandbox_place(adapter, url)
    secret = {field.name for field in adapter.manifest.credentials if field.kind == "secret"}
    return {str(value) for name, value in given.items() if name in secret and len(str(value)) > NAMELESS}


def _is_cancelled(order: Mapping[str, Any]) -> bool:
    if "cancel" in str(order["status"]).lower():
        return True
    lines = order["lines"]
    return bool(lines) and all(line.get("cancelled", 0) >= line.get("quantity", 1) for line in lines)


def _columns(row: Any) -> str:
    return " ".join(str(getattr(row, column.key)) for column in row.__table__.columns)


def _everything(redis: Any) -> Iterator[str]:
    reads = {b"string": redis.get, b"hash": redis.hgetall, b"set": redis.smembers}
    for key in redis.scan_iter():
        kind = redis.type(key)
        if kind == b"list":
            value = redis.lrange(key, 0, -1)
        elif kind == b"zset":
            value = redis.zrange(key, 0, -1)
        elif kind == b"stream":
            value = redis.xrange(key)
        else:
            value = reads[kind](key)
        yield f"{key} {value}"
