"""What the API takes as JSON. Fields that are not named here are taken too, as the real one does."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    model_config = ConfigDict(extra="allow")

    def wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class Offer(Body):
    shop_sku: str
    product_id: str
    product_id_type: str
    price: float
    state_code: str
    update_delete: str


class Offers(Body):
    offers: list[Offer] = Field(min_length=1)


class LineDecision(Body):
    id: str
    accepted: bool


class Acceptance(Body):
    order_lines: list[LineDecision] = Field(min_length=1)


class Tracking(Body):
    carrier_code: str | None = None
    carrier_name: str | None = None
    tracking_number: str | None = None


class ShipmentLine(Body):
    order_line_id: str
    quantity: int = Field(ge=1)


class Shipment(Body):
    order_id: str
    shipment_lines: list[ShipmentLine]
    shipped: bool = False
    tracking: Tracking = Tracking()


class Shipments(Body):
    shipments: list[Shipment] = Field(min_length=1, max_length=1000)


class FeePart(Body):
    code: str
    amount: float = Field(ge=0)


class Cancellation(Body):
    order_line_id: str
    fees: list[FeePart] = Field(default_factory=list)
    quantity: int = Field(ge=1)
    amount: float = Field(ge=0)
    shipping_amount: float = Field(ge=0)
    reason_code: str


class Cancellations(Body):
    cancelations: list[Cancellation] = Field(min_length=1)


class Refund(Body):
    order_line_id: str
    fees: list[FeePart] = Field(default_factory=list)
    amount: float = Field(ge=0)
    shipping_amount: float = Field(ge=0)
    reason_code: str
    quantity: int = Field(default=0, ge=0)


class Refunds(Body):
    refunds: list[Refund] = Field(min_length=1)


class References(Body):
    order_reference_for_seller: str | None = Field(default=None, max_length=2000)


class OrderPatch(Body):
    order_id: str
    references: References = References()


class OrderPatches(Body):
    orders: list[OrderPatch] = Field(min_length=1, max_length=100)


class ReturnDecision(Body):
    id: str
    accepted: bool
    rejection_reason_code: str | None = None


class ReturnDecisions(Body):
    returns: list[ReturnDecision] = Field(min_length=1, max_length=100)


class ReturnId(Body):
    id: str


class ReturnIds(Body):
    returns: list[ReturnId] = Field(min_length=1, max_length=100)


class LineCompliance(Body):
    order_line_id: str
    compliant: bool
    non_compliance_reason_code: str | None = None


class ReturnCompliance(Body):
    id: str
    return_lines: list[LineCompliance] = Field(min_length=1, max_length=200)


class ReturnCompliances(Body):
    returns: list[ReturnCompliance] = Field(min_length=1, max_length=100)
