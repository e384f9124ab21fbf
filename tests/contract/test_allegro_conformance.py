"""Every request of the Allegro adapter and every answer of its sandbox, held against Allegro's own description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.order import CancelReason
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import ContentUpdate, Outcome, SubmissionState
from channel_adapters.allegro.sandbox import create_sandbox
from channel_adapters.allegro.sandbox.account import IMPLIED_WARRANTY, PERSON, POLICY, PRODUCER, RATES, WARRANTY
from channel_adapters.allegro.sandbox.operations import operations
from channel_adapters.allegro.sandbox.protocol import BETA, PUBLIC
from tests.support.allegro import AT_ONCE, EANS, MUGS, Account, content, draft, money, parcel, priced, stock
from tests.support.allegro_spec import AllegroSpecification
from tests.support.openapi import Exchange

NAMES = {operation.name for operation in operations()}
TERMS = {
    "shipping_rates": RATES,
    "return_policy": POLICY,
    "implied_warranty": IMPLIED_WARRANTY,
    "warranty": WARRANTY,
    "responsible_producer": PRODUCER,
    "responsible_person": PERSON,
    "safety_text": "Nie do mikrofalówki.",
    "city": "Warszawa",
    "postcode": "00-999",
    "province": "MAZOWIECKIE",
}


@pytest.fixture(scope="module")
def spec(specs_dir: Path) -> AllegroSpecification:
    return AllegroSpecification(specs_dir / "allegro", NAMES)


class Recorded:
    """Accounts whose exchanges are all checked."""

    def __init__(self, spec: AllegroSpecification, serve: Callable[..., str]) -> None:
        self._spec = spec
        self._serve = serve
        self.exchanges: list[Exchange] = []

    def account(self, sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(self._serve(create_sandbox(**AT_ONCE | (sandbox or {}))), check=self.check, **given)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append(self._spec.check(request, response))

    def call(self, account: Account, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """By hand, as another client might."""
        token = account.services.tokens.load("1:1")
        sent = {"Accept": PUBLIC, "User-Agent": "Other/1.0 (+https://other.example/app)", **headers}
        sent |= {"Authorization": f"Bearer {token.access if token else ''}"}
        sent |= {"Content-Type": sent["Accept"]} if body is not None and "Content-Type" not in sent else {}
        response = account.http.request(method, path, json=body, headers=sent)
        self.check(response.request, response)
        return response


@pytest.fixture
def recorded(spec: AllegroSpecification, serve: Callable[..., str]) -> Recorded:
    return Recorded(spec, serve)


def the_account(recorded: Recorded) -> None:
    account = recorded.account({"reached": ["allegro-cz"]})
    info = account.channel.check()
    assert info.sites == ("allegro-pl", "allegro-cz")
    assert len(list(account.channel.list_categories())) == 5
    account.channel.requirements(MUGS)
    assert account.channel.score()
    assert account.channel.carrier_code("dhl", "1") == "DHL"


def new_offers(recorded: Recorded) -> None:
    account = recorded.account(
        {"reached": ["allegro-cz"], "offer_seconds": 60}, settings=TERMS | {"sites": ["allegro-pl", "allegro-cz"]}
    )
    account.control("POST", "products", {"gtin": EANS[1], "count": 0})
    attributes: dict[str, str | tuple[str, ...]] = {
        "248811": "Kubkowo",
        "17448": "300 ml",
        "223329": ("biały", "czarny"),
    }
    attributes |= {"130531": "-20-100", "tax_rate": ("PL:23.00",), "before_gpsr": "true"}
    pictures = ("https://shop.example/a.jpg",)
    described = content(category=MUGS, attributes=attributes, images=pictures, bullets=("do zmywarki",))
    made = account.channel.create_offers([draft(), draft("A-2", EANS[1], content=described)])
    assert [result.outcome for result in made] == [Outcome.SUBMITTED, Outcome.SUBMITTED], made
    assert account.end_of(made[0]).state is SubmissionState.PENDING
    assert account.channel.create_offers([draft(price=money("0.00"))])[0].outcome is Outcome.REJECTED
    named = content(attributes={"product_id": "4f6a1c3e-0000-4000-8000-000000000000"})
    assert account.channel.create_offers([draft("A-3", content=named)])[0].outcome is Outcome.REJECTED


def edited_offers(recorded: Recorded) -> None:
    account = recorded.account({"reached": ["allegro-cz"]}, settings=TERMS | {"sites": ["allegro-pl", "allegro-cz"]})
    made = account.channel.create_offers([draft(), draft("A-0", stock=0)])
    assert [result.outcome for result in made] == [Outcome.APPLIED, Outcome.APPLIED], made
    abroad = account.channel.create_offers([draft(site="allegro-cz", price=money("299.00", "CZK"))])[0]
    assert abroad.offer_id == f"allegro-cz:{made[0].offer_id}"
    offer = account.offer("B-1")
    update = ContentUpdate(content=content(attributes={"130531": "5-90"}), **offer.model_dump())
    assert account.channel.update_content([update])[0].outcome is Outcome.APPLIED  # the condition goes along as it is
    update = ContentUpdate(content=content(attributes={"130531": "5-90", "11323": "Nowy"}), **offer.model_dump())
    assert account.channel.update_content([update])[0].outcome is Outcome.APPLIED
    account.control("POST", "refusals", {"reason": "The product is not allowed."})
    later = account.channel.update_content([update])[0]
    assert account.end_of(later).state is SubmissionState.FAILED
    account.control("POST", "refusals", {"reason": ""})
    account.channel.sale_status(offer)
    account.channel.sale_status(abroad)
    account.channel.find_offers(["A-1", "B-1"], [])
    account.channel.list_offers(None)


def operations_that_end(recorded: Recorded) -> None:
    account = recorded.account({"offer_seconds": 0.01})
    made = account.channel.create_offers([draft()])[0]
    for _ in range(200):
        if account.end_of(made).state is SubmissionState.DONE:
            break
    assert account.end_of(made).state is SubmissionState.DONE
    assert account.shown()["live"]


def commands_of_all_kinds(recorded: Recorded) -> None:
    account = recorded.account({"reached": ["allegro-cz"]}, settings={"sites": ["allegro-pl", "allegro-cz"]})
    offers = [account.offer(f"A-{place}") for place in range(7)]
    gone = offers[0].model_copy(update={"offer_id": "7689999999", "key": "gone"})
    shared = account.channel.update_stock([stock(offer, 9) for offer in offers])
    own = account.channel.update_stock([*(stock(offer, place) for place, offer in enumerate(offers)), stock(gone, 3)])
    prices = account.channel.update_prices([priced(offer, "39.90") for offer in offers])
    prices += account.channel.update_prices([priced(offers[1], "41.00"), priced(offers[2], "42.00")])
    ended = account.channel.end_offers(offers[1:3])
    submitted = [item for item in (*shared, *own, *prices, *ended) if item.outcome is Outcome.SUBMITTED]
    kinds = {(item.submission or "").partition("/")[0] for item in submitted}
    assert kinds == {"bulk", "quantity", "price", "publication"}
    assert {item.state for item in account.channel.follow([item.submission or "" for item in submitted])} == {
        SubmissionState.DONE
    }
    commands = {tuple((item.submission or "").split("/")[:2]) for item in submitted}
    paths = {"bulk": "bulk-modification", "quantity": "quantity-change", "price": "price-change"}
    for kind, key in sorted(commands):
        path = f"/sale/offer-{paths.get(kind, kind)}-commands/{key}"
        assert recorded.call(account, "GET", path).json()["taskCount"]["failed"] == 0


def orders_and_parcels(recorded: Recorded) -> None:
    account = recorded.account()
    account.offer("A-1")
    account.offer("B-1")
    since = datetime.now(UTC) - timedelta(minutes=5)
    account.channel.list_orders(since, "events")
    company = {"name": "Firma", "ids": [{"type": "PL_NIP", "value": "5252674798"}], "vatPayerStatus": "ACTIVE"}
    place = {"street": "Prosta 1", "city": "Warszawa", "zipCode": "00-999", "countryCode": "PL", "company": company}
    bill = {"required": True, "address": place}
    extras = {"original_price": 59.99, "service": 5, "deposit": 0.5}
    order_id, lines = account.order("A-1", "B-1", invoice=bill, pickup=True, delivery_cost=9.99, line=extras)
    for status in ("BOUGHT", "FILLED_IN"):
        account.order(status=status)
    page = account.channel.list_orders(since, None)
    assert len(page.items) == 3
    account.order()
    assert len(account.channel.list_orders(since, "events").items) == 1
    account.channel.list_open_orders(None)
    order = account.channel.fetch_order(order_id)
    assert account.channel.acknowledge_order(order, "1001") is not None
    result = account.channel.confirm_shipment(order, parcel([(lines[0], 1)]))
    assert result.outcome is Outcome.APPLIED, result
    order = account.channel.fetch_order(order_id)
    other = parcel([(lines[1], 1)], "X-9", account.channel.carrier_code("Gołębie i Spółka", ""))
    assert account.channel.confirm_shipment(order, other).outcome is Outcome.APPLIED
    assert account.placed(order_id)["fulfilment"] == "SENT"


def money_back(recorded: Recorded) -> None:
    account = recorded.account(settings={"claim_commission": True})
    account.offer(stock=50)
    order_id, lines = account.order(quantity=3, delivery_cost=9.99)
    for units in (1, 2):
        result = account.channel.cancel_line(order_id, lines[0], units, CancelReason.OUT_OF_STOCK)
        assert result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED), result
    account.channel.fetch_order(order_id)
    order_id, lines = account.order(quantity=2)
    back = {"order_id": order_id, "lines": [{"line_id": lines[0], "quantity": 1}]}
    account.control("POST", "returns", back)
    found = account.channel.list_returns(None).items[0]
    line = ChannelRefund(line_id=lines[0], quantity=1, amount=money("20.00"), shipping=money("5.00"))
    result = account.channel.refund(order_id, [line, line.model_copy(update={"reason": RefundReason.DAMAGED})], "ref 1")
    assert account.end_of(result).state is SubmissionState.DONE
    assert account.channel.follow(["refund/00000000-0000-4000-8000-000000000000"])[0].state is SubmissionState.GONE
    order_id, lines = account.order()
    account.control("POST", "returns", {"order_id": order_id, "lines": [{"sku": "A-1"}]})
    newest = account.channel.list_returns(None).items[0]
    assert newest.external_id != found.external_id
    refused = account.channel.decide_return(newest.lines[0].external_id, ReturnDecision.REFUSED, 1)
    assert refused.outcome is Outcome.APPLIED, refused


def refusals(recorded: Recorded) -> None:
    account = recorded.account({"limit": 30})
    account.channel.check()
    order = "/order/checkout-forms/00000000-0000-4000-8000-000000000000"
    assert recorded.call(account, "GET", order).status_code == 404
    assert recorded.call(account, "GET", order, Accept="application/json").status_code == 406
    assert recorded.call(account, "GET", "/order/customer-returns", Accept=PUBLIC).status_code == 406
    assert recorded.call(account, "GET", "/sale/offers", **{"User-Agent": "curl/8"}).status_code == 403
    assert recorded.call(account, "GET", "/sale/offers", Authorization="Bearer no").status_code in (200, 401)
    command = "/sale/offer-bulk-modification-commands"
    body = {"commandId": "1b4e28ba-2fa1-41d2-883f-0016d3cca427", "modifications": []}
    assert recorded.call(account, "POST", command, body, Accept=BETA).status_code == 422
    json_type = {"Content-Type": "application/json"}
    assert recorded.call(account, "POST", command, body, Accept=BETA, **json_type).status_code == 415
    while recorded.call(account, "GET", "/me").status_code != 429:
        pass


SCENES = (
    the_account,
    new_offers,
    edited_offers,
    operations_that_end,
    commands_of_all_kinds,
    orders_and_parcels,
    money_back,
    refusals,
)


def test_every_exchange_is_as_the_description_says(recorded: Recorded) -> None:
    for scene in SCENES:
        scene(recorded)
    wrong = [str(exchange) for exchange in recorded.exchanges if exchange.faults]
    assert wrong == []
    used = {exchange.operation for exchange in recorded.exchanges}
    assert used - {"token"} == NAMES


def test_every_operation_of_the_sandbox_is_in_the_description(spec: AllegroSpecification) -> None:
    assert spec.operations() >= NAMES
