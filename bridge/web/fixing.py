"""Where a person goes from here: to what a finding is mended by, and to what made a value what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.flows.documents import of_connection

TEXTS = ("title", "description", "brand")
BY_RULES = ("excluded", "held", "rule_unknown")


class Way(NamedTuple):
    """``path`` and ``query`` of a page of ours, or ``address`` in the store."""

    path: str = ""
    query: Mapping[str, Any] = {}
    address: str = ""


def of_finding(finding: Mapping[str, Any], connection_id: int, category: str = "") -> Way | None:
    link, field = str(finding.get("link", "")), str(finding.get("field", ""))
    if finding.get("rule") in BY_RULES or field == "rules":
        return Way("rules", {"of": of_connection(connection_id)})
    if field == "category":
        return Way("categories", {"of": connection_id, "show": "open"})
    if link.startswith(("https://", "http://")):
        return Way(address=link)
    if link == "/mapping":
        return Way("mapping/attribute", {"of": connection_id, "category": category, "name": field})
    return Way(link.removeprefix("/")) if link.startswith("/") else None


def of_step(
    step: Mapping[str, Any], connection_id: int, rules: Mapping[str, tuple[str, int]], category: str
) -> Way | None:
    """The rule or the mapping that a step of a value's way was."""
    by, field = str(step.get("by", "")), str(step.get("field", ""))
    if by in rules:
        subject, number = rules[by]
        return Way("rule", {"of": subject, "rule": number})
    if by.startswith("mapping of "):
        return Way("categories/choose", {"of": connection_id, "store": by.removeprefix("mapping of ")})
    if by.startswith("mapping: "):
        name = f"@{field}" if field in TEXTS or field.startswith("bullet ") else field
        return Way("mapping/attribute", {"of": connection_id, "category": category, "name": name})
    return None
