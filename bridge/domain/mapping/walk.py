"""Going through a source and what it is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from bridge.domain.mapping.model import Convert, FirstOf, FromMapped, Source, Split, Template, ValueTable
from bridge.domain.mapping.template import TemplateError, parse

_MAPPED = re.compile(r"\{\s*mapped:([^{}]*)\}")


def walk(source: Source, place: str = "") -> Iterator[tuple[str, Source]]:
    """The source and everything inside it, each with its place (``.sources.1``)."""
    yield place, source
    if isinstance(source, FirstOf):
        for number, inner in enumerate(source.sources):
            yield from walk(inner, f"{place}.sources.{number}")
    elif isinstance(source, ValueTable | Convert | Split):
        yield from walk(source.source, f"{place}.source")


def changed(source: Source, change: Callable[[Source], Source]) -> Source:
    """The source with ``change`` applied to everything inside it, innermost first."""
    if isinstance(source, FirstOf):
        inner = tuple(changed(item, change) for item in source.sources)
        return change(source.model_copy(update={"sources": inner}))
    if isinstance(source, ValueTable | Convert | Split):
        return change(source.model_copy(update={"source": changed(source.source, change)}))
    return change(source)


def mentions(source: Source) -> frozenset[str]:
    """The attributes of the same mapping that a source reads. A template that cannot be read mentions none."""
    found: set[str] = set()
    for _, item in walk(source):
        if isinstance(item, FromMapped):
            found.add(item.attribute)
        elif isinstance(item, Template):
            try:
                found |= {slot.name for slot in parse(item.text).slots() if slot.kind == "mapped"}
            except TemplateError:
                continue
    return frozenset(found)


def renamed(source: Source, names: Mapping[str, str]) -> Source:
    """The source with other names for the attributes it reads."""

    def one(item: Source) -> Source:
        if isinstance(item, FromMapped):
            return item.model_copy(update={"attribute": names.get(item.attribute, item.attribute)})
        if isinstance(item, Template):
            text = _MAPPED.sub(lambda found: f"{{mapped:{_new(found.group(1), names)}}}", item.text)
            return item.model_copy(update={"text": text})
        return item

    return changed(source, one)


def _new(name: str, names: Mapping[str, str]) -> str:
    return names.get(name.strip(), name.strip())
