"""The merchant's hands in the store, for a rehearsal: against the sandbox, or a staging store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal
from functools import cached_property

from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.platform import Trace
from platform_adapters.magento.attribute_sets import Template, template
from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.companion import Companion
from platform_adapters.magento.criteria import Filter
from platform_adapters.magento.facts import Facts
from platform_adapters.magento.orders import OVER
from platform_adapters.magento.platform import MANIFEST, MagentoPlatform
from platform_adapters.magento.reading import Json, dicts, number, text
from platform_adapters.magento.stock import Stock

MARK = "Storebridge rehearsal"
DEFAULT_SET = 4  # the attribute set that every store has from the beginning
DEFAULT_SOURCE = "default"
CARRIER = "custom"


class MagentoRehearsal:
    """Makes, changes and ships as a merchant would, and takes away what Magento lets go: an order cannot be deleted by
    its interface, and stays as cancelled."""

    def __init__(self, connection: Connection) -> None:
        self._client = MagentoClient(connection)
        self._facts = Facts(self._client, connection.settings, connection.clock)
        self._connection = connection
        self._platform = MagentoPlatform(connection)
        self._codes = tuple(connection.settings.get("gtin_attributes") or ())

    def prepare(self) -> None:
        """That products may be created, the store tells only when the first one is."""
        self._template(MARK)
        _ = self._source

    @cached_property
    def _stock(self) -> Stock:
        given = self._connection
        wishes = {**given.settings, "stock_writes": True, "source": self._source}
        companion = Companion(self._client, given.clock)
        return Stock(self._client, given.transport, wishes, given.clock, MANIFEST.concurrency, companion)

    @cached_property
    def _source(self) -> str:
        """That the product lies in: the merchant's choice, else the first that the website sells from. Empty without
        Multi Source Inventory."""
        stock = self._facts.shop.stock_id
        if stock is None:
            return ""
        if chosen := text(self._connection.settings.get("source")):
            return chosen
        enabled = {text(row.get("source_code")) for row in self._client.sources() if row.get("enabled")}
        links = sorted(self._client.source_links(stock), key=lambda row: number(row.get("priority")))
        codes = [text(row.get("source_code")) for row in links]
        found = next((code for code in codes if code in enabled), "" if codes else DEFAULT_SOURCE)
        if not found:
            text_ = (
                f"Stock {stock}, which the website sells from, has no enabled source, so that nothing can be in stock"
            )
            raise AskMerchant(f"{text_}: assign it one in Magento (Stores, Inventory, Stocks).", field="source")
        return found

    def _template(self, sku: str) -> Template:
        """Of the first attribute set that shows an EAN; the default one is looked at first."""
        ids = sorted(
            (number(row.get("attribute_set_id")) for row in self._client.attribute_sets()),
            key=lambda key: (key != DEFAULT_SET, key),
        )
        day = f"{self._connection.clock():%Y-%m-%d}"
        tried = (template(key, self._client.attributes_of_set(key), self._codes, sku, day) for key in ids)
        found = next((item for item in tried if item is not None), None)
        if found is None:
            text_ = (
                f"None of the attributes {', '.join(self._codes)} is in an attribute set of the store, so that it shows"
            )
            advice = "Add one to a set (Stores, Attributes, Attribute Set), or name yours with -s gtin_attributes=CODE."
            raise AskMerchant(f"{text_} no EAN of a product. {advice}", field="gtin_attributes")
        return found

    def create_product(self, sku: str, gtin: str, title: str, price: str, stock: int) -> str:
        shop, made_from = self._facts.shop, self._template(sku)
        body: Json = {"sku": sku, "name": title, "price": Decimal(price), "attribute_set_id": made_from.set_id}
        body |= {"type_id": "simple", "status": 1, "visibility": 4, "weight": Decimal("0.5")}
        words = {**made_from.required, "description": f"{MARK}.", made_from.gtin: gtin}
        body["custom_attributes"] = [{"attribute_code": code, "value": value} for code, value in words.items()]
        body["extension_attributes"] = {"website_ids": [shop.website_id]}
        made = self._client.save_product(body)
        self._stock.write(made, stock, shop)
        return text(made.get("id"))

    def set_stock(self, sku: str, quantity: int) -> None:
        """As the admin's page of the product does, which saves the product too: stock alone moves no date."""
        self._stock.write(self._product(sku), quantity, self._facts.shop)
        words = {"attribute_code": "description", "value": f"{MARK}, {quantity} in stock."}
        self._client.save_product({"sku": sku, "custom_attributes": [words]})

    def change_title(self, sku: str, title: str) -> None:
        self._client.save_product({"sku": sku, "name": title})

    def stock_of(self, sku: str) -> int:
        return self._stock.readings([self._product(sku)], self._facts.shop)[sku].on_hand or 0

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        track = {"track_number": tracking, "title": carrier, "carrier_code": CARRIER}
        sent = self._client.shipments((Filter("order_id", "eq", order_id),))
        if sent and tracking:
            shipment = text(sent[-1].get("entity_id"))
            self._client.add_track({**track, "order_id": order_id, "parent_id": shipment})
            return
        body: Json = {"notify": False, "tracks": [track] if tracking else []}
        if self._source not in ("", DEFAULT_SOURCE):  # Magento takes it from "default" where nobody says
            body["arguments"] = {"extension_attributes": {"source_code": self._source}}
        self._client.ship(order_id, body)

    def cancel(self, order_id: str) -> None:
        self._platform.cancel_order(order_id, f"{MARK}.")

    def traces(self, skus: Collection[str], refs: Collection[str]) -> list[Trace]:
        orders = self._platform.find_orders(list(refs)).values() if refs else ()
        found = [Trace("order", row.external_id, row.number) for row in orders if row.status not in OVER]
        products = [row for sku in skus for row in self._products(sku)]
        return found + [Trace("product", text(row.get("id")), text(row.get("sku"))) for row in products]

    def kept(self, refs: Collection[str]) -> list[str]:
        found = self._platform.find_orders(list(refs)).values() if refs else ()
        return [f"order {row.number} ({row.raw_status})" for row in found]

    def remove(self, trace: Trace) -> None:
        with suppress(NotFound):
            if trace.kind == "order":
                self._platform.cancel_order(trace.external_id, f"{MARK}.")
            else:
                self._client.delete_product(trace.name)

    def _product(self, sku: str) -> Json:
        rows = self._products(sku)
        if not rows:
            raise NotFound(f"The store has no product {sku}.", field="sku")
        return rows[0]

    def _products(self, sku: str) -> list[Json]:
        rows = self._client.products((Filter("sku", "eq", sku),), scope=self._facts.shop.view).rows
        return [row for row in dicts(rows) if number(row.get("id")) and text(row.get("sku")).lower() == sku.lower()]
