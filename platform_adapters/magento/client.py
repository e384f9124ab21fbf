"""The store's REST API over the wire: keys, signatures, endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from bridge.domain.reading import amount
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, RetryLater
from bridge.ports.http import Response
from platform_adapters.magento.criteria import Filter, Group, after, search
from platform_adapters.magento.oauth import Keys, has_own_port, signer
from platform_adapters.magento.reading import Json, dicts, number, table, text
from platform_adapters.magento.refusals import ERRORS, MODULE_ERRORS, NO_ROUTE, SIGNATURE, WrongSignature, describe

PAGE = 100
LONG = 300  # the most that a store takes which limits its pages
PAGES = 200
UNAUTHORISED = 401
OAUTH = ("consumer_key", "consumer_secret", "access_token_secret")


class Listing(NamedTuple):
    """One page. ``total`` over all pages."""

    rows: list[Json]
    total: int


class MagentoClient:
    """One method per endpoint. What is read is read in the scope of a store view, what is written is for all."""

    def __init__(self, connection: Connection) -> None:
        self._transport = connection.transport
        self._clock = connection.clock
        given = {name: value.strip() for name, value in connection.credentials.items() if value}
        self.url = given["url"].rstrip("/").removesuffix("/rest")
        self._token = given.get("access_token", "")
        missing = [name for name in OAUTH if not given.get(name)]
        if 0 < len(missing) < len(OAUTH):
            raise AskMerchant("All four values of the integration are needed, or the token alone.", field=missing[0])
        if not self._token:
            raise AskMerchant("The access token of the integration is missing.", field="access_token")
        self._ported = True
        self._keys = None if missing else Keys(given[OAUTH[0]], given[OAUTH[1]], self._token, given[OAUTH[2]])

    # -- the store --------------------------------------------------------------------------------------------

    def store_configs(self) -> list[Json]:
        return dicts(self._get("store/storeConfigs", "store.configs").json)

    def store_views(self) -> list[Json]:
        return dicts(self._get("store/storeViews", "store.views").json)

    def websites(self) -> list[Json]:
        return dicts(self._get("store/websites", "store.websites").json)

    def currency(self, scope: str = "all") -> Json:
        """The base currency of a scope, and the rates from it to the currencies that are allowed there, 0 where the
        store has none. ``store/storeConfigs`` has the website's setting for the first, which counts for nothing where
        prices are the same in all websites (Magento's ``Store::getBaseCurrencyCode``; measured on Mage-OS 1.2.0)."""
        return _table(self._get("directory/currency", "store.currency", scope=scope))

    def modules(self) -> list[str]:
        """Names of the modules that are switched on; empty where they may not be seen."""
        answer = self._get("modules", "store.modules", "searchCriteria%5BpageSize%5D=1000", allow=(401, 403))
        found = answer.json if answer.ok else []
        rows = found.get("items") if isinstance(found, dict) else found
        return [text(name) for name in rows] if isinstance(rows, list) else []

    def tax_classes(self) -> list[Json]:
        return self.page("taxClasses/search", "taxes.classes").rows

    def categories(self) -> Json:
        return _table(self._get("categories", "categories.tree"))

    def attributes(self, scope: str) -> list[Json]:
        """Attributes with a list of values, with the labels of this store view."""
        kinds = (Filter("frontend_input", "in", "select,multiselect"),)
        fields = "items[attribute_id,attribute_code,default_frontend_label,frontend_input,options],total_count"
        return self._by_page(PAGE, "products/attributes", "attributes.list", kinds, fields=fields, scope=scope)

    def attribute_sets(self) -> list[Json]:
        return self._by_page(PAGE, "products/attribute-sets/sets/list", "attributes.sets")

    def attributes_of_set(self, set_id: int) -> list[Json]:
        """All of them, with their values, whether a product needs one, and which kinds of product: the set's own list
        (``attribute-sets/{id}/attributes``) leaves the kinds out (measured on 2.4.7-p7 and 2.4.8-p2)."""
        of_set = (Filter("attribute_set_id", "eq", str(set_id)),)
        return self._by_page(PAGE, "products/attributes", "attributes.list", of_set)

    # -- stock ------------------------------------------------------------------------------------------------

    def stock_of_website(self, website: str) -> int | None:
        """The id of the stock a website sells from; None without Multi Source Inventory, which has no such route.
        Raises AskMerchant where it sells from none."""
        path = f"inventory/stock-resolver/website/{quote(website, safe='')}"
        answer = self._get(path, "inventory.resolver", allow=(404,))
        if answer.ok:
            found = number(_table(answer).get("stock_id"))
            if not found:
                raise _unexpected(answer.json)
            return found
        if not text(table(answer.json).get("message")).startswith(NO_ROUTE):
            advice = "Assign it one in Magento (Stores, Inventory, Stocks)."
            raise AskMerchant(f"Magento: the website {website} sells from no stock. {advice}", field="store_view")
        return None

    def sources(self) -> list[Json]:
        return self.page("inventory/sources", "inventory.sources").rows

    def source_links(self, stock_id: int) -> list[Json]:
        links = (Filter("stock_id", "eq", str(stock_id)),)
        return self.page("inventory/stock-source-links", "inventory.links", links).rows

    def source_items(self, *groups: Group) -> list[Json]:
        fields = "items[sku,source_code,quantity,status],total_count"
        return self._by_page(LONG, "inventory/source-items", "inventory.items", *groups, fields=fields)

    def write_source_items(self, rows: list[Json]) -> None:
        """Absolute. An unknown SKU is taken without a word, so it has to be written exactly as the store has it."""
        body = {"sourceItems": rows}
        self._send("POST", "inventory/source-items", "inventory.write", body, idempotent=True)

    def salable(self, sku: str, stock_id: int) -> Any:
        path = f"inventory/get-product-salable-quantity/{quote(sku, safe='')}/{stock_id}"
        answer = self._get(path, "inventory.salable", allow=(400, 404))
        if answer.ok and amount(answer.json) is None:
            raise _unexpected(answer.json)
        return answer.json if answer.ok else None

    def salable_export(self, website: str, group: Group) -> list[Json] | None:
        """Salable quantities of many; None where the store has no such list."""
        path = f"inventory/export-stock-salable-qty/website/{quote(website, safe='')}"
        answer = self._get(path, "inventory.export", search(group, size=PAGE), allow=(400, 404))
        return dicts(answer.json.get("items")) if answer.ok and isinstance(answer.json, dict) else None

    def stock_item(self, sku: str) -> Json:
        """Empty where the product has none."""
        answer = self._get(f"stockItems/{quote(sku, safe='')}", "stock.item", allow=(404,))
        return _table(answer) if answer.ok else {}

    def write_stock_item(self, sku: str, item_id: int, body: Json) -> None:
        path = f"products/{quote(sku, safe='')}/stockItems/{item_id}"
        self._send("PUT", path, "stock.write", {"stockItem": body})

    # -- the catalogue ----------------------------------------------------------------------------------------

    def products(self, *groups: Group, scope: str, fields: str = "") -> Listing:
        return self.page("products", "products.list", *groups, sort="entity_id", fields=fields, scope=scope)

    def save_product(self, body: Json) -> Json:
        """Creates it, or changes the one of this SKU; for all store views."""
        return _table(self._send("POST", "products", "products.save", {"product": body}, idempotent=True))

    def delete_product(self, sku: str) -> None:
        self._send("DELETE", f"products/{quote(sku, safe='')}", "products.delete")

    # -- orders -----------------------------------------------------------------------------------------------

    def orders(self, *groups: Group, fields: str = "", size: int = PAGE) -> Listing:
        return self.page("orders", "orders.list", *groups, sort="entity_id", fields=fields, size=size)

    def order_items(self, *groups: Group, fields: str) -> list[Json]:
        """Can be many: every line of every order of ours, once a day."""
        return self._all("orders/items", "orders.items", "item_id", groups, fields, most=100 * PAGES)

    def shipments(self, *groups: Group, fields: str = "") -> list[Json]:
        return self._all("shipments", "shipments.list", "entity_id", groups, fields)

    def credit_memos(self, *groups: Group, fields: str = "") -> list[Json]:
        return self._all("creditmemos", "creditmemos.list", "entity_id", groups, fields)

    def prove_writing(self) -> None:
        """Of an order that there is not: refused for that, or for the permission. Changes nothing."""
        for path, operation, body in (
            ("orders/0/cancel", "orders.cancel", None),
            ("order/0/invoice", "orders.invoice", {"capture": False, "notify": False}),
            ("order/0/refund", "orders.refund", {"notify": False}),
        ):
            self._send("POST", path, operation, body, idempotent=True, allow=(400, 404))

    def order(self, order_id: str) -> Json:
        answer = self._get(f"orders/{number(order_id)}", "orders.get")
        if not table(answer.json).get("entity_id"):
            raise _unexpected(answer.json)
        return _table(answer)

    def save_order(self, entity: Json) -> Json:
        """Nothing is checked by the store. Only its number (increment_id) keeps an order from being made twice."""
        return _table(self._send("POST", "orders", "orders.create", {"entity": entity}))

    def cancel_order(self, order_id: str) -> bool:
        """False when the store did nothing."""
        answer = self._send("POST", f"orders/{number(order_id)}/cancel", "orders.cancel", idempotent=True)
        return answer.json is True

    def comment(self, order_id: str, words: str) -> None:
        body = {"comment": words, "is_customer_notified": 0, "is_visible_on_front": 0, "parent_id": number(order_id)}
        self._send("POST", f"orders/{number(order_id)}/comments", "orders.comment", {"statusHistory": body})

    def invoice(self, order_id: str) -> bool:
        """Whether it was made now; the store refuses a second one."""
        body = {"capture": True, "notify": False}
        path = f"order/{number(order_id)}/invoice"
        return self._send("POST", path, "orders.invoice", body, idempotent=True, allow=(400,)).ok

    def ship(self, order_id: str, body: Json) -> None:
        self._send("POST", f"order/{number(order_id)}/ship", "orders.ship", body)

    def add_track(self, entity: Json) -> None:
        """A tracking number for a shipment that is there."""
        self._send("POST", "shipment/track", "shipments.track", {"entity": entity})

    def refund(self, order_id: str, body: Json) -> None:
        self._send("POST", f"order/{number(order_id)}/refund", "orders.refund", body)

    # -- the module, where it is installed --------------------------------------------------------------------

    def module_health(self) -> Json | None:
        """None where there is no module, or where the integration may not speak to it."""
        answer = self._get("storebridge/health", "module.health", allow=(401, 403, 404))
        return _single(answer) if answer.ok else None

    def module_test(self, marker: str) -> Json | None:
        """{connected, trouble}; None where there is no module, or none that knows of it."""
        how = {"errors": MODULE_ERRORS, "allow": (401, 403, 404), "write": False}
        answer = self._send("POST", "storebridge/test", "module.test", {"marker": marker}, **how)
        return _single(answer) if answer.ok else None

    def module_order(self, order: Json) -> Json:
        """Placed once, however often it is asked for: {order_id, increment_id, created}."""
        body = {"order": order}
        return _single(self._send("POST", "storebridge/orders", "module.order", body, errors=MODULE_ERRORS))

    def module_orders(self, refs: Sequence[Json]) -> list[Json]:
        """``refs`` as {channel, external_id}; of those that are there, with their order_id."""
        return self._asked("storebridge/orders/find", "module.find", {"refs": list(refs)})

    def module_salable(self, skus: Sequence[str], website: str) -> list[Json]:
        """{sku, qty, managed, backorders, salable}; of products that are not in the website's stock, nothing."""
        return self._asked("storebridge/salable", "module.salable", {"skus": list(skus), "website": website})

    # -- inside -----------------------------------------------------------------------------------------------

    def page(
        self,
        path: str,
        operation: str,
        *groups: Group,
        size: int = PAGE,
        sort: str = "",
        fields: str = "",
        page: int = 1,
        scope: str = "all",
    ) -> Listing:
        asked = search(*groups, size=size, sort=sort, fields=fields, page=page)
        return _listing(self._get(path, operation, asked, scope=scope))

    def _by_page(self, size: int, path: str, operation: str, *groups: Group, **options: Any) -> list[Json]:
        """Every row of a list that has no key. How many there are in all is told wrongly at times, and past the end
        several lists give their last page again."""
        rows: list[Json] = []
        before: list[Json] = []
        for number_ in range(1, PAGES):
            here = self.page(path, operation, *groups, size=size, page=number_, **options).rows
            if here == before:
                return rows
            rows += here
            if len(here) < size:
                return rows
            before = here
        raise stuck(path)

    def _all(
        self, path: str, operation: str, key: str, groups: Sequence[Group], fields: str, most: int = PAGES
    ) -> list[Json]:
        """Every row, page after page by its key. Raises RetryLater when the list does not move on."""
        wanted, size = (f"items[{fields}],total_count", LONG) if fields else ("", PAGE)
        rows: list[Json] = []
        for _ in range(most):
            last = number(rows[-1].get(key)) if rows else 0
            ahead = (after(key, last),) if last else ()
            here = self.page(path, operation, *groups, *ahead, sort=key, fields=wanted, size=size).rows
            if here and number(here[0].get(key)) <= last:
                raise stuck(path)
            rows += here
            if len(here) < size:
                return rows
        raise stuck(path)

    def _get(
        self, path: str, operation: str, asked: str = "", *, scope: str = "all", allow: Collection[int] = ()
    ) -> Response:
        return self._call("GET", path, operation, asked=asked, scope=scope, allow=allow)

    def _asked(self, path: str, operation: str, body: Json) -> list[Json]:
        """A question to the module that is too long for an address."""
        options: Json = {"write": False, "idempotent": True, "errors": MODULE_ERRORS}
        return dicts(self._send("POST", path, operation, body, **options).json)

    def _send(self, method: str, path: str, operation: str, body: Json | None = None, **options: Any) -> Response:
        return self._call(method, path, operation, json=body, **options)

    def _call(
        self, method: str, path: str, operation: str, *, asked: str = "", scope: str = "all", **options: Any
    ) -> Response:
        url = f"{self.url}/rest/{quote(scope, safe='')}/V1/{path}" + (f"?{asked}" if asked else "")
        options.setdefault("errors", ERRORS)
        call = partial(self._transport.request, method, url, operation=operation, **options)
        ported = self._ported
        try:
            return self._signed(call, ported=ported)
        except WrongSignature:
            if not has_own_port(url):
                raise
            answer = self._signed(call, ported=not ported)
            self._ported = not ported
            return answer

    def _signed(self, call: Callable[..., Response], *, ported: bool) -> Response:
        auth = self._bear if self._keys is None else signer(self._keys, self._clock, ported=ported)
        answer = call(auth=auth)
        if answer.status == UNAUTHORISED and describe(answer).code == "signature":  # a status that is allowed
            raise WrongSignature(SIGNATURE)
        return answer

    def _bear(self, request: httpx.Request) -> None:
        request.headers["Authorization"] = f"Bearer {self._token}"


def stuck(what: str) -> RetryLater:
    return RetryLater("The store's list never ends; it is read again later.", developer=f"{what} repeats itself")


def _listing(answer: Response) -> Listing:
    """Past the end, ``items`` is null where fields were chosen."""
    body = answer.json
    if not isinstance(body, dict) or not isinstance(body.get("items", ""), list | None):
        raise _unexpected(body)
    return Listing(dicts(body.get("items")), number(body.get("total_count")))


def _table(answer: Response) -> Json:
    if not isinstance(answer.json, dict):
        raise _unexpected(answer.json)
    return answer.json


def _single(answer: Response) -> Json:
    """Of the module: Magento's REST loses the names of a table that a service answers with, so that it stands in a list
    (Magento\\Framework\\Webapi\\ServiceOutputProcessor)."""
    rows = dicts(answer.json)
    if not rows:
        raise _unexpected(answer.json)
    return rows[0]


def _unexpected(body: Any) -> RetryLater:
    shape = sorted(body) if isinstance(body, dict) else type(body).__name__
    return RetryLater("The store answered with something unexpected; it is asked again.", developer=str(shape)[:500])
