"""A Magento store as a Platform: what the contract asks, in calls of the client and words of the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.domain.order import OrderDraft, StoreOrder, StoreOrderStatus
from bridge.domain.reading import amount
from bridge.domain.returns import RefundLine
from bridge.ports.adapter import Connection
from bridge.ports.channel import Choice, Page
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, UnknownOutcome
from bridge.ports.manifest import Feature, load_manifest
from bridge.ports.platform import OrderMark, ProductBatch, ProductRef, SentEvent, StoreInfo, WebhookAudit
from platform_adapters.magento import orders, refunds
from platform_adapters.magento.catalogue import Catalogue
from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.companion import Companion
from platform_adapters.magento.facts import Facts, shown_views
from platform_adapters.magento.order_reading import OrderReader
from platform_adapters.magento.orders import OrderWishes, Variant
from platform_adapters.magento.reading import Json, ShopFacts, dicts, number, table, text
from platform_adapters.magento.stock import Stock

MANIFEST = load_manifest(Path(__file__).parent)
VERSION = "2"  # Magento's interface does not tell more
WITHOUT_MODULE = (
    "Without the module, Magento's own shop page does not know of units that marketplaces have sold until they are "
    "shipped: it can sell them once more. With it, orders are placed with their reservations, changes come within a "
    "minute instead of 3 to 15, and this page is inside Magento's admin."
)
NOT_CONNECTED = "The Storebridge module is not connected. In Magento's admin, open Storebridge and click Connect."
NO_CRON = "The store's cron does not run: changes are found by asking only."


class MagentoPlatform:
    """One store. Thread-safe; what it remembers only saves calls."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = MagentoClient(connection)
        self._settings = connection.settings
        workers = MANIFEST.concurrency
        self._facts = Facts(self._client, connection.settings, connection.clock)
        self._companion = Companion(self._client, connection.clock)
        self._stock = Stock(
            self._client, connection.transport, connection.settings, connection.clock, workers, self._companion
        )
        self._catalogue = Catalogue(self._client, self._facts, self._stock, connection.clock)
        self._orders = OrderReader(self._client)

    def check(self) -> StoreInfo:
        """Reads one of everything, and proves that orders may be changed. Whether they may be created, Magento tells
        only when the first one is."""
        self._facts.forget()
        self._companion.forget()
        shop = self._facts.shop
        self._catalogue.list_variants(None)
        self._orders.by_id(["1"])
        self._client.prove_writing()
        details = self._details(shop)
        return StoreInfo(
            name=shop.name or self._client.url,
            url=shop.link_base or self._client.url,
            currency=shop.currency,
            version=VERSION,
            prices_include_tax=self._settings.get("prices") != "without VAT",
            timezone=shop.timezone,
            details=details,
            choices=self._choices(shop),
        )

    # -- the catalogue ----------------------------------------------------------------------------------------

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_products(since, cursor)

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_variants(cursor)

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        return self._catalogue.fetch(ids)

    def set_stock(self, product_id: str, variant_id: str, quantity: int) -> None:
        """Absolute, and without any guard: a sale in between is overwritten. Raises AskMerchant unless the merchant has
        allowed it."""
        if not self._settings.get("stock_writes"):
            raise AskMerchant("Writing stock into the store is switched off.", field="stock_writes")
        row = self._catalogue.rows([number(variant_id)]).get(number(variant_id))
        if row is None:
            raise NotFound(f"The store has no product {variant_id}.", field="variant_id")
        self._stock.write(row, quantity, self._facts.shop)

    # -- orders -----------------------------------------------------------------------------------------------

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderMark]:
        return self._orders.changed(since, cursor)

    def fetch_orders(self, ids: Sequence[str]) -> list[StoreOrder]:
        wanted = [text(number(key)) for key in dict.fromkeys(ids) if number(key)]
        found = {text(row.get("entity_id")): row for row in self._orders.by_id(wanted)}
        whole = self._orders.whole([found[key] for key in wanted if key in found])
        return [self._as_order(*parts) for parts in whole]

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        """Those that were saved by the numbers that belong to these references, those that the module placed by its
        table, or where the module is gone by their external ids. One that was left without its invoice gets it."""
        rows = self._orders.by_number(map(orders.order_number, refs))
        if self._companion.is_there:
            rows += self._orders.by_id(self._companion.find(refs))
        else:
            known = {orders.marketplace_ref(row) for row in rows}
            rest = [orders.external_ref(ref)["external_id"] for ref in refs if ref not in known]
            rows += self._orders.by_external_id(rest, since)
        ours = {ref: row for row in rows if (ref := orders.marketplace_ref(row)) in set(refs)}
        whole = zip(ours, self._orders.whole([self._finished(row) for row in ours.values()]), strict=True)
        return {ref: self._as_order(*parts) for ref, parts in whole}

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        """The store takes whatever it is sent, so all of it is looked at first. Its number keeps it from being there
        twice: a second one is refused, which is UnknownOutcome, and looked up. The module answers with the same one."""
        shop = self._facts.shop
        if draft.currency != shop.currency:
            text_ = f"The store keeps its books in {shop.currency}, and this order is in {draft.currency}."
            raise AskMerchant(f"{text_} Connect a store or a marketplace of the same currency.", field="currency")
        given = draft, self._variants(draft), shop, OrderWishes.of(self._settings)
        if self._companion.is_there:
            key = self._companion.place(orders.placing(*given))
            made = self._order(key) if key else {}
        else:
            made = self._client.save_order(orders.entity(*given, self._facts.reports))
        if not made.get("entity_id"):
            raise UnknownOutcome("The store did not say which order it created; it is looked up.")
        return self._as_order(self._finished(made))

    def cancel_order(self, external_id: str, note: str, code: str = "") -> StoreOrder:
        """Magento answers "false" where it does nothing: an invoiced order is credited instead."""
        raw = self._order(external_id)
        if orders.status(raw) is StoreOrderStatus.CANCELLED:
            return self._whole(raw)
        if not self._client.cancel_order(external_id):
            raw = self._order(external_id)
            self._credit_unshipped(raw, note)
        elif note:
            self._client.comment(external_id, note)
        return self._whole(self._order(external_id))

    def refund_lines(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> StoreOrder:
        """Lines with and without restocking are two credit memos, each looked up by its own reference first. Only what
        is invoiced can be credited, so that an invoice is made where there is none."""
        for restock in (True, False):
            part = [line for line in lines if line.restock is restock]
            if part:
                self._refund(external_id, part, reason, f"{ref}/{'restocked' if restock else 'kept'}")
        return self._whole(self._order(external_id))

    def add_note(self, external_id: str, note: str) -> None:
        rows = dicts(self._order(external_id).get("status_histories"))
        if note not in [row.get("comment") for row in rows]:
            self._client.comment(external_id, note)

    # -- webhooks: Magento has none of its own ----------------------------------------------------------------

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        return WebhookAudit(active=0)

    def remove_webhooks(self, url: str) -> int:
        return 0

    def send_test_event(self, marker: str) -> SentEvent:
        """By the module's outbox, as it tells of everything."""
        told = self._client.module_test(marker)
        if told is None:
            raise AskMerchant(MANIFEST.cannot_alone[Feature.TEST_EVENT])
        if told.get("connected") is not True:
            raise AskMerchant(NOT_CONNECTED)
        return SentEvent(topic="test", external_id=marker, trouble=text(told.get("trouble"))[:300])

    # -- inside -----------------------------------------------------------------------------------------------

    def _details(self, shop: ShopFacts) -> dict[str, Any]:
        details: dict[str, Any] = {"store view": shop.view, "website": shop.website}
        modules = self._client.modules()
        if modules:
            details["modules"] = len(modules)
        details["inventory"] = f"stock {shop.stock_id}" if shop.stock_id else "without sources"
        details["encrypted"] = self._client.url.startswith("https:")
        return details | self._of_module()

    def _of_module(self) -> dict[str, Any]:
        health = self._companion.health
        if health is None:
            return {"module": "not installed", "warning": WITHOUT_MODULE}
        cron = table(health.get("cron"))
        found = {"software": text(health.get("platform_version")), "module": text(health.get("version"))}
        return found if cron.get("healthy", True) else {**found, "warning": text(cron.get("note")) or NO_CRON}

    def _choices(self, shop: ShopFacts) -> dict[str, tuple[Choice, ...]]:
        views = [(text(row.get("code")), text(row.get("name"))) for row in shown_views(self._client.store_views())]
        found = {"store_view": tuple(Choice(value=code, label=name or code) for code, name in views)}
        if shop.stock_id is not None:
            linked = {text(row.get("source_code")) for row in self._client.source_links(shop.stock_id)}
            rows = [row for row in self._client.sources() if not linked or text(row.get("source_code")) in linked]
            codes = [(text(row.get("source_code")), text(row.get("name"))) for row in rows if row.get("enabled")]
            found["source"] = tuple(Choice(value=code, label=name or code) for code, name in codes)
        return found

    def _variants(self, draft: OrderDraft) -> dict[str, Variant]:
        """Products of the lines, to the letter as the store has them. An unknown one would become a line that nobody
        can pack."""
        rows = self._catalogue.rows(sorted({number(line.variant_id) for line in draft.lines} - {0}))
        lost = [line.sku or line.title for line in draft.lines if number(line.variant_id) not in rows]
        if lost:
            text_ = f"{', '.join(lost)} no longer exists in the store, so the order cannot be created there."
            raise AskMerchant(f"{text_} Restore the product, or match the line to another.", field="product_id")
        return {
            str(key): Variant(key, text(row.get("sku")), amount(row.get("weight")) or orders.ZERO)
            for key, row in rows.items()
        }

    def _finished(self, raw: Json) -> Json:
        """With its invoice, where one is wished: the marketplace has the buyer's money."""
        has_one = amount(raw.get("total_invoiced")) or orders.status(raw) in orders.OVER
        if has_one or not self._settings.get("invoice"):
            return raw
        order_id = text(raw.get("entity_id"))
        self._client.invoice(order_id)
        return self._order(order_id)

    def _credit_unshipped(self, raw: Json, note: str) -> None:
        if orders.status(raw) is StoreOrderStatus.CANCELLED:
            return
        body = refunds.cancelling(raw, note)
        if body is None:
            raise RejectItem("The store does not cancel this order: all of it is shipped or credited.")
        self._client.refund(text(raw.get("entity_id")), body)

    def _refund(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> None:
        raw, _, memos = self._orders.whole([self._order(external_id)])[0]
        if refunds.is_made(memos, ref):
            return
        body = refunds.body(raw, lines, reason, ref)
        if body is None:
            return
        if not amount(raw.get("total_invoiced")):
            self._client.invoice(external_id)
        self._client.refund(external_id, body)

    def _order(self, external_id: str) -> Json:
        """Raises NotFound."""
        return self._client.order(external_id)

    def _whole(self, raw: Json) -> StoreOrder:
        return self._as_order(*self._orders.whole([raw])[0])

    def _as_order(self, raw: Json, shipments: Sequence[Json] = (), memos: Sequence[Json] = ()) -> StoreOrder:
        shipped = self._settings.get("shipped_statuses") or ()
        return orders.order(raw, shipments, memos, currency=self._facts.shop.currency, shipped=shipped)
