"""Settings: what is wrong is said in one sentence with its variable and its fix, and secrets are not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import Config, ConfigError, database_url, load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("STOREBRIDGE_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)


def test_defaults_need_no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = load()
    assert config.data_dir == tmp_path / "var"
    assert config.effective_database_url == f"sqlite:///{tmp_path}/var/storebridge.db"
    assert config.effective_public_url == "http://127.0.0.1:8000"
    assert config.effective_web_processes == 1
    assert config.workers_of("stock") == 1


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_in_any_spelling_gets_our_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://user:p%40ss@host:5433/name?sslmode=require")
    url = load().effective_database_url
    assert url.startswith("postgresql+psycopg://user:p%40ss@host:5433/name?")
    assert "sslmode=require" in url
    assert "connect_timeout=5" in url


def test_a_given_connect_timeout_is_kept() -> None:
    assert "connect_timeout=30" in database_url("postgresql://host/name?connect_timeout=30")


def test_lists_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREBRIDGE_PRIVATE_HOSTS", "shop.local, 10.0.0.7:8080,")
    monkeypatch.setenv("STOREBRIDGE_WORKERS", "stock=3, sweep=0")
    config = load()
    assert config.private_hosts == ("shop.local", "10.0.0.7:8080")
    assert (config.workers_of("stock"), config.workers_of("sweep"), config.workers_of("orders")) == (3, 0, 1)


def test_the_command_line_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREBRIDGE_PORT", "9000")
    assert load({"port": 9100, "host": None}).port == 9100


def test_empty_means_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("STOREBRIDGE_PORT", "")
    assert load().port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STOREBRIDGE_PORT", "http"),
        ("STOREBRIDGE_PORT", "70000"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "what?"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("STOREBRIDGE_WORKERS", "stock"),
        ("STOREBRIDGE_WORKERS", "bulk=1"),
        ("STOREBRIDGE_WORKERS", "stock=-1"),
        ("STOREBRIDGE_WEB_PROCESSES", "0"),
        ("STOREBRIDGE_WEB_PROCESSES", "2"),
        ("STOREBRIDGE_RETENTION_DAYS", "forever"),
        ("STOREBRIDGE_PUBLIC_URL", "bridge.example"),
        ("STOREBRIDGE_PAGE_TOKEN", "short"),
        ("STOREBRIDGE_LOG_FORMAT", "xml"),
        ("STOREBRIDGE_DEMO", "perhaps"),
    ],
)
def test_a_wrong_value_names_its_variable_and_the_fix(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load()
    assert name in caught.value.message
    assert caught.value.message.count("\n") == 0
    assert caught.value.message.endswith(".")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:hunter22@h/n"),
        ("REDIS_URL", "rds://:hunter22@h"),
        ("STOREBRIDGE_PAGE_TOKEN", "hunter22"),
    ],
)
def test_secrets_are_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load()
    assert "hunter22" not in caught.value.message


def test_secrets_are_not_shown_in_a_repr() -> None:
    config = Config(
        database_url="postgresql://u:hunter22@h/n", redis_url="redis://:hunter22@h", keys=("hunter22",),
        page_token="hunter22hunter22",
    )  # fmt: skip
    assert "hunter22" not in repr(config)


def test_every_setting_has_a_fix() -> None:
    assert [name for name, field in Config.model_fields.items() if not field.description] == []
