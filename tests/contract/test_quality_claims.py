"""What each adapter claims in its quality.toml and what can be read off its files: proven, or said what to add."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from bridge.ports import tables
from bridge.ports.adapter import Adapter
from bridge.ports.manifest import Capability
from bridge.ports.quality import load_quality, proven, scale
from bridge.registry import discover
from tests.contract.suite import rule

ROOT = Path(__file__).parents[2]
TESTS = (
    "test_every_adapter", "test_every_channel", "test_every_consent", "test_quality_claims", "test_shrinking_lists",
)  # fmt: skip
NETWORK = {"httpx", "requests", "urllib3", "aiohttp", "http", "socket", "ftplib", "websocket", "websockets"}
IMPURE = {*NETWORK, "time", "os", "random", "secrets", "flask", "subprocess", "redis"}
# Questions, and how late their answer may come: a sale has to be told within minutes.
ASKED = {
    Capability.ORDERS: (("orders", 600), ("open_orders", 7200)),
    Capability.RETURNS: (("returns", 3600),),
    Capability.READ_BACK: (("offers", 86400),),
}


def test_every_rule_of_the_scale_is_answered(adapter: Adapter) -> None:
    quality = load_quality(adapter.folder, adapter.manifest.kind)
    lines = [
        f'  [{tier}] {name} = "done", "todo" or {{ exempt = "why it does not apply" }}   # {text}'
        for tier, rules in scale(adapter.manifest.kind).items()
        for name, text in rules.items()
        if name in quality.unsaid
    ]
    assert not lines, f"{adapter.folder / 'quality.toml'} says nothing of these rules; add:\n" + "\n".join(lines)
    assert quality.tried, f'{adapter.folder / "quality.toml"}: add at the top tried = "against what it was tried"'


def test_the_scale_knows_what_is_proven() -> None:
    """A rule is proven where a test carries its name; the list in scale.toml is for people and for the table."""
    found: set[str] = set()
    for name in TESTS:
        for test in vars(importlib.import_module(f"tests.contract.{name}")).values():
            found |= {mark.args[0] for mark in getattr(test, "pytestmark", ()) if mark.name == "rule"}
    assert found == proven()
    known = {name for kind in ("channel", "platform") for rules in scale(kind).values() for name in rules}
    assert found <= known


def test_the_readme_has_the_table_of_adapters() -> None:
    table = tables.quality_table(discover().all())
    assert tables.table_in(ROOT / "README.md", "quality") == table, "README.md is not up to date: run make tables"


@rule("documented")
def test_its_readme_has_the_table_of_its_manifest(adapter: Adapter) -> None:
    readme = adapter.folder / "README.md"
    found = tables.table_in(readme, "capabilities")
    assert found is not None, f"{readme}: add <!-- capabilities --> and <!-- end of capabilities -->, run make tables"
    assert found == tables.capabilities_table(adapter.manifest), f"{readme} is not up to date: run make tables"


@rule("declared-or-lacking")
def test_every_capability_is_declared_or_lacking_with_a_reason(adapter: Adapter) -> None:
    manifest = adapter.manifest
    known = tables.CAPABILITIES[manifest.kind]
    silent = [item.value for item in known if item not in manifest.capabilities and item not in manifest.lacks]
    assert not silent, (
        f'{adapter.folder / "manifest.toml"}, [lacks]: add {silent[0]} = "why, for a merchant" (of {silent})'
    )
    assert not set(manifest.lacks) & set(manifest.capabilities)
    assert [item.value for item, reason in manifest.lacks.items() if len(reason) < 20] == []


@rule("instructions")
def test_its_readme_names_every_credential(adapter: Adapter) -> None:
    text = (adapter.folder / "README.md").read_text(encoding="utf-8").lower()
    fields = adapter.manifest.credentials
    said = {item.name: re.split(r"[(:]", item.label.lower())[0].strip() for item in fields}
    silent = [name for name, label in said.items() if label not in text and name.lower() not in text]
    assert not silent, f"{adapter.folder / 'README.md'} says nothing of the credentials {silent}"


@rule("secrets")
def test_what_must_not_be_seen_is_a_secret_field(adapter: Adapter) -> None:
    words = ("secret", "password", "token", "private_key")
    fields = [item for item in adapter.manifest.credentials if any(word in item.name for word in words)]
    assert [item.name for item in fields if item.kind != "secret"] == []
    assert any(item.kind == "secret" for item in adapter.manifest.credentials)


@rule("pure-mapping")
def test_its_mapping_imports_nothing_that_acts(adapter: Adapter) -> None:
    assert _imports(adapter.folder / "mapping.py") & IMPURE == set()


@rule("one-transport")
def test_only_its_sandbox_could_open_a_connection(adapter: Adapter) -> None:
    """httpx is known to clients for what a request is; what opens a connection is made nowhere."""
    for path in adapter.folder.glob("*.py"):
        assert _imports(path) & (NETWORK - {"httpx", "requests", "http"}) == set(), path
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"httpx.Client", "httpx.get", "httpx.post", "httpx.request", "requests.get", "requests.post"}


@rule("sandbox")
def test_its_sandbox_has_the_paths_that_all_have(adapter: Adapter) -> None:
    rules = {str(item) for item in adapter.sandbox().url_map.iter_rules()}
    names = ("requests", "faults", "reset", "batch", "orders")
    names += ("offers",) if adapter.manifest.kind == "channel" else ("stock",)
    names += ("returns",) if Capability.RETURNS in adapter.manifest.capabilities else ()
    assert [name for name in names if f"/_sandbox/{name}" not in rules] == []


@rule("asked-in-time", kind="channel")
def test_it_says_how_often_to_ask(adapter: Adapter) -> None:
    manifest = adapter.manifest
    wanted = [pair for capability, pairs in ASKED.items() if capability in manifest.capabilities for pair in pairs]
    for name, most in wanted:
        assert name in manifest.polling, (
            f"manifest.toml, [polling]: add {name} = {{ every = seconds, overlap = seconds }}"
        )
        assert manifest.polling[name].every <= most, (
            f"manifest.toml: {name} is asked every {manifest.polling[name].every} s"
        )


@rule("privacy")
def test_it_says_how_long_personal_data_may_be_kept(adapter: Adapter) -> None:
    policies = adapter.manifest.policies
    assert policies.personal_data_days, (
        'manifest.toml, [policies]: add personal_data_days and its source, or in quality.toml privacy = { exempt = "…" }'
    )
    assert policies.source


@rule("specification")
def test_it_is_held_against_the_official_specification(adapter: Adapter) -> None:
    path = ROOT / "tests" / "contract" / f"test_{adapter.name}_conformance.py"
    assert path.is_file(), f"{path} is missing: see tests/contract/test_bol_conformance.py"
    assert "specs_dir" in path.read_text(encoding="utf-8") or "recorded" in path.read_text(encoding="utf-8")


@rule("bulk")
def test_it_sends_several_at_once(adapter: Adapter) -> None:
    sizes = adapter.manifest.batch
    assert max(sizes.values(), default=1) > 1, (
        'manifest.toml, [batch]: add update_stock = n, or in quality.toml bulk = { exempt = "there are no bulk calls" }'
    )


def _imports(path: Path) -> set[str]:
    """Top-level names of the packages a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {item.name.partition(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_a_claim_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    (tmp_path / "quality.toml").write_text("tried = 3\n")
    with pytest.raises(ValueError, match="tried is a sentence"):
        load_quality(tmp_path)
