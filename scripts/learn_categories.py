#!/usr/bin/env python3
"""Makes what the category suggester knows, from a file of pairs (see docs/decisions/0011-category-suggestions.md).

    scripts/learn_categories.py names PAIRS             writes bridge/flows/category_words/names.csv
    scripts/learn_categories.py weights PAIRS TARGETS   prints the weights for bridge/domain/categories/weights.py

Weights are fitted on the part of the pairs that ``storebridge bench categories --held-out`` does not judge, with
lexicons that have not seen the names they read.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bridge.bench._category_pairs import Pair, held_out, read_pairs, read_targets, share_of
from bridge.domain.categories import LANGUAGES, Mapped, StoreCategory, Suggester, category_tree, learn_lexicon
from bridge.domain.categories.match import FEATURES, fits
from bridge.domain.categories.suggest import known
from bridge.domain.categories.text import split_path
from bridge.flows.category_words import parallel, rows

FOLDS = 4
STEPS = 80
HARD = 24  # candidates kept of each question: the likeliest by the weights so far, and the right one
HELD_OUT = 0.4
FILE = Path(__file__).resolve().parent.parent / "bridge/flows/category_words/names.csv"

Question = tuple[list[tuple[float, ...]], int, float, bool, float]  # candidates, right one, known, English, importance


def names(pairs: list[Pair]) -> list[dict[str, str]]:
    """Every name of every path, in all languages, once."""
    found: set[tuple[str, ...]] = set()
    for pair in pairs:
        split = [split_path(pair.paths[language]) for language in LANGUAGES]
        if len({len(path) for path in split}) == 1:
            found.update(zip(*split, strict=True))
    return [dict(zip(LANGUAGES, name, strict=True)) for name in sorted(found)]


def questions(pairs: list[Pair], targets: list[str]) -> list[Question]:
    """Each pair in each language, read with a lexicon (and, for half of them, a history) of the other folds."""
    tree, words, found = category_tree(targets), rows("words.csv"), []
    for fold in range(FOLDS):
        inside = [pair for pair in pairs if int(share_of(pair.key + "f") * FOLDS) == fold]
        outside = [pair for pair in pairs if int(share_of(pair.key + "f") * FOLDS) != fold]
        lexicon = learn_lexicon(parallel(words, names(outside)))
        for language in LANGUAGES:
            history = [Mapped(path=pair.paths[language], target=pair.target) for pair in outside]
            asked = [Suggester(tree, lexicon), Suggester(tree, lexicon, history)]
            for pair in inside:
                mode = share_of(pair.key + "m")
                path = split_path(pair.paths[language])
                variants = [(path, asked[mode > 0.75], 1.0)]
                if mode < 0.25:
                    variants += [(path[-2:], asked[0], 0.7), (path[-1:], asked[0], 0.5)]
                for names_, suggester, importance in variants:
                    category = StoreCategory(path=" > ".join(names_), language=language)
                    question = suggester.question(category)
                    options = fits(tree, question)
                    places = [fit.place for fit in options]
                    right = places.index(tree.at[pair.target]) if tree.at[pair.target] in places else -1
                    values = [fit.values for fit in options]
                    found.append((values, right, known(tree, question), language == "en", importance))
        print(f"fold {fold + 1} of {FOLDS}", file=sys.stderr)
    return found


def scores(weights: list[float], values: list[tuple[float, ...]]) -> list[float]:
    return [sum(w * v for w, v in zip(weights, option, strict=True)) for option in values]


def fit(asked: list[Question]) -> list[float]:
    """A conditional logit: the right candidate's share among all is to be large. Adam, in plain Python."""
    weights = [1.0] * len(FEATURES)
    weights[FEATURES.index("covered")], weights[FEATURES.index("added")] = 8.0, -1.0
    answerable = [question for question in asked if question[1] >= 0]
    speed, power = [0.0] * len(weights), [0.0] * len(weights)
    kept: list[tuple[list[tuple[float, ...]], int, float]] = []
    for step in range(STEPS):
        if step % 40 == 0:
            kept = [hardest(weights, question) for question in answerable]
        slope = [1e-3 * weight for weight in weights]
        loss = total = 0.0
        for values, right, importance in kept:
            found = scores(weights, values)
            top = max(found)
            raised = [math.exp(score - top) for score in found]
            norm = sum(raised)
            loss -= importance * math.log(raised[right] / norm + 1e-12)
            total += importance
            for at, option in enumerate(values):
                share = importance * (raised[at] / norm - (at == right)) / 5000
                if abs(share) > 1e-9:
                    for place, value in enumerate(option):
                        slope[place] += share * value
        for place, rise in enumerate(slope):
            speed[place] = 0.9 * speed[place] + 0.1 * rise
            power[place] = 0.99 * power[place] + 0.01 * rise * rise
            pace = 0.2 if step < STEPS * 0.6 else 0.05
            size = math.sqrt(power[place] / (1 - 0.99 ** (step + 1))) + 1e-8
            weights[place] -= pace * speed[place] / (1 - 0.9 ** (step + 1)) / size
        if step % 20 == 0:
            print(f"step {step}: {loss / total:.4f}", file=sys.stderr)
    return weights


def hardest(weights: list[float], question: Question) -> tuple[list[tuple[float, ...]], int, float]:
    values, right, _, _, importance = question
    found = scores(weights, values)
    order = sorted((at for at in range(len(values)) if at != right), key=lambda at: -found[at])[:HARD]
    return [values[right], *(values[at] for at in order)], 0, importance


def calibrate(weights: list[float], asked: list[Question], *, english: bool) -> tuple[float, float, float]:
    """Logistic regression of "the first place is right" on its share's log odds and on how much is known."""
    seen = []
    for values, right, part, is_english, importance in asked:
        if is_english == english and values and importance == 1.0:
            found = scores(weights, values)
            first = max(range(len(found)), key=lambda at: found[at])
            share = 1 / sum(math.exp(score - found[first]) for score in found)
            share = min(max(share, 1e-4), 1 - 1e-4)
            seen.append((math.log(share / (1 - share)), part, 1.0, float(first == right)))
    line = [1.0, 0.0, 0.0]
    for _ in range(3000):
        slope = [1e-3 * line[0], 1e-3 * line[1], 0.0]
        for *values3, truth in seen:
            chance = 1 / (1 + math.exp(-sum(a * b for a, b in zip(line, values3, strict=True))))
            for place, value in enumerate(values3):
                slope[place] += (chance - truth) * value / len(seen)
        line = [weight - 0.3 * rise for weight, rise in zip(line, slope, strict=True)]
    return line[0], line[1], line[2]


def main() -> None:
    task, *files = sys.argv[1:] or [""]
    if task == "names" and len(files) == 1:
        with FILE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, LANGUAGES, lineterminator="\n")
            writer.writeheader()
            writer.writerows(names(read_pairs(Path(files[0]))))
        return
    if task == "weights" and len(files) == 2:
        pairs, targets = read_pairs(Path(files[0])), read_targets(Path(files[1]))
        asked = questions([pair for pair in pairs if not held_out(pair, HELD_OUT)], targets)
        weights = fit(asked)
        for feature, weight in zip(FEATURES, weights, strict=True):
            print(f'    "{feature}": {weight:.2f},')
        for name, english in (("SURE_ENGLISH", True), ("SURE_OTHERS", False)):
            print(name, "=", tuple(round(value, 2) for value in calibrate(weights, asked, english=english)))
        return
    sys.exit(__doc__)


if __name__ == "__main__":
    main()
