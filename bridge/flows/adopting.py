"""Which offer that stands on a marketplace already is a listing's: its own by the SKU, else one that fits as the
merchant has chosen to match. Where several fit, none is taken: a person links the right one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.db.tables import Listing
from bridge.domain.listing import LiveOffer
from bridge.domain.matching import By, Matching, told_apart

NAMED = 5


@dataclass
class Picked:
    """By listing: the offer that is to be ``found`` and taken over; the offer of its SKU that another listing has and
    that is known by the SKU alone (``others``); why none is taken over and none made (``doubtful``)."""

    found: dict[int, LiveOffer] = field(default_factory=dict)
    others: dict[int, LiveOffer] = field(default_factory=dict)
    doubtful: dict[int, str] = field(default_factory=dict)


def pick(
    matching: Matching,
    listings: Sequence[Listing],
    offers: Iterable[LiveOffer],
    taken: Mapping[tuple[str, str], int],
    alike: Mapping[int, Sequence[str]],
) -> Picked:
    """``taken``: by site and offer, which listing has it. ``alike``: by listing, the SKUs of the store's products that
    are the same when they are compared loosely."""
    picked, known = Picked(), list({(offer.site, offer.offer_id): offer for offer in offers}.values())
    for row in listings:
        there = [offer for offer in known if offer.site == row.site]
        own = next((offer for offer in reversed(there) if offer.sku == row.sku), None)
        if own is not None and _settled(picked, matching, row, own, taken):
            continue
        free = [offer for offer in there if taken.get((offer.site, offer.offer_id), row.id) == row.id]
        _fit(picked, matching, row, [offer for offer in free if offer is not own], alike.get(row.id, ()))
    return picked


def _settled(
    picked: Picked, matching: Matching, row: Listing, own: LiveOffer, taken: Mapping[tuple[str, str], int]
) -> bool:
    """Whether the offer of the very same SKU says all there is to say."""
    if taken.get((own.site, own.offer_id), row.id) != row.id:
        if is_named_by_sku(own):
            picked.others[row.id] = own
        return matching.by is not By.EAN or row.id in picked.others
    if matching.by is not By.EAN or not own.gtin or not row.gtin or own.gtin == row.gtin:
        picked.found[row.id] = own  # where SKUs say nothing: unless its EAN is another's
        return True
    if is_named_by_sku(own):
        picked.doubtful[row.id] = f"the SKU {row.sku} is that of an offer there with another EAN ({own.gtin})"
    return row.id in picked.doubtful


def _fit(picked: Picked, matching: Matching, row: Listing, there: Sequence[LiveOffer], alike: Sequence[str]) -> None:
    name, number = matching.sku(row.sku), matching.gtin(row.gtin)
    by_sku = [offer for offer in there if name and matching.sku(offer.sku) == name]
    by_gtin = [offer for offer in there if number and matching.gtin(offer.gtin) == number]
    found = told_apart(by_sku, by_gtin)
    if found.how == "several":
        names = ", ".join(offer.offer_id for offer in found.ids[:NAMED])
        picked.doubtful[row.id] = f"several offers there fit it ({names}): link the right one by hand, under Links"
    elif found.how == "by_sku" and len(alike) > 1:
        names = ", ".join(alike[:NAMED])
        picked.doubtful[row.id] = f"several products of the store have this SKU but for its case ({names})"
    elif found.ids:
        picked.found[row.id] = found.ids[0]


def is_named_by_sku(offer: LiveOffer) -> bool:
    """Whether a marketplace knows this offer by the SKU and by nothing else."""
    return bool(offer.sku) and f"/{offer.offer_id}".endswith(f"/{offer.sku}")
