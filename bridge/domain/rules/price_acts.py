"""Actions on the price. An action that cannot work its price out raises CannotPrice, which blocks that product."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from bridge.domain.money import Money
from bridge.domain.pricing import rounding
from bridge.domain.pricing.exchange import Quote
from bridge.domain.reading import amount
from bridge.domain.rules import actions as a
from bridge.domain.rules.fields import FIELDS, Kind, attribute_source, kind_of
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.state import Act, Bound, CannotPrice, State

_HUNDRED = Decimal(100)
ROUNDING = "(rounding)"


def markup(action: a.Markup, rule: str, figures: Figures) -> Act:
    factor = (_HUNDRED + action.percent) / _HUNDRED
    note = f"{action.percent:+f} % on the {action.over}"

    def act(state: State) -> None:
        base = _price(state) if action.over is a.MarkupBase.PRICE else _cost_with_vat(state, figures)
        state.priced(rule, base * factor, _currency(state), note)

    return act


def margin(action: a.Margin, rule: str, figures: Figures) -> Act:
    share = (_HUNDRED - action.percent) / _HUNDRED
    note = f"{action.percent:f} % margin over the cost"

    def act(state: State) -> None:
        state.priced(rule, _cost_with_vat(state, figures) / share, _currency(state), note)

    return act


def set_price(action: a.SetPrice, rule: str) -> Act:
    """What a person writes is what a buyer pays: it contains the VAT that the price it replaces contained."""
    money = action.amount
    return lambda state: state.priced(rule, money.amount, money.currency)


def price_of(action: a.PriceOf, rule: str, figures: Figures) -> Act:
    read = _price_reader(action.field)

    def act(state: State) -> None:
        money = read(state)
        if money is not None:
            state.priced(rule, money.amount, money.currency, "as the store has it")
            state.vat = figures.contained(state.subject.tax_class)

    return act


def _price_reader(name: str) -> Callable[[State], Money | None]:
    if kind_of(name) is not Kind.ATTRIBUTE:
        known: Callable[[State], Money | None] = attrgetter(FIELDS[name].path)
        return known
    path, key = attribute_source(name)
    values = attrgetter(path)
    return lambda state: _in_words(values(state).get(key, ""), key, state)


def _in_words(words: Any, key: str, state: State) -> Money | None:
    """An amount as a shop owner writes it, in the currency of the store."""
    if not words:
        return None
    found = amount(words.replace(",", ".")) if isinstance(words, str) else None
    if found is None or found <= 0:
        text = f"The field {key!r} is to say the price and says {words!r}."
        raise CannotPrice("price", text, "Enter an amount such as 12.50 there, or empty the field.")
    own = state.subject.price
    if own is None:
        raise _no_price()
    return Money(amount=found, currency=own.currency)


def add_to_price(action: a.AddToPrice, rule: str, figures: Figures) -> Act:
    def act(state: State) -> None:
        price = _price(state)
        state.priced(rule, price + _converted(action.amount, state.currency, figures), state.currency)

    return act


def convert(action: a.Convert, rule: str, figures: Figures) -> Act:
    currency = action.currency
    notes: dict[str, tuple[Quote, str]] = {}

    def act(state: State) -> None:
        price, base = _price(state), state.currency
        if base == currency:
            return
        if base not in notes:
            notes[base] = _noted(base, currency, figures)
        quote, note = notes[base]
        state.priced(rule, price * quote.times / quote.over, currency, note)

    return act


def _noted(base: str, currency: str, figures: Figures) -> tuple[Quote, str]:
    quote = figures.quote(base, currency)
    if quote is None:
        raise _no_rate(base, currency)
    return quote, quote.text(figures.context.today)


def round_to(action: a.RoundToEnding | a.RoundToStep, rule: str) -> Act:
    ending, every = (Decimal(0), action.step) if isinstance(action, a.RoundToStep) else (action.ending, action.every)
    direction = action.direction

    def act(state: State) -> None:
        state.priced(rule, rounding.to_ending(_price(state), every, ending, direction), state.currency)

    return act


def vat(action: a.Vat, rule: str, figures: Figures) -> Act:
    country = action.country or figures.context.country
    known: dict[str, tuple[Decimal, str]] = {}

    def act(state: State) -> None:
        price, tax_class = _price(state), state.subject.tax_class
        if state.vat is None:
            text = "It is not known how much VAT the store's prices contain."
            raise CannotPrice("home", text, "Say in which country's VAT the store's prices are.")
        if tax_class not in known:
            known[tax_class] = _rate(country, tax_class, figures)
        percent, note = known[tax_class]
        if percent != state.vat:
            state.priced(rule, price * (_HUNDRED + percent) / (_HUNDRED + state.vat), state.currency, note)
            state.vat = percent

    return act


def _rate(country: str | None, tax_class: str, figures: Figures) -> tuple[Decimal, str]:
    rate = figures.vat_of(tax_class, country) if country else None
    if rate is None or rate.percent is None:
        shown = f"tax class {tax_class!r} in {country}" if country else "the buyer's country, which is not set"
        fix = "Map the tax class to a rate that the country has, or name the country."
        raise CannotPrice("tax_class", f"There is no VAT rate for {shown}.", fix)
    return rate.percent, f"{rate.percent:f} % VAT {country} ({rate.source})"


def bound(action: a.Floor | a.Ceiling, rule: str, figures: Figures) -> Act:
    """Bounds are kept and hold for the price that is sent (``within_bounds``). They are in whole coins of its
    currency, rounded inwards."""
    floor = isinstance(action, a.Floor)
    name, inwards = ("floor", rounding.Direction.UP) if floor else ("ceiling", rounding.Direction.DOWN)
    known: dict[str, Decimal] = {}

    def coins(currency: str) -> Decimal:
        if currency not in known:
            known[currency] = rounding.to_coin(_converted(action.amount, currency, figures), currency, inwards)
        return known[currency]

    value: Bound = (coins, rule)
    return lambda state: setattr(state, name, value)


def within_bounds(state: State) -> None:
    """The price between its bounds. Raises CannotPrice where they leave nothing between them."""
    price, currency = _price(state), state.currency
    lowest = state.floor[0](currency) if state.floor else None
    highest = state.ceiling[0](currency) if state.ceiling else None
    if state.floor and state.ceiling and lowest is not None and highest is not None and lowest > highest:
        text = f"The floor of rule {state.floor[1]!r} is above the ceiling of rule {state.ceiling[1]!r}."
        raise CannotPrice("price", text, "Change one of the two rules.")
    if state.floor and lowest is not None and price < lowest:
        state.priced(state.floor[1], lowest, currency, "floor")
    elif state.ceiling and highest is not None and price > highest:
        state.priced(state.ceiling[1], highest, currency, "ceiling")


def in_coins(state: State) -> None:
    """The price as a marketplace takes it. Raises CannotPrice when nothing is left of it."""
    coins = rounding.to_coin(_price(state), state.currency)
    state.priced(ROUNDING, coins, state.currency)
    if coins <= 0:
        text = f"The price comes to {coins:f} {state.currency}."
        raise CannotPrice("price", text, "Correct the rules, or give it a floor.")


def _price(state: State) -> Decimal:
    if state.amount is None:
        raise _no_price()
    return state.amount


def _no_price() -> CannotPrice:
    return CannotPrice("price", "The product has no price.", "Set a regular price in the store.")


def _currency(state: State) -> str:
    """The price's, or that of the cost where there is no price yet."""
    return state.currency or (state.subject.cost.currency if state.subject.cost else "")


def _cost_with_vat(state: State, figures: Figures) -> Decimal:
    """The cost with as much VAT on it as the price contains."""
    cost = state.subject.cost
    if cost is None:
        raise CannotPrice("cost", "The price is worked out from the cost, and the product has none.", "Enter its cost.")
    if state.vat is None:
        text = "It is not known how much VAT the store's prices contain."
        raise CannotPrice("home", text, "Say in which country's VAT the store's prices are.")
    return _converted(cost, _currency(state), figures) * (_HUNDRED + state.vat) / _HUNDRED


def _converted(money: Money, currency: str, figures: Figures) -> Decimal:
    amount = figures.converted(money, currency)
    if amount is None:
        raise _no_rate(money.currency, currency)
    return amount


def _no_rate(base: str, currency: str) -> CannotPrice:
    text = f"There is no exchange rate from {base} to {currency}."
    return CannotPrice("price", text, "Fix a rate yourself, or wait for the day's table.")
