"""How a store's path lies against the marketplace's: which categories come into question, and what speaks for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bridge.domain.categories.index import CategoryTree, Name, covered

# Categories looked at closely, for each name of the store's path and in all.
PER_NAME = 30
IN_ALL = 100
# Likeness above which two names are the same.
SAME = 0.999

FEATURES = (
    "covered",  # the part of the store's path that is found again
    "added",  # names of the category that the store's path does not have
    "name",  # the store's own name is like the category's own name
    "same",  # and consists of the same words
    "above",  # the name above the store's is like the category's own name
    "own",  # the category's own name is like whatever name it lies against
    "exact",  # and consists of the same words
    "words",  # the words of the store's own name, found anywhere in the category's path
    "told",  # the words of the category's own name, found anywhere in the store's path
    "root",  # the first names are alike
    "rest",  # names of the store's path below the one that fits
    "inner",  # the category has categories below it
    "prefix",  # the part of the category's names, from the root on, that are the store's own from the root on
    "overlap",  # the share of common words (Jaccard) of both whole paths
    "near",  # categories mapped before, of neighbours in the store
    "titles",  # the words of the category's own name, found in product titles and attributes
)


@dataclass(frozen=True)
class Question:
    """What a store's category looks like, in terms of one tree."""

    names: tuple[Name, ...]
    likeness: tuple[Mapping[int, float], ...]  # of each name: category -> how alike
    near: Mapping[int, float]  # category -> share of the neighbours that were mapped to it
    titles: Mapping[str, float]

    @cached_property
    def words(self) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for name in self.names:
            for word, strength in name.words.items():
                found[word] = max(strength, found.get(word, 0.0))
        return found

    @cached_property
    def count(self) -> int:
        """How many words the whole path has, each counted once."""
        return len({max(word, key=lambda stem: word[stem]) for name in self.names for word in name.reading if word})


@dataclass(frozen=True, slots=True)
class Fit:
    """One category against one question."""

    place: int
    values: tuple[float, ...]  # in the order of FEATURES
    against: int  # which of the store's names the category's own name lies against; -1: none
    likeness: float


def fits(tree: CategoryTree, question: Question) -> list[Fit]:
    """The categories that come into question, each with what speaks for it."""
    rows: dict[int, list[float]] = {}
    return [_fit(tree, question, place, rows) for place in _candidates(tree, question)]


def _candidates(tree: CategoryTree, question: Question) -> list[int]:
    scores: dict[int, float] = {}
    for likeness in question.likeness:
        best = sorted(likeness.items(), key=lambda item: (-_promise(tree, question, *item), item[0]))[:PER_NAME]
        for place, _ in best:
            # What only holds the tree together is never suggested itself, but what lies below it may be meant.
            below = () if tree.nodes[place].listed else tree.children.get(place, ())[:PER_NAME]
            for above in (*tree.line(place), *below):
                scores.setdefault(above, _promise(tree, question, above, likeness.get(above, 0.0)))
    for place in question.near:
        scores[place] = 99.0
    listed = [place for place in scores if tree.nodes[place].listed]
    return sorted(sorted(listed, key=lambda place: (-scores[place], place))[:IN_ALL])


def _promise(tree: CategoryTree, question: Question, place: int, likeness: float) -> float:
    """A quick guess: how alike the name is, and whether the names above it occur as well."""
    line = tree.line(place)[:-1]
    above = sum(max((found.get(node, 0.0) for found in question.likeness), default=0.0) for node in line)
    return 2 * likeness + above - 0.3 * (len(line) - above)


def _row(tree: CategoryTree, question: Question, place: int, rows: dict[int, list[float]]) -> list[float]:
    """Laying the category's line against the store's names, order kept: the likeness gained with the first n names."""
    known = rows.get(place)
    if known is not None:
        return known
    parent = tree.nodes[place].parent
    before = _row(tree, question, parent, rows) if parent >= 0 else [0.0] * (len(question.names) + 1)
    row = [before[0]]
    for upto, found in enumerate(question.likeness, 1):
        row.append(max(before[upto - 1] + found.get(place, 0.0), before[upto], row[upto - 1]))
    rows[place] = row
    return row


def _fit(tree: CategoryTree, question: Question, place: int, rows: dict[int, list[float]]) -> Fit:
    node, names = tree.nodes[place], question.names
    count, depth = len(names), len(node.names)
    total = _row(tree, question, place, rows)[count]
    against, own = max(
        ((at, found.get(place, 0.0)) for at, found in enumerate(question.likeness)),
        key=lambda item: (item[1], item[0]),
        default=(-1, 0.0),
    )
    name = question.likeness[-1].get(place, 0.0)
    line = tree.line(place)
    path_words = tree.words_of(place)
    values = (
        total / count,
        depth - total,
        name,
        float(name > SAME),
        question.likeness[-2].get(place, 0.0) if count > 1 else 0.0,
        own,
        float(own > SAME),
        covered(names[-1], path_words) / names[-1].weight,
        _told(node.words, question.words) / node.weight,
        question.likeness[0].get(line[0], 0.0),
        (count - 1 - against) / count if own else 1.0,
        float(place in tree.children),
        _prefix(question, line) / depth,
        _overlap(question, path_words),
        question.near.get(place, 0.0),
        _told(node.words, question.titles) / node.weight if question.titles else 0.0,
    )
    return Fit(place, values, against if own else -1, own)


def _prefix(question: Question, line: tuple[int, ...]) -> int:
    """How many names are the same, from the root on."""
    same = 0
    for step, found in zip(line, question.likeness, strict=False):
        if found.get(step, 0.0) <= SAME:
            break
        same += 1
    return same


def _overlap(question: Question, words: frozenset[str]) -> float:
    common = sum(question.words.get(word, 0.0) for word in words)
    return common / (question.count + len(words) - common)


def _told(words: Mapping[str, float], by: Mapping[str, float]) -> float:
    return sum(weight * by.get(word, 0.0) for word, weight in words.items())
