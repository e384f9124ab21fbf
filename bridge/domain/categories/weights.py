"""What each observation counts for. Fitted by scripts/learn_categories.py, except where it says by hand."""

from __future__ import annotations

WEIGHTS: dict[str, float] = dict.fromkeys(("covered",), 1.0)

# How sure the first place is, from its share among the candidates: (share, words known, constant).
SURE_ENGLISH = (1.0, 0.0, 0.0)
SURE_OTHERS = (1.0, 0.0, 0.0)
