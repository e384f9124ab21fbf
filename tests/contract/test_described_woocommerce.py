"""WooCommerce's adapter against a store that sends whatever the description, recorded deliveries and plugins allow. A call gives
what is true there or an error of the contract: never another quantity, never another amount."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from bridge.domain.returns import RefundLine
from bridge.ports.http import MemoryRecorder
from platform_adapters.woocommerce import ADAPTER
from tests.support.described_store import SINCE, Outcomes, amounts_of, connect, draft, every_page, sane
from tests.support.described_woocommerce import DescribedWooCommerce

DRAWS = 24


def amount(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


class Draw:
    """One store, and what is asked of it."""

    def __init__(self, seed: str) -> None:
        self.world = DescribedWooCommerce(seed)
        self.recorder = MemoryRecorder()
        self.platform = connect(ADAPTER, self.world.app(), {"buyer_email": True}, self.recorder)

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
            "find_order": lambda: [sane(item) for item in platform.find_orders(["bol:1"], SINCE).values()],
            "find_orders": lambda: [sane(item) for item in platform.find_orders(["bol:1", "bol:3"], SINCE).values()],
            "create_order": lambda: sane(platform.create_order(draft("5", "5", "EUR", "1"))),
            "cancel_order": lambda: sane(platform.cancel_order("1", "enough")),
            "refund_lines": lambda: self.refund("1"),
            "add_note": lambda: platform.add_note("1", "seen"),
            "set_stock": lambda: platform.set_stock("1", "1", 5),
            "set_stock_of_variation": lambda: platform.set_stock("1", "101", 5),
            "ensure_webhooks": lambda: platform.ensure_webhooks("https://bridge.example/hooks/a/1", "secret"),
            "remove_webhooks": lambda: platform.remove_webhooks("https://bridge.example/hooks/a/1"),
        }

    def products(self, ids: list[str]) -> None:
        batch = self.platform.fetch_products(ids)
        there = {item.external_id: item for item in batch.products}
        assert {*there, *batch.missing, *batch.later} == set(ids)
        for key, product in there.items():
            raw = self.world.product(int(key))
            several = [str(item) for item in raw["variations"]]
            expected = several if raw["type"] == "variable" else [] if raw["type"] == "grouped" else [key]
            assert sorted(item.external_id for item in product.variants) == sorted(expected)
            for variant in product.variants:
                own = raw if raw["type"] != "variable" else self.world.variation(int(variant.external_id))
                self.variant(variant, own)

    def variant(self, variant: Any, raw: Any) -> None:
        units, stock = amount(raw["stock_quantity"]), variant.stock
        if raw["manage_stock"] and raw["stock_quantity"] is not None:
            # What is no number is none.
            units = units if units is not None else Decimal(0)
            assert stock.on_hand == int(units.to_integral_value(rounding=ROUND_FLOOR)), (stock, raw["stock_quantity"])
        else:
            assert stock.on_hand is None, (stock, raw["stock_quantity"])
        price = amount(raw["price"])
        if price is not None and price > 0:
            assert variant.price is not None
            assert abs(variant.price.amount - price) <= Decimal("0.005")
        else:
            assert variant.price is None
        assert all(item.amount.is_finite() for item in amounts_of(variant))

    def orders(self, ids: list[str]) -> None:
        for order in self.platform.fetch_orders(ids):
            sane(order)
            raw = self.world.order(int(order.external_id))
            assert order.total.amount == Decimal(str(raw["total"]))
            assert order.currency == "EUR"
            sold = {str(row["id"]): int(Decimal(str(row["quantity"]))) for row in raw["line_items"]}
            assert {line.external_id: line.quantity for line in order.lines} == sold

    def refund(self, order: str) -> None:
        found = self.platform.fetch_orders([order])
        lines = [RefundLine(store_line_id=line.external_id, quantity=1) for item in found for line in item.lines]
        sane(self.platform.refund_lines(order, lines or [RefundLine(store_line_id="1", quantity=1)], "back", "r-1"))


def test_no_answer_of_a_store_is_taken_for_something_else() -> None:
    outcomes = Outcomes()
    for number in range(DRAWS):
        draw = Draw(f"woocommerce {number}")
        for name, call in draw.calls().items():
            outcomes.run(draw.world.seed, name, call, draw.recorder)
    assert not outcomes.broken, "\n\n".join(outcomes.broken)
    # Otherwise nothing was tried.
    assert set(outcomes.went_well) == set(draw.calls()), (outcomes.went_well, outcomes.refused)
