"""VAT: the rates of a country by date, which of them a product has, and amounts with and without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value

_HUNDRED = Decimal(100)


class RateKind(StrEnum):
    """``REDUCED`` is the higher of a country's reduced rates, ``REDUCED_LOW`` the lower one where it has two."""

    STANDARD = "standard"
    REDUCED = "reduced"
    REDUCED_LOW = "reduced_low"
    SUPER_REDUCED = "super_reduced"
    ZERO = "zero"


class VatRate(Value):
    """One rate of one country, in percent, from ``valid_from`` until a later row of the same kind. ``percent`` None:
    the country has no such rate from then on."""

    country: str = Field(pattern=r"^[A-Z]{2}$")
    kind: RateKind
    percent: Decimal | None = Field(ge=0, lt=100)
    valid_from: date
    source: str


class UnknownVat(LookupError):
    """The table has no such rate; the text says which."""


class VatTable:
    """All rates, looked up by country, kind and day."""

    def __init__(self, rates: Iterable[VatRate]) -> None:
        self._rates: dict[tuple[str, RateKind], list[VatRate]] = {}
        for rate in sorted(rates, key=lambda item: item.valid_from):
            self._rates.setdefault((rate.country, rate.kind), []).append(rate)
        self.countries = frozenset(country for country, _ in self._rates)

    def rate(self, country: str, kind: RateKind, day: date) -> VatRate:
        """The rate in force on ``day``. Raises UnknownVat."""
        if country not in self.countries:
            raise UnknownVat(f"the VAT rates of {country} are not known")
        if kind is RateKind.ZERO:
            return VatRate(country=country, kind=kind, percent=Decimal(0), valid_from=day, source="the tax class")
        valid = [rate for rate in self._rates.get((country, kind), ()) if rate.valid_from <= day]
        if not valid or valid[-1].percent is None:
            raise UnknownVat(f"{country} has no {kind.replace('_', ' ')} VAT rate on {day.isoformat()}")
        return valid[-1]

    def percent(self, country: str, kind: RateKind, day: date) -> Decimal:
        """Raises UnknownVat."""
        percent = self.rate(country, kind, day).percent
        return percent if percent is not None else Decimal(0)


class TaxClasses(Value):
    """Which rate a store's tax class means: ``everywhere``, save where ``countries`` says otherwise for one.

    A class that is not named has the standard rate, which can be too much tax but never too little.
    """

    everywhere: dict[str, RateKind] = Field(default_factory=dict)
    countries: dict[str, dict[str, RateKind]] = Field(default_factory=dict)

    def kind(self, tax_class: str | None, country: str) -> RateKind:
        name = tax_class or ""
        own: Mapping[str, RateKind] = self.countries.get(country, {})
        return own.get(name) or self.everywhere.get(name) or RateKind.STANDARD


def gross(net: Decimal, percent: Decimal) -> Decimal:
    """With VAT, not rounded."""
    return net * (_HUNDRED + percent) / _HUNDRED


def net(gross_amount: Decimal, percent: Decimal) -> Decimal:
    """Without VAT, not rounded."""
    return gross_amount * _HUNDRED / (_HUNDRED + percent)


def split(price: Money, percent: Decimal) -> tuple[Money, Money]:
    """(net, VAT) of a price that contains VAT, in whole coins; together they are the price, which is in whole coins."""
    without = Money(amount=net(price.amount, percent), currency=price.currency).quantised()
    return without, price - without
