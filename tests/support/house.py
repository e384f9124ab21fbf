"""What a merchant has: a store of any platform, an account at bol, and the bridge between them. All three are real
servers (both sandboxes, the bridge's own web app over its database), reached over real HTTP."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jwt
from sqlalchemy import select, update

from bridge import app
from bridge.db.tables import Connection, ModuleRow, Order, Poll, ReturnRow, Shop
from bridge.flows import admin
from bridge.flows.engine import Engine
from bridge.flows.watching import Watching
from bridge.ports.platform import StoreRehearsal
from bridge.web import create_web
from platform_adapters.magento.sandbox import create_sandbox as create_magento
from platform_adapters.shopify.sandbox import SANDBOX_CLIENT, SANDBOX_SECRET
from platform_adapters.shopify.sandbox import create_sandbox as create_shopify
from platform_adapters.woocommerce.rehearsal import WooRehearsal
from platform_adapters.woocommerce.sandbox import create_sandbox as create_woocommerce
from tests.support import magento, shopify, woocommerce
from tests.support.serve import serve
from tests.support.stack import CHANNEL_PACE, STORE_PACE, Stack, unlimited
from tests.support.world import ean

SHOPIFY_STORE = "sandbox.myshopify.com"

PRODUCTS_OF = "query($search: String!) { products(first: 50, query: $search) { nodes { id variants(first: 1) { nodes { sku } } } } }"
CHANGE = "mutation($product: ProductUpdateInput!) { productUpdate(product: $product) { product { id } } }"


class House(Stack):
    """``module``: the store has our plugin or module inside; a Shopify store can install us as an app."""

    def __init__(self, folder: Path, database_url: str, exits: ExitStack, platform: str, *, module: bool) -> None:
        self.platform, self.module = platform, module
        self.frame = ""
        super().__init__(folder, database_url, exits)
        self.hands = self._hands()
        exits.enter_context(serve(create_web(self.engine, self.config), self.port))

    # beginning
    def _open_store(self, exits: ExitStack) -> Any:
        made: dict[str, Callable[[], Any]] = {
            "woocommerce": lambda: create_woocommerce(None, delay=0.05, module=self.module),
            "magento": lambda: create_magento(None, module=self.module),
            "shopify": lambda: create_shopify(None, retry=3600, domain=SHOPIFY_STORE),
        }
        url = exits.enter_context(serve(made[self.platform]()))
        kinds = {"woocommerce": woocommerce.Store, "magento": magento.Store, "shopify": shopify.Shop}
        store = kinds[self.platform](url)
        if self.platform == "shopify":
            store.control("install")  # Shopify's half of it; ours is the first visit
        return store

    def _more(self) -> dict[str, Any]:
        if self.platform != "shopify":
            return {}
        return {"shopify_client_id": SANDBOX_CLIENT, "shopify_client_secret": SANDBOX_SECRET}

    def new_engine(self) -> Engine:
        wire = Renamed(SHOPIFY_STORE, self.store.url) if self.platform == "shopify" else None
        return app.bootstrap(self.config, registry=unlimited(), clock=self.clock, ring=self.rung.update, wire=wire)

    def _hands(self) -> StoreRehearsal:
        """The merchant's own in the store, beside the bridge."""
        match self.platform:
            case "magento":
                return magento.Account(self.store).hands
            case "shopify":
                return shopify.Account(self.store).hands
            case _:
                return WooRehearsal(woocommerce.Account(self.store).connection)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # connecting
    @property
    def installs(self) -> bool:
        """Whether the store connects itself, and no form is filled in for it."""
        return self.module or self.platform == "shopify"

    def install(self) -> None:
        """One click in the store: the plugin or module connects itself, the app is installed at its first visit."""
        if self.module:
            told = self.store.control("module/connect", bridge=self.address)
            assert told["status"] == 200, told
        else:
            query = {"shop": SHOPIFY_STORE, "host": "aG9zdA", "embedded": "1", "id_token": session_token()}
            answer = httpx.get(f"{self.address}/apps/shopify/", params=query, timeout=60, trust_env=False)
            assert answer.status_code == 200, answer.text
        self.moved_in()

    def moved_in(self) -> None:
        """The store has connected itself, as a shop of its own."""
        with self.engine.db.read(None) as session:
            row = session.scalars(select(Connection).where(Connection.role == "platform")).one()
            shop = session.get_one(Shop, row.shop_id)
            self.shop, self.store_id = admin.Named.of(shop), row.id
        self._hurry()

    def _hurry(self) -> None:
        """The store is asked as often as in the other tests."""
        with self.engine.db.write(self.shop.id) as session:
            for flow, key in (("poll.products", "poll_products"), ("poll.store_orders", "poll_store_orders")):
                session.execute(update(Poll).where(Poll.flow == flow).values(every=STORE_PACE[key]))

    def attach(self) -> House:
        """Store and marketplace are connected and live, by no page."""
        if self.installs:
            self.install()
        else:
            self.store_id = self._connect("platform", self.platform, self.store.url, STORE_PACE)
        self.channel_id = self.sell_at("bol", str(self.bol.http.base_url))
        return self

    def sell_at(self, name: str, url: str) -> int:
        """On this marketplace, too, whose sandbox is at ``url`` (by the name localhost); its number here."""
        return self._connect("channel", name, url, CHANNEL_PACE)

    def _connect(self, role: str, name: str, url: str, pace: dict[str, int]) -> int:
        adapter = (self.engine.platforms if role == "platform" else self.engine.channels)[name]
        credentials, urls = admin.sandbox_place(adapter, url)
        return admin.connect(self.engine, self.shop.id, role, name, None, credentials, pace, urls).id

    # what is there
    def goods(self, **stock: int) -> None:
        """Products of the store at 20.00, each with an EAN of its own."""
        for sku, units in stock.items():
            self.hands.create_product(sku, self.ean(sku), f"Product {sku}", "20.00", units)

    def sort(self, sku: str, *path: str) -> None:
        """The merchant puts a product into a category of the store, or of Shopify into a product type."""
        if self.platform == "woocommerce":
            [product] = self.store.get("products", sku=sku)
            self.store.put(f"products/{product['id']}", {"categories": [{"id": self._category(path)}]})
            return
        if self.platform == "magento":
            number = self.store.control("category", path=path)["id"]
            links = {"category_links": [{"position": 0, "category_id": str(number)}]}
            self.store.control("product", product={"sku": sku, "extension_attributes": links})
            return
        found = self.store.graphql(PRODUCTS_OF, search=f"sku:{sku}").json()["data"]["products"]["nodes"]
        [product] = [row["id"] for row in found if row["variants"]["nodes"][0]["sku"] == sku]
        change = {"id": product, "productType": " > ".join(path)}
        assert self.store.graphql(CHANGE, product=change).json()["data"]["productUpdate"]["product"]

    def _category(self, path: Sequence[str]) -> int:
        """Of WooCommerce; made with all above it where it is not there yet."""
        above = self._category(path[:-1]) if len(path) > 1 else 0
        known = self.store.get("products/categories", per_page=100)
        here: list[int] = [item["id"] for item in known if (item["name"], item["parent"]) == (path[-1], above)]
        return (
            here[0] if here else int(self.store.post("products/categories", {"name": path[-1], "parent": above})["id"])
        )

    @staticmethod
    def ean(sku: str) -> str:
        return ean(1000 + sum(ord(letter) * place for place, letter in enumerate(sku, 1)))

    def orders_of(self, order_id: str) -> list[dict[str, Any]]:
        return [order for order in self.store.look("orders") if order_id in json.dumps(order)]

    def order(self, order_id: str) -> Order:
        found: Order = self.rows(Order, Order.external_id == order_id)[0]
        return found

    def returned(self, return_id: str) -> ReturnRow:
        found: ReturnRow = self.rows(ReturnRow, ReturnRow.external_id.contains(return_id))[0]
        return found

    def connection(self, role: str) -> Connection:
        found: Connection = self.rows(Connection, Connection.role == role)[0]
        return found

    def secret(self) -> str:
        """That the module in the store shares with the bridge."""
        return str(self.rows(ModuleRow)[0].secrets[0])

    def store_away(self) -> None:
        """It answers everything with 503 from now on."""
        self.store.fault("error", times=None, status=503)

    def store_back(self) -> None:
        httpx.delete(f"{self.store.url}/_sandbox/faults", timeout=30, trust_env=False).raise_for_status()

    def watch(self, rounds: int = 3) -> None:
        """Time passes, and the watch looks, as it does beside the scheduler in production."""
        for _ in range(rounds):
            self.settle(60, step=30)
            Watching(self.engine).look()
        self.settle(20)

    def sent(self) -> list[str]:
        """What the marketplace was asked that changes anything there."""
        quiet = ("token", "export", "process-status")
        return [
            f"{item['method']} {item['path']}"
            for item in self.bol.control("GET", "requests?since=0")
            if item["method"] != "GET" and not any(word in item["path"] for word in quiet)
        ]


def session_token(store: str = SHOPIFY_STORE, **claims: Any) -> str:
    """As App Bridge gets it, good for a minute of the real time."""
    now = int(time.time())
    told = {"iss": f"https://{store}/admin", "dest": f"https://{store}", "aud": SANDBOX_CLIENT, "sub": "42", "exp": now + 60,
            "nbf": now - 5, "iat": now - 5, "jti": secrets.token_hex(8), "sid": "b", **claims}  # fmt: skip
    return jwt.encode(told, SANDBOX_SECRET, algorithm="HS256")


class Renamed(httpx.BaseTransport):
    """The network, in which one host stands at another address."""

    def __init__(self, host: str, address: str) -> None:
        self._host, self._target, self._wire = host, httpx.URL(address), httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == self._host:
            request.headers["Host"] = self._host
            target = {"scheme": "http", "host": self._target.host, "port": self._target.port}
            request.url = request.url.copy_with(**target)
        return self._wire.handle_request(request)

    def close(self) -> None:
        self._wire.close()
