"""What later PHPs have given up, which the PHP that runs these tests does not say: Magento's module is for 8.1 to 8.5."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from platform_adapters.magento.storemodule import PACKAGE as MAGENTO
from platform_adapters.woocommerce.module import PACKAGE as WOOCOMMERCE

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in (MAGENTO.source, WOOCOMMERCE.source, ROOT / "tests" / "php")
    for path in folder.rglob("*")
    if path.suffix in {".php", ".phtml"}
)
# https://www.php.net/manual/en/migration84.deprecated.php: it has to be `?Order $order = null`.
NULL_BY_DEFAULT = re.compile(r"[(,]\s*(?:\w+\s+)*?([A-Za-z_\\][\w\\|]*)\s+&?\$\w+\s*=\s*null\b", re.IGNORECASE)
# https://www.php.net/manual/en/migration85.deprecated.php and those before it, as far as a module may have it.
GIVEN_UP = re.compile(
    r"\b(?:curl_close|finfo_close|imagedestroy|xml_parser_free|utf8_encode|utf8_decode|strftime|lcg_value)\s*\("
    r"|\$http_response_header\b|\((?:integer|boolean|double|binary)\)|->setAccessible\("
)


def silently_null(text: str) -> list[str]:
    found = NULL_BY_DEFAULT.finditer(text)
    return [one[0] for one in found if not {"null", "mixed"} & set(one[1].lower().split("|"))]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("function f(Order $order = null)", True),
        ("function f(int $a, private readonly \\Magento\\Order $order = null)", True),
        ("function f(array $all = null)", True),
        ("function f(?Order $order = null)", False),
        ("function f(Order|null $order = null)", False),
        ("function f(mixed $order = null)", False),
        ("function f($order = null)", False),
        ("$of = $order = null;", False),
    ],
)
def test_a_parameter_that_is_null_without_saying_so_is_seen(text: str, is_found: bool) -> None:
    assert bool(silently_null(text)) is is_found


def test_no_parameter_is_null_without_saying_so() -> None:
    assert len(FILES) > 80
    found = {str(path.relative_to(ROOT)): silently_null(path.read_text(encoding="utf-8")) for path in FILES}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_nothing_is_used_that_php_has_given_up() -> None:
    found = {str(path.relative_to(ROOT)): GIVEN_UP.findall(path.read_text(encoding="utf-8")) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}
