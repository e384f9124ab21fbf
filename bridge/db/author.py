"""Who wants what is being done: set by the door a person came through, written with every line of the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST = 120


@dataclass
class Author:
    """``noted``: how many lines of the journal have been written in this name."""

    name: str
    noted: int = 0


_AUTHOR: ContextVar[Author | None] = ContextVar("author", default=None)


@contextmanager
def by(name: str) -> Iterator[Author]:
    """What is done inside is this person's doing; a name nobody gave is "somebody"."""
    author = Author("".join(letter for letter in name if letter.isprintable()).strip()[:LONGEST] or "somebody")
    token = _AUTHOR.set(author)
    try:
        yield author
    finally:
        _AUTHOR.reset(token)


def noted() -> str | None:
    """Whose doing the line is that is being written; None for the bridge's own."""
    author = _AUTHOR.get()
    if author is None:
        return None
    author.noted += 1
    return author.name
