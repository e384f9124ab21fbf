"""Why a category is suggested, in words for the merchant."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.categories.index import CategoryTree
from bridge.domain.categories.match import FEATURES, Fit, Question

PLACE = {feature: place for place, feature in enumerate(FEATURES)}
SAME = 0.999
STRONG = 0.5
TOLD = 0.5


def because(tree: CategoryTree, names: Sequence[str], question: Question, fit: Fit) -> str:
    """One or two sentences: what lies against what, and what else spoke for it."""
    node = tree.nodes[fit.place]
    parts = [_name(names, node.names[-1], fit)]
    above = _above(tree, question, fit)
    if above:
        parts.append(above)
    if fit.values[PLACE["near"]] > 0:
        parts.append("Categories next to it were mapped there before.")
    if fit.values[PLACE["titles"]] >= TOLD:
        parts.append("Product titles or attributes say so too.")
    return " ".join(parts)


def mapped_before(names: Sequence[str]) -> str:
    return f"“{names[-1]}” was mapped to this category before."


def _name(names: Sequence[str], own: str, fit: Fit) -> str:
    if fit.against < 0:
        return f"“{own}” is where its relatives in the store belong; the names have no word in common."
    store = names[fit.against]
    if fit.likeness >= SAME:
        text = f"“{store}” says the same as “{own}”."
    elif fit.likeness >= STRONG:
        text = f"“{store}” is close to “{own}”."
    else:
        text = f"“{store}” has something in common with “{own}”."
    if fit.against < len(names) - 1:
        text += f" There is no closer category for “{names[-1]}” below it."
    return text


def _above(tree: CategoryTree, question: Question, fit: Fit) -> str:
    line = tree.line(fit.place)[:-1]
    if not line:
        return ""
    strong = sum(any(found.get(node, 0.0) >= STRONG for found in question.likeness) for node in line)
    if strong == len(line):
        return "All names above it fit."
    return f"Of the {len(line)} names above it, {strong} fit." if strong else "No name above it fits."
