"""Every request of the Amazon adapter and every answer of its sandbox, held against Amazon's own models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.order import CancelReason, FulfilledBy, OrderPhase
from bridge.domain.returns import ChannelRefund
from bridge.ports.channel import ContentUpdate, Outcome, PriceUpdate, SubmissionState
from bridge.ports.errors import RejectItem, SlowDown
from channel_adapters.amazon import ADAPTER, feeds, health, mapping, orders
from channel_adapters.amazon.account import CURRENCIES, SITES
from channel_adapters.amazon.offers import PATCHES
from channel_adapters.amazon.sandbox import create_sandbox
from channel_adapters.amazon.sandbox.app import OPERATIONS
from channel_adapters.amazon.sandbox.limits import PUBLISHED
from tests.support.amazon import AT_ONCE, DE, EANS, FR, Account, AmazonSpecification, draft, euro, parcel, ref, stock
from tests.support.openapi import Exchange
from tests.support.serve import serve as serve_app
from tests.support.swagger import sandbox_pairs

SINCE = datetime.now(UTC) - timedelta(hours=1)
US, JP = "ATVPDKIKX0DER", "A1VC38T7YXB528"


@pytest.fixture(scope="session")
def spec(specs_dir: Path) -> AmazonSpecification:
    return AmazonSpecification(specs_dir / "amazon")


def test_the_orders_of_the_description_come_to_their_own_totals(specs_dir: Path) -> None:
    model = specs_dir / "amazon" / "models" / "orders-api-model" / "orders_2026-01-01.json"
    examples = list(_orders_in(json.loads(model.read_text())))
    told = [example["proceeds"]["grandTotal"] for example in examples]
    assert len(told) >= 8
    read = [orders.order(example, CURRENCIES).total for example in examples]
    assert [(str(found.amount), found.currency) for found in read] == [
        (total["amount"], total["currencyCode"]) for total in told
    ]


def _orders_in(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict) and isinstance(part.get("orderId"), str) and isinstance(part.get("orderItems"), list):
        yield part
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _orders_in(child)


class Recorded:
    """Accounts whose exchanges are all checked, documents included."""

    def __init__(self, spec: AmazonSpecification, serve: Callable[..., str]) -> None:
        self._spec = spec
        self._serve = serve
        self.exchanges: list[Exchange] = []

    def account(self, settings: dict[str, Any] | None = None, **options: Any) -> Account:
        url = self._serve(create_sandbox(**AT_ONCE | {"zipped": False} | options))
        return Account(url, check=self.check, settings=settings)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        exchange = self._spec.check(request, response)
        if request.url.path.startswith("/documents/") and request.content.startswith(b"{"):
            exchange.faults += self._spec.document_faults("feed", request.content)
        if response.status_code == 200 and b'"messagesProcessed"' in response.content:
            exchange.faults += self._spec.document_faults("report", response.content)
        if response.status_code == 200 and b'"performanceMetrics"' in response.content:
            exchange.faults += self._spec.document_faults("health", response.content)
        self.exchanges.append(exchange)

    def faults(self) -> list[str]:
        return [str(exchange) for exchange in self.exchanges if exchange.faults]


@pytest.fixture
def recorded(spec: AmazonSpecification, serve: Callable[..., str]) -> Recorded:
    return Recorded(spec, serve)


def offers(recorded: Recorded) -> None:
    account = recorded.account()
    channel = account.channel
    channel.check()
    cup = draft("A,2/ß", EANS[1], content=draft().content.model_copy(update={
        "category": "DRINKING_CUP", "attributes": {"material": ("Ceramic", "Glass"), "capacity": "0.3 liters"},
        "images": ("https://shop.example/1.jpg", "https://shop.example/2.jpg")}))  # fmt: skip
    made = channel.create_offers([draft(), draft(site=FR), cup, draft("A-3", None)])
    assert [result.outcome.value for result in made] == ["submitted", "submitted", "submitted", "rejected"]
    assert {s.state for s in channel.follow([r.submission or "" for r in made[:3]])} == {SubmissionState.DONE}
    channel.update_stock([stock("A-1", 4), stock("A-1", 4, FR), stock("nobody", 1)])
    channel.update_prices([PriceUpdate(price=euro("9.5"), **ref().model_dump())])
    update = ContentUpdate(content=cup.content, **ref("A,2/ß").model_dump())
    assert channel.update_content([update])[0].outcome is Outcome.SUBMITTED
    assert {offer.sku for offer in channel.find_offers(["A-1", "A,2/ß", "?"], list(EANS))} == {"A-1", "A,2/ß"}
    channel.list_offers(None)
    channel.sale_status(ref())
    account.control("POST", "issues", {"sku": "A-1", "message": "The picture has text.", "attributes": ["main_image"]})
    assert channel.sale_status(ref()).for_sale is False
    channel.end_offers([ref()])
    channel.end_offers([ref()])


def offers_alone(recorded: Recorded) -> None:
    channel = recorded.account({"send_content": False}).channel
    assert channel.create_offers([draft()])[0].outcome is Outcome.SUBMITTED


def types(recorded: Recorded) -> None:
    channel = recorded.account().channel
    for category in channel.list_categories():
        assert channel.requirements(category.id).attributes


def bulk(recorded: Recorded) -> None:
    account = recorded.account()
    skus = [f"B-{number}" for number in range(PATCHES + 10)]
    for sku in skus:
        account.list(sku, stock=1)
    account.fault("partial", "createFeed", params={"keys": ["B-3"]})
    results = account.channel.update_stock([stock(sku, 7) for sku in skus])
    states = account.channel.follow([result.submission or "" for result in results])
    assert [item.state for item in states].count(SubmissionState.FAILED) == 1
    assert [item.state for item in states].count(SubmissionState.DONE) == len(skus) - 1


def buying(recorded: Recorded) -> None:
    account = recorded.account({"sites": [DE, FR]})
    channel = account.channel
    account.list(stock=50)
    whole = account.order(quantity=3, business=True, discount=1, shipping=4.9)
    doomed, pending = account.order(), account.order(pending=True)
    account.control("POST", f"orders/{doomed}/request-cancellation", {})
    assert len(channel.list_orders(SINCE, None).items) == 3
    assert {item.order.phase for item in channel.list_open_orders(None).items if item.order} == {*OrderPhase} - {
        OrderPhase.AWAITING_ACCEPTANCE
    }
    order = channel.fetch_order(whole)
    line = order.lines[0].external_id
    assert channel.confirm_shipment(order, parcel(line, 2)).outcome is Outcome.APPLIED
    assert channel.confirm_shipment(order, parcel(line, 1, "SB-2", "Other: Bote")).outcome is Outcome.APPLIED
    asked = channel.fetch_order(doomed).lines[0]
    cancelled = channel.cancel_line(doomed, asked.external_id, 1, CancelReason.BUYER_REQUEST)
    account.control("POST", "returns", {"order_id": whole, "lines": [{"sku": "A-1", "quantity": 1}]})
    channel.list_returns(None)
    assert channel.list_returns(None).items
    money = ChannelRefund(line_id=line, quantity=1, amount=euro("12.99"), shipping=euro("1"))
    refunded = channel.refund(whole, [money], "R-1")
    states = channel.follow([cancelled.submission or "", refunded.submission or ""])
    assert {item.state for item in states} == {SubmissionState.DONE}
    assert account.sold(pending)["status"] == "PENDING"


def account_health(recorded: Recorded) -> None:
    account = recorded.account()
    account.order(force=True)
    with pytest.raises(SlowDown):
        account.channel.score()
    assert account.channel.score()


SCENARIOS = (offers, offers_alone, types, bulk, buying, account_health)


@pytest.fixture(scope="module")
def played(specs_dir: Path) -> Recorded:
    """All scenarios played once."""
    with ExitStack() as stack:
        recorded = Recorded(AmazonSpecification(specs_dir / "amazon"), lambda app: stack.enter_context(serve_app(app)))
        for scenario in SCENARIOS:
            scenario(recorded)
    return recorded


def test_every_exchange_is_as_described(played: Recorded) -> None:
    assert len(played.exchanges) > 80
    assert played.faults() == []


def test_every_operation_of_the_sandbox_is_used_but_the_one_the_adapter_needs_not(played: Recorded) -> None:
    used = {exchange.operation for exchange in played.exchanges if exchange.response.is_success}
    described = {operation.name for operation in OPERATIONS} - {"schema", "upload", "download"}
    assert described - used == {"getReport"}


def test_limits_are_those_of_the_models(spec: AmazonSpecification) -> None:
    """Rate and burst as the usage plan in each operation's description has them."""
    told = {}
    for operation in spec.models.operations:
        words = operation.raw.get("description", "")
        if plan := re.search(r"\|\s*(?:Default\s*\|\s*)?(\d[\d.]*)\s*\|\s*(\d+)\s*\|", words):
            told.setdefault(operation.name, (float(plan[1]), float(plan[2])))
    ours = ADAPTER.manifest.limits
    for name, (rate, burst) in told.items():
        if name in ours:
            limit = ours[name]
            assert limit.calls / limit.seconds == pytest.approx(rate, rel=0.01), name
            assert limit.calls <= burst, name
        if name in PUBLISHED:
            assert PUBLISHED[name] == (rate, burst), name
    assert set(ours) - set(told) == {"token", "documents", "createListingsFeed"}


