"""Returns as the store keeps them, and what is to be told of them. Pure.

A return of ours carries its reference at the end of each line's note (``returnReasonNote``, at most 255 characters):
returnCreate and returnProcess take no key under which they would be done once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.returns import ReturnCause, ReturnNotice
from platform_adapters.shopify.reading import Json, dicts, gid, nodes, number, table, text

NOTE = 255
OVER = ("CANCELED", "DECLINED")
TAKEN_BACK = ("refundedQuantity", "processedQuantity")
# By cause: handles of return reason definitions, of which the first that the store knows is told, and the older
# ReturnReason for stores that know none of them. The library is Shopify's, data/return_reasons.yml in its repository
# product-taxonomy.
CAUSES: Mapping[ReturnCause, tuple[tuple[str, ...], str]] = {
    ReturnCause.CHANGED_MIND: (("changed-my-mind",), "UNWANTED"),
    ReturnCause.TOO_SMALL: (("too-small",), "SIZE_TOO_SMALL"),
    ReturnCause.TOO_LARGE: (("too-big",), "SIZE_TOO_LARGE"),
    ReturnCause.DEFECTIVE: (("damaged-or-defective",), "DEFECTIVE"),
    ReturnCause.NOT_AS_DESCRIBED: (("item-not-as-described",), "NOT_AS_DESCRIBED"),
    ReturnCause.WRONG_ITEM: (("received-the-wrong-item",), "WRONG_ITEM"),
    ReturnCause.LATE: (("arrived-late",), "OTHER"),
    ReturnCause.OTHER: (("other-reason",), "OTHER"),
}
HANDLES = tuple(handle for handles, _ in CAUSES.values() for handle in handles)


def marked(words: str, ref: str) -> str:
    """The words as far as there is room, then the reference whole."""
    end = f"[{ref}]"
    return f"{words[: NOTE - len(end) - 1].rstrip()} {end}".strip()


def items(row: Json) -> list[Json]:
    """Lines of a return. Under ``returnLineItems`` stand all of them."""
    return nodes(row.get("returnLineItems"))


def line_of(item: Json) -> str:
    """The order line it is of; empty for goods of which no sale is known."""
    return number(table(table(item.get("fulfillmentLineItem")).get("lineItem")).get("id"))


def count(item: Json, name: str) -> int:
    found = item.get(name)
    return max(0, found) if isinstance(found, int) and not isinstance(found, bool) else 0


def is_ours(row: Json, ref: str) -> bool:
    return any(text(item.get("returnReasonNote")).endswith(f"[{ref}]") for item in items(row))


def find(rows: Sequence[Json], known: str, ref: str) -> Json | None:
    """That of a reference, else the one known by its number."""
    ours = next((row for row in rows if is_ours(row, ref)), None)
    return ours or next((row for row in rows if known and number(row.get("id")) == known), None)


def made_there(rows: Sequence[Json], notice: ReturnNotice) -> Json | None:
    """A return that somebody has made in the store for these units, of which nothing has been processed yet, and which
    belongs to no other return of ours."""
    others = f"[{notice.ref.rpartition('/')[0]}/"
    for row in rows:
        mine = [item for item in items(row) if line_of(item) == notice.store_line_id]
        is_free = number(row.get("id")) not in notice.taken and not any(
            others in text(item.get("returnReasonNote")) for item in items(row)
        )
        untouched = not any(count(item, "processedQuantity") for item in mine)
        units = sum(count(item, "quantity") for item in mine)
        if row.get("status") in ("OPEN", "REQUESTED") and is_free and untouched and units >= notice.quantity:
            return row
    return None


def spread(returnable: Iterable[Json], line: str, units: int) -> list[tuple[str, int]]:
    """So many units of an order line over what has left of it, by fulfilment line; empty where less has left."""
    found: list[tuple[str, int]] = []
    for row in returnable:
        part = table(row.get("fulfillmentLineItem"))
        there = count(row, "quantity")
        if number(table(part.get("lineItem")).get("id")) == line and units and there:
            found.append((str(part["id"]), min(units, there)))
            units -= min(units, there)
    return [] if units else found


def create_input(
    order: str, parts: Sequence[tuple[str, int]], notice: ReturnNotice, reasons: Mapping[str, str]
) -> Json:
    """``reasons`` are the ids of the store's return reason definitions, by handle."""
    handles, older = CAUSES[notice.cause]
    known = next((reasons[handle] for handle in handles if handle in reasons), None)
    reason: Json = {"returnReasonDefinitionId": known} if known else {"returnReason": older}
    note = {"returnReasonNote": marked(notice.words, notice.ref)}
    rows = [{"fulfillmentLineItemId": part, "quantity": units} | reason | note for part, units in parts]
    return {"orderId": gid("Order", order), "requestedAt": notice.requested_at.isoformat(), "returnLineItems": rows}


