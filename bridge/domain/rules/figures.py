"""Amounts that rules ask for: conversions, VAT, margin. None where they are not known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bridge.domain.money import Money
from bridge.domain.pricing.exchange import NoRate, Quote, Rates
from bridge.domain.pricing.vat import UnknownVat, VatRate
from bridge.domain.rules.state import State
from bridge.domain.rules.subject import RuleContext

_HUNDRED = Decimal(100)
_NO_RATES = Rates(day=date.min, source="")


class Figures:
    """The tables of a context, each answer kept: there are few tax classes and few currencies."""

    def __init__(self, context: RuleContext) -> None:
        self.context = context
        self._quotes: dict[tuple[str, str], Quote | None] = {}
        self._contained: dict[str, Decimal | None] = {}

    def quote(self, base: str, currency: str) -> Quote | None:
        key = (base, currency)
        if key not in self._quotes:
            self._quotes[key] = self._look_up(base, currency)
        return self._quotes[key]

    def _look_up(self, base: str, currency: str) -> Quote | None:
        try:
            return (self.context.rates or _NO_RATES).quote(base, currency)
        except NoRate:
            return None

    def converted(self, money: Money, currency: str) -> Decimal | None:
        """Not rounded."""
        return self.exchanged(money.amount, money.currency, currency)

    def exchanged(self, amount: Decimal, base: str, currency: str) -> Decimal | None:
        if base == currency:
            return amount
        quote = self.quote(base, currency)
        return None if quote is None else amount * quote.times / quote.over

    def vat_of(self, tax_class: str, country: str) -> VatRate | None:
        """The rate of a tax class in ``country`` today."""
        if self.context.vat is None:
            return None
        kind = self.context.tax_classes.kind(tax_class, country)
        try:
            return self.context.vat.rate(country, kind, self.context.today)
        except UnknownVat:
            return None

    def contained(self, tax_class: str) -> Decimal | None:
        """The VAT in the store's prices, in percent; 0 where they have none, None where it is not known."""
        if not self.context.prices_include_tax:
            return Decimal(0)
        if tax_class not in self._contained:
            rate = self.vat_of(tax_class, self.context.home) if self.context.home else None
            self._contained[tax_class] = rate.percent if rate else None
        return self._contained[tax_class]

    def net_price(self, state: State) -> Decimal | None:
        """The price without VAT, in its currency; what is missing is noted."""
        if state.amount is None:
            state.lacks("price")
        elif state.vat is None:
            state.lacks("VAT in the store's prices")
        else:
            return state.amount * _HUNDRED / (_HUNDRED + state.vat) if state.vat else state.amount
        return None

    def cost_in(self, state: State, currency: str) -> Decimal | None:
        cost = state.subject.cost
        if cost is None:
            state.lacks("cost")
            return None
        amount = self.converted(cost, currency)
        if amount is None:
            state.lacks(f"exchange rate {cost.currency} to {currency}")
        return amount

    def margin(self, state: State) -> Decimal | None:
        """Price without VAT less cost, in the price's currency."""
        amount, vat, own = state.amount, state.vat, state.subject.cost
        if amount is not None and vat is not None and own is not None and own.currency == state.currency:
            return amount * _HUNDRED / (_HUNDRED + vat) - own.amount
        net = self.net_price(state)
        if net is None:
            return None
        cost = self.cost_in(state, state.currency)
        return None if cost is None else net - cost

    def margin_percent(self, state: State) -> Decimal | None:
        """Margin in percent of the price without VAT."""
        net, margin = self.net_price(state), self.margin(state)
        if net is None or margin is None:
            return None
        if net <= 0:
            state.lacks("price above 0")
            return None
        return margin * _HUNDRED / net
