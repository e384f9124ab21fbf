"""What may go wrong after the sale, rehearsed over the real sandboxes: every story, on every marketplace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bridge.commands.rehearse import STORIES as NAMES
from bridge.registry import discover
from bridge.rehearsal.run import rehearse
from bridge.rehearsal.stories import STORIES, steps_of
from bridge.rehearsal.story import INSTEAD
from bridge.rehearsal.world import Plan

pytestmark = pytest.mark.timeout(600)
CHANNELS = sorted(discover().channels)


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_story_on_every_marketplace(channel: str) -> None:
    """All stories of one marketplace in one world. What it takes from no program is said, with the reason its manifest
    gives, and shown to be put to the merchant instead."""
    plan = Plan("woocommerce", channel, patience=90.0)
    report = rehearse(plan, lambda _: None, lambda _: None, threading.Event(), steps_of(tuple(STORIES)))
    assert [step for step in report.steps if not step.ok] == []
    assert {step.name for step in report.steps} == {step.name for steps in STORIES.values() for step in steps}
    manifest = discover().channels[channel].manifest
    said = [step.detail.removeprefix("lacks: ") for step in report.steps if step.detail.startswith("lacks: ")]
    assert [text for text in said if text.partition(INSTEAD)[0] not in manifest.lacks.values()] == []
    assert [text for text in said if not text.partition(INSTEAD)[2]] == []
    lacking = {item for steps in STORIES.values() for step in steps for item in step.wants} - set(manifest.capabilities)
    assert bool(said) == bool(lacking)


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
