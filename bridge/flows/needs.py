"""What a marketplace asks of each category, as it was last told: cached with its version, asked again every day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import CategoryTreeRow, Connection, FacetRow, Listing, Poll, Problem, RequirementRow
from bridge.db.work import Claim
from bridge.domain import checks
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.domain.values import fingerprint
from bridge.flows import documents
from bridge.flows.documents import of_connection
from bridge.flows.engine import Engine
from bridge.flows.watched import Told, keep
from bridge.ports.errors import NotFound
from bridge.ports.http import lane
from bridge.ports.manifest import Capability

TREE_EVERY = timedelta(days=7)
EXAMPLES = 20
KIND, GONE = "requirements_changed", "category_gone"


def refresh(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.requirements``: the requirements of every mapped category, and of all products."""
    channel, now = engine.channel(row), engine.clock()
    with engine.db.read(row.shop_id) as session:
        wanted = ["", *sorted(mapped_categories(session, row.id))]
    gone: list[str] = []
    for category in wanted:
        with lane("sweep"):
            try:
                found = channel.requirements(category or None)
            except NotFound:
                if not category:  # it tells what it asks for of nothing
                    break
                gone.append(category)
                continue
        engine.db.transact(row.shop_id, _keep, row, category, found, now)
        engine.db.transact(row.shop_id, work.renew, claims, engine.clock())
    engine.db.transact(row.shop_id, _settle, row, gone, now)
    engine.db.transact(row.shop_id, _finish, row, claims, "poll.requirements", len(wanted), engine.clock())
    engine.ring({"sweep"})


