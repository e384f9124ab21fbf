"""Offers by their id alone, for calls that ask for no more."""

from __future__ import annotations

from bridge.ports.channel import OfferRef


def named(offer_id: str, site: str = "") -> OfferRef:
    return OfferRef(key=offer_id, site=site, offer_id=offer_id, sku=offer_id)
