"""calculate_totals: taxes are computed anew from the store's settings, whatever the request said.

Line totals are taken as net of tax. A line of class "0", or one whose tax status is none, is not taxed.
"""

from __future__ import annotations

from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from platform_adapters.woocommerce.sandbox.options import Options
from platform_adapters.woocommerce.sandbox.shop import Doc

ZERO = Decimal(0)


def decimal(value: Any) -> Decimal:
    """As wc_format_decimal: what is no number is 0."""
    try:
        return Decimal(str(value).strip().replace(",", ".") or "0")
    except InvalidOperation:
        return ZERO


class Calculator:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.step = Decimal(1).scaleb(-options.price_decimals)

    def money(self, value: Any) -> str:
        return str(decimal(value).quantize(self.step, rounding=ROUND_HALF_UP))

    def apply(self, order: Doc) -> None:
        """Fill in taxes, tax lines and totals of a copy made by the caller."""
        for line in order["line_items"]:
            self._tax_line(line, line["tax_class"], line["_tax_status"])
        for line in order["shipping_lines"]:
            tax_class = self._shipping_class(order)
            self._tax_line(line, tax_class or "", "none" if tax_class is None else line["tax_status"])
        for line in order["fee_lines"]:
            if decimal(line["total"]) < 0:
                self._apportion(order, line)
            else:
                self._tax_line(line, line["tax_class"], line["tax_status"])
        self.sum_up(order)

    def _tax_line(self, line: Doc, tax_class: str, tax_status: str) -> None:
        rate = self._rate(tax_class) if tax_status == "taxable" and tax_class != "0" else None
        tax = self._tax(line["total"], rate)
        before = self._tax(line.get("subtotal", line["total"]), rate)
        line["taxes"] = [] if rate is None else [{"id": self._rate_id(tax_class), "total": tax, "subtotal": before}]
        line["total_tax"] = tax
        if "subtotal" in line:
            line["subtotal_tax"] = before

    def _apportion(self, order: Doc, fee: Doc) -> None:
        """A negative fee lowers the taxes of the lines in proportion, whatever its own class and status say."""
        costs: dict[str, Decimal] = {}
        for line in [*order["line_items"], *order["fee_lines"]]:
            taxed = line.get("_tax_status", line.get("tax_status")) == "taxable"
            name = line["tax_class"] if taxed else "0"
            costs[name] = costs.get(name, ZERO) + max(ZERO, decimal(line["total"]))
        whole = sum(costs.values(), ZERO)
        taxes = [
            {"id": self._rate_id(name), "total": self._tax(decimal(fee["total"]) * cost / whole, rate), "subtotal": ""}
            for name, cost in costs.items()
            if name != "0" and whole and (rate := self._rate(name)) is not None
        ]
        fee |= {"taxes": taxes, "total_tax": self.money(sum((decimal(tax["total"]) for tax in taxes), ZERO))}

    def sum_up(self, order: Doc) -> None:
        """Totals and tax lines of what the lines say."""
        lines, shipping, fees = order["line_items"], order["shipping_lines"], order["fee_lines"]
        cart = sum((decimal(self.money(line["total"])) for line in lines), ZERO)
        before = sum((decimal(self.money(line["subtotal"])) for line in lines), ZERO)
        carriage = sum((decimal(line["total"]) for line in shipping), ZERO)
        extra = sum((decimal(line["total"]) for line in fees), ZERO)
        cart_tax = sum((decimal(line["total_tax"]) for line in [*lines, *fees]), ZERO)
        before_tax = sum((decimal(line["subtotal_tax"]) for line in lines), ZERO)
        line_tax = sum((decimal(line["total_tax"]) for line in lines), ZERO)
        shipping_tax = sum((decimal(line["total_tax"]) for line in shipping), ZERO)
        order["discount_total"] = self.money(before - cart)
        order["discount_tax"] = self.money(before_tax - line_tax)
        order["shipping_total"], order["shipping_tax"] = self.money(carriage), self.money(shipping_tax)
        order["cart_tax"] = self.money(cart_tax)
        order["total_tax"] = self.money(cart_tax + shipping_tax)
        order["total"] = self.money(max(ZERO, cart + carriage + extra + cart_tax + shipping_tax))
        self._tax_totals(order)

    def _tax_totals(self, order: Doc) -> None:
        """One tax line per rate, ids kept over recalculations."""
        old = {line["rate_id"]: line["id"] for line in order["tax_lines"]}
        sums: dict[int, list[Decimal]] = {}
        for at, group in enumerate(("line_items", "fee_lines", "shipping_lines")):
            for line in order[group]:
                for tax in line["taxes"]:
                    sums.setdefault(tax["id"], [ZERO, ZERO])[at == 2] += decimal(tax["total"])
        names = {self._rate_id(name): name for name in self.options.tax_rates}
        order["tax_lines"] = [
            {
                "id": old.get(rate_id, 0),
                "rate_code": f"{self.options.tax_label.upper()}-{rate_id}",
                "rate_id": rate_id,
                "label": self.options.tax_label,
                "compound": False,
                "tax_total": self.money(goods),
                "shipping_tax_total": self.money(carriage),
                "rate_percent": self.options.tax_rates.get(names.get(rate_id, "?")),
                "meta_data": [],
            }
            for rate_id, (goods, carriage) in sums.items()
        ]

    def _shipping_class(self, order: Doc) -> str | None:
        """The class shipping is taxed by; None means not at all. "inherit" follows the lines."""
        if self.options.shipping_tax_class != "inherit":
            return self.options.shipping_tax_class
        known = {"", *self.options.tax_classes}
        found = {line["tax_class"] for line in order["line_items"] if line["_tax_status"] == "taxable"} & known
        return next((name for name in ("", *sorted(found)) if name in found), None)

    def _rate(self, tax_class: str) -> Decimal | None:
        rate = self.options.tax_rates.get(tax_class)
        return None if rate is None else Decimal(str(rate))

    def _rate_id(self, tax_class: str) -> int:
        return list(self.options.tax_rates).index(tax_class) + 1

    def _tax(self, amount: Any, rate: Decimal | None) -> str:
        rounding = ROUND_HALF_DOWN if self.options.prices_include_tax else ROUND_HALF_UP
        tax = ZERO if rate is None else decimal(amount) * rate / 100
        return str(tax.quantize(self.step, rounding=rounding))
