"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was looked at and how it is; ``fix`` says what to do, empty when there is nothing to do."""

    name: str
    state: State
    detail: str
    fix: str = ""


def good(name: str, detail: str) -> Finding:
    return Finding(name, State.OK, detail)


def worrying(name: str, detail: str, fix: str) -> Finding:
    return Finding(name, State.WARN, detail, fix)


def bad(name: str, detail: str, fix: str) -> Finding:
    return Finding(name, State.FAIL, detail, fix)
