"""The request bodies of the API, as the specification says. What is wrong is named by its JSON path."""

# Fields are named as on the wire.
# ruff: noqa: N815

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# An absent field of a PATCH keeps what was; null is not a value any of them may have.
UNSET: Any = None


class Body(BaseModel):
    """Strict types, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    def wire(self) -> dict[str, Any]:
        """The fields that were given."""
        return self.model_dump(exclude_unset=True)


class Condition(Body):
    category: Literal["NEW", "SECONDHAND", "REFURBISHED"]
    state: Literal["AS_NEW", "GOOD", "REASONABLE", "MODERATE"] = UNSET
    comment: str = UNSET
    grade: Literal["A", "B", "C"] = UNSET
    margin: bool = UNSET

    @model_validator(mode="after")
    def complete(self) -> Condition:
        needed = {"SECONDHAND": ("state",), "REFURBISHED": ("grade", "margin")}.get(self.category, ())
        missing = [name for name in needed if name not in self.model_fields_set]
        if missing:
            raise ValueError(f"{' and '.join(missing)} required for category {self.category}")
        return self


class BundlePrice(Body):
    quantity: int = Field(ge=1)
    unitPrice: float = Field(ge=1, le=9999, allow_inf_nan=False)


class Pricing(Body):
    bundlePrices: list[BundlePrice] = Field(min_length=1)

    @field_validator("bundlePrices")
    @classmethod
    def ordered(cls, prices: list[BundlePrice]) -> list[BundlePrice]:
        if prices[0].quantity != 1:
            raise ValueError("must contain an element with quantity 1, first")
        for before, after in pairwise(prices):
            if after.quantity <= before.quantity or after.unitPrice >= before.unitPrice:
                raise ValueError("quantities must increase strictly and prices decrease strictly")
        return prices


class Country(Body):
    countryCode: Literal["NL", "BE"]


class DeliveryPromise(Body):
    minimumDaysToCustomer: int = Field(ge=0)
    maximumDaysToCustomer: int = Field(ge=0)
    ultimateOrderTime: str = Field(default=UNSET, pattern=r"^\d{2}:\d{2}$")


class Fulfilment(Body):
    method: Literal["FBR", "FBB"]
    schedule: Literal["BOL_DELIVERY_PROMISE", "MY_DELIVERY_PROMISE", "SHIPPING_VIA_BOL"] = UNSET
    deliveryPromise: DeliveryPromise = UNSET


class CreateStock(Body):
    amount: int = Field(ge=0, le=2**31 - 1)
    managedByRetailer: bool


class UpdateStock(Body):
    amount: int = Field(default=UNSET, ge=0, le=2**31 - 1)
    managedByRetailer: bool = UNSET


class CreateOffer(Body):
    ean: str
    condition: Condition
    pricing: Pricing
    fulfilment: Fulfilment
    reference: str = Field(default=UNSET, max_length=100)
    unknownProductTitle: str = Field(default=UNSET, max_length=500)
    economicOperatorId: str = UNSET
    onHoldByRetailer: bool = UNSET
    countryAvailabilities: list[Country] = UNSET
    stock: CreateStock = UNSET


class PatchOffer(Body):
    pricing: Pricing = UNSET
    fulfilment: Fulfilment = UNSET
    reference: str = Field(default=UNSET, max_length=100)
    unknownProductTitle: str = Field(default=UNSET, max_length=500)
    economicOperatorId: str = UNSET
    onHoldByRetailer: bool = UNSET
    countryAvailabilities: list[Country] = UNSET
    stock: UpdateStock = UNSET


class AttributeValue(Body):
    value: str = Field(min_length=1, max_length=10000)
    unitId: str = ""


class Attribute(Body):
    id: str = Field(min_length=1, max_length=100)
    values: list[AttributeValue] = Field(min_length=1, max_length=300)


class Asset(Body):
    url: str
    labels: list[str] = Field(min_length=1, max_length=2)


class ProductContent(Body):
    language: Literal["nl", "nl-BE", "fr", "fr-BE"]
    attributes: list[Attribute] = Field(min_length=1, max_length=150)
    assets: list[Asset] | None = Field(default=None, max_length=30)

    @field_validator("attributes")
    @classmethod
    def names_the_product(cls, attributes: list[Attribute]) -> list[Attribute]:
        if sum(attribute.id == "EAN" for attribute in attributes) != 1:
            raise ValueError('must contain exactly one attribute "EAN"')
        return attributes


class ProcessQuery(Body):
    processStatusId: str


class ProcessQueries(Body):
    processStatusQueries: list[ProcessQuery] = Field(min_length=1, max_length=1000)


CancelReason = Literal[
    "OUT_OF_STOCK", "REQUESTED_BY_CUSTOMER", "BAD_CONDITION", "HIGHER_SHIPCOST", "INCORRECT_PRICE",
    "NOT_AVAIL_IN_TIME", "NO_BOL_GUARANTEE", "ORDERED_TWICE", "RETAIN_ITEM", "TECH_ISSUE", "UNFINDABLE_ITEM",
    "OTHER",
]  # fmt: skip


class ItemCancellation(Body):
    orderItemId: str = Field(min_length=1)
    reasonCode: CancelReason


class Cancellation(Body):
    orderItems: list[ItemCancellation] = Field(min_length=1, max_length=1)


class ShipmentItem(Body):
    orderItemId: str = Field(min_length=1)
    quantity: int | None = Field(default=None, ge=1)


class Transport(Body):
    transporterCode: str
    trackAndTrace: str | None = None


class Shipment(Body):
    orderItems: list[ShipmentItem] = Field(min_length=1, max_length=100)
    shipmentReference: str | None = Field(default=None, min_length=1, max_length=90)
    shippingLabelId: str | None = None
    transport: Transport | None = None

    @model_validator(mode="after")
    def one_way_of_shipping(self) -> Shipment:
        if (self.shippingLabelId is None) == (self.transport is None):
            raise ValueError("exactly one of shippingLabelId and transport is required")
        return self


class ChangeTransport(Body):
    transporterCode: str | None = None
    trackAndTrace: str | None = Field(min_length=1)


class LabelItems(Body):
    orderItems: list[ShipmentItem] = Field(min_length=1)


class LabelOrder(LabelItems):
    shippingLabelOfferId: str = Field(min_length=1)


HandlingResult = Literal[
    "RETURN_RECEIVED", "EXCHANGE_PRODUCT", "RETURN_DOES_NOT_MEET_CONDITIONS", "REPAIR_PRODUCT",
    "CUSTOMER_KEEPS_PRODUCT_PAID",
]  # fmt: skip


class HandleReturn(Body):
    handlingResult: HandlingResult | Literal["STILL_APPROVED"] | None
    quantityReturned: int | None = Field(ge=1, le=9999)


class CreateReturn(Body):
    orderItemId: str
    quantityReturned: int = Field(ge=1, le=9999)
    handlingResult: HandlingResult


Resource = Literal[
    "PROCESS_STATUS", "SHIPMENT", "PRICE_STAR_BOUNDARY", "COMPETING_OFFER", "OFFER_FOR_SALE",
    "OFFER_NOT_FOR_SALE", "ORDER",
]  # fmt: skip


class Subscription(Body):
    resources: list[Resource] = Field(min_length=1)
    url: str = Field(min_length=1)
    subscriptionType: Literal["WEBHOOK", "GCP_PUBSUB", "AWS_SQS"]
    enabled: bool | None = True
    identity: str | None = None


class Address(Body):
    street: str
    houseNumber: str
    postalCode: str
    city: str
    country: str
    additionalAddressInfo: str | None = None


class ContactInformation(Body):
    emailAddress: str
    phoneNumber: str


class EconomicOperator(Body):
    name: str = Field(max_length=100)
    address: Address
    contactInformation: ContactInformation
    externalReference: str | None = Field(default=None, max_length=100)
