"""How good an adapter is, by its own account: quality.toml held against the scale in scale.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

TIERS = ("bronze", "silver", "gold", "platinum")
NONE = "none"


class QualityError(ValueError):
    """A quality.toml says something that makes no sense. The text names the rule and the fix."""


@dataclass(frozen=True)
class Quality:
    """``tier`` is the highest that is complete; ``open`` are rules neither done nor exempt, by tier, ``unsaid`` those
    of them that are not mentioned at all; ``notes``: what to know of a rule that is done; ``tried``: against what the
    adapter was tried, for merchants."""

    tier: str
    done: tuple[str, ...]
    exempt: Mapping[str, str]
    notes: Mapping[str, str]
    open: Mapping[str, tuple[str, ...]]
    unsaid: tuple[str, ...] = ()
    tried: str = ""


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "scale.toml").read_text(encoding="utf-8"))


def scale(kind: str = "channel") -> Mapping[str, Mapping[str, str]]:
    """The rules for adapters of this kind with their sentence, by tier, lowest first."""
    others = {rule for name, rules in _file()["only"].items() if name != kind for rule in rules}
    return {tier: {rule: text for rule, text in _file()[tier].items() if rule not in others} for tier in TIERS}


def proven() -> frozenset[str]:
    """The rules that a shared test proves for each adapter that claims them."""
    return frozenset(_file()["proven"]["rules"])


def load_quality(folder: Path, kind: str = "channel") -> Quality:
    """The quality of the adapter in this folder; without a quality.toml it has none. Raises QualityError."""
    path = folder / "quality.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise QualityError(f"{path}: {error}") from error
    tried = content.pop("tried", "")
    if not isinstance(tried, str):
        raise QualityError(f'{path}: tried is a sentence, such as "its sandbox only".')
    return replace(judge(_flat(content), str(path), kind), tried=tried)


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """Rules may stand under a heading for their tier, or without one."""
    rules: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and name in (*TIERS, "rules"):
            rules |= value
        else:
            rules[name] = value
    return rules


def judge(rules: Mapping[str, Any], where: str = "quality.toml", kind: str = "channel") -> Quality:
    known = [rule for tier in scale(kind).values() for rule in tier]
    if unknown := sorted(set(rules) - set(known)):
        raise QualityError(f"{where}: the scale has no rule {unknown[0]!r} for a {kind}; see bridge/ports/scale.toml.")
    reasons = {rule: _reason(rule, value, where) for rule, value in rules.items()}
    done = tuple(rule for rule, reason in reasons.items() if reason == "")
    exempt = {rule: reason for rule, reason in reasons.items() if reason}
    notes = {
        rule: str(value["done"]) for rule, value in rules.items() if isinstance(value, Mapping) and "done" in value
    }
    missing = {tier: tuple(rule for rule in names if reasons.get(rule) is None) for tier, names in scale(kind).items()}
    left = {tier: names for tier, names in missing.items() if names}
    return Quality(_highest(missing), done, exempt, notes, left, tuple(rule for rule in known if rule not in rules))


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
    for word in ("exempt", "done") if isinstance(value, Mapping) else ():
        said = value.get(word)
        if isinstance(said, str) and said.strip():
            return said.strip() if word == "exempt" else ""
    raise QualityError(
        f'{where}: {rule} must be "done", "todo", {{ done = "what to know of it" }} or {{ exempt = "the reason" }}.'
    )
