"""Who takes long begins first, in each of the parts in which processes take the tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.turns import dealt

USUAL = 100.0


def _item(name: str, patience: float | None = None, *, file: str = "one.py", shared: bool = False) -> Any:
    mark = pytest.mark.timeout(patience).mark if patience else None
    made = {"house": [SimpleNamespace(scope="module" if shared else "function")]}
    return SimpleNamespace(
        nodeid=f"{file}::{name}",
        path=Path(file),
        get_closest_marker=lambda _: mark,
        _fixtureinfo=SimpleNamespace(name2fixturedefs=made),
    )


def _order(items: list[Any], parts: int) -> list[str]:
    return [item.nodeid.partition("::")[2] for item in dealt(cast("list[pytest.Item]", items), parts, USUAL)]


def test_each_part_begins_with_its_share_of_the_long_ones_the_longest_before_all() -> None:
    short = [_item(f"s{at}", 50 if at % 2 else None) for at in range(7)]
    long = [_item("l300", 300), _item("l900", 900), _item("l600", 600)]
    # Ten in three parts: xdist gives three, three and four.
    assert _order([*short, *long], 3) == ["l900", "s0", "s1", "l600", "s2", "s3", "l300", "s4", "s5", "s6"]
    assert _order([*short, *long], 1) == ["l900", "l600", "l300", *(f"s{at}" for at in range(7))]


def test_what_is_made_once_for_a_file_stays_together() -> None:
    one = [_item(f"a{at}", 200 + at, file="a.py", shared=True) for at in range(3)]
    other = [_item(f"b{at}", 400, file="b/a.py", shared=True) for at in range(2)]
    assert _order([*one, *other, *(_item(f"s{at}") for at in range(3))], 2) == [
        "b0", "b1", "s0", "s1", "a0", "a1", "a2", "s2",
    ]  # fmt: skip


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_nobody_is_lost(parts: int) -> None:
    items = [_item(str(at), 500 if at % 3 == 0 else None, file=f"{at % 4}.py", shared=at % 4 == 0) for at in range(41)]
    assert sorted(_order(items, parts), key=int) == [str(at) for at in range(41)]
    assert _order([_item("alone", 900)], parts) == ["alone"]
