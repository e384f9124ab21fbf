"""Returns in the store: made once, processed once, ended. Each step reads first what is there.

returnCreate, returnProcess and removeFromReturn take no idempotency key. What they did is read again after an answer
that was lost: a return by the reference in its note, what was processed by the quantities of its lines.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, NamedTuple

from bridge.domain.returns import ReturnNotice, StoreReturn
from bridge.ports.errors import AskMerchant, RejectItem, RetryLater, UnknownOutcome
from platform_adapters.shopify import refunds, returns
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.facts import Facts
from platform_adapters.shopify.reading import Json, cut, gid, nodes, table, text, walk
from platform_adapters.shopify.refusals import codes, errors_of, no_order, refuse
from platform_adapters.shopify.scopes import NO_RETURNS

# Points of an order's returns, of one return's lines and refunds, and of what can be returned; a query may cost a
# thousand.
LIST_POINTS, LINES_POINTS, REFUNDS_POINTS, SHELF_POINTS, UNITS_POINTS = 360, 310, 105, 400, 250
NOT_LEFT = "The store does not show yet that these units have left; once it does, the return is kept there."


class Back(NamedTuple):
    """Units of a line of the order ``raw`` that came back. ``place``: the location whose shelf they go on, or empty;
    ``payment``: on which their amount is recorded as refunded, where it is (refunds.sale)."""

    line: str
    units: int
    place: str
    raw: Json
    payment: Json | None


class ReturnKeeper:
    """Thread-safe."""

    def __init__(self, client: ShopifyClient, facts: Facts) -> None:
        self._client = client
        self._facts = facts
        self._lock = threading.Lock()
        self._reasons: dict[str, str] | None = None

    @property
    def may(self) -> bool:
        """Whether the app was given the right to keep returns."""
        return self._facts.shop.keeps_returns

    def of_order(self, order: str) -> list[Json]:
        """All returns of an order, with all their lines and refunds."""

        def ask(cursor: str | None) -> Any:
            data = self._client.ask("return_list", LIST_POINTS, id=gid("Order", order), after=cursor)
            return table(data.get("order")).get("returns")

        first = ask(None)
        if not isinstance(first, dict):
            no_order(order)
        rows = walk(first, ask)
        for row in rows:
            row["returnLineItems"] = {"nodes": walk(row.get("returnLineItems"), partial(self._lines, row["id"]))}
            row["refunds"] = {"nodes": walk(row.get("refunds"), partial(self._refunds, row["id"]))}
        return rows

    def given_back(self, order: str, order_ref: str | None, *, all_of_them: bool) -> Json:
        """``units`` by order line, and the ``refunds`` that are theirs; nothing where returns may not be read."""
        rows = self.of_order(order) if self.may else []
        units = returns.given_back(rows, order_ref, all_of_them=all_of_them)
        return {"units": units, "refunds": returns.refunds_of(rows)}

    def announce(self, order: str, notice: ReturnNotice) -> StoreReturn:
        if not self.may:
            return StoreReturn(why=NO_RETURNS)
        rows = self.of_order(order)
        if (found := returns.find(rows, notice.known, notice.ref)) is not None:
            return StoreReturn(**returns.known_as(found), was_there=not returns.is_ours(found, notice.ref))
        if (there := returns.made_there(rows, notice)) is not None:
            return StoreReturn(**returns.known_as(there), was_there=True)
        parts = returns.spread(self._returnable(order), notice.store_line_id, notice.quantity)
        if not parts:
            return StoreReturn(why=NOT_LEFT)
        return self._create(returns.create_input(order, parts, notice, self._reason_ids()))

    def _create(self, body: Json) -> StoreReturn:
        payload = table(self._client.tell("return_create", input=body).get("returnCreate"))
        try:
            made = table(refuse(payload).get("return"))
        except (AskMerchant, RejectItem) as error:
            return StoreReturn(why=error.merchant)
        if not made.get("id"):
            raise UnknownOutcome("The store did not say which return it made; it is looked up.")
        return StoreReturn(**returns.known_as(made))

    def accept(self, order: str, known: str, ref: str, back: Back, note: str) -> int:
        """Process the return there is. How many of the units it has taken back, now or before; 0: there is none."""
        if not self.may:
            return 0
        row = returns.find(self.of_order(order), known, ref)
        if row is None or row.get("status") in returns.OVER:
            return 0
        before = min(back.units, returns.processed(row, back.line))
        if before < back.units:
            row = self._opened(order, row)
            before += self._process(row, ref, back._replace(units=back.units - before), note)
            row = self._again(order, row)
        self._close(row, ref)
        return before

    def _opened(self, order: str, row: Json) -> Json:
        """Approved where a buyer has asked for it, and open again where somebody closed it."""
        if row.get("status") == "REQUESTED":
            self._done("return_approve", "returnApproveRequest", row)
        elif row.get("status") == "CLOSED" and returns.waiting(row):
            self._done("return_reopen", "returnReopen", row)
        else:
            return row
        return self._again(order, row)

    def _process(self, row: Json, ref: str, back: Back, note: str) -> int:
        chosen = returns.to_process(row, back.line, back.units)
        units = sum(count for _, count in chosen)
        if not units:
            return 0
        if returns.is_ours(row, ref) and (rest := returns.left_over(row, back.line, chosen)):
            # Then no more can be processed than is wanted, however often it is told.
            refuse(self._client.tell("return_trim", id=row["id"], lines=rest).get("removeFromReturn"))
        shelf = self._shelf(row)
        if back.place and not returns.on_shelf(shelf, chosen):
            name = text(row.get("name"))
            raise RetryLater(f"Shopify: the return {name} is not ready to be processed yet.")
        body = returns.process_input(row, chosen, shelf, back.place, note)
        if back.payment is not None and (amount := refunds.share(back.raw, {back.line: units}, back.payment)) > 0:
            body["financialTransfer"] = returns.refund(back.payment, amount)
        refuse(self._client.tell("return_process", input=body).get("returnProcess"))
        return units

    def drop(self, order: str, ref: str) -> None:
        """Of a return that was made in the store itself its maker decides."""
        if not self.may:
            return
        row = next((row for row in self.of_order(order) if returns.is_ours(row, ref)), None)
        if row is None or row.get("status") != "OPEN":
            return
        if not any(returns.count(item, "processedQuantity") for item in returns.items(row)):
            payload = self._client.tell("return_cancel", id=row["id"], repeatable=True).get("returnCancel")
            if not errors_of(payload):
                return
            if "INTERNAL_ERROR" in codes(payload):
                refuse(payload)
        self._done("return_close", "returnClose", row)

    def _close(self, row: Json, ref: str) -> None:
        """The store closes by itself what is processed whole; where it has not, and it is ours, we do."""
        if row.get("status") == "OPEN" and returns.is_ours(row, ref) and not returns.waiting(row):
            self._done("return_close", "returnClose", row)

    def _done(self, document: str, field: str, row: Json) -> None:
        """A change of its status. That it has that status already is no fault."""
        payload = self._client.tell(document, id=row["id"], repeatable=True).get(field)
        if "INVALID_STATE" not in codes(payload):
            refuse(payload)

    # -- reading ----------------------------------------------------------------------------------------------

    def _again(self, order: str, row: Json) -> Json:
        key = row["id"]
        found = next((item for item in self.of_order(order) if item.get("id") == key), None)
        if found is None:
            raise cut(f"{key} is gone")
        return found

    def _lines(self, key: str, after: str) -> Any:
        found = self._client.ask("return_lines", LINES_POINTS, id=key, after=after)
        return table(found.get("return")).get("returnLineItems")

    def _refunds(self, key: str, after: str) -> Any:
        found = self._client.ask("return_refunds", REFUNDS_POINTS, id=key, after=after)
        return table(found.get("return")).get("refunds")

    def _shelf(self, row: Json) -> list[Json]:
        """Where its units go: the lines of all its reverse fulfilment orders."""

        def ask(cursor: str | None) -> Any:
            data = self._client.ask("return_shelf", SHELF_POINTS, id=row["id"], after=cursor)
            return table(data.get("return")).get("reverseFulfillmentOrders")

        def lines(key: str, cursor: str) -> Any:
            data = self._client.ask("return_shelf_lines", LINES_POINTS, id=key, after=cursor)
            return table(data.get("reverseFulfillmentOrder")).get("lineItems")

        orders = walk(self._there(ask(None)), ask)
        return [part for item in orders for part in walk(item.get("lineItems"), partial(lines, item["id"]))]

    def _returnable(self, order: str) -> list[Json]:
        def ask(cursor: str | None) -> Any:
            data = self._client.ask("return_units", UNITS_POINTS, order=gid("Order", order), after=cursor)
            return data.get("returnableFulfillments")

        def lines(key: str, cursor: str) -> Any:
            data = self._client.ask("return_units_more", LINES_POINTS, id=key, after=cursor)
            return table(data.get("returnableFulfillment")).get("returnableFulfillmentLineItems")

        parcels = walk(ask(None), ask)
        return [
            part
            for item in parcels
            for part in walk(item.get("returnableFulfillmentLineItems"), partial(lines, item["id"]))
        ]

    def _reason_ids(self) -> dict[str, str]:
        with self._lock:
            if self._reasons is None:
                found = self._client.ask("return_reasons", 52, handles=list(returns.HANDLES))
                self._reasons = returns.reason_ids(nodes(found.get("returnReasonDefinitions")))
            return self._reasons

    @staticmethod
    def _there(connection: Any) -> Any:
        """A list whose owner is gone is not an empty one."""
        if not isinstance(connection, dict):
            raise cut("the list was gone before its end")
        return connection
