"""Marketplace orders in the independent Shopify: created once and to the cent, and read with all that happens to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import StoreOrderStatus
from bridge.ports.errors import AskMerchant, RejectItem, RetryLater, SlowDown, UnknownOutcome
from tests.support.independent_shopify import Json, Reply
from tests.support.independent_shopify_sold import HOME, draft, euro, fetch, key, line, made
from tests.support.independent_shopify_store import Shopify
from tests.support.played import Clock, everything, patiently

Connect = Callable[..., Any]


# -- created --------------------------------------------------------------------------------------------------


def test_an_order_is_created_to_the_cent(market: Shopify, store: Any, product: Json) -> None:
    one, two = product["variants"]
    asked = draft("O-1", line("L-1", one, 3, "10.00", "1.74"), line("L-2", two, 1, "89.95", "15.61"), shipping="3.99",
                  shipping_tax=euro("0.69"))  # fmt: skip
    found = store.create_order(asked)
    order = made(market)
    assert market.total(order) == Decimal("103.94")
    assert market.tax(order) == Decimal("18.04")
    assert market.paid(order) == Decimal("103.94")
    assert order["taxesIncluded"] is True
    assert (found.total, found.currency) == (euro("103.94"), "EUR")
    assert market.of_Order_displayFinancialStatus(order) == "PAID"
    assert [
        (item["quantity"], item["variant"] is variant) for item, variant in zip(order["lines"], (one, two), strict=True)
    ]
    assert [level["states"]["available"] for x in (one, two) for level in x["inventoryItem"]["levels"]] == [7, 9]
    assert [level["states"]["committed"] for x in (one, two) for level in x["inventoryItem"]["levels"]] == [3, 1]
    assert all(item["requiresShipping"] for item in order["lines"])
    assert found.status is StoreOrderStatus.PROCESSING
    assert (found.marketplace_ref, [x.ref for x in found.lines]) == ("bol-1:O-1", ["L-1", "L-2"])
    assert [(x.reduced, x.refunded) for x in found.lines] == [(3, 0), (1, 0)]
    address = order["shippingAddress"]
    assert (address["firstName"], address["lastName"], address["zip"], address["city"]) == (
        "Zoë",
        "Müller",
        "3511 AB",
        "Utrecht",
    )
    assert "Dorpsstraat 12" in address["address1"]
    assert order["email"] is None, "nobody asked for mails to the buyer"


@pytest.mark.parametrize("channel_liable", [True, False])
def test_who_owes_the_tax(market: Shopify, store: Any, product: Json, *, channel_liable: bool) -> None:
    asked = draft("O-1", line("L-1", product["variants"][0], 2, "24.20", "4.20"), tax_by_channel=channel_liable)
    store.create_order(asked)
    [tax] = made(market)["lines"][0]["taxLines"]
    assert (tax["amount"], tax["channelLiable"]) == (Decimal("4.20"), channel_liable)
    assert abs(tax["rate"] - 0.21) < 0.001


@pytest.mark.parametrize(
    ("units", "total"), [(3, "10.00"), (7, "0.01"), (3, "0.02"), (1, "0.00"), (6, "100.00"), (999, "1000.00")]
)
def test_what_does_not_divide_is_exact_all_the_same(
    market: Shopify, store: Any, product: Json, units: int, total: str
) -> None:
    asked = draft(
        "O-1", line("L-1", product["variants"][0], units, total), line("L-2", product["variants"][1], 1, "5.00")
    )
    found = store.create_order(asked)
    assert market.total(made(market)) == Decimal(total) + 5
    assert found.total == euro(Decimal(total) + 5)
    assert market.paid(made(market)) == Decimal(total) + 5


@pytest.mark.parametrize(("currency", "total"), [("PLN", "99.99"), ("HUF", "1234.00"), ("SEK", "10.00")])
def test_an_order_in_another_currency(market: Shopify, store: Any, product: Json, currency: str, total: str) -> None:
    found = store.create_order(draft("O-1", line("L-1", product["variants"][0], 3, total, currency=currency)))
    assert found.total == Money.of(total, currency)
    assert found.currency == currency
    assert made(market)["presentmentCurrencyCode"] == currency


def test_a_store_whose_prices_have_no_tax(market: Shopify, connect: Connect, product: Json) -> None:
    market.shop["taxesIncluded"] = False
    store = connect(vat_percent="21")
    found = store.create_order(
        draft(
            "O-1", line("L-1", product["variants"][0], 2, "24.20", "4.20"), shipping="3.99", shipping_tax=euro("0.69")
        )
    )
    assert market.total(made(market)) == Decimal("28.19")
    assert found.total == euro("28.19")


@pytest.mark.parametrize("field", [["order", "metafields", "0", "value"], ["order"], None])
def test_an_order_is_created_once(market: Shopify, store: Any, product: Json, field: list[str] | None) -> None:
    """However the store says that it has it already: it is looked up, and not refused."""
    market.lag, market.taken_at = timedelta(minutes=10), field
    asked = draft("O-1", line("L-1", product["variants"][0], 2, "20.00"))
    first = store.create_order(asked)
    with pytest.raises(UnknownOutcome):
        store.create_order(asked)
    assert len(market.known("Order")) == 1
    found = store.find_orders(["bol-1:O-1", "bol-1:O-2"], asked.placed_at)
    assert {key: order.external_id for key, order in found.items()} == {"bol-1:O-1": first.external_id}


LOST = [
    Reply(502, after=True),
    Reply(503, after=True),
    Reply(500, after=True),
    Reply(504, "", after=True),
    Reply(200, "<html>One moment</html>", after=True),
    Reply(
        200,
        {"errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]},
        after=True,
    ),
    Reply(
        200,
        {
            "data": {"orderCreate": None},
            "errors": [
                {"message": "Internal error", "path": ["orderCreate"], "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            ],
        },
        after=True,
    ),
    Reply(
        200,
        {"data": {"orderCreate": None}, "errors": [{"message": "Something went wrong", "path": ["orderCreate"]}]},
        after=True,
    ),
]


@pytest.mark.parametrize("lost", LOST, ids=range(len(LOST)))
def test_an_answer_that_is_lost(market: Shopify, store: Any, product: Json, lost: Reply) -> None:
    """It was created; the index does not have it yet; it is found all the same and not made again."""
    market.lag = timedelta(minutes=10)
    market.trouble["orderCreate"] = [lost]
    asked = draft("O-1", line("L-1", product["variants"][0], 2, "20.00"))
    with pytest.raises(UnknownOutcome):
        store.create_order(asked)
    assert {*store.find_orders([asked.ref], asked.placed_at)} == {asked.ref}
    assert len(market.known("Order")) == 1


def test_orders_a_minute(market: Shopify, store: Any, product: Json, clock: Clock) -> None:
    market.dev = True
    drafts = [draft(f"O-{at}", line("L-1", product["variants"][0], 1, "20.00")) for at in range(7)]
    for asked in drafts[:5]:
        store.create_order(asked)
    with pytest.raises(RetryLater) as caught:
        store.create_order(drafts[5])
    assert isinstance(caught.value, SlowDown) or caught.value.after
    clock.ahead += timedelta(minutes=2)
    patiently(lambda: store.create_order(drafts[5]), wait=1)
    assert len(market.known("Order")) == 6


def test_throttled_before_it_was_created(market: Shopify, store: Any, product: Json) -> None:
    asked = draft("O-1", line("L-1", product["variants"][0], 1, "20.00"))
    market.restored = 1.0
    market.drain()
    with pytest.raises(SlowDown):
        store.create_order(asked)
    assert not market.known("Order")
    market.restored = 100.0
    patiently(lambda: store.create_order(asked), wait=1)
    assert len(market.known("Order")) == 1


def test_the_variant_is_gone(market: Shopify, store: Any, product: Json) -> None:
    asked = draft("O-1", line("L-1", product["variants"][0], 1, "20.00"))
    market.delete_product(product)
    with pytest.raises((RejectItem, AskMerchant)) as caught:
        store.create_order(asked)
    assert caught.value.merchant
    assert not market.known("Order")


ODD: list[Json] = [
    {"phone": "0612345678"},
    {"phone": "not told"},
    {"email": "x@@y"},
    {"company": "x" * 300},
    {"region": "Utrecht"},
    {"country": "XK"},
    {"first_name": "", "last_name": ""},
    {"extra": {"pickup_point": "PostNL 123", "note": "ring twice"}},
    {"city": "😀 Москва"},
]


@pytest.mark.parametrize("odd", ODD, ids=[next(iter(item)) + str(at) for at, item in enumerate(ODD)])
@pytest.mark.parametrize("buyer_email", [True, False])
def test_an_odd_address_stops_nothing(
    market: Shopify, connect: Connect, product: Json, odd: Any, *, buyer_email: bool
) -> None:
    home = HOME.model_copy(update=odd)
    asked = draft("O-1", line("L-1", product["variants"][0], 1, "20.00"), ship_to=home, bill_to=home)
    connect(buyer_email=buyer_email).create_order(asked)
    assert len(market.known("Order")) == 1


@pytest.mark.parametrize(("region", "kept"), [("RM", "RM"), ("ROM", None), ("Lazio", None)])
def test_a_province(market: Shopify, store: Any, product: Json, region: str, kept: str | None) -> None:
    """A code that the store does not know loses no order: it stands in the second line."""
    home = HOME.model_copy(update={"country": "IT", "region": region, "postcode": "00184", "city": "Roma"})
    store.create_order(draft("O-1", line("L-1", product["variants"][0], 1, "20.00"), ship_to=home, bill_to=home))
    for address in (made(market)["shippingAddress"], made(market)["billingAddress"]):
        assert address.get("provinceCode") == kept
        assert kept or region in address["address2"]


def test_two_buyers_with_one_telephone(market: Shopify, connect: Connect, product: Json) -> None:
    store = connect(buyer_email=True)
    for at in range(2):
        home = HOME.model_copy(update={"email": f"buyer{at}@buyers.example"})
        store.create_order(
            draft(f"O-{at}", line("L-1", product["variants"][0], 1, "20.00"), ship_to=home, bill_to=home)
        )
    assert len(market.known("Order")) == 2


def test_long_words(market: Shopify, connect: Connect, product: Json) -> None:
    store = connect(order_tags=["a tag of a merchant that is longer than forty characters are"])
    asked = draft("O-1", line("L-1", product["variants"][0], 1, "20.00"), note="x" * 6000)
    store.create_order(asked)
    assert len(market.known("Order")) == 1


def test_a_line_of_no_product(market: Shopify, store: Any, product: Json) -> None:
    asked = draft("O-1", line("L-1", product["variants"][0], 1, "20.00"), line("L-2", None, 2, "5.00"))
    found = store.create_order(asked)
    assert found.total == euro("25.00")
    assert [item.ref for item in found.lines] == ["L-1", "L-2"]
    assert made(market)["lines"][1]["title"] == "Something else"


# -- read -----------------------------------------------------------------------------------------------------


@pytest.fixture
def order(market: Shopify, store: Any, product: Json) -> Json:
    one, two = product["variants"]
    store.create_order(
        draft("O-1", line("L-1", one, 5, "50.00", "8.68"), line("L-2", two, 2, "20.00", "3.47"), shipping="3.99")
    )
    return made(market)


def test_parcels(market: Shopify, store: Any, order: Json, clock: Clock) -> None:
    one, two = order["lines"]
    first = market.sent(order, {one["id"]: 2}, company="PostNL", number="3S1", url="https://t.example/3S1")
    assert fetch(store, order).status is StoreOrderStatus.PROCESSING
    clock.ahead += timedelta(hours=1)
    market.sent(order, {one["id"]: 3, two["id"]: 1}, company="DHL", numbers=["D1", "D2"])
    market.sent(order, {two["id"]: 1})
    found = fetch(store, order)
    assert found.status is StoreOrderStatus.COMPLETED
    units: dict[str, int] = {}
    for parcel in found.parcels:
        for at, count in parcel.lines.items():
            units[at] = units.get(at, 0) + count
    assert units == {key(one): 5, key(two): 2}, "each unit is in one parcel"
    by = {parcel.number: parcel for parcel in found.parcels}
    assert (by["3S1"].carrier, by["3S1"].url, by["3S1"].lines) == ("PostNL", "https://t.example/3S1", {key(one): 2})
    assert "" in by, "sent without a number"
    assert (by["D1"].lines, by["D2"].lines) == ({key(one): 3}, {key(two): 1}), "several numbers, each with a part"
    refs = [parcel.ref for parcel in found.parcels]
    assert len(set(refs)) == len(refs)
    assert [parcel.ref for parcel in fetch(store, order).parcels] == refs
    market.unsent(first)
    again = fetch(store, order)
    assert "3S1" not in {parcel.number for parcel in again.parcels}, "cancelled: it has not left"
    assert again.status is StoreOrderStatus.PROCESSING
    assert {parcel.ref for parcel in again.parcels} <= set(refs)


def test_more_numbers_than_units(market: Shopify, store: Any, order: Json) -> None:
    market.sent(order, {order["lines"][1]["id"]: 2}, company="DHL", numbers=["D1", "D2", "D3"])
    found = fetch(store, order).parcels
    assert [(parcel.number, [*parcel.lines.values()]) for parcel in found] == [("D1", [1]), ("D2", [1])]


def test_a_number_that_comes_later_is_the_same_parcel(market: Shopify, store: Any, order: Json) -> None:
    parcel = market.sent(order, {order["lines"][0]["id"]: 5})
    [before] = fetch(store, order).parcels
    market.do_fulfillmentTrackingInfoUpdate(parcel["id"], {"company": "PostNL", "number": "3S9"})
    [after] = fetch(store, order).parcels
    assert (before.ref, before.number, after.number) == (after.ref, "", "3S9")


def test_fulfilment_orders_that_are_moved_split_and_held(market: Shopify, store: Any, order: Json) -> None:
    other = market.place("Other")
    market.places.append(other)
    [at] = order["fulfillmentOrders"]
    one, _ = order["lines"]
    away = market.split(at, one, 2, other)
    market.hold(at)
    assert fetch(store, order).status in (StoreOrderStatus.ON_HOLD, StoreOrderStatus.PROCESSING)
    market.sent(order, {one["id"]: 2}, away, number="3S1")
    found = fetch(store, order)
    assert [(parcel.number, parcel.lines) for parcel in found.parcels] == [("3S1", {key(one): 2})]
    assert sum(item.refunded for item in found.lines) == 0


@pytest.mark.parametrize("status", ["ERROR", "FAILURE", "CANCELLED"])
def test_a_parcel_that_did_not_come_about(market: Shopify, store: Any, order: Json, status: str) -> None:
    parcel = market.sent(order, {order["lines"][0]["id"]: 5}, number="3S1")
    parcel["status"] = status
    assert fetch(store, order).parcels == ()


def test_refunds_in_the_admin(market: Shopify, store: Any, order: Json) -> None:
    one, two = order["lines"]
    market.refund(order, {one["id"]: 1}, amount="10.00", restock="CANCEL", note="broken")
    market.refund(order, {}, amount="3.99", shipping="3.99")
    found = fetch(store, order)
    assert {item.external_id: item.refunded for item in found.lines} == {key(one): 1, key(two): 0}
    assert found.lines[0].refund_reason == "broken"
    assert found.refunded == euro("13.99")
    assert found.total == euro("73.99"), "the total is what was sold"


def test_a_line_taken_out_by_editing(market: Shopify, store: Any, order: Json) -> None:
    """No refund says so: the units are no longer to be sent, as if they had been cancelled."""
    one, two = order["lines"]
    market.edited(order, one, down_to=3)
    found = fetch(store, order)
    assert {item.external_id: item.refunded for item in found.lines} == {key(one): 2, key(two): 0}
    market.refund(order, {one["id"]: 1}, amount="10.00", restock="CANCEL")
    assert fetch(store, order).lines[0].refunded == 3


def test_cancelled_in_the_admin(market: Shopify, store: Any, order: Json) -> None:
    market.cancelled(order, "INVENTORY")
    found = fetch(store, order)
    assert found.status is StoreOrderStatus.CANCELLED
    assert found.cancel_reason.upper() == "INVENTORY"


def test_archived_and_deleted(market: Shopify, store: Any, order: Json) -> None:
    order["closed"], order["closedAt"] = True, market.stamp()
    market.touch(order)
    assert fetch(store, order).status is not StoreOrderStatus.CANCELLED
    market.do_orderDelete(order["id"])
    assert store.fetch_orders([order["legacyResourceId"]]) == []
    assert store.find_orders(["bol-1:O-1"]) == {}


def test_a_product_that_is_deleted_after_the_sale(market: Shopify, store: Any, product: Json, order: Json) -> None:
    market.delete_product(product)
    for item in order["lines"]:
        item["variant"], item["product"] = None, None
    market.sent(order, {order["lines"][0]["id"]: 5}, number="3S1")
    found = fetch(store, order)
    assert [(item.sku, item.quantity) for item in found.lines] == [("A", 5), ("B", 2)]
    assert [item.ref for item in found.lines] == ["L-1", "L-2"]


def test_an_order_of_many_lines_and_many_parcels(market: Shopify, store: Any) -> None:
    many = market.product(variants=[{"sku": f"S-{at}", "stock": 100} for at in range(320)])
    store.create_order(draft("O-9", *(line(f"L-{at}", row, 2, "2.00") for at, row in enumerate(many["variants"]))))
    order = made(market)
    for item in order["lines"][:70]:
        market.sent(order, {item["id"]: 1}, number=f"T-{key(item)}")
    market.sent(order, {item["id"]: 1 for item in order["lines"]}, number="ALL")
    for item in order["lines"][:130]:
        market.refund(order, {item["id"]: 1}, restock="NO_RESTOCK")
    found = fetch(store, order)
    assert [item.ref for item in found.lines] == [f"L-{at}" for at in range(320)]
    assert len(found.parcels) == 71
    assert sum(len(parcel.lines) for parcel in found.parcels) == 390
    assert sum(item.refunded for item in found.lines) == 130


def test_orders_that_changed(market: Shopify, store: Any, clock: Clock) -> None:
    """More than a page of them, of which some change while they are read."""
    price = {"shopMoney": {"amount": "1.00", "currencyCode": "EUR"}}
    rows = []
    for _ in range(520):
        clock.ahead += timedelta(seconds=2)
        given = {"lineItems": [{"title": "Thing", "quantity": 1, "priceSet": price}]}
        rows.append(market.do_orderCreate(given)["order"])
    since = market.now() - timedelta(hours=2)
    touched = iter((rows[0], rows[300], rows[519]))

    def meanwhile(name: str) -> None:
        if name == "orders" and (row := next(touched, None)):
            clock.ahead += timedelta(seconds=2)
            market.touch(row)

    market.on_page = meanwhile
    found = everything(lambda at: store.list_orders(since, at))
    assert {item.external_id for item in found} == {key(row) for row in rows}
