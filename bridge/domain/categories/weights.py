"""What each observation counts for. Fitted by scripts/learn_categories.py, except where it says by hand."""

from __future__ import annotations

WEIGHTS = {
    "covered": 6.96,
    "added": -0.71,
    "name": 1.32,
    "same": -0.04,
    "above": 3.66,
    "own": -0.92,
    "exact": 2.18,
    "words": 1.17,
    "told": -0.44,
    "root": -0.88,
    "rest": -0.22,
    "inner": -1.74,
    "prefix": 2.36,
    "overlap": 4.81,
    "near": 2.13,
    "titles": 1.5,  # by hand: the pairs have no products
}

# How sure the first place is: by its share among the candidates (log odds), by how much of the name is known, constant.
SURE_ENGLISH = (0.75, 0.33, 0.84)
SURE_OTHERS = (0.83, 1.06, -1.11)
