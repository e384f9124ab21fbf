"""The schema this store serves, and what each root field does. Types and arguments are Shopify's own (schema.graphql);
fields below the roots are those of the values in views.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, value_from_ast_untyped

from platform_adapters.shopify.sandbox.bulk import Bulk
from platform_adapters.shopify.sandbox.orders import Orders
from platform_adapters.shopify.sandbox.paging import Info, connection
from platform_adapters.shopify.sandbox.products import Products
from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.return_views import ReturnViews, may_read
from platform_adapters.shopify.sandbox.returns import Returns
from platform_adapters.shopify.sandbox.search import BadQuery, matcher
from platform_adapters.shopify.sandbox.store import Doc, Store, gid, number
from platform_adapters.shopify.sandbox.views import Views, by_id
from platform_adapters.shopify.sandbox.webhooks import Webhooks

# Since 2026-04 without the directive: an error (the schema's own descriptions of these mutations).
MUST_BE_IDEMPOTENT = ("inventorySetQuantities", "refundCreate")
NEEDS = {
    "inventorySetQuantities": "write_inventory",
    "orderCreate": "write_orders",
    "orderCancel": "write_orders",
    "orderUpdate": "write_orders",
    "orderClose": "write_orders",
    "orderDelete": "write_orders",
    "refundCreate": "write_orders",
    "productSet": "write_products",
    "productUpdate": "write_products",
    "productDelete": "write_products",
    "fulfillmentCreate": "write_merchant_managed_fulfillment_orders",
    "fulfillmentTrackingInfoUpdate": "write_merchant_managed_fulfillment_orders",
    "returnCreate": "write_returns",
    "returnProcess": "write_returns",
    "returnClose": "write_returns",
    "returnReopen": "write_returns",
    "returnCancel": "write_returns",
    "returnApproveRequest": "write_returns",
    "removeFromReturn": "write_returns",
}


@dataclass
class Context:
    """What a request brings along. ``bulk``: it runs as an export; ``empty``: lists answer as if nothing were there;
    ``stuck``: their first page comes again and again."""

    scopes: tuple[str, ...]
    variables: Doc = field(default_factory=dict)
    bulk: bool = False
    empty: bool = False
    stuck: bool = False


@cache
def official() -> GraphQLSchema:
    return build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"), assume_valid=True)


class Root:
    """The root value: a method for each root field of a query and of a mutation."""

    def __init__(
        self, store: Store, views: Views, orders: Orders, products: Products, webhooks: Webhooks, bulk: Bulk
    ) -> None:
        self.store = store
        self.views = views
        self.changes = orders
        self.back = Returns(store, orders)
        self.back_views = ReturnViews(views)
        setattr(self, "return", self._return)  # a word of Python
        self.goods = products
        self.hooks = webhooks
        self.exports = bulk

    # -- questions --------------------------------------------------------------------------------------------

    def shop(self, info: Info) -> Doc:
        options = self.store.options
        show: Doc = {
            "id": gid("Shop", 1),
            "name": options.name,
            "myshopifyDomain": options.domain,
            "url": f"https://{options.domain}",
        }
        show |= {
            "currencyCode": options.currency,
            "ianaTimezone": options.timezone,
            "taxesIncluded": options.taxes_included,
        }
        return show | {"plan": {"publicDisplayName": "Basic", "partnerDevelopment": options.development}}

    def currentAppInstallation(self, info: Info) -> Doc:  # noqa: N802 - Shopify's name
        return {"id": gid("AppInstallation", 1), "accessScopes": [{"handle": name} for name in info.context.scopes]}

    def locations(self, info: Info, **args: Any) -> Doc:
        rows = [{"id": place.id} for place in self.store.options.locations]
        return connection(info, rows, lambda row: self.views.location_of(row["id"]), by_id, args)

    def products(self, info: Info, **args: Any) -> Doc:
        fields = {
            "updated_at": lambda doc: doc["updated"],
            "tag": lambda doc: doc["tags"],
            "sku": lambda doc: [variant["sku"] for variant in doc["variants"]],
            "status": lambda doc: doc["status"],
        }
        key = _sorting(args, {"UPDATED_AT": "updated", "CREATED_AT": "created"})
        return connection(info, self._found(info, "products", args, fields), self.views.product, key, args)

    def productsCount(self, info: Info, **args: Any) -> Doc:  # noqa: N802 - Shopify's name
        return {"count": len(self.store.all("products"))}

    def productVariants(self, info: Info, **args: Any) -> Doc:  # noqa: N802 - Shopify's name
        rows = [{"id": variant["id"], "of": product, "is": variant} for product, variant in self._variants(info)]
        return connection(info, rows, lambda row: self.views.variant(row["of"], row["is"]), by_id, args)

    def product(self, info: Info, id: str) -> Doc | None:  # noqa: A002 - Shopify's name
        found = self.store.get("products", number(id))
        return self.views.product(found) if found else None

    def productVariant(self, info: Info, id: str) -> Doc | None:  # noqa: A002, N802 - Shopify's name
        found = self.store.variant(number(id))
        return self.views.variant(*found) if found else None

    def inventoryItem(self, info: Info, id: str) -> Doc | None:  # noqa: A002, N802 - Shopify's name
        found = self.store.item(number(id))
        return self.views.item(found[1]) if found else None

    def orders(self, info: Info, **args: Any) -> Doc:
        fields = {
            "updated_at": lambda doc: doc["updated"],
            "tag": lambda doc: doc["tags"],
            "source_identifier": lambda doc: doc["sourceIdentifier"],
        }
        key = _sorting(args, {"UPDATED_AT": "updated", "CREATED_AT": "created"})
        return connection(info, self._found(info, "orders", args, fields), self._order, key, args)

    def order(self, info: Info, id: str) -> Doc | None:  # noqa: A002 - Shopify's name
        found = self.store.get("orders", number(id))
        return self._order(found) if found else None

    def orderByIdentifier(self, info: Info, identifier: Doc) -> Doc | None:  # noqa: N802 - Shopify's name
        """Not the search: what was written is found at once."""
        wanted = identifier.get("customId")
        if wanted is None:
            return self.order(info, identifier["id"])
        if self.store.docs.get("definitions", f"ORDER/{wanted.get('namespace', '$app')}/{wanted['key']}") is None:
            raise GraphQLError("Metafield definition of type 'id' is required when using custom ids.")
        rows = (doc for doc in self.store.all("orders") if doc["metafields"].get(wanted["key"]) == wanted["value"])
        found = next(rows, None)
        return self._order(found) if found and not info.context.empty else None

    def nodes(self, info: Info, ids: list[str]) -> list[Doc | None]:
        return [self._node(info, key) for key in ids]

    def webhookSubscriptions(self, info: Info, **args: Any) -> Doc:  # noqa: N802 - Shopify's name
        return connection(info, self.store.all("webhooks"), self.hooks.view, by_id, args)

    def bulkOperation(self, info: Info, id: str) -> Doc | None:  # noqa: A002, N802 - Shopify's name
        return self.exports.view(number(id))

    def bulkOperations(self, info: Info, **args: Any) -> Doc:  # noqa: N802 - Shopify's name
        fields = {"created_at": lambda doc: doc["created"], "operation_type": lambda doc: "query"}
        rows = self._found(info, "bulk", args, fields)
        return connection(
            info, rows, lambda doc: self.exports.view(doc["id"]), _sorting(args, {"CREATED_AT": "created"}), args
        )

    def returnableFulfillments(self, info: Info, orderId: str, **args: Any) -> Doc:  # noqa: N802, N803
        return self.back_views.returnable(self.changes.find(orderId), info, args)

    def returnableFulfillment(self, info: Info, id: str) -> Doc | None:  # noqa: A002, N802 - Shopify's name
        may_read(info, "returnableFulfillment")
        return self._within("fulfillments", id, self.back_views.parcel)

    def returnReasonDefinitions(  # noqa: N802 - Shopify's name
        self, info: Info, handles: list[str] | None = None, **args: Any
    ) -> Doc:
        return self.back_views.reasons(info, handles, args)

    def reverseFulfillmentOrder(self, info: Info, id: str) -> Doc | None:  # noqa: A002, N802 - Shopify's name
        may_read(info, "reverseFulfillmentOrder")
        return self._within("returns", id, self.back_views.shelf)

    # -- changes ----------------------------------------------------------------------------------------------

    def orderCreate(self, info: Info, order: Doc, options: Doc | None = None) -> Doc:  # noqa: N802
        return self._change(info, lambda: {"order": self._order(self.changes.create(order, options or {}))})

    def orderCancel(self, info: Info, **given: Any) -> Doc:  # noqa: N802 - Shopify's name
        return self._change(
            info,
            lambda: {"job": self.changes.cancel(self.changes.find(given["orderId"], "orderId"), given)},
            "orderCancelUserErrors",
        )

    def orderUpdate(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        def act() -> Doc:
            found = self.changes.find(input["id"])
            found |= {name: input[name] for name in ("note", "tags") if name in input}
            self.store.save_order(found)
            return {"order": self._order(found)}

        return self._change(info, act)

    def orderClose(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._change(info, lambda: {"order": self._order(self.changes.close(input["id"]))})

    def orderDelete(self, info: Info, orderId: str) -> Doc:  # noqa: N802, N803 - Shopify's names
        def act() -> Doc:
            self.changes.delete(orderId)
            return {"deletedId": orderId}

        return self._change(info, act)

    def refundCreate(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._once(info, input, lambda: {"refund": {"id": gid("Refund", self.changes.refund(input)["id"])}})

    def returnCreate(self, info: Info, returnInput: Doc) -> Doc:  # noqa: N802, N803 - Shopify's names
        return self._returned(info, lambda: self.back.create(returnInput))

    def returnProcess(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._returned(info, lambda: self.back.process(input))

    def returnApproveRequest(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._returned(info, lambda: self.back.approve(input))

    def returnClose(self, info: Info, id: str) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._returned(info, lambda: self.back.close(id))

    def returnReopen(self, info: Info, id: str) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._returned(info, lambda: self.back.reopen(id))

    def returnCancel(self, info: Info, id: str, **_: Any) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._returned(info, lambda: self.back.cancel(id))

    def removeFromReturn(self, info: Info, returnId: str, **given: Any) -> Doc:  # noqa: N802, N803 - Shopify's names
        return self._returned(info, lambda: self.back.remove(returnId, given.get("returnLineItems") or []))

    def fulfillmentCreate(self, info: Info, fulfillment: Doc, message: str | None = None) -> Doc:  # noqa: N802
        return self._change(
            info, lambda: {"fulfillment": {"id": gid("Fulfillment", self.changes.fulfil(fulfillment)["id"])}}
        )

    def fulfillmentTrackingInfoUpdate(self, info: Info, fulfillmentId: str, **given: Any) -> Doc:  # noqa: N802, N803
        def act() -> Doc:
            return {"fulfillment": {"id": gid("Fulfillment", self.changes.track(fulfillmentId, given)["id"])}}

        return self._change(info, act)

    def inventorySetQuantities(self, info: Info, input: Doc) -> Doc:  # noqa: A002, N802 - Shopify's name
        if any("changeFromQuantity" not in row for row in input["quantities"]):
            raise GraphQLError("The changeFromQuantity argument is required", extensions={"code": "BAD_REQUEST"})

        def act() -> Doc:
            self.goods.set_quantities(input)
            return {
                "inventoryAdjustmentGroup": {"id": gid("InventoryAdjustmentGroup", self.store.next_id("adjustment"))}
            }

        return self._once(info, input, act)

    def productSet(self, info: Info, input: Doc, **_: Any) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._change(info, lambda: {"product": self.views.product(self.goods.set(input))})

    def productUpdate(self, info: Info, product: Doc, **_: Any) -> Doc:  # noqa: N802 - Shopify's name
        return self._change(info, lambda: {"product": self.views.product(self.goods.update(product))})

    def productDelete(self, info: Info, input: Doc, **_: Any) -> Doc:  # noqa: A002, N802 - Shopify's name
        return self._change(info, lambda: {"deletedProductId": self.goods.delete(input)})

    def metafieldDefinitionCreate(self, info: Info, definition: Doc) -> Doc:  # noqa: N802 - Shopify's name
        def act() -> Doc:
            key = f"{definition['ownerType']}/{definition.get('namespace') or '$app'}/{definition['key']}"
            if self.store.docs.get("definitions", key) is not None:
                text = "Key is in use for Order metafields on the '$app' namespace."
                raise Refusal(text, ["definition", "key"], "TAKEN")
            self.store.docs.put("definitions", key, {"type": definition["type"]})
            return {"createdDefinition": {"id": gid("MetafieldDefinition", self.store.next_id("definition"))}}

        return self._change(info, act)

    def webhookSubscriptionCreate(self, info: Info, topic: str, webhookSubscription: Doc) -> Doc:  # noqa: N802, N803
        return self._change(
            info, lambda: {"webhookSubscription": self.hooks.view(self.hooks.create(topic, webhookSubscription))}
        )

    def webhookSubscriptionDelete(self, info: Info, id: str) -> Doc:  # noqa: A002, N802 - Shopify's name
        def act() -> Doc:
            self.hooks.delete(number(id))
            return {"deletedWebhookSubscriptionId": id}

        return self._change(info, act)

    def bulkOperationRunQuery(self, info: Info, query: str, **_: Any) -> Doc:  # noqa: N802 - Shopify's name
        return self._change(info, lambda: {"bulkOperation": self.exports.run(query, info.context.scopes)})

    # -- inside -----------------------------------------------------------------------------------------------

    def _order(self, doc: Doc) -> Doc:
        self.changes.settle(doc)
        return self.views.order(doc) | self.back_views.of_order(doc)

    def _variants(self, info: Info) -> list[tuple[Doc, Doc]]:
        if info.context.empty:
            return []
        return [(product, variant) for product in self.store.all("products") for variant in product["variants"]]

    def _found(self, info: Info, kind: str, args: Doc, fields: dict[str, Callable[[Doc], Any]]) -> list[Doc]:
        """With a filter it is the search that answers, which runs behind by ``search_lag``."""
        if info.context.empty:
            return []
        try:
            fits = matcher(args.get("query"), fields)
        except BadQuery as error:
            raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from error
        seen = self.store.now() - self.store.options.search_lag if args.get("query") and kind != "bulk" else None
        rows = self.store.all(kind)
        return [doc for doc in rows if fits(doc) and (seen is None or doc.get("updated", 0) <= seen)]

    def _node(self, info: Info, key: str) -> Doc | None:
        kind = key.split("/")[-2] if key.count("/") > 2 else ""
        match kind:
            case "Product":
                return self.product(info, key)
            case "Order":
                return self.order(info, key)
            case "Fulfillment":
                return self._within("fulfillments", key, self.views.fulfillment)
            case "Refund":
                return self._within("refunds", key, self.views.refund)
        raise GraphQLError(f"Invalid global id '{key}'")

    def _within(self, name: str, key: str, show: Callable[[Doc, Doc], Doc]) -> Doc | None:
        rows = (
            (order, item) for order in self.store.all("orders") for item in order[name] if item["id"] == number(key)
        )
        found = next(rows, None)
        return show(*found) if found else None

    def _return(self, info: Info, id: str) -> Doc | None:  # noqa: A002 - Shopify's name
        may_read(info, "return")
        return self._within("returns", id, self.back_views.whole)

    def _returned(self, info: Info, act: Callable[[], Doc]) -> Doc:
        def done() -> Doc:
            doc = act()
            return {"return": self.back_views.whole(self.changes.find(doc["order"]), doc)}

        return self._change(info, done)

    def _change(self, info: Info, act: Callable[[], Doc], errors: str = "userErrors") -> Doc:
        needed = NEEDS.get(info.field_name)
        if needed and needed not in info.context.scopes:
            text = f"Access denied for {info.field_name} field. Required access: `{needed}` access scope."
            raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})
        try:
            return {**act(), errors: []}
        except Refusal as refusal:
            return {errors: [refusal.row()]}

    def _once(self, info: Info, given: Doc, act: Callable[[], Doc]) -> Doc:
        """The same key again is answered as before, and nothing is done. A key is bound to what it came with."""
        key = _idempotency(info)
        name = f"{info.field_name} {key}"
        known = self.store.docs.get("idempotency", name)
        if known is None:
            answer = self._change(info, act)
            if not answer["userErrors"] and not self.store.dry:
                self.store.docs.put("idempotency", name, {"given": given, "answer": answer})
            return answer
        if known["given"] != given:
            text = "The idempotency key was used with other parameters."
            return {"userErrors": [Refusal(text, None, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH").row()]}
        answer = known["answer"]
        return dict(answer)


def _idempotency(info: Info) -> str:
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent":
            value = value_from_ast_untyped((directive.arguments or ())[0].value, info.context.variables)
            return str(value)
    text = f"The @idempotent directive is required for {info.field_name}."
    raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})


def _sorting(args: Doc, names: dict[str, str]) -> Callable[[Doc], tuple[Any, ...]]:
    name = names.get(str(args.get("sortKey")), "id")
    return (lambda doc: (doc["id"],)) if name == "id" else (lambda doc: (doc[name], doc["id"]))
