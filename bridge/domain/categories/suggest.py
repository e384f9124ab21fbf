"""Suggestions: marketplace categories for a store category, ranked, with confidence and reason. Nothing is applied."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from bridge.domain.categories.index import CategoryTree, Name, alike, read_name
from bridge.domain.categories.lexicon import Lexicon, NoLexicon, Reading
from bridge.domain.categories.match import FEATURES, Fit, Question, fits
from bridge.domain.categories.reason import because, mapped_before
from bridge.domain.categories.synonyms import read_english
from bridge.domain.categories.text import plain, split_path
from bridge.domain.categories.weights import SURE_ENGLISH, SURE_OTHERS, WEIGHTS
from bridge.domain.values import Value

# A category that was mapped before, by name and path, is suggested again with this confidence.
AGAIN = 0.99
MOST = 0.98
# The score of "none of these": a candidate that fits no better is hardly believed, even when it is the only one.
NOTHING = 4.0

Key = tuple[str, ...]


class StoreCategory(Value):
    """A category as the store has it."""

    path: str
    language: str = "en"
    titles: tuple[str, ...] = ()  # of some of its products
    attributes: tuple[str, ...] = ()  # values such as "waterproof", "for dogs"


class Mapped(Value):
    """A decision that a person made before."""

    path: str
    target: str


class Suggestion(Value):
    """One marketplace category that may suit."""

    path: str
    confidence: float = Field(ge=0, le=1)
    reason: str


@dataclass
class Suggester:
    """Answers for one marketplace's tree. Build it once, ask it often; the same question has the same answer."""

    tree: CategoryTree
    lexicon: Lexicon = field(default_factory=NoLexicon)
    mapped: Sequence[Mapped] = ()

    def __post_init__(self) -> None:
        self._again: dict[Key, int] = {}
        self._below: dict[Key, Counter[int]] = {}
        self._read: dict[tuple[str, Key], list[tuple[Name, dict[int, float]]]] = {}
        for earlier in self.mapped:
            self._remember(earlier)

    def _remember(self, earlier: Mapped) -> None:
        place, key = self.tree.at.get(earlier.target), _key(split_path(earlier.path))
        if place is None or not key or not self.tree.nodes[place].listed:
            return
        self._again[key] = place
        for depth in range(1, len(key) + 1):
            self._below.setdefault(key[:depth], Counter())[place] += 1

    def suggest(self, category: StoreCategory, limit: int = 5) -> tuple[Suggestion, ...]:
        """The likeliest categories, best first; none when the store's words have nothing in common with the tree."""
        names = split_path(category.path)
        if not names or limit < 1:
            return ()
        question = self.question(category)
        ranked = rank(fits(self.tree, question), known(self.tree, question), english=category.language == "en")
        found = [
            Suggestion(
                path=self.tree.nodes[fit.place].path,
                confidence=confidence,
                reason=because(self.tree, names, question, fit),
            )
            for fit, confidence in ranked[: limit + 1]
        ]
        return self._first_as_before(names, found)[:limit]

    def _first_as_before(self, names: Sequence[str], found: list[Suggestion]) -> tuple[Suggestion, ...]:
        place = self._again.get(_key(names))
        if place is None:
            return tuple(found)
        again = Suggestion(path=self.tree.nodes[place].path, confidence=AGAIN, reason=mapped_before(names))
        others = [
            other.model_copy(update={"confidence": round(other.confidence * (1 - AGAIN), 4)})
            for other in found
            if other.path != again.path
        ]
        return (again, *others)

    def question(self, category: StoreCategory) -> Question:
        """The category in terms of the tree."""
        names = split_path(category.path)
        read = self._names(names, category.language)
        return Question(
            names=tuple(name for name, _ in read),
            likeness=tuple(likeness for _, likeness in read),
            near=self._near(_key(names)),
            titles=self._titles(category),
        )

    def _names(self, names: Key, language: str) -> list[tuple[Name, dict[int, float]]]:
        """Each name of the path, read in the light of those above it. Parents are remembered for their next child."""
        if not names:
            return []
        parents = self._read.get((language, names[:-1]))
        if parents is None:
            parents = self._read[language, names[:-1]] = self._names(names[:-1], language)
        above: dict[str, float] = {}
        for parent, _ in parents:
            for word, strength in parent.words.items():
                above[word] = max(strength, above.get(word, 0.0))
        name = read_name(self.tree, self._reading(names[-1], language), above)
        return [*parents, (name, alike(self.tree, name))]

    def _reading(self, name: str, language: str) -> Reading:
        if language == "en":
            return read_english(name)
        return self.lexicon.read(name, language)

    def _near(self, key: Key) -> dict[int, float]:
        """Where the nearest relatives in the store were mapped to, each with its share of them."""
        for depth in range(len(key), 0, -1):
            votes = self._below.get(key[:depth])
            if votes:
                total = votes.total()
                return {place: depth / len(key) * count / total for place, count in sorted(votes.items())}
        return {}

    def _titles(self, category: StoreCategory) -> dict[str, float]:
        texts = (*category.titles, *category.attributes)
        return {
            stem: strength
            for text in texts
            for word in self._reading(text, category.language)
            for stem, strength in word.items()
        }


def _key(names: Iterable[str]) -> Key:
    return tuple(plain(name) for name in names)


def known(tree: CategoryTree, question: Question) -> float:
    """The share of the store's words that the tree has as well: little known, little sure."""
    words = [word for name in question.names for word in name.reading]
    return sum(any(stem in tree.rarity for stem in word) for word in words) / len(words) if words else 0.0


def rank(found: Sequence[Fit], known: float, *, english: bool) -> list[tuple[Fit, float]]:
    """Best first, with confidences: never more than 1 in all, and none higher than one before it."""
    if not found:
        return []
    weights = [WEIGHTS[feature] for feature in FEATURES]
    scores = [sum(weight * value for weight, value in zip(weights, fit.values, strict=True)) for fit in found]
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    total = sum(shares) + math.exp(min(NOTHING - top, 50))
    order = sorted(range(len(found)), key=lambda at: (-scores[at], found[at].place))
    first = sure(1 / total, known, english=english)
    rest = total - 1
    others = (1 - first) / rest if rest else 0.0
    return [
        (found[order[0]], round(first, 4)),
        *((found[at], round(min(first, shares[at] * others), 4)) for at in order[1:]),
    ]


def sure(share: float, known: float, *, english: bool) -> float:
    """The chance that the first place is right, from its share among the candidates."""
    slope, by_known, constant = SURE_ENGLISH if english else SURE_OTHERS
    bounded = min(max(share, 1e-4), 1 - 1e-4)
    odds = slope * math.log(bounded / (1 - bounded)) + by_known * known + constant
    return min(MOST, 1 / (1 + math.exp(-odds)))
