"""The control surface of this sandbox, besides the one that all have; see the package for the table."""

from __future__ import annotations

from bridge.ports.sandbox_control import Asked, ControlSurface, Document, Refusal, Route, asked
from channel_adapters.miinto.mapping import order_id
from channel_adapters.miinto.sandbox.market import STOCK, Market, stamp
from channel_adapters.miinto.sandbox.selling import MiintoWish, place

BY_FEED = "Miinto has no offers but those of the feed."
IN_PORTAL = "Returns are handled in Miinto's portal."


class FeedAddress(Asked):
    url: str


class Control(ControlSurface[Market, MiintoWish]):
    wish = MiintoWish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<number>/withdraw", self.withdraw),
            ("POST", "feed", self.follow),
            ("POST", "feed/fetch", self.fetch),
            ("GET", "feed", self.report),
            ("POST", "channels/end", self.end_channels),
        )

    def place(self, wish: MiintoWish) -> str:
        self.market.look()
        kind, sold = place(self.market, wish)
        return order_id(sold["shop"], str(sold["id"]), transfer=kind == "transfers")

    def orders(self) -> list[Document]:
        docs = self.market.docs
        shown = [_shown(item, transfer=True) for item in docs.all("transfers").values()]
        return shown + [_shown(item, transfer=False) for item in docs.all("orders").values()]

    def withdraw(self, number: str) -> Document:
        """The transfer goes to another shop."""
        transfer = self.market.docs.all("transfers")[number]
        self.market.docs.put("transfers", number, {**transfer, "status": "withdrawn"})
        return {"ok": True}

    def add_return(self) -> Document:
        raise Refusal(409, IN_PORTAL)

    def returns(self) -> list[Document]:
        return []

    def add_offer(self) -> Document:
        raise Refusal(409, BY_FEED)

    def offers(self) -> list[Document]:
        self.market.look()
        return [_offer(item) for item in self.market.docs.all("items").values()]

    def follow(self) -> Document:
        self.market.follow(asked(FeedAddress).url)
        return {"ok": True}

    def fetch(self) -> Document:
        return self.market.fetch()

    def report(self) -> Document:
        return dict(self.market.docs.get("feed", "report") or {})

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
