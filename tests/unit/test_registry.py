"""Adapters by entry point: a broken one is named and stops nobody."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bridge.registry import GROUPS, discover

GOOD = """
    from pathlib import Path
    from bridge.ports.adapter import Adapter
    from bridge.ports.manifest import Manifest
    MANIFEST = Manifest(name="{name}", title="T", kind="{kind}", capabilities=())
    ADAPTER = Adapter(Path(), MANIFEST, connect=print, sandbox=print)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def _install(module: str, source: str, kind: str = "channel", name: str | None = None) -> EntryPoint:
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        made.append(module)
        return EntryPoint(name or module, module, GROUPS[kind])

    yield _install
    for module in made:
        sys.modules.pop(module, None)


def test_ours_are_found() -> None:
    assert "bol" in discover().channels


def test_a_third_party_adapter_is_found(install) -> None:
    registry = discover([install("their_market", GOOD.format(name="market", kind="channel"))])
    assert list(registry.channels) == ["market"]
    assert registry.broken == ()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("import no_such_package", "no_such_package"),
        ("this is no python", "SyntaxError"),
        ("", "no ADAPTER"),
        ("ADAPTER = 'me'", "no ADAPTER"),
        (GOOD.format(name="market", kind="platform"), "platform"),
        (GOOD.format(name="Bad Name", kind="channel"), "name"),
    ],
)
def test_a_broken_one_is_named_and_stops_nobody(install, source: str, reason: str) -> None:
    good = install("good_market", GOOD.format(name="good", kind="channel"))
    registry = discover([install("bad_market", source), good])
    assert list(registry.channels) == ["good"]
    [broken] = registry.broken
    assert (broken.name, broken.kind) == ("bad_market", "channel")
    assert reason in broken.reason


def test_nobody_takes_the_name_of_ours(install) -> None:
    """An adapter of ours is loaded first, whatever the entry points are called."""
    theirs = install("a_market", GOOD.format(name="bol", kind="channel"))
    ours = EntryPoint("z", "channel_adapters.bol", GROUPS["channel"])
    registry = discover([theirs, ours])
    assert registry.channels["bol"].manifest.title != "T"
    assert [item.module for item in registry.broken] == ["a_market"]
