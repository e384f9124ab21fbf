"""What WordPress checks of a request's fields before the store sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_param

STRINGS = (
    "name", "slug", "type", "status", "description", "short_description", "sku", "global_unique_id",
    "regular_price", "sale_price", "tax_status", "tax_class", "stock_status", "backorders", "weight",
    "catalog_visibility", "purchase_note", "shipping_class",
)  # fmt: skip
PRODUCT_FIELDS: dict[str, str] = {
    **dict.fromkeys(STRINGS, "string"),
    "stock_quantity": "integer",
    "menu_order": "integer",
    "low_stock_amount": "integer",
    "manage_stock": "boolean",
    "featured": "boolean",
    "virtual": "boolean",
    "downloadable": "boolean",
    "sold_individually": "boolean",
    "reviews_allowed": "boolean",
    "images": "array",
    "categories": "array",
    "tags": "array",
    "brands": "array",
    "attributes": "array",
    "default_attributes": "array",
    "meta_data": "array",
    "image": "object",
    "dimensions": "object",
}
PRODUCT_ENUMS = {
    "type": ("simple", "grouped", "external", "variable", "variation"),
    "status": ("draft", "pending", "private", "publish", "future", "auto-draft", "trash"),
    "stock_status": ("instock", "outofstock", "onbackorder"),
    "backorders": ("no", "notify", "yes"),
    "tax_status": ("taxable", "shipping", "none"),
}
ORDER_STATUSES = (
    "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed",
    "checkout-draft",
)  # fmt: skip
STATUS_NAMES = {
    "pending": "Pending payment", "processing": "Processing", "on-hold": "On hold", "completed": "Completed",
    "cancelled": "Cancelled", "refunded": "Refunded", "failed": "Failed", "checkout-draft": "Draft",
}  # fmt: skip
ORDER_FIELDS: dict[str, str] = {
    "status": "string",
    "currency": "string",
    "customer_id": "integer",
    "customer_note": "string",
    "payment_method": "string",
    "payment_method_title": "string",
    "transaction_id": "string",
    "set_paid": "boolean",
    "billing": "object",
    "shipping": "object",
    "line_items": "array",
    "shipping_lines": "array",
    "fee_lines": "array",
    "coupon_lines": "array",
    "meta_data": "array",
}
CURRENCIES = ("EUR", "USD", "GBP", "PLN", "SEK", "DKK", "CZK", "HUF", "CHF", "NOK", "RON", "JPY")


def check(body: Mapping[str, Any], fields: Mapping[str, str], enums: Mapping[str, tuple[str, ...]]) -> None:
    """Raise rest_invalid_param for the first field of the wrong kind."""
    for name, kind in fields.items():
        if name in body and body[name] is not None and not _fits(body[name], kind):
            raise invalid_param(name, f"{name} is not of type {kind}.")
    for name, allowed in enums.items():
        if body.get(name) is not None and body[name] not in allowed:
            raise invalid_param(name, f"{name} is not one of {', '.join(allowed)}.", "rest_not_in_enum")


def check_order(body: Mapping[str, Any], more: Collection[str] = ()) -> None:
    """``more``: statuses that plugins have added."""
    check(body, ORDER_FIELDS, {"status": (*ORDER_STATUSES, *more)})
    if body.get("currency") is not None and body["currency"] not in CURRENCIES:
        raise invalid_param("currency", f"currency is not one of {', '.join(CURRENCIES)}.", "rest_not_in_enum")
    for field in ("line_items", "shipping_lines", "fee_lines"):
        for position, line in enumerate(body.get(field) or ()):
            _check_line(line, f"{field}[{position}]")
    email = (body.get("billing") or {}).get("email")
    if email and ("@" not in email or " " in email or "." not in email.rpartition("@")[2]):
        raise invalid_param("billing", "Invalid email address.", "rest_invalid_email")


def _check_line(line: Any, name: str) -> None:
    if not isinstance(line, dict):
        raise invalid_param(name.partition("[")[0], f"{name} is not of type object.")
    for key in ("total", "subtotal", "tax_class", "name", "method_title", "method_id"):
        if line.get(key) is not None and not isinstance(line[key], str):
            raise invalid_param(name.partition("[")[0], f"{name}[{key}] is not of type string.")
    if line.get("quantity") is not None and not _fits(line["quantity"], "integer"):
        raise invalid_param("line_items", f"{name}[quantity] is not of type integer.")


def body_of(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise WooError("rest_invalid_json", "Invalid JSON body passed.", 400)
    return data


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return _whole(value)
        case "boolean":
            return isinstance(value, bool) or value in (0, 1, "0", "1", "true", "false", "")
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _whole(value: Any) -> bool:
    """ "12" and 3.0 are integers to WordPress, 3.7 and "abc" are not."""
    if isinstance(value, bool):
        return False
    try:
        return float(value).is_integer()
    except (TypeError, ValueError):
        return False


def as_bool(value: Any) -> bool:
    return value not in (False, 0, "0", "false", "", None)
