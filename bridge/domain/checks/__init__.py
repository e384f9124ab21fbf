"""Checks before anything is sent: what a listing lacks, in the merchant's words."""

from bridge.domain.checks.asked import Asked, missing
from bridge.domain.checks.check import Checker, Demands, Pages
from bridge.domain.checks.drift import RequirementChange, broken_by, changed
from bridge.domain.checks.gtin import INTERNAL_PREFIXES, gtin_fault
from bridge.domain.checks.images import ImageFact
from bridge.domain.checks.limits import Limits
from bridge.domain.checks.offer import (
    double_sku,
    findings,
    unpublished,
    wrong_currency,
)

__all__ = [
    "INTERNAL_PREFIXES",
    "Asked",
    "Checker",
    "Demands",
    "ImageFact",
    "Limits",
    "Pages",
    "RequirementChange",
    "broken_by",
    "changed",
    "double_sku",
    "findings",
    "gtin_fault",
    "missing",
    "unpublished",
    "wrong_currency",
]
