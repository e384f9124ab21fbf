"""Small things about sentences."""

from __future__ import annotations

from collections.abc import Sequence


def quoted(words: Sequence[str], most: int = 10) -> str:
    """``'a', 'b' and 3 more``."""
    shown = ", ".join(repr(word) for word in words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
