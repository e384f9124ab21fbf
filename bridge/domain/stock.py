"""How many units a channel may show, and why: on hand, less reservations, less buffer, never below zero."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from bridge.domain.catalogue import StockReading
from bridge.domain.values import Value

MAX_UNITS = 2**31 - 1


class Untracked(StrEnum):
    """What to publish for products whose stock the store does not count."""

    ZERO = "zero"
    FIXED = "fixed"


class StockPolicy(Value):
    """The merchant's stock settings of one channel connection, in whole units.

    ``buffer`` is kept back; ``cap`` is the most ever shown; ``untracked`` says what uncounted stock becomes
    (``untracked_quantity`` units while the store says "in stock"); ``backorders`` lets a product that the
    store sells when out of stock show ``untracked_quantity`` too.
    """

    buffer: int = Field(default=0, ge=0, le=100000)
    cap: int | None = Field(default=None, ge=0)
    untracked: Untracked = Untracked.ZERO
    untracked_quantity: int = Field(default=1, ge=0, le=10000)
    backorders: bool = False


class StockAnswer(Value):
    """The published quantity with everything it was made of: the number that can explain itself."""

    quantity: int
    on_hand: int | None
    reserved: int
    buffer: int
    cap: int | None
    reason: str


def publishable(reading: StockReading, reserved: int, policy: StockPolicy, channel_max: int | None) -> StockAnswer:
    """The quantity to publish. ``reserved``: units sold on marketplaces that ``reading`` does not contain yet."""
    cap = min(limit for limit in (policy.cap, channel_max, MAX_UNITS) if limit is not None)
    shown_cap = cap if cap != MAX_UNITS else None
    on_hand = reading.on_hand if reading.managed else None
    quantity, reason = _quantity(reading, reserved, policy)
    if quantity > cap:
        quantity, reason = cap, f"capped at {cap}"
    return StockAnswer(
        quantity=quantity, on_hand=on_hand, reserved=reserved, buffer=policy.buffer, cap=shown_cap, reason=reason
    )


def _quantity(reading: StockReading, reserved: int, policy: StockPolicy) -> tuple[int, str]:
    if not reading.managed or reading.on_hand is None:
        return _untracked(reading, policy)
    if reading.backorders and policy.backorders and reading.in_stock:
        return policy.untracked_quantity, "sold when out of stock, by the setting for backorders"
    available = reading.on_hand - reserved - policy.buffer
    if available < 0:
        return 0, "less on hand than reserved and buffer"
    return available, "on hand less reserved less buffer"


def _untracked(reading: StockReading, policy: StockPolicy) -> tuple[int, str]:
    if not reading.in_stock:
        return 0, "the store says out of stock"
    if policy.untracked is Untracked.FIXED:
        return policy.untracked_quantity, "stock is not counted in the store; fixed quantity by setting"
    return 0, "stock is not counted in the store; nothing is published until a quantity is set"


def urgency(new: int, acknowledged: int | None) -> int:
    """0 = must go first: zero; 1 = lowers what is shown; 2 = the rest."""
    if new == 0:
        return 0
    if acknowledged is None or new < acknowledged:
        return 1
    return 2
