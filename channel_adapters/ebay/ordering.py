"""The order side of the channel: lists, single orders, shipments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bridge.domain.order import MarketplaceOrder, Parcel
from bridge.domain.reading import Json, following, tables, text, whole
from bridge.ports.channel import ItemResult, OrderRef, Outcome, Page
from bridge.ports.errors import NotFound, RejectItem, RetryLater
from channel_adapters.ebay import orders
from channel_adapters.ebay.account import MANIFEST, Account
from channel_adapters.ebay.reading import stamp
from channel_adapters.ebay.vocabulary import FULFILLED, NOT_STARTED

PAGE = 200
# What is shipped leaves the list of open orders, oldest first, and those behind it move up: so many stand on two pages.
# "getOrders can return orders up to two years old", and refuses to be asked for older ones (30830).
OLDEST = timedelta(days=729)
OPEN = "orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}"


class OrderSide(Account):
    """Orders as they come and go."""

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        """By the time of the last change alone: with that of creation beside it eBay heeds only the latter."""
        first = max(since, self.clock() - OLDEST)
        return self._page(f"lastmodifieddate:[{stamp(first)}..]", cursor, lambda raw: True)

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        return self._page(OPEN, cursor, orders.is_open)

    def _page(self, filters: str, cursor: str | None, wanted: Callable[[Json], bool]) -> Page[OrderRef]:
        """``offset`` counts orders here, and what changes while pages are read moves: pages overlap."""
        start = int(cursor or 0)
        answer = self.client.orders(filters, start, PAGE)
        found = tables(answer, "orders")
        if any(not text(raw.get("orderId")) for raw in found):
            raise RetryLater("eBay lists an order without its number; the list is read again.")
        ours = [
            raw for raw in found if wanted(raw) and (self.settings.get("import_fbe") or not orders.ships_itself(raw))
        ]
        total = whole(answer.get("total"))
        after = start + len(found)
        more = bool(found) and (text(answer.get("next")) or (total is not None and after < total))
        return Page(
            items=tuple(map(orders.order_ref, ours)), next_cursor=str(following(start, len(found))) if more else None
        )

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        raw = self.client.order(external_id)
        if not text(raw.get("orderId")):
            raise NotFound(f"eBay has no order {external_id}.")
        return orders.order(raw, self._fulfilments(raw))

    def _fulfilments(self, raw: Json) -> Sequence[Json]:
        """Asked for only where the order alone does not tell which units were shipped."""
        if orders.shipping_state(raw) in (NOT_STARTED, FULFILLED):
            return ()
        return self.client.fulfilments(text(raw.get("orderId")))

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """eBay wants none."""
        return None

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        """A parcel with a number that is there already is not confirmed twice."""
        if any(line.shipped for line in order.lines) and orders.is_there(
            self.client.fulfilments(order.external_id), parcel
        ):
            return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)
        try:
            self.client.ship(order.external_id, orders.shipment(parcel))
        except NotFound as error:
            return ItemResult(key=parcel.reference, outcome=Outcome.MISSING, message=error.merchant)
        except RejectItem as error:
            return ItemResult(key=parcel.reference, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)

    def carrier_code(self, carrier: str, tracking: str) -> str:
        """eBay's code, or the name as it is without what no code has in it."""
        plain = re.sub(r"[^A-Za-z0-9]", "", carrier)
        return MANIFEST.carriers.get(plain.lower()) or plain or MANIFEST.carriers["other"]
