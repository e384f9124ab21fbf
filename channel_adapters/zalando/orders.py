"""Orders and returns: read, taken over, shipped, cancelled, received back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.order import CancelReason, FulfilledBy, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, following, numbered, table, tables, text, whole
from bridge.domain.returns import MarketplaceReturn, ReturnDecision
from bridge.ports.channel import ItemResult, OrderRef, Outcome, Page
from bridge.ports.errors import BridgeError, NotFound, RejectItem, RetryLater
from channel_adapters.zalando import mapping
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.client import ORDERS_PER_PAGE, ZalandoClient
from channel_adapters.zalando.lines import Lines
from channel_adapters.zalando.reading import cursor_in, stamp
from channel_adapters.zalando.shipping import Shipping
from channel_adapters.zalando.vocabulary import (
    CANCELLED,
    OPEN_STATUSES,
    PARTNER_FULFILLED,
    RETURNED,
)

# Announced returns are listed for so long: a buyer may take weeks to send a parcel.
OF_LATE = timedelta(days=60)
MOST_REMEMBERED = 1000
FEWEST = 25
REFUSED = "Zalando knows no refusal of a return: what comes back is taken back. Ask Partner Care about a disputed one."


class Orders:
    def __init__(
        self,
        client: ZalandoClient,
        account: Account,
        settings: Mapping[str, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._account = account
        self._settings = settings
        self._clock = clock
        self._lines = Lines(client, account)
        self._shipping = Shipping(client, account, settings, clock)
        # Lines that are back stay so: their orders need not be read again at every look.
        self._back: dict[str, Json] = {}

    # Reading

    def changed(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        return self._page(cursor, ("all",), lambda _stage: {"last_updated_after": stamp(since)})

    def open(self, cursor: str | None) -> Page[OrderRef]:
        return self._page(cursor, OPEN_STATUSES, lambda stage: {"order_status": stage})

    def _page(
        self, cursor: str | None, stages: Sequence[str], filters: Callable[[str], dict[str, str]]
    ) -> Page[OrderRef]:
        """Stage after stage, page after page, which overlap; an empty page is the last, whatever the links say."""
        stage, place, most = cursor.split("/") if cursor else (stages[0], "0", str(ORDERS_PER_PAGE))
        page, size = numbered(int(place), int(most))
        kind = None if self._settings.get("import_zfs") else PARTNER_FULFILLED
        answer = self._client.orders(self._account.merchant, page, size, order_type=kind, **filters(stage))
        found = mapping.each_order(answer)
        if any(not mapping.order_id(raw["data"]) for raw in found):
            raise RetryLater("Zalando lists an order without its number; the list is read again.")
        refs = tuple(mapping.order_ref(raw, self._account.site_of) for raw in found)
        start, count = page * size, len(found)
        if not found or not _goes_on(answer, start, count, size):
            return Page(items=refs, next_cursor=_next(stages, stage))
        # How many a page may have is not documented: one that is shorter than asked for tells.
        most = most if count >= size else str(max(count, FEWEST))
        return Page(items=refs, next_cursor=f"{stage}/{following(start, count)}/{most}")

    def fetch(self, external_id: str) -> MarketplaceOrder:
        return mapping.order(self._raw(external_id), self._account.site_of)

    def _raw(self, order_id: str) -> Json:
        """With its lines, which are asked for on their own where they were not included."""
        found = mapping.single(self._client.order(self._account.merchant, order_id))
        if not found["data"]:
            raise NotFound(f"Zalando has no order {order_id}.")
        if any(mapping.lines_of(found, item) for item in mapping.items_of(found)):
            return found
        items = self._client.order_items(self._account.merchant, order_id)
        return mapping.with_items(found, items)

    # Writing

    def acknowledge(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """An order is exported by giving it a number of ours, letters and digits only; three hours are given for it
        (orders-exporting.html). Orders that Zalando ships need none."""
        if all(line.fulfilled_by is FulfilledBy.CHANNEL for line in order.lines):
            return None
        number = re.sub(r"[^A-Za-z0-9]", "", store_number)
        about = table(order.raw, "data", "attributes")
        if not number:
            words = f"Zalando takes letters and digits as an order number, not {store_number!r}."
            return ItemResult(key=order.external_id, outcome=Outcome.REJECTED, message=words)
        if text(about.get("merchant_order_id")) != number or about.get("exported") is not True:
            attributes = {"merchant_order_id": number}
            self._client.patch_order(self._account.merchant, order.external_id, attributes)
        return ItemResult(key=order.external_id, outcome=Outcome.APPLIED)

    def ship(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        return self._shipping.ship(order, parcel)

    def cancel(self, order_id: str, line_id: str, reason: CancelReason) -> ItemResult:
        """A line is one unit, so there is no part of it. Zalando wants no reason, tells the buyer and refunds; it takes
        cancellations until the line is shipped."""
        found = mapping.find_line(self._raw(order_id), line_id)
        if found is None:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message="Zalando does not know this order line.")
        return self._lines.move(order_id, *found, {"status": CANCELLED}, key=line_id)

    # Returns

    def forgotten(self) -> Iterator[str]:
        """Orders of customers who asked Zalando to delete what is known of them."""
        cursor: str | None = None
        while True:
            answer = self._client.deletion_requests(self._account.merchant, cursor)
            found = tables(answer, "items")
            yield from filter(None, (text(item.get("order_id")) for item in found))
            before, cursor = cursor, cursor_in(table(answer, "cursor").get("next"))
            if not found or cursor in (None, before):
                return

    def returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """Announced by buyers on Zalando. Each says what the order says of its lines by now."""
        after = stamp(self._clock() - OF_LATE)
        answer = self._client.announced_returns(self._account.merchant, after, cursor)
        raws = [raw for raw in tables(answer, "data") if text(raw.get("announced_return_id"))]
        orders = self._orders_of(raws)
        found = tuple(mapping.marketplace_return(raw, orders, self._clock()) for raw in raws)
        more = cursor_in(table(answer, "links").get("next")) if raws else None
        return Page(items=tuple(back for back in found if back.lines), next_cursor=more if more != cursor else None)

    def _orders_of(self, raws: Sequence[Json]) -> dict[str, Json]:
        """By number; those that are too old to be read are left out."""
        wanted = mapping.orders_in(raws)
        unread = [key for key in wanted if key not in self._back]
        answers = self._client.each(self._raw, unread)
        found = {key: self._back[key] for key in wanted if key in self._back}
        for key, answer in zip(unread, answers, strict=True):
            if isinstance(answer, BridgeError) and not isinstance(answer, NotFound):
                raise answer
            if not isinstance(answer, BridgeError):
                found[key] = answer
                self._remember(key, answer)
        return found

    def _remember(self, key: str, raw: Json) -> None:
        if len(self._back) >= MOST_REMEMBERED:
            self._back.clear()
        states = {mapping.status_of(line) for item in mapping.items_of(raw) for line in mapping.lines_of(raw, item)}
        if states <= {RETURNED, CANCELLED}:
            self._back[key] = raw

    def receive(self, external_id: str, decision: ReturnDecision) -> ItemResult:
        """Zalando pays the buyer back as soon as a line is returned."""
        if decision is not ReturnDecision.ACCEPTED:
            return ItemResult(key=external_id, outcome=Outcome.REJECTED, message=REFUSED, field="decision")
        try:
            order_id, line_id, reason = mapping.place_of_return(external_id)
            found = mapping.find_line(self._raw(order_id), line_id)
        except RejectItem as error:
            return ItemResult(key=external_id, outcome=Outcome.MISSING, message=error.merchant)
        if found is None:
            return ItemResult(
                key=external_id, outcome=Outcome.MISSING, message="Zalando does not know this order line."
            )
        return self._lines.move(order_id, *found, {"status": RETURNED, "reason": reason}, key=external_id)


def _goes_on(answer: Json, start: int, count: int, size: int) -> bool:
    """As the links say; else by the number of all results; else while pages are full."""
    links, total = table(answer, "links"), whole(table(answer, "meta").get("number_of_results"))
    if any(text(links.get(name)) for name in ("first", "last", "prev", "next")):
        return bool(text(links.get("next")))
    return (total is not None and total > start + count) or count >= size


def _next(stages: Sequence[str], stage: str) -> str | None:
    place = stages.index(stage) if stage in stages else len(stages)
    return f"{stages[place + 1]}/0/{ORDERS_PER_PAGE}" if place + 1 < len(stages) else None
