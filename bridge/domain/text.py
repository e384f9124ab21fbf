"""Text as marketplaces take it: HTML reduced to an allowed grammar, plain text out of HTML, cutting at a word."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from functools import lru_cache

import nh3

# What ends a line when its tags are taken away, and what is not text at all.
_BREAKS = re.compile(
    r"<(?:br|hr)\b[^>]*>|</(?:p|div|li|ul|ol|h[1-6]|tr|table|section|blockquote|dt|dd)\s*>", re.IGNORECASE
)
_ITEMS = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_SILENT = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title", "head"}
# Where a marketplace does not take a tag, the plain one that says the same.
_PLAIN_TAGS = (("strong", "b"), ("em", "i"), ("del", "s"))
_ATTRIBUTES: dict[str, set[str]] = {}
_SCHEMES = {"https", "http"}


def clean_html(text: str, allowed: Collection[str]) -> str:
    """``text`` reduced to the elements in ``allowed``, without attributes, scripts, styles and comments; the words of
    other elements stay. Without any allowed element it is :func:`plain_text`. Doing it twice changes nothing."""
    if not allowed:
        return plain_text(text)
    return _cleaned(_renamed(text, frozenset(allowed)), frozenset(allowed)).strip()


def plain_text(text: str) -> str:
    """The words of HTML or of plain text, with a line for each paragraph and a dash for each item of a list."""
    if "<" not in text and "&" not in text:
        return _lines(text)
    marked = _ITEMS.sub("- ", _BREAKS.sub(r"\g<0>\n", text))
    return _lines(html.unescape(_cleaned(marked, frozenset())))


def cut(text: str, maximum: int | None) -> str:
    """At most ``maximum`` characters, ended at a word where one ends in the last third."""
    if maximum is None or len(text) <= maximum:
        return text
    short = text[:maximum]
    end = max(short.rfind(" "), short.rfind("\n"))
    if text[maximum].isspace() or end < maximum * 2 // 3:
        return short.rstrip()
    return short[:end].rstrip(" ,;:-\u2013\n")


def cut_html(text: str, allowed: Collection[str], maximum: int | None) -> str:
    """Cleaned HTML of at most ``maximum`` characters, tags counted and all of them closed."""
    whole = clean_html(text, allowed)
    if maximum is None or len(whole) <= maximum:
        return whole
    room = maximum
    while room > 0:
        short = clean_html(_without_half_tag(whole[:room]), allowed)
        if len(short) <= maximum:
            return short
        room -= max(len(short) - maximum, 1)
    return ""


def _without_half_tag(text: str) -> str:
    """Cut off inside a tag or an entity, the half of it goes too."""
    text = re.sub(r"<[^<>]*\Z", "", text)
    return re.sub(r"&[A-Za-z0-9#]{0,30}\Z", "", text)


def _cleaned(text: str, allowed: frozenset[str]) -> str:
    return nh3.clean(
        text,
        tags=set(allowed),
        clean_content_tags=_SILENT - allowed,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        strip_comments=True,
        link_rel=None,
    )


def _renamed(text: str, allowed: frozenset[str]) -> str:
    for pattern, tag in _renames(allowed):
        text = pattern.sub(rf"<\1{tag}>", text)
    return text


@lru_cache(maxsize=64)
def _renames(allowed: frozenset[str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = [*_PLAIN_TAGS, *((plain, long) for long, plain in _PLAIN_TAGS)]
    pairs += [
        (f"h{level}", next((tag for tag in ("h2", "h3", "b", "strong") if tag in allowed), "")) for level in range(1, 7)
    ]
    wanted = [(old, new) for old, new in pairs if old not in allowed and new in allowed]
    return tuple((re.compile(rf"<(/?){old}(?:\s[^>]*)?>", re.IGNORECASE), new) for old, new in wanted)


def _lines(text: str) -> str:
    if len(text.splitlines()) < 2:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
