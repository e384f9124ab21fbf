"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channel_adapters.kaufland.sandbox.buying import NotForSale, Wish, place_order
from channel_adapters.kaufland.sandbox.market import LOCALES, Document, Market, stamp
from channel_adapters.kaufland.sandbox.orders import expire
from channel_adapters.kaufland.sandbox.products import key_of, title_of
from channel_adapters.kaufland.sandbox.protocol import JSON, answer
from channel_adapters.kaufland.sandbox.returns import add_return, arrive
from channel_adapters.kaufland.sandbox.tickets import open_ticket
from channel_adapters.kaufland.sandbox.units import is_live, new_unit, status_of

Model = TypeVar("Model", bound=BaseModel)
WAITING = ("open", "need_to_be_sent")
SHIPPED = ("sent", "received", "sent_and_autopaid", "returned", "returned_paid")


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineChoice(Asked):
    line_id: str | None = None


class ReturnLine(Asked):
    sku: str | None = None
    line_id: str | None = None
    quantity: int = Field(default=1, ge=1)
    reason: str = "dislike"


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1)
    arrived: bool = True


class ExistingOffer(Asked):
    sku: str
    ean: str
    stock: int = Field(ge=0)
    price: float = Field(gt=0)
    storefront: str = "de"


class Product(Asked):
    ean: str
    missing: list[str] = Field(default_factory=list)
    locale: str = "de-DE"


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """One method per control path; all run under the market's lock."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def mount(self, app: Flask) -> None:
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "orders", self.add_order),
            ("GET", "orders", self.orders),
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/expire", self.expire),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "returns/<return_id>/arrive", self.arrive),
            ("GET", "tickets", self.tickets),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
            ("POST", "products", self.set_product),
        )
        for method, path, action in routes:
            name = f"control_{method}_{path}"
            app.add_url_rule(f"/_sandbox/{path}", name, self._view(action, method), methods=[method])

    def _view(self, action: Callable[..., Any], method: str) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            try:
                with self.market.kit.transaction():
                    self.market.settle()
                    return answer(action(**path), 201 if method == "POST" else 200)
            except ValidationError as error:
                return Response(error.json(include_url=False), 400, content_type=JSON)
            except (NotForSale, Refusal) as error:
                return answer({"error": str(error)}, error.status)

        return view

    def add_order(self) -> Document:
        return {"order_id": place_order(self.market, _asked(Wish))["id"]}

    def _order(self, order_id: str) -> Document:
        order: Document | None = self.market.docs.get("orders", order_id)
        if order is None:
            raise Refusal(404, f"There is no order {order_id}.")
        return order

    def pay(self, order_id: str) -> Document:
        order = self._order(order_id)
        self.market.docs.put("orders", order_id, order | {"paid": True})
        return {"ok": True}

    def request_cancellation(self, order_id: str) -> Document:
        pieces, line = self.market.pieces_of(self._order(order_id)["id"]), _asked(LineChoice).line_id
        wanted = [piece for piece in pieces if line in (None, piece["key"]) and piece["status"] in WAITING]
        if not wanted:
            raise Refusal(409, "Nothing of the order is open.")
        ticket = open_ticket(self.market, wanted, "order_cancel", "Bitte stornieren Sie meine Bestellung.")
        return {"line_ids": [piece["key"] for piece in wanted], "ticket": ticket["key"]}

    def expire(self, order_id: str) -> Document:
        expire(self.market, self._order(order_id))
        return {"ok": True}

    def add_return(self) -> Document:
        asked = _asked(Return)
        pieces = self.market.pieces_of(self._order(asked.order_id)["id"])
        chosen: list[tuple[Document, str]] = []
        for line in asked.lines:
            fitting = [piece for piece in pieces if line.line_id in (None, piece["key"])]
            fitting = [piece for piece in fitting if line.line_id or piece["id_offer"] == line.sku]
            left = [piece for piece in fitting if piece["status"] in SHIPPED and not self._is_back(piece)]
            if len(left) < line.quantity:
                raise Refusal(404, f"The order has not that many pieces of {line.line_id or line.sku} to return.")
            chosen += [(piece, line.reason) for piece in left[: line.quantity]]
        return {"return_id": add_return(self.market, chosen, arrived=asked.arrived)["key"]}

    def _is_back(self, piece: Document) -> bool:
        return any(unit["piece"] == piece["key"] for unit in self.market.docs.all("return_units").values())

    def arrive(self, return_id: str) -> Document:
        arrive(self.market, self.market.docs.all("returns")[return_id])
        return {"ok": True}

    def add_offer(self) -> Document:
        asked = _asked(ExistingOffer)
        given = {"id_offer": asked.sku, "amount": asked.stock, "listing_price": int(Decimal(str(asked.price)) * 100)}
        unit = new_unit(self.market, asked.storefront, asked.ean, given) | {"created": 0.0}
        self.market.docs.put("units", str(unit["id_unit"]), unit)
        return {"offer_id": f"{asked.storefront}:{unit['id_unit']}"}

    def set_product(self) -> Document:
        """What Kaufland's product data lacks: offers for it are incomplete until it is sent."""
        asked = _asked(Product)
        if asked.locale not in LOCALES.values():
            raise Refusal(400, f"There is no locale {asked.locale}.")
        self.market.docs.put("lacking", key_of(asked.ean, asked.locale), {"missing": asked.missing})
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
        asked = any(item["status"] == "opened" and piece["key"] in item["pieces"] for item in tickets)
        body = {"line_id": piece["key"], "sku": piece["id_offer"], "ean": piece["ean"], "quantity": 1}
        body |= {"shipped": int(piece["status"] in SHIPPED), "cancelled": int(piece["status"] == "cancelled")}
        body |= {"status": piece["status"], "refunds": piece["refunds"], "cancel_reason": piece["cancel_reason"]}
        return body | {"cancellation_requested": asked}

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


def _asked(model: type[Model]) -> Model:
    return model.model_validate_json(request.get_data() or b"{}")


def _back(unit: Document) -> Document:
    return {"line_id": unit["key"], "order_line_id": unit["piece"], "status": unit["status"]}
