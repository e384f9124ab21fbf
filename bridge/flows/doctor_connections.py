"""The doctor's look at one connection: its state, its credentials, the other side's clock, webhooks and questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select

from bridge.db.tables import Connection, Delivery, Poll
from bridge.flows import account, module_health
from bridge.flows.connecting import hook_url
from bridge.flows.engine import Engine
from bridge.flows.finding import Finding, bad, good, worrying
from bridge.flows.signing import valid_secrets
from bridge.ports.errors import BridgeError, Reauthorise
from bridge.ports.http import patience
from bridge.ports.manifest import Capability
from bridge.ports.platform import StoreInfo

MORE = "Give it when you can; until then everything goes on as it does."
BETTER = "See the marketplace's own page: too low a score can end the account."
SKEW = timedelta(seconds=60)
PATIENCE = 20.0
RECONNECT = "Enter new credentials: storebridge connect {adapter} --account {account}"


def examine_connection(engine: Engine, row: Connection, *, mend: bool) -> Iterator[Finding]:
    name = f"connection {row.id}, {row.title}"
    if not engine.is_installed(row):
        yield bad(
            name, f"its adapter {row.adapter!r} is not installed", f"Install it, or: storebridge disconnect {row.id}"
        )
        return
    if row.state == "paused":
        yield worrying(name, f"paused: {row.state_reason}", f"Go on with: storebridge resume {row.id}")
        return
    credentials, better = _credentials(engine, row, name)
    yield credentials
    yield from (worrying(f"{name}: rights", text, MORE) for text in better)
    if credentials.state == "fail":
        return
    yield from _renewals(row, name, engine.clock())
    yield from _score(row, name)
    yield from _clock(engine, row, name)
    if row.role == "platform" and Capability.WEBHOOKS in engine.manifest(row).capabilities:
        yield _mended(engine, row, name) if mend else _webhooks(engine, row, name)
    yield from module_health.examine(engine, row, name)
    yield from _questions(engine, row, name)


def _credentials(engine: Engine, row: Connection, name: str) -> tuple[Finding, Sequence[str]]:
    """And what more would be done with rights that were not given."""
    fix = RECONNECT.format(adapter=row.adapter, account=row.account)
    try:
        with patience(PATIENCE):
            info = engine.check(row)
    except Reauthorise as error:
        return bad(name, error.merchant, fix), ()
    except BridgeError as error:
        fix = "See that the address is right and the other side is up, then run this again."
        return bad(name, error.merchant, fix), ()
    if row.state == "needs_reauth":
        return bad(name, f"the credentials work, but it is set aside: {row.state_reason}", fix), ()
    better = info.better if isinstance(info, StoreInfo) else ()
    return good(name, f"credentials work, answers as {info.name!r}"), better


def _renewals(row: Connection, name: str, now: datetime) -> Iterator[Finding]:
    """What the last check of the account found to end by itself."""
    for item in account.expiries(row):
        left = item.at - now
        say = bad if left <= account.URGENT else worrying if left <= account.WARN else None
        title, detail = f"{name}: renewal", account.ends(item, now)
        yield say(title, detail, item.fix) if say else good(title, detail)


def _score(row: Connection, name: str) -> Iterator[Finding]:
    """The marketplace's own figures, as they were last told."""
    for figure in account.score(row):
        detail = account.figure_text(figure)
        title = f"{name}: score"
        yield good(title, detail) if account.within(figure) else worrying(title, detail, BETTER)


def _clock(engine: Engine, row: Connection, name: str) -> Iterator[Finding]:
    """The Date header of whatever the other side's front door answers."""
    url = _front_door(engine, row)
    if url is None:
        return
    transport = engine.connection(row).transport
    try:
        with patience(PATIENCE):
            answer = transport.request("GET", url, operation="doctor", expect="any", allow=range(200, 600), timeout=10)
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (BridgeError, KeyError, ValueError):
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    skew = abs(theirs - engine.clock())
    if skew > SKEW:
        detail = f"its clock and ours are {int(skew.total_seconds())} s apart"
        yield worrying(f"{name}: clock", detail, "Set this machine's clock (NTP); if it is right, theirs is wrong.")


def _front_door(engine: Engine, row: Connection) -> str | None:
    places = [*row.urls.values(), *engine.manifest(row).urls.values(), (row.credentials or {}).get("url", "")]
    return next((str(place) for place in places if urlsplit(str(place)).hostname), None)


def _webhooks(engine: Engine, row: Connection, name: str) -> Finding:
    """From what is on record: nothing is asked that would change anything."""
    with engine.db.read(row.shop_id) as session:
        poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.webhooks")).first()
        last = session.scalar(select(func.max(Delivery.last_seen_at)).where(Delivery.connection_id == row.id))
    arrived = f"the last one arrived {_ago(last, engine.clock())}" if last else "none has arrived yet"
    title = f"{name}: webhooks"
    if poll is None or poll.last_ok_at is None:
        fix = "Check and mend them now: storebridge doctor --mend"
        return worrying(title, f"never checked at the store; {arrived}", fix)
    checked = f"checked at the store {_ago(poll.last_ok_at, engine.clock())}"
    if engine.clock() - poll.last_ok_at > timedelta(seconds=poll.every * 3):
        return worrying(title, f"{checked}; {arrived}", "Check and mend them now: storebridge doctor --mend")
    return good(title, f"{checked}; {arrived}")


def _mended(engine: Engine, row: Connection, name: str) -> Finding:
    secret = next(iter(valid_secrets(row, engine.clock())), "")
    try:
        audit = engine.platform(row).ensure_webhooks(hook_url(engine, row.shop_id, row.id), secret)
    except BridgeError as error:
        return bad(f"{name}: webhooks", error.merchant, "Until then changes are found by polls.")
    mended = f", set up again: {', '.join(audit.mended)}" if audit.mended else ""
    return good(f"{name}: webhooks", f"{audit.active} active{mended}")


def _questions(engine: Engine, row: Connection, name: str) -> Iterator[Finding]:
    """Recurring questions that have had no complete answer for three rounds."""
    now = engine.clock()
    with engine.db.read(row.shop_id) as session:
        polls = session.scalars(select(Poll).where(Poll.connection_id == row.id).order_by(Poll.id)).all()
    late = [
        poll for poll in polls if now - (poll.last_ok_at or row.state_since) > timedelta(seconds=poll.every * 3 + 60)
    ]
    if late:
        told = ", ".join(f"{poll.flow} ({_ago(poll.last_ok_at, now)})" for poll in late)
        fix = "See that the scheduler and the workers run, then what storebridge problems says."
        yield worrying(f"{name}: questions", f"no complete answer of late: {told}", fix)
    else:
        yield good(f"{name}: questions", f"{len(polls)} recurring questions, all answered of late")


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size * 2:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} seconds ago"
