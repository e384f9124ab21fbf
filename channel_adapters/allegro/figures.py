"""Allegro's own figures on a seller. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.reading import Json, moment, tables, text
from bridge.ports.channel import ScoreFigure


def figures(quality: Sequence[Json], smart: Json, ratings: Json) -> list[ScoreFigure]:
    return [*_quality(quality), *_smart(smart), *_ratings(ratings)]


def _quality(days: Sequence[Json]) -> list[ScoreFigure]:
    """Of the latest day. Points are told as a share of what can be had; metrics without a largest number are not."""
    if not days:
        return []
    day = max(days, key=lambda item: text(item.get("resultFor")))
    at = moment(f"{text(day.get('resultFor'))}T00:00:00+00:00")
    grade = text(day.get("grade"))
    named = [("quality", f"Sales quality{f' ({grade})' if grade else ''}", day)]
    named += [(text(item.get("code")).lower(), text(item.get("name")), item) for item in tables(day, "metrics")]
    return [
        ScoreFigure(name=name, title=title, value=share, good="above", at=at)
        for name, title, raw in named
        if (share := _share(raw.get("score"), raw.get("maxScore"))) is not None
    ]


def _share(score: Any, most: Any) -> Decimal | None:
    value, largest = _number(score), _number(most)
    return None if value is None or not largest else (value / largest).quantize(Decimal("0.0001"))


def _smart(report: Json) -> list[ScoreFigure]:
    """Conditions of Smart! that have a threshold."""
    found = []
    for item in tables(report, "conditions"):
        value, least = _number(item.get("value")), _number(item.get("threshold"))
        if value is not None and least is not None:
            name, title = f"smart_{text(item.get('code')).lower()}", f"Smart!: {text(item.get('name'))}"
            found.append(ScoreFigure(name=name, title=title, value=value, unit="", limit=least, good="above"))
    return found


def _ratings(summary: Json) -> list[ScoreFigure]:
    percent = _number(text(summary.get("recommendedPercentage")).replace(",", ".").removesuffix("%"))
    if percent is None:
        return []
    return [ScoreFigure(name="recommended", title="Buyers who recommend you", value=percent / 100, good="above")]


def _number(value: Any) -> Decimal | None:
    try:
        read = Decimal(str(value)) if value not in (None, "") and not isinstance(value, bool) else None
    except ArithmeticError:
        return None
    return read if read is not None and read.is_finite() else None
