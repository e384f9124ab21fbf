"""The WooCommerce sandbox against what was measured on a real store: orders, money, stock, refunds, parcels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.woocommerce import Store, open_store


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


class TestStock:
    @pytest.mark.parametrize(("status", "left"), [
        ("pending", 10), ("processing", 8), ("on-hold", 8), ("completed", 8),
    ])  # fmt: skip
    def test_is_reduced_by_status(self, store: Store, status: str, left: int) -> None:
        store.order((store.product("A"), 2), status=status)
        assert store.stock("A") == left

    def test_is_reduced_once_and_restored_by_cancelling(self, store: Store) -> None:
        order = store.order((store.product("A"), 2), status="pending")
        for status, left in (("processing", 8), ("completed", 8), ("cancelled", 10), ("processing", 8)):
            changed = store.put(f"orders/{order['id']}", {"status": status})
            assert store.stock("A") == left
        assert changed["line_items"][0]["meta_data"][0]["key"] == "_reduced_stock"

    def test_set_paid(self, store: Store) -> None:
        number = store.product("A")
        paid = store.order((number, 1), status="pending", set_paid=True)
        assert (paid["status"], store.stock("A")) == ("processing", 9)
        assert paid["date_paid"] is not None
        assert store.order((number, 1), status="pending", set_paid=True, payment_method="cod")["status"] == "completed"
        assert store.order((number, 1), payment_method="cod")["date_paid"] is None

    def test_follows_an_edited_quantity(self, store: Store) -> None:
        order = store.order((store.product("A"), 2))
        line = order["line_items"][0]["id"]
        store.put(f"orders/{order['id']}", {"line_items": [{"id": line, "quantity": 5}]})
        assert store.stock("A") == 5
        changed = store.put(f"orders/{order['id']}", {"line_items": [{"id": line, "quantity": 0}]})
        assert (changed["line_items"], store.stock("A")) == ([], 10)

    def test_is_not_checked(self, store: Store) -> None:
        order = store.order((store.product("A", 16), 500))
        assert (order["status"], store.stock("A")) == ("processing", -484)
        assert store.get("products", sku="A")[0]["stock_status"] == "outofstock"

    def test_stays_when_an_order_is_binned_or_deleted(self, store: Store) -> None:
        number = store.product("A")
        first, second = store.order((number, 1)), store.order((number, 1))
        store.delete(f"orders/{first['id']}")
        store.delete(f"orders/{second['id']}", force="true")
        assert store.stock("A") == 8
        assert store.get("orders") == []
        assert [row["id"] for row in store.get("orders", status="trash")] == [first["id"]]
        assert store.api.get(f"orders/{second['id']}").json()["code"] == "woocommerce_rest_shop_order_invalid_id"


class TestLines:
    def test_an_unknown_product_becomes_an_empty_line(self, store: Store) -> None:
        order = store.post("orders", {"line_items": [{"product_id": 9999, "quantity": 1}]})
        line = order["line_items"][0]
        assert (line["product_id"], line["total"], order["total"]) == (0, "0.00", "0.00")

    def test_by_sku_alone(self, store: Store) -> None:
        number = store.product("A")
        order = store.post("orders", {"line_items": [{"sku": "A", "quantity": 2}]})
        assert (order["line_items"][0]["product_id"], order["total"]) == (number, "20.00")

    def test_without_any_reference(self, store: Store) -> None:
        answer = store.api.post("orders", {"line_items": [{"quantity": 1}]})
        assert answer.json()["code"] == "woocommerce_rest_required_product_reference"

    @pytest.mark.parametrize("body", [
        {"status": "bogus"},
        {"currency": "XXX"},
        {"line_items": [{"product_id": 1, "total": 5}]},
        {"billing": {"email": "no address"}},
    ])  # fmt: skip
    def test_bad_fields(self, store: Store, body: dict[str, Any]) -> None:
        assert store.api.post("orders", body).json()["code"] == "rest_invalid_param"


class TestMoney:
    def lines(self, store: Store, **more: Any) -> dict[str, Any]:
        line = {"product_id": store.product("A"), "quantity": 1, "subtotal": "12.10", "total": "12.10"}
        return {"status": "processing", "line_items": [line | more]}

    def test_taxes_come_on_top_of_what_was_sent(self) -> None:
        with open_store(tax_rates={"": 21}) as store:
            order = store.post("orders", self.lines(store))
            assert (order["total"], order["total_tax"], order["cart_tax"]) == ("14.64", "2.54", "2.54")
            assert order["tax_lines"][0]["rate_percent"] == 21

    def test_net_prices_give_the_gross_total(self) -> None:
        with open_store(tax_rates={"": 21}) as store:
            body = self.lines(store, subtotal="10.00", total="10.00")
            assert store.post("orders", body)["total"] == "12.10"

    @pytest.mark.parametrize("tax_class", ["0", "zero-rate"])
    def test_a_class_without_a_rate_keeps_the_total(self, tax_class: str) -> None:
        with open_store(tax_rates={"": 21, "reduced-rate": 9}) as store:
            order = store.post("orders", self.lines(store, tax_class=tax_class))
            assert (order["total"], order["total_tax"]) == ("12.10", "0.00")

    def test_a_class_the_store_gave_a_rate_does_not(self) -> None:
        with open_store(tax_rates={"": 21, "zero-rate": 6}) as store:
            assert store.post("orders", self.lines(store, tax_class="zero-rate"))["total"] == "12.83"
        with open_store(tax_rates={"": 21}) as store:
            answer = store.api.post("orders", self.lines(store, tax_class="no-such"))
            assert answer.json()["code"] == "order_item_product_invalid_tax_class"

    @pytest.mark.parametrize(("setting", "total"), [("inherit", "17.10"), ("", "18.15")])
    def test_shipping_is_taxed_by_its_own_setting(self, setting: str, total: str) -> None:
        with open_store(tax_rates={"": 21}, shipping_tax_class=setting) as store:
            shipping = [{"method_id": "x", "method_title": "x", "total": "5.00"}]
            order = store.post("orders", self.lines(store, tax_class="0") | {"shipping_lines": shipping})
            assert order["total"] == total

    def test_fees(self) -> None:
        with open_store(tax_rates={"": 21}) as store:
            untaxed = [{"name": "Shipping", "total": "5.00", "tax_status": "none", "tax_class": "0"}]
            order = store.post("orders", self.lines(store, tax_class="0") | {"fee_lines": untaxed})
            assert order["total"] == "17.10"
            taxed = [{"name": "Fee", "total": "5.00"}]
            store.delete(f"products/{order['line_items'][0]['product_id']}", force="true")
            assert store.post("orders", self.lines(store, tax_class="0") | {"fee_lines": taxed})["total"] == "18.15"

    def test_later_changes_of_lines_recalculate_and_others_do_not(self) -> None:
        with open_store(tax_rates={"": 21}) as store:
            order = store.post("orders", self.lines(store, tax_class="0"))
            path = f"orders/{order['id']}"
            assert store.put(path, {"billing": {"city": "Utrecht"}})["total"] == "12.10"
            line = {"id": order["line_items"][0]["id"], "tax_class": ""}
            assert store.put(path, {"line_items": [line]})["total"] == "14.64"


class TestSearch:
    def test_names_of_lines_of_every_type_addresses_and_ids(self, store: Store) -> None:
        body = {
            "shipping_lines": [{"method_id": "bol", "method_title": "bol 1043946570"}],
            "fee_lines": [{"name": "fee 77-XY", "total": "1.00"}],
            "billing": {"last_name": "Özdemir", "city": "Den Bosch"},
            "transaction_id": "hidden-1",
            "meta_data": [{"key": "_storebridge_order", "value": "bol:hidden-2"}],
        }
        order = store.order((store.product("A"), 1), **body)
        store.order((store.product("B"), 1))
        for term in ("1043946570", "77-xy", "den bosch", "Product A", str(order["id"])):
            assert [row["id"] for row in store.get("orders", search=term)] == [order["id"]], term
        # Neither the transaction nor metadata are searched.
        assert store.get("orders", search="hidden-1") == []
        assert store.get("orders", search="hidden-2") == []

    def test_by_status_and_date(self, store: Store) -> None:
        number = store.product("A")
        first = store.order((number, 1))
        store.control("clock", advance=3)
        second = store.order((number, 1), status="on-hold")
        since = first["date_modified_gmt"]
        found = store.get("orders", modified_after=since, dates_are_gmt="true")
        assert [row["id"] for row in found] == [second["id"]]
        assert [row["id"] for row in store.get("orders", status="processing,completed")] == [first["id"]]
        assert store.api.get("orders", params={"status": "bogus"}).status_code == 400


class TestRefunds:
    def test_restocks_by_default_and_remembers(self, store: Store) -> None:
        order = store.order((store.product("A"), 2))
        line = order["line_items"][0]["id"]
        rows = [{"id": line, "quantity": 1, "refund_total": 10.0}]
        refund = store.post(f"orders/{order['id']}/refunds", {"api_refund": False, "line_items": rows})
        assert (refund["amount"], store.stock("A")) == ("10.00", 9)
        changed = store.get(f"orders/{order['id']}")
        assert changed["refunds"] == [{"id": refund["id"], "reason": "", "total": "-10.00"}]
        meta = {item["key"]: item["value"] for item in changed["line_items"][0]["meta_data"]}
        assert meta == {"_reduced_stock": "1", "_restock_refunded_items": "1"}

    def test_without_restock_and_to_the_end(self, store: Store) -> None:
        order = store.order((store.product("A"), 2))
        rows = [{"id": order["line_items"][0]["id"], "quantity": 2}]
        body = {"amount": "20.00", "api_refund": False, "api_restock": False, "line_items": rows}
        store.post(f"orders/{order['id']}/refunds", body)
        assert store.stock("A") == 8
        assert store.get(f"orders/{order['id']}")["status"] == "refunded"
        answer = store.api.post(f"orders/{order['id']}/refunds", body)
        assert (answer.status_code, answer.json()["message"]) == (500, "Invalid refund amount.")

    def test_the_gateway_is_asked_unless_told_not_to(self, store: Store) -> None:
        order = store.order((store.product("A"), 1))
        answer = store.api.post(f"orders/{order['id']}/refunds", {"amount": "1.00"})
        assert answer.json()["code"] == "woocommerce_rest_cannot_create_order_refund"


class TestParcels:
    def test_routes_of_features_that_are_off(self, store: Store) -> None:
        order = store.order((store.product("A"), 1))
        answer = store.api.get(f"orders/{order['id']}/fulfillments")
        assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")

    def test_fulfilments(self) -> None:
        with open_store(fulfillments=True) as store:
            order = store.order((store.product("A"), 2))
            line = order["line_items"][0]["id"]
            path = f"orders/{order['id']}/fulfillments"
            meta = [{"key": "_items", "value": [{"item_id": line, "qty": 1}]}]
            meta.append({"key": "_tracking_number", "value": "3STEST1"})
            made = store.post(path, {"status": "fulfilled", "meta_data": meta})
            assert made["is_fulfilled"] is True
            changed = store.put(f"{path}/{made['id']}", {"meta_data": meta[:1]})
            assert "_tracking_number" not in {item["key"] for item in changed["meta_data"]}
            store.delete(f"{path}/{made['id']}")
            assert store.get(path) == []

    @pytest.mark.parametrize(("option", "space"), [
        ("shipment_tracking", "wc-shipment-tracking"), ("ast", "wc-ast"),
    ])  # fmt: skip
    def test_plugins_keep_parcels_in_order_meta(self, option: str, space: str) -> None:
        with open_store(**{option: True}) as store:
            order = store.order((store.product("A"), 1))
            api = store.api
            api.version = f"{space}/v3"
            body = {"tracking_number": "3STEST1", "tracking_provider": "PostNL", "date_shipped": "2026-11-23"}
            made = api.post(f"orders/{order['id']}/shipment-trackings", body).json()
            assert (made["tracking_provider"], made["date_shipped"]) == ("postnl", "2026-11-23")
            meta = store.get(f"orders/{order['id']}")["meta_data"][0]
            assert meta["key"] == "_wc_shipment_tracking_items"
            assert meta["value"][0]["tracking_number"] == "3STEST1"

    def test_the_merchant_ships(self, store: Store) -> None:
        order = store.order((store.product("A"), 1))
        store.control("ship", order=order["id"], tracking="3STEST1", carrier="PostNL")
        shown = store.get(f"orders/{order['id']}")
        assert (shown["status"], shown["meta_data"][0]["value"][0]["tracking_number"]) == ("completed", "3STEST1")


class TestAround:
    def test_notes(self, store: Store) -> None:
        order = store.order((store.product("A"), 1))
        store.post(f"orders/{order['id']}/notes", {"note": "Sold on bol"})
        assert [note["note"] for note in store.get(f"orders/{order['id']}/notes")] == ["Sold on bol"]

    def test_an_order_lost_on_the_way_back_exists(self, store: Store) -> None:
        number = store.product("A")
        store.fault("timeout_after_write", "orders.create", seconds=0.3)
        api = store.api
        api.timeout = 0.1
        with pytest.raises(OSError, match=r"(?i)timed out"):
            api.post("orders", {"status": "processing", "line_items": [{"product_id": number, "quantity": 1}]})
        assert len(store.get("orders")) == 1
        assert store.stock("A") == 9

    def test_a_shopper_pays_what_the_shop_asks(self, store: Store) -> None:
        store.product("A")
        bought = store.control("checkout", lines=[{"sku": "A", "quantity": 3}])
        order = store.get(f"orders/{bought['order']}")
        assert (order["created_via"], order["total"], store.stock("A")) == ("store-api", "30.00", 7)
