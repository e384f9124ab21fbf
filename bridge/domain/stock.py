"""How many units a channel may show, and why: on hand, less reservations, less buffer, never below zero."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from bridge.domain.buffers import Buffer, Pace, kept_back
from bridge.domain.catalogue import StockReading
from bridge.domain.values import Value

MAX_UNITS = 2**31 - 1


class Untracked(StrEnum):
    """What to publish for products whose stock the store does not count."""

    ZERO = "zero"
    FIXED = "fixed"


class StockPolicy(Value):
    """The merchant's stock settings of one channel connection, in whole units.

    ``buffer`` is kept back, or what ``keep`` says where it is set; ``cap`` is the most ever shown; ``untracked`` says
    what uncounted stock becomes (``untracked_quantity`` units while the store says "in stock"); ``backorders`` lets a
    product that the store sells when out of stock show ``untracked_quantity`` too. ``locations``: the stock of these
    counts and no other; empty: all of it.
    """

    buffer: int = Field(
        default=0,
        ge=0,
        le=100000,
        title="Safety buffer (units)",
        description="Kept back from this marketplace, for what is sold elsewhere while its number is still on the way.",
    )
    keep: Buffer | None = None
    cap: int | None = Field(
        default=None,
        ge=0,
        title="Most units shown",
        description="Never more than this is shown, whatever is in stock. Empty: no limit.",
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


class StockAnswer(NamedTuple):
    """The published quantity with everything it was made of: the number that can explain itself.

    ``on_hand`` is what counts here (the chosen locations'); ``buffer_reason`` says why the buffer is that large.
    """

    quantity: int
    on_hand: int | None
    reserved: int
    buffer: int
    cap: int | None
    reason: str
    buffer_reason: str = ""


def publishable(
    reading: StockReading,
    reserved: int,
    policy: StockPolicy,
    channel_max: int | None,
    pace: Pace | None = None,
    guard: Guard | None = None,
    ruled: tuple[Buffer | None, int | None] = (None, None),
) -> StockAnswer:
    """The quantity to publish. ``reserved``: units sold on marketplaces that ``reading`` does not contain yet.
    ``pace`` is for adaptive buffers; ``ruled``: buffer and cap by a rule, in place of the connection's own."""
    keep, most = ruled
    keep = keep or policy.keep
    on_hand = _counted(reading, policy.locations)
    available = 0 if on_hand is None else on_hand - reserved
    buffer, why = kept_back(keep, available, pace) if keep else (policy.buffer, f"{policy.buffer} units")
    if guard is not None and guard.units:
        buffer, why = buffer + guard.units, f"{why}, and {guard.units} more: {guard.why}"
    quantity, reason = _quantity(reading, on_hand, available - buffer, policy)
    cap = _least(policy.cap if most is None else most, channel_max)
    if quantity > cap:
        quantity, reason = cap, f"capped at {cap}"
    return StockAnswer(quantity, on_hand, reserved, buffer, cap if cap != MAX_UNITS else None, reason, why)


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
        return 0, "less on hand than reserved and buffer"
    return left, "on hand less reserved less buffer"


def _untracked(reading: StockReading, policy: StockPolicy) -> tuple[int, str]:
    if not reading.in_stock:
        return 0, "the store says out of stock"
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
