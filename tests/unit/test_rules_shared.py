"""Rules that several marketplaces have: a product goes through them once, and never for one where they mean another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bridge.domain.mapping.evaluate import Mapped
from bridge.domain.money import Money
from bridge.domain.rules import RuleContext, RuleSet, Subject, compile  # noqa: A004 the word for it
from bridge.flows.price_tables import vat_table

DUTCH = RuleContext(today=date(2026, 11, 26), channel="bol", country="NL", currency="EUR", home="NL", vat=vat_table())
GERMAN = replace(DUTCH, channel="ebay", country="DE")


def lamp() -> Subject:
    return Subject(title="Desk lamp", price=Money.of("60.50", "EUR"), attributes={"colour": "Red"})


def rules(**rule: Any) -> RuleSet:
    return RuleSet.model_validate({"rules": [{"name": "mine", **rule}]})


def text(words: str | dict[str, str]) -> dict[str, Any]:
    source = {"kind": "text", "text": words} if isinstance(words, str) else words
    return {"kind": "text", "target": "title", "change": "append", "words": source}


def equals(field: str, value: str) -> dict[str, str]:
    return {"kind": "text", "field": field, "op": "equals", "value": value}


def in_turn(written: RuleSet, *contexts: RuleContext) -> list[tuple[str, str]]:
    """Title and price of one product on each of these marketplaces."""
    subject = lamp()
    shaped = [compile(written, context).apply(subject) for context in contexts]
    return [(one.title, one.price.text() if one.price else "") for one in shaped]


def test_rules_that_ask_nothing_that_differs_are_the_same_ones() -> None:
    written = rules(then=[text("(2026)")])
    assert compile(written, DUTCH) is compile(written, GERMAN)
    assert in_turn(written, DUTCH, GERMAN, DUTCH) == [("Desk lamp (2026)", "60.50 EUR")] * 3


@pytest.mark.parametrize(("field", "here", "there"), [("channel", "bol", "ebay"), ("country", "NL", "DE")])
def test_rules_that_ask_where_they_are_answer_for_each_place(field: str, here: str, there: str) -> None:
    asking = rules(when=equals(field, there), then=[text("(2026)")])
    titles = [title for title, _ in in_turn(asking, DUTCH, GERMAN, DUTCH)]
    assert titles == ["Desk lamp", "Desk lamp (2026)", "Desk lamp"]
    saying = rules(then=[text({"kind": "field", "field": field})])
    titles = [title for title, _ in in_turn(saying, DUTCH, GERMAN, DUTCH)]
    assert titles == [f"Desk lamp {here}", f"Desk lamp {there}", f"Desk lamp {here}"]


@pytest.mark.parametrize("included", [True, False])
def test_vat_is_that_of_the_buyers_country(included: bool) -> None:
    """By a rule where the store's prices contain VAT, without one where they do not."""
    there = [replace(context, prices_include_tax=included) for context in (DUTCH, GERMAN, DUTCH)]
    prices = [price for _, price in in_turn(rules(then=[{"kind": "vat"}] if included else [text("x")]), *there)]
    assert prices == (["60.50 EUR", "59.50 EUR", "60.50 EUR"] if included else ["73.21 EUR", "72.00 EUR", "73.21 EUR"])


def test_what_a_mapping_makes_is_seen_each_time_the_variant_comes_by() -> None:
    subject, plain = lamp(), compile(rules(then=[text("(2026)")]), DUTCH, ("title",))
    asking = compile(rules(when=equals("attributes.colour", "Blue"), then=[text("in blue")]), DUTCH, ("attributes",))
    for title, colour in (("Lamp", "Blue"), ("Lampe", "Blue"), ("Lampe", "Grey"), ("Lamp", "Blue")):
        mapped = Mapped({"colour": colour}, (), (), {}, {"title": title})
        assert plain.apply(subject, mapped).title == f"{title} (2026)"
        assert asking.apply(subject, mapped).title == (f"{title} in blue" if colour == "Blue" else title)
    assert plain.apply(subject).title == "Desk lamp (2026)"
