"""What a merchant's choice of matching means, for SKUs, EANs and order lines; and that nothing is ever guessed."""

from __future__ import annotations

import itertools

import pytest

from bridge.domain.matching import BY, COMPARED, By, Compared, Matching, spellings, told_apart
from bridge.domain.whose import Candidate

A, B, TWIN = Candidate(1, "A", "871-1"), Candidate(2, "B", "871-2"), Candidate(3, "a", "871-3")
EVERY = [Matching(by, compared) for by, compared in itertools.product(By, Compared)]


def test_what_is_not_set_is_sku_first_letter_by_letter() -> None:
    assert Matching.of({}) == Matching(By.BOTH, Compared.EXACT)
    assert Matching.of({BY: "ean", COMPARED: "loose"}) == Matching(By.EAN, Compared.LOOSE)


def test_a_sku_is_compared_as_chosen() -> None:
    exact, loose = Matching(), Matching(compared=Compared.LOOSE)
    assert exact.sku(" Ab-1 ") != exact.sku("ab-1")
    assert loose.sku(" Ab-1 ") == loose.sku("aB-1")
    assert loose.sku("Ab 1") != loose.sku("Ab1"), "spaces within a SKU are a part of it"
    assert loose.sku("ÄÖ1") == loose.sku("äö1")


def test_what_does_not_count_says_nothing() -> None:
    assert Matching(By.EAN).sku("A") == ""
    assert Matching(By.SKU).gtin("871-1") == ""
    assert [(item.sku(None), item.gtin(None), item.sku("")) for item in EVERY] == [("", "", "")] * len(EVERY)


@pytest.mark.parametrize("sku", ["AB-1", "  ab-1 ", "Äb1", "äB1", "ŁÓDŹ-1", "straße"])
def test_a_database_that_knows_a_to_z_only_finds_what_is_alike(sku: str) -> None:
    def of_database(text: str) -> str:
        return "".join(letter.lower() if letter.isascii() else letter for letter in text.strip(" "))

    for written in (sku, sku.lower(), sku.upper(), f" {sku} "):
        if Matching(compared=Compared.LOOSE).sku(written) == Matching(compared=Compared.LOOSE).sku(sku):
            assert of_database(written) in spellings(sku)
            assert written.strip(" ").lower() in spellings(sku), "and so does one that knows them all"


@pytest.mark.parametrize(
    ("by", "gtin", "owner", "by_sku", "by_gtin", "found"),
    [
        pytest.param(By.BOTH, "871-2", None, [A], [B], None, id="both: they contradict each other"),
        pytest.param(By.SKU, "871-2", None, [A], [B], A, id="SKU alone: the EAN says nothing"),
        pytest.param(By.EAN, "871-2", None, [A], [B], B, id="EAN alone: the SKU says nothing"),
        pytest.param(By.SKU, "871-1", None, [], [A], None, id="SKU alone: unknown SKU"),
        pytest.param(By.EAN, None, None, [A], [], None, id="EAN alone: no EAN"),
        pytest.param(By.SKU, None, None, [A, TWIN], [], None, id="SKU alone: two"),
        pytest.param(By.EAN, "871-1", None, [], [A, B], None, id="EAN alone: two"),
        pytest.param(By.EAN, None, A, [B], [], A, id="EAN alone: whose offer it is here"),
        pytest.param(By.EAN, "871-2", A, [], [B], None, id="EAN alone: its EAN is another product's now"),
        pytest.param(By.SKU, "871-1", A, [B], [A], None, id="SKU alone: its SKU is another product's now"),
        pytest.param(By.SKU, None, A, [A], [], A, id="SKU alone: offer and SKU agree"),
    ],
)
def test_a_line(
    by: By,
    gtin: str | None,
    owner: Candidate | None,
    by_sku: list[Candidate],
    by_gtin: list[Candidate],
    found: Candidate | None,
) -> None:
    assert Matching(by).line(gtin, owner, by_sku, by_gtin) == found


def test_never_one_of_several() -> None:
    for by_sku, by_gtin in itertools.product(([], [A], [A, TWIN]), ([], [B], [A, B])):
        told = told_apart(by_sku, by_gtin)
        if told.how in ("by_sku", "by_gtin"):
            assert len(told.ids) == 1
        for matching in EVERY:
            if len(by_sku) != 1 and len(by_gtin) != 1:
                assert matching.line("871-1", None, by_sku, by_gtin) is None
