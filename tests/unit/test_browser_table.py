"""tests/browser/README.md: each story is walked in each frame by a test that is there and runs there."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "browser"
FRAMES = ("shopify", "wordpress", "magento")
ROWS = re.findall(
    r"^\| (?!Story|---)(.+?) \| (.+) \|$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)


def frames_of(name: str) -> list[str]:
    """In which frames the test runs."""
    file, _, test = name.partition("::")
    spec = spec_from_file_location(f"browser_{file}", FOLDER / f"{file}.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [*getattr(module, test).pytestmark, *(module.pytestmark if isinstance(module.pytestmark, list) else [])]
    return [frame for mark in own if mark.name == "parametrize" and mark.args[0] == "house" for frame in mark.args[1]]


@pytest.mark.parametrize(("story", "cells"), ROWS, ids=[row[0] for row in ROWS])
def test_a_story_is_walked_in_each_frame(story: str, cells: str) -> None:
    names = [cell.strip().strip("`") for cell in cells.split("|")]
    assert len(names) == len(FRAMES), story
    for frame, name in zip(FRAMES, names, strict=True):
        assert frame in frames_of(name), (story, frame)


def test_the_stories_are_those_that_were_asked_for() -> None:
    told = " ".join(row[0] for row in ROWS)
    for story in ("onboarding", "wrong, then right credentials", "map", "rule, plan, apply, undo", "failure and retry",
                  "token expired", "other shop's token", "foreign origin", "keyboard only", "narrow screen"):  # fmt: skip
        assert story in told
