"""Rules that cannot work are refused when they are saved, and the field is named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.pricing.exchange import Rates
from bridge.domain.pricing.vat import RateKind, VatRate, VatTable
from bridge.domain.rules import RuleContext, RuleSet, read_rules, refused_at_saving

VAT = VatTable(
    [VatRate(country="NL", kind=RateKind.STANDARD, percent=Decimal(21), valid_from=date(2012, 10, 1), source="law")]
)
RATES = Rates(day=date(2026, 11, 25), source="ECB", rates={"GBP": Decimal("0.83"), "JPY": Decimal(175)})
EURO = RuleContext(today=date(2026, 11, 26), currency="EUR", rates=RATES, vat=VAT)
YEN = RuleContext(today=date(2026, 11, 26), currency="JPY", rates=RATES, vat=VAT)

CAP = [{"kind": "cap", "units": 1}]


def _when(condition: Any) -> dict[str, Any]:
    return {"rules": [{"name": "a", "when": condition, "then": CAP}]}


def _then(*actions: Any) -> dict[str, Any]:
    return {"rules": [{"name": "a", "then": list(actions)}]}


def _text(**changes: Any) -> dict[str, Any]:
    return {"kind": "text", "field": "title", "op": "contains", "value": "x", **changes}


def _number(**changes: Any) -> dict[str, Any]:
    return {"kind": "number", "field": "stock", "op": "<", "value": 1, **changes}


def _money(amount: Any = "1", currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _deep(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"kind": "always"}
    for _ in range(levels):
        condition = {"kind": "not", "of": condition}
    return condition


PRICE = {"kind": "money", "field": "price", "op": "<", "value": _money()}
WORDS = {"kind": "text", "target": "title", "change": "append"}

REFUSED: list[tuple[Any, str]] = [
    (_when(_text(field="nonsense")), "rules.0.when.field"),
    (_when(_text(field="attributes.")), "rules.0.when.field"),
    (_when(_text(field="price")), "rules.0.when.field"),
    (_when(_text(op="like")), "rules.0.when.op"),
    (_when(_text(value="")), "rules.0.when.value"),
    (_when(_text(op="empty")), "rules.0.when.value"),
    (_when(_text(other=1)), "rules.0.when.other"),
    (_when(_number(field="title")), "rules.0.when.field"),
    (_when(_number(value="many")), "rules.0.when.value"),
    (_when(_number(value="NaN")), "rules.0.when.value"),
    (_when(_number(op="between")), "rules.0.when.upto"),
    (_when(_number(op="between", upto=0)), "rules.0.when.upto"),
    (_when(_number(upto=3)), "rules.0.when.upto"),
    (_when({**PRICE, "field": "stock"}), "rules.0.when.field"),
    (_when({**PRICE, "value": _money(currency="EUX")}), "rules.0.when.value.currency"),
    (_when({**PRICE, "value": _money(currency="USD")}), "rules.0.when.value.currency"),
    (_when({**PRICE, "op": "between", "upto": _money("2", "GBP")}), "rules.0.when.upto.currency"),
    (_when({"kind": "set", "field": "tags", "op": "in", "values": ["a"]}), "rules.0.when.op"),
    (_when({"kind": "set", "field": "brand", "op": "has all", "values": ["a", "b"]}), "rules.0.when.op"),
    (_when({"kind": "set", "field": "tags", "op": "has any", "values": []}), "rules.0.when.values"),
    (_when({"kind": "set", "field": "tags", "op": "has any", "values": ["a", " "]}), "rules.0.when.values.1"),
    (_when({"kind": "date", "field": "modified", "op": "before"}), "rules.0.when.day"),
    (_when({"kind": "date", "field": "modified", "op": "within", "days": -1}), "rules.0.when.days"),
    (_when({"kind": "date", "field": "title", "op": "within", "days": 1}), "rules.0.when.field"),
    (_when({"kind": "all", "of": []}), "rules.0.when.of"),
    (_when({"kind": "any", "of": [{"kind": "always"}, _text(field="x")]}), "rules.0.when.of.1.field"),
    (_when({"kind": "not", "of": _text(field="x")}), "rules.0.when.of.field"),
    (_when({"kind": "eval", "of": "1"}), "rules.0.when.kind"),
    (_when({}), "rules.0.when.kind"),
    (_when(_deep(6)), "rules.0.when.of.of.of.of.of.of"),
    ({"rules": [{"name": "a", "then": []}]}, "rules.0.then"),
    ({"rules": [{"name": "", "then": CAP}]}, "rules.0.name"),
    ({"rules": [{"name": "a", "then": CAP}, {"name": "a", "then": CAP}]}, "rules.1.name"),
    (_then({"kind": "margin", "percent": 100}), "rules.0.then.0.percent"),
    (_then({"kind": "margin", "percent": "100.01"}), "rules.0.then.0.percent"),
    (_then({"kind": "margin", "percent": -1}), "rules.0.then.0.percent"),
    (_then({"kind": "markup", "percent": -100}), "rules.0.then.0.percent"),
    (_then({"kind": "convert", "currency": "XXX"}), "rules.0.then.0.currency"),
    (_then({"kind": "convert", "currency": "USD"}), "rules.0.then.0.currency"),
    (_then({"kind": "convert", "currency": "euro"}), "rules.0.then.0.currency"),
    (_then({"kind": "cap", "units": -1}), "rules.0.then.0.units"),
    (_then({"kind": "cap", "units": 1.5}), "rules.0.then.0.units"),
    (_then({"kind": "buffer", "buffer": {"kind": "percent", "percent": 101}}), "rules.0.then.0.buffer.percent"),
    (_then({"kind": "buffer", "buffer": {"kind": "adaptive", "risk": 0}}), "rules.0.then.0.buffer.risk"),
    (_then({"kind": "buffer", "buffer": {"kind": "guess"}}), "rules.0.then.0.buffer.kind"),
    (_then({"kind": "handling", "days": -1}), "rules.0.then.0.days"),
    (_then({"kind": "exclude", "reason": ""}), "rules.0.then.0.reason"),
    (_then({"kind": "round_ending", "ending": "1.99"}), "rules.0.then.0.ending"),
    (_then({"kind": "round_ending", "ending": "0.999"}), "rules.0.then.0.ending"),
    (_then({"kind": "round_step", "step": 0}), "rules.0.then.0.step"),
    (_then({"kind": "set_price", "amount": _money("0")}), "rules.0.then.0.amount.amount"),
    (_then({"kind": "floor", "amount": _money("9")}, {"kind": "ceiling", "amount": _money("8")}), "rules.0.then.1.amount"),
    (_then({"kind": "vat", "country": "ZZ"}), "rules.0.then.0.country"),
    (_then({**WORDS, "target": "price", "words": {"kind": "text", "text": "x"}}), "rules.0.then.0.target"),
    (_then({**WORDS, "words": {"kind": "text", "text": ""}}), "rules.0.then.0.words.text"),
    (_then({**WORDS, "words": {"kind": "text", "text": 5}}), "rules.0.then.0.words.text"),
    (_then({**WORDS, "words": {"kind": "field", "field": "price"}}), "rules.0.then.0.words.field"),
    (_then({**WORDS, "words": {"kind": "field", "field": "x"}}), "rules.0.then.0.words.field"),
    (_then({"kind": "replace", "target": "title", "find": ""}), "rules.0.then.0.find"),
    ([], ""),
    ({"rules": {}}, "rules"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "path"), REFUSED)
def test_what_cannot_work_is_refused_by_the_name_of_its_field(data: Any, path: str) -> None:
    ruleset, refusals = read_rules(data, EURO)
    assert ruleset is None
    assert [refusal.path for refusal in refusals] == [path]
    assert refusals[0].text.endswith(".")


def test_what_a_margin_of_a_hundred_percent_means_is_said() -> None:
    _, refusals = read_rules(_then({"kind": "margin", "percent": 100}), EURO)
    assert "divided by nothing" in refusals[0].text


def test_a_price_ending_needs_coins_that_small() -> None:
    ending = RuleSet.model_validate(_then({"kind": "round_ending", "ending": "0.99"}))
    assert refused_at_saving(ending, EURO) == ()
    assert [refusal.path for refusal in refused_at_saving(ending, YEN)] == ["rules.0.then.0.ending"]
    assert (
        refused_at_saving(RuleSet.model_validate(_then({"kind": "round_ending", "ending": 90, "every": 100})), YEN)
        == ()
    )


def test_everything_wrong_is_told_at_once_and_deep_nesting_breaks_nothing() -> None:
    _, refusals = read_rules(
        {"rules": [_when(_text(field="x"))["rules"][0], _then({"kind": "convert", "currency": "XXX"})["rules"][0]]},
        EURO,
    )
    assert [refusal.path for refusal in refusals] == ["rules.0.when.field", "rules.1.name", "rules.1.then.0.currency"]
    ruleset, refusals = read_rules(_when(_deep(2000)), EURO)
    assert ruleset is None
    assert refusals


def test_on_a_marketplace_what_could_never_be_known_is_refused() -> None:
    margin = RuleSet.model_validate(_when({"kind": "money", "field": "margin", "op": "<", "value": _money()}))
    vat = RuleSet.model_validate(_then({"kind": "vat"}))
    bare, known = (
        RuleContext(today=EURO.today, channel="bol"),
        RuleContext(today=EURO.today, channel="bol", country="NL", home="NL", vat=VAT),
    )
    assert [refusal.path for refusal in refused_at_saving(margin, bare)] == ["rules.0.when.field"]
    assert [refusal.path for refusal in refused_at_saving(vat, bare)] == ["rules.0.then.0.country"]
    for ruleset in (margin, vat):
        assert refused_at_saving(ruleset, EURO) == refused_at_saving(ruleset, known) == ()
