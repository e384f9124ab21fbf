"""Numbers for Prometheus. Counting is cheap and never fails; with a folder all processes of a machine count
together (prometheus_client's multiprocess mode, which must know the folder before it is imported)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ACK_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
_lock = threading.Lock()


@dataclass(frozen=True)
class _Set:
    ack: Histogram
    exchanges: Counter
    deliveries: Counter


class _Holder:
    metrics: _Set | None = None


@dataclass(frozen=True)
class Gauge:
    """A number that is looked up when it is asked for: ``samples`` by label values."""

    name: str
    text: str
    labels: tuple[str, ...]
    samples: Mapping[tuple[str, ...], float]


def use_folder(folder: Path) -> None:
    """Let this process and those it starts count together with all that name this folder. Called by those who
    start processes, before the first number is counted."""
    if FOLDER in os.environ:
        return
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder)


def clean_folder(folder: Path) -> None:
    """Forget the numbers of processes of an earlier start."""
    for path in folder.glob("*.db"):
        path.unlink(missing_ok=True)


def observe_ack(channel: str, lane: str, seconds: float) -> None:
    """An event reached the marketplace and was acknowledged ``seconds`` after it happened."""
    with suppress(OSError, ValueError):
        _all().ack.labels(channel, lane).observe(max(0.0, seconds))


def count_exchange(account: str, status: int | None) -> None:
    with suppress(OSError, ValueError):
        _all().exchanges.labels(account, str(status or "none")).inc()


def count_delivery(platform: str, outcome: str) -> None:
    """A webhook came in. ``outcome``: kept, repeated, ignored, refused."""
    with suppress(OSError, ValueError):
        _all().deliveries.labels(platform, outcome).inc()


def _all() -> _Set:
    if _Holder.metrics is None:
        with _lock:
            if _Holder.metrics is None:
                _Holder.metrics = _make()
    return _Holder.metrics


def _make() -> _Set:
    from prometheus_client import Counter, Histogram  # noqa: PLC0415 - the folder must be known before

    return _Set(
        ack=Histogram(
            "storebridge_ack_seconds",
            "Seconds from an event to the marketplace's acknowledgement",
            ["channel", "lane"],
            buckets=ACK_BUCKETS,
        ),
        exchanges=Counter("storebridge_exchanges", "Calls to stores and marketplaces by answer", ["account", "status"]),
        deliveries=Counter(
            "storebridge_deliveries", "Webhooks received by what became of them", ["platform", "outcome"]
        ),
    )


def exposition(gauges: Iterable[Gauge] = ()) -> tuple[bytes, str]:
    """The body and content type of /metrics: what was counted, and ``gauges`` as they are now."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    _all()
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counted = generate_latest(registry)
    else:
        counted = generate_latest(REGISTRY)
    return counted + _gauges(gauges), CONTENT_TYPE_LATEST


def _gauges(gauges: Iterable[Gauge]) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client import Gauge as Known  # noqa: PLC0415

    registry = CollectorRegistry()
    for gauge in gauges:
        known = Known(gauge.name, gauge.text, gauge.labels, registry=registry)
        for values, number in gauge.samples.items():
            (known.labels(*values) if values else known).set(number)
    return generate_latest(registry)
