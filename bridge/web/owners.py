"""The page on which a problem is dealt with, by its kind; that of the order or the SKU, where it is about one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Owner(NamedTuple):
    """``path`` may ask for the number of the connection; ``query`` gives it, where the page wants it there."""

    text: str
    path: str
    query: Mapping[str, Any] = {}


ORDER, LISTING = Owner("Open the orders", "orders"), Owner("Open the listings", "listings")
_ACCOUNT = Owner("Open the account", "accounts/{connection}")
_DECIDE = Owner("Decide", "returns")
_DIAGNOSTICS = Owner("Open the diagnostics", "settings/diagnostics")
OWNERS: Mapping[str, Owner] = {
    **dict.fromkeys(
        ("order_held", "tracking_missing", "acknowledgement_refused", "shipment_refused", "shipped_cancelled",
         "acceptance_asked", "acceptance_refused", "refund_differs", "refund_refused", "refund_doubtful", "stock_gone",
         "cancellation_asked", "cancellation_refused", "cancellation_overtaken", "order_total", "order_twice",
         "line_unlinked", "shipment_by_hand", "orders_incomplete", "bundle_parts", "bundle_parts_back"),
        ORDER,
    ),
    **dict.fromkeys(("offer_refused", "not_for_sale", "drift", "rejected.", "stock_stuck", "change_held"), LISTING),
    **dict.fromkeys(
        ("reauthorise", "products_wait", "expiring", "silence", "stale", "feed_unfetched", "store_away", "store_left",
         "score_near", "module_silent", "module_outbox", "module_cron", "module_version"),
        _ACCOUNT,
    ),
    **dict.fromkeys(("return_open", "return_due", "return_late", "return_refused", "return_unmatched"), _DECIDE),
    **dict.fromkeys(("parked.", "work_late", "disk", "database", "adapter_missing"), _DIAGNOSTICS),
    "return_shelf": Owner("Open the returns", "returns", {"show": "all"}),
    "ship_by": Owner("Open the orders", "orders", {"show": "urgent"}),
    "vat_unsaid": Owner("Say so", "settings/prices", {"connection": "{connection}"}),
    "oss_threshold": Owner("See the sums", "settings/prices"),
    "requirements_changed": Owner("Mend it", "mapping", {"of": "{connection}"}),
    "category_gone": Owner("Mend it", "categories", {"of": "{connection}"}),
    "alerts_unsent": Owner("Open the alerts", "alerts"),
    "privacy_request": Owner("Open the requests", "settings/privacy"),
}  # fmt: skip


def of(kind: str, row: Mapping[str, Any]) -> Owner | None:
    """Of one problem. None where its page is that of a connection, and it has none."""
    found = OWNERS.get(kind) or next(
        (OWNERS[start] for start in OWNERS if start[-1] == "." and kind.startswith(start)), None
    )
    number = row.get("connection_id")
    if found is None or (number is None and "{connection}" in f"{found.path}{found.query}"):
        return None
    query = {name: str(value).format(connection=number) for name, value in found.query.items()}
    return found._replace(path=found.path.format(connection=number), query=query)
