"""What a marketplace's word for the reason of a return means: every word that its specification lists is known."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.domain.returns import ReturnCause, cause_in
from channel_adapters.allegro import vocabulary as allegro
from channel_adapters.amazon import vocabulary as amazon
from channel_adapters.ebay import returns as ebay
from channel_adapters.kaufland import mapping as kaufland
from channel_adapters.kaufland import vocabulary as kaufland_words
from channel_adapters.mirakl import vocabulary as mirakl
from channel_adapters.zalando import mapping as zalando_mapping
from channel_adapters.zalando import vocabulary as zalando

NOW = datetime(2026, 11, 28, tzinfo=UTC)
# Words of Mirakl's specification that begin alike and are no reason of a buyer.
NO_REASONS = re.compile(r"RETURN_(METHOD|NON_COMPLIANT|REJECTION|LABEL|READ|WRITE|RMA)")


def test_every_reason_that_allegro_lists_is_known(specs_dir: Path) -> None:
    text = (specs_dir / "allegro" / "spec.yaml").read_text(encoding="utf-8")
    listed = re.search(r"CustomerReturnItemReason:.*?Possible values: (.*?)\.'", text, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed[1])) - {"NONE"} == set(allegro.RETURN_CAUSES)


def test_every_reason_that_kaufland_lists_is_known(specs_dir: Path) -> None:
    schemas = json.loads((specs_dir / "kaufland" / "swagger.json").read_text(encoding="utf-8"))["components"]["schemas"]
    assert set(schemas["ReturnReason"]["enum"]) == set(kaufland_words.RETURN_CAUSES)


def test_every_reason_that_mirakl_lists_is_known(specs_dir: Path) -> None:
    text = (specs_dir / "mirakl" / "mirakl-mmp-seller-openapi.json").read_text(encoding="utf-8")
    listed = {word for word in re.findall(r"RETURN_[A-Z_]+", text) if not NO_REASONS.match(word)}
    assert listed == set(mirakl.RETURN_CAUSES)


@pytest.mark.parametrize(
    ("words", "table", "cause"),
    [
        ("AMZ-PG-APP-TOO-SMALL", amazon.RETURN_CAUSES, ReturnCause.TOO_SMALL),
        ("CR-ORDERED_WRONG_ITEM", amazon.RETURN_CAUSES, ReturnCause.CHANGED_MIND),
        ("CR-DAMAGED_BY_CARRIER", amazon.RETURN_CAUSES, ReturnCause.DEFECTIVE),
        ("CR-NO_REASON_GIVEN", amazon.RETURN_CAUSES, ReturnCause.OTHER),
        ("TOO_LARGE", zalando.RETURN_CAUSES, ReturnCause.TOO_LARGE),
        ("item too small", zalando.RETURN_CAUSES, ReturnCause.TOO_SMALL),
        ("", zalando.RETURN_CAUSES, ReturnCause.OTHER),
    ],
)
def test_of_words_it_is_what_they_contain(words: str, table: dict[str, ReturnCause], cause: ReturnCause) -> None:
    assert cause_in(words, table) is cause


def test_it_is_read_with_the_return() -> None:
    assert kaufland.return_line({"reason": "wrong_article"}, {}).cause is ReturnCause.WRONG_ITEM
    assert kaufland.return_line({"reason": "something new"}, {}).cause is ReturnCause.OTHER
    line = {"order_line_id": "1", "return_reason": "TOO_LARGE"}
    back = {"announced_return_id": "1", "orders": [{"order_id": "2", "order_lines": [line]}]}
    assert zalando_mapping.marketplace_return(back, {}, NOW).lines[0].cause is ReturnCause.TOO_LARGE
    about = {"reason": "DEFECTIVE_ITEM", "item": {"returnQuantity": 1}}
    found = ebay.marketplace_return({"returnId": "5", "creationInfo": about}, {}, NOW)
    assert found.lines[0].cause is ReturnCause.DEFECTIVE
