"""docs/faults.md: every fault of the list has a row, and every test that is named exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "faults.md").read_text(encoding="utf-8")
LIST = {"W": 16, "Q": 12, "S": 7, "A": 19, "B": 18, "P": 7, "X": 8}
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


@cache
def named_in(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_fault_has_one_row() -> None:
    wanted = [f"{letter}{number}" for letter, most in LIST.items() for number in range(1, most + 1)]
    assert [row.split("|")[1].strip() for row in ROWS] == wanted


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_row_says_what_happens_and_where_that_is_shown(row: str) -> None:
    _, _, fault, happens, shown, _ = (cell.strip() for cell in row.split("|"))
    assert fault
    assert happens
    assert re.search(r"\.py::test_|bench `\w+`|not shown", shown)


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)), ids=lambda value: str(value).rpartition("/")[2])
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert name in named_in(path)


def test_benchmarks_that_are_named_exist() -> None:
    bench = TESTS.parent / "bridge" / "bench"
    named = set(re.findall(r"bench `(\w+)`", PAGE))
    assert named
    assert [name for name in sorted(named) if not (bench / f"{name}.py").is_file()] == []
