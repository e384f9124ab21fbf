"""What is offered and sold at the independent Amazon, in the words of its models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.ports.channel import ItemResult, OfferDraft, Outcome, SubmissionState
from tests.support.independent import Json
from tests.support.independent_amazon_orders import Amazon
from tests.support.independent_amazon_types import GERMANY

NOW = datetime.now(UTC)


def money(amount: str) -> Json:
    return {"amount": amount, "currencyCode": "EUR"}


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def draft(number: int, **changed: Any) -> OfferDraft:
    content = OfferContent(
        title=f"Tasse {number}",
        description="Eine Tasse",
        bullets=("aus Porzellan", "350 ml"),
        brand="Kaolin",
        category="MUG",
        images=("https://shop.example/1.jpg",),
        attributes={"color": "rot"},
    )
    given: Json = {
        "key": f"k{number}",
        "site": GERMANY,
        "sku": f"SKU-{number}",
        "gtin": "4006381333931",
        "stock": 10 + number,
        "price": euro(f"{20 + number}.00"),
        "content": content,
    }
    return OfferDraft(**(given | changed))


def ref(number: int, made: ItemResult | None = None, site: str = GERMANY) -> Json:
    """By the identity the adapter gave the offer."""
    identity = (made.offer_id or "") if made else f"{site}/SKU-{number}"
    return {"key": f"k{number}", "site": site, "offer_id": identity, "sku": f"SKU-{number}"}


def settled(channel: Any, results: list[ItemResult]) -> list[SubmissionState | Outcome]:
    """Each followed to its end."""
    waiting = [result.submission for result in results if result.submission]
    told = {}
    for _ in range(8):
        told |= {status.submission: status.state for status in channel.follow(waiting)}
        if SubmissionState.PENDING not in told.values():
            break
    return [told[result.submission] if result.submission else result.outcome for result in results]


def item(number: str, sku: str, quantity: int, parts: list[tuple[str, str]], total: str, **more: Any) -> Json:
    breakdowns: list[Json] = [{"type": kind, "subtotal": money(amount)} for kind, amount in parts]
    for entry in breakdowns:
        if entry["type"] in more:
            subtypes = more.pop(entry["type"])
            entry["detailedBreakdowns"] = [{"subtype": name, "value": money(value)} for name, value in subtypes]
    return {
        "orderItemId": number,
        "quantityOrdered": quantity,
        "product": {"asin": "B0AAAAAAAA", "title": f"Tasse {sku}", "sellerSku": sku, "price": {}},
        "proceeds": {"proceedsTotal": money(total), "breakdowns": breakdowns},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
        **more,
    }


def ordered(number: str, items: list[Json], total: str, *, days_ago: float = 0, **more: Any) -> Json:
    moment = (NOW - timedelta(days=days_ago, minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    due = (NOW + timedelta(days=2)).strftime("%Y-%m-%dT22:59:59Z")
    address = {"name": "Mara Keller", "addressLine1": "Lange Str. 5", "city": "Berlin", "postalCode": "10115"}
    return {
        "orderId": number,
        "createdTime": moment,
        "lastUpdatedTime": moment,
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": GERMANY, "marketplaceName": "Amazon.de"},
        "buyer": {"buyerName": "Mara Keller", "buyerEmail": "m@marketplace.amazon.de"},
        "recipient": {"deliveryAddress": address | {"countryCode": "DE", "addressType": "RESIDENTIAL"}},
        "proceeds": {"grandTotal": money(total)},
        "fulfillment": {
            "fulfillmentStatus": "UNSHIPPED",
            "fulfilledBy": "MERCHANT",
            "fulfillmentServiceLevel": "EXPEDITED",
            "shipByWindow": {"earliestDateTime": moment, "latestDateTime": due},
        },
        "orderItems": items,
        **more,
    }


def simple(number: str, **more: Any) -> Json:
    return ordered(number, [item(f"{number}1", "SKU-1", 1, [("ITEM", "20.00")], "20.00")], "20.00", **more)


def put_on_sale(amazon: Amazon, sku: str, second: int = 0) -> None:
    here = {"marketplace_id": GERMANY}
    price = [{"schedule": [{"value_with_tax": 5.0}]}]
    amazon.items[sku] = {
        "item_name": [{"value": sku, "language_tag": "de_DE", **here}],
        "brand": [{"value": "Kaolin", **here}],
        "condition_type": [{"value": "new_new", **here}],
        "main_product_image_locator": [{"media_location": "https://shop.example/1.jpg", **here}],
        "purchasable_offer": [{"currency": "EUR", "our_price": price, **here}],
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}],
    }
    amazon.types[sku] = "MUG"
    amazon.created[sku] = (NOW - timedelta(days=9) + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
