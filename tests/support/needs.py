"""Skips for programs that are not installed; named at the end of the run, failures with STRICT=1."""

from __future__ import annotations

import os
import re
from typing import NoReturn

import pytest

_REASON = re.compile(r"needs (?P<name>[^:]+): (?P<hint>.+)")


def needs(name: str, hint: str) -> NoReturn:
    """Skip the test because ``name`` is missing; ``hint`` says how to get it."""
    pytest.skip(f"needs {name}: {hint}")


def is_strict() -> bool:
    return os.environ.get("STRICT", "") not in {"", "0"}


def parse(reason: str) -> tuple[str, str] | None:
    """The name and the hint of a reason that :func:`needs` gave."""
    found = _REASON.search(reason)
    return (found["name"], found["hint"]) if found else None
