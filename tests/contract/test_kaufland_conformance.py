"""Every request to and every answer from the Kaufland sandbox, held against Kaufland's own description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import ContentUpdate, PriceUpdate
from channel_adapters.kaufland import ADAPTER
from channel_adapters.kaufland.sandbox import create_sandbox
from channel_adapters.kaufland.sandbox.operations import operations
from tests.support.kaufland import (
    AT_ONCE,
    EANS,
    Account,
    Listener,
    Seller,
    Serve,
    all_pages,
    create,
    draft,
    parcel,
    stock,
    unit,
)
from tests.support.kaufland_spec import KauflandSpecification
from tests.support.openapi import Exchange


@pytest.fixture(scope="session")
def spec(specs_dir: Path) -> KauflandSpecification:
    return KauflandSpecification(specs_dir / "kaufland")


class Recorded:
    """Sellers and accounts whose exchanges are all checked."""

    def __init__(self, spec: KauflandSpecification, serve: Serve) -> None:
        self._spec = spec
        self.serve = serve
        self.exchanges: list[Exchange] = []

    def seller(self, **options: Any) -> Seller:
        return Seller(self.serve(create_sandbox(**AT_ONCE | options)), self.check)

    def account(self, sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(self.serve(create_sandbox(**AT_ONCE | (sandbox or {}))), check=self.check, **given)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._spec.check(request, response))

    def faults(self) -> list[str]:
        return [str(exchange) for exchange in self.exchanges if exchange.faults]

    def succeeded(self) -> set[str]:
        return {item.operation for item in self.exchanges if item.response.is_success}


@pytest.fixture
def recorded(spec: KauflandSpecification, serve: Serve) -> Recorded:
    return Recorded(spec, serve)


def the_account(recorded: Recorded) -> None:
    seller = recorded.seller(storefronts=("de", "cz"))
    for path in (
        "/status/ping",
        "/info/storefront",
        "/info/locale",
        "/info/vat-indicators",
        "/carriers",
        "/warehouses",
    ):
        assert seller.call("GET", path).status_code == 200
    seller.call("GET", "/info/vat-indicators?storefront=cz")
    seller.call("GET", "/shipping-groups?storefront=cz&limit=30")
    assert seller.call("GET", "/shipping-groups?storefront=fr").status_code == 403
    assert seller.call("GET", "/shipping-groups").status_code == 400


def units(recorded: Recorded) -> None:
    seller = recorded.seller()
    more = {"condition": "USED___GOOD", "note": "scratched", "minimum_price": 900, "vat_indicator": "zero_rate"}
    first, second = seller.create(), seller.create(sku="A-2", ean=EANS[1], id_shipping_group=9000, **more)
    path = f"/units/{first}?storefront=de"
    seller.call("GET", f"{path}&embedded=products")
    seller.call("PATCH", path, {"status": "ONHOLD", "amount": 0, "listing_price": 1, "handling_time": 3})
    changes = [{"id_unit": first, "unit_data": {"amount": 3}}, {"id_unit": 999, "unit_data": {"amount": 3}}]
    changes += [{"id_unit": second, "unit_data": {"listing_price": 2 * 10**8}}]
    answer = seller.call("POST", "/units/bulk?storefront=de", changes)
    assert [item["status_code"] for item in answer.json()["data"]] == [200, 404, 400]
    seller.fault("partial", "bulkUpdateUnits", params={"status": 500})
    seller.call("POST", "/units/bulk?storefront=de", changes)
    assert seller.call("POST", "/units/bulk?storefront=de", changes + changes[:1]).status_code == 400
    many = [{"id_unit": number, "unit_data": {"amount": 1}} for number in range(1, 152)]
    assert seller.call("POST", "/units/bulk?storefront=de", many).status_code == 400
    seller.call("GET", "/units?storefront=de&limit=1&offset=1&embedded=products")
    seller.call("GET", f"/units?storefront=de&id_offer=A-2&ean={EANS[1]}")
    for body in (unit(), unit(sku="A-2"), unit(sku="B", ean="12"), unit(sku="B", price=0), {"ean": EANS[2]}):
        assert seller.call("POST", "/units?storefront=de", body).status_code == 400
    assert seller.call("DELETE", path).status_code == 204
    assert seller.call("GET", path).status_code == 404


def products(recorded: Recorded) -> None:
    seller = recorded.seller(known_products="none", data_seconds=600)
    body = {"ean": [EANS[0]], "attributes": {"title": ["Mug"], "picture": ["ftp://x"], "width": ["wide"]}}
    contact = {"name": "Maker", "address": "Street 1, City", "email_address": "a@b.example"}
    seller.call("PUT", "/product-data?locale=de-DE", body)
    seller.call("GET", f"/product-data/status/{EANS[0]}?locale=de-DE")
    quick = recorded.seller(known_products="none")
    quick.call("PATCH", "/product-data?locale=de-DE", body)
    quick.call("GET", f"/product-data/status/{EANS[0]}?locale=de-DE")
    good = {"description": ["Blue"], "picture": ["https://a.example/1.jpg"], "width": ["1"]}
    quick.call(
        "PATCH",
        "/product-data?locale=de-DE",
        {"ean": [EANS[0]], "attributes": good | {"product_safety_contact": contact}},
    )
    status = quick.call("GET", f"/product-data/status/{EANS[0]}?locale=de-DE").json()["data"]
    assert (status["update_status"], status["product_ready"]) == ("SUCCESS", True)
    quick.call("GET", f"/product-data/{EANS[0]}?locale=de-DE")
    quick.call("GET", f"/products/ean/{EANS[0]}?storefront=de")
    quick.call("PUT", "/product-data?locale=cs-CZ", {"ean": [EANS[1]], "attributes": {"colour": ["Rot"]}})
    failed = quick.call("GET", f"/product-data/status/{EANS[1]}?locale=cs-CZ").json()["data"]
    assert failed["update_status"] == "FAIL"
    assert quick.call("GET", f"/product-data/status/{EANS[2]}?locale=de-DE").status_code == 404
    assert quick.call("GET", f"/products/ean/{EANS[2]}?storefront=de").status_code == 404
    assert quick.call("PUT", "/product-data?locale=de-CH", body).status_code == 400


def categories(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.call("GET", "/categories/tree?storefront=de")
    wanted = {"storefront": "de", "embedded": ["required_attributes", "optional_attributes"]}
    seller.call("GET", "/categories/30021", params=wanted)
    assert seller.call("GET", "/categories/9?storefront=de").status_code == 404
    seller.call("GET", "/attributes?storefront=de&limit=2")
    seller.call("GET", "/attributes/45/shared-set?locale=de-DE&q=braun&limit=100")


def orders(recorded: Recorded) -> None:
    seller = recorded.seller(first_status="open")
    seller.create(amount=50)
    order_id, pieces = seller.order(quantity=6, line={"shipping": 3.99}, pickup=True)
    other, _ = seller.order(
        paid=False, deemed_supplier=True, line={"vat": None}, fulfillment_type="fulfilled_by_kaufland"
    )
    both = {"fulfillment_type": ["fulfilled_by_merchant", "fulfilled_by_kaufland"], "limit": 1}
    seller.call("GET", "/orders", params=both)
    seller.call("GET", "/orders?storefront=de&ts_created_from_iso=2026-01-01T00:00:00Z&limit=100&offset=1")
    seller.call("GET", f"/orders/{order_id}", params={"embedded": ["delivery", "order_invoices"]})
    for key in (other, "NONE"):
        seller.call("GET", f"/orders/{key}")
    path = f"/order-units/{pieces[0]}"
    assert seller.call("PATCH", f"{path}/fulfil").status_code == 204
    assert seller.call("PATCH", f"{path}/fulfil").status_code == 403
    unpaid = seller.shown(other)["lines"][0]["line_id"]
    assert seller.call("PATCH", f"/order-units/{unpaid}/fulfil").status_code == 403
    parcel = {"tracking_numbers": "0034123456789,0034987654321", "carrier_code": "DHL"}
    assert seller.call("PATCH", f"{path}/send", parcel).status_code == 204
    assert seller.call("PATCH", f"{path}/send", parcel).status_code == 403
    for wrong in ({"carrier_code": "dhl"}, {"tracking_numbers": ""}):
        assert seller.call("PATCH", f"{path}/send", parcel | wrong).status_code == 400
    further = {"id_order_unit": int(pieces[0]), "shipment_information": {"tracking_number": "1", "carrier_code": "GLS"}}
    assert seller.call("POST", "/shipments", further).status_code == 204
    assert seller.call("PATCH", f"{path}/refund", {"amount": 100, "reason": "delivery_delay"}).status_code == 204
    assert seller.call("PATCH", f"{path}/refund", {"amount": 10**6, "reason": "defect"}).status_code == 400
    assert seller.call("PATCH", f"/order-units/{pieces[1]}/cancel", {"reason": "NoInventory"}).status_code == 204
    assert seller.call("PATCH", f"/order-units/{pieces[1]}/cancel", {"reason": "NoInventory"}).status_code == 403
    assert seller.call("PATCH", f"/order-units/{pieces[1]}/cancel", {"reason": "Mood"}).status_code == 400
    seller.control("POST", f"orders/{order_id}/expire", {})
    wanted = {"status": ["sent", "cancelled"], "sort": "ts_updated:desc", "limit": 100, "storefront": "de"}
    seller.call("GET", "/order-units", params=wanted)
    seller.call("GET", path, params={"embedded": ["tickets", "return_unit"]})
    assert seller.call("GET", "/order-units/1").status_code == 404
    assert seller.call("GET", "/order-units?status=lost").status_code == 400
    assert seller.call("GET", "/orders?ts_created_from_iso=yesterday").status_code == 400


def tickets(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create()
    order_id, pieces = seller.order(quantity=2)
    key = seller.control("POST", f"orders/{order_id}/request-cancellation", {})["ticket"]
    wanted = {"status": ["opened"], "topic": ["order_cancel"], "storefront": ["de", "at"], "limit": 30}
    seller.call("GET", "/tickets", params=wanted)
    seller.call("GET", f"/tickets/{key}", params={"embedded": ["order_units", "messages"]})
    seller.call("GET", f"/orders/{order_id}")
    seller.call("GET", f"/order-units/{pieces[0]}", params={"embedded": ["tickets"]})
    assert seller.call("POST", f"/tickets/{key}/messages", {"text": "No."}).status_code == 201
    assert seller.call("PATCH", f"/tickets/{key}/close").status_code == 204
    assert seller.call("PATCH", f"/tickets/{key}/close").status_code == 400
    assert seller.call("GET", "/tickets/001999").status_code == 404


def returns(recorded: Recorded) -> None:
    seller = recorded.seller()
    seller.create(amount=9)
    order_id, pieces = seller.order(quantity=4)
    for piece in pieces:
        seller.call("PATCH", f"/order-units/{piece}/send", {"tracking_numbers": "1", "carrier_code": "DPD"})
    lines = [{"sku": "A-1", "quantity": 4}]
    made = seller.control("POST", "returns", {"order_id": order_id, "lines": lines, "arrived": False})["return_id"]
    units = [item["line_id"] for item in seller.control("GET", "returns")[0]["lines"]]
    assert seller.call("PATCH", f"/return-units/{units[0]}/accept").status_code == 403
    seller.control("POST", f"returns/{made}/arrive", {})
    seller.call("GET", "/returns?storefront=de&status=package_received&sort=ts_updated:desc&limit=100")
    seller.call("GET", f"/returns/{made}?embedded=return_units")
    told = {"message": "needs clarification"}
    acts = (("accept", None), ("reject", told), ("clarify", told), ("repair", None))
    for key, (act, body) in zip(units, acts, strict=True):
        assert seller.call("PATCH", f"/return-units/{key}/{act}", body).status_code == 204
    seller.call("GET", "/return-units", params={"status": ["return_accepted", "return_rejected"], "storefront": "de"})
    seller.call("GET", f"/return-units/{units[0]}", params={"embedded": ["order_unit", "tickets"]})
    seller.call("GET", f"/order-units/{pieces[0]}", params={"embedded": ["return_unit"]})
    for path in ("/returns/1", "/return-units/1"):
        assert seller.call("GET", path).status_code == 404


def subscriptions(recorded: Recorded) -> None:
    seller, listener = recorded.seller(), Listener(recorded.serve)
    body = {"callback_url": listener.url, "fallback_email": "it@shop.example", "event_name": "order_new"}
    made = seller.call("POST", "/subscriptions?storefront=de", body).json()["data"]["id_subscription"]
    assert seller.call("POST", "/subscriptions?storefront=de", body).status_code == 400
    dead = body | {"callback_url": "http://127.0.0.1:9/", "event_name": "return_new"}
    assert seller.call("POST", "/subscriptions?storefront=de", dead).status_code == 400
    seller.call("GET", "/subscriptions?storefront=de&limit=30")
    seller.call("GET", f"/subscriptions/{made}")
    seller.call("PATCH", f"/subscriptions/{made}", {"is_active": False})
    assert seller.call("DELETE", f"/subscriptions/{made}").status_code == 204
    assert seller.call("GET", f"/subscriptions/{made}").status_code == 404


def refusals_at_the_door(recorded: Recorded) -> None:
    seller = recorded.seller(limit=3)
    for wrong in ({"Shop-Signature": "0" * 64}, {"Shop-Client-Key": "x"}, {"User-Agent": ""}, {"Shop-Timestamp": "1"}):
        assert seller.call("GET", "/status/ping", headers=wrong).status_code == 401
    assert 429 in [seller.call("GET", "/status/ping").status_code for _ in range(20)]
    other = recorded.seller()
    assert other.call("POST", "/units?storefront=de", content=b"{").status_code == 400
    for kind, status in (("unauthorised", 401), ("throttle", 429)):
        other.fault(kind)
        assert other.call("GET", "/status/ping").status_code == status


SCENARIOS: tuple[Callable[[Recorded], None], ...] = (
    the_account,
    units,
    products,
    categories,
    orders,
    tickets,
    returns,
    subscriptions,
    refusals_at_the_door,
)


def test_every_answer_of_the_sandbox_is_as_described(recorded: Recorded) -> None:
    for scenario in SCENARIOS:
        scenario(recorded)
    assert recorded.faults() == []
    assert {operation.name for operation in operations()} - recorded.succeeded() == set()


# What the adapter itself sends


def channel_offers(recorded: Recorded) -> None:
    account = recorded.account(settings={"safety_name": "Maker", "safety_address": "Street 1", "warehouse": "8001"})
    channel = account.channel
    channel.check()
    channel.requirements(next(item.id for item in channel.list_categories() if item.leaf))
    content = OfferContent(title="A mug", brand="Potter", images=("https://a.example/1.jpg",), category="30021")
    offer = create(account, content=content)
    channel.create_offers([draft("A-1"), draft("A-1", EANS[1], site="at"), draft("B-1", EANS[1], condition="good")])
    channel.update_stock([stock(offer, 4)])
    channel.update_prices([PriceUpdate(price=Money(amount=Decimal("9.99"), currency="EUR"), **offer.model_dump())])
    sent = channel.update_content([ContentUpdate(content=content, **offer.model_dump())])[0]
    channel.follow([sent.submission or ""])
    replaces = recorded.account(settings={"content_mode": "replace"})
    replaces.channel.update_content([ContentUpdate(content=content, **create(replaces).model_dump())])
    channel.find_offers(["A-1"], [EANS[0]])
    list(all_pages(channel.list_offers))
    channel.sale_status(offer)
    channel.end_offers([offer])


def channel_orders(recorded: Recorded) -> None:
    account = recorded.account({"first_status": "open"})
    channel = account.channel
    create(account, stock=20)
    order_id, pieces = account.seller.order(quantity=3)
    list(all_pages(lambda cursor: channel.list_orders(datetime.now(UTC) - timedelta(hours=1), cursor)))
    list(all_pages(channel.list_open_orders))
    channel.accept_order(channel.fetch_order(order_id), pieces[2:])
    code = channel.carrier_code("dhl", "0034123")
    for _ in range(2):
        channel.confirm_shipment(channel.fetch_order(order_id), parcel(pieces[0], carrier=code))
    for line in (pieces[1], pieces[0]):
        account.seller.control("POST", f"orders/{order_id}/request-cancellation", {}) if line == pieces[1] else None
        list(all_pages(lambda cursor: channel.list_orders(datetime.now(UTC) - timedelta(hours=1), cursor)))
        channel.cancel_line(order_id, line, 1, CancelReason.BUYER_REQUEST)
    money = Money(amount=Decimal("1.50"), currency="EUR")
    refunds = [ChannelRefund(line_id=pieces[0], quantity=1, amount=money, reason=RefundReason.RETURNED)]
    channel.refund(order_id, refunds, "ref-1")


def channel_returns(recorded: Recorded) -> None:
    account = recorded.account({"first_status": "open"})
    create(account, stock=20)
    order_id, pieces = account.seller.order(quantity=5)
    account.channel.confirm_shipment(account.channel.fetch_order(order_id), parcel(*pieces))
    account.seller.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1", "quantity": 5}]})
    units = [line.external_id for line in next(all_pages(account.channel.list_returns)).lines]
    for key, decision in zip(units, ReturnDecision, strict=True):
        account.channel.decide_return(key, decision, 1)
    list(all_pages(account.channel.list_returns))


def channel_push(recorded: Recorded) -> None:
    account, listener = recorded.account(settings={"fallback_email": "a@b.example"}), Listener(recorded.serve)
    account.channel.ensure_push(listener.url)
    known = account.seller.call("GET", "/subscriptions").json()["data"]
    account.seller.call("PATCH", f"/subscriptions/{known[0]['id_subscription']}", {"is_active": False})
    account.channel.ensure_push(listener.url)


def test_every_request_of_the_adapter_is_as_described(recorded: Recorded) -> None:
    for scenario in (channel_offers, channel_orders, channel_returns, channel_push):
        scenario(recorded)
    assert recorded.faults() == []
    malformed = [str(item) for item in recorded.exchanges if item.response.status_code in (401, 405)]
    assert malformed == []
    refused = {item.operation for item in recorded.exchanges if item.response.status_code == 400}
    assert refused <= {"createUnit"}
    unused = {operation.name for operation in operations()} - recorded.succeeded()
    assert unused == {
        "Ping", "GetAllLocales", "GetVatIndicators", "patchUnit", "GetProductData", "GetProductByEan",
        "GetAttributeList", "GetReturns", "GetReturn", "GetSubscription", "DeleteSubscription",
    }  # fmt: skip


def test_sites_and_currencies_are_those_of_the_specification(spec: KauflandSpecification) -> None:
    schemas = spec.description.schemas()
    manifest = ADAPTER.manifest
    assert [site.code for site in manifest.sites] == schemas["Storefront"]["enum"]
    assert {site.currency for site in manifest.sites} == set(schemas["Currency"]["enum"])


# The check itself


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(spec: KauflandSpecification, serve: Serve) -> None:
    seller = Seller(serve(create_sandbox(**AT_ONCE)))
    answer = seller.call("PATCH", f"/units/{seller.create()}?storefront=de", {"amount": 3})
    sent = httpx.Request("PATCH", answer.request.url, headers=answer.request.headers, json={"amount": "3"})
    assert "is not of type 'integer'" in spec.check(sent, answer).faults[0]
    body = {"data": answer.json()["data"] | {"status": "SOLD"}}
    changed = httpx.Response(200, json=body, headers={"Content-Type": "application/json"})
    assert "SOLD" in spec.check(answer.request, changed).faults[0]
