"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from channel_adapters.miinto.mapping import order_id
from channel_adapters.miinto.sandbox.gate import answer
from channel_adapters.miinto.sandbox.market import STOCK, Document, Market, stamp
from channel_adapters.miinto.sandbox.selling import NotForSale, Wish, place


class FeedAddress(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str


class Control:
    """One method per control path; all run under the market's lock."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def mount(self, app: Flask) -> None:
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "orders", self.add_order),
            ("GET", "orders", self.orders),
            ("POST", "orders/<number>/withdraw", self.withdraw),
            ("POST", "feed", self.follow),
            ("POST", "feed/fetch", self.fetch),
            ("GET", "feed", self.report),
            ("GET", "offers", self.offers),
            ("POST", "channels/end", self.end_channels),
        )
        for method, path, action in routes:
            name = f"control_{method}_{path}"
            app.add_url_rule(f"/_sandbox/{path}", name, self._view(action, method), methods=[method])

    def _view(self, action: Callable[..., Any], method: str) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            try:
                with self.market.kit.transaction():
                    return answer(action(**path), 201 if method == "POST" else 200)
            except ValidationError as error:
                return Response(error.json(include_url=False), 400, content_type="application/json")
            except NotForSale as error:
                return answer({"error": str(error)}, error.status)

        return view

    def add_order(self) -> Document:
        self.market.look()
        wish = Wish.model_validate_json(request.get_data() or b"{}")
        kind, sold = place(self.market, wish)
        return {"order_id": order_id(sold["shop"], str(sold["id"]), transfer=kind == "transfers")}

    def orders(self) -> list[Document]:
        found = [*self.market.docs.all("transfers").values()]
        shown = [_shown(item, transfer=True) for item in found]
        return shown + [_shown(item, transfer=False) for item in self.market.docs.all("orders").values()]

    def withdraw(self, number: str) -> Document:
        """The transfer goes to another shop."""
        transfer = self.market.docs.all("transfers")[number]
        self.market.docs.put("transfers", number, {**transfer, "status": "withdrawn"})
        return {"ok": True}

    def follow(self) -> Document:
        self.market.follow(FeedAddress.model_validate_json(request.get_data() or b"{}").url)
        return {"ok": True}

    def fetch(self) -> Document:
        return self.market.fetch()

    def report(self) -> Document:
        return dict(self.market.docs.get("feed", "report") or {})

    def offers(self) -> list[Document]:
        self.market.look()
        return [_offer(item) for item in self.market.docs.all("items").values()]

    def end_channels(self) -> Document:
        for key, channel in list(self.market.docs.all("channels").items()):
            self.market.docs.put("channels", key, {**channel, "until": 0.0})
        return {"ok": True}


def _offer(item: Document) -> Document:
    row = item["row"]
    stock = int(row[STOCK])
    cents = row.get("c:retail_price_EUR:integer") or "0"
    body = {"offer_id": row["id"], "sku": row["id"], "ean": row["gtin"], "title": row["title"], "stock": stock}
    reasons = [f"{item['offline']} changed"] if item["offline"] else []
    return body | {"price": int(cents) / 100, "live": stock > 0 and not reasons, "reasons": reasons, "row": row}


def _shown(sold: Document, *, transfer: bool) -> Document:
    lines = [
        {"line_id": str(item["id"]), "sku": item["sku"], "quantity": item["quantity"], "shipped": 0, "cancelled": 0}
        for item in sold["positions"]
    ]
    key = order_id(sold["shop"], str(sold["id"]), transfer=transfer)
    body = {"order_id": key, "status": sold["status"], "placed_at": stamp(sold["created"])}
    return body | {"lines": lines, "shipments": []}
