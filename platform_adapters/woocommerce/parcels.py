"""Where a store keeps tracking numbers: core fulfilments, the two usual plugins, and any custom field. Pure.

A source of the merchant's list is ``fulfillments``, ``shipment_tracking``, or a custom field of the order as
``number``, ``number|carrier`` (two fields) or ``number=Carrier`` (a fixed carrier).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.domain.order import Tracking
from bridge.domain.reading import moment
from platform_adapters.woocommerce.mapping import whole
from platform_adapters.woocommerce.reading import Json, meta

FULFILLMENTS = "fulfillments"
PLUGINS = ("shipment_tracking", "ast")
# Shipment Tracking and Advanced Shipment Tracking share it.
PLUGIN_META = "_wc_shipment_tracking_items"


def parcels(order: Json, fulfilments: Sequence[Json], sources: Iterable[str]) -> tuple[Tracking, ...]:
    """The parcels of the first source that has a tracking number; else those without one."""
    found: tuple[Tracking, ...] = ()
    for source in sources:
        here = _from(source.strip(), order, fulfilments)
        if any(parcel.number for parcel in here):
            return here
        found = found or here
    return found


def _from(source: str, order: Json, fulfilments: Sequence[Json]) -> tuple[Tracking, ...]:
    if source == FULFILLMENTS:
        return tuple(_fulfilment(item) for item in fulfilments if item.get("is_fulfilled"))
    if source in PLUGINS:
        return tuple(_plugin(order, item) for item in _items(meta(order, PLUGIN_META)))
    return _field(source, order)


def _fulfilment(raw: Json) -> Tracking:
    """Lines are named by order LINE id. The provider's key is written both ways in WooCommerce's own documents."""
    rows = _items(meta(raw, "_items"))
    lines = {_text(row.get("item_id")): whole(row.get("qty")) for row in rows}
    return Tracking(
        ref=f"fulfilment:{raw.get('id')}",
        carrier=_text(meta(raw, "_shipping_provider")) or _text(meta(raw, "_shipment_provider")),
        number=_text(meta(raw, "_tracking_number")),
        url=_text(meta(raw, "_tracking_url")),
        shipped_at=moment(meta(raw, "_date_fulfilled")) or moment(raw.get("date_updated")),
        lines={line: units for line, units in lines.items() if line and units > 0},
    )


def _plugin(order: Json, raw: Json) -> Tracking:
    number = _text(raw.get("tracking_number"))
    return Tracking(
        ref=f"tracking:{_text(raw.get('tracking_id')) or number}",
        carrier=_text(raw.get("custom_tracking_provider")) or _text(raw.get("tracking_provider")),
        number=number,
        url=_text(raw.get("custom_tracking_link")),
        shipped_at=_day(raw.get("date_shipped")),
        lines=_plugin_lines(order, _items(raw.get("products_list"))),
    )


def _plugin_lines(order: Json, rows: Sequence[Json]) -> dict[str, int]:
    """AST names lines by item_id, its older versions by product alone. No list means everything that is left."""
    by_product = {
        _text(line.get("variation_id") or line.get("product_id")): _text(line.get("id"))
        for line in _items(order.get("line_items"))
    }
    lines: dict[str, int] = {}
    for row in rows:
        line = _text(row.get("item_id")) or by_product.get(_text(row.get("product")), "")
        if line and (units := whole(row.get("qty"))) > 0:
            lines[line] = lines.get(line, 0) + units
    return lines


def _field(source: str, order: Json) -> tuple[Tracking, ...]:
    """A custom field with one number or several; the reference names the place, so that a corrected number is the
    same parcel."""
    key, bar, other = source.partition("|")
    key, sign, fixed = key.partition("=")
    value = meta(order, key)
    carrier = fixed if sign else _text(meta(order, other)) if bar else ""
    numbers = value if isinstance(value, list) else _text(value).replace(";", ",").split(",")
    clean = [_text(number) for number in numbers if not isinstance(number, dict | list) and _text(number)]
    return tuple(
        Tracking(ref=f"field:{key}:{place}", carrier=carrier, number=number) for place, number in enumerate(clean)
    )


def _items(value: Any) -> list[Json]:
    """Rows, also where a plugin keeps them as JSON text or PHP has made an object of a list."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    if isinstance(value, dict):
        value = list(value.values())
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _day(value: Any) -> datetime | None:
    """A timestamp in a string, or a date."""
    text = _text(value)
    if text.isdigit() and len(text) <= 11:
        return datetime.fromtimestamp(int(text), UTC)
    return moment(text)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
