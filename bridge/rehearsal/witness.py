"""What the stories look up to know how a thing went."""

from __future__ import annotations

from sqlalchemy import select

from bridge.db.tables import Problem
from bridge.rehearsal.story import Story


def problem(story: Story, kind: str, subject: str) -> Problem | None:
    """It is open."""
    query = select(Problem).where(Problem.kind == kind, Problem.subject == subject, Problem.closed_at.is_(None))
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.scalars(query).first()


def carrier(story: Story) -> str:
    """One that the marketplace knows."""
    return next(iter(story.world.engine.channels[story.world.plan.channel].manifest.carriers), "DHL")
