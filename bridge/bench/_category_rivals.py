"""What the category suggester has to beat: the longest common path, and the most words in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from bridge.domain.categories import split_path

Ranking = Callable[[str], Sequence[str]]
SHOWN = 5


def longest_common_path(targets: Sequence[str]) -> Ranking:
    """The category that shares most names with the path, from the root on; of several the shortest."""
    below: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for target in targets:
        names = _names(target)
        for depth in range(len(names) + 1):
            below.setdefault(names[:depth], []).append((len(names), target))
    best = {prefix: [target for _, target in sorted(found)[:SHOWN]] for prefix, found in below.items()}

    def ranking(path: str) -> list[str]:
        names = _names(path)
        found: list[str] = []
        for depth in range(len(names), 0, -1):
            found += [target for target in best.get(names[:depth], ()) if target not in found]
        return found[:SHOWN]

    return ranking


def token_overlap(targets: Sequence[str]) -> Ranking:
    """The category with the largest share of common words (Jaccard) over the whole path; of several the first."""
    words = [_words(target) for target in targets]
    having: dict[str, list[int]] = {}
    for at, found in enumerate(words):
        for word in found:
            having.setdefault(word, []).append(at)

    def ranking(path: str) -> list[str]:
        mine = _words(path)
        common = Counter(at for word in mine for at in having.get(word, ()))
        alike = [(-count / len(mine | words[at]), targets[at]) for at, count in common.items()]
        return [target for _, target in sorted(alike)[:SHOWN]]

    return ranking


def _names(path: str) -> tuple[str, ...]:
    return tuple(name.casefold() for name in split_path(path))


def _words(path: str) -> set[str]:
    letters = "".join(letter if letter.isalnum() else " " for letter in path.casefold())
    return set(letters.split())
