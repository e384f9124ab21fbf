"""The merchant's settings that shape listings, in versions: what holds now, what held before, who changed it.

The state of a shop's settings is one number, that of its last change; everything that is computed from settings
names the state it was computed from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.db.tables import Change, Connection, Document, DraftRow, Variant
from bridge.domain.unfit import sentence
from bridge.domain.values import Value
from bridge.flows.forms import FieldErrors
from bridge.flows.kinds import KINDS
from bridge.ports.errors import AskMerchant, NotFound

SHOP = "shop"
CONNECTION = "connection:"
SHARED = "shared:"
MANY = 5000  # of one statement
Key = tuple[str, str]


class Wish(Value):
    """One document to write. ``content`` None takes it away: the default holds again."""

    subject: str = Field(max_length=120)
    kind: str
    content: dict[str, Any] | None


def of_connection(connection_id: int) -> str:
    return f"{CONNECTION}{connection_id}"


def state(session: Session) -> int:
    """The number of the last change; 0 before the first."""
    return session.scalar(select(func.coalesce(func.max(Change.number), 0))) or 0


def channels(session: Session) -> dict[int, str]:
    """The marketplaces that can have settings, by number."""
    query = select(Connection.id, Connection.title).where(
        Connection.role == "channel", Connection.state.not_in(("connecting", "disconnected"))
    )
    return {row[0]: row[1] for row in session.execute(query.order_by(Connection.id))}


def active(session: Session) -> dict[Key, dict[str, Any]]:
    """Everything that holds now, by subject and kind."""
    query = select(Document.subject, Document.kind, Document.content).where(Document.until.is_(None))
    return {(subject, kind): content for subject, kind, content in session.execute(query)}


def read(session: Session, subject: str, kind: str) -> Document | None:
    """One document as it holds now."""
    query = select(Document).where(Document.subject == subject, Document.kind == kind, Document.until.is_(None))
    return session.scalars(query).first()


def overlaid(known: Mapping[Key, dict[str, Any]], wishes: Iterable[Wish]) -> dict[Key, dict[str, Any]]:
    """What would hold with these wishes written."""
    result = dict(known)
    for wish in wishes:
        result.pop((wish.subject, wish.kind), None)
        if wish.content is not None:
            result[wish.subject, wish.kind] = wish.content
    return result


def checked(session: Session, wishes: Sequence[Wish], known: Mapping[Key, dict[str, Any]]) -> list[Wish]:
    """The wishes in their canonical form, without those that change nothing.

    Raises FieldErrors naming the path of every field that is wrong, NotFound for a connection that is not this
    shop's.
    """
    connections = set(session.scalars(select(Connection.id).where(Connection.role == "channel")))
    errors: dict[str, str] = {}
    good: list[Wish] = []
    for wish in wishes:
        _check_subject(wish, connections)
        try:
            content = KINDS[wish.kind].read(wish.content) if wish.content is not None else None
        except ValidationError as error:
            errors |= field_errors(error, wish.kind)
            continue
        except FieldErrors as error:
            errors |= {f"{wish.kind}.{name}": text for name, text in error.errors.items()}
            continue
        if not KINDS[wish.kind].same(known.get((wish.subject, wish.kind)), content):
            good.append(wish.model_copy(update={"content": content}))
    errors |= _unknown_shared(good, known) | _unknown_skus(session, good)
    if errors:
        raise FieldErrors(errors)
    return good


def _check_subject(wish: Wish, connections: set[int]) -> None:
    kind = KINDS.get(wish.kind)
    if kind is None:
        raise FieldErrors({"kind": f"There is no setting {wish.kind!r}; there are: {', '.join(KINDS)}."})
    form, _, name = wish.subject.partition(":")
    if form not in kind.subjects or (form != SHOP and not name):
        raise FieldErrors({"subject": f"{wish.kind} is set for: {', '.join(kind.subjects)}."})
    if form == "connection" and not (name.isdecimal() and len(name) < 16 and int(name) in connections):
        raise NotFound("There is no such marketplace connection.")


def _unknown_shared(wishes: Sequence[Wish], known: Mapping[Key, dict[str, Any]]) -> dict[str, str]:
    """A connection may only use rule sets that there are, and none may go while it is used."""
    after = overlaid(known, wishes)
    names = {subject.removeprefix(SHARED) for subject, kind in after if subject.startswith(SHARED) and kind == "rules"}
    there_are = ", ".join(sorted(names)) or "none"
    return {
        f"sharing.uses.{place}": f"There is no shared rule set {name!r}; there are: {there_are}."
        for (_, kind), content in after.items()
        if kind == "sharing"
        for place, name in enumerate(content.get("uses", ()))
        if name not in names
    }


def _unknown_skus(session: Session, wishes: Sequence[Wish]) -> dict[str, str]:
    """A bundle and what it is made of are products that the store has, each by a SKU of its own."""
    errors: dict[str, str] = {}
    for wish in wishes:
        if wish.kind == "bundles" and wish.content is not None:
            places = dict(_skus_of(wish.content))
            found = _products(session, sorted(set(places.values())))
            errors |= {
                f"bundles.{path}": f"The store has {_how_many(found[sku])} with the SKU {sku}."
                for path, sku in places.items()
                if found[sku] != 1
            }
    return errors


def _skus_of(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for place, bundle in enumerate(content.get("bundles", ())):
        yield f"bundles.{place}.sku", bundle["sku"]
        for number, part in enumerate(bundle["components"]):
            yield f"bundles.{place}.components.{number}.sku", part["sku"]


def _products(session: Session, skus: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for start in range(0, len(skus), MANY):
        query = select(Variant.sku).where(Variant.sku.in_(skus[start : start + MANY]), Variant.deleted_at.is_(None))
        found.update(sku for sku in session.scalars(query) if sku)
    return found


def _how_many(count: int) -> str:
    return "several products" if count else "no product"


def field_errors(error: ValidationError, prefix: str = "") -> dict[str, str]:
    """What is wrong, by the path of the field: ``rules.rules.0.actions.1.percent``."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in ((prefix,) if prefix else ()) + tuple(item["loc"]))
        found.setdefault(path or "content", sentence(item))
    return found


