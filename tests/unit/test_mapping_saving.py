"""A mapping that cannot work is refused with its place, and a mapping is the same after a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.mapping import AttributeMap, from_csv, from_json, refused_at_saving, to_csv, to_json
from bridge.domain.mapping import model as m
from bridge.domain.requirement import AllowedValue, AttributeKind, AttributeRequirement, CategoryRequirements

WEIGHT = {"kind": "field", "field": "weight"}


def refused(attributes: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    found = refused_at_saving({"sections": [{"attributes": attributes}]}, **more)
    return [(fault.path.removeprefix("sections.0.attributes."), fault.text) for fault in found]


@pytest.mark.parametrize(("source", "place", "words"), [
    ({"kind": "field", "field": "titel"}, "A.field", "Choose one of: title, product_title"),
    ({"kind": "wish"}, "A", "Choose one of: field, option, attribute"),
    ({}, "A", "kind"),
    ({"kind": "constant", "value": 5}, "A.value", "Enter text."),
    ({"kind": "first", "sources": []}, "A.sources", "Enter at least this many: 1"),
    ({"kind": "table", "source": {"kind": "field", "field": "x"}}, "A.source.field", "Choose one of"),
    ({"kind": "option", "name": "Size", "colour": 1}, "A.colour", "There is no such field"),
    ({"kind": "template", "text": "{title"}, "A.text", "character 1 has no partner"),
    ({"kind": "first", "sources": [WEIGHT, {"kind": "template", "text": "{ }"}]}, "A.sources.1.text", "have no name"),
    ({"kind": "template", "text": "{field:titel}"}, "A.text", "no store field 'titel'"),
    ({"kind": "template", "text": "{mapped:B}"}, "A", "'B' is not mapped here"),
    ({"kind": "template", "text": "{mapped:A}"}, "A", "A -> A"),
    ({"kind": "convert", "source": WEIGHT, "unit": "stone"}, "A.unit", "'stone' is no unit"),
    ({"kind": "convert", "source": WEIGHT, "unit": "kg", "unit_if_none": "cm"}, "A.unit_if_none", "cm is a length"),
    ({"kind": "convert", "source": WEIGHT, "unit": "kg", "digits": 99}, "A.digits", "Enter 9 or less"),
    ({"kind": "table", "source": WEIGHT, "otherwise": "default"}, "A.default", "what is sent instead"),
])  # fmt: skip
def test_a_source_that_cannot_work(source, place, words):
    faults = refused({"A": source})
    assert any(where == place and words in text for where, text in faults), faults


def test_a_circle_over_several_attributes_and_sections_is_drawn():
    sections = [
        {"attributes": {"A": {"kind": "mapped", "attribute": "B"}, "B": {"kind": "constant", "value": "x"}}},
        {"path": ["Toys"], "attributes": {"B": {"kind": "template", "text": "{mapped:C}"}, "C": {"kind": "mapped", "attribute": "A"}}},
        {"path": ["Toys"]},
    ]  # fmt: skip
    found = {fault.path: fault.text for fault in refused_at_saving({"sections": sections})}
    assert found["sections.1.attributes.B"] == "Goes round in a circle: B -> C -> A -> B."
    assert "another section" in found["sections.2.path"]
    assert not any(place.startswith("sections.0") for place in found)


def test_sources_nested_without_end_are_refused():
    source: dict[str, Any] = WEIGHT
    for _ in range(10):
        source = {"kind": "split", "source": source}
    assert refused({"A": source}) == [("A", "Sources are nested deeper than 6.")]
    for _ in range(5000):
        source = {"kind": "split", "source": source}
    assert len(refused({"A": source})) == 1


ASKED = CategoryRequirements(category="7", version="1", attributes=(
    AttributeRequirement(id="Colour", name="Colour", kind=AttributeKind.CHOICE, allowed=(AllowedValue(value="BLUE", label="Blue"), AllowedValue(value="RED"))),
    AttributeRequirement(id="Pieces", name="Pieces", kind=AttributeKind.INTEGER),
    AttributeRequirement(id="Weight", name="Weight", kind=AttributeKind.MEASURE, units=("kg",)),
    AttributeRequirement(id="Note", name="Note", max_length=5),
    AttributeRequirement(id="Fire", name="Fire", kind=AttributeKind.FLAG),
))  # fmt: skip


@pytest.mark.parametrize(("name", "source", "place", "words"), [
    ("Colour", {"kind": "constant", "value": "Blue"}, "Colour.value", "Did you mean 'BLUE'?"),
    ("Colour", {"kind": "table", "source": {"kind": "option", "name": "c"}, "values": {"rood": "RED", "geel": "YELLOW"}}, "Colour.values.geel", "does not take 'YELLOW'"),
    ("Colour", {"kind": "table", "source": {"kind": "option", "name": "c"}, "otherwise": "default", "default": "x"}, "Colour.default", "does not take 'x'"),
    ("Pieces", {"kind": "constant", "value": "1.5"}, "Pieces.value", "wants a integer"),
    ("Pieces", {"kind": "convert", "source": WEIGHT, "unit": "g", "show_unit": False}, "Pieces.digits", "whole numbers"),
    ("Weight", {"kind": "convert", "source": WEIGHT, "unit": "g"}, "Weight.unit", "takes 'kg', not 'g'"),
    ("Note", {"kind": "first", "sources": [WEIGHT, {"kind": "constant", "value": "too long"}]}, "Note.sources.1.value", "takes 5 characters"),
    ("Fire", {"kind": "convert", "source": WEIGHT, "unit": "g"}, "Fire", "not a measure"),
    ("Size", {"kind": "option", "name": "Size"}, "Size", "no attribute 'Size'"),
])  # fmt: skip
def test_against_what_the_marketplace_asks(name, source, place, words):
    [(where, text)] = refused({name: source}, requirements=ASKED)
    assert where == place
    assert words in text


def test_what_is_mapped_for_all_categories_may_be_missing_in_one():
    assert refused({"Size": {"kind": "option", "name": "Size"}}, requirements=ASKED, category=("Toys",)) == []


# Files


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.strip() == name)
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["=cmd()", "'=1", "-2", "@x", '"', "a,b", "l1\nl2", "\r"]))
LEAVES = st.one_of(
    st.builds(m.FromField, field=st.sampled_from(m.StoreField)),
    st.builds(m.FromOption, name=NAMES),
    st.builds(m.FromCustom, name=NAMES),
    st.builds(m.Constant, value=st.one_of(TEXTS, st.tuples(TEXTS, TEXTS))),
    st.builds(m.Nothing),
    st.builds(m.Template, text=st.text(min_size=1, max_size=20), maximum=st.none() | st.integers(1, 500)),
)
SOURCES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(m.FirstOf, sources=st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(m.ValueTable, source=inner, values=st.dictionaries(TEXTS, TEXTS, max_size=4), otherwise=st.sampled_from(m.Otherwise)),
        st.builds(m.Convert, source=inner, unit=st.sampled_from(["kg", "cm"])),
        st.builds(m.Split, source=inner),
    ),
    max_leaves=4,
)  # fmt: skip
SECTIONS = st.builds(
    m.Section,
    path=st.lists(NAMES, max_size=3).map(tuple),
    attributes=st.dictionaries(
        NAMES | st.sampled_from(["@title", "@@x", "@bullet 1", "@bullets"]), SOURCES, max_size=4
    ),
    texts=st.dictionaries(st.sampled_from(["title", "brand"]), SOURCES, max_size=2),
    bullets=st.none() | st.lists(SOURCES, max_size=3).map(tuple),
)
MAPPINGS = st.lists(SECTIONS, max_size=3, unique_by=lambda item: item.path).map(
    lambda found: AttributeMap(sections=tuple(found))
)


@settings(max_examples=50, deadline=None)
@given(MAPPINGS)
def test_a_mapping_is_the_same_after_a_file(mapping):
    assert from_json(to_json(mapping)) == (mapping, ())
    written = to_csv(mapping)
    assert from_csv(written) == (mapping, ())
    for row in csv.reader(io.StringIO(written, newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(("text", "place", "words"), [
    ("a,b\n1,2", "row 1", "category, attribute, source"),
    ("category,attribute,source,value,to\n,A,wish,x,\n", "row 2, source", "'wish' is no kind"),
    ("category,attribute,source,value,to\n,A,json,{,\n", "row 2, value", "as JSON"),
    ("category,attribute,source,value,to\n,A,entry,x,y\n", "row 2, source", "below its table"),
    ("category,attribute,source,value,to\n,A,option,S,\n\n,A,option,T,\n", "row 4, attribute", "twice"),
    ("category,attribute,source,value,to\n,A,field,titel,\n", "sections.0.attributes.A.field", "Choose one of: title, product_title"),
    ('category,attribute,source,value,to\n,A,field,"tit"le,\n', "", "not CSV"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_says_where(text, place, words):
    mapping, faults = from_csv(text)
    assert mapping is None
    assert faults[0].path == place
    assert words in faults[0].text


def test_a_file_that_a_person_wrote():
    text = '\ufeffcategory,attribute,source,value,to\r\n,Colour,table,"{""source"":{""kind"":""option"",""name"":""Kleur""}}",\r\n,Colour,entry,Marine,Blue\r\nHome > Garden,@title,Template,{brand} {title},\r\n'
    mapping, faults = from_csv(text)
    assert mapping is not None, faults
    assert [section.path for section in mapping.sections] == [(), ("Home", "Garden")]
    assert mapping.sections[0].attributes["Colour"].values == {"Marine": "Blue"}
    assert mapping.sections[1].texts == {"title": m.Template(text="{brand} {title}")}
