"""What a mapping makes of one variant. A mapping is compiled once; a variant then costs a few look-ups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.listing import Finding
from bridge.domain.mapping.fields import FIELD_NAMES, FIELDS, Several, fold, one_text
from bridge.domain.mapping.inherit import effective
from bridge.domain.mapping.model import (
    AttributeMap,
    Constant,
    Convert,
    FirstOf,
    FromAttribute,
    FromCustom,
    FromField,
    FromMapped,
    FromOption,
    Nothing,
    Otherwise,
    Section,
    Source,
    Split,
    StoreField,
    Template,
    ValueTable,
)
from bridge.domain.mapping.template import Slot, parse, render
from bridge.domain.measure import UnitError, plain, read_measure
from bridge.domain.text import cut


class Got(NamedTuple):
    """A value and where it came from, in words."""

    value: Several
    origin: str


class Mapped(NamedTuple):
    """What is sent. ``trace`` says for each attribute, text (``@title``) and bullet (``@bullet 1``) where it came
    from; what got no value is not in it."""

    attributes: dict[str, Several]
    bullets: tuple[str, ...]
    findings: tuple[Finding, ...]
    trace: dict[str, str]
    texts: dict[str, str]


EMPTY = Got("", "")


class Known:
    """What mappings have found out about one variant, for other mappings: options, attributes and custom fields by
    their folded names; and what a source came to, by the source as text."""

    __slots__ = ("gots", "names")

    def __init__(self) -> None:
        self.names: dict[str, dict[str, str]] = {}
        self.gots: dict[str | None, Got] = {}


class View:
    """One variant while it is mapped: fields and names on demand, each worked out once."""

    __slots__ = ("_compiled", "_done", "_gots", "_names", "findings", "product", "variant")

    def __init__(self, product: StoreProduct, variant: StoreVariant, compiled: Compiled, known: Known) -> None:
        self.product = product
        self.variant = variant
        self.findings: list[Finding] = []
        self._compiled = compiled
        self._done: dict[str, Got] = {}
        self._names, self._gots = known.names, known.gots

    def mapped(self, attribute: str) -> Got:
        """Another attribute. A circle of them is refused at saving; here it ends empty."""
        got = self._done.get(attribute)
        if got is None:
            self._done[attribute] = EMPTY
            whole = self._compiled.attributes.get(attribute)
            got = self._done[attribute] = self._gots.get(whole[1]) or self.made(whole) if whole else EMPTY
        return got

    def made(self, whole: Whole) -> Got:
        """What a whole source comes to; another mapping finds it in ``Known.gots``, unless there was something to say
        of it."""
        read, key = whole
        before = len(self.findings)
        got = read(self)
        if key is not None and len(self.findings) == before:
            self._gots[key] = got
        return got

    def option(self, name: str) -> str:
        return self._named("option", self.variant.options, name)

    def attribute(self, name: str) -> str:
        return self.option(name) or self._named("attribute", self.product.attributes, name)

    def custom(self, name: str) -> str:
        own = self._named("variant custom", self.variant.custom, name)
        return own or self._named("custom", self.product.custom, name)

    def _named(self, group: str, values: Mapping[str, str], name: str) -> str:
        """``name`` is given in small letters."""
        if not values:
            return ""
        folded = self._names.get(group)
        if folded is None:
            folded = self._names[group] = {fold(key): value for key, value in values.items()}
        return folded.get(name, "")


Read = Callable[[View], Got]
# With the source as text; None where it depends on other attributes of its own mapping.
Whole = tuple[Read, str | None]


class Compiled:
    """A section with everything parsed."""

    def __init__(self, section: Section) -> None:
        self.attributes = {name: _whole(source, name) for name, source in section.attributes.items()}
        self.texts = {name: _whole(source, name) for name, source in section.texts.items()}
        self.bullets = tuple(_compile(source, "bullets") for source in section.bullets or ())

    def __call__(self, product: StoreProduct, variant: StoreVariant, known: Known) -> Mapped:
        view, gots = View(product, variant, self, known), known.gots
        attributes: dict[str, Several] = {}
        trace: dict[str, str] = {}
        for name, whole in self.attributes.items():
            key = whole[1]
            value, origin = gots.get(key) or (view.mapped(name) if key is None else view.made(whole))
            if value:
                attributes[name], trace[name] = value, origin
        texts: dict[str, str] = {}
        for name, whole in self.texts.items():
            value, origin = gots.get(whole[1]) or view.made(whole)
            if value:
                texts[name], trace[f"@{name}"] = one_text(value), origin
        bullets = self._bullets(view, trace) if self.bullets else ()
        findings = tuple(dict.fromkeys(view.findings)) if view.findings else ()
        return Mapped(attributes, bullets, findings, trace, texts)

    def _bullets(self, view: View, trace: dict[str, str]) -> tuple[str, ...]:
        found = [got for got in (read(view) for read in self.bullets) if got.value]
        trace |= {f"@bullet {number}": got.origin for number, got in enumerate(found, start=1)}
        return tuple(one_text(got.value) for got in found)


class Evaluator:
    """A whole mapping, compiled category by category as they are met. Raises TemplateError for a template that
    :func:`refused_at_saving` would have refused."""

    def __init__(self, mapping: AttributeMap) -> None:
        self._mapping = mapping
        self._sections: dict[tuple[str, ...], Compiled] = {}

    def __call__(
        self, product: StoreProduct, variant: StoreVariant, category: Sequence[str] = (), known: Known | None = None
    ) -> Mapped:
        """``category`` is the path of the marketplace category the variant is mapped to, names from the root; ``known``
        is handed in for the same variant by whoever has several mappings."""
        path = tuple(category)
        section = self._sections.get(path)
        if section is None:
            section = self._sections[path] = Compiled(effective(self._mapping, path))
        return section(product, variant, Known() if known is None else known)


def evaluate(
    mapping: AttributeMap, product: StoreProduct, variant: StoreVariant, category: Sequence[str] = ()
) -> Mapped:
    """One variant. For many, keep an :class:`Evaluator`."""
    return Evaluator(mapping)(product, variant, category)


# Compiling: one function a kind of source.


def _whole(source: Source, attribute: str) -> Whole:
    key = source.model_dump_json()
    return _compile(source, attribute), None if "mapped" in key else intern(key)


def _compile(source: Source, attribute: str) -> Read:
    return _COMPILERS[type(source)](source, attribute)


def _from_field(source: FromField, _attribute: str) -> Read:
    read, origin = FIELDS[source.field], f"store field {source.field}"
    return lambda view: Got(read(view.product, view.variant), origin)


def _from_option(source: FromOption, _attribute: str) -> Read:
    name, origin = fold(source.name), f"option {source.name}"
    return lambda view: Got(view.option(name), origin)


def _from_attribute(source: FromAttribute, _attribute: str) -> Read:
    name, origin = fold(source.name), f"attribute {source.name}"
    return lambda view: Got(view.attribute(name), origin)


def _from_custom(source: FromCustom, _attribute: str) -> Read:
    name, origin = fold(source.name), f"custom field {source.name}"
    return lambda view: Got(view.custom(name), origin)


def _from_mapped(source: FromMapped, _attribute: str) -> Read:
    def read(view: View) -> Got:
        got = view.mapped(source.attribute)
        return Got(got.value, f"{source.attribute} ({got.origin})") if got.value else EMPTY

    return read


def _constant(source: Constant, _attribute: str) -> Read:
    got = Got(source.value, "constant")
    return lambda view: got


def _nothing(_source: Nothing, _attribute: str) -> Read:
    return lambda view: EMPTY


def _template(source: Template, _attribute: str) -> Read:
    group, maximum, origin = parse(source.text), source.maximum, f"template {source.text}"
    slots = {slot: _slot(slot) for slot in group.slots()}
    return lambda view: Got(cut(render(group, lambda slot: slots[slot](view)), maximum), origin)


def _slot(slot: Slot) -> Callable[[View], str]:
    name = fold(slot.name)
    if slot.kind == "option":
        return lambda view: view.option(name)
    if slot.kind == "attribute":
        return lambda view: view.attribute(name)
    if slot.kind == "custom":
        return lambda view: view.custom(name)
    if slot.kind == "mapped":
        return lambda view: one_text(view.mapped(slot.name).value)
    if slot.kind == "field" or name in FIELD_NAMES:
        read = FIELDS[StoreField(name)]
        return lambda view: one_text(read(view.product, view.variant))
    return lambda view: view.attribute(name)


def _first(source: FirstOf, attribute: str) -> Read:
    reads = tuple(_compile(item, attribute) for item in source.sources)

    def read(view: View) -> Got:
        for each in reads:
            got = each(view)
            if got.value:
                return got
        return EMPTY

    return read


def _table(source: ValueTable, attribute: str) -> Read:
    inner = _compile(source.source, attribute)
    table = {fold(key): value for key, value in source.values.items()}

    def one(view: View, value: str, origin: str) -> tuple[str, str]:
        found = table.get(fold(value))
        if found is not None:
            return found, f"{origin}; {value} -> {found}"
        if source.otherwise is Otherwise.DEFAULT:
            return source.default, f"{origin}; {value} -> default"
        if source.otherwise is Otherwise.KEEP:
            return value, origin
        if source.otherwise is Otherwise.FINDING:
            view.findings.append(_not_in_table(attribute, value))
        return "", origin

    def read(view: View) -> Got:
        got = inner(view)
        if not got.value:
            default = source.otherwise is Otherwise.DEFAULT and source.default
            return Got(source.default, "default") if default else EMPTY
        if isinstance(got.value, str):
            return Got(*one(view, got.value, got.origin))
        found = [one(view, value, "") for value in got.value]
        steps = "".join(step for _, step in found)
        return Got(tuple(dict.fromkeys(value for value, _ in found if value)), got.origin + steps)

    return read


def _convert(source: Convert, attribute: str) -> Read:
    inner = _compile(source.source, attribute)

    @lru_cache(maxsize=4096)
    def shown(text: str) -> str | None:
        measure = read_measure(text, source.unit_if_none)
        try:
            amount = plain(measure.to(source.unit, source.digits).amount) if measure else None
        except (UnitError, ArithmeticError):
            return None
        return f"{amount} {source.unit}" if amount is not None and source.show_unit else amount

    def read(view: View) -> Got:
        got = inner(view)
        if not got.value:
            return EMPTY
        text = one_text(got.value)
        found = shown(text)
        if found is None:
            view.findings.append(_no_measure(attribute, text, source.unit))
            return EMPTY
        return Got(found, got.origin if found == text else f"{got.origin}; {text} -> {found}")

    return read


def _split(source: Split, attribute: str) -> Read:
    inner = _compile(source.source, attribute)

    def read(view: View) -> Got:
        got = inner(view)
        texts = (got.value,) if isinstance(got.value, str) else got.value
        parts = (part.strip() for text in texts for part in text.split(source.separator))
        return Got(tuple(dict.fromkeys(part for part in parts if part)), got.origin)

    return read


_COMPILERS: Mapping[type, Callable[..., Read]] = {
    FromField: _from_field,
    FromOption: _from_option,
    FromAttribute: _from_attribute,
    FromCustom: _from_custom,
    FromMapped: _from_mapped,
    Constant: _constant,
    Nothing: _nothing,
    Template: _template,
    FirstOf: _first,
    ValueTable: _table,
    Convert: _convert,
    Split: _split,
}


def _not_in_table(attribute: str, value: str) -> Finding:
    return Finding(
        rule="value_unmapped",
        field=attribute,
        blocking=False,
        text=f"{value!r} is not in the value table of {attribute}, so nothing is sent for it.",
        fix="Add the value to the table, or choose what is sent instead of unknown values.",
    )


def _no_measure(attribute: str, text: str, unit: str) -> Finding:
    return Finding(
        rule="unit",
        field=attribute,
        blocking=False,
        text=f"{text[:80]!r} cannot be given in {unit} for {attribute}, so nothing is sent for it.",
        fix="Enter a number with a unit of the same kind in the store, or choose another source in the mapping.",
    )
