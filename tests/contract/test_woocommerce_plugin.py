"""A store with our plugin: what the adapter does better with it, and that nothing changes where it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from flask import Flask, request

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, ShippingMethod, StoreOrderStatus
from bridge.ports.errors import AskMerchant, Reauthorise, RetryLater, UnknownOutcome
from bridge.ports.http import HttpServices, Transport
from bridge.ports.manifest import Limit
from bridge.ports.storemodule import Asked
from platform_adapters.woocommerce import ADAPTER
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET
from tests.support.serve import serve
from tests.support.woocommerce import Account, Store, open_store

BUYER = Address(first_name="Zoë", last_name="de Vries", street="Domplein", house_number="21", city="Utrecht",
                postcode="3512 JE", country="nl", email="abc@verkopen.example")  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A shop that shows whole euros, charges VAT and has the plugin."""
    with open_store(module=True, fulfillments=True, tax_rates={"": 21}, price_decimals=0) as found:
        yield found


@pytest.fixture(scope="module")
def account(store: Store) -> Account:
    return Account(store)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def line(product: int, total: str, quantity: int = 1, tax: str | None = None, ref: str = "L-1") -> DraftLine:
    return DraftLine(
        ref=ref, product_id=str(product), variant_id=str(product), sku="A", title="As it was sold", quantity=quantity,
        unit_price=eur(total), total=eur(total), tax=eur(tax) if tax else None,
    )  # fmt: skip


def draft(external_id: str, *lines: DraftLine, shipping: str | None = None, **more: Any) -> OrderDraft:
    carriage = eur(shipping) if shipping else None
    total = sum((item.total.amount for item in lines), Decimal(0)) + (carriage.amount if carriage else 0)
    return OrderDraft(
        ref=f"bol:{external_id}", label=f"bol.com {external_id}", channel="bol.com", external_id=external_id,
        placed_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC), currency="EUR", lines=lines, shipping=carriage,
        total=Money.of(total, "EUR"), ship_to=BUYER, bill_to=BUYER, **more,
    )  # fmt: skip


def meta(raw: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in raw["meta_data"]}


def shown(store: Store, number: str) -> dict[str, Any]:
    found: dict[str, Any] = next(order for order in store.look("orders") if order["id"] == int(number))
    return found


