"""How many units a channel may show, and why: on hand, less reservations, less buffer, never below zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from bridge.domain.buffers import Buffer, Pace, kept_back
from bridge.domain.catalogue import StockReading
from bridge.domain.values import Value

MAX_UNITS = 2**31 - 1
OUT_OF_STOCK = "the store says out of stock"
PLAIN, TOO_FEW = "on hand less reserved less buffer", "less on hand than reserved and buffer"


class Untracked(StrEnum):
    """What to publish for products whose stock the store does not count."""

    ZERO = "zero"
    FIXED = "fixed"


class StockPolicy(Value):
    """The merchant's stock settings of one channel connection, in whole units.

    ``buffer`` is kept back, or what ``keep`` says where it is set; ``cap`` is the most ever shown; where fewer than
    ``least`` are left, none is. ``untracked`` says what uncounted stock becomes (``untracked_quantity`` units while the
    store says "in stock"); ``backorders`` lets a product that the store sells when out of stock show
    ``untracked_quantity`` too. ``locations``: the stock of these counts and no other; empty: all of it.
    """

    buffer: int = Field(
        default=0,
        ge=0,
        le=100000,
        title="Safety buffer",
        description="Kept back from this marketplace, for what is sold elsewhere while its number is still on the way.",
    )
    keep: Buffer | None = None
    cap: int | None = Field(
        default=None,
        ge=0,
        title="Most units shown",
        description="Never more than this is shown, whatever is in stock. Empty: no limit.",
    )
    least: int = Field(
        default=0,
        ge=0,
        le=100000,
        title="Fewest units shown",
        description="Where fewer than this are left to show, none is shown. 0: the last one is shown, too.",
    )
    untracked: Untracked = Field(
        default=Untracked.ZERO,
        title="Products without stock count",
        description="What is shown for products whose stock your store does not count.",
        json_schema_extra={"labels": {"zero": "nothing: not for sale", "fixed": "a fixed number of units"}},
    )
    untracked_quantity: int = Field(
        default=1, ge=0, le=10000, title="Units shown for them", description="While the store says “in stock”."
    )
    backorders: bool = Field(
        default=False,
        title="Show products that are sold when out of stock",
        description="With the units above. Off: at zero they show zero.",
    )
    locations: tuple[str, ...] = Field(
        default=(),
        title="Locations that count",
        description="Names as in your store, separated by commas. Empty: the stock of all of them.",
    )


class Guard(Value):
    """Units kept back on top of the buffer for as long as ``why`` holds."""

    units: int = Field(ge=0)
    why: str


class Part(NamedTuple):
    """A component of a bundle: ``each`` units of it go into one. ``reading`` None: the store has no single product of
    this SKU. ``reserved``: units sold that ``reading`` does not contain yet, by the orders ``orders``."""

    sku: str
    each: int
    reading: StockReading | None
    reserved: int = 0
    orders: tuple[str, ...] = ()


class PartAnswer(NamedTuple):
    """What of a component there is: ``available`` units, which are ``enough_for`` so many bundles, and why."""

    sku: str
    each: int
    on_hand: int | None
    reserved: int
    available: int
    enough_for: int
    reason: str
    orders: list[str]


class Together(NamedTuple):
    """How many bundles can be put together, before any buffer, and which SKU allows no more."""

    units: int
    scarcest: str
    reason: str
    parts: list[PartAnswer]

    def as_json(self) -> dict[str, Any]:
        return {"units": self.units, "scarcest": self.scarcest, "parts": [part._asdict() for part in self.parts]}


class StockAnswer(NamedTuple):
    """The published quantity with everything it was made of: the number that can explain itself.

    ``on_hand`` is what counts here (the chosen locations'); ``buffer_reason`` says why the buffer is that large.
    ``bundle``: the sum of a bundle (Together), None for everything else.
    """

    quantity: int
    on_hand: int | None
    reserved: int
    buffer: int
    cap: int | None
    reason: str
    buffer_reason: str = ""
    bundle: Mapping[str, Any] | None = None


def publishable(
    reading: StockReading,
    reserved: int,
    policy: StockPolicy,
    channel_max: int | None,
    pace: Pace | None = None,
    guard: Guard | None = None,
    ruled: tuple[Buffer | None, int | None] = (None, None),
    parts: Sequence[Part] = (),
) -> StockAnswer:
    """The quantity to publish. ``reserved``: units sold on marketplaces that ``reading`` does not contain yet.
    ``pace`` is for adaptive buffers; ``ruled``: buffer and cap by a rule, in place of the connection's own; ``parts``:
    what a bundle is made of."""
    keep, most = ruled
    keep = keep or policy.keep
    on_hand = _counted(reading, policy.locations)
    whole = together(reading, reserved, parts, policy) if parts else None
    available = whole.units if whole else 0 if on_hand is None else on_hand - reserved
    buffer, why = kept_back(keep, available, pace) if keep else (policy.buffer, f"{policy.buffer} units")
    if guard is not None and guard.units:
        buffer, why = buffer + guard.units, f"{why}, and {guard.units} more: {guard.why}"
    left = available - buffer
    quantity, reason = _of_bundle(whole, left) if whole else _quantity(reading, on_hand, left, policy)
    if 0 < quantity < policy.least and (whole or on_hand is not None):
        quantity, reason = 0, f"fewer than {policy.least} are left to show"
    cap = _least(policy.cap if most is None else most, channel_max)
    if quantity > cap:
        quantity, reason = cap, f"capped at {cap}"
    most_shown = cap if cap != MAX_UNITS else None
    bundle = whole.as_json() if whole else None
    return StockAnswer(quantity, on_hand, reserved, buffer, most_shown, reason, why, bundle)


def together(own: StockReading, reserved: int, parts: Sequence[Part], policy: StockPolicy) -> Together:
    """A bundle by its scarcest component, each counted as it would be on its own, without a buffer. Components that
    share stock share it here, too. What the store counts of the bundle itself is one more limit; where it counts
    nothing, it can only be out of stock."""
    counts = own.managed and own.on_hand is not None
    stocked = [*parts, *([Part("", 1, own, reserved)] if counts else [])]
    needs: Counter[str] = Counter()
    for part in stocked:
        needs[part.reading.pool if part.reading else part.sku] += part.each
    found = [_part(part, needs, policy) for part in stocked]
    if not counts and not own.in_stock:
        return Together(0, "", OUT_OF_STOCK, found)
    least = min(found, key=lambda part: part.enough_for)
    reason = f"{least.sku} allows no more: {least.reason}" if least.sku else least.reason
    return Together(least.enough_for, least.sku, reason, found)


def _part(part: Part, needs: Mapping[str, int], policy: StockPolicy) -> PartAnswer:
    """``needs``: units of each pool that go into one bundle."""
    reading, orders = part.reading, list(part.orders)
    if reading is None:
        return PartAnswer(part.sku, part.each, None, part.reserved, 0, 0, "the store has no single product", orders)
    on_hand = _counted(reading, policy.locations)
    units, reason = _quantity(reading, on_hand, 0 if on_hand is None else on_hand - part.reserved, policy)
    needed = needs[reading.pool]
    if units:
        reason = "" if units >= needed else f"{units} available, {needed} needed"
    elif reason in (PLAIN, TOO_FEW):
        reason = "all of it is sold or reserved"
    return PartAnswer(part.sku, part.each, on_hand, part.reserved, units, units // needed, reason, orders)


def _of_bundle(whole: Together, left: int) -> tuple[int, str]:
    if not whole.units:
        return 0, whole.reason
    scarcest = whole.scarcest or "the bundle itself"
    if left < 0:
        return 0, f"as many as there are of {scarcest} are kept back"
    return left, f"as many as there are of {scarcest}, less buffer"


def countable(reading: StockReading) -> int | None:
    """The units on hand within what anybody counts to; None where the store does not count."""
    return None if reading.on_hand is None else max(-MAX_UNITS, min(MAX_UNITS, reading.on_hand))


def _least(cap: int | None, channel_max: int | None) -> int:
    most = MAX_UNITS if cap is None or cap > MAX_UNITS else cap
    return most if channel_max is None or channel_max > most else channel_max


def _counted(reading: StockReading, locations: tuple[str, ...]) -> int | None:
    """The units that count; None where the store does not count. A location that the store does not know has none."""
    if not reading.managed or reading.on_hand is None:
        return None
    return sum(reading.locations.get(name, 0) for name in set(locations)) if locations else reading.on_hand


def _quantity(reading: StockReading, on_hand: int | None, left: int, policy: StockPolicy) -> tuple[int, str]:
    if on_hand is None:
        return _untracked(reading, policy)
    if reading.backorders and policy.backorders and reading.in_stock:
        return policy.untracked_quantity, "sold when out of stock, by the setting for backorders"
    if on_hand < 0:
        return 0, "less than nothing on hand in the store"
    if policy.locations and not reading.locations:
        return 0, "the store does not tell the stock of the chosen locations"
    if left < 0:
        return 0, TOO_FEW
    return left, PLAIN


def _untracked(reading: StockReading, policy: StockPolicy) -> tuple[int, str]:
    if not reading.in_stock:
        return 0, OUT_OF_STOCK
    if policy.untracked is Untracked.FIXED:
        return policy.untracked_quantity, "stock is not counted in the store; fixed quantity by setting"
    return 0, "stock is not counted in the store; nothing is published until a quantity is set"


def covers(reading: StockReading, reserved: int, wanted: int, policy: StockPolicy) -> bool:
    """Whether ``wanted`` units can be promised. ``reserved``: those promised to others already. The buffer is no bar:
    it is there for what is sold while a lower number is still on its way."""
    on_hand = _counted(reading, policy.locations)
    if on_hand is None:
        return reading.in_stock
    if reading.backorders and policy.backorders and reading.in_stock:
        return True
    return on_hand - reserved >= wanted


def urgency(new: int, acknowledged: int | None) -> int:
    """0 = must go first: zero; 1 = lowers what is shown; 2 = the rest."""
    if new == 0:
        return 0
    if acknowledged is None or new < acknowledged:
        return 1
    return 2
