"""Who may see the page, and change anything by it: tokens and signatures that are too old or of another shop, other sites that
frame the page or forge its forms, people who may only look.

What proves who is asking is another thing in each frame, so that each has its own test here, in front of a bridge that is a
server (tests/web/test_safety.py goes through every route without a browser).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bridge.db.tables import Connection
from bridge.web import places
from tests.support import desks
from tests.support.house import House, session_token
from tests.support.seats import Seat
from tests.support.stack import PII

pytestmark = pytest.mark.timeout(400)
Sit = Callable[..., Seat]
OTHER = "other.myshopify.com"
EVERYWHERE = tuple(page.path for page in places.PAGES if page.menu)


def in_frames(*frames: str) -> Any:
    return pytest.mark.parametrize("house", frames, indirect=True)


def is_paused(house: House) -> bool:
    return house.connection("channel").state == "paused"


@in_frames("shopify")
def test_shopifys_tokens(house: House, sit: Sit) -> None:
    """One that has run out while the page was open is asked for anew, once; if that is no better the page says so, and
    works again as soon as there is a good one. That of another shop shows nothing of ours."""
    seat = sit()
    seat.open()
    asked = watched(seat, house)
    good, seat.desk.mint = seat.desk.mint, lambda: session_token(exp=1)
    seat.go("orders")
    assert [status for _, status in asked] == [401, 401]
    assert seat.place.get_by_role("alert").count() == 1
    seat.do("pause")
    assert not is_paused(house)
    assert [method for method, status in asked if status == 401] == ["GET", "GET", "POST", "POST"]
    tries = iter([session_token(exp=1), session_token()])
    seat.desk.mint = lambda: next(tries)
    seat.go("orders")
    assert seat.title == "Orders", "the second token was good"
    seat.desk.mint = lambda: session_token(OTHER)
    seat.go("listings")
    assert seat.place.get_by_role("alert").count() == 1
    assert seat.place.get_by_text("Product A").count() == 0
    seat.desk.mint = good
    seat.go("listings")
    assert seat.place.get_by_text("Product A").count() >= 1
    assert len(house.rows(Connection)) == 2, "nobody else was let in"


def watched(seat: Seat, house: House) -> list[tuple[str, int]]:
    """Method and status of everything the page asks of the bridge from now on."""
    seen: list[tuple[str, int]] = []

    def note(answer: Any) -> None:
        if answer.url.startswith(f"{house.address}/apps/"):
            seen.append((answer.request.method, answer.status))

    seat.page.on("response", note)
    return seen


@in_frames("shopify")
def test_shopifys_page_is_framed_by_its_admin_and_changed_by_itself_only(house: House, sit: Sit) -> None:
    seat = sit()
    seat.page.goto(seat.desk.address(host=desks.EVIL))
    seat.page.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert seat.page.frames[1].url.startswith("chrome-error:")
    assert any("frame-ancestors" in line for line in seat.said)
    query = {"shop": "sandbox.myshopify.com", "id_token": session_token()}
    forged = httpx.post(
        f"{house.address}/apps/shopify/", params=query, data={"do": "pause", "connection": house.channel_id}
    )
    assert forged.status_code == 401, "an address proves nothing"
    assert not is_paused(house)


@in_frames("wordpress", "magento")
def test_signatures_of_the_module(house: House, sit: Sit) -> None:
    """Too old, of another shop, and of a form that the module did not print."""
    seat = sit()
    seat.open("listings")
    assert seat.place.get_by_text("Product A").count() >= 1
    for change in ({"age": 400.0}, {"age": -400.0}, {"at": f"{house.shop.public_id}/999"}, {"at": "nobody/1"}):
        vars(seat.desk).update(change)
        seat.open("listings")
        assert seat.place.get_by_role("alert").count() == 1, change
        assert seat.place.get_by_text("Product A").count() == 0, change
        vars(seat.desk).update({"age": 0.0, "at": ""})
    seat.open()
    assert seat.place.get_by_text("bol.com").count() >= 1
    for field in seat.place.locator(f'input[name="{desks.NONCE[0]}"]').all():
        field.evaluate("field => field.value = 'stale'")
    seat.page.get_by_role("button", name="Pause bol.com – Sandbox").click()
    seat.page.get_by_text("the nonce is missing").wait_for()
    assert not is_paused(house)


@in_frames("wordpress", "magento")
def test_whoever_may_only_look_finds_nothing_to_press(house: House, sit: Sit) -> None:
    bought = house.sells("A", 1)
    house.settle(40)
    seat = sit()
    seat.desk.can = ["view"]
    for path in (*EVERYWHERE, f"orders/{house.order(bought).id}", f"accounts/{house.channel_id}", "rule", "setup"):
        seat.open(path)
        assert seat.place.locator('.sb [name="do"], .sb [data-do]').count() == 0, path
        assert seat.title, path
    seat.open(f"orders/{house.order(bought).id}")
    assert not any(name in seat.text for name in PII)
    form = {"do": "pause", "connection": str(house.channel_id)}
    forged = seat.desk.post(desks.asked(house.frame, "POST", "", {}, form, ["view"])).json()
    assert forged["status"] == 403
    assert not is_paused(house)
    seat.desk.can = []
    seat.open()
    assert seat.place.get_by_text("bol.com").count() == 0


@in_frames("alone")
def test_no_other_site_frames_or_presses_anything_of_the_page_alone(house: House, sit: Sit) -> None:
    """Another site's form, and a form of our own without its token or from another visitor."""
    seat = sit()
    target = f"{house.address}/"
    form = f'<form method="post" action="{target}"><input name="do" value="pause"><input name="connection" value="{house.channel_id}"><button>Win</button></form>'
    frame = f'<iframe src="{target}"></iframe>'
    evil = urlsplit(desks.EVIL).netloc

    def serve(route: Any) -> None:
        route.fulfill(body=f"<!doctype html><title>x</title>{form}{frame}", headers=desks.HTML)

    seat.page.route(f"**://{evil}/**", serve)
    seat.page.goto(f"{desks.EVIL}/")
    seat.page.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert seat.page.frames[1].url.startswith("chrome-error:")
    with seat.page.expect_response(target) as answer:
        seat.page.get_by_role("button", name="Win").click()
    assert answer.value.status == 403
    assert not is_paused(house)
    seat.open()
    for field in seat.place.locator('[name="csrf"]').all():
        field.evaluate("field => field.value = 'forged'")
    with seat.page.expect_response(target) as answer:
        seat.place.get_by_role("button", name="Pause bol.com – Sandbox").click()
    assert answer.value.status == 403
    assert not is_paused(house)
