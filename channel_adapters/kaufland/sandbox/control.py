"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import Asked, ControlSurface, LineChoice, Refusal, Route, asked
from channel_adapters.kaufland.sandbox.buying import Wish, place_order
from channel_adapters.kaufland.sandbox.market import LOCALES, Document, Market, stamp
from channel_adapters.kaufland.sandbox.orders import expire
from channel_adapters.kaufland.sandbox.products import key_of, title_of
from channel_adapters.kaufland.sandbox.returns import add_return, arrive
from channel_adapters.kaufland.sandbox.tickets import open_ticket
from channel_adapters.kaufland.sandbox.units import is_live, new_unit, status_of

WAITING = ("open", "need_to_be_sent")
SHIPPED = ("sent", "received", "sent_and_autopaid", "returned", "returned_paid")


class Return(control.Return):
    arrived: bool = True


class ExistingOffer(control.ExistingOffer):
    storefront: str = "de"


class Product(Asked):
    ean: str
    missing: list[str] = Field(default_factory=list)
    locale: str = "de-DE"


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/expire", self.expire),
            ("POST", "returns/<return_id>/arrive", self.arrive),
            ("GET", "tickets", self.tickets),
            ("POST", "products", self.set_product),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["id"])

    def pay(self, order_id: str) -> Document:
        order = self.order(order_id)
        self.market.docs.put("orders", order_id, order | {"paid": True})
        return {"ok": True}

    def request_cancellation(self, order_id: str) -> Document:
        pieces, line = self.market.pieces_of(self.order(order_id)["id"]), asked(LineChoice).line_id
        wanted = [piece for piece in pieces if line in (None, piece["key"]) and piece["status"] in WAITING]
        if not wanted:
            raise Refusal(409, "Nothing of the order is open.")
        ticket = open_ticket(self.market, wanted, "order_cancel", "Bitte stornieren Sie meine Bestellung.")
        return {"line_ids": [piece["key"] for piece in wanted], "ticket": ticket["key"]}

    def expire(self, order_id: str) -> Document:
        expire(self.market, self.order(order_id))
        return {"ok": True}

    def add_return(self) -> Document:
        wanted = asked(Return)
        pieces = self.market.pieces_of(self.order(wanted.order_id)["id"])
        chosen: list[tuple[Document, str]] = []
        for line in wanted.lines:
            fitting = [piece for piece in pieces if line.means(piece["key"], piece["id_offer"])]
            left = [piece for piece in fitting if piece["status"] in SHIPPED and not self._is_back(piece)]
            if len(left) < line.quantity:
                raise Refusal(404, f"The order has not that many pieces of {line.name} to return.")
            chosen += [(piece, line.reason or "dislike") for piece in left[: line.quantity]]
        return {"return_id": add_return(self.market, chosen, arrived=wanted.arrived)["key"]}

    def _is_back(self, piece: Document) -> bool:
        return any(unit["piece"] == piece["key"] for unit in self.market.docs.all("return_units").values())

    def arrive(self, return_id: str) -> Document:
        arrive(self.market, self.market.docs.all("returns")[return_id])
        return {"ok": True}

    def add_offer(self) -> Document:
        wanted = asked(ExistingOffer)
        given = {"id_offer": wanted.sku, "amount": wanted.stock, "listing_price": int(Decimal(str(wanted.price)) * 100)}
        unit = new_unit(self.market, wanted.storefront, wanted.ean, given) | {"created": 0.0}
        self.market.docs.put("units", str(unit["id_unit"]), unit)
        return {"offer_id": f"{wanted.storefront}:{unit['id_unit']}"}

    def set_product(self) -> Document:
        """What Kaufland's product data lacks: offers for it are incomplete until it is sent."""
        wanted = asked(Product)
        if wanted.locale not in LOCALES.values():
            raise Refusal(400, f"There is no locale {wanted.locale}.")
        self.market.docs.put("lacking", key_of(wanted.ean, wanted.locale), {"missing": wanted.missing})
        return {"ok": True}

    def offers(self) -> list[Document]:
        return [self._offer(unit) for unit in self.market.docs.all("units").values()]

    def _offer(self, unit: Document) -> Document:
        code, status = unit["storefront"], status_of(self.market, unit)
        body = {"offer_id": f"{code}:{unit['id_unit']}", "sku": unit["id_offer"], "ean": unit["ean"]}
        body |= {"title": title_of(self.market, unit["ean"], code), "stock": unit["amount"], "storefront": code}
        body |= {"price": unit["listing_price"] / 100, "live": is_live(self.market, unit)}
        return body | {"reasons": [] if status == "AVAILABLE" else [status]}

    def orders(self) -> list[Document]:
        return [self._shown(order) for order in self.market.docs.all("orders").values()]

    def _shown(self, order: Document) -> Document:
        pieces = self.market.pieces_of(order["id"])
        states = {piece["status"] for piece in pieces}
        status = "OPEN" if states & set(WAITING) else "SHIPPED" if states & set(SHIPPED) else "CANCELLED"
        shipments = [
            shipment | {"lines": [{"line_id": piece["key"], "quantity": 1}]}
            for piece in pieces
            for shipment in piece["shipments"]
        ]
        body = {"order_id": order["id"], "status": status, "placed_at": stamp(order["created"])}
        lines = [self._line(piece) for piece in pieces]
        return body | {"storefront": order["storefront"], "lines": lines, "shipments": shipments}

    def _line(self, piece: Document) -> Document:
        tickets = self.market.docs.all("tickets").values()
        requested = any(item["status"] == "opened" and piece["key"] in item["pieces"] for item in tickets)
        body = {"line_id": piece["key"], "sku": piece["id_offer"], "ean": piece["ean"], "quantity": 1}
        body |= {"shipped": int(piece["status"] in SHIPPED), "cancelled": int(piece["status"] == "cancelled")}
        body |= {"status": piece["status"], "refunds": piece["refunds"], "cancel_reason": piece["cancel_reason"]}
        return body | {"cancellation_requested": requested}

    def returns(self) -> list[Document]:
        units = self.market.docs.all("return_units")
        return [
            {"return_id": back["key"], "lines": [_back(units[key]) for key in back["units"]]}
            for back in self.market.docs.all("returns").values()
        ]

    def tickets(self) -> list[Document]:
        names = ("topic", "status", "pieces")
        return [
            {"ticket_id": item["key"]}
            | {name: item[name] for name in names}
            | {"messages": [message["text"] for message in item["messages"]]}
            for item in self.market.docs.all("tickets").values()
        ]


def _back(unit: Document) -> Document:
    return {"line_id": unit["key"], "order_line_id": unit["piece"], "status": unit["status"]}
