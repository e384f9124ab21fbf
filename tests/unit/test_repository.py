"""The repository keeps its own promises."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted(ROOT.glob("*.lock"))
MOST_LINES = 450


def python_files() -> list[Path]:
    """Ours; the rest of the folder is made by tools. (Not asked of git: a release has none.)"""
    folders = ["bridge", "platform_adapters", "channel_adapters", "tests", "scripts"]
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def locked(lock: Path) -> dict[str, str]:
    """Package name -> version of every entry."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry.strip() and not entry.startswith("#")]
    assert len(entries) == len(locked(lock))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_locks_hold_what_the_project_asks_for() -> None:
    runtime, everything = locked(ROOT / "requirements.lock"), locked(ROOT / "requirements-dev.lock")
    build = locked(ROOT / "requirements-build.lock")
    asked = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    asked_dev = [Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["dev"]]
    for requirement in asked:
        assert requirement.specifier.contains(runtime[canonicalize_name(requirement.name)])
    for requirement in asked_dev:
        assert requirement.specifier.contains(everything[canonicalize_name(requirement.name)])
    assert runtime.items() <= everything.items()
    assert build.items() <= everything.items()


@pytest.mark.parametrize("group", ["storebridge.platforms", "storebridge.channels"])
def test_entry_points_name_adapters_that_exist(group: str) -> None:
    declared = PROJECT["project"]["entry-points"][group]
    installed = {point.name: point.value for point in metadata.entry_points(group=group)}
    assert declared.items() <= installed.items()
    for module in declared.values():
        folder = ROOT / module.replace(".", "/")
        if folder.joinpath("manifest.toml").exists():
            assert find_spec(module) is not None


def test_every_adapter_folder_has_an_entry_point() -> None:
    declared = PROJECT["project"]["entry-points"]
    for group, package in [
        ("storebridge.platforms", "platform_adapters"),
        ("storebridge.channels", "channel_adapters"),
    ]:
        folders = {path.parent.name for path in (ROOT / package).glob("*/manifest.toml")}
        assert folders <= set(declared[group])


def test_python_files_parse_and_stay_small() -> None:
    long = {}
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        ast.parse(text, filename=str(path))
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts) and text.count("\n") > MOST_LINES:
            long[str(path.relative_to(ROOT))] = text.count("\n")
    assert long == {}


def test_scripts_are_executable() -> None:
    scripts = [ROOT / ".ci" / "run", *(ROOT / "scripts").glob("*.sh")]
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []
