"""What is due and how one stands: buyers who ask to cancel, the list by deadline, the seller's score and the buffer that
rises with it. All of it is looked at in the marketplaces and in the store. In WordPress' frame, without a script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from channel_adapters.kaufland.sandbox import create_sandbox
from channel_adapters.kaufland.sandbox.market import Market
from tests.support import kaufland
from tests.support.house import House
from tests.support.seats import Seat
from tests.support.serve import serve

pytestmark = [pytest.mark.timeout(400), pytest.mark.parametrize("house", ["wordpress"], indirect=True)]
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]
DAY = 86400


@pytest.fixture(scope="module")
def market(house: House) -> Iterator[kaufland.Seller]:
    """A marketplace that takes a no for an answer: bol does not. It signs with the time, so it lives in the house's."""
    with pytest.MonkeyPatch.context() as patch, serve(create_sandbox(**kaufland.AT_ONCE)) as url:
        patch.setattr(Market, "now", lambda _market: house.clock().timestamp())
        house.sell_at("kaufland", url.replace("127.0.0.1", "localhost"))
        house.settle(60)
        seller = kaufland.Seller(url)
        yield seller
        seller.http.close()


def number_of(house: House, adapter: str) -> str:
    return str(next(row.id for row in house.rows(type(house.connection("channel"))) if row.adapter == adapter))


def due(seat: Seat) -> list[tuple[str, str, str]]:
    """What is due, by when (ISO 8601), and all that is said of it."""
    rows = seat.place.locator(".sb-table tbody tr").all()
    return [
        (
            str(row.get_by_role("link").inner_text()),
            str(row.locator("time").first.get_attribute("datetime")),
            " ".join(row.inner_text().split()),
        )
        for row in rows
    ]


def test_buyers_ask_to_cancel_one_may_and_one_may_not(
    house: House, market: kaufland.Seller, sit: Sit, broken_rules: Rules
) -> None:
    seat = sit()
    seat.open("settings/returns", connection=number_of(house, "kaufland"))
    seat.fill({"buyer_cancellation": "ask"})
    seat.do("save_cancellations")
    gone, kept = (market.order("A", 1)[0] for _ in range(2))
    house.settle(40)
    assert house.hands.stock_of("A") == 3
    for order in (gone, kept):
        market.control("POST", f"orders/{order}/request-cancellation", {})
    house.settle(40)
    seat.go("orders")
    seat.look("orders with questions", broken_rules)
    assert seat.place.get_by_text("The buyer asks to cancel").count() == 2
    seat.follow("By deadline")
    seat.look("due", broken_rules)
    asked = [text for what, _, text in due(seat) if what == "Answer the buyer, who asks to cancel"]
    assert len(asked) == 2
    assert all("in 3 days" in text for text in asked), asked

    seat.follow(re.compile("^Answer the buyer"), seat.place.locator("tr").filter(has_text=gone))
    seat.look("order asked to be cancelled", broken_rules)
    seat.do("accept")
    house.settle(60)
    assert market.states(gone) == ["cancelled"]
    assert [order["status"] for order in house.orders_of(gone)] == ["cancelled"]
    seat.go(f"orders/{house.order(kept).id}")
    seat.do("refuse")
    house.settle(60)
    assert market.states(kept) == ["need_to_be_sent"]
    assert [order["status"] for order in house.orders_of(kept)] == ["processing"]
    answers = {len(ticket["messages"]) for ticket in market.control("GET", "tickets")}
    assert answers == {2}, "each buyer was told"
    assert (house.hands.stock_of("A"), house.shown("A")) == (4, 4), "the one unit is back, once"
    seat.go("orders")
    assert seat.place.get_by_text("The buyer asks to cancel").count() == 0
    seat.at_peace()


def test_what_is_due_first_stands_first_and_a_return_is_decided_from_there(
    house: House, sit: Sit, broken_rules: Rules
) -> None:
    back, waits = house.sells("B", 1), house.sells("C", 1)
    house.settle(40)
    house.hands.ship(str(house.order(back).store_order_id), "PostNL", "3SBOL0007")
    house.settle(60)
    house.bol.control("POST", "returns", {"order_id": back, "lines": [{"sku": "B", "quantity": 1}]})
    house.settle(40)
    seat = sit()
    seat.open("orders", show="urgent")
    listed = due(seat)
    assert [at for _, at, _ in listed] == sorted(at for _, at, _ in listed)
    assert any(what == "Ship the order" and waits in text for what, _, text in listed)
    [text] = [text for what, _, text in listed if what == "Decide on the return"]
    assert "Soon" not in text
    house.later(1.2 * DAY)
    seat.open("orders", show="urgent")
    seat.look("due soon", broken_rules)
    [text] = [text for what, _, text in due(seat) if what == "Decide on the return"]
    assert re.search("Soon in 1[5-9] hours", text), text
    seat.follow("Decide on the return")
    seat.look("one return", broken_rules)
    seat.fill({"result": "accepted", "condition": "as_new"})
    shelf = house.hands.stock_of("B")
    seat.do("decide")
    house.settle(60)
    [handled] = [line for item in house.bol.control("GET", "returns") for line in item["lines"]]
    assert (handled["order_id"], [result["handlingResult"] for result in handled["results"]]) == (
        back,
        ["RETURN_RECEIVED"],
    )
    assert house.hands.stock_of("B") == shelf + 1
    seat.go("orders", show="urgent")
    assert "Decide on the return" not in seat.text
    seat.at_peace()


def test_near_a_limit_the_buffer_rises_within_its_bound(house: House, sit: Sit, broken_rules: Rules) -> None:
    house.goods(Z=80)
    house.settle(60)
    seat = sit()
    seat.open("settings/stock", connection=str(house.channel_id))
    bound(seat, 4)
    house.bol.control("POST", "orders", {"lines": [{"sku": "Z", "quantity": 1}] * 50})
    bought = house.sells("Z", 1)
    house.settle(60)
    house.hands.cancel(str(house.order(bought).store_order_id))
    house.settle(60)
    assert house.shown("Z") == 80 - 50 - 4
    account = f"accounts/{house.channel_id}"
    seat.go(account)
    seat.look("account with a score", broken_rules)
    assert re.search(
        r"Cancelled by our own fault in 30 days: (1\.9|2) % \(1 of 5\d, at most 2 %\); one more is over the limit",
        seat.text,
    )
    assert re.search(r"Told by bol.*Cancellations: 0 % \(at most 2 %\)", seat.text), "and the marketplace's own, beside"
    assert "4 units more are kept back near a limit, of at most 4" in seat.text
    seat.go("sku", sku="Z")
    assert "and 4 more: Cancelled by our own fault" in seat.text
    seat.go("settings/stock", connection=str(house.channel_id))
    bound(seat, 1)
    house.settle(60)
    assert house.shown("Z") == 80 - 50 - 1
    seat.go()
    assert "1 unit more is kept back near a limit, of at most 1" in seat.text
    seat.at_peace()


def bound(seat: Seat, units: int) -> None:
    """The most that is kept back by itself near a limit."""
    seat.fill({"score_buffer": str(units)})
    seat.do("save_safety")
    assert seat.place.get_by_role("status").count()
