"""Titles, descriptions and bullets within a marketplace's limits, and what is sent of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from bridge.domain.checks.limits import Limits, TextLimit
from bridge.domain.listing import Finding
from bridge.domain.requirement import Need
from bridge.domain.text import clean_html, cut, cut_html, plain_text

# Variants of one product have one description and stand side by side.
_KEPT = 512


Patterns = tuple[tuple[str, str], ...]  # what is forbidden: in words, and how it is found


class Looked(NamedTuple):
    """A text as it is sent, and what is wrong with it."""

    sent: str
    findings: tuple[Finding, ...]


def fitted(text: str, limit: TextLimit) -> str:
    """The text as it is sent: in the allowed HTML or plain, and cut where the limit says so."""
    return _fitted(clean_html(text, limit.tags), limit)


def _fitted(clean: str, limit: TextLimit) -> str:
    if not limit.cut:
        return clean
    short = cut_html(clean, limit.tags, limit.maximum) if limit.tags else cut(clean, limit.maximum)
    while limit.max_bytes is not None and len(short.encode()) > limit.max_bytes:
        most = max(len(short) - max((len(short.encode()) - limit.max_bytes) // 4, 1), 1)
        short = cut_html(short, limit.tags, most) if limit.tags else cut(short, most)
        if most == 1:
            break
    return short


def text_check(name: str, limit: TextLimit, limits: Limits) -> Callable[[str], Looked]:
    """The check of one text (``name``: title or description), which remembers the last ones it was asked about.
    Marketplaces with the same limits have the same one: a text is looked at once for all of them."""
    patterns = tuple((known.name, known.regex) for known in map(limits.pattern, limit.forbidden))
    return _check(name, limit.model_dump_json(), patterns)


@lru_cache(maxsize=128)
def _check(name: str, limit_as_json: str, patterns: tuple[tuple[str, str], ...]) -> Callable[[str], Looked]:
    limit = TextLimit.model_validate_json(limit_as_json)

    def look(text: str) -> Looked:
        clean = clean_html(text, limit.tags)
        return Looked(_fitted(clean, limit), tuple(_of_text(name, clean, limit, patterns)))

    return lru_cache(maxsize=_KEPT)(look)


def _of_text(name: str, clean: str, limit: TextLimit, patterns: Patterns) -> Iterator[Finding]:
    if not clean:
        yield from _absent(name, limit.need)
        return
    yield from _length(name, clean, limit)
    if patterns:
        yield from _forbidden(name, f"The {name}", plain_text(clean), patterns, blocks=limit.forbidden_blocks)


class BulletCheck:
    """The check of the selling points; what is sent of them is in ``sent``."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.bullets
        self._patterns = tuple((known.name, known.regex) for known in map(limits.pattern, self._limit.forbidden))

    def sent(self, bullets: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cut(bullet, self._limit.maximum) for bullet in bullets[: self._limit.max_count])

    def __call__(self, bullets: tuple[str, ...]) -> Iterator[Finding]:
        limit = self._limit
        if not bullets:
            yield from _absent("bullets", limit.need)
        if limit.max_count is not None and len(bullets) > limit.max_count:
            text = (
                f"There are {len(bullets)} bullets; the marketplace takes {limit.max_count} and the rest is not sent."
            )
            yield _finding("bullets_many", "bullets", False, text, "Leave out the least important ones.")
        for number, bullet in enumerate(bullets, start=1):
            if limit.maximum is not None and len(bullet) > limit.maximum:
                text = (
                    f"Bullet {number} has {len(bullet)} characters; only {limit.maximum} are taken and the rest is cut."
                )
                yield _finding("bullet_long", "bullets", False, text, "Shorten it in the store or in the mapping.")
            yield from _forbidden("bullets", f"Bullet {number}", bullet, self._patterns, blocks=False)


def _absent(name: str, need: Need) -> Iterator[Finding]:
    if need is Need.OPTIONAL:
        return
    words = {"title": "The product has no title.", "bullets": "The listing has no bullets (selling points)."}
    fix = {"bullets": "Map bullets to fields of the store."}.get(name, f"Enter a {name} in the store.")
    text = words.get(name, f"The product has no {name}.")
    yield _finding(f"{name}_missing", name, need is Need.REQUIRED, text, fix)


def _length(name: str, clean: str, limit: TextLimit) -> Iterator[Finding]:
    length, size = len(clean), len(clean.encode()) if limit.max_bytes is not None else 0
    if limit.minimum is not None and length < limit.minimum:
        text = f"The {name} has {length} characters; at least {limit.minimum} are needed."
        yield _finding(
            f"{name}_short", name, True, text, f"Write a longer {name} in the store, or a template in the mapping."
        )
    over = None
    if limit.maximum is not None and length > limit.maximum:
        over = f"The {name} has {length} characters; the marketplace takes {limit.maximum}"
    elif limit.max_bytes is not None and size > limit.max_bytes:
        over = f"The {name} has {size} bytes; the marketplace takes {limit.max_bytes}"
    if over:
        text = f"{over}, so it is cut." if limit.cut else f"{over}."
        yield _finding(f"{name}_long", name, not limit.cut, text, f"Shorten the {name} in the store or in the mapping.")


def _forbidden(field: str, subject: str, text: str, patterns: Patterns, *, blocks: bool) -> Iterator[Finding]:
    for name, regex in patterns:
        found = _compiled(regex).search(text)
        if found:
            words = f"{subject} contains {name} ({found.group().strip()[:40]!r}), which the marketplace forbids."
            yield _finding("forbidden_content", field, blocks, words, "Take it out in the store or in the mapping.")


@lru_cache(maxsize=256)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE)


def _finding(rule: str, field: str, blocking: bool, text: str, fix: str) -> Finding:
    return Finding(rule=rule, field=field, blocking=blocking, text=text, fix=fix)
