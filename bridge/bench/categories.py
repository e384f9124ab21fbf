"""Category suggestions against decisions of people, beside the longest common path and the most words in common.

``--pairs`` is a CSV with the columns shopify_id, en, google_en and any of de, nl, fr, pl: paths of the form A > B > C.
``--targets`` lists the marketplace's categories, one in each line. Without both, a small made-up market is judged.
The lexicon that goes along has seen part of the Shopify taxonomy's names. ``--held-out 0.4`` judges two fifths of the
pairs with a lexicon learned anew from the names of the others only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import click

from bridge.bench._category_pairs import Pair, held_out, read_pairs, read_targets
from bridge.bench._category_rivals import SHOWN, Ranking, longest_common_path, token_overlap
from bridge.bench._result import Result, options, progress, result
from bridge.domain.categories import LANGUAGES, Lexicon, StoreCategory, Suggester, category_tree, split_path
from bridge.domain.categories.learn import learn_lexicon
from bridge.flows.category_words import lexicon, parallel, rows

GOAL = (
    "English top-1 at least 0.85 with at most half the errors of the better rival; other languages top-5 at least 0.6"
)
SAMPLE = "bridge.bench._category_sample"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

Answers = Callable[[Pair, str], Sequence[tuple[str, float]]]


@click.command("categories")
@click.option("--pairs", type=FILE, help="Decisions of people: CSV with shopify_id, en, de, nl, fr, pl, google_en.")
@click.option("--targets", type=FILE, help="The marketplace's categories, one path in each line.")
@click.option(
    "--held-out", "share", default=0.0, type=click.FloatRange(0, 0.9), help="Judge this share, learn from the rest."
)
@click.option("--branches", is_flag=True, help="Hold out whole branches, whose words the lexicon then never saw.")
def command(pairs: Path | None, targets: Path | None, share: float, branches: bool) -> Result:
    """Judge category suggestions."""
    if pairs is None and targets is None:
        folder = resources.files(SAMPLE)
        with resources.as_file(folder / "pairs.csv") as sample, resources.as_file(folder / "targets.txt") as market:
            return _judge(sample, market, share, branches)
    if pairs is None or targets is None:
        there, missing = ("--targets", "--pairs") if pairs is None else ("--pairs", "--targets")
        raise click.UsageError(f"{there} needs {missing} as well: the one is judged against the other.")
    return _judge(pairs, targets, share, branches)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


@dataclass
class _Score:
    """How one way of answering did in one language."""

    count: int = 0
    first: int = 0
    five: int = 0
    distance: int = 0
    sure: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, answers: Sequence[tuple[str, float]], target: str) -> None:
        paths = [path for path, _ in answers[:SHOWN]]
        self.count += 1
        self.first += paths[:1] == [target]
        self.five += target in paths
        self.distance += tree_distance(paths[0] if paths else "", target)
        if answers:
            self.sure.append((answers[0][1], paths[0] == target))

    def figures(self) -> dict[str, float]:
        return {
            "top-1": self.first / self.count,
            "top-5": self.five / self.count,
            "tree distance": self.distance / self.count,
        }


def tree_distance(one: str, other: str) -> int:
    """Steps from one category up to the common parent and down to the other. No answer stands at the root."""
    left, right = split_path(one), split_path(other)
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    return len(left) + len(right) - 2 * common


def calibration_error(sure: Sequence[tuple[float, bool]]) -> float:
    """The mean gap between confidence and truth, over ten groups of equally many answers by rising confidence."""
    ordered = sorted(sure)
    gap = 0.0
    for at in range(10):
        group = ordered[len(ordered) * at // 10 : len(ordered) * (at + 1) // 10]
        gap += abs(sum(confidence for confidence, _ in group) - sum(right for _, right in group))
    return gap / len(ordered) if ordered else 0.0


def _judge(pairs_file: Path, targets_file: Path, share: float, branches: bool) -> Result:
    targets = read_targets(targets_file)
    pairs = read_pairs(pairs_file, targets)
    judged, words = _split(pairs, share, branches)
    progress(f"categories: {len(judged)} pairs against {len(targets)} categories")
    began = time.process_time()
    tree = category_tree(targets)
    indexed = time.process_time() - began
    began = time.process_time()
    ours = _scores(judged, _suggestions(Suggester(tree, words)))
    seconds = time.process_time() - began
    rivals = {
        "longest common path": _scores(judged, _plain(longest_common_path(targets))),
        "token overlap": _scores(judged, _plain(token_overlap(targets))),
    }
    figures: dict[str, Any] = {"pairs": len(judged), "categories": len(targets)}
    for language, score in ours.items():
        figures |= {f"{language} {name}": value for name, value in score.figures().items()}
        figures[f"{language} calibration error"] = calibration_error(score.sure)
    asked = sum(score.count for score in ours.values())
    figures |= {"CPU seconds to index": indexed, "CPU seconds for 10,000 categories": seconds / asked * 10_000}
    return _outcome(figures, ours, rivals)


def _split(pairs: list[Pair], share: float, branches: bool) -> tuple[list[Pair], Lexicon]:
    """The pairs to judge, and the lexicon to read them with."""
    if not share:
        return pairs, lexicon()
    judged = [pair for pair in pairs if held_out(_branch(pair) if branches else pair, share)]
    seen = {pair.key for pair in judged}
    parts = [
        dict(zip(LANGUAGES, names, strict=True))
        for pair in pairs
        if pair.key not in seen and set(LANGUAGES) <= set(pair.paths)
        for names in zip(*(split_path(pair.paths[language]) for language in LANGUAGES), strict=False)
    ]
    if not judged or not parts:
        raise click.ClickException("--held-out leaves nothing to judge or nothing to learn from; choose another share.")
    return judged, learn_lexicon(parallel(rows("words.csv"), parts))


def _branch(pair: Pair) -> Pair:
    """The pair under the key of its branch: the first three steps of its key (aa-1-10-2 belongs to aa-1-10)."""
    return Pair("-".join(pair.key.split("-")[:3]), pair.paths, pair.target, pair.line)


def _scores(pairs: Sequence[Pair], answers: Answers) -> dict[str, _Score]:
    scores: dict[str, _Score] = {}
    for pair in pairs:
        for language in pair.paths:
            scores.setdefault(language, _Score()).add(answers(pair, language), pair.target)
    return scores


def _suggestions(suggester: Suggester) -> Answers:
    def answers(pair: Pair, language: str) -> list[tuple[str, float]]:
        found = suggester.suggest(StoreCategory(path=pair.paths[language], language=language), SHOWN)
        return [(suggestion.path, suggestion.confidence) for suggestion in found]

    return answers


def _plain(ranking: Ranking) -> Answers:
    return lambda pair, language: [(path, 0.0) for path in ranking(pair.paths[language])]


def _outcome(figures: dict[str, Any], ours: dict[str, _Score], rivals: dict[str, dict[str, _Score]]) -> Result:
    english = ours["en"]
    best = max(scores["en"].first for scores in rivals.values())
    ratio = (english.count - english.first) / max(english.count - best, 1)
    others = [score.five / score.count for language, score in ours.items() if language != "en"]
    reference = {
        name: {
            f"{language} {figure}": round(value, 3)
            for language, score in scores.items()
            for figure, value in score.figures().items()
        }
        for name, scores in rivals.items()
    }
    good = english.first / english.count >= 0.85 and ratio <= 0.5 and min(others, default=1.0) >= 0.6
    return result(figures=figures, reference=reference, ratio=ratio, goal=GOAL, within_goal=good)
