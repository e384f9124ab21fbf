"""The stock policy of a marketplace as a form says it: the safety buffer is one number, and how it is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bridge.domain.stock import StockPolicy

KEEP, BUFFER, MEANT = "keep", "buffer", "buffer_kind"
UNITS, PERCENT, ADAPTIVE = "units", "percent", "adaptive"
FIELDS = (
    BUFFER, MEANT, "cap", "least", "untracked", "untracked_quantity", "backorders", "locations",
)  # fmt: skip


class StockForm(StockPolicy):
    """``buffer_kind``: units, percent of what is available, or by how fast it sells; ``buffer`` is then what is kept
    back while that is not measured."""

    buffer_kind: Literal["units", "percent", "adaptive"] = Field(
        default="units",
        title="The buffer is meant as",
        description="By how fast it sells: as many as are likely to be sold elsewhere before this marketplace knows; "
        "the number above is kept back until that was measured.",
        json_schema_extra={
            "labels": {
                UNITS: "units",
                PERCENT: "percent of what is available",
                ADAPTIVE: "by how fast it sells",
            }
        },
    )


def drawn(content: Mapping[str, Any]) -> dict[str, Any]:
    """A policy as the form shows it."""
    keep = content.get(KEEP) or {}
    match keep.get("kind"):
        case "percent":
            return {**content, BUFFER: keep["percent"], MEANT: PERCENT}
        case "adaptive":
            return {**content, BUFFER: keep.get("otherwise", 3), MEANT: ADAPTIVE}
        case "fixed":
            return {**content, BUFFER: keep["units"], MEANT: UNITS}
        case _:
            return dict(content)


def meant(content: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The policy that a form says, over the one that is ``known``; more of an adaptive buffer than the form shows
    stays. Raises pydantic.ValidationError."""
    form = StockForm.model_validate(content)
    policy = {name: value for name, value in content.items() if name not in (MEANT, KEEP)}
    if form.buffer_kind == UNITS:
        return policy
    before = known.get(KEEP) or {}
    kept = before if before.get("kind") == form.buffer_kind else {}
    value = {"percent": form.buffer} if form.buffer_kind == PERCENT else {"otherwise": form.buffer}
    return {**policy, BUFFER: 0, KEEP: {**kept, "kind": form.buffer_kind, **value}}


def field_of(name: str) -> str:
    """The field of the form that this one of the policy is said by."""
    return BUFFER if name.startswith(KEEP) else name
