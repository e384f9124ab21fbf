"""An offer that stands on a marketplace and the product it belongs to, said by hand where no SKU and no EAN says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.bulk import insert_rows
from bridge.db.tables import Connection, Listing, LooseOffer, Order, OrderLine, Variant
from bridge.db.work import Mark
from bridge.domain.listing import LiveOffer
from bridge.domain.whose import Candidate
from bridge.flows import offered
from bridge.flows.engine import Engine
from bridge.flows.sites import place, site_name
from bridge.ports.errors import AskMerchant, NotFound

SUGGESTED = 5
LOOKED_AT = 200
SHORTEST_WORD = 3
_OVER = ("disconnected", "connecting")


class Offer(NamedTuple):
    """Which one is meant; ``site`` is its code, "" where an account is one site."""

    connection_id: int
    site: str
    offer_id: str


def keep(session: Session, connection_id: int, offers: Sequence[LiveOffer], now: datetime) -> None:
    """Those of a page that fit no product by themselves, as they were found now."""
    query = select(LooseOffer).where(
        LooseOffer.connection_id == connection_id, LooseOffer.offer_id.in_([offer.offer_id for offer in offers])
    )
    known = {(row.site, row.offer_id): row for row in session.scalars(query)}
    fresh = []
    for offer in {(offer.site, offer.offer_id): offer for offer in offers}.values():
        values = {"sku": offer.sku or "", "gtin": offer.gtin or "", "title": (offer.title or "")[:300]}
        row = known.get((offer.site, offer.offer_id))
        if row is None:
            fresh.append(
                {
                    "connection_id": connection_id,
                    "site": offer.site,
                    "offer_id": offer.offer_id,
                    **values,
                    "seen_at": now,
                }
            )
        else:
            row.sku, row.gtin, row.title, row.seen_at = values["sku"], values["gtin"], values["title"], now
    insert_rows(session, LooseOffer, fresh)
    session.flush()


def variants(session: Session, connection_id: int, offer_ids: Iterable[str]) -> dict[tuple[str, str], int]:
    """The variants of these offers that were linked by hand, by site and offer."""
    found = owners(session, connection_id, offer_ids)
    return {place: owner.variant.id for place, owner in found.items() if owner.by_hand}


class Owner(NamedTuple):
    """Whose offer it is, and whether a person said so."""

    variant: Candidate
    by_hand: bool


def owners(session: Session, connection_id: int, offer_ids: Iterable[str]) -> dict[tuple[str, str], Owner]:
    """By site and offer: what was linked by hand, and what was listed from here and is in the store still."""
    by_hand = Listing.linked_by.is_not(None)
    query = (
        select(Listing.site, Listing.offer_id, Variant.id, Variant.sku, Variant.gtin, by_hand)
        .join(Variant, Variant.id == Listing.variant_id)
        .where(Listing.connection_id == connection_id, Listing.offer_id.in_(list(offer_ids)))
        .where(by_hand | Variant.deleted_at.is_(None))
    )
    return {(row[0], row[1] or ""): Owner(Candidate(*row[2:5]), bool(row[5])) for row in session.execute(query)}


def link(engine: Engine, shop_id: int, offer: Offer, sku: str, author: str) -> str:
    """``sku`` of the store is what this offer sells. Raises AskMerchant and NotFound; returns what is now true."""
    text = engine.db.transact(shop_id, link_in, offer, sku, author, engine.clock())
    engine.ring({"stock", "content", "orders"})
    return text


def link_in(session: Session, offer: Offer, sku: str, author: str, now: datetime) -> str:
    channel, variant = connection(session, offer.connection_id), one_variant(session, sku.strip())
    listing = _of_variant(session, channel, offer.site, variant)
    if listing.offer_id is not None and listing.offer_id != offer.offer_id:
        text = f"{variant.sku} has the offer {listing.offer_id} there already."
        raise AskMerchant(f"{text} A product has one offer on a marketplace.", field="sku")
    _must_be_free(session, offer, listing)
    if listing.offer_id is None:
        offered.told(session, listing.id, {})
        offered.live(session, channel, listing, offer.offer_id, variant.gtin, now)
        session.refresh(listing)
    listing.linked_by, listing.linked_at = author[:100], now
    text = f"the offer {offer.offer_id} on {place(channel, offer.site)} is {variant.sku}, linked by hand"
    records.note(session, now, "offer", text, connection_id=channel.id, sku=variant.sku)
    _orders(session, offer, variant, now)
    session.flush()
    return text


def unlink(engine: Engine, shop_id: int, offer: Offer) -> str:
    """The offer is nobody's again and stays there as it is. The product is offered anew when offers have been compared,
    or when somebody asks for it (:func:`offer_anew`). Raises AskMerchant and NotFound; returns what is now true."""
    return engine.db.transact(shop_id, unlink_in, offer, engine.clock())


def unlink_in(session: Session, offer: Offer, now: datetime) -> str:
    channel = connection(session, offer.connection_id)
    listing = by_offer(session, offer)
    if listing is None or listing.linked_by is None:
        raise AskMerchant(f"The offer {offer.offer_id} was not linked by hand.", field="offer")
    if _found(session, offer) is None:  # it fits its product by itself, too
        title = session.scalar(select(Variant.title).where(Variant.id == listing.variant_id)) or ""
        session.add(LooseOffer(**offer._asdict(), sku="", gtin=listing.gtin or "", title=title[:300], seen_at=now))
    offered.unlinked(session, listing.id, now)
    text = f"the offer {offer.offer_id} on {place(channel, offer.site)} is no longer {listing.sku}: unlinked by hand"
    records.note(session, now, "offer", text, connection_id=channel.id, sku=listing.sku)
    session.flush()
    return text


def offer_anew(engine: Engine, shop_id: int, connection_id: int, site: str, sku: str) -> str:
    """``sku`` was unlinked and is to have an offer of its own. Raises AskMerchant and NotFound; returns what is now
    true."""
    text = engine.db.transact(shop_id, _offer_anew, connection_id, site, sku, engine.clock())
    engine.ring({"content"})
    return text


def _offer_anew(session: Session, connection_id: int, site: str, sku: str, now: datetime) -> str:
    channel, variant = connection(session, connection_id), one_variant(session, sku.strip())
    listing = _of_variant(session, channel, site, variant)
    if not offered.anew(session, Listing.id == listing.id, now):
        raise AskMerchant(f"{variant.sku} was not unlinked on {place(channel, site)}.", field="sku")
    text = f"{variant.sku} is offered anew on {place(channel, site)}, where it was unlinked"
    records.note(session, now, "offer", text, connection_id=channel.id, sku=variant.sku)
    return text


def compared(session: Session, connection_id: int, started: datetime, now: datetime) -> int:
    """A comparison that began at ``started`` has ended: whatever was unlinked before may be offered again."""
    there = (Listing.connection_id == connection_id) & (Listing.linked_at < started)
    return offered.anew(session, there, now)


def connection(session: Session, number: int) -> Connection:
    row = session.get(Connection, number)
    if row is None or row.role != "channel" or row.state in _OVER:
        raise NotFound("There is no such marketplace connection.", field="channel")
    return row


def connections(session: Session) -> list[Connection]:
    """Every marketplace that is connected."""
    query = select(Connection).where(Connection.role == "channel", Connection.state.not_in(_OVER))
    return list(session.scalars(query.order_by(Connection.id)))


def one_variant(session: Session, sku: str) -> Variant:
    """Raises AskMerchant where there is none, or several."""
    if not sku:
        raise AskMerchant("Enter the SKU of the product in the store.", field="sku")
    rows = list(session.scalars(select(Variant).where(Variant.sku == sku, Variant.deleted_at.is_(None)).limit(2)))
    if not rows:
        raise AskMerchant(f"The store has no product with SKU {sku!r}.", field="sku")
    if len(rows) > 1:
        raise AskMerchant(f"SKU {sku} is used by more than one product; give each its own.", field="sku")
    return rows[0]


def by_offer(session: Session, offer: Offer) -> Listing | None:
    query = select(Listing).where(
        Listing.connection_id == offer.connection_id, Listing.site == offer.site, Listing.offer_id == offer.offer_id
    )
    return session.scalars(query.with_for_update()).first()


def _of_variant(session: Session, channel: Connection, site: str, variant: Variant) -> Listing:
    query = select(Listing).where(
        Listing.connection_id == channel.id, Listing.site == site, Listing.variant_id == variant.id
    )
    found = session.scalars(query.with_for_update()).first()
    if found is None:
        raise AskMerchant(f"{variant.sku} is not looked after on {place(channel, site)} (yet).", field="sku")
    return found


def _found(session: Session, offer: Offer) -> LooseOffer | None:
    """As the last comparison found it, whosever it is."""
    query = select(LooseOffer).where(
        LooseOffer.connection_id == offer.connection_id,
        LooseOffer.site == offer.site,
        LooseOffer.offer_id == offer.offer_id,
    )
    return session.scalars(query.with_for_update()).first()


def _must_be_free(session: Session, offer: Offer, listing: Listing) -> None:
    """Known from the last comparison, and nobody else's."""
    owner = by_offer(session, offer)
    if owner is not None and owner.id != listing.id:
        raise AskMerchant(f"The offer {offer.offer_id} is {owner.sku} already; unlink that first.", field="offer")
    if owner is None and _found(session, offer) is None:
        text = f"No offer {offer.offer_id} without a product was found there."
        raise AskMerchant(f"{text} Compare again where it is new.", field="offer")


