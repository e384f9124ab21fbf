"""GTINs: right length, right check digit, and a number that may be sold under outside one company."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from stdnum import ean as stdnum_ean
from stdnum.exceptions import ValidationError

LENGTHS = (8, 12, 13, 14)
# GS1 prefixes 02, 04, 20-29: restricted circulation, valid inside one company only (GS1 General Specifications 1.4).
INTERNAL_PREFIXES = ("02", "04", *(str(number) for number in range(20, 30)))
# The same in a GTIN-8: prefixes 000-099 and 200-299.
INTERNAL_SHORT = ("0", "2")
# 980 refund receipts, 981-984 and 99 coupons, 05 coupons of the United States: no trade items.
COUPON_PREFIXES = ("05", "980", "981", "982", "983", "984", "99")
DEMO_PREFIX = "952"


def gtin_fault(gtin: str | None, lengths: Collection[int] = LENGTHS, *, internal: bool = False) -> str | None:
    """Why ``gtin`` cannot be sold under, or None when it can. ``internal``: numbers of one company are taken."""
    if not gtin:
        return "is missing"
    compact, fault, restricted = _read(gtin)
    if fault:
        return fault
    if len(compact) not in lengths:
        return f"has {len(compact)} digits, which are not taken here"
    if not compact.strip("0"):
        return "is no number of a product"
    return None if internal else restricted


@lru_cache(maxsize=1024)
def _read(gtin: str) -> tuple[str, str | None, str | None]:
    """The bare number, why it is none, and why it stays inside one company. Several ask about the same one, one soon
    after the other: every check of a listing, every marketplace."""
    try:
        compact = gtin if _is_plain(gtin) else str(stdnum_ean.validate(gtin))
        return compact, None, _restricted(compact)
    except ValidationError as error:
        faults = {"InvalidLength": "has the wrong length", "InvalidChecksum": "has a wrong check digit"}
        return gtin, faults.get(type(error).__name__, "contains something other than digits"), None


def _is_plain(gtin: str) -> bool:
    """A whole number without anything between its digits, as nearly all are: nothing has to be cleaned off."""
    is_number = len(gtin) in LENGTHS and gtin.isascii() and gtin.isdigit()
    return is_number and stdnum_ean.calc_check_digit(gtin[:-1]) == gtin[-1]


def _restricted(compact: str) -> str | None:
    if len(compact) == 8:
        return "is an internal number (prefix 0 or 2)" if compact.startswith(INTERNAL_SHORT) else None
    # A GTIN-12 is a GTIN-13 with a zero in front; a GTIN-14 has the packaging level in front of it.
    long = f"0{compact}" if len(compact) == 12 else compact[-13:]
    if long.startswith(INTERNAL_PREFIXES):
        return "is an internal number (prefix 02, 04 or 20 to 29)"
    if long.startswith(COUPON_PREFIXES):
        return "is the number of a coupon or receipt, not of a product"
    return "is a number for demonstrations (prefix 952)" if long.startswith(DEMO_PREFIX) else None
