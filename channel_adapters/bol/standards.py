"""bol's service norms as figures on the seller. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from bridge.domain.reading import Json, amount, table, tables, text
from bridge.ports.channel import ScoreFigure

# Each is a question of its own; bol measures by the week.
TITLES: Mapping[str, str] = {
    "CANCELLATIONS": "Cancellations",
    "FULFILMENT": "Delivered on time",
    "TRACK_AND_TRACE": "Parcels with tracking",
    "RETURNS": "Returns handled in time",
    "RESPONSE_TIME": "Questions answered in time",
    "REVIEWS": "Rating by buyers",
}


def figure(name: str, answer: Json, at: datetime) -> ScoreFigure | None:
    """None where nothing was measured in that week: bol leaves the score out then."""
    found = next((item for item in tables(answer, "performanceIndicators") if text(item.get("name")) == name), {})
    norm, value = table(found, "details", "norm"), amount(table(found, "details", "score").get("value"))
    if value is None:
        return None
    return ScoreFigure(
        name=name.lower(),
        title=TITLES[name],
        value=value.quantize(Decimal("0.0001")),
        unit="of 10" if text(found.get("type")) == "AVERAGE" else "share",
        limit=amount(norm.get("value")),
        good="above" if text(norm.get("condition")) == ">=" else "below",
        period_days=7,
        at=at,
    )
