"""What a mapping makes of a variant, and why."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.mapping import AttributeMap, Evaluator, adapted, copied, effective, evaluate, read_mapping
from bridge.domain.mapping.template import TemplateError, parse, render
from bridge.domain.measure import Dimensions, Measure
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeRequirement, CategoryRequirements

PRODUCT = StoreProduct(
    external_id="10",
    title="Jersey",
    description="<p>Warm &amp; <b>soft</b></p><script>x</script>",
    brand="Acme",
    vendor="Acme Trading",
    categories=("Jerseys",),
    category_paths=(("Clothes", "Jerseys"),),
    tags=("wool", "winter"),
    images=("https://shop.example/1.jpg",),
    attributes={"Material": "Wool, Cotton", "Fit": "Loose"},
    custom={"_season": "AW26", "global.origin": "NL"},
)
VARIANT = StoreVariant(
    external_id="11",
    product_id="10",
    sku="J-M",
    gtin="4006381333931",
    title="Jersey - M",
    options={"Size": "M", "Kleur": " marine "},
    price=Money.of("19.9", "EUR"),
    cost=Money.of("8", "EUR"),
    stock=StockReading(pool="11", managed=True, on_hand=1),
    weight=Measure(amount=Decimal("0.2555"), unit="kg"),
    dimensions=Dimensions(length=Decimal(10), width=Decimal("2.54"), unit="cm"),
    custom={"_season": "SS27"},
)


def mapping(attributes: dict[str, Any] | None = None, *more: dict[str, Any], **section: Any) -> AttributeMap:
    found, faults = read_mapping({"sections": [{"attributes": attributes or {}, **section}, *more]})
    assert found is not None, faults
    return found


def value(source: dict[str, Any], variant: StoreVariant = VARIANT) -> Any:
    return evaluate(mapping({"X": source}), PRODUCT, variant).attributes.get("X")


FIELD = {"kind": "field", "field": "weight"}
TABLE = {"kind": "table", "source": {"kind": "option", "name": "kleur"}, "values": {"Marine": "Blue"}}


@pytest.mark.parametrize(("source", "found"), [
    ({"kind": "field", "field": "sku"}, "J-M"),
    ({"kind": "field", "field": "price"}, "19.9"),
    ({"kind": "field", "field": "sale_price"}, None),
    ({"kind": "field", "field": "tags"}, ("wool", "winter")),
    ({"kind": "field", "field": "width"}, "2.54 cm"),
    ({"kind": "field", "field": "height"}, None),
    ({"kind": "field", "field": "category_path"}, "Clothes > Jerseys"),
    ({"kind": "field", "field": "description_text"}, "Warm & soft"),
    ({"kind": "option", "name": "SIZE"}, "M"),
    ({"kind": "option", "name": "Material"}, None),
    ({"kind": "attribute", "name": "material"}, "Wool, Cotton"),
    ({"kind": "attribute", "name": "size"}, "M"),
    ({"kind": "custom", "name": "_season"}, "SS27"),
    ({"kind": "custom", "name": "Global.Origin"}, "NL"),
    ({"kind": "constant", "value": ["a", "b"]}, ("a", "b")),
    ({"kind": "nothing"}, None),
    ({"kind": "first", "sources": [{"kind": "custom", "name": "nix"}, {"kind": "option", "name": "Size"}]}, "M"),
    (TABLE, "Blue"),
    ({**TABLE, "values": {"Red": "Rood"}, "otherwise": "keep"}, " marine "),
    ({**TABLE, "values": {}, "otherwise": "default", "default": "Other"}, "Other"),
    ({**TABLE, "values": {}, "otherwise": "empty"}, None),
    ({"kind": "table", "source": {"kind": "field", "field": "tags"}, "values": {"WOOL": "Wol", "winter": "Wol"}}, ("Wol",)),
    ({"kind": "convert", "source": FIELD, "unit": "g", "digits": 0}, "256 g"),
    ({"kind": "convert", "source": FIELD, "unit": "lb", "show_unit": False}, "0.56"),
    ({"kind": "convert", "source": {"kind": "field", "field": "width"}, "unit": "in"}, "1 in"),
    ({"kind": "convert", "source": {"kind": "constant", "value": "1,5"}, "unit_if_none": "l", "unit": "ml"}, "1500 ml"),
    ({"kind": "split", "source": {"kind": "attribute", "name": "Material"}}, ("Wool", "Cotton")),
    ({"kind": "template", "text": "{brand} {title} {size}", "maximum": 15}, "Acme Jersey - M"),
    ({"kind": "template", "text": "{brand} {product_title} {size}", "maximum": 12}, "Acme Jersey"),
])  # fmt: skip
def test_sources(source, found):
    assert value(source) == found


@pytest.mark.parametrize(("source", "rule", "words"), [
    ({**TABLE, "values": {"red": "x"}}, "value_unmapped", "' marine ' is not in the value table of X"),
    ({"kind": "convert", "source": {"kind": "option", "name": "Size"}, "unit": "g"}, "unit", "'M' cannot be given in g"),
    ({"kind": "convert", "source": FIELD, "unit": "cm"}, "unit", "cannot be given in cm"),
])  # fmt: skip
def test_what_cannot_be_translated_is_a_finding_and_not_sent(source, rule, words):
    mapped = evaluate(mapping({"X": source}), PRODUCT, VARIANT)
    assert mapped.attributes == {}
    [finding] = mapped.findings
    assert (finding.rule, finding.field, finding.blocking) == (rule, "X", False)
    assert words in finding.text


def test_texts_bullets_and_where_everything_came_from():
    chosen = mapping(
        {"Colour": TABLE, "Name": {"kind": "template", "text": "{mapped:Colour} {title}"}, "Same": {"kind": "mapped", "attribute": "Colour"}},
        texts={"title": {"kind": "template", "text": "{brand} {product_title}"}},
        bullets=[{"kind": "attribute", "name": "Fit"}, {"kind": "custom", "name": "none"}, {"kind": "field", "field": "tags"}],
    )  # fmt: skip
    mapped = evaluate(chosen, PRODUCT, VARIANT)
    assert mapped.attributes == {"Colour": "Blue", "Name": "Blue Jersey - M", "Same": "Blue"}
    assert mapped.texts == {"title": "Acme Jersey"}
    assert mapped.bullets == ("Loose", "wool, winter")
    assert mapped.trace == {
        "Colour": "option kleur;  marine  -> Blue",
        "Name": "template {mapped:Colour} {title}",
        "Same": "Colour (option kleur;  marine  -> Blue)",
        "@title": "template {brand} {product_title}",
        "@bullet 1": "attribute Fit",
        "@bullet 2": "store field tags",
    }


@pytest.mark.parametrize(("text", "values", "shown"), [
    ("{brand} - {title} ({size})", {"brand": "A", "title": "T", "size": "M"}, "A - T (M)"),
    ("{brand} - {title} ({size})", {"title": "T", "size": "M"}, "T (M)"),
    ("{brand} - {title} ({size})", {"brand": "A", "size": "M"}, "A (M)"),
    ("{brand} - {title} ({size})", {"brand": "A", "title": "T"}, "A - T"),
    ("{brand} - {title} ({size})", {}, ""),
    ("{title}, {colour}, {size}", {"title": "T", "size": "M"}, "T, M"),
    ("{title} [{colour} / {size}]", {"title": "T", "size": "M"}, "T [M]"),
    ("{width}cm x {height}cm", {"height": "20"}, "20cm"),
    ("{width}cm x {height}cm", {"width": "10", "height": "20"}, "10cm x 20cm"),
    ("New: {brand} {title}", {"title": "T"}, "New T"),
    ("EU{size}", {"size": "38"}, "EU38"),
    ("{{{title}}}", {"title": "T"}, "{T}"),
    ("{title} :-( {size}", {"title": "T", "size": "M"}, "T :-( M"),
    ("only words", {}, "only words"),
    ("{title} (new)", {"title": "T"}, "T (new)"),
    ("({brand} ({title}))", {"title": "T"}, "((T))"),
])  # fmt: skip
def test_a_missing_part_goes_with_its_separator(text, values, shown):
    assert render(parse(text), lambda slot: values.get(slot.name, "")) == shown


NAMES = st.sampled_from(["{a}", "{b}", "{option:c}", "{{", "}}", "(", ")", " - ", ", ", "word", "x", "[", "]", "5"])


@given(
    st.lists(NAMES, max_size=12).map("".join),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "two", "(3)"])),
)
def test_a_template_never_shows_its_braces_and_loses_no_value(text, values):
    shown = render(parse(text), lambda slot: values.get(slot.name, ""))
    assert "{a}" not in shown
    assert "option:" not in shown
    assert all(
        value in shown for name, value in values.items() if f"{{{name}}}" in text.replace("{{", "").replace("}}", "")
    )


@given(st.text(alphabet="{}()[] ab:-", max_size=60))
def test_any_text_is_a_template_or_says_where_it_is_none(text):
    with suppress(TemplateError):
        assert isinstance(render(parse(text), lambda slot: "v"), str)


class TestInheritance:
    MAPPING = mapping(
        {"Colour": TABLE, "Kept": {"kind": "constant", "value": "all"}},
        {"path": ["Home"], "attributes": {"Colour": {"kind": "constant", "value": "home"}}, "bullets": []},
        {"path": ["Home", "Garden"], "attributes": {"Kept": {"kind": "nothing"}}},
        bullets=[{"kind": "field", "field": "sku"}],
    )

    @pytest.mark.parametrize(("path", "attributes", "bullets"), [
        ((), {"Colour": "Blue", "Kept": "all"}, ("J-M",)),
        (("Toys",), {"Colour": "Blue", "Kept": "all"}, ("J-M",)),
        (("Home",), {"Colour": "home", "Kept": "all"}, ()),
        (("Home", "Garden", "Chairs"), {"Colour": "home"}, ()),
    ])  # fmt: skip
    def test_the_nearest_category_decides(self, path, attributes, bullets):
        mapped = Evaluator(self.MAPPING)(PRODUCT, VARIANT, path)
        assert (mapped.attributes, mapped.bullets) == (attributes, bullets)

    def test_a_copy_holds_the_same_where_it_is_put_and_nothing_elsewhere(self):
        found = copied(self.MAPPING, ("Home", "Garden"), [("Toys",), ("Home",)])
        wanted = effective(self.MAPPING, ("Home", "Garden")).attributes
        assert effective(found, ("Toys",)).attributes == wanted
        assert effective(found, ("Home",)).attributes == wanted
        assert effective(found, ()).attributes == effective(self.MAPPING, ()).attributes

    def test_another_connection_takes_what_it_knows_by_id_or_name(self):
        chosen = mapping({"Colour": TABLE, "Size": {"kind": "option", "name": "Size"}, "Fit": {"kind": "template", "text": "{ mapped:Colour } {mapped:Size}"}, "Odd": {"kind": "nothing"}})  # fmt: skip
        asked = CategoryRequirements(category=None, version="1", attributes=(
            AttributeRequirement(id="c1", name="Colour"), AttributeRequirement(id="Size", name="Maat"), AttributeRequirement(id="f", name="Passform"),
        ))  # fmt: skip
        found, left = adapted(chosen, asked, {"Fit": "f"})
        assert left == ("Odd",)
        assert evaluate(found, PRODUCT, VARIANT).attributes == {"c1": "Blue", "Size": "M", "f": "Blue M"}


def test_a_circle_that_was_never_refused_ends_empty():
    source = {"A": {"kind": "mapped", "attribute": "B"}, "B": {"kind": "mapped", "attribute": "A"}}
    assert evaluate(mapping(source), PRODUCT, VARIANT).attributes == {}
