"""A listing: one variant on one channel. Its facets are what is published and acknowledged separately."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value


class Facet(StrEnum):
    """What of a listing is sent, each in its own lane."""

    STOCK = "stock"
    PRICE = "price"
    CONTENT = "content"


class OfferContent(Value):
    """What the buyer reads. ``attributes`` are the marketplace's own attribute ids with one value or several, a
    measure as ``"2.5 kg"``; ``category`` is the marketplace's id of a leaf category, None while none is mapped."""

    title: str
    description: str = ""
    bullets: tuple[str, ...] = ()
    brand: str | None = None
    category: str | None = None
    images: tuple[str, ...] = ()
    attributes: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)


class Finding(NamedTuple):
    """Why a listing is blocked or could be better. ``rule`` names the check, ``field`` where to mend it.
    ``link``: where it can be mended, a page of ours (begins with ``/``) or of the store; empty where unknown."""

    rule: str
    field: str
    blocking: bool
    text: str
    fix: str
    link: str = ""

    def as_json(self) -> dict[str, Any]:
        return self._asdict()


class DesiredOffer(NamedTuple):
    """The listing as it should be. ``stock`` in whole units, never below 0; ``price`` includes VAT; ``handling_days``
    until it is handed to the carrier, None = the setting of the connection; the rest as in :class:`OfferContent`.

    Hundreds of thousands of these are made in one go, of values that have been looked at already: nothing is validated.
    """

    sku: str
    gtin: str | None
    stock: int
    price: Money | None
    title: str
    description: str = ""
    bullets: tuple[str, ...] = ()
    brand: str | None = None
    category: str | None = None
    images: tuple[str, ...] = ()
    attributes: Mapping[str, str | tuple[str, ...]] = {}
    handling_days: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def blocked(self) -> bool:
        return any(finding.blocking for finding in self.findings)


class LiveOffer(Value):
    """An offer as the marketplace reports it: for read-back. ``stock`` None where the channel does not tell;
    ``site`` as in ``Manifest.sites``."""

    offer_id: str
    site: str = ""
    sku: str | None
    gtin: str | None = None
    stock: int | None = None
    price: Money | None = None
    title: str | None = None
    for_sale: bool | None = None
