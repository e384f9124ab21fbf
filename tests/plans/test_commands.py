"""The same by the command line, on the sandbox shop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli
from tests.faults.test_marketplace_faults import listed
from tests.plans.test_api import RULES
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(180)


def run(stack: Stack, *arguments: str, code: int = 0) -> Result:
    told = CliRunner().invoke(cli, list(arguments), env=stack.env)
    assert told.exit_code == code, told.output
    return told


def file(folder: Path, content: Any) -> str:
    path = folder / "given.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.both_databases
def test_a_day_at_the_command_line(stack: Stack, tmp_path: Path) -> None:
    listed(stack, A=9)
    told = run(stack, "plan", "--stock", file(tmp_path, {"buffer": 4}), "--note", "Weekend").output
    assert "Plan 1: 1 changed" in told
    assert "stock: 9 -> 5" in told
    assert "storebridge apply 1" in told
    assert "Applied as version 1" in run(stack, "apply", "1").output
    stack.drain()
    assert stack.shown("A") == 5
    assert "stock of connection" in run(stack, "versions").output
    assert "applied already" in run(stack, "apply", "1", code=2).output
    rules = {"rules": [RULES["rules"][1], {"name": "Cheaper", "then": [{"kind": "markup", "percent": "-50"}]}]}
    told = run(stack, "rules", "import", file(tmp_path, rules), "--channel", "bol").output
    assert "Beyond your limits: 1 price on bol.com" in told
    assert "Confirm it if it is meant" in run(stack, "apply", "2", code=2).output
    run(stack, "apply", "2", "--confirm")
    stack.drain()
    assert stack.offer("A")["price"] == 5.0  # type: ignore[index]
    assert json.loads(run(stack, "rules", "export").output) == rules
    assert "Cheaper: 10.00 EUR -> 5.00" in run(stack, "explain", "A").output
    assert "offers, price at rest" in run(stack, "hold", "bol", "--flow", "price", "--flow", "offers").output
    assert "rests         offers, price" in run(stack, "explain", "A").output
    run(stack, "resume", "bol", "--flow", "price")
    run(stack, "resume", "bol")
    assert "not paused" in run(stack, "resume", "bol", code=2).output
    assert "Nothing waits" in run(stack, "confirm", "bol", "--list").output
    assert "reaches beyond your limits" in run(stack, "undo", code=2).output, "the price goes up again by 100 %"
    assert "Version 2 is undone; that is version 3" in run(stack, "undo", "--confirm").output
    stack.drain()
    assert stack.offer("A")["price"] == 10.0  # type: ignore[index]
    mapping = {"sections": [{"attributes": {"Colour": {"kind": "attribute", "name": "Farbe"}}}]}
    told = run(stack, "mapping", "import", file(tmp_path, mapping)).output
    run(stack, "apply", told.split("apply ")[-1].strip())
    table = tmp_path / "mapping.csv"
    table.write_text(run(stack, "mapping", "table").output, encoding="utf-8")
    assert "Colour" in table.read_text(encoding="utf-8")
    assert "changes nothing" in run(stack, "mapping", "import", str(table), code=2).output, "it comes back as it was"
    told = run(stack, "mapping", "copy", "--category", "Kitchen", "--into", "Kitchen > Mugs", "--json").output
    [wish] = json.loads(told)["changes"]
    assert wish["kind"] == "attribute_mapping"
    assert "Give --from and --to" in run(stack, "mapping", "copy", code=2).output
    assert "another marketplace" in run(stack, "mapping", "copy", "--from", "bol", "--to", "bol", code=2).output
    assert "Nothing of A waits" in run(stack, "confirm", "bol", "--sku", "A", code=2).output
    assert "Give a FILE" in run(stack, "plan", code=2).output
    assert (
        "bufer: There is no such field here."
        in run(stack, "plan", "--stock", file(tmp_path, {"bufer": 1}), code=2).output
    )
