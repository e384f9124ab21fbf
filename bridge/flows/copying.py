"""An attribute mapping copied: from one marketplace connection to another, or from one category to others of the same.

What comes of it is a wish like any other: it is planned, looked at, and applied or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain import mapping
from bridge.domain.mapping import AttributeMap, Section
from bridge.domain.requirement import CategoryRequirements
from bridge.flows import documents, needs, working
from bridge.flows.documents import Wish, of_connection
from bridge.ports.errors import AskMerchant

KIND = "attribute_mapping"


@dataclass(frozen=True)
class Copied:
    """``left_out``: attributes that the other marketplace does not know; they can be named by hand."""

    wish: Wish
    left_out: tuple[str, ...] = ()


def to_connection(
    session: Session,
    source: int,
    target: int,
    own: Mapping[str, str] | None = None,
    *,
    replace: bool = False,
    edited: bool = False,
) -> Copied:
    """The mapping of ``source`` for ``target``. ``own``: the target's attribute id for one of the source's, where
    they are called differently. What the target maps itself stays, unless ``replace``. ``edited``: it goes on from
    what is being edited there. Raises AskMerchant."""
    given = _of(session, source)
    if not given.sections:
        raise AskMerchant("There is no attribute mapping to copy.", field="from")
    if source == target:
        raise AskMerchant("Copy it to another marketplace, or to other categories of this one.", field="from")
    left: tuple[str, ...] = ()
    if own or not _are_alike(session, source, target):
        given, left = mapping.adapted(given, _asked(session, target), own)
    whole = given if replace else _under(given, _of(session, target, edited=edited))
    return Copied(Wish(subject=of_connection(target), kind=KIND, content=whole.as_json()), left)


def to_categories(
    session: Session,
    connection: int,
    category: Sequence[str],
    into: Sequence[Sequence[str]] = (),
    *,
    edited: bool = False,
) -> Copied:
    """What holds for one category, written into others in place of what they have; into its children where none is
    named. Raises AskMerchant."""
    known = _of(session, connection, edited=edited)
    targets = [tuple(path) for path in into] or _children(session, connection, tuple(category))
    if not targets:
        text = f"No category below {' > '.join(category)} is known; name those that are meant."
        raise AskMerchant(text, field="category")
    holds = mapping.effective(known, category)
    if not (holds.attributes or holds.texts or holds.bullets is not None):
        raise AskMerchant(f"Nothing is mapped for {' > '.join(category)}.", field="category")
    whole = mapping.copied(known, category, targets)
    return Copied(Wish(subject=of_connection(connection), kind=KIND, content=whole.as_json()))


def _of(session: Session, connection: int, *, edited: bool = False) -> AttributeMap:
    """What holds, or what is being edited."""
    if edited:
        return AttributeMap.model_validate(working.read(session, of_connection(connection), KIND).content)
    row = documents.read(session, of_connection(connection), KIND)
    return AttributeMap.model_validate(row.content if row else {})


def _are_alike(session: Session, source: int, target: int) -> bool:
    """Two accounts of one marketplace call everything the same."""
    one, other = (session.get_one(Connection, number) for number in (source, target))
    return (one.adapter, (one.credentials or {}).get("operator")) == (
        other.adapter,
        (other.credentials or {}).get("operator"),
    )


def _asked(session: Session, connection: int) -> CategoryRequirements:
    """Everything the marketplace is known to ask, of whatever category."""
    known = needs.known(session, connection).values()
    attributes = {item.id: item for found in known for item in found.attributes}
    if not attributes:
        text = "What this marketplace asks is not known yet; it is read within a day of mapping a category."
        raise AskMerchant(text, field="connection")
    return CategoryRequirements(category=None, version="", attributes=tuple(attributes.values()))


def _under(given: AttributeMap, own: AttributeMap) -> AttributeMap:
    """``given`` beneath what there is already."""
    mine = {section.path: section for section in own.sections}
    result = own
    for section in given.sections:
        known = mine.get(section.path, Section(path=section.path))
        joined = Section(
            path=section.path,
            attributes={**section.attributes, **known.attributes},
            texts={**section.texts, **known.texts},
            bullets=section.bullets if known.bullets is None else known.bullets,
        )
        result = mapping.with_section(result, joined)
    return result


def _children(session: Session, connection: int, category: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [item.path for item in needs.tree(session, connection) if item.path[:-1] == category]
