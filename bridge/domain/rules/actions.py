"""What a rule does: plain data, told apart by ``kind``, so that a form can draw it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bridge.domain.buffers import Buffer
from bridge.domain.money import Amount, Money
from bridge.domain.pricing.rounding import Direction
from bridge.domain.rules.conditions import FieldName
from bridge.domain.rules.fields import PRICED, WRITTEN
from bridge.domain.values import Value

Reason = Annotated[str, Field(min_length=1, max_length=300)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Exclude(Value):
    """Not sold on this channel."""

    kind: Literal["exclude"] = "exclude"
    reason: Reason


class IncludeOnly(Value):
    """Whatever the rule's condition does not fit is not sold on this channel; what cannot be judged is left alone."""

    kind: Literal["include_only"] = "include_only"
    reason: Reason


class Hold(Value):
    """Nothing new is sent of it until a person has looked."""

    kind: Literal["hold"] = "hold"
    reason: Reason


class TextOf(Value):
    """These words."""

    kind: Literal["text"] = "text"
    text: Annotated[str, Field(max_length=10000)]


class ValueOf(Value):
    """What another field says."""

    kind: Literal["field"] = "field"
    field: FieldName


Words = Annotated[TextOf | ValueOf, Field(discriminator="kind")]


class TextChange(StrEnum):
    """``APPEND`` and ``PREPEND`` leave alone what has the words there already."""

    SET = "set"
    APPEND = "append"
    PREPEND = "prepend"


class SetText(Value):
    """Title, description, brand, bullets or an attribute. Of bullets and several values, one is added. Words that are
    empty change nothing, save with "set"."""

    kind: Literal["text"] = "text"
    target: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=WRITTEN)]
    change: TextChange
    words: Words
    separator: Annotated[str, Field(max_length=20)] = " "


class ReplaceText(Value):
    """Every ``find`` becomes ``put``; no patterns."""

    kind: Literal["replace"] = "replace"
    target: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=WRITTEN)]
    find: Annotated[str, Field(min_length=1, max_length=1000)]
    put: Annotated[str, Field(max_length=1000)] = ""


class MarkupBase(StrEnum):
    """What a markup is on. Over the cost, the VAT that the price contains is added."""

    PRICE = "price"
    COST = "cost"


class Markup(Value):
    """So many percent more (or less, below 0)."""

    kind: Literal["markup"] = "markup"
    percent: Amount = Field(gt=-100, le=100000)
    over: MarkupBase = MarkupBase.PRICE


def _below_hundred(percent: Amount) -> Amount:
    if percent >= 100:
        raise ValueError("A margin of 100 % or more has no price: the cost would be divided by nothing.")
    return percent


class Margin(Value):
    """The price that leaves ``percent`` of the price without VAT above the cost."""

    kind: Literal["margin"] = "margin"
    percent: Annotated[Amount, AfterValidator(_below_hundred), Field(ge=0, json_schema_extra={"exclusiveMaximum": 100})]


class SetPrice(Value):
    """A price, in place of the product's own."""

    kind: Literal["set_price"] = "set_price"
    amount: Money


class PriceOf(Value):
    """The price that a field says: the one before a reduction, or a price list of the store in an attribute or a custom
    field, in the currency and with the VAT of the store's prices. What has nothing in the field keeps its price."""

    kind: Literal["price_of"] = "price_of"
    field: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PRICED)]


class AddToPrice(Value):
    """A fixed amount more (or less, below 0); converted where the price is in another currency."""

    kind: Literal["add_to_price"] = "add_to_price"
    amount: Money


class Convert(Value):
    """Into another currency, at the day's rate or the merchant's."""

    kind: Literal["convert"] = "convert"
    currency: CurrencyCode


class RoundToEnding(Value):
    """``ending`` above a multiple of ``every``: .99 every 1 gives 11.99; 9.90 every 10 gives 19.90."""

    kind: Literal["round_ending"] = "round_ending"
    ending: Amount = Field(ge=0)
    every: Amount = Field(default=1, gt=0, validate_default=True)
    direction: Direction = Direction.NEAREST


class RoundToStep(Value):
    """A multiple of ``step``."""

    kind: Literal["round_step"] = "round_step"
    step: Amount = Field(gt=0)
    direction: Direction = Direction.NEAREST


class Vat(Value):
    """The VAT of the buyer's country in place of what the price contains. ``country`` None: the connection's."""

    kind: Literal["vat"] = "vat"
    country: CountryCode | None = None


class Floor(Value):
    """The price that is sent is no lower, wherever in the order this stands. Of several, the last one counts."""

    kind: Literal["floor"] = "floor"
    amount: Money


class Ceiling(Value):
    """The price that is sent is no higher, wherever in the order this stands. Of several, the last one counts."""

    kind: Literal["ceiling"] = "ceiling"
    amount: Money


class KeepBack(Value):
    """The safety buffer, in place of the connection's own."""

    kind: Literal["buffer"] = "buffer"
    buffer: Buffer


class Cap(Value):
    """No more units than this are shown."""

    kind: Literal["cap"] = "cap"
    units: int = Field(ge=0, le=2**31 - 1)


class HandlingTime(Value):
    """Working days until it is handed over to the carrier."""

    kind: Literal["handling"] = "handling"
    days: int = Field(ge=0, le=365)


Action = Annotated[
    Exclude
    | IncludeOnly
    | Hold
    | SetText
    | ReplaceText
    | Markup
    | Margin
    | SetPrice
    | PriceOf
    | AddToPrice
    | Convert
    | RoundToEnding
    | RoundToStep
    | Vat
    | Floor
    | Ceiling
    | KeepBack
    | Cap
    | HandlingTime,
    Field(discriminator="kind"),
]
