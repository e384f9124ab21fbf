"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Any

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import ControlSurface, LineChoice, Refusal, Route, asked
from channel_adapters.zalando.sandbox.buying import Wish, place_order
from channel_adapters.zalando.sandbox.market import CHANNELS, NUMBERS, Document, Market, pair, stamp
from channel_adapters.zalando.sandbox.orders import move, save
from channel_adapters.zalando.sandbox.report import reasons

WAITING = ("initial", "reserved")
SHIPPED = ("shipped", "returned")
# Carriers are agreed on for the account; nothing names one per parcel.
CARRIER = "as agreed"


class ExistingOffer(control.ExistingOffer):
    country: str = "de"


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/fail", self.fail),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/forget", self.forget),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["key"])

    def pay(self, order_id: str) -> Document:
        order = self.order(order_id)
        for _, line in _lines(order):
            line["status"] = "reserved" if line["status"] == "initial" else line["status"]
        save(self.market, order | {"status": "approved"})
        return {"ok": True}

    def fail(self, order_id: str) -> Document:
        """The payment does: everything is cancelled."""
        order = self.order(order_id)
        for _, line in _lines(order):
            move(self.market, order, line, "canceled")
        return {"ok": True}

    def request_cancellation(self, order_id: str) -> Document:
        """The buyer cancels at Zalando, which does it at once as long as nothing is shipped."""
        order, chosen = self.order(order_id), asked(LineChoice).line_id
        lines = [line for _, line in _lines(order) if chosen in (None, line["key"]) and line["status"] in WAITING]
        if not lines:
            raise Refusal(409, "Nothing of the order can be cancelled any more.")
        for line in lines:
            move(self.market, order, line, "canceled")
        return {"line_ids": [line["key"] for line in lines]}

    def forget(self, order_id: str) -> Document:
        """The buyer wants what is known of them to be deleted."""
        self.market.docs.put("orders", order_id, self.order(order_id) | {"forgotten": self.market.now()})
        return {"ok": True}

    def add_return(self) -> Document:
        wanted = asked(control.Return)
        order = self.order(wanted.order_id)
        taken = {line["line"] for back in self.market.docs.all("returns").values() for line in back["lines"]}
        chosen = []
        for line in wanted.lines:
            fitting = [(item, unit) for item, unit in _lines(order) if line.means(unit["key"], item["sku"])]
            left = [(item, unit) for item, unit in fitting if unit["status"] == "shipped" and unit["key"] not in taken]
            if len(left) < line.quantity:
                raise Refusal(404, f"The order has not that many units of {line.name} to return.")
            reason = line.reason or "TOO_LARGE"
            chosen += [
                {"item": item["key"], "line": unit["key"], "reason": reason} for item, unit in left[: line.quantity]
            ]
        key = self.market.new_uuid("return")
        tracking = str(self.market.docs.next_id("return tracking", 744374990001))
        back = {"key": key, "order": order["key"], "lines": chosen, "tracking": tracking, "at": self.market.now()}
        self.market.docs.put("returns", key, back)
        return {"return_id": key}

    def returns(self) -> list[Document]:
        orders = self.market.docs.all("orders")
        return [
            {"return_id": back["key"], "lines": [_back(orders[back["order"]], line) for line in back["lines"]]}
            for back in self.market.docs.all("returns").values()
        ]

    def add_offer(self) -> Document:
        wanted = asked(ExistingOffer)
        if wanted.country not in CHANNELS:
            raise Refusal(400, f"There is no sales channel for {wanted.country}.")
        _, currency, channel = CHANNELS[wanted.country]
        ids = {"simple": wanted.sku, "config": wanted.sku, "model": wanted.sku}
        name = f"Article {wanted.ean}"
        self.market.docs.put(
            "articles", wanted.ean, {"ean": wanted.ean, "name": name, "state": "onboarded", "at": 0.0} | ids
        )
        self.market.docs.put("stocks", pair(channel, wanted.ean), {"quantity": wanted.stock, "at": 0.0})
        price = {"regular": {"amount": wanted.price, "currency": currency}, "promotional": None}
        self.market.docs.put("prices", pair(channel, wanted.ean), price)
        return {"offer_id": f"{wanted.country}:{wanted.ean}"}

    def offers(self) -> list[Document]:
        """Every article in every sales channel that has heard of it."""
        keys = [*self.market.docs.all("stocks"), *self.market.docs.all("prices")]
        articles = self.market.docs.all("articles")
        known = [key.split("|") for key in dict.fromkeys(keys)]
        return [self._offer(channel, articles[ean]) for channel, ean in known if ean in articles]

    def _offer(self, channel: str, article: Document) -> Document:
        ean, code = article["ean"], NUMBERS[channel]
        price = (self.market.price_of(channel, ean) or {"regular": {"amount": None}})["regular"]["amount"]
        why = reasons(self.market, channel, ean)
        body = {
            "offer_id": f"{code}:{ean}",
            "sku": article["simple"],
            "ean": ean,
            "title": article["name"],
            "country": code,
        }
        body |= {"stock": self.market.stock_of(channel, ean), "price": price, "live": not why, "reasons": why}
        return body | {"state": article["state"], "config": article["config"], "model": article["model"]}

    def orders(self) -> list[Document]:
        return [_shown(order) for order in self.market.docs.all("orders").values()]


def _lines(order: Document) -> list[tuple[Document, Document]]:
    return [(item, line) for item in order["items"] for line in item["lines"]]


def _shown(order: Document) -> Document:
    body: dict[str, Any] = {"order_id": order["key"], "status": order["status"], "placed_at": stamp(order["created"])}
    body |= {
        name: order[name] for name in ("number", "type", "exported", "merchant_order_id", "return_tracking_number")
    }
    body["country"] = NUMBERS[order["channel"]]
    body["lines"] = [_line(item, line) for item, line in _lines(order)]
    return body | {"shipments": _shipments(order)}


def _line(item: Document, line: Document) -> Document:
    body = {"line_id": line["key"], "item_id": item["key"], "sku": item["sku"], "ean": item["ean"], "quantity": 1}
    body |= {"status": line["status"], "shipped": int(line["status"] in SHIPPED), "tracked": line["tracked"]}
    body |= {"cancelled": int(line["status"] == "canceled"), "reason": line["reason"], "center": line["center"]}
    return body


def _shipments(order: Document) -> list[Document]:
    """What buyers were told: the number of a parcel, where it was known in time."""
    found = []
    for shipment in order["shipments"]:
        lines = [line for _, line in _lines(order) if line["key"] in shipment["lines"] and line["status"] in SHIPPED]
        if not lines:
            continue
        number = shipment.get("tracking_number") if shipment["made"] else order["tracking_number"]
        told = number if all(line["tracked"] for line in lines) else ""
        parts = [{"line_id": line["key"], "quantity": 1} for line in lines]
        found.append({"tracking": told, "carrier": CARRIER, "lines": parts, "weight": shipment.get("weight")})
    return found


def _back(order: Document, line: Document) -> Document:
    status = next(unit["status"] for _, unit in _lines(order) if unit["key"] == line["line"])
    return {"line_id": line["line"], "status": status, "reason": line["reason"]}
