"""Every request of the Mirakl adapter and every answer of its sandbox, held against Mirakl's own description."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, FulfilledBy
from bridge.domain.requirement import AttributeKind
from bridge.domain.returns import ChannelRefund, ReturnDecision
from bridge.ports.channel import ContentUpdate, PriceUpdate, SubmissionState
from bridge.ports.errors import Reauthorise, SlowDown
from channel_adapters.mirakl import ADAPTER, catalogue, mapping
from channel_adapters.mirakl.platform import platform
from channel_adapters.mirakl.sandbox import create_sandbox
from channel_adapters.mirakl.sandbox.operations import operations
from tests.support.mirakl import AT_ONCE, EANS, Shop, draft, euro, parcel, stock
from tests.support.mirakl_spec import MiraklSpecification
from tests.support.offers import named
from tests.support.openapi import Exchange

NAMES = {operation.name for operation in operations()}
# Asked for by hand only; the adapter has no use for them.
BY_HAND = {"OF22"}


@pytest.fixture(scope="module")
def spec(specs_dir: Path) -> MiraklSpecification:
    return MiraklSpecification(specs_dir / "mirakl", NAMES)


class Recorded:
    """Shops whose exchanges are all checked."""

    def __init__(self, spec: MiraklSpecification, serve: Callable[..., str]) -> None:
        self._spec = spec
        self._serve = serve
        self.exchanges: list[Exchange] = []

    def shop(self, sandbox: dict[str, Any] | None = None, **given: Any) -> Shop:
        url = self._serve(create_sandbox(**AT_ONCE | (sandbox or {})))
        return Shop(url, check=self.check, **given)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._spec.check(request, response))

    def call(self, shop: Shop, method: str, path: str, body: Any = None) -> httpx.Response:
        """By hand, with the shop's key."""
        response = shop.http.request(method, path, json=body, headers={"Authorization": "sandbox-mirakl-key"})
        self.check(response.request, response)
        return response


@pytest.fixture
def recorded(spec: MiraklSpecification, serve: Callable[..., str]) -> Recorded:
    return Recorded(spec, serve)


def the_operator(recorded: Recorded) -> None:
    shop = recorded.shop(credentials={"shop_id": "2000"}, settings={"locale": "fr_FR"})
    shop.channel.check()
    assert len(list(shop.channel.list_categories())) == 4
    shop.channel.requirements("MUGS")
    shop.channel.requirements(None)
    assert shop.channel.score()
    assert shop.channel.carrier_code("ups", "1Z") == "UPS"


def offers(recorded: Recorded) -> None:
    shop = recorded.shop(
        settings={"leadtime_to_ship": 2, "offer_fields": ["origin=FR", "matter=WOOD"], "logistic_class": "S"}
    )
    drafts = [draft("A-1"), draft("A-2", EANS[1], price=euro("0"))]
    made, refused = shop.channel.create_offers(drafts)
    assert (shop.end_of(made)[0], shop.end_of(refused)[0]) == (SubmissionState.DONE, SubmissionState.FAILED)
    discount = {"price": 9, "start_date": "2026-01-01T00:00:00Z", "end_date": "2030-01-01T00:00:00Z"}
    steps = [{"quantity_threshold": 10, "unit_origin_price": 8}]
    prices = [{"channel_code": "US", "unit_origin_price": 15, "volume_prices": steps}]
    dates = {"available_started": "2026-01-01T00:00:00Z", "max_order_quantity": 3, "msrp": 20, "description": "Boxed"}
    offer = shop.offer("A-3", ean=EANS[2], more={"discount": discount, "all_prices": prices, **dates})
    update = ContentUpdate(content=OfferContent(title="A mug", brand="Potter"), **offer.model_dump())
    assert shop.end_of(shop.channel.update_content([update])[0])[0] is SubmissionState.DONE
    shop.channel.find_offers(["A-1", "B-1"], list(EANS))
    shop.channel.list_offers(None)
    shop.channel.sale_status(named("A-1"))
    number = shop.channel._client.offers()["offers"][0]["offer_id"]
    assert recorded.call(shop, "GET", f"/api/offers/{number}").status_code == 200
    assert recorded.call(shop, "GET", "/api/offers/9").status_code == 404
    ended = shop.channel.end_offers([offer])[0]
    assert shop.end_of(ended)[0] is SubmissionState.DONE


