"""A long push of stock to one marketplace under the limits of its own manifest, against what those limits allow."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.bench import _seed
from bridge.bench._child import Tune
from bridge.bench._markets import called
from bridge.bench._result import Result, progress, result
from bridge.bench._stack import Control, Stack, stack, wait_until
from bridge.db.bulk import update_rows
from bridge.db.tables import FacetRow, Journal, Listing, Submission
from bridge.flows import admin
from bridge.flows.engine import Engine
from bridge.flows.paging import offer_pages
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.http import HttpServices, Transport
from bridge.ports.http.limiter import SHORT_WINDOW
from bridge.ports.manifest import Limit
from bridge.registry import discover

GOAL = 0.95
# Where the limits alone take less, they are not what a push waits for, and nothing is judged.
BINDING = 10.0
LONGEST = 900
CHUNK = 250
UNLIMITED = Limit(calls=100_000, seconds=1, source="benchmark: what is prepared is not measured")


def measure(channel: str, changes: int, share: float, database: str | None) -> Result:
    """``changes`` SKUs for ``channel``, or for ``all``, one marketplace after the other, with this share of their
    limits. Raises BadParameter where there is no such marketplace, or less than a call of a window would be left."""
    figures: dict[str, Any] = {"changes each": changes, "share of the documented limits that holds": share}
    shares: dict[str, float] = {}
    names = _wanted(channel)
    for name, reason in _fetching(names).items():
        figures[f"{name}: not applicable"] = reason
    for name in _called(names):
        _require_whole_calls(name, share)
    for name in _called(names):
        progress(f"drain: {changes} changes to {name} under {share:.4g} of its documented limits")
        with stack(database, Tune(share=share)) as parts:
            found = _push(parts, name, changes, share)
        figures |= {f"{name}: {key}": value for key, value in found.items()}
        if found["seconds the limits alone take"] >= BINDING:
            shares[name] = found["seconds the limits alone take"] / found["seconds"]
            figures[f"{name}: share of what the limits allow"] = shares[name]
    figures["not held up by their limits"] = [name for name in _called(names) if name not in shares]
    worst = min(shares.values(), default=None)
    return result(
        figures=figures,
        reference="the calls made, at the rate each manifest declares with its source",
        ratio=worst,
        goal=f"at least {GOAL:g} of what the limits allow, wherever they take {BINDING:g} s or more",
        within_goal=worst is None or worst >= GOAL,
    )


def _wanted(channel: str) -> list[str]:
    known = sorted(discover().channels)
    if channel not in (*known, "all"):
        raise click.BadParameter(
            f"there is no marketplace {channel!r}; there are: {', '.join(known)}.", param_hint="--channel"
        )
    return known if channel == "all" else [channel]


def _called(names: Sequence[str]) -> list[str]:
    return [name for name in names if name in called()]


def _fetching(names: Sequence[str]) -> dict[str, str]:
    """Those that no push goes to, with the reason."""
    feeds = {name: discover().channels[name].manifest.feed for name in names}
    return {
        name: f"nothing is pushed: it fetches a file, every {feed.fetched} s ({feed.source})"
        for name, feed in feeds.items()
        if feed is not None
    }


def _require_whole_calls(name: str, share: float) -> None:
    """What cannot be called once in a window is another limit and no part of this one."""
    limits = discover().channels[name].manifest.limits
    short = [
        f"{operation} ({limit.calls:g} in {limit.seconds:g} s)"
        for operation, limit in limits.items()
        if limit.calls * share < min(1.0, limit.calls)
    ]
    if short:
        raise click.BadParameter(
            f"{share:g} leaves {name} less than one call of a window for {', '.join(short)}.", param_hint="--share"
        )


def _push(parts: Stack, name: str, changes: int, share: float) -> dict[str, Any]:
    market = parts.sandbox("channel", name, {})
    market.post("limits", {"share": None})  # until everything is in place
    engine = parts.engine
    shop_id = admin.ensure_shop(engine, "Bench").id
    connection_id = parts.connect(shop_id, "channel", name, market, {})
    _seed.seed(engine, shop_id, changes, 50)
    _seed.project_all(engine, shop_id, engine.clock())
    _offer(market, changes)
    began = time.monotonic()
    known = _adopt(parts, shop_id, engine.channels[name], market)
    read_back = time.monotonic() - began
    if not known:
        raise click.ClickException(f"{name}: none of the offers was found again.")
    documented = market.post("limits", {"share": share})["documented"]
    parts.workers(("stock", "shipments"))
    warm_up(parts, shop_id)
    before = market.last_request()
    admin.pause(engine, shop_id, connection_id)
    _seed.change_stock(engine, shop_id, dict.fromkeys(range(1, changes + 1), 7))
    began = time.time()
    admin.resume(engine, shop_id, connection_id)
    wait_until(lambda: not _to_send(engine, shop_id), LONGEST, f"everything sent to {name}", 0.5)
    calls, costs, times = _calls(parts, connection_id, datetime.fromtimestamp(began, UTC))
    log = market.get("requests", since=before)
    first, last = min(times).timestamp(), max(times).timestamp()
    limits = engine.channels[name].manifest.limits
    return {
        "offers": known,
        "seconds to read them back, without limits": read_back,
        "its sandbox refuses what is beyond the limits": documented,
        "calls": dict(calls),
        "refused with 429": sum(call["status"] == 429 for call in log),
        "cost in calls": {name: round(cost, 2) for name, cost in costs.items()},
        "seconds from going on to the first call": first - began,
        "seconds": last - first,
        "seconds the limits alone take": max((_alone(limits, *item) for item in costs.items()), default=0.0),
        "offers a second": known / max(0.001, last - began),
    }


def warm_up(parts: Stack, shop_id: int) -> None:
    """One change, sent: from here on the workers are at work, however long they took to start."""
    _seed.change_stock(parts.engine, shop_id, {1: 49})
    wait_until(lambda: _seed.unsent(parts.engine, shop_id) == 0, LONGEST, "the first change sent", 0.25)


def _offer(market: Control, changes: int) -> None:
    for start in range(1, changes + 1, CHUNK):
        numbers = range(start, min(start + CHUNK, changes + 1))
        price = {"stock": 50, "price": 10.95}
        bodies = [{"sku": _seed.sku(number), "ean": _seed.ean13(number), **price} for number in numbers]
        market.post("batch", {"path": "offers", "bodies": bodies})


def _adopt(parts: Stack, shop_id: int, adapter: Adapter, market: Control) -> int:
    """The offers as the adapter reads them; how many listings they stand for."""
    credentials, urls = admin.sandbox_place(adapter, market.url)
    services = HttpServices.build(allowed_hosts=[market.url.removeprefix("http://")])
    transport = Transport(account="bench:1", title=adapter.manifest.title, services=services, limits={"*": UNLIMITED})
    settings = {item.name: item.default for item in adapter.manifest.settings if item.default is not None}
    given = {**settings, **adapter.sandbox_settings}
    channel = adapter.connect(
        Connection("bench:1", "bench", credentials, given, urls, transport, lambda: datetime.now(UTC))
    )
    found = {(offer.sku, offer.site): offer.offer_id for page in offer_pages(channel.list_offers) for offer in page}

    def act(session: Session) -> int:
        rows = session.execute(select(Listing.id, Listing.sku, Listing.site)).all()
        known = [
            {"id": row[0], "offer_id": found[row[1], row[2]], "state": "live", "pending": False}
            for row in rows
            if (row[1], row[2]) in found
        ]
        session.execute(update(Listing).values(pending=False).execution_options(synchronize_session=False))
        update_rows(session, Listing, known)
        values = {"acked": FacetRow.desired, "acked_hash": FacetRow.desired_hash}
        session.execute(
            update(FacetRow)
            .values(**values, acked_version=FacetRow.desired_version, in_flight=False)
            .execution_options(synchronize_session=False)
        )
        return len(known)

    return parts.engine.db.transact(shop_id, act)


def _to_send(engine: Engine, shop_id: int) -> int:
    """How many changes no call has been made for. What a marketplace took for later has been sent: how long it takes to
    say what became of it is its own matter."""
    taken = select(Submission.subject_id).where(Submission.kind == "facet", Submission.state == "pending")
    query = _seed.pending("stock").where(FacetRow.id.not_in(taken))
    with engine.db.read(shop_id) as session:
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _calls(parts: Stack, connection_id: int, since: datetime) -> tuple[Counter[str], Counter[str], list[datetime]]:
    """Writing calls of the stock lane by operation, as the journal has them: how many, what they took of their limit,
    in calls (Zalando and Allegro count updates, not calls), and when they were made."""
    time.sleep(1.5)  # the journal is written twice a second
    query = select(Journal.detail, Journal.at).where(
        Journal.kind == "exchange", Journal.connection_id == connection_id, Journal.at >= since
    )
    calls: Counter[str] = Counter()
    costs: Counter[str] = Counter()
    times: list[datetime] = []
    with parts.engine.db.read(None) as session:
        for row, at in session.execute(query):
            if row["lane"] == "stock" and row["method"] in ("POST", "PUT", "PATCH"):
                calls[row["operation"]] += 1
                costs[row["operation"]] += row["cost"]
                times.append(at)
    return calls, costs, times


def _alone(limits: dict[str, Limit], operation: str, count: float) -> float:
    """Seconds from the first to the last of what costs so many calls at the declared rate: evenly in short windows, a
    bucketful at once in long ones."""
    limit = limits.get(operation) or limits.get("*")
    if limit is None:
        return 0.0
    at_once = 1.0 if limit.seconds <= SHORT_WINDOW else limit.calls
    return max(0.0, count - at_once) * limit.seconds / limit.calls
