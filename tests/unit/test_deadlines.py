"""Deadlines over a year: summer time, weekends, the holidays of a country."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.deadlines import ZONES, Term, Unit, is_business_day, until
from bridge.ports.manifest import ReturnTerms

BERLIN = ZoneInfo("Europe/Berlin")
TWO_DAYS = Term(count=2, unit=Unit.BUSINESS_DAYS)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def _local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


def test_hours_are_hours_whatever_the_clock_does() -> None:
    night = _local(2026, 3, 28, 12)
    assert until(night, Term(count=48, unit=Unit.HOURS), "DE") - night == timedelta(hours=48)


def test_a_day_ends_at_the_same_time_of_day_when_the_clock_changes() -> None:
    day = Term(count=1, unit=Unit.DAYS)
    spring, autumn = _local(2026, 3, 28, 12), _local(2026, 10, 24, 12)
    assert until(spring, day, "DE").astimezone(BERLIN) == _local(2026, 3, 29, 12)
    assert until(spring, day, "DE") - spring.astimezone(UTC) == timedelta(hours=23)
    assert until(autumn, day, "DE") - autumn.astimezone(UTC) == timedelta(hours=25)


def test_of_an_hour_that_comes_twice_the_earlier_one() -> None:
    end = until(_local(2026, 10, 24, 2, 30), Term(count=1, unit=Unit.DAYS), "DE")
    assert end == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "country", "end"),
    [
        (_local(2026, 11, 26, 9), "DE", date(2026, 11, 30)),  # Thursday
        (_local(2026, 12, 23, 9), "DE", date(2026, 12, 28)),  # Christmas, then a weekend
        (_local(2026, 12, 24, 9), "GB", date(2026, 12, 30)),  # Boxing Day on a Saturday: Monday off instead
        (_local(2026, 4, 26, 9), "NL", date(2026, 4, 29)),  # Sunday; King's Day
        (_local(2026, 4, 26, 9), "DE", date(2026, 4, 28)),
        (_local(2026, 12, 23, 9), None, date(2026, 12, 25)),
    ],
)
def test_business_days_of_a_country(start: datetime, country: str | None, end: date) -> None:
    assert until(start, TWO_DAYS, country).date() == end


@given(moments, st.integers(1, 30), st.sampled_from([*ZONES, None, "ZZ"]))
def test_business_days_end_on_one_and_never_before_as_many_days(start: datetime, count: int, country: str) -> None:
    end = until(start, Term(count=count, unit=Unit.BUSINESS_DAYS), country)
    zone = ZoneInfo(ZONES.get(country or "", "UTC"))
    assert is_business_day(end.astimezone(zone).date(), country)
    assert end >= until(start, Term(count=count, unit=Unit.DAYS), country)


@given(moments, st.integers(1, 400), st.sampled_from(list(Unit)), st.sampled_from(list(ZONES)))
def test_a_longer_term_ends_later(start: datetime, count: int, unit: Unit, country: str) -> None:
    assert until(start, Term(count=count, unit=unit), country) < until(start, Term(count=count + 1, unit=unit), country)


def test_every_zone_exists() -> None:
    assert all(ZoneInfo(name).key == name for name in ZONES.values())


def test_terms_without_their_source_are_refused() -> None:
    with pytest.raises(ValidationError, match="source and read_on"):
        ReturnTerms(window_days=30)


def test_words() -> None:
    assert (Term(count=1, unit=Unit.DAYS).text, TWO_DAYS.text) == ("1 day", "2 business days")
