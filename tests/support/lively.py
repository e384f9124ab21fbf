"""A shop in which everything has happened that the pages show, and another shop that must see none of it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from bridge.db import crypto
from bridge.db.records import open_problem
from bridge.db.tables import Connection, Order, OrderLine, Problem, ReturnRow, Shop
from bridge.web import create_web
from tests.support.kept import Kept
from tests.support.world import World

TOKEN = "a-long-page-token"
HOST = "http://127.0.0.1:8000"
PLACES = ("", "orders", "orders?show=open", "orders?show=late&since=week&on=2", "problems?show=solved&since=week&on=2",
           "listings", "listings?state=blocked", "plans", "sku", "sku?sku=A", "problems",
          "problems?show=all", "returns", "returns?show=all", "alerts", "activity", "activity?show=exchanges", "activity?sku=A",
          "rules", "rule?of=connection:2&start=brand", "mapping", "mapping/attribute?name=@title", "categories", "checks", "links")  # fmt: skip
SETTING_PLACES = (
    "setup", "setup?step=welcome", "setup?step=connect", "setup?step=match", "setup?step=rules", "setup?step=live", "connect",
    "connect/mem0", "accounts", "accounts/1", "accounts/2", "settings", "settings/stock", "settings/prices", "settings/orders",
    "settings/shipping", "settings/returns", "settings/privacy", "settings/diagnostics", "settings/diagnostics?run=now",
)  # fmt: skip


def config(**values: Any) -> Any:
    given = {"max_webhook_bytes": 1_000_000, "page_token": "", "is_loopback": True, "port": 8000, "redis_url": "",
             "install_key": "", "proxies": 0}  # fmt: skip
    return SimpleNamespace(**{**given, **values})


_LIVED: dict[str, tuple[Kept, dict[str, Any]]] = {}


class Lively:
    """Products A to C; an order that went through, one that waits for a product, one whose buyer wants to cancel;
    a return to decide; a problem of each kind of action."""

    def __init__(self, database_url: str, key: str | None = None) -> None:
        """It is lived through once in each process and on each kind of database, and then copied."""
        kind = database_url.partition(":")[0]
        if key is None and kind in _LIVED:
            kept, known = _LIVED[kind]
            vars(self).update(known)
            self.world = kept.copy_to(database_url)
            self.engine, self.keys = self.world.engine, crypto.installed()
            return
        given = key or Fernet.generate_key().decode()
        self.world = World(database_url, markets=1, key=given)
        self.engine, self.keys = self.world.engine, crypto.installed()
        self._live()
        known = {name: getattr(self, name) for name in ("through", "held", "asking", "back", "other")}
        _LIVED.setdefault(kind, (Kept.of(self.world, given), known))

    def _live(self) -> None:
        self._settings(buyer_cancellation="ask", buffer=1)
        for sku, units in (("A", 5), ("B", 9), ("C", 3)):
            self.world.store.add(sku, units, gtin=None if sku != "C" else "123")
        self.settle(120)
        market, store = self.world.markets[0], self.world.store
        self.through = market.buy(("B", 2))
        self.settle(400)
        store.ship(next(iter(store.orders)), "3SBOL1")
        self._read_store_orders()
        self.held = market.buy(("A", 2), ("OLD", 1))
        self.asking = market.buy(("B", 1))
        self.settle(400)
        market.alter(self.asking, f"{self.asking}-0", cancellation_requested=True)
        self.back = market.announce_return(self.through, 2)
        self.settle(900)
        self._trouble()
        self.other = self._other_shop()

    def settle(self, seconds: int = 400) -> None:
        self.world.settle(seconds, step=100)

    def app(self, **values: Any) -> Flask:
        crypto.install(self.keys)  # another world of the same run may have put its own in place
        return create_web(self.engine, config(**values))

    def plan(self) -> None:
        """A plan is made, which waits for its yes."""
        client = self.browser().client
        csrf = {"X-Csrf-Token": client.get("/api/token", base_url=HOST).json["token"]}  # type: ignore[index]
        buffer = {"content": {"buffer": 2}}
        assert client.put("/api/connections/2/stock", base_url=HOST, json=buffer, headers=csrf).status_code == 201

    def browser(self, **values: Any) -> Browser:
        return Browser(self.app(**values))

    def read(self, table: Any, *conditions: Any, shop_id: int = 1) -> list[Any]:
        with self.world.db.read(shop_id) as session:
            return list(session.scalars(select(table).where(*conditions).order_by(table.id)))

    def order(self, external_id: str) -> Any:
        return self.read(Order, Order.external_id == external_id)[0]

    def line(self, external_id: str) -> Any:
        return self.read(OrderLine, OrderLine.external_id == external_id)[0]

    def returned(self) -> Any:
        return self.read(ReturnRow)[0]

    def problem(self, kind: str) -> Any:
        return self.read(Problem, Problem.kind == kind)[0]

    def numbers(self) -> list[str]:
        """Addresses of single things of the first shop."""
        return [f"orders/{order.id}" for order in self.read(Order)]

    def statements(self, act: Any) -> int:
        """How many statements ``act`` costs."""
        seen: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(self.world.db.engine, "before_cursor_execute", count)
        try:
            act()
        finally:
            event.remove(self.world.db.engine, "before_cursor_execute", count)
        return len(seen)

    def close(self) -> None:
        self.world.close()

    def _settings(self, **values: Any) -> None:
        with self.world.db.write(1) as session:
            for row in session.scalars(select(Connection).where(Connection.role == "channel")):
                row.settings = {**row.settings, **values}

    def _read_store_orders(self) -> None:
        for key in self.world.store.orders:
            self.world.hint_order(key)
        self.settle(120)

    def _trouble(self) -> None:
        with self.world.db.write(1) as session:
            now = self.world.clock()
            for kind, subject, at in (("parked.product.read", "product.read 1", 1), ("drift", "A on Market 0", 2)):
                open_problem(session, now, kind, subject, f"<b>{subject}</b>", "Mend it.", connection_id=at, detail="x")

    def _other_shop(self) -> int:
        with self.world.db.write(None) as session:
            shop = Shop(public_id="other", name="Other", created_at=self.world.clock(), settings={})
            session.add(shop)
            session.flush()
            return shop.id


class Browser:
    """Goes through the pages as a browser does: with cookies and the token of the form."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **options: Any) -> Any:
        headers = {"Accept": "text/html", **options.pop("headers", {})}
        return self.client.get(f"/{path}", base_url=HOST, headers=headers, **options)

    def token(self, path: str = "") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found, f"no form on /{path}"
        return found[1]

    def post(
        self, path: str, do: str, headers: dict[str, str] | None = None, token: str | None = None, **form: Any
    ) -> Any:
        content = {"csrf": self.token() if token is None else token, "do": do, **form}
        given = {"Origin": HOST, "Accept": "text/html", **(headers or {})}
        return self.client.post(f"/{path}", base_url=HOST, data=content, headers=given)
