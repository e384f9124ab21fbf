"""The command line: help that reads well, and bad input answered with what to do, never with a traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.commands.bench import benchmarks
from bridge.commands.door import LEVEL, Refused, in_words, pairs, says_what_to_do
from tests.support.command import storebridge

NAMES = sorted(cli.commands)
BENCHMARKS = benchmarks()


LOADS = """
import gc
from bridge import cli
cli.cli.main = lambda **_: __import__("bridge.app")
before = [found["collections"] for found in gc.get_stats()]
cli.main()
print(sum(found["collections"] for found in gc.get_stats()) - sum(before))
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_what_is_loaded_for_a_command_is_not_looked_through_meanwhile() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20


def _run(data_dir: Path, *arguments: str, **options: Any) -> Result:
    return storebridge({"STOREBRIDGE_DATA_DIR": str(data_dir)}, *arguments, **options)


@pytest.mark.parametrize("name", NAMES)
def test_help_reads_well(data_dir: Path, name: str) -> None:
    command = cli.commands[name]
    result = _run(data_dir, name, "--help")
    assert result.exit_code == 0
    summary = command.get_short_help_str(60)
    assert not summary.endswith("..."), "the first sentence is too long for the overview"
    assert summary.endswith(".")
    silent = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
    assert silent == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["connect", "bool"], "ADAPTER: There is no adapter 'bool'; installed are:"),
        (["connect", "bol", "-c", "client_id"], "'client_id' must be NAME=VALUE."),
        (["connect", "bol", "-c", "client_secret=@/no/such/file"], "the file '/no/such/file' cannot be read"),
        (["connect", "bol", "-s", "buffer=lots"], "Safety buffer: must be a whole number."),
        (["connect", "bol"], "Client ID is missing: enter client_id."),
        (["disconnect", "bol"], "There is no shop yet: connect a store first"),
        (["replay", "1"], "There is no shop yet"),
        (["replay", "1", "--shop", "Toys"], "--shop: There is no single shop 'Toys'; there are: none."),
        (["pause", "7"], "There is no shop yet"),
        (["adapters", "nothing"], "there is no adapter 'nothing'"),
        (["bench", "nothing"], "there is no benchmark 'nothing'"),
        (["rehearse", "--channel", "nothing"], "There is no adapter 'nothing' of this kind"),
        (["rehearse", "--patience", "0"], "0.0 is not in the range"),
        (["rehearse", "--store", "https://shop.example"], "--key: the real store's API key is missing."),
    ],
)
def test_bad_input_is_answered_with_the_fix(data_dir: Path, arguments: list[str], text: str) -> None:
    _run(data_dir, "migrate")
    result = _run(data_dir, *arguments)
    assert result.exit_code == 2, result.output
    assert text in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [["--help"], ["--", "--help"]])
@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_tells_its_own_options(data_dir: Path, name: str, arguments: list[str]) -> None:
    result = _run(data_dir, "bench", name, *arguments)
    assert result.exit_code == 0, result.output
    assert f"Usage: storebridge bench {name} [OPTIONS]" in result.output
    assert "Measure one part" not in result.output


def test_the_benchmarks_together_tell_theirs(data_dir: Path) -> None:
    shown = _run(data_dir, "bench", "--help")
    assert shown.exit_code == 0
    assert "Measure one part, or all of them" in shown.output
    assert "--list" in shown.output


def test_the_rehearsal_sets_its_log_level_for_itself_alone(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LEVEL, raising=False)
    before = dict(os.environ)
    assert CliRunner().invoke(cli, ["rehearse", "--channel", "nothing"]).exit_code == 2
    assert dict(os.environ) == before


def test_a_database_that_is_not_ready_is_named(data_dir: Path) -> None:
    result = _run(data_dir, "replay", "1")
    assert result.exit_code == 2
    assert "storebridge migrate" in result.output


def test_a_wrong_setting_is_named(data_dir: Path) -> None:
    result = CliRunner().invoke(
        cli, ["replay", "1"], env={"STOREBRIDGE_DATA_DIR": str(data_dir), "STOREBRIDGE_PORT": "x"}
    )
    assert result.exit_code == 2
    assert "STOREBRIDGE_PORT is wrong" in result.output


def test_adapters_as_json(data_dir: Path) -> None:
    listed = json.loads(_run(data_dir, "adapters", "--json").stdout)
    by_name = {item["name"]: item for item in listed}
    assert {"bol", "woocommerce"} <= set(by_name)
    assert by_name["bol"]["kind"] == "channel"
    assert by_name["woocommerce"]["kind"] == "platform"
    assert "orders" in by_name["bol"]["capabilities"]
    assert {item["quality"] for item in listed} <= {"none", "bronze", "silver", "gold", "platinum"}


def test_an_adapter_tells_its_fields(data_dir: Path) -> None:
    output = _run(data_dir, "adapters", "bol").output
    assert "returns: the buyer has 30 days; decide within 48 hours" in output
    assert "client_secret (secret, required): Client secret." in output


def test_doctor_as_json(data_dir: Path) -> None:
    result = _run(data_dir, "doctor", "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 1
    assert said["ok"] is False
    assert {"name", "state", "detail", "fix"} == set(said["checks"][0])


def test_values_can_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret\n")
    option = click.Option(["--credential"])
    found = pairs(click.Context(cli), option, [f"key=@{secret}", "name=a=b"])
    assert found == {"key": "s3cret", "name": "a=b"}


def test_a_fault_of_ours_is_one_sentence() -> None:
    @click.command()
    @says_what_to_do
    def broken() -> None:
        raise KeyError("price")

    result = CliRunner().invoke(broken, [])
    assert result.exit_code == 1
    assert "This is a fault of Storebridge" in result.output
    assert "Traceback" not in result.output


def test_debug_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREBRIDGE_LOG_LEVEL", "debug")

    @says_what_to_do
    def broken() -> None:
        raise KeyError("price")

    with pytest.raises(KeyError):
        broken()


def test_refused_ends_with_two() -> None:
    assert Refused("no").exit_code == 2


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    @click.command()
    @says_what_to_do
    def tell() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    told = CliRunner().invoke(tell)
    assert (told.exit_code, told.output) == (1, "")


def test_what_programs_hold_is_told_in_words() -> None:
    assert in_words({"taxes": True, "carriers": ["DHL", "PostNL"], "shop": "2001"}) == (
        "taxes: yes, carriers: DHL, PostNL, shop: 2001"
    )
