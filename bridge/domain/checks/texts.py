"""Titles, descriptions and bullets within a marketplace's limits, and what is sent of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bridge.domain.checks.limits import BulletLimit, Limits, TextLimit
from bridge.domain.listing import Finding
from bridge.domain.requirement import Need
from bridge.domain.text import clean_html, cut, cut_html, plain_text

# Variants of one product have one description and stand side by side.
_KEPT = 512


def fitted(text: str, limit: TextLimit) -> str:
    """The text as it is sent: in the allowed HTML or plain, and cut where the limit says so."""
    clean = _clean(text, limit.tags)
    if not limit.cut:
        return clean
    short = cut_html(clean, limit.tags, limit.maximum) if limit.tags else cut(clean, limit.maximum)
    while limit.max_bytes is not None and len(short.encode()) > limit.max_bytes:
        most = max(len(short) - max((len(short.encode()) - limit.max_bytes) // 4, 1), 1)
        short = cut_html(short, limit.tags, most) if limit.tags else cut(short, most)
        if most == 1:
            break
    return short


def of_text(name: str, text: str, limit: TextLimit, limits: Limits) -> Iterator[Finding]:
    """``name`` is the field: title or description."""
    clean = _clean(text, limit.tags)
    if not clean:
        yield from _absent(name, limit.need)
        return
    yield from _length(name, clean, limit)
    blocks = limit.forbidden_blocks
    yield from _forbidden(name, f"The {name}", plain_text(clean), limit.forbidden, limits, blocks=blocks)


def of_bullets(bullets: Sequence[str], limit: BulletLimit, limits: Limits) -> Iterator[Finding]:
    if not bullets:
        yield from _absent("bullets", limit.need)
    if limit.max_count is not None and len(bullets) > limit.max_count:
        text = f"There are {len(bullets)} bullets; the marketplace takes {limit.max_count} and the rest is not sent."
        yield _finding("bullets_many", "bullets", False, text, "Leave out the least important ones.")
    for number, bullet in enumerate(bullets, start=1):
        if limit.maximum is not None and len(bullet) > limit.maximum:
            text = f"Bullet {number} has {len(bullet)} characters; only {limit.maximum} are taken and the rest is cut."
            yield _finding("bullet_long", "bullets", False, text, "Shorten it in the store or in the mapping.")
        yield from _forbidden("bullets", f"Bullet {number}", bullet, limit.forbidden, limits, blocks=False)


@lru_cache(maxsize=_KEPT)
def _clean(text: str, tags: tuple[str, ...]) -> str:
    return clean_html(text, tags)


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


def _forbidden(
    field: str, subject: str, text: str, names: Sequence[str], limits: Limits, *, blocks: bool
) -> Iterator[Finding]:
    for name in names:
        pattern = limits.pattern(name)
        found = _compiled(pattern.regex).search(text)
        if found:
            words = (
                f"{subject} contains {pattern.name} ({found.group().strip()[:40]!r}), which the marketplace forbids."
            )
            yield _finding("forbidden_content", field, blocks, words, "Take it out in the store or in the mapping.")


@lru_cache(maxsize=256)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE)


def _finding(rule: str, field: str, blocking: bool, text: str, fix: str) -> Finding:
    return Finding(rule=rule, field=field, blocking=blocking, text=text, fix=fix)
