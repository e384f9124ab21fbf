"""Every request to and every answer from the bol sandbox, held against bol's own descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, Parcel, ParcelLine
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import (
    ContentUpdate,
    OfferDraft,
    OfferRef,
    Outcome,
    PriceUpdate,
    StockUpdate,
    SubmissionState,
)
from bridge.ports.errors import Reauthorise
from channel_adapters.bol import ADAPTER, mapping
from channel_adapters.bol.sandbox import OPERATOR_ID, create_sandbox
from channel_adapters.bol.sandbox.operations import operations
from channel_adapters.bol.tree import categories
from tests.support.bol import AT_ONCE, EANS, V10_PDF, Seller, offer
from tests.support.bol_channel import Account
from tests.support.bol_spec import BolSpecification
from tests.support.openapi import Exchange

UNKNOWN_ID = "11111111-2222-4333-8444-555555555555"
# Not in any description we have: the token endpoint is OAuth's, the list of rate limits is a plain file.
NOT_DESCRIBED = {"get-rate-limits"}


@pytest.fixture(scope="session")
def spec(specs_dir: Path) -> BolSpecification:
    return BolSpecification(specs_dir / "bol")


class Recorded:
    """Sellers whose exchanges are all checked."""

    def __init__(self, spec: BolSpecification, serve: Callable[..., str]) -> None:
        self._spec = spec
        self._serve = serve
        self.exchanges: list[Exchange] = []

    def seller(self, **options: Any) -> Seller:
        return Seller(self._serve(create_sandbox(**AT_ONCE | options)), self.check)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._spec.check(request, response))

    def faults(self) -> list[str]:
        return [str(exchange) for exchange in self.exchanges if exchange.faults]


@pytest.fixture
def recorded(spec: BolSpecification, serve: Callable[..., str]) -> Recorded:
    return Recorded(spec, serve)


def offers_in_all_conditions(recorded: Recorded) -> None:
    seller = recorded.seller()
    plain = seller.create()
    seller.create(ean=EANS[1], sku="A-2", condition={"category": "SECONDHAND", "state": "GOOD", "comment": "scratched"})
    seller.create(ean=EANS[1], sku="A-3", condition={"category": "REFURBISHED", "grade": "B", "margin": True})
    prices = [{"quantity": 1, "unitPrice": 10}, {"quantity": 5, "unitPrice": 9.5}]
    promise = {"minimumDaysToCustomer": 1, "maximumDaysToCustomer": 3, "ultimateOrderTime": "14:00"}
    slow = {"method": "FBR", "schedule": "MY_DELIVERY_PROMISE", "deliveryPromise": promise}
    more = {"unknownProductTitle": "A thing", "countryAvailabilities": [{"countryCode": "BE"}]}
    seller.create(ean=EANS[2], sku="A-4", pricing={"bundlePrices": prices}, fulfilment=slow, **more)
    for change in ({"stock": {"amount": 3}}, {"pricing": {"bundlePrices": prices}}, {"onHoldByRetailer": True}):
        assert seller.call("PATCH", f"/retailer/offers/{plain}", change).status_code == 204
    seller.call("GET", f"/retailer/offers/{plain}")
    seller.call("GET", f"/retailer/offers/{plain}/not-for-sale-reasons")
    seller.call("DELETE", f"/retailer/offers/{plain}")
    assert seller.call("GET", f"/retailer/offers/{plain}").status_code == 404


def offers_in_pages(recorded: Recorded) -> None:
    seller = recorded.seller()
    ids = [seller.create(ean=ean, sku=f"A-{n}") for n, ean in enumerate(EANS)]
    first = seller.call("GET", "/retailer/offers", params={"page-size": 2})
    seller.call("GET", "/retailer/offers", params={"page-size": 2, "cursor": first.json()["page"]["nextCursor"]})
    seller.call("GET", "/retailer/offers", params={"page-size": 100, "for-sale": "true", "reference": "A-1"})
    seller.call("GET", "/retailer/offers", params={"eans": list(EANS[:2]), "offer-ids": ids[:1]})
    seller.call("GET", "/retailer/offers", params={"last-modified-date-time": "2018-11-14T08:34:41Z"})


def offers_not_for_sale(recorded: Recorded) -> None:
    seller = recorded.seller(known_products="none", price_ceiling=100)
    without = offer(stock=0, price=200)
    without.pop("economicOperatorId")
    made = seller.call("POST", "/retailer/offers", without | {"onHoldByRetailer": True}).json()["offerId"]
    reasons = seller.call("GET", f"/retailer/offers/{made}/not-for-sale-reasons").json()["countries"][0]["reasons"]
    assert {reason["category"] for reason in reasons} == {"CONTENT", "PRICE", "ASSORTMENT_POLICY", "ON_HOLD", "STOCK"}


def offers_refused(recorded: Recorded) -> None:
    seller = recorded.seller()
    made = seller.create()
    assert seller.call("POST", "/retailer/offers", offer()).status_code == 409
    bad_price = {"bundlePrices": [{"quantity": 2, "unitPrice": 0}]}
    for body in (offer(ean="123"), offer(pricing=bad_price), {"ean": EANS[1]}, offer(condition={"category": "OLD"})):
        assert seller.call("POST", "/retailer/offers", body).status_code == 400
    assert seller.call("PATCH", f"/retailer/offers/{made}", {"reference": None}).status_code == 400
    assert seller.call("PATCH", f"/retailer/offers/{UNKNOWN_ID}", {"stock": {"amount": 1}}).status_code == 404
    assert seller.call("DELETE", f"/retailer/offers/{UNKNOWN_ID}").status_code == 404
    assert seller.call("GET", "/retailer/offers/nonsense").status_code == 400
    assert seller.call("GET", "/retailer/offers", params={"page-size": 101}).status_code == 400


def content_and_its_report(recorded: Recorded) -> None:
    seller = recorded.seller(known_products="none")
    attributes = [_attribute("EAN", EANS[0]), _attribute("Name", "Mug"), _attribute("Width", "q200", "mm")]
    assets = [{"url": "https://shop.example/1.jpg", "labels": ["FRONT"]}, {"url": "ftp://x", "labels": ["BACK"]}]
    body = {"language": "nl", "attributes": attributes, "assets": assets}
    upload = seller.finish(seller.call("POST", "/retailer/content/products", body))["entityId"]
    seller.call("GET", f"/retailer/content/upload-report/{upload}")
    seller.call("GET", f"/retailer/content/catalog-products/{EANS[0]}", headers={"Accept-Language": "nl"})
    bad = body | {"attributes": [_attribute("EAN", "8718526069335")]}
    upload = seller.finish(seller.call("POST", "/retailer/content/products", bad))["entityId"]
    seller.call("GET", f"/retailer/content/upload-report/{upload}")
    assert seller.call("GET", f"/retailer/content/upload-report/{UNKNOWN_ID}").status_code == 404
    assert seller.call("GET", f"/retailer/content/catalog-products/{EANS[3]}").status_code == 404
    assert seller.call("POST", "/retailer/content/products", body | {"attributes": []}).status_code == 400
    slow = recorded.seller(content_seconds=60)
    upload = slow.finish(slow.call("POST", "/retailer/content/products", body))["entityId"]
    assert slow.call("GET", f"/retailer/content/upload-report/{upload}").json()["status"] == "IN_PROGRESS"


def _attribute(name: str, value: str, unit: str | None = None) -> dict[str, Any]:
    return {"id": name, "values": [{"value": value} | ({"unitId": unit} if unit else {})]}


def orders_listed_and_read(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create(stock=100)
    seller.call("GET", "/retailer/orders", params={"status": "OPEN", "fulfilment-method": "FBR"})
    for quantity in range(1, 8):
        order_id, _ = seller.order(quantity=quantity, latest_delivery_date="2026-11-25")
        seller.call("GET", f"/retailer/orders/{order_id}")
    discounted = {"lines": [{"sku": "A-1", "quantity": 2, "discount": 3.5}], "fulfilment_method": "FBB"}
    seller.call("GET", f"/retailer/orders/{seller.control('POST', 'orders', discounted)['order_id']}")
    unknown = {"lines": [{"sku": "?", "quantity": 1}], "force": True}
    seller.call("GET", f"/retailer/orders/{seller.control('POST', 'orders', unknown)['order_id']}")
    seller.call("GET", "/retailer/orders", params={"status": "ALL", "fulfilment-method": "ALL", "page": 1})
    seller.call("GET", "/retailer/orders", params={"change-interval-minute": 60, "vvb-only": "false"})
    seller.call("GET", "/retailer/orders", params={"change-interval-minute": 61})
    seller.call("GET", "/retailer/orders", params={"latest-change-date": "yesterday"})
    seller.call("GET", "/retailer/orders", params={"status": "LOST"})
    assert seller.call("GET", "/retailer/orders/NONE").status_code == 404


def orders_shipped(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create(stock=100)
    order_id, line = seller.order(quantity=3)
    transport = {"transporterCode": "TNT", "trackAndTrace": "3SBOL0987654321"}
    part = {"orderItems": [{"orderItemId": line, "quantity": 1}], "shipmentReference": "P1", "transport": transport}
    done = seller.finish(seller.call("POST", "/retailer/shipments", part))
    seller.finish(
        seller.call("POST", "/retailer/shipments", {"orderItems": [{"orderItemId": line}], "transport": transport})
    )
    refused = seller.finish(seller.call("POST", "/retailer/shipments", part))
    assert refused["status"] == "FAILURE"
    seller.call("GET", "/shared/process-status", params={"entity-id": line, "event-type": "CREATE_SHIPMENT"})
    both = {"processStatusQueries": [{"processStatusId": done["processStatusId"]}, {"processStatusId": "0"}]}
    assert len(seller.call("POST", "/shared/process-status", both).json()["processStatuses"]) == 1
    listed = seller.call("GET", "/retailer/shipments", params={"order-id": order_id}).json()["shipments"]
    seller.call("GET", f"/retailer/shipments/{listed[0]['shipmentId']}")
    seller.call("GET", "/retailer/shipments", params={"fulfilment-method": "FBR"})
    new = {"trackAndTrace": "3SBOL111", "transporterCode": "DHLFORYOU"}
    seller.finish(seller.call("PUT", f"/retailer/transports/{listed[0]['transport']['transportId']}", new))
    seller.call("GET", f"/retailer/shipments/{listed[0]['shipmentId']}")
    assert seller.call("POST", "/retailer/shipments", {"orderItems": [{"orderItemId": line}]}).status_code == 400
    assert seller.call("GET", "/retailer/shipments/1").status_code == 404
    assert (
        seller.call("GET", "/retailer/shipments", params={"order-id": "1", "fulfilment-method": "FBR"}).status_code
        == 400
    )
    assert seller.call("GET", "/shared/process-status/0").status_code == 404
    assert seller.call("GET", "/shared/process-status").status_code == 400
    assert seller.call("POST", "/shared/process-status", {"processStatusQueries": []}).status_code == 400


def orders_shipped_with_bols_label(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create()
    order_id, line = seller.order()
    items = {"orderItems": [{"orderItemId": line}]}
    options = seller.call("POST", "/retailer/shipping-labels/delivery-options", items).json()["deliveryOptions"]
    wanted = items | {"shippingLabelOfferId": options[0]["shippingLabelOfferId"]}
    label = seller.finish(seller.call("POST", "/retailer/shipping-labels", wanted))["entityId"]
    seller.call("GET", f"/retailer/shipping-labels/{label}", headers={"Accept": V10_PDF})
    seller.finish(seller.call("POST", "/retailer/shipments", items | {"shippingLabelId": label}))
    seller.call("GET", f"/retailer/orders/{order_id}")
    none = {"orderItems": [{"orderItemId": "1"}]}
    assert seller.call("POST", "/retailer/shipping-labels/delivery-options", none).status_code == 404


def orders_cancelled(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create(stock=10)
    order_id, line = seller.order()
    seller.control("POST", f"orders/{order_id}/request-cancellation", {})
    seller.call("GET", f"/retailer/orders/{order_id}")
    wish = {"orderItems": [{"orderItemId": line, "reasonCode": "REQUESTED_BY_CUSTOMER"}]}
    assert seller.finish(seller.call("PUT", "/retailer/orders/cancellation", wish))["status"] == "SUCCESS"
    assert seller.finish(seller.call("PUT", "/retailer/orders/cancellation", wish))["status"] == "FAILURE"
    wrong = {"orderItems": wish["orderItems"] * 2}
    assert seller.call("PUT", "/retailer/orders/cancellation", wrong).status_code == 400
    period = {"year": "2026", "week": "48"}
    for name in ("CANCELLATIONS", "FULFILMENT", "REVIEWS"):
        seller.call("GET", "/retailer/insights/performance/indicator", params=period | {"name": name})
    assert seller.call("GET", "/retailer/insights/performance/indicator", params=period).status_code == 400


def returns_handled(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create(stock=10)
    seller.call("GET", "/retailer/returns", params={"handled": "false", "fulfilment-method": "FBR"})
    order_id, line = seller.order(quantity=3)
    shipment = {"orderItems": [{"orderItemId": line}], "transport": {"transporterCode": "TNT", "trackAndTrace": "3S1"}}
    seller.finish(seller.call("POST", "/retailer/shipments", shipment))
    made = seller.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1", "quantity": 2}]})
    announced = seller.call("GET", f"/retailer/returns/{made['return_id']}").json()["returnItems"][0]
    seller.call("GET", "/retailer/returns", params={"handled": "false", "page": 1})
    result = {"handlingResult": "RETURN_RECEIVED", "quantityReturned": 2}
    assert seller.finish(seller.call("PUT", f"/retailer/returns/{announced['rmaId']}", result))["status"] == "SUCCESS"
    seller.call("GET", f"/retailer/returns/{made['return_id']}")
    seller.call("GET", "/retailer/returns", params={"handled": "true"})
    own = {"orderItemId": line, "quantityReturned": 1, "handlingResult": "RETURN_DOES_NOT_MEET_CONDITIONS"}
    assert seller.finish(seller.call("POST", "/retailer/returns", own))["status"] == "SUCCESS"
    assert seller.call("POST", "/retailer/returns", own, headers={"Content-Type": "text/plain"}).status_code == 415
    assert seller.call("GET", "/retailer/returns/1").status_code == 404
    assert seller.call("PUT", "/retailer/returns/1", {"handlingResult": "LOST"}).status_code == 400


def pushes(recorded: Recorded) -> None:
    seller = recorded.seller()
    path = "/retailer/subscriptions"
    seller.call("GET", path)
    seller.call("GET", f"{path}/signature-keys")
    body = {"resources": ["ORDER", "PROCESS_STATUS"], "url": "http://127.0.0.1:9/hook", "subscriptionType": "WEBHOOK"}
    made = seller.finish(seller.call("POST", path, body))["entityId"]
    seller.call("GET", path)
    seller.call("GET", f"{path}/{made}")
    seller.finish(seller.call("PUT", f"{path}/{made}", body | {"enabled": False}))
    seller.finish(seller.call("POST", f"{path}/test/{made}"))
    seller.finish(seller.call("DELETE", f"{path}/{made}"))
    assert seller.call("GET", f"{path}/{made}").status_code == 404
    assert seller.call("POST", path, body | {"url": "http://shop.example/hook"}).status_code == 400


def economic_operators(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.call("GET", "/retailer/economic-operators", params={"name": "voorbeeld", "page": 1, "page-size": 10})
    address = {"street": "A", "houseNumber": "1", "postalCode": "1234AB", "city": "Utrecht", "country": "NL"}
    contact = {"emailAddress": "a@b.example", "phoneNumber": "+31201234567"}
    body = {"name": "Maker", "address": address, "contactInformation": contact}
    made = seller.call("POST", "/retailer/economic-operator", body).json()["id"]
    seller.call("PUT", f"/retailer/economic-operator/{made}", body | {"name": "Maker B.V."})
    seller.call("DELETE", f"/retailer/economic-operator/{made}")
    seller.call("GET", f"/retailer/economic-operator/{OPERATOR_ID}")
    assert seller.call("GET", f"/retailer/economic-operator/{made}").status_code == 404
    assert seller.call("POST", "/retailer/economic-operator", {"name": "Maker"}).status_code == 400


def the_retailer(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.call("GET", "/retailer/products/categories", headers={"Accept-Language": "fr-BE"})
    seller.call("GET", "/retailer/retailers/current")
    assert seller.call("GET", "/retailer/retailers/7").status_code == 404


def refusals_at_the_door(recorded: Recorded) -> None:
    seller = recorded.seller(limits={"get-orders": 2})
    seller.call("GET", "/retailer/orders", headers={"Accept": "application/json"})
    seller.call("GET", "/retailer/offers", headers={"Accept": "application/vnd.retailer.v10+json"})
    answers = [seller.call("GET", "/retailer/orders") for _ in range(2)]
    assert answers[-1].status_code == 429
    seller.call("GET", "/retailer/orders/1", headers={"Authorization": "Bearer stolen"})
    seller.call("POST", "/retailer/offers", offer(), headers={"Content-Type": "application/json"})
    seller.call("POST", "/retailer/offers", content=b"{", headers={"Content-Type": "application/vnd.retailer.v11+json"})
    for path in ("/retailer/orders/1", "/retailer/offers", "/retailer/retailers/current"):
        seller.fault("throttle", params={"retry_after": 1})
        assert seller.call("GET", path).status_code == 429
        seller.fault("unauthorised")
        assert seller.call("GET", path).status_code == 401


SCENARIOS: tuple[Callable[[Recorded], None], ...] = (
    offers_in_all_conditions,
    offers_in_pages,
    offers_not_for_sale,
    offers_refused,
    content_and_its_report,
    orders_listed_and_read,
    orders_shipped,
    orders_shipped_with_bols_label,
    orders_cancelled,
    returns_handled,
    pushes,
    economic_operators,
    the_retailer,
    refusals_at_the_door,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_sandbox_is_as_described(scenario: Callable[[Recorded], None], recorded: Recorded) -> None:
    scenario(recorded)
    assert recorded.exchanges
    assert recorded.faults() == []


def test_every_operation_of_the_sandbox_is_tried(recorded: Recorded) -> None:
    for scenario in SCENARIOS:
        scenario(recorded)
    succeeded = {item.operation for item in recorded.exchanges if item.response.is_success}
    assert {operation.name for operation in operations()} - NOT_DESCRIBED - succeeded == set()


# What the adapter itself sends


def _draft(sku: str, gtin: str, **more: Any) -> OfferDraft:
    content = OfferContent(title="A mug", brand="Potter", images=("https://shop.example/1.jpg",))
    price = Money(amount=Decimal("12.90"), currency="EUR")
    return OfferDraft(key=sku, sku=sku, gtin=gtin, stock=9, price=price, content=content, **more)


def channel_offers(account: Account) -> None:
    channel = account.channel
    channel.check()
    assert len(list(channel.list_categories())) == 7
    created = channel.create_offers([_draft("A-1", EANS[0]), _draft("A-2", EANS[1], condition="as_new")])
    assert [result.outcome for result in created] == [Outcome.APPLIED, Outcome.APPLIED]
    ref = {"key": "1", "offer_id": created[0].offer_id or "", "sku": "A-1", "gtin": EANS[0]}
    channel.create_offers([_draft("A-1", EANS[0]), _draft("A-3", EANS[0])])
    channel.update_stock([StockUpdate(stock=4, **ref)])
    channel.update_prices([PriceUpdate(price=Money(amount=Decimal("9.99"), currency="EUR"), **ref)])
    content = channel.update_content([ContentUpdate(content=_draft("A-1", EANS[0]).content, **ref)])[0]
    channel.follow([content.submission or ""])
    channel.find_offers(["A-1", "B-1"], list(EANS))
    channel.list_offers(None)
    channel.sale_status(OfferRef(**ref))
    account.seller.order(quantity=4)
    channel.sale_status(OfferRef(**ref))
    channel.end_offers([OfferRef(**ref)])
    channel.end_offers([OfferRef(**ref)])


def channel_orders(account: Account) -> None:
    channel = account.channel
    channel.list_open_orders(None)
    channel.create_offers([_draft("A-1", EANS[0])])
    order_id, line = account.seller.order(quantity=3)
    other_id, other = account.seller.order()
    now = datetime.now(UTC)
    channel.list_open_orders(None)
    for since in (now - timedelta(minutes=9), now - timedelta(days=1)):
        channel.list_orders(since, None)
    lines = (ParcelLine(external_id=line, quantity=2),)
    parcel = Parcel(reference="SB-1", carrier="TNT", tracking="3SBOL1", lines=lines)
    shipped = channel.confirm_shipment(channel.fetch_order(order_id), parcel)
    cancelled = channel.cancel_line(other_id, other, 1, CancelReason.OUT_OF_STOCK)
    channel.follow([shipped.submission or "", cancelled.submission or "", "1"])
    account.seller.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1", "quantity": 1}]})
    announced = channel.list_returns(None).items[0].lines[0]
    channel.decide_return(announced.external_id, ReturnDecision.REFUSED, 1)
    channel.list_returns("handled/1")
    channel.score()


def channel_push(account: Account) -> None:
    for _ in range(2):
        account.channel.ensure_push("http://127.0.0.1:9/hook")
    with pytest.raises(Reauthorise):
        account.channel.push_hints([("Signature", "keyId=0")], b"{}")


@pytest.mark.parametrize("scenario", [channel_offers, channel_orders, channel_push], ids=lambda item: item.__name__)
def test_every_request_of_the_adapter_is_as_described(
    scenario: Callable[[Account], None], recorded: Recorded, serve: Callable[..., str]
) -> None:
    account = Account(serve(create_sandbox(**AT_ONCE)), check=recorded.check)
    scenario(account)
    assert recorded.exchanges
    assert recorded.faults() == []
    refused = [str(item) for item in recorded.exchanges if item.response.status_code in (400, 406, 415)]
    assert refused == []


def test_the_adapter_uses_every_operation_it_has_a_limit_for(recorded: Recorded, serve: Callable[..., str]) -> None:
    used: set[str] = set()
    for scenario in (channel_offers, channel_orders, channel_push):
        account = Account(serve(create_sandbox(**AT_ONCE)), check=recorded.check)
        scenario(account)
        used |= set(account.operations())
    assert set(ADAPTER.manifest.limits) - used == set()


def test_categories_of_the_description_itself_are_read(specs_dir: Path) -> None:
    """Made of the examples in the schema, one below the other."""
    described = json.loads((specs_dir / "bol" / "retailer-v10.json").read_text(encoding="utf-8"))
    fields = described["components"]["schemas"]["ProductCategory"]["properties"]
    one = {name: field["example"] for name, field in fields.items() if "example" in field}
    found = list(
        categories([one | {"subcategories": [one | {"categoryId": "2", "subcategories": None}, {"categoryId": "3"}]}])
    )
    assert [(item.id, item.parent, item.leaf) for item in found] == [("43646", None, False), ("2", "43646", True)]
    assert found[1].path == ("Auto & Motor", "Auto & Motor")


# The check itself


def test_the_check_sees_a_wrong_request(spec: BolSpecification, serve: Callable[..., str]) -> None:
    seller = Seller(serve(create_sandbox(**AT_ONCE)))
    made = seller.create()
    answer = seller.call("PATCH", f"/retailer/offers/{made}", {"stock": {"amount": 3}})
    sent = httpx.Request("PATCH", answer.request.url, headers=answer.request.headers, json={"stock": {"amount": "3"}})
    assert "is not of type 'integer'" in spec.check(sent, answer).faults[0]


def test_the_check_sees_a_wrong_answer(spec: BolSpecification, serve: Callable[..., str]) -> None:
    seller = Seller(serve(create_sandbox(**AT_ONCE)))
    answer = seller.call("GET", f"/retailer/offers/{seller.create()}")
    body = answer.json() | {"condition": {"category": "NEARLY_NEW"}}
    changed = httpx.Response(200, json=body, headers={"Content-Type": answer.headers["content-type"]})
    assert "NEARLY_NEW" in spec.check(answer.request, changed).faults[0]


# bol's own examples, field by field as its descriptions give them, through the mapping


def example_of(spec: Any, schema: Any) -> Any:
    """What the examples of a schema's fields make together."""
    if "$ref" in schema:
        return example_of(spec, spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "example" in schema:
        return schema["example"]
    if "allOf" in schema or "oneOf" in schema:
        return example_of(spec, (schema.get("allOf") or schema["oneOf"])[0])
    if schema.get("type") == "array":
        return [example_of(spec, schema["items"])]
    if "properties" not in schema:
        return None  # a plain value without an example
    told = {name: example_of(spec, part) for name, part in schema["properties"].items()}
    return {name: value for name, value in told.items() if value is not None}


@pytest.fixture(scope="session")
def retailer(specs_dir: Path) -> Any:
    return json.loads((specs_dir / "bol" / "retailer-v10.json").read_text(), parse_float=Decimal)


def _named(spec: Any, name: str) -> Any:
    return example_of(spec, spec["components"]["schemas"][name])


def test_bols_example_order_is_read(retailer: Any) -> None:
    told = _named(retailer, "Order")
    found = mapping.order(told)
    [line], [item] = found.lines, told["orderItems"]
    assert found.external_id == "A2K8290LP8"
    assert found.placed_at == datetime(2017, 2, 9, 11, 39, 48, tzinfo=UTC)
    assert (found.ship_to.first_name, found.ship_to.city, found.ship_to.country) == ("Billie", "Utrecht", "NL")
    assert (line.external_id, line.quantity, line.shipped, line.cancelled) == ("2012345678", 10, 10, 0)
    assert (line.unit_price.amount, line.total.amount) == (Decimal("12.99"), Decimal("118.91"))
    assert (line.gtin, line.sku) == (item["product"]["ean"], item["offer"]["reference"])
    assert line.expires_at is not None
    assert mapping.order_ref(told).mark == found.list_mark


def test_bols_example_return_is_read(retailer: Any) -> None:
    found = mapping.marketplace_return(_named(retailer, "Return"), datetime(2026, 1, 1, tzinfo=UTC))
    [line] = found.lines
    assert (found.external_id, line.external_id, line.order_id) == ("1", "31234567", "4012345678")
    assert found.registered_at == datetime(2016, 11, 14, 10, 6, 48, 423000, tzinfo=UTC)
    assert (line.quantity, line.handled) == (1, True)
    assert line.reason


def test_bols_example_process_and_offer_are_read(retailer: Any, specs_dir: Path) -> None:
    process = mapping.submission(_named(retailer, "ProcessStatus"), "1")
    assert process.state in SubmissionState
    assert process.entity_id
    offers = yaml.safe_load((specs_dir / "bol" / "offers-v11.yaml").read_text())
    told = _named(offers, "OfferResponse")
    live = mapping.live_offer(told)
    assert (live.offer_id, live.gtin, live.sku) == (told["offerId"], told["ean"], told["reference"])
    assert live.price == Money(amount=Decimal("9.99"), currency="EUR")
