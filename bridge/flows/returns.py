"""Returns: announced, decided by the merchant, told to the marketplace, refunded and restocked in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine, Poll, Problem, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.domain.deadlines import Term, Unit, until
from bridge.domain.returns import MarketplaceReturn, ReturnDecision, ReturnLine
from bridge.flows import parts, store_returns
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive, fence
from bridge.flows.paging import pages
from bridge.flows.steps import step
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import RetryLater, UnknownOutcome
from bridge.ports.http import before_write, lane
from bridge.ports.manifest import ReturnTerms

WARN_BEFORE = timedelta(hours=24)
DUE = ("return_due", "return_late")


def pull_returns(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``returns.pull``: returns that have to be decided, and what became of them."""
    channel = engine.channel(row)
    with lane("shipments"):
        for page in pages(channel.list_returns):
            engine.db.transact(row.shop_id, _keep_returns, engine, row, page, engine.clock())
            step("returns.pull.kept")
    engine.db.transact(row.shop_id, _pulled, row, claims, engine.clock())
    engine.ring({"shipments"})


def _pulled(session: Session, row: Connection, claims: list[Claim], now: datetime) -> None:
    _warn(session, row, now)
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "returns")).first()
    if poll is not None:
        poll.last_ok_at, poll.error = now, None
    work.done(session, claims, now)


def _warn(session: Session, row: Connection, now: datetime) -> None:
    """Undecided returns whose time runs out are an error, said once, and once more when it has run out."""
    query = select(ReturnRow).where(ReturnRow.connection_id == row.id, ReturnRow.state.in_(("open", "failed")))
    query = query.where(ReturnRow.respond_by <= now + WARN_BEFORE)
    open_now = select(Problem.kind, Problem.subject).where(Problem.kind.in_(DUE), Problem.closed_at.is_(None))
    told = {(kind, subject) for kind, subject in session.execute(open_now)}
    for item in session.scalars(query):
        late = item.respond_by is not None and item.respond_by <= now
        if (DUE[late], f"return {item.external_id}") not in told:
            _warn_of(session, row, item, late, now)


def _warn_of(session: Session, row: Connection, item: ReturnRow, late: bool, now: datetime) -> None:
    subject = f"return {item.external_id}"
    if late:
        records.close_problem(session, now, "return_due", subject)
    what = f"The return of {item.title or item.sku or item.gtin} (order {item.order_external_id or 'unknown'})"
    when = f"{item.respond_by:%d %b %Y %H:%M} UTC"
    text = f"{what} had to be decided before {when}." if late else f"{what} has to be decided before {when}."
    fix = "Decide on the page Returns: a late decision counts against the account."
    records.open_problem(session, now, DUE[late], subject, text, fix, connection_id=row.id)


def _keep_returns(
    session: Session, engine: Engine, row: Connection, found: Sequence[MarketplaceReturn], now: datetime
) -> None:
    clock = _Clock(terms_of(engine.manifest(row).policies.returns, row), _countries(session, engine, row, found))
    for back in found:
        for line in back.lines:
            _keep_return(session, row, back, line, clock, now)
    alive(session, row, now)


def terms_of(published: ReturnTerms, row: Connection) -> ReturnTerms:
    """The marketplace's, but for what the merchant's own agreement with it says."""
    changes: dict[str, Any] = {}
    if days := row.settings.get("return_window"):
        changes |= {"window_days": int(days), "longer": {}}
    if days := row.settings.get("refund_days"):
        changes |= {"refund": Term(count=int(days), unit=Unit.DAYS), "refund_from": "announced"}
    return published.model_copy(update=changes)


@dataclass(frozen=True)
class _Clock:
    """When a return has to be decided, by the marketplace's terms and the country the order was placed in."""

    terms: ReturnTerms
    countries: Mapping[str | None, str]

    def respond_by(self, back: MarketplaceReturn, line: ReturnLine) -> datetime | None:
        if line.respond_by is not None:
            return line.respond_by
        asked = [self.terms.respond, self.terms.refund if self.terms.refund_from == "announced" else None]
        return self._first(back.registered_at, asked, line)

    def refund_by(self, received_at: datetime, line: ReturnLine) -> datetime | None:
        """From when the goods are back."""
        return self._first(received_at, [self.terms.refund if self.terms.refund_from == "received" else None], line)

    def _first(self, start: datetime, terms: Sequence[Term | None], line: ReturnLine) -> datetime | None:
        country = self.countries.get(line.order_id)
        return min((until(start, term, country) for term in terms if term is not None), default=None)


def _countries(
    session: Session, engine: Engine, row: Connection, found: Sequence[MarketplaceReturn]
) -> dict[str | None, str]:
    """By order: the country of the site it was placed on, else that of the account."""
    manifest = engine.manifest(row)
    of_site = {site.code: site.country for site in manifest.sites}
    own = manifest.countries[0] if manifest.countries else ""
    ids = {line.order_id for back in found for line in back.lines}
    query = select(Order.external_id, Order.site).where(Order.connection_id == row.id, Order.external_id.in_(ids))
    known = {external_id: of_site.get(site or "", own) for external_id, site in session.execute(query)}
    return dict.fromkeys(ids, own) | known


