"""The WordPress plugin's PHP: each file is PHP, its tests pass, and it looks as WordPress wants it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

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


def test_every_file_is_php() -> None:
    files = [path for path in PACKAGE.files().values() if path.suffix == ".php"]
    assert len(files) > 15
    for file in files:
        assert run("php", "-l", file).startswith("No syntax errors")


def test_its_own_tests_pass() -> None:
    found = re.search(r"OK \((\d+) tests", run("phpunit", "-c", TESTS / "phpunit.xml"))
    assert found is not None
    assert int(found[1]) > 90


def test_it_looks_as_wordpress_wants_it() -> None:
    run("phpcs", f"--standard={TESTS / 'phpcs.xml'}", "--extensions=php", PACKAGE.source)
