"""By the keyboard only: the account of a marketplace is connected and a rule is made with Tab, Enter, Space and typing. Where
one is can be seen at every step, goes down the page, and is the field that is wrong when a form comes back.

In WordPress' frame without a script, where the browser does it all, and in Shopify's, where its elements and our script do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.db.tables import Connection, DraftRow
from bridge.flows import admin
from tests.support.house import House
from tests.support.seats import Seat
from tests.support.stack import BOL_SECRET

pytestmark = pytest.mark.timeout(400)
Sit = Callable[..., Seat]
MANY = 80
# What has the focus, through the shadow of an element of Shopify's: its name and value, what it says, where it is, and
# whether that can be seen.
FOCUS = """() => {
    let one = document.activeElement, host = one
    while (one && one.shadowRoot && one.shadowRoot.activeElement) one = one.shadowRoot.activeElement
    const style = getComputedStyle(one), box = one.getBoundingClientRect()
    const ask = (name) => one.getAttribute(name) || host.getAttribute(name) || ''
    return {name: ask('name'), value: ask('value'), act: host.dataset.do || '', text: host.textContent.trim(),
            top: box.top + scrollY, seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none', box: box.width}
}"""


class Keys:
    """Hands on the keyboard. ``order``: how far down the page each stop was."""

    def __init__(self, seat: Seat) -> None:
        self.seat, self.keyboard = seat, seat.page.keyboard
        self.order: list[float] = []

    def at(self) -> dict[str, Any]:
        found: dict[str, Any] = self.seat.place.evaluate(FOCUS)
        return found

    def tab_to(self, **wanted: str) -> None:
        """On with Tab, until the focus is on what has these; it can be seen at every stop."""
        for _ in range(MANY):
            self.keyboard.press("Tab")
            found = self.at()
            if not found["box"]:
                continue
            assert found["seen"], f"nobody sees where one is: {found}"
            self.order.append(found["top"])
            if all(found[name] == value for name, value in wanted.items()):
                return
        raise AssertionError(f"never came to {wanted}; last at {found}")

    def field(self, name: str, text: str) -> None:
        self.tab_to(name=name)
        self.keyboard.press("ControlOrMeta+a")
        self.keyboard.type(text)

    def act(self, do: str) -> None:
        self.tab_to(**({"act": do} if self.seat.is_embedded else {"name": "do", "value": do}))
        with self.seat.turning():
            self.keyboard.press("Enter")


@pytest.mark.parametrize("house", ["wordpress", "shopify"], indirect=True)
def test_an_account_is_connected(house: House, sit: Sit) -> None:
    """A second account of the same marketplace, so that it needs a name: the same form as in the setup."""
    seat = sit(1280)
    seat.open("connect/bol")
    keys = Keys(seat)
    keys.field("client_id", "sandbox-client")
    keys.field("client_secret", "not-the-one")
    keys.tab_to(text="Name and addresses")
    keys.keyboard.press("Space")
    keys.field("account", "second")
    places = admin.sandbox_place(house.engine.channels["bol"], str(house.bol.http.base_url))[1]
    for name, url in places.items():
        keys.field(f"url_{name}", url)
    assert keys.order == sorted(keys.order), "from the top of the page to its end"
    keys.act("connect")
    seat.place.wait_for_selector(":focus", state="attached")  # a field takes it once it is drawn
    here = keys.at()
    assert here["name"] == "client_secret", "one goes on in the field that is wrong"
    assert here["box"]
    keys.keyboard.type(BOL_SECRET)
    keys.act("connect")
    assert "second" in [row.account for row in house.rows(Connection, Connection.role == "channel")]
    seat.at_peace()


@pytest.mark.parametrize("house", ["wordpress", "shopify", "magento"], indirect=True)
def test_a_rule_is_made(house: House, sit: Sit) -> None:
    seat = sit(1280)
    seat.open("rule", of=f"connection:{house.channel_id}", start="buffer")
    keys = Keys(seat)
    keys.field("name", "Kept back")
    keys.tab_to(name="enabled")
    keys.keyboard.press("Space")
    keys.keyboard.press("Space")
    keys.act("save")
    assert [row.kind for row in house.rows(DraftRow)] == ["rules"]
    assert "Kept back" in seat.text
    keys.tab_to(**({"act": "discard"} if seat.is_embedded else {"name": "do", "value": "discard"}))
    with seat.turning():
        keys.keyboard.press("Space")
    assert house.rows(DraftRow) == []
    seat.at_peace()
