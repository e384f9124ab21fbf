"""Why a setting cannot be saved."""

from __future__ import annotations

from bridge.domain.values import Value


class Refusal(Value):
    """``path`` is the field as it was sent, ``rules.2.when.of.0.field``; ``text`` says what is wrong with it."""

    path: str
    text: str
