"""storebridge migrate and rotate-keys at the command line; run and worker are in tests/faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.db import migrations


@pytest.fixture
def call(tmp_path: Path, bare_database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", bare_database_url)
    monkeypatch.delenv("STOREBRIDGE_KEYS", raising=False)

    def _call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--data-dir", str(tmp_path / "data")])

    return _call


def test_migrate_says_what_it_did(call) -> None:
    assert call("migrate").output == f"The database is at {migrations.head()}; it was empty.\n"
    assert call("migrate").output == f"The database is at {migrations.head()} already.\n"


def test_migrate_says_what_is_wrong(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter22@127.0.0.1:1/name")
    result = call("migrate")
    assert result.exit_code == 2
    assert "DATABASE_URL" in result.output
    assert "hunter22" not in result.output


def test_rotate_keys(call, tmp_path: Path) -> None:
    assert call("migrate").exit_code == 0
    keys = tmp_path / "data" / "keys"
    result = call("rotate-keys")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("0 values")
    first = keys.read_text()
    assert call("rotate-keys").exit_code == 0
    assert keys.read_text() != first
    assert len(keys.read_text().splitlines()) == 1


def test_rotate_keys_wants_the_tables(call) -> None:
    result = call("rotate-keys")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["run", "worker", "migrate", "rotate-keys"])
def test_help_reads_well(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert "--data-dir" in result.output
