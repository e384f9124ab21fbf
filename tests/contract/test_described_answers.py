"""Every adapter against a marketplace made of nothing but the official description, whose answers are drawn by chance from
all that it allows. No answer, however odd, may end in anything but a result or an error of the contract; and a list is
never lost because of one order in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, Parcel, ParcelLine
from bridge.domain.returns import ReturnDecision
from bridge.ports.channel import ContentUpdate, OfferDraft, OfferRef, PriceUpdate, StockUpdate
from bridge.ports.errors import BridgeError, NotFound, RejectItem
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.described import Described

DRAWS = 8
EURO = {"currency": "EUR", "currencycode": "EUR", "currency_iso_code": "EUR", "currency_code": "EUR"}
# Where each API begins in the adapter's address, by file or folder of the description.
DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    "allegro": {"spec.yaml": ""},
    "amazon": {"models": ""},
    "bol": {"retailer-v10.json": "", "offers-v11.yaml": "", "shared-v10.json": "", "economic-operators-v1.yaml": ""},
    "ebay": {
        "sell_inventory_v1_oas3.json": "/sell/inventory/v1",
        "sell_fulfillment_v1_oas3.json": "/sell/fulfillment/v1",
        "ebay-account-openapi-original.yml": "/sell/account/v1",
        "ebay-taxonomy-openapi-original.yml": "/commerce/taxonomy/v1",
        "ebay-notification-openapi-original.yml": "/commerce/notification/v1",
        "ebay-identity-openapi-original.yml": "/commerce/identity/v1",
    },
    "kaufland": {"swagger.json": "/v2"},
    "mirakl": {"mirakl-mmp-seller-openapi.json": "", "mirakl-mcm-seller-openapi.json": ""},
}
# What texts hold in life where the description only says that they are texts; one in ten is drawn all the same.
HINTS: Mapping[str, Mapping[str, str]] = {
    "allegro": {"currency": "PLN"},
    "amazon": EURO | {"marketplaceid": "A1PA6795UKMFR9", "id": "A1PA6795UKMFR9", "countrycode": "DE"},
    "ebay": EURO
    | {
        "creationdate": "2026-11-20T10:00:00.000Z",
        "lastmodifieddate": "2026-11-20T10:00:00.000Z",
        "marketplaceid": "EBAY_DE",
        "orderid": "1",
        "registrationmarketplaceid": "EBAY_DE",
        "value": "12.50",
    },
    "mirakl": EURO | {"order_id": "1", "offer_sku": "SKU-1"},
}
LISTS = ("list_offers", "list_orders", "list_open_orders", "list_returns")


@pytest.fixture(params=sorted(DESCRIPTIONS))
def described(
    request: pytest.FixtureRequest, serve: Callable[..., str], specs_dir: Path
) -> Iterator[tuple[str, Described, Bench]]:
    name = str(request.param)
    server = Described(dict(_files(specs_dir / name, DESCRIPTIONS[name])), random.Random(0), HINTS.get(name, {}))
    bench = Bench(discover().channels[name], serve(server.app()))
    with bench.http:
        yield name, server, bench


def _files(folder: Path, wanted: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for name, root in wanted.items():
        place = folder / name
        yield from ((file, root) for file in (sorted(place.rglob("*.json")) if place.is_dir() else [place]))


def test_no_answer_of_the_description_breaks_an_adapter(described: tuple[str, Described, Bench]) -> None:
    _, server, bench = described
    channel = bench.connect()
    broken: list[str] = []
    went_well: set[str] = set()
    for draw in range(DRAWS):
        for name, call in _calls(channel):
            server.rng.seed(f"{draw} {name}")
            try:
                call()
                went_well.add(name)
            except BridgeError as error:
                if name in LISTS and isinstance(error, RejectItem) and not isinstance(error, NotFound):
                    broken.append(f"{name} in draw {draw}, one for all: {error!r}")
            except Exception as error:  # noqa: BLE001 - all of them are told together
                broken.append(f"{name} in draw {draw}: {error!r}")
    assert not broken, "\n".join(broken)
    # Otherwise nothing was tried: the writes, and the lists of orders, are understood.
    assert {"update_stock", "update_prices", "list_orders", "list_open_orders", "follow"} <= went_well, went_well


def _calls(channel: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What the engine asks of a channel, with arguments of no meaning there."""
    site = channel.manifest.sites[0] if channel.manifest.sites else None
    price = Money.of("12.50", (site.currency if site else None) or "EUR")
    content = OfferContent(title="A thing", description="Made of things")
    ref = {"key": "k", "site": site.code if site else "", "offer_id": "1", "sku": "SKU-1", "gtin": "4006381333931"}
    draft = {name: value for name, value in ref.items() if name != "offer_id"}
    since = datetime.now(UTC) - timedelta(minutes=30)
    calls: dict[str, Callable[[], Any]] = {
        "check": lambda: channel.check(),  # noqa: PLW0108 - not every channel has all
        "list_categories": lambda: list(channel.list_categories()),
        "requirements": lambda: channel.requirements("1"),
        "find_offers": lambda: channel.find_offers(["SKU-1"], ["4006381333931"]),
        "create_offers": lambda: channel.create_offers([OfferDraft(**draft, stock=3, price=price, content=content)]),
        "update_stock": lambda: channel.update_stock([StockUpdate(**ref, stock=2)]),
        "update_prices": lambda: channel.update_prices([PriceUpdate(**ref, price=price)]),
        "update_content": lambda: channel.update_content([ContentUpdate(**ref, content=content)]),
        "end_offers": lambda: channel.end_offers([OfferRef(**ref)]),
        "list_offers": lambda: channel.list_offers(None),
        "sale_status": lambda: channel.sale_status(OfferRef(**ref)),
        "list_orders": lambda: channel.list_orders(since, None),
        "list_open_orders": lambda: channel.list_open_orders(None),
        "fetch_order": lambda: _sell(channel),
        "cancel_line": lambda: channel.cancel_line("1", "1", 1, CancelReason.OUT_OF_STOCK),
        "refuse_cancellation": lambda: channel.refuse_cancellation("1", "1"),
        "list_returns": lambda: channel.list_returns(None),
        "decide_return": lambda: channel.decide_return("1", ReturnDecision.ACCEPTED, 1),
        "score": lambda: channel.score(),  # noqa: PLW0108
        "follow": lambda: channel.follow(["1"]),
        "ensure_push": lambda: channel.ensure_push("https://bridge.example/push"),
    }
    yield from ((name, call) for name, call in calls.items() if hasattr(channel, name))


