"""bench categories: what it prints, how it reads files, and how it says what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.bench import categories
from bridge.bench._category_pairs import held_out, read_pairs, read_targets
from bridge.bench._category_rivals import longest_common_path, token_overlap
from bridge.commands.bench import bench

FILES = Path(__file__).resolve().parent.parent / "fixtures" / "categories"
PAIRS, TARGETS = FILES / "pairs.csv", FILES / "targets.txt"
HEAD = "shopify_id,en,google_en\n"


def test_it_judges_the_files_given() -> None:
    done = CliRunner().invoke(bench, ["categories", "--pairs", str(PAIRS), "--targets", str(TARGETS), "--json"])
    found = json.loads(done.stdout)
    assert set(found) == {"name", "figures", "reference", "ratio", "goal", "within_goal"}
    assert found["name"] == "categories"
    assert found["figures"]["pairs"] == 6
    assert found["figures"]["en top-1"] == 1.0
    assert found["within_goal"]
    for language in ("de", "nl", "fr", "pl"):
        assert found["figures"][f"{language} top-5"] >= 0.6
    assert set(found["reference"]) == {"longest common path", "token overlap"}
    assert found["reference"]["longest common path"]["en top-1"] < 1


def test_without_files_it_judges_the_sample_that_goes_along() -> None:
    found = categories.run([])
    assert found["figures"]["pairs"] == 34
    assert found["figures"]["en top-1"] >= 0.85
    assert found["within_goal"]


def test_the_same_part_is_held_out_each_time() -> None:
    pairs = read_pairs(PAIRS)
    assert [pair.key for pair in pairs if held_out(pair, 0.5)] == [pair.key for pair in pairs if held_out(pair, 0.5)]
    assert all(held_out(pair, 1.0) for pair in pairs)
    whole = categories.run(["--pairs", str(PAIRS), "--targets", str(TARGETS)])["figures"]["pairs"]
    part = categories.run(["--pairs", str(PAIRS), "--targets", str(TARGETS), "--held-out", "0.5"])["figures"]["pairs"]
    assert 0 < part < whole


@pytest.mark.parametrize(("given", "missing"), [("--pairs", "--targets"), ("--targets", "--pairs")])
def test_one_file_alone_is_refused_by_the_name_of_the_other(given: str, missing: str) -> None:
    done = CliRunner().invoke(bench, ["categories", given, str(PAIRS)])
    assert done.exit_code == 2
    assert missing in done.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1, column shopify_id: this column is missing"),
        ("shopify_id,en,de\n", "line 1, column google_en: this column is missing"),
        ("shopify_id,en,en,google_en\n", "line 1, column en: this column occurs twice"),
        (HEAD, "there is no pair in this file"),
        (HEAD + "a,Socks,Apparel > Shoes\nb,Socks\n", "line 3: there are 2 columns instead of 3"),
        (HEAD + "a,,Apparel > Shoes\n", "line 2, column en: this is empty"),
        (HEAD + "a, > ,Apparel > Shoes\n", "line 2, column en: this is empty"),
        (HEAD + "a,Socks,Nowhere\n", "line 2, column google_en: 'Nowhere' is not among the marketplace's categories"),
        (
            HEAD + "a,Socks,Apparel > Shoes\na,Boots,Apparel > Shoes\n",
            "line 3, column shopify_id: 'a' stands in line 2",
        ),
        (HEAD + 'a,"Socks,Apparel > Shoes\n', "this is no CSV"),
    ],
)
def test_bad_pairs_are_named_by_line_and_column(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(click.ClickException, match=r"pairs\.csv") as caught:
        read_pairs(file, ["Apparel > Shoes"])
    assert said in caught.value.message


def test_bad_targets_are_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "targets.txt"
    file.write_text("# comment\nA > B\nA > > C\n", encoding="utf-8")
    with pytest.raises(click.ClickException, match="line 3: 'A > > C' is no path"):
        read_targets(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(click.ClickException, match="there is no category"):
        read_targets(file)
    file.write_bytes(b"A > B\nB\xe4lle\n")
    with pytest.raises(click.ClickException, match="line 2: this is not UTF-8"):
        read_targets(file)


def test_the_rivals() -> None:
    targets = ["A", "A > B", "A > B > C", "D > Blue Cups"]
    assert longest_common_path(targets)("a > b > x")[0] == "A > B"
    assert longest_common_path(targets)("x > y") == []
    assert token_overlap(targets)("cups, blue")[0] == "D > Blue Cups"


def test_tree_distance_and_calibration_error() -> None:
    assert categories.tree_distance("A > B > C", "A > D") == 3
    assert categories.tree_distance("", "A > D") == 2
    assert categories.calibration_error([(1.0, True)] * 10) == 0
    assert categories.calibration_error([(1.0, False)] * 10) == 1
