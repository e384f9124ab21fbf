"""The buying side of an account: orders, parcels, cancellations, refunds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bridge.domain.order import FulfilledBy, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, following, table, tables, text
from bridge.ports.channel import ItemResult, OrderRef, Outcome, Page
from bridge.ports.errors import AskMerchant, NotFound, RejectItem
from channel_adapters.allegro import forms
from channel_adapters.allegro.account import OTHER, Account
from channel_adapters.allegro.reading import one, some, stamp
from channel_adapters.allegro.refusals import Outdated
from channel_adapters.allegro.vocabulary import NEW, OPEN, PROCESSING, READY, SENT

ORDERS_PER_PAGE, EVENTS_PER_PAGE = 100, 1000
LONGEST_WAYBILL = 64


class Orders:
    """``_event`` is the last one of the journal this process has read, "" while there was none. Events only hurry up
    what the list of orders tells by the time of their change; and they tell of the seller's own status, which moves no
    such time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = account.client
        self._event: str | None = None
        self._swept: set[str] = set()

    # Reading

    def changed(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """Orders by the time of their change, then the journal since we read it last."""
        if cursor and cursor.startswith("events"):
            return self._journal()
        if cursor is None:
            self._swept = set()
        after, _, offset = (cursor or f"{stamp(since)}|0").rpartition("|")
        found = self._client.orders(updatedAt__gte=after, sort="updatedAt", limit=ORDERS_PER_PAGE, offset=int(offset))
        self._swept |= {text(raw.get("id")) for raw in found}
        refs = tuple(forms.order_ref(raw) for raw in found if text(raw.get("id")) and self._wanted(raw))
        return Page(items=refs, next_cursor=_onwards(found, after, int(offset)) or "events")

    def _wanted(self, raw: Json) -> bool:
        return not forms.is_by_channel(raw) or self._account.settings.get("import_one_fulfilment") is True

    def _journal(self) -> Page[OrderRef]:
        """Orders of events that the list did not have. The first time, only the end of the journal is noted."""
        if self._event is None:
            self._event = text(one(self._client.event_stats).get("id"))
            return Page(items=())
        after = self._event
        events = some(lambda: self._client.events(after, EVENTS_PER_PAGE))
        last = text(events[-1].get("id")) if events else ""
        more = len(events) >= EVENTS_PER_PAGE and last not in ("", self._event)
        self._event = last or self._event
        told = {forms.event_order(event): text(event.get("id")) for event in events}
        refs = [OrderRef(external_id=key, mark=f"event {mark}") for key, mark in told.items() if key]
        unseen = tuple(ref for ref in refs if ref.external_id not in self._swept)
        return Page(items=unseen, next_cursor=f"events {last}" if more else None)

    def open(self, cursor: str | None) -> Page[OrderRef]:
        """Paid for and not sent, by the seller's own status, one after the other."""
        stage, _, offset = (cursor or f"{NEW}|0").partition("|")
        found = self._client.orders(
            status=READY,
            fulfillment__status=stage,
            sort="lineItems.boughtAt",
            limit=ORDERS_PER_PAGE,
            offset=int(offset),
        )
        refs = tuple(forms.order_ref(raw) for raw in found if text(raw.get("id")) and self._wanted(raw))
        if len(found) >= ORDERS_PER_PAGE:
            return Page(items=refs, next_cursor=f"{stage}|{following(int(offset), len(found))}")
        left = OPEN[OPEN.index(stage) + 1 :] if stage in OPEN else ()
        return Page(items=refs, next_cursor=f"{left[0]}|0" if left else None)

    def fetch(self, order_id: str) -> MarketplaceOrder:
        """With its parcels where only some of it is sent, and with what was paid back. What Allegro ships itself is not
        there for us, unless it is wanted."""
        raw = self._client.order(order_id)
        if not self._wanted(raw):
            raise NotFound(f"Allegro ships order {order_id} itself, and such orders are left alone by your settings.")
        parcels = text(table(raw, "fulfillment", "shipmentSummary").get("lineItemsSent")) in ("SOME", "ALL")
        asked = parcels and not forms.is_shipped(raw)
        shipments = some(lambda: self._client.shipments(order_id)) if asked else []
        return forms.order(raw, shipments, self._paid_back(raw))

    def _paid_back(self, raw: Json) -> list[Json]:
        """Where the consent does not cover payments, orders are read all the same."""
        if text(raw.get("status")) != READY or forms.is_cancelled(raw) or not forms.payment(raw):
            return []
        try:
            return some(lambda: self._client.refunds(order__id=text(raw.get("id"))))
        except AskMerchant:
            return []

    # The seller's status

    def acknowledge(self, order: MarketplaceOrder) -> ItemResult | None:
        """A new order is marked as being processed; one that somebody has moved on is left alone."""
        raw = order.raw
        if not _is_new(raw) or forms.is_by_channel(raw):
            return None
        try:
            self.set_status(order.external_id, PROCESSING, raw, while_new=True)
        except RejectItem as error:
            return refused(order.external_id, error)
        return ItemResult(key=order.external_id, outcome=Outcome.APPLIED)

    def set_status(self, order_id: str, status: str, raw: Json, *, while_new: bool = False) -> None:
        """In the revision we know. When the order has changed meanwhile it is read and judged again, once."""
        try:
            self._client.set_status(order_id, status, text(raw.get("revision")))
        except Outdated:
            raw = self._client.order(order_id)
            if not (while_new and not _is_new(raw)) and not forms.is_cancelled(raw):
                self._client.set_status(order_id, status, text(raw.get("revision")))

    # Parcels

    def ship(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        """The number of a parcel with its lines; with the last open unit the order is marked as sent. A number that is
        there already, from an answer that was lost or from the seller's own hand, is not sent again."""
        if len(parcel.tracking) > LONGEST_WAYBILL:
            words = f"Allegro takes tracking numbers of at most {LONGEST_WAYBILL} characters."
            return ItemResult(key=parcel.reference, outcome=Outcome.REJECTED, message=words, field="tracking")
        try:
            if not _is_there(parcel, self._client.shipments(order.external_id)):
                self._client.add_shipment(order.external_id, _shipment(parcel))
            note = self._sent(order.external_id) if _is_last(order, parcel) else ""
        except RejectItem as error:
            return refused(parcel.reference, error)
        return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED, message=note)

    def _sent(self, order_id: str) -> str:
        """The parcel is confirmed whatever becomes of this."""
        raw = self._client.order(order_id)
        if forms.is_shipped(raw) or forms.is_cancelled(raw):
            return ""
        try:
            self.set_status(order_id, SENT, raw)
        except RejectItem as error:
            return f"The tracking number is there, the order could not be marked as sent: {error.merchant}"
        return ""


def _onwards(found: Sequence[Json], after: str, offset: int) -> str | None:
    """Further by the time of the last one, so that what changes meanwhile moves nothing away from under us; by the
    place in the list where a whole page has one time."""
    if len(found) < ORDERS_PER_PAGE:
        return None
    last = text(found[-1].get("updatedAt"))
    return f"{last}|0" if last and last != after else f"{after}|{following(offset, len(found))}"


def _is_new(raw: Json) -> bool:
    status = text(table(raw, "fulfillment").get("status"))
    return text(raw.get("status")) == READY and status in ("", NEW)


def _shipment(parcel: Parcel) -> Json:
    carrier, _, name = parcel.carrier.partition(":")
    body: Json = {"carrierId": carrier, "waybill": parcel.tracking}
    body |= {"carrierName": name} if carrier == OTHER and name else {}
    return body | {"lineItems": [{"id": line.external_id} for line in parcel.lines]}


def _is_there(parcel: Parcel, shipments: Sequence[Json]) -> bool:
    wanted = {line.external_id for line in parcel.lines}
    return any(
        text(raw.get("waybill")).casefold() == parcel.tracking.casefold()
        and wanted <= {text(item.get("id")) for item in tables(raw, "lineItems")}
        for raw in shipments
    )


def _is_last(order: MarketplaceOrder, parcel: Parcel) -> bool:
    inside = {line.external_id: line.quantity for line in parcel.lines}
    mine = [line for line in order.lines if line.fulfilled_by is FulfilledBy.MERCHANT]
    return all(line.open <= inside.get(line.external_id, 0) for line in mine)


def refused(key: str, error: RejectItem) -> ItemResult:
    outcome = Outcome.MISSING if isinstance(error, NotFound) else Outcome.REJECTED
    return ItemResult(key=key, outcome=outcome, message=error.merchant, field=error.field)
