"""Pictures are looked at over real HTTP, through the guard, and asked about again only when it is time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, FacetRow, ImageRow, Listing
from bridge.domain.checks import ImageFact, Limits
from bridge.flows import image_rounds, images
from bridge.flows.looking import Known, Looker
from bridge.ports.http import HttpServices, Transport
from tests.support.pictures import jpeg, png
from tests.support.rogue import Caller, Rogue, rogue
from tests.support.world import World

DAY = 24 * 3600


@pytest.fixture
def host() -> Iterator[Rogue]:
    with rogue() as server:
        yield server


@pytest.fixture
def world(database_url: str, host: Rogue) -> Iterator[World]:
    world = World(database_url, markets=1)
    services = HttpServices.build(allowed_hosts=[host.url.removeprefix("http://")])
    world.engine = replace(
        world.engine, make_transport=lambda row, adapter: Transport(account="store", services=services, trusted_hosts=["10.0.0.1"])
    )  # fmt: skip
    yield world
    world.close()


def store(world: World) -> Connection:
    with world.db.read(1) as session:
        return session.scalars(select(Connection).where(Connection.role == "platform")).one()


def refresh(world: World, *urls: str) -> dict[str, ImageFact]:
    with world.db.read(1) as session:
        items = images.due(session, urls, world.clock())
    images.look(world.engine, store(world), items)
    with world.db.read(1) as session:
        return images.facts(session, urls)


def part(data: bytes, **headers: str) -> Any:
    """As most servers answer: a part where one is asked for, and nothing where nothing changed."""

    def act(caller: Caller) -> None:
        if caller.headers.get("if-none-match") == headers.get("ETag", "-"):
            caller.answer(304)
            return
        size = int(caller.headers["range"].rpartition("-")[2]) + 1 if "range" in caller.headers else len(data)
        first, total = data[:size], f"bytes 0-{size - 1}/{len(data)}"
        caller.answer(206 if "range" in caller.headers else 200, first, kind="image/x", Content_Range=total, **headers)

    return act


def test_what_stands_at_an_address(world: World, host: Rogue) -> None:
    good = host.on("/good.png", part(png(800, 600, padding=400_000)))
    deep = host.on("/deep.jpg", part(jpeg(1200, 900, before=300_000)))
    whole = host.answers("/whole.gif", 200, b"GIF89a\x03\x00\x04\x00...", kind="text/plain")
    moved = host.answers("/moved.png", 302, Location="/good.png")
    page = host.answers("/page.jpg", 200, b"<html>sorry</html>", kind="text/html")
    inside = host.answers("/inside.png", 302, Location="http://10.0.0.1/secret.png")
    around = host.answers("/around.png", 302, Location="/around.png")
    gone, odd = host.url + "/gone.png", "ftp://shop.test/x.png"
    found = refresh(world, good, deep, whole, moved, page, inside, around, gone, odd)
    assert found[good] == ImageFact(
        content_type="image/png", width=800, height=600, size=len(png(800, 600, padding=400_000))
    )
    assert (found[deep].width, found[deep].height, found[deep].size) == (
        1200,
        900,
        len(jpeg(1200, 900, before=300_000)),
    )
    assert found[whole] == ImageFact(content_type="image/gif", width=3, height=4, size=13)
    assert found[moved] == found[good]
    errors = {url: found[url].error for url in (page, inside, around, gone, odd)}
    assert errors[page] == "cannot be used: there is a web page at its address, not a picture"
    assert errors[inside] == "cannot be loaded: its address is private"
    assert errors[around] == "cannot be loaded: its address redirects too often"
    assert errors[gone] == "cannot be loaded (404)"
    assert "https://" in errors[odd]
    # Of a large picture only the beginning was asked for, and more only where its size stood further on.
    ranges = [call.headers.get("range") for call in host.calls if call.path == "/deep.jpg"]
    assert ranges == ["bytes=0-262143", None]


@pytest.mark.both_databases
def test_asked_again_only_when_it_is_time_and_only_whether_it_changed(world: World, host: Rogue) -> None:
    url = host.on("/a.png", part(png(10, 10), ETag='"1"'))
    refresh(world, url, url)
    refresh(world, url)
    assert len(host.calls) == 1
    world.clock.advance(8 * DAY)
    assert refresh(world, url)[url].width == 10
    assert [call.headers.get("if-none-match") for call in host.calls] == [None, '"1"']
    world.clock.advance(8 * DAY)
    host.on("/a.png", part(png(20, 10), ETag='"2"'))
    assert refresh(world, url)[url].width == 20


def test_a_passing_fault_spoils_nothing_and_a_lasting_one_is_looked_at_again_soon(world: World, host: Rogue) -> None:
    url = host.on("/a.png", part(png(10, 10)))
    refresh(world, url)
    world.clock.advance(8 * DAY)
    host.answers("/a.png", 503)
    assert refresh(world, url)[url] == ImageFact(content_type="image/png", width=10, height=10, size=len(png(10, 10)))
    world.clock.advance(700)
    host.answers("/a.png", 410)
    assert refresh(world, url)[url].error == "cannot be loaded (410)"
    world.clock.advance(3700)
    host.on("/a.png", part(png(30, 10)))
    assert refresh(world, url)[url] == ImageFact(content_type="image/png", width=30, height=10, size=len(png(30, 10)))


def test_a_picture_without_end_is_not_read_to_its_end(host: Rogue) -> None:
    def endless(caller: Caller) -> None:
        caller.raw(b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\n\r\n" + png(10, 10, padding=300_000))

    looker = Looker(HttpServices.build(allowed_hosts=[host.url.removeprefix("http://")]), most_bytes=100_000)
    [seen] = looker.look([Known(host.on("/big.png", endless))])
    looker.close()
    assert seen.fact is not None
    assert seen.fact.error.startswith("is larger than")


def test_names_that_lead_nowhere_are_not_looked_up(world: World) -> None:
    assert refresh(world, "https://images.example/1.jpg") == {}


@pytest.mark.both_databases
def test_the_pictures_of_a_shop_are_gone_through_and_what_turns_out_to_matter_is_sent_otherwise(
    world: World, host: Rogue
) -> None:
    market = world.markets[0]
    market.manifest = market.manifest.model_copy(
        update={"checks": Limits.model_validate({"images": {"min_width": 5, "min_count": 1}})}
    )
    world.engine = replace(world.new_engine(), make_transport=world.engine.make_transport)
    small, good = host.on("/1.png", part(png(1, 1))), host.on("/2.png", part(png(9, 9)))
    for sku, image in (("A", good), ("B", small)):
        key = world.store.add(sku, 1)
        product = world.store.products[key]
        variants = (product.variants[0].model_copy(update={"image": image}),)
        world.store.products[key] = product.model_copy(update={"images": (small,), "variants": variants})
    world.settle(600, step=60)
    # Both were offered before anybody had looked.
    with world.db.read(1) as session:
        assert sorted(session.scalars(select(ImageRow.width))) == [1, 9]
        rows = {row.sku: row for row in session.scalars(select(Listing))}
        content = {
            row.listing_id: row.acked for row in session.scalars(select(FacetRow).where(FacetRow.facet == "content"))
        }
    assert [item["rule"] for item in rows["A"].findings] == ["image_small"]
    assert content[rows["A"].id]["images"] == [good]
    assert [(item["rule"], item["blocking"]) for item in rows["B"].findings] == [
        ("image_small", False),
        ("images_few", True),
    ]
    looked = len(host.calls)
    assert image_rounds.refresh_shop(world.engine, store(world)) == 0
    assert len(host.calls) == looked
