"""From nothing to live in every frame: the store is there, a marketplace is connected with wrong and then with right credentials,
products are matched, stock and prices set on real products, reviewed, gone live; left in the middle and taken up again in
another browser. Nothing is sent before. Then everything is sent once more, looked at half-way and stopped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.db.tables import Connection, RunRow
from bridge.flows import admin, progress, resend, setup
from tests.support.house import House
from tests.support.seats import FRAMES, NARROW, Seat, house_of
from tests.support.stack import BOL_SECRET

pytestmark = pytest.mark.timeout(400)
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]
STOCK = {"A": 5, "B": 9, "C": 3, "D": 2, "E": 7, "F": 4}
WRONG = "cs_wrong"
ALREADY = "its-name-of-old"  # as product B is called on the account


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A store with products, an account that sells one of them already, and a bridge to which nothing is connected."""
    with ExitStack() as exits:
        house = house_of(str(request.param), tmp_path, exits)
        house.frame = str(request.param)
        house.goods(**STOCK)
        house.bol.control("POST", "offers", {"sku": ALREADY, "ean": house.ean("B"), "stock": 1, "price": 18.5})
        yield house


@pytest.mark.parametrize("house", FRAMES, indirect=True)
def test_from_nothing_to_live(house: House, sit: Sit, broken_rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = sit()
    begin(seat, broken_rules)
    connect_marketplace(seat, broken_rules)
    seat.at_peace()
    seat.page.context.close()
    seat = sit(1280 if house.frame == "wordpress" else NARROW)
    go_on(seat, broken_rules)
    match(seat, broken_rules)
    shape(seat, broken_rules)
    assert house.sent() == [], "nothing goes out before"
    go_live(seat, broken_rules)
    monkeypatch.setattr(resend, "CHUNK", 2)  # so that few products are several parts
    stop_half_way(seat, sit, broken_rules)
    in_german(seat)
    seat.at_peace()


def begin(seat: Seat, broken_rules: Rules) -> None:
    """The store connects itself by being installed; without a module by a form."""
    house = seat.house
    if house.module:
        house.install()
    seat.open()
    if seat.is_embedded:
        house.moved_in()
    seat.look("a new shop", broken_rules)
    seat.follow("Begin the setup")
    if not house.installs:
        connect_store(seat, broken_rules)
    assert "They are being read; you can go on meanwhile." in seat.text
    if house.module:
        assert "changes are known within seconds" in seat.text or "They are in place" in seat.text
    seat.look("welcome", broken_rules)
    house.settle(40)
    seat.go("setup")
    assert "They are read and kept up to date. 6 variants are here." in seat.text
    seat.do("done")


def connect_store(seat: Seat, broken_rules: Rules) -> None:
    house = seat.house
    seat.follow("Connect your store")
    seat.look("stores and marketplaces", broken_rules)
    seat.follow("Connect WooCommerce")
    keys = admin.sandbox_place(house.engine.platforms["woocommerce"], house.store.url)[0]
    seat.fill({**keys, "consumer_secret": WRONG})
    seat.do("connect")
    refused(seat, "consumer_secret")
    seat.look("a store refused", broken_rules)
    seat.fill({"consumer_secret": keys["consumer_secret"]})
    seat.do("connect")
    house.moved_in()


def refused(seat: Seat, secret: str) -> None:
    """The form says so in words, once, beside the secret where one goes on, and shows none."""
    shown = seat.place.content()
    assert WRONG not in shown
    field = seat.place.locator(f'[name="{secret}"]')
    assert field.get_attribute("error" if seat.is_embedded else "aria-invalid")
    said = field.get_attribute("error") if seat.is_embedded else field.locator("xpath=..").inner_text()
    assert "These credentials do not work. Look whether they were copied whole" in said
    assert shown.count("These credentials do not work.") == 1
    assert seat.place.get_by_role("alert").count() == 0
    assert field.evaluate("field => field === document.activeElement"), "one goes on where it is put right"
    assert field.evaluate("field => field.value") == ""


def connect_marketplace(seat: Seat, broken_rules: Rules) -> None:
    house = seat.house
    assert step(seat) == "Connect a marketplace"
    seat.look("no marketplace yet", broken_rules)
    seat.follow("Choose a marketplace")
    seat.fill({"search": "BOL"})
    seat.press("Find")
    seat.look("marketplaces found", broken_rules)
    seat.follow("Connect bol.com")
    places = admin.sandbox_place(house.engine.channels["bol"], str(house.bol.http.base_url))[1]
    seat.unfold("Name and addresses")
    seat.fill({f"url_{name}": url for name, url in places.items()})
    seat.fill({"client_id": "sandbox-client", "client_secret": WRONG})
    seat.look("the form of a marketplace", broken_rules)
    seat.do("connect")
    refused(seat, "client_secret")
    assert house.rows(Connection, Connection.role == "channel") == [], "nothing is kept of what failed"
    seat.look("a marketplace refused", broken_rules)
    seat.fill({"client_secret": BOL_SECRET})
    seat.do("connect")
    house.channel_id = house.connection("channel").id
    assert step(seat) == "Match your products"


def step(seat: Seat) -> str:
    return str(seat.place.get_by_role("heading", level=2).first.inner_text())


def go_on(seat: Seat, broken_rules: Rules) -> None:
    """In another browser, at the step that was left."""
    seat.open()
    assert "2 of 5 steps" in seat.text
    seat.look("overview during the setup", broken_rules)
    seat.follow("Go on with the setup")
    assert step(seat) == "Match your products"
    assert "They are being compared" in seat.text
    assert "No products yet" not in seat.place.content()
    seat.look("match before the comparison")


def match(seat: Seat, broken_rules: Rules) -> None:
    """One product is left out."""
    seat.house.settle(60)
    seat.open("setup")
    assert step(seat) == "Match your products", "reloaded"
    assert counted(seat) == ["6", "0", "0"]
    assert "0 by SKU, 1 by EAN" in seat.text
    seat.look("match", broken_rules)
    seat.fill({"skus": "F"})
    seat.do("exclude")
    assert counted(seat) == ["5", "0", "1"]
    seat.do("done")


def counted(seat: Seat) -> list[str]:
    """Products that can be listed, that lack something, that are left out."""
    return [str(text) for text in seat.place.locator(".sb-figure strong").all_inner_texts()]


def shape(seat: Seat, broken_rules: Rules) -> None:
    """Five real products are shown with what is typed, before it is saved."""
    assert step(seat) == "Stock, prices and orders"
    for sku, units in list(STOCK.items())[:5]:
        assert re.search(rf"\b{sku} Product {sku} {units} 0 {units} €20.00 €20.00", seat.text), seat.text
    assert "Product F" not in seat.text
    seat.look("stock and prices", broken_rules)
    typed = {"buffer": "1", "price_markup": "10", "price_ending": "0.99"}
    seat.fill(typed)
    seat.do("preview")
    assert "With what you have just entered, not saved" in seat.text
    assert re.search(r"\bA Product A 5 1 4 €20.00 €21.99", seat.text)
    seat.do("save")
    seat.open("setup")
    assert "not saved" not in seat.text
    assert re.search(r"\bA Product A 5 1 4 €20.00 €21.99", seat.text), "kept"
    seat.fill({"import_from": "2026-01-02", "import_from.time": "08:30"})
    seat.do("save_orders")
    assert [_typed(seat, name) for name in ("import_from", "import_from.time")] == ["2026-01-02", "08:30"]
    seat.look("stock and prices saved")
    seat.do("done")


def _typed(seat: Seat, name: str) -> str:
    return str(seat.place.locator(f'[name="{name}"]').evaluate("field => field.value"))


def go_live(seat: Seat, broken_rules: Rules) -> None:
    """What was there is taken over, the others arrive: with the buffer off and at the price that was shown."""
    house = seat.house
    assert step(seat) == "Review and go live"
    assert "5 go up or are taken over; 0 wait for what they lack, 1 are excluded" in seat.text
    seat.look("review", broken_rules)
    seat.do("live")
    assert "is live." in seat.place.content()
    seat.look("live", broken_rules)
    house.settle(60)
    assert offers(house) == {house.ean(sku): (STOCK[sku] - 1, Decimal("21.99")) for sku in "ABCDE"}
    assert len(house.bol.control("GET", "offers")) == 5, "none is there twice"
    seat.go()
    assert "5 of 5 steps" in seat.text
    seat.do("dismiss")
    assert "of 5 steps" not in seat.text


def offers(house: House) -> dict[str, tuple[int, Decimal]]:
    """Quantity and price at the marketplace, by EAN."""
    shown = house.bol.control("GET", "offers")
    return {offer["ean"]: (offer["stock"], Decimal(str(offer["price"]))) for offer in shown}


def in_german(seat: Seat) -> None:
    """Longer words have room, too."""
    seat.speak("de")
    for name in setup.STEPS:
        seat.open("setup", step=name)
        assert seat.title == "Einrichtung"
        seat.look(f"{name} in German")


class Worker(threading.Thread):
    """Does what the house has to do, and stands still when so many are done of what is long, until it may go on."""

    def __init__(self, house: House, done: int) -> None:
        super().__init__(daemon=True)
        self.house, self.done, self.ring = house, done, house.engine.ring
        self.halted, self.may_go_on = threading.Event(), threading.Event()
        house.engine.ring = self._rung

    def run(self) -> None:
        self.house.drain()

    def _rung(self, lanes: Iterable[str]) -> None:
        self.ring(lanes)
        long = self.house.rows(RunRow, RunRow.state == "running", RunRow.done >= self.done)
        if long and threading.current_thread() is self and not self.halted.is_set():
            self.halted.set()
            self.may_go_on.wait(200)


@contextmanager
def halted(house: House, done: int) -> Iterator[None]:
    worker = Worker(house, done)
    worker.start()
    try:
        assert worker.halted.wait(200)
        yield
    finally:
        worker.may_go_on.set()
        worker.join(200)
        house.engine.ring = worker.ring
    assert not worker.is_alive()


def stop_half_way(seat: Seat, sit: Sit, broken_rules: Rules) -> None:
    """Long work says how far it is, here and in another browser, and is stopped there."""
    house = seat.house
    seat.go("checks")
    seat.do(f"start:{progress.RESEND}")
    assert "Begins soon" in seat.text
    with halted(house, 2):
        for _ in range(2):
            seat.open("checks")
            assert "2 / 6" in seat.text, "so far it is, also after a reload"
        seat.look("half-way", broken_rules)
        other = sit()
        other.open()
        assert "2 / 6" in other.text
        other.do("stop")
        assert "Stops after this part" in other.text
        other.at_peace()
    [run] = house.rows(RunRow, RunRow.kind == progress.RESEND)
    assert (run.state, run.done) == ("stopped", 4)
    seat.open("checks")
    assert "Stopped" in seat.text
    assert "Left out by a rule" in seat.text
    assert "Blocks" not in seat.text, "what is left out is meant"
    house.settle(40)
    assert offers(house) == {house.ean(sku): (STOCK[sku] - 1, Decimal("21.99")) for sku in "ABCDE"}
