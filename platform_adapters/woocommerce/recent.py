"""Looking many orders up at once: REST cannot ask for several references, and a search for each costs as much as
creating it. So the store's recent orders are listed once, and from then on only what has changed since."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from bridge.domain.reading import moment
from platform_adapters.woocommerce.catalogue import BY_ID, next_offset
from platform_adapters.woocommerce.client import PAGE, WooClient
from platform_adapters.woocommerce.mapping import gmt
from platform_adapters.woocommerce.orders import marketplace_ref

# A store order is made after its marketplace order was placed; clocks, and dates set by hand, may differ.
MARGIN = timedelta(days=1)
# Modification times have whole seconds, and an order's metadata are written a moment after the order.
OVERLAP = timedelta(seconds=10)
MOST = 50_000


class Recent:
    """Ids of store orders by reference, complete from a moment on. Thread-safe; a cache, never the truth."""

    def __init__(self, client: WooClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._from: datetime | None = None
        self._seen: datetime | None = None
        self._ids: dict[str, str] = {}

    def find(self, refs: Sequence[str], since: datetime) -> dict[str, str] | None:
        """Ids of those of these orders that exist, if they were made after ``since``. None: that would take more
        lists than searching takes searches."""
        with self._lock:
            start = since - MARGIN
            if self._from is not None and self._from <= start:
                window = {"modified_after": gmt((self._seen or self._from) - OVERLAP)}
            else:
                self._forget()
                window = {"after": gmt(start)}
            if not self._read(window, budget=len(refs)):
                self._forget()
                return None
            self._from = self._from or start
            return {ref: self._ids[ref] for ref in refs if ref in self._ids}

    def _forget(self) -> None:
        self._from = self._seen = None
        self._ids = {}

    def _read(self, window: dict[str, str], budget: int) -> bool:
        offset: str | None = "0"
        while offset is not None:
            listing = self._client.orders(offset=offset, dates_are_gmt="true", **window, **BY_ID)
            if listing.total is None or listing.total > budget * PAGE or len(self._ids) > MOST:
                return False
            for row in listing.rows:
                ref, changed = marketplace_ref(row), moment(row.get("date_modified_gmt"))
                if ref is not None:
                    self._ids[ref] = str(row["id"])
                if changed is not None:
                    self._seen = max(changed, self._seen or changed)
            offset = next_offset(int(offset), listing)
        return True