def processed(row: Json, line: str) -> int:
    return sum(count(item, "processedQuantity") for item in items(row) if line_of(item) == line)


def waiting(row: Json) -> int:
    """Units that came back and were not looked at yet."""
    return sum(count(item, "quantity") - count(item, "processedQuantity") for item in items(row))


def to_process(row: Json, line: str, units: int) -> list[tuple[Json, int]]:
    """Of its lines of this order line, so many units that can be processed still."""
    found: list[tuple[Json, int]] = []
    for item in items(row):
        there = min(units, count(item, "processableQuantity")) if line_of(item) == line else 0
        if there:
            found.append((item, there))
            units -= there
    return found


def left_over(row: Json, line: str, chosen: Sequence[tuple[Json, int]]) -> list[Json]:
    """What of an order line is in the return and not to be processed: to be taken out of it."""
    wanted = {item["id"]: units for item, units in chosen}
    rest = {
        item["id"]: count(item, "processableQuantity") - wanted.get(item["id"], 0)
        for item in items(row)
        if line_of(item) == line
    }
    return [{"returnLineItemId": key, "quantity": units} for key, units in rest.items() if units > 0]


def process_input(row: Json, chosen: Sequence[tuple[Json, int]], shelf: Sequence[Json], place: str, note: str) -> Json:
    """``shelf``: the lines of its reverse fulfilment orders; ``place``: the location whose shelf the units go back on,
    empty where they do not."""
    room = {str(part["id"]): _room(part) for part in shelf if part.get("id")}
    rows = []
    for item, units in chosen:
        body: Json = {"id": item["id"], "quantity": units}
        if told := _dispositions(item, units, shelf, room, place):
            body["dispositions"] = told
        rows.append(body)
    return {"returnId": row["id"], "returnLineItems": rows, "note": note, "notifyCustomer": False}


def _room(part: Json) -> int:
    """Units whose place is not said yet: what somebody has put on the shelf already is not put there twice."""
    return count(part, "totalQuantity") - sum(count(told, "quantity") for told in dicts(part.get("dispositions")))


def _dispositions(item: Json, units: int, shelf: Sequence[Json], room: dict[str, int], place: str) -> list[Json]:
    part = table(item.get("fulfillmentLineItem")).get("id")
    told: list[Json] = []
    for row in shelf:
        here = min(units, room.get(str(row.get("id")), 0))
        if table(row.get("fulfillmentLineItem")).get("id") != part or here <= 0:
            continue
        room[str(row["id"])] -= here
        units -= here
        where: Json = {"dispositionType": "NOT_RESTOCKED"}
        if place:
            where = {"dispositionType": "RESTOCKED", "locationId": gid("Location", place)}
        told.append({"reverseFulfillmentOrderLineItemId": row["id"], "quantity": here} | where)
    return told


def on_shelf(shelf: Sequence[Json], chosen: Sequence[tuple[Json, int]]) -> bool:
    """Whether the store has set up where the units go; it does so a moment after the return."""
    known = {table(row.get("fulfillmentLineItem")).get("id") for row in shelf}
    return all(table(item.get("fulfillmentLineItem")).get("id") in known for item, _ in chosen)


def refund(payment: Json, amount: Decimal) -> Json:
    """In the currency of the payment, which is the order's own."""
    side = table(table(payment.get("amountSet")).get("presentmentMoney"))
    told = {"amount": str(amount), "currencyCode": side.get("currencyCode")}
    return {"issueRefund": {"orderTransactions": [{"parentId": payment["id"], "transactionAmount": told}]}}


def given_back(rows: Sequence[Json], order_ref: str | None, *, all_of_them: bool) -> dict[str, int]:
    """Units by order line that returns have given back: those that were refunded; and of our own returns, and
    ``all_of_them`` where amounts are not recorded in the store, also those that were processed without a refund."""
    units: dict[str, int] = {}
    for row in rows:
        for item in items(row):
            ours = bool(order_ref) and f"[{order_ref}/" in text(item.get("returnReasonNote"))
            there = max(count(item, name) for name in (TAKEN_BACK if ours or all_of_them else TAKEN_BACK[:1]))
            if there > 0 and (line := line_of(item)):
                units[line] = units.get(line, 0) + there
    return units


def refunds_of(rows: Sequence[Json]) -> list[str]:
    """The ids of the refunds that belong to returns."""
    return [str(refund["id"]) for row in rows for refund in nodes(row.get("refunds")) if refund.get("id")]


def reason_ids(rows: Iterable[Json], handles: Collection[str] = HANDLES) -> dict[str, str]:
    return {
        text(row.get("handle")): str(row["id"])
        for row in rows
        if row.get("id") and not row.get("deleted") and text(row.get("handle")) in handles
    }


def known_as(row: Json) -> dict[str, Any]:
    return {"external_id": number(row.get("id")), "name": text(row.get("name"))[:100]}
