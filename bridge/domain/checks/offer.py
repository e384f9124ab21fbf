"""What every offer needs, whatever the marketplace: SKU, GTIN, price, a published product."""

from __future__ import annotations

from bridge.domain.catalogue import StoreVariant
from bridge.domain.checks.gtin import gtin_fault
from bridge.domain.listing import Finding
from bridge.domain.values import Value


class Requirements(Value):
    """What a channel demands of an offer; limits come from its manifest."""

    gtin: bool = True
    title_max: int | None = None
    price_min: str | None = None
    price_max: str | None = None


def findings(variant: StoreVariant, needs: Requirements, price_text: str | None) -> tuple[Finding, ...]:
    """Everything that blocks this variant from being listed, or nothing."""
    found: list[Finding] = []
    if not variant.sku:
        found.append(_blocking("sku_missing", "sku", "The product has no SKU.", "Give it a unique SKU in the store."))
    fault = gtin_fault(variant.gtin) if needs.gtin else None
    if fault:
        shown = f"GTIN {variant.gtin}" if variant.gtin else "The GTIN"
        fix = "Enter the EAN from the packaging or from GS1 in the product's GTIN field."
        found.append(_blocking("gtin", "gtin", f"{shown} {fault}.", fix))
    if price_text is None:
        found.append(
            _blocking("price_missing", "price", "The product has no price.", "Set a regular price in the store.")
        )
    return tuple(found)


def _blocking(rule: str, field: str, text: str, fix: str) -> Finding:
    return Finding(rule=rule, field=field, blocking=True, text=text, fix=fix)


def double_sku(sku: str | None, doubles: set[str]) -> tuple[Finding, ...]:
    if sku is None or sku not in doubles:
        return ()
    return (
        Finding(
            rule="sku_double",
            field="sku",
            blocking=True,
            text=f"SKU {sku} is used by more than one product.",
            fix="Give each product its own SKU; nothing is published on a guess.",
        ),
    )


def unpublished() -> Finding:
    """Nothing new is offered of it; what is offered already shows zero."""
    return Finding(
        rule="unpublished",
        field="status",
        blocking=True,
        text="The product is not published in the store.",
        fix="Publish it; it is then offered by itself.",
    )


def wrong_currency(have: str, want: str) -> Finding:
    return Finding(
        rule="currency",
        field="price",
        blocking=True,
        text=f"The price is in {have}, the channel wants {want}.",
        fix="Connect a store that sells in the channel's currency.",
    )
