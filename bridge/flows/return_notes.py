"""A return that is announced on a marketplace, in words for the store's order or the store's own return."""

from __future__ import annotations

from bridge.db.tables import ReturnRow


def words(item: ReturnRow, channel: str) -> str:
    what = item.title or item.sku or item.gtin
    until = f" It is to be decided before {item.respond_by:%d %b %Y %H:%M} UTC." if item.respond_by else ""
    reason = f" ({item.reason})" if item.reason else ""
    return f"Return {item.external_id} announced on {channel}: {item.quantity} x {what}{reason}.{until}"
