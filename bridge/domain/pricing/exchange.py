"""Exchange rates: one day's table with its source, and what the merchant has fixed instead."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value

FIXED = "fixed by the merchant"
_ONE = Decimal(1)


class FixedRate(Value):
    """One ``base`` is ``rate`` ``currency``, by the merchant's word; used the other way round too."""

    base: str = Field(pattern=r"^[A-Z]{3}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    rate: Decimal = Field(gt=0)


class Quote(Value):
    """How many ``currency`` one ``base`` is: ``times`` / ``over``, and where that is from."""

    base: str
    currency: str
    times: Decimal
    over: Decimal
    source: str
    day: date | None = None

    def age(self, today: date) -> int | None:
        """Whole days since the rate was set; None for one the merchant fixed."""
        return None if self.day is None else max(0, (today - self.day).days)

    def text(self, today: date) -> str:
        """``1 EUR = 0.8338 GBP (European Central Bank, 2026-10-30, 3 days old)``."""
        rate = (self.times / self.over).quantize(Decimal("0.000001")).normalize()
        words = [self.source]
        if self.day is not None:
            words.append(self.day.isoformat())
        if age := self.age(today):
            words.append("1 day old" if age == 1 else f"{age} days old")
        return f"1 {self.base} = {rate:f} {self.currency} ({', '.join(words)})"


def _quote(base: str, currency: str, times: Decimal, over: Decimal, source: str, day: date | None = None) -> Quote:
    return Quote(base=base, currency=currency, times=times, over=over, source=source, day=day)


class NoRate(LookupError):
    """Neither the table nor the merchant says what this currency is worth."""

    def __init__(self, base: str, currency: str) -> None:
        super().__init__(f"there is no exchange rate from {base} to {currency}")
        self.base = base
        self.currency = currency


class Rates(Value):
    """What one ``base`` is worth on ``day`` by ``source``. ``fixed`` goes before ``rates``."""

    base: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    day: date
    source: str
    rates: dict[str, Decimal] = Field(default_factory=dict)
    fixed: tuple[FixedRate, ...] = ()

    def quote(self, base: str, currency: str) -> Quote:
        """Raises NoRate where there is none."""
        if base == currency:
            return _quote(base, currency, _ONE, _ONE, "the same currency")
        fixed = {(one.base, one.currency): one.rate for one in self.fixed}
        if (base, currency) in fixed:
            return _quote(base, currency, fixed[base, currency], _ONE, FIXED)
        if (currency, base) in fixed:
            return _quote(base, currency, _ONE, fixed[currency, base], FIXED)
        times, over = self._against_base(currency), self._against_base(base)
        if times is None or over is None:
            raise NoRate(base, currency)
        return _quote(base, currency, times, over, self.source, self.day)

    def _against_base(self, currency: str) -> Decimal | None:
        rate = _ONE if currency == self.base else self.rates.get(currency)
        return rate if rate is not None and rate > 0 else None

    def convert(self, money: Money, currency: str) -> Money:
        """Multiplied first, divided last, not rounded: quantise once, at the end. Raises NoRate."""
        quote = self.quote(money.currency, currency)
        return Money(amount=money.amount * quote.times / quote.over, currency=currency)
