"""Who is told of problems, by which way, and when: at once, once a day, and not at night."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from bridge.domain.values import Value

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
When = Literal["now", "digest", "off"]
Severity = Literal["error", "warning"]
Hour = Annotated[int, Field(ge=0, le=23)]


def address(text: str) -> str:
    """A plain e-mail address. Raises ValueError."""
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise ValueError("This is no e-mail address, such as me@shop.example.")
    return text


def _address_or_none(text: str) -> str:
    return address(text) if text else text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment):
        raise ValueError("This is no web address; give it whole, such as https://hooks.shop.example/storebridge.")
    return text


class Alerting(Value):
    """``language``: the code of that which e-mails are in; empty: as the pages were last used. ``email`` empty: the
    addresses of the installation. ``sender`` empty: its sender. ``webhook`` empty: none.

    ``error`` and ``warning`` say when problems of each severity are told; ``closed`` whether their end is told as
    well. Hours are those of the shop's time zone. Nothing of the severities in ``quiet`` is told from
    ``quiet_from`` until ``quiet_until``; it is told then.
    """

    email: tuple[Annotated[str, AfterValidator(address)], ...] = Field(default=(), max_length=20)
    language: str = Field(default="", pattern="^([a-z]{2})?$")
    sender: Annotated[str, AfterValidator(_address_or_none)] = ""
    webhook: Annotated[str, AfterValidator(_web_address)] = Field(default="", max_length=500)
    error: When = "now"
    warning: When = "digest"
    closed: bool = True
    digest_hour: Hour = 8
    quiet_from: Hour | None = None
    quiet_until: Hour | None = None
    quiet: tuple[Severity, ...] = ("error", "warning")

    @model_validator(mode="after")
    def _a_span(self) -> Alerting:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("Quiet hours have a beginning and an end: give both, or neither.")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("Quiet hours that end when they begin last all day; turn the severity off instead.")
        return self

    def due(self, severity: str, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When something of ``severity`` that happened ``at`` is told; None: never."""
        warning = severity == "warning"
        when = self.warning if warning else self.error
        if when == "off":
            return None
        moment = at if when == "now" else next_hour(self.digest_hour, at, zone)
        quiet = ("warning" if warning else "error") in self.quiet and self._is_quiet(moment.astimezone(zone).hour)
        return next_hour(self.quiet_until or 0, moment, zone) if quiet else moment

    def _is_quiet(self, hour: int) -> bool:
        start, end = self.quiet_from, self.quiet_until
        if start is None or end is None:
            return False
        return start <= hour < end if start < end else hour >= start or hour < end


def next_hour(hour: int, at: datetime, zone: ZoneInfo) -> datetime:
    """The next time a clock in ``zone`` shows this full hour, ``at`` itself included; UTC."""
    day = at.astimezone(zone).date()
    moments = (datetime.combine(day + timedelta(days=n), time(hour), zone).astimezone(UTC) for n in range(3))
    return next(moment for moment in moments if moment >= at)
