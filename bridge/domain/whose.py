"""Which product of the store an order line means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Candidate(NamedTuple):
    """A variant of the store with its SKU and GTIN as they are now."""

    id: int
    sku: str | None
    gtin: str | None


def whose(
    gtin: str | None, owner: Candidate | None, by_sku: Sequence[Candidate], by_gtin: Sequence[Candidate]
) -> Candidate | None:
    """``gtin`` as the marketplace tells it, ``owner`` whose offer it is here, and who has its SKU and GTIN in the
    store.

    None where two products have the SKU, and where it has been given to another product since and the GTIN does not
    tell which of them is meant: that is a person's to say.
    """
    if len(by_sku) > 1:
        return None
    if owner is not None:
        return _of_offer(gtin, owner, by_sku)
    if by_sku:
        contradicted = bool(gtin and by_sku[0].gtin and by_sku[0].gtin != gtin and by_gtin)
        return None if contradicted else by_sku[0]
    return by_gtin[0] if len(by_gtin) == 1 else None


def _of_offer(gtin: str | None, owner: Candidate, by_sku: Sequence[Candidate]) -> Candidate | None:
    heir = next((item for item in by_sku if item.id != owner.id), None)
    if heir is None:
        return owner
    told = [item for item in (owner, heir) if gtin and item.gtin == gtin]
    return told[0] if len(told) == 1 else None
