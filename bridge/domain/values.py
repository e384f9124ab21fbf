"""The base of every value in the domain, and its canonical fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable value. Unknown fields are an error: what we build ourselves has no surprises."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """The value as plain JSON types (Decimal as string, time as ISO 8601)."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        """Equal values have equal fingerprints, over processes and restarts."""
        return fingerprint(self.as_json())


def fingerprint(content: Any) -> str:
    """A short stable hash of plain JSON content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
