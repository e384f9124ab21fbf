"""The Magento platform against its sandbox, over real HTTP: the account, the catalogue, stock, faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.catalogue import StoreProduct
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater, SlowDown
from platform_adapters.magento.sandbox import SANDBOX_KEYS
from tests.support.magento import Account, Store, all_pages, draft, eur, open_store, utc_now

LINE = "storebridge|bol:1|L"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


def read(account: Account, *ids: str) -> list[StoreProduct]:
    return list(account.platform.fetch_products(ids).products)


def on_hand(account: Account, key: str) -> int | None:
    [product] = read(account, key)
    return product.variants[0].stock.on_hand


def changed(account: Account, since: datetime) -> set[str]:
    return {ref.external_id for ref in all_pages(lambda cursor: account.platform.list_products(since, cursor))}


class TestAccount:
    def test_tells_what_it_found_and_offers_it(self, store: Store, account: Account) -> None:
        info = account.platform.check()
        assert (info.name, info.currency, info.timezone) == ("Main Website", "EUR", "Europe/Amsterdam")
        assert [choice.value for choice in info.choices["store_view"]] == ["default"]
        assert [choice.value for choice in info.choices["source"]] == ["default"]
        assert info.details["inventory"] == "stock 1"

    @pytest.mark.parametrize("module", [False, True])
    def test_sells_in_the_currency_that_counts_and_not_in_what_the_website_is_set_to(self, module: bool) -> None:
        """Where prices are the same in all websites, the setting of one for its base currency counts for nothing."""
        with open_store(currency="EUR", currency_setting="GBP", module=module) as store:
            account, key = Account(store), store.product("A", price=10)
            assert account.platform.check().currency == "EUR"
            assert read(account, key)[0].variants[0].price == eur("10.00")
            made = account.platform.create_order(draft(key))
            assert (made.currency, store.order(made.external_id)["base_currency_code"]) == ("EUR", "EUR")

    def test_a_token_alone_is_taken_only_where_the_store_takes_bearers(self, store: Store) -> None:
        alone = {"access_token": SANDBOX_KEYS["access_token"]}
        with pytest.raises(Reauthorise, match="bearer"):
            Account(store, credentials=alone).platform.check()
        with open_store(bearer=True) as other:
            assert Account(other, credentials=alone).platform.check().currency == "EUR"

    @pytest.mark.parametrize("module", [False, True])
    def test_a_web_server_that_does_not_tell_the_port_costs_one_refused_call(self, module: bool) -> None:
        with open_store(port_told=False, module=module) as store:
            account = Account(store)
            assert account.platform.check().currency == "EUR"
            assert (account.platform.check().details["module"] == "not installed") is not module
            made = account.platform.create_order(draft(store.product("A", 10)))
            assert store.order(made.external_id)["total_qty_ordered"] == 1
            statuses = [exchange.status for exchange in account.recorder.exchanges]
        assert (statuses[0], statuses.count(401)) == (401, 1)

    @pytest.mark.parametrize("name", SANDBOX_KEYS)
    def test_each_of_the_four_values_has_to_be_right(self, store: Store, name: str) -> None:
        wrong = {**SANDBOX_KEYS, name: "wrong"}
        with pytest.raises(Reauthorise, match="four values"):
            Account(store, credentials=wrong).platform.check()

    def test_some_of_the_four_are_not_enough(self, store: Store) -> None:
        with pytest.raises(AskMerchant) as caught:
            Account(store, credentials={**SANDBOX_KEYS, "consumer_secret": ""})
        assert caught.value.field == "consumer_secret"

    def test_an_unknown_store_view_is_told_with_those_that_there_are(self, store: Store) -> None:
        with pytest.raises(AskMerchant, match="default") as caught:
            Account(store, settings={"store_view": "nowhere"}).platform.check()
        assert caught.value.field == "store_view"

    def test_an_unknown_tax_class_is_told_with_those_that_there_are(self, store: Store) -> None:
        settings = {"prices": "without VAT", "vat_percent": "21", "vat_classes": ["Books=9"]}
        with pytest.raises(AskMerchant, match="food") as caught:
            Account(store, settings=settings).platform.check()
        assert caught.value.field == "vat_classes"

    def test_a_missing_permission_reads_like_a_wrong_value(self) -> None:
        with open_store(denied=("Magento_Sales",)) as store, pytest.raises(Reauthorise, match="Magento_Sales"):
            Account(store).platform.check()

    def test_proving_that_it_may_write_writes_nothing(self, store: Store, account: Account) -> None:
        key = store.product("A")
        made = account.platform.create_order(draft(key))
        before = store.order(made.external_id)
        account.platform.check()
        assert store.look("orders") == [before]


class TestCatalogue:
    def test_a_simple_product(self, store: Store, account: Account) -> None:
        own = {"ean": "4000000000001", "brand": "11", "material": "21,22", "description": "<p>Soft</p>", "cost": "4.5"}
        key = store.product("A/1 & ü", 7, 20.9, own=own)
        [product] = read(account, key)
        [variant] = product.variants
        assert (product.title, product.brand, product.attributes["Material"]) == (
            "Product A/1 & ü",
            "Fjord",
            "Cotton, Wool",
        )
        assert (variant.sku, variant.gtin, variant.stock.on_hand) == ("A/1 & ü", "4000000000001", 7)
        assert variant.price is not None
        assert variant.cost is not None
        assert (variant.price.text(), variant.cost.text()) == ("20.90 EUR", "4.50 EUR")
        assert product.published
        assert product.description == "<p>Soft</p>"

    def test_a_configurable_product_has_its_children_as_variants(self, store: Store, account: Account) -> None:
        ids = store.shirt()
        [product] = read(account, ids["SHIRT"])
        assert [variant.sku for variant in product.variants] == [
            "SHIRT-RED-S", "SHIRT-RED-M", "SHIRT-BLUE-S", "SHIRT-BLUE-M",
        ]  # fmt: skip
        first = product.variants[0]
        assert first.options == {"Color": "Red", "Size": "S"}
        assert (first.title, first.product_id, first.published) == ("Shirt - Red, S", ids["SHIRT"], True)
        assert first.stock.on_hand == 5

    def test_a_child_is_no_product_of_its_own(self, store: Store, account: Account) -> None:
        ids = store.shirt()
        batch = account.platform.fetch_products([ids["SHIRT-RED-S"]])
        assert (batch.products, batch.missing, batch.parents) == ((), (ids["SHIRT-RED-S"],), (ids["SHIRT"],))
        listed = all_pages(lambda cursor: account.platform.list_products(None, cursor))
        assert [ref.external_id for ref in listed] == [ids["SHIRT"]]

    def test_everything_is_listed_once_over_many_pages(self, store: Store, account: Account) -> None:
        store.control("seed", products=150, variable=20)
        listed = [ref.external_id for ref in all_pages(lambda cursor: account.platform.list_products(None, cursor))]
        assert (len(listed), len(set(listed))) == (170, 170)
        variants = all_pages(account.platform.list_variants)
        assert len({ref.variant_id for ref in variants}) == len(variants) == 150 + 80
        assert {ref.external_id for ref in variants} == set(listed)

    def test_what_changed_since(self, store: Store, account: Account) -> None:
        ids = store.shirt()
        other, third = store.product("B"), store.product("C")
        store.control("clock", advance=3600)
        since = utc_now() + timedelta(minutes=50)
        assert changed(account, since) == set()
        store.product("SHIRT-BLUE-M", 5, 31, visibility=1, own={"color": "5", "size": "7"})
        store.control("product", product={"sku": "B", "name": "B again"})
        assert changed(account, since) == {ids["SHIRT"], other}
        # Stock that is sold in the store moves no date; the order does.
        store.control("checkout", lines=[{"sku": "C", "quantity": 1}, {"sku": "SHIRT-RED-S", "quantity": 1}])
        assert changed(account, since) == {ids["SHIRT"], other, third}
        store.control("clock", advance=3600)
        store.control("cancel", order=1)
        assert changed(account, since + timedelta(hours=1)) == {ids["SHIRT"], third}

    def test_a_save_that_changes_nothing_is_no_change_and_a_sale_is_one(self, store: Store, account: Account) -> None:
        store.product("A")
        marks = [self._mark(account)]
        store.control("product", product={"sku": "A"})
        marks.append(self._mark(account))
        store.control("checkout", lines=[{"sku": "A", "quantity": 1}])
        marks.append(self._mark(account))
        assert marks[0] == marks[1] != marks[2]

    @staticmethod
    def _mark(account: Account) -> str:
        [ref] = all_pages(lambda cursor: account.platform.list_products(None, cursor))
        return str(ref.mark)

    def test_a_deleted_product_is_missing_and_an_empty_list_alone_deletes_nothing(
        self, store: Store, account: Account
    ) -> None:
        kept, gone = store.product("A"), store.product("B")
        account.hands.remove(account.hands.traces(["B"], [])[0])
        assert account.platform.fetch_products([kept, gone]).missing == (gone,)
        account.platform.fetch_products([kept])
        store.fault("empty_list", "products.list")
        assert account.platform.fetch_products([kept, "x"]).missing == ("x",)

    def test_prices_without_vat_get_the_rate_of_their_tax_class(self, store: Store) -> None:
        settings = {"prices": "without VAT", "vat_percent": "21", "vat_classes": ["Food=9"]}
        account = Account(store, settings=settings)
        keys = [store.product(f"P{number}", 1, 10, own={"tax_class_id": number}) for number in ("2", "4", "0")]
        prices = [product.variants[0].price for product in read(account, *keys)]
        assert [price.text() for price in prices if price] == ["12.10 EUR", "10.90 EUR", "10.00 EUR"]

    def test_a_reduction_holds_on_its_days_in_the_stores_own_zone(self, store: Store) -> None:
        own = {
            "special_price": "8.00",
            "special_from_date": "2026-11-24 00:00:00",
            "special_to_date": "2026-11-24 00:00:00",
        }
        key = store.product("A", own=own)
        found = []
        for hour in (22, 23, 46, 47):  # Amsterdam is an hour ahead
            when = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
            [product] = read(Account(store, clock=lambda when=when: when), key)  # type: ignore[misc]
            variant = product.variants[0]
            found.append((variant.price.text() if variant.price else "", variant.sale_price is not None))
        assert found == [("10.00 EUR", False), ("8.00 EUR", True), ("8.00 EUR", True), ("10.00 EUR", False)]

    def test_what_is_off_elsewhere_or_hidden_is_not_published(self, store: Store, account: Account) -> None:
        keys = [store.product("OFF", status=2), store.product("HIDDEN", visibility=1)]
        assert [product.published for product in read(account, *keys)] == [False, False]

    def test_bundles_and_services_are_nothing_to_sell(self, store: Store, account: Account) -> None:
        keys = [store.product(kind, type_id=kind) for kind in ("bundle", "grouped", "virtual", "downloadable")]
        assert [product.variants for product in read(account, *keys)] == [(), (), (), ()]

    def test_an_attribute_outside_the_set_is_never_shown(self, store: Store, account: Account) -> None:
        [product] = read(account, store.product("A", own={"barcode": "4000000000001"}))
        assert product.variants[0].gtin is None


class TestStock:
    @pytest.mark.parametrize("salable_export", [True, False])
    def test_salable_and_not_what_lies_there(self, salable_export: bool) -> None:
        with open_store(salable_export=salable_export) as store:
            key = store.product("A, with comma", 10)
            store.control("checkout", lines=[{"sku": "A, with comma", "quantity": 3}])
            assert on_hand(Account(store), key) == 7
            assert store.stock("A, with comma")["sources"] == {"default": 10}

    @pytest.mark.parametrize("msi", [True, False])
    def test_the_drift_of_orders_that_came_over_rest_is_taken_off(self, msi: bool) -> None:
        """The measured table: posted, shipped, cancelled, credited; Magento's own figure is ever too high."""
        with open_store(msi=msi) as store:
            account = Account(store, settings={"invoice": False})
            key, seen = store.product("A", 50), []
            first = account.platform.create_order(draft(key, quantity=3))
            seen.append(on_hand(account, key))
            store.control("ship", order=int(first.external_id), tracking="T")
            seen.append(on_hand(account, key))
            second = account.platform.create_order(draft(key, external_id="2", quantity=2))
            seen.append(on_hand(account, key))
            account.platform.cancel_order(second.external_id, "")
            seen.append(on_hand(account, key))
            assert seen == [47, 47, 45, 47]
            assert store.stock("A")["salable"] == 52

    def test_sums_over_many_orders_are_carried_on(self, store: Store, account: Account) -> None:
        """More lines than a page has, of several products; then one more, for one more call."""
        keys = [store.product("A", 900), store.product("B", 900)]
        lines = [{"sku": "AB"[number % 2], "qty_ordered": 1, "ext_order_item_id": LINE} for number in range(700)]
        for start in range(0, 700, 350):
            order = {"payment": {"method": "checkmo"}, "items": lines[start : start + 350], "grand_total": 0}
            store.control("order", entity=order)
        assert [on_hand(account, key) for key in keys] == [550, 550]
        account.operations()
        account.platform.create_order(draft(keys[0], quantity=2))
        assert [on_hand(account, key) for key in keys] == [548, 550]
        assert account.operations().count("orders.items") == 2

    def test_a_module_that_books_reservations_is_believed(self, store: Store) -> None:
        account = Account(store, settings={"reservations": "booked"})
        key = store.product("A", 10)
        account.platform.create_order(draft(key))
        assert on_hand(account, key) == 10

    def test_orders_before_a_repair_are_not_taken_off(self, store: Store) -> None:
        key = store.product("A", 10)
        Account(store).platform.create_order(draft(key))
        tomorrow = (utc_now() + timedelta(days=1)).date().isoformat()
        assert on_hand(Account(store, settings={"reservations_from": tomorrow}), key) == 10
        assert on_hand(Account(store, settings={"reservations_from": "2020-01-01"}), key) == 9

    def test_several_sources_add_up(self) -> None:
        with open_store(sources=("wh2", "wh3")) as store:
            account, key = Account(store), store.product("A", 99)
            changes = [{"sku": "A", "stock": 3, "source": "wh2"}, {"sku": "A", "stock": 10, "source": "wh3"}]
            store.control("bulk", changes=changes)
            assert on_hand(account, key) == 13
            assert [choice.value for choice in account.platform.check().choices["source"]] == ["wh2", "wh3"]

    def test_what_is_not_counted_and_what_may_be_oversold(self, store: Store, account: Account) -> None:
        free = store.product("FREE", 0, stock_item={"manage_stock": False})
        back = store.product("BACK", 0, stock_item={"backorders": 1})
        found = [product.variants[0].stock for product in read(account, free, back)]
        assert [(item.managed, item.on_hand, item.in_stock, item.backorders) for item in found] == [
            (False, None, True, False),
            (True, 0, True, True),
        ]

    @pytest.mark.parametrize("msi", [True, False])
    def test_stock_is_written_only_where_the_merchant_asks(self, msi: bool) -> None:
        with open_store(msi=msi) as store:
            key = store.product("A", 10)
            with pytest.raises(AskMerchant) as caught:
                Account(store).platform.set_stock(key, key, 4)
            assert caught.value.field == "stock_writes"
            account = Account(store, settings={"stock_writes": True})
            account.platform.create_order(draft(key, quantity=2))
            account.platform.set_stock(key, key, 4)
            assert on_hand(account, key) == 4
            # The two that are sold still lie there, and can be shipped.
            assert store.stock("A")["sources"] == {"default": 6}
            with pytest.raises(NotFound):
                account.platform.set_stock("99", "99", 1)

    def test_of_several_sources_one_has_to_be_chosen(self) -> None:
        with open_store(sources=("wh2", "wh3")) as store:
            key = store.product("A", 0)
            with pytest.raises(AskMerchant, match="wh2, wh3"):
                Account(store, settings={"stock_writes": True}).platform.set_stock(key, key, 4)
            account = Account(store, settings={"stock_writes": True, "source": "wh3"})
            account.platform.set_stock(key, key, 4)
            assert store.stock("A")["sources"]["wh3"] == 4

    def test_changed_stock_is_seen_by_the_sweep_of_variants(self) -> None:
        for options in ({}, {"salable_export": False}, {"msi": False}):
            with open_store(**options) as store:  # type: ignore[arg-type]
                account, _ = Account(store), store.product("A", 10)
                before = all_pages(account.platform.list_variants)
                store.control("bulk", changes=[{"sku": "A", "stock": 9}])
                assert [ref.mark for ref in before] != [ref.mark for ref in all_pages(account.platform.list_variants)]


