"""What is kept is the merchant's to shorten, and everything of the shop to delete: by whoever may, confirmed by its name,
with a report. In WordPress' frame at a telephone, without a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.db.tables import Connection, Order, Shop
from tests.browser.test_selling import EVERY, in_frames
from tests.support.house import House
from tests.support.seats import Seat, house_of

pytestmark = pytest.mark.timeout(400)
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]
PAGE = "settings/privacy"


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """One of its own: there is nothing left of it in the end."""
    with ExitStack() as exits:
        house = house_of(str(request.param), tmp_path, exits)
        house.goods(A=5)
        house.attach().settle(60)
        house.frame = str(request.param)
        yield house


def choose(seat: Seat, name: str, value: str) -> None:
    seat.place.locator(f'[name="{name}"][value="{value}"]').check()


@in_frames(*EVERY)
def test_everything_of_the_shop_is_deleted(house: House, sit: Sit, broken_rules: Rules) -> None:
    house.sells("A", 1)
    house.settle(40)
    seat = sit()
    seat.open(PAGE)
    seat.look("data and privacy", broken_rules)
    seat.fill({"records_days": "14", "buyers_days": "30"})
    seat.do("save_keeping")
    assert "Saved." in seat.status()
    assert "14 days" in seat.text

    assert "1 order that is not shipped" in seat.text
    seat.fill({"name": "another"})
    seat.do("erase_shop")
    for text in ("Type the name of the shop as it stands here", "Say when: something is under way.",
                 "Say what shall become of the listings."):  # fmt: skip
        assert text in seat.place.content(), text
    seat.look("not confirmed", broken_rules)
    choose(seat, "when", "over")
    choose(seat, "listings", "zero")
    seat.fill({"name": house.shop.name})
    seat.do("erase_shop")
    assert "Everything is deleted as soon as what is under way is over." in seat.text
    seat.look("a deletion that waits", broken_rules)
    seat.do("keep_shop")
    assert "Taken back." in seat.status()
    assert house.rows(Order)

    choose(seat, "when", "now")
    choose(seat, "listings", "zero")
    seat.fill({"name": house.shop.name})
    report = " ".join(re.sub(r"<[^>]+>", " ", seat.download("erase_shop").decode()).split())
    assert f"{house.shop.name}: everything is deleted" in report
    assert "Orders 1" in report
    assert "Copies of the database" in report
    with house.engine.db.read(None) as session:
        assert session.query(Connection).count() == 0
        assert session.get(Shop, house.shop.id) is None
    assert {offer["stock"] for offer in house.bol.control("GET", "offers")} == {0}
