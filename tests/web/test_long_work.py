"""Long work as a merchant follows it: counts that grow, the same in another browser and after a reload, stopped half-way
by anybody who looks, and gone on with afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.db.tables import Product, RequirementRow, RunRow
from bridge.flows import catalogue, checked, progress
from bridge.web import create_web
from tests.support.editing import ASKED, Kiosk, text
from tests.support.lively import Browser, config
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)
COUNT = 7


class Onlookers:
    """Two browsers of two people, which keep nothing of each other. ``stop_at``: the look after which the second one
    presses the button; nobody presses it while it is 0. What they see is kept and judged later: a worker takes whatever
    is raised meanwhile for a fault of its work."""

    def __init__(self, app: Callable[[], Browser], path: str, of: int) -> None:
        self.one, self.other, self.path, self.of = app(), app(), path, of
        self.pages: list[str] = []
        self.elsewhere: list[str] = []
        self.reloaded: list[str] = []
        self.answers: list[int] = []
        self.after_stop: list[str] = []
        self.stop_at = 0

    def look(self, number: int) -> None:
        self.pages.append(self.here())
        self.elsewhere.append(text(self.other.get(self.path)))
        self.reloaded.append(self.here())
        if len(self.pages) == self.stop_at:
            self.answers.append(self.press(self.other, "stop", run=str(number)))
            self.after_stop += [text(browser.get(self.path)) for browser in (self.one, self.other)]

    def press(self, browser: Browser, do: str, **form: str) -> int:
        """One of the buttons beside the work, which all lead to the page of the checks."""
        found: int = browser.post("checks", do, of=str(self.of), **form).status_code
        return found

    def here(self) -> str:
        return text(self.one.get(self.path))

    def agree(self) -> None:
        """All saw the same each time, also after a reload."""
        seen = [run_in(page) for page in self.pages]
        assert [run_in(page) for page in self.elsewhere] == seen
        assert [run_in(page) for page in self.reloaded] == seen
        assert len(set(seen)) == len(seen) > 2, "it grew from look to look"

    def was_stopped(self) -> None:
        assert self.answers == [303]
        assert ["Stops after this part" in page for page in self.after_stop] == [True, True]

    def again(self) -> None:
        self.pages, self.elsewhere, self.reloaded, self.stop_at = [], [], [], 0


def run_in(page: str) -> str:
    """What a page says of the long work on it, from its first word to its last."""
    begin = page.index(" Running ")
    return page[begin : page.index("You may leave this page; it goes on.", begin)]


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Nothing of the store has been read yet; it tells its seven products two at a time, and none changed of late."""
    world = World(database_url, markets=1)
    world.store.per_page = 2
    for number in range(COUNT):
        key = world.store.add(f"P{number}", 5)
        old = {"modified_at": world.clock() - timedelta(days=30)}
        world.store.products[key] = world.store.products[key].model_copy(update=old)
    yield world
    world.close()


def rows(world: World, kind: str) -> list[RunRow]:
    with world.db.read(1) as session:
        return list(session.scalars(select(RunRow).where(RunRow.kind == kind)))


def known(world: World) -> int:
    with world.db.read(1) as session:
        return len(session.scalars(select(Product.id)).all())


def watch_pages(world: World, onlookers: Onlookers) -> None:
    """They look whenever the store is asked for the next page of its whole catalogue."""
    before = world.store.faults.before.setdefault("list_products", [])

    def look() -> None:
        before.append(look)
        running = [row for row in rows(world, progress.CATALOGUE) if row.state == "running"]
        if running:
            onlookers.look(running[0].id)

    before.append(look)


