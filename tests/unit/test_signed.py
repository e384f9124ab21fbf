"""What store modules and the bridge sign, held against vectors that PHP is held against too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.domain import signed

VECTORS = json.loads((Path(__file__).parents[1] / "fixtures" / "modules" / "vectors.json").read_text("utf-8"))[
    "vectors"
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector(vector: dict[str, Any]) -> None:
    body, now = bytes.fromhex(vector["body_hex"]), datetime.fromtimestamp(vector["now"], UTC)
    assert vector["body"] is None or vector["body"].encode() == body
    if not vector["valid"]:
        with pytest.raises(signed.BadSignature):
            signed.verify(vector["header"], vector["act"], body, vector["secrets"], now)
        return
    found = signed.verify(vector["header"], vector["act"], body, vector["secrets"], now)
    assert (found.at, found.nonce) == (vector["t"], vector["n"])
    made = signed.sign(vector["secret"], vector["act"], body, datetime.fromtimestamp(vector["t"], UTC), vector["n"])
    assert made == found
    assert signed.read(str(made)) == made


def test_an_empty_secret_signs_nothing() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    header = str(signed.sign("", "events", b"{}", now, "0" * 32))
    with pytest.raises(signed.BadSignature):
        signed.verify(header, "events", b"{}", ["", "a" * 64], now)
