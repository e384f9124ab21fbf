"""Settings while they are edited: a copy beside what holds, kept until it is planned and applied, or thrown away.

Nothing of a copy takes effect. It is checked whenever it is kept, and a plan is made of it as of any other wish.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db.tables import Document, DraftRow
from bridge.flows import documents, plan
from bridge.flows.documents import Wish
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.kinds import KINDS
from bridge.ports.errors import AskMerchant, NotFound

Content = dict[str, Any]


@dataclass(frozen=True)
class Working:
    """``content`` is what is edited: the copy, else what holds. ``is_stale``: what holds has been changed since the
    copy was begun."""

    subject: str
    kind: str
    content: Content
    is_draft: bool = False
    is_stale: bool = False
    author: str = ""
    at: datetime | None = None


def read(session: Session, subject: str, kind: str) -> Working:
    document = documents.read(session, subject, kind)
    draft = _draft(session, subject, kind)
    if draft is None:
        return Working(subject, kind, dict(document.content) if document else {})
    return _edited(draft, document)


def everything(session: Session, kinds: Iterable[str]) -> dict[tuple[str, str], Working]:
    """What is edited of these kinds, else what holds, by subject and kind: in two statements, however much there is."""
    held = select(Document).where(Document.until.is_(None), Document.kind.in_(wanted := list(kinds)))
    documents_ = {(row.subject, row.kind): row for row in session.scalars(held)}
    found = {key: Working(*key, dict(row.content)) for key, row in documents_.items()}
    query = select(DraftRow).where(DraftRow.kind.in_(wanted)).order_by(DraftRow.subject, DraftRow.kind)
    for draft in session.scalars(query):
        key = (draft.subject, draft.kind)
        found[key] = _edited(draft, documents_.get(key))
    return found


def _edited(draft: DraftRow, document: Document | None) -> Working:
    stale = (document.version if document else 0) != draft.version
    return Working(draft.subject, draft.kind, draft.content, True, stale, draft.author, draft.at)


def drafts(session: Session, subject: str | None = None) -> list[Working]:
    """Everything that is being edited, of one subject if said."""
    found = everything(session, KINDS)
    mine = [item for item in found.values() if item.is_draft and subject in (None, item.subject)]
    return sorted(mine, key=lambda item: (item.subject, item.kind))


def keep(engine: Engine, shop_id: int, subject: str, kind: str, content: Content, author: str) -> bool:
    """Keep ``content`` as the copy that is edited; what says the same as what holds is no copy. Returns whether there
    is one now. Raises FieldErrors, with the path of each field, and NotFound."""
    clean = checked(kind, content)
    now = engine.clock()

    def act(session: Session) -> bool:
        must_exist(session, subject)
        document, draft = documents.read(session, subject, kind), _draft(session, subject, kind)
        if KINDS[kind].same(document.content if document else {}, clean):
            _drop(session, [(subject, kind)])
            return False
        if draft is None:
            draft = DraftRow(subject=subject, kind=kind, version=document.version if document else 0)
            session.add(draft)
        draft.content, draft.author, draft.at = clean, author[:100], now
        return True

    return engine.db.transact(shop_id, act)


def checked(kind: str, content: Content) -> Content:
    """In its canonical form. Raises FieldErrors."""
    try:
        return KINDS[kind].read(content)
    except ValidationError as error:
        raise FieldErrors(documents.field_errors(error)) from None


def must_exist(session: Session, subject: str) -> None:
    """Raises NotFound for a connection that is not this shop's."""
    if not subject.startswith(documents.CONNECTION):
        return
    number = subject.removeprefix(documents.CONNECTION)
    if not (number.isdecimal() and len(number) < 16 and int(number) in documents.channels(session)):
        raise NotFound("There is no such marketplace connection.")


def discard(engine: Engine, shop_id: int, subject: str, kinds: Iterable[str]) -> None:
    """Back to what holds."""
    engine.db.transact(shop_id, _drop, [(subject, kind) for kind in kinds])


def plan_of(engine: Engine, shop_id: int, subject: str, kinds: Sequence[str], author: str) -> int:
    """A plan of what is being edited; the copies stay until it is applied. Returns its number. Raises AskMerchant where
    nothing is, and what ``plan.make`` raises."""
    with engine.db.read(shop_id) as session:
        found = [item for item in drafts(session, subject) if item.kind in kinds]
    if not found:
        raise AskMerchant("Nothing has been changed here yet.")
    wishes = [Wish(subject=item.subject, kind=item.kind, content=item.content) for item in found]
    return int(plan.make(engine, shop_id, wishes, author)["id"])


def _draft(session: Session, subject: str, kind: str) -> DraftRow | None:
    return session.scalars(select(DraftRow).where(DraftRow.subject == subject, DraftRow.kind == kind)).first()


def _drop(session: Session, keys: Sequence[tuple[str, str]]) -> None:
    for subject, kind in keys:
        session.execute(delete(DraftRow).where(DraftRow.subject == subject, DraftRow.kind == kind))
