"""Credit memos: what is to be credited of an order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.domain.reading import amount
from bridge.domain.returns import RefundLine
from platform_adapters.magento.orders import open_units
from platform_adapters.magento.reading import Json, dicts, number, text, whole


def is_made(memos: Iterable[Json], ref: str) -> bool:
    """Whether one of these credit memos carries this reference, in a comment of its own."""
    return any(mark(ref) in text(comment.get("comment")) for memo in memos for comment in dicts(memo.get("comments")))


def mark(ref: str) -> str:
    return f"[{ref}]"


def body(raw: Json, lines: Sequence[RefundLine], reason: str, ref: str) -> Json | None:
    """Of these lines, all of one kind of restocking, what is left; None when nothing is. Shipping is named, or Magento
    would refund all of it. An amount without units is an adjustment, beside a line of no units: without any line
    Magento would refund them all (CreditmemoFactory::createByOrder)."""
    known = {text(item.get("item_id")): item for item in dicts(raw.get("items"))}
    wanted = [(line, min(line.quantity, open_units(known.get(line.store_line_id, {})))) for line in lines]
    parts = {number(line.store_line_id): line.amount.amount for line in lines if line.amount is not None}
    rows = [{"order_item_id": number(line.store_line_id), "qty": units} for line, units in wanted if units > 0]
    rows += [{"order_item_id": key, "qty": 0} for key in parts]
    if not rows:
        return None
    more = float(sum(parts.values()))
    return _body(rows, 0, f"{reason} {mark(ref)}".strip(), restock=lines[0].restock, more=more)


def cancelling(raw: Json, note: str) -> Json | None:
    """Everything of an invoiced order that Magento still has to ship (ordered, less shipped, cancelled and credited),
    with the shipping costs where nothing was shipped at all. None when there is nothing."""
    items = [item for item in dicts(raw.get("items")) if not item.get("parent_item_id")]
    units = {number(item.get("item_id")): open_units(item) - whole(item.get("qty_shipped")) for item in items}
    rows = [{"order_item_id": key, "qty": count} for key, count in units.items() if count > 0]
    if not rows:
        return None
    untouched = not any(whole(item.get("qty_shipped")) for item in items)
    left = (amount(raw.get("shipping_amount")) or 0) - (amount(raw.get("shipping_refunded")) or 0)
    return _body(rows, left if untouched else 0, note, restock=True)


def _body(rows: list[Json], shipping: object, words: str, *, restock: bool, more: float = 0) -> Json:
    back = [row["order_item_id"] for row in rows] if restock else []
    arguments: Json = {"shipping_amount": shipping, "adjustment_positive": more, "adjustment_negative": 0}
    arguments["extension_attributes"] = {"return_to_stock_items": back}
    comment = {"comment": words, "is_visible_on_front": 0}
    return {"items": rows, "notify": False, "appendComment": True, "comment": comment, "arguments": arguments}