def test_the_first_import_counts_is_stopped_by_another_and_goes_on(world: World) -> None:
    onlookers = Onlookers(lambda: Browser(create_web(world.engine, config())), "", 1)
    onlookers.stop_at = 3
    watch_pages(world, onlookers)
    world.settle(60)
    onlookers.agree()
    onlookers.was_stopped()
    assert ["so far" in page for page in onlookers.pages] == [False, True, True], "three pages were asked for, no more"
    assert "2 so far" in onlookers.pages[1]
    assert "4 so far" in onlookers.pages[2]
    [run] = rows(world, progress.CATALOGUE)
    assert (run.state, run.done) == ("stopped", 6)
    assert known(world) == 6
    for browser in (onlookers.one, onlookers.other):
        shown = text(browser.get(""))
        assert "The whole catalogue of the store is gone through Stopped" in shown
        assert "Read on" in shown
    world.settle(600, step=100)
    assert (rows(world, progress.CATALOGUE)[0].state, known(world)) == ("stopped", 6), "it does not begin by itself"
    onlookers.again()
    assert onlookers.press(onlookers.other, f"start:{progress.CATALOGUE}") == 303
    assert "Begins soon" in onlookers.here()
    world.settle(200, step=100)
    onlookers.agree()
    assert [f"{2 * page} so far" in shown for page, shown in enumerate(onlookers.pages)] == [False, True, True, True]
    [run] = rows(world, progress.CATALOGUE)
    assert (run.state, run.done, known(world)) == ("done", COUNT, COUNT)
    assert "Read on" not in onlookers.here()


@pytest.fixture
def kiosk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kiosk]:
    """Each product is a part of its own of the check."""
    monkeypatch.setattr(catalogue, "CHUNK", 1)
    kiosk = Kiosk(database_url)
    yield kiosk
    kiosk.world.close()


def watch_parts(onlookers: Onlookers, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They look after each part of the check."""
    goes_on = progress.Run.went_on

    def look(run: progress.Run, more: int) -> bool:
        wanted = goes_on(run, more)
        running = [row for row in rows(kiosk.world, progress.CHECK) if row.state == "running"]
        if running:
            onlookers.look(running[0].id)
        return wanted

    monkeypatch.setattr(progress.Run, "went_on", look)


def asks(kiosk: Kiosk, content: dict[str, Any]) -> None:
    """What the marketplace asks of the one category."""
    with kiosk.world.db.write(1) as session:
        session.execute(update(RequirementRow).values(content=content, changed_at=kiosk.world.clock()))


def blocked(kiosk: Kiosk) -> int:
    with kiosk.world.db.read(1) as session:
        return checked.counts(session, 2).blocked


def test_checking_everything_counts_is_stopped_by_another_and_goes_on(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in ("Mugs", "Lamps"):
        kiosk.post("categories/choose", "choose", of="2", store=store, target="11")
    asks(kiosk, {**ASKED, "attributes": []})
    kiosk.apply("categories", of="2")
    assert blocked(kiosk) == 0
    asks(kiosk, ASKED)
    onlookers = Onlookers(lambda: Browser(create_web(kiosk.world.engine, config())), "checks?of=2", 2)
    onlookers.stop_at = 1
    watch_parts(onlookers, kiosk, monkeypatch)
    assert onlookers.press(onlookers.one, f"start:{progress.CHECK}") == 303
    assert "Begins soon" in onlookers.here()
    kiosk.world.settle(200, step=100)
    onlookers.was_stopped()
    assert ["1 / 3" in page for page in (*onlookers.pages, *onlookers.elsewhere, *onlookers.reloaded)] == [True] * 3
    [run] = rows(kiosk.world, progress.CHECK)
    assert (run.state, run.done, run.total, blocked(kiosk)) == ("stopped", 2, 3, 2), "the third was not reached"
    for browser in (onlookers.one, onlookers.other):
        shown = text(browser.get("checks?of=2"))
        assert "Every product is checked and compared Stopped" in shown
        assert "2 / 3" in shown
    onlookers.again()
    assert onlookers.press(onlookers.other, f"start:{progress.CHECK}") == 303
    kiosk.world.settle(200, step=100)
    onlookers.agree()
    assert [f"{done} / 3" in page for done, page in enumerate(onlookers.pages, 1)] == [True] * 3
    [run] = rows(kiosk.world, progress.CHECK)
    assert (run.state, run.done, blocked(kiosk)) == ("done", 3, 3)
    assert "Done" in onlookers.here()
