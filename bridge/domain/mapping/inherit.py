"""Categories inherit from those above them; a mapping is copied to children and to other connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.domain.mapping.model import AttributeMap, Section, Source, Text
from bridge.domain.mapping.walk import renamed
from bridge.domain.requirement import CategoryRequirements


def effective(mapping: AttributeMap, path: Sequence[str]) -> Section:
    """What holds for the category at ``path``: each section above it, the nearest one last."""
    wanted = tuple(path)
    above = [section for section in mapping.sections if wanted[: len(section.path)] == section.path]
    attributes: dict[str, Source] = {}
    texts: dict[Text, Source] = {}
    bullets: tuple[Source, ...] | None = None
    for section in sorted(above, key=lambda section: len(section.path)):
        attributes |= section.attributes
        texts |= section.texts
        bullets = bullets if section.bullets is None else section.bullets
    return Section.model_construct(path=wanted, attributes=attributes, texts=texts, bullets=bullets)


def with_section(mapping: AttributeMap, section: Section) -> AttributeMap:
    """The mapping with this section in place of the one of its path."""
    others = tuple(other for other in mapping.sections if other.path != section.path)
    return AttributeMap(sections=tuple(sorted((*others, section), key=lambda item: item.path)))


def copied(mapping: AttributeMap, source: Sequence[str], targets: Sequence[Sequence[str]]) -> AttributeMap:
    """What holds for one category, written into others, in place of what they had."""
    whole = effective(mapping, source)
    for path in targets:
        mapping = with_section(mapping, whole.model_copy(update={"path": tuple(path)}))
    return mapping


def adapted(
    mapping: AttributeMap, requirements: CategoryRequirements, own: Mapping[str, str] | None = None
) -> tuple[AttributeMap, tuple[str, ...]]:
    """The mapping for another connection: attributes the other marketplace knows, by id or by name; the second part
    are those left out. ``own``: its id for ours, where the merchant says so. Categories differ between
    marketplaces, so only what holds for all of them and sections of the same path go along."""
    known = {item.id for item in requirements.attributes}
    by_name = {item.name.casefold(): item.id for item in requirements.attributes}
    names = {
        name: found
        for section in mapping.sections
        for name in section.attributes
        if (found := (own or {}).get(name) or (name if name in known else by_name.get(name.casefold())))
    }
    left = {name for section in mapping.sections for name in section.attributes if name not in names}
    sections = tuple(_translated(section, names) for section in mapping.sections)
    return AttributeMap(sections=sections), tuple(sorted(left))


def _translated(section: Section, names: Mapping[str, str]) -> Section:
    return section.model_copy(
        update={
            "attributes": {
                names[name]: renamed(source, names) for name, source in section.attributes.items() if name in names
            },
            "texts": {name: renamed(source, names) for name, source in section.texts.items()},
            "bullets": None if section.bullets is None else tuple(renamed(item, names) for item in section.bullets),
        }
    )
