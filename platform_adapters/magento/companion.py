"""Our module inside the store, where it is installed: what it does better than the store's own interface.

Whoever is told that it is gone asks again, and finds the store without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from bridge.domain.reading import amount
from bridge.ports.errors import RetryLater
from platform_adapters.magento.client import PAGE, MagentoClient
from platform_adapters.magento.orders import external_ref
from platform_adapters.magento.reading import Json, text

KEEP = timedelta(minutes=30)


class Companion:
    """Thread-safe. Whether it is there is asked once in a while."""

    def __init__(self, client: MagentoClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, Json | None] | None = None

    @property
    def health(self) -> Json | None:
        """What it says of itself (docs/store-modules.md, heartbeat); None where there is none."""
        with self._lock:
            if self._known is None or self._known[0] < self._clock():
                self._known = (self._clock() + KEEP, self._client.module_health())
            return self._known[1]

    @property
    def is_there(self) -> bool:
        return self.health is not None

    def forget(self) -> None:
        with self._lock:
            self._known = None

    def place(self, order: Json) -> str:
        """The order's id, whether it is new or was there. Empty when the store did not say."""
        with self._looked_at_again():
            return text(self._client.module_order(order).get("order_id"))

    def find(self, refs: Iterable[str]) -> list[str]:
        """Ids of orders that were placed for these references."""
        wanted = [external_ref(ref) for ref in refs]
        with self._looked_at_again():
            pages = [self._client.module_orders(wanted[at : at + PAGE]) for at in range(0, len(wanted), PAGE)]
        rows = [row for page in pages for row in page]
        return [text(row.get("order_id")) for row in rows if row.get("order_id")]

    def salable(self, skus: Sequence[str], website: str) -> dict[str, Json]:
        """By SKU; what is not in the website's stock, or came without a quantity, is left out."""
        with self._looked_at_again():
            pages = [self._client.module_salable(skus[at : at + PAGE], website) for at in range(0, len(skus), PAGE)]
        return {text(row.get("sku")): row for page in pages for row in page if amount(row.get("qty")) is not None}

    @contextmanager
    def _looked_at_again(self) -> Iterator[None]:
        try:
            yield
        except RetryLater:
            self.forget()
            raise
