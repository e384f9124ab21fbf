"""Checks before anything is sent: what a listing lacks, in the merchant's words."""

from __future__ import annotations

from stdnum import ean as stdnum_ean
from stdnum.exceptions import ValidationError

from bridge.domain.catalogue import StoreVariant
from bridge.domain.listing import Finding
from bridge.domain.values import Value

# GS1 prefixes 02, 04, 20-29: restricted circulation, valid inside one company only (GS1 General Specifications 1.4).
INTERNAL_PREFIXES = ("02", "04", *(str(number) for number in range(20, 30)))


class Requirements(Value):
    """What a channel demands of an offer; limits come from its manifest."""

    gtin: bool = True
    title_max: int | None = None
    price_min: str | None = None
    price_max: str | None = None


def gtin_fault(gtin: str | None) -> str | None:
    """Why ``gtin`` cannot be sold under, or None when it can."""
    if not gtin:
        return "is missing"
    try:
        compact = stdnum_ean.validate(gtin)
    except ValidationError as error:
        return {"InvalidLength": "has the wrong length", "InvalidChecksum": "has a wrong check digit"}.get(
            type(error).__name__, "contains something other than digits"
        )
    if len(compact) == 13 and compact.startswith(INTERNAL_PREFIXES):
        return "is an internal number (prefix 02, 04 or 20 to 29)"
    return None


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
