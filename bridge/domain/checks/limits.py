"""What a marketplace demands of a listing, as data: the part ``checks`` of a channel's manifest. Nothing is demanded
by default. A limit a marketplace does not publish is left out, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bridge.domain.requirement import Need
from bridge.domain.values import Value


class Pattern(Value):
    """Content a marketplace forbids. ``regex`` is searched without regard to case; ``name`` completes the sentence
    "The title contains ..."."""

    regex: str
    name: str

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value


# Known by name to every manifest; a manifest may replace one or add its own.
PATTERNS: Mapping[str, Pattern] = {
    "url": Pattern(
        name="a web address", regex=r"\b(?:https?://|www\.)\S+|\b[a-z0-9-]{2,}\.(?:com|nl|de|be|fr|eu|net|org|shop)\b"
    ),
    "email": Pattern(name="an e-mail address", regex=r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": Pattern(
        name="a telephone number",
        regex=r"(?<![\w.,/-])(?:\+|00)[1-9]\d{0,2}[\s./-]?(?:\(0\)[\s./-]?)?\d(?:[\s./-]?\d){6,11}(?!\w)"
        r"|\b(?:tel|phone|telefoon|telefon|t\u00e9l)[.:]{1,2}\s*\+?\d(?:[\s./()-]{0,2}\d){6,12}",
    ),
    "price": Pattern(
        name="a price or an offer",
        regex=r"(?:\u20ac|\u00a3|\b(?:EUR|GBP))\s?\d|\d\s?(?:\u20ac|\u00a3|(?:EUR|GBP)\b)"
        r"|\b(?:free shipping|gratis verzending|versandkostenfrei|livraison gratuite|darmowa dostawa"
        r"|\d{1,2}\s?%\s?(?:off|korting|rabatt|de r\u00e9duction|taniej))\b",
    ),
}


class TextLimit(Value):
    """Limits of a text. ``minimum`` and ``maximum`` are in characters, ``max_bytes`` in UTF-8.

    ``tags``: the HTML elements that are kept; with none of them the text is sent as plain text. ``forbidden`` names
    patterns. ``cut``: a text that is too long is cut at a word and sent (a warning), else it blocks.
    """

    need: Need = Need.OPTIONAL
    minimum: int | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=1)
    max_bytes: int | None = Field(default=None, ge=1)
    tags: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    forbidden_blocks: bool = False
    cut: bool = True


class BulletLimit(Value):
    """Limits of the list of selling points. ``maximum`` is characters of one of them."""

    need: Need = Need.OPTIONAL
    max_count: int | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=1)
    forbidden: tuple[str, ...] = ()


class ImageLimit(Value):
    """Limits of pictures. Sides are in pixels: ``min_longest`` of the longer one; ``min_width`` and the like of one.

    ``types`` are media types; ``aspect_*`` is width divided by height; ``https``: an address without TLS is refused.
    A picture that breaks a limit is left out with a warning; the listing is blocked when fewer than ``min_count`` are
    left.
    """

    min_count: int = Field(default=0, ge=0)
    max_count: int | None = Field(default=None, ge=1)
    min_width: int | None = None
    min_height: int | None = None
    min_longest: int | None = None
    max_width: int | None = None
    max_height: int | None = None
    max_pixels: int | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None
    types: tuple[str, ...] = ()
    aspect_min: Decimal | None = None
    aspect_max: Decimal | None = None
    https: bool = False


class PriceLimit(Value):
    """Bounds of a price in the listing's currency. ``parity``: it has to be what the store asks. ``decimals`` by
    currency where the marketplace takes other than the currency's own (bol's EUR has 2 anyway; Allegro refuses 3)."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    parity: bool = False
    decimals: dict[str, int] = Field(default_factory=dict)


class GtinLimit(Value):
    """Which GTINs are taken, beside the manifest's ``gtin_required``. ``exempt_setting`` names a setting (a flag, or
    a list of brands) with which a merchant says that the marketplace asks none of them."""

    lengths: tuple[Literal[8, 12, 13, 14], ...] = (8, 12, 13, 14)
    exempt_setting: str | None = None
    internal: bool = False


class OperatorLimit(Value):
    """Whether a responsible person or economic operator (GPSR) is demanded. ``setting`` names the setting that says
    who it is for all products; ``fields`` are product attributes or custom fields that say it of one. ``account``:
    the marketplace keeps it in the account and the adapter finds it, so that an empty setting is no fault."""

    need: Need = Need.OPTIONAL
    setting: str | None = None
    fields: tuple[str, ...] = ()
    account: bool = False


class Limits(Value):
    """All of it. ``source`` says where it is written; ``category`` says whether a listing needs a mapped category."""

    title: TextLimit = TextLimit(need=Need.REQUIRED)
    description: TextLimit = TextLimit()
    bullets: BulletLimit = BulletLimit()
    images: ImageLimit = ImageLimit()
    price: PriceLimit = PriceLimit()
    gtin: GtinLimit = GtinLimit()
    category: Need = Need.OPTIONAL
    brand: Need = Need.OPTIONAL
    weight: Need = Need.OPTIONAL
    dimensions: Need = Need.OPTIONAL
    origin: Need = Need.OPTIONAL
    responsible: OperatorLimit = OperatorLimit()
    patterns: dict[str, Pattern] = Field(default_factory=dict)
    source: str = ""

    @model_validator(mode="after")
    def _patterns_exist(self) -> Limits:
        used = {*self.title.forbidden, *self.description.forbidden, *self.bullets.forbidden}
        unknown = sorted(used - {*PATTERNS, *self.patterns})
        if unknown:
            raise ValueError(f"forbidden names unknown patterns: {', '.join(unknown)}")
        return self

    def pattern(self, name: str) -> Pattern:
        return self.patterns.get(name) or PATTERNS[name]
