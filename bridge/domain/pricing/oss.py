"""The threshold of EUR 10,000 for sales to consumers in other EU countries (Directive 2006/112/EC, article 59c).

Up to it, in this calendar year and the one before, a seller established in one EU country may charge the VAT of that
country. Above it the buyer's VAT is due from that sale on, declared in each country or through the one-stop shop (OSS).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from bridge.domain.money import Money
from bridge.domain.pricing.vat import net
from bridge.domain.values import Value

THRESHOLD = Money(amount=Decimal(10000), currency="EUR")
NEAR = Decimal("0.8")
_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_MEMBERS.split(" "))


class OssState(StrEnum):
    """Where a seller stands. ``OVER_LAST_YEAR``: the threshold was passed last year and so does not help this year."""

    BELOW = "below"
    NEAR = "near"
    OVER = "over"
    OVER_LAST_YEAR = "over_last_year"


class OssSettings(Value):
    """``registered``: the merchant declares the VAT of the buyers' countries, through OSS or in each."""

    registered: bool = False


class OssNotice(Value):
    """``total`` of this year without VAT. ``text`` is empty while there is nothing to do."""

    state: OssState
    total: Money
    text: str


def oss_notice(
    home: str,
    this_year: Mapping[str, Money],
    last_year: Mapping[str, Money] | None = None,
    registered: bool = False,
) -> OssNotice | None:
    """From the sums of sales to consumers by country of delivery, in EUR without VAT, the home country's left out or
    not. None for a seller outside the EU: the threshold is not for them.

    Raises ValueError for a sum in another currency: convert it first.
    """
    if home not in EU:
        return None
    total, before = cross_border(home, this_year), cross_border(home, last_year or {})
    state = _state(total.amount, before.amount)
    return OssNotice(state=state, total=total, text="" if registered else _TEXTS[state].format(total=total.text()))


def cross_border(home: str, sums: Mapping[str, Money]) -> Money:
    """What counts: deliveries to other EU countries."""
    result = Money.zero(THRESHOLD.currency)
    for country, amount in sums.items():
        if country in EU and country != home:
            result += amount
    return result


def kept(whole: Money, tax: Money | None, percent: Decimal, units: int, of: int, back: Decimal) -> Money:
    """Without VAT, not rounded: what is left of an amount that contains it, for ``units`` out of ``of`` and with
    ``back`` given back. ``percent`` is the VAT where ``tax``, that in the whole amount, is not told."""
    left = max(whole.amount * units / of - back, Decimal(0)) if of else Decimal(0)
    if tax is not None and whole.amount > 0:
        return Money(amount=left * (whole.amount - tax.amount) / whole.amount, currency=whole.currency)
    return Money(amount=net(left, percent), currency=whole.currency)


def _state(total: Decimal, before: Decimal) -> OssState:
    if total > THRESHOLD.amount:
        return OssState.OVER
    if before > THRESHOLD.amount:
        return OssState.OVER_LAST_YEAR
    return OssState.NEAR if total >= THRESHOLD.amount * NEAR else OssState.BELOW


_TEXTS: Mapping[OssState, str] = {
    OssState.BELOW: "",
    OssState.NEAR: "Sales to consumers in other EU countries are at {total} this year. Above 10000.00 EUR the VAT of "
    "the buyer’s country is due: register for the one-stop shop (OSS) before that, and add a rule for that VAT.",
    OssState.OVER: "Sales to consumers in other EU countries have passed 10000.00 EUR this year: {total}. The VAT of "
    "the buyer’s country is due on each of them. Register for OSS or in these countries.",
    OssState.OVER_LAST_YEAR: "Sales to consumers in other EU countries passed 10000.00 EUR last year, so the VAT of "
    "the buyer’s country is due this year from the first sale. Register for OSS or in these countries.",
}
