"""Money: a Decimal amount with its ISO 4217 currency. Never a float, never without a currency."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bridge.domain.values import Value

# Minor units that are not 2: ISO 4217 table A.1. HUF has 2 on paper; marketplaces quote it in whole forint.
MINOR_UNITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "HUF": 0, "BHD": 3, "KWD": 3, "TND": 3, "JOD": 3}

# Active codes of ISO 4217 table A.1, without precious metals, funds and test codes.
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU "
    "UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CODES.split(" "))


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


# Far above any price or sum of prices, and exact to the last coin in 28 digits.
LIMIT = Decimal(10) ** 24
Amount = Annotated[Decimal, BeforeValidator(_exact), Field(gt=-LIMIT, lt=LIMIT)]


class Money(Value):
    """An amount in a currency."""

    amount: Amount
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @classmethod
    def of(cls, amount: Decimal | str | float, currency: str) -> Money:
        """From anything a JSON answer holds; a float by its shortest decimal form.

        Raises ValueError when it is no finite number, or larger than any money is.
        """
        try:
            exact = Decimal(repr(amount) if isinstance(amount, float) else str(amount).strip())
        except InvalidOperation as error:
            raise ValueError(f"not an amount of money: {amount!r}") from error
        if not exact.is_finite() or abs(exact) >= LIMIT:
            raise ValueError(f"not an amount of money: {amount!r}")
        return cls(amount=exact, currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(amount=Decimal(0), currency=currency)

    def __add__(self, other: Money) -> Money:
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def times(self, quantity: int) -> Money:
        return Money(amount=self.amount * quantity, currency=self.currency)

    def quantised(self) -> Money:
        """Rounded half up to the currency's minor unit."""
        units = MINOR_UNITS.get(self.currency, 2)
        if self.amount.as_tuple().exponent == -units:
            return self
        step = Decimal(1).scaleb(-units)
        return Money(amount=self.amount.quantize(step, rounding=ROUND_HALF_UP), currency=self.currency)

    def text(self) -> str:
        """``19.90 EUR``, at the currency's precision."""
        return f"{self.quantised().amount} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts in one currency; zero when there are none."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result
