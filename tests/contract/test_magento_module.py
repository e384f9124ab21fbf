"""The Magento platform with our module in the store: orders placed with reservations, salable stock in bulk, activation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bridge.domain.order import ShippingMethod, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.errors import AskMerchant, Reauthorise, RetryLater, UnknownOutcome
from bridge.ports.storemodule import Asked
from platform_adapters.magento.storemodule import FIELDS, PACKAGE, MagentoModule
from tests.support.magento import Account, Store, all_pages, draft, eur, open_store, utc_now
from tests.support.magento_bridge import bridge_of

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(module=True) as found:
        yield found


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


class TestOrders:
    def test_has_the_merchants_shipping_method_or_its_own(self, store: Store, account: Account) -> None:
        key, chosen = store.product("A", 10), ShippingMethod(code="dhl_paket", title="DHL Paket")
        methods = []
        for number, method in (("1", chosen), ("2", None)):
            asked = draft(key, external_id=number, shipping=eur("4.95"), shipping_method=method)
            raw = store.order(account.platform.create_order(asked).external_id)
            [assignment] = raw["extension_attributes"]["shipping_assignments"]
            methods.append((assignment["shipping"]["method"], raw["shipping_description"], raw["grand_total"]))
        assert methods == [
            ("dhl_paket", "DHL Paket (bol.com 1)", 17.05),
            ("storebridge_storebridge", "bol.com 2", 17.05),
        ]

    @pytest.mark.parametrize("told", ["Paid on bol.com", ""])
    def test_says_how_it_was_paid_as_the_merchant_has_it(self, store: Store, account: Account, told: str) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), payment_text=told))
        payment = store.order(made.external_id)["payment"]
        assert (payment["method"], payment["additional_information"]) == ("storebridge", [told] if told else [])

    def test_are_placed_with_their_reservation_and_the_shop_page_knows(self, store: Store, account: Account) -> None:
        key = store.product("A", 10)
        given = draft(key, quantity=3, shipping=eur("4.95"), shipping_tax=eur("0.86"), tax="6.30", note="Ring twice")
        made = account.platform.create_order(given)
        raw = store.order(made.external_id)
        assert (made.number, raw["increment_id"], raw["ext_order_id"]) == ("000000001", "000000001", "1043946570")
        assert (made.marketplace_ref, made.status) == ("bol:1043946570", StoreOrderStatus.PROCESSING)
        assert (raw["grand_total"], raw["subtotal"], raw["tax_amount"], raw["shipping_tax_amount"]) == (
            41.25,
            30.0,
            7.16,
            0.86,
        )
        assert (raw["total_invoiced"], raw["payment"]["method"]) == (41.25, "storebridge")
        assert [line.ref for line in made.lines] == ["L-1"]
        assert store.stock("A") == {"reserved": -3, "salable": 7, "sources": {"default": 10}}
        assert account.hands.stock_of("A") == 7

    def test_salable_stock_does_not_drift_whatever_becomes_of_them(self, store: Store, account: Account) -> None:
        key = store.product("A", 50)
        shipped = account.platform.create_order(draft(key, quantity=3, external_id="1"))
        account.hands.ship(shipped.external_id, "PostNL", "3S1")
        cancelled = account.platform.create_order(draft(key, quantity=2, external_id="2"))
        account.platform.cancel_order(cancelled.external_id, "Not wanted")
        back = RefundLine(store_line_id=shipped.lines[0].external_id, quantity=1)
        account.platform.refund_lines(shipped.external_id, [back], "Returned", "r1")
        assert store.stock("A")["salable"] == account.hands.stock_of("A") == 48

    def test_what_the_total_lacks_is_a_discount_of_the_lines(self, store: Store, account: Account) -> None:
        given = draft(store.product("A", 10), quantity=3)
        other = given.lines[0].model_copy(update={"ref": "L-2", "total": eur("10.00"), "quantity": 1})
        lines = (given.lines[0], other)
        made = account.platform.create_order(given.model_copy(update={"lines": lines, "total": eur("40.00")}))
        raw = store.order(made.external_id)
        assert (raw["discount_amount"], raw["grand_total"], made.total.text()) == (-6.3, 40, "40.00 EUR")
        assert [item["discount_amount"] for item in raw["items"]] == [4.94, 1.36]

    def test_the_same_again_is_the_same_order(self, store: Store, account: Account) -> None:
        given = draft(store.product("A", 10))
        first, second = account.platform.create_order(given), account.platform.create_order(given)
        assert first.external_id == second.external_id
        assert (len(store.look("orders")), store.stock("A")["salable"]) == (1, 9)

    def test_an_answer_that_never_came_is_looked_up(self, store: Store, account: Account) -> None:
        given = draft(store.product("A", 10))
        account.platform.check()
        store.fault("reset", "module.order")
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(given)
        assert list(account.platform.find_orders([given.ref])) == [given.ref]
        assert len(store.look("orders")) == 1

    def test_a_module_that_was_removed_meanwhile_is_done_without(self, store: Store, account: Account) -> None:
        key = store.product("A", 10)
        assert account.platform.create_order(draft(key, external_id="1")).number == "000000001"
        gone = {"status": 404, "body": '{"message": "Request does not match any route."}'}
        store.fault("error", "module.*", times=None, **gone)
        with pytest.raises(RetryLater):
            account.platform.create_order(draft(key, external_id="2"))
        assert account.platform.create_order(draft(key, external_id="2")).number == "MP-bol-2"

    def test_are_found_by_the_module_by_their_number_and_without_it(self, store: Store, account: Account) -> None:
        key = store.product("A", 10)
        placed = account.platform.create_order(draft(key, external_id="1"))
        assert account.platform.find_orders(["bol:1", "bol:2"])["bol:1"].external_id == placed.external_id
        with open_store() as bare:
            saved = Account(bare).platform.create_order(draft(bare.product("A", 10), external_id="2"))
            store.control("order", entity=bare.order(saved.external_id) | {"entity_id": None})
        found = account.platform.find_orders(["bol:1", "bol:2"])
        assert {ref: order.number for ref, order in found.items()} == {"bol:1": "000000001", "bol:2": "MP-bol-2"}
        store.fault("unauthorised", "module.*", times=None)
        since = draft(key).placed_at
        found = Account(store).platform.find_orders(["bol:1", "bol:2"], since)
        assert sorted(found) == ["bol:1", "bol:2"], "switching the module off must not make an order twice"

    def test_what_was_saved_before_the_module_came_is_still_taken_off(self, store: Store, account: Account) -> None:
        key = store.product("A", 10)
        store.fault("unauthorised", "module.*", times=None)
        account.platform.create_order(draft(key, quantity=2, external_id="1"))
        assert account.hands.stock_of("A") == 8
        store.heal()
        with_module = Account(store)
        with_module.platform.create_order(draft(key, quantity=3, external_id="2"))
        assert (store.stock("A")["salable"], with_module.hands.stock_of("A")) == (7, 5)

    def test_another_currency_is_asked_about_and_nothing_is_placed(self, store: Store, account: Account) -> None:
        given = draft(store.product("A")).model_copy(update={"currency": "PLN"})
        with pytest.raises(AskMerchant):
            account.platform.create_order(given)
        assert store.look("orders") == []


class TestStock:
    def test_of_many_is_one_call_with_its_flags(self, store: Store, account: Account) -> None:
        skus = [f"S{number}" for number in range(30)]
        keys = [store.product(sku, 5) for sku in skus]
        unmanaged = store.product("U", 0, stock_item={"manage_stock": False})
        later = store.product("B", 0, stock_item={"backorders": 1})
        account.platform.check()
        account.operations()
        batch = account.platform.fetch_products([*keys, unmanaged, later])
        stock = {variant.sku: variant.stock for product in batch.products for variant in product.variants}
        assert {stock[sku].on_hand for sku in skus} == {5}
        assert (stock["U"].managed, stock["U"].on_hand, stock["B"].in_stock) == (False, None, True)
        called = account.operations()
        assert called.count("module.salable") == 1
        assert not {"inventory.export", "inventory.salable", "stock.item"} & set(called)

    def test_a_list_of_variants_sees_every_change(self, store: Store, account: Account) -> None:
        store.product("A", 5)
        [before] = all_pages(account.platform.list_variants)
        store.control("checkout", lines=[{"sku": "A", "quantity": 1}])
        [after] = all_pages(account.platform.list_variants)
        assert before.mark != after.mark


class TestCheck:
    def test_tells_the_module_or_what_would_be_better_with_it(self, store: Store, account: Account) -> None:
        details = account.platform.check().details
        assert (details["module"], "warning" in details) == (PACKAGE.version, False)
        assert details["software"] == "Magento 2.4.8"
        with open_store() as bare:
            details = Account(bare).platform.check().details
        assert details["module"] == "not installed"
        assert "reservations" in details["warning"]

    def test_an_integration_that_may_not_speak_to_it_works_without(self) -> None:
        with open_store(module=True, denied=("Storebridge_Connect",)) as store:
            account = Account(store)
            made = account.platform.create_order(draft(store.product("A", 5)))
            assert made.number == "MP-bol-1043946570"


class TestActivation:
    def test_the_verifier_becomes_the_four_values_and_the_store_proves_itself(
        self, store: Store, account: Account
    ) -> None:
        with bridge_of(account) as bridge:
            told = store.control("module/connect", bridge=bridge.url)
            assert (told["status"], told["shop"]) == (200, "s1")
            [form] = bridge.forms
            assert sorted(form) == sorted(FIELDS)
            [proof] = bridge.proofs
            assert proof.credentials == account.connection.credentials
            assert (proof.store_url, len(proof.secret)) == (f"{store.url}/", 64)
            assert store.look("module")["connected"]
            # Everything is used up: neither the verifier nor the code works twice.
            with pytest.raises(Reauthorise):
                bridge.prove_again()

    def test_a_store_whose_web_server_does_not_tell_its_port_is_signed_for_without(self) -> None:
        with open_store(module=True, port_told=False) as store, bridge_of(Account(store)) as bridge:
            assert store.control("module/connect", bridge=bridge.url)["status"] == 200
            assert bridge.proofs[0].store_url == f"{store.url}/"

    def test_an_activation_that_was_never_posted_or_is_no_activation(self, account: Account) -> None:
        module = MagentoModule()
        with pytest.raises(AskMerchant) as refused:
            module.activated({"oauth_consumer_key": "k"})
        assert refused.value.field == "oauth_consumer_secret"
        asked = Asked(platform="magento", store_url="https://a.example", api_url="https://a.example/rest/", code="c")
        with pytest.raises(Reauthorise):
            module.prove(asked, "c", account.transport, utc_now, None)

    def test_a_foreign_consumer_gets_no_token(self, store: Store, account: Account) -> None:
        form = dict.fromkeys(FIELDS, secrets.token_hex(16)) | {"store_base_url": f"{store.url}/"}
        module = MagentoModule()
        asked = Asked(platform="magento", store_url=store.url, api_url=f"{store.url}/rest/", code="c")
        with pytest.raises(Reauthorise) as refused:
            module.prove(asked, "c", account.transport, utc_now, module.activated(form))
        assert form["oauth_consumer_secret"] not in repr(refused.value.developer)


class TestEvents:
    def test_each_change_is_told_once_signed_and_goes_when_it_was_taken(self, store: Store, account: Account) -> None:
        with bridge_of(account) as bridge:
            store.control("module/connect", bridge=bridge.url)
            bridge.status = 503
            key = store.product("A", 10)
            made = account.platform.create_order(draft(key, quantity=2))
            account.hands.ship(made.external_id, "PostNL", "3S1")
            assert store.control("module/flush")["left"] > 0
            bridge.status = 200
            assert store.control("module/flush")["left"] == 0
            batches = [body for act, body in bridge.told if act == "events"]
            events = [event for batch in batches for event in batch["events"]]
            named = {(event["kind"], event["external_id"]) for event in events}
            assert named == {("product", key), ("stock", key), ("order", made.external_id)}
            numbers = sorted([event["id"] for event in events] + [n for batch in batches for n in batch["merged"]])
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            beats = [body for act, body in bridge.told if act == "heartbeat"]
            assert beats[-1]["outbox"] == {"depth": 0, "oldest_at": None, "last_id": numbers[-1]}

    def test_a_bridge_that_has_forgotten_the_store_is_left_alone(self, store: Store, account: Account) -> None:
        with bridge_of(account) as bridge:
            store.control("module/connect", bridge=bridge.url)
            bridge.status = 410
            store.product("A", 1)
            store.control("module/flush")
            assert not store.look("module")["connected"]