_WISHES = TypeAdapter(list[Wish])


def read_wishes(raw: Any) -> list[Wish]:
    """Wishes as they came in from outside. Raises FieldErrors."""
    try:
        return _WISHES.validate_python(raw)
    except ValidationError as error:
        raise FieldErrors(field_errors(error, "changes")) from None


def write(
    session: Session,
    wishes: Sequence[Wish],
    now: datetime,
    author: str,
    note: str = "",
    *,
    undoes: int | None = None,
    confirmed: bool = False,
    summary: Mapping[str, Any] | None = None,
) -> int:
    """One change: these documents hold from now on. Returns its number. The caller's transaction fails with an
    IntegrityError when another change took the same number."""
    number = state(session) + 1
    session.add(
        Change(
            number=number,
            author=author[:100],
            at=now,
            note=note,
            undoes=undoes,
            confirmed=confirmed,
            summary=dict(summary or {}),
        )
    )
    session.flush()
    for wish in wishes:
        _replace(session, wish, number)
    if undoes is not None:
        session.execute(update(Change).where(Change.number == undoes).values(undone_by=number))
    return number


def settle_drafts(session: Session, wishes: Sequence[Wish]) -> None:
    """What was being edited and holds now is being edited no more."""
    for row in session.scalars(select(DraftRow).where(DraftRow.subject.in_([wish.subject for wish in wishes]))):
        same = (item for item in wishes if (item.subject, item.kind) == (row.subject, row.kind))
        if any(KINDS[row.kind].same(row.content, item.content) for item in same):
            session.delete(row)


def _replace(session: Session, wish: Wish, number: int) -> None:
    same = (Document.subject == wish.subject, Document.kind == wish.kind)
    session.execute(
        update(Document)
        .where(*same, Document.until.is_(None))
        .values(until=number)
        .execution_options(synchronize_session=False)
    )
    if wish.content is None:
        return
    last = session.scalar(select(func.max(Document.version)).where(*same)) or 0
    session.add(
        Document(subject=wish.subject, kind=wish.kind, version=last + 1, content=wish.content, since=number, until=None)
    )
    session.flush()


def before(session: Session, number: int) -> list[Wish]:
    """Wishes that bring back what held before a change. Raises AskMerchant where that cannot be said any more."""
    if session.scalar(select(Change.id).where(Change.number == number)) is None:
        raise NotFound(f"There is no change {number}.")
    touched = session.scalars(select(Document).where((Document.since == number) | (Document.until == number)))
    old: dict[Key, dict[str, Any] | None] = {}
    for row in touched:
        key = (row.subject, row.kind)
        if row.until == number:
            old[key] = row.content
        else:
            old.setdefault(key, None)
    wishes = [Wish(subject=subject, kind=kind, content=content) for (subject, kind), content in old.items()]
    later = session.scalars(select(Document).where((Document.since > number) | (Document.until > number)))
    again = sorted({f"{row.kind} of {row.subject}" for row in later if (row.subject, row.kind) in old})
    if again:
        raise AskMerchant(
            f"Change {number} cannot be undone by itself: {', '.join(again)} was changed again since. "
            "Undo the later changes first.",
            field="change",
        )
    return wishes


def changes(session: Session, limit: int = 50, below: int | None = None) -> list[dict[str, Any]]:
    """The versions of a shop's settings, newest first."""
    query = select(Change).order_by(Change.number.desc()).limit(limit)
    if below is not None:
        query = query.where(Change.number < below)
    rows = list(session.scalars(query))
    numbers = [row.number for row in rows]
    parts: dict[int, list[dict[str, Any]]] = {}
    for number, subject, kind, version in session.execute(
        select(Document.since, Document.subject, Document.kind, Document.version)
        .where(Document.since.in_(numbers))
        .order_by(Document.id)
    ):
        parts.setdefault(number, []).append({"subject": subject, "kind": kind, "version": version})
    for until, subject, kind in session.execute(
        select(Document.until, Document.subject, Document.kind).where(Document.until.in_(numbers)).order_by(Document.id)
    ):
        known = parts.setdefault(until or 0, [])
        if not any((item["subject"], item["kind"]) == (subject, kind) for item in known):
            known.append({"subject": subject, "kind": kind, "version": None})
    names = ("number", "author", "at", "note", "undoes", "undone_by", "confirmed", "summary")
    return [{**{name: getattr(row, name) for name in names}, "changed": parts.get(row.number, [])} for row in rows]
