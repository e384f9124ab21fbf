"""What is installed in stores is built the same each time."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hatchling.builders.wheel import WheelBuilder

from bridge.cli import cli
from bridge.ports.package import Package
from bridge.registry import discover
from bridge.web.language import LANGUAGES

PACKAGES = {name: found.package for name, found in discover().platforms.items() if found.package is not None}


def _plugin(folder: Path) -> Package:
    for name in ("plugin.php", "includes/b.php", "includes/a.php", ".phpcs.xml", ".git/config"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<?php // {name}\n", encoding="utf-8")
    return Package(folder, "shop-plugin", "1.2.0", "plugin")


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = _plugin(tmp_path / "one").build()
    again = _plugin(tmp_path / "two")
    for path in again.source.rglob("*.php"):
        path.chmod(0o755)
        os.utime(path, (1, 1))
    assert again.build() == first
    target = tmp_path / again.file_name
    target.write_bytes(first)
    assert target.name == "shop-plugin-1.2.0.zip"
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["plugin/includes/a.php", "plugin/includes/b.php", "plugin/plugin.php"]
        assert archive.testzip() is None


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_what_an_adapter_ships_is_built_by_its_name(name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        result = CliRunner().invoke(cli, ["package", name, "--out", str(tmp_path / folder)])
        assert result.exit_code == 0, result.output
    one, two = tmp_path / "one" / PACKAGES[name].file_name, tmp_path / "two" / PACKAGES[name].file_name
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert any(entry.endswith(".php") for entry in archive.namelist())


def test_the_wheel_has_the_languages() -> None:
    builder = WheelBuilder(str(Path(__file__).parent.parent.parent))
    packed = {file.distribution_path for file in builder.recurse_included_files()}
    assert {f"bridge/web/locale/{code}/LC_MESSAGES/storebridge.po" for code in set(LANGUAGES) - {"en"}} <= packed


def test_a_platform_without_one_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["package", "shopify", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "there is nothing to install for 'shopify'" in " ".join(result.output.split())
    result = CliRunner().invoke(cli, ["rehearse", "--platform", "shopify", "--module"])
    assert result.exit_code == 2
    assert "Shopify has no plugin or module to rehearse with" in " ".join(result.output.split())
    real = ["rehearse", "--module", "--store", "https://shop.example", "--key", "ck_1", "--secret", "cs_1", "--yes"]
    result = CliRunner().invoke(cli, real)
    assert result.exit_code == 2
    assert "--module is for the sandbox" in " ".join(result.output.split())


def test_both_modules_ask_for_consent_by_the_same_script() -> None:
    """Each package is whole in itself, so each has its own copy: here they are held to be one."""
    stores = Path(__file__).parents[2] / "platform_adapters"
    mine = stores / "woocommerce" / "plugin" / "storebridge" / "assets" / "consent.js"
    assert mine.read_bytes() == (stores / "magento/module/view/adminhtml/web/js/consent.js").read_bytes()
