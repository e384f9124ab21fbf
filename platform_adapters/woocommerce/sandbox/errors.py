"""Refusals in WordPress's words: {code, message, data}."""

from __future__ import annotations

from typing import Any


class WooError(Exception):
    """An answer that is a WP_Error."""

    def __init__(self, code: str, message: str, status: int, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.data}}


def invalid_id(resource: str, status: int = 404) -> WooError:
    """``resource`` as WordPress names the post type: product, product_variation, shop_order, shop_webhook."""
    return WooError(f"woocommerce_rest_{resource}_invalid_id", "Invalid ID.", status)


def invalid_param(name: str, message: str, code: str = "rest_invalid_type") -> WooError:
    details = {name: {"code": code, "message": message, "data": {"param": name}}}
    text = f"Invalid parameter(s): {name}"
    return WooError("rest_invalid_param", text, 400, params={name: message}, details=details)


def already_trashed(kind: str) -> WooError:
    return WooError("woocommerce_rest_already_trashed", f"The {kind} has already been deleted.", 410)


def no_route() -> WooError:
    return WooError("rest_no_route", "No route was found matching the URL and request method.", 404)
