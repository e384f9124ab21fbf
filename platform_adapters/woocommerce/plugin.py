"""Storebridge's own plugin in the store, where it is installed: what WooCommerce's REST API cannot do.

Everything works without it. Whether it is there is asked once in a while; where it goes away, the next call that
misses it says so, and the way without it is taken.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Rule
from platform_adapters.woocommerce.client import ERRORS, PERMISSION, Json, StoreApi, fulfillment_rows, table
from platform_adapters.woocommerce.reading import dicts

SPACE = "wc-storebridge/v1"
MOST = 100
ASK_AGAIN = timedelta(hours=1)
GONE = "Restore the product, or match the line to another."
TOTAL = "Look at the order on the marketplace; if its amounts are right, tell us which order it is."
_ERRORS = ErrorTable(
    rules={
        **ERRORS.rules,
        (401, "rest_forbidden"): Rule(Reauthorise, PERMISSION),
        (400, "storebridge_product_gone"): Rule(AskMerchant, GONE),
        (400, "storebridge_total"): Rule(AskMerchant, TOTAL),
        (409, "storebridge_in_progress"): RetryLater,
    },
    describe=ERRORS.describe,
)


class Missing(Exception):
    """The plugin is not there (any more)."""


class Plugin:
    """The plugin's routes, and whether they are there. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        self._api = StoreApi(connection, SPACE)
        self._clock: Callable[[], datetime] = connection.clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, bool] | None = None

    @property
    def installed(self) -> bool:
        with self._lock:
            known = self._known
        if known is not None and self._clock() < known[0]:
            return known[1]
        try:
            return self.health() is not None
        except BridgeError:
            return False  # whatever ails it is told by the calls without it

    def health(self) -> Json | None:
        """Versions, outbox and cron; None where the plugin is not there."""
        answer = self._api.get("health", operation="plugin.health", errors=_ERRORS, allow=(404,))
        self._remember(answer.ok)
        return table(answer) if answer.ok else None

    def create_order(self, channel: str, external_id: str, ref: str, order: Json) -> Json:
        """The order as wc/v3 shows it; the same one however often this is asked. Raises Missing, RetryLater where
        another call is at it, AskMerchant where a product is gone."""
        body = {"channel": channel, "external_id": external_id, "ref": ref, "order": order}
        found = self._post("orders", body, "orders.create").get("order")
        return found if isinstance(found, dict) else {}

    def find_orders(self, refs: Sequence[tuple[str, str, str]]) -> dict[str, Json]:
        """Orders by reference, of (channel, external id, reference), at most 100. Raises Missing."""
        wanted = [{"channel": channel, "external_id": number, "ref": ref} for channel, number, ref in refs]
        rows = dicts(self._read("orders/lookup", {"refs": wanted}, "plugin.lookup").get("orders"))
        return {str(row.get("ref")): row["order"] for row in rows if isinstance(row.get("order"), dict)}

    def fulfillments(self, ids: Sequence[str]) -> dict[str, list[Json]]:
        """WooCommerce's own fulfilments of at most 100 orders. Raises Missing."""
        found = self._read("orders/parcels", {"ids": [int(number) for number in ids]}, "plugin.parcels").get("orders")
        rows = {number: row.get("fulfillments") for number, row in found.items()} if isinstance(found, dict) else {}
        return {number: fulfillment_rows(part) for number, part in rows.items() if part}

    def change_stock(self, number: str, by: int) -> bool:
        """Add to the stock of a product or variation, whatever is sold meanwhile; False where the store does not keep
        its stock. Raises Missing and NotFound."""
        body = {"key": secrets.token_hex(16), "changes": [{"id": int(number), "by": by}]}
        row = next(iter(dicts(self._read("stock", body, "plugin.stock", write=True).get("changes"))), {})
        error = row.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if code == "storebridge_product_gone":
            raise NotFound(f"The store has no product {number} any more.", field="product_id")
        if code not in (None, "storebridge_stock_not_managed"):
            raise RejectItem(f"The store refused to change the stock of product {number}.", developer=repr(error)[:500])
        return code is None

    def _read(self, path: str, body: Json, operation: str, *, write: bool = False) -> Json:
        """Safe to repeat: it changes nothing, or carries a key."""
        return self._post(path, body, operation, idempotent=True, write=write)

    def _post(self, path: str, body: Json, operation: str, **options: Any) -> Json:
        answer = self._api.post(path, body, operation=operation, errors=_ERRORS, allow=(404,), **options)
        self._remember(answer.ok)
        if not answer.ok:
            raise Missing
        return table(answer)

    def _remember(self, there: bool) -> None:
        with self._lock:
            self._known = (self._clock() + ASK_AGAIN, there)
