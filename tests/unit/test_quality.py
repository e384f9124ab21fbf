"""The quality scale: a tier is had when every rule up to it is done or exempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.ports.quality import QualityError, judge, load_quality, scale


def _all(*tiers: str) -> dict[str, object]:
    return {rule: "done" for tier in tiers for rule in scale()[tier]}


def test_nothing_said_is_no_tier(tmp_path: Path) -> None:
    assert load_quality(tmp_path).tier == "none"


def test_a_tier_needs_those_below_it() -> None:
    assert judge(_all("bronze", "silver")).tier == "silver"
    assert judge(_all("silver", "gold")).tier == "none"


def test_exempt_counts_with_its_reason() -> None:
    rules = _all("bronze", "silver", "gold", "platinum") | {"push": {"exempt": "offers no push messages"}}
    found = judge(rules)
    assert found.tier == "platinum"
    assert found.exempt == {"push": "offers no push messages"}


def test_what_is_open_is_named() -> None:
    found = judge(_all("bronze") | {"limits": "todo"})
    assert found.tier == "bronze"
    assert "limits" in found.open["silver"]


def test_what_should_be_known_of_a_rule_stands_beside_it() -> None:
    found = judge(_all("bronze") | {"limits": {"done": "only as Amazon writes them"}})
    assert "limits" in found.done
    assert found.notes == {"limits": "only as Amazon writes them"}


def test_a_store_is_not_asked_what_only_a_marketplace_can_answer() -> None:
    assert "deadlines" in scale("channel")["gold"]
    assert "deadlines" not in scale("platform")["gold"]
    with pytest.raises(QualityError, match="no rule 'deadlines' for a platform"):
        judge({"deadlines": "done"}, kind="platform")


@pytest.mark.parametrize("value", ["exempt", {"exempt": ""}, {"exempt": 1}, {"done": ""}, True, {}])
def test_exempt_without_a_reason_is_refused(value: object) -> None:
    with pytest.raises(QualityError, match="sandbox must be"):
        judge({"sandbox": value})


def test_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "quality.toml").write_text('[bronze]\nsandboxes = "done"\n')
    with pytest.raises(QualityError, match=r"quality\.toml: the scale has no rule 'sandboxes'"):
        load_quality(tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "quality.toml").write_text("bronze = [")
    with pytest.raises(QualityError, match=r"quality\.toml"):
        load_quality(tmp_path)
