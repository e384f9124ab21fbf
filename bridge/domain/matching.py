"""By what a marketplace's offers and order lines are matched with the products of the store. The merchant chooses; here
is the one place that says what that means. Several that fit are a person's to tell apart, never a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from bridge.domain.whose import Candidate, whose

T = TypeVar("T")
# The names of the two settings of a connection.
BY, COMPARED = "match_by", "match_sku"


class By(StrEnum):
    """SKU first, and EAN where the SKU says nothing; or one of them alone."""

    BOTH = "both"
    SKU = "sku"
    EAN = "ean"


class Compared(StrEnum):
    """SKUs letter by letter, or without regard to case and to spaces around them."""

    EXACT = "exact"
    LOOSE = "loose"


class Found(NamedTuple):
    """``how``: by_sku, by_gtin (then it is one), several or unknown."""

    how: str
    ids: Sequence[Any]


class Matching(NamedTuple):
    """What a merchant has chosen for one marketplace."""

    by: By = By.BOTH
    compared: Compared = Compared.EXACT

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Matching:
        """From a connection's settings; what is not set is the default."""
        return cls(By(settings.get(BY) or By.BOTH), Compared(settings.get(COMPARED) or Compared.EXACT))

    @property
    def is_loose(self) -> bool:
        return self.compared is Compared.LOOSE and self.by is not By.EAN

    def sku(self, text: str | None) -> str:
        """What of a SKU is compared; "" where it says nothing."""
        if not text or self.by is By.EAN:
            return ""
        return text.strip(" ").lower() if self.compared is Compared.LOOSE else text

    def gtin(self, text: str | None) -> str:
        """The same of an EAN."""
        return "" if self.by is By.SKU else text or ""

    def line(
        self, gtin: str | None, owner: Candidate | None, by_sku: Sequence[Candidate], by_gtin: Sequence[Candidate]
    ) -> Candidate | None:
        """Which product an order line means: :func:`bridge.domain.whose.whose`, of what counts here."""
        match self.by:
            case By.SKU:
                return whose(None, owner, by_sku, ())
            case By.EAN:
                return whose(None, owner, by_gtin, ())
            case By.BOTH:
                return whose(gtin, owner, by_sku, by_gtin)


LOOSELY = Matching(compared=Compared.LOOSE)


def told_apart(by_sku: Sequence[T], by_gtin: Sequence[T]) -> Found:
    """What has the SKU, else what has the EAN, where that is one thing."""
    if len(by_sku) == 1:
        return Found("by_sku", by_sku)
    if by_sku or len(by_gtin) > 1:
        return Found("several", by_sku or by_gtin)
    return Found("by_gtin", by_gtin) if by_gtin else Found("unknown", ())


def spellings(sku: str) -> set[str]:
    """How ``lower(trim(…))`` of a database may give a SKU that is alike: some know no letters beyond A to Z."""
    plain = sku.strip(" ")
    return {plain.lower(), _lower(plain), _lower(plain.upper())}


def _lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
