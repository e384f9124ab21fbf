"""Units of marketplace orders that no reservation stands for, by SKU (see stock.py for why)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.criteria import Filter, Group, after
from platform_adapters.magento.orders import LINE_MARK
from platform_adapters.magento.reading import number, text, whole

KEEP = timedelta(days=1)
# Lines get their numbers before they can be seen: so many of the newest are read again.
OVERLAP = 250


class Ledger:
    """Thread-safe; a sum that is read once a day and then carried on, since what was ordered does not change."""

    def __init__(self, client: MagentoClient, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._booked = settings.get("reservations") == "booked"
        day = text(settings.get("reservations_from"))
        self._window: tuple[Group, ...] = ((Filter("created_at", "gteq", f"{day} 00:00:00"),),) if day else ()
        self._clock = clock
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._settled: dict[str, int] = {}
        self._recent: dict[int, tuple[str, int]] = {}
        self._floor = 0

    def units(self) -> dict[str, int]:
        """By SKU, as of now."""
        if self._booked:
            return {}
        with self._lock:
            self._read()
            found = dict(self._settled)
            for sku, count in self._recent.values():
                found[sku] = found.get(sku, 0) + count
            return found

    def _read(self) -> None:
        now = self._clock()
        if self._until is None or self._until < now:
            self._settled, self._recent, self._floor, self._until = {}, {}, 0, now + KEEP
        try:
            self._read_on()
        except Exception:
            self._until = None
            raise

    def _read_on(self) -> None:
        ours = (Filter("ext_order_item_id", "like", f"{LINE_MARK}%"),)
        ahead = (after("item_id", self._floor),) if self._floor else ()
        for row in self._client.order_items(ours, *self._window, *ahead, fields="item_id,sku,qty_ordered"):
            self._recent[number(row.get("item_id"))] = (text(row.get("sku")), whole(row.get("qty_ordered")))
        self._floor = max(self._floor, max(self._recent, default=0) - OVERLAP)
        for key in [key for key in self._recent if key <= self._floor]:
            sku, count = self._recent.pop(key)
            self._settled[sku] = self._settled.get(sku, 0) + count
