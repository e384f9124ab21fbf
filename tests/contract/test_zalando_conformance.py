"""Every request to and every answer from the Zalando sandbox, held against the condensed descriptions of the APIs. The
official files are shown on Zalando's website only; what is checked here was written down from them (tests/fixtures)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.order import CancelReason
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import ContentUpdate
from channel_adapters.zalando.sandbox import create_sandbox
from channel_adapters.zalando.sandbox.operations import operations
from channel_adapters.zalando.sandbox.options import MERCHANT
from channel_adapters.zalando.sandbox.protocol import is_gtin13
from tests.support.openapi import Exchange
from tests.support.zalando import (
    AT_ONCE,
    DE,
    EANS,
    JSON_API,
    OUTLINED,
    Account,
    Contract,
    Partner,
    Serve,
    all_pages,
    basic,
    draft,
    parcel,
    price,
    ref,
    stock,
)

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


class Recorded:
    """Partners and accounts whose exchanges are all checked."""

    def __init__(self, contract: Contract, serve: Serve) -> None:
        self._contract = contract
        self._serve = serve
        self.exchanges: list[Exchange] = []

    def partner(self, **options: Any) -> Partner:
        return Partner(self._serve(create_sandbox(**AT_ONCE | options)), self.check)

    def account(self, sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        found = Account(self._serve(create_sandbox(**AT_ONCE | (sandbox or {}))), check=self.check, **given)
        found.partner.has()
        return found

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._contract.check(request, response))

    def faults(self) -> list[str]:
        return [str(exchange) for exchange in self.exchanges if exchange.faults]

    def succeeded(self) -> set[str]:
        return {item.operation for item in self.exchanges if item.response.is_success}


@pytest.fixture
def recorded(contract: Contract, serve: Serve) -> Recorded:
    return Recorded(contract, serve)


# What the sandbox answers


def at_the_door(recorded: Recorded) -> None:
    partner = recorded.partner()
    for secret, grant in (("wrong", "client_credentials"), ("", "password")):
        auth = basic(secret=secret) if secret else basic()
        answer = partner.http.post("/auth/token", data={"grant_type": grant}, headers={"Authorization": auth})
        assert answer.status_code in (400, 401)
    assert partner.call("GET", "/auth/me", headers={"Authorization": "Bearer none"}).status_code == 401
    assert partner.call("GET", "/auth/me").json()["bpids"] == [MERCHANT]
    assert partner.call("GET", "/sales-channels", params={"zalando_only": "true"}).status_code == 400
    for only, count in (("true", 3), ("false", 4)):
        found = partner.call("GET", "/sales-channels", params={"merchant_ids": MERCHANT, "zalando_only": only})
        assert len(found.json()["items"]) == count
    assert partner.call("GET", f"/merchants/{NOBODY}/logistic-centers").status_code == 403
    partner.call("GET", "~/logistic-centers")
    assert partner.call("GET", "~/orders").status_code == 406
    body = {"data": {"type": "Order", "id": NOBODY, "attributes": {"tracking_number": "1"}}}
    plain = {"Accept": JSON_API["Accept"], "Content-Type": "application/json"}
    assert partner.call("PATCH", f"~/orders/{NOBODY}", body, headers=plain).status_code == 415
    partner.fault("unauthorised")
    assert partner.api("GET", "~/orders").status_code == 401
    for path, headers in (("~/outlines", {}), ("~/orders", JSON_API)):
        partner.fault("throttle", params={"retry_after": 3})
        assert partner.call("GET", path, headers=headers).headers["Retry-After"] == "3"


def the_minute(recorded: Recorded) -> None:
    """Budgets of calls and of updates. Unchecked: the shape of a 429 is looked at elsewhere."""
    partner = recorded.partner(limits=True)
    partner.check = None
    answers = (partner.api("GET", "~/orders", params={"page[size]": 1}) for _ in range(90))
    late = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(late.headers["Retry-After"]) <= 60
    assert late.headers["X-Rate-Limit"] == "40"
    item = {"sales_channel_id": DE, "quantity": 1}
    many = [item | {"ean": ean} for ean in (f"{number:013d}" for number in range(10000)) if is_gtin13(ean)][:900]
    assert 429 in [partner.call("POST", "~/stocks", {"items": many}).status_code for _ in range(6)]


def articles(recorded: Recorded) -> None:
    partner = recorded.partner(known_products="none")
    assert partner.call("GET", f"/products/identifiers/{EANS[0]}").json() == {"items": []}
    path, wanted = f"~/products/identifiers/{EANS[0]}", {"merchant_product_simple_id": "A-1"}
    assert partner.call("PUT", path, wanted).status_code == 404
    assert partner.call("PUT", path, {}).status_code == 400
    partner.has("B-1", EANS[0])
    assert partner.call("PUT", path, wanted | {"merchant_product_model_id": "M"}).status_code == 204
    assert (partner.offer()["model"], partner.offer()["config"]) == ("M", None)
    assert partner.call("PUT", path, wanted).status_code == 204
    assert partner.offer()["model"] is None
    partner.has("C-1", EANS[1])
    assert partner.call("PUT", f"~/products/identifiers/{EANS[1]}", wanted).status_code == 409
    partner.call("GET", "~/outlines")
    partner.call("GET", "~/attribute-types/material")
    partner.call("GET", "~/attribute-types/brand_code/attributes")
    for unknown in ("~/outlines/hat", "~/attribute-types/hat", "~/attribute-types/hat/attributes"):
        assert partner.call("GET", unknown).status_code == 404
    assert partner.call("POST", "~/product-submissions", {"outline": "shoe"}).status_code == 400
    model = {"merchant_product_model_id": "M", "product_model_attributes": {"name": 5}}
    simple = {"merchant_product_simple_id": "A-1", "product_simple_attributes": {"ean": EANS[2], "size_codes": {}}}
    config = {"merchant_product_config_id": "C", "product_config_attributes": {"waterproof": "x", "odd": 1}}
    body = {"outline": "shoe", "product_model": model | {"product_configs": [config | {"product_simples": [simple]}]}}
    errors = partner.call("POST", "~/product-submissions", body).json()["body_errors"]
    assert {item["reason"] for item in errors} == {
        "MISSING_ATTRIBUTE",
        "UNKNOWN_ATTRIBUTE",
        "UNSUPPORTED_VALUE",
        "INVALID_IDENTIFIER",
    }
    assert partner.call("POST", "~/product-submissions", body | {"outline": "hat"}).status_code == 400


def the_report(recorded: Recorded) -> None:
    partner = recorded.partner()
    for number, question in enumerate(
        (
            '{ psr { product_models(input: {merchant_ids: [], limit: 1, search_value: ""}) { cursor items { name } } } }',
            'query { psr { product_models(input: {merchant_ids: [], limit: 1, search_value: ""}) { items { size } } } }',
            "{ psr { product_models",
            "nonsense",
        )
    ):
        if number == 1:
            partner.has()
        answer = partner.call("POST", "/graphql", {"query": question})
        assert (answer.status_code, "errors" in answer.json()) == (200, number > 0)


def stocks_and_prices(recorded: Recorded) -> None:
    partner = recorded.partner()
    item = {"sales_channel_id": DE, "ean": EANS[0], "quantity": 3}
    odd = [item | {"ean": "4006381333930"}, item | {"sales_channel_id": NOBODY}]
    answer = partner.call("POST", "~/stocks", {"items": [item, *odd]})
    told = [result["result"]["status"] for result in answer.json()["results"]]
    assert (answer.status_code, told) == (207, ["ACCEPTED", "REJECTED", "REJECTED"])
    for wrong in ([item, item], []):
        assert partner.call("POST", "~/stocks", {"items": wrong}).status_code == 400
    cost = {"ean": EANS[0], "sales_channel_id": DE, "regular_price": {"amount": 12.99, "currency": "EUR"}}
    less = cost | {"ean": EANS[1], "promotional_price": {"amount": 13, "currency": "EUR"}}
    zloty = cost | {"ean": EANS[2], "regular_price": {"amount": 12.99, "currency": "PLN"}}
    answer = partner.call("POST", "~/prices", {"product_prices": [cost, less, zloty]})
    assert [result["status"] for result in answer.json()["results"]] == ["ACCEPTED", "REJECTED", "ACCEPTED"]
    first = partner.call("POST", "~/price-attempts", {"page_size": 1}).json()
    after = partner.call("POST", "~/price-attempts", {"page_size": 1}, params={"cursor": _cursor(first)}).json()
    states = {page["items"][0]["ean"]: page["items"][0]["base_price"]["status"] for page in (first, after)}
    assert states == {EANS[0]: "SUBMITTED", EANS[2]: "REJECTED"}
    assert partner.call("POST", "~/price-attempts", {"page_size": 0}).status_code == 400


def _cursor(page: dict[str, Any]) -> str:
    return str(httpx.URL(page["cursors"]["next"]).params["cursor"])


def orders(recorded: Recorded) -> None:
    partner = recorded.partner()
    partner.has()
    order_id, lines = partner.order(quantity=3, shipping=3.99)
    partner.order(quantity=2, status="initial", order_type="ZalandoFulfilled")
    include = {"include": "order_items,order_lines", "page[size]": 1}
    found = partner.api("GET", "~/orders", params=include).json()
    assert (found["meta"]["number_of_results"], len(found["included"])) == (2, 3)
    for filters in (
        {"order_status": "approved"},
        {"order_type": "PartnerFulfilled"},
        {"exported": "false", "sort": "created_at"},
    ):
        partner.api("GET", "~/orders", params=filters)
    for wrong in ({"order_status": "x"}, {"page[number]": "-1"}, {"created_after": "x"}, {"include": "x"}):
        assert partner.api("GET", "~/orders", params=wrong).status_code == 400
    path = f"~/orders/{order_id}"
    partner.api("GET", path)
    assert partner.api("GET", f"~/orders/{NOBODY}").status_code == 404
    partner.api("GET", f"{path}/items", params={"include": "order_lines"})
    item = partner.shown(order_id)["lines"][0]["item_id"]

    def move(line: str, **attributes: Any) -> int:
        body = {"data": {"type": "OrderLine", "id": line, "attributes": attributes}}
        return partner.api("PATCH", f"{path}/items/{item}/lines/{line}", body).status_code

    def change(**attributes: Any) -> int:
        body = {"data": {"type": "Order", "id": order_id, "attributes": attributes}}
        return partner.api("PATCH", path, body).status_code

    assert [change(tracking_number=number) for number in ("1", "2")] == [204, 204]
    assert partner.api("GET", path).json()["data"]["attributes"]["tracking_number"] == "1"
    assert [change(merchant_order_id=number) for number in ("A1", "-")] == [204, 400]
    assert [move(lines[0], status=status) for status in ("shipped", "shipped", "canceled", "x")] == [204, 409, 403, 400]
    assert [move(lines[0], status="returned", reason=reason) for reason in (7, 10)] == [400, 204]
    assert move(lines[1], status="canceled") == 204
    partner.api("GET", f"{path}/items/{item}/lines/{lines[1]}")
    assert partner.api("GET", f"{path}/items/{item}/lines/{NOBODY}").status_code == 404
    shipments(partner, path, lines)


def shipments(partner: Partner, path: str, lines: list[str]) -> None:
    weight = {"weight": {"value": 500, "unit": "g"}, "tracking_number": "9"}
    for line, status in ((lines[0], 403), (NOBODY, 400), (lines[2], 201)):
        made = partner.api("POST", f"{path}/shipments", weight | {"order_lines": [{"order_line_id": line}]})
        assert made.status_code == status
    key = made.json()["shipment_id"]
    assert len(partner.api("GET", f"{path}/shipments").json()["shipments"]) == 2
    for expected in (204, 403):
        assert partner.api("PATCH", f"{path}/shipments/{key}", {"status": "shipped"}).status_code == expected
    assert partner.api("PATCH", f"{path}/shipments/{NOBODY}", {"status": "shipped"}).status_code == 404
    wanted = [{"line_id": lines[2], "reason": "DONT_LIKE"}]
    partner.control("POST", "returns", {"order_id": path.rpartition("/")[2], "lines": wanted})
    found = partner.api("GET", "~/announced-returns", params={"after": "2026-01-01T00:00:00Z", "limit": 1})
    assert found.json()["data"][0]["orders"][0]["merchant_order_id"] == "A1"
    assert partner.api("GET", "~/announced-returns", params={"limit": 0}).status_code == 400
    assert partner.call("GET", "~/orders-deletion-requests").json() == {"items": []}
    order_id = path.rpartition("/")[2]
    partner.control("POST", f"orders/{order_id}/forget", {})
    told = partner.call("GET", "~/orders-deletion-requests", params={"limit": 1}).json()
    assert [item["order_id"] for item in told["items"]] == [order_id]


SCENARIOS: tuple[Callable[[Recorded], None], ...] = (
    at_the_door,
    the_minute,
    articles,
    the_report,
    stocks_and_prices,
    orders,
)


# What the adapter itself sends


def channel_offers(recorded: Recorded) -> None:
    account = recorded.account({"known_products": "none"}, settings=OUTLINED)
    channel = account.channel
    channel.check()
    channel.requirements(next(item.id for item in channel.list_categories()))
    made = channel.create_offers([draft(), draft("B-1", EANS[1]), draft("C-1", EANS[2], site="fr")])
    channel.follow([item.submission for item in made if item.submission])
    channel.update_stock([stock(ref(), 4), stock(ref(EANS[1]), 2)])
    sent = channel.update_prices([price(ref(), "9.99"), price(ref(EANS[1]), "10")])
    channel.follow([item.submission for item in sent if item.submission])
    pictures = ("https://a.example/1.jpg",)
    attributes = {"material.upper_material": "material_code=le; material_percentage=80", "waterproof": "yes"}
    content = OfferContent(title="Shoe", description="Red", images=pictures, category="shoe", attributes=attributes)
    told = channel.update_content([ContentUpdate(content=content, **ref().model_dump())])[0]
    assert (told.submission is not None, told.message) == (True, "")
    channel.find_offers(["A-1"], [EANS[0]])
    assert len(list(all_pages(channel.list_offers))) >= 2
    channel.sale_status(ref())
    channel.end_offers([ref()])


def channel_orders(recorded: Recorded) -> None:
    settings = {"split_shipments": True, "parcel_weight": 500, "return_tracking": "same"}
    account = recorded.account(settings=settings | {"logistic_center": "57be9d4a-28d6-4b83-94de-b784899cabc9"})
    channel = account.channel
    split, units = account.partner.order(quantity=2)
    order_id, lines = account.partner.order(quantity=3)
    list(all_pages(lambda cursor: channel.list_orders(datetime.now(UTC) - timedelta(hours=1), cursor)))
    list(all_pages(channel.list_open_orders))
    channel.acknowledge_order(channel.fetch_order(order_id), "#1001")
    channel.cancel_line(order_id, lines[2], 1, CancelReason.OUT_OF_STOCK)
    account.ship(order_id, parcel(*lines[:2]))
    account.ship(split, parcel(units[0]))
    assert account.partner.states(split) == ["shipped", "reserved"]
    wanted = [{"line_id": lines[0], "reason": "DEFECT"}]
    account.partner.control("POST", "returns", {"order_id": order_id, "lines": wanted})
    (back,) = all_pages(channel.list_returns)
    assert list(channel.forgotten_orders()) == []
    channel.decide_return(back.lines[0].external_id, ReturnDecision.ACCEPTED, 1)
    assert account.partner.states(order_id) == ["returned", "shipped", "canceled"]
    account.partner.fault("mutate", "getOrder", params={"set": {"included": []}})
    channel.fetch_order(order_id)


def test_every_answer_of_the_sandbox_is_as_described(recorded: Recorded) -> None:
    for scenario in SCENARIOS:
        scenario(recorded)
    assert recorded.faults() == []


def test_every_request_of_the_adapter_is_as_described(recorded: Recorded) -> None:
    channel_offers(recorded)
    channel_orders(recorded)
    assert recorded.faults() == []
    assert [str(item) for item in recorded.exchanges if item.response.is_error] == []
    after_refusals = {"getOrderLine"}
    assert {operation.name for operation in operations()} | {"token"} == recorded.succeeded() | after_refusals


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(contract: Contract, serve: Serve) -> None:
    partner = Partner(serve(create_sandbox(**AT_ONCE)))
    answer = partner.call("POST", "~/stocks", {"items": [{"sales_channel_id": DE, "ean": EANS[0], "quantity": 3}]})
    assert contract.check(answer.request, answer).faults == []
    wrong = {"items": [{"sales_channel_id": DE, "ean": EANS[0], "quantity": "3"}]}
    sent = httpx.Request("POST", answer.request.url, headers=answer.request.headers, json=wrong)
    assert "is not of type 'integer'" in contract.check(sent, answer).faults[0]
    changed = httpx.Response(207, json={"results": [{"item": {}}]})
    assert "result" in contract.check(answer.request, changed).faults[0]
