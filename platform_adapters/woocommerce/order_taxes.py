"""VAT split off with the store's own rates, and the total still the marketplace's to the cent. Pure.

The store rounds each line's net and each line's tax to cents on their own. Where that misses the gross amount, the
missing cents go into an untaxed fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from bridge.domain.order import OrderDraft
from platform_adapters.woocommerce.orders import UNTAXED
from platform_adapters.woocommerce.reading import Json
from platform_adapters.woocommerce.taxes import Rates

CENT = Decimal("0.01")
STANDARD = ""


def with_store_taxes(body: Json, draft: OrderDraft, country: str, classes: Mapping[str, str], rates: Rates) -> Json:
    """The body of :func:`orders.order_body` with net lines. ``classes`` has the tax class of each variant."""
    missing = Decimal(0)
    lines, fees = [], []
    for line, given in zip(body["line_items"], draft.lines, strict=True):
        tax_class = classes.get(given.variant_id or "", STANDARD)
        net, lost = _split(Decimal(line["total"]), country, tax_class, rates)
        lines.append({**line, "subtotal": str(net), "total": str(net), "tax_class": tax_class})
        missing += lost
    for fee in body.get("fee_lines", []):
        net, lost = _split(Decimal(fee["total"]), country, STANDARD, rates)
        fees.append({**fee, "total": str(net), "tax_class": STANDARD, "tax_status": "taxable"})
        missing += lost
    if missing:
        fees.append({"name": "Rounding", "total": str(missing), "tax_status": "none", "tax_class": UNTAXED})
    return {**body, "line_items": lines, "fee_lines": fees}


def _split(gross: Decimal, country: str, tax_class: str, rates: Rates) -> tuple[Decimal, Decimal]:
    """The net amount to send, and the cents that the store's rounding will lose of ``gross``."""
    net = rates.net(gross, country, tax_class)
    tax = net * rates.percent(country, tax_class) / 100
    return net, gross - _cents(net) - _cents(tax)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
