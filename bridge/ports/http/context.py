"""What a call carries along without being told: its lane, its subject, its patience and its last check.

All are context variables, so they reach a call however deep in an adapter it is made. They do not reach
a thread started by hand: use :meth:`Transport.each`, which takes them along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Check = Callable[[], None]

# The share of a bucket that a lane leaves untouched for those before it.
RESERVES: Mapping[str, float] = MappingProxyType(
    {"stock": 0.0, "orders": 0.0, "shipments": 0.0, "price": 0.1, "content": 0.25, "sweep": 0.25}
)
DEFAULT_PATIENCE = 5.0

_lane: ContextVar[str] = ContextVar("lane", default="")
_subject: ContextVar[Mapping[str, str]] = ContextVar("subject", default=MappingProxyType({}))
_patience: ContextVar[float] = ContextVar("patience", default=DEFAULT_PATIENCE)
_hurry: ContextVar[float | None] = ContextVar("hurry", default=None)
_check: ContextVar[Check | None] = ContextVar("check", default=None)


@contextmanager
def lane(name: str) -> Iterator[None]:
    """Calls inside belong to stock, orders, shipments, price, content or sweep. Raises ValueError."""
    if name not in RESERVES:
        raise ValueError(f"{name!r} is no lane; the lanes are {', '.join(RESERVES)}")
    token = _lane.set(name)
    try:
        yield
    finally:
        _lane.reset(token)


@contextmanager
def about(**subject: str) -> Iterator[None]:
    """Calls inside are about this (sku=..., order=..., delivery=...): written into each Exchange. Nests."""
    token = _subject.set(MappingProxyType({**_subject.get(), **subject}))
    try:
        yield
    finally:
        _subject.reset(token)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Calls inside wait at most this long for the limiter, then raise SlowDown. Default 5 s."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def hurry(seconds: float) -> Iterator[None]:
    """Calls inside have at most this long for an attempt, and begin no further one after it."""
    token = _hurry.set(seconds)
    try:
        yield
    finally:
        _hurry.reset(token)


@contextmanager
def before_write(check: Check | None) -> Iterator[None]:
    """``check`` runs before every write inside, as the last thing before bytes go out.

    When it raises (Superseded), nothing is sent and the limiter gets its tokens back. It may run in several
    threads at once where an adapter writes in parallel. None switches an outer check off.
    """
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def current_lane() -> str:
    return _lane.get()


def current_subject() -> Mapping[str, str]:
    return _subject.get()


def current_patience() -> float:
    return _patience.get()


def in_time(seconds: float) -> float:
    """``seconds``, or less when there is a hurry."""
    limit = _hurry.get()
    return seconds if limit is None else min(seconds, limit)


def current_check() -> Check | None:
    return _check.get()
