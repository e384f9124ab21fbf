"""The validation report: every listing of a marketplace as it would be sent, ready, ready with warnings, or blocked.

Read and worked out some variants at a time: it takes as much memory for a hundred thousand as for a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Variant
from bridge.domain.listing import Finding
from bridge.flows import project
from bridge.flows.engine import Engine
from bridge.flows.sites import site_name
from bridge.ports.errors import AskMerchant

CHUNK = 250
EXAMPLES = 5


class State(StrEnum):
    """``EXCLUDED``: a rule says that it is not sold there."""

    READY = "ready"
    WARNINGS = "warnings"
    BLOCKED = "blocked"
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class Line:
    """One listing. ``site``: the country site by name, empty where the account is one."""

    sku: str
    gtin: str | None
    title: str
    site: str
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        if any(finding.rule == "excluded" for finding in self.findings):
            return State.EXCLUDED
        if any(finding.blocking for finding in self.findings):
            return State.BLOCKED
        return State.WARNINGS if self.findings else State.READY

    def as_dict(self) -> dict[str, Any]:
        found = [finding.as_json() for finding in self.findings]
        shown = {"sku": self.sku, "gtin": self.gtin, "title": self.title, "site": self.site, "state": str(self.state)}
        return {**shown, "findings": found}


@dataclass
class _Rule:
    """How often one rule was broken in one field, with the first that did."""

    first: Finding
    blocking: int = 0
    warnings: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)

    def add(self, line: Line, finding: Finding) -> None:
        self.blocking += finding.blocking
        self.warnings += not finding.blocking
        if len(self.examples) < EXAMPLES:
            example = {"sku": line.sku, "title": line.title, "site": line.site}
            self.examples.append({**example, "text": finding.text, "link": finding.link})

    def as_dict(self) -> dict[str, Any]:
        shown = {"rule": self.first.rule, "field": self.first.field, "fix": self.first.fix}
        return {**shown, "blocking": self.blocking, "warnings": self.warnings, "examples": self.examples}


def marketplaces(session: Session, name: str | None = None) -> list[Connection]:
    """Those that are connected, or the one of this account, adapter or number. Raises AskMerchant."""
    query = select(Connection).where(
        Connection.role == "channel", Connection.state.not_in(("disconnected", "connecting"))
    )
    rows = list(session.scalars(query.order_by(Connection.id)))
    chosen = [row for row in rows if name in (None, str(row.id), row.account, row.adapter)]
    if name is not None and not chosen:
        known = ", ".join(row.account for row in rows) or "none"
        raise AskMerchant(f"There is no marketplace {name!r}; connected are: {known}.", field="channel")
    return chosen


def report(engine: Engine, row: Connection, each: Callable[[Line], None] | None = None) -> dict[str, Any]:
    """Counts by state and by rule, each with examples; the rule that blocks most comes first. ``each`` is called with
    every listing as it comes."""
    states = dict.fromkeys(State, 0)
    rules: dict[tuple[str, str], _Rule] = {}
    for line in lines(engine, row):
        states[line.state] += 1
        for finding in line.findings:
            rules.setdefault((finding.rule, finding.field), _Rule(finding)).add(line, finding)
        if each:
            each(line)
    ordered = sorted(rules.values(), key=lambda rule: (-rule.blocking, -rule.warnings, rule.first.rule))
    return {
        "connection": row.id,
        "channel": row.title,
        "account": row.account,
        "adapter": row.adapter,
        "at": engine.clock(),
        "listings": sum(states.values()),
        **{str(state): count for state, count in states.items()},
        "rules": [rule.as_dict() for rule in ordered],
    }


def lines(engine: Engine, row: Connection) -> Iterator[Line]:
    """Every listing that is or would be there, by variant and site."""
    after = 0
    while True:
        with engine.db.read(row.shop_id) as session:
            ids = list(session.scalars(_next(after)))
            found = _chunk(engine, session, row, ids)
        if not ids:
            return
        after = ids[-1]
        yield from found


def _next(after: int) -> Any:
    return select(Variant.id).where(Variant.id > after, Variant.deleted_at.is_(None)).order_by(Variant.id).limit(CHUNK)


def _chunk(engine: Engine, session: Session, row: Connection, ids: list[int]) -> list[Line]:
    views = project.channel_views(engine, session, row.id)
    if not ids or not views:
        return []
    chunk = project.read_chunk(session, views, ids, lock=False)
    return [
        Line(
            sku=variant.sku or "",
            gtin=variant.gtin,
            title=variant.title,
            site=site_name(row, view.site),
            findings=made.offer.findings,
        )
        for view, variant, _, _, made, gone in chunk.outcomes(views)
        if not gone
    ]
