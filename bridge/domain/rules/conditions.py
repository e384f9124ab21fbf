"""What a rule asks: plain data, told apart by ``kind``, so that a form can draw it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bridge.domain.money import Amount, Money
from bridge.domain.rules.fields import ASKED
from bridge.domain.values import Value

FieldName = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=ASKED)]
Words = Annotated[str, Field(max_length=1000)]


class TextOp(StrEnum):
    """``MATCHES``: ``*`` stands for any text, ``?`` for one character; nothing else is special."""

    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    MATCHES = "matches"
    EMPTY = "empty"


class NumberOp(StrEnum):
    """``BETWEEN`` includes both ends."""

    EQUAL = "="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    BETWEEN = "between"


class SetOp(StrEnum):
    """``IN`` is for a field with one value; the others for fields with several. A field without a value has none."""

    IN = "in"
    HAS_ANY = "has any"
    HAS_ALL = "has all"
    NONE = "none"


class DateOp(StrEnum):
    """``WITHIN``: at most so many days before or after today."""

    BEFORE = "before"
    AFTER = "after"
    WITHIN = "within"


class Always(Value):
    """Every product."""

    kind: Literal["always"] = "always"


class TextIs(Value):
    """Of a field with several values, one that fits is enough. ``value`` is not used by "empty"."""

    kind: Literal["text"] = "text"
    field: FieldName
    op: TextOp
    value: Words = ""
    exact_case: bool = False


class NumberIs(Value):
    """``upto`` is the other end of "between"."""

    kind: Literal["number"] = "number"
    field: FieldName
    op: NumberOp
    value: Amount
    upto: Amount | None = None


class MoneyIs(Value):
    """Amounts in another currency are converted to that of ``value``."""

    kind: Literal["money"] = "money"
    field: FieldName
    op: NumberOp
    value: Money
    upto: Money | None = None


class SetIs(Value):
    """Words are compared without regard to case."""

    kind: Literal["set"] = "set"
    field: FieldName
    op: SetOp
    values: tuple[Words, ...] = Field(min_length=1, max_length=10000)


class DateIs(Value):
    """``day`` for "before" and "after", ``days`` for "within". Days are those of UTC."""

    kind: Literal["date"] = "date"
    field: FieldName
    op: DateOp
    day: date | None = None
    days: int | None = Field(default=None, ge=0, le=36500)


class AllOf(Value):
    """Every one of them holds."""

    kind: Literal["all"] = "all"
    of: tuple[Condition, ...] = Field(min_length=1, max_length=100)


class AnyOf(Value):
    """One of them holds, or several."""

    kind: Literal["any"] = "any"
    of: tuple[Condition, ...] = Field(min_length=1, max_length=100)


class NotThis(Value):
    """It does not hold. What is not known is not known to be otherwise either."""

    kind: Literal["not"] = "not"
    of: Condition


Condition = Annotated[
    Always | TextIs | NumberIs | MoneyIs | SetIs | DateIs | AllOf | AnyOf | NotThis, Field(discriminator="kind")
]

for _group in (AllOf, AnyOf, NotThis):
    _group.model_rebuild()
