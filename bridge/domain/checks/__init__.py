"""Checks before anything is sent: what a listing lacks, in the merchant's words."""

from bridge.domain.checks.limits import Limits
from bridge.domain.checks.offer import (
    INTERNAL_PREFIXES,
    Requirements,
    double_sku,
    findings,
    gtin_fault,
    unpublished,
    wrong_currency,
)

__all__ = [
    "INTERNAL_PREFIXES",
    "Limits",
    "Requirements",
    "double_sku",
    "findings",
    "gtin_fault",
    "unpublished",
    "wrong_currency",
]
