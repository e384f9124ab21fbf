"""The WordPress plugin's PHP: each file is PHP, its tests pass, and it looks as WordPress wants it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from babel.messages import Catalog, mofile, pofile

from platform_adapters.woocommerce.module import PACKAGE
from tests.support.needs import needs

TESTS = Path(__file__).parents[1] / "php" / "woocommerce"


def run(program: str, *arguments: str | Path) -> str:
    """What it said; it must have ended well."""
    found = shutil.which(program)
    if found is None:
        needs(program, "apt-get install php-cli php-mbstring php-sqlite3 php-xml phpunit php-codesniffer")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


def said(read: Callable[[BinaryIO], Catalog], path: Path) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Each text, with its plural where it has one, and what it is in this language."""

    def forms(text: Any) -> tuple[str, ...]:
        return (text,) if isinstance(text, str) else tuple(text)

    with path.open("rb") as file:
        return {forms(item.id): forms(item.string) for item in read(file) if item.id and not item.fuzzy}


def test_every_file_is_php() -> None:
    files = [path for path in PACKAGE.files().values() if path.suffix == ".php"]
    assert len(files) > 15
    for file in files:
        said = run("php", "-d", "display_errors=1", "-d", "error_reporting=-1", "-l", file)
        assert said.startswith("No syntax errors"), said


def test_its_own_tests_pass() -> None:
    found = re.search(r"OK \((\d+) tests", run("phpunit", "-c", TESTS / "phpunit.xml"))
    assert found is not None
    assert int(found[1]) > 90


def test_it_looks_as_wordpress_wants_it() -> None:
    run("phpcs", f"--standard={TESTS / 'phpcs.xml'}", "--extensions=php", PACKAGE.source)


@pytest.mark.parametrize("locale", ["de_DE", "fr_FR", "nl_NL", "pl_PL"])
def test_each_language_has_every_text_and_is_made_ready(locale: str) -> None:
    folder = PACKAGE.source / "languages"
    asked = said(pofile.read_po, folder / "storebridge.pot")
    written = said(pofile.read_po, folder / f"storebridge-{locale}.po")
    assert written.keys() == asked.keys()
    assert [text for text, words in written.items() if not all(words)] == []
    assert said(mofile.read_mo, folder / f"storebridge-{locale}.mo") == written
