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
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Rule
from bridge.ports.platform import SentEvent
from platform_adapters.woocommerce.catalogue import chunks
from platform_adapters.woocommerce.client import ERRORS, PERMISSION, Json, StoreApi, fulfillment_rows, table
from platform_adapters.woocommerce.reading import dicts, text

SPACE = "wc-storebridge/v1"
MOST = 100
ASK_AGAIN = timedelta(hours=1)
GONE = "Restore the product, or match the line to another."
TOTAL = "Look at the order on the marketplace; if its amounts are right, tell us which order it is."
NOT_CONNECTED = "The Storebridge plugin is not connected. In WordPress, open Storebridge and click Connect."
_ERRORS = ErrorTable(
    rules={
        **ERRORS.rules,
        (401, "rest_forbidden"): Rule(Reauthorise, PERMISSION),
        (400, "storebridge_product_gone"): Rule(AskMerchant, GONE),
        (400, "storebridge_total"): Rule(AskMerchant, TOTAL),
        (409, "storebridge_in_progress"): RetryLater,
        (409, "storebridge_not_connected"): Rule(AskMerchant, NOT_CONNECTED),
    },
    describe=ERRORS.describe,
)


UNINSTALLED = (
    "not installed; with it orders are created once by the store itself and with exact VAT, "
    "every change is told at once and none is lost, and these pages are inside WordPress"
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
        """Whether it is there to be used. Raises Reauthorise and RetryLater, as any other call to this store would."""
        with self._lock:
            known = self._known
        if known is not None and self._clock() < known[0]:
            return known[1]
        try:
            return self.health() is not None
        except (
            AskMerchant,
            RejectItem,
        ):  # a firewall before it, or a user who may too little: the way without it is open
            self._remember(False)
            return False

    def health(self) -> Json | None:
        """Versions, outbox and cron; None where the plugin is not there."""
        answer = self._api.get("health", operation="plugin.health", errors=_ERRORS, allow=(404,))
        self._remember(answer.ok)
        return table(answer) if answer.ok else None

    def create_order(self, ref: str, order: Json) -> Json:
        """The order as wc/v3 shows it; the same one however often this is asked. Raises Missing, RetryLater where
        another call is at it, AskMerchant where a product is gone."""
        found = self._post("orders", {**_named(ref), "order": order}, "orders.create").get("order")
        return found if isinstance(found, dict) else {}

    def find_orders(self, refs: Sequence[str]) -> dict[str, Json]:
        """Orders by reference. Raises Missing."""
        found: dict[str, Json] = {}
        for chunk in chunks(refs, MOST):
            answer = self._read("orders/lookup", {"refs": [_named(ref) for ref in chunk]}, "plugin.lookup")
            rows = [row for row in dicts(answer.get("orders")) if isinstance(row.get("order"), dict)]
            found |= {str(row.get("ref")): row["order"] for row in rows}
        return found

    def fulfillments(self, ids: Sequence[str]) -> dict[str, list[Json]]:
        """WooCommerce's own fulfilments by order. Raises Missing."""
        found: dict[str, list[Json]] = {}
        for chunk in chunks(ids, MOST):
            answer = self._read("orders/parcels", {"ids": [int(number) for number in chunk]}, "plugin.parcels")
            rows = answer.get("orders")
            parts = {number: row.get("fulfillments") for number, row in rows.items()} if isinstance(rows, dict) else {}
            found |= {number: fulfillment_rows(part) for number, part in parts.items() if part}
        return found

    def words(self) -> str:
        """What the merchant is told of it at a check."""
        try:
            health = self.health()
        except (AskMerchant, RejectItem) as error:
            return f"not usable: {error.merchant}"
        return UNINSTALLED if health is None else str(health.get("version") or "installed")

    def send_test(self, marker: str) -> SentEvent:
        """Raises Missing, also where the plugin is too old for it, and AskMerchant where it is connected to no
        bridge."""
        body = {"marker": marker}
        answer = self._api.post("test", body, operation="plugin.test", errors=_ERRORS, allow=(404,), write=False)
        if not answer.ok:
            raise Missing
        told = table(answer)
        return SentEvent(topic="test", external_id=marker, trouble=text(told.get("trouble"))[:300])

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


def _named(ref: str) -> Json:
    """A reference (OrderDraft.ref) as the plugin's table has it: by account and the marketplace's number."""
    account, colon, number = ref.partition(":")
    return {"channel": account if colon else "-", "external_id": number if colon else ref, "ref": ref}
