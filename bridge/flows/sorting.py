"""Which marketplace category the store's categories go to: suggested, looked at, accepted; never by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows
from bridge.db.tables import Connection, Product, SuggestionRow
from bridge.domain.categories import LANGUAGES, Mapped, NoLexicon, StoreCategory, Suggester, category_tree
from bridge.domain.categories.assign import Assigner, CategoryMapping, CategoryOverrides, category_key
from bridge.domain.requirement import Category
from bridge.flows import documents, needs
from bridge.flows.category_words import lexicon
from bridge.flows.connecting import get
from bridge.flows.documents import Wish, of_connection
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Capability

PER_CATEGORY = 5
TITLES = 5
FOUND = 50
SEPARATOR = " > "
NEVER = "This marketplace lists no categories of its own; nothing needs to be mapped."


def suggest(engine: Engine, shop_id: int, connection_id: int) -> list[dict[str, Any]]:
    """Work out suggestions for every store category that is not mapped yet, and keep them; nothing is mapped.

    Raises AskMerchant for a marketplace without categories.
    """
    row = get(engine, shop_id, connection_id)
    if row.role != "channel" or Capability.CATEGORIES not in engine.manifest(row).capabilities:
        raise AskMerchant(NEVER, field="connection")
    now = engine.clock()
    _have_tree(engine, row, now)
    with engine.db.read(shop_id) as session:
        suggestions_ = list(_suggestions(session, connection_id, now))
    engine.db.transact(shop_id, _keep, connection_id, suggestions_)
    with engine.db.read(shop_id) as session:
        return suggestions(session, connection_id)


def _have_tree(engine: Engine, row: Connection, now: datetime) -> None:
    with engine.db.read(row.shop_id) as session:
        known = needs.tree(session, row.id)
    if not known:
        found = [category.as_json() for category in engine.channel(row).list_categories()]
        engine.db.transact(row.shop_id, needs.keep_tree, row.id, found, now)


def _suggestions(session: Session, connection_id: int, now: datetime) -> Iterator[dict[str, Any]]:
    leaves = {SEPARATOR.join(item.path): item for item in needs.tree(session, connection_id) if item.leaf}
    mapping = mapping_of(session, connection_id)
    assigner = Assigner(mapping, CategoryOverrides())
    by_id = {item.id: path for path, item in leaves.items()}
    before = [Mapped(path=path, target=by_id[target]) for path, target in mapping.entries.items() if target in by_id]
    spoken = language(session)
    words = NoLexicon() if spoken == "en" else lexicon()  # learning its words takes seconds
    suggester = Suggester(category_tree(list(leaves)), words, before)
    for path, titles in store_categories(session).items():
        if assigner.category("", [path]) is not None:
            continue
        asked = StoreCategory(path=path, language=spoken, titles=tuple(titles))
        for place, found in enumerate(suggester.suggest(asked, PER_CATEGORY)):
            target = leaves[found.path]
            yield {
                "connection_id": connection_id,
                "path": path[:500],
                "place": place,
                "target": target.id,
                "target_path": found.path,
                "confidence": found.confidence,
                "reason": found.reason,
                "made_at": now,
            }


def store_categories(session: Session) -> dict[str, list[str]]:
    """The store's categories that products are in, by path, with some titles."""
    found: dict[str, list[str]] = {}
    query = select(Product.data).where(Product.deleted_at.is_(None)).order_by(Product.id)
    for data in session.scalars(query.execution_options(yield_per=1000)):
        for path in paths_of(data):
            titles = found.setdefault(path, [])
            if len(titles) < TITLES:
                titles.append(str(data.get("title", "")))
    return dict(sorted(found.items()))


def paths_of(data: dict[str, Any]) -> list[str]:
    """The categories of a stored product: whole paths where the store tells them, else names."""
    paths = [SEPARATOR.join(path) for path in data.get("category_paths", [])]
    return paths or [str(name) for name in data.get("categories", [])]


def language(session: Session) -> str:
    """The language of the store's own words, where it tells one that is known; else English."""
    query = select(Connection.info).where(Connection.role == "platform", Connection.state != "disconnected")
    info = session.scalars(query.order_by(Connection.id)).first() or {}
    told = str(info.get("language") or info.get("details", {}).get("language") or "")[:2].lower()
    return told if told in LANGUAGES else "en"


def _keep(session: Session, connection_id: int, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(delete(SuggestionRow).where(SuggestionRow.connection_id == connection_id))
    insert_rows(session, SuggestionRow, rows)


def mapping_of(session: Session, connection_id: int) -> CategoryMapping:
    row = documents.read(session, of_connection(connection_id), "category_mapping")
    return CategoryMapping.model_validate(row.content if row else {})


def suggestions(session: Session, connection_id: int) -> list[dict[str, Any]]:
    """As they were last worked out, best first for each store category."""
    query = select(SuggestionRow).where(SuggestionRow.connection_id == connection_id)
    rows = session.scalars(query.order_by(SuggestionRow.path, SuggestionRow.place))
    names = ("id", "path", "place", "target", "target_path", "confidence", "reason", "made_at")
    return [{name: getattr(row, name) for name in names} for row in rows]


def accepted(session: Session, connection_id: int, ids: Any, above: Any) -> Wish:
    """The mapping with these suggestions taken over: those of ``ids``, or the first of each store category whose
    confidence is ``above`` or more. Only what was kept, and could be looked at, is ever taken over.

    Raises FieldErrors and AskMerchant.
    """
    shown = suggestions(session, connection_id)
    chosen = _by_ids(shown, ids) if above is None else _above(shown, above)
    if not chosen:
        raise AskMerchant("No suggestion is meant by that; look at them first.", field="ids")
    known = mapping_of(session, connection_id).entries
    taken = {category_key(path) for path in known}
    new = {item["path"]: item["target"] for item in chosen if category_key(item["path"]) not in taken}
    return Wish(subject=of_connection(connection_id), kind="category_mapping", content={"entries": {**known, **new}})


def _by_ids(shown: Sequence[dict[str, Any]], ids: Any) -> list[dict[str, Any]]:
    if not isinstance(ids, list) or not all(isinstance(item, int) for item in ids):
        raise FieldErrors({"ids": "Send the numbers of suggestions, or a confidence as above."})
    known = {item["id"]: item for item in shown}
    missing = [item for item in ids if item not in known]
    if missing:
        raise FieldErrors({"ids": f"There is no suggestion {missing[0]}; they may have been worked out anew."})
    return [known[item] for item in ids]


def _above(shown: Sequence[dict[str, Any]], above: Any) -> list[dict[str, Any]]:
    if isinstance(above, bool) or not isinstance(above, int | float) or not 0 <= above <= 1:
        raise FieldErrors({"above": "Send a confidence from 0 to 1."})
    return [item for item in shown if item["place"] == 0 and item["confidence"] >= above]


def targets(session: Session, connection_id: int, search: str) -> dict[str, Any]:
    """The marketplace's leaf categories whose path has all these words, the shortest first."""
    words = search.lower().split()
    tree: list[Category] = needs.tree(session, connection_id)
    found = [item for item in tree if item.leaf and all(word in SEPARATOR.join(item.path).lower() for word in words)]
    found.sort(key=lambda item: (len(SEPARATOR.join(item.path)), item.path))
    shown = [{"id": item.id, "path": SEPARATOR.join(item.path)} for item in found[:FOUND]]
    return {"total": len(found), "categories": shown, "mapped": mapping_of(session, connection_id).entries}
