"""Shopify's adapter against a store made of nothing but Shopify's schema, whose answers are drawn by chance from all that it
allows. A call gives what is true there or an error of the contract: never half of a list, never another amount."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.money import MINOR_UNITS, Money
from bridge.domain.reading import SENSIBLE
from bridge.domain.returns import RefundLine
from bridge.ports.http import MemoryRecorder
from platform_adapters.shopify import ADAPTER
from platform_adapters.shopify.order_reading import IN_RETURN
from tests.support.described_shopify import DescribedShopify
from tests.support.described_store import SINCE, Outcomes, amounts_of, connect, draft, every_page, sane
from tests.support.shopify import VERSIONS, official
from tests.support.shopify_orders import notice

DRAWS, MOST_DRAWS = 12, 60
SETTINGS = {"stock_writes": True, "buyer_email": True, "record_refunds": True}
PRODUCT = """query($id: ID!) { product(id: $id) { id title variants(first: 5000) { nodes { id sku price taxable
  inventoryItem { tracked inventoryLevels(first: 5000) { nodes { location { id } quantities(names: ["available"]) { quantity } } } }
} } } }"""
ORDER = """query($id: ID!) { order(id: $id) { id edited cancelledAt totalPriceSet { presentmentMoney { amount } }
  lineItems(first: 5000) { nodes { id quantity currentQuantity unfulfilledQuantity } }
  returnStatus returns(first: 5000) { nodes { refunds(first: 5000) { nodes { id } }
    returnLineItems(first: 5000) { nodes { refundedQuantity
      ... on ReturnLineItem { fulfillmentLineItem { lineItem { id } } } } } } }
  refunds(first: 5000) { id refundLineItems(first: 5000) { nodes { quantity restockType lineItem { id } } } }
  fulfillments(first: 5000) { id status trackingInfo { number }
    fulfillmentLineItems(first: 5000) { nodes { quantity lineItem { id } } } } } }"""
LISTS = """{ products(first: 5000) { nodes { id } } orders(first: 5000) { nodes { id } }
  productVariants(first: 5000) { nodes { id } } locations(first: 5000) { nodes { id isActive fulfillsOnlineOrders } } }"""


def number(gid: str) -> str:
    return gid.rpartition("/")[2]


class Draw:
    """One store, and what is asked of it."""

    def __init__(self, folder: Path, version: str, seed: str) -> None:
        self.world = DescribedShopify(official(folder, version)[0], seed)
        self.recorder = MemoryRecorder()
        self.platform = connect(ADAPTER, self.world.app(), SETTINGS, self.recorder)
        found = self.world.truth(LISTS)
        self.lists = {name: [number(row["id"]) for row in rows["nodes"]] for name, rows in found.items()}
        selling = [row for row in found["locations"]["nodes"] if row["fulfillsOnlineOrders"] and row["isActive"]]
        self.chosen = {number(row["id"]) for row in selling}

    def calls(self) -> dict[str, Callable[[], Any]]:
        platform = self.platform
        order = (self.lists["orders"] or ["7"])[0]
        return {
            "check": lambda: platform.check(),  # noqa: PLW0108
            "list_products": lambda: self.list("products", lambda cursor: platform.list_products(None, cursor)),
            "list_changed": lambda: self.list("products", lambda cursor: platform.list_products(SINCE, cursor)),
            "list_variants": lambda: self.list("productVariants", platform.list_variants, lambda item: item.variant_id),
            "list_orders": lambda: self.list("orders", lambda cursor: platform.list_orders(SINCE, cursor)),
            "fetch_products": lambda: self.products([*self.lists["products"][:3], "11", "12"]),
            "fetch_one": lambda: self.products(["13"]),
            "fetch_orders": lambda: self.orders([*self.lists["orders"][:3], "21"]),
            "fetch_order": lambda: self.orders(["22"]),
            "find_orders": lambda: [sane(item) for item in platform.find_orders(["bol:1", "bol:2"], SINCE).values()],
            "create_order": lambda: sane(platform.create_order(draft("1", "2", "EUR", "1"))),
            "cancel_order": lambda: sane(platform.cancel_order(order, "enough")),
            "refund_lines": lambda: self.refund(order),
            "announce_return": lambda: self.announce(order),
            "accept_return": lambda: self.take_back(order),
            "drop_return": lambda: platform.drop_return(order, "bol:1/return/1"),
            "add_note": lambda: platform.add_note(order, "seen"),
            "set_stock": lambda: platform.set_stock("1", "2", 5),
            "ensure_webhooks": lambda: platform.ensure_webhooks("https://bridge.example/hooks/a/1", "secret"),
            "remove_webhooks": lambda: platform.remove_webhooks("https://bridge.example/hooks/a/1"),
        }

    def list(self, name: str, read: Callable[[str | None], Any], key: Callable[[Any], Any] | None = None) -> None:
        items = every_page(read)
        if items and getattr(items[0], "product", None) is not None:
            return
        found = [key(item) if key else item.external_id for item in items]
        assert found == self.lists[name] or (not found and self.is_exported()), (name, len(found))

    def is_exported(self) -> bool:
        """A large catalogue is read from an export, which holds nothing here."""
        return "bulk.download" in {item.operation for item in self.recorder.exchanges} or any(
            item.operation == "bulk_status" for item in self.recorder.exchanges
        )

    def products(self, ids: list[str]) -> None:
        batch = self.platform.fetch_products(ids)
        there = {item.external_id: item for item in batch.products}
        assert {*there, *batch.missing, *batch.later} == set(ids)
        for key, product in there.items():
            raw = self.world.truth(PRODUCT, id=f"gid://shopify/Product/{key}")["product"]
            assert sorted(item.external_id for item in product.variants) == sorted(
                number(row["id"]) for row in raw["variants"]["nodes"]
            )
            rows = {number(row["id"]): row for row in raw["variants"]["nodes"]}
            for variant in product.variants:
                self.variant(variant, rows[variant.external_id])
        for key in batch.missing:
            assert self.world.truth(PRODUCT, id=f"gid://shopify/Product/{key}")["product"] is None

    def variant(self, variant: Any, raw: Any) -> None:
        item, stock = raw["inventoryItem"], variant.stock
        levels = {
            number(row["location"]["id"]): row["quantities"][0]["quantity"]
            for row in item["inventoryLevels"]["nodes"]
            if row["quantities"]
        }
        there = sum(units for place, units in levels.items() if place in self.chosen)
        assert stock.on_hand == (there if item["tracked"] else None), (stock, levels, self.chosen)
        price = Decimal(raw["price"])
        if price > 0:
            assert (variant.price is not None) == (price < SENSIBLE), "what no product costs is no price"
            assert variant.price is None or abs(variant.price.amount - price) <= half_a_step(variant.price)
        assert all(amount.amount.is_finite() for amount in amounts_of(variant))

    def orders(self, ids: list[str]) -> None:
        for order in self.platform.fetch_orders(ids):
            sane(order)
            raw = self.world.truth(ORDER, id=f"gid://shopify/Order/{order.external_id}")["order"]
            assert order.total.amount == Decimal(raw["totalPriceSet"]["presentmentMoney"]["amount"])
            sold = {number(row["id"]): row["quantity"] for row in raw["lineItems"]["nodes"]}
            assert {line.external_id: line.quantity for line in order.lines} == sold
            back = _given_back(raw, sold)
            assert {line.external_id: line.refunded for line in order.lines} == {key: back.get(key, 0) for key in sold}
            sent = [row for row in raw["fulfillments"] if row["status"] in ("SUCCESS", "OPEN", "PENDING")]
            shipped = _units(line for row in sent for line in row["fulfillmentLineItems"]["nodes"])
            here: dict[str, int] = {}
            for parcel in order.parcels:
                for key, units in parcel.lines.items():
                    here[key] = here.get(key, 0) + units
            assert here == {key: units for key, units in shipped.items() if units > 0}

    def refund(self, order: str) -> None:
        found = self.platform.fetch_orders([order])
        lines = [RefundLine(store_line_id=line.external_id, quantity=1) for item in found for line in item.lines]
        sane(self.platform.refund_lines(order, lines or [RefundLine(store_line_id="1", quantity=1)], "back", "r-1"))

    def line(self, order: str) -> str:
        found = self.platform.fetch_orders([order])
        return next((line.external_id for item in found for line in item.lines), "1")

    def announce(self, order: str) -> None:
        found = self.platform.announce_return(order, notice("bol:1/return/1", self.line(order)))
        assert bool(found.external_id) != bool(found.why), found

    def take_back(self, order: str) -> None:
        back = RefundLine(store_line_id=self.line(order), quantity=1)
        sane(self.platform.accept_return(order, "", back, "back", "bol:1/return/1"))


def _given_back(raw: Any, sold: dict[str, int]) -> dict[str, int]:
    """What refunds tell, what returns tell beyond their own refunds, and what was edited out, as far as so much was
    sold."""
    told = _units(row for refund in raw["refunds"] for row in refund["refundLineItems"]["nodes"])
    more = {key: units + _beyond(raw).get(key, 0) for key, units in _edited_out(raw, told).items()}
    return {key: told.get(key, 0) + min(more[key], max(0, sold[key] - told.get(key, 0))) for key in sold}


def _edited_out(raw: Any, told: dict[str, int]) -> dict[str, int]:
    lines = {number(row["id"]): row for row in raw["lineItems"]["nodes"]}
    if not raw["edited"] or raw["cancelledAt"]:
        return dict.fromkeys(lines, 0)
    if raw["returnStatus"] == "NO_RETURN":
        return {key: max(0, row["quantity"] - row["currentQuantity"] - told.get(key, 0)) for key, row in lines.items()}
    sent = _units(
        row
        for parcel in raw["fulfillments"]
        if parcel["status"] != "CANCELLED"
        for row in parcel["fulfillmentLineItems"]["nodes"]
    )
    rows = (row for refund in raw["refunds"] for row in refund["refundLineItems"]["nodes"])
    unsent = _units(row for row in rows if row["restockType"] in ("CANCEL", "NO_RESTOCK"))
    return {
        key: max(0, row["quantity"] - row["unfulfilledQuantity"] - sent.get(key, 0) - unsent.get(key, 0))
        for key, row in lines.items()
    }


def _beyond(raw: Any) -> dict[str, int]:
    if raw["returnStatus"] not in IN_RETURN:
        return {}
    returned = raw["returns"]["nodes"]
    theirs = {refund["id"] for row in returned for refund in row["refunds"]["nodes"]}
    doubly = _units(
        row for refund in raw["refunds"] if refund["id"] in theirs for row in refund["refundLineItems"]["nodes"]
    )
    alone: dict[str, int] = {}
    for item in (item for row in returned for item in row["returnLineItems"]["nodes"]):
        if part := item.get("fulfillmentLineItem"):
            key = number(part["lineItem"]["id"])
            alone[key] = alone.get(key, 0) + max(0, item["refundedQuantity"])
    return {key: max(0, units - doubly.get(key, 0)) for key, units in alone.items()}


def half_a_step(amount: Money) -> Decimal:
    return Decimal("0.5").scaleb(-MINOR_UNITS.get(amount.currency, 2))


def _units(rows: Any) -> dict[str, int]:
    units: dict[str, int] = {}
    for row in rows:
        key = number(row["lineItem"]["id"])
        units[key] = units.get(key, 0) + max(0, row["quantity"] or 0)
    return units


@pytest.mark.parametrize("version", VERSIONS)
def test_no_answer_of_the_schema_is_taken_for_something_else(specs_dir: Path, version: str) -> None:
    outcomes, untried, drawn = Outcomes(), {""}, 0
    # What went well nowhere was not tried; keys of writes are made anew each time, and the answers to them drawn.
    while drawn < DRAWS or (untried and drawn < MOST_DRAWS):
        seed = f"{version} {drawn}"
        draw = Draw(specs_dir, version, seed)
        for name, call in draw.calls().items():
            outcomes.run(seed, name, call, draw.recorder)
        drawn, untried = drawn + 1, set(draw.calls()) - set(outcomes.went_well)
    assert not outcomes.broken, "\n\n".join(outcomes.broken)
    assert not untried, (outcomes.went_well, outcomes.refused)


def test_a_product_of_2048_variants_is_whole(specs_dir: Path) -> None:
    """``Draw.products`` compares each variant with the described store's."""
    draw = Draw(specs_dir, VERSIONS[-1], "large")
    draw.world.odd = False
    draw.products(["2048"])
    [whole] = draw.platform.fetch_products(["2048"]).products
    assert len(whole.variants) == len({variant.external_id for variant in whole.variants}) == 2048