# Amazon's own examples, through the mapping


def test_amazons_example_orders_are_read(spec: AmazonSpecification) -> None:
    file = spec.folder / "models" / "orders-api-model" / "orders_2026-01-01.json"
    raws = [raw for _, answer in sandbox_pairs(file, "searchOrders") for raw in answer["orders"]]
    raws += [answer["order"] for _, answer in sandbox_pairs(file, "getOrder")]
    read = [orders.order(raw, CURRENCIES) for raw in raws]
    assert len(read) >= 6
    for raw, order in zip(raws, read, strict=True):
        assert len(order.lines) == len(raw["orderItems"])
        assert order.ship_to.city == raw["recipient"]["deliveryAddress"]["city"]
        assert sum(line.total.amount for line in order.lines) > 0
    by_id = {order.external_id: order for order in read}
    japan, store = by_id["250-1234567-8901234"], by_id["114-9876543-1234567"]
    assert (japan.site, japan.currency, str(japan.total.amount)) == (JP, "JPY", "19940")
    assert [line.shipped for line in japan.lines] == [1, 2]
    assert {line.fulfilled_by for line in japan.lines} == {FulfilledBy.CHANNEL}
    assert (str(store.lines[0].total.amount), str(store.lines[0].tax and store.lines[0].tax.amount)) == (
        "49.99",
        "10.00",
    )
    turkey = by_id["028-1234567-8901234"]
    assert turkey.tax_by_channel
    assert (turkey.bill_to and turkey.bill_to.vat_number) == "TR1234567890"


