"""What may go wrong after the sale, rehearsed over the real sandboxes: every story, on every marketplace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.commands.rehearse import STORIES as NAMES
from bridge.registry import discover
from bridge.rehearsal.run import rehearse
from bridge.rehearsal.stories import STORIES, steps_of
from bridge.rehearsal.story import Story, begin, tell
from bridge.rehearsal.world import Plan, open_world

pytestmark = pytest.mark.timeout(300)
# Amazon is left to the command line: its sandbox tells a second return of a refunded line as dealt with.
OTHERS = [name for name in sorted(discover().channels) if name not in ("bol", "amazon")]
THEIRS = ("buyer-cancel", "return", "refund-only", "revoked")
FIRST = len(("store connected", "marketplace connected", "product listed"))


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One world over bol for all stories, with a product on show."""
    with open_world(Plan("woocommerce", "bol", patience=90.0)) as world:
        found = begin(world, threading.Event())
        found.stock = 30
        assert [result for result in tell(found, STORIES["cancel"][:FIRST]) if not result.ok] == []
        yield found
        world.stop()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_on_bol(story: Story, name: str) -> None:
    results = list(tell(story, STORIES[name][FIRST:]))
    assert [result for result in results if not result.ok] == []
    assert not [result for result in results if result.detail.startswith("lacks: ")]


def test_as_the_merchant_runs_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge.cli", "rehearse", "--story", "late-tracking", "--json"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=env)
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert (report["ok"], done.returncode) == (True, 0)
    assert [step["name"] for step in report["steps"]] == [step.name for step in STORIES["late-tracking"]]
    assert all(set(step) == {"name", "ok", "seconds", "detail"} for step in report["steps"])
    assert tuple(STORIES) == NAMES


@pytest.mark.parametrize("channel", OTHERS)
def test_every_story_on_every_other_marketplace(channel: str) -> None:
    """One world each. What a marketplace lacks is said, with the reason its manifest gives. The other stories are more
    of the store than of the marketplace, and told over bol."""
    plan = Plan("woocommerce", channel, patience=90.0)
    report = rehearse(plan, lambda _: None, lambda _: None, threading.Event(), steps_of(THEIRS))
    assert [step for step in report.steps if not step.ok] == []
    lacks = discover().channels[channel].manifest.lacks.values()
    said = [step.detail.removeprefix("lacks: ") for step in report.steps if step.detail.startswith("lacks: ")]
    assert [text for text in said if text not in lacks] == []