def _keep_return(
    session: Session, row: Connection, back: MarketplaceReturn, line: ReturnLine, clock: _Clock, now: datetime
) -> None:
    query = select(ReturnRow).where(ReturnRow.connection_id == row.id, ReturnRow.external_id == line.external_id)
    known = session.scalars(query).first()
    if known is None:
        if line.handled:
            return
        known = _new_return(session, row, back, line, clock, now)
    elif known.order_line_id is None:
        _belongs(known, _match_return(session, row, line))
        store_returns.queue(session, known, now)
    if line.received and not known.received_at:
        _arrived(known, line, clock, now)
    if line.handled and known.state in ("open", "submitted", "unknown", "sending"):
        decision_answered(session, known, True, "", now)


def _new_return(
    session: Session, row: Connection, back: MarketplaceReturn, line: ReturnLine, clock: _Clock, now: datetime
) -> ReturnRow:
    due, late = clock.respond_by(back, line), _days_late(session, row, back, line, clock.terms)
    item = ReturnRow(
        connection_id=row.id,
        external_id=line.external_id,
        return_id=back.external_id,
        order_external_id=line.order_id,
        sku=line.sku,
        gtin=line.gtin,
        title=line.title,
        quantity=line.quantity,
        reason=line.reason,
        cause=line.cause.value,
        raw=back.raw,
        registered_at=back.registered_at,
        respond_by=due,
        days_late=late,
        state="open",
        store_state="none",
        restock=True,
        rounds=0,
    )
    _belongs(item, _match_return(session, row, line))
    session.add(item)
    session.flush()
    ref = f"{row.account}:{line.order_id}"
    until = f" before {due:%d %b %Y %H:%M} UTC" if due else ""
    records.open_problem(
        session,
        now,
        "return_open",
        f"return {line.external_id}",
        f"{line.quantity} x {item.title or line.sku or line.gtin} of order {line.order_id} comes back: {line.reason}."
        + (f" It is announced {late} days after the buyer's time was over." if late else ""),
        f"Decide on the return when it has arrived{until}.",
        connection_id=row.id,
        severity="warning",
    )
    records.note(session, now, "return", f"return {line.external_id} announced", order=ref, sku=line.sku)
    store_returns.queue(session, item, now)
    return item


def _days_late(session: Session, row: Connection, back: MarketplaceReturn, line: ReturnLine, terms: ReturnTerms) -> int:
    """So long after the buyer's window it was announced, counted from the shipment; of the longest window there is."""
    if terms.window_days is None or line.order_id is None:
        return 0
    query = select(Order).where(Order.connection_id == row.id, Order.external_id == line.order_id)
    order = session.scalars(query).first()
    start = (order.confirmed_at or order.shipped_at) if order is not None else None
    if start is None:
        return 0
    longest = max(terms.window_days, *terms.longer.values(), 0)
    return max(0, (back.registered_at - start).days - longest)


def rematch(session: Session, order: Order, lines: Sequence[OrderLine], now: datetime) -> None:
    """Returns that came before their order was in the store: it is theirs now, and what waited for it is done."""
    query = select(ReturnRow).where(
        ReturnRow.connection_id == order.connection_id,
        ReturnRow.order_external_id == order.external_id,
        ReturnRow.order_line_id.is_(None) | (ReturnRow.store_state == "unmatched") | (ReturnRow.state == "open"),
    )
    for item in session.scalars(query):
        alike = [line for line in lines if _alike(line, item)]
        if item.order_line_id is None and len(alike) == 1:
            _belongs(item, alike[0])
        store_returns.queue(session, item, now)
        if item.order_line_id is not None and item.store_state == "unmatched" and order.store_state == "created":
            item.store_state = "wanted"
            kinds = ("return.refund", "return.store")
            marks = [Mark(item.connection_id, "shipments", kind, str(item.id)) for kind in kinds]
            work.mark(session, item.shop_id, marks, now)
            records.close_problem(session, now, "return_unmatched", f"return {item.external_id}")


def _belongs(item: ReturnRow, line: OrderLine | None) -> None:
    """It is of this line, and called as that is where the marketplace tells no name."""
    if line is not None:
        item.order_line_id, item.title = line.id, item.title or line.title


def _alike(line: OrderLine, item: ReturnRow) -> bool:
    return bool((item.gtin and line.gtin == item.gtin) or (item.sku and line.sku == item.sku))


def _arrived(known: ReturnRow, line: ReturnLine, clock: _Clock, now: datetime) -> None:
    """The goods are back: the time to pay back runs from here. A marketplace says that they are, not since when."""
    known.received_at = now
    dates = [known.respond_by, clock.refund_by(now, line)]
    known.respond_by = min((date for date in dates if date is not None), default=None)


