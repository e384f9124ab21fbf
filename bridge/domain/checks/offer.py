"""What every offer needs, whatever the marketplace: SKU, GTIN, price, a published product."""

from __future__ import annotations

from bridge.domain.catalogue import StoreVariant
from bridge.domain.checks.gtin import gtin_fault
from bridge.domain.listing import Finding


def findings(variant: StoreVariant, *, gtin_needed: bool, priced: bool) -> list[Finding]:
    """Everything that blocks this variant from being listed, or nothing. ``priced``: it has a price, or another finding
    says why not."""
    found: list[Finding] = []
    if not variant.sku:
        found.append(_blocking("sku_missing", "sku", "The product has no SKU.", "Give it a unique SKU in the store."))
    fault = gtin_fault(variant.gtin) if gtin_needed else None
    if fault:
        text = f"The GTIN {variant.gtin} {fault}." if variant.gtin else "The GTIN is missing."
        fix = "Enter the EAN from the packaging or from GS1 in the product's GTIN field."
        found.append(_blocking("gtin", "gtin", text, fix))
    if not priced:
        found.append(
            _blocking("price_missing", "price", "The product has no price.", "Set a regular price in the store.")
        )
    return found


def _blocking(rule: str, field: str, text: str, fix: str) -> Finding:
    return Finding(rule, field, True, text, fix)


def double_sku(sku: str) -> Finding:
    fix = "Give each product its own SKU; nothing is published on a guess."
    return _blocking("sku_double", "sku", f"SKU {sku} is used by more than one product.", fix)


def unpublished() -> Finding:
    """Nothing new is offered of it; what is offered already shows zero."""
    text = "The product is not published in the store."
    return _blocking("unpublished", "status", text, "Publish it; it is then offered by itself.")


def wrong_currency(have: str, want: str) -> Finding:
    text = f"The price is in {have}, the channel wants {want}."
    return _blocking("currency", "price", text, "Connect a store that sells in the channel's currency.")
