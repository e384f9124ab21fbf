"""The Shopify platform against its sandbox, over real HTTP: the catalogue, stock, costs, webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.catalogue import StoreProduct
from bridge.ports.channel import Page
from bridge.ports.errors import AskMerchant, Reauthorise, RetryLater, SlowDown
from bridge.ports.http import patience
from bridge.ports.platform import ProductRef
from platform_adapters.shopify.catalogue import Catalogue
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.facts import Facts
from platform_adapters.shopify.sandbox import Place
from tests.support.shopify import Account, Shop, open_shop, utc_now

EMPTY = (
    '{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":400,'
    '"actualQueryCost":null,"throttleStatus":{"maximumAvailable":1000,"currentlyAvailable":0,"restoreRate":1}}}}'
)
TWO = [Place(id=101, name="Warehouse"), Place(id=102, name="Shop floor"), Place(id=103, name="Outlet", online=False)]


@pytest.fixture(scope="module")
def stocked() -> Iterator[Shop]:
    """Nobody changes anything in it."""
    with open_shop(locations=TWO) as shop:
        shop.control("seed", products=3, variable=1, variants=60)
        yield shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop(locations=TWO, development=True) as found:
        yield found


def by_sku(products: tuple[StoreProduct, ...]) -> dict[str | None, Any]:
    return {variant.sku: variant for product in products for variant in product.variants}


def make(shop: Shop, sku: str, stock: int = 10, **more: Any) -> str:
    return Account(shop).hands.create_product(sku, "8719102443555", f"Product {sku}", more.get("price", "12.10"), stock)


class TestCatalogue:
    def test_lists_and_products_whole_with_every_variant(self, stocked: Shop) -> None:
        account = Account(stocked)
        page = account.platform.list_products(None, None)
        batch = account.platform.fetch_products([ref.external_id for ref in page.items] + ["999", "no-number"])
        assert [len(product.variants) for product in batch.products] == [1, 1, 1, 60]
        assert set(batch.missing) == {"999", "no-number"}
        assert len(set(by_sku(batch.products))) == 63
        first = batch.products[0]
        assert (first.title, first.brand, first.published) == ("Product 1", "Acme", True)
        assert first.edit_link == f"https://admin.shopify.com/store/sandbox/products/{first.external_id}"
        assert by_sku(batch.products)["SKU-4-7"].options == {"Size": "7"}

    def test_pages_of_variants_end_and_miss_nothing(self, stocked: Shop) -> None:
        account, cursor, seen = Account(stocked), None, []
        while True:
            page: Page[ProductRef] = account.platform.list_variants(cursor)
            seen += [ref.variant_id for ref in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 63

    def test_nothing_changed_is_an_empty_list(self, stocked: Shop) -> None:
        assert Account(stocked).platform.list_products(utc_now() + timedelta(minutes=1), None).items == ()

    def test_stock_of_the_chosen_locations_counts_and_the_others_are_told(self, shop: Shop) -> None:
        make(shop, "A", 10)
        account = Account(shop, settings={"locations": ["shop floor", "101"]})
        [ref] = account.platform.list_products(None, None).items
        [product] = account.platform.fetch_products([ref.external_id]).products
        account.hands.set_stock("A", 4)
        item = product.variants[0].stock.pool
        for place, units in ((102, 5), (103, 90)):
            body = {"name": "available", "reason": "correction", "quantities": [
                {"inventoryItemId": f"gid://shopify/InventoryItem/{item}", "locationId": f"gid://shopify/Location/{place}",
                 "quantity": units, "changeFromQuantity": None}]}  # fmt: skip
            account.platform._client.tell("stock_set", input=body, key=f"k{place}")
        both, online, floor = (
            Account(shop, settings={"locations": names})
            .platform.fetch_products([ref.external_id])
            .products[0]
            .variants[0]
            for names in (["Shop floor", "101"], [], ["102"])
        )
        assert (both.stock.on_hand, online.stock.on_hand, floor.stock.on_hand) == (9, 9, 5)
        assert both.stock.locations == {"101": 4, "102": 5, "103": 90}

    def test_a_location_that_is_not_there_is_named(self, shop: Shop) -> None:
        with pytest.raises(AskMerchant, match="no location Attic") as refused:
            Account(shop, settings={"locations": ["Attic"]}).platform.check()
        assert refused.value.field == "locations"

    def test_a_second_change_within_the_same_second_is_not_missed(self, shop: Shop) -> None:
        make(shop, "A")
        [fresh] = Account(shop).platform.list_products(None, None).items
        [later] = Account(shop, clock=lambda: utc_now() + timedelta(minutes=2)).platform.list_products(None, None).items
        [again] = Account(shop, clock=lambda: utc_now() + timedelta(minutes=4)).platform.list_products(None, None).items
        assert fresh.mark != later.mark
        assert later.mark == again.mark

    def test_prices_without_vat_get_it_on_top(self) -> None:
        with open_shop(taxes_included=False) as shop:
            make(shop, "A", price="10.00")
            plain = Account(shop)
            [ref] = plain.platform.list_products(None, None).items
            assert "warning" in plain.platform.check().details
            account = Account(shop, settings={"vat_percent": "21"})
            assert "warning" not in account.platform.check().details
            [product] = account.platform.fetch_products([ref.external_id]).products
            assert product.variants[0].price is not None
            assert product.variants[0].price.text() == "12.10 EUR"


def large(account: Account) -> Catalogue:
    """A catalogue that counts two products as many."""
    client = ShopifyClient(account.connection)
    facts = Facts(client, account.connection.settings, account.connection.clock)
    return Catalogue(client, account.transport, facts, account.connection.clock, bulk_from=2)


class TestExport:
    def test_a_large_catalogue_comes_as_one_file_and_is_the_same(self) -> None:
        with open_shop(locations=TWO) as shop:
            shop.control("seed", products=2, variable=1, variants=12)
            account = Account(shop)
            catalogue = large(account)
            with pytest.raises(SlowDown):
                catalogue.list_products(None, None)
            page = catalogue.list_products(None, None)
            assert page.next_cursor is None
            whole = account.platform.fetch_products([ref.external_id for ref in page.items]).products
            assert {ref.external_id: ref.product for ref in page.items} == {item.external_id: item for item in whole}
            assert [len(ref.product.variants) for ref in page.items if ref.product] == [1, 1, 12] or len(
                page.items
            ) == 3
            assert len(shop.sent("bulk_run")) == 1

    def test_it_is_waited_for_and_never_started_twice(self) -> None:
        with open_shop(bulk_seconds=300) as shop:
            shop.control("seed", products=3, variable=0)
            for _ in range(3):
                with pytest.raises(SlowDown, match="writing out its catalogue"):
                    large(Account(shop)).list_products(None, None)
            assert len(shop.sent("bulk_run")) == 1
            shop.control("clock", advance=301)
            assert len(large(Account(shop)).list_products(None, None).items) == 3

    def test_one_that_fails_twice_gives_way_to_pages(self) -> None:
        with open_shop() as shop:
            shop.control("seed", products=3, variable=0)
            shop.control("exports", fail=["TIMEOUT", "INTERNAL_SERVER_ERROR"])
            for _ in range(2):
                with pytest.raises(SlowDown):
                    large(Account(shop)).list_products(None, None)
            page = large(Account(shop)).list_products(None, None)
            assert [ref.product for ref in page.items] == [None] * 3


class TestStock:
    def test_it_is_written_only_where_the_merchant_wants_it(self, shop: Shop) -> None:
        number = make(shop, "A", 10)
        [product] = Account(shop).platform.fetch_products([number]).products
        variant = product.variants[0].external_id
        with pytest.raises(AskMerchant, match="switched off"):
            Account(shop).platform.set_stock(number, variant, 3)
        Account(shop, settings={"stock_writes": True}).platform.set_stock(number, variant, 3)
        assert shop.look("stock")["A"] == 3

    def test_each_write_is_compared_and_has_a_key_of_its_own(self, shop: Shop) -> None:
        make(shop, "A", 10)
        hands = Account(shop).hands
        hands.set_stock("A", 7)
        hands.set_stock("A", 6)
        rows = [(row["input"]["quantities"][0]["changeFromQuantity"], row["key"]) for row in shop.sent("stock_set")]
        assert [row[0] for row in rows] == [10, 7]
        assert len({row[1] for row in rows}) == 2

    def test_a_sale_in_between_is_not_overwritten(self, shop: Shop) -> None:
        make(shop, "A", 10)
        account = Account(shop)
        shop.fault(
            "mutate", "item_levels", set={"data.inventoryItem.inventoryLevels.nodes.0.quantities.0.quantity": 11}
        )
        account.hands.set_stock("A", 5)
        sent = [row["input"]["quantities"][0]["changeFromQuantity"] for row in shop.sent("stock_set")]
        assert sent == [11, 10]
        assert shop.look("stock")["A"] == 5

    def test_without_the_key_or_the_comparison_the_store_refuses(self, shop: Shop) -> None:
        row = {
            "inventoryItemId": "gid://shopify/InventoryItem/1",
            "locationId": "gid://shopify/Location/101",
            "quantity": 1,
        }
        body = {"name": "available", "reason": "correction", "quantities": [row]}
        text = "mutation M($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i) %s { userErrors { code } } }"
        bare = shop.graphql(text % "", i=body | {"quantities": [row | {"changeFromQuantity": 1}]}).json()
        assert "@idempotent directive is required" in bare["errors"][0]["message"]
        blind = shop.graphql(text % '@idempotent(key: "k")', i=body).json()
        assert "changeFromQuantity argument is required" in blind["errors"][0]["message"]


class TestCosts:
    def test_the_bucket_is_the_stores_own_and_throttling_in_a_200_is_waited_for(self) -> None:
        with open_shop(bucket=1000, restore=50) as shop:
            account = Account(shop)
            account.platform.check()
            shop.control("drain", left=1)
            with pytest.raises(SlowDown) as slowed, patience(0.2):
                account.platform.list_variants(None)
            after = slowed.value.after
            assert after is not None
            # 402 points at 50 a second.
            assert timedelta(seconds=5) < after < timedelta(seconds=10)
            assert "Throttled" in slowed.value.merchant

    def test_what_a_call_did_not_need_is_given_back(self) -> None:
        with open_shop(bucket=1000, restore=1) as shop:
            account = Account(shop)
            with patience(1):
                for _ in range(20):  # 402 points each are asked for, a handful are spent
                    account.platform.list_variants(None)
            assert all(exchange.status == 200 for exchange in account.recorder.exchanges)
            assert len(account.recorder.exchanges) == 20

    def test_what_the_bucket_does_not_hold_comes_later_and_the_rest_now(self) -> None:
        with open_shop(bucket=1000, restore=1) as shop:
            shop.control("seed", products=30, variable=0)
            account = Account(shop)
            ids = [ref.external_id for ref in account.platform.list_products(None, None).items]
            shop.control(
                "faults", kind="error", operation="products_by_id", after=1, params={"status": 200, "body": EMPTY}
            )
            with patience(0.1):
                batch = account.platform.fetch_products(ids)
            read = [product.external_id for product in batch.products]
            assert sorted([*read, *batch.later]) == sorted(ids)
            assert read
            assert batch.later
            assert batch.missing == ()

    def test_no_query_of_ours_is_too_expensive(self) -> None:
        with open_shop(locations=TWO) as shop:
            shop.control("seed", products=8, variable=1, variants=50)
            account = Account(shop)
            account.platform.check()
            self._ask_everything(account)

    def _ask_everything(self, account: Account) -> None:
        account.platform.fetch_products([ref.external_id for ref in account.platform.list_products(None, None).items])
        account.platform.list_variants(None)
        account.platform.list_orders(utc_now(), None)
        account.platform.find_orders(["a:1", "a:2"])
        account.platform.fetch_orders([str(number) for number in range(1, 20)])
        assert [exchange.error for exchange in account.recorder.exchanges if exchange.error] == []


class TestRefusals:
    def test_missing_scopes_are_named(self) -> None:
        given = ("read_products", "read_locations", "read_inventory")
        with open_shop(scopes=given) as shop, pytest.raises(AskMerchant, match="read_fulfillments, write_orders"):
            Account(shop).platform.check()

    def test_writing_stock_needs_its_own_scope(self) -> None:
        given = ("write_products", "read_locations", "read_inventory", "write_orders", "read_fulfillments")
        with open_shop(scopes=given) as shop:
            assert Account(shop).platform.check().name == "Sandbox Store"
            with pytest.raises(AskMerchant, match="write_inventory"):
                Account(shop, settings={"stock_writes": True}).platform.check()

    def test_a_fault_inside_a_200_is_a_fault(self, shop: Shop) -> None:
        account = Account(shop)
        body = '{"errors":[{"message":"Internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}'
        shop.fault("error", "orders_changed", times=None, status=200, body=body)
        with pytest.raises(RetryLater, match="Internal error"):
            account.platform.list_orders(utc_now(), None)

    def test_an_unknown_code_is_kept_and_told(self, shop: Shop) -> None:
        body = '{"errors":[{"message":"Brand new trouble","extensions":{"code":"NEW_TROUBLE"}}],"data":null}'
        shop.fault("error", "shop", status=200, body=body)
        with pytest.raises(Exception, match="Brand new trouble"):
            Account(shop).platform.check()

    def test_a_token_that_is_no_longer_good(self, shop: Shop) -> None:
        with pytest.raises(Reauthorise, match="access token"):
            Account(shop, credentials={"access_token": "shpat_old"}).platform.list_products(datetime.now(UTC), None)


class TestWebhooks:
    def test_made_once_mended_and_removed(self, shop: Shop) -> None:
        platform, url = Account(shop).platform, "https://bridge.example/hooks/abc/1"
        first = platform.ensure_webhooks(url, "secret")
        assert (first.active, len(first.mended)) == (10, 10)
        assert platform.ensure_webhooks(url, "secret").mended == ()
        moved = platform.ensure_webhooks("https://other.example/hooks/abc/1", "secret")
        assert len(moved.mended) == 10
        rows = shop.look("subscriptions")
        assert {row["uri"] for row in rows} == {"https://other.example/hooks/abc/1"}
        assert all("email" not in row["fields"] and row["fields"] for row in rows)
        assert platform.remove_webhooks("https://other.example/hooks/abc/1") == 10
        assert shop.look("subscriptions") == []

    def test_without_the_secret_they_are_not_made(self, shop: Shop) -> None:
        with pytest.raises(AskMerchant) as refused:
            Account(shop).platform.ensure_webhooks("https://bridge.example/hooks/abc/1", "")
        assert refused.value.field == "client_secret"
