"""The store's tax rates, and what they make of a price. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
STANDARD = "standard"


@dataclass(frozen=True)
class Rates:
    """Percentages by (country, tax class), the country "" for everywhere.

    Rates for single states, postcodes or cities are left out: a marketplace price is the same all over a country.
    """

    by_place: dict[tuple[str, str], Decimal]

    @classmethod
    def read(cls, rows: Iterable[dict[str, Any]]) -> Rates:
        """From /taxes. Of several rates of one priority the first counts, priorities add up."""
        found: dict[tuple[str, str], dict[int, Decimal]] = {}
        for row in sorted(rows, key=lambda row: int(row.get("order") or 0)):
            if row.get("state") or row.get("postcodes") or row.get("cities") or row.get("postcode") or row.get("city"):
                continue
            place = (str(row.get("country") or ""), str(row.get("class") or STANDARD))
            found.setdefault(place, {}).setdefault(int(row.get("priority") or 1), _percent(row.get("rate")))
        return cls({place: sum(rates.values(), ZERO) for place, rates in found.items()})

    def percent(self, country: str, tax_class: str | None) -> Decimal:
        """0 where the store charges nothing. ``tax_class`` None or empty is the standard class."""
        name = tax_class or STANDARD
        return self.by_place.get((country, name), self.by_place.get(("", name), ZERO))

    def gross(self, net: Decimal, country: str, tax_class: str | None) -> Decimal:
        return net * (1 + self.percent(country, tax_class) / 100)

    def net(self, gross: Decimal, country: str, tax_class: str | None) -> Decimal:
        """Finer than a cent, as the store rounds for itself."""
        return (gross / (1 + self.percent(country, tax_class) / 100)).quantize(Decimal("0.000001"))


NO_RATES = Rates({})


def _percent(value: Any) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return ZERO
