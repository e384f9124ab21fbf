"""Every problem has a heading, one page, one fix, and an end: read from the code that opens and closes them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import bridge
from bridge.flows import attend, leaving, module_health
from bridge.web import owners, places
from bridge.web.wording import PREFIXES, PROBLEMS

FOLDER = Path(bridge.__file__).parent
KEPT = "bridge.flows.watched"  # its ``keep`` opens what is found and closes what is not
DOES = {"open_problem": "open", "close_problem": "close", "close_problems": "close", "keep": "keep"}


class Said(NamedTuple):
    where: str
    does: str
    kinds: tuple[str, ...]
    fix: ast.expr | None


@cache
def said() -> tuple[Said, ...]:
    return tuple(item for path in sorted(FOLDER.rglob("*.py")) for item in _in(path))


def _in(path: Path) -> Iterator[Said]:
    text = path.read_text("utf-8")
    if not any(f"{called}(" in text for called in DOES):
        return
    name = ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    tree = ast.parse(text)
    keeps = name == KEPT or any(
        isinstance(node, ast.ImportFrom) and node.module == KEPT and any(item.name == "keep" for item in node.names)
        for node in ast.walk(tree)
    )
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef):
            continue
        loops = {node.target.id: node.iter for node in ast.walk(scope) if isinstance(node, ast.For)
                 and isinstance(node.target, ast.Name)}  # fmt: skip
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and (does := _does(node, keeps)):
                kinds = _values(node.args[2], name, loops)
                yield Said(f"{name}:{node.lineno}", does, kinds, node.args[5] if len(node.args) > 5 else None)


def _does(node: ast.Call, keeps: bool) -> str:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return DOES.get(called, "") if len(node.args) > 3 and (keeps or called != "keep") else ""


def _values(node: ast.expr, module: str, loops: dict[str, ast.expr]) -> tuple[str, ...]:
    """What a kind is written as: a text, a name of the module, the beginning of an f-string, each of a loop."""
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        return (str(first.value),) if isinstance(first, ast.Constant) else ()
    if isinstance(node, ast.Name) and node.id in loops:
        return _values(loops[node.id], module, {})
    if isinstance(node, ast.Subscript):
        return _values(node.value, module, loops)
    if isinstance(node, ast.Tuple):
        return tuple(kind for item in node.elts for kind in _values(item, module, loops))
    if isinstance(node, ast.Starred):
        return _values(node.value, module, loops)
    try:
        found = eval(compile(ast.Expression(node), module, "eval"), vars(importlib.import_module(module)))
    except (NameError, AttributeError):
        return ()
    return found if isinstance(found, tuple) else (str(found),)


def opened() -> set[str]:
    return {kind for item in said() if item.does in ("open", "keep") for kind in item.kinds}


def closed() -> set[str]:
    of_modules = set(module_health.KINDS)  # kept in a loop over what was found, see module_health
    alone = {kind for item in said() if item.does in ("close", "keep") for kind in item.kinds}
    return alone | of_modules | {"parked."}  # parked: outcome.went_well, see tests/flows/test_deaths.py


def test_the_code_was_read() -> None:
    known = {kind for kind in opened() if not kind.endswith(".")}
    assert known >= {"reauthorise", "order_held", "return_open", "silence", "disk", "database", "drift", "return_shelf"}
    assert opened() | set(module_health.KINDS) >= set(PROBLEMS)
    assert set(PREFIXES) <= opened()


@pytest.mark.parametrize("kind", sorted(opened()))
def test_each_has_a_heading_and_one_page(kind: str) -> None:
    assert kind in PROBLEMS or kind.startswith(tuple(PREFIXES))
    page = owners.of(kind, {"connection_id": 3})
    assert page is not None
    assert places.find(page.path).page.title


@pytest.mark.parametrize("kind", sorted(opened()))
def test_each_ends_by_itself_or_by_the_word_of_a_person(kind: str) -> None:
    by_itself, by_person = kind in closed(), attend.can_close(kind)
    assert by_itself or by_person
    if by_person and by_itself:
        return
    assert by_itself or kind in attend.BY_HAND


def test_no_page_and_no_heading_for_what_is_never_said() -> None:
    every = opened() | set(module_health.KINDS)
    assert set(owners.OWNERS) <= every
    assert set(PROBLEMS) <= every
    assert {kind for kind in attend.BY_HAND if kind not in every} == set()
    assert {kind for kind in leaving.OVER if kind not in every} == set()


def test_each_says_what_to_do() -> None:
    """A fix that is left out, or is an empty text, is none."""
    without = [
        item.where
        for item in said()
        if item.does == "open" and (item.fix is None or (isinstance(item.fix, ast.Constant) and not item.fix.value))
    ]
    assert without == []