def _match_return(session: Session, row: Connection, line: ReturnLine) -> OrderLine | None:
    if line.order_id is None:
        return None
    query = (
        select(OrderLine)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.connection_id == row.id, Order.external_id == line.order_id)
    )
    lines = list(session.scalars(query))
    exact = [item for item in lines if item.external_id == line.order_line_id]
    alike = [item for item in lines if (line.gtin and item.gtin == line.gtin) or (line.sku and item.sku == line.sku)]
    chosen = exact or alike
    return chosen[0] if len(chosen) == 1 else None


def decide(
    session: Session, row: ReturnRow, decision: ReturnDecision, quantity: int, restock: bool, now: datetime
) -> set[str]:
    """The merchant's result; the marketplace is told, then the store's books and shelf follow."""
    row.decision, row.decided_quantity, row.restock = decision.value, quantity, restock
    row.state, row.error, row.rounds = "decided", None, 0
    if decision is ReturnDecision.ACCEPTED and restock and not row.parts:
        row.parts = parts.whole(session, row, quantity)
    mark = Mark(row.connection_id, "shipments", "return.decide", str(row.id), priority=1)
    work.mark(session, row.shop_id, [mark], now)
    records.note(
        session, now, "return", f"return {row.external_id}: {decision.value}", sku=row.sku, order=_ref_of(session, row)
    )
    return {"shipments"}


def _ref_of(session: Session, row: ReturnRow) -> str | None:
    if row.order_external_id is None:
        return None
    return f"{session.get_one(Connection, row.connection_id).account}:{row.order_external_id}"


def send_decision(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``return.decide``, key our return id."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(ReturnRow, int(claim.key))
    if item is None or item.decision is None or item.state not in ("decided", "sending", "unknown"):
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    decision, quantity = ReturnDecision(item.decision), item.decided_quantity or item.quantity
    try:
        with lane("shipments"), before_write(lambda: fence(engine, row, claim)):
            result = engine.channel(row).decide_return(item.external_id, decision, quantity, item.note)
    except UnknownOutcome as error:
        engine.db.transact(row.shop_id, _decision_in_doubt, claim, error, engine.clock())
        return
    step("return.decide.sent")
    engine.db.transact(row.shop_id, _decision_sent, row, claim, result, engine.clock())
    step("return.decide.recorded")
    engine.ring({"shipments"})


def _decision_in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    item = session.get_one(ReturnRow, int(claim.key))
    item.state, item.error = "unknown", error.merchant
    work.mark(session, item.shop_id, [Mark(item.connection_id, "shipments", "returns.pull", "all")], now)
    work.put_back(session, [claim], now + timedelta(seconds=30), str(error))


def _decision_sent(session: Session, row: Connection, claim: Claim, result: ItemResult, now: datetime) -> None:
    item = session.get_one(ReturnRow, int(claim.key))
    item.rounds += 1
    if result.outcome is Outcome.SUBMITTED and result.submission:
        item.state, item.submission = "submitted", result.submission
        submit(session, row, "return", item.id, result.submission, now)
    elif result.outcome is Outcome.RETRY:
        raise RetryLater(result.message, after=result.after)
    else:
        item.rounds = item.rounds if result.outcome is Outcome.APPLIED else MAX_ROUNDS
        decision_answered(session, item, result.outcome is Outcome.APPLIED, result.message, now)
    work.done(session, [claim], now)


def decision_answered(session: Session, item: ReturnRow, good: bool, message: str, now: datetime) -> None:
    if item.state in ("confirmed", "closed"):
        return
    if good:
        _return_confirmed(session, item, now)
    elif item.rounds < MAX_ROUNDS:
        item.state, item.error = "unknown", message
        due = now + timedelta(seconds=5 * 4**item.rounds)
        work.mark(
            session,
            item.shop_id,
            [
                Mark(item.connection_id, "shipments", "returns.pull", "all"),
                Mark(item.connection_id, "shipments", "return.decide", str(item.id), due_at=due),
            ],
            now,
        )
    else:
        item.state, item.error = "failed", message
        records.open_problem(
            session,
            now,
            "return_refused",
            f"return {item.external_id}",
            f"The marketplace refused the decision on return {item.external_id}: {message}",
            "Decide on it in the marketplace's own portal.",
            connection_id=item.connection_id,
        )


def _return_confirmed(session: Session, item: ReturnRow, now: datetime) -> None:
    item.state, item.error = "confirmed", None
    for kind in ("return_open", *DUE):
        records.close_problem(session, now, kind, f"return {item.external_id}")
    text = f"return {item.external_id} handled on the marketplace"
    records.note(session, now, "return", text, sku=item.sku, order=_ref_of(session, item))
    accepted = item.decision == ReturnDecision.ACCEPTED.value
    # What is paid back in proportion is known by the refund: the store follows that.
    kinds = ["return.refund"] if accepted else []
    kinds += ["return.shelf"] if any(part["shelf"] == "wanted" for part in item.parts) else []
    if accepted and item.store_state == "none":
        item.store_state = "wanted"
        kinds += ["return.store"] if item.decided_quantity != 0 else []
    else:
        item.state, item.closed_at = "closed", now
        store_returns.end(session, item, now)
    marks = [Mark(item.connection_id, "shipments", kind, str(item.id)) for kind in kinds]
    work.mark(session, item.shop_id, marks, now)