def _sell(channel: Any) -> None:
    """An order is read, acknowledged and shipped."""
    order = channel.fetch_order("1")
    assert order.total.currency == order.currency
    channel.acknowledge_order(order, "1001")
    if not order.lines:
        return
    lines = (ParcelLine(external_id=order.lines[0].external_id, quantity=1),)
    code = channel.carrier_code("DHL", "JJD1234567890")
    channel.confirm_shipment(order, Parcel(reference="1", carrier=code, tracking="JJD1234567890", lines=lines))


@pytest.mark.parametrize(
    ("name", "sold", "total", "buyer"),
    [
        ("allegro", ("AH-129834", 1, "370.35"), "493.80", ("Jan Kowalski", "60-166", "PL")),
        ("kaufland", ("AB-120", 1, None), None, ("Tom Smith", "12345", "USA")),
    ],
)
def test_an_order_of_the_descriptions_own_examples(
    serve: Callable[..., str],
    specs_dir: Path,
    name: str,
    sold: tuple[str, int, str | None],
    total: str | None,
    buyer: tuple[str, str, str],
) -> None:
    """Allegro's line has a deposit and a paid service, each as much as the item; of Kaufland's amounts
    there are no examples."""
    server = Described(dict(_files(specs_dir / name, DESCRIPTIONS[name])), random.Random(0), examples=True)
    bench = Bench(discover().channels[name], serve(server.app()))
    with bench.http:
        order = bench.connect().fetch_order("1")
    [line] = order.lines
    assert (line.sku, line.quantity, str(line.total.amount)) == (*sold[:2], sold[2] or str(line.total.amount))
    assert str(order.total.amount) == (total or str(order.total.amount))
    assert (order.ship_to.name, order.ship_to.postcode, order.ship_to.country) == buyer
