"""The 250 changes that a listing may have in a calendar day: a bucket for each, shared by all workers.

A bucket of 125 that refills by 125 a day never gives more than 250 in any 24 hours, wherever the other side's day
begins. Stock may take all of it; price and content leave a share of it behind, as on every other limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bridge.ports.http import Transport
from bridge.ports.http.context import RESERVES, current_lane
from channel_adapters.ebay.account import MANIFEST

LIMIT = MANIFEST.limits["revisions"]


class Revisions:
    """The revisions of one account's listings."""

    def __init__(self, transport: Transport, account: str) -> None:
        self._limiter = transport.services.limiter
        self._account = account

    def take(self, offer_ids: Sequence[str], cost: int = 1) -> list[timedelta | None]:
        """For each None where there is room for so many changes more, else how long until there is. Nothing is waited
        for here, as a newer value may come."""
        keys, reserve = [self._key(offer_id) for offer_id in offer_ids], RESERVES.get(current_lane(), 0.0)
        grants = self._limiter.take_each(keys, LIMIT, cost, reserve=reserve)
        return [None if grant.granted else timedelta(seconds=grant.wait) for grant in grants]

    def give_back(self, offer_id: str, cost: int = 1) -> None:
        """What was taken and not sent."""
        self._limiter.refund(self._key(offer_id), LIMIT, cost)

    def _key(self, offer_id: str) -> str:
        return f"{self._account}:revisions:{offer_id}"
