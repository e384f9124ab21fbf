"""What a marketplace is told of a carrier, and the table in which a merchant says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.db.tables import Connection
from bridge.flows import carriers
from bridge.flows.forms import FieldErrors
from bridge.ports.manifest import Manifest
from tests.support.world import World

CARRIERS = {"postnl": "TNT", "dhlparcel": "DHLFORYOU"}
MANIFEST = Manifest(name="m", title="M", kind="channel", capabilities=frozenset(), carriers=CARRIERS)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


class Own:
    """The marketplace's way of finding a carrier."""

    def carrier_code(self, carrier: str, _tracking: str) -> str:
        return f"own:{carrier}"


@pytest.mark.parametrize(
    ("name", "settings", "code"),
    [
        ("PostNL", {}, "own:PostNL"),
        ("Post-NL ", {"carriers": ["post nl=PNL"]}, "PNL"),
        ("Почта", {"carriers": ["почта=RUS"]}, "RUS"),
        ("a=b", {"carriers": ["a=b=CODE"]}, "CODE"),
        ("Bote", {"carrier_rest": "OTHER"}, "OTHER"),
        ("", {"carrier_rest": "OTHER"}, "OTHER"),
        ("Post NL", {"carrier_rest": "OTHER"}, "own:Post NL"),
        ("dhlforyou", {"carrier_rest": "OTHER"}, "own:dhlforyou"),
        ("Bote", {"carriers": ["bote=B1"], "carrier_rest": "OTHER"}, "B1"),
    ],
)
def test_the_merchants_table_counts_first(name: str, settings: dict[str, Any], code: str) -> None:
    own: Any = Own()
    row = Connection(settings=settings)
    assert carriers.code_for(row, MANIFEST, own, name, "3S") == code


def test_the_table_is_kept_line_by_line() -> None:
    lines = [("DHL, Paket", "DHL"), ("", ""), ("Bote", ""), (" Post  NL ", "TNT")]
    assert carriers.written(lines) == ["DHL Paket=DHL", "Post NL=TNT"]
    with pytest.raises(FieldErrors) as wrong:
        carriers.written([("?", "X"), ("DHL", "a=b"), ("GLS", "G"), ("gls", "H")])
    assert set(wrong.value.errors) == {"name.0", "code.1", "name.3"}


@pytest.mark.both_databases
def test_a_parcel_is_confirmed_with_the_merchants_code(world: World) -> None:
    world.store.add("A", 5)
    world.settle(60, step=60)
    with world.db.read(1) as session:
        channel = session.get_one(Connection, 2)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    shown = []
    for number, settings in (("3S1", {}), ("3S2", {"carriers": ["PostNL=MINE"]})):

        def act(session: Any, settings: dict[str, Any] = settings) -> None:
            row = session.get_one(Connection, channel.id)
            row.settings = {**row.settings, **settings}

        world.db.transact(1, act)
        [order] = world.store.orders.values()
        world.store.ship(order.external_id, number, {order.lines[0].external_id: 1}, complete=number == "3S2")
        world.hint_order(order.external_id)
        world.settle(600)
        with world.db.read(1) as session:
            row = session.get_one(Connection, channel.id)
            shown.append(carriers.lines(session, row, world.engine.manifest(row)))
            offered = carriers.codes(session, row, world.engine.manifest(row))
    assert [parcel.carrier for parcel in world.markets[0].parcels[key]] == ["TNT", "MINE"]
    assert [(line.name, line.code, line.seen, line.told) for line in shown[0]] == [("PostNL", "", 1, "TNT")]
    assert [(line.name, line.code, line.seen) for line in shown[1]] == [("PostNL", "MINE", 2)]
    assert offered == ["MINE", "TNT"]
