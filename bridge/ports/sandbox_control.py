"""What every marketplace sandbox lets buyers and tests do, the same everywhere. Bodies and answers are JSON.

=======  ==============  =======================================================================================
method   /_sandbox/...   effect
=======  ==============  =======================================================================================
POST     orders          a buyer orders: {lines: [{sku or ean, quantity, unit_price?}], buyer?, placed_at?,
                         force?} -> {order_id}; 404 or 409 when it cannot be bought
POST     orders/bulk     {count, skus, seed?, force?} -> {order_ids, refused}
GET      orders          all orders: [{order_id, status, lines, shipments}]
POST     returns         {order_id, lines: [{sku or line_id, quantity, reason?}]} -> {return_id}
GET      returns         all returns with what was decided
POST     offers          an offer that exists already: {sku, ean, stock, price} -> {offer_id}
GET      offers          all offers: [{offer_id, sku, ean, title, stock, price, live, reasons}]
=======  ==============  =======================================================================================

A sandbox derives :class:`ControlSurface`, adds fields to the bodies and paths of its own by ``more``. A body that is
wrong is answered with 400 and the fields at fault; a :class:`Refusal` with its status and ``{"error": text}``.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bridge.ports.sandbox import SandboxKit

Document = dict[str, Any]
Route = tuple[str, str, Callable[..., Any]]
Model = TypeVar("Model", bound=BaseModel)


class Refusal(Exception):
    """What was asked cannot be. A sandbox with an error body of its own overrides ``response``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self) -> Response:
        answer = jsonify(error=str(self))
        answer.status_code = self.status
        return answer


class NotForSale(Refusal):
    """The buyer cannot have it. ``status``: 404 nothing is offered so, 409 not enough of it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(status, message)


class Asked(BaseModel):
    """A body on the control surface; a field it does not have is an error."""

    model_config = ConfigDict(extra="forbid")


class WishLine(Asked):
    """What one buyer wants of one product, named by the seller's SKU or by EAN."""

    sku: str | None = None
    ean: str | None = None
    quantity: int = Field(default=1, ge=1)
    unit_price: float | None = None

    @model_validator(mode="after")
    def names_something(self) -> WishLine:
        if not self.name:
            raise ValueError("sku or ean is required")
        return self

    @property
    def name(self) -> str:
        return self.sku or self.ean or ""


Line = TypeVar("Line", bound=Asked)


class Wish(Asked, Generic[Line]):
    """An order as a buyer places it. ``buyer`` has fields of the marketplace's own address; ``force`` buys anything."""

    lines: list[Line] = Field(min_length=1)
    buyer: dict[str, Any] = Field(default_factory=dict)
    placed_at: datetime | None = None
    force: bool = False

    def placed(self, now: float) -> float:
        """When it is placed, in seconds since 1970."""
        return now if self.placed_at is None else epoch(self.placed_at)


def epoch(at: datetime) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class Bulk(Asked):
    """Many orders of one or two lines, the same for the same ``seed``."""

    count: int = Field(ge=1, le=100000)
    skus: list[str] = Field(min_length=1)
    seed: int = 0
    force: bool = False

    def wishes(self) -> Iterator[Document]:
        chance = random.Random(self.seed)
        for _ in range(self.count):
            picked = chance.sample(self.skus, k=min(len(self.skus), chance.choice((1, 1, 1, 2))))
            lines = [{"sku": sku, "quantity": chance.choice((1, 1, 1, 2, 3))} for sku in picked]
            yield {"lines": lines, "force": self.force}


class LineChoice(Asked):
    """One line of an order, or all of them."""

    line_id: str | None = None


class ReturnLine(Asked):
    """What of an order comes back; ``reason`` is the marketplace's word, empty for its usual one."""

    sku: str | None = None
    line_id: str | None = None
    quantity: int = Field(default=1, ge=1)
    reason: str = ""

    @property
    def name(self) -> str:
        return self.line_id or self.sku or ""

    def means(self, line_id: str, sku: str | None) -> bool:
        return self.line_id == line_id or (self.line_id is None and self.sku == sku)


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1)


class ExistingOffer(Asked):
    """An offer the seller made elsewhere, before the bridge was connected."""

    sku: str
    ean: str
    stock: int = Field(ge=0)
    price: float = Field(gt=0)


class Behind(Protocol):
    """The marketplace behind the surface: its kit, and the work whose time has come."""

    @property
    def kit(self) -> SandboxKit: ...

    def settle(self) -> None: ...


WishT = TypeVar("WishT", bound=Wish[Any])
MarketT = TypeVar("MarketT", bound=Behind)


def asked(model: type[Model]) -> Model:
    """The body of this request. Raises ValidationError, answered with 400."""
    return model.model_validate_json(request.get_data() or b"{}")


class ControlSurface(ABC, Generic[MarketT, WishT]):
    """One method per control path; all run under the lock of the state, after what is due was done."""

    wish: type[WishT]

    def __init__(self, market: MarketT) -> None:
        self.market = market

    def mount(self, app: Flask) -> None:
        for method, path, action in (*self._common(), *self.more()):
            name = f"control_{method}_{path}"
            app.add_url_rule(f"/_sandbox/{path}", name, self._view(action, method), methods=[method])

    def _common(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders", self.add_order),
            ("POST", "orders/bulk", self.add_orders),
            ("GET", "orders", self.orders),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
        )

    def _view(self, action: Callable[..., Any], method: str) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            try:
                with self.market.kit.transaction():
                    self.market.settle()
                    answer = jsonify(action(**path))
            except ValidationError as error:
                return Response(error.json(include_url=False), 400, content_type="application/json")
            except Refusal as error:
                return error.response()
            answer.status_code = 201 if method == "POST" else 200
            return answer

        return view

    def add_order(self) -> Document:
        return {"order_id": self.place(asked(self.wish))}

    def add_orders(self) -> Document:
        placed, refused = [], 0
        for wish in asked(Bulk).wishes():
            try:
                placed.append(self.place(self.wish.model_validate(wish)))
            except NotForSale:
                refused += 1
        return {"order_ids": placed, "refused": refused}

    def order(self, order_id: str) -> Document:
        """The document of one order. Raises Refusal."""
        found: Document | None = self.market.kit.docs.get("orders", order_id)
        if found is None:
            raise Refusal(404, f"There is no order {order_id}.")
        return found

    def more(self) -> tuple[Route, ...]:
        """Paths of this sandbox alone: (method, path under /_sandbox/, what answers)."""
        return ()

    @abstractmethod
    def place(self, wish: WishT) -> str:
        """The id of the new order. Raises NotForSale, and then there is no order at all."""

    @abstractmethod
    def orders(self) -> list[Document]: ...

    @abstractmethod
    def add_return(self) -> Document: ...

    @abstractmethod
    def returns(self) -> list[Document]: ...

    @abstractmethod
    def add_offer(self) -> Document: ...

    @abstractmethod
    def offers(self) -> list[Document]: ...
