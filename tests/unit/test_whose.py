"""B5: which product a sold line means, after SKUs were renamed, given to another product, or doubled."""

from __future__ import annotations

import itertools

import pytest

from bridge.domain.whose import Candidate, whose

OLD, NEW = Candidate(1, "B", "871-1"), Candidate(2, "A", "871-2")  # A was renamed B, and A is another product's now
PLAIN = Candidate(3, "A", None)


@pytest.mark.parametrize(
    ("gtin", "owner", "by_sku", "by_gtin", "found"),
    [
        pytest.param(None, None, [NEW], [], NEW, id="by SKU"),
        pytest.param("871-2", None, [], [NEW], NEW, id="by GTIN"),
        pytest.param(None, None, [], [], None, id="nobody"),
        pytest.param(None, None, [NEW, PLAIN], [], None, id="a double SKU"),
        pytest.param("871-2", None, [NEW, PLAIN], [NEW], None, id="a double SKU, whatever the GTIN"),
        pytest.param("871-2", None, [], [NEW, OLD], None, id="a double GTIN"),
        pytest.param("871-1", None, [NEW], [OLD], None, id="SKU and GTIN of two products"),
        pytest.param("871-9", None, [NEW], [], NEW, id="a GTIN that nobody has says nothing"),
        pytest.param("871-1", None, [PLAIN], [OLD], PLAIN, id="a product without a GTIN contradicts nothing"),
        pytest.param(None, OLD, [], [], OLD, id="renamed since"),
        pytest.param("871-1", OLD, [NEW], [OLD], OLD, id="renamed and reused: the GTIN tells"),
        pytest.param("871-2", OLD, [NEW], [NEW], NEW, id="renamed and reused: the offer was taken over"),
        pytest.param(None, OLD, [NEW], [], None, id="renamed and reused: a person says"),
        pytest.param("871-9", OLD, [NEW], [], None, id="renamed and reused, and a GTIN that is neither's"),
        pytest.param(None, NEW, [NEW], [], NEW, id="the usual: offer and SKU agree"),
    ],
)
def test_a_line(
    gtin: str | None,
    owner: Candidate | None,
    by_sku: list[Candidate],
    by_gtin: list[Candidate],
    found: Candidate | None,
) -> None:
    assert whose(gtin, owner, by_sku, by_gtin) == found


def test_never_a_product_that_nothing_speaks_for() -> None:
    everyone = (None, OLD, NEW, PLAIN)
    for owner, first, second, third in itertools.product(everyone, repeat=4):
        by_sku, by_gtin = [item for item in (first, second) if item], [item for item in (third,) if item]
        for gtin in (None, "871-1", "871-2"):
            found = whose(gtin, owner, by_sku, by_gtin)
            assert found is None or found in (owner, *by_sku, *by_gtin)
