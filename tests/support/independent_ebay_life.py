"""What is offered and sold at the independent eBay, in the words of its descriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.ports.channel import OfferDraft
from tests.support.independent import Json
from tests.support.independent_ebay import stamp

NOW = datetime.now(UTC)


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def draft(number: int, **changed: Any) -> OfferDraft:
    content = OfferContent(
        title=f"Tasse {number}",
        description="<p>Eine Tasse</p>",
        brand="Kaolin",
        category="20625",
        images=("https://shop.example/1.jpg",),
        attributes={"Farbe": ("rot", "blau")},
    )
    given: Json = {
        "key": f"k{number}",
        "site": "EBAY_DE",
        "sku": f"SKU-{number}",
        "gtin": "4006381333931",
        "stock": 10 + number,
        "price": euro(f"{20 + number}.00"),
        "content": content,
    }
    return OfferDraft(**(given | changed))


def ref(number: int, offer_id: str | None) -> Json:
    assert offer_id
    return {"key": f"k{number}", "site": "EBAY_DE", "offer_id": offer_id, "sku": f"SKU-{number}"}


def ordered(number: str, lines: list[Json], summary: Json, *, days_ago: float = 0, **more: Any) -> Json:
    moment = stamp(NOW - timedelta(days=days_ago, minutes=5))
    address = {"addressLine1": "Lange Str. 5", "city": "Berlin", "postalCode": "10115", "countryCode": "DE"}
    return {
        "orderId": number,
        "creationDate": moment,
        "lastModifiedDate": moment,
        "buyer": {"username": "mara"},
        "lineItems": lines,
        "pricingSummary": summary,
        "paymentSummary": {"payments": [], "refunds": [], "totalDueSeller": summary["total"]},
        "fulfillmentStartInstructions": [
            {
                "fulfillmentInstructionsType": "SHIP_TO",
                "shippingStep": {
                    "shippingServiceCode": "DE_DHLPaket",
                    "shipTo": {"fullName": "Mara Keller", "contactAddress": address, "email": "m@members.ebay.com"},
                },
            }
        ],
        **more,
    }


def line(number: str, sku: str, quantity: int, cost: str, shipping: str, total: str, **more: Any) -> Json:
    return {
        "lineItemId": number,
        "sku": sku,
        "legacyItemId": "110",
        "title": f"Tasse {sku}",
        "quantity": quantity,
        "lineItemCost": amount(cost),
        "deliveryCost": {"shippingCost": amount(shipping)},
        "total": amount(total),
        "taxes": [],
        "appliedPromotions": [],
        "refunds": [],
        "listingMarketplaceId": "EBAY_DE",
        "purchaseMarketplaceId": "EBAY_DE",
        "lineItemFulfillmentStatus": "NOT_STARTED",
        "lineItemFulfillmentInstructions": {"shipByDate": stamp(NOW + timedelta(days=2))},
        **more,
    }


def amount(value: str) -> Json:
    return {"value": value, "currency": "EUR"}


def simple(number: str, **more: Any) -> Json:
    summary = {"priceSubtotal": amount("20.0"), "deliveryCost": amount("0.0"), "total": amount("20.0")}
    return ordered(number, [line(f"{number}1", "SKU-1", 1, "20.0", "0.0", "20.0")], summary, **more)
