"""The marketplace's categories, prepared once so that each question touches only what it has words in common with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bridge.domain.categories.lexicon import Reading, Word
from bridge.domain.categories.spelling import folded, nearest, spellings
from bridge.domain.categories.text import split_path, stems

# What a word still counts for that has been said higher up in the same path ("Pet Supplies" below "Pet Supplies").
REPEATED = 0.3
# Likeness below which a name is not worth following.
FAINT = 0.15
# What a word counts for that is only spelt nearly like one of the tree's.
COGNATE = 0.8


@dataclass(frozen=True, slots=True)
class Node:
    """One category of the marketplace."""

    path: str
    names: tuple[str, ...]
    parent: int  # -1 for a root
    words: Mapping[str, float]  # stem -> weight
    weight: float
    listed: bool  # may be suggested; the others only hold the tree together


@dataclass(frozen=True)
class CategoryTree:
    """All of them, in order of their paths, with the categories in which each word occurs."""

    nodes: tuple[Node, ...]
    at: Mapping[str, int]
    postings: Mapping[str, tuple[int, ...]]
    children: Mapping[int, tuple[int, ...]]
    rarity: Mapping[str, float]
    unknown: float  # the rarity of a word that the tree does not have
    spellings: Mapping[str, tuple[str, ...]]  # run of three letters -> words
    ancestry: dict[int, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)
    path_words: dict[int, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)
    cognates: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def weigh(self, word: str) -> float:
        return self.rarity.get(word, self.unknown)

    def cognate(self, word: str) -> str:
        """The tree's word that is spelt nearly like ``word`` ("okarina", "ocarina"), or nothing."""
        known = self.cognates.get(word)
        if known is None:
            known = self.cognates[word] = nearest(folded(word), self.spellings) if len(word) > 4 else ""
        return known

    def words_of(self, node: int) -> frozenset[str]:
        """The words of the whole path of ``node``."""
        known = self.path_words.get(node)
        if known is None:
            known = self.path_words[node] = frozenset(
                word for step in self.line(node) for word in self.nodes[step].words
            )
        return known

    def line(self, node: int) -> tuple[int, ...]:
        """From the root down to ``node``."""
        known = self.ancestry.get(node)
        if known is None:
            parent = self.nodes[node].parent
            known = self.ancestry[node] = (*(self.line(parent) if parent >= 0 else ()), node)
        return known


def category_tree(paths: Iterable[str]) -> CategoryTree:
    """The tree of ``paths`` ("A > B > C"). Parents that are not among them are added, and never suggested."""
    listed = {split_path(path) for path in paths} - {()}
    every = sorted({names[:depth] for names in listed for depth in range(1, len(names) + 1)})
    places = {names: place for place, names in enumerate(every)}
    seen = Counter(word for names in every for word in stems(names[-1]))
    rarity = {word: _rarity(count, len(every)) for word, count in seen.items()}
    nodes = tuple(_node(names, places, rarity, names in listed) for names in every)
    postings: dict[str, list[int]] = {}
    children: dict[int, list[int]] = {}
    for place, node in enumerate(nodes):
        children.setdefault(node.parent, []).append(place)
        for word in node.words:
            postings.setdefault(word, []).append(place)
    return CategoryTree(
        nodes=nodes,
        at={node.path: place for place, node in enumerate(nodes)},
        postings={word: tuple(places) for word, places in postings.items()},
        children={parent: tuple(places) for parent, places in children.items()},
        rarity=rarity,
        unknown=_rarity(3, len(every)),
        spellings=spellings(rarity),
    )


def _rarity(count: int, total: int) -> float:
    return math.log(1 + total / count)


def _node(
    names: tuple[str, ...], places: Mapping[tuple[str, ...], int], rarity: Mapping[str, float], listed: bool
) -> Node:
    above = {word for name in names[:-1] for word in stems(name)}
    words = {word: rarity[word] * (REPEATED if word in above else 1.0) for word in stems(names[-1])}
    return Node(
        path=" > ".join(names),
        names=names,
        parent=places[names[:-1]] if len(names) > 1 else -1,
        words=words,
        weight=sum(words.values()) or 1.0,
        listed=listed,
    )


@dataclass(frozen=True, slots=True)
class Name:
    """One name of the store's path, read: each word's English stems and what the word weighs."""

    reading: Reading
    weights: tuple[float, ...]
    weight: float
    words: Mapping[str, float]  # stem -> strongest strength


def read_name(tree: CategoryTree, reading: Reading, above: Mapping[str, float]) -> Name:
    weights = []
    known: list[Word] = []
    words: dict[str, float] = {}
    for word in (_spelt(tree, word) for word in reading):
        known.append(word)
        total = sum(word.values()) or 1.0
        weight = sum(strength * tree.weigh(stem) for stem, strength in word.items()) / total
        repeated = max((above.get(stem, 0.0) * strength for stem, strength in word.items()), default=0.0)
        weights.append(weight * (1 - (1 - REPEATED) * repeated))
        for stem, strength in word.items():
            words[stem] = max(strength, words.get(stem, 0.0))
    return Name(tuple(known), tuple(weights), sum(weights) or 1.0, words)


def _spelt(tree: CategoryTree, word: Word) -> Word:
    """A word of which the tree has nothing, as the one that is spelt nearly like it."""
    if any(stem in tree.rarity for stem in word):
        return word
    near = next((found for found in map(tree.cognate, word) if found), "")
    return {near: COGNATE} if near else word


def alike(tree: CategoryTree, name: Name) -> dict[int, float]:
    """The categories that are called something like ``name``: 1 is the same words, 0 none in common."""
    shared: dict[int, float] = {}
    for word, strength in name.words.items():
        for place in tree.postings.get(word, ()):
            shared[place] = shared.get(place, 0.0) + strength * tree.nodes[place].words[word]
    found = {}
    for place, weight in shared.items():
        precision = weight / tree.nodes[place].weight
        if precision < FAINT:
            continue
        recall = covered(name, tree.nodes[place].words) / name.weight
        likeness = 2 * precision * recall / (precision + recall) if recall else 0.0
        if likeness >= FAINT:
            found[place] = likeness
    return found


def covered(name: Name, words: Collection[str]) -> float:
    """The weight of the words of ``name`` that are among ``words``."""
    total = 0.0
    for word, weight in zip(name.reading, name.weights, strict=True):
        total += weight * max((strength for stem, strength in word.items() if stem in words), default=0.0)
    return total
