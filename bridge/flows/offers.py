"""Whether an offer exists: looked up, created, adopted, ended. Creating is lookup, then create, then record."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import and_, bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.resting import at_rest
from bridge.db.session import Asks, core_execute
from bridge.db.tables import Connection, FacetRow, Listing, Shop, UtcTime, Variant
from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.matching import Matching
from bridge.domain.money import Money
from bridge.flows import adopting, alike, feed_listings, offered, standstill
from bridge.flows.engine import Engine
from bridge.flows.outcome import park_connection
from bridge.flows.push import content_of
from bridge.flows.sites import place
from bridge.flows.steps import step
from bridge.ports.channel import Channel, ItemResult, OfferDraft, OfferRef, Outcome
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RejectItem, Superseded, UnknownOutcome
from bridge.ports.http import about, before_write, lane

CHUNK = 40
UNKNOWN_AFTER = timedelta(seconds=10)
UNTIL_ENDED = timedelta(seconds=30)

Values = dict[str, dict[str, Any]]


def pending_scopes(session: Asks, lane_name: str, now: datetime) -> list[tuple[int, int, str]]:
    """Ending an offer is stock work (it must stop selling); creating one is content work."""
    topic = "end" if lane_name == "stock" else "create"
    return [(row[0], row[1], topic) for row in core_execute(session, _SCOPES[topic], {"now": now})]


_NOW = bindparam("now", type_=UtcTime())
_FREE = or_(Listing.leased_until.is_(None), Listing.leased_until < _NOW)
_DUE = and_(Listing.pending, Listing.due_at <= _NOW, _FREE)
_EXISTS = {"end": Listing.offer_id.is_not(None), "create": Listing.offer_id.is_(None)}
# Made once: making these statements costs more than running them.
_SCOPES = {
    topic: select(Connection.shop_id, Connection.id)
    .join(Shop, Shop.id == Connection.shop_id)
    .where(Connection.state == "active", Shop.paused.is_(False), ~at_rest(Connection.id, "offers"))
    .where(select(Listing.id).where(Listing.connection_id == Connection.id, _DUE, made).correlate(Connection).exists())
    for topic, made in _EXISTS.items()
}


def run(engine: Engine, shop_id: int, connection_id: int, topic: str, deadline: float) -> None:
    """End or create the offers of one connection that wait for it."""
    with engine.db.read(shop_id) as session:
        row = work.connection(session, connection_id)
    if row is None:
        return
    maker = _Maker(engine, row, engine.channel(row))
    act = maker.end if topic == "end" else maker.create
    if maker.manifest.feed is not None:
        act = partial(maker.by_feed, topic)
    while not engine.stopping.is_set() and time.monotonic() < deadline:
        listings = maker.claim(topic)
        if not listings or not act(listings):
            return


class _Maker:
    def __init__(self, engine: Engine, row: Connection, channel: Channel) -> None:
        self.engine = engine
        self.row = row
        self.channel = channel
        self.manifest = engine.manifest(row)
        self._anothers: dict[int, int] = {}  # listing: who has the offer of its name
        self._doubtful: dict[int, str] = {}  # listing: why no offer is taken over, and none made

    def claim(self, topic: str) -> list[Listing]:
        now = self.engine.clock()
        return self.engine.db.transact(self.row.shop_id, self._claim, topic, now)

    def _claim(self, session: Session, topic: str, now: datetime) -> list[Listing]:
        rests = at_rest(self.row.id, "offers")
        query = select(Listing).where(Listing.connection_id == self.row.id, _DUE, _EXISTS[topic], ~rests)
        query = query.order_by(Listing.due_at).limit(self._most(topic)).with_for_update(skip_locked=True)
        rows = list(session.scalars(query, {"now": now}))
        token = secrets.token_hex(12)
        for row in rows:
            row.leased_until, row.lease_token = now + work.LEASE, token
            if topic == "create":
                row.state = "creating"
        session.flush()
        return rows

    def _most(self, topic: str) -> int:
        """As many as one call takes, where that is more than the usual: some may be made once a minute only."""
        return max(CHUNK, self.manifest.batch_size(f"{topic}_offers"))

    def create(self, listings: list[Listing]) -> bool:
        try:
            found = self._lookup(listings)
        except BridgeError as error:
            return self._failed(listings, error)
        step("offer.create.looked_up")
        self._write(lambda session, now: self._adopt(session, listings, found, now))
        unfound = [row for row in listings if row.id not in found and not self._is_refused(row)]
        fresh = self.engine.db.transact(self.row.shop_id, offered.to_make, unfound, self.engine.clock())
        drafts = self._drafts(fresh)
        size = self.manifest.batch_size("create_offers")
        going = True
        for start in range(0, len(fresh), size):
            batch = fresh[start : start + size]
            going = self._create_batch(batch, drafts) and going
        return going

    def by_feed(self, topic: str, listings: list[Listing]) -> bool:
        """Nothing is asked for and nothing sent: what is offered stands in a file that is fetched."""
        feed = self.manifest.feed
        if topic == "create":
            self._write(lambda session, now: feed_listings.enrol(session, self.row, listings, now))
        elif feed is not None:
            self._write(lambda session, now: feed_listings.leave(session, self.row, feed, listings, now))
        self.engine.ring({"stock", "content"})
        return True

    def _lookup(self, listings: Sequence[Listing]) -> dict[int, LiveOffer]:
        """Offers that stand already, by listing."""
        matching, gtins = Matching.of(self.row.settings), dict.fromkeys(row.gtin for row in listings if row.gtin)
        skus, alike = self._named(matching, listings)
        with lane("content"):
            offers = self.channel.find_offers(skus, list(gtins))
        taken = self._taken([offer.offer_id for offer in offers])
        picked = adopting.pick(matching, listings, offers, taken, alike)
        self._anothers = {key: taken[offer.site, offer.offer_id] for key, offer in picked.others.items()}
        self._doubtful = picked.doubtful
        return picked.found

    def _named(self, matching: Matching, listings: Sequence[Listing]) -> tuple[list[str], dict[int, list[str]]]:
        """Under which SKUs their offers may stand there; and where case and spaces do not count, by listing, the SKUs
        of the store's products that are the same then."""
        skus = dict.fromkeys(row.sku for row in listings)
        if not matching.is_loose:
            return list(skus), {}
        with self.engine.db.read(self.row.shop_id) as session:
            there = alike.spelled(session, self.row.id, matching, list(skus))
            shelf = alike.shelf(session, matching, skus, ())
        same = {row.id: sorted(item.sku or "" for item in shelf.by_sku(row.sku)) for row in listings}
        return [*skus, *sorted(there - set(skus))], same

    def _is_refused(self, row: Listing) -> bool:
        """Its SKU is the very name of an offer that another product has: making one would write over that, and one that
        ends is waited for. Or several offers fit it, of which one may be its own."""
        if row.id in self._doubtful:
            text = self._doubtful[row.id]
            self._write(lambda session, now: offered.refused(session, self.row, row, text, "sku", now))
            return True
        if row.id not in self._anothers:
            return False
        self._write(lambda session, now: self._put_off(session, row, now))
        return True

    def _put_off(self, session: Session, row: Listing, now: datetime) -> None:
        if session.get_one(Listing, self._anothers[row.id]).wanted:
            text = f"the SKU {row.sku} is that of another product's offer there"
            offered.refused(session, self.row, row, text, "sku", now)
        else:
            offered.release(session, row, state="new", due_at=now + UNTIL_ENDED)

    def _taken(self, offer_ids: Sequence[str]) -> dict[tuple[str, str], int]:
        with self.engine.db.read(self.row.shop_id) as session:
            query = select(Listing.site, Listing.offer_id, Listing.id).where(
                Listing.connection_id == self.row.id, Listing.offer_id.in_(offer_ids)
            )
            return {(row[0], str(row[1])): row[2] for row in session.execute(query)}

    def _adopt(self, session: Session, listings: Sequence[Listing], found: dict[int, LiveOffer], now: datetime) -> None:
        for row in listings:
            offer = found.get(row.id)
            if offer is None:
                continue
            offered.told(session, row.id, _values_of(offer), keep=True)
            offered.live(session, self.row, row, offer.offer_id, offer.gtin or row.gtin, now)
            text = f"found the offer {offer.offer_id} of {row.sku} on {self._place(row)} and took it over"
            records.note(session, now, "offer", text, connection_id=self.row.id, sku=row.sku)

    def _drafts(self, listings: Sequence[Listing]) -> dict[int, tuple[OfferDraft, Values]]:
        with self.engine.db.read(self.row.shop_id) as session:
            query = select(FacetRow).where(FacetRow.listing_id.in_([row.id for row in listings]))
            values: dict[int, Values] = {}
            for facet in session.scalars(query):
                values.setdefault(facet.listing_id, {})[facet.facet] = facet.desired
            gtins = {row.id: _variant_gtin(session, row) for row in listings}
        return {
            row.id: (_draft(row, gtins[row.id], values[row.id]), values[row.id])
            for row in listings
            if Facet.PRICE in values.get(row.id, {})
        }

    def _create_batch(self, batch: Sequence[Listing], drafts: dict[int, tuple[OfferDraft, Values]]) -> bool:
        ready = [row for row in batch if row.id in drafts]
        if not ready:
            return True
        try:
            with lane("content"), about(sku=ready[0].sku), before_write(partial(self._fence, ready)):
                results = self.channel.create_offers([drafts[row.id][0] for row in ready])
                step("offer.create.sent")
        except BridgeError as error:
            return self._failed(ready, error)
        pairs = list(zip(ready, results, strict=True))
        self._write(lambda session, now: self._created(session, pairs, drafts, now))
        step("offer.create.recorded")
        return True

    def _fence(self, listings: Sequence[Listing]) -> None:
        with self.engine.db.read(self.row.shop_id) as session:
            query = select(Listing.id, Listing.lease_token).where(Listing.id.in_([row.id for row in listings]))
            held = {row[0]: row[1] for row in session.execute(query)}
        if any(held.get(row.id) != row.lease_token for row in listings):
            raise Superseded("the lease of a listing was lost")
        step("offer.fenced")

    def _created(
        self,
        session: Session,
        pairs: Sequence[tuple[Listing, ItemResult]],
        drafts: dict[int, tuple[OfferDraft, Values]],
        now: datetime,
    ) -> None:
        waiting: dict[str, list[Listing]] = {}
        for row, result in pairs:
            if result.outcome is Outcome.APPLIED and result.offer_id:
                offered.told(session, row.id, _sent(drafts[row.id][1], result))
                offered.live(session, self.row, row, result.offer_id, drafts[row.id][0].gtin, now)
                text = f"offer of {row.sku} on {self._place(row)} created as {result.offer_id}"
                records.note(session, now, "offer", text, connection_id=self.row.id, sku=row.sku)
            elif result.outcome is Outcome.REJECTED and standstill.is_of_all(self.manifest, result):
                waiting.setdefault(result.message, []).append(row)
            elif result.outcome is Outcome.REJECTED:
                offered.refused(session, self.row, row, result.message, result.field, now)
            elif result.outcome is Outcome.SUBMITTED:
                offered.told(session, row.id, _sent(drafts[row.id][1], result))
                offered.submitted(session, self.row, row, drafts[row.id][0].gtin, result.submission, now)
            else:
                wait = now + work.backoff(row.attempts + 1)
                values = {"state": "unknown", "due_at": wait, "attempts": row.attempts + 1, "error": result.message}
                offered.release(session, row, **values)
        for message, rows in waiting.items():
            standstill.offers_wait(session, self.row, rows, message, now)
        if any(standstill.waited(row.error) for row, _ in pairs):
            standstill.tell(session, self.row, now)

    def end(self, listings: list[Listing]) -> bool:
        size = self.manifest.batch_size("end_offers")
        going = True
        for start in range(0, len(listings), size):
            batch = listings[start : start + size]
            refs = [_reference(row) for row in batch]
            try:
                with lane("stock"), about(sku=batch[0].sku), before_write(partial(self._fence, batch)):
                    results = self.channel.end_offers(refs)
                    step("offer.end.sent")
            except BridgeError as error:
                going = self._failed(batch, error)
                continue
            pairs = list(zip(batch, results, strict=True))
            self._write(lambda session, now, pairs=pairs: self._ended(session, pairs, now))
        return going

    def _ended(self, session: Session, pairs: Sequence[tuple[Listing, ItemResult]], now: datetime) -> None:
        for row, result in pairs:
            if result.outcome in (Outcome.APPLIED, Outcome.MISSING):
                # Whether it is wanted is read now: that may have changed while the answer was on its way.
                state = case((Listing.wanted, "new"), else_="ended")
                offered.release(
                    session, row, offer_id=None, state=state, pending=Listing.wanted, attempts=0, error=None
                )
                self._quiet(session, row.id)
                text = f"offer of {row.sku} on {self._place(row)} ended"
                records.note(session, now, "offer", text, connection_id=self.row.id, sku=row.sku)
            else:
                wait = work.backoff(row.attempts + 1)
                offered.release(session, row, due_at=now + wait, attempts=row.attempts + 1, error=result.message)

    def _quiet(self, session: Session, listing_id: int) -> None:
        """A listing without an offer has nothing to update."""
        session.execute(
            update(FacetRow)
            .where(FacetRow.listing_id == listing_id)
            .values(acked_version=FacetRow.desired_version, acked={}, acked_hash="", in_flight=False)
            .execution_options(synchronize_session=False)
        )

    def _failed(self, listings: Sequence[Listing], error: BridgeError) -> bool:
        """Always False: whatever this was, the connection is left alone until the rows fall due again."""
        self._write(lambda session, now: self._fail(session, listings, error, now))
        return False

    def _fail(self, session: Session, listings: Sequence[Listing], error: BridgeError, now: datetime) -> None:
        if isinstance(error, Reauthorise):
            park_connection(session, self.row.id, error, now)
        if isinstance(error, (AskMerchant, RejectItem)) and standstill.is_of_all(self.manifest, error):
            standstill.offers_wait(session, self.row, listings, error.merchant, now)
            return
        for row in listings:
            if isinstance(error, RejectItem):
                offered.refused(session, self.row, row, error.merchant, error.field, now)
                continue
            after = getattr(error, "after", None) or work.backoff(row.attempts + 1)
            unknown = isinstance(error, UnknownOutcome)
            state = "unknown" if unknown else ("new" if row.offer_id is None else row.state)
            wait = UNKNOWN_AFTER if unknown else after
            offered.release(
                session, row, state=state, due_at=now + wait, attempts=row.attempts + 1, error=str(error)[:2000]
            )

    def _place(self, row: Listing) -> str:
        return place(self.row, row.site)

    def _write(self, act: Any) -> None:
        now = self.engine.clock()
        self.engine.db.transact(self.row.shop_id, act, now)


def _variant_gtin(session: Session, row: Listing) -> str | None:
    return session.scalar(select(Variant.gtin).where(Variant.id == row.variant_id))


def _draft(row: Listing, gtin: str | None, values: Values) -> OfferDraft:
    return OfferDraft(
        key=str(row.id),
        site=row.site,
        sku=row.sku,
        gtin=gtin,
        stock=values[Facet.STOCK]["quantity"],
        price=Money.model_validate(values[Facet.PRICE]),
        content=content_of(values[Facet.CONTENT]),
        handling_days=values[Facet.CONTENT].get("handling_days"),
    )


def _reference(row: Listing) -> OfferRef:
    return OfferRef(key=str(row.id), site=row.site, offer_id=row.offer_id or "", sku=row.sku, gtin=row.gtin)


def _sent(values: Values, result: ItemResult) -> Values:
    """What of a draft the marketplace has with the new offer."""
    return {facet: value for facet, value in values.items() if facet not in result.unsent}


def _values_of(offer: LiveOffer) -> Values:
    values: Values = {}
    if offer.stock is not None:
        values[Facet.STOCK] = {"quantity": offer.stock}
    if offer.price is not None:
        values[Facet.PRICE] = offer.price.quantised().as_json()
    return values