def _orders(session: Session, offer: Offer, variant: Variant, now: datetime) -> None:
    """What was ordered of it meanwhile goes on."""
    query = (
        select(OrderLine, Order)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.connection_id == offer.connection_id, OrderLine.offer_id == offer.offer_id)
        .where(OrderLine.variant_id.is_(None))
    )
    orders: dict[str, Order] = {}
    for line, order in session.execute(query):
        if order.site in ("", offer.site):
            line.variant_id, orders[order.external_id] = variant.id, order
    marks = [Mark(order.connection_id, "orders", "orders.import", key, priority=1) for key, order in orders.items()]
    for order in orders.values():
        work.mark(session, order.shop_id, [mark for mark in marks if mark.key == order.external_id], now)


# What the page shows

OWNED = (
    select(Listing.id)
    .where(
        Listing.connection_id == LooseOffer.connection_id,
        Listing.site == LooseOffer.site,
        Listing.offer_id == LooseOffer.offer_id,
    )
    .exists()
)


def loose(session: Session, connection_id: int, search: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Offers without a product, each with the products it may be and why, the likeliest first."""
    query = select(LooseOffer).where(LooseOffer.connection_id == connection_id, LooseOffer.id > after, ~OWNED)
    if search:
        pattern = f"%{search.lower()}%"
        columns = (LooseOffer.title, LooseOffer.offer_id, LooseOffer.sku, LooseOffer.gtin)
        query = query.where(_any(func.lower(column).like(pattern) for column in columns))
    rows = list(session.scalars(query.order_by(LooseOffer.id).limit(limit)))
    names = ("id", "connection_id", "site", "offer_id", "sku", "gtin", "title", "seen_at")
    channel = connection(session, connection_id)
    return [
        {
            **{name: getattr(row, name) for name in names},
            "place": site_name(channel, row.site),
            "candidates": candidates(session, row),
        }
        for row in rows
    ]


def _any(parts: Iterable[Any]) -> Any:
    first, *rest = parts
    for part in rest:
        first = first | part
    return first


def count(session: Session, connection_id: int) -> int:
    query = select(func.count()).select_from(LooseOffer).where(LooseOffer.connection_id == connection_id, ~OWNED)
    return session.scalar(query) or 0


def candidates(session: Session, offer: LooseOffer) -> list[dict[str, Any]]:
    """By EAN first, then by the words that the titles share; products that are offered there already are none."""
    taken = select(Listing.variant_id).where(
        Listing.connection_id == offer.connection_id, Listing.site == offer.site, Listing.offer_id.is_not(None)
    )
    free = select(Variant.sku, Variant.title, Variant.gtin).where(
        Variant.deleted_at.is_(None), Variant.sku.is_not(None), Variant.id.not_in(taken)
    )
    found: dict[str | None, dict[str, Any]] = {}
    if offer.gtin:
        for sku, title, _ in session.execute(free.where(Variant.gtin == offer.gtin).limit(SUGGESTED)):
            found[sku] = {"sku": sku, "title": title, "why": "the same EAN"}
    words = _words(offer.title)
    if words and len(found) < SUGGESTED:
        longest = max(words, key=lambda word: (len(word), word))
        named = free.where(func.lower(Variant.title).like(f"%{longest}%")).order_by(Variant.id).limit(LOOKED_AT)
        alike = [(len(words & _words(title)), sku, title) for sku, title, _ in session.execute(named)]
        for same, sku, title in sorted(alike, key=lambda one: (-one[0], one[1])):
            why = f"{same} of {len(words)} words of the title"
            found.setdefault(sku, {"sku": sku, "title": title, "why": why})
    return list(found.values())[:SUGGESTED]


def _words(title: str) -> set[str]:
    plain = "".join(letter if letter.isalnum() else " " for letter in title.lower())
    return {word for word in plain.split() if len(word) >= SHORTEST_WORD}


def linked(session: Session, connection_id: int, limit: int) -> list[Mapping[str, Any]]:
    """What was linked by hand, the newest first."""
    found = _handled(session, connection_id, limit, Listing.linked_by.is_not(None), Listing.offer_id.is_not(None))
    return [{**said, "offer_id": row.offer_id, "by": row.linked_by} for row, said in found]


def unlinked(session: Session, connection_id: int, limit: int) -> list[Mapping[str, Any]]:
    """Products that were unlinked and wait, the newest first."""
    found = _handled(session, connection_id, limit, Listing.state == offered.UNLINKED, Variant.deleted_at.is_(None))
    return [{**said, "wanted": row.wanted} for row, said in found]


def _handled(
    session: Session, connection_id: int, limit: int, *which: ColumnElement[bool]
) -> list[tuple[Listing, dict[str, Any]]]:
    """Listings that a person has linked or unlinked, the newest first, and what is said of each."""
    query = select(Listing, Variant.title).join(Variant, Variant.id == Listing.variant_id)
    query = query.where(Listing.connection_id == connection_id, *which)
    channel = connection(session, connection_id)
    return [
        (
            row,
            {
                "site": row.site,
                "place": site_name(channel, row.site),
                "sku": row.sku,
                "title": title,
                "at": row.linked_at,
            },
        )
        for row, title in session.execute(query.order_by(Listing.linked_at.desc(), Listing.id).limit(limit))
    ]
