"""A refund of an order's units as the store is to record it. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.money import Money
from bridge.domain.order import StoreOrder
from bridge.domain.returns import RefundLine
from bridge.domain.values import fingerprint
from platform_adapters.shopify.reading import Json, dicts, gid, money, nodes, number, table, text

# What becomes of units: they came back, they have not left, or they stay where they are.
BACK, UNSENT, KEPT = "RETURN", "CANCEL", "NO_RESTOCK"
SPACE = uuid.UUID("5f3ad1f4-6a67-4f0b-9a51-0c1f6f0b7c55")


def idempotency_key(ref: str, body: Json, attempt: int) -> str:
    """The same for the same refund, so that the store does it once however often it is told. Another for another body,
    which Shopify refuses under a key it knows, and for an ``attempt`` after one of which it says that it failed."""
    return str(uuid.uuid5(SPACE, f"{ref} {fingerprint(body)} {attempt}"))


def marked(ref: str, reason: str) -> str:
    return f"{reason} [{ref}]".strip()


def is_made(raw: Json, ref: str) -> bool:
    return any(text(refund.get("note")).endswith(f"[{ref}]") for refund in dicts(raw.get("refunds")))


def refund_input(
    raw: Json, order: StoreOrder, lines: Sequence[RefundLine], payment: Json | None, location: str, note: str
) -> Json | None:
    """What is left to be refunded of these lines; None when nothing is. ``location``: whose shelf units go back on.
    ``payment`` has the sale's transaction and what is left of it (``left``), where the amount is to be recorded too; an
    amount without units is nothing but that."""
    wanted = _wanted(order, lines)
    parts = sum((line.amount.amount for line in lines if line.amount is not None), Decimal(0))
    if not wanted and not (parts and payment):
        return None
    shipped = {line for parcel in order.parcels for line in parcel.lines}
    unsent = {number(line.get("id")): line.get("unfulfilledQuantity") for line in nodes(raw.get("lineItems"))}
    rows = []
    for line in lines:
        key, units = line.store_line_id, wanted.get(line.store_line_id, 0)
        for kind, count in _kinds(line, units, unsent.get(key), is_shipped=key in shipped):
            row: Json = {"lineItemId": gid("LineItem", key), "quantity": count, "restockType": kind}
            on_shelf = kind != KEPT and location
            rows.append(row | ({"locationId": gid("Location", location)} if on_shelf else {}))
    body: Json = {"orderId": raw["id"], "note": note, "notify": False, "refundLineItems": rows}
    if payment is not None and (amount := share(raw, wanted, payment, parts)) > 0:
        back = {"orderId": raw["id"], "kind": "REFUND", "gateway": text(payment.get("gateway")), "amount": str(amount)}
        body["transactions"] = [back | {"parentId": payment["id"]}]
    return body


def _kinds(line: RefundLine, units: int, unsent: Any, *, is_shipped: bool) -> list[tuple[str, int]]:
    """Only CANCEL takes units out of what is to be sent; after RETURN and NO_RESTOCK they would be packed (shopify.dev,
    Refund). What was to be cancelled and has left meanwhile is on no shelf."""
    if not line.cancelled:
        return [((BACK if is_shipped else UNSENT) if line.restock else KEPT, units)] if units else []
    left = min(units, unsent) if isinstance(unsent, int) else units
    return [(kind, count) for kind, count in ((UNSENT, left), (KEPT, units - left)) if count > 0]


def to_cancel(body: Json) -> list[Json]:
    """What of it has not left, for the store to say which location it was to leave from."""
    rows = [row for row in body["refundLineItems"] if row["restockType"] == UNSENT]
    return [{key: value for key, value in row.items() if key != "locationId"} for row in rows]


def placed(body: Json, suggested: Any) -> Json:
    """With the locations that the store suggests for what has not left."""
    places = {
        table(row.get("lineItem")).get("id"): table(row.get("location")).get("id")
        for row in dicts(table(suggested).get("refundLineItems"))
        if row.get("restockType") == UNSENT and table(row.get("location")).get("id")
    }
    rows = [
        row | {"locationId": places[row["lineItemId"]]}
        if row["restockType"] == UNSENT and row["lineItemId"] in places
        else row
        for row in body["refundLineItems"]
    ]
    return body | {"refundLineItems": rows}


def _wanted(order: StoreOrder, lines: Sequence[RefundLine]) -> dict[str, int]:
    known = {line.external_id: line for line in order.lines}
    found: dict[str, int] = {}
    for line in lines:
        have = known.get(line.store_line_id)
        units = min(line.quantity, have.quantity - have.refunded) if have is not None else 0
        if units > 0:
            found[line.store_line_id] = units
    return found


def share(raw: Json, wanted: Mapping[str, int], payment: Json, parts: Decimal = Decimal(0)) -> Decimal:
    """The units' share of what their lines cost, and ``parts``; never more than is left of the payment."""
    total = parts
    for line in nodes(raw.get("lineItems")):
        units, sold = wanted.get(number(line.get("id")), 0), line.get("quantity")
        cost = money(line.get("discountedTotalSet"))
        if units and cost is not None and isinstance(sold, int) and sold > 0:
            total += Money(amount=cost.amount * units / sold, currency=cost.currency).quantised().amount
    return min(total, Decimal(str(payment.get("left") or 0)))


def sale(raw: Json) -> Json | None:
    """The payment of an order of ours, and what is left of it. Only one that is a record: it has the marketplace's name
    for a gateway, and no money can move on it."""
    rows = dicts(raw.get("transactions"))
    first = next((row for row in rows if row.get("kind") == "SALE" and row.get("status") == "SUCCESS"), None)
    paid = money(first.get("amountSet")) if first else None
    if first is None or paid is None:
        return None
    back = [
        money(row.get("amountSet")) for row in rows if row.get("kind") == "REFUND" and row.get("status") == "SUCCESS"
    ]
    left = paid.amount - sum((item.amount for item in back if item), Decimal(0))
    return {**first, "left": str(left)} if left > 0 else None
