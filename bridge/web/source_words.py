"""What an attribute is filled from, in words."""

from __future__ import annotations

from bridge.domain.mapping import Source
from bridge.domain.mapping import model as m
from bridge.web.drawing import title_of
from bridge.web.editor_words import OPTIONS, TEXTS

FEW = 3


def said(source: Source | None) -> dict[str, str]:
    """``title``: the kind of source; ``value``: which."""
    if source is None:
        return {"title": "", "value": ""}
    return {"title": title_of(type(source)), "value": _value(source)}


def _value(source: Source) -> str:
    match source:
        case m.FromField():
            return OPTIONS.get(f"StoreField.{source.field.value}", source.field.value.replace("_", " ").capitalize())
        case m.FromOption() | m.FromAttribute() | m.FromCustom():
            return source.name
        case m.FromMapped():
            return source.attribute
        case m.Constant():
            return source.value if isinstance(source.value, str) else ", ".join(source.value[:FEW])
        case m.Template():
            return source.text
        case _:
            return _inside(source)


def _inside(source: Source) -> str:
    match source:
        case m.FirstOf():
            return ", ".join(_value(one) for one in source.sources[:FEW])
        case m.ValueTable():
            return f"{_value(source.source)} ({len(source.values)})"
        case m.Convert():
            return f"{_value(source.source)} → {source.unit}"
        case m.Split():
            return f"{_value(source.source)} “{source.separator}”"
        case _:
            return ""


def label_of(name: str, label: str) -> str:
    """An attribute as people call it; the texts that stand in place of the store's by their names."""
    return TEXTS.get(name, label)
