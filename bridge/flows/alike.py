"""Products of the store and offers of a marketplace by SKU and EAN, as the merchant has them compared
(bridge/domain/matching.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from bridge.db.tables import LooseOffer, Variant
from bridge.domain.matching import Matching, spellings


class Shelf:
    """What of the store may be meant by some SKUs and EANs."""

    def __init__(self, matching: Matching, variants: Iterable[Variant]) -> None:
        self._matching = matching
        self._by_sku: defaultdict[str, list[Variant]] = defaultdict(list)
        self._by_gtin: defaultdict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            if key := matching.sku(variant.sku):
                self._by_sku[key].append(variant)
            if key := matching.gtin(variant.gtin):
                self._by_gtin[key].append(variant)

    def by_sku(self, sku: str | None) -> list[Variant]:
        return self._by_sku.get(self._matching.sku(sku) or "", [])

    def by_gtin(self, gtin: str | None) -> list[Variant]:
        return self._by_gtin.get(self._matching.gtin(gtin) or "", [])


def shelf(session: Session, matching: Matching, skus: Iterable[str | None], gtins: Iterable[str | None]) -> Shelf:
    """One statement. Of SKUs that are compared loosely it looks at every product: no index knows those."""
    names = {sku for sku in skus if sku and matching.sku(sku)}
    numbers = {key for gtin in gtins if (key := matching.gtin(gtin))}
    if not names and not numbers:
        return Shelf(matching, ())
    query = select(Variant).where(
        Variant.deleted_at.is_(None), named(Variant.sku, matching, names) | Variant.gtin.in_(numbers)
    )
    return Shelf(matching, session.scalars(query.order_by(Variant.id)))


def named(column: Any, matching: Matching, skus: Collection[str]) -> ColumnElement[bool]:
    """Whether a column has one of these SKUs, or (loosely) one that may be alike."""
    if not skus:
        return false()
    if not matching.is_loose:
        found: ColumnElement[bool] = column.in_(skus)
        return found
    return func.lower(func.trim(column)).in_({text for sku in skus for text in spellings(sku)})


def spelled(session: Session, connection_id: int, matching: Matching, skus: Collection[str]) -> set[str]:
    """These SKUs, and how the account's own offers write them otherwise, as the last comparison found it."""
    if not matching.is_loose:
        return set(skus)
    query = select(LooseOffer.sku).where(
        LooseOffer.connection_id == connection_id, named(LooseOffer.sku, matching, skus)
    )
    return {*skus, *session.scalars(query)}
