"""A Shopify store as a Platform: what the contract asks, in documents of the client and words of the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.order import CancelReason, OrderDraft, StoreOrder, StoreOrderStatus
from bridge.domain.reading import amount
from bridge.domain.returns import RefundLine, ReturnNotice, StoreReturn
from bridge.ports.adapter import Connection
from bridge.ports.channel import Page
from bridge.ports.errors import AskMerchant, NotFound, RetryLater, UnknownOutcome
from bridge.ports.manifest import Feature, load_manifest
from bridge.ports.platform import OrderMark, ProductBatch, ProductRef, SentEvent, StoreInfo, WebhookAudit
from platform_adapters.shopify import hooks, mapping, orders, refunds, scopes
from platform_adapters.shopify.catalogue import Catalogue, good
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.documents import API_VERSION
from platform_adapters.shopify.facts import Facts, demand_locations, granted
from platform_adapters.shopify.order_reading import OrderReader
from platform_adapters.shopify.reading import Json, gid, next_cursor, nodes, number, since_filter, table, text, walk
from platform_adapters.shopify.refusals import codes, errors_of, is_spent, no_order, refuse
from platform_adapters.shopify.return_keeping import Back, ReturnKeeper
from platform_adapters.shopify.stock import set_available

MANIFEST = load_manifest(Path(__file__).parent)
ORDERS, NEWEST = 250, 50
# A cancellation is done by the store in its own time.
CANCEL_LOOKS, CANCEL_PAUSE = 5, 0.5
NOTE = 5000
REFUND_TRIES = 3
PROVINCE_WORD = "province"


class ShopifyPlatform:
    """One store. Thread-safe; what it remembers only saves calls."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = ShopifyClient(connection)
        self._transport = connection.transport
        self._settings = connection.settings
        self._clock = connection.clock
        self._workers = MANIFEST.concurrency
        self._facts = Facts(self._client, connection.settings, connection.clock)
        self._catalogue = Catalogue(self._client, self._transport, self._facts, self._clock)
        self._returns = ReturnKeeper(self._client, self._facts)
        self._orders = OrderReader(self._client, self._transport, self._returned)

    def check(self) -> StoreInfo:
        data = self._client.ask("shop", 5)
        shop, plan = table(data.get("shop")), table(table(data.get("shop")).get("plan"))
        given = granted(data)
        self._refuse_scopes(given)
        rows = mapping.active(self._facts.locations())
        demand_locations(mapping.unknown_locations(rows, self._facts.wanted))
        self._define_reference()
        self._facts.forget()
        details: dict[str, Any] = {
            "plan": text(plan.get("publicDisplayName")),
            "domain": text(shop.get("myshopifyDomain")),
        }
        details["locations"] = [text(row.get("name")) for row in rows]
        if not shop.get("taxesIncluded") and not amount(self._settings.get("vat_percent")):
            details["warning"] = (
                "Prices are kept without VAT, and no VAT is set to be added: marketplaces show them so."
            )
        return StoreInfo(
            name=text(shop.get("name")) or self._client.host,
            url=text(shop.get("url")) or self._client.url,
            currency=text(shop.get("currencyCode")),
            version=API_VERSION,
            prices_include_tax=bool(shop.get("taxesIncluded")),
            timezone=text(shop.get("ianaTimezone")) or "UTC",
            details=details,
            better=(scopes.GIVE_RETURNS,) if scopes.missing(given, scopes.WISHED_SCOPES) else (),
        )

    # -- the catalogue ----------------------------------------------------------------------------------------

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_products(since, cursor)

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        return self._catalogue.list_variants(cursor)

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        return self._catalogue.fetch(ids)

    def set_stock(self, product_id: str, variant_id: str, quantity: int) -> None:
        """Absolute, compared with what was read just before. Raises AskMerchant unless the merchant has allowed it."""
        if not self._settings.get("stock_writes"):
            raise AskMerchant("Writing stock into the store is switched off.", field="stock_writes")
        set_available(self._client, self._catalogue, variant_id, quantity, self._facts.selling.chosen)

    # -- orders -----------------------------------------------------------------------------------------------

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderMark]:
        size = 2.0 + 2 * ORDERS
        found = self._client.ask("orders_changed", size, first=ORDERS, after=cursor, query=since_filter(since)).get(
            "orders"
        )
        now = self._clock()
        marks = tuple(orders.order_mark(row, now) for row in nodes(found))
        return Page(items=marks, next_cursor=next_cursor(found))

    def fetch_orders(self, ids: Sequence[str]) -> list[StoreOrder]:
        rows = self._orders.read([key for key in dict.fromkeys(ids) if key.isdigit()])
        return [self._order(row) for row in rows]

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        """By the reference's own unique field, by search, and among the newest: the search runs behind what happens,
        and how far is not documented."""
        found = good(self._transport.each(self._find, list(refs), self._workers))
        ids = {ref: key for ref, key in zip(refs, found, strict=True) if key is not None}
        if lost := [ref for ref in refs if ref not in ids]:
            newest = self._newest()
            ids |= {ref: newest[ref] for ref in lost if ref in newest}
        rows = {number(row["id"]): row for row in self._orders.read(list(dict.fromkeys(ids.values())))}
        return {ref: self._order(rows[key]) for ref, key in ids.items() if key in rows}

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        body = orders.order_input(draft, self._settings)
        options = {
            "inventoryBehaviour": "DECREMENT_IGNORING_POLICY",
            "sendReceipt": False,
            "sendFulfillmentReceipt": False,
        }
        payload = table(self._client.tell("order_create", order=body, options=options).get("orderCreate"))
        if any(PROVINCE_WORD in text(error.get("message")).lower() for error in errors_of(payload)):
            # A code that Shopify does not know. Nothing was made; what it stands for is readable without it.
            body |= orders.homes(draft, coded=False)
            payload = table(self._client.tell("order_create", order=body, options=options).get("orderCreate"))
        if errors_of(payload) and self._is_there(payload, draft.ref):
            text_ = "The store says that it has this order already; it is looked up."
            raise UnknownOutcome(text_, developer=repr(errors_of(payload))[:500])
        made = refuse(payload).get("order")
        if not isinstance(made, dict) or not made.get("id"):
            raise UnknownOutcome("The store did not say which order it created; it is looked up.")
        return self._order(self._orders.whole([made])[0])

    def cancel_order(self, external_id: str, note: str, code: str = "") -> StoreOrder:
        """The store puts back on stock what it had claimed, in its own time: this waits for a moment.

        Raises RetryLater while it is not done; asking again is harmless."""
        found = self._one(external_id)
        if found.status is StoreOrderStatus.CANCELLED:
            return found
        payload = self._cancel(external_id, note, MANIFEST.cancel_reasons.code(CancelReason.OTHER, code))
        for _ in range(CANCEL_LOOKS):
            found = self._one(external_id)
            if found.status is StoreOrderStatus.CANCELLED:
                return found
            refuse(payload)
            self._transport.services.sleep(CANCEL_PAUSE)
        raise RetryLater(f"Shopify: order {found.number} is still being cancelled.", after=timedelta(seconds=5))

    def _cancel(self, external_id: str, note: str, code: str) -> Json:
        """With the payment given back in the books where that is wished. A store that refuses this has it cancelled
        without: the marketplace's buyer has the money back either way."""
        methods: list[Json | None] = (
            [{"originalPaymentMethodsRefund": True}] if self._settings.get("record_refunds") else []
        )
        payload: Json = {}
        for method in (*methods, None):
            arguments = {
                "id": gid("Order", external_id),
                "reason": code,
                "refund": method,
                "note": note[:255] or None,
            }
            payload = table(self._client.tell("order_cancel", repeatable=True, **arguments).get("orderCancel"))
            if not errors_of(payload):
                break
        return payload

    def refund_lines(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> StoreOrder:
        """One refund, known by its reference, which is also the key under which the store does it once only. An amount
        without units, where amounts are not recorded, is a note on the order."""
        raw = self._raw(external_id)
        found = self._order(raw)
        if refunds.is_made(raw, ref):
            return found
        payment = self._payment(external_id) if self._settings.get("record_refunds") else None
        place = self._return_location(raw)
        body = refunds.refund_input(raw, found, lines, payment, place, refunds.marked(ref, reason))
        if body is not None:
            self._refund(self._placed(body), f"{external_id} {ref}")
        elif amounts := [line.amount.text() for line in lines if line.amount is not None]:
            self.add_note(external_id, f"{', '.join(amounts)}: {refunds.marked(ref, reason)}")
        return self._one(external_id)

    def _refund(self, body: Json, ref: str) -> None:
        for attempt in range(REFUND_TRIES):
            key = refunds.idempotency_key(ref, body, attempt)
            payload = self._client.tell("refund_create", input=body, key=key, repeatable=True).get("refundCreate")
            if not is_spent(payload):
                refuse(payload)
                return
        raise RetryLater("Shopify: the refund failed there several times; trying again later.")

    def _placed(self, body: Json) -> Json:
        """Units that have not left go back to the location they were to leave from, which the store knows."""
        rows = refunds.to_cancel(body)
        if not rows or len(self._facts.shop.places) < 2:
            return body
        found = table(self._client.ask("order_shelf", 20, id=body["orderId"], lines=rows).get("order"))
        return refunds.placed(body, found.get("suggestedRefund"))

    def announce_return(self, external_id: str, notice: ReturnNotice) -> StoreReturn:
        """Without the access scope it is no return; nor for units that, as the store sees it, have not left."""
        return self._returns.announce(external_id, notice)

    def accept_return(self, external_id: str, known: str, line: RefundLine, reason: str, ref: str) -> StoreOrder:
        """What was refunded under this reference without a return is not processed any more; what a return does not
        hold is refunded without it."""
        raw = self._raw(external_id)
        if refunds.is_made(raw, ref):
            return self._order(raw)
        note = refunds.marked(f"{ref}/return", reason)
        taken = self._returns.accept(external_id, known, ref, self._back(raw, line), note)
        if taken == line.quantity:
            return self._one(external_id)
        rest = line.model_copy(update={"quantity": line.quantity - taken})
        return self.refund_lines(external_id, [rest], reason, f"{ref}/rest" if taken else ref)

    def drop_return(self, external_id: str, ref: str) -> None:
        self._returns.drop(external_id, ref)

    def add_note(self, external_id: str, note: str) -> None:
        """Below what stands there already."""
        found = self._client.ask("order_note", 1, id=gid("Order", external_id)).get("order")
        if not isinstance(found, dict):
            no_order(external_id)
        before = text(found.get("note"))
        if note in before.split("\n"):
            return
        body = {"id": found["id"], "note": "\n".join(part for part in (before, note) if part)[-NOTE:]}
        refuse(self._client.tell("order_update", input=body, repeatable=True).get("orderUpdate"))

    # -- webhooks ---------------------------------------------------------------------------------------------

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        """Of an installed app Shopify itself keeps them (shopify.app.toml); ones made for this store alone would come
        twice, and are removed."""
        if self._client.is_installed:
            self.remove_webhooks(url)
            return WebhookAudit(active=len(hooks.TOPICS))
        if not secret:
            raise AskMerchant(
                "Enter the app's API secret key: Shopify signs its webhooks with it.", field="client_secret"
            )
        plan = hooks.plan(self._webhooks(), url)
        for number_ in plan.delete:
            self._delete_webhook(number_)
        for topic in plan.create:
            arguments = {"topic": hooks.enum(topic), "subscription": hooks.subscription(topic, url)}
            refuse(self._client.tell("webhook_create", repeatable=True, **arguments).get("webhookSubscriptionCreate"))
        return WebhookAudit(active=len(hooks.OF_A_STORE), mended=tuple(plan.mended))

    def remove_webhooks(self, url: str) -> int:
        ours = [str(hook["id"]) for hook in self._webhooks() if hooks.is_ours(hook, url)]
        for number_ in ours:
            self._delete_webhook(number_)
        return len(ours)

    def send_test_event(self, marker: str) -> SentEvent:
        raise AskMerchant(MANIFEST.cannot[Feature.TEST_EVENT])

    # -- inside -----------------------------------------------------------------------------------------------

    def _refuse_scopes(self, granted: Sequence[str]) -> None:
        wanted = [*scopes.SCOPES, *(scopes.OPTIONAL_SCOPES if self._settings.get("stock_writes") else ())]
        if lost := scopes.missing(granted, wanted):
            raise AskMerchant(scopes.lacking(lost), field="access_token")

    def _define_reference(self) -> None:
        """The unique field that orders carry; that it is there already is no fault."""
        definition = orders.REF_FIELD | {"name": "Marketplace order", "ownerType": "ORDER"}
        payload = self._client.tell("order_definition", definition=definition, repeatable=True)
        found = payload.get("metafieldDefinitionCreate")
        if "TAKEN" not in codes(found):
            refuse(found)

    def _is_there(self, payload: Json, ref: str) -> bool:
        """Whether it was refused because the store has it. By which field and words that is told stands nowhere."""
        told = any("metafields" in (error.get("field") or ()) for error in errors_of(payload))
        return told or self._find(ref) is not None

    def _find(self, ref: str) -> str | None:
        arguments = {"ref": ref, "query": f"source_identifier:{quoted(ref)}"}
        try:
            data = self._client.ask("order_find", 16, **arguments)
        except NotFound:  # the definition is gone: nothing can be found by it, and nothing be created without it
            self._define_reference()
            data = self._client.ask("order_find", 16, **arguments)
        known = data.get("orderByIdentifier")
        if isinstance(known, dict):
            return number(known.get("id"))
        rows = (row for row in nodes(data.get("orders")) if orders.marketplace_ref(row) == ref)
        return next((number(row.get("id")) for row in rows), None)

    def _newest(self) -> dict[str, str]:
        rows = nodes(self._client.ask("orders_newest", 2.0 + 2 * NEWEST, first=NEWEST).get("orders"))
        return {ref: number(row.get("id")) for row in rows if (ref := orders.marketplace_ref(row))}

    def _one(self, external_id: str) -> StoreOrder:
        found = self.fetch_orders([external_id])
        if not found:
            no_order(external_id)
        return found[0]

    def _raw(self, external_id: str) -> Json:
        rows = self._orders.read([external_id])
        if not rows:
            no_order(external_id)
        return rows[0]

    def _returned(self, raw: Json) -> Json:
        is_all = not self._settings.get("record_refunds")
        return self._returns.given_back(number(raw["id"]), orders.marketplace_ref(raw), all_of_them=is_all)

    def _back(self, raw: Json, line: RefundLine) -> Back:
        payment = self._payment(number(raw["id"])) if self._settings.get("record_refunds") else None
        place = self._return_location(raw) if line.restock else ""
        return Back(line.store_line_id, line.quantity, place, raw, payment)

    def _order(self, raw: Json) -> StoreOrder:
        return orders.order(raw, self._facts.shop.admin)

    def _payment(self, external_id: str) -> Json | None:
        found = self._client.ask("order_payments", 160, id=gid("Order", external_id)).get("order")
        return refunds.sale(table(found))

    def _return_location(self, raw: Json) -> str:
        """Where the goods came from, else the first location that sells."""
        places = [number(table(item.get("location")).get("id")) for item in raw.get("fulfillments") or ()]
        shop = self._facts.shop
        return next((place for place in (*places, *shop.chosen, *shop.places) if place), "")

    def _webhooks(self) -> list[Json]:
        def ask(cursor: str | None) -> Any:
            return self._client.ask("webhooks_list", 102, after=cursor).get("webhookSubscriptions")

        return walk(ask(None), ask)

    def _delete_webhook(self, number_: str) -> None:
        payload = self._client.tell("webhook_delete", id=number_, repeatable=True).get("webhookSubscriptionDelete")
        if not any("exist" in text(error.get("message")).lower() for error in errors_of(payload)):
            refuse(payload)


def quoted(value: str) -> str:
    """For a search: as one word, whatever is in it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
