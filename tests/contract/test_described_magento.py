"""Magento's adapter against a store made of nothing but the official description and of how real stores part from it. A call
gives what is true there or an error of the contract: never another quantity, never another amount."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from bridge.domain.returns import RefundLine
from bridge.ports.http import MemoryRecorder
from platform_adapters.magento import ADAPTER
from tests.support.described_magento import DescribedMagento
from tests.support.described_store import SINCE, Outcomes, amounts_of, connect, draft, every_page, sane

DRAWS = 16


def units(value: Any) -> int:
    return int(Decimal(str(value or 0)).to_integral_value(rounding=ROUND_FLOOR))


class Draw:
    """One store, and what is asked of it."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.world = DescribedMagento(folder / "magento" / "admin-subset-2.4.9.json", seed)
        self.recorder = MemoryRecorder()
        # Without the sum of what marketplaces have sold, the store's own number is the truth.
        settings = {"stock_writes": True, "reservations": "booked", "buyer_email": True}
        self.platform = connect(ADAPTER, self.world.app(), settings, self.recorder)

    def calls(self) -> dict[str, Callable[[], Any]]:
        platform = self.platform
        return {
            "check": lambda: platform.check(),  # noqa: PLW0108
            "list_products": lambda: every_page(lambda cursor: platform.list_products(None, cursor)),
            "list_changed": lambda: every_page(lambda cursor: platform.list_products(SINCE, cursor)),
            "list_variants": lambda: every_page(platform.list_variants),
            "list_orders": lambda: every_page(lambda cursor: platform.list_orders(SINCE, cursor)),
            "fetch_products": lambda: self.products(["1", "2", "3", "4"]),
            "fetch_orders": lambda: self.orders(["1", "2", "3"]),
            "find_orders": lambda: [sane(item) for item in platform.find_orders(["bol:1", "bol:2"], SINCE).values()],
            "create_order": lambda: sane(platform.create_order(draft("5", "5", "EUR", "1"))),
            "cancel_order": lambda: sane(platform.cancel_order("1", "enough")),
            "refund_lines": lambda: self.refund("2"),
            "add_note": lambda: platform.add_note("1", "seen"),
            "set_stock": lambda: platform.set_stock("1", "1", 5),
        }

    def products(self, ids: list[str]) -> None:
        batch = self.platform.fetch_products(ids)
        there = {item.external_id: item for item in batch.products}
        assert {*there, *batch.missing, *batch.later} == set(ids)
        for key, product in there.items():
            raw = self.world.product(int(key))
            assert bool(product.variants) == (raw.get("type_id") == "simple"), raw
            for variant in product.variants:
                stock = variant.stock
                assert stock.on_hand == (units(self.world.salable(raw["sku"])) if stock.managed else None), stock
                assert all(amount.amount.is_finite() for amount in amounts_of(variant))
                price = Decimal(str(raw.get("price") or 0))
                assert variant.regular_price is None or abs(variant.regular_price.amount - price) <= Decimal("0.005")
                assert (variant.regular_price is None) == (price <= 0)

    def orders(self, ids: list[str]) -> None:
        for order in self.platform.fetch_orders(ids):
            sane(order)
            raw = self.world.order(int(order.external_id))
            assert order.total.amount == Decimal(str(raw["grand_total"]))
            sold = {str(row["item_id"]): row for row in raw["items"] if not row.get("parent_item_id")}
            lines = {line.external_id: (line.quantity, line.refunded) for line in order.lines}
            wanted = {
                key: (units(row.get("qty_ordered")), max(0, units(row.get("qty_refunded"))))
                for key, row in sold.items()
            }
            assert lines == wanted, raw["items"]

    def refund(self, order: str) -> None:
        found = self.platform.fetch_orders([order])
        lines = [RefundLine(store_line_id=line.external_id, quantity=1) for item in found for line in item.lines]
        sane(self.platform.refund_lines(order, lines or [RefundLine(store_line_id="1", quantity=1)], "back", "r-1"))


def test_no_answer_of_the_description_is_taken_for_something_else(specs_dir: Path) -> None:
    outcomes = Outcomes()
    for number in range(DRAWS):
        draw = Draw(specs_dir, f"magento {number}")
        for name, call in draw.calls().items():
            outcomes.run(draw.world.seed, name, call, draw.recorder)
    assert not outcomes.broken, "\n\n".join(outcomes.broken)
    # Otherwise nothing was tried. A check asks for so much that hardly any draw has all of it.
    assert set(outcomes.went_well) >= set(draw.calls()) - {"check"}, (outcomes.went_well, outcomes.refused)
