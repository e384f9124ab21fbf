"""The checks as they last came out, from what is stored beside each listing: counts, the reasons with their examples.

``report.py`` works everything out anew; this only counts, so that it answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.orm import Session

from bridge.db import findings
from bridge.db.tables import Listing, Variant

EXAMPLES = 3
Data = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    ready: int
    warnings: int
    blocked: int
    excluded: int

    @property
    def all(self) -> int:
        return self.ready + self.warnings + self.blocked + self.excluded


def counts(session: Session, connection_id: int) -> Counts:
    """Each listing in one state, as ``report.State`` has them."""
    excluded, blocking = _says('"rule": "excluded"'), _says('"blocking": true')
    clean = func.length(cast(Listing.findings, Text)) <= len("[]")
    query = select(
        func.count().filter(clean),
        func.count().filter(~clean, ~excluded, ~blocking),
        func.count().filter(~excluded, blocking),
        func.count().filter(excluded),
    )
    there = query.where(Listing.connection_id == connection_id, (Listing.state != "ended") | excluded)
    return Counts(*session.execute(there).one())


def _says(text: str) -> ColumnElement[bool]:
    return cast(Listing.findings, Text).contains(text)


def reasons(session: Session, connection_id: int) -> list[Data]:
    """By rule and field, what blocks most first, each with its words, its fix and some examples."""
    found = findings.by_rule(session, connection_id)
    rows = [
        {
            "rule": rule,
            "field": field,
            "blocking": blocking,
            "count": count,
            **_words(session, connection_id, rule, field),
        }
        for rule, field, blocking, count in found
    ]
    return sorted(rows, key=lambda row: (not row["blocking"], -row["count"], row["rule"]))


def _words(session: Session, connection_id: int, rule: str, field: str) -> Data:
    query = (
        select(Listing.findings, Listing.sku, Variant.title)
        .join(Variant, Variant.id == Listing.variant_id)
        .where(Listing.connection_id == connection_id, Listing.state != "ended", _says(f'"rule": "{rule}"'))
        .limit(EXAMPLES * 4)
    )
    examples: list[Data] = []
    first: Data = {}
    for items, sku, title in session.execute(query):
        item = next((one for one in items if (one.get("rule"), one.get("field")) == (rule, field)), None)
        if item is None:
            continue
        first = first or item
        if len(examples) < EXAMPLES and (sku, title) not in {(one["sku"], one["title"]) for one in examples}:
            examples.append({"sku": sku, "title": title, "text": item.get("text", "")})
    return {
        "text": first.get("text", ""),
        "fix": first.get("fix", ""),
        "link": first.get("link", ""),
        "examples": examples,
    }
