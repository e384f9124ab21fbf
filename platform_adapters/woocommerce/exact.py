"""The order as our plugin writes it: every amount exactly as given, VAT among them. Pure.

Without the plugin the store computes taxes anew, and rounding may need a line of its own (:mod:`order_taxes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.domain.money import Money
from bridge.domain.order import OrderDraft
from platform_adapters.woocommerce.orders import UNTAXED, order_body, plain
from platform_adapters.woocommerce.reading import Json
from platform_adapters.woocommerce.taxes import Rates

NONE, STORE, MARKETPLACE = "none", "store", "marketplace"
STANDARD = ""
BY_CHANNEL_META = "_storebridge_tax_by_channel"


@dataclass(frozen=True)
class Taxing:
    """How VAT is told: ``mode`` is the setting, ``country`` the one that decides, ``classes`` the tax class of each
    variant, ``rates`` the store's."""

    mode: str
    country: str = ""
    classes: Mapping[str, str] | None = None
    rates: Rates | None = None

    def part(self, gross: Money, told: Money | None, tax_class: str) -> Json:
        """``total`` without and ``tax`` with what is VAT of it; the two always make ``gross``."""
        if not gross.amount or self.mode == NONE or (told is None and self.rates is None):
            return {"total": plain(gross), "tax_class": UNTAXED}
        if self.mode == MARKETPLACE and told is not None:
            tax = told.quantised()
            net = Money(amount=gross.quantised().amount - tax.amount, currency=gross.currency)
            return {"total": plain(net), "tax": plain(tax), "tax_class": tax_class, "percent": _percent(net, tax)}
        if self.rates is None:
            return {"total": plain(gross), "tax_class": UNTAXED}
        percent = self.rates.percent(self.country, tax_class)
        tax = Money(amount=gross.amount * percent / (100 + percent), currency=gross.currency).quantised()
        net = Money(amount=gross.quantised().amount - tax.amount, currency=gross.currency)
        return {"total": plain(net), "tax": plain(tax), "tax_class": tax_class, "percent": _text(percent)}


def exact_order(draft: OrderDraft, settings: Mapping[str, Any], taxing: Taxing) -> Json:
    """What ``wc-storebridge/v1/orders`` takes as ``order``. Raises RejectItem."""
    body = order_body(draft, settings)
    classes = taxing.classes or {}
    lines = []
    for line, given in zip(body["line_items"], draft.lines, strict=True):
        part = taxing.part(given.total, given.tax, classes.get(given.variant_id or "", STANDARD))
        lines.append({**line, **part, "subtotal": part["total"]})
    carriage = draft.shipping or Money.zero(draft.currency)
    shipping = {**body["shipping_lines"][0], **taxing.part(carriage, draft.shipping_tax, STANDARD)}
    exact = {**body, "line_items": lines, "shipping_lines": [shipping], "fee_lines": []}
    exact |= {"total": plain(draft.total), "tax_country": taxing.country, "mails": bool(settings.get("buyer_mails"))}
    if draft.tax_by_channel:
        exact["meta_data"] = [*body["meta_data"], {"key": BY_CHANNEL_META, "value": "yes"}]
    return exact


def _percent(net: Money, tax: Money) -> str:
    """What the amounts come to, for people to read; empty where that says nothing."""
    if not net.amount:
        return ""
    return _text((tax.amount * 100 / net.amount).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def _text(percent: Decimal) -> str:
    return f"{percent.normalize():f}"
