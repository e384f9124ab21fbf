"""Rules: the four of the brief, what conditions mean, what actions do, and the trace that explains it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.buffers import FixedBuffer
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.measure import Measure
from bridge.domain.money import Money
from bridge.domain.pricing.exchange import FixedRate, Rates
from bridge.domain.pricing.vat import RateKind, TaxClasses, VatRate, VatTable
from bridge.domain.rules import Compiled, RuleContext, RuleSet, Shaped, Subject, apply, read_rules, subject_of

TODAY = date(2026, 11, 26)
ECB = Rates(
    day=date(2026, 11, 25),
    source="ECB",
    rates={"GBP": Decimal("0.8338"), "PLN": Decimal("4.4038"), "JPY": Decimal("175.68"), "HUF": Decimal("366.33")},
)


def _vat(country: str, standard: str, reduced: str | None = None) -> list[VatRate]:
    kinds = {RateKind.STANDARD: standard, RateKind.REDUCED: reduced}
    return [
        VatRate(country=country, kind=kind, percent=Decimal(percent), valid_from=date(2021, 1, 1), source="law")
        for kind, percent in kinds.items()
        if percent
    ]


VAT = VatTable(
    [*_vat("NL", "21", "9"), *_vat("DE", "19", "7"), *_vat("GB", "20"), *_vat("HU", "27"), *_vat("FR", "20", "10")]
)
NL = RuleContext(
    today=TODAY,
    channel="bol",
    country="NL",
    currency="EUR",
    home="NL",
    rates=ECB,
    vat=VAT,
    tax_classes=TaxClasses(everywhere={"reduced-rate": RateKind.REDUCED}),
)
UK = RuleContext(today=TODAY, channel="amazon", country="GB", currency="GBP", home="NL", rates=ECB, vat=VAT)


def lamp(**changes: Any) -> Subject:
    values: dict[str, Any] = {
        "sku": "LAMP-1", "title": "Desk lamp", "brand": "Acme", "price": Money.of("60.50", "EUR"), "cost": Money.of("30", "EUR"),
        "stock": 8, "categories": ("Home > Lamps",), "tags": ("sale", "Light"), "attributes": {"colour": "Red", "weight": "2.5", "sizes": ("S", "M")},
        "custom": {"lining": "silk", "grams": "250"}, "weight": Decimal("1.5"), "regular_price": Money.of("70", "EUR"), "vendor": "Acme NV",
        "modified": date(2026, 11, 20), "images": 2,
    }  # fmt: skip
    return Subject(**{**values, **changes})


def rules(*entries: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate(
        {"rules": [{"name": f"rule {number}", **entry} for number, entry in enumerate(entries)]}
    )


def shape(subject: Subject, *entries: dict[str, Any], context: RuleContext = NL) -> Shaped:
    return apply(rules(*entries), subject, context)


def holds(condition: dict[str, Any], subject: Subject | None = None, context: RuleContext = NL) -> bool | None:
    """What a condition says: True, False, or None where a finding says that it is not known."""
    shaped = shape(subject or lamp(), {"when": condition, "then": [{"kind": "cap", "units": 1}]}, context=context)
    if any(finding.rule == "rule_unknown" for finding in shaped.findings):
        assert shaped.cap is None
        return None
    return shaped.cap == 1


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


# The four rules of the brief.

MARGIN_RULE = {
    "when": {"kind": "money", "field": "margin", "op": "<", "value": money("15")},
    "then": [{"kind": "exclude", "reason": "margin below 15 EUR"}],
}
BRAND_RULE = {
    "then": [{"kind": "text", "target": "title", "change": "prepend", "words": {"kind": "field", "field": "brand"}}]
}
POUND_RULE = {
    "when": {"kind": "set", "field": "country", "op": "in", "values": ["GB"]},
    "then": [{"kind": "convert", "currency": "GBP"}],
}
BUFFER_RULE = {"then": [{"kind": "buffer", "buffer": {"kind": "fixed", "units": 5}}]}


def test_excluded_below_15_euro_margin() -> None:
    # 60.50 with 21 % is 50.00 without: 20 over a cost of 30, 14.99 over one of 35.01.
    assert shape(lamp(), MARGIN_RULE).excluded is None
    assert shape(lamp(cost=Money.of("35", "EUR")), MARGIN_RULE).excluded is None
    shaped = shape(lamp(cost=Money.of("35.01", "EUR")), MARGIN_RULE)
    assert (shaped.excluded, shaped.price) == ("margin below 15 EUR", None)
    assert [(touch.field, touch.rule, touch.after) for touch in shaped.trace] == [
        ("excluded", "rule 0", "margin below 15 EUR")
    ]


def test_margin_without_cost_neither_passes_nor_excludes_silently() -> None:
    shaped = shape(lamp(cost=None), MARGIN_RULE)
    assert (shaped.excluded, shaped.held, shaped.blocked) == (None, None, False)
    assert [(finding.rule, finding.field) for finding in shaped.findings] == [("rule_unknown", "cost")]
    assert "'rule 0'" in shaped.findings[0].text
    held = shape(lamp(cost=None), {**MARGIN_RULE, "hold_unknown": True})
    assert held.held is not None
    assert "cost" in held.held


def test_brand_name_in_front_of_every_title_once() -> None:
    assert shape(lamp(), BRAND_RULE).title == "Acme Desk lamp"
    assert shape(lamp(title="ACME desk lamp"), BRAND_RULE, BRAND_RULE).title == "ACME desk lamp"
    assert shape(lamp(title="Acmeware lamp"), BRAND_RULE, BRAND_RULE).title == "Acme Acmeware lamp"
    assert shape(lamp(brand=""), BRAND_RULE).title == "Desk lamp"
    assert shape(lamp(title=""), BRAND_RULE).title == "Acme"


@given(
    st.text(min_size=1, max_size=8),
    st.text(max_size=20),
    st.sampled_from(["prepend", "append"]),
    st.sampled_from([" ", "", " - ", "x"]),
)
def test_adding_words_twice_is_adding_them_once(brand: str, title: str, change: str, separator: str) -> None:
    rule = {
        "then": [
            {
                "kind": "text",
                "target": "title",
                "change": change,
                "words": {"kind": "field", "field": "brand"},
                "separator": separator,
            }
        ]
    }
    once = shape(lamp(brand=brand, title=title), rule).title
    assert shape(lamp(brand=brand, title=title), rule, rule).title == once
    assert title in once


def test_euro_to_pound_for_the_united_kingdom() -> None:
    shaped = shape(lamp(price=Money.of("100", "EUR")), POUND_RULE, context=UK)
    assert shaped.price == Money.of("83.38", "GBP")
    assert shaped.trace[0].before == "100 EUR"
    assert shaped.trace[0].note == "1 EUR = 0.8338 GBP (ECB, 2026-11-25, 1 day old)"
    assert shape(lamp(price=Money.of("100", "EUR")), POUND_RULE).price == Money.of("100", "EUR")


def test_a_safety_buffer_of_five() -> None:
    shaped = shape(lamp(), BUFFER_RULE)
    assert shaped.buffer == FixedBuffer(units=5)
    assert shaped.trace[0][:4] == ("buffer", "rule 0", "", "5 units")


# Conditions.


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"kind": "always"}, True),
        ({"kind": "text", "field": "title", "op": "contains", "value": "LAMP"}, True),
        ({"kind": "text", "field": "title", "op": "contains", "value": "LAMP", "exact_case": True}, False),
        ({"kind": "text", "field": "title", "op": "equals", "value": "desk lamp"}, True),
        ({"kind": "text", "field": "title", "op": "starts", "value": "desk"}, True),
        ({"kind": "text", "field": "title", "op": "ends", "value": "desk"}, False),
        ({"kind": "text", "field": "sku", "op": "matches", "value": "lamp-?"}, True),
        ({"kind": "text", "field": "sku", "op": "matches", "value": "*[a-z]*"}, False),
        ({"kind": "text", "field": "description", "op": "empty"}, True),
        ({"kind": "text", "field": "categories", "op": "starts", "value": "home >"}, True),
        ({"kind": "text", "field": "tags", "op": "empty"}, False),
        ({"kind": "text", "field": "attributes.colour", "op": "equals", "value": "red"}, True),
        ({"kind": "text", "field": "attributes.none", "op": "empty"}, True),
        ({"kind": "text", "field": "attributes.sizes", "op": "equals", "value": "m"}, True),
        ({"kind": "set", "field": "tags", "op": "has any", "values": ["SALE", "new"]}, True),
        ({"kind": "set", "field": "tags", "op": "has all", "values": ["sale", "new"]}, False),
        ({"kind": "set", "field": "tags", "op": "none", "values": ["new"]}, True),
        ({"kind": "set", "field": "brand", "op": "in", "values": ["acme", "other"]}, True),
        ({"kind": "set", "field": "attributes.sizes", "op": "has all", "values": ["s", "m"]}, True),
        ({"kind": "set", "field": "country", "op": "none", "values": ["GB"]}, True),
        ({"kind": "text", "field": "channel", "op": "equals", "value": "bol"}, True),
        ({"kind": "number", "field": "stock", "op": ">=", "value": 8}, True),
        ({"kind": "number", "field": "stock", "op": "between", "value": 9, "upto": 10}, False),
        ({"kind": "text", "field": "custom.lining", "op": "equals", "value": "silk"}, True),
        ({"kind": "set", "field": "custom.lining", "op": "in", "values": ["wool"]}, False),
        ({"kind": "number", "field": "custom.grams", "op": "=", "value": 250}, True),
        ({"kind": "number", "field": "weight", "op": ">", "value": "1.5"}, False),
        ({"kind": "money", "field": "regular_price", "op": "=", "value": money("70")}, True),
        ({"kind": "text", "field": "origin", "op": "empty"}, True),
        ({"kind": "number", "field": "images", "op": "=", "value": 2}, True),
        ({"kind": "number", "field": "attributes.weight", "op": "<", "value": "2.6"}, True),
        ({"kind": "number", "field": "attributes.colour", "op": "<", "value": 3}, None),
        ({"kind": "number", "field": "margin_percent", "op": "=", "value": 40}, True),
        ({"kind": "money", "field": "price", "op": "between", "value": money("60.50"), "upto": money("60.50")}, True),
        ({"kind": "money", "field": "price", "op": ">", "value": money("50", "GBP")}, True),
        ({"kind": "money", "field": "price", "op": ">", "value": money("51", "GBP")}, False),
        ({"kind": "money", "field": "price", "op": ">", "value": money("1", "USD")}, None),
        ({"kind": "money", "field": "cost", "op": "<=", "value": money("30")}, True),
        ({"kind": "date", "field": "modified", "op": "within", "days": 6}, True),
        ({"kind": "date", "field": "modified", "op": "within", "days": 5}, False),
        ({"kind": "date", "field": "modified", "op": "before", "day": "2026-11-21"}, True),
        ({"kind": "date", "field": "modified", "op": "after", "day": "2026-11-20"}, False),
        ({"kind": "date", "field": "attributes.colour", "op": "after", "day": "2026-11-20"}, None),
    ],
)  # fmt: skip
def test_conditions(condition: dict[str, Any], expected: bool | None) -> None:
    assert holds(condition) is expected
    opposite = holds({"kind": "not", "of": condition})
    assert opposite is (None if expected is None else not expected)


THREE = {
    True: {"kind": "text", "field": "brand", "op": "equals", "value": "acme"},
    False: {"kind": "text", "field": "brand", "op": "empty"},
    None: {"kind": "money", "field": "margin", "op": "<", "value": money("15")},
}


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=4))
def test_groups_are_three_valued(values: list[bool | None]) -> None:
    subject = lamp(cost=None)
    every = False if False in values else (None if None in values else True)
    some = True if True in values else (None if None in values else False)
    parts = [THREE[value] for value in values]
    assert holds({"kind": "all", "of": parts}, subject) is every
    assert holds({"kind": "any", "of": parts}, subject) is some


def test_margin_is_unknown_where_the_vat_in_the_price_is() -> None:
    condition = THREE[None]
    assert holds(condition, context=RuleContext(today=TODAY, vat=VAT, rates=ECB)) is None
    net = RuleContext(today=TODAY, country="NL", vat=VAT, prices_include_tax=False)
    assert (
        holds(
            {"kind": "money", "field": "margin", "op": "=", "value": money("30.50")},
            context=RuleContext(today=TODAY, country="NL", vat=VAT, prices_include_tax=False),
        )
        is True
    )
    assert holds(condition, lamp(price=None), net) is None


def test_later_rules_see_what_earlier_ones_made_and_stop_ends_them() -> None:
    double = {
        "when": {"kind": "text", "field": "brand", "op": "equals", "value": "Acme"},
        "then": [{"kind": "markup", "percent": 100}],
        "stop": True,
    }
    dear = {
        "when": {"kind": "money", "field": "price", "op": ">", "value": money("100")},
        "then": [{"kind": "hold", "reason": "dear"}],
    }
    same = {
        "when": {"kind": "money", "field": "store_price", "op": ">", "value": money("100")},
        "then": [{"kind": "hold", "reason": "store"}],
    }
    assert shape(lamp(), {**double, "stop": False}, same, dear).held == "dear"
    assert shape(lamp(), double, dear).held is None
    assert shape(lamp(), {**double, "enabled": False}, dear).held is None


def test_include_only() -> None:
    only = {
        "when": {"kind": "set", "field": "tags", "op": "has any", "values": ["sale"]},
        "then": [{"kind": "include_only", "reason": "not on sale"}],
    }
    assert shape(lamp(), only).excluded is None
    assert shape(lamp(tags=()), only).excluded == "not on sale"
    cheap = {"when": THREE[None], "then": [{"kind": "include_only", "reason": "no bargain"}]}
    unknown = shape(lamp(cost=None), cheap)
    assert unknown.excluded is None
    assert unknown.findings[0].field == "cost"
    abroad = {
        "when": {"kind": "set", "field": "country", "op": "in", "values": ["GB"]},
        "then": [{"kind": "include_only", "reason": "UK only"}],
    }
    assert shape(lamp(), abroad).excluded == "UK only"


# Actions on words.


def _text(target: str, change: str, text: str) -> dict[str, Any]:
    return {"kind": "text", "target": target, "change": change, "words": {"kind": "text", "text": text}}


def test_texts_bullets_and_attributes() -> None:
    subject = lamp(bullets=("Bright",))
    shaped = shape(
        subject,
        {
            "then": [
                _text("title", "append", "(2026)"),
                {"kind": "replace", "target": "title", "find": "Desk", "put": "Table"},
            ]
        },
        {
            "then": [
                _text("bullets", "append", "Dimmable"),
                _text("bullets", "prepend", "New"),
                _text("bullets", "append", "New"),
            ]
        },
        {
            "then": [
                _text("attributes.colour", "set", "Blue"),
                _text("attributes.sizes", "append", "L"),
                _text("attributes.room", "append", "Office"),
            ]
        },
        {"then": [_text("description", "set", "A lamp."), _text("brand", "set", "")]},
        {
            "then": [
                {
                    "kind": "text",
                    "target": "description",
                    "change": "append",
                    "words": {"kind": "field", "field": field},
                }
                for field in ("channel", "custom.lining", "tags")
            ]
        },
    )
    assert (shaped.title, shaped.bullets, shaped.description, shaped.brand) == (
        "Table lamp (2026)",
        ("New", "Bright", "Dimmable"),
        "A lamp. bol silk sale, Light",
        "",
    )
    assert shaped.attributes == {"colour": "Blue", "sizes": ("S", "M", "L"), "room": "Office"}
    assert subject.attributes == {"colour": "Red", "weight": "2.5", "sizes": ("S", "M")}
    assert shaped.trace[0] == ("title", "rule 0", "Desk lamp", "Desk lamp (2026)", "")
    assert ("attributes.colour", "rule 2", "Red", "Blue", "") in shaped.trace


def test_limits_of_stock_and_handling() -> None:
    shaped = shape(
        lamp(),
        {"then": [{"kind": "cap", "units": 3}, {"kind": "handling", "days": 2}]},
        {"then": [{"kind": "cap", "units": 4}]},
    )
    assert (shaped.cap, shaped.handling_days, shaped.buffer) == (4, 2, None)
    assert shaped.trace[-1] == ("cap", "rule 1", "3", "4", "")


# Actions on the price.


def price(*actions: dict[str, Any], subject: Subject | None = None, context: RuleContext = NL) -> str | None:
    shaped = shape(subject or lamp(), *({"then": [action]} for action in actions), context=context)
    return shaped.price.text() if shaped.price else None


def test_a_price_is_taken_from_a_field() -> None:
    assert price({"kind": "price_of", "field": "regular_price"}) == "70.00 EUR"
    assert price({"kind": "price_of", "field": "regular_price"}, subject=lamp(regular_price=None)) == "60.50 EUR"
    listed = lamp(custom={"bol_price": " 65,90 ", "none": "", "words": "ask us", "free": "0"})
    taken = [
        price({"kind": "price_of", "field": f"custom.{name}"}, subject=listed) for name in ("bol_price", "none", "gone")
    ]
    assert taken == ["65.90 EUR", "60.50 EUR", "60.50 EUR"]
    assert price({"kind": "vat", "country": "DE"}, {"kind": "price_of", "field": "store_price"}) == "60.50 EUR"
    for name, said in (("words", "'ask us'"), ("free", "'0'")):
        shaped = shape(listed, {"then": [{"kind": "price_of", "field": f"custom.{name}"}]})
        [finding] = [item for item in shaped.findings if item.rule == "price_rule"]
        assert (shaped.price, finding.blocking, said in finding.text) == (None, True, True)
    assert price({"kind": "price_of", "field": "custom.bol_price"}, subject=replace(listed, price=None)) is None


@pytest.mark.parametrize("field", ["title", "cost", "margin", "stock", "nothing"])
def test_a_price_is_taken_from_no_other_field(field: str) -> None:
    _, refusals = read_rules({"rules": [{"name": "R", "then": [{"kind": "price_of", "field": field}]}]}, NL)
    assert [item.path for item in refusals] == ["rules.0.then.0.field"]


def test_prices() -> None:
    assert price({"kind": "markup", "percent": 10}) == "66.55 EUR"
    assert price({"kind": "markup", "percent": "-10"}) == "54.45 EUR"
    assert price({"kind": "markup", "percent": 50, "over": "cost"}) == "54.45 EUR"  # 30 x 1.21 x 1.5
    assert price({"kind": "margin", "percent": 40}) == "60.50 EUR"  # 30 / 0.6 x 1.21
    assert price({"kind": "set_price", "amount": money("9.95")}) == "9.95 EUR"
    assert price({"kind": "add_to_price", "amount": money("-0.50")}) == "60.00 EUR"
    assert price({"kind": "add_to_price", "amount": money("8.338", "GBP")}) == "70.50 EUR"
    assert price({"kind": "vat"}) == "60.50 EUR"
    assert price({"kind": "vat", "country": "DE"}) == "59.50 EUR"
    assert price({"kind": "vat", "country": "DE"}, {"kind": "vat"}) == "60.50 EUR"
    assert price({"kind": "round_ending", "ending": "0.99"}) == "60.99 EUR"
    assert price({"kind": "round_ending", "ending": "0.99", "direction": "down"}) == "59.99 EUR"
    assert price({"kind": "round_ending", "ending": "9.90", "every": 10, "direction": "up"}) == "69.90 EUR"
    assert price({"kind": "round_ending", "ending": 0}) == "61.00 EUR"
    assert price({"kind": "round_step", "step": "0.05"}, subject=lamp(price=Money.of("1.02", "EUR"))) == "1.00 EUR"


def test_marketplace_precision() -> None:
    assert price(subject=lamp(price=Money.of("99.036", "PLN"))) == "99.04 PLN"
    assert price({"kind": "convert", "currency": "JPY"}) == "10629 JPY"
    assert price({"kind": "convert", "currency": "HUF"}) == "22163 HUF"
    traced = shape(lamp(price=Money.of("99.036", "PLN"))).trace
    assert traced == (("price", "(rounding)", "99.036 PLN", "99.04 PLN", ""),)


def test_a_rate_the_merchant_fixed_goes_first_both_ways() -> None:
    fixed = ECB.model_copy(update={"fixed": (FixedRate(base="EUR", currency="GBP", rate=Decimal("0.9")),)})
    context = RuleContext(today=TODAY, rates=fixed)
    shaped = shape(lamp(), {"then": [{"kind": "convert", "currency": "GBP"}]}, context=context)
    assert shaped.price == Money.of("54.45", "GBP")
    assert shaped.trace[0].note == "1 EUR = 0.9 GBP (fixed by the merchant)"
    assert (
        price({"kind": "convert", "currency": "EUR"}, subject=lamp(price=Money.of("54.45", "GBP")), context=context)
        == "60.50 EUR"
    )


def test_bounds_hold_for_the_price_that_is_sent() -> None:
    floor, ceiling = {"kind": "floor", "amount": money("20")}, {"kind": "ceiling", "amount": money("50")}
    assert price(floor, {"kind": "set_price", "amount": money("3")}) == "20.00 EUR"
    assert price(ceiling, {"kind": "markup", "percent": 900}) == "50.00 EUR"
    assert (
        price(floor, {"kind": "set_price", "amount": money("3")}, {"kind": "convert", "currency": "GBP"}) == "16.68 GBP"
    )
    shaped = shape(lamp(), {"then": [ceiling]}, {"then": [{"kind": "floor", "amount": money("51")}]})
    assert (shaped.price, shaped.blocked) == (None, True)
    assert "rule 1" in shaped.findings[0].text


def test_what_has_no_price_blocks_that_product_and_keeps_its_stock_right() -> None:
    for actions, field in (
        ([{"kind": "margin", "percent": 20}], "cost"),
        ([{"kind": "markup", "percent": 20, "over": "cost"}], "cost"),
        ([{"kind": "convert", "currency": "USD"}], "price"),
        ([{"kind": "vat", "country": "XX"}], "tax_class"),
        ([{"kind": "add_to_price", "amount": money("-70")}], "price"),
    ):
        shaped = shape(lamp(cost=None), {"then": actions}, BUFFER_RULE)
        assert [finding.field for finding in shaped.findings if finding.blocking] == [field]
        assert (shaped.price, shaped.buffer) == (None, FixedBuffer(units=5))
    assert shape(lamp(price=Money.of("9.99e23", "EUR")), {"then": [{"kind": "markup", "percent": 10}]}).blocked
    assert shape(lamp(price=None), BUFFER_RULE).findings == ()


NET = RuleContext(
    today=TODAY,
    country="DE",
    vat=VAT,
    prices_include_tax=False,
    tax_classes=TaxClasses(everywhere={"reduced-rate": RateKind.REDUCED}),
)


def test_prices_without_tax_are_sent_with_the_buyers_vat() -> None:
    fifty = lamp(price=Money.of("50", "EUR"))
    shaped = shape(fifty, {"then": [{"kind": "round_ending", "ending": "0.95"}]}, context=NET)
    assert shaped.price == Money.of("59.95", "EUR")
    assert shaped.trace[0] == ("price", "(VAT)", "50 EUR", "59.5 EUR", "19 % VAT DE (law)")
    assert price(subject=lamp(price=Money.of("50", "EUR"), tax_class="reduced-rate"), context=NET) == "53.50 EUR"
    only_reduced = {
        "when": {"kind": "text", "field": "tax_class", "op": "equals", "value": "reduced-rate"},
        "then": [{"kind": "vat"}],
    }
    assert shape(fifty, only_reduced, context=NET).price == Money.of("59.50", "EUR")
    assert shape(fifty, context=RuleContext(today=TODAY, prices_include_tax=False)).blocked


# All together.

ACTIONS = st.lists(
    st.one_of(
        st.builds(lambda n: {"kind": "markup", "percent": n}, st.integers(-90, 300)),
        st.builds(lambda n: {"kind": "add_to_price", "amount": money(f"{n / 100:.2f}")}, st.integers(-2000, 2000)),
        st.builds(lambda c: {"kind": "convert", "currency": c}, st.sampled_from(["GBP", "JPY", "PLN", "EUR", "HUF"])),
        st.builds(lambda c: {"kind": "vat", "country": c}, st.sampled_from(["NL", "DE", "GB", "HU"])),
        st.builds(
            lambda d: {"kind": "round_ending", "ending": "0.99", "direction": d},
            st.sampled_from(["up", "down", "nearest"]),
        ),
        st.builds(lambda n: {"kind": "floor", "amount": money(str(n))}, st.integers(1, 20)),
        st.builds(lambda n: {"kind": "ceiling", "amount": money(str(n))}, st.integers(21, 90)),
        st.just({"kind": "margin", "percent": 30}),
    ),
    max_size=8,
)


@given(ACTIONS, st.decimals("0.01", "9999", places=3), st.decimals("0.01", "999", places=2) | st.none())
def test_any_price_is_whole_coins_above_nothing_within_bounds_and_explained(
    actions: list[dict[str, Any]], amount: Decimal, cost: Decimal | None
) -> None:
    subject = lamp(price=Money.of(amount, "EUR"), cost=Money.of(cost, "EUR") if cost else None)
    compiled = Compiled(rules({"then": actions}) if actions else rules(), NL)
    shaped = compiled.apply(subject)
    assert shaped == compiled.apply(replace(subject, known={}))
    assert (shaped.price is None) == shaped.blocked
    if shaped.price is None:
        return
    assert shaped.price == shaped.price.quantised()
    assert shaped.price.amount > 0
    steps = [touch for touch in shaped.trace if touch.field == "price"]
    assert [touch.before for touch in steps[1:]] == [touch.after for touch in steps[:-1]]
    if steps:
        assert Money.of(*steps[-1].after.split()) == shaped.price
    for kind, better in (("floor", max), ("ceiling", min)):
        bounds = [action["amount"] for action in actions if action["kind"] == kind]
        if bounds:
            bound = ECB.convert(Money.of(**bounds[-1]), shaped.price.currency).amount
            assert better(bound, shaped.price.amount) == shaped.price.amount


def test_a_subject_from_the_catalogue() -> None:
    variant = StoreVariant(
        external_id="11", product_id="1", sku="A", title="Shirt - Red", options={"colour": "Red"}, price=Money.of("10", "EUR"), cost=Money.of("3", "EUR"),
        stock=StockReading(pool="11", managed=True, on_hand=4), image="b.jpg", weight=Measure(amount=Decimal(250), unit="g"), custom={"fabric": "wool"},
    )  # fmt: skip
    product = StoreProduct(
        external_id="1", title="Shirt", images=("a.jpg", "b.jpg"), attributes={"colour": "Blue", "fit": "slim"}, tags=("new",), custom={"fabric": "silk"},
        categories=("Shirts",), category_paths=(("Clothing", "Shirts"),), tax_class="reduced-rate", modified_at=datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=1))),
    )  # fmt: skip
    subject = subject_of(product, variant)
    assert (subject.title, subject.brand, subject.images, subject.stock, subject.gtin) == ("Shirt - Red", "", 2, 4, "")
    assert (subject.attributes, subject.custom) == ({"colour": "Red", "fit": "slim"}, {"fabric": "wool"})
    assert (subject.categories, subject.cost, subject.weight, subject.tax_class) == (
        ("Shirts", "Clothing > Shirts"),
        Money.of("3", "EUR"),
        Decimal("0.25"),
        "reduced-rate",
    )
    assert subject.modified == date(2026, 11, 20)
    odd = variant.model_copy(
        update={"weight": Measure(amount=Decimal(1), unit="stone"), "stock": StockReading(pool="11", managed=False)}
    )
    assert (subject_of(product, odd).weight, subject_of(product, odd).stock) == (None, None)


def test_rules_survive_json_and_have_a_schema_for_forms() -> None:
    ruleset = rules(MARGIN_RULE, BRAND_RULE, POUND_RULE, BUFFER_RULE)
    assert RuleSet.model_validate_json(ruleset.model_dump_json()) == ruleset
    schema = RuleSet.model_json_schema()
    condition = schema["$defs"]["Rule"]["properties"]["when"]
    assert set(condition["discriminator"]["mapping"]) == {
        "all",
        "always",
        "any",
        "date",
        "money",
        "not",
        "number",
        "set",
        "text",
    }
    assert all(
        definition.get("additionalProperties") is False
        for definition in schema["$defs"].values()
        if definition["type"] == "object"
    )
    assert "margin" in json.dumps(schema["$defs"]["MoneyIs"]["properties"]["field"])
