"""A shop between two sandboxes, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack, open_stack


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with open_stack(tmp_path, database_url) as stack:
        yield stack.connect()
