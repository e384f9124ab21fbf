"""VAT on the store's prices. REST does not tell whether prices include it, nor which rates apply: both are settings.
Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)
CLASS = re.compile(r"\s*(?P<name>[^=]+?)\s*=\s*(?P<percent>\d{1,2}([.,]\d{1,3})?)\s*")


@dataclass(frozen=True)
class Vat:
    """Percentages to put on top of a price: ``standard``, and others by the id of a product tax class."""

    standard: Decimal = ZERO
    by_class: Mapping[str, Decimal] = field(default_factory=dict)

    def percent(self, tax_class: str) -> Decimal:
        """Class 0 is Magento's "None": nothing is taxed."""
        return ZERO if tax_class == "0" else self.by_class.get(tax_class, self.standard)

    def gross(self, price: Decimal, tax_class: str) -> Decimal:
        return price * (1 + self.percent(tax_class) / 100)


NO_VAT = Vat()


def read_percent(value: object) -> Decimal:
    """``21`` or ``5,5``; nothing is 0."""
    found = str(value or "").strip().replace(",", ".")
    return Decimal(found) if found else ZERO


def read_classes(lines: Iterable[str], ids: Mapping[str, str]) -> tuple[dict[str, Decimal], list[str]]:
    """``Food=9`` for each class, by name or id; ``ids`` by name. What makes no sense comes back as it stands."""
    found: dict[str, Decimal] = {}
    odd: list[str] = []
    for line in lines:
        match = CLASS.fullmatch(line)
        name = match["name"] if match else ""
        key = ids.get(name.lower(), name if name in ids.values() else "")
        if match and key:
            found[key] = read_percent(match["percent"])
        else:
            odd.append(line)
    return found, odd
