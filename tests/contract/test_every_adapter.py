"""The contract suite over every adapter that is installed, each against its own sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RetryLater, SlowDown
from bridge.ports.quality import load_quality
from bridge.registry import discover
from tests.contract.suite import Bench, missing_methods

FOUND = discover()
ADAPTERS = [*FOUND.platforms.values(), *FOUND.channels.values()]
FILES = ("manifest.toml", "client.py", "mapping.py", "README.md", "quality.toml")


@pytest.fixture(params=ADAPTERS, ids=[adapter.name for adapter in ADAPTERS])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def bench(adapter: Adapter, serve: Callable[..., str]) -> Bench:
    return Bench(adapter, serve(adapter.sandbox()))


def test_no_adapter_is_broken() -> None:
    assert dict(FOUND.broken) == {}


def test_it_has_the_files_that_all_have(adapter: Adapter) -> None:
    main = "channel.py" if adapter.manifest.kind == "channel" else "platform.py"
    assert [name for name in (*FILES, main) if not (adapter.folder / name).is_file()] == []
    assert (adapter.folder / "sandbox").is_dir() or (adapter.folder / "sandbox.py").is_file()


def test_its_quality_is_told_in_known_rules(adapter: Adapter) -> None:
    assert load_quality(adapter.folder).done


def test_what_it_declares_it_has(bench: Bench) -> None:
    assert missing_methods(bench.adapter, bench.connect()) == []


def test_what_it_lacks_has_a_reason(adapter: Adapter) -> None:
    manifest = adapter.manifest
    assert not set(manifest.lacks) & set(manifest.capabilities)
    assert all(len(reason) > 10 for reason in manifest.lacks.values())


def test_every_field_has_a_label_and_every_limit_a_source(adapter: Adapter) -> None:
    manifest = adapter.manifest
    fields = (*manifest.credentials, *manifest.settings)
    assert [item.name for item in fields if not item.label or not item.help] == []
    assert [name for name, limit in manifest.limits.items() if not limit.source] == []
    assert any(item.kind == "secret" for item in manifest.credentials)


def test_good_credentials_are_told_by_name(bench: Bench) -> None:
    assert bench.connect().check().name


def test_wrong_credentials_are_refused_for_good(bench: Bench) -> None:
    secret = next(item.name for item in bench.adapter.manifest.credentials if item.kind == "secret")
    with pytest.raises((Reauthorise, AskMerchant)) as refused:
        bench.connect(**{secret: "wrong-secret-value"}).check()
    assert bench.adapter.manifest.title in refused.value.merchant
    assert "wrong-secret-value" not in refused.value.merchant + refused.value.developer


def test_lists_without_anything_are_empty_pages(bench: Bench) -> None:
    made = bench.connect()
    for name, read in bench.lists().items():
        page = read(made)
        assert page.items == (), name


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("error", {"status": 503}, RetryLater),
        ("html", {}, RetryLater),
        ("throttle", {"retry_after": 40}, SlowDown),
        ("reset", {}, RetryLater),
        ("unauthorised", {}, Reauthorise),
    ],
)
def test_faults_become_what_to_do_next(
    bench: Bench, kind: str, params: dict[str, object], expected: type[BridgeError]
) -> None:
    made = bench.connect()
    made.check()
    bench.fault(kind, **params)
    for name, read in bench.lists().items():
        with pytest.raises(expected) as raised:
            read(made)
        assert raised.value.merchant, name
    bench.heal()


def test_nothing_escapes_the_transport(bench: Bench) -> None:
    made = bench.connect()
    made.check()
    for read in bench.lists().values():
        read(made)
    assert len(bench.recorder.exchanges) == len(bench.seen())


def test_no_secret_is_written_down(bench: Bench) -> None:
    made = bench.connect()
    made.check()
    secrets = [
        str(value)
        for item in bench.adapter.manifest.credentials
        if item.kind == "secret" and (value := bench.adapter.sandbox_credentials.get(item.name))
    ]
    written = "\n".join(exchange.as_text() for exchange in bench.recorder.exchanges)
    assert secrets
    assert [secret for secret in secrets if secret in written] == []