class TestOrders:
    def test_asked_twice_the_store_makes_one(self, store: Store, account: Account) -> None:
        product = store.product("TWICE", 10)
        asked = draft("T1", line(product, "24.20", 2))
        first, again = account.platform.create_order(asked), account.platform.create_order(asked)
        assert (first.external_id, first.marketplace_ref) == (again.external_id, "bol:T1")
        assert (store.stock("TWICE"), first.lines[0].reduced) == (8, 2)
        assert meta(shown(store, first.external_id))["_storebridge_no_mails"] == "yes"

    def test_it_has_the_merchants_shipping_method(self, store: Store) -> None:
        account, chosen = Account(store, settings={"order_taxes": "marketplace"}), ShippingMethod(code="flat_rate:3")
        asked = draft("T0", line(store.product("SENT"), "12.10"), shipping="2.95", shipping_method=chosen)
        made = account.platform.create_order(asked)
        raw = account.platform._plugin.find_orders(["bol:T0"])["bol:T0"]
        [sent] = raw["shipping_lines"]
        assert (sent["method_id"], sent["instance_id"], Decimal(sent["total"]) + Decimal(sent["total_tax"])) == (
            "flat_rate",
            "3",
            Decimal("2.95"),
        )
        assert (sent["method_title"], made.total.text()) == ("flat_rate:3 (bol.com T0)", "15.05 EUR")

    def test_a_lost_answer_is_found_without_a_search(self, store: Store, account: Account) -> None:
        product = store.product("LOST", 10)
        store.fault("reset", "plugin.orders")
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(draft("T2", line(product, "12.10")))
        account.operations()
        found = account.platform.find_orders(["bol:T2", "bol:T3", "other:T2"])
        assert list(found) == ["bol:T2"]
        assert account.operations() == ["plugin.lookup"]
        assert store.stock("LOST") == 9

    def test_the_vat_is_the_marketplaces_to_the_cent(self, store: Store) -> None:
        account = Account(store, settings={"order_taxes": "marketplace"})
        goods, book = store.product("GOODS"), store.product("BOOK")
        # 9 % on a line of a product the store taxes with 21 %, and a cent that no rate explains.
        lines = (line(goods, "19.99", tax="3.48"), line(book, "10.00", tax="0.83", ref="L-2"))
        made = account.platform.create_order(draft("T4", *lines, shipping="2.95", shipping_tax=eur("0.51")))
        assert made.total == eur("32.94")
        raw = account.platform._plugin.find_orders(["bol:T4"])["bol:T4"]
        assert [(row["total"], row["total_tax"]) for row in raw["line_items"]] == [("16.51", "3.48"), ("9.17", "0.83")]
        assert (raw["shipping_total"], raw["shipping_tax"], raw["total_tax"]) == ("2.44", "0.51", "4.82")

    def test_what_the_marketplace_does_not_tell_is_split_with_the_stores_rate(self, store: Store) -> None:
        account = Account(store, settings={"order_taxes": "store"})
        for number, gross in enumerate(("0.01", "9.99", "19.95", "33.33")):
            made = account.platform.create_order(draft(f"S{number}", line(store.product(f"S{number}"), gross)))
            assert made.total == eur(gross)

    def test_no_vat_lines_where_the_merchant_wants_none(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(
            draft("T5", line(store.product("N"), "12.10", tax="2.10"), shipping="1.50")
        )
        raw = account.platform._plugin.find_orders(["bol:T5"])["bol:T5"]
        assert (made.total, raw["total_tax"], raw["tax_lines"]) == (eur("13.60"), "0.00", [])

    def test_a_product_that_is_gone_is_the_merchants_to_mend(self, store: Store, account: Account) -> None:
        with pytest.raises(AskMerchant, match="no longer exists") as caught:
            account.platform.create_order(draft("T6", line(999_999, "12.10")))
        assert caught.value.field == "product_id"
        assert account.platform.find_orders(["bol:T6"]) == {}

    def test_another_call_that_is_at_it_is_waited_for(self, store: Store, account: Account) -> None:
        body = '{"code": "storebridge_in_progress", "message": "It is being created.", "data": {"status": 409}}'
        store.fault("error", "plugin.orders", status=409, body=body)
        made = account.platform.create_order(draft("T7", line(store.product("AT-IT"), "12.10")))
        assert list(account.platform.find_orders(["bol:T7"])) == ["bol:T7"]
        assert (made.total, store.stock("AT-IT")) == (eur("12.10"), 9)

    def test_one_made_without_the_plugin_is_the_same_order(self, store: Store, account: Account) -> None:
        product = store.product("BEFORE", 10)
        plain = {"key": "_storebridge_order", "value": "bol:T8"}
        old = store.order((product, 1), meta_data=[plain])
        assert account.platform.create_order(draft("T8", line(product, "12.10"))).external_id == str(old["id"])
        assert store.stock("BEFORE") == 9

    def test_one_in_the_bin_is_no_order_any_more(self, store: Store, account: Account) -> None:
        asked = draft("T9", line(store.product("BIN", 10), "12.10"))
        first = account.platform.create_order(asked)
        store.delete(f"orders/{first.external_id}")
        assert account.platform.find_orders(["bol:T9"]) == {}
        assert account.platform.create_order(asked).external_id != first.external_id


class TestAround:
    def test_parcels_of_many_orders_come_in_one_call(self, store: Store, account: Account) -> None:
        product = store.product("PARCELS", 10)
        made = [account.platform.create_order(draft(f"P{at}", line(product, "12.10"))).external_id for at in range(3)]
        for number in made[:2]:
            store.control("ship", order=int(number), tracking=f"3S{number}", carrier="postnl", source="fulfillments")
        account.operations()
        found = account.platform.fetch_orders(made)
        assert account.operations() == ["orders.list", "plugin.parcels"]
        assert [[parcel.number for parcel in order.parcels] for order in found] == [[f"3S{n}"] for n in made[:2]] + [[]]
        assert [order.status for order in found][:2] == [StoreOrderStatus.COMPLETED] * 2

    def test_stock_is_written_as_a_difference(self, store: Store, account: Account) -> None:
        """A sale between reading and writing counts: 10 read, 1 sold, "7" written makes 6."""
        product = store.product("DIFF", 10)
        account.operations()
        account.platform.set_stock(str(product), str(product), 7)
        assert (store.stock("DIFF"), account.operations()) == (7, ["products.get", "plugin.stock"])
        untracked = store.post("products", {"name": "Untracked", "sku": "UN", "regular_price": "1.00"})["id"]
        account.platform.set_stock(str(untracked), str(untracked), 3)
        assert store.stock("UN") == 3

    def test_the_check_tells_of_it(self, account: Account) -> None:
        assert account.platform.check().details["plugin"] == ADAPTER.module.version

    def test_where_a_firewall_stands_before_it_the_way_without_it_is_taken(self, store: Store) -> None:
        account = Account(store)
        product = store.product("FIREWALL", 10)
        store.fault("error", "plugin.*", times=None, status=403, body='{"code": "blocked", "message": "Not you."}')
        try:
            made = account.platform.create_order(draft("F1", line(product, "12.00")))
            assert shown(store, made.external_id)["created_via"] == "rest-api"
            assert account.platform.check().details["plugin"].startswith("not usable: ")
        finally:
            requests.delete(f"{store.url}/_sandbox/faults", timeout=30)

    def test_a_store_that_is_down_is_not_asked_twice(self, store: Store) -> None:
        account = Account(store)
        store.fault("error", "*", times=None, status=503)
        try:
            with pytest.raises(RetryLater):
                account.platform.find_orders(["bol:X"])
            assert account.operations() == []
        finally:
            requests.delete(f"{store.url}/_sandbox/faults", timeout=30)

    def test_where_it_goes_away_the_way_without_it_is_taken(self, store: Store) -> None:
        now = [datetime.now(UTC)]
        account = Account(store, clock=lambda: now[0])
        product = store.product("AWAY", 10)
        account.platform.create_order(draft("A1", line(product, "12.10")))
        gone = '{"code": "rest_no_route", "message": "No route was found.", "data": {"status": 404}}'
        store.fault("error", "plugin.*", times=None, status=404, body=gone)
        try:
            made = account.platform.create_order(draft("A2", line(product, "12.00")))
            assert shown(store, made.external_id)["created_via"] == "rest-api"
            assert account.platform.find_orders(["bol:A1"])["bol:A1"].marketplace_ref == "bol:A1"
            account.platform.set_stock(str(product), str(product), 4)
            assert store.stock("AWAY") == 4
            assert account.platform.check().details["plugin"].startswith("not installed")
        finally:
            requests.delete(f"{store.url}/_sandbox/faults", timeout=30)
        now[0] += timedelta(hours=2)
        account.operations()
        account.platform.find_orders(["bol:A1"])
        assert account.operations() == ["plugin.lookup"]


class TestConnecting:
    @pytest.fixture
    def transport(self, store: Store) -> Transport:
        services = HttpServices.build(allowed_hosts=[store.url.removeprefix("http://")])
        return Transport(account="a", title="WooCommerce", services=services, limits={"*": Limit(calls=99, seconds=1)})

    def test_a_wrong_code_proves_nothing(self, store: Store, transport: Transport) -> None:
        asked = Asked(platform="woocommerce", store_url=store.url, api_url=f"{store.url}/wp-json/", code="0" * 64)
        with pytest.raises(Reauthorise, match="does not know this connection code"):
            ADAPTER.module.prove(asked, "challenge", transport, lambda: datetime.now(UTC), None)

    def test_the_store_answers_once_with_what_a_connection_needs(self, store: Store, transport: Transport) -> None:
        bridge, proofs = Flask("bridge"), []

        @bridge.post("/modules/connect")
        def connect() -> Any:
            asked = Asked(**{name: request.json[name] for name in ("platform", "store_url", "api_url", "code")})
            for _ in range(2):
                try:
                    proofs.append(ADAPTER.module.prove(asked, "challenge", transport, lambda: datetime.now(UTC), None))
                except Reauthorise as error:
                    proofs.append(error)
            return {"shop": "s1", "connection": 1, "title": "Sandbox Store"}

        with serve(bridge) as url:
            told = store.control("module/connect", bridge=url)
        assert (told["status"], told["title"]) == (200, "Sandbox Store")
        proof, again = proofs
        given = {"url": store.url, "consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET}
        assert (proof.store_url, proof.credentials, len(proof.secret)) == (store.url, given, 64)
        assert isinstance(again, Reauthorise)
