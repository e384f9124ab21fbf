"""The WooCommerce sandbox against what was measured on a real store: keys, catalogue, lists, batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET, php
from tests.support.woocommerce import FIXTURES, Store, open_store, recorded

ROOT = "/wp-json/wc/v3"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


def refused(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestKeys:
    def test_basic_over_plain_http_is_ignored(self, store: Store) -> None:
        answer = requests.get(f"{store.url}{ROOT}/products", auth=(SANDBOX_KEY, SANDBOX_SECRET), timeout=5)
        assert refused(answer) == (401, "woocommerce_rest_cannot_view")
        assert answer.json()["data"] == {"status": 401}

    def test_basic_over_tls(self) -> None:
        with open_store(trust_forwarded_proto=True) as store:
            url, tls = f"{store.url}{ROOT}/products", {"X-Forwarded-Proto": "https"}

            def ask(key: str, secret: str) -> requests.Response:
                return requests.get(url, auth=(key, secret), headers=tls, timeout=5)

            assert ask(SANDBOX_KEY, SANDBOX_SECRET).status_code == 200
            wrong = ask(SANDBOX_KEY, "cs_wrong")
            assert wrong.json()["message"] == "Consumer secret is invalid."
            assert refused(wrong) == (401, "woocommerce_rest_authentication_error")
            assert refused(ask("ck_unknown", "cs_wrong")) == (401, "woocommerce_rest_cannot_view")

    def test_oauth_is_verified(self, store: Store) -> None:
        assert store.get("products", search="a b", status="publish") == []
        store.secret = "cs_wrong"
        wrong = store.api.get("products")
        assert wrong.json()["message"] == "Invalid signature - provided signature does not match."
        store.key = "ck_unknown"
        assert store.api.get("products").json()["message"] == "Consumer key is invalid."

    def test_a_list_parameter_is_signed_wrongly_by_the_package(self, store: Store) -> None:
        assert store.api.get("products", params={"include": [1, 2]}).status_code == 401
        assert store.api.get("products", params={"include": "1,2"}).status_code == 200

    def test_a_signed_request_works_once(self, store: Store) -> None:
        url = store.api._API__get_oauth_url(f"{store.url}{ROOT}/products", "GET")
        assert requests.get(url, timeout=5).status_code == 200
        assert requests.get(url, timeout=5).json()["message"] == "Invalid nonce - nonce has already been used."
        old = store.api._API__get_oauth_url(f"{store.url}{ROOT}/products", "GET", oauth_timestamp=1_700_000_000)
        assert requests.get(old, timeout=5).json()["message"] == "Invalid timestamp."

    def test_a_read_key_cannot_write(self) -> None:
        keys = [{"key": "ck_read", "secret": "cs_read", "permissions": "read"}]
        with open_store(keys=keys) as store:
            store.key, store.secret = "ck_read", "cs_read"
            assert store.get("products") == []
            answer = store.api.post("products", {"name": "x"})
            assert answer.json()["message"] == "The API key provided does not have write permissions."

    def test_the_index_is_public_and_names_the_site(self, store: Store) -> None:
        index = requests.get(f"{store.url}/wp-json/", timeout=5).json()
        assert index["name"] == "Sandbox Store"
        assert index["timezone_string"] == "Europe/Berlin"
        assert "wc/v3" in index["namespaces"]
        assert store.get("settings/general/woocommerce_currency")["value"] == "EUR"
        assert store.get("system_status")["environment"]["version"] == "10.5.0"


class TestShape:
    @pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.json")))
    def test_bodies_are_written_as_php_writes_them(self, name: str) -> None:
        raw = recorded(name)["raw_body"]
        if name != "ping":
            assert php.encode(json.loads(raw)).decode() == raw

    def test_a_product_has_the_keys_of_a_real_one_in_their_order(self, store: Store) -> None:
        number = store.product("A")
        real = json.loads(recorded("product.updated")["raw_body"])
        assert list(store.get(f"products/{number}")) == list(real)

    def test_a_variation_has_the_keys_of_a_real_one(self, store: Store) -> None:
        parent, child = variable(store)
        store.put(f"products/{parent}/variations/{child}", {"manage_stock": True, "stock_quantity": 8})
        real = json.loads(recorded("product.updated.variation")["raw_body"])
        mine = store.get(f"products/{child}")
        assert list(mine) == list(real)
        assert {key: mine[key] for key in ("type", "parent_id", "name")} == {
            "type": "variation",
            "parent_id": parent,
            "name": "Shirt - M",
        }
        assert types(mine) == types(real)

    def test_an_order_has_the_keys_of_a_real_one(self, store: Store) -> None:
        order = store.order((store.product("A"), 1), payment_method="bacs")
        real = json.loads(recorded("order.created")["raw_body"])
        assert list(order) == list(real)
        assert list(order["line_items"][0]) == list(real["line_items"][0])
        assert order["line_items"][0]["meta_data"][0].keys() == real["line_items"][0]["meta_data"][0].keys()
        assert types(order) == types(real)

    @pytest.mark.parametrize(("schema", "path"), [("product", "products"), ("shop_order", "orders")])
    def test_nothing_that_the_published_schema_names_is_missing(
        self, store: Store, specs_dir: Path, schema: str, path: str
    ) -> None:
        number = store.product("A")
        store.order((number, 1))
        text = (specs_dir / "woocommerce" / "woocommerce-openapi-3.0.x.yml").read_text(encoding="utf-8")
        named = yaml.safe_load(text)["components"]["schemas"][schema]["properties"]
        # What a request may say and an answer does not show.
        assert set(named) - set(store.get(path)[0]) <= {"set_paid"}


class TestStockOverRest:
    @pytest.mark.parametrize("bad", [3.7, "abc", True])
    def test_refused(self, store: Store, bad: Any) -> None:
        number = store.product("A")
        assert refused(store.api.put(f"products/{number}", {"stock_quantity": bad})) == (400, "rest_invalid_param")
        assert store.stock("A") == 10

    @pytest.mark.parametrize(("given", "kept", "status"), [
        ("12", 12, "instock"),
        (-4, -4, "outofstock"),
        (None, 0, "outofstock"),
    ])  # fmt: skip
    def test_taken(self, store: Store, given: Any, kept: int, status: str) -> None:
        answer = store.put(f"products/{store.product('A')}", {"stock_quantity": given})
        assert (answer["stock_quantity"], answer["stock_status"]) == (kept, status)

    def test_unmanaged_has_no_quantity(self, store: Store) -> None:
        number = store.product("A")
        answer = store.put(f"products/{number}", {"manage_stock": False})
        assert answer["stock_quantity"] is None
        assert store.put(f"products/{number}", {"stock_quantity": 5})["stock_quantity"] is None

    def test_a_variation_is_written_under_its_parent(self, store: Store) -> None:
        parent, child = variable(store)
        answer = store.api.put(f"products/{child}", {"stock_quantity": 3})
        assert refused(answer) == (404, "woocommerce_rest_invalid_product_id")
        path = f"products/{parent}/variations/{child}"
        assert store.put(path, {"manage_stock": True, "stock_quantity": 3})["stock_quantity"] == 3

    def test_stock_kept_on_the_parent(self, store: Store) -> None:
        parent, child = variable(store, manage_stock=True, stock_quantity=7)
        shown = store.get(f"products/{parent}/variations/{child}")
        assert (shown["manage_stock"], shown["stock_quantity"]) == ("parent", 7)
        store.order((parent, 0), line_items=[{"product_id": parent, "variation_id": child, "quantity": 2}])
        assert store.get(f"products/{parent}")["stock_quantity"] == 5


class TestUnique:
    def test_sku(self, store: Store) -> None:
        number = store.product("A")
        answer = store.api.post("products", {"name": "B", "sku": "a"})
        assert refused(answer) == (400, "product_invalid_sku")
        assert answer.json()["data"]["resource_id"] == number
        store.delete(f"products/{number}")
        store.product("A")

    def test_gtin(self, store: Store) -> None:
        number = store.product("A", global_unique_id="4006381333931")
        body = {"name": "B", "global_unique_id": "4006381333931"}
        assert refused(store.api.post("products", body)) == (400, "product_invalid_global_unique_id")
        assert store.put(f"products/{number}", {"global_unique_id": "not-a-gtin!"})["global_unique_id"] == "--"


class TestLists:
    def test_pages(self, store: Store) -> None:
        for at in range(5):
            store.product(f"P{at}")
        answer = store.api.get("products", params={"per_page": 2, "page": 2, "orderby": "id", "order": "asc"})
        assert [row["sku"] for row in answer.json()] == ["P2", "P3"]
        assert (answer.headers["X-WP-Total"], answer.headers["X-WP-TotalPages"]) == ("5", "3")
        assert 'rel="prev"' in answer.headers["Link"]
        assert 'rel="next"' in answer.headers["Link"]
        assert refused(store.api.get("products", params={"per_page": 101})) == (400, "rest_invalid_param")

    def test_modified_after_is_strict_and_of_one_second(self, store: Store) -> None:
        number = store.product("A")
        modified = store.get(f"products/{number}")["date_modified_gmt"]
        assert store.get("products", modified_after=modified, dates_are_gmt="true") == []
        store.control("clock", advance=2)
        store.order((number, 1))
        found = store.get("products", modified_after=modified, dates_are_gmt="true")
        assert [row["id"] for row in found] == [number]
        # Without dates_are_gmt the same text means site-local time, one or two hours earlier.
        assert len(store.get("products", modified_after=modified)) == 1

    def test_variations_are_only_found_by_sku_or_under_their_own_routes(self, store: Store) -> None:
        parent, child = variable(store)
        assert [row["id"] for row in store.get("products")] == [parent]
        assert [row["id"] for row in store.get("products", sku="SHIRT-M,NONE")] == [child]
        assert [row["id"] for row in store.get(f"products/{parent}/variations")] == [child]
        assert [row["parent_id"] for row in store.get("variations")] == [parent]

    def test_a_change_of_a_variation_shows_its_parent_too(self, store: Store) -> None:
        parent, child = variable(store)
        before = store.get(f"products/{parent}")["date_modified_gmt"]
        store.control("clock", advance=5)
        store.put(f"products/{parent}/variations/{child}", {"regular_price": "9.00"})
        for path in ("products", f"products/{parent}/variations"):
            assert len(store.get(path, modified_after=before, dates_are_gmt="true")) == 1

    def test_search_does_not_find_a_gtin(self, store: Store) -> None:
        store.product("A", global_unique_id="4006381333931")
        assert store.get("products", search="4006381333931") == []
        assert len(store.get("products", global_unique_id="4006381333931")) == 1

    def test_the_bin_is_left_out(self, store: Store) -> None:
        number = store.product("A")
        store.delete(f"products/{number}")
        assert store.get("products") == []
        assert [row["id"] for row in store.get("products", status="trash")] == [number]
        assert store.put(f"products/{number}", {"status": "publish"})["status"] == "publish"
        store.delete(f"products/{number}", force="true")
        assert store.api.get(f"products/{number}").json()["code"] == "woocommerce_rest_product_invalid_id"


class TestBatch:
    def test_each_row_fails_alone(self, store: Store) -> None:
        number = store.product("A")
        rows = [{"id": number, "stock_quantity": 4}, {"id": 9999, "stock_quantity": 4}]
        done, failed = store.post("products/batch", {"update": rows}, 200)["update"]
        assert done["stock_quantity"] == 4
        assert (failed["id"], failed["error"]["code"]) == (9999, "woocommerce_rest_product_invalid_id")

    def test_no_more_than_100(self, store: Store) -> None:
        rows = [{"id": at} for at in range(101)]
        answer = store.api.post("products/batch", {"update": rows})
        assert refused(answer) == (413, "woocommerce_rest_request_entity_too_large")


class TestFaults:
    def test_partial(self, store: Store) -> None:
        numbers = [store.product(sku) for sku in "ABC"]
        store.fault("partial", "products.batch", keys=[numbers[1]])
        rows = store.post("products/batch", {"update": [{"id": n, "stock_quantity": 1} for n in numbers]}, 200)
        assert ["error" in row for row in rows["update"]] == [False, True, False]

    def test_not_applied(self, store: Store) -> None:
        number = store.product("A")
        store.fault("not_applied", "products.update")
        assert store.put(f"products/{number}", {"stock_quantity": 3})["stock_quantity"] == 3
        assert store.stock("A") == 10

    def test_stuck_and_empty_lists(self, store: Store) -> None:
        for at in range(3):
            store.product(f"P{at}")
        first = store.get("products", per_page=1)
        store.fault("stuck_cursor", "products.list")
        assert store.get("products", per_page=1, page=2) == first
        store.fault("empty_list", "products.list")
        assert store.get("products") == []

    def test_html_redirect_and_refusals(self, store: Store) -> None:
        store.fault("html")
        assert store.api.get("products").headers["Content-Type"].startswith("text/html")
        store.fault("redirect", "products.*", location="https://elsewhere.example/")
        answer = store.api.get("products", allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (301, "https://elsewhere.example/")
        store.fault("unauthorised")
        assert refused(store.api.get("products")) == (401, "woocommerce_rest_cannot_view")
        store.fault("throttle", retry_after=7)
        answer = store.api.get("products")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")

    def test_operations_are_logged(self, store: Store) -> None:
        store.get(f"products/{store.product('A')}")
        assert [entry["op"] for entry in store.look("requests")] == ["products.create", "products.get"]


class TestLife:
    def test_seeded_once(self, store: Store) -> None:
        first = store.control("seed", products=200, variable=40)
        assert first["products"] == 200
        assert first["variations"] > 100
        assert store.control("seed", products=200, variable=40) == first
        rows = [row for page in (1, 2) for row in store.get("products", per_page=100, page=page)]
        assert sum(row["type"] == "variable" for row in rows) == 40
        assert sum(row["sku"] == "" for row in rows) == 4
        assert sum(row["type"] == "simple" and not row["manage_stock"] for row in rows) == 5

    def test_state_outlives_the_process(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        with open_store(path) as store:
            number = store.product("A")
            store.order((number, 2))
        with open_store(path) as store:
            assert store.get(f"products/{number}")["stock_quantity"] == 8
            assert refused(store.api.post("products", {"name": "B", "sku": "A"}))[1] == "product_invalid_sku"
            assert store.product("B") > number + 1

    def test_absolute_writes_lose_sales_and_orders_do_not(self, store: Store) -> None:
        number = store.product("A", 44)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: store.order((number, 1)), range(12)))
        assert store.stock("A") == 32
        store.put(f"products/{number}", {"stock_quantity": 90})
        assert store.stock("A") == 90

    def test_workers_and_latency_bound_the_pace(self) -> None:
        with open_store(latency={"get": 0.05}, php_workers=1) as store:
            number = store.product("A")
            with ThreadPoolExecutor(4) as pool:
                spent = list(pool.map(lambda _: store.api.get(f"products/{number}").elapsed, range(4)))
            assert max(spent).total_seconds() >= 0.19


def variable(store: Store, **more: Any) -> tuple[int, int]:
    attributes = [{"name": "Size", "variation": True, "options": ["S", "M"]}]
    body = {"name": "Shirt", "type": "variable", "sku": "SHIRT", "attributes": attributes}
    parent = store.post("products", body | more)["id"]
    option = {"attributes": [{"name": "Size", "option": "M"}], "sku": "SHIRT-M", "regular_price": "19.90"}
    child = store.post(f"products/{parent}/variations", option)["id"]
    return parent, child


def types(body: dict[str, Any]) -> dict[str, str]:
    """The kind of each value, null and number told apart from text."""
    return {key: type(value).__name__ for key, value in body.items() if value is not None and value != []}
