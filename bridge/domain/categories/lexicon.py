"""What a name in another language says in English, as stems with strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.domain.categories.spelling import nearest, spellings
from bridge.domain.categories.text import stems

# One word of a name: the English stems it may stand for, each with a strength of 0 to 1. Empty: unknown.
Word = Mapping[str, float]
Reading = tuple[Word, ...]

# What may stand between the parts of a compound: Aquarium-s-filter, Hund-e-futter, Orgel-n-pfeife.
LINKS = ("", "s", "n", "e", "en", "es", "er")
PART = 4


class Lexicon(Protocol):
    """Anything that can read names of other languages. It must answer the same each time it is asked."""

    def read(self, name: str, language: str) -> Reading:
        """Each word of ``name`` in English stems. English itself is never asked for."""
        ...


class NoLexicon:
    """Knows no language: words are what they look like, which still serves names that are alike everywhere."""

    def read(self, name: str, language: str) -> Reading:
        return tuple({word: 1.0} for word in stems(name, language))


@dataclass(frozen=True)
class Vocabulary:
    """One language: whole names that are known, and words."""

    names: Mapping[str, Word]
    words: Mapping[str, Word]
    memory: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
    grams: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def read(self, name: str, language: str) -> Reading:
        found = stems(name, language)
        whole = self.names.get(" ".join(found))
        if whole is not None:
            return tuple({word: strength} for word, strength in whole.items())
        return tuple(self.word(part) for word in found for part in self.parts(word))

    def word(self, word: str) -> Word:
        """What ``word`` means; an unknown one may be the same in English, so it also stands for itself."""
        return self.words.get(word) or {word: 1.0}

    def parts(self, word: str) -> tuple[str, ...]:
        """The known words that ``word`` consists of, or one that is written nearly so, or itself."""
        known = self.memory.get(word)
        if known is None:
            known = self.memory[word] = self._parts(word)
        return known

    def _parts(self, word: str) -> tuple[str, ...]:
        if word in self.words or len(word) < PART:
            return (word,)
        split = compound(word, self.words)
        if split:
            return split
        if not self.grams:
            self.grams.update(spellings(self.words))
        near = nearest(word, self.grams)
        if near:
            return (near,)
        return partly(word, self.words) or (word,)


@dataclass(frozen=True)
class WordTable:
    """A lexicon made of tables, one for each language."""

    languages: Mapping[str, Vocabulary]

    def read(self, name: str, language: str) -> Reading:
        vocabulary = self.languages.get(language)
        return vocabulary.read(name, language) if vocabulary else NoLexicon().read(name, language)


def compound(word: str, known: Mapping[str, object]) -> tuple[str, ...]:
    """``word`` as a row of known words, the longest first part that works; empty when it is none."""
    for end in range(len(word) - PART, PART - 1, -1):
        rest = word[end:]
        for link in LINKS:
            head = word[: end - len(link)] if link else word[:end]
            if len(head) < PART or not word[:end].endswith(link) or head not in known:
                continue
            tail: Sequence[str] = (rest,) if rest in known else compound(rest, known)
            if tail:
                return (head, *tail)
    return ()


def partly(word: str, known: Mapping[str, object]) -> tuple[str, ...]:
    """The longest known word at the end of ``word`` (what it is) or else at its beginning; the rest is unknown."""
    for start in range(2, len(word) - PART):
        if word[start:] in known:
            return (word[:start], word[start:])
    for end in range(len(word) - 2, PART, -1):
        if word[:end] in known:
            return (word[:end], word[end:])
    return ()
