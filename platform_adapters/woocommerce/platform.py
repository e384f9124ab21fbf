"""A WooCommerce store as a Platform: what the contract asks, in calls of the client and words of the mapping."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.order import OrderDraft, StoreOrder, StoreOrderStatus
from bridge.domain.reading import currency_code
from bridge.domain.returns import RefundLine
from bridge.ports.adapter import Connection
from bridge.ports.channel import Choice, Page
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem, UnknownOutcome
from bridge.ports.manifest import Feature, load_manifest
from bridge.ports.platform import OrderMark, ProductBatch, ProductRef, SentEvent, StoreInfo, WebhookAudit
from platform_adapters.woocommerce import hooks, orders
from platform_adapters.woocommerce.catalogue import BY_ID, Catalogue, chunks, good, next_offset
from platform_adapters.woocommerce.client import Json, WooClient
from platform_adapters.woocommerce.exact import NONE, Taxing, exact_order
from platform_adapters.woocommerce.facts import Facts
from platform_adapters.woocommerce.mapping import BIN, gmt, whole
from platform_adapters.woocommerce.order_taxes import with_store_taxes
from platform_adapters.woocommerce.parcels import FULFILLMENTS
from platform_adapters.woocommerce.plugin import Missing, Plugin
from platform_adapters.woocommerce.reading import meta
from platform_adapters.woocommerce.recent import Recent

MANIFEST = load_manifest(Path(__file__).parent)
SEARCH_PAGES = 5
SHIPPED = "shipped_statuses"
ASK_AGAIN = timedelta(hours=1)
# Lists leave the bin out, and an order in it is news.
STATUSES = ("any", BIN)


class WooPlatform:
    """One store. Thread-safe; what it remembers only saves calls."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = WooClient(connection)
        self._transport = connection.transport
        self._settings = connection.settings
        self._clock = connection.clock
        self._workers = MANIFEST.concurrency
        self._facts = Facts(self._client, connection.settings, connection.clock)
        self._catalogue = Catalogue(self._client, connection.transport, self._facts, self._workers)
        self._recent = Recent(self._client)
        self._plugin = Plugin(connection)
        self._sources: tuple[str, ...] = tuple(connection.settings.get("tracking_sources") or ())
        self._shipped = frozenset(connection.settings.get(SHIPPED) or (orders.SHIPPED_USUAL,))
        self._no_fulfilments_until: datetime | None = None

    def check(self) -> StoreInfo:
        client, index = self._client, self._client.index()
        currency = client.setting("general", "currency")
        client.prove_writing()
        environment = client.environment()
        decimals = client.setting("general", "price_num_decimals")
        details: dict[str, Any] = {"wordpress": environment.get("wp_version"), "taxes": self._facts.taxes.on}
        details |= {"price decimals": decimals, "encrypted": client.url.startswith("https:")}
        if decimals.isdigit() and int(decimals) < 2:
            details["warning"] = "Prices are rounded to whole units: totals of marketplace orders will differ."
        details["plugin"] = self._plugin.words()
        statuses = orders.shipped_choices(client.order_statuses())
        return StoreInfo(
            name=str(index.get("name") or client.url),
            url=str(index.get("home") or client.url),
            currency=currency,
            version=str(environment.get("version") or "unknown"),
            prices_include_tax=self._facts.taxes.in_prices,
            timezone=str(index.get("timezone_string") or "UTC"),
            details=details,
            choices={SHIPPED: tuple(Choice(value=slug, label=name) for slug, name in statuses.items())},
        )

    # -- the catalogue ----------------------------------------------------------------------------------------

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_products(since, cursor)

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_variants(cursor)

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        return self._catalogue.fetch(ids)

    def set_stock(self, product_id: str, variant_id: str, quantity: int) -> None:
        """With the plugin as a difference, so that a sale in between counts; without it a sale in between is
        overwritten."""
        if self._plugin.installed and self._set_by_difference(product_id, variant_id, quantity):
            return
        body = {"manage_stock": True, "stock_quantity": quantity}
        if variant_id == product_id:
            self._client.write_product(product_id, body)
        else:
            self._client.write_variation(product_id, variant_id, body)

    # -- orders -----------------------------------------------------------------------------------------------

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderMark]:
        status, _, place = (cursor or f"{STATUSES[0]}:0").partition(":")
        offset = int(place)
        window = {"modified_after": gmt(since), "dates_are_gmt": "true"}
        listing = self._client.orders(status=status, offset=offset, **window, **BY_ID)
        marks = tuple(orders.order_mark(row) for row in listing.rows if row.get("status") not in orders.DRAFTS)
        following = next_offset(offset, listing)
        if following is not None:
            return Page(items=marks, next_cursor=f"{status}:{following}")
        return Page(items=marks, next_cursor=f"{BIN}:0" if status != BIN else None)

    def fetch_orders(self, ids: Sequence[str]) -> list[StoreOrder]:
        wanted = [key for key in dict.fromkeys(ids) if key.isdigit()]
        rows = {str(row["id"]): row for chunk in chunks(wanted) for row in self._client.orders(include=chunk).rows}
        absent = [key for key in wanted if key not in rows]
        for answer in self._transport.each(self._client.order, absent, self._workers):
            if isinstance(answer, NotFound):
                continue
            if isinstance(answer, BridgeError):
                raise answer
            rows[str(answer["id"])] = answer
        found = [rows[key] for key in wanted if key in rows]
        known = self._parcels([str(row["id"]) for row in found if orders.marketplace_ref(row) is not None])
        return good(self._transport.each(lambda row: self._whole(row, known), found, self._workers))

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        """The search looks into names of order lines, where the marketplace's order id stands; the reference in the
        metadata decides, to the letter. The bin is left out: what is in it is no order any more. The plugin knows
        them by itself."""
        if self._plugin.installed:
            with suppress(Missing):
                return self._find_by_plugin(refs)
        known = self._recent.find(refs, since) if since is not None and len(refs) > 1 else None
        if known is not None:
            found = self._listed(list(known.values())) if known else {}
            return {ref: self._order(found[ref]) for ref in refs if ref in found and not self._is_broken(found[ref])}
        rows = good(self._transport.each(self._find, refs, self._workers))
        return {ref: self._order(raw) for ref, raw in zip(refs, rows, strict=True) if raw is not None}

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        if self._plugin.installed:
            with suppress(Missing):
                return self._create_exactly(draft)
        body = orders.order_body(draft, self._settings)
        if self._settings.get("order_taxes") != NONE and self._facts.taxes.on:
            body = with_store_taxes(body, draft, self._tax_country(draft), self._tax_classes(draft), self._facts.rates)
        raw = _named(self._client.create_order(body))
        lost = orders.lost_products(raw)
        if lost:
            self._undo(raw)
            text = f"{', '.join(lost)} no longer exists in the store, so the order cannot be created there."
            raise AskMerchant(f"{text} Restore the product, or match the line to another.", field="product_id")
        return self._order(raw)

    def cancel_order(self, external_id: str, note: str, code: str = "") -> StoreOrder:
        """The store puts back on stock what it had taken off."""
        raw = self._client.order(external_id)
        if raw.get("status") != StoreOrderStatus.CANCELLED:
            raw = self._client.update_order(external_id, {"status": "cancelled"})
            if note:
                self._client.note(external_id, note)
        return self._whole(raw)

    def refund_lines(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> StoreOrder:
        """Lines with and without restocking are two refunds, each looked up by its own reference first."""
        for restock in (True, False):
            part = [line for line in lines if line.restock is restock]
            if part:
                self._refund(external_id, part, reason, f"{ref}/{'restocked' if restock else 'kept'}")
        return self._whole(self._client.order(external_id))

    def add_note(self, external_id: str, note: str) -> None:
        known = [html.unescape(str(row.get("note") or "")) for row in self._client.notes(external_id)]
        if note not in known:
            self._client.note(external_id, note)

    # -- webhooks ---------------------------------------------------------------------------------------------

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        plan = hooks.plan(self._client.webhooks(), url, secret)
        if body := plan.body():
            _refused_rows(self._client.change_webhooks(body))
        return WebhookAudit(active=len(hooks.TOPICS), mended=tuple(plan.mended))

    def remove_webhooks(self, url: str) -> int:
        ours = [int(hook["id"]) for hook in self._client.webhooks() if hooks.is_ours(hook, url)]
        if ours:
            _refused_rows(self._client.change_webhooks({"delete": ours}))
        return len(ours)

    def send_test_event(self, marker: str) -> SentEvent:
        """By the plugin's outbox, as it tells of everything."""
        try:
            return self._plugin.send_test(marker)
        except Missing:
            raise AskMerchant(MANIFEST.cannot_alone[Feature.TEST_EVENT]) from None

    # -- inside -----------------------------------------------------------------------------------------------

    def _listed(self, ids: Sequence[str]) -> dict[str | None, Json]:
        """These orders by reference, the bin left out."""
        rows = [row for chunk in chunks(ids) for row in self._client.orders(include=chunk).rows]
        return {orders.marketplace_ref(row): row for row in rows}

    def _find(self, ref: str) -> Json | None:
        wanted = ref.partition(":")[2] or ref
        for page in range(1, SEARCH_PAGES + 1):
            listing = self._client.orders(search=wanted, page=page)
            for row in listing.rows:
                if orders.marketplace_ref(row) == ref and not self._is_broken(row):
                    return row
            if listing.total is None or page * 100 >= listing.total:
                break
        return None

    def _is_broken(self, raw: Json) -> bool:
        """An order of ours that was left with an empty line is taken away, so that it can be made properly."""
        if not orders.lost_products(raw):
            return False
        self._undo(raw)
        return True

    def _undo(self, raw: Json) -> None:
        """To the bin, stock back first: the bin alone would keep it."""
        number = str(raw["id"])
        self._client.update_order(number, {"status": "cancelled"})
        self._client.delete_order(number, force=False)

    def _create_exactly(self, draft: OrderDraft) -> StoreOrder:
        """Through the plugin: once, and every amount as it is. Raises Missing."""
        mode = str(self._settings.get("order_taxes") or NONE)
        taxing = Taxing(NONE)
        if mode != NONE:
            rates = self._facts.rates if self._facts.taxes.on else None
            taxing = Taxing(mode, self._tax_country(draft), self._tax_classes(draft), rates)
        body = exact_order(draft, self._settings, taxing)
        return self._order(_named(self._plugin.create_order(draft.ref, body)))

    def _find_by_plugin(self, refs: Sequence[str]) -> dict[str, StoreOrder]:
        found = self._plugin.find_orders(refs)
        return {ref: self._order(raw) for ref, raw in found.items() if ref in refs and not self._is_broken(raw)}

    def _set_by_difference(self, product_id: str, variant_id: str, quantity: int) -> bool:
        """Whether that could be done."""
        is_own = variant_id == product_id
        raw = self._client.product(product_id) if is_own else self._client.variation(product_id, variant_id)
        if raw.get("manage_stock") is not True or raw.get("stock_quantity") is None:
            return False
        with suppress(Missing):
            return self._plugin.change_stock(variant_id, quantity - whole(raw["stock_quantity"]))
        return False

    def _parcels(self, ids: Sequence[str]) -> dict[str, list[Json]] | None:
        """WooCommerce's own fulfilments of many orders at once; None where they have to be asked for one by one."""
        if FULFILLMENTS not in self._sources or len(ids) < 2 or not self._plugin.installed:
            return None
        with suppress(Missing):
            return self._plugin.fulfillments(ids)
        return None

    def _whole(self, raw: Json, parcels: Mapping[str, Sequence[Json]] | None = None) -> StoreOrder:
        """With what has to be asked for apart: only of orders that are ours."""
        if orders.marketplace_ref(raw) is None:
            return self._order(raw)
        number = str(raw["id"])
        refunds = self._client.refunds(number) if raw.get("refunds") else []
        fulfilments = self._fulfilments(number) if parcels is None else parcels.get(number, ())
        return self._order(raw, fulfilments, refunds)

    def _order(self, raw: Json, fulfilments: Sequence[Json] = (), refunds: Sequence[Json] = ()) -> StoreOrder:
        currency = currency_code(raw.get("currency")) or self._facts.shop.currency
        return orders.order(raw, currency, self._client.url, self._sources, fulfilments, refunds, self._shipped)

    def _fulfilments(self, number: str) -> list[Json]:
        """Asked for only where the feature is on; where it is off, that is asked again after a while."""
        until = self._no_fulfilments_until
        if FULFILLMENTS not in self._sources or (until is not None and self._clock() < until):
            return []
        found = self._client.fulfillments(number)
        self._no_fulfilments_until = None if found is not None else self._clock() + ASK_AGAIN
        return found or []

    def _refund(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> None:
        raw = self._client.order(external_id)
        made = self._client.refunds(external_id)
        if any(meta(refund, orders.REFUND_META) == ref for refund in made):
            return
        body = orders.refund_body(raw, lines, orders.refunded_units(made), reason, ref)
        if body is not None:
            self._client.refund(external_id, body)

    def _tax_country(self, draft: OrderDraft) -> str:
        taxes = self._facts.taxes
        deciding = {"base": taxes.home, "billing": draft.bill_to.country}
        return deciding.get(taxes.based_on, draft.ship_to.country).upper()

    def _tax_classes(self, draft: OrderDraft) -> dict[str, str]:
        """Tax class by variant, as the products have it now."""
        rows = self._catalogue.fetch([line.product_id for line in draft.lines if line.product_id]).products
        return {variant.external_id: row.tax_class or "" for row in rows for variant in row.variants}


def _named(raw: Json) -> Json:
    """An order that the store has created, if it says which."""
    if not raw.get("id"):
        text = "The store did not say which order it created; it is looked up."
        raise UnknownOutcome(text, developer=repr(sorted(raw))[:500])
    return raw


def _refused_rows(answer: Json) -> None:
    """A batch is a 200 even where rows of it failed."""
    for rows in answer.values():
        for row in rows if isinstance(rows, list) else ():
            error = row.get("error") if isinstance(row, dict) else None
            if isinstance(error, dict):
                text = f"The store refused a webhook: {error.get('message')}"
                raise RejectItem(text, developer=repr(error)[:500])
