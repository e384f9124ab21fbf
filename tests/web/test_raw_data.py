"""The raw data of one order as a file: for whoever may change things, of their own shop, on record; who bought is in it
for those alone who may see customers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.db.tables import Journal, Order
from tests.support import desks
from tests.support.lively import Lively

DO = "raw_data"


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('raw') / 'storebridge.db'}")
    with lively.world.db.write(1) as session:
        order = session.get_one(Order, lively.order(lively.through).id)
        order.raw = {
            "orderId": order.external_id,
            "shipmentDetails": {"surname": "Lovelace"},
            "customer_note": "Bell 3",
        }
        detail = {"operation": "orders.create", "method": "POST", "url": "https://shop.test/orders", "status": 201,
                  "seconds": 0.2, "attempt": 1, "error": None, "sent": "{}", "got": '{"email":"***"}'}  # fmt: skip
        call = Journal(
            at=lively.world.clock(), kind="exchange", text="orders.create", detail=detail, order_ref=order.ref
        )
        session.add(call)
    yield lively
    lively.close()


def downloads(lively: Lively) -> list[tuple[str, str | None]]:
    return [(row.text, row.author) for row in lively.read(Journal, Journal.text.like("the raw data of%"))]


def inside(lively: Lively, path: str, do: str, can: list[str]) -> dict[str, Any]:
    content = desks.asked("wordpress", "POST" if do else "GET", path, {}, {"do": do} if do else {}, can)
    return desks.Inside(lively).answer(content)


def path_of(lively: Lively, external_id: str) -> str:
    return f"orders/{lively.order(external_id).id}"


def test_one_file_tells_all_of_one_order_and_is_on_record(lively: Lively) -> None:
    browser, order = lively.browser(), lively.order(lively.through)
    path = path_of(lively, lively.through)
    before = len(lively.read(Journal))
    assert "Download raw data" in browser.get(path).text
    assert browser.get(f"{path}?do={DO}").mimetype == "text/html"
    assert len(lively.read(Journal)) == before, "looking leaves nothing behind"
    file = browser.post(path, DO)
    assert (file.status_code, file.mimetype) == (200, "application/json")
    assert file.headers["Content-Disposition"].endswith(f"order-{order.external_id}.json")
    told = json.loads(file.data)
    assert told["order"] == order.ref
    assert told["as_the_marketplace_told_it"] == order.raw
    assert told["buyer"] == order.buyer
    assert told["as_the_store_is_given_it"]["ship_to"]["last_name"] == order.buyer["ship_to"]["last_name"]
    assert list(told["steps"]) == [
        "placed", "imported", "stock_lowered", "created", "shipped", "confirmed", "closed",
    ]  # fmt: skip
    assert told["steps"]["created"] == {"state": "done", "at": order.created_at.isoformat()}
    assert told["state"]["lines"][0]["quantity"] == 2
    assert [entry["kind"] for entry in told["what_happened"]].count("parcel") == 2
    mine = lively.read(Journal, Journal.order_ref == order.ref, Journal.kind == "exchange")
    assert [entry["detail"] for entry in told["exchanges"]] == [row.detail for row in mine]
    assert len(mine) == 1
    assert downloads(lively) == [(f"the raw data of order {order.external_id} was downloaded", "admin")]


def test_what_is_private_is_masked_for_whoever_may_not_see_customers(lively: Lively) -> None:
    path, order = path_of(lively, lively.through), lively.order(lively.through)
    assert "is masked" in inside(lively, path, "", ["view", "change"])["html"]
    file = base64.b64decode(inside(lively, path, DO, ["view", "change"])["download"]["base64"])
    told = json.loads(file)
    assert told["as_the_marketplace_told_it"] == {
        "orderId": order.external_id, "shipmentDetails": {"surname": "***"}, "customer_note": "***",
    }  # fmt: skip
    for private in ("last_name", "street", "city", "postcode"):
        assert order.buyer["ship_to"][private] not in file.decode(), private
    assert downloads(lively)[-1] == (
        f"the raw data of order {order.external_id} was downloaded, without its buyer",
        "Anna",
    )


def test_whoever_may_only_look_gets_none(lively: Lively) -> None:
    path, before = path_of(lively, lively.through), downloads(lively)
    assert DO not in inside(lively, path, "", ["view", "customers"])["html"]
    refused = inside(lively, path, DO, ["view", "customers"])
    assert (refused["status"], refused["download"]) == (403, None)
    assert lively.browser().post(f"s/other/{path}", DO).status_code == 404
    assert lively.browser().post(path, DO, token="forged").status_code == 403
    assert downloads(lively) == before


def test_an_order_that_is_not_in_the_store_says_why(lively: Lively) -> None:
    told = json.loads(lively.browser().post(path_of(lively, lively.held), DO).data)
    assert told["as_the_store_is_given_it"] == {"not_made": "OLD is not a product of the store."}
    assert told["state"]["problems"][0]["kind"] == "order_held"
