"""Pictures against a marketplace's limits, by what was found out about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from bridge.domain.checks.limits import ImageLimit
from bridge.domain.listing import Finding

# Variants of one product have the same pictures and stand side by side.
_KEPT = 512
_REPLACE = "Replace the picture in the store; it is looked at again by itself."


class ImageFact(NamedTuple):
    """What is known of the picture at an address. ``error`` says why it cannot be used, in the merchant's words;
    sizes are pixels and ``size`` bytes, None where unknown."""

    content_type: str = ""
    width: int | None = None
    height: int | None = None
    size: int | None = None
    error: str = ""


class Pictures(NamedTuple):
    """The pictures that are sent, within the limits and as many as are taken; and what is wrong with the others."""

    sent: tuple[str, ...]
    findings: tuple[Finding, ...]


Facts = tuple[ImageFact | None, ...]
PictureCheck = Callable[[tuple[str, ...], Facts], Pictures]


def picture_check(limit: ImageLimit) -> PictureCheck:
    """The check of a product's pictures by their addresses and what is known of each, which remembers the last ones it
    was asked about. Marketplaces with the same limits have the same one: pictures are looked at once for all of them.
    """
    return _check(limit.model_dump_json())


@lru_cache(maxsize=128)
def _check(limit_as_json: str) -> PictureCheck:
    return lru_cache(maxsize=_KEPT)(partial(_examined, ImageLimit.model_validate_json(limit_as_json)))


def _examined(limit: ImageLimit, urls: tuple[str, ...], facts: Facts) -> Pictures:
    """Addresses nobody has looked at yet are taken for good ones."""
    good: list[str] = []
    found: list[Finding] = []
    for number, (url, fact) in enumerate(zip(urls, facts, strict=True), start=1):
        if fact is None and url.startswith("https://"):
            good.append(url)
            continue
        faults = list(faults_of(url, limit, fact))
        if not faults:
            good.append(url)
        for rule, words in faults:
            found.append(_finding(rule, False, f"Picture {number} {words} ({_short(url)}).", _REPLACE))
    found += _counted(len(good), limit)
    return Pictures(tuple(good[: limit.max_count]), tuple(found))


def _counted(good: int, limit: ImageLimit) -> Iterator[Finding]:
    if good < limit.min_count:
        wanted = f"at least {limit.min_count} usable picture{'s' if limit.min_count > 1 else ''}"
        text = f"The marketplace wants {wanted}; the product has {good}."
        yield _finding("images_few", True, text, "Add pictures to the product in the store.")
    if limit.max_count is not None and good > limit.max_count:
        text = (
            f"The product has {good} usable pictures; the marketplace takes {limit.max_count} and the rest is not sent."
        )
        yield _finding("images_many", False, text, "Put the best pictures first in the store.")


def faults_of(url: str, limit: ImageLimit, fact: ImageFact | None) -> Iterator[tuple[str, str]]:
    """Each rule that is broken, with words that complete "The picture ..."."""
    if not url.startswith(("https://", "http://")):
        yield "image_address", "has no web address"
    elif limit.https and not url.startswith("https://"):
        yield "image_address", "is not on https"
    if fact is None:
        return
    if fact.error:
        yield "image_unreachable", fact.error
        return
    if limit.types and fact.content_type and fact.content_type not in limit.types:
        yield "image_type", f"is {fact.content_type}, not {' or '.join(limit.types)}"
    if fact.size is not None:
        yield from _bytes(fact.size, limit)
    if fact.width and fact.height:
        yield from _pixels(fact.width, fact.height, limit)


def _bytes(size: int, limit: ImageLimit) -> Iterator[tuple[str, str]]:
    if limit.max_bytes is not None and size > limit.max_bytes:
        yield "image_large", f"is {_kilobytes(size)}, more than {_kilobytes(limit.max_bytes)}"
    if limit.min_bytes is not None and size < limit.min_bytes:
        yield "image_small", f"is {size} bytes, less than {limit.min_bytes}"


def _pixels(width: int, height: int, limit: ImageLimit) -> Iterator[tuple[str, str]]:
    shown = f"is {width} x {height} pixels"
    least = [side for side in (limit.min_width, limit.min_height) if side is not None]
    if (limit.min_width or 0) > width or (limit.min_height or 0) > height:
        yield "image_small", f"{shown}, less than {' x '.join(map(str, least))}"
    if limit.min_longest is not None and max(width, height) < limit.min_longest:
        yield "image_small", f"{shown}; the longer side has to have {limit.min_longest}"
    if (limit.max_width is not None and width > limit.max_width) or (
        limit.max_height is not None and height > limit.max_height
    ):
        yield "image_large", f"{shown}, more than {limit.max_width or 'any'} x {limit.max_height or 'any'}"
    if limit.max_pixels is not None and width * height > limit.max_pixels:
        yield "image_large", f"{shown}, more than {limit.max_pixels} in all"
    ratio = width / height
    if (limit.aspect_min is not None and ratio < limit.aspect_min) or (
        limit.aspect_max is not None and ratio > limit.aspect_max
    ):
        wanted = " to ".join(str(side) for side in (limit.aspect_min, limit.aspect_max) if side is not None)
        yield "image_aspect", f"{shown}: width to height has to be {wanted}"


def _kilobytes(size: int) -> str:
    return f"{size / 1024:.0f} kB"


def _short(url: str) -> str:
    return url if len(url) <= 80 else f"...{url[-77:]}"


def _finding(rule: str, blocking: bool, text: str, fix: str) -> Finding:
    return Finding(rule=rule, field="images", blocking=blocking, text=text, fix=fix)
