"""What an edit would do to the merchant's own products, shown while it is made: before and after, on a part of them.

The plan looks at every product; this looks at some hundred, spread over the catalogue, so that it can answer at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Variant
from bridge.flows import documents, project, tally
from bridge.flows.documents import Key, Wish
from bridge.flows.engine import Engine
from bridge.flows.project import VariantRow
from bridge.flows.shape import Made
from bridge.flows.views import ChannelView, channel_views

LOOKED_AT = 400
EXAMPLES = 8
FITS = "(the rule that is being edited fits)"
Data = dict[str, Any]


@dataclass
class Effect:
    """``fits`` of ``looked_at`` listings, out of ``variants`` in all; ``unknown``: the rule could not be judged;
    ``changed`` come out otherwise. ``examples`` have the SKU, the title, what happens and the values before and after.
    """

    variants: int
    looked_at: int = 0
    fits: int = 0
    unknown: int = 0
    changed: int = 0
    examples: list[Data] = field(default_factory=list)

    @property
    def is_part(self) -> bool:
        return self.variants > LOOKED_AT


def of_rule(engine: Engine, session: Session, connection_id: int, subject: str, known: list[Data], at: int) -> Effect:
    """The rule with the number ``at`` of the list ``known``: what the marketplace would show without it, and with it.

    Raises ValueError for rules that could not be saved.
    """
    rule = {**known[at], "enabled": True}
    marked = {**rule, "then": [{"kind": "exclude", "reason": FITS}]}
    lists = (known[:at] + known[at + 1 :], [*known[:at], rule, *known[at + 1 :]], [*known[:at], marked])
    wishes = [Wish(subject=subject, kind="rules", content={"rules": one}) for one in lists]
    views = [_views(engine, session, connection_id, subject, wish) for wish in wishes]
    effect = Effect(_count(session))
    for before, after, mark in _outcomes(session, views):
        _judged(effect, str(rule["name"]), before, after, mark)
    return effect


def _views(engine: Engine, session: Session, connection_id: int, subject: str, wish: Wish) -> list[ChannelView]:
    """A shared list is shown as if the marketplace used it, where it does not."""
    settings = documents.overlaid(documents.active(session), [wish])
    if subject.startswith(documents.SHARED):
        settings = _as_used(settings, connection_id, subject.removeprefix(documents.SHARED))
    return channel_views(engine, session, connection_id, settings)


def _as_used(settings: dict[Key, Data], connection_id: int, name: str) -> dict[Key, Data]:
    key = (documents.of_connection(connection_id), "sharing")
    uses = list(settings.get(key, {}).get("uses", ()))
    return {**settings, key: {"uses": uses if name in uses else [*uses, name]}}


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Variant).where(Variant.deleted_at.is_(None))) or 0


def some(session: Session, most: int = LOOKED_AT) -> list[int]:
    """Variants spread over the catalogue."""
    there = select(Variant.id).where(Variant.deleted_at.is_(None)).order_by(Variant.id)
    apart = -(-_count(session) // most)
    if apart > 1:
        there = there.where(Variant.id % apart == 0)
    return list(session.scalars(there.limit(most)))


Row = tuple[VariantRow, ChannelView, Made]


def _outcomes(session: Session, views: Sequence[list[ChannelView]]) -> Iterator[tuple[Row, ...]]:
    """Each listing as it comes out by each of the settings."""
    if not all(views):
        return
    chunk = project.read_chunk(session, views[1], some(session), lock=False)
    ways = [((row[1], row[0], row[4]) for row in chunk.outcomes(one) if not row[5]) for one in views]
    yield from zip(*ways, strict=True)


def _judged(effect: Effect, name: str, before: Row, after: Row, mark: Row) -> None:
    effect.looked_at += 1
    fits = mark[2].unwanted == FITS
    effect.fits += fits
    effect.unknown += not fits and any(
        item.rule == "rule_unknown" and repr(name) in item.text for item in mark[2].offer.findings
    )
    what, changes = became(before[2], after[2])
    if not what:
        return
    effect.changed += 1
    if len(effect.examples) < EXAMPLES:
        effect.examples.append(_example(after, what, changes))


def _example(row: Row, what: str, changes: list[Data]) -> Data:
    variant, view, made = row
    why = made.unwanted or "; ".join(item.text for item in made.offer.findings if item.blocking)
    shown = {"sku": variant.sku or "", "title": variant.title, "site": view.site, "what": what}
    return {**shown, "why": why, "changes": changes}


def became(before: Made, after: Made) -> tuple[str, list[Data]]:
    """What becomes of a listing, and the values that differ: excluded, included, blocked, unblocked, changed or
    nothing."""
    if bool(before.unwanted) != bool(after.unwanted):
        return ("excluded", []) if after.unwanted else ("included", tally.between(before, after))
    if after.unwanted:
        return "", []
    changes = tally.between(before, after)
    if before.offer.blocked != after.offer.blocked:
        return ("blocked" if after.offer.blocked else "unblocked"), changes
    return ("changed" if changes else ""), changes
