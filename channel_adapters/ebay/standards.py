"""eBay's seller standards as figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.domain.reading import Json, table, tables, text
from bridge.ports.channel import ScoreFigure
from channel_adapters.ebay.reading import moment
from channel_adapters.ebay.vocabulary import RATE

CURRENT = "CURRENT"


def figures(profiles: Sequence[Json]) -> tuple[ScoreFigure, ...]:
    """The last official evaluation of the seller's own programme, else of the first one there is."""
    current = [item for item in profiles if text(table(item, "cycle").get("cycleType")) in (CURRENT, "")]
    own = [item for item in current if item.get("defaultProgram") is True] or current
    found = [_figure(metric, own[0]) for metric in tables(own[0], "metrics")] if own else []
    return tuple(figure for figure in found if figure is not None)


def _figure(raw: Json, profile: Json) -> ScoreFigure | None:
    """Rates are in percent. The value is an object for rates and plain for the rest."""
    value = _number(raw.get("value"))
    if value is None:
        return None
    share = text(raw.get("type")) == RATE
    limit = _number(raw.get("thresholdUpperBound"))
    return ScoreFigure(
        name=text(raw.get("metricKey")) or text(raw.get("name")),
        title=text(raw.get("name")) or text(raw.get("metricKey")),
        value=value / 100 if share else value,
        unit="share" if share else "",
        limit=limit / 100 if share and limit is not None else limit,
        at=moment(table(profile, "cycle").get("evaluationDate")),
    )


def _number(value: Any) -> Decimal | None:
    word = text(value.get("value")) if isinstance(value, dict) else text(value)
    try:
        read = Decimal(word)
    except InvalidOperation:
        return None
    return read if read.is_finite() else None
