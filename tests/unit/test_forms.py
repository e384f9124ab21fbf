"""Moments and days of forms: what is typed is of the store's clock, what is kept is UTC."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.flows.forms import FieldErrors, read
from bridge.ports.manifest import FormField

SINCE = FormField(name="since", label="Since", kind="moment")
DAY = FormField(name="day", label="Made on", kind="date")
BERLIN = ZoneInfo("Europe/Berlin")


def since(text: str, known: dict[str, Any] | None = None, zone: ZoneInfo | None = BERLIN) -> str:
    return str(read([SINCE], {"since": text}, known, zone)["since"])


def test_a_moment_that_names_no_zone_is_one_of_the_stores() -> None:
    assert since("2026-07-01T08:00") == "2026-07-01T06:00:00+00:00"
    assert since("2026-12-01T08:00:09") == "2026-12-01T07:00:09+00:00"
    assert since("2026-12-01") == "2026-11-30T23:00:00+00:00"
    assert since("2026-12-01T08:00Z") == "2026-12-01T08:00:00+00:00", "one that names its own keeps it"
    assert since("2026-12-01T08:00", zone=None) == "2026-12-01T08:00:00+00:00"


def test_in_the_hour_that_comes_twice_what_was_not_changed_stays() -> None:
    for kept in ("2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"):
        assert since("2026-10-25T02:30", {"since": kept}) == kept
    assert since("2026-10-25T02:31", {"since": "2026-10-25T01:30:00+00:00"}) == "2026-10-25T00:31:00+00:00"


@pytest.mark.parametrize("text", ["soon", "T08:00", "2026-02-30", "0001-01-01T00:00"])
def test_what_is_no_moment_is_refused_by_the_fields_name(text: str) -> None:
    with pytest.raises(FieldErrors, match="Since: is no time; write it like 2026-11-01 or") as refused:
        since(text)
    assert refused.value.field == "since"


def test_a_day_is_a_day() -> None:
    assert read([DAY], {"day": "2026-11-01"}) == {"day": "2026-11-01"}
    with pytest.raises(FieldErrors, match="Made on: is no day; write it like 2026-11-01"):
        read([DAY], {"day": "01.11.2026"})
