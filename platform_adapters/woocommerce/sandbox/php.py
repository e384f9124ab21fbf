"""JSON and numbers as PHP writes them, so that bodies have the bytes a real store sends."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def encode(value: Any) -> bytes:
    """Compact JSON with ``\\/`` and ``\\uXXXX``: what json_encode gives without flags."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    # A slash can only stand inside a string in JSON, so every one of them is escaped.
    return text.replace("/", "\\/").encode("ascii")


def number(value: float) -> int | float:
    """A float as json_encode shows it: 17.95 stays, 10.0 becomes 10."""
    return int(value) if value == int(value) else value


def wp_hash(text: str) -> str:
    """32 hex digits, as WordPress's salted hash looks."""
    return hashlib.md5(f"salt{text}".encode(), usedforsecurity=False).hexdigest()


def slugify(text: str) -> str:
    """``Café 2 l`` -> ``cafe-2-l``, roughly as sanitize_title does."""
    plain = text.lower()
    for umlaut, letter in {"ä": "a", "ö": "o", "ü": "u", "é": "e", "è": "e", "ß": "ss", "€": "e"}.items():
        plain = plain.replace(umlaut, letter)
    words = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in plain).split()
    return "-".join(words)
