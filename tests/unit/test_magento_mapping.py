"""Magento's JSON in our words: as a real store (2.4.7) has sent it, and the odd kinds too."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bridge.domain.catalogue import StockReading
from bridge.domain.order import StoreOrderStatus
from bridge.domain.reading import moment
from bridge.ports.http import Response
from platform_adapters.magento import facts, mapping, oauth, orders, refunds
from platform_adapters.magento.criteria import Filter, after, among, search
from platform_adapters.magento.facts import chosen_view, paths, shown_views
from platform_adapters.magento.reading import Attribute, Reports, ShopFacts
from platform_adapters.magento.refusals import ERRORS, describe
from platform_adapters.magento.taxes import read_classes
from tests.support.magento import draft, eur, recorded

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REPORTS = Reports("EUR", Decimal(1))
COLORS = {"4": "Red", "5": "Blue"}
FACTS = ShopFacts(
    "EUR",
    weight_unit="lb",
    link_base="https://shop.example/",
    media_base="https://shop.example/media/",
    gtin_attributes=("gtin", "ean"),
    attributes={"93": Attribute("color", "Color", COLORS), "137": Attribute("size", "Size", {"6": "S", "7": "M"})},
    categories={"3": ("Clothing", "Shirts")},
)
REF, LINE = "bol:1043946570", "storebridge|bol:1043946570|L-1"


def answer(status: int, body: Any) -> Response:
    return Response(status, httpx.Headers({"content-type": "application/json"}), httpx.Response(200, json=body).content)


class TestProducts:
    def test_a_recorded_product(self) -> None:
        stock = {"SIMPLE-1": StockReading(pool="1", managed=True, on_hand=47)}
        product = mapping.product(recorded("036"), [], stock, FACTS, NOW)
        [variant] = product.variants
        assert (product.external_id, product.title, product.description) == ("1", "Simple 1 again", "<p>desc</p>")
        assert (product.category_paths, product.categories) == ((("Clothing", "Shirts"),), ("Shirts",))
        assert (variant.sku, variant.gtin, variant.stock.on_hand) == ("SIMPLE-1", "4000000000001", 47)
        assert variant.weight is not None
        assert (variant.weight.amount, variant.weight.unit) == (Decimal("0.5"), "lb")
        assert variant.price == eur("20.90")
        assert product.modified_at == datetime(2026, 11, 23, 7, 46, 36, tzinfo=UTC)
        assert product.link == "https://shop.example/catalog/product/view/id/1"

    def test_a_recorded_list_brings_pictures(self) -> None:
        first = recorded("070")["items"][0]
        product = mapping.product(first, [], {}, FACTS, NOW)
        assert product.images == ("https://shop.example/media/catalog/product/f/r/front.png",)
        assert product.variants[0].stock.in_stock is False  # nothing is believed to be there

    def test_a_recorded_configurable_product_with_its_children(self) -> None:
        raw, children = recorded("062"), recorded("060")
        product = mapping.product(raw, children, {}, FACTS, NOW)
        assert mapping.links(raw) == [4, 5, 6]
        assert [variant.options for variant in product.variants] == [
            {"Color": "Red", "Size": "S"},
            {"Color": "Red", "Size": "M"},
            {"Color": "Blue", "Size": "S"},
        ]
        assert {variant.product_id for variant in product.variants} == {"8"}
        assert all(variant.published for variant in product.variants)

    def test_the_mark_is_of_the_content_and_not_of_the_date(self) -> None:
        raw = recorded("036")
        same, other = {**raw, "updated_at": "2026-11-24 00:00:00"}, {**raw, "price": Decimal("20.95")}
        marks = [mapping.product_ref(row, [], {}).mark for row in (raw, same, other)]
        assert marks[0] == marks[1] != marks[2]
        assert mapping.product_ref(raw, [], {"SIMPLE-1": "50"}).mark != marks[0]

    @pytest.mark.parametrize("value", [None, "", "abc", "-1", 0, "NaN", "Infinity", [], {}])
    def test_what_is_no_price_is_none(self, value: Any) -> None:
        assert mapping.price({"price": value, "custom_attributes": None}, FACTS, NOW) == (None, None, None)

    def test_odd_shapes_crash_nothing(self) -> None:
        odd = {"id": 1, "sku": None, "type_id": "simple", "extension_attributes": [], "custom_attributes": {"a": 1}}
        product = mapping.product(odd | {"media_gallery_entries": None}, [], {}, FACTS, NOW)
        assert (product.title, product.variants[0].sku, product.published) == ("", None, False)
        unknown = mapping.product({"id": 2, "type_id": "subscription_of_the_future"}, [], {}, FACTS, NOW)
        assert unknown.variants == ()


class TestStore:
    def test_recorded_views_and_categories(self) -> None:
        views = recorded("011")
        assert [row["code"] for row in shown_views(views)] == ["default"]
        assert chosen_view(views, "")["website_id"] == 1
        assert paths(recorded("015")) == {}

    def test_tax_classes_by_name_or_id(self) -> None:
        found, odd = read_classes(["Food = 9", "7=5,5", "Books=9", "nonsense"], {"food": "4", "seven": "7"})
        assert (found, odd) == ({"4": Decimal(9), "7": Decimal("5.5")}, ["Books=9", "nonsense"])


class TestOrders:
    def test_a_recorded_order_of_a_shopper(self) -> None:
        """Its configurable line stands in it twice: the parent is what is shipped, the child what is sold."""
        raw = recorded("209")
        found = orders.order(raw, recorded("407")["items"], recorded("415")["items"], currency="EUR")
        assert (found.number, found.status, found.total) == ("000000001", StoreOrderStatus.PENDING, eur("121.80"))
        assert found.marketplace_ref is None
        parent = next(line for line in found.lines if line.sku == "SHIRT-RED-S" and line.variant_id != "8")
        assert all(line.ref is None for line in found.lines)
        assert [parcel.number for parcel in found.parcels] == ["00340434161094000001", "x", "00340434161094000002"]
        assert found.parcels[0].carrier == "DHL Paket"
        assert parent.external_id in found.parcels[2].lines

    def test_a_recorded_order_that_came_over_rest(self) -> None:
        found = orders.order(recorded("301"), currency="EUR")
        assert (found.external_id, found.raw_status, found.total) == ("2", "pending", eur("55.90"))
        assert [(line.sku, line.quantity, line.refunded) for line in found.lines] == [("SIMPLE-2", 2, 0)]

    def test_what_is_posted_has_the_fields_that_were_measured(self) -> None:
        """The recorded order with taxes, sent again by us: to the cent the same."""
        given = draft("2", quantity=2, shipping=eur("4.90"), shipping_tax=eur("0.78"))
        line = given.lines[0].model_copy(update={"total": eur("23.80"), "tax": eur("3.80")})
        given = given.model_copy(update={"lines": (line,), "total": eur("28.70")})
        variants = {"2": orders.Variant(2, "SIMPLE-2", Decimal("0.5"))}
        body = orders.entity(given, variants, FACTS, orders.OrderWishes.of({}), REPORTS)
        real = recorded("610")
        names = [name for name, value in real.items() if isinstance(value, int | Decimal) and name in body]
        numbers = {name for name in names if name not in ("store_id", "total_item_count", "is_virtual")}
        assert {name: Decimal(str(body[name])) for name in numbers} == {name: real[name] for name in numbers}
        assert {"grand_total", "base_subtotal_incl_tax", "shipping_tax_amount", "tax_amount"} <= numbers
        item = real["items"][0]
        assert {name: body["items"][0][name] for name in ("price", "row_total", "tax_percent", "price_incl_tax")} == {
            name: item[name] for name in ("price", "row_total", "tax_percent", "price_incl_tax")
        }

    def test_numbers_are_readable_and_never_shared(self) -> None:
        refs = [
            "bol:1",
            "bol:1-2",
            "bol:1:2",
            "bol:1_2",
            "amazon-nl:902-1",
            "amazon:nl-902-1",
            "x:" + "9" * 80,
            "x:" + "9" * 81,
        ]
        numbers = [orders.order_number(ref) for ref in refs]
        assert numbers[0] == "MP-bol-1"
        assert len(set(numbers)) == len(refs)
        assert max(map(len, numbers)) <= 50

    def test_only_what_carries_both_number_and_line_is_ours(self) -> None:
        ours = {"increment_id": "MP-bol-1043946570", "items": [{"item_id": 1, "ext_order_item_id": LINE}]}
        assert orders.marketplace_ref(ours) == REF
        assert orders.marketplace_ref(ours | {"increment_id": "000000001"}) is None
        assert orders.marketplace_ref(ours | {"items": [{"item_id": 1}]}) is None
        assert orders.line_refs({"ext_order_item_id": "storebridge|a%7Cb:1|c%7Cd"}) == ("a|b:1", "c|d")

    @pytest.mark.parametrize(
        ("state", "shipped", "expected"),
        [
            ("closed", 1, StoreOrderStatus.REFUNDED),
            ("closed", 0, StoreOrderStatus.CANCELLED),
            ("canceled", 0, StoreOrderStatus.CANCELLED),
            ("holded", 0, StoreOrderStatus.ON_HOLD),
            (None, 0, StoreOrderStatus.OTHER),
            ("something_new", 0, StoreOrderStatus.OTHER),
        ],
    )
    def test_states(self, state: str | None, shipped: int, expected: StoreOrderStatus) -> None:
        raw = {"state": state, "items": [{"item_id": 1, "qty_ordered": 1, "qty_shipped": shipped}]}
        assert orders.status(raw) is expected

    def test_what_somebody_wrote_into_a_credit_memo_is_read_and_ours_is_not(self) -> None:
        def memo(number: int, comment: str) -> dict[str, Any]:
            return {"entity_id": number, "items": [{"order_item_id": 7, "qty": 1}], "comments": [{"comment": comment}]}

        line = {"ext_order_item_id": "storebridge-module|bol:1|L-1"}
        words = [memo(2, "Broken in the box"), memo(1, "Too small"), memo(3, "Returned [bol:1/return/7/kept]")]
        assert orders.refund_words({"items": [line]}, words) == {"7": "Broken in the box"}

    def test_recorded_credit_memos_are_told_apart_by_their_comment(self) -> None:
        memos = recorded("415")["items"]
        assert not refunds.is_made(memos, "return")
        memos[0]["comments"][0]["comment"] = "Returned [return:1/restocked]"
        assert refunds.is_made(memos, "return:1/restocked")
        assert not refunds.is_made(memos, "return:1/kept")


class TestWire:
    def test_the_signature_is_of_the_address_as_the_store_knows_it_and_leaves_the_body_out(self) -> None:
        """The value was made by another hand: RFC 5849's base string, written out, through openssl."""
        keys = oauth.Keys("ck", "cs", "at", "ts")
        url = "http://shop.example:8090/rest/all/V1/orders?searchCriteria%5BpageSize%5D=1&fields=items%5Bentity_id%5D"
        header = oauth.authorization("GET", url, keys, nonce="n", timestamp=1, ported=False)
        assert header == (
            'OAuth oauth_consumer_key="ck", oauth_nonce="n", oauth_signature_method="HMAC-SHA256", oauth_timestamp="1", '
            'oauth_token="at", oauth_version="1.0", oauth_signature="8UZNOhYBiOcIJbP1hNY2WPDUph3gq1ICw3VWXXtnlA4%3D"'
        )
        for same in ("http://shop.example", "http://shop.example:80"):
            alike = url.replace("http://shop.example:8090", same)
            assert header == oauth.authorization("GET", alike, keys, nonce="n", timestamp=1)
        ported = oauth.authorization("GET", url, keys, nonce="n", timestamp=1)
        assert ported.endswith('oauth_signature="shqxW%2BhA7or59FDbsJus22Ytra4wI2FpD02hlDfzkD8%3D"')

    def test_criteria_are_groups_of_and_with_or_inside(self) -> None:
        query = search(
            among("sku", ["A", "B,C", "D"]),
            after("entity_id", 7),
            (Filter("name", "like", "%x y%"),),
            size=10,
            sort="sku",
        )
        pairs = httpx.QueryParams(query)
        start = "searchCriteria[filterGroups]"
        assert pairs[f"{start}[0][filters][0][value]"] == "A,D"
        assert pairs[f"{start}[0][filters][1][value]"] == "B,C"
        assert pairs[f"{start}[1][filters][0][conditionType]"] == "gt"
        assert "%25x%20y%25" in query

    @pytest.mark.parametrize(
        ("number", "status", "words", "field"),
        [
            ("041", 400, '"Nonsense" is not supported. Correct the field name and try again.', "Nonsense"),
            ("039", 400, "Invalid product data: Invalid attribute set entity type", None),
            ("540", 401, "The consumer isn't authorized to access Magento_Backend::store.", None),
            (
                "440",
                400,
                'Unable to add comment: The status "processing" is not part of the order status history.',
                None,
            ),
        ],
    )
    def test_recorded_refusals_are_filled_in(self, number: str, status: int, words: str, field: str | None) -> None:
        said = describe(answer(status, recorded(number)))
        assert (said.message, said.field) == (words, field)

    def test_a_recorded_second_order_is_one_in_doubt(self) -> None:
        said = describe(answer(400, recorded("304")))
        assert said.code == "exists"
        assert ERRORS.find(400, said.code) != ERRORS.find(400, None)

    def test_times_are_utc_without_saying_so(self) -> None:
        assert moment("2026-11-23 07:46:36") == datetime(2026, 11, 23, 7, 46, 36, tzinfo=UTC)
        assert moment("0000-00-00 00:00:00") is None


def test_without_a_choice_the_oldest_view_is_sold_from_whatever_the_store_lists_first() -> None:
    """Another view may be another website: other prices, in another currency."""
    rows = [
        {"id": 4, "code": "usd", "is_active": 1, "website_id": 1},
        {"id": 0, "code": "admin", "is_active": 1, "website_id": 0},
        {"id": 2, "code": "uk", "is_active": 1, "website_id": 2},
        {"id": 1, "code": "default", "is_active": 1, "website_id": 1},
    ]
    assert [facts.chosen_view(found, "")["code"] for found in (rows, rows[::-1])] == ["default", "default"]
    assert facts.chosen_view(rows, "uk")["code"] == "uk"
