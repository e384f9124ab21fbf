"""Shopify's adapter against a Shopify that was written from its schema and pages by nobody who had seen the adapter: products
and stock, limits, and everything that comes instead of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    Reauthorise,
    RetryLater,
    SlowDown,
)
from bridge.ports.platform import HintKind
from bridge.registry import discover
from tests.support.independent_shopify import Json, Reply, number
from tests.support.independent_shopify_store import Shopify
from tests.support.played import Clock, everything, patiently

Connect = Callable[..., Any]


def ids(rows: list[Json]) -> set[str]:
    return {str(number(row["id"])) for row in rows}


def read(store: Any, product: Json) -> Any:
    [found] = store.fetch_products([product["legacyResourceId"]]).products
    return found


def test_a_product_is_read_whole(market: Shopify, connect: Connect) -> None:
    weight = {"value": 1.5, "unit": "KILOGRAMS"}
    product = market.product(
        "Boot", vendor="Maker", tags=["new", "leather"],
        variants=[
            {"sku": "B-40", "barcode": "4006381333931", "price": "89.95", "compareAtPrice": "99.95", "weight": weight,
             "selectedOptions": [{"name": "Size", "value": "40"}], "title": "40"},
            {"sku": None, "stock": 0, "price": "0.00", "selectedOptions": [{"name": "Size", "value": "41"}], "title": "41"},
        ],
    )  # fmt: skip
    found = read(connect(), product)
    assert (found.title, found.vendor, set(found.tags)) == ("Boot", "Maker", {"new", "leather"})
    first, second = found.variants
    assert (first.sku, first.gtin, first.options) == ("B-40", "4006381333931", {"Size": "40"})
    now, before = Money.of("89.95", "EUR"), Money.of("99.95", "EUR")
    assert (first.price, first.regular_price, first.sale_price) == (now, before, now)
    assert (second.sku, second.price, second.stock.on_hand) == (None, None, 0)
    assert (first.weight.amount, first.weight.unit) == (Decimal("1.5"), "kg")


def test_every_page_is_read_while_products_move(market: Shopify, connect: Connect, clock: Clock) -> None:
    """A list by what changed last: what is changed meanwhile moves to its end, what is deleted leaves."""
    rows = []
    for _ in range(610):
        clock.ahead += timedelta(seconds=2)
        rows.append(market.product())
    store = connect()
    since = market.now() - timedelta(hours=3)
    turns = iter((rows[5], rows[400], rows[609]))

    def meanwhile(name: str) -> None:
        if name == "products" and (row := next(turns, None)):
            clock.ahead += timedelta(seconds=2)
            market.touch(row)

    market.on_page = meanwhile
    assert {item.external_id for item in everything(lambda at: store.list_products(since, at))} == ids(rows)
    assert {item.external_id for item in everything(lambda at: store.list_products(None, at))} == ids(rows)
    assert {item.variant_id for item in everything(store.list_variants)} == ids([x["variants"][0] for x in rows])


def test_a_change_is_found_when_the_index_has_it(market: Shopify, connect: Connect, clock: Clock) -> None:
    old, new = market.product(), market.product()
    clock.ahead += timedelta(hours=2)
    market.lag = timedelta(minutes=4)
    market.touch(new)
    since = market.now() - timedelta(minutes=10)
    store = connect()
    clock.ahead += timedelta(minutes=5)
    assert {item.external_id for item in everything(lambda at: store.list_products(since, at))} == ids([new])
    assert {item.external_id for item in everything(lambda at: store.list_products(None, at))} == ids([old, new])


def test_a_mark_changes_with_stock_and_price(market: Shopify, connect: Connect, clock: Clock) -> None:
    product = market.product()
    store = connect()

    def marks() -> tuple[str, str]:
        [whole] = everything(lambda at: store.list_products(None, at))
        [part] = everything(store.list_variants)
        return whole.mark, part.mark

    before = marks()
    clock.ahead += timedelta(minutes=1)
    market.moved(product["variants"][0]["inventoryItem"]["levels"][0], available=-1)
    after = marks()
    assert before[0] != after[0]
    assert before[1] != after[1]
    product["variants"][0]["inventoryItem"]["levels"][0]["states"]["available"] -= 1  # nothing else tells of it
    assert marks()[1] != after[1]


def test_stock_of_several_locations(market: Shopify, connect: Connect) -> None:
    """Sold online is what is available at active locations that fulfil online orders; committed and reserved are not."""
    closed = market.place("Closed", isActive=False)
    shop = market.place("Shop floor", fulfillsOnlineOrders=False)
    market.places += [market.place("Second"), closed, shop]
    stock = {0: 5, 1: -2, 2: 100, 3: 7}
    product = market.product(variants=[{"sku": "A", "stock": stock}])
    levels = product["variants"][0]["inventoryItem"]["levels"]
    market.moved(levels[0], committed=3, reserved=2)
    variant = read(connect(), product).variants[0]
    assert variant.stock.on_hand == 3
    places = {str(number(market.places[at]["id"])): units for at, units in {0: 5, 1: -2}.items()}
    assert {key: variant.stock.locations.get(key) for key in places} == places
    only = connect(locations=[str(number(shop["id"]))])
    assert read(only, product).variants[0].stock.on_hand == 7
    unlisted = connect(locations=[str(number(market.places[1]["id"]))])
    lonely = market.product(variants=[{"sku": "B", "stock": {0: 4}}])
    assert read(unlisted, lonely).variants[0].stock.on_hand == 0


def test_what_is_not_counted_and_what_may_be_oversold(market: Shopify, connect: Connect) -> None:
    product = market.product(
        variants=[
            {"sku": "U", "tracked": False, "stock": 0},
            {"sku": "C", "inventoryPolicy": "CONTINUE", "stock": -3},
            {"sku": "D", "stock": -3},
        ]
    )
    free, over, sold = read(connect(), product).variants
    assert (free.stock.managed, free.stock.on_hand, free.stock.in_stock) == (False, None, True)
    assert (over.stock.managed, over.stock.on_hand, over.stock.backorders) == (True, -3, True)
    assert (sold.stock.on_hand, sold.stock.backorders) == (-3, False)


def test_a_product_of_2048_variants_at_three_locations(market: Shopify, connect: Connect) -> None:
    market.most_points = market.restored = 1e6  # the largest plans wait for nothing
    market.drain(1e6)
    market.places += [market.place("Second"), market.place("Third")]
    rows = [{"sku": f"S-{at}", "stock": {0: at, 1: 1, 2: 1}} for at in range(2048)]
    product = market.product(variants=rows)
    small = market.product()
    batch = connect().fetch_products([product["legacyResourceId"], small["legacyResourceId"], "77"])
    whole = {item.external_id: item for item in batch.products}
    assert batch.missing == ("77",)
    found = whole[product["legacyResourceId"]].variants
    assert {item.sku: item.stock.on_hand for item in found} == {f"S-{at}": at + 2 for at in range(2048)}
    assert len(whole) == 2


def test_more_locations_than_a_page_of_levels(market: Shopify, connect: Connect) -> None:
    market.places += [market.place(f"Depot {at}") for at in range(120)]
    product = market.product(variants=[{"sku": "A", "stock": dict.fromkeys(range(121), 1)}])
    assert read(connect(), product).variants[0].stock.on_hand == 121


@pytest.mark.parametrize("status", ["ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"])
def test_what_is_published(market: Shopify, connect: Connect, status: str) -> None:
    product = market.product(status=status)
    assert read(connect(), product).published == (status in ("ACTIVE", "UNLISTED"))


def test_deleted_products_are_missing(market: Shopify, connect: Connect) -> None:
    kept, gone = market.product(), market.product()
    market.delete_product(gone)
    batch = connect().fetch_products([gone["legacyResourceId"], kept["legacyResourceId"]])
    assert batch.missing == (gone["legacyResourceId"],)
    assert [item.external_id for item in batch.products] == [kept["legacyResourceId"]]


# -- bulk operations ------------------------------------------------------------------------------------------


def many(market: Shopify) -> None:
    """So many that nobody would read them in pages."""
    market.root_productsCount = lambda **_: {"count": 60_000, "precision": "AT_LEAST"}  # type: ignore[method-assign]
    market.root_productVariantsCount = market.root_productsCount  # type: ignore[method-assign]


@pytest.fixture
def large(market: Shopify) -> list[Json]:
    market.places.append(market.place("Second"))
    variants = [{"sku": f"S-{at}", "stock": {0: at, 1: 10}} for at in range(3)]
    return [market.product(f"Thing {at}", variants=variants) for at in range(120)]


def test_a_large_catalogue_is_exported(market: Shopify, connect: Connect, large: list[Json]) -> None:
    store = connect()
    many(market)
    products = patiently(lambda: everything(lambda at: store.list_products(None, at)))
    assert {item.external_id for item in products} == ids(large)
    found = patiently(lambda: everything(store.list_variants))
    assert {item.variant_id for item in found} == ids([row for product in large for row in product["variants"]])
    assert {item.external_id for item in found} == ids(large)
    asked = set(market.asked)
    assert "bulkOperationRunQuery" in asked, asked


@pytest.mark.parametrize("ends", ["FAILED", "CANCELED", "EXPIRED"])
def test_an_export_that_breaks_off_is_no_catalogue(
    market: Shopify, connect: Connect, large: list[Json], ends: str
) -> None:
    """What is missing in half a file is not deleted."""
    store = connect()
    many(market)
    market.bulk_ends = [ends] * 50
    products = patiently(lambda: everything(lambda at: store.list_products(None, at)))
    assert {item.external_id for item in products} == ids(large)
    assert market.asked.count("bulkOperationRunQuery") <= 2, "then it is read in pages"


# -- limits and what comes instead of an answer ---------------------------------------------------------------


def test_throttled_is_no_failure(market: Shopify, connect: Connect) -> None:
    product = market.product()
    store = connect()
    store.check()
    market.restored = 1.0
    market.drain()
    with pytest.raises(SlowDown) as caught:
        store.fetch_products([product["legacyResourceId"]])
    assert caught.value.after is not None
    assert timedelta(0) < caught.value.after < timedelta(seconds=60)
    market.restored = 100.0
    assert patiently(lambda: read(store, product), wait=1)


FROZEN = [
    (402, {"errors": "Unavailable Shop"}, AskMerchant),
    (403, {"errors": "Forbidden"}, BridgeError),
    (404, {"errors": "Not Found"}, BridgeError),
    (423, {"errors": "This shop is unavailable"}, BridgeError),
    (430, "<html>Shopify Security Rejection</html>", RetryLater),
    (429, {"errors": "Exceeded 2 calls per second for api client."}, SlowDown),
    (401, {"errors": "[API] Invalid API key or access token"}, Reauthorise),
    (500, "<html>Something went wrong</html>", RetryLater),
    (502, "<html>Bad gateway</html>", RetryLater),
    (503, {"errors": "Service Unavailable"}, RetryLater),
    (504, "", RetryLater),
    (200, "<html>One moment, please</html>", RetryLater),
]


@pytest.mark.parametrize(("status", "body", "kind"), FROZEN, ids=[f"{item[0]}" for item in FROZEN])
def test_the_state_of_a_shop(
    market: Shopify, connect: Connect, status: int, body: Any, kind: type[BridgeError]
) -> None:
    product = market.product()
    store = connect()
    store.check()
    market.state = Reply(status, body)
    with pytest.raises(kind) as caught:
        store.fetch_products([product["legacyResourceId"]])
    assert caught.value.merchant
    market.state = None
    if not isinstance(caught.value, SlowDown):
        assert read(store, product)


def test_an_error_inside_an_answer(market: Shopify, connect: Connect) -> None:
    product = market.product()
    store = connect()
    store.check()
    told = {"message": "Internal error. Looks like something went wrong on our end.",
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "r"}}  # fmt: skip
    market.trouble["nodes"] = [Reply(200, {"errors": [told]})] * 20
    with pytest.raises(RetryLater):
        store.fetch_products([product["legacyResourceId"]])


def test_no_document_costs_more_than_one_may(market: Shopify, connect: Connect) -> None:
    """``Ground.cost_of``: what is dearer is in ``refused``."""
    product = market.product()
    store = connect()
    store.check()
    store.fetch_products([product["legacyResourceId"]])
    everything(lambda at: store.list_products(None, at))
    everything(store.list_variants)
    assert max(cost for _, cost in market.costs) <= 400, market.costs


def test_a_location_that_was_renamed_does_not_empty_the_shelves(
    market: Shopify, connect: Connect, clock: Clock
) -> None:
    """A chosen location that nobody knows any more: how much is there is not said, so it is not nothing."""
    product = market.product(variants=[{"sku": "A", "stock": 5}])
    store = connect(locations=["place 1"])
    assert read(store, product).variants[0].stock.on_hand == 5
    market.places[0]["name"] = "Warehouse"
    clock.ahead += timedelta(hours=1)
    with pytest.raises(AskMerchant) as caught:
        store.fetch_products([product["legacyResourceId"]])
    assert "place 1" in caught.value.merchant.casefold()
    market.places[0]["name"] = "Place 1"
    clock.ahead += timedelta(minutes=2)
    assert read(store, product).variants[0].stock.on_hand == 5


def test_a_location_that_was_closed_sells_nothing(market: Shopify, connect: Connect, clock: Clock) -> None:
    market.places.append(market.place("Second"))
    product = market.product(variants=[{"sku": "A", "stock": {0: 5, 1: 2}}])
    store = connect(locations=[str(number(place["id"])) for place in market.places])
    assert read(store, product).variants[0].stock.on_hand == 7
    market.places[1]["isActive"] = False
    clock.ahead += timedelta(hours=1)
    assert read(store, product).variants[0].stock.on_hand == 5


# -- webhooks -------------------------------------------------------------------------------------------------

SECRET = "shpss_independent"
SENT = [
    ("products/update", {"id": 7, "title": "Größe"}, HintKind.PRODUCT, "7"),
    ("products/delete", {"id": 7}, HintKind.PRODUCT, "7"),
    ("inventory_levels/update", {"inventory_item_id": 8, "location_id": 9, "available": 3}, HintKind.STOCK, "8"),
    ("orders/updated", {"id": 10}, HintKind.ORDER, "10"),
    ("orders/cancelled", {"id": 10}, HintKind.ORDER, "10"),
    ("fulfillments/create", {"id": 1, "order_id": 10}, HintKind.ORDER, "10"),
    ("refunds/create", {"id": 2, "order_id": 10}, HintKind.ORDER, "10"),
]


@pytest.mark.parametrize(("topic", "body", "kind", "key"), SENT, ids=[item[0] for item in SENT])
@pytest.mark.parametrize("events", [True, False])
def test_deliveries(market: Shopify, topic: str, body: Json, kind: HintKind, key: str, *, events: bool) -> None:
    """In either family of headers; signed with the secret of today or the one before."""
    door = discover().platforms["shopify"].webhooks
    headers, raw = market.delivery(topic, body, SECRET, events=events)
    hint = door.read(headers, raw, ["shpss_new", SECRET])
    assert (hint.kind, hint.external_id) == (kind, key)
    assert hint.delivery
    for forged in (raw + b" ", raw.replace(b"1", b"2") + b"x"):
        with pytest.raises(Reauthorise):
            door.read(headers, forged, [SECRET])
    with pytest.raises(Reauthorise):
        door.read(headers, raw, ["shpss_another"])


def test_what_is_subscribed_to_tells_what_is_read(market: Shopify, connect: Connect) -> None:
    """A level's delivery says how much is left, by which what sells out is read first: the field has to be asked for."""
    url = "https://bridge.example/hooks/shop/1"
    store = connect()
    assert store.ensure_webhooks(url, SECRET).mended
    rows = {row["topic"]: row for row in market.known("WebhookSubscription")}
    assert {"inventory_item_id", "available"} <= {*rows["INVENTORY_LEVELS_UPDATE"]["includeFields"]}
    door = discover().platforms["shopify"].webhooks
    body = {"inventory_item_id": 8, "location_id": 9, "available": 3, "updated_at": "2026-11-28T08:00:00Z"}
    sent = {name: body[name] for name in rows["INVENTORY_LEVELS_UPDATE"]["includeFields"]}
    headers, raw = market.delivery("inventory_levels/update", sent, SECRET)
    assert door.read(headers, raw, [SECRET]).units == 3
    assert not store.ensure_webhooks(url, SECRET).mended
    rows["INVENTORY_LEVELS_UPDATE"]["includeFields"] = ["inventory_item_id", "location_id", "updated_at"]
    assert store.ensure_webhooks(url, SECRET).mended, "one of before, that does not tell it"
    [level] = [row for row in market.known("WebhookSubscription") if row["topic"] == "INVENTORY_LEVELS_UPDATE"]
    assert "available" in level["includeFields"]
    rows = {row["topic"]: row for row in market.known("WebhookSubscription")}
    market.do_webhookSubscriptionDelete(rows["REFUNDS_CREATE"]["id"])
    assert store.ensure_webhooks(url, SECRET).mended
    assert store.remove_webhooks(url) == len(rows)
    assert not market.known("WebhookSubscription")
