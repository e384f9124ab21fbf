"""A marketplace account's own offers against the store's products: what is the same by SKU or by GTIN, as the merchant
has them matched (bridge/domain/matching.py), what fits several, what the store does not know. Only read; nothing is
sent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Listing, LooseOffer, Order, Variant
from bridge.db.work import Claim, Mark
from bridge.domain.listing import LiveOffer
from bridge.domain.matching import Matching, told_apart
from bridge.flows import account, alike, linking, listing_view, readiness
from bridge.flows.advice import CORRECT_TO_OFFER
from bridge.flows.engine import Engine
from bridge.flows.offered import UNLINKED
from bridge.flows.paging import offer_pages
from bridge.ports.http import lane
from bridge.ports.manifest import Capability

KIND = "match.offers"
PATIENCE = timedelta(seconds=15)
EXAMPLES = 50
MOST_BLOCKED = 2000
PER_RULE = 5
_COUNTED = ("offers", "by_sku", "by_gtin", "by_hand", "several", "unknown")
DOUBLES = ("sku_double", "gtin_double")


@dataclass
class Matched:
    """Offers counted by how they were matched; of ``several`` and ``unknown`` the first ones. ``own``: sites and
    variants that have an offer of their very SKU; ``others``: the offers that fit a variant otherwise."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    own: set[tuple[str, int]] = field(default_factory=set)
    others: defaultdict[tuple[str, int], list[tuple[str, LiveOffer, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, how: str, offer: LiveOffer, skus: Sequence[str]) -> None:
        self.counts[how] += 1
        if how in ("several", "unknown") and len(self.examples) < EXAMPLES:
            told = {"offer": offer.offer_id, "site": offer.site, "sku": offer.sku, "gtin": offer.gtin}
            self.examples.append({"how": how, **told, "title": offer.title or "", "fits": list(skus)})

    def fits(self, how: str, offer: LiveOffer, variant: Variant) -> None:
        """It fits one variant, which others may fit as well."""
        self.add(how, offer, ())
        place = (offer.site, variant.id)
        if how == "by_sku" and variant.sku == offer.sku:
            self.own.add(place)
        else:
            self.others[place].append((how, offer, variant.sku or ""))

    def doubled(self) -> list[LiveOffer]:
        """Offers that fit a variant of which there is another offer, that is its own or fits as well: counted anew."""
        found = []
        for place, offers in self.others.items():
            if place in self.own or len(offers) > 1:
                for how, offer, sku in offers:
                    self.counts[how] -= 1
                    self.add("several", offer, [sku])
                    found.append(offer)
        return found


def begin(session: Session, row: Connection, now: datetime, *, can_list: bool) -> None:
    """Have the account's offers compared, where the marketplace lists them."""
    if can_list:
        row.info = {**(row.info or {}), account.MATCH: {"started_at": now.isoformat()}}
        work.mark(session, row.shop_id, [Mark(row.id, "sweep", KIND, "all", priority=2)], now)


def can_list(engine: Engine, row: Connection) -> bool:
    return Capability.READ_BACK in engine.manifest(row).capabilities


def again(engine: Engine, shop_id: int, connection_id: int) -> None:
    """Compare anew, by the merchant's word."""
    now = engine.clock()

    def act(session: Session) -> None:
        row = session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        begin(session, row, now, can_list=can_list(engine, row))

    engine.db.transact(shop_id, act)
    engine.ring({"sweep"})


def changed(engine: Engine, session: Session, row: Connection, now: datetime) -> None:
    """Matched otherwise from now on: offers are compared anew, what was not offered is tried again, and so are orders
    that wait for a product."""
    begin(session, row, now, can_list=can_list(engine, row))
    session.execute(
        update(Listing)
        .where(Listing.connection_id == row.id, Listing.state == "rejected", Listing.offer_id.is_(None))
        .values(state="new", pending=Listing.wanted, due_at=now, attempts=0)
        .execution_options(synchronize_session=False)
    )
    orders_again(session, row, now)


def orders_again(session: Session, row: Connection, now: datetime) -> None:
    """Orders that wait for a product are looked at once more."""
    waits = select(Order.external_id).where(
        Order.connection_id == row.id, or_(Order.store_state == "held", Order.accept_state.in_(("wanted", "asked")))
    )
    marks = [Mark(row.id, "orders", "orders.import", key, priority=2) for key in session.scalars(waits)]
    work.mark(session, row.shop_id, marks, now)


def compare(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``match.offers``: the result, and how far it is, stand in the connection's ``info``. While the store's
    products are still coming in, it waits for them."""
    if engine.db.transact(row.shop_id, _waits, claims, engine.clock()):
        return
    started, found, matching = engine.clock(), Matched(), Matching.of(row.settings)
    with lane("sweep"):
        for page in offer_pages(engine.channel(row).list_offers):
            engine.db.transact(row.shop_id, _page, row.id, matching, page, found, started)
            engine.db.transact(row.shop_id, work.renew, claims, engine.clock())

    doubled = found.doubled()

    def end(session: Session) -> None:
        now = engine.clock()
        linking.keep(session, row.id, doubled, started)
        session.execute(delete(LooseOffer).where(LooseOffer.connection_id == row.id, LooseOffer.seen_at < started))
        _keep(session, row.id, found, started, now)
        linking.compared(session, row.id, started, now)
        work.done(session, claims, now)

    engine.db.transact(row.shop_id, end)
    engine.ring({"content"})


def _waits(session: Session, claims: list[Claim], now: datetime) -> bool:
    if not readiness.is_reading(session):
        return False
    work.put_back(session, claims, now + PATIENCE)
    return True


def _page(
    session: Session,
    connection_id: int,
    matching: Matching,
    page: Sequence[LiveOffer],
    found: Matched,
    started: datetime,
) -> None:
    """Those that fit no product by themselves are kept, to be linked by hand, and what is known of those that were."""
    loose = _match(session, connection_id, matching, page, found)
    linking.keep(session, connection_id, loose, started)
    _keep(session, connection_id, found, started, None)


def _match(
    session: Session, connection_id: int, matching: Matching, page: Sequence[LiveOffer], found: Matched
) -> list[LiveOffer]:
    """Counts them; returns those that were linked by hand, or fit no product, or several, and those whose SKU the store
    writes otherwise: so written they are looked for when the product is offered."""
    by_hand = linking.variants(session, connection_id, [offer.offer_id for offer in page])
    loose = []
    shelf = alike.shelf(session, matching, [offer.sku for offer in page], [offer.gtin for offer in page])
    for offer in page:
        told = told_apart(shelf.by_sku(offer.sku), shelf.by_gtin(offer.gtin))
        if (offer.site, offer.offer_id) in by_hand:
            found.add("by_hand", offer, ())
        elif told.how in ("several", "unknown"):
            found.add(told.how, offer, [variant.sku or "" for variant in told.ids])
        else:
            found.fits(told.how, offer, told.ids[0])
            if told.how == "by_gtin" or told.ids[0].sku == offer.sku:
                continue
        loose.append(offer)
    return loose


def _keep(session: Session, connection_id: int, found: Matched, started: datetime, ended: datetime | None) -> None:
    row = session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
    told: dict[str, Any] = {"started_at": started.isoformat(), "offers": found.counts.total(), **found.counts}
    if ended is not None:
        told |= {"at": ended.isoformat(), "examples": found.examples}
    row.info = {**(row.info or {}), account.MATCH: told}


def shown(session: Session, row: Connection) -> dict[str, Any]:
    """Products by whether they can be offered, what stands in the way of the others, and the account's own offers."""
    states = _states(session, row.id)
    match = (row.info or {}).get(account.MATCH) or {}
    return {
        "ready": sum(states[name] for name in ("new", "creating", "submitted", "unknown", "live")),
        "blocked": sum(states[name] for name in listing_view.STOPPED),
        "excluded": states["excluded"],
        "total": states.total(),
        "products": session.scalar(select(func.count()).select_from(Variant).where(Variant.deleted_at.is_(None))) or 0,
        "reasons": _reasons(session, row.id),
        "offers": {
            **{name: int(match.get(name, 0)) for name in _COUNTED},
            "examples": match.get("examples", []),
            **{name: _moment(match.get(name)) for name in ("started_at", "at")},
        },
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _states(session: Session, connection_id: int) -> Counter[str]:
    """Listings by state; ``excluded``: those that the merchant does not want there."""
    query = select(Listing.state, Listing.wanted, func.count()).where(Listing.connection_id == connection_id)
    found: Counter[str] = Counter()
    for state, wanted, count in session.execute(query.group_by(Listing.state, Listing.wanted)):
        found["excluded" if not wanted else state] += count
    return found


def _reasons(session: Session, connection_id: int) -> list[dict[str, Any]]:
    """What blocks, the most frequent first, each with some of the products; read from the first that are blocked."""
    query = (
        select(Listing.sku, Listing.findings, Listing.state, Listing.error, Variant.title)
        .join(Variant, Variant.id == Listing.variant_id)
        .where(Listing.connection_id == connection_id, Listing.wanted, Listing.state.in_(listing_view.STOPPED))
        .order_by(Listing.id)
        .limit(MOST_BLOCKED)
    )
    found: dict[str, dict[str, Any]] = {}
    for sku, findings, state, error, title in session.execute(query):
        for item in [item for item in findings if item.get("blocking")] or [_stopped(state, error)]:
            group = found.setdefault(
                str(item["rule"]),
                {"rule": item["rule"], "fix": item["fix"], "text": item["text"], "count": 0, "examples": []},
            )
            group["count"] += 1
            if len(group["examples"]) < PER_RULE:
                group["examples"].append({"sku": sku, "title": title, "text": item["text"]})
    return sorted(found.values(), key=lambda group: (group["rule"] not in DOUBLES, -group["count"]))


def _stopped(state: str, error: str | None) -> dict[str, str]:
    if state == UNLINKED:
        return {"rule": UNLINKED, **listing_view.WAITS}
    return {"rule": "refused", "text": error or "", "fix": CORRECT_TO_OFFER}