def stock_and_prices(recorded: Recorded) -> None:
    shop = recorded.shop()
    offer = shop.offer()
    gone = offer.model_copy(update={"key": "gone", "offer_id": "GONE"})
    results = shop.channel.update_stock([stock(offer, 3), stock(gone, 3)])
    price = {"price": euro("9.90")}
    results += shop.channel.update_prices([PriceUpdate(**each.model_dump(), **price) for each in (offer, gone)])
    ends = [shop.end_of(result)[0].value for result in results]
    assert ends == ["done", "failed", "done", "failed"]


def products(recorded: Recorded) -> None:
    shop = recorded.shop({"known_products": "none"})
    good = OfferContent(title="A mug", category="MUGS", attributes={"colour": "BLU", "care": ("DW", "HW")})
    bad = good.model_copy(update={"attributes": {"colour": "PINK"}})
    banned = good.model_copy(update={"brand": "Banned"})
    drafts = [draft(f"A-{n}", EANS[n], content=content) for n, content in enumerate((good, bad, banned))]
    made = shop.channel.create_offers(drafts)
    assert [shop.end_of(result)[0].value for result in made] == ["gone", "failed", "failed"]
    assert recorded.call(shop, "GET", "/api/products/imports/1/error_report").status_code == 404
    slow = recorded.shop({"known_products": "none", "product_seconds": 60})
    waiting = slow.channel.create_offers([draft(content=good)])[0]
    assert slow.channel.follow([waiting.submission or ""])[0].state is SubmissionState.PENDING


def orders(recorded: Recorded) -> None:
    sandbox = {"acceptance": "NOT_AUTOMATIC", "shipping_price": 4.5, "tax_rule": "NONE"}
    shop = recorded.shop(sandbox, settings={"send_order_number": True})
    shop.offer(stock=50)
    line = {"discount": 1, "fee": 0.5}
    order_id, key = shop.order(quantity=4, line=line, pickup_point="P-1")
    shop.channel.list_open_orders(None)
    shop.channel.accept_order(shop.channel.fetch_order(order_id), [])
    order = shop.channel.fetch_order(order_id)
    shop.channel.acknowledge_order(order, "1001")
    shop.channel.acknowledge_order(order.model_copy(update={"external_id": "GONE-A"}), "1")
    shop.channel.cancel_line(order_id, key, 1, CancelReason.OUT_OF_STOCK)
    shop.channel.confirm_shipment(order, parcel(key, 2))
    shop.channel.confirm_shipment(order, parcel(key, 9))
    shop.channel.fetch_order(order_id)
    shop.channel.confirm_shipment(order, parcel(key, 1, "Rare Couriers"))
    shop.channel.refund(order_id, [ChannelRefund(line_id=key, quantity=1, amount=euro("9"), shipping=euro("1"))], "r")
    shop.channel.list_orders(datetime.now(UTC) - timedelta(minutes=5), None)
    declined, other = shop.order()
    shop.channel.accept_order(shop.channel.fetch_order(declined), [other])
    shop.channel.accept_order(shop.channel.fetch_order(declined), [other])


def orders_shipped_and_cancelled_whole(recorded: Recorded) -> None:
    shop = recorded.shop({"multi_shipment": False, "cancel_reasons": False})
    order_id, key = shop.order(force=True)
    order = shop.channel.fetch_order(order_id)
    shop.channel.confirm_shipment(order, parcel(key))
    shop.channel.confirm_shipment(order, parcel(key))
    other, line = shop.order(force=True)
    shop.channel.cancel_line(other, line, 1, CancelReason.OTHER)


def returns(recorded: Recorded) -> None:
    shop = recorded.shop()
    order_id, key = shop.order(quantity=3, force=True)
    shop.channel.confirm_shipment(shop.channel.fetch_order(order_id), parcel(key, 3))
    for decision in (ReturnDecision.ACCEPTED, ReturnDecision.REFUSED):
        shop.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1"}]})
        line = shop.channel.list_returns(None).items[-1].lines[0].external_id
        shop.channel.decide_return(line, decision, 1)
    shop.channel.list_returns("done/")
    shop.fault("partial", "RT21")
    shop.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1"}]})
    shop.channel.decide_return(shop.channel.list_returns(None).items[-1].lines[0].external_id, decision, 1)


def refusals_at_the_door(recorded: Recorded) -> None:
    shop = recorded.shop({"limits": {"STO01": [1, 60]}})
    shop.fault("unauthorised", "OF21")
    with pytest.raises(Reauthorise):
        shop.channel.list_offers(None)
    offer = shop.offer()
    shop.channel.update_stock([stock(offer, 1)])
    with pytest.raises(SlowDown):
        shop.channel.update_stock([stock(offer, 2)])
    assert recorded.call(shop, "GET", "/api/account?shop_id=7").status_code == 403
    assert recorded.call(shop, "PUT", "/api/orders/GONE-A/ship").status_code == 404
    assert recorded.call(shop, "POST", "/api/offers", {"offers": [{"shop_sku": "A"}]}).status_code == 400