def test_amazons_example_listings_are_read(spec: AmazonSpecification) -> None:
    file = spec.folder / "models" / "listings-items-api-model" / "listingsItems_2021-08-01.json"
    raws = [answer for _, answer in sandbox_pairs(file, "getListingsItem")]
    offer = mapping.live_offer(raws[0], SITES[US])
    assert offer is not None
    assert (offer.offer_id, offer.stock, offer.price and offer.price.text(), offer.for_sale) == (
        f"{US}/GM-ZDPI-9B4E", 100, "100.00 USD", True
    )  # fmt: skip
    canada = mapping.sale_status(raws[0], "A2EUQ1WTGCTBG2", "x")
    assert canada.for_sale in (None, False)
    refusals = [mapping.refusal(answer) for _, answer in sandbox_pairs(file, "putListingsItem")]
    assert [refusal.field for refusal in refusals if isinstance(refusal, RejectItem)] == ["condition_type"]


def test_amazons_example_report_is_read(spec: AmazonSpecification) -> None:
    file = spec.folder / "schemas" / "feeds" / "listings-feed-processing-report-schema-v2.example.json"
    failures = feeds.failures(file.read_bytes())
    assert set(failures) == {4, 5}
    assert failures[4].startswith("'[batteries_required]' is required")


# The check itself


def test_the_check_sees_a_wrong_document(spec: AmazonSpecification, serve: Callable[..., str]) -> None:
    account = Account(serve(create_sandbox(**AT_ONCE)))
    with pytest.raises(SlowDown):
        account.channel.score()
    [report] = account.channel.client.reports(reportTypes=[health.REPORT])
    document = json.loads(account.channel.client.report_document(report["reportDocumentId"]))
    assert spec.document_faults("health", json.dumps(document).encode()) == []
    metrics = document["performanceMetrics"][0]
    metrics["lateShipmentRate"]["status"] = "FINE"
    del metrics["validTrackingRate"]["shipmentCount"]
    faults = " ".join(spec.document_faults("health", json.dumps(document).encode()))
    assert "FINE" in faults
    assert "shipmentCount" in faults


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(
    spec: AmazonSpecification, serve: Callable[..., str]
) -> None:
    seen: list[tuple[httpx.Request, httpx.Response]] = []
    account = Account(serve(create_sandbox(**AT_ONCE)), check=lambda *pair: seen.append(pair))
    account.list()
    account.channel.update_stock([stock("A-1", 3)])
    request, response = seen[-1]
    assert spec.check(request, response).faults == []
    body = json.loads(request.content)
    body["patches"][0]["op"] = "increment"
    wrong = httpx.Request("PATCH", request.url, headers=request.headers, json=body | {"hurry": True})
    faults = " ".join(spec.check(wrong, response).faults)
    assert "increment" in faults
    assert "hurry" in faults
    answer = httpx.Response(200, json=response.json() | {"status": "MAYBE"})
    assert "MAYBE" in spec.check(request, answer).faults[0]
    asked = httpx.Request(
        "PATCH", f"{request.url}&colour=red", headers=request.headers, json=json.loads(request.content)
    )
    assert spec.check(asked, response).faults == ["query colour is not described"]