def refresh_tree(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.categories``: the marketplace's categories, listed anew."""
    now = engine.clock()
    count = 0
    if Capability.CATEGORIES in engine.manifest(row).capabilities:
        with lane("sweep"):
            found = [category.as_json() for category in engine.channel(row).list_categories()]
        engine.db.transact(row.shop_id, keep_tree, row.id, found, now)
        count = len(found)
    engine.db.transact(row.shop_id, _finish, row, claims, "poll.categories", count, engine.clock())


def mapped_categories(session: Session, connection_id: int) -> set[str]:
    """The marketplace categories that products of this connection are mapped to, or would be by suggestion."""
    found: set[str] = set()
    for kind, name in (("category_mapping", "entries"), ("category_overrides", "products")):
        row = documents.read(session, of_connection(connection_id), kind)
        found |= set(row.content.get(name, {}).values()) if row else set()
    return found


def keep_tree(session: Session, connection_id: int, found: list[dict[str, Any]], now: datetime) -> None:
    """``found`` are categories in plain JSON types."""
    query = select(CategoryTreeRow).where(CategoryTreeRow.connection_id == connection_id).with_for_update()
    row = session.scalars(query).first()
    if row is None:
        row = CategoryTreeRow(connection_id=connection_id)
        session.add(row)
    row.content, row.version, row.fetched_at = found, fingerprint(found), now


def tree(session: Session, connection_id: int) -> list[Category]:
    """The marketplace's categories as they were last listed; empty before that."""
    row = session.scalars(select(CategoryTreeRow).where(CategoryTreeRow.connection_id == connection_id)).first()
    return [Category.model_validate(item) for item in row.content] if row else []


def _keep(session: Session, row: Connection, category: str, found: CategoryRequirements, now: datetime) -> None:
    query = select(RequirementRow).where(RequirementRow.connection_id == row.id, RequirementRow.category == category)
    known = session.scalars(query.with_for_update()).first()
    if known is None:
        known = RequirementRow(connection_id=row.id, category=category, changed_at=now)
        session.add(known)
    elif known.version != found.version:
        known.changed_at = now
        _tell(session, row, category, CategoryRequirements.model_validate(known.content), found, now)
    known.version, known.content, known.fetched_at = found.version[:80], found.as_json(), now


def _tell(
    session: Session,
    row: Connection,
    category: str,
    before: CategoryRequirements,
    after: CategoryRequirements,
    now: datetime,
) -> None:
    """A change of the requirements becomes a problem when it breaks listings, and names them."""
    work.mark(session, row.shop_id, [work.Mark(row.id, "sweep", "project.connection", "all")], now)
    change = checks.changed(before, after)
    place = f"category {category}" if category else "all products"
    text = f"{row.title} changed what it asks of {place}"
    records.note(session, now, "requirements", text, connection_id=row.id)
    broken = list(checks.broken_by(change, _sent(session, row.id, category)))
    subject = f"{place} on {row.title}"[:190]
    if not broken:
        records.close_problem(session, now, KIND, subject)
        return
    reasons = " ".join(item.text for item in change.stricter)
    records.open_problem(
        session,
        now,
        KIND,
        subject,
        f"{text}, and {len(broken)} listings are no longer right: {reasons}",
        "Map the attribute, or fill it in for these products.",
        connection_id=row.id,
        detail=", ".join(sku for sku, _ in broken[:EXAMPLES]) + (" …" if len(broken) > EXAMPLES else ""),
        severity="warning",
    )


def _sent(session: Session, connection_id: int, category: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The attributes of each listing in a category, by SKU."""
    query = (
        select(Listing.sku, FacetRow.desired)
        .join(FacetRow, FacetRow.listing_id == Listing.id)
        .where(Listing.connection_id == connection_id, FacetRow.facet == "content", Listing.wanted.is_(True))
        .order_by(Listing.sku)
        .execution_options(yield_per=1000)
    )
    for sku, content in session.execute(query):
        if not category or content.get("category") == category:
            yield sku, {name: _several(value) for name, value in content.get("attributes", {}).items()}


def _several(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _settle(session: Session, row: Connection, gone: Sequence[str], now: datetime) -> None:
    """Categories that are not there any more are told, and those that are mapped otherwise are not; what was said of
    listings is over when nothing is found wrong with the ones that were named."""
    told = {f"category {category} on {row.title}"[:190]: _gone(row, category) for category in gone}
    keep(session, now, GONE, told, lambda subject: subject.endswith(f" on {row.title}"[:190]))
    mine = (Problem.connection_id == row.id, Problem.kind == KIND, Problem.closed_at.is_(None))
    for problem in session.scalars(select(Problem).where(*mine)).all():
        names = problem.detail.removesuffix(" …").split(", ")
        wrong = select(Listing.findings).where(Listing.connection_id == row.id, Listing.sku.in_(names))
        if not any(session.scalars(wrong.where(Listing.wanted.is_(True)))):
            records.close_problem(session, now, KIND, problem.subject)


def _gone(row: Connection, category: str) -> Told:
    text = f"{row.title} no longer has the category {category}, to which products are mapped."
    return Told(text, "Map these store categories to another one.", row.id)


def _finish(session: Session, row: Connection, claims: list[Claim], flow: str, count: int, now: datetime) -> None:
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == flow)).first()
    if poll is not None:
        poll.last_ok_at, poll.last_count, poll.error = now, count, None
    work.done(session, claims, now)


def known(session: Session, connection_id: int) -> dict[str, CategoryRequirements]:
    """By category; the empty one is of every product."""
    query = select(RequirementRow).where(RequirementRow.connection_id == connection_id)
    return {row.category: CategoryRequirements.model_validate(row.content) for row in session.scalars(query)}


def shown(session: Session, connection_id: int) -> list[dict[str, Any]]:
    """What is known, with its version and age, for people."""
    query = (
        select(RequirementRow).where(RequirementRow.connection_id == connection_id).order_by(RequirementRow.category)
    )
    names = ("category", "version", "fetched_at", "changed_at")
    return [
        {**{name: getattr(row, name) for name in names}, "attributes": row.content.get("attributes", [])}
        for row in session.scalars(query.order_by(RequirementRow.category))
    ]
