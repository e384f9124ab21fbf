"""Words that are spelt nearly alike: by the runs of three letters that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# The share of common runs from which on two words are taken for forms of one.
NEAR = 0.6
# Letters that languages use for the same sound.
SOUNDS = (("ph", "f"), ("cqu", "k"), ("qu", "k"), ("ck", "k"), ("c", "k"), ("z", "s"), ("y", "i"), ("w", "v"))


def folded(word: str) -> str:
    """The word with one letter for each sound, as far as spelling tells."""
    for written, sound in SOUNDS:
        word = word.replace(written, sound)
    return word


def spellings(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each run of letters the words that have it, for ``nearest``."""
    found: dict[str, list[str]] = {}
    for word in sorted(words):
        for gram in sorted(trigrams(word) | trigrams(folded(word))):
            found.setdefault(gram, []).append(word)
    return {gram: tuple(having) for gram, having in found.items()}


def nearest(word: str, having: Mapping[str, tuple[str, ...]]) -> str:
    """The word that shares the largest part of its runs with ``word``, the first of several; empty when none does."""
    mine = trigrams(word)
    shared: dict[str, int] = {}
    for gram in sorted(mine):
        for other in having.get(gram, ()):
            shared[other] = shared.get(other, 0) + 1
    likeness, best = max(
        ((2 * count / (len(mine) + len(other)), other) for other, count in sorted(shared.items(), reverse=True)),
        default=(0.0, ""),
        key=lambda item: item[0],
    )
    return best if likeness >= NEAR else ""


def trigrams(word: str) -> set[str]:
    """Runs of three letters, with beginning and end marked: as many as the word has letters, but for repetitions."""
    marked = f"^{word}$"
    return {marked[at : at + 3] for at in range(len(marked) - 2)}
