"""The Magento module's PHP: each file is PHP, its tests pass, and it is given what the adapter sends."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bridge.ports.http.call import encode_json
from platform_adapters.magento import orders
from platform_adapters.magento.orders import OrderWishes, Variant
from platform_adapters.magento.reading import ShopFacts
from platform_adapters.magento.storemodule import FOLDER, PACKAGE
from tests.support.magento import draft, eur
from tests.support.needs import needs

TESTS = Path(__file__).parents[1] / "php" / "magento"
URN = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which(program)
    if found is None:
        needs(program, "apt-get install php-cli php-sqlite3 phpunit")
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=300, check=False)


def test_every_file_is_php() -> None:
    files = sorted([*FOLDER.rglob("*.php"), *FOLDER.rglob("*.phtml")])
    assert len(files) > 30
    for file in files:
        done = run("php", "-d", "display_errors=1", "-d", "error_reporting=-1", "-l", file)
        assert done.stdout.startswith("No syntax errors"), done.stdout + done.stderr


def test_its_own_tests_pass() -> None:
    done = run("phpunit", "--no-configuration", "--do-not-cache-result", "--bootstrap", TESTS / "bootstrap.php", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"OK \((\d+) tests", done.stdout)
    assert found, done.stdout
    assert int(found[1]) > 40


def test_its_tests_place_what_the_adapter_sends() -> None:
    given = draft("75", quantity=2, tax="4.20", shipping=eur("4.95"), shipping_tax=eur("0.86"))
    wishes = OrderWishes.of({"invoice": True})
    body = orders.placing(given, {"75": Variant(75, "A", orders.ZERO)}, ShopFacts(currency="EUR"), wishes)
    assert json.loads((TESTS / "order.json").read_text(encoding="utf-8")) == {"order": json.loads(encode_json(body))}


def test_each_configuration_names_its_schema_and_one_version_stands_everywhere() -> None:
    files = sorted(FOLDER.rglob("*.xml"))
    assert len(files) > 15
    for file in files:
        assert ET.parse(file).getroot().get(URN, "").startswith("urn:magento:"), file
    settings = (FOLDER / "Model" / "Settings.php").read_text(encoding="utf-8")
    assert f"VERSION = '{PACKAGE.version}'" in settings


def test_what_the_database_has_is_on_the_whitelist() -> None:
    """Magento drops nothing that is not on it."""
    listed = json.loads((FOLDER / "etc" / "db_schema_whitelist.json").read_text(encoding="utf-8"))
    for table in ET.parse(FOLDER / "etc" / "db_schema.xml").getroot():
        known = listed[table.get("name")]
        for part, key in (("column", "name"), ("constraint", "referenceId"), ("index", "referenceId")):
            assert {item.get(key) for item in table.findall(part)} == set(known.get(part, {}))


@pytest.mark.parametrize("name", ["Model/Mview/Changes", "Model/Order/Totals", "Cron/Run", "Plugin/Views"])
def test_what_the_configuration_names_is_there(name: str) -> None:
    words = "\n".join(file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.xml"))
    named = {found.replace("\\", "/") for found in re.findall(r"Storebridge\\Connect\\([A-Za-z\\]+)", words)}
    virtual = {"Model/Mview/SourceItemChanges", "Model/Mview/ReservationChanges"}
    assert name in named
    assert [item for item in sorted(named - virtual) if not (FOLDER / f"{item}.php").is_file()] == []


def test_what_a_merchant_reads_is_translated_alike() -> None:
    files = {
        file.stem: list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
        for file in (FOLDER / "i18n").glob("*.csv")
    }
    assert set(files) == {"en_US", "de_DE", "nl_NL", "fr_FR", "pl_PL"}
    words = [row[0] for row in files["en_US"]]
    for rows in files.values():
        assert [row[0] for row in rows] == words
        assert all(row[0].count("%1") == row[1].count("%1") and row[1] for row in rows)
    pages = (FOLDER / "view", FOLDER / "Controller", FOLDER / "Model" / "Connector.php")
    sources = [file for place in pages for file in ([place] if place.is_file() else place.rglob("*.ph*"))]
    said = {
        found.replace("\\'", "'")
        for file in sources
        for found in re.findall(r"__\('((?:[^'\\]|\\.)*)'", file.read_text(encoding="utf-8"))
    }
    told_to_the_bridge = {"This connection code is not known.", "This connection code is too old."}
    assert said - told_to_the_bridge <= set(words)
