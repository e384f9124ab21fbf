"""How good an adapter is, by its own account: quality.toml held against the scale in scale.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TIERS = ("bronze", "silver", "gold", "platinum")
NONE = "none"


class QualityError(ValueError):
    """A quality.toml says something that makes no sense. The text names the rule and the fix."""


@dataclass(frozen=True)
class Quality:
    """``tier`` is the highest that is complete; ``open`` are rules neither done nor exempt, by tier."""

    tier: str
    done: tuple[str, ...]
    exempt: Mapping[str, str]
    open: Mapping[str, tuple[str, ...]]


@cache
def scale() -> Mapping[str, Mapping[str, str]]:
    """The rules with their sentence, by tier, lowest first."""
    rules = tomllib.loads((Path(__file__).parent / "scale.toml").read_text(encoding="utf-8"))
    return {tier: rules[tier] for tier in TIERS}


def load_quality(folder: Path) -> Quality:
    """The quality of the adapter in this folder; without a quality.toml it has none. Raises QualityError."""
    path = folder / "quality.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise QualityError(f"{path}: {error}") from error
    return judge(_flat(content), str(path))


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """Rules may stand under a heading for their tier, or without one."""
    rules: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and name in (*TIERS, "rules"):
            rules |= value
        else:
            rules[name] = value
    return rules


def judge(rules: Mapping[str, Any], where: str = "quality.toml") -> Quality:
    known = {rule for tier in scale().values() for rule in tier}
    if unknown := sorted(set(rules) - known):
        raise QualityError(f"{where}: the scale has no rule {unknown[0]!r}; see bridge/ports/scale.toml.")
    reasons = {rule: _reason(rule, value, where) for rule, value in rules.items()}
    done = tuple(rule for rule, reason in reasons.items() if reason == "")
    exempt = {rule: reason for rule, reason in reasons.items() if reason}
    missing = {tier: tuple(rule for rule in names if reasons.get(rule) is None) for tier, names in scale().items()}
    return Quality(_highest(missing), done, exempt, {tier: names for tier, names in missing.items() if names})


def _highest(missing: Mapping[str, tuple[str, ...]]) -> str:
    reached = NONE
    for tier in TIERS:
        if missing[tier]:
            return reached
        reached = tier
    return reached


def _reason(rule: str, value: Any, where: str) -> str | None:
    """Empty for done, the reason for exempt, None for not yet."""
    if value in ("done", "todo"):
        return "" if value == "done" else None
    reason = value.get("exempt") if isinstance(value, Mapping) else None
    if isinstance(reason, str) and reason.strip():
        return reason.strip()
    raise QualityError(f'{where}: {rule} must be "done", "todo" or {{ exempt = "the reason" }}.')
