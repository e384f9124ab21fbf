"""What a rehearsal found, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


class Failed(Exception):
    """A step did not come out as it should. The text says what was expected and what was seen."""


@dataclass(frozen=True)
class Result:
    """One step: ``detail`` says what was seen, or what was missing."""

    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass(frozen=True)
class Report:
    steps: Sequence[Result]

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "steps": [asdict(step) for step in self.steps]}
