"""What is held of one buyer is handed on and erased on the page of an order and under Data and privacy: by whoever may
change things and see customers, of their own shop, on record."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.db.tables import Journal, Order
from tests.support import desks
from tests.support.lively import Lively

PRIVACY, MAIL = "settings/privacy", "ada@mail.example"
ACTS = ("tell_buyer", "erase_buyer")


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """All orders are one buyer's; one is through, the others are under way."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('buyers') / 'storebridge.db'}")
    with lively.world.db.write(1) as session:
        for row in session.scalars(select(Order)):
            row.buyer = {**row.buyer, "ship_to": {**row.buyer["ship_to"], "email": MAIL}}
    yield lively
    lively.close()


def text(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def order(lively: Lively) -> Order:
    found: Order = lively.order(lively.through)
    return found


def records(lively: Lively) -> list[tuple[str, str | None]]:
    return [(row.text, row.author) for row in lively.read(Journal, Journal.kind == "privacy")]


def inside(lively: Lively, path: str, do: str, can: list[str], **form: str) -> dict[str, Any]:
    content = desks.asked("wordpress", "POST" if do else "GET", path, {}, {"do": do, **form} if do else {}, can)
    return desks.Inside(lively).answer(content)


def test_whoever_may_not_see_customers_or_not_change_anything_gets_nothing(lively: Lively) -> None:
    path, ref = f"orders/{order(lively).id}", order(lively).ref
    for can in (["view", "change"], ["view", "customers"]):
        for place in (path, PRIVACY):
            shown = inside(lively, place, "", can)["html"]
            assert not any(do in shown for do in ACTS), (place, can)
            for do in ACTS:
                refused = inside(lively, place, do, can, buyer=ref, sure="yes")
                assert (refused["status"], refused["download"]) == (403, None), (place, do, can)
    assert records(lively) == []
    assert order(lively).erased_at is None


def test_another_shops_buyers_are_nobodys(lively: Lively) -> None:
    browser, form = lively.browser(), {"buyer": order(lively).ref, "sure": "yes"}
    for do in ACTS:
        assert browser.post(f"s/other/orders/{order(lively).id}", do, **form).status_code == 404
        nobody = browser.post(f"s/other/{PRIVACY}", do, **form)
        assert nobody.status_code == 422
        assert "There is no order" in text(nobody)
    assert records(lively) == []


def test_a_form_from_elsewhere_does_neither(lively: Lively) -> None:
    for do in ACTS:
        forged = lively.browser().post(f"orders/{order(lively).id}", do, token="forged", sure="yes")
        assert forged.status_code == 403
    assert records(lively) == []


def test_what_is_held_is_a_file_wherever_one_asks(lively: Lively) -> None:
    asked = ((f"orders/{order(lively).id}", {}), (PRIVACY, {"buyer": MAIL}), (PRIVACY, {"buyer": order(lively).ref}))
    files = [lively.browser().post(path, "tell_buyer", **form) for path, form in asked]
    for file in files:
        assert file.mimetype == "application/json"
        assert re.match(r"attachment; filename\*=UTF-8''buyer-mem0-\S+\.json", file.headers["Content-Disposition"])
        told = json.loads(file.data)["orders"]
        assert order(lively).ref in [item["order"] for item in told]
        assert {item["buyer"]["ship_to"]["email"] for item in told} == {MAIL}
    assert files[0].data == files[1].data == files[2].data
    told = inside(lively, f"orders/{order(lively).id}", "tell_buyer", ["view", "change", "customers"])
    assert told["download"]["name"].endswith(".json")
    assert [author for _, author in records(lively)] == ["admin"] * 3 + ["Anna"]
    assert all(MAIL not in words for words, _ in records(lively)), "who it was is in no record"


def test_an_end_is_asked_twice_waits_for_parcels_and_is_for_good(lively: Lively) -> None:
    browser, path = lively.browser(), f"orders/{order(lively).id}"
    assert "Enter an order of the buyer" in text(browser.post(PRIVACY, "erase_buyer", buyer=" ", sure="yes"))
    assert "Tick the box if you are sure." in text(browser.post(path, "erase_buyer"))
    waits = browser.post(path, "erase_buyer", sure="yes")
    assert waits.status_code == 422
    assert "still under way and needs its address" in text(waits)
    with lively.world.db.write(1) as session:
        session.execute(update(Order).values(closed_at=lively.world.clock()))
    done = browser.post(path, "erase_buyer", sure="yes")
    assert (done.status_code, order(lively).buyer) == (303, {})
    assert "Erased for good." in text(browser.get(f"{path}?done=erase_buyer"))
    assert "No address is held" in text(browser.get(path))
    assert records(lively)[-1][1] == "admin"
    again = browser.post(PRIVACY, "tell_buyer", buyer=order(lively).ref)
    assert again.status_code == 422
    assert "Nothing is held about this buyer." in text(again)
    assert re.search(r'name="buyer" [^>]*aria-invalid="true"', again.text)
