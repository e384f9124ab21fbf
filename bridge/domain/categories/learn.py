"""Learning a lexicon from names that exist in several languages.

What is learned is which words translate which (IBM model 1: expectation and maximisation over parallel names), and
the names themselves. Nothing about which category maps to which is learned here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bridge.domain.categories.lexicon import PART, Vocabulary, Word, WordTable, compound
from bridge.domain.categories.text import stems

ROUNDS = 8
KEPT = 5
WEAKEST = 0.15

Pairs = Mapping[tuple[tuple[str, ...], tuple[str, ...]], int]


def learn_lexicon(parallel: Mapping[str, Iterable[tuple[str, str]]]) -> WordTable:
    """``parallel`` is, for each language, (name, English name). The order of the names does not matter."""
    return WordTable({language: _vocabulary(language, names) for language, names in sorted(parallel.items())})


def _vocabulary(language: str, names: Iterable[tuple[str, str]]) -> Vocabulary:
    counted = Counter((stems(name, language), stems(english)) for name, english in sorted(set(names)))
    whole = {(foreign, english): count for (foreign, english), count in counted.items() if foreign and english}
    known = {word: None for foreign, _ in whole for word in foreign if len(word) >= PART}
    apart = {word: _apart(word, known, language) for foreign, _ in whole for word in foreign}
    pairs: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for (foreign, english), count in whole.items():
        pairs[tuple(part for word in foreign for part in apart[word]), english] += count
    return Vocabulary(_names(whole), _words(pairs))


def _apart(word: str, known: Mapping[str, None], language: str) -> tuple[str, ...]:
    """A compound's parts, where both languages that build them have shown each part alone."""
    if language not in {"de", "nl"} or len(word) < 2 * PART:
        return (word,)
    return compound(word, {part: None for part in known if part != word and part in word}) or (word,)


def _names(whole: Pairs) -> dict[str, Word]:
    """Names as they were translated; where there are several translations, the words of the rarer one count less."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (foreign, english), count in whole.items():
        found[" ".join(foreign)].update(dict.fromkeys(english, count))
    return {
        name: {word: round(count / max(words.values()), 2) for word, count in sorted(words.items())}
        for name, words in sorted(found.items())
    }


def _words(pairs: Pairs) -> dict[str, Word]:
    """The likeliest English words of each word."""
    likely: dict[tuple[str, str], float] = {}
    for foreign, english in pairs:
        for one in foreign:
            for other in english:
                likely[one, other] = 1.0
    for _ in range(ROUNDS):
        counts: dict[tuple[str, str], float] = defaultdict(float)
        totals: dict[str, float] = defaultdict(float)
        for (foreign, english), times in sorted(pairs.items()):
            for other in english:
                norm = sum(likely[one, other] for one in foreign)
                for one in foreign:
                    share = times * likely[one, other] / norm
                    counts[one, other] += share
                    totals[one] += share
        likely = {(one, other): count / totals[one] for (one, other), count in counts.items()}
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for (one, other), probability in sorted(likely.items()):
        table[one][other] = probability
    return {word: _strongest(choices) for word, choices in sorted(table.items())}


def _strongest(choices: Mapping[str, float]) -> Word:
    best = sorted(choices.items(), key=lambda item: (-item[1], item[0]))[:KEPT]
    top = best[0][1]
    return {word: round(value / top, 2) for word, value in best if value / top >= WEAKEST}
