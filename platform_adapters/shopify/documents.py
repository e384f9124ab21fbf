"""The GraphQL documents this adapter sends, each in a file of its own, and the API version they are written for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# The one place. Stable since 2026-10-01, accessible until 2027-10-16 (shopify.dev, API versioning).
API_VERSION = "2026-10"
FOLDER = Path(__file__).parent / "graphql"
_SPREAD = re.compile(r"\.\.\.\s*(?!on\b)(\w+)")
_BODY = re.compile(r"^query\s+\w+\s*", re.MULTILINE)


@cache
def document(name: str, folder: Path = FOLDER) -> str:
    """A document with the fragments it uses. Raises FileNotFoundError where there is none of that name."""
    text = (folder / f"{name}.graphql").read_text(encoding="utf-8")
    return text + "".join(_fragments(text))


def _fragments(text: str) -> list[str]:
    found: dict[str, str] = {}
    waiting = _SPREAD.findall(text)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (FOLDER / "fragments" / f"{name}.graphql").read_text(encoding="utf-8")
            waiting += _SPREAD.findall(found[name])
    return [found[name] for name in sorted(found)]


def bulk_text(name: str) -> str:
    """A document for a bulk operation: the bare query, without a name, its fragments written out in their places."""
    text = _BODY.sub("", (FOLDER / f"{name}.graphql").read_text(encoding="utf-8"), count=1).strip()
    while _SPREAD.search(text):
        text = _SPREAD.sub(lambda found: _selection(found[1]), text)
    return text


def _selection(fragment: str) -> str:
    """What stands between the braces of a fragment."""
    text = (FOLDER / "fragments" / f"{fragment}.graphql").read_text(encoding="utf-8")
    return text[text.index("{") + 1 : text.rindex("}")].strip()
