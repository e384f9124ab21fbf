"""How many of a product can be sold, told by salable quantities and not by what lies in the sources.

Orders that come over REST book no reservation, yet shipping, cancelling and crediting them adds the reservation that
would undo it (measured on 2.4.7: salable drifts upward for ever). What is missing is exactly the ordered quantity of
each line of such an order, whatever became of it: that is taken off here. The same holds for stores without Multi
Source Inventory, where placing an order would have lowered the stock item and cancelling or crediting it raises it.
Orders that our module placed have their reservations, and are not taken off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bridge.domain.catalogue import StockReading
from bridge.domain.reading import amount
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.ports.http import Transport
from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.companion import Companion
from platform_adapters.magento.criteria import Filter, among
from platform_adapters.magento.ledger import Ledger
from platform_adapters.magento.reading import Json, ShopFacts, number, text, whole

KEEP_FLAGS = timedelta(hours=1)
ASK_AGAIN = timedelta(hours=6)
DEFAULT_SOURCE = "default"


class Flags(NamedTuple):
    """What a stock item says beside its quantity."""

    managed: bool
    backorders: bool


UNKNOWN = Flags(managed=True, backorders=False)


class Stock:
    """Thread-safe; what it remembers only saves calls."""

    def __init__(
        self,
        client: MagentoClient,
        transport: Transport,
        settings: Mapping[str, Any],
        clock: Callable[[], datetime],
        workers: int,
        companion: Companion,
    ) -> None:
        self._client = client
        self._companion = companion
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._workers = workers
        self._ledger = Ledger(client, settings, clock)
        self._lock = threading.Lock()
        self._flags: dict[str, tuple[datetime, Flags]] = {}
        self._no_export_until: datetime | None = None

    def readings(self, rows: Sequence[Json], facts: ShopFacts) -> dict[str, StockReading]:
        """By SKU, for products as the store lists them."""
        pools = {text(row.get("sku")): text(row.get("id")) for row in rows if text(row.get("sku"))}
        skus = list(pools)
        if not skus:
            return {}
        taken = self._ledger.units()
        if self._companion.is_there:
            told = self._companion.salable(skus, facts.website)
            return {sku: _module_reading(told.get(sku), pools[sku], taken.get(sku, 0)) for sku in skus}
        if facts.stock_id is None:
            items = dict(zip(skus, self._each(self._client.stock_item, skus), strict=True))
            return {sku: _simple_reading(items[sku], pools[sku], taken.get(sku, 0)) for sku in skus}
        salable, flags = self._salable(skus, facts), self._flags_of(skus)
        return {sku: _reading(pools[sku], salable.get(sku), taken.get(sku, 0), flags[sku]) for sku in skus}

    def marks(self, rows: Sequence[Json], facts: ShopFacts, *, thoroughly: bool = False) -> dict[str, str]:
        """By SKU, something that changes with the stock, as cheaply as it can be had: salable quantities where the
        store lists them, else what lies in the sources. Without sources only ``thoroughly``, product by product."""
        skus = [text(row.get("sku")) for row in rows if text(row.get("sku"))]
        if not skus:
            return {}
        if self._companion.is_there:
            return {sku: text(row["qty"]) for sku, row in self._companion.salable(skus, facts.website).items()}
        if facts.stock_id is not None:
            listed = self._exported(skus, facts)
            return {sku: text(row) for sku, row in listed.items()} if listed is not None else self._in_sources(skus)
        if not thoroughly:
            return {}
        found = self._each(self._client.stock_item, skus)
        return {sku: f"{row.get('qty')} {row.get('is_in_stock')}" for sku, row in zip(skus, found, strict=True)}

    def write(self, row: Json, quantity: int, facts: ShopFacts) -> None:
        """Make so many salable: what orders still hold is added, or it would be sold once more."""
        sku = text(row.get("sku"))
        reading = self.readings([row], facts)[sku]
        change = quantity - (reading.on_hand or 0)
        if facts.stock_id is None:
            item = self._client.stock_item(sku)
            body = {"qty": whole(item.get("qty")) + change, "is_in_stock": whole(item.get("qty")) + change > 0}
            self._client.write_stock_item(sku, number(item.get("item_id")), body)
            return
        source = self._source(facts)
        here = [
            item
            for item in self._client.source_items((Filter("sku", "eq", sku),))
            if text(item.get("source_code")) == source
        ]
        before = whole(here[0].get("quantity")) if here else 0
        after = max(0, before + change)
        rows = [{"sku": sku, "source_code": source, "quantity": after, "status": int(after > 0)}]
        self._client.write_source_items(rows)

    def _source(self, facts: ShopFacts) -> str:
        codes = [text(link.get("source_code")) for link in self._client.source_links(facts.stock_id or 1)]
        wanted = text(self._settings.get("source"))
        if wanted and (wanted in codes or not codes):
            return wanted
        if len(codes) > 1 or wanted:
            raise AskMerchant(f"Choose the source to write stock to: {', '.join(codes)}.", field="source")
        return codes[0] if codes else DEFAULT_SOURCE

    def _salable(self, skus: Sequence[str], facts: ShopFacts) -> dict[str, Any]:
        exported = self._exported(skus, facts) or {}
        found: dict[str, Any] = {sku: exported[sku] for sku in skus if sku in exported}
        rest = [sku for sku in skus if sku not in found]
        asked = self._each(lambda sku: self._client.salable(sku, facts.stock_id or 1), rest)
        return found | dict(zip(rest, asked, strict=True))

    def _exported(self, skus: Sequence[str], facts: ShopFacts) -> dict[str, Any] | None:
        """Salable quantities in one call. The official description does not say what is in its rows: where they are not
        SKU and quantity, or there is no such list, it is asked for each product, and the list again after a while."""
        if self._no_export_until is not None and self._clock() < self._no_export_until:
            return None
        found: dict[str, Any] = {}
        for chunk in _chunks(skus):
            rows = self._client.salable_export(facts.website, among("sku", chunk))
            if rows is None or any("sku" not in row or amount(row.get("qty")) is None for row in rows):
                self._no_export_until = self._clock() + ASK_AGAIN
                return None
            found |= {text(row["sku"]): row["qty"] for row in rows}
        return found

    def _in_sources(self, skus: Sequence[str]) -> dict[str, str]:
        parts: dict[str, list[str]] = {}
        for chunk in _chunks(skus):
            for row in self._client.source_items(among("sku", chunk)):
                words = f"{row.get('source_code')} {row.get('quantity')} {row.get('status')}"
                parts.setdefault(text(row.get("sku")), []).append(words)
        return {sku: ", ".join(sorted(words)) for sku, words in parts.items()}

    def _flags_of(self, skus: Sequence[str]) -> dict[str, Flags]:
        """Whether stock is counted and backorders are taken changes rarely, and is one call for each product."""
        now = self._clock()
        with self._lock:
            known = {sku: entry[1] for sku in skus if (entry := self._flags.get(sku)) and entry[0] > now}
        rest = [sku for sku in skus if sku not in known]
        items = self._each(self._client.stock_item, rest)
        fresh = {sku: _flags(item) for sku, item in zip(rest, items, strict=True)}
        with self._lock:
            self._flags |= {sku: (now + KEEP_FLAGS, flags) for sku, flags in fresh.items()}
        return known | fresh

    def _each(self, function: Callable[[str], Any], skus: Sequence[str]) -> list[Any]:
        answers = self._transport.each(function, skus, self._workers)
        for answer in answers:
            if isinstance(answer, BridgeError):
                raise answer
        return answers


def _reading(pool: str, salable: Any, taken: int, flags: Flags) -> StockReading:
    """``salable`` None: the product is not in this stock at all."""
    on_hand = whole(salable) - taken if salable is not None else 0
    return StockReading(
        pool=pool,
        managed=flags.managed,
        on_hand=on_hand if flags.managed else None,
        in_stock=on_hand > 0 or flags.backorders or not flags.managed,
        backorders=flags.backorders,
    )


def _module_reading(row: Json | None, pool: str, taken: int) -> StockReading:
    """``row`` None: the product is not in the website's stock."""
    flags = Flags(managed=bool(row.get("managed", True)), backorders=bool(row.get("backorders"))) if row else UNKNOWN
    return _reading(pool, row and row.get("qty"), taken, flags)


def _simple_reading(item: Json, pool: str, taken: int) -> StockReading:
    flags, on_hand = _flags(item), whole(item.get("qty")) - whole(item.get("min_qty")) - taken
    return StockReading(
        pool=pool,
        managed=flags.managed,
        on_hand=on_hand if flags.managed else None,
        in_stock=bool(item.get("is_in_stock")),
        backorders=flags.backorders,
    )


def _flags(item: Json) -> Flags:
    return Flags(managed=bool(item.get("manage_stock", True)), backorders=whole(item.get("backorders")) > 0)


def _chunks(skus: Sequence[str], size: int = 100) -> list[Sequence[str]]:
    return [skus[at : at + size] for at in range(0, len(skus), size)]
