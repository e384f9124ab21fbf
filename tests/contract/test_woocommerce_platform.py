"""The WooCommerce platform against its sandbox, over real HTTP: credentials, catalogue, webhooks, faults."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server, make_ssl_devcert

from bridge.flows.paging import pages
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RetryLater, SlowDown, UnknownOutcome
from bridge.ports.manifest import Capability
from bridge.ports.platform import Platform, StoreRehearsal, WebhookDoor
from bridge.ports.quality import load_quality
from platform_adapters.woocommerce import ADAPTER
from platform_adapters.woocommerce.rehearsal import WooRehearsal
from platform_adapters.woocommerce.sandbox import create_sandbox
from tests.support.woocommerce import Account, Receiver, Store, open_receiver, open_store

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


def variable(store: Store, *sizes: str, **more: Any) -> tuple[int, list[int]]:
    attributes = [{"name": "Size", "variation": True, "options": list(sizes)}]
    body = {"name": "Shirt", "type": "variable", "sku": "SHIRT", "attributes": attributes}
    parent = store.post("products", body | more)["id"]
    children = []
    for size in sizes:
        child = {"attributes": [{"name": "Size", "option": size}], "sku": f"SHIRT-{size}", "regular_price": "19.90"}
        if not more.get("manage_stock"):
            child |= {"manage_stock": True, "stock_quantity": 5}
        children.append(store.post(f"products/{parent}/variations", child)["id"])
    return parent, children


# Asked of a store that keeps returns only.
OF_RETURNS = (
    () if Capability.RETURNS in ADAPTER.manifest.capabilities else ("announce_return", "accept_return", "drop_return")
)


class TestAdapter:
    def test_promises_what_the_contracts_ask(self) -> None:
        assert isinstance(ADAPTER, Adapter)
        for contract, made in (
            (Platform, ADAPTER.connect),
            (WebhookDoor, ADAPTER.webhooks),
            (StoreRehearsal, ADAPTER.rehearsal),
        ):
            names = [name for name in vars(contract) if not name.startswith("_") and name not in OF_RETURNS]
            assert [name for name in names if not hasattr(made, name) and name != "manifest"] == []

    def test_fields_have_help_and_limits_a_source(self) -> None:
        fields = (*ADAPTER.manifest.credentials, *ADAPTER.manifest.settings)
        assert [item.name for item in fields if not item.help] == []
        assert all(limit.source for limit in ADAPTER.manifest.limits.values())
        assert Capability.CREATE_ORDER in ADAPTER.manifest.capabilities

    def test_quality_makes_sense(self) -> None:
        assert dict(load_quality(ADAPTER.folder, "platform").open) == {}


class TestCheck:
    def test_says_what_it_found(self, account: Account) -> None:
        info = account.platform.check()
        assert (info.name, info.currency, info.version) == ("Sandbox Store", "EUR", "10.5.0")
        assert (info.timezone, info.prices_include_tax) == ("Europe/Berlin", False)

    def test_refuses_a_wrong_secret(self, store: Store) -> None:
        store.secret = "cs_wrong"
        with pytest.raises(Reauthorise, match="signature does not match"):
            Account(store).platform.check()

    def test_refuses_a_key_that_may_only_read(self) -> None:
        keys = [{"key": "ck_read", "secret": "cs_read", "permissions": "read"}]
        with open_store(keys=keys) as store:
            store.key, store.secret = "ck_read", "cs_read"
            with pytest.raises(Reauthorise, match="Read/Write"):
                Account(store).platform.check()

    def test_says_when_it_is_no_woocommerce(self, store: Store) -> None:
        store.url += "/blog"
        with pytest.raises(AskMerchant, match="WooCommerce is active"):
            Account(store).platform.check()

    def test_secrets_are_in_no_exchange(self, store: Store, account: Account) -> None:
        store.product("A/1 & more")
        account.platform.check()
        account.platform.list_products(None, None)
        told = "".join(repr(exchange) for exchange in account.recorder.exchanges)
        assert "products" in told
        assert store.key not in told
        assert store.secret not in told


class TestKeys:
    def test_values_that_the_package_signs_wrongly_are_signed_rightly(self, store: Store, account: Account) -> None:
        number = store.product("A/1 50%25 ~ü")
        found = account.platform._client.products(sku="A/1 50%25 ~ü")
        assert [row["id"] for row in found.rows] == [number]

    def test_each_attempt_is_signed_anew(self, store: Store, account: Account) -> None:
        store.fault("error", "products.list", status=503)
        assert account.platform.list_products(None, None).items == ()
        assert [exchange.status for exchange in account.recorder.exchanges] == [503, 200]


@pytest.fixture
def tls_store(tmp_path: Path) -> Iterator[tuple[Store, ssl.SSLContext]]:
    """The sandbox behind a certificate of its own."""
    certificate, key = make_ssl_devcert(str(tmp_path / "shop"), host="127.0.0.1")
    server = make_server("127.0.0.1", 0, create_sandbox(delay=0), threaded=True, ssl_context=(certificate, key))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    trust = ssl.create_default_context(cafile=certificate)
    trust.check_hostname = False  # it names no address
    yield Store(f"https://127.0.0.1:{server.server_port}"), trust
    server.shutdown()
    thread.join()
    server.server_close()


class TestTls:
    def test_basic(self, tls_store: tuple[Store, ssl.SSLContext]) -> None:
        store, trust = tls_store
        assert Account(store, trust=trust).platform.check().details["encrypted"] is True
        store.secret = "cs_wrong"
        with pytest.raises(Reauthorise, match="Consumer secret is invalid"):
            Account(store, trust=trust).platform.check()

    def test_the_key_in_the_address(self, tls_store: tuple[Store, ssl.SSLContext]) -> None:
        store, trust = tls_store
        account = Account(store, trust=trust, settings={"key_in_address": True})
        assert account.platform.check().currency == "EUR"
        assert store.secret not in repr([vars(exchange) for exchange in account.recorder.exchanges])


class TestCatalogue:
    def test_a_simple_product(self, store: Store, account: Account) -> None:
        more = {"global_unique_id": "4006381333931", "brands": [{"name": "Lumi"}], "description": "<p>Good</p>"}
        number = str(store.product("A", 7, **more))
        [product] = account.platform.fetch_products([number]).products
        [variant] = product.variants
        assert (product.title, product.brand, product.published) == ("Product A", "Lumi", True)
        assert (variant.external_id, variant.product_id, variant.sku) == (number, number, "A")
        assert (variant.gtin, variant.price and variant.price.text()) == ("4006381333931", "10.00 EUR")
        assert (variant.stock.pool, variant.stock.on_hand, variant.stock.managed) == (number, 7, True)

    def test_weight_size_and_where_its_category_stands(self, store: Store, account: Account) -> None:
        home = store.post("products/categories", {"name": "Home & Garden"})["id"]
        chairs = store.post("products/categories", {"name": "Chairs", "parent": home})["id"]
        size = {"length": "40", "width": "40", "height": "90"}
        meta = [{"key": "_wc_cog_cost", "value": "4.5"}]
        number = str(store.product("A", weight="7.5", dimensions=size, meta_data=meta, categories=[{"id": chairs}]))
        [product] = account.platform.fetch_products([number]).products
        [variant] = product.variants
        assert product.category_paths == (("Home & Garden", "Chairs"),)
        assert (variant.weight and variant.weight.text(), product.custom) == ("7.5 kg", {"_wc_cog_cost": "4.5"})
        assert variant.cost is not None
        assert variant.cost.text() == "4.50 EUR"
        assert variant.dimensions is not None
        assert (variant.dimensions.complete, variant.dimensions.unit) == (True, "cm")
        assert product.edit_link == f"{store.url}/wp-admin/post.php?post={number}&action=edit"

    def test_many_products_with_variations_in_two_calls(self, store: Store, account: Account) -> None:
        parent, children = variable(store, "S", "M")
        simple = store.product("A")
        account.platform.fetch_products(["1"])
        account.operations()
        batch = account.platform.fetch_products([str(parent), str(simple)])
        assert account.operations() == ["products.list", "variations.all"]
        shirt, _ = batch.products
        assert [variant.external_id for variant in shirt.variants] == [str(number) for number in children]
        assert [(v.title, v.options, v.stock.on_hand) for v in shirt.variants] == [
            ("Shirt - S", {"Size": "S"}, 5),
            ("Shirt - M", {"Size": "M"}, 5),
        ]

    def test_variations_of_a_store_too_old_for_one_call(self, store: Store, account: Account) -> None:
        parent, _ = variable(store, "S", "M")
        store.fault(
            "error", "variations.all", times=None, status=404, body='{"code":"rest_no_route","message":"No route"}'
        )
        assert len(account.platform.fetch_products([str(parent)]).products[0].variants) == 2
        marks = account.platform.list_variants(None).items
        assert [mark.external_id for mark in marks] == [str(parent)] * 2

    def test_stock_on_the_parent_is_one_pool(self, store: Store, account: Account) -> None:
        parent, _ = variable(store, "S", "M", manage_stock=True, stock_quantity=9)
        [product] = account.platform.fetch_products([str(parent)]).products
        assert {(v.stock.pool, v.stock.on_hand, v.stock.managed) for v in product.variants} == {(str(parent), 9, True)}

    def test_the_gone_the_binned_and_the_variation(self, store: Store, account: Account) -> None:
        binned, deleted, kept = store.product("A"), store.product("B"), store.product("C")
        parent, [child] = variable(store, "S")
        store.delete(f"products/{binned}")
        store.delete(f"products/{deleted}", force="true")
        store.delete(f"products/{parent}/variations/{child}")
        batch = account.platform.fetch_products([str(n) for n in (binned, deleted, kept, child)] + ["x"])
        assert [product.external_id for product in batch.products] == [str(kept)]
        assert set(batch.missing) == {str(binned), str(deleted), str(child), "x"}
        assert batch.parents == (str(parent),)

    def test_an_empty_list_makes_nothing_disappear(self, store: Store, account: Account) -> None:
        number = str(store.product("A"))
        store.fault("empty_list", "products.list")
        batch = account.platform.fetch_products([number])
        assert (len(batch.products), batch.missing) == (1, ())

    def test_lists_all_with_marks_that_follow_changes(self, store: Store, account: Account) -> None:
        numbers = [store.product(f"P{at}") for at in range(3)]
        first = account.platform.list_products(None, None)
        assert [ref.external_id for ref in first.items] == [str(number) for number in numbers]
        store.put(f"products/{numbers[1]}", {"stock_quantity": 1})
        store.control("clock", advance=5)
        store.put(f"products/{numbers[2]}", {})
        again = account.platform.list_products(None, None)
        changed = [a.external_id for a, b in zip(again.items, first.items, strict=True) if a.mark != b.mark]
        assert changed == [str(numbers[1])]

    def test_pages_leave_nothing_out_when_the_list_moves(self, store: Store, account: Account) -> None:
        store.control("seed", products=230, variable=0)
        seen: set[str] = set()
        for at, page in enumerate(pages(lambda cursor: account.platform.list_products(None, cursor))):
            seen |= {ref.external_id for ref in page}
            if at == 0:
                store.delete(f"products/{min(int(key) for key in seen)}")
        left = {str(row["id"]) for page in (1, 2, 3) for row in store.get("products", per_page=100, page=page)}
        assert left <= seen

    def test_a_list_that_never_ends_is_noticed(self, store: Store, account: Account) -> None:
        store.control("seed", products=230, variable=0)
        store.fault("stuck_cursor", "products.list", times=None)
        with pytest.raises(RetryLater, match="never ends"):
            list(pages(lambda cursor: account.platform.list_products(None, cursor)))

    def test_changed_since(self, store: Store, account: Account) -> None:
        store.product("A")
        store.control("clock", advance=60)
        number = store.product("B")
        since = datetime.now(UTC) + timedelta(seconds=30)
        assert [ref.external_id for ref in account.platform.list_products(since, None).items] == [str(number)]

    def test_a_variation_sold_shows_on_its_product_and_in_the_sweep(self, store: Store, account: Account) -> None:
        parent, [child] = variable(store, "S")
        products, variants = account.platform.list_products(None, None), account.platform.list_variants(None)
        store.control("clock", advance=2)
        store.post("orders", {"status": "processing", "line_items": [{"product_id": parent, "variation_id": child}]})
        assert account.platform.list_products(None, None).items[0].mark != products.items[0].mark
        [after] = account.platform.list_variants(None).items
        assert (after.external_id, after.variant_id) == (str(parent), str(child))
        assert after.mark != variants.items[0].mark

    @pytest.mark.parametrize(("included", "shown"), [(False, "12.10"), (True, "10.00")])
    def test_prices_include_vat(self, included: bool, shown: str) -> None:
        with open_store(tax_rates={"": 21}, prices_include_tax=included) as store:
            number = str(store.product("A"))
            [product] = Account(store).platform.fetch_products([number]).products
            price = product.variants[0].price
            assert price is not None
            assert price.amount == Decimal(shown)

    def test_stock_is_written_where_it_is_kept(self, store: Store, account: Account) -> None:
        number = str(store.product("A"))
        parent, [child] = variable(store, "S")
        account.platform.set_stock(number, number, 3)
        account.platform.set_stock(str(parent), str(child), 4)
        assert (store.stock("A"), store.stock("SHIRT-S")) == (3, 4)
        with pytest.raises(NotFound):
            account.platform.set_stock("99999", "99999", 1)


class TestWebhooks:
    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with open_receiver() as found:
            yield found

    def test_are_made_once(self, store: Store, account: Account, receiver: Receiver) -> None:
        audit = account.platform.ensure_webhooks(receiver.url, SECRET)
        assert (audit.active, len(audit.mended)) == (8, 8)
        assert len(receiver.wait(8)) == 8
        account.operations()
        assert account.platform.ensure_webhooks(receiver.url, SECRET).mended == ()
        assert account.operations() == ["webhooks.list"]

    def test_that_were_switched_off_are_made_anew_with_a_fresh_counter(
        self, store: Store, account: Account, receiver: Receiver
    ) -> None:
        account.platform.ensure_webhooks(receiver.url, SECRET)
        number = store.product("A")
        store.control("webhooks/flush")
        receiver.status = 500
        for _ in range(7):
            store.put(f"products/{number}", {})
            store.control("webhooks/flush")
        assert account.platform.ensure_webhooks(receiver.url, SECRET).mended == ("product.updated (switched off)",)
        store.put(f"products/{number}", {})
        store.control("webhooks/flush")
        assert {hook["status"] for hook in store.get("webhooks", per_page=50)} == {"active"}
        assert len(store.get("webhooks", per_page=50)) == 8

    def test_get_a_new_secret_and_a_new_address(self, store: Store, account: Account, receiver: Receiver) -> None:
        account.platform.ensure_webhooks("http://127.0.0.1:9/hook", SECRET)
        ids = sorted(hook["id"] for hook in store.get("webhooks", per_page=50))
        assert account.platform.ensure_webhooks(receiver.url, "new").mended == ()
        hooks = store.get("webhooks", per_page=50)
        assert sorted(hook["id"] for hook in hooks) == ids
        assert {hook["delivery_url"] for hook in hooks} == {receiver.url}
        store.product("A")
        store.control("webhooks/flush")
        delivery = next(item for item in receiver.got if item.topic == "product.created")
        hint = ADAPTER.webhooks.read(delivery.headers, delivery.body, ["new"])
        assert hint.external_id == str(delivery.json()["id"])

    def test_others_are_left_alone(self, store: Store, account: Account, receiver: Receiver) -> None:
        other = store.post("webhooks", {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/other"})["id"]
        account.platform.ensure_webhooks(receiver.url, SECRET)
        assert account.platform.remove_webhooks(receiver.url) == 8
        assert [hook["id"] for hook in store.get("webhooks")] == [other]


class TestRefusedAnswers:
    def test_a_redirect(self, store: Store, account: Account) -> None:
        store.fault("redirect", times=None, location="https://www.shop.example/")
        for call in (account.platform.check, lambda: account.platform.list_products(None, None)):
            with pytest.raises(
                AskMerchant, match=r"redirects to https://www\.shop\.example/.*Enter the store's address"
            ):
                call()

    def test_a_redirected_write_is_not_turned_into_a_read(self, store: Store, account: Account) -> None:
        store.fault("redirect", "orders.note", location=f"{store.url}/wp-json/wc/v3/orders")
        with pytest.raises(AskMerchant, match="redirects"):
            account.platform._client.note("1", "hello")
        assert [entry["op"] for entry in store.look("requests")] == ["orders.note"]

    def test_a_page_with_status_200(self, store: Store, account: Account) -> None:
        store.fault("html", times=None)
        with pytest.raises(RetryLater, match="a web page instead of data"):
            account.platform.list_products(None, None)

    def test_a_page_in_answer_to_a_write_leaves_the_outcome_open(self, store: Store, account: Account) -> None:
        store.fault("html", "orders.note")
        with pytest.raises(UnknownOutcome):
            account.platform._client.note("1", "hello")

    def test_too_many(self, store: Store, account: Account) -> None:
        store.fault("throttle", times=None, retry_after=30)
        with pytest.raises(SlowDown) as error:
            account.platform.list_products(None, None)
        assert error.value.after is not None
        assert error.value.after >= timedelta(seconds=29)

    def test_an_object_where_a_list_belongs(self, store: Store, account: Account) -> None:
        store.fault("error", "products.list", status=200, body='{"message": "hello"}')
        with pytest.raises(RetryLater, match="unexpected"):
            account.platform.list_products(None, None)


class TestRehearsal:
    def test_leaves_nothing_behind(self, store: Store, account: Account) -> None:
        hands = WooRehearsal(account.connection)
        number = hands.create_product("REH-1", "4006381333931", "Rehearsal", "19.95", 5)
        hands.set_stock("REH-1", 4)
        hands.change_title("REH-1", "Rehearsal, second night")
        meta = [{"key": "_storebridge_order", "value": "bol:1"}]
        order = store.post("orders", {"status": "processing", "meta_data": meta, "line_items": [{"sku": "REH-1"}]})
        assert hands.stock_of("REH-1") == 3
        hands.ship(str(order["id"]), "PostNL", "3STEST1")
        [shipped] = account.platform.fetch_orders([str(order["id"])])
        assert [(parcel.carrier, parcel.number) for parcel in shipped.parcels] == [("PostNL", "3STEST1")]
        other = WooRehearsal(account.connection)
        traces = other.traces([], [])
        assert [str(trace) for trace in traces] == [f"order {order['id']}", f"product REH-1 ({number})"]
        for trace in [*traces, *traces]:  # what is gone is no trouble
            other.remove(trace)
        assert store.get("products") == store.get("orders") == other.traces(["REH-1"], ["bol:1"]) == []

    def test_what_the_search_does_not_show_is_found_by_sku_and_by_reference(
        self, store: Store, account: Account
    ) -> None:
        product, other = store.product("REH-2"), store.product("MINE")
        for ref, line in (("bol:2", product), ("bol:3", other), ("bol:4", other)):
            meta = [{"key": "_storebridge_order", "value": ref}]
            store.post("orders", {"meta_data": meta, "line_items": [{"product_id": line}]})
        binned = store.get("orders")[1]["id"]
        store.delete(f"orders/{binned}")
        found = WooRehearsal(account.connection).traces(["REH-2"], ["bol:2", "bol:3"])
        assert [(trace.kind, trace.name) for trace in found] == [("order", ""), ("order", ""), ("product", "REH-2")]
        assert str(binned) in {trace.external_id for trace in found}
