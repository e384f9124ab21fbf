"""bench rules: its rules can be saved, and what it counts adds up."""

from __future__ import annotations

from bridge.bench import rules
from bridge.bench._rule_sample import RULES
from bridge.domain.rules import read_rules


def test_its_twenty_rules_can_be_saved_on_each_marketplace() -> None:
    assert len(RULES["rules"]) == 20
    for place in rules.PLACES:
        ruleset, refusals = read_rules(RULES, rules._context(*place))
        assert refusals == ()
        assert ruleset is not None


def test_it_counts_what_it_measures() -> None:
    found = rules.run(["--variants", "300"])
    assert found["figures"]["listings"] == 900
    assert found["figures"]["listings with a price"] + found["figures"]["listings excluded"] == 900
    assert found["figures"]["listings excluded"] > 0
    assert found["figures"]["changes per listing"] > 3
    assert found["ratio"] > 0
