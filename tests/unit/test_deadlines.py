"""Deadlines over a year: summer time, weekends, the holidays of a country."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
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


COUNTRIES = ("DE", "NL", "PL", "GB")
# Wall clocks of 2027 and of 2028, a leap year; each with both changes of the clock.
YEAR, LEAP = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def _hours(start: datetime) -> list[datetime]:
    return [start + timedelta(hours=hour) for hour in range((start.replace(year=start.year + 1) - start).days * 24)]


def _wall(zone: ZoneInfo, day: date, clock: time) -> datetime:
    """The moment at which that wall shows this day and time; where it is never shown, as if the clock were not changed
    yet; where it is shown twice, the first."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


@pytest.mark.parametrize("year", [YEAR, LEAP])
@pytest.mark.parametrize("country", COUNTRIES)
def test_every_hour_of_a_year(country: str, year: datetime) -> None:
    """Hours are hours; a day later the wall shows the same time, or the change of the clock that took it away; and
    business days end on the day that counting by the calendar gives."""
    zone, hours = ZoneInfo(ZONES[country]), _hours(year)
    assert len(hours) == (8784 if year == LEAP else 8760)
    for start in hours:
        local = start.astimezone(zone)
        assert until(start, Term(count=48, unit=Unit.HOURS), country) - start == timedelta(hours=48)
        for count in (1, 14, 30):
            end = until(start, Term(count=count, unit=Unit.DAYS), country)
            assert end == _wall(zone, local.date() + timedelta(days=count), local.time())
            shift = end - start - timedelta(days=count)
            assert shift in (timedelta(0), timedelta(hours=1), timedelta(hours=-1))
            assert shift == local.utcoffset() - end.astimezone(zone).utcoffset() or _in_gap(end, local, zone)
        due = until(start, Term(count=2, unit=Unit.BUSINESS_DAYS), country)
        between = [local.date() + timedelta(days=n) for n in range(1, 15)]
        working = [day for day in between if day.weekday() < 5 and day not in _HOLIDAYS[country]]
        assert due == _wall(zone, working[1], local.time())


def _in_gap(end: datetime, local: datetime, zone: ZoneInfo) -> bool:
    """Whether the wall never shows this time on the last day."""
    return end.astimezone(zone).time() != local.time()


_HOLIDAYS = {country: holidays.country_holidays(country, years=[2027, 2028, 2029]) for country in COUNTRIES}


@pytest.mark.parametrize(
    ("start", "country", "end"),
    [
        # The hour that summer time takes away: 2:30 is not shown on the 28th, and is then what it would have been.
        (datetime(2027, 3, 27, 1, 30, tzinfo=UTC), "DE", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (datetime(2027, 3, 27, 1, 30, tzinfo=UTC), "GB", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # The hour that comes twice: from the first and from the second 2:30, the next day's is one.
        (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "PL", datetime(2027, 11, 1, 1, 30, tzinfo=UTC)),
        (datetime(2027, 10, 31, 1, 30, tzinfo=UTC), "PL", datetime(2027, 11, 1, 1, 30, tzinfo=UTC)),
        # The day that only leap years have, into it and over it.
        (datetime(2028, 2, 28, 12, tzinfo=UTC), "NL", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "NL", datetime(2028, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_day_over_what_the_calendar_does(start: datetime, country: str, end: datetime) -> None:
    assert until(start, Term(count=1, unit=Unit.DAYS), country) == end


@pytest.mark.parametrize(
    ("country", "day"),
    [("DE", date(2027, 5, 6)), ("NL", date(2027, 4, 27)), ("PL", date(2027, 11, 11)), ("GB", date(2028, 1, 3))],
)
def test_national_holidays_are_no_business_days(country: str, day: date) -> None:
    """Ascension Day, King's Day, Independence Day, and New Year's Day observed on a Monday; a working day before."""
    assert not is_business_day(day, country)
    before = day - timedelta(days=1 if day.weekday() else 3)
    eve = datetime.combine(before, time(12), ZoneInfo(ZONES[country]))
    assert until(eve, Term(count=1, unit=Unit.BUSINESS_DAYS), country).astimezone(eve.tzinfo).date() > day