FAULTS: list[tuple[str, dict[str, Any], type[BridgeError]]] = [
    ("throttle", {"retry_after": 3600}, SlowDown),
    ("error", {"status": 500, "body": '{"message": "Internal Error. Report ID: webapi-1"}'}, RetryLater),
    ("error", {"status": 503, "body": "<!doctype html><title>503</title>", "content_type": "text/html"}, RetryLater),
    ("html", {}, RetryLater),
    ("unauthorised", {}, Reauthorise),
    ("redirect", {}, AskMerchant),
    ("stuck_cursor", {}, RetryLater),
    ("error", {"status": 403, "body": '{"message": "Forbidden"}'}, AskMerchant),
]


@pytest.mark.parametrize(("kind", "params", "error"), FAULTS)
def test_faults_have_their_own_errors(
    store: Store, account: Account, kind: str, params: dict[str, Any], error: type[BridgeError]
) -> None:
    for number in range(3):
        store.product(f"P{number}")
    account.platform.check()
    store.fault(kind, "products.list", None, **params)
    with pytest.raises(error):
        account.platform.list_products(None, "2")


def test_error_texts_are_filled_in_and_name_the_field(store: Store, account: Account) -> None:
    body = {"message": 'The "%1" attribute of %2 is odd.', "parameters": ["color", "A"]}
    store.fault("error", "products.list", None, status=400, body=json.dumps(body))
    with pytest.raises(BridgeError, match='The "color" attribute of A is odd'):
        account.platform.list_products(None, None)
