"""What differs between listings as they are and as they should be, collected and written in a constant number of
statements. What reaches too far (bridge/domain/blast.py) is put aside on its own row, and what is live stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.bulk import insert_rows, update_rows
from bridge.db.tables import FacetRow, Listing
from bridge.domain import stock
from bridge.domain.listing import DesiredOffer, Facet
from bridge.domain.money import Money
from bridge.domain.values import fingerprint
from bridge.flows import held
from bridge.flows.offered import UNLINKED
from bridge.flows.shape import Made
from bridge.flows.views import ChannelView

Row = dict[str, Any]
APPROVED, HELD = "approved", "held"
DOUBTFUL = ("creating", "unknown")
BY_SKU = ("offer_refused", "not_for_sale", "drift", *(f"rejected.{facet}" for facet in Facet))
AS_IT_IS = ("submitted", UNLINKED)  # without an offer, and nothing is done about it by itself


class Difference:
    """``holding``: connections whose held changes are others than before. ``confirmed``: nothing is held."""

    def __init__(self, now: datetime, event_at: datetime, *, confirmed: bool = False) -> None:
        self.now = now
        self.event_at = event_at
        self.confirmed = confirmed
        self.holding: set[int] = set()
        self.renamed: list[str] = []  # what problems of a listing were about that has another SKU now
        self.new_listings: list[tuple[Row, list[Row]]] = []
        self.listings: list[Row] = []
        self.ends: dict[int, list[tuple[Row, Row]]] = {}
        self.facets: list[Row] = []
        self.new_facets: list[Row] = []
        self.lanes: set[str] = set()

    def compare(
        self,
        view: ChannelView,
        variant_id: int,
        listing: Row | None,
        facets: dict[str, Row],
        made: Made,
        gone: bool,
    ) -> None:
        values = desired_values(made.offer)
        if listing is None:
            self._new(view, variant_id, made, values)
            return
        self._listing(view, listing, made, gone)
        live = listing["offer_id"] is not None
        if made.offer.blocked or gone:
            for row in facets.values():
                if row["held_hash"]:  # what is not sent at all need not be asked about
                    self._keep(listing, row, row["explain"])
        for name, value in values.items():
            if name != Facet.STOCK and (made.offer.blocked or gone):
                continue  # a live offer keeps its last good price and content; its stock is always kept right
            self._facet(view, listing, facets.get(name), name, value, made, live)

    def _new(self, view: ChannelView, variant_id: int, made: Made, values: dict[str, Row]) -> None:
        ready = not made.offer.blocked
        listing = {
            "connection_id": view.id,
            "variant_id": variant_id,
            "site": view.site,
            "sku": made.offer.sku,
            "gtin": made.offer.gtin,
            "wanted": not made.unwanted,
            "state": "new" if ready else "blocked",
            "pending": ready,
            "version": 1,
            "due_at": self.now,
            "attempts": 0,
            "findings": [item.as_json() for item in made.offer.findings],
            "sale_reasons": [],
            "drift_count": 0,
            "event_at": self.event_at,
        }
        facets = [self._facet_row(view.id, name, value, made) for name, value in values.items()]
        self.new_listings.append((listing, facets))
        if ready:
            self.lanes.add("content")

    def _facet_row(self, connection_id: int, name: str, value: Row, made: Made) -> Row:
        return {
            "connection_id": connection_id,
            "facet": name,
            "desired": value,
            "desired_hash": fingerprint(value),
            "desired_version": 1,
            "acked_version": 1,
            "desired_at": self.now,
            "explain": made.explanation(name),
            "priority": 2,
            "acked": {},
            "acked_hash": "",
            "in_flight": False,
            "due_at": self.now,
            "attempts": 0,
        }

    def _listing(self, view: ChannelView, listing: Row, made: Made, gone: bool) -> None:
        offer = made.offer
        live = listing["offer_id"] is not None
        off = gone or bool(made.unwanted)
        if listing["sku"] != offer.sku:
            self.renamed.append(" on ".join((listing["sku"], view.title)))  # sites.subject
        ending = live and off
        replace = live and not offer.blocked and _is_another(listing["gtin"], offer.gtin)
        row = {
            "id": listing["id"],
            "wanted": not off,
            "pending": _pending(listing, live, ending or replace, not off and not offer.blocked),
            "findings": [item.as_json() for item in offer.findings],
            "state": wanted_state(listing["state"], live, gone, bool(made.unwanted), offer.blocked),
            "sku": offer.sku,
            "end_hold": self._end_hold(listing, ending, off),
        }
        if ending and listing["wanted"] and row["end_hold"] != APPROVED:
            self.ends.setdefault(listing["connection_id"], []).append((listing, row))
            return
        self._changed(listing, row)

    def _end_hold(self, listing: Row, ending: bool, off: bool) -> str:
        if not ending:
            return APPROVED if off and listing["end_hold"] == APPROVED else ""
        return APPROVED if self.confirmed else str(listing["end_hold"])

    def _changed(self, listing: Row, row: Row) -> None:
        if all(listing[name] == value for name, value in row.items()):
            return
        if HELD in (listing["end_hold"], row["end_hold"]):
            self.holding.add(listing["connection_id"])
        more = {"version": listing["version"] + 1, "due_at": self.now, "attempts": 0, "event_at": self.event_at}
        self.listings.append(row | more)
        if row["pending"]:
            self.lanes.add("stock" if listing["offer_id"] is not None else "content")

    def _facet(
        self, view: ChannelView, listing: Row, row: Row | None, name: str, value: Row, made: Made, live: bool
    ) -> None:
        if row is None:
            self.new_facets.append(
                {"listing_id": listing["id"], **self._facet_row(listing["connection_id"], name, value, made)}
            )
            return
        if view.frozen and live and not _falls(name, value, row["desired"]):
            return
        digest = fingerprint(value)
        if row["desired_hash"] == digest:
            if row["held_hash"] or not made.explains(name, row["explain"]):
                self._keep(listing, row, made.explanation(name))
            return
        if name == Facet.PRICE and live and self._moves_too_far(view, row, value, digest):
            if row["held_hash"] != digest:
                self._keep(listing, row, row["explain"], {"value": value, "explain": made.explanation(name)}, digest)
            return
        self._set(listing, row, name, value, digest, made.explanation(name), live)

    def _moves_too_far(self, view: ChannelView, row: Row, value: Row, digest: str) -> bool:
        if self.confirmed or row["approved_hash"] == digest or not row["acked"]:
            return False
        return view.reach.moves_too_far(Money.model_validate(row["acked"]), Money.model_validate(value))

    def _set(self, listing: Row, row: Row, name: str, value: Row, digest: str, explain: Row, live: bool) -> None:
        version = row["desired_version"] + 1
        settled = not live or (digest == row["acked_hash"] and not row["in_flight"])
        waiting = row["desired_version"] > row["acked_version"]
        if row["held_hash"]:
            self.holding.add(listing["connection_id"])
        self.facets.append(
            {
                "id": row["id"],
                "desired": value,
                "desired_hash": digest,
                "desired_version": version,
                "desired_at": self.now,
                "acked_version": version if settled else row["acked_version"],
                "explain": explain,
                "held": {},
                "held_hash": None,
                "due_at": self.now,
                "priority": _priority(name, value, row["acked"]),
                "attempts": 0,
                "event_at": row["event_at"] if waiting and row["event_at"] else self.event_at,
            }
        )
        if not settled:
            self.lanes.add("stock" if name == Facet.STOCK else "content")

    def _keep(self, listing: Row, row: Row, explain: Row, aside: Row | None = None, digest: str | None = None) -> None:
        """The value stays; its explanation changed (an order moved from reserved to taken off the shelf), or a value
        that waits for a person."""
        if row["held_hash"] != digest:
            self.holding.add(listing["connection_id"])
        self.facets.append(
            {
                "id": row["id"],
                "desired": row["desired"],
                "desired_hash": row["desired_hash"],
                "desired_version": row["desired_version"],
                "desired_at": self.now,
                "acked_version": row["acked_version"],
                "explain": explain,
                "held": aside or {},
                "held_hash": digest,
                "due_at": self.now,
                "priority": row["priority"],
                "attempts": 0,
                "event_at": row["event_at"],
            }
        )

    def write(self, session: Session, views: Sequence[ChannelView]) -> set[str]:
        for view in {view.id: view for view in views}.values():
            self._end(session, view)
        update_rows(session, Listing, self.listings)
        update_rows(session, FacetRow, self.facets)
        insert_rows(session, FacetRow, self.new_facets)
        if self.new_listings:
            self._insert(session)
        for kind in BY_SKU if self.renamed else ():
            records.close_problems(session, self.now, kind, self.renamed)
        return self.lanes

    def _end(self, session: Session, view: ChannelView) -> None:
        """Listings that would end: all of them, or none when together they are too many."""
        found = self.ends.get(view.id, [])
        fresh = sum(listing["end_hold"] != HELD for listing, _ in found)
        hold = fresh > 0 and held.too_many_end(session, view, fresh, self.now)
        for listing, row in found:
            if hold or listing["end_hold"] == HELD:
                row |= {"wanted": True, "pending": False, "state": listing["state"], "end_hold": HELD}
            self._changed(listing, row)

    def _insert(self, session: Session) -> None:
        insert_rows(session, Listing, [listing for listing, _ in self.new_listings])
        variants = [listing["variant_id"] for listing, _ in self.new_listings]
        query = select(Listing.id, Listing.connection_id, Listing.site, Listing.variant_id)
        found = session.execute(query.where(Listing.variant_id.in_(variants)))
        ids = {(row[1], row[2], row[3]): row[0] for row in found}
        rows = [
            {"listing_id": ids[(listing["connection_id"], listing["site"], listing["variant_id"])], **facet}
            for listing, facets in self.new_listings
            for facet in facets
        ]
        insert_rows(session, FacetRow, rows)


def desired_values(offer: DesiredOffer) -> dict[str, Row]:
    """The facets of an offer as they are stored, compared and sent: the content as :class:`OfferContent` reads it."""
    content: Row = {
        "sku": offer.sku,
        "title": offer.title,
        "description": offer.description,
        "bullets": list(offer.bullets),
        "brand": offer.brand,
        "category": offer.category,
        "images": list(offer.images),
        "attributes": {name: _plain(value) for name, value in offer.attributes.items()},
    }
    if offer.handling_days is not None:
        content["handling_days"] = offer.handling_days
    values: dict[str, Row] = {Facet.STOCK: {"quantity": offer.stock}, Facet.CONTENT: content}
    if offer.price is not None:
        values[Facet.PRICE] = offer.price.as_json()
    return values


def _plain(value: str | tuple[str, ...]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def _pending(listing: Row, live: bool, change: bool, wanted: bool) -> bool:
    """Whether its existence has to be seen to. What came of a create in doubt is looked up in any case; an offer that
    the marketplace is still making is waited for, and what was unlinked waits for a person."""
    if live:
        return change
    return listing["state"] in DOUBTFUL or (wanted and listing["state"] not in AS_IT_IS)


def wanted_state(state: str, live: bool, gone: bool, unwanted: bool, blocked: bool) -> str:
    if not live and state in (*DOUBTFUL, *AS_IT_IS):
        return state
    if live and (gone or unwanted):
        return "ending"
    if gone:
        return "ended"
    if blocked and not live:
        return "blocked"
    if state in ("blocked", "ended", "rejected") and not live:
        return "new"
    return "live" if live and state == "ending" else state  # wanted again before its end went out


def _is_another(known: str | None, wanted: str | None) -> bool:
    """Whether an offer of one EAN is to be of another. One whose EAN nobody knows (it may be linked by hand) stays when
    its product gets one."""
    return bool(known and wanted) and known != wanted


def _falls(name: str, value: Row, desired: Row) -> bool:
    """What may change while everything is frozen: fewer are shown."""
    return name == Facet.STOCK and value["quantity"] < desired.get("quantity", 0)


def _priority(name: str, value: Row, acked: Row) -> int:
    if name != Facet.STOCK:
        return 3 if name == Facet.PRICE else 4
    return stock.urgency(value["quantity"], acked.get("quantity"))
