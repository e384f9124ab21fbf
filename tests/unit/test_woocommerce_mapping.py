"""WooCommerce's JSON in our words, the odd kinds too."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.order import StoreOrderStatus
from bridge.ports.errors import AskMerchant
from platform_adapters.woocommerce import details, hooks, mapping, orders
from platform_adapters.woocommerce.parcels import parcels
from platform_adapters.woocommerce.reading import ShopFacts
from platform_adapters.woocommerce.taxes import Rates
from tests.support.woocommerce import recorded

FACTS = ShopFacts("EUR", gtin_fields=("_alg_ean", "_other"))


def body(name: str, /, **changes: Any) -> dict[str, Any]:
    return {**json.loads(recorded(name)["raw_body"]), **changes}


def simple(**changes: Any) -> Any:
    [variant] = mapping.product(body("product.updated", **changes), [], FACTS).variants
    return variant


class TestProducts:
    def test_a_recorded_product(self) -> None:
        product = mapping.product(body("product.updated"), [], FACTS)
        [variant] = product.variants
        assert (product.external_id, product.title) == ("49", "Test product 40 äöü €")
        assert (variant.sku, variant.gtin, variant.stock.on_hand) == ("SKU-040", "4000000000402", 1)
        assert variant.price is not None
        assert variant.price.text() == "19.80 EUR"
        assert product.modified_at is not None
        assert product.modified_at.isoformat() == "2026-11-23T07:44:29+00:00"

    def test_a_recorded_variation_under_its_parent(self) -> None:
        parent = body("product.updated.variable", status="publish")
        child = body("product.updated.variation")
        [variant] = mapping.product(parent, [child], FACTS).variants
        assert (variant.external_id, variant.product_id, variant.title) == ("61", "173", "V2 - S")
        assert (variant.options, variant.published) == ({"Size": "S"}, True)

    @pytest.mark.parametrize(
        "name", ["name", "sku", "price", "images", "attributes", "stock_quantity", "meta_data", "brands"]
    )
    def test_what_is_missing_or_null_is_left_out(self, name: str) -> None:
        raw = body("product.updated")
        del raw[name]
        for odd in (raw, body("product.updated", **{name: None})):
            assert mapping.product(odd, [], FACTS).external_id == "49"

    def test_unknown_fields_and_types(self) -> None:
        product = mapping.product(body("product.updated", type="bundle", hovercraft=[1]), [], FACTS)
        assert len(product.variants) == 1
        assert mapping.product(body("product.updated", type="external"), [], FACTS).variants == ()

    @pytest.mark.parametrize(("price", "shown"), [
        ("19.80", "19.80"), (Decimal("19.8"), "19.80"), (19, "19.00"), ("", None), (None, None), ("free", None), ("0", None),
    ])  # fmt: skip
    def test_prices(self, price: Any, shown: str | None) -> None:
        found = simple(price=price).price
        assert (found and str(found.amount)) == shown

    @pytest.mark.parametrize(("quantity", "on_hand"), [(5, 5), ("5", 5), (Decimal("2.7"), 2), (-3, -3), (2**40, 2**40)])
    def test_quantities(self, quantity: Any, on_hand: int) -> None:
        assert simple(stock_quantity=quantity).stock.on_hand == on_hand

    def test_stock_that_is_not_counted(self) -> None:
        stock = simple(manage_stock=False, stock_quantity=None, stock_status="outofstock").stock
        assert (stock.managed, stock.on_hand, stock.in_stock) == (False, None, False)

    @pytest.mark.parametrize(("field", "plugin", "gtin"), [
        ("400-6381 333931", "", "4006381333931"),
        ("", "4006381333931", "4006381333931"),
        ("--", "", None),
        (None, "", None),
    ])  # fmt: skip
    def test_gtins(self, field: Any, plugin: str, gtin: str | None) -> None:
        meta = [{"id": 1, "key": "_other", "value": plugin}]
        assert simple(global_unique_id=field, meta_data=meta).gtin == gtin

    def test_prices_kept_without_vat(self) -> None:
        rows = [
            {"country": "NL", "rate": "21.0000", "class": "standard", "priority": 1, "order": 1},
            {"country": "NL", "rate": "9.0000", "class": "reduced-rate", "priority": 1, "order": 2},
            {"country": "NL", "state": "ZH", "rate": "50.0", "class": "standard", "priority": 1, "order": 0},
        ]
        facts = ShopFacts("EUR", "NL", Rates.read(rows))
        for tax_class, status, shown in (
            ("", "taxable", "23.96"),
            ("reduced-rate", "taxable", "21.58"),
            ("", "none", "19.80"),
        ):
            raw = body("product.updated", tax_class=tax_class, tax_status=status)
            price = mapping.product(raw, [], facts).variants[0].price
            assert price is not None
            assert str(price.amount) == shown

    def test_marks_follow_what_matters(self) -> None:
        plain = mapping.product_ref(body("product.updated")).mark
        assert mapping.product_ref(body("product.updated", date_modified_gmt="2026-11-24T00:00:00")).mark == plain
        assert mapping.product_ref(body("product.updated", related_ids=[1])).mark == plain
        assert mapping.product_ref(body("product.updated", stock_quantity=2)).mark != plain
        parent = mapping.product_ref(body("product.updated.variable")).mark
        assert (
            mapping.product_ref(body("product.updated.variable", date_modified_gmt="2026-11-24T00:00:00")).mark
            != parent
        )


class TestOrders:
    def order(self, raw: dict[str, Any], **more: Any) -> Any:
        return orders.order(
            raw, "EUR", "https://shop.example", more.get("sources", ()), more.get("fulfilments", ()), ()
        )

    def test_a_recorded_order(self) -> None:
        found = self.order(body("order.updated.refunded"))
        assert (found.external_id, found.status, found.total.text()) == ("79", StoreOrderStatus.COMPLETED, "13.70 EUR")
        assert found.refunded is not None
        assert found.refunded.text() == "1.00 EUR"
        [line] = found.lines
        assert (line.variant_id, line.quantity, line.reduced, line.ref) == ("14", 2, 1, None)

    def test_odd_values(self) -> None:
        raw = body("order.created", status="wc-packed", total="", line_items=None, refunds={"0": {}}, meta_data={})
        found = self.order(raw)
        assert (found.status, found.raw_status, found.lines) == (StoreOrderStatus.OTHER, "wc-packed", ())

    def test_a_total_that_is_no_amount_is_told_and_not_taken_for_nothing(self) -> None:
        with pytest.raises(AskMerchant, match="104") as told:
            self.order(body("order.created", total="17,95?"))
        assert told.value.field == "total"

    def test_a_line_without_a_product_is_noticed_only_if_it_is_ours(self) -> None:
        ours = {"name": "Gone", "product_id": 0, "meta_data": [{"key": "_storebridge_line", "value": "1"}]}
        assert orders.lost_products({"line_items": [ours, {"name": "Theirs", "product_id": 0}]}) == ["Gone"]


class TestParcels:
    def test_plugin_meta_as_list_object_or_text(self) -> None:
        item = {"tracking_number": "T1", "tracking_provider": "dhl", "tracking_id": "x", "date_shipped": "1795420000"}
        for value in ([item], {"0": item}, json.dumps([item])):
            order = {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": value}]}
            [parcel] = parcels(order, [], ["shipment_tracking"])
            assert (parcel.ref, parcel.carrier, parcel.number) == ("tracking:x", "dhl", "T1")
            assert parcel.shipped_at is not None

    @pytest.mark.parametrize("value", [None, "", "not json", 5, [None, "x"], {"a": 1}])
    def test_plugin_meta_that_makes_no_sense(self, value: Any) -> None:
        order = {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": value}]}
        assert parcels(order, [], ["shipment_tracking", "ast", "_x", "_y|_z", "_w=DPD"]) == ()

    def test_the_merchants_order_of_sources_decides(self) -> None:
        order = {"meta_data": [{"key": "_a", "value": "1"}, {"key": "_b", "value": "2"}, {"key": "_c", "value": "GLS"}]}
        assert [parcel.number for parcel in parcels(order, [], ["_a", "_b"])] == ["1"]
        assert [(p.number, p.carrier) for p in parcels(order, [], ["_nothing", "_b|_c"])] == [("2", "GLS")]

    def test_lines_by_product_where_a_plugin_names_no_line(self) -> None:
        item = {"tracking_number": "T1", "products_list": [{"product": "7", "qty": "2"}, {"product": "8", "qty": "x"}]}
        order = {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": [item]}]}
        order["line_items"] = [{"id": 31, "product_id": 7, "variation_id": 0}, {"id": 32, "product_id": 8}]
        assert parcels(order, [], ["ast"])[0].lines == {"31": 2}


class TestHooks:
    URL, SECRET = "https://bridge.example/hooks/a/1", "s3cret"

    def hook(self, number: int, topic: str, **changes: Any) -> dict[str, Any]:
        known = {"id": number, "topic": topic, "status": "active", "delivery_url": self.URL}
        return known | {"name": hooks.name(topic, self.SECRET)} | changes

    def test_nothing_to_do(self) -> None:
        existing = [self.hook(at, topic) for at, topic in enumerate(hooks.TOPICS, 1)]
        assert hooks.plan(existing, self.URL, self.SECRET).body() == {}

    def test_doubles_and_strays_go_and_others_stay(self) -> None:
        existing = [self.hook(at, topic) for at, topic in enumerate(hooks.TOPICS, 1)]
        existing += [self.hook(50, "order.created"), self.hook(51, "coupon.created")]
        existing += [self.hook(52, "order.created", delivery_url="https://else.example/", name="Else")]
        assert hooks.plan(existing, self.URL, self.SECRET).body() == {"delete": [50, 51]}

    def test_another_secret_renews_in_place(self) -> None:
        existing = [self.hook(at, topic) for at, topic in enumerate(hooks.TOPICS, 1)]
        plan = hooks.plan(existing, self.URL, "new")
        assert [row["id"] for row in plan.update] == list(range(1, len(hooks.TOPICS) + 1))
        assert plan.mended == []
        assert all("new" not in row["name"] for row in plan.update)


class TestDetails:
    FACTS = ShopFacts("EUR", cost_fields=("_cost",), weight_unit="g", size_unit="mm", admin="https://shop.example/wp-admin/",
                      categories={15: ("Home", "Uncategorized")})  # fmt: skip

    def product(self, **changes: Any) -> Any:
        return mapping.product(body("product.updated", **changes), [], self.FACTS)

    def test_weight_size_prices_and_links(self) -> None:
        found = self.product(
            weight="250", dimensions={"length": "10", "width": "2.5", "height": ""}, regular_price="25", sale_price="19.80", on_sale=True,
            categories=[{"id": 15, "name": "Uncategorized"}, {"id": 99, "name": "Auto &amp; Motor"}],
        )  # fmt: skip
        [variant] = found.variants
        assert variant.weight.text() == "250 g"
        assert (str(variant.dimensions.width), variant.dimensions.height, variant.dimensions.unit) == (
            "2.5",
            None,
            "mm",
        )
        assert (variant.regular_price.text(), variant.sale_price.text()) == ("25.00 EUR", "19.80 EUR")
        assert found.categories == ("Uncategorized", "Auto & Motor")
        assert found.category_paths == (("Home", "Uncategorized"), ("Auto & Motor",))
        assert found.edit_link == "https://shop.example/wp-admin/post.php?post=49&action=edit"

    def test_a_reduced_price_that_does_not_hold_now_is_not_told(self) -> None:
        assert self.product(sale_price="5", on_sale=False).variants[0].sale_price is None

    @pytest.mark.parametrize(("own", "meta", "cost"), [
        ({"values": [{"defined_value": 7.125, "effective_value": 7.125}], "total_value": Decimal("7.125")}, "9", "7.125"),
        ({"values": [{"defined_value": None, "effective_value": 0}], "total_value": 0}, "9.5", "9.5"),
        (None, "9,5", "9.5"), (None, "", None), (None, "free", None), ([], "-1", None),
    ])  # fmt: skip
    def test_cost(self, own: Any, meta: str, cost: str | None) -> None:
        found = self.product(cost_of_goods_sold=own, meta_data=[{"key": "_cost", "value": meta}]).variants[0].cost
        assert (found and str(found.amount)) == cost

    def test_custom_fields_are_the_short_plain_ones(self) -> None:
        rows = [
            ("_mpn", "A-1"),
            ("material", ["Wool", "Cotton"]),
            ("n", 5),
            ("_edit_lock", "1:1"),
            ("page", "x" * 501),
            ("deep", {"a": 1}),
            ("", "x"),
            ("yes", True),
        ]
        found = self.product(
            meta_data=[{"id": n, "key": key, "value": value} for n, (key, value) in enumerate(rows)] + ["odd"]
        )
        assert found.custom == {"_mpn": "A-1", "material": "Wool, Cotton", "n": "5"}

    def test_a_variation_takes_what_it_leaves_empty_from_its_product(self) -> None:
        parent = body("product.updated.variable", status="publish", weight="100", dimensions={"length": "1", "width": "1", "height": "1"},
                      meta_data=[{"key": "_cost", "value": "4"}])  # fmt: skip
        child = body("product.updated.variation", weight="", meta_data=[{"key": "_own", "value": "1"}])
        [variant] = mapping.product(parent, [child], self.FACTS).variants
        assert variant.weight.text() == "100 g"
        assert variant.dimensions.complete
        assert variant.cost.text() == "4.00 EUR"
        assert variant.custom == {"_own": "1"}

    @pytest.mark.parametrize("change", [
        {"weight": "1"}, {"dimensions": {"length": "1"}}, {"meta_data": [{"key": "a", "value": "b"}]}, {"brands": [{"name": "Acme"}]},
        {"sale_price": "1"}, {"cost_of_goods_sold": {"total_value": 1}}, {"images": [{"src": "x"}]}, {"categories": [{"id": 1, "name": "x"}]},
    ])  # fmt: skip
    def test_each_of_them_counts_as_a_change(self, change: dict[str, Any]) -> None:
        assert (
            mapping.product_ref(body("product.updated", **change)).mark
            != mapping.product_ref(body("product.updated")).mark
        )

    def test_paths_of_categories(self) -> None:
        rows = [{"id": 1, "name": "Home &amp; Garden", "parent": 0}, {"id": 2, "name": "Chairs", "parent": 1}, {"id": 3, "name": "Lost", "parent": 9},
                {"id": 4, "name": "A", "parent": 5}, {"id": 5, "name": "B", "parent": 4}]  # fmt: skip
        assert details.paths(rows) == {
            1: ("Home & Garden",), 2: ("Home & Garden", "Chairs"), 3: ("Lost",), 4: ("B", "A"), 5: ("A", "B"),
        }  # fmt: skip
