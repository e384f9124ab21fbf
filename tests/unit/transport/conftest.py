from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.ports.http import MemoryRecorder, Transport
from tests.support.calls import transport
from tests.support.rogue import Rogue, rogue


@pytest.fixture
def server() -> Iterator[Rogue]:
    with rogue() as running:
        yield running


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def shop(recorder: MemoryRecorder) -> Iterator[Transport]:
    made = transport(recorder, pause=0.02)
    yield made
    made.close()
