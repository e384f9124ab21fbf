"""The rehearsal in a store that is addressed as a real one: Magento and Shopify, as merchants have set them up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask, Response

from bridge.rehearsal.run import steps
from bridge.rehearsal.world import Plan
from platform_adapters.magento.sandbox import SANDBOX_KEYS
from platform_adapters.magento.sandbox import create_sandbox as magento
from platform_adapters.shopify.sandbox import SANDBOX_SECRET, SANDBOX_TOKEN, Place
from platform_adapters.shopify.sandbox import create_sandbox as shopify
from tests.support.compiled import leftovers
from tests.support.magento import Store
from tests.support.shopify import Shop

COMMAND = [sys.executable, "-m", "bridge.cli", "rehearse"]
FOUR = [part for name, value in SANDBOX_KEYS.items() for part in ("-c", f"{name}={value}")]
MORE_SCOPES = ("write_products", "write_inventory", "write_merchant_managed_fulfillment_orders")
LEAST = ("read_fulfillments", "read_inventory", "read_locations", "read_products", "write_orders")
TWO = [Place(id=101, name="Warehouse"), Place(id=102, name="Shop floor"), Place(id=103, name="Depot", online=False)]
WHOLE = [step.name for step in steps(Plan("", ""))]
pytestmark = pytest.mark.timeout(400)


class Done(NamedTuple):
    """``said`` is what a person reads besides the steps."""

    code: int
    steps: list[dict[str, Any]]
    said: str

    @property
    def names(self) -> list[str]:
        return [step["name"] for step in self.steps]

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [step for step in self.steps if not step["ok"]]


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Done]]:
    """``rehearse("magento", url, ...)`` as a merchant runs it; nothing of its world may be left."""
    folder = tmp_path / "worlds"
    folder.mkdir()

    def run(platform: str, url: str, *more: str) -> Done:
        env: Mapping[str, str] = {
            **os.environ, "TMPDIR": str(folder), "REDIS_URL": "", "DATABASE_URL": "",
            "STOREBRIDGE_PRIVATE_HOSTS": url.removeprefix("http://"),
        }  # fmt: skip
        command = [*COMMAND, "--platform", platform, "--store", url, "--yes", "--json", *more]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=380, env=env, stdin=subprocess.DEVNULL
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert SANDBOX_KEYS["access_token_secret"] not in done.stdout + done.stderr
        assert SANDBOX_TOKEN not in done.stdout + done.stderr
        steps = json.loads(done.stdout)["steps"] if done.stdout else []
        return Done(done.returncode, steps, done.stderr)

    yield run
    assert leftovers(folder) == []


def with_life(store: Any) -> Any:
    """Goods and orders of the store's own, which are none of the rehearsal's business."""
    store.control("seed", products=6, variable=1)
    skus = list(store.look("stock"))
    store.control("checkout", lines=[{"sku": skus[0], "quantity": 1}])
    return store


def orders_by_id(store: Any) -> dict[str, Any]:
    return {str(row.get("entity_id", row.get("id"))): row for row in store.look("orders")}


# -- Magento


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({"bearer": True, "module": True}, ["--token", SANDBOX_KEYS["access_token"]]),
        (
            {"sources": ("north", "south"), "attribute_set": 11, "ean": "ean13", "required": ("material", "brand")},
            [*FOUR, "-s", "gtin_attributes=ean13"],
        ),
    ],
    ids=["bearer and module", "four values, two sources, own attribute set"],
)
def test_the_whole_walk_in_magento(
    rehearse: Callable[..., Done], serve: Callable[..., str], options: dict[str, Any], how: list[str]
) -> None:
    store = with_life(Store(serve(magento(**options))))
    stock, before = store.look("stock"), orders_by_id(store)
    done = rehearse("magento", store.url, *how)
    assert (done.failed, done.code) == ([], 0), done.said
    assert done.names == WHOLE
    assert ("with its module" in done.steps[0]["detail"]) is bool(options.get("module"))
    assert "create three orders" in done.said
    after = orders_by_id(store)
    assert store.look("stock") == stock, "its product is gone, and those of the store are as they were"
    assert {key: after[key] for key in before} == before
    ours = [row for key, row in after.items() if key not in before]
    assert sorted(row["state"] for row in ours) == ["closed", "closed", "complete"]
    stays = [line for line in done.said.splitlines() if line.startswith("Stays in the store")]
    assert sorted(stays) == sorted(
        f"Stays in the store, which deletes no orders: order {row['increment_id']} ({row['status']})" for row in ours
    )


@pytest.mark.parametrize(
    ("options", "how", "words"),
    [
        ({}, [*FOUR, "-c", "access_token_secret=wrong"], "Enter the four values again"),
        ({}, ["--token", SANDBOX_KEYS["access_token"]], "enter all four values instead"),
        ({"denied": ("Magento_Sales",)}, FOUR, "API resources are Sales"),
        ({"denied": ("Magento_InventoryApi",)}, FOUR, "Inventory"),
        ({"ean": "my_ean"}, FOUR, "-s gtin_attributes=CODE"),
    ],
    ids=["a wrong secret", "no bearers", "no sales", "no inventory", "no attribute for the EAN"],
)
def test_magento_refuses_in_one_sentence(
    rehearse: Callable[..., Done], serve: Callable[..., str], options: dict[str, Any], how: list[str], words: str
) -> None:
    store = with_life(Store(serve(magento(**options))))
    stock, before = store.look("stock"), orders_by_id(store)
    done = rehearse("magento", store.url, *how)
    assert (done.code, len(done.steps), done.steps[0]["ok"]) == (1, 1, False), done.steps
    assert words in done.steps[0]["detail"]
    assert (store.look("stock"), orders_by_id(store)) == (stock, before)


def test_what_fails_half_way_in_magento_is_tidied_up(rehearse: Callable[..., Done], serve: Callable[..., str]) -> None:
    store = with_life(Store(serve(magento())))
    stock, before = store.look("stock"), orders_by_id(store)
    store.fault("error", "orders.ship", times=None, status=400)
    done = rehearse("magento", store.url, *FOUR, "--patience", "40")
    assert done.code == 1
    assert done.failed
    assert set(store.look("stock")) == set(stock)
    left = [row["state"] for key, row in orders_by_id(store).items() if key not in before]
    named = [line for line in done.said.splitlines() if line.startswith(("Stays in the store", "Not removed"))]
    assert len(named) >= len(left) > 0


# -- Shopify


@pytest.mark.parametrize(
    ("options", "how"),
    [
        (
            {"https_only": True, "search_lag": 4, "locations": TWO, "lets_open_go": False},
            ["--token", SANDBOX_TOKEN, "--secret", SANDBOX_SECRET],
        ),
        (
            {"taxes_included": False, "development": True, "cancel_seconds": 1, "delay": 0.1},
            ["--token", SANDBOX_TOKEN, "--secret", SANDBOX_SECRET],
        ),
    ],
    ids=["no webhooks, search runs behind, two places", "webhooks, prices without VAT"],
)
def test_the_whole_walk_in_shopify(
    rehearse: Callable[..., Done], serve: Callable[..., str], options: dict[str, Any], how: list[str]
) -> None:
    shop = with_life(Shop(serve(shopify(**options))))
    stock, before = shop.look("stock"), orders_by_id(shop)
    done = rehearse("shopify", shop.url, *how)
    assert (done.failed, done.code) == ([], 0), done.said
    assert done.names == WHOLE
    assert (shop.look("stock"), orders_by_id(shop)) == (stock, before)
    assert shop.look("subscriptions") == []
    assert "Not removed" not in done.said
    assert ("no webhooks" in done.steps[0]["detail"]) is ("--secret" not in how or "https_only" in options)
    [back] = [step["detail"] for step in done.steps if step["detail"].startswith("return ")]
    assert "-R1 in the store): accepted there" in back


@pytest.mark.parametrize(
    ("options", "how", "words"),
    [
        ({}, ["--token", "shpat_wrong"], "enter a new access token"),
        *(
            ({"scopes": tuple({*LEAST, *MORE_SCOPES} - {lost})}, ["--token", SANDBOX_TOKEN], lost)
            for lost in MORE_SCOPES
        ),
        ({"scopes": tuple({*LEAST, *MORE_SCOPES} - {"write_orders"})}, ["--token", SANDBOX_TOKEN], "write_orders"),
        ({"locations": [TWO[2]]}, ["--token", SANDBOX_TOKEN], "-s locations=NAME"),
        ({}, ["--token", SANDBOX_TOKEN, "-s", "locations=Nowhere"], "no location Nowhere"),
        ({"currency": "USD"}, ["--token", SANDBOX_TOKEN], "connect a store that sells in it"),
        (
            {"currency": "USD"},
            ["--token", SANDBOX_TOKEN, "--channel", "amazon"],
            "sells in DE, FR, in EUR, and the store in USD",
        ),
    ],
    ids=[
        "a wrong token",
        *(f"no {lost}" for lost in MORE_SCOPES),
        "no write_orders",
        "no place",
        "a strange place",
        "USD",
        "USD where the marketplace has a country of it, and its sandbox none",
    ],
)
def test_shopify_refuses_in_one_sentence(
    rehearse: Callable[..., Done], serve: Callable[..., str], options: dict[str, Any], how: list[str], words: str
) -> None:
    shop = with_life(Shop(serve(shopify(**options))))
    stock, before = shop.look("stock"), orders_by_id(shop)
    done = rehearse("shopify", shop.url, *how)
    assert (done.code, len(done.failed)) == (1, 1), done.steps
    assert words in done.failed[0]["detail"]
    assert (shop.look("stock"), orders_by_id(shop), shop.look("subscriptions")) == (stock, before, [])


def test_what_fails_half_way_in_shopify_is_tidied_up(rehearse: Callable[..., Done], serve: Callable[..., str]) -> None:
    shop = with_life(Shop(serve(shopify(search_lag=3, lets_open_go=False))))
    stock, before = shop.look("stock"), orders_by_id(shop)
    shop.fault("error", "fulfillment_create", times=None, status=500)
    done = rehearse("shopify", shop.url, "--token", SANDBOX_TOKEN, "--patience", "12")
    assert done.code == 1
    assert (shop.look("stock"), orders_by_id(shop)) == (stock, before)


# -- whatever the store is


@pytest.mark.parametrize(("platform", "how"), [("magento", FOUR), ("shopify", ["--token", SANDBOX_TOKEN])])
def test_an_address_with_no_such_store_behind_is_said_so(
    rehearse: Callable[..., Done], serve: Callable[..., str], platform: str, how: list[str]
) -> None:
    other = Flask("another")
    other.errorhandler(404)(lambda _error: Response("<h1>Not here</h1>", 404, content_type="text/html"))
    done = rehearse(platform, serve(other), *how)
    assert (done.code, len(done.steps)) == (1, 1)
    assert "address" in done.steps[0]["detail"]
