"""What each observation counts for. Fitted by scripts/learn_categories.py, except where it says by hand."""

from __future__ import annotations

WEIGHTS = {
    "covered": 8.72,
    "added": -1.03,
    "name": 0.85,
    "same": -0.27,
    "above": 3.89,
    "own": -1.14,
    "exact": 2.67,
    "words": 1.83,
    "told": 0.08,
    "root": 0.04,
    "rest": -0.07,
    "inner": -1.67,
    "prefix": 0.5,
    "overlap": 1.0,
    "near": 2.47,
    "titles": 1.5,  # by hand: the pairs have no products
}

# How sure the first place is: by its share among the candidates (log odds), by how much of the name is known, constant.
SURE_ENGLISH = (0.76, 0.66, 0.49)
SURE_OTHERS = (0.76, 0.66, 0.49)