SCENARIOS: tuple[Callable[[Recorded], None], ...] = (
    the_operator,
    offers,
    stock_and_prices,
    products,
    orders,
    orders_shipped_and_cancelled_whole,
    returns,
    refusals_at_the_door,
)


def test_requests_and_answers_are_as_described(recorded: Recorded) -> None:
    """All scenarios in one: each is checked, and together they use every operation that has a limit."""
    for scenario in SCENARIOS:
        scenario(recorded)
    assert [str(exchange) for exchange in recorded.exchanges if exchange.faults] == []
    succeeded = {item.operation for item in recorded.exchanges if item.response.is_success}
    assert NAMES - succeeded == set()
    assert set(ADAPTER.manifest.limits) | BY_HAND == NAMES


def test_the_sandbox_serves_only_what_is_described(spec: MiraklSpecification) -> None:
    assert NAMES - spec.operations() - BY_HAND == set()


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(spec: MiraklSpecification, recorded: Recorded) -> None:
    shop = recorded.shop()
    order_id, _ = shop.order(force=True)
    path, key = f"{shop.http.base_url}/api/orders/{order_id}/accept", {"Authorization": "k"}
    wrong = httpx.Request("PUT", path, json={"order_lines": [{"id": 7}]}, headers=key)
    assert "is a required property" in spec.check(wrong, httpx.Response(204)).faults[0]
    asked = httpx.Request("GET", f"{shop.http.base_url}/api/reasons", headers=key)
    answer = httpx.Response(200, json={"reasons": [{"code": 7}], "total_count": 1})
    assert "7 is not of type 'string'" in spec.check(asked, answer).faults[0]


def test_the_descriptions_own_examples_are_understood(specs_dir: Path) -> None:
    """What Mirakl prints as answers of its own, with nulls where its schema has none."""
    spec = json.loads((specs_dir / "mirakl" / "mirakl-mmp-seller-openapi.json").read_text(encoding="utf-8"))
    told = {name: example_of(spec, name) for name in EXAMPLES}
    features = {"features": told["PC01"]["features"]}
    lists = (told["SH21"]["carriers"], told["RE01"]["reasons"], told["AF01"]["additional_fields"])
    known = platform(told["A01"], features, *lists)
    assert (known.currency, known.multi_shipment, known.manual_acceptance) == ("USD", True, True)
    assert (known.carriers[0].code, [reason.code for reason in known.reasons][:1]) == ("FED", ["15"])
    order = mapping.order(told["OR11"]["orders"][0], known)
    assert (order.total.text(), order.ship_to.country, order.lines[0].shipped) == ("213.65 USD", "US", 3)
    assert order.lines[0].fulfilled_by is FulfilledBy.CHANNEL
    offer = told["OF21"]["offers"][0]
    assert mapping.live_offer(offer, "EAN").price == Money.of(50, "USD")
    back = mapping.marketplace_return(told["RT11"]["data"][0], datetime.now(UTC))
    assert [line.quantity for line in back.lines] == [2, 3]
    found = catalogue.requirements(
        None, told["PM11"]["attributes"], catalogue.values_lists(told["VL11"]["values_lists"])
    )
    assert found.attributes == catalogue.GENERAL  # of the offer: all of the example belong to a category
    tools = catalogue.requirements("5610102", told["PM11"]["attributes"], {}).attributes[1]
    assert (tools.kind, tools.open_list) == (AttributeKind.CHOICE, True)
    assert len(list(catalogue.categories(told["H11"]["hierarchies"]))) == 3


EXAMPLES = ("A01", "PC01", "SH21", "RE01", "AF01", "OR11", "OF21", "RT11", "PM11", "VL11", "H11")


def example_of(spec: dict[str, Any], name: str) -> Any:
    """The first example of an answer, with its numbers exact, as the transport reads them."""
    for methods in spec["paths"].values():
        for operation in methods.values():
            if operation.get("operationId") == name:
                examples = operation["responses"]["200"]["content"]["application/json"]["examples"]
                value = next(iter(examples.values()))["value"]
                return json.loads(json.dumps(value), parse_float=Decimal)
    raise AssertionError(name)
