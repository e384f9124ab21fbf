"""The contract suite over every adapter that is installed, each against its own sandbox over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from bridge.domain import names
from bridge.flows.paging import pages
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RetryLater, SlowDown
from bridge.ports.manifest import Feature
from tests.contract.suite import FOUND, Bench, missing_methods, rule

GOODS = 320  # more than one page of any store
CALLED = re.compile(r"[^_]*[^\W\d_A-Z][^_]*")  # words: small letters, and no _ between them
FILES = ("manifest.toml", "client.py", "mapping.py", "README.md", "quality.toml")


@pytest.fixture
def bench(adapter: Adapter, serve: Callable[..., str]) -> Iterator[Bench]:
    bench = Bench(adapter, serve(adapter.sandbox()))
    with bench.http:
        yield bench


def test_no_adapter_is_broken() -> None:
    assert dict(FOUND.broken) == {}


def test_it_has_the_files_that_all_have(adapter: Adapter) -> None:
    main = "channel.py" if adapter.manifest.kind == "channel" else "platform.py"
    assert [name for name in (*FILES, main) if not (adapter.folder / name).is_file()] == []
    assert (adapter.folder / "sandbox").is_dir() or (adapter.folder / "sandbox.py").is_file()


@rule("contract-suite")
def test_what_it_declares_it_has(bench: Bench) -> None:
    assert missing_methods(bench.adapter, bench.connect()) == []


@rule("manifest")
def test_every_field_has_a_label_and_every_limit_a_source(adapter: Adapter) -> None:
    manifest = adapter.manifest
    fields = (*manifest.credentials, *manifest.settings)
    assert [item.name for item in fields if not item.label or not item.help] == []
    assert [name for name, limit in manifest.limits.items() if not limit.source] == []
    assert manifest.policies.source or manifest.policies == type(manifest.policies)()


@rule("manifest")
def test_whatever_can_be_chosen_is_called_by_words(adapter: Adapter) -> None:
    """No code of the other side's is put before a person: neither as it is nor as what it is called."""
    fields = (*adapter.manifest.credentials, *adapter.manifest.settings)
    codes = [
        f"{field.name}: {value} is called {label}"
        for field in fields
        for value, label in field.choices.items()
        if not CALLED.fullmatch(names.called(label, names.ENGLISH) or label)
    ]
    assert codes == []
    assert [field.name for field in fields if field.kind == "choice" and not field.choices] == []


@rule("checked-before-saved")
def test_good_credentials_are_told_by_name(bench: Bench) -> None:
    assert bench.connect().check().name


@rule("reauthorisation")
def test_wrong_credentials_are_refused_for_good(bench: Bench) -> None:
    secret = next(item.name for item in bench.adapter.manifest.credentials if item.kind == "secret")
    with pytest.raises((Reauthorise, AskMerchant)) as refused:
        bench.connect(**{secret: "wrong-secret-value"}).check()
    assert bench.adapter.manifest.title in refused.value.merchant
    assert "wrong-secret-value" not in refused.value.merchant + refused.value.developer


@rule("empty-answers")
def test_lists_without_anything_are_empty_pages(bench: Bench) -> None:
    made = bench.connect()
    for name, read in bench.lists().items():
        page = read(made)
        assert page.items == (), name


@rule("typed-errors")
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


@rule("one-transport")
def test_nothing_escapes_the_transport(bench: Bench) -> None:
    made = bench.connect()
    made.check()
    for read in bench.lists().values():
        read(made)
    assert len(bench.recorder.exchanges) == len(bench.seen())


@rule("redaction")
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


@rule("two-texts")
def test_an_error_says_who_refused_and_what_to_do(bench: Bench) -> None:
    made = bench.connect()
    made.check()
    bench.fault("error", status=500)
    with pytest.raises(BridgeError) as raised:
        made.check()
    assert bench.adapter.manifest.title in raised.value.merchant
    assert "500" in raised.value.developer


@rule("limits")
def test_limits_are_declared_and_a_429_is_obeyed(bench: Bench) -> None:
    assert bench.adapter.manifest.limits
    made = bench.connect()
    made.check()
    bench.fault("throttle", retry_after=40)
    name, read = next(iter(bench.lists().items()))
    with pytest.raises(SlowDown) as raised:
        read(made)
    assert raised.value.after is not None, name
    assert 30 <= raised.value.after.total_seconds() <= 60
    before = len(bench.seen())
    with pytest.raises(SlowDown):
        read(made)
    assert len(bench.seen()) == before


@rule("unknown-fields")
def test_an_account_with_more_fields_is_read(bench: Bench) -> None:
    bench.fault("drift")
    assert bench.connect().check().name


@rule("contract-suite", kind="platform")
def test_whether_it_sends_test_events_is_said_with_the_reason(bench: Bench) -> None:
    """A sandbox store has no module of ours unless it is asked for."""
    manifest = bench.adapter.manifest
    reason = {**manifest.cannot, **manifest.cannot_alone}[Feature.TEST_EVENT]
    with pytest.raises(AskMerchant) as refused:
        bench.connect().send_test_event("abc1")
    assert refused.value.merchant == reason


@rule("paging-guards", kind="platform")
def test_a_catalogue_whose_cursor_is_stuck_is_no_endless_one(bench: Bench) -> None:
    bench.http.post(f"{bench.url}/_sandbox/seed", json={"products": GOODS, "variable": 0}).raise_for_status()
    made = bench.connect()

    def whole() -> list[str]:
        return [item.external_id for page in pages(lambda cursor: made.list_products(None, cursor)) for item in page]

    assert len(set(whole())) == GOODS
    bench.fault("stuck_cursor")
    with pytest.raises(RetryLater, match="never ends"):
        whole()


@rule("sandbox-faults")
def test_its_sandbox_empties_its_lists(bench: Bench) -> None:
    made = bench.connect()
    bench.fault("empty_list")
    for name, read in bench.lists().items():
        assert read(made).items == (), name
