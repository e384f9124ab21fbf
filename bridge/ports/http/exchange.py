"""One exchange with the outside, redacted, as it goes to the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Exchange:
    """One attempt of one call. Secrets and personal data are masked and the excerpts bounded.

    ``seconds`` is how long it took without waiting for the limiter; ``status`` is None when no answer came;
    ``error`` is the class and text of what was raised, empty when all went well; ``subject`` is what
    ``about`` said; ``attempt`` counts from 1; ``cost`` is what it takes of its limit, in calls.
    """

    account: str
    operation: str
    at: datetime
    seconds: float
    method: str
    url: str
    status: int | None
    request_excerpt: str = ""
    response_excerpt: str = ""
    error: str = ""
    subject: Mapping[str, str] = field(default_factory=dict)
    lane: str = ""
    attempt: int = 1
    cost: float = 1.0

    def as_text(self) -> str:
        """The exchange in one line for developers."""
        parts = [f"{self.method} {self.url} -> {self.status or 'no answer'} in {self.seconds:.2f} s"]
        if self.request_excerpt:
            parts.append(f"sent: {self.request_excerpt}")
        if self.response_excerpt:
            parts.append(f"got: {self.response_excerpt}")
        return "; ".join(parts)


class Recorder(Protocol):
    """Where exchanges go. Called from many threads; what it raises is logged and does not harm the call."""

    def record(self, exchange: Exchange) -> None: ...

    def later(self, make: Callable[[], Exchange]) -> None:
        """One that is put in words when there is time."""
        ...


class NoRecorder:
    """Forgets everything."""

    def record(self, exchange: Exchange) -> None:
        return None

    def later(self, make: Callable[[], Exchange]) -> None:
        return None


class MemoryRecorder:
    """Keeps everything in a list: for tests, rehearsals and doctor."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def later(self, make: Callable[[], Exchange]) -> None:
        self.exchanges.append(make())
