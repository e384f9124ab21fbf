"""The long push under a marketplace's own limits: what is judged, and what cannot be asked for."""

from __future__ import annotations

import click
import pytest

from bridge.bench import drain
from bridge.bench._child import Tune
from bridge.registry import discover


def test_a_marketplace_that_fetches_a_file_is_not_judged_and_says_why() -> None:
    found = drain.run(["--channel", "miinto"])
    assert (found["ratio"], found["within_goal"]) == (None, True)
    assert "fetches a file, every 1800 s" in found["figures"]["miinto: not applicable"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--channel", "zalando", "--share", "0.5"], r"leaves zalando less than one call .* postStocks \(1 in 1 s\)"),
        (["--channel", "kaufland", "--share", "0.009"], r"less than one call of a window for \* \(108 in 1 s\)"),
        (["--channel", "kaufland", "--share", "0"], "is not in the range"),
        (["--channel", "nobody"], "no marketplace 'nobody'; there are: allegro"),
        (["--share", "0.5"], "name one with --channel"),
    ],
)
def test_a_share_that_would_be_another_limit_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(click.BadParameter, match=words):
        drain.run(arguments)


def test_a_share_is_of_the_limits_and_leaves_the_batches() -> None:
    whole, part = discover().channels["amazon"], Tune(share=0.5).registry().channels["amazon"]
    assert {name: limit.calls * 0.5 for name, limit in whole.manifest.limits.items()} == {
        name: limit.calls for name, limit in part.manifest.limits.items()
    }
    assert part.manifest.batch == whole.manifest.batch
