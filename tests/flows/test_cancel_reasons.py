"""Why something was cancelled, from the store to the marketplace and back."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.db.tables import Connection
from bridge.domain.order import CancelReason, StoreOrderStatus
from bridge.flows import cancel_reasons
from bridge.flows.forms import FieldErrors
from bridge.ports.manifest import CancelReasons, Manifest
from bridge.registry import discover
from tests.support.needs import needs
from tests.support.world import MemoryMarket, World

CODES = {"CUSTOMER": "the customer wanted it", "INVENTORY": "too little stock", "OTHER": "another reason"}
TELLS = dict.fromkeys(CancelReason, "OTHER") | {
    CancelReason.BUYER_REQUEST: "CUSTOMER",
    CancelReason.OUT_OF_STOCK: "INVENTORY",
}
READS = {"CUSTOMER": CancelReason.BUYER_REQUEST, "INVENTORY": CancelReason.OUT_OF_STOCK, "OTHER": CancelReason.OTHER}
REASONS = CancelReasons(codes=CODES, tells=TELLS, reads=READS)
STORE = Manifest(name="s", title="S", kind="platform", capabilities=(), cancel_reasons=REASONS)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("settings", "word", "found"),
    [
        ({}, "", CancelReason.OTHER),
        ({}, "CUSTOMER", CancelReason.BUYER_REQUEST),
        ({}, "something else", CancelReason.OTHER),
        ({"store_cancellation_reason": "price_error"}, "something else", CancelReason.PRICE_ERROR),
        ({"store_cancellation_reason": "price_error"}, "OTHER", CancelReason.PRICE_ERROR),
        ({"store_cancellation_reason": "price_error"}, "INVENTORY", CancelReason.OUT_OF_STOCK),
        ({"store_reasons": ["inventory=damaged"]}, "INVENTORY", CancelReason.DAMAGED),
        ({"store_reasons": ["broken=damaged", "sold out=out_of_stock"]}, "Was sold out, sorry", "out_of_stock"),
        ({"store_reasons": ["broken=nonsense"]}, "broken", CancelReason.OTHER),
    ],
)
def test_the_stores_word_is_read_by_the_merchants_table_first(
    settings: dict[str, Any], word: str, found: CancelReason
) -> None:
    assert cancel_reasons.read(STORE, settings, word) == found


def test_the_buyers_wish_is_told_for_nothing_else() -> None:
    assert cancel_reasons.written(STORE, CODES, {"damaged": "INVENTORY", "other": ""}) == ["damaged=INVENTORY"]
    assert cancel_reasons.written(STORE, CODES, {"buyer_request": "CUSTOMER"}) == ["buyer_request=CUSTOMER"]
    with pytest.raises(FieldErrors) as wrong:
        cancel_reasons.written(STORE, CODES, {"damaged": "CUSTOMER", "price_error": "NONE"})
    assert set(wrong.value.errors) == {"told.damaged", "told.price_error"}
    with pytest.raises(FieldErrors) as wrong:
        cancel_reasons.written_words([("?", "other"), ("Left out", ""), ("Gone", "damaged"), ("gone ", "other")])
    assert set(wrong.value.errors) == {"word.0", "word.3"}


def _reasons(market: MemoryMarket) -> list[CancelReason]:
    return [value for operation, _, value in market.writes if operation == "cancel_line"]


@pytest.mark.both_databases
def test_both_sides_are_told_why(world: World) -> None:
    world.store.manifest = world.store.manifest.model_copy(update={"cancel_reasons": REASONS})
    world.engine = world.new_engine()
    world.store.add("A", 9)
    world.settle(60, step=60)
    market = world.markets[0]

    def act(session: Any) -> None:
        row = session.get_one(Connection, 2)
        row.settings = {
            **row.settings,
            "cancel_reasons": ["out_of_stock=GONE"],
            "store_cancel_codes": ["other=INVENTORY"],
        }

    world.db.transact(1, act)
    keys = [market.buy(("A", 1)) for _ in range(3)]
    world.settle(400)
    orders = {order.marketplace_ref: order.external_id for order in world.store.orders.values()}
    words = ("INVENTORY", "CUSTOMER")
    for key, word in zip(keys[:2], words, strict=True):
        number = orders[f"mem0:{key}"]
        cancelled = {"status": StoreOrderStatus.CANCELLED, "raw_status": "cancelled", "cancel_reason": word}
        world.store.update(number, **cancelled)
        world.hint_order(number)
    world.settle(400)
    assert sorted(zip(_reasons(market), market.codes, strict=True)) == [
        (CancelReason.BUYER_REQUEST, ""),
        (CancelReason.OUT_OF_STOCK, "GONE"),
    ]
    market.alter(keys[2], f"{keys[2]}-0", cancelled=1)
    world.settle(900)
    assert world.store.told == [("Cancelled on Market 0.", "INVENTORY")]


@pytest.mark.both_databases
def test_what_the_buyer_asked_for_is_told_to_the_store_as_such(world: World) -> None:
    world.store.manifest = world.store.manifest.model_copy(update={"cancel_reasons": REASONS})
    world.engine = world.new_engine()
    world.store.add("A", 9)
    world.settle(60, step=60)
    key = world.markets[0].buy(("A", 1))
    world.settle(400)
    world.markets[0].alter(key, f"{key}-0", cancellation_requested=True)
    world.settle(900)
    assert world.store.told == [("Cancelled on Market 0. Reason: the buyer asked for it.", "CUSTOMER")]


def test_every_marketplace_that_takes_a_reason_has_one_for_each_of_ours() -> None:
    found = {name: adapter.manifest for name, adapter in {**discover().channels, **discover().platforms}.items()}
    with_codes = {name for name, manifest in found.items() if manifest.cancel_reasons.codes}
    assert with_codes >= {"bol", "amazon", "kaufland", "allegro", "ebay", "shopify"}
    for manifest in found.values():
        told = manifest.cancel_reasons.tells
        wish = told.get(CancelReason.BUYER_REQUEST)
        assert not told or wish not in {code for ours, code in told.items() if ours is not CancelReason.BUYER_REQUEST}
        assert not manifest.cancel_reasons.codes or manifest.cancel_reasons.source


def test_their_codes_are_the_documented_ones() -> None:
    folder = os.environ.get("STOREBRIDGE_SPECS")
    if not folder:
        needs("STOREBRIDGE_SPECS", "the folder of the specifications")
    bol = json.loads(Path(folder, "bol/retailer-v10.json").read_text(encoding="utf-8"))
    assert set(discover().channels["bol"].manifest.cancel_reasons.codes) == set(_enum(bol, "reasonCode"))
    shopify = json.loads(gzip.decompress(Path(folder, "shopify/admin_2026-10.json.gz").read_bytes()))
    types = {item["name"]: item for item in shopify["data"]["__schema"]["types"]}
    values = {value["name"] for value in types["OrderCancelReason"]["enumValues"]}
    assert set(discover().platforms["shopify"].manifest.cancel_reasons.codes) == values


def _enum(found: Any, name: str) -> list[str]:
    if isinstance(found, dict):
        own = found.get(name)
        if isinstance(own, dict) and "REQUESTED_BY_CUSTOMER" in own.get("enum", ()):
            return list(own["enum"])
        return next((values for item in found.values() if (values := _enum(item, name))), [])
    return next((values for item in found if (values := _enum(item, name))), []) if isinstance(found, list) else []
