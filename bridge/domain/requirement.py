"""What a marketplace wants to know of a product: its categories, and the attributes each of them asks for."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bridge.domain.values import Value


class Category(Value):
    """A marketplace category. ``path`` are the names from the root down to this one; only a ``leaf`` takes products."""

    id: str
    parent: str | None = None
    path: tuple[str, ...] = Field(min_length=1)
    leaf: bool

    @property
    def name(self) -> str:
        return self.path[-1]


class AttributeKind(StrEnum):
    """What the value of an attribute is. ``MEASURE`` is a number with a unit; ``CHOICE`` is one of ``allowed``."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    CHOICE = "choice"
    DATE = "date"
    MEASURE = "measure"
    IMAGE = "image"


class AllowedValue(Value):
    """A value that may be sent, and what people call it."""

    value: str
    label: str = ""


class Need(StrEnum):
    """How much an attribute is wanted."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class Given(Value):
    """Holds when ``attribute`` has one of ``values``; without values, when it has any value at all."""

    attribute: str
    values: tuple[str, ...] = ()


class AttributeRequirement(Value):
    """One attribute of a category.

    ``required_if``: it is required too when any of these holds. ``allowed`` is complete unless ``open_list``.
    ``countries``: where the rule applies, empty = everywhere. ``axis``: variants of a product may differ in it.
    ``minimum``, ``maximum`` bound a number; ``max_length`` is in characters; ``max_values`` for several values.
    """

    id: str
    name: str
    kind: AttributeKind = AttributeKind.TEXT
    need: Need = Need.OPTIONAL
    required_if: tuple[Given, ...] = ()
    allowed: tuple[AllowedValue, ...] = ()
    open_list: bool = False
    units: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    max_length: int | None = None
    pattern: str | None = None
    max_values: int = 1
    countries: tuple[str, ...] = ()
    axis: bool = False
    help: str = ""


class CategoryRequirements(Value):
    """All attributes of one category (``category`` None: of every product). ``version`` changes whenever they do."""

    category: str | None
    version: str
    attributes: tuple[AttributeRequirement, ...] = ()
